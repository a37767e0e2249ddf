/* A context: the memory one thread needs to run an engine, bound to one specialisation at a time.
 *
 * prepare allocates; run on the prepared shape does not. Not thread-safe; different contexts are independent. */
#ifndef YK_RUNTIME_CONTEXT_H
#define YK_RUNTIME_CONTEXT_H

#include "runtime/plans.h"

typedef struct yk__step_times {
    uint64_t n_runs, total_ns, min_ns;
} yk__step_times;

typedef struct yk__context {
    yk__plans *plans;
    yk__pool *pool;                 /* borrowed */
    const yk__specialisation *plan; /* the prepared one, or NULL */
    yk__plan_key key;
    bool profile;
    bool submitted;  /* between submit and wait */
    uint8_t *memory; /* kept at the largest size so far */
    size_t memory_bytes;
    yk__candidates *candidates; /* key.batch of them, when the plan's head fills candidates */
    yk__candidate *candidate_items;
    float *candidate_extra;
    size_t item_capacity, extra_capacity; /* elements allocated */
    int32_t candidates_capacity;
    yk__shape *dynamic_shapes;
    uint64_t *step_ns;
    yk__step_times *times;
    int32_t n_times;
} yk__context;

void yk__context_init(yk__context *context, yk__plans *plans, yk__pool *pool);
void yk__context_free(yk__context *context);

/* Binds to the plan for `key` and sees that all memory is there. Nothing happens when it is bound already. On failure the
 * context is unbound and can be prepared again. */
yk__code yk__context_prepare(yk__context *context, const yk__plan_key *key, yk__error *err) YK__MUST_USE;

/* One run of the prepared plan. params are for the head; NULL when dense or headless. Candidates and outputs are in the
 * context afterwards, until the next run. Allocates nothing. */
yk__code yk__context_run(yk__context *context, const yk__network_input *input, const yk__head_params *params,
                         yk__error *err) YK__MUST_USE;

/* Output tensor i (plain) of the last run: data and run-time shape. */
yk__tensor yk__context_output(const yk__context *context, int32_t i);

#endif
