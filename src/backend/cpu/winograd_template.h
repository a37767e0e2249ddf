/* Winograd convolution F(4x4, 3x3) on blocked tensors, fused: a worker takes a block of tiles small enough for its
 * second-level cache, transforms their inputs, and per panel of output channels multiplies (36 products of tiles x channels by
 * channels x outputs), transforms back and finishes (bias, activation, residual, store). Nothing between input and output
 * goes through memory beyond the worker's scratch.
 *
 *     V[term][in block][tile][lane]     transformed inputs
 *     M[term][tile group][m][tile][lane]  products of one panel
 *
 * Every tile's arithmetic is the same whatever block, group or thread it falls into. */
#include "backend/cpu/blocked_template.h"
#include "backend/cpu/tile_words.h"
#include "backend/cpu/winograd_cpu.h"

typedef struct wino_job {
    const yk__wino_state *state;
    const float *in, *residual, *bias, *weights;
    float *out, *scratch;
    const yk__operand *in_at, *out_at, *residual_at;
    int64_t n_tiles, n_blocks; /* of all pictures, or of the list */
    const int32_t *list;       /* the tiles to compute where some can be left out, else NULL: all of them */
} wino_job;

/* A tile among those of all pictures: picture, row and column of tiles. */
typedef struct tile_place {
    int64_t n, ty, tx;
} tile_place;

INLINE tile_place place_of(const wino_job *job, int64_t index) {
    const yk__wino_state *state = job->state;
    const int64_t q = job->list ? job->list[index] : index, per_picture = state->tiles_h * state->tiles_w;
    const int64_t t = q % per_picture;
    return (tile_place){.n = q / per_picture, .ty = t / state->tiles_w, .tx = t % state->tiles_w};
}

/* One row (or column) of B^T d. */
INLINE void transform_in_6(const vf d[6], vf out[6]) {
    const vf three_halves = v_set1(1.5f);
    const vf e = d[3] - d[1], f = d[4] - d[2];
    out[0] = v_fma(three_halves, e, (d[0] - d[2]) + f);
    out[1] = v_fma(three_halves, d[2] + d[3], e + f);
    out[2] = v_fma(three_halves, d[3] - d[2], f - e);
    out[3] = v_fma(v_set1(2.0f), e, f);
    out[4] = v_fma(v_set1(-0.5f), e, f);
    out[5] = v_fma(three_halves, f, (d[5] - d[3]) - e);
}

/* One row (or column) of A^T m. */
INLINE void transform_out_6(const vf m[6], vf out[4]) {
    const vf s = m[1] + m[2], t = m[1] - m[2];
    out[0] = (m[0] + s) + (m[3] + m[4]);
    out[1] = v_fma(v_set1(0.5f), m[3], v_fma(v_set1(-2.0f), m[4], t));
    out[2] = v_fma(v_set1(0.25f), m[3], v_fma(v_set1(4.0f), m[4], s));
    out[3] = v_fma(v_set1(0.125f), m[3], v_fma(v_set1(-8.0f), m[4], t)) + m[5];
}

/* 6x6 inputs at p (rows `row` floats apart) to 36 terms, `term` floats apart. */
INLINE void transform_tile_in(const float *p, int64_t row, float *to, int64_t term) {
    vf half[6][6];
    UNROLL(6) for (int x = 0; x < 6; x++) {
        vf d[6], o[6];
        UNROLL(6) for (int y = 0; y < 6; y++) d[y] = v_load(p + y * row + x * LANES);
        transform_in_6(d, o);
        UNROLL(6) for (int y = 0; y < 6; y++) half[y][x] = o[y];
    }
    UNROLL(6) for (int y = 0; y < 6; y++) {
        vf o[6];
        transform_in_6(half[y], o);
        UNROLL(6) for (int x = 0; x < 6; x++) v_store(to + (y * 6 + x) * term, o[x]);
    }
}

/* The tile's inputs where they hang over the tensor and its halo: a copy with zeros there. */
static void copy_patch(const float *p, int64_t row, int64_t rows, int64_t columns, float *patch) {
    for (int64_t y = 0; y < 6; y++) {
        for (int64_t x = 0; x < 6; x++) {
            v_store(patch + (y * 6 + x) * LANES, y < rows && x < columns ? v_load(p + y * row + x * LANES) : v_zero());
        }
    }
}

static void transform_in(const wino_job *job, int64_t first, int64_t n_tiles, float *v) {
    const yk__wino_state *state = job->state;
    const yk__conv_shape *s = &state->shape;
    const yk__operand *at = job->in_at;
    float patch[YK__WINO_TERMS * LANES] __attribute__((aligned(64)));
    for (int64_t t = 0; t < n_tiles; t++) {
        const tile_place place = place_of(job, first + t);
        const int64_t y = place.ty * YK__WINO_OUT - s->pad_top, x = place.tx * YK__WINO_OUT - s->pad_left;
        /* rows and columns of the tile that lie on the tensor or its halo */
        const int64_t rows = s->h + at->halo - y, columns = s->w + at->halo - x;
        const float *p = job->in + place.n * at->image_stride + y * at->row_stride + x * LANES;
        for (int64_t b = 0; b < state->in_blocks; b++, p += at->block_stride) {
            float *to = v + (b * n_tiles + t) * LANES;
            if (rows >= 6 && columns >= 6) {
                transform_tile_in(p, at->row_stride, to, state->term_in);
            } else {
                copy_patch(p, at->row_stride, rows, columns, patch);
                transform_tile_in(patch, 6 * LANES, to, state->term_in);
            }
        }
    }
}

/* All products of one panel: M from V. Tiles go in groups of even size, none wider than a register tile. */
static void multiply(const wino_job *job, const yk__conv_panel *panel, int64_t n_tiles, const float *v, float *m) {
    const yk__wino_state *state = job->state;
    const int mv = panel->n_out_blocks;
    const int64_t groups = (n_tiles + most_pixels[mv - 1] - 1) / most_pixels[mv - 1];
    const int64_t term_weights = (int64_t)state->in_blocks * LANES * mv * LANES;
    for (int64_t k = 0; k < YK__WINO_TERMS; k++) {
        const float *w = job->weights + panel->weights + k * term_weights;
        for (int64_t g = 0; g < groups; g++) {
            const int64_t t = n_tiles * g / groups, np = n_tiles * (g + 1) / groups - t;
            ISA(yk__products)
            [mv - 1][np - 1](v + k * state->term_in + t * LANES, n_tiles * LANES, state->in_blocks, w,
                             m + k * state->term_out + t * mv * LANES);
        }
    }
}

/* 36 products (`term` floats apart) to 4x4 outputs with bias. */
INLINE void transform_tile_out(const float *p, int64_t term, vf bias, float *out) {
    vf half[4][6];
    UNROLL(6) for (int x = 0; x < 6; x++) {
        vf d[6], o[4];
        UNROLL(6) for (int y = 0; y < 6; y++) d[y] = v_load(p + (y * 6 + x) * term);
        transform_out_6(d, o);
        UNROLL(4) for (int y = 0; y < 4; y++) half[y][x] = o[y];
    }
    UNROLL(4) for (int y = 0; y < 4; y++) {
        vf o[4];
        transform_out_6(half[y], o);
        UNROLL(4) for (int x = 0; x < 4; x++) v_store(out + (y * 4 + x) * LANES, o[x] + bias);
    }
}

/* Activation, residual and store of one tile of one output block, rows x columns of it inside the tensor. */
INLINE void finish_tile(const wino_job *job, float *tile, int64_t used_lanes, int64_t rows, int64_t columns, float *out,
                        const float *residual) {
    const yk__conv_shape *s = &job->state->shape;
    activate(tile, 16, s->act, s->alpha, s->beta);
    if (used_lanes < LANES) zero_lanes(tile, 16, used_lanes);
    for (int64_t y = 0; y < rows; y++) {
        for (int64_t x = 0; x < columns; x++) {
            vf v = v_load(tile + (y * 4 + x) * LANES);
            if (residual) v = v + v_load(residual + y * job->residual_at->row_stride + x * LANES);
            v_store(out + y * job->out_at->row_stride + x * LANES, v);
        }
    }
}

static void transform_out(const wino_job *job, const yk__conv_panel *panel, int64_t first, int64_t n_tiles, const float *m) {
    const yk__wino_state *state = job->state;
    const yk__conv_shape *s = &state->shape;
    const yk__operand *at = job->out_at;
    const int mv = panel->n_out_blocks;
    const int64_t groups = (n_tiles + most_pixels[mv - 1] - 1) / most_pixels[mv - 1];
    float tile[16 * LANES] __attribute__((aligned(64)));
    for (int64_t g = 0; g < groups; g++) {
        const int64_t t0 = n_tiles * g / groups, np = n_tiles * (g + 1) / groups - t0;
        for (int64_t j = 0; j < np; j++) {
            const tile_place place = place_of(job, first + t0 + j);
            const int64_t n = place.n, y = place.ty * YK__WINO_OUT, x = place.tx * YK__WINO_OUT;
            const int64_t rows = s->oh - y < 4 ? s->oh - y : 4, columns = s->ow - x < 4 ? s->ow - x : 4;
            for (int b = 0; b < mv; b++) {
                const int64_t block = panel->first_out_block + b, left = s->o - block * LANES;
                transform_tile_out(m + (t0 * mv + b * np + j) * LANES, state->term_out, v_load(job->bias + block * LANES),
                                   tile);
                const float *residual = NULL;
                if (job->residual) {
                    residual = job->residual + n * job->residual_at->image_stride + block * job->residual_at->block_stride +
                               y * job->residual_at->row_stride + x * LANES;
                }
                finish_tile(job, tile, left < LANES ? left : LANES, rows, columns,
                            job->out + n * at->image_stride + block * at->block_stride + y * at->row_stride + x * LANES,
                            residual);
            }
        }
    }
}

static void wino_task(void *argument, int task, int worker) {
    const wino_job *job = argument;
    const yk__wino_state *state = job->state;
    const int64_t first = job->n_tiles * task / job->n_blocks, n_tiles = job->n_tiles * (task + 1) / job->n_blocks - first;
    float *v = job->scratch + worker * state->worker_floats, *m = v + YK__WINO_TERMS * state->term_in;
    transform_in(job, first, n_tiles, v);
    for (int32_t p = 0; p < state->n_panels; p++) {
        multiply(job, &state->panels[p], n_tiles, v, m);
        transform_out(job, &state->panels[p], first, n_tiles, m);
    }
}

/* task: one channel block of one picture */
static void halo_task(void *argument, int task, int worker) {
    (void)worker;
    const wino_job *job = argument;
    const yk__operand *at = job->out_at;
    const int64_t n = task / job->state->out_blocks, b = task % job->state->out_blocks;
    zero_halo(job->out + n * at->image_stride + b * at->block_stride, job->state->shape.oh, job->state->shape.ow, at->halo,
              at->row_stride, 0, job->state->shape.oh);
}

/* The tiles that will be read, behind the workers' scratch. */
static void list_tiles(wino_job *job, const uint8_t *wanted, int32_t *list) {
    int32_t n = 0;
    for (int32_t q = 0; q < job->n_tiles; q++) {
        if (wanted[q]) list[n++] = q;
    }
    job->n_tiles = n;
    job->list = list;
}

yk__code ISA(yk__winograd_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    const yk__wino_state *state = step->state;
    wino_job job = {.state = state,
                    .in = yk__operand_data(&step->in[0], exec),
                    .out = yk__operand_data(&step->out[0], exec),
                    .bias = step->packed,
                    .weights = (const float *)step->packed + (int64_t)state->out_blocks * LANES,
                    .scratch = (float *)(void *)(exec->memory + step->scratch_offset),
                    .in_at = &step->in[0],
                    .out_at = &step->out[0],
                    .n_tiles = state->shape.n * state->tiles_h * state->tiles_w};
    if (state->shape.has_residual) {
        job.residual_at = &step->in[3];
        job.residual = yk__operand_data(job.residual_at, exec);
    }
    if (step->tiles) {
        list_tiles(&job, yk__operand_data(step->tiles, exec),
                   (int32_t *)(void *)(exec->memory + step->scratch_offset + state->list_offset));
    }
    const int64_t threads = yk__pool_size(exec->pool);
    job.n_blocks = (job.n_tiles + state->most_tiles - 1) / state->most_tiles;
    job.n_blocks = (job.n_blocks + threads - 1) / threads * threads; /* even shares */
    if (job.n_blocks > job.n_tiles) job.n_blocks = job.n_tiles;
    yk__pool_for(exec->pool, (int)job.n_blocks, wino_task, &job);
    if (step->out[0].halo > 0) yk__pool_for(exec->pool, (int)(state->shape.n * state->out_blocks), halo_task, &job);
    return YK__OK;
}
