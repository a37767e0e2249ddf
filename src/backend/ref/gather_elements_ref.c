/* GatherElements: out[i][j][k] = data[i][indices[i][j][k]][k] for axis 1, and so on for the others. */
#include "backend/ref/ops_ref.h"

yk__code yk__ref_gather_elements(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *in = &call->in[0], *indices = &call->in[1];
    const int rank = in->shape.rank;
    const size_t size = yk__dtype_size(in->dtype);
    int axis;
    YK__TRY(yk__ref_axis(call, yk__node_int(call->node, "axis", 0), rank, &axis, err));
    for (int i = 0; i < rank; i++)
        if (i != axis && indices->shape.dim[i] > in->shape.dim[i])
            return yk__fail(err, YK__SHAPE, "GatherElements '%s': the indices are larger than the data", call->node->name);
    const int64_t n = yk__ref_count(&indices->shape), dim = in->shape.dim[axis];
    for (int64_t i = 0; i < n; i++) {
        int64_t index = yk__ref_integer(indices, i), rest = i, step = 1, from = 0;
        if (index < -dim || index >= dim)
            return yk__fail(err, YK__GRAPH, "GatherElements '%s': index %lld is outside the %lld elements of axis %d",
                            call->node->name, (long long)index, (long long)dim, axis);
        if (index < 0) index += dim;
        for (int d = rank - 1; d >= 0; d--) {
            from += (d == axis ? index : rest % indices->shape.dim[d]) * step;
            rest /= indices->shape.dim[d];
            step *= in->shape.dim[d];
        }
        memcpy((uint8_t *)call->out[0].data + (size_t)i * size, (const uint8_t *)in->data + (size_t)from * size, size);
    }
    return YK__OK;
}
