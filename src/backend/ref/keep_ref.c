/* Reshape, Flatten, Squeeze, Unsqueeze, Identity: the elements stay as they are, only the shape changes. */
#include "backend/ref/ops_ref.h"

yk__code yk__ref_keep(const yk__ref_call *call, yk__error *err) {
    size_t bytes;
    if (yk__ref_count(&call->in[0].shape) != yk__ref_count(&call->out[0].shape) ||
        !yk__tensor_bytes(call->out[0].dtype, &call->out[0].shape, &bytes))
        return yk__fail(err, YK__SHAPE, "%s '%s': input and output do not have equally many elements",
                        yk__op_info_get(call->node->op)->name, call->node->name);
    if (bytes > 0 && call->out[0].data != call->in[0].data) memcpy(call->out[0].data, call->in[0].data, bytes);
    return YK__OK;
}
