/* ArgMax and ArgMin: the index of the largest (smallest) element along an axis; of equal ones the first, or the last with
 * select_last_index. The first NaN wins, as in NumPy. */
#include "backend/ref/ops_ref.h"

typedef struct arg_job {
    const yk__tensor *in;
    int64_t n, step;
    bool largest, last;
    int64_t *out;
} arg_job;

#define FUNCTION(ident, type) \
    static int64_t arg_##ident(const arg_job *job, int64_t first) { \
        const type *in = (const type *)job->in->data + first; \
        int64_t best = 0; \
        for (int64_t i = 1; i < job->n; i++) { \
            const type x = in[i * job->step], b = in[best * job->step]; \
            if (b != b) break; \
            if (x != x || (job->largest ? x > b : x < b) || (job->last && x == b)) best = i; \
        } \
        return best; \
    }
YK__REF_NUMBERS(FUNCTION)

static void run_lanes(void *argument, int64_t begin, int64_t end) {
    const arg_job *job = argument;
    for (int64_t i = begin; i < end; i++) {
        const int64_t first = i / job->step * job->n * job->step + i % job->step;
        switch (job->in->dtype) {
#define X(ident, type) \
    case YK__DTYPE_##ident: job->out[i] = arg_##ident(job, first); break;
            YK__REF_NUMBERS(X)
#undef X
        default: break;
        }
    }
}

yk__code yk__ref_arg(const yk__ref_call *call, yk__error *err) {
    const yk__shape *in = &call->in[0].shape;
    arg_job job = {.in = &call->in[0],
                   .n = 1,
                   .step = 1,
                   .largest = call->node->op == YK__OP_ARG_MAX,
                   .last = yk__node_int(call->node, "select_last_index", 0) != 0,
                   .out = call->out[0].data};
    if (in->rank > 0) {
        int axis;
        YK__TRY(yk__ref_axis(call, yk__node_int(call->node, "axis", 0), in->rank, &axis, err));
        job.n = in->dim[axis];
        job.step = yk__ref_span(in, axis + 1, in->rank);
    }
    const int64_t n_out = yk__ref_count(&call->out[0].shape);
    if (job.n == 0 && n_out > 0)
        return yk__fail(err, YK__SHAPE, "%s '%s': nothing to choose from", yk__op_info_get(call->node->op)->name,
                        call->node->name);
    if (n_out > 0) yk__ref_ranges(call, n_out, job.n >= YK__REF_GRAIN ? 1 : YK__REF_GRAIN / job.n, run_lanes, &job);
    return YK__OK;
}
