/* gzip, Zstandard and tar: named, measured where they tell their length, and looked into. */
#include <string.h>

#include "base/memory.h"
#include "engine/engine_format.h"
#include "inspect/inside.h"
#include "inspect/unpack.h"

static void claim_damaged(yk__report *report, const char *where, const char *found) {
    yk__report_add(report, YK__FINDING_ARCHIVE_DAMAGED, where, NULL, found);
    yk__report_lower(report, YK__VERDICT_INVALID);
}

/* Names what was unpacked and says whether the data were whole. size: of all that is packed. */
static void look_inside(const yk__source *source, const yk__unpacked *out, uint64_t size, yk__report *report) {
    const yk__piece piece = {.bytes = out->bytes, .n = out->n, .size = size};
    if (out->damaged) claim_damaged(report, "compressed data", "bytes that cannot be unpacked, or another checksum");
    if (out->wants_more && yk__source_whole(source))
        yk__claim_cut(report, "compressed data", 0, source->size, YK__CERTAINTY_CERTAIN);
    if (out->n > 0) yk__inside_alone(source, &piece, report);
}

/* Behind the end of packed data may stand more of it, or zeros of a tape; else something was appended. */
static void check_rest(const yk__source *source, const yk__unpacked *out, const char *magic, size_t n_magic,
                       yk__report *report) {
    if (!yk__source_whole(source) || !out->ended || out->used >= source->n) return;
    const uint8_t *rest = source->bytes + out->used;
    const size_t n = source->n - out->used;
    if (rest[0] == 0 || (n >= n_magic && !memcmp(rest, magic, n_magic))) return;
    yk__claim_end(source, "compressed data", out->used, YK__CERTAINTY_LIKELY, report);
}

/* ---- gzip (RFC 1952) ---- */

enum { GZIP_HEAD = 10, GZIP_END = 8, GZIP_RESERVED = 0xe0 };

/* The last four bytes give the size modulo 4 GiB; of large files that is no size, and what stands behind a cut is none either.
 */
static uint64_t gzip_size(const yk__source *source, const yk__unpacked *out) {
    if (out->ended && out->n < YK__INSIDE_ALONE) return out->n;
    if (!yk__source_whole(source) || out->wants_more || out->damaged || source->n > (size_t)512 << 20) return YK__SIZE_UNKNOWN;
    uint64_t size = yk__get_u32(source->bytes + source->n - 4);
    return size >= source->n / 2 && size >= out->n ? size : YK__SIZE_UNKNOWN;
}

bool yk__recognise_gzip(const yk__source *source, yk__report *report) {
    if (!yk__source_has(source, 0, "\x1f\x8b\x08", 3) || source->n < GZIP_HEAD || source->bytes[3] & GZIP_RESERVED)
        return false;
    yk__claim(report, YK__FILE_KIND_GZIP, YK__CERTAINTY_CERTAIN);
    if (source->depth >= YK__INSIDE_DEPTH) return true;
    const bool to_the_end = yk__source_whole(source) && source->depth == 0;
    yk__unpacked out = yk__unpack(YK__PACKING_GZIP, source->bytes, source->n, YK__INSIDE_ALONE, to_the_end);
    if (*out.name) yk__fact_text(report, NULL, "packed_name", out.name);
    check_rest(source, &out, "\x1f\x8b\x08", 3, report);
    look_inside(source, &out, gzip_size(source, &out), report);
    yk__free(out.bytes);
    return true;
}

/* ---- Zstandard (RFC 8878) ---- */

enum { ZSTD_MAX_BLOCKS = 65536 };

static uint32_t zstd_head(const yk__source *source, uint64_t *content) {
    static const uint8_t size_bytes[] = {0, 2, 4, 8}, dictionary_bytes[] = {0, 1, 2, 4};
    uint8_t flags = source->bytes[4];
    bool single = flags & 0x20;
    uint32_t n = size_bytes[flags >> 6], at = 5 + !single + dictionary_bytes[flags & 3];
    if (single && n == 0) n = 1;
    *content = YK__SIZE_UNKNOWN;
    if (at + n > source->n) return UINT32_MAX;
    if (n > 0) *content = 0;
    for (uint32_t i = 0; i < n; i++) *content |= (uint64_t)source->bytes[at + i] << (8 * i);
    if (n == 2) *content += 256;
    return at + n;
}

/* The frame's end, from block to block; 0 where it cannot be found. More than there is: at least so many bytes. */
static uint64_t zstd_end(const yk__source *source, uint64_t at) {
    for (int i = 0; i < ZSTD_MAX_BLOCKS; i++) {
        if (at + 3 > source->n) return at + 3;
        const uint8_t *b = source->bytes + at;
        uint32_t head = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16, type = head >> 1 & 3;
        if (type == 3) return 0;
        at += 3 + (type == 1 ? 1 : head >> 3);
        if (head & 1) return at + (source->bytes[4] & 4 ? 4 : 0);
        if (at > source->n) return at;
    }
    return 0;
}

bool yk__recognise_zstd(const yk__source *source, yk__report *report) {
    uint64_t content = YK__SIZE_UNKNOWN;
    if (!yk__source_has(source, 0, "\x28\xb5\x2f\xfd", 4) || source->n < 6) return false;
    uint32_t head = zstd_head(source, &content);
    yk__claim(report, YK__FILE_KIND_ZSTD, YK__CERTAINTY_CERTAIN);
    if (source->depth >= YK__INSIDE_DEPTH) return true;
    uint64_t end = head < source->n && yk__source_whole(source) ? zstd_end(source, head) : 0;
    const bool to_the_end = yk__source_whole(source) && source->depth == 0;
    yk__unpacked out = yk__unpack(YK__PACKING_ZSTD, source->bytes, source->n, YK__INSIDE_ALONE, to_the_end);
    if (end > source->size) { /* then it is known how much, at least */
        yk__claim_cut(report, "compressed data", end, source->size, YK__CERTAINTY_CERTAIN);
        out.wants_more = false;
    }
    if (source->n > out.used + 4 && memcmp(source->bytes + out.used + 1, "\x2a\x4d\x18", 3) != 0) /* a frame to be skipped */
        check_rest(source, &out, "\x28\xb5\x2f\xfd", 4, report);
    look_inside(source, &out, out.ended && out.n < YK__INSIDE_ALONE ? out.n : content, report);
    yk__free(out.bytes);
    return true;
}

/* ---- tar (POSIX ustar, GNU) ---- */

enum { TAR_BLOCK = 512, TAR_MAX_HEADS = 4096 };

/* Octal digits, or with the high bit set a big-endian number (GNU). */
static bool tar_number(const uint8_t *at, size_t n, uint64_t *out) {
    *out = 0;
    if (at[0] & 0x80) {
        for (size_t i = 0; i < n; i++) {
            if (*out >> 55) return false;
            *out = *out << 8 | (i == 0 ? at[0] & 0x7f : at[i]);
        }
        return true;
    }
    size_t i = 0, digits = 0;
    while (i < n && at[i] == ' ') i++;
    for (; i < n && at[i] >= '0' && at[i] <= '7'; i++, digits++) {
        if (*out >> 60) return false;
        *out = *out << 3 | (uint64_t)(at[i] - '0');
    }
    return digits > 0 && (i == n || at[i] == '\0' || at[i] == ' ');
}

/* The sum of all bytes of the head, its own eight taken as blanks. */
static bool tar_sum_right(const uint8_t *head) {
    uint64_t stated, sum = 8 * ' ';
    if (!tar_number(head + 148, 8, &stated)) return false;
    for (int i = 0; i < TAR_BLOCK; i++) sum += i >= 148 && i < 156 ? 0 : head[i];
    return sum == stated;
}

static bool tar_is_file(const uint8_t *head) {
    return head[156] == '0' || head[156] == '\0' || head[156] == '7';
}

/* Calls of the walk: what one file in the archive is. */
typedef struct tar_walk {
    yk__piece files[YK__INSIDE_ENTRIES];
    int n;           /* files seen */
    uint64_t needed; /* where the last entry ends */
    bool broken;     /* a head with a wrong sum */
} tar_walk;

static void walk_tar(const yk__source *source, tar_walk *walk) {
    uint64_t at = 0;
    for (int i = 0; i < TAR_MAX_HEADS && at + TAR_BLOCK <= source->n; i++) {
        const uint8_t *head = source->bytes + at;
        uint64_t size;
        if (head[0] == '\0') return; /* the end: two blocks of zeros */
        if (!tar_sum_right(head) || !tar_number(head + 124, 12, &size) || size > INT64_MAX / 2) {
            walk->broken = true;
            return;
        }
        uint64_t data = at + TAR_BLOCK, left = data < source->n ? source->n - data : 0;
        if (tar_is_file(head) && walk->n++ < YK__INSIDE_ENTRIES)
            walk->files[walk->n - 1] = (yk__piece){.bytes = source->bytes + (left ? data : 0),
                                                   .n = left < size ? (size_t)left : (size_t)size,
                                                   .size = size,
                                                   .name = (const char *)head,
                                                   .name_n = strnlen((const char *)head, 100)};
        at = data + (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
        walk->needed = data + size;
    }
}

bool yk__recognise_tar(const yk__source *source, yk__report *report) {
    bool ustar = yk__source_has(source, 257, "ustar", 5), sum = source->n >= TAR_BLOCK && tar_sum_right(source->bytes);
    if ((!ustar && !sum) || source->bytes[0] == '\0') return false;
    yk__claim(report, YK__FILE_KIND_TAR, sum ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY);
    tar_walk walk = {0};
    walk_tar(source, &walk);
    if (walk.broken && yk__source_whole(source)) claim_damaged(report, "tar header", "a header whose checksum is wrong");
    if (source->size < TAR_BLOCK) walk.needed = TAR_BLOCK;
    if (walk.needed > source->size) yk__claim_cut(report, "tar entry", walk.needed, source->size, YK__CERTAINTY_CERTAIN);
    if (walk.n == 0 || source->depth >= YK__INSIDE_DEPTH) return true;
    yk__inside inside;
    yk__inside_begin(&inside, report);
    if (walk.n == 1 && yk__inside_alone(source, &walk.files[0], report)) inside.best = 100; /* it is in the report already */
    for (int i = 0; i < walk.n && i < YK__INSIDE_ENTRIES; i++) yk__inside_entry(&inside, source, &walk.files[i], report);
    inside.n = walk.n;
    yk__inside_finish(&inside, report);
    return true;
}
