/* Candidates out of an output tensor, for networks whose tail runs as written (no YolkHead): the layouts of PARITY section 8.1,
 * of YOLOv5's and of YOLOX's exports. */
#ifndef YK_TASK_READ_TENSOR_H
#define YK_TASK_READ_TENSOR_H

#include "base/candidates.h"
#include "base/status.h"

/* One picture's rows of a raw head output.
 *   channel-major (anchor_major false): element (channel c, anchor a) at c * n_anchors + a; else at a * n_channels + c. */
typedef struct yk__raw_rows {
    const float *data;
    int32_t n_channels, n_anchors;
    bool anchor_major;
} yk__raw_rows;

/* v8: channels 4 box (cxcywh pixels), n_classes scores, n_extra. */
void yk__read_v8(const yk__raw_rows *rows, int32_t n_classes, bool boxes_are_cxcywh, const yk__head_params *params,
                 yk__candidates *out);
/* end-to-end and embedded NMS: rows x1 y1 x2 y2 score class extra..., already chosen and in order; rows not above conf end or
 * pad the list. Oriented boxes (angle_last): cx cy w h score class angle. */
void yk__read_rows(const yk__raw_rows *rows, int32_t n_classes, const yk__head_params *params, yk__candidates *out);
/* v5: cxcywh pixels, objectness, scores; objectness > conf, then score = objectness * class > conf (PARITY 5.1). */
void yk__read_v5(const yk__raw_rows *rows, int32_t n_classes, const yk__head_params *params, yk__candidates *out);
/* yolox: as v5, but x y are offsets in their cell and w h logarithms, in units of the level's stride. Levels 8, 16, 32 of a
 * height x width input; SHAPE when their cells do not add up to n_anchors. */
yk__code yk__read_yolox(const yk__raw_rows *rows, int32_t n_classes, int32_t height, int32_t width,
                        const yk__head_params *params, yk__candidates *out, yk__error *err);

#endif
