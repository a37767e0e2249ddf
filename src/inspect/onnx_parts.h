/* What an ONNX file holds besides its network: engines of other runtimes, and weights in other files. Read from the protobuf
 * fields in place. */
#ifndef YK_INSPECT_ONNX_PARTS_H
#define YK_INSPECT_ONNX_PARTS_H

#include "inspect/recognise.h"

/* True when the graph's first node has an operator by name: no other protobuf file has one at this place. */
bool yk__onnx_has_nodes(const yk__source *source);

/* EPContext nodes, in which ONNX Runtime keeps an engine: facts.ep_context, and the engine's kind where it is embedded. */
void yk__onnx_look_for_engine(const yk__source *source, yk__report *report);

/* Files in which initializers lie: facts.external_data. When the model's own path is known and the source is deep, each must be
 * beside it and long enough, else external-data-missing. */
void yk__onnx_look_for_files(const yk__source *source, yk__report *report);

#endif
