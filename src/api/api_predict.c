/* Pictures in, results out: options, geometry, network runs; api_answer.c reads what the network says.
 *
 * Pictures are grouped by network shape and run `batch` at a time; each picture's answer depends on that picture alone. */
#include "api/api_answer.h"

#include "base/clock.h"
#include "base/file.h"

#include <string.h>

/* One picture on its way through. */
typedef struct job {
    yk__api_picture picture; /* source pixels and geometry */
    yk__picture_result *result;
    bool ready; /* decoded and waiting for the network */
} job;

typedef struct request {
    yk_context *context;
    const yk__recipe *recipe;
    yk_predict_options options;
    int32_t imgsz[2]; /* rounded up to the stride */
    bool rect;
    int32_t batch, built_in_batch; /* most pictures of a run; pictures that a run has whatever it is given, 0: none */
    float conf;
    yk__nms_options nms;
    const uint8_t *class_mask;
    yk_results *results;
    job *jobs;
    size_t n_jobs;
} request;

/* ---- options ---- */

static yk__code resolve_size(request *r, yk__error *err) {
    int32_t stride = r->recipe->stride;
    for (int i = 0; i < 2; i++) {
        int32_t side = r->options.imgsz[i] ? r->options.imgsz[i] : r->recipe->imgsz[i];
        if (side < 1 || side > 65536) return yk__fail(err, YK__ARGUMENT, "imgsz %d: use 1 to 65536", (int)side);
        r->imgsz[i] = (side + stride - 1) / stride * stride;
    }
    r->rect = r->options.rect == YK_ON || (r->options.rect == YK_DEFAULT && r->recipe->rect);
    if (r->rect && !r->context->engine->any_size && r->options.rect == YK_DEFAULT) r->rect = false;
    return YK__OK;
}

static yk__code resolve_classes(request *r, yk__error *err) {
    if (!r->options.classes) return YK__OK;
    uint8_t *mask = yk__arena_alloc(&r->results->arena, (size_t)r->recipe->n_classes);
    if (!mask) return yk__arena_error(&r->results->arena, "the class filter", err);
    for (size_t i = 0; i < r->options.n_classes; i++) {
        int32_t c = r->options.classes[i];
        if (c < 0 || c >= r->recipe->n_classes)
            return yk__fail(err, YK__ARGUMENT, "class %d: this model has classes 0 to %d", (int)c,
                            (int)r->recipe->n_classes - 1);
        mask[c] = 1;
    }
    r->class_mask = mask;
    return YK__OK;
}

/* A network whose sizes are built in takes as many pictures as it was exported for; NMS inside a network goes over so many even
 * where sizes are free, and leaves others without answers. Runs of fewer pictures are filled up. */
static void resolve_batch(request *r) {
    if (r->context->engine->any_size && r->recipe->layout != YK__LAYOUT_NMS) return;
    r->batch = r->built_in_batch = r->recipe->batch;
}

static yk__code resolve_options(request *r, yk__error *err) {
    const yk_predict_options *o = &r->options;
    r->conf = o->conf == 0 ? r->recipe->conf : o->conf < 0 ? -1.0f : o->conf;
    r->nms.iou = o->iou == 0 ? (double)r->recipe->iou : o->iou < 0 ? 0.0 : (double)o->iou;
    r->nms.max_det = o->max_det == 0 ? r->recipe->max_det : o->max_det;
    r->nms.agnostic = o->agnostic == YK_DEFAULT ? r->recipe->agnostic : o->agnostic == YK_ON;
    r->batch = o->batch == 0 ? 1 : o->batch;
    if (!(r->conf <= 1.0f)) return yk__fail(err, YK__ARGUMENT, "conf %g: use a value below 1", (double)o->conf);
    if (!(r->nms.iou <= 1.0)) return yk__fail(err, YK__ARGUMENT, "iou %g: use 0 to 1", (double)o->iou);
    if (r->nms.max_det < 1 || r->nms.max_det > YK__MAX_CANDIDATES)
        return yk__fail(err, YK__ARGUMENT, "max_det %d: use 1 to %d", (int)o->max_det, YK__MAX_CANDIDATES);
    if (r->batch < 1 || r->batch > 4096) return yk__fail(err, YK__ARGUMENT, "batch %d: use 1 to 4096", (int)o->batch);
    resolve_batch(r);
    YK__TRY(resolve_size(r, err));
    return resolve_classes(r, err);
}

/* ---- network ---- */

static double ms_since(uint64_t start_ns) {
    return (double)(yk__now_ns() - start_ns) * 1e-6;
}

static yk__code reserve_pixels(yk_context *context, size_t bytes, yk__error *err) {
    if (bytes <= context->pixels_bytes) return YK__OK;
    yk__free(context->pixels);
    context->pixels_bytes = 0;
    context->pixels = yk__alloc(bytes);
    if (!context->pixels) return yk__fail(err, YK__MEMORY, "out of memory for %zu bytes of network-size pictures", bytes);
    context->pixels_bytes = bytes;
    return YK__OK;
}

static bool one_row_per_class(const yk__recipe *recipe) {
    return recipe->layout == YK__LAYOUT_V8_END2END;
}

static yk__code keep_input(const uint8_t *pixels, const yk__api_picture *picture, yk__image *to, yk__error *err) {
    YK__TRY(yk__image_create(to, picture->network_width, picture->network_height, err));
    memcpy(to->pixels, pixels, (size_t)picture->network_width * (size_t)picture->network_height * 3);
    return YK__OK;
}

/* Runs the network on n jobs of one shape. */
static yk__code run_group(request *r, job **group, int32_t n, yk__error *err) {
    yk_context *context = r->context;
    int32_t height = group[0]->picture.network_height, width = group[0]->picture.network_width;
    size_t picture_bytes = (size_t)height * (size_t)width * 3;
    uint64_t start = yk__now_ns();
    const int32_t n_run = r->built_in_batch ? r->built_in_batch : n;
    YK__TRY(yk__api_prepare(context, n_run, height, width, err)); /* the shape is checked before pixels are made */
    YK__TRY(reserve_pixels(context, picture_bytes * (size_t)n, err));
    const uint8_t **pictures = yk__arena_array(&r->results->arena, (size_t)n_run, sizeof *pictures);
    if (!pictures) return yk__arena_error(&r->results->arena, "a batch", err);
    double planning_ms = ms_since(start);
    for (int32_t i = 0; i < n; i++) {
        uint8_t *made = group[i]->picture.made.pixels, *pixels = made ? made : context->pixels + (size_t)i * picture_bytes;
        start = yk__now_ns();
        if (!made) YK__TRY(yk__api_picture_make(&group[i]->picture, pixels, context->engine->pool, err));
        group[i]->result->speed.preprocess_ms += ms_since(start);
        if (r->options.keep_inputs) YK__TRY(keep_input(pixels, &group[i]->picture, &group[i]->result->input, err));
        pictures[i] = pixels;
    }
    for (int32_t i = n; i < n_run; i++) pictures[i] = pictures[0];
    yk__head_params params = {.conf = r->conf,
                              .multi_label = one_row_per_class(r->recipe),
                              .class_mask = one_row_per_class(r->recipe) ? NULL : r->class_mask};
    yk__network_input input = {.pictures = pictures, .picture_row_bytes = 3 * (int64_t)width};
    start = yk__now_ns();
    YK__TRY(yk__context_run(&context->run, &input, &params, err));
    double inference_ms = (ms_since(start) + planning_ms) / n;
    yk__answer_request answers = {.context = context,
                                  .recipe = r->recipe,
                                  .conf = r->conf,
                                  .nms = r->nms,
                                  .class_mask = r->class_mask,
                                  .retina = r->options.retina_masks,
                                  .arena = &r->results->arena};
    for (int32_t i = 0; i < n; i++) {
        start = yk__now_ns();
        YK__TRY(yk__api_answer(&answers, &group[i]->picture, i, group[i]->result, err));
        group[i]->result->speed.inference_ms = inference_ms;
        group[i]->result->speed.postprocess_ms = ms_since(start);
    }
    return YK__OK;
}

/* Groups the waiting jobs by network shape, in order, and runs them. */
static yk__code run_jobs(request *r, yk__error *err) {
    job **group = yk__arena_array(&r->results->arena, (size_t)r->batch, sizeof *group);
    if (!group) return yk__arena_error(&r->results->arena, "a batch", err);
    for (size_t first = 0; first < r->n_jobs; first++) {
        if (!r->jobs[first].ready) continue;
        const yk__api_picture *shape = &r->jobs[first].picture;
        int32_t n = 0;
        for (size_t i = first; i < r->n_jobs && n < r->batch; i++) {
            const yk__api_picture *p = &r->jobs[i].picture;
            if (!r->jobs[i].ready || p->network_height != shape->network_height || p->network_width != shape->network_width)
                continue;
            r->jobs[i].ready = false;
            group[n++] = &r->jobs[i];
        }
        YK__TRY(run_group(r, group, n, err));
    }
    return YK__OK;
}

/* ---- entries ---- */

/* The picture is planned: the network can have it. */
static void add_picture(request *r, size_t i, int32_t width, int32_t height) {
    job *j = &r->jobs[i];
    j->result->width = width;
    j->result->height = height;
    j->result->network_width = j->picture.network_width;
    j->result->network_height = j->picture.network_height;
    j->ready = true;
}

static yk__code add_image(request *r, size_t i, const yk_image *image, yk__error *err) {
    yk__image_view view;
    YK__TRY(yk__api_view(image, &view, err));
    YK__TRY(yk__api_picture_plan(&r->jobs[i].picture, &view, r->recipe, r->imgsz, r->rect, err));
    add_picture(r, i, view.width, view.height);
    return YK__OK;
}

/* *whole: the decoded picture, where there had to be one. */
static yk__code add_file(request *r, size_t i, const char *path, yk__image *whole, yk__error *err) {
    yk__api_picture *picture = &r->jobs[i].picture;
    yk__map map = {0};
    uint64_t start = yk__now_ns();
    yk__code code = yk__map_open(&map, path, 0, err);
    if (code == YK__OK) {
        code = yk__api_picture_decode(picture, map.data ? map.data : (const uint8_t *)"", map.size, path, whole, r->recipe,
                                      r->imgsz, r->rect, err);
    }
    yk__map_close(&map);
    r->jobs[i].result->speed.decode_ms = ms_since(start);
    if (code != YK__OK) return code;
    const bool made = picture->made.pixels != NULL;
    add_picture(r, i, made ? picture->letterbox.source_width : whole->width,
                made ? picture->letterbox.source_height : whole->height);
    return YK__OK;
}

static yk__code fail_picture(request *r, size_t i, yk__code code, const yk__error *from, yk__error *err) {
    r->jobs[i].result->status = code;
    r->jobs[i].result->message = yk__arena_strdup(&r->results->arena, from->message);
    return r->jobs[i].result->message ? YK__OK : yk__arena_error(&r->results->arena, "a message", err);
}

static yk__code begin(request *r, yk_context *context, size_t n, const yk_predict_options *options, yk__error *err) {
    *r = (request){.context = context, .recipe = &context->engine->model->recipe, .n_jobs = n};
    yk__api_options(&r->options, sizeof r->options, options, sizeof r->options);
    r->results = yk__alloc(sizeof *r->results);
    if (!r->results) return yk__fail(err, YK__MEMORY, "out of memory for results");
    yk__arena_init(&r->results->arena, 0);
    r->results->engine = context->engine;
    r->results->n_pictures = n;
    r->results->pictures = yk__arena_array(&r->results->arena, n, sizeof *r->results->pictures);
    r->jobs = yk__alloc_array(n + 1, sizeof *r->jobs);
    if (!r->results->pictures || !r->jobs) return yk__fail(err, YK__MEMORY, "out of memory for results of %zu pictures", n);
    for (size_t i = 0; i < n; i++) r->jobs[i].result = &r->results->pictures[i];
    return resolve_options(r, err);
}

static yk_status end(request *r, yk__code code, const yk__error *e, yk_results **results, yk_error *error) {
    for (size_t i = 0; r->jobs && i < r->n_jobs; i++) yk__api_picture_free(&r->jobs[i].picture);
    yk__free(r->jobs);
    if (code != YK__OK) yk_results_destroy(&r->results);
    *results = r->results;
    return yk__api_status(error, code, e);
}

yk_status yk_predict(yk_context *context, const yk_image *images, size_t n_images, const yk_predict_options *options,
                     yk_results **results, yk_error *error) {
    yk__error e = {0};
    if (!results) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_predict: no place for the results");
    *results = NULL;
    if (!context || (!images && n_images)) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_predict: an argument is NULL");
    request r;
    yk__code code = begin(&r, context, n_images, options, &e);
    for (size_t i = 0; i < n_images && code == YK__OK; i++) code = add_image(&r, i, &images[i], &e);
    if (code == YK__OK) code = run_jobs(&r, &e);
    return end(&r, code, &e, results, error);
}

yk_status yk_predict_files(yk_context *context, const char *const *paths, size_t n_paths, const yk_predict_options *options,
                           yk_results **results, yk_error *error) {
    yk__error e = {0};
    if (!results) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_predict_files: no place for the results");
    *results = NULL;
    if (!context || (!paths && n_paths)) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_predict_files: an argument is NULL");
    request r;
    yk__image *images = yk__alloc_array(n_paths + 1, sizeof *images); /* decoded pictures */
    yk__code code = begin(&r, context, n_paths, options, &e);
    if (code == YK__OK && !images) code = yk__fail(&e, YK__MEMORY, "out of memory for %zu pictures", n_paths);
    for (size_t i = 0; i < n_paths && code == YK__OK; i++) {
        yk__error one = {0};
        yk__code picture = add_file(&r, i, paths[i] ? paths[i] : "", &images[i], &one);
        if (picture != YK__OK) code = fail_picture(&r, i, picture, &one, &e);
    }
    if (code == YK__OK) code = run_jobs(&r, &e);
    for (size_t i = 0; images && i < n_paths; i++) yk__image_free(&images[i]);
    yk__free(images);
    return end(&r, code, &e, results, error);
}
