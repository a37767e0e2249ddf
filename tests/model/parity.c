/* Holds yolk's answers against stored answers of the reference (../shared/reference/NAME.json; its make_reference.py says how
 * to read them).
 *
 *   parity MODEL REFERENCE [--device D] [--isa I] [--threads N] [--pictures K] [--rect] [--batch N]
 *
 * Paths that begin with "shared:" lie in $YOLK_SHARED or ../shared.
 *
 * For every picture and confidence: the same detections in the same order, equal class and name, confidence and box within the
 * tolerances of PARITY section 12. Prints each difference and a closing line; exit 1 when there is one. */
#include "yolk/yolk.h"

#include "support/shared.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* PARITY section 12: two engines of good repute differ by 3e-5 px and 3e-7 in score on one picture; these bounds leave room
 * for other orders of summation, at most. In pictures of 1080 px and more an error in network pixels grows when scaled back. */
#define SCORE_TOLERANCE     5e-5
#define BOX_TOLERANCE       0.01
#define BOX_TOLERANCE_LARGE 0.02
/* Detections whose scores differ by less may stand in either order. */
#define TIE 2e-4

static int n_checked, n_failed, n_borderline;

typedef struct expected {
    int class_id;
    double confidence, box[4];
    bool matched;
} expected;

static void fail(const char *image, double conf, const char *what, const expected *e, const yk_detection *d) {
    n_failed++;
    printf("FAIL %s conf %g: %s", image, conf, what);
    if (e)
        printf("; expected class %d %.6f [%.3f %.3f %.3f %.3f]", e->class_id, e->confidence, e->box[0], e->box[1], e->box[2],
               e->box[3]);
    if (d)
        printf("; got class %d %.6f [%.3f %.3f %.3f %.3f]", (int)d->class_id, (double)d->confidence, (double)d->x1,
               (double)d->y1, (double)d->x2, (double)d->y2);
    printf("\n");
}

static bool same(const expected *e, const yk_detection *d, double tolerance) {
    return e->class_id == d->class_id && fabs(e->confidence - (double)d->confidence) <= SCORE_TOLERANCE &&
           fabs(e->box[0] - (double)d->x1) <= tolerance && fabs(e->box[1] - (double)d->y1) <= tolerance &&
           fabs(e->box[2] - (double)d->x2) <= tolerance && fabs(e->box[3] - (double)d->y2) <= tolerance;
}

/* Every detection must match an expected one that has not been matched, and the expected ones must come in their order except
 * where scores tie. */
static void compare_boxes(const char *image, double conf, const yk_results *results, size_t index, json_t *rows, json_t *names,
                          double tolerance) {
    size_t n = json_array_size(rows), m = yk_results_count(results, index);
    expected *want = calloc(n + 1, sizeof *want);
    for (size_t i = 0; i < n; i++) {
        json_t *row = json_array_get(rows, i), *box = json_object_get(row, "xyxy");
        want[i].class_id = (int)json_integer_value(json_object_get(row, "class"));
        want[i].confidence = json_number_value(json_object_get(row, "confidence"));
        for (size_t k = 0; k < 4; k++) want[i].box[k] = json_number_value(json_array_get(box, k));
    }
    double lowest_so_far = 2;
    for (size_t j = 0; j < m; j++) {
        yk_detection d = YK_DETECTION_INIT;
        yk_results_get(results, index, j, &d);
        char key[16];
        snprintf(key, sizeof key, "%d", (int)d.class_id);
        const char *name = json_string_value(json_object_get(names, key));
        if (!name || strcmp(name, d.name) != 0) fail(image, conf, "class name differs", NULL, &d);
        size_t i = 0;
        while (i < n && (want[i].matched || !same(&want[i], &d, tolerance))) i++;
        if (i == n) {
            if (fabs((double)d.confidence - conf) <= SCORE_TOLERANCE)
                n_borderline++;
            else
                fail(image, conf, "not expected", NULL, &d);
            continue;
        }
        want[i].matched = true;
        if (want[i].confidence > lowest_so_far + TIE) fail(image, conf, "out of order", &want[i], &d);
        if (want[i].confidence < lowest_so_far) lowest_so_far = want[i].confidence;
    }
    for (size_t i = 0; i < n; i++) {
        if (want[i].matched) continue;
        if (fabs(want[i].confidence - conf) <= SCORE_TOLERANCE)
            n_borderline++;
        else
            fail(image, conf, "missing", &want[i], NULL);
    }
    n_checked += (int)n;
    free(want);
}

static void compare_probs(const char *image, const yk_results *results, size_t index, json_t *answer) {
    json_t *probs = json_object_get(answer, "probs"), *top = json_object_get(answer, "top5");
    size_t n = 0;
    const float *got = yk_results_probs(results, index, &n);
    if (n != json_array_size(probs)) {
        n_failed++;
        printf("FAIL %s: %zu probabilities, expected %zu\n", image, n, json_array_size(probs));
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)got[i] - json_number_value(json_array_get(probs, i))) <= SCORE_TOLERANCE)) {
            n_failed++;
            printf("FAIL %s: probability %zu is %.6f, expected %.6f\n", image, i, (double)got[i],
                   json_number_value(json_array_get(probs, i)));
        }
    for (size_t i = 0; i < json_array_size(top); i++) {
        int want = (int)json_integer_value(json_array_get(top, i)), have = yk_results_top(results, index, i);
        bool tie = have >= 0 && have < (int)n && fabs((double)got[want] - (double)got[have]) < TIE;
        if (want != have && !tie) {
            n_failed++;
            printf("FAIL %s: rank %zu is class %d, expected %d\n", image, i, have, want);
        }
    }
    n_checked++;
}

/* One picture at one confidence. */
static void check(yk_context *context, const char *folder, json_t *entry, const char *kind, const char *conf_text,
                  json_t *answer, json_t *names, yk_predict_options *options) {
    char path[8400];
    const char *image = json_string_value(json_object_get(entry, "image"));
    snprintf(path, sizeof path, "%s/%s", folder, image);
    const char *paths[1] = {path};
    yk_results *results = NULL;
    yk_error error = YK_ERROR_INIT;
    (void)kind;
    double conf = strtod(conf_text, NULL);
    options->conf = (float)conf;
    const char *message = "";
    if (yk_predict_files(context, paths, 1, options, &results, &error) != YK_OK ||
        yk_results_status(results, 0, &message) != YK_OK) {
        n_failed++;
        printf("FAIL %s: %s%s\n", image, error.message, message);
        yk_results_destroy(&results);
        return;
    }
    int32_t width = 0, height = 0;
    yk_results_size(results, 0, &width, &height, NULL, NULL);
    double tolerance = width >= 1080 || height >= 1080 ? BOX_TOLERANCE_LARGE : BOX_TOLERANCE;
    if (json_is_object(answer))
        compare_probs(image, results, 0, answer);
    else
        compare_boxes(image, conf, results, 0, answer, names, tolerance);
    yk_results_destroy(&results);
}

static void check_unreadable(yk_context *context, const char *folder, const char *image) {
    char path[8400];
    snprintf(path, sizeof path, "%s/%s", folder, image);
    const char *paths[1] = {path};
    yk_results *results = NULL;
    yk_predict_files(context, paths, 1, NULL, &results, NULL);
    if (results && yk_results_status(results, 0, NULL) == YK_OK) {
        n_failed++;
        printf("FAIL %s: the reference cannot read it, yolk did\n", image);
    }
    n_checked++;
    yk_results_destroy(&results);
}

static const char *option(int argc, char **argv, const char *name) {
    for (int i = 3; i < argc; i++)
        if (strcmp(argv[i], name) == 0) return i + 1 < argc ? argv[i + 1] : "";
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: parity MODEL REFERENCE [--device D] [--isa I] [--threads N] [--pictures K] [--rect]\n");
        return 2;
    }
    char model[4096], answers_path[4096];
    json_error_t json_error;
    if (!shared_path(model, argv[1]) || !shared_path(answers_path, argv[2])) {
        printf("skipped: %s or %s is not here\n", argv[1], argv[2]);
        return 77;
    }
    json_t *reference = json_load_file(answers_path, 0, &json_error);
    if (!reference) {
        printf("FAIL %s: %s\n", answers_path, json_error.text);
        return 1;
    }
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", answers_path);
    for (int up = 0; up < 2; up++) *strrchr(folder, '/') = 0; /* DIR/reference/NAME.json: pictures are named from DIR */

    yk_engine_options load = {
        .size = sizeof load, .device = option(argc, argv, "--device"), .isa = option(argc, argv, "--isa"), .cache = YK_OFF};
    if (option(argc, argv, "--threads")) load.n_threads = atoi(option(argc, argv, "--threads"));
    yk_build_options build = {.size = sizeof build};
    if (strstr(argv[2], "end2end")) build.end2end = YK_ON;
    load.build = &build;
    yk_engine *engine = NULL;
    yk_context *context = NULL;
    yk_error error = YK_ERROR_INIT;
    if (yk_engine_load(&engine, model, &load, &error) || yk_context_create(&context, engine, NULL, &error)) {
        printf("FAIL %s: %s\n", argv[1], error.message);
        return 1;
    }
    bool rect = option(argc, argv, "--rect") != NULL;
    int imgsz = (int)json_integer_value(json_object_get(reference, "imgsz"));
    yk_predict_options options = {.size = sizeof options, .rect = rect ? YK_ON : YK_OFF, .imgsz = {imgsz, imgsz}};
    size_t most = option(argc, argv, "--pictures") ? (size_t)atoi(option(argc, argv, "--pictures")) : SIZE_MAX;
    json_t *names = json_object_get(reference, "names"), *images = json_object_get(reference, "images");
    for (size_t i = 0; i < json_array_size(images) && i < most; i++) {
        json_t *entry = json_array_get(images, i), *answers, *answer;
        const char *conf;
        if (json_is_true(json_object_get(entry, "unreadable"))) {
            check_unreadable(context, folder, json_string_value(json_object_get(entry, "image")));
            continue;
        }
        answers = json_object_get(json_object_get(entry, rect ? "rect" : "square"), "conf");
        json_object_foreach(answers, conf, answer)
            check(context, folder, entry, rect ? "rect" : "square", conf, answer, names, &options);
    }
    yk_engine_info info = YK_ENGINE_INFO_INIT;
    yk_engine_get_info(engine, &info, NULL);
    printf("%s on %s/%s, %d threads, %s: %d answers compared, %d borderline, %d differences\n",
           strrchr(argv[1], '/') ? strrchr(argv[1], '/') + 1 : argv[1], info.device, info.isa, (int)info.n_threads,
           rect ? "rect" : "square", n_checked, n_borderline, n_failed);
    yk_context_destroy(&context);
    yk_engine_destroy(&engine);
    json_decref(reference);
    return n_failed || n_checked == 0 ? 1 : 0;
}
