/* Reads what people have lying around as class names: a plain list, or the data yaml of their training run. Of yaml only what
 * such files use: `names:` followed by `- name` or `0: name` lines, or by [..] or {..} on the same line. */
#include "import/names_file.h"

#include <string.h>

#include "base/file.h"
#include "base/text.h"

/* 100,000 names of 40 bytes. */
#define MAX_BYTES ((size_t)4 << 20)
#define MAX_NAMES 100000

typedef struct collector {
    yk__arena *arena;
    const char **names;
    int32_t n, capacity;
    yk__error *err;
} collector;

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts spaces, and quotes around the whole; the text itself stays. */
static void trim(const char **start, size_t *length) {
    while (*length > 0 && is_space(**start)) (*start)++, (*length)--;
    while (*length > 0 && is_space((*start)[*length - 1])) (*length)--;
    const char quote = *length >= 2 ? **start : 0;
    if ((quote == '"' || quote == '\'') && (*start)[*length - 1] == quote) (*start)++, *length -= 2;
}

static yk__code put(collector *c, int64_t at, const char *start, size_t length) {
    if (at < 0 || at >= MAX_NAMES)
        return yk__fail(c->err, YK__FORMAT, "class number %lld is outside 0..%d", (long long)at, MAX_NAMES - 1);
    if (at >= c->capacity) {
        int32_t capacity = c->capacity > 0 ? c->capacity : 128;
        while (capacity <= at) capacity *= 2;
        const char **const grown = yk__arena_array(c->arena, (size_t)capacity, sizeof *grown);
        if (!grown) return yk__arena_error(c->arena, "class names", c->err);
        if (c->n > 0) memcpy(grown, c->names, (size_t)c->n * sizeof *grown);
        c->names = grown;
        c->capacity = capacity;
    }
    if (at < c->n && c->names[at]) return yk__fail(c->err, YK__FORMAT, "class %lld is named twice", (long long)at);
    trim(&start, &length);
    c->names[at] = yk__arena_strndup(c->arena, start, length);
    if (!c->names[at]) return yk__arena_error(c->arena, "class names", c->err);
    if (!yk__utf8_valid(c->names[at], length))
        return yk__fail(c->err, YK__FORMAT, "the name of class %lld is not UTF-8", (long long)at);
    if (at >= c->n) c->n = (int32_t)at + 1;
    return YK__OK;
}

/* "3: name" or "name"; next: the number of an entry without one. */
static yk__code put_entry(collector *c, int64_t next, const char *start, size_t length, bool keyed) {
    if (!keyed) return put(c, next, start, length);
    const char *const colon = memchr(start, ':', length);
    char key[24] = "";
    int64_t at;
    if (colon && (size_t)(colon - start) < sizeof key) {
        const char *k = start;
        size_t n = (size_t)(colon - start);
        trim(&k, &n);
        memcpy(key, k, n);
        key[n] = '\0';
    }
    if (!yk__parse_i64(key, &at))
        return yk__fail(c->err, YK__FORMAT, "\"%.*s\" is not a class number and a name", (int)(length < 60 ? length : 60),
                        start);
    return put(c, at, colon + 1, (size_t)(start + length - colon - 1));
}

/* What follows `names:` inside brackets: parts between commas outside quotes. */
static yk__code read_flow(collector *c, const char *at, const char *end) {
    const bool keyed = *at == '{';
    const char close = keyed ? '}' : ']';
    int64_t next = 0;
    for (at++; at < end && *at != close;) {
        const char *const start = at;
        char quote = 0;
        for (; at < end && (quote || (*at != ',' && *at != close)); at++) {
            if (quote ? *at == quote : *at == '"' || *at == '\'') quote = quote ? 0 : *at;
        }
        const char *s = start;
        size_t length = (size_t)(at - start);
        while (length > 0 && (is_space(*s) || *s == '\n')) s++, length--;
        while (length > 0 && (is_space(s[length - 1]) || s[length - 1] == '\n')) length--;
        if (length > 0) YK__TRY(put_entry(c, next++, s, length, keyed));
        if (at < end && *at == ',') at++;
    }
    return at < end ? YK__OK : yk__fail(c->err, YK__FORMAT, "names: the list has no end");
}

static size_t line_length(const char *at, const char *end) {
    const char *const newline = memchr(at, '\n', (size_t)(end - at));
    return newline ? (size_t)(newline - at) : (size_t)(end - at);
}

/* A yaml comment starts at a # at the line's start or behind a space, outside quotes. */
static size_t without_comment(const char *at, size_t length) {
    char quote = 0;
    for (size_t i = 0; i < length; i++) {
        if (quote ? at[i] == quote : (at[i] == '"' || at[i] == '\'') && (i == 0 || at[i - 1] == ' ')) quote = quote ? 0 : at[i];
        if (!quote && at[i] == '#' && (i == 0 || is_space(at[i - 1]))) return i;
    }
    return length;
}

/* Lines after `names:` until one that is neither an entry nor indented. */
static yk__code read_block(collector *c, const char *at, const char *end) {
    int64_t next = 0;
    while (at < end) {
        const size_t line = line_length(at, end);
        const char *s = at;
        size_t length = without_comment(at, line);
        at += line + (at + line < end);
        const bool indented = length > 0 && is_space(*s);
        while (length > 0 && is_space(*s)) s++, length--;
        while (length > 0 && is_space(s[length - 1])) length--;
        if (length == 0) continue;
        if (*s == '-' && (length == 1 || is_space(s[1]))) {
            YK__TRY(put(c, next++, s + 1, length - 1));
        } else if (indented) {
            YK__TRY(put_entry(c, 0, s, length, true));
        } else {
            break;
        }
    }
    return YK__OK;
}

static yk__code read_lines(collector *c, const char *at, const char *end) {
    while (at < end) {
        const size_t line = line_length(at, end);
        const char *s = at;
        size_t length = line;
        at += line + (at + line < end);
        trim(&s, &length);
        if (length > 0) YK__TRY(put(c, c->n, s, length));
    }
    return YK__OK;
}

/* The text behind a line's `names:`, NULL when there is no such line. */
static const char *find_key(const char *text) {
    for (const char *at = text; at; at = strchr(at, '\n')) {
        if (*at == '\n') at++;
        if (yk__starts_with(at, "names:")) return at + 6;
    }
    return NULL;
}

yk__code yk__names_text_read(const char *text, yk__arena *arena, const char ***names, int32_t *n, yk__error *err) {
    if (yk__starts_with(text, "\xef\xbb\xbf")) text += 3; /* a byte-order mark */
    const char *const end = text + strlen(text);
    collector c = {.arena = arena, .err = err};
    const char *at = find_key(text);
    if (!at) {
        YK__TRY(read_lines(&c, text, end));
    } else {
        while (is_space(*at)) at++;
        if (*at == '[' || *at == '{') {
            YK__TRY(read_flow(&c, at, end));
        } else {
            YK__TRY(read_block(&c, at + line_length(at, end), end));
        }
    }
    for (int32_t i = 0; i < c.n; i++) {
        if (!c.names[i])
            return yk__fail(err, YK__FORMAT, "class %d has no name, but class %d has; classes are numbered from 0 without gaps",
                            i, c.n - 1);
    }
    if (c.n == 0) return yk__fail(err, YK__FORMAT, "no class names found; write one name per line, or a yaml with `names:`");
    *names = c.names;
    *n = c.n;
    return YK__OK;
}

yk__code yk__names_file_read(const char *path, yk__arena *arena, const char ***names, int32_t *n, yk__error *err) {
    yk__map map = {0};
    YK__TRY(yk__map_open(&map, path, MAX_BYTES, err));
    yk__code code;
    char *text = NULL;
    if (map.size > MAX_BYTES) {
        code = yk__fail(err, YK__LIMIT, "%.300s: %zu bytes are too many for a file of class names", path, map.size);
    } else if (map.size > 0 && memchr(map.data, 0, map.size)) {
        code = yk__fail(err, YK__FORMAT, "%.300s: this is not a text file", path);
    } else if (!(text = yk__arena_strndup(arena, map.data ? (const char *)map.data : "", map.size))) {
        code = yk__arena_error(arena, "class names", err);
    } else {
        code = yk__names_text_read(text, arena, names, n, err);
        if (code != YK__OK) code = yk__fail_prefix(err, code, "%.300s", path);
    }
    yk__map_close(&map);
    return code;
}
