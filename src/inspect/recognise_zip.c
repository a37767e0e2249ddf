/* Zip archives and the models that are zips, told by the names of their entries. */
#include "inspect/recognise.h"

#include <string.h>

#include "base/memory.h"
#include "engine/json_read.h"
#include "inspect/facts_json.h"
#include "inspect/inside.h"
#include "inspect/ultralytics_prefix.h"
#include "inspect/unpack.h"
#include "inspect/zip_list.h"
#if YK__WITH_BUILDER
#include "import/probe.h"
#endif

/* What the probe keeps of a checkpoint: a few names. */
#define PROBE_BUDGET ((size_t)1 << 20)

/* What the names of the entries say. */
typedef struct contents {
    bool pickle, code, keras, coreml, exported, arrays_only;
} contents;

static contents see_names(const yk__zip_list *list) {
    contents seen = {.arrays_only = list->n > 0};
    bool manifest = false, coreml = false, h5 = false, config = false;
    for (int i = 0; i < list->n; i++) {
        const yk__zip_entry *entry = &list->entries[i];
        seen.pickle |= yk__zip_name_ends(entry, "/data.pkl") || yk__zip_name_is(entry, "data.pkl");
        seen.code |= yk__zip_name_has(entry, "/code/");
        seen.exported |= yk__zip_name_ends(entry, "serialized_exported_program.json") ||
                         yk__zip_name_ends(entry, "/archive_format") || yk__zip_name_ends(entry, "models/model.json");
        seen.arrays_only &= yk__zip_name_ends(entry, ".npy");
        h5 |= yk__zip_name_is(entry, "model.weights.h5");
        config |= yk__zip_name_is(entry, "config.json");
        manifest |= yk__zip_name_ends(entry, "Manifest.json");
        coreml |= yk__zip_name_has(entry, "Data/com.apple.CoreML/");
    }
    seen.keras = h5 && config;
    seen.coreml = manifest && coreml;
    return seen;
}

static yk__file_kind zip_kind(const contents *seen) {
    if (seen->pickle) return seen->code ? YK__FILE_KIND_TORCHSCRIPT : YK__FILE_KIND_PYTORCH_CHECKPOINT;
    if (seen->keras) return YK__FILE_KIND_KERAS;
    if (seen->coreml) return YK__FILE_KIND_COREML;
    if (seen->exported) return YK__FILE_KIND_TORCH_EXPORT;
    return seen->arrays_only ? YK__FILE_KIND_NUMPY : YK__FILE_KIND_ZIP;
}

/* ---- what lies inside ---- */

/* The beginning of an entry, unpacked where it is compressed: then *unpacked is the caller's. */
static yk__piece piece_of(const yk__source *source, const yk__zip_entry *entry, size_t limit, uint8_t **unpacked) {
    yk__piece piece = {.size = entry->size == UINT64_MAX ? YK__SIZE_UNKNOWN : entry->size,
                       .name = (const char *)entry->name,
                       .name_n = entry->name_n};
    size_t n = yk__zip_at_hand(source, entry);
    *unpacked = NULL;
    if (entry->encrypted || entry->at >= source->n) return piece;
    if (entry->method == YK__ZIP_STORED) {
        piece.bytes = source->bytes + entry->at;
        piece.n = n;
    } else if (entry->method == YK__ZIP_DEFLATED) {
        yk__unpacked out = yk__unpack(YK__PACKING_DEFLATE, source->bytes + entry->at, n, limit, false);
        *unpacked = out.bytes;
        piece.bytes = out.n > 0 ? out.bytes : out.ended ? source->bytes : NULL; /* empty, or nothing known */
        piece.n = out.n;
        if (out.ended) piece.size = out.n;
    }
    if (piece.size < piece.n) piece.size = piece.n;
    return piece;
}

static bool is_folder(const yk__zip_entry *entry) {
    return entry->name_n == 0 || entry->name[entry->name_n - 1] == '/';
}

static void list_entries(const yk__source *source, const yk__zip_list *list, yk__report *report) {
    yk__inside inside;
    int n_files = 0;
    for (int i = 0; i < list->n; i++) n_files += !is_folder(&list->entries[i]);
    if (n_files == 0) return;
    yk__inside_begin(&inside, report);
    for (int i = 0; i < list->n; i++) {
        uint8_t *unpacked;
        if (is_folder(&list->entries[i])) continue;
        if (inside.n >= YK__INSIDE_ENTRIES) {
            inside.n++;
            continue;
        }
        yk__piece piece = piece_of(source, &list->entries[i], n_files == 1 ? YK__INSIDE_ALONE : YK__INSIDE_OF_MANY, &unpacked);
        if (n_files == 1 && yk__inside_alone(source, &piece, report)) inside.best = 100; /* it is in the report already */
        yk__inside_entry(&inside, source, &piece, report);
        yk__free(unpacked);
    }
    yk__inside_finish(&inside, report);
}

/* Serialized engines inside of models: torch2trt keeps the plan in its pickle, Torch-TensorRT names its class there. */
static void look_for_engine(const yk__source *source, const yk__zip_list *list, yk__report *report) {
    for (int i = 0; i < list->n; i++) {
        const yk__zip_entry *entry = &list->entries[i];
        if (!yk__zip_name_ends(entry, ".pkl") || entry->method != YK__ZIP_STORED || entry->at >= source->n) continue;
        if (yk__holds_plan(source, source->bytes + entry->at, yk__zip_at_hand(source, entry), report)) return;
    }
}

/* Ultralytics' TorchScript exports carry the same metadata as its engines, in an entry of their own. */
static void add_metadata(const yk__source *source, const yk__zip_list *list, yk__report *report) {
    for (int i = 0; i < list->n; i++) {
        const yk__zip_entry *entry = &list->entries[i];
        json_t *root = NULL;
        if (!yk__zip_name_ends(entry, "/extra/config.txt") || entry->method != YK__ZIP_STORED) continue;
        const size_t n = yk__zip_at_hand(source, entry);
        if (n == 0 || n != entry->size || n > YK__PREFIX_MAX_JSON) return;
        if (yk__json_parse_within(source->bytes + entry->at, n, YK__PREFIX_MAX_WEIGHT, "metadata", &root, NULL) == YK__OK)
            yk__fact_json(report, NULL, "ultralytics", root, 3);
        json_decref(root);
        return;
    }
}

#if YK__WITH_BUILDER
static void add_facts(yk__report *report, const yk__probe_pt_report *found) {
    yk__fact *facts = yk__fact_object(report, NULL, "checkpoint");
    if (!facts) return;
    yk__fact_text(report, facts, "task", found->task);
    yk__fact_text(report, facts, "layout", found->layout);
    yk__fact_int(report, facts, "classes", found->n_classes);
    yk__fact_int(report, facts, "height", found->imgsz[0]);
    yk__fact_int(report, facts, "width", found->imgsz[1]);
    yk__fact_text(report, facts, "version", found->version);
    yk__fact_text(report, facts, "date", found->date);
}

/* The module that a message of import begins with ("/model.9 ..."), else "checkpoint". */
static const char *part_of(const char *message, char part[64]) {
    const size_t n = strcspn(message, " :");
    if (message[0] != '/' || n >= 64) return "checkpoint";
    memcpy(part, message, n);
    part[n] = '\0';
    return part;
}

/* A whole checkpoint: what import makes of it. */
static void import_it(const yk__source *source, yk__report *report) {
    yk__arena arena;
    yk__error err = {0};
    yk__probe_pt_report found;
    char part[64];
    yk__arena_init(&arena, PROBE_BUDGET);
    if (yk__probe_pt(source->bytes, source->n, &arena, &found, &err) != YK__OK) {
        yk__report_add(report, YK__FINDING_MODEL_DAMAGED, "checkpoint", NULL, err.message);
    } else if (!found.supported) {
        yk__report_add(report, YK__FINDING_MODEL_UNSUPPORTED, part_of(found.why_not.message, part), NULL,
                       found.why_not.message);
    } else {
        add_facts(report, &found);
        yk__report_add(report, YK__FINDING_NEEDS_BUILD, NULL, NULL, "a checkpoint that can be built");
    }
    yk__arena_free(&arena);
}
#else
static void import_it(const yk__source *source, yk__report *report) {
    (void)source;
    yk__report_lower(report, YK__VERDICT_FOREIGN);
    yk__report_add(report, YK__FINDING_BUILT_WITHOUT_IMPORT, NULL, NULL, NULL);
}
#endif

/* Without its directory the archive is cut; with one it ends where that says. */
static void check_end(const yk__source *source, const yk__zip_list *list, yk__report *report) {
    if (list->directory)
        yk__claim_end(source, "zip directory", list->needed, YK__CERTAINTY_CERTAIN, report);
    else if (yk__source_whole(source))
        yk__claim_cut(report, "zip directory", list->needed > source->size ? list->needed : 0, source->size,
                      YK__CERTAINTY_CERTAIN);
    else if (list->needed > source->size)
        yk__claim_cut(report, "zip entry", list->needed, source->size, YK__CERTAINTY_CERTAIN);
}

bool yk__recognise_zip(const yk__source *source, yk__report *report) {
    yk__zip_list list;
    bool empty = yk__source_has(source, 0, "PK\5\6", 4) && source->size >= 22;
    if (!empty && !yk__source_has(source, 0, "PK\3\4", 4)) return false;
    yk__zip_list_read(source, &list);
    const contents seen = see_names(&list);
    const yk__file_kind kind = zip_kind(&seen);
    yk__claim(report, kind, list.directory ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY);
    check_end(source, &list, report);
    if (kind == YK__FILE_KIND_ZIP) list_entries(source, &list, report);
    if (kind == YK__FILE_KIND_TORCHSCRIPT) add_metadata(source, &list, report);
    if (kind == YK__FILE_KIND_TORCHSCRIPT || kind == YK__FILE_KIND_PYTORCH_CHECKPOINT) look_for_engine(source, &list, report);
    const bool whole = list.directory && report->verdict == YK__VERDICT_VALID;
    if (kind == YK__FILE_KIND_PYTORCH_CHECKPOINT && whole && source->deep) import_it(source, report);
    yk__zip_list_free(&list);
    return true;
}
