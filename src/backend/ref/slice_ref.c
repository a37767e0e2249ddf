/* Slice: data, starts, ends, [axes], [steps]. How many elements each axis keeps is the output's shape; here only the first
 * index and the step matter. */
#include "backend/ref/ops_ref.h"
#include "backend/ref/walk_ref.h"

/* ONNX's rule: a negative start counts from the end; then it is clamped to what a step can leave from. */
static int64_t first_index(int64_t start, int64_t step, int64_t dim) {
    if (start < 0) start = start < -dim ? -1 : start + dim;
    const int64_t low = step < 0 && start < 0 ? -1 : 0, high = step < 0 ? dim - 1 : dim;
    return start < low ? low : start > high ? high : start;
}

yk__code yk__ref_slice(const yk__ref_call *call, yk__error *err) {
    const yk__tensor *in = &call->in[0], *out = &call->out[0];
    const int rank = in->shape.rank;
    int64_t first[YK__MAX_RANK] = {0}, step[YK__MAX_RANK];
    for (int i = 0; i < rank; i++) step[i] = 1;
    const int64_t n = yk__ref_count(&call->in[1].shape);
    for (int k = 3; k < 5; k++)
        if (yk__ref_present(call, k) && yk__ref_count(&call->in[k].shape) != n)
            return yk__fail(err, YK__SHAPE, "Slice '%s': starts, axes and steps differ in length", call->node->name);
    for (int64_t i = 0; i < n; i++) {
        int axis;
        YK__TRY(yk__ref_axis(call, yk__ref_present(call, 3) ? yk__ref_integer(&call->in[3], i) : i, rank, &axis, err));
        step[axis] = yk__ref_present(call, 4) ? yk__ref_integer(&call->in[4], i) : 1;
        if (step[axis] == 0) return yk__fail(err, YK__GRAPH, "Slice '%s': a step is 0", call->node->name);
        first[axis] = first_index(yk__ref_integer(&call->in[1], i), step[axis], in->shape.dim[axis]);
    }

    const size_t size = yk__dtype_size(in->dtype);
    yk__ref_walk walk = yk__ref_walk_of(2);
    int64_t base = 0, in_step = yk__ref_count(&in->shape), out_step = yk__ref_count(&out->shape);
    if (out_step == 0) return YK__OK;
    for (int i = 0; i < rank; i++) {
        const int64_t dim = in->shape.dim[i], kept = out->shape.dim[i];
        /* Bounds that changed between planning and running must not lead outside; the step may be any number. */
        const int64_t room =
            step[i] > 0 ? (dim - 1 - first[i]) / step[i] : first[i] / (step[i] == INT64_MIN ? INT64_MAX : -step[i]);
        if (first[i] < 0 || first[i] >= dim || kept - 1 > room)
            return yk__fail(err, YK__SHAPE, "Slice '%s': the output's size does not follow from its bounds", call->node->name);
        in_step /= dim;
        out_step /= kept;
        base += first[i] * in_step;
        yk__ref_walk_dim(&walk, kept, (const int64_t[]){out_step, kept > 1 ? step[i] * in_step : 0});
    }
    yk__ref_copy(call, walk, size, out->data, (const uint8_t *)in->data + base * (int64_t)size);
    return YK__OK;
}
