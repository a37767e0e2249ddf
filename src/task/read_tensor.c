/* Reading raw outputs. A row is kept when its score is greater than conf in f32, strictly (PARITY 6.1 steps 1 to 4). */
#include "task/read_tensor.h"

#include <math.h>

static float at(const yk__raw_rows *rows, int32_t anchor, int32_t channel) {
    return rows->anchor_major ? rows->data[(int64_t)anchor * rows->n_channels + channel]
                              : rows->data[(int64_t)channel * rows->n_anchors + anchor];
}

/* Makes room for one row when the buffer is full by giving up the row with the lowest score (the last of equals), if that is
 * below `score`. Returns the slot, or -1. Order is restored by closing the gap, so rows stay in anchor order. */
static int32_t take_slot(yk__candidates *out, float score) {
    out->found++;
    if (out->count < out->capacity) return out->count++;
    int32_t lowest = 0;
    for (int32_t i = 1; i < out->count; i++)
        if (out->items[i].score <= out->items[lowest].score) lowest = i;
    if (out->count == 0 || out->items[lowest].score >= score) return -1;
    int32_t freed = out->items[lowest].extra;
    for (int32_t i = lowest; i + 1 < out->count; i++) out->items[i] = out->items[i + 1];
    out->items[out->count - 1].extra = freed;
    return out->count - 1;
}

static void add(const yk__raw_rows *rows, int32_t anchor, int32_t class_id, float score, const float box[4], int32_t extra_at,
                yk__candidates *out) {
    bool full = out->count == out->capacity;
    int32_t slot = take_slot(out, score);
    if (slot < 0) return;
    yk__candidate *item = &out->items[slot];
    int32_t extra = full ? item->extra : slot; /* a reused row keeps the extra row that was freed */
    *item = (yk__candidate){{box[0], box[1], box[2], box[3]}, score, class_id, anchor, extra};
    for (int32_t e = 0; e < out->n_extra; e++) out->extra[(int64_t)extra * out->n_extra + e] = at(rows, anchor, extra_at + e);
}

static bool allowed(const yk__head_params *params, int32_t class_id) {
    return !params->class_mask || params->class_mask[class_id];
}

static void corners(float box[4], float cx, float cy, float w, float h) {
    float half_w = w / 2, half_h = h / 2;
    box[0] = cx - half_w;
    box[1] = cy - half_h;
    box[2] = cx + half_w;
    box[3] = cy + half_h;
}

/* Adds the anchor's rows: the first best class, or with multi_label every class above conf. `factor` is 1 or objectness. */
static void add_classes(const yk__raw_rows *rows, int32_t anchor, int32_t class_at, int32_t n_classes, float factor,
                        const float box[4], const yk__head_params *params, yk__candidates *out) {
    int32_t extra_at = class_at + n_classes, best = 0;
    float best_score = -INFINITY;
    for (int32_t c = 0; c < n_classes; c++) {
        float score = at(rows, anchor, class_at + c) * factor;
        if (params->multi_label && score > params->conf && allowed(params, c)) add(rows, anchor, c, score, box, extra_at, out);
        if (score > best_score) {
            best_score = score;
            best = c;
        }
    }
    if (!params->multi_label && best_score > params->conf && allowed(params, best))
        add(rows, anchor, best, best_score, box, extra_at, out);
}

void yk__read_v8(const yk__raw_rows *rows, int32_t n_classes, bool boxes_are_cxcywh, const yk__head_params *params,
                 yk__candidates *out) {
    out->count = 0;
    out->found = 0;
    for (int32_t a = 0; a < rows->n_anchors; a++) {
        float box[4] = {at(rows, a, 0), at(rows, a, 1), at(rows, a, 2), at(rows, a, 3)};
        if (boxes_are_cxcywh) corners(box, box[0], box[1], box[2], box[3]);
        add_classes(rows, a, 4, n_classes, 1.0f, box, params, out);
    }
}

void yk__read_rows(const yk__raw_rows *rows, int32_t n_classes, const yk__head_params *params, yk__candidates *out) {
    out->count = 0;
    out->found = 0;
    for (int32_t a = 0; a < rows->n_anchors; a++) {
        float box[4] = {at(rows, a, 0), at(rows, a, 1), at(rows, a, 2), at(rows, a, 3)};
        float score = at(rows, a, 4), class_value = at(rows, a, 5);
        if (!(score > params->conf) || !(class_value >= 0.0f && class_value < (float)n_classes)) continue;
        int32_t class_id = (int32_t)class_value;
        if (allowed(params, class_id)) add(rows, a, class_id, score, box, 6, out);
    }
}

void yk__read_v5(const yk__raw_rows *rows, int32_t n_classes, const yk__head_params *params, yk__candidates *out) {
    out->count = 0;
    out->found = 0;
    for (int32_t a = 0; a < rows->n_anchors; a++) {
        float objectness = at(rows, a, 4), box[4];
        if (!(objectness > params->conf)) continue;
        corners(box, at(rows, a, 0), at(rows, a, 1), at(rows, a, 2), at(rows, a, 3));
        add_classes(rows, a, 5, n_classes, objectness, box, params, out);
    }
}

yk__code yk__read_yolox(const yk__raw_rows *rows, int32_t n_classes, int32_t height, int32_t width,
                        const yk__head_params *params, yk__candidates *out, yk__error *err) {
    static const int32_t strides[] = {8, 16, 32};
    int64_t cells = 0;
    for (int i = 0; i < 3; i++) cells += (int64_t)(height / strides[i]) * (width / strides[i]);
    if (cells != rows->n_anchors)
        return yk__fail(err, YK__SHAPE, "YOLOX output has %d anchors, but levels 8, 16 and 32 of a %dx%d input have %lld cells",
                        (int)rows->n_anchors, (int)width, (int)height, (long long)cells);
    out->count = 0;
    out->found = 0;
    int32_t a = 0;
    for (int i = 0; i < 3; i++) {
        float stride = (float)strides[i];
        for (int32_t y = 0; y < height / strides[i]; y++)
            for (int32_t x = 0; x < width / strides[i]; x++, a++) {
                float objectness = at(rows, a, 4), box[4];
                if (!(objectness > params->conf)) continue;
                corners(box, (at(rows, a, 0) + (float)x) * stride, (at(rows, a, 1) + (float)y) * stride,
                        expf(at(rows, a, 2)) * stride, expf(at(rows, a, 3)) * stride);
                add_classes(rows, a, 5, n_classes, objectness, box, params, out);
            }
    }
    return YK__OK;
}
