/* PNG through libpng: 8-bit gray or RGB, no further chunks. */
#include "image/encode.h"

#if YK__WITH_PNG
#include <setjmp.h>

#include <png.h>

#include "image/encode_buffer.h"

typedef struct png_writer {
    png_structp png;
    png_infop info;
    jmp_buf jump;
    yk__encode_buffer buffer;
    yk__error *err;
    yk__code code;
} png_writer;

static void on_error(png_structp png, png_const_charp text) {
    png_writer *w = png_get_error_ptr(png);
    w->code = yk__fail(w->err, YK__ARGUMENT, "cannot write PNG: %s", text);
    longjmp(w->jump, 1);
}
static void on_warning(png_structp png, png_const_charp text) {
    (void)png, (void)text;
}

static void write_bytes(png_structp png, png_bytep bytes, png_size_t n) {
    png_writer *w = png_get_io_ptr(png);
    if (yk__encode_append(&w->buffer, bytes, n)) return;
    w->code = yk__fail(w->err, YK__MEMORY, "no memory for a PNG of more than %zu bytes", w->buffer.size);
    longjmp(w->jump, 1);
}
static void flush_nothing(png_structp png) {
    (void)png;
}

/* May jump; its locals are not used after a jump. */
static yk__code encode(png_writer *w, const yk__image_view *view) {
    if (setjmp(w->jump)) return w->code;
    w->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, w, on_error, on_warning);
    if (w->png) w->info = png_create_info_struct(w->png);
    if (!w->info) return yk__fail(w->err, YK__MEMORY, "no memory for the PNG writer");
    png_set_write_fn(w->png, w, write_bytes, flush_nothing);
    bool gray = view->format == YK__PIXEL_GRAY8;
    png_set_IHDR(w->png, w->info, (png_uint_32)view->width, (png_uint_32)view->height, 8,
                 gray ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(w->png, w->info);
    if (view->format == YK__PIXEL_BGR8 || view->format == YK__PIXEL_BGRA8) png_set_bgr(w->png);
    if (yk__pixel_bytes(view->format) == 4) png_set_filler(w->png, 0, PNG_FILLER_AFTER);
    for (int32_t y = 0; y < view->height; y++) {
        png_write_row(w->png, view->planes[0] + (size_t)y * view->stride_bytes[0]);
    }
    png_write_end(w->png, w->info);
    return YK__OK;
}

yk__code yk__encode_png(const yk__image_view *view, uint8_t **bytes, size_t *size, yk__error *err) {
    YK__TRY(yk__image_view_check(view, err));
    png_writer w = {.err = err};
    yk__code code = encode(&w, view);
    png_destroy_write_struct(&w.png, &w.info);
    if (code != YK__OK) {
        yk__free(w.buffer.bytes);
        return code;
    }
    *bytes = w.buffer.bytes;
    *size = w.buffer.size;
    return YK__OK;
}
#else
yk__code yk__encode_png(const yk__image_view *view, uint8_t **bytes, size_t *size, yk__error *err) {
    (void)bytes, (void)size;
    YK__TRY(yk__image_view_check(view, err));
    return yk__fail(err, YK__UNSUPPORTED, "cannot write PNG: built without PNG support");
}
#endif
