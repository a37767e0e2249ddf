/* The best classes of a probability vector. */
#ifndef YK_TASK_CLASSIFY_H
#define YK_TASK_CLASSIFY_H

#include <stdint.h>

/* Indices of the min(n, k) largest probabilities in descending order; equal ones by lower index (the reference leaves their
 * order open). Returns how many. NaN counts as smaller than everything. */
int yk__classify_top(const float *probs, int32_t n, int32_t *top, int k);

#endif
