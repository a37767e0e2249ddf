/* The layouts of plan_read.h. Every read is bounded by n; no offset is trusted. */
#include "inspect/plan_read.h"

#include <string.h>

#include "engine/engine_format.h"

static bool has(const uint8_t *bytes, size_t n, uint64_t at, const void *what, size_t size) {
    return at <= n && size <= n - at && memcmp(bytes + at, what, size) == 0;
}

/* ---- records: u16 tag, u16 version 1, value ----
 * From 8.x on tags have bit 15 set. A tag that is no type opens a struct; the 16-bit NOT of it, alone, closes it. */

enum { RECORDS_READ = 48, MAX_OPEN = 16 };

typedef struct record {
    int type; /* the low byte of the tag */
    int64_t value;
} record;

typedef struct walk {
    const uint8_t *bytes;
    size_t n, at;
    unsigned open[MAX_OPEN];
    int n_open;
} walk;

static size_t size_of_type(unsigned tag) {
    switch (tag & 0x7fff) {
    case 0x02: return 1; /* u8 */
    case 0x0a: return 1; /* bool */
    case 0x06: return 4; /* u32 */
    case 0x07: return 4; /* i32 */
    case 0x08: return 8; /* u64 */
    case 0x09: return 8; /* i64 */
    default: return 0;
    }
}

static unsigned get_u16(const uint8_t *p) {
    return p[0] | (unsigned)p[1] << 8;
}

static int64_t get_value(const uint8_t *p, unsigned type, size_t size) {
    if (size == 1) return *p;
    if (size == 8) return (int64_t)yk__get_u64(p);
    return type == 7 ? (int64_t)(int32_t)yk__get_u32(p) : (int64_t)yk__get_u32(p);
}

/* The next value, past openings and closings. False at what is no record. */
static bool next_record(walk *w, record *out) {
    for (int steps = 0; steps < RECORDS_READ && w->at + 4 <= w->n; steps++) {
        unsigned tag = get_u16(w->bytes + w->at);
        size_t size = size_of_type(tag);
        if (w->n_open > 0 && tag == (~w->open[w->n_open - 1] & 0xffff)) {
            w->n_open--;
            w->at += 2;
            continue;
        }
        if (get_u16(w->bytes + w->at + 2) != 1) return false;
        if (size) {
            if (w->n - w->at - 4 < size) return false;
            *out = (record){.type = (int)(tag & 0x7fff), .value = get_value(w->bytes + w->at + 4, tag & 0x7fff, size)};
            w->at += 4 + size;
            return true;
        }
        if (w->n_open == MAX_OPEN) return false;
        w->open[w->n_open++] = tag;
        w->at += 4;
    }
    return false;
}

/* ---- the device ---- */

static bool is_wide(const record *r) {
    return r->type == 0x08 || r->type == 0x09;
}

static bool is_compute(const record *major, const record *minor) {
    return major->type == 7 && minor->type == 7 && major->value >= 2 && major->value <= 20 && minor->value >= 0 &&
           minor->value <= 9;
}

/* Records hold integers and no names, so the place of each is told by what stands around it: L2 is the first of 64 bits and
 * five numbers stand before it; the first bool is "integrated" and the number of SMs stands before that; total memory is the
 * next of 64 bits. So a record more or less in front or between (8.6 and later have both) shifts nothing. */
static void read_device(const record *r, int n, yk__plan_device *out) {
    int l2 = 0, flag = 0;
    while (l2 < n && !is_wide(&r[l2])) l2++;
    while (flag < n && r[flag].type != 0x0a) flag++;
    const int first = l2 - 5; /* compute capability, major */
    if (l2 + 5 >= n || first < 0 || first > 2 || !is_compute(&r[first], &r[first + 1])) return;
    const bool exact = flag < n && (flag - l2 == 5 || flag - l2 == 6); /* L2 [persisting L2] shared shared texture SMs */
    if (!exact) flag = l2 + 5 + (first > 0);
    const int64_t sm_count = r[flag - 1].value;
    if (flag > n || sm_count < 1 || sm_count > 4096) return;
    out->found = true;
    out->exact = exact;
    if (first > 0) out->hardware_level = r[first - 1].value;
    out->compute_major = r[first].value, out->compute_minor = r[first + 1].value;
    out->sm_clock_khz = r[first + 2].value, out->memory_clock_khz = r[first + 3].value, out->bus_bits = r[first + 4].value;
    out->l2_bytes = r[l2].value;
    if (flag - l2 == 6) out->persisting_l2_bytes = r[l2 + 1].value;
    out->shared_per_block = r[flag - 4].value, out->shared_per_sm = r[flag - 3].value;
    out->texture_alignment = r[flag - 2].value;
    out->sm_count = sm_count;
    if (!exact) return;
    out->integrated = r[flag].value != 0;
    for (int i = flag + 1; i < n && i <= flag + 8 && out->memory_bytes < 0; i++)
        if (is_wide(&r[i])) out->memory_bytes = r[i].value;
}

/* ---- the archive ---- */

static void read_payload(const uint8_t *bytes, size_t n, uint64_t at, yk__plan_archive *out) {
    walk w = {.bytes = bytes, .n = n, .at = (size_t)at};
    record records[RECORDS_READ];
    int count = 0;
    record part;
    for (int i = 0; i < 4; i++) {
        if (!next_record(&w, &part) || part.type != 2) return;
        out->version[i] = (uint8_t)part.value;
    }
    out->has_version = true;
    while (count < RECORDS_READ && next_record(&w, &records[count])) count++;
    read_device(records, count, &out->device);
}

static bool is_payload(const uint8_t *bytes, size_t n, uint64_t at) {
    return has(bytes, n, at, "\2\0\1\0", 4) || has(bytes, n, at, "\2\x80\1\0", 4);
}

/* Which layout a header has is told by where the first record, the version's major part, begins. */
static void read_archive(const uint8_t *bytes, size_t n, uint64_t at, yk__plan_archive *out) {
    out->at = at;
    out->magic = has(bytes, n, at, "ptrt", 4);
    if (!out->magic) return;
    const uint8_t *h = bytes + at;
    if (is_payload(bytes, n, at + 20)) {
        out->layout = YK__ARCHIVE_20;
        out->serialization = yk__get_u32(h + 4);
        out->payload = yk__get_u64(h + 8);
    } else if (is_payload(bytes, n, at + 24)) {
        out->layout = yk__get_u32(h + 12) ? YK__ARCHIVE_OLD : YK__ARCHIVE_NEW;
        out->safe = yk__get_u32(h + 4);
        out->serialization = yk__get_u32(h + 8);
        out->payload = yk__get_u64(h + (out->layout == YK__ARCHIVE_OLD ? 12 : 16));
        if (out->layout == YK__ARCHIVE_OLD) out->crc = yk__get_u32(h + 20);
    } else {
        return;
    }
    out->header = out->layout == YK__ARCHIVE_20 ? 20 : 24;
    read_payload(bytes, n, at + out->header, out);
}

/* ---- the container ---- */

static void read_section(const uint8_t *entry, yk__plan_section *out) {
    for (int i = 0; i < 4; i++) out->name[i] = entry[3 - i] >= 0x20 && entry[3 - i] < 0x7f ? (char)entry[3 - i] : '?';
    out->name[4] = 0;
    out->offset = yk__get_u64(entry + 8);
    out->size = yk__get_u64(entry + 16);
}

static void read_container(const uint8_t *bytes, size_t n, yk__plan *out) {
    out->whole_header = n >= YK__PLAN_HEAD;
    if (!out->whole_header) return;
    out->container_version = yk__get_u32(bytes + 4);
    out->stated_sections = yk__get_u64(bytes + 8);
    out->total = yk__get_u64(bytes + 0x10);
    memcpy(out->version, bytes + 0x18, 4);
    memcpy(out->platform, bytes + 0x1c, 4);
    bool found = false;
    for (uint64_t i = 0; i < out->stated_sections && i < YK__PLAN_MAX_SECTIONS; i++) {
        size_t entry = YK__PLAN_HEAD + (size_t)i * YK__PLAN_ENTRY;
        if (n < entry + YK__PLAN_ENTRY) return;
        yk__plan_section *section = &out->sections[out->n_sections++];
        read_section(bytes + entry, section);
        if (found || strcmp(section->name, "ENGN") != 0) continue;
        found = true;
        if (section->offset < n)
            read_archive(bytes, n, section->offset, &out->archive);
        else
            out->archive.at = section->offset;
    }
}

bool yk__plan_read(const uint8_t *bytes, size_t n, yk__plan *out) {
    *out = (yk__plan){.archive = {.safe = -1, .serialization = -1}};
    yk__plan_device *d = &out->archive.device;
    *d = (yk__plan_device){.hardware_level = -1,
                           .compute_major = -1,
                           .compute_minor = -1,
                           .sm_clock_khz = -1,
                           .memory_clock_khz = -1,
                           .bus_bits = -1,
                           .l2_bytes = -1,
                           .persisting_l2_bytes = -1,
                           .shared_per_block = -1,
                           .shared_per_sm = -1,
                           .texture_alignment = -1,
                           .sm_count = -1,
                           .integrated = -1,
                           .memory_bytes = -1};
    if (has(bytes, n, 0, "ftrt", 4)) {
        out->format = YK__PLAN_FTRT;
        read_container(bytes, n, out);
    } else if (has(bytes, n, 0, "ptrt", 4)) {
        out->format = YK__PLAN_PTRT;
        read_archive(bytes, n, 0, &out->archive);
        out->whole_header = out->archive.layout != YK__ARCHIVE_UNKNOWN;
        if (out->whole_header && out->archive.payload < UINT64_MAX / 2) out->total = out->archive.header + out->archive.payload;
    }
    return out->format != YK__PLAN_NONE;
}

const uint8_t *yk__plan_version(const yk__plan *plan) {
    if (plan->format == YK__PLAN_FTRT && plan->whole_header) return plan->version;
    return plan->archive.has_version ? plan->archive.version : NULL;
}

const char *yk__plan_platform(const uint8_t tag[4]) {
    if (memcmp(tag, "rtrt", 4) == 0) return "linux-x86_64";
    if (memcmp(tag, "utrt", 4) == 0) return "linux-aarch64";
    return NULL;
}

bool yk__plan_is_measured(const uint8_t version[4]) {
    static const uint8_t measured[][2] = {{7, 1}, {8, 2}, {8, 6}, {10, 0}, {10, 3}, {10, 6}};
    for (size_t i = 0; i < sizeof measured / sizeof *measured; i++)
        if (version[0] == measured[i][0] && version[1] == measured[i][1]) return true;
    return false;
}

bool yk__plan_is_5(const uint8_t *bytes, size_t n, uint64_t size) {
    if (n < 64 || yk__get_u64(bytes) != size) return false;
    uint32_t root = yk__get_u32(bytes + 8);
    return root >= 4 && root <= size;
}
