/* Writing JSON with fixed formatting: the same values give the same bytes on every machine and in every locale. jansson, which
 * reads it, prints floats with 17 digits and knows no line layout of ours. */
#ifndef YK_ENGINE_JSON_TEXT_H
#define YK_ENGINE_JSON_TEXT_H

#include "base/text.h"

/* "text" with quotes and escapes; bytes that are not UTF-8 become U+FFFD. NULL gives null. */
void yk__json_string(yk__text *out, const char *text);
/* "name": and nothing more. */
void yk__json_key(yk__text *out, const char *name);
void yk__json_int(yk__text *out, int64_t number);
/* The shortest decimal that reads back the same, always with a point or an exponent, so that it stays a real; what is not
 * finite becomes "inf", "-inf" or "nan" in quotes. */
void yk__json_real(yk__text *out, double number);
/* The same for a float: the shortest decimal that is this float after a reader took it as a double. */
void yk__json_float(yk__text *out, float number);
void yk__json_bool(yk__text *out, bool yes);
void yk__json_ints(yk__text *out, const int64_t *numbers, int n);

#endif
