/* YolkHead: keeping the best candidates in a fixed number of places, without allocating. */
#include "backend/ref/yolk_head_ref.h"

typedef bool (*before_fn)(const yk__candidate *a, const yk__candidate *b);

static bool earlier(const yk__candidate *a, const yk__candidate *b) {
    return a->anchor != b->anchor ? a->anchor < b->anchor : a->class_id < b->class_id;
}

static bool better(const yk__candidate *a, const yk__candidate *b) {
    return a->score != b->score ? a->score > b->score : earlier(a, b);
}

/* A heap whose front comes after all others in the order that `before` tells. */
static void sift_down(yk__candidate *items, int32_t n, int32_t at, before_fn before) {
    const yk__candidate moved = items[at];
    for (;;) {
        int32_t child = 2 * at + 1;
        if (child >= n) break;
        if (child + 1 < n && before(&items[child], &items[child + 1])) child++;
        if (!before(&moved, &items[child])) break;
        items[at] = items[child];
        at = child;
    }
    items[at] = moved;
}

static void make_heap(yk__candidate *items, int32_t n, before_fn before) {
    for (int32_t i = n / 2 - 1; i >= 0; i--) sift_down(items, n, i, before);
}

static void sort(yk__candidate *items, int32_t n, before_fn before) {
    make_heap(items, n, before);
    for (int32_t last = n - 1; last > 0; last--) {
        const yk__candidate front = items[0];
        items[0] = items[last];
        items[last] = front;
        sift_down(items, last, 0, before);
    }
}

void yk__ref_best_offer(yk__ref_best *best, float score, int64_t anchor, int64_t class_id) {
    const yk__candidate item = {.score = score, .class_id = (int32_t)class_id, .anchor = (int32_t)anchor};
    if (best->count < best->capacity) {
        best->items[best->count++] = item;
        return;
    }
    if (best->capacity == 0) return;
    if (!best->heap) make_heap(best->items, best->count, better);
    best->heap = true;
    if (!better(&item, &best->items[0])) return;
    best->items[0] = item;
    sift_down(best->items, best->count, 0, better);
}

void yk__ref_best_sort_by_score(yk__ref_best *best) {
    sort(best->items, best->count, better);
}

void yk__ref_best_sort_by_anchor(yk__ref_best *best) {
    sort(best->items, best->count, earlier);
}
