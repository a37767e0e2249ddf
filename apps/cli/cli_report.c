/* Messages and exit status. Data goes to stdout, everything said to the user goes to stderr. */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

void cli_say(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("yolk: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

int cli_usage_error(const cli_args *args, const char *format, ...) {
    va_list list;
    va_start(list, format);
    fprintf(stderr, "yolk %s: ", args->command->name);
    vfprintf(stderr, format, list);
    fprintf(stderr, "\nTry 'yolk %s --help'.\n", args->command->name);
    va_end(list);
    return EXIT_USAGE;
}

int cli_exit_status(yk_status status) {
    switch (status) {
    case YK_OK: return EXIT_DONE;
    case YK_ERROR_ARGUMENT:
    case YK_ERROR_AMBIGUOUS: return EXIT_USAGE; /* an option is wrong, or one is needed */
    case YK_ERROR_NOT_FOUND:
    case YK_ERROR_IO:
    case YK_ERROR_FORMAT:
    case YK_ERROR_TRUNCATED:
    case YK_ERROR_CHECKSUM:
    case YK_ERROR_VERSION:
    case YK_ERROR_LIMIT:
    case YK_ERROR_IMAGE:
    case YK_ERROR_IMAGE_LIMIT: return EXIT_INPUT;
    case YK_ERROR_GRAPH:
    case YK_ERROR_SHAPE:
    case YK_ERROR_UNSUPPORTED: return EXIT_MODEL;
    default: return EXIT_RESOURCE;
    }
}

int cli_fail(const yk_error *error) {
    cli_say("%s", error->message);
    return cli_exit_status(error->status);
}

void cli_json_string(const char *text) {
    putchar('"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

void cli_json_number(double value) {
    if (isfinite(value))
        printf("%.9g", value);
    else
        printf("null");
}

int cli_finish_output(int status) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return status;
    if (errno != EPIPE) cli_say("writing to standard output failed: %s", strerror(errno));
    return status == EXIT_DONE ? EXIT_INPUT : status;
}
