/* What an engine file holds besides the model: the self test and the plan sections, as the writer takes them and the reader
 * gives them. */
#ifndef YK_ENGINE_ENGINE_DATA_H
#define YK_ENGINE_ENGINE_DATA_H

#include "graph/tensor.h"

/* A small input and the answer it must give: proof that an engine computes here what it computed where it was built.
 *
 * The input is u8 pictures N x H x W x 3 (BGR, network size, before scaling) or an f32 tensor N x C x H x W already prepared.
 * Each expected output is f32, the graph's output of that position in the dense form at full shape, of which elements
 * first, first+step, first+2*step ... of the row-major order are recorded. An answer y passes against x when
 * |y - x| <= tolerance * max(1, |x|). */
typedef struct yk__selftest_output {
    int32_t index;   /* which of the graph's outputs */
    yk__shape shape; /* full shape of that output */
    int64_t step;    /* >= 1; 1 records every element */
    int64_t n;       /* recorded elements: ceil((count - first) / step) */
    const float *expected;
    int64_t first; /* 0..count-1 */
} yk__selftest_output;

#define YK__SELFTEST_MAX_OUTPUTS 16

typedef struct yk__selftest {
    yk__tensor input;
    yk__selftest_output outputs[YK__SELFTEST_MAX_OUTPUTS];
    int32_t n_outputs; /* 0: there is no self test */
    double tolerance;  /* above 0 */
} yk__selftest;

/* A disposable cache of what planning made: section "plan.<backend>.<isa>". The fingerprint says what can use it (the
 * backend's kernel_set); whoever reads the bytes compares it first, adds YK__FINDING_PLAN_FOREIGN where it differs, and must
 * not trust the bytes beyond their checksum. */
typedef struct yk__engine_plan {
    const char *backend, *isa; /* letters a-z, digits, '-', '_' */
    const char *fingerprint;   /* at most 63 bytes */
    const void *bytes;
    size_t size;
} yk__engine_plan;

#endif
