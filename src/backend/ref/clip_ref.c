/* Clip: min(max(x, low), high), as ONNX writes it: where low > high every element becomes high. NaN stays. */
#include "backend/ref/ops_ref.h"

typedef struct clip_job {
    yk__dtype dtype;
    const void *in, *low, *high; /* low, high: one element each, NULL when absent */
    void *out;
} clip_job;

static void run_clip(void *argument, int64_t begin, int64_t end) {
    const clip_job *job = argument;
    switch (job->dtype) {
#define X(ident, type) \
    case YK__DTYPE_##ident: \
        for (int64_t i = begin; i < end; i++) { \
            type x = ((const type *)job->in)[i]; \
            if (job->low != NULL && x < *(const type *)job->low) x = *(const type *)job->low; \
            if (job->high != NULL && x > *(const type *)job->high) x = *(const type *)job->high; \
            ((type *)job->out)[i] = x; \
        } \
        break;
        YK__REF_NUMBERS(X)
#undef X
    default: break;
    }
}

yk__code yk__ref_clip(const yk__ref_call *call, yk__error *err) {
    clip_job job = {.dtype = call->in[0].dtype, .in = call->in[0].data, .out = call->out[0].data};
    for (int i = 1; i < 3; i++) {
        if (!yk__ref_present(call, i)) continue;
        if (call->in[i].dtype != job.dtype || yk__ref_count(&call->in[i].shape) != 1)
            return yk__fail(err, YK__SHAPE, "Clip '%s': a bound must be one element of the type that is clipped",
                            call->node->name);
        if (i == 1)
            job.low = call->in[i].data;
        else
            job.high = call->in[i].data;
    }
    yk__ref_ranges(call, yk__ref_count(&call->out[0].shape), YK__REF_GRAIN, run_clip, &job);
    return YK__OK;
}
