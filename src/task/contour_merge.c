/* Several contours as one polygon: a walk along the list and back, crossing from contour to contour where they are closest. */
#include "task/contour.h"

/* Where a contour meets the one before it (in) and the one behind it (out): indices of its points. The first contour has no
 * in, the last no out; both are then equal. */
typedef struct link {
    int32_t in, out;
} link;

static int64_t squared(int64_t v) {
    return v * v;
}

typedef struct bounds {
    int32_t left, top, right, bottom;
} bounds;

static bounds bounds_of(const yk__contour *c) {
    bounds b = {c->points[0].x, c->points[0].y, c->points[0].x, c->points[0].y};
    for (int32_t i = 1; i < c->n; i++) {
        const yk__point *p = &c->points[i];
        b.left = p->x < b.left ? p->x : b.left;
        b.right = p->x > b.right ? p->x : b.right;
        b.top = p->y < b.top ? p->y : b.top;
        b.bottom = p->y > b.bottom ? p->y : b.bottom;
    }
    return b;
}

/* No point inside the bounds is closer to p than this. */
static int64_t least_distance(const bounds *b, const yk__point *p) {
    int32_t dx = p->x < b->left ? b->left - p->x : p->x > b->right ? p->x - b->right : 0;
    int32_t dy = p->y < b->top ? b->top - p->y : p->y > b->bottom ? p->y - b->bottom : 0;
    return squared(dx) + squared(dy);
}

/* The closest pair of corners; of equals the first, the earlier contour's index counting first. */
static void closest_pair(const yk__contour *a, const yk__contour *b, int32_t *in_a, int32_t *in_b) {
    int64_t least = INT64_MAX;
    bounds around = bounds_of(b);
    for (int32_t i = 0; i < a->n; i++) {
        if (least_distance(&around, &a->points[i]) >= least) continue;
        for (int32_t j = 0; j < b->n; j++) {
            int64_t d = squared(a->points[i].x - b->points[j].x) + squared(a->points[i].y - b->points[j].y);
            if (d >= least) continue;
            least = d;
            *in_a = i;
            *in_b = j;
        }
    }
}

/* A contour that is entered behind the point where it is left is walked the other way round. */
static void turn(yk__contour *c, link *l) {
    if (l->in <= l->out) return;
    for (int32_t i = 0, j = c->n - 1; i < j; i++, j--) {
        yk__point keep = c->points[i];
        c->points[i] = c->points[j];
        c->points[j] = keep;
    }
    l->in = c->n - 1 - l->in;
    l->out = c->n - 1 - l->out;
}

/* Points from .. to (inclusive) of the contour as seen from its entry, where point n is the entry again. */
static void emit(yk__contour *out, const yk__contour *c, const link *l, int32_t from, int32_t to) {
    for (int32_t i = from; i <= to; i++) out->points[out->n++] = c->points[((int64_t)l->in + i) % c->n];
}

yk__code yk__contours_merge(yk__contour *contours, size_t n_contours, yk__arena *arena, yk__contour *out, yk__error *err) {
    size_t total = 0;
    *out = (yk__contour){0};
    if (n_contours < 2) {
        if (n_contours) *out = contours[0];
        return YK__OK;
    }
    for (size_t i = 0; i < n_contours; i++) total += (size_t)contours[i].n + 2; /* the entry twice, and the exit */
    link *links = yk__arena_array(arena, n_contours, sizeof *links);
    out->points = yk__arena_array(arena, total, sizeof *out->points);
    if (!links || !out->points || total > INT32_MAX) return yk__arena_error(arena, "the polygon of a mask", err);
    for (size_t i = 1; i < n_contours; i++) closest_pair(&contours[i - 1], &contours[i], &links[i - 1].out, &links[i].in);
    links[0].in = links[0].out;
    links[n_contours - 1].out = links[n_contours - 1].in;
    for (size_t i = 0; i < n_contours; i++) {
        turn(&contours[i], &links[i]);
        bool end = i == 0 || i == n_contours - 1;
        emit(out, &contours[i], &links[i], 0, end ? contours[i].n : links[i].out - links[i].in);
    }
    for (size_t i = n_contours - 2; i > 0; i--) emit(out, &contours[i], &links[i], links[i].out - links[i].in, contours[i].n);
    return YK__OK;
}
