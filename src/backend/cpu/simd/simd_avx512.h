/* The words kernels are written in, for AVX-512 (F, BW, DQ, VL). Included by exactly one translation unit per kernel family;
 * everything is static. vf is a vector of LANES floats; + - * / work on it as they are. */
#ifndef YK_CPU_SIMD_AVX512_H
#define YK_CPU_SIMD_AVX512_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

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

/* bf16: LANES numbers; the even and the odd ones of 2 * LANES; rounded to nearest even, no number stays none */
INLINE vf v_load_bf16(const uint16_t *p) {
    __m256i half = _mm256_loadu_si256((const __m256i *)(const void *)p);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}
INLINE vf v_load_even(const uint16_t *p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(p), 16));
}
INLINE vf v_load_odd(const uint16_t *p) {
    return _mm512_castsi512_ps(_mm512_and_si512(_mm512_loadu_si512(p), _mm512_set1_epi32((int)0xffff0000u)));
}
/* one pair of numbers for all lanes */
INLINE void v_set_pair(const uint16_t *p, vf *even, vf *odd) {
    int32_t pair;
    memcpy(&pair, p, sizeof pair);
    const __m512i pairs = _mm512_set1_epi32(pair);
    *even = _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
    *odd = _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32((int)0xffff0000u)));
}
INLINE void v_store_bf16(uint16_t *p, vf v) {
#ifdef __AVX512BF16__
    __m256bh half = _mm512_cvtneps_pbh(v);
    memcpy(p, &half, sizeof half);
#else
    __m512i bits = _mm512_castps_si512(v), odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
    rounded = _mm512_mask_or_epi32(rounded, _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), bits, _mm512_set1_epi32(0x400000));
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16)));
#endif
}
/* a / b, within 2 units in the last place, for 2^-126 <= b <= 2^126: a division takes as long as the rest of an activation */
INLINE vf v_quotient(vf a, vf b) {
    vf r = _mm512_rcp14_ps(b);
    r = _mm512_mul_ps(r, _mm512_fnmadd_ps(b, r, _mm512_set1_ps(2.0f)));
    return _mm512_mul_ps(a, r);
}

#endif
