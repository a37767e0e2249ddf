/* PNG through libpng: every colour type and depth to 8-bit BGR, 16-bit samples cut to their high byte, alpha and tRNS dropped
 * without compositing, gamma and profiles ignored, EXIF orientation applied (PARITY 2.2).
 *
 * An animated PNG gives its first frame (decode_apng.c). */
#include <setjmp.h>
#include <string.h>

#include <png.h>

#include "image/png_chunks.h"

typedef struct png_state {
    png_structp png;
    png_infop info, end_info;
    jmp_buf jump;
    const yk__decode_job *job;
    size_t at;
    bool header_only; /* of an animation: decode_apng.c reads the rest */
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

/* The end chunk's checksum says nothing about the picture. libpng 1.6.58, the reference's, does not check it; earlier ones
 * do, so they get the right one (PNG specification, 5.3: of the name alone, as the chunk is empty). */
static bool is_end_checksum(const png_state *s, size_t n) {
    return n == 4 && s->at >= 8 && memcmp(s->job->bytes + s->at - 8, "\0\0\0\0IEND", 8) == 0;
}

static void read_bytes(png_structp png, png_bytep to, png_size_t n) {
    png_state *s = png_get_io_ptr(png);
    if (n > s->job->size - s->at) png_error(png, "the file ends before the picture does");
    memcpy(to, is_end_checksum(s, n) ? (const uint8_t *)"\xAE\x42\x60\x82" : s->job->bytes + s->at, n);
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
    png_read_info(s->png, s->info);
    if (s->header_only) return YK__OK;

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

yk__code yk__decode_png(const yk__decode_job *job, yk__image *out, yk__error *err) {
    yk__png_prologue prologue;
    YK__TRY(yk__png_read_prologue(job, &prologue, err));
    png_state s = {.job = job, .header_only = prologue.n_frames > 1, .out = out, .err = err, .orientation = -1};
    yk__code code = decode(&s);
    png_destroy_read_struct(&s.png, &s.info, &s.end_info);
    if (code != YK__OK) return code;
    return s.header_only ? yk__decode_apng(job, &prologue, out, err) : yk__image_orient(out, s.orientation, err);
}
