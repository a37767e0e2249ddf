/* Activations and softmax on PLAIN tensors for AArch64. */
#include "backend/cpu/simd/simd_neon.h"

#include "backend/cpu/simd/simd_math.h"

#include "backend/cpu/plain_template.h"
