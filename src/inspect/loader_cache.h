/* The list of libraries that ldconfig keeps for the loader, /etc/ld.so.cache: read without trusting it. */
#ifndef YK_INSPECT_LOADER_CACHE_H
#define YK_INSPECT_LOADER_CACHE_H

#include <stddef.h>
#include <stdint.h>

/* Calls fn for each entry in the file's order: the name that programs ask for and the library's path. Entries that point
 * outside the file are passed over; a file of another format has none. Layout: glibc's sysdeps/generic/dl-cache.h, format 1.1,
 * which may follow an older table ("ld.so-1.7.0"). */
typedef void (*yk__loader_cache_fn)(void *user, const char *soname, const char *path);
void yk__loader_cache_read(const uint8_t *bytes, size_t n, yk__loader_cache_fn fn, void *user);

#endif
