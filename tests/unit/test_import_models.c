/* Real files: what is a YOLO imports, what is not is refused with the sentence that helps. Needs the shared test data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "import/import.h"
#include "import/probe.h"

static char folder[512];

static const char *path_of(const char *name) {
    static char path[1024];
    snprintf(path, sizeof path, "%s/models/onnx/%s", folder, name);
    return path;
}

static void yolos_import(void **state) {
    (void)state;
    static const struct {
        const char *name;
        yk__task task;
        yk__layout layout;
        int n_classes;
        const char *last;
        int imgsz, stride;
        bool dynamic;
        int n_extra;
    } models[] = {
        {"yolov8n-cls-weather-64.onnx", YK__TASK_CLASSIFY, YK__LAYOUT_PROBABILITIES, 4, "sunrise", 64, 1, false, 0},
        {"yolov8n.onnx", YK__TASK_DETECT, YK__LAYOUT_V8, 80, "toothbrush", 640, 32, false, 0},
        {"yolo26n-ball-416.onnx", YK__TASK_DETECT, YK__LAYOUT_V8, 1, "ball", 416, 32, false, 0},
        {"yolo26n-ball-416-end2end.onnx", YK__TASK_DETECT, YK__LAYOUT_V8_END2END, 1, "ball", 416, 32, false, 0},
        {"yolov8n-pose-coco8-dynamic.onnx", YK__TASK_POSE, YK__LAYOUT_V8, 1, "person", 640, 32, true, 51},
        {"yolox-nano.onnx", YK__TASK_DETECT, YK__LAYOUT_YOLOX, 80, "class79", 640, 32, false, 0},
    };
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        yk__model model;
        yk__error err = {0};
        const yk__code code = yk__import_model(path_of(models[i].name), NULL, &model, &err);
        if (code != YK__OK) fail_msg("%s", err.message);
        const yk__recipe *const r = &model.recipe;
        assert_int_equal(r->task, models[i].task);
        assert_int_equal(r->layout, models[i].layout);
        assert_int_equal(r->n_classes, models[i].n_classes);
        assert_string_equal(r->names[r->n_classes - 1], models[i].last);
        assert_int_equal(r->imgsz[0], models[i].imgsz);
        assert_int_equal(r->imgsz[1], models[i].imgsz);
        assert_int_equal(r->stride, models[i].stride);
        assert_int_equal(r->dynamic, models[i].dynamic);
        assert_int_equal(r->rect, models[i].dynamic);
        assert_int_equal(r->n_extra, models[i].n_extra);
        assert_false(r->bgr); /* nor YOLOX: this one is not of YOLOX's own exporter, yolox_tail.h */
        assert_int_equal(r->mean[0] > 0, models[i].layout == YK__LAYOUT_YOLOX);
        assert_int_equal(model.graph.nodes[0].op, YK__OP_IMAGE_INPUT);
        assert_int_equal(model.graph.n_inputs, 1);
        assert_int_equal(model.graph.n_outputs, 1);
        yk__model_free(&model);
    }
}

static void others_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *name;
        yk__code code;
        const char *word, *another;
    } models[] = {
        {"yolov8n-qlinear-int8.onnx", YK__UNSUPPORTED, "QuantizeLinear", "int8 models are not supported yet"},
        {"yolov8n-dynamic-int8.onnx", YK__UNSUPPORTED, "DynamicQuantizeLinear", "export the model in fp32"},
        {"nms-yolov8.onnx", YK__UNSUPPORTED, "2 inputs", "a picture"},
        {"bad/git-lfs-pointer.onnx", YK__FORMAT, "Git LFS pointer", "git lfs pull"},
        {"other/mnist.onnx", YK__UNSUPPORTED, "1 channels", "3"},
        {"other/srcnn-dynamic-upsample.onnx", YK__UNSUPPORTED, "2 inputs", ""},
        {"other/deform-conv-custom-op.onnx", YK__UNSUPPORTED, "custom::deform_conv2d", "/conv2/deform_conv2d"},
        {"other/asinh.onnx", YK__UNSUPPORTED, "channels", ""},
        {"other/cnn-digits.onnx", YK__UNSUPPORTED, "?x32x23x3", "N x 3 x H x W"},
        {"other/polygraphy-bad-graph.onnx", YK__GRAPH, "MatMul_2", "1 inputs"},
        {"other/polygraphy-dynamic-identity.onnx", YK__UNSUPPORTED, "\"Y\"", "none that yolk can read"},
        {"other/polygraphy-nested-local-function.onnx", YK__UNSUPPORTED, "Fake_2", ""},
        {"other/polygraphy-fold-constants.onnx", YK__UNSUPPORTED, "f32 1x3", ""},
        {"other/polygraphy-add-infinity.onnx", YK__UNSUPPORTED, "f32 1", ""},
    };
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        yk__model model;
        yk__error err = {0};
        const yk__code code = yk__import_model(path_of(models[i].name), NULL, &model, &err);
        if (code == YK__OK) yk__model_free(&model);
        if (code != models[i].code || !strstr(err.message, models[i].word) || !strstr(err.message, models[i].another) ||
            !strstr(err.message, models[i].name)) {
            fail_msg("%s: %s: %s", models[i].name, yk__code_name(code), err.message);
        }
    }
}

/* Networks that are no YOLO but whole: their operators import. */
static void networks_import(void **state) {
    (void)state;
    static const char *const names[] = {"nms-yolov8.onnx",
                                        "other/mnist.onnx",
                                        "other/srcnn-dynamic-upsample.onnx",
                                        "other/asinh.onnx",
                                        "other/cnn-digits.onnx",
                                        "other/polygraphy-dynamic-identity.onnx",
                                        "other/polygraphy-fold-constants.onnx",
                                        "other/polygraphy-add-infinity.onnx"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        yk__map map;
        yk__model model;
        yk__error err = {0};
        assert_int_equal(yk__map_open(&map, path_of(names[i]), 0, &err), YK__OK);
        if (yk__import_network(map.data, map.size, NULL, false, &model, &err) != YK__OK)
            fail_msg("%s: %s", names[i], err.message);
        assert_true(model.graph.n_nodes > 0);
        yk__model_free(&model);
        yk__map_close(&map);
    }
}

static void probe_tells_without_weights(void **state) {
    (void)state;
    yk__map map;
    yk__arena arena;
    yk__probe_report report;
    assert_int_equal(yk__map_open(&map, path_of("yolov8n-qlinear-int8.onnx"), 0, NULL), YK__OK);
    yk__arena_init(&arena, 4 << 20); /* of a 3.4 MB file: the report alone */
    assert_int_equal(yk__probe_onnx(map.data, map.size, &arena, &report, NULL), YK__OK);
    assert_int_equal(report.opset, 17);
    assert_false(report.supported);
    assert_string_equal(report.bad_operator, "QuantizeLinear");
    assert_int_equal(report.outputs[0].shape.dim[2], 8400);
    yk__arena_free(&arena);
    yk__map_close(&map);
}

int main(void) {
    const char *const shared = getenv("YOLK_SHARED");
    snprintf(folder, sizeof folder, "%s", shared ? shared : "../shared");
    if (access(path_of("yolov8n.onnx"), R_OK) != 0) {
        printf("skipped: no %s\n", path_of("yolov8n.onnx"));
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yolos_import),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(networks_import),
        cmocka_unit_test(probe_tells_without_weights),
    };
    return cmocka_run_group_tests_name("import models", tests, NULL, NULL);
}
