/* CumSum along an axis, optionally exclusive of the element itself, optionally from the end. Floats sum in double. */
#include "backend/ref/ops_ref.h"

yk__code yk__ref_cum_sum(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *in = &call->in[0], *out = &call->out[0];
    const int rank = in->shape.rank;
    int axis = 0;
    if (rank > 0) YK__TRY(yk__ref_axis(call, yk__ref_integer(&call->in[1], 0), rank, &axis, err));
    const int64_t n = rank > 0 ? in->shape.dim[axis] : 1, step = yk__ref_span(&in->shape, axis + 1, rank);
    const int64_t count = yk__ref_count(&in->shape);
    const bool exclusive = yk__node_int(call->node, "exclusive", 0) != 0, reverse = yk__node_int(call->node, "reverse", 0) != 0;
    for (int64_t lane = 0; count > 0 && lane < count / n; lane++) {
        const int64_t first = lane / step * n * step + lane % step;
        double sum = 0;
        uint64_t whole = 0;
        for (int64_t i = 0; i < n; i++) {
            const int64_t at = first + (reverse ? n - 1 - i : i) * step;
            switch (in->dtype) {
#define FLOAT_CASE(ident, type) \
    case YK__DTYPE_##ident: { \
        const double x = (double)((const type *)in->data)[at]; \
        ((type *)out->data)[at] = (type)(exclusive ? sum : sum + x); \
        sum += x; \
        break; \
    }
#define INTEGER_CASE(ident, type) \
    case YK__DTYPE_##ident: { \
        const uint64_t x = (uint64_t)((const type *)in->data)[at]; \
        ((type *)out->data)[at] = (type)(exclusive ? whole : whole + x); \
        whole += x; \
        break; \
    }
                YK__REF_FLOATS(FLOAT_CASE)
                YK__REF_INTEGERS(INTEGER_CASE)
            default: break;
            }
        }
    }
    return YK__OK;
}
