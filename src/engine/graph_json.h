/* The graph as JSON, one line a value and a node, and back. Constants are references into the weights section. The layout is
 * specified in docs/engine-format.md. */
#ifndef YK_ENGINE_GRAPH_JSON_H
#define YK_ENGINE_GRAPH_JSON_H

#include "base/text.h"
#include "engine/report.h"
#include "graph/graph.h"

/* Where each constant lies in the weights section. Equal constants share one place. */
typedef struct yk__weights_place {
    uint64_t at; /* multiple of YK__ENGINE_ALIGN */
    size_t bytes;
    int32_t owner; /* the value whose bytes are written; equal to the own index, or of an equal constant before it */
    bool constant;
} yk__weights_place;

typedef struct yk__weights_plan {
    yk__weights_place *places; /* n_values of the graph, from the arena given */
    uint64_t total;            /* bytes of the section */
} yk__weights_plan;

/* Places constants in the order of their values. GRAPH when a constant has no size. */
yk__code yk__weights_plan_make(const yk__graph *graph, yk__arena *arena, yk__weights_plan *out, yk__error *err) YK__MUST_USE;

void yk__graph_to_json(const yk__graph *graph, const yk__weights_plan *weights, yk__text *out);

/* Fills an initialised, empty graph; constants point into weights (weights_bytes of them, aligned to 8). The graph is verified.
 * *finding says which verdict a failure gives. */
yk__code yk__graph_from_json(const uint8_t *json, size_t n, const uint8_t *weights, uint64_t weights_bytes, yk__graph *graph,
                             yk__finding_code *finding, yk__error *err) YK__MUST_USE;

#endif
