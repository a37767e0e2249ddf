/* bf16 tensors moved for AVX-512. */
#include "backend/cpu/simd/simd_avx512.h"

#include "backend/cpu/simd/simd_math.h"

#include "backend/cpu/pixels_template.h"
