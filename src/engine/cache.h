/* The folder of engines that were built on the fly: $XDG_CACHE_HOME/yolk, or ~/.cache/yolk, or what the caller names.
 *
 * Entries are whole engine files named by a key over the source's content, the build options and the version of yolk, so an
 * entry is never stale. They appear by rename and vanish by unlink: any number of processes may use one folder at once, and an
 * engine stays usable while it is mapped. The least recently used entries go when the folder grows over its bound. Any
 * trouble here only means that there is no cache. */
#ifndef YK_ENGINE_CACHE_H
#define YK_ENGINE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

#define YK__CACHE_MAX_BYTES ((uint64_t)2 << 30)

typedef struct yk__cache {
    char *folder; /* NULL: no cache */
} yk__cache;

/* Finds the folder and makes it (mode 0700) where it is not there. folder: NULL or "" for the default place. Without HOME, or
 * when the folder cannot be made or written, the cache is empty: false, and every other call does nothing. */
bool yk__cache_open(yk__cache *cache, const char *folder);
void yk__cache_close(yk__cache *cache);

/* 64 lower-case hexadecimal digits and NUL: SHA-256 over the source's SHA-256, the options' text, the precision and
 * instruction set (any text), and the version of yolk. */
void yk__cache_key(char out[65], const char *source_sha256, const char *options);

/* Where the entry of this key lies or will lie: FOLDER/KEY.yolk, from yk__alloc; NULL without a cache or memory. The caller
 * opens or writes that file itself; yk__engine_write is atomic. */
char *yk__cache_path(const yk__cache *cache, const char *key);
/* True when the entry exists; marks it as used now. */
bool yk__cache_touch(const char *path);
/* Removes an entry that turned out damaged. */
void yk__cache_drop(const char *path);
/* Removes least recently used entries until the folder's entries take at most max_bytes, and leftovers of writers that died
 * (older than a day). `keep`, a path or NULL, stays. Call it after writing. */
void yk__cache_trim(const yk__cache *cache, uint64_t max_bytes, const char *keep);

#endif
