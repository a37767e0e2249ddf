/* The metadata that Ultralytics writes in front of a TensorRT plan: four bytes little-endian length n, n bytes of JSON, the
 * plan. No magic, version or checksum. Ultralytics writes n as a number of characters and reads it as a number of bytes, which
 * is the same as long as the JSON is ASCII, as its own is; JSON of other writers may not be, so both readings are tried. */
#ifndef YK_INSPECT_ULTRALYTICS_PREFIX_H
#define YK_INSPECT_ULTRALYTICS_PREFIX_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* A page of metadata takes some KB, ten thousand class names some 200 KB. */
#define YK__PREFIX_MAX_JSON ((uint32_t)1 << 20)
/* Ten thousand class names weigh 20,000; parsing this takes at most some 8 MiB (engine/json_read.h). */
#define YK__PREFIX_MAX_WEIGHT 200000u

typedef struct yk__prefix {
    size_t json_at; /* 4 */
    size_t json_size;
    size_t plan_at; /* where the plan begins */
} yk__prefix;

/* Reads the prefix of a file of which all n bytes are at hand. FORMAT, saying why, when there is none; LIMIT for JSON past the
 * bound. The plan behind it is not looked at. metadata (may be NULL) gets the JSON's object: json_decref. */
yk__code yk__prefix_read(const uint8_t *bytes, size_t n, yk__prefix *out, json_t **metadata, yk__error *err) YK__MUST_USE;

/* Length of the whole plan by its own header, for plans of TensorRT 7 and later. FORMAT when these bytes are none or the header
 * cannot be read; TRUNCATED when fewer than n bytes of header are there. */
yk__code yk__plan_length(const uint8_t *plan, size_t n, uint64_t *length, yk__error *err) YK__MUST_USE;
/* OK when the plan is exactly its header's length; TRUNCATED or FORMAT, naming both lengths, else. */
yk__code yk__plan_check_whole(const uint8_t *plan, size_t n, yk__error *err) YK__MUST_USE;

/* Four length bytes and the JSON, ready to stand in front of a plan: the JSON byte for byte without blanks around it, other
 * than ASCII escaped, so that both readings of n agree. FORMAT when it is no JSON object. */
yk__code yk__prefix_write(const char *json, size_t n, yk__text *out, yk__error *err) YK__MUST_USE;

#endif
