/* LpPool: the p-norm of each window, (sum |x|^p)^(1/p), in double; padding adds nothing. */
#include <math.h>

#include "backend/ref/ops_ref.h"
#include "backend/ref/window_ref.h"

static double window_norm(const yk__tensor *in, const yk__ref_window *w, int64_t plane, const yk__ref_cover *c, double p) {
    double sum = 0;
    for (int64_t z = c->first[0]; z < c->end[0]; z++)
        for (int64_t y = c->first[1]; y < c->end[1]; y++)
            for (int64_t x = c->first[2]; x < c->end[2]; x++) {
                const int64_t row = (c->start[0] + z * w->dilation[0]) * w->in[1] + c->start[1] + y * w->dilation[1];
                const int64_t at = plane * w->in_size + row * w->in[2] + c->start[2] + x * w->dilation[2];
                sum += pow(fabs(yk__ref_number(in, at)), p);
            }
    return pow(sum, 1 / p);
}

yk__code yk__ref_lp_pool(const yk__ref_call *call, yk__error *err) {
    yk__ref_window w;
    YK__TRY(yk__ref_window_of(call, NULL, &w, err));
    const double p = (double)yk__node_int(call->node, "p", 2);
    const int64_t n = yk__ref_count(&call->out[0].shape);
    for (int64_t i = 0; i < n; i++) {
        int64_t position[YK__REF_WINDOW_DIMS];
        yk__ref_cover cover;
        yk__ref_window_position(&w, i % w.out_size, position);
        yk__ref_window_cover(&w, position, &cover);
        const double norm = window_norm(&call->in[0], &w, i / w.out_size, &cover, p);
        if (call->out[0].dtype == YK__DTYPE_F32)
            ((float *)call->out[0].data)[i] = (float)norm;
        else
            ((double *)call->out[0].data)[i] = norm;
    }
    return YK__OK;
}
