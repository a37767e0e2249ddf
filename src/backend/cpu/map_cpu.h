/* Elementwise kernels and enlargement on blocked tensors: what a step needs to know. */
#ifndef YK_CPU_MAP_CPU_H
#define YK_CPU_MAP_CPU_H

#include "backend/cpu/conv_cpu.h"

typedef enum yk__binary { YK__BINARY_ADD, YK__BINARY_SUB, YK__BINARY_MUL } yk__binary;

typedef struct yk__map_state {
    yk__activation act;
    float alpha, beta;
    yk__binary binary;
    int32_t constant_side;      /* binary: which operand is the constant one, -1: both are tensors */
    const float *per_channel;   /* the constant, one number per lane of all blocks, unused lanes zero */
    int64_t factor_h, factor_w; /* enlargement */
} yk__map_state;

yk__code yk__unary_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                           yk__error *err);
yk__code yk__binary_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                            yk__error *err);
yk__code yk__enlarge_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                             yk__error *err);

/* Whether a Resize of maps is nearest enlargement by whole factors. */
bool yk__enlarge_repeats(const yk__query *query);

#endif
