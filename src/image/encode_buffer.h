/* The growing memory that encoders write to. Private to src/image. */
#ifndef YK_IMAGE_ENCODE_BUFFER_H
#define YK_IMAGE_ENCODE_BUFFER_H

#include <string.h>

#include "base/memory.h"

typedef struct yk__encode_buffer {
    uint8_t *bytes;
    size_t size, capacity;
} yk__encode_buffer;

/* Room for n more bytes behind size; false when there is no memory. */
static inline bool yk__encode_reserve(yk__encode_buffer *buffer, size_t n) {
    size_t needed, grown;
    if (!yk__add_size(buffer->size, n, &needed) || !yk__mul_size(buffer->capacity, 2, &grown)) return false;
    if (needed <= buffer->capacity) return true;
    if (grown < needed) grown = needed;
    uint8_t *bytes = yk__realloc_array(buffer->bytes, grown, 1);
    if (!bytes) return false;
    buffer->bytes = bytes;
    buffer->capacity = grown;
    return true;
}

static inline bool yk__encode_append(yk__encode_buffer *buffer, const void *bytes, size_t n) {
    if (!yk__encode_reserve(buffer, n)) return false;
    memcpy(buffer->bytes + buffer->size, bytes, n);
    buffer->size += n;
    return true;
}

#endif
