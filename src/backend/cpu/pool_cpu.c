/* Pooling on blocked tensors: which nodes fit. Windows are cut at the borders (padding never takes part), so no halo is
 * needed. */
#include "backend/cpu/pool_cpu.h"

#include <string.h>

#include "backend/cpu/cpu_kernels.h"

bool yk__pool_resolve(const yk__node *node, const yk__shape *in, const yk__shape *out, yk__pool_state *s) {
    memset(s, 0, sizeof *s);
    int64_t kernel[2] = {0, 0}, strides[2] = {1, 1}, dilations[2] = {1, 1}, pads[4] = {0, 0, 0, 0};
    s->n = in->dim[0], s->c = in->dim[1], s->h = in->dim[2], s->w = in->dim[3], s->oh = out->dim[2], s->ow = out->dim[3];
    if (yk__node_ints(node, "kernel_shape", kernel, 2) != 2) return false;
    int n_strides = yk__node_ints(node, "strides", strides, 2), n_dilations = yk__node_ints(node, "dilations", dilations, 2);
    int n_pads = yk__node_ints(node, "pads", pads, 4);
    if ((n_strides && n_strides != 2) || (n_dilations && n_dilations != 2) || (n_pads && n_pads != 4)) return false;
    if (dilations[0] != 1 || dilations[1] != 1 || strcmp(yk__node_string(node, "auto_pad", "NOTSET"), "NOTSET") != 0)
        return false;
    s->kh = kernel[0], s->kw = kernel[1], s->sh = strides[0], s->sw = strides[1];
    s->pad_top = pads[0], s->pad_left = pads[1], s->pad_bottom = pads[2], s->pad_right = pads[3];
    s->count_padding = yk__node_int(node, "count_include_pad", 0) != 0;
    if (s->kh < 1 || s->kw < 1 || s->sh < 1 || s->sw < 1 || s->kw > 64 || s->sw > 64) return false;
    for (int i = 0; i < 4; i++) {
        if (pads[i] < 0 || pads[i] >= kernel[i % 2]) return false;
    }
    /* ceil_mode may add a last window; it must still begin on the tensor */
    return (s->oh - 1) * s->sh - s->pad_top < s->h && (s->ow - 1) * s->sw - s->pad_left < s->w;
}

static bool accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    yk__pool_state s;
    if (query->block != isa->block || !yk__cpu_is_map(&query->in[0]) || !yk__cpu_is_map(&query->out[0])) return false;
    if (query->node->n_out > 1 && query->node->out[1] != YK__NO_VALUE) return false;
    if (!yk__pool_resolve(query->node, &query->in[0].shape, &query->out[0].shape, &s)) return false;
    need->in_form[0] = need->out_form[0] = YK__FORM_BLOCKED;
    int64_t vectors = (s.c + isa->block - 1) / isa->block * s.oh * s.ow;
    need->cost_ns = yk__cpu_shared_ns(isa, query,
                                      (double)(vectors * (s.kh * s.sw + s.kw)) * 0.25 +
                                          yk__cpu_move_ns(isa, 2.0 * (double)(vectors * isa->block)));
    return true;
}

bool yk__max_pool_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    return accept(kernel, query, need);
}

bool yk__average_pool_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    return accept(kernel, query, need);
}

bool yk__global_average_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    if (query->block != isa->block || !yk__cpu_is_map(&query->in[0]) || !yk__cpu_is_map(&query->out[0])) return false;
    need->in_form[0] = YK__FORM_BLOCKED;
    need->out_form[0] = YK__FORM_PLAIN;
    const int64_t *dim = query->in[0].shape.dim;
    need->cost_ns = yk__cpu_shared_ns(isa, query, yk__cpu_move_ns(isa, (double)(dim[1] * dim[2] * dim[3])));
    return true;
}

yk__code yk__pool_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                          yk__error *err) {
    (void)kernel;
    yk__pool_state *made = yk__arena_alloc(arena, sizeof *made);
    if (!made) return yk__arena_error(arena, "a pooling step", err);
    if (!yk__pool_resolve(step->node, &step->in[0].shape, &step->out[0].shape, made)) {
        return yk__fail(err, YK__INTERNAL, "a pooling that was accepted does not resolve");
    }
    *state = made;
    return YK__OK;
}
