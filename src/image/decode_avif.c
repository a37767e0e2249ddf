/* AVIF through libavif: the primary picture (of a sequence, the first), alpha dropped. The container's own rotation and
 * mirror are applied; an EXIF orientation beside them is not, as in the reference's reader (Pillow). */
#include <string.h>

#include <avif/avif.h>

#include "base/memory.h"
#include "image/decode_codecs.h"

static yk__code fail(avifResult result, yk__error *err) {
    if (result == AVIF_RESULT_OUT_OF_MEMORY) return yk__fail(err, YK__MEMORY, "no memory to decode the AVIF picture");
    if (result == AVIF_RESULT_NO_CODEC_AVAILABLE) {
        return yk__fail(err, YK__UNSUPPORTED, "an AVIF picture: libavif was built without an AV1 decoder");
    }
    return yk__fail(err, YK__IMAGE, "damaged AVIF: %s", avifResultToString(result));
}

/* As RGB or, with alpha, RGBA, which are the orders that Pillow asks libavif for; then to BGR. */
static yk__code convert(const avifImage *picture, yk__image *out, yk__error *err) {
    avifRGBImage rgb;
    avifRGBImageSetDefaults(&rgb, picture);
    rgb.depth = 8;
    rgb.format = picture->alphaPlane ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
    size_t pixel_bytes = picture->alphaPlane ? 4 : 3, n_bytes;
    if (!yk__mul_size((size_t)picture->width * pixel_bytes, picture->height, &n_bytes))
        return fail(AVIF_RESULT_OUT_OF_MEMORY, err);
    rgb.rowBytes = (uint32_t)(picture->width * pixel_bytes);
    rgb.pixels = yk__alloc_aligned(n_bytes);
    if (!rgb.pixels) return fail(AVIF_RESULT_OUT_OF_MEMORY, err);
    avifResult result = avifImageYUVToRGB(picture, &rgb);
    yk__code code = result == AVIF_RESULT_OK ? YK__OK : fail(result, err);
    if (code == YK__OK) {
        yk__image_view view = {.format = picture->alphaPlane ? YK__PIXEL_RGBA8 : YK__PIXEL_RGB8,
                               .width = (int32_t)picture->width,
                               .height = (int32_t)picture->height,
                               .planes = {rgb.pixels},
                               .stride_bytes = {rgb.rowBytes}};
        code = yk__image_to_bgr(&view, out, err);
    }
    yk__free_aligned(rgb.pixels, n_bytes);
    return code;
}

/* ISO/IEC 23008-12: first "irot", quarter turns against the clock, then "imir", 0 = top and bottom change places. */
static yk__code transform(const avifImage *picture, yk__image *out, yk__error *err) {
    static const int turn[4] = {1, 8, 3, 6};
    if (picture->transformFlags & AVIF_TRANSFORM_IROT) YK__TRY(yk__image_orient(out, turn[picture->irot.angle & 3], err));
    if (picture->transformFlags & AVIF_TRANSFORM_IMIR) {
#if AVIF_VERSION_MAJOR >= 1
        YK__TRY(yk__image_orient(out, picture->imir.axis ? 2 : 4, err));
#else
        YK__TRY(yk__image_orient(out, picture->imir.mode ? 2 : 4, err));
#endif
    }
    return YK__OK;
}

static yk__code decode(const yk__decode_job *job, avifDecoder *decoder, yk__image *out, yk__error *err) {
    avifResult result = avifDecoderSetIOMemory(decoder, job->bytes, job->size);
    if (result == AVIF_RESULT_OK) result = avifDecoderParse(decoder);
    if (result != AVIF_RESULT_OK) return fail(result, err);
    uint64_t width = decoder->image->width, height = decoder->image->height;
    /* planes of up to 4 x 2 bytes a pixel, and the conversion's 4 */
    YK__TRY(yk__decode_admit(job, width, height, width * height * 12, err));
    result = avifDecoderNextImage(decoder);
    if (result != AVIF_RESULT_OK) return fail(result, err);
    YK__TRY(yk__decode_admit(job, decoder->image->width, decoder->image->height, width * height * 12, err));
    YK__TRY(convert(decoder->image, out, err));
    return transform(decoder->image, out, err);
}

yk__code yk__decode_avif(const yk__decode_job *job, yk__image *out, yk__error *err) {
    avifDecoder *decoder = avifDecoderCreate();
    if (!decoder) return fail(AVIF_RESULT_OUT_OF_MEMORY, err);
    uint64_t max_pixels = job->limits.max_pixels;
    decoder->imageSizeLimit = max_pixels < decoder->imageSizeLimit ? (uint32_t)max_pixels : decoder->imageSizeLimit;
    decoder->ignoreXMP = AVIF_TRUE;
    decoder->ignoreExif = AVIF_TRUE;
    decoder->maxThreads = 1; /* a thread pool of its own would be a surprise in somebody else's process */
    yk__code code = decode(job, decoder, out, err);
    avifDecoderDestroy(decoder);
    return code;
}
