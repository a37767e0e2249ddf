/* yk_probe from outside: any bytes, any lengths, streams; its memory stays within the bound that the header states. */
#include <dirent.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <yolk/yolk.h>
#include <zlib.h>

#include "../fuzz/engine_sums.h"
#include "support/zip_make.h"

#define SEEDS "fuzz/seeds/fuzz_check"
#define BOUND ((long)32 << 20) /* as the header has it */

/* ---- what the process holds, where no sanitizer has taken malloc over ---- */

static atomic_long held, peak;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MEASURES 1
#pragma GCC visibility push(default) /* for the shared libraries too */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static void *count(void *memory, long before) {
    long now = atomic_fetch_add(&held, (memory ? (long)malloc_usable_size(memory) : 0) - before) - before +
               (memory ? (long)malloc_usable_size(memory) : 0);
    if (now > atomic_load(&peak)) atomic_store(&peak, now);
    return memory;
}
void *malloc(size_t n) {
    return count(__libc_malloc(n), 0);
}
void *calloc(size_t n, size_t size) {
    return count(__libc_calloc(n, size), 0);
}
void *realloc(void *old, size_t n) {
    long before = old ? (long)malloc_usable_size(old) : 0;
    return count(__libc_realloc(old, n), before);
}
void *aligned_alloc(size_t alignment, size_t n) {
    return count(__libc_memalign(alignment, n), 0);
}
void free(void *memory) {
    if (memory) atomic_fetch_sub(&held, (long)malloc_usable_size(memory));
    __libc_free(memory);
}
#pragma GCC visibility pop
#else
#define MEASURES 0
#endif

/* Probes the first n of `size` bytes and returns how much more was held at most. */
static long probe(const void *bytes, size_t n, uint64_t size, char kind[64]) {
    yk_report *report = NULL;
    yk_error error = YK_ERROR_INIT;
    char *text = NULL;
    long before = atomic_load(&held);
    atomic_store(&peak, before);
    assert_int_equal(yk_probe(bytes, n, size, &report, &error), YK_OK);
    long most = atomic_load(&peak) - before;
    assert_non_null(yk_report_kind(report));
    assert_true(yk_report_size(report) == size);
    assert_string_equal(yk_report_container(report, 0), yk_report_kind(report));
    assert_null(yk_report_container(report, 8));
    assert_int_equal(yk_report_to_json(report, &text, &error), YK_OK);
    assert_null(strchr(text, '\n'));
    if (kind) snprintf(kind, 64, "%s", yk_report_kind(report));
    yk_text_destroy(&text);
    yk_report_destroy(&report);
    if (MEASURES && atomic_load(&held) != before) fail_msg("%ld bytes stay", atomic_load(&held) - before);
    return most;
}

static void arguments_are_checked(void **state) {
    (void)state;
    yk_report *report = (yk_report *)1;
    yk_error error = YK_ERROR_INIT;
    assert_int_equal(yk_probe("abc", 3, 2, &report, &error), YK_ERROR_ARGUMENT);
    assert_null(report);
    assert_non_null(strstr(error.message, "yk_probe"));
    assert_int_equal(yk_probe(NULL, 3, 3, &report, NULL), YK_ERROR_ARGUMENT);
    assert_int_equal(yk_probe("abc", 3, 3, NULL, NULL), YK_ERROR_ARGUMENT);
    assert_int_equal(yk_probe(NULL, 0, 0, &report, NULL), YK_OK);
    assert_string_equal(yk_report_kind(report), "empty");
    assert_int_equal(yk_report_verdict(report), YK_VERDICT_INVALID);
    yk_report_destroy(&report);
    assert_int_equal(yk_probe(NULL, 0, YK_SIZE_UNKNOWN, &report, NULL), YK_OK);
    yk_report_destroy(&report);
    assert_null(yk_report_container(NULL, 0));
}

/* ---- the self test of engines ---- */

static bool has_finding(const yk_report *report, const char *code) {
    yk_finding finding = YK_FINDING_INIT;
    for (size_t i = 0; yk_report_finding(report, i, &finding) == YK_OK; i++)
        if (!strcmp(finding.code, code)) return true;
    return false;
}

static void check_engine(const char *path, yk_verdict verdict, const char *code) {
    yk_check_options options = {.size = sizeof options, .run = true};
    yk_report *report = NULL;
    assert_int_equal(yk_check(&report, path, &options, NULL), YK_OK);
    assert_int_equal(yk_report_verdict(report), verdict);
    assert_true(has_finding(report, code));
    yk_report_destroy(&report);
}

/* An engine that answers otherwise than it recorded, all checksums right. */
static void self_tests_are_run(void **state) {
    (void)state;
    char path[] = "/tmp/yolk-probe-XXXXXX";
    yk_error error = YK_ERROR_INIT;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    if (yk_build("tests/golden/onnx/tiny-detect.onnx", path, NULL, &error) != YK_OK) {
        unlink(path);
        if (error.status == YK_ERROR_UNSUPPORTED) skip(); /* a build without import */
        fail_msg("%s", error.message);
    }
    check_engine(path, YK_VERDICT_VALID, "selftest-passed");
    uint8_t *bytes = malloc(1 << 20);
    assert_non_null(bytes);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    size_t n = fread(bytes, 1, 1 << 20, file), at = 0, length = 0;
    for (int i = 0; i < n_sections(bytes, n); i++) {
        if (strcmp((const char *)bytes + YK__HEAD_TABLE + i * YK__ENTRY_BYTES, "selftest") != 0) continue;
        assert_true(section_at(bytes, n, i, &at, &length) && length > 4);
        const float other = 12345;
        memcpy(bytes + at + length - 4, &other, 4);
    }
    fix_sums(bytes, n);
    rewind(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    fclose(file);
    free(bytes);
    check_engine(path, YK_VERDICT_INVALID, "selftest-failed");
    unlink(path);
}

/* ---- seeds: a file of every kind ---- */

typedef void visitor(const char *name, const uint8_t *bytes, size_t n);

static void for_seeds(visitor *visit) {
    DIR *folder = opendir(SEEDS);
    const struct dirent *item;
    int n_seeds = 0;
    assert_non_null(folder);
    while ((item = readdir(folder)) != NULL) {
        char path[512];
        if (item->d_name[0] == '.') continue;
        snprintf(path, sizeof path, SEEDS "/%s", item->d_name);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        uint8_t *bytes = malloc(1 << 20);
        assert_non_null(bytes);
        size_t n = fread(bytes, 1, 1 << 20, file);
        fclose(file);
        uint8_t *exact = malloc(n ? n : 1);
        assert_non_null(exact);
        memcpy(exact, bytes, n);
        visit(item->d_name, exact, n);
        free(exact);
        free(bytes);
        n_seeds++;
    }
    closedir(folder);
    assert_true(n_seeds > 50);
}

/* Seeds are named after a number and their kind. */
static const char *kind_of(const char *name) {
    return name[0] >= '0' && name[0] <= '9' && name[2] == '-' ? name + 3 : name[3] == '-' ? name + 4 : NULL;
}

static void probe_seed(const char *name, const uint8_t *bytes, size_t n) {
    char kind[64], of_stream[64];
    assert_true(probe(bytes, n, n, kind) < BOUND);
    if (kind_of(name) && strcmp(kind_of(name), kind) != 0) fail_msg("%s is called %s", name, kind);
    probe(bytes, n, YK_SIZE_UNKNOWN, of_stream);
    for (size_t part = 0; part <= n; part += part < 64 ? 1 : 1 + part / 3) {
        assert_true(probe(bytes, part, n, NULL) < BOUND);
        assert_true(probe(bytes, part, (uint64_t)n << 20, NULL) < BOUND);
    }
}

static void every_kind_is_probed(void **state) {
    (void)state;
    for_seeds(probe_seed);
}

/* ---- bytes that ask for memory ---- */

static uint8_t *repeated(const char *text, size_t times, const char *before, size_t n_before, size_t *n) {
    size_t length = strlen(text);
    uint8_t *bytes = malloc(n_before + length * times + 16);
    assert_non_null(bytes);
    memcpy(bytes, before, n_before);
    for (size_t i = 0; i < times; i++) memcpy(bytes + n_before + i * length, text, length);
    *n = n_before + length * times;
    return bytes;
}

static void assert_bounded(const char *what, const void *bytes, size_t n) {
    char kind[64];
    long most = probe(bytes, n, n, kind);
    if (getenv("YOLK_TEST_VERBOSE")) printf("%s (%s): %.1f MiB\n", what, kind, (double)most / (1 << 20));
    if (most > BOUND) fail_msg("%s (%s) takes %ld bytes", what, kind, most);
}

static uint8_t *gzipped(const uint8_t *bytes, size_t n, size_t *out_n) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY), Z_OK);
    uint8_t *out = malloc(deflateBound(&z, n) + 64);
    assert_non_null(out);
    z.next_in = (Bytef *)(uintptr_t)bytes, z.avail_in = (uInt)n;
    z.next_out = out, z.avail_out = (uInt)deflateBound(&z, n) + 64;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    *out_n = z.total_out;
    deflateEnd(&z);
    return out;
}

static void memory_is_bounded(void **state) {
    (void)state;
    static const char *const dense[] = {"[],", "{},", "1,", "\"a\":1,", "{\"b\":[]},", "\"a\","};
    size_t n;
    for (size_t i = 0; i < sizeof dense / sizeof *dense; i++) { /* JSON as a file and as metadata in front of a plan */
        uint8_t *bytes = repeated(dense[i], (1 << 20) / strlen(dense[i]), "[", 1, &n);
        memcpy(bytes + n, "0]", 2);
        assert_bounded(dense[i], bytes, n + 2);
        assert_bounded(dense[i], bytes, 60000);
        free(bytes);
        for (size_t most = 1 << 14; most < 1 << 21; most *= 2) {
            bytes = repeated(dense[i], most / strlen(dense[i]), "....{\"task\":1,\"names\":1,\"a\":[", 29, &n);
            memcpy(bytes + n, "0]}", 3);
            uint32_t stated = (uint32_t)n + 3 - 4;
            memcpy(bytes, &stated, 4);
            memcpy(bytes + n + 3, "ftrt", 4);
            assert_bounded(dense[i], bytes, n + 7);
            free(bytes);
        }
    }
    uint8_t *zeros = calloc(64, 1 << 20);
    assert_non_null(zeros);
    size_t packed_n = (size_t)64 << 20;
    uint8_t *packed = zeros;
    for (int i = 0; i < 6; i++) { /* a bomb in bombs */
        uint8_t *next = gzipped(packed, packed_n, &packed_n);
        free(packed);
        packed = next;
        assert_bounded("gzip", packed, packed_n);
    }
    free(packed);
    /* Zstandard: a window of 8 MiB, and one of 2 GiB */
    uint8_t *zstd = calloc(1, (3 << 17) + 64);
    assert_non_null(zstd);
    for (int window = 0x68; window <= 0xa8; window += 0x40) {
        memcpy(zstd, "\x28\xb5\x2f\xfd\0", 5);
        zstd[5] = (uint8_t)window;
        memcpy(zstd + 6, "\x02\xff\xff\x1f\0", 4); /* blocks of repeated bytes */
        for (int i = 0; i < 1000; i++) memcpy(zstd + 6 + 4 * i, "\x02\0\x10x", 4);
        assert_bounded("zstd", zstd, 4006);
    }
    free(zstd);
    /* zip archives of many entries, in each other */
    zip_make inner = {0};
    zip_make_add(&inner, "a.txt", "hello", 5);
    zip_make_finish(&inner);
    for (int depth = 0; depth < 6; depth++) {
        zip_make z = {0};
        for (int i = 0; i < 20; i++) {
            char name[64];
            snprintf(name, sizeof name, "%d.zip", i);
            zip_make_add(&z, name, inner.bytes, inner.n);
        }
        zip_make_finish(&z);
        zip_make_free(&inner);
        inner = z;
        if (inner.n > (size_t)8 << 20) break;
        assert_bounded("zip", inner.bytes, inner.n);
    }
    zip_make_free(&inner);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(self_tests_are_run),
        cmocka_unit_test(every_kind_is_probed),
        cmocka_unit_test(memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
