/* Makes constants of what shape arithmetic always gives, whatever the picture's size and the batch: channel counts read off
 * a Shape, halves of them for a split, constant tails of Reshape targets.
 *
 * A value counts as such when three sizes that have nothing in common (the export's; two that differ in batch, height and
 * width, one of them the smallest possible) give it the same elements. Values that hold any part of a size differ there,
 * min(300, anchors) included. Never looks at pixels: only what follows from shapes is known here. */
#include "optimize/passes.h"
#include "optimize/rewrite.h"

#include <string.h>

/* Larger values are weights or anchors: nothing that shape arithmetic makes. */
enum { MOST_ELEMENTS = 64, N_SIZES = 3 };

static bool same(const yk__inferred *a, const yk__inferred *b) {
    size_t bytes;
    return a->data && b->data && a->dtype == b->dtype && yk__shape_equal(&a->shape, &b->shape) &&
           yk__tensor_bytes(a->dtype, &a->shape, &bytes) && !memcmp(a->data, b->data, bytes);
}

static yk__code fold_outputs(yk__graph *graph, const yk__node *node, const yk__at_size *at, bool *folded, yk__error *err) {
    *folded = false;
    for (int k = 0; k < node->n_out; k++) {
        int32_t v = node->out[k];
        int64_t count;
        const yk__inferred *known = yk__at(&at[0], v);
        if (!known || !yk__shape_count(&known->shape, &count) || count > MOST_ELEMENTS) return YK__OK;
        for (int s = 1; s < N_SIZES; s++)
            if (!same(known, &at[s].value[v])) return YK__OK;
    }
    for (int k = 0; k < node->n_out; k++) {
        const yk__inferred *known = &at[0].value[node->out[k]];
        yk__value *value = &graph->values[node->out[k]];
        size_t bytes = 0;
        if (!yk__tensor_bytes(known->dtype, &known->shape, &bytes)) return YK__OK;
        void *data = yk__arena_aligned(&graph->arena, bytes, YK__CACHE_LINE);
        if (!data) return yk__arena_error(&graph->arena, "folding shapes", err);
        if (bytes) memcpy(data, known->data, bytes);
        *value = (yk__value){.name = value->name, .dtype = known->dtype, .shape = known->shape, .data = data};
    }
    *folded = true;
    return YK__OK;
}

YK__PASS(fold_shapes) {
    if (!evaluate) return YK__OK;
    static const int64_t size[N_SIZES][2] = {{0, 0}, {3, 5}, {2, 1}}; /* batch, steps */
    yk__rewrite rewrite;
    yk__at_size at[N_SIZES];
    yk__code code = yk__rewrite_begin(&rewrite, &model->graph, err);
    for (int s = 0; !code && s < N_SIZES; s++)
        code = yk__infer_at(model, size[s][0], size[s][1], evaluate, &rewrite.scratch, &at[s], err);
    for (int i = 0; !code && i < model->graph.n_nodes; i++) {
        yk__node *node = &model->graph.nodes[i];
        bool folded;
        code = fold_outputs(&model->graph, node, at, &folded, err);
        if (!code && folded) yk__rewrite_remove(&rewrite, node);
    }
    yk__rewrite_end(&rewrite, changed);
    return yk__is_fatal(code) ? code : YK__OK;
}
