/* The public interface on the tiny models: every level, wrong arguments, no allocation in run, no growth, many threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "yolk/yolk.h"

#define DETECT   "tests/golden/onnx/tiny-detect.onnx"
#define CLASSIFY "tests/golden/onnx/tiny-classify.onnx"

/* ---- counting allocations of the whole process, where no sanitizer has taken malloc over ---- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTS_ALLOCATIONS 0
static atomic_long n_allocations;
#else
#define COUNTS_ALLOCATIONS 1
static atomic_long n_allocations;
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
void *malloc(size_t n) {
    atomic_fetch_add(&n_allocations, 1);
    return __libc_malloc(n);
}
void *calloc(size_t n, size_t size) {
    atomic_fetch_add(&n_allocations, 1);
    return __libc_calloc(n, size);
}
void *realloc(void *old, size_t n) {
    atomic_fetch_add(&n_allocations, 1);
    return __libc_realloc(old, n);
}
#endif

/* ---- helpers ---- */

static yk_engine *load(const char *path, const char *device, int threads) {
    yk_engine_options options = {.size = sizeof options, .device = device, .n_threads = threads, .cache = YK_OFF};
    yk_engine *engine = NULL;
    yk_error error = YK_ERROR_INIT;
    if (yk_engine_load(&engine, path, &options, &error) != YK_OK) fail_msg("%s", error.message);
    return engine;
}

static yk_context *context_of(yk_engine *engine, bool dense) {
    yk_context_options options = {.size = sizeof options, .dense = dense};
    yk_context *context = NULL;
    yk_error error = YK_ERROR_INIT;
    if (yk_context_create(&context, engine, &options, &error) != YK_OK) fail_msg("%s", error.message);
    return context;
}

#define SIDE 64
static uint8_t pixels[SIDE * SIDE * 3];
static float planes[3 * SIDE * SIDE];

static yk_image picture(int width, int height) {
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * 7 + i / 64);
    return (yk_image){.size = sizeof(yk_image), .width = width, .height = height, .plane = {pixels}, .stride = {width * 3}};
}

static yk_tensor tensor(int side) {
    for (size_t i = 0; i < sizeof planes / sizeof *planes; i++) planes[i] = (float)(i % 97) / 97.0f;
    return (yk_tensor){.size = sizeof(yk_tensor), .dtype = YK_F32, .rank = 4, .dim = {1, 3, side, side}, .data = planes};
}

/* ---- the levels ---- */

static void answers_like_ref(void **state) {
    (void)state;
    yk_engine *engines[2] = {load(DETECT, "ref", 1), load(DETECT, "cpu", 2)};
    yk_results *results[2] = {NULL, NULL};
    yk_image image = picture(SIDE, SIDE);
    yk_predict_options options = {.size = sizeof options, .conf = 0.01f};
    for (int i = 0; i < 2; i++) {
        yk_context *context = context_of(engines[i], false);
        assert_int_equal(yk_predict(context, &image, 1, &options, &results[i], NULL), YK_OK);
        yk_context_destroy(&context);
    }
    assert_true(yk_results_count(results[0], 0) > 0);
    assert_int_equal(yk_results_count(results[0], 0), yk_results_count(results[1], 0));
    for (size_t i = 0; i < yk_results_count(results[0], 0); i++) {
        yk_detection a = YK_DETECTION_INIT, b = YK_DETECTION_INIT;
        yk_results_get(results[0], 0, i, &a);
        yk_results_get(results[1], 0, i, &b);
        assert_string_equal(a.name, b.name);
        /* float order differs between backends: PARITY section 12 */
        assert_true(fabsf(a.confidence - b.confidence) < 5e-5f && fabsf(a.x1 - b.x1) < 0.01f && fabsf(a.y2 - b.y2) < 0.01f);
    }
    for (int i = 0; i < 2; i++) {
        yk_results_destroy(&results[i]);
        yk_engine_destroy(&engines[i]);
    }
}

/* The dense tensor is decoded for all anchors at once, candidates one by one: the same formulas, but sums in vectors may round
 * differently in the last bits (f32 has 24: 1e-6 of a score, 1e-4 of a pixel in 64). */
static void dense_and_lazy_agree(void **state) {
    (void)state;
    yk_engine *engine = load(DETECT, "cpu", 2);
    yk_image image = picture(SIDE, 48);
    yk_predict_options options = {.size = sizeof options, .conf = 0.001f};
    yk_results *results[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        yk_context *context = context_of(engine, i == 1);
        assert_int_equal(yk_predict(context, &image, 1, &options, &results[i], NULL), YK_OK);
        yk_context_destroy(&context);
    }
    assert_int_equal(yk_results_count(results[0], 0), yk_results_count(results[1], 0));
    for (size_t i = 0; i < yk_results_count(results[0], 0); i++) {
        yk_detection a = YK_DETECTION_INIT, b = YK_DETECTION_INIT;
        yk_results_get(results[0], 0, i, &a);
        yk_results_get(results[1], 0, i, &b);
        if (a.class_id != b.class_id || fabsf(a.confidence - b.confidence) > 1e-6f || fabsf(a.x1 - b.x1) > 1e-4f ||
            fabsf(a.y1 - b.y1) > 1e-4f || fabsf(a.x2 - b.x2) > 1e-4f || fabsf(a.y2 - b.y2) > 1e-4f)
            fail_msg("row %zu: class %d %.8f [%f %f %f %f], class %d %.8f [%f %f %f %f]", i, a.class_id, (double)a.confidence,
                     (double)a.x1, (double)a.y1, (double)a.x2, (double)a.y2, b.class_id, (double)b.confidence, (double)b.x1,
                     (double)b.y1, (double)b.x2, (double)b.y2);
    }
    yk_results_destroy(&results[0]);
    yk_results_destroy(&results[1]);
    yk_engine_destroy(&engine);
}

static void batch_equals_one_by_one(void **state) {
    (void)state;
    yk_engine *engine = load(DETECT, "cpu", 2);
    yk_context *context = context_of(engine, false);
    yk_image images[5];
    char *one[5] = {NULL};
    yk_json_options json = {.size = sizeof json, .no_speed = true};
    for (int i = 0; i < 5; i++) images[i] = picture(SIDE - 8 * (i % 2), 32 + 8 * (i % 3));
    for (int batch = 1; batch <= 4; batch += 3) {
        yk_predict_options options = {.size = sizeof options, .conf = 0.001f, .batch = batch, .rect = YK_ON};
        yk_results *results = NULL;
        assert_int_equal(yk_predict(context, images, 5, &options, &results, NULL), YK_OK);
        for (size_t i = 0; i < 5; i++) {
            char *text = NULL;
            assert_int_equal(yk_results_to_json(results, i, &json, &text, NULL), YK_OK);
            if (batch == 1)
                one[i] = text;
            else
                assert_string_equal(one[i], text);
            if (batch != 1) yk_text_destroy(&text);
        }
        yk_results_destroy(&results);
    }
    for (int i = 0; i < 5; i++) yk_text_destroy(&one[i]);
    yk_context_destroy(&context);
    yk_engine_destroy(&engine);
}

static void pixel_formats_agree(void **state) {
    (void)state;
    yk_engine *engine = load(CLASSIFY, "cpu", 1);
    yk_context *context = context_of(engine, false);
    static uint8_t rgb[SIDE * SIDE * 3], bgra[SIDE * SIDE * 4];
    yk_image images[3] = {picture(SIDE, SIDE), picture(SIDE, SIDE), picture(SIDE, SIDE)};
    for (size_t i = 0; i < SIDE * SIDE; i++)
        for (size_t c = 0; c < 3; c++) {
            rgb[3 * i + c] = pixels[3 * i + 2 - c];
            bgra[4 * i + c] = pixels[3 * i + c];
        }
    images[1].format = YK_PIXELS_RGB;
    images[1].plane[0] = rgb;
    images[2].format = YK_PIXELS_BGRA;
    images[2].plane[0] = bgra;
    images[2].stride[0] = 4 * SIDE;
    yk_results *results = NULL;
    assert_int_equal(yk_predict(context, images, 3, NULL, &results, NULL), YK_OK);
    size_t n = 0;
    const float *first = yk_results_probs(results, 0, &n);
    assert_int_equal(n, 3);
    for (size_t i = 1; i < 3; i++) assert_memory_equal(first, yk_results_probs(results, i, NULL), n * sizeof *first);
    yk_results_destroy(&results);
    yk_context_destroy(&context);
    yk_engine_destroy(&engine);
}

/* ---- wrong use ---- */

static void wrong_arguments(void **state) {
    (void)state;
    yk_engine *engine = NULL;
    yk_context *context = NULL;
    yk_results *results = NULL;
    yk_error error = YK_ERROR_INIT;
    assert_int_equal(yk_engine_load(&engine, NULL, NULL, &error), YK_ERROR_ARGUMENT);
    assert_int_equal(yk_engine_load(&engine, "no/such/file.yolk", NULL, &error), YK_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "no/such/file.yolk"));
    assert_null(engine);
    yk_engine_options odd = {.size = sizeof odd, .device = "tpu"};
    assert_int_equal(yk_engine_load(&engine, DETECT, &odd, &error), YK_ERROR_UNSUPPORTED);
    assert_int_equal(yk_context_create(&context, NULL, NULL, NULL), YK_ERROR_ARGUMENT);
    engine = load(DETECT, "cpu", 1);
    context = context_of(engine, false);
    assert_int_equal(yk_context_prepare(context, 1, 33, 64, &error), YK_ERROR_SHAPE);
    assert_int_equal(yk_context_prepare(context, 0, 64, 64, &error), YK_ERROR_ARGUMENT);
    assert_int_equal(yk_context_prepare(context, 1, 64, 96, &error), YK_OK);
    yk_tensor input = tensor(SIDE);
    assert_int_equal(yk_context_run(context, &input, NULL, NULL, &error), YK_ERROR_ARGUMENT); /* not dense */
    assert_int_equal(yk_context_wait(context, NULL, NULL, &error), YK_ERROR_ARGUMENT);
    yk_image image = picture(SIDE, SIDE);
    yk_predict_options bad_class = {.size = sizeof bad_class, .classes = (int32_t[]){3}, .n_classes = 1};
    assert_int_equal(yk_predict(context, &image, 1, &bad_class, &results, &error), YK_ERROR_ARGUMENT);
    image.stride[0] = 5;
    assert_int_equal(yk_predict(context, &image, 1, NULL, &results, &error), YK_ERROR_ARGUMENT);
    assert_null(results);
    assert_int_equal(yk_results_count(NULL, 0), 0);
    assert_null(yk_engine_class_name(engine, 3));
    assert_null(yk_engine_class_name(engine, -1));
    yk_context_destroy(&context);
    yk_context_destroy(&context);
    yk_engine_destroy(&engine);
    yk_engine_destroy(&engine);
    yk_results_destroy(NULL);
}

/* A caller built against a shorter option struct: what lies behind its size must not be read. */
static void short_options(void **state) {
    (void)state;
    struct {
        yk_predict_options options;
    } poisoned;
    memset(&poisoned, 0xff, sizeof poisoned);
    poisoned.options.size = offsetof(yk_predict_options, iou);
    poisoned.options.conf = 0.5f;
    yk_engine *engine = load(DETECT, "cpu", 1);
    yk_context *context = context_of(engine, false);
    yk_results *results = NULL;
    yk_image image = picture(SIDE, SIDE);
    assert_int_equal(yk_predict(context, &image, 1, &poisoned.options, &results, NULL), YK_OK);
    yk_results_destroy(&results);
    yk_context_destroy(&context);
    yk_engine_destroy(&engine);
}

/* ---- promises about memory ---- */

static void run_allocates_nothing(void **state) {
    (void)state;
    if (!COUNTS_ALLOCATIONS) skip();
    const char *devices[2] = {"cpu", "ref"};
    for (int d = 0; d < 2; d++) {
        yk_engine *engine = load(DETECT, devices[d], 2);
        yk_context *context = context_of(engine, true);
        yk_tensor input = tensor(SIDE);
        assert_int_equal(yk_context_run(context, &input, NULL, NULL, NULL), YK_OK);
        long before = atomic_load(&n_allocations);
        for (int i = 0; i < 20; i++) assert_int_equal(yk_context_run(context, &input, NULL, NULL, NULL), YK_OK);
        assert_int_equal(atomic_load(&n_allocations), before);
        yk_context_destroy(&context);
        yk_engine_destroy(&engine);
    }
}

static long resident_pages(void) {
    long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f) return 0;
    if (fscanf(f, "%ld %ld", &size, &resident) != 2) resident = 0;
    fclose(f);
    return resident;
}

/* Issue: no growth over 100,000 runs. Pages that the allocator keeps vary by a few dozen; a leak of one small block a run
 * would be over a thousand. */
static void no_growth(void **state) {
    (void)state;
    if (!COUNTS_ALLOCATIONS) skip(); /* too slow under a sanitizer, which has its own leak check */
    yk_engine *engine = load(CLASSIFY, "cpu", 1);
    yk_context *context = context_of(engine, false);
    yk_image image = picture(32, 32);
    long start = 0;
    for (int i = 0; i < 100000; i++) {
        yk_results *results = NULL;
        if (yk_predict(context, &image, 1, NULL, &results, NULL) != YK_OK) fail();
        yk_results_destroy(&results);
        if (i == 2000) start = resident_pages();
    }
    assert_true(resident_pages() - start < 200);
    yk_context_destroy(&context);
    yk_engine_destroy(&engine);
}

/* ---- files ---- */

static void temporary(char path[64], const char *name) {
    snprintf(path, 64, "/tmp/yolk-api-%d-%s", (int)getpid(), name);
}

static void same_input(yk_context *context, const char *path, yk_choice3 rect) {
    yk_predict_options options = {.size = sizeof options, .keep_inputs = true, .rect = rect, .imgsz = {96, 64}, .conf = 0.01f};
    yk_json_options json = {.size = sizeof json, .no_speed = true};
    yk_results *results[2] = {NULL, NULL};
    yk_image image = YK_IMAGE_INIT, input[2] = {YK_IMAGE_INIT, YK_IMAGE_INIT};
    char *text[2] = {NULL, NULL};
    assert_int_equal(yk_image_read(&image, path, NULL, NULL), YK_OK);
    assert_int_equal(yk_predict(context, &image, 1, &options, &results[0], NULL), YK_OK);
    assert_int_equal(yk_predict_files(context, &path, 1, &options, &results[1], NULL), YK_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(yk_results_input(results[i], 0, &input[i], NULL), YK_OK);
        assert_int_equal(yk_results_to_json(results[i], 0, &json, &text[i], NULL), YK_OK);
    }
    assert_string_equal(text[0], text[1]);
    assert_int_equal(input[0].width, input[1].width);
    assert_int_equal(input[0].height, input[1].height);
    for (int32_t y = 0; y < input[0].height; y++)
        assert_memory_equal(input[0].plane[0] + y * input[0].stride[0], input[1].plane[0] + y * input[1].stride[0],
                            (size_t)input[0].width * 3);
    for (int i = 0; i < 2; i++) {
        yk_image_destroy(&input[i]);
        yk_text_destroy(&text[i]);
        yk_results_destroy(&results[i]);
    }
    yk_image_destroy(&image);
}

/* A JPEG's rows go into the network's input while they are decoded: the same bytes as by way of a whole picture. */
static void files_are_scaled_as_pictures_are(void **state) {
    (void)state;
    static const int sizes[][2] = {{64, 64},  {64, 96}, {63, 95}, {333, 257}, {20, 211},
                                   {211, 20}, {7, 5},   {1, 1},   {128, 192}, {900, 31}};
    yk_engine *engine = load(DETECT, "cpu", 2);
    yk_context *context = context_of(engine, false);
    char path[64];
    temporary(path, "rows.jpg");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const int w = sizes[i][0], h = sizes[i][1];
        uint8_t *random = malloc((size_t)w * (size_t)h * 3);
        assert_non_null(random);
        for (int k = 0; k < w * h * 3; k++) random[k] = (uint8_t)((k * 7 + k / 50 * 13) ^ (k >> 9));
        yk_image image = {.size = sizeof image, .width = w, .height = h, .plane = {random}, .stride = {w * 3}};
        assert_int_equal(yk_image_write(&image, path, 90, NULL), YK_OK);
        free(random);
        same_input(context, path, YK_OFF);
        same_input(context, path, YK_ON);
    }
    remove(path);
    same_input(context, "tests/golden/images/jpeg-exif-count-past-the-end.jpg", YK_ON);
    yk_context_destroy(&context);
    yk_engine_destroy(&engine);
}

/* Cut files fail in the words of yk_image_read, whether or not rows were out; the picture after them is answered. */
static void cut_files_fail_alike(void **state) {
    (void)state;
    yk_engine *engine = load(DETECT, "cpu", 1);
    yk_context *context = context_of(engine, false);
    uint8_t bytes[20000];
    char path[64];
    FILE *from = fopen("examples/pictures/digits/0.jpg", "rb");
    assert_non_null(from);
    const size_t n = fread(bytes, 1, sizeof bytes, from);
    fclose(from);
    temporary(path, "cut.jpg");
    for (size_t cut = 0; cut < n; cut += n / 9) {
        FILE *to = fopen(path, "wb");
        assert_non_null(to);
        assert_int_equal(fwrite(bytes, 1, cut, to), cut);
        fclose(to);
        const char *paths[2] = {path, "examples/pictures/digits/0.jpg"};
        const char *message = NULL;
        yk_image image = YK_IMAGE_INIT;
        yk_error error = YK_ERROR_INIT;
        yk_results *results = NULL;
        const yk_status status = yk_image_read(&image, path, NULL, &error);
        assert_int_equal(yk_predict_files(context, paths, 2, NULL, &results, NULL), YK_OK);
        assert_int_equal(yk_results_status(results, 0, &message), status);
        assert_string_equal(message, error.message);
        assert_int_equal(yk_results_status(results, 1, NULL), YK_OK);
        yk_results_destroy(&results);
        yk_image_destroy(&image);
    }
    remove(path);
    yk_context_destroy(&context);
    yk_engine_destroy(&engine);
}

/* ---- threads ---- */

typedef struct worker {
    pthread_t thread;
    yk_engine *engine;
    int number, failures;
    char *expected;
} worker;

static void *work(void *argument) {
    worker *w = argument;
    yk_context *context = NULL;
    if (yk_context_create(&context, w->engine, NULL, NULL) != YK_OK) return w->failures++, NULL;
    for (int i = 0; i < 8; i++) {
        /* shapes change from run to run and from thread to thread, so that plans are made, shared and given up at once */
        int side = 32 + 32 * ((i + w->number) % 3);
        yk_predict_options options = {.size = sizeof options, .conf = 0.01f, .imgsz = {side, side}};
        yk_image image = {.size = sizeof image, .width = SIDE, .height = SIDE, .plane = {pixels}, .stride = {3 * SIDE}};
        yk_json_options json = {.size = sizeof json, .no_speed = true};
        yk_results *results = NULL;
        char *text = NULL;
        if (yk_predict(context, &image, 1, &options, &results, NULL) != YK_OK ||
            yk_results_to_json(results, 0, &json, &text, NULL) != YK_OK)
            w->failures++;
        if (side == 64 && text && strcmp(text, w->expected) != 0) w->failures++;
        yk_text_destroy(&text);
        yk_results_destroy(&results);
    }
    yk_context_destroy(&context);
    return NULL;
}

/* n_threads: of the engine that eight threads use; what they must answer comes from an engine of two. */
static void eight_threads_on(int n_threads) {
    yk_engine_options options = {.size = sizeof options, .n_threads = n_threads, .max_shapes = 2, .cache = YK_OFF};
    yk_engine *engine = NULL, *other = load(DETECT, "cpu", 2);
    assert_int_equal(yk_engine_load(&engine, DETECT, &options, NULL), YK_OK);
    yk_context *context = context_of(other, false);
    yk_image image = picture(SIDE, SIDE);
    yk_predict_options predict = {.size = sizeof predict, .conf = 0.01f, .imgsz = {64, 64}};
    yk_json_options json = {.size = sizeof json, .no_speed = true};
    yk_results *results = NULL;
    char *expected = NULL;
    assert_int_equal(yk_predict(context, &image, 1, &predict, &results, NULL), YK_OK);
    assert_int_equal(yk_results_to_json(results, 0, &json, &expected, NULL), YK_OK);
    worker workers[8];
    for (int i = 0; i < 8; i++) {
        workers[i] = (worker){.engine = engine, .number = i, .expected = expected};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].failures, 0);
    }
    yk_text_destroy(&expected);
    yk_results_destroy(&results);
    yk_context_destroy(&context);
    yk_engine_destroy(&engine);
    yk_engine_destroy(&other);
}

static void eight_threads_on_one_engine(void **state) {
    (void)state;
    eight_threads_on(2);
}

/* Throughput mode: each thread runs its pictures alone. */
static void eight_threads_without_a_pool(void **state) {
    (void)state;
    eight_threads_on(1);
}

static void goes_on_after_fork(void **state) {
    (void)state;
    yk_engine *engine = load(CLASSIFY, "cpu", 2);
    yk_context *context = context_of(engine, false);
    yk_image image = picture(32, 32);
    yk_results *results = NULL;
    assert_int_equal(yk_predict(context, &image, 1, NULL, &results, NULL), YK_OK);
    pid_t child = fork();
    if (child == 0) {
        yk_results *again = NULL;
        bool ok = yk_predict(context, &image, 1, NULL, &again, NULL) == YK_OK &&
                  memcmp(yk_results_probs(again, 0, NULL), yk_results_probs(results, 0, NULL), 3 * sizeof(float)) == 0;
        _exit(ok ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    yk_results_destroy(&results);
    yk_context_destroy(&context);
    yk_engine_destroy(&engine);
}

int main(int argc, char **argv) {
    const struct CMUnitTest threads[] = {cmocka_unit_test(eight_threads_on_one_engine),
                                         cmocka_unit_test(eight_threads_without_a_pool), cmocka_unit_test(goes_on_after_fork)};
    const struct CMUnitTest rest[] = {cmocka_unit_test(answers_like_ref),
                                      cmocka_unit_test(dense_and_lazy_agree),
                                      cmocka_unit_test(batch_equals_one_by_one),
                                      cmocka_unit_test(pixel_formats_agree),
                                      cmocka_unit_test(wrong_arguments),
                                      cmocka_unit_test(short_options),
                                      cmocka_unit_test(run_allocates_nothing),
                                      cmocka_unit_test(no_growth),
                                      cmocka_unit_test(files_are_scaled_as_pictures_are),
                                      cmocka_unit_test(cut_files_fail_alike)};
    if (argc > 1 && strcmp(argv[1], "threads") == 0) return cmocka_run_group_tests(threads, NULL, NULL);
    return cmocka_run_group_tests(rest, NULL, NULL);
}
