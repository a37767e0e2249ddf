/* JSON output: strings, numbers, lists. Objects and lines are laid out by the callers. */
#include "engine/json_text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Length of the valid UTF-8 character at text (of n bytes), 0 when there is none. */
static size_t character(const char *text, size_t n) {
    for (size_t length = 1; length <= 4 && length <= n; length++)
        if (yk__utf8_valid(text, length)) return length;
    return 0;
}

static void add_escape(yk__text *out, unsigned char c) {
    switch (c) {
    case '"': yk__text_add(out, "\\\""); break;
    case '\\': yk__text_add(out, "\\\\"); break;
    case '\n': yk__text_add(out, "\\n"); break;
    case '\r': yk__text_add(out, "\\r"); break;
    case '\t': yk__text_add(out, "\\t"); break;
    default: yk__text_printf(out, "\\u%04x", c); break;
    }
}

void yk__json_string(yk__text *out, const char *text) {
    if (!text) {
        yk__text_add(out, "null");
        return;
    }
    yk__text_add_char(out, '"');
    for (size_t n = strlen(text); n > 0;) {
        unsigned char c = (unsigned char)*text;
        size_t length = character(text, n);
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
            add_escape(out, c);
        else if (length)
            yk__text_add_n(out, text, length);
        else
            yk__text_add(out, "\xef\xbf\xbd");
        if (!length) length = 1;
        text += length, n -= length;
    }
    yk__text_add_char(out, '"');
}

void yk__json_key(yk__text *out, const char *name) {
    yk__json_string(out, name);
    yk__text_add_char(out, ':');
}

void yk__json_int(yk__text *out, int64_t number) {
    yk__text_printf(out, "%" PRId64, number);
}

static void add_not_finite(yk__text *out, double number) {
    yk__text_add(out, isnan(number) ? "\"nan\"" : number > 0 ? "\"inf\"" : "\"-inf\"");
}

static void add_number(yk__text *out, const char *digits) {
    yk__text_add(out, digits);
    if (!strpbrk(digits, ".eE")) yk__text_add(out, ".0");
}

void yk__json_real(yk__text *out, double number) {
    char digits[32];
    if (!isfinite(number)) {
        add_not_finite(out, number);
        return;
    }
    yk__format_double(digits, number);
    add_number(out, digits);
}

void yk__json_float(yk__text *out, float number) {
    char digits[32];
    double read = 0;
    if (!isfinite(number)) {
        add_not_finite(out, (double)number);
        return;
    }
    yk__format_float(digits, number);
    /* decimal to double to float rounds twice; where that misses, the exact double is written */
    if (!yk__parse_double(digits, &read) || (float)read != number) yk__format_double(digits, (double)number);
    add_number(out, digits);
}

void yk__json_bool(yk__text *out, bool yes) {
    yk__text_add(out, yes ? "true" : "false");
}

void yk__json_ints(yk__text *out, const int64_t *numbers, int n) {
    yk__text_add_char(out, '[');
    for (int i = 0; i < n; i++) {
        if (i) yk__text_add_char(out, ',');
        yk__json_int(out, numbers[i]);
    }
    yk__text_add_char(out, ']');
}
