/* Running parts of a graph on made-up numbers: see prove.h. Knows no pattern and accepts nothing by itself. */
#include "optimize/prove.h"

#include <stdlib.h>
#include <string.h>

/* A tensor larger than this is not tried: the tail of a YOLO at 1280 pixels with a stride-4 level has 50 MB in one. */
#define MOST_BYTES ((int64_t)1 << 30)

static int rising(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Sort key of a frontier value: its maker, inputs of the graph first. */
typedef struct keyed {
    int32_t maker, value;
} keyed;

static int by_maker(const void *a, const void *b) {
    const keyed *x = a, *y = b;
    if (x->maker != y->maker) return (x->maker > y->maker) - (x->maker < y->maker);
    return (x->value > y->value) - (x->value < y->value);
}

yk__code yk__cone_collect(const yk__rewrite *rewrite, const yk__at_size *at, const int32_t *targets, int n_targets,
                          yk__inside_fn inside, int max_nodes, yk__arena *arena, yk__cone *out, yk__error *err) {
    const yk__graph *graph = rewrite->graph;
    bool *seen_value = yk__arena_array(arena, (size_t)graph->n_values, sizeof *seen_value);
    bool *seen_node = yk__arena_array(arena, (size_t)graph->n_nodes, sizeof *seen_node);
    int32_t *stack = yk__arena_array(arena, (size_t)graph->n_values, sizeof *stack), depth = 0;
    keyed *frontier = yk__arena_array(arena, (size_t)graph->n_values, sizeof *frontier);
    memset(out, 0, sizeof *out);
    out->nodes = yk__arena_array(arena, (size_t)max_nodes + 1, sizeof *out->nodes);
    if (!seen_value || !seen_node || !stack || !frontier || !out->nodes)
        return yk__arena_error(arena, "collecting a pattern", err);
    for (int i = 0; i < n_targets; i++) {
        if (targets[i] < 0 || targets[i] >= rewrite->n_values || seen_value[targets[i]]) continue;
        seen_value[targets[i]] = true;
        stack[depth++] = targets[i];
    }
    while (depth > 0) {
        int32_t v = stack[--depth];
        if (at->value[v].data) continue; /* a constant, or follows from shapes */
        int32_t maker = rewrite->maker[v];
        const yk__node *node = maker >= 0 ? &graph->nodes[maker] : NULL;
        if (!node || !inside(graph, rewrite, node)) {
            frontier[out->n_frontier++] = (keyed){maker, v};
            continue;
        }
        if (seen_node[maker]) continue;
        seen_node[maker] = true;
        if (out->n_nodes >= max_nodes)
            return yk__fail(err, YK__UNSUPPORTED, "the pattern behind %s has over %d nodes", node->name, max_nodes);
        out->nodes[out->n_nodes++] = maker;
        for (int k = 0; k < node->n_in; k++) {
            int32_t in = node->in[k];
            if (in < 0 || in >= rewrite->n_values || seen_value[in]) continue;
            seen_value[in] = true;
            stack[depth++] = in;
        }
    }
    qsort(out->nodes, (size_t)out->n_nodes, sizeof *out->nodes, rising);
    qsort(frontier, (size_t)out->n_frontier, sizeof *frontier, by_maker);
    out->frontier = yk__arena_array(arena, (size_t)out->n_frontier, sizeof *out->frontier);
    if (!out->frontier) return yk__arena_error(arena, "collecting a pattern", err);
    for (int32_t i = 0; i < out->n_frontier; i++) out->frontier[i] = frontier[i].value;
    return YK__OK;
}

void yk__release(yk__tensor *tensors, int n) {
    for (int i = 0; i < n; i++) {
        yk__free(tensors[i].data);
        tensors[i] = (yk__tensor){0};
    }
}

float *yk__made_up(int64_t count) {
    return count >= 0 && count <= MOST_BYTES / (int64_t)sizeof(float) ? yk__alloc_array((size_t)count + 1, sizeof(float))
                                                                      : NULL;
}

/* Memory for a node's results by their inferred shapes. */
static yk__code make_results(const yk__node *node, const yk__inferred *shape, yk__tensor *out, yk__error *err) {
    for (int k = 0; k < node->n_out; k++) out[k] = (yk__tensor){0};
    for (int k = 0; k < node->n_out; k++) {
        size_t bytes;
        if (!yk__tensor_bytes(shape[k].dtype, &shape[k].shape, &bytes) || bytes > (size_t)MOST_BYTES)
            return yk__fail(err, YK__UNSUPPORTED, "node %s: its result is too large for a proof, or its size is not known",
                            node->name);
        out[k] = (yk__tensor){.dtype = shape[k].dtype, .shape = shape[k].shape, .data = yk__alloc(bytes + 1)};
        if (!out[k].data) return yk__fail(err, YK__MEMORY, "no memory to try node %s", node->name);
    }
    return YK__OK;
}

yk__code yk__run_node(const yk__node *node, const yk__tensor *in, yk__evaluate_fn evaluate, yk__tensor *out, yk__error *err) {
    yk__arena scratch;
    yk__arena_init(&scratch, 0);
    yk__inferred *shape_in = yk__arena_array(&scratch, (size_t)node->n_in, sizeof *shape_in);
    yk__inferred *shape_out = yk__arena_array(&scratch, (size_t)node->n_out, sizeof *shape_out);
    yk__code code = shape_in && shape_out ? YK__OK : yk__arena_error(&scratch, "trying a node", err);
    for (int k = 0; !code && k < node->n_in; k++)
        shape_in[k] = (yk__inferred){.dtype = in[k].dtype, .shape = in[k].shape, .data = in[k].data};
    for (int k = 0; k < node->n_out; k++) out[k] = (yk__tensor){0};
    if (!code) code = yk__infer_node(node, shape_in, shape_out, err);
    if (!code) code = make_results(node, shape_out, out, err);
    if (!code) code = evaluate(node, in, out, &scratch, err);
    if (code) yk__release(out, node->n_out);
    yk__arena_free(&scratch);
    return code;
}

/* Runs node `step` of the cone and gives back what was read here for the last time. */
static yk__code run_step(const yk__node *node, int32_t step, const int32_t *last_use, yk__evaluate_fn evaluate,
                         yk__tensor *tensor, yk__arena *arena, yk__error *err) {
    yk__tensor *in = yk__arena_array(arena, (size_t)node->n_in, sizeof *in);
    yk__tensor *out = yk__arena_array(arena, (size_t)node->n_out, sizeof *out);
    if (!in || !out) return yk__arena_error(arena, "trying a pattern", err);
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] >= 0) in[k] = tensor[node->in[k]];
    YK__TRY(yk__run_node(node, in, evaluate, out, err));
    for (int k = 0; k < node->n_out; k++) {
        if (last_use[node->out[k]] < 0) yk__release(&out[k], 1); /* nobody reads it */
        tensor[node->out[k]] = out[k];
    }
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] >= 0 && last_use[node->in[k]] == step) yk__release(&tensor[node->in[k]], 1);
    return YK__OK;
}

/* For each value that the cone makes the last step that reads it, n_nodes for targets, -1 for none; -2 for all others, which
 * are not ours to give back. */
static int32_t *find_last_uses(const yk__graph *graph, const yk__cone *cone, const int32_t *targets, int n_targets,
                               yk__arena *arena) {
    int32_t *last = yk__arena_array(arena, (size_t)graph->n_values, sizeof *last);
    if (!last) return NULL;
    for (int32_t v = 0; v < graph->n_values; v++) last[v] = -2;
    for (int32_t i = 0; i < cone->n_nodes; i++) {
        const yk__node *node = &graph->nodes[cone->nodes[i]];
        for (int k = 0; k < node->n_out; k++) last[node->out[k]] = -1;
        for (int k = 0; k < node->n_in; k++)
            if (node->in[k] >= 0 && last[node->in[k]] != -2) last[node->in[k]] = i;
    }
    for (int i = 0; i < n_targets; i++)
        if (last[targets[i]] != -2) last[targets[i]] = cone->n_nodes;
    return last;
}

yk__code yk__cone_run(const yk__graph *graph, const yk__at_size *at, const yk__cone *cone, const yk__tensor *frontier_data,
                      const int32_t *targets, int n_targets, yk__evaluate_fn evaluate, yk__tensor *target_data,
                      yk__error *err) {
    yk__arena arena;
    yk__arena_init(&arena, 0);
    yk__tensor *tensor = yk__arena_array(&arena, (size_t)graph->n_values, sizeof *tensor);
    const int32_t *last_use = find_last_uses(graph, cone, targets, n_targets, &arena);
    yk__code code = tensor && last_use ? YK__OK : yk__arena_error(&arena, "trying a pattern", err);
    for (int32_t v = 0; !code && v < graph->n_values; v++) { /* constants and what follows from shapes */
        const yk__inferred *value = &at->value[v];
        if (last_use[v] == -2) tensor[v] = (yk__tensor){value->dtype, value->shape, (void *)(uintptr_t)value->data};
    }
    for (int32_t i = 0; !code && i < cone->n_frontier; i++) tensor[cone->frontier[i]] = frontier_data[i];
    for (int32_t i = 0; !code && i < cone->n_nodes; i++)
        code = run_step(&graph->nodes[cone->nodes[i]], i, last_use, evaluate, tensor, &arena, err);
    for (int i = 0; i < n_targets; i++) {
        target_data[i] = (yk__tensor){0};
        if (code || last_use[targets[i]] != cone->n_nodes) continue;
        target_data[i] = tensor[targets[i]];
        tensor[targets[i]] = (yk__tensor){0};
    }
    for (int32_t v = 0; tensor && last_use && v < graph->n_values; v++)
        if (last_use[v] != -2) yk__release(&tensor[v], 1);
    yk__arena_free(&arena);
    return code;
}

double yk__random_unit(yk__random *random) { /* xorshift64*, Marsaglia and Vigna */
    uint64_t x = random->state ? random->state : UINT64_C(0x9E3779B97F4A7C15);
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    random->state = x;
    return (double)((x * UINT64_C(0x2545F4914F6CDD1D)) >> 11) * 0x1p-53;
}

double yk__random_normal(yk__random *random, double sigma) {
    double sum = -6;
    for (int i = 0; i < 12; i++) sum += yk__random_unit(random);
    return sum * sigma;
}
