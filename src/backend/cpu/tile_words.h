/* The register tile of matrix products on blocked data: out[m][j] = sum over blocks and their lanes of weight x
 * broadcast(pixel). Used where the reduction is over channel blocks only (Winograd's products). Tiles of 1..3 output blocks
 * x 1..NPn pixels. */
#ifndef YK_CPU_TILE_WORDS_H
#define YK_CPU_TILE_WORDS_H

#include "backend/cpu/conv_cpu.h"

/* Most pixels of a tile of 1, 2, 3 blocks: accumulators, weights and one pixel must fit the registers. */
#if N_VREGS == 32
#define NP1 14
#define NP2 14
#define NP3 8
#else
#define NP1 10
#define NP2 (HAVE_FMA ? 6 : 5)
#define NP3 (HAVE_FMA ? 4 : 3)
#endif

/* X(blocks, pixels) for every tile size. */
#if N_VREGS == 32
#define TILES_1(X) \
    X(1, 1) X(1, 2) X(1, 3) X(1, 4) X(1, 5) X(1, 6) X(1, 7) X(1, 8) X(1, 9) X(1, 10) X(1, 11) X(1, 12) X(1, 13) X(1, 14)
#define TILES_2(X) \
    X(2, 1) X(2, 2) X(2, 3) X(2, 4) X(2, 5) X(2, 6) X(2, 7) X(2, 8) X(2, 9) X(2, 10) X(2, 11) X(2, 12) X(2, 13) X(2, 14)
#define TILES_3(X) X(3, 1) X(3, 2) X(3, 3) X(3, 4) X(3, 5) X(3, 6) X(3, 7) X(3, 8)
#elif HAVE_FMA
#define TILES_1(X) X(1, 1) X(1, 2) X(1, 3) X(1, 4) X(1, 5) X(1, 6) X(1, 7) X(1, 8) X(1, 9) X(1, 10)
#define TILES_2(X) X(2, 1) X(2, 2) X(2, 3) X(2, 4) X(2, 5) X(2, 6)
#define TILES_3(X) X(3, 1) X(3, 2) X(3, 3) X(3, 4)
#else
#define TILES_1(X) X(1, 1) X(1, 2) X(1, 3) X(1, 4) X(1, 5) X(1, 6) X(1, 7) X(1, 8) X(1, 9) X(1, 10)
#define TILES_2(X) X(2, 1) X(2, 2) X(2, 3) X(2, 4) X(2, 5)
#define TILES_3(X) X(3, 1) X(3, 2) X(3, 3)
#endif

static const int64_t most_pixels[YK__MAX_TILE_BLOCKS] = {NP1, NP2, NP3};

/* Matrix products on blocked data, of tile_template.h: out[m][j] = sum over `blocks` input blocks (in_block floats apart) and
 * their lanes of weight[m] x broadcast(in[j]); weights lie as [block][lane][m]. out: mv * np vectors. With `more` the sums go
 * on from what out holds: a long reduction in parts is the same chain as in one. */
typedef void (*product_fn)(const float *in, int64_t in_block, int64_t blocks, const float *weights, float *out, bool more);
/* [mv - 1][np - 1] */
extern const product_fn ISA(yk__products)[YK__MAX_TILE_BLOCKS][NP1];

#endif
