/* Takes out operators that hand their input on unchanged: Identity, Cast to the same type, Reshape, Flatten and Expand to the
 * same shape, Transpose that moves nothing, Slice of everything, Pad by nothing, Concat and Sum of one. Where "the same shape"
 * is meant, it is the shape at the export's own size: an operator that was written to do nothing there has no other purpose at
 * another size. */
#include "optimize/passes.h"
#include "optimize/rewrite.h"

#include <string.h>

static bool transposes_nothing(const yk__node *node) {
    int64_t perm[YK__MAX_RANK];
    int n = yk__node_ints(node, "perm", perm, YK__MAX_RANK);
    if (n < 1 || n > YK__MAX_RANK) return false;
    for (int i = 0; i < n; i++)
        if (perm[i] != i) return false;
    return true;
}

static bool all_zero(const yk__graph *graph, int32_t value) {
    int64_t amount[2 * YK__MAX_RANK];
    int n = yk__constant_ints(graph, value, amount, 2 * YK__MAX_RANK);
    if (n < 0 || n > 2 * YK__MAX_RANK) return false;
    for (int i = 0; i < n; i++)
        if (amount[i]) return false;
    return true;
}

/* From 0 to the end in steps of 1, said so that it holds for every size: the end is the largest integer (import writes
 * opset 9's INT_MAX alike) or, for shapes known at the export, at least the dimension. */
static bool slices_nothing(const yk__graph *graph, const yk__node *node, const yk__shape *in) {
    int64_t start[YK__MAX_RANK], end[YK__MAX_RANK], step[YK__MAX_RANK], axis[YK__MAX_RANK];
    int n = yk__constant_ints(graph, node->in[1], start, YK__MAX_RANK);
    if (n < 1 || n > YK__MAX_RANK || yk__constant_ints(graph, node->in[2], end, YK__MAX_RANK) != n) return false;
    for (int i = 0; i < n; i++) {
        axis[i] = i;
        step[i] = 1;
    }
    if (node->n_in > 3 && node->in[3] >= 0 && yk__constant_ints(graph, node->in[3], axis, YK__MAX_RANK) != n) return false;
    if (node->n_in > 4 && node->in[4] >= 0 && yk__constant_ints(graph, node->in[4], step, YK__MAX_RANK) != n) return false;
    for (int i = 0; i < n; i++) {
        int64_t a = axis[i] < 0 && in ? axis[i] + in->rank : axis[i];
        if (start[i] || step[i] != 1) return false;
        if (end[i] >= INT32_MAX) continue;
        if (!in || a < 0 || a >= in->rank || in->dim[a] < 0 || end[i] < in->dim[a]) return false;
    }
    return true;
}

/* in, out: shape and type at the export's size, NULL when not known. */
static bool does_nothing(const yk__graph *graph, const yk__node *node, const yk__inferred *in, const yk__inferred *out) {
    switch (node->op) {
    case YK__OP_IDENTITY: return true;
    case YK__OP_CAST: {
        yk__dtype from = in ? in->dtype : graph->values[node->in[0]].dtype;
        return from != YK__DTYPE_NONE && from == yk__dtype_from_name(yk__node_string(node, "to", ""));
    }
    case YK__OP_RESHAPE:
    case YK__OP_FLATTEN:
    case YK__OP_EXPAND: return in && out && yk__shape_equal(&in->shape, &out->shape);
    case YK__OP_TRANSPOSE: return transposes_nothing(node);
    case YK__OP_CONCAT:
    case YK__OP_SUM:
    case YK__OP_MAX:
    case YK__OP_MIN:
    case YK__OP_MEAN: return node->n_in == 1;
    case YK__OP_SLICE: return slices_nothing(graph, node, in ? &in->shape : NULL);
    case YK__OP_PAD: return all_zero(graph, node->in[1]);
    default: return false;
    }
}

YK__PASS(remove_identity) {
    yk__rewrite rewrite;
    yk__at_size at = {0};
    yk__code code = yk__rewrite_begin(&rewrite, &model->graph, err);
    if (!code) code = yk__infer_at(model, 0, 0, evaluate, &rewrite.scratch, &at, err);
    if (!yk__is_fatal(code)) code = YK__OK; /* without shapes less is removed */
    for (int i = 0; !code && i < model->graph.n_nodes; i++) {
        yk__node *node = &model->graph.nodes[i];
        if (node->op == YK__OP_NONE) continue;
        yk__rewrite_resolve(&rewrite, node);
        if (node->n_in < 1 || node->n_out != 1 || node->in[0] < 0) continue;
        if (!does_nothing(&model->graph, node, yk__at(&at, node->in[0]), yk__at(&at, node->out[0]))) continue;
        /* A network output must be made by a node, and by its own. */
        if (rewrite.is_output[node->out[0]] && (rewrite.is_output[node->in[0]] || !yk__rewrite_maker(&rewrite, node->in[0])))
            continue;
        yk__rewrite_alias(&rewrite, node->out[0], node->in[0]);
        yk__rewrite_remove(&rewrite, node);
    }
    yk__rewrite_end(&rewrite, changed);
    return code;
}
