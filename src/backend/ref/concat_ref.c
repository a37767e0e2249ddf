/* Concat. */
#include "backend/ref/ops_ref.h"
#include "backend/ref/walk_ref.h"

yk__code yk__ref_concat(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *out = &call->out[0];
    const size_t size = yk__dtype_size(out->dtype);
    int axis;
    YK__TRY(yk__ref_axis(call, yk__node_int(call->node, "axis", 0), out->shape.rank, &axis, err));
    const int64_t outer = yk__ref_span(&out->shape, 0, axis), out_row = yk__ref_span(&out->shape, axis, out->shape.rank);
    int64_t at = 0;
    for (int i = 0; i < call->n_in; i++) {
        const yk__tensor *in = &call->in[i];
        if (in->dtype != out->dtype) return yk__ref_unsupported(call, in->dtype, err);
        const int64_t in_row = yk__ref_span(&in->shape, axis, in->shape.rank);
        yk__ref_walk walk = yk__ref_walk_of(2);
        yk__ref_walk_dim(&walk, outer, (const int64_t[]){out_row, in_row});
        yk__ref_walk_dim(&walk, in_row, (const int64_t[]){1, 1});
        yk__ref_copy(call, walk, size, (uint8_t *)out->data + at * (int64_t)size, in->data);
        at += in_row;
    }
    return YK__OK;
}
