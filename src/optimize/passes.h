/* The passes by name, each in the file of the same name. What each does, and the form it leaves: docs/passes.md.
 * Contract: struct yk__pass in optimize.h. */
#ifndef YK_OPTIMIZE_PASSES_H
#define YK_OPTIMIZE_PASSES_H

#include "optimize/optimize.h"

#define YK__PASS(name) yk__code yk__pass_##name(yk__model *model, yk__evaluate_fn evaluate, bool *changed, yk__error *err)

YK__PASS(remove_identity);
YK__PASS(fold_constants);
YK__PASS(fold_shapes);
YK__PASS(merge_identical);
YK__PASS(fold_batchnorm);
YK__PASS(fold_scalar_ops);
YK__PASS(merge_padding);
YK__PASS(recognise_attention);
YK__PASS(recognise_head);
YK__PASS(canonical_resize);
YK__PASS(free_reshape);
YK__PASS(bound_rows);
YK__PASS(fuse_silu);
YK__PASS(fuse_activation);
YK__PASS(fuse_residual);
YK__PASS(remove_dead);
YK__PASS(canonical_attributes);
YK__PASS(canonical_order);

#endif
