/* Index tuples of GatherND and ScatterND. */
#include "backend/ref/tuple_ref.h"

yk__code yk__ref_tuple_offset(const yk__ref_call *call, const yk__tensor *indices, int64_t tuple, const yk__shape *data,
                              int first, int64_t *out, yk__error *err) {
    const int length = (int)indices->shape.dim[indices->shape.rank - 1];
    *out = 0;
    for (int i = 0; i < length; i++) {
        const int64_t dim = data->dim[first + i];
        int64_t index = yk__ref_integer(indices, tuple * length + i);
        if (index < -dim || index >= dim)
            return yk__fail(err, YK__GRAPH, "%s '%s': index %lld is outside the %lld elements of dimension %d",
                            yk__op_info_get(call->node->op)->name, call->node->name, (long long)index, (long long)dim,
                            first + i);
        *out += (index < 0 ? index + dim : index) * yk__ref_span(data, first + i + 1, data->rank);
    }
    return YK__OK;
}
