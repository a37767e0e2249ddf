/* How ScatterElements and ScatterND combine an update with what is there. Integers wrap; bool adds as "or", multiplies as
 * "and". */
#include "backend/ref/scatter_ref.h"

yk__code yk__ref_combine_of(const yk__ref_call *call, yk__ref_combine *out, yk__error *err) {
    static const char *const names[] = {"none", "add", "mul", "max", "min"};
    const char *name = yk__node_string(call->node, "reduction", "none");
    for (int i = 0; i < 5; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *out = (yk__ref_combine)i;
        return YK__OK;
    }
    return yk__fail(err, YK__UNSUPPORTED, "%s '%s': reduction '%s' is not known", yk__op_info_get(call->node->op)->name,
                    call->node->name, name);
}

#define FUNCTION(ident, type, sum, product) \
    static void combine_##ident(yk__ref_combine how, type *out, const type *in, int64_t n) { \
        switch (how) { \
        case YK__REF_COMBINE_NONE: memmove(out, in, (size_t)n * sizeof *out); break; \
        case YK__REF_COMBINE_ADD: \
            for (int64_t i = 0; i < n; i++) out[i] = (type)(sum); \
            break; \
        case YK__REF_COMBINE_MUL: \
            for (int64_t i = 0; i < n; i++) out[i] = (type)(product); \
            break; \
        case YK__REF_COMBINE_MAX: \
            for (int64_t i = 0; i < n; i++) out[i] = in[i] > out[i] || in[i] != in[i] ? in[i] : out[i]; \
            break; \
        case YK__REF_COMBINE_MIN: \
            for (int64_t i = 0; i < n; i++) out[i] = in[i] < out[i] || in[i] != in[i] ? in[i] : out[i]; \
            break; \
        } \
    }
#define FLOAT_FUNCTION(ident, type) FUNCTION(ident, type, out[i] + in[i], out[i] * in[i])
#define INTEGER_FUNCTION(ident, type) \
    FUNCTION(ident, type, (uint64_t)out[i] + (uint64_t)in[i], (uint64_t)out[i] * (uint64_t)in[i])
FUNCTION(BOOL, uint8_t, out[i] | in[i], out[i] & in[i])
YK__REF_FLOATS(FLOAT_FUNCTION)
YK__REF_INTEGERS(INTEGER_FUNCTION)

void yk__ref_combine_run(yk__ref_combine how, const yk__tensor *out, int64_t to, const yk__tensor *updates, int64_t from,
                         int64_t n) {
    switch (out->dtype) {
#define X(ident, type) \
    case YK__DTYPE_##ident: combine_##ident(how, (type *)out->data + to, (const type *)updates->data + from, n); break;
        YK__REF_NUMBERS(X)
        X(BOOL, uint8_t)
#undef X
    default: break;
    }
}

void yk__ref_scatter_begin(const yk__ref_call *call) {
    size_t bytes;
    if (call->out[0].data == call->in[0].data || !yk__tensor_bytes(call->out[0].dtype, &call->out[0].shape, &bytes)) return;
    if (bytes > 0) memcpy(call->out[0].data, call->in[0].data, bytes);
}
