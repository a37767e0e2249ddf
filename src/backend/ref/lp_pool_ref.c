/* LpPool: the p-norm of each window, (sum |x|^p)^(1/p), in double; padding adds nothing. */
#include <math.h>

#include "backend/ref/ops_ref.h"
#include "backend/ref/window_ref.h"

yk__code yk__ref_lp_pool(const yk__ref_call *call, yk__error *err) {
    yk__ref_window w;
    YK__TRY(yk__ref_window_of(call, NULL, &w, err));
    const double p = (double)yk__node_int(call->node, "p", 2);
    const int64_t n = yk__ref_count(&call->out[0].shape);
    for (int64_t i = 0; i < n; i++) {
        const int64_t plane = i / w.out_size, at = i % w.out_size;
        const int64_t o[3] = {at / (w.out[2] * w.out[1]), at / w.out[2] % w.out[1], at % w.out[2]};
        double sum = 0;
        for (int64_t tap = 0; tap < w.taps; tap++) {
            const int64_t k[3] = {tap / (w.kernel[2] * w.kernel[1]), tap / w.kernel[2] % w.kernel[1], tap % w.kernel[2]};
            int64_t index = 0;
            bool inside = true;
            for (int d = 0; d < 3; d++) {
                const int64_t in = o[d] * w.stride[d] - w.pad_begin[d] + k[d] * w.dilation[d];
                inside &= in >= 0 && in < w.in[d];
                index = index * w.in[d] + in;
            }
            if (inside) sum += pow(fabs(yk__ref_number(&call->in[0], plane * w.in_size + index)), p);
        }
        const double norm = pow(sum, 1 / p);
        if (call->out[0].dtype == YK__DTYPE_F32)
            ((float *)call->out[0].data)[i] = (float)norm;
        else
            ((double *)call->out[0].data)[i] = norm;
    }
    return YK__OK;
}
