/* The probe: the bounding walk and the table of operators, without weights and without a graph. */
#include "import/probe.h"

#include <string.h>

#include "import/onnx_lift.h"

/* Reads a varint of at most 10 bytes; false at the end. */
static bool varint(const uint8_t *bytes, size_t size, size_t *at, uint64_t *out) {
    *out = 0;
    for (int shift = 0; shift < 70 && *at < size; shift += 7) {
        const uint8_t byte = bytes[(*at)++];
        *out |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        if (!(byte & 0x80)) return true;
    }
    return false;
}

/* The first key must be one of ModelProto's fields with that field's wire type. Writers put ir_version first; any order is
 * allowed, so any field counts. */
bool yk__probe_is_onnx(const uint8_t *bytes, size_t size) {
    size_t at = 0;
    uint64_t key, length;
    if (!bytes || !varint(bytes, size, &at, &key)) return false;
    switch (key) {
    case 1 << 3 | 0: /* ir_version: small, and something follows it */
        return varint(bytes, size, &at, &length) && length < 1000 && at < size;
    case 5 << 3 | 0: /* model_version */ return varint(bytes, size, &at, &length) && at < size;
    case 2 << 3 | 2: /* producer_name, producer_version, domain, doc_string, graph, opset_import, metadata_props, functions */
    case 3 << 3 | 2:
    case 4 << 3 | 2:
    case 6 << 3 | 2:
    case 7 << 3 | 2:
    case 8 << 3 | 2:
    case 14 << 3 | 2:
    case 25 << 3 | 2: return varint(bytes, size, &at, &length) && length <= size - at;
    default: return false;
    }
}

static const char *copy(yk__arena *arena, const char *text) {
    return yk__arena_strdup(arena, text ? text : "");
}

/* A texts of the metadata may be anything; reports are UTF-8. */
static const char *clean(yk__arena *arena, const char *text) {
    char *const out = yk__arena_strdup(arena, text ? text : "");
    if (out && !yk__utf8_valid(out, strlen(out))) {
        for (char *c = out; *c; c++) {
            if ((unsigned char)*c >= 0x80) *c = '?';
        }
    }
    return out;
}

static void read_shape(const Onnx__TypeProto *type, yk__probe_tensor *out) {
    if (!type || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE || !type->tensor_type->shape) return;
    const Onnx__TensorShapeProto *const shape = type->tensor_type->shape;
    if (shape->n_dim > YK__MAX_RANK) return;
    out->dtype = yk__onnx_dtype(type->tensor_type->elem_type);
    out->shape.rank = (int32_t)shape->n_dim;
    for (int i = 0; i < out->shape.rank; i++) {
        const bool known =
            shape->dim[i]->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE && shape->dim[i]->dim_value >= 0;
        out->shape.dim[i] = known ? shape->dim[i]->dim_value : -1;
    }
}

/* `skip` (may be NULL): names that are no inputs, because a weight has them. */
static bool report_values(Onnx__ValueInfoProto **list, size_t n, const yk__names *skip, yk__arena *arena,
                          const yk__probe_tensor **out, int32_t *n_out) {
    yk__probe_tensor *const made = yk__arena_array(arena, n, sizeof *made);
    if (!made || n > INT32_MAX) return false;
    for (size_t i = 0; i < n; i++) {
        const char *const name = list[i]->name ? list[i]->name : "";
        if (skip && yk__names_find(skip, name) >= 0) continue;
        yk__probe_tensor *const value = &made[(*n_out)++];
        value->name = copy(arena, name);
        if (!value->name) return false;
        read_shape(list[i]->type, value);
    }
    *out = made;
    return true;
}

static bool report_metadata(const Onnx__ModelProto *model, yk__arena *arena, yk__probe_report *report) {
    yk__probe_entry *const list = yk__arena_array(arena, model->n_metadata_props, sizeof *list);
    if (!list || model->n_metadata_props > INT32_MAX) return false;
    for (size_t i = 0; i < model->n_metadata_props; i++) {
        list[i] = (yk__probe_entry){clean(arena, model->metadata_props[i]->key), clean(arena, model->metadata_props[i]->value)};
        if (!list[i].key || !list[i].value) return false;
    }
    report->metadata = list;
    report->n_metadata = (int32_t)model->n_metadata_props;
    return true;
}

static yk__code names_of_weights(const Onnx__GraphProto *graph, yk__names *names, yk__error *err) {
    for (size_t i = 0; i < graph->n_initializer; i++) {
        const char *const name = graph->initializer[i]->name;
        if (name && name[0] && yk__names_find_here(names, name) < 0) YK__TRY(yk__names_add(names, name, 0, err));
    }
    return YK__OK;
}

static yk__code report_graph(const Onnx__ModelProto *model, yk__arena *arena, yk__probe_report *report, yk__error *err) {
    const Onnx__GraphProto *const graph = model->graph;
    yk__names weights = {.arena = arena};
    if (graph) {
        YK__TRY(names_of_weights(graph, &weights, err));
        const bool ok = report_values(graph->input, graph->n_input, &weights, arena, &report->inputs, &report->n_inputs) &&
                        report_values(graph->output, graph->n_output, NULL, arena, &report->outputs, &report->n_outputs);
        if (!ok) return yk__arena_error(arena, "the report", err);
        report->n_nodes = graph->n_node < INT32_MAX ? (int32_t)graph->n_node : INT32_MAX;
    }
    report->producer = copy(arena, model->producer_name);
    report->producer_version = copy(arena, model->producer_version);
    if (!report_metadata(model, arena, report) || !report->producer || !report->producer_version) {
        return yk__arena_error(arena, "the report", err);
    }
    return YK__OK;
}

static yk__code report_support(const Onnx__ModelProto *model, yk__arena *arena, yk__probe_report *report, yk__error *err) {
    const Onnx__NodeProto *bad = NULL;
    yk__code code = yk__onnx_check_versions(model, &report->opset, &report->why_not);
    if (code == YK__OK) code = yk__onnx_check_nodes(model, report->opset, &bad, &report->why_not);
    report->supported = code == YK__OK;
    if (bad) {
        report->bad_node = copy(arena, bad->name && bad->name[0] ? bad->name : bad->n_output > 0 ? bad->output[0] : "");
        report->bad_operator = copy(arena, bad->op_type);
        if (!report->bad_node || !report->bad_operator) return yk__arena_error(arena, "the report", err);
    }
    return YK__OK;
}

yk__code yk__probe_onnx(const uint8_t *bytes, size_t size, yk__arena *arena, yk__probe_report *report, yk__error *err) {
    *report = (yk__probe_report){0};
    yk__onnx_file file;
    if (!yk__probe_is_onnx(bytes, size)) return yk__fail(err, YK__FORMAT, "this is not an ONNX model");
    YK__TRY(yk__onnx_open(&file, bytes, size, err));
    report->ir_version = file.model->ir_version;
    yk__code code = report_graph(file.model, arena, report, err);
    if (code == YK__OK) code = report_support(file.model, arena, report, err);
    yk__onnx_close(&file);
    return code;
}
