/* One node for several that compute the same: equal operator, attributes and inputs. Equal small constants become one first,
 * so that nodes written out with their own copies of a constant are seen to be equal. */
#include "optimize/passes.h"
#include "optimize/rewrite.h"

#include <string.h>

/* Larger constants are weights; those that are equal bytes are stored once by the engine file anyway. */
enum { SMALL_CONSTANT_BYTES = 256 };

static uint64_t mix(uint64_t hash, const void *bytes, size_t size) { /* FNV-1a, 64 bit */
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) hash = (hash ^ at[i]) * UINT64_C(1099511628211);
    return hash;
}

static const uint64_t hash_seed = UINT64_C(14695981039346656037);

static const void *attr_payload(const yk__attr *attr, size_t *size) {
    switch (attr->kind) {
    case YK__ATTR_INT: *size = sizeof attr->i; return &attr->i;
    case YK__ATTR_FLOAT: *size = sizeof attr->f; return &attr->f;
    case YK__ATTR_STRING: *size = strlen(attr->s); return attr->s;
    case YK__ATTR_INTS: *size = (size_t)attr->n * sizeof *attr->ints; return attr->ints;
    case YK__ATTR_FLOATS: *size = (size_t)attr->n * sizeof *attr->floats; return attr->floats;
    }
    *size = 0;
    return NULL;
}

/* Attributes are summed, so that their order does not matter. */
static uint64_t hash_node(const yk__node *node) {
    uint64_t hash = mix(hash_seed, &node->op, sizeof node->op), sum = 0;
    hash = mix(hash, node->in, (size_t)node->n_in * sizeof *node->in);
    for (int i = 0; i < node->n_attr; i++) {
        size_t size;
        const void *payload = attr_payload(&node->attr[i], &size);
        sum += mix(mix(hash_seed, node->attr[i].name, strlen(node->attr[i].name)), payload, size);
    }
    return mix(hash, &sum, sizeof sum);
}

static bool equal_nodes(const yk__node *a, const yk__node *b) {
    if (a->op != b->op || a->n_in != b->n_in || a->n_out != b->n_out || a->n_attr != b->n_attr) return false;
    if (a->n_in && memcmp(a->in, b->in, (size_t)a->n_in * sizeof *a->in)) return false;
    for (int i = 0; i < a->n_attr; i++) {
        const yk__attr *other = yk__node_attr(b, a->attr[i].name);
        if (!other || other->kind != a->attr[i].kind) return false;
        size_t size, other_size;
        const void *payload = attr_payload(&a->attr[i], &size), *other_payload = attr_payload(other, &other_size);
        if (size != other_size || (size && memcmp(payload, other_payload, size))) return false;
    }
    return true;
}

static uint64_t hash_constant(const yk__value *value, size_t bytes) {
    uint64_t hash = mix(hash_seed, &value->dtype, sizeof value->dtype);
    hash = mix(hash, &value->shape.rank, sizeof value->shape.rank);
    hash = mix(hash, value->shape.dim, (size_t)value->shape.rank * sizeof *value->shape.dim);
    return mix(hash, value->data, bytes);
}

static bool small_constant(const yk__value *value, size_t *bytes) {
    return value->data && yk__tensor_bytes(value->dtype, &value->shape, bytes) && *bytes <= SMALL_CONSTANT_BYTES;
}

static bool equal_constants(const yk__value *a, const yk__value *b) {
    size_t bytes;
    return a->dtype == b->dtype && yk__shape_equal(&a->shape, &b->shape) && small_constant(a, &bytes) &&
           small_constant(b, &bytes) && !memcmp(a->data, b->data, bytes);
}

/* Open addressing; slots hold index + 1. A hostile file can make all hashes fall together, so a search gives up after a
 * while: then equal things simply stay apart. */
enum { MOST_PROBES = 64 };

typedef struct table {
    int32_t *slot;
    uint64_t mask;
} table;

static bool table_make(table *t, yk__arena *arena, int n) {
    uint64_t size = 64;
    while (size < 2 * (uint64_t)n) size *= 2;
    t->slot = yk__arena_array(arena, size, sizeof *t->slot);
    t->mask = size - 1;
    return t->slot != NULL;
}

static void merge_constants(yk__rewrite *rewrite, table *t) {
    yk__graph *graph = rewrite->graph;
    for (int32_t v = 0; v < rewrite->n_values; v++) {
        size_t bytes;
        if (!small_constant(&graph->values[v], &bytes) || rewrite->uses[v] == 0 || rewrite->is_output[v]) continue;
        uint64_t at = hash_constant(&graph->values[v], bytes);
        for (int probe = 0; probe < MOST_PROBES; probe++, at++) {
            int32_t *slot = &t->slot[at & t->mask];
            if (!*slot) {
                *slot = v + 1;
                break;
            }
            if (!equal_constants(&graph->values[*slot - 1], &graph->values[v])) continue;
            yk__rewrite_alias(rewrite, v, *slot - 1);
            break;
        }
    }
}

static void merge_node(yk__rewrite *rewrite, table *t, int32_t index) {
    yk__graph *graph = rewrite->graph;
    yk__node *node = &graph->nodes[index];
    uint64_t at = hash_node(node);
    for (int probe = 0; probe < MOST_PROBES; probe++, at++) {
        int32_t *slot = &t->slot[at & t->mask];
        if (!*slot) {
            *slot = index + 1;
            return;
        }
        const yk__node *first = &graph->nodes[*slot - 1];
        if (!equal_nodes(first, node)) continue;
        for (int k = 0; k < node->n_out; k++) /* the network's outputs keep their makers and names */
            if (rewrite->is_output[node->out[k]]) return;
        for (int k = 0; k < node->n_out; k++) yk__rewrite_alias(rewrite, node->out[k], first->out[k]);
        yk__rewrite_remove(rewrite, node);
        return;
    }
}

YK__PASS(merge_identical) {
    (void)evaluate;
    yk__rewrite rewrite;
    table constants = {0}, nodes = {0};
    yk__code code = yk__rewrite_begin(&rewrite, &model->graph, err);
    if (!code && (!table_make(&constants, &rewrite.scratch, rewrite.n_values) ||
                  !table_make(&nodes, &rewrite.scratch, model->graph.n_nodes)))
        code = yk__arena_error(&rewrite.scratch, "merging identical nodes", err);
    if (!code) merge_constants(&rewrite, &constants);
    for (int32_t i = 0; !code && i < model->graph.n_nodes; i++) {
        yk__node *node = &model->graph.nodes[i];
        if (node->op == YK__OP_NONE) continue;
        yk__rewrite_resolve(&rewrite, node);
        merge_node(&rewrite, &nodes, i);
    }
    yk__rewrite_end(&rewrite, changed);
    return code;
}
