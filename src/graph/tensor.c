/* Element types, shapes and the two 16-bit float formats. Pure functions: nothing here allocates or keeps state. */
#include "graph/tensor.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static const struct {
    const char *name;
    size_t size;
} dtypes[YK__DTYPE_COUNT] = {[YK__DTYPE_NONE] = {"none", 0},
#define X(ident, text, bytes) [YK__DTYPE_##ident] = {text, bytes},
                             YK__DTYPE_LIST(X)
#undef X
};

static bool dtype_valid(yk__dtype dtype) {
    return (int)dtype > YK__DTYPE_NONE && (int)dtype < YK__DTYPE_COUNT;
}

size_t yk__dtype_size(yk__dtype dtype) {
    return dtype_valid(dtype) ? dtypes[dtype].size : 0;
}

const char *yk__dtype_name(yk__dtype dtype) {
    return dtype_valid(dtype) ? dtypes[dtype].name : dtypes[YK__DTYPE_NONE].name;
}

yk__dtype yk__dtype_from_name(const char *name) {
    for (int i = YK__DTYPE_NONE + 1; name && i < YK__DTYPE_COUNT; i++)
        if (!strcmp(name, dtypes[i].name)) return (yk__dtype)i;
    return YK__DTYPE_NONE;
}

bool yk__dtype_is_float(yk__dtype dtype) {
    return dtype == YK__DTYPE_F32 || dtype == YK__DTYPE_F16 || dtype == YK__DTYPE_BF16 || dtype == YK__DTYPE_F64;
}

yk__shape yk__shape_make(int rank, const int64_t *dim) {
    yk__shape shape = {0};
    shape.rank = rank < 0 ? 0 : rank > YK__MAX_RANK ? YK__MAX_RANK : rank;
    for (int i = 0; i < shape.rank; i++) shape.dim[i] = dim[i];
    return shape;
}

bool yk__shape_equal(const yk__shape *a, const yk__shape *b) {
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

bool yk__shape_known(const yk__shape *shape) {
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] < 0) return false;
    return true;
}

/* An empty tensor's other dimensions are multiplied all the same: strides are made of them and must not overflow either. */
bool yk__shape_count(const yk__shape *shape, int64_t *count) {
    int64_t n = 1;
    bool empty = false;
    if (shape->rank < 0 || shape->rank > YK__MAX_RANK || !yk__shape_known(shape)) return false;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dim[i] == 0)
            empty = true;
        else if (!yk__mul_i64(n, shape->dim[i], &n))
            return false;
    }
    *count = empty ? 0 : n;
    return true;
}

bool yk__tensor_bytes(yk__dtype dtype, const yk__shape *shape, size_t *bytes) {
    int64_t count;
    size_t product;
    if (!dtype_valid(dtype) || !yk__shape_count(shape, &count) || (uint64_t)count > SIZE_MAX) return false;
    if (!yk__mul_size((size_t)count, yk__dtype_size(dtype), &product)) return false;
    *bytes = product;
    return true;
}

/* Eight dimensions of at most 19 digits and the signs between them fill at most 160 bytes; what does not fit is cut, which
 * only a shape that no tensor can have meets. */
const char *yk__shape_text(const yk__shape *shape, char out[128]) {
    size_t at = 0;
    if (shape->rank <= 0) {
        snprintf(out, 128, "scalar");
        return out;
    }
    for (int i = 0; i < shape->rank && i < YK__MAX_RANK && at < 127; i++) {
        const char *times = i ? "x" : "";
        int n = shape->dim[i] < 0 ? snprintf(out + at, 128 - at, "%s?", times)
                                  : snprintf(out + at, 128 - at, "%s%lld", times, (long long)shape->dim[i]);
        if (n > 0) at += (size_t)n;
    }
    return out;
}

/* The dimension that two broadcast ones give: equal, or one of them 1. An unknown one takes the other's size where that
 * settles it (anything but 1 must win), else stays unknown. */
static bool broadcast_dim(int64_t a, int64_t b, int64_t *out) {
    if (a == b || b == 1)
        *out = a;
    else if (a == 1)
        *out = b;
    else if (a < 0 || b < 0)
        *out = a < 0 ? b : a;
    else
        return false;
    return true;
}

bool yk__shape_broadcast(const yk__shape *a, const yk__shape *b, yk__shape *out) {
    yk__shape result = {0};
    result.rank = a->rank > b->rank ? a->rank : b->rank;
    for (int i = 1; i <= result.rank; i++) {
        int64_t da = i <= a->rank ? a->dim[a->rank - i] : 1;
        int64_t db = i <= b->rank ? b->dim[b->rank - i] : 1;
        if (!broadcast_dim(da, db, &result.dim[result.rank - i])) return false;
    }
    *out = result;
    return true;
}

static uint32_t float_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float bits_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* binary16: sign 1, exponent 5 (bias 15), fraction 10. binary32: 1, 8 (bias 127), 23. */
float yk__half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = (half >> 10) & 31;
    uint32_t fraction = half & 0x3ff;
    if (exponent == 31) return bits_float(sign | 0x7f800000 | fraction << 13);
    if (exponent) return bits_float(sign | (exponent + 127 - 15) << 23 | fraction << 13);
    float magnitude = (float)fraction * 0x1p-24f; /* zero and subnormals: exact, 10 bits times a power of two */
    return sign ? -magnitude : magnitude;
}

/* value >> shift, to the nearest, ties to even. shift is 1 .. 31. */
static uint32_t shift_round(uint32_t value, unsigned shift) {
    uint32_t kept = value >> shift, rest = value & ((1u << shift) - 1), half = 1u << (shift - 1);
    return kept + (rest > half || (rest == half && (kept & 1)));
}

uint16_t yk__float_to_half(float value) {
    uint32_t bits = float_bits(value);
    uint32_t sign = bits >> 16 & 0x8000;
    uint32_t magnitude = bits & 0x7fffffff;
    uint32_t half;
    if (magnitude > 0x7f800000)
        half = 0x7e00 | (magnitude >> 13 & 0x3ff); /* NaN, made quiet, payload's top kept */
    else if (magnitude >= 0x47800000)
        half = 0x7c00; /* 65536 and more, infinity */
    else if (magnitude >= 0x38800000)
        half = shift_round(magnitude - 0x38000000, 13); /* normal; may round up to infinity */
    else if (magnitude < 0x33000000)
        half = 0; /* below 2^-25, half the smallest subnormal */
    else
        half = shift_round((magnitude & 0x7fffff) | 0x800000, 126 - (magnitude >> 23));
    return (uint16_t)(sign | half);
}

float yk__bf16_to_float(uint16_t value) {
    return bits_float((uint32_t)value << 16);
}

uint16_t yk__float_to_bf16(float value) {
    uint32_t bits = float_bits(value);
    if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40); /* NaN, made quiet */
    return (uint16_t)shift_round(bits, 16);
}
