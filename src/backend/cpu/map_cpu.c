/* Elementwise operators and nearest enlargement on blocked tensors: which nodes fit. Loops are in map_template.h. */
#include "backend/cpu/map_cpu.h"

#include <string.h>

#include "backend/cpu/cpu_kernels.h"

static bool blocked_pair(const yk__cpu_isa *isa, const yk__query *query) {
    return query->block == isa->block && yk__cpu_is_map(&query->in[0]) && yk__cpu_is_map(&query->out[0]);
}

static double lanes_of(const yk__cpu_isa *isa, const yk__shape *shape) {
    return (double)((shape->dim[1] + isa->block - 1) / isa->block * isa->block * shape->dim[2] * shape->dim[3]);
}

static yk__activation activation_of(yk__op op) {
    switch (op) {
    case YK__OP_SILU: return YK__ACT_SILU;
    case YK__OP_SIGMOID: return YK__ACT_SIGMOID;
    case YK__OP_RELU: return YK__ACT_RELU;
    case YK__OP_LEAKY_RELU: return YK__ACT_LEAKY_RELU;
    case YK__OP_HARD_SWISH: return YK__ACT_HARD_SWISH;
    default: return YK__ACT_NONE;
    }
}

bool yk__unary_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    if (!blocked_pair(isa, query) || query->in_form[0] != YK__FORM_BLOCKED) return false;
    need->in_form[0] = need->out_form[0] = YK__FORM_BLOCKED;
    need->in_place = true;
    double lanes = lanes_of(isa, &query->in[0].shape);
    need->cost_ns = yk__cpu_shared_ns(isa, query, yk__cpu_move_ns(isa, 2 * lanes) + lanes / isa->block * isa->rates.silu_ns);
    return true;
}

yk__code yk__unary_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                           yk__error *err) {
    (void)kernel;
    yk__map_state *made = yk__arena_alloc(arena, sizeof *made);
    if (!made) return yk__arena_error(arena, "an elementwise step", err);
    made->act = activation_of(step->node->op);
    made->alpha = (float)yk__node_float(step->node, "alpha", 0.01);
    *state = made;
    return YK__OK;
}

/* A constant of one element, or one per channel with every other dimension 1, against N x C x H x W. */
static bool is_per_channel(const yk__inferred *facts, int64_t channels) {
    int64_t count;
    if (!yk__cpu_is_f32(facts) || !facts->data || facts->shape.rank > 4 || !yk__shape_count(&facts->shape, &count))
        return false;
    if (count == 1) return true;
    int32_t at = facts->shape.rank - 3;
    return count == channels && at >= 0 && facts->shape.dim[at] == channels;
}

/* Which operand is the constant; -2 where the pair does not fit. */
static int32_t constant_side(const yk__inferred in[2], const yk__shape *out) {
    for (int32_t i = 0; i < 2; i++) {
        const yk__inferred *other = &in[1 - i];
        if (is_per_channel(&in[i], out->dim[1]) && yk__cpu_is_map(other) && yk__shape_equal(&other->shape, out)) return i;
    }
    bool same = yk__cpu_is_map(&in[0]) && yk__cpu_is_map(&in[1]) && yk__shape_equal(&in[0].shape, out);
    return same && yk__shape_equal(&in[1].shape, out) ? -1 : -2;
}

bool yk__binary_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    if (query->block != isa->block || !yk__cpu_is_map(&query->out[0])) return false;
    int32_t side = constant_side(query->in, &query->out[0].shape);
    if (side == -2) return false;
    if (query->in_form[side == 0 ? 1 : 0] != YK__FORM_BLOCKED) return false;
    for (int32_t i = 0; i < 2; i++) {
        need->in_form[i] = side == i ? YK__FORM_PLAIN : YK__FORM_BLOCKED;
        need->skip[i] = side == i;
    }
    need->out_form[0] = YK__FORM_BLOCKED;
    need->in_place = side != 0;
    need->cost_ns = yk__cpu_shared_ns(isa, query, yk__cpu_move_ns(isa, 3 * lanes_of(isa, &query->out[0].shape)));
    return true;
}

yk__code yk__binary_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                            yk__error *err) {
    const yk__cpu_isa *isa = kernel->data;
    yk__map_state *made = yk__arena_alloc(arena, sizeof *made);
    if (!made) return yk__arena_error(arena, "an elementwise step", err);
    made->binary = step->node->op == YK__OP_ADD   ? YK__BINARY_ADD
                   : step->node->op == YK__OP_SUB ? YK__BINARY_SUB
                                                  : YK__BINARY_MUL;
    made->constant_side = step->in[0].kind == YK__PLACE_CONSTANT ? 0 : step->in[1].kind == YK__PLACE_CONSTANT ? 1 : -1;
    *state = made;
    if (made->constant_side < 0) return YK__OK;
    int64_t channels = step->out[0].shape.dim[1], count = 1;
    int64_t lanes = (channels + isa->block - 1) / isa->block * isa->block;
    const float *from = step->in[made->constant_side].constant;
    float *constant = yk__arena_array(arena, (size_t)lanes, sizeof *constant);
    if (!constant || !yk__shape_count(&step->in[made->constant_side].shape, &count)) {
        return yk__arena_error(arena, "an elementwise step", err);
    }
    for (int64_t c = 0; c < channels; c++) constant[c] = from[count == 1 ? 0 : c];
    made->per_channel = constant;
    return YK__OK;
}

/* Nearest enlargement by whole factors in which output x reads input x / factor: which conventions amount to that. */
static bool repeats(const yk__node *node, int64_t factor) {
    const char *mode = yk__node_string(node, "coordinate_transformation_mode", "half_pixel");
    const char *nearest = yk__node_string(node, "nearest_mode", "round_prefer_floor");
    bool rounds = strcmp(nearest, "round_prefer_floor") == 0 || strcmp(nearest, "round_prefer_ceil") == 0;
    if (strcmp(mode, "asymmetric") == 0) {
        /* x / 2 = k + 1/2 for odd x: rounds down where ties go to the floor */
        return strcmp(nearest, "floor") == 0 || (factor <= 2 && strcmp(nearest, "round_prefer_floor") == 0);
    }
    /* (x + 1/2) / factor - 1/2 never lies half way between two integers */
    return rounds && (strcmp(mode, "half_pixel") == 0 || strcmp(mode, "pytorch_half_pixel") == 0);
}

static bool scales_are(const yk__inferred *scales, int64_t factor_h, int64_t factor_w) {
    int64_t count = 0;
    if (scales->dtype == YK__DTYPE_NONE || !yk__shape_count(&scales->shape, &count) || count == 0) return true;
    if (scales->dtype != YK__DTYPE_F32 || !scales->data || count != 4) return false;
    const float *scale = scales->data;
    return scale[0] == 1 && scale[1] == 1 && scale[2] == (float)factor_h && scale[3] == (float)factor_w;
}

bool yk__enlarge_repeats(const yk__query *query) {
    const yk__node *node = query->node;
    if (yk__node_attr(node, "axes")) return false;
    const int64_t *in = query->in[0].shape.dim, *out = query->out[0].shape.dim;
    if (in[0] != out[0] || in[1] != out[1] || out[2] % in[2] || out[3] % in[3]) return false;
    int64_t factor_h = out[2] / in[2], factor_w = out[3] / in[3];
    if (strcmp(yk__node_string(node, "mode", "nearest"), "nearest") != 0) return false;
    if (strcmp(yk__node_string(node, "keep_aspect_ratio_policy", "stretch"), "stretch") != 0) return false;
    if (!repeats(node, factor_h > factor_w ? factor_h : factor_w)) return false;
    return node->n_in <= 2 || scales_are(&query->in[2], factor_h, factor_w);
}

bool yk__enlarge_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    if (!blocked_pair(isa, query) || !yk__enlarge_repeats(query)) return false;
    need->in_form[0] = need->out_form[0] = YK__FORM_BLOCKED;
    need->skip[1] = need->skip[2] = need->skip[3] = true;
    need->cost_ns = yk__cpu_shared_ns(isa, query, yk__cpu_move_ns(isa, 1.25 * lanes_of(isa, &query->out[0].shape)));
    return true;
}

yk__code yk__enlarge_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                             yk__error *err) {
    (void)kernel;
    yk__map_state *made = yk__arena_alloc(arena, sizeof *made);
    if (!made) return yk__arena_error(arena, "an enlarging step", err);
    made->factor_h = step->out[0].shape.dim[2] / step->in[0].shape.dim[2];
    made->factor_w = step->out[0].shape.dim[3] / step->in[0].shape.dim[3];
    *state = made;
    return YK__OK;
}
