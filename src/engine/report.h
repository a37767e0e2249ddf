/* The verdict on a file: one structure for loading, `yolk check` and their JSON (docs/verdicts.md).
 *
 * A report names the kind of the file, says whether it loads here, and lists findings, errors first, then warnings, each in the
 * order they were found. Facts are what else is known of it: a small tree that becomes the "facts" object. Adding to a report
 * never fails as far as the caller sees: when its memory is used up, `incomplete` is set and the rest is dropped; the verdict
 * still holds. Not thread-safe. */
#ifndef YK_ENGINE_REPORT_H
#define YK_ENGINE_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/memory.h"

typedef enum yk__verdict { YK__VERDICT_VALID, YK__VERDICT_SUBOPTIMAL, YK__VERDICT_INVALID, YK__VERDICT_FOREIGN } yk__verdict;
typedef enum yk__certainty { YK__CERTAINTY_CERTAIN, YK__CERTAINTY_LIKELY, YK__CERTAINTY_CANDIDATE } yk__certainty;
typedef enum yk__severity { YK__SEVERITY_INFO, YK__SEVERITY_WARNING, YK__SEVERITY_ERROR } yk__severity;

typedef enum yk__finding_code {
#define YK__FINDING(ident, code, severity, status, sentence, remedy) YK__FINDING_##ident,
#include "engine/verdicts.def"
#undef YK__FINDING
    YK__FINDING_COUNT
} yk__finding_code;

typedef struct yk__finding_info {
    const char *code;
    yk__severity severity;
    yk__code status; /* what loading such a file returns */
    const char *sentence, *remedy;
} yk__finding_info;

typedef struct yk__finding {
    yk__finding_code id;
    const char *code; /* yk__finding_info_get(id)->code */
    yk__certainty certainty;
    yk__severity severity;
    const char *where; /* section, field, node or "byte N"; these four are never NULL, "" where there is nothing to say */
    const char *expected;
    const char *found;
    const char *remedy; /* the code's own, unless the finding brought a better one */
} yk__finding;

typedef enum yk__fact_kind {
    YK__FACT_NULL,
    YK__FACT_BOOL,
    YK__FACT_INT,
    YK__FACT_REAL,
    YK__FACT_TEXT,
    YK__FACT_LIST,  /* children without names */
    YK__FACT_OBJECT /* children with names */
} yk__fact_kind;

typedef struct yk__fact yk__fact;
struct yk__fact {
    const char *name; /* NULL in a list */
    yk__fact_kind kind;
    union {
        bool yes;
        int64_t number;
        double real;
        const char *text; /* UTF-8; bytes that are not were replaced */
    };
    yk__fact *first, *last;  /* children of LIST and OBJECT */
    bool marked;             /* how sure the reading is matters to readers */
    yk__certainty certainty; /* of a marked one */
    yk__fact *next;
};

#define YK__REPORT_MAX_KINDS    8  /* nesting that is looked into: gzip in tar in zip ... */
#define YK__REPORT_MAX_FINDINGS 64 /* what nobody reads to the end */

typedef struct yk__report {
    yk__arena arena;
    const char *file; /* as the caller named it */
    uint64_t size;    /* bytes of the file */
    char sha256[65];  /* of the whole file, where it was asked for; else "" */
    const char *kind; /* a name of inspect/kinds.def; "unknown" until decided. Constant text */
    yk__certainty kind_certainty;
    const char *container[YK__REPORT_MAX_KINDS]; /* kinds from the outermost (= kind) to the innermost that was found */
    int32_t n_container;
    yk__verdict verdict;
    yk__finding findings[YK__REPORT_MAX_FINDINGS];
    int32_t n_findings;
    yk__fact facts;  /* an OBJECT */
    bool incomplete; /* memory or a bound above cut something off */
} yk__report;

/* An empty report on `file` (copied; may be NULL): kind "unknown", verdict valid, no findings. Its arena is bounded. */
void yk__report_init(yk__report *report, const char *file, uint64_t size);
void yk__report_free(yk__report *report);

/* Sets the kind and makes it the first of container[]. kind: constant text. */
void yk__report_set_kind(yk__report *report, const char *kind, yk__certainty certainty);
/* Something found inside: appended to container[]. */
void yk__report_add_kind(yk__report *report, const char *kind);
/* Verdicts only get worse: valid, suboptimal, foreign, invalid. Foreign is set by whoever names the kind. */
void yk__report_lower(yk__report *report, yk__verdict verdict);

/* All functions from here accept report == NULL and then do nothing. */

/* Appends a finding with the code's severity and remedy; its texts may be NULL and are copied. The verdict is lowered by it,
 * ERROR to invalid and WARNING to suboptimal, unless the report is foreign: whether a foreign file is whole is decided by
 * whoever reads that kind (yk__report_lower). Returns the finding, for changing its certainty or remedy before the next one is
 * added, or NULL when it was dropped. */
yk__finding *yk__report_add(yk__report *report, yk__finding_code id, const char *where, const char *expected,
                            const char *found);
/* The same with printf texts. */
yk__finding *yk__report_find(yk__report *report, yk__finding_code id, const char *where, const char *expected,
                             const char *found_format, ...) YK__PRINTF(5, 6);
/* Adds a sentence to what was found, behind a semicolon. finding may be NULL. */
void yk__report_append(yk__report *report, yk__finding *finding, const char *text);
/* Replaces the remedy (copied). finding may be NULL. */
void yk__report_remedy(yk__report *report, yk__finding *finding, const char *remedy);
/* Takes findings of this code back; the verdict stays. */
void yk__report_drop(yk__report *report, yk__finding_code id);
/* Moves the first finding of this code in front of all others: the cause that explains them. */
void yk__report_lead(yk__report *report, yk__finding_code id);
bool yk__report_has(const yk__report *report, yk__finding_code id);

/* Facts. parent NULL: the report's top object. In a list, name is NULL. They return the new fact or NULL. */
yk__fact *yk__fact_object(yk__report *report, yk__fact *parent, const char *name);
yk__fact *yk__fact_list(yk__report *report, yk__fact *parent, const char *name);
void yk__fact_text(yk__report *report, yk__fact *parent, const char *name, const char *text); /* NULL text: null */
void yk__fact_text_n(yk__report *report, yk__fact *parent, const char *name, const char *text, size_t n);
void yk__fact_int(yk__report *report, yk__fact *parent, const char *name, int64_t number);
void yk__fact_real(yk__report *report, yk__fact *parent, const char *name, double number);
void yk__fact_bool(yk__report *report, yk__fact *parent, const char *name, bool yes);
void yk__fact_null(yk__report *report, yk__fact *parent, const char *name);
/* Marks the fact that was added to this parent last as certain or likely. parent may be NULL. */
void yk__fact_mark(yk__fact *parent, yk__certainty certainty);
const yk__fact *yk__fact_get(const yk__fact *parent, const char *name);

const yk__finding_info *yk__finding_info_get(yk__finding_code id); /* never NULL */
const char *yk__verdict_name(yk__verdict verdict);                 /* "valid" ... */
const char *yk__certainty_name(yk__certainty certainty);           /* "certain" ... */
const char *yk__severity_name(yk__severity severity);              /* "info" ... */

#endif
