/* Where a sliding window lies: attributes of convolution and pooling as numbers. */
#include "backend/ref/window_ref.h"

static void read_or(const yk__node *node, const char *name, int n, int64_t otherwise, int64_t *out) {
    int64_t values[2 * YK__REF_WINDOW_DIMS];
    const int got = yk__node_ints(node, name, values, n);
    for (int i = 0; i < n; i++) out[i] = got == n ? values[i] : otherwise;
}

/* SAME_UPPER and SAME_LOWER pad as much as the output's size asks for; the odd one goes to the end or the beginning. */
static void pad_same(yk__ref_window *w, int i, bool upper) {
    const int64_t extent = (w->kernel[i] - 1) * w->dilation[i] + 1;
    const int64_t wanted = (w->out[i] - 1) * w->stride[i] + extent - w->in[i];
    const int64_t total = wanted > 0 ? wanted : 0;
    w->pad_begin[i] = upper ? total / 2 : total - total / 2;
    w->pad_end[i] = total - w->pad_begin[i];
}

yk__code yk__ref_window_of(const yk__ref_call *call, const int64_t *kernel, yk__ref_window *w, yk__error *err) {
    const yk__node *node = call->node;
    const yk__shape *in = &call->in[0].shape, *out = &call->out[0].shape;
    const int n = in->rank - 2, shift = YK__REF_WINDOW_DIMS - n;
    if (n < 1 || n > YK__REF_WINDOW_DIMS)
        return yk__fail(err, YK__UNSUPPORTED, "%s '%s': %d spatial dimensions; 1 to %d are supported",
                        yk__op_info_get(node->op)->name, node->name, n, YK__REF_WINDOW_DIMS);
    int64_t sizes[YK__REF_WINDOW_DIMS], strides[YK__REF_WINDOW_DIMS], dilations[YK__REF_WINDOW_DIMS],
        pads[2 * YK__REF_WINDOW_DIMS];
    read_or(node, "kernel_shape", n, 1, sizes);
    read_or(node, "strides", n, 1, strides);
    read_or(node, "dilations", n, 1, dilations);
    read_or(node, "pads", 2 * n, 0, pads);
    const char *auto_pad = yk__node_string(node, "auto_pad", "NOTSET");
    const bool upper = strcmp(auto_pad, "SAME_UPPER") == 0, lower = strcmp(auto_pad, "SAME_LOWER") == 0;
    const bool explicit_pads = strcmp(auto_pad, "NOTSET") == 0 || auto_pad[0] == '\0';

    w->in_size = w->out_size = 1;
    w->taps = kernel != NULL ? yk__ref_span(&call->in[1].shape, 2, in->rank) : 0;
    for (int d = 0; d < YK__REF_WINDOW_DIMS; d++) {
        const int i = d - shift;
        w->in[d] = i < 0 ? 1 : in->dim[i + 2];
        w->out[d] = i < 0 ? 1 : out->dim[i + 2];
        w->kernel[d] = i < 0 ? 1 : kernel != NULL ? kernel[i] : sizes[i];
        w->stride[d] = i < 0 ? 1 : strides[i];
        w->dilation[d] = i < 0 ? 1 : dilations[i];
        w->pad_begin[d] = i < 0 || !explicit_pads ? 0 : pads[i];
        w->pad_end[d] = i < 0 || !explicit_pads ? 0 : pads[i + n];
        if (i >= 0 && (upper || lower)) pad_same(w, d, upper);
        w->in_size *= w->in[d];
        w->out_size *= w->out[d];
    }
    return YK__OK;
}

/* Kernel positions k >= 0 with start + k * dilation < limit, at most the kernel's size. */
static int64_t positions_below(const yk__ref_window *w, int d, int64_t start, int64_t limit) {
    const int64_t room = limit - start;
    const int64_t n = room <= 0 ? 0 : (room - 1) / w->dilation[d] + 1;
    return n < w->kernel[d] ? n : w->kernel[d];
}

void yk__ref_window_cover(const yk__ref_window *w, const int64_t *position, yk__ref_cover *out) {
    for (int d = 0; d < YK__REF_WINDOW_DIMS; d++) {
        out->start[d] = position[d] * w->stride[d] - w->pad_begin[d];
        out->first[d] = positions_below(w, d, out->start[d], 0);
        out->end[d] = positions_below(w, d, out->start[d], w->in[d]);
        out->counted[d] = positions_below(w, d, out->start[d], w->in[d] + w->pad_end[d]);
    }
}
