/* ConstantOfShape, EyeLike, Trilu, OneHot: tensors that are made of one or two values, or cut by a diagonal. */
#include <math.h>

#include "backend/ref/ops_ref.h"

static void repeat(uint8_t *out, const void *element, size_t size, int64_t n) {
    for (int64_t i = 0; i < n; i++) memcpy(out + (size_t)i * size, element, size);
}

yk__code yk__ref_constant_of_shape(const yk__ref_call *call, yk__error *err) {
    static const uint64_t zero = 0;
    const yk__tensor *out = &call->out[0];
    const void *value = &zero;
    if (yk__ref_present(call, 1)) {
        if (yk__ref_count(&call->in[1].shape) != 1 || call->in[1].dtype != out->dtype)
            return yk__fail(err, YK__SHAPE, "ConstantOfShape '%s': the value must be one element", call->node->name);
        value = call->in[1].data;
    }
    repeat(out->data, value, yk__dtype_size(out->dtype), yk__ref_count(&out->shape));
    return YK__OK;
}

/* The bytes of a one; 0 for types that have none here. */
static uint64_t one_of(yk__dtype dtype) {
    uint64_t bits = 0;
    const float f = 1;
    const double d = 1;
    switch (dtype) {
    case YK__DTYPE_F32: memcpy(&bits, &f, sizeof f); break;
    case YK__DTYPE_F64: memcpy(&bits, &d, sizeof d); break;
    case YK__DTYPE_F16: bits = yk__float_to_half(1); break;
    case YK__DTYPE_BF16: bits = yk__float_to_bf16(1); break;
    default: bits = 1; break; /* little-endian: the first byte of any integer */
    }
    return bits;
}

yk__code yk__ref_eye_like(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *out = &call->out[0];
    if (out->shape.rank != 2) return yk__fail(err, YK__SHAPE, "EyeLike '%s': the input must be a matrix", call->node->name);
    const int64_t rows = out->shape.dim[0], columns = out->shape.dim[1], k = yk__node_int(call->node, "k", 0);
    const size_t size = yk__dtype_size(out->dtype);
    const uint64_t one = one_of(out->dtype);
    if (rows * columns > 0) memset(out->data, 0, (size_t)(rows * columns) * size);
    if (k <= -rows || k >= columns) return YK__OK; /* the diagonal lies outside */
    for (int64_t r = 0; r < rows; r++)
        if (r + k >= 0 && r + k < columns) memcpy((uint8_t *)out->data + (size_t)(r * columns + r + k) * size, &one, size);
    return YK__OK;
}

yk__code yk__ref_trilu(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *in = &call->in[0], *out = &call->out[0];
    const int rank = in->shape.rank;
    if (rank < 2) return yk__fail(err, YK__SHAPE, "Trilu '%s': the input must be a matrix or more", call->node->name);
    const int64_t rows = in->shape.dim[rank - 2], columns = in->shape.dim[rank - 1];
    const int64_t all = yk__ref_span(&in->shape, 0, rank - 1);
    const bool upper = yk__node_int(call->node, "upper", 1) != 0;
    const size_t size = yk__dtype_size(in->dtype);
    int64_t k = yk__ref_present(call, 1) ? yk__ref_integer(&call->in[1], 0) : 0;
    /* Beyond the matrix every diagonal is the same: clamped so that sums cannot overflow. */
    if (k > columns) k = columns;
    if (k < -rows) k = -rows;
    for (int64_t row = 0; row < all; row++) {
        const uint8_t *from = (const uint8_t *)in->data + (size_t)(row * columns) * size;
        uint8_t *to = (uint8_t *)out->data + (size_t)(row * columns) * size;
        for (int64_t x = 0; x < columns; x++) {
            const bool kept = upper ? x >= row % rows + k : x <= row % rows + k;
            if (kept)
                memcpy(to + (size_t)x * size, from + (size_t)x * size, size);
            else
                memset(to + (size_t)x * size, 0, size);
        }
    }
    return YK__OK;
}

/* indices, depth, values [off, on]. Indices -depth .. depth-1 count, others give a row of "off". */
yk__code yk__ref_one_hot(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *indices = &call->in[0], *values = &call->in[2], *out = &call->out[0];
    if (values->dtype != out->dtype || yk__ref_count(&values->shape) != 2)
        return yk__fail(err, YK__SHAPE, "OneHot '%s': values must be the two elements off and on", call->node->name);
    int axis;
    YK__TRY(yk__ref_axis(call, yk__node_int(call->node, "axis", -1), out->shape.rank, &axis, err));
    const int64_t depth = out->shape.dim[axis], inner = yk__ref_span(&out->shape, axis + 1, out->shape.rank);
    const int64_t n = yk__ref_count(&indices->shape);
    const size_t size = yk__dtype_size(out->dtype);
    repeat(out->data, values->data, size, yk__ref_count(&out->shape));
    for (int64_t i = 0; i < n; i++) {
        double index = trunc(yk__ref_number(indices, i)); /* any number may be an index; those that count fit a double */
        if (index < 0) index += (double)depth;
        if (!(index >= 0 && index < (double)depth)) continue;
        const int64_t at = (i / inner * depth + (int64_t)index) * inner + i % inner;
        memcpy((uint8_t *)out->data + (size_t)at * size, (const uint8_t *)values->data + size, size);
    }
    return YK__OK;
}
