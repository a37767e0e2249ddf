/* The letterbox (PARITY 3.1): a picture scaled to fit the network's input, centred, padded; and the way back for boxes and
 * points (PARITY 7). */
#ifndef YK_TASK_LETTERBOX_H
#define YK_TASK_LETTERBOX_H

#include "base/pool.h"
#include "image/resize.h"
#include "image/view.h"

/* Where the picture lies in the network's input. All in pixels. */
typedef struct yk__letterbox {
    int32_t source_width, source_height;
    int32_t width, height; /* of the network's input as it is used: in rect mode the padded size, not the target */
    int32_t scaled_width, scaled_height; /* of the picture inside it */
    int32_t left, top;                   /* of the picture inside it; the padding right and below is what remains */
} yk__letterbox;

/* rect_stride 0: the input is exactly target_width x target_height (PARITY: auto off). Otherwise padding is cut to less than
 * rect_stride on each axis (auto on). ARGUMENT for sizes below 1 or a negative stride. */
yk__code yk__letterbox_fit(int32_t source_width, int32_t source_height, int32_t target_width, int32_t target_height,
                           int32_t rect_stride, yk__letterbox *out, yk__error *err) YK__MUST_USE;

/* Writes the network's input as BGR8 rows of dst_stride bytes: box->width x box->height pixels, `pad` in every channel
 * outside the picture. source must be the BGR8 view that box was fitted for. Scratch and pool as for yk__resize_bilinear
 * (yk__letterbox_scratch_bytes covers every picture of any size for this input). ARGUMENT, MEMORY. */
yk__code yk__letterbox_apply(const yk__letterbox *box, const yk__image_view *source, uint8_t pad, uint8_t *dst,
                             size_t dst_stride, void *scratch, yk__pool *pool, yk__error *err) YK__MUST_USE;
/* The same for a source whose rows come one by one: pads dst and begins *rows, which then takes the source's rows. */
yk__code yk__letterbox_rows(const yk__letterbox *box, uint8_t pad, uint8_t *dst, size_t dst_stride, yk__resize_rows **rows,
                            yk__error *err) YK__MUST_USE;
size_t yk__letterbox_scratch_bytes(int32_t width, int32_t height, const yk__pool *pool);

/* From network pixels back to the picture's: (v - pad) / gain on each axis, in float, then clipped to the picture. */
typedef struct yk__scale_back {
    float gain_x, gain_y;
    float pad_x, pad_y;
    float max_x, max_y; /* the picture's width and height: coordinates end there, inclusive */
} yk__scale_back;

/* From the two sizes alone, as the reference does it (PARITY 7 "Boxes"): a gain of its own for each axis, rounded pads. */
yk__scale_back yk__scale_back_make(int32_t network_width, int32_t network_height, int32_t source_width, int32_t source_height);
/* The rule of the yolov5 7.0.14 package (PARITY 5.1): one gain, pads not rounded. */
yk__scale_back yk__scale_back_make_v5(int32_t network_width, int32_t network_height, int32_t source_width,
                                      int32_t source_height);

/* x1 y1 x2 y2, clipped. */
void yk__scale_back_box(const yk__scale_back *back, float box[4]);
/* x y, clipped: keypoints and polygon vertices. */
void yk__scale_back_point(const yk__scale_back *back, float point[2]);
/* cx cy w h of an oriented box; not clipped, the angle stays. */
void yk__scale_back_obb(const yk__scale_back *back, float xywh[4]);

#endif
