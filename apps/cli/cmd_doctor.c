/* yolk doctor: this machine. */
#include "cli.h"

static const cli_option options[] = {{"--json", NULL, "one JSON object"}, {NULL, NULL, NULL}};

static int run(const cli_args *args) {
    bool json = cli_has(args, "--json");
    char *text = NULL;
    yk_error error = YK_ERROR_INIT;
    if (yk_machine_describe(json, &text, &error) != YK_OK) return cli_fail(&error);
    fputs(text, stdout);
    if (json) fputc('\n', stdout);
    yk_text_destroy(&text);
    return EXIT_DONE;
}

const cli_command cmd_doctor = {.name = "doctor",
                                .synopsis = "[--json]",
                                .summary = "this machine and what yolk uses of it",
                                .text = "Shows the processor and the instruction set that yolk uses, memory, and what this "
                                        "yolk was built with. The environment variable YOLK_CPU (avx512, avx2, neon, generic) "
                                        "caps the instruction set.",
                                .options = options,
                                .max_arguments = 0,
                                .run = run};
