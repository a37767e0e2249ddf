/* See yolox_tail.h. */
#include "import/yolox_tail.h"

#include <string.h>

enum { MAX_PARTS = 256 }; /* of a head; real ones have 9 to 12 */

static yk__code no_memory(yk__graph *graph, yk__error *err) {
    return yk__arena_error(&graph->arena, "the head", err);
}

/* ---- rows ---- */

/* A Reshape to (rows) x columns [x 1] right behind a convolution or a concatenation of channels: nothing transposed. */
static bool is_mixed(const yk__graph *graph, const int32_t *producer, const yk__node *node, int64_t columns) {
    const int32_t from = producer[node->in[0]];
    const yk__value *const target = &graph->values[node->in[1]];
    const yk__op before = from >= 0 ? graph->nodes[from].op : YK__OP_NONE;
    if ((before != YK__OP_CONCAT && before != YK__OP_CONV) || !target->data || target->dtype != YK__DTYPE_I64) return false;
    if (target->shape.rank != 1 || target->shape.dim[0] < 2 || target->shape.dim[0] > 3) return false;
    const int64_t *const t = target->data;
    return t[0] > 1 && t[1] == columns && (target->shape.dim[0] == 2 || t[2] == 1);
}

static yk__code constant(yk__graph *graph, const int64_t *numbers, int64_t n, int32_t *out, yk__error *err) {
    const yk__shape shape = yk__shape_make(1, &n);
    *out = yk__graph_add_constant(graph, "yolox/numbers", YK__DTYPE_I64, &shape, numbers);
    return *out < 0 ? no_memory(graph, err) : YK__OK;
}

/* A node with one output of unknown shape. */
static yk__code add(yk__graph *graph, yk__op op, const char *name, const int32_t *in, int n_in, int32_t *out, yk__node **node,
                    yk__error *err) {
    const yk__shape unknown = {.rank = 0};
    *out = yk__graph_add_value(graph, name, YK__DTYPE_NONE, &unknown, NULL);
    const int32_t made = *out < 0 ? -1 : yk__graph_add_node(graph, op, name, in, n_in, out, 1);
    if (made < 0) return no_memory(graph, err);
    *node = &graph->nodes[made];
    return YK__OK;
}

/* x -> columns x rows -> rows x columns -> as it was. */
static yk__code turn_rows(yk__graph *graph, int32_t reshape, yk__error *err) {
    const int64_t *const t = graph->values[graph->nodes[reshape].in[1]].data;
    const int64_t sides[2] = {t[1], t[0]}, perm[2] = {1, 0};
    int32_t in[2] = {graph->nodes[reshape].in[0], YK__NO_VALUE}, turned, rows;
    yk__node *node = NULL;
    YK__TRY(constant(graph, sides, 2, &in[1], err));
    YK__TRY(add(graph, YK__OP_RESHAPE, "yolox/columns", in, 2, &turned, &node, err));
    YK__TRY(add(graph, YK__OP_TRANSPOSE, "yolox/rows", &turned, 1, &rows, &node, err));
    if (!yk__node_set_ints(graph, node, "perm", perm, 2)) return no_memory(graph, err);
    graph->nodes[reshape].in[0] = rows;
    return YK__OK;
}

/* Every Reshape of the tail: what feeds the output through reshapes and concatenations. */
static yk__code turn_all(yk__graph *graph, int64_t columns, const int32_t *producer, yk__error *err) {
    int32_t open[MAX_PARTS];
    int n = 0;
    open[n++] = graph->outputs[0];
    for (int done = 0; n > 0 && done < MAX_PARTS; done++) {
        const int32_t at = producer[open[--n]];
        if (at < 0) continue;
        const yk__op op = graph->nodes[at].op;
        const bool mixed = op == YK__OP_RESHAPE && is_mixed(graph, producer, &graph->nodes[at], columns);
        const int32_t n_in = op == YK__OP_CONCAT                                  ? graph->nodes[at].n_in
                             : op == YK__OP_CONV || op == YK__OP_SIGMOID || mixed ? 0
                                                                                  : 1;
        for (int32_t i = 0; i < n_in && n < MAX_PARTS; i++) open[n++] = graph->nodes[at].in[i];
        if (mixed) YK__TRY(turn_rows(graph, at, err));
    }
    return YK__OK;
}

/* ---- scores ---- */

/* The output's last columns through a sigmoid. The output keeps its name. */
static yk__code add_sigmoid(yk__graph *graph, int64_t columns, yk__error *err) {
    const int32_t output = graph->outputs[0];
    const yk__value was = graph->values[output];
    int32_t in[2] = {output, YK__NO_VALUE}, part[2], scores, finished;
    yk__node *node = NULL;
    YK__TRY(constant(graph, (int64_t[]){4, columns - 4}, 2, &in[1], err));
    for (int i = 0; i < 2; i++) {
        part[i] = yk__graph_add_value(graph, i ? "yolox/logits" : "yolox/boxes", YK__DTYPE_NONE, &(yk__shape){0}, NULL);
        if (part[i] < 0) return no_memory(graph, err);
    }
    const int32_t split = yk__graph_add_node(graph, YK__OP_SPLIT, "yolox/split", in, 2, part, 2);
    if (split < 0 || !yk__node_set_int(graph, &graph->nodes[split], "axis", 2)) return no_memory(graph, err);
    YK__TRY(add(graph, YK__OP_SIGMOID, "yolox/scores", &part[1], 1, &scores, &node, err));
    YK__TRY(add(graph, YK__OP_CONCAT, "yolox/finished", (int32_t[]){part[0], scores}, 2, &finished, &node, err));
    if (!yk__node_set_int(graph, node, "axis", 2)) return no_memory(graph, err);
    graph->values[finished] = was;
    graph->values[output].name = "yolox/raw";
    graph->outputs[0] = finished;
    return YK__OK;
}

yk__code yk__yolox_finish(yk__graph *graph, int64_t columns, yk__recipe *recipe, yk__error *err) {
    static const float mean[3] = {0.485f, 0.456f, 0.406f}, std[3] = {0.229f, 0.224f, 0.225f}; /* ImageNet's, for 0..1 */
    yk__arena scratch;
    yk__arena_init(&scratch, 0);
    const int32_t *const producer = yk__graph_producers(graph, &scratch);
    yk__code code = producer ? turn_all(graph, columns, producer, err) : yk__arena_error(&scratch, "the head", err);
    yk__arena_free(&scratch);
    YK__TRY(code);
    YK__TRY(add_sigmoid(graph, columns, err));
    recipe->bgr = false;
    recipe->scale = 255;
    memcpy(recipe->mean, mean, sizeof mean);
    memcpy(recipe->std, std, sizeof std);
    return yk__graph_sort(graph, err);
}
