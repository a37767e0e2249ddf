/* Elementwise operators of one input. One formula per line, for f32 and f64 alike (tgmath picks the function of the type);
 * Abs, Neg, Relu and Sign for integers too. NaN goes through unless the formula says otherwise. */
#include <math.h>
#include <tgmath.h>

#include "backend/ref/ops_ref.h"

/* log(1 + e^x) without overflow */
#define SOFTPLUS_X     (x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)))
#define CLAMP01(value) ((value) < 0 ? (T)0 : (value) > 1 ? (T)1 : (value))
/* x * Phi(x), by erf or by the usual tanh approximation with sqrt(2 / pi) and its cubic term */
#define GELU_ERF  (x * (T)0.5 * ((T)1 + erf(x * (T)0.70710678118654752440)))
#define GELU_TANH (x * (T)0.5 * ((T)1 + tanh((T)0.79788456080286535588 * (x + (T)0.044715 * x * x * x))))

/* T is the element type, x the element; alpha, beta, gamma are the node's attributes. */
#define FLOAT_LIST(X) \
    X(ABS, fabs(x)) \
    X(ACOS, acos(x)) \
    X(ACOSH, acosh(x)) \
    X(ASIN, asin(x)) \
    X(ASINH, asinh(x)) \
    X(ATAN, atan(x)) \
    X(ATANH, atanh(x)) \
    X(CEIL, ceil(x)) \
    X(CELU, x > 0 ? x : alpha * expm1(x / alpha)) \
    X(COS, cos(x)) \
    X(COSH, cosh(x)) \
    X(ELU, x > 0 ? x : alpha * expm1(x)) \
    X(ERF, erf(x)) \
    X(EXP, exp(x)) \
    X(FLOOR, floor(x)) \
    X(GELU, by_tanh ? GELU_TANH : GELU_ERF) \
    X(HARD_SIGMOID, CLAMP01(alpha *x + beta)) \
    X(HARD_SWISH, x *CLAMP01(x / (T)6 + (T)0.5)) \
    X(LEAKY_RELU, x < 0 ? alpha * x : x) \
    X(LOG, log(x)) \
    X(MISH, x *tanh(SOFTPLUS_X)) \
    X(NEG, -x) \
    X(RECIPROCAL, (T)1 / x) \
    X(RELU, x < 0 ? (T)0 : x) \
    X(ROUND, rint(x)) \
    X(SELU, gamma *(x > 0 ? x : alpha * expm1(x))) \
    X(SIGMOID, (T)1 / ((T)1 + exp(-x))) \
    X(SIGN, x > 0 ? (T)1 : x < 0 ? (T)-1 : x == 0 ? (T)0 : x) \
    X(SILU, x / ((T)1 + exp(-x))) \
    X(SIN, sin(x)) \
    X(SINH, sinh(x)) \
    X(SOFTPLUS, SOFTPLUS_X) \
    X(SOFTSIGN, x / ((T)1 + fabs(x))) \
    X(SQRT, sqrt(x)) \
    X(TAN, tan(x)) \
    X(TANH, tanh(x)) \
    X(THRESHOLDED_RELU, x > alpha ? x : (T)0)

/* Negation wraps, as everywhere with integers: -(-128) is -128 in 8 bits. */
#define INTEGER_LIST(X) \
    X(ABS, x > 0 ? x : (T)(0 - (uint64_t)x)) \
    X(NEG, (T)(0 - (uint64_t)x)) \
    X(RELU, x > 0 ? x : (T)0) \
    X(SIGN, x == 0 ? (T)0 : x > 0 ? (T)1 : (T)-1)

typedef struct unary_job {
    yk__op op;
    double alpha, beta, gamma;
    bool by_tanh; /* Gelu's approximation */
    yk__dtype dtype;
    const uint8_t *in;
    uint8_t *out;
} unary_job;

#define CASE(ident, formula) \
    case YK__OP_##ident: \
        for (int64_t i = begin; i < end; i++) { \
            const T x = v[i]; \
            o[i] = formula; \
        } \
        break;

#define FLOAT_FUNCTION(ident, type) \
    static void run_##ident(const unary_job *job, int64_t begin, int64_t end) { \
        typedef type T; \
        const T alpha = (T)job->alpha, beta = (T)job->beta, gamma = (T)job->gamma; \
        const bool by_tanh = job->by_tanh; \
        const T *v = (const T *)job->in; \
        T *o = (T *)job->out; \
        switch (job->op) { \
            FLOAT_LIST(CASE) \
        default: break; \
        } \
    }

#define INTEGER_FUNCTION(ident, type) \
    static void run_##ident(const unary_job *job, int64_t begin, int64_t end) { \
        typedef type T; \
        const T *v = (const T *)job->in; \
        T *o = (T *)job->out; \
        switch (job->op) { \
            INTEGER_LIST(CASE) \
        default: break; \
        } \
    }

YK__REF_FLOATS(FLOAT_FUNCTION)
YK__REF_INTEGERS(INTEGER_FUNCTION)

static void run_range(void *argument, int64_t begin, int64_t end) {
    const unary_job *job = argument;
    switch (job->dtype) {
#define X(ident, type) \
    case YK__DTYPE_##ident: run_##ident(job, begin, end); break;
        YK__REF_NUMBERS(X)
#undef X
    default: break;
    }
}

/* The default of alpha and gamma where a node has none. */
static void read_attributes(const yk__node *node, unary_job *job) {
    double alpha = 1;
    if (node->op == YK__OP_HARD_SIGMOID) alpha = (double)0.2f;
    if (node->op == YK__OP_LEAKY_RELU) alpha = (double)0.01f;
    if (node->op == YK__OP_SELU) alpha = 1.67326319217681884765625;
    job->alpha = yk__node_float(node, "alpha", alpha);
    job->beta = yk__node_float(node, "beta", 0.5);
    job->gamma = yk__node_float(node, "gamma", 1.05070102214813232421875);
    job->by_tanh = strcmp(yk__node_string(node, "approximate", "none"), "tanh") == 0;
}

yk__code yk__ref_unary(const yk__ref_call *call, yk__error *err) {
    (void)err;
    unary_job job = {.op = call->node->op, .dtype = call->in[0].dtype, .in = call->in[0].data, .out = call->out[0].data};
    read_attributes(call->node, &job);
    yk__ref_ranges(call, yk__ref_count(&call->out[0].shape), YK__REF_GRAIN, run_range, &job);
    return YK__OK;
}
