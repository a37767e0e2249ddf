/* One picture through both sides, stage by stage. */
#include "compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIXELS, INPUT, LAYERS, HEAD, CANDIDATES, NMS, FINAL, N_STAGES };

typedef struct stage {
    const char *name, *key, *unit;
    bool done; /* both sides have it */
    bool parts;
    size_t n;     /* units compared */
    double worst; /* the largest difference met, in the unit of `what` */
    const char *what;
    char text[512]; /* where and by how much it parts, or what else there is to say */
} stage;

/* The two runs of one picture: every candidate, and the answer. Layers are those of the second run. */
typedef struct runs {
    yk_results *candidates, *answer;
} runs;

typedef struct walk {
    const compare_setup *setup;
    const char *picture;
    runs a, b;
    double conf; /* threshold of the detections */
    stage stages[N_STAGES];
} walk;

/* ---- running ---- */

static int predict(const compare_side *side, const yk_predict_options *o, const char *picture, yk_results **results) {
    yk_error error = YK_ERROR_INIT;
    const char *message = "";
    if (yk_predict_files(side->context, &picture, 1, o, results, &error) != YK_OK) return cli_fail(&error);
    if (yk_results_status(*results, 0, &message) == YK_OK) return EXIT_DONE;
    cli_say("%s", message);
    return EXIT_INPUT;
}

static int run_side(const walk *w, const compare_side *side, runs *out) {
    yk_predict_options all = w->setup->predict, answer = w->setup->predict;
    all.iou = 1; /* no overlap is greater: NMS keeps everything */
    all.max_det = 30000;
    answer.keep_inputs = true;
    if (!side->engine) return EXIT_DONE;
    int status = predict(side, &all, w->picture, &out->candidates);
    return status == EXIT_DONE ? predict(side, &answer, w->picture, &out->answer) : status;
}

/* ---- pixels and tensors ---- */

static yk_tensor picture_tensor(const yk_image *image) {
    return (yk_tensor){
        .size = sizeof(yk_tensor), .dtype = YK_U8, .rank = 3, .dim = {image->height, image->width, 3}, .data = image->plane[0]};
}

static void say_shape(const yk_tensor *t, char out[96]) {
    size_t used = 0;
    out[0] = 0;
    for (int d = 0; d < t->rank && used < 80; d++)
        used += (size_t)snprintf(out + used, 96 - used, "%s%lld", d ? "x" : "", (long long)t->dim[d]);
}

/* Takes the comparison of one pair into the stage; the first pair that parts is the one that is told. */
static void take(stage *s, const char *name, const yk_tensor *a, const yk_tensor *b, double tolerance, bool count_tensors) {
    compare_difference d;
    char shape_a[96], shape_b[96];
    s->done = true;
    if (!compare_tensors(a, b, tolerance, &d)) {
        say_shape(a, shape_a);
        say_shape(b, shape_b);
        if (!s->parts) snprintf(s->text, sizeof s->text, "%s: A has %s numbers, B %s", name, shape_a, shape_b);
        s->parts = true;
        return;
    }
    s->n += count_tensors ? 1 : d.n;
    if (!s->parts && !d.equal)
        snprintf(s->text, sizeof s->text, "%s at %s: A %.9g, B %.9g, difference %.3g, %.3g of the largest", name, d.where, d.a,
                 d.b, d.worst, d.relative);
    s->parts |= !d.equal;
    s->worst = fmax(s->worst, d.relative);
}

static void compare_pixels(walk *w) {
    stage *s = &w->stages[PIXELS];
    yk_image image = YK_IMAGE_INIT;
    yk_tensor saved, ours;
    if (w->b.answer) {
        s->done = true;
        snprintf(s->text, sizeof s->text, "one decoder for both");
        return;
    }
    if (yk_arrays_get(w->setup->b.arrays, "image", &saved, NULL) != YK_OK) return;
    if (yk_image_read(&image, w->picture, NULL, NULL) == YK_OK) {
        ours = picture_tensor(&image);
        take(s, "image", &ours, &saved, 0, false);
    }
    yk_image_destroy(&image);
}

/* Classifiers' inputs were saved with red first; ours are blue first. */
static void swap_channels(const yk_tensor *from, uint8_t *to) {
    size_t n = (size_t)from->dim[0] * (size_t)from->dim[1];
    const uint8_t *p = from->data;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 3; c++) to[3 * i + c] = p[3 * i + 2 - c];
}

static void compare_inputs(walk *w) {
    stage *s = &w->stages[INPUT];
    yk_image input_a, input_b;
    yk_tensor a, b;
    if (yk_results_input(w->a.answer, 0, &input_a, NULL) != YK_OK) return;
    a = picture_tensor(&input_a);
    if (w->b.answer) {
        if (yk_results_input(w->b.answer, 0, &input_b, NULL) != YK_OK) return;
        b = picture_tensor(&input_b);
        take(s, "input", &a, &b, 0, false);
        return;
    }
    if (yk_arrays_get(w->setup->b.arrays, "input", &b, NULL) != YK_OK) return;
    uint8_t *swapped = NULL;
    if (w->setup->a.info.task == YK_TASK_CLASSIFY && b.dtype == YK_U8 && b.rank == 3 && b.dim[2] == 3) {
        swapped = malloc((size_t)b.dim[0] * (size_t)b.dim[1] * 3 + 1);
        if (swapped) swap_channels(&b, swapped), b.data = swapped;
    }
    take(s, "input", &a, &b, 0, false);
    free(swapped);
}

static bool find(const compare_side *side, const char *name, yk_tensor *out) {
    if (side->arrays) return yk_arrays_get(side->arrays, name, out, NULL) == YK_OK;
    return yk_context_layer(side->context, name, out, NULL) == YK_OK;
}

static bool is_output(const char *name) {
    return strncmp(name, "output", 6) == 0 && strspn(name + 6, "0123456789") == strlen(name + 6);
}

static size_t count_layers(const compare_side *side) {
    size_t n = 0;
    while (side->context && yk_context_layer_name(side->context, n)) n++;
    return n;
}

/* Layers by name. Two models that came here on different ways have no name in common; when they are as many, they are taken
 * in order: the same network has the same order whatever it was read from. */
static void compare_layers(walk *w) {
    stage *s = &w->stages[LAYERS];
    const compare_side *a = &w->setup->a, *b = &w->setup->b;
    double tolerance = COMPARE_TENSOR * w->setup->slack;
    size_t n = count_layers(a);
    yk_tensor x, y;
    for (size_t i = 0; i < n; i++) {
        const char *name = yk_context_layer_name(a->context, i);
        if (!is_output(name) && find(b, name, &y) && find(a, name, &x)) take(s, name, &x, &y, tolerance, true);
    }
    if (s->done || !b->context || count_layers(b) != n) return;
    for (size_t i = 0; i < n; i++) {
        const char *name_a = yk_context_layer_name(a->context, i), *name_b = yk_context_layer_name(b->context, i);
        char both[256];
        snprintf(both, sizeof both, "%.120s / %.120s", name_a, name_b);
        if (!is_output(name_a) && find(a, name_a, &x) && find(b, name_b, &y)) take(s, both, &x, &y, tolerance, true);
    }
}

static void compare_head(walk *w) {
    static const char *const outputs[] = {"output0", "output1"};
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        yk_tensor a, b;
        if (find(&w->setup->a, outputs[i], &a) && find(&w->setup->b, outputs[i], &b))
            take(&w->stages[HEAD], outputs[i], &a, &b, COMPARE_TENSOR * w->setup->slack, false);
    }
}

/* ---- detections ---- */

static void say_detection(const yk_results *results, size_t i, char out[160]) {
    yk_detection d = YK_DETECTION_INIT;
    yk_results_get(results, 0, i, &d);
    snprintf(out, 160, "%.40s %.6f at %.2f %.2f %.2f %.2f", d.name ? d.name : "", (double)d.confidence, (double)d.x1,
             (double)d.y1, (double)d.x2, (double)d.y2);
}

static void part(stage *s, const char *what, const yk_results *results, size_t i, double by) {
    char text[160];
    say_detection(results, i, text);
    if (!s->parts && by > 0)
        snprintf(s->text, sizeof s->text, "%s by %.3g: detection %zu, %s", what, by, i, text);
    else if (!s->parts)
        snprintf(s->text, sizeof s->text, "%s: detection %zu, %s", what, i, text);
    s->parts = true;
}

/* A detection this close to the threshold may be on either side of it. */
static bool borderline(const walk *w, const yk_results *results, size_t i) {
    yk_detection d = YK_DETECTION_INIT;
    yk_results_get(results, 0, i, &d);
    return fabs((double)d.confidence - w->conf) <= COMPARE_SCORE * w->setup->slack;
}

/* Errors in network pixels are scaled up in large pictures. */
static double box_tolerance(const walk *w, const yk_results *results) {
    int32_t width = 0, height = 0;
    yk_results_size(results, 0, &width, &height, NULL, NULL);
    return (width >= 1080 || height >= 1080 ? 2 : 1) * COMPARE_BOX * w->setup->slack;
}

/* Who is there: lost and added ones. */
static void compare_presence(const walk *w, stage *s, const yk_results *a, const yk_results *b, const size_t *match) {
    size_t n = yk_results_count(a, 0), m = yk_results_count(b, 0);
    bool *met = calloc(m + 1, sizeof *met);
    for (size_t i = 0; i < n; i++) {
        if (match[i] == COMPARE_NONE && !borderline(w, a, i)) part(s, "only in A", a, i, 0);
        if (match[i] != COMPARE_NONE && met) met[match[i]] = true;
    }
    for (size_t j = 0; met && j < m; j++)
        if (!met[j] && !borderline(w, b, j)) part(s, "only in B", b, j, 0);
    free(met);
}

static void compare_values(const walk *w, stage *s, const yk_results *a, const yk_results *b, const size_t *match, bool masks) {
    double slack = w->setup->slack, pixels = box_tolerance(w, a);
    for (size_t i = 0; i < yk_results_count(a, 0); i++) {
        if (match[i] == COMPARE_NONE) continue;
        compare_pair d = compare_pair_of(a, i, b, match[i], 0);
        s->worst = fmax(s->worst, d.score);
        if (d.score > COMPARE_SCORE * slack) part(s, "confidence parts", a, i, d.score);
        if (d.box > pixels) part(s, "box parts", a, i, d.box);
        if (d.angle > COMPARE_ANGLE * slack) part(s, "angle parts", a, i, d.angle);
        if (d.points > 2 * pixels) part(s, "keypoints part", a, i, d.points);
        if (d.visible > COMPARE_SCORE * slack) part(s, "visibility parts", a, i, d.visible);
        double iou = masks ? compare_mask_iou(a, i, b, match[i], 0) : -1;
        if (iou >= 0 && 1 - iou > (1 - COMPARE_MASK_IOU) * slack) part(s, "mask parts", a, i, 1 - iou);
    }
}

static int compare_candidates(walk *w) {
    stage *s = &w->stages[CANDIDATES];
    if (!w->b.candidates || w->setup->a.info.task == YK_TASK_CLASSIFY) return EXIT_DONE;
    size_t *match = compare_match_near(w->a.candidates, w->b.candidates, 0);
    if (!match) return EXIT_RESOURCE;
    s->done = true;
    s->n = yk_results_count(w->a.candidates, 0);
    compare_presence(w, s, w->a.candidates, w->b.candidates, match);
    compare_values(w, s, w->a.candidates, w->b.candidates, match, false);
    free(match);
    return EXIT_DONE;
}

/* A saved row x1 y1 x2 y2 confidence class against a detection: the largest difference of its box, infinite for another class
 * or confidence. */
static double row_distance(const walk *w, const yk_detection *d, const float *row) {
    const float box[4] = {d->x1, d->y1, d->x2, d->y2};
    double worst = 0;
    if ((int32_t)row[5] != d->class_id || fabs((double)(row[4] - d->confidence)) > COMPARE_SCORE * w->setup->slack)
        return INFINITY;
    for (int k = 0; k < 4; k++) worst = fmax(worst, fabs((double)(row[k] - box[k])));
    return worst;
}

/* Saved detections have no order that must be kept: each of A's takes the closest row. */
static void compare_saved(walk *w) {
    stage *s = &w->stages[FINAL];
    yk_tensor saved;
    const yk_results *ours = w->a.answer;
    size_t n = yk_results_count(ours, 0), lost = 0;
    if (yk_arrays_get(w->setup->b.arrays, "detections", &saved, NULL) != YK_OK) return;
    if (saved.dtype != YK_F32 || saved.rank != 2 || saved.dim[1] != 6) {
        cli_say("%s: detections must be n x 6 32-bit floats: x1 y1 x2 y2 confidence class", w->setup->b.name);
        return;
    }
    size_t m = (size_t)saved.dim[0];
    bool *taken = calloc(m + 1, sizeof *taken);
    s->done = true;
    for (size_t i = 0; taken && i < n; i++) {
        yk_detection d = YK_DETECTION_INIT;
        double best = INFINITY;
        size_t at = COMPARE_NONE;
        yk_results_get(ours, 0, i, &d);
        for (size_t j = 0; j < m; j++) {
            double distance = taken[j] ? INFINITY : row_distance(w, &d, (const float *)saved.data + 6 * j);
            if (distance < best) best = distance, at = j;
        }
        s->n++;
        if (at != COMPARE_NONE) {
            taken[at] = true;
            s->worst = fmax(s->worst, fabs((double)(((const float *)saved.data)[6 * at + 4] - d.confidence)));
        }
        if (at == COMPARE_NONE && borderline(w, ours, i)) continue;
        if (best > box_tolerance(w, ours)) part(s, "not among the saved detections", ours, i, at == COMPARE_NONE ? 0 : best);
    }
    for (size_t j = 0; taken && j < m; j++) lost += !taken[j];
    if (lost && !s->parts) {
        s->parts = true;
        snprintf(s->text, sizeof s->text, "%zu of %zu saved detections are not in A", lost, m);
    }
    free(taken);
}

static void compare_probabilities(walk *w) {
    size_t n = 0, m = 0;
    const float *a = yk_results_probs(w->a.answer, 0, &n), *b = yk_results_probs(w->b.answer, 0, &m);
    yk_tensor x = {.size = sizeof x, .dtype = YK_F32, .rank = 1, .dim = {(int64_t)n}, .data = a}, y = x;
    y.data = b;
    y.dim[0] = (int64_t)m;
    w->stages[FINAL].unit = "probabilities";
    if (a && b) take(&w->stages[FINAL], "probabilities", &x, &y, COMPARE_SCORE * w->setup->slack, false);
}

static int compare_answers(walk *w) {
    if (!w->b.answer) return compare_saved(w), EXIT_DONE;
    if (w->setup->a.info.task == YK_TASK_CLASSIFY) return compare_probabilities(w), EXIT_DONE;
    size_t *match = compare_match_near(w->a.answer, w->b.answer, 0);
    if (!match) return EXIT_RESOURCE;
    for (int i = NMS; i <= FINAL; i++) {
        w->stages[i].done = true;
        w->stages[i].n = yk_results_count(w->a.answer, 0);
        compare_presence(w, &w->stages[i], w->a.answer, w->b.answer, match);
    }
    compare_values(w, &w->stages[FINAL], w->a.answer, w->b.answer, match, true);
    free(match);
    return EXIT_DONE;
}

/* ---- telling ---- */

static const stage *first_parting(const walk *w) {
    for (int i = 0; i < N_STAGES; i++)
        if (w->stages[i].parts) return &w->stages[i];
    return NULL;
}

static bool any_compared(const walk *w) {
    bool any = false;
    for (int i = 0; i < N_STAGES; i++) any |= w->stages[i].done;
    return any;
}

static void print_text(const walk *w) {
    const stage *first = first_parting(w);
    for (int i = 0; i < N_STAGES; i++) {
        const stage *s = &w->stages[i];
        printf("%-19s ", s->name);
        if (!s->done)
            printf("not in both\n");
        else if (s->parts)
            printf("PARTS  %s\n", s->text);
        else if (s->text[0])
            printf("equal  %s\n", s->text);
        else if (i == NMS) /* who is kept: numbers are the next stage's */
            printf("equal  %zu %s, the same\n", s->n, s->unit);
        else
            printf("equal  %zu %s, largest difference %.3g%s\n", s->n, s->unit, s->worst, s->what);
    }
    if (first)
        printf("They part at: %s.\n", first->name);
    else
        printf("Equal within rounding.\n");
}

static void print_side(const char *key, const compare_side *side) {
    printf("\"%s\":{\"name\":", key);
    cli_json_string(side->name);
    if (side->device) printf(",\"device\":\"%s\",\"isa\":\"%s\"", side->device, side->info.isa);
    printf("}");
}

static void print_json(const walk *w) {
    const stage *first = first_parting(w);
    printf("{");
    print_side("a", &w->setup->a);
    printf(",");
    print_side("b", &w->setup->b);
    printf(",\"image\":");
    cli_json_string(w->picture);
    printf(",\"equal\":%s,\"first\":", first ? "false" : "true");
    if (first)
        cli_json_string(first->key);
    else
        printf("null");
    printf(",\"stages\":[");
    for (int i = 0; i < N_STAGES; i++) {
        const stage *s = &w->stages[i];
        printf("%s{\"stage\":\"%s\",\"compared\":%s", i ? "," : "", s->key, s->done ? "true" : "false");
        if (s->done) {
            printf(",\"equal\":%s,\"n\":%zu,\"worst\":", s->parts ? "false" : "true", s->n);
            cli_json_number(s->worst);
            printf(",\"message\":");
            cli_json_string(s->text);
        }
        printf("}");
    }
    printf("]}\n");
}

int compare_stages(compare_setup *setup, const char *picture) {
    static const char part_of_largest[] = " of the largest number", of_confidence[] = " in confidence";
    walk w = {.setup = setup,
              .picture = picture,
              .stages = {{.name = "decoded pixels", .key = "pixels", .unit = "numbers", .what = ""},
                         {.name = "network input", .key = "input", .unit = "numbers", .what = ""},
                         {.name = "layers", .key = "layers", .unit = "layers", .what = part_of_largest},
                         {.name = "raw head", .key = "head", .unit = "numbers", .what = part_of_largest},
                         {.name = "decoded candidates", .key = "candidates", .unit = "candidates", .what = of_confidence},
                         {.name = "NMS", .key = "nms", .unit = "detections", .what = ""},
                         {.name = "final", .key = "final", .unit = "detections", .what = of_confidence}}};
    w.conf = setup->predict.conf != 0 ? (double)setup->predict.conf : (double)setup->a.info.conf;
    int status = EXIT_DONE;
    if (setup->b.engine && setup->a.info.task != setup->b.info.task) {
        cli_say("%s answers the task %s and %s the task %s: nothing to compare", setup->a.name, setup->a.info.task_name,
                setup->b.name, setup->b.info.task_name);
        status = EXIT_USAGE;
    }
    if (status == EXIT_DONE) status = run_side(&w, &setup->a, &w.a);
    if (status == EXIT_DONE) status = run_side(&w, &setup->b, &w.b);
    if (status == EXIT_DONE) {
        compare_pixels(&w);
        compare_inputs(&w);
        compare_layers(&w);
        compare_head(&w);
        status = compare_candidates(&w);
    }
    if (status == EXIT_DONE) status = compare_answers(&w);
    if (status == EXIT_DONE && !any_compared(&w)) {
        cli_say(
            "%s: no array has a name that A knows: image, input, output0, detections or a layer ('%s' is one)", setup->b.name,
            setup->a.context && yk_context_layer_name(setup->a.context, 0) ? yk_context_layer_name(setup->a.context, 0) : "");
        status = EXIT_INPUT;
    }
    if (status == EXIT_DONE) {
        if (setup->json)
            print_json(&w);
        else
            print_text(&w);
        status = first_parting(&w) ? EXIT_NO : EXIT_DONE;
    }
    yk_results_destroy(&w.a.candidates);
    yk_results_destroy(&w.a.answer);
    yk_results_destroy(&w.b.candidates);
    yk_results_destroy(&w.b.answer);
    return status;
}
