/* Adds become part of the convolution before them: Add(conv, x) -> conv with x as input 3, added behind the activation.
 *
 * Only where nobody else reads the convolution and both sides have the same shape, at the export's size and at another one
 * (no broadcasting). Of two convolutions the later one takes the other as its residual, so that the other is done by then. */
#include "optimize/passes.h"
#include "optimize/rewrite.h"

#include <string.h>

/* A Conv of f32 that still has no residual; its activation does not matter, the residual comes behind it. */
static yk__node *candidate(const yk__rewrite *rewrite, int32_t value) {
    yk__node *conv = yk__rewrite_sole_maker(rewrite, value, YK__OP_CONV);
    if (!conv || (conv->n_in > 3 && conv->in[3] >= 0)) return NULL;
    const yk__value *weight = yk__constant_of(rewrite->graph, conv->in[1]);
    return weight && weight->dtype == YK__DTYPE_F32 ? conv : NULL;
}

static bool same_shape(const yk__at_size *at, int32_t a, int32_t b) {
    const yk__inferred *x = yk__at(at, a), *y = yk__at(at, b);
    return x && y && yk__shape_equal(&x->shape, &y->shape);
}

static yk__code fuse(yk__rewrite *rewrite, yk__node *add, const yk__at_size at[2], yk__error *err) {
    yk__graph *graph = rewrite->graph;
    yk__node *first = candidate(rewrite, add->in[0]), *second = candidate(rewrite, add->in[1]);
    if (add->in[0] == add->in[1] || (!first && !second)) return YK__OK;
    int side = !first ? 1 : !second ? 0 : second > first;
    yk__node *conv = side ? second : first;
    int32_t residual = add->in[1 - side];
    if (yk__constant_of(graph, residual)) return YK__OK;
    /* What cannot be inferred at the other size only ever runs at the export's. */
    bool elsewhere = yk__at(&at[1], add->in[side]) && yk__at(&at[1], residual);
    if (!same_shape(&at[0], add->in[side], residual) || (elsewhere && !same_shape(&at[1], add->in[side], residual)))
        return YK__OK;
    int32_t *in = yk__arena_array(&graph->arena, 4, sizeof *in);
    if (!in) return yk__arena_error(&graph->arena, "fusing a residual", err);
    for (int k = 0; k < 3; k++) in[k] = k < conv->n_in ? conv->in[k] : YK__NO_VALUE;
    in[3] = residual;
    conv = yk__rewrite_absorb(rewrite, conv, add);
    conv->in = in;
    conv->n_in = 4;
    if (residual < rewrite->n_values) rewrite->uses[residual]++;
    return YK__OK;
}

YK__PASS(fuse_residual) {
    yk__rewrite rewrite;
    yk__at_size at[2] = {0};
    yk__code code = yk__rewrite_begin(&rewrite, &model->graph, err);
    if (!code) code = yk__infer_at(model, 0, 0, evaluate, &rewrite.scratch, &at[0], err);
    if (!code) code = yk__infer_at(model, 2, 3, evaluate, &rewrite.scratch, &at[1], err);
    for (int i = 0; !code && i < model->graph.n_nodes; i++)
        if (model->graph.nodes[i].op == YK__OP_ADD) code = fuse(&rewrite, &model->graph.nodes[i], at, err);
    yk__rewrite_end(&rewrite, changed);
    return yk__is_fatal(code) ? code : YK__OK;
}
