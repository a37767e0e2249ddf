/* Run lengths of a mask, counted as COCO does: down the columns, from the left one on, background first. */
#ifndef YK_TASK_MASK_RLE_H
#define YK_TASK_MASK_RLE_H

#include "base/text.h"
#include "task/mask.h"

/* The runs of a mask of width x height pixels whose bits (0 or 1) are given inside a window; a run may be 0 only in front.
 * *runs comes from yk__alloc and belongs to the caller. MEMORY. */
yk__code yk__mask_runs(const uint8_t *bits, const yk__mask_window *window, int32_t width, int32_t height, int64_t **runs,
                       size_t *n_runs, yk__error *err) YK__MUST_USE;

/* The runs as COCO's compressed text: from the fourth on as the difference to the run two before; five bits a character, low
 * ones first, bit 5 says that more follow, 48 added. */
void yk__mask_runs_text(const int64_t *runs, size_t n_runs, yk__text *out);

#endif
