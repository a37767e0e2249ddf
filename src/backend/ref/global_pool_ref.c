/* GlobalAveragePool, GlobalMaxPool, GlobalLpPool: one number per plane, summed in double. NaN wins a maximum. */
#include <math.h>

#include "backend/ref/ops_ref.h"

typedef struct global_job {
    yk__op op;
    double p;
    int64_t n; /* elements of a plane */
    const yk__tensor *in;
    const yk__tensor *out;
} global_job;

static double plane_number(const global_job *job, int64_t plane) {
    double result = job->op == YK__OP_GLOBAL_MAX_POOL ? -INFINITY : 0;
    for (int64_t i = 0; i < job->n; i++) {
        const double x = yk__ref_number(job->in, plane * job->n + i);
        if (job->op == YK__OP_GLOBAL_AVERAGE_POOL)
            result += x;
        else if (job->op == YK__OP_GLOBAL_LP_POOL)
            result += pow(fabs(x), job->p);
        else if (x > result || isnan(x))
            result = x;
    }
    if (job->op == YK__OP_GLOBAL_AVERAGE_POOL) return result / (double)job->n;
    return job->op == YK__OP_GLOBAL_LP_POOL ? pow(result, 1 / job->p) : result;
}

static void run_planes(void *argument, int64_t begin, int64_t end) {
    const global_job *job = argument;
    for (int64_t plane = begin; plane < end; plane++) {
        const double value = plane_number(job, plane);
        if (job->out->dtype == YK__DTYPE_F32)
            ((float *)job->out->data)[plane] = (float)value;
        else
            ((double *)job->out->data)[plane] = value;
    }
}

yk__code yk__ref_global_pool(const yk__ref_call *call, yk__error *err) {
    (void)err;
    const yk__shape *in = &call->in[0].shape;
    global_job job = {call->node->op, (double)yk__node_int(call->node, "p", 2), yk__ref_span(in, 2, in->rank), &call->in[0],
                      &call->out[0]};
    yk__ref_ranges(call, yk__ref_span(in, 0, 2), 16, run_planes, &job);
    return YK__OK;
}
