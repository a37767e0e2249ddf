/* XXH3-64 for the engine file's sections, SHA-256 for provenance. */
#ifndef YK_BASE_CHECKSUM_H
#define YK_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint64_t yk__xxh3(const void *bytes, size_t size);
/* XXH3 of `size` bytes in which the `hole_size` bytes at `hole_at` count as zeros (a header that holds its own sum). */
uint64_t yk__xxh3_with_hole(const void *bytes, size_t size, size_t hole_at, size_t hole_size);
/* The same sum over bytes that come in pieces. The struct is plain memory: nothing to release. */
typedef struct yk__xxh3_stream {
    _Alignas(64) uint8_t state[640];
} yk__xxh3_stream;
void yk__xxh3_begin(yk__xxh3_stream *stream);
void yk__xxh3_add(yk__xxh3_stream *stream, const void *bytes, size_t size);
uint64_t yk__xxh3_end(const yk__xxh3_stream *stream);
void yk__sha256(const void *bytes, size_t size, uint8_t out[32]);
/* 64 lower-case hexadecimal digits and NUL. */
void yk__sha256_hex(const void *bytes, size_t size, char out[65]);

#endif
