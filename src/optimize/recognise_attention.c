/* The attention of C2PSA, PSA (v10, 11, 26) and A2C2f (12), spelled by exporters with Reshape, Transpose, Split, MatMul and
 * Softmax in many ways, becomes one Attention (ops.def) on the output of the qkv convolution.
 *
 * From each Softmax over a matrix product the walk goes forward to the picture-shaped values that come of it, and back from
 * there to the one convolution that all of it comes from. Heads, widths and area follow from the shapes; what they mean is
 * then proven: the written-out form and the operator must give the same numbers for random q, k and v. The values themselves (v
 * as a picture, for the positional convolution) are the second output, proven to be an exact copy. */
#include "optimize/passes.h"
#include "optimize/prove.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A written-out attention has about 20 nodes, 60 with computed shapes, and values with a handful of readers; yolo12x has 24 of
 * them. A file that holds more than this is no YOLO and must not keep the build busy. */
enum { MOST_NODES = 200, MOST_MOVES = 16, MOST_READERS = 64, MOST_TRIED = 256 };

/* Products that a proof may cost: seconds on the ref backend. At 1280 pixels the blocks of a YOLO have 2^30. */
#define MOST_PRODUCTS ((int64_t)1 << 33)

/* Both sides sum the same products in another order. With q and k of sigma 1 and at most a few thousand tokens the outputs
 * are below 6 in size and their rounding stays below 1e-6 per unit; a wrong scale, head order or area is off by 0.01 and more.
 */
static const double tolerance = 2e-5;

static bool inside(const yk__graph *graph, const yk__rewrite *rewrite, const yk__node *node) {
    (void)graph, (void)rewrite;
    switch (node->op) {
    case YK__OP_RESHAPE:
    case YK__OP_FLATTEN:
    case YK__OP_SQUEEZE:
    case YK__OP_UNSQUEEZE:
    case YK__OP_TRANSPOSE:
    case YK__OP_SPLIT:
    case YK__OP_SLICE:
    case YK__OP_GATHER:
    case YK__OP_CONCAT:
    case YK__OP_IDENTITY:
    case YK__OP_CAST:
    case YK__OP_MATMUL:
    case YK__OP_EINSUM:
    case YK__OP_SOFTMAX:
    case YK__OP_MUL:
    case YK__OP_DIV:
    case YK__OP_SUB:
    case YK__OP_REDUCE_MAX:
    case YK__OP_REDUCE_SUM:
    case YK__OP_EXP: return true;
    default: return false;
    }
}

typedef struct attention {
    int32_t qkv, out, v; /* values; v absent when nobody needs it */
    int64_t heads, dim_key, dim_value, area;
    double scale;
} attention;

/* Readers of each value, as a list: first[v] .. first[v + 1] in node[]. */
typedef struct readers {
    int32_t *first, *node;
} readers;

static yk__code list_readers(const yk__graph *graph, yk__arena *arena, readers *out, yk__error *err) {
    size_t total = 0;
    out->first = yk__arena_array(arena, (size_t)graph->n_values + 2, sizeof *out->first);
    for (int i = 0; out->first && i < graph->n_nodes; i++)
        for (int k = 0; k < graph->nodes[i].n_in; k++)
            if (graph->nodes[i].in[k] >= 0) {
                out->first[graph->nodes[i].in[k] + 2]++;
                total++;
            }
    out->node = yk__arena_array(arena, total, sizeof *out->node);
    if (!out->first || !out->node) return yk__arena_error(arena, "recognising attention", err);
    for (int v = 0; v < graph->n_values; v++) out->first[v + 2] += out->first[v + 1];
    for (int i = 0; i < graph->n_nodes; i++) /* first[v + 1] moves from where v starts to where it ends */
        for (int k = 0; k < graph->nodes[i].n_in; k++)
            if (graph->nodes[i].in[k] >= 0) out->node[out->first[graph->nodes[i].in[k] + 1]++] = i;
    return YK__OK;
}

static bool picture_shaped(const yk__shape *shape, const yk__shape *like) {
    return shape->rank == 4 && shape->dim[0] == like->dim[0] && shape->dim[2] == like->dim[2] && shape->dim[3] == like->dim[3];
}

/* The one node that reads a value, -1 for none or several. A Shape that looks at its size does not count. */
static int32_t only_reader(const yk__rewrite *rewrite, const readers *list, int32_t v) {
    int32_t only = -1;
    if (rewrite->is_output[v] || list->first[v + 1] - list->first[v] > MOST_READERS) return -1;
    for (int32_t r = list->first[v]; r < list->first[v + 1]; r++) {
        if (rewrite->graph->nodes[list->node[r]].op == YK__OP_SHAPE) continue;
        if (only >= 0) return -1;
        only = list->node[r];
    }
    return only;
}

static bool only_moves(yk__op op) {
    return op == YK__OP_RESHAPE || op == YK__OP_TRANSPOSE || op == YK__OP_SQUEEZE || op == YK__OP_UNSQUEEZE ||
           op == YK__OP_FLATTEN || op == YK__OP_IDENTITY || op == YK__OP_CAST;
}

/* The value that leaves the pattern behind the Softmax: one product with v, then whatever only moves elements, as long as
 * there is one reader. -1 when no product follows. */
static int32_t follow(const yk__rewrite *rewrite, const readers *list, int32_t softmax) {
    const yk__graph *graph = rewrite->graph;
    int32_t v = graph->nodes[softmax].out[0];
    bool multiplied = false;
    for (int steps = 0; steps < MOST_NODES; steps++) {
        int32_t reader = only_reader(rewrite, list, v);
        if (reader < 0) break;
        yk__op op = graph->nodes[reader].op;
        bool product = op == YK__OP_MATMUL || op == YK__OP_EINSUM;
        if (!only_moves(op) && (!product || multiplied)) break;
        multiplied = multiplied || product;
        v = graph->nodes[reader].out[0];
    }
    return multiplied ? v : -1;
}

/* Numbers of the operator from the shapes: C_out = heads * dim_value, C_qkv = heads * (2 * dim_key + dim_value), and the
 * Softmax runs over N * area x heads x T x T, T = H * W / area. */
static bool fit_shapes(const yk__at_size *at, const yk__shape *softmax, attention *a) {
    const yk__shape *qkv = &at->value[a->qkv].shape, *out = &at->value[a->out].shape;
    if (qkv->rank != 4 || !picture_shaped(out, qkv) || softmax->rank < 3) return false;
    int64_t tokens = softmax->dim[softmax->rank - 1], pixels = qkv->dim[2] * qkv->dim[3], runs = 1;
    for (int i = 0; i + 2 < softmax->rank; i++)
        if (!yk__mul_i64(runs, softmax->dim[i], &runs)) return false;
    if (tokens < 1 || softmax->dim[softmax->rank - 2] != tokens || pixels % tokens || qkv->dim[0] < 1) return false;
    a->area = pixels / tokens;
    if (runs % (qkv->dim[0] * a->area)) return false;
    a->heads = runs / (qkv->dim[0] * a->area);
    if (a->heads < 1 || out->dim[1] % a->heads || qkv->dim[1] % a->heads) return false;
    a->dim_value = out->dim[1] / a->heads;
    int64_t rest = qkv->dim[1] / a->heads - a->dim_value;
    if (rest < 2 || rest % 2 || a->dim_value < 1) return false;
    a->dim_key = rest / 2;
    int64_t products = runs;
    return yk__mul_i64(products, tokens, &products) && yk__mul_i64(products, tokens, &products) &&
           yk__mul_i64(products, a->dim_key + a->dim_value, &products) && products <= MOST_PRODUCTS;
}

/* The factor on q.k: 1 / sqrt(dim_key) for every YOLO, else the product of the scalar factors written in the pattern. */
static int scale_candidates(const yk__graph *graph, const yk__cone *cone, const attention *a, double out[2]) {
    double product = 1, factor;
    int n = 0;
    out[n++] = (float)(1 / sqrt((double)a->dim_key));
    for (int32_t i = 0; i < cone->n_nodes; i++) {
        const yk__node *node = &graph->nodes[cone->nodes[i]];
        if (node->op == YK__OP_MUL &&
            (yk__constant_scalar(graph, node->in[0], &factor) || yk__constant_scalar(graph, node->in[1], &factor)))
            product *= factor;
        if (node->op == YK__OP_DIV && yk__constant_scalar(graph, node->in[1], &factor) && factor != 0) product /= factor;
    }
    if (isfinite(product) && fabs(product / out[0] - 1) > 1e-6) out[n++] = (float)product;
    return n;
}

static int32_t make_node(yk__graph *graph, const attention *a, const char *name, const int32_t *in, const int32_t *out,
                         int n_out) {
    int32_t index = yk__graph_add_node(graph, YK__OP_ATTENTION, name, in, 1, out, n_out);
    if (index < 0) return -1;
    yk__node *node = &graph->nodes[index];
    bool ok = yk__node_set_int(graph, node, "heads", a->heads) && yk__node_set_int(graph, node, "dim_key", a->dim_key) &&
              yk__node_set_int(graph, node, "dim_value", a->dim_value) && yk__node_set_int(graph, node, "area", a->area) &&
              yk__node_set_float(graph, node, "scale", a->scale);
    return ok ? index : -1;
}

static bool agree(const yk__tensor *a, const yk__tensor *b, double allowed) {
    int64_t count;
    if (a->dtype != YK__DTYPE_F32 || b->dtype != YK__DTYPE_F32 || !yk__shape_equal(&a->shape, &b->shape)) return false;
    if (!yk__shape_count(&a->shape, &count)) return false;
    const float *x = a->data, *y = b->data;
    for (int64_t i = 0; i < count; i++)
        if (!(fabs((double)x[i] - y[i]) <= allowed)) return false; /* NaN agrees with nothing */
    return true;
}

/* Runs the operator and compares; written: what the pattern made of the same qkv, out and then v where there is one. */
static yk__code prove(const yk__at_size *at, const attention *a, const float *qkv, const yk__tensor written[2],
                      yk__evaluate_fn evaluate, bool *proven, yk__error *err) {
    yk__graph alone;
    yk__tensor out[2] = {0}, in = {.dtype = YK__DTYPE_F32, .shape = at->value[a->qkv].shape, .data = (void *)(uintptr_t)qkv};
    const int32_t in_value[1] = {0}, out_value[2] = {1, 2};
    yk__graph_init(&alone, 0);
    int32_t index = make_node(&alone, a, "attention", in_value, out_value, a->v >= 0 ? 2 : 1);
    yk__code code = index < 0 ? yk__arena_error(&alone.arena, "recognising attention", err) : YK__OK;
    if (!code) code = yk__run_node(&alone.nodes[index], &in, evaluate, out, err);
    *proven = !code && agree(&written[0], &out[0], tolerance) && (a->v < 0 || agree(&written[1], &out[1], 0));
    yk__release(out, 2);
    yk__graph_free(&alone);
    return code;
}

/* The value of the pattern, other than `out`, that somebody outside reads or the network gives out: goes to a->v. False when
 * there are several: then the pattern cannot be replaced. */
static bool find_second_output(const yk__rewrite *rewrite, const readers *list, const yk__cone *cone, const bool *in_cone,
                               attention *a) {
    const yk__graph *graph = rewrite->graph;
    for (int32_t i = 0; i < cone->n_nodes; i++) {
        const yk__node *node = &graph->nodes[cone->nodes[i]];
        for (int k = 0; k < node->n_out; k++) {
            int32_t v = node->out[k];
            bool read = rewrite->is_output[v];
            for (int32_t r = list->first[v]; r < list->first[v + 1]; r++)
                read = read || (!in_cone[list->node[r]] && graph->nodes[list->node[r]].op != YK__OP_SHAPE);
            if (!read || v == a->out) continue;
            if (a->v >= 0) return false;
            a->v = v;
        }
    }
    return true;
}

/* v as a picture: from a value of the pattern through readers outside it that only move elements, to a picture of as many
 * channels as `out` has. -1 when there is none. */
static int32_t find_value_picture(const yk__rewrite *rewrite, const readers *list, const yk__at_size *at, const yk__cone *cone,
                                  const bool *in_cone, const attention *a) {
    const yk__graph *graph = rewrite->graph;
    for (int32_t i = 0; i < cone->n_nodes; i++) {
        const yk__node *node = &graph->nodes[cone->nodes[i]];
        for (int k = 0; k < node->n_out; k++)
            for (int32_t r = list->first[node->out[k]], n = 0; r < list->first[node->out[k] + 1] && n < MOST_READERS;
                 r++, n++) {
                int32_t reader = list->node[r], v = -1;
                for (int steps = 0; steps < MOST_MOVES && reader >= 0 && !in_cone[reader]; steps++) {
                    if (!only_moves(graph->nodes[reader].op)) break;
                    v = graph->nodes[reader].out[0];
                    reader = only_reader(rewrite, list, v);
                }
                if (v >= 0 && v != a->out && picture_shaped(&at->value[v].shape, &at->value[a->qkv].shape) &&
                    at->value[v].shape.dim[1] == at->value[a->out].shape.dim[1])
                    return v;
            }
    }
    return -1;
}

static void mark(const yk__cone *cone, bool *in_cone, bool value) {
    for (int32_t i = 0; i < cone->n_nodes; i++) in_cone[cone->nodes[i]] = value;
}

/* Puts the node where `out` is made: everything it reads is there, nobody reads it earlier; v's readers may come earlier, so
 * the graph is sorted in the end. */
static yk__code replace(yk__rewrite *rewrite, const attention *a, yk__error *err) {
    yk__graph *graph = rewrite->graph;
    int32_t maker = rewrite->maker[a->out];
    const int32_t in[1] = {a->qkv}, out[2] = {a->out, a->v};
    char name[256];
    snprintf(name, sizeof name, "%.200s", graph->nodes[maker].name);
    if (a->v >= 0) yk__rewrite_remove(rewrite, &graph->nodes[rewrite->maker[a->v]]);
    int32_t index = make_node(graph, a, name, in, out, a->v >= 0 ? 2 : 1);
    if (index < 0) return yk__arena_error(&graph->arena, "recognising attention", err);
    yk__rewrite_remove(rewrite, &graph->nodes[maker]);
    graph->nodes[maker] = graph->nodes[index];
    graph->n_nodes--; /* the node moved from the end of the list to its place */
    rewrite->uses[a->qkv]++;
    if (a->v >= 0) rewrite->maker[a->v] = maker;
    rewrite->changed = true;
    return YK__OK;
}

/* Runs the pattern once on made-up q, k and v, and the operator with each scale until one agrees. */
static yk__code try_scales(const yk__rewrite *rewrite, const yk__at_size *at, const yk__cone *cone, const int32_t *targets,
                           int n_targets, attention *a, yk__evaluate_fn evaluate, bool *proven, yk__error *err) {
    const yk__graph *graph = rewrite->graph;
    yk__random random = {UINT64_C(0x5DEECE66D)};
    yk__tensor written[2] = {0};
    int64_t count;
    double scale[2];
    *proven = false;
    if (!yk__shape_count(&at->value[a->qkv].shape, &count)) return YK__OK;
    float *qkv = yk__made_up(count);
    if (!qkv) return yk__fail(err, YK__UNSUPPORTED, "no memory to try an attention pattern");
    for (int64_t i = 0; i < count; i++) qkv[i] = (float)yk__random_normal(&random, 1);
    const yk__tensor frontier[1] = {{YK__DTYPE_F32, at->value[a->qkv].shape, qkv}};
    yk__code code = yk__cone_run(graph, at, cone, frontier, targets, n_targets, evaluate, written, err);
    int n_scales = scale_candidates(graph, cone, a, scale);
    for (int s = 0; !code && !*proven && s < n_scales; s++) {
        a->scale = scale[s];
        code = prove(at, a, qkv, written, evaluate, proven, err);
    }
    yk__release(written, 2);
    yk__free(qkv);
    return code;
}

static yk__code recognise(yk__rewrite *rewrite, const readers *list, const yk__at_size *at, int32_t softmax, bool *in_cone,
                          yk__evaluate_fn evaluate, yk__arena *arena, yk__error *err) {
    const yk__graph *graph = rewrite->graph;
    attention a = {.qkv = -1, .out = follow(rewrite, list, softmax), .v = -1};
    yk__cone cone;
    if (a.out < 0) return YK__OK;
    YK__TRY(yk__cone_collect(rewrite, at, &a.out, 1, inside, MOST_NODES, arena, &cone, err));
    if (cone.n_frontier != 1) return YK__OK;
    a.qkv = cone.frontier[0];
    if (!yk__at(at, a.qkv) || at->value[a.qkv].dtype != YK__DTYPE_F32 || !yk__at(at, a.out) ||
        !fit_shapes(at, &at->value[graph->nodes[softmax].out[0]].shape, &a))
        return YK__OK;

    int32_t targets[2] = {a.out, -1};
    int n_targets = 1;
    mark(&cone, in_cone, true);
    targets[1] = find_value_picture(rewrite, list, at, &cone, in_cone, &a);
    mark(&cone, in_cone, false);
    if (targets[1] >= 0) {
        n_targets = 2;
        YK__TRY(yk__cone_collect(rewrite, at, targets, 2, inside, MOST_NODES, arena, &cone, err));
        if (cone.n_frontier != 1) return YK__OK;
    }
    mark(&cone, in_cone, true);
    bool replaceable = find_second_output(rewrite, list, &cone, in_cone, &a);
    mark(&cone, in_cone, false);
    if (!replaceable || (a.v >= 0 && a.v != targets[1])) return YK__OK;

    bool proven;
    YK__TRY(try_scales(rewrite, at, &cone, targets, n_targets, &a, evaluate, &proven, err));
    return proven ? replace(rewrite, &a, err) : YK__OK;
}

YK__PASS(recognise_attention) {
    yk__graph *graph = &model->graph;
    yk__rewrite rewrite;
    yk__at_size at = {0};
    readers list = {0};
    bool any = false;
    for (int i = 0; i < graph->n_nodes; i++) any = any || graph->nodes[i].op == YK__OP_SOFTMAX;
    if (!any || !evaluate) return YK__OK;
    yk__code code = yk__rewrite_begin(&rewrite, graph, err);
    if (!code) code = yk__infer_at(model, 0, 0, evaluate, &rewrite.scratch, &at, err);
    if (!code) code = list_readers(graph, &rewrite.scratch, &list, err);
    bool *in_cone = yk__arena_array(&rewrite.scratch, (size_t)graph->n_nodes + 1, sizeof *in_cone);
    if (!code && !in_cone) code = yk__arena_error(&rewrite.scratch, "recognising attention", err);
    for (int32_t i = 0, n = graph->n_nodes, tried = 0; !code && i < n && tried < MOST_TRIED; i++) {
        if (graph->nodes[i].op != YK__OP_SOFTMAX) continue;
        tried++;
        yk__arena arena;
        yk__arena_init(&arena, 0);
        code = recognise(&rewrite, &list, &at, i, in_cone, evaluate, &arena, err);
        yk__arena_free(&arena);
        if (!yk__is_fatal(code)) code = YK__OK; /* not that pattern */
    }
    bool found = rewrite.changed;
    yk__rewrite_end(&rewrite, changed);
    if (yk__is_fatal(code)) return code;
    if (!found) return YK__OK;
    YK__TRY(yk__graph_compact(graph, err)); /* what only the written form used would tie the sort */
    return yk__graph_sort(graph, err);
}
