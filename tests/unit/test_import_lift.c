/* Lifting: each older form of an operator becomes the one of ops.def, and what yolk cannot do is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "import/import.h"
#include "unit/onnx_make.h"

/* Imports the maker's model as a plain network. The model must outlive nothing: constants may point into the packed bytes,
 * which live in the maker's arena. */
static yk__code lift(onnx_make *m, yk__model *out, yk__error *err) {
    size_t size;
    const uint8_t *const bytes = onnx_pack(m, &size);
    return yk__import_network(bytes, size, NULL, true, out, err);
}

static void lift_ok(onnx_make *m, yk__model *out) {
    yk__error err = {0};
    const yk__code code = lift(m, out, &err);
    if (code != YK__OK) fail_msg("%s: %s", yk__code_name(code), err.message);
}

/* The import fails with this code and every word is in the message. */
static void lift_fails(onnx_make *m, yk__code code, const char *word, const char *another) {
    yk__model out;
    yk__error err = {0};
    const yk__code got = lift(m, &out, &err);
    if (got == YK__OK) yk__model_free(&out);
    if (got != code || !strstr(err.message, word) || !strstr(err.message, another)) {
        fail_msg("wanted %s with \"%s\" and \"%s\", got %s: %s", yk__code_name(code), word, another, yk__code_name(got),
                 err.message);
    }
    onnx_end(m);
}

static void done(onnx_make *m, yk__model *model) {
    yk__model_free(model);
    onnx_end(m);
}

/* A model x -> y with one operator, "x" f32 1x3x4x4 and "y" undeclared. */
static Onnx__NodeProto *one(onnx_make *m, int64_t opset, const char *op, const char *in) {
    onnx_begin(m, opset);
    onnx_input(m, "x", ONNX_FLOAT, "1x3x4x4");
    Onnx__NodeProto *const node = onnx_node(m, op, in, "y");
    onnx_output(m, "y", ONNX_FLOAT, NULL);
    return node;
}

static const yk__node *find(const yk__model *model, yk__op op) {
    const yk__node *found = NULL;
    for (int32_t i = 0; i < model->graph.n_nodes; i++) {
        if (model->graph.nodes[i].op != op) continue;
        assert_null(found);
        found = &model->graph.nodes[i];
    }
    if (!found) fail_msg("no node %s", yk__op_info_get(op)->name);
    return found;
}

static const yk__value *input(const yk__model *model, const yk__node *node, int i) {
    assert_true(i < node->n_in && node->in[i] >= 0);
    return &model->graph.values[node->in[i]];
}

#define ASSERT_I64S(value, ...) \
    assert_i64s((value), (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]){__VA_ARGS__})
static void assert_i64s(const yk__value *value, int n, const int64_t *wanted) {
    assert_non_null(value->data);
    assert_int_equal(value->dtype, YK__DTYPE_I64);
    assert_int_equal(value->shape.rank, 1);
    assert_int_equal(value->shape.dim[0], n);
    assert_memory_equal(value->data, wanted, (size_t)n * sizeof *wanted);
}

static void assert_float(const yk__value *value, float wanted) {
    assert_non_null(value->data);
    assert_int_equal(value->dtype, YK__DTYPE_F32);
    assert_memory_equal(value->data, &wanted, sizeof wanted);
}

/* ---- attributes that became inputs ---- */

static void axes_become_an_input(void **state) {
    (void)state;
    static const struct {
        const char *name;
        yk__op op;
        int64_t before;
    } cases[] = {{"Squeeze", YK__OP_SQUEEZE, 13},        {"Unsqueeze", YK__OP_UNSQUEEZE, 13},
                 {"ReduceSum", YK__OP_REDUCE_SUM, 13},   {"ReduceMax", YK__OP_REDUCE_MAX, 18},
                 {"ReduceMean", YK__OP_REDUCE_MEAN, 18}, {"ReduceL2", YK__OP_REDUCE_L2, 18},
                 {"ReduceMin", YK__OP_REDUCE_MIN, 18},   {"ReduceLogSumExp", YK__OP_REDUCE_LOG_SUM_EXP, 18}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        onnx_make m;
        yk__model model;
        Onnx__NodeProto *node = one(&m, cases[i].before - 1, cases[i].name, "x");
        ONNX_INTS(&m, node, "axes", 0, -1);
        lift_ok(&m, &model);
        ASSERT_I64S(input(&model, find(&model, cases[i].op), 1), 0, -1);
        assert_null(yk__node_attr(find(&model, cases[i].op), "axes"));
        done(&m, &model);

        one(&m, cases[i].before, cases[i].name, "x a");
        ONNX_I64S(&m, "a", "1", 0);
        lift_ok(&m, &model);
        ASSERT_I64S(input(&model, find(&model, cases[i].op), 1), 0);
        done(&m, &model);
    }
}

static void reductions_keep_their_other_attributes(void **state) {
    (void)state;
    onnx_make m;
    yk__model model;
    Onnx__NodeProto *node = one(&m, 11, "ReduceMax", "x");
    onnx_int(&m, node, "keepdims", 0);
    ONNX_INTS(&m, node, "axes", 1);
    lift_ok(&m, &model);
    assert_int_equal(yk__node_int(find(&model, YK__OP_REDUCE_MAX), "keepdims", 1), 0);
    done(&m, &model);
}

static void old_slice(void **state) {
    (void)state;
    onnx_make m;
    yk__model model;
    Onnx__NodeProto *node = one(&m, 9, "Slice", "x");
    ONNX_INTS(&m, node, "starts", 1, 2);
    ONNX_INTS(&m, node, "ends", 3, 9223372036854775807);
    ONNX_INTS(&m, node, "axes", 2, 3);
    lift_ok(&m, &model);
    const yk__node *slice = find(&model, YK__OP_SLICE);
    assert_int_equal(slice->n_in, 4);
    ASSERT_I64S(input(&model, slice, 1), 1, 2);
    ASSERT_I64S(input(&model, slice, 2), 3, 9223372036854775807);
    ASSERT_I64S(input(&model, slice, 3), 2, 3);
    done(&m, &model);

    node = one(&m, 9, "Slice", "x");
    ONNX_INTS(&m, node, "starts", 1);
    lift_fails(&m, YK__FORMAT, "Slice", "ends");
}

static void old_clip(void **state) {
    (void)state;
    onnx_make m;
    yk__model model;
    Onnx__NodeProto *node = one(&m, 10, "Clip", "x");
    onnx_float(&m, node, "max", 6);
    lift_ok(&m, &model);
    const yk__node *clip = find(&model, YK__OP_CLIP);
    assert_int_equal(clip->n_in, 3);
    assert_int_equal(clip->in[1], YK__NO_VALUE);
    assert_float(input(&model, clip, 2), 6);
    done(&m, &model);

    one(&m, 10, "Clip", "x"); /* no bounds at all */
    lift_ok(&m, &model);
    assert_int_equal(find(&model, YK__OP_CLIP)->n_in, 1);
    done(&m, &model);
}

static void old_pad(void **state) {
    (void)state;
    onnx_make m;
    yk__model model;
    Onnx__NodeProto *node = one(&m, 10, "Pad", "x");
    ONNX_INTS(&m, node, "pads", 0, 0, 1, 1, 0, 0, 1, 1);
    onnx_float(&m, node, "value", 0.5f);
    onnx_string(&m, node, "mode", "constant");
    lift_ok(&m, &model);
    const yk__node *pad = find(&model, YK__OP_PAD);
    ASSERT_I64S(input(&model, pad, 1), 0, 0, 1, 1, 0, 0, 1, 1);
    assert_float(input(&model, pad, 2), 0.5f);
    assert_string_equal(yk__node_string(pad, "mode", ""), "constant");
    done(&m, &model);
}

static void split_forms(void **state) {
    (void)state;
    onnx_make m;
    yk__model model;
    Onnx__NodeProto *node = one(&m, 12, "Split", "x");
    onnx_names(&m, "z", &node->output, &node->n_output);
    ONNX_INTS(&m, node, "split", 1, 2);
    onnx_int(&m, node, "axis", 1);
    lift_ok(&m, &model);
    const yk__node *split = find(&model, YK__OP_SPLIT);
    ASSERT_I64S(input(&model, split, 1), 1, 2);
    assert_int_equal(split->n_out, 2);
    assert_int_equal(yk__node_int(split, "axis", 0), 1);
    done(&m, &model);

    node = one(&m, 13, "Split", "x"); /* equal parts: as many as outputs */
    onnx_names(&m, "z", &node->output, &node->n_output);
    lift_ok(&m, &model);
    assert_int_equal(yk__node_int(find(&model, YK__OP_SPLIT), "num_outputs", 0), 2);
    done(&m, &model);

    node = one(&m, 18, "Split", "x");
    onnx_int(&m, node, "num_outputs", 3);
    lift_fails(&m, YK__GRAPH, "Split", "num_outputs is 3");

    one(&m, 18, "Split", "x s");
    ONNX_I64S(&m, "s", "1", 3);
    lift_ok(&m, &model);
    ASSERT_I64S(input(&model, find(&model, YK__OP_SPLIT), 1), 3);
    assert_null(yk__node_attr(find(&model, YK__OP_SPLIT), "num_outputs"));
    done(&m, &model);
}

static void old_top_k(void **state) {
    (void)state;
    onnx_make m;
    yk__model model;
    Onnx__NodeProto *node = one(&m, 9, "TopK", "x");
    onnx_int(&m, node, "k", 2);
    lift_ok(&m, &model);
    ASSERT_I64S(input(&model, find(&model, YK__OP_TOP_K), 1), 2);
    assert_int_equal(find(&model, YK__OP_TOP_K)->n_out, 2); /* the indices nobody asked for are there */
    done(&m, &model);
}

/* ---- meanings that changed ---- */

/* axis 1 of a 4-d tensor, before 13: over 3*4*4 numbers. */
static void old_softmax_flattens(void **state) {
    (void)state;
    onnx_make m;
    yk__model model;
    one(&m, 12, "Softmax", "x");
    lift_ok(&m, &model);
    assert_int_equal(model.graph.n_nodes, 4);
    assert_int_equal(yk__node_int(find(&model, YK__OP_FLATTEN), "axis", 0), 1);
    assert_int_equal(yk__node_int(find(&model, YK__OP_SOFTMAX), "axis", 0), -1);
    assert_int_equal(find(&model, YK__OP_RESHAPE)->in[1], find(&model, YK__OP_SHAPE)->out[0]);
    done(&m, &model);
}

static void old_softmax_over_the_last_axis_stays(void **state) {
    (void)state;
    onnx_make m;
    yk__model model;
    Onnx__NodeProto *node = one(&m, 11, "LogSoftmax", "x");
    onnx_int(&m, node, "axis", 3);
    lift_ok(&m, &model);
    assert_int_equal(model.graph.n_nodes, 1);
    assert_int_equal(yk__node_int(find(&model, YK__OP_LOG_SOFTMAX), "axis", 0), -1);
    done(&m, &model);

    /* the rank follows from a Transpose where nothing declares it */
    onnx_begin(&m, 12);
    onnx_input(&m, "x", ONNX_FLOAT, "1x3x4x4");
    node = onnx_node(&m, "Transpose", "x", "t");
    ONNX_INTS(&m, node, "perm", 0, 2, 3, 1);
    node = onnx_node(&m, "Softmax", "t", "y");
    onnx_int(&m, node, "axis", 3);
    onnx_output(&m, "y", ONNX_FLOAT, NULL);
    lift_ok(&m, &model);
    assert_int_equal(model.graph.n_nodes, 2);
    done(&m, &model);
}

static void new_softmax_keeps_its_axis(void **state) {
    (void)state;
    onnx_make m;
    yk__model model;
    Onnx__NodeProto *node = one(&m, 13, "Softmax", "x");
    onnx_int(&m, node, "axis", 1);
    lift_ok(&m, &model);
    assert_int_equal(yk__node_int(find(&model, YK__OP_SOFTMAX), "axis", 0), 1);
    done(&m, &model);
}

static void resize_forms(void **state) {
    (void)state;
    onnx_make m;
    yk__model model;
    one(&m, 10, "Resize", "x s");
    ONNX_F32S(&m, "s", "4", 1, 1, 2, 2);
    lift_ok(&m, &model);
    const yk__node *resize = find(&model, YK__OP_RESIZE);
    assert_int_equal(resize->n_in, 3);
    assert_int_equal(resize->in[1], YK__NO_VALUE);
    assert_string_equal(yk__node_string(resize, "coordinate_transformation_mode", ""), "asymmetric");
    assert_string_equal(yk__node_string(resize, "nearest_mode", ""), "floor");
    done(&m, &model);

    one(&m, 11, "Resize", "x roi scales sizes"); /* empty tensors stand for absent inputs */
    onnx_weight(&m, "roi", ONNX_FLOAT, "0", "", 0);
    onnx_weight(&m, "scales", ONNX_FLOAT, "0", "", 0);
    ONNX_I64S(&m, "sizes", "4", 1, 3, 8, 8);
    lift_ok(&m, &model);
    resize = find(&model, YK__OP_RESIZE);
    assert_int_equal(resize->in[1], YK__NO_VALUE);
    assert_int_equal(resize->in[2], YK__NO_VALUE);
    ASSERT_I64S(input(&model, resize, 3), 1, 3, 8, 8);
    done(&m, &model);

    Onnx__NodeProto *node = one(&m, 11, "Resize", "x - s");
    ONNX_F32S(&m, "s", "4", 1, 1, 2, 2);
    onnx_string(&m, node, "coordinate_transformation_mode", "half");
    lift_fails(&m, YK__UNSUPPORTED, "Resize", "=\"half\"");
}

static void upsample_becomes_resize(void **state) {
    (void)state;
    onnx_make m;
    yk__model model;
    Onnx__NodeProto *node = one(&m, 7, "Upsample", "x");
    ONNX_FLOATS(&m, node, "scales", 1, 1, 2, 2);
    onnx_string(&m, node, "mode", "nearest");
    lift_ok(&m, &model);
    const yk__node *resize = find(&model, YK__OP_RESIZE);
    assert_int_equal(input(&model, resize, 2)->shape.dim[0], 4);
    assert_string_equal(yk__node_string(resize, "mode", ""), "nearest");
    done(&m, &model);

    one(&m, 9, "Upsample", "x s");
    ONNX_F32S(&m, "s", "4", 1, 1, 3, 3);
    lift_ok(&m, &model);
    assert_string_equal(yk__node_string(find(&model, YK__OP_RESIZE), "nearest_mode", ""), "floor");
    done(&m, &model);
}

static void dropout_passes_on(void **state) {
    (void)state;
    onnx_make m;
    yk__model model;
    Onnx__NodeProto *node = one(&m, 11, "Dropout", "x");
    onnx_float(&m, node, "ratio", 0.3f);
    lift_ok(&m, &model);
    find(&model, YK__OP_IDENTITY);
    assert_int_equal(model.graph.n_nodes, 1);
    done(&m, &model);

    node = one(&m, 13, "Dropout", "x r t");
    onnx_names(&m, "mask", &node->output, &node->n_output);
    ONNX_F32S(&m, "r", "", 0.5f);
    onnx_weight(&m, "t", ONNX_BOOL, "", (uint8_t[]){0}, 1);
    lift_ok(&m, &model);
    find(&model, YK__OP_CONSTANT_OF_SHAPE);
    done(&m, &model);

    one(&m, 13, "Dropout", "x r t");
    ONNX_F32S(&m, "r", "", 0.5f);
    onnx_weight(&m, "t", ONNX_BOOL, "", (uint8_t[]){1}, 1);
    lift_fails(&m, YK__UNSUPPORTED, "Dropout", "training");
}

static void batch_norm_infers_only(void **state) {
    (void)state;
    static const char *const inputs = "x a a a a";
    onnx_make m;
    yk__model model;
    Onnx__NodeProto *node = one(&m, 15, "BatchNormalization", inputs);
    ONNX_F32S(&m, "a", "3", 1, 1, 1);
    onnx_float(&m, node, "epsilon", 0.001f);
    lift_ok(&m, &model);
    /* the attribute is a float in the file; f32 precision is all it has */
    assert_true(yk__node_float(find(&model, YK__OP_BATCH_NORMALIZATION), "epsilon", 0) == (double)0.001f);
    done(&m, &model);

    node = one(&m, 15, "BatchNormalization", inputs);
    ONNX_F32S(&m, "a", "3", 1, 1, 1);
    onnx_int(&m, node, "training_mode", 1);
    lift_fails(&m, YK__UNSUPPORTED, "BatchNormalization", "training_mode=1");

    node = one(&m, 9, "BatchNormalization", inputs);
    ONNX_F32S(&m, "a", "3", 1, 1, 1);
    onnx_names(&m, "mean", &node->output, &node->n_output);
    lift_fails(&m, YK__UNSUPPORTED, "BatchNormalization", "training outputs");
}

static void swish_becomes_silu(void **state) {
    (void)state;
    onnx_make m;
    yk__model model;
    one(&m, 24, "Swish", "x");
    lift_ok(&m, &model);
    find(&model, YK__OP_SILU);
    done(&m, &model);

    Onnx__NodeProto *node = one(&m, 24, "Swish", "x");
    onnx_float(&m, node, "alpha", 2);
    lift_ok(&m, &model);
    find(&model, YK__OP_SIGMOID);
    assert_int_equal(model.graph.n_nodes, 3);
    done(&m, &model);
}

/* ---- types and constants ---- */

static void types_have_names(void **state) {
    (void)state;
    onnx_make m;
    yk__model model;
    Onnx__NodeProto *node = one(&m, 13, "Cast", "x");
    onnx_int(&m, node, "to", ONNX_I64);
    lift_ok(&m, &model);
    assert_string_equal(yk__node_string(find(&model, YK__OP_CAST), "to", ""), "i64");
    done(&m, &model);

    node = one(&m, 13, "Cast", "x"); /* to what it is already */
    onnx_int(&m, node, "to", ONNX_FLOAT);
    lift_ok(&m, &model);
    find(&model, YK__OP_IDENTITY);
    done(&m, &model);

    node = one(&m, 13, "Cast", "x");
    onnx_int(&m, node, "to", ONNX_STRING);
    lift_fails(&m, YK__UNSUPPORTED, "Cast", "string");

    node = one(&m, 25, "Cast", "x");
    onnx_int(&m, node, "to", 17);
    lift_fails(&m, YK__UNSUPPORTED, "Cast", "float8e4m3fn");

    one(&m, 15, "CastLike", "x t");
    ONNX_I64S(&m, "t", "1", 0);
    lift_ok(&m, &model);
    assert_string_equal(yk__node_string(find(&model, YK__OP_CAST), "to", ""), "i64");
    done(&m, &model);

    node = one(&m, 9, "EyeLike", "x");
    onnx_int(&m, node, "dtype", ONNX_I32);
    lift_ok(&m, &model);
    assert_string_equal(yk__node_string(find(&model, YK__OP_EYE_LIKE), "dtype", ""), "i32");
    done(&m, &model);
}

/* x plus a constant of each kind: what Add's second input holds. */
static void constants(void **state) {
    (void)state;
    for (int kind = 0; kind < 5; kind++) {
        onnx_make m;
        yk__model model;
        one(&m, 13, "Add", "x c");
        Onnx__NodeProto *node = onnx_node(&m, "Constant", "", "c"); /* behind its user: order is import's business */
        if (kind == 0) onnx_tensor_attr(&m, node, "value", onnx_tensor(&m, "", ONNX_FLOAT, "2", (float[]){1, 2}, 8));
        if (kind == 1) onnx_float(&m, node, "value_float", 1);
        if (kind == 2) ONNX_FLOATS(&m, node, "value_floats", 1, 2);
        if (kind == 3) onnx_int(&m, node, "value_int", 5);
        if (kind == 4) ONNX_INTS(&m, node, "value_ints", 5, 6);
        lift_ok(&m, &model);
        const yk__value *c = input(&model, find(&model, YK__OP_ADD), 1);
        assert_int_equal(c->dtype, kind < 3 ? YK__DTYPE_F32 : YK__DTYPE_I64);
        assert_int_equal(c->shape.rank, kind == 1 || kind == 3 ? 0 : 1);
        if (kind < 3) assert_true(*(const float *)c->data == 1);
        if (kind >= 3) assert_int_equal(*(const int64_t *)c->data, 5);
        done(&m, &model);
    }
    onnx_make m;
    one(&m, 13, "Add", "x c");
    Onnx__NodeProto *node = onnx_node(&m, "Constant", "", "c");
    onnx_string(&m, node, "value_string", "text");
    lift_fails(&m, YK__UNSUPPORTED, "Constant", "value_string");
}

static void constant_of_shape(void **state) {
    (void)state;
    onnx_make m;
    yk__model model;
    one(&m, 13, "ConstantOfShape", "s");
    ONNX_I64S(&m, "s", "2", 2, 3);
    onnx_tensor_attr(&m, m.graph->node[0], "value", onnx_tensor(&m, "", ONNX_I64, "1", (int64_t[]){7}, 8));
    lift_ok(&m, &model);
    ASSERT_I64S(input(&model, find(&model, YK__OP_CONSTANT_OF_SHAPE), 1), 7);
    done(&m, &model);

    one(&m, 13, "ConstantOfShape", "s");
    ONNX_I64S(&m, "s", "2", 2, 3);
    onnx_tensor_attr(&m, m.graph->node[0], "value", onnx_tensor(&m, "", ONNX_I64, "2", (int64_t[]){7, 8}, 16));
    lift_fails(&m, YK__FORMAT, "ConstantOfShape", "one element");
}

/* Halves become f32 unless they are asked for: weights, types of values, casts. */
static void halves_are_computed_in_f32(void **state) {
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        onnx_make m;
        yk__model model;
        onnx_begin(&m, 18);
        onnx_input(&m, "x", ONNX_FLOAT, "2");
        Onnx__NodeProto *node = onnx_node(&m, "Cast", "x", "h");
        onnx_int(&m, node, "to", ONNX_HALF);
        onnx_node(&m, "Mul", "h w", "p");
        onnx_node(&m, "Mul", "p v", "y");
        onnx_weight(&m, "w", ONNX_HALF, "2", (uint16_t[]){0x3c00, 0xc000}, 4); /* 1, -2 */
        Onnx__TensorProto *listed = onnx_weight(&m, "v", ONNX_HALF, "2", NULL, 0);
        listed->n_int32_data = 2;
        listed->int32_data = yk__arena_copy(&m.arena, (int32_t[]){0x4200, 0x7c00}, 8); /* 3, infinity */
        onnx_declare(&m, "h", ONNX_HALF, "2");
        onnx_output(&m, "y", ONNX_HALF, "2");
        size_t size;
        const uint8_t *const bytes = onnx_pack(&m, &size);
        assert_int_equal(yk__import_network(bytes, size, NULL, keep, &model, NULL), YK__OK);
        const yk__value *w = input(&model, &model.graph.nodes[1], 1), *v = input(&model, &model.graph.nodes[2], 1);
        const yk__value *y = &model.graph.values[model.graph.outputs[0]];
        if (keep) {
            assert_int_equal(w->dtype, YK__DTYPE_F16);
            assert_int_equal(v->dtype, YK__DTYPE_F16);
            assert_int_equal(((const uint16_t *)v->data)[0], 0x4200);
            assert_int_equal(y->dtype, YK__DTYPE_F16);
            assert_string_equal(yk__node_string(find(&model, YK__OP_CAST), "to", ""), "f16");
        } else {
            const float wanted_w[] = {1, -2}, wanted_v[] = {3, __builtin_inff()};
            assert_int_equal(w->dtype, YK__DTYPE_F32);
            assert_memory_equal(w->data, wanted_w, sizeof wanted_w);
            assert_memory_equal(v->data, wanted_v, sizeof wanted_v);
            assert_int_equal(y->dtype, YK__DTYPE_F32);
            find(&model, YK__OP_IDENTITY);
        }
        done(&m, &model);
    }
}

/* ---- bodies inside bodies ---- */

static Onnx__FunctionProto *function(onnx_make *m, const char *name, const char *in, const char *out) {
    Onnx__FunctionProto *const f = ONNX_NEW(m, Onnx__FunctionProto, ONNX__FUNCTION_PROTO__INIT);
    f->name = onnx_text(m, name);
    f->domain = onnx_text(m, "local");
    onnx_names(m, in, &f->input, &f->n_input);
    onnx_names(m, out, &f->output, &f->n_output);
    ONNX_ADD(m, m->model, functions, f);
    return f;
}

static Onnx__NodeProto *call(onnx_make *m, const char *op, const char *in, const char *out) {
    Onnx__NodeProto *const node = onnx_free_node(m, op, in, out);
    node->domain = onnx_text(m, "local");
    return node;
}

static void functions_are_inlined(void **state) {
    (void)state;
    onnx_make m;
    yk__model model;
    onnx_begin(&m, 18);
    onnx_input(&m, "x", ONNX_FLOAT, "2");
    onnx_output(&m, "y", ONNX_FLOAT, "2");
    /* leaky(a; slope) = LeakyRelu(a, alpha=slope); twice(a, b) = leaky(a) + leaky(a), b not given */
    Onnx__FunctionProto *leaky = function(&m, "leaky", "a", "r");
    Onnx__NodeProto *node = onnx_free_node(&m, "LeakyRelu", "a", "r");
    onnx_attr(&m, node, "alpha", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT)->ref_attr_name = onnx_text(&m, "slope");
    ONNX_ADD(&m, leaky, node, node);
    Onnx__FunctionProto *twice = function(&m, "twice", "a b", "r");
    node = call(&m, "leaky", "a", "p");
    onnx_float(&m, node, "slope", 0.25f);
    ONNX_ADD(&m, twice, node, node);
    ONNX_ADD(&m, twice, node, call(&m, "leaky", "a", "q"));
    ONNX_ADD(&m, twice, node, onnx_free_node(&m, "Add", "p q", "r"));
    ONNX_ADD(&m, m.graph, node, call(&m, "twice", "x", "y"));
    lift_ok(&m, &model);
    assert_int_equal(model.graph.n_nodes, 3);
    assert_true(yk__node_float(&model.graph.nodes[0], "alpha", 0) == 0.25);
    assert_null(yk__node_attr(&model.graph.nodes[1], "alpha"));
    done(&m, &model);
}

static void functions_that_call_themselves_end(void **state) {
    (void)state;
    onnx_make m;
    onnx_begin(&m, 18);
    onnx_input(&m, "x", ONNX_FLOAT, "2");
    onnx_output(&m, "y", ONNX_FLOAT, "2");
    Onnx__FunctionProto *f = function(&m, "f", "a", "r");
    ONNX_ADD(&m, f, node, call(&m, "f", "a", "r"));
    ONNX_ADD(&m, m.graph, node, call(&m, "f", "x", "y"));
    lift_fails(&m, YK__LIMIT, "nested deeper", "f");
}

/* Each of 12 functions calls the next ten times: 10^12 calls without a node. */
static void functions_do_not_multiply(void **state) {
    (void)state;
    onnx_make m;
    onnx_begin(&m, 18);
    onnx_input(&m, "x", ONNX_FLOAT, "2");
    onnx_output(&m, "y", ONNX_FLOAT, "2");
    for (int i = 0; i < 12; i++) {
        char name[16], next[16], out[16];
        snprintf(name, sizeof name, "f%d", i);
        snprintf(next, sizeof next, "f%d", i + 1);
        Onnx__FunctionProto *f = function(&m, name, "a", "a");
        for (int k = 0; i < 11 && k < 10; k++) {
            snprintf(out, sizeof out, "o%d", k);
            ONNX_ADD(&m, f, node, call(&m, next, "a", out));
        }
    }
    ONNX_ADD(&m, m.graph, node, call(&m, "f0", "x", "y"));
    lift_fails(&m, YK__LIMIT, "", ""); /* by nodes looked at or by memory, whichever comes first */
}

static void counts_are_bounded(void **state) {
    (void)state;
    onnx_make m;
    one(&m, 18, "Relu", "x");
    m.model->n_functions = 2049;
    m.model->functions = yk__arena_array(&m.arena, 2049, sizeof *m.model->functions);
    for (size_t i = 0; i < 2049; i++) m.model->functions[i] = ONNX_NEW(&m, Onnx__FunctionProto, ONNX__FUNCTION_PROTO__INIT);
    lift_fails(&m, YK__LIMIT, "2049 functions", "2048");

    one(&m, 18, "Relu", "x");
    Onnx__NodeProto **nodes = yk__arena_array(&m.arena, 100001, sizeof *nodes);
    for (size_t i = 0; i < 100001; i++) nodes[i] = m.graph->node[0];
    m.graph->node = nodes;
    m.graph->n_node = 100001;
    lift_fails(&m, YK__LIMIT, "100001 nodes", "100000");

    Onnx__NodeProto *node = one(&m, 18, "Relu", "x");
    for (int i = 0; i < 65; i++) onnx_int(&m, node, "a", i);
    lift_fails(&m, YK__LIMIT, "65 attributes", "Relu");
}

static Onnx__GraphProto *branch(onnx_make *m, const char *op) {
    Onnx__GraphProto *const g = ONNX_NEW(m, Onnx__GraphProto, ONNX__GRAPH_PROTO__INIT);
    ONNX_ADD(m, g, node, onnx_free_node(m, op, "x", "b"));
    ONNX_ADD(m, g, output, onnx_value(m, "b", ONNX_FLOAT, NULL));
    return g;
}

static void constant_conditions_are_taken(void **state) {
    (void)state;
    for (int taken = 0; taken < 2; taken++) {
        onnx_make m;
        yk__model model;
        Onnx__NodeProto *node = one(&m, 16, "If", "c");
        onnx_weight(&m, "c", ONNX_BOOL, "", (uint8_t[]){(uint8_t)taken}, 1);
        onnx_attr(&m, node, "then_branch", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH)->g = branch(&m, "Relu");
        onnx_attr(&m, node, "else_branch", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH)->g = branch(&m, "Neg");
        lift_ok(&m, &model);
        find(&model, taken ? YK__OP_RELU : YK__OP_NEG);
        assert_int_equal(model.graph.n_nodes, 2);
        done(&m, &model);
    }
    onnx_make m;
    one(&m, 16, "If", "c");
    onnx_input(&m, "c", ONNX_BOOL, "");
    lift_fails(&m, YK__UNSUPPORTED, "If", "constant conditions");
}

/* ---- refusals ---- */

static void operators_are_refused_by_name(void **state) {
    (void)state;
    static const struct {
        const char *op, *domain, *word;
    } cases[] = {{"QLinearConv", "", "int8"},
                 {"ConvInteger", "", "int8"},
                 {"DynamicQuantizeLinear", "", "int8"},
                 {"QuantizeLinear", "", "int8"},
                 {"MatMulInteger", "", "int8"},
                 {"QLinearAdd", "com.microsoft", "int8"},
                 {"Loop", "", "loops"},
                 {"Scan", "", "loops"},
                 {"GridSample", "", "docs/operators.md"},
                 {"FusedConv", "com.microsoft", "com.microsoft::FusedConv"},
                 {"YolkHead", "", "not supported"},
                 {"ImageInput", "", "not supported"},
                 {"Attention", "", "not supported"},
                 {"Silu", "", "not supported"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        onnx_make m;
        Onnx__NodeProto *node = one(&m, 21, cases[i].op, "x");
        node->name = onnx_text(&m, "the_node");
        node->domain = onnx_text(&m, cases[i].domain);
        lift_fails(&m, YK__UNSUPPORTED, cases[i].word, "the_node");
    }
}

static void attributes_are_refused_by_name(void **state) {
    (void)state;
    onnx_make m;
    Onnx__NodeProto *node = one(&m, 18, "Conv", "x w");
    ONNX_F32S(&m, "w", "1x3x1x1", 1, 2, 3);
    onnx_int(&m, node, "swizzle", 1);
    lift_fails(&m, YK__UNSUPPORTED, "Conv", "swizzle");

    node = one(&m, 18, "Conv", "x w");
    ONNX_F32S(&m, "w", "1x3x1x1", 1, 2, 3);
    onnx_string(&m, node, "auto_pad", "SOMETIMES");
    lift_fails(&m, YK__UNSUPPORTED, "auto_pad", "SOMETIMES");

    node = one(&m, 18, "Conv", "x w"); /* ours, not ONNX's: a file may not claim a fused activation twice over */
    ONNX_F32S(&m, "w", "1x3x1x1", 1, 2, 3);
    onnx_float(&m, node, "group", 1);
    lift_fails(&m, YK__FORMAT, "Conv", "wrong type");

    node = one(&m, 18, "Concat", "x x");
    onnx_int(&m, node, "axis", 1);
    onnx_int(&m, node, "axis", 2);
    lift_fails(&m, YK__FORMAT, "axis", "twice");

    one(&m, 18, "Concat", "x x");
    lift_fails(&m, YK__GRAPH, "Concat", "axis");
}

static void versions_are_checked(void **state) {
    (void)state;
    onnx_make m;
    one(&m, 6, "Relu", "x");
    lift_fails(&m, YK__UNSUPPORTED, "opset 6", "7");
    one(&m, 29, "Relu", "x");
    lift_fails(&m, YK__VERSION, "opset 29", "28");
    one(&m, 0, "Relu", "x");
    lift_fails(&m, YK__FORMAT, "opset", "opset_import");
    one(&m, 18, "Relu", "x");
    m.model->ir_version = 15;
    lift_fails(&m, YK__VERSION, "IR version 15", "14");
    one(&m, 17, "Mish", "x"); /* came with 18 */
    lift_fails(&m, YK__GRAPH, "Mish", "opset 18");
}

static void names_must_make_sense(void **state) {
    (void)state;
    onnx_make m;
    one(&m, 18, "Relu", "nowhere");
    lift_fails(&m, YK__GRAPH, "Relu", "nowhere");

    one(&m, 18, "Relu", "x");
    onnx_node(&m, "Neg", "x", "y");
    lift_fails(&m, YK__GRAPH, "\"y\"", "twice");

    one(&m, 18, "Add", "x q");
    onnx_node(&m, "Neg", "y", "q");
    lift_fails(&m, YK__GRAPH, "cycle", "waits");

    one(&m, 18, "Relu", "x");
    onnx_output(&m, "other", ONNX_FLOAT, NULL);
    lift_fails(&m, YK__GRAPH, "output", "other");

    one(&m, 18, "Relu", "x");
    m.graph->n_output = 0;
    lift_fails(&m, YK__GRAPH, "no output", "");

    one(&m, 18, "Conv", "x");
    lift_fails(&m, YK__GRAPH, "Conv", "1 inputs");

    one(&m, 18, "", "x");
    lift_fails(&m, YK__FORMAT, "names no operator", "");
}

/* Written by fp16 converters: casts at the end of the list. */
static void nodes_may_come_in_any_order(void **state) {
    (void)state;
    onnx_make m;
    yk__model model;
    one(&m, 18, "Neg", "b");
    onnx_node(&m, "Exp", "a", "b");
    onnx_node(&m, "Relu", "x", "a");
    lift_ok(&m, &model);
    assert_int_equal(model.graph.nodes[0].op, YK__OP_RELU);
    assert_int_equal(model.graph.nodes[1].op, YK__OP_EXP);
    assert_int_equal(model.graph.nodes[2].op, YK__OP_NEG);
    done(&m, &model);
}

/* IR 3 lists weights among the inputs. */
static void weights_are_no_inputs(void **state) {
    (void)state;
    onnx_make m;
    yk__model model;
    one(&m, 8, "Add", "x w");
    onnx_input(&m, "w", ONNX_FLOAT, "4");
    ONNX_F32S(&m, "w", "4", 1, 2, 3, 4);
    lift_ok(&m, &model);
    assert_int_equal(model.graph.n_inputs, 1);
    assert_non_null(input(&model, &model.graph.nodes[0], 1)->data);
    done(&m, &model);
}

/* Every allocation may fail; nothing leaks (LeakSanitizer) and the code says so. */
static void running_out_of_memory_is_an_error(void **state) {
    (void)state;
    onnx_make m;
    Onnx__NodeProto *node = one(&m, 11, "ReduceMax", "x");
    ONNX_INTS(&m, node, "axes", 1);
    onnx_node(&m, "Softmax", "x", "z");
    ONNX_F32S(&m, "w", "2", 1, 2);
    size_t size;
    const uint8_t *const bytes = onnx_pack(&m, &size);
    for (uint64_t n = 1;; n++) {
        yk__model model;
        yk__error err = {0};
        yk__alloc_fail_after(n);
        const yk__code code = yk__import_network(bytes, size, NULL, false, &model, &err);
        yk__alloc_fail_after(0);
        if (code == YK__OK) {
            yk__model_free(&model);
            assert_true(n > 5);
            break;
        }
        if (code != YK__MEMORY) fail_msg("allocation %d: %s", (int)n, err.message);
    }
    onnx_end(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(axes_become_an_input),
        cmocka_unit_test(reductions_keep_their_other_attributes),
        cmocka_unit_test(old_slice),
        cmocka_unit_test(old_clip),
        cmocka_unit_test(old_pad),
        cmocka_unit_test(split_forms),
        cmocka_unit_test(old_top_k),
        cmocka_unit_test(old_softmax_flattens),
        cmocka_unit_test(old_softmax_over_the_last_axis_stays),
        cmocka_unit_test(new_softmax_keeps_its_axis),
        cmocka_unit_test(resize_forms),
        cmocka_unit_test(upsample_becomes_resize),
        cmocka_unit_test(dropout_passes_on),
        cmocka_unit_test(batch_norm_infers_only),
        cmocka_unit_test(swish_becomes_silu),
        cmocka_unit_test(types_have_names),
        cmocka_unit_test(constants),
        cmocka_unit_test(constant_of_shape),
        cmocka_unit_test(halves_are_computed_in_f32),
        cmocka_unit_test(functions_are_inlined),
        cmocka_unit_test(functions_that_call_themselves_end),
        cmocka_unit_test(functions_do_not_multiply),
        cmocka_unit_test(counts_are_bounded),
        cmocka_unit_test(constant_conditions_are_taken),
        cmocka_unit_test(operators_are_refused_by_name),
        cmocka_unit_test(attributes_are_refused_by_name),
        cmocka_unit_test(versions_are_checked),
        cmocka_unit_test(names_must_make_sense),
        cmocka_unit_test(nodes_may_come_in_any_order),
        cmocka_unit_test(weights_are_no_inputs),
        cmocka_unit_test(running_out_of_memory_is_an_error),
    };
    return cmocka_run_group_tests_name("import lift", tests, NULL, NULL);
}
