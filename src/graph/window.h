/* Sliding windows of convolution and pooling: attributes, weight and input shape brought to plain numbers, so that
 * inference, planners and kernels agree on padding and output size. */
#ifndef YK_GRAPH_WINDOW_H
#define YK_GRAPH_WINDOW_H

#include "graph/graph.h"

#define YK__MAX_SPATIAL (YK__MAX_RANK - 2)

/* One entry per spatial dimension (H and W for pictures). Padding is what is really applied, after auto_pad.
 * With ceil_mode the last window may reach beyond in + pad_end; what lies there is neither data nor padding (it is not
 * counted by count_include_pad). With dilation above 1 a pool's window may step over all of a small input.
 * Transposed: output element o gathers from input i and tap k with o + pad_begin = i * stride + k * dilation; elements of
 * out that no tap reaches hold the bias alone. */
typedef struct yk__window {
    int32_t n;
    int64_t in[YK__MAX_SPATIAL], out[YK__MAX_SPATIAL];
    int64_t kernel[YK__MAX_SPATIAL], stride[YK__MAX_SPATIAL], dilation[YK__MAX_SPATIAL];
    int64_t pad_begin[YK__MAX_SPATIAL], pad_end[YK__MAX_SPATIAL];
} yk__window;

/* Conv: x N x C x D.., weight M x C/group x K... ConvTranspose: weight C x M/group x K... Pools (MaxPool, AveragePool,
 * LpPool): weight NULL. Shapes are fully known. GRAPH for attributes out of range, SHAPE where nothing is left of the
 * output, LIMIT over YK__MAX_ELEMENTS; the message says what was wrong, the caller adds whose it is. */
yk__code yk__window_make(const yk__node *node, const yk__shape *x, const yk__shape *weight, yk__window *window,
                         yk__error *err) YK__MUST_USE;

#endif
