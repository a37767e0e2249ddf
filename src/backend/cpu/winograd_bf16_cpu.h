/* Winograd convolution F(4x4, 3x3) on bf16 tensors: transforms, products and sums in f32. */
#ifndef YK_CPU_WINOGRAD_BF16_CPU_H
#define YK_CPU_WINOGRAD_BF16_CPU_H

#include "backend/cpu/bf16_cpu.h"
#include "backend/cpu/winograd_cpu.h"

/* Transformed inputs of one block of tiles, in floats, and the number of tiles: what stays in the second-level cache beside
 * the weights that stream through it. */
#define YK__WINO_BF16_FLOATS     ((int64_t)96 * 1024)
#define YK__WINO_BF16_MIN_TILES  12
#define YK__WINO_BF16_MOST_TILES 96

typedef struct yk__wino_bf16_state {
    yk__bf16_state conv; /* its panels, weights and tiles are not used */
    int32_t n_panels;
    const yk__conv_panel *panels; /* weights: [panel][term][in channel][out block of the panel][lane], f32 */
    int64_t tiles_h, tiles_w;     /* of 4x4 outputs */
    int64_t most_tiles;           /* per block of tiles */
    int64_t term_in, term_out;    /* floats from one term to the next, of transformed inputs and of products */
    int64_t worker_floats;        /* scratch of one worker */
} yk__wino_bf16_state;

yk__code yk__winograd_bf16_pack(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err);
yk__code yk__winograd_bf16_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                                   yk__error *err);

#endif
