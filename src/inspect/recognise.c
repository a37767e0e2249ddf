/* The order of recognisers, the helpers they share, and those that need no more than a few bytes. */
#include "inspect/recognise.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/engine_format.h"
#include "inspect/damage.h"
#include "inspect/ends.h"
#include "inspect/inside.h"
#include "inspect/magics.h"

static const yk__file_kind_info kinds[] = {
#define YK__FINDING_NONE                                  -1
#define YK__FILE_KIND(ident, name, finding, what, remedy) {name, YK__FINDING_##finding, what, remedy},
#include "inspect/kinds.def"
#undef YK__FILE_KIND
#undef YK__FINDING_NONE
};

/* From the surest to the least: what has a long magic first, what is known by its shape later, texts last. */
static bool (*const recognisers[])(const yk__source *, yk__report *) = {
    yk__recognise_empty,       yk__recognise_yolk,        yk__recognise_magic,     yk__recognise_gzip,
    yk__recognise_zstd,        yk__recognise_tensorrt,    yk__recognise_zip,       yk__recognise_envelope,
    yk__recognise_ultralytics, yk__recognise_safetensors, yk__recognise_bitmap,    yk__recognise_pe,
    yk__recognise_tar,         yk__recognise_pickle,      yk__recognise_tensorrt5, yk__recognise_headless_plan,
    yk__recognise_zeros,       yk__recognise_protobuf,    yk__recognise_onnx,      yk__recognise_damaged,
    yk__recognise_text,        yk__recognise_mnn,         yk__recognise_weights,
};

const yk__file_kind_info *yk__file_kind_info_get(yk__file_kind kind) {
    return &kinds[(int)kind >= 0 && kind < YK__FILE_KIND_COUNT ? kind : YK__FILE_KIND_UNKNOWN];
}

bool yk__source_has(const yk__source *source, uint64_t at, const void *bytes, size_t n) {
    return at <= source->n && n <= source->n - at && !memcmp(source->bytes + at, bytes, n);
}

yk__finding *yk__claim(yk__report *report, yk__file_kind kind, yk__certainty certainty) {
    const yk__file_kind_info *info = yk__file_kind_info_get(kind);
    yk__report_set_kind(report, info->name, certainty);
    if (info->finding < 0) return NULL;
    yk__report_lower(report, YK__VERDICT_FOREIGN);
    yk__finding *finding = yk__report_add(report, (yk__finding_code)info->finding, NULL, NULL, info->what);
    if (finding) finding->certainty = certainty;
    if (*info->remedy) yk__report_remedy(report, finding, info->remedy);
    return finding;
}

void yk__claim_cut(yk__report *report, const char *where, uint64_t expected, uint64_t found, yk__certainty certainty) {
    char text[64], missing[64] = "";
    if (found == YK__SIZE_UNKNOWN) return;
    snprintf(text, sizeof text, "%" PRIu64 " bytes", expected);
    if (expected > found) snprintf(missing, sizeof missing, ": %" PRIu64 " are missing", expected - found);
    yk__finding *finding = yk__report_find(report, YK__FINDING_TRUNCATED, where, expected ? text : "more bytes",
                                           "%" PRIu64 " bytes%s", found, missing);
    if (finding) finding->certainty = certainty;
    yk__report_lower(report, YK__VERDICT_INVALID);
}

void yk__claim_end(const yk__source *source, const char *where, uint64_t stated, yk__certainty certainty, yk__report *report) {
    char expected[64];
    if (source->size == YK__SIZE_UNKNOWN || source->size == stated) return;
    if (source->size < stated) {
        yk__claim_cut(report, where, stated, source->size, certainty);
        return;
    }
    snprintf(expected, sizeof expected, "%" PRIu64 " bytes", stated);
    yk__finding *finding = yk__report_find(report, YK__FINDING_TRAILING_BYTES, where, expected,
                                           "%" PRIu64 " bytes: %" PRIu64 " too many", source->size, source->size - stated);
    if (finding) finding->certainty = certainty;
    yk__report_lower(report, YK__VERDICT_INVALID);
}

bool yk__recognise_empty(const yk__source *source, yk__report *report) {
    if (source->size) return false;
    yk__claim(report, YK__FILE_KIND_EMPTY, YK__CERTAINTY_CERTAIN);
    yk__report_lower(report, YK__VERDICT_INVALID);
    return true;
}

static const yk__magic magics[] = {
#define YK__MAGIC(kind, at, bytes) {YK__FILE_KIND_##kind, at, sizeof bytes - 1, bytes},
#include "inspect/magics.def"
#undef YK__MAGIC
};

const yk__magic *yk__magics(size_t *n) {
    *n = sizeof magics / sizeof *magics;
    return magics;
}

bool yk__recognise_magic(const yk__source *source, yk__report *report) {
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        if (!yk__source_has(source, magics[i].at, magics[i].bytes, magics[i].n)) continue;
        yk__claim(report, magics[i].kind, YK__CERTAINTY_CERTAIN);
        yk__check_length(source, magics[i].kind, report);
        return true;
    }
    return false;
}

/* BMP: "BM", the file's length, zeros, the offset of the pixels. PNM: 'P', a digit, white space. */
bool yk__recognise_bitmap(const yk__source *source, yk__report *report) {
    const uint8_t *b = source->bytes;
    if (source->n < 18) return false;
    bool bmp =
        b[0] == 'B' && b[1] == 'M' && yk__get_u32(b + 6) == 0 && yk__get_u32(b + 10) >= 26 && yk__get_u32(b + 10) < 65536;
    bool pnm = b[0] == 'P' && b[1] >= '1' && b[1] <= '7' && (b[2] == '\n' || b[2] == ' ' || b[2] == '\r' || b[2] == '\t');
    bool icon = !memcmp(b, "\0\0\1\0", 4) && b[4] > 0 && b[5] == 0 && yk__get_u32(b + 6) != 0 && yk__get_u32(b + 14) != 0;
    if (!bmp && !pnm && !icon) return false;
    yk__claim(report, YK__FILE_KIND_IMAGE, bmp ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY);
    yk__check_length(source, YK__FILE_KIND_IMAGE, report);
    return true;
}

/* "MZ" and, where the number at 0x3c points, "PE\0\0". */
bool yk__recognise_pe(const yk__source *source, yk__report *report) {
    if (source->n < 64 || source->bytes[0] != 'M' || source->bytes[1] != 'Z') return false;
    if (!yk__source_has(source, yk__get_u32(source->bytes + 0x3c), "PE\0\0", 4)) return false;
    yk__claim(report, YK__FILE_KIND_PE, YK__CERTAINTY_CERTAIN);
    yk__check_length(source, YK__FILE_KIND_PE, report);
    return true;
}

static bool zeros(const yk__source *source, uint64_t at, size_t n) {
    static const uint8_t block[4096];
    if (at > source->n) return true;
    if (n > source->n - at) n = source->n - (size_t)at;
    for (size_t i = 0; i < n; i += sizeof block) {
        size_t step = n - i < sizeof block ? n - i : sizeof block;
        if (memcmp(source->bytes + at + i, block, step) != 0) return false;
    }
    return true;
}

/* Decided on 16 samples of 64 KiB, evenly spread, the last one at the end. */
bool yk__recognise_zeros(const yk__source *source, yk__report *report) {
    enum { SAMPLES = 16, SAMPLE = 65536 };
    if (source->n == 0) return false;
    bool all = source->n <= SAMPLES * SAMPLE;
    for (size_t i = 0; i < SAMPLES; i++)
        if (!zeros(source, all ? i * SAMPLE : (source->n - SAMPLE) / (SAMPLES - 1) * i, SAMPLE)) return false;
    if (!all && !zeros(source, source->n - SAMPLE, SAMPLE)) return false;
    yk__claim(report, YK__FILE_KIND_ZEROS, all && yk__source_whole(source) ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY);
    yk__report_lower(report, YK__VERDICT_INVALID);
    return true;
}

static void claim_unknown(const yk__source *source, yk__report *report) {
    yk__claim(report, YK__FILE_KIND_UNKNOWN, YK__CERTAINTY_CERTAIN);
    char shown[3 * 16 + 1] = "";
    for (size_t i = 0, at = 0; i < 16 && i < source->n; i++)
        at += (size_t)snprintf(shown + at, sizeof shown - at, "%s%02x", i ? " " : "", source->bytes[i]);
    yk__fact_text(report, NULL, "first_bytes", shown);
}

void yk__recognise(const yk__source *file, yk__report *report) {
    bool claimed = false;
    int looks = YK__INSIDE_LOOKS;
    yk__source source = *file;
    if (!source.looks) source.looks = &looks;
    for (size_t i = 0; i < sizeof recognisers / sizeof *recognisers && !claimed; i++) claimed = recognisers[i](&source, report);
    if (!claimed) claim_unknown(&source, report);
    yk__check_damage(&source, report);
}
