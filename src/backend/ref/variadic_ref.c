/* Max, Min, Sum, Mean of any number of tensors with broadcasting: the first is copied, the others join one after the other.
 * NaN wins in Max and Min. */
#include "backend/ref/ops_ref.h"
#include "backend/ref/walk_ref.h"

typedef struct variadic_job {
    yk__op op;
    yk__dtype dtype;
    int64_t step;
    void *out;
    const void *in;
} variadic_job;

#define JOIN(test_or_sum) \
    for (int64_t i = 0; i < n; i++) { \
        const T x = out[i], y = in[i * job->step]; \
        out[i] = (test_or_sum); \
    } \
    break;

#define FUNCTION(ident, type) \
    static void join_##ident(const variadic_job *job, int64_t to, int64_t from, int64_t n) { \
        typedef type T; \
        T *out = (T *)job->out + to; \
        const T *in = (const T *)job->in + from; \
        switch (job->op) { \
        case YK__OP_MAX: JOIN(y > x || y != y ? y : x) \
        case YK__OP_MIN: JOIN(y < x || y != y ? y : x) \
        default: JOIN((T)(x + y)) \
        } \
    }
YK__REF_NUMBERS(FUNCTION)

static void join_row(void *argument, const int64_t *at, int64_t n) {
    const variadic_job *job = argument;
    switch (job->dtype) {
#define X(ident, type) \
    case YK__DTYPE_##ident: join_##ident(job, at[0], at[1], n); break;
        YK__REF_NUMBERS(X)
#undef X
    default: break;
    }
}

yk__code yk__ref_variadic(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *out = &call->out[0];
    for (int i = 0; i < call->n_in; i++) {
        if (call->in[i].dtype != out->dtype) return yk__ref_unsupported(call, call->in[i].dtype, err);
        const yk__shape *shape = &call->in[i].shape;
        const yk__ref_walk walk = yk__ref_walk_broadcast(&out->shape, &shape, 1);
        variadic_job job = {call->node->op, out->dtype, yk__ref_walk_step(&walk, 1), out->data, call->in[i].data};
        if (i == 0)
            yk__ref_copy(call, walk, yk__dtype_size(out->dtype), out->data, call->in[0].data);
        else
            yk__ref_walk_run(call, &walk, join_row, &job);
    }
    if (call->node->op != YK__OP_MEAN) return YK__OK;
    const int64_t n = yk__ref_count(&out->shape);
    for (int64_t i = 0; i < n; i++) {
        if (out->dtype == YK__DTYPE_F32)
            ((float *)out->data)[i] /= (float)call->n_in;
        else
            ((double *)out->data)[i] /= (double)call->n_in;
    }
    return YK__OK;
}
