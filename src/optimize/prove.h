/* Numeric proof that a part of a graph does what one operator does: both are run on the same made-up numbers, at the export's
 * own shapes, and must agree. Recognition guesses freely; only what is proven is replaced.
 *
 * A cone is everything between some values (its frontier) and one or more later values (its targets): the nodes that must run
 * to get from one to the other. What follows from shapes alone counts as constant. */
#ifndef YK_OPTIMIZE_PROVE_H
#define YK_OPTIMIZE_PROVE_H

#include "optimize/rewrite.h"

typedef struct yk__cone {
    int32_t *nodes; /* in execution order */
    int32_t n_nodes;
    int32_t *frontier; /* values, in rising order of their makers */
    int32_t n_frontier;
} yk__cone;

/* Walks back from the targets. `inside` says whether the walk goes on through a node; a value whose maker is not inside, or
 * that has none, is frontier. Stops with UNSUPPORTED when more than max_nodes would be inside. */
typedef bool (*yk__inside_fn)(const yk__graph *graph, const yk__rewrite *rewrite, const yk__node *node);
yk__code yk__cone_collect(const yk__rewrite *rewrite, const yk__at_size *at, const int32_t *targets, int n_targets,
                          yk__inside_fn inside, int max_nodes, yk__arena *arena, yk__cone *out, yk__error *err) YK__MUST_USE;

/* Runs the cone on frontier_data[i] for frontier value i (for values sized by the run, of any size). target_data[i] become
 * tensors of the caller's, to be given to yk__release. Memory of what lies between is given back as soon as nobody reads it. */
yk__code yk__cone_run(const yk__graph *graph, const yk__at_size *at, const yk__cone *cone, const yk__tensor *frontier_data,
                      const int32_t *targets, int n_targets, yk__evaluate_fn evaluate, yk__tensor *target_data,
                      yk__error *err) YK__MUST_USE;

/* Runs one node on tensors that the caller has; out[] become tensors of the caller's, to be given to yk__release. */
yk__code yk__run_node(const yk__node *node, const yk__tensor *in, yk__evaluate_fn evaluate, yk__tensor *out,
                      yk__error *err) YK__MUST_USE;
/* Gives back data of tensors made above and empties them. */
void yk__release(yk__tensor *tensors, int n);
/* Memory for `count` made-up numbers, NULL when there is none or count is beyond reason; yk__free gives it back. */
float *yk__made_up(int64_t count);

/* The same numbers on every machine and in every run: builds are reproducible. */
typedef struct yk__random {
    uint64_t state;
} yk__random;

double yk__random_unit(yk__random *random);                 /* 0 <= x < 1 */
double yk__random_normal(yk__random *random, double sigma); /* the sum of twelve, about normal: |x| < 6 sigma */

#endif
