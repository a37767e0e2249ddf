/* Holds what a network answers to a picture file, as raw tensors, against samples that tools/train/reference.py stored: the
 * bytes that go in, and elements of every output.
 *
 *   sampled_outputs MODEL SAMPLES.npz PICTURE [--rect] [--device D] [--isa I] [--threads N] [--disturb]
 *
 * Exit 77 when MODEL is not here. With --disturb every stored element is first made wrong by a little more than is tolerated,
 * and the exit status is 0 when all are found out. */
#include "yolk/yolk.h"

#include "support/npz.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As in raw_outputs.c; a keypoint is twice the branch's value times the stride, so its errors are twice those of boxes. */
#define SCORE_TOLERANCE 5e-5
#define BOX_TOLERANCE   0.006
#define POINT_FACTOR    2
/* Mask coefficients and prototypes are what scores are before their sigmoid, whose slope is at most 1/4. */
#define LOGIT_TOLERANCE (4 * SCORE_TOLERANCE)

typedef struct sample {
    npz_array values, shape, index; /* elements index[i] of the flattened tensor */
} sample;

static int n_failed, n_held;
static bool disturbed;
static double worst_pixels, worst_other;

static void free_sample(sample *s) {
    npz_free(&s->values);
    npz_free(&s->shape);
    npz_free(&s->index);
}

/* The arrays PREFIX, PREFIX_shape, PREFIX_index. False when one is missing or of another type. */
static bool read_sample(const char *npz, const char *prefix, char type, sample *out) {
    char name[64];
    *out = (sample){0};
    bool ok = npz_read(npz, prefix, &out->values) == 0 && out->values.type == type;
    snprintf(name, sizeof name, "%s_shape", prefix);
    ok = ok && npz_read(npz, name, &out->shape) == 0 && out->shape.type == 'i';
    snprintf(name, sizeof name, "%s_index", prefix);
    ok = ok && npz_read(npz, name, &out->index) == 0 && out->index.type == 'i' && out->index.count == out->values.count;
    if (!ok) free_sample(out);
    return ok;
}

/* Whether the sample is one of a tensor of these dimensions. */
static bool fits(const sample *s, const int64_t *dim, int rank) {
    const int32_t *shape = s->shape.data, *index = s->index.data;
    int64_t count = 1;
    bool ok = s->shape.count == (size_t)rank;
    for (int i = 0; ok && i < rank; count *= dim[i++]) ok = shape[i] == dim[i];
    for (size_t i = 0; ok && i < s->index.count; i++) ok = index[i] >= 0 && index[i] < count;
    if (!ok) printf("FAIL another shape than expected\n");
    return ok;
}

static void hold(const char *what, int64_t at, double got, double want, double tolerance, double *worst) {
    if (disturbed) want += 2.5 * tolerance;
    const double error = fabs(got - want);
    n_held++;
    if (!(error <= *worst)) *worst = error;
    if (error <= tolerance) return;
    if (n_failed++ < 10 && !disturbed) printf("FAIL %s %lld: %.7g, expected %.7g\n", what, (long long)at, got, want);
}

/* Of element `at`: N x C x A are boxes, scores and what the task adds (of keypoints every third number is a visibility); other
 * tensors are probabilities or prototypes. */
static double tolerance_of(const yk_tensor *t, int64_t at, const yk_engine_info *info) {
    const int64_t c = t->rank == 3 ? at / t->dim[2] : -1, extra = c - 4 - info->n_classes;
    if (t->rank == 4 || (info->task == YK_TASK_SEGMENT && extra >= 0)) return LOGIT_TOLERANCE;
    if (c >= 0 && c < 4) return BOX_TOLERANCE;
    return info->task == YK_TASK_POSE && extra >= 0 && extra % info->kpt_shape[1] < 2 ? POINT_FACTOR * BOX_TOLERANCE
                                                                                      : SCORE_TOLERANCE;
}

static bool compare_output(const yk_tensor *got, size_t i, const yk_engine_info *info, const char *npz) {
    sample want;
    char name[32];
    snprintf(name, sizeof name, "output%zu", i);
    if (!read_sample(npz, name, 'f', &want)) return printf("FAIL %s has no %s\n", npz, name), false;
    const bool ok = fits(&want, got->dim, got->rank);
    const int32_t *index = want.index.data;
    for (size_t k = 0; ok && k < want.index.count; k++) {
        const double tolerance = tolerance_of(got, index[k], info);
        hold(name, index[k], (double)((const float *)got->data)[index[k]], (double)((const float *)want.values.data)[k],
             tolerance, tolerance >= BOX_TOLERANCE ? &worst_pixels : &worst_other);
    }
    free_sample(&want);
    return ok;
}

/* The bytes that go into the network must be the reference's, all of those it kept. */
static bool compare_input(const yk_image *got, const char *npz) {
    sample want;
    if (!read_sample(npz, "input", 'u', &want)) return printf("FAIL %s has no input\n", npz), false;
    const int32_t *index = want.index.data;
    const int64_t row = (int64_t)got->width * 3;
    bool ok = fits(&want, (int64_t[]){got->height, got->width, 3}, 3);
    for (size_t k = 0; ok && k < want.index.count; k++) {
        const int have = got->plane[0][index[k] / row * got->stride[0] + index[k] % row];
        const int wanted = ((const uint8_t *)want.values.data)[k];
        ok = have == wanted;
        if (!ok) printf("FAIL byte %d of the network's input is %d, expected %d\n", index[k], have, wanted);
    }
    free_sample(&want);
    return ok;
}

/* BGR bytes to RGB planes, 0 to 1. */
static float *planes(const yk_image *image) {
    const int64_t h = image->height, w = image->width;
    float *const out = malloc((size_t)(3 * h * w) * sizeof *out);
    for (int64_t i = 0; out && i < h * w; i++)
        for (int c = 0; c < 3; c++)
            out[c * h * w + i] = (float)image->plane[0][i / w * image->stride[0] + 3 * (i % w) + 2 - c] / 255.0f;
    return out;
}

static bool compare_all(yk_engine *engine, const char *npz, const char *path, bool rect, yk_error *error) {
    const yk_predict_options options = {.size = sizeof options, .rect = rect ? YK_ON : YK_OFF, .keep_inputs = true};
    const yk_context_options dense = {.size = sizeof dense, .dense = true};
    yk_context *context = NULL;
    yk_results *results = NULL;
    yk_image picture = YK_IMAGE_INIT;
    yk_engine_info info = YK_ENGINE_INFO_INIT;
    const yk_tensor *outputs;
    size_t n_outputs = 0;
    float *data = NULL;
    bool ok = false;
    yk_engine_get_info(engine, &info, error);
    if (!yk_context_create(&context, engine, &dense, error) &&
        !yk_predict_files(context, (const char *[]){path}, 1, &options, &results, error) &&
        !yk_results_input(results, 0, &picture, error) && compare_input(&picture, npz)) {
        data = planes(&picture);
        yk_tensor input = {
            .size = sizeof input, .dtype = YK_F32, .rank = 4, .dim = {1, 3, picture.height, picture.width}, .data = data};
        ok = data && !yk_context_run(context, &input, &outputs, &n_outputs, error) && n_outputs > 0;
        for (size_t i = 0; ok && i < n_outputs; i++) ok = compare_output(&outputs[i], i, &info, npz);
    }
    printf("%s on %s/%s: %d elements held, worst %.6f px, %.3g elsewhere, %d differences\n", npz, info.device, info.isa, n_held,
           worst_pixels, worst_other, n_failed);
    free(data);
    yk_results_destroy(&results);
    yk_context_destroy(&context);
    return ok;
}

static const char *option(int argc, char **argv, const char *name) {
    for (int i = 4; i < argc; i++)
        if (strcmp(argv[i], name) == 0) return i + 1 < argc ? argv[i + 1] : "";
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 4) return fprintf(stderr, "usage: sampled_outputs MODEL SAMPLES.npz PICTURE [OPTIONS]\n"), 2;
    if (access(argv[1], R_OK) != 0) {
        printf("skipped: %s is not here\n", argv[1]);
        return 77;
    }
    yk_engine_options load = {
        .size = sizeof load, .device = option(argc, argv, "--device"), .isa = option(argc, argv, "--isa"), .cache = YK_OFF};
    if (option(argc, argv, "--threads")) load.n_threads = atoi(option(argc, argv, "--threads"));
    disturbed = option(argc, argv, "--disturb") != NULL;
    yk_engine *engine = NULL;
    yk_error error = YK_ERROR_INIT;
    bool ok = yk_engine_load(&engine, argv[1], &load, &error) == YK_OK &&
              compare_all(engine, argv[2], argv[3], option(argc, argv, "--rect") != NULL, &error);
    if (error.status) printf("FAIL %s\n", error.message);
    yk_engine_destroy(&engine);
    if (disturbed) return ok && n_failed == n_held ? 0 : 1;
    return ok && n_failed == 0 && n_held > 0 ? 0 : 1;
}
