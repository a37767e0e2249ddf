/* Loading engines, and model files through the cache. */
#include "api/api.h"

#include "base/checksum.h"
#include "base/text.h"
#include "engine/cache.h"
#include "graph/size_free.h"
#include "inspect/check.h"

#include <string.h>

#define DEFAULT_PLANS 8 /* shapes of one engine kept at once: a batch of mixed photographs has three or four */

/* ---- backends and threads ---- */

static yk__code choose_device(yk_engine *engine, const yk_engine_options *o, yk__error *err) {
    const char *device = o->device ? o->device : "cpu";
    if (strcmp(device, "ref") == 0) {
        engine->ref = true;
        engine->backend = yk__backend_ref();
        return YK__OK;
    }
    if (strcmp(device, "cpu") != 0)
        return yk__fail(err, YK__UNSUPPORTED, "unknown device '%s': this yolk has cpu and ref", device);
    engine->backend = yk__backend_cpu(o->isa ? yk__cpu_with_cap(o->isa).isa : yk__cpu_get()->isa);
    return YK__OK;
}

static yk__code choose_pool(yk_engine *engine, const yk_engine_options *o, yk__error *err) {
    if (o->n_threads < 0 || o->n_threads > 256)
        return yk__fail(err, YK__ARGUMENT, "%d threads: use 1 to 256, or 0 for one per core", (int)o->n_threads);
    if (o->pool) {
        engine->pool = o->pool->pool;
    } else {
        YK__TRY(yk__pool_create(&engine->pool, o->n_threads, err));
        engine->owns_pool = true;
    }
    engine->n_threads = yk__pool_size(engine->pool);
    return YK__OK;
}

static yk__code make_plans(yk_engine *engine, const yk_engine_options *o, yk__error *err) {
    const yk__node *culprit = NULL;
    /* an export that says its sizes are free is believed: what does not fit shows when a size is planned */
    engine->any_size = engine->model->recipe.dynamic || yk__graph_size_free(&engine->model->graph, yk__ref_evaluate, &culprit);
    engine->fixed_by = culprit ? culprit->name : "";
    yk__plan_options plan = {
        .n_threads = engine->n_threads, .evaluate = yk__ref_evaluate, .pool = engine->pool, .eager = o->lazy_head == YK_OFF};
    if (!engine->ref) plan.backends[plan.n_backends++] = engine->backend;
    plan.backends[plan.n_backends++] = yk__backend_ref();
    if (engine->file) {
        plan.choices = engine->file->choices;
        plan.n_choices = engine->file->n_choices;
    }
    return yk__plans_create(&engine->plans, &engine->model->graph, &plan, o->max_shapes > 0 ? o->max_shapes : DEFAULT_PLANS,
                            err);
}

/* ---- files ---- */

static yk__code open_engine_file(yk_engine *engine, const char *path, yk__report *report, yk__error *err) {
    engine->file = yk__alloc(sizeof *engine->file);
    if (!engine->file) return yk__fail(err, YK__MEMORY, "out of memory for %s", path);
    yk__code code = yk__engine_open(path, engine->file, report, err);
    if (code != YK__OK) {
        yk__free(engine->file);
        engine->file = NULL;
        return code;
    }
    engine->model = &engine->file->model;
    return YK__OK;
}

static const char *head_name(bool end2end) {
    return end2end ? "one-to-one" : "one-to-many";
}

/* An engine is what it was built to be: options of a build that ask for something else are not passed over in silence. */
static yk__code check_settled(const yk_engine *engine, const char *path, const yk_engine_options *o, yk__error *err) {
    yk_build_options b;
    yk__api_options(&b, sizeof b, o->build, sizeof b);
    const yk__recipe *r = &engine->model->recipe;
    const struct {
        const char *what, *asked, *is;
    } settled[] = {
        {"precision", b.precision, engine->file->precision},
        {"task", b.task, yk__task_name(r->task)},
        {"layout of outputs", b.layout, yk__layout_name(r->layout)},
        {"head", b.end2end == YK_DEFAULT ? NULL : head_name(b.end2end == YK_ON), head_name(r->layout == YK__LAYOUT_V8_END2END)},
        {"names", b.names_file, "its own"},
        {"passes", b.passes, "those of its build"},
        {"its model", b.from, "inside"}};
    for (size_t i = 0; i < sizeof settled / sizeof *settled; i++)
        if (settled[i].asked && strcmp(settled[i].asked, settled[i].is) != 0)
            return yk__fail(err, YK__ARGUMENT,
                            "%s: an engine keeps what it was built with (%s: %s); for '%s' build another one from the model",
                            path, settled[i].what, settled[i].is, settled[i].asked);
    return YK__OK;
}

/* Everything besides the source's bytes that decides what is built. */
static void cache_options(const yk_build_options *b, yk__text *text) {
    yk__text_printf(text, "imgsz=%d,%d end2end=%d task=%s layout=%s passes=%s", (int)b->imgsz[0], (int)b->imgsz[1],
                    (int)b->end2end, b->task ? b->task : "", b->layout ? b->layout : "", b->passes ? b->passes : "");
    yk__text_printf(text, " precision=%s", b->precision ? b->precision : "fp32");
}

/* The cache entry for a model file, or NULL when there is to be no cache: the options say so, class names or the network come
 * from a second file, or anything goes wrong. */
static char *cache_entry(const char *path, const yk_engine_options *o, const yk_build_options *b, yk__cache *cache) {
    yk__map map = {0};
    yk__error ignored;
    if (o->cache == YK_OFF || b->names_file || b->from || b->tune || b->choices_from || !yk__cache_open(cache, o->cache_dir))
        return NULL;
    char sha256[65], key[65], *entry = NULL;
    if (yk__map_open(&map, path, 0, &ignored) == YK__OK) {
        yk__text options = {0};
        yk__sha256_hex(map.data, map.size, sha256);
        cache_options(b, &options);
        yk__cache_key(key, sha256, yk__text_get(&options));
        entry = yk__cache_path(cache, key);
        yk__text_free(&options);
        yk__map_close(&map);
    }
    return entry;
}

/* A model file: from the cache, or built now and kept there. The engine works on the built model itself, so that a cache that
 * cannot be written costs nothing. */
static yk__code open_model_file(yk_engine *engine, const char *path, const yk_engine_options *o, yk__error *err) {
    yk_build_options build;
    yk__api_options(&build, sizeof build, o->build, sizeof build);
    yk__cache cache = {0};
    yk__error ignored = {0};
    char *entry = cache_entry(path, o, &build, &cache);
    yk__code code = YK__OK;
    if (entry && yk__cache_touch(entry)) {
        if (open_engine_file(engine, entry, NULL, &ignored) == YK__OK) goto done;
        yk__cache_drop(entry);
    }
    code = yk__api_build_model(path, &build, &engine->built, err);
    if (code != YK__OK) goto done;
    engine->model = engine->built;
    engine->built_bf16 = build.precision && strcmp(build.precision, "bf16") == 0;
    bool self_contained = engine->built->n_more_mappings == 0; /* else the key does not cover the data files */
    if (entry && self_contained && yk__api_write_engine(engine->built, entry, &build, engine->pool, &ignored) == YK__OK)
        yk__cache_trim(&cache, YK__CACHE_MAX_BYTES, entry);
done:
    yk__free(entry);
    yk__cache_close(&cache);
    return code;
}

static bool is_engine(const char *path) {
    uint8_t head[64];
    FILE *f = fopen(path, "rbe");
    if (!f) return true; /* let yk__engine_open say why */
    size_t n = fread(head, 1, sizeof head, f);
    fclose(f);
    return yk__engine_looks_like(head, n);
}

static yk__code load(yk_engine *engine, const char *path, const yk_engine_options *o, yk__error *err) {
    YK__TRY(choose_device(engine, o, err));
    YK__TRY(choose_pool(engine, o, err));
    if (is_engine(path)) {
        yk__report *report = NULL;
        if (o->report) {
            *o->report = yk__alloc(sizeof **o->report);
            if (!*o->report) return yk__fail(err, YK__MEMORY, "out of memory for the report on %s", path);
            report = &(*o->report)->report;
            yk__report_init(report, path, 0);
        }
        YK__TRY(open_engine_file(engine, path, report, err));
        YK__TRY(check_settled(engine, path, o, err));
    } else {
        YK__TRY(open_model_file(engine, path, o, err));
        if (o->report) {
            *o->report = yk__alloc(sizeof **o->report);
            if (!*o->report) return yk__fail(err, YK__MEMORY, "out of memory for the report on %s", path);
            YK__TRY(yk__check_file(path, NULL, &(*o->report)->report, err));
        }
    }
    return make_plans(engine, o, err);
}

yk_status yk_engine_load(yk_engine **out, const char *path, const yk_engine_options *options, yk_error *error) {
    yk__error e = {0};
    if (!out) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_engine_load: no place for the handle");
    *out = NULL;
    if (!path) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_engine_load: the path must not be NULL");
    yk_engine_options o;
    yk__api_options(&o, sizeof o, options, sizeof o);
    if (o.report) *o.report = NULL;
    yk_engine *engine = yk__alloc(sizeof *engine);
    if (!engine) return yk__api_fail(error, YK_ERROR_MEMORY, "out of memory for an engine");
    yk__code code = load(engine, path, &o, &e);
    if (code != YK__OK) {
        yk_engine_destroy(&engine);
        return yk__api_status(error, code, &e);
    }
    *out = engine;
    return YK_OK;
}

void yk_engine_destroy(yk_engine **engine_at) {
    if (!engine_at || !*engine_at) return;
    yk_engine *engine = *engine_at;
    yk__plans_destroy(&engine->plans);
    if (engine->file) yk__engine_close(engine->file);
    yk__free(engine->file);
    if (engine->built) yk__model_free(engine->built);
    yk__free(engine->built);
    if (engine->owns_pool) yk__pool_destroy(&engine->pool);
    yk__free(engine);
    *engine_at = NULL;
}

/* ---- what an engine says of itself ---- */

const char *yk__api_precision(const yk_engine *engine) {
    return engine->file ? engine->file->precision : engine->built_bf16 ? "bf16" : "fp32";
}

yk_status yk_engine_get_info(const yk_engine *engine, yk_engine_info *info, yk_error *error) {
    if (!engine || !info) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_engine_get_info: engine and info must not be NULL");
    const yk__recipe *r = &engine->model->recipe;
    size_t size = info->size && info->size < sizeof *info ? info->size : sizeof *info;
    yk_engine_info full = {.size = size,
                           .task = (yk_task)r->task,
                           .task_name = yk__task_name(r->task),
                           .layout = yk__layout_name(r->layout),
                           .device = engine->ref ? "ref" : "cpu",
                           .isa = engine->backend->isa,
                           .precision = yk__api_precision(engine),
                           .n_threads = engine->n_threads,
                           .n_classes = r->n_classes,
                           .imgsz = {r->imgsz[0], r->imgsz[1]},
                           .stride = r->stride,
                           .channels = r->channels,
                           .any_size = engine->any_size,
                           .rect = r->rect,
                           .end2end = r->layout == YK__LAYOUT_V8_END2END || r->layout == YK__LAYOUT_NMS,
                           .conf = r->conf,
                           .iou = r->iou,
                           .max_det = r->max_det,
                           .kpt_shape = {r->kpt_shape[0], r->kpt_shape[1]},
                           .agnostic = r->agnostic};
    memcpy(info, &full, size);
    return YK_OK;
}

const char *yk_engine_class_name(const yk_engine *engine, int32_t class_id) {
    if (!engine || class_id < 0 || class_id >= engine->model->recipe.n_classes) return NULL;
    return engine->model->recipe.names[class_id];
}

const char *yk_engine_note(const yk_engine *engine, const char *what) {
    if (!engine || !what) return NULL;
    const yk__provenance *p = &engine->model->provenance;
    const char *const notes[][2] = {{"description", p->description},
                                    {"author", p->author},
                                    {"license", p->license},
                                    {"version", p->version},
                                    {"date", p->date}};
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++)
        if (strcmp(what, notes[i][0]) == 0) return notes[i][1];
    return NULL;
}

const char *yk_engine_metric(const yk_engine *engine, size_t i, double *value) {
    if (!engine || i >= (size_t)engine->model->provenance.n_metrics) return NULL;
    if (value) *value = engine->model->provenance.metrics[i].value;
    return engine->model->provenance.metrics[i].name;
}

/* ---- pools ---- */

yk_status yk_pool_create(yk_pool **out, int n_threads, yk_error *error) {
    yk__error e = {0};
    if (!out) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_pool_create: no place for the handle");
    *out = NULL;
    yk_pool *pool = yk__alloc(sizeof *pool);
    if (!pool) return yk__api_fail(error, YK_ERROR_MEMORY, "out of memory for a pool");
    yk__code code = yk__pool_create(&pool->pool, n_threads, &e);
    if (code != YK__OK) {
        yk__free(pool);
        return yk__api_status(error, code, &e);
    }
    *out = pool;
    return YK_OK;
}

void yk_pool_destroy(yk_pool **pool) {
    if (!pool || !*pool) return;
    yk__pool_destroy(&(*pool)->pool);
    yk__free(*pool);
    *pool = NULL;
}

int yk_pool_threads(const yk_pool *pool) {
    return pool ? yk__pool_size(pool->pool) : 1;
}
