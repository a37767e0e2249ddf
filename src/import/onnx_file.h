/* An ONNX file unpacked: the protobuf-c structures without the weights, which stay in the caller's bytes. */
#ifndef YK_IMPORT_ONNX_FILE_H
#define YK_IMPORT_ONNX_FILE_H

#include "base/memory.h"
#include "graph/tensor.h"
#include "onnx/onnx.pb-c.h"

/* Newest versions whose operator forms were compared with ours (ONNX 1.23). Newer files are refused: a new version may change
 * what an operator means. */
#define YK__ONNX_MAX_IR    14
#define YK__ONNX_MAX_OPSET 28
/* Opset 7 brought today's broadcasting; before it, elementwise operators meant something else. */
#define YK__ONNX_MIN_OPSET 7

typedef struct yk__onnx_file {
    const uint8_t *bytes; /* the caller's; must outlive this */
    size_t size;
    size_t structure_bytes, payload_bytes;
    Onnx__ModelProto *model;
    ProtobufCAllocator allocator; /* counts, and fails beyond `limit` */
    size_t used, limit;
} yk__onnx_file;

/* On failure the struct is empty. yk__onnx_close accepts an empty one. Do not move the struct while it is open. */
yk__code yk__onnx_open(yk__onnx_file *file, const uint8_t *bytes, size_t size, yk__error *err) YK__MUST_USE;
void yk__onnx_close(yk__onnx_file *file);

/* IR and opset within the range above, no feature that changes what the whole file means. *opset: of the standard domain. */
yk__code yk__onnx_check_versions(const Onnx__ModelProto *model, int64_t *opset, yk__error *err) YK__MUST_USE;
/* The standard operators' domain has two spellings. */
bool yk__onnx_is_standard_domain(const char *domain);
/* The value of a metadata key, NULL when absent. */
const char *yk__onnx_metadata(const Onnx__ModelProto *model, const char *key);

/* ONNX's element type numbers to ours; NONE for types yolk has no tensors of. */
yk__dtype yk__onnx_dtype(int32_t onnx_type);
/* "float8e4m3fn", "string" ...: every number that ONNX 1.23 defines, for messages. */
const char *yk__onnx_dtype_name(int32_t onnx_type);

#endif
