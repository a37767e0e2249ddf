/* Transposed convolution and dense layers for any processor. */
#include "backend/cpu/simd/simd_generic.h"

#include "backend/cpu/simd/simd_math.h"

#include "backend/cpu/transpose_template.h"
