/* HEIC through libheif: the primary picture as 8-bit RGB, with the container's rotation, mirror and crop applied. */
#include <string.h>

#include <libheif/heif.h>

#include "image/decode_codecs.h"

static yk__code fail(struct heif_error error, yk__error *err) {
    bool lacking = error.code == heif_error_Unsupported_feature || error.code == heif_error_Unsupported_filetype;
    if (lacking) return yk__fail(err, YK__UNSUPPORTED, "this kind of HEIC picture is not read: %s", error.message);
    return yk__fail(err, YK__IMAGE, "damaged HEIC: %s", error.message);
}

static yk__code copy_pixels(const struct heif_image *picture, const yk__decode_job *job, yk__image *out, yk__error *err) {
    int stride = 0;
    const uint8_t *pixels = heif_image_get_plane_readonly(picture, heif_channel_interleaved, &stride);
    int width = heif_image_get_width(picture, heif_channel_interleaved);
    int height = heif_image_get_height(picture, heif_channel_interleaved);
    if (!pixels || width < 1 || height < 1 || stride < 1) return yk__fail(err, YK__IMAGE, "damaged HEIC: it has no pixels");
    YK__TRY(yk__decode_admit(job, (uint64_t)width, (uint64_t)height, 0, err));
    yk__image_view view = {
        .format = YK__PIXEL_RGB8, .width = width, .height = height, .planes = {pixels}, .stride_bytes = {(size_t)stride}};
    return yk__image_to_bgr(&view, out, err);
}

yk__code yk__decode_heif(const yk__decode_job *job, yk__image *out, yk__error *err) {
    struct heif_image_handle *handle = NULL;
    struct heif_image *picture = NULL;
    yk__code code = YK__OK;
    struct heif_context *context = heif_context_alloc();
    if (!context) return yk__fail(err, YK__MEMORY, "no memory for the HEIC reader");
    struct heif_error error = heif_context_read_from_memory_without_copy(context, job->bytes, job->size, NULL);
    if (error.code == heif_error_Ok) error = heif_context_get_primary_image_handle(context, &handle);
    if (error.code == heif_error_Ok) {
        int width = heif_image_handle_get_width(handle), height = heif_image_handle_get_height(handle);
        uint64_t pixels = (uint64_t)(width > 0 ? width : 0) * (uint64_t)(height > 0 ? height : 0);
        /* the codec's planes, libheif's and the RGB picture: at most 3 bytes a pixel each */
        code = yk__decode_admit(job, width > 0 ? (uint64_t)width : 0, height > 0 ? (uint64_t)height : 0, pixels * 9, err);
        if (code != YK__OK) goto done;
        error = heif_decode_image(handle, &picture, heif_colorspace_RGB, heif_chroma_interleaved_RGB, NULL);
    }
    code = error.code == heif_error_Ok ? copy_pixels(picture, job, out, err) : fail(error, err);
done:
    if (picture) heif_image_release(picture);
    if (handle) heif_image_handle_release(handle);
    heif_context_free(context);
    return code;
}
