/* Running a graph for tests: see run_graph.h. Keeps every value until the end; models here are small. */
#include "support/run_graph.h"

#include <math.h>
#include <string.h>

#include "backend/backend.h"

/* A node on tensors whose elements are all known: then inference knows every size, those that the content decides included. */
static yk__code run_node(const yk__node *node, yk__tensor *tensor, yk__error *err) {
    enum { MOST = 64 };
    yk__tensor in[MOST] = {0}, out[MOST] = {0};
    yk__inferred known[MOST] = {0}, made[MOST] = {0};
    if (node->n_in > MOST || node->n_out > MOST) return yk__fail(err, YK__LIMIT, "too many operands");
    for (int k = 0; k < node->n_in; k++) {
        if (node->in[k] < 0) continue;
        in[k] = tensor[node->in[k]];
        known[k] = (yk__inferred){.dtype = in[k].dtype, .shape = in[k].shape, .data = in[k].data};
    }
    yk__code code = yk__infer_node(node, known, made, err);
    for (int k = 0; !code && k < node->n_out; k++) {
        size_t bytes;
        out[k] = (yk__tensor){.dtype = made[k].dtype, .shape = made[k].shape};
        if (!yk__tensor_bytes(out[k].dtype, &out[k].shape, &bytes))
            code = yk__fail(err, YK__SHAPE, "no size");
        else if (!(out[k].data = yk__alloc(bytes + 1)))
            code = yk__fail(err, YK__MEMORY, "no memory");
    }
    yk__arena scratch;
    yk__arena_init(&scratch, 0);
    if (!code) code = yk__ref_evaluate(node, in, out, &scratch, err);
    yk__arena_free(&scratch);
    for (int k = 0; k < node->n_out; k++) tensor[node->out[k]] = out[k];
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
    yk__tensor *tensor = yk__alloc_array((size_t)graph->n_values, sizeof *tensor);
    memset(result, 0, sizeof *result);
    if (!tensor) return yk__fail(err, YK__MEMORY, "no memory");
    for (int v = 0; v < graph->n_values; v++)
        if (graph->values[v].data)
            tensor[v] = (yk__tensor){graph->values[v].dtype, graph->values[v].shape, (void *)(uintptr_t)graph->values[v].data};
    tensor[graph->inputs[0]] = (yk__tensor){YK__DTYPE_F32, *shape, (void *)(uintptr_t)input};
    yk__code code = YK__OK;
    for (int i = 0; !code && i < graph->n_nodes; i++) code = run_node(&graph->nodes[i], tensor, err);
    if (!code) take_outputs(graph, tensor, result);
    for (int i = 0; i < graph->n_nodes; i++)
        for (int k = 0; k < graph->nodes[i].n_out; k++) yk__free(tensor[graph->nodes[i].out[k]].data);
    yk__free(tensor);
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
