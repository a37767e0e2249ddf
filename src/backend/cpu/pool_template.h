/* Pooling, separable: first down the columns of a run of pixels, then along it. One task per picture, channel block and band
 * of rows. */
#include "backend/cpu/blocked_template.h"
#include "backend/cpu/pool_cpu.h"

typedef struct pool_job {
    const yk__pool_state *state;
    const yk__operand *in_at, *out_at;
    const float *in;
    float *out;
    int64_t blocks, band_rows, n_bands;
    bool average;
} pool_job;

typedef struct range {
    int64_t from, to;
} range;

/* The window of output i, cut to the tensor. */
INLINE range window(int64_t i, int64_t stride, int64_t pad, int64_t kernel, int64_t size) {
    const int64_t from = i * stride - pad, to = from + kernel;
    return (range){from < 0 ? 0 : from, to > size ? size : to};
}

/* How many elements count_include_pad divides by: the window cut to the padded tensor. */
INLINE int64_t padded_count(int64_t i, int64_t stride, int64_t pad, int64_t kernel, int64_t size, int64_t pad_after) {
    const int64_t from = i * stride - pad, to = from + kernel < size + pad_after ? from + kernel : size + pad_after;
    return to - from;
}

INLINE vf combine(vf a, vf b, const bool average) {
    if (average) return a + b;
    return v_max(a, b);
}

/* columns[x - x0] = rows r of columns x0 .. x1-1 combined */
INLINE void pool_columns(const float *in, int64_t row, range r, int64_t x0, int64_t x1, float *columns, const bool average) {
    for (int64_t x = x0; x < x1; x++) {
        vf sum = v_load(in + r.from * row + x * LANES);
        for (int64_t y = r.from + 1; y < r.to; y++) sum = combine(sum, v_load(in + y * row + x * LANES), average);
        v_store(columns + (x - x0) * LANES, sum);
    }
}

INLINE void pool_row(const pool_job *job, const float *in, float *out, int64_t y, const bool average) {
    const yk__pool_state *s = job->state;
    const range rows = window(y, s->sh, s->pad_top, s->kh, s->h);
    const int64_t run = (YK__POOL_COLUMNS - s->kw) / s->sw;
    float columns[YK__POOL_COLUMNS * LANES] __attribute__((aligned(64)));
    for (int64_t first = 0; first < s->ow; first += run) {
        const int64_t end = first + run < s->ow ? first + run : s->ow;
        const int64_t x0 = window(first, s->sw, s->pad_left, s->kw, s->w).from;
        const int64_t x1 = window(end - 1, s->sw, s->pad_left, s->kw, s->w).to;
        pool_columns(in, job->in_at->row_stride, rows, x0, x1, columns, average);
        for (int64_t i = first; i < end; i++) {
            const range r = window(i, s->sw, s->pad_left, s->kw, s->w);
            vf sum = v_load(columns + (r.from - x0) * LANES);
            for (int64_t x = r.from + 1; x < r.to; x++) sum = combine(sum, v_load(columns + (x - x0) * LANES), average);
            if (average) {
                int64_t count = (r.to - r.from) * (rows.to - rows.from);
                if (s->count_padding) {
                    count = padded_count(i, s->sw, s->pad_left, s->kw, s->w, s->pad_right) *
                            padded_count(y, s->sh, s->pad_top, s->kh, s->h, s->pad_bottom);
                }
                sum = sum / v_set1((float)count);
            }
            v_store(out + i * LANES, sum);
        }
    }
}

static void pool_task(void *argument, int task, int worker) {
    (void)worker;
    const pool_job *job = argument;
    const yk__pool_state *s = job->state;
    const int64_t band = task % job->n_bands, block = task / job->n_bands % job->blocks, n = task / job->n_bands / job->blocks;
    const int64_t y0 = band * job->band_rows, y1 = y0 + job->band_rows < s->oh ? y0 + job->band_rows : s->oh;
    const float *in = job->in + n * job->in_at->image_stride + block * job->in_at->block_stride;
    float *out = job->out + n * job->out_at->image_stride + block * job->out_at->block_stride;
    for (int64_t y = y0; y < y1; y++) {
        if (job->average)
            pool_row(job, in, out + y * job->out_at->row_stride, y, true);
        else
            pool_row(job, in, out + y * job->out_at->row_stride, y, false);
    }
    zero_halo(out, s->oh, s->ow, job->out_at->halo, job->out_at->row_stride, y0, y1);
}

static yk__code run_pool(const yk__step *step, yk__exec *exec, bool average) {
    const yk__pool_state *s = step->state;
    pool_job job = {.state = s,
                    .in_at = &step->in[0],
                    .out_at = &step->out[0],
                    .in = yk__operand_data(&step->in[0], exec),
                    .out = yk__operand_data(&step->out[0], exec),
                    .blocks = (s->c + LANES - 1) / LANES,
                    .band_rows = YK__CONV_L2_FLOATS / (s->w * s->sh * LANES),
                    .average = average};
    if (job.band_rows < 1) job.band_rows = 1;
    if (job.band_rows > s->oh) job.band_rows = s->oh;
    job.n_bands = (s->oh + job.band_rows - 1) / job.band_rows;
    yk__pool_for(exec->pool, (int)(s->n * job.blocks * job.n_bands), pool_task, &job);
    return YK__OK;
}

yk__code ISA(yk__max_pool_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    return run_pool(step, exec, false);
}

yk__code ISA(yk__average_pool_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    return run_pool(step, exec, true);
}

typedef struct global_job {
    const yk__operand *in_at;
    const float *in;
    float *out;
    int64_t blocks;
} global_job;

static void global_task(void *argument, int task, int worker) {
    (void)worker;
    const global_job *job = argument;
    const int64_t *dim = job->in_at->shape.dim, n = task / job->blocks, block = task % job->blocks;
    const float *in = job->in + n * job->in_at->image_stride + block * job->in_at->block_stride;
    vf total = v_zero();
    for (int64_t y = 0; y < dim[2]; y++) { /* row sums first: shorter chains of roundings than one long sum */
        vf sum = v_zero();
        for (int64_t x = 0; x < dim[3]; x++) sum = sum + v_load(in + y * job->in_at->row_stride + x * LANES);
        total = total + sum;
    }
    float mean[LANES];
    v_store(mean, total / v_set1((float)(dim[2] * dim[3])));
    const int64_t left = dim[1] - block * LANES;
    memcpy(job->out + n * dim[1] + block * LANES, mean, (size_t)(left < LANES ? left : LANES) * sizeof(float));
}

yk__code ISA(yk__global_average_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    const int64_t *dim = step->in[0].shape.dim;
    global_job job = {.in_at = &step->in[0],
                      .in = yk__operand_data(&step->in[0], exec),
                      .out = yk__operand_data(&step->out[0], exec),
                      .blocks = (dim[1] + LANES - 1) / LANES};
    yk__pool_for(exec->pool, (int)(dim[0] * job.blocks), global_task, &job);
    return YK__OK;
}
