/* Reading results. Everything in them lies in one arena, so that they are released at once. */
#include "api/api.h"

#include <string.h>

void yk_results_destroy(yk_results **results_at) {
    if (!results_at || !*results_at) return;
    yk_results *results = *results_at;
    for (size_t i = 0; i < results->n_pictures; i++) yk__image_free(&results->pictures[i].input);
    yk__arena_free(&results->arena);
    yk__free(results);
    *results_at = NULL;
}

static const yk__picture_result *picture(const yk_results *results, size_t image) {
    return results && image < results->n_pictures ? &results->pictures[image] : NULL;
}

size_t yk_results_images(const yk_results *results) {
    return results ? results->n_pictures : 0;
}

yk_status yk_results_status(const yk_results *results, size_t image, const char **message) {
    const yk__picture_result *p = picture(results, image);
    if (message) *message = p && p->message ? p->message : p ? "" : "there is no such picture in these results";
    return p ? (yk_status)p->status : YK_ERROR_ARGUMENT;
}

yk_status yk_results_size(const yk_results *results, size_t image, int32_t *width, int32_t *height, int32_t *network_width,
                          int32_t *network_height) {
    const yk__picture_result *p = picture(results, image);
    if (!p) return YK_ERROR_ARGUMENT;
    if (width) *width = p->width;
    if (height) *height = p->height;
    if (network_width) *network_width = p->network_width;
    if (network_height) *network_height = p->network_height;
    return YK_OK;
}

size_t yk_results_count(const yk_results *results, size_t image) {
    const yk__picture_result *p = picture(results, image);
    return p ? (size_t)p->n_found : 0;
}

yk_status yk_results_get(const yk_results *results, size_t image, size_t i, yk_detection *detection) {
    const yk__picture_result *p = picture(results, image);
    if (!p || !detection || i >= (size_t)p->n_found) return YK_ERROR_ARGUMENT;
    const yk__found *found = &p->found[i];
    yk_detection full = {.size = sizeof full,
                         .class_id = found->class_id,
                         .name = yk_engine_class_name(results->engine, found->class_id),
                         .confidence = found->score,
                         .x1 = found->box[0],
                         .y1 = found->box[1],
                         .x2 = found->box[2],
                         .y2 = found->box[3]};
    memcpy(full.xywhr, found->xywhr, sizeof full.xywhr);
    memcpy(full.corners, found->corners, sizeof full.corners);
    size_t size = detection->size && detection->size < sizeof full ? detection->size : sizeof full;
    full.size = size;
    memcpy(detection, &full, size);
    return YK_OK;
}

const float *yk_results_keypoints(const yk_results *results, size_t image, size_t i, size_t *n_points, size_t *n_numbers) {
    const yk__picture_result *p = picture(results, image);
    bool any = p && i < (size_t)p->n_found && results->engine->model->recipe.task == YK__TASK_POSE;
    if (n_points) *n_points = any ? (size_t)results->engine->model->recipe.kpt_shape[0] : 0;
    if (n_numbers) *n_numbers = any ? (size_t)results->engine->model->recipe.kpt_shape[1] : 0;
    return any ? p->found[i].extra : NULL;
}

const float *yk_results_probs(const yk_results *results, size_t image, size_t *n) {
    const yk__picture_result *p = picture(results, image);
    if (n) *n = p && p->probs ? (size_t)results->engine->model->recipe.n_classes : 0;
    return p ? p->probs : NULL;
}

int32_t yk_results_top(const yk_results *results, size_t image, size_t rank) {
    const yk__picture_result *p = picture(results, image);
    return p && rank < (size_t)p->n_top ? p->top[rank] : -1;
}

yk_status yk_results_speed(const yk_results *results, size_t image, yk_speed *speed) {
    const yk__picture_result *p = picture(results, image);
    if (!p || !speed) return YK_ERROR_ARGUMENT;
    size_t size = speed->size;
    *speed = p->speed;
    speed->size = size;
    return YK_OK;
}

yk_status yk_results_input(const yk_results *results, size_t image, yk_image *input, yk_error *error) {
    const yk__picture_result *p = picture(results, image);
    if (!p || !input) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_results_input: no picture %zu in these results", image);
    *input = (yk_image)YK_IMAGE_INIT;
    if (!p->input.pixels)
        return yk__api_fail(error, YK_ERROR_NOT_FOUND, "the network-size picture was not kept: predict with keep_inputs set");
    input->width = p->input.width;
    input->height = p->input.height;
    input->plane[0] = p->input.pixels;
    input->stride[0] = (ptrdiff_t)p->input.stride_bytes;
    return YK_OK;
}
