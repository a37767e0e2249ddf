/* Conv: out = act(convolution + bias) [+ residual], 1 to 3 spatial dimensions, groups, dilation, any padding.
 *
 * Per tile of output positions the input is gathered tap by tap (channel, then kernel position), zeros where the window hangs
 * over the edge, and product_ref.c sums the products. Then bias, activation, residual, in f32. */
#include "backend/ref/act_ref.h"
#include "backend/ref/ops_ref.h"
#include "backend/ref/product_ref.h"
#include "backend/ref/window_ref.h"

/* Output channels that share one gathered tile: many enough that gathering is small beside multiplying. */
#define ROWS_PER_TASK 128

typedef struct conv_job {
    yk__ref_window w;
    yk__ref_act act;
    int64_t images, groups, in_per_group, out_per_group, tiles, row_parts;
    const float *in, *weights, *bias, *residual;
    float *out;
} conv_job;

/* A run of output positions in one row of the output. */
typedef struct segment {
    int64_t z, y, x; /* first output position */
    int column, n;   /* where it lies in the tile */
} segment;

typedef struct gather {
    const conv_job *job;
    const float *in; /* this image and group */
    segment segments[YK__REF_COLUMNS];
    int n_segments;
} gather;

static void gather_segment(const yk__ref_window *w, const float *plane, const segment *s, const int64_t *k, float *out) {
    const int64_t z = s->z * w->stride[0] - w->pad_begin[0] + k[0] * w->dilation[0];
    const int64_t y = s->y * w->stride[1] - w->pad_begin[1] + k[1] * w->dilation[1];
    if (z < 0 || z >= w->in[0] || y < 0 || y >= w->in[1]) {
        memset(out, 0, (size_t)s->n * sizeof(float));
        return;
    }
    const float *row = plane + (z * w->in[1] + y) * w->in[2];
    const int64_t step = w->stride[2];
    int64_t x = s->x * step - w->pad_begin[2] + k[2] * w->dilation[2];
    int i = 0;
    for (; i < s->n && x < 0; i++, x += step) out[i] = 0;
    if (step == 1) {
        const int64_t inside = w->in[2] - x < s->n - i ? w->in[2] - x : s->n - i;
        if (inside > 0) {
            memcpy(out + i, row + x, (size_t)inside * sizeof(float));
            i += (int)inside;
        }
    } else {
        for (; i < s->n && x < w->in[2]; i++, x += step) out[i] = row[x];
    }
    for (; i < s->n; i++) out[i] = 0;
}

static void fill_tile(void *argument, int64_t first_tap, int taps, float tile[][YK__REF_COLUMNS]) {
    const gather *g = argument;
    const yk__ref_window *w = &g->job->w;
    for (int t = 0; t < taps; t++) {
        const int64_t tap = first_tap + t;
        const int64_t k[3] = {tap / (w->kernel[2] * w->kernel[1]) % w->kernel[0], tap / w->kernel[2] % w->kernel[1],
                              tap % w->kernel[2]};
        const float *plane = g->in + tap / w->taps * w->in_size;
        for (int i = 0; i < g->n_segments; i++) gather_segment(w, plane, &g->segments[i], k, tile[t] + g->segments[i].column);
    }
}

static void cut_segments(const yk__ref_window *w, int64_t begin, int columns, gather *g) {
    g->n_segments = 0;
    for (int done = 0; done < columns;) {
        segment *s = &g->segments[g->n_segments++];
        const int64_t at = begin + done;
        *s = (segment){at / (w->out[2] * w->out[1]), at / w->out[2] % w->out[1], at % w->out[2], done, 0};
        s->n = w->out[2] - s->x < columns - done ? (int)(w->out[2] - s->x) : columns - done;
        done += s->n;
    }
}

static void finish_row(const conv_job *job, int64_t channel, float *out, const float *residual, int columns) {
    if (job->bias != NULL)
        for (int x = 0; x < columns; x++) out[x] += job->bias[channel];
    yk__ref_act_apply(&job->act, out, columns);
    if (residual != NULL)
        for (int x = 0; x < columns; x++) out[x] += residual[x];
}

static void conv_tasks(void *argument, int64_t task_begin, int64_t task_end) {
    const conv_job *job = argument;
    for (int64_t task = task_begin; task < task_end; task++) {
        const int64_t begin = task % job->tiles * YK__REF_COLUMNS;
        const int64_t first_row = task / job->tiles % job->row_parts * ROWS_PER_TASK;
        const int64_t group = task / job->tiles / job->row_parts % job->groups;
        const int64_t image = task / job->tiles / job->row_parts / job->groups;
        const int64_t left = job->w.out_size - begin, rows_left = job->out_per_group - first_row;
        const int columns = left < YK__REF_COLUMNS ? (int)left : YK__REF_COLUMNS;
        const int64_t rows = rows_left < ROWS_PER_TASK ? rows_left : ROWS_PER_TASK;
        const int64_t channel = group * job->out_per_group + first_row;

        gather g = {.job = job, .in = job->in + (image * job->groups + group) * job->in_per_group * job->w.in_size};
        cut_segments(&job->w, begin, columns, &g);
        const int64_t taps = job->in_per_group * job->w.taps;
        const int64_t at = (image * job->groups * job->out_per_group + channel) * job->w.out_size + begin;
        yk__ref_product_run(&(yk__ref_product){.rows = rows,
                                               .taps = taps,
                                               .columns = columns,
                                               .weights = job->weights + channel * taps,
                                               .row_stride = taps,
                                               .tap_stride = 1,
                                               .out = job->out + at,
                                               .out_stride = job->w.out_size,
                                               .fill = fill_tile,
                                               .fill_argument = &g});
        for (int64_t r = 0; r < rows; r++)
            finish_row(job, channel + r, job->out + at + r * job->w.out_size,
                       job->residual != NULL ? job->residual + at + r * job->w.out_size : NULL, columns);
    }
}

/* A 1x1 convolution without stride or padding does not care about rows: the plane is one long row. */
static void flatten_pointwise(yk__ref_window *w) {
    for (int i = 0; i < 3; i++)
        if (w->kernel[i] != 1 || w->stride[i] != 1 || w->pad_begin[i] != 0 || w->in[i] != w->out[i]) return;
    w->in[2] = w->out[2] = w->in_size;
    w->in[0] = w->in[1] = w->out[0] = w->out[1] = 1;
}

yk__code yk__ref_conv(const yk__ref_call *call, yk__error *err) {
    const yk__shape *in = &call->in[0].shape, *weights = &call->in[1].shape;
    conv_job job = {.images = in->dim[0], .groups = yk__node_int(call->node, "group", 1)};
    YK__TRY(yk__ref_window_of(call, &weights->dim[2], &job.w, err));
    YK__TRY(yk__ref_act_of(call->node, &job.act, err));
    flatten_pointwise(&job.w);
    job.in_per_group = weights->dim[1];
    job.out_per_group = weights->dim[0] / job.groups;
    job.tiles = (job.w.out_size + YK__REF_COLUMNS - 1) / YK__REF_COLUMNS;
    job.row_parts = (job.out_per_group + ROWS_PER_TASK - 1) / ROWS_PER_TASK;
    job.in = call->in[0].data;
    job.weights = call->in[1].data;
    job.bias = yk__ref_present(call, 2) ? call->in[2].data : NULL;
    job.residual = yk__ref_present(call, 3) ? call->in[3].data : NULL;
    job.out = call->out[0].data;
    yk__ref_ranges(call, job.images * job.groups * job.row_parts * job.tiles, 1, conv_tasks, &job);
    return YK__OK;
}
