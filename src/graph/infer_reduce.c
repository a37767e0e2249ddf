/* Inference of reductions and of ArgMax and ArgMin. */
#include "graph/infer_rules.h"

/* The shape without the axes marked, or with 1 in their place. */
static yk__shape reduced_shape(const yk__shape *from, const bool *reduced, bool keep) {
    yk__shape shape = {0};
    for (int i = 0; i < from->rank; i++) {
        if (!reduced[i])
            shape.dim[shape.rank++] = from->dim[i];
        else if (keep)
            shape.dim[shape.rank++] = 1;
    }
    return shape;
}

static yk__code reduce(const yk__rule_call *call) {
    int rank = call->in[0].shape.rank, n = 0, axis[YK__MAX_RANK];
    int64_t axes[YK__MAX_RANK];
    bool reduced[YK__MAX_RANK] = {false};
    bool ordered = call->node->op == YK__OP_REDUCE_MAX || call->node->op == YK__OP_REDUCE_MIN; /* these take bool too */
    if (!ordered) YK__TRY(yk__rule_want_numeric(call, 0));
    if (yk__rule_has(call, 1)) YK__TRY(yk__rule_ints(call, 1, axes, YK__MAX_RANK, &n));
    YK__TRY(yk__rule_axes(call, axes, n, rank, axis));
    for (int i = 0; i < n; i++) reduced[axis[i]] = true;
    if (n == 0) {
        if (yk__node_int(call->node, "noop_with_empty_axes", 0)) return yk__rule_like_input(call);
        for (int i = 0; i < rank; i++) reduced[i] = true;
    }
    yk__shape shape = reduced_shape(&call->in[0].shape, reduced, yk__node_int(call->node, "keepdims", 1) != 0);
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    if (n == 0 || n == rank) call->out[0].dynamic = false; /* one element, whatever the size */
    return YK__OK;
}

static yk__code arg_best(const yk__rule_call *call) {
    const yk__shape *in = &call->in[0].shape;
    bool reduced[YK__MAX_RANK] = {false};
    int axis;
    YK__TRY(yk__rule_want_numeric(call, 0));
    YK__TRY(yk__rule_axis(call, yk__node_int(call->node, "axis", 0), in->rank, &axis));
    if (in->dim[axis] == 0) return yk__rule_fail(call, YK__SHAPE, "nothing to choose from along axis %d", axis);
    reduced[axis] = true;
    yk__shape shape = reduced_shape(in, reduced, yk__node_int(call->node, "keepdims", 1) != 0);
    yk__rule_set(call, 0, YK__DTYPE_I64, &shape);
    return YK__OK;
}

yk__rule yk__rules_reduce(yk__op op) {
    switch (op) {
    case YK__OP_REDUCE_SUM:
    case YK__OP_REDUCE_MEAN:
    case YK__OP_REDUCE_MAX:
    case YK__OP_REDUCE_MIN:
    case YK__OP_REDUCE_PROD:
    case YK__OP_REDUCE_L1:
    case YK__OP_REDUCE_L2:
    case YK__OP_REDUCE_LOG_SUM:
    case YK__OP_REDUCE_LOG_SUM_EXP:
    case YK__OP_REDUCE_SUM_SQUARE: return reduce;
    case YK__OP_ARG_MAX:
    case YK__OP_ARG_MIN: return arg_best;
    default: return NULL;
    }
}
