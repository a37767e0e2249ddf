/* The order of nodes and who uses what: producers, use counts, sorting, dropping what nobody needs.
 *
 * A node marked YK__OP_NONE is gone: it makes and uses nothing, and yk__graph_compact removes it. Nothing here recurses;
 * walks keep their own stack, as deep as a graph may be. */
#include <string.h>

#include "graph/graph.h"

int32_t *yk__graph_producers(const yk__graph *graph, yk__arena *arena) {
    int32_t *maker = yk__arena_array(arena, (size_t)graph->n_values, sizeof *maker);
    if (!maker) return NULL;
    for (int v = 0; v < graph->n_values; v++) maker[v] = -1;
    for (int i = 0; i < graph->n_nodes; i++) {
        const yk__node *node = &graph->nodes[i];
        for (int k = 0; node->op != YK__OP_NONE && k < node->n_out; k++)
            if (node->out[k] >= 0) maker[node->out[k]] = i;
    }
    return maker;
}

int32_t *yk__graph_use_counts(const yk__graph *graph, yk__arena *arena) {
    int32_t *uses = yk__arena_array(arena, (size_t)graph->n_values, sizeof *uses);
    if (!uses) return NULL;
    for (int i = 0; i < graph->n_nodes; i++) {
        const yk__node *node = &graph->nodes[i];
        for (int k = 0; node->op != YK__OP_NONE && k < node->n_in; k++)
            if (node->in[k] >= 0) uses[node->in[k]]++;
    }
    for (int i = 0; i < graph->n_outputs; i++) uses[graph->outputs[i]]++;
    return uses;
}

void yk__graph_replace_uses(yk__graph *graph, int32_t from, int32_t to) {
    for (int i = 0; i < graph->n_nodes; i++)
        for (int k = 0; k < graph->nodes[i].n_in; k++)
            if (graph->nodes[i].in[k] == from) graph->nodes[i].in[k] = to;
    for (int i = 0; i < graph->n_outputs; i++)
        if (graph->outputs[i] == from) graph->outputs[i] = to;
}

/* One node whose inputs are being visited. */
typedef struct visit {
    int32_t node, next_in;
} visit;

enum { NOT_SEEN, ON_STACK, PLACED };

/* "a -> b -> a": the nodes on the stack from the one met again, at most eight of them. */
static yk__code cycle_error(const yk__graph *graph, const visit *stack, int depth, int32_t met, yk__error *err) {
    int first = depth;
    yk__text text = {0};
    while (first > 0 && stack[first].node != met) first--;
    for (int i = depth; i >= first && depth - i < 8; i--) {
        const char *name = graph->nodes[stack[i].node].name;
        yk__text_add_n(&text, name, yk__utf8_prefix(name, strnlen(name, 80)));
        yk__text_add(&text, " -> ");
    }
    yk__code code =
        yk__fail(err, YK__GRAPH, "the graph has a cycle of %d nodes: %s%s; a network must be free of cycles", depth - first + 1,
                 yk__text_get(&text), depth - first < 8 ? graph->nodes[stack[depth].node].name : "...");
    yk__text_free(&text);
    return code;
}

/* Depth first from each node in the present order: makers of inputs are placed before it, all else stays as it was. */
static yk__code order_nodes(const yk__graph *graph, const int32_t *maker, uint8_t *state, visit *stack, int32_t *order,
                            yk__error *err) {
    int n_placed = 0;
    for (int i = 0; i < graph->n_nodes; i++) {
        if (state[i] == PLACED) continue;
        int depth = 0;
        stack[0] = (visit){i, 0};
        state[i] = ON_STACK;
        while (depth >= 0) {
            visit *top = &stack[depth];
            const yk__node *node = &graph->nodes[top->node];
            if (node->op == YK__OP_NONE || top->next_in == node->n_in) {
                state[top->node] = PLACED;
                order[n_placed++] = top->node;
                depth--;
                continue;
            }
            int32_t value = node->in[top->next_in++];
            int32_t before = value >= 0 ? maker[value] : -1;
            if (before < 0 || state[before] == PLACED) continue;
            if (state[before] == ON_STACK) return cycle_error(graph, stack, depth, before, err);
            state[before] = ON_STACK;
            stack[++depth] = (visit){before, 0};
        }
    }
    return YK__OK;
}

yk__code yk__graph_sort(yk__graph *graph, yk__error *err) {
    yk__code code = YK__OK;
    yk__arena scratch;
    yk__arena_init(&scratch, 0);
    size_t n = (size_t)graph->n_nodes;
    const int32_t *maker = yk__graph_producers(graph, &scratch);
    uint8_t *state = yk__arena_alloc(&scratch, n);
    visit *stack = yk__arena_array(&scratch, n, sizeof *stack);
    int32_t *order = yk__arena_array(&scratch, n, sizeof *order);
    yk__node *sorted = yk__arena_array(&scratch, n, sizeof *sorted);
    if (!maker || !state || !stack || !order || !sorted) code = yk__arena_error(&scratch, "sorting the graph", err);
    if (!code) code = order_nodes(graph, maker, state, stack, order, err);
    if (!code && n) {
        for (size_t i = 0; i < n; i++) sorted[i] = graph->nodes[order[i]];
        memcpy(graph->nodes, sorted, n * sizeof *sorted);
    }
    yk__arena_free(&scratch);
    return code;
}

/* Marks the nodes that graph outputs depend on, each pushed at most once. */
static void mark_live(const yk__graph *graph, const int32_t *maker, bool *live, int32_t *stack) {
    int depth = 0;
    for (int i = 0; i < graph->n_outputs; i++) {
        int32_t node = maker[graph->outputs[i]];
        if (node < 0 || live[node]) continue;
        live[node] = true;
        stack[depth++] = node;
    }
    while (depth > 0) {
        const yk__node *node = &graph->nodes[stack[--depth]];
        for (int k = 0; k < node->n_in; k++) {
            int32_t before = node->in[k] >= 0 ? maker[node->in[k]] : -1;
            if (before < 0 || live[before]) continue;
            live[before] = true;
            stack[depth++] = before;
        }
    }
}

static void mention(int32_t *renumbered, const int32_t *values, int n) {
    for (int i = 0; i < n; i++)
        if (values[i] >= 0) renumbered[values[i]] = 0;
}

static void renumber(const int32_t *renumbered, int32_t *values, int n) {
    for (int i = 0; i < n; i++)
        if (values[i] >= 0) values[i] = renumbered[values[i]];
}

static void keep_live_nodes(yk__graph *graph, const bool *live) {
    int kept = 0;
    for (int i = 0; i < graph->n_nodes; i++)
        if (live[i]) graph->nodes[kept++] = graph->nodes[i];
    graph->n_nodes = kept;
}

static void keep_mentioned_values(yk__graph *graph, int32_t *renumbered) {
    int kept = 0;
    for (int v = 0; v < graph->n_values; v++) renumbered[v] = -1;
    mention(renumbered, graph->inputs, graph->n_inputs);
    mention(renumbered, graph->outputs, graph->n_outputs);
    for (int i = 0; i < graph->n_nodes; i++) {
        mention(renumbered, graph->nodes[i].in, graph->nodes[i].n_in);
        mention(renumbered, graph->nodes[i].out, graph->nodes[i].n_out);
    }
    for (int v = 0; v < graph->n_values; v++) {
        if (renumbered[v] < 0) continue;
        graph->values[kept] = graph->values[v];
        renumbered[v] = kept++;
    }
    graph->n_values = kept;
    renumber(renumbered, graph->inputs, graph->n_inputs);
    renumber(renumbered, graph->outputs, graph->n_outputs);
    for (int i = 0; i < graph->n_nodes; i++) {
        renumber(renumbered, graph->nodes[i].in, graph->nodes[i].n_in);
        renumber(renumbered, graph->nodes[i].out, graph->nodes[i].n_out);
    }
}

yk__code yk__graph_compact(yk__graph *graph, yk__error *err) {
    yk__code code = YK__OK;
    yk__arena scratch;
    yk__arena_init(&scratch, 0);
    const int32_t *maker = yk__graph_producers(graph, &scratch);
    bool *live = yk__arena_array(&scratch, (size_t)graph->n_nodes, sizeof *live);
    int32_t *stack = yk__arena_array(&scratch, (size_t)graph->n_nodes, sizeof *stack);
    int32_t *renumbered = yk__arena_array(&scratch, (size_t)graph->n_values, sizeof *renumbered);
    if (!maker || !live || !stack || !renumbered) {
        code = yk__arena_error(&scratch, "compacting the graph", err);
    } else {
        mark_live(graph, maker, live, stack);
        keep_live_nodes(graph, live);
        keep_mentioned_values(graph, renumbered);
    }
    yk__arena_free(&scratch);
    return code;
}
