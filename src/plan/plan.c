/* The driver of planning: runs the stages in order and owns what they make. */
#include "plan/plan.h"

#include <string.h>

#include "plan/plan_stages.h"

/* Values of at most this many elements are computed while planning: shape arithmetic and anchor grids (2 x 8,400 and more for
 * large inputs), never whole feature maps. */
#define MAX_KNOWN_ELEMENTS (1 << 20)

/* Scratch for planning: facts per node and value; far above what the bounds of graph.h (100,000 nodes) make of it. */
#define SCRATCH_BUDGET ((size_t)1 << 30)

static yk__code check_options(const yk__plan_options *options, const yk__shape *input_shape, yk__error *err) {
    if (options->n_backends < 1 || options->n_backends > 4) {
        return yk__fail(err, YK__ARGUMENT, "a plan needs 1 to 4 backends, not %d", options->n_backends);
    }
    if (!yk__shape_known(input_shape)) return yk__fail(err, YK__ARGUMENT, "a plan needs a fully known input shape");
    return YK__OK;
}

/* Other inputs of the graph keep their declared shapes; only the first takes the given one. */
static yk__code infer_shapes(yk__planner *planner, const yk__shape *input_shape, yk__error *err) {
    const yk__graph *graph = planner->graph;
    yk__specialisation *plan = planner->plan;
    yk__shape *shapes = yk__arena_array(&planner->scratch, (size_t)graph->n_inputs + 1, sizeof *shapes);
    plan->inferred = yk__arena_array(&plan->arena, (size_t)graph->n_values + 1, sizeof *plan->inferred);
    if (!shapes || !plan->inferred) return yk__arena_error(&plan->arena, "a plan", err);
    for (int32_t i = 0; i < graph->n_inputs; i++) {
        shapes[i] = i == 0 ? *input_shape : graph->values[graph->inputs[i]].shape;
        if (!yk__shape_known(&shapes[i])) {
            return yk__fail(err, YK__SHAPE, "input \"%s\" has a free size; only the first input's can be given",
                            graph->values[graph->inputs[i]].name);
        }
    }
    return yk__infer_graph(graph, shapes, planner->options->evaluate, MAX_KNOWN_ELEMENTS, &plan->arena, plan->inferred, err);
}

static void describe_head(yk__planner *planner) {
    yk__specialisation *plan = planner->plan;
    if (planner->head < 0) return;
    plan->head = &planner->graph->nodes[planner->head];
    int64_t levels = yk__node_int(plan->head, "levels", 0);
    for (int64_t i = 0; i < levels && i < plan->head->n_in; i++) {
        const yk__shape *box = &plan->inferred[plan->head->in[i]].shape;
        if (box->rank == 4) plan->max_anchors += (int32_t)(box->dim[2] * box->dim[3]);
    }
}

static yk__code run_stages(yk__planner *planner, const yk__shape *input_shape, yk__error *err) {
    YK__TRY(infer_shapes(planner, input_shape, err));
    YK__TRY(yk__plan_live(planner, err));
    YK__TRY(yk__plan_choose(planner, err));
    YK__TRY(yk__plan_forms(planner, err));
    YK__TRY(yk__plan_lazy(planner, err));
    yk__plan_elide(planner);
    YK__TRY(yk__plan_memory(planner, err));
    YK__TRY(yk__plan_steps(planner, err));
    describe_head(planner);
    return YK__OK;
}

yk__code yk__plan_create(yk__specialisation **out, const yk__graph *graph, const yk__shape *input_shape,
                         const yk__plan_options *options, yk__error *err) {
    *out = NULL;
    YK__TRY(check_options(options, input_shape, err));
    yk__specialisation *plan = yk__alloc(sizeof *plan);
    if (!plan) return yk__fail(err, YK__MEMORY, "out of memory for a plan");
    yk__arena_init(&plan->arena, 0);
    plan->graph = graph;
    plan->input_shape = *input_shape;
    plan->dense = options->dense;
    plan->backend = options->backends[0];
    plan->n_threads = options->n_threads > 1 ? options->n_threads : 1;
    yk__plan_options checked = *options;
    checked.n_threads = plan->n_threads;
    yk__planner planner = {.graph = graph, .options = &checked, .plan = plan, .block = options->backends[0]->block};
    yk__arena_init(&planner.scratch, SCRATCH_BUDGET);
    yk__code code = run_stages(&planner, input_shape, err);
    yk__arena_free(&planner.scratch);
    if (code != YK__OK) {
        yk__plan_destroy(&plan);
        return code;
    }
    *out = plan;
    return YK__OK;
}

void yk__plan_destroy(yk__specialisation **plan) {
    if (!plan || !*plan) return;
    yk__pack_cache_destroy(&(*plan)->own_packs);
    yk__arena_free(&(*plan)->arena);
    yk__free(*plan);
    *plan = NULL;
}
