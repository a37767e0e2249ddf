/* Texts: the pointers, pages and messages that are saved in place of a file, and model formats that are text. */
#include "inspect/recognise.h"

#include <jansson.h>
#include <string.h>

#include "base/text.h"

enum {
    SAMPLE = 256 * 1024,  /* of text at the start and as much at the end decide whether a file is text */
    LOOK = 4096,          /* where words that tell the kind are looked for */
    MAX_JSON = 64 * 1024, /* larger texts are not parsed: their start decides */
};

/* Bytes at the end of a sample may be the start of a character that goes on behind it. */
static bool utf8_sample(const uint8_t *bytes, size_t n, bool cut) {
    size_t valid = cut ? yk__utf8_prefix((const char *)bytes, n) : n;
    return yk__utf8_valid((const char *)bytes, valid);
}

/* Nothing that texts have not, so that words at the start may be believed; the same, and mostly ASCII; UTF-8. */
typedef enum texture { BINARY, PRINTABLE, OLD_TEXT, UTF8_TEXT } texture;

/* Texts in Latin-1 and its kin exist, and so do short binary files without control bytes: those have half of their bytes above
 * 127. */
static texture text_sample(const uint8_t *bytes, size_t n, bool cut) {
    size_t high = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = bytes[i];
        bool white = c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0x1b; /* ESC: coloured logs */
        if ((c < 0x20 && !white) || c == 0x7f) return BINARY;
        high += c >= 0x80;
    }
    if (utf8_sample(bytes, n, cut)) return UTF8_TEXT;
    return n < 64 ? BINARY : high <= n / 5 ? OLD_TEXT : PRINTABLE;
}

static texture texture_of(const yk__source *source) {
    const uint8_t *b = source->bytes;
    if (source->n >= 2 && ((b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff))) { /* UTF-16 with its mark */
        for (size_t i = b[0] == 0xff ? 2 : 3; i < source->n && i < LOOK; i += 2)
            if (b[i] == 0) return BINARY;
        return source->n >= 4 && source->n % 2 == 0 ? UTF8_TEXT : BINARY;
    }
    if (source->n <= 2 * SAMPLE) return source->n > 0 ? text_sample(b, source->n, !yk__source_whole(source)) : BINARY;
    const texture head = text_sample(b, SAMPLE, true);
    const uint8_t *tail = b + source->n - SAMPLE; /* begins inside a character, perhaps */
    size_t skip = 0;
    while (skip < 3 && (tail[skip] & 0xc0) == 0x80) skip++;
    const texture end = text_sample(tail + skip, SAMPLE - skip, !yk__source_whole(source));
    return head < end ? head : end;
}

/* True when the text starts with the word, in any case. */
static bool starts(const char *text, size_t n, const char *word) {
    size_t m = strlen(word);
    char head[64];
    if (n < m || m >= sizeof head) return false;
    memcpy(head, text, m);
    head[m] = '\0';
    return yk__compare_no_case(head, word) == 0;
}

static bool contains(const char *text, size_t n, const char *word) {
    return memmem(text, n < LOOK ? n : LOOK, word, strlen(word)) != NULL;
}

/* A server's complaint: an object that has "error" or "message" and "code" or "status". */
static bool is_complaint(const json_t *root) {
    static const char *const what[] = {"error", "errors", "message", "detail", "Message"};
    static const char *const more[] = {"error", "errors", "detail", "code", "status", "documentation_url", "statusCode"};
    bool a = false, b = false;
    for (size_t i = 0; i < sizeof what / sizeof *what; i++) a |= json_object_get(root, what[i]) != NULL;
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) b |= json_object_get(root, more[i]) != NULL;
    return a && b && json_object_size(root) <= 8;
}

static void claim_page(yk__report *report, yk__file_kind kind, bool complaint, const char *what) {
    if (!complaint) {
        yk__claim(report, kind, YK__CERTAINTY_CERTAIN);
        return;
    }
    yk__report_set_kind(report, yk__file_kind_info_get(kind)->name, YK__CERTAINTY_CERTAIN);
    yk__report_lower(report, YK__VERDICT_FOREIGN);
    yk__finding *finding = yk__report_add(report, YK__FINDING_ERROR_PAGE, NULL, NULL, what);
    if (finding) finding->certainty = YK__CERTAINTY_LIKELY;
}

/* Models whose description is JSON: TensorFlow.js, and PaddlePaddle from 3.0 on. */
static yk__file_kind json_kind(const char *text, size_t n) {
    if (contains(text, n, "\"modelTopology\"") || (contains(text, n, "\"format\"") && contains(text, n, "\"graph-model\"")))
        return YK__FILE_KIND_TFJS;
    if (contains(text, n, "\"base_code\"") && contains(text, n, "\"pir\"")) return YK__FILE_KIND_PADDLE;
    return YK__FILE_KIND_JSON;
}

/* JSON that can be parsed is JSON; of a larger or cut one the start has to do. */
static bool claim_json(const yk__source *source, const char *text, size_t n, yk__report *report) {
    if (n < 2 || (text[0] != '{' && text[0] != '[')) return false;
    if (!yk__source_whole(source) || n > MAX_JSON) {
        size_t next = 1;
        while (next + 1 < n && (text[next] == ' ' || text[next] == '\n' || text[next] == '\r' || text[next] == '\t')) next++;
        if (text[0] == '{' && text[next] != '"' && text[next] != '}') return false;
        yk__claim(report, json_kind(text, n), YK__CERTAINTY_LIKELY);
        return true;
    }
    json_t *root = json_loadb(text, n, 0, NULL);
    if (!root) return false;
    claim_page(report, json_kind(text, n), is_complaint(root), "a server's message in JSON");
    json_decref(root);
    return true;
}

/* Servers that answer a download with a line of text: raw.githubusercontent.com, Hugging Face, object stores. */
static bool is_short_complaint(const char *text, size_t n) {
    static const char *const beginnings[] = {
        "404: Not Found", "404 Not Found",    "404 page not found",  "Not Found",
        "403 Forbidden",  "Forbidden",        "401 Unauthorized",    "Unauthorized",
        "Access denied",  "Access to this",   "Entry not found",     "Repository not found",
        "File not found", "Invalid username", "Invalid credentials", "Internal Server Error",
        "Bad Gateway",    "Rate limit",       "Too Many Requests",   "429"};
    enum { SHORT = 512 };
    for (size_t i = 0; n <= SHORT && i < sizeof beginnings / sizeof *beginnings; i++)
        if (starts(text, n, beginnings[i])) return true;
    return false;
}

static void add_pointed_size(const char *text, size_t n, yk__report *report) {
    const char *at = memmem(text, n < LOOK ? n : LOOK, "\nsize ", 6);
    int64_t number = 0;
    if (!at) return;
    for (at += 6; at < text + n && *at >= '0' && *at <= '9' && number < INT64_MAX / 10 - 9; at++)
        number = 10 * number + (*at - '0');
    yk__fact_int(report, NULL, "pointed_size", number);
}

static bool claim_by_words(const char *text, size_t n, yk__report *report) {
    if (starts(text, n, "version https://git-lfs.github.com/spec/") && contains(text, n, "oid sha256:")) {
        yk__claim(report, YK__FILE_KIND_GIT_LFS_POINTER, YK__CERTAINTY_CERTAIN);
        add_pointed_size(text, n, report);
    } else if (starts(text, n, "<!doctype html") || starts(text, n, "<html") || starts(text, n, "<head") ||
               (starts(text, n, "<!--") && contains(text, n, "<html"))) {
        yk__claim(report, YK__FILE_KIND_HTML, YK__CERTAINTY_CERTAIN);
    } else if (starts(text, n, "<?xml") || starts(text, n, "<Error>") || starts(text, n, "<net ")) {
        if (contains(text, n, "<html"))
            yk__claim(report, YK__FILE_KIND_HTML, YK__CERTAINTY_CERTAIN);
        else if (contains(text, n, "<net ") && contains(text, n, "<layers>"))
            yk__claim(report, YK__FILE_KIND_OPENVINO, YK__CERTAINTY_CERTAIN);
        else
            claim_page(report, YK__FILE_KIND_XML, contains(text, n, "<Error>"), "a server's message in XML");
    } else if (starts(text, n, "7767517\n") || starts(text, n, "7767517\r")) {
        yk__claim(report, YK__FILE_KIND_NCNN, YK__CERTAINTY_CERTAIN);
    } else if (contains(text, n, "[net]") && contains(text, n, "\n[convolutional]")) {
        yk__claim(report, YK__FILE_KIND_DARKNET, YK__CERTAINTY_CERTAIN);
    } else if (is_short_complaint(text, n)) {
        claim_page(report, YK__FILE_KIND_TEXT, true, "a server's message");
    } else if (starts(text, n, "TRT-") && contains(text, n < 128 ? n : 128, "Calibration")) {
        yk__claim(report, YK__FILE_KIND_TENSORRT_CALIBRATION, YK__CERTAINTY_CERTAIN);
    } else {
        return false;
    }
    return true;
}

bool yk__recognise_text(const yk__source *source, yk__report *report) {
    const texture looks = texture_of(source);
    if (looks == BINARY) return false;
    const char *text = (const char *)source->bytes;
    size_t n = source->n;
    if (n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) text += 3, n -= 3; /* byte order mark */
    while (n > 0 && (*text == ' ' || *text == '\n' || *text == '\r' || *text == '\t')) text++, n--;
    if (claim_by_words(text, n, report)) return true;
    if (looks == UTF8_TEXT && claim_json(source, text, n, report)) return true;
    if (looks == PRINTABLE) return false;
    const bool sure = looks == UTF8_TEXT && source->n <= 2 * SAMPLE;
    yk__claim(report, YK__FILE_KIND_TEXT, sure ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY);
    return true;
}
