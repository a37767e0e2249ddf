/* Folds Mul, Div, Add and Sub by a scalar or per-channel constant into the Conv or ConvTranspose before it, when nobody else
 * reads that convolution. Broadcasts along rows, columns or the batch are left alone. */
#include "optimize/passes.h"
#include "optimize/rewrite.h"

#include <math.h>

/* The constant as one number per channel of an N x C x H x W value (to[c]); false when it varies along anything else. */
static bool per_channel(const yk__value *constant, int64_t channels, double *to) {
    const yk__shape *shape = &constant->shape;
    int64_t count;
    if (constant->dtype != YK__DTYPE_F32 || shape->rank > 4 || !yk__shape_count(shape, &count)) return false;
    bool is_scalar = count == 1, is_channels = shape->rank >= 3 && count == channels && shape->dim[shape->rank - 3] == channels;
    if (!is_scalar && !is_channels) return false;
    for (int64_t c = 0; c < channels; c++) to[c] = ((const float *)constant->data)[is_scalar ? 0 : c];
    return true;
}

/* node = scale * conv + shift, with the constant at input `at` of the node. */
static bool as_affine(const yk__node *node, int at, const double *constant, int64_t channels, double *scale, double *shift) {
    for (int64_t c = 0; c < channels; c++) {
        scale[c] = 1;
        shift[c] = 0;
        switch (node->op) {
        case YK__OP_MUL: scale[c] = constant[c]; break;
        case YK__OP_ADD: shift[c] = constant[c]; break;
        case YK__OP_DIV:
            if (at == 0) return false; /* constant / conv */
            scale[c] = 1 / constant[c];
            break;
        case YK__OP_SUB:
            scale[c] = at == 0 ? -1 : 1;
            shift[c] = at == 0 ? constant[c] : -constant[c];
            break;
        default: return false;
        }
        if (!isfinite(scale[c]) || !isfinite(shift[c])) return false;
    }
    return true;
}

static yk__code fold(yk__rewrite *rewrite, yk__node *node, int at, yk__error *err) {
    yk__graph *graph = rewrite->graph;
    const yk__value *constant = yk__constant_of(graph, node->in[at]);
    int32_t other = node->in[1 - at];
    int64_t channels;
    yk__node *conv = yk__rewrite_sole_maker(rewrite, other, YK__OP_CONV);
    if (!conv) conv = yk__rewrite_sole_maker(rewrite, other, YK__OP_CONV_TRANSPOSE);
    if (!constant || !conv || !yk__conv_is_open(graph, conv, &channels)) return YK__OK;
    if (graph->values[conv->in[1]].shape.rank != 4) return YK__OK; /* per_channel speaks of pictures */
    double *number[3];
    for (int i = 0; i < 3; i++) {
        number[i] = yk__arena_array(&rewrite->scratch, (size_t)channels, sizeof *number[i]);
        if (!number[i]) return yk__arena_error(&rewrite->scratch, "folding a constant into a convolution", err);
    }
    if (!per_channel(constant, channels, number[0]) || !as_affine(node, at, number[0], channels, number[1], number[2]))
        return YK__OK;
    YK__TRY(yk__conv_scale(graph, conv, number[1], number[2], err));
    yk__rewrite_absorb(rewrite, conv, node);
    return YK__OK;
}

YK__PASS(fold_scalar_ops) {
    (void)evaluate;
    yk__rewrite rewrite;
    yk__code code = yk__rewrite_begin(&rewrite, &model->graph, err);
    for (int i = 0; !code && i < model->graph.n_nodes; i++) {
        yk__node *node = &model->graph.nodes[i];
        if (node->op != YK__OP_MUL && node->op != YK__OP_ADD && node->op != YK__OP_DIV && node->op != YK__OP_SUB) continue;
        for (int at = 0; !code && at < 2; at++)
            if (node->op == YK__OP_MUL || node->op == YK__OP_ADD || node->op == YK__OP_DIV || node->op == YK__OP_SUB)
                code = fold(&rewrite, node, at, err);
    }
    yk__rewrite_end(&rewrite, changed);
    return code;
}
