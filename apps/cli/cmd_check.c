/* yolk check: what a file is, whether it loads here, why not, what to do. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const cli_option options[] = {
    {"--json", NULL, "one JSON object per file and line"},
    {"--sha256", NULL, "hash the whole file into the report"},
    {"--target", "trt=V,cc=X.Y,platform=P", "judge TensorRT plans for another machine"},
    {"--from", "MODEL", "the model that a TensorRT engine was made from, where it has another name"},
    {NULL, NULL, NULL}};

static int print_report(const yk_report *report, bool json) {
    char *text = NULL;
    yk_error error = YK_ERROR_INIT;
    yk_status status = json ? yk_report_to_json(report, &text, &error) : yk_report_to_text(report, &text, &error);
    if (status != YK_OK) return cli_fail(&error);
    fputs(text, stdout);
    if (json) fputc('\n', stdout);
    yk_text_destroy(&text);
    return EXIT_DONE;
}

/* Why the file could not be read, or NULL. Belongs to the report. */
static const char *unreadable(const yk_report *report) {
    yk_finding finding = YK_FINDING_INIT;
    for (size_t i = 0; yk_report_finding(report, i, &finding) == YK_OK; i++)
        if (strcmp(finding.code, "file-unreadable") == 0) return finding.found;
    return NULL;
}

static int check(const cli_args *args, const char *path) {
    yk_check_options o = {.size = sizeof o,
                          .sha256 = cli_has(args, "--sha256"),
                          .run = true,
                          .target = cli_value(args, "--target"),
                          .from = cli_value(args, "--from")};
    yk_report *report = NULL;
    yk_error error = YK_ERROR_INIT;
    if (yk_check(&report, path, &o, &error) != YK_OK) return cli_fail(&error);
    const char *why = unreadable(report);
    if (why) cli_say("%s", why);
    int status = why && !cli_has(args, "--json") ? EXIT_DONE : print_report(report, cli_has(args, "--json"));
    if (status == EXIT_DONE && why) status = EXIT_INPUT;
    yk_verdict verdict = yk_report_verdict(report);
    yk_report_destroy(&report);
    if (status != EXIT_DONE) return status;
    return verdict == YK_VERDICT_VALID || verdict == YK_VERDICT_SUBOPTIMAL ? EXIT_DONE : EXIT_NO;
}

/* The gravest status of all files: an unreadable one over a "no" over done. */
static int run(const cli_args *args) {
    int worst = EXIT_DONE;
    for (int i = 0; i < args->n_arguments; i++) {
        char *bundled = access(args->arguments[i], F_OK) != 0 ? cli_bundled_model(args->arguments[i]) : NULL;
        int status = check(args, bundled ? bundled : args->arguments[i]);
        free(bundled);
        if (status > worst) worst = status;
        if (!cli_has(args, "--json") && i + 1 < args->n_arguments) fputc('\n', stdout);
    }
    return worst;
}

const cli_command cmd_check = {
    .name = "check",
    .synopsis = "FILE... [--json] [--sha256] [--target trt=V,cc=X.Y,platform=P] [--from MODEL]",
    .summary = "what a file is, whether it loads here, why not, what to do",
    .text =
        "Names any file from its bytes: models and engines of all makers, what stands in for them (pointers, error pages, "
        "empty "
        "files), archives with what is inside, pictures and more. A yolk engine is verified in full, and its built-in self "
        "test is run. The verdict is "
        "valid, suboptimal (loads; something could be better), invalid (does not load) or foreign (whole, but not "
        "something that yolk runs), followed by findings, each with a stable code (docs/verdicts.md) and a remedy. A TensorRT "
        "plan "
        "that could run here is foreign, one that could not is invalid, with the message that TensorRT would print; --target "
        "judges it for another machine, such as trt=10.3.0.30,cc=8.7,platform=linux-aarch64 (a part of that is enough; "
        "platforms are linux-x86_64, linux-aarch64 and windows-x86_64). When the model that an engine was made from lies "
        "beside it (same name, .onnx or .pt) or is given with --from, the command that builds it is offered. FILE may be the "
        "name of a bundled model.",
    .options = options,
    .min_arguments = 1,
    .max_arguments = -1,
    .run = run};
