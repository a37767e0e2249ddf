/* Makes small ONNX models in memory, for tests of import: protobuf-c's structures filled from one-line calls and packed.
 * Everything lives in the maker's arena. Lists of names are parted by spaces; "-" stands for an absent one. */
#ifndef YK_TESTS_ONNX_MAKE_H
#define YK_TESTS_ONNX_MAKE_H

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "onnx/onnx.pb-c.h"

enum { ONNX_FLOAT = 1, ONNX_U8 = 2, ONNX_I32 = 6, ONNX_I64 = 7, ONNX_STRING = 8, ONNX_BOOL = 9, ONNX_HALF = 10, ONNX_F64 = 11 };

typedef struct onnx_make {
    yk__arena arena;
    Onnx__ModelProto *model;
    Onnx__GraphProto *graph;
} onnx_make;

#define ONNX_NEW(m, type, init) onnx_new_copy((m), &(type)init, sizeof(type))
static inline void *onnx_new_copy(onnx_make *m, const void *value, size_t size) {
    return yk__arena_copy(&m->arena, value, size);
}

static inline void *onnx_grow(onnx_make *m, void *old, size_t n, size_t size) {
    void *const grown = yk__arena_array(&m->arena, n + 1, size);
    if (n > 0) memcpy(grown, old, n * size);
    return grown;
}
/* owner->field[owner->n_field++] = item, as protobuf-c keeps lists. */
#define ONNX_ADD(m, owner, field, item) \
    ((owner)->field = onnx_grow((m), (owner)->field, (owner)->n_##field, sizeof *(owner)->field), \
     (owner)->field[(owner)->n_##field++] = (item))

static inline char *onnx_text(onnx_make *m, const char *text) {
    return yk__arena_strdup(&m->arena, text);
}

static inline void onnx_import(onnx_make *m, const char *domain, int64_t version) {
    Onnx__OperatorSetIdProto *const set = ONNX_NEW(m, Onnx__OperatorSetIdProto, ONNX__OPERATOR_SET_ID_PROTO__INIT);
    set->domain = onnx_text(m, domain);
    set->has_version = 1;
    set->version = version;
    ONNX_ADD(m, m->model, opset_import, set);
}

static inline void onnx_begin(onnx_make *m, int64_t opset) {
    yk__arena_init(&m->arena, 0);
    m->model = ONNX_NEW(m, Onnx__ModelProto, ONNX__MODEL_PROTO__INIT);
    m->graph = ONNX_NEW(m, Onnx__GraphProto, ONNX__GRAPH_PROTO__INIT);
    m->model->has_ir_version = 1;
    m->model->ir_version = 8;
    m->model->graph = m->graph;
    if (opset > 0) onnx_import(m, "", opset);
}
static inline void onnx_end(onnx_make *m) {
    yk__arena_free(&m->arena);
}

/* The packed model in the arena. */
static inline uint8_t *onnx_pack(onnx_make *m, size_t *size) {
    *size = onnx__model_proto__get_packed_size(m->model);
    uint8_t *const bytes = yk__arena_alloc(&m->arena, *size);
    onnx__model_proto__pack(m->model, bytes);
    return bytes;
}

static inline void onnx_names(onnx_make *m, const char *names, char ***list, size_t *n) {
    while (names && *names) {
        const size_t length = strcspn(names, " ");
        *list = onnx_grow(m, *list, *n, sizeof **list);
        (*list)[(*n)++] = length == 1 && *names == '-' ? onnx_text(m, "") : yk__arena_strndup(&m->arena, names, length);
        names += length;
        names += strspn(names, " ");
    }
}

/* "2x3x?"; "" is a scalar. */
static inline int onnx_dims(const char *text, int64_t dims[16]) {
    int n = 0;
    while (*text && n < 16) {
        dims[n++] = *text == '?' ? -1 : strtoll(text, NULL, 10);
        text += strcspn(text, "x");
        text += *text == 'x';
    }
    return n;
}

static inline Onnx__ValueInfoProto *onnx_value(onnx_make *m, const char *name, int type, const char *shape) {
    Onnx__ValueInfoProto *const info = ONNX_NEW(m, Onnx__ValueInfoProto, ONNX__VALUE_INFO_PROTO__INIT);
    info->name = onnx_text(m, name);
    info->type = ONNX_NEW(m, Onnx__TypeProto, ONNX__TYPE_PROTO__INIT);
    info->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    info->type->tensor_type = ONNX_NEW(m, Onnx__TypeProto__Tensor, ONNX__TYPE_PROTO__TENSOR__INIT);
    info->type->tensor_type->has_elem_type = 1;
    info->type->tensor_type->elem_type = type;
    if (!shape) return info;
    info->type->tensor_type->shape = ONNX_NEW(m, Onnx__TensorShapeProto, ONNX__TENSOR_SHAPE_PROTO__INIT);
    int64_t dims[16];
    const int n = onnx_dims(shape, dims);
    for (int i = 0; i < n; i++) {
        Onnx__TensorShapeProto__Dimension *const dim =
            ONNX_NEW(m, Onnx__TensorShapeProto__Dimension, ONNX__TENSOR_SHAPE_PROTO__DIMENSION__INIT);
        dim->value_case = dims[i] < 0 ? ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
                                      : ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        if (dims[i] < 0) {
            dim->dim_param = onnx_text(m, "free");
        } else {
            dim->dim_value = dims[i];
        }
        ONNX_ADD(m, info->type->tensor_type->shape, dim, dim);
    }
    return info;
}
/* shape NULL: not declared. */
static inline void onnx_input(onnx_make *m, const char *name, int type, const char *shape) {
    ONNX_ADD(m, m->graph, input, onnx_value(m, name, type, shape));
}
static inline void onnx_output(onnx_make *m, const char *name, int type, const char *shape) {
    ONNX_ADD(m, m->graph, output, onnx_value(m, name, type, shape));
}
static inline void onnx_declare(onnx_make *m, const char *name, int type, const char *shape) {
    ONNX_ADD(m, m->graph, value_info, onnx_value(m, name, type, shape));
}

static inline Onnx__NodeProto *onnx_free_node(onnx_make *m, const char *op, const char *in, const char *out) {
    Onnx__NodeProto *const node = ONNX_NEW(m, Onnx__NodeProto, ONNX__NODE_PROTO__INIT);
    node->op_type = onnx_text(m, op);
    onnx_names(m, in, &node->input, &node->n_input);
    onnx_names(m, out, &node->output, &node->n_output);
    return node;
}
static inline Onnx__NodeProto *onnx_node(onnx_make *m, const char *op, const char *in, const char *out) {
    Onnx__NodeProto *const node = onnx_free_node(m, op, in, out);
    ONNX_ADD(m, m->graph, node, node);
    return node;
}

static inline Onnx__AttributeProto *onnx_attr(onnx_make *m, Onnx__NodeProto *node, const char *name, int type) {
    Onnx__AttributeProto *const attr = ONNX_NEW(m, Onnx__AttributeProto, ONNX__ATTRIBUTE_PROTO__INIT);
    attr->name = onnx_text(m, name);
    attr->has_type = 1;
    attr->type = (Onnx__AttributeProto__AttributeType)type;
    ONNX_ADD(m, node, attribute, attr);
    return attr;
}
static inline void onnx_int(onnx_make *m, Onnx__NodeProto *node, const char *name, int64_t value) {
    Onnx__AttributeProto *const attr = onnx_attr(m, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    attr->has_i = 1;
    attr->i = value;
}
static inline void onnx_float(onnx_make *m, Onnx__NodeProto *node, const char *name, float value) {
    Onnx__AttributeProto *const attr = onnx_attr(m, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    attr->has_f = 1;
    attr->f = value;
}
static inline void onnx_string(onnx_make *m, Onnx__NodeProto *node, const char *name, const char *value) {
    Onnx__AttributeProto *const attr = onnx_attr(m, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    attr->has_s = 1;
    attr->s = (ProtobufCBinaryData){strlen(value), (uint8_t *)onnx_text(m, value)};
}
#define ONNX_INTS(m, node, name, ...) \
    onnx_ints((m), (node), (name), sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})
static inline void onnx_ints(onnx_make *m, Onnx__NodeProto *node, const char *name, size_t n, const int64_t *values) {
    Onnx__AttributeProto *const attr = onnx_attr(m, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    attr->ints = yk__arena_copy(&m->arena, values, n * sizeof *values);
    attr->n_ints = n;
}
#define ONNX_FLOATS(m, node, name, ...) \
    onnx_floats((m), (node), (name), sizeof((float[]){__VA_ARGS__}) / sizeof(float), (float[]){__VA_ARGS__})
static inline void onnx_floats(onnx_make *m, Onnx__NodeProto *node, const char *name, size_t n, const float *values) {
    Onnx__AttributeProto *const attr = onnx_attr(m, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS);
    attr->floats = yk__arena_copy(&m->arena, values, n * sizeof *values);
    attr->n_floats = n;
}

/* A tensor with raw_data of `bytes` (may be NULL: no data field at all). */
static inline Onnx__TensorProto *onnx_tensor(onnx_make *m, const char *name, int type, const char *shape, const void *bytes,
                                             size_t size) {
    Onnx__TensorProto *const tensor = ONNX_NEW(m, Onnx__TensorProto, ONNX__TENSOR_PROTO__INIT);
    int64_t dims[16];
    tensor->name = onnx_text(m, name);
    tensor->has_data_type = 1;
    tensor->data_type = type;
    tensor->n_dims = (size_t)onnx_dims(shape, dims);
    tensor->dims = yk__arena_copy(&m->arena, dims, tensor->n_dims * sizeof *dims);
    tensor->has_raw_data = bytes != NULL;
    if (bytes) tensor->raw_data = (ProtobufCBinaryData){size, yk__arena_copy(&m->arena, bytes, size)};
    return tensor;
}
static inline Onnx__TensorProto *onnx_weight(onnx_make *m, const char *name, int type, const char *shape, const void *bytes,
                                             size_t size) {
    Onnx__TensorProto *const tensor = onnx_tensor(m, name, type, shape, bytes, size);
    ONNX_ADD(m, m->graph, initializer, tensor);
    return tensor;
}
#define ONNX_I64S(m, name, shape, ...) \
    onnx_weight((m), (name), ONNX_I64, (shape), (int64_t[]){__VA_ARGS__}, sizeof((int64_t[]){__VA_ARGS__}))
#define ONNX_F32S(m, name, shape, ...) \
    onnx_weight((m), (name), ONNX_FLOAT, (shape), (float[]){__VA_ARGS__}, sizeof((float[]){__VA_ARGS__}))

static inline void onnx_tensor_attr(onnx_make *m, Onnx__NodeProto *node, const char *name, Onnx__TensorProto *tensor) {
    onnx_attr(m, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR)->t = tensor;
}
static inline Onnx__StringStringEntryProto *onnx_entry(onnx_make *m, const char *key, const char *value) {
    Onnx__StringStringEntryProto *const entry =
        ONNX_NEW(m, Onnx__StringStringEntryProto, ONNX__STRING_STRING_ENTRY_PROTO__INIT);
    entry->key = onnx_text(m, key);
    entry->value = onnx_text(m, value);
    return entry;
}
static inline void onnx_meta(onnx_make *m, const char *key, const char *value) {
    ONNX_ADD(m, m->model, metadata_props, onnx_entry(m, key, value));
}
static inline void onnx_external(onnx_make *m, Onnx__TensorProto *tensor, const char *key, const char *value) {
    tensor->has_data_location = 1;
    tensor->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    ONNX_ADD(m, tensor, external_data, onnx_entry(m, key, value));
}

#endif
