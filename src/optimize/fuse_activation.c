/* Makes an activation the epilogue of the Conv or ConvTranspose before it, when nobody else reads that convolution:
 * Silu, Relu, LeakyRelu, Sigmoid, HardSwish. */
#include "optimize/passes.h"
#include "optimize/rewrite.h"

/* The name of ops.def's `act`, NULL when the operator is no epilogue. */
static const char *epilogue_of(yk__op op) {
    switch (op) {
    case YK__OP_SILU: return "silu";
    case YK__OP_RELU: return "relu";
    case YK__OP_LEAKY_RELU: return "leaky_relu";
    case YK__OP_SIGMOID: return "sigmoid";
    case YK__OP_HARD_SWISH: return "hardswish";
    default: return NULL;
    }
}

static yk__code fuse(yk__rewrite *rewrite, yk__node *node, const char *name, yk__error *err) {
    yk__graph *graph = rewrite->graph;
    int64_t channels;
    yk__node *conv = yk__rewrite_sole_maker(rewrite, node->in[0], YK__OP_CONV);
    if (!conv) conv = yk__rewrite_sole_maker(rewrite, node->in[0], YK__OP_CONV_TRANSPOSE);
    if (!conv || !yk__conv_is_open(graph, conv, &channels)) return YK__OK;
    bool ok = yk__node_set_string(graph, conv, "act", name);
    if (ok && node->op == YK__OP_LEAKY_RELU)
        ok = yk__node_set_float(graph, conv, "act_alpha", yk__node_float(node, "alpha", 0.01));
    if (!ok) return yk__arena_error(&graph->arena, "fusing an activation", err);
    yk__rewrite_absorb(rewrite, conv, node);
    return YK__OK;
}

YK__PASS(fuse_activation) {
    (void)evaluate;
    yk__rewrite rewrite;
    yk__code code = yk__rewrite_begin(&rewrite, &model->graph, err);
    for (int i = 0; !code && i < model->graph.n_nodes; i++) {
        yk__node *node = &model->graph.nodes[i];
        const char *name = epilogue_of(node->op);
        if (name) code = fuse(&rewrite, node, name, err);
    }
    yk__rewrite_end(&rewrite, changed);
    return code;
}
