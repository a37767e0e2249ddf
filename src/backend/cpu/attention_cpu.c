/* Attention: which nodes fit the blocked kernel, and how its scratch is laid out. The loops are in attention_template.h. */
#include "backend/cpu/attention_cpu.h"

#include <math.h>
#include <string.h>

#include "backend/cpu/cpu_kernels.h"

static bool resolve(const yk__node *node, const yk__shape *in, int32_t block, yk__attention_state *s) {
    memset(s, 0, sizeof *s);
    int64_t dim_key = yk__node_int(node, "dim_key", 0), dim_value = yk__node_int(node, "dim_value", 0);
    s->n = in->dim[0], s->h = in->dim[2], s->w = in->dim[3];
    s->heads = yk__node_int(node, "heads", 0);
    s->areas = yk__node_int(node, "area", 1);
    if (s->heads < 1 || s->areas < 1 || dim_key < 1 || dim_value < 1 || s->h * s->w % s->areas) return false;
    if (dim_key % block || dim_value % block) return false; /* a head begins and ends at whole blocks */
    s->tokens = s->h * s->w / s->areas;
    s->key_blocks = (int32_t)(dim_key / block);
    s->value_blocks = (int32_t)(dim_value / block);
    s->token_blocks = (int32_t)((s->tokens + block - 1) / block);
    s->scale = (float)yk__node_float(node, "scale", 1 / sqrt((double)dim_key));
    if (!(s->scale > 0)) return false; /* the largest product is then not the largest score */
    s->gives_values = node->n_out > 1 && node->out[1] != YK__NO_VALUE;
    s->keys = (int64_t)s->token_blocks * block * dim_key;
    s->values = (int64_t)s->token_blocks * block * dim_value;
    s->per_head = s->keys + s->values + (int64_t)s->token_blocks * block * dim_key; /* and the queries, run by run */
    s->per_worker = (int64_t)YK__ATTENTION_QUERIES * block * (s->token_blocks + 2 + s->value_blocks);
    s->per_worker = (s->per_worker + 15) / 16 * 16;
    return true;
}

bool yk__attention_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    yk__attention_state s;
    if (query->block != isa->block || !yk__cpu_is_map(&query->in[0]) || !yk__cpu_is_map(&query->out[0])) return false;
    if (!resolve(query->node, &query->in[0].shape, isa->block, &s)) return false;
    need->in_form[0] = need->out_form[0] = need->out_form[1] = YK__FORM_BLOCKED;
    int64_t heads = s.heads * s.areas;
    need->scratch_bytes = (size_t)(s.n * heads * s.per_head + query->n_threads * s.per_worker) * sizeof(float);
    double per_head =
        2.0 * (double)(s.tokens * s.tokens) * isa->block * (s.key_blocks + s.value_blocks) / isa->rates.conv_1x1_gflops;
    double softmax = (double)(s.tokens * s.token_blocks) * isa->rates.silu_ns * 1.5;
    need->cost_ns =
        yk__cpu_shared_ns(isa, query, (double)heads * (per_head + softmax + yk__cpu_move_ns(isa, 4.0 * (double)s.per_head)));
    return true;
}

yk__code yk__attention_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                               yk__error *err) {
    const yk__cpu_isa *isa = kernel->data;
    yk__attention_state *made = yk__arena_alloc(arena, sizeof *made);
    if (!made) return yk__arena_error(arena, "attention", err);
    if (!resolve(step->node, &step->in[0].shape, isa->block, made)) {
        return yk__fail(err, YK__INTERNAL, "an attention that was accepted does not resolve");
    }
    *state = made;
    return YK__OK;
}
