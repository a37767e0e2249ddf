/* What decode.c and the codecs share. Private to src/image. */
#ifndef YK_IMAGE_DECODE_CODECS_H
#define YK_IMAGE_DECODE_CODECS_H

#include "image/decode.h"

/* One decode. The codecs read `bytes` only, write messages without the file's name (decode.c puts it in front) and leave *out
 * alone or filled; decode.c frees it when they fail. */
typedef struct yk__decode_job {
    const uint8_t *bytes;
    size_t size;
    yk__image_limits limits; /* every field set */
    yk__row_sink *sink;      /* or NULL */
} yk__decode_job;

/* Checks a size that a header claims, before anything is allocated for it: sides, pixels, whether this many bytes can hold
 * so many pixels at all, and memory (3 bytes a pixel for the result, 3 more where a quarter turn may follow, and the
 * codec's own working_bytes). IMAGE when a side is 0, IMAGE_LIMIT otherwise. */
yk__code yk__decode_admit(const yk__decode_job *job, uint64_t width, uint64_t height, uint64_t working_bytes,
                          yk__error *err) YK__MUST_USE;

typedef yk__code (*yk__decoder)(const yk__decode_job *job, yk__image *out, yk__error *err);

yk__code yk__decode_jpeg(const yk__decode_job *job, yk__image *out, yk__error *err) YK__MUST_USE;
yk__code yk__decode_bmp(const yk__decode_job *job, yk__image *out, yk__error *err) YK__MUST_USE;
yk__code yk__decode_pnm(const yk__decode_job *job, yk__image *out, yk__error *err) YK__MUST_USE;
/* Only where built (YK__WITH_PNG and its like are 1). */
yk__code yk__decode_png(const yk__decode_job *job, yk__image *out, yk__error *err) YK__MUST_USE;
yk__code yk__decode_webp(const yk__decode_job *job, yk__image *out, yk__error *err) YK__MUST_USE;
yk__code yk__decode_tiff(const yk__decode_job *job, yk__image *out, yk__error *err) YK__MUST_USE;
yk__code yk__decode_avif(const yk__decode_job *job, yk__image *out, yk__error *err) YK__MUST_USE;
yk__code yk__decode_heif(const yk__decode_job *job, yk__image *out, yk__error *err) YK__MUST_USE;

/* The orientation in a block of EXIF data that begins with its TIFF header ("II*\0" or "MM\0*"); -1 where it has none. Values
 * outside 1..8 come back as they are: they count as found and turn nothing, as in the reference. */
int yk__exif_orientation(const uint8_t *exif, size_t size);

#endif
