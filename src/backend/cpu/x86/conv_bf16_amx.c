/* bf16 convolution for AMX. A tile of pixels (up to 16 of one row, a chunk of channels each, straight from the tensor) times a
 * tile of weights gives sums of 16 pixels x 16 outputs; four such sums at a time, so that every tile loaded is used twice.
 *
 * Every output is one chain: taps in order, chunks in order; within a chunk the even and the odd channels are summed apart from
 * zero and then added (the processor's definition of TDPBF16PS). So sums differ from those of vdpbf16ps by rounding. */
#include "backend/cpu/simd/simd_avx512.h"

#include "backend/cpu/simd/simd_math.h"

#include "backend/cpu/bf16_store.h"

#define TILE_FLOATS (YK__AMX_ROWS * LANES)
/* Tiles of pixels that one pass takes: two with two output blocks, four with one. */
#define MOST_RUNS 4

typedef struct tile_run {
    int64_t y, x;
} tile_run;

typedef struct amx_part {
    const bf16_job *job;
    const yk__bf16_panel *panel;
    const uint16_t *in; /* first tap of pixel 0 of row 0 */
    int64_t n;
    /* the pass before this one: its sums wait here to be finished while the tiles are busy with the next */
    tile_run before[MOST_RUNS];
    int n_before, at;
    float (*sums)[MOST_RUNS * TILE_FLOATS];
} amx_part;

/* A chunk of weights for one block of outputs, in bytes. */
INLINE int64_t chunk_bytes(const yk__bf16_state *state) {
    return (int64_t)state->chunk * LANES * (int64_t)sizeof(uint16_t);
}

/* in: the first taps of the runs' first pixels. sums: tile (run, block). */
static void multiply_2_blocks(const amx_part *part, const uint16_t *const *in, int n_runs, float *sums) {
    const bf16_job *job = part->job;
    const yk__bf16_state *state = job->state;
    const yk__conv_shape *s = &state->shape;
    const yk__operand *at = job->in_at;
    const int64_t stride = s->sw * at->pixel_stride * (int64_t)sizeof(uint16_t), bytes = chunk_bytes(state);
    const uint8_t *w = (const uint8_t *)(job->weights + part->panel->weights);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t y = 0; y < s->kh; y++) {
        for (int64_t x = 0; x < s->kw; x++) {
            int64_t tap = y * s->dh * at->row_stride + x * s->dw * at->pixel_stride;
            for (int32_t c = 0; c < state->n_chunks; c++, tap += state->chunk, w += 2 * bytes) {
                _tile_loadd(6, w, 64);
                _tile_loadd(4, in[0] + tap, stride);
                _tile_dpbf16ps(0, 4, 6);
                _tile_loadd(7, w + bytes, 64);
                _tile_dpbf16ps(1, 4, 7);
                if (n_runs < 2) continue;
                _tile_loadd(5, in[1] + tap, stride);
                _tile_dpbf16ps(2, 5, 6);
                _tile_dpbf16ps(3, 5, 7);
            }
        }
    }
    _tile_stored(0, sums, 64);
    _tile_stored(1, sums + TILE_FLOATS, 64);
    if (n_runs < 2) return;
    _tile_stored(2, sums + 2 * TILE_FLOATS, 64);
    _tile_stored(3, sums + 3 * TILE_FLOATS, 64);
}

static void multiply_1_block(const amx_part *part, const uint16_t *const *in, int n_runs, float *sums) {
    const bf16_job *job = part->job;
    const yk__bf16_state *state = job->state;
    const yk__conv_shape *s = &state->shape;
    const yk__operand *at = job->in_at;
    const int64_t stride = s->sw * at->pixel_stride * (int64_t)sizeof(uint16_t), bytes = chunk_bytes(state);
    const uint8_t *w = (const uint8_t *)(job->weights + part->panel->weights);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t y = 0; y < s->kh; y++) {
        for (int64_t x = 0; x < s->kw; x++) {
            int64_t tap = y * s->dh * at->row_stride + x * s->dw * at->pixel_stride;
            for (int32_t c = 0; c < state->n_chunks; c++, tap += state->chunk, w += bytes) {
                _tile_loadd(6, w, 64);
                _tile_loadd(4, in[0] + tap, stride);
                _tile_dpbf16ps(0, 4, 6);
                if (n_runs < 2) continue;
                _tile_loadd(5, in[1] + tap, stride);
                _tile_dpbf16ps(1, 5, 6);
                if (n_runs < 3) continue;
                _tile_loadd(4, in[2] + tap, stride);
                _tile_dpbf16ps(2, 4, 6);
                if (n_runs < 4) continue;
                _tile_loadd(5, in[3] + tap, stride);
                _tile_dpbf16ps(3, 5, 6);
            }
        }
    }
    _tile_stored(0, sums, 64);
    if (n_runs > 1) _tile_stored(1, sums + TILE_FLOATS, 64);
    if (n_runs > 2) _tile_stored(2, sums + 2 * TILE_FLOATS, 64);
    if (n_runs > 3) _tile_stored(3, sums + 3 * TILE_FLOATS, 64);
}

static void finish_before(amx_part *part) {
    const int blocks = part->panel->n_blocks, rows = part->job->state->tile_rows;
    float *sums = part->sums[1 - part->at];
    for (int r = 0; r < part->n_before; r++) {
        for (int b = 0; b < blocks; b++) {
            finish_pixels(part->job, sums + (r * blocks + b) * TILE_FLOATS, rows, part->panel->first_block + b, part->n,
                          part->before[r].y, part->before[r].x);
        }
    }
    part->n_before = 0;
}

/* Multiplies the runs, then finishes those of the pass before: the tiles still work while the vectors do. */
static void pass(amx_part *part, const tile_run *runs, int n_runs) {
    const yk__conv_shape *s = &part->job->state->shape;
    const yk__operand *at = part->job->in_at;
    const uint16_t *in[MOST_RUNS];
    for (int r = 0; r < n_runs; r++) {
        in[r] = part->in + runs[r].y * s->sh * at->row_stride + runs[r].x * s->sw * at->pixel_stride;
    }
    if (part->panel->n_blocks == 2)
        multiply_2_blocks(part, in, n_runs, part->sums[part->at]);
    else
        multiply_1_block(part, in, n_runs, part->sums[part->at]);
    finish_before(part);
    memcpy(part->before, runs, sizeof part->before);
    part->n_before = n_runs;
    part->at = 1 - part->at;
}

static void conv_rows(const bf16_job *job, const yk__bf16_panel *panel, int64_t n, int64_t y0, int64_t y1) {
    const yk__bf16_state *state = job->state;
    const yk__conv_shape *s = &state->shape;
    const yk__operand *in_at = job->in_at;
    float sums[2][MOST_RUNS * TILE_FLOATS] __attribute__((aligned(64)));
    amx_part part = {.job = job,
                     .panel = panel,
                     .n = n,
                     .sums = sums,
                     .in = job->in + n * in_at->image_stride - s->pad_top * in_at->row_stride -
                           s->pad_left * in_at->pixel_stride};
    const int group = panel->n_blocks == 2 ? 2 : 4;
    tile_run runs[MOST_RUNS] = {{0}};
    int n_runs = 0;
    for (int64_t y = y0; y < y1; y++) {
        for (int64_t r = 0; r < state->tiles_per_row; r++) {
            int64_t x = r * state->tile_rows;
            if (x + state->tile_rows > s->ow) x = s->ow - state->tile_rows; /* steps back over pixels already done */
            if (job->tiles && !run_wanted(job, n, y, x, x + state->tile_rows)) continue;
            runs[n_runs++] = (tile_run){.y = y, .x = x};
            if (n_runs < group) continue;
            pass(&part, runs, n_runs);
            n_runs = 0;
        }
    }
    if (n_runs) pass(&part, runs, n_runs);
    finish_before(&part);
}

static void conv_task(void *argument, int task, int worker) {
    (void)worker;
    const bf16_job *job = argument;
    _tile_loadconfig(job->state->tile_config);
    bf16_task(job, task, conv_rows);
    _tile_release();
}

yk__code yk__conv_bf16_run_amx(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    bf16_job job;
    const int n_tasks = bf16_begin(step, exec, &job);
    yk__pool_for(exec->pool, n_tasks, conv_task, &job);
    return YK__OK;
}
