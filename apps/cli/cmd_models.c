/* yolk models: the bundled models. */
#include "cli.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static bool is_model(const struct dirent *entry) {
    const char *dot = strrchr(entry->d_name, '.');
    return dot && dot != entry->d_name && (strcmp(dot, ".onnx") == 0 || strcmp(dot, ".yolk") == 0);
}

static int choose(const struct dirent *entry) {
    return is_model(entry);
}

static void print_model(const char *folder, const char *file) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    yk_engine *engine = NULL;
    yk_error error = YK_ERROR_INIT;
    yk_engine_options load = {.size = sizeof load, .n_threads = 1};
    if (yk_engine_load(&engine, path, &load, &error) != YK_OK) {
        cli_say("%s", error.message);
        return;
    }
    yk_engine_info info = YK_ENGINE_INFO_INIT;
    yk_engine_get_info(engine, &info, NULL);
    printf("%-20.*s %-9s %4dx%-4d %3d classes\n", (int)(strrchr(file, '.') - file), file, info.task_name, (int)info.imgsz[0],
           (int)info.imgsz[1], (int)info.n_classes);
    yk_engine_destroy(&engine);
}

static int run(const cli_args *args) {
    int found = 0;
    char *folder;
    for (int i = 0; (folder = cli_model_folder(args->program, i)); i++) {
        struct dirent **entries = NULL;
        int n = *folder ? scandir(folder, &entries, choose, alphasort) : 0;
        for (int k = 0; k < n; k++) {
            print_model(folder, entries[k]->d_name);
            free(entries[k]);
            found++;
        }
        free(entries);
        free(folder);
    }
    if (found) return EXIT_DONE;
    cli_say("no bundled models were found; these places were searched:");
    for (int i = 0; (folder = cli_model_folder(args->program, i)); i++) {
        if (*folder) fprintf(stderr, "  %s\n", folder);
        free(folder);
    }
    return EXIT_NO;
}

const cli_command cmd_models = {.name = "models",
                                .synopsis = "",
                                .summary = "the bundled models, usable by name",
                                .text = "Lists the models found in $YOLK_MODELS, beside the installed program "
                                        "(share/yolk/models) and in the build folder. Their names can stand wherever a command "
                                        "takes a MODEL.",
                                .max_arguments = 0,
                                .run = run};
