/* AveragePool: the mean of each window, summed in double. The padding counts as zeros where count_include_pad says so; what
 * lies beyond the padding (ceil_mode) never counts. */
#include "backend/ref/ops_ref.h"
#include "backend/ref/window_ref.h"

typedef struct average_job {
    yk__ref_window w;
    yk__dtype dtype;
    bool include_pad;
    const void *in;
    void *out;
} average_job;

static double element(const average_job *job, int64_t index) {
    return job->dtype == YK__DTYPE_F32 ? (double)((const float *)job->in)[index] : ((const double *)job->in)[index];
}

static double window_mean(const average_job *job, int64_t plane, const int64_t *o) {
    const yk__ref_window *w = &job->w;
    double sum = 0;
    int64_t inside = 0, counted = 0;
    for (int64_t tap = 0; tap < w->taps; tap++) {
        const int64_t k[3] = {tap / (w->kernel[2] * w->kernel[1]), tap / w->kernel[2] % w->kernel[1], tap % w->kernel[2]};
        int64_t index = 0;
        bool is_inside = true, is_counted = true;
        for (int d = 0; d < 3; d++) {
            const int64_t at = o[d] * w->stride[d] - w->pad_begin[d] + k[d] * w->dilation[d];
            is_inside &= at >= 0 && at < w->in[d];
            is_counted &= at < w->in[d] + w->pad_end[d];
            index = index * w->in[d] + at;
        }
        counted += is_counted;
        if (!is_inside) continue;
        inside++;
        sum += element(job, plane * w->in_size + index);
    }
    const int64_t n = job->include_pad ? counted : inside;
    return n > 0 ? sum / (double)n : 0;
}

/* One plane (picture and channel) per task. */
static void average_planes(void *argument, int64_t begin, int64_t end) {
    const average_job *job = argument;
    const yk__ref_window *w = &job->w;
    for (int64_t plane = begin; plane < end; plane++)
        for (int64_t i = 0; i < w->out_size; i++) {
            const int64_t o[3] = {i / (w->out[2] * w->out[1]), i / w->out[2] % w->out[1], i % w->out[2]};
            const double mean = window_mean(job, plane, o);
            if (job->dtype == YK__DTYPE_F32)
                ((float *)job->out)[plane * w->out_size + i] = (float)mean;
            else
                ((double *)job->out)[plane * w->out_size + i] = mean;
        }
}

yk__code yk__ref_average_pool(const yk__ref_call *call, yk__error *err) {
    average_job job = {.dtype = call->in[0].dtype,
                       .in = call->in[0].data,
                       .out = call->out[0].data,
                       .include_pad = yk__node_int(call->node, "count_include_pad", 0) != 0};
    YK__TRY(yk__ref_window_of(call, NULL, &job.w, err));
    yk__ref_ranges(call, call->in[0].shape.dim[0] * call->in[0].shape.dim[1], 1, average_planes, &job);
    return YK__OK;
}
