/* The head of an engine file: encoding, decoding, and telling the kinds of damage apart. Sections' contents are none of its
 * business. */
#include "engine/engine_head.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checksum.h"
#include "base/text.h"

static const uint8_t magic[] = YK__ENGINE_MAGIC;

yk__code yk__engine_trouble(yk__report *report, yk__finding_code id, yk__error *err, const char *where, const char *expected,
                            const char *found_format, ...) {
    char found[512];
    const yk__finding_info *info = yk__finding_info_get(id);
    va_list args;
    va_start(args, found_format);
    vsnprintf(found, sizeof found, found_format, args);
    va_end(args);
    yk__report_add(report, id, where, expected, found);
    size_t sentence = strlen(info->sentence) - 1; /* without its full stop */
    yk__fail(err, info->status, "%.*s (%s%s%s%s%sfound %s). %s", (int)sentence, info->sentence, where, *where ? ": " : "",
             *expected ? "expected " : "", expected, *expected ? ", " : "", found, info->remedy);
    return info->status;
}

/* ---- writing ---- */

void yk__head_text(char *field, size_t room, const char *text) {
    size_t n = strlen(text);
    if (n > room - 1) n = yk__utf8_prefix(text, room - 1);
    memset(field, 0, room);
    memcpy(field, text, n);
}

static void encode_summary(const yk__head_summary *summary, uint8_t *out) {
    memcpy(out + YK__SUMMARY_TASK, summary->task, 16);
    memcpy(out + YK__SUMMARY_LAYOUT, summary->layout, 16);
    memcpy(out + YK__SUMMARY_PRECISION, summary->precision, 16);
    memcpy(out + YK__SUMMARY_WRITER, summary->writer, 32);
    memcpy(out + YK__SUMMARY_SOURCE, summary->source, 64);
    yk__put_u32(out + YK__SUMMARY_HEIGHT, summary->height);
    yk__put_u32(out + YK__SUMMARY_WIDTH, summary->width);
    yk__put_u32(out + YK__SUMMARY_CLASSES, summary->classes);
    yk__put_u32(out + YK__SUMMARY_BATCH, summary->batch);
    yk__put_u64(out + YK__SUMMARY_WEIGHTS, summary->weights_bytes);
}

static void encode_entry(const yk__head_entry *entry, uint8_t *out) {
    memcpy(out + YK__ENTRY_NAME, entry->name, YK__ENTRY_NAME_BYTES);
    yk__put_u32(out + YK__ENTRY_FLAGS, entry->flags);
    yk__put_u64(out + YK__ENTRY_AT, entry->at);
    yk__put_u64(out + YK__ENTRY_LENGTH, entry->length);
    yk__put_u64(out + YK__ENTRY_CHECKSUM, entry->checksum);
}

static uint64_t head_checksum(const uint8_t *bytes) {
    return yk__xxh3_with_hole(bytes, YK__ENGINE_HEAD_BYTES, YK__HEAD_CHECKSUM, 8);
}

void yk__head_encode(const yk__head *head, uint8_t out[YK__ENGINE_HEAD_BYTES]) {
    memset(out, 0, YK__ENGINE_HEAD_BYTES);
    memcpy(out, magic, YK__ENGINE_MAGIC_BYTES);
    yk__put_u32(out + YK__HEAD_FORMAT, head->format);
    yk__put_u32(out + YK__HEAD_MIN_READER, head->min_reader);
    yk__put_u64(out + YK__HEAD_FILE_BYTES, head->file_bytes);
    yk__put_u32(out + YK__HEAD_TABLE_AT, YK__HEAD_TABLE);
    yk__put_u32(out + YK__HEAD_N_SECTIONS, (uint32_t)head->n_sections);
    yk__put_u32(out + YK__HEAD_ENTRY_BYTES, YK__ENTRY_BYTES);
    encode_summary(&head->summary, out + YK__HEAD_SUMMARY);
    for (int i = 0; i < head->n_sections; i++)
        encode_entry(&head->sections[i], out + YK__HEAD_TABLE + (size_t)i * YK__ENTRY_BYTES);
    yk__put_u64(out + YK__HEAD_CHECKSUM, head_checksum(out));
}

/* ---- the first bytes ---- */

/* What known mishaps make of the magic. */
static const struct {
    const char *bytes;
    size_t n;
    yk__finding_code finding;
} mishaps[] = {
    {"\x89YLK\r\r\n\x1a\r\n", 10, YK__FINDING_TEXT_MODE_DAMAGE}, /* LF became CR LF */
    {"\x89YLK\n\x1a\n", 7, YK__FINDING_TEXT_MODE_DAMAGE},        /* CR LF became LF */
    {"\x89YLK\r\x1a\r", 7, YK__FINDING_TEXT_MODE_DAMAGE},        /* CR LF became CR, LF too */
    {"\x89YLK\n\n\x1a\n", 8, YK__FINDING_TEXT_MODE_DAMAGE},      /* CR became LF */
    {"\x89YLK\r\r\x1a\r", 8, YK__FINDING_TEXT_MODE_DAMAGE},      /* LF became CR */
    {"\x09YLK\r\n\x1a\n", 8, YK__FINDING_HIGH_BIT_STRIPPED},
    {"\xc2\x89YLK\r", 6, YK__FINDING_UTF8_DAMAGE},     /* Latin-1 taken for text */
    {"\xef\xbf\xbdYLK\r", 7, YK__FINDING_UTF8_DAMAGE}, /* decoded with replacement */
    {"\xef\xbf\xbdYLK\n", 7, YK__FINDING_UTF8_DAMAGE},
    {"\xc2\x89YLK\n", 6, YK__FINDING_UTF8_DAMAGE},
};

/* True when the head is whole but for its magic: somebody changed just that. */
static bool only_magic_changed(const uint8_t *bytes, size_t n) {
    uint8_t head[YK__ENGINE_HEAD_BYTES];
    if (n < sizeof head) return false;
    memcpy(head, bytes, sizeof head);
    memcpy(head, magic, YK__ENGINE_MAGIC_BYTES);
    return yk__get_u64(head + YK__HEAD_CHECKSUM) == head_checksum(head);
}

static bool has_high_bit(const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n && i < YK__ENGINE_HEAD_BYTES; i++)
        if (bytes[i] & 0x80) return true;
    return false;
}

yk__magic yk__magic_look(const uint8_t *bytes, size_t n, yk__finding_code *finding) {
    size_t fit = 0;
    *finding = YK__FINDING_MAGIC_DAMAGED;
    if (n >= YK__ENGINE_MAGIC_BYTES && !memcmp(bytes, magic, YK__ENGINE_MAGIC_BYTES)) return YK__MAGIC_EXACT;
    if (n < YK__ENGINE_MAGIC_BYTES && !memcmp(bytes, magic, n)) return YK__MAGIC_PREFIX;
    for (size_t i = 0; i < sizeof mishaps / sizeof *mishaps; i++) {
        if (n < mishaps[i].n || memcmp(bytes, mishaps[i].bytes, mishaps[i].n) != 0) continue;
        if (mishaps[i].finding == YK__FINDING_HIGH_BIT_STRIPPED && has_high_bit(bytes, n)) continue;
        *finding = mishaps[i].finding;
        return YK__MAGIC_DAMAGED;
    }
    if (only_magic_changed(bytes, n)) return YK__MAGIC_DAMAGED;
    for (size_t i = 0; i < YK__ENGINE_MAGIC_BYTES && i < n; i++) fit += bytes[i] == magic[i];
    return fit >= 6 ? YK__MAGIC_DAMAGED : YK__MAGIC_NONE; /* two bytes off: no other format comes that near by chance */
}

static yk__code check_magic(const uint8_t *bytes, size_t n, uint64_t file_bytes, yk__report *report, yk__error *err) {
    yk__finding_code finding;
    if (file_bytes == 0) return yk__engine_trouble(report, YK__FINDING_EMPTY_FILE, err, "byte 0", "a yolk engine", "0 bytes");
    switch (yk__magic_look(bytes, n, &finding)) {
    case YK__MAGIC_EXACT: return YK__OK;
    case YK__MAGIC_PREFIX:
        if (n < file_bytes) return YK__OK;
        return yk__engine_trouble(report, YK__FINDING_TRUNCATED, err, "head", "4096 bytes and more", "%zu bytes", n);
    case YK__MAGIC_DAMAGED: break;
    case YK__MAGIC_NONE: finding = YK__FINDING_NOT_AN_ENGINE; break;
    }
    char shown[3 * YK__ENGINE_MAGIC_BYTES + 1] = "";
    for (size_t i = 0, at = 0; i < YK__ENGINE_MAGIC_BYTES && i < n; i++)
        at += (size_t)snprintf(shown + at, sizeof shown - at, "%s%02x", i ? " " : "", bytes[i]);
    return yk__engine_trouble(report, finding, err, "byte 0", "89 59 4c 4b 0d 0a 1a 0a", "%s", shown);
}

/* ---- the fields ---- */

static bool all_zero(const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (bytes[i]) return false;
    return true;
}

/* A NUL-padded text of `room` bytes that is UTF-8 and has nothing behind its first NUL. */
static bool decode_text(const uint8_t *field, size_t room, char *out) {
    size_t n = strnlen((const char *)field, room);
    memcpy(out, field, n);
    out[n] = '\0';
    return n < room && all_zero(field + n, room - n) && yk__utf8_valid(out, n);
}

static bool decode_summary(const uint8_t *in, yk__head_summary *summary) {
    summary->height = yk__get_u32(in + YK__SUMMARY_HEIGHT);
    summary->width = yk__get_u32(in + YK__SUMMARY_WIDTH);
    summary->classes = yk__get_u32(in + YK__SUMMARY_CLASSES);
    summary->batch = yk__get_u32(in + YK__SUMMARY_BATCH);
    summary->weights_bytes = yk__get_u64(in + YK__SUMMARY_WEIGHTS);
    bool ok = decode_text(in + YK__SUMMARY_TASK, 16, summary->task);
    ok &= decode_text(in + YK__SUMMARY_LAYOUT, 16, summary->layout);
    ok &= decode_text(in + YK__SUMMARY_PRECISION, 16, summary->precision);
    ok &= decode_text(in + YK__SUMMARY_WRITER, 32, summary->writer);
    ok &= decode_text(in + YK__SUMMARY_SOURCE, 64, summary->source);
    return ok;
}

static bool name_ok(const char *name) {
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-");
    return n > 0 && name[n] == '\0';
}

static yk__code check_versions(yk__head *head, yk__report *report, yk__error *err) {
    if (head->file_bytes > INT64_MAX)
        return yk__engine_trouble(report, YK__FINDING_HEAD_INVALID, err, "byte 16", "a length below 2^63", "%" PRIu64,
                                  head->file_bytes);
    if (head->format == 0 || head->min_reader == 0 || head->min_reader > head->format)
        return yk__engine_trouble(report, YK__FINDING_HEAD_INVALID, err, "byte 8", "1 <= minimum reader <= format version",
                                  "format version %" PRIu32 ", minimum reader %" PRIu32, head->format, head->min_reader);
    if (head->min_reader <= YK__ENGINE_READER) return YK__OK;
    char expected[64];
    snprintf(expected, sizeof expected, "minimum reader %d or lower", YK__ENGINE_READER);
    return yk__engine_trouble(report, YK__FINDING_NEWER_FORMAT, err, "byte 12", expected,
                              "format version %" PRIu32 ", minimum reader %" PRIu32, head->format, head->min_reader);
}

static yk__code decode_entry(const uint8_t *in, int index, yk__head *head, yk__report *report, yk__error *err) {
    yk__head_entry *entry = &head->sections[index];
    char where[64];
    snprintf(where, sizeof where, "section table, entry %d", index);
    entry->flags = yk__get_u32(in + YK__ENTRY_FLAGS);
    entry->at = yk__get_u64(in + YK__ENTRY_AT);
    entry->length = yk__get_u64(in + YK__ENTRY_LENGTH);
    entry->checksum = yk__get_u64(in + YK__ENTRY_CHECKSUM);
    if (!decode_text(in, YK__ENTRY_NAME_BYTES, entry->name) || !name_ok(entry->name))
        return yk__engine_trouble(report, YK__FINDING_SECTION_TABLE_INVALID, err, where, "a name of a-z, 0-9, '.', '-', '_'",
                                  "%s", entry->name);
    for (int i = 0; i < index; i++)
        if (!strcmp(head->sections[i].name, entry->name))
            return yk__engine_trouble(report, YK__FINDING_SECTION_TABLE_INVALID, err, where, "different names", "%s twice",
                                      entry->name);
    if (entry->flags > YK__ENTRY_REQUIRED || yk__get_u32(in + YK__ENTRY_ZERO) != 0)
        return yk__engine_trouble(report, YK__FINDING_SECTION_TABLE_INVALID, err, where, "flags 0 or 1, then zeros",
                                  "flags %" PRIu32, entry->flags);
    /* sections follow each other: the next multiple of 64 behind the one before, the first behind the head */
    uint64_t before = index ? head->sections[index - 1].at + head->sections[index - 1].length : YK__ENGINE_HEAD_BYTES;
    uint64_t wanted = (before + YK__ENGINE_ALIGN - 1) / YK__ENGINE_ALIGN * YK__ENGINE_ALIGN;
    if (entry->at != wanted || entry->at > head->file_bytes || entry->length > head->file_bytes - entry->at)
        return yk__engine_trouble(report, YK__FINDING_SECTION_TABLE_INVALID, err, where, "sections in order inside the file",
                                  "%s at byte %" PRIu64 " with %" PRIu64 " bytes in a file of %" PRIu64, entry->name, entry->at,
                                  entry->length, head->file_bytes);
    return YK__OK;
}

static yk__code decode_table(const uint8_t *bytes, yk__head *head, yk__report *report, yk__error *err) {
    uint32_t at = yk__get_u32(bytes + YK__HEAD_TABLE_AT), n = yk__get_u32(bytes + YK__HEAD_N_SECTIONS);
    uint32_t entry_bytes = yk__get_u32(bytes + YK__HEAD_ENTRY_BYTES);
    if (at != YK__HEAD_TABLE || entry_bytes != YK__ENTRY_BYTES || n < 1 || n > YK__ENGINE_MAX_SECTIONS)
        return yk__engine_trouble(report, YK__FINDING_SECTION_TABLE_INVALID, err, "section table",
                                  "1 to 48 entries of 64 bytes at byte 512",
                                  "%" PRIu32 " entries of %" PRIu32 " bytes at byte %" PRIu32, n, entry_bytes, at);
    for (uint32_t i = 0; i < n; i++) {
        YK__TRY(decode_entry(bytes + at + (size_t)i * entry_bytes, (int)i, head, report, err));
        head->n_sections++;
    }
    const yk__head_entry *last = &head->sections[n - 1];
    if (last->at + last->length != head->file_bytes)
        return yk__engine_trouble(report, YK__FINDING_SECTION_TABLE_INVALID, err, "section table",
                                  "a last section that ends the file", "it ends at byte %" PRIu64 " of %" PRIu64,
                                  last->at + last->length, head->file_bytes);
    return YK__OK;
}

/* The table has been checked against the stated size; here the stated size meets the real one. */
static yk__code check_size(const yk__head *head, uint64_t actual, yk__report *report, yk__error *err) {
    char expected[64];
    const char *where = "file";
    uint64_t stated = head->file_bytes;
    if (stated == actual) return YK__OK;
    snprintf(expected, sizeof expected, "%" PRIu64 " bytes", stated);
    if (actual > stated)
        return yk__engine_trouble(report, YK__FINDING_TRAILING_BYTES, err, where, expected,
                                  "%" PRIu64 " bytes: %" PRIu64 " too many", actual, actual - stated);
    for (int i = 0; i < head->n_sections; i++)
        if (actual >= head->sections[i].at) where = head->sections[i].name;
    return yk__engine_trouble(report, YK__FINDING_TRUNCATED, err, where, expected,
                              "%" PRIu64 " bytes: cut here, %" PRIu64 " are missing", actual, stated - actual);
}

/* What a writer of this format leaves zero; a newer writer may put something there that this reader can do without. */
static yk__code check_zeros(const uint8_t *bytes, const yk__head *head, yk__report *report, yk__error *err) {
    size_t table_end = YK__HEAD_TABLE + (size_t)head->n_sections * YK__ENTRY_BYTES;
    if (head->format > YK__ENGINE_FORMAT ||
        (all_zero(bytes + YK__HEAD_ZERO, YK__HEAD_CHECKSUM - YK__HEAD_ZERO) &&
         all_zero(bytes + YK__HEAD_SUMMARY + YK__SUMMARY_ZERO, YK__HEAD_TABLE - YK__HEAD_SUMMARY - YK__SUMMARY_ZERO) &&
         all_zero(bytes + table_end, YK__ENGINE_HEAD_BYTES - table_end)))
        return YK__OK;
    return yk__engine_trouble(report, YK__FINDING_HEAD_INVALID, err, "head", "zeros in its reserved bytes", "something else");
}

yk__code yk__head_decode(const uint8_t *bytes, size_t n, uint64_t file_bytes, yk__head *head, bool *complete,
                         yk__report *report, yk__error *err) {
    memset(head, 0, sizeof *head);
    *complete = false;
    YK__TRY(check_magic(bytes, n, file_bytes, report, err));
    if (file_bytes < YK__ENGINE_HEAD_BYTES) {
        char expected[64] = "4096 bytes and more";
        if (n >= YK__HEAD_FILE_BYTES + 8)
            snprintf(expected, sizeof expected, "%" PRIu64 " bytes", yk__get_u64(bytes + YK__HEAD_FILE_BYTES));
        return yk__engine_trouble(report, YK__FINDING_TRUNCATED, err, "head", expected,
                                  "%" PRIu64 " bytes: cut inside the head", file_bytes);
    }
    if (n < YK__ENGINE_HEAD_BYTES) return YK__OK;
    head->format = yk__get_u32(bytes + YK__HEAD_FORMAT);
    head->min_reader = yk__get_u32(bytes + YK__HEAD_MIN_READER);
    head->file_bytes = yk__get_u64(bytes + YK__HEAD_FILE_BYTES);
    head->checksum = yk__get_u64(bytes + YK__HEAD_CHECKSUM);
    uint64_t checksum = head_checksum(bytes);
    if (checksum != head->checksum) {
        char expected[64];
        snprintf(expected, sizeof expected, "checksum %016" PRIx64 ", as stored at byte 56", head->checksum);
        return yk__engine_trouble(report, YK__FINDING_HEAD_DAMAGED, err, "bytes 0..4095", expected, "%016" PRIx64, checksum);
    }
    YK__TRY(check_versions(head, report, err));
    if (!decode_summary(bytes + YK__HEAD_SUMMARY, &head->summary))
        return yk__engine_trouble(report, YK__FINDING_HEAD_INVALID, err, "summary", "UTF-8 texts that end in zeros",
                                  "something else");
    YK__TRY(decode_table(bytes, head, report, err));
    YK__TRY(check_zeros(bytes, head, report, err));
    YK__TRY(check_size(head, file_bytes, report, err));
    *complete = true;
    return YK__OK;
}

void yk__head_facts(const yk__head *head, yk__report *report) {
    const yk__head_summary *summary = &head->summary;
    if (!head->format) return;
    yk__fact *facts = yk__fact_object(report, NULL, "yolk");
    if (!facts) return; /* without a parent the members would land at the top */
    yk__fact_int(report, facts, "format", head->format);
    yk__fact_int(report, facts, "min_reader", head->min_reader);
    if (!*summary->writer) return; /* what could not be decoded stays empty */
    yk__fact_text(report, facts, "writer", summary->writer);
    yk__fact_text(report, facts, "task", summary->task);
    yk__fact_text(report, facts, "layout", summary->layout);
    yk__fact_text(report, facts, "precision", summary->precision);
    yk__fact *imgsz = yk__fact_list(report, facts, "imgsz");
    if (imgsz) {
        yk__fact_int(report, imgsz, NULL, summary->height);
        yk__fact_int(report, imgsz, NULL, summary->width);
    }
    yk__fact_int(report, facts, "classes", summary->classes);
    yk__fact_int(report, facts, "batch", summary->batch);
    yk__fact_text(report, facts, "source", summary->source);
    yk__fact_int(report, facts, "weights_bytes", (int64_t)summary->weights_bytes);
    yk__fact *sections = yk__fact_list(report, facts, "sections");
    for (int i = 0; sections && i < head->n_sections; i++) {
        yk__fact *section = yk__fact_object(report, sections, NULL);
        if (!section) return;
        yk__fact_text(report, section, "name", head->sections[i].name);
        yk__fact_bool(report, section, "required", head->sections[i].flags & YK__ENTRY_REQUIRED);
        yk__fact_int(report, section, "offset", (int64_t)head->sections[i].at);
        yk__fact_int(report, section, "size", (int64_t)head->sections[i].length);
    }
}
