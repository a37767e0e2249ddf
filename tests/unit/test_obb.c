/* Oriented boxes: overlap against the formulas of PARITY 6.2 in doubles, NMS against its plain restatement, corners by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "task/obb.h"

#define PI 3.14159265358979323846f

static uint64_t seed = 1;

static float unit(void) { /* 0 <= v < 1, an LCG */
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (float)(seed >> 40) / 16777216.0f;
}

static void random_box(float box[5]) {
    box[0] = 100 * unit(), box[1] = 100 * unit();
    box[2] = 1 + 60 * unit(), box[3] = 1 + 60 * unit();
    box[4] = 6 * unit() - 3;
}

static void covariance(const float box[5], double c[3]) {
    double w = (double)box[2] * (double)box[2] / 12, h = (double)box[3] * (double)box[3] / 12;
    double x = cos((double)box[4]), y = sin((double)box[4]);
    c[0] = w * x * x + h * y * y;
    c[1] = w * y * y + h * x * x;
    c[2] = (w - h) * x * y;
}

static double restated(const float p[5], const float q[5]) {
    double c[3], d[3], eps = 1e-7, dx = (double)p[0] - (double)q[0], dy = (double)p[1] - (double)q[1];
    covariance(p, c);
    covariance(q, d);
    double a = c[0] + d[0], b = c[1] + d[1], g = c[2] + d[2], det = a * b - g * g;
    double one = fmax(c[0] * c[1] - c[2] * c[2], 0), two = fmax(d[0] * d[1] - d[2] * d[2], 0);
    double distance = (a * dy * dy + b * dx * dx) / (det + eps) / 4 - g * dx * dy / (det + eps) / 2 +
                      0.5 * log(det / (4 * sqrt(one * two) + eps) + eps);
    distance = fmin(fmax(distance, eps), 100);
    return 1 - sqrt(1 - exp(-distance) + eps);
}

/* f32 against f64. The square root near 0 makes 1e-7 in its argument 3e-4 in the result, where boxes are nearly the same;
 * random pairs are far from that and differ by rounding. */
static void test_probiou(void **unused) {
    (void)unused;
    for (int i = 0; i < 2000; i++) {
        float p[5], q[5];
        random_box(p);
        random_box(q);
        double want = restated(p, q);
        assert_float_equal(yk__probiou(p, q), (float)want, 2e-5f + (want > 0.95 ? 1e-3f : 0));
        assert_float_equal(yk__probiou(p, q), yk__probiou(q, p), 2e-5f);
    }
}

static void test_probiou_by_hand(void **unused) {
    (void)unused;
    /* equal boxes: the distance is its least, 1e-7, and the result 1 - sqrt(1e-7 + 1e-7) = 0.99955 */
    const float box[5] = {50, 50, 20, 10, 0.3f};
    assert_float_equal(yk__probiou(box, box), 0.99955f, 5e-5f);
    /* two squares of side s, s apart: a = b = s*s/6, distance = s*s / (s*s/6) / 4 = 1.5; 1 - sqrt(1 - exp(-1.5)) */
    const float left[5] = {0, 0, 12, 12, 0}, right[5] = {12, 0, 12, 12, 1};
    assert_float_equal(yk__probiou(left, right), 0.118604f, 1e-5f);
    /* so far away that nothing is left: exp(-100) */
    const float far[5] = {1e4f, 0, 12, 12, 0};
    assert_float_equal(yk__probiou(left, far), 0, 1e-6f);
}

static void test_corners(void **unused) {
    (void)unused;
    float corners[4][2], box[4];
    const float flat[5] = {10, 20, 8, 2, 0};
    const float want_flat[4][2] = {{14, 21}, {14, 19}, {6, 19}, {6, 21}};
    yk__obb_corners(flat, corners);
    assert_memory_equal(corners, want_flat, sizeof corners);
    yk__obb_bounds((const float(*)[2])corners, box);
    const float want_box[4] = {6, 19, 14, 21};
    assert_memory_equal(box, want_box, sizeof box);
    /* a quarter turn: u = (0, 4), v = (-1, 0) */
    const float turned[5] = {10, 20, 8, 2, PI / 2};
    const float want_turned[4][2] = {{9, 24}, {11, 24}, {11, 16}, {9, 16}};
    yk__obb_corners(turned, corners);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 2; k++) assert_float_equal(corners[i][k], want_turned[i][k], 1e-5f); /* cos(pi/2) in f32 */
}

/* ---- NMS ---- */

typedef struct set {
    yk__candidate items[200];
    float angles[200];
    yk__candidates candidates;
    yk__nms_scratch scratch;
    int32_t keep[200];
} set;

static set *make_set(int32_t n) {
    set *s = calloc(1, sizeof *s);
    s->candidates = (yk__candidates){.count = n, .capacity = 200, .n_extra = 1, .items = s->items, .extra = s->angles};
    assert_int_equal(yk__nms_scratch_create(&s->scratch, 200, NULL), YK__OK);
    return s;
}

static void free_set(set *s) {
    yk__nms_scratch_free(&s->scratch);
    free(s);
}

/* Extra rows in another order than candidates, to see that both are told apart. */
static void put(set *s, int32_t i, const float box[5], float score, int32_t class_id) {
    int32_t row = s->candidates.count - 1 - i;
    s->items[i] = (yk__candidate){{box[0], box[1], box[2], box[3]}, score, class_id, i, row};
    s->angles[row] = box[4];
}

/* A row of boxes, each overlapping only its neighbours. The second falls to the first, and the third to the second although
 * that one is gone: there is no greedy chain. */
static void test_no_chain(void **unused) {
    (void)unused;
    const float row[3][5] = {{0, 0, 20, 20, 0}, {6, 0, 20, 20, 0}, {12, 0, 20, 20, 0}};
    const yk__nms_options options = {.iou = 0.5, .max_det = 300};
    assert_true(yk__probiou(row[0], row[1]) > 0.5f && yk__probiou(row[0], row[2]) < 0.5f);
    set *s = make_set(3);
    for (int32_t i = 0; i < 3; i++) put(s, i, row[i], 0.9f - 0.1f * (float)i, 0);
    assert_int_equal(yk__obb_nms(&s->candidates, &options, &s->scratch, s->keep), 1);
    assert_int_equal(s->keep[0], 0);
    /* another class lies 7680 pixels away */
    s->items[1].class_id = 1;
    assert_int_equal(yk__obb_nms(&s->candidates, &options, &s->scratch, s->keep), 3);
    const yk__nms_options agnostic = {.iou = 0.5, .max_det = 300, .agnostic = true};
    assert_int_equal(yk__obb_nms(&s->candidates, &agnostic, &s->scratch, s->keep), 1);
    const yk__nms_options two = {.iou = 0.5, .max_det = 2};
    assert_int_equal(yk__obb_nms(&s->candidates, &two, &s->scratch, s->keep), 2);
    assert_int_equal(s->keep[0], 0);
    assert_int_equal(s->keep[1], 1);
    free_set(s);
}

/* The whole matrix, no shortcut. Equal scores: lower index first. */
static int32_t restated_nms(const set *s, const yk__nms_options *options, int32_t *keep) {
    int32_t order[200], n = s->candidates.count, kept = 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t at = i;
        for (; at > 0 && s->items[order[at - 1]].score < s->items[i].score; at--) order[at] = order[at - 1];
        order[at] = i;
    }
    for (int32_t j = 0; j < n && kept < options->max_det; j++) {
        bool dropped = false;
        float boxes[2][5];
        for (int32_t i = 0; i <= j; i++) {
            for (int k = 0; k < 2; k++) {
                const yk__candidate *item = &s->items[order[k ? j : i]];
                float shift = options->agnostic ? 0 : (float)item->class_id * 7680.0f;
                memcpy(boxes[k], item->box, sizeof item->box);
                boxes[k][0] += shift, boxes[k][1] += shift, boxes[k][4] = s->angles[item->extra];
            }
            dropped |= i < j && yk__probiou(boxes[0], boxes[1]) > (float)options->iou;
        }
        if (!dropped) keep[kept++] = order[j];
    }
    return kept;
}

static void test_nms_restated(void **unused) {
    (void)unused;
    static const double ious[] = {0.0, 0.1, 0.45, 0.7, 0.99, 1.0};
    for (int round = 0; round < 60; round++) {
        set *s = make_set(1 + round * 3);
        for (int32_t i = 0; i < s->candidates.count; i++) {
            float box[5];
            random_box(box);
            if (round % 4 == 0) box[3] = 0.01f * unit(); /* slivers: determinants that round to nothing */
            if (round % 7 == 0 && i % 5 == 0) box[2] = NAN;
            put(s, i, box, (float)(int)(20 * unit()) / 20, (int32_t)(2 * unit()));
        }
        for (size_t t = 0; t < sizeof ious / sizeof *ious; t++) {
            yk__nms_options options = {.iou = ious[t], .max_det = round % 3 ? 300 : 7, .agnostic = round % 2};
            int32_t want[200], n = restated_nms(s, &options, want);
            assert_int_equal(yk__obb_nms(&s->candidates, &options, &s->scratch, s->keep), n);
            assert_memory_equal(s->keep, want, (size_t)n * sizeof *want);
        }
        free_set(s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probiou),  cmocka_unit_test(test_probiou_by_hand), cmocka_unit_test(test_corners),
        cmocka_unit_test(test_no_chain), cmocka_unit_test(test_nms_restated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
