/* What the families of inference rules share: checks with messages, known integers, axes, bounded arithmetic. */
#include "graph/infer_rules.h"

#include <stdio.h>
#include <string.h>

/* Inputs listed in a message; the rest is "...". */
enum { INPUTS_SHOWN = 6, NAME_SHOWN = 200 };

yk__code yk__rule_fail(const yk__rule_call *call, yk__code code, const char *format, ...) {
    if (!call->err) return code;
    char text[512], inputs[INPUTS_SHOWN * 150 + 16] = "";
    size_t at = 0;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (int i = 0; i < call->node->n_in && at + 150 < sizeof inputs; i++) {
        char shape[128];
        int n = i == INPUTS_SHOWN ? snprintf(inputs + at, sizeof inputs - at, ", ...")
                : call->in[i].dtype == YK__DTYPE_NONE
                    ? snprintf(inputs + at, sizeof inputs - at, "%sabsent", i ? ", " : "")
                    : snprintf(inputs + at, sizeof inputs - at, "%s%s %s", i ? ", " : "", yk__dtype_name(call->in[i].dtype),
                               yk__shape_text(&call->in[i].shape, shape));
        at += n > 0 ? (size_t)n : 0;
        if (i == INPUTS_SHOWN) break;
    }
    const yk__op_info *info = yk__op_info_get(call->node->op);
    return yk__fail(call->err, code, "node %.*s (%s): %s [inputs %s]", NAME_SHOWN, call->node->name, info ? info->name : "?",
                    text, inputs);
}

bool yk__rule_has(const yk__rule_call *call, int input) {
    return input < call->node->n_in && call->in[input].dtype != YK__DTYPE_NONE;
}

bool yk__rule_dynamic(const yk__rule_call *call) {
    for (int i = 0; i < call->node->n_in; i++)
        if (yk__rule_has(call, i) && call->in[i].dynamic) return true;
    return false;
}

void yk__rule_set(const yk__rule_call *call, int output, yk__dtype dtype, const yk__shape *shape) {
    if (output >= call->node->n_out) return;
    call->out[output].dtype = dtype;
    call->out[output].shape = *shape;
}

yk__code yk__rule_like_input_typed(const yk__rule_call *call, yk__dtype dtype) {
    yk__rule_set(call, 0, dtype, &call->in[0].shape);
    return YK__OK;
}

yk__code yk__rule_like_input(const yk__rule_call *call) {
    return yk__rule_like_input_typed(call, call->in[0].dtype);
}

yk__code yk__rule_want_float(const yk__rule_call *call, int input) {
    if (yk__dtype_is_float(call->in[input].dtype)) return YK__OK;
    return yk__rule_fail(call, YK__GRAPH, "input %d must be of a float type", input);
}

yk__code yk__rule_want_numeric(const yk__rule_call *call, int input) {
    if (call->in[input].dtype != YK__DTYPE_BOOL) return YK__OK;
    return yk__rule_fail(call, YK__GRAPH, "input %d must be numbers, not bool", input);
}

yk__code yk__rule_want_index(const yk__rule_call *call, int input) {
    yk__dtype dtype = call->in[input].dtype;
    if (dtype == YK__DTYPE_I32 || dtype == YK__DTYPE_I64) return YK__OK;
    return yk__rule_fail(call, YK__GRAPH, "input %d must be i32 or i64", input);
}

yk__code yk__rule_want_type(const yk__rule_call *call, int input, yk__dtype dtype) {
    if (call->in[input].dtype == dtype) return YK__OK;
    return yk__rule_fail(call, YK__GRAPH, "input %d must be %s", input, yk__dtype_name(dtype));
}

yk__code yk__rule_want_same_type(const yk__rule_call *call) {
    for (int i = 1; i < call->node->n_in; i++)
        if (yk__rule_has(call, i) && call->in[i].dtype != call->in[0].dtype)
            return yk__rule_fail(call, YK__GRAPH, "inputs 0 and %d differ in type", i);
    return YK__OK;
}

yk__code yk__rule_want_rank(const yk__rule_call *call, int input, int low, int high) {
    int rank = call->in[input].shape.rank;
    if (rank >= low && rank <= high) return YK__OK;
    if (low == high) return yk__rule_fail(call, YK__SHAPE, "input %d has rank %d, not %d", input, rank, low);
    return yk__rule_fail(call, YK__SHAPE, "input %d has rank %d, outside %d..%d", input, rank, low, high);
}

yk__code yk__rule_ints(const yk__rule_call *call, int input, int64_t *out, int max, int *n) {
    const yk__inferred *value = &call->in[input];
    int64_t count;
    YK__TRY(yk__rule_want_index(call, input));
    if (value->shape.rank > 1 || !yk__shape_count(&value->shape, &count))
        return yk__rule_fail(call, YK__SHAPE, "input %d must be a list of integers", input);
    if (count > max)
        return yk__rule_fail(call, YK__SHAPE, "input %d has %lld numbers; at most %d can be used", input, (long long)count,
                             max);
    if (!value->data && count > 0)
        return yk__rule_fail(call, YK__SHAPE, "the output's shape depends on values of input %d not known before the run",
                             input);
    for (int64_t i = 0; i < count; i++)
        out[i] = value->dtype == YK__DTYPE_I64 ? ((const int64_t *)value->data)[i] : ((const int32_t *)value->data)[i];
    *n = (int)count;
    return YK__OK;
}

yk__code yk__rule_int(const yk__rule_call *call, int input, int64_t *out) {
    int n = 0;
    YK__TRY(yk__rule_ints(call, input, out, 1, &n));
    return n == 1 ? YK__OK : yk__rule_fail(call, YK__SHAPE, "input %d must have one element", input);
}

yk__code yk__rule_axis(const yk__rule_call *call, int64_t axis, int rank, int *out) {
    if (axis < -rank || axis >= rank)
        return yk__rule_fail(call, YK__SHAPE, "axis %lld is outside %d..%d", (long long)axis, -rank, rank - 1);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return YK__OK;
}

yk__code yk__rule_axes(const yk__rule_call *call, const int64_t *axes, int n, int rank, int *out) {
    for (int i = 0; i < n; i++) {
        YK__TRY(yk__rule_axis(call, axes[i], rank, &out[i]));
        for (int k = 0; k < i; k++)
            if (out[k] == out[i]) return yk__rule_fail(call, YK__SHAPE, "axis %d is given twice", out[i]);
    }
    return YK__OK;
}

static yk__code bounded(const yk__rule_call *call, bool fits, int64_t result, int64_t *out) {
    if (!fits || result > YK__MAX_ELEMENTS)
        return yk__rule_fail(call, YK__LIMIT, "a dimension of the output would be over %lld", (long long)YK__MAX_ELEMENTS);
    *out = result;
    return YK__OK;
}

yk__code yk__rule_mul(const yk__rule_call *call, int64_t a, int64_t b, int64_t *out) {
    int64_t result = 0;
    bool fits = yk__mul_i64(a, b, &result);
    return bounded(call, fits, result, out);
}

yk__code yk__rule_add(const yk__rule_call *call, int64_t a, int64_t b, int64_t *out) {
    int64_t result = 0;
    bool fits = yk__add_i64(a, b, &result);
    return bounded(call, fits, result, out);
}
