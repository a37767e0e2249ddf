/* Building a graph: values, nodes and attributes, all in the graph's arena. What is replaced stays in the arena until the
 * graph dies; graphs are small and short-lived while they change. */
#include "graph/graph.h"

#include <string.h>

void yk__graph_init(yk__graph *graph, size_t arena_budget) {
    memset(graph, 0, sizeof *graph);
    yk__arena_init(&graph->arena, arena_budget);
}

void yk__graph_free(yk__graph *graph) {
    yk__arena_free(&graph->arena);
    memset(graph, 0, sizeof *graph);
}

/* Makes room for one more element in an array of the arena, doubling it; false when out of memory. */
static bool grow(yk__arena *arena, void **array, int32_t n, int32_t *capacity, size_t element_size) {
    if (n < *capacity) return true;
    int32_t larger = *capacity ? *capacity * 2 : 64; /* capacities stay below 2 * YK__MAX_VALUES: no overflow */
    void *memory = yk__arena_array(arena, (size_t)larger, element_size);
    if (!memory) return false;
    if (n) memcpy(memory, *array, (size_t)n * element_size);
    *array = memory;
    *capacity = larger;
    return true;
}

int32_t yk__graph_add_value(yk__graph *graph, const char *name, yk__dtype dtype, const yk__shape *shape, const void *data) {
    if (graph->n_values >= YK__MAX_VALUES || (shape && (shape->rank < 0 || shape->rank > YK__MAX_RANK))) return -1;
    void *values = graph->values;
    if (!grow(&graph->arena, &values, graph->n_values, &graph->values_capacity, sizeof *graph->values)) return -1;
    graph->values = values;
    yk__value value = {.name = yk__arena_strdup(&graph->arena, name ? name : ""), .dtype = dtype, .data = data};
    if (!value.name) return -1;
    if (shape) value.shape = *shape;
    graph->values[graph->n_values] = value;
    return graph->n_values++;
}

int32_t yk__graph_add_constant(yk__graph *graph, const char *name, yk__dtype dtype, const yk__shape *shape, const void *data) {
    size_t bytes;
    if (!yk__tensor_bytes(dtype, shape, &bytes)) return -1;
    void *copy = yk__arena_aligned(&graph->arena, bytes, YK__CACHE_LINE);
    if (!copy) return -1;
    if (bytes) memcpy(copy, data, bytes);
    return yk__graph_add_value(graph, name, dtype, shape, copy);
}

/* A copy of n indices; never NULL unless out of memory. */
static int32_t *copy_indices(yk__arena *arena, const int32_t *indices, int n) {
    int32_t *copy = yk__arena_array(arena, (size_t)n, sizeof *copy);
    if (copy && n) memcpy(copy, indices, (size_t)n * sizeof *copy);
    return copy;
}

int32_t yk__graph_add_node(yk__graph *graph, yk__op op, const char *name, const int32_t *in, int n_in, const int32_t *out,
                           int n_out) {
    if (graph->n_nodes >= YK__MAX_NODES || n_in < 0 || n_in > YK__MAX_INPUTS_OF_NODE || n_out < 0 ||
        n_out > YK__MAX_INPUTS_OF_NODE)
        return -1;
    void *nodes = graph->nodes;
    if (!grow(&graph->arena, &nodes, graph->n_nodes, &graph->nodes_capacity, sizeof *graph->nodes)) return -1;
    graph->nodes = nodes;
    yk__node node = {.op = op, .n_in = n_in, .n_out = n_out};
    node.name = yk__arena_strdup(&graph->arena, name ? name : "");
    node.in = copy_indices(&graph->arena, in, n_in);
    node.out = copy_indices(&graph->arena, out, n_out);
    if (!node.name || !node.in || !node.out) return -1;
    graph->nodes[graph->n_nodes] = node;
    return graph->n_nodes++;
}

/* Attributes are few (at most about a dozen): a list searched from its front. */
const yk__attr *yk__node_attr(const yk__node *node, const char *name) {
    for (int i = 0; i < node->n_attr; i++)
        if (!strcmp(node->attr[i].name, name)) return &node->attr[i];
    return NULL;
}

/* Puts attr in the place of the one of its name, or behind the last; attr->name is copied when it is new. */
static bool set_attr(yk__graph *graph, yk__node *node, yk__attr attr) {
    for (int i = 0; i < node->n_attr; i++) {
        if (strcmp(node->attr[i].name, attr.name)) continue;
        attr.name = node->attr[i].name;
        node->attr[i] = attr;
        return true;
    }
    yk__attr *more = yk__arena_array(&graph->arena, (size_t)node->n_attr + 1, sizeof *more);
    attr.name = yk__arena_strdup(&graph->arena, attr.name);
    if (!more || !attr.name) return false;
    if (node->n_attr) memcpy(more, node->attr, (size_t)node->n_attr * sizeof *more);
    more[node->n_attr] = attr;
    node->attr = more;
    node->n_attr++;
    return true;
}

bool yk__node_set_int(yk__graph *graph, yk__node *node, const char *name, int64_t value) {
    return set_attr(graph, node, (yk__attr){.name = name, .kind = YK__ATTR_INT, .i = value});
}

bool yk__node_set_float(yk__graph *graph, yk__node *node, const char *name, double value) {
    return set_attr(graph, node, (yk__attr){.name = name, .kind = YK__ATTR_FLOAT, .f = value});
}

bool yk__node_set_string(yk__graph *graph, yk__node *node, const char *name, const char *value) {
    size_t length = strlen(value);
    if (length > INT32_MAX) return false;
    const char *copy = yk__arena_strdup(&graph->arena, value);
    return copy && set_attr(graph, node, (yk__attr){.name = name, .kind = YK__ATTR_STRING, .n = (int32_t)length, .s = copy});
}

bool yk__node_set_ints(yk__graph *graph, yk__node *node, const char *name, const int64_t *values, int n) {
    if (n < 0) return false;
    int64_t *copy = yk__arena_array(&graph->arena, (size_t)n, sizeof *copy);
    if (!copy) return false;
    if (n) memcpy(copy, values, (size_t)n * sizeof *copy);
    return set_attr(graph, node, (yk__attr){.name = name, .kind = YK__ATTR_INTS, .n = n, .ints = copy});
}

bool yk__node_set_floats(yk__graph *graph, yk__node *node, const char *name, const double *values, int n) {
    if (n < 0) return false;
    double *copy = yk__arena_array(&graph->arena, (size_t)n, sizeof *copy);
    if (!copy) return false;
    if (n) memcpy(copy, values, (size_t)n * sizeof *copy);
    return set_attr(graph, node, (yk__attr){.name = name, .kind = YK__ATTR_FLOATS, .n = n, .floats = copy});
}

static const yk__attr *attr_of_kind(const yk__node *node, const char *name, yk__attr_kind kind) {
    const yk__attr *attr = yk__node_attr(node, name);
    return attr && attr->kind == kind ? attr : NULL;
}

int64_t yk__node_int(const yk__node *node, const char *name, int64_t otherwise) {
    const yk__attr *attr = attr_of_kind(node, name, YK__ATTR_INT);
    return attr ? attr->i : otherwise;
}

double yk__node_float(const yk__node *node, const char *name, double otherwise) {
    const yk__attr *attr = attr_of_kind(node, name, YK__ATTR_FLOAT);
    return attr ? attr->f : otherwise;
}

const char *yk__node_string(const yk__node *node, const char *name, const char *otherwise) {
    const yk__attr *attr = attr_of_kind(node, name, YK__ATTR_STRING);
    return attr ? attr->s : otherwise;
}

int yk__node_ints(const yk__node *node, const char *name, int64_t *out, int n) {
    const yk__attr *attr = attr_of_kind(node, name, YK__ATTR_INTS);
    for (int i = 0; attr && i < attr->n && i < n; i++) out[i] = attr->ints[i];
    return attr ? attr->n : 0;
}
