/* Helpers of every kernel that writes blocked tensors. Needs simd_<isa>.h and simd_math.h before it. */
#ifndef YK_CPU_BLOCKED_TEMPLATE_H
#define YK_CPU_BLOCKED_TEMPLATE_H

#include <math.h>
#include <string.h>

#include "backend/cpu/cpu_kernels.h"

INLINE void zero_pixels(float *p, int64_t pixels) {
    for (int64_t i = 0; i < pixels; i++) v_store(p + i * LANES, v_zero());
}

/* The halo around rows y0 .. y1-1 of one channel block whose element (0,0) is at plane: left and right of these rows, and the
 * rows above and below where y0 and y1 are the plane's ends. */
INLINE void zero_halo(float *plane, int64_t h, int64_t w, int64_t halo, int64_t row, int64_t y0, int64_t y1) {
    if (halo == 0) return;
    for (int64_t y = y0; y < y1; y++) {
        zero_pixels(plane + y * row - halo * LANES, halo);
        zero_pixels(plane + y * row + w * LANES, halo);
    }
    for (int64_t i = 1; i <= halo; i++) {
        if (y0 == 0) zero_pixels(plane - i * row - halo * LANES, w + 2 * halo);
        if (y1 == h) zero_pixels(plane + (h - 1 + i) * row - halo * LANES, w + 2 * halo);
    }
}

INLINE void zero_run(uint16_t *p, int64_t pixels, int64_t pixel, size_t bytes) {
    for (int64_t i = 0; i < pixels; i++) memset(p + i * pixel, 0, bytes);
}

/* The halo around rows y0 .. y1-1 of channel blocks first .. first+blocks-1 of picture n. */
INLINE void zero_border(void *out, const yk__operand *at, int64_t n, int64_t first, int64_t blocks, int64_t y0, int64_t y1) {
    const int64_t h = at->shape.dim[2], w = at->shape.dim[3], halo = at->halo, row = at->row_stride, pixel = at->pixel_stride;
    if (halo == 0) return;
    if (at->dtype != YK__DTYPE_BF16) {
        float *plane = (float *)out + n * at->image_stride + first * at->block_stride;
        for (int64_t b = 0; b < blocks; b++) zero_halo(plane + b * at->block_stride, h, w, halo, row, y0, y1);
        return;
    }
    uint16_t *plane = (uint16_t *)out + n * at->image_stride + first * at->block_stride;
    const size_t bytes = (size_t)(blocks * LANES) * sizeof *plane;
    for (int64_t y = y0; y < y1; y++) {
        zero_run(plane + y * row - halo * pixel, halo, pixel, bytes);
        zero_run(plane + y * row + w * pixel, halo, pixel, bytes);
    }
    for (int64_t i = 1; i <= halo; i++) {
        if (y0 == 0) zero_run(plane - i * row - halo * pixel, w + 2 * halo, pixel, bytes);
        if (y1 == h) zero_run(plane + (h - 1 + i) * row - halo * pixel, w + 2 * halo, pixel, bytes);
    }
}

/* act over n vectors in place. */
INLINE void activate(float *v, int64_t n, yk__activation act, float alpha, float beta) {
    switch (act) {
    case YK__ACT_NONE: break;
    case YK__ACT_SILU:
        UNROLL_BY(4) for (int64_t i = 0; i < n; i++) v_store(v + i * LANES, v_silu(v_load(v + i * LANES)));
        break;
    case YK__ACT_RELU:
        for (int64_t i = 0; i < n; i++) v_store(v + i * LANES, v_max(v_load(v + i * LANES), v_zero()));
        break;
    case YK__ACT_LEAKY_RELU:
        for (int64_t i = 0; i < n; i++) {
            vf x = v_load(v + i * LANES);
            v_store(v + i * LANES, v_max(x, v_zero()) + v_min(x, v_zero()) * v_set1(alpha));
        }
        break;
    case YK__ACT_SIGMOID:
        UNROLL_BY(4) for (int64_t i = 0; i < n; i++) v_store(v + i * LANES, v_sigmoid(v_load(v + i * LANES)));
        break;
    case YK__ACT_HARD_SWISH: /* x * min(max(x / 6 + 1/2, 0), 1) */
        for (int64_t i = 0; i < n; i++) {
            vf x = v_load(v + i * LANES);
            vf gate = v_min(v_max(v_fma(x, v_set1(1.0f / 6.0f), v_set1(0.5f)), v_zero()), v_set1(1.0f));
            v_store(v + i * LANES, x * gate);
        }
        break;
    }
    (void)beta;
}

/* Lanes of the last block that hold no channel are zero in every tensor; activations with act(0) != 0 would break that. */
INLINE void zero_lanes(float *v, int64_t n, int64_t used) {
    for (int64_t i = 0; i < n; i++) {
        for (int64_t l = used; l < LANES; l++) v[i * LANES + l] = 0.0f;
    }
}

#endif
