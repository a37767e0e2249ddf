/* Sums of products for Conv, Gemm and MatMul, one tile of columns at a time. */
#include "backend/ref/product_ref.h"

#include <string.h>

/* Four taps of two rows per pass: each loaded column serves two rows, each sum is loaded and stored once per four taps. The
 * order of additions within a row stays tap after tap. */
static void two_rows(const float *restrict w0, const float *restrict w1, int64_t tap_stride, int taps,
                     float tile[][YK__REF_COLUMNS], int columns, float *restrict s0, float *restrict s1) {
    int t = 0;
    for (; t + 4 <= taps; t += 4) {
        const float *restrict v0 = tile[t], *restrict v1 = tile[t + 1], *restrict v2 = tile[t + 2], *restrict v3 = tile[t + 3];
        const float *p = w0 + t * tap_stride, *q = w1 + t * tap_stride;
        const float p0 = p[0], p1 = p[tap_stride], p2 = p[2 * tap_stride], p3 = p[3 * tap_stride];
        const float q0 = q[0], q1 = q[tap_stride], q2 = q[2 * tap_stride], q3 = q[3 * tap_stride];
        for (int x = 0; x < columns; x++) {
            s0[x] = s0[x] + p0 * v0[x] + p1 * v1[x] + p2 * v2[x] + p3 * v3[x];
            s1[x] = s1[x] + q0 * v0[x] + q1 * v1[x] + q2 * v2[x] + q3 * v3[x];
        }
    }
    for (; t < taps; t++) {
        const float *restrict v = tile[t];
        const float p = w0[t * tap_stride], q = w1[t * tap_stride];
        for (int x = 0; x < columns; x++) {
            s0[x] += p * v[x];
            s1[x] += q * v[x];
        }
    }
}

void yk__ref_product_run(const yk__ref_product *product) {
    float tile[YK__REF_TAPS][YK__REF_COLUMNS];
    float sums[2][YK__REF_COLUMNS];
    const size_t row_bytes = (size_t)product->columns * sizeof(float);
    if (product->taps == 0)
        for (int64_t r = 0; r < product->rows; r++) memset(product->out + r * product->out_stride, 0, row_bytes);
    for (int64_t first = 0; first < product->taps; first += YK__REF_TAPS) {
        const int taps = product->taps - first < YK__REF_TAPS ? (int)(product->taps - first) : YK__REF_TAPS;
        product->fill(product->fill_argument, first, taps, tile);
        for (int64_t r = 0; r < product->rows; r += 2) {
            const int pair = r + 1 < product->rows ? 2 : 1;
            const float *w0 = product->weights + r * product->row_stride + first * product->tap_stride;
            const float *w1 = pair == 2 ? w0 + product->row_stride : w0;
            memset(sums, 0, sizeof sums);
            two_rows(w0, w1, product->tap_stride, taps, tile, product->columns, sums[0], sums[1]);
            for (int k = 0; k < pair; k++) {
                float *out = product->out + (r + k) * product->out_stride;
                if (first == 0)
                    memcpy(out, sums[k], row_bytes);
                else
                    for (int x = 0; x < product->columns; x++) out[x] += sums[k][x];
            }
        }
    }
}
