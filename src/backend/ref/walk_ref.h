/* Walks over the elements of a tensor beside other tensors that broadcast, permute or slice it.
 *
 * Dimensions of one element vanish and neighbours that step alike merge, so that what is left is an inner loop as long as the
 * data allows and a short count of outer positions. */
#ifndef YK_BACKEND_REF_WALK_REF_H
#define YK_BACKEND_REF_WALK_REF_H

#include "backend/ref/call_ref.h"

#define YK__REF_WALK_OPERANDS 4
#define YK__REF_WALK_RANK     16 /* twice YK__MAX_RANK: Tile and DepthToSpace split dimensions in two */

typedef struct yk__ref_walk {
    int rank, n_operands;
    int64_t dim[YK__REF_WALK_RANK];
    int64_t stride[YK__REF_WALK_OPERANDS][YK__REF_WALK_RANK]; /* in elements; 0 where the operand repeats */
} yk__ref_walk;

/* An empty walk over n operands; dimensions are added outermost first. */
static inline yk__ref_walk yk__ref_walk_of(int n_operands) {
    return (yk__ref_walk){.n_operands = n_operands};
}
void yk__ref_walk_dim(yk__ref_walk *walk, int64_t dim, const int64_t *strides);
/* Drops dimensions of 1 and merges what steps alike. Afterwards rank is at least 1; the innermost dimension is the loop. */
void yk__ref_walk_simplify(yk__ref_walk *walk);
/* Calls body for every run of the inner loop (long ones in pieces, so that threads can share them): `at` holds each
 * operand's element offset where the run of n elements starts. Does nothing when the walk is empty. */
typedef void (*yk__ref_row_fn)(void *argument, const int64_t *at, int64_t n);
void yk__ref_walk_run(const yk__ref_call *call, const yk__ref_walk *walk, yk__ref_row_fn body, void *argument);
/* An operand's step in the inner loop. */
static inline int64_t yk__ref_walk_step(const yk__ref_walk *walk, int operand) {
    return walk->stride[operand][walk->rank - 1];
}

/* Operand 0 is the output, dense; the others broadcast to it by NumPy's rule. Simplified. */
yk__ref_walk yk__ref_walk_broadcast(const yk__shape *out, const yk__shape *const *in, int n_in);

/* Copies elements of `size` bytes: operand 0 of the walk is written, operand 1 read. The walk is simplified here. */
void yk__ref_copy(const yk__ref_call *call, yk__ref_walk walk, size_t size, void *out, const void *in);

#endif
