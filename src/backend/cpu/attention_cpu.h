/* Attention on a blocked qkv tensor: geometry and scratch layout, resolved at planning. */
#ifndef YK_CPU_ATTENTION_CPU_H
#define YK_CPU_ATTENTION_CPU_H

#include "backend/cpu/cpu_isa.h"

/* Queries a worker takes at a time: no wider than the narrowest register tile of two blocks. */
#define YK__ATTENTION_QUERIES 12

typedef struct yk__attention_state {
    int64_t n, h, w, heads, areas, tokens; /* tokens: of one area */
    int32_t key_blocks, value_blocks;      /* channel blocks of one head's q (or k) and v */
    int32_t token_blocks;                  /* ceil(tokens / block) */
    float scale;
    bool gives_values; /* the second output is wanted */
    /* scratch, in floats: per picture, head and area the keys transposed [token block][channel][lane] (pairs of token blocks
     * interleaved), and the values [token][value block of a pair][lane]; per worker the scores of one run of queries */
    int64_t keys, values, per_head, per_worker;
} yk__attention_state;

yk__code yk__attention_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                               yk__error *err);

#endif
