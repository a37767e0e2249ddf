/* Range: start + i * delta; the output's shape says how many. */
#include "backend/ref/ops_ref.h"

yk__code yk__ref_range(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *out = &call->out[0];
    const int64_t n = yk__ref_count(&out->shape);
    for (int i = 0; i < 3; i++)
        if (call->in[i].dtype != out->dtype) return yk__ref_unsupported(call, call->in[i].dtype, err);
    switch (out->dtype) {
#define INTEGER_CASE(ident, type) \
    case YK__DTYPE_##ident: \
        for (int64_t i = 0; i < n; i++) \
            ((type *)out->data)[i] = (type)((uint64_t) * (const type *)call->in[0].data + \
                                            (uint64_t)i * (uint64_t) * (const type *)call->in[2].data); \
        break;
#define FLOAT_CASE(ident, type) \
    case YK__DTYPE_##ident: \
        for (int64_t i = 0; i < n; i++) \
            ((type *)out->data)[i] = *(const type *)call->in[0].data + (type)i * *(const type *)call->in[2].data; \
        break;
        YK__REF_INTEGERS(INTEGER_CASE)
        YK__REF_FLOATS(FLOAT_CASE)
    default: return yk__ref_unsupported(call, out->dtype, err);
    }
    return YK__OK;
}
