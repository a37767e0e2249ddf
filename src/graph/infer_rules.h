/* Inside the room: what the families of inference rules share. A rule reads the inputs of one call and sets the type and
 * shape of every output; yk__infer_node has checked arities and that all input shapes are known before, and checks the
 * bounds of what comes out after. Rules compute with upper bounds as if they were sizes; a rule whose output could be larger
 * for a smaller input must say so (yk__rule_dynamic). */
#ifndef YK_GRAPH_INFER_RULES_H
#define YK_GRAPH_INFER_RULES_H

#include "graph/infer.h"

typedef struct yk__rule_call {
    const yk__node *node;
    const yk__inferred *in;
    yk__inferred *out; /* dynamic is set before the rule runs: true where any input is */
    yk__error *err;
} yk__rule_call;

typedef yk__code (*yk__rule)(const yk__rule_call *call);

/* "node <name> (<operator>): <text> [inputs f32 1x3, i64 2]" */
yk__code yk__rule_fail(const yk__rule_call *call, yk__code code, const char *format, ...) YK__PRINTF(3, 4);

bool yk__rule_has(const yk__rule_call *call, int input);
bool yk__rule_dynamic(const yk__rule_call *call);
void yk__rule_set(const yk__rule_call *call, int output, yk__dtype dtype, const yk__shape *shape);
/* Output 0 as input 0, or with another type. */
yk__code yk__rule_like_input(const yk__rule_call *call);
yk__code yk__rule_like_input_typed(const yk__rule_call *call, yk__dtype dtype);

/* Checks on inputs, each with a message of its own. */
yk__code yk__rule_want_float(const yk__rule_call *call, int input) YK__MUST_USE;
yk__code yk__rule_want_numeric(const yk__rule_call *call, int input) YK__MUST_USE; /* anything but bool */
yk__code yk__rule_want_index(const yk__rule_call *call, int input) YK__MUST_USE;   /* i32 or i64 */
yk__code yk__rule_want_type(const yk__rule_call *call, int input, yk__dtype dtype) YK__MUST_USE;
yk__code yk__rule_want_same_type(const yk__rule_call *call) YK__MUST_USE; /* all present inputs */
yk__code yk__rule_want_rank(const yk__rule_call *call, int input, int low, int high) YK__MUST_USE;

/* The integers (i32 or i64) of a scalar or list input, at most max; SHAPE when they are not known. */
yk__code yk__rule_ints(const yk__rule_call *call, int input, int64_t *out, int max, int *n) YK__MUST_USE;
/* The one integer of an input of one element. */
yk__code yk__rule_int(const yk__rule_call *call, int input, int64_t *out) YK__MUST_USE;

/* -rank .. rank-1 to 0 .. rank-1. The list form also refuses repetitions. */
yk__code yk__rule_axis(const yk__rule_call *call, int64_t axis, int rank, int *out) YK__MUST_USE;
yk__code yk__rule_axes(const yk__rule_call *call, const int64_t *axes, int n, int rank, int *out) YK__MUST_USE;

/* a * b and a + b of numbers of 0 and more; LIMIT over YK__MAX_ELEMENTS. */
yk__code yk__rule_mul(const yk__rule_call *call, int64_t a, int64_t b, int64_t *out) YK__MUST_USE;
yk__code yk__rule_add(const yk__rule_call *call, int64_t a, int64_t b, int64_t *out) YK__MUST_USE;

/* The dimensions that a Shape node answers of a rank: n from the first on. */
void yk__shape_slice(const yk__node *node, int rank, int *first, int *n);

/* The families. Each answers NULL for an operator that is not its own. */
yk__rule yk__rules_elementwise(yk__op op);
yk__rule yk__rules_reduce(yk__op op);
yk__rule yk__rules_conv(yk__op op);
yk__rule yk__rules_matrix(yk__op op);
yk__rule yk__rules_move(yk__op op);
yk__rule yk__rules_index(yk__op op);
yk__rule yk__rules_shape(yk__op op);
yk__rule yk__rules_ours(yk__op op);

#endif
