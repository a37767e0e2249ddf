/* The passes in the order they run, and the driver. Why this order: docs/passes.md. */
#include <string.h>

#include "optimize/passes.h"

static const yk__pass passes[] = {
    {"remove_identity", "take out operators that hand their input on unchanged", yk__pass_remove_identity},
    {"fold_constants", "compute nodes of constants now", yk__pass_fold_constants},
    {"fold_shapes", "make constants of shape arithmetic that no picture size changes", yk__pass_fold_shapes},
    {"merge_identical", "one node for several that compute the same", yk__pass_merge_identical},
    {"fold_batchnorm", "batch normalisation into the convolution before it", yk__pass_fold_batchnorm},
    {"fold_scalar_ops", "per-channel constants into the convolution before them", yk__pass_fold_scalar_ops},
    {"merge_padding", "constant padding into the convolution or pooling behind it", yk__pass_merge_padding},
    {"recognise_attention", "attention blocks become one Attention each, after a numeric proof", yk__pass_recognise_attention},
    {"recognise_head", "the export's decode becomes one YolkHead, after a numeric proof", yk__pass_recognise_head},
    {"canonical_resize", "resizing to sizes becomes whole factors, nearest by 2 one spelling", yk__pass_canonical_resize},
    {"free_reshape", "sizes and batch baked into Reshape become free", yk__pass_free_reshape},
    {"bound_rows", "rows that an embedded NMS counts get a bound, after a numeric proof", yk__pass_bound_rows},
    {"fuse_silu", "SiLU and HardSwish out of their parts", yk__pass_fuse_silu},
    {"fuse_activation", "activations into the convolution before them", yk__pass_fuse_activation},
    {"fuse_residual", "additions into the convolution before them", yk__pass_fuse_residual},
    {"remove_dead", "drop what nobody reads", yk__pass_remove_dead},
    {"canonical_attributes", "one way to write down the same operator", yk__pass_canonical_attributes},
    {"canonical_order", "one order of nodes, from the network alone", yk__pass_canonical_order},
};

enum { N_PASSES = sizeof passes / sizeof *passes };

const yk__pass *yk__pass_list(int *count) {
    *count = N_PASSES;
    return passes;
}

static yk__code unknown_name(const char *name, size_t length, yk__error *err) {
    yk__text known = {0};
    for (int i = 0; i < N_PASSES; i++) {
        if (i) yk__text_add(&known, ", ");
        yk__text_add(&known, passes[i].name);
    }
    yk__code code = yk__fail(err, YK__ARGUMENT, "there is no optimiser pass \"%.*s\"; the passes are: %s, or none",
                             (int)(length < 60 ? length : 60), name, yk__text_get(&known));
    yk__text_free(&known);
    return code;
}

/* Which passes a list selects: names alone are the whole selection, names with '-' are left out of it. */
static yk__code select_passes(const char *list, bool chosen[N_PASSES], yk__error *err) {
    bool any_positive = false;
    for (const char *at = list; *at;) { /* first: does any name select? */
        size_t length = strcspn(at, ",");
        if (length && *at != '-') any_positive = true;
        at += length + (at[length] == ',');
    }
    for (int i = 0; i < N_PASSES; i++) chosen[i] = !any_positive;
    for (const char *at = list; *at;) {
        size_t length = strcspn(at, ",");
        bool off = *at == '-';
        const char *name = at + off;
        size_t n = length - off;
        int found = -1;
        for (int i = 0; i < N_PASSES; i++)
            if (strlen(passes[i].name) == n && !memcmp(passes[i].name, name, n)) found = i;
        bool none = !off && n == 4 && !memcmp(name, "none", 4);
        if (length && found < 0 && !none) return unknown_name(name, n, err);
        if (length && found >= 0) chosen[found] = !off;
        at += length + (at[length] == ',');
    }
    return YK__OK;
}

yk__code yk__optimize(yk__model *model, const char *list, yk__evaluate_fn evaluate, yk__error *err) {
    bool chosen[N_PASSES];
    YK__TRY(select_passes(list ? list : "", chosen, err));
    for (int i = 0; i < N_PASSES; i++) {
        bool changed = false;
        if (!chosen[i]) continue;
        yk__code code = passes[i].run(model, evaluate, &changed, err);
        if (!code && changed) code = yk__graph_compact(&model->graph, err);
        if (code) return yk__fail_prefix(err, code, "optimiser pass %s", passes[i].name);
    }
    yk__code code = yk__graph_verify(&model->graph, err);
    if (code) return yk__fail_prefix(err, YK__INTERNAL, "after the optimiser passes");
    return YK__OK;
}
