/* Helpers that every operator of the ref backend shares: axes, element reads, scratch, loops over ranges. */
#include "backend/ref/call_ref.h"

#include <limits.h>

yk__code yk__ref_axis(const yk__ref_call *call, int64_t axis, int rank, int *out, yk__error *err) {
    if (axis < -(int64_t)rank || axis >= rank)
        return yk__fail(err, YK__GRAPH, "%s '%s': axis %lld is outside the %d dimensions of its input",
                        yk__op_info_get(call->node->op)->name, call->node->name, (long long)axis, rank);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return YK__OK;
}

int64_t yk__ref_integer(const yk__tensor *tensor, int64_t index) {
    switch (tensor->dtype) {
#define X(ident, type) \
    case YK__DTYPE_##ident: return (int64_t)((const type *)tensor->data)[index];
        YK__REF_INTEGERS(X)
#undef X
    case YK__DTYPE_BOOL: return ((const uint8_t *)tensor->data)[index] != 0;
    default: return 0;
    }
}

double yk__ref_number(const yk__tensor *tensor, int64_t index) {
    switch (tensor->dtype) {
#define X(ident, type) \
    case YK__DTYPE_##ident: return (double)((const type *)tensor->data)[index];
        YK__REF_NUMBERS(X)
#undef X
    case YK__DTYPE_F16: return yk__half_to_float(((const uint16_t *)tensor->data)[index]);
    case YK__DTYPE_BF16: return yk__bf16_to_float(((const uint16_t *)tensor->data)[index]);
    case YK__DTYPE_BOOL: return ((const uint8_t *)tensor->data)[index] != 0;
    default: return 0;
    }
}

yk__code yk__ref_unsupported(const yk__ref_call *call, yk__dtype dtype, yk__error *err) {
    return yk__fail(err, YK__UNSUPPORTED, "%s '%s': elements of type %s are not supported by this operator",
                    yk__op_info_get(call->node->op)->name, call->node->name, yk__dtype_name(dtype));
}

void *yk__ref_take(yk__ref_scratch *scratch, int64_t count, size_t size) {
    const size_t bytes = yk__ref_scratch_add(0, count, size);
    if (bytes > scratch->left) return NULL;
    void *piece = scratch->at;
    scratch->at += bytes;
    scratch->left -= bytes;
    return piece;
}

yk__code yk__ref_no_scratch(const yk__ref_call *call, yk__error *err) {
    return yk__fail(err, YK__INTERNAL, "%s '%s': %zu bytes of scratch are too few", yk__op_info_get(call->node->op)->name,
                    call->node->name, call->scratch_bytes);
}

size_t yk__ref_scratch_add(size_t total, int64_t count, size_t size) {
    size_t bytes;
    if (count < 0 || !yk__mul_size((size_t)count, size, &bytes) || bytes > SIZE_MAX - YK__CACHE_LINE) return SIZE_MAX;
    if (!yk__add_size(total, yk__round_up(bytes, YK__CACHE_LINE), &total)) return SIZE_MAX;
    return total;
}

typedef struct ranges {
    yk__ref_range_fn body;
    void *argument;
    int64_t n, grain;
} ranges;

static void run_range(void *argument, int task, int worker) {
    (void)worker;
    const ranges *r = argument;
    const int64_t begin = task * r->grain;
    r->body(r->argument, begin, r->n - begin < r->grain ? r->n : begin + r->grain);
}

void yk__ref_ranges(const yk__ref_call *call, int64_t n, int64_t grain, yk__ref_range_fn body, void *argument) {
    if (n <= 0) return;
    /* The pool counts tasks in an int. */
    while ((n - 1) / grain + 1 > INT_MAX) grain *= 2;
    ranges r = {body, argument, n, grain};
    const int n_tasks = (int)((n - 1) / grain + 1);
    if (n_tasks == 1)
        body(argument, 0, n);
    else
        yk__pool_for(call->pool, n_tasks, run_range, &r);
}
