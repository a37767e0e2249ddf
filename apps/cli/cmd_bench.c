/* yolk bench: how long each stage takes, as percentiles. */
#include "bench_samples.h"
#include "cli.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    {"--image", "F", "a picture file, decoded anew each time; default: random pixels of the input size"},
    {"--head", "dense|lazy",
     "dense (default): all that the exported graph computes; lazy: only what can matter at this threshold"},
    {"--threads", "N|auto", "threads; default: one per core"},
    {"--throughput", NULL, "one picture per core at a time instead of all cores on one; pictures per second of all together"},
    {"--batch", "N", "pictures per network run"},
    {"--seconds", "S", "measure for this long; default: 3"},
    {"--every", "S", "for long runs: median, 99th percentile and memory of every S seconds"},
    {"--conf", "C", "threshold of the postprocessing"},
    {"--profile", NULL, "time every step of the network and list the slowest; in JSON all of them, in order"},
    {"--json", NULL, "one JSON object"},
    {NULL, NULL, NULL}};

typedef struct bench {
    const cli_args *args;
    yk_engine *engine;
    yk_predict_options predict;
    const char *path;
    yk_image random;
    bool dense;
    int batch, n_lanes; /* n_lanes: runs at once */
    float seconds, every;
    int32_t height, width;
    struct lane *lanes;
    int n_contexts, n_warm; /* n_warm, n_lanes: under the lock while lanes start */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    samples samples; /* of all lanes, sorted */
    double images_per_s;
    interval *intervals; /* of the first lane, with --every */
    size_t n_intervals;
} bench;

/* One context at work: the calling thread's, or with --throughput one of several. */
typedef struct lane {
    bench *bench;
    yk_context *context;
    pthread_t thread;
    samples samples;
    double seconds; /* that its runs took together */
    int status;
} lane;

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

static int run_once(lane *own, double ms[N_STAGES]) {
    const bench *b = own->bench;
    const char *paths[64];
    yk_image images[64];
    yk_results *results = NULL;
    yk_error error = YK_ERROR_INIT;
    yk_speed speed = YK_SPEED_INIT;
    const char *message = NULL;
    double start = now_ms();
    for (int i = 0; i < b->batch; i++) paths[i] = b->path;
    for (int i = 0; i < b->batch && !b->path; i++) images[i] = b->random;
    yk_status status = b->path ? yk_predict_files(own->context, paths, (size_t)b->batch, &b->predict, &results, &error)
                               : yk_predict(own->context, images, (size_t)b->batch, &b->predict, &results, &error);
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
    yk_results_destroy(&results);
    return EXIT_DONE;
}

/* The input size that the picture got. */
static void note_shape(lane *own) {
    bench *b = own->bench;
    yk_results *results = NULL;
    yk_status status = b->path ? yk_predict_files(own->context, &b->path, 1, &b->predict, &results, NULL)
                               : yk_predict(own->context, &b->random, 1, &b->predict, &results, NULL);
    if (status == YK_OK) yk_results_size(results, 0, NULL, NULL, &b->width, &b->height);
    yk_results_destroy(&results);
}

/* Ends the interval that begins with sample `first`, prints it where people read, and gives where the next one begins. */
static size_t end_interval(lane *own, size_t first, double start_ms) {
    bench *b = own->bench;
    const double end_s = (now_ms() - start_ms) * 1e-3;
    interval *grown = realloc(b->intervals, (b->n_intervals + 1) * sizeof *grown);
    if (!grown) return first;
    b->intervals = grown;
    interval *i = &grown[b->n_intervals];
    if (!samples_interval(&own->samples, first, end_s, i)) return first;
    if (b->n_intervals++ == 0 && !cli_has(b->args, "--json"))
        printf(" seconds     runs      p50      p99   memory MB  peak MB\n");
    if (!cli_has(b->args, "--json"))
        printf("%8.0f %8zu %8.3f %8.3f %11.1f %8.1f\n", end_s, i->n, i->p50_ms, i->p99_ms, i->memory_mb, i->peak_mb);
    fflush(stdout);
    return own->samples.n;
}

static void wait_for_all(bench *b) {
    pthread_mutex_lock(&b->lock);
    b->n_warm++;
    pthread_cond_broadcast(&b->changed);
    while (b->n_warm < b->n_lanes) pthread_cond_wait(&b->changed, &b->lock);
    pthread_mutex_unlock(&b->lock);
}

static void measure(lane *own) {
    bench *b = own->bench;
    double ms[N_STAGES];
    size_t first = 0;
    for (int i = 0; i < 3 && own->status == EXIT_DONE; i++) own->status = run_once(own, ms); /* plans, packs, warms caches */
    wait_for_all(b);
    const double start = now_ms(), end = start + (double)b->seconds * 1e3;
    double next = start + (double)b->every * 1e3;
    while (own->status == EXIT_DONE && (own->samples.n < 5 || now_ms() < end)) {
        own->status = run_once(own, ms);
        if (own->status == EXIT_DONE && !samples_add(&own->samples, ms)) own->status = EXIT_RESOURCE;
        if (b->every > 0 && own == b->lanes && now_ms() >= next) {
            first = end_interval(own, first, start);
            next += (double)b->every * 1e3;
        }
    }
    own->seconds = (now_ms() - start) * 1e-3;
}

static void *measure_in_thread(void *argument) {
    measure(argument);
    return NULL;
}

static int make_lanes(bench *b) {
    const yk_context_options setup = {.size = sizeof setup, .dense = b->dense, .profile = cli_has(b->args, "--profile")};
    yk_error error = YK_ERROR_INIT;
    b->lanes = calloc((size_t)b->n_lanes, sizeof *b->lanes);
    if (!b->lanes) return EXIT_RESOURCE;
    for (int i = 0; i < b->n_lanes; i++) {
        b->lanes[i].bench = b;
        if (yk_context_create(&b->lanes[i].context, b->engine, &setup, &error) != YK_OK) return cli_fail(&error);
        b->n_contexts++;
    }
    note_shape(&b->lanes[0]);
    return EXIT_DONE;
}

/* As many lanes as asked for, or as the system has threads for. */
static int start_lanes(bench *b) {
    int n = 1, asked = b->n_lanes;
    while (n < asked && pthread_create(&b->lanes[n].thread, NULL, measure_in_thread, &b->lanes[n]) == 0) n++;
    if (n == asked) return n;
    cli_say("the system gave %d of %d threads; these are measured", n, asked);
    pthread_mutex_lock(&b->lock);
    b->n_lanes = n;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->lock);
    return n;
}

static int run_lanes(bench *b) {
    int status = EXIT_DONE;
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->changed, NULL);
    const int n = start_lanes(b);
    measure(&b->lanes[0]);
    for (int i = 1; i < n; i++) pthread_join(b->lanes[i].thread, NULL);
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->lock);
    for (int i = 0; i < n; i++) {
        const lane *l = &b->lanes[i];
        if (l->status > status) status = l->status;
        if (!samples_append(&b->samples, &l->samples)) status = EXIT_RESOURCE;
        if (l->seconds > 0) b->images_per_s += (double)l->samples.n * b->batch / l->seconds;
    }
    samples_sort(&b->samples);
    if (b->n_lanes == 1 && b->samples.n) b->images_per_s = 1e3 / samples_percentile(&b->samples, TOTAL, 0.5);
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
    for (size_t i = 0; yk_context_profile(b->lanes[0].context, i, &step); i++) {
        fputs(i ? ",{\"node\":" : "{\"node\":", stdout);
        print_string(step.node);
        printf(",\"op\":\"%s\",\"kernel\":\"%s\",\"min_ms\":%.5f,\"flops\":%.0f}", step.op, step.kernel,
               (double)step.min_ns * 1e-6, step.flops);
    }
    putchar(']');
}

static void print_intervals(const bench *b) {
    fputs(",\"intervals\":[", stdout);
    for (size_t i = 0; i < b->n_intervals; i++) {
        const interval *v = &b->intervals[i];
        printf("%s{\"end_s\":%.1f,\"runs\":%zu,\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"memory_mb\":%.1f,\"peak_mb\":%.1f}",
               i ? "," : "", v->end_s, v->n, v->p50_ms, v->p99_ms, v->memory_mb, v->peak_mb);
    }
    putchar(']');
}

/* One for each lane with --throughput, else the engine's. */
static int threads(const bench *b, const yk_engine_info *info) {
    return b->n_lanes > 1 ? b->n_lanes : (int)info->n_threads;
}

static void print_json(const bench *b, const yk_engine_info *info) {
    fputs("{\"model\":", stdout);
    print_string(b->args->arguments[0]);
    printf(",\"device\":\"%s\",\"isa\":\"%s\",\"precision\":\"%s\",\"threads\":%d,\"batch\":%d,\"shape\":[%d,%d,%d,%d]",
           info->device, info->isa, info->precision, threads(b, info), b->batch, b->batch, (int)info->channels, (int)b->height,
           (int)b->width);
    printf(",\"input\":\"%s\",\"head\":\"%s\",\"stages\":{", b->path ? "image" : "random", b->dense ? "dense" : "lazy");
    for (int i = 0; i < N_STAGES; i++)
        printf("%s\"%s\":{\"min_ms\":%.4f,\"p50_ms\":%.4f,\"p90_ms\":%.4f,\"p99_ms\":%.4f}", i ? "," : "", bench_stages[i],
               b->samples.ms[i][0], samples_percentile(&b->samples, i, 0.5), samples_percentile(&b->samples, i, 0.9),
               samples_percentile(&b->samples, i, 0.99));
    printf("},\"images_per_s\":%.3f", b->images_per_s);
    if (cli_has(b->args, "--throughput")) fputs(",\"mode\":\"throughput\"", stdout);
    if (b->every > 0) print_intervals(b);
    if (cli_has(b->args, "--profile")) print_layers(b);
    puts("}");
}

static void print_table(const bench *b, const yk_engine_info *info) {
    printf("%s on %s/%s, %s, %d thread%s, batch %d, input %dx%d (%s), %s head, %zu runs\n\n", b->args->arguments[0],
           info->device, info->isa, info->precision, threads(b, info), threads(b, info) == 1 ? "" : "s", b->batch,
           (int)b->height, (int)b->width, b->path ? "image" : "random", b->dense ? "dense" : "lazy", b->samples.n);
    printf("ms per picture     min      p50      p90      p99\n");
    for (int i = 0; i < N_STAGES; i++)
        printf("%-12s %9.3f%9.3f%9.3f%9.3f\n", bench_stages[i], b->samples.ms[i][0], samples_percentile(&b->samples, i, 0.5),
               samples_percentile(&b->samples, i, 0.9), samples_percentile(&b->samples, i, 0.99));
    printf("\n%.1f pictures per second%s\n", b->images_per_s, b->n_lanes > 1 ? ", each by one thread" : "");
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
        if (!yk_context_profile(b->lanes[0].context, n, &steps[n])) break;
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
    if (status == EXIT_DONE) status = cli_float(args, "--every", 0.1, 36000, &b->every);
    if (status == EXIT_DONE) status = cli_lanes(args, &b->n_lanes);
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
    bench b = {.args = args, .predict = {.size = sizeof b.predict}, .batch = 1, .n_lanes = 1, .seconds = 3};
    int status = read_options(&b);
    if (status == EXIT_DONE) status = cli_load(args, args->arguments[0], &b.engine);
    if (status == EXIT_DONE && !b.path) status = make_random(&b);
    if (status == EXIT_DONE) status = make_lanes(&b);
    if (status == EXIT_DONE) status = run_lanes(&b);
    if (status == EXIT_DONE) {
        yk_engine_info info = YK_ENGINE_INFO_INIT;
        yk_engine_get_info(b.engine, &info, NULL);
        if (cli_has(args, "--json"))
            print_json(&b, &info);
        else
            print_table(&b, &info);
        if (cli_has(args, "--profile") && !cli_has(args, "--json")) print_profile(&b);
    }
    for (int i = 0; i < b.n_contexts; i++) {
        yk_context_destroy(&b.lanes[i].context);
        samples_free(&b.lanes[i].samples);
    }
    yk_engine_destroy(&b.engine);
    free(b.random.plane[0]);
    free(b.lanes);
    free(b.intervals);
    samples_free(&b.samples);
    return status;
}

const cli_command cmd_bench = {
    .name = "bench",
    .synopsis = "MODEL [--image F] [--head dense|lazy] [OPTIONS]",
    .summary = "how long each stage takes",
    .text =
        "Runs a picture through decoding, preprocessing, network and postprocessing again and again and prints minimum, "
        "median, 90th and 99th percentile of each stage in milliseconds per picture. Inference covers everything that the "
        "exported graph computes, its decoding of boxes included.\n\nWith --throughput each thread runs pictures of its own: a "
        "picture takes longer, more of them are done in a second.",
    .options = options,
    .build_options = true,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
