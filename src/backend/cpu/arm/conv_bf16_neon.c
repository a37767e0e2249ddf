/* bf16 convolution for AArch64. */
#include "backend/cpu/simd/simd_neon.h"

#include "backend/cpu/simd/simd_math.h"

#define BF16_DOT 0
#include "backend/cpu/conv_bf16_template.h"
