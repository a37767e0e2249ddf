/* Answers: one way for all tasks, with what each adds. */
#include "api/api_answer.h"

#include "task/classify.h"
#include "task/obb.h"

#include <string.h>

/* What one picture's answer is made from. */
typedef struct answer {
    const yk__answer_request *request;
    const yk__candidates *candidates;
    yk__picture_result *result;
    yk__prototypes prototypes; /* segment */
    int32_t i;                 /* which picture of the run */
} answer;

/* ---- classify ---- */

static yk__code answer_classify(const answer *a, yk__error *err) {
    const yk__answer_request *request = a->request;
    yk__tensor tensor = yk__context_output(&request->context->run, 0);
    int64_t count = 0;
    int32_t n = request->recipe->n_classes;
    if (tensor.dtype != YK__DTYPE_F32 || !yk__shape_count(&tensor.shape, &count) || count < (int64_t)n * (a->i + 1))
        return yk__fail(err, YK__SHAPE, "the classifier's output does not hold %d probabilities per picture", (int)n);
    yk__picture_result *result = a->result;
    result->probs = yk__arena_copy(request->arena, (const float *)tensor.data + (int64_t)a->i * n, (size_t)n * sizeof(float));
    if (!result->probs) return yk__arena_error(request->arena, "the probabilities", err);
    result->n_top = yk__classify_top(result->probs, n, result->top, 5);
    return YK__OK;
}

/* ---- which candidates stay ---- */

static yk__code reserve_nms(yk_context *context, int32_t capacity, yk__error *err) {
    if (context->keep && capacity <= context->nms.capacity) return YK__OK;
    yk__nms_scratch_free(&context->nms);
    yk__free(context->keep);
    context->keep = yk__alloc_array((size_t)capacity + 1, sizeof *context->keep);
    if (!context->keep) return yk__fail(err, YK__MEMORY, "out of memory for NMS over %d candidates", (int)capacity);
    return yk__nms_scratch_create(&context->nms, capacity, err);
}

/* Indices of the detections, best first, in context->keep. */
static yk__code choose(const answer *a, int32_t *n, yk__error *err) {
    const yk__answer_request *request = a->request;
    yk_context *context = request->context;
    const yk__candidates *candidates = a->candidates;
    yk__layout layout = request->recipe->layout;
    YK__TRY(reserve_nms(context, candidates->capacity, err));
    *n = 0;
    if (layout == YK__LAYOUT_V8_END2END && candidates != &context->raw) {
        int32_t k = (int32_t)yk__node_int(context->run.plan->head, "end2end_k", 300);
        *n = yk__select_end2end(candidates, k, request->class_mask, request->nms.max_det, &context->nms, context->keep);
    } else if (layout == YK__LAYOUT_V8_END2END || layout == YK__LAYOUT_NMS) {
        for (; *n < candidates->count && *n < request->nms.max_det; ++*n) /* chosen by the network, in order */
            context->keep[*n] = *n;
    } else if (request->recipe->task == YK__TASK_OBB) {
        *n = yk__obb_nms(candidates, &request->nms, &context->nms, context->keep);
    } else {
        *n = yk__nms(candidates, &request->nms, &context->nms, context->keep);
    }
    return YK__OK;
}

/* ---- what the tasks add ---- */

static yk__code check_extra(const answer *a, yk__error *err) {
    const yk__recipe *recipe = a->request->recipe;
    int32_t have = a->candidates->n_extra, want = 0;
    if (recipe->task == YK__TASK_OBB) want = 1;
    if (recipe->task == YK__TASK_POSE) want = recipe->kpt_shape[0] * recipe->kpt_shape[1];
    if (recipe->task == YK__TASK_SEGMENT) want = a->prototypes.n;
    if (have >= want) return YK__OK;
    return yk__fail(err, YK__SHAPE, "task %s needs %d numbers behind each box and its scores, and this network gives %d",
                    yk__task_name(recipe->task), (int)want, (int)have);
}

/* The candidate's own numbers, in the results. */
static float *copy_extra(const answer *a, const yk__candidate *item, int32_t n) {
    const yk__candidates *c = a->candidates;
    return yk__arena_copy(a->request->arena, c->extra + (size_t)item->extra * (size_t)c->n_extra, (size_t)n * sizeof(float));
}

static void add_obb(const answer *a, const yk__candidate *item, yk__found *found) {
    memcpy(found->xywhr, item->box, sizeof item->box);
    found->xywhr[4] = a->candidates->extra[(size_t)item->extra * (size_t)a->candidates->n_extra];
    yk__scale_back_obb(&a->result->back, found->xywhr);
    yk__obb_corners(found->xywhr, found->corners);
    yk__obb_bounds((const float(*)[2])found->corners, found->box);
}

static yk__code add_keypoints(const answer *a, const yk__candidate *item, yk__found *found, yk__error *err) {
    const int32_t *shape = a->request->recipe->kpt_shape;
    float *points = copy_extra(a, item, shape[0] * shape[1]);
    if (!points) return yk__arena_error(a->request->arena, "the keypoints", err);
    for (int32_t k = 0; k < shape[0]; k++) yk__scale_back_point(&a->result->back, points + (size_t)k * (size_t)shape[1]);
    found->extra = points;
    return YK__OK;
}

/* The prototypes: the network's only output of four dimensions, N x n x height x width. */
static yk__code find_prototypes(answer *a, yk__error *err) {
    const yk__context *run = &a->request->context->run;
    for (int32_t o = 1; o < run->plan->n_outputs; o++) {
        yk__tensor tensor = yk__context_output(run, o);
        const int64_t *dim = tensor.shape.dim;
        if (tensor.dtype != YK__DTYPE_F32 || tensor.shape.rank != 4 || dim[0] <= a->i || !tensor.data) continue;
        if (dim[1] < 1 || dim[1] > 65536 || dim[2] < 1 || dim[2] > 65536 || dim[3] < 1 || dim[3] > 65536) continue;
        a->prototypes = (yk__prototypes){.data = (const float *)tensor.data + a->i * dim[1] * dim[2] * dim[3],
                                         .n = (int32_t)dim[1],
                                         .height = (int32_t)dim[2],
                                         .width = (int32_t)dim[3]};
        return YK__OK;
    }
    return yk__fail(err, YK__SHAPE,
                    "task segment needs a second output N x coefficients x height x width, the prototypes of "
                    "masks, and this network has none");
}

static const float *coefficients_of(const answer *a, int32_t kept) {
    return a->candidates->extra + (size_t)a->candidates->items[kept].extra * (size_t)a->candidates->n_extra;
}

/* Boxes whose mask is empty are no detections. keep loses them too. */
static yk__code drop_empty(const answer *a, int32_t *keep, yk__error *err) {
    yk__picture_result *result = a->result;
    yk__mask_maker *maker = NULL;
    YK__TRY(yk__mask_maker_create(&maker, &result->mask_grid, err));
    int32_t n = 0;
    for (int32_t k = 0; k < result->n_found; k++) {
        yk__found *found = &result->found[k];
        memcpy(found->mask_box, a->request->retina ? found->box : a->candidates->items[keep[k]].box, sizeof found->mask_box);
        yk__mask_window window = yk__mask_window_of(&result->mask_grid, found->mask_box);
        if (!yk__mask_any(maker, &a->prototypes, coefficients_of(a, keep[k]), &window)) continue;
        keep[n] = keep[k];
        result->found[n++] = *found;
    }
    yk__mask_maker_destroy(&maker);
    result->n_found = n;
    return YK__OK;
}

/* The cells that a detection's mask needs at either size. */
static yk__mask_window cells_of(const answer *a, const yk__found *found) {
    yk__mask_window own = yk__mask_window_of(&a->result->mask_grid, found->mask_box);
    yk__mask_window drawn = yk__mask_window_of(&a->result->picture_grid, found->box);
    own = yk__mask_cells(&a->result->mask_grid, &own);
    drawn = yk__mask_cells(&a->result->picture_grid, &drawn);
    return yk__mask_window_union(&own, &drawn);
}

/* The prototypes die with the next run, and masks are made when somebody asks for them. So each detection keeps the logits of
 * its own cells, or, where that would be more, all share a copy of the prototypes. */
static yk__code keep_maps(const answer *a, const int32_t *keep, yk__error *err) {
    static const float one = 1;
    yk__picture_result *result = a->result;
    yk__arena *arena = a->request->arena;
    const yk__prototypes *p = &a->prototypes;
    size_t total = 0, whole = (size_t)p->n * (size_t)p->height * (size_t)p->width;
    for (int32_t k = 0; k < result->n_found; k++) {
        yk__mask_window cells = cells_of(a, &result->found[k]);
        total += (size_t)cells.width * (size_t)cells.height;
    }
    bool shared = total >= whole;
    float *data = shared ? yk__arena_copy(arena, p->data, whole * sizeof *data) : yk__arena_array(arena, total, sizeof *data);
    bool ok = data;
    for (int32_t k = 0; k < result->n_found && ok; k++) {
        yk__found *found = &result->found[k];
        yk__mask_window cells = cells_of(a, found);
        if (shared) {
            found->maps = *p;
            found->maps.data = data;
            found->extra = yk__arena_copy(arena, coefficients_of(a, keep[k]), (size_t)p->n * sizeof *data);
            ok = found->extra;
            continue;
        }
        yk__mask_logits(p, coefficients_of(a, keep[k]), &cells, data);
        found->maps = (yk__prototypes){data, 1, cells.x, cells.y, cells.height, cells.width};
        found->extra = &one;
        data += (size_t)cells.width * (size_t)cells.height;
    }
    return ok ? YK__OK : yk__arena_error(arena, "the masks", err);
}

static yk__code add_masks(const answer *a, int32_t *keep, yk__error *err) {
    const yk__prototypes *p = &a->prototypes;
    yk__picture_result *result = a->result;
    result->picture_grid = yk__mask_grid_picture(p->width, p->height, result->width, result->height);
    result->mask_grid = a->request->retina
                            ? result->picture_grid
                            : yk__mask_grid_network(p->width, p->height, result->network_width, result->network_height);
    YK__TRY(drop_empty(a, keep, err));
    return keep_maps(a, keep, err);
}

/* ---- the whole ---- */

static yk__code answer_boxes(answer *a, yk__error *err) {
    const yk__answer_request *request = a->request;
    yk__picture_result *result = a->result;
    yk__task task = request->recipe->task;
    int32_t n = 0;
    if (task == YK__TASK_SEGMENT) YK__TRY(find_prototypes(a, err));
    YK__TRY(check_extra(a, err));
    YK__TRY(choose(a, &n, err));
    result->found = yk__arena_array(request->arena, (size_t)n, sizeof *result->found);
    if (!result->found) return yk__arena_error(request->arena, "the detections", err);
    for (int32_t k = 0; k < n; k++) {
        const yk__candidate *item = &a->candidates->items[request->context->keep[k]];
        yk__found *found = &result->found[k];
        found->score = item->score;
        found->class_id = item->class_id;
        if (task == YK__TASK_OBB) {
            add_obb(a, item, found);
            continue;
        }
        memcpy(found->box, item->box, sizeof found->box);
        yk__scale_back_box(&result->back, found->box);
        if (task == YK__TASK_POSE) YK__TRY(add_keypoints(a, item, found, err));
    }
    result->n_found = n;
    return task == YK__TASK_SEGMENT ? add_masks(a, request->context->keep, err) : YK__OK;
}

yk__code yk__api_answer(const yk__answer_request *request, const yk__api_picture *picture, int32_t i,
                        yk__picture_result *result, yk__error *err) {
    const yk_context *context = request->context;
    answer a = {.request = request, .result = result, .i = i};
    if (request->recipe->task == YK__TASK_CLASSIFY) return answer_classify(&a, err);
    result->back = yk__api_picture_back(picture, request->recipe);
    if (context->run.plan->head && !context->run.plan->dense) {
        a.candidates = &context->run.candidates[i];
    } else {
        YK__TRY(yk__api_read_candidates(request, i, err));
        a.candidates = &context->raw;
    }
    return answer_boxes(&a, err);
}
