/* JPEG through libjpeg-turbo, default tables, accurate transform. */
#include "image/encode.h"

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>
#include <jerror.h>

#include "image/encode_buffer.h"

#define FIRST_BYTES 65536 /* of the output buffer; it doubles when full */

typedef struct jpeg_writer {
    struct jpeg_compress_struct cinfo;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr destination;
    jmp_buf jump;
    yk__encode_buffer buffer;
    yk__error *err;
    yk__code code;
} jpeg_writer;

static void on_error(j_common_ptr cinfo) {
    jpeg_writer *w = cinfo->client_data;
    char text[JMSG_LENGTH_MAX];
    cinfo->err->format_message(cinfo, text);
    w->code =
        yk__fail(w->err, cinfo->err->msg_code == JERR_OUT_OF_MEMORY ? YK__MEMORY : YK__ARGUMENT, "cannot write JPEG: %s", text);
    longjmp(w->jump, 1);
}

static void on_message(j_common_ptr cinfo, int level) {
    (void)cinfo, (void)level;
}
static void on_output(j_common_ptr cinfo) {
    (void)cinfo;
}

static void offer_room(jpeg_writer *w) {
    if (!yk__encode_reserve(&w->buffer, FIRST_BYTES)) ERREXIT1(&w->cinfo, JERR_OUT_OF_MEMORY, 0);
    w->destination.next_output_byte = w->buffer.bytes + w->buffer.size;
    w->destination.free_in_buffer = w->buffer.capacity - w->buffer.size;
}

static void begin_output(j_compress_ptr cinfo) {
    offer_room(cinfo->client_data);
}
static boolean grow_output(j_compress_ptr cinfo) {
    jpeg_writer *w = cinfo->client_data;
    w->buffer.size = w->buffer.capacity; /* libjpeg calls this with the room used up */
    offer_room(w);
    return TRUE;
}
static void end_output(j_compress_ptr cinfo) {
    jpeg_writer *w = cinfo->client_data;
    w->buffer.size = w->buffer.capacity - w->destination.free_in_buffer;
}

static J_COLOR_SPACE color_space_of(yk__pixel_format format) {
    switch (format) {
    case YK__PIXEL_RGB8: return JCS_EXT_RGB;
    case YK__PIXEL_GRAY8: return JCS_GRAYSCALE;
    case YK__PIXEL_BGRA8: return JCS_EXT_BGRX;
    case YK__PIXEL_RGBA8: return JCS_EXT_RGBX;
    default: return JCS_EXT_BGR;
    }
}

/* May jump; its locals are not used after a jump. */
static yk__code encode(jpeg_writer *w, const yk__image_view *view, int quality, bool full_chroma) {
    if (setjmp(w->jump)) return w->code;
    struct jpeg_compress_struct *cinfo = &w->cinfo;
    cinfo->err = jpeg_std_error(&w->errors);
    w->errors.error_exit = on_error;
    w->errors.emit_message = on_message;
    w->errors.output_message = on_output;
    cinfo->client_data = w;
    jpeg_create_compress(cinfo);
    w->destination = (struct jpeg_destination_mgr){
        .init_destination = begin_output, .empty_output_buffer = grow_output, .term_destination = end_output};
    cinfo->dest = &w->destination;
    cinfo->image_width = (JDIMENSION)view->width;
    cinfo->image_height = (JDIMENSION)view->height;
    cinfo->input_components = yk__pixel_bytes(view->format);
    cinfo->in_color_space = color_space_of(view->format);
    jpeg_set_defaults(cinfo); /* 4:2:0 for colour */
    jpeg_set_quality(cinfo, quality, TRUE);
    if (full_chroma) cinfo->comp_info[0].h_samp_factor = cinfo->comp_info[0].v_samp_factor = 1;
    jpeg_start_compress(cinfo, TRUE);
    while (cinfo->next_scanline < cinfo->image_height) {
        /* libjpeg takes rows by pointers to non-const and only reads them */
        JSAMPROW row = (JSAMPROW)(uintptr_t)(view->planes[0] + (size_t)cinfo->next_scanline * view->stride_bytes[0]);
        jpeg_write_scanlines(cinfo, &row, 1);
    }
    jpeg_finish_compress(cinfo);
    return YK__OK;
}

yk__code yk__encode_jpeg(const yk__image_view *view, int quality, bool full_chroma, uint8_t **bytes, size_t *size,
                         yk__error *err) {
    YK__TRY(yk__image_view_check(view, err));
    if (quality < 1 || quality > 100) return yk__fail(err, YK__ARGUMENT, "JPEG quality %d is not in 1..100", quality);
    jpeg_writer w = {.err = err};
    yk__code code = encode(&w, view, quality, full_chroma);
    jpeg_destroy_compress(&w.cinfo);
    if (code != YK__OK) {
        yk__free(w.buffer.bytes);
        return code;
    }
    *bytes = w.buffer.bytes;
    *size = w.buffer.size;
    return YK__OK;
}
