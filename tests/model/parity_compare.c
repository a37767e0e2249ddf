/* Comparing single detections. The reference's rows are what make_reference.py wrote. */
#include "parity_compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double number(json_t *array, size_t i) {
    return json_number_value(json_array_get(array, i));
}

static bool near(double a, double b, double tolerance) {
    return fabs(a - b) <= tolerance;
}

static bool same_box(const yk_detection *d, json_t *box, double tolerance) {
    return near(number(box, 0), (double)d->x1, tolerance) && near(number(box, 1), (double)d->y1, tolerance) &&
           near(number(box, 2), (double)d->x2, tolerance) && near(number(box, 3), (double)d->y2, tolerance);
}

/* A corner is off by the centre's and the half axes' errors and by the angle's times its distance from the centre. */
static bool same_obb(const yk_detection *d, json_t *row, double tolerance) {
    json_t *xywhr = json_object_get(row, "xywhr"), *corners = json_object_get(row, "corners");
    double reach = hypot((double)d->xywhr[2], (double)d->xywhr[3]) / 2;
    for (size_t k = 0; k < 5; k++)
        if (!near(number(xywhr, k), (double)d->xywhr[k], k < 4 ? tolerance : ANGLE_TOLERANCE)) return false;
    for (size_t k = 0; k < 8; k++)
        if (!near(number(json_array_get(corners, k / 2), k % 2), (double)d->corners[k / 2][k % 2],
                  2 * tolerance + ANGLE_TOLERANCE * reach))
            return false;
    return true;
}

static bool same_keypoints(const yk_results *results, size_t image, size_t i, json_t *points, double tolerance) {
    size_t n = 0, numbers = 0;
    const float *got = yk_results_keypoints(results, image, i, &n, &numbers);
    if (!got || n != json_array_size(points)) return false;
    for (size_t k = 0; k < n; k++) {
        json_t *point = json_array_get(points, k);
        if (json_array_size(point) != numbers) return false;
        for (size_t j = 0; j < numbers; j++)
            if (!near(number(point, j), (double)got[k * numbers + j], j < 2 ? POINT_FACTOR * tolerance : SCORE_TOLERANCE))
                return false;
    }
    return true;
}

bool same_detection(const yk_results *results, size_t image, size_t i, json_t *row, double tolerance) {
    yk_detection d = YK_DETECTION_INIT;
    yk_results_get(results, image, i, &d);
    if (json_integer_value(json_object_get(row, "class")) != d.class_id) return false;
    if (!near(json_number_value(json_object_get(row, "confidence")), (double)d.confidence, SCORE_TOLERANCE)) return false;
    if (json_object_get(row, "xywhr")) return same_obb(&d, row, tolerance);
    if (!same_box(&d, json_object_get(row, "xyxy"), tolerance)) return false;
    json_t *points = json_object_get(row, "keypoints");
    return !points || same_keypoints(results, image, i, points, tolerance);
}

/* ---- masks ---- */

/* Column-major bits of width x height out of run lengths, background first; NULL when they do not add up. */
static unsigned char *from_runs(const long long *runs, size_t n, int width, int height) {
    size_t total = (size_t)width * (size_t)height, at = 0;
    unsigned char *bits = calloc(total + 1, 1);
    for (size_t i = 0; i < n; i++) {
        if (runs[i] < 0 || (size_t)runs[i] > total - at) return free(bits), NULL;
        if (i % 2) memset(bits + at, 1, (size_t)runs[i]);
        at += (size_t)runs[i];
    }
    return at == total ? bits : (free(bits), NULL);
}

static unsigned char *reference_bits(json_t *mask, int width, int height) {
    json_t *counts = json_object_get(mask, "counts");
    size_t n = json_array_size(counts);
    long long *runs = calloc(n + 1, sizeof *runs);
    for (size_t i = 0; i < n; i++) runs[i] = json_integer_value(json_array_get(counts, i));
    unsigned char *bits = from_runs(runs, n, width, height);
    free(runs);
    return bits;
}

/* COCO's compressed text, read as pycocotools' description of the format says. */
static unsigned char *compressed_bits(const char *text, int width, int height) {
    long long *runs = calloc(strlen(text) + 1, sizeof *runs);
    size_t n = 0;
    while (*text) {
        long long v = 0;
        int shift = 0;
        bool more = true;
        while (more && *text) {
            int c = *text++ - 48;
            v |= (long long)(c & 31) << shift;
            shift += 5;
            more = c & 32;
            if (!more && (c & 16)) v -= 1LL << shift;
        }
        runs[n] = n > 2 ? v + runs[n - 2] : v;
        n++;
    }
    unsigned char *bits = from_runs(runs, n, width, height);
    free(runs);
    return bits;
}

static int bit_of(const yk_mask *mask, int x, int y) {
    int c = x - mask->x, r = y - mask->y;
    return c >= 0 && c < mask->box_width && r >= 0 && r < mask->box_height && mask->bits[r * mask->box_width + c];
}

double mask_iou(const yk_results *results, size_t image, size_t i, json_t *expected, bool *runs_agree) {
    yk_mask mask = YK_MASK_INIT;
    json_t *size = json_object_get(expected, "size");
    int height = (int)json_integer_value(json_array_get(size, 0)), width = (int)json_integer_value(json_array_get(size, 1));
    char *counts = NULL;
    int32_t rle_width = 0, rle_height = 0;
    double iou = -1;
    *runs_agree = false;
    if (yk_results_mask(results, image, i, &mask, NULL) == YK_OK && mask.width == width && mask.height == height &&
        yk_results_mask_rle(results, image, i, &rle_width, &rle_height, &counts, NULL) == YK_OK) {
        unsigned char *want = reference_bits(expected, width, height), *packed = compressed_bits(counts, rle_width, rle_height);
        long long both = 0, either = 0, different = 0;
        for (int x = 0; want && packed && x < width; x++)
            for (int y = 0; y < height; y++) {
                size_t at = (size_t)x * (size_t)height + (size_t)y;
                int bit = bit_of(&mask, x, y);
                both += bit & want[at];
                either += bit | want[at];
                different += bit != packed[at];
            }
        if (want && either > 0) iou = (double)both / (double)either;
        *runs_agree = packed && different == 0 && rle_width == width && rle_height == height;
        free(want);
        free(packed);
    }
    yk_text_destroy(&counts);
    yk_mask_destroy(&mask);
    return iou;
}
