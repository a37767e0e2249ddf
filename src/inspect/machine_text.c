/* The facts of a machine as text: a section each, lists of libraries with a line each. Decides nothing. */
#include "inspect/machine.h"

#include <inttypes.h>
#include <string.h>

enum { LABEL = 24 };

static void add_value(yk__text *out, const yk__fact *fact) {
    char number[32];
    switch (fact->kind) {
    case YK__FACT_NULL: yk__text_add(out, "-"); break;
    case YK__FACT_BOOL: yk__text_add(out, fact->yes ? "yes" : "no"); break;
    case YK__FACT_INT: yk__text_printf(out, "%" PRId64, fact->number); break;
    case YK__FACT_REAL:
        yk__format_double(number, fact->real);
        yk__text_add(out, number);
        break;
    case YK__FACT_TEXT: /* from file names and variables: one line, whatever is in them */
        for (const char *at = fact->text; *at; at++)
            yk__text_add_char(out, (unsigned char)*at < 0x20 || *at == 0x7f ? ' ' : *at);
        break;
    case YK__FACT_LIST:
        for (const yk__fact *child = fact->first; child; child = child->next) {
            add_value(out, child);
            if (child->next) yk__text_add_char(out, ' ');
        }
        if (!fact->first) yk__text_add(out, "none");
        break;
    case YK__FACT_OBJECT: break;
    }
}

/* "libnvinfer.so.8  8.6.1.6  /usr/lib/...  loader-cache, taken": what is not known is left out. */
static void add_row(yk__text *out, const yk__fact *row) {
    yk__text_add(out, "  ");
    for (const yk__fact *cell = row->first; cell; cell = cell->next) {
        if (cell->kind == YK__FACT_NULL) continue;
        if (cell->kind == YK__FACT_BOOL) {
            if (cell->yes) yk__text_printf(out, "  (%s)", cell->name ? cell->name : "");
            continue;
        }
        if (cell != row->first) yk__text_add(out, "  ");
        add_value(out, cell);
    }
    yk__text_add_char(out, '\n');
}

static void add_section(yk__text *out, const yk__fact *section) {
    yk__text_printf(out, "%s\n", section->name ? section->name : "");
    if (!section->first) yk__text_add(out, "  none found\n");
    for (const yk__fact *fact = section->first; fact; fact = fact->next) {
        if (fact->kind == YK__FACT_OBJECT) {
            add_row(out, fact);
            continue;
        }
        yk__text_add(out, "  ");
        if (fact->name) yk__text_printf(out, "%-*s", LABEL, fact->name);
        add_value(out, fact);
        yk__text_add_char(out, '\n');
    }
}

void yk__machine_text(const yk__report *report, yk__text *out) {
    for (const yk__fact *section = report->facts.first; section; section = section->next) {
        if (section->name && strcmp(section->name, "notes") == 0 && !section->first) continue;
        add_section(out, section);
    }
    if (report->incomplete) yk__text_add(out, "(cut: more was found than fits)\n");
}
