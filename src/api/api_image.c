/* Pictures across the public border. A public picture that the library made owns its pixels through `owner`. */
#include "api/api.h"

#include "base/file.h"
#include "image/decode.h"
#include "image/warp.h"

#include <string.h>

yk__code yk__api_view(const yk_image *image, yk__image_view *view, yk__error *err) {
    static const yk__pixel_format formats[] = {YK__PIXEL_BGR8, YK__PIXEL_RGB8, YK__PIXEL_GRAY8, YK__PIXEL_BGRA8,
                                               YK__PIXEL_RGBA8};
    if (!image) return yk__fail(err, YK__ARGUMENT, "the picture must not be NULL");
    if ((int)image->format < 0 || (size_t)image->format >= sizeof formats / sizeof *formats || image->memory != YK_MEMORY_HOST)
        return yk__fail(err, YK__ARGUMENT, "pixel format %d in memory of kind %d is not known", (int)image->format,
                        (int)image->memory);
    if (image->stride[0] < 0) return yk__fail(err, YK__ARGUMENT, "a picture's stride must not be negative");
    *view = (yk__image_view){.format = formats[image->format],
                             .memory = YK__MEMORY_HOST,
                             .width = image->width,
                             .height = image->height,
                             .planes = {image->plane[0]},
                             .stride_bytes = {(size_t)image->stride[0]}};
    return yk__image_view_check(view, err);
}

/* Moves a picture of ours into the public struct. */
static yk__code give(yk__image *from, yk_image *to, yk__error *err) {
    yk__image *owner = yk__alloc(sizeof *owner);
    if (!owner) {
        yk__image_free(from);
        return yk__fail(err, YK__MEMORY, "out of memory for a picture");
    }
    *owner = *from;
    *to = (yk_image){.size = sizeof *to,
                     .format = YK_PIXELS_BGR,
                     .memory = YK_MEMORY_HOST,
                     .width = owner->width,
                     .height = owner->height,
                     .plane = {owner->pixels},
                     .stride = {(ptrdiff_t)owner->stride_bytes},
                     .owner = owner};
    return YK__OK;
}

yk_status yk_image_decode(yk_image *image, const void *bytes, size_t n_bytes, const char *name, const yk_image_options *options,
                          yk_error *error) {
    yk__error e = {0};
    if (!image || (!bytes && n_bytes)) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_image_decode: an argument is NULL");
    *image = (yk_image){0};
    yk_image_options o;
    yk__api_options(&o, sizeof o, options, sizeof o);
    if (o.max_pixels < 0) return yk__api_fail(error, YK_ERROR_ARGUMENT, "max_pixels %lld is negative", (long long)o.max_pixels);
    yk__image_limits limits = {.max_pixels = (uint64_t)o.max_pixels};
    yk__image decoded = {0};
    yk__code code = yk__image_decode(bytes, n_bytes, name, &limits, &decoded, &e);
    if (code == YK__OK) code = give(&decoded, image, &e);
    return yk__api_status(error, code, &e);
}

yk_status yk_image_read(yk_image *image, const char *path, const yk_image_options *options, yk_error *error) {
    yk__error e = {0};
    if (!image || !path) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_image_read: an argument is NULL");
    *image = (yk_image){0};
    yk__map map = {0};
    yk__code code = yk__map_open(&map, path, 0, &e);
    if (code != YK__OK) return yk__api_status(error, code, &e);
    yk_status status = yk_image_decode(image, map.data ? map.data : (const uint8_t *)"", map.size, path, options, error);
    yk__map_close(&map);
    return status;
}

yk_status yk_image_crop(yk_image *out, const yk_image *image, int x, int y, int width, int height, yk_error *error) {
    yk__error e = {0};
    yk__image_view view;
    if (!out) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_image_crop: no place for the picture");
    *out = (yk_image){0};
    yk__code code = yk__api_view(image, &view, &e);
    if (code != YK__OK) return yk__api_status(error, code, &e);
    int64_t x1 = x > 0 ? x : 0, y1 = y > 0 ? y : 0, x2 = (int64_t)x + width, y2 = (int64_t)y + height;
    if (x2 > view.width) x2 = view.width;
    if (y2 > view.height) y2 = view.height;
    if (x1 >= x2 || y1 >= y2)
        return yk__api_fail(error, YK_ERROR_ARGUMENT, "crop %d,%d %dx%d lies outside the %dx%d picture", x, y, width, height,
                            (int)view.width, (int)view.height);
    view.planes[0] += (size_t)y1 * view.stride_bytes[0] + (size_t)x1 * (size_t)yk__pixel_bytes(view.format);
    view.width = (int32_t)(x2 - x1);
    view.height = (int32_t)(y2 - y1);
    yk__image copy = {0};
    code = yk__image_to_bgr(&view, &copy, &e);
    if (code == YK__OK) code = give(&copy, out, &e);
    return yk__api_status(error, code, &e);
}

yk_status yk_image_crop_oriented(yk_image *out, const yk_image *image, const float xywhr[5], yk_error *error) {
    yk__error e = {0};
    yk__image_view view;
    yk__image bgr = {0}, crop = {0};
    if (!out || !xywhr) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_image_crop_oriented: an argument is NULL");
    *out = (yk_image){0};
    yk__code code = yk__api_view(image, &view, &e);
    if (code == YK__OK && view.format != YK__PIXEL_BGR8) {
        code = yk__image_to_bgr(&view, &bgr, &e);
        view = yk__image_as_view(&bgr);
    }
    if (code == YK__OK) code = yk__image_crop_oriented(&crop, &view, xywhr, &e);
    if (code == YK__OK) code = give(&crop, out, &e);
    yk__image_free(&bgr);
    return yk__api_status(error, code, &e);
}

yk_status yk_image_copy(yk_image *out, const yk_image *image, yk_error *error) {
    return yk_image_crop(out, image, 0, 0, image ? image->width : 0, image ? image->height : 0, error);
}

void yk_image_destroy(yk_image *image) {
    if (!image) return;
    if (image->owner) {
        yk__image_free(image->owner);
        yk__free(image->owner);
    }
    *image = (yk_image){0};
}
