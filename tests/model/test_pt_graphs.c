/* The design rule of import: the graph from a checkpoint and the graph from its ONNX export are the same after optimize, but
 * for rounding in folded weights (docs/architecture.md). Names and declared shapes may differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backend/backend.h"
#include "import/import.h"
#include "optimize/optimize.h"
#include "support/shared.h"

/* Exports fold in torch, we in C: products of three factors, rounded in another order. */
#define ROUNDING 2e-6

static yk__model from_pt, from_onnx;
static yk__error err;
static const char *pair;

static void load(yk__model *model, const char *path, bool end2end) {
    const yk__import_options options = {.end2end = end2end};
    if (yk__import_model(path, &options, model, &err) != YK__OK || yk__optimize(model, NULL, yk__ref_evaluate, &err) != YK__OK)
        fail_msg("%s: %s", path, err.message);
}

static bool same_attr(const yk__attr *a, const yk__attr *b) {
    if (a->kind != b->kind || a->n != b->n) return false;
    switch (a->kind) {
    case YK__ATTR_INT: return a->i == b->i;
    case YK__ATTR_FLOAT: return fabs(a->f - b->f) <= 1e-7 * fabs(b->f);
    case YK__ATTR_STRING: return strcmp(a->s, b->s) == 0;
    case YK__ATTR_INTS: return memcmp(a->ints, b->ints, (size_t)a->n * sizeof *a->ints) == 0;
    case YK__ATTR_FLOATS: return memcmp(a->floats, b->floats, (size_t)a->n * sizeof *a->floats) == 0;
    }
    return false;
}

static void same_attrs(const yk__node *a, const yk__node *b) {
    if (a->n_attr != b->n_attr) fail_msg("%s: %s has %d attributes, %s %d", pair, a->name, a->n_attr, b->name, b->n_attr);
    for (int32_t i = 0; i < a->n_attr; i++) {
        const yk__attr *const other = yk__node_attr(b, a->attr[i].name);
        if (!other || !same_attr(&a->attr[i], other))
            fail_msg("%s: %s and %s differ in %s", pair, a->name, b->name, a->attr[i].name);
    }
}

/* Constants: equal shapes and elements; f32 within rounding of the largest element. */
static void same_constant(const yk__node *node, const yk__value *a, const yk__value *b) {
    int64_t n;
    double largest = 0, worst = 0;
    if (!a->data || !b->data || a->dtype != b->dtype || !yk__shape_equal(&a->shape, &b->shape))
        fail_msg("%s: %s reads %s and %s", pair, node->name, a->name, b->name);
    assert_true(yk__shape_count(&a->shape, &n));
    if (a->dtype != YK__DTYPE_F32) {
        assert_memory_equal(a->data, b->data, (size_t)n * yk__dtype_size(a->dtype));
        return;
    }
    const float *const x = a->data, *const y = b->data;
    for (int64_t i = 0; i < n; i++) {
        largest = fmax(largest, fabs((double)y[i]));
        worst = fmax(worst, fabs((double)x[i] - (double)y[i]));
    }
    if (!(worst <= ROUNDING * largest)) fail_msg("%s: %s differs from %s by %g of %g", pair, a->name, b->name, worst, largest);
}

static void compare(const char *pt, const char *onnx, bool end2end) {
    char pt_path[4096], onnx_path[4096];
    pair = onnx;
    if (!shared_path(pt_path, pt) || !shared_path(onnx_path, onnx)) fail_msg("%s or %s is not here", pt, onnx);
    load(&from_pt, pt_path, end2end);
    load(&from_onnx, onnx_path, end2end);
    const yk__graph *const a = &from_pt.graph, *const b = &from_onnx.graph;
    int32_t *const twin = yk__alloc_array((size_t)a->n_values, sizeof *twin); /* values of a to values of b, + 1 */
    assert_non_null(twin);
    assert_int_equal(a->n_nodes, b->n_nodes);
    twin[a->inputs[0]] = b->inputs[0] + 1;
    for (int32_t i = 0; i < a->n_nodes; i++) {
        const yk__node *const x = &a->nodes[i], *const y = &b->nodes[i];
        if (x->op != y->op || x->n_in != y->n_in || x->n_out != y->n_out)
            fail_msg("%s: node %d is %s and %s", pair, i, x->name, y->name);
        same_attrs(x, y);
        for (int k = 0; k < x->n_in; k++) {
            if (x->in[k] < 0 || y->in[k] < 0) {
                assert_int_equal(x->in[k], y->in[k]);
            } else if (a->values[x->in[k]].data) {
                same_constant(x, &a->values[x->in[k]], &b->values[y->in[k]]);
            } else if (twin[x->in[k]] != y->in[k] + 1) {
                fail_msg("%s: input %d of %s and %s", pair, k, x->name, y->name);
            }
        }
        for (int k = 0; k < x->n_out; k++) twin[x->out[k]] = y->out[k] + 1;
    }
    assert_int_equal(a->n_outputs, b->n_outputs);
    for (int32_t i = 0; i < a->n_outputs; i++) assert_int_equal(twin[a->outputs[i]], b->outputs[i] + 1);
    yk__free(twin);
    yk__model_free(&from_pt);
    yk__model_free(&from_onnx);
}

static void test_detect(void **state) {
    (void)state;
    compare("shared:models/pt/yolov8n.pt", "shared:models/onnx/yolov8n.onnx", false);
}

static void test_two_heads(void **state) {
    (void)state;
    compare("shared:models/pt/custom/yolo26n-ball-416.pt", "shared:models/onnx/yolo26n-ball-416.onnx", false);
    compare("shared:models/pt/custom/yolo26n-ball-416.pt", "shared:models/onnx/yolo26n-ball-416-end2end.onnx", true);
}

static void test_classify(void **state) {
    (void)state;
    compare("shared:models/pt/custom/yolov8n-cls-weather-64.pt", "shared:models/onnx/yolov8n-cls-weather-64.onnx", false);
}

static void test_pose(void **state) {
    (void)state;
    compare("shared:models/pt/overfit/yolov8n-pose-coco8.pt", "shared:models/onnx/yolov8n-pose-coco8-dynamic.onnx", false);
}

int main(void) {
    char path[4096];
    if (!shared_path(path, "shared:models/pt/yolov8n.pt")) {
        printf("skipped: the shared models are not here\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_detect),
        cmocka_unit_test(test_two_heads),
        cmocka_unit_test(test_classify),
        cmocka_unit_test(test_pose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
