/* TensorRT's files and what is wrapped around them, Ultralytics' metadata apart (recognise_ultralytics.c). */
#include "inspect/recognise.h"

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

/* The magic is gone, and what must stand behind it is there. */
static bool has_lost_magic(const yk__source *source) {
    return yk__source_has(source, 0x20, "NGNE\0\0\0\0\x38\0\0\0\0\0\0\0", 16) && yk__source_has(source, 0x38, "ptrt", 4);
}

bool yk__recognise_tensorrt(const yk__source *source, yk__report *report) {
    static const uint8_t magic[] = "ftrt";
    yk__plan plan;
    if (yk__plan_read(source->bytes, source->n, &plan)) {
        if (plan.format == YK__PLAN_PTRT && plan.archive.layout == YK__ARCHIVE_UNKNOWN && is_timing_cache(source)) {
            yk__claim(report, YK__FILE_KIND_TENSORRT_TIMING_CACHE, YK__CERTAINTY_LIKELY);
            return true;
        }
        yk__claim(report, YK__FILE_KIND_TENSORRT_PLAN, YK__CERTAINTY_CERTAIN);
        return yk__describe_plan(source, 0, report);
    }
    if (!has_lost_magic(source)) return false;
    yk__claim(report, YK__FILE_KIND_TENSORRT_PLAN, YK__CERTAINTY_LIKELY);
    yk__finding *finding =
        yk__report_find(report, YK__FINDING_PLAN_HEADER_INVALID, "byte 0", (const char *)magic, "%02x %02x %02x %02x",
                        source->bytes[0], source->bytes[1], source->bytes[2], source->bytes[3]);
    if (finding) finding->certainty = YK__CERTAINTY_LIKELY;
    yk__report_lower(report, YK__VERDICT_INVALID);
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
