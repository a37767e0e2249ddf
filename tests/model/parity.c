/* Holds yolk's answers against stored answers of the reference (../shared/reference/NAME.json; its make_reference.py says how
 * to read them).
 *
 *   parity MODEL REFERENCE [--device D] [--isa I] [--threads N] [--pictures K] [--rect] [--disturb WHAT]
 *
 * Paths that begin with "shared:" lie in $YOLK_SHARED or ../shared. With --disturb (confidence, xyxy, keypoints, xywhr, probs,
 * mask) every expected answer is first made wrong by a little more than is tolerated, and the exit status is 0 when all are
 * found out.
 *
 * For every picture and confidence: the same detections in the same order, equal class and name; confidence, box, keypoints,
 * angle and masks within the tolerances of PARITY section 12 (parity_compare.h). Masks are compared at both sizes where the
 * reference has both. Prints each difference and a closing line; exit 1 when there is one. */
#include "parity_compare.h"

#include "model/borderline.h"
#include "support/shared.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Detections whose scores differ by less may stand in either order. */
#define TIE 2e-4

static int n_checked, n_failed, n_borderline, n_masks, n_disturbed;
static double iou_threshold = 0.7; /* of the reference: its "iou" and "agnostic" */
static bool agnostic;
static double worst_iou = 1;

static void fail(const char *image, double conf, const char *what, json_t *want, const yk_detection *d) {
    n_failed++;
    printf("FAIL %s conf %g: %s", image, conf, what);
    char *text = want ? json_dumps(want, JSON_COMPACT | JSON_REAL_PRECISION(8)) : NULL;
    if (text) printf("; expected %.240s", text);
    free(text);
    if (d)
        printf("; got class %d %.6f [%.3f %.3f %.3f %.3f] %.3f %.3f %.3f %.3f %.6f", (int)d->class_id, (double)d->confidence,
               (double)d->x1, (double)d->y1, (double)d->x2, (double)d->y2, (double)d->xywhr[0], (double)d->xywhr[1],
               (double)d->xywhr[2], (double)d->xywhr[3], (double)d->xywhr[4]);
    printf("\n");
}

static void compare_mask(const char *image, double conf, const yk_results *results, size_t index, size_t j, json_t *row,
                         const char *which) {
    json_t *mask = json_object_get(row, which);
    bool runs_agree = true;
    if (!mask) return;
    double iou = mask_iou(results, index, j, mask, &runs_agree);
    if (iou < worst_iou) worst_iou = iou;
    n_masks++;
    if (!(iou >= MASK_IOU)) {
        fail(image, conf, which, NULL, NULL);
        printf("  mask of detection %zu has IoU %.5f\n", j, iou);
    }
    if (!runs_agree) fail(image, conf, "run lengths and bits of a mask differ", NULL, NULL);
}

/* The detections of both sides, matched ones once: what borderline_find wants. index: got detections first, then expected. */
static size_t both_sides(const yk_results *results, size_t index, json_t *rows, const bool *matched, const bool *found,
                         borderline_row *out) {
    size_t m = yk_results_count(results, index), n = 0;
    for (size_t j = 0; j < m; j++) {
        yk_detection d = YK_DETECTION_INIT;
        yk_results_get(results, index, j, &d);
        out[n++] = (borderline_row){.class_id = d.class_id,
                                    .confidence = (double)d.confidence,
                                    .box = {(double)d.x1, (double)d.y1, (double)d.x2, (double)d.y2},
                                    .unmatched = !found[j],
                                    .index = j};
    }
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i), *box = json_object_get(row, "xyxy");
        if (matched[i] || !box) continue;
        out[n] = (borderline_row){.class_id = (int)json_integer_value(json_object_get(row, "class")),
                                  .confidence = json_number_value(json_object_get(row, "confidence")),
                                  .unmatched = true,
                                  .index = m + i};
        for (size_t k = 0; k < 4; k++) out[n].box[k] = json_number_value(json_array_get(box, k));
        n++;
    }
    return n;
}

/* Unmatched detections are failures unless they lie at the confidence threshold or at that of NMS. */
static void judge_unmatched(const char *image, double conf, const yk_results *results, size_t index, json_t *rows,
                            const bool *matched, const bool *found) {
    size_t m = yk_results_count(results, index), most = m + json_array_size(rows);
    borderline_row *both = calloc(most + 1, sizeof *both);
    size_t n = both_sides(results, index, rows, matched, found, both);
    borderline_find(both, n, iou_threshold, agnostic);
    for (size_t k = 0; k < n; k++) {
        if (!both[k].unmatched) continue;
        if (both[k].borderline || fabs(both[k].confidence - conf) <= SCORE_TOLERANCE) {
            n_borderline++;
        } else if (both[k].index < m) {
            yk_detection d = YK_DETECTION_INIT;
            yk_results_get(results, index, both[k].index, &d);
            fail(image, conf, "not expected", NULL, &d);
        } else {
            fail(image, conf, "missing", json_array_get(rows, both[k].index - m), NULL);
        }
    }
    for (size_t i = 0; i < json_array_size(rows); i++) { /* oriented boxes have no upright overlap to look at */
        json_t *row = json_array_get(rows, i);
        if (matched[i] || json_object_get(row, "xyxy")) continue;
        if (fabs(json_number_value(json_object_get(row, "confidence")) - conf) <= SCORE_TOLERANCE)
            n_borderline++;
        else
            fail(image, conf, "missing", row, NULL);
    }
    free(both);
}

/* Every detection must match an expected one that has not been matched, and the expected ones must come in their order except
 * where scores tie. which: the reference's masks that these results have. */
static void compare_boxes(const char *image, double conf, const yk_results *results, size_t index, json_t *rows, json_t *names,
                          double tolerance, const char *which) {
    size_t n = json_array_size(rows), m = yk_results_count(results, index);
    bool *matched = calloc(n + 1, sizeof *matched), *found = calloc(m + 1, sizeof *found);
    double lowest_so_far = 2;
    for (size_t j = 0; j < m; j++) {
        yk_detection d = YK_DETECTION_INIT;
        yk_results_get(results, index, j, &d);
        char key[16];
        snprintf(key, sizeof key, "%d", (int)d.class_id);
        const char *name = json_string_value(json_object_get(names, key));
        if (!name || strcmp(name, d.name) != 0) fail(image, conf, "class name differs", NULL, &d);
        size_t i = 0;
        while (i < n && (matched[i] || !same_detection(results, index, j, json_array_get(rows, i), tolerance))) i++;
        if (i == n) continue;
        json_t *row = json_array_get(rows, i);
        double confidence = json_number_value(json_object_get(row, "confidence"));
        matched[i] = found[j] = true;
        if (confidence > lowest_so_far + TIE) fail(image, conf, "out of order", row, &d);
        if (confidence < lowest_so_far) lowest_so_far = confidence;
        compare_mask(image, conf, results, index, j, row, which);
    }
    judge_unmatched(image, conf, results, index, rows, matched, found);
    n_checked += (int)n;
    free(matched);
    free(found);
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

/* One picture at one confidence and one size of masks. */
static void check(yk_context *context, const char *folder, json_t *entry, const char *conf_text, json_t *answer, json_t *names,
                  yk_predict_options *options) {
    char path[4096];
    const char *image = json_string_value(json_object_get(entry, "image"));
    snprintf(path, sizeof path, "%s/%s", folder, image);
    const char *paths[1] = {path};
    yk_results *results = NULL;
    yk_error error = YK_ERROR_INIT;
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
        compare_boxes(image, conf, results, 0, answer, names, tolerance, options->retina_masks ? "mask_image" : "mask");
    yk_results_destroy(&results);
}

/* Masks at the picture's size are another request, where the reference has them. */
static void check_sizes(yk_context *context, const char *folder, json_t *entry, const char *conf_text, json_t *answer,
                        json_t *names, yk_predict_options *options) {
    check(context, folder, entry, conf_text, answer, names, options);
    if (!json_object_get(json_array_get(answer, 0), "mask_image")) return;
    options->retina_masks = true;
    check(context, folder, entry, conf_text, answer, names, options);
    options->retina_masks = false;
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

/* Adds to a number of an array, or to the first number of its first array. */
static void add_to(json_t *array, size_t i, double amount) {
    json_t *item = json_array_get(array, i);
    if (json_is_array(item)) {
        add_to(item, 0, amount);
    } else {
        json_array_set_new(array, i, json_real(json_number_value(item) + amount));
    }
}

enum { SHIFT = 8 };

/* Runs go down the columns: the mask moves up. */
static bool move_mask(json_t *counts) {
    const long long first = json_integer_value(json_array_get(counts, 0));
    if (first < SHIFT) return false;
    json_array_set_new(counts, 0, json_integer(first - SHIFT));
    if (json_array_size(counts) % 2 == 0) json_array_append_new(counts, json_integer(0));
    const size_t last = json_array_size(counts) - 1;
    json_array_set_new(counts, last, json_integer(json_integer_value(json_array_get(counts, last)) + SHIFT));
    return true;
}

/* Makes one answer wrong in one way, by 1.5 times what is tolerated in the largest picture. False where it cannot. */
static bool disturb(json_t *row, const char *what) {
    static const struct {
        const char *what;
        size_t at;
        double amount;
    } ways[] = {{"probs", 0, 1.5 * SCORE_TOLERANCE},
                {"xyxy", 0, 1.5 * BOX_TOLERANCE_LARGE},
                {"keypoints", 0, 1.5 * POINT_FACTOR * BOX_TOLERANCE_LARGE},
                {"xywhr", 4, 1.5 * ANGLE_TOLERANCE}};
    json_t *value = json_object_get(row, what);
    if (!value) return false;
    if (!strcmp(what, "mask")) return move_mask(json_object_get(value, "counts"));
    if (!strcmp(what, "confidence"))
        return json_object_set_new(row, what, json_real(json_number_value(value) + 1.5 * SCORE_TOLERANCE)) == 0;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (!strcmp(what, ways[i].what)) return add_to(value, ways[i].at, ways[i].amount), true;
    return false;
}

static void disturb_all(json_t *answers, const char *what) {
    const char *conf;
    json_t *answer;
    json_object_foreach(answers, conf, answer) {
        if (json_is_object(answer)) n_disturbed += disturb(answer, what);
        for (size_t i = 0; i < json_array_size(answer); i++) n_disturbed += disturb(json_array_get(answer, i), what);
    }
}

static const char *option(int argc, char **argv, const char *name) {
    for (int i = 3; i < argc; i++)
        if (strcmp(argv[i], name) == 0) return i + 1 < argc ? argv[i + 1] : "";
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(
            stderr,
            "usage: parity MODEL REFERENCE [--device D] [--isa I] [--threads N] [--pictures K] [--rect] [--disturb WHAT]\n");
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
    if (json_object_get(reference, "iou")) iou_threshold = json_number_value(json_object_get(reference, "iou"));
    agnostic = json_is_true(json_object_get(reference, "agnostic"));
    const char *disturbed = option(argc, argv, "--disturb");
    json_t *names = json_object_get(reference, "names"), *images = json_object_get(reference, "images");
    for (size_t i = 0; i < json_array_size(images) && i < most; i++) {
        json_t *entry = json_array_get(images, i), *answers, *answer;
        const char *conf;
        if (json_is_true(json_object_get(entry, "unreadable"))) {
            check_unreadable(context, folder, json_string_value(json_object_get(entry, "image")));
            continue;
        }
        answers = json_object_get(json_object_get(entry, rect ? "rect" : "square"), "conf");
        if (disturbed) disturb_all(answers, disturbed);
        json_object_foreach(answers, conf, answer) check_sizes(context, folder, entry, conf, answer, names, &options);
    }
    yk_engine_info info = YK_ENGINE_INFO_INIT;
    yk_engine_get_info(engine, &info, NULL);
    printf("%s on %s/%s, %d threads, %s: %d answers compared, %d borderline, %d differences\n",
           strrchr(argv[1], '/') ? strrchr(argv[1], '/') + 1 : argv[1], info.device, info.isa, (int)info.n_threads,
           rect ? "rect" : "square", n_checked, n_borderline, n_failed);
    if (n_masks) printf("%d masks compared, worst IoU %.5f\n", n_masks, worst_iou);
    yk_context_destroy(&context);
    yk_engine_destroy(&engine);
    json_decref(reference);
    if (disturbed) return n_disturbed > 0 && n_failed >= n_disturbed ? 0 : 1;
    return n_failed || n_checked == 0 ? 1 : 0;
}
