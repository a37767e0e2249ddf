/* Recognises SiLU and HardSwish however they are spelled:
 *   SiLU       x * Sigmoid(x), x / (1 + Exp(-x))
 *   HardSwish  x * HardSigmoid(x; 1/6, 1/2), and x, r = Clip(x + 3, 0, 6) and a factor 1/6 in any order of Mul and Div
 * The inner node may have other readers: it stays for them. */
#include "optimize/passes.h"
#include "optimize/rewrite.h"

#include <math.h>

/* 1/6 as exporters write it: f32 rounding, at most. */
static bool is_sixth(double value) {
    return fabs(value - 1.0 / 6) < 1e-7;
}

static bool is_scalar(const yk__graph *graph, int32_t value, double wanted) {
    double found;
    return yk__constant_scalar(graph, value, &found) && found == wanted;
}

/* value = x + constant, either way round. */
static bool is_sum_with(const yk__rewrite *rewrite, int32_t value, int32_t x, double constant) {
    const yk__node *add = yk__rewrite_maker(rewrite, value);
    if (!add || add->op != YK__OP_ADD) return false;
    return (add->in[0] == x && is_scalar(rewrite->graph, add->in[1], constant)) ||
           (add->in[1] == x && is_scalar(rewrite->graph, add->in[0], constant));
}

/* value = min(max(x + 3, 0), 6) */
static bool is_relu6_of_x_plus_3(const yk__rewrite *rewrite, int32_t value, int32_t x) {
    const yk__node *clip = yk__rewrite_maker(rewrite, value);
    if (!clip || clip->op != YK__OP_CLIP || clip->n_in < 3) return false;
    return is_scalar(rewrite->graph, clip->in[1], 0) && is_scalar(rewrite->graph, clip->in[2], 6) &&
           is_sum_with(rewrite, clip->in[0], x, 3);
}

/* value = of / 6, by Div or by Mul with a sixth; *of is what was divided. */
static bool is_sixth_of(const yk__rewrite *rewrite, const yk__node *node, int32_t *of) {
    double factor;
    if (!node || (node->op != YK__OP_MUL && node->op != YK__OP_DIV)) return false;
    if (node->op == YK__OP_DIV) {
        *of = node->in[0];
        return is_scalar(rewrite->graph, node->in[1], 6);
    }
    for (int k = 0; k < 2; k++) {
        *of = node->in[1 - k];
        if (yk__constant_scalar(rewrite->graph, node->in[k], &factor) && is_sixth(factor)) return true;
    }
    return false;
}

/* gate = Sigmoid(x), HardSigmoid(x) with the slope of HardSwish, or Clip(x + 3, 0, 6) / 6; op is what x * gate then is. */
static bool is_gate(const yk__rewrite *rewrite, int32_t gate, int32_t x, yk__op *op) {
    const yk__node *maker = yk__rewrite_maker(rewrite, gate);
    int32_t clipped;
    if (!maker) return false;
    if (maker->op == YK__OP_SIGMOID) {
        *op = YK__OP_SILU;
        return maker->in[0] == x;
    }
    *op = YK__OP_HARD_SWISH;
    if (maker->op == YK__OP_HARD_SIGMOID)
        return maker->in[0] == x && is_sixth(yk__node_float(maker, "alpha", 0.2)) && yk__node_float(maker, "beta", 0.5) == 0.5;
    return is_sixth_of(rewrite, maker, &clipped) && is_relu6_of_x_plus_3(rewrite, clipped, x);
}

/* node = x / (1 + Exp(Neg(x))) */
static bool is_silu_division(const yk__rewrite *rewrite, const yk__node *node) {
    const yk__node *sum = yk__rewrite_maker(rewrite, node->in[1]);
    if (!sum || sum->op != YK__OP_ADD) return false;
    for (int k = 0; k < 2; k++) {
        const yk__node *power = yk__rewrite_maker(rewrite, sum->in[k]);
        const yk__node *negated = power && power->op == YK__OP_EXP ? yk__rewrite_maker(rewrite, power->in[0]) : NULL;
        if (negated && negated->op == YK__OP_NEG && negated->in[0] == node->in[0] &&
            is_scalar(rewrite->graph, sum->in[1 - k], 1))
            return true;
    }
    return false;
}

/* node = (x * Clip(x + 3, 0, 6)) / 6; *x is found. */
static bool is_hardswish_divided_last(const yk__rewrite *rewrite, const yk__node *node, int32_t *x) {
    int32_t product;
    if (!is_sixth_of(rewrite, node, &product)) return false;
    const yk__node *mul = yk__rewrite_maker(rewrite, product);
    if (!mul || mul->op != YK__OP_MUL) return false;
    for (int k = 0; k < 2; k++) {
        *x = mul->in[k];
        if (is_relu6_of_x_plus_3(rewrite, mul->in[1 - k], *x)) return true;
    }
    return false;
}

static bool find(const yk__rewrite *rewrite, const yk__node *node, int32_t *x, yk__op *op) {
    if (node->op == YK__OP_MUL) {
        for (int k = 0; k < 2; k++) {
            *x = node->in[k];
            if (is_gate(rewrite, node->in[1 - k], *x, op)) return true;
        }
    } else if (node->op == YK__OP_DIV) {
        *x = node->in[0];
        *op = YK__OP_SILU;
        if (is_silu_division(rewrite, node)) return true;
    } else {
        return false;
    }
    *op = YK__OP_HARD_SWISH;
    return is_hardswish_divided_last(rewrite, node, x);
}

YK__PASS(fuse_silu) {
    (void)evaluate;
    yk__rewrite rewrite;
    yk__code code = yk__rewrite_begin(&rewrite, &model->graph, err);
    for (int i = 0; !code && i < model->graph.n_nodes; i++) {
        yk__node *node = &model->graph.nodes[i];
        int32_t x;
        yk__op op;
        if (!find(&rewrite, node, &x, &op)) continue;
        node->op = op;
        node->n_in = 1;
        node->in[0] = x;
        rewrite.changed = true;
    }
    yk__rewrite_end(&rewrite, changed);
    return code;
}
