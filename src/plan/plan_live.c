/* Which nodes are scheduled: those whose outputs somebody wants and nobody knows yet. Shape arithmetic, folded by inference,
 * disappears here. */
#include <string.h>

#include "plan/plan_stages.h"

/* Marks the value as wanted; constants, known values and graph inputs need nobody to make them. */
static void want(yk__planner *planner, int32_t value) {
    if (value == YK__NO_VALUE) return;
    planner->readers[value]++;
    int32_t maker = planner->producer[value];
    if (maker >= 0 && planner->plan->inferred[value].data == NULL) planner->decisions[maker].live = true;
}

yk__code yk__plan_live(yk__planner *planner, yk__error *err) {
    const yk__graph *graph = planner->graph;
    planner->producer = yk__graph_producers(graph, &planner->scratch);
    planner->readers = yk__arena_array(&planner->scratch, (size_t)graph->n_values + 1, sizeof(int32_t));
    planner->decisions = yk__arena_array(&planner->scratch, (size_t)graph->n_nodes + 1, sizeof(yk__decision));
    if (!planner->producer || !planner->readers || !planner->decisions) {
        return yk__arena_error(&planner->scratch, "planning", err);
    }
    planner->head = -1;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        if (graph->nodes[i].op != YK__OP_YOLK_HEAD) continue;
        if (planner->head >= 0) {
            return yk__fail(err, YK__UNSUPPORTED, "nodes \"%s\" and \"%s\" are both YolkHead; an engine holds one head",
                            graph->nodes[planner->head].name, graph->nodes[i].name);
        }
        planner->head = i;
    }
    bool fills_candidates = planner->head >= 0 && !planner->options->dense;
    const yk__node *head = planner->head >= 0 ? &graph->nodes[planner->head] : NULL;
    if (fills_candidates) planner->decisions[planner->head].live = true;
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        int32_t value = graph->outputs[i];
        if (fills_candidates && planner->producer[value] == planner->head) {
            /* the raw tensor is not made; the prototypes are the head's last input, as they are */
            if (value != head->out[0]) want(planner, head->in[head->n_in - 1]);
            continue;
        }
        want(planner, value);
    }
    for (int32_t i = graph->n_nodes - 1; i >= 0; i--) {
        if (!planner->decisions[i].live) continue;
        const yk__node *node = &graph->nodes[i];
        for (int32_t k = 0; k < node->n_in; k++) want(planner, node->in[k]);
    }
    return YK__OK;
}
