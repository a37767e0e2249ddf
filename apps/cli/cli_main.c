/* yolk: finds the command and runs it. */
#include "cli.h"

#include <signal.h>
#include <string.h>

const cli_command *const cli_commands[] = {&cmd_build,   &cmd_check, &cmd_explain, &cmd_strip,  &cmd_wrap,   &cmd_inspect,
                                           &cmd_predict, &cmd_bench, &cmd_compare, &cmd_models, &cmd_doctor, NULL};

static const cli_command *find_command(const char *name) {
    for (int i = 0; cli_commands[i]; i++)
        if (strcmp(cli_commands[i]->name, name) == 0) return cli_commands[i];
    return NULL;
}

static int run_command(const cli_command *command, int argc, char **argv) {
    cli_args args;
    int status = cli_parse(command, argc, argv, &args);
    if (status != EXIT_DONE) return status;
    if (cli_has(&args, "--help")) {
        cli_command_help(command, stdout);
        return cli_finish_output(EXIT_DONE);
    }
    return cli_finish_output(command->run(&args));
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed write, which is checked at the end */
    if (argc < 2) {
        cli_help(stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0) {
        printf("yolk %s\n", yk_version());
        return cli_finish_output(EXIT_DONE);
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        const cli_command *command = argc > 2 ? find_command(argv[2]) : NULL;
        if (command)
            cli_command_help(command, stdout);
        else
            cli_help(stdout);
        return cli_finish_output(EXIT_DONE);
    }
    if (strcmp(word, "--man") == 0) return cli_finish_output(cli_man(argc > 2 ? argv[2] : "yolk", stdout));
    const cli_command *command = find_command(word);
    if (command) return run_command(command, argc - 2, argv + 2);
    cli_say("unknown command '%s'; 'yolk --help' lists the commands", word);
    return EXIT_USAGE;
}
