/* The bytes of an engine file, format version 1, as constants. docs/engine-format.md is the specification; this header is it
 * in C. All numbers are little-endian and are read and written byte by byte, never by casting.
 *
 *   0     head, always 4,096 bytes, of which bytes 56..63 hold the XXH3-64 of all the others (those eight taken as zeros)
 *   4096  sections in rising order, each at a multiple of 64, zeros between; the last one ends the file
 *
 * The size of the head, its magic and the place of its checksum are the same in every version for ever, so that any reader
 * can tell a damaged file from a newer one. */
#ifndef YK_ENGINE_ENGINE_FORMAT_H
#define YK_ENGINE_ENGINE_FORMAT_H

#include <stdint.h>

/* High byte: 7-bit channels and text decoders show. CR LF and LF: translation of line ends shows. ^Z: DOS `type` stops. */
#define YK__ENGINE_MAGIC       "\x89YLK\r\n\x1a\n"
#define YK__ENGINE_MAGIC_BYTES 8

#define YK__ENGINE_FORMAT     1 /* what this yolk writes */
#define YK__ENGINE_MIN_READER 1 /* what a reader must know to use it */
#define YK__ENGINE_READER     1 /* what this yolk knows */

#define YK__ENGINE_HEAD_BYTES 4096
#define YK__ENGINE_ALIGN      64 /* of sections in the file and tensors in the weights: a cache line, an AVX-512 vector */

/* Fields of the head. */
enum {
    YK__HEAD_FORMAT = 8,        /* u32 */
    YK__HEAD_MIN_READER = 12,   /* u32 */
    YK__HEAD_FILE_BYTES = 16,   /* u64 */
    YK__HEAD_TABLE_AT = 24,     /* u32, 512 in version 1 */
    YK__HEAD_N_SECTIONS = 28,   /* u32 */
    YK__HEAD_ENTRY_BYTES = 32,  /* u32, 64 in version 1 */
    YK__HEAD_ZERO = 36,         /* 20 bytes of zeros */
    YK__HEAD_CHECKSUM = 56,     /* u64 */
    YK__HEAD_SUMMARY = 64,      /* 192 bytes: the summary, for people and quick looks; the recipe decides */
    YK__HEAD_SUMMARY_END = 256, /* zeros up to the table */
    YK__HEAD_TABLE = 512        /* entries, then zeros up to 4,096 */
};

/* Fields of the summary, from YK__HEAD_SUMMARY: texts are NUL-padded and hold at least one NUL. */
enum {
    YK__SUMMARY_TASK = 0,       /* 16 bytes: "detect" */
    YK__SUMMARY_LAYOUT = 16,    /* 16 bytes: "v8" */
    YK__SUMMARY_PRECISION = 32, /* 16 bytes: "fp32" */
    YK__SUMMARY_WRITER = 48,    /* 32 bytes: "yolk 0.1.0" */
    YK__SUMMARY_SOURCE = 80,    /* 64 bytes: base name of the source file, cut at a character's end */
    YK__SUMMARY_HEIGHT = 144,   /* u32: default network input */
    YK__SUMMARY_WIDTH = 148,    /* u32 */
    YK__SUMMARY_CLASSES = 152,  /* u32 */
    YK__SUMMARY_BATCH = 156,    /* u32: what the source was exported for */
    YK__SUMMARY_WEIGHTS = 160,  /* u64: bytes of weights */
    YK__SUMMARY_ZERO = 168      /* 24 bytes of zeros */
};

/* Fields of a section's entry. */
enum {
    YK__ENTRY_NAME = 0,     /* 32 bytes, NUL-padded: letters a-z, digits, '.', '-', '_'; unique */
    YK__ENTRY_FLAGS = 32,   /* u32: bit 0 required; the others zero */
    YK__ENTRY_ZERO = 36,    /* 4 bytes of zeros */
    YK__ENTRY_AT = 40,      /* u64: offset in the file */
    YK__ENTRY_LENGTH = 48,  /* u64 */
    YK__ENTRY_CHECKSUM = 56 /* u64: XXH3-64 of the section's bytes */
};
#define YK__ENTRY_BYTES         64
#define YK__ENTRY_NAME_BYTES    32
#define YK__ENTRY_REQUIRED      1u
#define YK__ENGINE_MAX_SECTIONS 48 /* (4096 - 512) / 64 = 56 fit; the rest is room for a later head */

/* A plan section opens with the fingerprint of what made it: NUL-padded text; the rest is the plan's own. */
#define YK__PLAN_FINGERPRINT_BYTES 64

/* Bounds on JSON sections, far above yolov8x (0.3 MB, weight 100,000): the weight is a bound on what a parser allocates, in
 * units of some 64 bytes. A list of numbers costs 1 each, a list 2 more, an object 4 more. */
#define YK__ENGINE_MAX_JSON_BYTES  (32u << 20)
#define YK__ENGINE_MAX_JSON_WEIGHT 1000000u

static inline uint32_t yk__get_u32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint64_t yk__get_u64(const uint8_t *p) {
    return (uint64_t)yk__get_u32(p) | (uint64_t)yk__get_u32(p + 4) << 32;
}
static inline void yk__put_u32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (8 * i));
}
static inline void yk__put_u64(uint8_t *p, uint64_t v) {
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)(v >> (8 * i));
}

#endif
