/* Runs one data set of a node test and compares the answers. */
#ifndef YK_TOOLS_NODE_RUN_H
#define YK_TOOLS_NODE_RUN_H

#include "backend/backend.h"
#include "node_case.h"

/* Two ways, both must give the expected answer: folded, every input a constant (what shape arithmetic and constant folding
 * use), and planned for the backends with as many inputs as possible given at run time. backends: in order of preference. */
yk__code node_run(const yk__map *model, const node_data *data, const yk__backend *const *backends, int n_backends,
                  int n_threads, yk__error *err);

#endif
