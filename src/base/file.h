/* Files: read-only mappings, whole reads, atomic writes. */
#ifndef YK_BASE_FILE_H
#define YK_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

/* A file as bytes. Zero-initialised is empty and unmapped. An empty file maps with data NULL and size 0.
 * Reading a mapped file that somebody shortens meanwhile ends in SIGBUS: files in use are replaced by renaming, as below. */
typedef struct yk__map {
    const uint8_t *data;
    size_t size;
    bool mapped; /* by mmap; otherwise data is allocated (pipes, other special files) */
} yk__map;

/* NOT_FOUND when the path does not exist, IO when it is a folder, a pipe that nobody writes to, or cannot be read; the text
 * names the path. Pipes and devices are read into memory, at most max_pipe_bytes (0 = 1 GiB). */
yk__code yk__map_open(yk__map *map, const char *path, size_t max_pipe_bytes, yk__error *err) YK__MUST_USE;
void yk__map_close(yk__map *map);

/* True for terminals, /dev/zero, disks: what can be opened but has no end that makes it a file. */
bool yk__is_device(const char *path);
/* The size of a plain file; false when there is none. */
bool yk__file_size(const char *path, uint64_t *size);

/* Reads a stream to its end, at most limit bytes (LIMIT beyond). *data from yk__alloc. */
yk__code yk__read_stream(FILE *stream, const char *name, size_t limit, uint8_t **data, size_t *size,
                         yk__error *err) YK__MUST_USE;

/* A file that appears whole or not at all: written beside its target under a temporary name, synced, renamed. A
 * symbolic link stays one and its target is replaced; a device or pipe is written directly; a folder is refused. Permission
 * bits are 0666 without umask. */
typedef struct yk__atomic_file {
    FILE *stream;
    char *path;
    char *temporary;
} yk__atomic_file;

yk__code yk__atomic_open(yk__atomic_file *file, const char *path, yk__error *err) YK__MUST_USE;
yk__code yk__atomic_write(yk__atomic_file *file, const void *bytes, size_t size, yk__error *err) YK__MUST_USE;
/* Syncs and renames; on failure the temporary file is removed. The struct is empty afterwards in both cases. */
yk__code yk__atomic_commit(yk__atomic_file *file, yk__error *err) YK__MUST_USE;
/* Removes the temporary file; does nothing on an empty struct. */
void yk__atomic_abort(yk__atomic_file *file);

#endif
