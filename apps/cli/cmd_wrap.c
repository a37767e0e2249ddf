/* yolk wrap: metadata in front of a TensorRT plan, as Ultralytics expects them. */
#include "cli.h"

#include <stdlib.h>

static const cli_option options[] = {
    {"-o", "ENGINE", "where the engine goes (needed; never the plan itself)"},
    {"--metadata", "JSON", "a file with one JSON object: task, names, imgsz, stride, batch ... (needed)"},
    {NULL, NULL, NULL}};

#define MAX_METADATA ((size_t)1 << 20)

/* The file as text. From malloc; NULL after a message. */
static char *read_metadata(const char *path) {
    FILE *file = fopen(path, "rb");
    char *text = file ? malloc(MAX_METADATA + 1) : NULL;
    size_t n = text ? fread(text, 1, MAX_METADATA + 1, file) : 0;
    bool failed = !file || !text || ferror(file);
    if (file) fclose(file);
    if (!failed && n <= MAX_METADATA) {
        text[n] = 0;
        return text;
    }
    if (failed)
        cli_say("cannot read %s", path);
    else
        cli_say("%s: more than %zu bytes of metadata", path, MAX_METADATA);
    free(text);
    return NULL;
}

static int run(const cli_args *args) {
    const char *engine = cli_value(args, "-o"), *path = cli_value(args, "--metadata");
    if (!engine) return cli_usage_error(args, "where does the engine go? give -o ENGINE");
    if (!path) return cli_usage_error(args, "which metadata? give --metadata JSON");
    char *metadata = read_metadata(path);
    if (!metadata) return EXIT_INPUT;
    yk_error error = YK_ERROR_INIT;
    yk_status status = yk_wrap(args->arguments[0], metadata, engine, &error);
    free(metadata);
    return status == YK_OK ? EXIT_DONE : cli_fail(&error);
}

const cli_command cmd_wrap = {
    .name = "wrap",
    .synopsis = "PLAN --metadata JSON -o ENGINE",
    .summary = "metadata in front of a TensorRT plan, as Ultralytics expects them",
    .text =
        "The way back from `yolk strip`: four bytes of length, the JSON, the plan. The JSON goes in as it is, other than ASCII "
        "escaped, so that what strip took off can be put on again byte for byte. The plan must be whole by its own header and "
        "have no metadata in front. The output appears whole or not at all.",
    .options = options,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
