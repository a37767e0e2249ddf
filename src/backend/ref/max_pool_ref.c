/* MaxPool: the largest element of each window, and where it is (second output). Padding never wins; NaN does. */
#include "backend/ref/ops_ref.h"
#include "backend/ref/window_ref.h"

typedef struct pool_job {
    yk__ref_window w;
    yk__dtype dtype;
    bool column_major; /* storage_order of the indices */
    const void *in;
    void *out;
    int64_t *indices; /* NULL when not wanted */
} pool_job;

/* Index of an element as the second output counts: over all planes, within a plane row- or column-major. */
static int64_t index_of(const pool_job *job, int64_t plane, const int64_t *at) {
    const int64_t *n = job->w.in;
    if (job->column_major) return plane * job->w.in_size + (at[2] * n[1] + at[1]) * n[0] + at[0];
    return plane * job->w.in_size + (at[0] * n[1] + at[1]) * n[2] + at[2];
}

#define POOL_WINDOW(ident, type, is_nan) \
    static void pool_##ident(const pool_job *job, int64_t plane, int64_t position, const yk__ref_cover *c) { \
        const yk__ref_window *w = &job->w; \
        const type *in = (const type *)job->in + plane * w->in_size; \
        bool any = false; \
        type best = 0; \
        int64_t best_at[3] = {0, 0, 0}; \
        for (int64_t z = c->first[0]; z < c->end[0]; z++) \
            for (int64_t y = c->first[1]; y < c->end[1]; y++) \
                for (int64_t x = c->first[2]; x < c->end[2]; x++) { \
                    const int64_t at[3] = {c->start[0] + z * w->dilation[0], c->start[1] + y * w->dilation[1], \
                                           c->start[2] + x * w->dilation[2]}; \
                    const type v = in[(at[0] * w->in[1] + at[1]) * w->in[2] + at[2]]; \
                    if (any && !(v > best) && !(is_nan)) continue; \
                    best = v; \
                    memcpy(best_at, at, sizeof best_at); \
                    any = true; \
                } \
        ((type *)job->out)[position] = best; \
        if (job->indices != NULL) job->indices[position] = index_of(job, plane, best_at); \
    }
#define POOL_FLOAT(ident, type)   POOL_WINDOW(ident, type, v != v && best == best)
#define POOL_INTEGER(ident, type) POOL_WINDOW(ident, type, false)
YK__REF_FLOATS(POOL_FLOAT)
YK__REF_INTEGERS(POOL_INTEGER)

/* One plane (picture and channel) per task. */
static void pool_planes(void *argument, int64_t plane_begin, int64_t plane_end) {
    const pool_job *job = argument;
    const yk__ref_window *w = &job->w;
    for (int64_t plane = plane_begin; plane < plane_end; plane++)
        for (int64_t i = 0; i < w->out_size; i++) {
            int64_t position[YK__REF_WINDOW_DIMS];
            yk__ref_cover cover;
            yk__ref_window_position(w, i, position);
            yk__ref_window_cover(w, position, &cover);
            switch (job->dtype) {
#define X(ident, type) \
    case YK__DTYPE_##ident: pool_##ident(job, plane, plane * w->out_size + i, &cover); break;
                YK__REF_NUMBERS(X)
#undef X
            default: break;
            }
        }
}

yk__code yk__ref_max_pool(const yk__ref_call *call, yk__error *err) {
    pool_job job = {.dtype = call->in[0].dtype,
                    .in = call->in[0].data,
                    .out = call->out[0].data,
                    .column_major = yk__node_int(call->node, "storage_order", 0) == 1};
    YK__TRY(yk__ref_window_of(call, NULL, &job.w, err));
    if (call->n_out > 1) job.indices = call->out[1].data;
    yk__ref_ranges(call, call->in[0].shape.dim[0] * call->in[0].shape.dim[1], 1, pool_planes, &job);
    return YK__OK;
}
