/* The 8-bit bilinear resize of the reference, bit for bit (PARITY 3.2): OpenCV's fixed-point one, without antialiasing.
 *
 * Horizontally 11-bit weights give 32-bit sums of which 16 bits are kept; vertically two such rows are blended. A row of
 * the result needs two rows of the source, so a source row that several results share is computed once. */
#ifndef YK_IMAGE_RESIZE_H
#define YK_IMAGE_RESIZE_H

#include "base/pool.h"
#include "image/view.h"

/* Bytes of scratch that a resize to dst_width pixels of n_channels needs with this pool (NULL: one thread). They do not depend
 * on the source, so that a caller can hold them ready. */
size_t yk__resize_scratch_bytes(int32_t dst_width, int32_t dst_height, int n_channels, const yk__pool *pool);

/* Resizes a packed view of 1, 3 or 4 channels, each channel by itself, to dst (dst_height rows of dst_stride bytes, same
 * channels). dst and source must not overlap. Equal sizes copy.
 * scratch: yk__resize_scratch_bytes of memory aligned to 64 bytes, or NULL: allocated here. pool: rows are shared among its
 * threads; NULL runs on the caller. The result does not depend on either, nor on the processor.
 * ARGUMENT for a view that cannot be read or sizes below 1; MEMORY. */
yk__code yk__resize_bilinear(const yk__image_view *source, uint8_t *dst, int32_t dst_width, int32_t dst_height,
                             size_t dst_stride, void *scratch, yk__pool *pool, yk__error *err) YK__MUST_USE;

/* The same resize of BGR rows that come one by one from the top, so that no whole source is needed. Begin, push each of the
 * source's rows once, end; the result is complete with the last row. dst must stay valid until then. */
typedef struct yk__resize_rows yk__resize_rows;
yk__code yk__resize_rows_begin(yk__resize_rows **rows, int32_t source_width, int32_t source_height, uint8_t *dst,
                               int32_t dst_width, int32_t dst_height, size_t dst_stride, yk__error *err) YK__MUST_USE;
void yk__resize_rows_push(yk__resize_rows *rows, const uint8_t *row);
/* NULL inside is fine. */
void yk__resize_rows_end(yk__resize_rows **rows);

#endif
