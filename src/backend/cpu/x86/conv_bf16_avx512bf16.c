/* bf16 convolution for AVX-512 with AVX512_BF16. */
#include "backend/cpu/simd/simd_avx512.h"

#undef ISA_NAME
#define ISA_NAME avx512bf16
#include "backend/cpu/simd/simd_math.h"

#define BF16_DOT 1
#include "backend/cpu/conv_bf16_template.h"
