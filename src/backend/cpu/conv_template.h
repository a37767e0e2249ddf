/* Direct convolution on blocked tensors, one register tile of output channels x pixels at a time.
 *
 *     acc[m][j] += weight[m] * broadcast(input[j])      m: block of 1..3 output blocks, j: pixel of a run in one row
 *
 * The whole reduction (input blocks x taps x channels) runs in registers; the epilogue (activation, residual, store at the
 * tensor's place, zero halo) happens once per tile. Edges need no code: the input brings its halo. Every output is the same
 * chain of fused multiply-adds whatever the tile, band or thread, so results do not depend on any of them. */
#include "backend/cpu/blocked_template.h"

#include "backend/cpu/tile_words.h"

typedef struct conv_job {
    const yk__conv_state *state;
    const float *in, *residual, *bias, *weights;
    float *out;
    const yk__operand *in_at, *out_at, *residual_at;
    yk__conv_split split;
    const uint8_t *tiles; /* N x rows x columns of 4x4 tiles that will be read, or NULL: all */
} conv_job;

/* What a tile of one panel needs besides its first pixel. */
typedef struct tile_args {
    const float *weights, *bias;
    int64_t in_block, tap_row, tap_column; /* floats from one input block, kernel row, kernel column to the next */
    int64_t out_row;                       /* floats of the input from one output row to the next */
    int64_t first_in_block, in_blocks, channels, kh, kw;
    const float *ahead; /* fetching tiles: weights that are wanted next, of which each tap of an input block fetches FETCHED */
} tile_args;

/* Floats that a fetching tile brings into the second-level cache for each 16 x 32 that it reads: four rows of tiles fetch what
 * a panel of two blocks holds. */
#define FETCHED (LANES / 2 * LANES)
INLINE const float *fetch(const float *ahead) {
    UNROLL(8) for (int i = 0; i < LANES / 2; i++) __builtin_prefetch(ahead + i * LANES, 0, 2);
    return ahead + FETCHED;
}

/* mv output blocks x np pixels, sx input pixels apart, in so many rows of equal length. in: the first pixel's first tap in the
 * panel's first input block; out: mv * np vectors, before the epilogue. */
INLINE void conv_tile(const tile_args *t, const float *in, float *out, const int mv, const int np, const int sx, const int rows,
                      const bool fetching) {
    vf acc[YK__MAX_TILE_BLOCKS][NP1];
    UNROLL(4) for (int m = 0; m < mv; m++) {
        UNROLL(16) for (int j = 0; j < np; j++) acc[m][j] = v_load(t->bias + m * LANES);
    }
    const float *w = t->weights, *ahead = t->ahead;
    for (int64_t b = 0; b < t->in_blocks; b++) {
        const int64_t lanes = yk__conv_lanes(t->channels, t->first_in_block + b, LANES);
        for (int64_t y = 0; y < t->kh; y++) {
            for (int64_t x = 0; x < t->kw; x++) {
                const float *p = in + b * t->in_block + y * t->tap_row + x * t->tap_column;
                if (fetching) ahead = fetch(ahead);
                const float *below = p + (rows - 1) * t->out_row;
                for (int64_t c = 0; c < lanes; c += 4, p += 4, below += 4) {
                    UNROLL(4) for (int u = 0; u < 4; u++, w += mv * LANES) {
                        vf weight[YK__MAX_TILE_BLOCKS];
                        UNROLL(4) for (int m = 0; m < mv; m++) weight[m] = v_load(w + m * LANES);
                        UNROLL(16) for (int j = 0; j < np; j++) {
                            const int half = np / rows;
                            const vf pixel = v_set1(j < half ? p[j * sx * LANES + u] : below[(j - half) * sx * LANES + u]);
                            UNROLL(4) for (int m = 0; m < mv; m++) acc[m][j] = v_fma(weight[m], pixel, acc[m][j]);
                        }
                    }
                }
            }
        }
    }
    UNROLL(4) for (int m = 0; m < mv; m++) {
        UNROLL(16) for (int j = 0; j < np; j++) v_store(out + (m * np + j) * LANES, acc[m][j]);
    }
}

typedef void (*tile_fn)(const tile_args *t, const float *in, float *out);

/* One function per tile size and stride (a stride above 2 goes pixel by pixel through the first); where vectors are whole cache
 * lines, tiles of two blocks once more with fetching. */
#define CAN_FETCH (LANES == 16)
#define TILE_OF(mv, np, name, sx, rows, fetching) \
    static void name(const tile_args *t, const float *in, float *out) { \
        conv_tile(t, in, out, mv, np, sx, rows, fetching); \
    }
#define TILE(mv, np) \
    TILE_OF(mv, np, tile_##mv##x##np##_s1, 1, 1, false) \
    TILE_OF(mv, np, tile_##mv##x##np##_s2, 2, 1, false)
#define TILE_S1(mv, np) tile_##mv##x##np##_s1,
#define TILE_S2(mv, np) tile_##mv##x##np##_s2,
TILES_1(TILE)
TILES_2(TILE)
TILES_3(TILE)
/* [stride - 1][blocks - 1][pixels - 1] */
static const tile_fn tiles[2][YK__MAX_TILE_BLOCKS][NP1] = {{{TILES_1(TILE_S1)}, {TILES_2(TILE_S1)}, {TILES_3(TILE_S1)}},
                                                           {{TILES_1(TILE_S2)}, {TILES_2(TILE_S2)}, {TILES_3(TILE_S2)}}};
#if CAN_FETCH
#define FETCHING(mv, np) \
    TILE_OF(mv, np, tile_##mv##x##np##_s1f, 1, 1, true) \
    TILE_OF(mv, np, tile_##mv##x##np##_s2f, 2, 1, true)
#define FETCHING_S1(mv, np) tile_##mv##x##np##_s1f,
#define FETCHING_S2(mv, np) tile_##mv##x##np##_s2f,
TILES_2(FETCHING)
static const tile_fn fetching_tiles[2][NP1] = {{TILES_2(FETCHING_S1)}, {TILES_2(FETCHING_S2)}};
#endif

/* Narrow maps: two rows of two blocks in one tile, so that each weight that is fetched serves twice the pixels. */
#if CAN_FETCH && NP2 >= 14
#define LEAST_PAIR 5
#define MOST_PAIR  7
#define PAIR(width) \
    TILE_OF(2, 2 * width, tile_2x##width##x2_s1, 1, 2, false) \
    TILE_OF(2, 2 * width, tile_2x##width##x2_s2, 2, 2, false) \
    TILE_OF(2, 2 * width, tile_2x##width##x2_s1f, 1, 2, true) \
    TILE_OF(2, 2 * width, tile_2x##width##x2_s2f, 2, 2, true)
PAIR(5)
PAIR(6)
PAIR(7)
#define PAIRS(s) \
    { tile_2x5x2_##s, tile_2x6x2_##s, tile_2x7x2_##s }
/* [fetching][stride - 1][width - LEAST_PAIR] */
static const tile_fn pair_tiles[2][2][MOST_PAIR - LEAST_PAIR + 1] = {{PAIRS(s1), PAIRS(s2)}, {PAIRS(s1f), PAIRS(s2f)}};
#endif

/* Activation, residual and store of `rows` rows of np pixels of mv blocks. out, residual: their first pixel. */
static void finish_tile(const conv_job *job, float *tile, int mv, int64_t np, int rows, int64_t used_lanes, float *out,
                        const float *residual) {
    const yk__conv_shape *s = &job->state->shape;
    activate(tile, mv * rows * np, s->act, s->alpha, s->beta);
    if (used_lanes < LANES) zero_lanes(tile + (mv - 1) * rows * np * LANES, rows * np, used_lanes);
    for (int i = 0; i < mv * rows; i++) {
        const int m = i / rows, y = i % rows;
        float *to = out + m * job->out_at->block_stride + y * job->out_at->row_stride;
        const float *from = tile + i * np * LANES;
        if (residual) {
            const float *more = residual + m * job->residual_at->block_stride + y * job->residual_at->row_stride;
            for (int64_t j = 0; j < np; j++) v_store(to + j * LANES, v_load(from + j * LANES) + v_load(more + j * LANES));
        } else {
            for (int64_t j = 0; j < np; j++) v_store(to + j * LANES, v_load(from + j * LANES));
        }
    }
}

/* One panel of one picture. */
typedef struct panel_part {
    const conv_job *job;
    const yk__conv_panel *panel;
    tile_args tile;
    const float *in, *residual; /* first pixel of the panel's first block; in: less the padding */
    float *out;
    int64_t used_lanes;
    const float *fetch_at, *fetch_end; /* weights to bring into the second-level cache meanwhile, those that are left */
    int64_t fetch_step;                /* by one tile */
} panel_part;

/* Whether the next tile is to fetch weights besides. */
INLINE bool fetch_more(panel_part *part) {
    if (part->fetch_at >= part->fetch_end) return false;
    part->tile.ahead = part->fetch_at;
    part->fetch_at += part->fetch_step;
    return true;
}

INLINE tile_fn tile_for(panel_part *part, int64_t np) {
    const int mv = part->panel->n_out_blocks, s2 = part->job->state->shape.sw == 2;
#if CAN_FETCH
    if (mv == 2 && fetch_more(part)) return fetching_tiles[s2][np - 1];
#endif
    return tiles[s2][mv - 1][np - 1];
}

/* Pixels x0 .. x1-1 of row y. */
static void conv_run(panel_part *part, int64_t y, int64_t x0, int64_t x1) {
    const conv_job *job = part->job;
    const yk__conv_shape *s = &job->state->shape;
    const int mv = part->panel->n_out_blocks;
    const int64_t widest = s->sw <= 2 ? most_pixels[mv - 1] : 1, n_tiles = (x1 - x0 + widest - 1) / widest;
    const float *in = part->in + y * part->tile.out_row;
    float tile[YK__MAX_TILE_BLOCKS * NP1 * LANES] __attribute__((aligned(64)));
    for (int64_t i = 0; i < n_tiles; i++) {
        const int64_t x = x0 + (x1 - x0) * i / n_tiles, np = x0 + (x1 - x0) * (i + 1) / n_tiles - x;
        tile_for(part, np)(&part->tile, in + x * s->sw * LANES, tile);
        finish_tile(job, tile, mv, np, 1, part->used_lanes, part->out + y * job->out_at->row_stride + x * LANES,
                    part->residual ? part->residual + y * job->residual_at->row_stride + x * LANES : NULL);
    }
}

#ifdef MOST_PAIR
/* Rows y and y + 1, all of them. */
static void conv_two_rows(panel_part *part, int64_t y) {
    const conv_job *job = part->job;
    const yk__conv_shape *s = &job->state->shape;
    const int mv = part->panel->n_out_blocks;
    float tile[2 * YK__MAX_TILE_BLOCKS * NP1 * LANES] __attribute__((aligned(64)));
    pair_tiles[fetch_more(part)][s->sw - 1][s->ow - LEAST_PAIR](&part->tile, part->in + y * part->tile.out_row, tile);
    finish_tile(job, tile, mv, s->ow, 2, part->used_lanes, part->out + y * job->out_at->row_stride,
                part->residual ? part->residual + y * job->residual_at->row_stride : NULL);
}

/* How many of the rows left are done at once. */
static int64_t rows_at_once(const panel_part *part, int64_t left) {
    const yk__conv_shape *s = &part->job->state->shape;
    const bool pairs = s->ow >= LEAST_PAIR && s->ow <= MOST_PAIR && s->sw <= 2 && part->panel->n_out_blocks == 2;
    return pairs && left >= 2 && !part->job->tiles ? 2 : 1;
}
#else
static void conv_two_rows(panel_part *part, int64_t y) {
    (void)part, (void)y;
}
static int64_t rows_at_once(const panel_part *part, int64_t left) {
    (void)part, (void)left;
    return 1;
}
#endif

/* The runs of row y that lie in tiles somebody will read. */
static void conv_wanted_runs(panel_part *part, int64_t n, int64_t y) {
    const yk__conv_shape *s = &part->job->state->shape;
    const int64_t columns = (s->ow + YK__TILE - 1) / YK__TILE, rows = (s->oh + YK__TILE - 1) / YK__TILE;
    const uint8_t *wanted = part->job->tiles + (n * rows + y / YK__TILE) * columns;
    for (int64_t first = 0, end; first < columns; first = end + 1) {
        for (end = first; end < columns && wanted[end]; end++) continue;
        const int64_t x1 = end * YK__TILE < s->ow ? end * YK__TILE : s->ow;
        if (end > first) conv_run(part, y, first * YK__TILE, x1);
    }
}

/* Rows y0 .. y1-1 of one panel of picture n. */
static void conv_panel_rows(const conv_job *job, const yk__conv_panel *panel, int64_t n, int64_t y0, int64_t y1) {
    const yk__conv_shape *s = &job->state->shape;
    const yk__operand *in_at = job->in_at, *out_at = job->out_at;
    const int mv = panel->n_out_blocks;
    const int64_t last = s->o - (int64_t)(panel->first_out_block + mv - 1) * LANES;
    panel_part part = {.job = job,
                       .panel = panel,
                       .tile = {.weights = job->weights + panel->weights,
                                .bias = job->bias + (int64_t)panel->first_out_block * LANES,
                                .in_block = in_at->block_stride,
                                .tap_row = s->dh * in_at->row_stride,
                                .tap_column = s->dw * LANES,
                                .out_row = s->sh * in_at->row_stride,
                                .first_in_block = panel->first_in_block,
                                .in_blocks = panel->n_in_blocks,
                                .channels = s->c,
                                .kh = s->kh,
                                .kw = s->kw},
                       .in = job->in + n * in_at->image_stride + panel->first_in_block * in_at->block_stride -
                             s->pad_top * in_at->row_stride - s->pad_left * LANES,
                       .out = job->out + n * out_at->image_stride + panel->first_out_block * out_at->block_stride,
                       .used_lanes = last < LANES ? last : LANES};
    if (job->residual) {
        part.residual =
            job->residual + n * job->residual_at->image_stride + panel->first_out_block * job->residual_at->block_stride;
    }
    if (job->split.panels_per_task == 1 && panel + 1 < job->state->panels + job->state->n_panels) {
        part.fetch_at = job->weights + panel[1].weights;
        part.fetch_end = part.fetch_at + (panel[1].weights - panel->weights);
        part.fetch_step = FETCHED * panel->n_in_blocks * s->kh * s->kw;
    }
    for (int64_t y = y0, rows; y < y1; y += rows) {
        rows = rows_at_once(&part, y1 - y);
        if (job->tiles)
            conv_wanted_runs(&part, n, y);
        else if (rows == 2)
            conv_two_rows(&part, y);
        else
            conv_run(&part, y, 0, s->ow);
    }
    for (int m = 0; m < mv; m++) {
        zero_halo(part.out + m * out_at->block_stride, s->oh, s->ow, out_at->halo, out_at->row_stride, y0, y1);
    }
}

static void conv_task(void *argument, int task, int worker) {
    (void)worker;
    const conv_job *job = argument;
    const int64_t band = task % job->split.n_bands, group = task / job->split.n_bands % job->split.panel_tasks,
                  n = task / job->split.n_bands / job->split.panel_tasks;
    const int64_t oh = job->state->shape.oh, y0 = yk__band_start(oh, job->split.n_bands, band),
                  y1 = yk__band_start(oh, job->split.n_bands, band + 1);
    const int64_t first = group * job->split.panels_per_task;
    for (int64_t p = first; p < first + job->split.panels_per_task && p < job->state->n_panels; p++) {
        conv_panel_rows(job, &job->state->panels[p], n, y0, y1);
    }
}

yk__code ISA(yk__conv_direct_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    const yk__conv_state *state = step->state;
    conv_job job = {.state = state,
                    .in = yk__operand_data(&step->in[0], exec),
                    .out = yk__operand_data(&step->out[0], exec),
                    .bias = step->packed,
                    .weights = (const float *)step->packed + (int64_t)state->out_blocks * LANES,
                    .in_at = &step->in[0],
                    .out_at = &step->out[0]};
    if (state->shape.has_residual) {
        job.residual_at = &step->in[3];
        job.residual = yk__operand_data(job.residual_at, exec);
    }
    if (step->tiles) job.tiles = yk__operand_data(step->tiles, exec);
    const yk__conv_shape *s = &state->shape;
    job.split = yk__conv_share_out(state->in_floats * (int64_t)sizeof(float), state->weights_floats * (int64_t)sizeof(float),
                                   state->n_panels, s->n, s->oh, yk__pool_size(exec->pool));
    yk__pool_for(exec->pool, (int)(s->n * job.split.panel_tasks * job.split.n_bands), conv_task, &job);
    return YK__OK;
}
