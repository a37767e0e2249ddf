/* Outlines of a mask: the outer borders of its blobs (8-connected), as PARITY 7 "Polygons" describes them. */
#ifndef YK_TASK_CONTOUR_H
#define YK_TASK_CONTOUR_H

#include "base/memory.h"

typedef struct yk__point {
    int32_t x, y;
} yk__point;

/* One outline: only its corners, where the direction changes. */
typedef struct yk__contour {
    yk__point *points;
    int32_t n;
} yk__contour;

/* Contours of a mask of width x height bits (0 or 1, rows without gaps). Blobs inside holes of others are left out. The list
 * runs from the last blob to the first, in the order of their first pixels (topmost, then leftmost); each contour starts there
 * and runs counter-clockwise as seen on a screen. Everything lies in the arena. MEMORY, LIMIT (the arena's budget). */
yk__code yk__contours_find(const uint8_t *bits, int32_t width, int32_t height, yk__arena *arena, yk__contour **contours,
                           size_t *n_contours, yk__error *err) YK__MUST_USE;

/* All contours as one polygon, joined at their closest corners (PARITY 7). The result is in the arena; contours are changed. */
yk__code yk__contours_merge(yk__contour *contours, size_t n_contours, yk__arena *arena, yk__contour *out,
                            yk__error *err) YK__MUST_USE;

#endif
