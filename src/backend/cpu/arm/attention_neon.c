/* Attention for AArch64. */
#include "backend/cpu/simd/simd_neon.h"

#include "backend/cpu/simd/simd_math.h"

#include "backend/cpu/attention_template.h"
