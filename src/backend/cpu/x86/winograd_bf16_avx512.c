/* Winograd convolution of bf16 tensors for AVX-512. */
#include "backend/cpu/simd/simd_avx512.h"

#include "backend/cpu/simd/simd_math.h"

#include "backend/cpu/winograd_bf16_template.h"
