/* Gemm: alpha * A' * B' + beta * C, A' and B' transposed where asked, C broadcast. f32 as product_ref.h orders the sums; other
 * types one sum after the other, integers wrapping. */
#include "backend/ref/ops_ref.h"
#include "backend/ref/product_ref.h"
#include "backend/ref/walk_ref.h"

typedef struct gemm_job {
    int64_t rows, columns, taps, tiles;
    int64_t a_row, a_tap, b_tap, b_column; /* steps in elements */
    double alpha, beta;
    yk__dtype dtype;
    const void *a, *b, *c; /* c NULL when absent */
    int64_t c_row, c_column;
    void *out;
} gemm_job;

typedef struct fill_job {
    const gemm_job *job;
    int64_t first_column;
    int columns;
} fill_job;

static void fill_tile(void *argument, int64_t first_tap, int taps, float tile[][YK__REF_COLUMNS]) {
    const fill_job *f = argument;
    const int64_t tap_step = f->job->b_tap, column_step = f->job->b_column;
    const float *b = (const float *)f->job->b + first_tap * tap_step + f->first_column * column_step;
    for (int t = 0; t < taps; t++)
        for (int x = 0; x < f->columns; x++) tile[t][x] = b[t * tap_step + x * column_step];
}

/* One tile of columns of the f32 product per task. */
static void product_tiles(void *argument, int64_t begin, int64_t end) {
    const gemm_job *job = argument;
    for (int64_t task = begin; task < end; task++) {
        const int64_t first = task * YK__REF_COLUMNS, left = job->columns - first;
        fill_job f = {job, first, left < YK__REF_COLUMNS ? (int)left : YK__REF_COLUMNS};
        float *out = (float *)job->out + first;
        yk__ref_product_run(&(yk__ref_product){.rows = job->rows,
                                               .taps = job->taps,
                                               .columns = f.columns,
                                               .weights = job->a,
                                               .row_stride = job->a_row,
                                               .tap_stride = job->a_tap,
                                               .out = out,
                                               .out_stride = job->columns,
                                               .fill = fill_tile,
                                               .fill_argument = &f});
        for (int64_t r = 0; r < job->rows; r++)
            for (int x = 0; x < f.columns; x++) {
                float *o = &out[r * job->columns + x];
                if (job->alpha != 1) *o *= (float)job->alpha;
                if (job->c != NULL) {
                    const float c = ((const float *)job->c)[r * job->c_row + (first + x) * job->c_column];
                    *o += job->beta == 1 ? c : (float)job->beta * c;
                }
            }
    }
}

/* Integers with factors other than 1 go through double, as ONNX's attributes are floats. */
#define FINISH(type, sum) \
    (type)((double)(sum)*job->alpha + (job->c != NULL ? job->beta * (double)((const type *)job->c)[at_c] : 0))

#define PLAIN(ident, type, accumulator) \
    static void plain_##ident(const gemm_job *job) { \
        for (int64_t r = 0; r < job->rows; r++) \
            for (int64_t x = 0; x < job->columns; x++) { \
                accumulator sum = 0; \
                for (int64_t t = 0; t < job->taps; t++) \
                    sum += (accumulator)((const type *)job->a)[r * job->a_row + t * job->a_tap] * \
                           (accumulator)((const type *)job->b)[t * job->b_tap + x * job->b_column]; \
                const int64_t at_c = r * job->c_row + x * job->c_column; \
                type *out = &((type *)job->out)[r * job->columns + x]; \
                if (job->alpha == 1 && (job->c == NULL || job->beta == 1)) \
                    *out = (type)(sum + (job->c != NULL ? (accumulator)((const type *)job->c)[at_c] : 0)); \
                else \
                    *out = FINISH(type, (type)sum); \
            } \
    }
#define PLAIN_INTEGER(ident, type) PLAIN(ident, type, uint64_t)
PLAIN(F64, double, double)
YK__REF_INTEGERS(PLAIN_INTEGER)

yk__code yk__ref_gemm(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *a = &call->in[0], *b = &call->in[1], *out = &call->out[0];
    const bool a_turned = yk__node_int(call->node, "transA", 0) != 0, b_turned = yk__node_int(call->node, "transB", 0) != 0;
    gemm_job job = {.rows = out->shape.dim[0],
                    .columns = out->shape.dim[1],
                    .taps = a->shape.dim[a_turned ? 0 : 1],
                    .alpha = yk__node_float(call->node, "alpha", 1),
                    .beta = yk__node_float(call->node, "beta", 1),
                    .dtype = a->dtype,
                    .a = a->data,
                    .b = b->data,
                    .out = out->data};
    if (b->dtype != a->dtype) return yk__ref_unsupported(call, b->dtype, err);
    job.a_row = a_turned ? 1 : job.taps;
    job.a_tap = a_turned ? job.rows : 1;
    job.b_tap = b_turned ? 1 : job.columns;
    job.b_column = b_turned ? job.taps : 1;
    if (yk__ref_present(call, 2)) {
        const yk__shape *c = &call->in[2].shape;
        if (call->in[2].dtype != a->dtype) return yk__ref_unsupported(call, call->in[2].dtype, err);
        const int64_t last = c->rank > 0 ? c->dim[c->rank - 1] : 1, rows = c->rank > 1 ? c->dim[c->rank - 2] : 1;
        job.c = call->in[2].data;
        job.c_column = last == 1 ? 0 : 1;
        job.c_row = rows == 1 ? 0 : last;
    }
    switch (job.dtype) {
    case YK__DTYPE_F32: {
        const int64_t tiles = (job.columns + YK__REF_COLUMNS - 1) / YK__REF_COLUMNS;
        yk__ref_ranges(call, job.rows > 0 ? tiles : 0, 1, product_tiles, &job);
        break;
    }
    case YK__DTYPE_F64: plain_F64(&job); break;
#define X(ident, type) \
    case YK__DTYPE_##ident: plain_##ident(&job); break;
        YK__REF_INTEGERS(X)
#undef X
    default: break;
    }
    return YK__OK;
}
