/* Pillow's 8-bit bilinear resize and the centre crop, bit for bit (PARITY 4.1, 4.2).
 *
 * Two passes, horizontal first, with 8 bits between them. Both passes compute only what ends up inside the crop: each
 * result row and column depends on its own source pixels alone, so the bytes are those of cropping afterwards. */
#include "task/classify_crop.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

#define PRECISION_BITS 22 /* of the filter's fixed-point weights */
#define ROUND_HALF     (1 << (PRECISION_BITS - 1))

yk__code yk__classify_crop_fit(int32_t source_width, int32_t source_height, int32_t width, int32_t height,
                               yk__classify_crop *out, yk__error *err) {
    if (source_width < 1 || source_height < 1 || width < 1 || height < 1) {
        return yk__fail(err, YK__ARGUMENT, "cannot crop %d x %d pixels to %d x %d", (int)source_width, (int)source_height,
                        (int)width, (int)height);
    }
    yk__classify_crop crop = {.source_width = source_width, .source_height = source_height, .width = width, .height = height};
    crop.scaled_width = width, crop.scaled_height = height;
    if (width == height) {
        int32_t *longer = source_width <= source_height ? &crop.scaled_height : &crop.scaled_width;
        double long_side = source_width <= source_height ? source_height : source_width;
        double short_side = source_width <= source_height ? source_width : source_height;
        double scaled = (double)width * long_side / short_side;
        if (scaled > INT32_MAX) {
            return yk__fail(err, YK__ARGUMENT, "a picture of %d x %d is too narrow to crop to %d x %d", (int)source_width,
                            (int)source_height, (int)width, (int)height);
        }
        *longer = (int32_t)scaled;
    }
    crop.left = (int32_t)rint((crop.scaled_width - width) / 2.0);
    crop.top = (int32_t)rint((crop.scaled_height - height) / 2.0);
    *out = crop;
    return YK__OK;
}

/* The filter of one axis for results first .. first + n - 1: result i sums source first_tap[i] .. + n_taps[i] - 1, weighted
 * by weights[i * max_taps ..]. */
typedef struct axis_filter {
    int32_t n, max_taps;
    int32_t *first_tap, *n_taps, *weights;
    bool identity; /* the side does not change: Pillow skips the pass */
} axis_filter;

static void axis_free(axis_filter *f) {
    yk__free(f->first_tap);
    yk__free(f->n_taps);
    yk__free(f->weights);
    *f = (axis_filter){0};
}

/* PARITY 4.2, for one result: a triangle of half width `reach` around `center`, normalised, in fixed point. real holds
 * max_taps doubles. */
static void fill_taps(axis_filter *f, int32_t i, double center, double reach, int32_t n_in, double *real) {
    int64_t low = (int64_t)(center - reach + 0.5), high = (int64_t)(center + reach + 0.5);
    if (low < 0) low = 0;
    if (high > n_in) high = n_in;
    double sum = 0, narrow = 1.0 / reach;
    for (int64_t k = low; k < high; k++) {
        double u = fabs(((double)k - center + 0.5) * narrow);
        real[k - low] = u < 1.0 ? 1.0 - u : 0.0;
        sum += real[k - low];
    }
    for (int64_t k = low; k < high; k++) {
        double w = sum != 0 ? real[k - low] / sum : real[k - low];
        f->weights[(size_t)i * (size_t)f->max_taps + (size_t)(k - low)] = (int32_t)(0.5 + w * (1 << PRECISION_BITS));
    }
    f->first_tap[i] = (int32_t)low;
    f->n_taps[i] = (int32_t)(high - low);
}

static yk__code axis_make(axis_filter *f, int32_t n_in, int32_t n_out, int32_t first, int32_t n, yk__error *err) {
    double scale = (double)n_in / n_out, reach = scale > 1.0 ? scale : 1.0;
    *f = (axis_filter){.n = n, .max_taps = (int32_t)ceil(reach) * 2 + 1, .identity = n_in == n_out};
    f->first_tap = yk__alloc_array((size_t)n, sizeof *f->first_tap);
    f->n_taps = yk__alloc_array((size_t)n, sizeof *f->n_taps);
    f->weights = yk__alloc_array((size_t)n, (size_t)f->max_taps * sizeof *f->weights);
    double *real = yk__alloc_array((size_t)f->max_taps, sizeof *real);
    if (!f->first_tap || !f->n_taps || !f->weights || !real) {
        yk__free(real);
        axis_free(f);
        return yk__fail(err, YK__MEMORY, "no memory for the filter from %d to %d pixels", (int)n_in, (int)n_out);
    }
    for (int32_t i = 0; i < n; i++) fill_taps(f, i, (first + i + 0.5) * scale, reach, n_in, real);
    yk__free(real);
    return YK__OK;
}

static uint8_t to_byte(int32_t sum) {
    int32_t v = sum >> PRECISION_BITS;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static void filter_row(const axis_filter *f, const uint8_t *source, int32_t left, uint8_t *to) {
    if (f->identity) {
        memcpy(to, source + (size_t)left * 3, (size_t)f->n * 3);
        return;
    }
    for (int32_t x = 0; x < f->n; x++, to += 3) {
        const uint8_t *p = source + (size_t)f->first_tap[x] * 3;
        const int32_t *w = f->weights + (size_t)x * (size_t)f->max_taps;
        int32_t sum[3] = {ROUND_HALF, ROUND_HALF, ROUND_HALF};
        for (int32_t k = 0; k < f->n_taps[x]; k++, p += 3) {
            for (int c = 0; c < 3; c++) sum[c] += p[c] * w[k];
        }
        for (int c = 0; c < 3; c++) to[c] = to_byte(sum[c]);
    }
}

/* One result row from the narrowed rows, of which rows[0] is source row first_row. */
static void filter_column(const axis_filter *f, int32_t y, const uint8_t *rows, int32_t first_row, size_t row_bytes,
                          int32_t *sums, uint8_t *to) {
    const int32_t *w = f->weights + (size_t)y * (size_t)f->max_taps;
    for (size_t i = 0; i < row_bytes; i++) sums[i] = ROUND_HALF;
    for (int32_t k = 0; k < f->n_taps[y]; k++) {
        const uint8_t *row = rows + (size_t)(f->first_tap[y] - first_row + k) * row_bytes;
        for (size_t i = 0; i < row_bytes; i++) sums[i] += row[i] * w[k];
    }
    for (size_t i = 0; i < row_bytes; i++) to[i] = to_byte(sums[i]);
}

static void swap_red_blue(uint8_t *row, int32_t n) {
    for (int32_t x = 0; x < n; x++, row += 3) {
        uint8_t keep = row[0];
        row[0] = row[2];
        row[2] = keep;
    }
}

static yk__code apply(const yk__classify_crop *crop, const yk__image_view *source, const axis_filter *across,
                      const axis_filter *down, bool rgb, uint8_t *dst, size_t dst_stride, yk__error *err) {
    size_t row_bytes = (size_t)crop->width * 3;
    int32_t last = down->n - 1;
    int32_t first_row = down->identity ? crop->top : down->first_tap[0];
    int32_t n_rows = down->identity ? crop->height : down->first_tap[last] + down->n_taps[last] - first_row;
    uint8_t *rows = yk__alloc_array((size_t)n_rows, row_bytes);
    int32_t *sums = yk__alloc_array(row_bytes, sizeof *sums);
    yk__code code = YK__OK;
    if (!rows || !sums) {
        code = yk__fail(err, YK__MEMORY, "no memory to resize %d rows of %d pixels", (int)n_rows, (int)crop->width);
        goto done;
    }
    for (int32_t y = 0; y < n_rows; y++) {
        filter_row(across, source->planes[0] + (size_t)(first_row + y) * source->stride_bytes[0], crop->left,
                   rows + (size_t)y * row_bytes);
    }
    for (int32_t y = 0; y < crop->height; y++) {
        uint8_t *to = dst + (size_t)y * dst_stride;
        if (down->identity) {
            memcpy(to, rows + (size_t)y * row_bytes, row_bytes);
        } else {
            filter_column(down, y, rows, first_row, row_bytes, sums, to);
        }
        if (rgb) swap_red_blue(to, crop->width);
    }
done:
    yk__free(sums);
    yk__free(rows);
    return code;
}

yk__code yk__classify_crop_apply(const yk__classify_crop *crop, const yk__image_view *source, bool rgb, uint8_t *dst,
                                 size_t dst_stride, yk__error *err) {
    YK__TRY(yk__image_view_check(source, err));
    if (source->format != YK__PIXEL_BGR8 || source->width != crop->source_width || source->height != crop->source_height) {
        return yk__fail(err, YK__ARGUMENT, "classify crop for BGR8 of %d x %d was given %s of %d x %d", (int)crop->source_width,
                        (int)crop->source_height, yk__pixel_format_name(source->format), (int)source->width,
                        (int)source->height);
    }
    if (!dst || dst_stride / 3 < (size_t)crop->width) {
        return yk__fail(err, YK__ARGUMENT, "classify crop of width %d into rows of %zu bytes", (int)crop->width, dst_stride);
    }
    axis_filter across = {0}, down = {0};
    yk__code code = axis_make(&across, source->width, crop->scaled_width, crop->left, crop->width, err);
    if (code == YK__OK) code = axis_make(&down, source->height, crop->scaled_height, crop->top, crop->height, err);
    if (code == YK__OK) code = apply(crop, source, &across, &down, rgb, dst, dst_stride, err);
    axis_free(&across);
    axis_free(&down);
    return code;
}
