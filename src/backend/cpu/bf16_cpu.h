/* bf16 on blocked tensors: a convolution's geometry resolved at planning, layout of its packed weights. Shared by the vector
 * kernels (conv_bf16_template.h) and the one for AMX tiles (x86/conv_bf16_amx.c). */
#ifndef YK_CPU_BF16_CPU_H
#define YK_CPU_BF16_CPU_H

#include "backend/cpu/conv_cpu.h"

/* Blocks of output channels computed together. */
#define YK__BF16_PANEL_BLOCKS 2
/* Pixels and channels of one AMX tile: 16 rows of 64 bytes. */
#define YK__AMX_ROWS     16
#define YK__AMX_CHANNELS 32

typedef struct yk__bf16_panel {
    int32_t first_block, n_blocks; /* of outputs */
    int64_t weights;               /* elements from the first weight */
} yk__bf16_panel;

/* Packed: the bias in f32, one per lane of all output blocks, then the weights as
 * [panel][kh][kw][chunk of channels][block of the panel][pair of channels in the chunk][lane][2]. Vectors take chunks of one
 * pair, tiles as many channels as a tile holds. Channels beyond the last are zero, in the weights and in the tensor. */
typedef struct yk__bf16_state {
    yk__conv_shape shape;
    int32_t in_blocks, out_blocks, n_panels;
    const yk__bf16_panel *panels;
    int32_t chunk, n_chunks;
    int64_t panel_block; /* weights (elements) per output block of a panel */
    int64_t weights_bytes, in_bytes;
    /* AMX: output pixels of one tile, tiles per row of the output (the last one may overlap its neighbour) */
    int32_t tile_rows, tiles_per_row;
    uint8_t tile_config[64];
} yk__bf16_state;

yk__code yk__conv_bf16_pack(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err);
yk__code yk__conv_bf16_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                               yk__error *err);
yk__code yk__depthwise_bf16_pack(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err);
yk__code yk__depthwise_bf16_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                                    yk__error *err);

#endif
