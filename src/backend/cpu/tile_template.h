/* Matrix products on blocked data: the register tiles behind Winograd's products, attention and transposed convolution. Every
 * output is one chain of fused multiply-adds in rising order of channels, whatever the tile. */
#include "backend/cpu/tile_words.h"

INLINE void product_tile(const float *in, int64_t in_block, int64_t blocks, const float *w, float *out, bool more, const int mv,
                         const int np) {
    vf acc[YK__MAX_TILE_BLOCKS][NP1];
    UNROLL(4) for (int m = 0; m < mv; m++) {
        UNROLL(16) for (int j = 0; j < np; j++) acc[m][j] = v_zero();
    }
    if (more) {
        UNROLL(4) for (int m = 0; m < mv; m++) {
            UNROLL(16) for (int j = 0; j < np; j++) acc[m][j] = v_load(out + (m * np + j) * LANES);
        }
    }
    for (int64_t b = 0; b < blocks; b++) {
        const float *p = in + b * in_block;
        for (int c = 0; c < LANES; c += 4, p += 4) {
            UNROLL(4) for (int u = 0; u < 4; u++, w += mv * LANES) {
                vf weight[YK__MAX_TILE_BLOCKS];
                UNROLL(4) for (int m = 0; m < mv; m++) weight[m] = v_load(w + m * LANES);
                UNROLL(16) for (int j = 0; j < np; j++) {
                    const vf pixel = v_set1(p[j * LANES + u]);
                    UNROLL(4) for (int m = 0; m < mv; m++) acc[m][j] = v_fma(weight[m], pixel, acc[m][j]);
                }
            }
        }
    }
    UNROLL(4) for (int m = 0; m < mv; m++) {
        UNROLL(16) for (int j = 0; j < np; j++) v_store(out + (m * np + j) * LANES, acc[m][j]);
    }
}

#define PRODUCT(mv, np) \
    static void product_##mv##x##np(const float *in, int64_t in_block, int64_t blocks, const float *w, float *out, \
                                    bool more) { \
        product_tile(in, in_block, blocks, w, out, more, mv, np); \
    }
#define PRODUCT_FN(mv, np) product_##mv##x##np,
TILES_1(PRODUCT)
TILES_2(PRODUCT)
TILES_3(PRODUCT)
const product_fn ISA(yk__products)[YK__MAX_TILE_BLOCKS][NP1] = {
    {TILES_1(PRODUCT_FN)}, {TILES_2(PRODUCT_FN)}, {TILES_3(PRODUCT_FN)}};
