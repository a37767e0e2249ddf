/* Folds a BatchNormalization into the Conv or ConvTranspose before it, when nobody else reads that convolution. Elsewhere
 * (after a concat, an addition, a convolution with other readers) it stays.
 *
 * y = gamma * (x - mean) / sqrt(variance + epsilon) + beta, as ONNX defines the operator for inference. */
#include "optimize/passes.h"
#include "optimize/rewrite.h"

#include <math.h>

/* The four per-channel constants, or false. */
static bool parameters(const yk__graph *graph, const yk__node *norm, int64_t channels, const float *out[4]) {
    for (int k = 0; k < 4; k++) {
        const yk__value *value = yk__constant_of(graph, norm->in[k + 1]);
        if (!value || value->dtype != YK__DTYPE_F32 || value->shape.rank != 1 || value->shape.dim[0] != channels) return false;
        out[k] = value->data;
    }
    return true;
}

static yk__code fold(yk__rewrite *rewrite, yk__node *norm, yk__error *err) {
    yk__graph *graph = rewrite->graph;
    const float *p[4];
    int64_t channels;
    yk__node *conv = yk__rewrite_sole_maker(rewrite, norm->in[0], YK__OP_CONV);
    if (!conv) conv = yk__rewrite_sole_maker(rewrite, norm->in[0], YK__OP_CONV_TRANSPOSE);
    if (!conv || !yk__conv_is_open(graph, conv, &channels) || !parameters(graph, norm, channels, p)) return YK__OK;
    if (norm->n_out > 1 || yk__node_int(norm, "training_mode", 0)) return YK__OK;
    double epsilon = yk__node_float(norm, "epsilon", 1e-5);
    double *scale = yk__arena_array(&rewrite->scratch, (size_t)channels, sizeof *scale);
    double *shift = yk__arena_array(&rewrite->scratch, (size_t)channels, sizeof *shift);
    if (!scale || !shift) return yk__arena_error(&rewrite->scratch, "folding a batch normalisation", err);
    for (int64_t c = 0; c < channels; c++) {
        scale[c] = p[0][c] / sqrt(p[3][c] + epsilon);
        shift[c] = p[1][c] - p[2][c] * scale[c];
    }
    YK__TRY(yk__conv_scale(graph, conv, scale, shift, err));
    yk__rewrite_absorb(rewrite, conv, norm);
    return YK__OK;
}

YK__PASS(fold_batchnorm) {
    (void)evaluate;
    yk__rewrite rewrite;
    yk__code code = yk__rewrite_begin(&rewrite, &model->graph, err);
    for (int i = 0; !code && i < model->graph.n_nodes; i++)
        if (model->graph.nodes[i].op == YK__OP_BATCH_NORMALIZATION) code = fold(&rewrite, &model->graph.nodes[i], err);
    yk__rewrite_end(&rewrite, changed);
    return code;
}
