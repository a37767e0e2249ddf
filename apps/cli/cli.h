/* The yolk command line: what its files share. A command is a table of options, a text and a function; help, man pages and
 * parsing come from the same table. */
#ifndef YOLK_APPS_CLI_H
#define YOLK_APPS_CLI_H

#include "yolk/yolk.h"

#include <stdio.h>

/* Exit status (docs/cli.md). */
enum { EXIT_DONE = 0, EXIT_NO = 1, EXIT_USAGE = 2, EXIT_INPUT = 3, EXIT_MODEL = 4, EXIT_RESOURCE = 5 };

typedef struct cli_option {
    const char *name;     /* "--conf" */
    const char *argument; /* "C" in help, or NULL for a switch */
    const char *help;
} cli_option;

struct cli_args;

typedef struct cli_command {
    const char *name;
    const char *synopsis;             /* behind the command's name: "MODEL SOURCE... [OPTIONS]" */
    const char *summary;              /* one line of `yolk --help` */
    const char *text;                 /* paragraphs of the command's help and man page, parted by empty lines */
    const cli_option *options;        /* ends with a NULL name; may be NULL */
    bool build_options;               /* takes the options of `build` too */
    int min_arguments, max_arguments; /* positional; max -1: any */
    int (*run)(const struct cli_args *args);
} cli_command;

#define CLI_MAX_OPTIONS 128

typedef struct cli_args {
    const cli_command *command;
    struct {
        const cli_option *option;
        const char *value;
    } given[CLI_MAX_OPTIONS];
    int n_given;
    char **arguments; /* positional */
    int n_arguments;
} cli_args;

extern const cli_command cmd_build, cmd_check, cmd_doctor, cmd_explain, cmd_inspect, cmd_predict, cmd_bench, cmd_compare,
    cmd_models, cmd_strip, cmd_wrap;
extern const cli_command *const cli_commands[]; /* in the order of help; ends with NULL */
extern const cli_option cli_build_options[];

/* cli_options.c */
/* Parses argv behind the command's name. EXIT_DONE, or EXIT_USAGE after saying why on stderr. */
int cli_parse(const cli_command *command, int argc, char **argv, cli_args *args);
bool cli_has(const cli_args *args, const char *name);
const char *cli_value(const cli_args *args, const char *name); /* the last one given, or NULL */
/* Numbers of options: *out keeps its value when the option is absent. EXIT_USAGE after a message when it is not a number or
 * out of range. */
int cli_int(const cli_args *args, const char *name, int low, int high, int *out);
int cli_float(const cli_args *args, const char *name, double low, double high, float *out);
/* "640" or "480,640" (height, width). */
int cli_imgsz(const cli_args *args, int32_t out[2]);
/* A pair of switches: YK_ON, YK_OFF, or YK_DEFAULT without either. */
int cli_switch(const cli_args *args, const char *on, const char *off, yk_choice3 *out);
/* --threads N|auto: 0 for auto. */
int cli_threads(const cli_args *args, int32_t *out);
/* --throughput: how many pictures are worked on at once, each by one thread (--threads); without it 1. */
int cli_lanes(const cli_args *args, int *out);
/* The options of `build`, for yk_build and for model files given to other commands. */
int cli_read_build_options(const cli_args *args, yk_build_options *out);

/* cli_help.c */
void cli_help(FILE *to);
void cli_command_help(const cli_command *command, FILE *to);
int cli_man(const char *name, FILE *to); /* "yolk" or a command's name: a man page */

/* cli_report.c */
/* "yolk: ..." on stderr. */
void cli_say(const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 1, 2)))
#endif
    ;
int cli_usage_error(const cli_args *args, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;
/* Prints an error and gives its exit status: whose fault is it? */
int cli_fail(const yk_error *error);
int cli_exit_status(yk_status status);
/* Pieces of JSON on stdout: a string with quotes and escapes, bytes that are not UTF-8 as they are; a number, null when it is
 * not finite. */
void cli_json_string(const char *text);
void cli_json_number(double value);
/* Flushes stdout: EXIT_INPUT after a message when that fails (a full disk, a closed pipe is silent). */
int cli_finish_output(int status);

/* cli_model.c */
/* The file that a MODEL argument means: itself, or a bundled model of that name. From malloc; NULL after a message. */
char *cli_find_model(const char *model, int *status);
/* The file of the bundled model of that name, from malloc; NULL when there is none, or the name is a path. */
char *cli_bundled_model(const char *name);
/* Folders that are searched for bundled models, one at a time; NULL past the end. From malloc. */
char *cli_model_folder(int i);
/* Loads MODEL with --device, --threads (--throughput: one) and the build options. */
int cli_load(const cli_args *args, const char *model, yk_engine **engine);
/* The same on this device (NULL: the default) whatever --device says; as_built: without the build options. */
int cli_load_on(const cli_args *args, const char *model, const char *device, bool as_built, yk_engine **engine);
/* Whether MODEL is an engine file that is there. */
bool cli_is_engine(const char *model);

#endif
