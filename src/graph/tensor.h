/* Element types, shapes and tensor views: the words that every room uses for data.
 *
 * Dimension letters, used everywhere: N pictures, C channels, H rows, W columns, K kernel, A anchors, M classes. */
#ifndef YK_GRAPH_TENSOR_H
#define YK_GRAPH_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* ident, name in engine files and dumps, bytes per element */
/* clang-format off */
#define YK__DTYPE_LIST(X) \
    X(F32, "f32", 4) \
    X(F16, "f16", 2) \
    X(BF16, "bf16", 2) \
    X(F64, "f64", 8) \
    X(I8, "i8", 1) \
    X(U8, "u8", 1) \
    X(I16, "i16", 2) \
    X(U16, "u16", 2) \
    X(I32, "i32", 4) \
    X(U32, "u32", 4) \
    X(I64, "i64", 8) \
    X(U64, "u64", 8) \
    X(BOOL, "bool", 1)
/* clang-format on */

typedef enum yk__dtype {
    YK__DTYPE_NONE,
#define X(ident, name, size) YK__DTYPE_##ident,
    YK__DTYPE_LIST(X)
#undef X
        YK__DTYPE_COUNT
} yk__dtype;

#define YK__MAX_RANK 8

typedef struct yk__shape {
    int32_t rank;
    int64_t dim[YK__MAX_RANK]; /* -1: not known yet */
} yk__shape;

/* Elements in row-major order without gaps. The view owns nothing. */
typedef struct yk__tensor {
    yk__dtype dtype;
    yk__shape shape;
    void *data;
} yk__tensor;

size_t yk__dtype_size(yk__dtype dtype); /* 0 for an invalid one */
const char *yk__dtype_name(yk__dtype dtype);
yk__dtype yk__dtype_from_name(const char *name); /* YK__DTYPE_NONE when unknown */
bool yk__dtype_is_float(yk__dtype dtype);

yk__shape yk__shape_make(int rank, const int64_t *dim);
bool yk__shape_equal(const yk__shape *a, const yk__shape *b);
bool yk__shape_known(const yk__shape *shape); /* no -1 */
/* Number of elements; false when a dimension is unknown or the product overflows. Rank 0 has one element. */
bool yk__shape_count(const yk__shape *shape, int64_t *count);
/* Bytes a tensor takes; false as above. */
bool yk__tensor_bytes(yk__dtype dtype, const yk__shape *shape, size_t *bytes);
/* "1x3x640x640", "scalar", "?x3": text for messages; returns out. */
const char *yk__shape_text(const yk__shape *shape, char out[128]);
/* NumPy broadcasting of a and b; false when they do not fit. Unknown dimensions stay unknown. */
bool yk__shape_broadcast(const yk__shape *a, const yk__shape *b, yk__shape *out);

/* IEEE half and bfloat16, round to nearest even, NaN kept. */
float yk__half_to_float(uint16_t half);
uint16_t yk__float_to_half(float value);
float yk__bf16_to_float(uint16_t value);
uint16_t yk__float_to_bf16(float value);

#endif
