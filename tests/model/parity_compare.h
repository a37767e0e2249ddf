/* One detection of yolk's against one of the reference's: boxes of both kinds, keypoints, masks. */
#ifndef YK_TESTS_MODEL_PARITY_COMPARE_H
#define YK_TESTS_MODEL_PARITY_COMPARE_H

#include "yolk/yolk.h"

#include <jansson.h>

/* PARITY section 12: two engines of good repute differ by 3e-5 px and 3e-7 in score on one picture; these bounds leave room
 * for other orders of summation, at most. In pictures of 1080 px and more an error in network pixels grows when scaled back. */
#define SCORE_TOLERANCE     5e-5
#define BOX_TOLERANCE       0.01
#define BOX_TOLERANCE_LARGE 0.02
/* Keypoints are twice the branch's value times the stride: errors are twice those of boxes. */
#define POINT_FACTOR 2
/* The angle is pi times a sigmoid: a score's tolerance times pi, rounded down. */
#define ANGLE_TOLERANCE 1e-4
/* Masks are logits above 0: pixels on the edge may fall to either side. */
#define MASK_IOU 0.998

/* Whether detection i of the picture is the one that the reference's row describes; masks are not looked at. tolerance: of box
 * edges in pixels. */
bool same_detection(const yk_results *results, size_t image, size_t i, json_t *row, double tolerance);

/* IoU of yolk's mask with the reference's ({size, counts}), and whether yolk's run lengths say the same as its bits. -1 when
 * yolk has no mask or one of another size. */
double mask_iou(const yk_results *results, size_t image, size_t i, json_t *mask, bool *runs_agree);

#endif
