/* Runs a graph node by node through the ref backend's evaluator: what passes must not change is what this computes. */
#ifndef YK_TESTS_RUN_GRAPH_H
#define YK_TESTS_RUN_GRAPH_H

#include "graph/infer.h"

/* The results of one run: tensors in the order of the graph's outputs. {0} is empty. */
typedef struct run_result {
    yk__tensor outputs[8];
    int n_outputs;
} run_result;

/* input: f32 elements of the graph's only input at `shape`. On failure *result is empty and err says why. */
yk__code run_graph(const yk__graph *graph, const yk__shape *shape, const float *input, run_result *result, yk__error *err);
void run_free(run_result *result);
/* The largest |a - b| over output i, HUGE_VAL when their types (f32) or shapes differ or a number is not finite in one only. */
double run_difference(const run_result *a, const run_result *b, int i);

#endif
