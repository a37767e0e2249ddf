/* What `yolk bench` measured: times of each stage run by run, and how they and the memory went from interval to interval. */
#ifndef YOLK_APPS_BENCH_SAMPLES_H
#define YOLK_APPS_BENCH_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>

enum { DECODE, PREPROCESS, INFERENCE, POSTPROCESS, TOTAL, N_STAGES };
extern const char *const bench_stages[N_STAGES];

typedef struct samples {
    double *ms[N_STAGES];
    size_t n, capacity;
} samples;

/* The runs of one interval of a long measurement. */
typedef struct interval {
    double end_s; /* since the beginning */
    size_t n;
    double p50_ms, p99_ms;     /* of TOTAL */
    double memory_mb, peak_mb; /* resident now, less what the samples take; most so far */
} interval;

double now_ms(void);
bool samples_add(samples *s, const double ms[N_STAGES]);
bool samples_append(samples *s, const samples *more);
void samples_sort(samples *s);
void samples_free(samples *s);
/* The value below which a share p of the sorted samples lies (nearest rank). */
double samples_percentile(const samples *s, int stage, double p);
/* About the samples from `first` on, which keep their order. false: no memory. */
bool samples_interval(const samples *s, size_t first, double end_s, interval *out);

#endif
