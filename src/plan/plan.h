/* Planning: graph + input shape + machine -> specialisation: an ordered list of steps, where every tensor lies, and packed
 * weights. Part of every build (a run-only yolk plans too). Deterministic: nothing is timed here.
 *
 * Stages, one file each: shapes (graph/infer), choose (a kernel per node by cost or by recorded choice), forms (changes of
 * form where producer and reader differ), elide (concat and split become addressing), memory (offsets by lifetime), pack. */
#ifndef YK_PLAN_PLAN_H
#define YK_PLAN_PLAN_H

#include "backend/backend.h"

/* A recorded choice: this node runs this kernel. Unknown kernels are ignored (the cost model decides then). */
typedef struct yk__choice {
    const char *node;
    const char *kernel;
} yk__choice;

/* Packed weights, shared by the specialisations of one engine: keyed by node, kernel name and packed format. Thread-safe. */
typedef struct yk__pack_cache yk__pack_cache;
yk__code yk__pack_cache_create(yk__pack_cache **out, yk__error *err) YK__MUST_USE;
void yk__pack_cache_destroy(yk__pack_cache **cache); /* after every specialisation that uses it */

typedef struct yk__plan_options {
    const yk__backend *backends[4]; /* tried in this order of preference where costs are equal; ref last */
    int32_t n_backends;
    int32_t n_threads;
    bool dense;    /* outputs as the export has them, instead of candidates */
    bool keep_all; /* no memory is used twice and nothing is elided: every value can be read after a run (compare) */
    bool eager;    /* box and extra branches are computed everywhere, whatever the scores say (dense and keep_all imply it) */
    bool no_elide; /* concat and split are copied: for debugging (--passes) and tests */
    const yk__choice *choices;
    int32_t n_choices;
    yk__evaluate_fn evaluate;   /* shape arithmetic */
    yk__pack_cache *pack_cache; /* may be NULL: packed weights belong to the specialisation */
    yk__pool *pool;             /* for packing; may be NULL */
} yk__plan_options;

/* Immutable once made. Owned by its creator; the graph must outlive it. */
typedef struct yk__specialisation {
    const yk__graph *graph;
    yk__shape input_shape; /* N x C x H x W */
    bool dense, dynamic;   /* dynamic: some step's shapes are only known at run time */
    yk__step *steps;
    int32_t n_steps;
    size_t memory_bytes;  /* what a context must bring, YK__CACHE_LINE aligned */
    size_t zeroed_bytes;  /* of this, how many from the start must be zero before the first run (halos, padded lanes) */
    size_t packed_bytes;  /* of all steps, for reports */
    yk__operand *outputs; /* n_outputs of the graph: PLAIN, in memory, constant or the input itself. Where the head fills
                           * candidates its raw tensor is not made (kind NONE) and its prototypes are its last input */
    int32_t n_outputs;
    const yk__node *head;     /* the YolkHead node, or NULL: the graph's tail runs as written */
    int32_t max_anchors;      /* of the head: bound of candidates per picture and label */
    yk__inferred *inferred;   /* per value */
    yk__operand *value_place; /* per value where it lies (kind NONE when nowhere); for compare and dumps. BLOCKED where it has
                               * no PLAIN form */
    yk__arena arena;
    yk__pack_cache *own_packs;  /* packed weights that no engine shares, or NULL */
    const yk__backend *backend; /* the first of the options */
    int32_t n_threads;
} yk__specialisation;

yk__code yk__plan_create(yk__specialisation **out, const yk__graph *graph, const yk__shape *input_shape,
                         const yk__plan_options *options, yk__error *err) YK__MUST_USE;
void yk__plan_destroy(yk__specialisation **plan);

/* Runs all steps in order in the calling thread (steps use exec->pool inside). Host backends complete before it returns.
 * step_ns, when not NULL, gets n_steps durations. For dynamic plans exec->dynamic_shapes must have graph->n_values entries. */
yk__code yk__plan_execute(const yk__specialisation *plan, yk__exec *exec, uint64_t *step_ns, yk__error *err) YK__MUST_USE;

/* The plan as text a person can follow: step, node, kernel, shapes, forms, offsets, scratch, packed bytes, estimated cost. */
void yk__plan_dump(const yk__specialisation *plan, yk__text *out);

#endif
