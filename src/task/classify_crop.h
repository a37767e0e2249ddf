/* What a classifier sees (PARITY 4): the picture resized by Pillow's antialiased bilinear filter, then its centre. */
#ifndef YK_TASK_CLASSIFY_CROP_H
#define YK_TASK_CLASSIFY_CROP_H

#include "image/view.h"

typedef struct yk__classify_crop {
    int32_t source_width, source_height;
    int32_t width, height;               /* of the network's input */
    int32_t scaled_width, scaled_height; /* of the whole picture after resizing, at least the input's */
    int32_t left, top;                   /* of the input inside it */
} yk__classify_crop;

/* A square input takes the picture's short side and crops the long one; any other input takes the whole picture, stretched.
 * ARGUMENT for sizes below 1. */
yk__code yk__classify_crop_fit(int32_t source_width, int32_t source_height, int32_t width, int32_t height,
                               yk__classify_crop *out, yk__error *err) YK__MUST_USE;

/* Writes crop->width x crop->height pixels of 3 bytes, rows of dst_stride bytes, red first when rgb. source must be the BGR8
 * view that crop was fitted for. Only the part that is kept is computed. ARGUMENT, MEMORY. */
yk__code yk__classify_crop_apply(const yk__classify_crop *crop, const yk__image_view *source, bool rgb, uint8_t *dst,
                                 size_t dst_stride, yk__error *err) YK__MUST_USE;

#endif
