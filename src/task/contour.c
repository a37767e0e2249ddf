/* Border following after Suzuki and Abe, "Topological structural analysis of digitized binary images by border following"
 * (1985), for outermost borders only. */
#include "task/contour.h"

#include <string.h>

/* What a cell of the map is. Behind a border cell the blob goes on; behind a last one it ends, and the scan is outside. */
enum { GROUND, BLOB, BORDER, LAST };

/* Steps to the eight neighbours, counter-clockwise as seen on a screen, from east. */
static const int8_t step_x[8] = {1, 1, 0, -1, -1, -1, 0, 1}, step_y[8] = {0, -1, -1, -1, 0, 1, 1, 1};
enum { EAST = 0, WEST = 4 };

/* The mask with a border of ground around it, and the points found so far. */
typedef struct tracer {
    uint8_t *cells;
    ptrdiff_t pitch, offset[8]; /* from a cell to its neighbours */
    yk__point *points;          /* of the contour at hand, grown as needed */
    int32_t n, capacity;
    bool failed;
} tracer;

static void add_point(tracer *t, int32_t x, int32_t y) {
    if (t->n == t->capacity) {
        int32_t capacity = t->capacity ? 2 * t->capacity : 256;
        yk__point *grown = t->capacity < INT32_MAX / 2 ? yk__realloc_array(t->points, (size_t)capacity, sizeof *grown) : NULL;
        t->failed |= !grown;
        if (!grown) return;
        t->points = grown;
        t->capacity = capacity;
    }
    t->points[t->n++] = (yk__point){x, y};
}

/* Follows the border that begins at (x, y), whose western neighbour is ground, and marks its cells. */
static void trace(tracer *t, int32_t x, int32_t y) {
    uint8_t *const start = t->cells + (y + 1) * t->pitch + x + 1, *cell = start;
    t->n = 0;
    int toward = WEST;
    do toward = (toward + 7) & 7; /* clockwise, for the last cell of the border */
    while (start[t->offset[toward]] == GROUND && toward != WEST);
    if (start[t->offset[toward]] == GROUND) { /* a blob of one pixel */
        *start = LAST;
        add_point(t, x, y);
        return;
    }
    const uint8_t *const last = start + t->offset[toward];
    int came = toward ^ 4; /* the direction of the step that led here: a corner is where the next one differs */
    while (true) {
        int from = toward;
        bool east_is_ground = false;
        do { /* counter-clockwise, from the cell behind */
            toward = (toward + 1) & 7;
            east_is_ground |= toward == EAST && cell[t->offset[EAST]] == GROUND;
        } while (cell[t->offset[toward]] == GROUND && toward != from);
        *cell = east_is_ground ? LAST : *cell == BLOB ? BORDER : *cell;
        if (toward != came) add_point(t, x, y);
        came = toward;
        uint8_t *next = cell + t->offset[toward];
        if (next == start && cell == last) return;
        x += step_x[toward];
        y += step_y[toward];
        cell = next;
        toward ^= 4;
    }
}

typedef struct contour_list {
    yk__contour *items;
    size_t n, capacity;
} contour_list;

static bool keep_contour(contour_list *list, const tracer *t, yk__arena *arena) {
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 16;
        yk__contour *grown = yk__realloc_array(list->items, capacity, sizeof *grown);
        if (!grown) return false;
        list->items = grown;
        list->capacity = capacity;
    }
    yk__point *points = yk__arena_copy(arena, t->points, (size_t)t->n * sizeof *points);
    if (!points) return false;
    list->items[list->n++] = (yk__contour){points, t->n};
    return true;
}

/* Whether eight cells from `cell` on are all ground, or all the inside of a blob that was entered before them. */
static bool nothing_new(const uint8_t *cell) {
    uint64_t eight;
    memcpy(&eight, cell, sizeof eight);
    return eight == 0 || (eight == UINT64_C(0x0101010101010101) * BLOB && cell[-1] != GROUND);
}

/* A blob's first cell has ground before it and is reached from outside all borders met so far in its row. */
static bool scan_row(tracer *t, int32_t y, int32_t width, yk__arena *arena, contour_list *list) {
    const uint8_t *row = t->cells + (y + 1) * t->pitch + 1;
    bool inside = false;
    for (int32_t x = 0; x < width; x++) {
        while (x + 8 <= width && nothing_new(row + x)) x += 8;
        if (x == width) break;
        if (row[x] == BLOB && row[x - 1] == GROUND && !inside) {
            trace(t, x, y);
            if (t->failed || !keep_contour(list, t, arena)) return false;
        }
        if (row[x] >= BORDER) inside = row[x] == BORDER;
    }
    return true;
}

static bool make_map(tracer *t, const uint8_t *bits, int32_t width, int32_t height) {
    t->pitch = width + 2;
    t->cells = yk__alloc_array((size_t)height + 2, (size_t)t->pitch);
    if (!t->cells) return false;
    for (int32_t y = 0; y < height; y++)
        memcpy(t->cells + (y + 1) * t->pitch + 1, bits + (size_t)y * (size_t)width, (size_t)width);
    for (int i = 0; i < 8; i++) t->offset[i] = step_y[i] * t->pitch + step_x[i];
    return true;
}

/* The list in the arena, last blob first. */
static bool hand_over(const contour_list *list, yk__arena *arena, yk__contour **contours) {
    *contours = yk__arena_array(arena, list->n, sizeof **contours);
    for (size_t i = 0; *contours && i < list->n; i++) (*contours)[i] = list->items[list->n - 1 - i];
    return *contours;
}

yk__code yk__contours_find(const uint8_t *bits, int32_t width, int32_t height, yk__arena *arena, yk__contour **contours,
                           size_t *n_contours, yk__error *err) {
    tracer t = {0};
    contour_list list = {0};
    *contours = NULL;
    bool ok = make_map(&t, bits, width, height);
    for (int32_t y = 0; ok && y < height; y++) ok = scan_row(&t, y, width, arena, &list);
    ok = ok && hand_over(&list, arena, contours);
    *n_contours = ok ? list.n : 0;
    yk__free(t.cells);
    yk__free(t.points);
    yk__free(list.items);
    return ok ? YK__OK : yk__arena_error(arena, "the outlines of a mask", err);
}
