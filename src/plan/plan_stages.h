/* What the stages of planning hand to each other. Everything here lives in a scratch arena that dies when the plan is made. */
#ifndef YK_PLAN_PLAN_STAGES_H
#define YK_PLAN_PLAN_STAGES_H

#include "plan/plan.h"

/* How a node without a kernel is done. */
typedef enum yk__view {
    YK__VIEW_NONE,  /* it has a kernel */
    YK__VIEW_ALIAS, /* PLAIN: the same bytes under another shape (Reshape, Identity ...) */
    YK__VIEW_PARTS, /* BLOCKED: outputs are channel ranges of the input (Split, Slice) */
    YK__VIEW_CONCAT /* BLOCKED: inputs are channel ranges of the output; what cannot be placed there is copied */
} yk__view;

/* Per node. */
typedef struct yk__decision {
    bool live;  /* scheduled: its outputs are wanted and not known */
    bool fused; /* its only reader does its work */
    yk__view view;
    const yk__backend *backend;
    const yk__kernel *kernel;
    const yk__need *need; /* of the kernel */
} yk__decision;

/* A value in one form: something that lies somewhere. */
typedef struct yk__plan_tensor {
    int32_t value;
    yk__form form;
    yk__dtype dtype;
    yk__shape shape;
    bool dynamic;
    yk__place_kind kind;
    int32_t input;        /* kind INPUT */
    const void *constant; /* kind CONSTANT */
    int32_t parent;       /* the tensor it lies inside; -1: it has memory of its own */
    int64_t channel;      /* BLOCKED with a parent: first channel there */
    int32_t halo;         /* what its readers ask for; on a root, after elide: of the whole family */
    bool is_output;       /* read after the last step */
    int32_t first, last;  /* roots, after the memory stage: steps between which the memory is taken */
    int64_t row_stride, block_stride, image_stride, pixel_stride; /* in elements */
    size_t bytes, offset; /* roots; offset is where the block begins (its halo included) */
} yk__plan_tensor;

/* A step before it has addresses. */
typedef struct yk__draft {
    int32_t node; /* index, or -1 for a change of form */
    const yk__backend *backend;
    const yk__kernel *kernel;
    const yk__need *need;
    int32_t n_in, n_out;
    int32_t *in, *out;  /* tensors, -1: absent or not read */
    int32_t fused_node; /* -1, or the maker whose work is done here too */
    int32_t tiles;      /* tensor that says which tiles of output 0 are read, or -1 */
    bool is_part_copy;  /* copies a concat's part into its place; dropped where the part can be made there */
    bool dropped;
    size_t scratch_offset;
} yk__draft;

typedef struct yk__planner {
    const yk__graph *graph;
    const yk__plan_options *options;
    yk__specialisation *plan;
    yk__arena scratch;
    int32_t head; /* index of the YolkHead, or -1 */
    int32_t block;
    int32_t *producer, *readers; /* per value: node that makes it (-1), live node inputs and graph outputs that use it */
    yk__decision *decisions;     /* per node */
    yk__plan_tensor *tensors;
    int32_t n_tensors, tensors_capacity;
    int32_t *plain_of, *blocked_of; /* per value: its tensor in this form, -1 */
    yk__draft *drafts;
    int32_t n_drafts, drafts_capacity;
    size_t scratch_bytes; /* what the steps share, after the memory stage */
} yk__planner;

/* The stages, in order. */
yk__code yk__plan_live(yk__planner *planner, yk__error *err) YK__MUST_USE;   /* plan_live.c: which nodes are scheduled */
yk__code yk__plan_choose(yk__planner *planner, yk__error *err) YK__MUST_USE; /* plan_choose.c: a kernel or view per node */
yk__code yk__plan_forms(yk__planner *planner, yk__error *err) YK__MUST_USE;  /* plan_forms.c: drafts, with changes of form */
yk__code yk__plan_lazy(yk__planner *planner, yk__error *err) YK__MUST_USE;   /* plan_lazy.c: branches after their scores */
void yk__plan_elide(yk__planner *planner);                                   /* plan_elide.c: parts into their concats */
yk__code yk__plan_memory(yk__planner *planner, yk__error *err) YK__MUST_USE; /* plan_memory.c: strides and offsets */
yk__code yk__plan_steps(yk__planner *planner, yk__error *err) YK__MUST_USE;  /* plan_steps.c: drafts become steps, packing */

/* Whether this node can be done without a kernel, given the forms its inputs are at hand in (bits 1 << form, per value). */
yk__view yk__plan_view(const yk__planner *planner, int32_t node, const uint8_t *forms);
/* The channel range of output `i` of a PARTS view, in channels of the input. */
int64_t yk__plan_part_channel(const yk__planner *planner, int32_t node, int32_t i);

/* The kernel of options->backends that changes (or copies) forms at this shape; NULL when there is none. */
const yk__kernel *yk__plan_change_kernel(const yk__planner *planner, const yk__inferred *value, yk__form from, yk__form to,
                                         yk__need *need, const yk__backend **backend);
/* The tensor whose memory t lies in, and t's first channel there. */
int32_t yk__plan_root(const yk__planner *planner, int32_t t, int64_t *channel);
/* The inferred facts of a value, or of an absent one. */
yk__inferred yk__plan_facts(const yk__planner *planner, int32_t value);

/* plan_forms.c: a tensor that no value stands for, PLAIN in memory; -1 when out of memory. */
int32_t yk__plan_add_tensor(yk__planner *planner, yk__dtype dtype, const yk__shape *shape);
/* plan_forms.c: a draft with room for its operands, all absent; NULL when out of memory. */
yk__draft *yk__plan_add_draft(yk__planner *planner, int32_t n_in, int32_t n_out);

/* Packed weights of this node and kernel, made now if nobody did. *made says whether this call packed. */
yk__code yk__pack_cache_get(yk__pack_cache *cache, const yk__step *step, const yk__need *need, yk__pool *pool,
                            const void **packed, yk__error *err) YK__MUST_USE;

#endif
