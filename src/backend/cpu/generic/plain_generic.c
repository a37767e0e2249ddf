/* Activations and softmax on PLAIN tensors for any processor. */
#include "backend/cpu/simd/simd_generic.h"

#include "backend/cpu/simd/simd_math.h"

#include "backend/cpu/plain_template.h"
