/* Greedy NMS and top-k selection. All arithmetic is f32 in the reference's order, because a borderline IoU decides. */
#include "task/nms.h"

#include "base/memory.h"

/* Boxes of different classes are moved this far apart, so that one pass serves all classes. In f32 this costs up to 1/32
 * pixel at class 79, which the reference pays too: PARITY 6.1 step 6. */
#define CLASS_OFFSET 7680.0f

yk__code yk__nms_scratch_create(yk__nms_scratch *scratch, int32_t capacity, yk__error *err) {
    size_t n = capacity > 0 ? (size_t)capacity : 1;
    *scratch = (yk__nms_scratch){.capacity = capacity};
    scratch->order = yk__alloc_array(n, sizeof *scratch->order);
    scratch->merge = yk__alloc_array(n, sizeof *scratch->merge);
    scratch->box = yk__alloc_array(n, 4 * sizeof *scratch->box);
    scratch->area = yk__alloc_array(n, sizeof *scratch->area);
    if (scratch->order && scratch->merge && scratch->box && scratch->area) return YK__OK;
    yk__nms_scratch_free(scratch);
    return yk__fail(err, YK__MEMORY, "out of memory for NMS over %d candidates", (int)capacity);
}

void yk__nms_scratch_free(yk__nms_scratch *scratch) {
    yk__free(scratch->order);
    yk__free(scratch->merge);
    yk__free(scratch->box);
    yk__free(scratch->area);
    *scratch = (yk__nms_scratch){0};
}

/* A merge sort, bottom up. */
void yk__nms_sort(const yk__candidates *candidates, yk__nms_scratch *scratch, int32_t n) {
    const yk__candidate *items = candidates->items;
    int32_t *from = scratch->order, *to = scratch->merge;
    for (int32_t width = 1; width < n; width *= 2) {
        for (int32_t start = 0; start < n; start += 2 * width) {
            int32_t middle = start + width < n ? start + width : n;
            int32_t end = start + 2 * width < n ? start + 2 * width : n;
            int32_t left = start, right = middle;
            for (int32_t i = start; i < end; i++) {
                bool take_left = left < middle && (right >= end || items[from[left]].score >= items[from[right]].score);
                to[i] = take_left ? from[left++] : from[right++];
            }
        }
        int32_t *swap = from;
        from = to;
        to = swap;
    }
    scratch->order = from;
    scratch->merge = to;
}

static void shift_boxes(const yk__candidates *candidates, const yk__nms_options *options, yk__nms_scratch *scratch) {
    for (int32_t i = 0; i < candidates->count; i++) {
        const yk__candidate *item = &candidates->items[i];
        float shift = options->agnostic ? 0.0f : (float)item->class_id * CLASS_OFFSET;
        float *box = scratch->box + 4 * (size_t)i;
        for (int k = 0; k < 4; k++) box[k] = item->box[k] + shift;
        scratch->area[i] = (box[2] - box[0]) * (box[3] - box[1]);
    }
}

static bool overlaps(const yk__nms_scratch *scratch, int32_t i, int32_t j, double threshold) {
    const float *a = scratch->box + 4 * (size_t)i, *b = scratch->box + 4 * (size_t)j;
    float x1 = a[0] > b[0] ? a[0] : b[0], y1 = a[1] > b[1] ? a[1] : b[1];
    float x2 = a[2] < b[2] ? a[2] : b[2], y2 = a[3] < b[3] ? a[3] : b[3];
    float w = x2 - x1 > 0.0f ? x2 - x1 : 0.0f, h = y2 - y1 > 0.0f ? y2 - y1 : 0.0f;
    float inter = w * h;
    float iou = inter / (scratch->area[i] + scratch->area[j] - inter);
    return (double)iou > threshold;
}

int32_t yk__nms(const yk__candidates *candidates, const yk__nms_options *options, yk__nms_scratch *scratch, int32_t *keep) {
    int32_t n = candidates->count, kept = 0;
    for (int32_t i = 0; i < n; i++) scratch->order[i] = i;
    yk__nms_sort(candidates, scratch, n);
    shift_boxes(candidates, options, scratch);
    for (int32_t i = 0; i < n && kept < options->max_det; i++) {
        int32_t candidate = scratch->order[i];
        bool dropped = false;
        for (int32_t k = 0; k < kept && !dropped; k++) dropped = overlaps(scratch, keep[k], candidate, options->iou);
        if (!dropped) keep[kept++] = candidate;
    }
    return kept;
}

/* Marks, in scratch->area, the rows whose anchor is among the k anchors with the best class score. Rows of one anchor are
 * neighbours because candidates come in anchor order. */
static void keep_best_anchors(const yk__candidates *candidates, int32_t k, yk__nms_scratch *scratch) {
    int32_t n = candidates->count, anchors = 0;
    for (int32_t i = 0; i < n; i++) scratch->area[i] = 0.0f;
    for (int32_t i = 0; i < n;) { /* one representative per anchor: its best row */
        int32_t best = i, end = i;
        for (; end < n && candidates->items[end].anchor == candidates->items[i].anchor; end++)
            if (candidates->items[end].score > candidates->items[best].score) best = end;
        scratch->order[anchors++] = best;
        i = end;
    }
    yk__nms_sort(candidates, scratch, anchors);
    for (int32_t a = 0; a < anchors && a < k; a++) {
        int32_t row = scratch->order[a], anchor = candidates->items[row].anchor;
        while (row > 0 && candidates->items[row - 1].anchor == anchor) row--;
        for (; row < n && candidates->items[row].anchor == anchor; row++) scratch->area[row] = 1.0f;
    }
}

int32_t yk__select_end2end(const yk__candidates *candidates, int32_t k, const uint8_t *class_mask, int32_t max_det,
                           yk__nms_scratch *scratch, int32_t *keep) {
    int32_t rows = 0, kept = 0;
    keep_best_anchors(candidates, k, scratch);
    for (int32_t i = 0; i < candidates->count; i++)
        if (scratch->area[i] != 0.0f) scratch->order[rows++] = i;
    yk__nms_sort(candidates, scratch, rows);
    for (int32_t i = 0; i < rows && i < k && kept < max_det; i++) {
        int32_t row = scratch->order[i];
        if (!class_mask || class_mask[candidates->items[row].class_id]) keep[kept++] = row;
    }
    return kept;
}
