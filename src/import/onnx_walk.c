/* The bounding walk over an ONNX file's bytes. See onnx_walk.h. It knows the protobuf wire format and the generated
 * descriptors, and nothing about networks. */
#include "import/onnx_walk.h"

#include <string.h>

#include "base/text.h"
#include "onnx/onnx.pb-c.h"

/* Wire types of the protobuf encoding (protobuf.dev/programming-guides/encoding). */
enum { WIRE_VARINT = 0, WIRE_64BIT = 1, WIRE_BYTES = 2, WIRE_32BIT = 5 };

/* What unpacking may cost: the smallest useful messages (a dimension, an attribute) take up to 20 times their bytes, an empty
 * message would take 70 times. Files are far below; what is above asks for more memory than its size justifies. */
#define UNPACKED_FLOOR    ((size_t)16 << 20)
#define UNPACKED_PER_BYTE 32

/* Field numbers of TensorProto that hold a tensor's elements as little-endian bytes in one piece. */
enum { TENSOR_FLOAT_DATA = 4, TENSOR_RAW_DATA = 9, TENSOR_DOUBLE_DATA = 10, TENSOR_SEGMENT = 3 };

typedef struct frame {
    const ProtobufCMessageDescriptor *type;
    size_t end;       /* of this message in the source */
    size_t length_at; /* where the copy keeps room for this message's length */
    uint64_t seen;    /* singular fields met, by number: ONNX numbers them below 64 */
    bool payload_seen;
} frame;

typedef struct walk {
    const uint8_t *bytes;
    size_t pos;
    uint8_t *copy;
    size_t n_copy, capacity;
    size_t n_messages, unpacked, payload;
    size_t structure; /* source bytes that are not payload */
    frame stack[YK__ONNX_MAX_DEPTH];
    int depth;
    yk__error *err;
} walk;

/* A message's length is written as a varint padded to this many bytes, so that it can be filled in afterwards. */
#define LENGTH_BYTES 5

static yk__code truncated(const walk *w) {
    return yk__fail(w->err, YK__TRUNCATED, "the protobuf data ends inside a field at byte %zu; the file is cut or damaged",
                    w->pos);
}

static yk__code malformed(const walk *w, const char *what) {
    return yk__fail(w->err, YK__FORMAT, "not valid ONNX protobuf: %s at byte %zu (in %s)", what, w->pos,
                    w->stack[w->depth - 1].type->short_name);
}

static yk__code out_of_memory(const walk *w) {
    return yk__fail(w->err, YK__MEMORY, "out of memory for the model's structure (%zu bytes)", w->n_copy);
}

static yk__code read_varint(walk *w, size_t end, uint64_t *out) {
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (w->pos >= end) return truncated(w);
        const uint8_t byte = w->bytes[w->pos++];
        value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        if (!(byte & 0x80)) {
            *out = value;
            return YK__OK;
        }
    }
    return malformed(w, "a number of more than 10 bytes");
}

static bool put(walk *w, const void *bytes, size_t n) {
    if (n > w->capacity - w->n_copy) {
        size_t capacity = w->capacity > 0 ? w->capacity : 4096;
        while (capacity - w->n_copy < n) {
            if (!yk__mul_size(capacity, 2, &capacity)) return false;
        }
        uint8_t *const grown = yk__realloc_array(w->copy, capacity, 1);
        if (!grown) return false;
        w->copy = grown;
        w->capacity = capacity;
    }
    if (n > 0) memcpy(w->copy + w->n_copy, bytes, n);
    w->n_copy += n;
    return true;
}

static bool put_varint(walk *w, uint64_t value) {
    uint8_t text[10];
    size_t n = 0;
    do {
        text[n++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value > 0);
    return put(w, text, n);
}

static bool put_key(walk *w, uint32_t field, int wire) {
    return put_varint(w, (uint64_t)field << 3 | (uint64_t)wire);
}

/* Adds to what unpacking will cost and holds it to what the structure seen so far justifies. */
static yk__code charge(walk *w, size_t bytes) {
    w->unpacked += bytes; /* cannot overflow: each charge is at most 9 times bytes that exist */
    if (w->unpacked <= UNPACKED_FLOOR || w->unpacked - UNPACKED_FLOOR <= UNPACKED_PER_BYTE * w->structure) return YK__OK;
    return yk__fail(
        w->err, YK__LIMIT,
        "the model's structure would take %zu bytes of memory from %zu bytes of file (up to byte %zu); at most %d per "
        "byte are allowed: this is not a real model",
        w->unpacked, w->structure, w->pos, UNPACKED_PER_BYTE);
}

static yk__code push(walk *w, const ProtobufCMessageDescriptor *type, size_t end) {
    if (w->depth == YK__ONNX_MAX_DEPTH) {
        return yk__fail(w->err, YK__LIMIT, "messages nested deeper than %d levels at byte %zu", YK__ONNX_MAX_DEPTH, w->pos);
    }
    w->stack[w->depth++] = (frame){.type = type, .end = end, .length_at = w->n_copy};
    w->n_messages++;
    return charge(w, type->sizeof_message + sizeof(void *));
}

/* The message on top is complete: its length goes where room was kept. */
static yk__code pop(walk *w) {
    const frame *const done = &w->stack[--w->depth];
    if (w->depth == 0) return YK__OK; /* the model itself has no length */
    const size_t length = w->n_copy - done->length_at - LENGTH_BYTES;
    if (length > INT32_MAX) return yk__fail(w->err, YK__LIMIT, "the model's structure is over 2 GiB");
    uint8_t *const out = w->copy + done->length_at;
    for (int i = 0; i < LENGTH_BYTES; i++) {
        out[i] = (uint8_t)((length >> (7 * i) & 0x7f) | (i < LENGTH_BYTES - 1 ? 0x80 : 0));
    }
    return YK__OK;
}

static bool is_documentation(const ProtobufCFieldDescriptor *field) {
    return strcmp(field->name, "doc_string") == 0;
}

static bool is_payload(const frame *top, uint32_t number) {
    return top->type == &onnx__tensor_proto__descriptor &&
           (number == TENSOR_RAW_DATA || number == TENSOR_FLOAT_DATA || number == TENSOR_DOUBLE_DATA);
}

/* Instead of the payload, where it lies. An empty raw_data beside it says which of the three fields it was. */
static yk__code keep_payload(walk *w, frame *top, uint32_t number, size_t length) {
    if (top->payload_seen) return malformed(w, "a second data field in one tensor");
    top->payload_seen = true;
    const size_t begin = w->pos, end = w->pos + length;
    const size_t at = w->n_copy;
    bool ok = put_key(w, TENSOR_SEGMENT, WIRE_BYTES) && put_varint(w, 0);
    const size_t inner = w->n_copy;
    ok = ok && put_key(w, 1, WIRE_VARINT) && put_varint(w, begin) && put_key(w, 2, WIRE_VARINT) && put_varint(w, end);
    if (ok) w->copy[at + 1] = (uint8_t)(w->n_copy - inner); /* at most 22: one byte of length */
    if (ok && number == TENSOR_RAW_DATA) ok = put_key(w, TENSOR_RAW_DATA, WIRE_BYTES) && put_varint(w, 0);
    if (!ok) return out_of_memory(w);
    w->payload += length;
    w->pos = end;
    return charge(w, sizeof(Onnx__TensorProto__Segment));
}

static yk__code check_string(walk *w, size_t length) {
    const char *const text = (const char *)w->bytes + w->pos;
    if (memchr(text, 0, length)) return malformed(w, "a text with a NUL byte");
    /* Metadata may come from anywhere and is cleaned where it is read; names must be exact. */
    const bool is_metadata = w->stack[w->depth - 1].type == &onnx__string_string_entry_proto__descriptor;
    if (!is_metadata && !yk__utf8_valid(text, length)) return malformed(w, "a name that is not UTF-8");
    return YK__OK;
}

/* Elements in a packed list, counted without unpacking it. */
static yk__code count_packed(walk *w, ProtobufCType type, size_t length, size_t *count) {
    const uint8_t *const at = w->bytes + w->pos;
    size_t n = 0;
    switch (type) {
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
        if (length % 4 != 0) return malformed(w, "a list of 4-byte numbers with a broken length");
        n = length / 4;
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
        if (length % 8 != 0) return malformed(w, "a list of 8-byte numbers with a broken length");
        n = length / 8;
        break;
    default: {
        size_t run = 0;
        for (size_t i = 0; i < length; i++) {
            run++;
            if (run > 10) return malformed(w, "a number of more than 10 bytes");
            if (!(at[i] & 0x80)) {
                n++;
                run = 0;
            }
        }
        if (run != 0) return malformed(w, "a list that ends inside a number");
    }
    }
    *count = n;
    return YK__OK;
}

static int wire_of(ProtobufCType type) {
    switch (type) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT: return WIRE_32BIT;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: return WIRE_64BIT;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE: return WIRE_BYTES;
    default: return WIRE_VARINT;
    }
}

/* Newer fields of the schema that change what a model means; other fields that the installed schema lacks say nothing about
 * the computation and are passed over. Numbers: onnx.proto of IR 10 and later. */
static yk__code check_unknown(walk *w, const frame *top, uint32_t number) {
    const char *what = NULL;
    if (top->type == &onnx__function_proto__descriptor && number == 11) what = "default values for a function's attributes";
    if (top->type == &onnx__function_proto__descriptor && number == 13) what = "overloaded functions";
    if (top->type == &onnx__node_proto__descriptor && number == 8) what = "overloaded functions";
    if (!what) return YK__OK;
    return yk__fail(w->err, YK__UNSUPPORTED,
                    "the model uses %s (at byte %zu), which yolk does not support; export it with functions inlined", what,
                    w->pos);
}

/* A field of fixed size or a varint; copied as it is. */
static yk__code scalar_field(walk *w, const frame *top, const ProtobufCFieldDescriptor *field, uint32_t number, int wire) {
    const size_t start = w->pos;
    if (wire == WIRE_VARINT) {
        uint64_t ignored;
        YK__TRY(read_varint(w, top->end, &ignored));
    } else {
        const size_t n = wire == WIRE_64BIT ? 8 : 4;
        if (top->end - w->pos < n) return truncated(w);
        w->pos += n;
    }
    w->structure += w->pos - start;
    if (!field) return check_unknown(w, top, number);
    if (wire != wire_of(field->type)) return malformed(w, "a field of the wrong wire type");
    if (!put_key(w, number, wire) || !put(w, w->bytes + start, w->pos - start)) return out_of_memory(w);
    return field->label == PROTOBUF_C_LABEL_REPEATED ? charge(w, 8) : YK__OK; /* 8: the widest element */
}

/* A field with a length: text, bytes, a packed list, or a message, which is entered. */
static yk__code length_field(walk *w, frame *top, const ProtobufCFieldDescriptor *field, uint32_t number) {
    const size_t start = w->pos;
    uint64_t length = 0;
    YK__TRY(read_varint(w, top->end, &length));
    if (length > top->end - w->pos) return truncated(w);
    w->structure += w->pos - start;
    if (field && is_payload(top, number)) return keep_payload(w, top, number, (size_t)length);
    if (!field) {
        YK__TRY(length > 0 ? check_unknown(w, top, number) : YK__OK);
        w->pos += length;
        return YK__OK;
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        static const uint8_t room[LENGTH_BYTES];
        if (!put_key(w, number, WIRE_BYTES)) return out_of_memory(w);
        YK__TRY(push(w, field->descriptor, w->pos + (size_t)length));
        return put(w, room, LENGTH_BYTES) ? YK__OK : out_of_memory(w);
    }
    w->structure += length;
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        if (is_documentation(field)) {
            w->pos += length;
            return YK__OK;
        }
        YK__TRY(check_string(w, (size_t)length));
        YK__TRY(charge(w, (size_t)length + 1 + sizeof(char *)));
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        YK__TRY(charge(w, (size_t)length + sizeof(ProtobufCBinaryData)));
    } else {
        if (field->label != PROTOBUF_C_LABEL_REPEATED) return malformed(w, "a list where one number belongs");
        size_t count = 0;
        YK__TRY(count_packed(w, field->type, (size_t)length, &count));
        YK__TRY(charge(w, count * 8));
    }
    if (!put_key(w, number, WIRE_BYTES) || !put_varint(w, length) || !put(w, w->bytes + w->pos, (size_t)length)) {
        return out_of_memory(w);
    }
    w->pos += length;
    return YK__OK;
}

static yk__code one_field(walk *w) {
    frame *const top = &w->stack[w->depth - 1];
    const size_t start = w->pos;
    uint64_t key = 0;
    YK__TRY(read_varint(w, top->end, &key));
    w->structure += w->pos - start;
    /* A key is a 29-bit number and a wire type, and protobuf-c reads at most 5 bytes of it. */
    if (key >> 32 != 0 || key >> 3 == 0 || w->pos - start > 5) return malformed(w, "an impossible field number");
    const uint32_t number = (uint32_t)(key >> 3);
    const ProtobufCFieldDescriptor *const field = protobuf_c_message_descriptor_get_field(top->type, number);
    if (field && field->label != PROTOBUF_C_LABEL_REPEATED && number < 64) {
        if (top->seen >> number & 1) return malformed(w, "a field that may occur once occurs twice");
        top->seen |= (uint64_t)1 << number;
    }
    if (field && top->type == &onnx__tensor_proto__descriptor && number == TENSOR_SEGMENT) {
        return yk__fail(w->err, YK__UNSUPPORTED, "a tensor stored in segments (at byte %zu), which no known writer makes",
                        w->pos);
    }
    switch (key & 7) {
    case WIRE_VARINT:
    case WIRE_64BIT:
    case WIRE_32BIT: return scalar_field(w, top, field, number, (int)(key & 7));
    case WIRE_BYTES: return length_field(w, top, field, number);
    default: return malformed(w, "an unknown wire type");
    }
}

yk__code yk__onnx_walk(const uint8_t *bytes, size_t size, const ProtobufCMessageDescriptor *root, yk__onnx_walked *out,
                       yk__error *err) {
    *out = (yk__onnx_walked){0};
    walk w = {.bytes = bytes, .err = err};
    yk__code code = push(&w, root, size);
    while (code == YK__OK && w.depth > 0) code = w.pos == w.stack[w.depth - 1].end ? pop(&w) : one_field(&w);
    if (code == YK__OK && !put(&w, "", 1)) code = out_of_memory(&w); /* so that an empty message has a copy, too */
    if (code != YK__OK) {
        yk__free(w.copy);
        return code;
    }
    *out = (yk__onnx_walked){w.copy, w.n_copy - 1, w.n_messages, w.unpacked, w.payload};
    return YK__OK;
}
