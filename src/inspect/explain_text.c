/* Squeezing text, and reading words and numbers out of it. Knows no message. */
#include "inspect/explain_text.h"

#include <string.h>

#include "base/memory.h"

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_quotation(char c) {
    return c == '>' || c == '|' || c == '#';
}

static bool is_quote(char c) {
    return c == '"' || c == '\'' || c == '`' || c == '*';
}

static bool is_dropped(char c) {
    return (unsigned char)c <= ' ' || (unsigned char)c >= 127 || is_quote(c);
}

/* ESC [ parameters letter: the length of a terminal's colour sequence at text, or 0. */
static size_t escape_length(const char *text, size_t n) {
    if (n < 2 || text[0] != 0x1b || text[1] != '[') return 0;
    for (size_t i = 2; i < n && i < 32; i++)
        if (text[i] >= 0x40 && text[i] <= 0x7e) return i + 1;
    return 0;
}

/* &gt; and its kin: the length at text, or 0; *c is what it stands for. */
static size_t entity_length(const char *text, size_t n, char *c) {
    static const struct {
        const char *name;
        char c;
    } entities[] = {{"&gt;", '>'},   {"&lt;", '<'},  {"&amp;", '&'},   {"&quot;", '"'},
                    {"&#39;", '\''}, {"&#34;", '"'}, {"&#x27;", '\''}, {"&nbsp;", ' '}};
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        size_t length = strlen(entities[i].name);
        if (length > n || memcmp(text, entities[i].name, length) != 0) continue;
        *c = entities[i].c;
        return length;
    }
    return 0;
}

/* A backslash of a JSON or C string: before a quote it is dropped, of two one stays, and \n, \r and \t are line breaks
 * where a sentence ends. Elsewhere it may be a path of Windows and stays. */
static bool is_break_escape(const char *text, size_t at, size_t n) {
    if (at + 1 >= n || at == 0) return false;
    char next = text[at + 1], before = text[at - 1];
    return (next == 'n' || next == 'r' || next == 't') && strchr(".,;)]}|\" ", before) != NULL && before != 0;
}

/* A line break in JSON: \u000a, \u000d. */
static bool is_code_escape(const char *text, size_t n) {
    return n >= 6 && memcmp(text, "\\u000", 5) == 0 && strchr("aAdD", text[5]) && text[5];
}

/* The border of a table's cell stands alone; Triton prints its models' states so, wrapped inside the cells. `alone` says that
 * something was dropped before it. */
static bool is_border(const char *text, size_t n, bool alone) {
    if (*text != '|' || !alone) return false;
    return n == 1 || (unsigned char)text[1] <= ' ' || (text[1] == '\\' && n > 2 && (text[2] == 'n' || text[2] == 'u'));
}

static void add(yk__squeezed *out, char c, yk__gap *gap) {
    out->text[out->n] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    out->gap[out->n++] = (uint8_t)*gap;
    *gap = YK__GAP_NONE;
}

static void widen(yk__gap *gap, yk__gap to) {
    if (to > *gap) *gap = to;
}

yk__code yk__squeeze(const char *text, size_t n, yk__squeezed *out, yk__error *err) {
    *out = (yk__squeezed){.text = yk__alloc(n + 1), .gap = yk__alloc(n + 1)};
    if (!out->text || !out->gap) {
        yk__squeezed_free(out);
        return yk__fail(err, YK__MEMORY, "out of memory for a text of %zu bytes", n);
    }
    bool line_start = true;
    yk__gap gap = YK__GAP_NONE;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        size_t length = c == 0x1b ? escape_length(text + i, n - i) : c == '&' ? entity_length(text + i, n - i, &c) : 0;
        if (length) i += length - 1;
        if (c == 0x1b) continue;
        if (c == '\n' || c == '\r') {
            widen(&gap, YK__GAP_LINE);
            line_start = true;
            continue;
        }
        if (c == '\\' && is_break_escape(text, i, n)) {
            widen(&gap, YK__GAP_LINE);
            i++;
            continue;
        }
        if (c == '\\' && is_code_escape(text + i, n - i)) {
            widen(&gap, YK__GAP_LINE);
            i += 5;
            continue;
        }
        if (c == '\\' && i + 1 < n && strchr("\\\"'", text[i + 1]) && text[i + 1]) continue;
        if (c == 0) continue;
        if (is_dropped(c) || (line_start && is_quotation(c)) || is_border(text + i, n - i, line_start || gap != YK__GAP_NONE)) {
            widen(&gap, is_quote(c) ? YK__GAP_QUOTE : YK__GAP_BLANK);
            continue;
        }
        line_start = false;
        add(out, c, &gap);
    }
    return YK__OK;
}

void yk__squeezed_free(yk__squeezed *squeezed) {
    yk__free(squeezed->text);
    yk__free(squeezed->gap);
    *squeezed = (yk__squeezed){0};
}

size_t yk__squeeze_words(const char *words, char *out, size_t size) {
    size_t n = 0;
    for (; *words && n + 1 < size; words++)
        if (!is_dropped(*words)) out[n++] = *words >= 'A' && *words <= 'Z' ? (char)(*words - 'A' + 'a') : *words;
    out[n] = 0;
    return n;
}

bool yk__squeezed_has(const yk__squeezed *s, size_t at, const char *words) {
    size_t n = strlen(words);
    return at <= s->n && n <= s->n - at && memcmp(s->text + at, words, n) == 0;
}

bool yk__squeezed_within(const yk__squeezed *s, size_t from, size_t to, const char *words) {
    size_t n = strlen(words);
    if (to > s->n) to = s->n;
    for (size_t at = from; at + n <= to; at++)
        if (memcmp(s->text + at, words, n) == 0) return true;
    return false;
}

/* End of digits and single dots from `at`; stops at gaps, but not at line breaks when `wrapped`. */
static size_t number_end(const yk__squeezed *s, size_t at, bool wrapped) {
    size_t end = at;
    while (end < s->n && (is_digit(s->text[end]) || s->text[end] == '.')) {
        if (end > at && s->gap[end] != YK__GAP_NONE && !(wrapped && s->gap[end] == YK__GAP_LINE)) break;
        if (s->text[end] == '.' && (end == at || s->text[end - 1] == '.')) break;
        end++;
    }
    while (end > at && s->text[end - 1] == '.') end--;
    return end;
}

size_t yk__squeezed_number(const yk__squeezed *s, size_t at, bool wrapped, char *out, size_t size) {
    if (at >= s->n || !is_digit(s->text[at])) return 0;
    size_t end = number_end(s, at, wrapped);
    if (end - at >= size) return 0;
    memcpy(out, s->text + at, end - at);
    out[end - at] = 0;
    return end;
}
