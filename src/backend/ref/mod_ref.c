/* Mod: with fmod the remainder takes the dividend's sign, otherwise the divisor's. A whole divisor of 0 gives 0 (ONNX leaves
 * that open, the processor would trap). */
#include <math.h>

#include "backend/ref/ops_ref.h"
#include "backend/ref/walk_ref.h"

typedef struct mod_job {
    yk__dtype dtype;
    bool c_like; /* fmod */
    int64_t step_a, step_b;
    const void *a, *b;
    void *out;
} mod_job;

static double mod_float(double x, double y, bool c_like) {
    const double r = fmod(x, y);
    return !c_like && r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

static int64_t mod_signed(int64_t x, int64_t y, bool c_like) {
    if (y == 0 || y == -1) return 0;
    const int64_t r = x % y;
    return !c_like && r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

static uint64_t mod_unsigned(uint64_t x, uint64_t y, bool c_like) {
    (void)c_like;
    return y == 0 ? 0 : x % y;
}

static void mod_row(void *argument, const int64_t *at, int64_t n) {
    const mod_job *job = argument;
    switch (job->dtype) {
#define CASE(ident, type, function) \
    case YK__DTYPE_##ident: \
        for (int64_t i = 0; i < n; i++) \
            ((type *)job->out)[at[0] + i] = (type)function(((const type *)job->a)[at[1] + i * job->step_a], \
                                                           ((const type *)job->b)[at[2] + i * job->step_b], job->c_like); \
        break;
#define FLOAT_CASE(ident, type)    CASE(ident, type, mod_float)
#define SIGNED_CASE(ident, type)   CASE(ident, type, mod_signed)
#define UNSIGNED_CASE(ident, type) CASE(ident, type, mod_unsigned)
        YK__REF_FLOATS(FLOAT_CASE)
        YK__REF_SIGNED(SIGNED_CASE)
        YK__REF_UNSIGNED(UNSIGNED_CASE)
    default: break;
    }
}

yk__code yk__ref_mod(const yk__ref_call *call, yk__error *err) {
    if (call->in[1].dtype != call->in[0].dtype) return yk__ref_unsupported(call, call->in[1].dtype, err);
    const yk__shape *shapes[2] = {&call->in[0].shape, &call->in[1].shape};
    const yk__ref_walk walk = yk__ref_walk_broadcast(&call->out[0].shape, shapes, 2);
    mod_job job = {call->in[0].dtype,
                   yk__node_int(call->node, "fmod", 0) != 0,
                   yk__ref_walk_step(&walk, 1),
                   yk__ref_walk_step(&walk, 2),
                   call->in[0].data,
                   call->in[1].data,
                   call->out[0].data};
    yk__ref_walk_run(call, &walk, mod_row, &job);
    return YK__OK;
}
