/* Elementwise activations and softmax on PLAIN tensors of any rank: the tails of networks whose decode was not recognised. */
#include "backend/cpu/plain_cpu.h"

#include "backend/cpu/cpu_kernels.h"

bool yk__plain_unary_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    int64_t count;
    if (query->block != isa->block || !yk__cpu_is_f32(&query->in[0]) || !yk__cpu_is_f32(&query->out[0])) return false;
    if (!yk__shape_count(&query->in[0].shape, &count)) return false;
    need->in_place = true;
    double per_picture = (double)count / (double)(query->in[0].shape.rank > 0 ? query->in[0].shape.dim[0] : 1);
    need->cost_ns =
        yk__cpu_shared_ns(isa, query, yk__cpu_move_ns(isa, 2 * per_picture) + per_picture / isa->block * isa->rates.silu_ns);
    return true;
}

static bool resolve(const yk__node *node, const yk__shape *shape, yk__plain_softmax_state *s) {
    int64_t axis = yk__node_int(node, "axis", -1);
    if (axis < 0) axis += shape->rank;
    if (axis < 0 || axis >= shape->rank) return false;
    s->outer = s->inner = 1;
    s->n = shape->dim[axis];
    for (int32_t d = 0; d < shape->rank; d++) {
        if (d < axis) s->outer *= shape->dim[d];
        if (d > axis) s->inner *= shape->dim[d];
    }
    return true;
}

bool yk__plain_softmax_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    yk__plain_softmax_state s;
    if (query->block != isa->block || !yk__cpu_is_f32(&query->in[0]) || !yk__cpu_is_f32(&query->out[0])) return false;
    if (!resolve(query->node, &query->in[0].shape, &s)) return false;
    if (s.inner > 1 && s.inner < isa->block) return false; /* neither side of the axis fills a vector */
    double count = (double)(s.outer * s.n * s.inner) / (double)query->in[0].shape.dim[0];
    need->in_place = true;
    need->cost_ns = yk__cpu_shared_ns(isa, query, yk__cpu_move_ns(isa, 4 * count) + count / isa->block * isa->rates.silu_ns);
    return true;
}

yk__code yk__plain_softmax_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                                   yk__error *err) {
    (void)kernel;
    yk__plain_softmax_state *made = yk__arena_alloc(arena, sizeof *made);
    if (!made) return yk__arena_error(arena, "a softmax", err);
    if (!resolve(step->node, &step->in[0].shape, made)) {
        return yk__fail(err, YK__INTERNAL, "a softmax that was accepted does not resolve");
    }
    *state = made;
    return YK__OK;
}
