/* Non-maximum suppression and end-to-end selection over candidates: PARITY section 6, number by number. */
#ifndef YK_TASK_NMS_H
#define YK_TASK_NMS_H

#include "base/candidates.h"
#include "base/status.h"

/* Working memory for up to `capacity` candidates, made once per context. */
typedef struct yk__nms_scratch {
    int32_t capacity;
    int32_t *order; /* candidates by descending score */
    int32_t *merge; /* of the merge sort */
    float *box;     /* capacity x 4: boxes shifted by class */
    float *area;
} yk__nms_scratch;

yk__code yk__nms_scratch_create(yk__nms_scratch *scratch, int32_t capacity, yk__error *err) YK__MUST_USE;
void yk__nms_scratch_free(yk__nms_scratch *scratch);

typedef struct yk__nms_options {
    double iou; /* a box is dropped when its IoU with a kept one is greater: double(f32 iou) > iou */
    int32_t max_det;
    bool agnostic; /* compare boxes of different classes too */
} yk__nms_options;

/* Puts the first n entries of scratch->order, candidate indices, in descending score; equal scores stay as they are. */
void yk__nms_sort(const yk__candidates *candidates, yk__nms_scratch *scratch, int32_t n);

/* Greedy NMS in descending score, equal scores in candidate order. keep gets the indices of the survivors in that order, at
 * most max_det; returns how many. candidates.count must be within the scratch's capacity. */
int32_t yk__nms(const yk__candidates *candidates, const yk__nms_options *options, yk__nms_scratch *scratch, int32_t *keep);

/* One-to-one heads (PARITY 5.2 "End-to-end selection"): candidates hold a row per anchor and class above the threshold. The k
 * anchors with the best class scores stay; of their rows the k best, in descending score, equal scores in candidate order;
 * then the classes that class_mask (n_classes bytes, NULL: all) allows, then the first max_det. keep as above. */
int32_t yk__select_end2end(const yk__candidates *candidates, int32_t k, const uint8_t *class_mask, int32_t max_det,
                           yk__nms_scratch *scratch, int32_t *keep);

#endif
