/* Whole checkpoints of our own making (tools/make_pt_seeds.py): what each becomes, what its recipe says, that normalisation and
 * parallel branches are folded as PARITY 5.1 has it, and what is refused with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "import/import.h"
#include "import/pt_file.h"
#include "support/shared.h"

#define FOLDER "fuzz/seeds/fuzz_pt/"

static yk__error err;
static yk__model model;

static yk__code load(const char *name, const yk__import_options *options) {
    char path[256];
    snprintf(path, sizeof path, FOLDER "%s", name);
    return yk__import_model(path, options, &model, &err);
}

static void must_load(const char *name, const yk__import_options *options) {
    if (load(name, options) != YK__OK) fail_msg("%s: %s", name, err.message);
}

static void must_fail(const char *name, const yk__import_options *options, yk__code code, const char *part) {
    const yk__code was = load(name, options);
    if (was == YK__OK) yk__model_free(&model);
    if (was != code || !strstr(err.message, part))
        fail_msg("%s: %d, \"%s\"; expected %d, \"%s\"", name, was, err.message, code, part);
}

static int count_op(yk__op op) {
    int n = 0;
    for (int32_t i = 0; i < model.graph.n_nodes; i++) n += model.graph.nodes[i].op == op;
    return n;
}

static const yk__node *find_op(yk__op op) {
    for (int32_t i = 0; i < model.graph.n_nodes; i++)
        if (model.graph.nodes[i].op == op) return &model.graph.nodes[i];
    fail_msg("no %s", yk__op_info_get(op)->name);
    return NULL;
}

/* ---- what becomes of each ---- */

static void test_recipes(void **state) {
    (void)state;
    static const struct {
        const char *name;
        yk__task task;
        yk__layout layout;
        int n_classes, n_extra, kpt[2], n_outputs;
        bool end2end, rect;
    } cases[] = {
        {"v8.pt", YK__TASK_DETECT, YK__LAYOUT_V8, 2, 0, {0, 0}, 1, false, true},
        {"v26.pt", YK__TASK_DETECT, YK__LAYOUT_V8, 2, 0, {0, 0}, 1, false, true},
        {"v26.pt", YK__TASK_DETECT, YK__LAYOUT_V8_END2END, 2, 0, {0, 0}, 1, true, true},
        {"v26-one-head.pt", YK__TASK_DETECT, YK__LAYOUT_V8_END2END, 2, 0, {0, 0}, 1, false, true},
        {"segment.pt", YK__TASK_SEGMENT, YK__LAYOUT_V8, 2, 4, {0, 0}, 2, false, true},
        {"segment26.pt", YK__TASK_SEGMENT, YK__LAYOUT_V8, 2, 4, {0, 0}, 2, false, true},
        {"segment26.pt", YK__TASK_SEGMENT, YK__LAYOUT_V8_END2END, 2, 4, {0, 0}, 2, true, true},
        {"pose.pt", YK__TASK_POSE, YK__LAYOUT_V8, 1, 6, {3, 2}, 1, false, true},
        {"pose26.pt", YK__TASK_POSE, YK__LAYOUT_V8, 1, 9, {3, 3}, 1, false, true},
        {"obb.pt", YK__TASK_OBB, YK__LAYOUT_V8, 2, 1, {0, 0}, 1, false, true},
        {"obb26.pt", YK__TASK_OBB, YK__LAYOUT_V8_END2END, 2, 1, {0, 0}, 1, true, true},
        {"classify.pt", YK__TASK_CLASSIFY, YK__LAYOUT_PROBABILITIES, 2, 0, {0, 0}, 1, false, false},
        {"v5.pt", YK__TASK_DETECT, YK__LAYOUT_V5, 2, 0, {0, 0}, 1, false, true},
        {"v5-package.pt", YK__TASK_DETECT, YK__LAYOUT_V5, 2, 0, {0, 0}, 1, false, true},
        {"activations.pt", YK__TASK_DETECT, YK__LAYOUT_V8, 2, 0, {0, 0}, 1, false, true},
        {"blocks.pt", YK__TASK_DETECT, YK__LAYOUT_V8, 2, 0, {0, 0}, 1, false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const yk__import_options options = {.end2end = cases[i].end2end};
        must_load(cases[i].name, &options);
        const yk__recipe *const r = &model.recipe;
        if (r->task != cases[i].task || r->layout != cases[i].layout || r->n_classes != cases[i].n_classes ||
            r->n_extra != cases[i].n_extra || r->kpt_shape[0] != cases[i].kpt[0] || r->kpt_shape[1] != cases[i].kpt[1] ||
            model.graph.n_outputs != cases[i].n_outputs || r->rect != cases[i].rect)
            fail_msg("%s (case %zu) has another recipe", cases[i].name, i);
        assert_int_equal(r->imgsz[0], 64);
        assert_int_equal(r->imgsz[1], 64);
        assert_int_equal(r->stride, 32);
        assert_string_equal(r->names[0], r->n_classes == 1 ? "p" : "a");
        assert_string_equal(model.provenance.source_format, "pytorch");
        assert_string_equal(model.provenance.source_name, cases[i].name);
        assert_int_equal(model.graph.nodes[0].op, YK__OP_IMAGE_INPUT);
        assert_int_equal(yk__graph_verify(&model.graph, &err), YK__OK);
        yk__model_free(&model);
    }
}

/* Wrappers are looked through, numpy's numbers are numbers, names are texts, and what training left behind is passed by. */
static void test_luggage(void **state) {
    (void)state;
    must_load("luggage.pt", NULL);
    assert_int_equal(model.recipe.task, YK__TASK_DETECT);
    assert_int_equal(model.recipe.n_classes, 2);
    assert_int_equal(model.recipe.imgsz[0], 64);
    assert_string_equal(model.recipe.names[0], "7");
    assert_string_equal(model.recipe.names[1], "True");
    assert_int_equal(yk__node_int(find_op(YK__OP_YOLK_HEAD), "reg_max", 0), 4);
    yk__model_free(&model);
}

/* Functions take what their modules say: GELU's approximation, bounds, slopes. */
static void test_activations(void **state) {
    (void)state;
    must_load("activations.pt", NULL);
    int tanh_like = 0;
    for (int32_t i = 0; i < model.graph.n_nodes; i++) {
        const yk__node *const node = &model.graph.nodes[i];
        if (node->op == YK__OP_GELU) tanh_like += strcmp(yk__node_string(node, "approximate", "none"), "tanh") == 0;
    }
    assert_int_equal(count_op(YK__OP_GELU), 2);
    assert_int_equal(tanh_like, 1);
    assert_int_equal(count_op(YK__OP_CLIP), 2);
    assert_int_equal(count_op(YK__OP_PRELU), 2);
    assert_true(fabs(yk__node_float(find_op(YK__OP_HARD_SIGMOID), "alpha", 0) - 1.0 / 6) < 1e-9);
    assert_string_equal(yk__node_string(find_op(YK__OP_RESIZE), "mode", ""), "linear");
    yk__model_free(&model);
    must_fail("softplus.pt", NULL, YK__UNSUPPORTED, "beta other than 1");
    must_fail("grey.pt", NULL, YK__UNSUPPORTED, "pictures of 1 channels");
}

static void test_heads(void **state) {
    (void)state;
    must_load("v8.pt", NULL);
    const yk__node *head = find_op(YK__OP_YOLK_HEAD);
    assert_int_equal(head->n_in, 4);
    assert_int_equal(yk__node_int(head, "reg_max", 0), 4);
    const yk__attr *const strides = yk__node_attr(head, "strides");
    assert_true(strides->n == 2 && strides->floats[0] == 8 && strides->floats[1] == 16);
    assert_null(yk__node_attr(head, "dfl_weight")); /* 0, 1, 2, 3: as everywhere */
    yk__model_free(&model);
    must_load("pose26.pt", NULL);
    assert_string_equal(yk__node_string(find_op(YK__OP_YOLK_HEAD), "family", "v8"), "26");
    yk__model_free(&model);
    must_load("obb26.pt", &(yk__import_options){.end2end = true});
    head = find_op(YK__OP_YOLK_HEAD);
    assert_string_equal(yk__node_string(head, "angle", "sigmoid"), "raw");
    assert_int_equal(yk__node_int(head, "end2end_k", 0), 300);
    yk__model_free(&model);
    must_load("v5.pt", NULL);
    assert_int_equal(count_op(YK__OP_YOLK_HEAD), 0);
    assert_true((double)model.recipe.iou > 0.44 && (double)model.recipe.iou < 0.46 && model.recipe.max_det == 1000);
    assert_int_equal(count_op(YK__OP_SPACE_TO_DEPTH), 1); /* Focus */
    assert_int_equal(count_op(YK__OP_LEAKY_RELU), 1);
    assert_int_equal(count_op(YK__OP_HARD_SWISH), 1);
    yk__model_free(&model);
}

/* The pictures' preparation comes from the pickled steps when they are for the size in use, else it is the usual one. */
static void test_classify_steps(void **state) {
    (void)state;
    static const float mean[] = {0.5f, 0.25f, 0.125f}, std[] = {1, 0.5f, 2}, zero[3] = {0}, one[] = {1, 1, 1};
    must_load("classify.pt", NULL);
    assert_memory_equal(model.recipe.mean, mean, sizeof mean);
    assert_memory_equal(model.recipe.std, std, sizeof std);
    assert_int_equal(yk__node_attr(&model.graph.nodes[0], "mean")->n, 3);
    yk__model_free(&model);
    must_load("classify.pt", &(yk__import_options){.imgsz = {96, 96}});
    assert_memory_equal(model.recipe.mean, zero, sizeof zero);
    assert_memory_equal(model.recipe.std, one, sizeof one);
    assert_null(yk__node_attr(&model.graph.nodes[0], "mean"));
    assert_int_equal(model.recipe.geometry, YK__GEOMETRY_CLASSIFY_CROP);
    yk__model_free(&model);
    must_load("classify-old.pt", NULL); /* of the package's first versions: with their own size */
    assert_int_equal(model.recipe.geometry, YK__GEOMETRY_CLASSIFY_SQUARE);
    assert_int_equal(model.recipe.imgsz[0], 96);
    assert_int_equal(model.recipe.imgsz[1], 64);
    yk__model_free(&model);
}

static void test_options(void **state) {
    (void)state;
    must_load("v8.pt", &(yk__import_options){.imgsz = {65, 640}, .task = YK__TASK_DETECT, .layout = YK__LAYOUT_V8});
    assert_int_equal(model.recipe.imgsz[0], 96);
    assert_int_equal(model.recipe.imgsz[1], 640);
    yk__model_free(&model);
    must_fail("v8.pt", &(yk__import_options){.end2end = true}, YK__ARGUMENT, "no one-to-one head");
    must_fail("classify.pt", &(yk__import_options){.end2end = true}, YK__ARGUMENT, "no one-to-one head");
    must_fail("v8.pt", &(yk__import_options){.task = YK__TASK_POSE}, YK__ARGUMENT, "task is detect");
    must_fail("v8.pt", &(yk__import_options){.layout = YK__LAYOUT_V5}, YK__ARGUMENT, "layout is v8");
    must_fail("v8.pt", &(yk__import_options){.imgsz = {-1, 64}}, YK__ARGUMENT, "--imgsz");
}

static void test_refused(void **state) {
    (void)state;
    must_fail("evil.pt", NULL, YK__UNSUPPORTED, "builtins.exec, which runs code");
    must_fail("evil.pkl", NULL, YK__UNSUPPORTED, "__builtin__.exec, which runs code");
    must_fail("rtdetr.pt", NULL, YK__UNSUPPORTED, "RT-DETR");
    must_fail("rtdetr.pkl", NULL, YK__UNSUPPORTED, "RT-DETR");
    must_fail("yolov7.pt", NULL, YK__UNSUPPORTED, "YOLOv7");
    must_fail("v5-segment.pt", NULL, YK__UNSUPPORTED, "YOLOv5");
    must_fail("state-dict.pt", NULL, YK__UNSUPPORTED, "state dict");
    must_fail("unknown-block.pt", NULL, YK__UNSUPPORTED, "/model.0 is a Mystery of ultralytics.nn.modules.block");
    must_fail("loop.pt", NULL, YK__LIMIT, "nested");
    must_fail("doubling.pt", NULL, YK__LIMIT, "modules");
    must_fail("v8.pkl", NULL, YK__UNSUPPORTED, "weights, the files in the folder data beside it, are missing");
}

/* Broken checkpoints and pickles alone, as people have them. */
static void test_shared(void **state) {
    (void)state;
    static const char cut[] = "is cut: it has", alone[] = "data.pkl alone";
    static const struct {
        const char *name;
        yk__code code;
        const char *parts[2];
    } cases[] = {
        {"bad/cut-yolo11n.pt", YK__TRUNCATED, {cut, "2899103 or more are missing; download"}},
        {"bad/cut-yolov5n.pt", YK__TRUNCATED, {cut, "download or copy it again"}},
        {"bad/cut-yolov8n-256k.pt", YK__TRUNCATED, {cut, "download or copy it again"}},
        {"bad/cut-yolov8n-cls.pt", YK__TRUNCATED, {cut, "download or copy it again"}},
        {"bad/empty.pt", YK__FORMAT, {"the file is empty", ""}},
        {"bad/html-404.pt", YK__FORMAT, {"web page", "download"}},
        {"pickle-only/rtdetr-l-parking.data.pkl", YK__UNSUPPORTED, {alone, "RT-DETR"}},
        {"pickle-only/yolo11n.data.pkl", YK__UNSUPPORTED, {alone, "give the whole .pt"}},
        {"pickle-only/yolo26l-pool.data.pkl", YK__UNSUPPORTED, {alone, "give the whole .pt"}},
        {"pickle-only/yolov7-hand-head.data.pkl", YK__UNSUPPORTED, {alone, "YOLOv7"}},
        {"pickle-only/yolov8m-cubes-loss.data.pkl", YK__UNSUPPORTED, {alone, "(DetectionModel)"}},
        {"pickle-only/yolov8n-cls.data.pkl", YK__UNSUPPORTED, {alone, "(ClassificationModel)"}},
        {"pickle-only/yolov8n-seg-v8.0.data.pkl", YK__UNSUPPORTED, {alone, "(SegmentationModel)"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[128], path[4096];
        snprintf(name, sizeof name, "shared:models/pt/%s", cases[i].name);
        if (!shared_path(path, name)) {
            printf("skipped: no %s\n", path);
            skip();
        }
        const yk__code code = yk__import_model(path, NULL, &model, &err);
        if (code != cases[i].code || !strstr(err.message, cases[i].parts[0]) || !strstr(err.message, cases[i].parts[1]))
            fail_msg("%s: %d, \"%s\"", cases[i].name, code, err.message);
    }
}

/* ---- numbers ---- */

/* A tensor attribute in double, straight from the file. */
static double *read_numbers(yk__pt_file *file, yk__py module, const char *name, int64_t *n) {
    yk__arena arena;
    yk__shape shape;
    float *data;
    yk__arena_init(&arena, 0);
    if (yk__pt_tensor_read(file, yk__pt_attr(file, module, name), &arena, &shape, &data, &err) != YK__OK)
        fail_msg("%s", err.message);
    assert_true(yk__shape_count(&shape, n));
    double *const out = malloc((size_t)*n * sizeof *out);
    assert_non_null(out);
    for (int64_t i = 0; i < *n; i++) out[i] = (double)data[i];
    yk__arena_free(&arena);
    return out;
}

/* g = gamma / sqrt(var + eps) and shift = beta - mean * g of a normalisation, in double. */
static void read_norm(yk__pt_file *file, yk__py bn, double *g, double *shift) {
    int64_t n;
    double eps, *const gamma = read_numbers(file, bn, "weight", &n), *const beta = read_numbers(file, bn, "bias", &n);
    double *const mean = read_numbers(file, bn, "running_mean", &n), *const var = read_numbers(file, bn, "running_var", &n);
    assert_true(yk__py_number(&file->pickle, yk__pt_attr(file, bn, "eps"), &eps) && eps == 1e-3 && n <= 64);
    for (int64_t i = 0; i < n; i++) {
        g[i] = gamma[i] / sqrt(var[i] + eps);
        shift[i] = beta[i] - mean[i] * g[i];
    }
    free(gamma), free(beta), free(mean), free(var);
}

static const float *constant(const char *name, int64_t n) {
    int64_t count;
    for (int32_t i = 0; i < model.graph.n_values; i++) {
        const yk__value *const v = &model.graph.values[i];
        if (strcmp(v->name, name) != 0) continue;
        assert_non_null(v->data);
        assert_true(yk__shape_count(&v->shape, &count) && count == n);
        return v->data;
    }
    fail_msg("there is no constant %s", name);
    return NULL;
}

/* f32 arithmetic on numbers of about 1: a few roundings. */
static void same(double got, double want) {
    if (!(fabs(got - want) <= 1e-6 * (1 + fabs(want)))) fail_msg("%.9g where %.9g was expected", got, want);
}

static yk__map open_file(const char *name, yk__pt_file *file) {
    char path[256];
    yk__map map;
    snprintf(path, sizeof path, FOLDER "%s", name);
    assert_int_equal(yk__map_open(&map, path, 0, &err), YK__OK);
    assert_int_equal(yk__pt_file_open(file, map.data, map.size, &err), YK__OK);
    return map;
}

/* Layer i of the model's list. */
static yk__py layer(const yk__pt_file *file, int32_t i) {
    return yk__pt_child(file, yk__pt_attr(file, yk__pt_attr(file, file->pickle.root, "model"), "model"), i);
}

static void test_fold(void **state) {
    (void)state;
    yk__pt_file file;
    double g[64], shift[64];
    int64_t n;
    yk__map map = open_file("v8.pt", &file);
    must_load("v8.pt", NULL);
    const yk__py conv = layer(&file, 0);
    double *const weight = read_numbers(&file, yk__pt_attr(&file, conv, "conv"), "weight", &n);
    assert_int_equal(n, 8 * 3 * 9);
    read_norm(&file, yk__pt_attr(&file, conv, "bn"), g, shift);
    const float *const w = constant("model.0.conv.weight", n), *const b = constant("model.0.conv.bias", 8);
    for (int64_t i = 0; i < n; i++) same((double)w[i], weight[i] * g[i / 27]);
    for (int64_t i = 0; i < 8; i++) same((double)b[i], shift[i]);
    free(weight);
    yk__model_free(&model);
    yk__pt_file_close(&file);
    yk__map_close(&map);
}

/* RepConv: 3 x 3, 1 x 1 and identity become one 3 x 3. */
static void test_merged_branches(void **state) {
    (void)state;
    enum { C = 2 }; /* of half the channels of half a block of 8 */
    static const char place[] = "model.5.cv2.cv2.0.m.m.0.cv1.conv";
    yk__pt_file file;
    double g3[64], b3[64], g1[64], b1[64], g0[64], b0[64];
    int64_t n3, n1;
    char name[128];
    yk__map map = open_file("blocks.pt", &file);
    must_load("blocks.pt", NULL);
    const yk__py csp = yk__pt_child(&file, yk__pt_attr(&file, layer(&file, 5), "cv2"), 0);
    const yk__py rep = yk__pt_attr(&file, yk__pt_child(&file, yk__pt_attr(&file, csp, "m"), 0), "cv1");
    const yk__py large = yk__pt_attr(&file, rep, "conv1"), small = yk__pt_attr(&file, rep, "conv2");
    double *const w3 = read_numbers(&file, yk__pt_attr(&file, large, "conv"), "weight", &n3);
    double *const w1 = read_numbers(&file, yk__pt_attr(&file, small, "conv"), "weight", &n1);
    read_norm(&file, yk__pt_attr(&file, large, "bn"), g3, b3);
    read_norm(&file, yk__pt_attr(&file, small, "bn"), g1, b1);
    read_norm(&file, yk__pt_attr(&file, rep, "bn"), g0, b0);
    assert_int_equal(n3, C * C * 9);
    snprintf(name, sizeof name, "%s.weight", place);
    const float *const w = constant(name, n3);
    snprintf(name, sizeof name, "%s.bias", place);
    const float *const b = constant(name, C);
    for (int o = 0; o < C; o++) {
        for (int i = 0; i < C; i++)
            for (int k = 0; k < 9; k++) {
                double want = w3[(o * C + i) * 9 + k] * g3[o];
                if (k == 4) want += w1[o * C + i] * g1[o] + (o == i ? g0[o] : 0);
                same((double)w[(o * C + i) * 9 + k], want);
            }
        same((double)b[o], b3[o] + b1[o] + b0[o]);
    }
    free(w3), free(w1);
    yk__model_free(&model);
    yk__pt_file_close(&file);
    yk__map_close(&map);
}

/* ---- hostile conditions ---- */

static void test_cuts(void **state) {
    (void)state;
    yk__map map;
    assert_int_equal(yk__map_open(&map, FOLDER "pose.pt", 0, &err), YK__OK);
    for (size_t n = 4; n < map.size; n += 61) { /* a prime: all kinds of places */
        uint8_t *const cut = malloc(n);
        assert_non_null(cut);
        memcpy(cut, map.data, n);
        const yk__code code = yk__import_bytes(cut, n, "cut.pt", NULL, NULL, &model, &err);
        free(cut);
        if (code != YK__TRUNCATED) fail_msg("cut at %zu of %zu: %d, %s", n, map.size, code, err.message);
    }
    yk__map_close(&map);
}

/* A byte of a weight changed: the archive's checksum tells. */
static void test_damage(void **state) {
    (void)state;
    yk__map map;
    assert_int_equal(yk__map_open(&map, FOLDER "pose.pt", 0, &err), YK__OK);
    uint8_t *const bytes = malloc(map.size);
    assert_non_null(bytes);
    memcpy(bytes, map.data, map.size);
    const uint8_t *const entry = memmem(bytes, map.size, "pose/data/1", 11);
    assert_non_null(entry);
    bytes[(size_t)(entry - bytes) + 11 + 4] ^= 0x10;
    assert_int_equal(yk__import_bytes(bytes, map.size, "x.pt", NULL, NULL, &model, &err), YK__CHECKSUM);
    assert_non_null(strstr(err.message, "pose/data/1"));
    free(bytes);
    yk__map_close(&map);
}

static void test_no_memory(void **state) {
    (void)state;
    for (uint64_t n = 1; n < 2000; n++) {
        yk__alloc_fail_after(n);
        const yk__code code = load("pose.pt", NULL);
        yk__alloc_fail_after(0);
        if (code == YK__OK) {
            yk__model_free(&model);
            return;
        }
        if (code != YK__MEMORY) fail_msg("allocation %llu failed: %d, %s", (unsigned long long)n, code, err.message);
    }
    fail_msg("it allocates more often than it should");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipes),         cmocka_unit_test(test_heads),          cmocka_unit_test(test_luggage),
        cmocka_unit_test(test_activations),     cmocka_unit_test(test_classify_steps), cmocka_unit_test(test_options),
        cmocka_unit_test(test_refused),         cmocka_unit_test(test_fold),           cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_merged_branches), cmocka_unit_test(test_damage),         cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
