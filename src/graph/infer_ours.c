/* Inference of the operators that are yolk's own: ImageInput, Attention, YolkHead. */
#include <math.h>
#include <string.h>

#include "graph/infer_rules.h"

/* Most levels a head may have; the largest YOLO has four (P3 to P6). */
enum { MAX_LEVELS = 8 };

/* A float list attribute that is absent, or has n numbers, each finite and (positive) above 0. */
static yk__code want_floats(const yk__rule_call *call, const char *name, int64_t n, bool positive) {
    const yk__attr *attr = yk__node_attr(call->node, name);
    if (!attr || attr->kind != YK__ATTR_FLOATS || attr->n == 0) return YK__OK;
    if (attr->n != n) return yk__rule_fail(call, YK__GRAPH, "%s has %d numbers, not %lld", name, attr->n, (long long)n);
    for (int i = 0; i < attr->n; i++)
        if (!isfinite(attr->floats[i]) || (positive && !(attr->floats[i] > 0)))
            return yk__rule_fail(call, YK__GRAPH, "%s[%d] is %g", name, i, attr->floats[i]);
    return YK__OK;
}

static yk__code image_input(const yk__rule_call *call) {
    const yk__shape *in = &call->in[0].shape;
    yk__shape shape = *in;
    const char *order = yk__node_string(call->node, "order", "rgb");
    YK__TRY(yk__rule_want_rank(call, 0, 4, 4));
    if (call->in[0].dtype == YK__DTYPE_U8) {
        if (in->dim[3] != 3) return yk__rule_fail(call, YK__SHAPE, "pictures must be N x H x W x 3");
        shape = (yk__shape){.rank = 4, .dim = {in->dim[0], 3, in->dim[1], in->dim[2]}};
    } else if (call->in[0].dtype != YK__DTYPE_F32) {
        return yk__rule_fail(call, YK__GRAPH, "the input must be u8 pictures or an f32 tensor");
    }
    if (strcmp(order, "rgb") != 0 && strcmp(order, "bgr") != 0)
        return yk__rule_fail(call, YK__GRAPH, "order is \"%.40s\"; it can be rgb or bgr", order);
    if (!(yk__node_float(call->node, "scale", 255) > 0)) return yk__rule_fail(call, YK__GRAPH, "scale must be above 0");
    YK__TRY(want_floats(call, "mean", shape.dim[1], false));
    YK__TRY(want_floats(call, "std", shape.dim[1], true));
    yk__rule_set(call, 0, YK__DTYPE_F32, &shape);
    return YK__OK;
}

/* An integer attribute in low .. 65536: far above what networks have, its products far below overflow. */
static yk__code read_count(const yk__rule_call *call, const char *name, int64_t otherwise, int64_t low, int64_t *out) {
    *out = yk__node_int(call->node, name, otherwise);
    if (*out >= low && *out <= 65536) return YK__OK;
    return yk__rule_fail(call, YK__GRAPH, "%s is %lld, outside %lld..65536", name, (long long)*out, (long long)low);
}

static yk__code attention(const yk__rule_call *call) {
    yk__shape shape = call->in[0].shape;
    int64_t heads, dim_key, dim_value, area, pixels;
    YK__TRY(yk__rule_want_float(call, 0));
    YK__TRY(yk__rule_want_rank(call, 0, 4, 4));
    YK__TRY(read_count(call, "heads", 0, 1, &heads));
    YK__TRY(read_count(call, "dim_key", 0, 1, &dim_key));
    YK__TRY(read_count(call, "dim_value", 0, 1, &dim_value));
    YK__TRY(read_count(call, "area", 1, 1, &area));
    if (shape.dim[1] != heads * (2 * dim_key + dim_value))
        return yk__rule_fail(call, YK__SHAPE, "%lld channels; %lld heads of 2 * %lld + %lld need %lld", (long long)shape.dim[1],
                             (long long)heads, (long long)dim_key, (long long)dim_value,
                             (long long)(heads * (2 * dim_key + dim_value)));
    YK__TRY(yk__rule_mul(call, shape.dim[2], shape.dim[3], &pixels));
    if (pixels % area)
        return yk__rule_fail(call, YK__SHAPE, "%lld pixels do not divide into %lld areas", (long long)pixels, (long long)area);
    shape.dim[1] = heads * dim_value;
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    yk__rule_set(call, 1, call->in[0].dtype, &shape);
    return YK__OK;
}

/* YolkHead's attributes, read and in range. */
typedef struct head {
    int64_t levels, reg_max, classes, extra, end2end_k, anchors;
    bool segment, one_to_one;
} head;

/* The numbers that a task adds to each candidate. */
static yk__code check_extra(const yk__rule_call *call, const char *task, int64_t extra) {
    int64_t kpt[2] = {0, 0};
    if (!strcmp(task, "segment") && extra >= 1) return YK__OK;
    if (!strcmp(task, "detect") && extra == 0) return YK__OK;
    if (!strcmp(task, "obb") && extra == 1) return YK__OK;
    if (!strcmp(task, "pose")) {
        int n = yk__node_ints(call->node, "kpt_shape", kpt, 2);
        bool valid = n == 2 && kpt[0] >= 1 && kpt[0] <= 65536 && (kpt[1] == 2 || kpt[1] == 3);
        if (valid && extra == kpt[0] * kpt[1]) return YK__OK;
        return yk__rule_fail(call, YK__GRAPH, "extra is %lld and kpt_shape %lld x %lld; it must be K x 2 or K x 3 and fit",
                             (long long)extra, (long long)kpt[0], (long long)kpt[1]);
    }
    return yk__rule_fail(call, YK__GRAPH, "task \"%.40s\" with %lld extra numbers per candidate", task, (long long)extra);
}

static yk__code read_head(const yk__rule_call *call, head *h) {
    const char *family = yk__node_string(call->node, "family", "v8"), *task = yk__node_string(call->node, "task", "detect");
    const yk__attr *strides = yk__node_attr(call->node, "strides");
    if (strcmp(family, "v8") != 0 && strcmp(family, "26") != 0)
        return yk__rule_fail(call, YK__UNSUPPORTED, "head family \"%.40s\" is not supported", family);
    YK__TRY(read_count(call, "levels", 0, 1, &h->levels));
    YK__TRY(read_count(call, "reg_max", 16, 1, &h->reg_max));
    YK__TRY(read_count(call, "classes", 0, 1, &h->classes));
    YK__TRY(read_count(call, "extra", 0, 0, &h->extra));
    YK__TRY(read_count(call, "end2end_k", 300, 1, &h->end2end_k));
    if (h->levels > MAX_LEVELS)
        return yk__rule_fail(call, YK__LIMIT, "%lld levels; at most %d", (long long)h->levels, MAX_LEVELS);
    if (!strides || strides->kind != YK__ATTR_FLOATS || strides->n == 0)
        return yk__rule_fail(call, YK__GRAPH, "strides are missing");
    YK__TRY(want_floats(call, "strides", h->levels, true));
    YK__TRY(want_floats(call, "dfl_weight", h->reg_max, false));
    YK__TRY(check_extra(call, task, h->extra));
    h->segment = !strcmp(task, "segment");
    h->one_to_one = yk__node_int(call->node, "one_to_one", 0) != 0;
    int64_t wanted = h->levels * (h->extra > 0 ? 3 : 2) + h->segment;
    if (call->node->n_in != wanted)
        return yk__rule_fail(call, YK__GRAPH, "%d inputs; %lld levels of task %s have %lld", call->node->n_in,
                             (long long)h->levels, task, (long long)wanted);
    if (call->node->n_out > 1 && !h->segment)
        return yk__rule_fail(call, YK__GRAPH, "a second output is for prototypes, which task %s has not", task);
    return YK__OK;
}

/* Input `first + level` for each level: channels as given, the size of the level's boxes. */
static yk__code check_branch(const yk__rule_call *call, const head *h, int first, int64_t channels, const char *what) {
    for (int level = 0; level < h->levels; level++) {
        const yk__shape *box = &call->in[level].shape, *shape = &call->in[first + level].shape;
        YK__TRY(yk__rule_want_float(call, first + level));
        YK__TRY(yk__rule_want_rank(call, first + level, 4, 4));
        if (shape->dim[1] != channels)
            return yk__rule_fail(call, YK__SHAPE, "%s of level %d have %lld channels, not %lld", what, level,
                                 (long long)shape->dim[1], (long long)channels);
        if (shape->dim[0] != call->in[0].shape.dim[0] || shape->dim[2] != box->dim[2] || shape->dim[3] != box->dim[3])
            return yk__rule_fail(call, YK__SHAPE, "%s of level %d do not have the size of the level's boxes", what, level);
    }
    return YK__OK;
}

static yk__code count_anchors(const yk__rule_call *call, head *h) {
    h->anchors = 0;
    for (int level = 0; level < h->levels; level++) {
        int64_t cells;
        YK__TRY(yk__rule_mul(call, call->in[level].shape.dim[2], call->in[level].shape.dim[3], &cells));
        YK__TRY(yk__rule_add(call, h->anchors, cells, &h->anchors));
    }
    return YK__OK;
}

static yk__code yolk_head(const yk__rule_call *call) {
    head h;
    YK__TRY(read_head(call, &h));
    YK__TRY(yk__rule_want_same_type(call));
    int levels = (int)h.levels;
    YK__TRY(check_branch(call, &h, 0, 4 * h.reg_max, "boxes"));
    YK__TRY(check_branch(call, &h, levels, h.classes, "classes"));
    if (h.extra > 0) YK__TRY(check_branch(call, &h, 2 * levels, h.extra, "extras"));
    YK__TRY(count_anchors(call, &h));
    yk__shape shape = {.rank = 3, .dim = {call->in[0].shape.dim[0], 4 + h.classes + h.extra, h.anchors}};
    if (h.one_to_one) {
        shape.dim[1] = h.end2end_k < h.anchors ? h.end2end_k : h.anchors;
        shape.dim[2] = 6 + h.extra;
    }
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    if (!h.segment) return YK__OK;
    int last = call->node->n_in - 1;
    const yk__shape *prototypes = &call->in[last].shape;
    YK__TRY(yk__rule_want_rank(call, last, 4, 4));
    if (prototypes->dim[0] != shape.dim[0] || prototypes->dim[1] != h.extra)
        return yk__rule_fail(call, YK__SHAPE, "prototypes must be N x %lld x H x W, a plane per coefficient",
                             (long long)h.extra);
    yk__rule_set(call, 1, call->in[last].dtype, prototypes);
    return YK__OK;
}

yk__rule yk__rules_ours(yk__op op) {
    switch (op) {
    case YK__OP_IMAGE_INPUT: return image_input;
    case YK__OP_ATTENTION: return attention;
    case YK__OP_YOLK_HEAD: return yolk_head;
    default: return NULL;
    }
}
