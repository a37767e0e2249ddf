/* What the passes share for looking at a graph and changing it: who makes and who uses a value, constants read as numbers,
 * nodes removed or put in another's place.
 *
 * A pass walks the nodes in order, which is an order of execution, and never looks for uses of a value by searching: a model
 * of many nodes must not take quadratic time. Values that are replaced are noted in `alias` and resolved as the walk goes on.
 */
#ifndef YK_OPTIMIZE_REWRITE_H
#define YK_OPTIMIZE_REWRITE_H

#include "graph/infer.h"
#include "graph/recipe.h"

/* What a pass may take for itself: mostly values that follow from shapes, a few per head. A file that wants more is no YOLO. */
#define YK__SCRATCH_BYTES ((size_t)512 << 20)

typedef struct yk__rewrite {
    yk__graph *graph;
    yk__arena scratch; /* dies with the pass */
    int32_t *maker;    /* per value the node that makes it, -1: input or constant */
    int32_t *uses;     /* per value the node inputs and graph outputs that name it */
    int32_t *alias;    /* per value what stands in its place, itself at first */
    bool *is_output;   /* per value: a graph output as the graph came in */
    int32_t n_values;  /* as long as the arrays above; values made by the pass itself lie beyond */
    bool changed;
} yk__rewrite;

yk__code yk__rewrite_begin(yk__rewrite *rewrite, yk__graph *graph, yk__error *err) YK__MUST_USE;
/* Resolves what is left of `alias` in the graph's outputs, sets *changed, and frees. Also called after a failure. */
void yk__rewrite_end(yk__rewrite *rewrite, bool *changed);

/* Brings a node's inputs up to date with `alias`: first thing a pass that uses `alias` does with each node. */
void yk__rewrite_resolve(yk__rewrite *rewrite, yk__node *node);
/* Every later use of `from` becomes `to`; use counts follow. Where `from` is a graph output, `to` takes its name: it must
 * be made by a node, and be no graph output itself. */
void yk__rewrite_alias(yk__rewrite *rewrite, int32_t from, int32_t to);
/* The node that makes a value, NULL for inputs, constants, absent values and values made by the pass itself. */
yk__node *yk__rewrite_maker(const yk__rewrite *rewrite, int32_t value);
/* The same, when it is of the given operator and nothing but one node input uses its first output; else NULL. */
yk__node *yk__rewrite_sole_maker(const yk__rewrite *rewrite, int32_t value, yk__op op);
/* Takes a node out of the graph: uses of its inputs are counted down. */
void yk__rewrite_remove(yk__rewrite *rewrite, yk__node *node);
/* `node` moves to the place of `last`, a later node that is its only reader, and makes last's first output instead of its
 * own. `last` is gone. Returns the node at its new place. */
yk__node *yk__rewrite_absorb(yk__rewrite *rewrite, yk__node *node, yk__node *last);

/* The value when it is a constant, else NULL. Absent values are no constants. */
const yk__value *yk__constant_of(const yk__graph *graph, int32_t value);
/* A constant with one element, of any number type. */
bool yk__constant_scalar(const yk__graph *graph, int32_t value, double *out);
/* A constant list of integers (rank 0 or 1, i32 or i64): how many it has, at most n are copied; -1 when it is none. */
int yk__constant_ints(const yk__graph *graph, int32_t value, int64_t *out, int n);
/* Element `index` of a tensor as a number; dtype must be a number type. */
double yk__element(yk__dtype dtype, const void *data, int64_t index);
/* A new constant of i64 (f32) numbers, rank 1; the value's index, -1 when out of memory. */
int32_t yk__add_ints(yk__graph *graph, const char *name, const int64_t *values, int n);
int32_t yk__add_floats(yk__graph *graph, const char *name, const float *values, int n);

/* A Conv or ConvTranspose whose weights and bias are f32 constants and whose epilogue is still empty. */
bool yk__conv_is_open(const yk__graph *graph, const yk__node *conv, int64_t *channels_out);
/* conv becomes scale * conv + shift per output channel: new constants for weight and bias. Numbers are computed in double
 * and rounded once. MEMORY and LIMIT only. */
yk__code yk__conv_scale(yk__graph *graph, yk__node *conv, const double *scale, const double *shift,
                        yk__error *err) YK__MUST_USE;

/* Shapes of all values at a network input of N x H x W, and whatever follows from shapes alone. Where the graph cannot be
 * inferred to its end (results sized by their content, sizes baked for another input), values behind have dtype NONE. */
typedef struct yk__at_size {
    yk__shape inputs[4];
    yk__inferred *value; /* n_values of them */
    bool complete;
} yk__at_size;

/* The size that the model was exported for: recipe.batch x recipe.imgsz, or what the graph's input declares. steps > 0 asks for
 * another: sides that many strides (and one more for the width), so that no two sizes agree by chance; batch > 0 for another
 * batch. Returns UNSUPPORTED when not even the input's size is known; that stops no pass. */
yk__code yk__infer_at(const yk__model *model, int64_t batch, int64_t steps, yk__evaluate_fn evaluate, yk__arena *arena,
                      yk__at_size *out, yk__error *err) YK__MUST_USE;
/* What is known of a value there; NULL when it was not reached. */
const yk__inferred *yk__at(const yk__at_size *at, int32_t value);

/* Whether an error is one that must stop the build (memory) rather than one that only means "this pattern is not that". */
static inline bool yk__is_fatal(yk__code code) {
    return code == YK__MEMORY || code == YK__LIMIT;
}

#endif
