/* Keypoints on pictures: points, and for the 17 points of COCO's people the skeleton. */
#ifndef YK_IMAGE_DRAW_POSE_H
#define YK_IMAGE_DRAW_POSE_H

#include "image/view.h"

/* n_points points of n_numbers numbers: x, y in pixels, and with 3 how likely the point is visible; points below 0.25 are not
 * drawn, nor are points at (0, 0) of poses without that number, which mean "missing" (PARITY 7). line_width 0: the one that
 * suits the picture. */
void yk__draw_pose(yk__image *image, const float *points, int32_t n_points, int32_t n_numbers, int line_width);

#endif
