/* The last layer: branches of every level into YolkHead, or a classifier; and what it says for the recipe. A head of two
 * branches (one-to-many, one-to-one) gives the one that was asked for; a file that lost its one-to-many branch has no choice.
 */
#include <stdio.h>
#include <string.h>

#include "import/pt_build.h"

enum { MAX_BINS = 256, MAX_CLASSES = 100000, MAX_KEYPOINTS = 1024 };

typedef struct head {
    yk__task task;
    const char *prefix; /* of the chosen branches' names: "" or "one2one_" */
    bool one_to_one, raw_angle, family26;
    int levels;
    int64_t reg_max, classes, extra, kpt_shape[2];
    int32_t x[YK__PT_MAX_LEVELS];          /* feature maps */
    int32_t in[3 * YK__PT_MAX_LEVELS + 1]; /* of the node: boxes, classes, extras, prototypes */
    int n_in;
} head;

/* ---- choosing and building branches ---- */

static yk__code choose_branches(yk__pt_build *b, yk__py module, head *h) {
    const bool many = yk__pt_has(b, module, "cv2"), one = yk__pt_has(b, module, "one2one_cv2");
    if (!many && !one) return yk__pt_fail(b, module, YK__GRAPH, "it has neither the branch cv2 nor one2one_cv2");
    if (b->end2end && !one) {
        return yk__fail(b->err, YK__ARGUMENT,
                        "--end2end: this model has no one-to-one head; only YOLOv10 and YOLO26 have one, and not where it was "
                        "dropped on saving");
    }
    h->one_to_one = one && (b->end2end || !many);
    h->prefix = h->one_to_one ? "one2one_" : "";
    return YK__OK;
}

static yk__code read_levels(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, head *h) {
    if (n_in < 1 || n_in > YK__PT_MAX_LEVELS)
        return yk__pt_fail(b, module, YK__LIMIT, "%d levels; at most %d", n_in, YK__PT_MAX_LEVELS);
    for (int i = 0; i < n_in; i++) {
        if (in[i].n != 1) return yk__pt_fail(b, module, YK__GRAPH, "input %d is a list", i);
        h->x[i] = in[i].value[0];
    }
    h->levels = n_in;
    return YK__OK;
}

/* The module of one level in the list <prefix><name>, on the given values (one per level); all must give as many channels. */
static yk__code branch(yk__pt_build *b, yk__py module, const head *h, const char *name, const int32_t *x, int32_t *y,
                       int64_t *channels) {
    char full[40];
    snprintf(full, sizeof full, "%s%s", h->prefix, name);
    if (yk__pt_list_length(b, module, full) != h->levels) {
        return yk__pt_fail(b, module, YK__GRAPH, "its branch %s has %d levels and its input %d", full,
                           yk__pt_list_length(b, module, full), h->levels);
    }
    for (int i = 0; i < h->levels; i++) {
        YK__TRY(yk__pt_list_part(b, module, full, i, x[i], &y[i]));
        const int64_t n = yk__pt_channels(b, y[i]);
        if (i == 0) *channels = n;
        if (n != *channels || n < 1)
            return yk__pt_fail(b, module, YK__GRAPH, "its branch %s differs in channels between levels", full);
    }
    return YK__OK;
}

static yk__code boxes_and_classes(yk__pt_build *b, yk__py module, head *h) {
    int64_t boxes, classes;
    YK__TRY(branch(b, module, h, "cv2", h->x, h->in, &boxes));
    YK__TRY(branch(b, module, h, "cv3", h->x, h->in + h->levels, &classes));
    YK__TRY(yk__pt_int(b, module, "reg_max", 1, MAX_BINS, &h->reg_max));
    YK__TRY(yk__pt_int(b, module, "nc", 1, MAX_CLASSES, &h->classes));
    if (boxes != 4 * h->reg_max || classes != h->classes) {
        return yk__pt_fail(b, module, YK__GRAPH,
                           "its branches give %lld and %lld channels; %lld bins and %lld classes need %lld and %lld",
                           (long long)boxes, (long long)classes, (long long)h->reg_max, (long long)h->classes,
                           (long long)(4 * h->reg_max), (long long)h->classes);
    }
    h->n_in = 2 * h->levels;
    return YK__OK;
}

/* ---- the node ---- */

static yk__code set_strides(yk__pt_build *b, yk__py module, const head *h, yk__node *node) {
    float *stride;
    int64_t n = h->levels;
    double values[YK__PT_MAX_LEVELS];
    YK__TRY(yk__pt_vector(b, module, "stride", &n, &stride));
    for (int i = 0; i < h->levels; i++) {
        values[i] = (double)stride[i];
        if (!(values[i] >= 1 && values[i] <= 4096))
            return yk__pt_fail(b, module, YK__GRAPH, "stride %g of level %d", values[i], i);
        if ((int32_t)values[i] > b->recipe.stride) b->recipe.stride = (int32_t)values[i];
    }
    return yk__node_set_floats(b->graph, node, "strides", values, h->levels) ? YK__OK : yk__pt_no_memory(b);
}

/* The weights of the expectation over the bins: 0, 1, 2 ... in every file; what differs is told to the node. */
static yk__code set_bins(yk__pt_build *b, yk__py module, const head *h, yk__node *node) {
    const yk__py conv = yk__pt_some(b->file, yk__pt_some(b->file, module, "dfl"), "conv");
    const yk__py weight = yk__pt_some(b->file, conv, "weight");
    yk__shape shape;
    float *bins;
    int64_t count;
    double values[MAX_BINS];
    bool usual = true;
    if (h->reg_max == 1 || weight == YK__PY_ABSENT) return YK__OK;
    YK__TRY(yk__pt_tensor_read(b->file, weight, &b->graph->arena, &shape, &bins, b->err));
    if (!yk__shape_count(&shape, &count) || count != h->reg_max)
        return yk__pt_fail(b, module, YK__GRAPH, "its dfl has not %lld weights", (long long)h->reg_max);
    for (int64_t i = 0; i < count; i++) {
        values[i] = (double)bins[i];
        usual = usual && values[i] == (double)i;
    }
    return usual || yk__node_set_floats(b->graph, node, "dfl_weight", values, (int)count) ? YK__OK : yk__pt_no_memory(b);
}

static bool set_attributes(yk__pt_build *b, const head *h, int64_t k, yk__node *node) {
    yk__graph *const g = b->graph;
    bool ok = yk__node_set_string(g, node, "task", yk__task_name(h->task)) && yk__node_set_int(g, node, "levels", h->levels) &&
              yk__node_set_int(g, node, "reg_max", h->reg_max) && yk__node_set_int(g, node, "classes", h->classes);
    if (h->family26) ok = ok && yk__node_set_string(g, node, "family", "26");
    if (h->extra) ok = ok && yk__node_set_int(g, node, "extra", h->extra);
    if (h->task == YK__TASK_POSE) ok = ok && yk__node_set_ints(g, node, "kpt_shape", h->kpt_shape, 2);
    if (h->raw_angle) ok = ok && yk__node_set_string(g, node, "angle", "raw");
    if (h->one_to_one) ok = ok && yk__node_set_int(g, node, "one_to_one", 1) && yk__node_set_int(g, node, "end2end_k", k);
    return ok;
}

/* Rows that a one-to-one head selects: the larger of what the file and predict ask for (PARITY section 5.2). */
static int64_t selected_rows(const yk__pt_build *b, yk__py module) {
    const int64_t k = yk__pt_int_or(b, module, "max_det", 300),
                  least = yk__recipe_defaults(YK__TASK_DETECT, YK__LAYOUT_V8).max_det;
    return k > least && k <= 30000 ? k : least;
}

static yk__code finish(yk__pt_build *b, yk__py module, head *h, yk__pt_flow *out) {
    const int64_t k = selected_rows(b, module);
    const yk__shape raw = {.rank = 3, .dim = {-1, 4 + h->classes + h->extra, -1}};
    const yk__shape rows = {.rank = 3, .dim = {-1, -1, 6 + h->extra}};
    const yk__shape planes = {.rank = 4, .dim = {-1, h->extra, -1, -1}};
    out->value[0] = yk__graph_add_value(b->graph, "output0", YK__DTYPE_F32, h->one_to_one ? &rows : &raw, NULL);
    out->n = 1;
    if (h->task == YK__TASK_SEGMENT)
        out->value[out->n++] = yk__graph_add_value(b->graph, "output1", YK__DTYPE_F32, &planes, NULL);
    if (out->value[0] < 0 || out->value[out->n - 1] < 0) return yk__pt_no_memory(b);
    const int32_t made = yk__graph_add_node(b->graph, YK__OP_YOLK_HEAD, "yolk_head", h->in, h->n_in, out->value, out->n);
    if (made < 0) return yk__pt_no_memory(b);
    yk__node *const node = &b->graph->nodes[made];
    b->recipe = yk__recipe_defaults(h->task, h->one_to_one ? YK__LAYOUT_V8_END2END : YK__LAYOUT_V8);
    b->recipe.n_classes = (int32_t)h->classes;
    b->recipe.n_extra = (int32_t)h->extra;
    for (int i = 0; i < 2; i++) b->recipe.kpt_shape[i] = (int32_t)h->kpt_shape[i];
    if (!set_attributes(b, h, k, node)) return yk__pt_no_memory(b);
    YK__TRY(set_strides(b, module, h, node));
    return set_bins(b, module, h, node);
}

/* ---- tasks ---- */

static yk__code begin(yk__pt_build *b, yk__py module, yk__task task, const yk__pt_flow *in, int n_in, head *h) {
    *h = (head){.task = task};
    YK__TRY(choose_branches(b, module, h));
    YK__TRY(read_levels(b, module, in, n_in, h));
    return boxes_and_classes(b, module, h);
}

static yk__code detect(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, yk__pt_flow *out) {
    head h;
    YK__TRY(begin(b, module, YK__TASK_DETECT, in, n_in, &h));
    return finish(b, module, &h, out);
}

static yk__code extras(yk__pt_build *b, yk__py module, head *h, const char *name, const int32_t *x) {
    YK__TRY(branch(b, module, h, name, x, h->in + h->n_in, &h->extra));
    h->n_in += h->levels;
    return YK__OK;
}

static yk__code proto(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    static const char *const names[] = {"cv1", "upsample", "cv2", "cv3"};
    *y = x;
    for (int i = 0; i < 4; i++) YK__TRY(yk__pt_part(b, module, names[i], *y, y));
    return YK__OK;
}

/* YOLO26: the finest level plus the others, each through a convolution and enlarged to its size, then as above. */
static yk__code proto26(yk__pt_build *b, yk__py module, const head *h, int32_t *y) {
    if (yk__pt_list_length(b, module, "feat_refine") != h->levels - 1)
        return yk__pt_fail(b, module, YK__GRAPH, "it refines %d levels of %d", yk__pt_list_length(b, module, "feat_refine"),
                           h->levels);
    *y = h->x[0];
    for (int i = 0; i < h->levels - 1; i++) {
        int32_t part;
        YK__TRY(yk__pt_list_part(b, module, "feat_refine", i, h->x[i + 1], &part));
        YK__TRY(yk__pt_enlarge(b, "Resize", part, (double)(2 << i), &part));
        YK__TRY(yk__pt_add(b, "Add", *y, part, y));
    }
    YK__TRY(yk__pt_part(b, module, "feat_fuse", *y, y));
    return proto(b, module, *y, y);
}

static yk__code segment(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, yk__pt_flow *out) {
    head h;
    int32_t planes;
    YK__TRY(begin(b, module, YK__TASK_SEGMENT, in, n_in, &h));
    YK__TRY(extras(b, module, &h, "cv4", h.x));
    const yk__py prototypes = yk__pt_some(b->file, module, "proto");
    const size_t mark = yk__pt_enter(b, "proto");
    if (yk__pt_has(b, prototypes, "feat_fuse")) {
        YK__TRY(proto26(b, prototypes, &h, &planes));
    } else {
        YK__TRY(proto(b, prototypes, h.x[0], &planes));
    }
    yk__pt_leave(b, mark);
    if (yk__pt_channels(b, planes) != h.extra) {
        return yk__pt_fail(b, module, YK__GRAPH, "%lld prototypes for %lld coefficients", (long long)yk__pt_channels(b, planes),
                           (long long)h.extra);
    }
    h.in[h.n_in++] = planes;
    return finish(b, module, &h, out);
}

static yk__code pose_with(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, bool family26, yk__pt_flow *out) {
    const yk__pickle *const p = &b->file->pickle;
    const yk__py shape = yk__pt_attr(b->file, module, "kpt_shape");
    head h;
    int32_t features[YK__PT_MAX_LEVELS];
    int64_t channels;
    YK__TRY(begin(b, module, YK__TASK_POSE, in, n_in, &h));
    h.family26 = family26;
    for (int i = 0; i < 2; i++)
        if (!yk__py_int(p, yk__py_item(p, shape, i), &h.kpt_shape[i])) h.kpt_shape[i] = 0;
    if (h.kpt_shape[0] < 1 || h.kpt_shape[0] > MAX_KEYPOINTS || (h.kpt_shape[1] != 2 && h.kpt_shape[1] != 3))
        return yk__pt_fail(b, module, YK__GRAPH, "its kpt_shape is not K x 2 or K x 3");
    if (family26) {
        YK__TRY(branch(b, module, &h, "cv4", h.x, features, &channels));
        YK__TRY(extras(b, module, &h, "cv4_kpts", features));
    } else {
        YK__TRY(extras(b, module, &h, "cv4", h.x));
    }
    if (h.extra == h.kpt_shape[0] * h.kpt_shape[1]) return finish(b, module, &h, out);
    return yk__pt_fail(b, module, YK__GRAPH, "its branch gives %lld numbers for %lld x %lld keypoints", (long long)h.extra,
                       (long long)h.kpt_shape[0], (long long)h.kpt_shape[1]);
}

static yk__code pose(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, yk__pt_flow *out) {
    return pose_with(b, module, in, n_in, false, out);
}

static yk__code pose26(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, yk__pt_flow *out) {
    return pose_with(b, module, in, n_in, true, out);
}

static yk__code obb_with(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, bool raw, yk__pt_flow *out) {
    head h;
    YK__TRY(begin(b, module, YK__TASK_OBB, in, n_in, &h));
    h.raw_angle = raw;
    YK__TRY(extras(b, module, &h, "cv4", h.x));
    if (h.extra != 1)
        return yk__pt_fail(b, module, YK__UNSUPPORTED, "%lld extra numbers per box; an angle is one", (long long)h.extra);
    return finish(b, module, &h, out);
}

static yk__code obb(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, yk__pt_flow *out) {
    return obb_with(b, module, in, n_in, false, out);
}

static yk__code obb26(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, yk__pt_flow *out) {
    return obb_with(b, module, in, n_in, true, out);
}

/* ---- classify ---- */

/* torch's Linear: out x in weights and a bias. */
static yk__code linear(yk__pt_build *b, yk__py module, int32_t x, int64_t in_channels, int32_t *y, int64_t *classes) {
    yk__shape shape;
    float *weight, *bias;
    char text[128];
    int32_t in[3] = {x, YK__NO_VALUE, YK__NO_VALUE};
    yk__node *node;
    if (!yk__pt_has(b, module, "weight")) return yk__pt_fail(b, module, YK__GRAPH, "it has no weights");
    YK__TRY(yk__pt_tensor_read(b->file, yk__pt_some(b->file, module, "weight"), &b->graph->arena, &shape, &weight, b->err));
    if (shape.rank != 2 || shape.dim[1] != in_channels || shape.dim[0] < 1 || shape.dim[0] > MAX_CLASSES)
        return yk__pt_fail(b, module, YK__GRAPH, "weights of %s for %lld inputs", yk__shape_text(&shape, text),
                           (long long)in_channels);
    *classes = shape.dim[0];
    in[1] = yk__graph_add_value(b->graph, "linear.weight", YK__DTYPE_F32, &shape, weight);
    if (in[1] < 0) return yk__pt_no_memory(b);
    if (yk__pt_has(b, module, "bias")) {
        const yk__shape vector = yk__shape_make(1, classes);
        YK__TRY(yk__pt_vector(b, module, "bias", classes, &bias));
        in[2] = yk__graph_add_value(b->graph, "linear.bias", YK__DTYPE_F32, &vector, bias);
        if (in[2] < 0) return yk__pt_no_memory(b);
    }
    YK__TRY(yk__pt_node(b, YK__OP_GEMM, "Gemm", in, in[2] < 0 ? 2 : 3, -1, y, &node));
    return yk__node_set_int(b->graph, node, "transB", 1) ? YK__OK : yk__pt_no_memory(b);
}

/* conv, global mean, linear, softmax. */
static yk__code classify(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, yk__pt_flow *out) {
    int32_t y;
    int64_t classes;
    yk__node *node;
    if (n_in != 1 || in[0].n != 1) return yk__pt_fail(b, module, YK__UNSUPPORTED, "it takes one input and is given several");
    YK__TRY(yk__pt_part(b, module, "conv", in[0].value[0], &y));
    const int64_t channels = yk__pt_channels(b, y);
    YK__TRY(yk__pt_node(b, YK__OP_GLOBAL_AVERAGE_POOL, "GlobalAveragePool", &y, 1, channels, &y, NULL));
    YK__TRY(yk__pt_node(b, YK__OP_FLATTEN, "Flatten", &y, 1, -1, &y, &node));
    if (!yk__node_set_int(b->graph, node, "axis", 1)) return yk__pt_no_memory(b);
    const size_t mark = yk__pt_enter(b, "linear");
    YK__TRY(linear(b, yk__pt_some(b->file, module, "linear"), y, channels, &y, &classes));
    yk__pt_leave(b, mark);
    const yk__shape shape = {.rank = 2, .dim = {-1, classes}};
    out->n = 1;
    out->value[0] = yk__graph_add_value(b->graph, "output0", YK__DTYPE_F32, &shape, NULL);
    const int32_t made = out->value[0] < 0 ? -1 : yk__graph_add_node(b->graph, YK__OP_SOFTMAX, "softmax", &y, 1, out->value, 1);
    if (made < 0 || !yk__node_set_int(b->graph, &b->graph->nodes[made], "axis", 1)) return yk__pt_no_memory(b);
    b->recipe = yk__recipe_defaults(YK__TASK_CLASSIFY, YK__LAYOUT_PROBABILITIES);
    b->recipe.n_classes = (int32_t)classes;
    b->recipe.stride = 32; /* of every .pt; exports have 1 (PARITY section 1) */
    return YK__OK;
}

const yk__pt_block yk__pt_heads[] = {
    {"v10Detect", NULL, detect}, {"Segment", NULL, segment},   {"Segment26", NULL, segment},
    {"Pose", NULL, pose},        {"Pose26", NULL, pose26},     {"OBB", NULL, obb},
    {"OBB26", NULL, obb26},      {"Classify", NULL, classify}, {NULL, NULL, NULL},
};

/* Ultralytics' Detect and YOLOv5's share a name and nothing else. */
yk__code yk__pt_detect(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, yk__pt_flow *out) {
    return detect(b, module, in, n_in, out);
}
