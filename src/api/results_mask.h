/* Masks of results, made when they are asked for; one reader serves all detections of a picture. */
#ifndef YK_API_RESULTS_MASK_H
#define YK_API_RESULTS_MASK_H

#include "api/api.h"
#include "base/text.h"

typedef struct yk__mask_reader {
    const yk__picture_result *picture;
    yk__mask_maker *maker;
    uint8_t *bits; /* of the detection read last: window.height rows of window.width bytes */
    size_t bits_bytes;
    yk__mask_window window;
} yk__mask_reader;

/* Whether this picture has masks: a segment result with detections. */
bool yk__mask_reader_fits(const yk__picture_result *picture);
/* The picture must have masks. Close it also after a failure. */
yk__code yk__mask_reader_open(yk__mask_reader *reader, const yk__picture_result *picture, yk__error *err) YK__MUST_USE;
void yk__mask_reader_close(yk__mask_reader *reader);
/* Fills bits and window for detection i. */
yk__code yk__mask_reader_read(yk__mask_reader *reader, size_t i, yk__error *err) YK__MUST_USE;

/* Of the mask read last: COCO's compressed run lengths, and the outline in pixels of the picture (*points from yk__alloc). */
yk__code yk__mask_reader_runs(const yk__mask_reader *reader, yk__text *counts, yk__error *err) YK__MUST_USE;
yk__code yk__mask_reader_polygon(const yk__mask_reader *reader, float (**points)[2], size_t *n_points,
                                 yk__error *err) YK__MUST_USE;

#endif
