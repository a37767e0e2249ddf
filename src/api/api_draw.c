/* Results on pictures, and pictures to files. */
#include "api/results_mask.h"

#include "base/file.h"
#include "image/draw.h"
#include "image/draw_pose.h"
#include "image/encode.h"
#include "image/paint.h"

#include <string.h>

static bool has_suffix(const char *path, const char *suffix) {
    size_t n = strlen(path), m = strlen(suffix);
    return n > m && yk__compare_no_case(path + n - m, suffix) == 0;
}

static yk__code encode(const yk_image *image, const char *path, int quality, uint8_t **bytes, size_t *size, yk__error *err) {
    yk__image_view view;
    YK__TRY(yk__api_view(image, &view, err));
    if (has_suffix(path, ".png")) return yk__encode_png(&view, bytes, size, err);
    if (!has_suffix(path, ".jpg") && !has_suffix(path, ".jpeg"))
        return yk__fail(err, YK__UNSUPPORTED, "%s: pictures are written as .jpg, .jpeg or .png", path);
    if (quality < 0 || quality > 100) return yk__fail(err, YK__ARGUMENT, "quality %d: use 1 to 100, or 0 for 95", quality);
    return yk__encode_jpeg(&view, quality ? quality : 95, true, bytes, size, err);
}

yk_status yk_image_write(const yk_image *image, const char *path, int quality, yk_error *error) {
    yk__error e = {0};
    yk__atomic_file file = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    if (!image || !path) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_image_write: an argument is NULL");
    yk__code code = encode(image, path, quality, &bytes, &size, &e);
    if (code == YK__OK) code = yk__atomic_open(&file, path, &e);
    if (code == YK__OK) code = yk__atomic_write(&file, bytes, size, &e);
    if (code == YK__OK)
        code = yk__atomic_commit(&file, &e);
    else
        yk__atomic_abort(&file);
    yk__free(bytes);
    return yk__api_status(error, code, &e);
}

/* What is drawn of one picture: its detections, or for classify the best class as a frame around the whole. */
static size_t things(const yk__picture_result *p, yk__found *frame, const yk__found **found) {
    *found = p->found;
    if (p->n_top < 1) return (size_t)p->n_found;
    *frame = (yk__found){.box = {0, 0, (float)p->width, (float)p->height}, .score = p->probs[p->top[0]], .class_id = p->top[0]};
    *found = frame;
    return 1;
}

/* The tag of a detection: name, and score unless it is not wanted. */
static const char *label(const yk_results *results, const yk__found *found, const yk_draw_options *o, yk__arena *arena) {
    const char *name = yk_engine_class_name(results->engine, found->class_id);
    if (o->no_labels) return NULL;
    return o->no_confidence ? name : yk__arena_printf(arena, "%s %.2f", name, (double)found->score);
}

/* Masks at the picture's size, whatever size was asked for: they are what looks right on it. */
static yk__code draw_masks(const yk__picture_result *p, yk__image *image, yk__error *err) {
    yk__mask_reader reader = {0};
    yk__mask_paint paint = {0};
    yk__picture_result full = *p;
    yk__arena arena;
    yk__arena_init(&arena, 0);
    full.mask_grid = p->picture_grid;
    full.found = yk__arena_copy(&arena, p->found, (size_t)p->n_found * sizeof *p->found);
    yk__code code = full.found ? yk__mask_reader_open(&reader, &full, err) : yk__arena_error(&arena, "the drawing", err);
    if (code == YK__OK) code = yk__mask_paint_begin(&paint, image->width, image->height, err);
    for (int32_t i = 0; i < p->n_found && code == YK__OK; i++) {
        uint8_t rgb[3], text[3];
        memcpy(full.found[i].mask_box, full.found[i].box, sizeof full.found[i].mask_box);
        code = yk__mask_reader_read(&reader, (size_t)i, err);
        if (code != YK__OK) break;
        yk__draw_color(full.found[i].class_id, rgb, text);
        const yk__mask_window *w = &reader.window;
        yk__mask_paint_add(&paint, reader.bits, w->x, w->y, w->width, w->height, rgb);
    }
    if (paint.layers) yk__mask_paint_end(&paint, image);
    yk__mask_reader_close(&reader);
    yk__arena_free(&arena);
    return code;
}

/* Boxes with their tags. */
static yk__code draw_boxes(const yk_results *results, const yk__picture_result *p, const yk_draw_options *o, yk__image *image,
                           yk__error *err) {
    yk__found frame;
    const yk__found *found;
    size_t n = things(p, &frame, &found);
    yk__arena arena;
    yk__arena_init(&arena, 0);
    yk__draw_item *items = yk__arena_array(&arena, n, sizeof *items);
    yk__code code = items ? YK__OK : yk__arena_error(&arena, "the drawing", err);
    for (size_t i = 0; i < n && code == YK__OK; i++) {
        yk__draw_set_box(&items[i], found[i].box);
        if (results->engine->model->recipe.task == YK__TASK_OBB)
            memcpy(items[i].corners, found[i].corners, sizeof items[i].corners);
        items[i].class_id = found[i].class_id;
        items[i].label = label(results, &found[i], o, &arena);
    }
    if (code == YK__OK && n > 0) code = yk__draw_items(image, items, n, o->line_width, err);
    yk__arena_free(&arena);
    return code;
}

yk_status yk_results_draw(const yk_results *results, size_t image, yk_image *picture, const yk_draw_options *options,
                          yk_error *error) {
    yk__error e = {0};
    yk_draw_options o;
    yk__api_options(&o, sizeof o, options, sizeof o);
    if (!results || !picture || image >= results->n_pictures)
        return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_results_draw: no picture %zu in these results", image);
    if (!picture->owner || picture->format != YK_PIXELS_BGR)
        return yk__api_fail(error, YK_ERROR_ARGUMENT,
                            "yk_results_draw draws on pictures of the library only: use yk_image_copy on yours first");
    if (!yk__draw_available())
        return yk__api_fail(error, YK_ERROR_UNSUPPORTED, "cannot draw: built without drawing (YOLK_DRAW)");
    const yk__picture_result *p = &results->pictures[image];
    const int32_t *kpt_shape = results->engine->model->recipe.kpt_shape;
    yk__code code = YK__OK;
    if (yk__mask_reader_fits(p)) code = draw_masks(p, picture->owner, &e);
    if (code == YK__OK && !o.no_boxes) code = draw_boxes(results, p, &o, picture->owner, &e);
    for (int32_t i = p->n_found - 1; i >= 0 && code == YK__OK && results->engine->model->recipe.task == YK__TASK_POSE; i--)
        yk__draw_pose(picture->owner, p->found[i].extra, kpt_shape[0], kpt_shape[1], o.line_width);
    return yk__api_status(error, code, &e);
}
