/* What mask_grid.c and mask.c share: where a mask's pixels come from, one axis at a time. */
#ifndef YK_TASK_MASK_SOURCE_H
#define YK_TASK_MASK_SOURCE_H

#include "task/mask.h"

/* The two bilinear steps between cells and pixels; at least one is there. */
bool yk__mask_enlarges(const yk__mask_grid *grid); /* cells to the middle grid */
bool yk__mask_cuts(const yk__mask_grid *grid);     /* the middle grid's kept part to pixels */

/* Source position of output d, PARITY 7: max(0, (d + 0.5) * in/out - 0.5), its cell, the next one, and how far between. */
void yk__mask_source(int32_t d, float scale, int32_t n_in, int32_t *low, int32_t *high, float *share);

#endif
