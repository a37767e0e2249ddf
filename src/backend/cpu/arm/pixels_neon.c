/* bf16 tensors moved for AArch64. */
#include "backend/cpu/simd/simd_neon.h"

#include "backend/cpu/simd/simd_math.h"

#include "backend/cpu/pixels_template.h"
