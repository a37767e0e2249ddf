/* Drawing through cairo, with pango for the text: it finds a font for every script in a class name. */
#include "image/draw.h"

#if YK__WITH_DRAW
#include <math.h>
#include <string.h>

#include <pango/pangocairo.h>

#include "base/memory.h"
#include "base/text.h"

#define MAX_SIDE        32767 /* of a cairo image surface */
#define MAX_LABEL_BYTES 256   /* more than fits a picture; bounds the work that a class name can cause */
/* The tag's text is 5 line widths high plus 4, so that thin lines still carry legible names. */
#define FONT_PIXELS(line_width) (5 * (line_width) + 4)

typedef struct canvas {
    const yk__image *image;
    cairo_surface_t *surface;
    cairo_t *cairo;
    PangoFontMap *fonts;
    PangoContext *context;
    PangoLayout *layout; /* NULL where there is no font */
    int line_width;
    yk__error *err;
} canvas;

static void canvas_close(canvas *c) {
    if (c->layout) g_object_unref(c->layout);
    if (c->context) g_object_unref(c->context);
    if (c->fonts) g_object_unref(c->fonts);
    if (c->cairo) cairo_destroy(c->cairo);
    if (c->surface) cairo_surface_destroy(c->surface);
}

/* cairo's RGB24 is a 32-bit word 0x00RRGGBB: bytes B G R 0 on the little-endian processors we build for. */
static void copy_in(const canvas *c) {
    uint8_t *to = cairo_image_surface_get_data(c->surface);
    size_t stride = (size_t)cairo_image_surface_get_stride(c->surface);
    for (int32_t y = 0; y < c->image->height; y++) {
        const uint8_t *from = c->image->pixels + (size_t)y * c->image->stride_bytes;
        uint8_t *row = to + (size_t)y * stride;
        for (int32_t x = 0; x < c->image->width; x++, from += 3, row += 4) memcpy(row, from, 3), row[3] = 0;
    }
}

static void copy_out(const canvas *c) {
    cairo_surface_flush(c->surface);
    const uint8_t *from = cairo_image_surface_get_data(c->surface);
    size_t stride = (size_t)cairo_image_surface_get_stride(c->surface);
    for (int32_t y = 0; y < c->image->height; y++) {
        uint8_t *to = c->image->pixels + (size_t)y * c->image->stride_bytes;
        const uint8_t *row = from + (size_t)y * stride;
        for (int32_t x = 0; x < c->image->width; x++, to += 3, row += 4) memcpy(to, row, 3);
    }
}

/* A font map of our own: it dies with the canvas, and no other thread sees it. */
static void open_fonts(canvas *c) {
    PangoFontFamily **families = NULL;
    int n_families = 0;
    c->fonts = pango_cairo_font_map_new();
    if (c->fonts) pango_font_map_list_families(c->fonts, &families, &n_families);
    g_free(families);
    if (n_families < 1) return; /* laying out text without any font would end in complaints on stderr */
    c->context = pango_font_map_create_context(c->fonts);
    c->layout = pango_layout_new(c->context);
    PangoFontDescription *font = pango_font_description_from_string("Sans Bold");
    pango_font_description_set_absolute_size(font, FONT_PIXELS(c->line_width) * PANGO_SCALE);
    pango_layout_set_font_description(c->layout, font);
    pango_font_description_free(font);
    pango_layout_set_single_paragraph_mode(c->layout, TRUE);
    pango_layout_set_ellipsize(c->layout, PANGO_ELLIPSIZE_END);
}

static yk__code canvas_open(canvas *c) {
    c->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, c->image->width, c->image->height);
    c->cairo = cairo_create(c->surface);
    if (cairo_status(c->cairo) != CAIRO_STATUS_SUCCESS) {
        return yk__fail(c->err, YK__MEMORY, "cannot draw on %d x %d pixels: %s", (int)c->image->width, (int)c->image->height,
                        cairo_status_to_string(cairo_status(c->cairo)));
    }
    copy_in(c);
    cairo_surface_mark_dirty(c->surface);
    cairo_set_line_join(c->cairo, CAIRO_LINE_JOIN_ROUND);
    open_fonts(c);
    return YK__OK;
}

static void set_color(canvas *c, const uint8_t rgb[3]) {
    cairo_set_source_rgb(c->cairo, rgb[0] / 255.0, rgb[1] / 255.0, rgb[2] / 255.0);
}

/* Far outside the picture is as good as outside it, and keeps cairo's 24.8 fixed-point numbers from overflowing. */
static double near_picture(float v, double side) {
    double margin = side + 4096;
    return v > -margin ? (v < 2 * margin ? (double)v : 2 * margin) : -margin;
}

static void draw_outline(canvas *c, const yk__draw_item *item, const uint8_t rgb[3]) {
    set_color(c, rgb);
    cairo_set_line_width(c->cairo, c->line_width);
    cairo_new_path(c->cairo);
    for (int i = 0; i < 4; i++) {
        cairo_line_to(c->cairo, near_picture(item->corners[i][0], c->image->width),
                      near_picture(item->corners[i][1], c->image->height));
    }
    cairo_close_path(c->cairo);
    cairo_stroke(c->cairo);
}

static void set_text(canvas *c, const char *label) {
    size_t n = strnlen(label, MAX_LABEL_BYTES);
    if (label[n]) n = yk__utf8_prefix(label, n);
    char *valid = g_utf8_make_valid(label, (gssize)n);
    pango_layout_set_text(c->layout, valid, -1);
    g_free(valid);
}

static double keep_between(double v, double low, double high) {
    return v > high ? (high > low ? high : low) : v > low ? v : low;
}

/* The tag stands on the outline's top left corner, or hangs inside it where there is no room above. */
static void draw_tag(canvas *c, const yk__draw_item *item, const uint8_t fill[3], const uint8_t text[3]) {
    double left = item->corners[0][0], top = item->corners[0][1];
    for (int i = 1; i < 4; i++) {
        left = fmin(left, item->corners[i][0]);
        top = fmin(top, item->corners[i][1]);
    }
    double border = c->line_width / 2.0, pad_x = c->line_width + 2.0, pad_y = 1 + border;
    int width, height;
    double room = c->image->width - 2 * pad_x;
    pango_layout_set_width(c->layout, (int)(fmax(room, 1) * PANGO_SCALE));
    set_text(c, item->label);
    pango_layout_get_pixel_size(c->layout, &width, &height);
    double tag_width = width + 2 * pad_x, tag_height = height + 2 * pad_y;

    double x = keep_between(floor(left - border), 0, c->image->width - tag_width);
    double above = floor(top - border - tag_height + border);
    double y = keep_between(above >= 0 ? above : floor(top - border), 0, c->image->height - tag_height);
    set_color(c, fill);
    cairo_rectangle(c->cairo, x, y, tag_width, tag_height);
    cairo_fill(c->cairo);
    set_color(c, text);
    cairo_move_to(c->cairo, x + pad_x, y + pad_y);
    pango_cairo_show_layout(c->cairo, c->layout);
    cairo_new_path(c->cairo);
}

static bool is_finite_item(const yk__draw_item *item) {
    for (int i = 0; i < 4; i++) {
        if (!isfinite(item->corners[i][0]) || !isfinite(item->corners[i][1])) return false;
    }
    return true;
}

static void draw_item(canvas *c, const yk__draw_item *item) {
    uint8_t fill[3], text[3];
    if (!is_finite_item(item)) return;
    yk__draw_color(item->class_id, fill, text);
    draw_outline(c, item, fill);
    if (c->layout && item->label && *item->label) draw_tag(c, item, fill, text);
}

bool yk__draw_available(void) {
    return true;
}

yk__code yk__draw_items(yk__image *image, const yk__draw_item *items, size_t n, int line_width, yk__error *err) {
    if (!image || !image->pixels || (n && !items)) return yk__fail(err, YK__ARGUMENT, "no picture to draw on");
    if (image->width > MAX_SIDE || image->height > MAX_SIDE) {
        return yk__fail(err, YK__IMAGE_LIMIT, "cannot draw on %d x %d pixels: a side may have at most %d", (int)image->width,
                        (int)image->height, MAX_SIDE);
    }
    if (!n) return YK__OK;
    canvas c = {.image = image, .err = err};
    c.line_width = line_width > 0 ? line_width : yk__draw_line_width(image->width, image->height);
    yk__code code = canvas_open(&c);
    if (code == YK__OK) {
        for (size_t i = n; i-- > 0;) draw_item(&c, &items[i]);
        if (cairo_status(c.cairo) != CAIRO_STATUS_SUCCESS) {
            code = yk__fail(err, YK__MEMORY, "drawing failed: %s", cairo_status_to_string(cairo_status(c.cairo)));
        } else {
            copy_out(&c);
        }
    }
    canvas_close(&c);
    return code;
}
#else
bool yk__draw_available(void) {
    return false;
}

yk__code yk__draw_items(yk__image *image, const yk__draw_item *items, size_t n, int line_width, yk__error *err) {
    (void)image, (void)items, (void)n, (void)line_width;
    return yk__fail(err, YK__UNSUPPORTED, "cannot draw: built without drawing (YOLK_DRAW)");
}
#endif
