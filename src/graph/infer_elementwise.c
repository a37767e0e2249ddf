/* Inference of operators that work element by element: one input, or several that broadcast. */
#include <string.h>

#include "graph/infer_rules.h"

static yk__code float_unary(const yk__rule_call *call) {
    YK__TRY(yk__rule_want_float(call, 0));
    return yk__rule_like_input(call);
}

static yk__code numeric_unary(const yk__rule_call *call) {
    YK__TRY(yk__rule_want_numeric(call, 0));
    return yk__rule_like_input(call);
}

static yk__code float_test(const yk__rule_call *call) {
    YK__TRY(yk__rule_want_float(call, 0));
    return yk__rule_like_input_typed(call, YK__DTYPE_BOOL);
}

static yk__code not_rule(const yk__rule_call *call) {
    YK__TRY(yk__rule_want_type(call, 0, YK__DTYPE_BOOL));
    return yk__rule_like_input(call);
}

static yk__code clip(const yk__rule_call *call) {
    YK__TRY(yk__rule_want_numeric(call, 0));
    YK__TRY(yk__rule_want_same_type(call));
    for (int i = 1; i < call->node->n_in; i++) {
        int64_t count;
        if (yk__rule_has(call, i) && (!yk__shape_count(&call->in[i].shape, &count) || count != 1))
            return yk__rule_fail(call, YK__SHAPE, "bound %d must be one number", i);
    }
    return yk__rule_like_input(call);
}

/* Output 0 with the broadcast shape of all inputs. */
static yk__code broadcast(const yk__rule_call *call, yk__dtype dtype) {
    yk__shape shape = call->in[0].shape;
    for (int i = 1; i < call->node->n_in; i++)
        if (!yk__shape_broadcast(&shape, &call->in[i].shape, &shape))
            return yk__rule_fail(call, YK__SHAPE, "the shapes do not broadcast");
    yk__rule_set(call, 0, dtype, &shape);
    return YK__OK;
}

static yk__code arithmetic(const yk__rule_call *call) {
    YK__TRY(yk__rule_want_numeric(call, 0));
    YK__TRY(yk__rule_want_same_type(call));
    return broadcast(call, call->in[0].dtype);
}

static yk__code float_mean(const yk__rule_call *call) {
    YK__TRY(yk__rule_want_float(call, 0));
    return arithmetic(call);
}

/* The exponent may be of another type than the base. */
static yk__code power(const yk__rule_call *call) {
    YK__TRY(yk__rule_want_numeric(call, 0));
    YK__TRY(yk__rule_want_numeric(call, 1));
    return broadcast(call, call->in[0].dtype);
}

static yk__code equality(const yk__rule_call *call) {
    YK__TRY(yk__rule_want_same_type(call));
    return broadcast(call, YK__DTYPE_BOOL);
}

static yk__code comparison(const yk__rule_call *call) {
    YK__TRY(yk__rule_want_numeric(call, 0));
    return equality(call);
}

static yk__code logical(const yk__rule_call *call) {
    YK__TRY(yk__rule_want_type(call, 0, YK__DTYPE_BOOL));
    return equality(call);
}

static yk__code prelu(const yk__rule_call *call) {
    yk__shape shape;
    YK__TRY(yk__rule_want_numeric(call, 0));
    YK__TRY(yk__rule_want_same_type(call));
    if (!yk__shape_broadcast(&call->in[0].shape, &call->in[1].shape, &shape) || !yk__shape_equal(&shape, &call->in[0].shape))
        return yk__rule_fail(call, YK__SHAPE, "the slope does not broadcast to the shape of the input");
    return yk__rule_like_input(call);
}

static yk__code where(const yk__rule_call *call) {
    YK__TRY(yk__rule_want_type(call, 0, YK__DTYPE_BOOL));
    YK__TRY(yk__rule_want_type(call, 2, call->in[1].dtype));
    return broadcast(call, call->in[1].dtype);
}

yk__rule yk__rules_elementwise(yk__op op) {
    switch (op) {
    case YK__OP_ABS:
    case YK__OP_NEG:
    case YK__OP_RELU:
    case YK__OP_SIGN: return numeric_unary;
    case YK__OP_ACOS:
    case YK__OP_ACOSH:
    case YK__OP_ASIN:
    case YK__OP_ASINH:
    case YK__OP_ATAN:
    case YK__OP_ATANH:
    case YK__OP_CEIL:
    case YK__OP_CELU:
    case YK__OP_COS:
    case YK__OP_COSH:
    case YK__OP_ELU:
    case YK__OP_ERF:
    case YK__OP_EXP:
    case YK__OP_FLOOR:
    case YK__OP_GELU:
    case YK__OP_HARD_SIGMOID:
    case YK__OP_HARD_SWISH:
    case YK__OP_LEAKY_RELU:
    case YK__OP_LOG:
    case YK__OP_MISH:
    case YK__OP_RECIPROCAL:
    case YK__OP_ROUND:
    case YK__OP_SELU:
    case YK__OP_SIGMOID:
    case YK__OP_SILU:
    case YK__OP_SIN:
    case YK__OP_SINH:
    case YK__OP_SOFTPLUS:
    case YK__OP_SOFTSIGN:
    case YK__OP_SQRT:
    case YK__OP_TAN:
    case YK__OP_TANH:
    case YK__OP_THRESHOLDED_RELU: return float_unary;
    case YK__OP_IS_INF:
    case YK__OP_IS_NAN: return float_test;
    case YK__OP_NOT: return not_rule;
    case YK__OP_CLIP: return clip;
    case YK__OP_ADD:
    case YK__OP_SUB:
    case YK__OP_MUL:
    case YK__OP_DIV:
    case YK__OP_MAX:
    case YK__OP_MIN: return arithmetic;
    case YK__OP_MEAN:
    case YK__OP_SUM: return float_mean;
    case YK__OP_POW: return power;
    case YK__OP_MOD: return arithmetic;
    case YK__OP_PRELU: return prelu;
    case YK__OP_EQUAL: return equality;
    case YK__OP_GREATER:
    case YK__OP_GREATER_OR_EQUAL:
    case YK__OP_LESS:
    case YK__OP_LESS_OR_EQUAL: return comparison;
    case YK__OP_AND:
    case YK__OP_OR:
    case YK__OP_XOR: return logical;
    case YK__OP_WHERE: return where;
    default: return NULL;
    }
}
