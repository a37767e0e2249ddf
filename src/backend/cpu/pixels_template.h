/* bf16 tensors, pixel by pixel: copies and changes of form, casts from and to f32, enlargement, pooling, and convolution with
 * one filter per channel. One task per picture and band of rows. */
#include "backend/cpu/bf16_store.h"

typedef struct px_job {
    const yk__step *step;
    const yk__operand *in_at, *out_at;
    const void *in;
    void *out;
    int64_t h, w, blocks, n_bands; /* of the output */
} px_job;

typedef struct px_part {
    int64_t n, y0, y1;
} px_part;

INLINE px_part px_part_of(const px_job *job, int task) {
    const int64_t n = task / job->n_bands, band = task % job->n_bands;
    return (px_part){
        .n = n, .y0 = yk__band_start(job->h, job->n_bands, band), .y1 = yk__band_start(job->h, job->n_bands, band + 1)};
}

static yk__code run_px(const yk__step *step, yk__exec *exec, yk__task_fn task) {
    const int64_t *dim = step->out[0].shape.dim;
    px_job job = {.step = step,
                  .in_at = &step->in[0],
                  .out_at = &step->out[0],
                  .in = yk__operand_data(&step->in[0], exec),
                  .out = yk__operand_data(&step->out[0], exec),
                  .h = dim[2],
                  .w = dim[3],
                  .blocks = (dim[1] + LANES - 1) / LANES};
    const int64_t threads = yk__pool_size(exec->pool);
    job.n_bands = yk__band_count(job.h, 4 * threads, threads);
    yk__pool_for(exec->pool, (int)(dim[0] * job.n_bands), task, &job);
    return YK__OK;
}

INLINE const uint16_t *px_in(const px_job *job, int64_t n, int64_t y) {
    return (const uint16_t *)job->in + n * job->in_at->image_stride + y * job->in_at->row_stride;
}

INLINE uint16_t *px_out(const px_job *job, int64_t n, int64_t y) {
    return (uint16_t *)job->out + n * job->out_at->image_stride + y * job->out_at->row_stride;
}

INLINE void copy_pixel(uint16_t *to, const uint16_t *from, int64_t blocks) {
    for (int64_t b = 0; b < blocks; b++) memcpy(to + b * LANES, from + b * LANES, LANES * sizeof *to);
}

/* ---- change of form ---- */

static void form_row(const px_job *job, int64_t n, int64_t y) {
    const int64_t c = job->out_at->shape.dim[1], plane = job->h * job->w;
    const bool from_blocked = job->in_at->form == YK__FORM_BLOCKED, to_blocked = job->out_at->form == YK__FORM_BLOCKED;
    if (from_blocked && to_blocked) {
        const uint16_t *from = px_in(job, n, y);
        uint16_t *to = px_out(job, n, y);
        for (int64_t x = 0; x < job->w; x++) {
            copy_pixel(to + x * job->out_at->pixel_stride, from + x * job->in_at->pixel_stride, job->blocks);
        }
    } else if (to_blocked) {
        const uint16_t *from = (const uint16_t *)job->in + n * c * plane + y * job->w;
        uint16_t *to = px_out(job, n, y);
        for (int64_t x = 0; x < job->w; x++) {
            uint16_t *pixel = to + x * job->out_at->pixel_stride;
            for (int64_t k = 0; k < job->blocks * LANES; k++) pixel[k] = k < c ? from[k * plane + x] : 0;
        }
    } else {
        const uint16_t *from = px_in(job, n, y);
        uint16_t *to = (uint16_t *)job->out + n * c * plane + y * job->w;
        for (int64_t x = 0; x < job->w; x++) {
            for (int64_t k = 0; k < c; k++) to[k * plane + x] = from[x * job->in_at->pixel_stride + k];
        }
    }
}

static void form_task(void *argument, int task, int worker) {
    (void)worker;
    const px_job *job = argument;
    const px_part part = px_part_of(job, task);
    for (int64_t y = part.y0; y < part.y1; y++) form_row(job, part.n, y);
    if (job->out_at->form == YK__FORM_BLOCKED) {
        zero_border(job->out, job->out_at, part.n, 0, job->blocks, part.y0, part.y1);
    }
}

yk__code ISA(yk__form_bf16_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    return run_px(step, exec, form_task);
}

/* ---- cast ---- */

static void cast_row(const px_job *job, int64_t n, int64_t y, int64_t b) {
    const yk__operand *from = job->in_at, *to = job->out_at;
    const int64_t in = n * from->image_stride + b * from->block_stride + y * from->row_stride;
    const int64_t out = n * to->image_stride + b * to->block_stride + y * to->row_stride;
    if (from->dtype == YK__DTYPE_BF16) {
        const uint16_t *p = (const uint16_t *)job->in + in;
        float *q = (float *)job->out + out;
        for (int64_t x = 0; x < job->w; x++) v_store(q + x * to->pixel_stride, v_load_bf16(p + x * from->pixel_stride));
    } else {
        const float *p = (const float *)job->in + in;
        uint16_t *q = (uint16_t *)job->out + out;
        for (int64_t x = 0; x < job->w; x++) v_store_bf16(q + x * to->pixel_stride, v_load(p + x * from->pixel_stride));
    }
}

static void cast_task(void *argument, int task, int worker) {
    (void)worker;
    const px_job *job = argument;
    const px_part part = px_part_of(job, task);
    for (int64_t b = 0; b < job->blocks; b++) {
        for (int64_t y = part.y0; y < part.y1; y++) cast_row(job, part.n, y, b);
    }
    zero_border(job->out, job->out_at, part.n, 0, job->blocks, part.y0, part.y1);
}

yk__code ISA(yk__cast_bf16_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    return run_px(step, exec, cast_task);
}

/* ---- enlargement ---- */

static void enlarge_task(void *argument, int task, int worker) {
    (void)worker;
    const px_job *job = argument;
    const px_part part = px_part_of(job, task);
    const yk__map_state *state = job->step->state;
    const int64_t fh = state->factor_h, fw = state->factor_w;
    for (int64_t y = part.y0; y < part.y1; y++) {
        const uint16_t *from = px_in(job, part.n, y / fh);
        uint16_t *to = px_out(job, part.n, y);
        for (int64_t x = 0; x < job->w / fw; x++, from += job->in_at->pixel_stride) {
            for (int64_t i = 0; i < fw; i++, to += job->out_at->pixel_stride) copy_pixel(to, from, job->blocks);
        }
    }
    zero_border(job->out, job->out_at, part.n, 0, job->blocks, part.y0, part.y1);
}

yk__code ISA(yk__enlarge_bf16_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    return run_px(step, exec, enlarge_task);
}

/* ---- pooling ---- */

/* Row y of one block of channels, separable: down the columns of a run of pixels, then along it. Windows are cut at the
 * borders. */
static void pool_row(const px_job *job, const yk__pool_state *s, int64_t n, int64_t y, int64_t block) {
    const int64_t top = y * s->sh - s->pad_top, first_row = top < 0 ? 0 : top;
    const int64_t last_row = top + s->kh > s->h ? s->h : top + s->kh, run = (YK__POOL_COLUMNS - s->kw) / s->sw;
    const int64_t row = job->in_at->row_stride, pixel = job->in_at->pixel_stride;
    const uint16_t *in = px_in(job, n, first_row) + block * job->in_at->block_stride;
    uint16_t *out = px_out(job, n, y) + block * job->out_at->block_stride;
    float columns[YK__POOL_COLUMNS * LANES] __attribute__((aligned(64)));
    for (int64_t first = 0; first < job->w; first += run) {
        const int64_t end = first + run < job->w ? first + run : job->w, left = first * s->sw - s->pad_left;
        const int64_t right = (end - 1) * s->sw - s->pad_left + s->kw, x0 = left < 0 ? 0 : left,
                      x1 = right > s->w ? s->w : right;
        for (int64_t x = x0; x < x1; x++) {
            vf largest = v_load_bf16(in + x * pixel);
            for (int64_t i = 1; i < last_row - first_row; i++) largest = v_max(largest, v_load_bf16(in + i * row + x * pixel));
            v_store(columns + (x - x0) * LANES, largest);
        }
        for (int64_t i = first; i < end; i++) {
            const int64_t at = i * s->sw - s->pad_left, to = at + s->kw > s->w ? s->w : at + s->kw;
            int64_t x = at < 0 ? 0 : at;
            vf largest = v_load(columns + (x - x0) * LANES);
            for (x++; x < to; x++) largest = v_max(largest, v_load(columns + (x - x0) * LANES));
            v_store_bf16(out + i * job->out_at->pixel_stride, largest);
        }
    }
}

static void max_pool_task(void *argument, int task, int worker) {
    (void)worker;
    const px_job *job = argument;
    const px_part part = px_part_of(job, task);
    for (int64_t y = part.y0; y < part.y1; y++) {
        for (int64_t b = 0; b < job->blocks; b++) pool_row(job, job->step->state, part.n, y, b);
    }
    zero_border(job->out, job->out_at, part.n, 0, job->blocks, part.y0, part.y1);
}

yk__code ISA(yk__max_pool_bf16_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    return run_px(step, exec, max_pool_task);
}

/* ---- one filter per channel ---- */

#define DW_RUN 8

static void depthwise_rows(const bf16_job *job, const yk__bf16_panel *panel, int64_t n, int64_t y0, int64_t y1) {
    const yk__conv_shape *s = &job->state->shape;
    const yk__operand *at = job->in_at;
    const float *weights = (const float *)(const void *)job->weights + panel->weights;
    const uint16_t *in = job->in + n * at->image_stride + panel->first_block * at->block_stride - s->pad_top * at->row_stride -
                         s->pad_left * at->pixel_stride;
    float sums[DW_RUN * LANES] __attribute__((aligned(64)));
    for (int64_t y = y0; y < y1; y++) {
        for (int64_t x = 0; x < s->ow; x += DW_RUN) {
            const int64_t np = s->ow - x < DW_RUN ? s->ow - x : DW_RUN, step = s->sw * at->pixel_stride;
            if (job->tiles && !run_wanted(job, n, y, x, x + np)) continue;
            vf acc[DW_RUN];
            UNROLL(8) for (int j = 0; j < DW_RUN; j++) acc[j] = v_zero();
            for (int64_t ky = 0; ky < s->kh; ky++) {
                for (int64_t kx = 0; kx < s->kw; kx++) {
                    const vf weight = v_load(weights + (ky * s->kw + kx) * LANES);
                    const uint16_t *p =
                        in + (y * s->sh + ky * s->dh) * at->row_stride + (x * s->sw + kx * s->dw) * at->pixel_stride;
                    if (np == DW_RUN) {
                        UNROLL(8)
                        for (int j = 0; j < DW_RUN; j++) acc[j] = v_fma(weight, v_load_bf16(p + j * step), acc[j]);
                    } else {
                        UNROLL(8)
                        for (int j = 0; j < DW_RUN - 1; j++) {
                            if (j < np) acc[j] = v_fma(weight, v_load_bf16(p + j * step), acc[j]);
                        }
                    }
                }
            }
            UNROLL(8) for (int j = 0; j < DW_RUN; j++) v_store(sums + j * LANES, acc[j]);
            finish_pixels(job, sums, np, panel->first_block, n, y, x);
        }
    }
}

static void depthwise_task(void *argument, int task, int worker) {
    (void)worker;
    bf16_task(argument, task, depthwise_rows);
}

yk__code ISA(yk__depthwise_bf16_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    bf16_job job;
    const int n_tasks = bf16_begin(step, exec, &job);
    yk__pool_for(exec->pool, n_tasks, depthwise_task, &job);
    return YK__OK;
}
