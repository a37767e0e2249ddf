/* Which differences between two lists of detections a rounding at the NMS threshold explains. */
#include "model/borderline.h"

#include <math.h>
#include <stdlib.h>

/* Box edges of two engines of good repute differ by up to 1.7e-3 px (CPU-NOTES section 2): so much may an edge move here. */
#define EDGE_ERROR 1.7e-3

static double side(const double *box, int axis) {
    return fmax(box[axis + 2] - box[axis], 0);
}

static double iou(const double *a, const double *b) {
    double w = fmin(a[2], b[2]) - fmax(a[0], b[0]), h = fmin(a[3], b[3]) - fmax(a[1], b[1]);
    if (w <= 0 || h <= 0) return 0;
    return w * h / (side(a, 0) * side(a, 1) + side(b, 0) * side(b, 1) - w * h);
}

/* How far the IoU moves when each edge does: intersection and union change by at most two edges' worth on each axis. */
static double slack(const double *a, const double *b) {
    double w = fmin(side(a, 0), side(b, 0)), h = fmin(side(a, 1), side(b, 1));
    return w > 0 && h > 0 ? 2 * EDGE_ERROR * (1 / w + 1 / h) : 1;
}

static int by_confidence(const void *a, const void *b) {
    double x = ((const borderline_row *)a)->confidence, y = ((const borderline_row *)b)->confidence;
    return (x < y) - (x > y);
}

static bool explained(const borderline_row *better, const borderline_row *row, double threshold, bool agnostic) {
    if (better->class_id != row->class_id && !agnostic) return false;
    double overlap = iou(better->box, row->box), room = slack(better->box, row->box);
    return fabs(overlap - threshold) <= room || (better->borderline && overlap > threshold - room);
}

void borderline_find(borderline_row *rows, size_t n, double threshold, bool agnostic) {
    qsort(rows, n, sizeof *rows, by_confidence);
    for (size_t i = 0; i < n; i++)
        for (size_t better = 0; rows[i].unmatched && !rows[i].borderline && better < i; better++)
            rows[i].borderline = explained(&rows[better], &rows[i], threshold, agnostic);
}
