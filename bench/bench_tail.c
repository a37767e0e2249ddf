/* Every run of a network by itself, with what the scheduler kept its threads waiting for a processor meanwhile.
 *
 *     bench_tail ENGINE IMAGE THREADS SECONDS     prints a line "inference ms, waited ms" for every run
 *
 * The kernel counts in /proc/self/task/<thread>/schedstat how long each thread was ready to run while something else had its
 * processor. tools/peers/tails.py sets that against the slow runs, beside onnxruntime's. Linux alone; not run by ctest. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "yolk/yolk.h"

#define MAX_THREADS 256
#define MAX_RUNS    100000
#define WARM_UP     3

typedef struct run {
    double ms, waited_ms;
} run;

static int threads[MAX_THREADS], n_threads; /* their schedstat, open */
static run runs[MAX_RUNS];

static void open_threads(void) {
    DIR *const folder = opendir("/proc/self/task");
    char path[300];
    for (struct dirent *entry; folder && (entry = readdir(folder)) && n_threads < MAX_THREADS;) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", entry->d_name);
        threads[n_threads] = open(path, O_RDONLY | O_CLOEXEC);
        if (threads[n_threads] >= 0) n_threads++;
    }
    if (folder) closedir(folder);
}

/* Of all threads since they began. The second number of schedstat, in nanoseconds. */
static double waited_ms(void) {
    double sum = 0;
    for (int i = 0; i < n_threads; i++) {
        char text[128] = "", *rest = text;
        const ssize_t n = pread(threads[i], text, sizeof text - 1, 0);
        if (n <= 0) continue;
        text[n] = 0;
        strtoull(text, &rest, 10);
        sum += (double)strtoull(rest, NULL, 10) * 1e-6;
    }
    return sum;
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static yk_status run_once(yk_context *context, const char *image, double *ms, yk_error *error) {
    const yk_predict_options predict = {.size = sizeof predict};
    yk_results *results = NULL;
    yk_speed speed = YK_SPEED_INIT;
    const yk_status status = yk_predict_files(context, &image, 1, &predict, &results, error);
    if (status == YK_OK) yk_results_speed(results, 0, &speed);
    yk_results_destroy(&results);
    *ms = speed.inference_ms;
    return status;
}

static yk_status measure(yk_context *context, const char *image, double seconds, int *n_runs, yk_error *error) {
    yk_status status = YK_OK;
    double ms = 0;
    for (int i = 0; i < WARM_UP && status == YK_OK; i++) status = run_once(context, image, &ms, error);
    open_threads();
    double before = waited_ms();
    for (const double end = now_s() + seconds; status == YK_OK && *n_runs < MAX_RUNS && now_s() < end; ++*n_runs) {
        status = run_once(context, image, &ms, error);
        const double after = waited_ms();
        runs[*n_runs] = (run){ms, after - before};
        before = after;
    }
    return status;
}

int main(int argc, char **argv) {
    yk_engine *engine = NULL;
    yk_context *context = NULL;
    yk_error error = YK_ERROR_INIT;
    int n_runs = 0;
    if (argc != 5) {
        fputs("usage: bench_tail ENGINE IMAGE THREADS SECONDS\n", stderr);
        return 2;
    }
    const yk_engine_options options = {.size = sizeof options, .n_threads = (int32_t)strtol(argv[3], NULL, 10)};
    yk_status status = yk_engine_load(&engine, argv[1], &options, &error);
    if (status == YK_OK) status = yk_context_create(&context, engine, NULL, &error);
    if (status == YK_OK) status = measure(context, argv[2], strtod(argv[4], NULL), &n_runs, &error);
    for (int i = 0; i < n_runs; i++) printf("%.4f %.4f\n", runs[i].ms, runs[i].waited_ms);
    if (status != YK_OK) fprintf(stderr, "bench_tail: %s\n", error.message);
    yk_context_destroy(&context);
    yk_engine_destroy(&engine);
    return status == YK_OK ? 0 : 1;
}
