/* Error text. What is written here reaches terminals, logs and JSON, and parts of it come out of hostile files, so every
 * message leaves as valid UTF-8 without control characters. */
#include "base/status.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Bytes of the UTF-8 character at text, 0 when the bytes there are not one. */
static size_t character_length(const char *text, size_t n) {
    for (size_t length = 1; length <= 4 && length <= n; length++)
        if (yk__utf8_valid(text, length)) return length;
    return 0;
}

/* Controls move cursors and forge lines: C0, DEL, and C1 (U+0080..U+009F, C2 80..C2 9F). */
static bool is_control(const char *text, size_t length) {
    const unsigned char first = (unsigned char)text[0];
    if (length == 1) return first < 0x20 || first == 0x7F;
    return length == 2 && first == 0xC2 && (unsigned char)text[1] < 0xA0;
}

static void make_printable(char *text) {
    size_t n = strlen(text);
    for (size_t i = 0; i < n;) {
        const size_t length = character_length(text + i, n - i);
        if (length > 0 && !is_control(text + i, length)) {
            i += length;
            continue;
        }
        const bool blank = text[i] == '\n' || text[i] == '\t' || text[i] == '\r';
        const size_t bad = length > 0 ? length : 1;
        memset(text + i, blank ? ' ' : '?', bad);
        i += bad;
    }
}

/* The text is made in a buffer of its own because an argument may be the old err->message. */
YK__PRINTF(2, 0)
static void set_message(yk__error *err, const char *format, va_list args) {
    char text[YK__ERROR_TEXT];
    const int length = vsnprintf(text, sizeof text, format, args);
    if (length < 0) {
        snprintf(text, sizeof text, "%s", "the error text could not be formatted");
    } else if ((size_t)length >= sizeof text) {
        text[yk__utf8_prefix(text, sizeof text - 1)] = '\0';
    }
    make_printable(text);
    memcpy(err->message, text, strlen(text) + 1);
}

yk__code yk__fail_v(yk__error *err, yk__code code, const char *format, va_list args) {
    assert(code != YK__OK);
    if (err == NULL) return code;
    const int saved_errno = errno;
    set_message(err, format, args);
    err->code = code;
    errno = saved_errno;
    return code;
}

yk__code yk__fail(yk__error *err, yk__code code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    yk__fail_v(err, code, format, args);
    va_end(args);
    return code;
}

yk__code yk__fail_prefix(yk__error *err, yk__code code, const char *format, ...) {
    if (err == NULL) return code;
    yk__error prefix = {0};
    va_list args;
    va_start(args, format);
    yk__fail_v(&prefix, code, format, args);
    va_end(args);
    const yk__code kept = err->code != YK__OK ? err->code : code;
    err->message[YK__ERROR_TEXT - 1] = '\0';
    return yk__fail(err, kept, "%s: %s", prefix.message, err->message);
}

/* The list spells names in capitals; lower-case copies with hyphens are made once. */
enum {
#define X(name, number, text) AT_##name,
    YK__CODE_LIST(X)
#undef X
        N_CODES
};
#define NAME_BYTES 16
static char names[N_CODES][NAME_BYTES];

static void make_names(void) {
#define X(name, number, text) \
    _Static_assert(sizeof #name <= NAME_BYTES, "NAME_BYTES is too small"); \
    memcpy(names[AT_##name], #name, sizeof #name);
    YK__CODE_LIST(X)
#undef X
    for (int i = 0; i < N_CODES; i++)
        for (char *c = names[i]; *c != '\0'; c++) *c = *c == '_' ? '-' : (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
}

const char *yk__code_name(yk__code code) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_names);
    switch (code) {
#define X(name, number, text) \
    case YK__##name: return names[AT_##name];
        YK__CODE_LIST(X)
#undef X
    }
    return "unknown";
}

const char *yk__code_text(yk__code code) {
    switch (code) {
#define X(name, number, text) \
    case YK__##name: return text;
        YK__CODE_LIST(X)
#undef X
    }
    return "not a status code of this yolk";
}
