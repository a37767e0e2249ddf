/* The words kernels are written in, for AArch64 Advanced SIMD; see simd_avx512.h. */
#ifndef YK_CPU_SIMD_NEON_H
#define YK_CPU_SIMD_NEON_H

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#define ISA_NAME neon
#define LANES    4
#define N_VREGS  32
#define HAVE_FMA 1
#define INLINE   static inline __attribute__((always_inline))

typedef float32x4_t vf;

INLINE vf v_load(const float *p) {
    return vld1q_f32(p);
}
INLINE void v_store(float *p, vf v) {
    vst1q_f32(p, v);
}
INLINE vf v_set1(float x) {
    return vdupq_n_f32(x);
}
INLINE vf v_fma(vf a, vf b, vf c) {
    return vfmaq_f32(c, a, b);
}
INLINE vf v_fnma(vf a, vf b, vf c) {
    return vfmsq_f32(c, a, b);
}
INLINE vf v_max(vf a, vf b) {
    return vmaxq_f32(a, b);
}
INLINE vf v_min(vf a, vf b) {
    return vminq_f32(a, b);
}
INLINE vf v_round(vf a) {
    return vrndnq_f32(a);
}
INLINE vf v_scale2(vf a, vf n) {
    int32x4_t exponent = vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23);
    return vmulq_f32(a, vreinterpretq_f32_s32(exponent));
}
INLINE float v_sum(vf a) {
    return vaddvq_f32(a);
}
INLINE float v_largest(vf a) {
    return vmaxvq_f32(a);
}
INLINE uint32_t v_mask_ge(vf a, vf b) {
    static const uint32_t bit[4] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(vcgeq_f32(a, b), vld1q_u32(bit)));
}
INLINE vf v_from_u8(const uint8_t *p) {
    uint32_t four;
    memcpy(&four, p, sizeof four);
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(four)))));
}

INLINE vf v_load_bf16(const uint16_t *p) {
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
}
INLINE vf v_load_even(const uint16_t *p) {
    return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_u16(vld1q_u16(p)), 16));
}
INLINE vf v_load_odd(const uint16_t *p) {
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_u16(vld1q_u16(p)), vdupq_n_u32(0xffff0000u)));
}
INLINE void v_set_pair(const uint16_t *p, vf *even, vf *odd) {
    uint32_t pair;
    memcpy(&pair, p, sizeof pair);
    const uint32x4_t pairs = vdupq_n_u32(pair);
    *even = vreinterpretq_f32_u32(vshlq_n_u32(pairs, 16));
    *odd = vreinterpretq_f32_u32(vandq_u32(pairs, vdupq_n_u32(0xffff0000u)));
}
INLINE void v_store_bf16(uint16_t *p, vf v) {
    uint32x4_t bits = vreinterpretq_u32_f32(v), odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    uint32x4_t rounded = vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7fff)), odd);
    rounded = vbslq_u32(vceqq_f32(v, v), rounded, vorrq_u32(bits, vdupq_n_u32(0x400000)));
    vst1_u16(p, vshrn_n_u32(rounded, 16));
}
INLINE vf v_quotient(vf a, vf b) {
    return vdivq_f32(a, b);
}

#endif
