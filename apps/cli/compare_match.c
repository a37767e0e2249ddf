/* Which detection of one answer is which of the other. */
#include "compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Overlap below which two boxes are not the same thing. */
#define SAME_THING 0.5

static yk_detection get(const yk_results *results, size_t image, size_t i) {
    yk_detection d = YK_DETECTION_INIT;
    yk_results_get(results, image, i, &d);
    return d;
}

static double box_distance(const yk_detection *p, const yk_detection *q) {
    double d = fmax(fabs((double)(p->x1 - q->x1)), fabs((double)(p->y1 - q->y1)));
    return fmax(d, fmax(fabs((double)(p->x2 - q->x2)), fabs((double)(p->y2 - q->y2))));
}

/* ---- overlap ---- */

static double area(const double (*p)[2], int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
        const double *a = p[i], *b = p[(i + 1) % n];
        sum += a[0] * b[1] - a[1] * b[0];
    }
    return sum / 2;
}

/* The part of a polygon on the left of the line from `from` to `to` (Sutherland and Hodgman, 1974). */
static int clip(double (*p)[2], int n, const double from[2], const double to[2]) {
    double out[16][2];
    int m = 0;
    for (int i = 0; i < n && m < 15; i++) {
        const double *a = p[i], *b = p[(i + 1) % n];
        double side_a = (to[0] - from[0]) * (a[1] - from[1]) - (to[1] - from[1]) * (a[0] - from[0]);
        double side_b = (to[0] - from[0]) * (b[1] - from[1]) - (to[1] - from[1]) * (b[0] - from[0]);
        if (side_a >= 0) memcpy(out[m++], a, sizeof out[0]);
        if ((side_a >= 0) != (side_b >= 0)) {
            double share = side_a / (side_a - side_b);
            out[m][0] = a[0] + share * (b[0] - a[0]);
            out[m++][1] = a[1] + share * (b[1] - a[1]);
        }
    }
    memcpy(p, out, (size_t)m * sizeof out[0]);
    return m;
}

/* Corners so that the area is positive. */
static double take_corners(const yk_detection *d, double p[4][2]) {
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 2; k++) p[i][k] = (double)d->corners[i][k];
    double size = area((const double(*)[2])p, 4);
    if (size >= 0) return size;
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 2; k++) p[i][k] = (double)d->corners[3 - i][k];
    return -size;
}

static double oriented_iou(const yk_detection *a, const yk_detection *b) {
    double p[16][2], q[4][2];
    double size_a = take_corners(a, p), size_b = take_corners(b, q);
    int n = 4;
    for (int i = 0; i < 4 && n > 0; i++) n = clip(p, n, q[i], q[(i + 1) % 4]);
    double both = n > 2 ? area((const double(*)[2])p, n) : 0;
    return size_a + size_b - both > 0 ? both / (size_a + size_b - both) : 0;
}

double compare_box_iou(const yk_detection *a, const yk_detection *b, bool oriented) {
    if (oriented) return oriented_iou(a, b);
    double w = (double)(fminf(a->x2, b->x2) - fmaxf(a->x1, b->x1)), h = (double)(fminf(a->y2, b->y2) - fmaxf(a->y1, b->y1));
    double both = w > 0 && h > 0 ? w * h : 0;
    double either =
        (double)(a->x2 - a->x1) * (double)(a->y2 - a->y1) + (double)(b->x2 - b->x1) * (double)(b->y2 - b->y1) - both;
    return either > 0 ? both / either : 0;
}

static int bit(const yk_mask *m, int x, int y) {
    int c = x - m->x, r = y - m->y;
    return c >= 0 && r >= 0 && c < m->box_width && r < m->box_height && m->bits[(size_t)r * (size_t)m->box_width + (size_t)c];
}

double compare_mask_iou(const yk_results *a, size_t i, const yk_results *b, size_t j, size_t image) {
    yk_mask p = YK_MASK_INIT, q = YK_MASK_INIT;
    double iou = -1;
    if (yk_results_mask(a, image, i, &p, NULL) == YK_OK && yk_results_mask(b, image, j, &q, NULL) == YK_OK &&
        p.width == q.width && p.height == q.height) {
        int left = p.x < q.x ? p.x : q.x, top = p.y < q.y ? p.y : q.y;
        int right = p.x + p.box_width > q.x + q.box_width ? p.x + p.box_width : q.x + q.box_width;
        int bottom = p.y + p.box_height > q.y + q.box_height ? p.y + p.box_height : q.y + q.box_height;
        long long both = 0, either = 0;
        for (int y = top; y < bottom; y++)
            for (int x = left; x < right; x++) {
                both += bit(&p, x, y) & bit(&q, x, y);
                either += bit(&p, x, y) | bit(&q, x, y);
            }
        iou = either ? (double)both / (double)either : 1;
    }
    yk_mask_destroy(&p);
    yk_mask_destroy(&q);
    return iou;
}

/* ---- matching ---- */

typedef struct matching {
    const yk_results *a, *b;
    size_t image, n, m;
    size_t *of_a;
    bool *taken;
    bool oriented;
} matching;

static bool begin(matching *g, const yk_results *a, const yk_results *b, size_t image) {
    *g = (matching){.a = a, .b = b, .image = image, .n = yk_results_count(a, image), .m = yk_results_count(b, image)};
    g->of_a = calloc(g->n + 1, sizeof *g->of_a);
    g->taken = calloc(g->m + 1, sizeof *g->taken);
    if (g->n) g->oriented = get(a, image, 0).xywhr[2] > 0;
    for (size_t i = 0; g->of_a && i < g->n; i++) g->of_a[i] = COMPARE_NONE;
    return g->of_a && g->taken;
}

/* How good a partner is, larger is better; negative: none at all. */
typedef double (*worth_fn)(const matching *g, const yk_detection *p, const yk_detection *q);

static double worth_near(const matching *g, const yk_detection *p, const yk_detection *q) {
    (void)g;
    /* not the same box at all when further apart than it is large */
    double size = fmax((double)(p->x2 - p->x1), (double)(p->y2 - p->y1)), distance = box_distance(p, q);
    return distance <= fmax(size, 1) ? 1 / (1 + distance) : -1;
}

static double worth_overlap(const matching *g, const yk_detection *p, const yk_detection *q) {
    double iou = compare_box_iou(p, q, g->oriented);
    return iou >= SAME_THING ? iou : -1;
}

static void pass(matching *g, worth_fn worth, bool any_class) {
    for (size_t i = 0; i < g->n; i++) {
        yk_detection p = get(g->a, g->image, i);
        double best = -1;
        if (g->of_a[i] != COMPARE_NONE) continue;
        for (size_t j = 0; j < g->m; j++) {
            yk_detection q = get(g->b, g->image, j);
            if (g->taken[j] || (!any_class && p.class_id != q.class_id)) continue;
            double value = worth(g, &p, &q);
            if (value <= best) continue;
            best = value;
            g->of_a[i] = j;
        }
        if (g->of_a[i] != COMPARE_NONE) g->taken[g->of_a[i]] = true;
    }
}

static size_t *finish(matching *g, bool ok) {
    free(g->taken);
    if (ok) return g->of_a;
    free(g->of_a);
    cli_say("out of memory for comparing");
    return NULL;
}

size_t *compare_match_near(const yk_results *a, const yk_results *b, size_t image) {
    matching g;
    bool ok = begin(&g, a, b, image);
    if (ok) pass(&g, worth_near, false);
    return finish(&g, ok);
}

size_t *compare_match_overlap(const yk_results *a, const yk_results *b, size_t image, bool other_classes) {
    matching g;
    bool ok = begin(&g, a, b, image);
    if (ok) pass(&g, worth_overlap, false);
    if (ok && other_classes) pass(&g, worth_overlap, true);
    return finish(&g, ok);
}

compare_pair compare_pair_of(const yk_results *a, size_t i, const yk_results *b, size_t j, size_t image) {
    yk_detection p = get(a, image, i), q = get(b, image, j);
    compare_pair pair = {.score = fabs((double)p.confidence - (double)q.confidence), .box = box_distance(&p, &q)};
    for (int k = 0; k < 4; k++) pair.box = fmax(pair.box, fabs((double)p.xywhr[k] - (double)q.xywhr[k]));
    pair.angle = fabs((double)p.xywhr[4] - (double)q.xywhr[4]);
    size_t n = 0, m = 0, numbers = 0, others = 0;
    const float *x = yk_results_keypoints(a, image, i, &n, &numbers), *y = yk_results_keypoints(b, image, j, &m, &others);
    if (!x || !y || n != m || numbers != others) {
        if (x || y) pair.points = INFINITY;
        return pair;
    }
    for (size_t k = 0; k < n * numbers; k++) {
        double d = fabs((double)x[k] - (double)y[k]);
        if (k % numbers < 2)
            pair.points = fmax(pair.points, d);
        else
            pair.visible = fmax(pair.visible, d);
    }
    return pair;
}
