/* Pad: constant, reflect, edge, wrap; negative pads crop. Each dimension has a table: output index -> input index, -1 for the
 * constant. */
#include "backend/ref/ops_ref.h"

typedef enum pad_mode { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE, PAD_WRAP } pad_mode;

typedef struct pad_job {
    const yk__ref_call *call;
    const int64_t *table[YK__MAX_RANK]; /* input offset in elements, -1: constant */
    const void *constant;               /* one element */
    size_t size;
} pad_job;

static int64_t reflected(int64_t i, int64_t n) {
    if (n == 1) return 0;
    const int64_t period = 2 * (n - 1);
    i = (i % period + period) % period;
    return i < n ? i : period - i;
}

static int64_t source_index(pad_mode mode, int64_t i, int64_t n) {
    if (i >= 0 && i < n) return i;
    if (n == 0) return -1;
    switch (mode) {
    case PAD_REFLECT: return reflected(i, n);
    case PAD_EDGE: return i < 0 ? 0 : n - 1;
    case PAD_WRAP: return (i % n + n) % n;
    default: return -1;
    }
}

static yk__code read_mode(const yk__ref_call *call, pad_mode *out, yk__error *err) {
    static const char *const names[] = {"constant", "reflect", "edge", "wrap"};
    const char *name = yk__node_string(call->node, "mode", "constant");
    for (int i = 0; i < 4; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *out = (pad_mode)i;
        return YK__OK;
    }
    return yk__fail(err, YK__UNSUPPORTED, "Pad '%s': mode '%s' is not known", call->node->name, name);
}

/* Elements added in front of each dimension. */
static yk__code read_begins(const yk__ref_call *call, int64_t *begin, yk__error *err) {
    const int rank = call->in[0].shape.rank;
    for (int i = 0; i < rank; i++) begin[i] = 0;
    const int64_t n = yk__ref_count(&call->in[1].shape) / 2;
    const bool listed = yk__ref_present(call, 3);
    if (yk__ref_count(&call->in[1].shape) % 2 != 0 || n != (listed ? yk__ref_count(&call->in[3].shape) : rank))
        return yk__fail(err, YK__SHAPE, "Pad '%s': the number of pads does not fit the axes", call->node->name);
    for (int64_t i = 0; i < n; i++) {
        int axis;
        YK__TRY(yk__ref_axis(call, listed ? yk__ref_integer(&call->in[3], i) : i, rank, &axis, err));
        begin[axis] = yk__ref_integer(&call->in[1], i);
    }
    return YK__OK;
}

static void pad_rows(void *argument, int64_t row_begin, int64_t row_end) {
    const pad_job *job = argument;
    const yk__shape *out = &job->call->out[0].shape;
    const int last = out->rank - 1;
    const int64_t columns = out->dim[last];
    for (int64_t row = row_begin; row < row_end; row++) {
        int64_t base = 0, rest = row;
        for (int d = last - 1; d >= 0 && base >= 0; d--) {
            const int64_t from = job->table[d][rest % out->dim[d]];
            rest /= out->dim[d];
            base = from < 0 ? -1 : base + from;
        }
        uint8_t *to = (uint8_t *)job->call->out[0].data + (size_t)(row * columns) * job->size;
        for (int64_t x = 0; x < columns; x++, to += job->size) {
            const int64_t from = job->table[last][x];
            const void *element = base < 0 || from < 0
                                      ? job->constant
                                      : (const uint8_t *)job->call->in[0].data + (size_t)(base + from) * job->size;
            memcpy(to, element, job->size);
        }
    }
}

size_t yk__ref_pad_scratch(const yk__ref_call *call, int n_threads) {
    (void)n_threads;
    size_t total = 0;
    for (int i = 0; i < call->out[0].shape.rank && total != SIZE_MAX; i++)
        total = yk__ref_scratch_add(total, call->out[0].shape.dim[i], sizeof(int64_t));
    return total;
}

yk__code yk__ref_pad(const yk__ref_call *call, yk__error *err) {
    static const uint64_t zero = 0;
    const yk__shape *in = &call->in[0].shape, *out = &call->out[0].shape;
    pad_job job = {.call = call, .constant = &zero, .size = yk__dtype_size(call->in[0].dtype)};
    int64_t begin[YK__MAX_RANK], step = 1;
    pad_mode mode = PAD_CONSTANT;
    YK__TRY(read_mode(call, &mode, err));
    YK__TRY(read_begins(call, begin, err));
    if (yk__ref_present(call, 2)) {
        if (call->in[2].dtype != call->in[0].dtype || yk__ref_count(&call->in[2].shape) != 1)
            return yk__fail(err, YK__SHAPE, "Pad '%s': the value must be one element of the data's type", call->node->name);
        job.constant = call->in[2].data;
    }
    if (out->rank == 0) {
        memcpy(call->out[0].data, call->in[0].data, job.size);
        return YK__OK;
    }
    yk__ref_scratch scratch = yk__ref_scratch_of(call);
    for (int d = out->rank - 1; d >= 0; d--) {
        int64_t *table = yk__ref_take(&scratch, out->dim[d], sizeof(int64_t));
        if (table == NULL) return yk__ref_no_scratch(call, err);
        for (int64_t i = 0; i < out->dim[d]; i++) {
            const int64_t from = source_index(mode, i - begin[d], in->dim[d]);
            table[i] = from < 0 ? -1 : from * step;
        }
        job.table[d] = table;
        step *= in->dim[d];
    }
    const int64_t columns = out->dim[out->rank - 1], count = yk__ref_count(out);
    if (count > 0)
        yk__ref_ranges(call, count / columns, columns >= YK__REF_GRAIN ? 1 : YK__REF_GRAIN / columns, pad_rows, &job);
    return YK__OK;
}
