/* Split: the outputs' shapes say where the parts end. */
#include "backend/ref/ops_ref.h"
#include "backend/ref/walk_ref.h"

yk__code yk__ref_split(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *in = &call->in[0];
    const size_t size = yk__dtype_size(in->dtype);
    int axis;
    YK__TRY(yk__ref_axis(call, yk__node_int(call->node, "axis", 0), in->shape.rank, &axis, err));
    const int64_t outer = yk__ref_span(&in->shape, 0, axis), in_row = yk__ref_span(&in->shape, axis, in->shape.rank);
    int64_t at = 0;
    for (int i = 0; i < call->n_out; i++) {
        const yk__tensor *out = &call->out[i];
        const int64_t out_row = yk__ref_span(&out->shape, axis, out->shape.rank);
        if (at + out_row > in_row)
            return yk__fail(err, YK__SHAPE, "Split '%s': the parts are larger than the input", call->node->name);
        yk__ref_walk walk = yk__ref_walk_of(2);
        yk__ref_walk_dim(&walk, outer, (const int64_t[]){out_row, in_row});
        yk__ref_walk_dim(&walk, out_row, (const int64_t[]){1, 1});
        if (out->data != NULL) yk__ref_copy(call, walk, size, out->data, (const uint8_t *)in->data + at * (int64_t)size);
        at += out_row;
    }
    return YK__OK;
}
