/* Reading ONNX backend node tests. A TensorProto on its own is given to the importer's reader as the only initializer of a
 * model, so that tests and models are read by the same code. */
#include "node_case.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "import/onnx_tensor.h"

static yk__code check_tensors(Onnx__ValueInfoProto *const *values, size_t n, const char *what, yk__error *err) {
    for (size_t i = 0; i < n; i++)
        if (values[i]->type == NULL || values[i]->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
            return yk__fail(err, YK__UNSUPPORTED, "%s \"%s\" is a sequence, map or optional, not a tensor", what,
                            values[i]->name);
    return YK__OK;
}

yk__code node_case_operator(const yk__map *model, char out[64], yk__error *err) {
    yk__onnx_file file;
    YK__TRY(yk__onnx_open(&file, model->data, model->size, err));
    const Onnx__GraphProto *graph = file.model->graph;
    const Onnx__NodeProto *node = graph != NULL && graph->n_node == 1 ? graph->node[0] : NULL;
    snprintf(out, 64, "%s", node != NULL && node->op_type != NULL ? node->op_type : "(several)");
    yk__code code = YK__OK;
    if (node != NULL && node->domain != NULL && !yk__onnx_is_standard_domain(node->domain))
        code = yk__fail(err, YK__UNSUPPORTED, "operator of the domain \"%s\"", node->domain);
    if (code == YK__OK && graph != NULL) code = check_tensors(graph->input, graph->n_input, "input", err);
    if (code == YK__OK && graph != NULL) code = check_tensors(graph->output, graph->n_output, "output", err);
    yk__onnx_close(&file);
    return code;
}

/* Protobuf: a field's tag and a length or number as a varint. */
static size_t put_varint(uint8_t *out, uint64_t value) {
    size_t n = 0;
    for (; value >= 0x80; value >>= 7) out[n++] = (uint8_t)(value | 0x80);
    out[n++] = (uint8_t)value;
    return n;
}

static size_t varint_size(uint64_t value) {
    uint8_t scratch[10];
    return put_varint(scratch, value);
}

/* ModelProto{ir_version 8, opset_import {version 17}, graph {initializer: the tensor}}. *out from yk__alloc. */
static yk__code wrap_tensor(const yk__map *tensor, uint8_t **out, size_t *size, yk__error *err) {
    static const uint8_t head[] = {0x08, 8, 0x42, 2, 0x10, 17};
    enum { TAG_GRAPH = 0x3a, TAG_INITIALIZER = 0x2a };
    const size_t graph_size = 1 + varint_size(tensor->size) + tensor->size;
    *size = sizeof head + 1 + varint_size(graph_size) + graph_size;
    uint8_t *p = *out = yk__alloc(*size);
    if (p == NULL) return yk__fail(err, YK__MEMORY, "out of memory");
    memcpy(p, head, sizeof head);
    p += sizeof head;
    *p++ = TAG_GRAPH;
    p += put_varint(p, graph_size);
    *p++ = TAG_INITIALIZER;
    p += put_varint(p, tensor->size);
    if (tensor->size > 0) memcpy(p, tensor->data, tensor->size);
    return YK__OK;
}

static yk__code read_wrapped(const uint8_t *bytes, size_t size, node_data *data, yk__tensor *out, yk__error *err) {
    yk__onnx_file file;
    YK__TRY(yk__onnx_open(&file, bytes, size, err));
    yk__external none = {.folder = NULL};
    yk__onnx_tensors tensors = {.file = &file, .external = &none, .graph = &data->owner, .keep_half = true};
    const void *elements = NULL;
    yk__code code = yk__onnx_tensor_read(&tensors, file.model->graph->initializer[0], &out->dtype, &out->shape, &elements, err);
    size_t bytes_needed = 0;
    if (code == YK__OK && yk__tensor_bytes(out->dtype, &out->shape, &bytes_needed)) {
        /* the elements may lie in the wrapper, which goes away */
        out->data = yk__arena_copy(&data->owner.arena, elements, bytes_needed);
        if (out->data == NULL) code = yk__arena_error(&data->owner.arena, "a test tensor", err);
    }
    yk__external_free(&none);
    yk__onnx_close(&file);
    return code;
}

static yk__code read_tensor(const char *path, node_data *data, yk__tensor *out, yk__error *err) {
    yk__map map = {0};
    YK__TRY(yk__map_open(&map, path, 0, err));
    uint8_t *bytes = NULL;
    size_t size = 0;
    yk__code code = wrap_tensor(&map, &bytes, &size, err);
    if (code == YK__OK) code = read_wrapped(bytes, size, data, out, err);
    yk__free(bytes);
    yk__map_close(&map);
    return code;
}

static yk__code read_all(const char *folder, int k, const char *kind, node_data *data, yk__tensor *out, int *n,
                         yk__error *err) {
    for (*n = 0; *n < NODE_CASE_MAX_TENSORS; (*n)++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/test_data_set_%d/%s_%d.pb", folder, k, kind, *n);
        if (access(path, R_OK) != 0) break;
        YK__TRY(read_tensor(path, data, &out[*n], err));
    }
    return YK__OK;
}

yk__code node_data_read(node_data *data, const char *folder, int k, yk__error *err) {
    char path[4096];
    memset(data, 0, sizeof *data);
    snprintf(path, sizeof path, "%s/test_data_set_%d", folder, k);
    if (access(path, R_OK) != 0) return yk__fail(err, YK__NOT_FOUND, "%s does not exist", path);
    yk__graph_init(&data->owner, 0);
    yk__code code = read_all(folder, k, "input", data, data->inputs, &data->n_inputs, err);
    if (code == YK__OK) code = read_all(folder, k, "output", data, data->outputs, &data->n_outputs, err);
    if (code != YK__OK) node_data_free(data);
    return code;
}

void node_data_free(node_data *data) {
    yk__graph_free(&data->owner);
    memset(data, 0, sizeof *data);
}
