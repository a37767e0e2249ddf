/* A report as one compact JSON object (docs/verdicts.md) and as text for people. */
#ifndef YK_INSPECT_REPORT_JSON_H
#define YK_INSPECT_REPORT_JSON_H

#include "base/text.h"
#include "engine/report.h"

/* {"file","size","kind","container":[],"facts":{},"verdict","findings":[{"code","certainty","severity","where","expected",
 * "found","remedy"}]}, and "sha256" where it was asked for; one line, no newline at its end. */
yk__code yk__report_json(const yk__report *report, yk__text *out, yk__error *err) YK__MUST_USE;
/* Several aligned lines, no colours. */
yk__code yk__report_text(const yk__report *report, yk__text *out, yk__error *err) YK__MUST_USE;
/* Only the facts: for doctor. */
yk__code yk__facts_json(const yk__report *report, yk__text *out, yk__error *err) YK__MUST_USE;
yk__code yk__facts_text(const yk__report *report, yk__text *out, yk__error *err) YK__MUST_USE;

#endif
