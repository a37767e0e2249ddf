/* Recognition of heads and attention on small written-out graphs: every reading is found, and what differs in one number, one
 * order or one reader is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "unit/optimize_builder.h"

/* The written-out form and the operator on the same branches: pixels below 100 (a softmax over bins apart), scores and angles
 * below 4. A wrong reading is off by a tenth and more. */
#define SAME_HEAD      2e-4
#define SAME_ATTENTION 1e-5

/* ---- a head, written out as exporters do ---- */

enum { SIDE = 64, LEVELS = 2, ANCHORS = 64 + 16 };

typedef struct tail {
    int64_t reg_max, classes, extra;
    yk__task task;
    int64_t kpt[2];
    bool family26, raw_angle, one_to_one, swapped; /* swapped: class convolutions stand before those of boxes */
    bool old_layout;                               /* box and class of a level joined before the levels are */
    int64_t k;
    float anchor_offset, stride_error; /* 0.5 and 0 in every real head */
    float dfl_step;                    /* 1 */
} tail;

static const tail plain = {.reg_max = 16, .classes = 5, .task = YK__TASK_DETECT, .anchor_offset = 0.5f, .dfl_step = 1};

static int32_t binary(yk__model *m, yk__op kind, int32_t a, int32_t b) {
    return op(m, kind, IN(a, b));
}

static int32_t concat(yk__model *m, const int32_t *in, int n, int64_t axis) {
    int32_t y = op(m, YK__OP_CONCAT, in, n);
    set_int(m, "axis", axis);
    return y;
}

static int32_t slice(yk__model *m, int32_t x, int64_t from, int64_t to, int64_t axis) {
    return op(m, YK__OP_SLICE, IN(x, INTS(m, from), INTS(m, to), INTS(m, axis)));
}

static int32_t transpose(yk__model *m, int32_t x, const int64_t *perm, int n) {
    int32_t y = op(m, YK__OP_TRANSPOSE, IN(x));
    assert_true(yk__node_set_ints(&m->graph, last(m), "perm", perm, n));
    return y;
}

static int32_t branch(yk__model *m, int32_t x, int64_t channels, int64_t stride) {
    int32_t y = conv(m, x, 3, channels, 1);
    assert_true(yk__node_set_ints(&m->graph, last(m), "strides", (int64_t[]){stride, stride}, 2));
    return y;
}

/* 1 x rows x ANCHORS of what `number` says about a cell. */
static int32_t per_anchor(yk__model *m, const tail *t, bool strides) {
    float data[2 * ANCHORS];
    int at = 0;
    for (int level = 0; level < LEVELS; level++) {
        int cells = 8 >> level;
        for (int row = 0; row < cells; row++)
            for (int column = 0; column < cells; column++, at++) {
                data[at] = strides ? (float)(8 << level) + t->stride_error : (float)column + t->anchor_offset;
                data[ANCHORS + at] = (float)row + t->anchor_offset;
            }
    }
    yk__shape shape = strides ? DIMS(1, ANCHORS) : DIMS(1, 2, ANCHORS);
    return yk__graph_add_constant(&m->graph, "anchors", YK__DTYPE_F32, &shape, data);
}

static int32_t flat(yk__model *m, int32_t x, int64_t channels) {
    return op(m, YK__OP_RESHAPE, IN(x, INTS(m, 1, channels, -1)));
}

static int32_t distances(yk__model *m, const tail *t, int32_t boxes) {
    if (t->reg_max == 1) return boxes;
    int32_t d = op(m, YK__OP_RESHAPE, IN(boxes, INTS(m, 1, 4, t->reg_max, ANCHORS)));
    d = transpose(m, d, (int64_t[]){0, 2, 1, 3}, 4);
    d = op(m, YK__OP_SOFTMAX, IN(d));
    set_int(m, "axis", 1);
    float bins[64];
    for (int64_t i = 0; i < t->reg_max; i++) bins[i] = (float)i * t->dfl_step;
    yk__shape shape = DIMS(1, t->reg_max, 1, 1);
    int32_t w = yk__graph_add_constant(&m->graph, "dfl", YK__DTYPE_F32, &shape, bins);
    d = binary(m, YK__OP_CONV, d, w);
    return op(m, YK__OP_RESHAPE, IN(d, INTS(m, 1, 4, ANCHORS)));
}

static int32_t angles(yk__model *m, const tail *t, int32_t raw) {
    if (t->raw_angle) return raw;
    int32_t a = binary(m, YK__OP_SUB, op(m, YK__OP_SIGMOID, IN(raw)), scalar(m, 0.25f));
    return binary(m, YK__OP_MUL, a, scalar(m, 3.14159265f));
}

static int32_t decoded_boxes(yk__model *m, const tail *t, int32_t d, int32_t angle) {
    int32_t lt = slice(m, d, 0, 2, 1), rb = slice(m, d, 2, 4, 1), anchors = per_anchor(m, t, false), box;
    if (t->task == YK__TASK_OBB) {
        int32_t c = op(m, YK__OP_COS, IN(angle)), s = op(m, YK__OP_SIN, IN(angle));
        int32_t half = binary(m, YK__OP_DIV, binary(m, YK__OP_SUB, rb, lt), scalar(m, 2));
        int32_t xf = slice(m, half, 0, 1, 1), yf = slice(m, half, 1, 2, 1);
        int32_t x = binary(m, YK__OP_SUB, binary(m, YK__OP_MUL, xf, c), binary(m, YK__OP_MUL, yf, s));
        int32_t y = binary(m, YK__OP_ADD, binary(m, YK__OP_MUL, xf, s), binary(m, YK__OP_MUL, yf, c));
        int32_t centre = binary(m, YK__OP_ADD, concat(m, IN(x, y), 1), anchors);
        box = concat(m, IN(centre, binary(m, YK__OP_ADD, lt, rb)), 1);
    } else {
        int32_t a = binary(m, YK__OP_SUB, anchors, lt), b = binary(m, YK__OP_ADD, anchors, rb);
        if (t->one_to_one) {
            box = concat(m, IN(a, b), 1);
        } else {
            int32_t centre = binary(m, YK__OP_DIV, binary(m, YK__OP_ADD, a, b), scalar(m, 2));
            box = concat(m, IN(centre, binary(m, YK__OP_SUB, b, a)), 1);
        }
    }
    return binary(m, YK__OP_MUL, box, per_anchor(m, t, true));
}

/* K x D keypoint numbers: (v * 2 + anchor - 0.5) * stride, or (v + anchor) * stride for YOLO26. */
static int32_t keypoints(yk__model *m, const tail *t, int32_t raw) {
    int32_t parts[32], strides = per_anchor(m, t, true), anchors = per_anchor(m, t, false);
    int n = 0;
    for (int64_t i = 0; i < t->extra; i++) {
        int32_t v = slice(m, raw, i, i + 1, 1);
        int64_t part = i % t->kpt[1];
        if (part == 2) {
            parts[n++] = op(m, YK__OP_SIGMOID, IN(v));
            continue;
        }
        int32_t p = slice(m, anchors, part, part + 1, 1);
        v = t->family26
                ? binary(m, YK__OP_ADD, v, p)
                : binary(m, YK__OP_ADD, binary(m, YK__OP_MUL, v, scalar(m, 2)), binary(m, YK__OP_SUB, p, scalar(m, 0.5f)));
        parts[n++] = binary(m, YK__OP_MUL, v, strides);
    }
    return concat(m, parts, n, 1);
}

static int32_t two_outputs(yk__model *m, yk__op kind, int32_t x, int32_t second, int32_t *other) {
    int32_t out[2] = {value(m), value(m)};
    assert_true(yk__graph_add_node(&m->graph, kind, "top", (int32_t[]){x, second}, 2, out, 2) >= 0);
    *other = out[1];
    return out[0];
}

static int32_t gather_rows(yk__model *m, int32_t from, int32_t index, int64_t columns) {
    int32_t wide = op(m, YK__OP_EXPAND, IN(index, INTS(m, 1, 1, columns)));
    int32_t y = op(m, YK__OP_GATHER_ELEMENTS, IN(from, wide));
    set_int(m, "axis", 1);
    return y;
}

/* The two top-k selections of a one-to-one head. */
static int32_t select_best(yk__model *m, const tail *t, int32_t all) {
    int32_t rows = transpose(m, all, (int64_t[]){0, 2, 1}, 3), first, second;
    int32_t boxes = slice(m, rows, 0, 4, 2), scores = slice(m, rows, 4, 4 + t->classes, 2);
    int32_t best = op(m, YK__OP_REDUCE_MAX, IN(scores, INTS(m, 2)));
    set_int(m, "keepdims", 0);
    two_outputs(m, YK__OP_TOP_K, best, INTS(m, t->k), &first);
    int32_t index = op(m, YK__OP_UNSQUEEZE, IN(first, INTS(m, 2)));
    int32_t chosen = gather_rows(m, scores, index, t->classes);
    int32_t score = two_outputs(m, YK__OP_TOP_K, op(m, YK__OP_FLATTEN, IN(chosen)), INTS(m, t->k), &second);
    int64_t n_classes = t->classes;
    yk__shape none = {0};
    int32_t classes = yk__graph_add_constant(&m->graph, "classes", YK__DTYPE_I64, &none, &n_classes);
    int32_t class_id = op(m, YK__OP_CAST, IN(binary(m, YK__OP_MOD, second, classes)));
    assert_true(yk__node_set_string(&m->graph, last(m), "to", "f32"));
    int32_t row = op(m, YK__OP_GATHER_ELEMENTS, IN(first, binary(m, YK__OP_DIV, second, classes)));
    set_int(m, "axis", 1);
    row = op(m, YK__OP_UNSQUEEZE, IN(row, INTS(m, 2)));
    int32_t parts[4] = {gather_rows(m, boxes, row, 4), op(m, YK__OP_UNSQUEEZE, IN(score, INTS(m, 2))),
                        op(m, YK__OP_UNSQUEEZE, IN(class_id, INTS(m, 2))), 0};
    if (t->extra) parts[3] = gather_rows(m, slice(m, rows, 4 + t->classes, 4 + t->classes + t->extra, 2), row, t->extra);
    return concat(m, parts, t->extra ? 4 : 3, 2);
}

static void write_tail(yk__model *m, const tail *t) {
    int32_t box[LEVELS], cls[LEVELS], extra[LEVELS] = {0}, joined[LEVELS];
    start(m, SIDE);
    m->recipe.task = t->task;
    m->recipe.n_classes = (int32_t)t->classes;
    int32_t x = input(m, DIMS(1, 3, SIDE, SIDE));
    for (int level = 0; level < LEVELS; level++) {
        int64_t stride = 8 << level;
        if (t->swapped) cls[level] = branch(m, x, t->classes, stride);
        box[level] = branch(m, x, 4 * t->reg_max, stride);
        if (!t->swapped) cls[level] = branch(m, x, t->classes, stride);
        if (t->extra) extra[level] = branch(m, x, t->extra, stride);
    }
    int32_t boxes, classes, extras = 0;
    if (t->old_layout) {
        for (int level = 0; level < LEVELS; level++)
            joined[level] = flat(m, concat(m, IN(box[level], cls[level]), 1), 4 * t->reg_max + t->classes);
        int32_t all = concat(m, IN(joined[0], joined[1]), 2);
        boxes = slice(m, all, 0, 4 * t->reg_max, 1);
        classes = slice(m, all, 4 * t->reg_max, 4 * t->reg_max + t->classes, 1);
    } else {
        boxes = concat(m, IN(flat(m, box[0], 4 * t->reg_max), flat(m, box[1], 4 * t->reg_max)), 2);
        classes = concat(m, IN(flat(m, cls[0], t->classes), flat(m, cls[1], t->classes)), 2);
    }
    if (t->extra) extras = concat(m, IN(flat(m, extra[0], t->extra), flat(m, extra[1], t->extra)), 2);
    if (t->task == YK__TASK_OBB) extras = angles(m, t, extras);
    int32_t parts[3] = {decoded_boxes(m, t, distances(m, t, boxes), extras), op(m, YK__OP_SIGMOID, IN(classes)), extras};
    if (t->task == YK__TASK_POSE) parts[2] = keypoints(m, t, extras);
    int32_t out[2] = {concat(m, parts, t->extra ? 3 : 2, 1), 0};
    if (t->one_to_one) out[0] = select_best(m, t, out[0]);
    if (t->task == YK__TASK_SEGMENT) out[1] = branch(m, x, t->extra, 4);
    finish_n(m, out, t->task == YK__TASK_SEGMENT ? 2 : 1);
}

static void head_is_found(const tail *t) {
    yk__model m;
    write_tail(&m, t);
    assert_true(pass_keeps(&m, yk__pass_recognise_head, SAME_HEAD));
    assert_int_equal(count(&m, YK__OP_YOLK_HEAD), 1);
    assert_int_equal(m.graph.n_nodes, 1 + LEVELS * (t->extra ? 3 : 2) + (t->task == YK__TASK_SEGMENT));
    const yk__node *node = find(&m, YK__OP_YOLK_HEAD);
    double strides[2] = {0, 0};
    const yk__attr *list = yk__node_attr(node, "strides");
    for (int i = 0; list && i < 2 && i < list->n; i++) strides[i] = list->floats[i];
    assert_true(strides[0] == 8 && strides[1] == 16);
    assert_string_equal(yk__node_string(node, "task", ""), yk__task_name(t->task));
    assert_int_equal(yk__node_int(node, "reg_max", 0), t->reg_max);
    assert_int_equal(yk__node_int(node, "classes", 0), t->classes);
    assert_int_equal(yk__node_int(node, "extra", 0), t->extra);
    assert_int_equal(yk__node_int(node, "one_to_one", 0), t->one_to_one);
    if (t->one_to_one) assert_int_equal(yk__node_int(node, "end2end_k", 0), t->k);
    if (t->task == YK__TASK_POSE) assert_string_equal(yk__node_string(node, "family", "v8"), t->family26 ? "26" : "v8");
    if (t->task == YK__TASK_OBB)
        assert_string_equal(yk__node_string(node, "angle", "sigmoid"), t->raw_angle ? "raw" : "sigmoid");
    assert_true(yk__graph_size_free(&m.graph, yk__ref_evaluate, NULL));
    run_result other = results(&m, DIMS(2, 3, 96, 160)); /* another size, another batch */
    int64_t anchors = 12 * 20 + 6 * 10;
    assert_int_equal(other.outputs[0].shape.dim[0], 2);
    assert_int_equal(other.outputs[0].shape.dim[t->one_to_one ? 1 : 2], t->one_to_one ? t->k : anchors);
    run_free(&other);
    assert_false(pass(&m, yk__pass_recognise_head));
    yk__model_free(&m);
}

static void head_is_left(const tail *t) {
    yk__model m;
    write_tail(&m, t);
    assert_false(pass_keeps(&m, yk__pass_recognise_head, 0));
    assert_false(yk__graph_size_free(&m.graph, yk__ref_evaluate, NULL));
    yk__model_free(&m);
}

static void detection_heads_are_found(void **state) {
    (void)state;
    tail t = plain;
    head_is_found(&t);
    t.old_layout = true;
    head_is_found(&t);
    t = plain;
    t.reg_max = 1; /* YOLO26 */
    head_is_found(&t);
    t.classes = 1;
    head_is_found(&t);
}

static void equal_channel_counts_are_told_apart(void **state) {
    (void)state;
    tail t = plain;
    t.classes = 64; /* as many as 4 x 16 bins */
    head_is_found(&t);
    t.swapped = true;
    head_is_found(&t);
    t.reg_max = 1;
    t.classes = 4;
    head_is_found(&t);
    t.task = YK__TASK_SEGMENT;
    t.extra = 4;
    head_is_found(&t);
}

static void one_to_one_heads_are_found(void **state) {
    (void)state;
    tail t = plain;
    t.one_to_one = true;
    t.k = 30;
    head_is_found(&t);
    t.reg_max = 1;
    t.k = ANCHORS; /* a small export: every anchor is chosen */
    head_is_found(&t);
    t.k = 30;
    t.task = YK__TASK_POSE;
    t.kpt[0] = 2, t.kpt[1] = 3, t.extra = 6;
    t.family26 = true;
    head_is_found(&t);
}

static void heads_with_extras_are_found(void **state) {
    (void)state;
    tail t = plain;
    t.task = YK__TASK_SEGMENT;
    t.extra = 8;
    head_is_found(&t);
    for (int i = 0; i < 4; i++) {
        t = plain;
        t.task = YK__TASK_POSE;
        t.family26 = i % 2;
        t.kpt[0] = 4, t.kpt[1] = 2 + i / 2;
        t.extra = t.kpt[0] * t.kpt[1];
        head_is_found(&t);
    }
    for (int i = 0; i < 4; i++) {
        t = plain;
        t.task = YK__TASK_OBB;
        t.extra = 1;
        t.raw_angle = i % 2;
        t.one_to_one = i / 2;
        t.k = 20;
        head_is_found(&t);
    }
}

static void unusual_bins_are_kept(void **state) {
    (void)state;
    tail t = plain;
    yk__model m;
    t.dfl_step = 0.5f;
    head_is_found(&t);
    write_tail(&m, &t);
    pass(&m, yk__pass_recognise_head);
    const yk__attr *bins = yk__node_attr(find(&m, YK__OP_YOLK_HEAD), "dfl_weight");
    assert_non_null(bins);
    assert_true(bins->n == 16 && bins->floats[3] == 1.5);
    yk__model_free(&m);
    t.dfl_step = 1;
    write_tail(&m, &t);
    pass(&m, yk__pass_recognise_head);
    assert_null(yk__node_attr(find(&m, YK__OP_YOLK_HEAD), "dfl_weight")); /* 0, 1, 2 ... goes without saying */
    yk__model_free(&m);
}

static void pi_of_half_exports_is_read_as_pi(void **state) {
    (void)state;
    tail t = plain;
    yk__model m;
    t.task = YK__TASK_OBB;
    t.extra = 1;
    write_tail(&m, &t);
    for (int v = 0; v < m.graph.n_values; v++) {
        double number;
        if (yk__constant_scalar(&m.graph, v, &number) && fabs(number - 3.14159) < 1e-3)
            *(float *)(uintptr_t)m.graph.values[v].data = 3.140625f;
    }
    assert_true(pass(&m, yk__pass_recognise_head));
    yk__model_free(&m);
}

static void heads_that_differ_in_a_number_are_left(void **state) {
    (void)state;
    tail t = plain;
    t.anchor_offset = 0.45f;
    head_is_left(&t);
    t = plain;
    t.stride_error = 0.01f;
    head_is_left(&t);
    t.anchor_offset = 0;
    head_is_left(&t);
}

static void a_head_that_leaves_branches_as_outputs_is_left(void **state) {
    (void)state;
    yk__model m;
    write_tail(&m, &plain);
    int32_t box = find(&m, YK__OP_CONV)->out[0];
    finish_n(&m, (int32_t[]){m.graph.outputs[0], box, box}, 3);
    assert_false(pass(&m, yk__pass_recognise_head));
    yk__model_free(&m);
}

/* ---- attention, written out as exporters do ---- */

typedef struct block {
    int64_t heads, dim_key, dim_value, area;
    float scale;       /* 0: 1 / sqrt(dim_key) */
    bool scale_behind; /* on the product, not on q */
    bool with_value;   /* v goes to the positional convolution */
    bool mask, value_used_twice, other_reader;
} block;

enum { SIDE_A = 8 };

static int32_t split3(yk__model *m, int32_t x, const block *b, int64_t axis, int32_t out[3]) {
    for (int i = 0; i < 3; i++) out[i] = value(m);
    int32_t sizes = INTS(m, b->dim_key, b->dim_key, b->dim_value);
    assert_true(yk__graph_add_node(&m->graph, YK__OP_SPLIT, "qkv", (int32_t[]){x, sizes}, 2, out, 3) >= 0);
    set_int(m, "axis", axis);
    return out[0];
}

/* From picture-shaped qkv to q, k, v of N * area x heads x width x tokens; tokens first for the spelling of YOLO12. */
static void write_attention(yk__model *m, const block *b) {
    const int64_t width = 2 * b->dim_key + b->dim_value, channels = b->heads * width, pixels = SIDE_A * SIDE_A;
    const int64_t out_channels = b->heads * b->dim_value;
    const float scale = b->scale != 0 ? b->scale : 1 / sqrtf((float)b->dim_key);
    int32_t part[3];
    start(m, SIDE_A);
    int32_t x = input(m, DIMS(1, 4, SIDE_A, SIDE_A)), qkv = conv(m, x, 4, channels, 1), a;
    if (b->area == 1) {
        a = op(m, YK__OP_RESHAPE, IN(qkv, INTS(m, 1, b->heads, width, pixels)));
    } else {
        a = transpose(m, op(m, YK__OP_RESHAPE, IN(qkv, INTS(m, 1, channels, -1))), (int64_t[]){0, 2, 1}, 3);
        a = op(m, YK__OP_RESHAPE, IN(a, INTS(m, b->area, pixels / b->area, b->heads, width)));
        a = transpose(m, a, (int64_t[]){0, 2, 3, 1}, 4);
    }
    split3(m, a, b, 2, part);
    int32_t q = b->scale_behind ? part[0] : binary(m, YK__OP_MUL, part[0], scalar(m, scale));
    int32_t product = binary(m, YK__OP_MATMUL, transpose(m, q, (int64_t[]){0, 1, 3, 2}, 4), part[1]);
    if (b->scale_behind) product = binary(m, YK__OP_MUL, product, scalar(m, scale));
    if (b->mask) product = binary(m, YK__OP_ADD, product, weights(m, DIMS(pixels, pixels), -1, 1));
    int32_t weight = op(m, YK__OP_SOFTMAX, IN(product));
    int32_t mixed = binary(m, YK__OP_MATMUL, part[2], transpose(m, weight, (int64_t[]){0, 1, 3, 2}, 4)), out, v = -1;
    if (b->area == 1) {
        out = op(m, YK__OP_RESHAPE, IN(mixed, INTS(m, 1, out_channels, SIDE_A, SIDE_A)));
        if (b->with_value) v = op(m, YK__OP_RESHAPE, IN(part[2], INTS(m, 1, out_channels, SIDE_A, SIDE_A)));
    } else {
        int32_t both[2] = {mixed, part[2]};
        for (int i = 0; i < 2; i++) {
            both[i] = transpose(m, both[i], (int64_t[]){0, 3, 1, 2}, 4);
            both[i] = op(m, YK__OP_RESHAPE, IN(both[i], INTS(m, 1, SIDE_A, SIDE_A, out_channels)));
            both[i] = transpose(m, both[i], (int64_t[]){0, 3, 1, 2}, 4);
        }
        out = both[0];
        if (b->with_value) v = both[1];
    }
    int32_t y = conv(m, out, out_channels, 4, 1);
    if (v >= 0) y = binary(m, YK__OP_ADD, y, conv(m, v, out_channels, 4, 3));
    if (v >= 0 && b->value_used_twice) y = binary(m, YK__OP_ADD, y, conv(m, v, out_channels, 4, 1));
    if (b->other_reader)
        finish_n(m, (int32_t[]){y, weight}, 2);
    else
        finish(m, y);
}

static const block psa = {.heads = 2, .dim_key = 4, .dim_value = 8, .area = 1, .with_value = true};

static void attention_is_found(const block *b) {
    yk__model m;
    write_attention(&m, b);
    assert_true(pass_keeps(&m, yk__pass_recognise_attention, SAME_ATTENTION));
    const yk__node *node = find(&m, YK__OP_ATTENTION);
    assert_int_equal(yk__node_int(node, "heads", 0), b->heads);
    assert_int_equal(yk__node_int(node, "dim_key", 0), b->dim_key);
    assert_int_equal(yk__node_int(node, "dim_value", 0), b->dim_value);
    assert_int_equal(yk__node_int(node, "area", 0), b->area);
    assert_int_equal(node->n_out, b->with_value ? 2 : 1);
    assert_int_equal(count(&m, YK__OP_SOFTMAX) + count(&m, YK__OP_RESHAPE) + count(&m, YK__OP_TRANSPOSE), 0);
    assert_true(yk__graph_size_free(&m.graph, yk__ref_evaluate, NULL));
    yk__model_free(&m);
}

static void attention_is_left(const block *b) {
    yk__model m;
    write_attention(&m, b);
    assert_false(pass_keeps(&m, yk__pass_recognise_attention, 0));
    yk__model_free(&m);
}

static void attention_blocks_are_found(void **state) {
    (void)state;
    block b = psa;
    attention_is_found(&b);
    b.with_value = false;
    attention_is_found(&b);
    b = psa;
    b.value_used_twice = true;
    attention_is_found(&b);
    b = psa;
    b.scale_behind = true;
    attention_is_found(&b);
    b = (block){.heads = 2, .dim_key = 8, .dim_value = 8, .area = 4, .with_value = true}; /* YOLO12 */
    attention_is_found(&b);
    b.heads = 1;
    attention_is_found(&b);
}

static void an_unusual_scale_is_kept(void **state) {
    (void)state;
    yk__model m;
    block b = psa;
    b.scale = 0.3f;
    attention_is_found(&b);
    write_attention(&m, &b);
    pass(&m, yk__pass_recognise_attention);
    assert_true(yk__node_float(find(&m, YK__OP_ATTENTION), "scale", 0) == 0.3f);
    yk__model_free(&m);
}

static void other_softmaxes_are_left(void **state) {
    (void)state;
    block b = psa;
    b.mask = true;
    attention_is_left(&b);
    b = psa;
    b.other_reader = true; /* the attention weights are a network output */
    attention_is_left(&b);
    yk__model m;
    start(&m, 8);
    int32_t x = input(&m, DIMS(1, 4, 8, 8));
    finish(&m, op(&m, YK__OP_SOFTMAX, IN(conv(&m, x, 4, 4, 1))));
    assert_false(pass(&m, yk__pass_recognise_attention));
    yk__model_free(&m);
}

/* Both recognisers keep out of trouble when memory runs out in the middle. */
static void no_memory_is_an_error(void **state) {
    (void)state;
    for (int which = 0; which < 2; which++) {
        bool done = false;
        for (uint64_t n = 1; n < 100000 && !done; n += 1 + n / 16) {
            yk__model m;
            yk__error err = {0};
            if (which)
                write_attention(&m, &psa);
            else
                write_tail(&m, &plain);
            yk__alloc_fail_after(n);
            yk__code code = yk__optimize(&m, NULL, yk__ref_evaluate, &err);
            yk__alloc_fail_after(0);
            if (code != YK__OK && code != YK__MEMORY) fail_msg("allocation %d: %s", (int)n, err.message);
            done = code == YK__OK && count(&m, which ? YK__OP_ATTENTION : YK__OP_YOLK_HEAD) == 1;
            yk__model_free(&m);
        }
        assert_true(done);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detection_heads_are_found),
        cmocka_unit_test(equal_channel_counts_are_told_apart),
        cmocka_unit_test(one_to_one_heads_are_found),
        cmocka_unit_test(heads_with_extras_are_found),
        cmocka_unit_test(unusual_bins_are_kept),
        cmocka_unit_test(pi_of_half_exports_is_read_as_pi),
        cmocka_unit_test(heads_that_differ_in_a_number_are_left),
        cmocka_unit_test(a_head_that_leaves_branches_as_outputs_is_left),
        cmocka_unit_test(attention_blocks_are_found),
        cmocka_unit_test(an_unusual_scale_is_kept),
        cmocka_unit_test(other_softmaxes_are_left),
        cmocka_unit_test(no_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
