/* Winograd convolution of bf16 tensors for AArch64. */
#include "backend/cpu/simd/simd_neon.h"

#include "backend/cpu/simd/simd_math.h"

#include "backend/cpu/winograd_bf16_template.h"
