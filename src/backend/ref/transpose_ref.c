/* Transpose: output dimension i is input dimension perm[i]; all reversed when perm is absent. */
#include "backend/ref/ops_ref.h"
#include "backend/ref/walk_ref.h"

yk__code yk__ref_transpose(const yk__ref_call *call, yk__error *err) {
    const yk__shape *in = &call->in[0].shape, *out = &call->out[0].shape;
    const int rank = in->rank;
    int64_t perm[YK__MAX_RANK], in_step[YK__MAX_RANK];
    if (yk__node_ints(call->node, "perm", perm, YK__MAX_RANK) != rank)
        for (int i = 0; i < rank; i++) perm[i] = rank - 1 - i;
    int64_t step = 1;
    for (int i = rank - 1; i >= 0; i--) {
        in_step[i] = step;
        step *= in->dim[i];
    }
    yk__ref_walk walk = yk__ref_walk_of(2);
    int64_t out_step = yk__ref_count(out);
    if (out_step == 0) return YK__OK;
    for (int i = 0; i < rank; i++) {
        if (perm[i] < 0 || perm[i] >= rank || out->dim[i] != in->dim[perm[i]])
            return yk__fail(err, YK__GRAPH, "Transpose '%s': perm does not fit the input's dimensions", call->node->name);
        out_step /= out->dim[i];
        yk__ref_walk_dim(&walk, out->dim[i], (const int64_t[]){out_step, in_step[perm[i]]});
    }
    yk__ref_copy(call, walk, yk__dtype_size(call->in[0].dtype), call->out[0].data, call->in[0].data);
    return YK__OK;
}
