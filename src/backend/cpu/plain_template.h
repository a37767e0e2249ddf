/* Activations and softmax on PLAIN tensors. */
#include "backend/cpu/blocked_template.h"
#include "backend/cpu/plain_cpu.h"

/* --- activations: the tensor as one run of floats --- */

#define UNARY_FLOATS 16384 /* per task: some microseconds */

typedef struct unary_job {
    const yk__map_state *state;
    const float *in;
    float *out;
    int64_t count;
} unary_job;

static void unary_task(void *argument, int task, int worker) {
    (void)worker;
    const unary_job *job = argument;
    const int64_t from = (int64_t)task * UNARY_FLOATS, left = job->count - from, n = left < UNARY_FLOATS ? left : UNARY_FLOATS;
    float *to = job->out + from, tail[LANES] = {0};
    if (job->out != job->in) memcpy(to, job->in + from, (size_t)n * sizeof *to);
    activate(to, n / LANES, job->state->act, job->state->alpha, job->state->beta);
    const int64_t rest = n % LANES;
    if (rest == 0) return;
    memcpy(tail, to + n - rest, (size_t)rest * sizeof *tail);
    activate(tail, 1, job->state->act, job->state->alpha, job->state->beta);
    memcpy(to + n - rest, tail, (size_t)rest * sizeof *tail);
}

yk__code ISA(yk__plain_unary_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    unary_job job = {
        .state = step->state, .in = yk__operand_data(&step->in[0], exec), .out = yk__operand_data(&step->out[0], exec)};
    if (!yk__shape_count(&step->out[0].shape, &job.count)) return YK__OK;
    yk__pool_for(exec->pool, (int)((job.count + UNARY_FLOATS - 1) / UNARY_FLOATS), unary_task, &job);
    return YK__OK;
}

/* --- softmax --- */

typedef struct softmax_job {
    const yk__plain_softmax_state *state;
    const float *in;
    float *out;
    int64_t tasks_per_outer;
} softmax_job;

/* LANES columns at a time: n rows, `inner` floats apart. */
static void softmax_columns(const float *in, float *out, int64_t n, int64_t inner) {
    vf top = v_load(in), sum = v_zero();
    for (int64_t i = 1; i < n; i++) top = v_max(top, v_load(in + i * inner));
    for (int64_t i = 0; i < n; i++) {
        const vf e = v_exp(v_load(in + i * inner) - top);
        v_store(out + i * inner, e);
        sum = sum + e;
    }
    for (int64_t i = 0; i < n; i++) v_store(out + i * inner, v_load(out + i * inner) / sum);
}

/* One run of n floats. */
static void softmax_run(const float *in, float *out, int64_t n) {
    float tail[LANES];
    const int64_t full = n / LANES * LANES, rest = n - full;
    vf top = v_set1(-INFINITY), sum = v_zero();
    for (int64_t i = 0; i < full; i += LANES) top = v_max(top, v_load(in + i));
    for (int64_t l = 0; l < LANES; l++) tail[l] = l < rest ? in[full + l] : -INFINITY;
    const vf largest = v_set1(v_largest(v_max(top, v_load(tail))));
    for (int64_t i = 0; i < full; i += LANES) {
        const vf e = v_exp(v_load(in + i) - largest);
        v_store(out + i, e);
        sum = sum + e;
    }
    v_store(tail, v_exp(v_load(tail) - largest));
    for (int64_t l = rest; l < LANES; l++) tail[l] = 0;
    const vf total = v_set1(v_sum(sum + v_load(tail)));
    for (int64_t i = 0; i < full; i += LANES) v_store(out + i, v_load(out + i) / total);
    v_store(tail, v_load(tail) / total);
    memcpy(out + full, tail, (size_t)rest * sizeof *tail);
}

/* Columns per task where the axis is not the last. */
#define SOFTMAX_COLUMNS 512

static void softmax_task(void *argument, int task, int worker) {
    (void)worker;
    const softmax_job *job = argument;
    const yk__plain_softmax_state *s = job->state;
    const int64_t outer = task / job->tasks_per_outer, first = task % job->tasks_per_outer * SOFTMAX_COLUMNS;
    const float *in = job->in + outer * s->n * s->inner;
    float *out = job->out + outer * s->n * s->inner;
    if (s->inner == 1) {
        softmax_run(in, out, s->n);
        return;
    }
    const int64_t end = first + SOFTMAX_COLUMNS < s->inner ? first + SOFTMAX_COLUMNS : s->inner;
    int64_t x = first;
    for (; x + LANES <= end; x += LANES) softmax_columns(in + x, out + x, s->n, s->inner);
    if (x == end) return;
    /* fewer than a vector of columns are left at the end: through a buffer of LANES columns, row by row */
    float top[LANES], sum[LANES], row[LANES] = {0};
    for (int64_t l = 0; l < end - x; l++) {
        top[l] = in[x + l];
        sum[l] = 0;
        for (int64_t i = 1; i < s->n; i++) top[l] = in[i * s->inner + x + l] > top[l] ? in[i * s->inner + x + l] : top[l];
    }
    for (int64_t i = 0; i < s->n; i++) {
        for (int64_t l = 0; l < end - x; l++) row[l] = in[i * s->inner + x + l] - top[l];
        v_store(row, v_exp(v_load(row)));
        for (int64_t l = 0; l < end - x; l++) {
            out[i * s->inner + x + l] = row[l];
            sum[l] += row[l];
        }
    }
    for (int64_t i = 0; i < s->n; i++) {
        for (int64_t l = 0; l < end - x; l++) out[i * s->inner + x + l] /= sum[l];
    }
}

yk__code ISA(yk__plain_softmax_run)(const yk__step *step, yk__exec *exec, yk__error *err) {
    (void)err;
    const yk__plain_softmax_state *s = step->state;
    softmax_job job = {.state = s,
                       .in = yk__operand_data(&step->in[0], exec),
                       .out = yk__operand_data(&step->out[0], exec),
                       .tasks_per_outer = (s->inner + SOFTMAX_COLUMNS - 1) / SOFTMAX_COLUMNS};
    yk__pool_for(exec->pool, (int)(s->outer * job.tasks_per_outer), softmax_task, &job);
    return YK__OK;
}
