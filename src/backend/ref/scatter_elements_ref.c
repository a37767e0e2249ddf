/* ScatterElements: a copy of the data with updates written along one axis, in order. */
#include "backend/ref/ops_ref.h"
#include "backend/ref/scatter_ref.h"

yk__code yk__ref_scatter_elements(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *indices = &call->in[1], *updates = &call->in[2], *out = &call->out[0];
    const int rank = out->shape.rank;
    yk__ref_combine how;
    int axis;
    YK__TRY(yk__ref_combine_of(call, &how, err));
    YK__TRY(yk__ref_axis(call, yk__node_int(call->node, "axis", 0), rank, &axis, err));
    if (updates->dtype != out->dtype) return yk__ref_unsupported(call, updates->dtype, err);
    if (!yk__shape_equal(&indices->shape, &updates->shape) || indices->shape.rank != rank)
        return yk__fail(err, YK__SHAPE, "ScatterElements '%s': indices, updates and data do not fit together",
                        call->node->name);
    for (int i = 0; i < rank; i++)
        if (i != axis && indices->shape.dim[i] > out->shape.dim[i])
            return yk__fail(err, YK__SHAPE, "ScatterElements '%s': the indices are larger than the data", call->node->name);
    yk__ref_scatter_begin(call);
    const int64_t n = yk__ref_count(&indices->shape), dim = out->shape.dim[axis];
    for (int64_t i = 0; i < n; i++) {
        int64_t index = yk__ref_integer(indices, i), rest = i, step = 1, to = 0;
        if (index < -dim || index >= dim)
            return yk__fail(err, YK__GRAPH, "ScatterElements '%s': index %lld is outside the %lld elements of axis %d",
                            call->node->name, (long long)index, (long long)dim, axis);
        if (index < 0) index += dim;
        for (int d = rank - 1; d >= 0; d--) {
            to += (d == axis ? index : rest % indices->shape.dim[d]) * step;
            rest /= indices->shape.dim[d];
            step *= out->shape.dim[d];
        }
        yk__ref_combine_run(how, out, to, updates, i, 1);
    }
    return YK__OK;
}
