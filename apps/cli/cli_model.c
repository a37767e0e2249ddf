/* MODEL arguments: files, and the names of bundled models. */
#include "cli.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *join(const char *folder, const char *name, const char *suffix) {
    size_t n = strlen(folder) + strlen(name) + strlen(suffix) + 2;
    char *path = malloc(n);
    if (path) snprintf(path, n, "%s/%s%s", folder, name, suffix);
    return path;
}

/* The folder that the executable lies in, through links. From malloc. */
static char *program_folder(void) {
    char *path = realpath("/proc/self/exe", NULL);
    char *slash = path ? strrchr(path, '/') : NULL;
    if (slash) *slash = 0;
    return path;
}

char *cli_model_folder(int i) {
    const char *named = getenv("YOLK_MODELS");
    if (i == 0) return strdup(named && *named ? named : "");
    if (i > 2) return NULL;
    char *bin = program_folder();
    char *folder = bin ? join(bin, i == 1 ? "../share/yolk/models" : "models", "") : NULL;
    free(bin);
    return folder ? folder : strdup("");
}

static bool is_name(const char *model) {
    return *model && !strchr(model, '/') && model[0] != '.';
}

static bool is_file(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && !S_ISDIR(info.st_mode);
}

char *cli_bundled_model(const char *name) {
    static const char *const suffixes[] = {".yolk", ".onnx", ""};
    char *folder, *found = NULL;
    for (int i = 0; !found && is_name(name) && (folder = cli_model_folder(i)); i++) {
        for (int s = 0; *folder && s < 3 && !found; s++) {
            found = join(folder, name, suffixes[s]);
            if (found && !is_file(found)) {
                free(found);
                found = NULL;
            }
        }
        free(folder);
    }
    return found;
}

static char *find(const char *model) {
    return is_file(model) ? strdup(model) : cli_bundled_model(model);
}

char *cli_find_model(const char *model, int *status) {
    char *path = find(model);
    if (path) return path;
    cli_say("%s: no such file%s", model,
            is_name(model) ? ", and no bundled model of that name ('yolk models' lists them)" : "");
    *status = EXIT_INPUT;
    return NULL;
}

bool cli_is_engine(const char *model) {
    unsigned char head[4096];
    char *path = find(model);
    FILE *file = path ? fopen(path, "rbe") : NULL;
    yk_report *report = NULL;
    bool is = file && yk_probe(head, fread(head, 1, sizeof head, file), YK_SIZE_UNKNOWN, &report, NULL) == YK_OK &&
              strcmp(yk_report_kind(report), "yolk-engine") == 0;
    yk_report_destroy(&report);
    if (file) fclose(file);
    free(path);
    return is;
}

int cli_load(const cli_args *args, const char *model, yk_engine **engine) {
    return cli_load_on(args, model, cli_value(args, "--device"), false, engine);
}

int cli_load_on(const cli_args *args, const char *model, const char *device, bool as_built, yk_engine **engine) {
    int status = EXIT_DONE;
    yk_build_options build;
    yk_engine_options load = {.size = sizeof load, .device = device, .build = as_built ? NULL : &build};
    status = cli_read_build_options(args, &build);
    if (status == EXIT_DONE) status = cli_threads(args, &load.n_threads);
    if (status != EXIT_DONE) return status;
    if (cli_has(args, "--throughput")) load.n_threads = 1;
    build.imgsz[0] = build.imgsz[1] = 0; /* here --imgsz is the size of the run, not of the engine */
    char *path = cli_find_model(model, &status);
    if (!path) return status;
    yk_error error = YK_ERROR_INIT;
    yk_engine_load(engine, path, &load, &error);
    free(path);
    return *engine ? EXIT_DONE : cli_fail(&error);
}
