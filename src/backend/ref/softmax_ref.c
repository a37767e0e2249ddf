/* Softmax and LogSoftmax along one axis: e^(x - max) / sum. The sum is kept in double, every element rounded once from f32
 * exponentials. NaN or a row of -inf gives NaN. */
#include <math.h>
#include <tgmath.h>

#include "backend/ref/ops_ref.h"

typedef struct softmax_job {
    bool log;
    yk__dtype dtype;
    int64_t n, step; /* along the axis */
    const void *in;
    void *out;
} softmax_job;

#define LANE(ident, type) \
    static void lane_##ident(const softmax_job *job, int64_t at) { \
        const type *in = (const type *)job->in + at; \
        type *out = (type *)job->out + at; \
        type top = (type)-INFINITY; \
        double sum = 0; \
        for (int64_t i = 0; i < job->n; i++) top = in[i * job->step] > top ? in[i * job->step] : top; \
        for (int64_t i = 0; i < job->n; i++) { \
            const type x = in[i * job->step] - top, e = exp(x); \
            out[i * job->step] = job->log ? x : e; \
            sum += (double)e; \
        } \
        const type total = job->log ? (type)log(sum) : (type)sum; \
        for (int64_t i = 0; i < job->n; i++) { \
            if (job->log) \
                out[i * job->step] -= total; \
            else \
                out[i * job->step] /= total; \
        } \
    }
YK__REF_FLOATS(LANE)

static void run_range(void *argument, int64_t begin, int64_t end) {
    const softmax_job *job = argument;
    for (int64_t i = begin; i < end; i++) {
        const int64_t at = i / job->step * job->n * job->step + i % job->step;
        if (job->dtype == YK__DTYPE_F32)
            lane_F32(job, at);
        else
            lane_F64(job, at);
    }
}

yk__code yk__ref_softmax(const yk__ref_call *call, yk__error *err) {
    const yk__shape *shape = &call->in[0].shape;
    const int64_t count = yk__ref_count(shape);
    if (count == 0) return YK__OK;
    softmax_job job = {.log = call->node->op == YK__OP_LOG_SOFTMAX,
                       .dtype = call->in[0].dtype,
                       .n = 1,
                       .step = 1,
                       .in = call->in[0].data,
                       .out = call->out[0].data};
    if (shape->rank > 0) {
        int axis;
        YK__TRY(yk__ref_axis(call, yk__node_int(call->node, "axis", -1), shape->rank, &axis, err));
        job.n = shape->dim[axis];
        job.step = yk__ref_span(shape, axis + 1, shape->rank);
    }
    yk__ref_ranges(call, count / job.n, job.n >= YK__REF_GRAIN ? 1 : YK__REF_GRAIN / job.n, run_range, &job);
    return YK__OK;
}
