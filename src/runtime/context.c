/* Memory and execution of one context. */
#include "runtime/context.h"

#include <string.h>

void yk__context_init(yk__context *context, yk__plans *plans, yk__pool *pool) {
    *context = (yk__context){.plans = plans, .pool = pool};
}

static void unbind(yk__context *context) {
    if (context->plan) yk__plans_release(context->plans, context->plan);
    context->plan = NULL;
    yk__free(context->candidates);
    yk__free(context->dynamic_shapes);
    yk__free(context->step_ns);
    yk__free(context->times);
    context->candidates = NULL;
    context->dynamic_shapes = NULL;
    context->step_ns = NULL;
    context->times = NULL;
    context->n_times = 0;
}

void yk__context_free(yk__context *context) {
    unbind(context);
    yk__free_aligned(context->memory, context->memory_bytes);
    yk__free(context->candidate_items);
    yk__free(context->candidate_extra);
    *context = (yk__context){0};
}

static yk__code no_memory(const yk__context *context, size_t bytes, yk__error *err) {
    return yk__fail(err, YK__MEMORY, "out of memory: a context for %dx%dx%d (batch, height, width) needs %zu more bytes",
                    (int)context->key.batch, (int)context->key.height, (int)context->key.width, bytes);
}

/* What an honest network takes: yolov8x keeps about 150 bytes of activations per input pixel. Far more is a file that wants the
 * machine's memory. */
#define MEMORY_PER_PIXEL 4096u
#define MEMORY_ANYWAY    ((size_t)1 << 30)

static yk__code check_memory(const yk__context *context, yk__error *err) {
    size_t pixels = (size_t)context->key.batch * (size_t)context->key.height * (size_t)context->key.width;
    size_t bytes = context->plan->memory_bytes;
    if (bytes <= MEMORY_ANYWAY || bytes / MEMORY_PER_PIXEL <= pixels) return YK__OK;
    return yk__fail(err, YK__LIMIT,
                    "this network asks for %zu MB of working memory for %dx%dx%d pictures (batch, height, width), more than %u "
                    "bytes a pixel: no YOLO needs that",
                    bytes >> 20, (int)context->key.batch, (int)context->key.height, (int)context->key.width, MEMORY_PER_PIXEL);
}

static yk__code grow_memory(yk__context *context, yk__error *err) {
    YK__TRY(check_memory(context, err));
    size_t bytes = context->plan->memory_bytes ? context->plan->memory_bytes : YK__CACHE_LINE; /* never a NULL block */
    if (bytes > context->memory_bytes) {
        yk__free_aligned(context->memory, context->memory_bytes);
        context->memory_bytes = 0;
        context->memory = yk__alloc_aligned(bytes);
        if (!context->memory) return no_memory(context, bytes, err);
        context->memory_bytes = bytes;
    }
    if (context->plan->zeroed_bytes) memset(context->memory, 0, context->plan->zeroed_bytes);
    return YK__OK;
}

/* Candidate buffers for every picture of the batch: a row per anchor, times classes where a row per class can come. Sized for
 * multi-label too, so that run-time parameters never need more. */
static yk__code make_candidates(yk__context *context, yk__error *err) {
    const yk__node *head = context->plan->head;
    size_t batch = (size_t)context->key.batch;
    int64_t rows = (int64_t)context->plan->max_anchors * yk__node_int(head, "classes", 1);
    int32_t capacity = rows < YK__MAX_CANDIDATES ? (int32_t)rows : YK__MAX_CANDIDATES;
    size_t n_extra = (size_t)yk__node_int(head, "extra", 0);
    size_t items = batch * (size_t)capacity, extra = items * n_extra;
    context->candidates = yk__alloc_array(batch, sizeof *context->candidates);
    if (!context->candidates) return no_memory(context, batch * sizeof *context->candidates, err);
    if (items > context->item_capacity) {
        yk__free(context->candidate_items);
        context->item_capacity = 0;
        context->candidate_items = yk__alloc_array(items, sizeof *context->candidate_items);
        if (!context->candidate_items) return no_memory(context, items * sizeof *context->candidate_items, err);
        context->item_capacity = items;
    }
    if (extra > context->extra_capacity) {
        yk__free(context->candidate_extra);
        context->extra_capacity = 0;
        context->candidate_extra = yk__alloc_array(extra, sizeof *context->candidate_extra);
        if (!context->candidate_extra) return no_memory(context, extra * sizeof *context->candidate_extra, err);
        context->extra_capacity = extra;
    }
    for (size_t i = 0; i < batch; i++) {
        context->candidates[i] =
            (yk__candidates){.capacity = capacity,
                             .n_extra = (int32_t)n_extra,
                             .items = context->candidate_items + i * (size_t)capacity,
                             .extra = n_extra ? context->candidate_extra + i * (size_t)capacity * n_extra : NULL};
    }
    context->candidates_capacity = capacity;
    return YK__OK;
}

static yk__code make_rest(yk__context *context, yk__error *err) {
    size_t n_steps = (size_t)context->plan->n_steps, n_values = (size_t)context->plan->graph->n_values;
    if (context->plan->dynamic) {
        context->dynamic_shapes = yk__alloc_array(n_values, sizeof *context->dynamic_shapes);
        if (!context->dynamic_shapes) return no_memory(context, n_values * sizeof *context->dynamic_shapes, err);
    }
    if (context->profile) {
        context->step_ns = yk__alloc_array(n_steps + 1, sizeof *context->step_ns);
        context->times = yk__alloc_array(n_steps + 1, sizeof *context->times);
        if (!context->step_ns || !context->times) return no_memory(context, n_steps * sizeof *context->times, err);
        context->n_times = (int32_t)n_steps;
    }
    return YK__OK;
}

yk__code yk__context_prepare(yk__context *context, const yk__plan_key *key, yk__error *err) {
    if (context->plan && context->key.batch == key->batch && context->key.height == key->height &&
        context->key.width == key->width && context->key.dense == key->dense && context->key.keep_all == key->keep_all)
        return YK__OK;
    unbind(context);
    context->key = *key;
    YK__TRY(yk__plans_acquire(context->plans, key, &context->plan, err));
    yk__code code = grow_memory(context, err);
    if (code == YK__OK && context->plan->head && !context->plan->dense) code = make_candidates(context, err);
    if (code == YK__OK) code = make_rest(context, err);
    if (code != YK__OK) unbind(context);
    return code;
}

static void add_times(yk__context *context) {
    for (int32_t i = 0; i < context->n_times; i++) {
        yk__step_times *times = &context->times[i];
        uint64_t ns = context->step_ns[i];
        times->min_ns = times->n_runs == 0 || ns < times->min_ns ? ns : times->min_ns;
        times->total_ns += ns;
        times->n_runs++;
    }
}

yk__code yk__context_run(yk__context *context, const yk__network_input *input, const yk__head_params *params, yk__error *err) {
    if (!context->plan) return yk__fail(err, YK__ARGUMENT, "the context is not prepared for any shape");
    yk__exec exec = {.memory = context->memory,
                     .pool = context->pool,
                     .input = *input,
                     .dynamic_shapes = context->dynamic_shapes,
                     .candidates = context->candidates};
    if (params) exec.params = *params;
    YK__TRY(yk__plan_execute(context->plan, &exec, context->step_ns, err));
    if (context->profile) add_times(context);
    return YK__OK;
}

yk__tensor yk__context_output(const yk__context *context, int32_t i) {
    const yk__operand *operand = &context->plan->outputs[i];
    yk__exec exec = {.memory = context->memory, .dynamic_shapes = context->dynamic_shapes};
    return (yk__tensor){operand->dtype, *yk__operand_shape(operand, &exec), yk__operand_data(operand, &exec)};
}
