/* The graph as JSON and back. Reading trusts nothing: the caller gets a graph that yk__graph_verify has passed. */
#include "engine/graph_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/engine_format.h"
#include "engine/json_read.h"
#include "engine/json_text.h"

/* No operator has nearly as many. */
enum { MAX_ATTRIBUTES = 64, MAX_LIST = 65536 };

/* ---- writing ---- */

static void write_indices(yk__text *out, const int32_t *indices, int32_t n) {
    yk__text_add_char(out, '[');
    for (int32_t i = 0; i < n; i++) yk__text_printf(out, "%s%" PRId32, i ? "," : "", indices[i]);
    yk__text_add_char(out, ']');
}

static void write_value(yk__text *out, const yk__value *value, const yk__weights_place *place) {
    yk__text_add(out, "{\"name\":");
    yk__json_string(out, value->name);
    if (value->dtype != YK__DTYPE_NONE) {
        yk__text_add(out, ",\"dtype\":");
        yk__json_string(out, yk__dtype_name(value->dtype));
    }
    yk__text_add(out, ",\"shape\":");
    yk__json_ints(out, value->shape.dim, value->shape.rank);
    if (place->constant) yk__text_printf(out, ",\"at\":%" PRIu64 ",\"bytes\":%zu", place->at, place->bytes);
    yk__text_add_char(out, '}');
}

static void write_attr(yk__text *out, const yk__attr *attr) {
    yk__json_key(out, attr->name);
    switch (attr->kind) {
    case YK__ATTR_INT: yk__json_int(out, attr->i); break;
    case YK__ATTR_FLOAT: yk__json_real(out, attr->f); break;
    case YK__ATTR_STRING: yk__json_string(out, attr->s); break;
    case YK__ATTR_INTS: yk__json_ints(out, attr->ints, attr->n); break;
    case YK__ATTR_FLOATS:
        yk__text_add_char(out, '[');
        for (int i = 0; i < attr->n; i++) {
            if (i) yk__text_add_char(out, ',');
            yk__json_real(out, attr->floats[i]);
        }
        yk__text_add_char(out, ']');
        break;
    }
}

static void write_node(yk__text *out, const yk__node *node) {
    yk__text_add(out, "{\"op\":");
    yk__json_string(out, yk__op_info_get(node->op)->name);
    yk__text_add(out, ",\"name\":");
    yk__json_string(out, node->name);
    yk__text_add(out, ",\"in\":");
    write_indices(out, node->in, node->n_in);
    yk__text_add(out, ",\"out\":");
    write_indices(out, node->out, node->n_out);
    if (node->n_attr) yk__text_add(out, ",\"attr\":{");
    for (int i = 0; i < node->n_attr; i++) {
        if (i) yk__text_add_char(out, ',');
        write_attr(out, &node->attr[i]);
    }
    yk__text_add(out, node->n_attr ? "}}" : "}");
}

void yk__graph_to_json(const yk__graph *graph, const yk__weights_plan *weights, yk__text *out) {
    yk__text_add(out, "{\"inputs\":");
    write_indices(out, graph->inputs, graph->n_inputs);
    yk__text_add(out, ",\n\"outputs\":");
    write_indices(out, graph->outputs, graph->n_outputs);
    yk__text_add(out, ",\n\"values\":[");
    for (int32_t i = 0; i < graph->n_values; i++) {
        yk__text_add(out, i ? ",\n" : "\n");
        write_value(out, &graph->values[i], &weights->places[i]);
    }
    yk__text_add(out, "\n],\n\"nodes\":[");
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        yk__text_add(out, i ? ",\n" : "\n");
        write_node(out, &graph->nodes[i]);
    }
    yk__text_add(out, "\n]}\n");
}

/* ---- reading ---- */

typedef struct reader {
    yk__graph *graph;
    const uint8_t *weights;
    uint64_t weights_bytes;
    yk__finding_code finding; /* of the failure at hand */
} reader;

static yk__code no_memory(const reader *r, yk__error *err) {
    return yk__arena_error(&r->graph->arena, "section graph", err);
}

static yk__code read_indices(const json_t *object, const char *key, size_t max, const char *where, const json_t **array,
                             yk__error *err) {
    YK__TRY(yk__json_get_array(object, key, max, where, array, err));
    for (size_t i = 0; i < json_array_size(*array); i++) {
        const json_t *item = json_array_get(*array, i);
        if (!json_is_integer(item) || json_integer_value(item) < YK__NO_VALUE || json_integer_value(item) >= YK__MAX_VALUES)
            return yk__fail(err, YK__FORMAT, "%s: \"%s\"[%zu] is not the index of a value", where, key, i);
    }
    return YK__OK;
}

/* read_indices has checked the items */
static void copy_indices(const json_t *array, int32_t *out) {
    for (size_t i = 0; i < json_array_size(array); i++) out[i] = (int32_t)json_integer_value(json_array_get(array, i));
}

static yk__code read_list(reader *r, const json_t *root, const char *key, int32_t **indices, int32_t *n, yk__error *err) {
    const json_t *array;
    YK__TRY(read_indices(root, key, YK__MAX_VALUES, "section graph", &array, err));
    *indices = yk__arena_array(&r->graph->arena, json_array_size(array), sizeof **indices);
    if (!*indices) return no_memory(r, err);
    copy_indices(array, *indices);
    *n = (int32_t)json_array_size(array);
    return YK__OK;
}

static yk__code read_shape(const json_t *object, const char *where, yk__shape *shape, yk__error *err) {
    const json_t *array;
    YK__TRY(yk__json_get_array(object, "shape", YK__MAX_RANK, where, &array, err));
    shape->rank = (int32_t)json_array_size(array);
    for (int i = 0; i < shape->rank; i++) {
        const json_t *item = json_array_get(array, (size_t)i);
        if (!json_is_integer(item) || json_integer_value(item) < -1)
            return yk__fail(err, YK__FORMAT, "%s: \"shape\"[%d] is not a size", where, i);
        shape->dim[i] = json_integer_value(item);
    }
    return YK__OK;
}

static yk__code read_dtype(const json_t *object, const char *where, yk__dtype *dtype, yk__error *err) {
    const char *name;
    *dtype = YK__DTYPE_NONE;
    if (!json_object_get(object, "dtype")) return YK__OK;
    YK__TRY(yk__json_get_string(object, "dtype", where, &name, err));
    *dtype = yk__dtype_from_name(name);
    if (*dtype != YK__DTYPE_NONE) return YK__OK;
    return yk__fail(err, YK__FORMAT, "%s: \"dtype\" is \"%.40s\", no element type that yolk knows", where, name);
}

/* Readers of bool elements may take them for C's bool, where only 0 and 1 exist. */
static bool bools_ok(const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (bytes[i] > 1) return false;
    return true;
}

static yk__code find_constant(const reader *r, const json_t *object, const char *where, yk__dtype dtype, const yk__shape *shape,
                              const void **data, yk__error *err) {
    int64_t at, bytes;
    size_t needed;
    YK__TRY(yk__json_get_int(object, "at", 0, INT64_MAX, where, &at, err));
    YK__TRY(yk__json_get_int(object, "bytes", 0, INT64_MAX, where, &bytes, err));
    if (!yk__tensor_bytes(dtype, shape, &needed) || needed != (uint64_t)bytes)
        return yk__fail(err, YK__FORMAT, "%s: its type and shape do not take the %" PRId64 " bytes stated", where, bytes);
    if (at % YK__ENGINE_ALIGN || (uint64_t)at > r->weights_bytes || (uint64_t)bytes > r->weights_bytes - (uint64_t)at)
        return yk__fail(err, YK__FORMAT,
                        "%s: %" PRId64 " bytes at %" PRId64 " are not an aligned place inside %" PRIu64 " bytes of weights",
                        where, bytes, at, r->weights_bytes);
    *data = r->weights + at;
    if (dtype == YK__DTYPE_BOOL && !bools_ok(*data, (size_t)bytes))
        return yk__fail(err, YK__FORMAT, "%s: elements of type bool must be 0 or 1", where);
    return YK__OK;
}

static yk__code read_value(reader *r, const json_t *object, size_t index, yk__error *err) {
    char where[64];
    const char *name;
    yk__dtype dtype;
    yk__shape shape = {0};
    const void *data = NULL;
    snprintf(where, sizeof where, "section graph: value %zu", index);
    YK__TRY(yk__json_get_string(object, "name", where, &name, err));
    YK__TRY(read_dtype(object, where, &dtype, err));
    YK__TRY(read_shape(object, where, &shape, err));
    if (json_object_get(object, "at")) {
        r->finding = YK__FINDING_WEIGHTS_OUT_OF_RANGE;
        YK__TRY(find_constant(r, object, where, dtype, &shape, &data, err));
        r->finding = YK__FINDING_JSON_INVALID;
    }
    return yk__graph_add_value(r->graph, name, dtype, &shape, data) < 0 ? no_memory(r, err) : YK__OK;
}

/* The kind letter that ops.def gives the attribute; 0 when the operator has none of that name. */
static char attribute_kind(const yk__op_info *info, const char *name) {
    size_t length = strlen(name);
    for (const char *at = info->attributes; *at;) {
        size_t n = strcspn(at, " ");
        if (n > length + 1 && at[length] == ':' && !memcmp(at, name, length)) return at[length + 1];
        at += n + strspn(at + n, " ");
    }
    return 0;
}

static yk__code read_ints(reader *r, yk__node *node, const char *name, const json_t *value, bool *ok, yk__error *err) {
    size_t n = json_array_size(value);
    *ok = json_is_array(value) && n <= MAX_LIST;
    if (!*ok) return YK__OK;
    int64_t *ints = yk__arena_array(&r->graph->arena, n, sizeof *ints);
    if (!ints) return no_memory(r, err);
    for (size_t i = 0; i < n; i++) {
        *ok &= json_is_integer(json_array_get(value, i));
        ints[i] = json_integer_value(json_array_get(value, i));
    }
    return !*ok || yk__node_set_ints(r->graph, node, name, ints, (int)n) ? YK__OK : no_memory(r, err);
}

static yk__code read_floats(reader *r, yk__node *node, const char *name, const json_t *value, bool *ok, yk__error *err) {
    size_t n = json_array_size(value);
    *ok = json_is_array(value) && n <= MAX_LIST;
    if (!*ok) return YK__OK;
    double *floats = yk__arena_array(&r->graph->arena, n, sizeof *floats);
    if (!floats) return no_memory(r, err);
    for (size_t i = 0; i < n; i++) *ok &= yk__json_number(json_array_get(value, i), &floats[i]);
    return !*ok || yk__node_set_floats(r->graph, node, name, floats, (int)n) ? YK__OK : no_memory(r, err);
}

static yk__code read_attribute(reader *r, yk__node *node, const char *name, const json_t *value, const char *where,
                               yk__error *err) {
    double number;
    bool ok = false, stored = true;
    switch (attribute_kind(yk__op_info_get(node->op), name)) {
    case 'i':
        ok = json_is_integer(value);
        if (ok) stored = yk__node_set_int(r->graph, node, name, json_integer_value(value));
        break;
    case 'f':
        ok = yk__json_number(value, &number);
        if (ok) stored = yk__node_set_float(r->graph, node, name, number);
        break;
    case 's':
        ok = json_is_string(value);
        if (ok) stored = yk__node_set_string(r->graph, node, name, json_string_value(value));
        break;
    case 'I': YK__TRY(read_ints(r, node, name, value, &ok, err)); break;
    case 'F': YK__TRY(read_floats(r, node, name, value, &ok, err)); break;
    default: return yk__fail(err, YK__FORMAT, "%s: the operator has no attribute \"%.40s\"", where, name);
    }
    if (!stored) return no_memory(r, err);
    return ok ? YK__OK : yk__fail(err, YK__FORMAT, "%s: attribute \"%.40s\" is of another type", where, name);
}

static yk__code read_node(reader *r, const json_t *object, size_t index, int32_t *indices, yk__error *err) {
    char where[96];
    const char *op_name, *name, *key;
    const json_t *in, *out;
    json_t *value;
    snprintf(where, sizeof where, "section graph: node %zu", index);
    YK__TRY(yk__json_get_string(object, "op", where, &op_name, err));
    YK__TRY(yk__json_get_string(object, "name", where, &name, err));
    YK__TRY(read_indices(object, "in", YK__MAX_INPUTS_OF_NODE, where, &in, err));
    YK__TRY(read_indices(object, "out", YK__MAX_INPUTS_OF_NODE, where, &out, err));
    yk__op op = yk__op_from_name(op_name);
    if (op == YK__OP_NONE) return yk__fail(err, YK__FORMAT, "%s: \"%.40s\" is no operator of this yolk", where, op_name);
    copy_indices(in, indices);
    copy_indices(out, indices + json_array_size(in));
    int32_t at = yk__graph_add_node(r->graph, op, name, indices, (int)json_array_size(in), indices + json_array_size(in),
                                    (int)json_array_size(out));
    if (at < 0) return no_memory(r, err);
    json_t *attributes = json_object_get(object, "attr");
    if (!attributes) return YK__OK;
    if (!json_is_object(attributes) || json_object_size(attributes) > MAX_ATTRIBUTES)
        return yk__fail(err, YK__FORMAT, "%s: \"attr\" is not an object of at most %d members", where, MAX_ATTRIBUTES);
    snprintf(where, sizeof where, "section graph: node %zu (%.40s)", index, op_name);
    json_object_foreach(attributes, key, value) YK__TRY(read_attribute(r, &r->graph->nodes[at], key, value, where, err));
    return YK__OK;
}

static yk__code read_root(reader *r, const json_t *root, yk__error *err) {
    const json_t *values, *nodes;
    if (!json_is_object(root)) return yk__fail(err, YK__FORMAT, "section graph: not a JSON object");
    YK__TRY(yk__json_get_array(root, "values", YK__MAX_VALUES, "section graph", &values, err));
    YK__TRY(yk__json_get_array(root, "nodes", YK__MAX_NODES, "section graph", &nodes, err));
    YK__TRY(read_list(r, root, "inputs", &r->graph->inputs, &r->graph->n_inputs, err));
    YK__TRY(read_list(r, root, "outputs", &r->graph->outputs, &r->graph->n_outputs, err));
    int32_t *indices = yk__arena_array(&r->graph->arena, 2 * YK__MAX_INPUTS_OF_NODE, sizeof *indices);
    if (!indices) return no_memory(r, err);
    for (size_t i = 0; i < json_array_size(values); i++) YK__TRY(read_value(r, json_array_get(values, i), i, err));
    for (size_t i = 0; i < json_array_size(nodes); i++) YK__TRY(read_node(r, json_array_get(nodes, i), i, indices, err));
    return YK__OK;
}

yk__code yk__graph_from_json(const uint8_t *json, size_t n, const uint8_t *weights, uint64_t weights_bytes, yk__graph *graph,
                             yk__finding_code *finding, yk__error *err) {
    reader r = {.graph = graph, .weights = weights, .weights_bytes = weights_bytes, .finding = YK__FINDING_JSON_INVALID};
    json_t *root = NULL;
    yk__code code = yk__json_parse(json, n, "section graph", &root, err);
    if (!code) code = read_root(&r, root, err);
    json_decref(root);
    if (!code) {
        r.finding = YK__FINDING_GRAPH_INVALID;
        code = yk__graph_verify(graph, err);
    }
    *finding = code == YK__LIMIT ? YK__FINDING_JSON_TOO_LARGE : code == YK__MEMORY ? YK__FINDING_OUT_OF_MEMORY : r.finding;
    return code;
}
