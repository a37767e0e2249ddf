/* Pow: base to the power of an exponent of any type; the result has the base's type. Computed in double; a whole exponent on a
 * whole base multiplies, wrapping, and gives the truncated reciprocal when negative. */
#include <math.h>

#include "backend/ref/ops_ref.h"
#include "backend/ref/walk_ref.h"

typedef struct pow_job {
    const yk__tensor *base, *exponent, *out;
    int64_t step_base, step_exponent;
} pow_job;

/* Modulo 2^64. */
static uint64_t whole_power(int64_t base, int64_t exponent) {
    if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 != 0 ? UINT64_MAX : 1) : 0;
    uint64_t result = 1, square = (uint64_t)base;
    for (; exponent != 0; exponent >>= 1, square *= square)
        if (exponent & 1) result *= square;
    return result;
}

static void pow_row(void *argument, const int64_t *at, int64_t n) {
    const pow_job *job = argument;
    const bool whole = !yk__dtype_is_float(job->exponent->dtype);
    for (int64_t i = 0; i < n; i++) {
        const int64_t to = at[0] + i, b = at[1] + i * job->step_base, e = at[2] + i * job->step_exponent;
        switch (job->out->dtype) {
#define FLOAT_CASE(ident, type) \
    case YK__DTYPE_##ident: \
        ((type *)job->out->data)[to] = \
            (type)pow((double)((const type *)job->base->data)[b], yk__ref_number(job->exponent, e)); \
        break;
#define INTEGER_CASE(ident, type) \
    case YK__DTYPE_##ident: \
        if (whole) { \
            ((type *)job->out->data)[to] = \
                (type)whole_power(yk__ref_integer(job->base, b), yk__ref_integer(job->exponent, e)); \
        } else { \
            const double value = pow(yk__ref_number(job->base, b), yk__ref_number(job->exponent, e)); \
            ((type *)job->out->data)[to] = fabs(value) < 0x1p63 ? (type)(int64_t)value : 0; \
        } \
        break;
            YK__REF_FLOATS(FLOAT_CASE)
            YK__REF_INTEGERS(INTEGER_CASE)
        default: break;
        }
    }
}

yk__code yk__ref_pow(const yk__ref_call *call, yk__error *err) {
    if (call->out[0].dtype != call->in[0].dtype) return yk__ref_unsupported(call, call->out[0].dtype, err);
    const yk__shape *shapes[2] = {&call->in[0].shape, &call->in[1].shape};
    const yk__ref_walk walk = yk__ref_walk_broadcast(&call->out[0].shape, shapes, 2);
    pow_job job = {&call->in[0], &call->in[1], &call->out[0], yk__ref_walk_step(&walk, 1), yk__ref_walk_step(&walk, 2)};
    yk__ref_walk_run(call, &walk, pow_row, &job);
    return YK__OK;
}
