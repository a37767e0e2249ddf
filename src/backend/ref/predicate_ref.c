/* IsInf, IsNaN and Not: one input, bool out. */
#include <math.h>

#include "backend/ref/ops_ref.h"

typedef struct predicate_job {
    bool nan, negative, positive;
    yk__dtype dtype;
    const void *in;
    uint8_t *out;
} predicate_job;

static void run_is(void *argument, int64_t begin, int64_t end) {
    const predicate_job *job = argument;
    for (int64_t i = begin; i < end; i++) {
        const double x = job->dtype == YK__DTYPE_F32 ? (double)((const float *)job->in)[i] : ((const double *)job->in)[i];
        job->out[i] = job->nan ? isnan(x) : (job->positive && x == INFINITY) || (job->negative && x == -INFINITY);
    }
}

yk__code yk__ref_is(const yk__ref_call *call, yk__error *err) {
    (void)err;
    predicate_job job = {.nan = call->node->op == YK__OP_IS_NAN,
                         .negative = yk__node_int(call->node, "detect_negative", 1) != 0,
                         .positive = yk__node_int(call->node, "detect_positive", 1) != 0,
                         .dtype = call->in[0].dtype,
                         .in = call->in[0].data,
                         .out = call->out[0].data};
    yk__ref_ranges(call, yk__ref_count(&call->out[0].shape), YK__REF_GRAIN, run_is, &job);
    return YK__OK;
}

yk__code yk__ref_not(const yk__ref_call *call, yk__error *err) {
    (void)err;
    const uint8_t *in = call->in[0].data;
    uint8_t *out = call->out[0].data;
    const int64_t n = yk__ref_count(&call->out[0].shape);
    for (int64_t i = 0; i < n; i++) out[i] = in[i] == 0;
    return YK__OK;
}
