/* Puts the nodes in one order that follows from the network alone: depth first from the outputs, inputs left to right. So a
 * graph that came from a .pt and one that came from its export list the same nodes in the same order, whatever order their
 * sources had; and a node stands close behind what it reads, which keeps few activations alive. */
#include "optimize/passes.h"
#include "optimize/rewrite.h"

#include <string.h>

typedef struct visit {
    int32_t node, next_in;
} visit;

/* Which input of a node to visit as number `turn`. A head's branches are taken level by level (box, classes, extras of one,
 * then the next), not branch by branch: then a level's features are done with before the next level starts. */
static int input_at(const yk__node *node, int turn) {
    int64_t levels = node->op == YK__OP_YOLK_HEAD ? yk__node_int(node, "levels", 0) : 0;
    if (levels < 1 || levels > node->n_in) return turn;
    int per_level = node->n_in / (int)levels, branches = per_level * (int)levels;
    return turn < branches ? turn % per_level * (int)levels + turn / per_level : turn;
}

/* Appends to order[] what `root` needs, then root itself. Each node is pushed once; the stack is at most n_nodes deep. */
static void place(const yk__rewrite *rewrite, int32_t root, bool *seen, visit *stack, int32_t *order, int32_t *n_placed) {
    int depth = 0;
    stack[0] = (visit){root, 0};
    seen[root] = true;
    while (depth >= 0) {
        visit *top = &stack[depth];
        const yk__node *node = &rewrite->graph->nodes[top->node];
        if (top->next_in == node->n_in) {
            order[(*n_placed)++] = top->node;
            depth--;
            continue;
        }
        int32_t value = node->in[input_at(node, top->next_in++)];
        int32_t before = value >= 0 ? rewrite->maker[value] : -1;
        if (before < 0 || seen[before]) continue;
        seen[before] = true;
        stack[++depth] = (visit){before, 0};
    }
}

YK__PASS(canonical_order) {
    (void)evaluate;
    yk__graph *graph = &model->graph;
    yk__rewrite rewrite;
    YK__TRY(yk__graph_compact(graph, err)); /* then every node is reached below */
    yk__code code = yk__rewrite_begin(&rewrite, graph, err);
    size_t n = (size_t)graph->n_nodes;
    bool *seen = yk__arena_array(&rewrite.scratch, n, sizeof *seen);
    visit *stack = yk__arena_array(&rewrite.scratch, n, sizeof *stack);
    int32_t *order = yk__arena_array(&rewrite.scratch, n, sizeof *order), n_placed = 0;
    yk__node *sorted = yk__arena_array(&rewrite.scratch, n, sizeof *sorted);
    if (!code && (!seen || !stack || !order || !sorted)) code = yk__arena_error(&rewrite.scratch, "ordering the graph", err);
    for (int i = 0; !code && i < graph->n_outputs; i++) {
        int32_t root = rewrite.maker[graph->outputs[i]];
        if (root >= 0 && !seen[root]) place(&rewrite, root, seen, stack, order, &n_placed);
    }
    for (int32_t i = 0; !code && i < n_placed; i++) {
        sorted[i] = graph->nodes[order[i]];
        if (order[i] != i) rewrite.changed = true;
    }
    if (!code && n) memcpy(graph->nodes, sorted, (size_t)n_placed * sizeof *sorted);
    if (!code) graph->n_nodes = n_placed;
    yk__rewrite_end(&rewrite, changed);
    return code;
}
