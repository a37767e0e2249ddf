/* Running a graph for tests: see run_graph.h. Keeps every value until the end; models here are small. */
#include "support/run_graph.h"

#include <math.h>
#include <string.h>

#include "backend/backend.h"

static yk__code make_outputs(const yk__node *node, const yk__inferred *inferred, yk__tensor *out, yk__error *err) {
    for (int k = 0; k < node->n_out; k++) {
        const yk__inferred *value = &inferred[node->out[k]];
        size_t bytes;
        out[k] = (yk__tensor){.dtype = value->dtype, .shape = value->shape};
        if (!yk__tensor_bytes(value->dtype, &value->shape, &bytes)) return yk__fail(err, YK__SHAPE, "no size");
        out[k].data = yk__alloc(bytes + 1);
        if (!out[k].data) return yk__fail(err, YK__MEMORY, "no memory");
    }
    return YK__OK;
}

static yk__code run_node(const yk__graph *graph, const yk__node *node, const yk__inferred *inferred, yk__tensor *tensor,
                         bool *owned, yk__error *err) {
    enum { MOST = 64 };
    yk__tensor in[MOST] = {0}, out[MOST] = {0};
    bool known = true;
    (void)graph;
    if (node->n_in > MOST || node->n_out > MOST) return yk__fail(err, YK__LIMIT, "too many operands");
    for (int k = 0; k < node->n_out; k++) known = known && inferred[node->out[k]].data;
    if (known) return YK__OK;
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] >= 0) in[k] = tensor[node->in[k]];
    yk__code code = make_outputs(node, inferred, out, err);
    yk__arena scratch;
    yk__arena_init(&scratch, 0);
    if (!code) code = yk__ref_evaluate(node, in, out, &scratch, err);
    yk__arena_free(&scratch);
    for (int k = 0; k < node->n_out; k++) {
        tensor[node->out[k]] = out[k];
        owned[node->out[k]] = true;
    }
    return code;
}

static void take_outputs(const yk__graph *graph, const yk__tensor *tensor, run_result *result) {
    result->n_outputs = graph->n_outputs < 8 ? graph->n_outputs : 8;
    for (int i = 0; i < result->n_outputs; i++) {
        const yk__tensor *from = &tensor[graph->outputs[i]];
        size_t bytes = 0;
        yk__tensor_bytes(from->dtype, &from->shape, &bytes);
        result->outputs[i] = *from;
        result->outputs[i].data = yk__alloc(bytes + 1);
        if (result->outputs[i].data && from->data) memcpy(result->outputs[i].data, from->data, bytes);
    }
}

yk__code run_graph(const yk__graph *graph, const yk__shape *shape, const float *input, run_result *result, yk__error *err) {
    yk__arena arena;
    yk__arena_init(&arena, 0);
    memset(result, 0, sizeof *result);
    yk__inferred *inferred = yk__arena_array(&arena, (size_t)graph->n_values, sizeof *inferred);
    yk__tensor *tensor = yk__arena_array(&arena, (size_t)graph->n_values, sizeof *tensor);
    bool *owned = yk__arena_array(&arena, (size_t)graph->n_values, sizeof *owned);
    yk__code code = YK__MEMORY;
    if (inferred && tensor && owned) code = yk__infer_graph(graph, shape, yk__ref_evaluate, 4096, &arena, inferred, err);
    if (!code) {
        for (int v = 0; v < graph->n_values; v++)
            tensor[v] = (yk__tensor){inferred[v].dtype, inferred[v].shape, (void *)(uintptr_t)inferred[v].data};
        tensor[graph->inputs[0]].data = (void *)(uintptr_t)input;
        for (int i = 0; !code && i < graph->n_nodes; i++)
            code = run_node(graph, &graph->nodes[i], inferred, tensor, owned, err);
        if (!code) take_outputs(graph, tensor, result);
        for (int v = 0; v < graph->n_values; v++)
            if (owned[v]) yk__free(tensor[v].data);
    }
    yk__arena_free(&arena);
    return code;
}

void run_free(run_result *result) {
    for (int i = 0; i < result->n_outputs; i++) yk__free(result->outputs[i].data);
    memset(result, 0, sizeof *result);
}

double run_difference(const run_result *a, const run_result *b, int i) {
    if (i >= a->n_outputs || i >= b->n_outputs) return HUGE_VAL;
    const yk__tensor *x = &a->outputs[i], *y = &b->outputs[i];
    int64_t count;
    double worst = 0;
    if (x->dtype != YK__DTYPE_F32 || y->dtype != YK__DTYPE_F32 || !yk__shape_equal(&x->shape, &y->shape)) return HUGE_VAL;
    if (!yk__shape_count(&x->shape, &count)) return HUGE_VAL;
    for (int64_t k = 0; k < count; k++) {
        double p = ((const float *)x->data)[k], q = ((const float *)y->data)[k], d = fabs(p - q);
        if (isnan(p) && isnan(q)) continue;
        if (p == q) continue; /* also infinities */
        if (!(d <= worst)) worst = isnan(d) ? HUGE_VAL : d;
    }
    return worst;
}
