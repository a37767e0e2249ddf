/* yolk models: the bundled models. */
#include "cli.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const cli_option options[] = {{"--json", NULL, "one JSON object per model and line"}, {NULL, NULL, NULL}};

static int is_model(const struct dirent *entry) {
    const char *dot = strrchr(entry->d_name, '.');
    return dot && dot != entry->d_name && (strcmp(dot, ".onnx") == 0 || strcmp(dot, ".yolk") == 0);
}

static void print_json(const char *name, const char *path, const struct stat *file, const yk_engine *engine,
                       const yk_engine_info *info) {
    const char *note = yk_engine_note(engine, "description"), *metric;
    double value = 0;
    printf("{\"name\":");
    cli_json_string(name);
    printf(",\"path\":");
    cli_json_string(path);
    printf(",\"bytes\":%lld,\"task\":\"%s\",\"imgsz\":[%d,%d],\"names\":[", (long long)file->st_size, info->task_name,
           (int)info->imgsz[0], (int)info->imgsz[1]);
    for (int32_t i = 0; i < info->n_classes; i++) {
        if (i) putchar(',');
        cli_json_string(yk_engine_class_name(engine, i));
    }
    printf("],\"description\":");
    if (note)
        cli_json_string(note);
    else
        printf("null");
    printf(",\"metrics\":{");
    for (size_t i = 0; (metric = yk_engine_metric(engine, i, &value)); i++) {
        if (i) putchar(',');
        cli_json_string(metric);
        putchar(':');
        cli_json_number(value);
    }
    printf("}}\n");
}

static void print_line(const char *name, const struct stat *file, const yk_engine *engine, const yk_engine_info *info) {
    const char *metric;
    double value = 0;
    printf("%-16s %-9s %4dx%-4d %7d %6.2f MB ", name, info->task_name, (int)info->imgsz[0], (int)info->imgsz[1],
           (int)info->n_classes, (double)file->st_size * 1e-6);
    for (size_t i = 0; (metric = yk_engine_metric(engine, i, &value)); i++) printf("%s %s %.6g", i ? "," : "", metric, value);
    putchar('\n');
}

/* A file of a folder of models, unless another one comes first under its name. */
static int print_model(const char *folder, const char *file, bool json, bool *found) {
    char name[256], path[4096];
    snprintf(name, sizeof name, "%.*s", (int)(strrchr(file, '.') - file), file);
    snprintf(path, sizeof path, "%s/%s", folder, file);
    char *first = cli_bundled_model(name);
    const bool shadowed = !first || strcmp(first, path) != 0;
    free(first);
    struct stat info;
    if (shadowed || stat(path, &info) != 0) return EXIT_DONE;
    yk_engine *engine = NULL;
    yk_error error = YK_ERROR_INIT;
    yk_engine_options load = {.size = sizeof load, .n_threads = 1};
    if (yk_engine_load(&engine, path, &load, &error) != YK_OK) return cli_fail(&error);
    yk_engine_info about = YK_ENGINE_INFO_INIT;
    yk_engine_get_info(engine, &about, NULL);
    if (!json && !*found) printf("name             task      input     classes      size  measured\n");
    *found = true;
    if (json)
        print_json(name, path, &info, engine, &about);
    else
        print_line(name, &info, engine, &about);
    yk_engine_destroy(&engine);
    return EXIT_DONE;
}

static int print_folder(const char *folder, bool json, bool *found) {
    struct dirent **entries = NULL;
    int worst = EXIT_DONE, n = *folder ? scandir(folder, &entries, is_model, alphasort) : 0;
    for (int k = 0; k < n; k++) {
        int status = print_model(folder, entries[k]->d_name, json, found);
        if (status > worst) worst = status;
        free(entries[k]);
    }
    free(entries);
    return worst;
}

static int run(const cli_args *args) {
    bool found = false;
    int worst = EXIT_DONE;
    char *folder;
    for (int i = 0; (folder = cli_model_folder(i)); i++) {
        int status = print_folder(folder, cli_has(args, "--json"), &found);
        if (status > worst) worst = status;
        free(folder);
    }
    if (found || worst != EXIT_DONE) return worst;
    cli_say("no bundled models were found; these places were searched:");
    for (int i = 0; (folder = cli_model_folder(i)); i++) {
        if (*folder) fprintf(stderr, "  %s\n", folder);
        free(folder);
    }
    return EXIT_NO;
}

const cli_command cmd_models = {
    .name = "models",
    .synopsis = "[--json]",
    .summary = "the bundled models, usable by name",
    .text = "Lists the models found in $YOLK_MODELS, beside the installed program (share/yolk/models) and in the build folder: "
            "task, input size (height x width), classes, size of the file, and what their makers measured (docs/models). Their "
            "names can stand wherever a command takes a MODEL. Where two places hold the same name the first one counts.",
    .options = options,
    .max_arguments = 0,
    .run = run};
