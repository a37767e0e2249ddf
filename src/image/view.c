/* Views, owned pictures and the conversions to BGR8. Knows no file format. */
#include "image/view.h"

#include <string.h>

#include "base/memory.h"

int yk__pixel_bytes(yk__pixel_format format) {
    switch (format) {
    case YK__PIXEL_BGR8:
    case YK__PIXEL_RGB8: return 3;
    case YK__PIXEL_GRAY8: return 1;
    case YK__PIXEL_BGRA8:
    case YK__PIXEL_RGBA8: return 4;
    case YK__PIXEL_NV12: break;
    }
    return 0;
}

const char *yk__pixel_format_name(yk__pixel_format format) {
    switch (format) {
    case YK__PIXEL_BGR8: return "BGR8";
    case YK__PIXEL_RGB8: return "RGB8";
    case YK__PIXEL_GRAY8: return "GRAY8";
    case YK__PIXEL_BGRA8: return "BGRA8";
    case YK__PIXEL_RGBA8: return "RGBA8";
    case YK__PIXEL_NV12: return "NV12";
    }
    return "unknown";
}

yk__code yk__image_view_check(const yk__image_view *view, yk__error *err) {
    if (!view) return yk__fail(err, YK__ARGUMENT, "no picture was given");
    if (view->memory != YK__MEMORY_HOST) return yk__fail(err, YK__ARGUMENT, "the picture's pixels are not in host memory");
    int pixel_bytes = yk__pixel_bytes(view->format);
    if (!pixel_bytes) {
        return yk__fail(err, YK__ARGUMENT, "pixel format %s (%d) is not one that is read from host memory",
                        yk__pixel_format_name(view->format), (int)view->format);
    }
    if (view->width < 1 || view->height < 1) {
        return yk__fail(err, YK__ARGUMENT, "a picture of %d x %d has no pixels", (int)view->width, (int)view->height);
    }
    if (!view->planes[0]) return yk__fail(err, YK__ARGUMENT, "the picture's pixel pointer is NULL");
    size_t row_bytes = (size_t)view->width * (size_t)pixel_bytes;
    if (view->stride_bytes[0] < row_bytes) {
        return yk__fail(err, YK__ARGUMENT, "the picture's stride is %zu bytes, but a row of %d %s pixels takes %zu",
                        view->stride_bytes[0], (int)view->width, yk__pixel_format_name(view->format), row_bytes);
    }
    return YK__OK;
}

yk__code yk__image_create(yk__image *out, int32_t width, int32_t height, yk__error *err) {
    if (width < 1 || height < 1) {
        return yk__fail(err, YK__ARGUMENT, "a picture of %d x %d has no pixels", (int)width, (int)height);
    }
    size_t stride = (size_t)width * 3, bytes;
    if (!yk__mul_size(stride, (size_t)height, &bytes)) {
        return yk__fail(err, YK__MEMORY, "a picture of %d x %d does not fit in memory", (int)width, (int)height);
    }
    uint8_t *pixels = yk__alloc_aligned(bytes);
    if (!pixels) return yk__fail(err, YK__MEMORY, "no memory for a picture of %d x %d", (int)width, (int)height);
    *out = (yk__image){.pixels = pixels, .width = width, .height = height, .stride_bytes = stride, .allocated = bytes};
    return YK__OK;
}

void yk__image_free(yk__image *image) {
    if (!image) return;
    if (image->pixels) yk__free_aligned(image->pixels, image->allocated);
    *image = (yk__image){0};
}

yk__image_view yk__image_as_view(const yk__image *image) {
    return (yk__image_view){.format = YK__PIXEL_BGR8,
                            .memory = YK__MEMORY_HOST,
                            .width = image->width,
                            .height = image->height,
                            .planes = {image->pixels, NULL, NULL},
                            .stride_bytes = {image->stride_bytes, 0, 0}};
}

static void row_to_bgr(yk__pixel_format format, const uint8_t *from, uint8_t *to, int32_t width) {
    switch (format) {
    case YK__PIXEL_BGR8: memcpy(to, from, (size_t)width * 3); break;
    case YK__PIXEL_RGB8:
        for (int32_t x = 0; x < width; x++, from += 3, to += 3) to[0] = from[2], to[1] = from[1], to[2] = from[0];
        break;
    case YK__PIXEL_GRAY8:
        for (int32_t x = 0; x < width; x++, to += 3) to[0] = to[1] = to[2] = from[x];
        break;
    case YK__PIXEL_BGRA8:
        for (int32_t x = 0; x < width; x++, from += 4, to += 3) to[0] = from[0], to[1] = from[1], to[2] = from[2];
        break;
    case YK__PIXEL_RGBA8:
        for (int32_t x = 0; x < width; x++, from += 4, to += 3) to[0] = from[2], to[1] = from[1], to[2] = from[0];
        break;
    case YK__PIXEL_NV12: break; /* refused by yk__image_view_check */
    }
}

yk__code yk__image_to_bgr(const yk__image_view *view, yk__image *out, yk__error *err) {
    YK__TRY(yk__image_view_check(view, err));
    YK__TRY(yk__image_create(out, view->width, view->height, err));
    for (int32_t y = 0; y < view->height; y++) {
        row_to_bgr(view->format, view->planes[0] + (size_t)y * view->stride_bytes[0],
                   out->pixels + (size_t)y * out->stride_bytes, view->width);
    }
    return YK__OK;
}

static void swap_bytes(uint8_t *a, uint8_t *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint8_t keep = a[i];
        a[i] = b[i];
        b[i] = keep;
    }
}

static void mirror_left_right(yk__image *image) {
    for (int32_t y = 0; y < image->height; y++) {
        uint8_t *left = image->pixels + (size_t)y * image->stride_bytes;
        uint8_t *right = left + (size_t)(image->width - 1) * 3;
        for (; left < right; left += 3, right -= 3) swap_bytes(left, right, 3);
    }
}

static void mirror_top_bottom(yk__image *image) {
    uint8_t *top = image->pixels, *bottom = image->pixels + (size_t)(image->height - 1) * image->stride_bytes;
    for (; top < bottom; top += image->stride_bytes, bottom -= image->stride_bytes)
        swap_bytes(top, bottom, image->stride_bytes);
}

/* to[x][y] = from[y][x], in tiles so that both sides stay in the first-level cache (16 x 16 pixels: 16 lines each). */
static void transpose_pixels(const yk__image *from, yk__image *to) {
    enum { TILE = 16 };
    for (int32_t y0 = 0; y0 < from->height; y0 += TILE) {
        for (int32_t x0 = 0; x0 < from->width; x0 += TILE) {
            int32_t y1 = y0 + TILE < from->height ? y0 + TILE : from->height;
            int32_t x1 = x0 + TILE < from->width ? x0 + TILE : from->width;
            for (int32_t y = y0; y < y1; y++) {
                const uint8_t *source = from->pixels + (size_t)y * from->stride_bytes;
                for (int32_t x = x0; x < x1; x++) {
                    memcpy(to->pixels + (size_t)x * to->stride_bytes + (size_t)y * 3, source + (size_t)x * 3, 3);
                }
            }
        }
    }
}

yk__code yk__image_orient(yk__image *image, int orientation, yk__error *err) {
    if (orientation >= 5 && orientation <= 8) {
        yk__image turned = {0};
        YK__TRY(yk__image_create(&turned, image->height, image->width, err));
        transpose_pixels(image, &turned);
        yk__image_free(image);
        *image = turned;
    }
    /* 5 is the transpose itself; 6 and 7 mirror it left-right, 7 and 8 top-bottom. */
    if (orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7) mirror_left_right(image);
    if (orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8) mirror_top_bottom(image);
    return YK__OK;
}
