/* Attention on a blocked qkv tensor, per picture, head and area:
 *
 *     S = q k^T * scale     softmax over keys     out = P v
 *
 * Both products use the register tiles of tile_template.h: queries are the tile's pixels; for S the outputs are keys (so keys
 * are transposed once into weight order), for P v they are value channels. Scores of a run of 12 queries stay in the
 * first-level cache between the two. Division by the softmax's sum comes last. */
#include "backend/cpu/attention_cpu.h"
#include "backend/cpu/blocked_template.h"
#include "backend/cpu/tile_words.h"

typedef struct attention_job {
    const yk__attention_state *state;
    const yk__operand *in_at, *out_at, *values_at;
    const float *in;
    float *out, *value_out, *scratch, *workers;
    int64_t runs; /* of queries, per head and area */
} attention_job;

/* Scratch of one picture, head and area. */
typedef struct head_part {
    int64_t n, head, area;
    float *keys, *values, *queries;
} head_part;

INLINE head_part part_of(const attention_job *job, int64_t index) {
    const yk__attention_state *s = job->state;
    head_part part = {.n = index / s->areas / s->heads, .head = index / s->areas % s->heads, .area = index % s->areas};
    part.keys = job->scratch + index * s->per_head;
    part.values = part.keys + s->keys;
    part.queries = part.values + s->values;
    return part;
}

/* Block b of the qkv channels of this head, token t of this area. */
INLINE const float *token_at(const attention_job *job, const head_part *part, int64_t b, int64_t t) {
    const yk__attention_state *s = job->state;
    const int64_t pixel = part->area * s->tokens + t, block = part->head * (2 * s->key_blocks + s->value_blocks) + b;
    return job->in + part->n * job->in_at->image_stride + block * job->in_at->block_stride +
           pixel / s->w * job->in_at->row_stride + pixel % s->w * LANES;
}

/* Blocks of tokens go in pairs, the last alone where their number is odd: the tile's output blocks. */
INLINE int pair_width(int64_t b, int64_t blocks) {
    return b / 2 * 2 + 1 < blocks ? 2 : 1;
}

/* Weight order of a panel: [channel][output block of the pair][lane]; key token t is lane t % LANES of block t / LANES. */
static void pack_keys(const attention_job *job, const head_part *part) {
    const yk__attention_state *s = job->state;
    const int64_t channels = (int64_t)s->key_blocks * LANES;
    for (int64_t b = 0; b < s->token_blocks; b++) {
        const int width = pair_width(b, s->token_blocks);
        float *panel = part->keys + b / 2 * 2 * LANES * channels + b % 2 * LANES;
        for (int64_t l = 0; l < LANES; l++) {
            const int64_t t = b * LANES + l;
            for (int64_t k = 0; k < s->key_blocks; k++) {
                const float *from = t < s->tokens ? token_at(job, part, s->key_blocks + k, t) : NULL;
                for (int64_t c = 0; c < LANES; c++) panel[(k * LANES + c) * width * LANES + l] = from ? from[c] : 0.0f;
            }
        }
    }
}

/* [token][value block of the pair][lane]; tokens past the end are zero. Queries: [channel block][token][lane]. */
static void pack_rest(const attention_job *job, const head_part *part) {
    const yk__attention_state *s = job->state;
    const int64_t padded = (int64_t)s->token_blocks * LANES;
    for (int64_t b = 0; b < s->value_blocks; b++) {
        const int width = pair_width(b, s->value_blocks);
        float *panel = part->values + b / 2 * 2 * LANES * padded + b % 2 * LANES;
        for (int64_t t = 0; t < padded; t++) {
            const vf v = t < s->tokens ? v_load(token_at(job, part, 2 * s->key_blocks + b, t)) : v_zero();
            v_store(panel + t * width * LANES, v);
        }
    }
    for (int64_t b = 0; b < s->key_blocks; b++) {
        for (int64_t t = 0; t < s->tokens; t++)
            v_store(part->queries + (b * padded + t) * LANES, v_load(token_at(job, part, b, t)));
    }
}

/* The second output: this head's value channels, its halo by whoever has area 0. */
static void copy_values(const attention_job *job, const head_part *part) {
    const yk__attention_state *s = job->state;
    const yk__operand *at = job->values_at;
    for (int64_t b = 0; b < s->value_blocks; b++) {
        float *plane = job->value_out + part->n * at->image_stride + (part->head * s->value_blocks + b) * at->block_stride;
        for (int64_t t = 0; t < s->tokens; t++) {
            const int64_t pixel = part->area * s->tokens + t;
            v_store(plane + pixel / s->w * at->row_stride + pixel % s->w * LANES,
                    v_load(token_at(job, part, 2 * s->key_blocks + b, t)));
        }
        if (part->area == 0) zero_halo(plane, s->h, s->w, at->halo, at->row_stride, 0, s->h);
    }
}

static void pack_task(void *argument, int task, int worker) {
    (void)worker;
    const attention_job *job = argument;
    const yk__attention_state *s = job->state;
    const head_part part = part_of(job, task);
    pack_keys(job, &part);
    pack_rest(job, &part);
    if (s->gives_values) copy_values(job, &part);
    if (part.area > 0) return;
    for (int64_t b = 0; b < s->value_blocks; b++) {
        float *plane =
            job->out + part.n * job->out_at->image_stride + (part.head * s->value_blocks + b) * job->out_at->block_stride;
        zero_halo(plane, s->h, s->w, job->out_at->halo, job->out_at->row_stride, 0, s->h);
    }
}

/* Scores [token block][query][lane] become e^(score - largest); the sums of each query come back. */
static void soften(const yk__attention_state *s, float *scores, int64_t np, vf limit, float *sums) {
    const vf scale = v_set1(s->scale);
    const int64_t last = s->token_blocks - 1;
    for (int64_t j = 0; j < np; j++) {
        float *row = scores + j * LANES;
        v_store(row + last * np * LANES, v_min(v_load(row + last * np * LANES), limit));
        vf top = v_load(row);
        for (int64_t b = 1; b <= last; b++) top = v_max(top, v_load(row + b * np * LANES));
        const vf largest = v_set1(v_largest(top) * s->scale);
        vf sum = v_zero();
        for (int64_t b = 0; b <= last; b++) {
            const vf e = v_exp(v_fma(v_load(row + b * np * LANES), scale, v_zero() - largest));
            v_store(row + b * np * LANES, e);
            sum = sum + e;
        }
        sums[j] = v_sum(sum);
    }
}

/* Queries first .. first+np-1 of one head and area. */
static void attend(const attention_job *job, const head_part *part, int64_t first, int64_t np, float *scores) {
    const yk__attention_state *s = job->state;
    const int64_t padded = (int64_t)s->token_blocks * LANES, channels = (int64_t)s->key_blocks * LANES;
    float *products = scores + (int64_t)YK__ATTENTION_QUERIES * LANES * s->token_blocks, sums[YK__ATTENTION_QUERIES];
    float limits[LANES];
    for (int64_t l = 0; l < LANES; l++) limits[l] = (s->token_blocks - 1) * LANES + l < s->tokens ? INFINITY : -1e30f;
    for (int64_t b = 0; b < s->token_blocks; b += 2) {
        const int mv = pair_width(b, s->token_blocks);
        ISA(yk__products)
        [mv - 1][np - 1](part->queries + first * LANES, padded * LANES, s->key_blocks, part->keys + b * LANES * channels,
                         scores + b * np * LANES, false);
    }
    soften(s, scores, np, v_load(limits), sums);
    for (int64_t b = 0; b < s->value_blocks; b += 2) {
        const int mv = pair_width(b, s->value_blocks);
        ISA(yk__products)
        [mv - 1][np - 1](scores, np * LANES, s->token_blocks, part->values + b * LANES * padded, products, false);
        for (int m = 0; m < mv; m++) {
            float *plane = job->out + part->n * job->out_at->image_stride +
                           (part->head * s->value_blocks + b + m) * job->out_at->block_stride;
            for (int64_t j = 0; j < np; j++) {
                const int64_t pixel = part->area * s->tokens + first + j;
                v_store(plane + pixel / s->w * job->out_at->row_stride + pixel % s->w * LANES,
                        v_load(products + (m * np + j) * LANES) / v_set1(sums[j]));
            }
        }
    }
}

static void attend_task(void *argument, int task, int worker) {
    const attention_job *job = argument;
    const yk__attention_state *s = job->state;
    const head_part part = part_of(job, task / job->runs);
    const int64_t run = task % job->runs, begin = s->tokens * run / job->runs, end = s->tokens * (run + 1) / job->runs;
    const int64_t most = most_pixels[1] < YK__ATTENTION_QUERIES ? most_pixels[1] : YK__ATTENTION_QUERIES;
    for (int64_t first = begin; first < end; first += most) {
        attend(job, &part, first, end - first < most ? end - first : most, job->workers + worker * s->per_worker);
    }
}

yk__code ISA(yk__attention_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    const yk__attention_state *s = step->state;
    attention_job job = {.state = s,
                         .in_at = &step->in[0],
                         .out_at = &step->out[0],
                         .in = yk__operand_data(&step->in[0], exec),
                         .out = yk__operand_data(&step->out[0], exec),
                         .scratch = (float *)(void *)(exec->memory + step->scratch_offset)};
    const int64_t parts = s->n * s->heads * s->areas;
    job.workers = job.scratch + parts * s->per_head;
    if (s->gives_values) {
        job.values_at = &step->out[1];
        job.value_out = yk__operand_data(job.values_at, exec);
    }
    /* runs of some tens of queries: enough tasks for every pool, none so short that its start shows */
    job.runs = (s->tokens + 4 * YK__ATTENTION_QUERIES - 1) / (4 * YK__ATTENTION_QUERIES);
    yk__pool_for(exec->pool, (int)parts, pack_task, &job);
    yk__pool_for(exec->pool, (int)(parts * job.runs), attend_task, &job);
    return YK__OK;
}
