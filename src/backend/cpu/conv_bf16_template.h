/* bf16 convolution with vectors: acc[m][j] += weight pairs[m] . broadcast(input pair[j]), m: one or two output blocks, j: pixel
 * of a run in one row. Every output is one chain: taps in order, pairs of channels in order, of each pair the odd channel
 * first; two products exact in f32, two sums rounded to f32. That is what vdpbf16ps does, and what its stand-in does on a
 * processor without (numbers below 2^-126 aside, which the instruction takes for zero). */
#include "backend/cpu/bf16_store.h"

/* Most pixels of a tile of 1 and 2 blocks. */
#if BF16_DOT
#define BF16_NP1 14
#define BF16_NP2 12
#elif N_VREGS == 32
#define BF16_NP1 14
#define BF16_NP2 10
#else
#define BF16_NP1 8
#define BF16_NP2 4
#endif

#if BF16_DOT
typedef __m512i weight_pairs;
typedef __m512i pixel_pair;
INLINE weight_pairs load_weights(const uint16_t *p) {
    return _mm512_loadu_si512(p);
}
INLINE pixel_pair load_pixel(const uint16_t *p) {
    int32_t pair;
    memcpy(&pair, p, sizeof pair);
    return _mm512_set1_epi32(pair);
}
/* in assembly, because gcc 12 spills accumulators with the intrinsic */
INLINE vf dot(vf acc, weight_pairs weight, pixel_pair pixel) {
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(acc) : "v"(weight), "v"(pixel));
    return acc;
}
#else
typedef struct weight_pairs {
    vf even, odd;
} weight_pairs;
typedef weight_pairs pixel_pair;
INLINE weight_pairs load_weights(const uint16_t *p) {
    return (weight_pairs){v_load_even(p), v_load_odd(p)};
}
INLINE pixel_pair load_pixel(const uint16_t *p) {
    pixel_pair pair;
    v_set_pair(p, &pair.even, &pair.odd);
    return pair;
}
/* a product of two bf16 numbers is exact in f32, so a level without fused multiply-add rounds as the others do */
INLINE vf dot(vf acc, weight_pairs weight, pixel_pair pixel) {
    return v_fma(weight.even, pixel.even, v_fma(weight.odd, pixel.odd, acc));
}
#endif

typedef struct bf16_tile {
    const uint16_t *weights;
    int64_t tap_row, tap_column, pixel; /* elements from one kernel row, kernel column, output pixel to the next */
    int64_t kh, kw, pairs;
} bf16_tile;

/* in: the first pixel's first tap; out: mv * np vectors. */
INLINE void conv_tile(const bf16_tile *t, const uint16_t *in, float *out, const int mv, const int np) {
    vf acc[YK__BF16_PANEL_BLOCKS][BF16_NP1];
    UNROLL(2) for (int m = 0; m < mv; m++) {
        UNROLL(16) for (int j = 0; j < np; j++) acc[m][j] = v_zero();
    }
    const uint16_t *w = t->weights;
    const int64_t pixel = t->pixel;
    for (int64_t y = 0; y < t->kh; y++) {
        for (int64_t x = 0; x < t->kw; x++) {
            const uint16_t *p = in + y * t->tap_row + x * t->tap_column;
            for (int64_t c = 0; c < t->pairs; c++, p += 2, w += 2 * mv * LANES) {
                weight_pairs weight[YK__BF16_PANEL_BLOCKS];
                UNROLL(2) for (int m = 0; m < mv; m++) weight[m] = load_weights(w + 2 * m * LANES);
                const uint16_t *at = p; /* every third pixel is addressed by itself, its neighbours from there */
                UNROLL(16) for (int j = 0; j < np; j++) {
                    const pixel_pair value = load_pixel(at + j % 3 * pixel);
                    UNROLL(2) for (int m = 0; m < mv; m++) acc[m][j] = dot(acc[m][j], weight[m], value);
                    if (j % 3 == 2) at += 3 * pixel;
                }
            }
        }
    }
    UNROLL(2) for (int m = 0; m < mv; m++) {
        UNROLL(16) for (int j = 0; j < np; j++) v_store(out + (m * np + j) * LANES, acc[m][j]);
    }
}

typedef void (*tile_fn)(const bf16_tile *t, const uint16_t *in, float *out);

#define TILE(mv, np) \
    static void tile_##mv##x##np(const bf16_tile *t, const uint16_t *in, float *out) { \
        conv_tile(t, in, out, mv, np); \
    }
#define TILE_FN(mv, np)        tile_##mv##x##np,
#define BF16_TILES_4(X, mv)    X(mv, 1) X(mv, 2) X(mv, 3) X(mv, 4)
#define BF16_TILES_8(X, mv)    BF16_TILES_4(X, mv) X(mv, 5) X(mv, 6) X(mv, 7) X(mv, 8)
#define BF16_TILES_10(X, mv)   BF16_TILES_8(X, mv) X(mv, 9) X(mv, 10)
#define BF16_TILES_12(X, mv)   BF16_TILES_10(X, mv) X(mv, 11) X(mv, 12)
#define BF16_TILES_14(X, mv)   BF16_TILES_12(X, mv) X(mv, 13) X(mv, 14)
#define BF16_TILES_N(X, mv, n) JOIN(BF16_TILES, n)(X, mv)
BF16_TILES_N(TILE, 1, BF16_NP1)
BF16_TILES_N(TILE, 2, BF16_NP2)
/* [blocks - 1][pixels - 1] */
static const tile_fn tiles[YK__BF16_PANEL_BLOCKS][BF16_NP1] = {{BF16_TILES_N(TILE_FN, 1, BF16_NP1)},
                                                               {BF16_TILES_N(TILE_FN, 2, BF16_NP2)}};
static const int64_t most[YK__BF16_PANEL_BLOCKS] = {BF16_NP1, BF16_NP2};

static void conv_rows(const bf16_job *job, const yk__bf16_panel *panel, int64_t n, int64_t y0, int64_t y1) {
    const yk__bf16_state *state = job->state;
    const yk__conv_shape *s = &state->shape;
    const yk__operand *at = job->in_at;
    const int mv = panel->n_blocks;
    const bf16_tile t = {.weights = job->weights + panel->weights,
                         .tap_row = s->dh * at->row_stride,
                         .tap_column = s->dw * at->pixel_stride,
                         .pixel = s->sw * at->pixel_stride,
                         .kh = s->kh,
                         .kw = s->kw,
                         .pairs = state->n_chunks};
    const uint16_t *in = job->in + n * at->image_stride - s->pad_top * at->row_stride - s->pad_left * at->pixel_stride;
    const int64_t n_tiles = (s->ow + most[mv - 1] - 1) / most[mv - 1];
    float sums[YK__BF16_PANEL_BLOCKS * BF16_NP1 * LANES] __attribute__((aligned(64)));
    for (int64_t y = y0; y < y1; y++) {
        for (int64_t i = 0; i < n_tiles; i++) {
            const int64_t x = s->ow * i / n_tiles, np = s->ow * (i + 1) / n_tiles - x;
            if (job->tiles && !run_wanted(job, n, y, x, x + np)) continue;
            tiles[mv - 1][np - 1](&t, in + y * s->sh * at->row_stride + x * t.pixel, sums);
            for (int m = 0; m < mv; m++) finish_pixels(job, sums + m * np * LANES, np, panel->first_block + m, n, y, x);
        }
    }
}

static void conv_task(void *argument, int task, int worker) {
    (void)worker;
    bf16_task(argument, task, conv_rows);
}

yk__code ISA(yk__conv_bf16_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    bf16_job job;
    const int n_tasks = bf16_begin(step, exec, &job);
    yk__pool_for(exec->pool, n_tasks, conv_task, &job);
    return YK__OK;
}
