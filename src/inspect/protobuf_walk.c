/* Reading varints and field heads. */
#include "inspect/protobuf_walk.h"

enum { MAX_NAME = 512 };

static bool read_varint(yk__message *message, uint64_t *out) {
    uint64_t stop = message->end < message->source->n ? message->end : message->source->n;
    *out = 0;
    for (int shift = 0; shift < 64 && message->at < stop; shift += 7) {
        uint8_t byte = message->source->bytes[message->at++];
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return true;
    }
    return false;
}

bool yk__message_next(yk__message *message, yk__field *field) {
    uint64_t key;
    if (message->at >= message->end || !read_varint(message, &key) || key >> 3 == 0 || key >> 3 > 536870911u) return false;
    *field = (yk__field){.number = (uint32_t)(key >> 3), .wire = (int)(key & 7)};
    switch (field->wire) {
    case 0: return read_varint(message, &field->value);
    case 1: message->at += 8; return true;
    case 5: message->at += 4; return true;
    case 2:
        if (!read_varint(message, &field->length) || field->length > INT64_MAX) return false;
        field->at = message->at;
        message->at += field->length;
        return true;
    default: return false;
    }
}

bool yk__field_is_name(const yk__source *source, const yk__field *field) {
    if (field->wire != 2 || field->length == 0 || field->length > MAX_NAME || field->at > source->n ||
        field->length > source->n - field->at)
        return false;
    for (uint64_t i = 0; i < field->length; i++) {
        uint8_t c = source->bytes[field->at + i];
        if (c <= 0x20 || c == 0x7f) return false;
    }
    return true;
}
