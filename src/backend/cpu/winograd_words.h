/* The transforms of F(4x4, 3x3) at the points 0, 1, -1, 1/2, -2 and infinity: of one row or column, and of tiles. */
#ifndef YK_CPU_WINOGRAD_WORDS_H
#define YK_CPU_WINOGRAD_WORDS_H

/* B^T d */
INLINE void wino_in_6(const vf d[6], vf out[6]) {
    const vf three_halves = v_set1(1.5f);
    const vf e = d[3] - d[1], f = d[4] - d[2];
    out[0] = v_fma(three_halves, e, (d[0] - d[2]) + f);
    out[1] = v_fma(three_halves, d[2] + d[3], e + f);
    out[2] = v_fma(three_halves, d[3] - d[2], f - e);
    out[3] = v_fma(v_set1(2.0f), e, f);
    out[4] = v_fma(v_set1(-0.5f), e, f);
    out[5] = v_fma(three_halves, f, (d[5] - d[3]) - e);
}

/* A^T m */
INLINE void wino_out_6(const vf m[6], vf out[4]) {
    const vf s = m[1] + m[2], t = m[1] - m[2];
    out[0] = (m[0] + s) + (m[3] + m[4]);
    out[1] = v_fma(v_set1(0.5f), m[3], v_fma(v_set1(-2.0f), m[4], t));
    out[2] = v_fma(v_set1(0.25f), m[3], v_fma(v_set1(4.0f), m[4], s));
    out[3] = v_fma(v_set1(0.125f), m[3], v_fma(v_set1(-8.0f), m[4], t)) + m[5];
}

/* The second pass over a tile's inputs, whose columns are done: 36 terms, `term` floats apart. */
INLINE void wino_tile_in(const vf half[6][6], float *to, int64_t term) {
    UNROLL(6) for (int y = 0; y < 6; y++) {
        vf o[6];
        wino_in_6(half[y], o);
        UNROLL(6) for (int x = 0; x < 6; x++) v_store(to + (y * 6 + x) * term, o[x]);
    }
}

/* 36 products (`term` floats apart) to 4x4 outputs, with a bias if there is one. */
INLINE void wino_tile_out(const float *p, int64_t term, const vf *bias, float *out) {
    vf half[4][6];
    UNROLL(6) for (int x = 0; x < 6; x++) {
        vf d[6], o[4];
        UNROLL(6) for (int y = 0; y < 6; y++) d[y] = v_load(p + (y * 6 + x) * term);
        wino_out_6(d, o);
        UNROLL(4) for (int y = 0; y < 4; y++) half[y][x] = o[y];
    }
    UNROLL(4) for (int y = 0; y < 4; y++) {
        vf o[4];
        wino_out_6(half[y], o);
        UNROLL(4) for (int x = 0; x < 4; x++) {
            if (bias) o[x] = o[x] + *bias;
            v_store(out + (y * 4 + x) * LANES, o[x]);
        }
    }
}

#endif
