/* Growing text buffers and a few string helpers. */
#ifndef YK_BASE_TEXT_H
#define YK_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* A growing, always NUL-terminated text. {0} is an empty one. After an allocation failed, `failed` stays set and further
 * writes do nothing, so that a writer checks once at its end. Owned by the caller; yk__text_free releases it. */
typedef struct yk__text {
    char *data;
    size_t length;
    size_t capacity;
    bool failed;
} yk__text;

void yk__text_free(yk__text *text);
void yk__text_add(yk__text *text, const char *more);
void yk__text_add_n(yk__text *text, const char *more, size_t n);
void yk__text_add_char(yk__text *text, char c);
void yk__text_printf(yk__text *text, const char *format, ...) YK__PRINTF(2, 3);
/* Never NULL. */
const char *yk__text_get(const yk__text *text);

bool yk__starts_with(const char *text, const char *prefix);
bool yk__ends_with(const char *text, const char *suffix);
/* ASCII, independent of the locale. */
int yk__compare_no_case(const char *a, const char *b);
/* Whole string as a number, independent of the locale; false when it is not one or is out of range. */
bool yk__parse_i64(const char *text, int64_t *out);
bool yk__parse_double(const char *text, double *out);
/* The shortest decimal that reads back as the same double (float), independent of the locale; JSON-safe ("null" when not
 * finite). Returns the length. */
int yk__format_double(char out[32], double value);
int yk__format_float(char out[32], float value);
/* Length of the longest prefix of at most n bytes that ends at a UTF-8 character's end. */
size_t yk__utf8_prefix(const char *text, size_t n);
bool yk__utf8_valid(const char *text, size_t n);
/* Part of a path after the last slash; never NULL. */
const char *yk__basename(const char *path);

#endif
