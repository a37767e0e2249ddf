/* NumPy's .npy: one array as a magic, a small header and its elements. */
#ifndef YK_BASE_NPY_H
#define YK_BASE_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define YK__NPY_MAX_RANK 8

typedef struct yk__npy {
    char kind;      /* 'f' float, 'i' signed, 'u' unsigned, 'b' bool */
    int item_bytes; /* 1, 2, 4 or 8 */
    int rank;
    int64_t dim[YK__NPY_MAX_RANK];
    size_t count;
    const uint8_t *data; /* count elements, little-endian, C order, in the caller's bytes; may be unaligned */
} yk__npy;

/* Formats 1.0 to 3.0. FORMAT for what is none, TRUNCATED, UNSUPPORTED for Fortran order, big-endian and structured elements. */
yk__code yk__npy_parse(const uint8_t *bytes, size_t n, const char *name, yk__npy *out, yk__error *err) YK__MUST_USE;

#endif
