/* Moving data: PLAIN to BLOCKED, back, and BLOCKED to BLOCKED. One task per picture, channel block and band of rows. */
#include "backend/cpu/blocked_template.h"

typedef struct change_job {
    const yk__operand *in_at, *out_at;
    const float *in;
    float *out;
    int64_t c, h, w, blocks, band_rows, n_bands;
} change_job;

/* lanes rows of w numbers, `plane` apart, become w vectors. */
INLINE void interleave_row(const float *in, int64_t plane, int64_t lanes, int64_t w, float *out) {
    if (lanes < LANES) zero_pixels(out, w);
    for (int64_t l = 0; l < lanes; l++) {
        const float *from = in + l * plane;
        for (int64_t x = 0; x < w; x++) out[x * LANES + l] = from[x];
    }
}

INLINE void part_row(const float *in, int64_t plane, int64_t lanes, int64_t w, float *out) {
    for (int64_t l = 0; l < lanes; l++) {
        float *to = out + l * plane;
        for (int64_t x = 0; x < w; x++) to[x] = in[x * LANES + l];
    }
}

static void change_task(void *argument, int task, int worker) {
    (void)worker;
    const change_job *job = argument;
    const int64_t band = task % job->n_bands, block = task / job->n_bands % job->blocks, n = task / job->n_bands / job->blocks;
    const int64_t y0 = band * job->band_rows, y1 = y0 + job->band_rows < job->h ? y0 + job->band_rows : job->h;
    const int64_t left = job->c - block * LANES, lanes = left < LANES ? left : LANES, plane = job->h * job->w;
    const yk__operand *in_at = job->in_at, *out_at = job->out_at;
    const bool from_blocked = in_at->form == YK__FORM_BLOCKED, to_blocked = out_at->form == YK__FORM_BLOCKED;
    const float *in =
        job->in + (from_blocked ? n * in_at->image_stride + block * in_at->block_stride : (n * job->c + block * LANES) * plane);
    float *out = job->out +
                 (to_blocked ? n * out_at->image_stride + block * out_at->block_stride : (n * job->c + block * LANES) * plane);
    for (int64_t y = y0; y < y1; y++) {
        if (!to_blocked) {
            part_row(in + y * in_at->row_stride, plane, lanes, job->w, out + y * job->w);
        } else if (!from_blocked) {
            interleave_row(in + y * job->w, plane, lanes, job->w, out + y * out_at->row_stride);
        } else {
            memcpy(out + y * out_at->row_stride, in + y * in_at->row_stride, (size_t)job->w * LANES * sizeof(float));
        }
    }
    if (to_blocked) zero_halo(out, job->h, job->w, out_at->halo, out_at->row_stride, y0, y1);
}

/* Rows per task so that small maps are one task per block and large ones some tasks of a quarter of a megabyte. */
INLINE int64_t band_rows_for(int64_t h, int64_t w) {
    const int64_t rows = YK__CONV_L2_FLOATS / (w * LANES);
    return rows < 1 ? 1 : rows < h ? rows : h;
}

yk__code ISA(yk__form_change_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    const int64_t *dim = step->out[0].shape.dim;
    change_job job = {.in_at = &step->in[0],
                      .out_at = &step->out[0],
                      .in = yk__operand_data(&step->in[0], exec),
                      .out = yk__operand_data(&step->out[0], exec),
                      .c = dim[1],
                      .h = dim[2],
                      .w = dim[3],
                      .blocks = (dim[1] + LANES - 1) / LANES,
                      .band_rows = band_rows_for(dim[2], dim[3])};
    job.n_bands = (job.h + job.band_rows - 1) / job.band_rows;
    yk__pool_for(exec->pool, (int)(dim[0] * job.blocks * job.n_bands), change_task, &job);
    return YK__OK;
}
