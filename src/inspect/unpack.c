/* Unpacking into one buffer; what goes beyond it is unpacked into a small one and forgotten. */
#include "inspect/unpack.h"

#include <string.h>
#include <zlib.h>
#if YK__WITH_ZSTD
#include <zstd.h>
#include <zstd_errors.h>
#endif

#include "base/memory.h"

enum { FIRST = 4096, SPARE = 32768 };

/* What `zstd -19` writes needs a window of 8 MiB; only --ultra and --long go beyond. */
#define ZSTD_WINDOW_LOG 23

/* Where the next bytes go: the buffer while it may grow, then the spare one. */
typedef struct sink {
    yk__unpacked *out;
    size_t capacity, limit, total;
    bool on;
    uint8_t spare[SPARE];
} sink;

/* Room for more output, NULL when enough was unpacked. */
static uint8_t *room(sink *s, size_t *n) {
    yk__unpacked *out = s->out;
    if (out->n == s->capacity && s->capacity < s->limit) {
        size_t wanted = s->capacity == 0 ? FIRST : s->capacity * 4;
        if (wanted > s->limit) wanted = s->limit;
        uint8_t *grown = yk__realloc_array(out->bytes, wanted, 1);
        if (!grown) {
            out->not_possible = true;
            return NULL;
        }
        out->bytes = grown;
        s->capacity = wanted;
    }
    if (out->n < s->capacity) {
        *n = s->capacity - out->n;
        return out->bytes + out->n;
    }
    if (!s->on || s->total >= YK__UNPACK_ON) return NULL;
    *n = SPARE;
    return s->spare;
}

static void take(sink *s, const uint8_t *at, size_t n) {
    if (at != s->spare) s->out->n += n;
    s->total += n;
}

static void keep_name(yk__unpacked *out, const gz_header *head) {
    if (head->done != 1) out->name[0] = '\0';
    out->name[sizeof out->name - 1] = '\0';
}

static void unpack_zlib(sink *s, bool gzip, const uint8_t *bytes, size_t n) {
    yk__unpacked *out = s->out;
    z_stream z = {0};
    gz_header head = {.name = (Bytef *)out->name, .name_max = sizeof out->name};
    if (inflateInit2(&z, gzip ? 16 + MAX_WBITS : -MAX_WBITS) != Z_OK) {
        out->not_possible = true;
        return;
    }
    if (gzip) inflateGetHeader(&z, &head);
    size_t left = n;
    z.next_in = (Bytef *)(uintptr_t)bytes;
    for (;;) {
        size_t space;
        uint8_t *to = room(s, &space);
        if (!to) break;
        uInt step = left < 1u << 30 ? (uInt)left : 1u << 30; /* zlib counts in 32 bits */
        z.avail_in = step;
        z.next_out = to;
        z.avail_out = (uInt)space;
        int result = inflate(&z, Z_NO_FLUSH);
        left -= step - z.avail_in;
        take(s, to, space - z.avail_out);
        if (result == Z_STREAM_END) {
            out->ended = true;
            out->used = n - left;
            break;
        }
        out->damaged = result == Z_DATA_ERROR || result == Z_NEED_DICT;
        out->not_possible |= result == Z_MEM_ERROR || result == Z_STREAM_ERROR;
        out->wants_more = left == 0 && (result == Z_BUF_ERROR || (result == Z_OK && z.avail_out > 0));
        if (out->damaged || out->not_possible || out->wants_more || (result != Z_OK && result != Z_BUF_ERROR)) break;
    }
    if (gzip) keep_name(out, &head);
    inflateEnd(&z);
}

#if YK__WITH_ZSTD
static void unpack_zstd(sink *s, const uint8_t *bytes, size_t n) {
    yk__unpacked *out = s->out;
    ZSTD_DCtx *z = ZSTD_createDCtx();
    if (!z || ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG))) out->not_possible = true;
    ZSTD_inBuffer in = {.src = bytes, .size = n};
    while (!out->not_possible) {
        size_t space;
        uint8_t *to = room(s, &space);
        if (!to) break;
        ZSTD_outBuffer to_buffer = {.dst = to, .size = space};
        size_t result = ZSTD_decompressStream(z, &to_buffer, &in);
        take(s, to, to_buffer.pos);
        if (ZSTD_isError(result)) {
            ZSTD_ErrorCode code = ZSTD_getErrorCode(result);
            out->not_possible = code == ZSTD_error_frameParameter_windowTooLarge || code == ZSTD_error_memory_allocation ||
                                code == ZSTD_error_dictionary_wrong;
            out->damaged = !out->not_possible;
            break;
        }
        if (result == 0) {
            out->ended = true;
            out->used = in.pos;
            break;
        }
        out->wants_more = in.pos == n && to_buffer.pos < space;
        if (out->wants_more) break;
    }
    ZSTD_freeDCtx(z);
}
#else
static void unpack_zstd(sink *s, const uint8_t *bytes, size_t n) {
    (void)bytes;
    (void)n;
    s->out->not_possible = true;
}
#endif

yk__unpacked yk__unpack(yk__packing packing, const uint8_t *bytes, size_t n, size_t limit, bool on) {
    yk__unpacked out = {0};
    sink *s = yk__alloc(sizeof *s);
    if (!s) {
        out.not_possible = true;
        return out;
    }
    s->out = &out;
    s->limit = limit;
    s->on = on;
    if (packing == YK__PACKING_ZSTD)
        unpack_zstd(s, bytes, n);
    else
        unpack_zlib(s, packing == YK__PACKING_GZIP, bytes, n);
    yk__free(s);
    return out;
}
