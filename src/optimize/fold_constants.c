/* Computes at build time every node whose inputs are all constants. Shapes of network values are no constants here, even
 * where an export has them fixed: folding those would bake the size into the graph (fold_shapes takes what is safe). */
#include "optimize/passes.h"
#include "optimize/rewrite.h"

/* A folded constant is kept in the engine file: what grows more than this over its inputs is left to be computed (Expand,
 * Tile, ConstantOfShape of a hostile file; a plain broadcast of a scalar to a picture). */
enum { MOST_GROWTH = 64, ALWAYS_ALLOWED_BYTES = 4096 };

/* Multiplying two constants costs up to the product of their sizes. Models have no such nodes, or tiny ones; a file must not be
 * able to keep the build busy with them. */
static bool cheap(const yk__node *node, const yk__inferred *in) {
    const int64_t most_products = (int64_t)1 << 28;
    int64_t a, b, products;
    if (node->op != YK__OP_CONV && node->op != YK__OP_CONV_TRANSPOSE && node->op != YK__OP_MATMUL && node->op != YK__OP_GEMM &&
        node->op != YK__OP_EINSUM && node->op != YK__OP_NON_MAX_SUPPRESSION)
        return true;
    return node->n_in > 1 && yk__shape_count(&in[0].shape, &a) && yk__shape_count(&in[1].shape, &b) &&
           yk__mul_i64(a, b, &products) && products <= most_products;
}

static bool all_constant(const yk__graph *graph, const yk__node *node) {
    int present = 0;
    for (int k = 0; k < node->n_in; k++) {
        if (node->in[k] < 0) continue;
        if (!yk__constant_of(graph, node->in[k])) return false;
        present++;
    }
    return present > 0;
}

static bool growth_allowed(const yk__inferred *in, int n_in, const yk__inferred *out, int n_out) {
    size_t before = 0, after = 0, bytes;
    for (int k = 0; k < n_in; k++)
        if (in[k].dtype != YK__DTYPE_NONE &&
            (!yk__tensor_bytes(in[k].dtype, &in[k].shape, &bytes) || !yk__add_size(before, bytes, &before)))
            return false;
    for (int k = 0; k < n_out; k++)
        if (!yk__tensor_bytes(out[k].dtype, &out[k].shape, &bytes) || !yk__add_size(after, bytes, &after)) return false;
    return after <= ALWAYS_ALLOWED_BYTES || after / MOST_GROWTH <= before;
}

/* Folds one node; one that cannot be computed stays as it is. */
static yk__code fold(yk__rewrite *rewrite, yk__node *node, yk__evaluate_fn evaluate, yk__arena *scratch, yk__error *err) {
    yk__graph *graph = rewrite->graph;
    yk__inferred *in = yk__arena_array(scratch, (size_t)node->n_in, sizeof *in);
    yk__inferred *out = yk__arena_array(scratch, (size_t)node->n_out, sizeof *out);
    yk__tensor *from = yk__arena_array(scratch, (size_t)node->n_in, sizeof *from);
    yk__tensor *to = yk__arena_array(scratch, (size_t)node->n_out, sizeof *to);
    if (!in || !out || !from || !to) return yk__arena_error(scratch, "folding constants", err);
    for (int k = 0; k < node->n_in; k++) {
        if (node->in[k] < 0) continue;
        const yk__value *value = &graph->values[node->in[k]];
        in[k] = (yk__inferred){.dtype = value->dtype, .shape = value->shape, .data = value->data};
        from[k] = (yk__tensor){.dtype = value->dtype, .shape = value->shape, .data = (void *)(uintptr_t)value->data};
    }
    yk__code code = yk__infer_node(node, in, out, err);
    if (code) return yk__is_fatal(code) ? code : YK__OK;
    if (!cheap(node, in) || !growth_allowed(in, node->n_in, out, node->n_out)) return YK__OK;
    for (int k = 0; k < node->n_out; k++) {
        size_t bytes;
        if (!yk__tensor_bytes(out[k].dtype, &out[k].shape, &bytes)) return YK__OK;
        to[k] = (yk__tensor){.dtype = out[k].dtype, .shape = out[k].shape};
        to[k].data = yk__arena_aligned(&graph->arena, bytes, YK__CACHE_LINE);
        if (!to[k].data) return yk__arena_error(&graph->arena, "folding constants", err);
    }
    code = evaluate(node, from, to, scratch, err);
    if (code) return yk__is_fatal(code) ? code : YK__OK;
    for (int k = 0; k < node->n_out; k++) {
        yk__value *value = &graph->values[node->out[k]];
        value->dtype = to[k].dtype;
        value->shape = to[k].shape;
        value->data = to[k].data;
    }
    yk__rewrite_remove(rewrite, node);
    return YK__OK;
}

YK__PASS(fold_constants) {
    if (!evaluate) return YK__OK;
    yk__rewrite rewrite;
    yk__code code = yk__rewrite_begin(&rewrite, &model->graph, err);
    for (int i = 0; !code && i < model->graph.n_nodes; i++) {
        yk__node *node = &model->graph.nodes[i];
        if (node->op == YK__OP_NONE || !all_constant(&model->graph, node)) continue;
        yk__arena scratch;
        yk__arena_init(&scratch, 0);
        code = fold(&rewrite, node, evaluate, &scratch, err);
        yk__arena_free(&scratch);
    }
    yk__rewrite_end(&rewrite, changed);
    return code;
}
