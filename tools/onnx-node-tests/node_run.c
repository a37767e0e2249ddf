/* Running one data set of a node test: folded, then planned. */
#include "node_run.h"

#include <math.h>
#include <string.h>

#include "import/import.h"
#include "plan/plan.h"

/* The bounds of ONNX's own backend tests: one part in a thousand covers f32 formulas that differ in order and approximation
 * and one step of f16; below 1e-7 both are zero. */
#define RELATIVE_BOUND 1e-3
#define ABSOLUTE_BOUND 1e-7

static double number_at(const yk__tensor *tensor, int64_t i) {
    switch (tensor->dtype) {
    case YK__DTYPE_F32: return (double)((const float *)tensor->data)[i];
    case YK__DTYPE_F64: return ((const double *)tensor->data)[i];
    case YK__DTYPE_F16: return (double)yk__half_to_float(((const uint16_t *)tensor->data)[i]);
    case YK__DTYPE_BF16: return (double)yk__bf16_to_float(((const uint16_t *)tensor->data)[i]);
    default: return 0;
    }
}

static bool close_enough(double got, double want) {
    if (isnan(want)) return isnan(got);
    if (isinf(want) || isinf(got)) return got == want;
    return fabs(got - want) <= ABSOLUTE_BOUND + RELATIVE_BOUND * fabs(want);
}

/* NumPy has no bfloat16: the tests store its bits as u16. */
static bool holds_bits_of(yk__dtype dtype, yk__dtype stored) {
    return dtype == YK__DTYPE_BF16 && stored == YK__DTYPE_U16;
}

static yk__code compare(const yk__tensor *got, const yk__tensor *want, int output, const char *how, yk__error *err) {
    char a[128], b[128];
    const bool bits = holds_bits_of(got->dtype, want->dtype);
    if ((got->dtype != want->dtype && !bits) || !yk__shape_equal(&got->shape, &want->shape))
        return yk__fail(err, YK__GRAPH, "%s: output %d is %s %s, expected %s %s", how, output, yk__dtype_name(got->dtype),
                        yk__shape_text(&got->shape, a), yk__dtype_name(want->dtype), yk__shape_text(&want->shape, b));
    int64_t n = 0;
    const size_t size = yk__dtype_size(want->dtype);
    yk__shape_count(&want->shape, &n);
    if (n > 0 && got->data == NULL) return yk__fail(err, YK__GRAPH, "%s: output %d was not computed", how, output);
    for (int64_t i = 0; i < n; i++) {
        if (yk__dtype_is_float(want->dtype)) {
            const double x = number_at(got, i), y = number_at(want, i);
            if (close_enough(x, y)) continue;
            return yk__fail(err, YK__GRAPH, "%s: output %d (%s), element %lld is %.9g, expected %.9g", how, output,
                            yk__shape_text(&want->shape, a), (long long)i, x, y);
        }
        if (memcmp((const uint8_t *)got->data + (size_t)i * size, (const uint8_t *)want->data + (size_t)i * size, size) == 0)
            continue;
        return yk__fail(err, YK__GRAPH, "%s: output %d (%s), element %lld (%s) differs", how, output,
                        yk__shape_text(&want->shape, a), (long long)i, yk__dtype_name(want->dtype));
    }
    return YK__OK;
}

/* The model's network with those inputs turned into constants whose bit in `bound` is set; *left maps the graph's remaining
 * inputs to those of the data. */
static yk__code import_bound(const yk__map *map, const node_data *data, uint64_t bound, yk__model *model, int *left,
                             yk__error *err) {
    YK__TRY(yk__import_network(map->data, map->size, NULL, true, model, err));
    yk__graph *graph = &model->graph;
    if (graph->n_inputs > data->n_inputs) {
        const yk__code code =
            yk__fail(err, YK__UNSUPPORTED, "the model has %d inputs, the test %d", graph->n_inputs, data->n_inputs);
        yk__model_free(model);
        return code;
    }
    int n = 0;
    for (int i = 0; i < graph->n_inputs; i++) {
        yk__value *value = &graph->values[graph->inputs[i]];
        if (!holds_bits_of(value->dtype, data->inputs[i].dtype)) value->dtype = data->inputs[i].dtype;
        value->shape = data->inputs[i].shape;
        if (bound >> i & 1) {
            value->data = data->inputs[i].data;
            continue;
        }
        graph->inputs[n] = graph->inputs[i];
        left[n++] = i;
    }
    graph->n_inputs = n;
    return YK__OK;
}

static yk__code run_folded(const yk__map *map, const node_data *data, yk__error *err) {
    yk__model model;
    int left[NODE_CASE_MAX_TENSORS];
    YK__TRY(import_bound(map, data, UINT64_MAX, &model, left, err));
    const yk__graph *graph = &model.graph;
    yk__arena arena;
    yk__arena_init(&arena, 0);
    yk__inferred *inferred = yk__arena_array(&arena, (size_t)graph->n_values + 1, sizeof *inferred);
    yk__code code = inferred == NULL ? yk__arena_error(&arena, "a test", err)
                                     : yk__infer_graph(graph, NULL, yk__ref_evaluate, INT64_MAX, &arena, inferred, err);
    for (int i = 0; code == YK__OK && i < graph->n_outputs && i < data->n_outputs; i++) {
        const yk__inferred *value = &inferred[graph->outputs[i]];
        const yk__tensor got = {value->dtype, value->shape, (void *)(uintptr_t)value->data};
        code = compare(&got, &data->outputs[i], i, "folded", err);
    }
    yk__arena_free(&arena);
    yk__model_free(&model);
    return code;
}

static yk__code execute(const yk__specialisation *plan, const node_data *data, const int *left, yk__pool *pool,
                        yk__error *err) {
    yk__arena arena;
    yk__arena_init(&arena, 0);
    const void *inputs[NODE_CASE_MAX_TENSORS] = {NULL};
    for (int i = 0; i < plan->graph->n_inputs; i++) inputs[i] = data->inputs[left[i]].data;
    uint8_t *memory = yk__alloc_aligned(plan->memory_bytes + YK__CACHE_LINE);
    yk__shape *shapes = yk__arena_array(&arena, (size_t)plan->graph->n_values + 1, sizeof *shapes);
    yk__code code = memory == NULL || shapes == NULL ? yk__fail(err, YK__MEMORY, "out of memory") : YK__OK;
    if (code == YK__OK) {
        memset(memory, 0, plan->zeroed_bytes);
        /* what is not zeroed must not matter: 0xff is a NaN in every float type */
        memset(memory + plan->zeroed_bytes, 0xff, plan->memory_bytes - plan->zeroed_bytes);
        yk__exec exec = {
            .memory = memory, .pool = pool, .other_inputs = inputs, .dynamic_shapes = plan->dynamic ? shapes : NULL};
        exec.input.tensor = inputs[0];
        const uint64_t allocations = yk__alloc_count();
        code = yk__plan_execute(plan, &exec, NULL, err);
        if (code == YK__OK && yk__alloc_count() != allocations)
            code = yk__fail(err, YK__INTERNAL, "planned: the run allocated memory");
        for (int i = 0; code == YK__OK && i < plan->n_outputs && i < data->n_outputs; i++) {
            const yk__operand *out = &plan->outputs[i];
            const yk__tensor got = {out->dtype, *yk__operand_shape(out, &exec), yk__operand_data(out, &exec)};
            code = compare(&got, &data->outputs[i], i, "planned", err);
        }
    }
    yk__free_aligned(memory, plan->memory_bytes + YK__CACHE_LINE);
    yk__arena_free(&arena);
    return code;
}

/* *planned says whether a plan came about; without one the reason is in err. */
static yk__code run_planned(const yk__map *map, const node_data *data, uint64_t bound, const yk__plan_options *options,
                            bool *planned, yk__error *err) {
    yk__model model;
    int left[NODE_CASE_MAX_TENSORS];
    YK__TRY(import_bound(map, data, bound, &model, left, err));
    yk__specialisation *plan = NULL;
    const yk__shape scalar = {.rank = 0};
    const yk__shape *shape = model.graph.n_inputs > 0 ? &data->inputs[left[0]].shape : &scalar;
    yk__code code = yk__plan_create(&plan, &model.graph, shape, options, err);
    *planned = code == YK__OK;
    if (code == YK__OK) code = execute(plan, data, left, options->pool, err);
    yk__plan_destroy(&plan);
    yk__model_free(&model);
    return code;
}

/* Which inputs are constants, a bit each. */
static uint64_t inputs_to_bind(const node_data *data, node_binding binding) {
    uint64_t integers = 0, all_but_first = 0;
    for (int i = 1; i < data->n_inputs; i++) {
        all_but_first |= (uint64_t)1 << i;
        if (!yk__dtype_is_float(data->inputs[i].dtype)) integers |= (uint64_t)1 << i;
    }
    switch (binding) {
    case NODE_ALL_AT_RUN_TIME: return 0;
    case NODE_INTEGERS_BOUND: return integers;
    case NODE_FIRST_AT_RUN_TIME: return all_but_first;
    default: return UINT64_MAX;
    }
}

yk__code node_run(const yk__map *model, const node_data *data, const yk__backend *const *backends, int n_backends,
                  int n_threads, node_binding *binding, yk__error *err) {
    YK__TRY(run_folded(model, data, err));
    yk__plan_options options = {.n_backends = n_backends, .n_threads = n_threads, .dense = true, .evaluate = yk__ref_evaluate};
    for (int i = 0; i < n_backends; i++) options.backends[i] = backends[i];
    YK__TRY(yk__pool_create(&options.pool, n_threads, err));
    /* Sizes and axes that shape inference needs are constants in real models: where a plan cannot be made, more is bound. */
    yk__code code = YK__OK;
    for (*binding = NODE_ALL_AT_RUN_TIME; *binding < NODE_BINDINGS; (*binding)++) {
        bool planned = false;
        code = run_planned(model, data, inputs_to_bind(data, *binding), &options, &planned, err);
        if (planned) break;
    }
    yk__pool_destroy(&options.pool);
    return code;
}
