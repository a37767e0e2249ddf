/* yolk build: a model file becomes an engine file. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const cli_option options[] = {
    {"-o", "FILE",
     "the engine file; default: the model's name with .yolk, in the model's folder (bundled models: in the current one)"},
    {"--tune", NULL, "measure kernels on this machine and record the choices in the engine"},
    {"--choices", "ENGINE", "take over the choices recorded in another engine"},
    {"--threads", "N|auto", "threads for the build; default: one per core"},
    {"--quiet", NULL, "say nothing on success"},
    {NULL, NULL, NULL}};

static char *default_output(const char *model) {
    const char *name = strrchr(model, '/') ? strrchr(model, '/') + 1 : model;
    const char *dot = strrchr(name, '.');
    size_t keep = dot && dot != name ? (size_t)(dot - model) : strlen(model);
    char *path = malloc(keep + sizeof ".yolk");
    if (path) {
        memcpy(path, model, keep);
        memcpy(path + keep, ".yolk", sizeof ".yolk");
    }
    return path;
}

static bool on_terminal(void *user, double fraction, const char *what) {
    (void)user;
    fprintf(stderr, "\r%3.0f %% %-40s", fraction * 100, what);
    if (fraction >= 1) fprintf(stderr, "\r%46s\r", "");
    return true;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* bundled: found by its name, so that the engine goes into the current folder, not among the installed files. */
static int build(const cli_args *args, const char *model, bool bundled) {
    yk_build_options o;
    int status = cli_read_build_options(args, &o);
    if (status == EXIT_DONE) status = cli_threads(args, &o.n_threads);
    if (status != EXIT_DONE) return status;
    o.tune = cli_has(args, "--tune");
    o.choices_from = cli_value(args, "--choices");
    if (isatty(STDERR_FILENO) && !cli_has(args, "--quiet")) o.progress = on_terminal;
    char *made = cli_value(args, "-o") ? NULL : default_output(bundled ? strrchr(model, '/') + 1 : model);
    const char *output = made ? made : cli_value(args, "-o");
    if (!output) return EXIT_RESOURCE;
    yk_error error = YK_ERROR_INIT;
    double start = now();
    yk_status result = yk_build(model, output, &o, &error);
    if (result != YK_OK) {
        if (o.progress) fprintf(stderr, "\r%46s\r", "");
        status = cli_fail(&error);
    } else if (!cli_has(args, "--quiet")) {
        struct stat file;
        double megabytes = stat(output, &file) == 0 ? (double)file.st_size * 1e-6 : 0;
        printf("%s: %.1f MB, built in %.2f s\n", output, megabytes, now() - start);
    }
    free(made);
    return status;
}

static int run(const cli_args *args) {
    int status = EXIT_DONE;
    char *model = cli_find_model(args->arguments[0], &status);
    if (model) status = build(args, model, strcmp(model, args->arguments[0]) != 0);
    free(model);
    return status;
}

const cli_command cmd_build = {
    .name = "build",
    .synopsis = "MODEL [-o OUT.yolk] [OPTIONS]",
    .summary = "make an engine file from a model",
    .text =
        "Reads an exported YOLO (.onnx), optimises it and writes an engine file that holds the network and everything "
        "needed to use it: task, class names, input size, preprocessing, thresholds, a self test. The same model, options "
        "and version of yolk give the same bytes. The file appears whole or not at all. MODEL may also be a TensorRT engine "
        "that does not load here, when --from names the model it was made from: task, class names, input size and keypoints "
        "are then taken from the engine's metadata.",
    .options = options,
    .build_options = true,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
