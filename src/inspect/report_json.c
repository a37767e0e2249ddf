/* Reports as JSON (through jansson) and as text. Decides nothing: what is in the report is printed. */
#include "inspect/report_json.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Facts come from files: names of any length. People see this much of one line; JSON has everything. */
enum { TEXT_SHOWN = 160, DETAIL_SHOWN = 640, LIST_SHOWN = 12, LABEL = 12 };

/* ---- JSON ---- */

static json_t *fact_json(const yk__fact *fact) {
    switch (fact->kind) {
    case YK__FACT_NULL: return json_null();
    case YK__FACT_BOOL: return json_boolean(fact->yes);
    case YK__FACT_INT: return json_integer(fact->number);
    case YK__FACT_REAL: return json_real(fact->real); /* NULL when not finite */
    case YK__FACT_TEXT: return json_string(fact->text);
    case YK__FACT_LIST:
    case YK__FACT_OBJECT: break;
    }
    json_t *out = fact->kind == YK__FACT_LIST ? json_array() : json_object(), *marks = NULL;
    for (const yk__fact *child = fact->first; child; child = child->next) {
        json_t *value = fact_json(child);
        if (!value) value = json_null();
        if (child->marked && child->name) {
            if (!marks) marks = json_object();
            json_object_set_new(marks, child->name, json_string(yk__certainty_name(child->certainty)));
        }
        if (fact->kind == YK__FACT_LIST)
            json_array_append_new(out, value);
        else
            json_object_set_new(out, child->name ? child->name : "", value);
    }
    if (marks) json_object_set_new(out, "certainty", marks);
    return out;
}

static json_t *finding_json(const yk__finding *finding) {
    return json_pack("{ss ss ss ss ss ss ss}", "code", finding->code, "certainty", yk__certainty_name(finding->certainty),
                     "severity", yk__severity_name(finding->severity), "where", finding->where, "expected", finding->expected,
                     "found", finding->found, "remedy", finding->remedy);
}

static yk__code dump(json_t *root, yk__text *out, yk__error *err) {
    char *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(root);
    if (text) yk__text_add(out, text);
    bool ok = text && !out->failed;
    free(text); /* jansson's own allocator */
    return ok ? YK__OK : yk__fail(err, YK__MEMORY, "out of memory for the report");
}

yk__code yk__report_json(const yk__report *report, yk__text *out, yk__error *err) {
    json_t *root = json_object(), *container = json_array(), *findings = json_array();
    for (int i = 0; i < report->n_container; i++) json_array_append_new(container, json_string(report->container[i]));
    for (int i = 0; i < report->n_findings; i++) json_array_append_new(findings, finding_json(&report->findings[i]));
    json_object_set_new(root, "file", json_string(report->file));
    json_object_set_new(root, "size", report->size > INT64_MAX ? json_null() : json_integer((json_int_t)report->size));
    if (*report->sha256) json_object_set_new(root, "sha256", json_string(report->sha256));
    json_object_set_new(root, "kind", json_string(report->kind));
    json_object_set_new(root, "container", container);
    json_object_set_new(root, "facts", fact_json(&report->facts));
    json_object_set_new(root, "verdict", json_string(yk__verdict_name(report->verdict)));
    json_object_set_new(root, "findings", findings);
    return dump(root, out, err);
}

yk__code yk__facts_json(const yk__report *report, yk__text *out, yk__error *err) {
    return dump(fact_json(&report->facts), out, err);
}

/* ---- text ---- */

/* On one line and not longer than what people read: control characters become spaces. */
static void add_bounded(yk__text *out, const char *text, size_t most) {
    size_t n = strlen(text), shown = n > most ? yk__utf8_prefix(text, most) : n;
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)text[i];
        yk__text_add_char(out, c < 0x20 || c == 0x7f ? ' ' : text[i]);
    }
    if (shown < n) yk__text_printf(out, " ... (%zu bytes)", n);
}

static void add_line_text(yk__text *out, const char *text) {
    add_bounded(out, text, TEXT_SHOWN);
}

static void add_scalar(yk__text *out, const yk__fact *fact);

/* "[a, b, c]" or "name recipe, size 380": what is nested in a fact, on its line. */
static void add_nested(yk__text *out, const yk__fact *fact) {
    int n = 0;
    for (const yk__fact *child = fact->first; child; child = child->next, n++) {
        if (n >= LIST_SHOWN) continue;
        if (n) yk__text_add(out, ", ");
        if (child->name) {
            add_line_text(out, child->name);
            yk__text_add_char(out, ' ');
        }
        add_scalar(out, child);
    }
    if (n > LIST_SHOWN) yk__text_printf(out, " ... (%d)", n);
}

static void add_scalar(yk__text *out, const yk__fact *fact) {
    char number[32];
    switch (fact->kind) {
    case YK__FACT_NULL: yk__text_add(out, "not known"); break;
    case YK__FACT_BOOL: yk__text_add(out, fact->yes ? "yes" : "no"); break;
    case YK__FACT_INT: yk__text_printf(out, "%" PRId64, fact->number); break;
    case YK__FACT_REAL:
        yk__format_double(number, fact->real);
        yk__text_add(out, number);
        break;
    case YK__FACT_TEXT: add_line_text(out, fact->text); break;
    case YK__FACT_LIST:
        yk__text_add_char(out, '[');
        add_nested(out, fact);
        yk__text_add_char(out, ']');
        break;
    case YK__FACT_OBJECT: add_nested(out, fact); break;
    }
}

/* Width of the longest label, so that values stand below each other; members of objects are indented by two more. */
static int label_width(const yk__fact *facts, int width, int indent) {
    for (const yk__fact *fact = facts->first; fact; fact = fact->next) {
        int length = fact->name ? (int)strlen(fact->name) + indent : 0;
        if (fact->kind != YK__FACT_OBJECT && length > width && length <= 24) width = length;
        if (fact->kind == YK__FACT_OBJECT && indent == 0) width = label_width(fact, width, 2);
    }
    return width;
}

static void add_label(yk__text *out, const char *indent, int width, const char *label) {
    yk__text_printf(out, "%s%-*.24s  ", indent, width, label ? label : "-");
}

static void add_mark(yk__text *out, const yk__fact *fact) {
    if (fact->marked) yk__text_printf(out, "  (%s)", yk__certainty_name(fact->certainty));
    yk__text_add_char(out, '\n');
}

/* Objects at the top get a heading and a line a member; what is nested deeper fits on a line. */
static void add_facts(yk__text *out, const yk__fact *facts, int depth, int width) {
    const char *indent = depth ? "    " : "  ";
    for (const yk__fact *fact = facts->first; fact; fact = fact->next) {
        bool rows = fact->kind == YK__FACT_LIST && fact->first && fact->first->kind == YK__FACT_OBJECT;
        if (fact->kind == YK__FACT_OBJECT && depth == 0) {
            yk__text_printf(out, "%s%.24s\n", indent, fact->name ? fact->name : "-");
            add_facts(out, fact, 1, width - 2);
        } else if (rows) {
            for (const yk__fact *row = fact->first; row; row = row->next) {
                add_label(out, indent, width, row == fact->first ? fact->name : "");
                add_nested(out, row);
                add_mark(out, fact);
            }
        } else {
            add_label(out, indent, width, fact->name);
            add_scalar(out, fact);
            add_mark(out, fact);
        }
    }
}

static void add_detail(yk__text *out, const char *label, const char *text) {
    if (!*text) return;
    yk__text_printf(out, "    %-10s", label);
    add_bounded(out, text, DETAIL_SHOWN);
    yk__text_add_char(out, '\n');
}

static void add_finding(yk__text *out, const yk__finding *finding) {
    yk__text_printf(out, "  %s: %s", yk__severity_name(finding->severity), finding->code);
    if (finding->certainty != YK__CERTAINTY_CERTAIN) yk__text_printf(out, " (%s)", yk__certainty_name(finding->certainty));
    yk__text_printf(out, "\n    %s\n", yk__finding_info_get(finding->id)->sentence);
    add_detail(out, "where", finding->where);
    add_detail(out, "expected", finding->expected);
    add_detail(out, "found", finding->found);
    add_detail(out, "do", finding->remedy);
}

yk__code yk__report_text(const yk__report *report, yk__text *out, yk__error *err) {
    int width = label_width(&report->facts, LABEL, 0);
    add_line_text(out, report->file);
    yk__text_printf(out, ": %s\n", yk__verdict_name(report->verdict));
    add_label(out, "  ", width, "kind");
    for (int i = 0; i < report->n_container; i++) yk__text_printf(out, "%s%s", i ? ", in it " : "", report->container[i]);
    yk__text_add(out, report->kind_certainty == YK__CERTAINTY_CERTAIN ? "\n" : " (likely)\n");
    add_label(out, "  ", width, "size");
    if (report->size > INT64_MAX)
        yk__text_add(out, "not known\n");
    else
        yk__text_printf(out, "%" PRIu64 " bytes\n", report->size);
    if (*report->sha256) {
        add_label(out, "  ", width, "sha256");
        yk__text_printf(out, "%s\n", report->sha256);
    }
    add_facts(out, &report->facts, 0, width);
    for (int i = 0; i < report->n_findings; i++) add_finding(out, &report->findings[i]);
    return out->failed ? yk__fail(err, YK__MEMORY, "out of memory for the report") : YK__OK;
}

yk__code yk__facts_text(const yk__report *report, yk__text *out, yk__error *err) {
    add_facts(out, &report->facts, 0, label_width(&report->facts, LABEL, 0));
    return out->failed ? yk__fail(err, YK__MEMORY, "out of memory for the report") : YK__OK;
}
