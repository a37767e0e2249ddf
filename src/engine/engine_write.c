/* Writes engine files: makes the texts, places the sections, sums, writes. Knows nothing of how they are read. */
#include "engine/engine_write.h"

#include <stdio.h>
#include <string.h>

#include "base/checksum.h"
#include "base/file.h"
#include "base/text.h"
#include "base/version.h"
#include "engine/engine_head.h"
#include "engine/graph_json.h"
#include "engine/json_read.h"
#include "engine/recipe_json.h"
#include "engine/selftest_section.h"

/* What a section is made of: a fixed head (a plan's fingerprint), then bytes in memory; or the weights. */
typedef struct piece {
    char name[YK__ENTRY_NAME_BYTES];
    bool required, weights;
    const void *head;
    size_t head_bytes;
    const void *bytes;
    size_t n_bytes;
} piece;

typedef struct writer {
    const yk__model *model;
    const yk__engine_write_options *options;
    yk__arena arena;
    yk__weights_plan weights;
    yk__text recipe, graph, provenance, choices, selftest;
    piece parts[YK__ENGINE_MAX_SECTIONS];
    yk__head head;
} writer;

/* Where bytes go: a checksum, memory, a file. */
typedef struct sink {
    yk__xxh3_stream *sum;
    uint8_t *memory;
    yk__atomic_file *file;
    yk__error *err;
    yk__code code;
} sink;

static void put(sink *to, const void *bytes, size_t n) {
    if (to->code || n == 0) return;
    if (to->sum) yk__xxh3_add(to->sum, bytes, n);
    if (to->memory) {
        memcpy(to->memory, bytes, n);
        to->memory += n;
    }
    if (to->file) to->code = yk__atomic_write(to->file, bytes, n, to->err);
}

/* n below YK__ENGINE_ALIGN */
static void put_zeros(sink *to, size_t n) {
    static const uint8_t zeros[YK__ENGINE_ALIGN];
    put(to, zeros, n);
}

static void put_weights(sink *to, const yk__graph *graph, const yk__weights_plan *plan) {
    uint64_t at = 0;
    for (int32_t v = 0; v < graph->n_values; v++) {
        const yk__weights_place *place = &plan->places[v];
        if (!place->constant || place->owner != v) continue;
        put_zeros(to, (size_t)(place->at - at));
        put(to, graph->values[v].data, place->bytes);
        at = place->at + place->bytes;
    }
}

static void put_section(sink *to, const writer *job, const piece *part) {
    put(to, part->head, part->head_bytes);
    put(to, part->bytes, part->n_bytes);
    if (part->weights) put_weights(to, &job->model->graph, &job->weights);
}

/* ---- preparing ---- */

static piece *add_section(writer *job, const char *name, bool required) {
    piece *part = &job->parts[job->head.n_sections++];
    snprintf(part->name, sizeof part->name, "%s", name);
    part->required = required;
    return part;
}

static void add_text(writer *job, const char *name, bool required, const yk__text *text) {
    piece *part = add_section(job, name, required);
    part->bytes = yk__text_get(text);
    part->n_bytes = text->length;
}

static bool word_ok(const char *word) {
    size_t n = word ? strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_-") : 0;
    return n > 0 && word[n] == '\0';
}

static yk__code add_plan(writer *job, const yk__engine_plan *plan, yk__error *err) {
    char name[YK__ENTRY_NAME_BYTES];
    if (!word_ok(plan->backend) || !word_ok(plan->isa) || !plan->fingerprint ||
        strlen(plan->fingerprint) >= YK__PLAN_FINGERPRINT_BYTES ||
        (size_t)snprintf(name, sizeof name, "plan.%s.%s", plan->backend, plan->isa) >= sizeof name)
        return yk__fail(err, YK__ARGUMENT, "plan section: backend, instruction set or fingerprint is no short plain word");
    for (int i = 0; i < job->head.n_sections; i++)
        if (!strcmp(job->parts[i].name, name)) return yk__fail(err, YK__ARGUMENT, "two plan sections %s", name);
    char *fingerprint = yk__arena_alloc(&job->arena, YK__PLAN_FINGERPRINT_BYTES);
    if (!fingerprint) return yk__arena_error(&job->arena, "plan section", err);
    memcpy(fingerprint, plan->fingerprint, strlen(plan->fingerprint));
    piece *part = add_section(job, name, false);
    part->head = fingerprint;
    part->head_bytes = YK__PLAN_FINGERPRINT_BYTES;
    part->bytes = plan->bytes;
    part->n_bytes = plan->size;
    return YK__OK;
}

static yk__code add_sections(writer *job, yk__error *err) {
    static const yk__engine_write_options none;
    const yk__engine_write_options *options = job->options ? job->options : &none;
    add_text(job, "recipe", true, &job->recipe);
    add_text(job, "provenance", false, &job->provenance);
    add_text(job, "graph", true, &job->graph);
    if (options->n_choices > 0) {
        yk__choices_to_json(options->choices, options->n_choices, &job->choices);
        add_text(job, "choices", true, &job->choices);
    }
    if (options->selftest) {
        YK__TRY(yk__selftest_encode(options->selftest, &job->selftest, err));
        add_text(job, "selftest", false, &job->selftest);
    }
    add_section(job, "weights", true)->weights = true;
    if (options->n_plans > YK__ENGINE_MAX_SECTIONS - job->head.n_sections)
        return yk__fail(err, YK__ARGUMENT, "%d plan sections are too many", options->n_plans);
    for (int i = 0; i < options->n_plans; i++) YK__TRY(add_plan(job, &options->plans[i], err));
    return YK__OK;
}

static uint64_t section_length(const writer *job, const piece *part) {
    return part->head_bytes + part->n_bytes + (part->weights ? job->weights.total : 0);
}

static void place_sections(writer *job) {
    uint64_t at = YK__ENGINE_HEAD_BYTES;
    for (int i = 0; i < job->head.n_sections; i++) {
        const piece *part = &job->parts[i];
        yk__head_entry *entry = &job->head.sections[i];
        yk__xxh3_stream stream;
        yk__xxh3_begin(&stream);
        put_section(&(sink){.sum = &stream}, job, part);
        memcpy(entry->name, part->name, sizeof part->name);
        entry->flags = part->required ? YK__ENTRY_REQUIRED : 0;
        entry->at = (at + YK__ENGINE_ALIGN - 1) / YK__ENGINE_ALIGN * YK__ENGINE_ALIGN;
        entry->length = section_length(job, part);
        entry->checksum = yk__xxh3_end(&stream);
        at = entry->at + entry->length;
    }
    job->head.file_bytes = at;
}

static void fill_summary(writer *job) {
    const yk__recipe *recipe = &job->model->recipe;
    const char *source = job->model->provenance.source_name;
    yk__head_summary *summary = &job->head.summary;
    yk__head_text(summary->task, 16, yk__task_name(recipe->task));
    yk__head_text(summary->layout, 16, yk__layout_name(recipe->layout));
    yk__head_text(summary->precision, 16, job->options && job->options->precision ? job->options->precision : "fp32");
    yk__head_text(summary->writer, 32, "yolk " YK__VERSION_STRING);
    if (source && yk__utf8_valid(source, strlen(source))) yk__head_text(summary->source, 64, source);
    summary->height = (uint32_t)recipe->imgsz[0];
    summary->width = (uint32_t)recipe->imgsz[1];
    summary->classes = (uint32_t)recipe->n_classes;
    summary->batch = (uint32_t)recipe->batch;
    summary->weights_bytes = job->weights.total;
}

/* A reader would refuse what is larger. */
static yk__code check_text(const yk__text *text, const char *what, yk__error *err) {
    size_t weight = yk__json_weight((const uint8_t *)yk__text_get(text), text->length);
    if (text->length <= YK__ENGINE_MAX_JSON_BYTES && weight <= YK__ENGINE_MAX_JSON_WEIGHT) return YK__OK;
    return yk__fail(err, YK__LIMIT, "the %s takes %zu bytes of JSON with up to %zu items; at most %u and %u can be read back",
                    what, text->length, weight, YK__ENGINE_MAX_JSON_BYTES, YK__ENGINE_MAX_JSON_WEIGHT);
}

static yk__code prepare(writer *job, yk__error *err) {
    const yk__model *model = job->model;
    YK__TRY(yk__recipe_verify(&model->recipe, err));
    YK__TRY(yk__graph_verify(&model->graph, err));
    YK__TRY(yk__weights_plan_make(&model->graph, &job->arena, &job->weights, err));
    yk__recipe_to_json(&model->recipe, &job->recipe);
    yk__graph_to_json(&model->graph, &job->weights, &job->graph);
    yk__provenance_to_json(&model->provenance, &job->provenance);
    job->head.format = YK__ENGINE_FORMAT;
    job->head.min_reader = YK__ENGINE_MIN_READER;
    YK__TRY(add_sections(job, err));
    if (job->recipe.failed || job->graph.failed || job->provenance.failed || job->choices.failed)
        return yk__fail(err, YK__MEMORY, "out of memory for the engine's texts");
    YK__TRY(check_text(&job->recipe, "recipe", err));
    YK__TRY(check_text(&job->graph, "graph", err));
    YK__TRY(check_text(&job->choices, "choices", err));
    place_sections(job);
    fill_summary(job);
    return YK__OK;
}

static void write_all(const writer *job, sink *to) {
    uint8_t head[YK__ENGINE_HEAD_BYTES];
    yk__head_encode(&job->head, head);
    put(to, head, sizeof head);
    uint64_t at = sizeof head;
    for (int i = 0; i < job->head.n_sections; i++) {
        const yk__head_entry *entry = &job->head.sections[i];
        put_zeros(to, (size_t)(entry->at - at));
        put_section(to, job, &job->parts[i]);
        at = entry->at + entry->length;
    }
}

static writer *begin(const yk__model *model, const yk__engine_write_options *options, yk__error *err) {
    writer *job = yk__alloc(sizeof *job);
    if (!job) {
        yk__fail(err, YK__MEMORY, "out of memory for writing an engine");
        return NULL;
    }
    job->model = model;
    job->options = options;
    yk__arena_init(&job->arena, 0);
    return job;
}

static void finish(writer *job) {
    yk__arena_free(&job->arena);
    yk__text_free(&job->recipe);
    yk__text_free(&job->graph);
    yk__text_free(&job->provenance);
    yk__text_free(&job->choices);
    yk__text_free(&job->selftest);
    yk__free(job);
}

yk__code yk__engine_write(const char *path, const yk__model *model, const yk__engine_write_options *options, yk__error *err) {
    yk__atomic_file file = {0};
    writer *job = begin(model, options, err);
    if (!job) return YK__MEMORY;
    yk__code code = prepare(job, err);
    if (!code) code = yk__atomic_open(&file, path, err);
    if (!code) {
        sink to = {.file = &file, .err = err};
        write_all(job, &to);
        code = to.code;
    }
    if (!code) code = yk__atomic_commit(&file, err);
    yk__atomic_abort(&file);
    finish(job);
    return code;
}

yk__code yk__engine_write_memory(uint8_t **data, size_t *size, const yk__model *model, const yk__engine_write_options *options,
                                 yk__error *err) {
    *data = NULL;
    *size = 0;
    writer *job = begin(model, options, err);
    if (!job) return YK__MEMORY;
    yk__code code = prepare(job, err);
    if (!code) {
        *data = yk__alloc((size_t)job->head.file_bytes);
        if (!*data) code = yk__fail(err, YK__MEMORY, "out of memory for an engine of %zu bytes", (size_t)job->head.file_bytes);
    }
    if (!code) {
        *size = (size_t)job->head.file_bytes;
        write_all(job, &(sink){.memory = *data});
    }
    finish(job);
    return code;
}
