/* Windows and OS/2 bitmaps, ours because no library is worth its weight for them.
 *
 * Which of the format's many dialects are read, and what odd run-length files give, follows the reference's reader: runs may
 * not cross a row's end, an RLE8 run that ends a row begins the next one, skipped pixels take colour 0. */
#include <string.h>

#include "base/memory.h"
#include "image/decode_codecs.h"

enum compression { PLAIN = 0, RLE8 = 1, RLE4 = 2, BITFIELDS = 3 };

typedef struct bmp {
    const uint8_t *bytes;
    size_t size, at;
    yk__image *out;
    yk__error *err;
    int32_t width, height;
    bool top_down;
    uint32_t bits; /* per pixel; 15 for 5-5-5 in 16 */
    uint32_t compression;
    uint32_t pixels_at;
    bool masked; /* 32-bit pixels whose channels the masks below name */
    struct {
        uint32_t mask, shift;
        float scale;         /* to 0..255 */
    } channels[3];           /* blue, green, red */
    uint8_t palette[256][4]; /* blue, green, red, unused */
} bmp;

static yk__code truncated(const bmp *b) {
    return yk__fail(b->err, YK__IMAGE, "truncated BMP: byte %zu is needed and the file has %zu", b->at, b->size);
}

static bool take(bmp *b, size_t n, const uint8_t **bytes) {
    if (b->at > b->size || n > b->size - b->at) return false;
    *bytes = b->bytes + b->at;
    b->at += n;
    return true;
}

static bool take_u16(bmp *b, uint32_t *out) {
    const uint8_t *p;
    if (!take(b, 2, &p)) return false;
    *out = (uint32_t)p[0] | (uint32_t)p[1] << 8;
    return true;
}

static bool take_u32(bmp *b, uint32_t *out) {
    uint32_t low, high;
    if (!take_u16(b, &low) || !take_u16(b, &high)) return false;
    *out = low | high << 16;
    return true;
}

static uint8_t *row_at(const bmp *b, int32_t y) {
    return b->out->pixels + (size_t)(b->top_down ? y : b->height - 1 - y) * b->out->stride_bytes;
}

static yk__code refuse(const bmp *b) {
    return yk__fail(b->err, YK__UNSUPPORTED, "BMP with %u bits a pixel and compression %u is not read", b->bits,
                    b->compression);
}

static yk__code read_palette(bmp *b, uint32_t n_used, int entry_bytes) {
    if (n_used > 256) return yk__fail(b->err, YK__IMAGE, "damaged BMP: %u colours in its table, at most 256 fit", n_used);
    uint32_t n = n_used ? n_used : 1u << b->bits;
    const uint8_t *p;
    if (!take(b, (size_t)n * (size_t)entry_bytes, &p)) return truncated(b);
    for (uint32_t i = 0; i < n; i++, p += entry_bytes) memcpy(b->palette[i], p, 3);
    return YK__OK;
}

/* 16-bit pixels name their channels by masks; two layouts exist in practice. */
static yk__code read_masks(bmp *b) {
    uint32_t red, green, blue;
    if (!take_u32(b, &red) || !take_u32(b, &green) || !take_u32(b, &blue)) return truncated(b);
    if (red == 0x7C00 && green == 0x03E0 && blue == 0x001F) {
        b->bits = 15;
    } else if (red != 0xF800 || green != 0x07E0 || blue != 0x001F) {
        return yk__fail(b->err, YK__UNSUPPORTED, "BMP with channel masks %x, %x, %x is not read", red, green, blue);
    }
    return YK__OK;
}

/* 32-bit pixels may name their channels in a header that is long enough to hold the masks; a channel with an empty mask
 * switches that off. The mask's largest value becomes 255, holes in it included. */
static yk__code read_wide_masks(bmp *b) {
    uint32_t masks[3], alpha;
    if (!take_u32(b, &masks[2]) || !take_u32(b, &masks[1]) || !take_u32(b, &masks[0]) || !take_u32(b, &alpha))
        return truncated(b);
    b->masked = masks[0] && masks[1] && masks[2];
    for (int c = 0; c < 3 && b->masked; c++) {
        b->channels[c].mask = masks[c];
        b->channels[c].shift = (uint32_t)__builtin_ctz(masks[c]);
        b->channels[c].scale = 255.0f / (float)(masks[c] >> b->channels[c].shift);
    }
    return YK__OK;
}

static bool known_layout(const bmp *b) {
    switch (b->compression) {
    case PLAIN: return b->bits == 1 || b->bits == 4 || b->bits == 8 || b->bits == 16 || b->bits == 24 || b->bits == 32;
    case RLE8: return b->bits == 8;
    case RLE4: return b->bits == 4;
    case BITFIELDS: return b->bits == 16 || b->bits == 32;
    default: return false;
    }
}

/* BITMAPINFOHEADER and its longer successors. */
static yk__code read_windows_header(bmp *b, uint32_t header_size) {
    uint32_t width, height, planes_bits, n_used;
    const uint8_t *skipped;
    if (!take_u32(b, &width) || !take_u32(b, &height) || !take_u32(b, &planes_bits) || !take_u32(b, &b->compression) ||
        !take(b, 12, &skipped) || !take_u32(b, &n_used)) {
        return truncated(b);
    }
    b->bits = planes_bits >> 16;
    if (header_size >= 56 && b->bits == 32 && b->compression == BITFIELDS) {
        b->at += 4; /* the number of important colours */
        YK__TRY(read_wide_masks(b));
    }
    b->at = 14 + (size_t)header_size; /* a size that leads past the end fails only where something is read there */
    b->top_down = height >> 31;
    if (b->top_down) height = 0u - height;
    if (width > INT32_MAX || height > INT32_MAX) return yk__fail(b->err, YK__IMAGE, "damaged BMP: negative size");
    b->width = (int32_t)width, b->height = (int32_t)height;
    if (!known_layout(b)) return refuse(b);
    if (b->bits <= 8) return read_palette(b, n_used, 4);
    if (b->bits == 16 && b->compression == BITFIELDS) return read_masks(b);
    if (b->bits == 16) b->bits = 15;
    return YK__OK;
}

/* BITMAPCOREHEADER of OS/2 1.x: 16-bit sizes, 3-byte colours. */
static yk__code read_core_header(bmp *b) {
    uint32_t width, height, planes_bits;
    if (!take_u16(b, &width) || !take_u16(b, &height) || !take_u32(b, &planes_bits)) return truncated(b);
    b->width = (int32_t)width, b->height = (int32_t)height;
    b->bits = planes_bits >> 16;
    if (b->bits == 16 || !known_layout(b)) return refuse(b);
    return b->bits <= 8 ? read_palette(b, 0, 3) : YK__OK;
}

static yk__code read_header(bmp *b) {
    uint32_t header_size;
    const uint8_t *skipped;
    if (!take(b, 10, &skipped) || !take_u32(b, &b->pixels_at) || !take_u32(b, &header_size)) return truncated(b);
    if (header_size == 12) return read_core_header(b);
    if (header_size < 36 || header_size > INT32_MAX) {
        return yk__fail(b->err, YK__IMAGE, "damaged BMP: a header of %u bytes", header_size);
    }
    return read_windows_header(b, header_size);
}

static void put(uint8_t *to, const uint8_t color[4]) {
    to[0] = color[0], to[1] = color[1], to[2] = color[2];
}

static void put_masked(const bmp *b, const uint8_t *from, uint8_t *to) {
    uint32_t v = (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
    for (int c = 0; c < 3; c++) {
        float level = (float)((v & b->channels[c].mask) >> b->channels[c].shift) * b->channels[c].scale;
        to[c] = (uint8_t)level; /* at most 255, as float rounding keeps 255.0 * n / n */
    }
}

static void unpack_row(const bmp *b, const uint8_t *from, uint8_t *to) {
    for (int32_t x = 0; x < b->width; x++, to += 3) {
        switch (b->bits) {
        case 1: put(to, b->palette[from[x >> 3] >> (7 - (x & 7)) & 1]); break;
        case 4: put(to, b->palette[from[x >> 1] >> (x & 1 ? 0 : 4) & 15]); break;
        case 8: put(to, b->palette[from[x]]); break;
        case 32:
            if (b->masked) {
                put_masked(b, from + (size_t)x * 4, to);
            } else {
                put(to, from + (size_t)x * 4);
            }
            break;
        default: { /* 15, 16 */
            uint32_t v = (uint32_t)from[2 * x] | (uint32_t)from[2 * x + 1] << 8;
            to[0] = (uint8_t)(v << 3 & 0xF8);
            to[1] = (uint8_t)(b->bits == 15 ? v >> 2 & 0xF8 : v >> 3 & 0xFC);
            to[2] = (uint8_t)(b->bits == 15 ? v >> 7 & 0xF8 : v >> 8 & 0xF8);
        }
        }
    }
}

static yk__code read_rows(bmp *b) {
    size_t stored_bits = b->bits == 15 ? 16 : b->bits;
    size_t row_bytes = (((size_t)b->width * stored_bits + 7) / 8 + 3) & ~(size_t)3;
    for (int32_t y = 0; y < b->height; y++) {
        const uint8_t *from;
        if (!take(b, row_bytes, &from)) return truncated(b);
        if (b->bits == 24) {
            memcpy(row_at(b, y), from, (size_t)b->width * 3);
        } else {
            unpack_row(b, from, row_at(b, y));
        }
    }
    return YK__OK;
}

/* Where the next run-length pixel goes. */
typedef struct pen {
    int32_t x, y;
} pen;

/* n pixels of one colour; a row that is full passes over into the next, also when n is 0. */
static void fill(const bmp *b, pen *p, int64_t n, const uint8_t color[4]) {
    do {
        int64_t room = b->width - p->x, part = n < room ? n : room;
        uint8_t *to = row_at(b, p->y) + (size_t)p->x * 3;
        for (int64_t i = 0; i < part; i++, to += 3) put(to, color);
        p->x += (int32_t)part;
        n -= part;
        if (p->x >= b->width) p->x = 0, p->y++;
    } while (n > 0 && p->y < b->height);
}

static yk__code overlong(const bmp *b, const pen *p) {
    return yk__fail(b->err, YK__IMAGE, "damaged BMP: a run crosses the end of row %d (byte %zu)", (int)p->y, b->at);
}

/* Literal pixels, padded to 16 bits. */
static yk__code read_literals(bmp *b, pen *p, uint32_t n) {
    if ((int64_t)p->x + n > b->width) return overlong(b, p);
    size_t n_bytes = b->compression == RLE8 ? n : (n + 1) / 2;
    const uint8_t *from;
    if (!take(b, (n_bytes + 1) & ~(size_t)1, &from)) return truncated(b);
    uint8_t *to = row_at(b, p->y) + (size_t)p->x * 3;
    for (uint32_t i = 0; i < n; i++, to += 3) {
        put(to, b->palette[b->compression == RLE8 ? from[i] : (from[i >> 1] >> (i & 1 ? 0 : 4) & 15)]);
    }
    p->x += (int32_t)n;
    return YK__OK;
}

static yk__code read_rle4(bmp *b) {
    pen p = {0, 0};
    while (p.y < b->height) {
        uint32_t code, dx, dy;
        if (!take_u16(b, &code)) return truncated(b);
        uint32_t n = code & 255;
        code >>= 8;
        if (n) {
            if ((int64_t)p.x + n > b->width) return overlong(b, &p);
            uint8_t *to = row_at(b, p.y) + (size_t)p.x * 3;
            for (uint32_t i = 0; i < n; i++, to += 3) put(to, b->palette[i & 1 ? code & 15 : code >> 4]);
            p.x += (int32_t)n;
        } else if (code > 2) {
            YK__TRY(read_literals(b, &p, code));
        } else if (code == 2) { /* a move; the reference's reader ignores its rows in this format */
            const uint8_t *move;
            if (!take(b, 2, &move)) return truncated(b);
            dx = move[0], dy = move[1];
            (void)dy;
            fill(b, &p, dx, b->palette[0]);
        } else { /* end of the row, or of the picture, which here ends the row only */
            fill(b, &p, b->width - p.x, b->palette[0]);
        }
    }
    return YK__OK;
}

static yk__code read_rle8(bmp *b) {
    pen p = {0, 0};
    bool row_was_filled = false; /* by the run just read: a following end of row says nothing new */
    while (p.y < b->height) {
        uint32_t code;
        if (!take_u16(b, &code)) return truncated(b);
        uint32_t n = code & 255;
        code >>= 8;
        int32_t y = p.y;
        if (n) {
            if ((int64_t)p.x + n > b->width) return overlong(b, &p);
            fill(b, &p, n, b->palette[code]);
            row_was_filled = p.y != y;
        } else if (code > 2) {
            YK__TRY(read_literals(b, &p, code));
            row_was_filled = false;
        } else {
            int64_t skip = b->width - p.x;
            if (code == 0 && row_was_filled && p.x == 0) skip = -1;
            if (code == 1) skip += (int64_t)(b->height - p.y) * b->width; /* to the picture's end */
            if (code == 2) {
                const uint8_t *move;
                if (!take(b, 2, &move)) return truncated(b);
                skip = move[0] + (int64_t)move[1] * b->width;
            }
            if (skip >= 0) fill(b, &p, skip, b->palette[0]);
            row_was_filled = false;
        }
    }
    return YK__OK;
}

yk__code yk__decode_bmp(const yk__decode_job *job, yk__image *out, yk__error *err) {
    bmp b = {.bytes = job->bytes, .size = job->size, .out = out, .err = err};
    YK__TRY(read_header(&b));
    YK__TRY(yk__decode_admit(job, (uint64_t)b.width, (uint64_t)b.height, 0, err));
    YK__TRY(yk__image_create(out, b.width, b.height, err));
    b.at = b.pixels_at;
    if (b.compression == RLE8) return read_rle8(&b);
    if (b.compression == RLE4) return read_rle4(&b);
    return read_rows(&b);
}
