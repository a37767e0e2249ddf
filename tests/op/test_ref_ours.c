/* The operators that are yolk's own, against restatements in double: ImageInput, Attention, YolkHead (dense and candidates).
 * The formulas restated here are those of the reference specification: DFL expectation, distances to boxes, keypoints, angles,
 * end-to-end selection, and the candidate rules of base/candidates.h. */
#include "op_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan.h"

static void image_input_bytes(void **state) {
    (void)state;
    static const uint8_t bgr[12] = {0, 51, 255, 10, 20, 30, 1, 2, 3, 4, 5, 6};
    op_case c;
    op_begin(&c, YK__OP_IMAGE_INPUT); /* true division by 255: the nearest f32 to each quotient */
    op_input(&c, YK__DTYPE_U8, "1x2x2x3", bgr);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "1x3x2x2", 0, 1, 30 / 255.0f, 3 / 255.0f, 6 / 255.0f, 51 / 255.0f, 20 / 255.0f, 2 / 255.0f, 5 / 255.0f, 0,
               10 / 255.0f, 1 / 255.0f, 4 / 255.0f);
    op_end(&c);

    op_begin(&c, YK__OP_IMAGE_INPUT); /* order, scale, mean and deviation per channel of the network's order */
    op_text(&c, "order", "bgr");
    op_float(&c, "scale", 1);
    OP_FLOATS(&c, "mean", 1, 2, 3);
    OP_FLOATS(&c, "std", 2, 4, 8);
    op_input(&c, YK__DTYPE_U8, "1x1x1x3", (const uint8_t[]){5, 10, 19});
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "1x3x1x1", 0, 2, 2, 2);
    op_end(&c);

    op_begin(&c, YK__OP_IMAGE_INPUT); /* an f32 tensor is already prepared */
    OP_F32(&c, "1x3x1x1", 0.25f, 7, -3);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "1x3x1x1", 0, 0.25f, 7, -3);
    op_end(&c);
}

/* softmax(q.k * scale) v for one head and area, in double. */
static double attention_value(const float *q, const float *k, const float *v, int dim_key, int pixels, int first, int tokens,
                              int i, double scale) {
    double top = -INFINITY, sum = 0, value = 0, score[64];
    for (int j = 0; j < tokens; j++) {
        score[j] = 0;
        for (int d = 0; d < dim_key; d++) score[j] += (double)q[d * pixels + first + i] * (double)k[d * pixels + first + j];
        score[j] *= scale;
        top = fmax(top, score[j]);
    }
    for (int j = 0; j < tokens; j++) {
        sum += exp(score[j] - top);
        value += exp(score[j] - top) * (double)v[first + j];
    }
    return value / sum;
}

static void attention(void **state) {
    (void)state;
    enum { HEADS = 2, KEY = 3, VALUE = 5, ROWS = 4, COLUMNS = 6, PIXELS = ROWS * COLUMNS, CHANNELS = 2 * KEY + VALUE };
    static float qkv[2 * HEADS * CHANNELS * PIXELS];
    uint32_t seed = 5;
    for (size_t i = 0; i < sizeof qkv / sizeof qkv[0]; i++) qkv[i] = 2 * op_random(&seed);
    for (int area = 1; area <= 4; area *= 4) {
        op_case c;
        op_begin(&c, YK__OP_ATTENTION);
        op_int(&c, "heads", HEADS);
        op_int(&c, "dim_key", KEY);
        op_int(&c, "dim_value", VALUE);
        op_int(&c, "area", area);
        op_float(&c, "scale", 0.5);
        op_input(&c, YK__DTYPE_F32, "2x22x4x6", qkv);
        op_run(&c, 2);
        const float *out = c.out[0].data, *values = c.out[1].data;
        const int tokens = PIXELS / area;
        for (int n = 0; n < 2 * HEADS; n++) { /* picture and head */
            const float *q = qkv + n * CHANNELS * PIXELS, *k = q + KEY * PIXELS, *v = k + KEY * PIXELS;
            assert_memory_equal(values + n * VALUE * PIXELS, v, VALUE * PIXELS * sizeof(float));
            for (int d = 0; d < VALUE; d++)
                for (int p = 0; p < PIXELS; p++) {
                    const int first = p / tokens * tokens;
                    const double want = attention_value(q, k, v + d * PIXELS, KEY, PIXELS, first, tokens, p - first, 0.5);
                    /* scores below 6, values below 2: a score off by 1e-6 moves the mean by at most as much times 4 */
                    assert_true(fabs((double)out[(n * VALUE + d) * PIXELS + p] - want) < 1e-5);
                }
        }
        op_end(&c);
    }
}

/* YolkHead. */

enum { LEVELS = 2, BATCH = 2, MOST_ANCHORS = 21, MOST_CHANNELS = 64 };
static const int level_rows[LEVELS] = {3, 2}, level_columns[LEVELS] = {5, 3};
static const double level_strides[LEVELS] = {8, 16};

/* What a head is asked to be, and its raw inputs. */
typedef struct head_case {
    const char *task, *family, *angle;
    int reg_max, classes, extra, kpt[2], one_to_one, k;
    const double *bins;
    float *box[LEVELS], *cls[LEVELS], *ext[LEVELS];
} head_case;

static float *random_branch(int channels, int level, double size, uint32_t *seed) {
    const int n = BATCH * channels * level_rows[level] * level_columns[level];
    float *out = malloc((size_t)n * sizeof *out);
    assert_non_null(out);
    for (int i = 0; i < n; i++) out[i] = (float)(size * (double)op_random(seed));
    return out;
}

static void head_make(head_case *h, uint32_t seed) {
    for (int l = 0; l < LEVELS; l++) {
        h->box[l] = random_branch(4 * h->reg_max, l, 4, &seed);
        h->cls[l] = random_branch(h->classes, l, 5, &seed);
        h->ext[l] = h->extra > 0 ? random_branch(h->extra, l, 3, &seed) : NULL;
    }
}

static void head_free(head_case *h) {
    for (int l = 0; l < LEVELS; l++) {
        free(h->box[l]);
        free(h->cls[l]);
        free(h->ext[l]);
    }
}

static void branch_shape(char text[64], int channels, int l) {
    snprintf(text, 64, "%dx%dx%dx%d", BATCH, channels, level_rows[l], level_columns[l]);
}

static void head_op(op_case *c, const head_case *h) {
    char shape[64];
    op_begin(c, YK__OP_YOLK_HEAD);
    op_text(c, "task", h->task);
    op_text(c, "family", h->family != NULL ? h->family : "v8");
    if (h->angle != NULL) op_text(c, "angle", h->angle);
    op_int(c, "levels", LEVELS);
    op_floats(c, "strides", LEVELS, level_strides);
    op_int(c, "reg_max", h->reg_max);
    op_int(c, "classes", h->classes);
    op_int(c, "extra", h->extra);
    op_int(c, "one_to_one", h->one_to_one);
    op_int(c, "end2end_k", h->k > 0 ? h->k : 300);
    if (h->bins != NULL) op_floats(c, "dfl_weight", h->reg_max, h->bins);
    if (h->kpt[0] > 0) OP_INTS(c, "kpt_shape", h->kpt[0], h->kpt[1]);
    for (int l = 0; l < LEVELS; l++) {
        branch_shape(shape, 4 * h->reg_max, l);
        op_input(c, YK__DTYPE_F32, shape, h->box[l]);
    }
    for (int l = 0; l < LEVELS; l++) {
        branch_shape(shape, h->classes, l);
        op_input(c, YK__DTYPE_F32, shape, h->cls[l]);
    }
    for (int l = 0; l < LEVELS && h->extra > 0; l++) {
        branch_shape(shape, h->extra, l);
        op_input(c, YK__DTYPE_F32, shape, h->ext[l]);
    }
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

/* One anchor in double: box as the export's tensor has it, then scores, then extras. */
static void restate(const head_case *h, int picture, int anchor, double *row) {
    int l = 0, cell = anchor;
    while (cell >= level_rows[l] * level_columns[l]) cell -= level_rows[l] * level_columns[l], l++;
    const int cells = level_rows[l] * level_columns[l];
    const double px = cell % level_columns[l] + 0.5, py = cell / level_columns[l] + 0.5, stride = level_strides[l];
#define RAW(branch, channels, channel) (double)h->branch[l][(picture * (channels) + (channel)) * cells + cell]
    double d[4];
    for (int side = 0; side < 4; side++) {
        double sum = 0;
        d[side] = 0;
        for (int b = 0; b < h->reg_max; b++) {
            const double e = exp(RAW(box, 4 * h->reg_max, side * h->reg_max + b));
            sum += e;
            d[side] += e * (h->bins != NULL ? h->bins[b] : b);
        }
        d[side] = h->reg_max == 1 ? RAW(box, 4, side) : d[side] / sum;
    }
    const bool obb = strcmp(h->task, "obb") == 0;
    double angle = 0;
    if (obb) angle = h->angle != NULL ? RAW(ext, 1, 0) : (sigmoid(RAW(ext, 1, 0)) - 0.25) * 3.14159265358979323846;
    if (obb) {
        const double xf = (d[2] - d[0]) / 2, yf = (d[3] - d[1]) / 2;
        row[0] = (px + xf * cos(angle) - yf * sin(angle)) * stride;
        row[1] = (py + xf * sin(angle) + yf * cos(angle)) * stride;
        row[2] = (d[0] + d[2]) * stride;
        row[3] = (d[1] + d[3]) * stride;
    } else {
        const double x1 = (px - d[0]) * stride, y1 = (py - d[1]) * stride, x2 = (px + d[2]) * stride, y2 = (py + d[3]) * stride;
        row[0] = h->one_to_one ? x1 : (x1 + x2) / 2;
        row[1] = h->one_to_one ? y1 : (y1 + y2) / 2;
        row[2] = h->one_to_one ? x2 : x2 - x1;
        row[3] = h->one_to_one ? y2 : y2 - y1;
    }
    for (int m = 0; m < h->classes; m++) row[4 + m] = sigmoid(RAW(cls, h->classes, m));
    for (int e = 0; e < h->extra; e++) {
        const double v = RAW(ext, h->extra, e), at = h->kpt[1] > 0 && e % h->kpt[1] == 1 ? py : px;
        double *out = &row[4 + h->classes + e];
        if (h->kpt[0] == 0)
            *out = obb ? angle : v;
        else if (e % h->kpt[1] == 2)
            *out = sigmoid(v);
        else
            *out = (h->family != NULL ? v + at : 2 * v + at - 0.5) * stride;
    }
#undef RAW
}

/* Coordinates stay below 400: 20 roundings of half a unit of 2^-16 at most; scores and angles are below 4. */
static bool near_enough(double got, double want) {
    return fabs(got - want) < 2e-4 && (fabs(want) > 4 || fabs(got - want) < 2e-5);
}

static void check_dense(head_case *h) {
    op_case c;
    double row[MOST_CHANNELS];
    head_op(&c, h);
    if (strcmp(h->task, "segment") == 0) { /* prototypes go through */
        static const float prototypes[BATCH * 3 * 2] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
        op_input(&c, YK__DTYPE_F32, "2x3x1x2", prototypes);
        op_run(&c, 2);
        op_expect_floats(&c, 1, "2x3x1x2", 0, prototypes);
    } else {
        op_run(&c, 1);
    }
    const int channels = 4 + h->classes + h->extra;
    assert_int_equal(c.out[0].shape.dim[1], channels);
    assert_int_equal(c.out[0].shape.dim[2], MOST_ANCHORS);
    for (int n = 0; n < BATCH; n++)
        for (int a = 0; a < MOST_ANCHORS; a++) {
            restate(h, n, a, row);
            for (int k = 0; k < channels; k++) {
                const double got = (double)((float *)c.out[0].data)[(n * channels + k) * MOST_ANCHORS + a];
                if (!near_enough(got, row[k])) fail_msg("%s anchor %d channel %d: %g, expected %g", h->task, a, k, got, row[k]);
            }
        }
    op_end(&c);
}

static void head_dense(void **state) {
    (void)state;
    static const double bins[16] = {0, 1.5, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    head_case cases[] = {
        {.task = "detect", .reg_max = 16, .classes = 5},
        {.task = "detect", .reg_max = 16, .classes = 1, .bins = bins},
        {.task = "detect", .reg_max = 1, .classes = 3},
        {.task = "segment", .reg_max = 16, .classes = 2, .extra = 3},
        {.task = "pose", .reg_max = 16, .classes = 1, .extra = 6, .kpt = {2, 3}},
        {.task = "pose", .reg_max = 16, .classes = 1, .extra = 4, .kpt = {2, 2}},
        {.task = "obb", .reg_max = 16, .classes = 2, .extra = 1},
        {.task = "obb", .reg_max = 1, .classes = 2, .extra = 1, .angle = "raw"},
        {.task = "pose", .family = "26", .reg_max = 1, .classes = 1, .extra = 6, .kpt = {2, 3}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        head_make(&cases[i], (uint32_t)i + 10);
        check_dense(&cases[i]);
        head_free(&cases[i]);
    }
}

/* (score, anchor, class) of every pair of a picture, best first; equal scores by lowest anchor, then class. */
typedef struct pair {
    double score;
    int anchor, class_id;
} pair;

static int by_score(const void *a, const void *b) {
    const pair *p = a, *q = b;
    if (p->score != q->score) return p->score > q->score ? -1 : 1;
    return p->anchor != q->anchor ? p->anchor - q->anchor : p->class_id - q->class_id;
}

static int all_pairs(const head_case *h, int picture, pair *out) {
    int n = 0;
    for (int a = 0; a < MOST_ANCHORS; a++) {
        double row[MOST_CHANNELS];
        restate(h, picture, a, row);
        for (int m = 0; m < h->classes; m++) out[n++] = (pair){row[4 + m], a, m};
    }
    qsort(out, (size_t)n, sizeof *out, by_score);
    return n;
}

/* With distinct scores the k best pairs of the k best anchors are the k best pairs. */
static void head_end2end(void **state) {
    (void)state;
    head_case cases[] = {{.task = "detect", .reg_max = 1, .classes = 3, .one_to_one = 1, .k = 7},
                         {.task = "pose", .reg_max = 1, .classes = 2, .extra = 3, .kpt = {1, 3}, .one_to_one = 1, .k = 300},
                         {.task = "obb", .reg_max = 1, .classes = 2, .extra = 1, .angle = "raw", .one_to_one = 1, .k = 5}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        head_case *h = &cases[i];
        op_case c;
        head_make(h, (uint32_t)i + 40);
        head_op(&c, h);
        op_run(&c, 1);
        const int k = h->k < MOST_ANCHORS ? h->k : MOST_ANCHORS, width = 6 + h->extra;
        assert_int_equal(c.out[0].shape.dim[1], k);
        assert_int_equal(c.out[0].shape.dim[2], width);
        for (int n = 0; n < BATCH; n++) {
            pair pairs[MOST_ANCHORS * 3];
            all_pairs(h, n, pairs);
            for (int r = 0; r < k; r++) {
                const float *got = (float *)c.out[0].data + (n * k + r) * width;
                double row[MOST_CHANNELS];
                restate(h, n, pairs[r].anchor, row);
                for (int b = 0; b < 4; b++) assert_true(near_enough((double)got[b], row[b]));
                assert_true(near_enough((double)got[4], pairs[r].score));
                assert_int_equal((int)got[5], pairs[r].class_id);
                for (int e = 0; e < h->extra; e++) assert_true(near_enough((double)got[6 + e], row[4 + h->classes + e]));
            }
        }
        op_end(&c);
        head_free(h);
    }
}

/* Equal scores: lowest anchor first, then lowest class. */
static void head_end2end_ties(void **state) {
    (void)state;
    head_case h = {.task = "detect", .reg_max = 1, .classes = 2, .one_to_one = 1, .k = 4};
    op_case c;
    head_make(&h, 3);
    for (int l = 0; l < LEVELS; l++)
        for (int i = 0; i < BATCH * 2 * level_rows[l] * level_columns[l]; i++) h.cls[l][i] = 0.5f;
    head_op(&c, &h);
    op_run(&c, 1);
    for (int r = 0; r < 4; r++) {
        double row[MOST_CHANNELS];
        restate(&h, 0, r / 2, row);
        assert_true(near_enough((double)((float *)c.out[0].data)[r * 6], row[0]));
        assert_int_equal((int)((float *)c.out[0].data)[r * 6 + 5], r % 2);
    }
    op_end(&c);
    head_free(&h);
}

/* Candidates: a plan with the head's first input given at run time and the others as constants. */

typedef struct candidate_run {
    yk__candidates pictures[BATCH];
    yk__candidate items[BATCH][MOST_ANCHORS * 4];
    float extra[BATCH][MOST_ANCHORS * 4 * 8];
} candidate_run;

static void run_candidates(const head_case *h, const yk__head_params *params, int capacity, candidate_run *run) {
    op_case c;
    yk__error err;
    head_op(&c, h);
    int32_t in[OP_CASE_OPERANDS], out;
    for (int i = 0; i < c.n_in; i++) {
        in[i] = yk__graph_add_value(&c.graph, "in", YK__DTYPE_F32, &c.in[i].shape, i > 0 ? c.in[i].data : NULL);
        assert_true(in[i] >= 0);
    }
    const yk__shape unknown = {.rank = 3, .dim = {-1, -1, -1}};
    out = yk__graph_add_value(&c.graph, "out", YK__DTYPE_F32, &unknown, NULL);
    c.node = &c.graph.nodes[0];
    c.node->in = in;
    c.node->n_in = c.n_in;
    c.node->out = &out;
    c.node->n_out = 1;
    c.graph.inputs = in;
    c.graph.outputs = &out;
    c.graph.n_inputs = c.graph.n_outputs = 1;
    yk__plan_options options = {.backends = {yk__backend_ref()}, .n_backends = 1, .n_threads = 1, .evaluate = yk__ref_evaluate};
    yk__specialisation *plan;
    if (yk__plan_create(&plan, &c.graph, &c.in[0].shape, &options, &err) != YK__OK) fail_msg("%s", err.message);
    uint8_t *memory = yk__alloc_aligned(plan->memory_bytes + 1);
    assert_non_null(memory);
    memset(run, 0x55, sizeof *run);
    for (int n = 0; n < BATCH; n++)
        run->pictures[n] =
            (yk__candidates){.capacity = capacity, .n_extra = h->extra, .items = run->items[n], .extra = run->extra[n]};
    yk__exec exec = {.memory = memory, .input.tensor = c.in[0].data, .params = *params, .candidates = run->pictures};
    if (yk__plan_execute(plan, &exec, NULL, &err) != YK__OK) fail_msg("%s", err.message);
    yk__free_aligned(memory, plan->memory_bytes + 1);
    yk__plan_destroy(&plan);
    op_end(&c);
}

/* The rules restated: which (anchor, class) rows a picture has, in the order they must come in. */
static int expected_rows(const head_case *h, const yk__head_params *p, int picture, int capacity, pair *out, int *found) {
    pair pairs[MOST_ANCHORS * 4];
    const int n = all_pairs(h, picture, pairs);
    bool taken[MOST_ANCHORS] = {false};
    int kept = 0, seen = 0;
    *found = 0;
    for (int i = 0; i < n; i++) { /* best first, so an anchor's first pair is its best class */
        const pair *q = &pairs[i];
        if (!(q->score > (double)p->conf)) continue;
        const bool first = !taken[q->anchor], masked = p->class_mask != NULL && p->class_mask[q->class_id] == 0;
        taken[q->anchor] = true;
        if (!first && !p->multi_label && !h->one_to_one) continue;
        const int k = h->k < MOST_ANCHORS ? h->k : MOST_ANCHORS; /* the selection never has more rows than anchors */
        const int limit = h->one_to_one && k < capacity ? k : capacity;
        if (h->one_to_one && seen++ >= limit) {
            *found += !masked;
            continue;
        }
        if (masked) continue;
        (*found)++;
        if (kept < limit) out[kept++] = *q;
    }
    for (int i = 1; i < kept; i++) /* rising anchor, then class */
        for (int k = i; k > 0 && (out[k].anchor < out[k - 1].anchor ||
                                  (out[k].anchor == out[k - 1].anchor && out[k].class_id < out[k - 1].class_id));
             k--) {
            const pair swap = out[k];
            out[k] = out[k - 1];
            out[k - 1] = swap;
        }
    return kept;
}

static void check_candidates(const head_case *h, const yk__head_params *p, int capacity) {
    static candidate_run run;
    run_candidates(h, p, capacity, &run);
    for (int n = 0; n < BATCH; n++) {
        pair want[MOST_ANCHORS * 4];
        int found;
        const int count = expected_rows(h, p, n, capacity, want, &found);
        const yk__candidates *got = &run.pictures[n];
        assert_int_equal(got->count, count);
        assert_int_equal(got->found, found);
        for (int i = 0; i < count; i++) {
            const yk__candidate *item = &got->items[i];
            double row[MOST_CHANNELS];
            restate(h, n, want[i].anchor, row);
            assert_int_equal(item->anchor, want[i].anchor);
            assert_int_equal(item->class_id, want[i].class_id);
            assert_true(near_enough((double)item->score, want[i].score));
            const bool as_is = h->one_to_one || strcmp(h->task, "obb") == 0;
            const double box[4] = {as_is ? row[0] : row[0] - row[2] / 2, as_is ? row[1] : row[1] - row[3] / 2,
                                   as_is ? row[2] : row[0] + row[2] / 2, as_is ? row[3] : row[1] + row[3] / 2};
            for (int b = 0; b < 4; b++) assert_true(near_enough((double)item->box[b], box[b]));
            for (int e = 0; e < h->extra; e++)
                assert_true(near_enough((double)got->extra[item->extra * h->extra + e], row[4 + h->classes + e]));
        }
    }
}

static void head_candidates(void **state) {
    (void)state;
    static const uint8_t mask[3] = {1, 0, 1};
    head_case cases[] = {{.task = "detect", .reg_max = 16, .classes = 3},
                         {.task = "pose", .reg_max = 16, .classes = 3, .extra = 3, .kpt = {1, 3}},
                         {.task = "obb", .reg_max = 16, .classes = 3, .extra = 1},
                         {.task = "detect", .reg_max = 1, .classes = 3, .one_to_one = 1, .k = 9},
                         {.task = "obb", .reg_max = 1, .classes = 3, .extra = 1, .angle = "raw", .one_to_one = 1, .k = 300}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        head_make(&cases[i], (uint32_t)i + 70);
        for (int multi = 0; multi < 2; multi++)
            for (int masked = 0; masked < 2; masked++) {
                yk__head_params params = {.conf = 0.3f, .multi_label = multi != 0, .class_mask = masked ? mask : NULL};
                check_candidates(&cases[i], &params, MOST_ANCHORS * 4);
                check_candidates(&cases[i], &params, 4);
                params.conf = 0.999999f;
                check_candidates(&cases[i], &params, 4);
                params.conf = 0;
                check_candidates(&cases[i], &params, 1);
            }
        head_free(&cases[i]);
    }
}

/* Strictly above, compared in f32: a score equal to conf is dropped. NaN never passes. */
static void head_threshold(void **state) {
    (void)state;
    static candidate_run run;
    head_case h = {.task = "detect", .reg_max = 1, .classes = 1};
    head_make(&h, 9);
    for (int l = 0; l < LEVELS; l++)
        for (int i = 0; i < BATCH * level_rows[l] * level_columns[l]; i++) h.cls[l][i] = -20;
    h.cls[0][0] = 0; /* exactly 0.5 */
    h.cls[0][1] = NAN;
    h.cls[0][2] = 1e-6f;
    run_candidates(&h, &(yk__head_params){.conf = 0.5f}, 10, &run);
    assert_int_equal(run.pictures[0].count, 1);
    assert_int_equal(run.pictures[0].items[0].anchor, 2);
    assert_int_equal(run.pictures[1].count, 0);
    head_free(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(image_input_bytes), cmocka_unit_test(attention),         cmocka_unit_test(head_dense),
        cmocka_unit_test(head_end2end),      cmocka_unit_test(head_end2end_ties), cmocka_unit_test(head_candidates),
        cmocka_unit_test(head_threshold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
