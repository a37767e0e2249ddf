/* Each pass alone, on graphs of a few nodes: where it applies, where it must not, and that the outputs stay what they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "unit/optimize_builder.h"

/* Folding rounds each weight once more and sums in f32: values here are below 50, sums have at most 40 terms. */
#define FOLDED 2e-5
/* The same operations in the same order. */
#define EXACT 0.0
/* SiLU in one step rounds once less than x * sigmoid(x): one ulp of values below 16. */
#define ONE_ROUNDING 2e-6

/* ---- remove_identity ---- */

static void identities_are_removed(void **state) {
    (void)state;
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 2, 8, 8));
    int32_t a = op(&m, YK__OP_RELU, IN(x));
    a = op(&m, YK__OP_IDENTITY, IN(a));
    a = op(&m, YK__OP_CAST, IN(a));
    assert_true(yk__node_set_string(&m.graph, last(&m), "to", "f32"));
    a = op(&m, YK__OP_RESHAPE, IN(a, INTS(&m, 1, 2, 8, 8)));
    a = op(&m, YK__OP_TRANSPOSE, IN(a));
    assert_true(yk__node_set_ints(&m.graph, last(&m), "perm", (int64_t[]){0, 1, 2, 3}, 4));
    a = op(&m, YK__OP_SLICE, IN(a, INTS(&m, 0), INTS(&m, INT64_MAX), INTS(&m, 2)));
    a = op(&m, YK__OP_SLICE, IN(a, INTS(&m, 0), INTS(&m, 8), INTS(&m, -1)));
    a = op(&m, YK__OP_PAD, IN(a, INTS(&m, 0, 0, 0, 0, 0, 0, 0, 0)));
    a = op(&m, YK__OP_CONCAT, IN(a));
    set_int(&m, "axis", 1);
    finish(&m, a);
    const char *name = m.graph.values[a].name;
    assert_true(pass_keeps(&m, yk__pass_remove_identity, EXACT));
    assert_int_equal(m.graph.n_nodes, 1);
    assert_string_equal(m.graph.values[m.graph.outputs[0]].name, name); /* outputs keep their names */
    assert_false(pass(&m, yk__pass_remove_identity));
    yk__model_free(&m);
}

static void what_changes_something_stays(void **state) {
    (void)state;
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 2, 8, 8));
    int32_t a = op(&m, YK__OP_TRANSPOSE, IN(x)); /* no perm: reverses */
    a = op(&m, YK__OP_SLICE, IN(a, INTS(&m, 0), INTS(&m, 7), INTS(&m, 1)));
    a = op(&m, YK__OP_SLICE, IN(a, INTS(&m, 0), INTS(&m, INT64_MAX), INTS(&m, 0), INTS(&m, 2)));
    a = op(&m, YK__OP_PAD, IN(a, INTS(&m, 0, 0, 0, 0, 0, 0, 0, 1)));
    a = op(&m, YK__OP_RESHAPE, IN(a, INTS(&m, 7, -1)));
    finish(&m, a);
    assert_false(pass_keeps(&m, yk__pass_remove_identity, EXACT));
    yk__model_free(&m);
}

static void identity_of_an_input_stays(void **state) {
    (void)state;
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 2, 8, 8));
    finish(&m, op(&m, YK__OP_IDENTITY, IN(x))); /* an output must be made by a node */
    assert_false(pass(&m, yk__pass_remove_identity));
    yk__model_free(&m);
}

/* ---- fold_constants, fold_shapes ---- */

static void constants_are_computed(void **state) {
    (void)state;
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 2, 8, 8));
    int32_t c = op(&m, YK__OP_ADD, IN(scalar(&m, 1.5f), scalar(&m, 2)));
    c = op(&m, YK__OP_MUL, IN(c, weights(&m, DIMS(2, 1, 1), 1, 2)));
    finish(&m, op(&m, YK__OP_MUL, IN(x, c)));
    assert_true(pass_keeps(&m, yk__pass_fold_constants, EXACT));
    assert_int_equal(m.graph.n_nodes, 1);
    yk__model_free(&m);
}

static void folding_does_not_blow_up(void **state) {
    (void)state;
    yk__model m;
    start(&m, 64);
    int32_t x = input(&m, DIMS(1, 1, 64, 64));
    int32_t wide = op(&m, YK__OP_EXPAND, IN(scalar(&m, 3), INTS(&m, 1, 16, 64, 64))); /* 4 bytes to 256 KiB */
    finish(&m, op(&m, YK__OP_ADD, IN(x, wide)));
    assert_false(pass_keeps(&m, yk__pass_fold_constants, EXACT));
    yk__model_free(&m);
}

/* Shape -> Gather: the channel count is a constant, the height is not, although this export's is fixed. */
static void shapes_fold_only_where_no_size_matters(void **state) {
    (void)state;
    yk__model m;
    start(&m, 64);
    int32_t x = input(&m, DIMS(1, 6, 64, 64));
    int32_t shape = op(&m, YK__OP_SHAPE, IN(x));
    int32_t half = op(&m, YK__OP_DIV, IN(op(&m, YK__OP_GATHER, IN(shape, INTS(&m, 1))), INTS(&m, 2)));
    int32_t height = op(&m, YK__OP_DIV, IN(op(&m, YK__OP_GATHER, IN(shape, INTS(&m, 2))), INTS(&m, 2)));
    int32_t a = op(&m, YK__OP_SLICE, IN(x, INTS(&m, 0), half, INTS(&m, 1)));
    a = op(&m, YK__OP_SLICE, IN(a, INTS(&m, 0), height, INTS(&m, 2)));
    finish(&m, a);
    assert_true(pass_keeps(&m, yk__pass_fold_shapes, EXACT));
    assert_int_equal(count(&m, YK__OP_GATHER), 1);
    assert_int_equal(count(&m, YK__OP_SHAPE), 1);
    assert_int_equal(count(&m, YK__OP_DIV), 1);
    yk__model_free(&m);
}

static void folding_without_an_evaluator_does_nothing(void **state) {
    (void)state;
    yk__model m;
    bool changed = false;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 2, 8, 8));
    finish(&m, op(&m, YK__OP_MUL, IN(x, op(&m, YK__OP_NEG, IN(scalar(&m, 1))))));
    assert_int_equal(yk__pass_fold_constants(&m, NULL, &changed, NULL), YK__OK);
    assert_int_equal(yk__pass_fold_shapes(&m, NULL, &changed, NULL), YK__OK);
    assert_int_equal(yk__pass_recognise_head(&m, NULL, &changed, NULL), YK__OK);
    assert_int_equal(yk__pass_recognise_attention(&m, NULL, &changed, NULL), YK__OK);
    assert_false(changed);
    yk__model_free(&m);
}

/* ---- merge_identical ---- */

static void identical_nodes_become_one(void **state) {
    (void)state;
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 2, 8, 8));
    int32_t a = op(&m, YK__OP_SIGMOID, IN(x)), b = op(&m, YK__OP_SIGMOID, IN(x));
    int32_t c = op(&m, YK__OP_ADD, IN(a, scalar(&m, 2))), d = op(&m, YK__OP_ADD, IN(b, scalar(&m, 2)));
    int32_t e = op(&m, YK__OP_ADD, IN(b, scalar(&m, 3)));
    int32_t all = op(&m, YK__OP_CONCAT, IN(c, d, e));
    set_int(&m, "axis", 1);
    finish(&m, all);
    assert_true(pass_keeps(&m, yk__pass_merge_identical, EXACT));
    assert_int_equal(count(&m, YK__OP_SIGMOID), 1);
    assert_int_equal(count(&m, YK__OP_ADD), 2);
    yk__model_free(&m);
}

static void different_attributes_and_outputs_stay_apart(void **state) {
    (void)state;
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 2, 8, 8));
    int32_t a = op(&m, YK__OP_LEAKY_RELU, IN(x));
    assert_true(yk__node_set_float(&m.graph, last(&m), "alpha", 0.1));
    int32_t b = op(&m, YK__OP_LEAKY_RELU, IN(x));
    assert_true(yk__node_set_float(&m.graph, last(&m), "alpha", 0.2));
    int32_t c = op(&m, YK__OP_RELU, IN(x)), d = op(&m, YK__OP_RELU, IN(x)); /* both are network outputs */
    finish_n(&m, (int32_t[]){a, b, c, d}, 4);
    assert_false(pass_keeps(&m, yk__pass_merge_identical, EXACT));
    yk__model_free(&m);
}

/* ---- fold_batchnorm, fold_scalar_ops ---- */

static int32_t batch_norm(yk__model *m, int32_t x, int64_t channels) {
    int32_t scale = weights(m, DIMS(channels), 0.5f, 2), bias = weights(m, DIMS(channels), -1, 1);
    int32_t mean = weights(m, DIMS(channels), -1, 1), variance = weights(m, DIMS(channels), 0.25f, 2);
    int32_t y = op(m, YK__OP_BATCH_NORMALIZATION, IN(x, scale, bias, mean, variance));
    assert_true(yk__node_set_float(&m->graph, last(m), "epsilon", 1e-3));
    return y;
}

static void batch_norm_goes_into_a_convolution(void **state) {
    (void)state;
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 4, 8, 8));
    int32_t w = weights(&m, DIMS(6, 2, 3, 3), -0.5f, 0.5f);
    int32_t a = op(&m, YK__OP_CONV, IN(x, w)); /* two groups, no bias */
    set_int(&m, "group", 2);
    finish(&m, batch_norm(&m, a, 6));
    assert_true(pass_keeps(&m, yk__pass_fold_batchnorm, FOLDED));
    assert_int_equal(m.graph.n_nodes, 1);
    yk__model_free(&m);
}

static void batch_norm_goes_into_a_transposed_convolution(void **state) {
    (void)state;
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 4, 8, 8));
    int32_t w = weights(&m, DIMS(4, 3, 2, 2), -0.5f, 0.5f), b = weights(&m, DIMS(6), -1, 1); /* 2 groups, 6 channels out */
    int32_t a = op(&m, YK__OP_CONV_TRANSPOSE, IN(x, w, b));
    set_int(&m, "group", 2);
    assert_true(yk__node_set_ints(&m.graph, last(&m), "strides", (int64_t[]){2, 2}, 2));
    finish(&m, batch_norm(&m, a, 6));
    assert_true(pass_keeps(&m, yk__pass_fold_batchnorm, FOLDED));
    assert_int_equal(count(&m, YK__OP_BATCH_NORMALIZATION), 0);
    yk__model_free(&m);
}

static void batch_norm_elsewhere_stays(void **state) {
    (void)state;
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 4, 8, 8));
    int32_t a = conv(&m, x, 4, 4, 1); /* two readers */
    int32_t b = batch_norm(&m, a, 4), c = op(&m, YK__OP_ADD, IN(a, b));
    finish(&m, batch_norm(&m, c, 4)); /* behind an addition */
    assert_false(pass_keeps(&m, yk__pass_fold_batchnorm, EXACT));
    yk__model_free(&m);
}

static void scalar_operators_go_into_a_convolution(void **state) {
    (void)state;
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 4, 8, 8));
    int32_t a = conv(&m, x, 4, 6, 3);
    a = op(&m, YK__OP_MUL, IN(weights(&m, DIMS(1, 6, 1, 1), 0.5f, 2), a));
    a = op(&m, YK__OP_ADD, IN(a, weights(&m, DIMS(6, 1, 1), -1, 1)));
    a = op(&m, YK__OP_SUB, IN(scalar(&m, 2), a));
    a = op(&m, YK__OP_SUB, IN(a, scalar(&m, 0.5f)));
    finish(&m, op(&m, YK__OP_DIV, IN(a, scalar(&m, 4))));
    assert_true(pass_keeps(&m, yk__pass_fold_scalar_ops, FOLDED));
    assert_int_equal(m.graph.n_nodes, 1);
    yk__model_free(&m);
}

static void other_broadcasts_stay(void **state) {
    (void)state;
    yk__model m;
    start(&m, 4);
    int32_t x = input(&m, DIMS(1, 4, 4, 4));
    int32_t a = conv(&m, x, 4, 4, 1);
    a = op(&m, YK__OP_MUL, IN(a, weights(&m, DIMS(4), 0.5f, 2))); /* along the row: width is 4, too */
    int32_t b = conv(&m, x, 4, 4, 1);
    b = op(&m, YK__OP_ADD, IN(b, weights(&m, DIMS(4, 1), -1, 1))); /* along the column */
    int32_t c = conv(&m, x, 4, 4, 1);
    c = op(&m, YK__OP_DIV, IN(scalar(&m, 4), c)); /* not linear */
    int32_t d = conv(&m, x, 4, 4, 1);
    int32_t e = op(&m, YK__OP_MUL, IN(d, scalar(&m, 2))); /* d has another reader */
    finish_n(&m, (int32_t[]){a, b, c, op(&m, YK__OP_ADD, IN(d, e))}, 4);
    assert_false(pass_keeps(&m, yk__pass_fold_scalar_ops, EXACT));
    yk__model_free(&m);
}

/* ---- merge_padding ---- */

static int32_t pool(yk__model *m, yk__op kind, int32_t x) {
    int32_t y = op(m, kind, IN(x));
    assert_true(yk__node_set_ints(&m->graph, last(m), "kernel_shape", (int64_t[]){2, 2}, 2));
    return y;
}

static void padding_is_merged(void **state) {
    (void)state;
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 4, 8, 8));
    int32_t a = conv(&m, op(&m, YK__OP_PAD, IN(x, INTS(&m, 0, 0, 1, 2, 0, 0, 3, 0))), 4, 4, 3);
    int32_t b = pool(&m, YK__OP_AVERAGE_POOL, op(&m, YK__OP_PAD, IN(x, INTS(&m, 1, 0, 0, 1), scalar(&m, 0), INTS(&m, 2, -1))));
    int32_t c = pool(&m, YK__OP_MAX_POOL, op(&m, YK__OP_PAD, IN(x, INTS(&m, 0, 0, 0, 0, 0, 0, 1, 1), scalar(&m, -INFINITY))));
    finish_n(&m, (int32_t[]){a, b, c}, 3);
    assert_true(pass_keeps(&m, yk__pass_merge_padding, EXACT));
    assert_int_equal(count(&m, YK__OP_PAD), 0);
    yk__model_free(&m);
}

static void padding_that_means_something_else_stays(void **state) {
    (void)state;
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 4, 8, 8));
    int32_t zeros = op(&m, YK__OP_PAD, IN(x, INTS(&m, 0, 0, 0, 0, 0, 0, 1, 1)));
    int32_t a = pool(&m, YK__OP_MAX_POOL, zeros); /* 0 counts in a maximum */
    int32_t b = conv(&m, op(&m, YK__OP_PAD, IN(x, INTS(&m, 0, 0, 1, 1, 0, 0, 1, 1), scalar(&m, 1))), 4, 4, 3); /* ones */
    int32_t c = conv(&m, op(&m, YK__OP_PAD, IN(x, INTS(&m, 0, 1, 0, 0, 0, 0, 0, 0))), 5, 4, 3);                /* a channel */
    int32_t d = conv(&m, op(&m, YK__OP_PAD, IN(x, INTS(&m, 0, 0, 1, 1, 0, 0, 1, 1))), 4, 4, 3);
    assert_true(yk__node_set_string(&m.graph, &m.graph.nodes[m.graph.n_nodes - 2], "mode", "reflect"));
    finish_n(&m, (int32_t[]){a, b, c, d}, 4);
    assert_false(pass_keeps(&m, yk__pass_merge_padding, EXACT));
    yk__model_free(&m);
}

/* ---- fuse_silu ---- */

static void every_spelling_of_silu_is_found(void **state) {
    (void)state;
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 2, 8, 8));
    int32_t a = op(&m, YK__OP_MUL, IN(x, op(&m, YK__OP_SIGMOID, IN(x))));
    int32_t b = op(&m, YK__OP_MUL, IN(op(&m, YK__OP_SIGMOID, IN(x)), x));
    int32_t e = op(&m, YK__OP_EXP, IN(op(&m, YK__OP_NEG, IN(x))));
    int32_t c = op(&m, YK__OP_DIV, IN(x, op(&m, YK__OP_ADD, IN(scalar(&m, 1), e))));
    finish_n(&m, (int32_t[]){a, b, c}, 3);
    assert_true(pass_keeps(&m, yk__pass_fuse_silu, ONE_ROUNDING));
    assert_int_equal(count(&m, YK__OP_SILU), 3);
    assert_int_equal(m.graph.n_nodes, 3);
    yk__model_free(&m);
}

static int32_t relu6_of_x_plus_3(yk__model *m, int32_t x) {
    return op(m, YK__OP_CLIP, IN(op(m, YK__OP_ADD, IN(x, scalar(m, 3))), scalar(m, 0), scalar(m, 6)));
}

static void every_spelling_of_hardswish_is_found(void **state) {
    (void)state;
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 2, 8, 8));
    int32_t h = op(&m, YK__OP_HARD_SIGMOID, IN(x));
    assert_true(yk__node_set_float(&m.graph, last(&m), "alpha", 0.16666667163372));
    int32_t a = op(&m, YK__OP_MUL, IN(x, h));
    int32_t b = op(&m, YK__OP_MUL, IN(x, op(&m, YK__OP_DIV, IN(relu6_of_x_plus_3(&m, x), scalar(&m, 6)))));
    int32_t c = op(&m, YK__OP_DIV, IN(op(&m, YK__OP_MUL, IN(relu6_of_x_plus_3(&m, x), x)), scalar(&m, 6)));
    int32_t d = op(&m, YK__OP_MUL, IN(op(&m, YK__OP_MUL, IN(x, relu6_of_x_plus_3(&m, x))), scalar(&m, 1.0f / 6)));
    finish_n(&m, (int32_t[]){a, b, c, d}, 4);
    assert_true(pass_keeps(&m, yk__pass_fuse_silu, ONE_ROUNDING));
    assert_int_equal(count(&m, YK__OP_HARD_SWISH), 4);
    yk__model_free(&m);
}

static void what_only_looks_like_silu_stays(void **state) {
    (void)state;
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 2, 8, 8));
    int32_t y = op(&m, YK__OP_RELU, IN(x));
    int32_t a = op(&m, YK__OP_MUL, IN(y, op(&m, YK__OP_SIGMOID, IN(x))));      /* another value */
    int32_t b = op(&m, YK__OP_MUL, IN(x, op(&m, YK__OP_HARD_SIGMOID, IN(x)))); /* slope 0.2 */
    int32_t c = op(&m, YK__OP_DIV, IN(op(&m, YK__OP_MUL, IN(x, relu6_of_x_plus_3(&m, x))), scalar(&m, 5)));
    finish_n(&m, (int32_t[]){a, b, c}, 3);
    assert_false(pass_keeps(&m, yk__pass_fuse_silu, EXACT));
    yk__model_free(&m);
}

static void a_sigmoid_with_other_readers_stays_for_them(void **state) {
    (void)state;
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 2, 8, 8)), s = op(&m, YK__OP_SIGMOID, IN(x));
    finish_n(&m, (int32_t[]){op(&m, YK__OP_MUL, IN(x, s)), s}, 2);
    assert_true(pass_keeps(&m, yk__pass_fuse_silu, ONE_ROUNDING));
    assert_int_equal(count(&m, YK__OP_SIGMOID), 1);
    assert_int_equal(count(&m, YK__OP_SILU), 1);
    yk__model_free(&m);
}

/* ---- fuse_activation, fuse_residual ---- */

static void activations_go_into_convolutions(void **state) {
    (void)state;
    static const struct {
        yk__op op;
        const char *act;
    } cases[] = {{YK__OP_SILU, "silu"},
                 {YK__OP_RELU, "relu"},
                 {YK__OP_LEAKY_RELU, "leaky_relu"},
                 {YK__OP_SIGMOID, "sigmoid"},
                 {YK__OP_HARD_SWISH, "hardswish"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int transposed = 0; transposed < 2; transposed++) {
            yk__model m;
            start(&m, 8);
            int32_t x = input(&m, DIMS(1, 4, 8, 8));
            int32_t w = weights(&m, DIMS(4, 4, 3, 3), -0.5f, 0.5f);
            int32_t a = op(&m, transposed ? YK__OP_CONV_TRANSPOSE : YK__OP_CONV, IN(x, w));
            int32_t b = op(&m, cases[i].op, IN(a));
            if (cases[i].op == YK__OP_LEAKY_RELU) assert_true(yk__node_set_float(&m.graph, last(&m), "alpha", 0.1));
            finish(&m, b);
            assert_true(pass_keeps(&m, yk__pass_fuse_activation, ONE_ROUNDING));
            assert_int_equal(m.graph.n_nodes, 1);
            assert_string_equal(yk__node_string(&m.graph.nodes[0], "act", "none"), cases[i].act);
            yk__model_free(&m);
        }
}

static void activations_elsewhere_stay(void **state) {
    (void)state;
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 4, 8, 8));
    int32_t a = conv(&m, x, 4, 4, 1), b = op(&m, YK__OP_SILU, IN(a));                     /* a has two readers */
    int32_t c = op(&m, YK__OP_RELU, IN(op(&m, YK__OP_ADD, IN(a, b))));                    /* behind an addition */
    int32_t d = conv(&m, x, 4, 4, 1), e = op(&m, YK__OP_RELU, IN(d));                     /* d is a network output */
    finish_n(&m, (int32_t[]){c, d, e, op(&m, YK__OP_TANH, IN(conv(&m, x, 4, 4, 1)))}, 4); /* no epilogue for Tanh */
    assert_false(pass_keeps(&m, yk__pass_fuse_activation, EXACT));
    yk__model_free(&m);
}

static void only_one_activation_fits(void **state) {
    (void)state;
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 4, 8, 8));
    finish(&m, op(&m, YK__OP_RELU, IN(op(&m, YK__OP_SIGMOID, IN(conv(&m, x, 4, 4, 1))))));
    assert_true(pass_keeps(&m, yk__pass_fuse_activation, ONE_ROUNDING));
    assert_int_equal(m.graph.n_nodes, 2);
    assert_string_equal(yk__node_string(&m.graph.nodes[0], "act", "none"), "sigmoid");
    yk__model_free(&m);
}

static void residuals_go_into_convolutions(void **state) {
    (void)state;
    for (int side = 0; side < 2; side++) {
        yk__model m;
        start(&m, 64);
        int32_t x = input(&m, DIMS(1, 4, 64, 64));
        int32_t a = conv(&m, x, 4, 4, 3);
        assert_true(yk__node_set_string(&m.graph, last(&m), "act", "silu"));
        finish(&m, side ? op(&m, YK__OP_ADD, IN(x, a)) : op(&m, YK__OP_ADD, IN(a, x)));
        assert_true(pass_keeps(&m, yk__pass_fuse_residual, ONE_ROUNDING));
        assert_int_equal(m.graph.n_nodes, 1);
        assert_int_equal(m.graph.nodes[0].n_in, 4);
        assert_int_equal(m.graph.nodes[0].in[3], m.graph.inputs[0]);
        yk__model_free(&m);
    }
}

static void of_two_convolutions_the_later_takes_the_residual(void **state) {
    (void)state;
    yk__model m;
    start(&m, 64);
    int32_t x = input(&m, DIMS(1, 4, 64, 64));
    int32_t a = conv(&m, x, 4, 4, 1), b = conv(&m, x, 4, 4, 3);
    finish(&m, op(&m, YK__OP_ADD, IN(b, a)));
    assert_true(pass_keeps(&m, yk__pass_fuse_residual, ONE_ROUNDING));
    assert_int_equal(m.graph.n_nodes, 2);
    assert_int_equal(m.graph.nodes[1].n_in, 4);
    assert_int_equal(m.graph.nodes[1].in[3], m.graph.nodes[0].out[0]);
    yk__model_free(&m);
}

static void residuals_chain(void **state) { /* (conv + x) + conv: two additions, two convolutions */
    (void)state;
    yk__model m;
    start(&m, 64);
    int32_t x = input(&m, DIMS(1, 4, 64, 64));
    int32_t a = op(&m, YK__OP_ADD, IN(x, conv(&m, x, 4, 4, 1)));
    finish(&m, op(&m, YK__OP_ADD, IN(a, conv(&m, a, 4, 4, 1))));
    assert_true(pass_keeps(&m, yk__pass_fuse_residual, ONE_ROUNDING));
    assert_int_equal(m.graph.n_nodes, 2);
    yk__model_free(&m);
}

static void additions_that_are_no_residual_stay(void **state) {
    (void)state;
    yk__model m;
    start(&m, 64);
    int32_t x = input(&m, DIMS(1, 4, 64, 64));
    int32_t a = conv(&m, x, 4, 4, 1), b = op(&m, YK__OP_ADD, IN(a, x)); /* a has another reader */
    int32_t c = op(&m, YK__OP_GLOBAL_AVERAGE_POOL, IN(x));
    int32_t d = op(&m, YK__OP_ADD, IN(conv(&m, x, 4, 4, 1), c)); /* broadcasts */
    int32_t e = op(&m, YK__OP_ADD, IN(conv(&m, c, 4, 4, 1), x)); /* broadcasts the convolution */
    finish_n(&m, (int32_t[]){a, b, d, e}, 4);
    assert_false(pass_keeps(&m, yk__pass_fuse_residual, EXACT));
    yk__model_free(&m);
}

/* At 32 x 32 both are 1 x 4 x 1 x 1; at any other size one is larger. */
static void a_size_that_agrees_by_chance_is_no_residual(void **state) {
    (void)state;
    yk__model m;
    start(&m, 32);
    int32_t x = input(&m, DIMS(1, 4, 32, 32));
    int32_t pooled = op(&m, YK__OP_GLOBAL_AVERAGE_POOL, IN(x));
    int32_t small = conv(&m, x, 4, 4, 1);
    assert_true(yk__node_set_ints(&m.graph, last(&m), "strides", (int64_t[]){32, 32}, 2));
    finish(&m, op(&m, YK__OP_ADD, IN(small, pooled)));
    assert_false(pass_keeps(&m, yk__pass_fuse_residual, EXACT));
    yk__model_free(&m);
}

/* ---- canonical_resize, free_reshape ---- */

static int32_t resize(yk__model *m, int32_t x, int32_t scales, int32_t sizes, const char *coordinate, const char *rounding) {
    int32_t y = op(m, YK__OP_RESIZE, IN(x, YK__NO_VALUE, scales, sizes));
    assert_true(yk__node_set_string(&m->graph, last(m), "coordinate_transformation_mode", coordinate));
    assert_true(yk__node_set_string(&m->graph, last(m), "nearest_mode", rounding));
    return y;
}

static int32_t floats4(yk__model *m, float a, float b, float c, float d) {
    yk__shape four = DIMS(4);
    return yk__graph_add_constant(&m->graph, "scales", YK__DTYPE_F32, &four, (float[]){a, b, c, d});
}

static void plain_repetition_gets_one_spelling(void **state) {
    (void)state;
    static const char *const spelling[][2] = {{"asymmetric", "floor"},
                                              {"half_pixel", "round_prefer_floor"},
                                              {"half_pixel", "round_prefer_ceil"},
                                              {"pytorch_half_pixel", "round_prefer_floor"}};
    for (size_t i = 0; i < sizeof spelling / sizeof *spelling; i++)
        for (int by_size = 0; by_size < 2; by_size++) {
            yk__model m;
            start(&m, 64);
            int32_t x = input(&m, DIMS(1, 2, 64, 64));
            int32_t scales = by_size ? YK__NO_VALUE : floats4(&m, 1, 1, 2, 3);
            int32_t sizes = by_size ? INTS(&m, 1, 2, 128, 192) : YK__NO_VALUE;
            finish(&m, resize(&m, x, scales, sizes, spelling[i][0], spelling[i][1]));
            assert_true(pass_keeps(&m, yk__pass_canonical_resize, EXACT)); /* n_in of 4 is not the canonical form */
            const yk__node *node = find(&m, YK__OP_RESIZE);
            assert_int_equal(node->n_in, 3);
            assert_string_equal(yk__node_string(node, "coordinate_transformation_mode", ""), "asymmetric");
            assert_string_equal(yk__node_string(node, "nearest_mode", ""), "floor");
            assert_false(pass(&m, yk__pass_canonical_resize));
            assert_true(yk__graph_size_free(&m.graph, yk__ref_evaluate, NULL));
            yk__model_free(&m);
        }
}

static void other_resizing_keeps_its_rule(void **state) {
    (void)state;
    static const char *const spelling[][2] = {
        {"asymmetric", "ceil"}, {"asymmetric", "round_prefer_ceil"}, {"half_pixel", "floor"}, {"align_corners", "floor"}};
    for (size_t i = 0; i < sizeof spelling / sizeof *spelling; i++) {
        yk__model m;
        start(&m, 64);
        int32_t x = input(&m, DIMS(1, 2, 64, 64));
        finish(&m, resize(&m, x, floats4(&m, 1, 1, 2, 2), YK__NO_VALUE, spelling[i][0], spelling[i][1]));
        pass_keeps(&m, yk__pass_canonical_resize, EXACT);
        assert_string_equal(yk__node_string(find(&m, YK__OP_RESIZE), "nearest_mode", ""), spelling[i][1]);
        yk__model_free(&m);
    }
    yk__model m;
    start(&m, 64);
    int32_t x = input(&m, DIMS(1, 2, 64, 64));
    finish(&m, resize(&m, x, YK__NO_VALUE, INTS(&m, 1, 2, 100, 128), "asymmetric", "floor")); /* not a whole factor */
    assert_false(pass_keeps(&m, yk__pass_canonical_resize, EXACT));
    assert_false(yk__graph_size_free(&m.graph, yk__ref_evaluate, NULL));
    yk__model_free(&m);
}

static void computed_sizes_become_factors(void **state) { /* sizes = another value's shape, as CBFuse exports */
    (void)state;
    yk__model m;
    start(&m, 64);
    int32_t x = input(&m, DIMS(-1, 2, -1, -1));
    int32_t small = pool(&m, YK__OP_MAX_POOL, x);
    assert_true(yk__node_set_ints(&m.graph, last(&m), "strides", (int64_t[]){2, 2}, 2));
    int32_t sizes = op(&m, YK__OP_SHAPE, IN(x));
    finish(&m, resize(&m, small, YK__NO_VALUE, sizes, "asymmetric", "floor"));
    assert_true(pass_keeps(&m, yk__pass_canonical_resize, EXACT));
    assert_int_equal(count(&m, YK__OP_SHAPE), 0);
    yk__model_free(&m);
}

static void baked_reshapes_become_free(void **state) {
    (void)state;
    yk__model m;
    start(&m, 64);
    int32_t x = input(&m, DIMS(1, 8, 64, 64));
    int32_t a = op(&m, YK__OP_RESHAPE, IN(x, INTS(&m, 1, 8, -1)));      /* batch baked */
    int32_t b = op(&m, YK__OP_RESHAPE, IN(a, INTS(&m, 1, 2, 4, 4096))); /* batch and pixels baked */
    int32_t c = op(&m, YK__OP_REDUCE_SUM, IN(b, INTS(&m, 3)));          /* 1 x 2 x 4 x 1 */
    int32_t d = op(&m, YK__OP_RESHAPE, IN(c, INTS(&m, 1, 8)));
    finish_n(&m, (int32_t[]){b, d}, 2);
    const yk__node *culprit = NULL;
    assert_false(yk__graph_size_free(&m.graph, yk__ref_evaluate, &culprit));
    assert_ptr_equal(culprit, &m.graph.nodes[0]);
    assert_true(pass_keeps(&m, yk__pass_free_reshape, EXACT));
    assert_int_equal(count(&m, YK__OP_FLATTEN), 1);
    assert_true(yk__graph_size_free(&m.graph, yk__ref_evaluate, &culprit));
    run_result at_other_size = results(&m, DIMS(3, 8, 32, 96));
    assert_int_equal(at_other_size.outputs[0].shape.dim[0], 3);
    assert_int_equal(at_other_size.outputs[0].shape.dim[3], 32 * 96);
    assert_int_equal(at_other_size.outputs[1].shape.dim[0], 3);
    run_free(&at_other_size);
    assert_false(pass(&m, yk__pass_free_reshape));
    yk__model_free(&m);
}

/* Anchors x cells x numbers to rows x numbers, where the picture is one cell: the group of the cells ends where they do. */
static void a_reshape_of_one_cell_stays(void **state) {
    (void)state;
    yk__model m;
    start(&m, 32);
    int32_t x = input(&m, DIMS(-1, 3, -1, -1));
    int32_t a = pool(&m, YK__OP_AVERAGE_POOL, x);
    assert_true(yk__node_set_ints(&m.graph, last(&m), "kernel_shape", (int64_t[]){32, 32}, 2));
    assert_true(yk__node_set_ints(&m.graph, last(&m), "strides", (int64_t[]){32, 32}, 2));
    int32_t b = op(&m, YK__OP_RESHAPE, IN(a, INTS(&m, 0, 3, -1, 1)));
    int32_t c = op(&m, YK__OP_CONCAT, IN(b, b, b, b, b));
    assert_true(yk__node_set_int(&m.graph, last(&m), "axis", 3)); /* 1 x 3 x cells x 5 */
    finish(&m, op(&m, YK__OP_RESHAPE, IN(c, INTS(&m, 0, -1, 5))));
    pass_keeps(&m, yk__pass_free_reshape, EXACT);
    run_result at_other_size = results(&m, DIMS(1, 3, 64, 96));
    assert_int_equal(at_other_size.outputs[0].shape.dim[1], 3 * 6);
    assert_int_equal(at_other_size.outputs[0].shape.dim[2], 5);
    run_free(&at_other_size);
    yk__model_free(&m);
}

static void a_reshape_of_two_sizes_stays(void **state) { /* 64 x 64 pixels as 32 x 128: no number says that for other sizes */
    (void)state;
    yk__model m;
    start(&m, 64);
    int32_t x = input(&m, DIMS(1, 8, 64, 64));
    finish(&m, op(&m, YK__OP_RESHAPE, IN(x, INTS(&m, 1, 8, 32, 128))));
    pass_keeps(&m, yk__pass_free_reshape, EXACT);
    const yk__node *culprit = NULL;
    assert_false(yk__graph_size_free(&m.graph, yk__ref_evaluate, &culprit));
    assert_ptr_equal(culprit, &m.graph.nodes[0]);
    yk__model_free(&m);
}

/* ---- bound_rows ---- */

static int32_t number_of_rows(yk__model *m, int32_t rows) {
    return op(m, YK__OP_GATHER, IN(op(m, YK__OP_SHAPE, IN(rows)), INTS(m, 0))); /* a list of one */
}

/* What an export with NMS inside does with the rows it counted: class numbers times a constant added to the boxes, the first
 * 16 rows, zeros below them. `height` is what the Pad fills up to. */
static void write_counted_rows(yk__model *m, int64_t height) {
    int64_t ids[64];
    yk__shape sixty_four = DIMS(64);
    for (int i = 0; i < 64; i++) ids[i] = i;
    start(m, 8);
    int32_t x = input(m, DIMS(1, 4, 8, 8));
    int32_t scores = op(m, YK__OP_RESHAPE, IN(op(m, YK__OP_REDUCE_MAX, IN(x, INTS(m, 1))), INTS(m, 64)));
    int32_t chosen = op(m, YK__OP_NON_ZERO, IN(op(m, YK__OP_GREATER, IN(scores, scalar(m, 1.2f)))));
    chosen = op(m, YK__OP_TRANSPOSE, IN(chosen));
    int32_t numbers = yk__graph_add_constant(&m->graph, "ids", YK__DTYPE_I64, &sixty_four, ids);
    int32_t boxes = op(m, YK__OP_GATHER_ND, IN(op(m, YK__OP_RESHAPE, IN(x, INTS(m, 64, 4))), chosen));
    int32_t classes = op(m, YK__OP_GATHER_ND, IN(numbers, chosen));
    int32_t target = op(m, YK__OP_CONCAT, IN(number_of_rows(m, classes), INTS(m, 4)));
    set_int(m, "axis", 0);
    int32_t shift = op(m, YK__OP_EXPAND, IN(op(m, YK__OP_RESHAPE, IN(classes, INTS(m, -1, 1))), target));
    shift = op(m, YK__OP_CAST, IN(shift));
    assert_true(yk__node_set_string(&m->graph, last(m), "to", "f32"));
    int32_t rows = op(m, YK__OP_ADD, IN(boxes, op(m, YK__OP_MUL, IN(shift, scalar(m, 0.125f)))));
    rows = op(m, YK__OP_SLICE, IN(rows, INTS(m, 0), INTS(m, 16), INTS(m, 0)));
    int32_t missing = op(m, YK__OP_SUB, IN(INTS(m, height), number_of_rows(m, rows)));
    int32_t amounts = op(m, YK__OP_CONCAT, IN(INTS(m, 0), op(m, YK__OP_MUL, IN(missing, INTS(m, 4)))));
    set_int(m, "axis", 0);
    int32_t all = op(m, YK__OP_PAD, IN(op(m, YK__OP_RESHAPE, IN(rows, INTS(m, -1))), amounts));
    finish(m, op(m, YK__OP_RESHAPE, IN(all, INTS(m, 1, height, 4))));
}

static bool can_be_planned(const yk__model *m) {
    yk__arena arena;
    yk__arena_init(&arena, 0);
    yk__inferred *values = yk__arena_array(&arena, (size_t)m->graph.n_values, sizeof *values);
    yk__shape shape = DIMS(1, 4, 8, 8);
    yk__code code = yk__infer_graph(&m->graph, &shape, yk__ref_evaluate, 4096, &arena, values, NULL);
    yk__arena_free(&arena);
    return code == YK__OK;
}

static void counted_rows_get_a_bound(void **state) {
    (void)state;
    yk__model m;
    write_counted_rows(&m, 16);
    assert_false(can_be_planned(&m));
    assert_true(pass_keeps(&m, yk__pass_bound_rows, EXACT));
    assert_true(can_be_planned(&m));
    assert_int_equal(count(&m, YK__OP_EXPAND) + count(&m, YK__OP_PAD), 0);
    assert_false(pass(&m, yk__pass_bound_rows));
    yk__model_free(&m);
}

/* A Pad that puts its zeros in front looks alike and is not. */
static void another_padding_keeps_its_pad(void **state) {
    (void)state;
    yk__model m;
    write_counted_rows(&m, 16);
    yk__node *amounts = NULL;
    for (int i = 0; i < m.graph.n_nodes; i++)
        if (m.graph.nodes[i].op == YK__OP_CONCAT) amounts = &m.graph.nodes[i]; /* the last one */
    assert_non_null(amounts);
    int32_t first = amounts->in[0];
    amounts->in[0] = amounts->in[1];
    amounts->in[1] = first;
    pass_keeps(&m, yk__pass_bound_rows, EXACT);
    assert_int_equal(count(&m, YK__OP_PAD), 1);
    assert_false(can_be_planned(&m));
    yk__model_free(&m);
}

/* ---- size_free by itself ---- */

static void bound_nodes_are_named(void **state) {
    (void)state;
    for (int which = 0; which < 5; which++) {
        yk__model m;
        const yk__node *culprit = NULL;
        start(&m, 64);
        int32_t x = input(&m, DIMS(1, 4, 64, 64)), y = op(&m, YK__OP_RELU, IN(x));
        switch (which) {
        case 0: y = op(&m, YK__OP_ADD, IN(y, weights(&m, DIMS(1, 1, 64, 64), 0, 1))); break;
        case 1: y = op(&m, YK__OP_SLICE, IN(y, INTS(&m, 0), INTS(&m, 32), INTS(&m, 2))); break;
        case 2: y = op(&m, YK__OP_GATHER, IN(y, INTS(&m, 0))); break; /* the first picture only */
        case 3: y = resize(&m, y, YK__NO_VALUE, INTS(&m, 1, 4, 128, 128), "half_pixel", "floor"); break;
        default: y = op(&m, YK__OP_REDUCE_SUM, IN(y, INTS(&m, 0))); break; /* the batch is summed up */
        }
        finish(&m, y);
        assert_false(yk__graph_size_free(&m.graph, yk__ref_evaluate, &culprit));
        assert_ptr_equal(culprit, &m.graph.nodes[1]);
        yk__model_free(&m);
    }
}

static void free_graphs_are_free(void **state) {
    (void)state;
    yk__model m;
    start(&m, 64);
    int32_t x = input(&m, DIMS(1, 4, 64, 64));
    int32_t a = op(&m, YK__OP_SLICE, IN(x, INTS(&m, 1), INTS(&m, INT64_MAX), INTS(&m, 2), INTS(&m, 2))); /* every second row */
    int32_t b = op(&m, YK__OP_SLICE, IN(x, INTS(&m, 1), INTS(&m, 3), INTS(&m, 1)));                      /* channels */
    int32_t c = op(&m, YK__OP_SLICE, IN(x, INTS(&m, 0), INTS(&m, -1), INTS(&m, 3))); /* all but the last column */
    finish_n(&m, (int32_t[]){conv(&m, a, 4, 4, 3), b, c}, 3);
    assert_true(yk__graph_size_free(&m.graph, yk__ref_evaluate, NULL));
    yk__model_free(&m);
}

/* ---- remove_dead, canonical_order, the driver ---- */

static void what_nobody_reads_is_dropped(void **state) {
    (void)state;
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 2, 8, 8));
    int32_t out[2] = {value(&m), value(&m)};
    assert_true(yk__graph_add_node(&m.graph, YK__OP_MAX_POOL, "pool", &x, 1, out, 2) >= 0); /* its indices are not read */
    assert_true(yk__node_set_ints(&m.graph, last(&m), "kernel_shape", (int64_t[]){2, 2}, 2));
    op(&m, YK__OP_EXP, IN(op(&m, YK__OP_NEG, IN(x))));
    finish(&m, out[0]);
    assert_true(pass(&m, yk__pass_remove_dead));
    assert_int_equal(m.graph.n_nodes, 1);
    assert_int_equal(m.graph.nodes[0].n_out, 1);
    assert_false(pass(&m, yk__pass_remove_dead));
    yk__model_free(&m);
}

static void order_follows_from_the_network_alone(void **state) {
    (void)state;
    char *dumps[2];
    for (int way = 0; way < 2; way++) { /* the same network, written down in two orders */
        yk__model m;
        yk__text text = {0};
        start(&m, 8);
        int32_t x = input(&m, DIMS(1, 2, 8, 8)), a, b;
        if (way)
            b = op(&m, YK__OP_EXP, IN(x)), a = op(&m, YK__OP_NEG, IN(x));
        else
            a = op(&m, YK__OP_NEG, IN(x)), b = op(&m, YK__OP_EXP, IN(x));
        finish(&m, op(&m, YK__OP_SUB, IN(b, a)));
        pass_keeps(&m, yk__pass_canonical_order, EXACT);
        for (int i = 0; i < m.graph.n_nodes; i++) yk__text_printf(&text, "%s ", yk__op_info_get(m.graph.nodes[i].op)->name);
        dumps[way] = strdup(yk__text_get(&text));
        yk__text_free(&text);
        yk__model_free(&m);
    }
    assert_string_equal(dumps[0], "Exp Neg Sub ");
    assert_string_equal(dumps[1], dumps[0]);
    free(dumps[0]);
    free(dumps[1]);
}

static void operators_are_written_down_in_one_way(void **state) {
    (void)state;
    yk__text text[2] = {{0}, {0}};
    for (int way = 0; way < 2; way++) { /* the same network: bare, and with every default said, in another order */
        yk__model m;
        start(&m, 64);
        int32_t x = input(&m, DIMS(1, 4, 64, 64));
        int32_t w = yk__graph_add_constant(&m.graph, "w", YK__DTYPE_F32, &(yk__shape){.rank = 4, .dim = {4, 4, 1, 1}},
                                           (float[16]){1, 2, 3, 4, 5, 6, 7, 8});
        int32_t a = way ? op(&m, YK__OP_CONV, IN(x, w, YK__NO_VALUE)) : op(&m, YK__OP_CONV, IN(x, w));
        if (way) {
            assert_true(yk__node_set_string(&m.graph, last(&m), "act", "none"));
            assert_true(yk__node_set_ints(&m.graph, last(&m), "strides", (int64_t[]){1, 1}, 2));
            assert_true(yk__node_set_string(&m.graph, last(&m), "auto_pad", "VALID"));
            set_int(&m, "group", 1);
        }
        a = op(&m, YK__OP_CONCAT, IN(x, a));
        set_int(&m, "axis", way ? -3 : 1);
        a = op(&m, YK__OP_SOFTMAX, IN(a));
        if (way) set_int(&m, "axis", 3);
        finish(&m, a);
        for (int v = 0; v < m.graph.n_values; v++) m.graph.values[v].name = "";
        assert_true(pass_keeps(&m, yk__pass_canonical_attributes, EXACT));
        assert_false(pass(&m, yk__pass_canonical_attributes));
        yk__graph_dump(&m.graph, &text[way]);
        yk__model_free(&m);
    }
    assert_string_equal(yk__text_get(&text[0]), yk__text_get(&text[1]));
    yk__text_free(&text[0]);
    yk__text_free(&text[1]);
}

static void silu_residual(yk__model *m) { /* conv, SiLU in two parts, a residual, an identity */
    start(m, 64);
    int32_t x = input(m, DIMS(1, 4, 64, 64)), a = conv(m, x, 4, 4, 3);
    a = op(m, YK__OP_MUL, IN(a, op(m, YK__OP_SIGMOID, IN(a))));
    finish(m, op(m, YK__OP_IDENTITY, IN(op(m, YK__OP_ADD, IN(x, a)))));
}

static int nodes_after(const char *passes) {
    yk__model m;
    yk__error err = {0};
    silu_residual(&m);
    if (yk__optimize(&m, passes, yk__ref_evaluate, &err)) fail_msg("%s", err.message);
    int n = m.graph.n_nodes;
    yk__model_free(&m);
    return n;
}

static void passes_can_be_chosen(void **state) {
    (void)state;
    assert_int_equal(nodes_after(NULL), 1);
    assert_int_equal(nodes_after(""), 1);
    assert_int_equal(nodes_after("none"), 5);
    assert_int_equal(nodes_after("remove_identity"), 4);
    assert_int_equal(nodes_after("remove_identity,fuse_silu"), 3);
    assert_int_equal(nodes_after("-fuse_residual"), 2);
    assert_int_equal(nodes_after("-fuse_silu"), 4); /* conv, sigmoid, mul, add */
    assert_int_equal(nodes_after("-fuse_residual,-fuse_activation"), 3);
}

static void unknown_passes_are_an_error(void **state) {
    (void)state;
    yk__model m;
    yk__error err = {0};
    silu_residual(&m);
    assert_int_equal(yk__optimize(&m, "fuse_silu,fuse_toaster", yk__ref_evaluate, &err), YK__ARGUMENT);
    assert_non_null(strstr(err.message, "fuse_toaster"));
    assert_non_null(strstr(err.message, "fold_constants, ")); /* lists what there is */
    assert_int_equal(yk__optimize(&m, "-nothing", yk__ref_evaluate, NULL), YK__ARGUMENT);
    assert_int_equal(m.graph.n_nodes, 5);
    yk__model_free(&m);
}

/* Every allocation of an optimisation fails once: each time an error or success, never a crash or a broken result. */
static void no_memory_is_an_error(void **state) {
    (void)state;
    for (uint64_t n = 1; n < 4000; n++) {
        yk__model m;
        yk__error err = {0};
        silu_residual(&m);
        yk__alloc_fail_after(n);
        yk__code code = yk__optimize(&m, NULL, yk__ref_evaluate, &err);
        yk__alloc_fail_after(0);
        if (code != YK__OK && code != YK__MEMORY) fail_msg("allocation %d: %s", (int)n, err.message);
        int left = m.graph.n_nodes;
        yk__model_free(&m);
        if (code == YK__OK && left == 1) return;
    }
    fail_msg("still failing after 4000 allocations");
}

/* ---- lowering to bf16 ---- */

/* Convolution i (in order) reads, weighs and makes these types. */
static void expect_types(const yk__model *m, int i, yk__dtype in, yk__dtype out) {
    for (int n = 0; n < m->graph.n_nodes; n++) {
        const yk__node *node = &m->graph.nodes[n];
        if (node->op != YK__OP_CONV || i-- > 0) continue;
        assert_int_equal(m->graph.values[node->in[0]].dtype, in);
        assert_int_equal(m->graph.values[node->in[1]].dtype, in);
        assert_int_equal(m->graph.values[node->in[2]].dtype, YK__DTYPE_F32);
        assert_int_equal(m->graph.values[node->out[0]].dtype, out);
        return;
    }
    fail_msg("no such convolution");
}

static void bf16_lies_between_convolutions(void **state) {
    (void)state;
    const yk__dtype f32 = YK__DTYPE_F32, bf16 = YK__DTYPE_BF16;
    yk__model m;
    yk__error err = {0};
    start(&m, 16);
    int32_t x = input(&m, DIMS(1, 3, 16, 16));
    int32_t a = conv(&m, x, 3, 8, 3); /* few channels: computes in f32, makes bf16 */
    int32_t b = conv(&m, a, 8, 8, 3);
    for (int join = 0; join < 3; join++) { /* the first two joins stay f32, the third does not */
        int32_t both = op(&m, YK__OP_CONCAT, IN(a, b));
        set_int(&m, "axis", 1);
        a = conv(&m, both, 16, 8, 1);
        b = conv(&m, a, 8, 8, 3);
    }
    finish(&m, b); /* an output stays f32 */
    if (yk__lower_bf16(&m, yk__ref_evaluate, &err)) fail_msg("%s", err.message);
    if (yk__graph_verify(&m.graph, &err)) fail_msg("%s", err.message);
    expect_types(&m, 0, f32, bf16);
    expect_types(&m, 1, bf16, f32); /* only a join reads it */
    expect_types(&m, 2, f32, f32);
    expect_types(&m, 3, bf16, f32);
    expect_types(&m, 4, f32, f32);
    expect_types(&m, 6, bf16, bf16);
    expect_types(&m, 7, bf16, f32);
    assert_true(count(&m, YK__OP_CAST) > 0);
    assert_int_equal(m.graph.values[m.graph.outputs[0]].dtype, f32);
    yk__model_free(&m);
}

/* The errors of a filter's weights add up to a fraction of what nearest neighbours would leave. */
static void bf16_weights_are_rounded_in_balance(void **state) {
    (void)state;
    yk__model m;
    yk__error err = {0};
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 32, 8, 8)), y = conv(&m, x, 32, 4, 3);
    finish(&m, y);
    const float *before = m.graph.values[m.graph.nodes[0].in[1]].data;
    if (yk__lower_bf16(&m, yk__ref_evaluate, &err)) fail_msg("%s", err.message);
    const uint16_t *after = m.graph.values[find(&m, YK__OP_CONV)->in[1]].data;
    double all_balanced = 0, all_nearest = 0;
    for (int filter = 0; filter < 4; filter++) {
        double balanced = 0, nearest = 0;
        for (int i = filter * 288; i < (filter + 1) * 288; i++) {
            double off = (double)before[i] - (double)yk__bf16_to_float(after[i]);
            balanced += off;
            nearest += (double)before[i] - (double)yk__bf16_to_float(yk__float_to_bf16(before[i]));
            assert_true(fabs(off) <= 0x1p-8 * 2.0 / 3 * 2 * fabs((double)before[i])); /* two thirds of a unit */
        }
        all_balanced += fabs(balanced);
        all_nearest += fabs(nearest);
    }
    assert_true(all_balanced < all_nearest / 4);
    yk__model_free(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identities_are_removed),
        cmocka_unit_test(what_changes_something_stays),
        cmocka_unit_test(identity_of_an_input_stays),
        cmocka_unit_test(constants_are_computed),
        cmocka_unit_test(folding_does_not_blow_up),
        cmocka_unit_test(shapes_fold_only_where_no_size_matters),
        cmocka_unit_test(folding_without_an_evaluator_does_nothing),
        cmocka_unit_test(identical_nodes_become_one),
        cmocka_unit_test(different_attributes_and_outputs_stay_apart),
        cmocka_unit_test(batch_norm_goes_into_a_convolution),
        cmocka_unit_test(batch_norm_goes_into_a_transposed_convolution),
        cmocka_unit_test(batch_norm_elsewhere_stays),
        cmocka_unit_test(scalar_operators_go_into_a_convolution),
        cmocka_unit_test(other_broadcasts_stay),
        cmocka_unit_test(padding_is_merged),
        cmocka_unit_test(padding_that_means_something_else_stays),
        cmocka_unit_test(every_spelling_of_silu_is_found),
        cmocka_unit_test(every_spelling_of_hardswish_is_found),
        cmocka_unit_test(what_only_looks_like_silu_stays),
        cmocka_unit_test(a_sigmoid_with_other_readers_stays_for_them),
        cmocka_unit_test(activations_go_into_convolutions),
        cmocka_unit_test(activations_elsewhere_stay),
        cmocka_unit_test(only_one_activation_fits),
        cmocka_unit_test(residuals_go_into_convolutions),
        cmocka_unit_test(of_two_convolutions_the_later_takes_the_residual),
        cmocka_unit_test(residuals_chain),
        cmocka_unit_test(additions_that_are_no_residual_stay),
        cmocka_unit_test(a_size_that_agrees_by_chance_is_no_residual),
        cmocka_unit_test(plain_repetition_gets_one_spelling),
        cmocka_unit_test(other_resizing_keeps_its_rule),
        cmocka_unit_test(computed_sizes_become_factors),
        cmocka_unit_test(baked_reshapes_become_free),
        cmocka_unit_test(a_reshape_of_one_cell_stays),
        cmocka_unit_test(a_reshape_of_two_sizes_stays),
        cmocka_unit_test(counted_rows_get_a_bound),
        cmocka_unit_test(another_padding_keeps_its_pad),
        cmocka_unit_test(bound_nodes_are_named),
        cmocka_unit_test(free_graphs_are_free),
        cmocka_unit_test(what_nobody_reads_is_dropped),
        cmocka_unit_test(order_follows_from_the_network_alone),
        cmocka_unit_test(operators_are_written_down_in_one_way),
        cmocka_unit_test(passes_can_be_chosen),
        cmocka_unit_test(unknown_passes_are_an_error),
        cmocka_unit_test(no_memory_is_an_error),
        cmocka_unit_test(bf16_lies_between_convolutions),
        cmocka_unit_test(bf16_weights_are_rounded_in_balance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
