/* Picture files to pixels. The bytes choose the codec, never the file's name.
 *
 * The pixels are those of the reference's reader, bit for bit (PARITY 2.2; OpenCV 5.0.0, colour flag): 8 bits, BGR, EXIF
 * orientation applied, alpha dropped, 16-bit samples cut to their high byte. What that reader refuses is refused here.
 * Formats: JPEG always; PNG, WebP, TIFF, AVIF and HEIC where yolk was built with their libraries; BMP and PNM (P1..P6).
 *
 * Files are hostile: sizes are compared with the limits before anything is allocated, work is bounded, libraries print
 * nothing. Thread-safe: no state is shared between calls. */
#ifndef YK_IMAGE_DECODE_H
#define YK_IMAGE_DECODE_H

#include "image/view.h"

typedef enum yk__image_kind {
    YK__KIND_UNKNOWN,
    YK__KIND_JPEG,
    YK__KIND_PNG,
    YK__KIND_WEBP,
    YK__KIND_BMP,
    YK__KIND_TIFF,
    YK__KIND_PNM,
    YK__KIND_AVIF,
    YK__KIND_HEIC,
    YK__KIND_GIF, /* from here on: known by name, not read */
    YK__KIND_JPEG2000,
    YK__KIND_JPEGXL,
    YK__KIND_PSD,
    YK__KIND_ICO,
    YK__KIND_EXR,
    YK__KIND_HDR,
    YK__KIND_PAM,
    YK__KIND_PFM,
    YK__KIND_PDF,
    YK__KIND_SVG,
    YK__KIND_VIDEO /* MP4, Matroska, AVI: a job for the video reader */
} yk__image_kind;

/* Every field 0 means its default. */
typedef struct yk__image_limits {
    uint64_t max_pixels; /* default 2^28: a quarter of OpenCV's own bound, so that the 3 bytes of each pixel and the 6 of a
                            progressive JPEG's coefficients stay under 2.5 GB; the largest camera sensors have 2^27.2 */
    uint32_t max_side;   /* default 2^20, as OpenCV */
    uint64_t max_bytes;  /* pixels and working memory of one decode together; default 4 GiB */
} yk__image_limits;

/* What the first bytes say; needs at most the first 64 and looks at nothing else. */
yk__image_kind yk__image_sniff(const void *bytes, size_t size);
/* "JPEG", "AVIF", ...; "unknown" for YK__KIND_UNKNOWN. Never NULL. */
const char *yk__image_kind_name(yk__image_kind kind);
/* Whether this build decodes the kind. */
bool yk__image_kind_readable(yk__image_kind kind);

/* Decodes one picture (of several in a file: the first). `name` is used in messages only and may be NULL; limits may be NULL.
 * *out must be empty; on success the caller frees it with yk__image_free, on failure it stays empty.
 * IMAGE: damaged, empty or unknown bytes. IMAGE_LIMIT: over a limit. UNSUPPORTED: a known format, or a kind of a readable
 * one, that this build does not read. MEMORY. */
yk__code yk__image_decode(const void *bytes, size_t size, const char *name, const yk__image_limits *limits, yk__image *out,
                          yk__error *err) YK__MUST_USE;

/* Where the rows of a picture may go instead of into memory of their own. */
typedef struct yk__row_sink {
    /* The size is known and admitted; *take: the rows will be taken. A failure ends the decoding. */
    yk__code (*begin)(void *user, int32_t width, int32_t height, bool *take, yk__error *err);
    void (*row)(void *user, const uint8_t *bgr); /* from the top, each once */
    void *user;
    bool taken; /* out: the sink got the rows, *out stays empty */
} yk__row_sink;

/* The same, but a picture whose decoder makes rows from the top (JPEG that needs no turning) is offered to the sink. A decoder
 * may fail when some rows are out already. */
yk__code yk__image_decode_rows(const void *bytes, size_t size, const char *name, const yk__image_limits *limits,
                               yk__row_sink *sink, yk__image *out, yk__error *err) YK__MUST_USE;

#endif
