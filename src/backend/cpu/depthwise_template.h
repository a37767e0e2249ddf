/* Depthwise convolution on blocked tensors: lanes are channels, so weights and pixels are both plain vectors. A run of pixels
 * of one row shares its loads between the taps of a kernel row: 8 pixels x 3 taps take 10 loads. One task per picture, channel
 * block and band of rows. */
#include "backend/cpu/blocked_template.h"

/* Pixels per run; with the weights of a kernel row and the pixels of a run they fill 16 registers, or use 32 well. */
#if N_VREGS == 32
#define RUN 8
#else
#define RUN 4
#endif

typedef struct dw_job {
    const yk__conv_state *state;
    const float *in, *residual, *bias, *weights;
    float *out;
    const yk__operand *in_at, *out_at, *residual_at;
    int64_t band_rows, n_bands;
} dw_job;

/* np neighbouring outputs at stride 1 and dilation 1, kernel rows of kw taps. */
INLINE void dw_run(const float *in, int64_t row, const float *w, vf bias, int64_t kh, float *out, const int kw, const int np) {
    vf acc[RUN];
    UNROLL(8) for (int j = 0; j < np; j++) acc[j] = bias;
    for (int64_t y = 0; y < kh; y++, in += row, w += kw * LANES) {
        vf pixel[RUN + 6];
        UNROLL(16) for (int j = 0; j < np + kw - 1; j++) pixel[j] = v_load(in + j * LANES);
        UNROLL(8) for (int x = 0; x < kw; x++) {
            const vf weight = v_load(w + x * LANES);
            UNROLL(8) for (int j = 0; j < np; j++) acc[j] = v_fma(weight, pixel[j + x], acc[j]);
        }
    }
    UNROLL(8) for (int j = 0; j < np; j++) v_store(out + j * LANES, acc[j]);
}

/* np outputs of any stride and dilation, pixel by pixel. */
static void dw_any(const yk__conv_shape *s, const float *in, int64_t row, const float *w, vf bias, int64_t np, float *out) {
    for (int64_t j = 0; j < np; j++) {
        vf acc = bias;
        for (int64_t y = 0; y < s->kh; y++) {
            for (int64_t x = 0; x < s->kw; x++) {
                acc = v_fma(v_load(w + (y * s->kw + x) * LANES), v_load(in + y * s->dh * row + (j * s->sw + x * s->dw) * LANES),
                            acc);
            }
        }
        v_store(out + j * LANES, acc);
    }
}

/* One output row into `line`. */
static void dw_row(const yk__conv_shape *s, const float *in, int64_t row, const float *w, vf bias, float *line) {
    const bool dense = s->sw == 1 && s->dh == 1 && s->dw == 1;
    int64_t x = 0;
    if (dense && s->kw == 3) {
        for (; x + RUN <= s->ow; x += RUN) dw_run(in + x * LANES, row, w, bias, s->kh, line + x * LANES, 3, RUN);
    } else if (dense && s->kw == 5) {
        for (; x + RUN <= s->ow; x += RUN) dw_run(in + x * LANES, row, w, bias, s->kh, line + x * LANES, 5, RUN);
    } else if (dense && s->kw == 7) {
        for (; x + RUN <= s->ow; x += RUN) dw_run(in + x * LANES, row, w, bias, s->kh, line + x * LANES, 7, RUN);
    }
    if (x < s->ow) dw_any(s, in + x * s->sw * LANES, row, w, bias, s->ow - x, line + x * LANES);
}

static void dw_task(void *argument, int task, int worker) {
    (void)worker;
    const dw_job *job = argument;
    const yk__conv_state *state = job->state;
    const yk__conv_shape *s = &state->shape;
    const int64_t band = task % job->n_bands, block = task / job->n_bands % state->out_blocks,
                  n = task / job->n_bands / state->out_blocks;
    const int64_t y0 = band * job->band_rows, y1 = y0 + job->band_rows < s->oh ? y0 + job->band_rows : s->oh;
    const int64_t row = job->in_at->row_stride, left = s->c - block * LANES;
    const float *in =
        job->in + n * job->in_at->image_stride + block * job->in_at->block_stride - s->pad_top * row - s->pad_left * LANES;
    float *out = job->out + n * job->out_at->image_stride + block * job->out_at->block_stride;
    const float *w = job->weights + block * s->kh * s->kw * LANES;
    const vf bias = v_load(job->bias + block * LANES);
    for (int64_t y = y0; y < y1; y++) {
        float *line = out + y * job->out_at->row_stride;
        dw_row(s, in + y * s->sh * row, row, w, bias, line);
        activate(line, s->ow, s->act, s->alpha, s->beta);
        if (left < LANES) zero_lanes(line, s->ow, left);
        if (job->residual) {
            const float *more = job->residual + n * job->residual_at->image_stride + block * job->residual_at->block_stride +
                                y * job->residual_at->row_stride;
            for (int64_t x = 0; x < s->ow; x++) v_store(line + x * LANES, v_load(line + x * LANES) + v_load(more + x * LANES));
        }
    }
    zero_halo(out, s->oh, s->ow, job->out_at->halo, job->out_at->row_stride, y0, y1);
}

yk__code ISA(yk__depthwise_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    const yk__conv_state *state = step->state;
    const yk__conv_shape *s = &state->shape;
    dw_job job = {.state = state,
                  .in = yk__operand_data(&step->in[0], exec),
                  .out = yk__operand_data(&step->out[0], exec),
                  .bias = step->packed,
                  .weights = (const float *)step->packed + (int64_t)state->out_blocks * LANES,
                  .in_at = &step->in[0],
                  .out_at = &step->out[0]};
    if (s->has_residual) {
        job.residual_at = &step->in[3];
        job.residual = yk__operand_data(job.residual_at, exec);
    }
    job.band_rows = YK__CONV_L2_FLOATS / 4 / (s->ow * LANES); /* a quarter: bands of small maps are still several */
    if (job.band_rows < 1) job.band_rows = 1;
    if (job.band_rows > s->oh) job.band_rows = s->oh;
    job.n_bands = (s->oh + job.band_rows - 1) / job.band_rows;
    yk__pool_for(exec->pool, (int)(s->n * state->out_blocks * job.n_bands), dw_task, &job);
    return YK__OK;
}
