/* The words kernels are written in, for any processor: vectors of the compiler, four floats wide (SSE2 on x86-64); see
 * simd_avx512.h. v_fma rounds twice here. */
#ifndef YK_CPU_SIMD_GENERIC_H
#define YK_CPU_SIMD_GENERIC_H

#include <stdint.h>
#include <string.h>

#define ISA_NAME generic
#define LANES    4
#define N_VREGS  16
#define HAVE_FMA 0
#define INLINE   static inline __attribute__((always_inline))

typedef float vf __attribute__((vector_size(16)));
typedef int32_t vi __attribute__((vector_size(16)));

INLINE vf v_load(const float *p) {
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}
INLINE void v_store(float *p, vf v) {
    memcpy(p, &v, sizeof v);
}
INLINE vf v_set1(float x) {
    return (vf){x, x, x, x};
}
INLINE vf v_fma(vf a, vf b, vf c) {
    return a * b + c;
}
INLINE vf v_fnma(vf a, vf b, vf c) {
    return c - a * b;
}
INLINE vf v_choose(vi mask, vf a, vf b) {
    return (vf)(((vi)a & mask) | ((vi)b & ~mask));
}
INLINE vf v_max(vf a, vf b) {
    return v_choose(a > b, a, b);
}
INLINE vf v_min(vf a, vf b) {
    return v_choose(a < b, a, b);
}
/* Adding and taking away 1.5 * 2^23 leaves an integer, for |a| < 2^22. */
INLINE vf v_round(vf a) {
    return (a + v_set1(12582912.0f)) - v_set1(12582912.0f);
}
INLINE vf v_scale2(vf a, vf n) {
    vi exponent = (__builtin_convertvector(n, vi) + 127) << 23;
    return a * (vf)exponent;
}
INLINE float v_sum(vf a) {
    return (a[0] + a[2]) + (a[1] + a[3]);
}
INLINE float v_largest(vf a) {
    float x = a[0] > a[1] ? a[0] : a[1], y = a[2] > a[3] ? a[2] : a[3];
    return x > y ? x : y;
}
INLINE uint32_t v_mask_ge(vf a, vf b) {
    vi m = a >= b;
    return (uint32_t)(m[0] & 1) | (uint32_t)(m[1] & 2) | (uint32_t)(m[2] & 4) | (uint32_t)(m[3] & 8);
}
INLINE vf v_from_u8(const uint8_t *p) {
    return (vf){(float)p[0], (float)p[1], (float)p[2], (float)p[3]};
}

typedef uint32_t vu __attribute__((vector_size(16)));
typedef uint16_t vh __attribute__((vector_size(8)));

INLINE vf v_load_bf16(const uint16_t *p) {
    vh half;
    memcpy(&half, p, sizeof half);
    return (vf)(__builtin_convertvector(half, vu) << 16);
}
INLINE vf v_load_even(const uint16_t *p) {
    vu pairs;
    memcpy(&pairs, p, sizeof pairs);
    return (vf)(pairs << 16);
}
INLINE vf v_load_odd(const uint16_t *p) {
    vu pairs;
    memcpy(&pairs, p, sizeof pairs);
    return (vf)(pairs & 0xffff0000u);
}
INLINE void v_set_pair(const uint16_t *p, vf *even, vf *odd) {
    uint32_t pair;
    memcpy(&pair, p, sizeof pair);
    const vu pairs = {pair, pair, pair, pair};
    *even = (vf)(pairs << 16);
    *odd = (vf)(pairs & 0xffff0000u);
}
INLINE void v_store_bf16(uint16_t *p, vf v) {
    vu bits = (vu)v, rounded = bits + 0x7fffu + ((bits >> 16) & 1u), number = (vu)(v == v);
    rounded = ((rounded & number) | ((bits | 0x400000u) & ~number)) >> 16;
    vh half = __builtin_convertvector(rounded, vh);
    memcpy(p, &half, sizeof half);
}
INLINE vf v_quotient(vf a, vf b) {
    return a / b;
}

#endif
