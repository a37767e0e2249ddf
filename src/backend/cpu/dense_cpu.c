/* Dense layers: Gemm with constant weights on a PLAIN matrix, as a classifier's last layer has it. */
#include <string.h>

#include "backend/cpu/cpu_kernels.h"

/* A bias that every row gets: absent, one number, or one per column. */
static bool bias_fits(const yk__inferred *bias, int64_t m) {
    int64_t count;
    if (bias->dtype == YK__DTYPE_NONE) return true;
    if (!yk__cpu_is_f32(bias) || !bias->data || !yk__shape_count(&bias->shape, &count)) return false;
    if (count == 1) return true;
    return count == m && bias->shape.rank >= 1 && bias->shape.dim[bias->shape.rank - 1] == m;
}

bool yk__dense_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    const yk__node *node = query->node;
    if (query->block != isa->block || !yk__cpu_is_f32(&query->in[0]) || !yk__cpu_is_f32(&query->out[0])) return false;
    if (query->in[0].shape.rank != 2 || yk__node_int(node, "transA", 0) != 0) return false;
    if (!yk__cpu_is_f32(&query->in[1]) || !query->in[1].data) return false;
    int64_t rows = query->out[0].shape.dim[0], m = query->out[0].shape.dim[1], k = query->in[0].shape.dim[1];
    if (node->n_in > 2 && !bias_fits(&query->in[2], m)) return false;
    int64_t panel = (int64_t)YK__DENSE_BLOCKS * isa->block, panels = (m + panel - 1) / panel;
    need->skip[1] = need->skip[2] = true;
    need->packed_bytes = (size_t)(panels * panel * (1 + k)) * sizeof(float);
    need->packed_format = 1;
    double flops = 2.0 * (double)(panels * panel * k); /* of one row */
    (void)rows;
    need->cost_ns = yk__cpu_shared_ns(isa, query, flops / isa->rates.depthwise_gflops);
    return true;
}

yk__code yk__dense_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                           yk__error *err) {
    const yk__cpu_isa *isa = kernel->data;
    yk__dense_state *made = yk__arena_alloc(arena, sizeof *made);
    if (!made) return yk__arena_error(arena, "a dense layer", err);
    made->rows = step->out[0].shape.dim[0];
    made->m = step->out[0].shape.dim[1];
    made->k = step->in[0].shape.dim[1];
    int64_t panel = (int64_t)YK__DENSE_BLOCKS * isa->block;
    made->n_panels = (int32_t)((made->m + panel - 1) / panel);
    *state = made;
    return YK__OK;
}

typedef struct pack_job {
    const yk__dense_state *state;
    const float *weights;
    float *packed, alpha;
    int64_t panel;
    bool transposed;
} pack_job;

static void pack_panel(void *argument, int task, int worker) {
    (void)worker;
    const pack_job *job = argument;
    const yk__dense_state *s = job->state;
    float *to = job->packed + task * job->panel * s->k;
    for (int64_t k = 0; k < s->k; k++, to += job->panel) {
        for (int64_t l = 0; l < job->panel; l++) {
            int64_t m = task * job->panel + l;
            to[l] = m < s->m ? job->alpha * job->weights[job->transposed ? m * s->k + k : k * s->m + m] : 0;
        }
    }
}

yk__code yk__dense_pack(const yk__kernel *kernel, const yk__step *step, void *packed, yk__pool *pool, yk__error *err) {
    (void)err;
    const yk__cpu_isa *isa = kernel->data;
    const yk__dense_state *s = step->state;
    int64_t panel = (int64_t)YK__DENSE_BLOCKS * isa->block, count = 0;
    memset(packed, 0, (size_t)(s->n_panels * panel) * sizeof(float));
    float *bias = packed, beta = (float)yk__node_float(step->node, "beta", 1);
    if (step->n_in > 2 && step->in[2].kind == YK__PLACE_CONSTANT && yk__shape_count(&step->in[2].shape, &count)) {
        const float *from = step->in[2].constant;
        for (int64_t m = 0; m < s->m; m++) bias[m] = beta * from[count == 1 ? 0 : m];
    }
    pack_job job = {.state = s,
                    .weights = step->in[1].constant,
                    .packed = bias + s->n_panels * panel,
                    .alpha = (float)yk__node_float(step->node, "alpha", 1),
                    .panel = panel,
                    .transposed = yk__node_int(step->node, "transB", 0) != 0};
    yk__pool_for(pool, s->n_panels, pack_panel, &job);
    return YK__OK;
}
