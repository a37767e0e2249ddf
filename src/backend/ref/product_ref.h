/* Sums of products for Conv, Gemm and MatMul: a tile of output columns, many rows, taps in order.
 *
 * Order of additions, the same whatever the thread count: taps in blocks of YK__REF_TAPS, each block summed from zero one tap
 * after the other, the blocks' sums added one after the other. Blocks keep the rounding error of long sums down. */
#ifndef YK_BACKEND_REF_PRODUCT_REF_H
#define YK_BACKEND_REF_PRODUCT_REF_H

#include <stdint.h>

#define YK__REF_COLUMNS 128 /* a tile of taps x columns (32 KiB) fits a level-1 cache */
#define YK__REF_TAPS    64

/* Fills tile[t][x] with what tap `first + t` sees at the tile's column x, 0 <= t < taps, 0 <= x < columns. */
typedef void (*yk__ref_fill_fn)(void *argument, int64_t first_tap, int taps, float tile[][YK__REF_COLUMNS]);

/* out[r * out_stride + x] = sum over t of weights[r * row_stride + t * tap_stride] * tap t at column x. */
typedef struct yk__ref_product {
    int64_t rows, taps;
    int columns; /* 1 .. YK__REF_COLUMNS */
    const float *weights;
    int64_t row_stride, tap_stride;
    float *out;
    int64_t out_stride;
    yk__ref_fill_fn fill;
    void *fill_argument;
} yk__ref_product;

void yk__ref_product_run(const yk__ref_product *product);

#endif
