/* GatherND: slices named by index tuples, per batch. */
#include "backend/ref/ops_ref.h"
#include "backend/ref/tuple_ref.h"

yk__code yk__ref_gather_nd(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *in = &call->in[0], *indices = &call->in[1];
    const int64_t batch_dims = yk__node_int(call->node, "batch_dims", 0);
    if (indices->shape.rank < 1 || batch_dims < 0 || batch_dims >= indices->shape.rank || batch_dims > in->shape.rank ||
        indices->shape.dim[indices->shape.rank - 1] > in->shape.rank - batch_dims)
        return yk__fail(err, YK__SHAPE, "GatherND '%s': the index tuples do not fit the data", call->node->name);
    const int first = (int)batch_dims, length = (int)indices->shape.dim[indices->shape.rank - 1];
    const int64_t batches = yk__ref_span(&indices->shape, 0, first);
    const int64_t tuples = yk__ref_span(&indices->shape, first, indices->shape.rank - 1);
    const int64_t batch_size = yk__ref_span(&in->shape, first, in->shape.rank);
    const size_t size = yk__dtype_size(in->dtype);
    const size_t bytes = (size_t)yk__ref_span(&in->shape, first + length, in->shape.rank) * size;
    for (int64_t i = 0; i < batches * tuples && bytes > 0; i++) {
        int64_t from;
        YK__TRY(yk__ref_tuple_offset(call, indices, i, &in->shape, first, &from, err));
        memcpy((uint8_t *)call->out[0].data + (size_t)i * bytes,
               (const uint8_t *)in->data + (size_t)(i / tuples * batch_size + from) * size, bytes);
    }
    return YK__OK;
}
