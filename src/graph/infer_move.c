/* Inference of operators that rearrange data: joining, cutting, reshaping, repeating, padding. */
#include <string.h>

#include "graph/infer_rules.h"

static yk__code identity(const yk__rule_call *call) {
    return yk__rule_like_input(call);
}

static yk__code cast(const yk__rule_call *call) {
    const char *to = yk__node_string(call->node, "to", "");
    yk__dtype dtype = yk__dtype_from_name(to);
    if (dtype == YK__DTYPE_NONE) return yk__rule_fail(call, YK__GRAPH, "there is no element type \"%.40s\" to cast to", to);
    return yk__rule_like_input_typed(call, dtype);
}

static yk__code concat(const yk__rule_call *call) {
    yk__shape shape = call->in[0].shape;
    int axis;
    YK__TRY(yk__rule_want_same_type(call));
    YK__TRY(yk__rule_axis(call, yk__node_int(call->node, "axis", 0), shape.rank, &axis));
    for (int i = 1; i < call->node->n_in; i++) {
        const yk__shape *more = &call->in[i].shape;
        if (more->rank != shape.rank) return yk__rule_fail(call, YK__SHAPE, "inputs 0 and %d differ in rank", i);
        for (int d = 0; d < shape.rank; d++)
            if (d != axis && more->dim[d] != shape.dim[d])
                return yk__rule_fail(call, YK__SHAPE, "inputs 0 and %d differ along axis %d (%lld and %lld); joined is axis %d",
                                     i, d, (long long)shape.dim[d], (long long)more->dim[d], axis);
        YK__TRY(yk__rule_add(call, shape.dim[axis], more->dim[axis], &shape.dim[axis]));
    }
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    return YK__OK;
}

static yk__code split_to_sizes(const yk__rule_call *call, int axis) {
    int64_t sizes[YK__MAX_INPUTS_OF_NODE], total = 0;
    yk__shape shape = call->in[0].shape;
    int n;
    YK__TRY(yk__rule_ints(call, 1, sizes, YK__MAX_INPUTS_OF_NODE, &n));
    if (n != call->node->n_out) return yk__rule_fail(call, YK__SHAPE, "%d sizes for %d outputs", n, call->node->n_out);
    for (int k = 0; k < n; k++) {
        if (sizes[k] < 0) return yk__rule_fail(call, YK__SHAPE, "size %d is %lld", k, (long long)sizes[k]);
        YK__TRY(yk__rule_add(call, total, sizes[k], &total));
    }
    if (total != shape.dim[axis])
        return yk__rule_fail(call, YK__SHAPE, "the sizes add up to %lld and axis %d has %lld", (long long)total, axis,
                             (long long)shape.dim[axis]);
    for (int k = 0; k < n; k++) {
        shape.dim[axis] = sizes[k];
        yk__rule_set(call, k, call->in[0].dtype, &shape);
    }
    return YK__OK;
}

static yk__code split_evenly(const yk__rule_call *call, int axis) {
    yk__shape shape = call->in[0].shape;
    int n = call->node->n_out;
    int64_t declared = yk__node_int(call->node, "num_outputs", n);
    int64_t chunk = (shape.dim[axis] + n - 1) / n, last = shape.dim[axis] - chunk * (n - 1);
    if (declared != n) return yk__rule_fail(call, YK__GRAPH, "num_outputs is %lld and the node has %d", (long long)declared, n);
    if (last < 0)
        return yk__rule_fail(call, YK__SHAPE, "axis %d of %lld does not fill %d parts of %lld", axis,
                             (long long)shape.dim[axis], n, (long long)chunk);
    if (yk__rule_dynamic(call)) last = chunk; /* of fewer elements the last part may hold more, at most a full one */
    for (int k = 0; k < n; k++) {
        shape.dim[axis] = k + 1 < n ? chunk : last;
        yk__rule_set(call, k, call->in[0].dtype, &shape);
    }
    return YK__OK;
}

static yk__code split(const yk__rule_call *call) {
    int axis;
    YK__TRY(yk__rule_axis(call, yk__node_int(call->node, "axis", 0), call->in[0].shape.rank, &axis));
    return yk__rule_has(call, 1) ? split_to_sizes(call, axis) : split_evenly(call, axis);
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

/* How many elements start, start+step, .. stay before end, for n elements; ends clamped as ONNX's Slice says. The
 * arithmetic cannot overflow: n is at most YK__MAX_ELEMENTS, so only n + a negative number is taken. */
static int64_t sliced(int64_t n, int64_t start, int64_t end, int64_t step) {
    if (n == 0) return 0;
    if (start < 0) start += n;
    if (end < 0) end += n;
    if (step > 0) {
        start = clamp(start, 0, n);
        end = clamp(end, 0, n);
        return end > start ? (end - start - 1) / step + 1 : 0;
    }
    start = clamp(start, 0, n - 1);
    end = clamp(end, -1, n - 1);
    return start > end ? (start - end - 1) / -(step < -n ? -n : step) + 1 : 0;
}

/* The most that `sliced` can give for up to n elements. It grows with n where both ends count from the same side, or where
 * it runs forward from a fixed start; in all else every step-th element is the bound. Backward from an end-counted start,
 * too few elements clamp the start to the first one, which then is taken: hence at least 1. */
static int64_t sliced_bound(int64_t n, int64_t start, int64_t end, int64_t step) {
    bool grows = (start < 0) == (end < 0) || (step > 0 && start >= 0);
    int64_t most = sliced(n, start, end, step);
    if (n == 0) return 0;
    if (grows) return step < 0 && start < 0 && most < 1 ? 1 : most;
    return (n - 1) / (step > n ? n : step < -n ? n : step < 0 ? -step : step) + 1;
}

static yk__code slice(const yk__rule_call *call) {
    int64_t start[YK__MAX_RANK], end[YK__MAX_RANK], axes[YK__MAX_RANK], step[YK__MAX_RANK];
    int n, n_end, n_axes, n_step, axis[YK__MAX_RANK];
    yk__shape shape = call->in[0].shape;
    YK__TRY(yk__rule_ints(call, 1, start, YK__MAX_RANK, &n));
    YK__TRY(yk__rule_ints(call, 2, end, YK__MAX_RANK, &n_end));
    n_axes = n_step = n;
    for (int i = 0; i < n; i++) {
        axes[i] = i;
        step[i] = 1;
    }
    if (yk__rule_has(call, 3)) YK__TRY(yk__rule_ints(call, 3, axes, YK__MAX_RANK, &n_axes));
    if (yk__rule_has(call, 4)) YK__TRY(yk__rule_ints(call, 4, step, YK__MAX_RANK, &n_step));
    if (n_end != n || n_axes != n || n_step != n || n > shape.rank)
        return yk__rule_fail(call, YK__SHAPE, "%d starts, %d ends, %d axes, %d steps for a rank of %d", n, n_end, n_axes,
                             n_step, shape.rank);
    YK__TRY(yk__rule_axes(call, axes, n, shape.rank, axis));
    for (int i = 0; i < n; i++) {
        int64_t *dim = &shape.dim[axis[i]];
        if (step[i] == 0) return yk__rule_fail(call, YK__SHAPE, "the step along axis %d is 0", axis[i]);
        *dim = yk__rule_dynamic(call) ? sliced_bound(*dim, start[i], end[i], step[i]) : sliced(*dim, start[i], end[i], step[i]);
    }
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    return YK__OK;
}

/* Reshape's target as read: copied dimensions (0) are resolved, `open` is where -1 stood. */
typedef struct target {
    yk__shape shape;
    bool copied[YK__MAX_RANK];
    int open;
} target;

static yk__code read_target(const yk__rule_call *call, target *t) {
    const yk__shape *in = &call->in[0].shape;
    int64_t dims[YK__MAX_RANK];
    bool allow_zero = yk__node_int(call->node, "allowzero", 0) != 0;
    *t = (target){.open = -1};
    YK__TRY(yk__rule_ints(call, 1, dims, YK__MAX_RANK, &t->shape.rank));
    for (int i = 0; i < t->shape.rank; i++) {
        t->shape.dim[i] = dims[i];
        if (dims[i] == 0 && !allow_zero) {
            if (i >= in->rank) return yk__rule_fail(call, YK__SHAPE, "target dimension %d copies one the input lacks", i);
            t->copied[i] = true;
            t->shape.dim[i] = in->dim[i];
        } else if (dims[i] == -1) {
            if (t->open >= 0) return yk__rule_fail(call, YK__SHAPE, "the target has more than one -1");
            t->open = i;
        } else if (dims[i] < 0 || dims[i] > YK__MAX_ELEMENTS) {
            return yk__rule_fail(call, YK__SHAPE, "target dimension %d is %lld", i, (long long)dims[i]);
        }
    }
    return YK__OK;
}

static yk__code reshape(const yk__rule_call *call) {
    const yk__shape *in = &call->in[0].shape;
    int64_t have = 1, want = 1; /* elements but for the copied dimensions, which stand on both sides */
    char text[128];
    target t;
    YK__TRY(read_target(call, &t));
    for (int i = 0; i < in->rank; i++)
        if (i >= t.shape.rank || !t.copied[i]) YK__TRY(yk__rule_mul(call, have, in->dim[i], &have));
    for (int i = 0; i < t.shape.rank; i++)
        if (!t.copied[i] && i != t.open) YK__TRY(yk__rule_mul(call, want, t.shape.dim[i], &want));
    bool dynamic = yk__rule_dynamic(call), empty = false;
    for (int i = 0; i < t.shape.rank; i++) empty |= t.copied[i] && t.shape.dim[i] == 0;
    bool fits = t.open >= 0 ? want > 0 && (dynamic || have % want == 0) : have == want || empty || (dynamic && have > want);
    if (!fits)
        return yk__rule_fail(call, YK__SHAPE, "the input's elements do not fill the target %s", yk__shape_text(&t.shape, text));
    if (t.open >= 0) t.shape.dim[t.open] = have / want;
    yk__rule_set(call, 0, call->in[0].dtype, &t.shape);
    return YK__OK;
}

static yk__code flatten(const yk__rule_call *call) {
    const yk__shape *in = &call->in[0].shape;
    int64_t axis = yk__node_int(call->node, "axis", 1);
    yk__shape shape = {.rank = 2, .dim = {1, 1}};
    if (axis < -in->rank || axis > in->rank)
        return yk__rule_fail(call, YK__SHAPE, "axis %lld is outside %d..%d", (long long)axis, -in->rank, in->rank);
    if (axis < 0) axis += in->rank;
    for (int i = 0; i < in->rank; i++) YK__TRY(yk__rule_mul(call, shape.dim[i >= axis], in->dim[i], &shape.dim[i >= axis]));
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    return YK__OK;
}

static yk__code transpose(const yk__rule_call *call) {
    const yk__shape *in = &call->in[0].shape;
    int64_t perm[YK__MAX_RANK];
    int from[YK__MAX_RANK], n = yk__node_ints(call->node, "perm", perm, YK__MAX_RANK);
    yk__shape shape = {.rank = in->rank};
    if (n == 0)
        for (; n < in->rank; n++) perm[n] = in->rank - 1 - n;
    if (n != in->rank) return yk__rule_fail(call, YK__SHAPE, "perm has %d numbers for a rank of %d", n, in->rank);
    for (int i = 0; i < n; i++)
        if (perm[i] < 0) return yk__rule_fail(call, YK__SHAPE, "perm[%d] is %lld", i, (long long)perm[i]);
    YK__TRY(yk__rule_axes(call, perm, n, in->rank, from));
    for (int i = 0; i < n; i++) shape.dim[i] = in->dim[from[i]];
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    return YK__OK;
}

static yk__code squeeze(const yk__rule_call *call) {
    const yk__shape *in = &call->in[0].shape;
    int64_t axes[YK__MAX_RANK];
    int axis[YK__MAX_RANK], n = 0;
    bool gone[YK__MAX_RANK] = {false};
    yk__shape shape = {0};
    if (yk__rule_has(call, 1)) {
        YK__TRY(yk__rule_ints(call, 1, axes, YK__MAX_RANK, &n));
        YK__TRY(yk__rule_axes(call, axes, n, in->rank, axis));
        for (int i = 0; i < n; i++) {
            if (in->dim[axis[i]] != 1)
                return yk__rule_fail(call, YK__SHAPE, "axis %d is %lld, not 1", axis[i], (long long)in->dim[axis[i]]);
            gone[axis[i]] = true;
        }
    } else {
        if (yk__rule_dynamic(call)) return yk__rule_fail(call, YK__SHAPE, "which dimensions are 1 depends on the data");
        for (int i = 0; i < in->rank; i++) gone[i] = in->dim[i] == 1;
    }
    for (int i = 0; i < in->rank; i++)
        if (!gone[i]) shape.dim[shape.rank++] = in->dim[i];
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    return YK__OK;
}

static yk__code unsqueeze(const yk__rule_call *call) {
    const yk__shape *in = &call->in[0].shape;
    int64_t axes[YK__MAX_RANK];
    int axis[YK__MAX_RANK], n;
    bool added[YK__MAX_RANK] = {false};
    YK__TRY(yk__rule_ints(call, 1, axes, YK__MAX_RANK, &n));
    if (in->rank + n > YK__MAX_RANK)
        return yk__rule_fail(call, YK__LIMIT, "the output's rank would be %d; at most %d is allowed", in->rank + n,
                             YK__MAX_RANK);
    yk__shape shape = {.rank = in->rank + n};
    YK__TRY(yk__rule_axes(call, axes, n, shape.rank, axis));
    for (int i = 0; i < n; i++) added[axis[i]] = true;
    for (int i = 0, k = 0; i < shape.rank; i++) shape.dim[i] = added[i] ? 1 : in->dim[k++];
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    return YK__OK;
}

static yk__code expand(const yk__rule_call *call) {
    yk__shape wanted = {0}, shape;
    char text[128];
    YK__TRY(yk__rule_ints(call, 1, wanted.dim, YK__MAX_RANK, &wanted.rank));
    for (int i = 0; i < wanted.rank; i++)
        if (wanted.dim[i] < 0 || wanted.dim[i] > YK__MAX_ELEMENTS)
            return yk__rule_fail(call, YK__SHAPE, "dimension %d of the wanted shape is %lld", i, (long long)wanted.dim[i]);
    if (!yk__shape_broadcast(&call->in[0].shape, &wanted, &shape))
        return yk__rule_fail(call, YK__SHAPE, "the input does not broadcast with %s", yk__shape_text(&wanted, text));
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    return YK__OK;
}

static yk__code tile(const yk__rule_call *call) {
    yk__shape shape = call->in[0].shape;
    int64_t repeats[YK__MAX_RANK];
    int n;
    YK__TRY(yk__rule_ints(call, 1, repeats, YK__MAX_RANK, &n));
    if (n != shape.rank) return yk__rule_fail(call, YK__SHAPE, "%d repeats for a rank of %d", n, shape.rank);
    for (int i = 0; i < n; i++) {
        if (repeats[i] < 0) return yk__rule_fail(call, YK__SHAPE, "repeat %d is %lld", i, (long long)repeats[i]);
        YK__TRY(yk__rule_mul(call, shape.dim[i], repeats[i], &shape.dim[i]));
    }
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    return YK__OK;
}

/* One axis of Pad. A padding below 0 takes elements away first; what is left is then padded. */
static yk__code pad_axis(const yk__rule_call *call, int axis, int64_t begin, int64_t end, const char *mode, int64_t *dim) {
    int64_t most = begin > end ? begin : end;
    if (begin < -YK__MAX_ELEMENTS || end < -YK__MAX_ELEMENTS || most > YK__MAX_ELEMENTS)
        return yk__rule_fail(call, YK__LIMIT, "padding %lld and %lld on axis %d is over %lld", (long long)begin, (long long)end,
                             axis, (long long)YK__MAX_ELEMENTS);
    int64_t left = *dim + (begin < 0 ? begin : 0) + (end < 0 ? end : 0);
    if (left < 0)
        return yk__rule_fail(call, YK__SHAPE, "padding %lld and %lld takes more than the %lld of axis %d", (long long)begin,
                             (long long)end, (long long)*dim, axis);
    if (most > 0 && left == 0 && strcmp(mode, "constant") != 0)
        return yk__rule_fail(call, YK__SHAPE, "nothing is left of axis %d to pad with", axis);
    if (most > 0 && most >= left && !strcmp(mode, "reflect"))
        return yk__rule_fail(call, YK__SHAPE, "axis %d has %lld elements: too few to reflect %lld", axis, (long long)left,
                             (long long)most);
    *dim = left + (begin > 0 ? begin : 0) + (end > 0 ? end : 0);
    return YK__OK;
}

static yk__code pad(const yk__rule_call *call) {
    static const char *const modes[] = {"constant", "reflect", "edge", "wrap"};
    const char *mode = yk__node_string(call->node, "mode", "constant");
    int64_t pads[2 * YK__MAX_RANK], axes[YK__MAX_RANK];
    yk__shape shape = call->in[0].shape;
    int n_pads, n = shape.rank, axis[YK__MAX_RANK];
    bool known_mode = false;
    for (int i = 0; i < 4; i++) known_mode |= !strcmp(mode, modes[i]);
    if (!known_mode)
        return yk__rule_fail(call, YK__UNSUPPORTED, "mode is \"%.40s\"; yolk knows constant reflect edge wrap", mode);
    YK__TRY(yk__rule_ints(call, 1, pads, 2 * YK__MAX_RANK, &n_pads));
    if (yk__rule_has(call, 2)) YK__TRY(yk__rule_want_type(call, 2, call->in[0].dtype));
    for (int i = 0; i < n; i++) axes[i] = i;
    if (yk__rule_has(call, 3)) YK__TRY(yk__rule_ints(call, 3, axes, YK__MAX_RANK, &n));
    if (n_pads != 2 * n) return yk__rule_fail(call, YK__SHAPE, "%d paddings for %d axes", n_pads, n);
    YK__TRY(yk__rule_axes(call, axes, n, shape.rank, axis));
    for (int i = 0; i < n; i++) YK__TRY(pad_axis(call, axis[i], pads[i], pads[n + i], mode, &shape.dim[axis[i]]));
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    return YK__OK;
}

static yk__code read_blocksize(const yk__rule_call *call, int64_t *size) {
    const char *mode = yk__node_string(call->node, "mode", "DCR");
    if (strcmp(mode, "DCR") != 0 && strcmp(mode, "CRD") != 0)
        return yk__rule_fail(call, YK__GRAPH, "mode is \"%.40s\"; it can be DCR or CRD", mode);
    *size = yk__node_int(call->node, "blocksize", 0);
    YK__TRY(yk__rule_want_rank(call, 0, 4, 4));
    if (*size >= 1 && *size <= 32768) return YK__OK; /* its square stays within YK__MAX_ELEMENTS */
    return yk__rule_fail(call, YK__GRAPH, "blocksize is %lld, outside 1..32768", (long long)*size);
}

static yk__code depth_to_space(const yk__rule_call *call) {
    yk__shape shape = call->in[0].shape;
    int64_t size;
    YK__TRY(read_blocksize(call, &size));
    if (shape.dim[1] % (size * size))
        return yk__rule_fail(call, YK__SHAPE, "%lld channels do not divide by the square of %lld", (long long)shape.dim[1],
                             (long long)size);
    shape.dim[1] /= size * size;
    YK__TRY(yk__rule_mul(call, shape.dim[2], size, &shape.dim[2]));
    YK__TRY(yk__rule_mul(call, shape.dim[3], size, &shape.dim[3]));
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    return YK__OK;
}

static yk__code space_to_depth(const yk__rule_call *call) {
    yk__shape shape = call->in[0].shape;
    int64_t size;
    YK__TRY(read_blocksize(call, &size));
    if (shape.dim[2] % size || shape.dim[3] % size)
        return yk__rule_fail(call, YK__SHAPE, "height and width do not divide by %lld", (long long)size);
    YK__TRY(yk__rule_mul(call, shape.dim[1], size * size, &shape.dim[1]));
    shape.dim[2] /= size;
    shape.dim[3] /= size;
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    return YK__OK;
}

yk__rule yk__rules_move(yk__op op) {
    switch (op) {
    case YK__OP_IDENTITY: return identity;
    case YK__OP_CAST: return cast;
    case YK__OP_CONCAT: return concat;
    case YK__OP_SPLIT: return split;
    case YK__OP_SLICE: return slice;
    case YK__OP_RESHAPE: return reshape;
    case YK__OP_FLATTEN: return flatten;
    case YK__OP_TRANSPOSE: return transpose;
    case YK__OP_SQUEEZE: return squeeze;
    case YK__OP_UNSQUEEZE: return unsqueeze;
    case YK__OP_EXPAND: return expand;
    case YK__OP_TILE: return tile;
    case YK__OP_PAD: return pad;
    case YK__OP_DEPTH_TO_SPACE: return depth_to_space;
    case YK__OP_SPACE_TO_DEPTH: return space_to_depth;
    default: return NULL;
    }
}
