/* Zip archives and the models that are zips, told by the names of their entries. Nothing is unpacked. */
#include "inspect/recognise.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/engine_format.h"
#if YK__WITH_BUILDER
#include "import/probe.h"
#endif

enum {
    LOCAL_HEAD = 30,   /* "PK\3\4" entry header before the name */
    CENTRAL_HEAD = 46, /* "PK\1\2" */
    END_HEAD = 22,     /* "PK\5\6" */
    MAX_COMMENT = 65535,
    MAX_ENTRIES = 4096,        /* a large checkpoint has some 500 */
    LOCAL_SEARCH = 256 * 1024, /* names are looked for here when the directory is lost: torch writes data.pkl first */
};

/* What the probe keeps of a checkpoint: a few names. */
#define PROBE_BUDGET ((size_t)1 << 20)

typedef struct contents {
    bool pickle, code, keras, arrays_only;
    int n_entries;
} contents;

static bool name_ends(const uint8_t *name, size_t n, const char *end) {
    size_t m = strlen(end);
    return n >= m && !memcmp(name + n - m, end, m);
}

static void see_name(contents *seen, const uint8_t *name, size_t n) {
    if (seen->n_entries++ == 0) seen->arrays_only = true;
    seen->pickle |= name_ends(name, n, "/data.pkl") || (n == 8 && !memcmp(name, "data.pkl", 8));
    seen->code |= memmem(name, n, "/code/", 6) != NULL;
    seen->keras |= name_ends(name, n, "model.weights.h5");
    seen->arrays_only &= name_ends(name, n, ".npy");
}

/* The end record, from the back: its comment may be as long as 64 KiB. */
static const uint8_t *find_end(const yk__source *source) {
    size_t n = source->n;
    for (size_t back = END_HEAD; back <= n && back <= END_HEAD + MAX_COMMENT; back++)
        if (!memcmp(source->bytes + n - back, "PK\5\6", 4)) return source->bytes + n - back;
    return NULL;
}

/* Names from the central directory. False where it does not lie in the file (zip64, or damage). */
static bool read_directory(const yk__source *source, const uint8_t *end, contents *seen) {
    uint64_t at = yk__get_u32(end + 16), length = yk__get_u32(end + 12);
    uint64_t before = (uint64_t)(end - source->bytes);
    if (at > before || length > before - at) return false;
    for (uint64_t stop = at + length; seen->n_entries < MAX_ENTRIES && stop - at >= CENTRAL_HEAD;) {
        const uint8_t *entry = source->bytes + at;
        size_t name = (size_t)entry[28] | (size_t)entry[29] << 8;
        size_t rest = ((size_t)entry[30] | (size_t)entry[31] << 8) + ((size_t)entry[32] | (size_t)entry[33] << 8);
        if (memcmp(entry, "PK\1\2", 4) != 0 || name + rest > stop - at - CENTRAL_HEAD) break;
        see_name(seen, entry + CENTRAL_HEAD, name);
        at += CENTRAL_HEAD + name + rest;
    }
    return seen->n_entries > 0;
}

/* Names from the headers in front of the entries, found by their signature. */
static void read_locals(const yk__source *source, contents *seen) {
    size_t n = source->n < LOCAL_SEARCH ? source->n : LOCAL_SEARCH;
    for (size_t at = 0; n >= LOCAL_HEAD && at <= n - LOCAL_HEAD;) {
        const uint8_t *entry = memmem(source->bytes + at, n - at, "PK\3\4", 4);
        if (!entry || (size_t)(source->bytes + n - entry) < LOCAL_HEAD) return;
        size_t name = (size_t)entry[26] | (size_t)entry[27] << 8;
        at = (size_t)(entry - source->bytes) + LOCAL_HEAD;
        if (name > n - at) return;
        see_name(seen, entry + LOCAL_HEAD, name);
    }
}

static yk__file_kind zip_kind(const contents *seen) {
    if (seen->pickle) return seen->code ? YK__FILE_KIND_TORCHSCRIPT : YK__FILE_KIND_PYTORCH_CHECKPOINT;
    if (seen->keras) return YK__FILE_KIND_KERAS;
    return seen->n_entries && seen->arrays_only ? YK__FILE_KIND_NUMPY : YK__FILE_KIND_ZIP;
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

/* A whole checkpoint: what import makes of it. */
static void look_inside(const yk__source *source, yk__report *report) {
    yk__arena arena;
    yk__error err = {0};
    yk__probe_pt_report found;
    yk__arena_init(&arena, PROBE_BUDGET);
    if (yk__probe_pt(source->bytes, source->n, &arena, &found, &err) != YK__OK) {
        yk__report_add(report, YK__FINDING_MODEL_DAMAGED, "checkpoint", NULL, err.message);
    } else if (!found.supported) {
        yk__report_add(report, YK__FINDING_MODEL_UNSUPPORTED, "checkpoint", NULL, found.why_not.message);
    } else {
        add_facts(report, &found);
        yk__report_add(report, YK__FINDING_NEEDS_BUILD, NULL, NULL, "a checkpoint that can be built");
    }
    yk__arena_free(&arena);
}
#else
static void look_inside(const yk__source *source, yk__report *report) {
    (void)source;
    yk__report_lower(report, YK__VERDICT_FOREIGN);
    yk__report_add(report, YK__FINDING_BUILT_WITHOUT_IMPORT, NULL, NULL, NULL);
}
#endif

bool yk__recognise_zip(const yk__source *source, yk__report *report) {
    contents seen = {0};
    bool empty = source->n == END_HEAD && yk__source_has(source, 0, "PK\5\6", 4);
    if (!empty && !yk__source_has(source, 0, "PK\3\4", 4)) return false;
    const uint8_t *end = yk__source_whole(source) ? find_end(source) : NULL;
    if (!end || !read_directory(source, end, &seen)) read_locals(source, &seen);
    yk__claim(report, zip_kind(&seen), end ? YK__CERTAINTY_CERTAIN : YK__CERTAINTY_LIKELY);
    if (yk__source_whole(source) && !end) /* the directory stands at the end and says how long the file was: both are gone */
        yk__claim_cut(report, "zip directory", 0, source->size, YK__CERTAINTY_CERTAIN);
    else if (end && source->deep && zip_kind(&seen) == YK__FILE_KIND_PYTORCH_CHECKPOINT)
        look_inside(source, report);
    return true;
}
