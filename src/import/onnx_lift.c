/* The walk over an ONNX graph: names become values, each node goes to its lifting function. See onnx_lift.h. */
#include "import/onnx_lift.h"

#include <string.h>

#include "import/onnx_order.h"

/* Attributes of one node; ONNX's own operators have at most 15. */
#define MAX_ATTRIBUTES 64

/* Names in messages are cut to this many bytes, so that the reason behind them is not lost. */
#define NAME_SHOWN 120

static const yk__onnx_op TABLE[] = {
#define YK__ONNX(name, ident, since, function, note) {name, YK__OP_##ident, since, yk__lift_##function},
#include "import/onnx_ops.def"
#undef YK__ONNX
};

const yk__onnx_op *yk__onnx_op_find(const char *name) {
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        if (strcmp(TABLE[i].name, name) == 0) return &TABLE[i];
    }
    return NULL;
}

/* ---- errors ---- */

yk__code yk__lift_fail(yk__lift *lift, const yk__onnx_node *node, yk__code code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)yk__fail_v(lift->err, code, format, args);
    va_end(args);
    (void)yk__fail_prefix(lift->err, code, "node \"%.*s\" (%.60s, opset %lld)", NAME_SHOWN, node->name, node->type,
                          (long long)node->opset);
    return code;
}

/* An adder gave -1: over a bound of the graph, over the arena's budget, or no memory. */
yk__code yk__lift_no_memory(yk__lift *lift) {
    const yk__graph *const graph = lift->graph;
    if (graph->n_nodes >= YK__MAX_NODES || graph->n_values >= YK__MAX_VALUES) {
        return yk__fail(lift->err, YK__LIMIT, "the network has more than %d nodes or %d values", YK__MAX_NODES, YK__MAX_VALUES);
    }
    return yk__arena_error(&graph->arena, "the network", lift->err);
}

static yk__code no_scratch(yk__lift *lift) {
    return yk__arena_error(lift->scratch, "the network's names", lift->err);
}

/* ---- support ---- */

const Onnx__FunctionProto *yk__onnx_function_of(const Onnx__ModelProto *model, const Onnx__NodeProto *node) {
    for (size_t i = 0; i < model->n_functions; i++) {
        const Onnx__FunctionProto *const f = model->functions[i];
        if (f->name && node->op_type && strcmp(f->name, node->op_type) == 0 &&
            strcmp(f->domain ? f->domain : "", node->domain ? node->domain : "") == 0) {
            return f;
        }
    }
    return NULL;
}

static bool is_quantised(const char *type) {
    static const char *const names[] = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger",
                                        "MatMulInteger"};
    if (strncmp(type, "QLinear", 7) == 0) return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(type, names[i]) == 0) return true;
    }
    return false;
}

static const char *remedy_for(const char *type, bool standard) {
    if (is_quantised(type)) return "int8 models are not supported yet; export the model in fp32 or fp16";
    if (!standard) return "operators outside the ONNX standard are not supported; export the model without them";
    if (!strcmp(type, "Loop") || !strcmp(type, "Scan")) return "loops are not supported; export the model without them";
    return "docs/operators.md lists what is; export the model without it";
}

yk__code yk__onnx_check_node(const Onnx__ModelProto *model, const Onnx__NodeProto *node, int64_t opset, yk__error *err) {
    const char *const type = node->op_type ? node->op_type : "";
    const char *const name = node->name && node->name[0] ? node->name : node->n_output > 0 ? node->output[0] : "(unnamed)";
    const bool standard = yk__onnx_is_standard_domain(node->domain);
    if (type[0] == '\0') return yk__fail(err, YK__FORMAT, "node \"%.*s\" names no operator", NAME_SHOWN, name);
    if (yk__onnx_function_of(model, node)) return YK__OK;
    const yk__onnx_op *const op = standard ? yk__onnx_op_find(type) : NULL;
    if (!op) {
        return yk__fail(err, YK__UNSUPPORTED, "node \"%.*s\": operator %.60s%s%.60s (opset %lld) is not supported: %s",
                        NAME_SHOWN, name, standard ? "" : node->domain, standard ? "" : "::", type, (long long)opset,
                        remedy_for(type, standard));
    }
    if (opset < op->since) {
        return yk__fail(err, YK__GRAPH, "node \"%.*s\": operator %s came with opset %d, but the model says opset %lld",
                        NAME_SHOWN, name, type, op->since, (long long)opset);
    }
    return YK__OK;
}

static int64_t opset_of_function(const Onnx__FunctionProto *function, int64_t otherwise) {
    for (size_t i = 0; i < function->n_opset_import; i++) {
        if (yk__onnx_is_standard_domain(function->opset_import[i]->domain)) return function->opset_import[i]->version;
    }
    return otherwise;
}

static yk__code check_list(const Onnx__ModelProto *model, Onnx__NodeProto **nodes, size_t n, int64_t opset,
                           const Onnx__NodeProto **bad, yk__error *err) {
    for (size_t i = 0; i < n; i++) {
        *bad = nodes[i];
        YK__TRY(yk__onnx_check_node(model, nodes[i], opset, err));
    }
    *bad = NULL;
    return YK__OK;
}

/* Calls are looked up by going through the functions: few enough that the largest file is checked in seconds. */
#define MAX_FUNCTIONS 2048

yk__code yk__onnx_check_nodes(const Onnx__ModelProto *model, int64_t opset, const Onnx__NodeProto **bad, yk__error *err) {
    *bad = NULL;
    if (model->n_functions > MAX_FUNCTIONS) {
        return yk__fail(err, YK__LIMIT, "the model holds %zu functions; at most %d are allowed", model->n_functions,
                        MAX_FUNCTIONS);
    }
    size_t n_nodes = model->graph->n_node;
    for (size_t i = 0; i < model->n_functions; i++) n_nodes += model->functions[i]->n_node;
    if (n_nodes > YK__MAX_NODES) {
        return yk__fail(err, YK__LIMIT, "the model holds %zu nodes; at most %d are allowed", n_nodes, YK__MAX_NODES);
    }
    YK__TRY(check_list(model, model->graph->node, model->graph->n_node, opset, bad, err));
    for (size_t i = 0; i < model->n_functions; i++) {
        const Onnx__FunctionProto *const f = model->functions[i];
        YK__TRY(check_list(model, f->node, f->n_node, opset_of_function(f, opset), bad, err));
    }
    return YK__OK;
}

/* ---- values ---- */

/* The entry of value_info for a name, NULL when there is none. */
static const Onnx__TypeProto__Tensor *declared_type(const yk__lift *lift, const char *name) {
    const int32_t i = yk__names_find_here(&lift->scope->declared, name);
    const Onnx__TypeProto *const type = i >= 0 ? lift->scope->types[i]->type : NULL;
    return type && type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ? type->tensor_type : NULL;
}

/* Declared dtype and shape; dtype NONE unless both are there and within what yolk can hold. */
static void read_type(const Onnx__TypeProto__Tensor *type, bool keep_half, yk__dtype *dtype, yk__shape *shape) {
    *dtype = YK__DTYPE_NONE;
    *shape = (yk__shape){0};
    if (!type || !type->shape || type->shape->n_dim > YK__MAX_RANK) return;
    shape->rank = (int32_t)type->shape->n_dim;
    for (int i = 0; i < shape->rank; i++) {
        const Onnx__TensorShapeProto__Dimension *const dim = type->shape->dim[i];
        const bool known = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE && dim->dim_value >= 0;
        shape->dim[i] = known ? dim->dim_value : -1;
    }
    *dtype = yk__onnx_tensor_dtype(type->elem_type, keep_half);
    if (*dtype == YK__DTYPE_NONE) *shape = (yk__shape){0};
}

/* Records who makes a value; the array grows with the graph's. */
static bool set_maker(yk__lift *lift, int32_t value, int32_t node) {
    if (value >= lift->maker_capacity) {
        int32_t capacity = lift->maker_capacity > 0 ? lift->maker_capacity : 256;
        while (capacity <= value) capacity *= 2; /* values stay below YK__MAX_VALUES */
        int32_t *const grown = yk__arena_array(lift->scratch, (size_t)capacity, sizeof *grown);
        if (!grown) return false;
        if (lift->maker_capacity > 0) memcpy(grown, lift->maker, (size_t)lift->maker_capacity * sizeof *grown);
        for (int32_t i = lift->maker_capacity; i < capacity; i++) grown[i] = -1;
        lift->maker = grown;
        lift->maker_capacity = capacity;
    }
    lift->maker[value] = node;
    return true;
}

static const char *prefixed(yk__lift *lift, const char *name) {
    return lift->scope->prefix[0] ? yk__arena_printf(lift->scratch, "%s%s", lift->scope->prefix, name) : name;
}

static yk__code define(yk__lift *lift, const char *name, int32_t value) {
    if (yk__names_find_here(&lift->scope->names, name) >= 0) {
        return yk__fail(lift->err, YK__GRAPH, "the value \"%.*s\" is made twice", NAME_SHOWN, name);
    }
    return yk__names_add(&lift->scope->names, name, value, lift->err);
}

/* A new value under its ONNX name, with what the file declares of it. */
static yk__code new_value(yk__lift *lift, const char *name, int32_t *out) {
    yk__dtype dtype;
    yk__shape shape;
    read_type(declared_type(lift, name), lift->tensors.keep_half, &dtype, &shape);
    const char *const full = prefixed(lift, name);
    if (!full) return no_scratch(lift);
    *out = yk__graph_add_value(lift->graph, full, dtype, &shape, NULL);
    if (*out < 0) return yk__lift_no_memory(lift);
    return define(lift, name, *out);
}

void yk__lift_set_constant(yk__lift *lift, int32_t value, yk__dtype dtype, const yk__shape *shape, const void *data) {
    yk__value *const v = &lift->graph->values[value];
    v->dtype = dtype;
    v->shape = *shape;
    v->data = data;
}

bool yk__lift_constant_bool(const yk__lift *lift, int32_t value, bool *out) {
    const yk__value *const v = value >= 0 ? &lift->graph->values[value] : NULL;
    int64_t count;
    if (!v || !v->data || v->dtype != YK__DTYPE_BOOL || !yk__shape_count(&v->shape, &count) || count != 1) return false;
    *out = *(const uint8_t *)v->data != 0;
    return true;
}

bool yk__lift_is_empty(const yk__lift *lift, int32_t value) {
    const yk__value *const v = value >= 0 ? &lift->graph->values[value] : NULL;
    return v && v->data && v->shape.rank == 1 && v->shape.dim[0] == 0;
}

yk__dtype yk__lift_float_type(const yk__lift *lift, int32_t value) {
    const yk__dtype dtype = value >= 0 ? lift->graph->values[value].dtype : YK__DTYPE_NONE;
    return yk__dtype_is_float(dtype) ? dtype : YK__DTYPE_F32;
}

/* Looks a few makers back: exporters put a Transpose or Reshape in front of what needs a rank. */
int yk__lift_rank(const yk__lift *lift, int32_t value) {
    for (int steps = 0; steps < 8 && value >= 0; steps++) {
        const yk__value *const v = &lift->graph->values[value];
        if (v->dtype != YK__DTYPE_NONE) return v->shape.rank;
        const int32_t maker = value < lift->maker_capacity ? lift->maker[value] : -1;
        if (maker < 0) return -1;
        const yk__node *const node = &lift->graph->nodes[maker];
        if (node->op == YK__OP_TRANSPOSE && yk__node_attr(node, "perm")) return yk__node_ints(node, "perm", NULL, 0);
        if (node->op == YK__OP_RESHAPE && node->in[1] >= 0) {
            const yk__value *const shape = &lift->graph->values[node->in[1]];
            return shape->data && shape->shape.rank == 1 && shape->shape.dim[0] <= YK__MAX_RANK ? (int)shape->shape.dim[0] : -1;
        }
        const bool keeps_rank = node->op == YK__OP_CONV || node->op == YK__OP_SIGMOID || node->op == YK__OP_RELU ||
                                node->op == YK__OP_TRANSPOSE || node->op == YK__OP_SOFTMAX || node->op == YK__OP_CONCAT ||
                                node->op == YK__OP_SLICE || node->op == YK__OP_SPLIT;
        if (!keeps_rank) return -1;
        value = node->in[0];
    }
    return -1;
}

/* ---- attributes ---- */

const Onnx__AttributeProto *yk__lift_attr(yk__onnx_node *node, const char *name) {
    for (int32_t i = 0; i < node->n_attr; i++) {
        if (strcmp(node->attr[i].name, name) == 0) {
            node->attr[i].used = true;
            return node->attr[i].proto;
        }
    }
    return NULL;
}

static yk__code typed_attr(yk__lift *lift, yk__onnx_node *node, const char *name, Onnx__AttributeProto__AttributeType type,
                           const Onnx__AttributeProto **out) {
    *out = yk__lift_attr(node, name);
    if (!*out || (*out)->type == type) return YK__OK;
    return yk__lift_fail(lift, node, YK__FORMAT, "attribute \"%s\" is of the wrong type (%d)", name, (int)(*out)->type);
}

yk__code yk__lift_attr_int(yk__lift *lift, yk__onnx_node *node, const char *name, int64_t *out, bool *there) {
    const Onnx__AttributeProto *attr;
    YK__TRY(typed_attr(lift, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT, &attr));
    if (attr) *out = attr->i;
    if (there) *there = attr != NULL;
    return YK__OK;
}

yk__code yk__lift_attr_float(yk__lift *lift, yk__onnx_node *node, const char *name, float *out, bool *there) {
    const Onnx__AttributeProto *attr;
    YK__TRY(typed_attr(lift, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT, &attr));
    if (attr) *out = attr->f;
    if (there) *there = attr != NULL;
    return YK__OK;
}

yk__code yk__lift_attr_ints(yk__lift *lift, yk__onnx_node *node, const char *name, const int64_t **list, size_t *n) {
    const Onnx__AttributeProto *attr;
    static const int64_t none[1];
    YK__TRY(typed_attr(lift, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS, &attr));
    *list = !attr ? NULL : attr->n_ints > 0 ? attr->ints : none;
    *n = attr ? attr->n_ints : 0;
    return YK__OK;
}

/* The words each string attribute may hold; ONNX's own lists less what yolk cannot compute. */
static const struct {
    const char *attribute;
    yk__op op; /* NONE: wherever the attribute occurs */
    const char *words;
} WORDS[] = {
    {"auto_pad", YK__OP_NONE, " NOTSET SAME_UPPER SAME_LOWER VALID "},
    {"mode", YK__OP_RESIZE, " nearest linear cubic "},
    {"mode", YK__OP_PAD, " constant reflect edge wrap "},
    {"mode", YK__OP_DEPTH_TO_SPACE, " DCR CRD "},
    {"mode", YK__OP_SPACE_TO_DEPTH, " DCR CRD "},
    {"coordinate_transformation_mode", YK__OP_RESIZE,
     " half_pixel half_pixel_symmetric pytorch_half_pixel align_corners asymmetric tf_crop_and_resize tf_half_pixel_for_nn "},
    {"nearest_mode", YK__OP_RESIZE, " round_prefer_floor round_prefer_ceil floor ceil "},
    {"keep_aspect_ratio_policy", YK__OP_RESIZE, " stretch not_larger not_smaller "},
    {"reduction", YK__OP_NONE, " none add mul max min "},
    {"approximate", YK__OP_GELU, " none tanh "},
};

/* Whether a list like " one two " holds the word. */
static bool has_word(const char *words, const char *word) {
    const size_t length = strlen(word);
    for (const char *at = words; length > 0 && (at = strstr(at, word)) != NULL; at++) {
        if (at[-1] == ' ' && at[length] == ' ' && !strchr(word, ' ')) return true;
    }
    return false;
}

static yk__code check_word(yk__lift *lift, const yk__onnx_node *node, yk__op op, const char *name, const char *text) {
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (strcmp(WORDS[i].attribute, name) != 0 || (WORDS[i].op != YK__OP_NONE && WORDS[i].op != op)) continue;
        if (has_word(WORDS[i].words, text)) return YK__OK;
        return yk__lift_fail(lift, node, YK__UNSUPPORTED, "attribute %s=\"%.40s\" is not supported; supported are%s", name,
                             text, WORDS[i].words);
    }
    return YK__OK;
}

/* Whether ops.def gives the operator an attribute of this name, and of which kind. */
static bool known_attribute(yk__op op, const char *name, char *kind) {
    const char *at = yk__op_info_get(op)->attributes;
    const size_t length = strlen(name);
    while (*at) {
        if (strncmp(at, name, length) == 0 && at[length] == ':') {
            *kind = at[length + 1];
            return true;
        }
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    return false;
}

static yk__code wrong_kind(yk__lift *lift, const yk__onnx_node *node, const char *name) {
    return yk__lift_fail(lift, node, YK__FORMAT, "attribute \"%.60s\" is of the wrong type", name);
}

static yk__code copy_floats(yk__lift *lift, yk__onnx_node *node, yk__node *made, const char *name,
                            const Onnx__AttributeProto *a) {
    if (a->n_floats > INT32_MAX / 8) return wrong_kind(lift, node, name);
    double *const wide = yk__arena_array(lift->scratch, a->n_floats, sizeof *wide);
    if (!wide) return no_scratch(lift);
    for (size_t i = 0; i < a->n_floats; i++) wide[i] = (double)a->floats[i];
    return yk__node_set_floats(lift->graph, made, name, wide, (int)a->n_floats) ? YK__OK : yk__lift_no_memory(lift);
}

static yk__code copy_string(yk__lift *lift, yk__onnx_node *node, yk__node *made, const char *name,
                            const Onnx__AttributeProto *a) {
    const char *const bytes = (const char *)a->s.data;
    if (a->s.len > 4096 || (a->s.len > 0 && memchr(bytes, 0, a->s.len)) || !yk__utf8_valid(bytes ? bytes : "", a->s.len)) {
        return yk__lift_fail(lift, node, YK__FORMAT, "attribute \"%.60s\" is not a text", name);
    }
    const char *const text = yk__arena_strndup(lift->scratch, bytes ? bytes : "", a->s.len);
    if (!text) return no_scratch(lift);
    YK__TRY(check_word(lift, node, made->op, name, text));
    return yk__node_set_string(lift->graph, made, name, text) ? YK__OK : yk__lift_no_memory(lift);
}

static yk__code copy_attribute(yk__lift *lift, yk__onnx_node *node, yk__node *made, const yk__onnx_attr *attr) {
    static const int64_t none[1];
    const Onnx__AttributeProto *const a = attr->proto;
    char kind = 0;
    if (!known_attribute(made->op, attr->name, &kind)) {
        return yk__lift_fail(lift, node, YK__UNSUPPORTED, "attribute \"%.60s\" is not supported", attr->name);
    }
    bool ok = true;
    switch (kind) {
    case 'i':
        if (a->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT) return wrong_kind(lift, node, attr->name);
        ok = yk__node_set_int(lift->graph, made, attr->name, a->i);
        break;
    case 'f':
        if (a->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT) return wrong_kind(lift, node, attr->name);
        ok = yk__node_set_float(lift->graph, made, attr->name, (double)a->f);
        break;
    case 's':
        if (a->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING) return wrong_kind(lift, node, attr->name);
        return copy_string(lift, node, made, attr->name, a);
    case 'I':
        if (a->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS || a->n_ints > INT32_MAX / 8)
            return wrong_kind(lift, node, attr->name);
        ok = yk__node_set_ints(lift->graph, made, attr->name, a->n_ints > 0 ? a->ints : none, (int)a->n_ints);
        break;
    default:
        if (a->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS) return wrong_kind(lift, node, attr->name);
        return copy_floats(lift, node, made, attr->name, a);
    }
    return ok ? YK__OK : yk__lift_no_memory(lift);
}

/* ---- making nodes ---- */

/* The node's outputs, with new values where ONNX leaves out one that the operator always makes. */
static yk__code all_outputs(yk__lift *lift, const yk__onnx_node *node, int at_least, int32_t **out, int *n_out) {
    const int n = node->n_out > at_least ? node->n_out : at_least;
    int32_t *const list = yk__arena_array(lift->scratch, (size_t)n, sizeof *list);
    if (!list) return no_scratch(lift);
    for (int i = 0; i < n; i++) {
        list[i] = i < node->n_out ? node->out[i] : YK__NO_VALUE;
        if (list[i] != YK__NO_VALUE) continue;
        const char *const name = yk__arena_printf(lift->scratch, "%s/unused%d", node->name, i);
        if (!name) return no_scratch(lift);
        const yk__shape unknown = {0};
        list[i] = yk__graph_add_value(lift->graph, name, YK__DTYPE_NONE, &unknown, NULL);
        if (list[i] < 0) return yk__lift_no_memory(lift);
    }
    *out = list;
    *n_out = n;
    return YK__OK;
}

static yk__code add_node(yk__lift *lift, yk__op op, const char *name, const int32_t *in, int n_in, const int32_t *out,
                         int n_out, yk__node **made) {
    const int32_t index = yk__graph_add_node(lift->graph, op, name, in, n_in, out, n_out);
    if (index < 0) return yk__lift_no_memory(lift);
    for (int i = 0; i < n_out; i++) {
        if (!set_maker(lift, out[i], index)) return no_scratch(lift);
    }
    *made = &lift->graph->nodes[index];
    return YK__OK;
}

yk__code yk__lift_emit(yk__lift *lift, yk__onnx_node *node, yk__op op, const int32_t *in, int n_in) {
    const yk__op_info *const info = yk__op_info_get(op);
    while (n_in > 0 && in[n_in - 1] == YK__NO_VALUE) n_in--;
    int32_t *out = NULL;
    int n_out = 0;
    YK__TRY(all_outputs(lift, node, info->min_out, &out, &n_out));
    if (n_in < info->min_in || (info->max_in >= 0 && n_in > info->max_in) || n_in > YK__MAX_INPUTS_OF_NODE) {
        return yk__lift_fail(lift, node, YK__GRAPH, "%d inputs; the operator takes %d to %d", n_in, info->min_in, info->max_in);
    }
    if ((info->max_out >= 0 && n_out > info->max_out) || n_out > YK__MAX_INPUTS_OF_NODE) {
        return yk__lift_fail(lift, node, YK__UNSUPPORTED, "%d outputs; at most %d are supported", n_out, info->max_out);
    }
    yk__node *made = NULL;
    YK__TRY(add_node(lift, op, node->name, in, n_in, out, n_out, &made));
    for (int32_t i = 0; i < node->n_attr; i++) {
        if (!node->attr[i].used) YK__TRY(copy_attribute(lift, node, made, &node->attr[i]));
    }
    return YK__OK;
}

yk__code yk__lift_step(yk__lift *lift, const yk__onnx_node *node, yk__op op, const char *suffix, const int32_t *in, int n_in,
                       int32_t *out, yk__node **made) {
    const char *const name = yk__arena_printf(lift->scratch, "%s/%s", node->name, suffix);
    if (!name) return no_scratch(lift);
    const yk__shape unknown = {0};
    *out = yk__graph_add_value(lift->graph, name, YK__DTYPE_NONE, &unknown, NULL);
    if (*out < 0) return yk__lift_no_memory(lift);
    return add_node(lift, op, name, in, n_in, out, 1, made);
}

static yk__code add_constant(yk__lift *lift, const yk__onnx_node *node, const char *suffix, yk__dtype dtype,
                             const yk__shape *shape, const void *data, int32_t *out) {
    const char *const name = yk__arena_printf(lift->scratch, "%s/%s", node->name, suffix);
    if (!name) return no_scratch(lift);
    *out = yk__graph_add_constant(lift->graph, name, dtype, shape, data);
    return *out >= 0 ? YK__OK : yk__lift_no_memory(lift);
}

yk__code yk__lift_ints(yk__lift *lift, const yk__onnx_node *node, const char *suffix, const int64_t *values, size_t n,
                       int32_t *out) {
    const int64_t length = (int64_t)n;
    const yk__shape shape = yk__shape_make(1, &length);
    return add_constant(lift, node, suffix, YK__DTYPE_I64, &shape, values, out);
}

yk__code yk__lift_float(yk__lift *lift, const yk__onnx_node *node, const char *suffix, yk__dtype dtype, double value,
                        int32_t *out) {
    const yk__shape scalar = {0};
    const float single = (float)value;
    const uint16_t half = dtype == YK__DTYPE_BF16 ? yk__float_to_bf16(single) : yk__float_to_half(single);
    const void *const data = dtype == YK__DTYPE_F64   ? (const void *)&value
                             : dtype == YK__DTYPE_F32 ? (const void *)&single
                                                      : &half;
    return add_constant(lift, node, suffix, dtype, &scalar, data, out);
}

yk__code yk__lift_plain(yk__lift *lift, yk__onnx_node *node) {
    return yk__lift_emit(lift, node, node->op, node->in, node->n_in);
}

/* ---- one node ---- */

static yk__code resolve_inputs(yk__lift *lift, yk__onnx_node *node) {
    const Onnx__NodeProto *const proto = node->proto;
    size_t n = proto->n_input;
    while (n > 0 && (!proto->input[n - 1] || proto->input[n - 1][0] == '\0')) n--;
    if (n > YK__MAX_INPUTS_OF_NODE) {
        return yk__lift_fail(lift, node, YK__LIMIT, "%zu inputs; at most %d are allowed", n, YK__MAX_INPUTS_OF_NODE);
    }
    node->in = yk__arena_array(lift->scratch, n, sizeof *node->in);
    if (!node->in) return no_scratch(lift);
    node->n_in = (int32_t)n;
    for (size_t i = 0; i < n; i++) {
        const char *const name = proto->input[i];
        node->in[i] = YK__NO_VALUE;
        if (!name || name[0] == '\0') continue;
        node->in[i] = yk__names_find(&lift->scope->names, name);
        if (node->in[i] == -1) {
            return yk__lift_fail(lift, node, YK__GRAPH, "its input \"%.*s\" is made by no input, constant or earlier node",
                                 NAME_SHOWN, name);
        }
        /* A function may be called without an optional input: the name is known and stands for nothing. */
        if (node->in[i] == INT32_MAX) node->in[i] = YK__NO_VALUE;
    }
    while (node->n_in > 0 && node->in[node->n_in - 1] == YK__NO_VALUE) node->n_in--;
    return YK__OK;
}

static yk__code resolve_outputs(yk__lift *lift, yk__onnx_node *node) {
    const Onnx__NodeProto *const proto = node->proto;
    size_t n = proto->n_output;
    while (n > 0 && (!proto->output[n - 1] || proto->output[n - 1][0] == '\0')) n--;
    if (n == 0) return yk__lift_fail(lift, node, YK__GRAPH, "it has no output");
    if (n > YK__MAX_INPUTS_OF_NODE) {
        return yk__lift_fail(lift, node, YK__LIMIT, "%zu outputs; at most %d are allowed", n, YK__MAX_INPUTS_OF_NODE);
    }
    node->out = yk__arena_array(lift->scratch, n, sizeof *node->out);
    if (!node->out) return no_scratch(lift);
    node->n_out = (int32_t)n;
    for (size_t i = 0; i < n; i++) {
        node->out[i] = YK__NO_VALUE;
        if (proto->output[i] && proto->output[i][0]) YK__TRY(new_value(lift, proto->output[i], &node->out[i]));
    }
    return YK__OK;
}

static yk__code resolve_attributes(yk__lift *lift, yk__onnx_node *node) {
    const Onnx__NodeProto *const proto = node->proto;
    if (proto->n_attribute > MAX_ATTRIBUTES) return yk__lift_fail(lift, node, YK__LIMIT, "%zu attributes", proto->n_attribute);
    node->attr = yk__arena_array(lift->scratch, proto->n_attribute, sizeof *node->attr);
    if (!node->attr) return no_scratch(lift);
    for (size_t i = 0; i < proto->n_attribute; i++) {
        const Onnx__AttributeProto *attr = proto->attribute[i];
        const char *const name = attr->name ? attr->name : "";
        for (int32_t k = 0; k < node->n_attr; k++) {
            if (strcmp(node->attr[k].name, name) == 0) {
                return yk__lift_fail(lift, node, YK__FORMAT, "attribute \"%.60s\" is given twice", name);
            }
        }
        if (attr->ref_attr_name && attr->ref_attr_name[0]) {
            const yk__onnx_node *const caller = lift->scope->caller;
            const Onnx__AttributeProto *given = NULL;
            for (int32_t k = 0; caller && k < caller->n_attr; k++) {
                if (strcmp(caller->attr[k].name, attr->ref_attr_name) == 0) given = caller->attr[k].proto;
            }
            if (!given) continue; /* absent in the call: absent here, and the operator's own default holds */
            attr = given;
        }
        node->attr[node->n_attr++] = (yk__onnx_attr){.name = name, .proto = attr};
    }
    return YK__OK;
}

static yk__code lift_node(yk__lift *lift, const Onnx__NodeProto *proto) {
    if (++lift->n_lifted > YK__MAX_NODES) {
        return yk__fail(lift->err, YK__LIMIT, "the network has more than %d nodes once its functions are inlined",
                        YK__MAX_NODES);
    }
    YK__TRY(yk__onnx_check_node(lift->model, proto, lift->scope->opset, lift->err));
    yk__onnx_node node = {.proto = proto, .type = proto->op_type, .opset = lift->scope->opset};
    const bool named = proto->name && proto->name[0];
    node.name = named ? prefixed(lift, proto->name)
                      : yk__arena_printf(lift->scratch, "%s%s_%d", lift->scope->prefix, proto->op_type, lift->n_lifted);
    if (!node.name) return no_scratch(lift);
    YK__TRY(resolve_inputs(lift, &node));
    YK__TRY(resolve_attributes(lift, &node));
    const Onnx__FunctionProto *const function = yk__onnx_function_of(lift->model, proto);
    if (function) return yk__lift_function(lift, &node, function);
    YK__TRY(resolve_outputs(lift, &node));
    const yk__onnx_op *const op = yk__onnx_op_find(proto->op_type);
    node.op = op->op;
    return op->lift(lift, &node);
}

yk__code yk__lift_nodes(yk__lift *lift, Onnx__NodeProto **nodes, size_t n) {
    Onnx__NodeProto **ordered = NULL;
    YK__TRY(yk__onnx_order(nodes, n, lift->scratch, &ordered, lift->err));
    for (size_t i = 0; i < n; i++) YK__TRY(lift_node(lift, ordered[i]));
    return YK__OK;
}

/* ---- the graph around the nodes ---- */

yk__code yk__lift_declare(yk__lift *lift, const Onnx__GraphProto *graph) {
    const size_t n = graph->n_input + graph->n_output + graph->n_value_info;
    if (n > YK__MAX_VALUES)
        return yk__fail(lift->err, YK__LIMIT, "%zu declared values; at most %d are allowed", n, YK__MAX_VALUES);
    yk__lift_scope *const scope = lift->scope;
    scope->types = yk__arena_array(lift->scratch, n, sizeof *scope->types);
    if (!scope->types) return no_scratch(lift);
    Onnx__ValueInfoProto **const lists[] = {graph->input, graph->output, graph->value_info};
    const size_t lengths[] = {graph->n_input, graph->n_output, graph->n_value_info};
    for (int list = 0; list < 3; list++) {
        for (size_t i = 0; i < lengths[list]; i++) {
            const Onnx__ValueInfoProto *const info = lists[list][i];
            if (!info->name || !info->name[0] || yk__names_find_here(&scope->declared, info->name) >= 0) continue;
            scope->types[scope->n_types] = info;
            YK__TRY(yk__names_add(&scope->declared, info->name, scope->n_types++, lift->err));
        }
    }
    return YK__OK;
}

yk__code yk__lift_initializers(yk__lift *lift, const Onnx__GraphProto *graph) {
    if (graph->n_sparse_initializer > 0) {
        return yk__fail(lift->err, YK__UNSUPPORTED, "the model holds sparse weights, which yolk does not support");
    }
    for (size_t i = 0; i < graph->n_initializer; i++) {
        const Onnx__TensorProto *const proto = graph->initializer[i];
        if (!proto->name || !proto->name[0]) return yk__fail(lift->err, YK__FORMAT, "weight tensor %zu has no name", i);
        yk__dtype dtype;
        yk__shape shape;
        const void *data;
        YK__TRY(yk__onnx_tensor_read(&lift->tensors, proto, &dtype, &shape, &data, lift->err));
        const char *const name = prefixed(lift, proto->name);
        if (!name) return no_scratch(lift);
        const int32_t value = yk__graph_add_value(lift->graph, name, dtype, &shape, data);
        if (value < 0) return yk__lift_no_memory(lift);
        YK__TRY(define(lift, proto->name, value));
    }
    return YK__OK;
}

/* IR versions before 4 list the initializers among the inputs, too; those are no inputs. */
static yk__code lift_inputs(yk__lift *lift, const Onnx__GraphProto *graph) {
    lift->graph->inputs = yk__arena_array(&lift->graph->arena, graph->n_input, sizeof *lift->graph->inputs);
    if (!lift->graph->inputs) return yk__lift_no_memory(lift);
    for (size_t i = 0; i < graph->n_input; i++) {
        const Onnx__ValueInfoProto *const info = graph->input[i];
        const char *const name = info->name ? info->name : "";
        if (name[0] == '\0') return yk__fail(lift->err, YK__FORMAT, "network input %zu has no name", i);
        const int32_t known = yk__names_find_here(&lift->scope->names, name);
        if (known >= 0 && lift->graph->values[known].data) continue;
        int32_t value;
        YK__TRY(new_value(lift, name, &value));
        if (lift->graph->values[value].dtype == YK__DTYPE_NONE) {
            return yk__fail(lift->err, YK__UNSUPPORTED,
                            "the network's input \"%.*s\" is not a tensor of a supported type with at most %d dimensions",
                            NAME_SHOWN, name, YK__MAX_RANK);
        }
        lift->graph->inputs[lift->graph->n_inputs++] = value;
    }
    return YK__OK;
}

static yk__code lift_outputs(yk__lift *lift, const Onnx__GraphProto *graph) {
    lift->graph->outputs = yk__arena_array(&lift->graph->arena, graph->n_output, sizeof *lift->graph->outputs);
    if (!lift->graph->outputs) return yk__lift_no_memory(lift);
    if (graph->n_output == 0) return yk__fail(lift->err, YK__GRAPH, "the network has no output");
    for (size_t i = 0; i < graph->n_output; i++) {
        const char *const name = graph->output[i]->name ? graph->output[i]->name : "";
        const int32_t value = yk__names_find_here(&lift->scope->names, name);
        if (value < 0)
            return yk__fail(lift->err, YK__GRAPH, "the network's output \"%.*s\" is made by no node", NAME_SHOWN, name);
        lift->graph->outputs[lift->graph->n_outputs++] = value;
    }
    return YK__OK;
}

static yk__code lift_main(yk__lift *lift, const Onnx__GraphProto *graph) {
    YK__TRY(yk__lift_declare(lift, graph));
    YK__TRY(yk__lift_initializers(lift, graph));
    YK__TRY(lift_inputs(lift, graph));
    YK__TRY(yk__lift_nodes(lift, graph->node, graph->n_node));
    return lift_outputs(lift, graph);
}

yk__code yk__lift_model(const Onnx__ModelProto *model, yk__onnx_tensors *tensors, yk__error *err) {
    int64_t opset;
    const Onnx__NodeProto *bad;
    YK__TRY(yk__onnx_check_versions(model, &opset, err));
    YK__TRY(yk__onnx_check_nodes(model, opset, &bad, err));
    yk__arena scratch;
    /* Names, resolved lists and attributes: a few times the structure, as the unpacked messages are. */
    yk__arena_init(&scratch, ((size_t)64 << 20) + 32 * tensors->file->structure_bytes);
    yk__lift_scope scope = {.names = {.arena = &scratch}, .declared = {.arena = &scratch}, .prefix = "", .opset = opset};
    yk__lift lift = {
        .model = model, .tensors = *tensors, .graph = tensors->graph, .scratch = &scratch, .scope = &scope, .err = err};
    const yk__code code = lift_main(&lift, model->graph);
    yk__arena_free(&scratch);
    return code;
}
