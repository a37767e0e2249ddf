/* YolkHead of every instruction-set level against the ref backend: all tasks and families, candidates and dense tensor, odd map
 * sizes, class counts that fill no block, batches, masks, capacity.
 *
 * Candidates must be the same rows: the raw inputs are bit-equal, and thresholds are decided by the same f32 sigmoid. Numbers
 * of a row are computed by the same formulas in plain C (bit-equal); the dense tensor goes through polynomial exponentials:
 * scores within 2e-6, pixels within 2e-5 of a stride of 32 and 16 bins. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/kernel_case.h"

typedef struct head {
    const char *task, *family, *angle;
    int64_t batch, classes, reg_max, extra, kpt[2], one_to_one, end2end_k;
    float spread; /* of class logits */
} head;

static const int64_t sizes[3][2] = {{9, 21}, {5, 11}, {3, 5}};
#define ANCHORS (9 * 21 + 5 * 11 + 3 * 5)

static uint32_t seed = 5;
static float noise(float scale) {
    seed = seed * 1664525u + 1013904223u;
    return ((float)(seed >> 8) / 16777216.0f - 0.5f) * 2 * scale;
}

static float *tensor(int64_t n, float scale, float offset) {
    float *data = malloc((size_t)n * sizeof *data);
    assert_non_null(data);
    for (int64_t i = 0; i < n; i++) data[i] = noise(scale) + offset;
    return data;
}

typedef struct inputs {
    int n;
    int64_t dim[10][4];
    float *data[10];
} inputs;

static void add_input(inputs *in, int64_t n, int64_t c, int64_t h, int64_t w, float scale, float offset) {
    memcpy(in->dim[in->n], (int64_t[4]){n, c, h, w}, sizeof in->dim[0]);
    in->data[in->n++] = tensor(n * c * h * w, scale, offset);
}

static inputs make_inputs(const head *h) {
    inputs in = {0};
    for (int i = 0; i < 3; i++) add_input(&in, h->batch, 4 * h->reg_max, sizes[i][0], sizes[i][1], 3, h->reg_max == 1 ? 4 : 0);
    for (int i = 0; i < 3; i++) add_input(&in, h->batch, h->classes, sizes[i][0], sizes[i][1], h->spread, -h->spread / 2);
    for (int i = 0; i < 3 && h->extra; i++) add_input(&in, h->batch, h->extra, sizes[i][0], sizes[i][1], 2, 0);
    if (strcmp(h->task, "segment") == 0) add_input(&in, h->batch, h->extra, 36, 84, 1, 0);
    return in;
}

#define MOST_OPERANDS 10
_Static_assert(MOST_OPERANDS <= KERNEL_CASE_OPERANDS, "a segment head has ten inputs");

static void build(kernel_case *c, const head *h, const inputs *in) {
    kernel_case_init(c);
    int32_t values[MOST_OPERANDS];
    for (int i = 0; i < in->n; i++) values[i] = kernel_case_input(c, 4, in->dim[i], in->data[i]);
    bool segment = strcmp(h->task, "segment") == 0;
    yk__node *node = kernel_case_node(c, YK__OP_YOLK_HEAD, values, in->n, segment ? 2 : 1);
    yk__node_set_string(&c->graph, node, "task", h->task);
    yk__node_set_string(&c->graph, node, "family", h->family);
    yk__node_set_string(&c->graph, node, "angle", h->angle);
    yk__node_set_int(&c->graph, node, "levels", 3);
    yk__node_set_floats(&c->graph, node, "strides", (double[3]){8, 16, 32}, 3);
    yk__node_set_int(&c->graph, node, "reg_max", h->reg_max);
    yk__node_set_int(&c->graph, node, "classes", h->classes);
    yk__node_set_int(&c->graph, node, "extra", h->extra);
    yk__node_set_int(&c->graph, node, "one_to_one", h->one_to_one);
    yk__node_set_int(&c->graph, node, "end2end_k", h->end2end_k);
    if (h->kpt[0]) yk__node_set_ints(&c->graph, node, "kpt_shape", h->kpt, 2);
}

static const yk__kernel *head_kernel(const yk__backend *backend) {
    for (int32_t k = 0; k < backend->n_kernels; k++) {
        if (backend->kernels[k]->op == YK__OP_YOLK_HEAD) return backend->kernels[k];
    }
    return NULL;
}

static yk__pool *two_threads;

static void run(kernel_case *c, const yk__backend *backend, yk__pool *pool, const char *what) {
    yk__error err;
    int ready = kernel_case_prepare(c, backend, head_kernel(backend), pool, &err);
    if (ready != 1) fail_msg("%s %s: %s", backend->isa, what, ready ? err.message : "not accepted");
    if (kernel_case_run(c, &err) != YK__OK) fail_msg("%s %s: %s", backend->isa, what, err.message);
    const char *damage = kernel_case_damage(c);
    if (damage) fail_msg("%s %s: %s", backend->isa, what, damage);
}

static void compare_dense(const head *h, const inputs *in, const yk__backend *backend) {
    kernel_case want, got;
    build(&want, h, in);
    build(&got, h, in);
    want.dense = got.dense = true;
    got.extra_halo = 1;
    got.blocks_before = 2;
    run(&want, yk__backend_ref(), NULL, "dense");
    run(&got, backend, two_threads, "dense");
    for (int o = 0; o < want.step.n_out; o++) {
        int64_t n, n_got;
        float *a = kernel_case_output(&want, o, &n), *b = kernel_case_output(&got, o, &n_got);
        assert_int_equal(n, n_got);
        for (int64_t i = 0; i < n; i++) {
            double bound = o == 1 ? 0 : 2e-6 + 2e-6 * fabs((double)a[i]) + (h->reg_max > 1 ? 2e-5 * 32 : 0);
            int64_t row = i / ANCHORS % (4 + h->classes + h->extra);
            if (!h->one_to_one && row >= 4 && row < 4 + h->classes) bound = 2e-6; /* scores */
            if (!(fabs((double)a[i] - (double)b[i]) <= bound)) {
                fail_msg("%s %s %s: dense output %d element %d: ref %.9g, got %.9g", backend->isa, h->task, h->family, o,
                         (int)i, (double)a[i], (double)b[i]);
            }
        }
        free(a);
        free(b);
    }
    kernel_case_free(&want);
    kernel_case_free(&got);
}

typedef struct rows {
    yk__candidates pictures[3];
    yk__candidate items[3][4096];
    float extra[3][4096 * 40];
} rows;

static void make_rows(rows *r, const head *h, int32_t capacity) {
    memset(r, 0, sizeof *r);
    for (int n = 0; n < 3; n++) {
        r->pictures[n] = (yk__candidates){
            .capacity = capacity, .n_extra = (int32_t)h->extra, .items = r->items[n], .extra = h->extra ? r->extra[n] : NULL};
    }
}

static void compare_candidates(const head *h, const inputs *in, const yk__backend *backend, yk__head_params params,
                               int32_t capacity) {
    rows *want_rows = malloc(sizeof *want_rows), *got_rows = malloc(sizeof *got_rows);
    assert_non_null(want_rows);
    assert_non_null(got_rows);
    make_rows(want_rows, h, capacity);
    make_rows(got_rows, h, capacity);
    kernel_case want, got;
    build(&want, h, in);
    build(&got, h, in);
    want.params = got.params = params;
    want.candidates = want_rows->pictures;
    got.candidates = got_rows->pictures;
    run(&want, yk__backend_ref(), NULL, "candidates");
    run(&got, backend, two_threads, "candidates");
    for (int n = 0; n < h->batch; n++) {
        const yk__candidates *a = &want_rows->pictures[n], *b = &got_rows->pictures[n];
        assert_int_equal(a->count, b->count);
        assert_int_equal(a->found, b->found);
        for (int32_t i = 0; i < a->count; i++) {
            assert_int_equal(a->items[i].anchor, b->items[i].anchor);
            assert_int_equal(a->items[i].class_id, b->items[i].class_id);
            assert_int_equal(b->items[i].extra, i);
            assert_true(a->items[i].score == b->items[i].score);
            for (int k = 0; k < 4; k++) assert_true(a->items[i].box[k] == b->items[i].box[k]);
        }
        if (h->extra) assert_memory_equal(a->extra, b->extra, (size_t)(a->count * h->extra) * sizeof(float));
    }
    kernel_case_free(&want);
    kernel_case_free(&got);
    free(want_rows);
    free(got_rows);
}

static int levels(const yk__backend *out[4]) {
    static const char *caps[] = {"generic", "avx2", "avx512", "neon"};
    int n = 0;
    for (size_t i = 0; i < sizeof caps / sizeof *caps; i++) {
        yk__cpu cpu = yk__cpu_with_cap(caps[i]);
        if (strcmp(yk__isa_name(cpu.isa), caps[i]) == 0) out[n++] = yk__backend_cpu(cpu.isa);
    }
    return n;
}

static void check_head(const head *h) {
    inputs in = make_inputs(h);
    const yk__backend *backends[4];
    int n = levels(backends);
    uint8_t *mask = calloc((size_t)h->classes, 1);
    for (int64_t c = 0; c < h->classes; c += 2) mask[c] = 1;
    static const float confs[] = {0.0f, 0.001f, 0.25f, 0.5f, 0.9f, 0.9999999f, 1.0f, -1.0f};
    for (int b = 0; b < n; b++) {
        compare_dense(h, &in, backends[b]);
        for (size_t i = 0; i < sizeof confs / sizeof *confs; i++) {
            for (int form = 0; form < 4; form++) {
                yk__head_params params = {.conf = confs[i], .multi_label = form & 1, .class_mask = form & 2 ? mask : NULL};
                compare_candidates(h, &in, backends[b], params, form == 3 ? 50 : 4096);
            }
        }
    }
    free(mask);
    for (int i = 0; i < in.n; i++) free(in.data[i]);
}

static void test_heads(void **state) {
    (void)state;
    static const head heads[] = {
        {"detect", "v8", "sigmoid", 1, 80, 16, 0, {0, 0}, 0, 300, 6},
        {"detect", "v8", "sigmoid", 2, 3, 16, 0, {0, 0}, 0, 300, 25}, /* saturated scores: ties go to the first class */
        {"detect", "26", "sigmoid", 1, 1, 1, 0, {0, 0}, 0, 300, 6},
        {"detect", "26", "sigmoid", 2, 17, 1, 0, {0, 0}, 1, 30, 6},
        {"segment", "v8", "sigmoid", 1, 5, 16, 32, {0, 0}, 0, 300, 6},
        {"pose", "v8", "sigmoid", 1, 1, 16, 34, {17, 2}, 0, 300, 6},
        {"pose", "26", "sigmoid", 1, 2, 1, 15, {5, 3}, 1, 300, 6},
        {"obb", "v8", "sigmoid", 2, 15, 16, 1, {0, 0}, 0, 300, 6},
        {"obb", "26", "raw", 1, 4, 1, 1, {0, 0}, 1, 20, 6},
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) check_head(&heads[i]);
}

/* Logits around the threshold's own, one float apart: the cut must fall exactly where f32 sigmoid says. */
static void test_threshold_is_exact(void **state) {
    (void)state;
    head h = {"detect", "v8", "sigmoid", 1, 2, 16, 0, {0, 0}, 0, 300, 1};
    static const float confs[] = {0.25f, 0.1f, 0.7f, 0.99f, 0.001f, 0.5f};
    const yk__backend *backends[4];
    int n = levels(backends);
    for (size_t i = 0; i < sizeof confs / sizeof *confs; i++) {
        inputs in = make_inputs(&h);
        float logit = logf(confs[i] / (1 - confs[i]));
        for (int k = 0; k < 60; k++) logit = nextafterf(logit, -INFINITY);
        for (int64_t k = 0; k < in.dim[3][1] * in.dim[3][2] * in.dim[3][3]; k++, logit = nextafterf(logit, INFINITY)) {
            in.data[3][k] = k < 120 ? logit : -20.0f;
        }
        for (int b = 0; b < n; b++) compare_candidates(&h, &in, backends[b], (yk__head_params){.conf = confs[i]}, 4096);
        for (int k = 0; k < in.n; k++) free(in.data[k]);
    }
}

static void test_nan_hides_nothing(void **state) {
    (void)state;
    head h = {"detect", "v8", "sigmoid", 1, 20, 16, 0, {0, 0}, 0, 300, 4};
    inputs in = make_inputs(&h);
    for (int64_t k = 0; k < in.dim[3][1] * in.dim[3][2] * in.dim[3][3]; k += 7) in.data[3][k] = NAN;
    const yk__backend *backends[4];
    int n = levels(backends);
    for (int b = 0; b < n; b++) {
        for (int form = 0; form < 2; form++) {
            compare_candidates(&h, &in, backends[b], (yk__head_params){.conf = 0.3f, .multi_label = form}, 4096);
        }
    }
    for (int k = 0; k < in.n; k++) free(in.data[k]);
}

static int make_pool(void **state) {
    (void)state;
    return yk__pool_create(&two_threads, 2, NULL) == YK__OK ? 0 : -1;
}

static int end_pool(void **state) {
    (void)state;
    yk__pool_destroy(&two_threads);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_threshold_is_exact),
        cmocka_unit_test(test_nan_hides_nothing),
    };
    return cmocka_run_group_tests(tests, make_pool, end_pool);
}
