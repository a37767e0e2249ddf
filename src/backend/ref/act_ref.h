/* The activations that Conv and ConvTranspose can carry (attribute act), and their formulas in f32. */
#ifndef YK_BACKEND_REF_ACT_REF_H
#define YK_BACKEND_REF_ACT_REF_H

#include <math.h>

#include "backend/ref/call_ref.h"

typedef enum yk__ref_act_kind {
    YK__REF_ACT_NONE,
    YK__REF_ACT_SILU,
    YK__REF_ACT_RELU,
    YK__REF_ACT_LEAKY_RELU,
    YK__REF_ACT_SIGMOID,
    YK__REF_ACT_HARDSWISH
} yk__ref_act_kind;

typedef struct yk__ref_act {
    yk__ref_act_kind kind;
    float alpha; /* slope of leaky_relu below zero */
} yk__ref_act;

/* From the node's attributes act and act_alpha; UNSUPPORTED for an unknown name. */
yk__code yk__ref_act_of(const yk__node *node, yk__ref_act *out, yk__error *err) YK__MUST_USE;

static inline float yk__ref_sigmoid(float x) {
    return 1.0f / (1.0f + expf(-x));
}

void yk__ref_act_apply(const yk__ref_act *act, float *values, int64_t n);

#endif
