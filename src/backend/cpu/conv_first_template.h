/* The first convolution. Input rows become interleaved floats in a ring of kh rows per worker, which stays in the first-level
 * cache; then the same register tiles as in conv_template.h, with a reduction over kh rows of kw * c neighbours. */
#include "backend/cpu/blocked_template.h"

#include "backend/cpu/tile_words.h"

typedef struct first_job {
    const yk__conv_first_state *state;
    const yk__exec *exec;
    const float *tensor, *bias, *weights;
    float *out;
    uint8_t *scratch;
    size_t worker_bytes; /* from one worker's ring of rows to the next's */
    const yk__operand *out_at;
    int64_t n_bands;
} first_job;

typedef struct row_tile {
    const float *weights, *bias;
    const float *const *rows; /* kh rows, at the tile's first column */
    int64_t kh, width;        /* width: kw * c */
} row_tile;

INLINE void first_tile(const row_tile *t, int64_t x, float *out, const int mv, const int np, const int sx) {
    vf acc[YK__MAX_TILE_BLOCKS][NP1];
    UNROLL(4) for (int m = 0; m < mv; m++) {
        UNROLL(16) for (int j = 0; j < np; j++) acc[m][j] = v_load(t->bias + m * LANES);
    }
    const float *w = t->weights;
    for (int64_t y = 0; y < t->kh; y++) {
        const float *p = t->rows[y] + x;
        for (int64_t q = 0; q < t->width; q++, p++, w += mv * LANES) {
            vf weight[YK__MAX_TILE_BLOCKS];
            UNROLL(4) for (int m = 0; m < mv; m++) weight[m] = v_load(w + m * LANES);
            UNROLL(16) for (int j = 0; j < np; j++) {
                const vf pixel = v_set1(p[j * sx]);
                UNROLL(4) for (int m = 0; m < mv; m++) acc[m][j] = v_fma(weight[m], pixel, acc[m][j]);
            }
        }
    }
    UNROLL(4) for (int m = 0; m < mv; m++) {
        UNROLL(16) for (int j = 0; j < np; j++) v_store(out + (m * np + j) * LANES, acc[m][j]);
    }
}

typedef void (*first_fn)(const row_tile *t, int64_t x, float *out);

/* Full tiles for three channels at stride 1 and 2; whatever else goes pixel by pixel. */
#define FIRST(mv, np, sx) \
    static void first_##mv##_##np##_##sx(const row_tile *t, int64_t x, float *out) { \
        first_tile(t, x, out, mv, np, sx); \
    }
FIRST(1, NP1, 3)
FIRST(2, NP2, 3)
FIRST(3, NP3, 3)
FIRST(1, NP1, 6)
FIRST(2, NP2, 6)
FIRST(3, NP3, 6)
FIRST(1, 1, 1)
FIRST(2, 1, 1)
FIRST(3, 1, 1)
static const first_fn full_tiles[2][YK__MAX_TILE_BLOCKS] = {{first_1_NP1_3, first_2_NP2_3, first_3_NP3_3},
                                                            {first_1_NP1_6, first_2_NP2_6, first_3_NP3_6}};
static const first_fn one_pixel[YK__MAX_TILE_BLOCKS] = {first_1_1_1, first_2_1_1, first_3_1_1};

static void interleave_3(const float *restrict a, const float *restrict b, const float *restrict c, int64_t w,
                         float *restrict to) {
    for (int64_t x = 0; x < w; x++) {
        to[3 * x] = a[x];
        to[3 * x + 1] = b[x];
        to[3 * x + 2] = c[x];
    }
}

/* v / scale, bit for bit, for the values of a byte: a division takes as long as the convolution behind it. */
INLINE vf scaled(vf v, const yk__conv_first_state *state) {
    const vf scale = v_set1(state->scale), reciprocal = v_set1(state->reciprocal);
    if (!HAVE_FMA || state->reciprocal == 0) return v / scale;
    const vf close = v * reciprocal;
    return v_fma(v_fnma(close, scale, v), reciprocal, close);
}

/* Row y of picture n, interleaved, behind pad_left zero pixels; rows outside are zero. */
static void convert_row(const first_job *job, int64_t n, int64_t y, float *row) {
    const yk__conv_first_state *state = job->state;
    const yk__conv_shape *s = &state->conv.shape;
    if (y < 0 || y >= s->h) {
        memset(row, 0, (size_t)state->row_floats * sizeof *row);
        return;
    }
    memset(row, 0, (size_t)(s->pad_left * s->c) * sizeof *row);
    float *to = row + s->pad_left * s->c;
    const int64_t count = s->w * s->c;
    if (state->from_input && job->exec->input.pictures) {
        const uint8_t *from = job->exec->input.pictures[n] + y * job->exec->input.picture_row_bytes;
        if (state->table) {
            for (int64_t i = 0; i < count; i++) to[i] = state->table[i % 3 * 256 + from[i]];
        } else {
            int64_t i = 0;
            for (; i + LANES <= count; i += LANES) v_store(to + i, scaled(v_from_u8(from + i), state));
            for (; i < count; i++) to[i] = (float)from[i] / state->scale;
        }
    } else {
        const float *plane[YK__CONV_FIRST_MAX_CHANNELS]; /* in the order of an interleaved pixel */
        for (int64_t c = 0; c < s->c; c++) plane[state->position[c]] = job->tensor + ((n * s->c + c) * s->h + y) * s->w;
        if (s->c == 3) {
            interleave_3(plane[0], plane[1], plane[2], s->w, to);
        } else {
            for (int64_t x = 0; x < s->w; x++) {
                for (int64_t c = 0; c < s->c; c++) to[x * s->c + c] = plane[c][x];
            }
        }
    }
    memset(to + count, 0, (size_t)(state->row_floats - count - s->pad_left * s->c) * sizeof *row);
}

/* at: elements from the output's first to the tile's. */
static void finish_first(const first_job *job, float *tile, int mv, int64_t np, int64_t used_lanes, int64_t at) {
    const yk__conv_shape *s = &job->state->conv.shape;
    const yk__operand *to = job->out_at;
    const bool as_bf16 = to->dtype == YK__DTYPE_BF16;
    if (as_bf16 && s->act == YK__ACT_SILU) {
        UNROLL_BY(4) for (int64_t i = 0; i < mv * np; i++) v_store(tile + i * LANES, v_silu_bf16(v_load(tile + i * LANES)));
    } else {
        activate(tile, mv * np, s->act, s->alpha, s->beta);
    }
    if (used_lanes < LANES) zero_lanes(tile + (mv - 1) * np * LANES, np, used_lanes);
    for (int m = 0; m < mv; m++, at += to->block_stride) {
        const float *from = tile + m * np * LANES;
        if (as_bf16) {
            uint16_t *out = (uint16_t *)job->out + at;
            for (int64_t j = 0; j < np; j++) v_store_bf16(out + j * to->pixel_stride, v_load(from + j * LANES));
        } else {
            float *out = (float *)job->out + at;
            for (int64_t j = 0; j < np; j++) v_store(out + j * LANES, v_load(from + j * LANES));
        }
    }
}

/* One output row of one panel. */
static void first_row(const first_job *job, const yk__conv_panel *panel, const float *const *rows, int64_t out) {
    const yk__conv_shape *s = &job->state->conv.shape;
    const int mv = panel->n_out_blocks;
    const row_tile t = {.weights = job->weights + panel->weights,
                        .bias = job->bias + (int64_t)panel->first_out_block * LANES,
                        .rows = rows,
                        .kh = s->kh,
                        .width = s->kw * s->c};
    const int64_t last = s->o - (int64_t)(panel->first_out_block + mv - 1) * LANES, used_lanes = last < LANES ? last : LANES;
    const int64_t full = s->c == 3 && s->sw <= 2 ? most_pixels[mv - 1] : 0;
    float tile[YK__MAX_TILE_BLOCKS * NP1 * LANES] __attribute__((aligned(64)));
    for (int64_t x = 0, np; x < s->ow; x += np) {
        /* the last full tile steps back over pixels already done, rather than leaving them to single ones */
        const bool wide = full > 0 && s->ow >= full;
        np = wide ? full : 1;
        if (wide && x + np > s->ow) x = s->ow - np;
        const first_fn fn = wide ? full_tiles[s->sw == 2][mv - 1] : one_pixel[mv - 1];
        fn(&t, x * s->sw * s->c, tile);
        finish_first(job, tile, mv, np, used_lanes, out + x * job->out_at->pixel_stride);
    }
}

static void first_task(void *argument, int task, int worker) {
    const first_job *job = argument;
    const yk__conv_state *conv = &job->state->conv;
    const yk__conv_shape *s = &conv->shape;
    const yk__operand *out_at = job->out_at;
    const int64_t n = task / job->n_bands, band = task % job->n_bands;
    const int64_t y0 = yk__band_start(s->oh, job->n_bands, band), y1 = yk__band_start(s->oh, job->n_bands, band + 1);
    float *ring = (float *)(void *)(job->scratch + (size_t)worker * job->worker_bytes);
    const int64_t out = n * out_at->image_stride;
    const float *rows[YK__CONV_FIRST_MAX_KERNEL];
    int64_t next = y0 * s->sh - s->pad_top; /* first input row not yet converted */
    for (int64_t y = y0; y < y1; y++) {
        const int64_t first = y * s->sh - s->pad_top;
        if (next < first) next = first;
        for (; next < first + s->kh; next++) {
            convert_row(job, n, next, ring + (next + s->pad_top) % s->kh * job->state->row_floats);
        }
        for (int64_t k = 0; k < s->kh; k++) rows[k] = ring + (first + k + s->pad_top) % s->kh * job->state->row_floats;
        for (int32_t p = 0; p < conv->n_panels; p++) {
            first_row(job, &conv->panels[p], rows,
                      out + conv->panels[p].first_out_block * out_at->block_stride + y * out_at->row_stride);
        }
    }
    zero_border(job->out, out_at, n, 0, conv->out_blocks, y0, y1);
}

yk__code ISA(yk__conv_first_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    const yk__conv_first_state *state = step->state;
    const yk__conv_shape *s = &state->conv.shape;
    first_job job = {.state = state,
                     .exec = exec,
                     .tensor = yk__operand_data(&step->in[0], exec),
                     .bias = step->packed,
                     .weights = (const float *)step->packed + (int64_t)state->conv.out_blocks * LANES,
                     .out = yk__operand_data(&step->out[0], exec),
                     .scratch = exec->memory + step->scratch_offset,
                     .worker_bytes = yk__scratch_share(step, exec),
                     .out_at = &step->out[0]};
    const int threads = yk__pool_size(exec->pool);
    job.n_bands = yk__band_count(s->oh, threads > 1 ? 8 * (int64_t)threads : 1, threads);
    yk__pool_for(exec->pool, (int)(s->n * job.n_bands), first_task, &job);
    return YK__OK;
}
