/* yolk predict: pictures in, answers out. */
#include "cli.h"
#include "cli_sources.h"
#include "predict_output.h"
#include "predict_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    {"--conf", "C", "keep detections with a score above C; default: the model's (0.25)"},
    {"--iou", "I", "NMS: drop boxes that overlap a better one by more than I; default: the model's (0.7)"},
    {"--max-det", "N", "at most N detections per picture; default: the model's (300)"},
    {"--classes", "LIST", "keep only these classes: numbers parted by commas"},
    {"--agnostic", NULL, "NMS across classes: one box where two classes claim the same place; default: the model's (off)"},
    {"--no-agnostic", NULL, "NMS within each class, whatever the model's default"},
    {"--rect", NULL, "pad pictures only to a multiple of the stride"},
    {"--no-rect", NULL, "pad pictures to the full input size"},
    {"--retina-masks", NULL, "segment: masks at the picture's size instead of the network input's"},
    {"--probs", NULL, "classify: all probabilities in the JSON"},
    {"--json", "FILE|-", "one JSON object per picture and line"},
    {"--txt", "DIR", "a label file per picture"},
    {"--save-conf", NULL, "with --txt: the confidence at the end of each line"},
    {"--save", "DIR", "the pictures with boxes, labels, masks and keypoints drawn on them"},
    {"--crop", "DIR", "each detection cut out (oriented boxes: turned upright), in a folder per class"},
    {"--threads", "N|auto", "threads; default: one per core"},
    {"--throughput", NULL,
     "for many pictures: one per core at a time instead of all cores on one; answers and their order are the same"},
    {"--batch", "N", "pictures per network run; answers do not depend on it"},
    {"--quiet", NULL, "no lines for people"},
    {NULL, NULL, NULL}};

/* "0,2,5" */
static int read_classes(const cli_args *args, int32_t **classes, size_t *n) {
    const char *list = cli_value(args, "--classes");
    *classes = NULL;
    *n = 0;
    if (!list) return EXIT_DONE;
    *classes = calloc(strlen(list) + 1, sizeof **classes);
    if (!*classes) return EXIT_RESOURCE;
    while (true) {
        char *end;
        errno = 0;
        long c = strtol(list, &end, 10);
        if (errno || end == list || c < 0 || c > INT32_MAX || (*end && *end != ','))
            return cli_usage_error(args, "--classes %s: use class numbers parted by commas, such as 0,2",
                                   cli_value(args, "--classes"));
        (*classes)[(*n)++] = (int32_t)c;
        if (!*end) return EXIT_DONE;
        list = end + 1;
    }
}

/* 0 is a threshold that a user may ask for; in the API 0 means the default and a negative number means none. */
static float threshold(const cli_args *args, const char *name, float value) {
    return cli_has(args, name) && value == 0 ? -1.0f : value;
}

static int read_options(const cli_args *args, yk_predict_options *o, int32_t **classes) {
    int batch = 1, max_det = 0;
    *o = (yk_predict_options){.size = sizeof *o, .retina_masks = cli_has(args, "--retina-masks")};
    int status = read_classes(args, classes, &o->n_classes);
    o->classes = *classes;
    if (status == EXIT_DONE) status = cli_float(args, "--conf", 0, 1, &o->conf);
    if (status == EXIT_DONE) status = cli_float(args, "--iou", 0, 1, &o->iou);
    if (status == EXIT_DONE) status = cli_int(args, "--max-det", 1, 30000, &max_det);
    if (status == EXIT_DONE) status = cli_int(args, "--batch", 1, 4096, &batch);
    if (status == EXIT_DONE) status = cli_imgsz(args, o->imgsz);
    if (status == EXIT_DONE) status = cli_switch(args, "--rect", "--no-rect", &o->rect);
    if (status == EXIT_DONE) status = cli_switch(args, "--agnostic", "--no-agnostic", &o->agnostic);
    o->conf = threshold(args, "--conf", o->conf);
    o->iou = threshold(args, "--iou", o->iou);
    o->max_det = max_det;
    o->batch = batch;
    return status;
}

static int run(const cli_args *args) {
    yk_predict_options o;
    int32_t *classes = NULL;
    cli_sources sources = {.stdin_copy = -1};
    predict_output output = {0};
    yk_engine *engine = NULL;
    int missing = EXIT_DONE, status = read_options(args, &o, &classes);
    if (status == EXIT_DONE) status = cli_load(args, args->arguments[0], &engine);
    if (status == EXIT_DONE) missing = cli_sources_find(&sources, args, 1);
    int lanes = 1;
    if (status == EXIT_DONE) status = cli_lanes(args, &lanes);
    if (status == EXIT_DONE) status = predict_output_open(&output, args);
    if (status == EXIT_DONE && sources.n > 0) status = predict_run(engine, lanes, &sources, &o, &output);
    if (missing > status) status = missing;
    status = predict_output_close(&output, status);
    yk_engine_destroy(&engine);
    cli_sources_free(&sources);
    free(classes);
    return status;
}

const cli_command cmd_predict = {
    .name = "predict",
    .synopsis = "MODEL SOURCE... [OPTIONS]",
    .summary = "run a model on pictures",
    .text =
        "MODEL is an engine file, a model file (built on the fly and kept in the cache) or the name of a bundled model. "
        "SOURCE is a picture, a folder of pictures (not searched deeper, in code point order), a quoted pattern, or - for a "
        "picture on standard input. A picture that cannot be read does not stop the others; the exit status is 3 in the "
        "end.\n\nAnswers equal those of the program that trained the model, given the same options.",
    .options = options,
    .build_options = true,
    .min_arguments = 2,
    .max_arguments = -1,
    .run = run};
