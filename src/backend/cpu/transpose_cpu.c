/* Transposed convolution with kernel = stride and no padding (segmentation prototypes, the necks of v6): every output pixel has
 * one tap, so each tap is a matrix product whose results are stored `stride` pixels apart. */
#include "backend/cpu/transpose_cpu.h"

#include <string.h>

#include "backend/cpu/cpu_kernels.h"

static int32_t make_panels(int32_t out_blocks, int64_t panel_floats, yk__conv_panel *panels) {
    int32_t n = 0;
    int64_t floats = 0;
    for (int32_t at = 0; at < out_blocks; n++) {
        int32_t left = out_blocks - at, blocks = left == 1 || left == 3 ? left : 2;
        if (panels) panels[n] = (yk__conv_panel){.first_out_block = at, .n_out_blocks = blocks, .weights = floats};
        floats += panel_floats * blocks;
        at += blocks;
    }
    return n;
}

static bool all_are(const yk__node *node, const char *name, int64_t wanted) {
    int64_t values[4];
    int n = yk__node_ints(node, name, values, 4);
    for (int i = 0; i < n && i < 4; i++) {
        if (values[i] != wanted) return false;
    }
    return n <= 4;
}

static bool resolve(const yk__node *node, const yk__shape *in, const yk__shape *weight, const yk__shape *out,
                    yk__conv_shape *s) {
    memset(s, 0, sizeof *s);
    if (in->rank != 4 || weight->rank != 4 || out->rank != 4) return false;
    s->n = in->dim[0], s->c = in->dim[1], s->h = in->dim[2], s->w = in->dim[3];
    s->o = out->dim[1], s->oh = out->dim[2], s->ow = out->dim[3];
    s->kh = s->sh = weight->dim[2], s->kw = s->sw = weight->dim[3];
    int64_t strides[2] = {1, 1};
    int n = yk__node_ints(node, "strides", strides, 2);
    if ((n != 0 && n != 2) || strides[0] != s->sh || strides[1] != s->sw) return false;
    if (!all_are(node, "pads", 0) || !all_are(node, "output_padding", 0) || !all_are(node, "dilations", 1)) return false;
    if (yk__node_int(node, "group", 1) != 1 || weight->dim[0] != s->c || weight->dim[1] != s->o) return false;
    return s->oh == s->h * s->sh && s->ow == s->w * s->sw && yk__conv_activation(node, &s->act, &s->alpha, &s->beta);
}

bool yk__transpose_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    yk__conv_shape s;
    if (query->block != isa->block || !yk__cpu_is_map(&query->in[0]) || !yk__cpu_is_map(&query->out[0])) return false;
    if (!yk__cpu_is_f32(&query->in[1]) || !query->in[1].data) return false;
    if (!resolve(query->node, &query->in[0].shape, &query->in[1].shape, &query->out[0].shape, &s)) return false;
    bool has_bias = query->node->n_in > 2 && query->in[2].dtype != YK__DTYPE_NONE;
    if (has_bias && (!yk__cpu_is_f32(&query->in[2]) || !query->in[2].data)) return false;
    int64_t in_lanes = (s.c + isa->block - 1) / isa->block * isa->block,
            out_lanes = (s.o + isa->block - 1) / isa->block * isa->block;
    need->in_form[0] = need->out_form[0] = YK__FORM_BLOCKED;
    need->skip[1] = need->skip[2] = true;
    need->packed_bytes = (size_t)(out_lanes * (1 + s.kh * s.kw * in_lanes)) * sizeof(float);
    need->packed_format = 1;
    double outputs = (double)(out_lanes * s.oh * s.ow);
    need->cost_ns = yk__cpu_shared_ns(
        isa, query, 2.0 * outputs * (double)in_lanes / isa->rates.conv_1x1_gflops + outputs / isa->block * isa->rates.silu_ns);
    return true;
}

yk__code yk__transpose_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                               yk__error *err) {
    const yk__cpu_isa *isa = kernel->data;
    yk__transpose_state *made = yk__arena_alloc(arena, sizeof *made);
    if (!made) return yk__arena_error(arena, "a transposed convolution", err);
    if (!resolve(step->node, &step->in[0].shape, &step->in[1].shape, &step->out[0].shape, &made->shape)) {
        return yk__fail(err, YK__INTERNAL, "a transposed convolution that was accepted does not resolve");
    }
    const yk__conv_shape *s = &made->shape;
    made->in_blocks = (int32_t)((s->c + isa->block - 1) / isa->block);
    made->out_blocks = (int32_t)((s->o + isa->block - 1) / isa->block);
    yk__conv_panel *panels = yk__arena_array(arena, (size_t)made->out_blocks, sizeof *panels);
    if (!panels) return yk__arena_error(arena, "a transposed convolution", err);
    made->n_panels = make_panels(made->out_blocks, s->kh * s->kw * made->in_blocks * isa->block * isa->block, panels);
    made->panels = panels;
    *state = made;
    return YK__OK;
}

static void pack_panel(const yk__transpose_state *state, const yk__conv_panel *panel, const float *weights, int32_t block,
                       float *to) {
    const yk__conv_shape *s = &state->shape;
    int64_t taps = s->kh * s->kw, width = (int64_t)panel->n_out_blocks * block;
    for (int64_t tap = 0; tap < taps; tap++) {
        for (int64_t c = 0; c < (int64_t)state->in_blocks * block; c++, to += width) {
            for (int64_t l = 0; l < width; l++) {
                int64_t o = (int64_t)panel->first_out_block * block + l;
                to[l] = c < s->c && o < s->o ? weights[(c * s->o + o) * taps + tap] : 0;
            }
        }
    }
}

yk__code yk__transpose_pack(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err) {
    (void)pool, (void)err;
    const yk__cpu_isa *isa = kernel->data;
    const yk__transpose_state *state = step->state;
    float *bias = packed, *to = bias + (int64_t)state->out_blocks * isa->block;
    yk__conv_pack_bias(step, state->shape.o, (int64_t)state->out_blocks * isa->block, bias);
    for (int32_t p = 0; p < state->n_panels; p++) {
        pack_panel(state, &state->panels[p], step->in[1].constant, isa->block, to + state->panels[p].weights);
    }
    return YK__OK;
}
