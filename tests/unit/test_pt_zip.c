/* Archives and tensors of checkpoints: layouts of torch's versions, wrong checksums, entries that lie about themselves, views
 * that leave their storage, files cut at every length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "graph/tensor.h"
#include "import/import.h"
#include "import/pt_file.h"
#include "support/zip_make.h"
#include "unit/pickle_make.h"

static zip_make z;
static pickle_make p;
static yk__error err;

static int set_up(void **state) {
    (void)state;
    zip_make_free(&z);
    pickle_make_free(&p);
    err = (yk__error){0};
    return 0;
}

static int tear_down(void **state) {
    return set_up(state);
}

static void want(yk__code code, const char *part, yk__code was) {
    if (was != code || (part && !strstr(err.message, part)))
        fail_msg("%d, \"%s\"; expected %d, \"%s\"", was, err.message, code, part ? part : "");
}

/* The pickle so far as data.pkl under a folder, and storage "0". */
static void pack(const char *folder, const void *storage, size_t n) {
    char name[64];
    snprintf(name, sizeof name, "%sdata.pkl", folder);
    zip_make_add(&z, name, p.bytes, p.n);
    snprintf(name, sizeof name, "%sdata/0", folder);
    zip_make_add(&z, name, storage, n);
}

static yk__code open_it(yk__pt_file *file) {
    return yk__pt_file_open(file, z.bytes, z.n, &err);
}

/* ---- archives ---- */

static void none_pickle(void) {
    p_begin(&p), p_ops(&p, "N.");
}

static void test_layouts(void **state) {
    (void)state;
    static const char *const folders[] = {"archive/", "yolov8n/", "", "a/b/"};
    yk__pt_file file;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char name[64];
        set_up(NULL), none_pickle(), pack(folders[i], "12345678", 8);
        snprintf(name, sizeof name, "%sbyteorder", folders[i]);
        zip_make_add(&z, name, "little", 6);
        snprintf(name, sizeof name, "%s.data/serialization_id", folders[i]);
        zip_make_add(&z, name, "1", 1);
        zip_make_finish(&z);
        want(YK__OK, NULL, open_it(&file));
        assert_true(yk__pt_zip_find(&file.zip, "data/0") >= 0);
        assert_true(yk__pt_zip_find(&file.zip, ".data/serialization_id") >= 0);
        assert_int_equal(yk__pt_zip_find(&file.zip, "data/1"), -1);
        assert_int_equal(yk__pt_zip_size(&file.zip, yk__pt_zip_find(&file.zip, "data/0")), 8);
        yk__pt_file_close(&file);
    }
}

static void test_byte_order(void **state) {
    (void)state;
    yk__pt_file file;
    none_pickle(), pack("a/", "", 0);
    zip_make_add(&z, "a/byteorder", "big", 3);
    zip_make_finish(&z);
    want(YK__UNSUPPORTED, "big-endian", open_it(&file));
}

static void test_wrong_archives(void **state) {
    (void)state;
    yk__pt_file file;
    none_pickle();
    zip_make_raw(&z, "a/data.pkl", 0, 0x12345678, p.bytes, p.n, (uint32_t)p.n);
    zip_make_finish(&z);
    want(YK__CHECKSUM, "a/data.pkl", open_it(&file));

    set_up(NULL), none_pickle(), pack("a/", "", 0);
    zip_make_add(&z, "a/data.pkl", p.bytes, p.n);
    zip_make_finish(&z);
    want(YK__FORMAT, "two entries", open_it(&file));

    set_up(NULL), none_pickle();
    zip_make_add(&z, "a/readme", "x", 1);
    zip_make_finish(&z);
    want(YK__FORMAT, "no data.pkl", open_it(&file));

    set_up(NULL), none_pickle();
    zip_make_raw(&z, "a/data.pkl", 99, zip_make_crc(p.bytes, p.n), p.bytes, p.n, (uint32_t)p.n); /* no such method */
    zip_make_finish(&z);
    want(YK__FORMAT, "broken zip", open_it(&file));

    set_up(NULL), none_pickle();
    zip_make_raw(&z, "a/data.pkl", 0, zip_make_crc(p.bytes, p.n), p.bytes, p.n, (uint32_t)p.n + 100);
    zip_make_finish(&z);
    assert_int_not_equal(open_it(&file), YK__OK);

    want(YK__TRUNCATED, NULL, yk__pt_file_open(&file, (const uint8_t *)"PK\003\004", 4, &err));
}

/* An entry of a few bytes that says it unpacks to a gigabyte. */
static void test_bomb(void **state) {
    (void)state;
    yk__pt_file file;
    static const uint8_t deflated[] = {0x01, 0x01, 0x00, 0xfe, 0xff, '.'};
    zip_make_raw(&z, "a/data.pkl", 8, 0, deflated, sizeof deflated, 1u << 30);
    zip_make_finish(&z);
    want(YK__LIMIT, "a/data.pkl", open_it(&file));
}

/* A deflated entry reads like a stored one: somebody packed the folder again. */
static void test_deflated(void **state) {
    (void)state;
    yk__pt_file file;
    uint8_t bytes[64];
    none_pickle();
    bytes[0] = 1; /* a last block, not compressed: length and its complement, then the bytes */
    bytes[1] = (uint8_t)p.n, bytes[2] = 0, bytes[3] = (uint8_t)~p.n, bytes[4] = 0xff;
    memcpy(bytes + 5, p.bytes, p.n);
    zip_make_raw(&z, "best/data.pkl", 8, zip_make_crc(p.bytes, p.n), bytes, p.n + 5, (uint32_t)p.n);
    zip_make_finish(&z);
    want(YK__OK, NULL, open_it(&file));
    yk__pt_file_close(&file);
}

/* ---- tensors ---- */

/* Opens a pickle that is one tensor over `storage`, reads it and compares. */
static void want_tensor(const void *storage, size_t bytes, const float *expected, int64_t n) {
    yk__pt_file file;
    yk__arena arena;
    yk__shape shape;
    float *data;
    int64_t count;
    p_op(&p, '.');
    pack("a/", storage, bytes);
    zip_make_finish(&z);
    want(YK__OK, NULL, open_it(&file));
    yk__arena_init(&arena, 0);
    assert_true(yk__pt_is_tensor(&file, file.pickle.root));
    want(YK__OK, NULL, yk__pt_tensor_read(&file, file.pickle.root, &arena, &shape, &data, &err));
    assert_true(yk__shape_count(&shape, &count));
    assert_int_equal(count, n);
    assert_memory_equal(data, expected, (size_t)n * sizeof *data);
    yk__arena_free(&arena);
    yk__pt_file_close(&file);
}

static void test_types(void **state) {
    (void)state;
    static const int size[] = {4}, stride[] = {1};
    static const float expected[] = {1, -2, 0.5f, 100}, whole[] = {1, -2, 3, 100}, flags[] = {1, 0, 1, 1};
    static const uint16_t half[] = {0x3c00, 0xc000, 0x3800, 0x5640}, bf16[] = {0x3f80, 0xc000, 0x3f00, 0x42c8};
    static const double wide[] = {1, -2, 0.5, 100};
    static const int64_t i64[] = {1, -2, 3, 100};
    static const int32_t i32[] = {1, -2, 3, 100};
    static const int16_t i16[] = {1, -2, 3, 100};
    static const int8_t i8[] = {1, -2, 3, 100};
    static const uint8_t bits[] = {1, 0, 255, 2};
    static const struct {
        const char *name;
        const void *data;
        size_t bytes;
        const float *expected;
    } cases[] = {
        {"FloatStorage", expected, sizeof expected, expected},
        {"HalfStorage", half, sizeof half, expected},
        {"BFloat16Storage", bf16, sizeof bf16, expected},
        {"DoubleStorage", wide, sizeof wide, expected},
        {"LongStorage", i64, sizeof i64, whole},
        {"IntStorage", i32, sizeof i32, whole},
        {"ShortStorage", i16, sizeof i16, whole},
        {"CharStorage", i8, sizeof i8, whole},
        {"BoolStorage", bits, sizeof bits, flags},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_up(NULL), p_begin(&p);
        p_tensor(&p, cases[i].name, "0", 4, 0, size, stride, 1);
        want_tensor(cases[i].data, cases[i].bytes, cases[i].expected, 4);
    }
}

static const float twelve[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

static void test_views(void **state) {
    (void)state;
    /* a transposed view, one that starts inside, one that repeats an element, a scalar, an empty one */
    p_begin(&p), p_tensor(&p, "FloatStorage", "0", 12, 0, (int[]){4, 3}, (int[]){1, 4}, 2);
    want_tensor(twelve, sizeof twelve, (float[]){0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}, 12);
    set_up(NULL), p_begin(&p), p_tensor(&p, "FloatStorage", "0", 12, 5, (int[]){2, 2}, (int[]){4, 2}, 2);
    want_tensor(twelve, sizeof twelve, (float[]){5, 7, 9, 11}, 4);
    set_up(NULL), p_begin(&p), p_tensor(&p, "FloatStorage", "0", 12, 3, (int[]){2, 2}, (int[]){0, 0}, 2);
    want_tensor(twelve, sizeof twelve, (float[]){3, 3, 3, 3}, 4);
    set_up(NULL), p_begin(&p), p_tensor(&p, "FloatStorage", "0", 12, 11, NULL, NULL, 0);
    want_tensor(twelve, sizeof twelve, (float[]){11}, 1);
    set_up(NULL), p_begin(&p), p_tensor(&p, "FloatStorage", "0", 12, 0, (int[]){0, 7}, (int[]){7, 1}, 2);
    want_tensor(twelve, sizeof twelve, twelve, 0);
}

/* One tensor whose numbers do not hold. */
static void refuse_tensor(yk__code code, const char *part) {
    yk__pt_file file;
    yk__arena arena;
    yk__shape shape;
    float *data;
    p_op(&p, '.');
    pack("a/", twelve, sizeof twelve);
    zip_make_finish(&z);
    want(YK__OK, NULL, open_it(&file));
    yk__arena_init(&arena, 1 << 20);
    want(code, part, yk__pt_tensor_read(&file, file.pickle.root, &arena, &shape, &data, &err));
    yk__arena_free(&arena);
    yk__pt_file_close(&file);
    set_up(NULL);
    p_begin(&p);
}

static void test_views_outside(void **state) {
    (void)state;
    p_begin(&p);
    p_tensor(&p, "FloatStorage", "0", 12, 0, (int[]){13}, (int[]){1}, 1), refuse_tensor(YK__FORMAT, "beyond its storage");
    p_tensor(&p, "FloatStorage", "0", 12, 1, (int[]){12}, (int[]){1}, 1), refuse_tensor(YK__FORMAT, "beyond its storage");
    p_tensor(&p, "FloatStorage", "0", 12, 0, (int[]){2}, (int[]){12}, 1), refuse_tensor(YK__FORMAT, "beyond its storage");
    p_tensor(&p, "FloatStorage", "0", 12, 0, (int[]){2, 2}, (int[]){2147483647, 2147483647}, 2);
    refuse_tensor(YK__FORMAT, "beyond its storage");
    p_tensor(&p, "FloatStorage", "0", 12, -1, (int[]){2}, (int[]){1}, 1), refuse_tensor(YK__FORMAT, "starts before");
    p_tensor(&p, "FloatStorage", "0", 12, 0, (int[]){-2}, (int[]){1}, 1), refuse_tensor(YK__FORMAT, "sizes or strides");
    p_tensor(&p, "FloatStorage", "0", 12, 0, (int[]){2}, (int[]){-1}, 1), refuse_tensor(YK__FORMAT, "sizes or strides");
    /* more elements than the entry has bytes for */
    p_tensor(&p, "FloatStorage", "0", 13, 0, (int[]){13}, (int[]){1}, 1), refuse_tensor(YK__FORMAT, "48 bytes where");
    p_tensor(&p, "DoubleStorage", "0", 12, 0, (int[]){2}, (int[]){1}, 1), refuse_tensor(YK__FORMAT, "48 bytes where");
    p_tensor(&p, "FloatStorage", "0", -12, 0, (int[]){2}, (int[]){1}, 1), refuse_tensor(YK__FORMAT, "without a storage");
    p_tensor(&p, "FloatStorage", "7", 12, 0, (int[]){2}, (int[]){1}, 1), refuse_tensor(YK__TRUNCATED, "data/7");
    p_tensor(&p, "ComplexFloatStorage", "0", 6, 0, (int[]){2}, (int[]){1}, 1);
    refuse_tensor(YK__UNSUPPORTED, "ComplexFloatStorage");
    /* 12 elements seen as four thousand million */
    p_tensor(&p, "FloatStorage", "0", 12, 0, (int[]){65536, 65536}, (int[]){0, 0}, 2), refuse_tensor(YK__LIMIT, NULL);
    p_tensor(&p, "FloatStorage", "0", 12, 0, (int[]){1, 1, 1, 1, 1, 1, 1, 1, 1}, (int[]){1, 1, 1, 1, 1, 1, 1, 1, 1}, 9);
    refuse_tensor(YK__FORMAT, "9 sizes");
    p_op(&p, 'N'), refuse_tensor(YK__FORMAT, "no tensor");
}

/* Many views of one storage unpack it once: the budget of unpacked bytes would not allow more. */
static void test_shared_storage(void **state) {
    (void)state;
    enum { VIEWS = 200 };
    static float large[100000];
    yk__pt_file file;
    yk__arena arena;
    yk__shape shape;
    float *data;
    for (int i = 0; i < 100000; i++) large[i] = (float)i;
    p_begin(&p), p_ops(&p, "](");
    for (int i = 0; i < VIEWS; i++) p_tensor(&p, "FloatStorage", "0", 100000, 500 * i, (int[]){500}, (int[]){1}, 1);
    p_ops(&p, "e.");
    pack("a/", large, sizeof large);
    zip_make_finish(&z);
    want(YK__OK, NULL, open_it(&file));
    yk__arena_init(&arena, 0);
    for (int i = 0; i < VIEWS; i++) {
        want(YK__OK, NULL,
             yk__pt_tensor_read(&file, yk__py_item(&file.pickle, file.pickle.root, i), &arena, &shape, &data, &err));
        assert_true(data[0] == (float)(500 * i) && data[499] == (float)(500 * i + 499));
    }
    assert_int_equal(yk__pt_storage_bytes(&file.pickle), sizeof large);
    yk__arena_free(&arena);
    yk__pt_file_close(&file);
}

/* ---- whole files ---- */

static yk__code import_bytes(const uint8_t *bytes, size_t n) {
    yk__model model;
    const yk__code code = yk__import_bytes(bytes, n, "x.pt", NULL, NULL, &model, &err);
    if (code == YK__OK) yk__model_free(&model);
    return code;
}

static void test_sentences(void **state) {
    (void)state;
    /* weights without a model */
    p_begin(&p), p_ops(&p, "}("), p_str(&p, "w"), p_tensor(&p, "FloatStorage", "0", 12, 0, (int[]){2}, (int[]){1}, 1),
        p_ops(&p, "u.");
    pack("a/", twelve, sizeof twelve), zip_make_finish(&z);
    want(YK__UNSUPPORTED, "state dict", import_bytes(z.bytes, z.n));
    /* a dict of something else */
    set_up(NULL), p_begin(&p), p_ops(&p, "}."), pack("a/", "", 0), zip_make_finish(&z);
    want(YK__UNSUPPORTED, "without a model", import_bytes(z.bytes, z.n));
    /* an export of PyTorch's own kind */
    set_up(NULL), none_pickle(), pack("a/", "", 0);
    zip_make_add(&z, "a/code/__torch__.py", "", 0), zip_make_finish(&z);
    want(YK__UNSUPPORTED, "TorchScript", import_bytes(z.bytes, z.n));
    /* archives of other kinds */
    set_up(NULL), zip_make_add(&z, "readme.txt", "x", 1), zip_make_finish(&z);
    want(YK__UNSUPPORTED, "unpack it first", import_bytes(z.bytes, z.n));
    set_up(NULL), zip_make_add(&z, "best.pt", "x", 1), zip_make_finish(&z);
    want(YK__UNSUPPORTED, "holds a .pt file", import_bytes(z.bytes, z.n));
    /* pickles without an archive */
    p_begin(&p), p_put(&p, "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 13);
    want(YK__UNSUPPORTED, "before 1.6", import_bytes(p.bytes, p.n));
    none_pickle();
    want(YK__UNSUPPORTED, "pickle without a model", import_bytes(p.bytes, p.n));
    p_begin(&p), p_global(&p, "os", "system"), p_op(&p, '.');
    want(YK__UNSUPPORTED, "os.system", import_bytes(p.bytes, p.n));
}

/* Cut files say how much is missing as long as their first entry is whole; none is ever taken for whole. */
static void test_cuts(void **state) {
    (void)state;
    p_begin(&p), p_ops(&p, "}("), p_str(&p, "w"), p_tensor(&p, "FloatStorage", "0", 12, 0, (int[]){2}, (int[]){1}, 1),
        p_ops(&p, "u.");
    pack("a/", twelve, sizeof twelve), zip_make_finish(&z);
    const size_t whole_pickle = 30 + strlen("a/data.pkl") + p.n;
    for (size_t n = 4; n < z.n; n++) {
        uint8_t *const cut = malloc(n);
        assert_non_null(cut);
        memcpy(cut, z.bytes, n);
        const yk__code code = import_bytes(cut, n);
        free(cut);
        if (code == YK__OK) fail_msg("%zu bytes of %zu were taken for a whole file", n, z.n);
        if (code != YK__TRUNCATED && n + 22 <= z.n) fail_msg("cut at %zu: %d, %s", n, code, err.message);
        if (n >= whole_pickle && n < whole_pickle + 48) want(YK__TRUNCATED, "are missing", code);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_layouts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_byte_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_archives, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bomb, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deflated, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_views, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_views_outside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_shared_storage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sentences, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cuts, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
