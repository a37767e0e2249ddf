/* One function for each format: the least length that its head or its chain of parts states, 0 where nothing can be said.
 * Chains are followed over a bounded number of parts. */
#include "inspect/ends.h"

#include <stdlib.h>
#include <string.h>

#include "engine/engine_format.h"

enum { MAX_PARTS = 4096 };

/* The end is missing, and nothing says how much. */
#define CUT_SOMEWHERE UINT64_MAX

static uint32_t u16(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static uint32_t big32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint64_t big64(const uint8_t *at) {
    return (uint64_t)big32(at) << 32 | big32(at + 4);
}

/* ---- pictures and videos ---- */

/* Chunks: length, type, data, checksum; the last one is IEND. */
static uint64_t png_length(const yk__source *source) {
    uint64_t at = 8;
    for (int i = 0; i < 16 * MAX_PARTS; i++) {
        if (at + 12 > source->size) return at + 12; /* the head and checksum of one chunk more */
        if (at + 12 > source->n) return 0;
        uint64_t next = at + 12 + big32(source->bytes + at);
        if (!memcmp(source->bytes + at + 4, "IEND", 4) || next > source->size) return next;
        at = next;
    }
    return 0;
}

/* RIFF: "RIFF", length of what follows. */
static uint64_t riff_length(const yk__source *source) {
    return source->n >= 12 ? 8 + (uint64_t)yk__get_u32(source->bytes + 4) : 0;
}

/* ISO base media: boxes of length and type; 1 means a 64-bit length, 0 up to the end. */
static uint64_t boxes_length(const yk__source *source) {
    uint64_t at = 0;
    for (int i = 0; i < MAX_PARTS && at + 16 <= source->n; i++) {
        const uint8_t *box = source->bytes + at;
        uint64_t length = big32(box);
        if (length == 1) length = big64(box + 8);
        if (length < 8 || length > UINT64_MAX / 2) return 0;
        at += length;
        if (at > source->size) return at;
    }
    return 0;
}

/* JPEG ends with EOI; some cameras append something, so the end is looked for in the last KiB. */
static uint64_t jpeg_length(const yk__source *source) {
    if (!yk__source_whole(source) || source->n < 1024) return 0;
    return memmem(source->bytes + source->n - 1024, 1024, "\xff\xd9", 2) ? 0 : CUT_SOMEWHERE;
}

static uint64_t image_length(const yk__source *source) {
    if (yk__source_has(source, 0, "\x89PNG", 4)) return png_length(source);
    if (yk__source_has(source, 0, "RIFF", 4)) return riff_length(source);
    if (yk__source_has(source, 4, "ftyp", 4)) return boxes_length(source);
    if (yk__source_has(source, 0, "BM", 2) && source->n >= 6) {
        uint32_t stated = yk__get_u32(source->bytes + 2);
        return stated < 1u << 30 ? stated : 0; /* some writers leave nonsense there */
    }
    return yk__source_has(source, 0, "\xff\xd8\xff", 3) ? jpeg_length(source) : 0;
}

static uint64_t video_length(const yk__source *source) {
    if (yk__source_has(source, 0, "RIFF", 4)) return riff_length(source);
    return yk__source_has(source, 4, "ftyp", 4) ? boxes_length(source) : 0;
}

/* ---- models and arrays ---- */

/* The end-of-file address of the superblock, of versions 0 to 3 with 8-byte addresses. */
static uint64_t hdf5_length(const yk__source *source) {
    static const int places[] = {40, 44, 28, 28};
    if (source->n < 52 || source->bytes[8] > 3) return 0;
    int version = source->bytes[8], width = source->bytes[version < 2 ? 13 : 9];
    return width == 8 ? yk__get_u64(source->bytes + places[version]) & INT64_MAX : 0;
}

/* The header is a Python literal: 'descr': '<f4', 'shape': (2, 3). */
static uint64_t npy_length(const yk__source *source) {
    if (source->n < 12) return 0;
    uint64_t head = source->bytes[6] == 1 ? 10 : 12,
             n = source->bytes[6] == 1 ? u16(source->bytes + 8) : yk__get_u32(source->bytes + 8);
    if (n > 65536 || head + n > source->n) return head + n > source->size ? head + n : 0;
    char text[4097];
    size_t shown = n < sizeof text ? (size_t)n : sizeof text - 1;
    memcpy(text, source->bytes + head, shown);
    text[shown] = '\0';
    const char *descr = strstr(text, "'descr':"), *shape = strstr(text, "'shape':");
    if (!descr || !shape) return 0;
    descr += strcspn(descr + 8, "'") + 9;
    if (!strchr("<>|=", *descr) || !strchr("biufc", descr[1])) return 0;
    uint64_t total = strtoul(descr + 2, NULL, 10);
    shape = strchr(shape, '(');
    if (!shape || total == 0 || total > 64) return 0;
    for (shape++; *shape && *shape != ')';) {
        char *end;
        unsigned long long side = strtoull(shape, &end, 10);
        if (end == shape || __builtin_mul_overflow(total, side, &total)) return 0;
        shape = end + strspn(end, ", L");
    }
    return total < UINT64_MAX / 2 ? head + n + total : 0;
}

/* The offset of the root table. */
static uint64_t flatbuffer_length(const yk__source *source) {
    return source->n >= 4 ? (uint64_t)yk__get_u32(source->bytes) + 4 : 0;
}

/* ---- archives ---- */

/* Signature, version, checksum, then offset and length of the header that stands at the end. */
static uint64_t seven_zip_length(const yk__source *source) {
    if (source->n < 32) return source->size < 32 ? 32 : 0;
    uint64_t at = yk__get_u64(source->bytes + 12), n = yk__get_u64(source->bytes + 20);
    return at < UINT64_MAX / 4 && n < UINT64_MAX / 4 ? 32 + at + n : 0;
}

/* A stream ends with "YZ", zeros in groups of four may follow. */
static uint64_t xz_length(const yk__source *source) {
    if (!yk__source_whole(source)) return 0;
    size_t n = source->n;
    for (int i = 0; i < MAX_PARTS && n > 4 && !memcmp(source->bytes + n - 4, "\0\0\0", 4); i++) n -= 4;
    return n >= 32 && !memcmp(source->bytes + n - 2, "YZ", 2) ? 0 : CUT_SOMEWHERE;
}

/* ---- programs ---- */

static uint64_t elf_word(const uint8_t *at, bool wide, bool big) {
    if (wide) return big ? big64(at) : yk__get_u64(at);
    return big ? big32(at) : yk__get_u32(at);
}

/* Where the section headers end: linkers put them last. */
static uint64_t elf_length(const yk__source *source) {
    if (source->n < 64) return 0;
    const uint8_t *b = source->bytes;
    bool wide = b[4] == 2, big = b[5] == 2;
    uint64_t at = elf_word(b + (wide ? 40 : 32), wide, big);
    const uint8_t *size = b + (wide ? 58 : 46), *count = b + (wide ? 60 : 48);
    uint64_t bytes = (uint64_t)(big ? (uint32_t)size[0] << 8 | size[1] : u16(size)) *
                     (big ? (uint32_t)count[0] << 8 | count[1] : u16(count));
    return at < UINT64_MAX / 2 ? at + bytes : 0;
}

/* The end of the section that reaches farthest. */
static uint64_t pe_length(const yk__source *source) {
    uint64_t pe = yk__get_u32(source->bytes + 0x3c), length = 0;
    if (source->n < pe + 24) return 0;
    uint32_t n = u16(source->bytes + pe + 6);
    uint64_t table = pe + 24 + u16(source->bytes + pe + 20);
    for (uint32_t i = 0; i < n && i < 96 && table + 40 * (i + 1) <= source->n; i++) {
        const uint8_t *section = source->bytes + table + 40 * i;
        uint64_t end = (uint64_t)yk__get_u32(section + 20) + yk__get_u32(section + 16);
        if (yk__get_u32(section + 16) > 0 && end > length) length = end;
    }
    return length;
}

static uint64_t sqlite_length(const yk__source *source) {
    if (source->n < 100) return source->size < 100 ? 100 : 0;
    uint64_t page = (uint64_t)source->bytes[16] << 8 | source->bytes[17];
    return (page == 1 ? 65536 : page) * big32(source->bytes + 28);
}

void yk__check_length(const yk__source *source, yk__file_kind kind, yk__report *report) {
    static const struct {
        yk__file_kind kind;
        uint64_t (*length)(const yk__source *);
        bool sure;
    } formats[] = {
        {YK__FILE_KIND_IMAGE, image_length, false},
        {YK__FILE_KIND_VIDEO, video_length, false},
        {YK__FILE_KIND_HDF5, hdf5_length, true},
        {YK__FILE_KIND_NUMPY, npy_length, true},
        {YK__FILE_KIND_TFLITE, flatbuffer_length, true},
        {YK__FILE_KIND_ORT_MODEL, flatbuffer_length, true},
        {YK__FILE_KIND_SEVEN_ZIP, seven_zip_length, true},
        {YK__FILE_KIND_XZ, xz_length, true},
        {YK__FILE_KIND_ELF, elf_length, false},
        {YK__FILE_KIND_PE, pe_length, false},
        {YK__FILE_KIND_SQLITE, sqlite_length, false},
    };
    if (source->size == YK__SIZE_UNKNOWN) return;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (formats[i].kind != kind) continue;
        uint64_t length = formats[i].length(source);
        if (length > source->size)
            yk__claim_cut(report, "length", length == CUT_SOMEWHERE ? 0 : length, source->size,
                          formats[i].sure ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY);
        return;
    }
}
