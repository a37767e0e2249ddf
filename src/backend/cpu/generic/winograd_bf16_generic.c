/* Winograd convolution of bf16 tensors for any processor. */
#include "backend/cpu/simd/simd_generic.h"

#include "backend/cpu/simd/simd_math.h"

#include "backend/cpu/winograd_bf16_template.h"
