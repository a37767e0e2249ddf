/* Winograd convolution F(4x4, 3x3) on bf16 tensors: whether it fits, transformed weights, block sizes. The points are those of
 * winograd_cpu.c. For processors without AMX: 36 products in f32 instead of 144 in bf16. */
#include "backend/cpu/winograd_bf16_cpu.h"

#include <string.h>

#include "backend/cpu/cpu_kernels.h"

static const float G[YK__WINO_IN][3] = {{1, 0, 0},
                                        {1 / 3.0f, 1 / 3.0f, 1 / 3.0f},
                                        {-1 / 3.0f, 1 / 3.0f, -1 / 3.0f},
                                        {-16 / 15.0f, -8 / 15.0f, -4 / 15.0f},
                                        {1 / 15.0f, -2 / 15.0f, 4 / 15.0f},
                                        {0, 0, 1}};

static int32_t make_panels(int32_t out_blocks, int64_t in_channels, int32_t block, yk__conv_panel *panels) {
    int32_t n = 0;
    int64_t floats = 0;
    for (int32_t at = 0; at < out_blocks; n++) {
        int32_t left = out_blocks - at, blocks = left == 1 || left == 3 ? left : 2;
        if (panels) panels[n] = (yk__conv_panel){.first_out_block = at, .n_out_blocks = blocks, .weights = floats};
        floats += YK__WINO_TERMS * in_channels * blocks * block;
        at += blocks;
    }
    return n;
}

/* An odd number of cache lines: the 36 stores of a tile, one per term, then go to different sets. */
static int64_t odd_lines(int64_t floats) {
    return ((floats + 15) / 16 | 1) * 16;
}

static void resolve_blocks(yk__wino_bf16_state *s, int32_t block) {
    const yk__conv_shape *c = &s->conv.shape;
    s->conv.in_blocks = (int32_t)((c->c + block - 1) / block);
    s->conv.out_blocks = (int32_t)((c->o + block - 1) / block);
    s->tiles_h = (c->oh + YK__WINO_OUT - 1) / YK__WINO_OUT;
    s->tiles_w = (c->ow + YK__WINO_OUT - 1) / YK__WINO_OUT;
    int64_t per_tile = (int64_t)YK__WINO_TERMS * s->conv.in_blocks * block;
    int64_t tiles = YK__WINO_BF16_FLOATS / per_tile / YK__WINO_BF16_MIN_TILES * YK__WINO_BF16_MIN_TILES;
    tiles = tiles < YK__WINO_BF16_MIN_TILES    ? YK__WINO_BF16_MIN_TILES
            : tiles > YK__WINO_BF16_MOST_TILES ? YK__WINO_BF16_MOST_TILES
                                               : tiles;
    s->most_tiles = tiles;
    s->term_in = odd_lines(tiles * s->conv.in_blocks * block);
    s->term_out = odd_lines(tiles * YK__MAX_TILE_BLOCKS * block);
    s->worker_floats = YK__WINO_TERMS * (s->term_in + s->term_out);
}

bool yk__winograd_bf16_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    yk__wino_bf16_state s = {0};
    yk__conv_shape *c = &s.conv.shape;
    if (query->block != isa->block || !yk__cpu_isa_usable(isa) || !yk__conv_resolve_bf16(query, c)) return false;
    if (c->kh != 3 || c->kw != 3 || c->sh != 1 || c->sw != 1 || c->dh != 1 || c->dw != 1 || c->groups != 1) return false;
    if (c->pad_top > 1 || c->pad_left > 1) return false;
    resolve_blocks(&s, isa->block);
    need->in_form[0] = need->in_form[3] = need->out_form[0] = YK__FORM_BLOCKED;
    need->in_halo[0] = (int32_t)c->halo;
    need->skip[1] = need->skip[2] = true;
    int64_t bias = (int64_t)s.conv.out_blocks * isa->block, in_lanes = (int64_t)s.conv.in_blocks * isa->block;
    need->packed_bytes = (size_t)(bias + YK__WINO_TERMS * in_lanes * bias) * sizeof(float);
    need->packed_format = 1;
    need->by_tiles = c->oh == c->h && c->ow == c->w;
    need->tile_reach = 1;
    if (c->n * s.tiles_h * s.tiles_w > INT32_MAX) return false;
    /* the first worker's holds the list of tiles behind its floats */
    const size_t worker = (size_t)s.worker_floats * sizeof(float) + (size_t)(c->n * s.tiles_h * s.tiles_w) * sizeof(int32_t);
    need->scratch_bytes = (size_t)query->n_threads * yk__round_up(worker, YK__CACHE_LINE);
    double tiles = (double)(s.tiles_h * s.tiles_w);
    double products = tiles * 2.0 * YK__WINO_TERMS * (double)(in_lanes * bias) / isa->rates.winograd_gflops;
    double transforms = tiles * isa->rates.transform_ns * (s.conv.in_blocks + 1.2 * s.conv.out_blocks);
    double epilogue = tiles * s.conv.out_blocks * 16 * isa->rates.silu_ns;
    double weights = (double)need->packed_bytes / isa->rates.weight_bytes_per_ns, work = products + transforms + epilogue;
    need->cost_ns = yk__cpu_shared_ns(isa, query, work > weights ? work : weights);
    return true;
}

yk__code yk__winograd_bf16_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                                   yk__error *err) {
    const yk__cpu_isa *isa = kernel->data;
    yk__wino_bf16_state *made = yk__arena_alloc(arena, sizeof *made);
    if (!made) return yk__arena_error(arena, "a convolution", err);
    if (!yk__conv_resolve_step(step, &made->conv.shape)) {
        return yk__fail(err, YK__INTERNAL, "a convolution that was accepted does not resolve");
    }
    resolve_blocks(made, isa->block);
    yk__conv_panel *panels = yk__arena_array(arena, (size_t)made->conv.out_blocks, sizeof *panels);
    if (!panels) return yk__arena_error(arena, "a convolution", err);
    made->n_panels = make_panels(made->conv.out_blocks, (int64_t)made->conv.in_blocks * isa->block, isa->block, panels);
    made->panels = panels;
    *state = made;
    return YK__OK;
}

typedef struct pack_job {
    const yk__wino_bf16_state *state;
    const uint16_t *weights;
    float *packed;
    int32_t block;
} pack_job;

/* As many output channels are transformed together as the compiler needs for vectors. */
#define MOST_LANES 16

/* 3x3 kernels of one input channel to terms G g G^T, both as [..][lane]. */
static void transform_kernels(float g[9][MOST_LANES], int64_t lanes, float *out, int64_t term) {
    float rows[YK__WINO_IN][3][MOST_LANES];
    for (int i = 0; i < YK__WINO_IN; i++) {
        for (int x = 0; x < 3; x++) {
            for (int l = 0; l < MOST_LANES; l++)
                rows[i][x][l] = G[i][0] * g[x][l] + G[i][1] * g[3 + x][l] + G[i][2] * g[6 + x][l];
        }
    }
    for (int t = 0; t < YK__WINO_TERMS; t++, out += term) {
        const int i = t / YK__WINO_IN, j = t % YK__WINO_IN;
        float sum[MOST_LANES];
        for (int l = 0; l < MOST_LANES; l++)
            sum[l] = rows[i][0][l] * G[j][0] + rows[i][1][l] * G[j][1] + rows[i][2][l] * G[j][2];
        memcpy(out, sum, (size_t)lanes * sizeof *out);
    }
}

/* task: one input block of one panel */
static void pack_part(void *argument, int task, int worker) {
    (void)worker;
    const pack_job *job = argument;
    const yk__wino_bf16_state *s = job->state;
    const yk__conv_shape *c = &s->conv.shape;
    const yk__conv_panel *panel = &s->panels[task / s->conv.in_blocks];
    const int64_t first = task % s->conv.in_blocks * job->block, width = (int64_t)panel->n_out_blocks * job->block;
    const int64_t term = (int64_t)s->conv.in_blocks * job->block * width;
    float g[9][MOST_LANES] = {{0}};
    for (int64_t channel = first; channel < first + job->block; channel++) {
        for (int64_t b = 0; b < panel->n_out_blocks; b++) {
            for (int64_t l = 0; l < job->block; l++) {
                const int64_t o = (panel->first_out_block + b) * job->block + l;
                const bool exists = channel < c->c && o < c->o;
                for (int t = 0; t < 9; t++)
                    g[t][l] = exists ? yk__bf16_to_float(job->weights[(o * c->c + channel) * 9 + t]) : 0;
            }
            transform_kernels(g, job->block, job->packed + panel->weights + channel * width + b * job->block, term);
        }
    }
}

yk__code yk__winograd_bf16_pack(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err) {
    (void)err;
    const yk__cpu_isa *isa = kernel->data;
    const yk__wino_bf16_state *s = step->state;
    float *bias = packed;
    int64_t lanes = (int64_t)s->conv.out_blocks * isa->block;
    yk__conv_pack_bias(step, s->conv.shape.o, lanes, bias);
    pack_job job = {.state = s, .weights = step->in[1].constant, .packed = bias + lanes, .block = isa->block};
    yk__pool_for(pool, s->n_panels * s->conv.in_blocks, pack_part, &job);
    return YK__OK;
}
