/* Could this model be imported? Asked by importing it. */
#include <string.h>

#include "import/import.h"
#include "import/probe.h"

/* What import calls the bytes; messages start with it, and here they need not. */
#define NAME "model"

static void cut_name(yk__error *err) {
    static const char start[] = NAME ": ";
    const size_t n = sizeof start - 1;
    if (strncmp(err->message, start, n) == 0) memmove(err->message, err->message + n, strlen(err->message + n) + 1);
}

yk__code yk__probe_import(const uint8_t *bytes, size_t size, const char *folder, yk__error *err) {
    yk__model model;
    const yk__code code = yk__import_bytes(bytes, size, NAME, folder, NULL, &model, err);
    if (code == YK__OK)
        yk__model_free(&model);
    else
        cut_name(err);
    return code;
}

static const char *keep(yk__arena *arena, const char *text) {
    return text ? yk__arena_strdup(arena, text) : NULL;
}

yk__code yk__probe_pt(const uint8_t *bytes, size_t size, yk__arena *arena, yk__probe_pt_report *report, yk__error *err) {
    yk__model model;
    *report = (yk__probe_pt_report){0};
    const yk__code code = yk__import_bytes(bytes, size, NAME, NULL, NULL, &model, &report->why_not);
    if (code != YK__OK) cut_name(&report->why_not);
    if (code == YK__UNSUPPORTED) return YK__OK;
    if (code != YK__OK) return yk__fail(err, code, "%s", report->why_not.message);
    report->supported = true;
    report->task = keep(arena, yk__task_name(model.recipe.task));
    report->layout = keep(arena, yk__layout_name(model.recipe.layout));
    report->version = keep(arena, model.provenance.version);
    report->date = keep(arena, model.provenance.date);
    report->n_classes = model.recipe.n_classes;
    report->n_nodes = model.graph.n_nodes;
    for (int i = 0; i < 2; i++) report->imgsz[i] = model.recipe.imgsz[i];
    yk__model_free(&model);
    return YK__OK;
}
