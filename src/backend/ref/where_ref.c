/* Where: condition ? x : y, all three broadcast. */
#include "backend/ref/ops_ref.h"
#include "backend/ref/walk_ref.h"

typedef struct where_job {
    int64_t step_condition, step_x, step_y;
    size_t size;
    const uint8_t *condition, *x, *y;
    uint8_t *out;
} where_job;

#define WHERE_CASE(bytes, type) \
    case bytes: \
        for (int64_t i = 0; i < n; i++) \
            ((type *)out)[i] = \
                condition[i * job->step_condition] ? ((const type *)x)[i * job->step_x] : ((const type *)y)[i * job->step_y]; \
        break;

static void where_row(void *argument, const int64_t *at, int64_t n) {
    const where_job *job = argument;
    const int64_t size = (int64_t)job->size;
    void *out = job->out + at[0] * size;
    const uint8_t *condition = job->condition + at[1];
    const void *x = job->x + at[2] * size, *y = job->y + at[3] * size;
    switch (job->size) {
        WHERE_CASE(1, uint8_t)
        WHERE_CASE(2, uint16_t)
        WHERE_CASE(4, uint32_t)
        WHERE_CASE(8, uint64_t)
    default: break;
    }
}

yk__code yk__ref_where(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *in = call->in;
    if (in[0].dtype != YK__DTYPE_BOOL) return yk__ref_unsupported(call, in[0].dtype, err);
    if (in[1].dtype != in[2].dtype) return yk__ref_unsupported(call, in[2].dtype, err);
    const yk__shape *shapes[3] = {&in[0].shape, &in[1].shape, &in[2].shape};
    const yk__ref_walk walk = yk__ref_walk_broadcast(&call->out[0].shape, shapes, 3);
    where_job job = {.step_condition = yk__ref_walk_step(&walk, 1),
                     .step_x = yk__ref_walk_step(&walk, 2),
                     .step_y = yk__ref_walk_step(&walk, 3),
                     .size = yk__dtype_size(in[1].dtype),
                     .condition = in[0].data,
                     .x = in[1].data,
                     .y = in[2].data,
                     .out = call->out[0].data};
    yk__ref_walk_run(call, &walk, where_row, &job);
    return YK__OK;
}
