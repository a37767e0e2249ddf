/* An oriented rectangle of a picture, turned upright. */
#ifndef YK_IMAGE_WARP_H
#define YK_IMAGE_WARP_H

#include "image/view.h"

/* width x height pixels (cut to whole ones, at most the picture's diagonal) about the centre xywhr[0], xywhr[1], whose first
 * axis lies at xywhr[4] radians; bilinear, black outside the picture. ARGUMENT when a number is not finite or a side is below
 * one pixel; MEMORY. */
yk__code yk__image_crop_oriented(yk__image *out, const yk__image_view *bgr, const float xywhr[5], yk__error *err) YK__MUST_USE;

#endif
