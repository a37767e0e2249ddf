/* Inverse mapping: each pixel of the crop asks the picture what lies where it came from. */
#include "image/warp.h"

#include <math.h>

/* Channel c at a whole pixel; black outside. */
static float at(const yk__image_view *bgr, double x, double y, int c) {
    if (x < 0 || y < 0 || x >= bgr->width || y >= bgr->height) return 0;
    return bgr->planes[0][(size_t)y * bgr->stride_bytes[0] + (size_t)x * 3 + (size_t)c];
}

static void sample(const yk__image_view *bgr, double x, double y, uint8_t *to) {
    double left = floor(x), top = floor(y);
    float across = (float)(x - left), down = (float)(y - top);
    for (int c = 0; c < 3; c++) {
        float upper = at(bgr, left, top, c) * (1 - across) + at(bgr, left + 1, top, c) * across;
        float lower = at(bgr, left, top + 1, c) * (1 - across) + at(bgr, left + 1, top + 1, c) * across;
        to[c] = (uint8_t)(upper * (1 - down) + lower * down + 0.5f);
    }
}

yk__code yk__image_crop_oriented(yk__image *out, const yk__image_view *bgr, const float xywhr[5], yk__error *err) {
    YK__TRY(yk__image_view_check(bgr, err));
    if (bgr->format != YK__PIXEL_BGR8) return yk__fail(err, YK__ARGUMENT, "an oriented crop needs BGR pixels");
    for (int k = 0; k < 5; k++)
        if (!isfinite(xywhr[k])) return yk__fail(err, YK__ARGUMENT, "the oriented box has a number that is not finite");
    const double most = ceil(hypot(bgr->width, bgr->height));
    const double width = fmin((double)xywhr[2], most), height = fmin((double)xywhr[3], most);
    if (!(width > 0 && height > 0))
        return yk__fail(err, YK__ARGUMENT, "an oriented crop of %g x %g pixels is empty", (double)xywhr[2], (double)xywhr[3]);
    YK__TRY(yk__image_create(out, (int32_t)fmax(rint(width), 1), (int32_t)fmax(rint(height), 1), err));
    const double c = cos((double)xywhr[4]), s = sin((double)xywhr[4]);
    for (int32_t y = 0; y < out->height; y++) {
        const double v = y * height / out->height - height / 2;
        for (int32_t x = 0; x < out->width; x++) {
            const double u = x * width / out->width - width / 2;
            sample(bgr, (double)xywhr[0] + u * c - v * s, (double)xywhr[1] + u * s + v * c,
                   out->pixels + (size_t)y * out->stride_bytes + (size_t)x * 3);
        }
    }
    return YK__OK;
}
