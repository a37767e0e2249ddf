/* Transposed convolution and dense layers for AVX2. */
#include "backend/cpu/simd/simd_avx2.h"

#include "backend/cpu/simd/simd_math.h"

#include "backend/cpu/transpose_template.h"
