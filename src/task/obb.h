/* Oriented boxes (PARITY 6.2, 7): their NMS and their corners. */
#ifndef YK_TASK_OBB_H
#define YK_TASK_OBB_H

#include "task/nms.h"

/* Overlap of two oriented boxes cx cy w h angle (radians): one minus the Hellinger distance of the Gaussians that stand for
 * them (Llerena et al., "Probabilistic Intersection-over-Union"). A box with itself gives 0.9995, not 1. */
float yk__probiou(const float a[5], const float b[5]);

/* NMS of candidates whose boxes are cx cy w h and whose first extra number is the angle. In descending score, a box is dropped
 * when it overlaps any better one by more than options->iou (f32), whether or not that one was dropped itself. keep and the
 * result as yk__nms. */
int32_t yk__obb_nms(const yk__candidates *candidates, const yk__nms_options *options, yk__nms_scratch *scratch, int32_t *keep);

/* The corners, in the reference's order: with u and v the half axes, c+u+v, c+u-v, c-u-v, c-u+v. */
void yk__obb_corners(const float xywhr[5], float corners[4][2]);
/* Least and greatest coordinates of the corners, as x1 y1 x2 y2; not clipped. */
void yk__obb_bounds(const float corners[4][2], float box[4]);

#endif
