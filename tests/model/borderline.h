/* Detections that a rounding may keep or drop: those whose overlap with a better one lies at the NMS threshold, and those that
 * only such a detection keeps or drops in turn (PARITY section 12: they are reported, not counted as errors). */
#ifndef YK_TESTS_MODEL_BORDERLINE_H
#define YK_TESTS_MODEL_BORDERLINE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct borderline_row {
    int class_id;
    double confidence, box[4];
    bool unmatched;  /* only one side has it */
    bool borderline; /* out: and a rounding explains that */
    size_t index;    /* the caller's */
} borderline_row;

/* rows: those of both sides, matched ones once. Sorts them by descending confidence and sets `borderline`. agnostic: NMS went
 * across classes. */
void borderline_find(borderline_row *rows, size_t n, double threshold, bool agnostic);

#endif
