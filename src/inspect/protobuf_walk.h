/* Fields of protobuf messages (protobuf.dev, "Encoding"), read in place: no message is built, nothing is allocated. */
#ifndef YK_INSPECT_PROTOBUF_WALK_H
#define YK_INSPECT_PROTOBUF_WALK_H

#include "inspect/recognise.h"

/* A message that lies at [at, end) of the file; what is at hand may end before. */
typedef struct yk__message {
    const yk__source *source;
    uint64_t at, end;
} yk__message;

typedef struct yk__field {
    uint32_t number;
    int wire;       /* 0 number, 1 eight bytes, 2 bytes or message, 5 four bytes */
    uint64_t value; /* of a number */
    uint64_t at;    /* wire 2: where its bytes begin, and how many they are */
    uint64_t length;
} yk__field;

static inline yk__message yk__message_whole(const yk__source *source) {
    return (yk__message){.source = source, .at = 0, .end = source->size};
}
static inline yk__message yk__message_of(const yk__source *source, const yk__field *field) {
    return (yk__message){.source = source, .at = field->at, .end = field->at + field->length};
}

/* The next field; message->at moves behind it. False at the end, where no more bytes are at hand, and on what is no field. A
 * field that reaches behind the message's end is returned; message->at is then greater than message->end. */
bool yk__message_next(yk__message *message, yk__field *field);

/* True when the field is bytes at hand that are a name: letters, digits and the marks of paths, 1 to 512 of them. */
bool yk__field_is_name(const yk__source *source, const yk__field *field);

#endif
