/* The beginning of compressed data: gzip and raw deflate through zlib, Zstandard through libzstd. Bounded in output, in memory
 * and in time, whatever the data say. */
#ifndef YK_INSPECT_UNPACK_H
#define YK_INSPECT_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum yk__packing { YK__PACKING_DEFLATE, YK__PACKING_GZIP, YK__PACKING_ZSTD } yk__packing;

typedef struct yk__unpacked {
    uint8_t *bytes; /* from yk__alloc, the caller's; NULL when there is nothing */
    size_t n;
    bool ended;        /* all of the data was unpacked, and its checksum is right */
    bool wants_more;   /* the input ended first */
    bool damaged;      /* not such data, or a checksum is wrong */
    bool not_possible; /* no memory, a window larger than allowed, or built without it: nothing is known */
    char name[256];    /* gzip: the name in its head, else "" */
    size_t used;       /* bytes of input up to the end, when ended */
} yk__unpacked;

/* Unpacks at most `limit` bytes and keeps them. With `on`, unpacking goes on to the end, the rest being thrown away, as long as
 * that is at most YK__UNPACK_ON bytes: so that the end of small files is known. */
yk__unpacked yk__unpack(yk__packing packing, const uint8_t *bytes, size_t n, size_t limit, bool on);

#define YK__UNPACK_ON ((size_t)16 << 20)

#endif
