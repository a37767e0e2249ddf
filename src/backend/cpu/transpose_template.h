/* Transposed convolution with kernel = stride, and dense layers. */
#include "backend/cpu/blocked_template.h"
#include "backend/cpu/tile_words.h"
#include "backend/cpu/transpose_cpu.h"

typedef struct transpose_job {
    const yk__transpose_state *state;
    const float *in, *bias, *weights;
    float *out;
    const yk__operand *in_at, *out_at;
    int64_t n_bands;
} transpose_job;

/* Bias, activation and store of mv * np vectors, `step` floats apart in the output. */
static void spread_tile(const yk__conv_shape *s, float *tile, const float *bias, int mv, int64_t np, int64_t used_lanes,
                        float *out, int64_t block, int64_t step) {
    for (int m = 0; m < mv; m++) {
        const vf b = v_load(bias + m * LANES);
        for (int64_t j = 0; j < np; j++) v_store(tile + (m * np + j) * LANES, v_load(tile + (m * np + j) * LANES) + b);
    }
    activate(tile, mv * np, s->act, s->alpha, s->beta);
    if (used_lanes < LANES) zero_lanes(tile + (mv - 1) * np * LANES, np, used_lanes);
    for (int m = 0; m < mv; m++) {
        for (int64_t j = 0; j < np; j++) v_store(out + m * block + j * step, v_load(tile + (m * np + j) * LANES));
    }
}

/* All outputs of one panel that come from input row y. */
static void transpose_row(const transpose_job *job, const yk__conv_panel *panel, int64_t n, int64_t y) {
    const yk__transpose_state *state = job->state;
    const yk__conv_shape *s = &state->shape;
    const int mv = panel->n_out_blocks;
    const int64_t last = s->o - (int64_t)(panel->first_out_block + mv - 1) * LANES, used_lanes = last < LANES ? last : LANES;
    const int64_t n_tiles = (s->w + most_pixels[mv - 1] - 1) / most_pixels[mv - 1];
    const float *in = job->in + n * job->in_at->image_stride + y * job->in_at->row_stride;
    const float *bias = job->bias + (int64_t)panel->first_out_block * LANES;
    float *out = job->out + n * job->out_at->image_stride + panel->first_out_block * job->out_at->block_stride;
    float tile[YK__MAX_TILE_BLOCKS * NP1 * LANES] __attribute__((aligned(64)));
    for (int64_t tap = 0; tap < s->kh * s->kw; tap++) {
        const float *w = job->weights + panel->weights + tap * state->in_blocks * LANES * mv * LANES;
        float *row = out + (y * s->sh + tap / s->kw) * job->out_at->row_stride + tap % s->kw * LANES;
        for (int64_t i = 0; i < n_tiles; i++) {
            const int64_t x = s->w * i / n_tiles, np = s->w * (i + 1) / n_tiles - x;
            ISA(yk__products)[mv - 1][np - 1](in + x * LANES, job->in_at->block_stride, state->in_blocks, w, tile, false);
            spread_tile(s, tile, bias, mv, np, used_lanes, row + x * s->sw * LANES, job->out_at->block_stride, s->sw * LANES);
        }
    }
}

static void transpose_task(void *argument, int task, int worker) {
    (void)worker;
    const transpose_job *job = argument;
    const yk__transpose_state *state = job->state;
    const yk__conv_shape *s = &state->shape;
    const int64_t n = task / job->n_bands, band = task % job->n_bands;
    const int64_t y0 = yk__band_start(s->h, job->n_bands, band), y1 = yk__band_start(s->h, job->n_bands, band + 1);
    for (int32_t p = 0; p < state->n_panels; p++) {
        for (int64_t y = y0; y < y1; y++) transpose_row(job, &state->panels[p], n, y);
    }
    for (int32_t b = 0; b < state->out_blocks; b++) {
        zero_halo(job->out + n * job->out_at->image_stride + b * job->out_at->block_stride, s->oh, s->ow, job->out_at->halo,
                  job->out_at->row_stride, y0 * s->sh, y1 * s->sh);
    }
}

yk__code ISA(yk__transpose_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    const yk__transpose_state *state = step->state;
    transpose_job job = {.state = state,
                         .in = yk__operand_data(&step->in[0], exec),
                         .out = yk__operand_data(&step->out[0], exec),
                         .bias = step->packed,
                         .weights = (const float *)step->packed + (int64_t)state->out_blocks * LANES,
                         .in_at = &step->in[0],
                         .out_at = &step->out[0]};
    const int64_t threads = yk__pool_size(exec->pool);
    job.n_bands = yk__band_count(state->shape.h, 4 * threads, threads);
    yk__pool_for(exec->pool, (int)(state->shape.n * job.n_bands), transpose_task, &job);
    return YK__OK;
}

typedef struct dense_job {
    const yk__dense_state *state;
    const float *in, *bias, *weights;
    float *out;
} dense_job;

/* np rows of one panel. */
INLINE void dense_rows(const dense_job *job, int64_t panel, int64_t row, const int np) {
    const yk__dense_state *s = job->state;
    const int64_t width = YK__DENSE_BLOCKS * LANES, left = s->m - panel * width;
    const float *w = job->weights + panel * width * s->k, *in = job->in + row * s->k;
    vf acc[YK__DENSE_ROWS][YK__DENSE_BLOCKS];
    UNROLL(4) for (int j = 0; j < np; j++) {
        UNROLL(4) for (int m = 0; m < YK__DENSE_BLOCKS; m++) acc[j][m] = v_load(job->bias + panel * width + m * LANES);
    }
    for (int64_t k = 0; k < s->k; k++, w += width) {
        UNROLL(4) for (int j = 0; j < np; j++) {
            const vf x = v_set1(in[j * s->k + k]);
            UNROLL(4) for (int m = 0; m < YK__DENSE_BLOCKS; m++) acc[j][m] = v_fma(v_load(w + m * LANES), x, acc[j][m]);
        }
    }
    float line[YK__DENSE_BLOCKS * LANES];
    UNROLL(4) for (int j = 0; j < np; j++) {
        UNROLL(4) for (int m = 0; m < YK__DENSE_BLOCKS; m++) v_store(line + m * LANES, acc[j][m]);
        memcpy(job->out + (row + j) * s->m + panel * width, line, (size_t)(left < width ? left : width) * sizeof(float));
    }
}

static void dense_task(void *argument, int task, int worker) {
    (void)worker;
    const dense_job *job = argument;
    int64_t row = 0;
    for (; row + YK__DENSE_ROWS <= job->state->rows; row += YK__DENSE_ROWS) dense_rows(job, task, row, YK__DENSE_ROWS);
    for (; row < job->state->rows; row++) dense_rows(job, task, row, 1);
}

yk__code ISA(yk__dense_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    const yk__dense_state *s = step->state;
    dense_job job = {.state = s,
                     .in = yk__operand_data(&step->in[0], exec),
                     .out = yk__operand_data(&step->out[0], exec),
                     .bias = step->packed,
                     .weights = (const float *)step->packed + s->n_panels * YK__DENSE_BLOCKS * LANES};
    yk__pool_for(exec->pool, s->n_panels, dense_task, &job);
    return YK__OK;
}
