/* NonZero: the coordinates of all elements that are not zero, a column each, in row-major order. How many there are is only
 * known now: the output's shape is cut to it. */
#include "backend/ref/ops_ref.h"

yk__code yk__ref_non_zero(const yk__ref_call *call, yk__error *err) {
    (void)err;
    const yk__tensor *in = &call->in[0];
    const int rank = in->shape.rank;
    const int64_t n = yk__ref_count(&in->shape);
    int64_t found = 0, *out = call->out[0].data;
    for (int64_t i = 0; i < n; i++) found += yk__ref_number(in, i) != 0;
    call->out[0].shape.dim[call->out[0].shape.rank - 1] = found;
    int64_t column = 0;
    for (int64_t i = 0; i < n; i++) {
        if (yk__ref_number(in, i) == 0) continue;
        int64_t rest = i;
        for (int d = rank - 1; d >= 0; d--) {
            out[d * found + column] = rest % in->shape.dim[d];
            rest /= in->shape.dim[d];
        }
        column++;
    }
    return YK__OK;
}
