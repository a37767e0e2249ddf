/* bf16 tensors moved for any processor. */
#include "backend/cpu/simd/simd_generic.h"

#include "backend/cpu/simd/simd_math.h"

#include "backend/cpu/pixels_template.h"
