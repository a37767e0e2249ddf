/* InstanceNormalization: every plane to mean 0 and variance 1, then scaled and shifted per channel; statistics in double. */
#include <math.h>

#include "backend/ref/ops_ref.h"

typedef struct instance_job {
    const yk__ref_call *call;
    int64_t channels, inner;
    double epsilon;
} instance_job;

static void normalize_planes(void *argument, int64_t begin, int64_t end) {
    const instance_job *job = argument;
    const yk__tensor *in = &job->call->in[0], *out = &job->call->out[0];
    for (int64_t plane = begin; plane < end; plane++) {
        const int64_t c = plane % job->channels, first = plane * job->inner;
        double mean = 0, variance = 0;
        for (int64_t i = 0; i < job->inner; i++) mean += yk__ref_number(in, first + i);
        mean /= (double)job->inner;
        for (int64_t i = 0; i < job->inner; i++) {
            const double d = yk__ref_number(in, first + i) - mean;
            variance += d * d;
        }
        const double scale = yk__ref_number(&job->call->in[1], c) / sqrt(variance / (double)job->inner + job->epsilon);
        const double bias = yk__ref_number(&job->call->in[2], c);
        for (int64_t i = first; i < first + job->inner; i++) {
            const double y = (yk__ref_number(in, i) - mean) * scale + bias;
            if (out->dtype == YK__DTYPE_F32)
                ((float *)out->data)[i] = (float)y;
            else
                ((double *)out->data)[i] = y;
        }
    }
}

yk__code yk__ref_instance_normalization(const yk__ref_call *call, yk__error *err) {
    const yk__shape *in = &call->in[0].shape;
    instance_job job = {.call = call,
                        .channels = in->dim[1],
                        .inner = yk__ref_span(in, 2, in->rank),
                        .epsilon = yk__node_float(call->node, "epsilon", (double)1e-5f)};
    for (int i = 1; i < 3; i++)
        if (yk__ref_count(&call->in[i].shape) != job.channels)
            return yk__fail(err, YK__SHAPE, "InstanceNormalization '%s': input %d does not have one number per channel",
                            call->node->name, i);
    yk__ref_ranges(call, in->dim[0] * job.channels, 4, normalize_planes, &job);
    return YK__OK;
}
