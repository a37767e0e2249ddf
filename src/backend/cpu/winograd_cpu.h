/* Winograd convolution F(4x4, 3x3): geometry resolved at planning, layout of transformed weights. */
#ifndef YK_CPU_WINOGRAD_CPU_H
#define YK_CPU_WINOGRAD_CPU_H

#include "backend/cpu/conv_cpu.h"

/* Outputs per tile side, inputs per tile side, products per tile and channel pair. */
#define YK__WINO_OUT   4
#define YK__WINO_IN    6
#define YK__WINO_TERMS 36

/* Transformed inputs of one block of tiles, in floats: what stays in the second-level cache beside the weights that stream
 * through it. 96 Ki floats are 384 KiB of the 1 MiB that the processors with AVX-512 bring at least (512 KiB with AVX2:
 * those have blocks half as wide, and the same number of tiles takes as much). */
#define YK__WINO_L2_FLOATS ((int64_t)96 * 1024)
/* Tiles per block: at least one register tile of products, at most so many that small maps still make several blocks. */
#define YK__WINO_MIN_TILES 12
#define YK__WINO_MAX_TILES 96

typedef struct yk__wino_state {
    yk__conv_shape shape;
    int32_t in_blocks, out_blocks, n_panels;
    const yk__conv_panel *panels; /* weights: [panel][term][in block][channel][out block of the panel][lane] */
    int64_t tiles_h, tiles_w;
    int64_t most_tiles;        /* per block of tiles */
    int64_t term_in, term_out; /* floats from one term to the next, of transformed inputs and of products */
    int64_t worker_floats;     /* scratch of one worker */
    size_t list_offset;        /* bytes: behind all workers' scratch a list of tiles */
} yk__wino_state;

yk__code yk__winograd_pack(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err);
yk__code yk__winograd_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                              yk__error *err);

#endif
