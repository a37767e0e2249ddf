/* Attention: multi-head self-attention over pixels, in areas. Per token i: scores s_j = (q_i . k_j) * scale summed over the key
 * channels in order, softmax with its sum in double, then the values summed over tokens in double. */
#include <math.h>

#include "backend/ref/ops_ref.h"

typedef struct attention_job {
    int64_t heads, dim_key, dim_value, pixels, tokens; /* tokens: of one area */
    float scale;
    const float *in;
    float *out;
    uint8_t *scratch;
    size_t slot; /* bytes of scratch for each worker */
} attention_job;

static void attend(const attention_job *job, const float *q, const float *k, const float *v, float *out, float *weights) {
    const int64_t n = job->tokens, step = job->pixels;
    for (int64_t i = 0; i < n; i++) {
        float top = -INFINITY;
        double sum = 0;
        memset(weights, 0, (size_t)n * sizeof(float));
        for (int64_t d = 0; d < job->dim_key; d++) {
            const float qi = q[d * step + i], *kd = k + d * step;
            for (int64_t j = 0; j < n; j++) weights[j] += qi * kd[j];
        }
        for (int64_t j = 0; j < n; j++) {
            weights[j] *= job->scale;
            top = weights[j] > top ? weights[j] : top;
        }
        for (int64_t j = 0; j < n; j++) {
            weights[j] = expf(weights[j] - top);
            sum += (double)weights[j];
        }
        for (int64_t j = 0; j < n; j++) weights[j] /= (float)sum;
        for (int64_t d = 0; d < job->dim_value; d++) {
            const float *vd = v + d * step;
            double value = 0;
            for (int64_t j = 0; j < n; j++) value += (double)weights[j] * (double)vd[j];
            out[d * step + i] = (float)value;
        }
    }
}

/* task = (picture * areas + area) * heads + head */
static void attention_task(void *argument, int task, int worker) {
    const attention_job *job = argument;
    const int64_t areas = job->pixels / job->tokens, head = task % job->heads;
    const int64_t area = task / job->heads % areas, picture = task / job->heads / areas;
    const int64_t channels = 2 * job->dim_key + job->dim_value;
    const float *q = job->in + (picture * job->heads + head) * channels * job->pixels + area * job->tokens;
    const float *k = q + job->dim_key * job->pixels, *v = k + job->dim_key * job->pixels;
    float *out = job->out + (picture * job->heads + head) * job->dim_value * job->pixels + area * job->tokens;
    attend(job, q, k, v, out, (float *)(void *)(job->scratch + (size_t)worker * job->slot));
}

static size_t slot_bytes(const yk__ref_call *call) {
    return yk__ref_scratch_add(0, yk__ref_span(&call->in[0].shape, 2, 4), sizeof(float));
}

size_t yk__ref_attention_scratch(const yk__ref_call *call, int n_threads) {
    size_t bytes;
    return yk__mul_size(slot_bytes(call), (size_t)n_threads, &bytes) ? bytes : SIZE_MAX;
}

/* The second output: the value channels of all heads, side by side. */
static void copy_values(const attention_job *job, int64_t pictures, float *out) {
    const int64_t size = job->dim_value * job->pixels, channels = 2 * job->dim_key + job->dim_value;
    for (int64_t i = 0; i < pictures * job->heads; i++)
        memcpy(out + i * size, job->in + (i * channels + 2 * job->dim_key) * job->pixels, (size_t)size * sizeof(float));
}

yk__code yk__ref_attention(const yk__ref_call *call, yk__error *err) {
    const yk__shape *in = &call->in[0].shape;
    const yk__node *node = call->node;
    attention_job job = {.heads = yk__node_int(node, "heads", 0),
                         .dim_key = yk__node_int(node, "dim_key", 0),
                         .dim_value = yk__node_int(node, "dim_value", 0),
                         .pixels = in->dim[2] * in->dim[3],
                         .in = call->in[0].data,
                         .out = call->out[0].data,
                         .scratch = call->scratch,
                         .slot = slot_bytes(call)};
    const int64_t area = yk__node_int(node, "area", 1), pictures = in->dim[0];
    if (area < 1 || job.heads < 1 || job.dim_key < 1 || job.pixels % area != 0)
        return yk__fail(err, YK__SHAPE, "Attention '%s': its attributes do not fit its input", node->name);
    job.tokens = job.pixels / area;
    /* 1/sqrt(dim_key) where the node does not say */
    job.scale = (float)yk__node_float(node, "scale", 1 / sqrt((double)job.dim_key));
    if (call->n_out > 1 && call->out[1].data != NULL) copy_values(&job, pictures, call->out[1].data);
    if (job.tokens == 0 || pictures == 0) return YK__OK;
    if (call->scratch_bytes < job.slot) return yk__ref_no_scratch(call, err);
    /* A pool larger than the one planned for has no scratch for all its workers: then the caller works alone. */
    const bool fits = call->scratch_bytes / job.slot >= (size_t)yk__pool_size(call->pool);
    yk__pool_for(fits ? call->pool : NULL, (int)(pictures * area * job.heads), attention_task, &job);
    return YK__OK;
}
