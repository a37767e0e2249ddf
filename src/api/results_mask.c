/* Masks, run lengths and polygons out of weighted maps. Reads results only, so many threads may do it at once. */
#include "api/results_mask.h"

#include "task/contour.h"
#include "task/mask_rle.h"

#include <string.h>

bool yk__mask_reader_fits(const yk__picture_result *picture) {
    return picture->n_found > 0 && picture->found[0].maps.n > 0;
}

yk__code yk__mask_reader_open(yk__mask_reader *reader, const yk__picture_result *picture, yk__error *err) {
    *reader = (yk__mask_reader){.picture = picture};
    return yk__mask_maker_create(&reader->maker, &picture->mask_grid, err);
}

void yk__mask_reader_close(yk__mask_reader *reader) {
    yk__mask_maker_destroy(&reader->maker);
    yk__free(reader->bits);
    *reader = (yk__mask_reader){0};
}

yk__code yk__mask_reader_read(yk__mask_reader *reader, size_t i, yk__error *err) {
    const yk__found *found = &reader->picture->found[i];
    reader->window = yk__mask_window_of(&reader->picture->mask_grid, found->mask_box);
    size_t bytes = (size_t)reader->window.width * (size_t)reader->window.height;
    if (bytes > reader->bits_bytes) {
        yk__free(reader->bits);
        reader->bits_bytes = 0;
        reader->bits = yk__alloc(bytes);
        if (!reader->bits) return yk__fail(err, YK__MEMORY, "out of memory for a mask of %zu pixels", bytes);
        reader->bits_bytes = bytes;
    }
    yk__mask_fill(reader->maker, &found->maps, found->extra, &reader->window, reader->bits);
    return YK__OK;
}

yk__code yk__mask_reader_runs(const yk__mask_reader *reader, yk__text *counts, yk__error *err) {
    const yk__mask_grid *grid = &reader->picture->mask_grid;
    int64_t *runs = NULL;
    size_t n = 0;
    YK__TRY(yk__mask_runs(reader->bits, &reader->window, grid->x.n_out, grid->y.n_out, &runs, &n, err));
    yk__mask_runs_text(runs, n, counts);
    yk__free(runs);
    return counts->failed ? yk__fail(err, YK__MEMORY, "out of memory for the runs of a mask") : YK__OK;
}

/* Mask pixels to picture pixels: PARITY 7 "Polygons", the keypoint rule between the two sizes. */
static void scale_points(const yk__picture_result *picture, const yk__mask_window *window, const yk__contour *from,
                         float (*to)[2]) {
    yk__scale_back back =
        yk__scale_back_make(picture->mask_grid.x.n_out, picture->mask_grid.y.n_out, picture->width, picture->height);
    for (int32_t i = 0; i < from->n; i++) {
        to[i][0] = (float)(from->points[i].x + window->x);
        to[i][1] = (float)(from->points[i].y + window->y);
        yk__scale_back_point(&back, to[i]);
    }
}

yk__code yk__mask_reader_polygon(const yk__mask_reader *reader, float (**points)[2], size_t *n_points, yk__error *err) {
    yk__arena arena;
    yk__contour *contours = NULL, all = {0};
    size_t n = 0;
    *points = NULL;
    *n_points = 0;
    yk__arena_init(&arena, 0);
    yk__code code = yk__contours_find(reader->bits, reader->window.width, reader->window.height, &arena, &contours, &n, err);
    if (code == YK__OK) code = yk__contours_merge(contours, n, &arena, &all, err);
    if (code == YK__OK) {
        *points = yk__alloc_array((size_t)all.n + 1, sizeof **points);
        if (!*points) code = yk__fail(err, YK__MEMORY, "out of memory for a polygon of %d points", (int)all.n);
    }
    if (code == YK__OK) {
        scale_points(reader->picture, &reader->window, &all, *points);
        *n_points = (size_t)all.n;
    }
    yk__arena_free(&arena);
    return code;
}

/* ---- the public way: one detection at a time ---- */

/* Opens the reader and reads detection i. */
static yk_status read_one(yk__mask_reader *reader, const yk_results *results, size_t image, size_t i, yk_error *error) {
    yk__error e = {0};
    *reader = (yk__mask_reader){0};
    if (!results || image >= results->n_pictures || i >= (size_t)results->pictures[image].n_found)
        return yk__api_fail(error, YK_ERROR_ARGUMENT, "there is no detection %zu of picture %zu in these results", i, image);
    if (!yk__mask_reader_fits(&results->pictures[image]))
        return yk__api_fail(error, YK_ERROR_NOT_FOUND, "results of task %s have no masks",
                            yk__task_name(results->engine->model->recipe.task));
    yk__code code = yk__mask_reader_open(reader, &results->pictures[image], &e);
    if (code == YK__OK) code = yk__mask_reader_read(reader, i, &e);
    return yk__api_status(error, code, &e);
}

yk_status yk_results_mask(const yk_results *results, size_t image, size_t i, yk_mask *mask, yk_error *error) {
    yk__mask_reader reader;
    if (!mask) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_results_mask: no place for the mask");
    *mask = (yk_mask)YK_MASK_INIT;
    yk_status status = read_one(&reader, results, image, i, error);
    if (status == YK_OK) {
        const yk__mask_grid *grid = &reader.picture->mask_grid;
        *mask = (yk_mask){sizeof *mask,    grid->x.n_out,       grid->y.n_out,        reader.window.x,
                          reader.window.y, reader.window.width, reader.window.height, reader.bits};
        reader.bits = NULL;
    }
    yk__mask_reader_close(&reader);
    return status;
}

void yk_mask_destroy(yk_mask *mask) {
    if (!mask) return;
    yk__free(mask->bits);
    *mask = (yk_mask)YK_MASK_INIT;
}

yk_status yk_results_mask_rle(const yk_results *results, size_t image, size_t i, int32_t *width, int32_t *height, char **counts,
                              yk_error *error) {
    yk__mask_reader reader;
    yk__error e = {0};
    yk__text text = {0};
    if (!counts) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_results_mask_rle: no place for the counts");
    *counts = NULL;
    yk_status status = read_one(&reader, results, image, i, error);
    if (status == YK_OK) status = yk__api_status(error, yk__mask_reader_runs(&reader, &text, &e), &e);
    if (status == YK_OK) {
        if (width) *width = reader.picture->mask_grid.x.n_out;
        if (height) *height = reader.picture->mask_grid.y.n_out;
        *counts = text.data;
    } else {
        yk__text_free(&text);
    }
    yk__mask_reader_close(&reader);
    return status;
}

yk_status yk_results_polygon(const yk_results *results, size_t image, size_t i, float **points, size_t *n_points,
                             yk_error *error) {
    yk__mask_reader reader;
    yk__error e = {0};
    float(*pairs)[2] = NULL;
    if (!points || !n_points) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_results_polygon: no place for the points");
    *points = NULL;
    *n_points = 0;
    yk_status status = read_one(&reader, results, image, i, error);
    if (status == YK_OK) status = yk__api_status(error, yk__mask_reader_polygon(&reader, &pairs, n_points, &e), &e);
    if (status == YK_OK) *points = &pairs[0][0];
    yk__mask_reader_close(&reader);
    return status;
}

void yk_polygon_destroy(float **points) {
    if (!points) return;
    yk__free(*points);
    *points = NULL;
}
