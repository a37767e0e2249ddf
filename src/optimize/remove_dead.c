/* Drops nodes whose results nobody uses, and outputs at the end of a node's list that nobody uses and that the operator need
 * not make (the indices of a MaxPool). The dropping itself is yk__graph_compact's, which the driver runs behind each pass. */
#include "optimize/passes.h"
#include "optimize/rewrite.h"

YK__PASS(remove_dead) {
    (void)evaluate;
    yk__rewrite rewrite;
    yk__code code = yk__rewrite_begin(&rewrite, &model->graph, err);
    for (int i = model->graph.n_nodes - 1; !code && i >= 0; i--) { /* from the end: what a dead node read may die with it */
        yk__node *node = &model->graph.nodes[i];
        const yk__op_info *info = yk__op_info_get(node->op);
        int used = 0;
        if (!info || node->op == YK__OP_NONE) continue;
        for (int k = 0; k < node->n_out; k++)
            if (node->out[k] < 0 || rewrite.uses[node->out[k]] > 0) used = k + 1;
        if (used == 0) {
            yk__rewrite_remove(&rewrite, node);
        } else if (used < node->n_out && info->max_out > info->min_out && node->op != YK__OP_SPLIT) {
            node->n_out = used > info->min_out ? used : info->min_out;
            rewrite.changed = true;
        }
    }
    yk__rewrite_end(&rewrite, changed);
    return code;
}
