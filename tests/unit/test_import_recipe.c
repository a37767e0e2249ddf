/* From notes and shapes to a recipe: Python literals, metadata, name files, and which readings of the outputs are possible. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "import/import.h"
#include "import/literal.h"
#include "import/names_file.h"
#include "unit/onnx_make.h"

/* ---- literals ---- */

static yk__code parse(yk__arena *arena, const char *text, yk__literal *out) {
    return yk__literal_parse(text, arena, out, NULL);
}

static void literals(void **state) {
    (void)state;
    yk__arena a;
    yk__literal l;
    int64_t value;
    yk__arena_init(&a, 0);
    assert_int_equal(parse(&a, "{0: 'person', 1: \"child's toy\", 2: 'caf\\u00e9', 3: 'a\\'b\\\\n\\n\\x41'}", &l), YK__OK);
    assert_int_equal(l.kind, YK__LITERAL_DICT);
    assert_int_equal(l.n, 4);
    assert_string_equal(l.items[1].text, "person");
    assert_string_equal(l.items[3].text, "child's toy");
    assert_string_equal(l.items[5].text, "caf\xc3\xa9");
    assert_string_equal(l.items[7].text, "a'b\\n\nA");
    assert_int_equal(parse(&a, " [640, (1, 2,), {3, 4}, [], {}, None, True, False, -5, 1e-3] ", &l), YK__OK);
    assert_int_equal(l.n, 10);
    assert_int_equal(l.items[0].integer, 640);
    assert_int_equal(l.items[1].n, 2);
    assert_int_equal(l.items[2].kind, YK__LITERAL_LIST);
    assert_int_equal(l.items[4].kind, YK__LITERAL_DICT);
    assert_int_equal(l.items[5].kind, YK__LITERAL_NONE);
    assert_true(l.items[6].boolean);
    assert_int_equal(l.items[8].integer, -5);
    assert_true(l.items[9].number == 1e-3);
    assert_int_equal(parse(&a, "{'a': 1.0, 'b': True}", &l), YK__OK);
    assert_true(yk__literal_int(yk__literal_get(&l, "a"), 0, 5, &value) && value == 1);
    assert_true(yk__literal_int(yk__literal_get(&l, "b"), 0, 5, &value) && value == 1);
    assert_null(yk__literal_get(&l, "c"));
    assert_false(yk__literal_int(yk__literal_get(&l, "a"), 2, 5, &value));
    /* surrogates and raw bytes that are no UTF-8 become question marks */
    assert_int_equal(parse(&a, "'\\ud800'", &l), YK__OK);
    assert_string_equal(l.text, "?");
    assert_int_equal(parse(&a, "'\xff'", &l), YK__OK);
    assert_string_equal(l.text, "?");
    yk__arena_free(&a);
}

static void literals_that_are_none(void **state) {
    (void)state;
    static const char *const texts[] = {"",          "[",    "[1",     "[1 2]",  "{1: }",      "{1: 2, 3}",
                                        "{1, 2: 3}", "'abc", "'a\\q'", "'\\x4'", "print('x')", "__import__('os')",
                                        "1 2",       "b'x'", "[1,,2]", "1.2.3",  "Nonesuch",   "99999999999999999999999999999x",
                                        "{",         "'\\"};
    yk__arena a;
    yk__literal l;
    yk__arena_init(&a, 0);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (parse(&a, texts[i], &l) != YK__FORMAT) fail_msg("\"%s\" was taken", texts[i]);
    }
    char deep[200];
    memset(deep, '[', 100);
    memset(deep + 100, ']', 99);
    deep[199] = 0;
    assert_int_equal(parse(&a, deep, &l), YK__LIMIT);
    /* every cut of a whole one */
    static const char whole[] = "{0: 'a\\u00e9', 1: [1.5, -2, (True, None)], 'k': {1, 2}}";
    for (size_t n = 1; n < sizeof whole - 1; n++) {
        char cut[sizeof whole];
        memcpy(cut, whole, n);
        cut[n] = 0;
        assert_int_equal(parse(&a, cut, &l), YK__FORMAT);
    }
    yk__arena_free(&a);
}

/* ---- name files ---- */

static void names_are(const char *text, int n, const char *const *wanted) {
    yk__arena a;
    const char **names;
    int32_t got;
    yk__error err = {0};
    yk__arena_init(&a, 0);
    const yk__code code = yk__names_text_read(text, &a, &names, &got, &err);
    if (code != YK__OK) fail_msg("%s: %s", text, err.message);
    assert_int_equal(got, n);
    for (int i = 0; i < n; i++) assert_string_equal(names[i], wanted[i]);
    yk__arena_free(&a);
}
#define NAMES(text, ...) \
    names_are((text), (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), (const char *const[]){__VA_ARGS__})

static void name_files(void **state) {
    (void)state;
    NAMES("a\nb c\r\n\n  d  ", "a", "b c", "d");
    NAMES("\xef\xbb\xbf"
          "a\nb\n",
          "a", "b");
    NAMES("path: x\ntrain: images # names\nnames:\n  0: person\n  1: 'traffic light'  # a comment\n  2: \"a: b\"\nnc: 3\n",
          "person", "traffic light", "a: b");
    NAMES("names:\n- a\n- 'b #1'\nother: 1\n", "a", "b #1");
    NAMES("nc: 2\nnames: ['x, y', z]\n", "x, y", "z");
    NAMES("names: [ a,\n  b ]\n", "a", "b");
    NAMES("names: {0: a, 1: b}", "a", "b");
    NAMES("names:\n  1: b\n  0: a\n", "a", "b");
}

static void name_files_that_are_none(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "\n\n",
                                        "names:\n",
                                        "names: [a, b",
                                        "names:\n  0: a\n  2: c\n",
                                        "names:\n  0: a\n  0: b\n",
                                        "names:\n  x: a\n",
                                        "names:\n  -1: a\n",
                                        "names:\n  99999999999: a\n",
                                        "names: {a: b}"};
    yk__arena a;
    const char **names;
    int32_t n;
    yk__arena_init(&a, 0);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (yk__names_text_read(texts[i], &a, &names, &n, NULL) != YK__FORMAT) fail_msg("\"%s\" was taken", texts[i]);
    }
    yk__arena_free(&a);
}

/* ---- readings ---- */

/* The ways a network may end, as far as readings look at it. */
typedef enum tail { PLAIN, SOFTMAX, SCORES, RAW, LOGITS, TOP_K, NMS, ANGLE } tail;

/* images -> ... -> output0 of the given shape; nothing here could run, but the readings only look. */
static void network(onnx_make *m, tail end, const char *in, const char *out, const char *second) {
    onnx_begin(m, 18);
    onnx_input(m, "images", ONNX_FLOAT, in);
    ONNX_F32S(m, "w", "1x3x1x1", 1, 2, 3);
    onnx_node(m, "Conv", "images w", "c");
    Onnx__NodeProto *node;
    switch (end) {
    case PLAIN: onnx_node(m, "Mul", "c c", "output0"); break;
    case SOFTMAX: onnx_node(m, "Softmax", "c", "s"), onnx_node(m, "Identity", "s", "output0"); break;
    case SCORES:
        onnx_node(m, "Mul", "c c", "b"), onnx_node(m, "Sigmoid", "c", "s");
        node = onnx_node(m, "Concat", "b s", "output0");
        onnx_int(m, node, "axis", 1);
        break;
    case RAW:
        onnx_node(m, "Sigmoid", "c", "s");
        node = onnx_node(m, "Concat", "c s s", "r");
        onnx_int(m, node, "axis", 1);
        onnx_node(m, "Transpose", "r", "output0");
        break;
    case LOGITS:
        node = onnx_node(m, "Concat", "c c c", "r");
        onnx_int(m, node, "axis", 1);
        onnx_node(m, "Transpose", "r", "output0");
        break;
    case TOP_K:
        ONNX_I64S(m, "k", "1", 1);
        onnx_node(m, "TopK", "c k", "t i"), onnx_node(m, "Mul", "t t", "output0");
        break;
    case NMS:
        onnx_node(m, "NonMaxSuppression", "c c", "n"), onnx_node(m, "Cast", "n", "f");
        onnx_int(m, m->graph->node[2], "to", 1);
        onnx_node(m, "Mul", "f f", "output0");
        break;
    case ANGLE: onnx_node(m, "Cos", "c", "p"), onnx_node(m, "Sin", "c", "q"), onnx_node(m, "Mul", "p q", "output0"); break;
    }
    onnx_output(m, "output0", ONNX_FLOAT, out);
    if (!second) return;
    onnx_node(m, "Neg", "c", "output1");
    onnx_output(m, "output1", ONNX_FLOAT, second);
}

static yk__code import(onnx_make *m, const yk__import_options *options, yk__model *out, yk__error *err) {
    size_t size;
    const uint8_t *const bytes = onnx_pack(m, &size);
    return yk__import_bytes(bytes, size, "x.onnx", NULL, options, out, err);
}

static void reads(onnx_make *m, const yk__import_options *options, yk__task task, yk__layout layout, int n_classes,
                  int n_extra) {
    yk__model out;
    yk__error err = {0};
    const yk__code code = import(m, options, &out, &err);
    if (code != YK__OK) fail_msg("%s: %s", yk__code_name(code), err.message);
    assert_string_equal(yk__task_name(out.recipe.task), yk__task_name(task));
    assert_string_equal(yk__layout_name(out.recipe.layout), yk__layout_name(layout));
    assert_int_equal(out.recipe.n_classes, n_classes);
    assert_int_equal(out.recipe.n_extra, n_extra);
    assert_int_equal(out.graph.nodes[0].op, YK__OP_IMAGE_INPUT);
    assert_int_equal(out.graph.nodes[0].in[0], out.graph.inputs[0]);
    yk__model_free(&out);
    onnx_end(m);
}

static void refuses(onnx_make *m, const yk__import_options *options, yk__code code, const char *word, const char *another) {
    yk__model out;
    yk__error err = {0};
    const yk__code got = import(m, options, &out, &err);
    if (got == YK__OK) yk__model_free(&out);
    if (got != code || !strstr(err.message, word) || !strstr(err.message, another)) {
        fail_msg("wanted %s with \"%s\" and \"%s\", got %s: %s", yk__code_name(code), word, another, yk__code_name(got),
                 err.message);
    }
    onnx_end(m);
}

#define IN "1x3x640x640"

/* Scores that leave as logits get their sigmoid, the output its name, and pictures what that training code gives them. */
static void logits_are_finished(void **state) {
    (void)state;
    for (int raw = 0; raw < 2; raw++) {
        onnx_make m;
        yk__model out;
        yk__error err = {0};
        network(&m, raw ? RAW : LOGITS, IN, "1x8400x85", NULL);
        assert_int_equal(import(&m, NULL, &out, &err), YK__OK);
        const yk__node *const last = &out.graph.nodes[out.graph.n_nodes - 1];
        assert_int_equal(last->op, raw ? YK__OP_TRANSPOSE : YK__OP_CONCAT);
        assert_int_equal(last->out[0], out.graph.outputs[0]);
        assert_string_equal(out.graph.values[out.graph.outputs[0]].name, "output0");
        assert_int_equal(out.recipe.bgr, raw);
        assert_true(raw ? out.recipe.mean[0] == 0 : out.recipe.mean[0] == 0.485f);
        yk__model_free(&out);
        onnx_end(&m);
    }
}

static void one_reading_is_taken(void **state) {
    (void)state;
    onnx_make m;
    network(&m, SOFTMAX, "1x3x224x224", "1x10", NULL);
    reads(&m, NULL, YK__TASK_CLASSIFY, YK__LAYOUT_PROBABILITIES, 10, 0);
    network(&m, SCORES, IN, "1x84x8400", NULL); /* 80*80 + 40*40 + 20*20 */
    reads(&m, NULL, YK__TASK_DETECT, YK__LAYOUT_V8, 80, 0);
    network(&m, SCORES, "1x3x128x192", "1x6x510", NULL); /* with P6: 384 + 96 + 24 + 6 */
    reads(&m, NULL, YK__TASK_DETECT, YK__LAYOUT_V8, 2, 0);
    network(&m, PLAIN, IN, "1x25200x85", NULL); /* three to a cell */
    reads(&m, NULL, YK__TASK_DETECT, YK__LAYOUT_V5, 80, 0);
    network(&m, RAW, IN, "1x8400x85", NULL);
    reads(&m, NULL, YK__TASK_DETECT, YK__LAYOUT_YOLOX, 80, 0);
    network(&m, LOGITS, IN, "1x8400x85", NULL); /* with a sigmoid less than YOLOX's own: yolox_tail.h */
    reads(&m, NULL, YK__TASK_DETECT, YK__LAYOUT_YOLOX, 80, 0);
    network(&m, PLAIN, IN, "1x8400x85", NULL); /* the same form, decoded in the graph */
    reads(&m, NULL, YK__TASK_DETECT, YK__LAYOUT_V5, 80, 0);
    network(&m, TOP_K, IN, "1x300x6", NULL); /* the rows do not say how many classes there are */
    reads(&m, NULL, YK__TASK_DETECT, YK__LAYOUT_V8_END2END, 999, 0);
    network(&m, NMS, IN, "1x300x6", NULL);
    reads(&m, NULL, YK__TASK_DETECT, YK__LAYOUT_NMS, 999, 0);
    network(&m, ANGLE, IN, "1x20x8400", NULL);
    reads(&m, NULL, YK__TASK_OBB, YK__LAYOUT_V8, 15, 1);
    network(&m, PLAIN, IN, "1x116x8400", "1x32x160x160");
    reads(&m, NULL, YK__TASK_SEGMENT, YK__LAYOUT_V8, 80, 32);
    network(&m, SCORES, "1x3x?x?", "?x84x?", NULL);
    reads(&m, NULL, YK__TASK_DETECT, YK__LAYOUT_V8, 80, 0);
    network(&m, PLAIN, "?x3x?x?", "?x?x85", NULL);
    reads(&m, NULL, YK__TASK_DETECT, YK__LAYOUT_V5, 80, 0);
}

static void several_readings_are_listed(void **state) {
    (void)state;
    onnx_make m;
    network(&m, PLAIN, IN, "1x56x8400", NULL);
    refuses(&m, NULL, YK__AMBIGUOUS, "--task detect --layout v8 (52 classes)", "--task pose --layout v8 (1 classes)");
    network(&m, PLAIN, IN, "1x56x8400", NULL);
    refuses(&m, NULL, YK__AMBIGUOUS, "\"output0\" 1x56x8400", "--names FILE");
    network(&m, PLAIN, IN, "1x56x8400", NULL);
    reads(&m, &(yk__import_options){.task = YK__TASK_POSE}, YK__TASK_POSE, YK__LAYOUT_V8, 1, 51);
    network(&m, PLAIN, IN, "1x56x8400", NULL);
    reads(&m, &(yk__import_options){.task = YK__TASK_DETECT}, YK__TASK_DETECT, YK__LAYOUT_V8, 52, 0);
    network(&m, PLAIN, IN, "1x56x8400", NULL);
    refuses(&m, &(yk__import_options){.task = YK__TASK_OBB}, YK__ARGUMENT, "possible", "--task pose");
}

static void no_reading_is_refused(void **state) {
    (void)state;
    onnx_make m;
    network(&m, PLAIN, IN, "1x84x1234", NULL); /* no set of levels has 1234 cells */
    refuses(&m, NULL, YK__UNSUPPORTED, "1x84x1234", "none that yolk can read");
    network(&m, PLAIN, IN, "1x10", NULL); /* logits: no Softmax */
    refuses(&m, NULL, YK__UNSUPPORTED, "Softmax", "");
    network(&m, PLAIN, IN, "1x3x80x80x85", NULL); /* raw levels */
    refuses(&m, NULL, YK__UNSUPPORTED, "1x3x80x80x85", "");
    network(&m, SCORES, IN, "1x84x8400", NULL);
    refuses(&m, &(yk__import_options){.task = YK__TASK_CLASSIFY}, YK__ARGUMENT, "--task classify", "possible: --task detect");
    network(&m, SCORES, IN, "1x84x8400", NULL);
    refuses(&m, &(yk__import_options){.layout = YK__LAYOUT_YOLOX}, YK__ARGUMENT, "--layout yolox", "v8");
    network(&m, SCORES, IN, "1x84x8400", NULL);
    refuses(&m, &(yk__import_options){.end2end = true}, YK__ARGUMENT, "--end2end", "nms=False");
}

static void inputs_must_be_pictures(void **state) {
    (void)state;
    onnx_make m;
    network(&m, SOFTMAX, "1x1x28x28", "1x10", NULL);
    refuses(&m, NULL, YK__UNSUPPORTED, "1 channels", "");
    network(&m, SOFTMAX, "1x32x23x3", "1x10", NULL);
    refuses(&m, NULL, YK__UNSUPPORTED, "32 channels", "");
    network(&m, SOFTMAX, "1x784", "1x10", NULL);
    refuses(&m, NULL, YK__UNSUPPORTED, "f32 1x784", "N x 3 x H x W");
    network(&m, SOFTMAX, IN, "1x10", NULL);
    onnx_input(&m, "mask", ONNX_FLOAT, "1");
    refuses(&m, NULL, YK__UNSUPPORTED, "2 inputs", "");
    network(&m, SOFTMAX, "1x3x999999x8", "1x10", NULL);
    refuses(&m, NULL, YK__UNSUPPORTED, "32768", "");
}

/* A network that takes bytes and normalises by itself gets bytes. */
static void byte_inputs_are_left_alone(void **state) {
    (void)state;
    onnx_make m;
    yk__model out;
    onnx_begin(&m, 18);
    onnx_input(&m, "images", ONNX_U8, "1x3x32x32");
    Onnx__NodeProto *node = onnx_node(&m, "Cast", "images", "f");
    onnx_int(&m, node, "to", ONNX_FLOAT);
    onnx_node(&m, "Softmax", "f", "y");
    onnx_output(&m, "y", ONNX_FLOAT, "1x10");
    assert_int_equal(import(&m, NULL, &out, NULL), YK__OK);
    assert_true(out.recipe.scale == 1);
    assert_int_equal(out.graph.nodes[0].op, YK__OP_IMAGE_INPUT);
    assert_int_equal(out.graph.nodes[1].op, YK__OP_CAST);
    assert_string_equal(yk__node_string(&out.graph.nodes[1], "to", ""), "u8");
    assert_int_equal(out.graph.nodes[2].in[0], out.graph.nodes[1].out[0]);
    yk__model_free(&out);
    onnx_end(&m);
}

/* ---- metadata ---- */

static void v8_with(onnx_make *m, const char *key, const char *value) {
    network(m, SCORES, IN, "1x6x8400", NULL);
    if (key) onnx_meta(m, key, value);
}

static void metadata_decides(void **state) {
    (void)state;
    onnx_make m;
    yk__model out;
    v8_with(&m, "task", "detect");
    onnx_meta(&m, "names", "{0: 'a', 1: 'b'}");
    onnx_meta(&m, "stride", "32");
    onnx_meta(&m, "imgsz", "[640, 640]");
    onnx_meta(&m, "batch", "1");
    onnx_meta(&m, "author",
              "some\xff"
              "one");
    onnx_meta(&m, "args", "{'dynamic': False, 'nms': None}");
    assert_int_equal(import(&m, &(yk__import_options){.imgsz = {100, 200}}, &out, NULL), YK__OK);
    assert_string_equal(out.recipe.names[1], "b");
    assert_int_equal(out.recipe.imgsz[0], 128); /* rounded up to the stride */
    assert_int_equal(out.recipe.imgsz[1], 224);
    assert_false(out.recipe.dynamic);
    assert_false(out.recipe.rect);
    assert_string_equal(out.provenance.source_name, "x.onnx");
    assert_string_equal(out.provenance.source_format, "onnx");
    assert_int_equal(strlen(out.provenance.source_sha256), 64);
    assert_string_equal(out.provenance.author, "some?one");
    yk__model_free(&out);
    onnx_end(&m);

    network(&m, PLAIN, "?x3x?x?", "?x6x?", NULL); /* a tail that says nothing: the task does */
    onnx_meta(&m, "task", "detect");
    onnx_meta(&m, "imgsz", "[320, 416]");
    onnx_meta(&m, "args", "{'dynamic': True}");
    assert_int_equal(import(&m, NULL, &out, NULL), YK__OK);
    assert_true(out.recipe.dynamic && out.recipe.rect);
    assert_int_equal(out.recipe.imgsz[0], 320);
    assert_int_equal(out.recipe.imgsz[1], 416);
    assert_string_equal(out.recipe.names[1], "class1");
    yk__model_free(&out);
    onnx_end(&m);

    network(&m, PLAIN, IN, "1x300x6", NULL);
    onnx_meta(&m, "task", "detect");
    onnx_meta(&m, "end2end", "True");
    onnx_meta(&m, "names", "['a', 'b', 'c']");
    reads(&m, &(yk__import_options){.end2end = true}, YK__TASK_DETECT, YK__LAYOUT_V8_END2END, 3, 0);
    network(&m, PLAIN, IN, "1x300x57", NULL);
    onnx_meta(&m, "task", "pose");
    onnx_meta(&m, "kpt_shape", "[17, 3]");
    onnx_meta(&m, "args", "{'nms': True}");
    onnx_meta(&m, "names", "{0: 'person'}");
    reads(&m, NULL, YK__TASK_POSE, YK__LAYOUT_NMS, 1, 51);
    /* written before there was an end2end key: the rows' width tells */
    network(&m, TOP_K, IN, "1x300x6", NULL);
    onnx_meta(&m, "task", "detect");
    onnx_meta(&m, "names", "{0: 'a'}");
    reads(&m, NULL, YK__TASK_DETECT, YK__LAYOUT_V8_END2END, 1, 0);
    /* the YOLOv5 repository writes names and stride, no task */
    network(&m, PLAIN, IN, "1x25200x7", NULL);
    onnx_meta(&m, "names", "{0: 'a', 1: 'b'}");
    onnx_meta(&m, "stride", "32");
    reads(&m, NULL, YK__TASK_DETECT, YK__LAYOUT_V5, 2, 0);
}

static void metadata_that_lies(void **state) {
    (void)state;
    static const struct {
        const char *key, *value, *word;
        yk__code code;
    } cases[] = {
        {"names", "{0: 'a', 2: 'b'}", "keys 0 to 1", YK__FORMAT},
        {"names", "{0: 'a', 0: 'b'}", "keys 0 to 1", YK__FORMAT},
        {"names", "['a', ['b']]", "class 1 is not a text", YK__FORMAT},
        {"names", "{0: 'a'}", "1 class names", YK__ARGUMENT},
        {"names", "__import__('os').system('x')", "metadata names", YK__FORMAT},
        {"names", "[]", "1 to", YK__FORMAT},
        {"stride", "0", "stride", YK__FORMAT},
        {"stride", "-32", "stride", YK__FORMAT},
        {"stride", "many", "stride", YK__FORMAT},
        {"imgsz", "[640]", "imgsz", YK__FORMAT},
        {"imgsz", "[640, 1e9]", "imgsz", YK__FORMAT},
        {"batch", "99999999999999999999", "batch", YK__FORMAT},
        {"end2end", "maybe", "end2end", YK__FORMAT},
        {"task", "semantic", "semantic", YK__UNSUPPORTED},
        {"defaults", "conf=0.3", "a dict like", YK__FORMAT},
        {"defaults", "[0.3]", "a dict like", YK__FORMAT},
        {"defaults", "{'conf': 1.5}", "conf must be a number from 0 to 1", YK__FORMAT},
        {"defaults", "{'conf': -0.1}", "conf must be", YK__FORMAT},
        {"defaults", "{'conf': 1e999}", "metadata defaults", YK__FORMAT},
        {"defaults", "{'conf': True}", "conf must be", YK__FORMAT},
        {"defaults", "{'iou': '0.5'}", "iou must be a number from 0 to 1", YK__FORMAT},
        {"defaults", "{'max_det': 0}", "max_det must be a whole number from 1 to 30000", YK__FORMAT},
        {"defaults", "{'max_det': 30001}", "max_det must be", YK__FORMAT},
        {"defaults", "{'max_det': 3.5}", "max_det must be", YK__FORMAT},
        {"defaults", "{'agnostic': 1}", "agnostic must be True or False", YK__FORMAT},
        {"defaults", "{'konf': 0.3}", "\"konf\" is none of conf, iou, max_det, agnostic", YK__FORMAT},
        {"defaults", "{0.3: 'conf'}", "is none of", YK__FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        onnx_make m;
        v8_with(&m, cases[i].key, cases[i].value);
        if (strcmp(cases[i].key, "task") != 0) onnx_meta(&m, "task", "detect");
        refuses(&m, NULL, cases[i].code, cases[i].word, "");
    }
    onnx_make m;
    v8_with(&m, "task", "pose"); /* without kpt_shape */
    refuses(&m, NULL, YK__FORMAT, "kpt_shape", "");
    v8_with(&m, "task", "segment"); /* without prototypes */
    refuses(&m, NULL, YK__GRAPH, "second output", "");
    v8_with(&m, "task", "classify"); /* of rank 3 */
    refuses(&m, NULL, YK__GRAPH, "classifier", "");
    v8_with(&m, "task", "detect");
    onnx_meta(&m, "end2end", "True"); /* rows of 8400 numbers */
    refuses(&m, NULL, YK__GRAPH, "finished rows of 6", "8400");
    v8_with(&m, "task", "detect");
    refuses(&m, &(yk__import_options){.task = YK__TASK_OBB}, YK__ARGUMENT, "says that it is --task detect", "obb");
    v8_with(&m, "task", "detect");
    onnx_meta(&m, "args", "not a dict"); /* nothing in args is needed */
    reads(&m, NULL, YK__TASK_DETECT, YK__LAYOUT_V8, 2, 0);
}

/* How answers are chosen, and what was measured: keys of yolk's own. */
static void metadata_brings_defaults(void **state) {
    (void)state;
    onnx_make m;
    yk__model out;
    v8_with(&m, "defaults", "{'conf': 0.3, 'iou': 0.5, 'max_det': 40, 'agnostic': True}");
    onnx_meta(&m, "task", "detect");
    onnx_meta(&m, "metrics", "{'map50': 0.97, 'pictures': 1000, 'by': 'us', 'a b': 1, 'nested': {'x': 1}, 3: 4}");
    assert_int_equal(import(&m, NULL, &out, NULL), YK__OK);
    assert_true(out.recipe.conf == 0.3f && out.recipe.iou == 0.5f && out.recipe.max_det == 40 && out.recipe.agnostic);
    assert_int_equal(out.provenance.n_metrics, 2);
    assert_string_equal(out.provenance.metrics[0].name, "map50");
    assert_true(out.provenance.metrics[0].value == 0.97);
    assert_string_equal(out.provenance.metrics[1].name, "pictures");
    assert_true(out.provenance.metrics[1].value == 1000);
    yk__model_free(&out);
    onnx_end(&m);

    v8_with(&m, "defaults", "{'conf': 0}"); /* one of them; 0 and 1 are in range, and whole numbers are numbers */
    onnx_meta(&m, "task", "detect");
    onnx_meta(&m, "metrics", "mAP 0.9"); /* anybody's; not needed for anything */
    assert_int_equal(import(&m, NULL, &out, NULL), YK__OK);
    assert_true(out.recipe.conf == 0 && out.recipe.iou == 0.7f && out.recipe.max_det == 300 && !out.recipe.agnostic);
    assert_int_equal(out.provenance.n_metrics, 0);
    yk__model_free(&out);
    onnx_end(&m);

    char many[2048] = "{";
    for (int i = 0; i < 100; i++) snprintf(many + strlen(many), sizeof many - strlen(many), "'m%d': %d, ", i, i);
    strcat(many, "}");
    v8_with(&m, "metrics", many);
    onnx_meta(&m, "task", "detect");
    assert_int_equal(import(&m, NULL, &out, NULL), YK__OK);
    assert_int_equal(out.provenance.n_metrics, YK__MAX_METRICS);
    assert_string_equal(out.provenance.metrics[YK__MAX_METRICS - 1].name, "m31");
    yk__model_free(&out);
    onnx_end(&m);
}

static void a_names_file_names(void **state) {
    (void)state;
    char path[] = "/tmp/yolk-names-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "cat\ndog\n", 8), 8);
    close(fd);
    const yk__import_options options = {.names_file = path};
    onnx_make m;
    yk__model out;
    v8_with(&m, "task", "detect");
    onnx_meta(&m, "names", "{0: 'a', 1: 'b'}"); /* the user's come first */
    assert_int_equal(import(&m, &options, &out, NULL), YK__OK);
    assert_string_equal(out.recipe.names[1], "dog");
    yk__model_free(&out);
    onnx_end(&m);
    /* two names decide between 2 classes and pose, where 56 rows could be either */
    network(&m, PLAIN, IN, "1x6x8400", NULL);
    reads(&m, &options, YK__TASK_DETECT, YK__LAYOUT_V8, 2, 0);
    network(&m, SCORES, IN, "1x84x8400", NULL);
    refuses(&m, &options, YK__UNSUPPORTED, "number of class names", "");
    unlink(path);
    v8_with(&m, NULL, NULL);
    refuses(&m, &options, YK__NOT_FOUND, path, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals),
        cmocka_unit_test(literals_that_are_none),
        cmocka_unit_test(name_files),
        cmocka_unit_test(name_files_that_are_none),
        cmocka_unit_test(logits_are_finished),
        cmocka_unit_test(one_reading_is_taken),
        cmocka_unit_test(several_readings_are_listed),
        cmocka_unit_test(no_reading_is_refused),
        cmocka_unit_test(inputs_must_be_pictures),
        cmocka_unit_test(byte_inputs_are_left_alone),
        cmocka_unit_test(metadata_decides),
        cmocka_unit_test(metadata_that_lies),
        cmocka_unit_test(metadata_brings_defaults),
        cmocka_unit_test(a_names_file_names),
    };
    return cmocka_run_group_tests_name("import recipe", tests, NULL, NULL);
}
