/* yolk explain: a pasted load-error text: cause, whose number is whose, what to do. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {{"--json", NULL, "one JSON object"}, {NULL, NULL, NULL}};

/* More than any log that a person pastes; the library reads the first and last 2 MiB. */
#define MAX_INPUT ((size_t)64 << 20)

/* All of stdin. From malloc; NULL after a message. */
static char *read_stdin(size_t *n) {
    size_t capacity = (size_t)1 << 16;
    char *text = malloc(capacity);
    *n = 0;
    while (text) {
        size_t got = fread(text + *n, 1, capacity - *n, stdin);
        *n += got;
        if (got == 0) break;
        if (*n < capacity) continue;
        if (capacity >= MAX_INPUT) {
            cli_say("standard input holds more than %zu bytes; give the part of the log around the error", MAX_INPUT);
            free(text);
            return NULL;
        }
        char *grown = realloc(text, capacity *= 2);
        if (!grown) free(text);
        text = grown;
    }
    if (!text) cli_say("out of memory for standard input");
    if (text && ferror(stdin)) {
        cli_say("standard input could not be read");
        free(text);
        return NULL;
    }
    return text;
}

/* The arguments, as one text. From malloc; NULL after a message. */
static char *join(char **arguments, int n_arguments, size_t *n) {
    size_t size = 1;
    for (int i = 0; i < n_arguments; i++) size += strlen(arguments[i]) + 1;
    char *text = malloc(size);
    *n = 0;
    if (!text) cli_say("out of memory for the text");
    for (int i = 0; text && i < n_arguments; i++) {
        size_t length = strlen(arguments[i]);
        memcpy(text + *n, arguments[i], length);
        *n += length;
        text[(*n)++] = ' ';
    }
    return text;
}

static int run(const cli_args *args) {
    bool from_stdin = args->n_arguments == 1 && strcmp(args->arguments[0], "-") == 0, json = cli_has(args, "--json");
    size_t n, n_findings = 0;
    char *log = from_stdin ? read_stdin(&n) : join(args->arguments, args->n_arguments, &n), *text = NULL;
    if (!log) return from_stdin ? EXIT_INPUT : EXIT_RESOURCE;
    yk_error error = YK_ERROR_INIT;
    yk_status status = yk_explain(log, n, json, &text, &n_findings, &error);
    free(log);
    if (status != YK_OK) return cli_fail(&error);
    fputs(text, stdout);
    if (json) fputc('\n', stdout);
    yk_text_destroy(&text);
    return n_findings ? EXIT_DONE : EXIT_NO;
}

const cli_command cmd_explain = {
    .name = "explain",
    .synopsis = "TEXT...|- [--json]",
    .summary = "what a pasted load-error text means, and what to do",
    .text =
        "Reads an error text of TensorRT, or of a program around it (Triton, DeepStream, ONNX Runtime, Ultralytics, trtexec, "
        "Python), and names the cause, the root first: its code (docs/verdicts.md), which number is the machine's and which "
        "the file's, and a remedy. Paste the whole log: wrapped lines, timestamps and other noise do no harm. '-' reads "
        "standard input, which spares the quoting.\n\n"
        "Exit status 1 means that the text holds no message that yolk knows. The text is not repeated in the answer.",
    .options = options,
    .min_arguments = 1,
    .max_arguments = -1,
    .run = run};
