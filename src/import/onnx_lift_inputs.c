/* Operators whose settings were attributes in older opsets and are inputs today: the attribute becomes a constant. */
#include <string.h>

#include "import/onnx_lift.h"

/* The first input, then a constant of the attribute `name` as the second; plain where the attribute is absent. */
static yk__code ints_to_second_input(yk__lift *lift, yk__onnx_node *node, const char *name) {
    const int64_t *list;
    size_t n;
    YK__TRY(yk__lift_attr_ints(lift, node, name, &list, &n));
    if (!list) return yk__lift_plain(lift, node);
    if (node->n_in != 1) return yk__lift_fail(lift, node, YK__GRAPH, "%d inputs beside the attribute \"%s\"", node->n_in, name);
    int32_t in[2] = {node->in[0], YK__NO_VALUE};
    YK__TRY(yk__lift_ints(lift, node, name, list, n, &in[1]));
    return yk__lift_emit(lift, node, node->op, in, 2);
}

/* Squeeze, Unsqueeze, ReduceX. */
yk__code yk__lift_axes(yk__lift *lift, yk__onnx_node *node) {
    return ints_to_second_input(lift, node, "axes");
}

/* Without sizes, opset 18 wants the number of parts said; before, it was the number of outputs. */
yk__code yk__lift_split(yk__lift *lift, yk__onnx_node *node) {
    const int64_t *list;
    size_t n;
    YK__TRY(yk__lift_attr_ints(lift, node, "split", &list, &n));
    if (list || node->n_in != 1) {
        for (int32_t i = 0; i < node->n_attr; i++)
            node->attr[i].used = node->attr[i].used && strcmp(node->attr[i].name, "split") != 0;
        return ints_to_second_input(lift, node, "split");
    }
    int64_t parts = node->n_out;
    YK__TRY(yk__lift_attr_int(lift, node, "num_outputs", &parts, NULL));
    if (parts != node->n_out) {
        return yk__lift_fail(lift, node, YK__GRAPH, "num_outputs is %lld, but it has %d outputs", (long long)parts,
                             node->n_out);
    }
    YK__TRY(yk__lift_emit(lift, node, node->op, node->in, 1));
    yk__node *const made = &lift->graph->nodes[lift->graph->n_nodes - 1];
    return yk__node_set_int(lift->graph, made, "num_outputs", parts) ? YK__OK : yk__lift_no_memory(lift);
}

yk__code yk__lift_slice(yk__lift *lift, yk__onnx_node *node) {
    if (node->opset >= 10) return yk__lift_plain(lift, node);
    static const char *const names[] = {"starts", "ends", "axes"};
    int32_t in[4] = {node->n_in > 0 ? node->in[0] : YK__NO_VALUE, YK__NO_VALUE, YK__NO_VALUE, YK__NO_VALUE};
    for (int i = 0; i < 3; i++) {
        const int64_t *list;
        size_t n;
        YK__TRY(yk__lift_attr_ints(lift, node, names[i], &list, &n));
        if (list) {
            YK__TRY(yk__lift_ints(lift, node, names[i], list, n, &in[i + 1]));
        } else if (i < 2) {
            return yk__lift_fail(lift, node, YK__FORMAT, "it has no attribute \"%s\"", names[i]);
        }
    }
    return yk__lift_emit(lift, node, node->op, in, 4);
}

yk__code yk__lift_clip(yk__lift *lift, yk__onnx_node *node) {
    if (node->opset >= 11) return yk__lift_plain(lift, node);
    static const char *const names[] = {"min", "max"};
    int32_t in[3] = {node->n_in > 0 ? node->in[0] : YK__NO_VALUE, YK__NO_VALUE, YK__NO_VALUE};
    for (int i = 0; i < 2; i++) {
        float bound = 0;
        bool there;
        YK__TRY(yk__lift_attr_float(lift, node, names[i], &bound, &there));
        if (there) YK__TRY(yk__lift_float(lift, node, names[i], yk__lift_float_type(lift, in[0]), (double)bound, &in[i + 1]));
    }
    return yk__lift_emit(lift, node, node->op, in, 3);
}

yk__code yk__lift_pad(yk__lift *lift, yk__onnx_node *node) {
    if (node->opset >= 11) return yk__lift_plain(lift, node);
    int32_t in[3] = {node->n_in > 0 ? node->in[0] : YK__NO_VALUE, YK__NO_VALUE, YK__NO_VALUE};
    const int64_t *pads;
    size_t n;
    float value = 0;
    YK__TRY(yk__lift_attr_ints(lift, node, "pads", &pads, &n));
    YK__TRY(yk__lift_attr_float(lift, node, "value", &value, NULL));
    if (!pads) return yk__lift_fail(lift, node, YK__FORMAT, "it has no attribute \"pads\"");
    YK__TRY(yk__lift_ints(lift, node, "pads", pads, n, &in[1]));
    YK__TRY(yk__lift_float(lift, node, "value", yk__lift_float_type(lift, in[0]), (double)value, &in[2]));
    return yk__lift_emit(lift, node, node->op, in, 3);
}

yk__code yk__lift_top_k(yk__lift *lift, yk__onnx_node *node) {
    int64_t k = 0;
    bool there;
    YK__TRY(yk__lift_attr_int(lift, node, "k", &k, &there));
    if (!there) return yk__lift_plain(lift, node);
    int32_t in[2] = {node->n_in > 0 ? node->in[0] : YK__NO_VALUE, YK__NO_VALUE};
    YK__TRY(yk__lift_ints(lift, node, "k", &k, 1, &in[1]));
    return yk__lift_emit(lift, node, node->op, in, 2);
}
