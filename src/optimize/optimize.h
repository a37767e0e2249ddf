/* Passes over the graph: each in its own file, named after what it does, testable and switchable alone.
 *
 * Every pass keeps the meaning: outputs stay equal but for float rounding in folded weights. A pass leaves the graph valid
 * (yk__graph_verify) and marks dead nodes YK__OP_NONE; the driver compacts. */
#ifndef YK_OPTIMIZE_OPTIMIZE_H
#define YK_OPTIMIZE_OPTIMIZE_H

#include "graph/infer.h"
#include "graph/recipe.h"

typedef struct yk__pass {
    const char *name; /* as in --passes */
    const char *doc;  /* one line */
    /* *changed is set when anything changed. evaluate: see graph/infer.h. */
    yk__code (*run)(yk__model *model, yk__evaluate_fn evaluate, bool *changed, yk__error *err);
} yk__pass;

/* In the order they run; n through *count. */
const yk__pass *yk__pass_list(int *count);

/* Runs passes. `passes` NULL: all. Else a comma-separated list: names select only those ("fold_constants,fuse_silu"), names
 * with a leading '-' switch those off ("-fuse_silu"), "none" runs none. Unknown names: ARGUMENT, listing the known ones. */
yk__code yk__optimize(yk__model *model, const char *passes, yk__evaluate_fn evaluate, yk__error *err) YK__MUST_USE;

/* After the passes, for --precision bf16: rounds weights, marks which values are bf16 and puts Casts between (lower_bf16.c). */
yk__code yk__lower_bf16(yk__model *model, yk__evaluate_fn evaluate, yk__error *err) YK__MUST_USE;

#endif
