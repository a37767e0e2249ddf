/* Pixels to picture files in memory: crops and annotated pictures. */
#ifndef YK_IMAGE_ENCODE_H
#define YK_IMAGE_ENCODE_H

#include "image/view.h"

/* Both take any packed host view (alpha is dropped) and give *bytes from yk__alloc, which the caller frees with yk__free; on
 * failure *bytes and *size are untouched. ARGUMENT for a view that cannot be read, or a side or quality out of range; MEMORY.
 */

/* Baseline JPEG, at most 65500 pixels a side. quality 1..100; full_chroma: 4:4:4, otherwise 4:2:0. */
yk__code yk__encode_jpeg(const yk__image_view *view, int quality, bool full_chroma, uint8_t **bytes, size_t *size,
                         yk__error *err) YK__MUST_USE;
/* PNG of 8 bits: gray for a GRAY8 view, colour otherwise. UNSUPPORTED when built without PNG support. */
yk__code yk__encode_png(const yk__image_view *view, uint8_t **bytes, size_t *size, yk__error *err) YK__MUST_USE;

#endif
