/* Expand: the data repeated along dimensions of one, to the output's shape. */
#include "backend/ref/ops_ref.h"
#include "backend/ref/walk_ref.h"

yk__code yk__ref_expand(const yk__ref_call *call, yk__error *err) {
    (void)err;
    const yk__shape *shape = &call->in[0].shape;
    const yk__ref_walk walk = yk__ref_walk_broadcast(&call->out[0].shape, &shape, 1);
    yk__ref_copy(call, walk, yk__dtype_size(call->in[0].dtype), call->out[0].data, call->in[0].data);
    return YK__OK;
}
