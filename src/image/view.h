/* Pictures in memory: views of somebody's pixels, and pictures that yolk owns.
 *
 * A view describes pixels and owns nothing. Everything inside yolk that looks at pixels takes a view; everything that makes
 * pixels makes a yk__image, which is 8-bit BGR, the channel order of the reference (PARITY 2). */
#ifndef YK_IMAGE_VIEW_H
#define YK_IMAGE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* How a pixel is stored. NV12 (a luma plane, then interleaved chroma at half size) is reserved for device input: functions
 * that read host pixels refuse it by name. */
typedef enum yk__pixel_format {
    YK__PIXEL_BGR8,
    YK__PIXEL_RGB8,
    YK__PIXEL_GRAY8,
    YK__PIXEL_BGRA8,
    YK__PIXEL_RGBA8,
    YK__PIXEL_NV12
} yk__pixel_format;

/* Where the pixels lie. DEVICE is reserved in the same way. */
typedef enum yk__memory_kind { YK__MEMORY_HOST, YK__MEMORY_DEVICE } yk__memory_kind;

/* Pixels of somebody else. Row y of plane p begins at planes[p] + y * stride_bytes[p]; a stride is at least the bytes of a
 * row and never negative. Packed formats use plane 0 only. */
typedef struct yk__image_view {
    yk__pixel_format format;
    yk__memory_kind memory;
    int32_t width, height; /* pixels, at least 1 */
    const uint8_t *planes[3];
    size_t stride_bytes[3];
} yk__image_view;

/* A picture of our own: BGR8 on the host, rows without padding (stride = 3 * width). Zero-initialised is empty. */
typedef struct yk__image {
    uint8_t *pixels;
    int32_t width, height;
    size_t stride_bytes;
    size_t allocated; /* bytes behind pixels */
} yk__image;

/* Interleaved bytes of one pixel: 3, 1 or 4; 0 for formats that are not packed. */
int yk__pixel_bytes(yk__pixel_format format);
/* "BGR8", ...; never NULL. */
const char *yk__pixel_format_name(yk__pixel_format format);

/* ARGUMENT when the view could not be read as packed host pixels: NULL plane, no pixels, short stride, NV12, device memory.
 * Everything below and every other function of this room that takes a view calls this first. */
yk__code yk__image_view_check(const yk__image_view *view, yk__error *err) YK__MUST_USE;

/* An owned picture with undefined pixels; *out must be empty. MEMORY, or ARGUMENT when a side is below 1. */
yk__code yk__image_create(yk__image *out, int32_t width, int32_t height, yk__error *err) YK__MUST_USE;
/* Leaves the picture empty; accepts an empty one. */
void yk__image_free(yk__image *image);
/* The picture as a view, valid as long as the picture is. */
yk__image_view yk__image_as_view(const yk__image *image);

/* Copies any packed host view into a new BGR8 picture: gray is replicated, alpha is dropped without compositing (PARITY 2.1).
 * *out must be empty and is left empty on failure. */
yk__code yk__image_to_bgr(const yk__image_view *view, yk__image *out, yk__error *err) YK__MUST_USE;

/* Turns the picture upright as EXIF orientation 1..8 says (TIFF 6.0, tag 274); any other value leaves it as it is. Quarter
 * turns take a second picture for a moment (MEMORY); the others work in place. */
yk__code yk__image_orient(yk__image *image, int orientation, yk__error *err) YK__MUST_USE;

#endif
