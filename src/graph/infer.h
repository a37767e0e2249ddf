/* Shapes for a concrete input shape, and the values of whatever the shapes decide.
 *
 * Exports with free sizes compute shapes inside the graph (Shape, Gather, Mul, Concat ...). Inference therefore carries two
 * things per value: its shape and, where all inputs of its maker are known, its elements, made by the evaluator that the
 * caller passes in (the ref backend's kernels; graph knows no backend). */
#ifndef YK_GRAPH_INFER_H
#define YK_GRAPH_INFER_H

#include "graph/graph.h"

/* The most elements any single tensor may have, and the largest any dimension or window attribute may be. 8 GiB of f32: no
 * YOLO comes near, and sums and products of two such numbers fit 64 bits. LIMIT beyond. */
#define YK__MAX_ELEMENTS ((int64_t)1 << 31)

/* Computes one node on plain tensors. in[i].data is NULL where an optional input is absent. out[] come with dtype and shape
 * of yk__infer_node and memory for them; for operators whose output size depends on the data (NonZero,
 * NonMaxSuppression) the memory is for the bound and out[].shape is set to what was made. scratch allocates freely. */
typedef yk__code (*yk__evaluate_fn)(const yk__node *node, const yk__tensor *in, yk__tensor *out, yk__arena *scratch,
                                    yk__error *err);

typedef struct yk__inferred {
    yk__dtype dtype;
    yk__shape shape;  /* fully known after yk__infer_graph; for data-dependent outputs the upper bound */
    bool dynamic;     /* actual size only known at run time, at most `shape` in each dimension */
    const void *data; /* elements where known (constants included), else NULL */
} yk__inferred;

/* Shapes and dtypes of one node's outputs from its inputs. in[i] of absent inputs has dtype NONE. Inputs whose values decide
 * a shape (Reshape's second, Slice's bounds ...) must carry data, else SHAPE "... depends on values not known before the run".
 * The message names node, operator and the shapes met. */
yk__code yk__infer_node(const yk__node *node, const yk__inferred *in, yk__inferred *out, yk__error *err) YK__MUST_USE;

/* The whole graph for the given input shapes (n_inputs of them, fully known). out: array of n_values, from the arena. Values
 * of at most max_known_elements elements are computed where possible (shape arithmetic); pass INT64_MAX to fold everything
 * foldable. evaluate may be NULL: then only constants are known. */
yk__code yk__infer_graph(const yk__graph *graph, const yk__shape *input_shapes, yk__evaluate_fn evaluate,
                         int64_t max_known_elements, yk__arena *arena, yk__inferred *out, yk__error *err) YK__MUST_USE;

#endif
