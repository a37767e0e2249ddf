/* Whether a whole TensorRT plan loads on a machine: its facts against a target's. The target is this machine, or what the user
 * says of another one. */
#ifndef YK_INSPECT_PLAN_JUDGE_H
#define YK_INSPECT_PLAN_JUDGE_H

#include "engine/report.h"
#include "inspect/machine_view.h"

enum { YK__TARGET_VERSIONS = 16, YK__TARGET_GPUS = 16 };

/* What is known of a machine; what is empty was not looked for or not found. */
typedef struct yk__target {
    bool here;                             /* this machine; otherwise what a user wrote */
    char version[YK__TARGET_VERSIONS][32]; /* of TensorRT, "10.3.0.30" or its beginning; first the one that programs get */
    char place[YK__TARGET_VERSIONS][160];  /* the library's path */
    int n_versions;
    char compute[YK__TARGET_GPUS][8]; /* "8.7" */
    int n_gpus;
    const char *platform; /* "linux-x86_64"; NULL: not known */
} yk__target;

/* "trt=10.3.0.30,cc=8.7,platform=linux-aarch64", each at most once, at least one. ARGUMENT, saying what is wrong. */
yk__code yk__target_parse(const char *text, yk__target *out, yk__error *err) YK__MUST_USE;
/* What doctor finds here. view: NULL for the real machine. */
void yk__target_here(const yk__machine_view *view, yk__target *out);

/* Adds findings on the plan that the report holds (facts.tensorrt); a plan that cannot load there becomes invalid. Each finding
 * that stops a load quotes what that TensorRT says, so that a search for the message leads here. Damaged plans are not judged:
 * their findings get the message alone. Reports without a plan are left alone. */
void yk__judge_plan(yk__report *report, const yk__target *target);

#endif
