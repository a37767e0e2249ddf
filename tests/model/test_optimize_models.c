/* The optimiser on real exports of ../shared: heads and attention are recognised, no size stays baked, and the outputs at the
 * export's own size stay what the written-out network gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/backend.h"
#include "graph/size_free.h"
#include "import/import.h"
#include "optimize/optimize.h"
#include "support/run_graph.h"

typedef struct model_case {
    const char *file;
    int heads, attentions;
    bool one_to_one, size_free;
    double tolerance; /* on any number of any output */
} model_case;

/* Tolerances: coordinates of a few hundred pixels pass 60 to 90 layers, where each SiLU rounds once less than written (6e-8 of
 * values up to 50) and sums run in the same order; measured 3e-4 px on these models, the bar for raw outputs is 6e-3.
 * Probabilities of a classifier: measured 6e-8. yolox leaves undecoded offsets up to 35: measured 1.1e-4. */
static const model_case cases[] = {
    {"yolov8n.onnx", 1, 0, false, true, 2e-3},
    {"yolo26n-ball-416.onnx", 1, 2, false, true, 2e-3},
    {"yolo26n-ball-416-end2end.onnx", 1, 2, true, true, 2e-3},
    {"yolov8n-pose-coco8-dynamic.onnx", 1, 0, false, true, 2e-3},
    {"yolov8n-cls-weather-64.onnx", 0, 0, false, true, 1e-6},
    {"yolox-nano.onnx", 0, 0, false, false, 1e-3}, /* its grid is not decoded in the graph: nothing to recognise */
};

static char folder[512];

static int count(const yk__graph *graph, yk__op op, int *one_to_one) {
    int n = 0;
    for (int i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].op == op) {
            n++;
            if (one_to_one) *one_to_one = (int)yk__node_int(&graph->nodes[i], "one_to_one", 0);
        }
    return n;
}

static void load(yk__model *m, const char *file) {
    char path[1024];
    yk__error err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, file);
    if (yk__import_model(path, NULL, m, &err)) fail_msg("%s", err.message);
}

/* A picture-like input: smooth waves with noise, 0..1, the same everywhere. */
static float *made_up_picture(const yk__shape *shape) {
    int64_t n = shape->dim[0] * shape->dim[1] * shape->dim[2] * shape->dim[3], width = shape->dim[3];
    float *x = malloc((size_t)n * sizeof *x);
    uint32_t noise = 1;
    assert_non_null(x);
    for (int64_t i = 0; i < n; i++) {
        int64_t phase = (i % width * 3 + i / width * 5) % 256;
        noise = noise * 1664525u + 1013904223u;
        x[i] = ((float)(phase < 128 ? phase : 255 - phase) * 1.5f + (float)(noise >> 26)) / 255;
    }
    return x;
}

static void check(const model_case *c) {
    yk__model m;
    yk__error err = {0};
    run_result before, after;
    load(&m, c->file);
    yk__shape shape = {.rank = 4, .dim = {1, 3, m.recipe.imgsz[0], m.recipe.imgsz[1]}};
    float *x = made_up_picture(&shape);
    if (run_graph(&m.graph, &shape, x, &before, &err)) fail_msg("%s as written: %s", c->file, err.message);
    if (yk__optimize(&m, NULL, yk__ref_evaluate, &err)) fail_msg("%s: %s", c->file, err.message);
    if (run_graph(&m.graph, &shape, x, &after, &err)) fail_msg("%s optimised: %s", c->file, err.message);
    free(x);
    int one_to_one = 0;
    assert_int_equal(count(&m.graph, YK__OP_YOLK_HEAD, &one_to_one), c->heads);
    assert_int_equal(count(&m.graph, YK__OP_ATTENTION, NULL), c->attentions);
    assert_int_equal(one_to_one, c->one_to_one);
    assert_int_equal(count(&m.graph, YK__OP_SILU, NULL), 0); /* every one went into a convolution */
    assert_int_equal(count(&m.graph, YK__OP_IMAGE_INPUT, NULL), 1);
    const yk__node *culprit = NULL;
    bool size_free = yk__graph_size_free(&m.graph, yk__ref_evaluate, &culprit);
    if (size_free != c->size_free) fail_msg("%s: size free %d, by %s", c->file, size_free, culprit ? culprit->name : "nobody");
    assert_int_equal(before.n_outputs, after.n_outputs);
    for (int i = 0; i < before.n_outputs; i++) {
        double difference = run_difference(&before, &after, i);
        if (!(difference <= c->tolerance)) fail_msg("%s: output %d differs by %g", c->file, i, difference);
    }
    run_free(&before);
    run_free(&after);
    yk__model_free(&m);
}

static void exports_keep_their_outputs(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check(&cases[i]);
}

/* A static export after optimisation at another size and batch: the second picture of a batch answers as it does alone. */
static void static_exports_run_at_any_size_and_batch(void **state) {
    (void)state;
    static const char *const files[] = {"yolov8n.onnx", "yolo26n-ball-416.onnx", "yolo26n-ball-416-end2end.onnx",
                                        "yolov8n-cls-weather-64.onnx"};
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        yk__model m;
        yk__error err = {0};
        run_result both, alone;
        load(&m, files[f]);
        if (yk__optimize(&m, NULL, yk__ref_evaluate, &err)) fail_msg("%s: %s", files[f], err.message);
        yk__shape two = {.rank = 4, .dim = {2, 3, 96, 160}}, one = {.rank = 4, .dim = {1, 3, 96, 160}};
        float *x = made_up_picture(&two);
        if (run_graph(&m.graph, &two, x, &both, &err)) fail_msg("%s: %s", files[f], err.message);
        if (run_graph(&m.graph, &one, x + 3 * 96 * 160, &alone, &err)) fail_msg("%s: %s", files[f], err.message);
        free(x);
        int64_t n = 0;
        assert_true(yk__shape_count(&alone.outputs[0].shape, &n));
        assert_int_equal(both.outputs[0].shape.dim[0], 2);
        assert_memory_equal((const float *)both.outputs[0].data + n, alone.outputs[0].data, (size_t)n * sizeof(float));
        run_free(&both);
        run_free(&alone);
        yk__model_free(&m);
    }
}

int main(void) {
    const char *shared = getenv("YOLK_SHARED");
    snprintf(folder, sizeof folder, "%s/models/onnx", shared ? shared : "../shared");
    if (access(folder, R_OK)) {
        printf("skipped: no %s\n", folder);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exports_keep_their_outputs),
        cmocka_unit_test(static_exports_run_at_any_size_and_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
