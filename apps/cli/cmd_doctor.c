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

const cli_command cmd_doctor = {
    .name = "doctor",
    .synopsis = "[--json]",
    .summary = "this machine: processor, GPU, driver, TensorRT libraries found, what yolk uses",
    .text =
        "Shows the processor and the instruction set that yolk uses, memory, and what this yolk was built with; whether this "
        "is a "
        "container and what of the GPU is visible in it; NVIDIA GPUs and their compute capability, the driver and the newest "
        "CUDA "
        "that it serves; and every library of TensorRT, CUDA and cuDNN found on the loader's path, in Python environments and "
        "in "
        "the usual other places: its version, and whether the loader takes it. Two versions of TensorRT are trouble, and are "
        "pointed out.\n\n"
        "All of it is read off files and names. No library is loaded and no driver is called, so that a broken one cannot make "
        "this command hang. Compute capabilities are read off names and marked likely. The environment variable YOLK_CPU "
        "(amx, avx512bf16, avx512, avx2, neon, generic) caps the instruction set.",
    .options = options,
    .max_arguments = 0,
    .run = run};
