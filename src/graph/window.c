/* Sliding windows from attributes. All numbers are bounded by YK__MAX_ELEMENTS before they are used, so that products and
 * sums of two of them cannot overflow. */
#include "graph/window.h"

#include <string.h>

#include "graph/infer.h"

typedef enum auto_pad { PAD_NOTSET, PAD_SAME_UPPER, PAD_SAME_LOWER, PAD_VALID } auto_pad;

static yk__code read_auto_pad(const yk__node *node, auto_pad *mode, yk__error *err) {
    static const char *const names[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"};
    const char *name = yk__node_string(node, "auto_pad", "NOTSET");
    for (int i = 0; i < 4; i++) {
        if (strcmp(name, names[i])) continue;
        *mode = (auto_pad)i;
        return YK__OK;
    }
    return yk__fail(err, YK__GRAPH, "auto_pad is \"%.40s\"; it can be NOTSET, SAME_UPPER, SAME_LOWER or VALID", name);
}

/* A list attribute of exactly n numbers in low .. YK__MAX_ELEMENTS; all `otherwise` when the node has none. */
static yk__code read_list(const yk__node *node, const char *name, int n, int64_t low, int64_t otherwise, int64_t *out,
                          yk__error *err) {
    int given = yk__node_ints(node, name, out, n);
    if (given == 0) {
        for (int i = 0; i < n; i++) out[i] = otherwise;
        return YK__OK;
    }
    if (given != n) return yk__fail(err, YK__GRAPH, "%s has %d numbers; this input needs %d", name, given, n);
    for (int i = 0; i < n; i++)
        if (out[i] < low || out[i] > YK__MAX_ELEMENTS)
            return yk__fail(err, YK__GRAPH, "%s[%d] is %lld; it must be %lld or more, and at most %lld", name, i,
                            (long long)out[i], (long long)low, (long long)YK__MAX_ELEMENTS);
    return YK__OK;
}

static yk__code read_kernel(const yk__node *node, const yk__shape *weight, yk__window *w, yk__error *err) {
    YK__TRY(read_list(node, "kernel_shape", w->n, 1, 0, w->kernel, err));
    for (int i = 0; i < w->n; i++) {
        int64_t real = weight ? weight->dim[i + 2] : w->kernel[i];
        if (real < 1) return yk__fail(err, YK__GRAPH, "the kernel is %lld along spatial axis %d", (long long)real, i);
        if (w->kernel[i] && w->kernel[i] != real)
            return yk__fail(err, YK__GRAPH, "kernel_shape[%d] is %lld and the weight's is %lld", i, (long long)w->kernel[i],
                            (long long)real);
        w->kernel[i] = real;
    }
    return YK__OK;
}

/* Input elements that a window spans. */
static int64_t extent(const yk__window *w, int i) {
    return (w->kernel[i] - 1) * w->dilation[i] + 1;
}

/* total is cut in two; the odd element goes to the end for SAME_UPPER, else to the beginning. */
static void share_padding(yk__window *w, int i, int64_t total, auto_pad mode) {
    if (total < 0) total = 0;
    w->pad_begin[i] = mode == PAD_SAME_UPPER ? total / 2 : total - total / 2;
    w->pad_end[i] = total - w->pad_begin[i];
}

/* Windows of a pool in ceil_mode: rounded up, but none may start beyond the data and the padding in front of it. */
static int64_t ceil_windows(const yk__window *w, int i, int64_t room) {
    int64_t out = (room >= 0 ? (room + w->stride[i] - 1) / w->stride[i] : -(-room / w->stride[i])) + 1;
    if (out > 0 && (out - 1) * w->stride[i] >= w->in[i] + w->pad_begin[i]) out--;
    return out;
}

static yk__code slide(yk__window *w, int i, auto_pad mode, bool ceil_mode, yk__error *err) {
    if (mode == PAD_SAME_UPPER || mode == PAD_SAME_LOWER) {
        w->out[i] = (w->in[i] + w->stride[i] - 1) / w->stride[i];
        share_padding(w, i, (w->out[i] - 1) * w->stride[i] + extent(w, i) - w->in[i], mode);
    } else {
        int64_t room = w->in[i] + w->pad_begin[i] + w->pad_end[i] - extent(w, i);
        if (ceil_mode && mode == PAD_NOTSET)
            w->out[i] = ceil_windows(w, i, room);
        else
            w->out[i] = room < 0 ? 0 : room / w->stride[i] + 1;
    }
    if (w->out[i] >= 1) return YK__OK;
    return yk__fail(err, YK__SHAPE,
                    "along spatial axis %d the window spans %lld elements and the input has %lld with padding %lld and %lld", i,
                    (long long)extent(w, i), (long long)w->in[i], (long long)w->pad_begin[i], (long long)w->pad_end[i]);
}

static yk__code slide_transposed(yk__window *w, int i, auto_pad mode, int64_t wanted, int64_t extra, yk__error *err) {
    int64_t longer = w->stride[i] > w->dilation[i] ? w->stride[i] : w->dilation[i];
    if (extra >= longer)
        return yk__fail(err, YK__GRAPH, "output_padding[%d] is %lld; it must be below the stride or dilation, %lld", i,
                        (long long)extra, (long long)longer);
    if (w->in[i] < 1) return yk__fail(err, YK__SHAPE, "the input is empty along spatial axis %d", i);
    int64_t full = (w->in[i] - 1) * w->stride[i] + extra + extent(w, i);
    if (mode == PAD_SAME_UPPER || mode == PAD_SAME_LOWER) wanted = wanted ? wanted : w->in[i] * w->stride[i];
    if (wanted) share_padding(w, i, full - wanted, mode);
    w->out[i] = wanted ? wanted : full - w->pad_begin[i] - w->pad_end[i];
    if (w->out[i] > YK__MAX_ELEMENTS)
        return yk__fail(err, YK__LIMIT, "the output would have %lld elements along spatial axis %d; at most %lld are allowed",
                        (long long)w->out[i], i, (long long)YK__MAX_ELEMENTS);
    if (w->out[i] >= 1) return YK__OK;
    return yk__fail(err, YK__SHAPE, "along spatial axis %d padding %lld and %lld leaves nothing of %lld elements", i,
                    (long long)w->pad_begin[i], (long long)w->pad_end[i], (long long)full);
}

/* A pool's padding is shorter than its window, else whole windows would lie in it. */
static yk__code check_pool_padding(const yk__window *w, yk__error *err) {
    for (int i = 0; i < w->n; i++)
        if (w->pad_begin[i] >= extent(w, i) || w->pad_end[i] >= extent(w, i))
            return yk__fail(err, YK__GRAPH, "padding %lld and %lld along spatial axis %d must be below the window's %lld",
                            (long long)w->pad_begin[i], (long long)w->pad_end[i], i, (long long)extent(w, i));
    return YK__OK;
}

yk__code yk__window_make(const yk__node *node, const yk__shape *x, const yk__shape *weight, yk__window *w, yk__error *err) {
    bool transposed = node->op == YK__OP_CONV_TRANSPOSE;
    int64_t pads[2 * YK__MAX_SPATIAL], extra[YK__MAX_SPATIAL], wanted[YK__MAX_SPATIAL];
    auto_pad mode = PAD_NOTSET;
    memset(w, 0, sizeof *w);
    if (x->rank < 3 || (weight && weight->rank != x->rank))
        return yk__fail(err, YK__SHAPE, "the input must be N x C x D.. of rank 3 and more, a weight of the same rank");
    w->n = x->rank - 2;
    YK__TRY(read_auto_pad(node, &mode, err));
    YK__TRY(read_kernel(node, weight, w, err));
    YK__TRY(read_list(node, "strides", w->n, 1, 1, w->stride, err));
    YK__TRY(read_list(node, "dilations", w->n, 1, 1, w->dilation, err));
    YK__TRY(read_list(node, "pads", 2 * w->n, 0, 0, pads, err));
    YK__TRY(read_list(node, "output_padding", w->n, 0, 0, extra, err));
    YK__TRY(read_list(node, "output_shape", w->n, 1, 0, wanted, err));
    for (int i = 0; i < w->n; i++) {
        w->in[i] = x->dim[i + 2];
        if (mode == PAD_NOTSET) { /* with auto_pad, or an explicit output size, pads do not count */
            w->pad_begin[i] = pads[i];
            w->pad_end[i] = pads[w->n + i];
        }
        if (w->in[i] > YK__MAX_ELEMENTS || extent(w, i) > YK__MAX_ELEMENTS)
            return yk__fail(err, YK__LIMIT, "along spatial axis %d the input has %lld elements and the window spans %lld", i,
                            (long long)w->in[i], (long long)extent(w, i));
    }
    if (!weight) YK__TRY(check_pool_padding(w, err));
    bool ceil_mode = !weight && yk__node_int(node, "ceil_mode", 0) != 0;
    for (int i = 0; i < w->n; i++)
        YK__TRY(transposed ? slide_transposed(w, i, mode, wanted[i], extra[i], err) : slide(w, i, mode, ceil_mode, err));
    return YK__OK;
}
