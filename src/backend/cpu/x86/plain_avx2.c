/* Activations and softmax on PLAIN tensors for AVX2. */
#include "backend/cpu/simd/simd_avx2.h"

#include "backend/cpu/simd/simd_math.h"

#include "backend/cpu/plain_template.h"
