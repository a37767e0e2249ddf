/* DepthToSpace and SpaceToDepth: blocks of pixels become channels, or back. */
#include "backend/ref/ops_ref.h"
#include "backend/ref/walk_ref.h"

/* A walk over N, block row, block column, channels, rows, columns: `deep` is the side with many channels, channel number
 * (block row, block column, channel), or (channel, block row, block column) when channels come first. */
static yk__ref_walk walk_blocks(const yk__shape *wide, int64_t block, bool channels_first, bool to_space) {
    const int64_t n = wide->dim[0], c = wide->dim[1], h = wide->dim[2] / block, w = wide->dim[3] / block, plane = h * w;
    const int64_t deep_block = channels_first ? 1 : c, deep_channel = channels_first ? block * block : 1;
    const int64_t deep[6] = {
        n == 0 ? 0 : c * block * block * plane, deep_block * block * plane, deep_block * plane, deep_channel * plane, w, 1};
    const int64_t row = w * block;
    const int64_t space[6] = {c * h * block * row, row, 1, h * block * row, block * row, block};
    const int64_t dims[6] = {n, block, block, c, h, w};
    yk__ref_walk walk = yk__ref_walk_of(2);
    for (int i = 0; i < 6; i++)
        yk__ref_walk_dim(&walk, dims[i],
                         to_space ? (const int64_t[]){space[i], deep[i]} : (const int64_t[]){deep[i], space[i]});
    return walk;
}

static yk__code check(const yk__ref_call *call, const yk__shape *wide, int64_t *block, yk__error *err) {
    *block = yk__node_int(call->node, "blocksize", 0);
    if (wide->rank == 4 && *block >= 1 && wide->dim[2] % *block == 0 && wide->dim[3] % *block == 0) return YK__OK;
    return yk__fail(err, YK__SHAPE, "%s '%s': blocksize %lld does not divide the picture",
                    yk__op_info_get(call->node->op)->name, call->node->name, (long long)*block);
}

static bool channels_come_first(const yk__ref_call *call) {
    return strcmp(yk__node_string(call->node, "mode", "DCR"), "CRD") == 0;
}

yk__code yk__ref_depth_to_space(const yk__ref_call *call, yk__error *err) {
    int64_t block;
    YK__TRY(check(call, &call->out[0].shape, &block, err));
    yk__ref_copy(call, walk_blocks(&call->out[0].shape, block, channels_come_first(call), true),
                 yk__dtype_size(call->in[0].dtype), call->out[0].data, call->in[0].data);
    return YK__OK;
}

yk__code yk__ref_space_to_depth(const yk__ref_call *call, yk__error *err) {
    int64_t block;
    YK__TRY(check(call, &call->in[0].shape, &block, err));
    yk__ref_copy(call, walk_blocks(&call->in[0].shape, block, channels_come_first(call), false),
                 yk__dtype_size(call->in[0].dtype), call->out[0].data, call->in[0].data);
    return YK__OK;
}
