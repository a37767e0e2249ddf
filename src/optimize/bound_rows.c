/* Exports with NMS inside (nms=True) count their rows during the run, and then ask for shapes made of that count: an Expand to
 * (rows, 4), a Pad up to 300 rows. Nothing bounds those before the run, so memory could not be planned. Both are rewritten:
 *
 *   Expand(x, computed) ... op y    x broadcasts against y by itself: the Expand goes
 *   Reshape(Pad(Reshape(X, -1), computed), (.., R, c))
 *                                   X and R rows of zeros, joined, the first R rows of that
 *
 * Each rewrite is proven before it is kept: the part of the graph between the counted rows and the rewritten node runs on
 * made-up rows of several counts, before and after, and must give the same elements. */
#include "optimize/passes.h"
#include "optimize/prove.h"

#include <stdio.h>
#include <string.h>

enum { MOST_NODES = 200, MOST_FRONTIER = 8, MOST_CHAIN = 8, MOST_TRIED = 32 };

/* Row counts tried, the last two relative to the bound R: none, one, some, almost all, all. */
static int64_t row_count(int try, int64_t bound) {
    const int64_t counts[] = {0, 1, 7, bound - 1, bound};
    return counts[try] < 0 ? 0 : counts[try] > bound ? bound : counts[try];
}
enum { N_COUNTS = 5 };

/* Everything but what makes counted rows: their makers end the walk. */
static bool inside(const yk__graph *graph, const yk__rewrite *rewrite, const yk__node *node) {
    (void)graph, (void)rewrite;
    switch (node->op) {
    case YK__OP_CONV:
    case YK__OP_NON_ZERO:
    case YK__OP_NON_MAX_SUPPRESSION:
    case YK__OP_GATHER_ND: return false;
    case YK__OP_GATHER: return graph->values[node->in[0]].data != NULL || node->n_in < 2 || graph->values[node->in[1]].data;
    default: return true;
    }
}

/* A frontier value as `rows` made-up rows: its first dimension is what the run counts. */
static bool make_rows(const yk__inferred *value, int64_t rows, yk__random *random, yk__tensor *out) {
    int64_t count;
    *out = (yk__tensor){.dtype = value->dtype, .shape = value->shape};
    if (value->dynamic && out->shape.rank > 0) out->shape.dim[0] = rows;
    if (!yk__shape_count(&out->shape, &count) || (value->dtype != YK__DTYPE_F32 && value->dtype != YK__DTYPE_I64)) return false;
    out->data = yk__alloc_array((size_t)count + 1, yk__dtype_size(value->dtype));
    for (int64_t i = 0; out->data && i < count; i++) {
        double number = yk__random_unit(random) * 64;
        if (value->dtype == YK__DTYPE_F32)
            ((float *)out->data)[i] = (float)number;
        else
            ((int64_t *)out->data)[i] = (int64_t)number;
    }
    return out->data != NULL;
}

/* What `target` is for each row count; results[] to be released by the caller, after a failure as well. */
static yk__code run_counts(const yk__rewrite *rewrite, const yk__at_size *at, int32_t target, int64_t bound,
                           yk__evaluate_fn evaluate, yk__tensor results[N_COUNTS], yk__error *err) {
    yk__arena arena;
    yk__cone cone;
    yk__arena_init(&arena, 0);
    yk__random random = {UINT64_C(0xB5297A4D)};
    yk__code code = yk__cone_collect(rewrite, at, &target, 1, inside, MOST_NODES, &arena, &cone, err);
    if (!code && (cone.n_frontier < 1 || cone.n_frontier > MOST_FRONTIER)) code = YK__UNSUPPORTED;
    for (int try = 0; !code && try < N_COUNTS; try++) {
        yk__tensor rows[MOST_FRONTIER] = {0};
        for (int32_t f = 0; !code && f < cone.n_frontier; f++) {
            const yk__inferred *value = yk__at(at, cone.frontier[f]);
            if (!value || !make_rows(value, row_count(try, bound), &random, &rows[f])) code = YK__UNSUPPORTED;
        }
        if (!code) code = yk__cone_run(rewrite->graph, at, &cone, rows, &target, 1, evaluate, &results[try], err);
        yk__release(rows, MOST_FRONTIER);
    }
    yk__arena_free(&arena);
    return code;
}

static bool equal_tensors(const yk__tensor *a, const yk__tensor *b) {
    size_t bytes;
    return a->dtype == b->dtype && yk__shape_equal(&a->shape, &b->shape) && yk__tensor_bytes(a->dtype, &a->shape, &bytes) &&
           !memcmp(a->data, b->data, bytes);
}

/* A rewrite: `node` before and after, and which value tells whether it is the same. */
typedef struct edit {
    int32_t node;    /* whose inputs change */
    yk__node before; /* for going back */
    int32_t target;
    int64_t bound; /* rows at most */
} edit;

/* Keeps the edit, already made in the graph, when `target` is what it was; takes it back otherwise. */
static yk__code prove_edit(yk__model *model, const edit *e, const yk__tensor before[N_COUNTS], yk__evaluate_fn evaluate,
                           bool *kept, yk__error *err) {
    yk__rewrite rewrite;
    yk__at_size at = {0};
    yk__tensor after[N_COUNTS] = {0};
    yk__code code = yk__rewrite_begin(&rewrite, &model->graph, err);
    if (!code) code = yk__infer_at(model, 0, 0, evaluate, &rewrite.scratch, &at, err);
    if (!code) code = run_counts(&rewrite, &at, e->target, e->bound, evaluate, after, err);
    *kept = code == YK__OK;
    for (int try = 0; *kept && try < N_COUNTS; try++) *kept = equal_tensors(&before[try], &after[try]);
    if (!*kept) model->graph.nodes[e->node] = e->before;
    yk__release(after, N_COUNTS);
    bool unused = false;
    yk__rewrite_end(&rewrite, &unused);
    return code == YK__MEMORY ? code : YK__OK;
}

/* The node that alone reads a value; -1 for none or several. A Shape that looks at it does not count. */
static int32_t only_reader(const yk__graph *graph, int32_t v) {
    int32_t only = -1;
    for (int32_t i = 0; i < graph->n_nodes; i++)
        for (int k = 0; graph->nodes[i].op != YK__OP_SHAPE && k < graph->nodes[i].n_in; k++)
            if (graph->nodes[i].in[k] == v) {
                if (only >= 0 && only != i) return -1;
                only = i;
            }
    return only;
}

/* Where an expanded value meets one of known bound: through casts and scalars to Add, Sub, Mul or Div. The node, or -1. */
static int32_t find_meeting(const yk__graph *graph, const yk__at_size *at, int32_t v, int64_t *bound) {
    for (int steps = 0; steps < MOST_CHAIN; steps++) {
        int32_t reader = only_reader(graph, v);
        if (reader < 0) return -1;
        const yk__node *node = &graph->nodes[reader];
        bool binary = node->op == YK__OP_ADD || node->op == YK__OP_SUB || node->op == YK__OP_MUL || node->op == YK__OP_DIV;
        if (binary) {
            int32_t other = node->in[0] == v ? node->in[1] : node->in[0];
            double scalar;
            if (!yk__constant_scalar(graph, other, &scalar)) {
                const yk__inferred *known = yk__at(at, other);
                if (!known || known->shape.rank < 1) return -1;
                *bound = known->shape.dim[0];
                return reader;
            }
        } else if (node->op != YK__OP_CAST && node->op != YK__OP_NEG && node->op != YK__OP_IDENTITY) {
            return -1;
        }
        v = node->out[0];
    }
    return -1;
}

/* Expand(x, computed): its reader reads x. */
static yk__code drop_expand(yk__model *model, int32_t index, const yk__rewrite *rewrite, const yk__at_size *at,
                            yk__evaluate_fn evaluate, bool *kept, yk__error *err) {
    yk__graph *graph = &model->graph;
    const yk__node expand = graph->nodes[index];
    edit e = {.bound = 0};
    yk__tensor before[N_COUNTS] = {0};
    int32_t meeting = find_meeting(graph, at, expand.out[0], &e.bound);
    if (meeting < 0 || !yk__at(at, expand.in[0])) return YK__OK;
    e.node = only_reader(graph, expand.out[0]);
    e.before = graph->nodes[e.node];
    e.target = graph->nodes[meeting].out[0];
    yk__code code = run_counts(rewrite, at, e.target, e.bound, evaluate, before, err);
    if (!code) {
        int32_t *in = yk__arena_array(&graph->arena, (size_t)e.before.n_in, sizeof *in);
        if (!in) {
            code = yk__arena_error(&graph->arena, "bounding rows", err);
        } else {
            for (int k = 0; k < e.before.n_in; k++) in[k] = e.before.in[k] == expand.out[0] ? expand.in[0] : e.before.in[k];
            graph->nodes[e.node].in = in;
            code = prove_edit(model, &e, before, evaluate, kept, err);
        }
    }
    yk__release(before, N_COUNTS);
    return yk__is_fatal(code) ? code : YK__OK;
}

/* R rows of zeros as a constant of X's type; the value, -1 for want of memory. */
static int32_t add_zeros(yk__graph *graph, yk__dtype dtype, const yk__shape *shape) {
    size_t bytes;
    if (!yk__tensor_bytes(dtype, shape, &bytes)) return -1;
    void *zeros = yk__arena_aligned(&graph->arena, bytes, YK__CACHE_LINE);
    return zeros ? yk__graph_add_value(graph, "zero_rows", dtype, shape, zeros) : -1;
}

/* Concat(X, zeros) and Slice of the first R rows behind the last node; the slice's value, -1 for want of memory. */
static int32_t add_padded(yk__graph *graph, int32_t x, yk__dtype dtype, const yk__shape *padded) {
    const int64_t zero = 0, rows = padded->dim[0];
    yk__shape joined = *padded;
    joined.dim[0] = -1;
    int32_t zeros = add_zeros(graph, dtype, padded);
    int32_t all = yk__graph_add_value(graph, "joined_rows", dtype, &joined, NULL);
    int32_t first = yk__graph_add_value(graph, "padded_rows", dtype, padded, NULL);
    int32_t start = yk__add_ints(graph, "zero", &zero, 1), end = yk__add_ints(graph, "rows", &rows, 1);
    if (zeros < 0 || all < 0 || first < 0 || start < 0 || end < 0) return -1;
    int32_t concat = yk__graph_add_node(graph, YK__OP_CONCAT, "join_rows", (int32_t[]){x, zeros}, 2, &all, 1);
    int32_t slice = yk__graph_add_node(graph, YK__OP_SLICE, "pad_rows", (int32_t[]){all, start, end, start}, 4, &first, 1);
    if (concat < 0 || slice < 0 || !yk__node_set_int(graph, &graph->nodes[concat], "axis", 0)) return -1;
    return first;
}

/* Finds X, c and R; false when the Pad is another one. */
static bool match_pad(const yk__rewrite *rewrite, const yk__at_size *at, const yk__node *pad, int32_t *x, yk__shape *padded,
                      int32_t *reader) {
    const yk__graph *graph = rewrite->graph;
    int64_t target[YK__MAX_RANK], rest = 1;
    double fill = 0;
    const yk__node *flat = yk__rewrite_maker(rewrite, pad->in[0]);
    if (strcmp(yk__node_string(pad, "mode", "constant"), "constant")) return false;
    if (pad->n_in > 2 && pad->in[2] >= 0 && (!yk__constant_scalar(graph, pad->in[2], &fill) || fill != 0)) return false;
    if (yk__constant_of(graph, pad->in[1]) || !flat || flat->op != YK__OP_RESHAPE) return false;
    *x = flat->in[0];
    const yk__inferred *rows = yk__at(at, *x);
    *reader = only_reader(graph, pad->out[0]);
    if (!rows || rows->shape.rank != 2 || *reader < 0 || graph->nodes[*reader].op != YK__OP_RESHAPE) return false;
    int n = yk__constant_ints(graph, graph->nodes[*reader].in[1], target, YK__MAX_RANK);
    if (n < 2 || n > YK__MAX_RANK || target[n - 1] != rows->shape.dim[1] || target[n - 2] < 1) return false;
    for (int i = 0; i + 2 < n; i++) rest *= target[i] == 1;
    *padded = yk__shape_make(2, &target[n - 2]);
    return rest == 1;
}

/* Reshape(Pad(Reshape(X, -1), computed)): the reader reads the padded rows. The new nodes stand at the end until the graph is
 * sorted; the reader's own Reshape does the rest. */
static yk__code replace_pad(yk__model *model, int32_t index, const yk__rewrite *rewrite, const yk__at_size *at,
                            yk__evaluate_fn evaluate, bool *kept, yk__error *err) {
    yk__graph *graph = &model->graph;
    int32_t x, reader;
    yk__shape padded;
    yk__tensor before[N_COUNTS] = {0};
    if (!match_pad(rewrite, at, &graph->nodes[index], &x, &padded, &reader)) return YK__OK;
    yk__dtype dtype = at->value[x].dtype;
    edit e = {.node = reader, .before = graph->nodes[reader], .target = graph->nodes[reader].out[0], .bound = padded.dim[0]};
    yk__code code = run_counts(rewrite, at, e.target, e.bound, evaluate, before, err);
    if (!code) {
        int32_t rows = add_padded(graph, x, dtype, &padded), *in = yk__arena_array(&graph->arena, 2, sizeof *in);
        if (rows < 0 || !in) {
            code = yk__arena_error(&graph->arena, "bounding rows", err);
        } else {
            in[0] = rows;
            in[1] = e.before.in[1];
            graph->nodes[reader].in = in;
            code = yk__graph_sort(graph, err);
            for (int32_t i = 0; i < graph->n_nodes; i++)
                if (graph->nodes[i].op != YK__OP_NONE && graph->nodes[i].n_out && graph->nodes[i].out[0] == e.target)
                    e.node = i;
            if (!code) code = prove_edit(model, &e, before, evaluate, kept, err);
        }
    }
    yk__release(before, N_COUNTS);
    return yk__is_fatal(code) ? code : YK__OK;
}

/* Tries candidate number `which` (an Expand or Pad whose result cannot be inferred); *tried is false when there are not so
 * many. An attempt changes the graph's lists even when it is taken back, so nothing learnt before it is used after it. */
static yk__code bound_one(yk__model *model, int which, yk__evaluate_fn evaluate, bool *tried, bool *kept, yk__error *err) {
    yk__graph *graph = &model->graph;
    yk__rewrite rewrite;
    yk__at_size at = {0};
    bool unused = false;
    yk__code code = yk__rewrite_begin(&rewrite, graph, err);
    if (!code) code = yk__infer_at(model, 0, 0, evaluate, &rewrite.scratch, &at, err);
    for (int32_t i = 0, n = graph->n_nodes; !code && !at.complete && !*tried && i < n; i++) {
        const yk__node *node = &graph->nodes[i];
        if (node->op != YK__OP_EXPAND && node->op != YK__OP_PAD) continue;
        if (node->n_out != 1 || yk__at(&at, node->out[0]) || which-- > 0) continue;
        *tried = true;
        if (node->op == YK__OP_EXPAND)
            code = drop_expand(model, i, &rewrite, &at, evaluate, kept, err);
        else
            code = replace_pad(model, i, &rewrite, &at, evaluate, kept, err);
    }
    yk__rewrite_end(&rewrite, &unused);
    return yk__is_fatal(code) ? code : YK__OK;
}

YK__PASS(bound_rows) {
    bool counts = false, tried = evaluate != NULL;
    yk__code code = YK__OK;
    for (int i = 0; i < model->graph.n_nodes; i++)
        counts =
            counts || model->graph.nodes[i].op == YK__OP_NON_ZERO || model->graph.nodes[i].op == YK__OP_NON_MAX_SUPPRESSION;
    for (int attempt = 0, which = 0; counts && !code && tried && attempt < MOST_TRIED; attempt++) {
        bool kept = false;
        tried = false;
        code = bound_one(model, which, evaluate, &tried, &kept, err);
        which = kept ? 0 : which + 1; /* what is kept may make the shapes known that others wait for */
        if (!code && kept) code = yk__graph_compact(&model->graph, err);
        if (kept) *changed = true;
    }
    return code;
}
