/* Models of other frameworks that are protobuf messages: no magic tells them, so the first fields are compared with what each
 * framework's public schema allows there. ONNX has a file of its own. */
#include <string.h>

#include "inspect/protobuf_walk.h"

/* A message in a file that is at hand in part may end behind it: then the file is cut there. */
static void check_fields(const yk__source *source, yk__report *report, const char *where) {
    enum { MAX_FIELDS = 65536 };
    yk__message all = yk__message_whole(source);
    yk__field field;
    for (int i = 0; i < MAX_FIELDS && yk__message_next(&all, &field); i++) {
        if (all.at <= source->size) continue;
        yk__claim_cut(report, where, all.at, source->size, YK__CERTAINTY_LIKELY);
        return;
    }
}

static bool is_message(const yk__field *field, uint32_t number) {
    return field->number == number && field->wire == 2;
}

/* ---- Core ML: Model { int32 specificationVersion = 1; ModelDescription description = 2; oneof Type { 200 and more } } ---- */

enum { COREML_NEWEST = 64, COREML_FIRST_TYPE = 200, COREML_LAST_TYPE = 3000 };

/* ModelDescription { repeated FeatureDescription input = 1, output = 10 ... }, FeatureDescription { string name = 1 ... }:
 * field 7 (functions) stands first in the newest. */
static bool is_description(const yk__source *source, const yk__field *field) {
    yk__message description = yk__message_of(source, field), feature;
    yk__field first, name;
    if (!yk__message_next(&description, &first) || first.wire != 2) return false;
    if (first.number != 1 && first.number != 10 && first.number != 20) return false;
    feature = yk__message_of(source, &first);
    return yk__message_next(&feature, &name) && name.number == 1 && yk__field_is_name(source, &name);
}

static bool is_coreml(const yk__source *source, int64_t *version, bool *sure) {
    yk__message model = yk__message_whole(source);
    yk__field field;
    if (!yk__message_next(&model, &field) || field.number != 1 || field.wire != 0) return false;
    if (field.value < 1 || field.value > COREML_NEWEST) return false;
    *version = (int64_t)field.value;
    if (!yk__message_next(&model, &field) || !is_message(&field, 2) || !is_description(source, &field)) return false;
    if (yk__message_next(&model, &field) && field.number == 10 && field.wire == 0 && !yk__message_next(&model, &field))
        return true; /* the type is not at hand */
    *sure = field.number >= COREML_FIRST_TYPE && field.number <= COREML_LAST_TYPE && field.wire == 2;
    return *sure || model.at >= source->n;
}

/* ---- TensorFlow: SavedModel { int64 saved_model_schema_version = 1; repeated MetaGraphDef meta_graphs = 2; } ---- */

/* OpDef, NodeDef: name = 1; NodeDef: op = 2. */
static bool starts_with_name(const yk__source *source, const yk__field *field) {
    yk__message message = yk__message_of(source, field);
    yk__field name;
    return yk__message_next(&message, &name) && name.number == 1 && yk__field_is_name(source, &name);
}

/* MetaInfoDef { string meta_graph_version = 1; OpList stripped_op_list = 2; repeated string tags = 4; string
 * tensorflow_version = 5; string tensorflow_git_version = 6; bool stripped_default_attrs = 7; map function_aliases = 8 } */
static bool is_meta_info(const yk__source *source, const yk__field *field) {
    yk__message info = yk__message_of(source, field), ops;
    yk__field item, op;
    while (yk__message_next(&info, &item)) {
        if (item.number == 2 && item.wire == 2) {
            ops = yk__message_of(source, &item);
            return yk__message_next(&ops, &op) && is_message(&op, 1) && starts_with_name(source, &op);
        }
        if (item.number == 4 || item.number == 5) return yk__field_is_name(source, &item);
        if (item.number > 8) return false;
    }
    return false;
}

static bool is_savedmodel(const yk__source *source) {
    yk__message model = yk__message_whole(source), graph;
    yk__field field, info;
    if (!yk__message_next(&model, &field) || field.number != 1 || field.wire != 0 || field.value != 1) return false;
    if (!yk__message_next(&model, &field) || !is_message(&field, 2)) return false;
    graph = yk__message_of(source, &field);
    return yk__message_next(&graph, &info) && is_message(&info, 1) && is_meta_info(source, &info);
}

/* Operators of TensorFlow begin with a capital or an underscore. */
static bool is_node(const yk__source *source, const yk__field *field) {
    yk__message node = yk__message_of(source, field);
    yk__field name, op;
    if (!yk__message_next(&node, &name) || name.number != 1 || !yk__field_is_name(source, &name)) return false;
    if (!yk__message_next(&node, &op) || op.number != 2 || !yk__field_is_name(source, &op)) return false;
    uint8_t c = source->bytes[op.at];
    return (c >= 'A' && c <= 'Z') || c == '_';
}

/* A frozen graph: GraphDef { repeated NodeDef node = 1; VersionDef versions = 4; FunctionDefLibrary library = 2; } */
static bool is_graph(const yk__source *source) {
    enum { LOOK_AT = 3 };
    yk__message graph = yk__message_whole(source);
    yk__field field;
    int n = 0;
    while (n < LOOK_AT && yk__message_next(&graph, &field)) {
        if (is_message(&field, 1) ? !is_node(source, &field) : n == 0 || (field.number != 2 && field.number != 4)) return false;
        n++;
    }
    return n == LOOK_AT || (n > 0 && graph.at == source->size);
}

/* ---- PaddlePaddle: ProgramDesc { repeated BlockDesc blocks = 1; Version version = 4; OpVersionMap op_version_map = 5; } ----
 */

/* The first block has idx 0 and, written as ten bytes, parent_idx -1; then come variables or operators. */
static bool is_program(const yk__source *source) {
    yk__message program = yk__message_whole(source), block;
    yk__field field;
    if (!yk__message_next(&program, &field) || !is_message(&field, 1)) return false;
    block = yk__message_of(source, &field);
    if (!yk__message_next(&block, &field) || field.number != 1 || field.wire != 0 || field.value != 0) return false;
    if (!yk__message_next(&block, &field) || field.number != 2 || field.wire != 0 || field.value != UINT64_MAX) return false;
    return yk__message_next(&block, &field) && field.wire == 2 && (field.number == 3 || field.number == 4);
}

/* ---- Caffe: NetParameter { string name = 1; repeated LayerParameter layer = 100 { name = 1; type = 2 } } ---- */

static bool is_caffe(const yk__source *source) {
    yk__message net = yk__message_whole(source), layer;
    yk__field field, type;
    if (!yk__message_next(&net, &field) || !is_message(&field, 1)) return false;
    if (field.length > 0 && !yk__field_is_name(source, &field)) return false;
    if (!yk__message_next(&net, &field) || !is_message(&field, 100) || !starts_with_name(source, &field)) return false;
    layer = yk__message_of(source, &field);
    return yk__message_next(&layer, &type) && yk__message_next(&layer, &type) && type.number == 2 &&
           yk__field_is_name(source, &type);
}

bool yk__recognise_protobuf(const yk__source *source, yk__report *report) {
    int64_t version = 0;
    bool sure = false;
    if (is_coreml(source, &version, &sure)) {
        yk__claim(report, YK__FILE_KIND_COREML, sure ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY);
        yk__fact_int(report, yk__fact_object(report, NULL, "coreml"), "specification_version", version);
    } else if (is_savedmodel(source)) {
        yk__claim(report, YK__FILE_KIND_SAVEDMODEL, YK__CERTAINTY_CERTAIN);
    } else if (is_program(source)) {
        yk__claim(report, YK__FILE_KIND_PADDLE, YK__CERTAINTY_CERTAIN);
    } else if (is_caffe(source)) {
        yk__claim(report, YK__FILE_KIND_CAFFE, YK__CERTAINTY_CERTAIN);
    } else if (is_graph(source)) {
        yk__claim(report, YK__FILE_KIND_TENSORFLOW_GRAPH, YK__CERTAINTY_LIKELY);
    } else {
        return false;
    }
    check_fields(source, report, "message");
    return true;
}
