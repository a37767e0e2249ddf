/* Shape and Size: the input's dimensions as i64. */
#include "backend/ref/ops_ref.h"

yk__code yk__ref_shape(const yk__ref_call *call, yk__error *err) {
    const yk__shape *in = &call->in[0].shape;
    int64_t *out = call->out[0].data, start = yk__node_int(call->node, "start", 0);
    if (start < 0) start += in->rank;
    start = start < 0 ? 0 : start > in->rank ? in->rank : start;
    const int64_t n = yk__ref_count(&call->out[0].shape);
    if (n > in->rank - start)
        return yk__fail(err, YK__SHAPE, "Shape '%s': more dimensions asked for than there are", call->node->name);
    for (int64_t i = 0; i < n; i++) out[i] = in->dim[start + i];
    return YK__OK;
}

yk__code yk__ref_size(const yk__ref_call *call, yk__error *err) {
    (void)err;
    *(int64_t *)call->out[0].data = yk__ref_count(&call->in[0].shape);
    return YK__OK;
}
