/* What comes after loading: engines with right checksums are planned and run, on the ref backend and on the cpu backend's
 * kernels, dense and with candidates. Inputs are small; plans that would need much memory or time are left alone. */
#include <stdlib.h>
#include <string.h>

#include "engine/engine_read.h"
#include "runtime/context.h"

#include "engine_sums.h"

/* A run takes milliseconds; the bounds of real engines are the plan's and the caller's. */
#define MOST_MEMORY  ((size_t)16 << 20)
#define MOST_COST_NS 2e7
enum { SIDE = 32 };

/* Plans are made without memory for a run: the two bounds are looked at before that is taken. */
static bool affordable(yk__plans *plans, const yk__plan_key *key) {
    const yk__specialisation *plan;
    double cost = 0;
    if (yk__plans_acquire(plans, key, &plan, NULL)) return false;
    for (int i = 0; i < plan->n_steps; i++) cost += plan->steps[i].cost_ns;
    bool small = plan->memory_bytes <= MOST_MEMORY && cost < MOST_COST_NS;
    yk__plans_release(plans, plan);
    return small;
}

static void run(yk__context *context, const yk__engine_file *file, const yk__plan_key *key) {
    static const float zeros[4 * 3 * SIDE * SIDE];
    const yk__graph *graph = &file->model.graph;
    yk__error err;
    if (graph->n_inputs != 1) return;
    const yk__shape *shape = &graph->values[graph->inputs[0]].shape;
    if (shape->rank == 4 && shape->dim[1] > 3) return;
    if (!affordable(context->plans, key) || yk__context_prepare(context, key, &err)) return;
    yk__head_params params = {.conf = 0.1f};
    yk__network_input input = {.tensor = zeros};
    yk__code code = yk__context_run(context, &input, &params, &err);
    for (int i = 0; !code && key->dense && i < context->plan->n_outputs; i++) {
        yk__tensor out = yk__context_output(context, i);
        size_t bytes;
        volatile uint8_t last = 0;
        if (out.data && yk__tensor_bytes(out.dtype, &out.shape, &bytes) && bytes)
            last = last ^ ((const uint8_t *)out.data)[bytes - 1];
    }
}

static void plan(const yk__engine_file *file, bool with_cpu, bool dense) {
    yk__plans *plans = NULL;
    yk__context context;
    yk__error err;
    yk__plan_options options = {
        .n_threads = 1, .evaluate = yk__ref_evaluate, .choices = file->choices, .n_choices = file->n_choices};
    if (with_cpu) options.backends[options.n_backends++] = yk__backend_cpu(YK__ISA_GENERIC);
    options.backends[options.n_backends++] = yk__backend_ref();
    yk__plan_key key = {
        .batch = 1, .height = file->model.recipe.imgsz[0], .width = file->model.recipe.imgsz[1], .dense = dense};
    if (key.height > SIDE) key.height = SIDE;
    if (key.width > SIDE) key.width = SIDE;
    if (yk__plans_create(&plans, &file->model.graph, &options, 2, &err)) return;
    yk__context_init(&context, plans, NULL);
    run(&context, file, &key);
    yk__context_free(&context);
    yk__plans_destroy(&plans);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    yk__engine_file file;
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) return 0;
    memcpy(copy, data, size);
    fix_sums(copy, size);
    if (yk__engine_open_bytes(copy, size, "fuzz", &file, NULL, NULL) == YK__OK) {
        plan(&file, false, true);
        plan(&file, true, true);
        plan(&file, true, false);
        yk__engine_close(&file);
    }
    free(copy);
    return 0;
}
