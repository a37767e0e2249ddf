/* The one EXIF field that changes pixels: the orientation of the first directory.
 *
 * Damaged blocks are common. Which of them still give an orientation follows the reference's reader: entries are read in
 * order, and an entry of a kind it reads whose value lies outside the block ends the search. */
#include "image/decode_codecs.h"

typedef struct exif_block {
    const uint8_t *bytes;
    size_t size;
    bool little;
} exif_block;

static bool get_u16(const exif_block *block, uint64_t at, uint32_t *out) {
    if (at + 2 > block->size) return false;
    const uint8_t *p = block->bytes + at;
    *out = block->little ? (uint32_t)p[0] | (uint32_t)p[1] << 8 : (uint32_t)p[0] << 8 | (uint32_t)p[1];
    return true;
}

static bool get_u32(const exif_block *block, uint64_t at, uint32_t *out) {
    uint32_t a, b;
    if (!get_u16(block, at, &a) || !get_u16(block, at + 2, &b)) return false;
    *out = block->little ? a | b << 16 : a << 16 | b;
    return true;
}

static bool has_bytes(const exif_block *block, uint64_t at, uint64_t n) {
    return at <= block->size && n <= block->size - at;
}

/* Whether the value of the entry at `at` can be read, for the tags that the reference reads (TIFF 6.0 and EXIF 2.3). */
static bool entry_readable(const exif_block *block, uint32_t tag, uint64_t at) {
    uint32_t count, offset;
    uint64_t rationals = 0;
    switch (tag) {
    case 0x010E: /* ImageDescription, Make, Model, Software, DateTime, Copyright: text */
    case 0x010F:
    case 0x0110:
    case 0x0131:
    case 0x0132:
    case 0x8298:
        if (!get_u32(block, at + 4, &count)) return false;
        offset = 8; /* the reference looks here for a text of at most 4 bytes; only its length can fail */
        if (count > 4 && !get_u32(block, at + 8, &offset)) return false;
        return has_bytes(block, offset, count);
    case 0x0112: /* Orientation, ResolutionUnit, YCbCrPositioning: 16 bits in place */
    case 0x0128:
    case 0x0213: return has_bytes(block, at + 8, 2);
    case 0x011A: /* XResolution, YResolution */
    case 0x011B: rationals = 1; break;
    case 0x013E: rationals = 2; break; /* WhitePoint */
    case 0x0211: rationals = 3; break; /* YCbCrCoefficients */
    case 0x013F:                       /* PrimaryChromaticities, ReferenceBlackWhite */
    case 0x0214: rationals = 6; break;
    default: return true;
    }
    return get_u32(block, at + 8, &offset) && has_bytes(block, offset, rationals * 8);
}

int yk__exif_orientation(const uint8_t *exif, size_t size) {
    if (size < 2) return -1;
    exif_block block = {.bytes = exif, .size = size, .little = exif[0] == 'I' && exif[1] == 'I'};
    uint32_t mark, directory, n_entries;
    if (!get_u16(&block, 2, &mark) || mark != 0x2A) return -1;
    if (!get_u32(&block, 4, &directory) || !get_u16(&block, directory, &n_entries)) return -1;
    for (uint32_t i = 0; i < n_entries; i++) {
        uint64_t at = (uint64_t)directory + 2 + (uint64_t)i * 12;
        uint32_t tag, value;
        if (!get_u16(&block, at, &tag) || !entry_readable(&block, tag, at)) return -1;
        if (tag == 0x0112) return get_u16(&block, at + 8, &value) ? (int)value : -1;
    }
    return -1;
}
