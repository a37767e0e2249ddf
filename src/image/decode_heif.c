/* HEIC through libheif: the primary picture, with the container's rotation, mirror and crop applied.
 *
 * The usual kind (8 bits, 4:2:0, full range, BT.601 matrix) is taken as luma and chroma planes and converted here, because
 * libheif rounds this conversion differently from version to version; what is done is what 1.23, the reference's, does.
 * Everything else is converted by libheif. */
#include <string.h>

#include <libheif/heif.h>

#include "image/decode_codecs.h"

typedef struct heif_state {
    const yk__decode_job *job;
    yk__image *out;
    yk__error *err;
    struct heif_context *context;
    struct heif_image_handle *handle;
    struct heif_image *picture;
} heif_state;

static yk__code fail(const heif_state *s, struct heif_error error) {
    bool lacking = error.code == heif_error_Unsupported_feature || error.code == heif_error_Unsupported_filetype;
    if (lacking) return yk__fail(s->err, YK__UNSUPPORTED, "this kind of HEIC picture is not read: %s", error.message);
    return yk__fail(s->err, YK__IMAGE, "damaged HEIC: %s", error.message);
}

static yk__code no_pixels(const heif_state *s) {
    return yk__fail(s->err, YK__IMAGE, "damaged HEIC: it has no pixels");
}

typedef struct plane {
    const uint8_t *bytes;
    int width, height, stride;
} plane;

static bool get_plane(const heif_state *s, enum heif_channel channel, plane *p) {
    p->bytes = heif_image_get_plane_readonly(s->picture, channel, &p->stride);
    p->width = heif_image_get_width(s->picture, channel);
    p->height = heif_image_get_height(s->picture, channel);
    return p->bytes && p->width > 0 && p->height > 0 && p->stride >= p->width;
}

/* libheif before 1.17 does not say how the file stores chroma; the decoder configuration boxes do (ISO/IEC 14496-15, 8.3.3.1:
 * chromaFormat is in the low 2 bits of byte 16; 1 means 4:2:0, 0 the gray of an alpha picture). */
static bool is_stored_as_420(const yk__decode_job *job) {
    bool found = false;
    const uint8_t *p = job->bytes, *end = job->bytes + job->size;
    while ((p = memmem(p, (size_t)(end - p), "hvcC", 4)) && end - p > 4 + 16) {
        int chroma = p[4 + 16] & 3;
        if (chroma > 1) return false;
        found |= chroma == 1;
        p += 4;
    }
    return found;
}

static bool is_full_range_bt601(const heif_state *s) {
    struct heif_color_profile_nclx *nclx = NULL;
    struct heif_error error = heif_image_get_nclx_color_profile(s->picture, &nclx);
    if (error.code != heif_error_Ok || !nclx) return true; /* what libheif takes it for where nothing is said */
    int matrix = (int)nclx->matrix_coefficients;
    bool fits = nclx->full_range_flag && (matrix == heif_matrix_coefficients_unspecified ||
                                          matrix == heif_matrix_coefficients_ITU_R_BT_470_6_System_B_G ||
                                          matrix == heif_matrix_coefficients_ITU_R_BT_601_6);
    heif_nclx_color_profile_free(nclx);
    return fits;
}

static uint8_t to_byte(int v) {
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* ITU-R BT.601: 1.402, 0.344136, 0.714136 and 1.772 in 1/256, rounded; each chroma sample serves four pixels. */
static void row_to_bgr(const uint8_t *luma, const uint8_t *cb, const uint8_t *cr, uint8_t *to, int width) {
    for (int x = 0; x < width; x++, to += 3) {
        int u = cb[x / 2] - 128, v = cr[x / 2] - 128;
        to[0] = to_byte(luma[x] + ((454 * u + 128) >> 8));
        to[1] = to_byte(luma[x] + ((-88 * u - 183 * v + 128) >> 8));
        to[2] = to_byte(luma[x] + ((359 * v + 128) >> 8));
    }
}

static yk__code convert_planes(const heif_state *s) {
    plane y, cb, cr;
    /* asking for the depth of a channel that is not there ends in an assertion of libheif */
    if (!heif_image_has_channel(s->picture, heif_channel_Y) || !heif_image_has_channel(s->picture, heif_channel_Cb) ||
        !heif_image_has_channel(s->picture, heif_channel_Cr)) {
        return no_pixels(s);
    }
    if (!get_plane(s, heif_channel_Y, &y) || !get_plane(s, heif_channel_Cb, &cb) || !get_plane(s, heif_channel_Cr, &cr))
        return no_pixels(s);
    int chroma_width = (y.width + 1) / 2, chroma_height = (y.height + 1) / 2;
    if (cb.width < chroma_width || cr.width < chroma_width || cb.height < chroma_height || cr.height < chroma_height) {
        return yk__fail(s->err, YK__IMAGE, "damaged HEIC: colour planes of %d x %d for %d x %d pixels", cb.width, cb.height,
                        y.width, y.height);
    }
    YK__TRY(yk__decode_admit(s->job, (uint64_t)y.width, (uint64_t)y.height, 0, s->err));
    YK__TRY(yk__image_create(s->out, y.width, y.height, s->err));
    for (int row = 0; row < y.height; row++) {
        row_to_bgr(y.bytes + (size_t)row * (size_t)y.stride, cb.bytes + (size_t)(row / 2) * (size_t)cb.stride,
                   cr.bytes + (size_t)(row / 2) * (size_t)cr.stride, s->out->pixels + (size_t)row * s->out->stride_bytes,
                   y.width);
    }
    return YK__OK;
}

static yk__code convert_by_libheif(heif_state *s) {
    if (s->picture) heif_image_release(s->picture);
    s->picture = NULL;
    struct heif_error error = heif_decode_image(s->handle, &s->picture, heif_colorspace_RGB, heif_chroma_interleaved_RGB, NULL);
    if (error.code != heif_error_Ok) return fail(s, error);
    plane p;
    p.bytes = heif_image_get_plane_readonly(s->picture, heif_channel_interleaved, &p.stride);
    p.width = heif_image_get_width(s->picture, heif_channel_interleaved);
    p.height = heif_image_get_height(s->picture, heif_channel_interleaved);
    if (!p.bytes || p.width < 1 || p.height < 1 || p.stride < 1) return no_pixels(s);
    YK__TRY(yk__decode_admit(s->job, (uint64_t)p.width, (uint64_t)p.height, 0, s->err));
    yk__image_view view = {.format = YK__PIXEL_RGB8,
                           .width = p.width,
                           .height = p.height,
                           .planes = {p.bytes},
                           .stride_bytes = {(size_t)p.stride}};
    return yk__image_to_bgr(&view, s->out, s->err);
}

static yk__code decode(heif_state *s) {
    struct heif_error error = heif_context_read_from_memory_without_copy(s->context, s->job->bytes, s->job->size, NULL);
    if (error.code == heif_error_Ok) error = heif_context_get_primary_image_handle(s->context, &s->handle);
    if (error.code != heif_error_Ok) return fail(s, error);
    int width = heif_image_handle_get_width(s->handle), height = heif_image_handle_get_height(s->handle);
    if (width < 1 || height < 1) return no_pixels(s);
    /* the codec's planes, libheif's and the RGB picture: at most 3 bytes a pixel each */
    YK__TRY(yk__decode_admit(s->job, (uint64_t)width, (uint64_t)height, (uint64_t)width * (uint64_t)height * 9, s->err));
    if (!is_stored_as_420(s->job) || heif_image_handle_get_luma_bits_per_pixel(s->handle) != 8) return convert_by_libheif(s);
    error = heif_decode_image(s->handle, &s->picture, heif_colorspace_YCbCr, heif_chroma_420, NULL);
    if (error.code != heif_error_Ok) return fail(s, error);
    return is_full_range_bt601(s) ? convert_planes(s) : convert_by_libheif(s);
}

yk__code yk__decode_heif(const yk__decode_job *job, yk__image *out, yk__error *err) {
    heif_state s = {.job = job, .out = out, .err = err, .context = heif_context_alloc()};
    if (!s.context) return yk__fail(err, YK__MEMORY, "no memory for the HEIC reader");
    yk__code code = decode(&s);
    if (s.picture) heif_image_release(s.picture);
    if (s.handle) heif_image_handle_release(s.handle);
    heif_context_free(s.context);
    return code;
}
