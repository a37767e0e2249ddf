/* Matrix products on blocked data for any processor. */
#include "backend/cpu/simd/simd_generic.h"

#include "backend/cpu/simd/simd_math.h"

#include "backend/cpu/tile_template.h"
