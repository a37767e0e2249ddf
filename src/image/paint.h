/* Translucent masks, discs and lines on pictures: plain arithmetic, no library. What lies outside the picture is not drawn. */
#ifndef YK_IMAGE_PAINT_H
#define YK_IMAGE_PAINT_H

#include "image/view.h"

/* Masks that are laid on a picture together (PARITY 9.3): where n of them lie on a pixel, it becomes
 * pixel / 2^n + (largest of their colours, per channel) / 2, cut to a whole number. */
typedef struct yk__mask_paint {
    int32_t width, height;
    uint8_t *layers; /* per pixel: how many masks, then their largest blue, green, red */
} yk__mask_paint;

/* For pictures of this size. MEMORY. */
yk__code yk__mask_paint_begin(yk__mask_paint *paint, int32_t width, int32_t height, yk__error *err) YK__MUST_USE;
/* A mask given inside a window at (x, y): height rows of width bytes, 0 or 1. rgb as yk__draw_color gives it. */
void yk__mask_paint_add(yk__mask_paint *paint, const uint8_t *bits, int32_t x, int32_t y, int32_t width, int32_t height,
                        const uint8_t rgb[3]);
/* Colours the picture, which must have the size of begin, and frees the layers. */
void yk__mask_paint_end(yk__mask_paint *paint, yk__image *image);

/* Antialiased: a pixel is covered by as much as its centre lies inside the shape's edge, up to one pixel. Not finite or far
 * away: nothing happens. */
void yk__paint_disc(yk__image *image, const float centre[2], float radius, const uint8_t rgb[3]);
/* With round ends. */
void yk__paint_line(yk__image *image, const float from[2], const float to[2], float width, const uint8_t rgb[3]);

#endif
