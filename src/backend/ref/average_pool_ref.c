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

static double window_mean(const average_job *job, int64_t plane, const yk__ref_cover *c) {
    const yk__ref_window *w = &job->w;
    double sum = 0;
    int64_t n = 0;
    for (int64_t z = c->first[0]; z < c->end[0]; z++)
        for (int64_t y = c->first[1]; y < c->end[1]; y++)
            for (int64_t x = c->first[2]; x < c->end[2]; x++, n++) {
                const int64_t row = (c->start[0] + z * w->dilation[0]) * w->in[1] + c->start[1] + y * w->dilation[1];
                sum += element(job, plane * w->in_size + row * w->in[2] + c->start[2] + x * w->dilation[2]);
            }
    const double counted = (double)c->counted[0] * (double)c->counted[1] * (double)c->counted[2];
    if (job->include_pad) return counted > 0 ? sum / counted : 0;
    return n > 0 ? sum / (double)n : 0;
}

/* One plane (picture and channel) per task. */
static void average_planes(void *argument, int64_t begin, int64_t end) {
    const average_job *job = argument;
    const yk__ref_window *w = &job->w;
    for (int64_t plane = begin; plane < end; plane++)
        for (int64_t i = 0; i < w->out_size; i++) {
            int64_t position[YK__REF_WINDOW_DIMS];
            yk__ref_cover cover;
            yk__ref_window_position(w, i, position);
            yk__ref_window_cover(w, position, &cover);
            const double mean = window_mean(job, plane, &cover);
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
