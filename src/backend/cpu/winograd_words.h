/* The transforms of F(4x4, 3x3) at the points 0, 1, -1, 1/2, -2 and infinity, one row or column at a time. */
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

#endif
