/* Transposed convolution whose kernel is its stride (every output has one tap), and dense layers: resolved at planning. */
#ifndef YK_CPU_TRANSPOSE_CPU_H
#define YK_CPU_TRANSPOSE_CPU_H

#include "backend/cpu/conv_cpu.h"

typedef struct yk__transpose_state {
    yk__conv_shape shape; /* kh = sh, kw = sw; oh = h * sh */
    int32_t in_blocks, out_blocks, n_panels;
    const yk__conv_panel *panels; /* weights: [panel][tap][in block][channel][out block of the panel][lane] */
} yk__transpose_state;

yk__code yk__transpose_pack(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err);
yk__code yk__transpose_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                               yk__error *err);

/* Output blocks of one dense panel, and rows computed together. */
#define YK__DENSE_BLOCKS 4
#define YK__DENSE_ROWS   4

typedef struct yk__dense_state {
    int64_t rows, k, m; /* rows x k times k x m */
    int32_t n_panels;   /* weights: [panel][k][block of the panel][lane], behind a bias of whole panels */
} yk__dense_state;

yk__code yk__dense_pack(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err);
yk__code yk__dense_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                           yk__error *err);

#endif
