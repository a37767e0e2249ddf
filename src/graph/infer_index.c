/* Inference of operators that choose by index: Gather and Scatter, TopK, NonZero, NonMaxSuppression. */
#include <string.h>

#include "graph/infer_rules.h"

static yk__code gather(const yk__rule_call *call) {
    const yk__shape *data = &call->in[0].shape, *indices = &call->in[1].shape;
    yk__shape shape = {0};
    int axis;
    YK__TRY(yk__rule_want_index(call, 1));
    YK__TRY(yk__rule_axis(call, yk__node_int(call->node, "axis", 0), data->rank, &axis));
    if (data->rank - 1 + indices->rank > YK__MAX_RANK)
        return yk__rule_fail(call, YK__LIMIT, "the output's rank would be %d; at most %d is allowed",
                             data->rank - 1 + indices->rank, YK__MAX_RANK);
    for (int i = 0; i < axis; i++) shape.dim[shape.rank++] = data->dim[i];
    for (int i = 0; i < indices->rank; i++) shape.dim[shape.rank++] = indices->dim[i];
    for (int i = axis + 1; i < data->rank; i++) shape.dim[shape.rank++] = data->dim[i];
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    return YK__OK;
}

/* Indices of GatherElements and ScatterElements: the data's rank, and no larger but along the axis. */
static yk__code check_element_indices(const yk__rule_call *call) {
    const yk__shape *data = &call->in[0].shape, *indices = &call->in[1].shape;
    int axis;
    YK__TRY(yk__rule_want_index(call, 1));
    YK__TRY(yk__rule_axis(call, yk__node_int(call->node, "axis", 0), data->rank, &axis));
    YK__TRY(yk__rule_want_rank(call, 1, data->rank, data->rank));
    for (int i = 0; i < data->rank; i++)
        if (i != axis && indices->dim[i] > data->dim[i])
            return yk__rule_fail(call, YK__SHAPE, "there are more indices than data along axis %d", i);
    return YK__OK;
}

static yk__code gather_elements(const yk__rule_call *call) {
    YK__TRY(check_element_indices(call));
    yk__rule_set(call, 0, call->in[0].dtype, &call->in[1].shape);
    return YK__OK;
}

/* How many dimensions of the data one index tuple covers, behind the batch dimensions. */
static yk__code tuple_length(const yk__rule_call *call, int batch, int *length) {
    const yk__shape *data = &call->in[0].shape, *indices = &call->in[1].shape;
    YK__TRY(yk__rule_want_index(call, 1));
    if (indices->rank < batch + 1) return yk__rule_fail(call, YK__SHAPE, "the indices must have rank %d or more", batch + 1);
    int64_t n = indices->dim[indices->rank - 1];
    if (n < 1 || n > data->rank - batch)
        return yk__rule_fail(call, YK__SHAPE, "index tuples of %lld numbers into %d dimensions", (long long)n,
                             data->rank - batch);
    *length = (int)n;
    return YK__OK;
}

static yk__code gather_nd(const yk__rule_call *call) {
    const yk__shape *data = &call->in[0].shape, *indices = &call->in[1].shape;
    int64_t batch = yk__node_int(call->node, "batch_dims", 0);
    yk__shape shape = {0};
    int length = 0;
    if (batch < 0 || batch >= data->rank || batch >= indices->rank)
        return yk__rule_fail(call, YK__SHAPE, "batch_dims is %lld", (long long)batch);
    for (int i = 0; i < batch; i++)
        if (data->dim[i] != indices->dim[i])
            return yk__rule_fail(call, YK__SHAPE, "batch dimension %d is %lld and %lld", i, (long long)data->dim[i],
                                 (long long)indices->dim[i]);
    YK__TRY(tuple_length(call, (int)batch, &length));
    int rest = data->rank - (int)batch - length;
    if (indices->rank - 1 + rest > YK__MAX_RANK)
        return yk__rule_fail(call, YK__LIMIT, "the output's rank would be %d; at most %d is allowed", indices->rank - 1 + rest,
                             YK__MAX_RANK);
    for (int i = 0; i < indices->rank - 1; i++) shape.dim[shape.rank++] = indices->dim[i];
    for (int i = data->rank - rest; i < data->rank; i++) shape.dim[shape.rank++] = data->dim[i];
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    return YK__OK;
}

static yk__code check_reduction(const yk__rule_call *call) {
    static const char *const names[] = {"none", "add", "mul", "min", "max"};
    const char *reduction = yk__node_string(call->node, "reduction", "none");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(reduction, names[i])) return yk__rule_want_type(call, 2, call->in[0].dtype);
    return yk__rule_fail(call, YK__UNSUPPORTED, "reduction is \"%.40s\"; yolk knows none add mul min max", reduction);
}

static yk__code scatter_elements(const yk__rule_call *call) {
    YK__TRY(check_reduction(call));
    YK__TRY(check_element_indices(call));
    if (!yk__shape_equal(&call->in[1].shape, &call->in[2].shape))
        return yk__rule_fail(call, YK__SHAPE, "indices and updates differ in shape");
    return yk__rule_like_input(call);
}

static yk__code scatter_nd(const yk__rule_call *call) {
    const yk__shape *data = &call->in[0].shape, *indices = &call->in[1].shape, *updates = &call->in[2].shape;
    int length = 0;
    YK__TRY(check_reduction(call));
    YK__TRY(tuple_length(call, 0, &length));
    bool fits = updates->rank == indices->rank - 1 + data->rank - length;
    for (int i = 0; fits && i < updates->rank; i++)
        fits = updates->dim[i] == (i < indices->rank - 1 ? indices->dim[i] : data->dim[i - (indices->rank - 1) + length]);
    if (!fits) return yk__rule_fail(call, YK__SHAPE, "the updates do not have the shape that indices and data ask for");
    return yk__rule_like_input(call);
}

static yk__code top_k(const yk__rule_call *call) {
    yk__shape shape = call->in[0].shape;
    int64_t k;
    int axis;
    YK__TRY(yk__rule_want_numeric(call, 0));
    YK__TRY(yk__rule_axis(call, yk__node_int(call->node, "axis", -1), shape.rank, &axis));
    YK__TRY(yk__rule_int(call, 1, &k));
    if (k < 0 || k > shape.dim[axis])
        return yk__rule_fail(call, YK__SHAPE, "k is %lld and axis %d has %lld elements", (long long)k, axis,
                             (long long)shape.dim[axis]);
    shape.dim[axis] = k;
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    yk__rule_set(call, 1, YK__DTYPE_I64, &shape);
    return YK__OK;
}

/* A column of indices per element at most; ONNX gives a scalar columns of no rows. */
static yk__code non_zero(const yk__rule_call *call) {
    yk__shape shape = {.rank = 2, .dim = {call->in[0].shape.rank, 0}};
    if (!yk__shape_count(&call->in[0].shape, &shape.dim[1])) return yk__rule_fail(call, YK__LIMIT, "the input is too large");
    yk__rule_set(call, 0, YK__DTYPE_I64, &shape);
    call->out[0].dynamic = true;
    return YK__OK;
}

/* At most one row per picture, class and box, or as many per picture and class as the third input allows. */
static yk__code non_max_suppression(const yk__rule_call *call) {
    const yk__shape *boxes = &call->in[0].shape, *scores = &call->in[1].shape;
    int64_t most = 0, rows;
    for (int i = 0; i < 2; i++) {
        YK__TRY(yk__rule_want_type(call, i, YK__DTYPE_F32));
        YK__TRY(yk__rule_want_rank(call, i, 3, 3));
    }
    if (boxes->dim[2] != 4 || boxes->dim[0] != scores->dim[0] || boxes->dim[1] != scores->dim[2])
        return yk__rule_fail(call, YK__SHAPE, "boxes must be N x B x 4 and scores N x M x B");
    for (int i = 2; i < call->node->n_in; i++) {
        int64_t count;
        if (yk__rule_has(call, i) && (!yk__shape_count(&call->in[i].shape, &count) || count != 1))
            return yk__rule_fail(call, YK__SHAPE, "input %d must have one element", i);
    }
    if (yk__rule_has(call, 2)) {
        YK__TRY(yk__rule_want_index(call, 2));
        most = boxes->dim[1]; /* the bound that holds when the number is not known */
        if (call->in[2].data) YK__TRY(yk__rule_int(call, 2, &most));
    }
    most = most < 0 ? 0 : most > boxes->dim[1] ? boxes->dim[1] : most;
    YK__TRY(yk__rule_mul(call, boxes->dim[0], scores->dim[1], &rows));
    YK__TRY(yk__rule_mul(call, rows, most, &rows));
    yk__shape shape = {.rank = 2, .dim = {rows, 3}};
    yk__rule_set(call, 0, YK__DTYPE_I64, &shape);
    call->out[0].dynamic = true;
    return YK__OK;
}

yk__rule yk__rules_index(yk__op op) {
    switch (op) {
    case YK__OP_GATHER: return gather;
    case YK__OP_GATHER_ELEMENTS: return gather_elements;
    case YK__OP_GATHER_ND: return gather_nd;
    case YK__OP_SCATTER_ELEMENTS: return scatter_elements;
    case YK__OP_SCATTER_ND: return scatter_nd;
    case YK__OP_TOP_K: return top_k;
    case YK__OP_NON_ZERO: return non_zero;
    case YK__OP_NON_MAX_SUPPRESSION: return non_max_suppression;
    default: return NULL;
    }
}
