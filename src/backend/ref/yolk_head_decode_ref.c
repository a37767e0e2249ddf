/* YolkHead: what the node says, and one anchor's numbers from the raw branch outputs. All in f32, in the order in which the
 * exports compute them: DFL softmax, its expectation, distances to a box in grid units, then times the stride. */
#include <math.h>

#include "backend/ref/act_ref.h"
#include "backend/ref/yolk_head_ref.h"

static yk__code read_levels(const yk__ref_call *call, yk__ref_head *head, yk__error *err) {
    const yk__attr *strides = yk__node_attr(call->node, "strides");
    const int n = head->n_levels;
    if (strides == NULL || strides->kind != YK__ATTR_FLOATS || strides->n != n)
        return yk__fail(err, YK__GRAPH, "YolkHead '%s': strides and levels do not fit together", call->node->name);
    head->batch = call->in[0].shape.dim[0];
    for (int i = 0; i < n; i++) {
        const yk__shape *box = &call->in[i].shape;
        yk__ref_level *level = &head->levels[i];
        *level = (yk__ref_level){.width = box->dim[3],
                                 .cells = box->dim[2] * box->dim[3],
                                 .first_anchor = head->anchors,
                                 .stride = (float)strides->floats[i],
                                 .box = call->in[i].data,
                                 .classes = call->in[n + i].data};
        if (head->n_extra > 0) level->extra = call->in[2 * n + i].data;
        head->anchors += level->cells;
    }
    if (head->anchors > INT32_MAX)
        return yk__fail(err, YK__LIMIT, "YolkHead '%s': %lld anchors are too many", call->node->name, (long long)head->anchors);
    return YK__OK;
}

yk__code yk__ref_head_read(const yk__ref_call *call, yk__ref_head *head, yk__error *err) {
    const yk__node *node = call->node;
    const char *task = yk__node_string(node, "task", "detect"), *family = yk__node_string(node, "family", "v8");
    const int64_t levels = yk__node_int(node, "levels", 0);
    *head = (yk__ref_head){.reg_max = yk__node_int(node, "reg_max", 16),
                           .n_classes = yk__node_int(node, "classes", 0),
                           .n_extra = yk__node_int(node, "extra", 0),
                           .end2end_k = yk__node_int(node, "end2end_k", 300),
                           .one_to_one = yk__node_int(node, "one_to_one", 0) != 0,
                           .obb = strcmp(task, "obb") == 0,
                           .raw_angle = strcmp(yk__node_string(node, "angle", "sigmoid"), "raw") == 0,
                           .pose26 = strcmp(family, "26") == 0};
    if (strcmp(family, "v8") != 0 && !head->pose26)
        return yk__fail(err, YK__UNSUPPORTED, "YolkHead '%s': head family \"%.40s\" is not supported", node->name, family);
    if (levels < 1 || levels > YK__REF_HEAD_LEVELS || call->n_in < (head->n_extra > 0 ? 3 : 2) * levels)
        return yk__fail(err, YK__GRAPH, "YolkHead '%s': %lld levels do not fit its inputs", node->name, (long long)levels);
    head->n_levels = (int)levels;
    if (strcmp(task, "pose") == 0) {
        int64_t shape[2] = {0, 0};
        yk__node_ints(node, "kpt_shape", shape, 2);
        if ((shape[1] != 2 && shape[1] != 3) || shape[0] * shape[1] != head->n_extra)
            return yk__fail(err, YK__GRAPH, "YolkHead '%s': kpt_shape does not fit the extra channels", node->name);
        head->keypoint_size = (int)shape[1];
    }
    const yk__attr *bins = yk__node_attr(node, "dfl_weight");
    if (bins != NULL && bins->kind == YK__ATTR_FLOATS && bins->n == head->reg_max) head->bins = bins->floats;
    YK__TRY(read_levels(call, head, err));
    if (head->end2end_k > head->anchors) head->end2end_k = head->anchors;
    return YK__OK;
}

const yk__ref_level *yk__ref_head_level(const yk__ref_head *head, int64_t anchor) {
    int i = head->n_levels - 1;
    while (i > 0 && head->levels[i].first_anchor > anchor) i--;
    return &head->levels[i];
}

float yk__ref_head_score(const yk__ref_head *head, int64_t picture, const yk__ref_level *level, int64_t anchor,
                         int64_t class_id) {
    return yk__ref_sigmoid(
        level->classes[(picture * head->n_classes + class_id) * level->cells + anchor - level->first_anchor]);
}

/* The distance of one side, in grid units: the expectation over the softmax of its bins; with one bin the raw value. */
static float distance(const yk__ref_head *head, const float *logits, int64_t step) {
    if (head->reg_max == 1) return logits[0];
    float top = logits[0], sum = 0, expectation = 0;
    for (int64_t i = 1; i < head->reg_max; i++) top = logits[i * step] > top ? logits[i * step] : top;
    for (int64_t i = 0; i < head->reg_max; i++) sum += expf(logits[i * step] - top);
    for (int64_t i = 0; i < head->reg_max; i++)
        expectation += expf(logits[i * step] - top) / sum * (head->bins != NULL ? (float)head->bins[i] : (float)i);
    return expectation;
}

static float angle_of(const yk__ref_head *head, float raw) {
    return head->raw_angle ? raw : (yk__ref_sigmoid(raw) - 0.25f) * 3.14159265358979323846f;
}

void yk__ref_head_box(const yk__ref_head *head, int64_t picture, const yk__ref_level *level, int64_t anchor, float out[4]) {
    const int64_t cell = anchor - level->first_anchor;
    const float px = (float)(cell % level->width) + 0.5f, py = (float)(cell / level->width) + 0.5f;
    const float *logits = level->box + picture * 4 * head->reg_max * level->cells + cell;
    float d[4]; /* left, top, right, bottom */
    for (int side = 0; side < 4; side++) d[side] = distance(head, logits + side * head->reg_max * level->cells, level->cells);

    if (head->obb) {
        const float angle = angle_of(head, level->extra[picture * head->n_extra * level->cells + cell]);
        const float xf = (d[2] - d[0]) / 2, yf = (d[3] - d[1]) / 2, c = cosf(angle), s = sinf(angle);
        out[0] = xf * c - yf * s + px;
        out[1] = xf * s + yf * c + py;
        out[2] = d[0] + d[2];
        out[3] = d[1] + d[3];
    } else {
        const float x1 = px - d[0], y1 = py - d[1], x2 = px + d[2], y2 = py + d[3];
        out[0] = head->one_to_one ? x1 : (x1 + x2) / 2;
        out[1] = head->one_to_one ? y1 : (y1 + y2) / 2;
        out[2] = head->one_to_one ? x2 : x2 - x1;
        out[3] = head->one_to_one ? y2 : y2 - y1;
    }
    for (int i = 0; i < 4; i++) out[i] *= level->stride;
}

static float keypoint_number(const yk__ref_head *head, const yk__ref_level *level, int64_t cell, int64_t which, float raw) {
    const int64_t part = which % head->keypoint_size;
    if (part == 2) return yk__ref_sigmoid(raw);
    const float corner = (float)(part == 0 ? cell % level->width : cell / level->width);
    if (head->pose26) return (raw + (corner + 0.5f)) * level->stride;
    return (raw * 2 + corner) * level->stride; /* the cell's corner is its anchor point - 0.5 */
}

void yk__ref_head_extra(const yk__ref_head *head, int64_t picture, const yk__ref_level *level, int64_t anchor, float *out,
                        int64_t step) {
    const int64_t cell = anchor - level->first_anchor;
    for (int64_t i = 0; i < head->n_extra; i++) {
        const float raw = level->extra[(picture * head->n_extra + i) * level->cells + cell];
        out[i * step] = head->keypoint_size > 0 ? keypoint_number(head, level, cell, i, raw)
                        : head->obb             ? angle_of(head, raw)
                                                : raw;
    }
}
