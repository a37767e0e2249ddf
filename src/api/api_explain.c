/* Explaining pasted texts. */
#include "api/api.h"

#include "inspect/explain.h"

yk_status yk_explain(const char *log, size_t n, bool json, char **out, size_t *n_findings, yk_error *error) {
    if (n_findings) *n_findings = 0;
    if (!out) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_explain: no place for the text");
    *out = NULL;
    if (!log && n) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_explain: the log must not be NULL");
    yk__error e = {0};
    yk__text text = {0};
    yk__explanation explanation;
    yk__code code = yk__explain(log ? log : "", n, &explanation, &e);
    if (code != YK__OK) return yk__api_status(error, code, &e);
    if (json)
        yk__explain_json(&explanation, &text);
    else
        yk__explain_text(&explanation, &text);
    yk_status status = yk__api_hand_over(&text, out, error);
    if (status == YK_OK && n_findings) *n_findings = (size_t)explanation.n_found;
    return status;
}
