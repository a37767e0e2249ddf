/* What carries bf16 tensors without multiplying: casts, changes of form, enlargement, pooling. Loops are in
 * pixels_template.h. */
#include <string.h>

#include "backend/cpu/cpu_kernels.h"

static double moved_ns(const yk__cpu_isa *isa, const yk__query *query, double passes) {
    const int64_t *in = query->in[0].shape.dim, *out = query->out[0].shape.dim;
    double elements = (double)(in[1] * in[2] * in[3] + out[1] * out[2] * out[3]);
    return yk__cpu_shared_ns(isa, query, passes * yk__cpu_move_ns(isa, elements / 2));
}

bool yk__form_bf16_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    if (query->block != isa->block || !yk__cpu_is_bf16_map(&query->in[0])) return false;
    if (query->in_form[0] == YK__FORM_PLAIN && query->change_to == YK__FORM_PLAIN) return false;
    need->in_form[0] = query->in_form[0];
    need->out_form[0] = query->change_to;
    need->cost_ns = moved_ns(isa, query, 2);
    return true;
}

bool yk__cast_bf16_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    const yk__inferred *in = &query->in[0], *out = &query->out[0];
    bool narrow = yk__cpu_is_map(in) && yk__cpu_is_bf16_map(out), widen = yk__cpu_is_bf16_map(in) && yk__cpu_is_map(out);
    if (query->block != isa->block || (!narrow && !widen)) return false;
    need->in_form[0] = need->out_form[0] = YK__FORM_BLOCKED;
    need->cost_ns = moved_ns(isa, query, 1);
    return true;
}

bool yk__enlarge_bf16_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    if (query->block != isa->block || !yk__cpu_is_bf16_map(&query->in[0]) || !yk__cpu_is_bf16_map(&query->out[0])) return false;
    if (!yk__enlarge_repeats(query)) return false;
    need->in_form[0] = need->out_form[0] = YK__FORM_BLOCKED;
    need->skip[1] = need->skip[2] = need->skip[3] = true;
    need->cost_ns = moved_ns(isa, query, 1);
    return true;
}

bool yk__max_pool_bf16_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    yk__pool_state s;
    if (query->block != isa->block || !yk__cpu_is_bf16_map(&query->in[0]) || !yk__cpu_is_bf16_map(&query->out[0])) return false;
    if (query->node->n_out > 1 && query->node->out[1] != YK__NO_VALUE) return false;
    if (!yk__pool_resolve(query->node, &query->in[0].shape, &query->out[0].shape, &s)) return false;
    need->in_form[0] = need->out_form[0] = YK__FORM_BLOCKED;
    need->cost_ns = moved_ns(isa, query, 1 + (double)(s.kh * s.kw) / 8);
    return true;
}
