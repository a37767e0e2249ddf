/* Nested recognition: a report of its own for each piece, out of which the outer report takes what it can use. */
#include "inspect/inside.h"

#include <stdio.h>
#include <string.h>

static bool may_look(const yk__source *outer) {
    return outer->depth < YK__INSIDE_DEPTH && outer->looks && (*outer->looks)-- > 0;
}

/* Shares the outer report's arena, so that facts and texts can be handed over and memory stays within one bound. */
static void look(const yk__source *outer, const yk__piece *piece, yk__report *report, yk__report *inner) {
    const yk__source source = {
        .bytes = piece->bytes, .n = piece->n, .size = piece->size, .depth = outer->depth + 1, .looks = outer->looks};
    memset(inner, 0, sizeof *inner);
    inner->arena = report->arena;
    inner->file = "";
    inner->size = piece->size;
    inner->facts.kind = YK__FACT_OBJECT;
    yk__recognise(&source, inner);
    report->arena = inner->arena;
    report->incomplete |= inner->incomplete;
}

static bool is_known(const yk__report *inner) {
    return strcmp(inner->kind, yk__file_kind_info_get(YK__FILE_KIND_UNKNOWN)->name) != 0;
}

static void take_facts(yk__report *report, const yk__report *inner) {
    for (yk__fact *fact = inner->facts.first, *next; fact; fact = next) {
        next = fact->next;
        fact->next = NULL;
        if (yk__fact_get(&report->facts, fact->name)) continue;
        if (report->facts.last)
            report->facts.last->next = fact;
        else
            report->facts.first = fact;
        report->facts.last = fact;
    }
}

static void take_findings(yk__report *report, const yk__report *inner) {
    for (int32_t i = 0; i < inner->n_findings; i++) {
        const yk__finding *from = &inner->findings[i];
        char where[600];
        bool deeper = strncmp(from->where, "inside", 6) == 0;
        snprintf(where, sizeof where, "%s%s%s", deeper ? "" : "inside", deeper || !*from->where ? "" : ": ", from->where);
        yk__finding *to = yk__report_add(report, from->id, where, from->expected, from->found);
        if (!to) continue;
        to->certainty = from->certainty;
        to->severity = from->severity;
        to->remedy = from->remedy;
    }
}

bool yk__inside_alone(const yk__source *outer, const yk__piece *piece, yk__report *report) {
    yk__report inner;
    if (!piece->bytes || !may_look(outer)) return false;
    look(outer, piece, report, &inner);
    if (!is_known(&inner)) return false;
    for (int32_t i = 0; i < inner.n_container; i++) yk__report_add_kind(report, inner.container[i]);
    take_facts(report, &inner);
    take_findings(report, &inner);
    if (inner.verdict == YK__VERDICT_INVALID) yk__report_lower(report, YK__VERDICT_INVALID);
    return true;
}

/* Engines, then models that yolk builds from, then models of others, then archives of who knows what, then the rest. */
static int telling(const char *kind) {
    static const struct {
        yk__file_kind kind;
        int rank;
    } ranks[] = {
        {YK__FILE_KIND_YOLK_ENGINE, 9},
        {YK__FILE_KIND_ULTRALYTICS_ENGINE, 9},
        {YK__FILE_KIND_TENSORRT_PLAN, 9},
        {YK__FILE_KIND_TENSORRT_ENVELOPE, 9},
        {YK__FILE_KIND_RKNN, 9},
        {YK__FILE_KIND_HAILO, 9},
        {YK__FILE_KIND_ASCEND, 9},
        {YK__FILE_KIND_COREML, 7},
        {YK__FILE_KIND_MNN, 7},
        {YK__FILE_KIND_PADDLE, 7},
        {YK__FILE_KIND_SAVEDMODEL, 7},
        {YK__FILE_KIND_TENSORFLOW_GRAPH, 7},
        {YK__FILE_KIND_TFJS, 7},
        {YK__FILE_KIND_DARKNET, 7},
        {YK__FILE_KIND_CAFFE, 7},
        {YK__FILE_KIND_TORCH_EXPORT, 7},
        {YK__FILE_KIND_EXECUTORCH, 7},
        {YK__FILE_KIND_ONNX, 8},
        {YK__FILE_KIND_PYTORCH_CHECKPOINT, 8},
        {YK__FILE_KIND_TORCHSCRIPT, 7},
        {YK__FILE_KIND_TFLITE, 7},
        {YK__FILE_KIND_OPENVINO, 7},
        {YK__FILE_KIND_NCNN, 7},
        {YK__FILE_KIND_SAFETENSORS, 7},
        {YK__FILE_KIND_KERAS, 7},
        {YK__FILE_KIND_HDF5, 6},
        {YK__FILE_KIND_PICKLE, 6},
        {YK__FILE_KIND_ZIP, 5},
        {YK__FILE_KIND_TAR, 5},
        {YK__FILE_KIND_GZIP, 5},
        {YK__FILE_KIND_ZSTD, 5},
        {YK__FILE_KIND_EMPTY, 0},
        {YK__FILE_KIND_ZEROS, 0},
        {YK__FILE_KIND_TEXT, 1},
    };
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++)
        if (strcmp(kind, yk__file_kind_info_get(ranks[i].kind)->name) == 0) return ranks[i].rank;
    return 2;
}

void yk__inside_begin(yk__inside *inside, yk__report *report) {
    *inside = (yk__inside){.list = yk__fact_list(report, NULL, "entries"), .best = -1};
}

void yk__inside_entry(yk__inside *inside, const yk__source *outer, const yk__piece *piece, yk__report *report) {
    yk__report inner = {0};
    if (inside->n++ >= YK__INSIDE_ENTRIES || !inside->list) return;
    bool known = false;
    if (piece->bytes && may_look(outer)) {
        look(outer, piece, report, &inner);
        known = is_known(&inner);
    }
    yk__fact *entry = yk__fact_object(report, inside->list, NULL);
    if (!entry) return;
    yk__fact_text_n(report, entry, "name", piece->name ? piece->name : "", piece->name_n);
    if (piece->size != YK__SIZE_UNKNOWN) yk__fact_int(report, entry, "size", (int64_t)(piece->size & INT64_MAX));
    yk__fact_text(report, entry, "kind", known ? inner.kind : NULL);
    int rank = known ? telling(inner.container[inner.n_container - 1]) : -1;
    if (rank <= inside->best) return;
    inside->best = rank;
    inside->n_kinds = inner.n_container;
    memcpy(inside->kinds, inner.container, sizeof inside->kinds);
}

void yk__inside_finish(const yk__inside *inside, yk__report *report) {
    for (int i = 0; i < inside->n_kinds; i++) yk__report_add_kind(report, inside->kinds[i]);
    if (inside->n > YK__INSIDE_ENTRIES) yk__fact_int(report, NULL, "n_entries", inside->n);
}
