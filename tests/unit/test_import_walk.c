/* The first look at untrusted bytes: bombs, cuts and lies end in the right error, and cost no more than the file justifies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "import/import.h"
#include "import/onnx_file.h"
#include "import/onnx_walk.h"
#include "import/probe.h"
#include "unit/onnx_make.h"

/* Growing protobuf bytes. */
typedef struct wire {
    uint8_t *bytes;
    size_t n, capacity;
} wire;

static void put(wire *w, const void *bytes, size_t n) {
    if (w->n + n > w->capacity) {
        w->capacity = 2 * (w->n + n);
        w->bytes = yk__realloc_array(w->bytes, w->capacity, 1);
        assert_non_null(w->bytes);
    }
    if (n > 0) memcpy(w->bytes + w->n, bytes, n);
    w->n += n;
}
static void put_number(wire *w, uint64_t value) {
    do {
        const uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        put(w, &byte, 1);
        value >>= 7;
    } while (value > 0);
}
static void put_key(wire *w, int field, int type) {
    put_number(w, (uint64_t)field << 3 | (uint64_t)type);
}
static void put_field(wire *w, int field, const void *bytes, size_t n) {
    put_key(w, field, 2);
    put_number(w, n);
    put(w, bytes, n);
}
/* Wraps what is there as a field of a new message. */
static void wrap(wire *w, int field) {
    wire outer = {0};
    put_field(&outer, field, w->bytes, w->n);
    yk__free(w->bytes);
    *w = outer;
}

static void walk_fails(wire *w, yk__code code, const char *word) {
    yk__onnx_walked walked;
    yk__error err = {0};
    const yk__code got = yk__onnx_walk(w->bytes, w->n, &onnx__model_proto__descriptor, &walked, &err);
    if (got == YK__OK) yk__free(walked.copy);
    if (got != code || !strstr(err.message, word)) {
        fail_msg("wanted %s with \"%s\", got %s: %s", yk__code_name(code), word, yk__code_name(got), err.message);
    }
    yk__free(w->bytes);
    *w = (wire){0};
}

enum {
    MODEL_GRAPH = 7,
    GRAPH_NODE = 1,
    GRAPH_INITIALIZER = 5,
    NODE_ATTRIBUTE = 5,
    ATTRIBUTE_GRAPH = 6,
    TENSOR_DIMS = 1,
    TENSOR_FLOATS = 4,
    TENSOR_SEGMENT = 3,
    TENSOR_INT64S = 7,
    TENSOR_RAW = 9,
    TENSOR_DOC = 12
};

/* A subgraph in an attribute in a node in a subgraph ...: what makes a recursive unpacker run out of stack. */
static void deep_nesting(void **state) {
    (void)state;
    wire w = {0};
    put_key(&w, 1, 0), put_number(&w, 8); /* something in the innermost message */
    w.n = 0;
    for (int i = 0; i < 20000; i++) {
        wrap(&w, ATTRIBUTE_GRAPH), wrap(&w, NODE_ATTRIBUTE), wrap(&w, GRAPH_NODE);
        if (w.n > 20000) break; /* each level copies the rest: enough is enough */
    }
    wrap(&w, MODEL_GRAPH);
    walk_fails(&w, YK__LIMIT, "deeper than 64");
}

/* As deep as allowed is allowed. */
static void nesting_up_to_the_limit(void **state) {
    (void)state;
    wire w = {0};
    for (int i = 0; i < 20; i++) wrap(&w, ATTRIBUTE_GRAPH), wrap(&w, NODE_ATTRIBUTE), wrap(&w, GRAPH_NODE);
    wrap(&w, MODEL_GRAPH); /* model, graph, 60 more */
    yk__onnx_walked walked;
    assert_int_equal(yk__onnx_walk(w.bytes, w.n, &onnx__model_proto__descriptor, &walked, NULL), YK__OK);
    assert_int_equal(walked.n_messages, 62);
    yk__free(walked.copy);
    yk__onnx_file file;
    assert_int_equal(yk__onnx_open(&file, w.bytes, w.n, NULL), YK__OK);
    assert_int_equal(file.model->graph->n_node, 1);
    yk__onnx_close(&file);
    yk__free(w.bytes);
}

/* Two bytes each, more than a hundred when unpacked. */
static void a_million_empty_messages(void **state) {
    (void)state;
    wire w = {0};
    for (int i = 0; i < 1000000; i++) put(&w, "\x0a\x00", 2);
    wrap(&w, MODEL_GRAPH);
    walk_fails(&w, YK__LIMIT, "not a real model");
}

/* A byte each, eight when unpacked: allowed, and counted before it is unpacked. */
static void packed_numbers_are_counted(void **state) {
    (void)state;
    const size_t n = 1 << 20;
    uint8_t *ones = yk__alloc(n);
    memset(ones, 1, n);
    wire w = {0};
    put_field(&w, TENSOR_INT64S, ones, n);
    wrap(&w, GRAPH_INITIALIZER);
    wrap(&w, MODEL_GRAPH);
    yk__onnx_walked walked;
    assert_int_equal(yk__onnx_walk(w.bytes, w.n, &onnx__model_proto__descriptor, &walked, NULL), YK__OK);
    assert_true(walked.unpacked_bytes >= 8 * n && walked.unpacked_bytes < 9 * n);
    yk__free(walked.copy);
    yk__free(w.bytes);
    ones[n - 1] = 0x80; /* the last number does not end */
    wire cut = {0};
    put_field(&cut, TENSOR_INT64S, ones, n);
    wrap(&cut, GRAPH_INITIALIZER);
    wrap(&cut, MODEL_GRAPH);
    walk_fails(&cut, YK__FORMAT, "ends inside a number");
    yk__free(ones);
}

/* Weights are neither copied nor unpacked; the tensor says where they lie. */
static void weights_stay_in_the_file(void **state) {
    (void)state;
    const size_t n = 1 << 20;
    for (int field = TENSOR_FLOATS; field <= TENSOR_RAW; field += TENSOR_RAW - TENSOR_FLOATS) {
        uint8_t *zeros = yk__alloc(n);
        wire w = {0};
        put_field(&w, field, zeros, n);
        wrap(&w, GRAPH_INITIALIZER);
        wrap(&w, MODEL_GRAPH);
        yk__onnx_walked walked;
        assert_int_equal(yk__onnx_walk(w.bytes, w.n, &onnx__model_proto__descriptor, &walked, NULL), YK__OK);
        assert_int_equal(walked.payload_bytes, n);
        assert_true(walked.copy_size < 64);
        yk__free(walked.copy);
        yk__onnx_file file;
        assert_int_equal(yk__onnx_open(&file, w.bytes, w.n, NULL), YK__OK);
        const Onnx__TensorProto *tensor = file.model->graph->initializer[0];
        assert_non_null(tensor->segment);
        assert_int_equal(tensor->segment->end, w.n);
        assert_int_equal(tensor->segment->end - tensor->segment->begin, n);
        assert_int_equal(tensor->has_raw_data, field == TENSOR_RAW);
        assert_int_equal(tensor->n_float_data, 0);
        yk__onnx_close(&file);
        yk__free(w.bytes);
        yk__free(zeros);
    }
}

static void lies_about_structure(void **state) {
    (void)state;
    wire w = {0};
    put_key(&w, MODEL_GRAPH, 2), put_number(&w, 100), put(&w, "\x0a\x00", 2); /* longer than the file */
    walk_fails(&w, YK__TRUNCATED, "cut or damaged");

    put_field(&w, GRAPH_NODE, "\x0a\x05", 2); /* a name longer than its node */
    wrap(&w, MODEL_GRAPH);
    put(&w, "\x00\x00\x00\x00", 4);
    walk_fails(&w, YK__TRUNCATED, "");

    put_key(&w, MODEL_GRAPH, 0), put_number(&w, 1); /* a graph that is a number */
    walk_fails(&w, YK__FORMAT, "wrong wire type");

    put_field(&w, 1, "ab", 2); /* an ir_version that is text */
    walk_fails(&w, YK__FORMAT, "list where one number");

    put_key(&w, 1, 3); /* a group, which protobuf dropped long ago */
    walk_fails(&w, YK__FORMAT, "unknown wire type");

    put_key(&w, 0, 0), put_number(&w, 1);
    walk_fails(&w, YK__FORMAT, "impossible field number");

    put(&w, "\x88\x80\x80\x80\x80\x00\x01", 7); /* ir_version with a key of six bytes */
    walk_fails(&w, YK__FORMAT, "impossible field number");

    put_key(&w, 1, 0), put(&w, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12);
    walk_fails(&w, YK__FORMAT, "more than 10 bytes");

    put_field(&w, MODEL_GRAPH, "", 0), put_field(&w, MODEL_GRAPH, "", 0); /* two graphs: which one? */
    walk_fails(&w, YK__FORMAT, "twice");

    put_field(&w, 2, "a\0b", 3); /* producer name */
    walk_fails(&w, YK__FORMAT, "NUL");

    put_field(&w, 2, "\xff\xfe", 2);
    walk_fails(&w, YK__FORMAT, "UTF-8");

    put_field(&w, TENSOR_RAW, "abcd", 4), put_field(&w, TENSOR_FLOATS, "abcd", 4);
    wrap(&w, GRAPH_INITIALIZER), wrap(&w, MODEL_GRAPH);
    walk_fails(&w, YK__FORMAT, "second data field");

    put_field(&w, TENSOR_SEGMENT, "", 0);
    wrap(&w, GRAPH_INITIALIZER), wrap(&w, MODEL_GRAPH);
    walk_fails(&w, YK__UNSUPPORTED, "segments");
}

/* Newer schemas: fields nobody knows are passed over, those that change the meaning are refused. */
static void unknown_fields(void **state) {
    (void)state;
    wire w = {0};
    put_key(&w, 1, 0), put_number(&w, 8);
    put_field(&w, 99, "what", 4);
    put_key(&w, 98, 0), put_number(&w, 3);
    put_key(&w, 97, 5), put(&w, "abcd", 4);
    put_key(&w, 96, 1), put(&w, "abcdefgh", 8);
    put_field(&w, MODEL_GRAPH, "", 0);
    yk__onnx_file file;
    assert_int_equal(yk__onnx_open(&file, w.bytes, w.n, NULL), YK__OK);
    assert_int_equal(file.model->base.n_unknown_fields, 0);
    assert_int_equal(file.model->ir_version, 8);
    yk__onnx_close(&file);
    yk__free(w.bytes);
    w = (wire){0};
    put_field(&w, 8, "overload", 8); /* NodeProto.overload, IR 10 */
    wrap(&w, GRAPH_NODE), wrap(&w, MODEL_GRAPH);
    walk_fails(&w, YK__UNSUPPORTED, "overloaded");
    put_field(&w, 11, "", 0); /* FunctionProto.attribute_proto, IR 9; empty: no defaults at all */
    wrap(&w, 25);
    yk__onnx_walked walked;
    assert_int_equal(yk__onnx_walk(w.bytes, w.n, &onnx__model_proto__descriptor, &walked, NULL), YK__OK);
    yk__free(walked.copy);
    yk__free(w.bytes);
    w = (wire){0};
    put_field(&w, 11, "\x0a\x01x", 3);
    wrap(&w, 25);
    walk_fails(&w, YK__UNSUPPORTED, "default values");
}

/* A model with a bit of everything. */
static const uint8_t *whole_model(onnx_make *m, size_t *size) {
    onnx_begin(m, 18);
    onnx_input(m, "images", ONNX_FLOAT, "1x3x32x32");
    ONNX_F32S(m, "w", "2x3x1x1", 1, 2, 3, 4, 5, 6);
    ONNX_I64S(m, "shape", "2", 1, -1);
    Onnx__NodeProto *node = onnx_node(m, "Conv", "images w", "c");
    ONNX_INTS(m, node, "kernel_shape", 1, 1);
    onnx_node(m, "GlobalAveragePool", "c", "p");
    onnx_node(m, "Reshape", "p shape", "r");
    node = onnx_node(m, "Softmax", "r", "y");
    onnx_int(m, node, "axis", 1);
    onnx_output(m, "y", ONNX_FLOAT, "1x2");
    onnx_meta(m, "task", "classify");
    onnx_meta(m, "names", "{0: 'a', 1: \"b\"}");
    return onnx_pack(m, size);
}

/* Each cut, and each byte changed in turn to a few values, is an answer or an error, never a crash; a cut is never OK. */
static void cuts_and_changes(void **state) {
    (void)state;
    onnx_make m;
    size_t size;
    const uint8_t *const bytes = whole_model(&m, &size);
    yk__model model;
    assert_int_equal(yk__import_bytes(bytes, size, "x.onnx", NULL, NULL, &model, NULL), YK__OK);
    assert_int_equal(model.recipe.n_classes, 2);
    assert_string_equal(model.recipe.names[1], "b");
    yk__model_free(&model);
    size_t n_ok = 0;
    for (size_t n = 0; n < size; n++) {
        uint8_t *const cut = yk__alloc(n + 1); /* of exactly this size, so that a read behind it shows */
        memcpy(cut, bytes, n);
        yk__error err = {0};
        if (yk__import_bytes(cut, n, "cut.onnx", NULL, NULL, &model, &err) == YK__OK) {
            n_ok++;
            yk__model_free(&model);
        } else {
            assert_true(err.message[0] != 0);
        }
        yk__free(cut);
    }
    /* Metadata and the opset come behind the graph: a cut between two entries is a model that says less. */
    assert_true(n_ok <= 2);
    uint8_t *const changed = yk__alloc(size);
    for (size_t i = 0; i < size; i++) {
        static const uint8_t masks[] = {0x01, 0x80, 0xff, 0x40};
        for (size_t k = 0; k < sizeof masks; k++) {
            memcpy(changed, bytes, size);
            changed[i] ^= masks[k];
            if (yk__import_bytes(changed, size, "changed.onnx", NULL, NULL, &model, NULL) == YK__OK) yk__model_free(&model);
        }
    }
    yk__free(changed);
    onnx_end(&m);
}

static void probe_reports(void **state) {
    (void)state;
    onnx_make m;
    size_t size;
    const uint8_t *bytes = whole_model(&m, &size);
    yk__arena arena;
    yk__probe_report report;
    yk__arena_init(&arena, 0);
    assert_true(yk__probe_is_onnx(bytes, size));
    assert_int_equal(yk__probe_onnx(bytes, size, &arena, &report, NULL), YK__OK);
    assert_int_equal(report.ir_version, 8);
    assert_int_equal(report.opset, 18);
    assert_int_equal(report.n_nodes, 4);
    assert_int_equal(report.n_inputs, 1);
    assert_string_equal(report.inputs[0].name, "images");
    assert_int_equal(report.inputs[0].shape.dim[3], 32);
    assert_int_equal(report.n_outputs, 1);
    assert_int_equal(report.n_metadata, 2);
    assert_true(report.supported);
    onnx_node(&m, "Shrink", "y", "z")->name = onnx_text(&m, "odd");
    bytes = onnx_pack(&m, &size);
    assert_int_equal(yk__probe_onnx(bytes, size, &arena, &report, NULL), YK__OK);
    assert_false(report.supported);
    assert_string_equal(report.bad_node, "odd");
    assert_string_equal(report.bad_operator, "Shrink");
    assert_non_null(strstr(report.why_not.message, "Shrink"));
    yk__arena_free(&arena);
    onnx_end(&m);
    assert_false(yk__probe_is_onnx((const uint8_t *)"", 0));
    assert_false(yk__probe_is_onnx((const uint8_t *)"PK\3\4aaaaaaaaaa", 14));
    assert_false(yk__probe_is_onnx((const uint8_t *)"hello there", 11));
}

static void sniffed(const char *bytes, size_t size, yk__code code, const char *word) {
    yk__model model;
    yk__error err = {0};
    const yk__code got = yk__import_bytes((const uint8_t *)bytes, size, "file", NULL, NULL, &model, &err);
    if (got != code || !strstr(err.message, word)) fail_msg("wanted \"%s\", got %s: %s", word, yk__code_name(got), err.message);
}

static void other_files_are_named(void **state) {
    (void)state;
    char plan[64] = "\x0c\0\0\0{\"a\": \"bcd\"}ftrt";
    plan[0] = 12;
    sniffed("", 0, YK__FORMAT, "empty");
    sniffed("PK\3\4....archive/data.pkl", 24, YK__TRUNCATED, "zip archive is cut");
    sniffed("PK\3\4....somefile", 16, YK__TRUNCATED, "zip archive is cut");
    sniffed("\x80\x02}q.......", 11, YK__FORMAT, "pickle");
    sniffed("ftrt............", 16, YK__UNSUPPORTED, "TensorRT plan (8.6");
    sniffed("ptrt............", 16, YK__UNSUPPORTED, "TensorRT plan (before");
    sniffed(plan, 32, YK__UNSUPPORTED, "exported by Ultralytics");
    sniffed("version https://git-lfs.github.com/spec/v1\noid", 46, YK__FORMAT, "LFS");
    sniffed("\n<!DOCTYPE html><html>", 22, YK__FORMAT, "web page");
    sniffed("<HTML><body>", 12, YK__FORMAT, "web page");
    sniffed("\x89YLK\r\n\x1a\n", 8, YK__UNSUPPORTED, "yolk engine already");
    sniffed("....TFL3........", 16, YK__UNSUPPORTED, "Lite");
    sniffed("just some text, nothing else", 28, YK__FORMAT, "not an ONNX model");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deep_nesting),
        cmocka_unit_test(nesting_up_to_the_limit),
        cmocka_unit_test(a_million_empty_messages),
        cmocka_unit_test(packed_numbers_are_counted),
        cmocka_unit_test(weights_stay_in_the_file),
        cmocka_unit_test(lies_about_structure),
        cmocka_unit_test(unknown_fields),
        cmocka_unit_test(cuts_and_changes),
        cmocka_unit_test(probe_reports),
        cmocka_unit_test(other_files_are_named),
    };
    return cmocka_run_group_tests_name("import walk", tests, NULL, NULL);
}
