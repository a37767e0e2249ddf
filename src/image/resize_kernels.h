/* The inner loops of resize.c: plain C, and variants that give the same bytes faster. Private to src/image and its tests. */
#ifndef YK_IMAGE_RESIZE_KERNELS_H
#define YK_IMAGE_RESIZE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"

/* For one result column: the left source pixel and the weights of it and of its right neighbour, 0..2048. Where the right
 * neighbour does not exist its weight is 0. */
typedef struct yk__resize_column {
    int32_t at;
    int16_t left, right;
} yk__resize_column;

/* blended[x * channels + c] = (p[at] * left + p[at + 1] * right) >> 4, for n columns; source has source_width pixels. The
 * shifted sum is at most 255 * 2049 >> 4 and fits 15 bits. */
typedef void (*yk__resize_row_fn)(const uint8_t *source, int32_t source_width, const yk__resize_column *columns, int32_t n,
                                  int16_t *blended);
/* dst[i] = ((a[i] * wa >> 16) + (b[i] * wb >> 16) + 2) >> 2, cut to 0..255 (it never exceeds 255 for real weights). */
typedef void (*yk__resize_blend_fn)(const int16_t *a, const int16_t *b, int16_t wa, int16_t wb, uint8_t *dst, size_t n);

typedef struct yk__resize_kernels {
    yk__resize_row_fn row[5]; /* by channels: 1, 3, 4 */
    yk__resize_blend_fn blend;
} yk__resize_kernels;

/* The fastest for this processor under its mask. */
yk__resize_kernels yk__resize_kernels_for(yk__isa isa);
/* Overlays the x86 variants that `isa` allows; does nothing on other processors. */
void yk__resize_kernels_x86(yk__resize_kernels *kernels, yk__isa isa);

#endif
