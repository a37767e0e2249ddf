/* Winograd convolution F(4x4, 3x3): whether it fits, packed weights, block sizes. The transforms are in winograd_template.h. */
#include "backend/cpu/winograd_cpu.h"

#include <string.h>

#include "backend/cpu/cpu_kernels.h"
#include "base/cpu.h"

static int32_t panel_blocks(int32_t left) {
    if (left == 1 || left == 3) return left;
    return 2;
}

/* panels and kept_at may be NULL to count. Returns the floats of all transformed weights. */
static int64_t make_panels(yk__wino_state *s, int32_t block, yk__conv_panel *panels, int64_t *kept_at) {
    int64_t floats = 0, kept = 0;
    s->n_panels = 0;
    for (int32_t at = 0; at < s->out_blocks; s->n_panels++) {
        const int32_t blocks = panel_blocks(s->out_blocks - at);
        if (panels) {
            panels[s->n_panels] =
                (yk__conv_panel){.first_out_block = at, .n_out_blocks = blocks, .n_in_blocks = s->in_blocks, .weights = floats};
            kept_at[s->n_panels] = kept;
        }
        const int64_t per_term = (int64_t)s->in_blocks * block * blocks * block;
        floats += 9 * per_term;
        kept += YK__WINO_TERMS * yk__wino_odd_lines(per_term);
        at += blocks;
    }
    return kept;
}

static int64_t clamp(int64_t value, int64_t least, int64_t most) {
    return value < least ? least : value > most ? most : value;
}

static int64_t cache_floats(void) {
    return (int64_t)yk__cpu_get()->l2_bytes / (int64_t)sizeof(float);
}

static int64_t most_tiles(const yk__wino_state *s, int32_t block) {
    const int64_t fit = cache_floats() * 3 / 4 / (YK__WINO_TERMS * (int64_t)s->in_blocks * block);
    const int64_t all = s->shape.n * s->tiles_h * s->tiles_w;
    return clamp(all, YK__WINO_ROOM_TILES, clamp(fit, YK__WINO_LEAST_TILES, YK__WINO_MOST_TILES));
}

/* Block sizes and scratch; returns the bytes of the latter for one worker. */
static size_t size_scratch(yk__wino_state *s, int32_t block) {
    const int64_t all = make_panels(s, block, NULL, NULL), widest = s->out_blocks < 3 ? s->out_blocks : YK__MAX_TILE_BLOCKS;
    const int32_t part_blocks = YK__WINO_PART_LANES / block;
    s->kept = all <= clamp(cache_floats() / 2, YK__WINO_KEPT_LEAST_FLOATS, YK__WINO_KEPT_MOST_FLOATS);
    s->n_parts = s->kept ? 1 : (s->in_blocks + part_blocks - 1) / part_blocks;
    const int32_t longest = (s->in_blocks + s->n_parts - 1) / s->n_parts;
    s->most_tiles = most_tiles(s, block);
    s->term_out = yk__wino_odd_lines(s->most_tiles * widest * block);
    s->input_floats = YK__WINO_TERMS * yk__wino_odd_lines(s->most_tiles * s->in_blocks * block);
    s->weight_floats = s->kept ? all : YK__WINO_TERMS * yk__wino_odd_lines((int64_t)longest * block * widest * block);
    s->product_floats = YK__WINO_TERMS * s->term_out;
    const size_t floats = (size_t)(s->input_floats + s->weight_floats + s->product_floats) * sizeof(float);
    s->made_offset = floats;
    s->list_offset = yk__round_up(floats + (size_t)s->n_panels + 1, sizeof(int32_t));
    return yk__round_up(s->list_offset + (size_t)(s->shape.n * s->tiles_h * s->tiles_w) * sizeof(int32_t), YK__CACHE_LINE);
}

static void resolve_blocks(yk__wino_state *s, int32_t block) {
    s->in_blocks = (int32_t)((s->shape.c + block - 1) / block);
    s->out_blocks = (int32_t)((s->shape.o + block - 1) / block);
    s->tiles_h = (s->shape.oh + YK__WINO_OUT - 1) / YK__WINO_OUT;
    s->tiles_w = (s->shape.ow + YK__WINO_OUT - 1) / YK__WINO_OUT;
}

/* One picture, one thread. */
static double cost_ns(const yk__wino_state *s, const yk__cpu_isa *isa) {
    const double in_lanes = (double)s->in_blocks * isa->block, out_lanes = (double)s->out_blocks * isa->block;
    const double tiles = (double)(s->tiles_h * s->tiles_w);
    const double products = tiles * 2.0 * YK__WINO_TERMS * in_lanes * out_lanes / isa->rates.winograd_gflops;
    const double transforms = tiles * isa->rates.transform_ns * (s->in_blocks + 1.2 * s->out_blocks);
    const double epilogue = tiles * s->out_blocks * 16 * isa->rates.silu_ns;
    /* as if the cache had 1 MiB: the choice of kernels is not to differ between processors of one level */
    const bool kept = YK__WINO_TERMS * in_lanes * out_lanes <= (double)YK__WINO_KEPT_LEAST_FLOATS;
    const double blocks = kept ? 1 : tiles * YK__WINO_TERMS * in_lanes / (128.0 * 1024), times = blocks < 1 ? 1 : blocks;
    const double weights = times * in_lanes * s->out_blocks * isa->rates.kernels_ns;
    return products + transforms + epilogue + weights;
}

bool yk__winograd_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    yk__wino_state s = {0};
    if (query->block != isa->block || !yk__conv_resolve(query, &s.shape)) return false;
    const yk__conv_shape *c = &s.shape;
    if (c->kh != 3 || c->kw != 3 || c->sh != 1 || c->sw != 1 || c->dh != 1 || c->dw != 1 || c->groups != 1) return false;
    if (c->pad_top > 1 || c->pad_left > 1) return false;
    resolve_blocks(&s, isa->block);
    if (c->n * s.tiles_h * s.tiles_w > INT32_MAX) return false;
    need->in_form[0] = need->in_form[3] = need->out_form[0] = YK__FORM_BLOCKED;
    need->in_halo[0] = (int32_t)c->halo;
    need->skip[1] = need->skip[2] = true;
    const int64_t bias = (int64_t)s.out_blocks * isa->block, in_lanes = (int64_t)s.in_blocks * isa->block;
    need->packed_bytes = (size_t)(bias + 9 * in_lanes * bias) * sizeof(float);
    need->packed_format = 2;
    need->scratch_bytes = (size_t)(query->n_threads > 1 ? query->n_threads : 1) * size_scratch(&s, isa->block);
    need->by_tiles = c->oh == c->h && c->ow == c->w;
    need->tile_reach = 1;
    need->cost_ns = yk__cpu_shared_ns(isa, query, cost_ns(&s, isa));
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
    int64_t *kept_at = yk__arena_array(arena, (size_t)made->out_blocks, sizeof *kept_at);
    if (!panels || !kept_at) return yk__arena_error(arena, "a convolution", err);
    make_panels(made, isa->block, panels, kept_at);
    made->panels = panels;
    made->kept_at = kept_at;
    size_scratch(made, isa->block);
    *state = made;
    return YK__OK;
}

typedef struct pack_job {
    const yk__wino_state *state;
    const float *weights;
    float *packed;
    int32_t block;
} pack_job;

/* task: one input block of one panel, so that threads share the work of wide layers evenly */
static void pack_part(void *argument, int task, int worker) {
    (void)worker;
    const pack_job *job = argument;
    const yk__wino_state *s = job->state;
    const yk__conv_panel *panel = &s->panels[task / s->in_blocks];
    const int64_t in_block = task % s->in_blocks, width = (int64_t)panel->n_out_blocks * job->block;
    const int64_t first = (int64_t)panel->first_out_block * job->block, left = s->shape.o - first;
    const int64_t used = left < width ? left : width;
    float *to = job->packed + panel->weights + in_block * job->block * 9 * width;
    for (int64_t c = 0; c < job->block; c++) {
        const int64_t channel = in_block * job->block + c;
        const float *from = job->weights + (first * s->shape.c + channel) * 9;
        for (int64_t t = 0; t < 9; t++, to += width) {
            int64_t l = 0;
            for (; channel < s->shape.c && l < used; l++) to[l] = from[l * s->shape.c * 9 + t];
            for (; l < width; l++) to[l] = 0;
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
