/* Names a picture's format from its bytes, checks limits and hands it to the codec. Reads no pixel itself. */
#include "image/decode.h"

#include <string.h>

#include "base/memory.h"
#include "image/decode_codecs.h"

/* What CMake found. A codec that is off has no function to call. */
#if YK__WITH_PNG
#define PNG_DECODER yk__decode_png
#else
#define PNG_DECODER NULL
#endif
#if YK__WITH_WEBP
#define WEBP_DECODER yk__decode_webp
#else
#define WEBP_DECODER NULL
#endif
#if YK__WITH_TIFF
#define TIFF_DECODER yk__decode_tiff
#else
#define TIFF_DECODER NULL
#endif
#if YK__WITH_AVIF
#define AVIF_DECODER yk__decode_avif
#else
#define AVIF_DECODER NULL
#endif
#if YK__WITH_HEIF
#define HEIF_DECODER yk__decode_heif
#else
#define HEIF_DECODER NULL
#endif

/* `optional`: yolk knows how to read it but this build lacks the library. Kinds that are neither are refused by name. */
static const struct {
    const char *name;
    yk__decoder decode;
    bool optional;
} kinds[] = {
    [YK__KIND_UNKNOWN] = {"unknown", NULL, false},
    [YK__KIND_JPEG] = {"JPEG", yk__decode_jpeg, false},
    [YK__KIND_PNG] = {"PNG", PNG_DECODER, true},
    [YK__KIND_WEBP] = {"WebP", WEBP_DECODER, true},
    [YK__KIND_BMP] = {"BMP", yk__decode_bmp, false},
    [YK__KIND_TIFF] = {"TIFF", TIFF_DECODER, true},
    [YK__KIND_PNM] = {"PNM", yk__decode_pnm, false},
    [YK__KIND_AVIF] = {"AVIF", AVIF_DECODER, true},
    [YK__KIND_HEIC] = {"HEIC", HEIF_DECODER, true},
    [YK__KIND_GIF] = {"GIF", NULL, false},
    [YK__KIND_JPEG2000] = {"JPEG 2000", NULL, false},
    [YK__KIND_JPEGXL] = {"JPEG XL", NULL, false},
    [YK__KIND_PSD] = {"Photoshop", NULL, false},
    [YK__KIND_ICO] = {"Windows icon", NULL, false},
    [YK__KIND_EXR] = {"OpenEXR", NULL, false},
    [YK__KIND_HDR] = {"Radiance HDR", NULL, false},
    [YK__KIND_PAM] = {"PAM", NULL, false},
    [YK__KIND_PFM] = {"PFM", NULL, false},
    [YK__KIND_PDF] = {"PDF", NULL, false},
    [YK__KIND_SVG] = {"SVG", NULL, false},
    [YK__KIND_VIDEO] = {"video", NULL, false},
};

const char *yk__image_kind_name(yk__image_kind kind) {
    return (size_t)kind < sizeof kinds / sizeof *kinds ? kinds[kind].name : kinds[YK__KIND_UNKNOWN].name;
}

bool yk__image_kind_readable(yk__image_kind kind) {
    return (size_t)kind < sizeof kinds / sizeof *kinds && kinds[kind].decode != NULL;
}

static bool at(const uint8_t *bytes, size_t size, size_t offset, const char *magic, size_t n) {
    return size >= offset + n && memcmp(bytes + offset, magic, n) == 0;
}
#define AT(offset, magic) at(b, size, offset, magic, sizeof magic - 1)

/* ISO base media files name their kind in "ftyp" brands: AVIF, HEIC, or a video. */
static yk__image_kind sniff_media(const uint8_t *b, size_t size) {
    uint32_t box = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    size_t end = box < size ? box : size;
    yk__image_kind kind = YK__KIND_VIDEO;
    for (size_t i = 8; i + 4 <= end && i < 64; i += i == 8 ? 8 : 4) { /* major brand, (version,) compatible brands */
        if (AT(i, "avif") || AT(i, "avis")) return YK__KIND_AVIF;
        if (AT(i, "heic") || AT(i, "heix") || AT(i, "hevc") || AT(i, "hevx") || AT(i, "heim") || AT(i, "heis") || AT(i, "mif1"))
            kind = YK__KIND_HEIC;
    }
    return kind;
}

static bool is_space(uint8_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

yk__image_kind yk__image_sniff(const void *bytes, size_t size) {
    const uint8_t *b = bytes;
    if (!b || size < 2) return YK__KIND_UNKNOWN;
    if (AT(0, "\xFF\xD8\xFF")) return YK__KIND_JPEG;
    if (AT(0, "\x89PNG\r\n\x1A\n")) return YK__KIND_PNG;
    if (AT(0, "RIFF") && AT(8, "WEBP")) return YK__KIND_WEBP;
    if (AT(0, "RIFF") && AT(8, "AVI ")) return YK__KIND_VIDEO;
    if (AT(0, "II*\0") || AT(0, "MM\0*") || AT(0, "II+\0") || AT(0, "MM\0+")) return YK__KIND_TIFF;
    if (AT(0, "GIF87a") || AT(0, "GIF89a")) return YK__KIND_GIF;
    if (AT(0, "\0\0\0\x0CjP  \r\n\x87\n") || AT(0, "\xFF\x4F\xFF\x51")) return YK__KIND_JPEG2000;
    if (AT(0, "\0\0\0\x0CJXL \r\n\x87\n") || AT(0, "\xFF\x0A")) return YK__KIND_JPEGXL;
    if (AT(4, "ftyp")) return sniff_media(b, size);
    if (AT(0, "8BPS")) return YK__KIND_PSD;
    if (AT(0, "\x76\x2F\x31\x01")) return YK__KIND_EXR;
    if (AT(0, "#?RADIANCE") || AT(0, "#?RGBE")) return YK__KIND_HDR;
    if (AT(0, "%PDF-")) return YK__KIND_PDF;
    if (AT(0, "<svg") || AT(0, "<?xml")) return YK__KIND_SVG;
    if (AT(0, "\x1A\x45\xDF\xA3")) return YK__KIND_VIDEO;
    if (AT(0, "\0\0\1\0") && size >= 6 && b[5] == 0 && b[4] > 0) return YK__KIND_ICO;
    if (size >= 3 && b[0] == 'P' && is_space(b[2])) {
        if (b[1] >= '1' && b[1] <= '6') return YK__KIND_PNM;
        if (b[1] == '7') return YK__KIND_PAM;
        if (b[1] == 'F' || b[1] == 'f') return YK__KIND_PFM;
    }
    if (AT(0, "BM")) return YK__KIND_BMP;
    return YK__KIND_UNKNOWN;
}

#define DEFAULT_MAX_PIXELS ((uint64_t)1 << 28)
#define DEFAULT_MAX_SIDE   ((uint32_t)1 << 20)
#define DEFAULT_MAX_BYTES  ((uint64_t)1 << 32)

/* Up to here a header is believed: 100 MB of BGR, what a plain photograph may take anyway. */
#define UNPROVEN_PIXELS ((uint64_t)1 << 25)
/* Beyond it, the file must be long enough to hold the pixels: deflate reaches at most 1032 : 1 (RFC 1951, 258 bytes for 2
 * bits) and a 1-bit row holds 8 pixels a byte, so 8256 : 1; no other codec here is denser on real pictures. */
#define PIXELS_PER_FILE_BYTE 8256u

static yk__image_limits resolve(const yk__image_limits *limits) {
    yk__image_limits r = limits ? *limits : (yk__image_limits){0};
    if (!r.max_pixels) r.max_pixels = DEFAULT_MAX_PIXELS;
    if (!r.max_side) r.max_side = DEFAULT_MAX_SIDE;
    if (!r.max_bytes) r.max_bytes = DEFAULT_MAX_BYTES;
    return r;
}

yk__code yk__decode_admit(const yk__decode_job *job, uint64_t width, uint64_t height, uint64_t working_bytes, yk__error *err) {
    const yk__image_limits *limits = &job->limits;
    if (!width || !height) {
        return yk__fail(err, YK__IMAGE, "its header says %llu x %llu pixels", (unsigned long long)width,
                        (unsigned long long)height);
    }
    uint64_t max_side = limits->max_side < INT32_MAX / 4 ? limits->max_side : INT32_MAX / 4; /* 4 * side stays an int */
    if (width > max_side || height > max_side) {
        return yk__fail(err, YK__IMAGE_LIMIT, "its header says %llu x %llu pixels, and a side may have at most %llu",
                        (unsigned long long)width, (unsigned long long)height, (unsigned long long)max_side);
    }
    uint64_t pixels = width * height; /* both below 2^29 */
    if (pixels > limits->max_pixels) {
        return yk__fail(err, YK__IMAGE_LIMIT, "its header says %llu x %llu = %llu pixels, over the limit of %llu",
                        (unsigned long long)width, (unsigned long long)height, (unsigned long long)pixels,
                        (unsigned long long)limits->max_pixels);
    }
    if (pixels > UNPROVEN_PIXELS && pixels / PIXELS_PER_FILE_BYTE > job->size) {
        return yk__fail(err, YK__IMAGE_LIMIT, "its header says %llu x %llu pixels, more than a file of %zu bytes can hold",
                        (unsigned long long)width, (unsigned long long)height, job->size);
    }
    uint64_t needed;
    if (__builtin_add_overflow(pixels * 6, working_bytes, &needed) || needed > limits->max_bytes) {
        return yk__fail(err, YK__IMAGE_LIMIT, "decoding its %llu x %llu pixels needs more memory than the limit of %llu bytes",
                        (unsigned long long)width, (unsigned long long)height, (unsigned long long)limits->max_bytes);
    }
    return YK__OK;
}

static yk__code decode(const yk__decode_job *job, yk__image *out, yk__error *err) {
    if (!job->size) return yk__fail(err, YK__IMAGE, "the file is empty");
    yk__image_kind kind = yk__image_sniff(job->bytes, job->size);
    if (kinds[kind].decode) return kinds[kind].decode(job, out, err);
    if (kind == YK__KIND_UNKNOWN) return yk__fail(err, YK__IMAGE, "not a picture: its first bytes belong to no known format");
    if (kinds[kind].optional)
        return yk__fail(err, YK__UNSUPPORTED, "a %s picture: built without %s support", kinds[kind].name, kinds[kind].name);
    return yk__fail(err, YK__UNSUPPORTED, "%s files are not read; convert it to JPEG or PNG", kinds[kind].name);
}

yk__code yk__image_decode_rows(const void *bytes, size_t size, const char *name, const yk__image_limits *limits,
                               yk__row_sink *sink, yk__image *out, yk__error *err) {
    yk__decode_job job = {.bytes = bytes, .size = bytes ? size : 0, .limits = resolve(limits), .sink = sink};
    if (sink) sink->taken = false;
    yk__code code = decode(&job, out, err);
    if (code == YK__OK) return YK__OK;
    yk__image_free(out);
    return yk__fail_prefix(err, code, "%s", name ? name : "picture");
}

yk__code yk__image_decode(const void *bytes, size_t size, const char *name, const yk__image_limits *limits, yk__image *out,
                          yk__error *err) {
    return yk__image_decode_rows(bytes, size, name, limits, NULL, out, err);
}
