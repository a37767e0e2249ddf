/* Model file to engine file: import, optimise, self test, write. */
#include "api/api.h"

#include "api/api_tune.h"
#include "base/text.h"
#include "engine/engine_write.h"
#include "graph/size_free.h"

#include <string.h>

static bool is_bf16(const yk_build_options *o) {
    return o->precision && strcmp(o->precision, "bf16") == 0;
}

#if YK__WITH_BUILDER

#include "api/api_rescue.h"
#include "import/import.h"
#include "optimize/optimize.h"

/* Options as text for the provenance: what would have to be typed to get this engine again, defaults left out. */
static const char *options_text(const yk_build_options *o, yk__arena *arena) {
    yk__text text = {0};
    if (o->imgsz[0]) yk__text_printf(&text, " --imgsz %d,%d", (int)o->imgsz[0], (int)o->imgsz[1]);
    if (o->end2end == YK_ON) yk__text_add(&text, " --end2end");
    if (o->task) yk__text_printf(&text, " --task %s", o->task);
    if (o->layout) yk__text_printf(&text, " --layout %s", o->layout);
    if (o->names_file) yk__text_printf(&text, " --names %s", yk__basename(o->names_file));
    if (o->passes) yk__text_printf(&text, " --passes %s", o->passes);
    if (o->from) yk__text_printf(&text, " --from %s", yk__basename(o->from));
    if (is_bf16(o)) yk__text_add(&text, " --precision bf16");
    if (o->tune) yk__text_add(&text, " --tune");
    if (o->choices_from) yk__text_printf(&text, " --choices %s", yk__basename(o->choices_from));
    const char *copy = yk__arena_strdup(arena, text.length ? yk__text_get(&text) + 1 : "");
    yk__text_free(&text);
    return copy;
}

static yk__code check_precision(const char *name, yk__error *err) {
    if (!name || strcmp(name, "fp32") == 0 || strcmp(name, "bf16") == 0) return YK__OK;
    bool planned = strcmp(name, "fp16") == 0 || strcmp(name, "int8") == 0;
    return yk__fail(err, planned ? YK__UNSUPPORTED : YK__ARGUMENT, "%s '%s': use fp32 or bf16",
                    planned ? "this version of yolk does not build precision" : "unknown precision", name);
}

static yk__code import_options(const yk_build_options *o, yk__import_options *to, yk__error *err) {
    *to =
        (yk__import_options){.names_file = o->names_file, .imgsz = {o->imgsz[0], o->imgsz[1]}, .end2end = o->end2end == YK_ON};
    if (o->task && (to->task = yk__task_from_name(o->task)) == YK__TASK_NONE)
        return yk__fail(err, YK__ARGUMENT, "unknown task '%s': use detect, segment, classify, pose or obb", o->task);
    if (o->layout && (to->layout = yk__layout_from_name(o->layout)) == YK__LAYOUT_NONE)
        return yk__fail(err, YK__ARGUMENT, "unknown layout '%s': use probabilities, v8, v8-end2end, nms, v5 or yolox",
                        o->layout);
    return check_precision(o->precision, err);
}

/* The model behind a foreign engine, with what the engine says of it; what the user says comes before both. */
static yk__code import_rescued(const char *engine, const char *from, yk__import_options *options, yk__model *out,
                               yk__error *err) {
    yk__rescue rescue;
    yk__code code = yk__rescue_read(engine, &rescue, err);
    if (code == YK__OK) {
        options->known = &rescue.known;
        if (options->imgsz[0] == 0) memcpy(options->imgsz, rescue.imgsz, sizeof rescue.imgsz);
        code = yk__import_model(from, options, out, err);
    }
    options->known = NULL;
    yk__rescue_free(&rescue);
    return code;
}

yk__code yk__api_build_model(const char *path, const yk_build_options *options, yk__model **out, yk__error *err) {
    *out = NULL;
    yk_build_options o;
    yk__api_options(&o, sizeof o, options, sizeof o);
    yk__import_options import;
    YK__TRY(import_options(&o, &import, err));
    yk__model *model = yk__alloc(sizeof *model);
    if (!model) return yk__fail(err, YK__MEMORY, "out of memory for the model of %s", path);
    yk__code code = o.from ? import_rescued(path, o.from, &import, model, err) : yk__import_model(path, &import, model, err);
    if (code != YK__OK) {
        yk__free(model);
        return code;
    }
    if (o.from) path = o.from;
    code = yk__optimize(model, o.passes, yk__ref_evaluate, err);
    if (code == YK__OK && is_bf16(&o)) code = yk__lower_bf16(model, yk__ref_evaluate, err);
    if (code == YK__OK) model->provenance.options = options_text(&o, &model->graph.arena);
    if (code != YK__OK) {
        yk__fail_prefix(err, code, "%s", path);
        yk__model_free(model);
        yk__free(model);
        return code;
    }
    *out = model;
    return YK__OK;
}

#else

yk__code yk__api_build_model(const char *path, const yk_build_options *options, yk__model **out, yk__error *err) {
    (void)options;
    *out = NULL;
    return yk__fail(err, YK__UNSUPPORTED,
                    "%s: this yolk was built without the builder and only runs engine files: build the engine with a full yolk "
                    "(yolk build MODEL -o ENGINE.yolk)",
                    path);
}

#endif

/* The self test's picture: smooth waves of different lengths per channel plus a little noise, so that every part of a network
 * has something to do. Integer arithmetic only: the same bytes everywhere. */
static void draw_test_picture(uint8_t *pixels, int height, int width) {
    uint32_t noise = 2463534242u; /* xorshift32 with its usual seed */
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++) {
                noise ^= noise << 13;
                noise ^= noise >> 17;
                noise ^= noise << 5;
                int phase = (x * (3 + c) + y * (5 - c)) * 4 % 512;
                int wave = phase < 256 ? phase : 511 - phase;
                *pixels++ = (uint8_t)((wave * 15 + (int)(noise >> 24)) / 16);
            }
}

/* Elements of each output that a self test records, at most: enough that any wrong kernel shows, small in the file. */
#define SELFTEST_SAMPLES 509

/* |y - x| <= tolerance * max(1, |x|). Backends differ by about 1e-5 in scores and 1e-3 in pixels of a hundred
 * (CPU-NOTES: Winograd 1e-3 px at 640); a wrong kernel, weight or layout is off by far more. */
#define SELFTEST_TOLERANCE 2e-3
/* A value on the edge between two bf16 numbers falls to either side with the order of its sum, and is then 0.4 % off: the
 * levels differ from ref by up to 0.033 (yolo11n-seg's coefficients; detectors 0.005). */
#define SELFTEST_TOLERANCE_BF16 0.1

static void test_size(const yk__model *model, int *height, int *width) {
    const yk__recipe *recipe = &model->recipe;
    *height = recipe->imgsz[0];
    *width = recipe->imgsz[1];
    if (!yk__graph_size_free(&model->graph, yk__ref_evaluate, NULL)) return;
    int side = 2 * recipe->stride > 64 ? 2 * recipe->stride : 64; /* two cells of the coarsest level; at least 64 */
    *height = *height < side ? *height : side;
    *width = *width < side ? *width : side;
}

/* Rows of a one-to-one head are sorted by score, so that rounding may swap neighbours: of them the scores are recorded, whose
 * order stays what it is. What NMS inside a network keeps hangs on thresholds: nothing is stable there. */
static bool choose_samples(const yk__recipe *recipe, const yk__shape *shape, int64_t count, yk__selftest_output *output) {
    enum { SCORE = 4 }; /* x y x y score class ... */
    output->step = count / SELFTEST_SAMPLES + 1;
    if (output->index > 0 || (recipe->layout != YK__LAYOUT_V8_END2END && recipe->layout != YK__LAYOUT_NMS)) return true;
    if (recipe->layout == YK__LAYOUT_NMS || shape->rank != 3 || shape->dim[2] <= SCORE) return false;
    output->first = SCORE;
    output->step = shape->dim[2];
    return true;
}

static yk__code record_output(const yk__context *context, const yk__recipe *recipe, int32_t i, yk__selftest *test,
                              yk__arena *arena, yk__error *err) {
    yk__tensor tensor = yk__context_output(context, i);
    int64_t count = 0;
    if (tensor.dtype != YK__DTYPE_F32 || !yk__shape_count(&tensor.shape, &count) || count == 0) return YK__OK;
    yk__selftest_output *output = &test->outputs[test->n_outputs];
    *output = (yk__selftest_output){.index = i, .shape = tensor.shape};
    if (!choose_samples(recipe, &tensor.shape, count, output)) return YK__OK;
    output->n = (count - output->first + output->step - 1) / output->step;
    float *expected = yk__arena_array(arena, (size_t)output->n, sizeof *expected);
    if (!expected) return yk__arena_error(arena, "the self test", err);
    for (int64_t k = 0; k < output->n; k++) expected[k] = ((const float *)tensor.data)[output->first + k * output->step];
    output->expected = expected;
    test->n_outputs++;
    return YK__OK;
}

static yk__code run_selftest(const yk__model *model, yk__context *context, bool bf16, yk__selftest *test, yk__arena *arena,
                             yk__error *err) {
    int height, width;
    test_size(model, &height, &width);
    yk__plan_key key = {.batch = 1, .height = height, .width = width, .dense = true};
    YK__TRY(yk__context_prepare(context, &key, err));
    uint8_t *pixels = yk__arena_array(arena, (size_t)height * (size_t)width, 3);
    if (!pixels) return yk__arena_error(arena, "the self test", err);
    draw_test_picture(pixels, height, width);
    const uint8_t *pictures[1] = {pixels};
    yk__network_input input = {.pictures = pictures, .picture_row_bytes = 3 * (int64_t)width};
    YK__TRY(yk__context_run(context, &input, NULL, err));
    test->input = (yk__tensor){YK__DTYPE_U8, yk__shape_make(4, (int64_t[]){1, height, width, 3}), pixels};
    test->tolerance = bf16 ? SELFTEST_TOLERANCE_BF16 : SELFTEST_TOLERANCE;
    for (int32_t i = 0; i < model->graph.n_outputs && i < YK__SELFTEST_MAX_OUTPUTS; i++)
        YK__TRY(record_output(context, &model->recipe, i, test, arena, err));
    return YK__OK;
}

yk__code yk__api_write_engine(const yk__model *model, const char *path, const yk_build_options *options, yk__pool *pool,
                              yk__error *err) {
    yk_build_options o;
    yk__api_options(&o, sizeof o, options, sizeof o);
    yk__plan_options plan = {.backends = {yk__backend_ref()},
                             .n_backends = 1,
                             .n_threads = yk__pool_size(pool),
                             .evaluate = yk__ref_evaluate,
                             .pool = pool};
    yk__plans *plans = NULL;
    yk__context context = {0};
    yk__selftest test = {0};
    yk__tuned tuned = {0};
    yk__arena arena;
    yk__arena_init(&arena, 0);
    yk__code code = yk__plans_create(&plans, &model->graph, &plan, 1, err);
    if (code == YK__OK && model->recipe.layout != YK__LAYOUT_NMS) {
        yk__context_init(&context, plans, pool);
        code = run_selftest(model, &context, is_bf16(&o), &test, &arena, err);
    }
    if (code == YK__OK && o.choices_from) code = yk__api_choices_from(o.choices_from, &arena, &tuned, err);
    if (code == YK__OK && o.tune) code = yk__api_tune(model, pool, &arena, &tuned, err);
    if (code == YK__OK) {
        yk__engine_write_options write = {.choices = tuned.choices,
                                          .n_choices = tuned.n,
                                          .selftest = test.n_outputs ? &test : NULL,
                                          .precision = o.precision};
        code = yk__engine_write(path, model, &write, err);
    }
    yk__context_free(&context);
    yk__plans_destroy(&plans);
    yk__arena_free(&arena);
    return code;
}

yk_status yk_build(const char *model_path, const char *engine_path, const yk_build_options *options, yk_error *error) {
    yk__error e = {0};
    if (!model_path || !engine_path)
        return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_build: the model's and the engine's paths must not be NULL");
    yk_build_options o;
    yk__api_options(&o, sizeof o, options, sizeof o);
    if (o.progress && !o.progress(o.progress_user, 0.0, "reading the model"))
        return yk__api_fail(error, YK_ERROR_ARGUMENT, "%s: the build was stopped", model_path);
    yk__model *model = NULL;
    yk__pool *pool = NULL;
    yk__code code = yk__api_build_model(model_path, &o, &model, &e);
    if (code == YK__OK && o.progress && !o.progress(o.progress_user, 0.5, "testing and writing the engine"))
        code = yk__fail(&e, YK__ARGUMENT, "%s: the build was stopped", model_path);
    if (code == YK__OK) code = yk__pool_create(&pool, o.n_threads, &e);
    if (code == YK__OK) code = yk__api_write_engine(model, engine_path, &o, pool, &e);
    if (code == YK__OK && o.progress) o.progress(o.progress_user, 1.0, "done");
    yk__pool_destroy(&pool);
    if (model) yk__model_free(model);
    yk__free(model);
    return yk__api_status(error, code, &e);
}
