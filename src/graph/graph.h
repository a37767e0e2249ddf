/* The network: operators (nodes) on tensors (values), in executable order.
 *
 * A graph is built once, by import or by reading an engine file, changed by the passes of src/optimize, and constant
 * afterwards: then threads may share it. Values and nodes are named by their index, which stays valid until
 * yk__graph_compact. All memory is the graph's arena, except constant data, which may point into a mapping that outlives the
 * graph (yk__model owns both).
 *
 * Operators follow the ONNX definition of the same name at opset 21; import lifts older forms to that. The few operators
 * that are ours (ImageInput, Attention, YolkHead, fused attributes of Conv) are defined in ops.def and docs/operators.md. */
#ifndef YK_GRAPH_GRAPH_H
#define YK_GRAPH_GRAPH_H

#include "base/memory.h"
#include "base/text.h"
#include "graph/tensor.h"

typedef enum yk__op {
    YK__OP_NONE,
#define YK__OPERATOR(ident, name, min_in, max_in, min_out, max_out, attributes, doc) YK__OP_##ident,
#include "graph/ops.def"
#undef YK__OPERATOR
    YK__OP_COUNT
} yk__op;

/* One line of ops.def. max_in and max_out of -1: any number. */
typedef struct yk__op_info {
    yk__op op;
    const char *name;
    int min_in, max_in, min_out, max_out;
    const char *attributes; /* "name:kind[=default]" parted by spaces; kinds: i f s I F (lists), t (tensor) */
    const char *doc;
} yk__op_info;

const yk__op_info *yk__op_info_get(yk__op op); /* NULL for an invalid one */
yk__op yk__op_from_name(const char *name);     /* YK__OP_NONE when unknown */

typedef enum yk__attr_kind { YK__ATTR_INT, YK__ATTR_FLOAT, YK__ATTR_STRING, YK__ATTR_INTS, YK__ATTR_FLOATS } yk__attr_kind;

typedef struct yk__attr {
    const char *name;
    yk__attr_kind kind;
    int32_t n; /* length of ints or floats; bytes of string */
    union {
        int64_t i;
        double f;
        const char *s;
        const int64_t *ints;
        const double *floats;
    };
} yk__attr;

#define YK__NO_VALUE (-1)

typedef struct yk__node {
    yk__op op;
    const char *name; /* as in the source model; never NULL, unique where the source's names are */
    int32_t n_in, n_out, n_attr;
    int32_t *in; /* value indices, YK__NO_VALUE where an optional input is absent */
    int32_t *out;
    yk__attr *attr;
} yk__node;

typedef struct yk__value {
    const char *name; /* never NULL */
    yk__dtype dtype;
    yk__shape shape;  /* as declared or inferred for the export's own input shape; -1 where that is free */
    const void *data; /* a constant's elements, else NULL; aligned to at least the element size */
} yk__value;

typedef struct yk__graph {
    yk__arena arena;
    yk__value *values;
    yk__node *nodes;
    int32_t n_values, n_nodes, n_inputs, n_outputs;
    int32_t values_capacity, nodes_capacity;
    int32_t *inputs; /* value indices of the network's inputs; a YOLO has one, N x C x H x W */
    int32_t *outputs;
} yk__graph;

/* Bounds on what any model may hold: far above every YOLO (yolov8x has under 1,000 nodes), low enough to stop a bomb. */
#define YK__MAX_NODES          100000
#define YK__MAX_VALUES         400000
#define YK__MAX_INPUTS_OF_NODE 4096

void yk__graph_init(yk__graph *graph, size_t arena_budget);
void yk__graph_free(yk__graph *graph);

/* New elements; the index, or -1 when out of memory or over the bounds above (the callers turn that into
 * yk__arena_error). Names and shapes are copied; data is not. */
int32_t yk__graph_add_value(yk__graph *graph, const char *name, yk__dtype dtype, const yk__shape *shape, const void *data);
int32_t yk__graph_add_node(yk__graph *graph, yk__op op, const char *name, const int32_t *in, int n_in, const int32_t *out,
                           int n_out);
/* A constant whose elements are copied into the arena. */
int32_t yk__graph_add_constant(yk__graph *graph, const char *name, yk__dtype dtype, const yk__shape *shape, const void *data);

/* Attributes: set replaces one of the same name; false when out of memory. Getters give the default of the argument when
 * the node has none of that name and kind. */
bool yk__node_set_int(yk__graph *graph, yk__node *node, const char *name, int64_t value);
bool yk__node_set_float(yk__graph *graph, yk__node *node, const char *name, double value);
bool yk__node_set_string(yk__graph *graph, yk__node *node, const char *name, const char *value);
bool yk__node_set_ints(yk__graph *graph, yk__node *node, const char *name, const int64_t *values, int n);
bool yk__node_set_floats(yk__graph *graph, yk__node *node, const char *name, const double *values, int n);
const yk__attr *yk__node_attr(const yk__node *node, const char *name);
int64_t yk__node_int(const yk__node *node, const char *name, int64_t otherwise);
double yk__node_float(const yk__node *node, const char *name, double otherwise);
const char *yk__node_string(const yk__node *node, const char *name, const char *otherwise);
/* Copies at most n; returns how many the attribute has (0 when absent). */
int yk__node_ints(const yk__node *node, const char *name, int64_t *out, int n);

/* For each value: the index of the node that makes it (-1: input or constant) and how many node inputs and graph outputs
 * use it. Arrays of n_values from the given arena; NULL when out of memory. */
int32_t *yk__graph_producers(const yk__graph *graph, yk__arena *arena);
int32_t *yk__graph_use_counts(const yk__graph *graph, yk__arena *arena);
/* Every use of `from` as a node input or graph output becomes `to`. */
void yk__graph_replace_uses(yk__graph *graph, int32_t from, int32_t to);
/* Sorts nodes so that each comes after the makers of its inputs, stable; GRAPH when there is a cycle (named). */
yk__code yk__graph_sort(yk__graph *graph, yk__error *err) YK__MUST_USE;
/* Drops nodes marked YK__OP_NONE, nodes whose outputs nobody uses, and values nobody mentions; renumbers. */
yk__code yk__graph_compact(yk__graph *graph, yk__error *err) YK__MUST_USE;
/* Structure: indices in range, arities of ops.def, attributes known and of their kind, each value made once and before its
 * use, outputs reachable. Run on everything that comes from a file, and by tests after every pass. */
yk__code yk__graph_verify(const yk__graph *graph, yk__error *err) YK__MUST_USE;
/* The graph as text, a line per node: for people, tests and `inspect`. */
void yk__graph_dump(const yk__graph *graph, yk__text *out);

#endif
