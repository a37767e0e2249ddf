/* All reductions. Floats accumulate in double and are rounded once; integers wrap, their means truncate. ReduceMax and
 * ReduceMin: NaN wins; of nothing they give the type's smallest and largest value. */
#include <float.h>
#include <limits.h>
#include <math.h>

#include "backend/ref/ops_ref.h"
#include "backend/ref/walk_ref.h"

typedef struct reduce_job {
    yk__op op;
    yk__dtype dtype;
    yk__ref_walk kept, gone; /* operand 0: the input. kept counts outputs, gone the elements that become one. */
    int64_t n_gone;
    const void *in;
    void *out;
} reduce_job;

/* Element offset of position `index` of a walk. */
static int64_t offset_of(const yk__ref_walk *walk, int64_t index) {
    int64_t at = 0;
    for (int i = walk->rank - 1; i >= 0; i--) {
        at += index % walk->dim[i] * walk->stride[0][i];
        index /= walk->dim[i];
    }
    return at;
}

/* Runs `statement` for each element x that goes into the output at hand; rows of the innermost dimension are plain loops. */
#define EACH(statement) \
    for (int64_t row = 0; row < rows; row++) { \
        const T *v = in + offset_of(&job->gone, row * inner); \
        for (int64_t i = 0; i < inner; i++) { \
            const T x = v[i * step]; \
            statement; \
        } \
    }

#define PREPARE \
    const int64_t inner = job->gone.dim[job->gone.rank - 1], step = job->gone.stride[0][job->gone.rank - 1]; \
    const int64_t rows = job->n_gone == 0 ? 0 : job->n_gone / inner

#define FLOAT_FUNCTION(ident, type) \
    static type reduce_##ident(const reduce_job *job, const type *in) { \
        typedef type T; \
        PREPARE; \
        double r = 0; \
        switch (job->op) { \
        case YK__OP_REDUCE_SUM: EACH(r += (double)x) break; \
        case YK__OP_REDUCE_MEAN: EACH(r += (double)x) r /= (double)job->n_gone; break; \
        case YK__OP_REDUCE_MAX: r = -INFINITY; EACH(if (x > (T)r || isnan(x)) r = (double)x) break; \
        case YK__OP_REDUCE_MIN: r = INFINITY; EACH(if (x < (T)r || isnan(x)) r = (double)x) break; \
        case YK__OP_REDUCE_PROD: r = 1; EACH(r *= (double)x) break; \
        case YK__OP_REDUCE_L1: EACH(r += fabs((double)x)) break; \
        case YK__OP_REDUCE_L2: EACH(r += (double)x * (double)x) r = sqrt(r); break; \
        case YK__OP_REDUCE_SUM_SQUARE: EACH(r += (double)x * (double)x) break; \
        case YK__OP_REDUCE_LOG_SUM: EACH(r += (double)x) r = log(r); break; \
        case YK__OP_REDUCE_LOG_SUM_EXP: { \
            double top = -INFINITY; \
            EACH(if ((double)x > top) top = (double)x) \
            if (isinf(top)) top = top > 0 ? DBL_MAX : 0; \
            EACH(r += exp((double)x - top)) \
            r = top + log(r); \
            break; \
        } \
        default: break; \
        } \
        return (T)r; \
    }

/* Sums of integers are kept modulo 2^64 and cut to the type, which is the same as wrapping at every step. */
#define INTEGER_FUNCTION(ident, type, wide, lowest, highest) \
    static type reduce_##ident(const reduce_job *job, const type *in) { \
        typedef type T; \
        PREPARE; \
        uint64_t r = 0; \
        T best; \
        double d = 0; \
        switch (job->op) { \
        case YK__OP_REDUCE_SUM: EACH(r += (uint64_t)x) return (T)r; \
        case YK__OP_REDUCE_MEAN: EACH(r += (uint64_t)x) return job->n_gone == 0 ? (T)0 : (T)((wide)r / (wide)job->n_gone); \
        case YK__OP_REDUCE_MAX: best = (lowest); EACH(if (x > best) best = x) return best; \
        case YK__OP_REDUCE_MIN: best = (highest); EACH(if (x < best) best = x) return best; \
        case YK__OP_REDUCE_PROD: r = 1; EACH(r *= (uint64_t)x) return (T)r; \
        case YK__OP_REDUCE_L1: EACH(r += x > 0 ? (uint64_t)x : 0 - (uint64_t)x) return (T)r; \
        case YK__OP_REDUCE_SUM_SQUARE: EACH(r += (uint64_t)x * (uint64_t)x) return (T)r; \
        case YK__OP_REDUCE_L2: EACH(d += (double)x * (double)x) return (T)sqrt(d); \
        case YK__OP_REDUCE_LOG_SUM: EACH(d += (double)x) return (T)log(d); \
        case YK__OP_REDUCE_LOG_SUM_EXP: EACH(d += exp((double)x)) return (T)log(d); \
        default: return 0; \
        } \
    }
#define SIGNED_FUNCTION(ident, type) \
    INTEGER_FUNCTION(ident, type, int64_t, (type)((uint64_t)1 << (8 * sizeof(type) - 1)), \
                     (type)(((uint64_t)1 << (8 * sizeof(type) - 1)) - 1))
#define UNSIGNED_FUNCTION(ident, type) INTEGER_FUNCTION(ident, type, uint64_t, (type)0, (type)UINT64_MAX)

YK__REF_FLOATS(FLOAT_FUNCTION)
YK__REF_SIGNED(SIGNED_FUNCTION)
YK__REF_UNSIGNED(UNSIGNED_FUNCTION)

static void run_range(void *argument, int64_t begin, int64_t end) {
    const reduce_job *job = argument;
    for (int64_t i = begin; i < end; i++) {
        const int64_t at = job->n_gone == 0 ? 0 : offset_of(&job->kept, i);
        switch (job->dtype) {
#define X(ident, type) \
    case YK__DTYPE_##ident: ((type *)job->out)[i] = reduce_##ident(job, (const type *)job->in + at); break;
            YK__REF_NUMBERS(X)
#undef X
        default: break;
        }
    }
}

yk__code yk__ref_reduce(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *in = &call->in[0];
    const int rank = in->shape.rank;
    bool reduced[YK__MAX_RANK] = {false};
    const int64_t n_axes = yk__ref_present(call, 1) ? yk__ref_count(&call->in[1].shape) : 0;
    for (int64_t i = 0; i < n_axes; i++) {
        int axis;
        YK__TRY(yk__ref_axis(call, yk__ref_integer(&call->in[1], i), rank, &axis, err));
        reduced[axis] = true;
    }
    const bool all = n_axes == 0 && yk__node_int(call->node, "noop_with_empty_axes", 0) == 0;

    /* bool has the order of u8: its maximum is "any", its minimum "all". */
    reduce_job job = {.op = call->node->op,
                      .dtype = in->dtype == YK__DTYPE_BOOL ? YK__DTYPE_U8 : in->dtype,
                      .n_gone = 1,
                      .kept = yk__ref_walk_of(1),
                      .gone = yk__ref_walk_of(1),
                      .in = in->data,
                      .out = call->out[0].data};
    int64_t step = 1, steps[YK__MAX_RANK];
    for (int i = rank - 1; i >= 0; i--) {
        steps[i] = step;
        step *= in->shape.dim[i];
    }
    for (int i = 0; i < rank; i++) {
        const bool gone = reduced[i] || all;
        yk__ref_walk_dim(gone ? &job.gone : &job.kept, in->shape.dim[i], &steps[i]);
        if (gone) job.n_gone *= in->shape.dim[i];
    }
    yk__ref_walk_simplify(&job.kept);
    yk__ref_walk_simplify(&job.gone);
    const int64_t n_out = yk__ref_count(&call->out[0].shape);
    const int64_t grain = job.n_gone >= YK__REF_GRAIN || job.n_gone == 0 ? 1 : YK__REF_GRAIN / job.n_gone;
    yk__ref_ranges(call, n_out, grain, run_range, &job);
    if (in->dtype == YK__DTYPE_BOOL && n_out > 0 && job.n_gone == 0)
        memset(call->out[0].data, call->node->op == YK__OP_REDUCE_MIN, (size_t)n_out);
    return YK__OK;
}
