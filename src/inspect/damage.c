/* Line ends, high bits, character sets. In binary data every byte follows every other one, so what a text channel never lets
 * through is missing, and what it puts in is everywhere. */
#include "inspect/damage.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "inspect/magics.h"

enum {
    SAMPLE = 256 * 1024, /* of the file's start is looked at */
    LINE_ENDS = 8,       /* a line feed follows a carriage return by chance once in 256 times: so often in a row, never */
    REPLACED = 8,        /* U+FFFD marks: three bytes that occur together by chance once in 16 million times */
    CONTROLS = 8,        /* U+0080 to U+009F as UTF-8: no text has them, a quarter of the bytes above 127 become them */
};

typedef struct counts {
    size_t n, line_feeds, pairs;     /* bytes; LF; CR LF */
    size_t high, replaced, controls; /* bytes above 127; U+FFFD; U+0080 to U+009F */
    bool utf8, control;              /* all of it is UTF-8; there are control bytes that texts have not */
} counts;

static counts count(const yk__source *source) {
    const uint8_t *b = source->bytes;
    counts c = {.n = source->n < SAMPLE ? source->n : SAMPLE};
    for (size_t i = 0; i < c.n; i++) {
        c.line_feeds += b[i] == '\n';
        c.pairs += b[i] == '\n' && i > 0 && b[i - 1] == '\r';
        c.high += b[i] >= 0x80;
        c.control |= b[i] < 9 || (b[i] > 13 && b[i] < 0x20 && b[i] != 0x1b);
        c.replaced += i + 2 < c.n && b[i] == 0xef && b[i + 1] == 0xbf && b[i + 2] == 0xbd;
        c.controls += i + 1 < c.n && b[i] == 0xc2 && b[i + 1] >= 0x80 && b[i + 1] < 0xa0;
    }
    for (size_t cut = 0; cut < 4 && cut < c.n; cut++) /* the sample may end inside a character */
        c.utf8 |= yk__utf8_valid((const char *)b, c.n - cut);
    return c;
}

static void add(yk__report *report, yk__finding_code code, yk__certainty certainty, const char *where, const char *found) {
    yk__finding *finding = yk__report_add(report, code, where, NULL, found);
    if (finding) finding->certainty = certainty;
    yk__report_lower(report, YK__VERDICT_INVALID);
    yk__report_lead(report, code);
}

/* What the lengths and contents say is then nonsense that was made of other bytes. */
static void drop_consequences(yk__report *report) {
    static const yk__finding_code consequences[] = {YK__FINDING_TRUNCATED, YK__FINDING_TRAILING_BYTES,
                                                    YK__FINDING_MODEL_DAMAGED, YK__FINDING_ARCHIVE_DAMAGED};
    for (size_t i = 0; i < sizeof consequences / sizeof *consequences; i++) yk__report_drop(report, consequences[i]);
}

/* ---- signatures ---- */

/* How a signature looks behind a channel. Each writes the bytes that may stand for one byte, and returns their number. */
typedef int translation(uint8_t byte, uint8_t out[3]);

static int with_crlf(uint8_t byte, uint8_t out[3]) {
    if (byte == '\n') out[0] = '\r', out[1] = '\n';
    if (byte != '\n') out[0] = byte;
    return byte == '\n' ? 2 : 1;
}

static int without_cr(uint8_t byte, uint8_t out[3]) {
    out[0] = byte;
    return byte == '\r' ? 0 : 1;
}

static int seven_bits(uint8_t byte, uint8_t out[3]) {
    out[0] = byte & 0x7f;
    return 1;
}

static int latin1_as_utf8(uint8_t byte, uint8_t out[3]) {
    out[0] = byte < 0x80 ? byte : (uint8_t)(0xc0 | byte >> 6);
    out[1] = (uint8_t)(0x80 | (byte & 0x3f));
    return byte < 0x80 ? 1 : 2;
}

static int replaced(uint8_t byte, uint8_t out[3]) {
    memcpy(out, byte < 0x80 ? (const uint8_t[]){byte, 0, 0} : (const uint8_t *)"\xef\xbf\xbd", 3);
    return byte < 0x80 ? 1 : 3;
}

/* True when the file starts with the signature as the channel changes it, and the change shows. */
static bool starts_with(const yk__source *source, const yk__magic *magic, translation *translate) {
    size_t at = 0;
    bool changed = false;
    if (magic->at != 0) return false;
    for (size_t i = 0; i < magic->n; i++) {
        uint8_t out[3], byte = (uint8_t)magic->bytes[i];
        int n = translate(byte, out);
        if (!yk__source_has(source, at, out, (size_t)n)) return false;
        changed |= n != 1 || out[0] != byte;
        at += (size_t)n;
    }
    return changed && at >= 4;
}

static const struct {
    translation *translate;
    yk__finding_code code;
    const char *found;
} channels[] = {
    {with_crlf, YK__FINDING_TEXT_MODE_DAMAGE, "0d 0a in place of 0a"},
    {without_cr, YK__FINDING_TEXT_MODE_DAMAGE, "0a in place of 0d 0a"},
    {latin1_as_utf8, YK__FINDING_UTF8_DAMAGE, "each byte above 127 as two bytes of UTF-8"},
    {replaced, YK__FINDING_UTF8_DAMAGE, "the mark of replaced characters (ef bf bd) in place of bytes"},
    {seven_bits, YK__FINDING_HIGH_BIT_STRIPPED, "no byte above 127"},
};

static bool claim_translated(const yk__source *source, const yk__magic *magics, size_t n, yk__report *report) {
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sizeof channels / sizeof *channels; k++) {
            if (!starts_with(source, &magics[i], channels[k].translate)) continue;
            yk__claim(report, magics[i].kind, YK__CERTAINTY_LIKELY);
            add(report, channels[k].code, YK__CERTAINTY_CERTAIN, "signature", channels[k].found);
            return true;
        }
    return false;
}

/* pickles have no signature of their own; these are how PyTorch's old files and most others begin */
static const yk__magic pickles[] = {{YK__FILE_KIND_PICKLE, 0, 9, "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9"},
                                    {YK__FILE_KIND_PICKLE, 0, 3, "\x80\4\x95"},
                                    {YK__FILE_KIND_PICKLE, 0, 4, "\x80\2}q"},
                                    {YK__FILE_KIND_PICKLE, 0, 4, "\x80\2cc"}};

/* ---- UTF-16 ---- */

static uint32_t unit_at(const yk__source *source, size_t i) {
    return (uint32_t)source->bytes[2 + 2 * i] | (uint32_t)source->bytes[3 + 2 * i] << 8;
}

/* Bytes below 128 became units of the same number, those above whatever the console's code page has for them; line ends became
 * Windows' own. So a signature is compared up to its first line end. */
static bool reads_as(const yk__source *source, size_t n_units, const char *bytes, size_t n) {
    size_t same = 0;
    for (size_t i = 0; i < n && bytes[i] != '\r' && bytes[i] != '\n'; i++) {
        const uint8_t byte = (uint8_t)bytes[i];
        if (i >= n_units || (byte < 0x80 ? unit_at(source, i) != byte : unit_at(source, i) < 0x80)) return false;
        same += byte < 0x80;
    }
    return same >= 2;
}

static yk__file_kind utf16_kind(const yk__source *source, size_t n_units) {
    static const yk__magic more[] = {{YK__FILE_KIND_TENSORRT_PLAN, 0, 8, "ftrt\0\0\0\0"},
                                     {YK__FILE_KIND_TENSORRT_PLAN, 0, 4, "ptrt"},
                                     {YK__FILE_KIND_ZIP, 0, 4, "PK\3\4"}};
    const bool metadata = n_units > 6 && unit_at(source, 3) == 0 && unit_at(source, 4) == '{' && unit_at(source, 5) == '"';
    size_t n;
    const yk__magic *magics = yk__magics(&n);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        if (reads_as(source, n_units, more[i].bytes, more[i].n)) return more[i].kind;
    for (size_t i = 0; i < n; i++)
        if (magics[i].at == 0 && reads_as(source, n_units, magics[i].bytes, magics[i].n)) return magics[i].kind;
    return metadata ? YK__FILE_KIND_ULTRALYTICS_ENGINE : YK__FILE_KIND_UNKNOWN;
}

/* A byte order mark, then units of which too many are control characters for a text. */
static bool claim_utf16(const yk__source *source, yk__report *report) {
    enum { UNITS = 32768, CONTROLS_AT_LEAST = 4 };
    if (!yk__source_has(source, 0, "\xff\xfe", 2) || source->n < 32) return false;
    const size_t n = (source->n - 2) / 2 < UNITS ? (source->n - 2) / 2 : UNITS;
    size_t controls = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t unit = unit_at(source, i);
        controls += unit < 9 || (unit > 13 && unit < 0x20 && unit != 0x1a && unit != 0x1b);
    }
    if (controls < CONTROLS_AT_LEAST || controls < n / 64) return false;
    yk__claim(report, utf16_kind(source, n), YK__CERTAINTY_LIKELY);
    add(report, YK__FINDING_UTF16_DAMAGE, YK__CERTAINTY_LIKELY, "byte 0", "ff fe, then every byte as two");
    return true;
}

bool yk__recognise_damaged(const yk__source *source, yk__report *report) {
    size_t n;
    const yk__magic *magics = yk__magics(&n);
    return claim_utf16(source, report) || claim_translated(source, magics, n, report) ||
           claim_translated(source, pickles, sizeof pickles / sizeof *pickles, report);
}

/* ---- what follows the signature ---- */

/* Kinds in which text of any length stands beside binary data, or that are text; engines are looked at by those who know them
 * (plan_damage.h, engine_read.h). */
static bool is_exempt(const char *kind) {
    static const yk__file_kind exempt[] = {
        YK__FILE_KIND_HTML,
        YK__FILE_KIND_JSON,
        YK__FILE_KIND_XML,
        YK__FILE_KIND_TEXT,
        YK__FILE_KIND_PDF,
        YK__FILE_KIND_TAR,
        YK__FILE_KIND_ENCRYPTED,
        YK__FILE_KIND_EMPTY,
        YK__FILE_KIND_ZEROS,
        YK__FILE_KIND_GIT_LFS_POINTER,
        YK__FILE_KIND_ELF,
        YK__FILE_KIND_PE,
        YK__FILE_KIND_MACHO,
        YK__FILE_KIND_SQLITE,
        YK__FILE_KIND_NCNN,
        YK__FILE_KIND_OPENVINO,
        YK__FILE_KIND_TENSORRT_CALIBRATION,
        YK__FILE_KIND_TENSORRT_PLAN,
        YK__FILE_KIND_ULTRALYTICS_ENGINE,
        YK__FILE_KIND_TENSORRT_ENVELOPE,
        YK__FILE_KIND_YOLK_ENGINE,
    };
    for (size_t i = 0; i < sizeof exempt / sizeof *exempt; i++)
        if (!strcmp(kind, yk__file_kind_info_get(exempt[i])->name)) return true;
    return false;
}

/* Kinds whose own lengths and sums show that nothing was put in; they hold whole texts, which may have such line ends. */
static bool is_measured(const char *kind) {
    static const yk__file_kind measured[] = {
        YK__FILE_KIND_ZIP,    YK__FILE_KIND_PYTORCH_CHECKPOINT, YK__FILE_KIND_TORCHSCRIPT, YK__FILE_KIND_KERAS,
        YK__FILE_KIND_COREML, YK__FILE_KIND_TORCH_EXPORT,       YK__FILE_KIND_NUMPY,       YK__FILE_KIND_PICKLE,

        YK__FILE_KIND_ONNX,   YK__FILE_KIND_SAFETENSORS,
    };
    for (size_t i = 0; i < sizeof measured / sizeof *measured; i++)
        if (!strcmp(kind, yk__file_kind_info_get(measured[i])->name)) return true;
    return false;
}

void yk__check_damage(const yk__source *source, yk__report *report) {
    char found[96];
    if (source->n < 64 || is_exempt(report->kind)) return;
    if (is_measured(report->kind) && report->verdict != YK__VERDICT_INVALID) return;
    if (yk__report_has(report, YK__FINDING_TEXT_MODE_DAMAGE) || yk__report_has(report, YK__FINDING_UTF8_DAMAGE)) return;
    const counts c = count(source);
    if (!c.control) return; /* texts may have such line ends and characters */
    if (c.pairs >= LINE_ENDS && c.pairs == c.line_feeds) {
        snprintf(found, sizeof found, "%zu line feeds in the first %zu bytes, each behind a carriage return", c.pairs, c.n);
        add(report, YK__FINDING_TEXT_MODE_DAMAGE, c.pairs >= 4 * LINE_ENDS ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY,
            "bytes", found);
    }
    if (c.utf8 && c.replaced >= REPLACED) {
        snprintf(found, sizeof found, "%zu marks of replaced characters (ef bf bd) in the first %zu bytes", c.replaced, c.n);
        drop_consequences(report);
        add(report, YK__FINDING_UTF8_DAMAGE, YK__CERTAINTY_CERTAIN, "bytes", found);
    } else if (c.utf8 && c.controls >= CONTROLS) {
        snprintf(found, sizeof found, "all %zu bytes above 127 in the first %zu belong to characters of UTF-8", c.high, c.n);
        drop_consequences(report);
        add(report, YK__FINDING_UTF8_DAMAGE, YK__CERTAINTY_LIKELY, "bytes", found);
    }
}
