/* From what stands in a text to causes, likeliest root first. Reads no text itself; explain_match.h does. */
#include "inspect/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/json_text.h"
#include "inspect/explain_match.h"
#include "inspect/serialization.h"

static const yk__cause_info causes[] = {
#define YK__CAUSE(ident, code_, rank_, sentence_, remedy_) \
    {.code = (code_), .rank = YK__CAUSE_RANK_##rank_, .sentence = (sentence_), .remedy = (remedy_)},
#include "inspect/explain_codes.def"
#undef YK__CAUSE
};

const yk__cause_info *yk__cause_info_get(yk__cause cause) {
    static const yk__cause_info unknown = {"unknown", YK__CAUSE_RANK_WARNING, "", ""};
    return (unsigned)cause < YK__CAUSE_COUNT ? &causes[cause] : &unknown;
}

/* ---- the list under construction ---- */

enum { MAX_ENTRIES = 64 };

typedef struct entry {
    yk__explained explained;
    yk__cause_rank rank;
    size_t at;
    int order;
    const char *printed_by, *note;
} entry;

typedef struct draft {
    const yk__sightings *seen;
    entry entries[MAX_ENTRIES];
    int n;
} draft;

static entry *put_cause(draft *d, const yk__sighting *from, yk__cause cause, yk__certainty certainty) {
    if (d->n == MAX_ENTRIES) return NULL;
    entry *e = &d->entries[d->n];
    *e = (entry){.explained = {.cause = cause, .certainty = certainty, .machine = from->machine, .file = from->file},
                 .rank = yk__cause_info_get(cause)->rank,
                 .at = from->at,
                 .order = d->n,
                 .printed_by = from->printed_by,
                 .note = ""};
    d->n++;
    return e;
}

static void put_note(entry *e, const char *note) {
    if (e) e->note = note;
}

/* Another cause of the same message, without its numbers' sentence being said twice. */
static void put_candidate(draft *d, const yk__sighting *from, yk__cause cause) {
    put_cause(d, from, cause, YK__CERTAINTY_CANDIDATE);
}

/* ---- versions ---- */

static int compare_versions(const char *a, const char *b) {
    while (*a && *b) {
        char *a_end, *b_end;
        long x = strtol(a, &a_end, 10), y = strtol(b, &b_end, 10);
        if (x != y) return x < y ? -1 : 1;
        a = *a_end == '.' ? a_end + 1 : a_end;
        b = *b_end == '.' ? b_end + 1 : b_end;
    }
    return 0;
}

/* How two releases came together: where the text does not say, this is one way. */
static void add_two_installed(draft *d, const yk__sighting *from) {
    bool same = d->seen->near[YK__SURROUNDING_SAME_MACHINE];
    entry *e = put_cause(d, from, YK__CAUSE_TWO_TENSORRT_INSTALLED, same ? YK__CERTAINTY_LIKELY : YK__CERTAINTY_CANDIDATE);
    if (same) put_note(e, "The text says that building and loading share a machine.");
}

static void decide_version(draft *d) {
    const yk__sighting *from = &d->seen->of[YK__FAMILY_VERSION];
    if (!from->seen) return;
    if (d->seen->zero_version) {
        put_note(put_cause(d, from, YK__CAUSE_TEXT_MODE_DAMAGE, YK__CERTAINTY_LIKELY),
                 "The message shows 0.0.0 for the file: no version could be read from it.");
        put_candidate(d, from, YK__CAUSE_NOT_A_PLAN);
        put_candidate(d, from, YK__CAUSE_TRUNCATED_OR_TRAILING);
        return;
    }
    entry *e = put_cause(d, from, YK__CAUSE_EXACT_VERSION_MISMATCH, YK__CERTAINTY_CERTAIN);
    if (from->machine.kind && !from->file.kind)
        put_note(e,
                 "The file's version cannot be read from this text: some releases print it as raw bytes, or the text is cut.");
    if (from->machine.kind && from->file.kind) {
        int order = compare_versions(from->file.value, from->machine.value);
        if (order > 0) put_cause(d, from, YK__CAUSE_NEWER_PLAN_ON_OLDER_RUNTIME, YK__CERTAINTY_CERTAIN);
        if (order < 0) put_cause(d, from, YK__CAUSE_OLDER_PLAN_ON_NEWER_RUNTIME, YK__CERTAINTY_CERTAIN);
    }
    add_two_installed(d, from);
}

static void decide_serial(draft *d) {
    const yk__sighting *from = &d->seen->of[YK__FAMILY_SERIAL], *safe = &d->seen->of[YK__FAMILY_SAFE_SERIAL];
    if (!from->seen) from = safe;
    if (!from->seen) return;
    bool is_safe = d->seen->safe_number || (safe->seen && !from->machine.kind && !from->file.kind);
    bool machine_zero = strcmp(from->machine.value, "0") == 0, file_zero = strcmp(from->file.value, "0") == 0;
    if (is_safe && !file_zero) /* from 8.0 on this number is 0; 7.x wrote 96 or 97 */
        put_cause(d, from, YK__CAUSE_OLDER_PLAN_ON_NEWER_RUNTIME, machine_zero ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY);
    if (is_safe && file_zero) put_cause(d, from, YK__CAUSE_NEWER_PLAN_ON_OLDER_RUNTIME, YK__CERTAINTY_CERTAIN);
    put_cause(d, from, YK__CAUSE_SERIALIZATION_VERSION_MISMATCH, YK__CERTAINTY_CERTAIN);
    if (!is_safe && from->machine.kind && from->file.kind) {
        int order = yk__serialization_compare(atoi(from->file.value), atoi(from->machine.value));
        if (order > 0) put_cause(d, from, YK__CAUSE_NEWER_PLAN_ON_OLDER_RUNTIME, YK__CERTAINTY_LIKELY);
        if (order < 0) put_cause(d, from, YK__CAUSE_OLDER_PLAN_ON_NEWER_RUNTIME, YK__CERTAINTY_LIKELY);
    }
    add_two_installed(d, from);
}

/* ---- magic tags ---- */

/* The complaint does not say what the file is: candidates, ordered by what else the text tells. */
static void decide_magic_of(draft *d, yk__family family, yk__cause other_generation, bool versions_fit) {
    const yk__sighting *from = &d->seen->of[family];
    const bool *near = d->seen->near;
    if (!from->seen) return;
    bool model = near[YK__SURROUNDING_MODEL_PATH] && !near[YK__SURROUNDING_ENGINE_PATH];
    bool prefix = near[YK__SURROUNDING_YOLO] && !near[YK__SURROUNDING_AUTOBACKEND] && family != YK__FAMILY_PLAN_TAG;
    if (near[YK__SURROUNDING_MODEL_LOADED])
        put_cause(d, from, YK__CAUSE_NOT_A_PLAN, YK__CERTAINTY_CERTAIN);
    else if (model)
        put_note(put_cause(d, from, YK__CAUSE_NOT_A_PLAN, YK__CERTAINTY_LIKELY), "The text names a model file and no engine.");
    if (prefix)
        put_note(put_cause(d, from, YK__CAUSE_ULTRALYTICS_PREFIX_LIKELY, YK__CERTAINTY_CANDIDATE),
                 "The text speaks of YOLO, and the loader is not Ultralytics' own.");
    if (versions_fit)
        put_note(put_cause(d, from, other_generation, YK__CERTAINTY_CANDIDATE),
                 "The text names releases of TensorRT from both sides of 8.6, where the file format changed.");
    if (!model && !near[YK__SURROUNDING_MODEL_LOADED]) put_candidate(d, from, YK__CAUSE_NOT_A_PLAN);
    if (!versions_fit) put_candidate(d, from, other_generation);
    put_candidate(d, from, YK__CAUSE_TWO_TENSORRT_INSTALLED);
    if (!prefix && !near[YK__SURROUNDING_AUTOBACKEND]) put_candidate(d, from, YK__CAUSE_ULTRALYTICS_PREFIX_LIKELY);
}

static void decide_magic(draft *d) {
    bool both_sides = d->seen->oldest && d->seen->oldest < 806 && d->seen->newest >= 806;
    const yk__sighting *of = d->seen->of;
    if (of[YK__FAMILY_MAGIC_86].seen || of[YK__FAMILY_PLAN_TAG].seen) {
        yk__family family = of[YK__FAMILY_MAGIC_86].seen ? YK__FAMILY_MAGIC_86 : YK__FAMILY_PLAN_TAG;
        decide_magic_of(d, family, YK__CAUSE_OLDER_PLAN_ON_NEWER_RUNTIME, both_sides);
    }
    yk__family old = of[YK__FAMILY_MAGIC_7].seen ? YK__FAMILY_MAGIC_7 : YK__FAMILY_MAGIC_8;
    decide_magic_of(d, old, YK__CAUSE_NEWER_PLAN_ON_OLDER_RUNTIME, both_sides);
}

/* ---- length, text mode ---- */

static void decide_length(draft *d) {
    const yk__sighting *from = &d->seen->of[YK__FAMILY_LENGTH];
    bool windows = d->seen->near[YK__SURROUNDING_WINDOWS];
    if (from->seen && windows)
        put_note(put_cause(d, from, YK__CAUSE_TEXT_MODE_DAMAGE, YK__CERTAINTY_LIKELY),
                 "The text comes from Windows, where a stream opened without binary mode changes line ends.");
    if (from->seen) put_cause(d, from, YK__CAUSE_TRUNCATED_OR_TRAILING, windows ? YK__CERTAINTY_LIKELY : YK__CERTAINTY_CERTAIN);
    if (from->seen && !windows) put_candidate(d, from, YK__CAUSE_TEXT_MODE_DAMAGE);
    from = &d->seen->of[YK__FAMILY_BSIZE];
    if (!from->seen) return;
    put_candidate(d, from, YK__CAUSE_TRUNCATED_OR_TRAILING);
    put_candidate(d, from, YK__CAUSE_EXACT_VERSION_MISMATCH);
}

/* ---- CUDA ---- */

/* Numbers of cudaError: https://docs.nvidia.com/cuda/cuda-runtime-api, "CUDART types". */
static void decide_cuda(draft *d) {
    const yk__sighting *from = &d->seen->of[YK__FAMILY_CUDA_INIT];
    if (!from->seen) return;
    switch (d->seen->cuda_error) {
    case 2: put_cause(d, from, YK__CAUSE_OUT_OF_MEMORY, YK__CERTAINTY_CERTAIN); return;
    case 35:
    case 222: put_cause(d, from, YK__CAUSE_CUDA_DRIVER_TOO_OLD, YK__CERTAINTY_CERTAIN); return;
    case 803: /* driver and its user-mode libraries differ */
    case 804: /* forward compatibility tried on other hardware */
        put_cause(d, from, YK__CAUSE_CUDA_DRIVER_TOO_OLD, YK__CERTAINTY_LIKELY);
        return;
    case 100: put_cause(d, from, YK__CAUSE_CUDA_NO_DEVICE, YK__CERTAINTY_CERTAIN); return;
    default: put_candidate(d, from, YK__CAUSE_CUDA_NO_DEVICE); put_candidate(d, from, YK__CAUSE_CUDA_DRIVER_TOO_OLD);
    }
}

/* ---- UnicodeDecodeError ----
 * Ultralytics' old reader takes the first four bytes for a length and decodes what follows, so position P is byte 4 + P of the
 * file. In plans up to 8.5 the serialization number is at byte 8; in those from 8.6 on, with one section, at byte 64. */
static void decide_utf8(draft *d) {
    yk__sighting from = d->seen->of[YK__FAMILY_UTF8];
    const bool *near = d->seen->near;
    bool reader = near[YK__SURROUNDING_META_LENGTH] || near[YK__SURROUNDING_AUTOBACKEND];
    if (!from.seen || !(reader || near[YK__SURROUNDING_ENGINE_PATH] || near[YK__SURROUNDING_TENSORRT])) return;
    int64_t at = d->seen->utf8_at;
    int byte = d->seen->utf8_byte;
    if ((at == 4 || at == 60) && byte >= 200 && byte <= 250) {
        from.file.kind = YK__SIDE_SERIALIZATION;
        snprintf(from.file.value, sizeof from.file.value, "%d", byte);
    }
    entry *e = put_cause(d, &from, YK__CAUSE_UTF8_DECODE, reader ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY);
    if (at >= 8 && at < 24)
        put_note(
            e, "The byte complained of belongs to a size or version field; that it was not an earlier one speaks for an engine "
               "of TensorRT 8.6 or later.");
    if (from.file.kind) put_note(e, "The byte complained of is, likely, the file's serialization number.");
}

/* ---- all others: the cause of their line ---- */

static bool is_known_place(const draft *d, yk__family family) {
    const bool *near = d->seen->near;
    if (family == YK__FAMILY_MEMORY) return near[YK__SURROUNDING_CUDA] || near[YK__SURROUNDING_TENSORRT];
    if (family == YK__FAMILY_PLUGIN_WORDS) return near[YK__SURROUNDING_TENSORRT];
    if (family == YK__FAMILY_WRAPPER)
        return near[YK__SURROUNDING_TENSORRT] || near[YK__SURROUNDING_CUDA] || near[YK__SURROUNDING_ENGINE_PATH] ||
               *d->seen->of[family].printed_by;
    return true;
}

static void decide_plain(draft *d) {
    static const yk__family plain[] = {YK__FAMILY_EMPTY,           YK__FAMILY_COMPUTE,       YK__FAMILY_PLATFORM,
                                       YK__FAMILY_SM_NUMBER,       YK__FAMILY_DRIVER,        YK__FAMILY_NO_DEVICE,
                                       YK__FAMILY_MEMORY,          YK__FAMILY_MYELIN,        YK__FAMILY_COMPILED_CUDA,
                                       YK__FAMILY_LINKED_CUDA,     YK__FAMILY_OTHER_MODEL,   YK__FAMILY_COMPILED_TRT,
                                       YK__FAMILY_SHARED_OBJECT,   YK__FAMILY_NVINFER_DLL,   YK__FAMILY_NO_MODULE,
                                       YK__FAMILY_PLUGIN,          YK__FAMILY_PLUGIN_WORDS,  YK__FAMILY_OPEN_ERROR,
                                       YK__FAMILY_NO_SUCH_FILE,    YK__FAMILY_WEIGHTS_APART, YK__FAMILY_PROTOBUF,
                                       YK__FAMILY_METADATA_GET,    YK__FAMILY_ATTRIBUTE,     YK__FAMILY_INPUT_SIZE,
                                       YK__FAMILY_PROFILE,         YK__FAMILY_NO_IMPORTER,   YK__FAMILY_ONNX_PARSE,
                                       YK__FAMILY_IMPORTER_ASSERT, YK__FAMILY_OTHER_VERSION, YK__FAMILY_WRAPPER,
                                       YK__FAMILY_OLD_API,         YK__FAMILY_NEW_API,       YK__FAMILY_LINKED_CUDA_ERROR};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        const yk__sighting *from = &d->seen->of[plain[i]];
        if (from->seen && is_known_place(d, plain[i])) put_cause(d, from, from->cause, YK__CERTAINTY_CERTAIN);
    }
    /* the text says "type mismatch"; that a move between systems is behind it is experience */
    const yk__sighting *type = &d->seen->of[YK__FAMILY_TYPE_MISMATCH];
    if (type->seen) put_cause(d, type, YK__CAUSE_PLATFORM_MISMATCH, YK__CERTAINTY_LIKELY);
    /* TensorFlow says this at every start and goes on without TensorRT */
    const yk__sighting *optional = &d->seen->of[YK__FAMILY_OPTIONAL_LIBRARY];
    entry *e = optional->seen ? put_cause(d, optional, YK__CAUSE_LIBRARY_NOT_FOUND, YK__CERTAINTY_CERTAIN) : NULL;
    if (e) e->rank = YK__CAUSE_RANK_ASIDE;
}

/* ---- order ---- */

static int compare_entries(const void *pa, const void *pb) {
    const entry *a = pa, *b = pb;
    if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
    if (a->at != b->at) return a->at < b->at ? -1 : 1;
    return a->order - b->order;
}

static const entry *earlier_of_cause(const draft *d, int i) {
    for (int j = 0; j < i; j++)
        if (d->entries[j].explained.cause == d->entries[i].explained.cause) return &d->entries[j];
    return NULL;
}

/* ---- sentences ---- */

static void add(char *message, size_t size, const char *text) {
    size_t n = strlen(message);
    if (n && n + 1 < size) {
        message[n++] = ' ';
        message[n] = 0;
    }
    snprintf(message + n, size - n, "%s", text);
}

static void describe_side(const yk__side *side, const char *who, bool machine, char *out, size_t size) {
    const char *hint = side->kind == YK__SIDE_SERIALIZATION ? yk__serialization_hint(atoi(side->value)) : NULL;
    switch (side->kind) {
    case YK__SIDE_VERSION:
        snprintf(out, size, "%s %s %s.", who, machine ? "has TensorRT" : "was made by TensorRT", side->value);
        return;
    case YK__SIDE_COMPUTE:
        snprintf(out, size, "%s %s compute capability %s.", machine ? "The GPU used here" : "The file",
                 machine ? "has" : "was built for", side->value);
        return;
    case YK__SIDE_SERIALIZATION:
        snprintf(out, size, "%s %s serialization number %s%s%s%s.", who, machine ? "reads" : "has", side->value,
                 hint ? ", likely TensorRT " : "", hint ? hint : "", "");
        return;
    case YK__SIDE_NONE: *out = 0; return;
    }
}

static void compose(const entry *e, yk__explained *out) {
    char text[160];
    *out = e->explained;
    snprintf(out->message, sizeof out->message, "%s", yk__cause_info_get(out->cause)->sentence);
    describe_side(&out->machine, "This machine", true, text, sizeof text);
    if (*text) add(out->message, sizeof out->message, text);
    describe_side(&out->file, "The file", false, text, sizeof text);
    if (*text) add(out->message, sizeof out->message, text);
    if (*e->note) add(out->message, sizeof out->message, e->note);
    snprintf(text, sizeof text, "The message is one of %s.", e->printed_by);
    if (*e->printed_by) add(out->message, sizeof out->message, text);
}

/* Wrappers hide a cause: they say nothing where one is seen. Warnings say nothing where anything else is. */
static bool is_shown(const entry *e, yk__cause_rank best) {
    if (e->rank == YK__CAUSE_RANK_WRAPPER) return best >= YK__CAUSE_RANK_WRAPPER;
    if (e->rank == YK__CAUSE_RANK_WARNING) return best == YK__CAUSE_RANK_WARNING;
    return true;
}

static void finish(draft *d, yk__explanation *out) {
    qsort(d->entries, (size_t)d->n, sizeof *d->entries, compare_entries);
    for (int i = 0; i < d->n && out->n_found < YK__EXPLAIN_MAX; i++) {
        if (!is_shown(&d->entries[i], d->entries[0].rank) || earlier_of_cause(d, i)) continue;
        compose(&d->entries[i], &out->found[out->n_found++]);
    }
}

/* ---- the whole ---- */

/* Of a text over the bound its beginning and its end, a line break between them. */
static yk__code squeeze_bounded(const char *text, size_t n, yk__squeezed *out, yk__error *err) {
    const size_t half = YK__EXPLAIN_BYTES / 2;
    if (n <= YK__EXPLAIN_BYTES) return yk__squeeze(text, n, out, err);
    char *both = yk__alloc(YK__EXPLAIN_BYTES + 1);
    if (!both) return yk__fail(err, YK__MEMORY, "out of memory for a text of %zu bytes", n);
    memcpy(both, text, half);
    both[half] = '\n';
    memcpy(both + half + 1, text + n - half, half);
    yk__code code = yk__squeeze(both, YK__EXPLAIN_BYTES + 1, out, err);
    yk__free(both);
    return code;
}

yk__code yk__explain(const char *text, size_t n, yk__explanation *out, yk__error *err) {
    yk__squeezed squeezed = {0};
    yk__sightings seen;
    draft *d = NULL;
    out->n_found = 0;
    yk__code code = squeeze_bounded(text, n, &squeezed, err);
    if (code == YK__OK) code = yk__explain_match(&squeezed, &seen, err);
    yk__squeezed_free(&squeezed);
    if (code != YK__OK) return code;
    d = yk__alloc(sizeof *d);
    if (!d) return yk__fail(err, YK__MEMORY, "out of memory for an explanation");
    d->seen = &seen;
    decide_version(d);
    decide_serial(d);
    decide_magic(d);
    decide_length(d);
    decide_cuda(d);
    decide_utf8(d);
    decide_plain(d);
    finish(d, out);
    yk__free(d);
    return YK__OK;
}

/* ---- output ---- */

static const char *const side_kinds[] = {"", "version", "serialization", "compute_capability"};

static void json_side(yk__text *out, const char *key, const yk__side *side) {
    yk__json_key(out, key);
    if (side->kind == YK__SIDE_NONE) {
        yk__text_add(out, "null,");
        return;
    }
    yk__text_printf(out, "{\"kind\":\"%s\",\"value\":\"%s\"},", side_kinds[side->kind], side->value);
}

void yk__explain_json(const yk__explanation *explanation, yk__text *out) {
    yk__text_add(out, "{\"findings\":[");
    for (int i = 0; i < explanation->n_found; i++) {
        const yk__explained *found = &explanation->found[i];
        const yk__cause_info *info = yk__cause_info_get(found->cause);
        yk__text_printf(out, "%s{\"code\":\"%s\",\"certainty\":\"%s\",", i ? "," : "", info->code,
                        yk__certainty_name(found->certainty));
        json_side(out, "file", &found->file);
        json_side(out, "machine", &found->machine);
        yk__json_key(out, "message");
        yk__json_string(out, found->message);
        yk__text_add_char(out, ',');
        yk__json_key(out, "remedy");
        yk__json_string(out, info->remedy);
        yk__text_add_char(out, '}');
    }
    yk__text_add(out, "]}");
}

static void text_side(yk__text *out, const char *label, const yk__side *side) {
    static const char *const names[] = {"", "TensorRT", "serialization number", "compute capability"};
    if (side->kind != YK__SIDE_NONE) yk__text_printf(out, "  %-10s%s %s\n", label, names[side->kind], side->value);
}

void yk__explain_text(const yk__explanation *explanation, yk__text *out) {
    if (explanation->n_found == 0) yk__text_add(out, "not known: the text holds no message that yolk knows\n");
    for (int i = 0; i < explanation->n_found; i++) {
        const yk__explained *found = &explanation->found[i];
        const yk__cause_info *info = yk__cause_info_get(found->cause);
        yk__text_printf(out, "%s%s (%s)\n", i ? "\n" : "", info->code, yk__certainty_name(found->certainty));
        text_side(out, "machine", &found->machine);
        text_side(out, "file", &found->file);
        yk__text_printf(out, "  %-10s%s\n  %-10s%s\n", "meaning", found->message, "do", info->remedy);
    }
}
