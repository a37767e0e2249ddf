/* A guess at what the tail of an export computes, as the YolkHead that would do the same; and its proof.
 * recognise_head.c makes guesses, head_guess.c turns one into a node, head_proof.c tells whether it holds. */
#ifndef YK_OPTIMIZE_HEAD_GUESS_H
#define YK_OPTIMIZE_HEAD_GUESS_H

#include "optimize/prove.h"

#define YK__MAX_LEVELS 8

typedef struct yk__head_guess {
    int n_levels;
    int32_t box[YK__MAX_LEVELS], cls[YK__MAX_LEVELS], extra[YK__MAX_LEVELS]; /* branch outputs, fine level first */
    double stride[YK__MAX_LEVELS];
    int64_t reg_max, classes, n_extra;
    yk__task task;
    const char *family; /* "v8" or "26": how keypoints are read */
    const char *angle;  /* "sigmoid" or "raw" */
    int64_t kpt_shape[2];
    bool one_to_one;
    int64_t k;               /* rows of a one-to-one head */
    int32_t prototypes;      /* segment: the value that leaves as the second output, else YK__NO_VALUE */
    const float *dfl_weight; /* reg_max numbers, NULL for 0, 1, 2 ... */
} yk__head_guess;

/* The YolkHead of a guess on the given inputs (boxes, classes, extras, prototypes); the node's index, -1 when out of memory.
 * Attributes that say what ops.def assumes anyway are left out, so that equal heads look equal. */
int32_t yk__head_make(yk__graph *graph, const yk__head_guess *guess, const int32_t *in, int n_in, const int32_t *out,
                      int n_out);
/* Number of inputs of that node without prototypes. */
int yk__head_branches(const yk__head_guess *guess);
/* Branch b of these, in YolkHead's order: all boxes, all classes, all extras. */
int32_t yk__head_branch(const yk__head_guess *guess, int b);

/* Runs the written-out tail (cone: from the branches to `output`) and the YolkHead on the same made-up branches. */
yk__code yk__head_prove(const yk__graph *graph, const yk__at_size *at, const yk__cone *cone, int32_t output,
                        const yk__head_guess *guess, yk__evaluate_fn evaluate, bool *proven, yk__error *err) YK__MUST_USE;

#endif
