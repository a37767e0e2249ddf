/* Results as callers see them: fields, keypoints, masks, JSON and label lines, on results put together by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "api/api.h"
#include "task/obb.h"

static const char *names[2] = {"ball", "cu\"be"};

/* An engine that knows its recipe only, and one picture of 200 x 100 pixels with one detection. */
typedef struct fixture {
    yk__model model;
    yk_engine engine;
    yk_results results;
    yk__picture_result picture;
    yk__found found;
} fixture;

static fixture *make(yk__task task) {
    fixture *f = calloc(1, sizeof *f);
    f->model.recipe = (yk__recipe){.task = task, .n_classes = 2, .names = names, .kpt_shape = {2, 3}};
    f->engine.model = &f->model;
    f->found = (yk__found){.box = {10, 20, 30.5f, 40}, .score = 0.75f, .class_id = 1};
    f->picture = (yk__picture_result){
        .width = 200, .height = 100, .network_width = 64, .network_height = 32, .found = &f->found, .n_found = 1};
    f->results = (yk_results){.engine = &f->engine, .pictures = &f->picture, .n_pictures = 1};
    return f;
}

static void expect_json(const fixture *f, const char *want) {
    const yk_json_options options = {.size = sizeof options, .no_speed = true};
    char *text = NULL;
    assert_int_equal(yk_results_to_json(&f->results, 0, &options, &text, NULL), YK_OK);
    assert_string_equal(text, want);
    yk_text_destroy(&text);
}

static void expect_txt(const fixture *f, bool confidence, const char *want) {
    char *text = NULL;
    assert_int_equal(yk_results_to_txt(&f->results, 0, confidence, &text, NULL), YK_OK);
    assert_string_equal(text, want);
    yk_text_destroy(&text);
}

#define HEAD(task) "{\"frame\":0,\"width\":200,\"height\":100,\"task\":\"" task "\",\"results\":["
#define CLASS      "{\"name\":\"cu\\\"be\",\"class\":1,\"confidence\":0.75,"
#define BOX        "\"box\":{\"x1\":10,\"y1\":20,\"x2\":30.5,\"y2\":40}"

static void test_detect(void **unused) {
    (void)unused;
    fixture *f = make(YK__TASK_DETECT);
    expect_json(f, HEAD("detect") CLASS BOX "}]}");
    expect_txt(f, false, "1 0.10125 0.3 0.1025 0.2\n");
    expect_txt(f, true, "1 0.10125 0.3 0.1025 0.2 0.75\n");
    assert_null(yk_results_keypoints(&f->results, 0, 0, NULL, NULL));
    yk_mask mask = YK_MASK_INIT;
    assert_int_equal(yk_results_mask(&f->results, 0, 0, &mask, NULL), YK_ERROR_NOT_FOUND);
    f->picture.n_found = 0;
    expect_json(f, HEAD("detect") "]}");
    expect_txt(f, false, "");
    free(f);
}

static void test_pose(void **unused) {
    (void)unused;
    fixture *f = make(YK__TASK_POSE);
    const float points[6] = {12, 25, 0.5f, 30, 40, 0.125f};
    size_t n = 0, numbers = 0;
    f->found.extra = points;
    expect_json(f, HEAD("pose") CLASS BOX ",\"keypoints\":{\"x\":[12,30],\"y\":[25,40],\"visible\":[0.5,0.125]}}]}");
    expect_txt(f, false, "1 0.10125 0.3 0.1025 0.2 0.06 0.25 0.5 0.15 0.4 0.125\n");
    assert_ptr_equal(yk_results_keypoints(&f->results, 0, 0, &n, &numbers), points);
    assert_int_equal(n, 2);
    assert_int_equal(numbers, 3);
    assert_null(yk_results_keypoints(&f->results, 0, 1, &n, &numbers));
    assert_int_equal(n, 0);
    f->model.recipe.kpt_shape[0] = 3, f->model.recipe.kpt_shape[1] = 2;
    expect_json(f, HEAD("pose") CLASS BOX ",\"keypoints\":{\"x\":[12,0.5,40],\"y\":[25,30,0.125]}}]}");
    free(f);
}

static void test_obb(void **unused) {
    (void)unused;
    fixture *f = make(YK__TASK_OBB);
    const float xywhr[5] = {50, 40, 20, 10, 0};
    memcpy(f->found.xywhr, xywhr, sizeof xywhr);
    yk__obb_corners(xywhr, f->found.corners);
    yk__obb_bounds((const float(*)[2])f->found.corners, f->found.box);
    expect_json(f,
                HEAD("obb") CLASS "\"box\":{\"x1\":60,\"y1\":45,\"x2\":60,\"y2\":35,\"x3\":40,\"y3\":35,\"x4\":40,\"y4\":45},"
                                  "\"xywhr\":[50,40,20,10,0]}]}");
    expect_txt(f, false, "1 0.3 0.45 0.3 0.35 0.2 0.35 0.2 0.45\n");
    yk_detection d = YK_DETECTION_INIT;
    assert_int_equal(yk_results_get(&f->results, 0, 0, &d), YK_OK);
    assert_float_equal(d.x1, 40, 0);
    assert_float_equal(d.y2, 45, 0);
    assert_float_equal(d.xywhr[2], 20, 0);
    assert_float_equal(d.corners[3][1], 45, 0);
    /* a caller that knows only the beginning of the struct gets no more than that */
    struct {
        yk_detection d;
        unsigned char behind[64];
    } old;
    memset(&old, 0x5a, sizeof old);
    old.d.size = offsetof(yk_detection, xywhr);
    assert_int_equal(yk_results_get(&f->results, 0, 0, &old.d), YK_OK);
    assert_int_equal(old.d.size, offsetof(yk_detection, xywhr));
    assert_int_equal(old.d.class_id, 1);
    assert_int_equal(*(unsigned char *)old.d.xywhr, 0x5a);
    free(f);
}

/* One prototype of 16 x 8 cells, 1 everywhere: the mask is the box, cut to whole network pixels. */
static void test_segment(void **unused) {
    (void)unused;
    fixture *f = make(YK__TASK_SEGMENT);
    float ones[16 * 8];
    const float coefficient = 2, mask_box[4] = {8, 4, 12, 7.5f};
    for (int i = 0; i < 16 * 8; i++) ones[i] = 1;
    f->found.extra = &coefficient;
    memcpy(f->found.mask_box, mask_box, sizeof mask_box);
    f->found.maps = (yk__prototypes){.data = ones, .n = 1, .height = 8, .width = 16};
    f->picture.mask_grid = yk__mask_grid_network(16, 8, 64, 32);

    yk_mask mask = YK_MASK_INIT;
    assert_int_equal(yk_results_mask(&f->results, 0, 0, &mask, NULL), YK_OK);
    assert_int_equal(mask.width, 64);
    assert_int_equal(mask.height, 32);
    assert_int_equal(mask.x, 8);
    assert_int_equal(mask.y, 4);
    assert_int_equal(mask.box_width, 4);
    assert_int_equal(mask.box_height, 4); /* rows 4 5 6 7 */
    for (int i = 0; i < 16; i++) assert_int_equal(mask.bits[i], 1);
    yk_mask_destroy(&mask);
    assert_null(mask.bits);

    /* test_masks.c holds the text against the format's own example; here it must be the same in both places */
    char *counts = NULL;
    int32_t width = 0, height = 0;
    assert_int_equal(yk_results_mask_rle(&f->results, 0, 0, &width, &height, &counts, NULL), YK_OK);
    assert_int_equal(width, 64);
    assert_int_equal(height, 32);

    /* the outline's corners (8,4) (8,7) (11,7) (11,4), network 64 x 32 of which the picture has 64 x 32: 3.125 each way */
    float *points = NULL;
    size_t n = 0;
    assert_int_equal(yk_results_polygon(&f->results, 0, 0, &points, &n, NULL), YK_OK);
    const float want[8] = {25, 12.5f, 25, 21.875f, 34.375f, 21.875f, 34.375f, 12.5f};
    assert_int_equal(n, 4);
    assert_memory_equal(points, want, sizeof want);
    yk_polygon_destroy(&points);
    assert_null(points);

    char json[1024];
    snprintf(json, sizeof json,
             HEAD("segment") CLASS BOX ",\"segments\":{\"x\":[25,25,34.375,34.375],\"y\":[12.5,21.875,21.875,12.5]},"
                                       "\"mask\":{\"size\":[32,64],\"counts\":\"%s\"}}]}",
             counts);
    expect_json(f, json);
    expect_txt(f, false, "1 0.125 0.125 0.125 0.21875 0.171875 0.21875 0.171875 0.125\n");
    yk_text_destroy(&counts);

    f->found.mask_box[2] = 9; /* one column: two points, no line */
    expect_txt(f, true, "");
    free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_detect),
        cmocka_unit_test(test_pose),
        cmocka_unit_test(test_obb),
        cmocka_unit_test(test_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
