/* SOURCE arguments: files, folders, patterns and standard input as one list of pictures. */
#ifndef YOLK_APPS_CLI_SOURCES_H
#define YOLK_APPS_CLI_SOURCES_H

#include "cli.h"

typedef struct cli_source {
    char *name; /* what "source" says: the argument, or folder + '/' + entry */
    char *path; /* what is opened */
} cli_source;

typedef struct cli_sources {
    cli_source *items;
    size_t n, capacity;
    int stdin_copy; /* file descriptor of a copy of standard input, or -1 */
} cli_sources;

/* Expands the arguments from `first` on. A path that does not exist stays in the list and fails when it is read, like any
 * other bad picture. EXIT_DONE; EXIT_INPUT after a message when a folder or pattern holds no picture. */
int cli_sources_find(cli_sources *sources, const cli_args *args, int first);
void cli_sources_free(cli_sources *sources);

#endif
