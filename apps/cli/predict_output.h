/* Where `yolk predict` puts its answers: JSON lines, label files, pictures, crops, lines for people. */
#ifndef YOLK_APPS_PREDICT_OUTPUT_H
#define YOLK_APPS_PREDICT_OUTPUT_H

#include "cli.h"
#include "cli_sources.h"

/* Names given out in this run, so that two pictures of one name do not overwrite each other: a hash set of strings. */
typedef struct name_set {
    char **slots;
    size_t n, capacity;
} name_set;

typedef struct predict_output {
    FILE *json; /* or NULL */
    const char *json_path;
    const char *txt, *save, *crop; /* folders, or NULL */
    bool probs, lines, save_conf;
    name_set names;
    size_t n_done, n_total;
} predict_output;

int predict_output_open(predict_output *output, const cli_args *args);
/* Writes everything that is wanted for one picture. */
int predict_output_write(predict_output *output, const yk_engine *engine, const yk_results *results, size_t image,
                         const cli_source *source);
int predict_output_close(predict_output *output, int status);

#endif
