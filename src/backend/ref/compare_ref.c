/* Equal, Greater, GreaterOrEqual, Less, LessOrEqual (bool out; false with a NaN) and And, Or, Xor, all with broadcasting. */
#include "backend/ref/ops_ref.h"
#include "backend/ref/walk_ref.h"

typedef struct compare_job {
    yk__op op;
    yk__dtype dtype;
    int64_t step_a, step_b, size;
    const uint8_t *a, *b;
    uint8_t *out;
} compare_job;

#define CASE(ident, test) \
    case YK__OP_##ident: \
        for (int64_t i = 0; i < n; i++) { \
            const T x = a[i * job->step_a], y = b[i * job->step_b]; \
            out[i] = (test); \
        } \
        break;

#define FUNCTION(ident, type) \
    static void compare_##ident(const compare_job *job, const void *va, const void *vb, uint8_t *out, int64_t n) { \
        typedef type T; \
        const T *a = va, *b = vb; \
        switch (job->op) { \
            CASE(EQUAL, x == y) \
            CASE(GREATER, x > y) \
            CASE(GREATER_OR_EQUAL, x >= y) \
            CASE(LESS, x < y) \
            CASE(LESS_OR_EQUAL, x <= y) \
            CASE(AND, x != 0 && y != 0) \
            CASE(OR, x != 0 || y != 0) \
            CASE(XOR, (x != 0) != (y != 0)) \
        default: break; \
        } \
    }
YK__REF_NUMBERS(FUNCTION)

static void compare_row(void *argument, const int64_t *at, int64_t n) {
    const compare_job *job = argument;
    const void *a = job->a + at[1] * job->size, *b = job->b + at[2] * job->size;
    uint8_t *out = job->out + at[0];
    switch (job->dtype) {
#define X(ident, type) \
    case YK__DTYPE_##ident: compare_##ident(job, a, b, out, n); break;
        YK__REF_NUMBERS(X)
#undef X
    default: break;
    }
}

yk__code yk__ref_compare(const yk__ref_call *call, yk__error *err) {
    if (call->in[1].dtype != call->in[0].dtype) return yk__ref_unsupported(call, call->in[1].dtype, err);
    const yk__shape *shapes[2] = {&call->in[0].shape, &call->in[1].shape};
    const yk__ref_walk walk = yk__ref_walk_broadcast(&call->out[0].shape, shapes, 2);
    /* bool is stored as u8 holding 0 or 1 */
    const yk__dtype dtype = call->in[0].dtype == YK__DTYPE_BOOL ? YK__DTYPE_U8 : call->in[0].dtype;
    compare_job job = {.op = call->node->op,
                       .dtype = dtype,
                       .step_a = yk__ref_walk_step(&walk, 1),
                       .step_b = yk__ref_walk_step(&walk, 2),
                       .size = (int64_t)yk__dtype_size(dtype),
                       .a = call->in[0].data,
                       .b = call->in[1].data,
                       .out = call->out[0].data};
    yk__ref_walk_run(call, &walk, compare_row, &job);
    return YK__OK;
}

yk__code yk__ref_logic(const yk__ref_call *call, yk__error *err) {
    return yk__ref_compare(call, err);
}
