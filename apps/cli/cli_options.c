/* Parsing by table. "--name VALUE" and "--name=VALUE" are the same; "--" ends options; "-" is an argument. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const cli_option cli_build_options[] = {
    {"--precision", "P", "arithmetic of the network: fp32 (default) or bf16, faster and less exact (compare --summary)"},
    {"--imgsz", "N|H,W", "default input size of the engine; other commands: the input size of this run"},
    {"--device", "D", "cpu (default) or ref, the plain C oracle"},
    {"--end2end", NULL, "of a model with two heads take the one-to-one head, which needs no NMS"},
    {"--task", "T", "what the model answers, where its file does not say: detect, segment, pose, obb, classify"},
    {"--names", "FILE", "class names, one a line, or YAML with `names:`"},
    {"--layout", "L", "how outputs are read, where the file does not say: v8, v8-end2end, nms, v5, yolox, probabilities"},
    {"--from", "MODEL",
     "the model that a TensorRT engine was made from: builds it with what the engine says of names and task"},
    {"--passes", "LIST", "for debugging: none, a list of passes, or -NAME to switch one off"},
    {NULL, NULL, NULL}};

static const cli_option common_options[] = {{"--help", NULL, "this text"}, {NULL, NULL, NULL}};

static const cli_option *find_in(const cli_option *list, const char *name, size_t length) {
    for (; list && list->name; list++)
        if (strlen(list->name) == length && strncmp(list->name, name, length) == 0) return list;
    return NULL;
}

static const cli_option *find(const cli_command *command, const char *name, size_t length) {
    const cli_option *found = find_in(command->options, name, length);
    if (!found && command->build_options) found = find_in(cli_build_options, name, length);
    return found ? found : find_in(common_options, name, length);
}

/* Levenshtein distance of two short names: to suggest what was meant. */
static int distance(const char *a, const char *b) {
    enum { MOST = 40 };
    int row[MOST + 1], n = (int)strlen(a), m = (int)strlen(b);
    if (n > MOST || m > MOST) return MOST;
    for (int j = 0; j <= m; j++) row[j] = j;
    for (int i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]), add = row[j - 1] + 1, drop = row[j] + 1;
            diagonal = row[j];
            row[j] = change < add ? change : add;
            if (drop < row[j]) row[j] = drop;
        }
    }
    return row[m];
}

static const char *nearest(const cli_command *command, const char *name) {
    const cli_option *lists[] = {command->options, command->build_options ? cli_build_options : NULL, common_options};
    const char *best = NULL;
    int best_distance = 4; /* further off is no suggestion */
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (const cli_option *o = lists[l]; o && o->name; o++)
            if (distance(o->name, name) < best_distance) {
                best_distance = distance(o->name, name);
                best = o->name;
            }
    return best;
}

static int add_option(cli_args *args, char **argv, int argc, int *i) {
    const char *word = argv[*i], *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    const cli_option *option = find(args->command, word, length);
    if (!option) {
        const char *suggestion = nearest(args->command, word);
        return suggestion ? cli_usage_error(args, "unknown option '%s'; did you mean %s?", word, suggestion)
                          : cli_usage_error(args, "unknown option '%s'", word);
    }
    if (args->n_given == CLI_MAX_OPTIONS) return cli_usage_error(args, "more than %d options", CLI_MAX_OPTIONS);
    const char *value = equals ? equals + 1 : NULL;
    if (!option->argument && value)
        return cli_usage_error(args, "option %s takes no value, and '%s' was given", option->name, value);
    if (option->argument && !value) {
        if (*i + 1 >= argc) return cli_usage_error(args, "option %s needs a value: %s", option->name, option->argument);
        value = argv[++*i];
    }
    args->given[args->n_given].option = option;
    args->given[args->n_given++].value = value;
    return EXIT_DONE;
}

int cli_parse(const cli_command *command, int argc, char **argv, cli_args *args) {
    *args = (cli_args){.command = command, .arguments = argv};
    bool options_end = false;
    for (int i = 0; i < argc; i++) {
        bool is_option = !options_end && argv[i][0] == '-' && argv[i][1] != 0;
        if (is_option && strcmp(argv[i], "--") == 0) {
            options_end = true;
        } else if (is_option) {
            int status = add_option(args, argv, argc, &i);
            if (status != EXIT_DONE) return status;
        } else {
            argv[args->n_arguments++] = argv[i]; /* never ahead of i */
        }
    }
    if (cli_has(args, "--help")) return EXIT_DONE;
    if (args->n_arguments < command->min_arguments)
        return cli_usage_error(args, "an argument is missing: yolk %s %s", command->name, command->synopsis);
    if (command->max_arguments >= 0 && args->n_arguments > command->max_arguments)
        return cli_usage_error(args, "unexpected argument '%s'", args->arguments[command->max_arguments]);
    return EXIT_DONE;
}

bool cli_has(const cli_args *args, const char *name) {
    for (int i = 0; i < args->n_given; i++)
        if (strcmp(args->given[i].option->name, name) == 0) return true;
    return false;
}

const char *cli_value(const cli_args *args, const char *name) {
    for (int i = args->n_given - 1; i >= 0; i--)
        if (strcmp(args->given[i].option->name, name) == 0) return args->given[i].value;
    return NULL;
}

int cli_int(const cli_args *args, const char *name, int low, int high, int *out) {
    const char *value = cli_value(args, name);
    if (!value) return EXIT_DONE;
    char *end;
    errno = 0;
    long number = strtol(value, &end, 10);
    if (errno || end == value || *end || number < low || number > high)
        return cli_usage_error(args, "%s %s: use a whole number from %d to %d", name, value, low, high);
    *out = (int)number;
    return EXIT_DONE;
}

int cli_float(const cli_args *args, const char *name, double low, double high, float *out) {
    const char *value = cli_value(args, name);
    if (!value) return EXIT_DONE;
    char *end;
    double number = strtod(value, &end);
    if (end == value || *end || !(number >= low && number <= high))
        return cli_usage_error(args, "%s %s: use a number from %g to %g", name, value, low, high);
    *out = (float)number;
    return EXIT_DONE;
}

int cli_imgsz(const cli_args *args, int32_t out[2]) {
    const char *value = cli_value(args, "--imgsz");
    if (!value) return EXIT_DONE;
    char *end;
    long h = strtol(value, &end, 10), w = h;
    if (end != value && (*end == ',' || *end == 'x')) {
        const char *second = end + 1;
        w = strtol(second, &end, 10);
        if (end == second) w = 0;
    }
    if (*end || h < 1 || w < 1 || h > 65536 || w > 65536)
        return cli_usage_error(args, "--imgsz %s: use N or H,W, each from 1 to 65536", value);
    out[0] = (int32_t)h;
    out[1] = (int32_t)w;
    return EXIT_DONE;
}

int cli_switch(const cli_args *args, const char *on, const char *off, yk_choice3 *out) {
    if (cli_has(args, on) && cli_has(args, off)) return cli_usage_error(args, "%s and %s exclude each other", on, off);
    *out = cli_has(args, on) ? YK_ON : cli_has(args, off) ? YK_OFF : YK_DEFAULT;
    return EXIT_DONE;
}

int cli_threads(const cli_args *args, int32_t *out) {
    const char *value = cli_value(args, "--threads");
    int n = 0;
    if (value && strcmp(value, "auto") != 0) {
        int status = cli_int(args, "--threads", 1, 256, &n);
        if (status != EXIT_DONE) return status;
    }
    *out = n;
    return EXIT_DONE;
}

int cli_lanes(const cli_args *args, int *out) {
    yk_error error = YK_ERROR_INIT;
    yk_pool *pool = NULL;
    int32_t n = 0;
    *out = 1;
    if (!cli_has(args, "--throughput")) return EXIT_DONE;
    int status = cli_threads(args, &n);
    *out = n;
    if (status != EXIT_DONE || n > 0) return status;
    if (yk_pool_create(&pool, 0, &error) != YK_OK) return cli_fail(&error); /* knows how many cores there are for us */
    *out = yk_pool_threads(pool);
    yk_pool_destroy(&pool);
    return EXIT_DONE;
}

int cli_read_build_options(const cli_args *args, yk_build_options *out) {
    *out = (yk_build_options){.size = sizeof *out,
                              .device = cli_value(args, "--device"),
                              .precision = cli_value(args, "--precision"),
                              .end2end = cli_has(args, "--end2end") ? YK_ON : YK_DEFAULT,
                              .task = cli_value(args, "--task"),
                              .layout = cli_value(args, "--layout"),
                              .names_file = cli_value(args, "--names"),
                              .passes = cli_value(args, "--passes"),
                              .from = cli_value(args, "--from")};
    return cli_imgsz(args, out->imgsz);
}
