/* Finds sizes that are baked into a graph: see size_free.h. Never changes the graph; src/optimize's passes do. */
#include "graph/size_free.h"

#include <string.h>

/* Values that decide shapes are short lists; what is longer is anchors or weights, which decide nothing here. */
enum { MOST_KNOWN = 4096, MOST_ARENA_BYTES = 256 << 20 };

typedef struct sizes {
    const yk__graph *graph;
    const yk__inferred *as_declared, *other; /* n_values each */
} sizes;

/* Whether dimension d of a value differs between the two inferences. */
static bool varies(const sizes *s, int32_t v, int64_t d) {
    return d >= 0 && d < s->as_declared[v].shape.rank && s->as_declared[v].shape.dim[d] != s->other[v].shape.dim[d];
}

static bool is_constant(const yk__graph *graph, const yk__node *node, int input) {
    return input < node->n_in && node->in[input] >= 0 && graph->values[node->in[input]].data;
}

/* Element i of a constant list of integers; `otherwise` when it is no such list or shorter. */
static int64_t element(const yk__graph *graph, const yk__node *node, int input, int64_t i, int64_t otherwise) {
    int64_t count;
    if (!is_constant(graph, node, input)) return otherwise;
    const yk__value *value = &graph->values[node->in[input]];
    if (!yk__shape_count(&value->shape, &count) || i >= count) return otherwise;
    if (value->dtype == YK__DTYPE_I64) return ((const int64_t *)value->data)[i];
    if (value->dtype == YK__DTYPE_I32) return ((const int32_t *)value->data)[i];
    return otherwise;
}

static int64_t product(const yk__shape *shape, int from, int to) {
    int64_t result = 1; /* inferred shapes have at most YK__MAX_ELEMENTS elements: no overflow */
    for (int d = from; d < to; d++) result *= shape->dim[d];
    return result;
}

/* A constant target is right when input and output dimensions, cut into the shortest groups of equal product as declared, have
 * equal products at the other size as well: 1x64x20x20 -> (1,64,-1) has {1|1} {64|64} {20,20|400}, and at batch 3 the first
 * fails. */
static bool reshape_is_bound(const sizes *s, const yk__node *node) {
    const yk__shape *in = &s->as_declared[node->in[0]].shape, *out = &s->as_declared[node->out[0]].shape;
    const yk__shape *in2 = &s->other[node->in[0]].shape, *out2 = &s->other[node->out[0]].shape;
    if (!is_constant(s->graph, node, 1) || in->rank != in2->rank || out->rank != out2->rank) return false;
    int i = 0, o = 0;
    while (i < in->rank && o < out->rank) {
        int i0 = i++, o0 = o++;
        while (product(in, i0, i) != product(out, o0, o)) {
            bool take_in = product(in, i0, i) < product(out, o0, o);
            if (take_in ? i == in->rank : o == out->rank) return false; /* dimensions of size 0: nothing to say */
            *(take_in ? &i : &o) += 1;
        }
        bool last = i == in->rank || o == out->rank; /* what is left is ones: it belongs to this group */
        int i1 = last ? in->rank : i, o1 = last ? out->rank : o;
        if (product(in2, i0, i1) != product(out2, o0, o1)) return true;
        if (last) break;
    }
    return false;
}

/* A constant end that is neither counted from the back nor "to the end", on a dimension that changes. */
static bool slice_is_bound(const sizes *s, const yk__node *node) {
    int rank = s->as_declared[node->in[0]].shape.rank;
    for (int i = 0; is_constant(s->graph, node, 2) && i < YK__MAX_RANK; i++) {
        int64_t end = element(s->graph, node, 2, i, INT64_MAX), axis = element(s->graph, node, 3, i, i);
        if (axis < 0) axis += rank;
        if (end > 0 && end < INT32_MAX && varies(s, node->in[0], axis)) return true;
    }
    return false;
}

static bool gather_is_bound(const sizes *s, const yk__node *node) {
    int64_t axis = yk__node_int(node, "axis", 0);
    if (axis < 0) axis += s->as_declared[node->in[0]].shape.rank;
    return is_constant(s->graph, node, 1) && varies(s, node->in[0], axis);
}

static bool resize_is_bound(const sizes *s, const yk__node *node) {
    return is_constant(s->graph, node, 3) && (varies(s, node->in[0], 2) || varies(s, node->in[0], 3));
}

static bool node_is_bound(const sizes *s, const yk__node *node) {
    if (node->n_in < 1 || node->in[0] < 0 || node->n_out < 1) return false;
    const yk__inferred *x = &s->as_declared[node->in[0]];
    if (x->data || x->dynamic || s->other[node->in[0]].dynamic) return false; /* about shapes, or sized by its content */
    switch (node->op) {
    case YK__OP_RESHAPE: return reshape_is_bound(s, node);
    case YK__OP_SLICE: return slice_is_bound(s, node);
    case YK__OP_GATHER: return gather_is_bound(s, node);
    case YK__OP_RESIZE: return resize_is_bound(s, node);
    default: return false;
    }
}

/* The node that makes a value. */
static const yk__node *maker_of(const yk__graph *graph, int32_t v) {
    for (int i = 0; i < graph->n_nodes; i++)
        for (int k = 0; k < graph->nodes[i].n_out; k++)
            if (graph->nodes[i].out[k] == v) return &graph->nodes[i];
    return NULL;
}

/* The first node that an inference did not get to; NULL when it got to all. */
static const yk__node *first_failure(const yk__graph *graph, const yk__inferred *inferred) {
    for (int i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].n_out && inferred[graph->nodes[i].out[0]].dtype == YK__DTYPE_NONE) return &graph->nodes[i];
    return NULL;
}

/* The first bound node before `end`; NULL for none. */
static const yk__node *find_bound_node(const sizes *s, const yk__node *end) {
    for (int i = 0; i < s->graph->n_nodes && &s->graph->nodes[i] != end; i++)
        if (node_is_bound(s, &s->graph->nodes[i])) return &s->graph->nodes[i];
    return NULL;
}

static bool find_bound(const sizes *s, int64_t batch, int64_t other_batch, const yk__node **culprit) {
    const yk__graph *graph = s->graph;
    *culprit = find_bound_node(s, NULL);
    if (*culprit) return true;
    for (int i = 0; i < graph->n_outputs; i++) {
        int32_t v = graph->outputs[i];
        if (s->as_declared[v].shape.rank < 1 || s->as_declared[v].shape.dim[0] != batch) continue;
        if (s->other[v].shape.dim[0] == other_batch || s->other[v].dynamic) continue;
        *culprit = maker_of(graph, v);
        return true;
    }
    return false;
}

/* The input's shape as declared, free dimensions filled in, and one that differs in all that may differ. */
static void choose_shapes(const yk__value *input, yk__shape *declared, yk__shape *other) {
    bool pictures = input->dtype == YK__DTYPE_U8; /* N x H x W x 3 */
    int row = pictures ? 1 : 2;
    *declared = input->shape;
    for (int d = 0; d < declared->rank; d++)
        if (declared->dim[d] < 0) declared->dim[d] = d == 0 ? 1 : d == row || d == row + 1 ? 128 : 3;
    *other = *declared;
    if (other->rank != 4) return;
    other->dim[0] = 3 * declared->dim[0];
    other->dim[row] = declared->dim[row] == 192 ? 448 : 192;
    other->dim[row + 1] = declared->dim[row + 1] == 320 ? 576 : 320;
}

bool yk__graph_size_free(const yk__graph *graph, yk__evaluate_fn evaluate, const yk__node **culprit) {
    const yk__node *found = NULL;
    yk__shape declared, other;
    yk__error unused = {0};
    yk__arena arena;
    yk__arena_init(&arena, MOST_ARENA_BYTES);
    yk__inferred *a = yk__arena_array(&arena, (size_t)graph->n_values, sizeof *a);
    yk__inferred *b = yk__arena_array(&arena, (size_t)graph->n_values, sizeof *b);
    bool bound = !a || !b || graph->n_inputs != 1;
    if (!bound) {
        choose_shapes(&graph->values[graph->inputs[0]], &declared, &other);
        bound = yk__infer_graph(graph, &declared, evaluate, MOST_KNOWN, &arena, a, &unused) != YK__OK;
        if (bound) found = first_failure(graph, a);
    }
    if (!bound) {
        bound = yk__infer_graph(graph, &other, evaluate, MOST_KNOWN, &arena, b, &unused) != YK__OK;
        if (bound) { /* a baked size is often only felt later: a node before the failure that is bound is to blame */
            sizes s = {graph, a, b};
            const yk__node *failed = first_failure(graph, b), *before = find_bound_node(&s, failed);
            found = before ? before : failed;
        }
    }
    if (!bound) {
        sizes s = {graph, a, b};
        bound = find_bound(&s, declared.dim[0], other.dim[0], &found);
    }
    yk__arena_free(&arena);
    if (culprit) *culprit = found;
    return !bound;
}
