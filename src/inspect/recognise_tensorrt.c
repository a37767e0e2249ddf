/* TensorRT's files and what is wrapped around them, Ultralytics' metadata apart (recognise_ultralytics.c). */
#include "inspect/recognise.h"

#include <stdio.h>
#include <string.h>

#include "engine/engine_format.h"
#include "engine/json_read.h"
#include "inspect/facts_json.h"
#include "inspect/plan_read.h"
#include "inspect/plan_report.h"
#include "inspect/ultralytics_prefix.h"

enum { MAX_ENVELOPE_METADATA = 1 << 20 };

/* An archive that is whole by its header and begins with a record other than a plan's: TensorRT writes its timing caches so. */
static bool is_timing_cache(const yk__source *source) {
    const uint8_t *b = source->bytes;
    if (source->n < 32 || source->size == YK__SIZE_UNKNOWN) return false;
    const struct {
        uint32_t header;
        uint64_t payload;
    } layouts[] = {{20, yk__get_u64(b + 8)}, {24, yk__get_u64(b + 12)}, {24, yk__get_u64(b + 16)}};
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        const uint8_t *record = b + layouts[i].header;
        if (layouts[i].payload != source->size - layouts[i].header) continue;
        return record[2] == 1 && record[3] == 0 && (record[0] | record[1]) != 0;
    }
    return false;
}

/* The magic is gone, and what must stand behind it, or at the end, is there. */
static bool has_lost_magic(const yk__source *source) {
    static const uint8_t end_of_archive[] = {0x8f, 0x8b, 0x8d, 0x8b}, footer[] = {0x99, 0x8b, 0x8d, 0x8b};
    if (yk__source_has(source, 0x20, "NGNE\0\0\0\0\x38\0\0\0\0\0\0\0", 16) && yk__source_has(source, 0x38, "ptrt", 4))
        return true;
    if (!yk__source_whole(source) || source->n < 64 || !yk__source_has(source, source->n - 4, footer, 4)) return false;
    for (size_t back = 8; back <= 16; back++)
        if (yk__source_has(source, source->n - back, end_of_archive, 4)) return true;
    return false;
}

static void find_at_front(yk__report *report, yk__finding_code code, const char *found) {
    yk__finding *finding = yk__report_add(report, code, "byte 0", "ftrt", found);
    if (finding) finding->certainty = YK__CERTAINTY_LIKELY;
    yk__report_lower(report, YK__VERDICT_INVALID);
}

/* A byte order mark, a line, a few bytes of somebody's own in front of a whole plan. */
static bool recognise_behind(const yk__source *source, yk__report *report) {
    char found[64];
    for (size_t at = 1; at < 64 && at + YK__PLAN_HEAD <= source->n; at++) {
        if (!yk__source_has(source, at, "ftrt\0\0\0\0", 8)) continue;
        if (source->size == YK__SIZE_UNKNOWN || yk__get_u64(source->bytes + at + 0x10) != source->size - at) return false;
        yk__claim(report, YK__FILE_KIND_TENSORRT_PLAN, YK__CERTAINTY_LIKELY);
        snprintf(found, sizeof found, "%zu other bytes, then ftrt", at);
        find_at_front(report, YK__FINDING_PLAN_HEADER_INVALID, found);
        return yk__describe_plan(source, at, report);
    }
    return false;
}

bool yk__recognise_tensorrt(const yk__source *source, yk__report *report) {
    yk__plan plan;
    if (yk__plan_read(source->bytes, source->n, &plan)) {
        if (plan.format == YK__PLAN_PTRT && plan.archive.layout == YK__ARCHIVE_UNKNOWN && is_timing_cache(source)) {
            yk__claim(report, YK__FILE_KIND_TENSORRT_TIMING_CACHE, YK__CERTAINTY_LIKELY);
            return true;
        }
        yk__claim(report, YK__FILE_KIND_TENSORRT_PLAN, YK__CERTAINTY_CERTAIN);
        return yk__describe_plan(source, 0, report);
    }
    return false;
}

/* What no other recogniser claims, and a plan ends: its beginning was changed. */
bool yk__recognise_headless_plan(const yk__source *source, yk__report *report) {
    char found[16];
    if (recognise_behind(source, report)) return true;
    if (!has_lost_magic(source)) return false;
    const uint8_t *b = source->bytes;
    yk__claim(report, YK__FILE_KIND_TENSORRT_PLAN, YK__CERTAINTY_LIKELY);
    snprintf(found, sizeof found, "%02x %02x %02x %02x", b[0], b[1], b[2], b[3]);
    find_at_front(report, (b[0] | b[1] | b[2] | b[3]) ? YK__FINDING_PLAN_HEADER_INVALID : YK__FINDING_PLAN_ZEROED, found);
    return true;
}

bool yk__recognise_tensorrt5(const yk__source *source, yk__report *report) {
    if (!yk__plan_is_5(source->bytes, source->n, source->size)) return false;
    yk__claim(report, YK__FILE_KIND_TENSORRT_PLAN, YK__CERTAINTY_LIKELY);
    yk__describe_plan_5(report);
    return true;
}

/* ---- "TR01": u32 offset and u32 size of metadata, u32 offset and u64 size of the engine, 8 bytes reserved ---- */

static void add_metadata(const yk__source *source, yk__report *report) {
    const uint64_t at = yk__get_u32(source->bytes + 4), n = yk__get_u32(source->bytes + 8);
    json_t *root = NULL;
    if (n < 2 || n > MAX_ENVELOPE_METADATA || at > source->n || n > source->n - at) return;
    if (yk__json_parse_within(source->bytes + at, (size_t)n, YK__PREFIX_MAX_WEIGHT, "metadata", &root, NULL) == YK__OK)
        yk__fact_json(report, NULL, "envelope", root, 3);
    json_decref(root);
}

bool yk__recognise_envelope(const yk__source *source, yk__report *report) {
    if (!yk__source_has(source, 0, "TR01", 4) || source->n < 32) return false;
    const uint64_t engine = yk__get_u32(source->bytes + 12), size = yk__get_u64(source->bytes + 16);
    if (engine < 32 || size > INT64_MAX) return false;
    yk__claim(report, YK__FILE_KIND_TENSORRT_ENVELOPE, YK__CERTAINTY_CERTAIN);
    add_metadata(source, report);
    if (source->size != YK__SIZE_UNKNOWN && engine + size > source->size) {
        yk__claim_cut(report, "envelope", engine + size, source->size, YK__CERTAINTY_CERTAIN);
        return true;
    }
    /* what is behind the engine belongs to the envelope */
    yk__source inner = *source;
    inner.size = engine + size;
    if (inner.n > inner.size) inner.n = (size_t)inner.size;
    if (yk__describe_plan(&inner, engine, report)) {
        yk__report_add_kind(report, yk__file_kind_info_get(YK__FILE_KIND_TENSORRT_PLAN)->name);
    } else if (engine + 4 <= inner.n) {
        yk__report_add(report, YK__FINDING_PLAN_HEADER_INVALID, "engine", "a TensorRT plan", "other bytes");
        yk__report_lower(report, YK__VERDICT_INVALID);
    }
    return true;
}
