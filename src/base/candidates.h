/* What crosses from a backend's YolkHead to src/task: the boxes whose score passed the threshold, before NMS. */
#ifndef YK_BASE_CANDIDATES_H
#define YK_BASE_CANDIDATES_H

#include <stdbool.h>
#include <stdint.h>

/* The most rows a picture may hand to NMS (Ultralytics' max_nms): with more, the best by score are kept. */
#define YK__MAX_CANDIDATES 30000

typedef struct yk__candidate {
    float box[4]; /* network-input pixels: x1 y1 x2 y2; for oriented boxes cx cy w h */
    float score;  /* probability, 0..1 */
    int32_t class_id;
    int32_t anchor; /* index over all levels: rows outer, columns inner, levels in order */
    int32_t extra;  /* this candidate's row in yk__candidates.extra */
} yk__candidate;

/* One picture's candidates, in rising anchor order (then class). Memory belongs to the context. */
typedef struct yk__candidates {
    int32_t count;
    int32_t capacity; /* items that fit, at most YK__MAX_CANDIDATES */
    int32_t n_extra;  /* floats per row of extra */
    yk__candidate *items;
    float *extra;  /* capacity x n_extra: mask coefficients raw; keypoints decoded to pixels, visibility as probability;
                      angle in radians */
    int64_t found; /* how many passed the threshold before the capacity cut */
} yk__candidates;

/* Read at run time by the head; never part of a plan. */
typedef struct yk__head_params {
    float conf;                /* keep score > conf, compared in f32, strict */
    bool multi_label;          /* a row per class above conf; otherwise the first best class only */
    const uint8_t *class_mask; /* n_classes bytes, 0 = drop; NULL keeps all */
} yk__head_params;

#endif
