/* Instance masks (PARITY 7): coefficients times prototypes, enlarged bilinearly, cut at the box. Everything is computed inside
 * the box only, a row at a time. */
#ifndef YK_TASK_MASK_H
#define YK_TASK_MASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* Prototypes: n maps of numbers, of which a mask's logits are the weighted sum. Here is the part of them from cell (x, y) on,
 * height x width cells; a whole network output begins at (0, 0). */
typedef struct yk__prototypes {
    const float *data;
    int32_t n, x, y, height, width;
} yk__prototypes;

/* How one axis of the prototypes becomes the mask's: enlarged to n_middle, of that n_crop from `first` on are kept, and these
 * are enlarged (or shrunk) to n_out. All in cells and pixels. */
typedef struct yk__mask_axis {
    int32_t n_in, n_middle, first, n_crop, n_out;
} yk__mask_axis;

typedef struct yk__mask_grid {
    yk__mask_axis x, y;
} yk__mask_grid;

/* Masks at the size of the network's input. */
yk__mask_grid yk__mask_grid_network(int32_t proto_width, int32_t proto_height, int32_t network_width, int32_t network_height);
/* Masks at the size of the picture (--retina-masks): the letterbox's padding is cut from the prototypes, which are first
 * enlarged by 1, 2 or 4, so that the cut falls between cells. */
yk__mask_grid yk__mask_grid_picture(int32_t proto_width, int32_t proto_height, int32_t width, int32_t height);

/* The part of a mask that its box lets through: columns x .. x + width - 1. Outside all bits are 0. */
typedef struct yk__mask_window {
    int32_t x, y, width, height;
} yk__mask_window;

/* x1 y1 x2 y2 in the mask's pixels: columns x1 <= c < x2, rows alike. Empty (width or height 0) when nothing is inside. */
yk__mask_window yk__mask_window_of(const yk__mask_grid *grid, const float box[4]);

/* The cells of the prototypes that a window's pixels are made from. Empty for an empty window. */
yk__mask_window yk__mask_cells(const yk__mask_grid *grid, const yk__mask_window *window);
/* The smallest window around both; an empty one counts for nothing. */
yk__mask_window yk__mask_window_union(const yk__mask_window *a, const yk__mask_window *b);

/* Logits of some cells (which the prototypes must have): cells->height rows of cells->width numbers. Such a map with the one
 * coefficient 1 makes the same mask, bit for bit, as the prototypes do. */
void yk__mask_logits(const yk__prototypes *prototypes, const float *coefficients, const yk__mask_window *cells, float *out);

/* Working memory and lookups for masks of one grid. Not thread-safe. */
typedef struct yk__mask_maker yk__mask_maker;
yk__code yk__mask_maker_create(yk__mask_maker **out, const yk__mask_grid *grid, yk__error *err) YK__MUST_USE;
void yk__mask_maker_destroy(yk__mask_maker **maker);

/* The prototypes of the two below must have the cells that the window is made from. */
/* Whether one bit is set: a box whose mask is empty is no detection. Stops at the first bit, begins in the middle. */
bool yk__mask_any(yk__mask_maker *maker, const yk__prototypes *prototypes, const float *coefficients,
                  const yk__mask_window *window);
/* Writes window->height rows of window->width bytes, 0 or 1. */
void yk__mask_fill(yk__mask_maker *maker, const yk__prototypes *prototypes, const float *coefficients,
                   const yk__mask_window *window, uint8_t *bits);

#endif
