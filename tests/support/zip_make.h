/* Zip archives written by hand, so that tests can make every field of them wrong. Entries are stored. */
#ifndef YK_TESTS_SUPPORT_ZIP_MAKE_H
#define YK_TESTS_SUPPORT_ZIP_MAKE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ZIP_MAKE_MAX_ENTRIES = 64 };

typedef struct zip_make {
    uint8_t *bytes;
    size_t n, capacity;
    struct zip_make_entry {
        char name[64];
        uint32_t crc, packed, size, at;
        uint16_t method;
    } entries[ZIP_MAKE_MAX_ENTRIES];
    int n_entries;
} zip_make;

static inline void zip_make_put(zip_make *z, const void *bytes, size_t n) {
    if (z->n + n > z->capacity) {
        z->capacity = 2 * (z->n + n);
        z->bytes = realloc(z->bytes, z->capacity);
        if (!z->bytes) abort();
    }
    if (n > 0) memcpy(z->bytes + z->n, bytes, n);
    z->n += n;
}

static inline void zip_make_u16(zip_make *z, uint32_t v) {
    zip_make_put(z, (uint8_t[]){(uint8_t)v, (uint8_t)(v >> 8)}, 2);
}

static inline void zip_make_u32(zip_make *z, uint32_t v) {
    zip_make_u16(z, v & 0xffff);
    zip_make_u16(z, v >> 16);
}

/* The archive format's CRC-32: polynomial 0xedb88320, reflected. */
static inline uint32_t zip_make_crc(const uint8_t *bytes, size_t n) {
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

/* An entry with every number given: method 0 stored, 8 deflated; size is the one unpacked. */
static inline void zip_make_raw(zip_make *z, const char *name, uint16_t method, uint32_t crc, const void *bytes, size_t packed,
                                uint32_t size) {
    struct zip_make_entry *const e = &z->entries[z->n_entries++];
    const size_t length = strlen(name);
    if (z->n_entries > ZIP_MAKE_MAX_ENTRIES || length >= sizeof e->name) abort();
    *e = (struct zip_make_entry){.crc = crc, .packed = (uint32_t)packed, .size = size, .at = (uint32_t)z->n, .method = method};
    memcpy(e->name, name, length + 1);
    zip_make_put(z, "PK\003\004", 4);
    zip_make_u16(z, 20);
    zip_make_u16(z, 0);
    zip_make_u16(z, method);
    zip_make_u32(z, 0);
    zip_make_u32(z, crc);
    zip_make_u32(z, (uint32_t)packed);
    zip_make_u32(z, size);
    zip_make_u16(z, (uint32_t)length);
    zip_make_u16(z, 0);
    zip_make_put(z, name, length);
    zip_make_put(z, bytes, packed);
}

static inline void zip_make_add(zip_make *z, const char *name, const void *bytes, size_t n) {
    zip_make_raw(z, name, 0, zip_make_crc(bytes, n), bytes, n, (uint32_t)n);
}

/* The directory and the end record. Nothing may be added afterwards. */
static inline void zip_make_finish(zip_make *z) {
    const uint32_t at = (uint32_t)z->n;
    for (int i = 0; i < z->n_entries; i++) {
        const struct zip_make_entry *const e = &z->entries[i];
        zip_make_put(z, "PK\001\002", 4);
        zip_make_u16(z, 20);
        zip_make_u16(z, 20);
        zip_make_u16(z, 0);
        zip_make_u16(z, e->method);
        zip_make_u32(z, 0);
        zip_make_u32(z, e->crc);
        zip_make_u32(z, e->packed);
        zip_make_u32(z, e->size);
        zip_make_u16(z, (uint32_t)strlen(e->name));
        zip_make_u16(z, 0);
        zip_make_u16(z, 0);
        zip_make_u16(z, 0);
        zip_make_u16(z, 0);
        zip_make_u32(z, 0);
        zip_make_u32(z, e->at);
        zip_make_put(z, e->name, strlen(e->name));
    }
    const uint32_t size = (uint32_t)z->n - at;
    zip_make_put(z, "PK\005\006", 4);
    zip_make_u32(z, 0);
    zip_make_u16(z, (uint32_t)z->n_entries);
    zip_make_u16(z, (uint32_t)z->n_entries);
    zip_make_u32(z, size);
    zip_make_u32(z, at);
    zip_make_u16(z, 0);
}

static inline void zip_make_free(zip_make *z) {
    free(z->bytes);
    *z = (zip_make){0};
}

#endif
