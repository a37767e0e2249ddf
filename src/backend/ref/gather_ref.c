/* Gather: whole slices along one axis, by index. */
#include "backend/ref/ops_ref.h"

yk__code yk__ref_gather(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *in = &call->in[0], *indices = &call->in[1];
    int axis;
    YK__TRY(yk__ref_axis(call, yk__node_int(call->node, "axis", 0), in->shape.rank, &axis, err));
    const int64_t outer = yk__ref_span(&in->shape, 0, axis), dim = in->shape.dim[axis];
    const int64_t inner = yk__ref_span(&in->shape, axis + 1, in->shape.rank), n = yk__ref_count(&indices->shape);
    const size_t bytes = (size_t)inner * yk__dtype_size(in->dtype);
    if (outer * inner == 0) return YK__OK;
    for (int64_t i = 0; i < n; i++) {
        int64_t index = yk__ref_integer(indices, i);
        if (index < -dim || index >= dim)
            return yk__fail(err, YK__GRAPH, "Gather '%s': index %lld is outside the %lld elements of axis %d", call->node->name,
                            (long long)index, (long long)dim, axis);
        if (index < 0) index += dim;
        for (int64_t o = 0; o < outer; o++)
            memcpy((uint8_t *)call->out[0].data + (size_t)(o * n + i) * bytes,
                   (const uint8_t *)in->data + (size_t)(o * dim + index) * bytes, bytes);
    }
    return YK__OK;
}
