/* Transposed convolution and dense layers for AArch64. */
#include "backend/cpu/simd/simd_neon.h"

#include "backend/cpu/simd/simd_math.h"

#include "backend/cpu/transpose_template.h"
