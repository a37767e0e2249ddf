/* ONNX models: protobuf has no magic, so the fields at the top of the file are walked; whether yolk can build the model is
 * import/probe.h's to say. */
#include "inspect/recognise.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "inspect/onnx_parts.h"
#if YK__WITH_BUILDER
#include "import/probe.h"
#endif

/* A file of many empty fields must not take long. A model has some 10 fields and one metadata entry per line of metadata. */
enum { MAX_FIELDS = 4096, MAX_NAME = 512, NEWEST_IR = 255 };

/* What is reported of a model: its metadata, names and shapes. Whole models of thousands of classes take some 100 KB. */
#define PROBE_BUDGET ((size_t)64 << 20)

typedef struct walk {
    int n_fields;
    bool ir_version, graph, opset, producer;
    bool broken;      /* something that no ModelProto has */
    uint64_t needed;  /* where the field at hand ends, when that is behind the end of the file */
    bool at_end;      /* the last field ends the file */
    uint64_t stopped; /* where the fields end */
} walk;

static bool read_varint(const yk__source *source, uint64_t *at, uint64_t *out) {
    *out = 0;
    for (int shift = 0; shift < 64 && *at < source->n; shift += 7) {
        uint8_t byte = source->bytes[(*at)++];
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return true;
    }
    return false;
}

/* producer_name and its kin are short texts; the same field of other protobuf files (SavedModel) holds messages. */
static bool name_ok(const yk__source *source, uint64_t at, uint64_t length) {
    if (length > MAX_NAME || at + length > source->n) return length <= MAX_NAME;
    for (uint64_t i = 0; i < length; i++)
        if (source->bytes[at + i] < 0x20) return false;
    return yk__utf8_valid((const char *)source->bytes + at, (size_t)length);
}

/* One field of ModelProto; false at the end of what can be walked. Fields: 1 ir_version, 2 producer_name, 3 producer_version,
 * 4 domain, 5 model_version, 6 doc_string, 7 graph, 8 opset_import, 14 metadata_props, 20 training_info, 25 functions,
 * 26 configuration. */
static bool walk_field(const yk__source *source, uint64_t *at, walk *seen) {
    uint64_t key, value, start = *at;
    if (!read_varint(source, at, &key)) return false;
    uint64_t field = key >> 3;
    bool number = field == 1 || field == 5;
    bool message = field == 7 || field == 8 || field == 14 || field == 20 || field == 25 || field == 26;
    bool text = field == 2 || field == 3 || field == 4 || field == 6;
    if ((key & 7) != (number ? 0 : 2) || (!number && !message && !text)) {
        seen->broken = true;
        *at = start;
        return false;
    }
    if (!read_varint(source, at, &value)) return false;
    seen->n_fields++;
    if (number) {
        seen->ir_version |= field == 1;
        seen->broken |= field == 1 && (value < 1 || value > NEWEST_IR);
        return !seen->broken;
    }
    seen->broken |= (field == 2 || field == 3 || field == 4) && !name_ok(source, *at, value);
    if (seen->broken) return false;
    seen->producer |= field == 2;
    seen->graph |= field == 7;
    seen->opset |= field == 8;
    if (value > source->size - *at) {
        seen->needed = value > UINT64_MAX - *at ? UINT64_MAX : *at + value;
        return false;
    }
    *at += value;
    return true;
}

static walk walk_fields(const yk__source *source) {
    walk seen = {0};
    uint64_t at = 0;
    while (seen.n_fields < MAX_FIELDS && at < source->n && walk_field(source, &at, &seen)) {
    }
    seen.at_end = at == source->size && !seen.broken;
    seen.stopped = at;
    return seen;
}

static void claim_damaged(yk__report *report, const char *where, const char *why) {
    yk__report_add(report, YK__FINDING_MODEL_DAMAGED, where, NULL, why);
}

#if YK__WITH_BUILDER
static void add_tensors(yk__report *report, yk__fact *facts, const char *name, const yk__probe_tensor *tensors, int32_t n) {
    yk__fact *list = facts ? yk__fact_list(report, facts, name) : NULL;
    for (int32_t i = 0; list && i < n && i < 16; i++) {
        char shape[128];
        yk__fact *tensor = yk__fact_object(report, list, NULL);
        if (!tensor) return;
        yk__fact_text(report, tensor, "name", tensors[i].name);
        yk__fact_text(report, tensor, "dtype", tensors[i].dtype == YK__DTYPE_NONE ? NULL : yk__dtype_name(tensors[i].dtype));
        yk__fact_text(report, tensor, "shape", yk__shape_text(&tensors[i].shape, shape));
    }
}

static void add_facts(yk__report *report, const yk__probe_report *found) {
    yk__fact *facts = yk__fact_object(report, NULL, "onnx");
    if (!facts) return;
    yk__fact_int(report, facts, "ir_version", found->ir_version);
    yk__fact_int(report, facts, "opset", found->opset);
    yk__fact_text(report, facts, "producer", found->producer);
    yk__fact_text(report, facts, "producer_version", found->producer_version);
    yk__fact_int(report, facts, "nodes", found->n_nodes);
    add_tensors(report, facts, "inputs", found->inputs, found->n_inputs);
    add_tensors(report, facts, "outputs", found->outputs, found->n_outputs);
    yk__fact *metadata = found->n_metadata ? yk__fact_object(report, facts, "metadata") : NULL;
    for (int32_t i = 0; metadata && i < found->n_metadata; i++)
        yk__fact_text(report, metadata, found->metadata[i].key, found->metadata[i].value);
}

/* The name in 'node "NAME" ...', with which messages of import begin; else "model". */
static const char *node_of(const char *message, char name[256]) {
    static const char start[] = "node \"";
    const char *end = yk__starts_with(message, start) ? strchr(message + sizeof start - 1, '"') : NULL;
    int n = end ? (int)(end - message) - (int)sizeof start + 1 : 0;
    snprintf(name, 256, "%.*s", n, n > 0 ? message + sizeof start - 1 : "");
    return n > 0 ? name : "model";
}

/* The operators are supported; shapes, constants, inputs and outputs are judged by importing it. */
static void import_it(const yk__source *source, yk__report *report) {
    yk__error err = {0};
    char name[256], folder[4096];
    const size_t n_folder = (size_t)(yk__basename(report->file) - report->file);
    snprintf(folder, sizeof folder, "%.*s", (int)n_folder, report->file);
    const bool has_folder = *report->file && n_folder < sizeof folder;
    yk__code code = yk__probe_import(source->bytes, source->n, !has_folder ? NULL : *folder ? folder : ".", &err);
    switch (code) {
    case YK__OK: yk__report_add(report, YK__FINDING_NEEDS_BUILD, NULL, NULL, "a model that can be built"); return;
    case YK__AMBIGUOUS: yk__report_add(report, YK__FINDING_NEEDS_BUILD, NULL, NULL, err.message); return;
    case YK__MEMORY: yk__report_add(report, YK__FINDING_OUT_OF_MEMORY, NULL, NULL, err.message); return;
    case YK__FORMAT:
    case YK__TRUNCATED: claim_damaged(report, node_of(err.message, name), err.message); return;
    case YK__NOT_FOUND: return; /* external data: yk__onnx_look_for_files says which */
    default: yk__report_add(report, YK__FINDING_MODEL_UNSUPPORTED, node_of(err.message, name), NULL, err.message);
    }
}

/* A finding for what the probe says; false when the bytes are no model after all and the walk was not sure either. */
static bool look_inside(const yk__source *source, bool sure, yk__report *report) {
    yk__arena arena;
    yk__error err = {0};
    yk__probe_report found = {0};
    yk__arena_init(&arena, PROBE_BUDGET);
    yk__code code = yk__probe_onnx(source->bytes, source->n, &arena, &found, &err);
    bool claimed = sure || code == YK__OK;
    if (claimed) yk__claim(report, YK__FILE_KIND_ONNX, YK__CERTAINTY_CERTAIN);
    if (claimed && code)
        claim_damaged(report, "model", err.message);
    else if (claimed) {
        add_facts(report, &found);
        if (found.supported)
            import_it(source, report);
        else
            yk__report_add(report, YK__FINDING_MODEL_UNSUPPORTED, found.bad_node ? found.bad_node : "opset", NULL,
                           found.why_not.message);
    }
    yk__arena_free(&arena);
    return claimed;
}
#else
static bool look_inside(const yk__source *source, bool sure, yk__report *report) {
    (void)source;
    if (!sure) return false;
    yk__claim(report, YK__FILE_KIND_ONNX, YK__CERTAINTY_LIKELY);
    yk__report_lower(report, YK__VERDICT_FOREIGN);
    yk__report_add(report, YK__FINDING_BUILT_WITHOUT_IMPORT, NULL, NULL, NULL);
    return true;
}
#endif

/* Behind a graph and its opsets: zeros were appended; anything else may be damage before as well. */
static void claim_rest(const yk__source *source, const walk *seen, yk__report *report) {
    static const uint8_t zeros[4096];
    char where[32];
    const uint64_t rest = source->n - seen->stopped;
    if (seen->graph && seen->opset && rest > 0 &&
        !memcmp(source->bytes + seen->stopped, zeros, rest < sizeof zeros ? (size_t)rest : sizeof zeros)) {
        yk__claim_end(source, "model", seen->stopped, YK__CERTAINTY_LIKELY, report);
        return;
    }
    snprintf(where, sizeof where, "byte %" PRIu64, seen->stopped);
    claim_damaged(report, where, "bytes that no ONNX model has at its top level");
}

static bool recognise(const yk__source *source, yk__report *report) {
    walk seen = walk_fields(source);
    bool header = seen.ir_version && (seen.producer || seen.opset || seen.graph); /* as every exporter writes it */
    if (seen.broken ? seen.n_fields < 3 || !header : seen.n_fields == 0) return false;
    if (!yk__source_whole(source)) {
        if (!header) return false;
        yk__claim(report, YK__FILE_KIND_ONNX, YK__CERTAINTY_LIKELY);
        if (seen.needed) yk__claim_cut(report, "model", seen.needed, source->size, YK__CERTAINTY_LIKELY);
        return true;
    }
    if (seen.needed && header) {
        yk__claim(report, YK__FILE_KIND_ONNX, YK__CERTAINTY_LIKELY);
        yk__claim_cut(report, "model", seen.needed, source->size, YK__CERTAINTY_LIKELY);
        return true;
    }
    if (seen.broken || !seen.at_end) {
        if (!header || seen.n_fields < 3) return false;
        yk__claim(report, YK__FILE_KIND_ONNX, YK__CERTAINTY_LIKELY);
        claim_rest(source, &seen, report);
        return true;
    }
    if (!seen.graph) return false;
    if (source->deep) return look_inside(source, header && seen.opset, report);
    if (!(header && seen.opset) && !yk__onnx_has_nodes(source)) return false;
    yk__claim(report, YK__FILE_KIND_ONNX, header && seen.opset ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY);
    return true;
}

bool yk__recognise_onnx(const yk__source *source, yk__report *report) {
    if (!recognise(source, report)) return false;
    yk__onnx_look_for_engine(source, report);
    yk__onnx_look_for_files(source, report);
    return true;
}
