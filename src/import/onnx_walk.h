/* The first look at untrusted protobuf bytes: bounds everything the unpacker would trust, and leaves the weights behind.
 *
 * protobuf-c's unpacker recurses as deep as the bytes say, allocates what they ask for, and copies every byte field. The
 * walk therefore goes over the message first, without recursion, following the generated descriptors, and writes a filtered
 * copy that is safe to unpack:
 *   - depth, number of messages and the memory that unpacking would take are bounded (LIMIT);
 *   - every length lies inside its parent, every wire type fits its field, singular fields occur once, strings are UTF-8
 *     without NUL (FORMAT, TRUNCATED);
 *   - unknown fields and documentation texts are dropped;
 *   - raw_data, and packed float_data and double_data, stay where they are: the copy holds TensorProto.segment instead, with
 *     the payload's begin and end in the original bytes. (A segment in a file, a feature that no writer uses, is refused.) */
#ifndef YK_IMPORT_ONNX_WALK_H
#define YK_IMPORT_ONNX_WALK_H

#include <protobuf-c/protobuf-c.h>

#include "base/memory.h"

/* Nested messages, the model itself included. A plain model needs 8; each subgraph of a subgraph adds 3. */
#define YK__ONNX_MAX_DEPTH 64

typedef struct yk__onnx_walked {
    uint8_t *copy; /* the filtered message; free with yk__free */
    size_t copy_size;
    size_t n_messages;
    size_t unpacked_bytes; /* memory that unpacking the copy takes, from above, without the unpacker's own scratch */
    size_t payload_bytes;  /* weights left in place */
} yk__onnx_walked;

/* root: &onnx__model_proto__descriptor. On failure *out is empty. */
yk__code yk__onnx_walk(const uint8_t *bytes, size_t size, const ProtobufCMessageDescriptor *root, yk__onnx_walked *out,
                       yk__error *err) YK__MUST_USE;

#endif
