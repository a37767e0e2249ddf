/* A PNG file as a list of chunks, for what libpng does not tell: whether the picture is animated, and where its first frame
 * is. Private to src/image. */
#ifndef YK_IMAGE_PNG_CHUNKS_H
#define YK_IMAGE_PNG_CHUNKS_H

#include "image/decode_codecs.h"

#define YK__PNG_ID(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

enum {
    YK__PNG_SIGNATURE_BYTES = 8,
    YK__PNG_OVERHEAD = 12 /* a chunk's length, name and checksum */
};

/* A whole chunk: its data, with 8 bytes of length and name before and 4 of checksum behind. */
typedef struct yk__png_chunk {
    uint32_t id;
    const uint8_t *data;
    size_t size;
} yk__png_chunk;

/* Where an animation's frame lies in the picture. */
typedef struct yk__png_frame {
    uint32_t width, height, x, y;
} yk__png_frame;

/* What stands before the picture data. */
typedef struct yk__png_prologue {
    yk__png_chunk header; /* IHDR */
    uint32_t width, height;
    size_t data_at;    /* offset of the first IDAT */
    uint32_t n_frames; /* 1 when nothing is said */
    bool frame_known;  /* an fcTL came: the picture data is the animation's first frame */
    yk__png_frame frame;
} yk__png_prologue;

uint32_t yk__png_u32(const uint8_t *bytes);
/* The chunk at *at, which moves behind it; false when the file ends before the chunk does or the chunk's size
 * cannot be. */
bool yk__png_next_chunk(const yk__decode_job *job, size_t *at, yk__png_chunk *out);
/* Reads an fcTL; IMAGE when it has another size than it must, unknown operations or leaves the picture. */
yk__code yk__png_read_frame(const yk__png_chunk *chunk, const yk__png_prologue *prologue, yk__png_frame *out,
                            yk__error *err) YK__MUST_USE;
/* The reference looks through the chunks up to the picture data before libpng sees them and refuses what cannot be; so does
 * this. Checksums are libpng's business. */
yk__code yk__png_read_prologue(const yk__decode_job *job, yk__png_prologue *out, yk__error *err) YK__MUST_USE;

/* The first frame of an animated picture, on black where it does not cover it. */
yk__code yk__decode_apng(const yk__decode_job *job, const yk__png_prologue *prologue, yk__image *out,
                         yk__error *err) YK__MUST_USE;

#endif
