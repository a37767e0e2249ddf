/* MatMul as NumPy's: matrices in the last two dimensions, the others broadcast; a vector becomes a row or a column. f32 as
 * product_ref.h orders the sums; other types one sum after the other, integers wrapping. */
#include "backend/ref/ops_ref.h"
#include "backend/ref/product_ref.h"
#include "backend/ref/walk_ref.h"

/* Rows of a matrix that share one gathered tile of the other. */
#define ROWS_PER_TASK 128

typedef struct matmul_job {
    int64_t rows, columns, taps, tiles, row_parts;
    yk__ref_walk walk; /* over matrices: out, a, b in elements */
    yk__dtype dtype;
    const void *a, *b;
    void *out;
} matmul_job;

static void matrices_at(const yk__ref_walk *walk, int64_t index, int64_t *at) {
    for (int k = 0; k < walk->n_operands; k++) at[k] = 0;
    for (int i = walk->rank - 1; i >= 0; i--) {
        for (int k = 0; k < walk->n_operands; k++) at[k] += index % walk->dim[i] * walk->stride[k][i];
        index /= walk->dim[i];
    }
}

typedef struct fill_job {
    const float *b; /* first column of the tile */
    int64_t row;    /* elements from one tap to the next */
    int columns;
} fill_job;

static void fill_tile(void *argument, int64_t first_tap, int taps, float tile[][YK__REF_COLUMNS]) {
    const fill_job *f = argument;
    for (int t = 0; t < taps; t++) memcpy(tile[t], f->b + (first_tap + t) * f->row, (size_t)f->columns * sizeof(float));
}

static void product_tasks(void *argument, int64_t begin, int64_t end) {
    const matmul_job *job = argument;
    for (int64_t task = begin; task < end; task++) {
        int64_t at[YK__REF_WALK_OPERANDS];
        matrices_at(&job->walk, task / job->tiles / job->row_parts, at);
        const int64_t column = task % job->tiles * YK__REF_COLUMNS, columns_left = job->columns - column;
        const int64_t row = task / job->tiles % job->row_parts * ROWS_PER_TASK, rows_left = job->rows - row;
        fill_job f = {(const float *)job->b + at[2] + column, job->columns,
                      columns_left < YK__REF_COLUMNS ? (int)columns_left : YK__REF_COLUMNS};
        yk__ref_product_run(&(yk__ref_product){.rows = rows_left < ROWS_PER_TASK ? rows_left : ROWS_PER_TASK,
                                               .taps = job->taps,
                                               .columns = f.columns,
                                               .weights = (const float *)job->a + at[1] + row * job->taps,
                                               .row_stride = job->taps,
                                               .tap_stride = 1,
                                               .out = (float *)job->out + at[0] + row * job->columns + column,
                                               .out_stride = job->columns,
                                               .fill = fill_tile,
                                               .fill_argument = &f});
    }
}

#define PLAIN(ident, type, accumulator) \
    static void plain_##ident(const matmul_job *job, const int64_t *at) { \
        const type *a = (const type *)job->a + at[1], *b = (const type *)job->b + at[2]; \
        type *out = (type *)job->out + at[0]; \
        for (int64_t r = 0; r < job->rows; r++) \
            for (int64_t x = 0; x < job->columns; x++) { \
                accumulator sum = 0; \
                for (int64_t t = 0; t < job->taps; t++) \
                    sum += (accumulator)a[r * job->taps + t] * (accumulator)b[t * job->columns + x]; \
                out[r * job->columns + x] = (type)sum; \
            } \
    }
#define PLAIN_INTEGER(ident, type) PLAIN(ident, type, uint64_t)
PLAIN(F64, double, double)
YK__REF_INTEGERS(PLAIN_INTEGER)

static void plain_matrices(void *argument, int64_t begin, int64_t end) {
    const matmul_job *job = argument;
    for (int64_t i = begin; i < end; i++) {
        int64_t at[YK__REF_WALK_OPERANDS];
        matrices_at(&job->walk, i, at);
        switch (job->dtype) {
        case YK__DTYPE_F64: plain_F64(job, at); break;
#define X(ident, type) \
    case YK__DTYPE_##ident: plain_##ident(job, at); break;
            YK__REF_INTEGERS(X)
#undef X
        default: break;
        }
    }
}

/* The batch dimensions of a matrix operand, with a step of one matrix at the innermost. */
static yk__shape batch_shape(const yk__shape *shape) {
    yk__shape batch = {.rank = shape->rank > 2 ? shape->rank - 2 : 0};
    for (int i = 0; i < batch.rank; i++) batch.dim[i] = shape->dim[i];
    return batch;
}

yk__code yk__ref_matmul(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *a = &call->in[0], *b = &call->in[1], *out = &call->out[0];
    if (b->dtype != a->dtype) return yk__ref_unsupported(call, b->dtype, err);
    matmul_job job = {.dtype = a->dtype, .a = a->data, .b = b->data, .out = out->data};
    job.rows = a->shape.rank > 1 ? a->shape.dim[a->shape.rank - 2] : 1;
    job.taps = a->shape.dim[a->shape.rank - 1];
    job.columns = b->shape.rank > 1 ? b->shape.dim[b->shape.rank - 1] : 1;

    const yk__shape a_batch = batch_shape(&a->shape), b_batch = batch_shape(&b->shape);
    yk__shape out_batch;
    if (!yk__shape_broadcast(&a_batch, &b_batch, &out_batch))
        return yk__fail(err, YK__SHAPE, "MatMul '%s': the operands' leading dimensions do not fit together", call->node->name);
    const yk__shape *shapes[2] = {&a_batch, &b_batch};
    job.walk = yk__ref_walk_broadcast(&out_batch, shapes, 2);
    const int64_t sizes[3] = {job.rows * job.columns, job.rows * job.taps, job.taps * job.columns};
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < job.walk.rank; i++) job.walk.stride[k][i] *= sizes[k];

    const int64_t n = yk__ref_count(&out_batch);
    if (n == 0 || sizes[0] == 0) return YK__OK;
    job.tiles = (job.columns + YK__REF_COLUMNS - 1) / YK__REF_COLUMNS;
    job.row_parts = (job.rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK;
    if (job.dtype == YK__DTYPE_F32)
        yk__ref_ranges(call, n * job.tiles * job.row_parts, 1, product_tasks, &job);
    else
        yk__ref_ranges(call, n, 1, plain_matrices, &job);
    return YK__OK;
}
