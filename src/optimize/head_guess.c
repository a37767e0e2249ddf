/* A head guess as a node: see head_guess.h. */
#include "optimize/head_guess.h"

#include <string.h>

int yk__head_branches(const yk__head_guess *guess) {
    return guess->n_levels * (guess->n_extra > 0 ? 3 : 2);
}

int32_t yk__head_branch(const yk__head_guess *guess, int b) {
    int level = b % guess->n_levels;
    switch (b / guess->n_levels) {
    case 0: return guess->box[level];
    case 1: return guess->cls[level];
    default: return guess->extra[level];
    }
}

int32_t yk__head_make(yk__graph *graph, const yk__head_guess *guess, const int32_t *in, int n_in, const int32_t *out,
                      int n_out) {
    int32_t index = yk__graph_add_node(graph, YK__OP_YOLK_HEAD, "yolk_head", in, n_in, out, n_out);
    if (index < 0) return -1;
    yk__node *node = &graph->nodes[index];
    bool ok = yk__node_set_string(graph, node, "task", yk__task_name(guess->task)) &&
              yk__node_set_int(graph, node, "levels", guess->n_levels) &&
              yk__node_set_floats(graph, node, "strides", guess->stride, guess->n_levels) &&
              yk__node_set_int(graph, node, "reg_max", guess->reg_max) &&
              yk__node_set_int(graph, node, "classes", guess->classes);
    if (strcmp(guess->family, "v8")) ok = ok && yk__node_set_string(graph, node, "family", guess->family);
    if (guess->n_extra) ok = ok && yk__node_set_int(graph, node, "extra", guess->n_extra);
    if (guess->task == YK__TASK_POSE) ok = ok && yk__node_set_ints(graph, node, "kpt_shape", guess->kpt_shape, 2);
    if (guess->task == YK__TASK_OBB && strcmp(guess->angle, "sigmoid"))
        ok = ok && yk__node_set_string(graph, node, "angle", guess->angle);
    if (guess->one_to_one)
        ok = ok && yk__node_set_int(graph, node, "one_to_one", 1) && yk__node_set_int(graph, node, "end2end_k", guess->k);
    if (guess->dfl_weight) {
        double weight[256];
        if (guess->reg_max > 256) return -1;
        for (int64_t i = 0; i < guess->reg_max; i++) weight[i] = guess->dfl_weight[i];
        ok = ok && yk__node_set_floats(graph, node, "dfl_weight", weight, (int)guess->reg_max);
    }
    return ok ? index : -1;
}
