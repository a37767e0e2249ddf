/* YOLOv5's own head: anchors, objectness, and a decode that is written out in operators which hold for any picture size.
 *
 * y = sigmoid(conv(x)) per anchor [x y w h objectness classes]; xy = (2y - 0.5 + cell) * stride; wh = (2y)^2 * anchor in pixels
 * (PARITY section 5.1). Rows in the package's order: levels, anchors, rows, columns. */
#include <stdio.h>
#include <string.h>

#include "import/pt_build.h"

enum { MAX_ANCHORS = 64 };

static yk__code set_axis(yk__pt_build *b, yk__node *node, int64_t axis) {
    return yk__node_set_int(b->graph, node, "axis", axis) ? YK__OK : yk__pt_no_memory(b);
}

/* A node with one output of no declared shape. */
static yk__code op(yk__pt_build *b, yk__op kind, const char *suffix, const int32_t *in, int n, int32_t *y, yk__node **node) {
    return yk__pt_node(b, kind, suffix, in, n, -1, y, node);
}

static yk__code with_scalar(yk__pt_build *b, yk__op kind, const char *suffix, int32_t x, float value, int32_t *y) {
    const yk__shape scalar = {.rank = 0};
    char name[64];
    int32_t in[2] = {x, YK__NO_VALUE};
    snprintf(name, sizeof name, "%.40s_by", suffix);
    YK__TRY(yk__pt_floats(b, name, &value, &scalar, &in[1]));
    return op(b, kind, suffix, in, 2, y, NULL);
}

static yk__code reshape(yk__pt_build *b, const char *suffix, int32_t x, const int64_t *target, int n, int32_t *y) {
    char name[64];
    int32_t in[2] = {x, YK__NO_VALUE};
    snprintf(name, sizeof name, "%.40s_target", suffix);
    YK__TRY(yk__pt_ints(b, name, target, n, &in[1]));
    return op(b, YK__OP_RESHAPE, suffix, in, 2, y, NULL);
}

/* One number out of the shape of a feature map: rows (2) or columns (3). */
static yk__code side(yk__pt_build *b, const char *suffix, int32_t shape, int64_t which, int32_t *y) {
    const yk__shape scalar = {.rank = 0};
    char name[64];
    yk__node *node;
    int32_t in[2] = {shape, YK__NO_VALUE};
    snprintf(name, sizeof name, "%.40s_index", suffix);
    YK__TRY(yk__pt_constant(b, name, YK__DTYPE_I64, &scalar, &which, &in[1]));
    YK__TRY(op(b, YK__OP_GATHER, suffix, in, 2, y, &node));
    return set_axis(b, node, 0);
}

/* (column, row) of each cell - 0.5, as f32 (rows * columns) x 2, from the shape of the feature map. */
static yk__code make_grid(yk__pt_build *b, int32_t x, int32_t *y) {
    const int64_t zero = 0, one = 1;
    const yk__shape scalar = {.rank = 0};
    int32_t shape, rows, columns, cells, from, step, index, place[2];
    yk__node *node;
    YK__TRY(op(b, YK__OP_SHAPE, "grid_shape", &x, 1, &shape, NULL));
    YK__TRY(side(b, "grid_rows", shape, 2, &rows));
    YK__TRY(side(b, "grid_columns", shape, 3, &columns));
    YK__TRY(op(b, YK__OP_MUL, "grid_cells", (int32_t[]){rows, columns}, 2, &cells, NULL));
    YK__TRY(yk__pt_constant(b, "grid_from", YK__DTYPE_I64, &scalar, &zero, &from));
    YK__TRY(yk__pt_constant(b, "grid_step", YK__DTYPE_I64, &scalar, &one, &step));
    YK__TRY(op(b, YK__OP_RANGE, "grid_index", (int32_t[]){from, cells, step}, 3, &index, NULL));
    YK__TRY(reshape(b, "grid_index_column", index, (int64_t[]){-1, 1}, 2, &index));
    YK__TRY(op(b, YK__OP_MOD, "grid_column", (int32_t[]){index, columns}, 2, &place[0], NULL));
    YK__TRY(op(b, YK__OP_DIV, "grid_row", (int32_t[]){index, columns}, 2, &place[1], NULL));
    YK__TRY(op(b, YK__OP_CONCAT, "grid_place", place, 2, y, &node));
    YK__TRY(set_axis(b, node, 1));
    YK__TRY(op(b, YK__OP_CAST, "grid_number", y, 1, y, &node));
    if (!yk__node_set_string(b->graph, node, "to", "f32")) return yk__pt_no_memory(b);
    return with_scalar(b, YK__OP_SUB, "grid", *y, 0.5f, y);
}

/* N x (anchors * numbers) x H x W -> N x anchors x cells x numbers. */
static yk__code rows_of(yk__pt_build *b, int32_t x, int64_t anchors, int64_t numbers, int32_t *y) {
    yk__node *node;
    YK__TRY(reshape(b, "anchors", x, (int64_t[]){0, anchors, numbers, -1}, 4, y));
    YK__TRY(op(b, YK__OP_TRANSPOSE, "Transpose", y, 1, y, &node));
    return yk__node_set_ints(b->graph, node, "perm", (int64_t[]){0, 1, 3, 2}, 4) ? YK__OK : yk__pt_no_memory(b);
}

/* The last axis in three: place, size, the rest. */
static yk__code cut(yk__pt_build *b, int32_t x, int64_t numbers, int32_t parts[3]) {
    char name[600];
    const yk__shape unknown = {.rank = 0};
    int32_t in[2] = {x, YK__NO_VALUE};
    YK__TRY(yk__pt_ints(b, "parts_sizes", (int64_t[]){2, 2, numbers - 4}, 3, &in[1]));
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s/parts_%d", b->path, i);
        parts[i] = yk__graph_add_value(b->graph, name, YK__DTYPE_NONE, &unknown, NULL);
        if (parts[i] < 0) return yk__pt_no_memory(b);
    }
    snprintf(name, sizeof name, "%s/parts", b->path);
    const int32_t made = yk__graph_add_node(b->graph, YK__OP_SPLIT, name, in, 2, parts, 3);
    return made < 0 ? yk__pt_no_memory(b) : set_axis(b, &b->graph->nodes[made], 3);
}

/* anchors: anchors x 2 in pixels. The result is N x (anchors * cells) x numbers. */
static yk__code decode_level(yk__pt_build *b, int32_t x, const float *anchors, int64_t n_anchors, int64_t numbers, float stride,
                             int32_t *y) {
    const yk__shape shape = {.rank = 4, .dim = {1, n_anchors, 1, 2}};
    int32_t parts[3], grid, sizes;
    yk__node *node;
    YK__TRY(op(b, YK__OP_SIGMOID, "Sigmoid", &x, 1, y, NULL));
    YK__TRY(rows_of(b, *y, n_anchors, numbers, y));
    YK__TRY(cut(b, *y, numbers, parts));
    YK__TRY(make_grid(b, x, &grid));
    YK__TRY(with_scalar(b, YK__OP_MUL, "place_double", parts[0], 2, &parts[0]));
    YK__TRY(op(b, YK__OP_ADD, "place_cell", (int32_t[]){parts[0], grid}, 2, &parts[0], NULL));
    YK__TRY(with_scalar(b, YK__OP_MUL, "place", parts[0], stride, &parts[0]));
    YK__TRY(with_scalar(b, YK__OP_MUL, "size_double", parts[1], 2, &parts[1]));
    YK__TRY(op(b, YK__OP_MUL, "size_square", (int32_t[]){parts[1], parts[1]}, 2, &parts[1], NULL));
    YK__TRY(yk__pt_floats(b, "anchor_sizes", anchors, &shape, &sizes));
    YK__TRY(op(b, YK__OP_MUL, "size", (int32_t[]){parts[1], sizes}, 2, &parts[1], NULL));
    YK__TRY(op(b, YK__OP_CONCAT, "Concat", parts, 3, y, &node));
    YK__TRY(set_axis(b, node, 3));
    return reshape(b, "rows", *y, (int64_t[]){0, -1, numbers}, 3, y);
}

typedef struct head {
    int64_t levels, anchors, classes;
    float *stride, *anchor; /* levels; levels x anchors x 2 in pixels */
} head;

static yk__code read_head(yk__pt_build *b, yk__py module, int n_in, head *h) {
    yk__shape shape;
    char text[128];
    h->levels = n_in;
    YK__TRY(yk__pt_int(b, module, "nc", 1, 100000, &h->classes));
    YK__TRY(yk__pt_vector(b, module, "stride", &h->levels, &h->stride));
    const yk__py anchors = yk__pt_attr(b->file, module, "anchors");
    if (!yk__pt_is_tensor(b->file, anchors)) return yk__pt_fail(b, module, YK__GRAPH, "it has no anchors");
    YK__TRY(yk__pt_tensor_read(b->file, anchors, &b->graph->arena, &shape, &h->anchor, b->err));
    if (shape.rank != 3 || shape.dim[0] != n_in || shape.dim[1] < 1 || shape.dim[1] > MAX_ANCHORS || shape.dim[2] != 2)
        return yk__pt_fail(b, module, YK__GRAPH, "its anchors are %s; levels x anchors x 2 were expected",
                           yk__shape_text(&shape, text));
    h->anchors = shape.dim[1];
    for (int64_t i = 0; i < h->levels; i++)
        for (int64_t a = 0; a < 2 * h->anchors; a++) h->anchor[i * 2 * h->anchors + a] *= h->stride[i];
    return YK__OK;
}

static yk__code set_output(yk__pt_build *b, const int32_t *parts, const head *h, yk__pt_flow *out) {
    const yk__shape shape = {.rank = 3, .dim = {-1, -1, 5 + h->classes}};
    out->n = 1;
    out->value[0] = yk__graph_add_value(b->graph, "output0", YK__DTYPE_F32, &shape, NULL);
    const int32_t made =
        out->value[0] < 0 ? -1 : yk__graph_add_node(b->graph, YK__OP_CONCAT, "output", parts, (int)h->levels, out->value, 1);
    return made < 0 ? yk__pt_no_memory(b) : set_axis(b, &b->graph->nodes[made], 1);
}

static yk__code anchored(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, yk__pt_flow *out) {
    head h;
    int32_t parts[YK__PT_MAX_LEVELS];
    if (n_in < 1 || n_in > YK__PT_MAX_LEVELS) return yk__pt_fail(b, module, YK__LIMIT, "%d levels", n_in);
    YK__TRY(read_head(b, module, n_in, &h));
    b->recipe = yk__recipe_defaults(YK__TASK_DETECT, YK__LAYOUT_V5);
    b->recipe.n_classes = (int32_t)h.classes;
    for (int i = 0; i < n_in; i++) {
        const float stride = h.stride[i];
        if (in[i].n != 1) return yk__pt_fail(b, module, YK__GRAPH, "input %d is a list", i);
        if (!(stride >= 1 && stride <= 4096))
            return yk__pt_fail(b, module, YK__GRAPH, "stride %g of level %d", (double)stride, i);
        if ((int32_t)stride > b->recipe.stride) b->recipe.stride = (int32_t)stride;
        YK__TRY(yk__pt_list_part(b, module, "m", i, in[i].value[0], &parts[i]));
        if (yk__pt_channels(b, parts[i]) != h.anchors * (5 + h.classes)) {
            return yk__pt_fail(b, module, YK__GRAPH, "level %d has %lld channels; %lld anchors with %lld classes need %lld", i,
                               (long long)yk__pt_channels(b, parts[i]), (long long)h.anchors, (long long)h.classes,
                               (long long)(h.anchors * (5 + h.classes)));
        }
        const size_t mark = yk__pt_enter(b, "level");
        yk__pt_enter_item(b, i);
        YK__TRY(decode_level(b, parts[i], h.anchor + i * 2 * h.anchors, h.anchors, 5 + h.classes, stride, &parts[i]));
        yk__pt_leave(b, mark);
    }
    return set_output(b, parts, &h, out);
}

/* One name, two heads: YOLOv5's has anchors and a list `m`, Ultralytics' has neither. */
static yk__code detect(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, yk__pt_flow *out) {
    const bool v5 = yk__pt_has(b, module, "m") && yk__pt_is_tensor(b->file, yk__pt_attr(b->file, module, "anchors"));
    return v5 ? anchored(b, module, in, n_in, out) : yk__pt_detect(b, module, in, n_in, out);
}

const yk__pt_block yk__pt_heads_v5[] = {
    {"Detect", NULL, detect},
    {NULL, NULL, NULL},
};
