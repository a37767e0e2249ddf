/* The specialisations of one engine: made once per input shape, shared by all contexts, the least recently used one given up
 * when there are too many. Thread-safe. */
#ifndef YK_RUNTIME_PLANS_H
#define YK_RUNTIME_PLANS_H

#include "plan/plan.h"

typedef struct yk__plans yk__plans;

typedef struct yk__plan_key {
    int32_t batch, height, width;
    bool dense, keep_all;
} yk__plan_key;

/* `options` gives backends, threads, choices, evaluate and pool; dense and keep_all come with each key, the pack cache is made
 * here. graph and everything options point to must outlive the object. max_plans: 1 .. 64. */
yk__code yk__plans_create(yk__plans **out, const yk__graph *graph, const yk__plan_options *options, int32_t max_plans,
                          yk__error *err) YK__MUST_USE;
void yk__plans_destroy(yk__plans **plans); /* after every release */

/* The plan for a shape: an existing one, or made now (other callers of any shape wait meanwhile). Each success wants one
 * release. */
yk__code yk__plans_acquire(yk__plans *plans, const yk__plan_key *key, const yk__specialisation **out,
                           yk__error *err) YK__MUST_USE;
void yk__plans_release(yk__plans *plans, const yk__specialisation *plan);

#endif
