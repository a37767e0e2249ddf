/* The contract between a plan and the code that computes: forms of tensors, kernels as data, steps, execution.
 *
 * A backend is a table of kernels. For each node the plan asks every kernel of its backends, in order, whether it accepts the
 * node at the shapes at hand and what it needs (forms, halo, scratch, packed weights, estimated cost), picks one, decides
 * where each tensor lies, lets the kernel prepare (resolve parameters, pack weights) and keeps the result as a step. At run
 * time a step's run function gets the step and an execution record, allocates nothing and touches only its operands, its
 * packed weights and its scratch.
 *
 * Host backends (ref, cpu) can be mixed in one specialisation: what cpu does not accept, ref runs. */
#ifndef YK_BACKEND_BACKEND_H
#define YK_BACKEND_BACKEND_H

#include "base/candidates.h"
#include "base/cpu.h"
#include "base/pool.h"
#include "graph/infer.h"

/* PLAIN: row-major, no gaps, any rank and dtype.
 * BLOCKED: N x C x H x W in blocks of b channels, b = the backend's block. f32: [N][ceil(C/b)][halo+H+halo][halo+W+halo][b];
 * bf16: [N][halo+H+halo][halo+W+halo][ceil(C/b)][b], a pixel's blocks side by side, as products of pairs and tiles want them.
 * Lanes past C are zero. The halo (rows and columns of zeros around every plane) is written by whoever writes the tensor, so
 * that convolutions need no edge code; a tensor's halo is the largest that any of its readers asks for. */
typedef enum yk__form { YK__FORM_PLAIN, YK__FORM_BLOCKED } yk__form;

typedef enum yk__place_kind {
    YK__PLACE_NONE,     /* absent optional input */
    YK__PLACE_CONSTANT, /* operand.constant */
    YK__PLACE_INPUT,    /* the graph's input, bound at run time: exec->input */
    YK__PLACE_MEMORY    /* at `offset` in the context's memory */
} yk__place_kind;

typedef struct yk__operand {
    yk__place_kind kind;
    yk__form form;
    yk__dtype dtype;
    int32_t value;        /* the graph's value index; -1 for tensors the plan made */
    int32_t input;        /* kind INPUT: which of the graph's inputs */
    bool dynamic;         /* actual shape at run time: exec->dynamic_shapes[value]; `shape` is the bound */
    yk__shape shape;      /* logical shape, N x C x H x W for BLOCKED */
    const void *constant; /* elements, when known at plan time */
    size_t offset;        /* bytes from the start of the context's memory to element (0,0,0,0), behind the halo */
    /* BLOCKED, in elements: from one picture, channel block, row, pixel to the next. A concat's parts and a split's outputs are
     * such views into one buffer. f32: a pixel is `block` further; bf16: a block is. */
    int64_t image_stride, block_stride, row_stride, pixel_stride;
    int32_t block, halo;
} yk__operand;

typedef struct yk__step yk__step;
typedef struct yk__exec yk__exec;
typedef struct yk__kernel yk__kernel;
typedef struct yk__backend yk__backend;

typedef yk__code (*yk__run_fn)(const yk__step *step, yk__exec *exec, yk__error *err);

/* One scheduled operator. Constant after planning, shared by all contexts. */
struct yk__step {
    const yk__node *node;  /* NULL for a change of form */
    int32_t node_index;    /* -1 for a change of form */
    const yk__node *fused; /* the maker of input 0 whose work this step does too (need.fuse_maker); in[0] is then its input 0 */
    const yk__backend *backend;
    const yk__kernel *kernel;
    yk__run_fn run;
    int32_t n_in, n_out;
    yk__operand *in, *out;
    const void *packed; /* kernel's packed weights, cache-line aligned, or NULL */
    size_t packed_bytes;
    const void *state; /* kernel's resolved parameters, made by prepare, or NULL */
    /* NULL, or u8 PLAIN N x ceil(H/4) x ceil(W/4) over output 0: tiles of 4x4 pixels that will be read. What lies in the others
     * is then anything and need not be computed; the halo is written all the same. Only for kernels that said by_tiles. */
    const yk__operand *tiles;
    /* in the context's memory, this step's alone while it runs: 64-byte aligned, at least what the kernel asked for. All steps
     * of a plan have the same, and workers divide it by yk__scratch_share, so that a worker finds its share in its own cache */
    size_t scratch_offset, scratch_bytes;
    double cost_ns; /* the cost model's estimate */
};

/* Inputs and outputs a kernel may say something about; further ones (a Concat may have thousands) are PLAIN. */
#define YK__MAX_OPERANDS 64

/* What the plan asks a kernel. For a change of form: node is NULL, one input, one output, in_form[0] and change_to say which;
 * BLOCKED to BLOCKED copies (a concat's part that could not be placed). */
typedef struct yk__query {
    const yk__graph *graph;
    const yk__node *node;
    int32_t node_index;
    yk__form change_to;
    const yk__node *maker;        /* makes input 0, which has no other reader: may be fused (need.fuse_maker); else NULL */
    const yk__inferred *maker_in; /* of the maker's input 0 */
    const yk__inferred *in, *out; /* per input and output of the node; in[i].dtype NONE when absent */
    const yk__form *in_form;      /* the form each input has now */
    int32_t n_threads;
    int32_t block; /* channels per block of BLOCKED tensors in this specialisation */
    bool dense;    /* YolkHead: outputs as tensors instead of candidates */
} yk__query;

/* What the kernel answers when it accepts. Zeroed before the call: all PLAIN, nothing needed. */
typedef struct yk__need {
    yk__form in_form[YK__MAX_OPERANDS];
    int32_t in_halo[YK__MAX_OPERANDS]; /* least halo of BLOCKED inputs */
    yk__form out_form[YK__MAX_OPERANDS];
    bool fuse_maker;             /* the maker of input 0 is not run: this kernel reads the maker's input 0 and does both */
    bool in_place;               /* output 0 may lie exactly where input 0 lies (same shape and form) when that dies here */
    bool skip[YK__MAX_OPERANDS]; /* input i is not read at run time (it went into packed weights or state) */
    bool by_tiles;               /* can leave out tiles of output 0 (step->tiles); output 0 has the size of input 0 */
    int32_t tile_reach;          /* by_tiles: pixels of input 0 around a tile that it depends on, at most 4 */
    size_t scratch_bytes;        /* whole step: yk__scratch_share or the kernel itself divides it among workers */
    size_t packed_bytes;
    uint32_t packed_format; /* equal format, node and bytes: packed weights can be shared between shapes; 0: never shared */
    double cost_ns;         /* estimate for one picture on this ISA with query->n_threads threads; lower wins, 0 is
                             * "not known" and wins over nothing. The order of two kernels must depend neither on N nor on
                             * n_threads, because answers must not */
} yk__need;

/* A kernel: named op_type_layout_tile_isa (docs/kernels.md). Tables of these are all that dispatch, tests and bench know. */
struct yk__kernel {
    const char *name;
    yk__op op; /* YK__OP_NONE: a change of form, PLAIN f32 <-> BLOCKED */
    bool (*accept)(const yk__kernel *kernel, const yk__query *query, yk__need *need);
    /* Fills packed (need.packed_bytes, every one of them; not zeroed) from the node's constant inputs. Runs once per engine and
     * kernel, after prepare.
     */
    yk__code (*pack)(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err);
    /* Resolves parameters into *state from the arena (which dies with the specialisation). May be NULL. */
    yk__code (*prepare)(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state, yk__error *err);
    yk__run_fn run;
    const void *data; /* the kernel's own table entry */
};

struct yk__backend {
    const char *name;       /* "ref", "cpu" */
    const char *isa;        /* "c", "generic", "avx2", "avx512", "neon" */
    const char *kernel_set; /* changes whenever packed formats or choices change meaning: part of the plan fingerprint */
    int32_t block;          /* block of this backend's BLOCKED form; 1 when it has none */
    const yk__kernel *const *kernels;
    int32_t n_kernels;
    /* YolkHead's first half, or NULL: from the class logits alone, which anchors can matter (a scan step, below). */
    const yk__kernel *scan;
};

/* A scan step: node is the YolkHead, inputs are its class branches (`levels` of them, in BLOCKED form), outputs are
 *     0                       f32 N x anchors: what YolkHead, which gets it behind its own inputs, would find by itself
 *     1 + grow * levels + l   u8 N x ceil(H/4) x ceil(W/4): tiles of level l that hold an anchor that can matter, and their
 *                             neighbours up to `grow` tiles away
 * It runs before the box and extra branches, whose kernels then leave out the other tiles. Answers do not change by a bit. */
#define YK__SCAN_GROWS 4 /* most values of grow */

/* The picture input: either u8 pictures at network size, or an f32 tensor already prepared. */
typedef struct yk__network_input {
    const uint8_t *const *pictures; /* N pointers to H x W x 3 BGR bytes, or NULL */
    int64_t picture_row_bytes;
    const float *tensor; /* N x C x H x W, used when pictures is NULL */
} yk__network_input;

/* One run in one context. */
struct yk__exec {
    uint8_t *memory; /* the context's memory of the specialisation's size, YK__CACHE_LINE aligned */
    yk__pool *pool;
    yk__network_input input;         /* of the graph's first input */
    const void *const *other_inputs; /* graphs with several inputs: elements of input 1, 2 ... at [1], [2] ...; else NULL */
    yk__shape *dynamic_shapes; /* n_values run-time shapes of dynamic values, or NULL when the plan has none. Before a step
                                * with dynamic operands the plan writes the shapes of its outputs as inferred from its
                                * inputs; NonZero and NonMaxSuppression then store what they made */
    yk__head_params params;
    yk__candidates *candidates; /* N of them, filled by YolkHead; NULL when dense */
};

/* Address of an operand's first element (BLOCKED: channel 0, row 0, column 0 of picture 0). NULL when absent. The graph's
 * first input gives exec->input.tensor. */
static inline void *yk__operand_data(const yk__operand *operand, const yk__exec *exec) {
    switch (operand->kind) {
    case YK__PLACE_CONSTANT: return (void *)(uintptr_t)operand->constant;
    case YK__PLACE_MEMORY: return exec->memory + operand->offset;
    case YK__PLACE_INPUT:
        return (void *)(uintptr_t)(operand->input == 0 ? (const void *)exec->input.tensor : exec->other_inputs[operand->input]);
    default: return NULL;
    }
}

/* What each of the workers gets of a step's scratch when all of it is divided among them: bytes, whole cache lines. */
static inline size_t yk__scratch_share(const yk__step *step, const yk__exec *exec) {
    return step->scratch_bytes / (size_t)yk__pool_size(exec->pool) / YK__CACHE_LINE * YK__CACHE_LINE;
}

/* The shape at run time. */
static inline const yk__shape *yk__operand_shape(const yk__operand *operand, const yk__exec *exec) {
    return operand->dynamic && exec->dynamic_shapes ? &exec->dynamic_shapes[operand->value] : &operand->shape;
}

/* Backends of this build. ref: every operator, PLAIN, float32. cpu: SIMD kernels for one instruction-set level. */
const yk__backend *yk__backend_ref(void);
const yk__backend *yk__backend_cpu(yk__isa isa); /* the highest built level not above isa */
/* The ref backend's kernels one node at a time, for folding and shape arithmetic: a yk__evaluate_fn. */
yk__code yk__ref_evaluate(const yk__node *node, const yk__tensor *in, yk__tensor *out, yk__arena *scratch, yk__error *err);

#endif
