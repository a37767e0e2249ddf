/* TensorRT plans and what is wrapped around them: container, version, completeness. Layouts were read off real files; no format
 * specification is published, so what extrapolates is marked likely. Nothing here judges whether a plan fits a machine. */
#include "inspect/recognise.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/engine_format.h"
#include "engine/json_read.h"

enum { MAX_SECTIONS = 16, FTRT_HEAD = 0x20, FTRT_ENTRY = 24 };

/* Ultralytics' own bound is the file; a page of metadata takes some KB, ten thousand class names some 200 KB. */
#define MAX_METADATA ((uint32_t)16 << 20)
#define MAX_PARSED   ((uint32_t)1 << 20) /* larger metadata are named but not shown */

static void add_version(yk__report *report, yk__fact *facts, const uint8_t *v) {
    char text[32];
    snprintf(text, sizeof text, "%u.%u.%u.%u", v[0], v[1], v[2], v[3]);
    yk__fact_text(report, facts, "version", text);
}

static void check_end(const yk__source *source, uint64_t base, uint64_t stated, const char *where, yk__certainty certainty,
                      yk__report *report) {
    yk__claim_end(source, where, base + stated, certainty, report);
}

/* ---- the inner archive, "ptrt" ---- */

/* Three header layouts, told apart by where the first record (version major, u8) starts: 20 or 24 bytes in. */
static uint32_t inner_header(const yk__source *source, uint64_t at) {
    static const uint8_t plain[] = {2, 0, 1, 0}, marked[] = {2, 0x80, 1, 0};
    for (uint32_t header = 20; header <= 24; header += 4)
        if (yk__source_has(source, at + header, plain, 4) || yk__source_has(source, at + header, marked, 4)) return header;
    return 0;
}

/* The first four records of the payload are the version's parts, five bytes each: tag, record version, value. */
static bool inner_version(const yk__source *source, uint64_t payload, uint8_t version[4]) {
    if (payload + 20 > source->n) return false;
    for (int i = 0; i < 4; i++) {
        const uint8_t *record = source->bytes + payload + 5 * i;
        if (record[0] != 2 || record[2] != 1 || record[3] != 0) return false;
        version[i] = record[4];
    }
    return true;
}

static void read_inner(const yk__source *source, uint64_t at, bool is_file, yk__report *report, yk__fact *facts) {
    uint8_t version[4];
    uint32_t header = inner_header(source, at);
    if (!header) {
        if (is_file) yk__fact_null(report, facts, "version");
        return;
    }
    const uint8_t *h = source->bytes + at;
    /* 20 bytes: std at +4, size at +8; 24 bytes, old: std at +8, size at +12, CRC at +20; new: +8, zero, size at +16 */
    bool old = header == 24 && yk__get_u64(h + 12) != 0 && yk__get_u32(h + 12) != 0;
    uint64_t payload = header == 20 ? yk__get_u64(h + 8) : old ? yk__get_u64(h + 12) : yk__get_u64(h + 16);
    yk__fact_int(report, facts, "serialization", yk__get_u32(h + (header == 20 ? 4 : 8)));
    if (is_file && inner_version(source, at + header, version)) add_version(report, facts, version);
    if (is_file && payload < UINT64_MAX / 2) check_end(source, at, header + payload, "archive", YK__CERTAINTY_CERTAIN, report);
}

/* ---- the container of 8.6 and later, "ftrt" ---- */

/* Fourccs are stored least significant byte first: "NGNE" is ENGN. */
static void add_section(yk__report *report, yk__fact *list, const uint8_t *entry) {
    char name[5] = "";
    for (int i = 0; i < 4; i++) name[i] = entry[3 - i] >= 0x20 && entry[3 - i] < 0x7f ? (char)entry[3 - i] : '?';
    yk__fact *fact = list ? yk__fact_object(report, list, NULL) : NULL;
    if (!fact) return;
    yk__fact_text(report, fact, "name", name);
    yk__fact_int(report, fact, "offset", (int64_t)(yk__get_u64(entry + 8) & INT64_MAX));
    yk__fact_int(report, fact, "size", (int64_t)(yk__get_u64(entry + 16) & INT64_MAX));
}

static void add_platform(yk__report *report, yk__fact *facts, const uint8_t *tag) {
    static const struct { const char *tag, *platform; } platforms[] = {{"rtrt", "linux-x86_64"}, {"utrt", "linux-aarch64"}};
    for (size_t i = 0; i < sizeof platforms / sizeof *platforms; i++) {
        if (memcmp(tag, platforms[i].tag, 4) != 0) continue;
        yk__fact_text(report, facts, "platform", platforms[i].platform);
        return;
    }
    yk__fact_null(report, facts, "platform"); /* 8.6.1 writes zeros; others are not known */
}

static void read_outer(const yk__source *source, uint64_t at, yk__report *report, yk__fact *facts) {
    const uint8_t *h = source->bytes + at;
    if (source->n - at < FTRT_HEAD) {
        if (source->size - at < FTRT_HEAD) yk__claim_cut(report, "plan header", 0, source->size, YK__CERTAINTY_CERTAIN);
        return;
    }
    if (h[0x18] == '\r' && h[0x19] == '\n') { /* 10 became 13 10 */
        yk__finding *finding = yk__report_add(report, YK__FINDING_TEXT_MODE_DAMAGE, "byte 24", "0a, TensorRT 10", "0d 0a");
        if (finding) finding->certainty = YK__CERTAINTY_LIKELY;
        yk__report_lower(report, YK__VERDICT_INVALID);
        return;
    }
    add_version(report, facts, h + 0x18);
    add_platform(report, facts, h + 0x1c);
    check_end(source, at, yk__get_u64(h + 0x10) & INT64_MAX, "plan header", YK__CERTAINTY_CERTAIN, report);
    uint64_t n = yk__get_u64(h + 8);
    yk__fact *list = yk__fact_list(report, facts, "sections");
    for (uint64_t i = 0; i < n && i < MAX_SECTIONS; i++) {
        uint64_t entry = FTRT_HEAD + i * FTRT_ENTRY;
        if (source->n - at < entry + FTRT_ENTRY) return;
        add_section(report, list, h + entry);
        uint64_t inner = yk__get_u64(h + entry + 8);
        if (!memcmp(h + entry, "NGNE", 4) && inner < source->n - at && yk__source_has(source, at + inner, "ptrt", 4))
            read_inner(source, at + inner, false, report, facts);
    }
}

/* The plan at `at`: facts.tensorrt. False when there is none. */
static bool read_plan(const yk__source *source, uint64_t at, yk__report *report) {
    bool outer = yk__source_has(source, at, "ftrt", 4);
    if (!outer && !yk__source_has(source, at, "ptrt", 4)) return false;
    yk__fact *facts = yk__fact_object(report, NULL, "tensorrt");
    if (!facts) return true;
    if (outer)
        read_outer(source, at, report, facts);
    else
        read_inner(source, at, true, report, facts);
    return true;
}

bool yk__recognise_tensorrt(const yk__source *source, yk__report *report) {
    if (!yk__source_has(source, 0, "ftrt", 4) && !yk__source_has(source, 0, "ptrt", 4)) return false;
    yk__claim(report, YK__FILE_KIND_TENSORRT_PLAN, YK__CERTAINTY_CERTAIN);
    return read_plan(source, 0, report);
}

/* TensorRT 5 and DLA loadables: a u64 that is exactly the file's length, then something like a FlatBuffer: an offset to a root
 * table inside the file. */
bool yk__recognise_tensorrt5(const yk__source *source, yk__report *report) {
    if (source->n < 64 || yk__get_u64(source->bytes) != source->size) return false;
    uint32_t root = yk__get_u32(source->bytes + 8);
    if (root < 4 || root > source->size) return false;
    yk__claim(report, YK__FILE_KIND_TENSORRT_PLAN, YK__CERTAINTY_LIKELY);
    yk__fact *facts = yk__fact_object(report, NULL, "tensorrt");
    if (facts) yk__fact_null(report, facts, "version");
    return true;
}

/* ---- Ultralytics' prefix: u32 n, n bytes of JSON, the plan ---- */

/* Three levels hold names, args and kpt_names; what is nested deeper is left out. */
static void add_json(yk__report *report, yk__fact *parent, const char *name, const json_t *value, int depth) {
    if (json_is_string(value)) yk__fact_text(report, parent, name, json_string_value(value));
    if (json_is_integer(value)) yk__fact_int(report, parent, name, json_integer_value(value));
    if (json_is_real(value)) yk__fact_real(report, parent, name, json_real_value(value));
    if (json_is_boolean(value)) yk__fact_bool(report, parent, name, json_is_true(value));
    if (json_is_null(value)) yk__fact_null(report, parent, name);
    if (json_is_array(value) && depth > 0) {
        yk__fact *list = yk__fact_list(report, parent, name);
        for (size_t i = 0; list && i < json_array_size(value); i++)
            add_json(report, list, NULL, json_array_get(value, i), depth - 1);
    }
    if (json_is_object(value) && depth > 0) {
        yk__fact *object = yk__fact_object(report, parent, name);
        json_t *members = (json_t *)(uintptr_t)value; /* jansson's iterators take no const */
        for (void *at = object ? json_object_iter(members) : NULL; at; at = json_object_iter_next(members, at))
            add_json(report, object, json_object_iter_key(at), json_object_iter_value(at), depth - 1);
    }
}

static bool is_metadata(const yk__source *source, uint32_t n) {
    return n >= 2 && n <= MAX_METADATA && (uint64_t)n + 8 <= source->size && source->n > 4 && source->bytes[4] == '{';
}

/* Claimed when the JSON is whole and a plan follows; likely, when only the JSON's start can be seen or no plan is known. */
bool yk__recognise_ultralytics(const yk__source *source, yk__report *report) {
    if (source->n < 6) return false;
    uint32_t n = yk__get_u32(source->bytes);
    uint64_t plan = 4 + (uint64_t)n;
    json_t *root = NULL;
    if (!is_metadata(source, n)) return false;
    bool seen = plan <= source->n, has_plan = plan + 4 <= source->n;
    bool known = yk__source_has(source, plan, "ftrt", 4) || yk__source_has(source, plan, "ptrt", 4);
    if (seen && source->bytes[3 + n] != '}') return false;
    if (seen && n <= MAX_PARSED && yk__json_parse(source->bytes + 4, n, "metadata", &root, NULL)) return false;
    yk__claim(report, YK__FILE_KIND_ULTRALYTICS_ENGINE, known ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY);
    if (root) add_json(report, NULL, "ultralytics", root, 3);
    json_decref(root);
    if (known) {
        yk__report_add_kind(report, yk__file_kind_info_get(YK__FILE_KIND_TENSORRT_PLAN)->name);
        read_plan(source, plan, report);
    } else if (has_plan) {
        yk__report_lower(report, YK__VERDICT_INVALID);
    }
    return true;
}

/* "TR01", u32 offset and size of metadata, u32 offset and u64 size of the engine. */
bool yk__recognise_envelope(const yk__source *source, yk__report *report) {
    if (!yk__source_has(source, 0, "TR01", 4) || source->n < 32) return false;
    uint64_t engine = yk__get_u32(source->bytes + 12), size = yk__get_u64(source->bytes + 16);
    yk__claim(report, YK__FILE_KIND_TENSORRT_ENVELOPE, YK__CERTAINTY_CERTAIN);
    if (engine > source->size || size > source->size - engine)
        yk__claim_cut(report, "envelope", size < UINT64_MAX - engine ? engine + size : 0, source->size, YK__CERTAINTY_LIKELY);
    if (read_plan(source, engine, report))
        yk__report_add_kind(report, yk__file_kind_info_get(YK__FILE_KIND_TENSORRT_PLAN)->name);
    return true;
}
