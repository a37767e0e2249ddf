/* Finds the model, checks it, and writes the command. */
#include "inspect/source_model.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "inspect/check.h"

enum { PATH = 1024 };

static bool is_file(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

/* The path with its last suffix replaced. */
static bool sibling(const char *path, const char *suffix, char out[PATH]) {
    const char *name = yk__basename(path), *dot = strrchr(name, '.');
    size_t keep = dot && dot != name ? (size_t)(dot - path) : strlen(path);
    if (keep + strlen(suffix) >= PATH) return false;
    memcpy(out, path, keep);
    strcpy(out + keep, suffix);
    return is_file(out);
}

static bool find_model(const char *path, const char *from, char out[PATH]) {
    if (from) return snprintf(out, PATH, "%s", from) < PATH;
    return sibling(path, ".onnx", out) || sibling(path, ".pt", out);
}

/* As a shell takes it back. */
static void add_quoted(yk__text *out, const char *path) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+=:,@%-";
    if (*path == '-') yk__text_add(out, "./");
    if (*path && path[strspn(path, plain)] == 0) {
        yk__text_add(out, path);
        return;
    }
    yk__text_add_char(out, '\'');
    for (; *path; path++) {
        if (*path == '\'')
            yk__text_add(out, "'\\''");
        else
            yk__text_add_char(out, *path);
    }
    yk__text_add_char(out, '\'');
}

static bool is_engine(const yk__report *report) {
    return yk__fact_get(&report->facts, "tensorrt") || strcmp(report->kind, "ultralytics-engine") == 0;
}

/* The command goes into the gravest finding's remedy too: that is the one that is read. */
static void offer(yk__report *report, const char *model, const char *command) {
    yk__text remedy = {0};
    yk__finding *first = report->n_findings ? &report->findings[0] : NULL;
    if (first) {
        yk__text_printf(&remedy, "%s Or run the model without TensorRT: `%s`.", first->remedy, command);
        if (!remedy.failed) yk__report_remedy(report, first, yk__text_get(&remedy));
        yk__text_free(&remedy);
    }
    yk__finding *finding = yk__report_add(report, YK__FINDING_SOURCE_MODEL_FOUND, model, NULL, "a model that yolk can build");
    yk__text_printf(&remedy, "`%s` makes an engine that answers here, with names and task of this one.", command);
    if (!remedy.failed) yk__report_remedy(report, finding, yk__text_get(&remedy));
    yk__text_free(&remedy);
}

void yk__offer_source_model(const char *path, const char *from, yk__report *report) {
    char model[PATH];
    yk__report of_model;
    yk__text command = {0};
    if (!is_engine(report) || yk__report_has(report, YK__FINDING_PLAN_FITS) || !find_model(path, from, model)) return;
    const bool read = yk__check_file(model, NULL, &of_model, NULL) == YK__OK;
    const bool builds = read && yk__report_has(&of_model, YK__FINDING_NEEDS_BUILD);
    yk__text_add(&command, "yolk build ");
    add_quoted(&command, path);
    yk__text_add(&command, " --from ");
    add_quoted(&command, model);
    if (builds && !command.failed)
        offer(report, model, yk__text_get(&command));
    else if (read && of_model.n_findings > 0 && !is_engine(&of_model))
        yk__report_find(report, YK__FINDING_SOURCE_MODEL_UNSUITED, model, "a model that yolk can build", "%s: %s",
                        of_model.kind, of_model.findings[0].code);
    yk__text_free(&command);
    yk__report_free(&of_model);
}
