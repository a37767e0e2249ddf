/* The structure of a graph, checked so that everything after may index without looking: run on whatever comes from a file.
 * Shapes and what operators demand of their inputs are yk__infer_node's; this file must not know them. */
#include <string.h>

#include "graph/graph.h"

/* Names go into messages cut to this many bytes, so that the rest of the message is not lost. */
enum { NAME_SHOWN = 120 };

/* Attributes without a default that the operator cannot do without. */
static const struct {
    yk__op op;
    const char *attribute;
} required[] = {
    {YK__OP_ATTENTION, "heads"},          {YK__OP_ATTENTION, "dim_key"},        {YK__OP_ATTENTION, "dim_value"},
    {YK__OP_ATTENTION, "scale"},          {YK__OP_YOLK_HEAD, "levels"},         {YK__OP_YOLK_HEAD, "strides"},
    {YK__OP_YOLK_HEAD, "classes"},        {YK__OP_MAX_POOL, "kernel_shape"},    {YK__OP_AVERAGE_POOL, "kernel_shape"},
    {YK__OP_LP_POOL, "kernel_shape"},     {YK__OP_EINSUM, "equation"},          {YK__OP_CONCAT, "axis"},
    {YK__OP_DEPTH_TO_SPACE, "blocksize"}, {YK__OP_SPACE_TO_DEPTH, "blocksize"}, {YK__OP_CAST, "to"},
};

static const char *kind_name(yk__attr_kind kind) {
    switch (kind) {
    case YK__ATTR_INT: return "an integer";
    case YK__ATTR_FLOAT: return "a float";
    case YK__ATTR_STRING: return "a string";
    case YK__ATTR_INTS: return "a list of integers";
    case YK__ATTR_FLOATS: return "a list of floats";
    }
    return "of an unknown kind";
}

/* The kind that ops.def gives the attribute; false when the operator has none of that name. */
static bool find_kind(const char *attributes, const char *name, yk__attr_kind *kind) {
    size_t length = strlen(name);
    for (const char *at = attributes; length && *at;) {
        const char *end = at + strcspn(at, " ");
        if ((size_t)(end - at) > length && at[length] == ':' && !memcmp(at, name, length)) {
            switch (at[length + 1]) {
            case 'i': *kind = YK__ATTR_INT; return true;
            case 'f': *kind = YK__ATTR_FLOAT; return true;
            case 's': *kind = YK__ATTR_STRING; return true;
            case 'I': *kind = YK__ATTR_INTS; return true;
            case 'F': *kind = YK__ATTR_FLOATS; return true;
            default: return false;
            }
        }
        at = end + strspn(end, " ");
    }
    return false;
}

static yk__code verify_value(const yk__graph *graph, int32_t index, yk__error *err) {
    const yk__value *value = &graph->values[index];
    size_t bytes;
    char shape[128];
    if (!value->name) return yk__fail(err, YK__GRAPH, "value %d has no name", index);
    if ((int)value->dtype < YK__DTYPE_NONE || (int)value->dtype >= YK__DTYPE_COUNT)
        return yk__fail(err, YK__GRAPH, "value %d (%.*s): element type %d is none that yolk knows", index, NAME_SHOWN,
                        value->name, (int)value->dtype);
    if (value->shape.rank < 0 || value->shape.rank > YK__MAX_RANK)
        return yk__fail(err, YK__GRAPH, "value %d (%.*s): rank %d is outside 0..%d", index, NAME_SHOWN, value->name,
                        value->shape.rank, YK__MAX_RANK);
    for (int i = 0; i < value->shape.rank; i++)
        if (value->shape.dim[i] < -1)
            return yk__fail(err, YK__GRAPH, "value %d (%.*s): dimension %d is %lld; sizes are 0 and more, or -1 for free",
                            index, NAME_SHOWN, value->name, i, (long long)value->shape.dim[i]);
    if (!value->data) return YK__OK;
    if (!yk__tensor_bytes(value->dtype, &value->shape, &bytes))
        return yk__fail(err, YK__GRAPH, "constant %d (%.*s): type %s and shape %s do not give a size", index, NAME_SHOWN,
                        value->name, yk__dtype_name(value->dtype), yk__shape_text(&value->shape, shape));
    if ((uintptr_t)value->data % yk__dtype_size(value->dtype))
        return yk__fail(err, YK__GRAPH, "constant %d (%.*s): its data are not aligned to %zu bytes", index, NAME_SHOWN,
                        value->name, yk__dtype_size(value->dtype));
    return YK__OK;
}

/* made[v]: the value exists at this point of the order, as an input, a constant or an output of a node before. */
static yk__code verify_inputs(const yk__graph *graph, bool *made, yk__error *err) {
    for (int v = 0; v < graph->n_values; v++) made[v] = graph->values[v].data != NULL;
    for (int i = 0; i < graph->n_inputs; i++) {
        int32_t v = graph->inputs[i];
        if (v < 0 || v >= graph->n_values)
            return yk__fail(err, YK__GRAPH, "network input %d names value %d of %d", i, v, graph->n_values);
        if (made[v])
            return yk__fail(err, YK__GRAPH, "network input %d (%.*s) is %s", i, NAME_SHOWN, graph->values[v].name,
                            graph->values[v].data ? "a constant" : "listed twice");
        if (graph->values[v].dtype == YK__DTYPE_NONE)
            return yk__fail(err, YK__GRAPH, "network input %d (%.*s) has no element type", i, NAME_SHOWN,
                            graph->values[v].name);
        made[v] = true;
    }
    return YK__OK;
}

static yk__code verify_arity(const yk__node *node, const yk__op_info *info, int index, yk__error *err) {
    if (node->n_in < info->min_in || (info->max_in >= 0 && node->n_in > info->max_in) || node->n_in > YK__MAX_INPUTS_OF_NODE)
        return yk__fail(err, YK__GRAPH, "node %d (%s %.*s): %d inputs; the operator takes %d to %d", index, info->name,
                        NAME_SHOWN, node->name, node->n_in, info->min_in,
                        info->max_in < 0 ? YK__MAX_INPUTS_OF_NODE : info->max_in);
    if (node->n_out < info->min_out || (info->max_out >= 0 && node->n_out > info->max_out) ||
        node->n_out > YK__MAX_INPUTS_OF_NODE)
        return yk__fail(err, YK__GRAPH, "node %d (%s %.*s): %d outputs; the operator makes %d to %d", index, info->name,
                        NAME_SHOWN, node->name, node->n_out, info->min_out,
                        info->max_out < 0 ? YK__MAX_INPUTS_OF_NODE : info->max_out);
    if ((node->n_in && !node->in) || (node->n_out && !node->out) || (node->n_attr && !node->attr))
        return yk__fail(err, YK__GRAPH, "node %d (%s %.*s): a list of it is missing", index, info->name, NAME_SHOWN,
                        node->name);
    return YK__OK;
}

static yk__code verify_node_inputs(const yk__graph *graph, const yk__op_info *info, int index, const bool *made,
                                   yk__error *err) {
    const yk__node *node = &graph->nodes[index];
    for (int k = 0; k < node->n_in; k++) {
        int32_t v = node->in[k];
        if (v == YK__NO_VALUE && k >= info->min_in && info->max_in >= 0) continue;
        if (v == YK__NO_VALUE)
            return yk__fail(err, YK__GRAPH, "node %d (%s %.*s): input %d is absent and the operator needs it", index,
                            info->name, NAME_SHOWN, node->name, k);
        if (v < 0 || v >= graph->n_values)
            return yk__fail(err, YK__GRAPH, "node %d (%s %.*s): input %d names value %d of %d", index, info->name, NAME_SHOWN,
                            node->name, k, v, graph->n_values);
        if (!made[v])
            return yk__fail(err, YK__GRAPH,
                            "node %d (%s %.*s): input %d (%.*s) is used before anything makes it; nodes must follow the makers "
                            "of their inputs",
                            index, info->name, NAME_SHOWN, node->name, k, NAME_SHOWN, graph->values[v].name);
    }
    return YK__OK;
}

static yk__code verify_node_outputs(const yk__graph *graph, const yk__op_info *info, int index, bool *made, yk__error *err) {
    const yk__node *node = &graph->nodes[index];
    for (int k = 0; k < node->n_out; k++) {
        int32_t v = node->out[k];
        if (v < 0 || v >= graph->n_values)
            return yk__fail(err, YK__GRAPH, "node %d (%s %.*s): output %d names value %d of %d", index, info->name, NAME_SHOWN,
                            node->name, k, v, graph->n_values);
        if (made[v])
            return yk__fail(err, YK__GRAPH,
                            "node %d (%s %.*s): output %d (%.*s) exists already, as %s; each value is made exactly once", index,
                            info->name, NAME_SHOWN, node->name, k, NAME_SHOWN, graph->values[v].name,
                            graph->values[v].data ? "a constant" : "a network input or an earlier output");
        made[v] = true;
    }
    return YK__OK;
}

static yk__code verify_attribute(const yk__node *node, const yk__op_info *info, int index, int k, yk__error *err) {
    const yk__attr *attr = &node->attr[k];
    yk__attr_kind kind;
    if (!attr->name)
        return yk__fail(err, YK__GRAPH, "node %d (%s %.*s): attribute %d has no name", index, info->name, NAME_SHOWN,
                        node->name, k);
    if (!find_kind(info->attributes, attr->name, &kind))
        return yk__fail(err, YK__GRAPH, "node %d (%s %.*s): the operator has no attribute \"%.*s\"%s%s", index, info->name,
                        NAME_SHOWN, node->name, NAME_SHOWN, attr->name, *info->attributes ? "; it has " : "", info->attributes);
    if (attr->kind != kind)
        return yk__fail(err, YK__GRAPH, "node %d (%s %.*s): attribute \"%s\" is %s where the operator wants %s", index,
                        info->name, NAME_SHOWN, node->name, attr->name, kind_name(attr->kind), kind_name(kind));
    bool missing = (kind == YK__ATTR_STRING && !attr->s) || (kind == YK__ATTR_INTS && attr->n > 0 && !attr->ints) ||
                   (kind == YK__ATTR_FLOATS && attr->n > 0 && !attr->floats);
    if (missing || attr->n < 0)
        return yk__fail(err, YK__GRAPH, "node %d (%s %.*s): attribute \"%s\" has no content", index, info->name, NAME_SHOWN,
                        node->name, attr->name);
    for (int before = 0; before < k; before++)
        if (!strcmp(node->attr[before].name, attr->name))
            return yk__fail(err, YK__GRAPH, "node %d (%s %.*s): attribute \"%s\" is given twice", index, info->name, NAME_SHOWN,
                            node->name, attr->name);
    return YK__OK;
}

static yk__code verify_attributes(const yk__node *node, const yk__op_info *info, int index, yk__error *err) {
    if (node->n_attr < 0)
        return yk__fail(err, YK__GRAPH, "node %d (%s %.*s): %d attributes", index, info->name, NAME_SHOWN, node->name,
                        node->n_attr);
    for (int k = 0; k < node->n_attr; k++) YK__TRY(verify_attribute(node, info, index, k, err));
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (required[i].op == node->op && !yk__node_attr(node, required[i].attribute))
            return yk__fail(err, YK__GRAPH, "node %d (%s %.*s): attribute \"%s\" is missing and has no default", index,
                            info->name, NAME_SHOWN, node->name, required[i].attribute);
    return YK__OK;
}

static yk__code verify_node(const yk__graph *graph, int index, bool *made, yk__error *err) {
    const yk__node *node = &graph->nodes[index];
    const yk__op_info *info = yk__op_info_get(node->op);
    if (!node->name) return yk__fail(err, YK__GRAPH, "node %d has no name", index);
    if (node->op == YK__OP_NONE)
        return yk__fail(err, YK__GRAPH, "node %d (%.*s) is marked as removed; the graph was not compacted", index, NAME_SHOWN,
                        node->name);
    if (!info)
        return yk__fail(err, YK__GRAPH, "node %d (%.*s): operator %d is none that yolk knows", index, NAME_SHOWN, node->name,
                        (int)node->op);
    YK__TRY(verify_arity(node, info, index, err));
    YK__TRY(verify_node_inputs(graph, info, index, made, err));
    YK__TRY(verify_node_outputs(graph, info, index, made, err));
    return verify_attributes(node, info, index, err);
}

static yk__code verify_outputs(const yk__graph *graph, const bool *made, yk__error *err) {
    if (graph->n_outputs < 1) return yk__fail(err, YK__GRAPH, "the network has no output");
    for (int i = 0; i < graph->n_outputs; i++) {
        int32_t v = graph->outputs[i];
        if (v < 0 || v >= graph->n_values)
            return yk__fail(err, YK__GRAPH, "network output %d names value %d of %d", i, v, graph->n_values);
        if (!made[v])
            return yk__fail(err, YK__GRAPH, "network output %d (%.*s): no node makes it", i, NAME_SHOWN, graph->values[v].name);
    }
    return YK__OK;
}

static yk__code verify_counts(const yk__graph *graph, yk__error *err) {
    if (graph->n_nodes < 0 || graph->n_nodes > YK__MAX_NODES)
        return yk__fail(err, YK__LIMIT, "%d nodes; at most %d are allowed", graph->n_nodes, YK__MAX_NODES);
    if (graph->n_values < 0 || graph->n_values > YK__MAX_VALUES)
        return yk__fail(err, YK__LIMIT, "%d values; at most %d are allowed", graph->n_values, YK__MAX_VALUES);
    if (graph->n_inputs < 0 || graph->n_inputs > graph->n_values || graph->n_outputs < 0 || graph->n_outputs > YK__MAX_VALUES)
        return yk__fail(err, YK__LIMIT, "%d network inputs and %d outputs for %d values", graph->n_inputs, graph->n_outputs,
                        graph->n_values);
    if ((graph->n_nodes && !graph->nodes) || (graph->n_values && !graph->values) || (graph->n_inputs && !graph->inputs) ||
        (graph->n_outputs && !graph->outputs))
        return yk__fail(err, YK__GRAPH, "a list of the graph is missing");
    return YK__OK;
}

yk__code yk__graph_verify(const yk__graph *graph, yk__error *err) {
    YK__TRY(verify_counts(graph, err));
    for (int v = 0; v < graph->n_values; v++) YK__TRY(verify_value(graph, v, err));
    yk__arena scratch;
    yk__arena_init(&scratch, 0);
    bool *made = yk__arena_array(&scratch, (size_t)graph->n_values, sizeof *made);
    yk__code code = made ? verify_inputs(graph, made, err) : yk__arena_error(&scratch, "verifying the graph", err);
    for (int i = 0; !code && i < graph->n_nodes; i++) code = verify_node(graph, i, made, err);
    if (!code) code = verify_outputs(graph, made, err);
    yk__arena_free(&scratch);
    return code;
}
