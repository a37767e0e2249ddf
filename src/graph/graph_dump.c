/* A graph as text, a line per node, the same text for the same graph:
 *
 *   inputs: images:f32[1x3x640x640]
 *      0 Conv /model.0/conv: x:f32[1x16x320x320] <- images, w:f32[16x3x3x3], b:f32[16] {pads=[1,1,1,1] strides=[2,2]}
 *      1 Reshape /model.22/r: y:f32[1x144x6400] <- x, shape:i64[3]=(1,144,-1)
 *   outputs: y
 *
 * A value shows its type and shape where it is made or constant, small constants their elements too. A value without a name
 * is %index. Control bytes in names are shown as "?", so that a line stays a line. */
#include <string.h>

#include "graph/graph.h"

/* Constants of at most this many elements are written out: bounds, axes, shapes and scales all fit. */
enum { ELEMENTS_SHOWN = 8 };

static void add_name(yk__text *out, const char *name) {
    for (const char *at = name; *at; at++) yk__text_add_char(out, (unsigned char)*at < 0x20 || *at == 0x7f ? '?' : *at);
}

static void add_double(yk__text *out, double value) {
    char text[32];
    yk__format_double(text, value);
    yk__text_add(out, text);
}

static void add_float(yk__text *out, float value) {
    char text[32];
    yk__format_float(text, value);
    yk__text_add(out, text);
}

static void add_element(yk__text *out, yk__dtype dtype, const void *data, int64_t i) {
    switch (dtype) {
    case YK__DTYPE_F32: add_float(out, ((const float *)data)[i]); break;
    case YK__DTYPE_F16: add_float(out, yk__half_to_float(((const uint16_t *)data)[i])); break;
    case YK__DTYPE_BF16: add_float(out, yk__bf16_to_float(((const uint16_t *)data)[i])); break;
    case YK__DTYPE_F64: add_double(out, ((const double *)data)[i]); break;
    case YK__DTYPE_I8: yk__text_printf(out, "%d", ((const int8_t *)data)[i]); break;
    case YK__DTYPE_U8: yk__text_printf(out, "%u", ((const uint8_t *)data)[i]); break;
    case YK__DTYPE_I16: yk__text_printf(out, "%d", ((const int16_t *)data)[i]); break;
    case YK__DTYPE_U16: yk__text_printf(out, "%u", ((const uint16_t *)data)[i]); break;
    case YK__DTYPE_I32: yk__text_printf(out, "%d", ((const int32_t *)data)[i]); break;
    case YK__DTYPE_U32: yk__text_printf(out, "%u", ((const uint32_t *)data)[i]); break;
    case YK__DTYPE_I64: yk__text_printf(out, "%lld", (long long)((const int64_t *)data)[i]); break;
    case YK__DTYPE_U64: yk__text_printf(out, "%llu", (unsigned long long)((const uint64_t *)data)[i]); break;
    case YK__DTYPE_BOOL: yk__text_add(out, ((const uint8_t *)data)[i] ? "true" : "false"); break;
    default: break;
    }
}

static void add_value_name(yk__text *out, const yk__graph *graph, int32_t index) {
    if (index == YK__NO_VALUE)
        yk__text_add(out, "-");
    else if (*graph->values[index].name)
        add_name(out, graph->values[index].name);
    else
        yk__text_printf(out, "%%%d", index);
}

/* name:f32[1x3], a scalar's brackets empty. */
static void add_typed_value(yk__text *out, const yk__graph *graph, int32_t index) {
    const yk__value *value = &graph->values[index];
    char shape[128];
    add_value_name(out, graph, index);
    yk__text_printf(out, ":%s[%s]", yk__dtype_name(value->dtype),
                    value->shape.rank ? yk__shape_text(&value->shape, shape) : "");
}

static void add_input(yk__text *out, const yk__graph *graph, int32_t index) {
    int64_t count;
    if (index == YK__NO_VALUE || !graph->values[index].data) {
        add_value_name(out, graph, index);
        return;
    }
    const yk__value *value = &graph->values[index];
    add_typed_value(out, graph, index);
    if (!yk__shape_count(&value->shape, &count) || count > ELEMENTS_SHOWN) return;
    yk__text_add(out, "=(");
    for (int64_t i = 0; i < count; i++) {
        if (i) yk__text_add_char(out, ',');
        add_element(out, value->dtype, value->data, i);
    }
    yk__text_add_char(out, ')');
}

static void add_attribute(yk__text *out, const yk__attr *attr) {
    add_name(out, attr->name);
    yk__text_add_char(out, '=');
    switch (attr->kind) {
    case YK__ATTR_INT: yk__text_printf(out, "%lld", (long long)attr->i); break;
    case YK__ATTR_FLOAT: add_double(out, attr->f); break;
    case YK__ATTR_STRING: add_name(out, attr->s); break;
    case YK__ATTR_INTS:
        yk__text_add_char(out, '[');
        for (int i = 0; i < attr->n; i++) yk__text_printf(out, "%s%lld", i ? "," : "", (long long)attr->ints[i]);
        yk__text_add_char(out, ']');
        break;
    case YK__ATTR_FLOATS:
        yk__text_add_char(out, '[');
        for (int i = 0; i < attr->n; i++) {
            if (i) yk__text_add_char(out, ',');
            add_double(out, attr->floats[i]);
        }
        yk__text_add_char(out, ']');
        break;
    }
}

static void add_node(yk__text *out, const yk__graph *graph, int index) {
    const yk__node *node = &graph->nodes[index];
    const yk__op_info *info = yk__op_info_get(node->op);
    yk__text_printf(out, "%4d %s ", index, info ? info->name : "(removed)");
    add_name(out, node->name);
    yk__text_add_char(out, ':');
    for (int k = 0; k < node->n_out; k++) {
        yk__text_add(out, k ? ", " : " ");
        if (node->out[k] == YK__NO_VALUE)
            yk__text_add_char(out, '-');
        else
            add_typed_value(out, graph, node->out[k]);
    }
    yk__text_add(out, " <-");
    for (int k = 0; k < node->n_in; k++) {
        yk__text_add(out, k ? ", " : " ");
        add_input(out, graph, node->in[k]);
    }
    for (int k = 0; k < node->n_attr; k++) {
        yk__text_add(out, k ? " " : " {");
        add_attribute(out, &node->attr[k]);
    }
    yk__text_add(out, node->n_attr ? "}\n" : "\n");
}

void yk__graph_dump(const yk__graph *graph, yk__text *out) {
    yk__text_add(out, "inputs:");
    for (int i = 0; i < graph->n_inputs; i++) {
        yk__text_add(out, i ? ", " : " ");
        add_typed_value(out, graph, graph->inputs[i]);
    }
    yk__text_add_char(out, '\n');
    for (int i = 0; i < graph->n_nodes; i++) add_node(out, graph, i);
    yk__text_add(out, "outputs:");
    for (int i = 0; i < graph->n_outputs; i++) {
        yk__text_add(out, i ? ", " : " ");
        add_value_name(out, graph, graph->outputs[i]);
    }
    yk__text_add_char(out, '\n');
}
