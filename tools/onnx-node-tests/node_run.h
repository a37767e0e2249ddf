/* Runs one data set of a node test and compares the answers. */
#ifndef YK_TOOLS_NODE_RUN_H
#define YK_TOOLS_NODE_RUN_H

#include "backend/backend.h"
#include "node_case.h"

/* How many inputs a plan took at run time. */
typedef enum node_binding {
    NODE_ALL_AT_RUN_TIME,
    NODE_INTEGERS_BOUND, /* integers but the first input were constants */
    NODE_FIRST_AT_RUN_TIME,
    NODE_ALL_BOUND, /* nothing was left to run */
    NODE_BINDINGS
} node_binding;

/* Two ways, both must give the expected answer: folded, every input a constant (what shape arithmetic and constant folding
 * use), and planned for the backends with as many inputs as possible given at run time. backends: in order of preference.
 * *binding: of the plan. */
yk__code node_run(const yk__map *model, const node_data *data, const yk__backend *const *backends, int n_backends,
                  int n_threads, node_binding *binding, yk__error *err);

#endif
