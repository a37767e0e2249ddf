/* The model that a foreign engine was made from: where it lies, and that yolk can build it. */
#ifndef YK_INSPECT_SOURCE_MODEL_H
#define YK_INSPECT_SOURCE_MODEL_H

#include "engine/report.h"

/* Offers to build the model instead, in a report on the engine at `path` that names no machine it fits: the model at `from`, or
 * where that is NULL a file of the same name with .onnx or .pt. Does nothing to other reports and where there is none. */
void yk__offer_source_model(const char *path, const char *from, yk__report *report);

#endif
