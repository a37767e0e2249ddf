/* Lifting: ONNX nodes of any supported opset become nodes of the graph in the one form of ops.def.
 *
 * onnx_lift.c walks the graph and keeps the names; onnx_lift_*.c hold the operators whose older forms differ; onnx_flow.c
 * inlines functions and constant conditions. All of it is internal to the import room. */
#ifndef YK_IMPORT_ONNX_LIFT_H
#define YK_IMPORT_ONNX_LIFT_H

#include "graph/graph.h"
#include "import/name_table.h"
#include "import/onnx_tensor.h"

/* Functions inside functions, branches inside branches. */
#define YK__LIFT_MAX_DEPTH 16

/* What is being lifted: the main graph, a function's body, or a branch. */
typedef struct yk__lift_scope {
    yk__names names;    /* value names to value indices */
    yk__names declared; /* value names to the n-th entry of `types` */
    const Onnx__ValueInfoProto **types;
    int32_t n_types;
    const char *prefix;                 /* of node and value names, "" in the main graph */
    int64_t opset;                      /* of the standard domain */
    const struct yk__onnx_node *caller; /* whose attributes a function's body may refer to; NULL outside functions */
} yk__lift_scope;

typedef struct yk__lift {
    const Onnx__ModelProto *model;
    yk__onnx_tensors tensors;
    yk__graph *graph;
    yk__arena *scratch; /* dies with the import */
    yk__lift_scope *scope;
    int32_t *maker; /* for each value the node that makes it, -1 for others */
    int32_t maker_capacity;
    int32_t n_lifted; /* nodes looked at, calls included: bounds what nested calls may multiply to */
    int depth;
    yk__error *err;
} yk__lift;

typedef struct yk__onnx_attr {
    const char *name;
    const Onnx__AttributeProto *proto; /* with a reference to the caller's attribute resolved */
    bool used;
} yk__onnx_attr;

/* A node with its names resolved to values. */
typedef struct yk__onnx_node {
    const Onnx__NodeProto *proto;
    const char *name, *type; /* never NULL or empty */
    yk__op op;               /* of the table; NONE where the operator leaves no node of its own */
    int64_t opset;
    int32_t n_in, n_out, n_attr;
    int32_t *in; /* YK__NO_VALUE where absent; trailing absent ones are cut */
    int32_t *out;
    yk__onnx_attr *attr;
} yk__onnx_node;

typedef yk__code (*yk__lift_fn)(yk__lift *lift, yk__onnx_node *node);

/* A line of onnx_ops.def. */
typedef struct yk__onnx_op {
    const char *name;
    yk__op op;
    int since;
    yk__lift_fn lift;
} yk__onnx_op;

const yk__onnx_op *yk__onnx_op_find(const char *name);
#define YK__ONNX(name, ident, since, function, note) yk__code yk__lift_##function(yk__lift *lift, yk__onnx_node *node);
#include "import/onnx_ops.def"
#undef YK__ONNX

/* UNSUPPORTED with a reason where yolk cannot lift this node: its domain, operator or opset. Looks at nothing else. */
yk__code yk__onnx_check_node(const Onnx__ModelProto *model, const Onnx__NodeProto *node, int64_t opset,
                             yk__error *err) YK__MUST_USE;
/* The same for every node of the model's graph and functions; *bad: the first that fails. */
yk__code yk__onnx_check_nodes(const Onnx__ModelProto *model, int64_t opset, const Onnx__NodeProto **bad,
                              yk__error *err) YK__MUST_USE;
/* The model-local function that the node calls, or NULL. */
const Onnx__FunctionProto *yk__onnx_function_of(const Onnx__ModelProto *model, const Onnx__NodeProto *node);

/* The model's graph, lifted into *graph: inputs, outputs, nodes, constants. */
yk__code yk__lift_model(const Onnx__ModelProto *model, yk__onnx_tensors *tensors, yk__error *err) YK__MUST_USE;
/* Nodes of a body in the present scope. */
yk__code yk__lift_nodes(yk__lift *lift, Onnx__NodeProto **nodes, size_t n) YK__MUST_USE;
yk__code yk__lift_initializers(yk__lift *lift, const Onnx__GraphProto *graph) YK__MUST_USE;
yk__code yk__lift_declare(yk__lift *lift, const Onnx__GraphProto *graph) YK__MUST_USE;
/* onnx_flow.c: replaces the call by the function's body. */
yk__code yk__lift_function(yk__lift *lift, yk__onnx_node *node, const Onnx__FunctionProto *function) YK__MUST_USE;

/* Fails with "node "n" (Op, opset v): ...". */
yk__code yk__lift_fail(yk__lift *lift, const yk__onnx_node *node, yk__code code, const char *format, ...) YK__PRINTF(4, 5);
yk__code yk__lift_no_memory(yk__lift *lift);

/* The attribute of that name, marked as used; NULL when absent. */
const Onnx__AttributeProto *yk__lift_attr(yk__onnx_node *node, const char *name);
/* The same with the type checked: *out keeps its value when the attribute is absent; *there (may be NULL) says whether it was.
 */
yk__code yk__lift_attr_int(yk__lift *lift, yk__onnx_node *node, const char *name, int64_t *out, bool *there) YK__MUST_USE;
yk__code yk__lift_attr_float(yk__lift *lift, yk__onnx_node *node, const char *name, float *out, bool *there) YK__MUST_USE;
/* The list inside the file; *list NULL when absent. */
yk__code yk__lift_attr_ints(yk__lift *lift, yk__onnx_node *node, const char *name, const int64_t **list,
                            size_t *n) YK__MUST_USE;

/* Adds a graph node with the ONNX node's outputs and all its attributes that are not used yet, which must be ones that ops.def
 * gives the operator. Missing outputs that the operator always makes are added. */
yk__code yk__lift_emit(yk__lift *lift, yk__onnx_node *node, yk__op op, const int32_t *in, int n_in) YK__MUST_USE;
/* A helper node "name/suffix" with one new output, without attributes; its index among the nodes in *made, the output returned
 * in *out. */
yk__code yk__lift_step(yk__lift *lift, const yk__onnx_node *node, yk__op op, const char *suffix, const int32_t *in, int n_in,
                       int32_t *out, yk__node **made) YK__MUST_USE;
/* New constants "name/suffix". */
yk__code yk__lift_ints(yk__lift *lift, const yk__onnx_node *node, const char *suffix, const int64_t *values, size_t n,
                       int32_t *out) YK__MUST_USE;
/* One number of the given floating-point type. */
yk__code yk__lift_float(yk__lift *lift, const yk__onnx_node *node, const char *suffix, yk__dtype dtype, double value,
                        int32_t *out) YK__MUST_USE;
/* The value becomes a constant. */
void yk__lift_set_constant(yk__lift *lift, int32_t value, yk__dtype dtype, const yk__shape *shape, const void *data);
/* The value's rank where it can be told without inference, else -1. */
int yk__lift_rank(const yk__lift *lift, int32_t value);
/* The value's type where declared, else f32: what networks compute in. */
yk__dtype yk__lift_float_type(const yk__lift *lift, int32_t value);
/* Whether the value is a constant of one bool, and which. */
bool yk__lift_constant_bool(const yk__lift *lift, int32_t value, bool *out);
/* A constant with no elements: exporters pass one where an optional input is meant to be absent. */
bool yk__lift_is_empty(const yk__lift *lift, int32_t value);

#endif
