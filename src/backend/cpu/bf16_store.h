/* How bf16 kernels finish: bias, activation, residual, rounding and store of runs of pixels; borders of zeros. Also the split
 * of a convolution into tasks. Needs simd_<isa>.h and simd_math.h before it. */
#ifndef YK_CPU_BF16_STORE_H
#define YK_CPU_BF16_STORE_H

#include "backend/cpu/bf16_cpu.h"
#include "backend/cpu/blocked_template.h"

typedef struct bf16_job {
    const yk__bf16_state *state;
    const uint16_t *in, *weights;
    const float *bias;
    void *out;
    const void *residual;
    const yk__operand *in_at, *out_at, *residual_at;
    const uint8_t *tiles; /* N x rows x columns of 4x4 tiles that will be read, or NULL: all */
    yk__conv_split split;
} bf16_job;

/* The common case: SiLU on whole blocks, stored as bf16. */
INLINE void finish_silu(const float *tile, int64_t np, vf bias, uint16_t *out, int64_t pixel, const uint16_t *residual,
                        int64_t residual_pixel) {
    if (residual) {
        UNROLL_BY(4)
        for (int64_t j = 0; j < np; j++) {
            vf v = v_silu_bf16(v_load(tile + j * LANES) + bias);
            v_store_bf16(out + j * pixel, v + v_load_bf16(residual + j * residual_pixel));
        }
    } else {
        UNROLL_BY(4)
        for (int64_t j = 0; j < np; j++) v_store_bf16(out + j * pixel, v_silu_bf16(v_load(tile + j * LANES) + bias));
    }
}

/* np vectors of sums: output block `block`, pixels x, x+1 ... of row y of picture n. */
INLINE void finish_pixels(const bf16_job *job, float *tile, int64_t np, int64_t block, int64_t n, int64_t y, int64_t x) {
    const yk__conv_shape *s = &job->state->shape;
    const yk__operand *to = job->out_at, *more = job->residual_at;
    const int64_t at = n * to->image_stride + block * to->block_stride + y * to->row_stride + x * to->pixel_stride;
    const int64_t left = s->o - block * LANES;
    const bool as_bf16 = to->dtype == YK__DTYPE_BF16;
    const vf bias = v_load(job->bias + block * LANES);
    int64_t residual = 0;
    if (more) residual = n * more->image_stride + block * more->block_stride + y * more->row_stride + x * more->pixel_stride;
    if (as_bf16 && s->act == YK__ACT_SILU && left >= LANES) {
        finish_silu(tile, np, bias, (uint16_t *)job->out + at, to->pixel_stride,
                    more ? (const uint16_t *)job->residual + residual : NULL, more ? more->pixel_stride : 0);
        return;
    }
    for (int64_t j = 0; j < np; j++) v_store(tile + j * LANES, v_load(tile + j * LANES) + bias);
    activate(tile, np, s->act, s->alpha, s->beta);
    if (left < LANES) zero_lanes(tile, np, left);
    for (int64_t j = 0; j < np; j++) {
        vf v = v_load(tile + j * LANES);
        if (as_bf16) {
            if (more) v = v + v_load_bf16((const uint16_t *)job->residual + residual + j * more->pixel_stride);
            v_store_bf16((uint16_t *)job->out + at + j * to->pixel_stride, v);
        } else {
            if (more) v = v + v_load((const float *)job->residual + residual + j * more->pixel_stride);
            v_store((float *)job->out + at + j * to->pixel_stride, v);
        }
    }
}

/* Whether any of the pixels x0 .. x1-1 of row y will be read. */
INLINE bool run_wanted(const bf16_job *job, int64_t n, int64_t y, int64_t x0, int64_t x1) {
    const yk__conv_shape *s = &job->state->shape;
    const int64_t columns = (s->ow + YK__TILE - 1) / YK__TILE, rows = (s->oh + YK__TILE - 1) / YK__TILE;
    const uint8_t *wanted = job->tiles + (n * rows + y / YK__TILE) * columns;
    for (int64_t t = x0 / YK__TILE; t <= (x1 - 1) / YK__TILE; t++) {
        if (wanted[t]) return true;
    }
    return false;
}

/* Rows y0 .. y1-1 of one panel of picture n, borders aside. */
typedef void (*bf16_rows_fn)(const bf16_job *job, const yk__bf16_panel *panel, int64_t n, int64_t y0, int64_t y1);

INLINE void bf16_task(const bf16_job *job, int task, const bf16_rows_fn rows) {
    const int64_t band = task % job->split.n_bands, group = task / job->split.n_bands % job->split.panel_tasks,
                  n = task / job->split.n_bands / job->split.panel_tasks, oh = job->state->shape.oh;
    const int64_t y0 = yk__band_start(oh, job->split.n_bands, band), y1 = yk__band_start(oh, job->split.n_bands, band + 1);
    const int64_t first = group * job->split.panels_per_task;
    for (int64_t p = first; p < first + job->split.panels_per_task && p < job->state->n_panels; p++) {
        const yk__bf16_panel *panel = &job->state->panels[p];
        rows(job, panel, n, y0, y1);
        zero_border(job->out, job->out_at, n, panel->first_block, panel->n_blocks, y0, y1);
    }
}

INLINE void bf16_operands(const yk__step *step, yk__exec *exec, const yk__bf16_state *state, bf16_job *job) {
    const float *bias = step->packed;
    *job = (bf16_job){.state = state,
                      .in = yk__operand_data(&step->in[0], exec),
                      .bias = bias,
                      .weights = (const uint16_t *)(const void *)(bias + (int64_t)state->out_blocks * LANES),
                      .out = yk__operand_data(&step->out[0], exec),
                      .in_at = &step->in[0],
                      .out_at = &step->out[0]};
    if (state->shape.has_residual) {
        job->residual_at = &step->in[3];
        job->residual = yk__operand_data(job->residual_at, exec);
    }
    if (step->tiles) job->tiles = yk__operand_data(step->tiles, exec);
}

/* The job of a step, and its number of tasks. */
INLINE int bf16_begin(const yk__step *step, yk__exec *exec, bf16_job *job) {
    const yk__bf16_state *state = step->state;
    bf16_operands(step, exec, state, job);
    const yk__conv_shape *s = &state->shape;
    job->split =
        yk__conv_share_out(state->in_bytes, state->weights_bytes, state->n_panels, s->n, s->oh, yk__pool_size(exec->pool));
    return (int)(s->n * job->split.panel_tasks * job->split.n_bands);
}

#endif
