/* Boxes with name tags on a picture (PARITY 9.3: colours, line width), antialiased, in any script that the machine has a
 * font for. */
#ifndef YK_IMAGE_DRAW_H
#define YK_IMAGE_DRAW_H

#include "image/view.h"

/* One thing to mark: a closed outline of four corners (x, y in the picture's pixels, in order around it) and the UTF-8 text
 * of its tag (NULL or empty: no tag). Corners may lie outside the picture. */
typedef struct yk__draw_item {
    float corners[4][2];
    int32_t class_id; /* chooses the colour */
    const char *label;
} yk__draw_item;

/* The corners of an upright box. */
static inline void yk__draw_set_box(yk__draw_item *item, const float xyxy[4]) {
    item->corners[0][0] = item->corners[3][0] = xyxy[0];
    item->corners[0][1] = item->corners[1][1] = xyxy[1];
    item->corners[1][0] = item->corners[2][0] = xyxy[2];
    item->corners[2][1] = item->corners[3][1] = xyxy[3];
}

/* Red, green, blue of a class's colour, and of the text on it. Negative classes count as 0. */
void yk__draw_color(int32_t class_id, uint8_t fill[3], uint8_t text[3]);
/* The line width that suits a picture: max(round((height + width + 3) / 2 * 0.003), 2). */
int yk__draw_line_width(int32_t width, int32_t height);

/* Whether this build draws. */
bool yk__draw_available(void);

/* Draws items from the last to the first, so that what comes first (the highest score) lies on top. Tags are kept inside the
 * picture and shortened to its width. line_width 0: the one that suits. Where the machine has no font, tags are left out.
 * ARGUMENT for an empty picture; IMAGE_LIMIT above 32767 pixels a side, cairo's bound; MEMORY; UNSUPPORTED when built without
 * drawing. On failure the picture is as it was. */
yk__code yk__draw_items(yk__image *image, const yk__draw_item *items, size_t n, int line_width, yk__error *err) YK__MUST_USE;

#endif
