#include "bench_samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

const char *const bench_stages[N_STAGES] = {"decode", "preprocess", "inference", "postprocess", "total"};

double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static bool reserve(samples *s, size_t n) {
    size_t capacity = s->capacity ? s->capacity : 1024;
    while (capacity < n) capacity *= 2;
    for (int i = 0; i < N_STAGES && capacity > s->capacity; i++) {
        double *grown = realloc(s->ms[i], capacity * sizeof *grown);
        if (!grown) return false;
        s->ms[i] = grown;
    }
    s->capacity = capacity;
    return true;
}

bool samples_add(samples *s, const double ms[N_STAGES]) {
    if (!reserve(s, s->n + 1)) return false;
    for (int i = 0; i < N_STAGES; i++) s->ms[i][s->n] = ms[i];
    s->n++;
    return true;
}

bool samples_append(samples *s, const samples *more) {
    if (!reserve(s, s->n + more->n)) return false;
    for (int i = 0; i < N_STAGES && more->n; i++) memcpy(s->ms[i] + s->n, more->ms[i], more->n * sizeof(double));
    s->n += more->n;
    return true;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void samples_sort(samples *s) {
    for (int i = 0; i < N_STAGES && s->n; i++) qsort(s->ms[i], s->n, sizeof(double), compare);
}

void samples_free(samples *s) {
    for (int i = 0; i < N_STAGES; i++) free(s->ms[i]);
    *s = (samples){.n = 0};
}

static double ranked(const double *sorted, size_t n, double p) {
    size_t rank = (size_t)(p * (double)n + 0.5);
    return sorted[rank < 1 ? 0 : rank > n ? n - 1 : rank - 1];
}

double samples_percentile(const samples *s, int stage, double p) {
    return ranked(s->ms[stage], s->n, p);
}

static double resident_mb(void) {
    unsigned long all = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f) return 0;
    if (fscanf(f, "%lu %lu", &all, &resident) != 2) resident = 0;
    fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) * 1e-6;
}

bool samples_interval(const samples *s, size_t first, double end_s, interval *out) {
    const size_t n = s->n - first;
    double *sorted = malloc((n + 1) * sizeof *sorted);
    struct rusage usage = {.ru_maxrss = 0};
    if (!sorted || n == 0) {
        free(sorted);
        return false;
    }
    getrusage(RUSAGE_SELF, &usage);
    const double resident = resident_mb(), peak = (double)usage.ru_maxrss * 1024e-6;
    memcpy(sorted, s->ms[TOTAL] + first, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare);
    *out = (interval){.end_s = end_s,
                      .n = n,
                      .p50_ms = ranked(sorted, n, 0.5),
                      .p99_ms = ranked(sorted, n, 0.99),
                      .memory_mb = resident - (double)(s->n * N_STAGES * sizeof(double)) * 1e-6,
                      /* the kernel brings its count of the most up to date now and then only */
                      .peak_mb = peak > resident ? peak : resident};
    free(sorted);
    return true;
}
