/* bf16 convolution: whether it fits, how weights are packed, what a step needs to know. */
#include "backend/cpu/bf16_cpu.h"

#include <string.h>

#include "backend/cpu/cpu_kernels.h"

/* Channels per product of tiles: rows of 64 bytes, or of 32 where 64 do not divide; never one across two cache lines. */
static int32_t tile_channels(int32_t channels) {
    return channels % YK__AMX_CHANNELS == 0 ? YK__AMX_CHANNELS : YK__AMX_CHANNELS / 2;
}

static void set_tile(uint8_t *config, int tile, int32_t rows, int32_t bytes) {
    config[16 + 2 * tile] = (uint8_t)bytes;
    config[48 + tile] = (uint8_t)rows;
}

/* Tiles 0-3 sums, 4-5 pixels, 6-7 weights. */
static void configure_tiles(yk__bf16_state *s) {
    s->tiles_per_row = (int32_t)((s->shape.ow + YK__AMX_ROWS - 1) / YK__AMX_ROWS);
    s->tile_rows = (int32_t)((s->shape.ow + s->tiles_per_row - 1) / s->tiles_per_row);
    s->tile_config[0] = 1; /* palette */
    for (int t = 0; t < 4; t++) set_tile(s->tile_config, t, s->tile_rows, 64);
    for (int t = 4; t < 6; t++) set_tile(s->tile_config, t, s->tile_rows, 2 * s->chunk);
    for (int t = 6; t < 8; t++) set_tile(s->tile_config, t, s->chunk / 2, 64);
}

static void resolve_blocks(yk__bf16_state *s, const yk__cpu_isa *isa) {
    int32_t channels;
    s->in_blocks = (int32_t)((s->shape.c + isa->block - 1) / isa->block);
    s->out_blocks = (int32_t)((s->shape.o + isa->block - 1) / isa->block);
    s->n_panels = (s->out_blocks + YK__BF16_PANEL_BLOCKS - 1) / YK__BF16_PANEL_BLOCKS;
    channels = s->in_blocks * isa->block;
    s->chunk = isa->tiles ? tile_channels(channels) : 2;
    s->n_chunks = channels / s->chunk;
    s->panel_block = s->shape.kh * s->shape.kw * channels * isa->block;
    s->weights_bytes = s->panel_block * s->out_blocks * (int64_t)sizeof(uint16_t);
    s->in_bytes = s->shape.h * s->shape.w * channels * (int64_t)sizeof(uint16_t);
    if (isa->tiles) configure_tiles(s);
}

bool yk__conv_bf16_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    yk__bf16_state s = {0};
    if (query->block != isa->block || !yk__cpu_isa_usable(isa) || !yk__conv_resolve_bf16(query, &s.shape)) return false;
    const yk__conv_shape *c = &s.shape;
    if (c->groups != 1 || c->ow > INT32_MAX || (c->o + c->c) > INT32_MAX / 2) return false;
    resolve_blocks(&s, isa);
    need->in_form[0] = need->in_form[3] = need->out_form[0] = YK__FORM_BLOCKED;
    need->in_halo[0] = (int32_t)c->halo;
    need->skip[1] = need->skip[2] = true;
    need->packed_bytes = (size_t)((int64_t)s.out_blocks * isa->block * (int64_t)sizeof(float) + s.weights_bytes);
    need->packed_format = 1;
    need->by_tiles = c->sh == 1 && c->sw == 1 && c->oh == c->h && c->ow == c->w && c->halo <= YK__TILE;
    need->tile_reach = (int32_t)c->halo;
    double pixels = (double)(c->oh * c->ow), flops = 2.0 * (double)(s.panel_block * s.out_blocks) * pixels;
    double work = flops / isa->rates.bf16_gflops + pixels * s.out_blocks * isa->rates.silu_ns;
    double weights = (double)need->packed_bytes / isa->rates.weight_bytes_per_ns;
    need->cost_ns = yk__cpu_shared_ns(isa, query, work > weights ? work : weights);
    return true;
}

yk__code yk__conv_bf16_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                               yk__error *err) {
    const yk__cpu_isa *isa = kernel->data;
    yk__bf16_state *made = yk__arena_alloc(arena, sizeof *made);
    if (!made) return yk__arena_error(arena, "a convolution", err);
    if (!yk__conv_resolve_step(step, &made->shape)) {
        return yk__fail(err, YK__INTERNAL, "a convolution that was accepted does not resolve");
    }
    resolve_blocks(made, isa);
    yk__bf16_panel *panels = yk__arena_array(arena, (size_t)made->n_panels, sizeof *panels);
    if (!panels) return yk__arena_error(arena, "a convolution", err);
    for (int32_t p = 0; p < made->n_panels; p++) {
        int32_t first = p * YK__BF16_PANEL_BLOCKS, left = made->out_blocks - first;
        panels[p] = (yk__bf16_panel){.first_block = first,
                                     .n_blocks = left < YK__BF16_PANEL_BLOCKS ? left : YK__BF16_PANEL_BLOCKS,
                                     .weights = first * made->panel_block};
    }
    made->panels = panels;
    *state = made;
    return YK__OK;
}

typedef struct pack_job {
    const yk__bf16_state *state;
    const uint16_t *weights;
    uint16_t *packed;
    int32_t block;
} pack_job;

static void pack_panel(void *argument, int task, int worker) {
    (void)worker;
    const pack_job *job = argument;
    const yk__bf16_state *s = job->state;
    const yk__conv_shape *c = &s->shape;
    const yk__bf16_panel *panel = &s->panels[task];
    const int64_t taps = c->kh * c->kw;
    uint16_t *to = job->packed + panel->weights;
    for (int64_t tap = 0; tap < taps; tap++) {
        for (int64_t first = 0; first < (int64_t)s->n_chunks * s->chunk; first += s->chunk) {
            for (int64_t m = 0; m < panel->n_blocks; m++) {
                const int64_t out = (panel->first_block + m) * job->block;
                for (int64_t pair = first; pair < first + s->chunk; pair += 2, to += 2 * job->block) {
                    for (int64_t l = 0; l < 2 * job->block; l++) {
                        const int64_t o = out + l / 2, channel = pair + l % 2;
                        to[l] = o < c->o && channel < c->c ? job->weights[(o * c->c + channel) * taps + tap] : 0;
                    }
                }
            }
        }
    }
}

yk__code yk__conv_bf16_pack(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err) {
    (void)err;
    const yk__cpu_isa *isa = kernel->data;
    const yk__bf16_state *s = step->state;
    float *bias = packed;
    int64_t lanes = (int64_t)s->out_blocks * isa->block;
    yk__conv_pack_bias(step, s->shape.o, lanes, bias);
    pack_job job = {
        .state = s, .weights = step->in[1].constant, .packed = (uint16_t *)(void *)(bias + lanes), .block = isa->block};
    yk__pool_for(pool, s->n_panels, pack_panel, &job);
    return YK__OK;
}

/* ---- one filter per channel: weights in f32, [block][kh][kw][lane], a panel per block ---- */

bool yk__depthwise_bf16_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    yk__conv_shape s;
    if (query->block != isa->block || !yk__conv_resolve_bf16(query, &s)) return false;
    if (s.groups != s.c || s.o != s.c || s.c > INT32_MAX / 2) return false;
    int64_t blocks = (s.c + isa->block - 1) / isa->block;
    need->in_form[0] = need->in_form[3] = need->out_form[0] = YK__FORM_BLOCKED;
    need->in_halo[0] = (int32_t)s.halo;
    need->skip[1] = need->skip[2] = true;
    need->packed_bytes = (size_t)(blocks * isa->block * (1 + s.kh * s.kw)) * sizeof(float);
    need->packed_format = 1;
    need->by_tiles = s.sh == 1 && s.sw == 1 && s.oh == s.h && s.ow == s.w && s.halo <= YK__TILE;
    need->tile_reach = (int32_t)s.halo;
    double vectors = (double)(blocks * s.oh * s.ow), flops = 2.0 * vectors * isa->block * (double)(s.kh * s.kw);
    need->cost_ns = yk__cpu_shared_ns(isa, query, flops / isa->rates.depthwise_gflops + vectors * isa->rates.silu_ns);
    return true;
}

yk__code yk__depthwise_bf16_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                                    yk__error *err) {
    const yk__cpu_isa *isa = kernel->data;
    yk__bf16_state *made = yk__arena_alloc(arena, sizeof *made);
    if (!made) return yk__arena_error(arena, "a convolution", err);
    if (!yk__conv_resolve_step(step, &made->shape)) {
        return yk__fail(err, YK__INTERNAL, "a convolution that was accepted does not resolve");
    }
    const yk__conv_shape *s = &made->shape;
    made->n_panels = made->in_blocks = made->out_blocks = (int32_t)((s->c + isa->block - 1) / isa->block);
    made->in_bytes = s->h * s->w * made->in_blocks * isa->block * (int64_t)sizeof(uint16_t);
    yk__bf16_panel *panels = yk__arena_array(arena, (size_t)made->n_panels, sizeof *panels);
    if (!panels) return yk__arena_error(arena, "a convolution", err);
    for (int32_t p = 0; p < made->n_panels; p++) {
        panels[p] = (yk__bf16_panel){.first_block = p, .n_blocks = 1, .weights = p * s->kh * s->kw * isa->block};
    }
    made->panels = panels;
    *state = made;
    return YK__OK;
}

yk__code yk__depthwise_bf16_pack(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err) {
    (void)pool, (void)err;
    const yk__cpu_isa *isa = kernel->data;
    const yk__bf16_state *state = step->state;
    const yk__conv_shape *s = &state->shape;
    const uint16_t *weights = step->in[1].constant;
    const int64_t lanes = (int64_t)state->out_blocks * isa->block, taps = s->kh * s->kw;
    float *bias = packed, *to = bias + lanes;
    yk__conv_pack_bias(step, s->o, lanes, bias);
    for (int64_t c = 0; c < lanes; c++) {
        float *block = to + c / isa->block * taps * isa->block + c % isa->block;
        for (int64_t t = 0; t < taps; t++) block[t * isa->block] = c < s->c ? yk__bf16_to_float(weights[c * taps + t]) : 0;
    }
    return YK__OK;
}
