/* Pooling kernels: geometry resolved at planning. */
#ifndef YK_CPU_POOL_CPU_H
#define YK_CPU_POOL_CPU_H

#include "backend/cpu/cpu_isa.h"

typedef struct yk__pool_state {
    int64_t n, c, h, w, oh, ow, kh, kw, sh, sw, pad_top, pad_left;
    int64_t pad_bottom, pad_right; /* as given: what count_include_pad counts */
    bool count_padding;
} yk__pool_state;

/* Widest row of input columns a pooling kernel holds at once, in vectors. */
#define YK__POOL_COLUMNS 192

yk__code yk__pool_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state, yk__error *err);

/* Window, strides and padding of a pooling node; false where these kernels do not fit. */
bool yk__pool_resolve(const yk__node *node, const yk__shape *in, const yk__shape *out, yk__pool_state *state);

#endif
