/* What the files of `yolk compare` share: two sides, stages between picture and answer, and what is found at each. */
#ifndef YOLK_APPS_COMPARE_H
#define YOLK_APPS_COMPARE_H

#include "cli.h"

/* Two ways of computing the same thing in f32 differ by rounding. Per element of a tensor, as part of its largest element:
 * convolutions sum thousands of products in different orders, and hundreds of layers follow one another. */
#define COMPARE_TENSOR 1e-4
/* Answers: confidences, box edges in pixels (doubled in pictures of 1080 pixels and more, where an error is scaled up),
 * keypoints (twice a box's error by their formula), radians, overlap of masks. */
#define COMPARE_SCORE    5e-5
#define COMPARE_BOX      0.01
#define COMPARE_ANGLE    1e-4
#define COMPARE_MASK_IOU 0.998

typedef struct compare_side {
    const char *name; /* as typed */
    const char *device;
    yk_engine *engine; /* or NULL: */
    yk_arrays *arrays;
    yk_context *context;
    yk_engine_info info;
} compare_side;

typedef struct compare_setup {
    compare_side a, b;
    yk_predict_options predict; /* the same for both */
    double slack;               /* --tolerance: all tolerances times this */
    bool json;
} compare_setup;

/* ---- tensors (compare_tensor.c) ---- */

typedef struct compare_difference {
    bool equal;      /* within the tolerance */
    size_t n;        /* numbers compared */
    double worst;    /* the largest difference, infinite for a number against none */
    double relative; /* worst as part of the largest number of either */
    double a, b;     /* the two numbers of the worst place */
    char where[128]; /* its place, "[0,3,20,11]" */
} compare_difference;

/* False when the shapes differ or a type has no numbers. tolerance: of differences, as part of the largest number, which
 * counts as at least 1. */
bool compare_tensors(const yk_tensor *a, const yk_tensor *b, double tolerance, compare_difference *out);

/* ---- detections (compare_match.c) ---- */

#define COMPARE_NONE SIZE_MAX

/* For each detection of `a` the detection of `b` that it is, or COMPARE_NONE: same class, least difference of coordinates,
 * none twice. From malloc; NULL when out of memory. */
size_t *compare_match_near(const yk_results *a, const yk_results *b, size_t image);
/* The same by overlap: best IoU of at least 0.5, first within a class, then (when other_classes) between classes. */
size_t *compare_match_overlap(const yk_results *a, const yk_results *b, size_t image, bool other_classes);
/* IoU of two detections' boxes (oriented ones as such) and of their masks (-1 without masks). */
double compare_box_iou(const yk_detection *a, const yk_detection *b, bool oriented);
double compare_mask_iou(const yk_results *a, size_t i, const yk_results *b, size_t j, size_t image);

/* Largest differences of one pair. */
typedef struct compare_pair {
    double score, box, angle, points, visible;
} compare_pair;
compare_pair compare_pair_of(const yk_results *a, size_t i, const yk_results *b, size_t j, size_t image);

/* ---- the two ways to compare ---- */

/* Stage by stage on one picture. */
int compare_stages(compare_setup *setup, const char *picture);
/* Answers over many pictures: what is lost, added, renamed, and by how much the rest differs. */
int compare_summary(compare_setup *setup, const char *const *pictures, size_t n);

#endif
