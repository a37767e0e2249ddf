/* Verdicts on files, and the machine. */
#include "api/api.h"

#include "base/text.h"
#include "inspect/check.h"
#include "inspect/machine.h"
#include "inspect/recognise.h"
#include "inspect/report_json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

_Static_assert(YK_VERDICT_VALID == (int)YK__VERDICT_VALID && YK_VERDICT_SUBOPTIMAL == (int)YK__VERDICT_SUBOPTIMAL &&
                   YK_VERDICT_INVALID == (int)YK__VERDICT_INVALID && YK_VERDICT_FOREIGN == (int)YK__VERDICT_FOREIGN,
               "public and internal verdicts are the same numbers");

/* Runs an engine's own self test on this machine's best backend and adds what it finds. */
static void run_selftest(const char *path, yk__report *report) {
    yk_engine *engine = NULL;
    yk_context *context = NULL;
    yk_error error = YK_ERROR_INIT;
    yk__error e = {0};
    if (yk_engine_load(&engine, path, NULL, &error) != YK_OK) {
        yk__report_add(report, YK__FINDING_SELFTEST_FAILED, "load", NULL, error.message);
        return;
    }
    const yk__selftest *test = engine->file ? &engine->file->selftest : NULL;
    if (!test || test->n_outputs == 0 || test->input.dtype != YK__DTYPE_U8) goto done;
    yk_context_options options = {.size = sizeof options, .dense = true};
    if (yk_context_create(&context, engine, &options, &error) != YK_OK) goto done;
    const int64_t *dim = test->input.shape.dim;
    yk__plan_key key = {.batch = 1, .height = (int32_t)dim[1], .width = (int32_t)dim[2], .dense = true};
    const uint8_t *pictures[1] = {test->input.data};
    yk__network_input input = {.pictures = pictures, .picture_row_bytes = 3 * dim[2]};
    yk__code code = dim[0] == 1 ? yk__context_prepare(&context->run, &key, &e) : YK__ARGUMENT;
    if (code == YK__OK) code = yk__context_run(&context->run, &input, NULL, &e);
    if (code != YK__OK) {
        yk__report_add(report, YK__FINDING_SELFTEST_FAILED, "run", NULL, e.message);
        goto done;
    }
    for (int32_t i = 0; i < test->n_outputs; i++) {
        const yk__selftest_output *expected = &test->outputs[i];
        if (expected->index < 0 || expected->index >= context->run.plan->n_outputs) continue;
        yk__tensor got = yk__context_output(&context->run, expected->index);
        if (got.dtype != YK__DTYPE_F32 || !yk__shape_equal(&got.shape, &expected->shape)) {
            yk__report_add(report, YK__FINDING_SELFTEST_FAILED, "output shape", NULL, NULL);
            goto done;
        }
        for (int64_t k = 0; k < expected->n; k++) {
            double x = expected->expected[k], y = ((const float *)got.data)[expected->first + k * expected->step];
            if (fabs(y - x) <= test->tolerance * fmax(1, fabs(x))) continue;
            char want[48];
            snprintf(want, sizeof want, "%.9g", x);
            yk__report_find(report, YK__FINDING_SELFTEST_FAILED, "answer", want, "%.9g", y);
            goto done;
        }
    }
    yk__report_add(report, YK__FINDING_SELFTEST_PASSED, NULL, NULL, NULL);
done:
    yk_context_destroy(&context);
    yk_engine_destroy(&engine);
}

yk_status yk_check(yk_report **out, const char *path, const yk_check_options *options, yk_error *error) {
    yk__error e = {0};
    if (!out) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_check: no place for the report");
    *out = NULL;
    if (!path) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_check: the path must not be NULL");
    yk_check_options o;
    yk__api_options(&o, sizeof o, options, sizeof o);
    yk__target target;
    if (o.target && yk__target_parse(o.target, &target, &e) != YK__OK) return yk__api_status(error, YK__ARGUMENT, &e);
    yk_report *report = yk__alloc(sizeof *report);
    if (!report) return yk__api_fail(error, YK_ERROR_MEMORY, "out of memory for a report");
    yk__check_options check = {.sha256 = o.sha256, .target = o.target ? &target : NULL, .from = o.from};
    yk__code code = yk__check_file(path, &check, &report->report, &e);
    if (code == YK__MEMORY) {
        yk_report_destroy(&report);
        return yk__api_status(error, code, &e);
    }
    bool loads = report->report.verdict == YK__VERDICT_VALID || report->report.verdict == YK__VERDICT_SUBOPTIMAL;
    if (o.run && loads && strcmp(report->report.kind, "yolk-engine") == 0) run_selftest(path, &report->report);
    *out = report;
    return YK_OK;
}

_Static_assert(YK_SIZE_UNKNOWN == YK__SIZE_UNKNOWN, "public and internal unknown sizes are the same number");

yk_status yk_probe(const void *bytes, size_t n, uint64_t file_size, yk_report **out, yk_error *error) {
    if (!out) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_probe: no place for the report");
    *out = NULL;
    if (!bytes && n > 0) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_probe: the bytes must not be NULL");
    if (file_size < n)
        return yk__api_fail(error, YK_ERROR_ARGUMENT,
                            "yk_probe: %zu bytes are more than the file's %llu; the size must be that of the whole file", n,
                            (unsigned long long)file_size);
    yk_report *report = yk__alloc(sizeof *report);
    if (!report) return yk__api_fail(error, YK_ERROR_MEMORY, "out of memory for a report");
    yk__probe(bytes, n, file_size, &report->report);
    *out = report;
    return YK_OK;
}

void yk_report_destroy(yk_report **report) {
    if (!report || !*report) return;
    yk__report_free(&(*report)->report);
    yk__free(*report);
    *report = NULL;
}

yk_verdict yk_report_verdict(const yk_report *report) {
    return report ? (yk_verdict)report->report.verdict : YK_VERDICT_INVALID;
}

const char *yk_report_kind(const yk_report *report) {
    return report ? report->report.kind : "unknown";
}

size_t yk_report_findings(const yk_report *report) {
    return report ? (size_t)report->report.n_findings : 0;
}

yk_status yk_report_finding(const yk_report *report, size_t i, yk_finding *finding) {
    if (!report || !finding || i >= (size_t)report->report.n_findings) return YK_ERROR_ARGUMENT;
    const yk__finding *from = &report->report.findings[i];
    yk_finding full = {.size = sizeof full,
                       .code = from->code,
                       .certainty = yk__certainty_name(from->certainty),
                       .severity = yk__severity_name(from->severity),
                       .where = from->where,
                       .expected = from->expected,
                       .found = from->found,
                       .remedy = from->remedy};
    size_t size = finding->size && finding->size < sizeof full ? finding->size : sizeof full;
    memcpy(finding, &full, size);
    return YK_OK;
}

uint64_t yk_report_size(const yk_report *report) {
    return report ? report->report.size : 0;
}

const char *yk_report_container(const yk_report *report, size_t i) {
    return report && i < (size_t)report->report.n_container ? report->report.container[i] : NULL;
}

/* Text made by a writer of inspect, handed to the caller. */
static yk_status hand_over(yk__code code, yk__text *text, char **out, const yk__error *e, yk_error *error) {
    if (code == YK__OK && !text->failed) {
        *out = text->data ? text->data : yk__strdup("");
        if (*out) return YK_OK;
    }
    yk__text_free(text);
    if (code != YK__OK) return yk__api_status(error, code, e);
    return yk__api_fail(error, YK_ERROR_MEMORY, "out of memory for the text of a report");
}

yk_status yk_report_to_json(const yk_report *report, char **out, yk_error *error) {
    if (!report || !out) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_report_to_json: an argument is NULL");
    yk__error e = {0};
    yk__text text = {0};
    *out = NULL;
    return hand_over(yk__report_json(&report->report, &text, &e), &text, out, &e, error);
}

yk_status yk_report_to_text(const yk_report *report, char **out, yk_error *error) {
    if (!report || !out) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_report_to_text: an argument is NULL");
    yk__error e = {0};
    yk__text text = {0};
    *out = NULL;
    return hand_over(yk__report_text(&report->report, &text, &e), &text, out, &e, error);
}

yk_status yk_machine_describe(bool json, char **out, yk_error *error) {
    if (!out) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_machine_describe: no place for the text");
    yk__error e = {0};
    yk__text text = {0};
    *out = NULL;
    yk_report *report = yk__alloc(sizeof *report);
    if (!report) return yk__api_fail(error, YK_ERROR_MEMORY, "out of memory for a report");
    yk__machine_facts(&report->report, yk_build_features());
    yk__code code = YK__OK;
    if (json)
        code = yk__facts_json(&report->report, &text, &e);
    else
        yk__machine_text(&report->report, &text);
    yk_report_destroy(&report);
    return hand_over(code, &text, out, &e, error);
}
