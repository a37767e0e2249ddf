/* Tuning: for every kernel a plan in which all nodes that accept it use it; each step is timed; per node the fastest wins. */
#include "api/api_tune.h"

#include <string.h>

#define RUNS 12 /* per plan; the least of them counts, so that the machine's other work does not */
/* A kernel must beat the cost model's choice by this much: below it, noise decides. */
#define WORTH 0.97

typedef struct node_timing {
    const char *node;
    const char *kernel, *usual; /* the fastest so far; the cost model's */
    uint64_t ns, usual_ns;
} node_timing;

typedef struct tuner {
    const yk__model *model;
    const yk__backend *backend;
    yk__pool *pool;
    yk__arena *arena;
    node_timing *timings;
    int32_t n_timings;
    uint8_t *pixels;
} tuner;

static node_timing *timing_of(tuner *t, const yk__step *step) {
    for (int32_t i = 0; i < t->n_timings; i++)
        if (strcmp(t->timings[i].node, step->node->name) == 0) return &t->timings[i];
    node_timing *made = &t->timings[t->n_timings++];
    *made = (node_timing){.node = step->node->name, .ns = UINT64_MAX};
    return made;
}

/* One plan, in which every node that accepts `forced` uses it (NULL: the cost model's plan), timed step by step. */
static yk__code time_plan(tuner *t, const yk__kernel *forced, yk__error *err) {
    const yk__graph *graph = &t->model->graph;
    yk__plan_options options = {.backends = {t->backend, yk__backend_ref()},
                                .n_backends = 2,
                                .n_threads = yk__pool_size(t->pool),
                                .evaluate = yk__ref_evaluate,
                                .pool = t->pool};
    yk__choice *choices = yk__arena_array(t->arena, (size_t)graph->n_nodes, sizeof *choices);
    if (!choices) return yk__arena_error(t->arena, "tuning", err);
    for (int32_t i = 0; forced && i < graph->n_nodes; i++)
        if (graph->nodes[i].op == forced->op) choices[options.n_choices++] = (yk__choice){graph->nodes[i].name, forced->name};
    options.choices = choices;
    yk__plans *plans = NULL;
    yk__context context = {0};
    YK__TRY(yk__plans_create(&plans, graph, &options, 1, err));
    yk__context_init(&context, plans, t->pool);
    context.profile = true;
    const yk__recipe *recipe = &t->model->recipe;
    yk__plan_key key = {.batch = 1, .height = recipe->imgsz[0], .width = recipe->imgsz[1]};
    const uint8_t *pictures[1] = {t->pixels};
    yk__network_input input = {.pictures = pictures, .picture_row_bytes = 3 * (int64_t)key.width};
    yk__head_params params = {.conf = recipe->conf};
    yk__code code = yk__context_prepare(&context, &key, err);
    for (int run = 0; run < RUNS && code == YK__OK; run++) code = yk__context_run(&context, &input, &params, err);
    for (int32_t i = 0; i < context.n_times && code == YK__OK; i++) {
        const yk__step *step = &context.plan->steps[i];
        if (!step->node || step->backend != t->backend) continue;
        node_timing *timing = timing_of(t, step);
        uint64_t ns = context.times[i].min_ns;
        if (!forced) {
            timing->usual = step->kernel->name;
            timing->usual_ns = ns;
        }
        if (ns < timing->ns) {
            timing->ns = ns;
            timing->kernel = step->kernel->name;
        }
    }
    yk__context_free(&context);
    yk__plans_destroy(&plans);
    return code;
}

yk__code yk__api_tune(const yk__model *model, yk__pool *pool, yk__arena *arena, yk__tuned *out, yk__error *err) {
    tuner t = {.model = model, .backend = yk__backend_cpu(yk__cpu_get()->isa), .pool = pool, .arena = arena};
    size_t bytes = 3 * (size_t)model->recipe.imgsz[0] * (size_t)model->recipe.imgsz[1];
    *out = (yk__tuned){0};
    t.timings = yk__arena_array(arena, (size_t)model->graph.n_nodes, sizeof *t.timings);
    t.pixels = yk__arena_alloc(arena, bytes);
    out->choices = yk__arena_array(arena, (size_t)model->graph.n_nodes, sizeof *out->choices);
    if (!t.timings || !t.pixels || !out->choices) return yk__arena_error(arena, "tuning", err);
    for (size_t i = 0; i < bytes; i++) t.pixels[i] = (uint8_t)(i * 31 + i / 251); /* time does not depend on the values */
    YK__TRY(time_plan(&t, NULL, err));
    for (int32_t k = 0; k < t.backend->n_kernels; k++) {
        const yk__kernel *kernel = t.backend->kernels[k];
        if (kernel->op != YK__OP_NONE) YK__TRY(time_plan(&t, kernel, err));
    }
    for (int32_t i = 0; i < t.n_timings; i++) {
        const node_timing *timing = &t.timings[i];
        bool better = timing->usual && timing->kernel != timing->usual && (double)timing->ns < WORTH * (double)timing->usual_ns;
        if (better) out->choices[out->n++] = (yk__choice){timing->node, timing->kernel};
    }
    return YK__OK;
}

yk__code yk__api_choices_from(const char *path, yk__arena *arena, yk__tuned *out, yk__error *err) {
    *out = (yk__tuned){0};
    yk__engine_file *file = yk__alloc(sizeof *file);
    if (!file) return yk__fail(err, YK__MEMORY, "out of memory for %s", path);
    yk__code code = yk__engine_open(path, file, NULL, err);
    if (code == YK__OK) {
        out->choices = yk__arena_array(arena, (size_t)file->n_choices, sizeof *out->choices);
        for (int32_t i = 0; out->choices && i < file->n_choices; i++) {
            yk__choice *choice = &out->choices[out->n++];
            choice->node = yk__arena_strdup(arena, file->choices[i].node);
            choice->kernel = yk__arena_strdup(arena, file->choices[i].kernel);
            if (!choice->node || !choice->kernel) out->choices = NULL;
        }
        if (!out->choices) code = yk__arena_error(arena, "recorded choices", err);
        yk__engine_close(file);
    }
    yk__free(file);
    return code;
}
