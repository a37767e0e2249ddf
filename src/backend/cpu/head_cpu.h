/* YolkHead on blocked branch outputs: what the node says, resolved at planning, and the parts that all instruction-set levels
 * share (choosing candidates, decoding survivors). */
#ifndef YK_CPU_HEAD_CPU_H
#define YK_CPU_HEAD_CPU_H

#include "backend/cpu/cpu_isa.h"

#define YK__HEAD_LEVELS   8  /* as graph/infer_ours.c bounds them */
#define YK__HEAD_MAX_BINS 64 /* bins of a side that fit a worker's stack; YOLO has 16 or 1 */

typedef struct yk__head_level {
    int64_t width, height, cells, first_anchor;
    float stride;
} yk__head_level;

typedef struct yk__head_state {
    int32_t n_levels, block;
    yk__head_level levels[YK__HEAD_LEVELS];
    int64_t batch, anchors, reg_max, n_classes, n_extra;
    int64_t end2end_k;     /* at most `anchors` */
    int32_t keypoint_size; /* numbers per keypoint, 0: none */
    bool pose26, obb, raw_angle, one_to_one;
    const float *bins; /* DFL weights, reg_max of them */
} yk__head_state;

yk__code yk__head_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state, yk__error *err);

yk__code yk__head_scan_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                               yk__error *err);

/* Marks (non-zero) the 4x4 tiles of a level that hold a cell whose largest logit reaches `lowest`, and their neighbours up to
 * `grow` tiles away. */
void yk__head_mark_tiles(const yk__head_level *level, const float *largest, float lowest, int32_t grow, uint8_t *tiles);

/* Address of channel c of a cell of level input `at`. */
static inline const float *yk__head_cell(const yk__operand *at, const float *data, int64_t n, int64_t y, int64_t x) {
    return data + n * at->image_stride + y * at->row_stride + x * at->block;
}

/* largest: the largest class logit of every anchor of picture n, NaN left out. */

/* A logit below which sigmoid(logit) > conf is impossible in f32. */
float yk__head_lowest_logit(float conf);
/* Chooses exec->candidates[n] from the scan: score, class and anchor. largest may be -infinity where no class reaches
 * yk__head_lowest_logit. */
void yk__head_candidates(const yk__step *step, const yk__exec *exec, int64_t n, const float *largest);
/* Decodes boxes and extras of chosen candidates from .. to-1. */
void yk__head_finish(const yk__step *step, const yk__exec *exec, int64_t n, int32_t from, int32_t to);
/* One-to-one, dense: rows of box, score, class, extras. rows: end2end_k x 2 candidates of scratch. */
void yk__head_rows(const yk__step *step, const yk__exec *exec, int64_t n, const float *largest, yk__candidate *scratch);
/* cos and sin, oriented boxes: out are grid units before the stride. */
void yk__head_turn(const float d[4], float angle, float px, float py, float out[4]);

#endif
