/* Small graphs for optimiser tests, written in a line per node. Shared by the tests of src/optimize; header-only on purpose:
 * each test program uses a part of it. */
#ifndef YK_TESTS_OPTIMIZE_BUILDER_H
#define YK_TESTS_OPTIMIZE_BUILDER_H

#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "graph/size_free.h"
#include "optimize/passes.h"
#include "optimize/rewrite.h"
#include "support/run_graph.h"

#define DIMS(...)    yk__shape_make((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]){__VA_ARGS__})
#define INTS(m, ...) ints(m, (int64_t[]){__VA_ARGS__}, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)))
#define IN(...)      (int32_t[]){__VA_ARGS__}, (int)(sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t))
#define UNUSED       __attribute__((unused))

/* An empty model for pictures of side x side. */
UNUSED static void start(yk__model *m, int side) {
    yk__model_init(m, 0);
    m->recipe = yk__recipe_defaults(YK__TASK_DETECT, YK__LAYOUT_V8);
    m->recipe.imgsz[0] = m->recipe.imgsz[1] = side;
    m->recipe.batch = 1;
}

UNUSED static int32_t value(yk__model *m) {
    char name[16];
    yk__shape scalar = {0};
    snprintf(name, sizeof name, "v%d", (int)m->graph.n_values);
    int32_t index = yk__graph_add_value(&m->graph, name, YK__DTYPE_NONE, &scalar, NULL);
    assert_true(index >= 0);
    return index;
}

UNUSED static int32_t input(yk__model *m, yk__shape shape) {
    int32_t v = value(m);
    m->graph.values[v].dtype = YK__DTYPE_F32;
    m->graph.values[v].shape = shape;
    m->graph.inputs = yk__arena_copy(&m->graph.arena, &v, sizeof v);
    m->graph.n_inputs = 1;
    return v;
}

/* A node with one output; attributes are set on the returned node's index through last(). */
UNUSED static int32_t op(yk__model *m, yk__op kind, const int32_t *in, int n_in) {
    char name[32];
    int32_t out = value(m);
    snprintf(name, sizeof name, "n%d_%s", (int)m->graph.n_nodes, yk__op_info_get(kind)->name);
    assert_true(yk__graph_add_node(&m->graph, kind, name, in, n_in, &out, 1) >= 0);
    return out;
}

UNUSED static yk__node *last(yk__model *m) {
    return &m->graph.nodes[m->graph.n_nodes - 1];
}

UNUSED static int32_t ints(yk__model *m, const int64_t *list, int n) {
    yk__shape shape = DIMS(n);
    int32_t v = yk__graph_add_constant(&m->graph, "ints", YK__DTYPE_I64, &shape, list);
    assert_true(v >= 0);
    return v;
}

UNUSED static int32_t scalar(yk__model *m, float number) {
    yk__shape shape = {0};
    return yk__graph_add_constant(&m->graph, "scalar", YK__DTYPE_F32, &shape, &number);
}

/* Numbers between low and high, the same in every run. */
UNUSED static float *numbers(int64_t count, float low, float high, unsigned seed) {
    float *data = malloc((size_t)(count + 1) * sizeof *data);
    uint64_t state = seed * UINT64_C(2654435761) + 12345;
    assert_non_null(data);
    for (int64_t i = 0; i < count; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        data[i] = low + (high - low) * (float)(state >> 40) / (float)(1 << 24);
    }
    return data;
}

UNUSED static int32_t weights(yk__model *m, yk__shape shape, float low, float high) {
    int64_t count = 0;
    assert_true(yk__shape_count(&shape, &count));
    float *data = numbers(count, low, high, (unsigned)m->graph.n_values);
    int32_t v = yk__graph_add_constant(&m->graph, "weights", YK__DTYPE_F32, &shape, data);
    free(data);
    assert_true(v >= 0);
    return v;
}

/* A k x k convolution that keeps the size, with bias. */
UNUSED static int32_t conv(yk__model *m, int32_t x, int64_t from, int64_t to, int64_t k) {
    int32_t w = weights(m, DIMS(to, from, k, k), -0.5f, 0.5f), b = weights(m, DIMS(to), -0.5f, 0.5f);
    int32_t y = op(m, YK__OP_CONV, IN(x, w, b));
    const int64_t pads[4] = {k / 2, k / 2, k / 2, k / 2};
    assert_true(yk__node_set_ints(&m->graph, last(m), "pads", pads, 4));
    return y;
}

UNUSED static void set_int(yk__model *m, const char *name, int64_t number) {
    assert_true(yk__node_set_int(&m->graph, last(m), name, number));
}

UNUSED static void finish_n(yk__model *m, const int32_t *outputs, int n) {
    yk__error err = {0};
    m->graph.outputs = yk__arena_copy(&m->graph.arena, outputs, (size_t)n * sizeof *outputs);
    m->graph.n_outputs = n;
    if (yk__graph_verify(&m->graph, &err)) fail_msg("the test's graph: %s", err.message);
}

UNUSED static void finish(yk__model *m, int32_t output) {
    finish_n(m, &output, 1);
}

UNUSED static int count(const yk__model *m, yk__op kind) {
    int n = 0;
    for (int i = 0; i < m->graph.n_nodes; i++) n += m->graph.nodes[i].op == kind;
    return n;
}

UNUSED static const yk__node *find(const yk__model *m, yk__op kind) {
    for (int i = 0; i < m->graph.n_nodes; i++)
        if (m->graph.nodes[i].op == kind) return &m->graph.nodes[i];
    fail_msg("no %s in the graph", yk__op_info_get(kind)->name);
    return NULL;
}

typedef yk__code (*pass_fn)(yk__model *, yk__evaluate_fn, bool *, yk__error *);

/* Runs one pass as the driver does, verifies the graph, and returns whether the pass changed it. */
UNUSED static bool pass(yk__model *m, pass_fn run) {
    bool changed = false;
    yk__error err = {0};
    if (run(m, yk__ref_evaluate, &changed, &err)) fail_msg("the pass: %s", err.message);
    if (changed && yk__graph_compact(&m->graph, &err)) fail_msg("compacting: %s", err.message);
    if (yk__graph_verify(&m->graph, &err)) fail_msg("after the pass: %s", err.message);
    return changed;
}

UNUSED static run_result results(const yk__model *m, yk__shape shape) {
    run_result result;
    yk__error err = {0};
    int64_t n = 0;
    assert_true(yk__shape_count(&shape, &n));
    float *x = numbers(n, -2, 2, 7);
    if (run_graph(&m->graph, &shape, x, &result, &err)) fail_msg("running the graph: %s", err.message);
    free(x);
    return result;
}

/* Runs a pass and compares the network's first `n` outputs before and after: they may differ by `tolerance`. */
UNUSED static bool pass_keeps(yk__model *m, pass_fn run, double tolerance) {
    yk__shape shape = m->graph.values[m->graph.inputs[0]].shape;
    for (int d = 0; d < shape.rank; d++)
        if (shape.dim[d] < 0) shape.dim[d] = d == 0 ? m->recipe.batch : m->recipe.imgsz[d - 2];
    run_result before = results(m, shape);
    bool changed = pass(m, run);
    run_result after = results(m, shape);
    assert_int_equal(before.n_outputs, after.n_outputs);
    for (int i = 0; i < before.n_outputs; i++) {
        double difference = run_difference(&before, &after, i);
        if (!(difference <= tolerance)) fail_msg("output %d differs by %g, allowed are %g", i, difference, tolerance);
    }
    run_free(&before);
    run_free(&after);
    return changed;
}

#endif
