/* Tile: the whole tensor repeated along each dimension. */
#include "backend/ref/ops_ref.h"
#include "backend/ref/walk_ref.h"

yk__code yk__ref_tile(const yk__ref_call *call, yk__error *err) {
    const yk__shape *in = &call->in[0].shape, *out = &call->out[0].shape;
    yk__ref_walk walk = yk__ref_walk_of(2);
    int64_t in_step = yk__ref_count(in), out_step = yk__ref_count(out);
    if (out_step == 0) return YK__OK;
    for (int i = 0; i < in->rank; i++) {
        if (in->dim[i] == 0 || out->dim[i] % in->dim[i] != 0)
            return yk__fail(err, YK__SHAPE, "Tile '%s': the output is not whole repeats of the input", call->node->name);
        in_step /= in->dim[i];
        out_step /= out->dim[i];
        yk__ref_walk_dim(&walk, out->dim[i] / in->dim[i], (const int64_t[]){out_step * in->dim[i], 0});
        yk__ref_walk_dim(&walk, in->dim[i], (const int64_t[]){out_step, in_step});
    }
    yk__ref_copy(call, walk, yk__dtype_size(call->in[0].dtype), call->out[0].data, call->in[0].data);
    return YK__OK;
}
