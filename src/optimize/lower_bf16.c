/* --precision bf16: convolutions take bf16 inputs and weights, sums stay f32.
 *
 * Not a pass: passes keep the meaning, this rounds. It runs after all of them. A value becomes bf16 where a convolution reads
 * it, at once or behind operators that only carry it (pooling, enlargement, concat, split); whoever makes such a value rounds
 * it once, as it is stored. Everything else stays f32: the pictures, the first convolution's arithmetic (a reduction of 27),
 * the convolutions that join the first blocks (below), biases, what heads, attention and classifiers read (so the last 1x1 of a
 * head gives f32 logits), the graph's inputs and outputs. A Cast stands where one meets the other. So the graph itself says
 * which layer computes in what, and the ref backend computes exactly that. */
#include "optimize/optimize.h"
#include "optimize/rewrite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Fewer input channels than this and a convolution computes in f32: the first one, which reads pictures. */
#define LEAST_CHANNELS 5

/* The convolutions behind the first two Concats stay f32 where they read few channels: errors that arise there reach everything
 * behind, and sums over many channels even them out. Measured on 21 photographs, 95 % of boxes with an IoU of: yolov8n-seg
 * 0.988 without and 0.994 with, yolo11n-seg 0.986 and 0.992; yolov8s, whose joins read 96 and 256 channels, 0.995 either way.
 * In f32 they are 8 % of yolov8n's time with AMX, and would be 15 % of yolov8m's. */
#define JOINS_IN_F32  2
#define JOIN_CHANNELS 128

typedef struct lowering {
    yk__graph *graph;
    yk__arena scratch;
    yk__at_size at;
    int32_t n_values; /* as the graph came; casts and constants made here lie beyond */
    int32_t n_nodes;
    bool *join;           /* per node: one of the convolutions that stay f32 */
    bool *wanted;         /* per value: a convolution reads it, perhaps behind carriers */
    bool *is_output;      /* per value: of the graph */
    int32_t *half, *full; /* per value: itself or its Cast in bf16, in f32; -1: not made yet */
} lowering;

static bool is_map(const lowering *l, int32_t value) {
    const yk__inferred *facts = value >= 0 ? yk__at(&l->at, value) : NULL;
    return facts && facts->dtype == YK__DTYPE_F32 && facts->shape.rank == 4 && !facts->dynamic;
}

static bool is_constant_f32(const yk__graph *graph, int32_t value) {
    const yk__value *constant = yk__constant_of(graph, value);
    return constant && constant->dtype == YK__DTYPE_F32;
}

/* A convolution that may round what it stores. */
static bool is_conv(const lowering *l, const yk__node *node) {
    return node->op == YK__OP_CONV && is_map(l, node->in[0]) && is_map(l, node->out[0]) &&
           is_constant_f32(l->graph, node->in[1]) && l->graph->values[node->in[1]].shape.rank == 4;
}

/* One that also takes bf16 inputs and weights: whole or one filter per channel. */
static bool takes_bf16(const lowering *l, const yk__node *node) {
    if (!is_conv(l, node) || l->join[node - l->graph->nodes]) return false;
    int64_t groups = yk__node_int(node, "group", 1), channels = yk__at(&l->at, node->in[0])->shape.dim[1];
    bool depthwise = groups == channels && groups == l->graph->values[node->in[1]].shape.dim[0];
    return channels >= LEAST_CHANNELS && (groups == 1 || depthwise);
}

/* Inputs of an operator that only carries values, the first n of them; 0 for any other. */
static int carried_inputs(const lowering *l, const yk__node *node) {
    int n = 0;
    switch (node->op) {
    case YK__OP_CONCAT: n = node->n_in; break;
    case YK__OP_SPLIT:
    case YK__OP_SLICE:
    case YK__OP_RESIZE: n = 1; break;
    case YK__OP_MAX_POOL: n = node->n_out == 1 || node->out[1] == YK__NO_VALUE; break;
    default: return 0;
    }
    if (node->op == YK__OP_RESIZE && strcmp(yk__node_string(node, "mode", "nearest"), "nearest") != 0) return 0;
    for (int i = 0; i < n; i++)
        if (!is_map(l, node->in[i]) || yk__constant_of(l->graph, node->in[i])) return 0;
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i] != YK__NO_VALUE && !is_map(l, node->out[i])) return 0;
    return n;
}

static bool any_wanted(const lowering *l, const yk__node *node) {
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i] != YK__NO_VALUE && l->wanted[node->out[i]]) return true;
    return false;
}

static yk__code find_joins(lowering *l, yk__error *err) {
    const int32_t *maker = yk__graph_producers(l->graph, &l->scratch);
    l->join = yk__arena_array(&l->scratch, (size_t)l->n_nodes + 1, sizeof *l->join);
    if (!maker || !l->join) return yk__arena_error(&l->scratch, "lowering to bf16", err);
    for (int32_t n = 0, found = 0; n < l->n_nodes && found < JOINS_IN_F32; n++) {
        const yk__node *node = &l->graph->nodes[n];
        if (!is_conv(l, node) || maker[node->in[0]] < 0) continue;
        if (l->graph->nodes[maker[node->in[0]]].op != YK__OP_CONCAT) continue;
        l->join[n] = yk__at(&l->at, node->in[0])->shape.dim[1] <= JOIN_CHANNELS;
        found++;
    }
    return YK__OK;
}

/* From the readers to the makers. */
static void find_wanted(lowering *l) {
    for (int32_t n = l->n_nodes - 1; n >= 0; n--) {
        const yk__node *node = &l->graph->nodes[n];
        int carried = carried_inputs(l, node);
        if (carried && any_wanted(l, node)) {
            for (int i = 0; i < carried; i++) l->wanted[node->in[i]] = true;
        }
        if (takes_bf16(l, node)) l->wanted[node->in[0]] = true;
        bool residual = takes_bf16(l, node) && node->n_in > 3 && node->in[3] != YK__NO_VALUE;
        if (residual && l->wanted[node->out[0]]) l->wanted[node->in[3]] = true;
    }
}

/* The value in another type; a Cast where it is not made in it. */
static yk__code in_type(lowering *l, int32_t value, yk__dtype dtype, int32_t *out, yk__error *err) {
    yk__graph *graph = l->graph;
    int32_t *slot = dtype == YK__DTYPE_BF16 ? &l->half[value] : &l->full[value];
    if (graph->values[value].dtype == dtype) *slot = value;
    if (*slot < 0) {
        char name[256];
        snprintf(name, sizeof name, "%.200s/%s", graph->values[value].name, yk__dtype_name(dtype));
        yk__shape shape = graph->values[value].shape;
        int32_t made = yk__graph_add_value(graph, name, dtype, &shape, NULL);
        int32_t node = made < 0 ? -1 : yk__graph_add_node(graph, YK__OP_CAST, name, &value, 1, &made, 1);
        if (node < 0 || !yk__node_set_string(graph, &graph->nodes[node], "to", yk__dtype_name(dtype)))
            return yk__arena_error(&graph->arena, "lowering to bf16", err);
        *slot = made;
    }
    *out = *slot;
    return YK__OK;
}

/* A weight may go to the neighbour that is not nearest, when that is hardly farther: this much of their distance. */
#define HARDLY_FARTHER (2.0 / 3)

/* One filter. Where every weight goes to its nearest neighbour the errors add up to something, and what all inputs have in
 * common (activations are mostly positive) shifts the whole channel: that is most of what bf16 costs. So of two neighbours
 * almost equally near the one is taken that brings the sum of errors back to zero. */
static void round_filter(const float *from, int64_t n, uint16_t *to) {
    double error = 0;
    for (int64_t i = 0; i < n; i++) {
        const double weight = (double)from[i];
        const uint16_t nearest = yk__float_to_bf16(from[i]);
        double rounded = (double)yk__bf16_to_float(nearest), off = weight - rounded;
        to[i] = nearest;
        if (off != 0 && isfinite(rounded)) {
            const bool outwards = fabs(weight) > fabs(rounded);
            const uint16_t other = (uint16_t)(outwards ? nearest + 1 : nearest - 1);
            const double value = (double)yk__bf16_to_float(other), other_off = weight - value;
            if (isfinite(value) && fabs(other_off) <= HARDLY_FARTHER * fabs(value - rounded) &&
                fabs(error + other_off) < fabs(error + off)) {
                to[i] = other;
                off = other_off;
            }
            error += off;
        }
    }
}

static yk__code round_weights(lowering *l, yk__node *node, yk__error *err) {
    yk__graph *graph = l->graph;
    const yk__value *from = &graph->values[node->in[1]];
    int64_t count = 0;
    uint16_t *to = yk__shape_count(&from->shape, &count)
                       ? yk__arena_aligned(&graph->arena, (size_t)count * sizeof *to, YK__CACHE_LINE)
                       : NULL;
    if (!to) return yk__arena_error(&graph->arena, "lowering to bf16", err);
    const int64_t filter = count / from->shape.dim[0];
    for (int64_t at = 0; at < count; at += filter) round_filter((const float *)from->data + at, filter, to + at);
    yk__shape shape = from->shape;
    int32_t made = yk__graph_add_value(graph, from->name, YK__DTYPE_BF16, &shape, to);
    if (made < 0) return yk__arena_error(&graph->arena, "lowering to bf16", err);
    node->in[1] = made;
    return YK__OK;
}

static yk__code lower_conv(lowering *l, int32_t index, yk__error *err) {
    yk__graph *graph = l->graph;
    const yk__node before = graph->nodes[index]; /* its arrays stay where they are, the node itself may move */
    bool bf16_in = takes_bf16(l, &graph->nodes[index]), first = yk__at(&l->at, before.in[0])->shape.dim[1] < LEAST_CHANNELS;
    bool bf16_out = (bf16_in || first) && l->wanted[before.out[0]] && !l->is_output[before.out[0]];
    yk__dtype type = bf16_out ? YK__DTYPE_BF16 : YK__DTYPE_F32;
    YK__TRY(in_type(l, before.in[0], bf16_in ? YK__DTYPE_BF16 : YK__DTYPE_F32, &before.in[0], err));
    if (before.n_in > 3 && before.in[3] != YK__NO_VALUE) YK__TRY(in_type(l, before.in[3], type, &before.in[3], err));
    yk__node *node = &graph->nodes[index];
    if (bf16_in) YK__TRY(round_weights(l, node, err));
    graph->values[node->out[0]].dtype = type;
    if (bf16_in != bf16_out && !yk__node_set_string(graph, node, "out_type", yk__dtype_name(type)))
        return yk__arena_error(&graph->arena, "lowering to bf16", err);
    return YK__OK;
}

static yk__code lower_node(lowering *l, int32_t index, yk__error *err) {
    yk__graph *graph = l->graph;
    const yk__node node = graph->nodes[index];
    if (is_conv(l, &node)) return lower_conv(l, index, err);
    int carried = carried_inputs(l, &node);
    bool outputs = false;
    for (int i = 0; i < node.n_out; i++) outputs |= node.out[i] != YK__NO_VALUE && l->is_output[node.out[i]];
    if (carried && any_wanted(l, &node) && !outputs) {
        for (int i = 0; i < carried; i++) YK__TRY(in_type(l, node.in[i], YK__DTYPE_BF16, &node.in[i], err));
        for (int i = 0; i < node.n_out; i++)
            if (node.out[i] != YK__NO_VALUE) graph->values[node.out[i]].dtype = YK__DTYPE_BF16;
        return YK__OK;
    }
    for (int i = 0; i < node.n_in; i++) {
        int32_t value = node.in[i];
        if (value == YK__NO_VALUE || value >= l->n_values || graph->values[value].dtype != YK__DTYPE_BF16) continue;
        YK__TRY(in_type(l, value, YK__DTYPE_F32, &node.in[i], err));
    }
    return YK__OK;
}

static yk__code lower(lowering *l, yk__model *model, yk__evaluate_fn evaluate, yk__error *err) {
    size_t n = (size_t)l->n_values + 1;
    l->wanted = yk__arena_array(&l->scratch, n, sizeof *l->wanted);
    l->is_output = yk__arena_array(&l->scratch, n, sizeof *l->is_output);
    l->half = yk__arena_array(&l->scratch, n, sizeof *l->half);
    l->full = yk__arena_array(&l->scratch, n, sizeof *l->full);
    if (!l->wanted || !l->is_output || !l->half || !l->full) return yk__arena_error(&l->scratch, "lowering to bf16", err);
    for (size_t i = 0; i < n; i++) l->half[i] = l->full[i] = -1;
    for (int32_t i = 0; i < l->graph->n_outputs; i++) l->is_output[l->graph->outputs[i]] = true;
    YK__TRY(yk__infer_at(model, 0, 0, evaluate, &l->scratch, &l->at, err));
    YK__TRY(find_joins(l, err));
    find_wanted(l);
    for (int32_t i = 0; i < l->n_nodes; i++) YK__TRY(lower_node(l, i, err));
    YK__TRY(yk__graph_sort(l->graph, err));
    return yk__graph_compact(l->graph, err);
}

yk__code yk__lower_bf16(yk__model *model, yk__evaluate_fn evaluate, yk__error *err) {
    lowering l = {.graph = &model->graph, .n_values = model->graph.n_values, .n_nodes = model->graph.n_nodes};
    yk__arena_init(&l.scratch, YK__SCRATCH_BYTES);
    yk__code code = lower(&l, model, evaluate, err);
    yk__arena_free(&l.scratch);
    return code;
}
