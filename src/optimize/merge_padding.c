/* Merges a constant Pad into the operator behind it, where that pads with the same value by itself: zeros before Conv and
 * before AveragePool (which then counts them), minus infinity before MaxPool. Zeros before a MaxPool stay: they take part in
 * the maximum. */
#include "optimize/passes.h"
#include "optimize/rewrite.h"

#include <math.h>
#include <string.h>

enum { MOST_SPATIAL = YK__MAX_RANK - 2 };

/* Amounts of a Pad of constants as 2 x rank numbers (all begins, all ends) for a value of `rank` dimensions. */
static bool pad_amounts(const yk__graph *graph, const yk__node *pad, int rank, int64_t *amount) {
    int64_t given[2 * YK__MAX_RANK], axes[YK__MAX_RANK];
    int n = yk__constant_ints(graph, pad->in[1], given, 2 * YK__MAX_RANK), n_axes = rank;
    for (int i = 0; i < rank; i++) axes[i] = i;
    if (pad->n_in > 3 && pad->in[3] >= 0) n_axes = yk__constant_ints(graph, pad->in[3], axes, YK__MAX_RANK);
    if (n_axes < 0 || n_axes > rank || n != 2 * n_axes) return false;
    memset(amount, 0, 2 * (size_t)rank * sizeof *amount);
    for (int i = 0; i < n_axes; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis < 0 || axis >= rank || given[i] < 0 || given[n_axes + i] < 0) return false;
        amount[axis] = given[i];
        amount[rank + axis] = given[n_axes + i];
    }
    return amount[0] == 0 && amount[1] == 0 && amount[rank] == 0 && amount[rank + 1] == 0;
}

/* What the operator fills its own border with, and how many spatial dimensions it has; false when it is none of ours. */
static bool border_of(const yk__graph *graph, const yk__node *node, double *border, int *spatial) {
    const yk__value *weight;
    int64_t kernel[MOST_SPATIAL];
    *border = node->op == YK__OP_MAX_POOL ? -INFINITY : 0;
    switch (node->op) {
    case YK__OP_CONV:
        weight = yk__constant_of(graph, node->in[1]);
        *spatial = weight ? weight->shape.rank - 2 : 0;
        break;
    case YK__OP_MAX_POOL:
    case YK__OP_AVERAGE_POOL: *spatial = yk__node_ints(node, "kernel_shape", kernel, MOST_SPATIAL); break;
    default: return false;
    }
    return *spatial >= 1 && *spatial <= MOST_SPATIAL;
}

static bool merge(yk__rewrite *rewrite, yk__node *node, bool *failed) {
    yk__graph *graph = rewrite->graph;
    double border, fill = 0;
    int spatial;
    yk__node *pad = yk__rewrite_sole_maker(rewrite, node->in[0], YK__OP_PAD);
    if (!pad || !border_of(graph, node, &border, &spatial)) return false;
    int64_t amount[2 * YK__MAX_RANK], own[2 * MOST_SPATIAL] = {0};
    if (strcmp(yk__node_string(pad, "mode", "constant"), "constant")) return false;
    if (pad->n_in > 2 && pad->in[2] >= 0 && !yk__constant_scalar(graph, pad->in[2], &fill)) return false;
    if (fill != border || !pad_amounts(graph, pad, spatial + 2, amount)) return false;

    const char *automatic = yk__node_string(node, "auto_pad", "NOTSET");
    int n_own = yk__node_ints(node, "pads", own, 2 * spatial);
    bool explicit_pads = !strcmp(automatic, "NOTSET");
    if ((!explicit_pads && strcmp(automatic, "VALID")) || (n_own && n_own != 2 * spatial)) return false;
    if (!explicit_pads) memset(own, 0, sizeof own);
    bool average = node->op == YK__OP_AVERAGE_POOL, has_own = false;
    for (int i = 0; i < 2 * spatial; i++) has_own = has_own || own[i];
    /* Its own border does not count where count_include_pad is off, the Pad's zeros do: both at once cannot be said. With
     * ceil_mode a window may hang over the end, which is counted differently again. */
    if (average && ((has_own && !yk__node_int(node, "count_include_pad", 0)) || yk__node_int(node, "ceil_mode", 0)))
        return false;
    for (int i = 0; i < spatial; i++) {
        own[i] += amount[2 + i];
        own[spatial + i] += amount[spatial + 2 + 2 + i];
    }
    *failed = !yk__node_set_ints(graph, node, "pads", own, 2 * spatial) ||
              (!explicit_pads && !yk__node_set_string(graph, node, "auto_pad", "NOTSET")) ||
              (average && !yk__node_set_int(graph, node, "count_include_pad", 1));
    int32_t padded = node->in[0], plain = pad->in[0];
    node->in[0] = plain;
    rewrite->uses[padded]--;
    if (plain >= 0 && plain < rewrite->n_values) rewrite->uses[plain]++;
    yk__rewrite_remove(rewrite, pad);
    return true;
}

YK__PASS(merge_padding) {
    (void)evaluate;
    yk__rewrite rewrite;
    yk__code code = yk__rewrite_begin(&rewrite, &model->graph, err);
    for (int i = 0; !code && i < model->graph.n_nodes; i++) {
        bool failed = false;
        yk__node *node = &model->graph.nodes[i];
        if (node->op != YK__OP_NONE && node->n_in > 0) merge(&rewrite, node, &failed);
        if (failed) code = yk__arena_error(&model->graph.arena, "merging a Pad", err);
    }
    yk__rewrite_end(&rewrite, changed);
    return code;
}
