/* The parts of YolkHead in the ref backend: what the node says, decoding one anchor, choosing the best. */
#ifndef YK_BACKEND_REF_YOLK_HEAD_REF_H
#define YK_BACKEND_REF_YOLK_HEAD_REF_H

#include "backend/ref/call_ref.h"

#define YK__REF_HEAD_LEVELS 8 /* the largest YOLO has four */

typedef struct yk__ref_level {
    int64_t width, cells, first_anchor; /* cells = rows * columns */
    float stride;
    const float *box, *classes, *extra; /* of picture 0 */
} yk__ref_level;

typedef struct yk__ref_head {
    int n_levels;
    yk__ref_level levels[YK__REF_HEAD_LEVELS];
    int64_t batch, anchors, reg_max, n_classes, n_extra;
    int64_t end2end_k; /* at most `anchors` */
    int keypoint_size; /* 2 or 3 numbers per keypoint; 0 when the task has none */
    bool pose26, obb, raw_angle, one_to_one;
    const double *bins; /* DFL weights, NULL: 0, 1, 2 ... */
} yk__ref_head;

yk__code yk__ref_head_read(const yk__ref_call *call, yk__ref_head *out, yk__error *err) YK__MUST_USE;

/* The level that an anchor lies in. */
const yk__ref_level *yk__ref_head_level(const yk__ref_head *head, int64_t anchor);
float yk__ref_head_score(const yk__ref_head *head, int64_t picture, const yk__ref_level *level, int64_t anchor,
                         int64_t class_id);
/* Box in pixels as the export's tensor has it: one-to-many and oriented boxes cx cy w h, else x1 y1 x2 y2. */
void yk__ref_head_box(const yk__ref_head *head, int64_t picture, const yk__ref_level *level, int64_t anchor, float out[4]);
/* The n_extra numbers: coefficients raw, keypoints in pixels with visibility as probability, angle in radians. They are
 * written `step` floats apart. */
void yk__ref_head_extra(const yk__ref_head *head, int64_t picture, const yk__ref_level *level, int64_t anchor, float *out,
                        int64_t step);

/* Keeps the best of what it is offered: highest score, then lowest anchor, then lowest class. */
typedef struct yk__ref_best {
    yk__candidate *items;
    int32_t count, capacity;
    bool heap; /* items are a heap with the worst in front: more were offered than fit */
} yk__ref_best;

void yk__ref_best_offer(yk__ref_best *best, float score, int64_t anchor, int64_t class_id);
void yk__ref_best_sort_by_score(yk__ref_best *best);  /* best first */
void yk__ref_best_sort_by_anchor(yk__ref_best *best); /* rising anchor, then class */

#endif
