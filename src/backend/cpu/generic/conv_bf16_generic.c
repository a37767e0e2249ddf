/* bf16 convolution for any processor. */
#include "backend/cpu/simd/simd_generic.h"

#include "backend/cpu/simd/simd_math.h"

#define BF16_DOT 0
#include "backend/cpu/conv_bf16_template.h"
