/* Inference of operators about shapes, and of those that make tensors out of numbers. */
#include <math.h>

#include "graph/infer_rules.h"

void yk__shape_slice(const yk__node *node, int rank, int *first, int *n) {
    int64_t start = yk__node_int(node, "start", 0), end = yk__node_int(node, "end", rank);
    if (start < 0) start += rank;
    if (end < 0) end += rank;
    start = start < 0 ? 0 : start > rank ? rank : start;
    end = end < 0 ? 0 : end > rank ? rank : end;
    *first = (int)start;
    *n = end > start ? (int)(end - start) : 0;
}

static yk__code shape_of(const yk__rule_call *call) {
    int first, n;
    yk__shape_slice(call->node, call->in[0].shape.rank, &first, &n);
    yk__shape shape = {.rank = 1, .dim = {n}};
    yk__rule_set(call, 0, YK__DTYPE_I64, &shape);
    call->out[0].dynamic = false; /* the rank is always known */
    return YK__OK;
}

static yk__code size_of(const yk__rule_call *call) {
    yk__shape shape = {0};
    yk__rule_set(call, 0, YK__DTYPE_I64, &shape);
    call->out[0].dynamic = false;
    return YK__OK;
}

/* ceil((limit - start) / delta), in integers without overflow. */
static yk__code int_range(const yk__rule_call *call, int64_t *n) {
    int64_t start, limit, delta;
    YK__TRY(yk__rule_int(call, 0, &start));
    YK__TRY(yk__rule_int(call, 1, &limit));
    YK__TRY(yk__rule_int(call, 2, &delta));
    if (delta == 0) return yk__rule_fail(call, YK__SHAPE, "the step is 0");
    *n = 0;
    if (delta > 0 ? limit <= start : limit >= start) return YK__OK;
    uint64_t span = delta > 0 ? (uint64_t)limit - (uint64_t)start : (uint64_t)start - (uint64_t)limit;
    uint64_t step = delta > 0 ? (uint64_t)delta : 0 - (uint64_t)delta, count = (span - 1) / step + 1;
    if (count > (uint64_t)YK__MAX_ELEMENTS)
        return yk__rule_fail(call, YK__LIMIT, "over %lld elements", (long long)YK__MAX_ELEMENTS);
    *n = (int64_t)count;
    return YK__OK;
}

static double float_scalar(yk__dtype dtype, const void *data) {
    switch (dtype) {
    case YK__DTYPE_F16: return (double)yk__half_to_float(*(const uint16_t *)data);
    case YK__DTYPE_BF16: return (double)yk__bf16_to_float(*(const uint16_t *)data);
    case YK__DTYPE_F32: return (double)*(const float *)data;
    default: return *(const double *)data;
    }
}

static yk__code float_range(const yk__rule_call *call, int64_t *n) {
    double v[3];
    for (int i = 0; i < 3; i++) {
        if (!call->in[i].data)
            return yk__rule_fail(call, YK__SHAPE, "the output's shape depends on values of input %d not known before the run",
                                 i);
        v[i] = float_scalar(call->in[i].dtype, call->in[i].data);
    }
    double count = ceil((v[1] - v[0]) / v[2]);
    if (v[2] == 0 || isnan(count)) return yk__rule_fail(call, YK__SHAPE, "from %g to %g by %g is no range", v[0], v[1], v[2]);
    if (count > (double)YK__MAX_ELEMENTS)
        return yk__rule_fail(call, YK__LIMIT, "over %lld elements", (long long)YK__MAX_ELEMENTS);
    *n = count > 0 ? (int64_t)count : 0;
    return YK__OK;
}

static yk__code range(const yk__rule_call *call) {
    yk__dtype dtype = call->in[0].dtype;
    yk__shape shape = {.rank = 1};
    YK__TRY(yk__rule_want_same_type(call));
    for (int i = 0; i < 3; i++) {
        int64_t count;
        if (!yk__shape_count(&call->in[i].shape, &count) || count != 1)
            return yk__rule_fail(call, YK__SHAPE, "input %d must have one element", i);
    }
    if (dtype == YK__DTYPE_I64 || dtype == YK__DTYPE_I32)
        YK__TRY(int_range(call, &shape.dim[0]));
    else if (yk__dtype_is_float(dtype))
        YK__TRY(float_range(call, &shape.dim[0]));
    else
        return yk__rule_fail(call, YK__UNSUPPORTED, "ranges of this type are not supported");
    yk__rule_set(call, 0, dtype, &shape);
    return YK__OK;
}

static yk__code constant_of_shape(const yk__rule_call *call) {
    yk__shape shape = {0};
    yk__dtype dtype = YK__DTYPE_F32;
    YK__TRY(yk__rule_ints(call, 0, shape.dim, YK__MAX_RANK, &shape.rank));
    for (int i = 0; i < shape.rank; i++)
        if (shape.dim[i] < 0 || shape.dim[i] > YK__MAX_ELEMENTS)
            return yk__rule_fail(call, YK__SHAPE, "dimension %d would be %lld", i, (long long)shape.dim[i]);
    if (yk__rule_has(call, 1)) {
        int64_t count;
        dtype = call->in[1].dtype;
        if (!yk__shape_count(&call->in[1].shape, &count) || count != 1)
            return yk__rule_fail(call, YK__SHAPE, "the value must have one element");
    }
    yk__rule_set(call, 0, dtype, &shape);
    return YK__OK;
}

static yk__code eye_like(const yk__rule_call *call) {
    const char *name = yk__node_string(call->node, "dtype", NULL);
    yk__dtype dtype = name ? yk__dtype_from_name(name) : call->in[0].dtype;
    YK__TRY(yk__rule_want_rank(call, 0, 2, 2));
    if (dtype == YK__DTYPE_NONE) return yk__rule_fail(call, YK__GRAPH, "there is no element type \"%.40s\"", name);
    return yk__rule_like_input_typed(call, dtype);
}

static yk__code trilu(const yk__rule_call *call) {
    int64_t count;
    YK__TRY(yk__rule_want_rank(call, 0, 2, YK__MAX_RANK));
    if (yk__rule_has(call, 1)) {
        YK__TRY(yk__rule_want_index(call, 1));
        if (!yk__shape_count(&call->in[1].shape, &count) || count != 1)
            return yk__rule_fail(call, YK__SHAPE, "the diagonal must be one number");
    }
    return yk__rule_like_input(call);
}

/* depth may be of any number type. */
static yk__code read_depth(const yk__rule_call *call, int64_t *depth) {
    const yk__inferred *value = &call->in[1];
    int64_t count;
    if (value->dtype != YK__DTYPE_F32 && value->dtype != YK__DTYPE_F64) {
        YK__TRY(yk__rule_int(call, 1, depth));
    } else {
        if (!yk__shape_count(&value->shape, &count) || count != 1)
            return yk__rule_fail(call, YK__SHAPE, "the depth must be one number");
        if (!value->data)
            return yk__rule_fail(call, YK__SHAPE, "the output's shape depends on values of input 1 not known before the run");
        double number = value->dtype == YK__DTYPE_F32 ? (double)*(const float *)value->data : *(const double *)value->data;
        *depth = number >= 0 && number <= (double)YK__MAX_ELEMENTS ? (int64_t)number : -1;
    }
    if (*depth >= 1 && *depth <= YK__MAX_ELEMENTS) return YK__OK;
    return yk__rule_fail(call, YK__SHAPE, "the depth is outside 1..%lld", (long long)YK__MAX_ELEMENTS);
}

static yk__code one_hot(const yk__rule_call *call) {
    yk__shape shape = call->in[0].shape;
    int64_t depth;
    int axis;
    YK__TRY(yk__rule_want_numeric(call, 0));
    YK__TRY(read_depth(call, &depth));
    YK__TRY(yk__rule_want_rank(call, 2, 1, 1));
    if (call->in[2].shape.dim[0] != 2) return yk__rule_fail(call, YK__SHAPE, "the values must be two: off and on");
    if (shape.rank + 1 > YK__MAX_RANK)
        return yk__rule_fail(call, YK__LIMIT, "the output's rank would be %d; at most %d is allowed", shape.rank + 1,
                             YK__MAX_RANK);
    YK__TRY(yk__rule_axis(call, yk__node_int(call->node, "axis", -1), shape.rank + 1, &axis));
    for (int i = shape.rank++; i > axis; i--) shape.dim[i] = shape.dim[i - 1];
    shape.dim[axis] = depth;
    yk__rule_set(call, 0, call->in[2].dtype, &shape);
    return YK__OK;
}

static yk__code cum_sum(const yk__rule_call *call) {
    int64_t given, count;
    int axis;
    YK__TRY(yk__rule_want_numeric(call, 0));
    YK__TRY(yk__rule_want_index(call, 1));
    if (!yk__shape_count(&call->in[1].shape, &count) || count != 1)
        return yk__rule_fail(call, YK__SHAPE, "the axis must be one number");
    if (call->in[1].data) {
        YK__TRY(yk__rule_int(call, 1, &given));
        YK__TRY(yk__rule_axis(call, given, call->in[0].shape.rank, &axis));
    }
    return yk__rule_like_input(call);
}

yk__rule yk__rules_shape(yk__op op) {
    switch (op) {
    case YK__OP_SHAPE: return shape_of;
    case YK__OP_SIZE: return size_of;
    case YK__OP_RANGE: return range;
    case YK__OP_CONSTANT_OF_SHAPE: return constant_of_shape;
    case YK__OP_EYE_LIKE: return eye_like;
    case YK__OP_TRILU: return trilu;
    case YK__OP_ONE_HOT: return one_hot;
    case YK__OP_CUM_SUM: return cum_sum;
    default: return NULL;
    }
}
