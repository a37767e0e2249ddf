/* bf16 tensors moved for AVX2. */
#include "backend/cpu/simd/simd_avx2.h"

#include "backend/cpu/simd/simd_math.h"

#include "backend/cpu/pixels_template.h"
