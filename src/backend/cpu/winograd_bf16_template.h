/* Winograd convolution F(4x4, 3x3) on bf16 tensors. As winograd_template.h: a worker takes a block of tiles whose transformed
 * inputs stay in its second-level cache, and per panel of outputs multiplies, transforms back and finishes. Pixels are widened
 * as they are read and rounded as they are stored; everything between is f32. */
#include "backend/cpu/bf16_store.h"
#include "backend/cpu/tile_words.h"
#include "backend/cpu/winograd_bf16_cpu.h"
#include "backend/cpu/winograd_words.h"

typedef struct wino_job {
    bf16_job conv;
    const yk__wino_bf16_state *state;
    const float *weights;
    uint8_t *scratch;
    size_t worker_bytes;       /* from one worker's scratch to the next's */
    int64_t n_tiles, n_blocks; /* of all pictures, or of the list */
    const int32_t *list;       /* the tiles to compute where some can be left out, else NULL: all of them */
} wino_job;

typedef struct tile_place {
    int64_t n, y, x; /* picture, first output */
} tile_place;

INLINE tile_place place_of(const wino_job *job, int64_t index) {
    const int64_t q = job->list ? job->list[index] : index, per_picture = job->state->tiles_h * job->state->tiles_w;
    const int64_t t = q % per_picture;
    return (tile_place){
        .n = q / per_picture, .y = t / job->state->tiles_w * YK__WINO_OUT, .x = t % job->state->tiles_w * YK__WINO_OUT};
}

/* 6x6 inputs, rows x columns of them on the tensor or its halo, to 36 terms. */
INLINE void transform_tile_in(const uint16_t *p, int64_t row, int64_t pixel, int64_t rows, int64_t columns, const bool whole,
                              float *to, int64_t term) {
    vf half[6][6];
    UNROLL(6) for (int x = 0; x < 6; x++) {
        vf d[6], o[6];
        UNROLL(6)
        for (int y = 0; y < 6; y++) d[y] = whole || (y < rows && x < columns) ? v_load_bf16(p + y * row + x * pixel) : v_zero();
        wino_in_6(d, o);
        UNROLL(6) for (int y = 0; y < 6; y++) half[y][x] = o[y];
    }
    wino_tile_in(half, to, term);
}

static void transform_in(const wino_job *job, int64_t first, int64_t n_tiles, float *v) {
    const yk__wino_bf16_state *state = job->state;
    const yk__conv_shape *s = &state->conv.shape;
    const yk__operand *at = job->conv.in_at;
    for (int64_t t = 0; t < n_tiles; t++) {
        const tile_place place = place_of(job, first + t);
        const int64_t y = place.y - s->pad_top, x = place.x - s->pad_left;
        const int64_t rows = s->h + at->halo - y, columns = s->w + at->halo - x;
        const uint16_t *p = job->conv.in + place.n * at->image_stride + y * at->row_stride + x * at->pixel_stride;
        for (int64_t b = 0; b < state->conv.in_blocks; b++, p += at->block_stride) {
            float *to = v + (b * n_tiles + t) * LANES;
            if (rows >= 6 && columns >= 6)
                transform_tile_in(p, at->row_stride, at->pixel_stride, 6, 6, true, to, state->term_in);
            else
                transform_tile_in(p, at->row_stride, at->pixel_stride, rows, columns, false, to, state->term_in);
        }
    }
}

/* All products of one panel: M from V, in groups of tiles as wide as a register tile. */
static void multiply(const wino_job *job, const yk__conv_panel *panel, int64_t n_tiles, const float *v, float *m) {
    const yk__wino_bf16_state *state = job->state;
    const int mv = panel->n_out_blocks;
    const int64_t groups = (n_tiles + most_pixels[mv - 1] - 1) / most_pixels[mv - 1];
    const int64_t term_weights = (int64_t)state->conv.in_blocks * LANES * mv * LANES;
    for (int64_t k = 0; k < YK__WINO_TERMS; k++) {
        const float *w = job->weights + panel->weights + k * term_weights;
        for (int64_t g = 0; g < groups; g++) {
            const int64_t t = n_tiles * g / groups, np = n_tiles * (g + 1) / groups - t;
            ISA(yk__products)
            [mv - 1][np - 1](v + k * state->term_in + t * LANES, n_tiles * LANES, state->conv.in_blocks, w,
                             m + k * state->term_out + t * mv * LANES, false);
        }
    }
}

static void transform_out(const wino_job *job, const yk__conv_panel *panel, int64_t first, int64_t n_tiles, const float *m) {
    const yk__conv_shape *s = &job->state->conv.shape;
    const int mv = panel->n_out_blocks;
    const int64_t groups = (n_tiles + most_pixels[mv - 1] - 1) / most_pixels[mv - 1];
    float tile[16 * LANES] __attribute__((aligned(64)));
    for (int64_t g = 0; g < groups; g++) {
        const int64_t t0 = n_tiles * g / groups, np = n_tiles * (g + 1) / groups - t0;
        for (int64_t j = 0; j < np; j++) {
            const tile_place place = place_of(job, first + t0 + j);
            const int64_t rows = s->oh - place.y < 4 ? s->oh - place.y : 4, columns = s->ow - place.x < 4 ? s->ow - place.x : 4;
            for (int b = 0; b < mv; b++) {
                wino_tile_out(m + (t0 * mv + b * np + j) * LANES, job->state->term_out, NULL, tile);
                for (int64_t y = 0; y < rows; y++) {
                    finish_pixels(&job->conv, tile + y * 4 * LANES, columns, panel->first_out_block + b, place.n, place.y + y,
                                  place.x);
                }
            }
        }
    }
}

static void wino_task(void *argument, int task, int worker) {
    const wino_job *job = argument;
    const yk__wino_bf16_state *state = job->state;
    const int64_t first = job->n_tiles * task / job->n_blocks, n_tiles = job->n_tiles * (task + 1) / job->n_blocks - first;
    float *v = (float *)(void *)(job->scratch + (size_t)worker * job->worker_bytes), *m = v + YK__WINO_TERMS * state->term_in;
    transform_in(job, first, n_tiles, v);
    for (int32_t p = 0; p < state->n_panels; p++) {
        multiply(job, &state->panels[p], n_tiles, v, m);
        transform_out(job, &state->panels[p], first, n_tiles, m);
    }
}

static void border_task(void *argument, int task, int worker) {
    (void)worker;
    const wino_job *job = argument;
    zero_border(job->conv.out, job->conv.out_at, task, 0, job->state->conv.out_blocks, 0, job->state->conv.shape.oh);
}

/* The tiles that will be read, behind the first worker's scratch. */
static void list_tiles(wino_job *job, const uint8_t *wanted, int32_t *list) {
    int32_t n = 0;
    for (int32_t q = 0; q < job->n_tiles; q++) {
        if (wanted[q]) list[n++] = q;
    }
    job->n_tiles = n;
    job->list = list;
}

yk__code ISA(yk__winograd_bf16_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    const yk__wino_bf16_state *state = step->state;
    const yk__conv_shape *s = &state->conv.shape;
    wino_job job = {.state = state,
                    .scratch = exec->memory + step->scratch_offset,
                    .worker_bytes = yk__scratch_share(step, exec),
                    .n_tiles = s->n * state->tiles_h * state->tiles_w};
    bf16_operands(step, exec, &state->conv, &job.conv);
    job.weights = (const float *)(const void *)job.conv.weights;
    if (step->tiles) {
        list_tiles(&job, yk__operand_data(step->tiles, exec),
                   (int32_t *)(void *)((float *)(void *)job.scratch + state->worker_floats));
    }
    const int64_t threads = yk__pool_size(exec->pool);
    job.n_blocks = (job.n_tiles + state->most_tiles - 1) / state->most_tiles;
    job.n_blocks = (job.n_blocks + threads - 1) / threads * threads; /* even shares */
    if (job.n_blocks > job.n_tiles) job.n_blocks = job.n_tiles;
    yk__pool_for(exec->pool, (int)job.n_blocks, wino_task, &job);
    if (step->out[0].halo > 0) yk__pool_for(exec->pool, (int)s->n, border_task, &job);
    return YK__OK;
}
