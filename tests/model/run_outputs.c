/* Runs a network on one tensor and writes its raw outputs: for scripts that compare them (tools/check_families.py).
 *
 *   run_outputs MODEL HEIGHT WIDTH INPUT PREFIX [--end2end] [--device D] [--isa I]
 *
 * INPUT holds 3 x HEIGHT x WIDTH f32, little-endian, as the network wants them. Output i goes to PREFIX<i>; stdout gets a line
 * "output<i> d0 d1 ..." with its shape each. Exit 1, with the message on stderr, when the model does not load or run. */
#include "yolk/yolk.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *option(int argc, char **argv, const char *name) {
    for (int i = 6; i + 1 < argc; i++)
        if (strcmp(argv[i], name) == 0) return argv[i + 1];
    return NULL;
}

static bool flag(int argc, char **argv, const char *name) {
    for (int i = 6; i < argc; i++)
        if (strcmp(argv[i], name) == 0) return true;
    return false;
}

static bool read_floats(const char *path, float *out, size_t n) {
    FILE *f = fopen(path, "rb");
    const bool whole = f && fread(out, sizeof *out, n, f) == n;
    if (f) fclose(f);
    return whole;
}

static bool write_output(const char *prefix, size_t i, const yk_tensor *t) {
    char path[4096];
    size_t n = 1;
    snprintf(path, sizeof path, "%s%zu", prefix, i);
    printf("output%zu", i);
    for (int d = 0; d < t->rank; d++) {
        printf(" %lld", (long long)t->dim[d]);
        n *= (size_t)t->dim[d];
    }
    printf("\n");
    FILE *f = fopen(path, "wb");
    const bool whole = f && t->dtype == YK_F32 && fwrite(t->data, sizeof(float), n, f) == n;
    return f && fclose(f) == 0 && whole;
}

int main(int argc, char **argv) {
    if (argc < 6) {
        fprintf(stderr, "usage: run_outputs MODEL HEIGHT WIDTH INPUT PREFIX [--end2end] [--device D] [--isa I]\n");
        return 2;
    }
    const int height = atoi(argv[2]), width = atoi(argv[3]);
    yk_build_options build = {.size = sizeof build, .end2end = flag(argc, argv, "--end2end") ? YK_ON : YK_DEFAULT};
    yk_engine_options load = {.size = sizeof load,
                              .device = option(argc, argv, "--device"),
                              .isa = option(argc, argv, "--isa"),
                              .cache = YK_OFF,
                              .build = &build};
    yk_context_options dense = {.size = sizeof dense, .dense = true};
    yk_engine *engine = NULL;
    yk_context *context = NULL;
    yk_error error = YK_ERROR_INIT;
    const yk_tensor *outputs;
    size_t n_outputs = 0;
    int status = 1;
    if (height < 1 || width < 1 || height > 8192 || width > 8192) return fprintf(stderr, "sides of 1 to 8192\n"), 2;
    const size_t n = 3 * (size_t)height * (size_t)width;
    float *data = malloc(n * sizeof *data);
    if (!data || !read_floats(argv[4], data, n)) {
        fprintf(stderr, "%s does not hold %zu floats\n", argv[4], n);
        goto done;
    }
    yk_tensor input = {.size = sizeof input, .dtype = YK_F32, .rank = 4, .dim = {1, 3, height, width}, .data = data};
    if (yk_engine_load(&engine, argv[1], &load, &error) || yk_context_create(&context, engine, &dense, &error) ||
        yk_context_run(context, &input, &outputs, &n_outputs, &error)) {
        fprintf(stderr, "%s\n", error.message);
        goto done;
    }
    status = 0;
    for (size_t i = 0; i < n_outputs; i++)
        if (!write_output(argv[5], i, &outputs[i])) status = 1;
done:
    free(data);
    yk_context_destroy(&context);
    yk_engine_destroy(&engine);
    return status;
}
