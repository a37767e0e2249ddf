/* Letterbox geometry, its pixels, and boxes back to the picture. Every rounding here is the reference's: doubles for sizes,
 * floats for coordinates, halves to even. */
#include "task/letterbox.h"

#include <math.h>
#include <string.h>

static double smaller_ratio(int32_t width, int32_t height, int32_t source_width, int32_t source_height) {
    double y = (double)height / source_height, x = (double)width / source_width;
    return y < x ? y : x;
}

static int32_t scaled_side(int32_t side, double ratio) {
    double scaled = rint(side * ratio);
    return scaled < 1 ? 1 : (int32_t)scaled;
}

static int32_t smaller(int32_t a, int32_t b) {
    return a < b ? a : b;
}

yk__code yk__letterbox_fit(int32_t source_width, int32_t source_height, int32_t target_width, int32_t target_height,
                           int32_t rect_stride, yk__letterbox *out, yk__error *err) {
    if (source_width < 1 || source_height < 1 || target_width < 1 || target_height < 1 || rect_stride < 0) {
        return yk__fail(err, YK__ARGUMENT, "cannot letterbox %d x %d pixels into %d x %d with stride %d", (int)source_width,
                        (int)source_height, (int)target_width, (int)target_height, (int)rect_stride);
    }
    double ratio = smaller_ratio(target_width, target_height, source_width, source_height);
    yk__letterbox box = {.source_width = source_width, .source_height = source_height};
    box.scaled_width = smaller(scaled_side(source_width, ratio), target_width);
    box.scaled_height = smaller(scaled_side(source_height, ratio), target_height);
    int32_t pad_x = target_width - box.scaled_width, pad_y = target_height - box.scaled_height;
    if (rect_stride) pad_x %= rect_stride, pad_y %= rect_stride;
    box.left = pad_x / 2, box.top = pad_y / 2;
    box.width = box.scaled_width + pad_x, box.height = box.scaled_height + pad_y;
    *out = box;
    return YK__OK;
}

size_t yk__letterbox_scratch_bytes(int32_t width, int32_t height, const yk__pool *pool) {
    return yk__resize_scratch_bytes(width, height, 3, pool);
}

static void pad_rows(const yk__letterbox *box, uint8_t pad, uint8_t *dst, size_t stride) {
    size_t row_bytes = (size_t)box->width * 3, left = (size_t)box->left * 3, inside = (size_t)box->scaled_width * 3;
    for (int32_t y = 0; y < box->height; y++) {
        uint8_t *row = dst + (size_t)y * stride;
        if (y < box->top || y >= box->top + box->scaled_height) {
            memset(row, pad, row_bytes);
        } else {
            memset(row, pad, left);
            memset(row + left + inside, pad, row_bytes - left - inside);
        }
    }
}

yk__code yk__letterbox_apply(const yk__letterbox *box, const yk__image_view *source, uint8_t pad, uint8_t *dst,
                             size_t dst_stride, void *scratch, yk__pool *pool, yk__error *err) {
    YK__TRY(yk__image_view_check(source, err));
    if (source->format != YK__PIXEL_BGR8 || source->width != box->source_width || source->height != box->source_height) {
        return yk__fail(err, YK__ARGUMENT, "letterbox for BGR8 of %d x %d was given %s of %d x %d", (int)box->source_width,
                        (int)box->source_height, yk__pixel_format_name(source->format), (int)source->width,
                        (int)source->height);
    }
    if (!dst || dst_stride / 3 < (size_t)box->width) {
        return yk__fail(err, YK__ARGUMENT, "letterbox of width %d into rows of %zu bytes", (int)box->width, dst_stride);
    }
    pad_rows(box, pad, dst, dst_stride);
    return yk__resize_bilinear(source, dst + (size_t)box->top * dst_stride + (size_t)box->left * 3, box->scaled_width,
                               box->scaled_height, dst_stride, scratch, pool, err);
}

yk__code yk__letterbox_rows(const yk__letterbox *box, uint8_t pad, uint8_t *dst, size_t dst_stride, yk__resize_rows **rows,
                            yk__error *err) {
    *rows = NULL;
    if (!dst || dst_stride / 3 < (size_t)box->width)
        return yk__fail(err, YK__ARGUMENT, "letterbox of width %d into rows of %zu bytes", (int)box->width, dst_stride);
    pad_rows(box, pad, dst, dst_stride);
    return yk__resize_rows_begin(rows, box->source_width, box->source_height,
                                 dst + (size_t)box->top * dst_stride + (size_t)box->left * 3, box->scaled_width,
                                 box->scaled_height, dst_stride, err);
}

yk__scale_back yk__scale_back_make(int32_t network_width, int32_t network_height, int32_t source_width, int32_t source_height) {
    double gain = smaller_ratio(network_width, network_height, source_width, source_height);
    int32_t width = scaled_side(source_width, gain), height = scaled_side(source_height, gain);
    return (yk__scale_back){.gain_x = (float)((double)width / source_width),
                            .gain_y = (float)((double)height / source_height),
                            .pad_x = (float)rint((network_width - width) / 2.0 - 0.1),
                            .pad_y = (float)rint((network_height - height) / 2.0 - 0.1),
                            .max_x = (float)source_width,
                            .max_y = (float)source_height};
}

yk__scale_back yk__scale_back_make_v5(int32_t network_width, int32_t network_height, int32_t source_width,
                                      int32_t source_height) {
    double gain = smaller_ratio(network_width, network_height, source_width, source_height);
    return (yk__scale_back){.gain_x = (float)gain,
                            .gain_y = (float)gain,
                            .pad_x = (float)((network_width - source_width * gain) / 2),
                            .pad_y = (float)((network_height - source_height * gain) / 2),
                            .max_x = (float)source_width,
                            .max_y = (float)source_height};
}

/* Not a number goes to 0, so that nothing outside the picture ever leaves here. */
static float clip(float v, float max) {
    return v > 0 ? (v < max ? v : max) : 0;
}

void yk__scale_back_point(const yk__scale_back *back, float point[2]) {
    point[0] = clip((point[0] - back->pad_x) / back->gain_x, back->max_x);
    point[1] = clip((point[1] - back->pad_y) / back->gain_y, back->max_y);
}

void yk__scale_back_box(const yk__scale_back *back, float box[4]) {
    yk__scale_back_point(back, box);
    yk__scale_back_point(back, box + 2);
}

void yk__scale_back_obb(const yk__scale_back *back, float xywh[4]) {
    xywh[0] = (xywh[0] - back->pad_x) / back->gain_x;
    xywh[1] = (xywh[1] - back->pad_y) / back->gain_y;
    xywh[2] /= back->gain_x;
    xywh[3] /= back->gain_y;
}
