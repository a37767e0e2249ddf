/* Painting without a library: see paint.h. */
#include "image/paint.h"

#include <math.h>

#include "base/memory.h"

#define MOST_LAYERS 23 /* 255 << 22 still fits into 31 bits; long before, the picture is down to nothing */

yk__code yk__mask_paint_begin(yk__mask_paint *paint, int32_t width, int32_t height, yk__error *err) {
    *paint = (yk__mask_paint){.width = width, .height = height};
    paint->layers = yk__alloc_array((size_t)width * (size_t)height, 4);
    if (paint->layers) return YK__OK;
    return yk__fail(err, YK__MEMORY, "out of memory to lay masks on %d x %d pixels", (int)width, (int)height);
}

static void add_layer(uint8_t *layer, const uint8_t rgb[3]) {
    if (layer[0] < MOST_LAYERS) layer[0]++;
    for (int c = 0; c < 3; c++)
        if (layer[1 + c] < rgb[2 - c]) layer[1 + c] = rgb[2 - c];
}

void yk__mask_paint_add(yk__mask_paint *paint, const uint8_t *bits, int32_t x, int32_t y, int32_t width, int32_t height,
                        const uint8_t rgb[3]) {
    for (int32_t r = 0; r < height; r++) {
        int64_t row = (int64_t)y + r;
        if (row < 0 || row >= paint->height) continue;
        uint8_t *layers = paint->layers + (size_t)row * (size_t)paint->width * 4;
        for (int32_t c = 0; c < width; c++) {
            int64_t column = (int64_t)x + c;
            if (bits[(size_t)r * (size_t)width + (size_t)c] && column >= 0 && column < paint->width)
                add_layer(layers + column * 4, rgb);
        }
    }
}

void yk__mask_paint_end(yk__mask_paint *paint, yk__image *image) {
    for (int32_t y = 0; y < paint->height; y++) {
        const uint8_t *layer = paint->layers + (size_t)y * (size_t)paint->width * 4;
        uint8_t *pixel = image->pixels + (size_t)y * image->stride_bytes;
        for (int32_t x = 0; x < paint->width; x++, layer += 4, pixel += 3) {
            if (!layer[0]) continue;
            for (int c = 0; c < 3; c++)
                pixel[c] = (uint8_t)((pixel[c] + ((uint32_t)layer[1 + c] << (layer[0] - 1))) >> layer[0]);
        }
    }
    yk__free(paint->layers);
    *paint = (yk__mask_paint){0};
}

/* ---- discs and lines ---- */

static void blend(uint8_t *pixel, float cover, const uint8_t rgb[3]) {
    for (int c = 0; c < 3; c++) pixel[c] = (uint8_t)((float)pixel[c] + ((float)rgb[2 - c] - (float)pixel[c]) * cover + 0.5f);
}

/* First and one past the last pixel between two coordinates, inside a side. */
static void span(float low, float high, int32_t side, int32_t *first, int32_t *end) {
    float begin = floorf(low), stop = ceilf(high) + 1;
    *first = begin > 0 ? (begin < (float)side ? (int32_t)begin : side) : 0;
    *end = stop > 0 ? (stop < (float)side ? (int32_t)stop : side) : 0;
}

void yk__paint_line(yk__image *image, const float from[2], const float to[2], float width, const uint8_t rgb[3]) {
    float reach = width / 2 + 0.5f, dx = to[0] - from[0], dy = to[1] - from[1], squared = dx * dx + dy * dy;
    int32_t left, right, top, bottom;
    if (!isfinite(squared) || !isfinite(from[0]) || !isfinite(from[1]) || !isfinite(reach)) return;
    span(fminf(from[0], to[0]) - reach, fmaxf(from[0], to[0]) + reach, image->width, &left, &right);
    span(fminf(from[1], to[1]) - reach, fmaxf(from[1], to[1]) + reach, image->height, &top, &bottom);
    for (int32_t y = top; y < bottom; y++) {
        uint8_t *row = image->pixels + (size_t)y * image->stride_bytes;
        for (int32_t x = left; x < right; x++) {
            float px = (float)x - from[0], py = (float)y - from[1];
            float along = squared > 0 ? (px * dx + py * dy) / squared : 0;
            along = along < 0 ? 0 : along > 1 ? 1 : along;
            float away = hypotf(px - along * dx, py - along * dy), cover = reach - away;
            if (cover > 0) blend(row + (size_t)x * 3, cover < 1 ? cover : 1, rgb);
        }
    }
}

void yk__paint_disc(yk__image *image, const float centre[2], float radius, const uint8_t rgb[3]) {
    yk__paint_line(image, centre, centre, 2 * radius, rgb);
}
