/* The decode that an export spells out behind its last convolutions (DFL softmax, anchors and strides as constants or
 * computed, concatenations, sigmoids, keypoints, angles, the top-k selection of a one-to-one head) becomes one YolkHead.
 *
 * From the first network output the walk goes back through everything that can be decode and stops at the branches, the
 * picture-shaped values that nothing of it makes. Shapes tell levels, strides, bins, classes; what they leave open (which
 * branch is which when channel counts are equal, how keypoints or angles are read) is tried, and only a guess whose numbers are
 * proven equal (head_proof.c) is put in. No names are looked at. What is not recognised runs as written. */
#include "optimize/head_guess.h"
#include "optimize/passes.h"

#include <stdio.h>
#include <string.h>

/* A written-out tail has 30 to 150 nodes. A guess costs two runs of the tail; ambiguous channel counts make at most 6 x 8. */
enum { MOST_NODES = 600, MOST_PROOFS = 64, MAX_PER_LEVEL = 3 };

static bool is_dfl(const yk__graph *graph, const yk__rewrite *rewrite, const yk__node *node) {
    const yk__value *weight = node->n_in == 2 ? yk__constant_of(graph, node->in[1]) : NULL;
    const yk__node *before = yk__rewrite_maker(rewrite, node->in[0]);
    if (before && before->op == YK__OP_TRANSPOSE) before = yk__rewrite_maker(rewrite, before->in[0]);
    return weight && weight->shape.rank == 4 && weight->shape.dim[0] == 1 && weight->shape.dim[2] == 1 &&
           weight->shape.dim[3] == 1 && before && before->op == YK__OP_SOFTMAX;
}

static bool inside(const yk__graph *graph, const yk__rewrite *rewrite, const yk__node *node) {
    switch (node->op) {
    case YK__OP_CONV: return is_dfl(graph, rewrite, node);
    case YK__OP_RESHAPE:
    case YK__OP_FLATTEN:
    case YK__OP_SQUEEZE:
    case YK__OP_UNSQUEEZE:
    case YK__OP_TRANSPOSE:
    case YK__OP_CONCAT:
    case YK__OP_SPLIT:
    case YK__OP_SLICE:
    case YK__OP_GATHER:
    case YK__OP_GATHER_ELEMENTS:
    case YK__OP_GATHER_ND:
    case YK__OP_SCATTER_ND:
    case YK__OP_EXPAND:
    case YK__OP_TILE:
    case YK__OP_IDENTITY:
    case YK__OP_CAST:
    case YK__OP_SHAPE:
    case YK__OP_SOFTMAX:
    case YK__OP_MATMUL:
    case YK__OP_REDUCE_SUM:
    case YK__OP_REDUCE_MAX:
    case YK__OP_TOP_K:
    case YK__OP_ADD:
    case YK__OP_SUB:
    case YK__OP_MUL:
    case YK__OP_DIV:
    case YK__OP_POW:
    case YK__OP_MOD:
    case YK__OP_FLOOR:
    case YK__OP_WHERE:
    case YK__OP_EQUAL:
    case YK__OP_NEG:
    case YK__OP_EXP:
    case YK__OP_SIGMOID:
    case YK__OP_SIN:
    case YK__OP_COS: return true;
    default: return false;
    }
}

/* The branches of one level, in the order their makers stand in the graph. */
typedef struct head_level {
    int n;
    int32_t value[MAX_PER_LEVEL];
    int64_t height, width;
} head_level;

typedef struct search {
    const yk__model *model;
    const yk__rewrite *rewrite;
    yk__at_size at;
    yk__cone cone;
    yk__evaluate_fn evaluate;
    int n_levels, proofs_left;
    head_level levels[YK__MAX_LEVELS];
    const float *dfl_weight; /* numbers on the bins as the file has them, NULL where there are none */
    int64_t n_dfl;
} search;

/* Sorts the frontier into levels, fine ones first; false when it is not that of a head. */
static bool find_levels(search *s) {
    const yk__shape *input = &s->at.inputs[0];
    if (input->rank != 4) return false;
    for (int32_t f = 0; f < s->cone.n_frontier; f++) {
        int32_t v = s->cone.frontier[f];
        const yk__inferred *value = &s->at.value[v];
        if (value->dtype != YK__DTYPE_F32 || value->shape.rank != 4 || value->shape.dim[0] != input->dim[0]) return false;
        int64_t height = value->shape.dim[2], width = value->shape.dim[3];
        int at = 0;
        while (at < s->n_levels && s->levels[at].height * s->levels[at].width > height * width) at++;
        bool found = at < s->n_levels && s->levels[at].height == height && s->levels[at].width == width;
        if (!found) {
            if (s->n_levels == YK__MAX_LEVELS) return false;
            memmove(&s->levels[at + 1], &s->levels[at], (size_t)(s->n_levels - at) * sizeof *s->levels);
            s->levels[at] = (head_level){.height = height, .width = width};
            s->n_levels++;
        }
        if (s->levels[at].n == MAX_PER_LEVEL) return false;
        s->levels[at].value[s->levels[at].n++] = v;
    }
    for (int i = 0; i < s->n_levels; i++) {
        const head_level *l = &s->levels[i];
        if (l->n != s->levels[0].n || l->n < 2 || l->height < 1 || l->width < 1) return false;
        if (input->dim[2] % l->height || input->dim[3] % l->width || input->dim[2] / l->height != input->dim[3] / l->width)
            return false;
    }
    return s->n_levels > 0;
}

/* Branches of a YOLO have up to 2^25 numbers (1280 pixels, a level of stride 4); the larger they are, the fewer guesses. */
static void limit_proofs(search *s) {
    const int64_t most_numbers = (int64_t)1 << 29;
    int64_t total = 1, count;
    for (int32_t f = 0; f < s->cone.n_frontier; f++)
        total += yk__shape_count(&s->at.value[s->cone.frontier[f]].shape, &count) ? count : most_numbers;
    if (most_numbers / total < s->proofs_left) s->proofs_left = (int)(most_numbers / total);
}

static int64_t channels(const search *s, int32_t v) {
    return s->at.value[v].shape.dim[1];
}

/* The numbers that weigh the DFL bins: the constant of the 1x1 convolution behind the Softmax. */
static void find_dfl(search *s) {
    const yk__graph *graph = s->rewrite->graph;
    for (int32_t i = 0; i < s->cone.n_nodes; i++) {
        const yk__node *node = &graph->nodes[s->cone.nodes[i]];
        if (node->op != YK__OP_CONV) continue;
        const yk__value *weight = &graph->values[node->in[1]];
        s->n_dfl = weight->shape.dim[1];
        s->dfl_weight = weight->dtype == YK__DTYPE_F32 ? weight->data : NULL;
    }
    for (int64_t i = 0; s->dfl_weight && i <= s->n_dfl; i++) {
        if (i == s->n_dfl)
            s->dfl_weight = NULL; /* 0, 1, 2 ...: what is assumed anyway */
        else if (s->dfl_weight[i] != (float)i)
            break;
    }
}

/* A half-precision export holds pi rounded to f16, 3.140625. The network is computed in f32 from such a file, and its angles
 * with pi: the tail is tried with that one number put right. An angle then differs by at most 0.0008 from what the rounded
 * constant gives, less than a step of the f16 angles that such an export computes with. */
static void restore_pi(search *s) {
    static const float rounded_pi = 3.140625f, pi = 3.14159265358979323846f;
    const yk__graph *graph = s->rewrite->graph;
    for (int32_t i = 0; i < s->cone.n_nodes; i++) {
        const yk__node *node = &graph->nodes[s->cone.nodes[i]];
        for (int k = 0; node->op == YK__OP_MUL && k < 2; k++) {
            yk__inferred *value = &s->at.value[node->in[k]];
            int64_t count;
            if (value->data && value->dtype == YK__DTYPE_F32 && yk__shape_count(&value->shape, &count) && count == 1 &&
                *(const float *)value->data == rounded_pi)
                value->data = &pi;
        }
    }
}

/* Fits the sizes of a guess to the outputs; false when they cannot be. The branches are set. */
static bool fit_sizes(const search *s, yk__head_guess *g) {
    const yk__graph *graph = s->rewrite->graph;
    const yk__shape *out = &s->at.value[graph->outputs[0]].shape;
    int64_t anchors = 0;
    for (int i = 0; i < g->n_levels; i++) anchors += s->levels[i].height * s->levels[i].width;
    if (channels(s, g->box[0]) % 4 || out->rank != 3) return false;
    g->reg_max = channels(s, g->box[0]) / 4;
    g->classes = channels(s, g->cls[0]);
    g->n_extra = g->extra[0] >= 0 ? channels(s, g->extra[0]) : 0;
    g->dfl_weight = s->dfl_weight && s->n_dfl == g->reg_max ? s->dfl_weight : NULL;
    if (g->one_to_one) {
        g->k = out->dim[1];
        return out->dim[2] == 6 + g->n_extra && g->k >= 1 && g->k <= anchors;
    }
    g->k = 0;
    return out->dim[1] == 4 + g->classes + g->n_extra && out->dim[2] == anchors;
}

static yk__code try_guess(search *s, const yk__head_guess *g, bool *proven, yk__error *err) {
    *proven = false;
    if (s->proofs_left-- <= 0) return YK__OK;
    yk__code code =
        yk__head_prove(s->rewrite->graph, &s->at, &s->cone, s->rewrite->graph->outputs[0], g, s->evaluate, proven, err);
    if (!yk__is_fatal(code)) code = YK__OK; /* a head that cannot be (shapes, attributes) is no head */
    return code;
}

/* The ways to read a guess's extras, until one is proven. */
static yk__code try_readings(search *s, yk__head_guess *g, bool *proven, yk__error *err) {
    const yk__graph *graph = s->rewrite->graph;
    const yk__recipe *recipe = &s->model->recipe;
    g->family = "v8";
    g->angle = "sigmoid";
    g->prototypes = YK__NO_VALUE;
    g->task = YK__TASK_DETECT;
    if (g->n_extra == 0) return graph->n_outputs == 1 ? try_guess(s, g, proven, err) : YK__OK;
    if (graph->n_outputs == 2) {
        g->task = YK__TASK_SEGMENT;
        g->prototypes = graph->outputs[1];
        return try_guess(s, g, proven, err);
    }
    static const char *const families[2] = {"v8", "26"}, *const angles[2] = {"sigmoid", "raw"};
    for (int i = 0; !*proven && g->n_extra == 1 && recipe->task != YK__TASK_POSE && i < 2; i++) {
        g->task = YK__TASK_OBB;
        g->angle = angles[i];
        YK__TRY(try_guess(s, g, proven, err));
    }
    for (int d = 3; !*proven && d >= 2; d--)
        for (int i = 0; !*proven && i < 2; i++) {
            bool told = recipe->kpt_shape[0] > 0 && recipe->kpt_shape[1] > 0;
            if (g->n_extra % d || recipe->task == YK__TASK_OBB || (told && recipe->kpt_shape[1] != d)) continue;
            g->task = YK__TASK_POSE;
            g->angle = "sigmoid";
            g->kpt_shape[0] = g->n_extra / d;
            g->kpt_shape[1] = d;
            g->family = families[i];
            YK__TRY(try_guess(s, g, proven, err));
        }
    return YK__OK;
}

/* The orders in which a level's branches can be box, class and extra. */
static const int8_t orders2[2][3] = {{0, 1, -1}, {1, 0, -1}};
static const int8_t orders3[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

static void set_level(const search *s, int level, const int8_t order[3], yk__head_guess *g) {
    g->box[level] = s->levels[level].value[order[0]];
    g->cls[level] = s->levels[level].value[order[1]];
    g->extra[level] = order[2] < 0 ? YK__NO_VALUE : s->levels[level].value[order[2]];
}

static bool same_channels(const search *s, const yk__head_guess *g, int level) {
    return channels(s, g->box[level]) == channels(s, g->box[0]) && channels(s, g->cls[level]) == channels(s, g->cls[0]) &&
           (g->extra[level] < 0 || channels(s, g->extra[level]) == channels(s, g->extra[0]));
}

/* Every way to name the branches whose channel counts are the same on all levels: a counter with a digit per level. */
static yk__code try_orders(search *s, yk__head_guess *g, bool *proven, yk__error *err) {
    const int8_t(*orders)[3] = s->levels[0].n == 2 ? orders2 : orders3;
    int n_orders = s->levels[0].n == 2 ? 2 : 6, digit[YK__MAX_LEVELS] = {0};
    g->n_levels = s->n_levels;
    for (int i = 0; i < s->n_levels; i++) g->stride[i] = (double)(s->at.inputs[0].dim[2] / s->levels[i].height);
    while (!*proven && s->proofs_left > 0) {
        int bad = -1;
        for (int i = 0; bad < 0 && i < s->n_levels; i++) {
            set_level(s, i, orders[digit[i]], g);
            if (!same_channels(s, g, i)) bad = i;
        }
        if (bad < 0 && fit_sizes(s, g)) YK__TRY(try_readings(s, g, proven, err));
        int turn = bad >= 0 ? bad : s->n_levels - 1; /* nothing behind a level that does not fit can help */
        for (int i = turn + 1; i < s->n_levels; i++) digit[i] = 0;
        while (turn >= 0 && ++digit[turn] == n_orders) digit[turn--] = 0;
        if (turn < 0) break;
    }
    return YK__OK;
}

/* The second output of a segmentation export becomes the head's: what made it now makes a value of its own. */
static yk__code move_prototypes(yk__graph *graph, int32_t output, int32_t maker, int32_t *inner, yk__error *err) {
    const yk__value old = graph->values[output];
    *inner = yk__graph_add_value(graph, "prototypes", old.dtype, &old.shape, NULL);
    if (*inner < 0) return yk__arena_error(&graph->arena, "recognising a head", err);
    for (int i = 0; i < graph->n_nodes; i++)
        for (int k = 0; k < graph->nodes[i].n_in; k++)
            if (graph->nodes[i].in[k] == output) graph->nodes[i].in[k] = *inner;
    yk__node *node = &graph->nodes[maker];
    for (int k = 0; k < node->n_out; k++)
        if (node->out[k] == output) node->out[k] = *inner;
    return YK__OK;
}

static yk__code replace(yk__rewrite *rewrite, const yk__head_guess *g, yk__error *err) {
    yk__graph *graph = rewrite->graph;
    int32_t in[3 * YK__MAX_LEVELS + 1], out[2] = {graph->outputs[0], YK__NO_VALUE};
    int n_in = yk__head_branches(g), n_out = 1;
    for (int b = 0; b < n_in; b++) in[b] = yk__head_branch(g, b);
    if (g->prototypes >= 0) {
        YK__TRY(move_prototypes(graph, g->prototypes, rewrite->maker[g->prototypes], &in[n_in++], err));
        out[n_out++] = g->prototypes;
    }
    yk__node *tail = &graph->nodes[rewrite->maker[graph->outputs[0]]];
    yk__rewrite_remove(rewrite, tail);
    if (yk__head_make(graph, g, in, n_in, out, n_out) < 0) return yk__arena_error(&graph->arena, "recognising a head", err);
    return YK__OK;
}

static yk__code recognise(search *s, yk__rewrite *rewrite, yk__error *err) {
    const yk__graph *graph = rewrite->graph;
    yk__head_guess guess = {0};
    bool proven = false;
    int32_t output = graph->outputs[0];
    if (graph->n_outputs > 2 || rewrite->maker[output] < 0 || graph->nodes[rewrite->maker[output]].n_out != 1) return YK__OK;
    if (graph->n_outputs == 2 && (graph->outputs[1] == output || rewrite->maker[graph->outputs[1]] < 0)) return YK__OK;
    YK__TRY(yk__infer_at(s->model, 0, 0, s->evaluate, &rewrite->scratch, &s->at, err));
    if (!s->at.complete) return YK__OK;
    YK__TRY(yk__cone_collect(rewrite, &s->at, &output, 1, inside, MOST_NODES, &rewrite->scratch, &s->cone, err));
    if (!find_levels(s)) return YK__OK;
    limit_proofs(s);
    find_dfl(s);
    restore_pi(s);
    for (int one_to_one = 0; !proven && one_to_one < 2; one_to_one++) {
        guess.one_to_one = one_to_one;
        YK__TRY(try_orders(s, &guess, &proven, err));
    }
    return proven ? replace(rewrite, &guess, err) : YK__OK;
}

YK__PASS(recognise_head) {
    yk__graph *graph = &model->graph;
    yk__rewrite rewrite;
    search s = {.model = model, .rewrite = &rewrite, .evaluate = evaluate, .proofs_left = MOST_PROOFS};
    if (!evaluate || graph->n_inputs != 1 || graph->n_outputs < 1) return YK__OK;
    for (int i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].op == YK__OP_YOLK_HEAD) return YK__OK;
    yk__code code = yk__rewrite_begin(&rewrite, graph, err);
    if (!code) code = recognise(&s, &rewrite, err);
    yk__rewrite_end(&rewrite, changed);
    return yk__is_fatal(code) ? code : YK__OK;
}
