/* The words kernels are written in, for AVX-512 (F, BW, DQ, VL). Included by exactly one translation unit per kernel family;
 * everything is static. vf is a vector of LANES floats; + - * / work on it as they are. */
#ifndef YK_CPU_SIMD_AVX512_H
#define YK_CPU_SIMD_AVX512_H

#include <immintrin.h>
#include <stdint.h>

#define ISA_NAME avx512
#define LANES    16
#define N_VREGS  32
#define HAVE_FMA 1
#define INLINE   static inline __attribute__((always_inline))

typedef __m512 vf;

INLINE vf v_load(const float *p) {
    return _mm512_loadu_ps(p);
}
INLINE void v_store(float *p, vf v) {
    _mm512_storeu_ps(p, v);
}
INLINE vf v_set1(float x) {
    return _mm512_set1_ps(x);
}
INLINE vf v_fma(vf a, vf b, vf c) {
    return _mm512_fmadd_ps(a, b, c);
} /* a * b + c */
INLINE vf v_fnma(vf a, vf b, vf c) {
    return _mm512_fnmadd_ps(a, b, c);
} /* c - a * b */
/* v_max, v_min: b where either is no number */
INLINE vf v_max(vf a, vf b) {
    return _mm512_max_ps(a, b);
}
INLINE vf v_min(vf a, vf b) {
    return _mm512_min_ps(a, b);
}
INLINE vf v_round(vf a) {
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
INLINE vf v_scale2(vf a, vf n) {
    return _mm512_scalef_ps(a, n);
} /* a * 2^n, n integral, |n| <= 126 */
INLINE float v_sum(vf a) {
    return _mm512_reduce_add_ps(a);
}
INLINE float v_largest(vf a) {
    return _mm512_reduce_max_ps(a);
}
INLINE uint32_t v_mask_ge(vf a, vf b) {
    return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ);
} /* bit i: a[i] >= b[i] */
INLINE vf v_from_u8(const uint8_t *p) { /* LANES bytes as floats */
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}

#endif
