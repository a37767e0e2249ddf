/* Winograd convolution F(4x4, 3x3): whether it fits, transformed weights, block sizes. Transforms of inputs and outputs are in
 * winograd_template.h.
 *
 * Toom-Cook at the points 0, 1, -1, 1/2, -2 and infinity: the choice with the least rounding error of those with small
 * fractions (measured in fp32 on real weights: docs/kernels.md). With N_j = prod_k (a_j - a_k), row j of G is
 * [1 a_j a_j^2] / N_j; the last row takes g_2. */
#include "backend/cpu/winograd_cpu.h"

#include <string.h>

#include "backend/cpu/cpu_kernels.h"

static const double G[YK__WINO_IN][3] = {{1, 0, 0},
                                         {1 / 3.0, 1 / 3.0, 1 / 3.0},
                                         {-1 / 3.0, 1 / 3.0, -1 / 3.0},
                                         {-16 / 15.0, -8 / 15.0, -4 / 15.0},
                                         {1 / 15.0, -2 / 15.0, 4 / 15.0},
                                         {0, 0, 1}};

static int32_t panel_blocks(int32_t left) {
    if (left == 1 || left == 3) return left;
    return 2;
}

static int32_t make_panels(int32_t out_blocks, int64_t in_floats, int32_t block, yk__conv_panel *panels) {
    int32_t n = 0;
    int64_t floats = 0;
    for (int32_t at = 0; at < out_blocks; n++) {
        int32_t blocks = panel_blocks(out_blocks - at);
        if (panels) panels[n] = (yk__conv_panel){.first_out_block = at, .n_out_blocks = blocks, .weights = floats};
        floats += YK__WINO_TERMS * in_floats * blocks * block;
        at += blocks;
    }
    return n;
}

/* An odd number of cache lines: the 36 stores of a tile, one per term, then go to different sets. */
static int64_t odd_lines(int64_t floats) {
    int64_t lines = (floats + 15) / 16;
    return (lines | 1) * 16;
}

static void size_blocks(yk__wino_state *s, int32_t block) {
    int64_t per_tile = (int64_t)YK__WINO_TERMS * s->in_blocks * block;
    int64_t tiles = YK__WINO_L2_FLOATS / per_tile / YK__WINO_MIN_TILES * YK__WINO_MIN_TILES;
    if (tiles < YK__WINO_MIN_TILES) tiles = YK__WINO_MIN_TILES;
    if (tiles > YK__WINO_MAX_TILES) tiles = YK__WINO_MAX_TILES;
    s->most_tiles = tiles;
    s->term_in = odd_lines(tiles * s->in_blocks * block);
    s->term_out = odd_lines(tiles * YK__MAX_TILE_BLOCKS * block);
    s->worker_floats = YK__WINO_TERMS * (s->term_in + s->term_out);
}

static void resolve_blocks(yk__wino_state *s, int32_t block) {
    s->in_blocks = (int32_t)((s->shape.c + block - 1) / block);
    s->out_blocks = (int32_t)((s->shape.o + block - 1) / block);
    s->tiles_h = (s->shape.oh + YK__WINO_OUT - 1) / YK__WINO_OUT;
    s->tiles_w = (s->shape.ow + YK__WINO_OUT - 1) / YK__WINO_OUT;
    size_blocks(s, block);
}

bool yk__winograd_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    yk__wino_state s = {0};
    if (query->block != isa->block || !yk__conv_resolve(query, &s.shape)) return false;
    const yk__conv_shape *c = &s.shape;
    if (c->kh != 3 || c->kw != 3 || c->sh != 1 || c->sw != 1 || c->dh != 1 || c->dw != 1 || c->groups != 1) return false;
    if (c->pad_top > 1 || c->pad_left > 1) return false;
    resolve_blocks(&s, isa->block);
    need->in_form[0] = need->in_form[3] = need->out_form[0] = YK__FORM_BLOCKED;
    need->in_halo[0] = (int32_t)c->halo;
    need->skip[1] = need->skip[2] = true;
    int64_t bias = (int64_t)s.out_blocks * isa->block, in_lanes = (int64_t)s.in_blocks * isa->block;
    need->packed_bytes = (size_t)(bias + YK__WINO_TERMS * in_lanes * bias) * sizeof(float);
    need->packed_format = 1;
    need->scratch_bytes = (size_t)(query->n_threads * s.worker_floats) * sizeof(float);
    need->by_tiles = c->oh == c->h && c->ow == c->w;
    need->tile_reach = 1;
    if (c->n * s.tiles_h * s.tiles_w > INT32_MAX) return false;
    need->scratch_bytes += (size_t)(c->n * s.tiles_h * s.tiles_w) * sizeof(int32_t);
    double tiles = (double)(s.tiles_h * s.tiles_w);
    double products = tiles * 2.0 * YK__WINO_TERMS * (double)(in_lanes * bias) / isa->rates.winograd_gflops;
    double transforms = tiles * isa->rates.transform_ns * (s.in_blocks + 1.2 * s.out_blocks);
    double epilogue = tiles * s.out_blocks * 16 * isa->rates.silu_ns;
    /* 36 numbers for each 9 of the plain weights have to come in: small maps wait for them */
    double weights = (double)need->packed_bytes / isa->rates.weight_bytes_per_ns, work = products + transforms + epilogue;
    need->cost_ns = yk__cpu_shared_ns(isa, query, work > weights ? work : weights);
    return true;
}

yk__code yk__winograd_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                              yk__error *err) {
    const yk__cpu_isa *isa = kernel->data;
    yk__wino_state *made = yk__arena_alloc(arena, sizeof *made);
    if (!made) return yk__arena_error(arena, "a convolution", err);
    if (!yk__conv_resolve_step(step, &made->shape)) {
        return yk__fail(err, YK__INTERNAL, "a convolution that was accepted does not resolve");
    }
    resolve_blocks(made, isa->block);
    yk__conv_panel *panels = yk__arena_array(arena, (size_t)made->out_blocks, sizeof *panels);
    if (!panels) return yk__arena_error(arena, "a convolution", err);
    made->n_panels = make_panels(made->out_blocks, (int64_t)made->in_blocks * isa->block, isa->block, panels);
    made->panels = panels;
    size_t list_bytes = (size_t)(made->shape.n * made->tiles_h * made->tiles_w) * sizeof(int32_t);
    made->list_offset = step->scratch_bytes - list_bytes;
    *state = made;
    return YK__OK;
}

typedef struct pack_job {
    const yk__wino_state *state;
    const float *weights;
    float *packed;
    int32_t block;
} pack_job;

/* Widest panel: kernels of as many output channels are transformed together, so that the compiler can use vectors. */
#define MOST_LANES (YK__MAX_TILE_BLOCKS * 16)

/* The 3x3 kernels of one input channel and up to MOST_LANES output channels: [tap][lane] to terms G g G^T as [term][lane]. In
 * double, rounded once. */
static void transform_kernels(double g[9][MOST_LANES], float terms[YK__WINO_TERMS][MOST_LANES]) {
    double rows[YK__WINO_IN][3][MOST_LANES];
    for (int i = 0; i < YK__WINO_IN; i++) {
        for (int x = 0; x < 3; x++) {
            for (int l = 0; l < MOST_LANES; l++) {
                rows[i][x][l] = G[i][0] * g[x][l] + G[i][1] * g[3 + x][l] + G[i][2] * g[6 + x][l];
            }
        }
    }
    for (int i = 0; i < YK__WINO_IN; i++) {
        for (int j = 0; j < YK__WINO_IN; j++) {
            float *out = terms[i * YK__WINO_IN + j];
            for (int l = 0; l < MOST_LANES; l++) {
                out[l] = (float)(rows[i][0][l] * G[j][0] + rows[i][1][l] * G[j][1] + rows[i][2][l] * G[j][2]);
            }
        }
    }
}

/* task: one input block of one panel, so that threads share the work of wide layers evenly */
static void pack_part(void *argument, int task, int worker) {
    (void)worker;
    const pack_job *job = argument;
    const yk__wino_state *s = job->state;
    const yk__conv_panel *panel = &s->panels[task / s->in_blocks];
    int64_t in_block = task % s->in_blocks, width = (int64_t)panel->n_out_blocks * job->block;
    int64_t term_floats = (int64_t)s->in_blocks * job->block * width, first = (int64_t)panel->first_out_block * job->block;
    float *to = job->packed + panel->weights + in_block * job->block * width;
    double g[9][MOST_LANES] = {{0}};
    float terms[YK__WINO_TERMS][MOST_LANES];
    for (int64_t c = 0; c < job->block; c++) {
        int64_t channel = in_block * job->block + c;
        for (int64_t l = 0; l < width; l++) {
            bool exists = channel < s->shape.c && first + l < s->shape.o;
            const float *kernel = job->weights + ((first + l) * s->shape.c + channel) * 9;
            for (int t = 0; t < 9; t++) g[t][l] = exists ? (double)kernel[t] : 0;
        }
        transform_kernels(g, terms);
        for (int64_t t = 0; t < YK__WINO_TERMS; t++) {
            memcpy(to + t * term_floats + c * width, terms[t], (size_t)width * sizeof(float));
        }
    }
}

yk__code yk__winograd_pack(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err) {
    (void)err;
    const yk__cpu_isa *isa = kernel->data;
    const yk__wino_state *s = step->state;
    float *bias = packed;
    yk__conv_pack_bias(step, s->shape.o, (int64_t)s->out_blocks * isa->block, bias);
    pack_job job = {
        .state = s, .weights = step->in[1].constant, .packed = bias + (int64_t)s->out_blocks * isa->block, .block = isa->block};
    yk__pool_for(pool, s->n_panels * s->in_blocks, pack_part, &job);
    return YK__OK;
}
