/* TIFF through libtiff: the first page, by libtiff's own conversion to 8-bit RGBA, which knows every photometric
 * interpretation; colour pages of 16 bits are read as they are and cut to their high byte (PARITY 2.2).
 *
 * Orientation: libtiff's RGBA reader mirrors inside each strip or tile; what it leaves (the order of strips, quarter turns)
 * is done here, as in the reference's reader. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <tiffio.h>

#include "base/memory.h"
#include "image/decode_codecs.h"

typedef struct tiff_state {
    const yk__decode_job *job;
    yk__error *err;
    uint64_t at;
    char message[256]; /* libtiff's first complaint */
} tiff_state;

static tmsize_t read_bytes(thandle_t handle, void *to, tmsize_t n) {
    tiff_state *s = (tiff_state *)handle;
    uint64_t left = s->at < s->job->size ? s->job->size - s->at : 0;
    uint64_t part = n > 0 ? ((uint64_t)n < left ? (uint64_t)n : left) : 0;
    if (part) memcpy(to, s->job->bytes + s->at, (size_t)part);
    s->at += part;
    return (tmsize_t)part;
}

static tmsize_t write_bytes(thandle_t handle, void *from, tmsize_t n) {
    (void)handle, (void)from, (void)n;
    return 0;
}

static toff_t seek_to(thandle_t handle, toff_t offset, int whence) {
    tiff_state *s = (tiff_state *)handle;
    uint64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? s->at : s->job->size;
    uint64_t target = base + offset; /* unsigned wrap lands beyond the end */
    s->at = target < s->job->size ? target : s->job->size;
    return s->at;
}

static int close_file(thandle_t handle) {
    (void)handle;
    return 0;
}

static toff_t size_of_file(thandle_t handle) {
    return ((tiff_state *)handle)->job->size;
}

__attribute__((format(printf, 4, 0))) static int keep_message(TIFF *tiff, void *user, const char *module, const char *format,
                                                              va_list args) {
    (void)tiff, (void)module;
    tiff_state *s = user;
    if (!s->message[0]) vsnprintf(s->message, sizeof s->message, format, args);
    return 1; /* handled: nothing is printed */
}

static int drop_message(TIFF *tiff, void *user, const char *module, const char *format, va_list args) {
    (void)tiff, (void)user, (void)module, (void)format, (void)args;
    return 1;
}

static yk__code damaged(tiff_state *s) {
    return yk__fail(s->err, YK__IMAGE, "damaged TIFF: %s", s->message[0] ? s->message : "its picture cannot be read");
}

/* What the first directory says. */
typedef struct page {
    uint32_t width, height;
    uint32_t block_width, block_height; /* of a strip or tile */
    bool tiled;
    uint16_t photometric, bits, samples, sample_format, orientation, planar;
} page;

static yk__code refuse(tiff_state *s, const page *p) {
    return yk__fail(s->err, YK__UNSUPPORTED, "TIFF with %u samples of %u bits, sample format %u and photometric %u is not read",
                    p->samples, p->bits, p->sample_format, p->photometric);
}

static yk__code read_page(tiff_state *s, TIFF *tiff, page *p) {
    if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &p->width) || !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &p->height) ||
        !TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &p->photometric)) {
        return yk__fail(s->err, YK__IMAGE, "damaged TIFF: no width, height or photometric interpretation");
    }
    p->bits = 1, p->samples = 1, p->sample_format = SAMPLEFORMAT_UINT, p->orientation = ORIENTATION_TOPLEFT;
    p->planar = PLANARCONFIG_CONTIG;
    TIFFGetField(tiff, TIFFTAG_BITSPERSAMPLE, &p->bits);
    TIFFGetField(tiff, TIFFTAG_SAMPLESPERPIXEL, &p->samples);
    TIFFGetField(tiff, TIFFTAG_SAMPLEFORMAT, &p->sample_format);
    TIFFGetField(tiff, TIFFTAG_ORIENTATION, &p->orientation);
    TIFFGetField(tiff, TIFFTAG_PLANARCONFIG, &p->planar);
    p->tiled = TIFFIsTiled(tiff);
    p->block_width = p->width;
    if (p->tiled) {
        TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &p->block_width);
        TIFFGetField(tiff, TIFFTAG_TILELENGTH, &p->block_height);
    } else {
        TIFFGetField(tiff, TIFFTAG_ROWSPERSTRIP, &p->block_height);
        if (p->block_height > p->height) p->block_height = p->height; /* 2^32-1 means one strip */
    }
    if (!p->block_width) p->block_width = p->width;
    if (!p->block_height) p->block_height = p->height;
    return YK__OK;
}

/* Colour of 16 bits: the one case where the 8-bit conversion would round instead of cutting. */
static bool is_deep_color(const page *p) {
    return p->bits == 16 && p->photometric == PHOTOMETRIC_RGB && (p->samples == 3 || p->samples == 4) &&
           p->sample_format == SAMPLEFORMAT_UINT && p->planar == PLANARCONFIG_CONTIG;
}

/* Which combinations the reference's reader takes up at all. */
static bool is_known(const page *p) {
    bool integer = p->sample_format == SAMPLEFORMAT_UINT || p->sample_format == SAMPLEFORMAT_INT;
    uint16_t bits = p->bits;
    if (p->samples > 4) return false;
    if (bits > 8 && (p->photometric > 2 || (p->samples != 1 && p->samples != 3 && p->samples != 4))) bits = 8;
    switch (bits) {
    case 1:
    case 8:
    case 16: return integer;
    case 4: return integer && p->photometric == PHOTOMETRIC_PALETTE;
    default: return false;
    }
}

static void rgba_row_to_bgr(const uint32_t *from, uint8_t *to, uint32_t n) {
    for (uint32_t x = 0; x < n; x++, to += 3) {
        to[0] = (uint8_t)TIFFGetB(from[x]);
        to[1] = (uint8_t)TIFFGetG(from[x]);
        to[2] = (uint8_t)TIFFGetR(from[x]);
    }
}

static void deep_row_to_bgr(const uint16_t *from, uint8_t *to, uint32_t n, uint32_t samples) {
    for (uint32_t x = 0; x < n; x++, from += samples, to += 3) {
        to[0] = (uint8_t)(from[2] >> 8);
        to[1] = (uint8_t)(from[1] >> 8);
        to[2] = (uint8_t)(from[0] >> 8);
    }
}

/* One strip or tile at (x, y) through the RGBA reader, which fills its block from the bottom row up. */
static bool read_block_rgba(TIFF *tiff, const page *p, uint32_t x, uint32_t y, void *block, yk__image *out) {
    uint32_t rows = p->height - y < p->block_height ? p->height - y : p->block_height;
    uint32_t columns = p->width - x < p->block_width ? p->width - x : p->block_width;
    if (!(p->tiled ? TIFFReadRGBATile(tiff, x, y, block) : TIFFReadRGBAStrip(tiff, y, block))) return false;
    const uint32_t *from = block;
    if (p->tiled) from += (size_t)(p->block_height - rows) * p->block_width;
    bool upside_down = p->orientation == ORIENTATION_BOTRIGHT || p->orientation == ORIENTATION_RIGHTBOT ||
                       p->orientation == ORIENTATION_BOTLEFT || p->orientation == ORIENTATION_LEFTBOT;
    uint32_t first = upside_down ? p->height - y - rows : y;
    for (uint32_t i = 0; i < rows; i++) {
        uint8_t *to = out->pixels + (size_t)(first + rows - 1 - i) * out->stride_bytes + (size_t)x * 3;
        rgba_row_to_bgr(from + (size_t)i * p->block_width, to, columns);
    }
    return true;
}

static bool read_block_deep(TIFF *tiff, const page *p, uint32_t index, uint32_t x, uint32_t y, void *block, size_t block_bytes,
                            yk__image *out) {
    uint32_t rows = p->height - y < p->block_height ? p->height - y : p->block_height;
    uint32_t columns = p->width - x < p->block_width ? p->width - x : p->block_width;
    tmsize_t n = p->tiled ? TIFFReadEncodedTile(tiff, index, block, (tmsize_t)block_bytes)
                          : TIFFReadEncodedStrip(tiff, index, block, (tmsize_t)block_bytes);
    if (n < 0) return false;
    for (uint32_t i = 0; i < rows; i++) {
        deep_row_to_bgr((const uint16_t *)block + (size_t)i * p->block_width * p->samples,
                        out->pixels + (size_t)(y + i) * out->stride_bytes + (size_t)x * 3, columns, p->samples);
    }
    return true;
}

static yk__code read_blocks(tiff_state *s, TIFF *tiff, const page *p, void *block, size_t block_bytes, yk__image *out) {
    bool deep = is_deep_color(p);
    uint32_t index = 0;
    for (uint32_t y = 0; y < p->height; y += p->block_height) {
        for (uint32_t x = 0; x < p->width; x += p->block_width, index++) {
            bool ok = deep ? read_block_deep(tiff, p, index, x, y, block, block_bytes, out)
                           : read_block_rgba(tiff, p, x, y, block, out);
            if (!ok) return damaged(s);
        }
    }
    return YK__OK;
}

/* Of the RGBA reader's results only the quarter turns are left to do. */
static int remaining_orientation(const page *p) {
    if (is_deep_color(p)) return p->orientation;
    switch (p->orientation) {
    case ORIENTATION_LEFTTOP:
    case ORIENTATION_RIGHTBOT: return 5; /* a transpose */
    case ORIENTATION_RIGHTTOP:
    case ORIENTATION_LEFTBOT: return 7; /* a transpose and both mirrors */
    default: return 1;
    }
}

/* Each strip or tile costs a setup of its own inside libtiff, up to 0.1 ms; scanners write a strip for each row. */
#define MAX_BLOCKS ((uint64_t)1 << 17)

/* The picture, one block, and all blocks together, which may cover much more than the picture does. */
static yk__code admit(tiff_state *s, const page *p, uint64_t *block_bytes) {
    YK__TRY(yk__decode_admit(s->job, p->width, p->height, 0, s->err));
    YK__TRY(yk__decode_admit(s->job, p->block_width, p->block_height, 0, s->err));
    uint64_t across = ((uint64_t)p->width + p->block_width - 1) / p->block_width;
    uint64_t n_blocks = across * (((uint64_t)p->height + p->block_height - 1) / p->block_height);
    uint64_t block_pixels = (uint64_t)p->block_width * p->block_height;
    if (n_blocks > MAX_BLOCKS || n_blocks > s->job->size || n_blocks * block_pixels > 2 * s->job->limits.max_pixels) {
        return yk__fail(s->err, YK__IMAGE_LIMIT, "TIFF of %llu blocks of %u x %u pixels in %zu bytes",
                        (unsigned long long)n_blocks, p->block_width, p->block_height, s->job->size);
    }
    *block_bytes = block_pixels * (is_deep_color(p) ? 2 * p->samples : 4);
    /* the block as RGBA or 16-bit samples, and libtiff's own copies of it before conversion */
    return yk__decode_admit(s->job, p->width, p->height, *block_bytes * 3, s->err);
}

static yk__code decode(tiff_state *s, TIFF *tiff, yk__image *out) {
    page p = {0};
    YK__TRY(read_page(s, tiff, &p));
    char why[1024] = "";
    uint64_t block_bytes = 0;
    if (!is_known(&p)) return refuse(s, &p);
    if (!is_deep_color(&p) && !TIFFRGBAImageOK(tiff, why))
        return yk__fail(s->err, YK__UNSUPPORTED, "this kind of TIFF is not read: %s", why);

    YK__TRY(admit(s, &p, &block_bytes));
    YK__TRY(yk__image_create(out, (int32_t)p.width, (int32_t)p.height, s->err));
    void *block = yk__alloc((size_t)block_bytes);
    if (!block)
        return yk__fail(s->err, YK__MEMORY, "no memory for a TIFF block of %u x %u pixels", p.block_width, p.block_height);
    yk__code code = read_blocks(s, tiff, &p, block, (size_t)block_bytes, out);
    yk__free(block);
    return code == YK__OK ? yk__image_orient(out, remaining_orientation(&p), s->err) : code;
}

yk__code yk__decode_tiff(const yk__decode_job *job, yk__image *out, yk__error *err) {
    tiff_state s = {.job = job, .err = err};
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options) return yk__fail(err, YK__MEMORY, "no memory for the TIFF reader");
    TIFFOpenOptionsSetErrorHandlerExtR(options, keep_message, &s);
    TIFFOpenOptionsSetWarningHandlerExtR(options, drop_message, &s);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)(job->limits.max_bytes / 2));
    /* "m": never map, so that reads past the end fail in one way only */
    TIFF *tiff = TIFFClientOpenExt("picture", "rm", (thandle_t)&s, read_bytes, write_bytes, seek_to, close_file, size_of_file,
                                   NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    if (!tiff) return damaged(&s);
    yk__code code = decode(&s, tiff, out);
    TIFFClose(tiff);
    return code;
}
