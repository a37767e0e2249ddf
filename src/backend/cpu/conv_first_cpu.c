/* The first convolution: three (at most four) input channels, whose padding to a whole block would be mostly wasted work. It
 * can take over ImageInput, so that pictures go straight into registers and no f32 copy of them is ever written. */
#include <math.h>
#include <string.h>

#include "backend/cpu/cpu_kernels.h"

/* order, scale, mean and std of an ImageInput; false where the values are out of range. */
static bool image_facts(const yk__node *node, int64_t channels, float *scale, double mean[4], double std[4], bool *rgb) {
    *scale = (float)yk__node_float(node, "scale", 255);
    *rgb = strcmp(yk__node_string(node, "order", "rgb"), "rgb") == 0;
    for (int c = 0; c < YK__CONV_FIRST_MAX_CHANNELS; c++) {
        mean[c] = 0;
        std[c] = 1;
    }
    const yk__attr *means = yk__node_attr(node, "mean"), *stds = yk__node_attr(node, "std");
    if ((means && means->n > YK__CONV_FIRST_MAX_CHANNELS) || (stds && stds->n > YK__CONV_FIRST_MAX_CHANNELS) || !(*scale > 0))
        return false;
    for (int c = 0; means && c < means->n; c++) mean[c] = means->floats[c];
    for (int c = 0; stds && c < stds->n; c++) std[c] = stds->floats[c];
    return channels == 3;
}

static int64_t row_floats(const yk__conv_shape *s) {
    int64_t reach = (s->ow - 1) * s->sw + (s->kw - 1) * s->dw + 1,
            right = s->pad_left + s->w > reach ? s->pad_left + s->w : reach;
    return (right * s->c + 15) / 16 * 16 + 16; /* vector stores of a converted row may run over its end */
}

/* Blocks of each panel: as wide as tiles go, since the reduction is short and the row at hand lies in the first-level cache. */
static int64_t first_panels(const yk__conv_shape *s, int32_t block, yk__conv_panel *panels, int32_t *n) {
    int32_t out_blocks = (int32_t)((s->o + block - 1) / block), count = 0;
    int64_t floats = 0;
    for (int32_t at = 0; at < out_blocks; count++) {
        int32_t left = out_blocks - at, blocks = left == 4 ? 2 : left < YK__MAX_TILE_BLOCKS ? left : YK__MAX_TILE_BLOCKS;
        if (panels) panels[count] = (yk__conv_panel){.first_out_block = at, .n_out_blocks = blocks, .weights = floats};
        floats += s->kh * s->kw * s->c * blocks * block;
        at += blocks;
    }
    *n = count;
    return floats;
}

bool yk__conv_first_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    yk__conv_shape s;
    if (query->block != isa->block || !yk__conv_resolve_first(query, &s)) return false;
    if (s.c > YK__CONV_FIRST_MAX_CHANNELS || s.groups != 1 || s.dh != 1 || s.dw != 1 || s.has_residual ||
        s.kh > YK__CONV_FIRST_MAX_KERNEL)
        return false;
    bool fuse = false;
    if (query->maker && query->maker->op == YK__OP_IMAGE_INPUT) {
        float scale;
        double mean[4], std[4];
        bool rgb;
        fuse = image_facts(query->maker, s.c, &scale, mean, std, &rgb) && yk__cpu_is_map(query->maker_in);
    }
    int32_t n_panels, out_blocks = (int32_t)((s.o + isa->block - 1) / isa->block);
    int64_t floats = first_panels(&s, isa->block, NULL, &n_panels);
    need->fuse_maker = fuse;
    need->in_form[0] = YK__FORM_PLAIN;
    need->out_form[0] = YK__FORM_BLOCKED;
    need->skip[1] = need->skip[2] = true;
    need->packed_bytes = (size_t)((int64_t)out_blocks * isa->block + floats) * sizeof(float);
    need->packed_format = fuse ? 2 : 3; /* channel order differs */
    need->scratch_bytes =
        (size_t)query->n_threads * yk__round_up((size_t)(s.kh * row_floats(&s)) * sizeof(float), YK__CACHE_LINE);
    double flops = 2.0 * (double)floats * (double)(s.oh * s.ow), outputs = (double)(out_blocks * s.oh * s.ow);
    double convert = yk__cpu_move_ns(isa, 2.0 * (double)(s.c * s.h * s.w));
    need->cost_ns = yk__cpu_shared_ns(isa, query, flops / isa->rates.conv_1x1_gflops + outputs * isa->rates.silu_ns + convert);
    return true;
}

/* 1 / scale, or 0 where the quotient of some byte would not be that of a division. */
static float proven_reciprocal(float scale) {
    const float reciprocal = 1.0f / scale;
    for (int v = 0; v < 256; v++) {
        const float close = (float)v * reciprocal;
        if (fmaf(fmaf(-close, scale, (float)v), reciprocal, close) != (float)v / scale) return 0;
    }
    return reciprocal;
}

static yk__code image_state(const yk__step *step, yk__arena *arena, yk__conv_first_state *made, yk__error *err) {
    double mean[4], std[4];
    bool rgb, plain = true;
    if (!image_facts(step->fused, made->conv.shape.c, &made->scale, mean, std, &rgb)) {
        return yk__fail(err, YK__INTERNAL, "an ImageInput that was accepted does not resolve");
    }
    for (int32_t c = 0; c < 3; c++) {
        made->position[c] = rgb ? 2 - c : c; /* pictures are BGR */
        plain = plain && mean[c] == 0 && std[c] == 1;
    }
    made->reciprocal = proven_reciprocal(made->scale);
    if (plain) return YK__OK;
    float *table = yk__arena_array(arena, 3 * 256, sizeof *table);
    if (!table) return yk__arena_error(arena, "a convolution", err);
    for (int c = 0; c < 3; c++) {
        for (int v = 0; v < 256; v++) {
            table[made->position[c] * 256 + v] = ((float)v / made->scale - (float)mean[c]) / (float)std[c];
        }
    }
    made->table = table;
    return YK__OK;
}

yk__code yk__conv_first_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                                yk__error *err) {
    const yk__cpu_isa *isa = kernel->data;
    yk__conv_first_state *made = yk__arena_alloc(arena, sizeof *made);
    if (!made) return yk__arena_error(arena, "a convolution", err);
    if (!yk__conv_resolve_step(step, &made->conv.shape)) {
        return yk__fail(err, YK__INTERNAL, "a convolution that was accepted does not resolve");
    }
    const yk__conv_shape *s = &made->conv.shape;
    made->conv.out_blocks = (int32_t)((s->o + isa->block - 1) / isa->block);
    yk__conv_panel *panels = yk__arena_array(arena, (size_t)made->conv.out_blocks, sizeof *panels);
    if (!panels) return yk__arena_error(arena, "a convolution", err);
    made->conv.weights_floats = first_panels(s, isa->block, panels, &made->conv.n_panels);
    made->conv.panels = panels;
    made->row_floats = row_floats(s);
    made->from_input = step->fused != NULL;
    for (int32_t c = 0; c < YK__CONV_FIRST_MAX_CHANNELS; c++) made->position[c] = c;
    *state = made;
    return step->fused ? image_state(step, arena, made, err) : YK__OK;
}

yk__code yk__conv_first_pack(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err) {
    (void)pool, (void)err;
    const yk__cpu_isa *isa = kernel->data;
    const yk__conv_first_state *state = step->state;
    const yk__conv_shape *s = &state->conv.shape;
    const float *weights = step->in[1].constant;
    float *bias = packed, *to = bias + (int64_t)state->conv.out_blocks * isa->block;
    yk__conv_pack_bias(step, s->o, (int64_t)state->conv.out_blocks * isa->block, bias);
    for (int32_t p = 0; p < state->conv.n_panels; p++) {
        const yk__conv_panel *panel = &state->conv.panels[p];
        int64_t width = (int64_t)panel->n_out_blocks * isa->block;
        for (int64_t tap = 0; tap < s->kh * s->kw; tap++, to += s->c * width) {
            for (int64_t c = 0; c < s->c; c++) {
                for (int64_t l = 0; l < width; l++) {
                    int64_t o = (int64_t)panel->first_out_block * isa->block + l;
                    to[state->position[c] * width + l] = o < s->o ? weights[(o * s->c + c) * s->kh * s->kw + tap] : 0;
                }
            }
        }
    }
    return YK__OK;
}
