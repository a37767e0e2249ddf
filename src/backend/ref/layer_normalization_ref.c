/* LayerNormalization: the dimensions from `axis` on to mean 0 and variance 1, then scaled and shifted elementwise (both
 * broadcast); statistics in double. Outputs: result, [mean], [1 / standard deviation]. */
#include <math.h>

#include "backend/ref/ops_ref.h"
#include "backend/ref/walk_ref.h"

static void store(const yk__tensor *out, int64_t index, double value) {
    if (out->dtype == YK__DTYPE_F32)
        ((float *)out->data)[index] = (float)value;
    else
        ((double *)out->data)[index] = value;
}

/* Element of a tensor that broadcasts to the result's shape, for the result's element `index`. */
static double broadcast_number(const yk__tensor *in, const yk__shape *out, int64_t index) {
    int64_t at = 0, step = 1;
    for (int i = out->rank - 1; i >= 0 && i >= out->rank - in->shape.rank; i--) {
        const int64_t dim = in->shape.dim[i - (out->rank - in->shape.rank)];
        if (dim != 1) at += index % out->dim[i] * step;
        step *= dim;
        index /= out->dim[i];
    }
    return yk__ref_number(in, at);
}

yk__code yk__ref_layer_normalization(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *in = &call->in[0];
    const int rank = in->shape.rank;
    int axis;
    YK__TRY(yk__ref_axis(call, yk__node_int(call->node, "axis", -1), rank, &axis, err));
    const int64_t outer = yk__ref_span(&in->shape, 0, axis), inner = yk__ref_span(&in->shape, axis, rank);
    const double epsilon = yk__node_float(call->node, "epsilon", (double)1e-5f);
    for (int64_t o = 0; o < outer && inner > 0; o++) {
        double mean = 0, variance = 0;
        for (int64_t i = 0; i < inner; i++) mean += yk__ref_number(in, o * inner + i);
        mean /= (double)inner;
        for (int64_t i = 0; i < inner; i++) {
            const double d = yk__ref_number(in, o * inner + i) - mean;
            variance += d * d;
        }
        const double inverse = 1 / sqrt(variance / (double)inner + epsilon);
        for (int64_t i = o * inner; i < (o + 1) * inner && call->out[0].data != NULL; i++) {
            double y = (yk__ref_number(in, i) - mean) * inverse * broadcast_number(&call->in[1], &in->shape, i);
            if (yk__ref_present(call, 2)) y += broadcast_number(&call->in[2], &in->shape, i);
            store(&call->out[0], i, y);
        }
        if (call->n_out > 1 && call->out[1].data != NULL) store(&call->out[1], o, mean);
        if (call->n_out > 2 && call->out[2].data != NULL) store(&call->out[2], o, inverse);
    }
    return YK__OK;
}
