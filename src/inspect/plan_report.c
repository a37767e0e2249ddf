/* From what plan_read.h and plan_damage.h see to facts and findings. Whether a whole plan fits a machine is plan_judge.h's. */
#include "inspect/plan_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "engine/engine_format.h"
#include "inspect/plan_damage.h"
#include "inspect/plan_read.h"
#include "inspect/serialization.h"

/* More is summed only when sums are asked for: a check takes milliseconds whatever the file's size. */
#define MAX_SUMMED ((uint64_t)16 << 20)

typedef struct subject {
    const yk__source *source;
    uint64_t at; /* where the plan begins in the file */
    const uint8_t *bytes;
    size_t n;      /* of the plan, at hand */
    uint64_t size; /* of the plan, by the file's length; YK__SIZE_UNKNOWN */
    yk__plan plan;
    yk__report *report;
} subject;

/* ---- findings ---- */

static void find(const subject *s, yk__finding_code code, yk__certainty certainty, const char *where, const char *expected,
                 const char *found) {
    yk__finding *finding = yk__report_add(s->report, code, where, expected, found);
    if (finding) finding->certainty = certainty;
    yk__report_lower(s->report, YK__VERDICT_INVALID);
}

static const char *byte_at(const subject *s, uint64_t at, char text[40]) {
    snprintf(text, 40, "byte %" PRIu64, s->at + at);
    return text;
}

/* Readings that extrapolate from other releases are marked so. */
static yk__certainty certainty_of(const subject *s) {
    const uint8_t *version = yk__plan_version(&s->plan);
    return version && yk__plan_is_measured(version) ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY;
}

/* ---- facts ---- */

static void mark(yk__fact *facts, bool likely) {
    yk__fact_mark(facts, likely ? YK__CERTAINTY_LIKELY : YK__CERTAINTY_CERTAIN);
}

static void add_number(const subject *s, yk__fact *facts, const char *name, int64_t value, bool likely) {
    if (value < 0) return;
    yk__fact_int(s->report, facts, name, value);
    mark(facts, likely);
}

static void add_text(const subject *s, yk__fact *facts, const char *name, const char *text, bool likely) {
    yk__fact_text(s->report, facts, name, text);
    if (text) mark(facts, likely);
}

static void add_gpu(const subject *s, yk__fact *facts, bool likely) {
    const yk__plan_device *d = &s->plan.archive.device;
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{"memory_bytes", d->memory_bytes},
                   {"sm_clock_khz", d->sm_clock_khz},
                   {"memory_clock_khz", d->memory_clock_khz},
                   {"bus_bits", d->bus_bits},
                   {"l2_bytes", d->l2_bytes},
                   {"persisting_l2_bytes", d->persisting_l2_bytes},
                   {"shared_bytes_per_block", d->shared_per_block},
                   {"shared_bytes_per_sm", d->shared_per_sm},
                   {"texture_alignment", d->texture_alignment}};
    if (!d->found) return;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        add_number(s, facts, numbers[i].name, numbers[i].value, likely);
    if (d->integrated < 0) return;
    yk__fact_bool(s->report, facts, "integrated", d->integrated != 0);
    mark(facts, likely);
}

static void add_device(const subject *s, yk__fact *facts, bool likely) {
    const yk__plan_device *d = &s->plan.archive.device;
    char text[48];
    snprintf(text, sizeof text, "%" PRId64 ".%" PRId64, d->compute_major, d->compute_minor);
    add_text(s, facts, "compute_capability", d->found ? text : NULL, likely);
    if (d->found)
        add_number(s, facts, "sm_count", d->sm_count, likely);
    else
        yk__fact_null(s->report, facts, "sm_count");
    if (d->hardware_level <= 0) return;
    yk__fact_bool(s->report, facts, "hardware_compatible", true);
    mark(facts, true);
}

static void add_platform(const subject *s, yk__fact *facts, bool damaged) {
    const uint8_t *tag = s->plan.platform;
    char text[20];
    const char *platform = s->plan.format == YK__PLAN_FTRT ? yk__plan_platform(tag) : NULL;
    add_text(s, facts, "platform", platform, damaged);
    if (platform || s->plan.format != YK__PLAN_FTRT || yk__get_u32(tag) == 0) return;
    snprintf(text, sizeof text, "%02x %02x %02x %02x", tag[0], tag[1], tag[2], tag[3]);
    add_text(s, facts, "platform_tag", text, damaged);
}

static void add_sections(const subject *s, yk__fact *facts, bool damaged) {
    yk__fact *list = yk__fact_list(s->report, facts, "sections");
    for (int i = 0; list && i < s->plan.n_sections; i++) {
        const yk__plan_section *section = &s->plan.sections[i];
        yk__fact *fact = yk__fact_object(s->report, list, NULL);
        if (!fact) return;
        yk__fact_text(s->report, fact, "name", section->name);
        yk__fact_int(s->report, fact, "offset", (int64_t)(section->offset & INT64_MAX));
        yk__fact_int(s->report, fact, "size", (int64_t)(section->size & INT64_MAX));
    }
    if (list && list->first) mark(facts, damaged);
}

static void add_serialization(const subject *s, yk__fact *facts, bool damaged) {
    const yk__plan_archive *archive = &s->plan.archive;
    const char *hint = archive->serialization >= 0 ? yk__serialization_hint((int)archive->serialization) : NULL;
    if (archive->serialization >= 0)
        add_number(s, facts, "serialization", archive->serialization, damaged);
    else
        yk__fact_null(s->report, facts, "serialization");
    if (archive->safe > 0) add_number(s, facts, "safe_serialization", archive->safe, damaged);
    if (hint && !yk__plan_version(&s->plan)) add_text(s, facts, "release", hint, true);
}

/* damaged: read from bytes that were mended first */
static yk__fact *add_facts(const subject *s, bool damaged) {
    const uint8_t *v = yk__plan_version(&s->plan);
    const bool likely = damaged || !s->plan.archive.device.exact || certainty_of(s) != YK__CERTAINTY_CERTAIN;
    char version[32] = "";
    yk__fact *facts = yk__fact_object(s->report, NULL, "tensorrt");
    if (!facts) return NULL;
    if (v) snprintf(version, sizeof version, "%u.%u.%u.%u", v[0], v[1], v[2], v[3]);
    add_text(s, facts, "version", v ? version : NULL, damaged);
    add_platform(s, facts, damaged);
    add_device(s, facts, likely);
    add_serialization(s, facts, damaged);
    add_sections(s, facts, damaged);
    add_text(s, facts, "format", s->plan.format == YK__PLAN_FTRT ? "ftrt" : "ptrt", false);
    if (s->at > 0) add_number(s, facts, "offset", (int64_t)(s->at & INT64_MAX), false);
    add_gpu(s, facts, likely);
    return facts;
}

void yk__describe_plan_5(yk__report *report) {
    static const char *const names[] = {"version", "platform", "compute_capability", "sm_count", "serialization"};
    yk__fact *facts = yk__fact_object(report, NULL, "tensorrt");
    if (!facts) return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) yk__fact_null(report, facts, names[i]);
    yk__fact_list(report, facts, "sections");
    yk__fact_text(report, facts, "release", "5 or older, or a loadable for DLA");
    mark(facts, true);
}

/* ---- transfers ---- */

/* The bytes say how the file was changed; what it was before is read from a mended copy of its beginning. */
static bool check_transfer(subject *s) {
    bool certain;
    const char *found = "no byte above 127";
    uint8_t mended[8192];
    yk__finding_code code = YK__FINDING_TEXT_MODE_DAMAGE;
    const yk__transfer_damage damage = yk__plan_transfer_damage(s->bytes, s->n, &certain);
    const bool shorter = s->size < s->plan.total;
    if (damage == YK__TRANSFER_INTACT || (damage == YK__TRANSFER_CR_LOST && !shorter)) return false;
    if (damage == YK__TRANSFER_UTF8) code = YK__FINDING_UTF8_DAMAGE, found = "bytes that are UTF-8 throughout";
    if (damage == YK__TRANSFER_ASCII) code = YK__FINDING_UTF8_DAMAGE;
    if (damage == YK__TRANSFER_HIGH_BIT) code = YK__FINDING_HIGH_BIT_STRIPPED;
    if (damage == YK__TRANSFER_CRLF_MADE) found = "0d before every 0a";
    if (damage == YK__TRANSFER_CR_LOST) found = "no 0d at all, and fewer bytes than the header states";
    const bool fingerprint = s->plan.format == YK__PLAN_FTRT && s->plan.version[0] == '\r' && s->plan.version[1] == '\n';
    if (damage == YK__TRANSFER_CRLF_MADE && fingerprint) {
        char where[40];
        find(s, code, YK__CERTAINTY_CERTAIN, byte_at(s, 0x18, where), "0a, the 10 of TensorRT 10", "0d 0a");
    } else {
        find(s, code, certain ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY, "plan", "bytes of any value", found);
    }
    if (damage == YK__TRANSFER_CRLF_MADE) {
        size_t n = yk__undo_crlf(s->bytes, s->n, mended, sizeof mended);
        (void)yk__plan_read(mended, n, &s->plan);
    }
    if (damage != YK__TRANSFER_HIGH_BIT && damage != YK__TRANSFER_ASCII) add_facts(s, true);
    return true;
}

/* ---- wholeness ---- */

static const uint8_t footer[4] = {0x99, 0x8b, 0x8d, 0x8b}, archive_end[4] = {0x8f, 0x8b, 0x8d, 0x8b};

static bool is_zero(const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (bytes[i]) return false;
    return true;
}

static bool at_hand(const subject *s, uint64_t at, size_t n) {
    return at <= s->n && n <= s->n - at;
}

/* Four bytes that must stand at `at`: damaged, or zero where a copy was never finished. */
static bool check_mark(const subject *s, uint64_t at, const uint8_t mark[4], yk__finding_code code, const char *what) {
    char where[80], expected[16], found[16];
    if (!at_hand(s, at, 4) || memcmp(s->bytes + at, mark, 4) == 0) return true;
    const uint8_t *b = s->bytes + at;
    snprintf(where, sizeof where, "%s, byte %" PRIu64, what, s->at + at);
    snprintf(expected, sizeof expected, "%02x %02x %02x %02x", mark[0], mark[1], mark[2], mark[3]);
    snprintf(found, sizeof found, "%02x %02x %02x %02x", b[0], b[1], b[2], b[3]);
    find(s, is_zero(b, 4) ? YK__FINDING_PLAN_ZEROED : code, certainty_of(s), where, expected, found);
    return false;
}

static bool check_header(const subject *s) {
    const yk__plan *plan = &s->plan;
    char where[40], found[64];
    if (at_hand(s, 4, 0x1c) && is_zero(s->bytes + 4, 0x1c)) {
        find(s, YK__FINDING_PLAN_ZEROED, YK__CERTAINTY_CERTAIN, byte_at(s, 4, where), "the header", "zeros");
        return false;
    }
    if (plan->container_version != 0) { /* trtexec: "Serialization version is not supported." */
        snprintf(found, sizeof found, "%" PRIu32, plan->container_version);
        find(s, YK__FINDING_PLAN_HEADER_INVALID, YK__CERTAINTY_LIKELY, byte_at(s, 4, where), "0, the only container known",
             found);
        return false;
    }
    if (plan->stated_sections == 0 || plan->stated_sections > YK__PLAN_MAX_SECTIONS) {
        snprintf(found, sizeof found, "%" PRIu64, plan->stated_sections);
        find(s, YK__FINDING_PLAN_HEADER_INVALID, YK__CERTAINTY_CERTAIN, byte_at(s, 8, where), "1 to 16 sections", found);
        return false;
    }
    if (plan->total < YK__PLAN_HEAD + YK__PLAN_ENTRY * plan->stated_sections + 4 || plan->total > INT64_MAX) {
        snprintf(found, sizeof found, "%" PRIu64 " bytes", plan->total);
        find(s, YK__FINDING_PLAN_HEADER_INVALID, YK__CERTAINTY_CERTAIN, byte_at(s, 0x10, where), "the file's length", found);
        return false;
    }
    if (plan->version[0] < 8 || plan->version[0] > 99) {
        snprintf(found, sizeof found, "%u", plan->version[0]);
        find(s, YK__FINDING_PLAN_HEADER_INVALID, YK__CERTAINTY_CERTAIN, byte_at(s, 0x18, where), "TensorRT 8 or later", found);
        return false;
    }
    return true;
}

/* Sections stand between table and footer. */
static bool check_sections(const subject *s) {
    const yk__plan *plan = &s->plan;
    const uint64_t from = YK__PLAN_HEAD + YK__PLAN_ENTRY * plan->stated_sections, to = plan->total - sizeof footer;
    bool fine = true, engine = false;
    for (int i = 0; i < plan->n_sections; i++) {
        const yk__plan_section *section = &plan->sections[i];
        char where[48], expected[64], found[64];
        engine |= strcmp(section->name, "ENGN") == 0;
        if (section->offset >= from && section->offset <= to && section->size <= to - section->offset) continue;
        snprintf(where, sizeof where, "section %s", section->name);
        snprintf(expected, sizeof expected, "inside bytes %" PRIu64 " to %" PRIu64, s->at + from, s->at + to);
        snprintf(found, sizeof found, "offset %" PRIu64 ", size %" PRIu64, section->offset, section->size);
        find(s, YK__FINDING_PLAN_SECTION_OUTSIDE, YK__CERTAINTY_CERTAIN, where, expected, found);
        fine = false;
    }
    if (!engine && (uint64_t)plan->n_sections == plan->stated_sections) {
        find(s, YK__FINDING_PLAN_HEADER_INVALID, YK__CERTAINTY_LIKELY, "section table", "a section ENGN", "none");
        return false;
    }
    return fine;
}

/* Of the section ENGN, or of a whole file: magic, layout, length, end. `size` is what it may fill, exactly so where that was
 * measured. to_end: look at its end too. */
static bool check_archive(const subject *s, uint64_t size, bool inside, bool to_end) {
    const yk__plan_archive *archive = &s->plan.archive;
    char where[40], expected[64], found[64];
    const uint64_t at = archive->at;
    if (inside && !check_mark(s, at, (const uint8_t *)"ptrt", YK__FINDING_PLAN_ARCHIVE_DAMAGED, "archive")) return false;
    if (!at_hand(s, at, 28)) return true;
    if (archive->layout == YK__ARCHIVE_UNKNOWN) {
        const bool zero = is_zero(s->bytes + at + 4, 24);
        find(s, zero ? YK__FINDING_PLAN_ZEROED : YK__FINDING_PLAN_ARCHIVE_DAMAGED, YK__CERTAINTY_LIKELY, byte_at(s, at, where),
             "a header of a known layout, then the version", zero ? "zeros" : "neither");
        return false;
    }
    if (!inside) return true;
    const bool exact = archive->header == 24;
    if (archive->payload > UINT64_MAX / 2 || archive->header + archive->payload > size ||
        (exact && archive->header + archive->payload != size)) {
        snprintf(expected, sizeof expected, "%" PRIu64 " bytes, as the section", size - archive->header);
        snprintf(found, sizeof found, "%" PRIu64 " bytes", archive->payload);
        find(s, YK__FINDING_PLAN_ARCHIVE_DAMAGED, certainty_of(s), byte_at(s, at, where), expected, found);
        return false;
    }
    if (archive->has_version && memcmp(archive->version, s->plan.version, 4) != 0) {
        const uint8_t *v = archive->version, *w = s->plan.version;
        snprintf(expected, sizeof expected, "%u.%u.%u.%u, as the container", w[0], w[1], w[2], w[3]);
        snprintf(found, sizeof found, "%u.%u.%u.%u", v[0], v[1], v[2], v[3]);
        find(s, YK__FINDING_PLAN_ARCHIVE_DAMAGED, YK__CERTAINTY_LIKELY, byte_at(s, at + archive->header, where), expected,
             found);
        return false;
    }
    if (!exact || !to_end || certainty_of(s) != YK__CERTAINTY_CERTAIN) return true;
    return check_mark(s, at + archive->header + archive->payload - 4, archive_end, YK__FINDING_PLAN_ARCHIVE_DAMAGED,
                      "end of the archive");
}

/* 7.x: CRC-32 of the payload, zlib's polynomial. */
static void check_sum(const subject *s, yk__fact *facts) {
    const yk__plan_archive *archive = &s->plan.archive;
    char expected[16], found[16];
    const char *state = "crc-32 matches";
    if (archive->layout != YK__ARCHIVE_OLD || !at_hand(s, archive->at + archive->header, archive->payload)) return;
    if (archive->payload > MAX_SUMMED && !s->source->sums) {
        state = "not computed, since the file is large (--sha256 does)";
    } else {
        const uint8_t *payload = s->bytes + archive->at + archive->header;
        uint32_t crc = (uint32_t)crc32_z(0, payload, (size_t)archive->payload);
        snprintf(expected, sizeof expected, "%08" PRIx32, archive->crc);
        snprintf(found, sizeof found, "%08" PRIx32, crc);
        if (crc != archive->crc) {
            state = "crc-32 differs";
            find(s, YK__FINDING_PLAN_CHECKSUM_DIFFERS, certainty_of(s), "payload", expected, found);
        }
    }
    if (facts) yk__fact_text(s->report, facts, "checksum", state);
    mark(facts, certainty_of(s) != YK__CERTAINTY_CERTAIN);
}

/* Fewer bytes than stated and yet the end is there, or more and the end is not where it should be: it was not the end that was
 * lost or added. */
static bool check_length(const subject *s) {
    const uint64_t total = s->plan.total;
    char expected[48], found[80];
    if (total == 0 || s->size == YK__SIZE_UNKNOWN || s->size == total) return true;
    const bool ends =
        s->plan.format == YK__PLAN_FTRT && s->n == s->size && s->n > 64 && !memcmp(s->bytes + s->n - 4, footer, 4);
    const bool ended = at_hand(s, total - 4, 4) && !memcmp(s->bytes + total - 4, footer, 4);
    if (ends && !ended) {
        const bool less = s->size < total;
        snprintf(expected, sizeof expected, "%" PRIu64 " bytes", total);
        snprintf(found, sizeof found, "%" PRIu64 " bytes, the end among them: %" PRIu64 " were %s before it", s->size,
                 less ? total - s->size : s->size - total, less ? "lost" : "added");
        find(s, less ? YK__FINDING_TRUNCATED : YK__FINDING_TRAILING_BYTES, YK__CERTAINTY_LIKELY, "plan", expected, found);
    } else {
        yk__claim_end(s->source, "plan", s->at + total, YK__CERTAINTY_CERTAIN, s->report);
    }
    return false;
}

/* Zeros where a copy reserved space and never wrote: after what can be told for certain. */
static void check_zeroed(const subject *s) {
    uint64_t start, end;
    char where[64], found[64];
    if (s->source->size == YK__SIZE_UNKNOWN || yk__report_has(s->report, YK__FINDING_PLAN_ZEROED)) return;
    if (!yk__find_zeroed(s->bytes, s->n, s->at, s->source->size, &start, &end)) return;
    snprintf(where, sizeof where, "bytes %" PRIu64 " to %" PRIu64, start, end);
    snprintf(found, sizeof found, "%" PRIu64 " zero bytes in a row", end - start);
    find(s, YK__FINDING_PLAN_ZEROED, YK__CERTAINTY_LIKELY, where, "weights and code", found);
}

static void check_container(const subject *s) {
    const yk__plan *plan = &s->plan;
    if (!plan->whole_header) {
        if (s->n == s->size) yk__claim_cut(s->report, "plan header", 0, s->source->size, YK__CERTAINTY_CERTAIN);
        return;
    }
    if (!check_header(s)) return;
    const bool fits = check_length(s);
    bool fine = check_sections(s);
    for (int i = 0; fine && i < plan->n_sections; i++)
        if (strcmp(plan->sections[i].name, "ENGN") == 0) {
            fine = check_archive(s, plan->sections[i].size, true, fits);
            break;
        }
    if (fits && fine) check_mark(s, plan->total - sizeof footer, footer, YK__FINDING_PLAN_FOOTER_DAMAGED, "footer");
}

static void check_plain_archive(const subject *s, yk__fact *facts) {
    const yk__plan_archive *archive = &s->plan.archive;
    if (archive->layout == YK__ARCHIVE_UNKNOWN && !at_hand(s, 0, 28)) {
        if (s->n == s->size) yk__claim_cut(s->report, "plan header", 0, s->source->size, YK__CERTAINTY_CERTAIN);
        return;
    }
    if (!check_archive(s, s->size, false, true)) return;
    if (s->plan.total == 0) {
        char where[40], found[48];
        snprintf(found, sizeof found, "%" PRIu64 " bytes", archive->payload);
        find(s, YK__FINDING_PLAN_HEADER_INVALID, YK__CERTAINTY_CERTAIN, byte_at(s, 8, where), "the file's length", found);
        return;
    }
    if (!check_length(s)) return;
    check_zeroed(s);
    check_sum(s, facts);
}

bool yk__describe_plan(const yk__source *source, uint64_t at, yk__report *report) {
    subject s = {.source = source, .at = at, .report = report};
    if (at > source->n || at > source->size) return false;
    s.bytes = source->bytes + at;
    s.n = source->n - (size_t)at;
    s.size = source->size == YK__SIZE_UNKNOWN ? YK__SIZE_UNKNOWN : source->size - at;
    if (!yk__plan_read(s.bytes, s.n, &s.plan)) return false;
    if (check_transfer(&s)) return true;
    yk__fact *facts = add_facts(&s, false);
    if (s.plan.format == YK__PLAN_FTRT)
        check_container(&s);
    else
        check_plain_archive(&s, facts);
    check_zeroed(&s);
    return true;
}
