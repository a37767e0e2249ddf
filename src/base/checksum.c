/* Checksums and hashes. The algorithms are libxxhash's and libsodium's; nothing here decides what a mismatch means. */
#include "base/checksum.h"

#include <sodium/crypto_hash_sha256.h>

/* Compiled in rather than called: the streaming state can then live on the stack (this must not allocate) without this
 * library depending on how large the installed libxxhash.so believes that state to be. */
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t yk__xxh3(const void *bytes, size_t size) {
    return XXH3_64bits(bytes, size);
}

static void add_zeros(XXH3_state_t *state, size_t count) {
    static const uint8_t zeros[64];
    while (count > 0) {
        const size_t step = count < sizeof zeros ? count : sizeof zeros;
        XXH3_64bits_update(state, zeros, step);
        count -= step;
    }
}

uint64_t yk__xxh3_with_hole(const void *bytes, size_t size, size_t hole_at, size_t hole_size) {
    const uint8_t *const at = bytes;
    if (hole_at >= size || hole_size == 0) return yk__xxh3(bytes, size);
    if (hole_size > size - hole_at) hole_size = size - hole_at;
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, at, hole_at);
    add_zeros(&state, hole_size);
    XXH3_64bits_update(&state, at + hole_at + hole_size, size - hole_at - hole_size);
    return XXH3_64bits_digest(&state);
}

_Static_assert(sizeof(XXH3_state_t) <= sizeof(yk__xxh3_stream), "the stream's memory holds libxxhash's state");
_Static_assert(_Alignof(XXH3_state_t) <= _Alignof(yk__xxh3_stream), "and is aligned for it");

void yk__xxh3_begin(yk__xxh3_stream *stream) {
    XXH3_state_t *const state = (void *)stream->state;
    XXH3_INITSTATE(state);
    XXH3_64bits_reset(state);
}

void yk__xxh3_add(yk__xxh3_stream *stream, const void *bytes, size_t size) {
    XXH3_64bits_update((void *)stream->state, bytes, size);
}

uint64_t yk__xxh3_end(const yk__xxh3_stream *stream) {
    return XXH3_64bits_digest((const void *)stream->state);
}

void yk__sha256(const void *bytes, size_t size, uint8_t out[32]) {
    crypto_hash_sha256(out, bytes, size);
}

void yk__sha256_hex(const void *bytes, size_t size, char out[65]) {
    static const char digits[] = "0123456789abcdef";
    uint8_t hash[32];
    yk__sha256(bytes, size, hash);
    for (size_t i = 0; i < sizeof hash; i++) {
        out[2 * i] = digits[hash[i] >> 4];
        out[2 * i + 1] = digits[hash[i] & 15];
    }
    out[64] = '\0';
}
