/* Reading untrusted JSON through jansson: bounded before it is parsed, and getters that name what is missing.
 *
 * jansson's own bounds: nesting of 2,048, strings as long as the text. Ours, checked on the raw bytes first: size and number of
 * items, which bound the memory a tree can take. */
#ifndef YK_ENGINE_JSON_READ_H
#define YK_ENGINE_JSON_READ_H

#include <jansson.h>

#include "base/memory.h"

/* What parsing these bytes may cost at most, in units of some 64 bytes of memory. */
size_t yk__json_weight(const uint8_t *bytes, size_t n);

/* Parses n bytes that must be one JSON value; what names it in messages ("section graph"). LIMIT when it is too large, FORMAT
 * with line and column otherwise, MEMORY. The tree is the caller's: json_decref. */
yk__code yk__json_parse(const uint8_t *bytes, size_t n, const char *what, json_t **out, yk__error *err) YK__MUST_USE;

/* The same with a bound of its own on the weight. */
yk__code yk__json_parse_within(const uint8_t *bytes, size_t n, size_t max_weight, const char *what, json_t **out,
                               yk__error *err) YK__MUST_USE;

/* Members of an object. FORMAT, naming `where` and the key, when the member is missing, of another type or out of range. */
yk__code yk__json_get_int(const json_t *object, const char *key, int64_t low, int64_t high, const char *where, int64_t *out,
                          yk__error *err) YK__MUST_USE;
/* Any number; "inf", "-inf" and "nan" too. */
yk__code yk__json_get_real(const json_t *object, const char *key, const char *where, double *out, yk__error *err) YK__MUST_USE;
yk__code yk__json_get_bool(const json_t *object, const char *key, const char *where, bool *out, yk__error *err) YK__MUST_USE;
/* Borrowed from the tree. */
yk__code yk__json_get_string(const json_t *object, const char *key, const char *where, const char **out,
                             yk__error *err) YK__MUST_USE;
/* *out is borrowed; it is an array of at most max items. */
yk__code yk__json_get_array(const json_t *object, const char *key, size_t max, const char *where, const json_t **out,
                            yk__error *err) YK__MUST_USE;
/* A number as above; false when it is none. */
bool yk__json_number(const json_t *value, double *out);

#endif
