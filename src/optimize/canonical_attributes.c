/* One way to write down the same operator: attributes in the order of ops.def, those that say the default left out; windows
 * (kernel, strides, pads, dilations) always spelled out; axes counted from the front; no absent inputs at the end. So graphs
 * from different sources can be compared line by line. */
#include "optimize/passes.h"
#include "optimize/rewrite.h"

#include <string.h>

enum { MOST_ATTRIBUTES = 32, MOST_SPATIAL = YK__MAX_RANK - 2 };

/* One attribute of ops.def: "name:kind" or "name:kind=default". */
typedef struct declared {
    const char *name, *otherwise; /* otherwise: NULL when there is no default */
    int name_length, otherwise_length;
    char kind;
} declared;

static int list_declared(const char *attributes, declared out[MOST_ATTRIBUTES]) {
    int n = 0;
    for (const char *at = attributes; *at && n < MOST_ATTRIBUTES;) {
        int length = (int)strcspn(at, " "), name = (int)strcspn(at, ":");
        bool has_default = length > name + 2 && at[name + 2] == '=';
        out[n++] = (declared){.name = at,
                              .name_length = name,
                              .kind = at[name + 1],
                              .otherwise = has_default ? at + name + 3 : NULL,
                              .otherwise_length = has_default ? length - name - 3 : 0};
        at += length + strspn(at + length, " ");
    }
    return n;
}

static bool says_default(const yk__attr *attr, const declared *d) {
    char text[64] = "";
    if (!d->otherwise || d->otherwise_length >= (int)sizeof text) return false;
    memcpy(text, d->otherwise, (size_t)d->otherwise_length);
    double number;
    switch (attr->kind) {
    case YK__ATTR_INT: return yk__parse_double(text, &number) && (double)attr->i == number;
    case YK__ATTR_FLOAT: return yk__parse_double(text, &number) && (float)attr->f == (float)number;
    case YK__ATTR_STRING: return !strcmp(attr->s, text);
    default: return false;
    }
}

/* Sorts and drops; the node's list only ever shrinks, so it is rewritten in place. */
static bool sort_attributes(yk__node *node) {
    const yk__op_info *info = yk__op_info_get(node->op);
    declared known[MOST_ATTRIBUTES];
    yk__attr sorted[MOST_ATTRIBUTES];
    int n_known = list_declared(info->attributes, known), n = 0;
    for (int i = 0; i < n_known; i++)
        for (int k = 0; k < node->n_attr; k++) {
            const yk__attr *attr = &node->attr[k];
            bool same = (int)strlen(attr->name) == known[i].name_length &&
                        !memcmp(attr->name, known[i].name, (size_t)known[i].name_length);
            if (same && !says_default(attr, &known[i])) sorted[n++] = *attr;
        }
    bool changed = n != node->n_attr;
    for (int k = 0; k < n; k++) changed = changed || sorted[k].name != node->attr[k].name;
    for (int k = 0; k < n; k++) node->attr[k] = sorted[k];
    node->n_attr = n;
    return changed;
}

static bool set_ints(yk__graph *graph, yk__node *node, const char *name, const int64_t *values, int n, bool *changed) {
    if (yk__node_ints(node, name, NULL, 0) == n) return true;
    *changed = true;
    return yk__node_set_ints(graph, node, name, values, n);
}

/* Kernel, strides, pads and dilations in numbers. Automatic padding other than none depends on the size and stays. */
static bool spell_out_window(yk__graph *graph, yk__node *node, bool *changed) {
    bool convolution = node->op == YK__OP_CONV || node->op == YK__OP_CONV_TRANSPOSE;
    bool pool = node->op == YK__OP_MAX_POOL || node->op == YK__OP_AVERAGE_POOL;
    int64_t kernel[MOST_SPATIAL], ones[MOST_SPATIAL], zeros[2 * MOST_SPATIAL] = {0};
    const yk__value *weight = convolution ? yk__constant_of(graph, node->in[1]) : NULL;
    int n = weight ? weight->shape.rank - 2 : pool ? yk__node_ints(node, "kernel_shape", NULL, 0) : 0;
    const char *automatic = yk__node_string(node, "auto_pad", "NOTSET");
    if (n < 1 || n > MOST_SPATIAL) return true;
    for (int i = 0; i < n; i++) {
        ones[i] = 1;
        if (weight) kernel[i] = weight->shape.dim[2 + i];
    }
    bool ok = !weight || set_ints(graph, node, "kernel_shape", kernel, n, changed);
    ok = ok && set_ints(graph, node, "strides", ones, n, changed);
    if (node->op != YK__OP_AVERAGE_POOL || yk__node_attr(node, "dilations"))
        ok = ok && set_ints(graph, node, "dilations", ones, n, changed);
    if (!strcmp(automatic, "VALID")) {
        ok = ok && yk__node_set_ints(graph, node, "pads", zeros, 2 * n) &&
             yk__node_set_string(graph, node, "auto_pad", "NOTSET");
        *changed = true;
    } else if (!strcmp(automatic, "NOTSET") && !yk__node_attr(node, "output_shape")) {
        ok = ok && set_ints(graph, node, "pads", zeros, 2 * n, changed);
    }
    return ok;
}

/* Operators whose `axis` counts dimensions of their first input. */
static bool has_axis(yk__op op) {
    return op == YK__OP_CONCAT || op == YK__OP_SPLIT || op == YK__OP_SOFTMAX || op == YK__OP_GATHER || op == YK__OP_TOP_K ||
           op == YK__OP_ARG_MAX || op == YK__OP_GATHER_ELEMENTS || op == YK__OP_LOG_SOFTMAX;
}

static bool count_axis_from_front(yk__graph *graph, yk__node *node, const yk__inferred *in, bool *changed) {
    if (!has_axis(node->op) || !in) return true;
    int64_t otherwise = node->op == YK__OP_SOFTMAX || node->op == YK__OP_LOG_SOFTMAX || node->op == YK__OP_TOP_K ? -1 : 0;
    int64_t axis = yk__node_int(node, "axis", otherwise);
    if (axis >= 0 || axis + in->shape.rank < 0) return true;
    *changed = true;
    return yk__node_set_int(graph, node, "axis", axis + in->shape.rank);
}

YK__PASS(canonical_attributes) {
    yk__graph *graph = &model->graph;
    yk__rewrite rewrite;
    yk__at_size at = {0};
    yk__code code = yk__rewrite_begin(&rewrite, graph, err);
    if (!code) code = yk__infer_at(model, 0, 0, evaluate, &rewrite.scratch, &at, err);
    if (!yk__is_fatal(code)) code = YK__OK; /* without shapes, negative axes stay */
    for (int i = 0; !code && i < graph->n_nodes; i++) {
        yk__node *node = &graph->nodes[i];
        bool ok = true;
        if (node->op == YK__OP_NONE) continue;
        for (int most = yk__op_info_get(node->op)->min_in; node->n_in > most && node->in[node->n_in - 1] < 0;) {
            node->n_in--;
            rewrite.changed = true;
        }
        if (node->n_in > 0) {
            ok = spell_out_window(graph, node, &rewrite.changed);
            ok = ok && count_axis_from_front(graph, node, yk__at(&at, node->in[0]), &rewrite.changed);
        }
        if (!ok)
            code = yk__arena_error(&graph->arena, "canonical attributes", err);
        else if (sort_attributes(node))
            rewrite.changed = true;
    }
    yk__rewrite_end(&rewrite, changed);
    return code;
}
