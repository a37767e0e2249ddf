/* From a checkpoint's modules to nodes of a graph: what the builders of blocks and heads share.
 *
 * A builder reads what its module pickled (never what a family of that name usually has) and adds the nodes that compute it.
 * Batch normalisation is folded while convolutions are read. Values carry their channels, so that a module that does not fit
 * its input is found where it stands. All of it is internal to the import room. */
#ifndef YK_IMPORT_PT_BUILD_H
#define YK_IMPORT_PT_BUILD_H

#include "graph/graph.h"
#include "graph/recipe.h"
#include "import/pt_file.h"

/* Modules inside modules: YOLOs need 8. And how many may be built in all, each time one is used: yolo26x has some 1,500. */
#define YK__PT_MAX_DEPTH   24
#define YK__PT_MAX_MODULES 50000
/* Levels of a head, and parts of what a layer passes on (CBLinear's splits). */
#define YK__PT_MAX_LEVELS 8
#define YK__PT_MAX_FLOW   16

/* What a layer passes on: one value, or several. */
typedef struct yk__pt_flow {
    int32_t n;
    int32_t value[YK__PT_MAX_FLOW];
} yk__pt_flow;

typedef struct yk__pt_build {
    yk__pt_file *file;
    yk__graph *graph;
    yk__error *err;
    bool end2end;   /* the user wants the one-to-one head */
    char path[512]; /* of the module being built, as exports name nodes: "/model.2/m.0/cv1" */
    size_t path_length;
    int depth;
    int32_t n_modules;
    int32_t *reduction; /* for each value how many pixels of the picture one of its cells spans; 0 where not known */
    int32_t reduction_capacity;
    yk__recipe recipe; /* what the head decides: task, layout, classes, extras */
} yk__pt_build;

/* "/model.2/m.0 (Bottleneck): ..." */
yk__code yk__pt_fail(yk__pt_build *b, yk__py module, yk__code code, const char *format, ...) YK__PRINTF(4, 5);
yk__code yk__pt_no_memory(yk__pt_build *b);

/* ---- modules ---- */

/* A module on one value. UNSUPPORTED for classes that yolk has no builder for, named with their place. */
yk__code yk__pt_run(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) YK__MUST_USE;
/* A module's submodule of that name. GRAPH when there is none. */
yk__code yk__pt_part(yk__pt_build *b, yk__py module, const char *name, int32_t x, int32_t *y) YK__MUST_USE;
/* The n-th module of a module's list of that name ("m", 0). */
yk__code yk__pt_list_part(yk__pt_build *b, yk__py module, const char *list, int32_t i, int32_t x, int32_t *y) YK__MUST_USE;
/* Whether the module has a submodule of that name that is not None. */
bool yk__pt_has(const yk__pt_build *b, yk__py module, const char *name);
/* Modules in the list of that name, 0 when there is none. */
int32_t yk__pt_list_length(const yk__pt_build *b, yk__py module, const char *list);

/* Attributes: GRAPH when absent or of another kind, unless a default is given. */
yk__code yk__pt_int(yk__pt_build *b, yk__py module, const char *name, int64_t low, int64_t high, int64_t *out) YK__MUST_USE;
int64_t yk__pt_int_or(const yk__pt_build *b, yk__py module, const char *name, int64_t otherwise);
bool yk__pt_flag(const yk__pt_build *b, yk__py module, const char *name);
double yk__pt_number_or(const yk__pt_build *b, yk__py module, const char *name, double otherwise);
/* One number for both axes, or a pair: low..high each. */
yk__code yk__pt_pair(yk__pt_build *b, yk__py module, const char *name, int64_t low, int64_t high, int64_t out[2]) YK__MUST_USE;
/* A tensor attribute of one dimension of n elements; n -1: any number, set on return. In the graph's arena. */
yk__code yk__pt_vector(yk__pt_build *b, yk__py module, const char *name, int64_t *n, float **out) YK__MUST_USE;

/* Where the build stands: names the next module in messages and nodes. `leave` with what `enter` gave. */
size_t yk__pt_enter(yk__pt_build *b, const char *name);
size_t yk__pt_enter_item(yk__pt_build *b, int32_t i);     /* /m -> /m.0: a list is no module of its own */
size_t yk__pt_enter_sequence(yk__pt_build *b, int32_t i); /* /cv3 -> /cv3/cv3.0 */
void yk__pt_leave(yk__pt_build *b, size_t mark);

/* ---- nodes ---- */

int64_t yk__pt_channels(const yk__pt_build *b, int32_t value);
/* How many pixels a cell of the value spans: known for the values of blocks, 0 otherwise. */
int32_t yk__pt_reduction(const yk__pt_build *b, int32_t value);
yk__code yk__pt_set_reduction(yk__pt_build *b, int32_t value, int64_t reduction) YK__MUST_USE;
/* A node with one f32 output N x channels x H x W (channels -1: another shape, rank 0). *node, where wanted, is valid until
 * the next node. The name is the path and `suffix`. */
yk__code yk__pt_node(yk__pt_build *b, yk__op op, const char *suffix, const int32_t *in, int n_in, int64_t channels, int32_t *y,
                     yk__node **node) YK__MUST_USE;
/* A constant named after the path. */
yk__code yk__pt_constant(yk__pt_build *b, const char *suffix, yk__dtype dtype, const yk__shape *shape, const void *data,
                         int32_t *y) YK__MUST_USE;
yk__code yk__pt_ints(yk__pt_build *b, const char *suffix, const int64_t *values, int64_t n, int32_t *y) YK__MUST_USE;
yk__code yk__pt_floats(yk__pt_build *b, const char *suffix, const float *values, const yk__shape *shape,
                       int32_t *y) YK__MUST_USE;
yk__code yk__pt_concat(yk__pt_build *b, const int32_t *parts, int n, int32_t *y) YK__MUST_USE;
/* Channels cut into runs of the given sizes. GRAPH when they do not add up. */
yk__code yk__pt_split(yk__pt_build *b, int32_t x, const int64_t *sizes, int n, int32_t *parts) YK__MUST_USE;
/* Two halves; GRAPH for an odd number of channels. */
yk__code yk__pt_halves(yk__pt_build *b, int32_t x, int32_t parts[2]) YK__MUST_USE;
yk__code yk__pt_add(yk__pt_build *b, const char *suffix, int32_t a, int32_t c, int32_t *y) YK__MUST_USE;
yk__code yk__pt_enlarge(yk__pt_build *b, const char *suffix, int32_t x, double factor, int32_t *y) YK__MUST_USE;
yk__code yk__pt_max_pool(yk__pt_build *b, const char *suffix, int32_t x, const int64_t kernel[2], const int64_t stride[2],
                         const int64_t pad[2], const int64_t dilation[2], bool ceil_mode, int32_t *y) YK__MUST_USE;

/* ---- convolutions (pt_blocks_conv.c) ---- */

/* Weights out x in/groups x k x k (transposed: in x out/groups x k x k) and bias, normalisation folded in. */
typedef struct yk__pt_kernel {
    bool transposed;
    int64_t out, in, groups;
    int64_t k[2], stride[2], pad[2], dilation[2], output_pad[2];
    float *weight, *bias; /* bias NULL where there is none */
} yk__pt_kernel;

/* norm: a BatchNorm2d to fold (PARITY section 5.1), or ABSENT. */
yk__code yk__pt_kernel_read(yk__pt_build *b, yk__py conv, yk__py norm, yk__pt_kernel *out) YK__MUST_USE;
yk__code yk__pt_kernel_node(yk__pt_build *b, const yk__pt_kernel *kernel, int32_t x, int32_t *y) YK__MUST_USE;
/* An activation module. */
yk__code yk__pt_activation(yk__pt_build *b, yk__py act, int32_t x, int32_t *y) YK__MUST_USE;

/* ---- the tables of builders ---- */

/* One value in, one out. */
typedef yk__code (*yk__pt_block_fn)(yk__pt_build *b, yk__py module, int32_t x, int32_t *y);
/* Layers that take or give several. */
typedef yk__code (*yk__pt_layer_fn)(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, yk__pt_flow *out);

typedef struct yk__pt_block {
    const char *name; /* of the class */
    yk__pt_block_fn build;
    yk__pt_layer_fn layer;
} yk__pt_block;

/* The families' tables, each ended by a NULL name. */
extern const yk__pt_block yk__pt_blocks_conv[], yk__pt_blocks_csp[], yk__pt_blocks_pool[], yk__pt_blocks_attention[],
    yk__pt_heads[], yk__pt_heads_v5[];
/* Ultralytics' Detect, which shares its class name with YOLOv5's. */
yk__code yk__pt_detect(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, yk__pt_flow *out) YK__MUST_USE;
/* NULL for a class nobody builds. */
const yk__pt_block *yk__pt_block_find(const char *name);

/* A layer of the model's list, whatever it takes. */
yk__code yk__pt_run_layer(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, yk__pt_flow *out) YK__MUST_USE;

#endif
