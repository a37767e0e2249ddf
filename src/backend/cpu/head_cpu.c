/* YolkHead, the part that is not worth vectors: the threshold, the best class, decoding of the few anchors that survive. The
 * formulas are those of PARITY 5.2, in f32 and in the order in which exports compute them, so that a decision here equals the
 * one that a dense decode would make. */
#include "backend/cpu/head_cpu.h"

#include <math.h>
#include <string.h>

#include "backend/cpu/cpu_kernels.h"

/* --- what the node says --- */

static bool resolve(const yk__node *node, yk__head_state *h) {
    const char *task = yk__node_string(node, "task", "detect"), *family = yk__node_string(node, "family", "v8");
    int64_t levels = yk__node_int(node, "levels", 0);
    *h = (yk__head_state){.reg_max = yk__node_int(node, "reg_max", 16),
                          .n_classes = yk__node_int(node, "classes", 0),
                          .n_extra = yk__node_int(node, "extra", 0),
                          .end2end_k = yk__node_int(node, "end2end_k", 300),
                          .one_to_one = yk__node_int(node, "one_to_one", 0) != 0,
                          .obb = strcmp(task, "obb") == 0,
                          .raw_angle = strcmp(yk__node_string(node, "angle", "sigmoid"), "raw") == 0,
                          .pose26 = strcmp(family, "26") == 0};
    if (strcmp(family, "v8") != 0 && !h->pose26) return false;
    if (levels < 1 || levels > YK__HEAD_LEVELS || node->n_in < (h->n_extra > 0 ? 3 : 2) * levels) return false;
    if (h->reg_max < 1 || h->reg_max > YK__HEAD_MAX_BINS || h->n_classes < 1 || h->n_extra < 0 || h->end2end_k < 1)
        return false;
    h->n_levels = (int32_t)levels;
    if (strcmp(task, "pose") == 0) {
        int64_t shape[2] = {0, 0};
        if (yk__node_ints(node, "kpt_shape", shape, 2) != 2 || shape[0] * shape[1] != h->n_extra) return false;
        if (shape[1] != 2 && shape[1] != 3) return false;
        h->keypoint_size = (int32_t)shape[1];
    }
    return true;
}

static bool resolve_levels(const yk__node *node, const yk__shape *const *boxes, yk__head_state *h) {
    const yk__attr *strides = yk__node_attr(node, "strides");
    if (!strides || strides->kind != YK__ATTR_FLOATS || strides->n != h->n_levels) return false;
    h->batch = boxes[0]->dim[0];
    for (int32_t i = 0; i < h->n_levels; i++) {
        const int64_t *dim = boxes[i]->dim;
        h->levels[i] = (yk__head_level){.width = dim[3],
                                        .height = dim[2],
                                        .cells = dim[2] * dim[3],
                                        .first_anchor = h->anchors,
                                        .stride = (float)strides->floats[i]};
        h->anchors += h->levels[i].cells;
    }
    if (h->end2end_k > h->anchors) h->end2end_k = h->anchors;
    return h->anchors <= INT32_MAX;
}

bool yk__yolk_head_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    const yk__node *node = query->node;
    yk__head_state h;
    if (query->block != isa->block || node->n_in > YK__MAX_OPERANDS || !resolve(node, &h)) return false;
    const yk__shape *boxes[YK__HEAD_LEVELS];
    for (int32_t i = 0; i < node->n_in; i++) {
        if (!yk__cpu_is_map(&query->in[i])) return false;
        if (i < h.n_levels) boxes[i] = &query->in[i].shape;
    }
    if (!resolve_levels(node, boxes, &h)) return false;
    int32_t branches = (h.n_extra > 0 ? 3 : 2) * h.n_levels;
    for (int32_t i = 0; i < branches; i++) need->in_form[i] = YK__FORM_BLOCKED;
    for (int32_t i = branches; i < node->n_in; i++) { /* prototypes: the result as they are, or copied to an output */
        need->in_form[i] = YK__FORM_PLAIN;
        need->skip[i] = !query->dense;
    }
    size_t floats = (size_t)(h.batch * h.anchors);
    need->scratch_bytes = yk__round_up(floats * sizeof(float), YK__CACHE_LINE);
    if (query->dense && h.one_to_one) need->scratch_bytes += (size_t)(2 * h.end2end_k) * sizeof(yk__candidate);
    double per_anchor =
        query->dense && !h.one_to_one ? (double)(4 * h.reg_max + h.n_classes + h.n_extra) : 0.1 * (double)h.n_classes;
    need->cost_ns = yk__cpu_shared_ns(isa, query, (double)h.anchors * per_anchor * isa->rates.silu_ns / isa->block * 2);
    return true;
}

/* The scan: inputs are the class branches alone. */
bool yk__yolk_head_scan_accept(const yk__kernel *kernel, const yk__query *query, yk__need *need) {
    const yk__cpu_isa *isa = kernel->data;
    yk__head_state h;
    (void)need;
    return query->block == isa->block && resolve(query->node, &h);
}

yk__code yk__head_scan_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                               yk__error *err) {
    const yk__cpu_isa *isa = kernel->data;
    yk__head_state *made = yk__arena_alloc(arena, sizeof *made);
    if (!made) return yk__arena_error(arena, "a head", err);
    const yk__shape *maps[YK__HEAD_LEVELS];
    bool fits = resolve(step->node, made) && step->n_in == made->n_levels;
    for (int32_t i = 0; fits && i < made->n_levels; i++) maps[i] = &step->in[i].shape;
    if (!fits || !resolve_levels(step->node, maps, made)) {
        return yk__fail(err, YK__INTERNAL, "a head that was accepted does not resolve");
    }
    made->block = isa->block;
    *state = made;
    return YK__OK;
}

void yk__head_mark_tiles(const yk__head_level *level, const float *largest, float lowest, int32_t grow, uint8_t *tiles) {
    const int64_t columns = (level->width + YK__TILE - 1) / YK__TILE, rows = (level->height + YK__TILE - 1) / YK__TILE;
    memset(tiles, 0, (size_t)(rows * columns));
    for (int64_t y = 0; y < level->height; y++) {
        for (int64_t x = 0; x < level->width; x++) {
            if (!(largest[y * level->width + x] >= lowest)) continue;
            const int64_t ty = y / YK__TILE, tx = x / YK__TILE;
            if (tiles[ty * columns + tx] == 2) continue; /* its neighbourhood is marked already */
            for (int64_t v = ty - grow; v <= ty + grow; v++) {
                for (int64_t u = tx - grow; u <= tx + grow; u++) {
                    if (v >= 0 && v < rows && u >= 0 && u < columns && tiles[v * columns + u] == 0) tiles[v * columns + u] = 1;
                }
            }
            tiles[ty * columns + tx] = 2;
        }
    }
}

yk__code yk__head_prepare(const yk__kernel *kernel, const yk__step *step, yk__arena *arena, const void **state,
                          yk__error *err) {
    const yk__cpu_isa *isa = kernel->data;
    yk__head_state *made = yk__arena_alloc(arena, sizeof *made);
    if (!made) return yk__arena_error(arena, "a head", err);
    const yk__shape *boxes[YK__HEAD_LEVELS];
    bool fits = resolve(step->node, made);
    for (int32_t i = 0; fits && i < made->n_levels; i++) boxes[i] = &step->in[i].shape;
    if (!fits || !resolve_levels(step->node, boxes, made)) {
        return yk__fail(err, YK__INTERNAL, "a head that was accepted does not resolve");
    }
    float *bins = yk__arena_array(arena, (size_t)made->reg_max, sizeof *bins);
    if (!bins) return yk__arena_error(arena, "a head", err);
    const yk__attr *weights = yk__node_attr(step->node, "dfl_weight");
    bool given = weights && weights->kind == YK__ATTR_FLOATS && weights->n == made->reg_max;
    for (int64_t i = 0; i < made->reg_max; i++) bins[i] = given ? (float)weights->floats[i] : (float)i;
    made->bins = bins;
    made->block = isa->block;
    *state = made;
    return YK__OK;
}

/* --- one anchor --- */

/* An anchor: its level and cell, and where the cell's channels lie in a branch (0 box, 1 class, 2 extra). */
typedef struct anchor {
    int32_t level;
    int64_t x, y;
    const float *data[3];
    int64_t block_stride[3];
} anchor;

static anchor find_anchor(const yk__step *step, const yk__exec *exec, int64_t n, int64_t index) {
    const yk__head_state *h = step->state;
    int32_t level = h->n_levels - 1;
    while (level > 0 && h->levels[level].first_anchor > index) level--;
    const int64_t cell = index - h->levels[level].first_anchor;
    anchor a = {.level = level, .x = cell % h->levels[level].width, .y = cell / h->levels[level].width};
    for (int branch = 0; branch < (h->n_extra > 0 ? 3 : 2); branch++) {
        const yk__operand *at = &step->in[branch * h->n_levels + level];
        a.data[branch] = yk__head_cell(at, yk__operand_data(at, exec), n, a.y, a.x);
        a.block_stride[branch] = at->block_stride;
    }
    return a;
}

static float raw(const yk__head_state *h, const anchor *a, int branch, int64_t channel) {
    return a->data[branch][channel / h->block * a->block_stride[branch] + channel % h->block];
}

static float sigmoid(float x) {
    return 1.0f / (1.0f + expf(-x));
}

/* Channels first .. first+count-1 of a branch. */
static void read_channels(const yk__head_state *h, const anchor *a, int branch, int64_t first, int64_t count, float *out) {
    const float *block = a->data[branch] + first / h->block * a->block_stride[branch];
    for (int64_t i = 0, lane = first % h->block; i < count; i++, lane++) {
        if (lane == h->block) {
            lane = 0;
            block += a->block_stride[branch];
        }
        out[i] = block[lane];
    }
}

/* The expectation over the softmax of a side's bins; with one bin the raw value. */
static float distance(const yk__head_state *h, const anchor *a, int side) {
    float bins[YK__HEAD_MAX_BINS];
    read_channels(h, a, 0, side * h->reg_max, h->reg_max, bins);
    if (h->reg_max == 1) return bins[0];
    float top = bins[0], sum = 0, expectation = 0;
    for (int64_t i = 1; i < h->reg_max; i++) top = bins[i] > top ? bins[i] : top;
    for (int64_t i = 0; i < h->reg_max; i++) {
        bins[i] = expf(bins[i] - top);
        sum += bins[i];
    }
    for (int64_t i = 0; i < h->reg_max; i++) expectation += bins[i] / sum * h->bins[i];
    return expectation;
}

static float angle_of(const yk__head_state *h, float value) {
    return h->raw_angle ? value : (sigmoid(value) - 0.25f) * 3.14159265358979323846f;
}

void yk__head_turn(const float d[4], float angle, float px, float py, float out[4]) {
    const float xf = (d[2] - d[0]) / 2, yf = (d[3] - d[1]) / 2, c = cosf(angle), s = sinf(angle);
    out[0] = xf * c - yf * s + px;
    out[1] = xf * s + yf * c + py;
    out[2] = d[0] + d[2];
    out[3] = d[1] + d[3];
}

/* As the export's tensor has it: one-to-many and oriented boxes cx cy w h, else x1 y1 x2 y2, in pixels. */
static void decode_box(const yk__head_state *h, const anchor *a, float out[4]) {
    const float px = (float)a->x + 0.5f, py = (float)a->y + 0.5f;
    float d[4]; /* left, top, right, bottom */
    for (int side = 0; side < 4; side++) d[side] = distance(h, a, side);
    if (h->obb) {
        yk__head_turn(d, angle_of(h, raw(h, a, 2, 0)), px, py, out);
    } else {
        const float x1 = px - d[0], y1 = py - d[1], x2 = px + d[2], y2 = py + d[3];
        out[0] = h->one_to_one ? x1 : (x1 + x2) / 2;
        out[1] = h->one_to_one ? y1 : (y1 + y2) / 2;
        out[2] = h->one_to_one ? x2 : x2 - x1;
        out[3] = h->one_to_one ? y2 : y2 - y1;
    }
    for (int i = 0; i < 4; i++) out[i] *= h->levels[a->level].stride;
}

static void decode_extra(const yk__head_state *h, const anchor *a, float *out) {
    const float stride = h->levels[a->level].stride;
    for (int64_t i = 0; i < h->n_extra; i++) {
        const float value = raw(h, a, 2, i);
        if (h->keypoint_size == 0) {
            out[i] = h->obb ? angle_of(h, value) : value;
        } else if (i % h->keypoint_size == 2) {
            out[i] = sigmoid(value);
        } else {
            const float corner = (float)(i % h->keypoint_size == 0 ? a->x : a->y);
            /* one-to-many: the cell's corner is its anchor point - 0.5 */
            out[i] = h->pose26 ? (value + (corner + 0.5f)) * stride : (value * 2 + corner) * stride;
        }
    }
}

/* --- the best of many --- */

typedef struct best {
    yk__candidate *items;
    int32_t count, capacity;
    bool heap; /* items are a heap with the worst in front: more were offered than fit */
} best;

typedef bool (*before_fn)(const yk__candidate *a, const yk__candidate *b);

static bool earlier(const yk__candidate *a, const yk__candidate *b) {
    return a->anchor != b->anchor ? a->anchor < b->anchor : a->class_id < b->class_id;
}

static bool better(const yk__candidate *a, const yk__candidate *b) {
    return a->score != b->score ? a->score > b->score : earlier(a, b);
}

/* A heap whose front comes after all others in the order of `before`. */
static void sift(yk__candidate *items, int32_t n, int32_t at, before_fn before) {
    const yk__candidate moved = items[at];
    for (int32_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && before(&items[child], &items[child + 1])) child++;
        if (!before(&moved, &items[child])) break;
        items[at] = items[child];
    }
    items[at] = moved;
}

static void heapify(yk__candidate *items, int32_t n, before_fn before) {
    for (int32_t i = n / 2 - 1; i >= 0; i--) sift(items, n, i, before);
}

static void sort(best *b, before_fn before) {
    heapify(b->items, b->count, before);
    for (int32_t last = b->count - 1; last > 0; last--) {
        const yk__candidate front = b->items[0];
        b->items[0] = b->items[last];
        b->items[last] = front;
        sift(b->items, last, 0, before);
    }
}

static void offer(best *b, float score, int64_t anchor_index, int64_t class_id) {
    const yk__candidate item = {.score = score, .class_id = (int32_t)class_id, .anchor = (int32_t)anchor_index};
    if (b->count < b->capacity) {
        b->items[b->count++] = item;
        return;
    }
    if (b->capacity == 0) return;
    if (!b->heap) heapify(b->items, b->count, better);
    b->heap = true;
    if (!better(&item, &b->items[0])) return;
    b->items[0] = item;
    sift(b->items, b->count, 0, better);
}

/* --- candidates --- */

/* The threshold's own logit less a margin for rounding of sigmoid, which near 1 has steps of 6e-8 where its slope is 1 - conf.
 */
float yk__head_lowest_logit(float conf) {
    if (!(conf > 0)) return -INFINITY;
    if (conf >= 1) return INFINITY;
    const double p = (double)conf;
    return (float)(log(p / (1 - p)) - 1e-3 - 1e-6 / (1 - p));
}

/* Highest score and its first class. `largest` is the highest logit: only classes within reach of it can share its score.
 * Below a logit of 8 the slope of sigmoid is above 3e-4, so logits 0.01 apart differ by 3e-6, 50 times the step of f32. */
static float best_class(const yk__head_state *h, const anchor *a, float largest, int64_t *class_id) {
    const float near = largest < 8 ? largest - 0.01f : -INFINITY;
    float top = -1; /* below every probability; a NaN is never the best */
    *class_id = 0;
    const float *block = a->data[1];
    for (int64_t first = 0; first < h->n_classes; first += h->block, block += a->block_stride[1]) {
        const int64_t count = h->n_classes - first < h->block ? h->n_classes - first : h->block;
        for (int64_t l = 0; l < count; l++) {
            if (block[l] < near) continue;
            const float score = sigmoid(block[l]);
            if (score > top) {
                top = score;
                *class_id = first + l;
            }
        }
    }
    return top;
}

static void offer_classes(const yk__head_state *h, const anchor *a, const yk__head_params *params, float lowest, int64_t index,
                          best *b, int64_t *found) {
    const uint8_t *mask = params->class_mask;
    for (int64_t c = 0; c < h->n_classes; c++) {
        const float logit = raw(h, a, 1, c);
        if (!(logit >= lowest)) continue;
        const float score = sigmoid(logit);
        if (!(score > params->conf)) continue;
        const bool allowed = !mask || mask[c];
        if (allowed) ++*found;
        /* the export's one-to-one head chooses its k rows before anybody filters classes */
        if (allowed || h->one_to_one) offer(b, score, index, c);
    }
}

void yk__head_finish(const yk__step *step, const yk__exec *exec, int64_t n, int32_t from, int32_t to) {
    const yk__head_state *h = step->state;
    yk__candidates *out = &exec->candidates[n];
    if (to > out->count) to = out->count;
    for (int32_t i = from; i < to; i++) {
        yk__candidate *item = &out->items[i];
        const anchor a = find_anchor(step, exec, n, item->anchor);
        float box[4];
        decode_box(h, &a, box);
        if (h->obb || h->one_to_one) {
            memcpy(item->box, box, sizeof box);
        } else {
            const float half_w = box[2] / 2, half_h = box[3] / 2;
            item->box[0] = box[0] - half_w;
            item->box[1] = box[1] - half_h;
            item->box[2] = box[0] + half_w;
            item->box[3] = box[1] + half_h;
        }
        item->extra = i;
        if (out->extra && out->n_extra == h->n_extra) decode_extra(h, &a, out->extra + (int64_t)i * out->n_extra);
    }
}

void yk__head_candidates(const yk__step *step, const yk__exec *exec, int64_t n, const float *largest) {
    const yk__head_state *h = step->state;
    const yk__head_params *params = &exec->params;
    yk__candidates *out = &exec->candidates[n];
    best b = {.items = out->items, .capacity = out->capacity};
    if (h->one_to_one && b.capacity > h->end2end_k) b.capacity = (int32_t)h->end2end_k;
    const float lowest = yk__head_lowest_logit(params->conf);
    out->found = 0;
    for (int64_t i = 0; i < h->anchors; i++) {
        if (!(largest[i] >= lowest)) continue;
        const anchor a = find_anchor(step, exec, n, i);
        if (params->multi_label || h->one_to_one) {
            offer_classes(h, &a, params, lowest, i, &b, &out->found);
            continue;
        }
        int64_t c;
        const float score = best_class(h, &a, largest[i], &c);
        if (!(score > params->conf) || (params->class_mask && !params->class_mask[c])) continue;
        out->found++;
        offer(&b, score, i, c);
    }
    sort(&b, earlier);
    out->count = 0;
    for (int32_t i = 0; i < b.count; i++) {
        if (!params->class_mask || params->class_mask[b.items[i].class_id]) b.items[out->count++] = b.items[i];
    }
}

void yk__head_rows(const yk__step *step, const yk__exec *exec, int64_t n, const float *largest, yk__candidate *scratch) {
    const yk__head_state *h = step->state;
    const int32_t k = (int32_t)h->end2end_k;
    float *rows = (float *)yk__operand_data(&step->out[0], exec) + n * k * (6 + h->n_extra);
    best anchors = {.items = scratch, .capacity = k}, pairs = {.items = scratch + k, .capacity = k};
    for (int64_t i = 0; i < h->anchors; i++) offer(&anchors, sigmoid(largest[i]), i, 0);
    sort(&anchors, better);
    for (int32_t i = 0; i < anchors.count; i++) {
        const anchor a = find_anchor(step, exec, n, anchors.items[i].anchor);
        for (int64_t c = 0; c < h->n_classes; c++) {
            const float score = sigmoid(raw(h, &a, 1, c));
            offer(&pairs, score == score ? score : -1, i, c); /* of equal scores the better anchor's comes first */
        }
    }
    sort(&pairs, better);
    for (int32_t i = 0; i < k; i++, rows += 6 + h->n_extra) {
        const anchor a = find_anchor(step, exec, n, anchors.items[pairs.items[i].anchor].anchor);
        decode_box(h, &a, rows);
        rows[4] = pairs.items[i].score;
        rows[5] = (float)pairs.items[i].class_id;
        decode_extra(h, &a, rows + 6);
    }
}
