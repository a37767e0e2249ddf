/* yolk bench: how long each stage takes, as percentiles. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const cli_option options[] = {
    {"--image", "F", "a picture file, decoded anew each time; default: random pixels of the input size"},
    {"--head", "dense|lazy",
     "dense (default): all that the exported graph computes; lazy: only what can matter at this threshold"},
    {"--threads", "N|auto", "threads; default: one per core"},
    {"--batch", "N", "pictures per network run"},
    {"--seconds", "S", "measure for this long; default: 3"},
    {"--conf", "C", "threshold of the postprocessing"},
    {"--profile", NULL, "time every step of the network and list the slowest; in JSON all of them, in order"},
    {"--json", NULL, "one JSON object"},
    {NULL, NULL, NULL}};

enum { DECODE, PREPROCESS, INFERENCE, POSTPROCESS, TOTAL, N_STAGES };
static const char *const stage_names[N_STAGES] = {"decode", "preprocess", "inference", "postprocess", "total"};

typedef struct samples {
    double *ms[N_STAGES];
    size_t n, capacity;
} samples;

typedef struct bench {
    const cli_args *args;
    yk_engine *engine;
    yk_context *context;
    yk_predict_options predict;
    const char *path;
    yk_image random;
    bool dense;
    int batch;
    float seconds;
    int32_t height, width;
    samples samples;
} bench;

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static bool add_sample(samples *s, const double ms[N_STAGES]) {
    if (s->n == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 1024;
        for (int i = 0; i < N_STAGES; i++) {
            double *grown = realloc(s->ms[i], capacity * sizeof *grown);
            if (!grown) return false;
            s->ms[i] = grown;
        }
        s->capacity = capacity;
    }
    for (int i = 0; i < N_STAGES; i++) s->ms[i][s->n] = ms[i];
    s->n++;
    return true;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value below which a share p of the sorted samples lies (nearest rank). */
static double percentile(const samples *s, int stage, double p) {
    size_t rank = (size_t)(p * (double)s->n + 0.5);
    return s->ms[stage][rank < 1 ? 0 : rank > s->n ? s->n - 1 : rank - 1];
}

/* Pixels without structure: their content does not change how long a network takes. */
static int make_random(bench *b) {
    yk_engine_info info = YK_ENGINE_INFO_INIT;
    yk_engine_get_info(b->engine, &info, NULL);
    int32_t h = b->predict.imgsz[0] ? b->predict.imgsz[0] : info.imgsz[0],
            w = b->predict.imgsz[1] ? b->predict.imgsz[1] : info.imgsz[1];
    size_t n = (size_t)h * (size_t)w * 3;
    uint8_t *pixels = malloc(n);
    uint32_t state = 1;
    if (!pixels) return EXIT_RESOURCE;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        pixels[i] = (uint8_t)(state >> 24);
    }
    b->random = (yk_image){.size = sizeof b->random, .width = w, .height = h, .plane = {pixels}, .stride = {3 * (ptrdiff_t)w}};
    return EXIT_DONE;
}

static int run_once(bench *b, double ms[N_STAGES]) {
    const char *paths[64];
    yk_image images[64];
    yk_results *results = NULL;
    yk_error error = YK_ERROR_INIT;
    yk_speed speed = YK_SPEED_INIT;
    const char *message = NULL;
    double start = now_ms();
    for (int i = 0; i < b->batch; i++) paths[i] = b->path;
    for (int i = 0; i < b->batch && !b->path; i++) images[i] = b->random;
    yk_status status = b->path ? yk_predict_files(b->context, paths, (size_t)b->batch, &b->predict, &results, &error)
                               : yk_predict(b->context, images, (size_t)b->batch, &b->predict, &results, &error);
    ms[TOTAL] = (now_ms() - start) / b->batch;
    if (status != YK_OK) return cli_fail(&error);
    if (yk_results_status(results, 0, &message) != YK_OK) {
        cli_say("%s", message);
        yk_results_destroy(&results);
        return EXIT_INPUT;
    }
    memset(ms, 0, sizeof *ms * TOTAL);
    for (int i = 0; i < b->batch; i++) {
        yk_results_speed(results, (size_t)i, &speed);
        ms[DECODE] += speed.decode_ms / b->batch;
        ms[PREPROCESS] += speed.preprocess_ms / b->batch;
        ms[INFERENCE] += speed.inference_ms / b->batch;
        ms[POSTPROCESS] += speed.postprocess_ms / b->batch;
    }
    yk_results_size(results, 0, NULL, NULL, &b->width, &b->height);
    yk_results_destroy(&results);
    return EXIT_DONE;
}

static int measure(bench *b) {
    double ms[N_STAGES];
    int status = EXIT_DONE;
    for (int i = 0; i < 3 && status == EXIT_DONE; i++) status = run_once(b, ms); /* plans, packs, warms caches */
    double end = now_ms() + (double)b->seconds * 1e3;
    while (status == EXIT_DONE && (b->samples.n < 5 || now_ms() < end)) {
        status = run_once(b, ms);
        if (status == EXIT_DONE && !add_sample(&b->samples, ms)) status = EXIT_RESOURCE;
    }
    for (int i = 0; i < N_STAGES && b->samples.n; i++) qsort(b->samples.ms[i], b->samples.n, sizeof(double), compare);
    return status;
}

static void print_string(const char *text) {
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') putchar('\\');
        if ((unsigned char)*text >= 0x20) putchar(*text);
    }
    putchar('"');
}

static void print_layers(const bench *b) {
    yk_step_profile step = {.size = sizeof step};
    fputs(",\"layers\":[", stdout);
    for (size_t i = 0; yk_context_profile(b->context, i, &step); i++) {
        fputs(i ? ",{\"node\":" : "{\"node\":", stdout);
        print_string(step.node);
        printf(",\"op\":\"%s\",\"kernel\":\"%s\",\"min_ms\":%.5f,\"flops\":%.0f}", step.op, step.kernel,
               (double)step.min_ns * 1e-6, step.flops);
    }
    putchar(']');
}

static void print_json(const bench *b, const yk_engine_info *info) {
    fputs("{\"model\":", stdout);
    print_string(b->args->arguments[0]);
    printf(",\"device\":\"%s\",\"isa\":\"%s\",\"precision\":\"%s\",\"threads\":%d,\"batch\":%d,\"shape\":[%d,%d,%d,%d]",
           info->device, info->isa, info->precision, (int)info->n_threads, b->batch, b->batch, (int)info->channels,
           (int)b->height, (int)b->width);
    printf(",\"input\":\"%s\",\"head\":\"%s\",\"stages\":{", b->path ? "image" : "random", b->dense ? "dense" : "lazy");
    for (int i = 0; i < N_STAGES; i++)
        printf("%s\"%s\":{\"min_ms\":%.4f,\"p50_ms\":%.4f,\"p90_ms\":%.4f,\"p99_ms\":%.4f}", i ? "," : "", stage_names[i],
               b->samples.ms[i][0], percentile(&b->samples, i, 0.5), percentile(&b->samples, i, 0.9),
               percentile(&b->samples, i, 0.99));
    printf("},\"images_per_s\":%.3f", 1e3 / percentile(&b->samples, TOTAL, 0.5));
    if (cli_has(b->args, "--profile")) print_layers(b);
    puts("}");
}

static void print_table(const bench *b, const yk_engine_info *info) {
    printf("%s on %s/%s, %s, %d thread%s, batch %d, input %dx%d (%s), %s head, %zu runs\n\n", b->args->arguments[0],
           info->device, info->isa, info->precision, (int)info->n_threads, info->n_threads == 1 ? "" : "s", b->batch,
           (int)b->height, (int)b->width, b->path ? "image" : "random", b->dense ? "dense" : "lazy", b->samples.n);
    printf("ms per picture     min      p50      p90      p99\n");
    for (int i = 0; i < N_STAGES; i++)
        printf("%-12s %9.3f%9.3f%9.3f%9.3f\n", stage_names[i], b->samples.ms[i][0], percentile(&b->samples, i, 0.5),
               percentile(&b->samples, i, 0.9), percentile(&b->samples, i, 0.99));
    printf("\n%.1f pictures per second\n", 1e3 / percentile(&b->samples, TOTAL, 0.5));
}

static int by_time(const void *a, const void *b) {
    uint64_t x = ((const yk_step_profile *)a)->min_ns, y = ((const yk_step_profile *)b)->min_ns;
    return (x < y) - (x > y);
}

static void print_profile(const bench *b) {
    enum { MOST = 4096, SHOWN = 40 };
    yk_step_profile *steps = calloc(MOST, sizeof *steps);
    size_t n = 0;
    double total = 0;
    for (; steps && n < MOST; n++) {
        steps[n].size = sizeof *steps;
        if (!yk_context_profile(b->context, n, &steps[n])) break;
        total += (double)steps[n].min_ns;
    }
    if (n) qsort(steps, n, sizeof *steps, by_time);
    printf("\n%-44s %-34s %8s %6s %8s\n", "step", "kernel", "min us", "share", "GFLOP/s");
    for (size_t i = 0; i < n && i < SHOWN; i++)
        printf("%-44.44s %-34.34s %8.1f %5.1f%% %8.1f\n", *steps[i].node ? steps[i].node : steps[i].op, steps[i].kernel,
               (double)steps[i].min_ns * 1e-3, 100 * (double)steps[i].min_ns / total, steps[i].flops / (double)steps[i].min_ns);
    printf("%zu steps, %.3f ms in all (sum of minima)\n", n, total * 1e-6);
    free(steps);
}

static int read_options(bench *b) {
    const cli_args *args = b->args;
    const char *head = cli_value(args, "--head");
    int status = cli_int(args, "--batch", 1, 64, &b->batch);
    if (status == EXIT_DONE) status = cli_float(args, "--seconds", 0, 36000, &b->seconds);
    if (status == EXIT_DONE) status = cli_float(args, "--conf", 0, 1, &b->predict.conf);
    if (status == EXIT_DONE) status = cli_imgsz(args, b->predict.imgsz);
    if (status == EXIT_DONE && head && strcmp(head, "dense") != 0 && strcmp(head, "lazy") != 0)
        status = cli_usage_error(args, "--head %s: use dense or lazy", head);
    b->dense = !head || strcmp(head, "dense") == 0;
    b->predict.batch = b->batch;
    b->path = cli_value(args, "--image");
    return status;
}

static int run(const cli_args *args) {
    bench b = {.args = args, .predict = {.size = sizeof b.predict}, .batch = 1, .seconds = 3};
    yk_error error = YK_ERROR_INIT;
    int status = read_options(&b);
    if (status == EXIT_DONE) status = cli_load(args, args->arguments[0], &b.engine);
    yk_context_options setup = {.size = sizeof setup, .dense = b.dense, .profile = cli_has(args, "--profile")};
    if (status == EXIT_DONE && yk_context_create(&b.context, b.engine, &setup, &error) != YK_OK) status = cli_fail(&error);
    if (status == EXIT_DONE && !b.path) status = make_random(&b);
    if (status == EXIT_DONE) status = measure(&b);
    if (status == EXIT_DONE) {
        yk_engine_info info = YK_ENGINE_INFO_INIT;
        yk_engine_get_info(b.engine, &info, NULL);
        if (cli_has(args, "--json"))
            print_json(&b, &info);
        else
            print_table(&b, &info);
        if (setup.profile && !cli_has(args, "--json")) print_profile(&b);
    }
    yk_context_destroy(&b.context);
    yk_engine_destroy(&b.engine);
    free(b.random.plane[0]);
    for (int i = 0; i < N_STAGES; i++) free(b.samples.ms[i]);
    return status;
}

const cli_command cmd_bench = {
    .name = "bench",
    .synopsis = "MODEL [--image F] [--head dense|lazy] [OPTIONS]",
    .summary = "how long each stage takes",
    .text = "Runs a picture through decoding, preprocessing, network and postprocessing again and again and prints minimum, "
            "median, 90th and 99th percentile of each stage in milliseconds per picture. Inference covers everything that the "
            "exported graph computes, its decoding of boxes included.",
    .options = options,
    .build_options = true,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
