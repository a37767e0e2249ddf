/* Add, Sub, Mul, Div and PRelu with broadcasting. Integers wrap; integer division truncates and gives 0 for a divisor of 0
 * (ONNX leaves that open, the processor would trap). */
#include "backend/ref/ops_ref.h"
#include "backend/ref/walk_ref.h"

typedef struct binary_job {
    yk__op op;
    yk__dtype dtype;
    int64_t step_a, step_b;
    const uint8_t *a, *b;
    uint8_t *out;
    size_t size;
} binary_job;

/* The loops that compilers make vectors of are written out: both dense, one of them a single element. */
#define LOOPS(formula) \
    if (sx == 1 && sy == 1) { \
        for (int64_t i = 0; i < n; i++) { \
            const T x = a[i], y = b[i]; \
            out[i] = (formula); \
        } \
    } else if (sx == 1 && sy == 0) { \
        const T y = *b; \
        for (int64_t i = 0; i < n; i++) { \
            const T x = a[i]; \
            out[i] = (formula); \
        } \
    } else { \
        for (int64_t i = 0; i < n; i++) { \
            const T x = a[i * sx], y = b[i * sy]; \
            out[i] = (formula); \
        } \
    } \
    break;

#define ARGUMENTS yk__op op, void *o, const void *va, int64_t sx, const void *vb, int64_t sy, int64_t n

#define FLOAT_FUNCTION(ident, type) \
    static void run_##ident(ARGUMENTS) { \
        typedef type T; \
        T *out = o; \
        const T *a = va, *b = vb; \
        switch (op) { \
        case YK__OP_ADD: LOOPS(x + y) \
        case YK__OP_SUB: LOOPS(x - y) \
        case YK__OP_MUL: LOOPS(x *y) \
        case YK__OP_DIV: LOOPS(x / y) \
        case YK__OP_PRELU: LOOPS(x < 0 ? x * y : x) \
        default: break; \
        } \
    }

/* Division by -1 is a negation: the smallest integer divided by -1 wraps instead of trapping. */
#define DIVIDE(is_minus_one) (y == 0 ? (T)0 : (is_minus_one) ? (T)(0 - (uint64_t)x) : (T)(x / y))

#define INTEGER_FUNCTION(ident, type, is_minus_one, is_negative) \
    static void run_##ident(ARGUMENTS) { \
        typedef type T; \
        T *out = o; \
        const T *a = va, *b = vb; \
        switch (op) { \
        case YK__OP_ADD: LOOPS((T)((uint64_t)x + (uint64_t)y)) \
        case YK__OP_SUB: LOOPS((T)((uint64_t)x - (uint64_t)y)) \
        case YK__OP_MUL: LOOPS((T)((uint64_t)x * (uint64_t)y)) \
        case YK__OP_DIV: LOOPS(DIVIDE(is_minus_one)) \
        case YK__OP_PRELU: LOOPS((is_negative) ? (T)((uint64_t)x * (uint64_t)y) : x) \
        default: break; \
        } \
    }
#define SIGNED_FUNCTION(ident, type)   INTEGER_FUNCTION(ident, type, y == -1, x < 0)
#define UNSIGNED_FUNCTION(ident, type) INTEGER_FUNCTION(ident, type, false, false)

YK__REF_FLOATS(FLOAT_FUNCTION)
YK__REF_SIGNED(SIGNED_FUNCTION)
YK__REF_UNSIGNED(UNSIGNED_FUNCTION)

static void run_row(void *argument, const int64_t *at, int64_t n) {
    const binary_job *job = argument;
    void *out = job->out + at[0] * (int64_t)job->size;
    const void *a = job->a + at[1] * (int64_t)job->size, *b = job->b + at[2] * (int64_t)job->size;
    switch (job->dtype) {
#define X(ident, type) \
    case YK__DTYPE_##ident: run_##ident(job->op, out, a, job->step_a, b, job->step_b, n); break;
        YK__REF_NUMBERS(X)
#undef X
    default: break;
    }
}

yk__code yk__ref_binary(const yk__ref_call *call, yk__error *err) {
    if (call->in[1].dtype != call->in[0].dtype) return yk__ref_unsupported(call, call->in[1].dtype, err);
    const yk__shape *shapes[2] = {&call->in[0].shape, &call->in[1].shape};
    const yk__ref_walk walk = yk__ref_walk_broadcast(&call->out[0].shape, shapes, 2);
    binary_job job = {.op = call->node->op,
                      .dtype = call->in[0].dtype,
                      .step_a = yk__ref_walk_step(&walk, 1),
                      .step_b = yk__ref_walk_step(&walk, 2),
                      .a = call->in[0].data,
                      .b = call->in[1].data,
                      .out = call->out[0].data,
                      .size = yk__dtype_size(call->in[0].dtype)};
    yk__ref_walk_run(call, &walk, run_row, &job);
    return YK__OK;
}
