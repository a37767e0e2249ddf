/* Where a sliding window lies: kernel, stride, dilation and padding of convolution and pooling, up to three dimensions. */
#ifndef YK_BACKEND_REF_WINDOW_REF_H
#define YK_BACKEND_REF_WINDOW_REF_H

#include "backend/ref/call_ref.h"

#define YK__REF_WINDOW_DIMS 3

/* Spatial dimensions aligned to the right; those that the tensor lacks have size 1, kernel 1, stride 1. */
typedef struct yk__ref_window {
    int64_t in[YK__REF_WINDOW_DIMS], out[YK__REF_WINDOW_DIMS];
    int64_t kernel[YK__REF_WINDOW_DIMS], stride[YK__REF_WINDOW_DIMS], dilation[YK__REF_WINDOW_DIMS];
    int64_t pad_begin[YK__REF_WINDOW_DIMS], pad_end[YK__REF_WINDOW_DIMS];
    int64_t in_size, out_size; /* products of in and out */
    int64_t taps;              /* of the kernel, where it comes from weights; else 0 */
} yk__ref_window;

/* From the node's attributes and the shapes N x C x spatial of input and output 0. kernel: the spatial sizes of the weights,
 * or NULL to take kernel_shape. auto_pad is resolved by the output's size. UNSUPPORTED beyond three spatial dimensions. */
yk__code yk__ref_window_of(const yk__ref_call *call, const int64_t *kernel, yk__ref_window *out, yk__error *err) YK__MUST_USE;

/* Spatial position of output element `index` of a plane. */
static inline void yk__ref_window_position(const yk__ref_window *w, int64_t index, int64_t *out) {
    out[0] = index / (w->out[2] * w->out[1]);
    out[1] = index / w->out[2] % w->out[1];
    out[2] = index % w->out[2];
}

/* What one window of a pool covers, per dimension: kernel positions first .. end-1 lie inside the input; position k is input
 * element start + k * dilation; `counted` positions lie inside the input or its padding. */
typedef struct yk__ref_cover {
    int64_t start[YK__REF_WINDOW_DIMS], first[YK__REF_WINDOW_DIMS], end[YK__REF_WINDOW_DIMS], counted[YK__REF_WINDOW_DIMS];
} yk__ref_cover;

void yk__ref_window_cover(const yk__ref_window *w, const int64_t *position, yk__ref_cover *out);

#endif
