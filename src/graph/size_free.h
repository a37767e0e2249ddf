/* Whether a graph works at other picture sizes and batches than it was exported for. */
#ifndef YK_GRAPH_SIZE_FREE_H
#define YK_GRAPH_SIZE_FREE_H

#include "graph/infer.h"

/* True when nothing in the graph is bound to one input size or batch. Otherwise *culprit (which may be NULL) is the first node
 * that is, or NULL when there was no memory to find out.
 *
 * Two inferences are compared: at the declared input shape (128 x 128 where that is free) and at one of another height, width
 * and batch, both multiples of 64. A node is bound when it cannot be inferred at the second; when a Reshape's constant target
 * does not carry the change over to the dimensions it belongs to; when a Slice, Gather or Resize addresses a dimension that
 * changed by constant numbers; or when an output's first dimension does not follow the batch. evaluate: for exports that
 * compute their shapes; NULL takes those as bound. */
bool yk__graph_size_free(const yk__graph *graph, yk__evaluate_fn evaluate, const yk__node **culprit);

#endif
