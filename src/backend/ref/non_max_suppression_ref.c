/* NonMaxSuppression: per picture and class, boxes in falling score (equal ones: lowest index first), each kept unless it
 * overlaps a kept one by more than the threshold. Rows picture, class, box. How many there are is only known now: the output's
 * shape is cut to it. */
#include "backend/ref/ops_ref.h"

/* Box comparisons one call may take: about a minute of work, thousands of times what a YOLO asks for. */
#define MAX_COMPARISONS ((int64_t)10000000000)

typedef struct nms_job {
    const float *boxes, *scores; /* of one picture, of one class */
    int64_t n;
    bool centre; /* boxes are cx cy w h, else two opposite corners */
    float iou_threshold;
} nms_job;

static void corners(const nms_job *job, int64_t i, float out[4]) {
    const float *b = job->boxes + 4 * i;
    if (job->centre) {
        out[0] = b[0] - b[2] / 2;
        out[1] = b[1] - b[3] / 2;
        out[2] = b[0] + b[2] / 2;
        out[3] = b[1] + b[3] / 2;
        return;
    }
    for (int d = 0; d < 2; d++) {
        out[d] = b[d] < b[d + 2] ? b[d] : b[d + 2];
        out[d + 2] = b[d] < b[d + 2] ? b[d + 2] : b[d];
    }
}

static bool overlaps(const nms_job *job, int64_t i, int64_t j) {
    float a[4], b[4], sides[2];
    corners(job, i, a);
    corners(job, j, b);
    for (int d = 0; d < 2; d++) {
        const float low = a[d] > b[d] ? a[d] : b[d], high = a[d + 2] < b[d + 2] ? a[d + 2] : b[d + 2];
        sides[d] = high - low > 0 ? high - low : 0;
    }
    const float both = sides[0] * sides[1];
    const float area_a = (a[2] - a[0]) * (a[3] - a[1]), area_b = (b[2] - b[0]) * (b[3] - b[1]);
    if (both <= 0 || area_a <= 0 || area_b <= 0) return false;
    return both / (area_a + area_b - both) > job->iou_threshold;
}

static bool before(const nms_job *job, int32_t a, int32_t b) {
    return job->scores[a] != job->scores[b] ? job->scores[a] > job->scores[b] : a < b;
}

/* A heap with the best box in front: boxes are taken from it one by one, and most are never needed. */
static void sift_down(const nms_job *job, int32_t *heap, int64_t n, int64_t at) {
    const int32_t moved = heap[at];
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child >= n) break;
        if (child + 1 < n && before(job, heap[child + 1], heap[child])) child++;
        if (!before(job, heap[child], moved)) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

/* Keeps at most `most` boxes; their indices into kept. -1 when the comparisons run out. */
static int64_t suppress(const nms_job *job, int32_t *heap, int64_t in_heap, int64_t most, int32_t *kept, int64_t *budget) {
    int64_t n = 0;
    for (int64_t i = in_heap / 2 - 1; i >= 0; i--) sift_down(job, heap, in_heap, i);
    while (in_heap > 0 && n < most) {
        const int32_t box = heap[0];
        heap[0] = heap[--in_heap];
        if (in_heap > 0) sift_down(job, heap, in_heap, 0);
        *budget -= n;
        if (*budget < 0) return -1;
        bool keep = true;
        for (int64_t i = 0; i < n && keep; i++) keep = !overlaps(job, kept[i], box);
        if (keep) kept[n++] = box;
    }
    return n;
}

size_t yk__ref_non_max_suppression_scratch(const yk__ref_call *call, int n_threads) {
    (void)n_threads;
    const int64_t n = call->in[0].shape.rank == 3 ? call->in[0].shape.dim[1] : 0;
    const size_t heap = yk__ref_scratch_add(0, n, sizeof(int32_t));
    return heap == SIZE_MAX ? heap : yk__ref_scratch_add(heap, n, sizeof(int32_t));
}

yk__code yk__ref_non_max_suppression(const yk__ref_call *call, yk__error *err) {
    const yk__shape *boxes = &call->in[0].shape, *scores = &call->in[1].shape;
    if (boxes->rank != 3 || scores->rank != 3 || boxes->dim[2] != 4 || scores->dim[0] != boxes->dim[0] ||
        scores->dim[2] != boxes->dim[1] || boxes->dim[1] > INT32_MAX || call->in[1].dtype != YK__DTYPE_F32)
        return yk__fail(err, YK__SHAPE, "NonMaxSuppression '%s': boxes and scores do not fit together", call->node->name);
    const int64_t n = boxes->dim[1], classes = scores->dim[1], room = call->out[0].shape.dim[0];
    const int64_t most = yk__ref_present(call, 2) ? yk__ref_integer(&call->in[2], 0) : 0;
    const bool has_threshold = yk__ref_present(call, 4);
    const float score_threshold = has_threshold ? (float)yk__ref_number(&call->in[4], 0) : 0;
    nms_job job = {.n = n,
                   .centre = yk__node_int(call->node, "center_point_box", 0) != 0,
                   .iou_threshold = yk__ref_present(call, 3) ? (float)yk__ref_number(&call->in[3], 0) : 0};
    yk__ref_scratch scratch = yk__ref_scratch_of(call);
    int32_t *heap = yk__ref_take(&scratch, n, sizeof *heap), *kept = yk__ref_take(&scratch, n, sizeof *kept);
    if (n > 0 && (heap == NULL || kept == NULL)) return yk__ref_no_scratch(call, err);

    int64_t rows = 0, budget = MAX_COMPARISONS, *out = call->out[0].data;
    for (int64_t group = 0; group < boxes->dim[0] * classes; group++) {
        job.boxes = (const float *)call->in[0].data + group / classes * n * 4;
        job.scores = (const float *)call->in[1].data + group * n;
        int64_t in_heap = 0;
        for (int64_t i = 0; i < n; i++) /* a NaN is nothing to order by and never kept */
            if (has_threshold ? job.scores[i] > score_threshold : job.scores[i] == job.scores[i]) heap[in_heap++] = (int32_t)i;
        const int64_t found = suppress(&job, heap, in_heap, most, kept, &budget);
        if (found < 0)
            return yk__fail(err, YK__LIMIT, "NonMaxSuppression '%s': %lld boxes take too many comparisons", call->node->name,
                            (long long)n);
        if (rows + found > room)
            return yk__fail(err, YK__INTERNAL, "NonMaxSuppression '%s': more boxes than were planned for", call->node->name);
        for (int64_t i = 0; i < found; i++, rows++) {
            out[3 * rows] = group / classes;
            out[3 * rows + 1] = group % classes;
            out[3 * rows + 2] = kept[i];
        }
    }
    call->out[0].shape.dim[0] = rows;
    return YK__OK;
}
