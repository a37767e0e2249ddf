/* BatchNormalization for inference: (x - mean) / sqrt(variance + epsilon) * scale + bias, per channel, in double. */
#include <math.h>

#include "backend/ref/ops_ref.h"

typedef struct normalization_job {
    const yk__tensor *in, *out;
    const yk__ref_call *call;
    int64_t channels, inner;
    double epsilon;
} normalization_job;

/* One plane (picture and channel) per task. */
static void normalize_planes(void *argument, int64_t begin, int64_t end) {
    const normalization_job *job = argument;
    for (int64_t plane = begin; plane < end; plane++) {
        const int64_t c = plane % job->channels;
        const yk__tensor *p = job->call->in;
        const double scale = yk__ref_number(&p[1], c) / sqrt(yk__ref_number(&p[4], c) + job->epsilon);
        const double bias = yk__ref_number(&p[2], c), mean = yk__ref_number(&p[3], c);
        for (int64_t i = plane * job->inner; i < (plane + 1) * job->inner; i++) {
            const double y = (yk__ref_number(job->in, i) - mean) * scale + bias;
            if (job->out->dtype == YK__DTYPE_F32)
                ((float *)job->out->data)[i] = (float)y;
            else
                ((double *)job->out->data)[i] = y;
        }
    }
}

yk__code yk__ref_batch_normalization(const yk__ref_call *call, yk__error *err) {
    const yk__shape *in = &call->in[0].shape;
    if (yk__node_int(call->node, "training_mode", 0) != 0)
        return yk__fail(err, YK__UNSUPPORTED, "BatchNormalization '%s': training is not supported", call->node->name);
    normalization_job job = {.in = &call->in[0],
                             .out = &call->out[0],
                             .call = call,
                             .channels = in->rank > 1 ? in->dim[1] : 1,
                             .inner = in->rank > 2 ? yk__ref_span(in, 2, in->rank) : 1,
                             .epsilon = yk__node_float(call->node, "epsilon", (double)1e-5f)};
    for (int i = 1; i < 5; i++)
        if (yk__ref_count(&call->in[i].shape) != job.channels)
            return yk__fail(err, YK__SHAPE, "BatchNormalization '%s': input %d does not have one number per channel",
                            call->node->name, i);
    yk__ref_ranges(call, in->dim[0] * job.channels, 4, normalize_planes, &job);
    return YK__OK;
}
