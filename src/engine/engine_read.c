/* Opens engine files: head, checksums, then each section into its struct. The order matters: nothing is parsed before its
 * checksum has matched, so that damage is called damage and only a faulty writer is called that. */
#include "engine/engine_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checksum.h"
#include "base/text.h"
#include "engine/engine_head.h"
#include "engine/graph_json.h"
#include "engine/recipe_json.h"
#include "engine/selftest_section.h"

/* What the structs of a model may take for each byte of its JSON: a value of 23 bytes of text takes about 100 and lies in a
 * doubling array (at most 3 times that); 64 leaves room for the fixed parts of small models below. */
#define ARENA_PER_JSON_BYTE 64
#define ARENA_LEAST         ((size_t)1 << 20)

/* Sections that version 1 knows, and which of them must be marked required. */
static const struct {
    const char *name;
    bool required, always;
} known[] = {{"recipe", true, true},   {"graph", true, true},        {"weights", true, true},
             {"choices", true, false}, {"provenance", false, false}, {"selftest", false, false}};

typedef struct opening {
    const uint8_t *bytes;
    size_t size;
    yk__engine_file *file;
    yk__report *report;
    yk__error *err;
} opening;

static bool is_plan(const char *name) {
    return yk__starts_with(name, "plan.");
}

const yk__engine_section *yk__engine_section_get(const yk__engine_file *file, const char *name) {
    for (int i = 0; i < file->n_sections; i++)
        if (!strcmp(file->sections[i].name, name)) return &file->sections[i];
    return NULL;
}

/* An optional section whose checksum matched; NULL otherwise. */
static const yk__engine_section *intact(const opening *o, const char *name) {
    const yk__engine_section *section = yk__engine_section_get(o->file, name);
    return section && section->intact ? section : NULL;
}

/* ---- the sections as such ---- */

static yk__code check_known(const opening *o, const yk__engine_section *section) {
    bool optional = is_plan(section->name), is_known = optional;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, section->name) != 0) continue;
        is_known = true;
        optional = !known[i].required;
    }
    if (!is_known && section->required)
        return yk__engine_trouble(o->report, YK__FINDING_SECTION_UNKNOWN, o->err, section->name,
                                  "a section that this yolk knows", "required section %s", section->name);
    if (!is_known)
        yk__report_add(o->report, YK__FINDING_OPTIONAL_SECTION_UNKNOWN, section->name, NULL, NULL);
    else if (optional == section->required)
        return yk__engine_trouble(o->report, YK__FINDING_SECTION_TABLE_INVALID, o->err, section->name,
                                  optional ? "an optional section" : "a required section", "the contrary");
    return YK__OK;
}

static yk__code check_sum(const opening *o, yk__engine_section *section) {
    char expected[64];
    uint64_t sum = yk__xxh3(section->data, (size_t)section->length);
    section->intact = sum == section->checksum;
    if (section->intact) return YK__OK;
    snprintf(expected, sizeof expected, "checksum %016" PRIx64, section->checksum);
    if (section->required)
        return yk__engine_trouble(o->report, YK__FINDING_SECTION_DAMAGED, o->err, section->name, expected, "%016" PRIx64, sum);
    yk__report_find(o->report, YK__FINDING_OPTIONAL_SECTION_DAMAGED, section->name, expected, "%016" PRIx64, sum);
    return YK__OK;
}

static void check_padding(const opening *o) {
    for (int i = 1; i < o->file->n_sections; i++) {
        const yk__engine_section *before = &o->file->sections[i - 1];
        for (uint64_t at = before->offset + before->length; at < o->file->sections[i].offset; at++) {
            if (!o->bytes[at]) continue;
            yk__report_find(o->report, YK__FINDING_PADDING_NOT_ZERO, before->name, "zeros behind this section",
                            "%02x at byte %" PRIu64, o->bytes[at], at);
            return;
        }
    }
}

static yk__code check_sections(const opening *o, const yk__head *head) {
    yk__engine_file *file = o->file;
    for (int i = 0; i < head->n_sections; i++) {
        const yk__head_entry *entry = &head->sections[i];
        yk__engine_section *section = &file->sections[file->n_sections++];
        memcpy(section->name, entry->name, sizeof section->name);
        section->required = entry->flags & YK__ENTRY_REQUIRED;
        section->offset = entry->at;
        section->length = entry->length;
        section->checksum = entry->checksum;
        section->data = o->bytes + entry->at;
        YK__TRY(check_known(o, section));
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].always && !yk__engine_section_get(file, known[i].name))
            return yk__engine_trouble(o->report, YK__FINDING_SECTION_MISSING, o->err, known[i].name, known[i].name, "nothing");
    for (int i = 0; i < file->n_sections; i++) YK__TRY(check_sum(o, &file->sections[i]));
    check_padding(o);
    return YK__OK;
}

/* ---- what is in them ---- */

static yk__code failed(const opening *o, yk__finding_code finding, const yk__engine_section *section, const yk__error *why) {
    return yk__engine_trouble(o->report, finding, o->err, section->name, "", "%s", why->message);
}

static yk__code read_recipe(const opening *o) {
    const yk__engine_section *section = yk__engine_section_get(o->file, "recipe");
    yk__model *model = &o->file->model;
    yk__finding_code finding;
    yk__error why;
    if (yk__recipe_from_json(section->data, (size_t)section->length, &model->graph.arena, &model->recipe, &finding, &why))
        return failed(o, finding, section, &why);
    return YK__OK;
}

static yk__code check_summary(const opening *o, const yk__head_summary *summary) {
    const yk__recipe *recipe = &o->file->model.recipe;
    const char *differs = NULL;
    if (strcmp(summary->task, yk__task_name(recipe->task)) != 0) differs = "task";
    if (strcmp(summary->layout, yk__layout_name(recipe->layout)) != 0) differs = "layout";
    if (summary->height != (uint32_t)recipe->imgsz[0] || summary->width != (uint32_t)recipe->imgsz[1]) differs = "imgsz";
    if (summary->classes != (uint32_t)recipe->n_classes) differs = "classes";
    if (summary->batch != (uint32_t)recipe->batch) differs = "batch";
    if (summary->weights_bytes != yk__engine_section_get(o->file, "weights")->length) differs = "weights_bytes";
    if (!differs) return YK__OK;
    return yk__engine_trouble(o->report, YK__FINDING_SUMMARY_DIFFERS, o->err, "summary", "", "%s differs", differs);
}

static yk__code read_graph(const opening *o) {
    const yk__engine_section *section = yk__engine_section_get(o->file, "graph");
    const yk__engine_section *weights = yk__engine_section_get(o->file, "weights");
    yk__finding_code finding;
    yk__error why;
    if (yk__graph_from_json(section->data, (size_t)section->length, weights->data, weights->length, &o->file->model.graph,
                            &finding, &why))
        return failed(o, finding, section, &why);
    return YK__OK;
}

static yk__code read_choices(const opening *o) {
    const yk__engine_section *section = yk__engine_section_get(o->file, "choices");
    yk__error why;
    if (!section) return YK__OK;
    yk__code code = yk__choices_from_json(section->data, (size_t)section->length, &o->file->model.graph.arena,
                                          &o->file->choices, &o->file->n_choices, &why);
    if (code == YK__MEMORY) return failed(o, YK__FINDING_OUT_OF_MEMORY, section, &why);
    return code ? failed(o, YK__FINDING_CHOICES_INVALID, section, &why) : YK__OK;
}

static void ignore(const opening *o, const yk__engine_section *section, const char *why) {
    yk__report_add(o->report, YK__FINDING_OPTIONAL_SECTION_INVALID, section->name, NULL, why);
}

static void read_plan(const opening *o, const yk__engine_section *section) {
    yk__engine_plan *plan = &o->file->plans[o->file->n_plans];
    yk__arena *arena = &o->file->model.graph.arena;
    const char *backend = section->name + strlen("plan."), *dot = strchr(backend, '.');
    if (!dot || dot == backend || !dot[1] || section->length < YK__PLAN_FINGERPRINT_BYTES ||
        !memchr(section->data, '\0', YK__PLAN_FINGERPRINT_BYTES)) {
        ignore(o, section, "not a plan section's name or fingerprint");
        return;
    }
    *plan = (yk__engine_plan){.backend = yk__arena_strndup(arena, backend, (size_t)(dot - backend)),
                              .isa = yk__arena_strdup(arena, dot + 1),
                              .fingerprint = (const char *)section->data,
                              .bytes = section->data + YK__PLAN_FINGERPRINT_BYTES,
                              .size = (size_t)section->length - YK__PLAN_FINGERPRINT_BYTES};
    if (plan->backend && plan->isa)
        o->file->n_plans++;
    else
        ignore(o, section, "out of memory");
}

/* Trouble with these never stops the engine. */
static void read_optional(const opening *o) {
    const yk__engine_section *section = intact(o, "provenance");
    yk__engine_file *file = o->file;
    yk__error why;
    if (section && yk__provenance_from_json(section->data, (size_t)section->length, &file->model.graph.arena,
                                            &file->model.provenance, &why))
        ignore(o, section, why.message);
    section = intact(o, "selftest");
    if (section && yk__selftest_decode(section->data, (size_t)section->length, &file->selftest, &why))
        ignore(o, section, why.message);
    for (int i = 0; i < file->n_sections; i++)
        if (is_plan(file->sections[i].name) && file->sections[i].intact) read_plan(o, &file->sections[i]);
}

static void add_facts(const opening *o) {
    const yk__model *model = &o->file->model;
    yk__fact *names = yk__fact_list(o->report, NULL, "names");
    for (int32_t i = 0; names && i < model->recipe.n_classes; i++)
        yk__fact_text(o->report, names, NULL, model->recipe.names[i]);
    yk__fact_int(o->report, NULL, "nodes", model->graph.n_nodes);
    if (model->provenance.source_sha256[0]) yk__fact_text(o->report, NULL, "source_sha256", model->provenance.source_sha256);
    if (model->provenance.options) yk__fact_text(o->report, NULL, "options", model->provenance.options);
    yk__fact_bool(o->report, NULL, "selftest", o->file->selftest.n_outputs > 0);
}

/* The arena's bound: what the texts justify. */
static size_t arena_budget(const yk__head *head) {
    size_t text = 0;
    for (int i = 0; i < head->n_sections; i++) {
        const yk__head_entry *entry = &head->sections[i];
        if (!strcmp(entry->name, "weights") || is_plan(entry->name)) continue;
        text += entry->length < YK__ENGINE_MAX_JSON_BYTES ? (size_t)entry->length : YK__ENGINE_MAX_JSON_BYTES;
    }
    return ARENA_LEAST + ARENA_PER_JSON_BYTE * text;
}

static yk__code open_all(const opening *o) {
    yk__engine_file *file = o->file;
    yk__head *head = yk__alloc(sizeof *head); /* 3 KB: not for small thread stacks */
    bool complete;
    if (!head) return yk__fail(o->err, YK__MEMORY, "out of memory for an engine's head");
    yk__code code = yk__head_decode(o->bytes, o->size, o->size, head, &complete, o->report, o->err);
    yk__head_facts(head, o->report);
    if (!code) {
        file->model.graph.arena.budget = arena_budget(head);
        file->format = head->format;
        file->min_reader = head->min_reader;
        file->file_bytes = head->file_bytes;
        file->content_id = head->checksum;
        memcpy(file->writer, head->summary.writer, sizeof file->writer);
        memcpy(file->precision, head->summary.precision, sizeof file->precision);
        file->bytes = o->bytes;
        code = check_sections(o, head);
    }
    if (!code) code = read_recipe(o);
    if (!code) code = check_summary(o, &head->summary);
    if (!code) code = read_graph(o);
    if (!code) code = read_choices(o);
    if (!code) read_optional(o);
    if (!code && o->report) add_facts(o);
    yk__free(head);
    return code;
}

/* ---- entries ---- */

static void set_kind(yk__report *report, const uint8_t *bytes, size_t size) {
    yk__finding_code finding;
    yk__magic magic = yk__magic_look(bytes, size, &finding);
    if (report && magic != YK__MAGIC_NONE && size > 1)
        yk__report_set_kind(report, "yolk-engine", magic == YK__MAGIC_EXACT ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY);
}

static yk__code finish(opening *o, const char *name, yk__code code) {
    if (!code) return YK__OK;
    yk__fail_prefix(o->err, code, "%s", name);
    yk__report_lower(o->report, YK__VERDICT_INVALID);
    yk__engine_close(o->file);
    return code;
}

yk__code yk__engine_open_bytes(const uint8_t *bytes, size_t size, const char *name, yk__engine_file *out, yk__report *report,
                               yk__error *err) {
    opening o = {bytes, size, out, report, err};
    memset(out, 0, sizeof *out);
    yk__model_init(&out->model, ARENA_LEAST);
    if ((uintptr_t)bytes % 8) { /* the largest element */
        yk__map *map = yk__alloc(sizeof *map);
        uint8_t *copy = yk__alloc(size);
        if (!map || !copy) {
            yk__free(map);
            yk__free(copy);
            return finish(&o, name, yk__fail(err, YK__MEMORY, "out of memory for %zu bytes", size));
        }
        memcpy(copy, bytes, size);
        *map = (yk__map){.data = copy, .size = size};
        out->model.mapping = map;
        o.bytes = copy;
    }
    set_kind(report, o.bytes, size);
    return finish(&o, name, open_all(&o));
}

yk__code yk__engine_open(const char *path, yk__engine_file *out, yk__report *report, yk__error *err) {
    yk__map *map = yk__alloc(sizeof *map);
    opening o = {.file = out, .report = report, .err = err};
    memset(out, 0, sizeof *out);
    if (!map) return yk__fail(err, YK__MEMORY, "%s: out of memory", path);
    yk__code code = yk__map_open(map, path, 0, err);
    if (code) {
        yk__report_add(report, YK__FINDING_FILE_UNREADABLE, path, NULL, err ? err->message : NULL);
        yk__free(map);
        return code;
    }
    yk__model_init(&out->model, ARENA_LEAST);
    out->model.mapping = map;
    o.bytes = map->data;
    o.size = map->size;
    if (report) report->size = map->size;
    set_kind(report, o.bytes, o.size);
    return finish(&o, path, open_all(&o));
}

void yk__engine_close(yk__engine_file *file) {
    if (!file) return;
    yk__model_free(&file->model);
    memset(file, 0, sizeof *file);
}

bool yk__engine_looks_like(const uint8_t *bytes, size_t n) {
    yk__finding_code finding;
    return n > 1 && yk__magic_look(bytes, n, &finding) != YK__MAGIC_NONE; /* one byte is also how a PNG begins */
}

yk__code yk__engine_probe(const uint8_t *bytes, size_t n, uint64_t file_size, yk__report *report, yk__error *err) {
    yk__head head;
    bool complete;
    set_kind(report, bytes, n);
    yk__code code = yk__head_decode(bytes, n, file_size, &head, &complete, report, err);
    yk__head_facts(&head, report);
    if (!code && !complete && report) report->incomplete = true;
    return code;
}
