/* How an operator of the ref backend is called, and the few helpers that all of them share.
 *
 * Every operator is one function on plain tensors. Two callers use it: a run (backend_ref.c builds the call from a step's
 * operands, scratch is the step's) and folding (yk__ref_evaluate, scratch from an arena). An operator allocates nothing,
 * trusts the shapes that inference gave its outputs, and checks every number that comes from a tensor's data (indices,
 * axes, sizes) before it uses it. Results never depend on the number of threads. */
#ifndef YK_BACKEND_REF_CALL_REF_H
#define YK_BACKEND_REF_CALL_REF_H

#include <string.h>

#include "backend/backend.h"

typedef struct yk__ref_call {
    const yk__node *node;
    const yk__tensor *in; /* absent inputs: dtype NONE, data NULL */
    yk__tensor *out;      /* data NULL where nobody wants the output */
    int32_t n_in, n_out;
    uint8_t *scratch; /* cache-line aligned, at least what the operator's scratch function asked for */
    size_t scratch_bytes;
    yk__pool *pool;
    const yk__network_input *network_input; /* of a run, else NULL */
    const yk__head_params *params;          /* YolkHead filling candidates, else NULL */
    yk__candidates *candidates;             /* one per picture; NULL: outputs as tensors */
} yk__ref_call;

typedef yk__code (*yk__ref_run_fn)(const yk__ref_call *call, yk__error *err);
/* Bytes of scratch for a call with these shapes (data pointers may be NULL) and this many threads; SIZE_MAX when the sizes
 * overflow. */
typedef size_t (*yk__ref_scratch_fn)(const yk__ref_call *call, int n_threads);

/* One line of the operator table. */
typedef struct yk__ref_op {
    yk__op op;
    const char *kernel_name;
    yk__ref_run_fn run;
    yk__ref_scratch_fn scratch; /* NULL: none */
    uint32_t dtypes;            /* bit per yk__dtype that the typed input may have */
    int32_t typed_input;        /* which input decides */
    /* f16 and bf16 operands are turned into f32 before the operator and back after it: computed in f32, rounded once. */
    bool half_as_float;
    bool in_place; /* output 0 may lie exactly on input 0 */
} yk__ref_op;

#define YK__REF_BIT(ident) (1u << YK__DTYPE_##ident)

/* The element types with a C type of their own, for templates: X(ident, type). */
#define YK__REF_SIGNED(X)   X(I8, int8_t) X(I16, int16_t) X(I32, int32_t) X(I64, int64_t)
#define YK__REF_UNSIGNED(X) X(U8, uint8_t) X(U16, uint16_t) X(U32, uint32_t) X(U64, uint64_t)
#define YK__REF_INTEGERS(X) YK__REF_SIGNED(X) YK__REF_UNSIGNED(X)
#define YK__REF_FLOATS(X)   X(F32, float) X(F64, double)
#define YK__REF_NUMBERS(X)  YK__REF_FLOATS(X) YK__REF_INTEGERS(X)

static inline bool yk__ref_present(const yk__ref_call *call, int i) {
    return i < call->n_in && call->in[i].dtype != YK__DTYPE_NONE && call->in[i].data != NULL;
}

/* Elements of a shape that inference or the plan has made: fully known, no overflow. */
static inline int64_t yk__ref_count(const yk__shape *shape) {
    int64_t count = 1;
    for (int i = 0; i < shape->rank; i++) count *= shape->dim[i];
    return count;
}

/* Product of the dimensions first .. last-1. */
static inline int64_t yk__ref_span(const yk__shape *shape, int first, int last) {
    int64_t count = 1;
    for (int i = first; i < last; i++) count *= shape->dim[i];
    return count;
}

/* An axis as attributes and inputs spell it (negative counts from the end) -> 0 .. rank-1; GRAPH when out of range. */
yk__code yk__ref_axis(const yk__ref_call *call, int64_t axis, int rank, int *out, yk__error *err) YK__MUST_USE;

/* Reads an integer (or bool) tensor's element. */
int64_t yk__ref_integer(const yk__tensor *tensor, int64_t index);
/* Reads any element as a double (i64 beyond 2^53 rounds). */
double yk__ref_number(const yk__tensor *tensor, int64_t index);

yk__code yk__ref_unsupported(const yk__ref_call *call, yk__dtype dtype, yk__error *err);

/* Scratch handed out front to back, each piece cache-line aligned. */
typedef struct yk__ref_scratch {
    uint8_t *at;
    size_t left;
} yk__ref_scratch;

static inline yk__ref_scratch yk__ref_scratch_of(const yk__ref_call *call) {
    return (yk__ref_scratch){call->scratch, call->scratch_bytes};
}
/* NULL when not enough is left: a mistake in the operator's scratch function, or a context used with another plan. */
void *yk__ref_take(yk__ref_scratch *scratch, int64_t count, size_t size);
yk__code yk__ref_no_scratch(const yk__ref_call *call, yk__error *err);
/* count * size rounded up as yk__ref_take does, added to total; SIZE_MAX on overflow. */
size_t yk__ref_scratch_add(size_t total, int64_t count, size_t size);

/* Runs body on pieces [begin, end) of 0 .. n-1 with at most `grain` each; pieces do not depend on the thread count. */
typedef void (*yk__ref_range_fn)(void *argument, int64_t begin, int64_t end);
void yk__ref_ranges(const yk__ref_call *call, int64_t n, int64_t grain, yk__ref_range_fn body, void *argument);

/* Elements per piece of cheap elementwise work: large enough that handing it out costs nothing beside it. */
#define YK__REF_GRAIN 16384

#endif
