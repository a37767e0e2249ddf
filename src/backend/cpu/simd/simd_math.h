/* Functions on vectors, built from the words of simd_<isa>.h, which is included first. */
#ifndef YK_CPU_SIMD_MATH_H
#define YK_CPU_SIMD_MATH_H

#define JOIN2(a, b) a##_##b
#define JOIN(a, b)  JOIN2(a, b)
/* name_<isa>: the only symbols a kernel's translation unit exports */
#define ISA(name) JOIN(name, ISA_NAME)

/* UNROLL: loops over registers must be unrolled completely (at most n times round), else the compiler keeps the arrays in
 * memory. UNROLL_BY: n turns at a time. */
#if defined(__clang__)
#define UNROLL_TEXT(n) _Pragma(#n)
#define UNROLL(n)      _Pragma("clang loop unroll(full)")
#define UNROLL_BY(n)   UNROLL_TEXT(clang loop unroll_count(n))
#else
#define UNROLL_TEXT(n) _Pragma(#n)
#define UNROLL(n)      UNROLL_TEXT(GCC unroll n)
#define UNROLL_BY(n)   UNROLL_TEXT(GCC unroll n)
#endif

INLINE vf v_zero(void) {
    return v_set1(0.0f);
}

/* 2^t for |t| <= 126 given as integer part n and fraction f, |f| <= 0.5: polynomial of degree 5 through 1 at 0, fitted for
 * least largest relative error (Lawson iteration), 9.2e-8. */
INLINE vf v_exp2_parts(vf n, vf f) {
    vf p = v_set1(0.00132647273f);
    p = v_fma(p, f, v_set1(0.00967151299f));
    p = v_fma(p, f, v_set1(0.0555073358f));
    p = v_fma(p, f, v_set1(0.240222424f));
    p = v_fma(p, f, v_set1(0.693147004f));
    p = v_fma(p, f, v_set1(1.0f));
    return v_scale2(p, n);
}

/* e^x, relative error below 2e-7 with FMA; below e^-87 and above e^87 it stays at these ends. */
INLINE vf v_exp(vf x) {
    const vf log2e = v_set1(1.44269502f), log2e_rest = v_set1(1.92596299e-8f);
    x = v_min(v_max(x, v_set1(-87.0f)), v_set1(87.0f));
    vf n = v_round(x * log2e);
    vf f = v_fma(x, log2e_rest, v_fma(x, log2e, v_zero() - n));
    return v_exp2_parts(n, f);
}

INLINE vf v_sigmoid(vf x) {
    return v_set1(1.0f) / (v_set1(1.0f) + v_exp(v_zero() - x));
}

/* x / (1 + e^-x). One product less exact than v_exp: an error of e^-x in proportion to |x| / 2^24 is far below the last bit
 * of the quotient where |x| is small, and of a result near zero where x is very negative. */
INLINE vf v_silu(vf x) {
    vf t = v_max(v_min(x * v_set1(-1.44269502f), v_set1(126.0f)), v_set1(-126.0f));
    vf n = v_round(t);
    return x / (v_set1(1.0f) + v_exp2_parts(n, t - n));
}

/* x / (1 + e^-x), e^-x within 3e-6: far below half a unit of bf16 (2e-3), which is what becomes of it. */
INLINE vf v_silu_bf16(vf x) {
    const vf t = v_max(v_min(x * v_set1(-1.44269502f), v_set1(126.0f)), v_set1(-126.0f)), n = v_round(t), f = t - n;
    vf p = v_fma(v_set1(0.009582862f), f, v_set1(0.055906463f));
    p = v_fma(p, f, v_set1(0.24024099f));
    p = v_fma(p, f, v_set1(0.6931242f));
    p = v_fma(p, f, v_set1(1.0f));
    return v_quotient(x, v_set1(1.0f) + v_scale2(p, n));
}

#endif
