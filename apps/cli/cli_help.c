/* Help and man pages, both out of the command tables. */
#include "cli.h"

#include <ctype.h>
#include <string.h>

static const char intro[] = "Turns YOLO models into engine files, proves that they load here, and runs them.\n"
                            "No GPU and no Python needed.";

static const char exit_text[] =
    "0 done (check: valid or suboptimal); 1 the verdict is no; 2 usage; 3 an input could not be read; "
    "4 the model is unsupported; 5 out of resources or internal.";

void cli_help(FILE *to) {
    fprintf(to, "usage: yolk COMMAND [ARGUMENTS] [OPTIONS]\n\n%s\n\ncommands:\n", intro);
    for (int i = 0; cli_commands[i]; i++) fprintf(to, "  %-9s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    fprintf(to, "\n'yolk COMMAND --help' explains a command; 'yolk --version' names the version.\nExit status: %s\n",
            exit_text);
}

/* Text at `indent`, lines of at most 100 columns, broken at spaces; newlines kept. */
static void wrap(FILE *to, const char *text, int indent) {
    int column = indent;
    while (*text) {
        size_t word = strcspn(text, " \n");
        if (column + (int)word > 100 && column > indent) {
            fprintf(to, "\n%*s", indent, "");
            column = indent;
        }
        fwrite(text, 1, word, to);
        column += (int)word;
        text += word;
        if (*text == '\n') {
            fprintf(to, "\n%*s", text[1] == '\n' ? 0 : indent, "");
            column = indent;
            text++;
        } else if (*text == ' ') {
            fputc(' ', to);
            column++;
            text++;
        }
    }
    fputc('\n', to);
}

static void list_options(FILE *to, const cli_option *options) {
    for (; options && options->name; options++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s", options->name, options->argument ? " " : "",
                 options->argument ? options->argument : "");
        fprintf(to, "  %-22s ", left);
        wrap(to, options->help, 25);
    }
}

void cli_command_help(const cli_command *command, FILE *to) {
    fprintf(to, "usage: yolk %s %s\n\n", command->name, command->synopsis);
    wrap(to, command->text, 0);
    if (command->options && command->options->name) {
        fprintf(to, "\noptions:\n");
        list_options(to, command->options);
    }
    if (command->build_options) {
        fprintf(to, "\nbuild options%s:\n", strcmp(command->name, "build") ? " (used when MODEL is not an engine file)" : "");
        list_options(to, cli_build_options);
    }
}

/* ---- man pages ---- */

/* Roff text: backslashes, hyphens and a leading dot or quote need care. */
static void roff(FILE *to, const char *text) {
    bool line_start = true;
    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\'')) fputs("\\&", to);
        if (*text == '\\')
            fputs("\\e", to);
        else if (*text == '-')
            fputs("\\-", to);
        else if (*text == '\n' && text[1] == '\n')
            fputs("\n.PP", to);
        else
            fputc(*text, to);
        line_start = *text == '\n';
    }
    fputc('\n', to);
}

static void roff_options(FILE *to, const cli_option *options) {
    for (; options && options->name; options++) {
        fprintf(to, ".TP\n.B ");
        for (const char *c = options->name; *c; c++) fputs(*c == '-' ? "\\-" : (char[]){*c, 0}, to);
        fprintf(to, "%s%s\n", options->argument ? " " : "", options->argument ? options->argument : "");
        roff(to, options->help);
    }
}

static void roff_upper(FILE *to, const char *text) {
    for (; *text; text++) fputc(toupper((unsigned char)*text), to);
}

static void man_command(const cli_command *command, FILE *to) {
    fputs(".TH YOLK\\-", to);
    roff_upper(to, command->name);
    fprintf(to, " 1 \"\" \"yolk %s\" \"yolk\"\n.SH NAME\nyolk\\-%s \\- ", yk_version(), command->name);
    roff(to, command->summary);
    fprintf(to, ".SH SYNOPSIS\n.B yolk %s\n", command->name);
    roff(to, command->synopsis);
    fputs(".SH DESCRIPTION\n", to);
    roff(to, command->text);
    if (command->options && command->options->name) {
        fputs(".SH OPTIONS\n", to);
        roff_options(to, command->options);
    }
    if (command->build_options) {
        fputs(".SH BUILD OPTIONS\n", to);
        roff_options(to, cli_build_options);
    }
    fputs(".SH EXIT STATUS\n", to);
    roff(to, exit_text);
    fputs(".SH SEE ALSO\n.BR yolk (1)\n", to);
}

int cli_man(const char *name, FILE *to) {
    if (strcmp(name, "yolk") == 0) {
        fprintf(to, ".TH YOLK 1 \"\" \"yolk %s\" \"yolk\"\n.SH NAME\nyolk \\- YOLO models to engine files, checked and run\n",
                yk_version());
        fputs(".SH SYNOPSIS\n.B yolk\nCOMMAND [ARGUMENTS] [OPTIONS]\n.SH DESCRIPTION\n", to);
        roff(to, intro);
        fputs(".SH COMMANDS\n", to);
        for (int i = 0; cli_commands[i]; i++) {
            fprintf(to, ".TP\n.BR yolk\\-%s (1)\n", cli_commands[i]->name);
            roff(to, cli_commands[i]->summary);
        }
        fputs(".SH EXIT STATUS\n", to);
        roff(to, exit_text);
        return EXIT_DONE;
    }
    for (int i = 0; cli_commands[i]; i++)
        if (strcmp(cli_commands[i]->name, name) == 0) {
            man_command(cli_commands[i], to);
            return EXIT_DONE;
        }
    return EXIT_USAGE;
}
