/* TopK: the k largest (smallest) elements along an axis and their indices, best first whatever `sorted` says; equal values by
 * lowest index; a NaN counts as larger than every number. */
#include "backend/ref/ops_ref.h"

typedef struct lane {
    const yk__tensor *in;
    int64_t first, step; /* element of index 0, elements from one index to the next */
    bool largest;
} lane;

/* Order of two elements of a lane: true when index a goes before index b. */
static bool before(const lane *l, int64_t a, int64_t b) {
    const int64_t i = l->first + a * l->step, j = l->first + b * l->step;
    switch (l->in->dtype) {
#define X(ident, type) \
    case YK__DTYPE_##ident: { \
        const type x = ((const type *)l->in->data)[i], y = ((const type *)l->in->data)[j]; \
        const bool x_nan = x != x, y_nan = y != y; \
        const bool greater = x > y || (x_nan && !y_nan), less = x < y || (y_nan && !x_nan); \
        if (greater || less) return greater == l->largest; \
        return a < b; \
    }
        YK__REF_NUMBERS(X)
#undef X
    default: return false;
    }
}

/* heap[0] goes after all others. */
static void sift_down(const lane *l, int64_t *heap, int64_t n, int64_t at) {
    const int64_t moved = heap[at];
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child >= n) break;
        if (child + 1 < n && before(l, heap[child], heap[child + 1])) child++;
        if (!before(l, moved, heap[child])) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

/* The k first indices of the lane's n in order; work is n log k. */
static void select_first(const lane *l, int64_t n, int64_t k, int64_t *heap) {
    for (int64_t i = 0; i < k; i++) heap[i] = i;
    for (int64_t i = k / 2 - 1; i >= 0; i--) sift_down(l, heap, k, i);
    for (int64_t i = k; i < n; i++) {
        if (!before(l, i, heap[0])) continue;
        heap[0] = i;
        sift_down(l, heap, k, 0);
    }
    for (int64_t last = k - 1; last > 0; last--) {
        const int64_t front = heap[0];
        heap[0] = heap[last];
        heap[last] = front;
        sift_down(l, heap, last, 0);
    }
}

size_t yk__ref_top_k_scratch(const yk__ref_call *call, int n_threads) {
    (void)n_threads;
    int axis;
    if (yk__ref_axis(call, yk__node_int(call->node, "axis", -1), call->in[0].shape.rank, &axis, NULL) != YK__OK) return 0;
    return yk__ref_scratch_add(0, call->out[0].shape.dim[axis], sizeof(int64_t));
}

yk__code yk__ref_top_k(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *in = &call->in[0], *values = &call->out[0];
    int64_t *indices = call->n_out > 1 ? call->out[1].data : NULL;
    const int rank = in->shape.rank;
    int axis;
    YK__TRY(yk__ref_axis(call, yk__node_int(call->node, "axis", -1), rank, &axis, err));
    const int64_t n = in->shape.dim[axis], k = values->shape.dim[axis];
    if (k < 0 || k > n)
        return yk__fail(err, YK__GRAPH, "TopK '%s': %lld of %lld elements", call->node->name, (long long)k, (long long)n);
    const int64_t inner = yk__ref_span(&in->shape, axis + 1, rank), outer = yk__ref_span(&in->shape, 0, axis);
    const size_t size = yk__dtype_size(in->dtype);
    yk__ref_scratch scratch = yk__ref_scratch_of(call);
    int64_t *heap = yk__ref_take(&scratch, k, sizeof *heap);
    if (k == 0) return YK__OK;
    if (heap == NULL) return yk__ref_no_scratch(call, err);
    for (int64_t o = 0; o < outer * inner; o++) {
        const lane l = {in, o / inner * n * inner + o % inner, inner, yk__node_int(call->node, "largest", 1) != 0};
        select_first(&l, n, k, heap);
        for (int64_t i = 0; i < k; i++) {
            const int64_t to = (o / inner * k + i) * inner + o % inner;
            if (values->data != NULL)
                memcpy((uint8_t *)values->data + (size_t)to * size,
                       (const uint8_t *)in->data + (size_t)(l.first + heap[i] * l.step) * size, size);
            if (indices != NULL) indices[to] = heap[i];
        }
    }
    return YK__OK;
}
