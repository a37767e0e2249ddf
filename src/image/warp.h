/* An oriented rectangle of a picture, turned upright. */
#ifndef YK_IMAGE_WARP_H
#define YK_IMAGE_WARP_H

#include "image/view.h"

/* The box about xywhr[0], xywhr[1] whose first axis lies at xywhr[4] radians, as width x height pixels: rounded (half to even),
 * at least one, at most the picture's diagonal. Its upper left corner becomes pixel 0, 0, the sides are stretched to the whole
 * pixels; bilinear, black outside the picture: the affine map of Ultralytics' crops. ARGUMENT when a number is not finite or
 * a side not above 0; MEMORY. */
yk__code yk__image_crop_oriented(yk__image *out, const yk__image_view *bgr, const float xywhr[5], yk__error *err) YK__MUST_USE;

#endif
