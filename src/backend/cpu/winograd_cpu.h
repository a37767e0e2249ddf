/* Winograd convolution F(4x4, 3x3): geometry resolved at planning, layout of packed weights and of a run's scratch. */
#ifndef YK_CPU_WINOGRAD_CPU_H
#define YK_CPU_WINOGRAD_CPU_H

#include "backend/cpu/conv_cpu.h"

/* Outputs per tile side, inputs per tile side, products per tile and channel pair. */
#define YK__WINO_OUT   4
#define YK__WINO_IN    6
#define YK__WINO_TERMS 36

/* Weights are kept as they are, 9 to a kernel, and transformed while the convolution runs: 36 numbers per kernel would have
 * to come from memory, which costs more than making them. Where all transformed weights of a layer fit a worker's share of
 * its second-level cache, it makes them once per run; otherwise so many input blocks at a time, once per block of tiles. */
#define YK__WINO_KEPT_FLOATS ((int64_t)160 * 1024)
#define YK__WINO_PART_LANES  64
/* Transformed inputs of one block of tiles, in floats: half of the second-level cache, within these bounds. */
#define YK__WINO_LEAST_FLOATS ((int64_t)64 * 1024)
#define YK__WINO_MOST_FLOATS  ((int64_t)256 * 1024)
/* Tiles per block: at least a register tile of products, at most so many that small maps still make several blocks. */
#define YK__WINO_MIN_TILES 12
#define YK__WINO_MAX_TILES 60

typedef struct yk__wino_state {
    yk__conv_shape shape;
    int32_t in_blocks, out_blocks, n_panels;
    int32_t n_parts; /* of the reduction over input blocks; 1 where transformed weights are kept */
    bool kept;
    const yk__conv_panel *panels; /* weights: [panel][in block][channel][tap][out block of the panel][lane] */
    const int64_t *kept_at;       /* per panel: its transformed weights in the worker's share, in floats */
    int64_t tiles_h, tiles_w;
    int64_t most_tiles; /* per block of tiles */
    int64_t term_out;   /* floats from one term of products to the next */
    /* a worker's scratch, in floats: transformed inputs, transformed weights, products; after them, in bytes, where it notes
     * what it has made, and the first worker has a list of tiles */
    int64_t input_floats, weight_floats, product_floats;
    size_t made_offset, list_offset;
} yk__wino_state;

/* An odd number of cache lines: neighbouring terms then go to different sets. */
static inline int64_t yk__wino_odd_lines(int64_t floats) {
    return ((floats + 15) / 16 | 1) * 16;
}

/* Input blocks of part i of the reduction: [first, end) */
static inline int32_t yk__wino_part(const yk__wino_state *s, int32_t i) {
    return (int32_t)((int64_t)s->in_blocks * i / s->n_parts);
}

yk__code yk__winograd_pack(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err);
yk__code yk__winograd_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                              yk__error *err);

#endif
