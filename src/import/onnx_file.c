/* Opens an ONNX file: the bounding walk, then protobuf-c on the filtered copy with an allocator that keeps a budget. */
#include "import/onnx_file.h"

#include <string.h>

#include "import/onnx_walk.h"

/* In front of each block: its size, so that freeing gives it back to the budget. 16 keeps the block aligned. */
#define BLOCK_HEADER 16

static void *budgeted_alloc(void *context, size_t size) {
    yk__onnx_file *const file = context;
    size_t total;
    if (!yk__add_size(size, BLOCK_HEADER, &total) || total > file->limit - file->used) return NULL;
    uint8_t *const block = yk__alloc(total);
    if (!block) return NULL;
    file->used += total;
    memcpy(block, &total, sizeof total);
    return block + BLOCK_HEADER;
}

static void budgeted_free(void *context, void *memory) {
    if (!memory) return;
    yk__onnx_file *const file = context;
    uint8_t *const block = (uint8_t *)memory - BLOCK_HEADER;
    size_t total;
    memcpy(&total, block, sizeof total);
    file->used -= total;
    yk__free(block);
}

/* What unpacking may take: the messages as counted, a header for each block (a message, its lists and texts: the counted bytes
 * pay for at least 16 each, so as much again), and the unpacker's list of the fields of the messages it is inside (40 bytes a
 * field, doubling). */
static size_t unpack_limit(const yk__onnx_walked *walked) {
    return 2 * walked->unpacked_bytes + 48 * walked->copy_size + ((size_t)1 << 20);
}

yk__code yk__onnx_open(yk__onnx_file *file, const uint8_t *bytes, size_t size, yk__error *err) {
    *file = (yk__onnx_file){.bytes = bytes, .size = size};
    yk__onnx_walked walked;
    YK__TRY(yk__onnx_walk(bytes, size, &onnx__model_proto__descriptor, &walked, err));
    file->structure_bytes = walked.copy_size;
    file->payload_bytes = walked.payload_bytes;
    file->limit = unpack_limit(&walked);
    file->allocator = (ProtobufCAllocator){budgeted_alloc, budgeted_free, file};
    file->model = onnx__model_proto__unpack(&file->allocator, walked.copy_size, walked.copy);
    yk__free(walked.copy);
    if (!file->model) {
        const size_t used = file->used;
        *file = (yk__onnx_file){0};
        return yk__fail(err, YK__MEMORY, "out of memory while unpacking the model's structure (%zu bytes taken)", used);
    }
    return YK__OK;
}

void yk__onnx_close(yk__onnx_file *file) {
    if (file->model) onnx__model_proto__free_unpacked(file->model, &file->allocator);
    *file = (yk__onnx_file){0};
}

bool yk__onnx_is_standard_domain(const char *domain) {
    return domain == NULL || domain[0] == '\0' || strcmp(domain, "ai.onnx") == 0;
}

/* Operators of the oldest files that have meant what they mean today since that opset. */
static bool means_the_same(const char *type, int64_t opset) {
    static const struct {
        const char *type;
        int64_t since;
    } UNCHANGED[] = {{"Elu", 6},           {"GlobalAveragePool", 1},
                     {"GlobalMaxPool", 1}, {"HardSigmoid", 6},
                     {"Not", 1},           {"InstanceNormalization", 6},
                     {"ReduceLogSum", 1},  {"Selu", 6},
                     {"Softplus", 1},      {"Softsign", 1}};
    for (size_t i = 0; i < sizeof UNCHANGED / sizeof UNCHANGED[0]; i++) {
        if (strcmp(type, UNCHANGED[i].type) == 0) return opset >= UNCHANGED[i].since;
    }
    return false;
}

static bool is_unchanged(const Onnx__GraphProto *graph, int64_t opset) {
    for (size_t i = 0; i < graph->n_node; i++) {
        if (!graph->node[i]->op_type || !means_the_same(graph->node[i]->op_type, opset)) return false;
    }
    return graph->n_node > 0;
}

yk__code yk__onnx_check_versions(const Onnx__ModelProto *model, int64_t *opset, yk__error *err) {
    *opset = 0;
    if (!model->graph) return yk__fail(err, YK__FORMAT, "the ONNX file holds no graph");
    if (model->ir_version > YK__ONNX_MAX_IR) {
        return yk__fail(err, YK__VERSION,
                        "ONNX IR version %lld is newer than %d, the newest this yolk knows; export with an older opset",
                        (long long)model->ir_version, YK__ONNX_MAX_IR);
    }
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *const set = model->opset_import[i];
        if (yk__onnx_is_standard_domain(set->domain)) *opset = set->version;
    }
    if (*opset == 0) {
        return yk__fail(err, YK__FORMAT, "the ONNX file does not say which opset its operators follow (no opset_import)");
    }
    if (*opset < YK__ONNX_MIN_OPSET && !is_unchanged(model->graph, *opset)) {
        return yk__fail(err, YK__UNSUPPORTED, "opset %lld is not supported (%d to %d are); convert or export the model again",
                        (long long)*opset, YK__ONNX_MIN_OPSET, YK__ONNX_MAX_OPSET);
    }
    if (*opset > YK__ONNX_MAX_OPSET) {
        return yk__fail(err, YK__VERSION, "opset %lld is newer than %d, the newest this yolk knows; export with opset=%d",
                        (long long)*opset, YK__ONNX_MAX_OPSET, YK__ONNX_MAX_OPSET);
    }
    return YK__OK;
}

const char *yk__onnx_metadata(const Onnx__ModelProto *model, const char *key) {
    for (size_t i = 0; i < model->n_metadata_props; i++) {
        const Onnx__StringStringEntryProto *const entry = model->metadata_props[i];
        if (entry->key && entry->value && strcmp(entry->key, key) == 0) return entry->value;
    }
    return NULL;
}

/* TensorProto.DataType of ONNX 1.23: by number, because the installed schema may be older. */
static const struct {
    const char *name;
    yk__dtype dtype;
} ELEMENT_TYPES[] = {
    {"undefined", YK__DTYPE_NONE},
    {"float", YK__DTYPE_F32},
    {"uint8", YK__DTYPE_U8},
    {"int8", YK__DTYPE_I8},
    {"uint16", YK__DTYPE_U16},
    {"int16", YK__DTYPE_I16},
    {"int32", YK__DTYPE_I32},
    {"int64", YK__DTYPE_I64},
    {"string", YK__DTYPE_NONE},
    {"bool", YK__DTYPE_BOOL},
    {"float16", YK__DTYPE_F16},
    {"double", YK__DTYPE_F64},
    {"uint32", YK__DTYPE_U32},
    {"uint64", YK__DTYPE_U64},
    {"complex64", YK__DTYPE_NONE},
    {"complex128", YK__DTYPE_NONE},
    {"bfloat16", YK__DTYPE_BF16},
    {"float8e4m3fn", YK__DTYPE_NONE},
    {"float8e4m3fnuz", YK__DTYPE_NONE},
    {"float8e5m2", YK__DTYPE_NONE},
    {"float8e5m2fnuz", YK__DTYPE_NONE},
    {"uint4", YK__DTYPE_NONE},
    {"int4", YK__DTYPE_NONE},
    {"float4e2m1", YK__DTYPE_NONE},
    {"float8e8m0", YK__DTYPE_NONE},
    {"uint2", YK__DTYPE_NONE},
    {"int2", YK__DTYPE_NONE},
    {"float6e2m3", YK__DTYPE_NONE},
    {"float6e3m2", YK__DTYPE_NONE},
};
#define N_ELEMENT_TYPES ((int32_t)(sizeof ELEMENT_TYPES / sizeof ELEMENT_TYPES[0]))

yk__dtype yk__onnx_dtype(int32_t onnx_type) {
    return onnx_type > 0 && onnx_type < N_ELEMENT_TYPES ? ELEMENT_TYPES[onnx_type].dtype : YK__DTYPE_NONE;
}

const char *yk__onnx_dtype_name(int32_t onnx_type) {
    return onnx_type >= 0 && onnx_type < N_ELEMENT_TYPES ? ELEMENT_TYPES[onnx_type].name : "of an unknown type";
}
