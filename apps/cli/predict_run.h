/* Sources through an engine, answers out in their order. */
#ifndef YOLK_APPS_PREDICT_RUN_H
#define YOLK_APPS_PREDICT_RUN_H

#include "cli_sources.h"
#include "predict_output.h"

/* With one lane here and now; with more, each lane is a thread with a context of its own (the engine's pool should then have
 * one thread). The worst exit status of the pictures. */
int predict_run(yk_engine *engine, int n_lanes, const cli_sources *sources, const yk_predict_options *options,
                predict_output *output);

#endif
