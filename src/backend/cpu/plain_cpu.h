/* Kernels on PLAIN tensors: what a step needs to know. */
#ifndef YK_CPU_PLAIN_CPU_H
#define YK_CPU_PLAIN_CPU_H

#include "backend/cpu/map_cpu.h"

typedef struct yk__plain_softmax_state {
    int64_t outer, n, inner; /* the tensor as outer x n x inner, softmax over n */
} yk__plain_softmax_state;

yk__code yk__plain_softmax_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                                   yk__error *err);

#endif
