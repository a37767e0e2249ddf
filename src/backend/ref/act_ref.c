/* The activations that Conv and ConvTranspose can carry. */
#include "backend/ref/act_ref.h"

yk__code yk__ref_act_of(const yk__node *node, yk__ref_act *out, yk__error *err) {
    static const char *const names[] = {"none", "silu", "relu", "leaky_relu", "sigmoid", "hardswish"};
    const char *name = yk__node_string(node, "act", "none");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *out = (yk__ref_act){(yk__ref_act_kind)i, (float)yk__node_float(node, "act_alpha", 0)};
        return YK__OK;
    }
    return yk__fail(err, YK__UNSUPPORTED, "'%s': activation '%s' is not known", node->name, name);
}

void yk__ref_act_apply(const yk__ref_act *act, float *values, int64_t n) {
    switch (act->kind) {
    case YK__REF_ACT_NONE: break;
    case YK__REF_ACT_SILU:
        for (int64_t i = 0; i < n; i++) values[i] = values[i] / (1.0f + expf(-values[i]));
        break;
    case YK__REF_ACT_RELU:
        for (int64_t i = 0; i < n; i++) values[i] = values[i] < 0 ? 0 : values[i];
        break;
    case YK__REF_ACT_LEAKY_RELU:
        for (int64_t i = 0; i < n; i++) values[i] = values[i] < 0 ? act->alpha * values[i] : values[i];
        break;
    case YK__REF_ACT_SIGMOID:
        for (int64_t i = 0; i < n; i++) values[i] = yk__ref_sigmoid(values[i]);
        break;
    case YK__REF_ACT_HARDSWISH:
        for (int64_t i = 0; i < n; i++) {
            const float gate = values[i] / 6.0f + 0.5f;
            values[i] *= gate < 0 ? 0 : gate > 1 ? 1 : gate;
        }
        break;
    }
}
