/* Winograd convolution F(4x4, 3x3) on blocked tensors, fused: a worker takes a block of tiles small enough for its
 * second-level cache, transforms their inputs, and per panel of output channels multiplies (36 products of tiles x channels by
 * channels x outputs), transforms back and finishes (bias, activation, residual, store). Nothing between input and output
 * goes through memory beyond the worker's scratch. Weights are transformed on the way too (winograd_cpu.h says why).
 *
 *     V[term][in block][tile][lane]          transformed inputs
 *     U[term][in block][channel][m][lane]    transformed weights of one panel, or of part of its input blocks
 *     M[term][tile group][m][tile][lane]     products of one panel
 *
 * Workers share the blocks of tiles; where a whole small map is one block they share the panels, so that no weights are
 * fetched and transformed twice.
 *
 * Toom-Cook at the points 0, 1, -1, 1/2, -2 and infinity: the choice with the least rounding error of those with small
 * fractions (measured in fp32 on real weights: docs/kernels.md). With N_j = prod_k (a_j - a_k), row j of the weights' transform
 * is [1 a_j a_j^2] / N_j; the last takes the last tap. Every tile's arithmetic is the same whatever block, group or thread it
 * falls into. */
#include "backend/cpu/blocked_template.h"
#include "backend/cpu/tile_words.h"
#include "backend/cpu/winograd_cpu.h"
#include "backend/cpu/winograd_words.h"

typedef struct wino_job {
    const yk__wino_state *state;
    const float *in, *residual, *bias, *weights;
    float *out;
    uint8_t *scratch;
    size_t worker_bytes; /* from one worker's scratch to the next's */
    const yk__operand *in_at, *out_at, *residual_at;
    int64_t n_tiles, n_blocks; /* of all pictures, or of the list */
    const int32_t *list;       /* the tiles to compute where some can be left out, else NULL: all of them */
} wino_job;

INLINE float *scratch_of(const wino_job *job, int worker) {
    return (float *)(void *)(job->scratch + (size_t)worker * job->worker_bytes);
}

/* [panel]: whether this worker's transformed weights are there; [n_panels]: its transformed inputs */
INLINE uint8_t *made_by(const wino_job *job, int worker) {
    return job->scratch + (size_t)worker * job->worker_bytes + job->state->made_offset;
}

/* Neighbouring tiles of the job; strides, in floats, of their transformed inputs and of the products of one panel. */
typedef struct tile_block {
    float *v;
    int64_t first, n_tiles, in_block, in_term, out_term;
} tile_block;

/* Few tiles (a small map, or few places where anything can matter): storing 36 terms of a kernel and reading them back would
 * take longer than multiplying with them, so they are made again for each row of terms and used where they are. Transformed
 * inputs then lie as [in block][term][tile][lane], as if there were this many tiles. */
#if N_VREGS == 32
#define FEW_TILES  4
#define FEW_M_TERM (YK__MAX_TILE_BLOCKS * FEW_TILES * LANES)
#else
#define FEW_TILES  0
#define FEW_M_TERM 0
#endif
_Static_assert(YK__MAX_TILE_BLOCKS *FEW_TILES <= YK__WINO_ROOM_TILES,
               "scratch holds the products of few tiles of a panel of one block");

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

/* One row (or column) of G g. */
INLINE void transform_kernel_3(const vf g[3], vf out[6]) {
    const vf third = v_set1(1.0f / 3.0f), ends = g[0] + g[2], twice = g[1] + g[1];
    out[0] = g[0];
    out[1] = (ends + g[1]) * third;
    out[2] = (g[1] - ends) * third;
    out[3] = v_fma(v_set1(4.0f), g[0], twice + g[2]) * v_set1(-4.0f / 15.0f);
    out[4] = v_fma(v_set1(4.0f), g[2], g[0] - twice) * v_set1(1.0f / 15.0f);
    out[5] = g[2];
}

/* The 3x3 kernels of one input channel and one block of output channels, taps `tap` floats apart, to 36 terms. */
INLINE void transform_kernel(const float *g, int64_t tap, float *to, int64_t term) {
    vf half[6][3];
    UNROLL(3) for (int x = 0; x < 3; x++) {
        const vf column[3] = {v_load(g + x * tap), v_load(g + (3 + x) * tap), v_load(g + (6 + x) * tap)};
        vf o[6];
        transform_kernel_3(column, o);
        UNROLL(6) for (int y = 0; y < 6; y++) half[y][x] = o[y];
    }
    UNROLL(6) for (int y = 0; y < 6; y++) {
        vf o[6];
        transform_kernel_3(half[y], o);
        UNROLL(6) for (int x = 0; x < 6; x++) v_store(to + (y * 6 + x) * term, o[x]);
    }
}

/* 6x6 inputs at p (rows `row` floats apart) to 36 terms, `term` floats apart. */
INLINE void transform_tile_in(const float *p, int64_t row, float *to, int64_t term) {
    vf half[6][6];
    UNROLL(6) for (int x = 0; x < 6; x++) {
        vf d[6], o[6];
        UNROLL(6) for (int y = 0; y < 6; y++) d[y] = v_load(p + y * row + x * LANES);
        wino_in_6(d, o);
        UNROLL(6) for (int y = 0; y < 6; y++) half[y][x] = o[y];
    }
    wino_tile_in(half, to, term);
}

/* The tile's inputs where they hang over the tensor and its halo: a copy with zeros there. */
static void copy_patch(const float *p, int64_t row, int64_t rows, int64_t columns, float *patch) {
    for (int64_t y = 0; y < 6; y++) {
        for (int64_t x = 0; x < 6; x++) {
            v_store(patch + (y * 6 + x) * LANES, y < rows && x < columns ? v_load(p + y * row + x * LANES) : v_zero());
        }
    }
}

static void transform_in(const wino_job *job, const tile_block *block) {
    const yk__wino_state *state = job->state;
    const yk__conv_shape *s = &state->shape;
    const yk__operand *at = job->in_at;
    float patch[YK__WINO_TERMS * LANES] __attribute__((aligned(64)));
    for (int64_t t = 0; t < block->n_tiles; t++) {
        const tile_place place = place_of(job, block->first + t);
        const int64_t y = place.ty * YK__WINO_OUT - s->pad_top, x = place.tx * YK__WINO_OUT - s->pad_left;
        /* rows and columns of the tile that lie on the tensor or its halo */
        const int64_t rows = s->h + at->halo - y, columns = s->w + at->halo - x;
        const float *p = job->in + place.n * at->image_stride + y * at->row_stride + x * LANES;
        for (int64_t b = 0; b < state->in_blocks; b++, p += at->block_stride) {
            float *to = block->v + b * block->in_block + t * LANES;
            if (rows >= 6 && columns >= 6) {
                transform_tile_in(p, at->row_stride, to, block->in_term);
            } else {
                copy_patch(p, at->row_stride, rows, columns, patch);
                transform_tile_in(patch, 6 * LANES, to, block->in_term);
            }
        }
    }
}

/* U of one panel from its weights w: input blocks b0 .. b1-1, terms `term` floats apart. */
static void transform_weights(const float *w, int mv, int64_t b0, int64_t b1, float *u, int64_t term) {
    const int64_t tap = (int64_t)mv * LANES;
    for (int64_t c = b0 * LANES; c < b1 * LANES; c++, u += tap) {
        for (int m = 0; m < mv; m++) transform_kernel(w + c * 9 * tap + m * LANES, tap, u + m * LANES, term);
    }
}

/* Tiles go in groups of even size, none wider than a register tile. */
INLINE int64_t group_count(int64_t n_tiles, int mv) {
    return (n_tiles + most_pixels[mv - 1] - 1) / most_pixels[mv - 1];
}

/* All products of one panel over one part of the input blocks. */
static void multiply(const wino_job *job, const tile_block *block, int mv, int32_t part, const float *u, int64_t u_term,
                     float *m) {
    const yk__wino_state *state = job->state;
    const int64_t groups = group_count(block->n_tiles, mv), b0 = yk__wino_part(state, part),
                  b1 = yk__wino_part(state, part + 1);
    for (int64_t k = 0; k < YK__WINO_TERMS; k++) {
        for (int64_t g = 0; g < groups; g++) {
            const int64_t t = block->n_tiles * g / groups, np = block->n_tiles * (g + 1) / groups - t;
            ISA(yk__products)
            [mv - 1][np - 1](block->v + k * block->in_term + b0 * block->in_block + t * LANES, block->in_block, b1 - b0,
                             u + k * u_term, m + k * block->out_term + t * mv * LANES, part > 0);
        }
    }
}

#if FEW_TILES > 0
/* Terms 6y .. 6y+5 of one block of outputs, going on over one block of input channels. v: its transformed inputs from the first
 * of these terms; w: its kernels, taps `tap` floats apart; m: products of the first of these terms. */
INLINE void few_terms(const float *v, const float *w, int64_t tap, float *m, bool more, const float *ahead, const int y,
                      const int tiles) {
    vf acc[6][FEW_TILES];
    UNROLL(6) for (int x = 0; x < 6; x++) {
        UNROLL(4) for (int j = 0; j < tiles; j++) acc[x][j] = more ? v_load(m + x * FEW_M_TERM + j * LANES) : v_zero();
    }
    for (int c = 0; c < LANES; c++, w += 9 * tap, ahead += 2 * LANES) {
        __builtin_prefetch(ahead, 0, 2);
        __builtin_prefetch(ahead + LANES, 0, 2);
        vf row[3], u[6];
        UNROLL(3) for (int x = 0; x < 3; x++) {
            const vf column[3] = {v_load(w + x * tap), v_load(w + (3 + x) * tap), v_load(w + (6 + x) * tap)};
            vf o[6];
            transform_kernel_3(column, o);
            row[x] = o[y];
        }
        transform_kernel_3(row, u);
        UNROLL(6) for (int x = 0; x < 6; x++) {
            UNROLL(4) for (int j = 0; j < tiles; j++) {
                acc[x][j] = v_fma(u[x], v_set1(v[(x * FEW_TILES + j) * LANES + c]), acc[x][j]);
            }
        }
    }
    UNROLL(6) for (int x = 0; x < 6; x++) {
        UNROLL(4) for (int j = 0; j < tiles; j++) v_store(m + x * FEW_M_TERM + j * LANES, acc[x][j]);
    }
}

typedef void (*few_fn)(const float *v, const float *w, int64_t tap, float *m, bool more, const float *ahead);
#define FEW(tiles, y) \
    static void few_##tiles##_##y(const float *v, const float *w, int64_t tap, float *m, bool more, const float *ahead) { \
        few_terms(v, w, tap, m, more, ahead, y, tiles); \
    }
#define FEW_FN(tiles, y)   few_##tiles##_##y,
#define FEW_ROWS(X, tiles) X(tiles, 0) X(tiles, 1) X(tiles, 2) X(tiles, 3) X(tiles, 4) X(tiles, 5)
FEW_ROWS(FEW, 1)
FEW_ROWS(FEW, 2)
FEW_ROWS(FEW, 3)
FEW_ROWS(FEW, 4)
/* [tiles - 1][row of terms] */
static const few_fn few_products[FEW_TILES][6] = {
    {FEW_ROWS(FEW_FN, 1)}, {FEW_ROWS(FEW_FN, 2)}, {FEW_ROWS(FEW_FN, 3)}, {FEW_ROWS(FEW_FN, 4)}};

/* M of one panel with kernels w: the same chains of multiply-adds as multiply() makes. */
static void multiply_few(const wino_job *job, const tile_block *block, int mv, const float *w, float *m) {
    const int64_t tap = (int64_t)mv * LANES;
    for (int64_t b = 0; b < job->state->in_blocks; b++, w += LANES * 9 * tap) {
        const float *v = block->v + b * block->in_block;
        for (int o = 0; o < mv; o++) {
            for (int y = 0; y < 6; y++) {
                few_products[block->n_tiles - 1][y](v + 6 * y * FEW_TILES * LANES, w + o * LANES, tap,
                                                    m + 6 * y * FEW_M_TERM + o * block->n_tiles * LANES, b > 0,
                                                    w + LANES * 9 * tap + (o * 6 + y) * LANES * 2 * LANES);
            }
        }
    }
}
#endif

/* M of one panel. */
static void multiply_panel(const wino_job *job, const tile_block *block, int32_t p, int worker, float *u, float *m) {
    const yk__wino_state *state = job->state;
    const yk__conv_panel *panel = &state->panels[p];
    const int mv = panel->n_out_blocks;
    const float *w = job->weights + panel->weights;
    const int64_t channel = (int64_t)mv * LANES, longest = (state->in_blocks + state->n_parts - 1) / state->n_parts;
    const int64_t u_term = yk__wino_odd_lines(longest * LANES * channel);
    uint8_t *made = made_by(job, worker) + p;
#if FEW_TILES > 0
    if (block->n_tiles <= FEW_TILES) {
        multiply_few(job, block, mv, w, m);
        return;
    }
#endif
    if (state->kept) u += state->kept_at[p];
    for (int32_t part = 0; part < state->n_parts; part++) {
        const int64_t b0 = yk__wino_part(state, part), b1 = yk__wino_part(state, part + 1);
        if (!*made) transform_weights(w, mv, b0, b1, u, u_term);
        multiply(job, block, mv, part, u, u_term, m);
    }
    *made = state->kept;
}

/* The halo beside one tile of one output block whose plane starts at `plane`: every halo pixel has a tile that it touches. */
static void zero_halo_at(const wino_job *job, float *plane, const tile_place *place) {
    const yk__conv_shape *s = &job->state->shape;
    const yk__operand *at = job->out_at;
    const int64_t y0 = place->ty * YK__WINO_OUT, y1 = y0 + 4 < s->oh ? y0 + 4 : s->oh;
    const int64_t x0 = place->tx * YK__WINO_OUT, x1 = x0 + 4 < s->ow ? x0 + 4 : s->ow;
    const int64_t left = x0 == 0 ? at->halo : 0, right = x1 == s->ow ? at->halo : 0;
    for (int64_t y = y0; y < y1; y++) {
        zero_pixels(plane + y * at->row_stride - left * LANES, left);
        zero_pixels(plane + y * at->row_stride + x1 * LANES, right);
    }
    for (int64_t i = 1; i <= at->halo; i++) {
        const int64_t from = (x0 - left) * LANES, pixels = x1 - x0 + left + right;
        if (y0 == 0) zero_pixels(plane - i * at->row_stride + from, pixels);
        if (y1 == s->oh) zero_pixels(plane + (s->oh - 1 + i) * at->row_stride + from, pixels);
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

static void transform_out(const wino_job *job, const tile_block *block, const yk__conv_panel *panel, const float *m) {
    const yk__wino_state *state = job->state;
    const yk__conv_shape *s = &state->shape;
    const yk__operand *at = job->out_at;
    const int mv = panel->n_out_blocks;
    const int64_t groups = group_count(block->n_tiles, mv);
    float tile[16 * LANES] __attribute__((aligned(64)));
    for (int64_t g = 0; g < groups; g++) {
        const int64_t t0 = block->n_tiles * g / groups, np = block->n_tiles * (g + 1) / groups - t0;
        for (int64_t j = 0; j < np; j++) {
            const tile_place place = place_of(job, block->first + t0 + j);
            const int64_t y = place.ty * YK__WINO_OUT, x = place.tx * YK__WINO_OUT;
            const int64_t rows = s->oh - y < 4 ? s->oh - y : 4, columns = s->ow - x < 4 ? s->ow - x : 4;
            for (int b = 0; b < mv; b++) {
                const int64_t o = panel->first_out_block + b, left = s->o - o * LANES;
                const vf bias = v_load(job->bias + o * LANES);
                wino_tile_out(m + (t0 * mv + b * np + j) * LANES, block->out_term, &bias, tile);
                const float *residual = NULL;
                if (job->residual) {
                    residual = job->residual + place.n * job->residual_at->image_stride + o * job->residual_at->block_stride +
                               y * job->residual_at->row_stride + x * LANES;
                }
                float *plane = job->out + place.n * at->image_stride + o * at->block_stride;
                finish_tile(job, tile, left < LANES ? left : LANES, rows, columns, plane + y * at->row_stride + x * LANES,
                            residual);
                if (at->halo > 0) zero_halo_at(job, plane, &place);
            }
        }
    }
}

static void panel_of_block(const wino_job *job, const tile_block *block, int32_t p, int worker) {
    const yk__wino_state *state = job->state;
    float *u = scratch_of(job, worker) + state->input_floats, *m = u + state->weight_floats;
    multiply_panel(job, block, p, worker, u, m);
    transform_out(job, block, &state->panels[p], m);
}

static tile_block block_of(const wino_job *job, int64_t first, int64_t end, int worker) {
    const yk__wino_state *state = job->state;
    tile_block block = {.v = scratch_of(job, worker), .first = first, .n_tiles = end - first};
    if (block.n_tiles <= FEW_TILES) {
        block.in_term = FEW_TILES * LANES;
        block.in_block = YK__WINO_TERMS * block.in_term;
        block.out_term = FEW_M_TERM;
    } else {
        block.in_block = block.n_tiles * LANES;
        block.in_term = yk__wino_odd_lines(state->in_blocks * block.in_block);
        block.out_term = state->term_out;
    }
    return block;
}

/* task: a block of tiles with all panels */
static void block_task(void *argument, int task, int worker) {
    const wino_job *job = argument;
    const tile_block block =
        block_of(job, job->n_tiles * task / job->n_blocks, job->n_tiles * (task + 1) / job->n_blocks, worker);
    transform_in(job, &block);
    for (int32_t p = 0; p < job->state->n_panels; p++) panel_of_block(job, &block, p, worker);
}

/* task: a panel of all tiles, which are one block. Every worker transforms the inputs for itself: numbers that another has just
 * written are slower to come by than to make. */
static void panel_task(void *argument, int task, int worker) {
    const wino_job *job = argument;
    const yk__wino_state *state = job->state;
    const tile_block block = block_of(job, 0, job->n_tiles, worker);
    uint8_t *made = made_by(job, worker) + state->n_panels;
    if (!*made) transform_in(job, &block);
    *made = 1;
    panel_of_block(job, &block, task, worker);
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

/* Blocks of tiles in even shares; a map of one block is dealt out by panels where these come out even. */
static void share_out(wino_job *job, yk__pool *pool) {
    const yk__wino_state *state = job->state;
    const int64_t threads = yk__pool_size(pool);
    job->n_blocks = (job->n_tiles + state->most_tiles - 1) / state->most_tiles;
    if (job->n_blocks == 1 && threads > 1 && state->n_panels % threads == 0 && state->out_blocks % threads == 0) {
        yk__pool_for(pool, state->n_panels, panel_task, job);
        return;
    }
    job->n_blocks = (job->n_blocks + threads - 1) / threads * threads;
    if (job->n_blocks > job->n_tiles) job->n_blocks = job->n_tiles;
    yk__pool_for(pool, (int)job->n_blocks, block_task, job);
}

yk__code ISA(yk__winograd_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    const yk__wino_state *state = step->state;
    uint8_t *scratch = exec->memory + step->scratch_offset;
    const int threads = yk__pool_size(exec->pool);
    wino_job job = {.state = state,
                    .in = yk__operand_data(&step->in[0], exec),
                    .out = yk__operand_data(&step->out[0], exec),
                    .bias = step->packed,
                    .weights = (const float *)step->packed + (int64_t)state->out_blocks * LANES,
                    .scratch = scratch,
                    .worker_bytes = yk__scratch_share(step, exec),
                    .in_at = &step->in[0],
                    .out_at = &step->out[0],
                    .n_tiles = state->shape.n * state->tiles_h * state->tiles_w};
    for (int worker = 0; worker < threads; worker++) memset(made_by(&job, worker), 0, (size_t)state->n_panels + 1);
    if (state->shape.has_residual) {
        job.residual_at = &step->in[3];
        job.residual = yk__operand_data(job.residual_at, exec);
    }
    if (step->tiles) list_tiles(&job, yk__operand_data(step->tiles, exec), (int32_t *)(void *)(scratch + state->list_offset));
    if (job.n_tiles > 0) share_out(&job, exec->pool);
    return YK__OK;
}
