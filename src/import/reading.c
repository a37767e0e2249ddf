/* From outputs to a reading.
 *
 * An Ultralytics export says its task, and the rest follows (PARITY section 8.1). Anything else is held against every reading
 * there is: its shape must fit the number of cells that the input size gives, its tail must look like the reading's. What is
 * left decides when it is one; nothing is guessed. */
#include "import/reading.h"

#include <string.h>

/* The network as readings see it. Sizes are -1 where free. */
typedef struct outline {
    const yk__graph *graph;
    int64_t height, width;
    const yk__value *first, *second;    /* outputs; second NULL when there is one */
    bool has_nms, has_top_k, has_angle; /* operators met: NonMaxSuppression, TopK, Cos with Sin */
    bool ends_in_softmax;
    bool ends_in_scores; /* the last rows of the first output come from a Sigmoid: class scores */
    bool undecoded;      /* nothing but convolutions and sigmoids right before the output's reshaping */
    bool logits;         /* and no sigmoid among them */
    int32_t n_names;
    int32_t kpt_shape[2];
} outline;

#define MAX_READINGS 12

typedef struct candidates {
    yk__reading list[MAX_READINGS];
    int n;
} candidates;

/* ---- looking at the graph ---- */

/* Makers of values, found once. */
typedef struct tracer {
    const yk__graph *graph;
    const int32_t *producer;
} tracer;

static const yk__node *maker_of(const tracer *t, int32_t value) {
    const int32_t node = value >= 0 ? t->producer[value] : -1;
    return node >= 0 ? &t->graph->nodes[node] : NULL;
}

/* Operators that only hand their first input on. */
static bool passes_on(yk__op op) {
    return op == YK__OP_IDENTITY || op == YK__OP_CAST;
}

static bool reshapes(yk__op op) {
    return passes_on(op) || op == YK__OP_RESHAPE || op == YK__OP_TRANSPOSE || op == YK__OP_FLATTEN || op == YK__OP_SQUEEZE ||
           op == YK__OP_UNSQUEEZE;
}

/* The first maker on the way back that is not one of those. Nodes are in order, so the way back ends. */
static const yk__node *behind(const tracer *t, int32_t value, bool (*skip)(yk__op)) {
    const yk__node *node = maker_of(t, value);
    while (node && skip(node->op)) node = maker_of(t, node->in[0]);
    return node;
}

/* Whether only convolutions and sigmoids feed the concatenations that make the value. *logits becomes false at a sigmoid. */
static bool is_undecoded(const tracer *t, int32_t value, int depth, int *left, bool *logits) {
    const yk__node *const node = behind(t, value, reshapes);
    if (!node || --*left < 0 || depth > 8) return false;
    *logits = *logits && node->op != YK__OP_SIGMOID;
    if (node->op == YK__OP_CONV || node->op == YK__OP_SIGMOID) return true;
    if (node->op != YK__OP_CONCAT) return false;
    for (int32_t i = 0; i < node->n_in; i++) {
        if (!is_undecoded(t, node->in[i], depth + 1, left, logits)) return false;
    }
    return true;
}

static void look_at_tail(outline *o, const tracer *t) {
    const int32_t value = o->graph->outputs[0];
    const yk__node *const softmax = behind(t, value, reshapes);
    o->ends_in_softmax = softmax && softmax->op == YK__OP_SOFTMAX;
    const yk__node *const concat = behind(t, value, passes_on);
    if (concat && concat->op == YK__OP_CONCAT) {
        const yk__node *const last = behind(t, concat->in[concat->n_in - 1], passes_on);
        o->ends_in_scores = last && last->op == YK__OP_SIGMOID;
    }
    int left = 256; /* parts of a head; real ones have 9 to 12 */
    o->logits = true;
    o->undecoded = is_undecoded(t, value, 0, &left, &o->logits);
}

static void look_at_operators(outline *o) {
    bool cos = false, sin = false;
    for (int32_t i = 0; i < o->graph->n_nodes; i++) {
        const yk__op op = o->graph->nodes[i].op;
        o->has_nms = o->has_nms || op == YK__OP_NON_MAX_SUPPRESSION;
        o->has_top_k = o->has_top_k || op == YK__OP_TOP_K;
        cos = cos || op == YK__OP_COS;
        sin = sin || op == YK__OP_SIN;
    }
    o->has_angle = cos && sin;
}

static yk__code look(const yk__graph *graph, const yk__metadata *metadata, int32_t n_names, outline *o, yk__error *err) {
    const yk__shape *const in = &graph->values[graph->inputs[0]].shape;
    *o = (outline){.graph = graph, .height = in->dim[2], .width = in->dim[3], .n_names = n_names};
    memcpy(o->kpt_shape, metadata->kpt_shape, sizeof o->kpt_shape);
    o->first = &graph->values[graph->outputs[0]];
    o->second = graph->n_outputs > 1 ? &graph->values[graph->outputs[1]] : NULL;
    yk__arena scratch;
    yk__arena_init(&scratch, 0);
    const tracer t = {graph, yk__graph_producers(graph, &scratch)};
    const yk__code code = t.producer ? YK__OK : yk__arena_error(&scratch, "the outputs", err);
    if (code == YK__OK) {
        look_at_operators(o);
        look_at_tail(o, &t);
    }
    yk__arena_free(&scratch);
    return code;
}

/* ---- shapes ---- */

static int64_t dim(const yk__value *value, int i) {
    return value && value->dtype != YK__DTYPE_NONE && i < value->shape.rank ? value->shape.dim[i] : -1;
}

/* A value of unknown rank may have any. */
static bool may_have_rank(const yk__value *value, int rank) {
    return value && (value->dtype == YK__DTYPE_NONE || value->shape.rank == rank);
}

/* Levels of every YOLO: usual, with P6, with P2, and yolov3-tiny. */
static const int STRIDES[][4] = {{8, 16, 32, 0}, {8, 16, 32, 64}, {4, 8, 16, 32}, {16, 32, 0, 0}};

/* Whether n rows are `per_cell` for each cell of some set of levels; true where a size is free. */
static bool fits_cells(const outline *o, int64_t n, int64_t per_cell) {
    if (n < 0 || o->height < 0 || o->width < 0) return true;
    for (size_t i = 0; i < sizeof STRIDES / sizeof STRIDES[0]; i++) {
        int64_t cells = 0;
        for (int k = 0; k < 4 && STRIDES[i][k] > 0; k++) cells += (o->height / STRIDES[i][k]) * (o->width / STRIDES[i][k]);
        if (n == cells * per_cell) return true;
    }
    return false;
}

static bool sizes_known(const outline *o, int64_t n) {
    return n >= 0 && o->height >= 0 && o->width >= 0;
}

/* ---- readings one by one ---- */

static void add(candidates *c, yk__task task, yk__layout layout, int64_t n_classes, int64_t n_extra, int n_outputs) {
    if (c->n == MAX_READINGS || n_classes < 0 || n_classes > INT32_MAX || n_extra > INT32_MAX) return;
    c->list[c->n++] = (yk__reading){
        .task = task, .layout = layout, .n_classes = (int32_t)n_classes, .n_extra = (int32_t)n_extra, .n_outputs = n_outputs};
}

/* Class count from what is left of the channels; unknown channels take the names' word. */
static int64_t classes_of(const outline *o, int64_t channels, int64_t others) {
    if (channels < 0) return o->n_names > 0 ? o->n_names : -1;
    const int64_t classes = channels - others;
    if (classes < 1 || (o->n_names > 0 && classes != o->n_names)) return -1;
    return classes;
}

/* How many numbers the keypoints take, and their shape; 0 when that cannot be told. */
static int64_t keypoints(const outline *o, int64_t numbers, int32_t shape[2]) {
    if (o->kpt_shape[0] > 0) {
        memcpy(shape, o->kpt_shape, sizeof o->kpt_shape);
        return (int64_t)shape[0] * shape[1];
    }
    const bool three = numbers > 0 && numbers % 3 == 0, two = numbers > 0 && numbers % 2 == 0;
    if (three == two || numbers > INT32_MAX) return 0;
    shape[1] = three ? 3 : 2;
    shape[0] = (int32_t)(numbers / shape[1]);
    return numbers;
}

static void consider_probabilities(const outline *o, candidates *c) {
    if (!may_have_rank(o->first, 2) || !o->ends_in_softmax) return;
    const int64_t n = classes_of(o, dim(o->first, 1), 0);
    if (n > 1 || (n == 1 && o->n_names == 1)) add(c, YK__TASK_CLASSIFY, YK__LAYOUT_PROBABILITIES, n, 0, 1);
}

/* N x (4+M+extra) x A. */
static void consider_v8(const outline *o, candidates *c) {
    const int64_t channels = dim(o->first, 1), anchors = dim(o->first, 2);
    if (!may_have_rank(o->first, 3) || !fits_cells(o, anchors, 1) || o->undecoded) return;
    if (channels < 0) return; /* every export says how many; a free second size is another layout's anchors */
    if (o->second) {
        if (!may_have_rank(o->second, 4)) return;
        const int64_t masks = dim(o->second, 1) > 0 ? dim(o->second, 1) : 32; /* every export so far has 32 */
        add(c, YK__TASK_SEGMENT, YK__LAYOUT_V8, classes_of(o, channels, 4 + masks), masks, 2);
        return;
    }
    if (o->ends_in_scores) {
        add(c, YK__TASK_DETECT, YK__LAYOUT_V8, classes_of(o, channels, 4), 0, 1);
        return;
    }
    if (o->has_angle) {
        add(c, YK__TASK_OBB, YK__LAYOUT_V8, classes_of(o, channels, 5), 1, 1);
        return;
    }
    add(c, YK__TASK_DETECT, YK__LAYOUT_V8, classes_of(o, channels, 4), 0, 1);
    int32_t shape[2] = {0, 0};
    const int64_t named = o->n_names > 0 ? o->n_names : 1; /* a pose model without names: a person */
    const int64_t extra = channels > 0 ? keypoints(o, channels - 4 - named, shape) : 0;
    if (extra > 0 && channels - 4 - named == extra) {
        add(c, YK__TASK_POSE, YK__LAYOUT_V8, named, extra, 1);
        memcpy(c->list[c->n - 1].kpt_shape, shape, sizeof shape);
    }
}

/* N x k x (6+extra): rows of a finished selection, whose classes only metadata or names can count. */
static void consider_selection(const outline *o, candidates *c) {
    const int64_t columns = dim(o->first, 2);
    if (!may_have_rank(o->first, 3) || columns < 6 || (!o->has_nms && !o->has_top_k)) return;
    const yk__layout layout = o->has_nms ? YK__LAYOUT_NMS : YK__LAYOUT_V8_END2END;
    if (o->second) {
        if (columns > 6 && may_have_rank(o->second, 4)) add(c, YK__TASK_SEGMENT, layout, o->n_names, columns - 6, 2);
        return;
    }
    if (columns == 6) add(c, YK__TASK_DETECT, layout, o->n_names, 0, 1);
    if (columns == 7) add(c, YK__TASK_OBB, layout, o->n_names, 1, 1);
    int32_t shape[2] = {0, 0};
    if (columns > 7 && keypoints(o, columns - 6, shape) == columns - 6) {
        add(c, YK__TASK_POSE, layout, o->n_names, columns - 6, 1);
        memcpy(c->list[c->n - 1].kpt_shape, shape, sizeof shape);
    }
}

/* N x A x (5+M). Three anchors to a cell is YOLOv5 (and v7); one to a cell is YOLOX when nothing is decoded, else a decoded
 * head of the same form. Further outputs of YOLOv5 are its raw levels, of rank 5. */
static void consider_objectness(const outline *o, candidates *c) {
    const int64_t anchors = dim(o->first, 1), columns = dim(o->first, 2);
    if (!may_have_rank(o->first, 3) || columns < 6 || o->has_nms || o->has_top_k) return;
    if (o->second && !may_have_rank(o->second, 5)) return;
    const int64_t classes = classes_of(o, columns, 5);
    if (o->undecoded) {
        if (!fits_cells(o, anchors, 1)) return;
        add(c, YK__TASK_DETECT, YK__LAYOUT_YOLOX, classes, 0, 1);
        if (c->n > 0) c->list[c->n - 1].logits = o->logits;
        return;
    }
    /* Free sizes leave N x A x C and N x C x A apart only by which of them is free. */
    if (anchors < 0 ? dim(o->first, 2) > 0
                    : fits_cells(o, anchors, 3) || (sizes_known(o, anchors) && fits_cells(o, anchors, 1))) {
        add(c, YK__TASK_DETECT, YK__LAYOUT_V5, classes, 0, 1);
    }
}

/* ---- the verdict ---- */

static void list_outputs(const yk__graph *graph, yk__text *out) {
    for (int32_t i = 0; i < graph->n_outputs && i < 6; i++) {
        const yk__value *const v = &graph->values[graph->outputs[i]];
        char shape[128];
        yk__text_printf(out, "%s\"%.60s\" %s", i ? ", " : "", v->name,
                        v->dtype == YK__DTYPE_NONE ? "of undeclared shape" : yk__shape_text(&v->shape, shape));
    }
}

static bool agrees(const yk__reading *r, const yk__import_options *options) {
    return (options->task == YK__TASK_NONE || r->task == options->task) &&
           (options->layout == YK__LAYOUT_NONE || r->layout == options->layout);
}

static yk__code refuse_all(const yk__graph *graph, const candidates *c, bool several, const yk__import_options *options,
                           int32_t n_names, yk__error *err) {
    yk__text outputs = {0}, readings = {0};
    list_outputs(graph, &outputs);
    for (int i = 0; i < c->n; i++) {
        const yk__reading *const r = &c->list[i];
        yk__text_printf(&readings, "%s--task %s --layout %s", i ? ", or " : "", yk__task_name(r->task),
                        yk__layout_name(r->layout));
        if (r->n_classes > 0) yk__text_printf(&readings, " (%d classes)", r->n_classes);
    }
    yk__code code;
    if (several) {
        code = yk__fail(err, YK__AMBIGUOUS,
                        "the file does not say how its outputs (%s) are to be read; possible: %s; choose with --task, "
                        "--layout, or --names FILE",
                        yk__text_get(&outputs), yk__text_get(&readings));
    } else if (c->n > 0 || options->task != YK__TASK_NONE || options->layout != YK__LAYOUT_NONE) {
        code = yk__fail(err, YK__ARGUMENT, "the outputs (%s) cannot be read as --task %s --layout %s%s%s%s",
                        yk__text_get(&outputs), options->task ? yk__task_name(options->task) : "any",
                        options->layout ? yk__layout_name(options->layout) : "any", c->n ? "; possible: " : "",
                        yk__text_get(&readings), n_names > 0 ? ", given the class names" : "");
    } else {
        code = yk__fail(err, YK__UNSUPPORTED,
                        "the outputs (%s) are none that yolk can read%s: it reads class probabilities behind a Softmax, N x "
                        "(4+classes+extra) x "
                        "anchors, N x anchors x (5+classes), and N x rows x (6+extra) behind a TopK or NonMaxSuppression",
                        yk__text_get(&outputs), n_names > 0 ? " with this number of class names" : "");
    }
    yk__text_free(&outputs);
    yk__text_free(&readings);
    return code;
}

static yk__code find_without_task(const outline *o, const yk__import_options *options, yk__reading *out, yk__error *err) {
    candidates all = {0}, fitting = {0};
    consider_probabilities(o, &all);
    consider_selection(o, &all);
    consider_v8(o, &all);
    consider_objectness(o, &all);
    for (int i = 0; i < all.n; i++) {
        if (agrees(&all.list[i], options)) fitting.list[fitting.n++] = all.list[i];
    }
    if (fitting.n != 1) return refuse_all(o->graph, fitting.n > 1 ? &fitting : &all, fitting.n > 1, options, o->n_names, err);
    *out = fitting.list[0];
    return YK__OK;
}

/* An Ultralytics export: the metadata names the task, flags or the width of the rows tell the layout. */
static yk__code find_by_task(const outline *o, const yk__metadata *m, yk__reading *out, yk__error *err) {
    *out = (yk__reading){.task = m->task, .n_outputs = 1};
    if (m->task == YK__TASK_CLASSIFY) {
        const int64_t n = dim(o->first, 1);
        out->layout = YK__LAYOUT_PROBABILITIES;
        out->n_classes = n > 0 && n <= INT32_MAX ? (int32_t)n : o->n_names;
        return may_have_rank(o->first, 2) ? YK__OK : yk__fail(err, YK__GRAPH, "a classifier's output must be N x classes");
    }
    int64_t extra = m->task == YK__TASK_OBB;
    if (m->task == YK__TASK_SEGMENT) {
        if (!may_have_rank(o->second, 4))
            return yk__fail(err, YK__GRAPH, "a segmentation model must have a second output N x 32 x H/4 x W/4");
        extra = dim(o->second, 1) > 0 ? dim(o->second, 1) : 32;
        out->n_outputs = 2;
    }
    if (m->task == YK__TASK_POSE) {
        if (m->kpt_shape[0] < 1) return yk__fail(err, YK__FORMAT, "a pose model's metadata must hold kpt_shape");
        memcpy(out->kpt_shape, m->kpt_shape, sizeof out->kpt_shape);
        extra = (int64_t)m->kpt_shape[0] * m->kpt_shape[1];
    }
    if (!may_have_rank(o->first, 3) || extra > 4096)
        return yk__fail(err, YK__GRAPH, "a detector's first output must have three dimensions");
    out->n_extra = (int32_t)extra;
    const int64_t rows = dim(o->first, 1), columns = dim(o->first, 2);
    const bool looks_selected = columns == 6 + extra && rows != 4 + extra + o->n_names && (o->has_top_k || o->has_nms);
    if (m->nms) {
        out->layout = YK__LAYOUT_NMS;
    } else if (m->end2end || (looks_selected && !m->has_end2end)) {
        out->layout = YK__LAYOUT_V8_END2END;
    } else {
        out->layout = YK__LAYOUT_V8;
    }
    if (out->layout == YK__LAYOUT_V8) {
        const int64_t classes = rows >= 0 ? rows - 4 - extra : o->n_names;
        if (classes < 1 || classes > INT32_MAX) {
            return yk__fail(err, YK__GRAPH,
                            "the first output has %lld rows; %lld are needed for a box, a class and %lld further numbers",
                            (long long)rows, (long long)(5 + extra), (long long)extra);
        }
        out->n_classes = (int32_t)classes;
    } else if (columns >= 0 && columns != 6 + extra) {
        return yk__fail(err, YK__GRAPH,
                        "the metadata says that the first output holds finished rows of %lld numbers, but it has %lld",
                        (long long)(6 + extra), (long long)columns);
    } else {
        out->n_classes = o->n_names;
    }
    return YK__OK;
}

yk__code yk__reading_find(const yk__graph *graph, const yk__metadata *metadata, const yk__import_options *options,
                          int32_t n_names, yk__reading *out, yk__error *err) {
    outline o;
    YK__TRY(look(graph, metadata, n_names, &o, err));
    if (metadata->task == YK__TASK_NONE) return find_without_task(&o, options, out, err);
    YK__TRY(find_by_task(&o, metadata, out, err));
    if (agrees(out, options)) return YK__OK;
    return yk__fail(
        err, YK__ARGUMENT, "the file says that it is --task %s --layout %s; it cannot be read as --task %s --layout %s",
        yk__task_name(out->task), yk__layout_name(out->layout), options->task ? yk__task_name(options->task) : "any",
        options->layout ? yk__layout_name(options->layout) : "any");
}
