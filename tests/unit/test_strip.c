/* Ultralytics' metadata off a plan and on: exact bytes both ways, and nothing written where something is wrong. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "inspect/ultralytics_prefix.h"
#include "support/make_plan.h"
#include "yolk/yolk.h"

static const char metadata[] =
    "{\"description\": \"Ultralytics YOLOv8n model\", \"stride\": 32, \"task\": \"detect\", \"batch\": 1, "
    "\"imgsz\": [640, 640], \"names\": {\"0\": \"person\", \"1\": \"caf\\u00e9\"}}";
static const uint8_t version[4] = {10, 3, 0, 30};

static char folder[64];

static const char *path_of(const char *name) {
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const void *bytes, size_t n) {
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void expect_file(const char *name, const void *bytes, size_t n) {
    yk__map map;
    assert_int_equal(yk__map_open(&map, path_of(name), 0, NULL), YK__OK);
    assert_int_equal(map.size, n);
    assert_memory_equal(map.data, bytes, n);
    yk__map_close(&map);
}

static bool exists(const char *name) {
    struct stat about;
    return stat(path_of(name), &about) == 0;
}

/* length bytes, JSON, plan; stated may lie about the length */
static size_t put_prefixed(uint8_t *out, const char *json, uint32_t stated, const made_plan *plan) {
    size_t n = strlen(json);
    for (int i = 0; i < 4; i++) out[i] = (uint8_t)(stated >> (8 * i));
    memcpy(out + 4, json, n);
    memcpy(out + 4 + n, plan->bytes, plan->n);
    return 4 + n + plan->n;
}

/* Stripping these bytes fails so, says something, and leaves no output. */
static void expect_refused(const void *bytes, size_t n, yk_status wanted, const char *words) {
    yk_error error = YK_ERROR_INIT;
    char *json = NULL;
    write_file("bad.engine", bytes, n);
    yk_status status = yk_strip(path_of("bad.engine"), path_of("out.plan"), &json, &error);
    if (status != wanted || (words && !strstr(error.message, words)))
        fail_msg("status %d, wanted %d and '%s': %s", status, wanted, words ? words : "", error.message);
    assert_null(json);
    assert_false(exists("out.plan"));
}

static void test_both_ways(void **state) {
    (void)state;
    for (int layout = 0; layout < PLAN_LAYOUTS; layout++) {
        made_plan plan;
        uint8_t engine[4096];
        yk_error error = YK_ERROR_INIT;
        char *json = NULL;
        make_plan(&plan, (plan_layout)layout, version);
        size_t n = put_prefixed(engine, metadata, sizeof metadata - 1, &plan);
        write_file("a.engine", engine, n);
        if (yk_strip(path_of("a.engine"), path_of("a.plan"), &json, &error) != YK_OK) fail_msg("%s", error.message);
        expect_file("a.plan", plan.bytes, plan.n);
        assert_string_equal(json, metadata);
        if (yk_wrap(path_of("a.plan"), json, path_of("b.engine"), &error) != YK_OK) fail_msg("%s", error.message);
        expect_file("b.engine", engine, n);
        expect_file("a.engine", engine, n); /* the input is as it was */
        yk_text_destroy(&json);
        assert_int_equal(yk_strip(path_of("a.engine"), path_of("a.plan"), NULL, NULL), YK_OK); /* an old output is replaced */
    }
}

/* Every length short of the whole, and every length beyond it. */
static void test_cut(void **state) {
    (void)state;
    for (int layout = 0; layout < PLAN_LAYOUTS; layout++) {
        made_plan plan;
        uint8_t engine[4096] = {0};
        make_plan(&plan, (plan_layout)layout, version);
        size_t n = put_prefixed(engine, metadata, sizeof metadata - 1, &plan);
        for (size_t cut = 0; cut < n; cut += cut < 300 || cut > n - 40 ? 1 : 13) {
            yk_error error = YK_ERROR_INIT;
            write_file("bad.engine", engine, cut);
            yk_status status = yk_strip(path_of("bad.engine"), path_of("out.plan"), NULL, &error);
            assert_true(status == YK_ERROR_TRUNCATED || status == YK_ERROR_FORMAT);
            assert_false(exists("out.plan"));
            if (cut > sizeof metadata + 40) assert_int_equal(status, YK_ERROR_TRUNCATED);
        }
        for (size_t more = 1; more < 20; more++) expect_refused(engine, n + more, YK_ERROR_FORMAT, "appended");
    }
}

static void test_refused(void **state) {
    (void)state;
    made_plan plan;
    uint8_t engine[4096];
    make_plan(&plan, PLAN_10, version);
    expect_refused("", 0, YK_ERROR_FORMAT, "no Ultralytics metadata");
    expect_refused(plan.bytes, plan.n, YK_ERROR_FORMAT, "plain TensorRT plan already");
    size_t n = put_prefixed(engine, metadata, sizeof metadata - 2, &plan); /* the length is off by one */
    expect_refused(engine, n, YK_ERROR_FORMAT, "not JSON");
    n = put_prefixed(engine, metadata, sizeof metadata - 3, &plan);
    expect_refused(engine, n, YK_ERROR_FORMAT, "no JSON object");
    n = put_prefixed(engine, "{\"task\": nonsense}", 18, &plan);
    expect_refused(engine, n, YK_ERROR_FORMAT, "not JSON");
    n = put_prefixed(engine, metadata, 0x7fffffff, &plan);
    expect_refused(engine, n, YK_ERROR_TRUNCATED, "2147483647");
    n = put_prefixed(engine, "{}", 2, &(made_plan){.bytes = "GGUF and something else", .n = 24});
    expect_refused(engine, n, YK_ERROR_FORMAT, "no TensorRT plan");
    n = put_prefixed(engine, "{}", 2, &(made_plan){.n = 0});
    expect_refused(engine, n, YK_ERROR_FORMAT, NULL);
    /* line ends translated: every 0a became 0d 0a */
    uint8_t mangled[8192];
    size_t at = 0;
    n = put_prefixed(engine, metadata, sizeof metadata - 1, &plan);
    for (size_t i = 0; i < n; i++) {
        if (engine[i] == '\n') mangled[at++] = '\r';
        mangled[at++] = engine[i];
    }
    assert_true(at > n);
    expect_refused(mangled, at, YK_ERROR_FORMAT, NULL);
}

static void test_paths(void **state) {
    (void)state;
    made_plan plan;
    uint8_t engine[4096];
    yk_error error = YK_ERROR_INIT;
    make_plan(&plan, PLAN_86, version);
    size_t n = put_prefixed(engine, metadata, sizeof metadata - 1, &plan);
    write_file("a.engine", engine, n);
    assert_int_equal(symlink("a.engine", path_of("link.engine")), 0);
    assert_int_equal(link(path_of("a.engine"), path_of("hard.engine")), 0);
    static const char *const same[] = {"a.engine", "link.engine", "hard.engine"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(yk_strip(path_of("a.engine"), path_of(same[i]), NULL, &error), YK_ERROR_ARGUMENT);
        assert_non_null(strstr(error.message, "same file"));
        assert_int_equal(yk_wrap(path_of("a.engine"), "{}", path_of(same[i]), &error), YK_ERROR_ARGUMENT);
    }
    expect_file("a.engine", engine, n);
    assert_int_equal(yk_strip(path_of("none.engine"), path_of("o"), NULL, &error), YK_ERROR_NOT_FOUND);
    assert_int_equal(yk_strip(path_of("a.engine"), path_of("nowhere/o"), NULL, &error), YK_ERROR_NOT_FOUND);
    assert_int_equal(yk_strip(folder, path_of("o"), NULL, &error), YK_ERROR_IO);
    assert_int_equal(yk_strip(NULL, path_of("o"), NULL, &error), YK_ERROR_ARGUMENT);
    assert_int_equal(yk_wrap(path_of("a.engine"), NULL, path_of("o"), &error), YK_ERROR_ARGUMENT);
    assert_false(exists("o"));
}

static void test_wrap_refuses(void **state) {
    (void)state;
    made_plan plan;
    uint8_t engine[4096];
    yk_error error = YK_ERROR_INIT;
    make_plan(&plan, PLAN_10, version);
    write_file("a.plan", plan.bytes, plan.n);
    static const char *const bad[] = {"", "[1]", "{", "{} {}", "\"text\"", "{\"a\":\"\xff\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(yk_wrap(path_of("a.plan"), bad[i], path_of("o"), &error), YK_ERROR_FORMAT);
    write_file("cut.plan", plan.bytes, plan.n - 1);
    assert_int_equal(yk_wrap(path_of("cut.plan"), "{}", path_of("o"), &error), YK_ERROR_TRUNCATED);
    size_t n = put_prefixed(engine, metadata, sizeof metadata - 1, &plan);
    write_file("a.engine", engine, n);
    assert_int_equal(yk_wrap(path_of("a.engine"), "{}", path_of("o"), &error), YK_ERROR_FORMAT);
    assert_non_null(strstr(error.message, "already"));
    assert_false(exists("o"));
}

/* JSON other than ASCII: Ultralytics' own never is, so what yolk writes is ASCII; of other writers the length may count
 * characters. */
static void test_characters(void **state) {
    (void)state;
    static const char utf8[] = "{\"names\": {\"0\": \"caf\xc3\xa9\", \"1\": \"\xe7\x8c\xab\", \"2\": \"\xf0\x9f\x90\x88\"}}";
    static const char ascii[] = "{\"names\": {\"0\": \"caf\\u00e9\", \"1\": \"\\u732b\", \"2\": \"\\ud83d\\udc08\"}}";
    const uint32_t n_bytes = sizeof utf8 - 1, n_characters = n_bytes - 1 - 2 - 3;
    made_plan plan;
    uint8_t engine[4096];
    char *json = NULL;
    make_plan(&plan, PLAN_10, version);
    for (int by_characters = 0; by_characters < 2; by_characters++) {
        size_t n = put_prefixed(engine, utf8, by_characters ? n_characters : n_bytes, &plan);
        write_file("u.engine", engine, n);
        assert_int_equal(yk_strip(path_of("u.engine"), path_of("u.plan"), &json, NULL), YK_OK);
        expect_file("u.plan", plan.bytes, plan.n);
        assert_string_equal(json, utf8);
        yk_text_destroy(&json);
    }
    yk__text prefix = {0};
    assert_int_equal(yk__prefix_write(" \n{\"a\": 1}\n", 11, &prefix, NULL), YK__OK);
    assert_int_equal(prefix.length, 4 + 8);
    assert_memory_equal(prefix.data, "\x08\0\0\0{\"a\": 1}", 12);
    yk__text_free(&prefix);
    assert_int_equal(yk__prefix_write(utf8, n_bytes, &prefix, NULL), YK__OK);
    assert_string_equal(prefix.data + 4, ascii);
    yk__text_free(&prefix);
}

/* Any change of one byte: either refused or, in the JSON's or plan's content, passed through as it is. */
static void test_mutations(void **state) {
    (void)state;
    made_plan plan;
    uint8_t engine[4096];
    for (int layout = 0; layout < PLAN_LAYOUTS; layout++) {
        make_plan(&plan, (plan_layout)layout, version);
        size_t n = put_prefixed(engine, metadata, sizeof metadata - 1, &plan);
        for (size_t i = 0; i < n; i++)
            for (int bit = 0; bit < 8; bit++) {
                yk__prefix prefix;
                engine[i] ^= (uint8_t)(1 << bit);
                if (yk__prefix_read(engine, n, &prefix, NULL, NULL) == YK__OK) {
                    assert_true(prefix.plan_at <= n && prefix.json_at + prefix.json_size == prefix.plan_at);
                    if (yk__plan_check_whole(engine + prefix.plan_at, n - prefix.plan_at, NULL) == YK__OK)
                        assert_int_equal(prefix.plan_at, sizeof metadata - 1 + 4);
                }
                engine[i] ^= (uint8_t)(1 << bit);
            }
    }
}

/* The real plans of the shared folder, where it is there: measured whole, and cut by one byte not. */
static void test_shared(void **state) {
    (void)state;
    const char *shared = getenv("YOLK_SHARED");
    char engines[4096];
    snprintf(engines, sizeof engines, "%s/data/engines", shared ? shared : "../shared");
    DIR *stream = opendir(engines);
    if (!stream) {
        print_message("skipped: no %s\n", engines);
        skip();
    }
    for (const struct dirent *item; (item = readdir(stream)) != NULL;) {
        char path[8192];
        yk__map map;
        snprintf(path, sizeof path, "%s/%s", engines, item->d_name);
        if (item->d_name[0] == '.' || yk__map_open(&map, path, 0, NULL) != YK__OK) continue;
        bool plan = map.size > 4 && (!memcmp(map.data, "ftrt", 4) || !memcmp(map.data, "ptrt", 4));
        assert_int_equal(yk__plan_check_whole(map.data, map.size, NULL), plan ? YK__OK : YK__FORMAT);
        if (plan) assert_int_equal(yk__plan_check_whole(map.data, map.size - 1, NULL), YK__TRUNCATED);
        yk__map_close(&map);
    }
    closedir(stream);
}

static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/yolk-strip-XXXXXX");
    return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state) {
    (void)state;
    DIR *stream = opendir(folder);
    for (const struct dirent *item; stream && (item = readdir(stream)) != NULL;)
        if (item->d_name[0] != '.') unlink(path_of(item->d_name));
    if (stream) closedir(stream);
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways), cmocka_unit_test(test_cut),          cmocka_unit_test(test_refused),
        cmocka_unit_test(test_paths),     cmocka_unit_test(test_wrap_refuses), cmocka_unit_test(test_characters),
        cmocka_unit_test(test_mutations), cmocka_unit_test(test_shared),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
