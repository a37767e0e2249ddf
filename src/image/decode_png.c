/* PNG through libpng: every colour type and depth to 8-bit BGR, 16-bit samples cut to their high byte, alpha and tRNS dropped
 * without compositing, gamma and profiles ignored, EXIF orientation applied (PARITY 2.2).
 *
 * An animated PNG gives its first frame, on black where that frame does not cover the picture; its frame data is put together
 * as a plain PNG first (PNG specification, third edition, 11.3.6). */
#include <setjmp.h>
#include <string.h>

#include <png.h>

#include "base/memory.h"
#include "image/decode_codecs.h"

typedef struct png_state {
    png_structp png;
    png_infop info, end_info;
    jmp_buf jump;
    const yk__decode_job *job;
    const uint8_t *bytes;
    size_t size, at;
    bool ignore_checksums;
    yk__image *out;
    yk__error *err;
    yk__code code;
    int orientation;
} png_state;

static void on_error(png_structp png, png_const_charp text) {
    png_state *s = png_get_error_ptr(png);
    s->code = yk__fail(s->err, YK__IMAGE, "damaged PNG: %s", text);
    longjmp(s->jump, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png, (void)text;
}

static void read_bytes(png_structp png, png_bytep to, png_size_t n) {
    png_state *s = png_get_io_ptr(png);
    if (n > s->size - s->at) png_error(png, "the file ends before the picture does");
    memcpy(to, s->bytes + s->at, n);
    s->at += n;
}

/* What libpng turns into BGR8, said once for all colour types. */
static void choose_output(png_state *s) {
    int color = png_get_color_type(s->png, s->info), depth = png_get_bit_depth(s->png, s->info);
    if (depth == 16) png_set_strip_16(s->png);
    png_set_strip_alpha(s->png);
    if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(s->png);
    if (!(color & PNG_COLOR_MASK_COLOR) && depth < 8) png_set_expand_gray_1_2_4_to_8(s->png);
    if (color & PNG_COLOR_MASK_COLOR) {
        png_set_bgr(s->png);
    } else {
        png_set_gray_to_rgb(s->png);
    }
}

static void find_orientation(png_state *s) {
    png_infop where = png_get_valid(s->png, s->info, PNG_INFO_eXIf) ? s->info : s->end_info;
    png_uint_32 n = 0;
    png_bytep exif = NULL;
    if (png_get_eXIf_1(s->png, where, &n, &exif) && exif) s->orientation = yk__exif_orientation(exif, n);
}

/* Text, colour profiles and the like can expand a thousandfold and change no pixel. */
static const png_byte unread_chunks[] =
    "cHRM\0gAMA\0iCCP\0sRGB\0tEXt\0zTXt\0iTXt\0sPLT\0hIST\0pCAL\0sCAL\0tIME\0oFFs\0pHYs\0sBIT\0bKGD";

/* Everything that may jump; its locals are not used after a jump. */
static yk__code decode(png_state *s) {
    if (setjmp(s->jump)) return s->code;
    s->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, s, on_error, on_warning);
    if (s->png) s->info = png_create_info_struct(s->png);
    if (s->png) s->end_info = png_create_info_struct(s->png);
    if (!s->info || !s->end_info) return yk__fail(s->err, YK__MEMORY, "no memory for the PNG reader");
    png_set_read_fn(s->png, s, read_bytes);
    png_set_keep_unknown_chunks(s->png, PNG_HANDLE_CHUNK_NEVER, unread_chunks, (int)sizeof unread_chunks / 5);
    if (s->ignore_checksums) png_set_crc_action(s->png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    png_read_info(s->png, s->info);

    uint32_t width = png_get_image_width(s->png, s->info), height = png_get_image_height(s->png, s->info);
    /* libpng holds a few rows of at most 8 bytes a pixel; 16 covers its own work */
    YK__TRY(yk__decode_admit(s->job, width, height, (uint64_t)width * 8 * 16, s->err));
    choose_output(s);
    int n_passes = png_set_interlace_handling(s->png);
    png_read_update_info(s->png, s->info);
    if (png_get_rowbytes(s->png, s->info) != (size_t)width * 3) {
        return yk__fail(s->err, YK__INTERNAL, "PNG rows of %zu bytes for %u pixels", png_get_rowbytes(s->png, s->info), width);
    }
    YK__TRY(yk__image_create(s->out, (int32_t)width, (int32_t)height, s->err));
    for (int pass = 0; pass < n_passes; pass++) {
        for (uint32_t y = 0; y < height; y++) png_read_row(s->png, s->out->pixels + (size_t)y * s->out->stride_bytes, NULL);
    }
    png_read_end(s->png, s->end_info);
    find_orientation(s);
    return YK__OK;
}

static yk__code decode_plain(const yk__decode_job *job, const uint8_t *bytes, size_t size, bool ignore_checksums,
                             yk__image *out, int *orientation, yk__error *err) {
    png_state s = {.job = job,
                   .bytes = bytes,
                   .size = size,
                   .ignore_checksums = ignore_checksums,
                   .out = out,
                   .err = err,
                   .orientation = -1};
    yk__code code = decode(&s);
    png_destroy_read_struct(&s.png, &s.info, &s.end_info);
    *orientation = s.orientation;
    return code;
}

#define CHUNK_ID(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
enum {
    SIGNATURE_BYTES = 8,
    IHDR_BYTES = 13,
    ACTL_BYTES = 8,
    FCTL_BYTES = 26,
    OVERHEAD = 12 /* length, name and checksum around a chunk's data */
};

typedef struct chunk {
    uint32_t id;
    const uint8_t *data;
    size_t size;
} chunk;

static uint32_t get_u32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The chunk at *at, whole; false when the bytes end before it does. */
static bool next_chunk(const yk__decode_job *job, size_t *at, chunk *out) {
    if (*at > job->size || job->size - *at < OVERHEAD) return false;
    const uint8_t *p = job->bytes + *at;
    uint64_t n = get_u32(p);
    if (n > job->size - *at - OVERHEAD) return false;
    *out = (chunk){get_u32(p + 4), p + 8, (size_t)n};
    *at += (size_t)n + OVERHEAD;
    return true;
}

/* What the chunks before the picture data say. */
typedef struct prologue {
    chunk header, palette, transparency, frame;
    uint32_t n_frames; /* 0 = not animated */
    bool frame_known;  /* the picture data is the animation's first frame */
} prologue;

/* The reference looks through the chunks itself before libpng sees them, and refuses sizes that cannot be. */
static yk__code read_prologue(const yk__decode_job *job, prologue *p, yk__error *err) {
    size_t at = SIGNATURE_BYTES;
    for (chunk c; next_chunk(job, &at, &c);) {
        if (!p->header.data) {
            if (c.id != CHUNK_ID('I', 'H', 'D', 'R') || c.size != IHDR_BYTES) break;
            p->header = c;
            continue;
        }
        switch (c.id) {
        case CHUNK_ID('I', 'D', 'A', 'T'): return YK__OK;
        case CHUNK_ID('P', 'L', 'T', 'E'): p->palette = c; break;
        case CHUNK_ID('t', 'R', 'N', 'S'): p->transparency = c; break;
        case CHUNK_ID('a', 'c', 'T', 'L'):
            if (c.size != ACTL_BYTES) return yk__fail(err, YK__IMAGE, "damaged PNG: an acTL chunk of %zu bytes", c.size);
            p->n_frames = get_u32(c.data);
            break;
        case CHUNK_ID('f', 'c', 'T', 'L'):
            if (c.size != FCTL_BYTES) return yk__fail(err, YK__IMAGE, "damaged PNG: an fcTL chunk of %zu bytes", c.size);
            p->frame = c;
            p->frame_known = true;
            break;
        default: break;
        }
    }
    return yk__fail(err, YK__IMAGE, "damaged PNG: no whole picture data after its header");
}

/* Writes a chunk with a zero checksum, which the reader of the assembled file ignores. */
static void add_chunk(uint8_t *file, size_t *at, uint32_t id, const uint8_t *data, size_t n) {
    uint8_t *p = file + *at;
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(n >> (24 - 8 * i)), p[4 + i] = (uint8_t)(id >> (24 - 8 * i));
    if (n) memcpy(p + 8, data, n);
    memset(p + 8 + n, 0, 4);
    *at += n + OVERHEAD;
}

/* Gathers the data of the first frame into `file` (room for job->size + one header), behind a header of the frame's size. */
static yk__code assemble_first_frame(const yk__decode_job *job, prologue *p, uint8_t *file, size_t *size, yk__error *err) {
    uint8_t header[IHDR_BYTES];
    memcpy(header, p->header.data, IHDR_BYTES);
    size_t to = SIGNATURE_BYTES, at = SIGNATURE_BYTES;
    memcpy(file, job->bytes, SIGNATURE_BYTES);
    bool begun = false, ended = false;
    for (chunk c; !ended && next_chunk(job, &at, &c);) {
        bool is_still = c.id == CHUNK_ID('I', 'D', 'A', 'T'), is_frame = c.id == CHUNK_ID('f', 'd', 'A', 'T');
        if (c.id == CHUNK_ID('f', 'c', 'T', 'L') && c.size == FCTL_BYTES) {
            if (begun) break; /* the second frame */
            p->frame = c;
        } else if (c.id == CHUNK_ID('I', 'E', 'N', 'D')) {
            ended = true;
        } else if ((is_still && p->frame_known) || (is_frame && p->frame.data)) {
            if (is_frame && c.size < 4) return yk__fail(err, YK__IMAGE, "damaged PNG: an fdAT chunk of %zu bytes", c.size);
            if (!begun) {
                memcpy(header, p->frame.data + 4, 8); /* the frame's width and height */
                add_chunk(file, &to, CHUNK_ID('I', 'H', 'D', 'R'), header, IHDR_BYTES);
                if (p->palette.data) add_chunk(file, &to, p->palette.id, p->palette.data, p->palette.size);
                if (p->transparency.data) add_chunk(file, &to, p->transparency.id, p->transparency.data, p->transparency.size);
                begun = true;
            }
            size_t skip = is_frame ? 4 : 0; /* the sequence number */
            add_chunk(file, &to, CHUNK_ID('I', 'D', 'A', 'T'), c.data + skip, c.size - skip);
        }
    }
    if (!begun) return yk__fail(err, YK__IMAGE, "damaged PNG: an animation without a first frame");
    add_chunk(file, &to, CHUNK_ID('I', 'E', 'N', 'D'), NULL, 0);
    *size = to;
    return YK__OK;
}

/* The frame on a black canvas of the picture's size. */
static yk__code place_frame(const yk__decode_job *job, const prologue *p, const yk__image *frame, yk__image *out,
                            yk__error *err) {
    uint32_t width = get_u32(p->header.data), height = get_u32(p->header.data + 4);
    uint32_t x0 = get_u32(p->frame.data + 12), y0 = get_u32(p->frame.data + 16);
    if ((uint64_t)x0 + (uint64_t)frame->width > width || (uint64_t)y0 + (uint64_t)frame->height > height) {
        return yk__fail(err, YK__IMAGE, "damaged PNG: its first frame lies outside the picture");
    }
    YK__TRY(yk__decode_admit(job, width, height, frame->allocated, err));
    YK__TRY(yk__image_create(out, (int32_t)width, (int32_t)height, err));
    memset(out->pixels, 0, out->allocated);
    for (int32_t y = 0; y < frame->height; y++) {
        memcpy(out->pixels + ((size_t)y0 + (size_t)y) * out->stride_bytes + (size_t)x0 * 3,
               frame->pixels + (size_t)y * frame->stride_bytes, (size_t)frame->width * 3);
    }
    return YK__OK;
}

static yk__code decode_animated(const yk__decode_job *job, prologue *p, yk__image *out, yk__error *err) {
    uint8_t *file = NULL;
    yk__image frame = {0};
    size_t size = 0;
    int orientation;
    yk__code code = yk__decode_admit(job, get_u32(p->header.data), get_u32(p->header.data + 4), job->size, err);
    if (code == YK__OK && !(file = yk__alloc(job->size + IHDR_BYTES + OVERHEAD * 2))) {
        code = yk__fail(err, YK__MEMORY, "no memory for an animated PNG of %zu bytes", job->size);
    }
    if (code == YK__OK) code = assemble_first_frame(job, p, file, &size, err);
    if (code == YK__OK) code = decode_plain(job, file, size, true, &frame, &orientation, err);
    if (code == YK__OK) code = place_frame(job, p, &frame, out, err);
    yk__image_free(&frame);
    yk__free(file);
    return code;
}

yk__code yk__decode_png(const yk__decode_job *job, yk__image *out, yk__error *err) {
    prologue p = {0};
    YK__TRY(read_prologue(job, &p, err));
    if (p.n_frames > 1) return decode_animated(job, &p, out, err);
    int orientation;
    YK__TRY(decode_plain(job, job->bytes, job->size, false, out, &orientation, err));
    return yk__image_orient(out, orientation, err);
}
