/* ScatterND: a copy of the data with slices, named by index tuples, replaced or combined, in order. */
#include "backend/ref/ops_ref.h"
#include "backend/ref/scatter_ref.h"
#include "backend/ref/tuple_ref.h"

yk__code yk__ref_scatter_nd(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *indices = &call->in[1], *updates = &call->in[2], *out = &call->out[0];
    yk__ref_combine how;
    YK__TRY(yk__ref_combine_of(call, &how, err));
    if (updates->dtype != out->dtype) return yk__ref_unsupported(call, updates->dtype, err);
    const int last = indices->shape.rank - 1;
    if (last < 0 || indices->shape.dim[last] > out->shape.rank)
        return yk__fail(err, YK__SHAPE, "ScatterND '%s': the index tuples do not fit the data", call->node->name);
    const int64_t tuples = yk__ref_span(&indices->shape, 0, last);
    const int64_t slice = yk__ref_span(&out->shape, (int)indices->shape.dim[last], out->shape.rank);
    if (yk__ref_count(&updates->shape) != tuples * slice)
        return yk__fail(err, YK__SHAPE, "ScatterND '%s': the updates do not fit the indices", call->node->name);
    yk__ref_scatter_begin(call);
    for (int64_t i = 0; i < tuples && slice > 0; i++) {
        int64_t to;
        YK__TRY(yk__ref_tuple_offset(call, indices, i, &out->shape, 0, &to, err));
        yk__ref_combine_run(how, out, to, updates, i * slice, slice);
    }
    return YK__OK;
}
