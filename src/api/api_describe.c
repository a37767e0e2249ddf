/* Engines in words: what `yolk inspect` shows. */
#include "api/api.h"

#include "base/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void count_graph(const yk__graph *graph, int64_t *parameters, int64_t *weight_bytes) {
    *parameters = *weight_bytes = 0;
    for (int32_t v = 0; v < graph->n_values; v++) {
        int64_t count = 0;
        if (!graph->values[v].data || !yk__shape_count(&graph->values[v].shape, &count)) continue;
        *parameters += count;
        *weight_bytes += count * (int64_t)yk__dtype_size(graph->values[v].dtype);
    }
}

/* Convolutions, and those among them that take bf16. */
static void count_convolutions(const yk__graph *graph, int *all, int *bf16) {
    *all = *bf16 = 0;
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const yk__node *node = &graph->nodes[n];
        if (node->op != YK__OP_CONV) continue;
        (*all)++;
        if (graph->values[node->in[1]].dtype == YK__DTYPE_BF16) (*bf16)++;
    }
}

static void precision_text(const yk_engine *engine, yk__text *text) {
    int all, bf16;
    count_convolutions(&engine->model->graph, &all, &bf16);
    yk__text_printf(text, "precision    %s", yk__api_precision(engine));
    if (bf16) yk__text_printf(text, " in %d of %d convolutions, sums and head fp32", bf16, all);
    yk__text_add(text, "\n");
}

static void summary_text(const yk_engine *engine, yk__text *text) {
    const yk__model *m = engine->model;
    const yk__recipe *r = &m->recipe;
    int64_t parameters, bytes;
    count_graph(&m->graph, &parameters, &bytes);
    yk__text_printf(text, "task         %s\n", yk__task_name(r->task));
    yk__text_printf(text, "layout       %s\n", yk__layout_name(r->layout));
    yk__text_printf(text, "input        %dx%d (height, width), stride %d, %s sizes\n", (int)r->imgsz[0], (int)r->imgsz[1],
                    (int)r->stride, engine->any_size ? "other" : "no other");
    yk__text_printf(text, "pictures     %s, %s, divided by %g\n",
                    r->geometry == YK__GEOMETRY_CLASSIFY_CROP     ? "resized and cropped"
                    : r->geometry == YK__GEOMETRY_CLASSIFY_SQUARE ? "central square, resized"
                    : r->rect                                     ? "letterboxed, padded to the stride"
                                                                  : "letterboxed to the full size",
                    r->bgr ? "BGR" : "RGB", (double)r->scale);
    if (r->task != YK__TASK_CLASSIFY)
        yk__text_printf(text, "defaults     conf %g, iou %g, at most %d detections%s\n", (double)r->conf, (double)r->iou,
                        (int)r->max_det, r->agnostic ? ", NMS across classes" : "");
    yk__text_printf(text, "classes      %d:", (int)r->n_classes);
    for (int32_t i = 0; i < r->n_classes && i < 12; i++) yk__text_printf(text, "%s %s", i ? "," : "", r->names[i]);
    yk__text_add(text, r->n_classes > 12 ? ", ...\n" : "\n");
    yk__text_printf(text, "network      %d operators, %lld parameters, %.1f MB of weights\n", (int)m->graph.n_nodes,
                    (long long)parameters, (double)bytes * 1e-6);
    precision_text(engine, text);
    yk__text_printf(text, "runs on      %s, %s, %d thread%s\n", engine->ref ? "ref" : "cpu", engine->backend->isa,
                    (int)engine->n_threads, engine->n_threads == 1 ? "" : "s");
    for (int32_t i = 0; i < m->provenance.n_metrics; i++)
        yk__text_printf(text, "%s%s %.10g%s", i ? ", " : "measured     ", m->provenance.metrics[i].name,
                        m->provenance.metrics[i].value, i + 1 == m->provenance.n_metrics ? "\n" : "");
    if (m->provenance.source_name)
        yk__text_printf(text, "source       %s (%s)\n", m->provenance.source_name,
                        m->provenance.source_format ? m->provenance.source_format : "");
    if (m->provenance.source_sha256[0]) yk__text_printf(text, "sha256       %s\n", m->provenance.source_sha256);
    if (!engine->file) return;
    yk__text_printf(text, "engine       format %u, written by %s, %llu bytes\n", (unsigned)engine->file->format,
                    engine->file->writer, (unsigned long long)engine->file->file_bytes);
    for (int32_t i = 0; i < engine->file->n_sections; i++) {
        const yk__engine_section *s = &engine->file->sections[i];
        yk__text_printf(text, "  section    %-12s %10llu bytes at %llu%s\n", s->name, (unsigned long long)s->length,
                        (unsigned long long)s->offset, s->required ? "" : "  optional");
    }
}

static json_t *summary_json(const yk_engine *engine) {
    const yk__model *m = engine->model;
    const yk__recipe *r = &m->recipe;
    int64_t parameters, bytes;
    count_graph(&m->graph, &parameters, &bytes);
    json_t *names = json_array();
    for (int32_t i = 0; i < r->n_classes; i++) json_array_append_new(names, json_string(r->names[i]));
    json_t *metrics = json_object();
    for (int32_t i = 0; i < m->provenance.n_metrics; i++)
        json_object_set_new(metrics, m->provenance.metrics[i].name, json_real(m->provenance.metrics[i].value));
    json_t *sections = json_array();
    for (int32_t i = 0; engine->file && i < engine->file->n_sections; i++) {
        const yk__engine_section *s = &engine->file->sections[i];
        json_array_append_new(sections, json_pack("{s:s,s:I,s:I,s:b}", "name", s->name, "offset", (json_int_t)s->offset,
                                                  "length", (json_int_t)s->length, "required", s->required));
    }
    return json_pack("{s:s,s:s,s:s,s:[i,i],s:i,s:b,s:b,s:f,s:f,s:i,s:b,s:o,s:o,s:{s:i,s:I,s:I},s:{s:s?,s:s?,s:s?,s:s?},s:o}",
                     "task", yk__task_name(r->task), "layout", yk__layout_name(r->layout), "precision",
                     yk__api_precision(engine), "imgsz", (int)r->imgsz[0], (int)r->imgsz[1], "stride", (int)r->stride,
                     "any_size", engine->any_size, "rect", r->rect, "conf", (double)r->conf, "iou", (double)r->iou, "max_det",
                     (int)r->max_det, "agnostic", r->agnostic, "names", names, "metrics", metrics, "network", "operators",
                     (int)m->graph.n_nodes, "parameters", (json_int_t)parameters, "weight_bytes", (json_int_t)bytes, "source",
                     "name", m->provenance.source_name, "format", m->provenance.source_format, "sha256",
                     m->provenance.source_sha256, "options", m->provenance.options, "sections", sections);
}

static json_t *shape_json(const yk__shape *shape) {
    json_t *list = json_array();
    for (int i = 0; i < shape->rank; i++) json_array_append_new(list, json_integer(shape->dim[i]));
    return list;
}

static json_t *layers_json(const yk__specialisation *plan) {
    json_t *steps = json_array();
    for (int32_t i = 0; i < plan->n_steps; i++) {
        const yk__step *s = &plan->steps[i];
        json_t *step =
            json_pack("{s:s,s:s,s:s,s:I,s:I,s:f}", "node", s->node ? s->node->name : "", "op",
                      s->node ? yk__op_info_get(s->node->op)->name : "Form", "kernel", s->kernel->name, "packed_bytes",
                      (json_int_t)s->packed_bytes, "scratch_bytes", (json_int_t)s->scratch_bytes, "cost_ns", s->cost_ns);
        if (step && s->n_out > 0) json_object_set_new(step, "out", shape_json(&s->out[0].shape));
        json_array_append_new(steps, step);
    }
    return json_pack("{s:o,s:I,s:I,s:o}", "input", shape_json(&plan->input_shape), "memory_bytes",
                     (json_int_t)plan->memory_bytes, "packed_bytes", (json_int_t)plan->packed_bytes, "steps", steps);
}

static yk_status hand_over_json(json_t *json, char **out, yk_error *error) {
    char *dumped = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    *out = dumped ? yk__strdup(dumped) : NULL;
    free(dumped);
    return *out ? YK_OK : yk__api_fail(error, YK_ERROR_MEMORY, "out of memory for the description");
}

static yk_status hand_over_text(yk__text *text, char **out, yk_error *error) {
    *out = text->failed ? NULL : text->data ? text->data : yk__strdup("");
    if (*out) return YK_OK;
    yk__text_free(text);
    return yk__api_fail(error, YK_ERROR_MEMORY, "out of memory for the description");
}

static yk_status describe_layers(yk_engine *engine, bool json, const yk__plan_key *key, char **out, yk_error *error) {
    yk__error e = {0};
    yk__text text = {0};
    const yk__specialisation *plan = NULL;
    yk__code code = yk__plans_acquire(engine->plans, key, &plan, &e);
    if (code != YK__OK) return yk__api_status(error, code, &e);
    yk_status status;
    if (json) {
        status = hand_over_json(layers_json(plan), out, error);
    } else {
        yk__plan_dump(plan, &text);
        status = hand_over_text(&text, out, error);
    }
    yk__plans_release(engine->plans, plan);
    return status;
}

yk_status yk_engine_describe(yk_engine *engine, yk_describe what, bool json, int32_t batch, int32_t height, int32_t width,
                             char **out, yk_error *error) {
    if (!engine || !out) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_engine_describe: an argument is NULL");
    *out = NULL;
    yk__text text = {0};
    const yk__recipe *r = &engine->model->recipe;
    yk__plan_key key = {
        .batch = batch > 0 ? batch : 1, .height = height > 0 ? height : r->imgsz[0], .width = width > 0 ? width : r->imgsz[1]};
    switch (what) {
    case YK_DESCRIBE_SUMMARY:
        if (json) return hand_over_json(summary_json(engine), out, error);
        summary_text(engine, &text);
        return hand_over_text(&text, out, error);
    case YK_DESCRIBE_LAYERS: return describe_layers(engine, json, &key, out, error);
    case YK_DESCRIBE_GRAPH: yk__graph_dump(&engine->model->graph, &text); return hand_over_text(&text, out, error);
    }
    return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_engine_describe: unknown description %d", (int)what);
}

const char *yk_build_features(void) {
    return "jpeg bmp pnm"
#if YK__WITH_PNG
           " png"
#endif
#if YK__WITH_WEBP
           " webp"
#endif
#if YK__WITH_TIFF
           " tiff"
#endif
#if YK__WITH_AVIF
           " avif"
#endif
#if YK__WITH_HEIF
           " heif"
#endif
#if YK__WITH_DRAW
           " draw"
#endif
#if YK__WITH_ZSTD
           " zstd"
#endif
#if YK__WITH_BUILDER
           " builder"
#endif
        ;
}
