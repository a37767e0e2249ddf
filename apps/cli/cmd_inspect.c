/* yolk inspect: recipe, graph, sections, plan, memory. */
#include "cli.h"

static const cli_option options[] = {{"--json", NULL, "one JSON object"},
                                     {"--layers", NULL, "the plan: a line per step with its kernel, shapes and memory"},
                                     {"--graph", NULL, "the graph as operators on tensors"},
                                     {"--threads", "N|auto", "threads that the plan is for"},
                                     {"--batch", "N", "pictures per run that the plan is for"},
                                     {NULL, NULL, NULL}};

static int run(const cli_args *args) {
    yk_engine *engine = NULL;
    int32_t imgsz[2] = {0, 0};
    int batch = 1, status = cli_imgsz(args, imgsz);
    if (status == EXIT_DONE) status = cli_int(args, "--batch", 1, 4096, &batch);
    if (status == EXIT_DONE) status = cli_load(args, args->arguments[0], &engine);
    if (status != EXIT_DONE) return status;
    bool json = cli_has(args, "--json");
    yk_describe what = cli_has(args, "--layers")  ? YK_DESCRIBE_LAYERS
                       : cli_has(args, "--graph") ? YK_DESCRIBE_GRAPH
                                                  : YK_DESCRIBE_SUMMARY;
    char *text = NULL;
    yk_error error = YK_ERROR_INIT;
    if (yk_engine_describe(engine, what, json, batch, imgsz[0], imgsz[1], &text, &error) != YK_OK) {
        status = cli_fail(&error);
    } else {
        fputs(text, stdout);
        if (json && what != YK_DESCRIBE_GRAPH) fputc('\n', stdout);
    }
    yk_text_destroy(&text);
    yk_engine_destroy(&engine);
    return status;
}

const cli_command cmd_inspect = {
    .name = "inspect",
    .synopsis = "MODEL [--json] [--layers] [--graph] [OPTIONS]",
    .summary = "what is inside an engine or model",
    .text =
        "Shows the recipe (task, classes, input, thresholds), the size of the network, the sections of an engine file; with "
        "--layers the plan at an input size, with --graph the network.",
    .options = options,
    .build_options = true,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
