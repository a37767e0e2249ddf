/* The first frame of an animated PNG, through libpng's push reader as in the reference's reader: checksums are ignored, rows
 * that damaged data does not reach stay black, 16-bit samples become v / 255 rounded and cut to 255, no EXIF. */
#include <setjmp.h>
#include <string.h>

#include <png.h>

#include "base/memory.h"
#include "image/png_chunks.h"

typedef struct push_state {
    png_structp png;
    png_infop info;
    jmp_buf jump;
    const yk__decode_job *job;
    const yk__png_prologue *prologue;
    uint8_t *rows; /* the frame as libpng gives it, in a buffer of the whole picture's size */
    size_t sample_bytes, row_bytes;
    uint32_t height; /* of the frame being fed */
    bool frame_known, any_data;
    yk__png_frame frame;
    yk__error *err;
    yk__code code;
} push_state;

static void on_error(png_structp png, png_const_charp text) {
    push_state *s = png_get_error_ptr(png);
    s->code = yk__fail(s->err, YK__IMAGE, "damaged PNG: %s", text);
    longjmp(s->jump, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png, (void)text;
}

static void on_info(png_structp png, png_infop info) {
    push_state *s = png_get_progressive_ptr(png);
    if (png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR) {
        png_set_bgr(png);
    } else {
        png_set_gray_to_rgb(png);
    }
    png_set_expand(png);
    png_set_strip_alpha(png);
    if (png_get_bit_depth(png, info) == 16) png_set_swap(png); /* every processor we build for is little-endian */
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_rowbytes(png, info) > s->row_bytes) png_error(png, "a frame wider than the picture");
}

static void on_row(png_structp png, png_bytep row, png_uint_32 y, int pass) {
    (void)pass;
    push_state *s = png_get_progressive_ptr(png);
    if (row && y < s->height) png_progressive_combine_row(png, s->rows + (size_t)y * s->row_bytes, row);
}

/* libpng takes input by a pointer to non-const and only reads it. */
static void feed(push_state *s, const uint8_t *bytes, size_t n) {
    png_process_data(s->png, s->info, (png_bytep)(uintptr_t)bytes, n);
}

static void feed_chunk(push_state *s, const yk__png_chunk *c) {
    feed(s, c->data - 8, c->size + YK__PNG_OVERHEAD);
}

static void feed_header(push_state *s, uint32_t n, const char *id) {
    uint8_t bytes[8] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    memcpy(bytes + 4, id, 4);
    feed(s, bytes, 8);
}

/* Begins a stream of width x height pixels: signature, header, palette and transparency of the file. */
static yk__code restart(push_state *s, uint32_t width, uint32_t height) {
    png_destroy_read_struct(&s->png, &s->info, NULL);
    s->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, s, on_error, on_warning);
    if (s->png) s->info = png_create_info_struct(s->png);
    if (!s->info) return yk__fail(s->err, YK__MEMORY, "no memory for the PNG reader");
    png_set_crc_action(s->png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    png_set_progressive_read_fn(s->png, s, on_info, on_row, NULL);
    s->height = height;

    uint8_t sizes[8] = {(uint8_t)(width >> 24),  (uint8_t)(width >> 16),  (uint8_t)(width >> 8),  (uint8_t)width,
                        (uint8_t)(height >> 24), (uint8_t)(height >> 16), (uint8_t)(height >> 8), (uint8_t)height};
    feed(s, s->job->bytes, YK__PNG_SIGNATURE_BYTES);
    feed_header(s, (uint32_t)s->prologue->header.size, "IHDR");
    feed(s, sizes, 8);
    feed(s, s->prologue->header.data + 8, s->prologue->header.size - 8 + 4);
    size_t at = YK__PNG_SIGNATURE_BYTES;
    for (yk__png_chunk c; at < s->prologue->data_at && yk__png_next_chunk(s->job, &at, &c);) {
        if (c.id == YK__PNG_ID('P', 'L', 'T', 'E') || c.id == YK__PNG_ID('t', 'R', 'N', 'S')) feed_chunk(s, &c);
    }
    return YK__OK;
}

static yk__code feed_frame_data(push_state *s, const yk__png_chunk *c) {
    if (c->size < 4) return yk__fail(s->err, YK__IMAGE, "damaged PNG: an fdAT chunk of %zu bytes", c->size);
    feed_header(s, (uint32_t)c->size - 4, "IDAT"); /* without its sequence number */
    feed(s, c->data + 4, c->size);
    s->any_data = true;
    return YK__OK;
}

static void finish(push_state *s) {
    static const uint8_t end[] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xAE, 0x42, 0x60, 0x82};
    feed(s, end, sizeof end);
}

/* Feeds the file from its picture data to the end of the first frame. May jump; its locals are not used after a jump. */
static yk__code read_frame(push_state *s) {
    if (setjmp(s->jump)) return s->code;
    YK__TRY(restart(s, s->prologue->width, s->prologue->height));
    size_t at = s->prologue->data_at;
    for (yk__png_chunk c; yk__png_next_chunk(s->job, &at, &c);) {
        if (c.id == YK__PNG_ID('f', 'c', 'T', 'L') && s->any_data) {
            yk__png_frame frame;
            YK__TRY(yk__png_read_frame(&c, s->prologue, &frame, s->err));
            if (s->frame_known) { /* the second frame begins */
                finish(s);
                return YK__OK;
            }
            s->frame = frame;
            s->frame_known = true; /* what came before was a still picture outside the animation */
            memset(s->rows, 0, s->row_bytes * s->prologue->height);
            YK__TRY(restart(s, s->frame.width, s->frame.height));
        } else if (c.id == YK__PNG_ID('I', 'E', 'N', 'D')) {
            finish(s);
            return YK__OK;
        } else if (c.id == YK__PNG_ID('f', 'd', 'A', 'T') && s->frame_known) {
            YK__TRY(feed_frame_data(s, &c));
        } else {
            if (c.id == YK__PNG_ID('I', 'D', 'A', 'T')) s->any_data = true;
            feed_chunk(s, &c);
        }
    }
    return yk__fail(s->err, YK__IMAGE, "truncated PNG: its %zu bytes end before its first frame does", s->job->size);
}

static void place_frame(const push_state *s, yk__image *out) {
    memset(out->pixels, 0, out->allocated);
    if (!s->frame_known) return;
    for (uint32_t y = 0; y < s->frame.height; y++) {
        const uint8_t *from = s->rows + (size_t)y * s->row_bytes;
        uint8_t *to = out->pixels + ((size_t)s->frame.y + y) * out->stride_bytes + (size_t)s->frame.x * 3;
        for (size_t i = 0; i < (size_t)s->frame.width * 3; i++) {
            uint32_t v = from[i];
            if (s->sample_bytes == 2) {
                v = ((uint32_t)from[2 * i] | (uint32_t)from[2 * i + 1] << 8);
                v = (v + 127) / 255;
            }
            to[i] = (uint8_t)(v > 255 ? 255 : v);
        }
    }
}

yk__code yk__decode_apng(const yk__decode_job *job, const yk__png_prologue *prologue, yk__image *out, yk__error *err) {
    push_state s = {
        .job = job, .prologue = prologue, .err = err, .frame_known = prologue->frame_known, .frame = prologue->frame};
    s.sample_bytes = prologue->header.data[8] == 16 ? 2 : 1;
    s.row_bytes = (size_t)prologue->width * 3 * s.sample_bytes;
    uint64_t frame_bytes = (uint64_t)prologue->width * prologue->height * 6;
    YK__TRY(yk__decode_admit(job, prologue->width, prologue->height, frame_bytes + (uint64_t)prologue->width * 8 * 16, err));
    YK__TRY(yk__image_create(out, (int32_t)prologue->width, (int32_t)prologue->height, err));
    s.rows = yk__alloc_array(prologue->height, s.row_bytes);
    if (!s.rows) return yk__fail(err, YK__MEMORY, "no memory for a frame of %u x %u pixels", prologue->width, prologue->height);
    yk__code code = read_frame(&s);
    png_destroy_read_struct(&s.png, &s.info, NULL);
    if (code == YK__OK) place_frame(&s, out);
    yk__free(s.rows);
    return code;
}
