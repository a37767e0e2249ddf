/* Reports: collecting findings and facts. What they mean is verdicts.def's; how they look is inspect/report_json.c's. */
#include "engine/report.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Facts and findings of the largest real file (48 sections, a page of metadata) take some 50 KB; the rest is room for the
 * names of thousands of classes. */
#define REPORT_BUDGET ((size_t)4 << 20)
#define FINDING_TEXT  512 /* longer texts are cut: a finding is a line, not a page */

static const yk__finding_info infos[] = {
#define YK__FINDING(ident, code, severity, status, sentence, remedy) \
    {code, YK__SEVERITY_##severity, YK__##status, sentence, remedy},
#include "engine/verdicts.def"
#undef YK__FINDING
};

const yk__finding_info *yk__finding_info_get(yk__finding_code id) {
    return &infos[(int)id >= 0 && (int)id < YK__FINDING_COUNT ? (int)id : YK__FINDING_UNKNOWN_KIND];
}

const char *yk__verdict_name(yk__verdict verdict) {
    static const char *const names[] = {"valid", "suboptimal", "invalid", "foreign"};
    return names[verdict];
}

const char *yk__certainty_name(yk__certainty certainty) {
    static const char *const names[] = {"certain", "likely", "candidate"};
    return names[certainty];
}

const char *yk__severity_name(yk__severity severity) {
    static const char *const names[] = {"info", "warning", "error"};
    return names[severity];
}

/* A copy in which bytes that are not UTF-8 became U+FFFD; NULL when out of memory. */
static const char *clean_copy(yk__report *report, const char *text, size_t n) {
    char *copy = yk__arena_alloc(&report->arena, 3 * n + 1), *to = copy;
    if (!copy) {
        report->incomplete = true;
        return NULL;
    }
    while (n > 0) {
        size_t length = 1;
        while (length <= 4 && length <= n && !yk__utf8_valid(text, length)) length++;
        bool wrong = length > 4 || length > n;
        memcpy(to, wrong ? "\xef\xbf\xbd" : text, wrong ? 3 : length);
        to += wrong ? 3 : length;
        if (wrong) length = 1;
        text += length, n -= length;
    }
    *to = '\0';
    return copy;
}

static const char *finding_text(yk__report *report, const char *text) {
    if (!text || !*text) return "";
    size_t n = strlen(text);
    if (n > FINDING_TEXT) n = yk__utf8_prefix(text, FINDING_TEXT);
    const char *copy = clean_copy(report, text, n);
    return copy ? copy : "";
}

void yk__report_init(yk__report *report, const char *file, uint64_t size) {
    memset(report, 0, sizeof *report);
    yk__arena_init(&report->arena, REPORT_BUDGET);
    report->size = size;
    report->facts.kind = YK__FACT_OBJECT;
    report->file = file ? clean_copy(report, file, strlen(file)) : "";
    if (!report->file) report->file = "";
    yk__report_set_kind(report, "unknown", YK__CERTAINTY_CERTAIN);
}

void yk__report_free(yk__report *report) {
    yk__arena_free(&report->arena);
    memset(report, 0, sizeof *report);
}

void yk__report_set_kind(yk__report *report, const char *kind, yk__certainty certainty) {
    if (!report) return;
    report->kind = kind;
    report->kind_certainty = certainty;
    report->container[0] = kind;
    if (report->n_container == 0) report->n_container = 1;
}

void yk__report_add_kind(yk__report *report, const char *kind) {
    if (!report) return;
    if (report->n_container < YK__REPORT_MAX_KINDS)
        report->container[report->n_container++] = kind;
    else
        report->incomplete = true;
}

/* valid < suboptimal < foreign < invalid */
static int rank(yk__verdict verdict) {
    static const int ranks[] = {
        [YK__VERDICT_VALID] = 0, [YK__VERDICT_SUBOPTIMAL] = 1, [YK__VERDICT_FOREIGN] = 2, [YK__VERDICT_INVALID] = 3};
    return ranks[verdict];
}

void yk__report_lower(yk__report *report, yk__verdict verdict) {
    if (report && rank(verdict) > rank(report->verdict)) report->verdict = verdict;
}

yk__finding *yk__report_add(yk__report *report, yk__finding_code id, const char *where, const char *expected,
                            const char *found) {
    if (!report) return NULL;
    const yk__finding_info *info = yk__finding_info_get(id);
    if (report->verdict != YK__VERDICT_FOREIGN && info->severity == YK__SEVERITY_ERROR)
        yk__report_lower(report, YK__VERDICT_INVALID);
    if (report->verdict != YK__VERDICT_FOREIGN && info->severity == YK__SEVERITY_WARNING)
        yk__report_lower(report, YK__VERDICT_SUBOPTIMAL);
    if (report->n_findings == YK__REPORT_MAX_FINDINGS) { /* the last one goes, unless it is as grave */
        report->incomplete = true;
        if (report->findings[report->n_findings - 1].severity >= info->severity) return NULL;
        report->n_findings--;
    }
    int at = report->n_findings++; /* behind those that are as grave */
    for (; at > 0 && report->findings[at - 1].severity < info->severity; at--) report->findings[at] = report->findings[at - 1];
    yk__finding *finding = &report->findings[at];
    *finding = (yk__finding){.id = id,
                             .code = info->code,
                             .severity = info->severity,
                             .where = finding_text(report, where),
                             .expected = finding_text(report, expected),
                             .found = finding_text(report, found),
                             .remedy = info->remedy};
    return finding;
}

yk__finding *yk__report_find(yk__report *report, yk__finding_code id, const char *where, const char *expected,
                             const char *found_format, ...) {
    char found[2 * FINDING_TEXT];
    va_list args;
    va_start(args, found_format);
    vsnprintf(found, sizeof found, found_format, args);
    va_end(args);
    return yk__report_add(report, id, where, expected, found);
}

void yk__report_append(yk__report *report, yk__finding *finding, const char *text) {
    char both[2 * FINDING_TEXT];
    if (!report || !finding) return;
    snprintf(both, sizeof both, "%s%s%s", finding->found, *finding->found ? "; " : "", text);
    finding->found = finding_text(report, both);
}

void yk__report_remedy(yk__report *report, yk__finding *finding, const char *remedy) {
    if (report && finding) finding->remedy = finding_text(report, remedy);
}

void yk__report_drop(yk__report *report, yk__finding_code id) {
    int32_t kept = 0;
    for (int32_t i = 0; report && i < report->n_findings; i++)
        if (report->findings[i].id != id) report->findings[kept++] = report->findings[i];
    if (report) report->n_findings = kept;
}

void yk__report_lead(yk__report *report, yk__finding_code id) {
    int32_t at = 0;
    while (report && at < report->n_findings && report->findings[at].id != id) at++;
    if (!report || at == report->n_findings) return;
    const yk__finding found = report->findings[at];
    memmove(report->findings + 1, report->findings, (size_t)at * sizeof *report->findings);
    report->findings[0] = found;
}

bool yk__report_has(const yk__report *report, yk__finding_code id) {
    for (int i = 0; report && i < report->n_findings; i++)
        if (report->findings[i].id == id) return true;
    return false;
}

static yk__fact *add_fact(yk__report *report, yk__fact *parent, const char *name, yk__fact_kind kind) {
    if (!report) return NULL;
    if (!parent) parent = &report->facts;
    yk__fact *fact = yk__arena_alloc(&report->arena, sizeof *fact);
    const char *copy = name ? yk__arena_strdup(&report->arena, name) : NULL;
    if (!fact || (name && !copy)) {
        report->incomplete = true;
        return NULL;
    }
    fact->name = copy;
    fact->kind = kind;
    if (parent->last)
        parent->last->next = fact;
    else
        parent->first = fact;
    parent->last = fact;
    return fact;
}

yk__fact *yk__fact_object(yk__report *report, yk__fact *parent, const char *name) {
    return add_fact(report, parent, name, YK__FACT_OBJECT);
}

yk__fact *yk__fact_list(yk__report *report, yk__fact *parent, const char *name) {
    return add_fact(report, parent, name, YK__FACT_LIST);
}

void yk__fact_text_n(yk__report *report, yk__fact *parent, const char *name, const char *text, size_t n) {
    const char *copy = report ? clean_copy(report, text, n) : NULL;
    yk__fact *fact = copy ? add_fact(report, parent, name, YK__FACT_TEXT) : NULL;
    if (fact) fact->text = copy;
}

void yk__fact_text(yk__report *report, yk__fact *parent, const char *name, const char *text) {
    if (text)
        yk__fact_text_n(report, parent, name, text, strlen(text));
    else
        yk__fact_null(report, parent, name);
}

void yk__fact_int(yk__report *report, yk__fact *parent, const char *name, int64_t number) {
    yk__fact *fact = add_fact(report, parent, name, YK__FACT_INT);
    if (fact) fact->number = number;
}

void yk__fact_real(yk__report *report, yk__fact *parent, const char *name, double number) {
    yk__fact *fact = add_fact(report, parent, name, YK__FACT_REAL);
    if (fact) fact->real = number;
}

void yk__fact_bool(yk__report *report, yk__fact *parent, const char *name, bool yes) {
    yk__fact *fact = add_fact(report, parent, name, YK__FACT_BOOL);
    if (fact) fact->yes = yes;
}

void yk__fact_null(yk__report *report, yk__fact *parent, const char *name) {
    add_fact(report, parent, name, YK__FACT_NULL);
}

void yk__fact_mark(yk__fact *parent, yk__certainty certainty) {
    if (!parent || !parent->last) return;
    parent->last->marked = true;
    parent->last->certainty = certainty;
}

const yk__fact *yk__fact_get(const yk__fact *parent, const char *name) {
    for (const yk__fact *fact = parent ? parent->first : NULL; fact; fact = fact->next)
        if (fact->name && !strcmp(fact->name, name)) return fact;
    return NULL;
}
