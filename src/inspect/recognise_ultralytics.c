/* Ultralytics' metadata in front of a TensorRT plan: u32 n, n bytes of JSON, the plan. No magic, so the JSON has to tell. */
#include "inspect/recognise.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/engine_format.h"
#include "engine/json_read.h"
#include "inspect/facts_json.h"
#include "inspect/plan_read.h"
#include "inspect/plan_report.h"
#include "inspect/ultralytics_prefix.h"

/* Ultralytics' own bound is the file; a page of metadata takes some KB, ten thousand class names some 200 KB. */
#define MAX_METADATA ((uint32_t)16 << 20)
#define LOOK         ((size_t)64 << 10) /* where a plan behind a damaged length is looked for */

static bool is_plan_magic(const uint8_t *at) {
    return memcmp(at, "ftrt", 4) == 0 || memcmp(at, "ptrt", 4) == 0;
}

/* Two of the keys that every export writes, near the start. */
static bool reads_like_ultralytics(const uint8_t *json, size_t n) {
    static const char *const keys[] = {"\"task\"",  "\"names\"",       "\"imgsz\"",  "\"stride\"",
                                       "\"batch\"", "\"description\"", "\"author\"", "\"version\""};
    int found = 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        found += memmem(json, n < 4096 ? n : 4096, keys[i], strlen(keys[i])) != NULL;
    return found >= 2;
}

static void claim(yk__report *report, bool known) {
    yk__claim(report, YK__FILE_KIND_ULTRALYTICS_ENGINE, known ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY);
}

static void describe_plan(const yk__source *source, uint64_t at, yk__report *report) {
    const bool has_plan = at < source->n && yk__describe_plan(source, at, report);
    const bool is_5 = !has_plan && at < source->n && source->size != YK__SIZE_UNKNOWN &&
                      yk__plan_is_5(source->bytes + at, source->n - (size_t)at, source->size - at);
    if (is_5) yk__describe_plan_5(report);
    if (has_plan || is_5) {
        yk__report_add_kind(report, yk__file_kind_info_get(YK__FILE_KIND_TENSORRT_PLAN)->name);
        return;
    }
    if (at + 4 <= source->n) {
        const uint8_t *b = source->bytes + at;
        yk__report_find(report, YK__FINDING_PREFIX_UNKNOWN_PLAN, "plan", "ftrt or ptrt", "%02x %02x %02x %02x", b[0], b[1],
                        b[2], b[3]);
        yk__report_lower(report, YK__VERDICT_INVALID);
    } else if (source->n == source->size) {
        yk__claim_cut(report, "plan", 0, source->size, YK__CERTAINTY_CERTAIN);
    }
}

/* All of the metadata is at hand: it must be JSON, and either a plan follows or the keys are Ultralytics'. */
static bool recognise_whole(const yk__source *source, uint32_t stated, yk__report *report) {
    yk__prefix prefix = {.json_at = 4, .json_size = stated, .plan_at = 4 + (uint64_t)stated};
    json_t *root = NULL;
    yk__code code = yk__prefix_read(source->bytes, source->n, &prefix, &root, NULL);
    if (code == YK__LIMIT) /* too much to parse: the ends have to do */
        code = source->bytes[3 + (size_t)stated] == '}' ? YK__OK : YK__FORMAT;
    const uint8_t *plan = source->bytes + prefix.plan_at;
    const bool known = code == YK__OK && prefix.plan_at + 4 <= source->n && is_plan_magic(plan);
    if (code != YK__OK || (!known && !reads_like_ultralytics(source->bytes + 4, prefix.json_size))) {
        json_decref(root);
        return false;
    }
    claim(report, known);
    if (root) yk__fact_json(report, NULL, "ultralytics", root, 3);
    json_decref(root);
    describe_plan(source, prefix.plan_at, report);
    return true;
}

/* The length is damaged, by a transfer perhaps; the JSON and the plan behind it are there. */
static bool recognise_damaged(const yk__source *source, yk__report *report) {
    const size_t n = source->n < LOOK ? source->n : LOOK;
    const uint8_t *open = n > 8 ? memchr(source->bytes, '{', 13 < n - 2 ? 13 : n - 2) : NULL, *end = NULL;
    if (!open || open[1] != '"') return false;
    for (const uint8_t *at = open; (at = memchr(at, '}', n - (size_t)(at - source->bytes))) != NULL; at++) {
        if ((size_t)(at - source->bytes) + 5 > n) break;
        if (is_plan_magic(at + 1)) {
            end = at + 1;
            break;
        }
    }
    if (!end || !reads_like_ultralytics(open, (size_t)(end - open))) return false;
    const size_t size = (size_t)(end - open);
    json_t *root = NULL;
    claim(report, true);
    if (yk__json_parse_within(open, size, YK__PREFIX_MAX_WEIGHT, "metadata", &root, NULL) == YK__OK)
        yk__fact_json(report, NULL, "ultralytics", root, 3);
    json_decref(root);
    char expected[48];
    snprintf(expected, sizeof expected, "length %zu, then '{' at byte 4", size);
    if (open == source->bytes + 4)
        yk__report_find(report, YK__FINDING_PREFIX_DAMAGED, "byte 0", expected, "length %" PRIu32, yk__get_u32(source->bytes));
    else
        yk__report_find(report, YK__FINDING_PREFIX_DAMAGED, "byte 0", expected, "'{' at byte %zu",
                        (size_t)(open - source->bytes));
    yk__report_lower(report, YK__VERDICT_INVALID);
    describe_plan(source, (uint64_t)(end - source->bytes), report);
    return true;
}

bool yk__recognise_ultralytics(const yk__source *source, yk__report *report) {
    if (source->n < 6) return false;
    const uint32_t stated = yk__get_u32(source->bytes);
    const uint64_t plan = 4 + (uint64_t)stated;
    if (source->bytes[4] != '{' || stated < 2 || stated > MAX_METADATA) return recognise_damaged(source, report);
    if (plan <= source->n) return recognise_whole(source, stated, report) || recognise_damaged(source, report);
    /* more metadata than at hand */
    if (!reads_like_ultralytics(source->bytes + 4, source->n - 4)) return recognise_damaged(source, report);
    if (recognise_damaged(source, report)) return true;
    claim(report, false);
    if (source->n == source->size) yk__claim_cut(report, "metadata", plan, source->size, YK__CERTAINTY_LIKELY);
    return true;
}
