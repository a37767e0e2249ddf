/* yolk strip: the plain TensorRT plan out of an engine that Ultralytics exported. */
#include "cli.h"

static const cli_option options[] = {{"-o", "PLAN", "where the plan goes (needed; never the engine itself)"},
                                     {"--metadata", "FILE", "write the metadata that were in front, too"},
                                     {NULL, NULL, NULL}};

static int write_metadata(const char *path, const char *metadata) {
    FILE *file = fopen(path, "wb");
    bool written = file && fputs(metadata, file) >= 0 && fputc('\n', file) != EOF;
    if (file && fclose(file) != 0) written = false;
    if (!written) cli_say("cannot write %s", path);
    return written ? EXIT_DONE : EXIT_INPUT;
}

static int run(const cli_args *args) {
    const char *plan = cli_value(args, "-o"), *metadata_path = cli_value(args, "--metadata");
    if (!plan) return cli_usage_error(args, "where does the plan go? give -o PLAN");
    yk_error error = YK_ERROR_INIT;
    char *metadata = NULL;
    if (yk_strip(args->arguments[0], plan, &metadata, &error) != YK_OK) return cli_fail(&error);
    int status = metadata_path ? write_metadata(metadata_path, metadata) : EXIT_DONE;
    yk_text_destroy(&metadata);
    return status;
}

const cli_command cmd_strip = {
    .name = "strip",
    .synopsis = "ENGINE -o PLAN [--metadata FILE]",
    .summary = "the raw TensorRT plan out of an engine with Ultralytics' metadata in front",
    .text =
        "Ultralytics writes its metadata (task, class names, input size) in front of the TensorRT plan. Its own loader expects "
        "them; trtexec, Triton, DeepStream and programs of one's own stop at them with a magic-tag message. This command "
        "writes "
        "the plan alone, byte for byte, after checking that the metadata are JSON and that the plan is as long as its own "
        "header "
        "says. A cut or changed file is refused: nothing is repaired. The output appears whole or not at all.",
    .options = options,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
