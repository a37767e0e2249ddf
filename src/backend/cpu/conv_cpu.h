/* Convolution kernels: parameters as resolved at planning, layout of packed weights. Shared by all instruction-set levels. */
#ifndef YK_CPU_CONV_CPU_H
#define YK_CPU_CONV_CPU_H

#include "backend/cpu/cpu_isa.h"

/* What of the second-level cache (512 KiB at least on every processor these kernels are for) one band's input may take in
 * kernels that have no weights to speak of: a quarter of a megabyte. */
#define YK__CONV_L2_FLOATS ((int64_t)64 * 1024)

typedef enum yk__activation {
    YK__ACT_NONE,
    YK__ACT_SILU,
    YK__ACT_RELU,
    YK__ACT_LEAKY_RELU,
    YK__ACT_SIGMOID,
    YK__ACT_HARD_SWISH
} yk__activation;

/* Neighbouring blocks of output channels that one register tile computes together, and the input blocks they read (all of
 * them, or those of the panel's groups). */
typedef struct yk__conv_panel {
    int32_t first_out_block, n_out_blocks;
    int32_t first_in_block, n_in_blocks;
    int64_t weights; /* floats from the start of packed weights */
} yk__conv_panel;

/* Geometry of one convolution: N C H W -> N O OH OW. */
typedef struct yk__conv_shape {
    int64_t n, c, h, w, o, oh, ow;
    int64_t kh, kw, sh, sw, dh, dw, pad_top, pad_left;
    int64_t groups;
    int64_t halo; /* what the input must bring */
    yk__activation act;
    float alpha, beta;
    bool has_bias, has_residual;
} yk__conv_shape;

/* How threads share a convolution: tasks are [picture][group of panels][band of rows]. */
typedef struct yk__conv_split {
    int64_t panels_per_task, panel_tasks, n_bands;
} yk__conv_split;

/* The split that brings least into the cores' caches. Bytes are of one input picture and of all weights. */
yk__conv_split yk__conv_share_out(int64_t in_bytes, int64_t weights_bytes, int64_t n_panels, int64_t pictures, int64_t rows,
                                  int64_t threads);

typedef struct yk__conv_state {
    yk__conv_shape shape;
    int32_t n_panels, in_blocks, out_blocks;
    const yk__conv_panel *panels;
    int64_t weights_floats; /* of all panels */
    int64_t in_floats;      /* one input picture, for the choice of bands */
} yk__conv_state;

/* Packed weights begin with the bias, one float per lane of all output blocks (zero where absent), then the panels:
 * [in block][kh][kw][channel in block][out block of the panel][lane]. Of the last input block only whole quads that hold
 * channels are stored: the tensor's other lanes are zero anyway. */
static inline int64_t yk__conv_lanes(int64_t c, int64_t in_block, int32_t block) {
    int64_t left = c - in_block * block;
    return left >= block ? block : (left + 3) / 4 * 4;
}

bool yk__conv_activation(const yk__node *node, yk__activation *act, float *alpha, float *beta);
/* Resolves a Conv node; false where these kernels do not fit (types, ranks, unknown weights, odd padding). */
bool yk__conv_resolve(const yk__query *query, yk__conv_shape *shape);
/* The same with an output of f32 or bf16; with bf16 inputs and weights besides. */
bool yk__conv_resolve_first(const yk__query *query, yk__conv_shape *shape);
bool yk__conv_resolve_bf16(const yk__query *query, yk__conv_shape *shape);
/* The same from a planned step. */
bool yk__conv_resolve_step(const yk__step *step, yk__conv_shape *shape);

/* The bias (input 2) behind which `lanes - channels` zeros follow; all zeros where it is absent. */
void yk__conv_pack_bias(const yk__step *step, int64_t channels, int64_t lanes, float *bias);

bool yk__conv_direct_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need);
yk__code yk__conv_direct_pack(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err);
yk__code yk__conv_direct_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                                 yk__error *err);

/* The first layer: few input channels, read from pictures, from the network's f32 input or from a PLAIN tensor. Rows are
 * brought into interleaved order [x][c] first; weights are [panel][kh][kw][c][out block][lane]. */
#define YK__CONV_FIRST_MAX_CHANNELS 4
#define YK__CONV_FIRST_MAX_KERNEL   16 /* rows a worker's ring may hold */

typedef struct yk__conv_first_state {
    yk__conv_state conv;
    bool from_input;                               /* the step does ImageInput's work too */
    float scale;                                   /* pictures: v / scale, then (v - mean) / std where table is set */
    float reciprocal;                              /* 1 / scale where one step of Newton gives every v / scale exactly, or 0 */
    const float *table;                            /* [c in picture order][256], or NULL: plain division */
    int32_t position[YK__CONV_FIRST_MAX_CHANNELS]; /* where network channel c lies in an interleaved pixel */
    int64_t row_floats;                            /* of a converted row, its zero margins included */
} yk__conv_first_state;

yk__code yk__conv_first_pack(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err);
yk__code yk__conv_first_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                                yk__error *err);

/* Depthwise: one filter per channel. Packed: bias, then [block][kh][kw][lane]. */
yk__code yk__depthwise_pack(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err);
yk__code yk__depthwise_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                               yk__error *err);

#endif
