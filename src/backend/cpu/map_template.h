/* Elementwise operators and nearest enlargement on blocked tensors. One task per picture, channel block and band of rows. */
#include "backend/cpu/blocked_template.h"
#include "backend/cpu/map_cpu.h"

typedef struct map_job {
    const yk__map_state *state;
    const yk__operand *in_at, *other_at, *out_at;
    const float *in, *other;
    float *out;
    int64_t h, w, blocks, band_rows, n_bands; /* of the output */
} map_job;

typedef struct map_part {
    int64_t n, block, y0, y1;
} map_part;

INLINE map_part part_of(const map_job *job, int task) {
    map_part part = {.n = task / job->n_bands / job->blocks, .block = task / job->n_bands % job->blocks};
    part.y0 = task % job->n_bands * job->band_rows;
    part.y1 = part.y0 + job->band_rows < job->h ? part.y0 + job->band_rows : job->h;
    return part;
}

INLINE int64_t plane_at(const yk__operand *at, map_part part) {
    return part.n * at->image_stride + part.block * at->block_stride;
}

static yk__code run_map(map_job *job, const yk__step *step, yk__exec *exec, yk__task_fn task) {
    const int64_t *dim = step->out[0].shape.dim;
    job->state = step->state;
    job->out_at = &step->out[0];
    job->out = yk__operand_data(job->out_at, exec);
    job->h = dim[2];
    job->w = dim[3];
    job->blocks = (dim[1] + LANES - 1) / LANES;
    job->band_rows = YK__CONV_L2_FLOATS / (job->w * LANES);
    if (job->band_rows < 1) job->band_rows = 1;
    if (job->band_rows > job->h) job->band_rows = job->h;
    job->n_bands = (job->h + job->band_rows - 1) / job->band_rows;
    yk__pool_for(exec->pool, (int)(dim[0] * job->blocks * job->n_bands), task, job);
    return YK__OK;
}

static void unary_task(void *argument, int task, int worker) {
    (void)worker;
    const map_job *job = argument;
    const map_part part = part_of(job, task);
    const float *in = job->in + plane_at(job->in_at, part);
    float *out = job->out + plane_at(job->out_at, part);
    const int64_t left = job->out_at->shape.dim[1] - part.block * LANES;
    for (int64_t y = part.y0; y < part.y1; y++) {
        const float *from = in + y * job->in_at->row_stride;
        float *to = out + y * job->out_at->row_stride;
        if (to != from) memcpy(to, from, (size_t)job->w * LANES * sizeof(float));
        activate(to, job->w, job->state->act, job->state->alpha, job->state->beta);
        if (left < LANES) zero_lanes(to, job->w, left);
    }
    zero_halo(out, job->h, job->w, job->out_at->halo, job->out_at->row_stride, part.y0, part.y1);
}

yk__code ISA(yk__unary_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    map_job job = {.in_at = &step->in[0], .in = yk__operand_data(&step->in[0], exec)};
    return run_map(&job, step, exec, unary_task);
}

INLINE vf calculate(vf a, vf b, const yk__binary binary) {
    if (binary == YK__BINARY_ADD) return a + b;
    return binary == YK__BINARY_SUB ? a - b : a * b;
}

/* One row; b steps by b_step floats per pixel (0: the same vector for all). */
INLINE void binary_row(const float *a, int64_t a_step, const float *b, int64_t b_step, float *out, int64_t w,
                       const yk__binary binary) {
    for (int64_t x = 0; x < w; x++) v_store(out + x * LANES, calculate(v_load(a + x * a_step), v_load(b + x * b_step), binary));
}

static void binary_task(void *argument, int task, int worker) {
    (void)worker;
    const map_job *job = argument;
    const map_part part = part_of(job, task);
    const yk__map_state *state = job->state;
    const float *constant = state->per_channel ? state->per_channel + part.block * LANES : NULL;
    float *out = job->out + plane_at(job->out_at, part);
    for (int64_t y = part.y0; y < part.y1; y++) {
        const bool a_constant = state->constant_side == 0, b_constant = state->constant_side == 1;
        const float *a = a_constant ? constant : job->in + plane_at(job->in_at, part) + y * job->in_at->row_stride;
        const float *b = b_constant ? constant : job->other + plane_at(job->other_at, part) + y * job->other_at->row_stride;
        const int64_t a_step = a_constant ? 0 : LANES, b_step = b_constant ? 0 : LANES;
        float *to = out + y * job->out_at->row_stride;
        switch (state->binary) {
        case YK__BINARY_ADD: binary_row(a, a_step, b, b_step, to, job->w, YK__BINARY_ADD); break;
        case YK__BINARY_SUB: binary_row(a, a_step, b, b_step, to, job->w, YK__BINARY_SUB); break;
        case YK__BINARY_MUL: binary_row(a, a_step, b, b_step, to, job->w, YK__BINARY_MUL); break;
        }
    }
    zero_halo(out, job->h, job->w, job->out_at->halo, job->out_at->row_stride, part.y0, part.y1);
}

yk__code ISA(yk__binary_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    map_job job = {.in_at = &step->in[0],
                   .other_at = &step->in[1],
                   .in = yk__operand_data(&step->in[0], exec),
                   .other = yk__operand_data(&step->in[1], exec)};
    return run_map(&job, step, exec, binary_task);
}

static void enlarge_task(void *argument, int task, int worker) {
    (void)worker;
    const map_job *job = argument;
    const map_part part = part_of(job, task);
    const int64_t fh = job->state->factor_h, fw = job->state->factor_w;
    const float *in = job->in + plane_at(job->in_at, part);
    float *out = job->out + plane_at(job->out_at, part);
    for (int64_t y = part.y0; y < part.y1; y++) {
        const float *from = in + y / fh * job->in_at->row_stride;
        float *to = out + y * job->out_at->row_stride;
        for (int64_t x = 0; x < job->w / fw; x++) {
            const vf pixel = v_load(from + x * LANES);
            for (int64_t i = 0; i < fw; i++) v_store(to + (x * fw + i) * LANES, pixel);
        }
    }
    zero_halo(out, job->h, job->w, job->out_at->halo, job->out_at->row_stride, part.y0, part.y1);
}

yk__code ISA(yk__enlarge_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    map_job job = {.in_at = &step->in[0], .in = yk__operand_data(&step->in[0], exec)};
    return run_map(&job, step, exec, enlarge_task);
}
