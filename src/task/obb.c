/* Probabilistic IoU and the NMS built on it: f32 in the reference's order of operations. */
#include "task/obb.h"

#include <math.h>

/* As in task/nms.c: classes are moved apart, here on both axes of the centre. */
#define CLASS_OFFSET 7680.0f
#define EPSILON      1e-7f
/* Distances above this are all the same: exp(-100) is 0 beside 1. */
#define FARTHEST 100.0f

/* A box as a Gaussian: centre, and covariance [a g; g b]. */
typedef struct gaussian {
    float x, y, a, b, g;
} gaussian;

static gaussian from_box(float x, float y, float w, float h, float angle) {
    float c = cosf(angle), s = sinf(angle), across = w * w / 12, along = h * h / 12;
    return (gaussian){x, y, across * (c * c) + along * (s * s), across * (s * s) + along * (c * c), (across - along) * c * s};
}

static float determinant(float a, float b, float g) {
    return a * b - g * g;
}

/* The part of the Bhattacharyya distance that the centres' distance causes; *det is of the summed covariances. */
static float distance_of_centres(const gaussian *p, const gaussian *q, float *det) {
    float a = p->a + q->a, b = p->b + q->b, g = p->g + q->g, dx = p->x - q->x, dy = p->y - q->y;
    *det = determinant(a, b, g);
    float t1 = (a * (dy * dy) + b * (dx * dx)) / (*det + EPSILON) * 0.25f;
    float t2 = g * -dx * dy / (*det + EPSILON) * 0.5f;
    return t1 + t2;
}

static float positive(float v) {
    return v > 0 ? v : 0;
}

/* det is what distance_of_centres left. Not a number stays one: it compares as no overlap. */
static float overlap(const gaussian *p, const gaussian *q, float centres, float det) {
    float own = sqrtf(positive(determinant(p->a, p->b, p->g)) * positive(determinant(q->a, q->b, q->g)));
    float d = centres + logf(det / (4 * own + EPSILON) + EPSILON) * 0.5f;
    d = d < EPSILON ? EPSILON : d > FARTHEST ? FARTHEST : d;
    return 1 - sqrtf(1 - expf(-d) + EPSILON);
}

float yk__probiou(const float a[5], const float b[5]) {
    gaussian p = from_box(a[0], a[1], a[2], a[3], a[4]), q = from_box(b[0], b[1], b[2], b[3], b[4]);
    float det, centres = distance_of_centres(&p, &q, &det);
    return overlap(&p, &q, centres, det);
}

/* From here on no pair of centres can overlap by more than iou, whatever the shapes: the logarithm's half is never below
 * log(EPSILON) / 2, or not a number. Most pairs end here, before the square roots and logarithms. */
static float too_far(float iou) {
    double apart = 1.0 - (double)iou, least = 1.0 - apart * apart;
    return least > 0 ? (float)(8.5 - log(least)) : INFINITY; /* log(1e-7) / 2 is -8.06, the rest is for rounding */
}

/* The candidates' Gaussians in rank order lie in scratch: box holds x y a b, area holds g. */
static gaussian ranked(const yk__nms_scratch *scratch, int32_t rank) {
    const float *box = scratch->box + 4 * (size_t)rank;
    return (gaussian){box[0], box[1], box[2], box[3], scratch->area[rank]};
}

static void store_ranked(const yk__candidates *candidates, const yk__nms_options *options, yk__nms_scratch *scratch) {
    for (int32_t rank = 0; rank < candidates->count; rank++) {
        const yk__candidate *item = &candidates->items[scratch->order[rank]];
        float angle = candidates->extra[(size_t)item->extra * (size_t)candidates->n_extra];
        float shift = options->agnostic ? 0.0f : (float)item->class_id * CLASS_OFFSET;
        gaussian g = from_box(item->box[0] + shift, item->box[1] + shift, item->box[2], item->box[3], angle);
        float *box = scratch->box + 4 * (size_t)rank;
        box[0] = g.x, box[1] = g.y, box[2] = g.a, box[3] = g.b;
        scratch->area[rank] = g.g;
    }
}

int32_t yk__obb_nms(const yk__candidates *candidates, const yk__nms_options *options, yk__nms_scratch *scratch, int32_t *keep) {
    int32_t n = candidates->count, kept = 0;
    float iou = (float)options->iou, far = too_far(iou);
    if (candidates->n_extra < 1) return 0;
    for (int32_t i = 0; i < n; i++) scratch->order[i] = i;
    yk__nms_sort(candidates, scratch, n);
    store_ranked(candidates, options, scratch);
    for (int32_t rank = 0; rank < n && kept < options->max_det; rank++) {
        gaussian mine = ranked(scratch, rank);
        bool dropped = false;
        for (int32_t better = 0; better < rank && !dropped; better++) {
            gaussian other = ranked(scratch, better);
            float det, centres = distance_of_centres(&other, &mine, &det);
            dropped = !(centres > far) && overlap(&other, &mine, centres, det) > iou;
        }
        if (!dropped) keep[kept++] = scratch->order[rank];
    }
    return kept;
}

void yk__obb_corners(const float xywhr[5], float corners[4][2]) {
    float c = cosf(xywhr[4]), s = sinf(xywhr[4]), w = xywhr[2] / 2, h = xywhr[3] / 2;
    const float u[2] = {w * c, w * s}, v[2] = {-h * s, h * c};
    for (int k = 0; k < 2; k++) {
        corners[0][k] = xywhr[k] + u[k] + v[k];
        corners[1][k] = xywhr[k] + u[k] - v[k];
        corners[2][k] = xywhr[k] - u[k] - v[k];
        corners[3][k] = xywhr[k] - u[k] + v[k];
    }
}

void yk__obb_bounds(const float corners[4][2], float box[4]) {
    for (int k = 0; k < 2; k++) {
        box[k] = box[k + 2] = corners[0][k];
        for (int i = 1; i < 4; i++) {
            if (corners[i][k] < box[k]) box[k] = corners[i][k];
            if (corners[i][k] > box[k + 2]) box[k + 2] = corners[i][k];
        }
    }
}
