/* Answers of two models over many pictures. */
#include "compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Mean and worst of one measure, the picture of the worst, and all values, for the bound that 95 % of them keep. */
typedef struct measure {
    const char *key, *name;
    bool high_is_good;
    size_t n;
    double sum, worst;
    const char *picture;
    double *values;
    size_t capacity;
} measure;

enum { CONFIDENCE, BOX_IOU, MASK_IOU, POINTS, ANGLE, PROBABILITY, N_MEASURES };

typedef struct summary {
    const compare_setup *setup;
    size_t pictures, failed, detections_a, detections_b, matched, lost, added, renamed, borderline, top_changed;
    double most_confident; /* of those lost, added or renamed */
    measure measures[N_MEASURES];
    bool parts, no_memory;
} summary;

static void add(summary *s, int index, double value, const char *picture) {
    measure *m = &s->measures[index];
    if (m->n == m->capacity) {
        size_t capacity = m->capacity ? 2 * m->capacity : 256;
        double *grown = realloc(m->values, capacity * sizeof *grown);
        if (!grown) {
            s->no_memory = true;
            return;
        }
        m->values = grown;
        m->capacity = capacity;
    }
    m->values[m->n] = value;
    if (m->n == 0 || (m->high_is_good ? value < m->worst : value > m->worst)) {
        m->worst = value;
        m->picture = picture;
    }
    m->sum += value;
    m->n++;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What 95 of 100 values keep: at most this, or at least this where high is good. */
static double most_keep(measure *m) {
    qsort(m->values, m->n, sizeof *m->values, by_value);
    size_t outside = m->n * 5 / 100;
    return m->values[m->high_is_good ? outside : m->n - 1 - outside];
}

static void note_confidence(summary *s, const yk_results *results, size_t i) {
    yk_detection d = YK_DETECTION_INIT;
    yk_results_get(results, 0, i, &d);
    s->most_confident = fmax(s->most_confident, (double)d.confidence);
}

static int predict(const compare_side *side, const yk_predict_options *o, const char *picture, yk_results **results) {
    yk_error error = YK_ERROR_INIT;
    return yk_predict_files(side->context, &picture, 1, o, results, &error) == YK_OK ? EXIT_DONE : cli_fail(&error);
}

/* Close to the threshold, a detection may be on either side of it. */
static bool borderline(const summary *s, const yk_results *results, size_t i, const compare_side *side) {
    yk_detection d = YK_DETECTION_INIT;
    double conf = s->setup->predict.conf != 0 ? (double)s->setup->predict.conf : (double)side->info.conf;
    yk_results_get(results, 0, i, &d);
    return fabs((double)d.confidence - conf) <= COMPARE_SCORE * s->setup->slack;
}

static void add_pair(summary *s, const yk_results *a, size_t i, const yk_results *b, size_t j, const char *picture) {
    yk_detection p = YK_DETECTION_INIT, q = YK_DETECTION_INIT;
    yk_results_get(a, 0, i, &p);
    yk_results_get(b, 0, j, &q);
    compare_pair d = compare_pair_of(a, i, b, j, 0);
    bool oriented = s->setup->a.info.task == YK_TASK_OBB;
    double slack = s->setup->slack, mask_iou = compare_mask_iou(a, i, b, j, 0);
    s->matched++;
    if (p.class_id != q.class_id) {
        s->renamed++;
        note_confidence(s, a, i);
        note_confidence(s, b, j);
    }
    add(s, CONFIDENCE, d.score, picture);
    add(s, BOX_IOU, compare_box_iou(&p, &q, oriented), picture);
    if (mask_iou >= 0) add(s, MASK_IOU, mask_iou, picture);
    if (s->setup->a.info.task == YK_TASK_POSE) add(s, POINTS, d.points, picture);
    if (oriented) add(s, ANGLE, d.angle, picture);
    int32_t width = 0, height = 0;
    yk_results_size(a, 0, &width, &height, NULL, NULL);
    double pixels = (width >= 1080 || height >= 1080 ? 2 : 1) * COMPARE_BOX * slack;
    s->parts |= p.class_id != q.class_id || d.score > COMPARE_SCORE * slack || d.box > pixels || d.points > 2 * pixels ||
                d.angle > COMPARE_ANGLE * slack || (mask_iou >= 0 && 1 - mask_iou > (1 - COMPARE_MASK_IOU) * slack);
}

static int add_detections(summary *s, const yk_results *a, const yk_results *b, const char *picture) {
    size_t n = yk_results_count(a, 0), m = yk_results_count(b, 0);
    size_t *match = compare_match_overlap(a, b, 0, true);
    bool *met = calloc(m + 1, sizeof *met);
    if (!match || !met) return free(match), free(met), EXIT_RESOURCE;
    s->detections_a += n;
    s->detections_b += m;
    for (size_t i = 0; i < n; i++) {
        if (match[i] != COMPARE_NONE) {
            met[match[i]] = true;
            add_pair(s, a, i, b, match[i], picture);
        } else if (borderline(s, a, i, &s->setup->a)) {
            s->borderline++;
        } else {
            s->lost++;
            note_confidence(s, a, i);
        }
    }
    for (size_t j = 0; j < m; j++) {
        if (met[j]) continue;
        if (borderline(s, b, j, &s->setup->b)) {
            s->borderline++;
        } else {
            s->added++;
            note_confidence(s, b, j);
        }
    }
    free(match);
    free(met);
    return EXIT_DONE;
}

static void add_probabilities(summary *s, const yk_results *a, const yk_results *b, const char *picture) {
    size_t n = 0, m = 0;
    const float *p = yk_results_probs(a, 0, &n), *q = yk_results_probs(b, 0, &m);
    double worst = n == m ? 0 : INFINITY;
    for (size_t i = 0; n == m && i < n; i++) worst = fmax(worst, fabs((double)p[i] - (double)q[i]));
    add(s, PROBABILITY, worst, picture);
    if (yk_results_top(a, 0, 0) != yk_results_top(b, 0, 0)) s->top_changed++;
    s->parts |= worst > COMPARE_SCORE * s->setup->slack;
}

/* A picture that neither side can read is passed over, and counted. */
static int add_picture(summary *s, const char *picture) {
    yk_results *a = NULL, *b = NULL;
    const char *message = "";
    int status = predict(&s->setup->a, &s->setup->predict, picture, &a);
    if (status == EXIT_DONE) status = predict(&s->setup->b, &s->setup->predict, picture, &b);
    if (status == EXIT_DONE && yk_results_status(a, 0, &message) != YK_OK) {
        cli_say("%s", message);
        s->failed++;
    } else if (status == EXIT_DONE) {
        s->pictures++;
        if (s->setup->a.info.task == YK_TASK_CLASSIFY)
            add_probabilities(s, a, b, picture);
        else
            status = add_detections(s, a, b, picture);
    }
    yk_results_destroy(&a);
    yk_results_destroy(&b);
    return status;
}

/* ---- telling ---- */

static void print_text(summary *s) {
    printf("A: %s (%s)\nB: %s (%s)\n%zu pictures\n", s->setup->a.name, s->setup->a.device, s->setup->b.name, s->setup->b.device,
           s->pictures);
    if (s->setup->a.info.task == YK_TASK_CLASSIFY)
        printf("another first class in %zu\n", s->top_changed);
    else
        printf("%zu detections of A, %zu of B: %zu in both, %zu lost, %zu added, %zu renamed, %zu borderline\n",
               s->detections_a, s->detections_b, s->matched, s->lost, s->added, s->renamed, s->borderline);
    if (s->most_confident > 0) printf("the most confident lost, added or renamed: %.6g\n", s->most_confident);
    for (int i = 0; i < N_MEASURES; i++) {
        measure *m = &s->measures[i];
        if (m->n)
            printf("%-28s mean %.6g, 95 %% within %.6g, worst %.6g (%s)\n", m->name, m->sum / (double)m->n, most_keep(m),
                   m->worst, m->picture);
    }
    printf(s->parts ? "They part.\n" : "Equal within rounding.\n");
}

static void print_json(summary *s) {
    printf("{\"a\":");
    cli_json_string(s->setup->a.name);
    printf(",\"b\":");
    cli_json_string(s->setup->b.name);
    printf(",\"device_a\":\"%s\",\"device_b\":\"%s\",\"pictures\":%zu,\"failed\":%zu", s->setup->a.device, s->setup->b.device,
           s->pictures, s->failed);
    if (s->setup->a.info.task == YK_TASK_CLASSIFY)
        printf(",\"top_changed\":%zu", s->top_changed);
    else
        printf(",\"detections_a\":%zu,\"detections_b\":%zu,\"matched\":%zu,\"lost\":%zu,\"added\":%zu,\"renamed\":%zu,"
               "\"borderline\":%zu",
               s->detections_a, s->detections_b, s->matched, s->lost, s->added, s->renamed, s->borderline);
    if (s->most_confident > 0) {
        printf(",\"most_confident\":");
        cli_json_number(s->most_confident);
    }
    for (int i = 0; i < N_MEASURES; i++) {
        measure *m = &s->measures[i];
        if (!m->n) continue;
        printf(",\"%s\":{\"mean\":", m->key);
        cli_json_number(m->sum / (double)m->n);
        printf(",\"p95\":");
        cli_json_number(most_keep(m));
        printf(",\"worst\":");
        cli_json_number(m->worst);
        printf(",\"image\":");
        cli_json_string(m->picture);
        printf("}");
    }
    printf(",\"equal\":%s}\n", s->parts ? "false" : "true");
}

static void free_values(summary *s) {
    for (int i = 0; i < N_MEASURES; i++) free(s->measures[i].values);
}

int compare_summary(compare_setup *setup, const char *const *pictures, size_t n) {
    summary s = {.setup = setup,
                 .measures = {{.key = "confidence", .name = "|confidence difference|"},
                              {.key = "box_iou", .name = "box IoU", .high_is_good = true},
                              {.key = "mask_iou", .name = "mask IoU", .high_is_good = true},
                              {.key = "keypoints", .name = "keypoint difference, pixels"},
                              {.key = "angle", .name = "angle difference, radians"},
                              {.key = "probability", .name = "|probability difference|"}}};
    int status = setup->a.info.task == setup->b.info.task ? EXIT_DONE : EXIT_USAGE;
    if (status != EXIT_DONE)
        cli_say("%s answers the task %s and %s the task %s: nothing to compare", setup->a.name, setup->a.info.task_name,
                setup->b.name, setup->b.info.task_name);
    for (size_t i = 0; i < n && status == EXIT_DONE; i++) status = add_picture(&s, pictures[i]);
    if (status == EXIT_DONE && s.no_memory) status = EXIT_RESOURCE;
    if (status != EXIT_DONE) return free_values(&s), status;
    s.parts |= s.lost > 0 || s.added > 0 || s.renamed > 0 || s.top_changed > 0;
    if (setup->json)
        print_json(&s);
    else
        print_text(&s);
    free_values(&s);
    return s.failed ? EXIT_INPUT : s.parts ? EXIT_NO : EXIT_DONE;
}
