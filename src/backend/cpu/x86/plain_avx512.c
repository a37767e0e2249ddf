/* Activations and softmax on PLAIN tensors for AVX-512. */
#include "backend/cpu/simd/simd_avx512.h"

#include "backend/cpu/simd/simd_math.h"

#include "backend/cpu/plain_template.h"
