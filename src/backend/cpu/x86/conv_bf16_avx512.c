/* bf16 convolution for AVX-512. */
#include "backend/cpu/simd/simd_avx512.h"

#include "backend/cpu/simd/simd_math.h"

#define BF16_DOT 0
#include "backend/cpu/conv_bf16_template.h"
