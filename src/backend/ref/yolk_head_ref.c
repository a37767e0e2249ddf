/* YolkHead: the raw outputs of every level become the export's tensor (dense) or each picture's candidates.
 *
 * Candidates. One-to-many: per anchor its first best class (a NaN never is), or with multi_label every class; kept when the
 * score is above conf, then when the class mask allows; with more than fit, the best by score (then lowest anchor, lowest
 * class). One-to-one: a row per class above conf, of these the end2end_k best, and only then the class mask, so that a mask
 * never lets rows in that the export would not have returned. Boxes: cx cy w h becomes corners by c -+ wh / 2 in f32; oriented
 * boxes and one-to-one boxes stay as they are. */
#include "backend/ref/ops_ref.h"
#include "backend/ref/yolk_head_ref.h"

/* Anchors per task of the dense form. */
#define ANCHORS_PER_TASK 256

typedef struct head_job {
    yk__ref_head head;
    const yk__ref_call *call;
    float *out;
    uint8_t *scratch; /* of the one-to-one selection, pictures one after the other */
} head_job;

/* One-to-many: N x (4 + classes + extra) x A. */
static void dense_anchors(void *argument, int64_t begin, int64_t end) {
    const head_job *job = argument;
    const yk__ref_head *head = &job->head;
    const int64_t channels = 4 + head->n_classes + head->n_extra, step = head->anchors;
    for (int64_t i = begin; i < end; i++) {
        const int64_t picture = i / head->anchors, anchor = i % head->anchors;
        const yk__ref_level *level = yk__ref_head_level(head, anchor);
        float *out = job->out + picture * channels * step + anchor, box[4];
        yk__ref_head_box(head, picture, level, anchor, box);
        for (int c = 0; c < 4; c++) out[c * step] = box[c];
        for (int64_t c = 0; c < head->n_classes; c++) out[(4 + c) * step] = yk__ref_head_score(head, picture, level, anchor, c);
        yk__ref_head_extra(head, picture, level, anchor, out + (4 + head->n_classes) * step, step);
    }
}

/* Highest score and its first class. */
static float best_class(const yk__ref_head *head, int64_t picture, const yk__ref_level *level, int64_t anchor,
                        int64_t *class_id) {
    float best = -1; /* below every probability */
    *class_id = 0;
    for (int64_t c = 0; c < head->n_classes; c++) {
        const float score = yk__ref_head_score(head, picture, level, anchor, c);
        if (score > best) {
            best = score;
            *class_id = c;
        }
    }
    return best;
}

/* One-to-one: the k anchors with the best classes, then the k best (anchor, class) pairs of those. Rows of box, score, class,
 * extra. */
static void dense_rows(const head_job *job, int64_t picture) {
    const yk__ref_head *head = &job->head;
    const int32_t k = (int32_t)head->end2end_k;
    yk__candidate *scratch = (yk__candidate *)(void *)job->scratch;
    yk__ref_best anchors = {.items = scratch, .capacity = k}, pairs = {.items = scratch + k, .capacity = k};
    for (int64_t a = 0; a < head->anchors; a++) {
        int64_t class_id;
        const float score = best_class(head, picture, yk__ref_head_level(head, a), a, &class_id);
        yk__ref_best_offer(&anchors, score, a, 0);
    }
    yk__ref_best_sort_by_score(&anchors);
    for (int32_t i = 0; i < anchors.count; i++) {
        const int64_t a = anchors.items[i].anchor;
        for (int64_t c = 0; c < head->n_classes; c++) {
            const float score = yk__ref_head_score(head, picture, yk__ref_head_level(head, a), a, c);
            /* The pair's place in the flattened scores decides between equals: the anchor's rank stands in for it. */
            yk__ref_best_offer(&pairs, score == score ? score : -1, i, c);
        }
    }
    yk__ref_best_sort_by_score(&pairs);
    for (int32_t i = 0; i < k; i++) {
        float *row = job->out + (picture * k + i) * (6 + head->n_extra);
        const int64_t a = anchors.items[pairs.items[i].anchor].anchor;
        const yk__ref_level *level = yk__ref_head_level(head, a);
        yk__ref_head_box(head, picture, level, a, row);
        row[4] = pairs.items[i].score;
        row[5] = (float)pairs.items[i].class_id;
        yk__ref_head_extra(head, picture, level, a, row + 6, 1);
    }
}

static void finish_candidates(const yk__ref_head *head, int64_t picture, yk__candidates *out) {
    for (int32_t i = 0; i < out->count; i++) {
        yk__candidate *item = &out->items[i];
        const yk__ref_level *level = yk__ref_head_level(head, item->anchor);
        float box[4];
        yk__ref_head_box(head, picture, level, item->anchor, box);
        if (head->obb || head->one_to_one) {
            memcpy(item->box, box, sizeof box);
        } else {
            const float half_w = box[2] / 2, half_h = box[3] / 2;
            item->box[0] = box[0] - half_w;
            item->box[1] = box[1] - half_h;
            item->box[2] = box[0] + half_w;
            item->box[3] = box[1] + half_h;
        }
        item->extra = i;
        if (out->extra != NULL && out->n_extra == head->n_extra)
            yk__ref_head_extra(head, picture, level, item->anchor, out->extra + (int64_t)i * out->n_extra, 1);
    }
}

/* Drops what the class mask forbids, keeping the order. */
static void drop_masked(const uint8_t *mask, yk__ref_best *best) {
    int32_t kept = 0;
    for (int32_t i = 0; i < best->count; i++)
        if (mask == NULL || mask[best->items[i].class_id] != 0) best->items[kept++] = best->items[i];
    best->count = kept;
}

static void fill_candidates(const head_job *job, int64_t picture) {
    const yk__ref_head *head = &job->head;
    const yk__head_params *params = job->call->params;
    yk__candidates *out = &job->call->candidates[picture];
    yk__ref_best best = {.items = out->items, .capacity = out->capacity};
    if (head->one_to_one && best.capacity > head->end2end_k) best.capacity = (int32_t)head->end2end_k;
    const uint8_t *mask = params->class_mask, *mask_first = head->one_to_one ? NULL : mask;
    out->found = 0;
    for (int64_t a = 0; a < head->anchors; a++) {
        const yk__ref_level *level = yk__ref_head_level(head, a);
        int64_t first = 0, end = head->n_classes;
        if (!params->multi_label && !head->one_to_one) {
            best_class(head, picture, level, a, &first);
            end = first + 1;
        }
        for (int64_t c = first; c < end; c++) {
            const float score = yk__ref_head_score(head, picture, level, a, c);
            if (!(score > params->conf)) continue;
            if (mask == NULL || mask[c] != 0) out->found++;
            if (mask_first == NULL || mask_first[c] != 0) yk__ref_best_offer(&best, score, a, c);
        }
    }
    yk__ref_best_sort_by_anchor(&best);
    drop_masked(mask, &best);
    out->count = best.count;
    finish_candidates(head, picture, out);
}

static void candidate_pictures(void *argument, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) fill_candidates(argument, i);
}

size_t yk__ref_yolk_head_scratch(const yk__ref_call *call, int n_threads) {
    (void)n_threads;
    if (yk__node_int(call->node, "one_to_one", 0) == 0) return 0;
    return yk__ref_scratch_add(0, 2 * yk__node_int(call->node, "end2end_k", 300), sizeof(yk__candidate));
}

yk__code yk__ref_yolk_head(const yk__ref_call *call, yk__error *err) {
    head_job job = {.call = call, .out = call->out[0].data};
    YK__TRY(yk__ref_head_read(call, &job.head, err));
    /* Prototypes go through: whoever runs with candidates still needs them. */
    if (call->n_out > 1 && call->out[1].data != NULL) {
        const yk__tensor *prototypes = &call->in[call->n_in - 1];
        memcpy(call->out[1].data, prototypes->data, (size_t)yk__ref_count(&prototypes->shape) * sizeof(float));
    }
    if (call->candidates != NULL) {
        yk__ref_ranges(call, job.head.batch, 1, candidate_pictures, &job);
        return YK__OK;
    }
    if (!job.head.one_to_one) {
        yk__ref_ranges(call, job.head.batch * job.head.anchors, ANCHORS_PER_TASK, dense_anchors, &job);
        return YK__OK;
    }
    yk__ref_scratch scratch = yk__ref_scratch_of(call);
    job.scratch = yk__ref_take(&scratch, 2 * job.head.end2end_k, sizeof(yk__candidate));
    if (job.scratch == NULL) return yk__ref_no_scratch(call, err);
    for (int64_t picture = 0; picture < job.head.batch; picture++) dense_rows(&job, picture);
    return YK__OK;
}
