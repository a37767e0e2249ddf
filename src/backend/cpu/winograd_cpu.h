/* Winograd convolution F(4x4, 3x3): geometry resolved at planning, layout of packed weights and of a run's scratch. */
#ifndef YK_CPU_WINOGRAD_CPU_H
#define YK_CPU_WINOGRAD_CPU_H

#include "backend/cpu/conv_cpu.h"

/* Outputs per tile side, inputs per tile side, products per tile and channel pair. */
#define YK__WINO_OUT   4
#define YK__WINO_IN    6
#define YK__WINO_TERMS 36

/* Weights are kept as they are, 9 to a kernel, and transformed while the convolution runs: 36 numbers per kernel would have
 * to come from memory, which costs more than making them. Where all transformed weights of a layer fit half of a worker's
 * second-level cache (within these bounds), it makes them once per run; otherwise so many input channels at a time, once per
 * block of tiles. */
#define YK__WINO_KEPT_LEAST_FLOATS ((int64_t)160 * 1024)
#define YK__WINO_KEPT_MOST_FLOATS  ((int64_t)256 * 1024)
#define YK__WINO_PART_LANES        64
/* Tiles per block: as many as have their transformed inputs in three quarters of the second-level cache. With fewer than the
 * least, transforming weights would take as long as multiplying with them: better to read some inputs from the next cache.
 * More than the most gains nothing and takes room from the weights. */
#define YK__WINO_LEAST_TILES 28
#define YK__WINO_MOST_TILES  42
/* Smaller maps have room for this many all the same: what lies in scratch for four tiles or fewer is padded (FEW_TILES). */
#define YK__WINO_ROOM_TILES 12

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
