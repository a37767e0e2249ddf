/* TensorProto to a constant of the graph: in place where the bytes allow it, else copied and converted. */
#ifndef YK_IMPORT_ONNX_TENSOR_H
#define YK_IMPORT_ONNX_TENSOR_H

#include "graph/graph.h"
#include "import/external_data.h"
#include "import/onnx_file.h"

typedef struct yk__onnx_tensors {
    const yk__onnx_file *file;
    yk__external *external;
    yk__graph *graph;    /* whose arena takes copies */
    bool keep_half;      /* else f16 and bf16 become f32 */
    bool drop_pages;     /* the bytes are a file's mapping: pages behind a copy can be given back, and come back when read */
    size_t plain_budget; /* the arena's budget without external data; each external file adds twice its size */
} yk__onnx_tensors;

/* The elements of the tensor, living as long as the graph and the mappings. UNSUPPORTED (type, rank), FORMAT (sizes that do not
 * fit), LIMIT, MEMORY and what external data may fail with; the message starts with the tensor's name. */
yk__code yk__onnx_tensor_read(yk__onnx_tensors *tensors, const Onnx__TensorProto *proto, yk__dtype *dtype, yk__shape *shape,
                              const void **data, yk__error *err) YK__MUST_USE;

/* What an ONNX element type becomes here: NONE where yolk has none, f32 for halves unless they are kept. */
yk__dtype yk__onnx_tensor_dtype(int32_t onnx_type, bool keep_half);

#endif
