/* Shape inference: one node by the rule of its operator, and the whole graph in one pass over its nodes, with values
 * computed where all that they come from is known. The rules are in infer_<family>.c. */
#include "graph/infer.h"

#include <string.h>

#include "graph/infer_rules.h"

static yk__rule find_rule(yk__op op) {
    static yk__rule (*const families[])(yk__op) = {yk__rules_elementwise, yk__rules_conv,  yk__rules_move,   yk__rules_shape,
                                                   yk__rules_reduce,      yk__rules_index, yk__rules_matrix, yk__rules_ours};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        yk__rule rule = families[i](op);
        if (rule) return rule;
    }
    return NULL;
}

static yk__code check_inputs(const yk__rule_call *call, const yk__op_info *info) {
    const yk__node *node = call->node;
    if (node->n_in < info->min_in || (info->max_in >= 0 && node->n_in > info->max_in) || node->n_out < info->min_out ||
        (info->max_out >= 0 && node->n_out > info->max_out))
        return yk__rule_fail(call, YK__GRAPH, "%d inputs and %d outputs are not what the operator takes and makes", node->n_in,
                             node->n_out);
    for (int i = 0; i < node->n_in; i++) {
        const yk__inferred *in = &call->in[i];
        if (!yk__rule_has(call, i)) {
            if (i < info->min_in || info->max_in < 0) return yk__rule_fail(call, YK__GRAPH, "input %d is absent", i);
            continue;
        }
        if (in->shape.rank < 0 || in->shape.rank > YK__MAX_RANK || !yk__shape_known(&in->shape))
            return yk__rule_fail(call, YK__SHAPE, "the shape of input %d is not known", i);
        for (int d = 0; d < in->shape.rank; d++)
            if (in->shape.dim[d] > YK__MAX_ELEMENTS)
                return yk__rule_fail(call, YK__LIMIT, "dimension %d of input %d is over %lld", d, i,
                                     (long long)YK__MAX_ELEMENTS);
    }
    return YK__OK;
}

static yk__code check_outputs(const yk__rule_call *call) {
    for (int k = 0; k < call->node->n_out; k++) {
        const yk__inferred *out = &call->out[k];
        int64_t count;
        char shape[128];
        if (!yk__shape_count(&out->shape, &count) || count > YK__MAX_ELEMENTS)
            return yk__rule_fail(call, YK__LIMIT, "output %d would be %s; at most %lld elements are allowed", k,
                                 yk__shape_text(&out->shape, shape), (long long)YK__MAX_ELEMENTS);
    }
    return YK__OK;
}

yk__code yk__infer_node(const yk__node *node, const yk__inferred *in, yk__inferred *out, yk__error *err) {
    yk__rule_call call = {node, in, out, err};
    const yk__op_info *info = yk__op_info_get(node->op);
    yk__rule rule = info ? find_rule(node->op) : NULL;
    if (!rule) return yk__rule_fail(&call, YK__INTERNAL, "operator %d has no inference rule", (int)node->op);
    YK__TRY(check_inputs(&call, info));
    bool dynamic = yk__rule_dynamic(&call);
    for (int k = 0; k < node->n_out; k++) out[k] = (yk__inferred){.dynamic = dynamic};
    yk__code code = rule(&call);
    if (!code) code = check_outputs(&call);
    if (code == YK__SHAPE && dynamic) {
        code = YK__UNSUPPORTED;
        if (err) err->code = code;
        (void)yk__fail_prefix(err, code,
                              "no bound follows from inputs whose size only the run decides (the sizes listed are bounds)");
    }
    return code;
}

/* What yk__infer_graph carries along. */
typedef struct walk {
    const yk__graph *graph;
    yk__evaluate_fn evaluate;
    int64_t max_known_elements;
    yk__arena *arena; /* shapes, known values: the caller's */
    yk__arena scratch;
    yk__inferred *values;   /* of the graph, the caller's array */
    yk__inferred *in, *out; /* of the node at hand */
    yk__tensor *in_tensor, *out_tensor;
    yk__error *err;
} walk;

/* Shape and Size tell what inference itself knows: no element of their input is needed. */
static yk__code know_shape(walk *w, const yk__node *node) {
    int64_t *data = yk__arena_array(w->arena, YK__MAX_RANK, sizeof *data);
    const yk__shape *shape = &w->in[0].shape;
    if (!data) return yk__arena_error(w->arena, "values known before the run", w->err);
    w->out[0].data = data;
    if (node->op == YK__OP_SIZE) {
        /* The shape of an inferred value was counted when it was made, an input's before the walk. */
        return yk__shape_count(shape, data) ? YK__OK
                                            : yk__fail(w->err, YK__LIMIT, "node %s (Size): its input is too large", node->name);
    }
    int first, n;
    yk__shape_slice(node, shape->rank, &first, &n);
    for (int i = 0; i < n; i++) data[i] = shape->dim[first + i];
    return YK__OK;
}

static bool all_known(const walk *w, const yk__node *node) {
    for (int i = 0; i < node->n_in; i++)
        if (w->in[i].dtype != YK__DTYPE_NONE && !w->in[i].data) return false;
    for (int k = 0; k < node->n_out; k++) {
        int64_t count;
        if (!yk__shape_count(&w->out[k].shape, &count) || count > w->max_known_elements) return false;
    }
    return true;
}

/* The evaluator's tensor is writable because its outputs are; it does not write to its inputs. */
static void *unconst(const void *data) {
    void *result;
    memcpy(&result, &data, sizeof result);
    return result;
}

static yk__code evaluate(walk *w, const yk__node *node) {
    for (int i = 0; i < node->n_in; i++) w->in_tensor[i] = (yk__tensor){w->in[i].dtype, w->in[i].shape, unconst(w->in[i].data)};
    for (int k = 0; k < node->n_out; k++) {
        size_t bytes;
        w->out_tensor[k] = (yk__tensor){w->out[k].dtype, w->out[k].shape, NULL};
        if (!yk__tensor_bytes(w->out[k].dtype, &w->out[k].shape, &bytes))
            return yk__fail(w->err, YK__INTERNAL, "node %s: output %d has no size", node->name, k);
        w->out_tensor[k].data = yk__arena_aligned(w->arena, bytes, YK__CACHE_LINE);
        if (!w->out_tensor[k].data) return yk__arena_error(w->arena, "values known before the run", w->err);
    }
    yk__error local = {0};
    yk__code code = w->evaluate(node, w->in_tensor, w->out_tensor, &w->scratch, &local);
    yk__arena_free(&w->scratch);
    /* What the evaluator has no kernel for stays unknown: whoever needs the values says so. */
    if (code == YK__UNSUPPORTED) return YK__OK;
    if (code) return yk__fail(w->err, code, "%s", local.message);
    for (int k = 0; k < node->n_out; k++) {
        w->out[k].data = w->out_tensor[k].data;
        w->out[k].shape = w->out_tensor[k].shape;
        w->out[k].dynamic = false;
    }
    return YK__OK;
}

static yk__code infer_one(walk *w, const yk__node *node) {
    for (int i = 0; i < node->n_in; i++) w->in[i] = node->in[i] == YK__NO_VALUE ? (yk__inferred){0} : w->values[node->in[i]];
    YK__TRY(yk__infer_node(node, w->in, w->out, w->err));
    if ((node->op == YK__OP_SHAPE || node->op == YK__OP_SIZE) && !w->in[0].dynamic)
        YK__TRY(know_shape(w, node));
    else if (w->evaluate && all_known(w, node))
        YK__TRY(evaluate(w, node));
    for (int k = 0; k < node->n_out; k++) w->values[node->out[k]] = w->out[k];
    return YK__OK;
}

static yk__code start_values(walk *w, const yk__shape *input_shapes) {
    const yk__graph *graph = w->graph;
    for (int v = 0; v < graph->n_values; v++) {
        const yk__value *value = &graph->values[v];
        w->values[v] = value->data ? (yk__inferred){value->dtype, value->shape, false, value->data} : (yk__inferred){0};
    }
    for (int i = 0; i < graph->n_inputs; i++) {
        const yk__value *value = &graph->values[graph->inputs[i]];
        int64_t count;
        char given[128], declared[128];
        if (value->shape.rank && value->shape.rank != input_shapes[i].rank)
            return yk__fail(w->err, YK__SHAPE, "network input %.200s is given %s and declared %s: the ranks differ",
                            value->name, yk__shape_text(&input_shapes[i], given), yk__shape_text(&value->shape, declared));
        if (!yk__shape_count(&input_shapes[i], &count) || count > YK__MAX_ELEMENTS)
            return yk__fail(w->err, YK__LIMIT,
                            "network input %.200s is given %s; its size must be known and at most %lld elements", value->name,
                            yk__shape_text(&input_shapes[i], given), (long long)YK__MAX_ELEMENTS);
        w->values[graph->inputs[i]] = (yk__inferred){value->dtype, input_shapes[i], false, NULL};
    }
    return YK__OK;
}

static yk__code prepare(walk *w) {
    int32_t n_in = 1, n_out = 1;
    for (int i = 0; i < w->graph->n_nodes; i++) {
        if (w->graph->nodes[i].n_in > n_in) n_in = w->graph->nodes[i].n_in;
        if (w->graph->nodes[i].n_out > n_out) n_out = w->graph->nodes[i].n_out;
    }
    w->in = yk__alloc_array((size_t)n_in, sizeof *w->in);
    w->out = yk__alloc_array((size_t)n_out, sizeof *w->out);
    w->in_tensor = yk__alloc_array((size_t)n_in, sizeof *w->in_tensor);
    w->out_tensor = yk__alloc_array((size_t)n_out, sizeof *w->out_tensor);
    yk__arena_init(&w->scratch, w->arena->budget);
    if (w->in && w->out && w->in_tensor && w->out_tensor) return YK__OK;
    return yk__fail(w->err, YK__MEMORY, "no memory to infer shapes");
}

yk__code yk__infer_graph(const yk__graph *graph, const yk__shape *input_shapes, yk__evaluate_fn evaluate_node,
                         int64_t max_known_elements, yk__arena *arena, yk__inferred *out, yk__error *err) {
    walk w = {.graph = graph,
              .evaluate = evaluate_node,
              .max_known_elements = max_known_elements,
              .arena = arena,
              .values = out,
              .err = err};
    yk__code code = prepare(&w);
    if (!code) code = start_values(&w, input_shapes);
    for (int i = 0; !code && i < graph->n_nodes; i++) code = infer_one(&w, &graph->nodes[i]);
    yk__arena_free(&w.scratch);
    yk__free(w.in);
    yk__free(w.out);
    yk__free(w.in_tensor);
    yk__free(w.out_tensor);
    return code;
}
