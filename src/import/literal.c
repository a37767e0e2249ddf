/* A recursive-descent reader of Python literals, bounded in depth. */
#include "import/literal.h"

#include <string.h>

#include "base/text.h"

typedef struct reader {
    const char *start, *at;
    yk__arena *arena;
    int depth;
    yk__error *err;
} reader;

static yk__code read_value(reader *r, yk__literal *out);

static yk__code fail(const reader *r, const char *what) {
    return yk__fail(r->err, YK__FORMAT, "not a Python literal: %s at character %td", what, r->at - r->start + 1);
}

static yk__code no_memory(const reader *r) {
    return yk__arena_error(r->arena, "the metadata", r->err);
}

static void skip_space(reader *r) {
    r->at += strspn(r->at, " \t\r\n");
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* n digits after \x, \u or \U. */
static bool read_hex(reader *r, int n, uint32_t *out) {
    uint32_t value = 0;
    for (int i = 0; i < n; i++) {
        const int digit = hex_digit(*r->at);
        if (digit < 0) return false;
        value = value << 4 | (uint32_t)digit;
        r->at++;
    }
    *out = value;
    return true;
}

/* UTF-8 of a code point; what cannot be one (a surrogate, NUL, beyond Unicode) becomes a question mark. */
static char *put_utf8(char *out, uint32_t c) {
    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) c = '?';
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xf0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

/* The character behind a backslash. Never longer than its escape, so the caller's room suffices. */
static bool read_escape(reader *r, char **out) {
    static const char plain[] = "\\'\"abfnrtv", meaning[] = "\\'\"\a\b\f\n\r\t\v";
    const char c = *r->at;
    const char *const known = c ? strchr(plain, c) : NULL;
    uint32_t code = 0;
    if (known) {
        r->at++;
        *(*out)++ = meaning[known - plain];
        return true;
    }
    if (c >= '0' && c <= '7') {
        for (int i = 0; i < 3 && *r->at >= '0' && *r->at <= '7'; i++) code = code * 8 + (uint32_t)(*r->at++ - '0');
    } else if (c == 'x' || c == 'u' || c == 'U') {
        r->at++;
        if (!read_hex(r, c == 'x' ? 2 : c == 'u' ? 4 : 8, &code)) return false;
    } else {
        return false;
    }
    *out = put_utf8(*out, code);
    return true;
}

static yk__code read_string(reader *r, yk__literal *out) {
    const char quote = *r->at++;
    /* Room for the longest it can be: up to the last quote of this kind. \xff takes 4 characters and becomes 2 bytes. */
    const char *end = r->at;
    while (*end && *end != quote) end += *end == '\\' && end[1] ? 2 : 1;
    char *const text = yk__arena_alloc(r->arena, (size_t)(end - r->at) + 1);
    if (!text) return no_memory(r);
    char *put = text;
    while (*r->at && *r->at != quote) {
        if (*r->at != '\\') {
            *put++ = *r->at++;
            continue;
        }
        r->at++;
        if (!read_escape(r, &put)) return fail(r, "an unknown escape");
    }
    if (*r->at != quote) return fail(r, "a text without its closing quote");
    r->at++;
    *put = '\0';
    if (!yk__utf8_valid(text, (size_t)(put - text))) {
        for (char *c = text; *c; c++) {
            if ((unsigned char)*c >= 0x80) *c = '?';
        }
    }
    *out = (yk__literal){.kind = YK__LITERAL_STRING, .text = text};
    return YK__OK;
}

static yk__code read_number(reader *r, yk__literal *out) {
    char text[64];
    const size_t n = strspn(r->at, "+-0123456789.eEinfa");
    if (n == 0 || n >= sizeof text) return fail(r, "something that is neither number nor text");
    memcpy(text, r->at, n);
    text[n] = '\0';
    *out = (yk__literal){.kind = YK__LITERAL_INT};
    if (!yk__parse_i64(text, &out->integer)) {
        out->kind = YK__LITERAL_FLOAT;
        if (!yk__parse_double(text, &out->number)) return fail(r, "something that is neither number nor text");
    }
    r->at += n;
    return YK__OK;
}

static bool read_word(reader *r, const char *word) {
    const size_t n = strlen(word);
    if (strncmp(r->at, word, n) != 0) return false;
    r->at += n;
    return true;
}

/* Adds an item to a growing array in the arena. */
static bool append(reader *r, yk__literal **items, int32_t *n, int32_t *capacity, const yk__literal *item) {
    if (*n == *capacity) {
        const int32_t larger = *capacity > 0 ? 2 * *capacity : 8; /* the text's length bounds this far below overflow */
        yk__literal *const grown = yk__arena_array(r->arena, (size_t)larger, sizeof *grown);
        if (!grown) return false;
        if (*n > 0) memcpy(grown, *items, (size_t)*n * sizeof *grown);
        *items = grown;
        *capacity = larger;
    }
    (*items)[(*n)++] = *item;
    return true;
}

/* [a, b], (a, b), {a, b}, {k: v}; a comma may follow the last item. */
static yk__code read_items(reader *r, char close, yk__literal *out) {
    yk__literal *items = NULL;
    int32_t n = 0, capacity = 0;
    int dict = close == '}' ? -1 : 0; /* -1: not known before the first colon */
    for (;;) {
        skip_space(r);
        if (*r->at == close) break;
        yk__literal item;
        YK__TRY(read_value(r, &item));
        if (!append(r, &items, &n, &capacity, &item)) return no_memory(r);
        skip_space(r);
        if (dict < 0) dict = *r->at == ':';
        if (dict) {
            if (*r->at != ':') return fail(r, "a key without a value");
            r->at++;
            YK__TRY(read_value(r, &item));
            if (!append(r, &items, &n, &capacity, &item)) return no_memory(r);
            skip_space(r);
        }
        if (*r->at == ',') {
            r->at++;
        } else if (*r->at != close) {
            return fail(r, "a list without its end");
        }
    }
    r->at++;
    *out = (yk__literal){.kind = dict != 0 ? YK__LITERAL_DICT : YK__LITERAL_LIST, .n = dict != 0 ? n / 2 : n, .items = items};
    return YK__OK;
}

static yk__code read_value(reader *r, yk__literal *out) {
    skip_space(r);
    const char c = *r->at;
    if (c == '[' || c == '(' || c == '{') {
        if (r->depth == YK__LITERAL_MAX_DEPTH) {
            return yk__fail(r->err, YK__LIMIT, "lists nested deeper than %d levels", YK__LITERAL_MAX_DEPTH);
        }
        r->depth++;
        r->at++;
        const yk__code code = read_items(r, c == '[' ? ']' : c == '(' ? ')' : '}', out);
        r->depth--;
        return code;
    }
    if (c == '\'' || c == '"') return read_string(r, out);
    if (read_word(r, "None")) return *out = (yk__literal){.kind = YK__LITERAL_NONE}, YK__OK;
    if (read_word(r, "True")) return *out = (yk__literal){.kind = YK__LITERAL_BOOL, .boolean = true}, YK__OK;
    if (read_word(r, "False")) return *out = (yk__literal){.kind = YK__LITERAL_BOOL}, YK__OK;
    return read_number(r, out);
}

yk__code yk__literal_parse(const char *text, yk__arena *arena, yk__literal *out, yk__error *err) {
    reader r = {.start = text, .at = text, .arena = arena, .err = err};
    YK__TRY(read_value(&r, out));
    skip_space(&r);
    return *r.at == '\0' ? YK__OK : fail(&r, "more than one value");
}

const yk__literal *yk__literal_get(const yk__literal *dict, const char *key) {
    if (!dict || dict->kind != YK__LITERAL_DICT) return NULL;
    for (int32_t i = 0; i < dict->n; i++) {
        const yk__literal *const k = &dict->items[2 * i];
        if (k->kind == YK__LITERAL_STRING && strcmp(k->text, key) == 0) return k + 1;
    }
    return NULL;
}

bool yk__literal_int(const yk__literal *literal, int64_t low, int64_t high, int64_t *out) {
    int64_t value;
    switch (literal ? literal->kind : YK__LITERAL_NONE) {
    case YK__LITERAL_INT: value = literal->integer; break;
    case YK__LITERAL_BOOL: value = literal->boolean; break;
    case YK__LITERAL_FLOAT:
        if (!(literal->number > -1e15 && literal->number < 1e15)) return false; /* exact in a double */
        value = (int64_t)literal->number;
        if ((double)value != literal->number) return false;
        break;
    default: return false;
    }
    if (value < low || value > high) return false;
    *out = value;
    return true;
}
