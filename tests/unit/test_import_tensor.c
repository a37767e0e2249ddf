/* Weights, wherever a file may keep them: raw, listed, or in files beside it that try to reach elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import/import.h"
#include "unit/onnx_make.h"

/* y = Identity(w): the imported constant is the node's input. */
static void begin(onnx_make *m) {
    onnx_begin(m, 18);
    onnx_input(m, "x", ONNX_FLOAT, "1");
    onnx_node(m, "Identity", "w", "y");
    onnx_output(m, "y", ONNX_FLOAT, NULL);
}

static yk__code import(onnx_make *m, const char *folder, yk__model *out, yk__error *err) {
    size_t size;
    const uint8_t *const bytes = onnx_pack(m, &size);
    return yk__import_network(bytes, size, folder, true, out, err);
}

static void fails(onnx_make *m, const char *folder, yk__code code, const char *word) {
    yk__model out;
    yk__error err = {0};
    const yk__code got = import(m, folder, &out, &err);
    if (got == YK__OK) yk__model_free(&out);
    if (got != code || !strstr(err.message, word)) {
        fail_msg("wanted %s with \"%s\", got %s: %s", yk__code_name(code), word, yk__code_name(got), err.message);
    }
    onnx_end(m);
}

static void holds(onnx_make *m, const char *folder, yk__dtype dtype, const void *bytes, size_t size) {
    yk__model out;
    yk__error err = {0};
    const yk__code code = import(m, folder, &out, &err);
    if (code != YK__OK) fail_msg("%s: %s", yk__code_name(code), err.message);
    const yk__value *const w = &out.graph.values[out.graph.nodes[0].in[0]];
    assert_int_equal(w->dtype, dtype);
    assert_non_null(w->data);
    assert_int_equal((uintptr_t)w->data % yk__dtype_size(dtype), 0);
    assert_memory_equal(w->data, bytes, size);
    yk__model_free(&out);
    onnx_end(m);
}

static void raw_data(void **state) {
    (void)state;
    static const struct {
        int onnx;
        yk__dtype dtype;
    } types[] = {{1, YK__DTYPE_F32},  {2, YK__DTYPE_U8},   {3, YK__DTYPE_I8},   {4, YK__DTYPE_U16},  {5, YK__DTYPE_I16},
                 {6, YK__DTYPE_I32},  {7, YK__DTYPE_I64},  {9, YK__DTYPE_BOOL}, {10, YK__DTYPE_F16}, {11, YK__DTYPE_F64},
                 {12, YK__DTYPE_U32}, {13, YK__DTYPE_U64}, {16, YK__DTYPE_BF16}};
    uint8_t bytes[32];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i & 1);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        for (size_t shift = 0; shift < 8; shift++) { /* a longer name moves the data: every alignment is met */
            onnx_make m;
            begin(&m);
            m.graph->name = yk__arena_strndup(&m.arena, "abcdefgh", shift);
            onnx_weight(&m, "w", types[i].onnx, "2", bytes, 2 * yk__dtype_size(types[i].dtype));
            holds(&m, NULL, types[i].dtype, bytes, 2 * yk__dtype_size(types[i].dtype));
        }
    }
}

static void lists(void **state) {
    (void)state;
    onnx_make m;
    begin(&m);
    Onnx__TensorProto *t = onnx_weight(&m, "w", ONNX_FLOAT, "2", NULL, 0);
    t->n_float_data = 2;
    t->float_data = yk__arena_copy(&m.arena, (float[]){1.5f, -2}, 8);
    holds(&m, NULL, YK__DTYPE_F32, (float[]){1.5f, -2}, 8);

    begin(&m);
    t = onnx_weight(&m, "w", ONNX_F64, "2", NULL, 0);
    t->n_double_data = 2;
    t->double_data = yk__arena_copy(&m.arena, (double[]){1.5, -2}, 16);
    holds(&m, NULL, YK__DTYPE_F64, (double[]){1.5, -2}, 16);

    begin(&m);
    t = onnx_weight(&m, "w", ONNX_I64, "2", NULL, 0);
    t->n_int64_data = 2;
    t->int64_data = yk__arena_copy(&m.arena, (int64_t[]){-1, INT64_MAX}, 16);
    holds(&m, NULL, YK__DTYPE_I64, (int64_t[]){-1, INT64_MAX}, 16);

    begin(&m);
    t = onnx_weight(&m, "w", ONNX_U8, "2", NULL, 0);
    t->n_int32_data = 2;
    t->int32_data = yk__arena_copy(&m.arena, (int32_t[]){7, 255}, 8);
    holds(&m, NULL, YK__DTYPE_U8, (uint8_t[]){7, 255}, 2);

    begin(&m);
    t = onnx_weight(&m, "w", ONNX_BOOL, "2", NULL, 0);
    t->n_int32_data = 2;
    t->int32_data = yk__arena_copy(&m.arena, (int32_t[]){0, 256}, 8);
    holds(&m, NULL, YK__DTYPE_BOOL, (uint8_t[]){0, 1}, 2);

    begin(&m);
    t = onnx_weight(&m, "w", 12, "1", NULL, 0);
    t->n_uint64_data = 1;
    t->uint64_data = yk__arena_copy(&m.arena, (uint64_t[]){4000000000u}, 8);
    holds(&m, NULL, YK__DTYPE_U32, (uint32_t[]){4000000000u}, 4);
}

static void empty_and_scalar(void **state) {
    (void)state;
    onnx_make m;
    begin(&m);
    onnx_weight(&m, "w", ONNX_FLOAT, "0x3", "", 0);
    holds(&m, NULL, YK__DTYPE_F32, "", 0);
    begin(&m);
    onnx_weight(&m, "w", ONNX_FLOAT, "0", NULL, 0); /* no data field at all */
    holds(&m, NULL, YK__DTYPE_F32, "", 0);
    begin(&m);
    ONNX_F32S(&m, "w", "", 3);
    holds(&m, NULL, YK__DTYPE_F32, (float[]){3}, 4);
}

static void wrong_sizes(void **state) {
    (void)state;
    onnx_make m;
    begin(&m);
    ONNX_F32S(&m, "w", "3", 1, 2);
    fails(&m, NULL, YK__FORMAT, "needs 12 bytes, but its data holds 8");
    begin(&m);
    Onnx__TensorProto *t = onnx_weight(&m, "w", ONNX_I64, "3", NULL, 0);
    t->n_int64_data = 2;
    t->int64_data = yk__arena_copy(&m.arena, (int64_t[]){1, 2}, 16);
    fails(&m, NULL, YK__FORMAT, "needs 3 elements, but its list holds 2");
    begin(&m);
    ONNX_F32S(&m, "w", "4294967296x4294967296x4294967296", 1);
    fails(&m, NULL, YK__FORMAT, "more elements than can be counted");
    begin(&m);
    ONNX_F32S(&m, "w", "1000000x1000000", 1);
    fails(&m, NULL, YK__FORMAT, "needs 4000000000000 bytes");
    begin(&m);
    t = ONNX_F32S(&m, "w", "1", 1);
    t->dims[0] = -1;
    fails(&m, NULL, YK__FORMAT, "dimension of -1");
    begin(&m);
    ONNX_F32S(&m, "w", "1x1x1x1x1x1x1x1x1", 1);
    fails(&m, NULL, YK__UNSUPPORTED, "9 dimensions");
    begin(&m); /* floats where the type says integers */
    t = onnx_weight(&m, "w", ONNX_I32, "2", NULL, 0);
    t->n_float_data = 2;
    t->float_data = yk__arena_copy(&m.arena, (float[]){1, 2}, 8);
    fails(&m, NULL, YK__FORMAT, "floating-point");
    begin(&m);
    onnx_weight(&m, "w", ONNX_BOOL, "2", (uint8_t[]){1, 2}, 2);
    fails(&m, NULL, YK__FORMAT, "is bool, but element 1 is 2");
}

static void types_yolk_has_not(void **state) {
    (void)state;
    static const struct {
        int type;
        const char *name;
    } types[] = {{8, "string"},        {14, "complex64"},    {17, "float8e4m3fn"}, {21, "uint4"},
                 {99, "unknown type"}, {-5, "unknown type"}, {0, "undefined"}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        onnx_make m;
        begin(&m);
        onnx_weight(&m, "w", types[i].type, "1", "aaaaaaaa", 8);
        fails(&m, NULL, YK__UNSUPPORTED, types[i].name);
    }
}

/* ---- files beside the model ---- */

static char top[] = "/tmp/yolk-external-XXXXXX", folder[64];
static const float stored[] = {1, 2, 3, 4};

static void write_file(const char *path, const void *bytes, size_t size) {
    FILE *const f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

static int make_folder(void **state) {
    (void)state;
    char path[128];
    strcpy(top, "/tmp/yolk-external-XXXXXX");
    if (!mkdtemp(top)) return -1;
    snprintf(folder, sizeof folder, "%s/model", top);
    mkdir(folder, 0700);
    if (chdir(folder)) return -1;
    write_file("w.bin", stored, sizeof stored);
    write_file("../secret.bin", stored, sizeof stored);
    mkdir("inner", 0700);
    write_file("inner/w.bin", stored, sizeof stored);
    snprintf(path, sizeof path, "%s/secret.bin", top);
    if (symlink(path, "link.bin") || symlink("w.bin", "near.bin") || symlink(top, "out") || mkfifo("pipe.bin", 0600)) return -1;
    return 0;
}

static int drop_folder(void **state) {
    (void)state;
    static const char *const names[] = {"w.bin", "../secret.bin", "inner/w.bin", "link.bin", "near.bin", "out", "pipe.bin"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) unlink(names[i]);
    rmdir("inner");
    return chdir("/") || rmdir(folder) || rmdir(top);
}

static void begin_external(onnx_make *m, const char *location, const char *offset, const char *length) {
    begin(m);
    Onnx__TensorProto *const t = onnx_weight(m, "w", ONNX_FLOAT, "2", NULL, 0);
    if (location) onnx_external(m, t, "location", location);
    if (offset) onnx_external(m, t, "offset", offset);
    if (length) onnx_external(m, t, "length", length);
}

static void external_files_are_read(void **state) {
    (void)state;
    onnx_make m;
    begin_external(&m, "w.bin", NULL, NULL);
    holds(&m, folder, YK__DTYPE_F32, stored, 8);
    begin_external(&m, "w.bin", "8", "8");
    holds(&m, folder, YK__DTYPE_F32, stored + 2, 8);
    begin_external(&m, "w.bin", "3", "8"); /* unaligned: copied */
    holds(&m, folder, YK__DTYPE_F32, (const uint8_t *)stored + 3, 8);
    begin_external(&m, "inner/w.bin", "4", "8");
    holds(&m, folder, YK__DTYPE_F32, stored + 1, 8);
    begin_external(&m, "./inner/./w.bin", "4", "8");
    holds(&m, folder, YK__DTYPE_F32, stored + 1, 8);
}

static void external_paths_stay_inside(void **state) {
    (void)state;
    static const struct {
        const char *location, *word;
    } cases[] = {{"../secret.bin", "`..`"},
                 {"inner/../../secret.bin", "`..`"},
                 {"/etc/passwd", "absolute"},
                 {"link.bin", "symbolic link"},
                 {"near.bin", "symbolic link"},
                 {"out/secret.bin", "symbolic link"},
                 {"pipe.bin", "plain file"},
                 {"inner", "plain file"},
                 {"", "empty"},
                 {"C:\\w.bin", "drive"},
                 {"..\\secret.bin", "backslashes"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        onnx_make m;
        begin_external(&m, cases[i].location, NULL, NULL);
        fails(&m, folder, YK__UNSUPPORTED, cases[i].word);
    }
    onnx_make m;
    begin_external(&m, "w.bin", NULL, NULL);
    fails(&m, NULL, YK__UNSUPPORTED, "did not come from a file");
    begin_external(&m, "absent.bin", NULL, NULL);
    fails(&m, folder, YK__NOT_FOUND, "absent.bin");
    begin_external(&m, "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/w.bin", NULL, NULL);
    fails(&m, folder, YK__UNSUPPORTED, "too long");
}

static void external_sizes_are_checked(void **state) {
    (void)state;
    onnx_make m;
    begin_external(&m, "w.bin", "12", "8"); /* short file */
    fails(&m, folder, YK__TRUNCATED, "has 16 bytes");
    begin_external(&m, "w.bin", "9223372036854775807", "8");
    fails(&m, folder, YK__TRUNCATED, "w.bin");
    begin_external(&m, "w.bin", "0", "4"); /* says less than the tensor needs */
    fails(&m, folder, YK__FORMAT, "needs 8 bytes");
    begin_external(&m, "w.bin", "-1", NULL);
    fails(&m, folder, YK__FORMAT, "offset");
    begin_external(&m, "w.bin", "x", NULL);
    fails(&m, folder, YK__FORMAT, "offset");
    begin_external(&m, NULL, "0", NULL);
    fails(&m, folder, YK__FORMAT, "without a location");
}

int main(void) {
#define WITH_FOLDER(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_data),
        cmocka_unit_test(lists),
        cmocka_unit_test(empty_and_scalar),
        cmocka_unit_test(wrong_sizes),
        cmocka_unit_test(types_yolk_has_not),
        WITH_FOLDER(external_files_are_read),
        WITH_FOLDER(external_paths_stay_inside),
        WITH_FOLDER(external_sizes_are_checked),
    };
#undef WITH_FOLDER
    return cmocka_run_group_tests_name("import tensor", tests, NULL, NULL);
}
