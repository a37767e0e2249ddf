/* Text buffers, UTF-8, and numbers as text. Nothing here looks at the process's locale: a host program may have set any. */
#include "base/text.h"

#include <float.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* ---- growing text ---- */

void yk__text_free(yk__text *text) {
    yk__free(text->data);
    *text = (yk__text){0};
}

/* Room for n more bytes and the NUL. */
static bool reserve(yk__text *text, size_t n) {
    size_t needed;
    if (text->failed) return false;
    if (!yk__add_size(text->length, n, &needed) || !yk__add_size(needed, 1, &needed)) return !(text->failed = true);
    if (needed <= text->capacity) return true;
    size_t capacity = text->capacity < 64 ? 64 : text->capacity;
    while (capacity < needed)
        if (!yk__mul_size(capacity, 2, &capacity)) capacity = needed;
    char *const grown = yk__realloc_array(text->data, capacity, 1);
    if (grown == NULL) return !(text->failed = true);
    text->data = grown;
    text->capacity = capacity;
    return true;
}

void yk__text_add_n(yk__text *text, const char *more, size_t n) {
    if (!reserve(text, n)) return;
    if (n > 0) memcpy(text->data + text->length, more, n);
    text->length += n;
    text->data[text->length] = '\0';
}

void yk__text_add(yk__text *text, const char *more) {
    yk__text_add_n(text, more, strlen(more));
}
void yk__text_add_char(yk__text *text, char c) {
    yk__text_add_n(text, &c, 1);
}

void yk__text_printf(yk__text *text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) text->failed = true;
    if (n < 0 || !reserve(text, (size_t)n)) return;
    va_start(args, format);
    vsnprintf(text->data + text->length, (size_t)n + 1, format, args);
    va_end(args);
    text->length += (size_t)n;
}

const char *yk__text_get(const yk__text *text) {
    return text->data != NULL ? text->data : "";
}

/* ---- small helpers ---- */

bool yk__starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool yk__ends_with(const char *text, const char *suffix) {
    const size_t n = strlen(text), m = strlen(suffix);
    return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

static int lower(char c) {
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : (unsigned char)c;
}

int yk__compare_no_case(const char *a, const char *b) {
    while (*a != '\0' && lower(*a) == lower(*b)) a++, b++;
    return lower(*a) - lower(*b);
}

const char *yk__basename(const char *path) {
    if (path == NULL) return "";
    const char *const slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* ---- UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF) ---- */

static bool is_continuation(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* Bytes a character takes that starts with this byte; 0 when none does. */
static size_t length_by_lead(unsigned char lead) {
    if (lead < 0x80) return 1;
    if (lead < 0xC2) return 0;
    if (lead < 0xE0) return 2;
    if (lead < 0xF0) return 3;
    return lead < 0xF5 ? 4 : 0;
}

bool yk__utf8_valid(const char *text, size_t n) {
    for (size_t i = 0; i < n;) {
        const unsigned char lead = (unsigned char)text[i];
        const size_t length = length_by_lead(lead);
        if (length == 0 || length > n - i) return false;
        for (size_t k = 1; k < length; k++)
            if (!is_continuation(text[i + k])) return false;
        if (length >= 3) {
            const unsigned char second = (unsigned char)text[i + 1];
            if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F)) return false;
            if ((lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) return false;
        }
        i += length;
    }
    return true;
}

size_t yk__utf8_prefix(const char *text, size_t n) {
    const size_t length = strnlen(text, n);
    /* Only a cut can split a character; a text that ends by itself is as whole as it will be. */
    if (length < n) return length;
    size_t lead = length;
    while (lead > 0 && length - lead < 3 && is_continuation(text[lead - 1])) lead--;
    if (lead == 0) return length;
    lead--;
    const size_t needed = length_by_lead((unsigned char)text[lead]);
    return needed > length - lead ? lead : length;
}

/* ---- numbers ---- */

static locale_t c_locale;
static void make_c_locale(void) {
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* The locale of JSON and of source code; (locale_t)0 if the C library cannot make it (glibc and musl always can). */
static locale_t get_c_locale(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_c_locale);
    return c_locale;
}

bool yk__parse_i64(const char *text, int64_t *out) {
    const bool negative = *text == '-';
    if (*text == '-' || *text == '+') text++;
    if (*text == '\0') return false;
    int64_t value = 0;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') return false;
        const int64_t digit = *text - '0';
        /* Counted downwards when negative, so that INT64_MIN is reached without overflow. */
        if (!yk__mul_i64(value, 10, &value) || !yk__add_i64(value, negative ? -digit : digit, &value)) return false;
    }
    *out = value;
    return true;
}

static const char *skip_digits(const char *text) {
    while (*text >= '0' && *text <= '9') text++;
    return text;
}

/* [+-] digits [. digits] [e [+-] digits], digits on at least one side of the point: no hexadecimal, no "nan", no spaces. */
static bool is_decimal(const char *text) {
    if (*text == '-' || *text == '+') text++;
    const char *const whole = text;
    text = skip_digits(text);
    size_t n_digits = (size_t)(text - whole);
    if (*text == '.') {
        const char *const fraction = ++text;
        text = skip_digits(text);
        n_digits += (size_t)(text - fraction);
    }
    if (n_digits == 0) return false;
    if (*text == 'e' || *text == 'E') {
        text++;
        if (*text == '-' || *text == '+') text++;
        const char *const exponent = text;
        text = skip_digits(text);
        if (text == exponent) return false;
    }
    return *text == '\0';
}

bool yk__parse_double(const char *text, double *out) {
    const locale_t locale = get_c_locale();
    if (locale == (locale_t)0 || !is_decimal(text)) return false;
    const double value = strtod_l(text, NULL, locale);
    if (!isfinite(value)) return false;
    *out = value;
    return true;
}

/* A decimal number digits * 10^exponent. */
typedef struct decimal {
    uint64_t digits; /* at most 17 of them */
    int exponent;
} decimal;

/* |value| rounded to n significant digits. Only digits and the exponent are taken from printf's text, never its point. */
static decimal round_to_digits(double value, int n) {
    char text[48];
    snprintf(text, sizeof text, "%.*e", n - 1, value);
    decimal result = {0, 0};
    const char *at = text;
    for (; *at != 'e' && *at != '\0'; at++)
        if (*at >= '0' && *at <= '9') result.digits = result.digits * 10 + (uint64_t)(*at - '0');
    result.exponent = (*at == 'e' ? (int)strtol(at + 1, NULL, 10) : 0) - (n - 1);
    return result;
}

static bool reads_back(decimal candidate, double value, bool is_float) {
    char text[48];
    const locale_t locale = get_c_locale();
    if (locale == (locale_t)0) return false;
    snprintf(text, sizeof text, "%" PRIu64 "e%d", candidate.digits, candidate.exponent);
    return is_float ? strtof_l(text, NULL, locale) == (float)value : strtod_l(text, NULL, locale) == value;
}

/* The fewest digits that read back. FLT_DIG (DBL_DIG) digits always survive the way through the type, so a shorter text is
 * found by rounding to that many and dropping zeros; subnormal numbers hold fewer digits, so there every length is tried.
 * Below a power of two the neighbours lie twice as close as above it, so there the next larger decimal can read back where
 * the nearest one does not. */
static decimal shortest(double value, bool is_float) {
    const bool subnormal = value < (is_float ? (double)FLT_MIN : DBL_MIN);
    const int most = is_float ? FLT_DECIMAL_DIG : DBL_DECIMAL_DIG;
    int exponent;
    const bool power_of_two = frexp(value, &exponent) == 0.5;
    for (int n = subnormal ? 1 : (is_float ? FLT_DIG : DBL_DIG); n < most; n++) {
        decimal candidate = round_to_digits(value, n);
        if (reads_back(candidate, value, is_float)) return candidate;
        candidate.digits++;
        if (power_of_two && reads_back(candidate, value, is_float)) return candidate;
    }
    return round_to_digits(value, most);
}

static void drop_trailing_zeros(decimal *number) {
    while (number->digits != 0 && number->digits % 10 == 0) {
        number->digits /= 10;
        number->exponent++;
    }
}

/* Positional between 1e-4 and 1e16 and scientific outside, so that ordinary numbers read as people write them. */
static int write_decimal(char out[32], bool negative, decimal number) {
    char digits[24];
    const int n = snprintf(digits, sizeof digits, "%" PRIu64, number.digits);
    const char *const sign = negative ? "-" : "";
    const int scale = n + number.exponent; /* the point stands after so many digits */
    if (scale > 16 || scale < -3) {
        const char *const point = n > 1 ? "." : "";
        return snprintf(out, 32, "%s%c%s%se%+03d", sign, digits[0], point, digits + 1, scale - 1);
    }
    if (scale <= 0) return snprintf(out, 32, "%s0.%.*s%s", sign, -scale, "000", digits);
    if (scale < n) return snprintf(out, 32, "%s%.*s.%s", sign, scale, digits, digits + scale);
    return snprintf(out, 32, "%s%s%.*s", sign, digits, scale - n, "0000000000000000");
}

static int format_number(char out[32], double value, bool is_float) {
    if (!isfinite(value)) return snprintf(out, 32, "null");
    decimal number = {0, 0};
    if (value != 0) {
        number = shortest(fabs(value), is_float);
        drop_trailing_zeros(&number);
    }
    return write_decimal(out, signbit(value) != 0, number);
}

int yk__format_double(char out[32], double value) {
    return format_number(out, value, false);
}
int yk__format_float(char out[32], float value) {
    return format_number(out, (double)value, true);
}
