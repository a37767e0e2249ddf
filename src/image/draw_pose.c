/* The skeleton is the one that the COCO keypoint annotations themselves carry (category "person", 17 points). */
#include "image/draw_pose.h"

#include "image/draw.h"
#include "image/paint.h"

#define COCO_POINTS   17
#define LEAST_VISIBLE 0.25f

/* Parts of a person, each in a colour of its own out of the palette. */
enum { HEAD = 11, ARM = 10, BODY = 5, LEG = 18 };

static const struct {
    uint8_t a, b, part; /* points, counted from 0 */
} bones[] = {{15, 13, LEG}, {13, 11, LEG}, {16, 14, LEG}, {14, 12, LEG}, {11, 12, BODY}, {5, 11, BODY}, {6, 12, BODY},
             {5, 6, BODY},  {5, 7, ARM},   {6, 8, ARM},   {7, 9, ARM},   {8, 10, ARM},   {1, 2, HEAD},  {0, 1, HEAD},
             {0, 2, HEAD},  {1, 3, HEAD},  {2, 4, HEAD},  {3, 5, HEAD},  {4, 6, HEAD}};
static const uint8_t part_of_point[COCO_POINTS] = {HEAD, HEAD, HEAD, HEAD, HEAD, ARM, ARM, ARM, ARM,
                                                   ARM,  ARM,  LEG,  LEG,  LEG,  LEG, LEG, LEG};

static bool visible(const float *point, int32_t n_numbers) {
    return n_numbers > 2 ? point[2] >= LEAST_VISIBLE : point[0] != 0 || point[1] != 0;
}

void yk__draw_pose(yk__image *image, const float *points, int32_t n_points, int32_t n_numbers, int line_width) {
    float width = (float)(line_width > 0 ? line_width : yk__draw_line_width(image->width, image->height));
    bool person = n_points == COCO_POINTS;
    uint8_t rgb[3], text[3];
    for (size_t i = 0; person && i < sizeof bones / sizeof *bones; i++) {
        const float *a = points + (size_t)bones[i].a * (size_t)n_numbers, *b = points + (size_t)bones[i].b * (size_t)n_numbers;
        if (!visible(a, n_numbers) || !visible(b, n_numbers)) continue;
        yk__draw_color(bones[i].part, rgb, text);
        yk__paint_line(image, a, b, width, rgb);
    }
    for (int32_t k = 0; k < n_points; k++) {
        const float *point = points + (size_t)k * (size_t)n_numbers;
        if (!visible(point, n_numbers)) continue;
        yk__draw_color(person ? part_of_point[k] : k, rgb, text);
        yk__paint_disc(image, point, width + 1, rgb);
    }
}
