/* ConvTranspose: out = act(transposed convolution + bias), 1 to 3 spatial dimensions, groups, dilation, any padding.
 *
 * Each input element adds weight times itself to the outputs its window covers. Order of additions: input channels, then
 * kernel positions; then the bias. */
#include "backend/ref/act_ref.h"
#include "backend/ref/ops_ref.h"
#include "backend/ref/window_ref.h"

typedef struct transpose_job {
    yk__ref_window w;
    yk__ref_act act;
    int64_t groups, in_per_group, out_per_group;
    const float *in, *weights, *bias;
    float *out;
} transpose_job;

/* Adds one kernel position of one input plane. */
static void add_position(const yk__ref_window *w, const float *in, const int64_t *k, float weight, float *out) {
    for (int64_t z = 0; z < w->in[0]; z++) {
        const int64_t oz = z * w->stride[0] - w->pad_begin[0] + k[0] * w->dilation[0];
        if (oz < 0 || oz >= w->out[0]) continue;
        for (int64_t y = 0; y < w->in[1]; y++) {
            const int64_t oy = y * w->stride[1] - w->pad_begin[1] + k[1] * w->dilation[1];
            if (oy < 0 || oy >= w->out[1]) continue;
            const float *in_row = in + (z * w->in[1] + y) * w->in[2];
            float *out_row = out + (oz * w->out[1] + oy) * w->out[2];
            int64_t ox = k[2] * w->dilation[2] - w->pad_begin[2];
            for (int64_t x = 0; x < w->in[2]; x++, ox += w->stride[2])
                if (ox >= 0 && ox < w->out[2]) out_row[ox] += weight * in_row[x];
        }
    }
}

/* One output channel of one picture per task. */
static void transpose_tasks(void *argument, int64_t begin, int64_t end) {
    const transpose_job *job = argument;
    const yk__ref_window *w = &job->w;
    for (int64_t task = begin; task < end; task++) {
        const int64_t channel = task % (job->groups * job->out_per_group), image = task / (job->groups * job->out_per_group);
        const int64_t group = channel / job->out_per_group, within = channel % job->out_per_group;
        float *out = job->out + task * w->out_size;
        memset(out, 0, (size_t)w->out_size * sizeof(float));
        for (int64_t c = 0; c < job->in_per_group; c++) {
            const int64_t from = group * job->in_per_group + c;
            const float *in = job->in + (image * job->groups * job->in_per_group + from) * w->in_size;
            const float *weights = job->weights + (from * job->out_per_group + within) * w->taps;
            for (int64_t tap = 0; tap < w->taps; tap++) {
                const int64_t k[3] = {tap / (w->kernel[2] * w->kernel[1]), tap / w->kernel[2] % w->kernel[1],
                                      tap % w->kernel[2]};
                add_position(w, in, k, weights[tap], out);
            }
        }
        if (job->bias != NULL)
            for (int64_t i = 0; i < w->out_size; i++) out[i] += job->bias[channel];
        yk__ref_act_apply(&job->act, out, w->out_size);
    }
}

/* Padding follows from the output's size where auto_pad or output_shape asks for it: ONNX puts the odd one at the end for
 * SAME_UPPER, at the beginning otherwise. VALID pads nothing. */
static void resolve_padding(const yk__node *node, int n, yk__ref_window *w) {
    const char *auto_pad = yk__node_string(node, "auto_pad", "NOTSET");
    int64_t asked[YK__REF_WINDOW_DIMS], extra[YK__REF_WINDOW_DIMS];
    const bool shaped = yk__node_ints(node, "output_shape", asked, YK__REF_WINDOW_DIMS) == n;
    const bool padded = yk__node_ints(node, "output_padding", extra, YK__REF_WINDOW_DIMS) == n;
    const bool upper = strcmp(auto_pad, "SAME_UPPER") == 0;
    if (!shaped && !upper && strcmp(auto_pad, "SAME_LOWER") != 0) return;
    for (int i = 0; i < n; i++) {
        const int d = YK__REF_WINDOW_DIMS - n + i;
        const int64_t extent = (w->kernel[d] - 1) * w->dilation[d] + 1;
        const int64_t wanted = w->stride[d] * (w->in[d] - 1) + (padded ? extra[i] : 0) + extent - w->out[d];
        const int64_t total = wanted > 0 ? wanted : 0;
        w->pad_begin[d] = upper ? total / 2 : total - total / 2;
    }
}

yk__code yk__ref_conv_transpose(const yk__ref_call *call, yk__error *err) {
    const yk__shape *in = &call->in[0].shape, *weights = &call->in[1].shape;
    transpose_job job = {.groups = yk__node_int(call->node, "group", 1)};
    YK__TRY(yk__ref_window_of(call, &weights->dim[2], &job.w, err));
    YK__TRY(yk__ref_act_of(call->node, &job.act, err));
    resolve_padding(call->node, in->rank - 2, &job.w);
    job.in_per_group = in->dim[1] / job.groups;
    job.out_per_group = weights->dim[1];
    job.in = call->in[0].data;
    job.weights = call->in[1].data;
    job.bias = yk__ref_present(call, 2) ? call->in[2].data : NULL;
    job.out = call->out[0].data;
    yk__ref_ranges(call, in->dim[0] * job.groups * job.out_per_group, 1, transpose_tasks, &job);
    return YK__OK;
}
