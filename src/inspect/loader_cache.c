/* Walks the cache's table. Knows no library. */
#include "inspect/loader_cache.h"

#include <string.h>

#include "engine/engine_format.h"

/* struct cache_file_new: magic and version, u32 entries, u32 bytes of strings, flags, extensions; entries of 24 bytes: i32
 * flags, u32 key, u32 value, u32 osversion, u64 hwcap. Keys and values count from the table's start. */
enum { HEADER = 48, ENTRY = 24, ALIGNMENT = 8 };

static const char magic[] = "glibc-ld.so.cache1.1";

static const char *text_at(const uint8_t *bytes, size_t n, uint32_t at) {
    return at < n && memchr(bytes + at, 0, n - at) ? (const char *)bytes + at : NULL;
}

void yk__loader_cache_read(const uint8_t *bytes, size_t n, yk__loader_cache_fn fn, void *user) {
    size_t start = 0;
    const size_t length = sizeof magic - 1;
    while (start + HEADER <= n && memcmp(bytes + start, magic, length) != 0) start += ALIGNMENT;
    if (start + HEADER > n) return;
    bytes += start;
    n -= start;
    uint32_t n_entries = yk__get_u32(bytes + length);
    for (size_t i = 0; i < n_entries && HEADER + (i + 1) * ENTRY <= n; i++) {
        const uint8_t *entry = bytes + HEADER + i * ENTRY;
        const char *soname = text_at(bytes, n, yk__get_u32(entry + 4)), *path = text_at(bytes, n, yk__get_u32(entry + 8));
        if (soname && path) fn(user, soname, path);
    }
}
