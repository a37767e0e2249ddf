/* The order in which a list of ONNX nodes can be lifted. */
#ifndef YK_IMPORT_ONNX_ORDER_H
#define YK_IMPORT_ONNX_ORDER_H

#include "base/memory.h"
#include "onnx/onnx.pb-c.h"

/* *out: the nodes such that each follows the makers of its inputs, in scratch, or `nodes` itself when it is in order already,
 * as the standard demands. Some writers do not keep to it: fp16 converters add their casts at the end. Names that no node of
 * the list makes come from elsewhere and are not looked at; nor are the names that a branch inside a node uses. GRAPH when
 * nodes wait for each other, LIMIT, MEMORY. */
yk__code yk__onnx_order(Onnx__NodeProto **nodes, size_t n, yk__arena *scratch, Onnx__NodeProto ***out,
                        yk__error *err) YK__MUST_USE;

#endif
