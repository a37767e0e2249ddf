/* The long form of test_check: every prefix and 100,000 mutations of a file of each kind and of the shared files, given as
 * whole files, as beginnings and as streams. Nothing may crash, hang or take an engine for something else; under
 * AddressSanitizer this is the proof that no byte outside is read. Label full; some minutes. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "inspect/check.h"
#include "inspect/recognise.h"
#include "support/shared.h"

enum {
    MAX_SAMPLES = 1024,
    KEPT = 128 * 1024,  /* of a large file: heads are where decisions are made */
    ALL_LENGTHS = 4096, /* every length up to this */
    MORE_LENGTHS = 40,  /* and so many beyond */
    MUTATIONS = 100000,
};
#define SLOW 5.0 /* seconds that no call may take, sanitizers included; most take microseconds */

typedef struct sample {
    char name[4096];
    uint8_t *bytes;
    size_t n;
    uint64_t size;
    char kind[64]; /* of the whole file */
    bool engine;
} sample;

static sample samples[MAX_SAMPLES];
static int n_samples;
static double slowest;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool is_engine(const char *kind) {
    static const char *const engines[] = {"yolk-engine", "tensorrt-plan", "ultralytics-engine",   "tensorrt-envelope", "rknn",
                                          "hailo",       "ascend",        "tensorrt-timing-cache"}; /* "ptrt", too */
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++)
        if (!strcmp(kind, engines[i])) return true;
    return false;
}

/* In memory of exactly this size. n == size: as a whole file. */
static void look(const sample *s, const uint8_t *bytes, size_t n, uint64_t size) {
    yk__report report;
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    if (n) memcpy(copy, bytes, n);
    double start = now();
    if (n == size)
        yk__check_bytes(copy, n, &report);
    else
        yk__probe(copy, n, size, &report);
    double took = now() - start;
    if (took > slowest) slowest = took;
    if (took > SLOW) fail_msg("%s: %zu of %llu bytes take %.1f s", s->name, n, (unsigned long long)size, took);
    if (!s->engine && is_engine(report.kind))
        fail_msg("%s, a %s: %zu of %llu bytes are called %s", s->name, s->kind, n, (unsigned long long)size, report.kind);
    assert_true(report.n_findings > 0 || report.verdict == YK__VERDICT_VALID);
    yk__report_free(&report);
    free(copy);
}

static void add_file(const char *path) {
    sample *s = &samples[n_samples];
    yk__report report;
    struct stat info;
    if (n_samples == MAX_SAMPLES || lstat(path, &info) != 0 || !S_ISREG(info.st_mode)) return;
    FILE *file = fopen(path, "rb");
    if (!file) return;
    s->bytes = malloc(KEPT);
    assert_non_null(s->bytes);
    s->n = fread(s->bytes, 1, KEPT, file);
    s->size = (uint64_t)info.st_size;
    fclose(file);
    snprintf(s->name, sizeof s->name, "%s", path);
    if (yk__check_file(path, NULL, &report, NULL)) fail_msg("%s cannot be read", path);
    snprintf(s->kind, sizeof s->kind, "%s", report.kind);
    s->engine = is_engine(report.kind);
    yk__report_free(&report);
    n_samples++;
}

static void add_folder(const char *folder, int depth) {
    DIR *stream = opendir(folder);
    const struct dirent *item;
    while (stream && (item = readdir(stream)) != NULL) {
        char path[4096];
        struct stat info;
        if (item->d_name[0] == '.' || snprintf(path, sizeof path, "%s/%s", folder, item->d_name) >= (int)sizeof path) continue;
        if (lstat(path, &info) == 0 && S_ISDIR(info.st_mode) && depth > 0) add_folder(path, depth - 1);
        add_file(path);
    }
    if (stream) closedir(stream);
}

static int add_all(void **state) {
    char shared[4096];
    (void)state;
    add_folder("fuzz/seeds/fuzz_check", 0);
    int n_seeds = n_samples;
    static const char *const folders[] = {"shared:data/engines", "shared:models",      "shared:data/nasty-images",
                                          "shared:data/video",   "shared:data/images", "shared:reference"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (shared_path(shared, folders[i])) add_folder(shared, 3);
    printf("%d files, %d of them the repository's own\n", n_samples, n_seeds);
    return n_seeds > 50 ? 0 : -1;
}

static int free_all(void **state) {
    (void)state;
    for (int i = 0; i < n_samples; i++) free(samples[i].bytes);
    printf("slowest call: %.3f s\n", slowest);
    return 0;
}

static uint64_t random_state = 88172645463325252u;
static uint64_t next_random(void) { /* xorshift64 */
    random_state ^= random_state << 13, random_state ^= random_state >> 7, random_state ^= random_state << 17;
    return random_state;
}

static void look_all_ways(const sample *s, size_t n) {
    look(s, s->bytes, n, n);
    if (n != s->size) look(s, s->bytes, n, s->size);
    look(s, s->bytes, n, YK__SIZE_UNKNOWN);
}

static void prefixes(void **state) {
    (void)state;
    for (int i = 0; i < n_samples; i++) {
        const sample *s = &samples[i];
        for (size_t n = 0; n <= s->n && n <= ALL_LENGTHS; n++) look_all_ways(s, n);
        for (int k = 0; s->n > ALL_LENGTHS && k < MORE_LENGTHS; k++)
            look_all_ways(s, ALL_LENGTHS + next_random() % (s->n - ALL_LENGTHS));
    }
}

static void mutations(void **state) {
    (void)state;
    uint8_t *bytes = malloc(KEPT);
    assert_non_null(bytes);
    for (int round = 0; round < MUTATIONS; round++) {
        sample s = samples[next_random() % (uint64_t)n_samples];
        if (s.n == 0) continue;
        size_t n = round % 4 ? s.n : 1 + next_random() % s.n;
        if (n > 8192 && round % 8) n = 8192; /* most decisions fall at the start */
        memcpy(bytes, s.bytes, n);
        s.engine = true; /* a mutation may make an engine of anything in principle: only crashes count */
        for (uint64_t k = 0, changes = 1 + next_random() % 6; k < changes; k++) {
            size_t near = n < 256 ? n : 256, at = next_random() % (k % 2 ? n : near);
            uint64_t value = next_random();
            switch (value % 4) {
            case 0: bytes[at] = (uint8_t)(value >> 8); break;
            case 1: bytes[at] ^= (uint8_t)(1u << (value >> 8 & 7)); break;
            case 2: /* a length or an offset that leads far */
                for (size_t b = 0; b < 4 && at + b < n; b++) bytes[at + b] = (uint8_t)(value & 4 ? 0xff : value >> (8 + 8 * b));
                break;
            default: bytes[at] = bytes[next_random() % n];
            }
        }
        look(&s, bytes, n, n);
        look(&s, bytes, n, s.size > n ? s.size : n + 1);
    }
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(prefixes), cmocka_unit_test(mutations)};
    return cmocka_run_group_tests(tests, add_all, free_all);
}
