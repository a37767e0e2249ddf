/* Contexts and the tensor level: tensors in, tensors out. */
#include "api/api.h"

#include <string.h>

yk_status yk_context_create(yk_context **out, yk_engine *engine, const yk_context_options *options, yk_error *error) {
    if (!out) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_context_create: no place for the handle");
    *out = NULL;
    if (!engine) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_context_create: the engine must not be NULL");
    yk_context_options o;
    yk__api_options(&o, sizeof o, options, sizeof o);
    yk_context *context = yk__alloc(sizeof *context);
    if (!context) return yk__api_fail(error, YK_ERROR_MEMORY, "out of memory for a context");
    context->engine = engine;
    context->dense = o.dense;
    context->keep_layers = o.keep_layers;
    yk__context_init(&context->run, engine->plans, engine->pool);
    context->run.profile = o.profile;
    *out = context;
    return YK_OK;
}

void yk_context_destroy(yk_context **context_at) {
    if (!context_at || !*context_at) return;
    yk_context *context = *context_at;
    yk__context_free(&context->run);
    yk__nms_scratch_free(&context->nms);
    yk__free(context->keep);
    yk__free(context->raw.items);
    yk__free(context->raw.extra);
    yk__free(context->outputs);
    yk__free(context->pixels);
    yk__free(context->layer);
    yk__free(context);
    *context_at = NULL;
}

/* The rules that a network shape must keep, checked before anything is planned so that the message can say what to do. */
static yk__code check_shape(const yk_engine *engine, int32_t batch, int32_t height, int32_t width, yk__error *err) {
    const yk__recipe *r = &engine->model->recipe;
    if (batch < 1 || batch > 4096 || height < 1 || width < 1 || height > 65536 || width > 65536)
        return yk__fail(err, YK__ARGUMENT, "network shape %dx%dx%d (batch, height, width) is out of range", (int)batch,
                        (int)height, (int)width);
    if (height % r->stride || width % r->stride)
        return yk__fail(err, YK__SHAPE, "network input %dx%d (height, width): both sides must be multiples of the stride %d",
                        (int)height, (int)width, (int)r->stride);
    bool as_exported = height == r->imgsz[0] && width == r->imgsz[1] && batch == r->batch;
    if (!engine->any_size && !as_exported)
        return yk__fail(err, YK__SHAPE,
                        "this model only runs at %dx%dx%d (batch, height, width): its node '%s' has that size built in; asked "
                        "for %dx%dx%d. Export the model again with dynamic=True, or at the size you want",
                        (int)r->batch, (int)r->imgsz[0], (int)r->imgsz[1], engine->fixed_by, (int)batch, (int)height,
                        (int)width);
    return YK__OK;
}

yk__code yk__api_prepare(yk_context *context, int32_t batch, int32_t height, int32_t width, yk__error *err) {
    YK__TRY(check_shape(context->engine, batch, height, width, err));
    yk__plan_key key = {.batch = batch,
                        .height = height,
                        .width = width,
                        .dense = context->dense || context->keep_layers,
                        .keep_all = context->keep_layers};
    YK__TRY(yk__context_prepare(&context->run, &key, err));
    size_t n = (size_t)context->run.plan->n_outputs;
    if (n > context->n_outputs) {
        yk__free(context->outputs);
        context->n_outputs = 0;
        context->outputs = yk__alloc_array(n, sizeof *context->outputs);
        if (!context->outputs) return yk__fail(err, YK__MEMORY, "out of memory for %zu output tensors", n);
        context->n_outputs = n;
    }
    return YK__OK;
}

yk_status yk_context_prepare(yk_context *context, int32_t batch, int32_t height, int32_t width, yk_error *error) {
    yk__error e = {0};
    if (!context) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_context_prepare: the context must not be NULL");
    return yk__api_status(error, yk__api_prepare(context, batch, height, width, &e), &e);
}

yk_status yk_context_submit(yk_context *context, const yk_tensor *input, yk_error *error) {
    yk__error e = {0};
    if (!context || !input || !input->data)
        return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_context_submit: context, input and its data must not be NULL");
    if (!context->dense && !context->keep_layers)
        return yk__api_fail(error, YK_ERROR_ARGUMENT, "the tensor level needs a context created with `dense` set");
    int32_t channels = context->engine->model->recipe.channels;
    if (input->dtype != YK_F32 || input->rank != 4 || input->dim[1] != channels)
        return yk__api_fail(error, YK_ERROR_SHAPE, "the input must be an f32 tensor N x %d x H x W", (int)channels);
    for (int i = 0; i < 4; i++)
        if (input->dim[i] < 1 || input->dim[i] > 65536)
            return yk__api_fail(error, YK_ERROR_SHAPE, "dimension %d of the input is %lld: use 1 to 65536", i,
                                (long long)input->dim[i]);
    yk__code code = yk__api_prepare(context, (int32_t)input->dim[0], (int32_t)input->dim[2], (int32_t)input->dim[3], &e);
    if (code != YK__OK) return yk__api_status(error, code, &e);
    context->input = (yk__network_input){.tensor = input->data};
    code = yk__context_run(&context->run, &context->input, NULL, &e);
    context->run.submitted = code == YK__OK;
    return yk__api_status(error, code, &e);
}

static yk_tensor public_tensor(const yk__tensor *tensor, const char *name) {
    yk_tensor out = {
        .size = sizeof out, .name = name, .dtype = (yk_dtype)tensor->dtype, .rank = tensor->shape.rank, .data = tensor->data};
    for (int i = 0; i < tensor->shape.rank; i++) out.dim[i] = tensor->shape.dim[i];
    return out;
}

yk_status yk_context_wait(yk_context *context, const yk_tensor **outputs, size_t *n_outputs, yk_error *error) {
    if (!context || !context->run.submitted)
        return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_context_wait: nothing was submitted");
    const yk__specialisation *plan = context->run.plan;
    for (int32_t i = 0; i < plan->n_outputs; i++) {
        yk__tensor tensor = yk__context_output(&context->run, i);
        context->outputs[i] = public_tensor(&tensor, plan->graph->values[plan->graph->outputs[i]].name);
    }
    context->run.submitted = false;
    if (outputs) *outputs = context->outputs;
    if (n_outputs) *n_outputs = (size_t)plan->n_outputs;
    return YK_OK;
}

yk_status yk_context_run(yk_context *context, const yk_tensor *input, const yk_tensor **outputs, size_t *n_outputs,
                         yk_error *error) {
    yk_status status = yk_context_submit(context, input, error);
    return status == YK_OK ? yk_context_wait(context, outputs, n_outputs, error) : status;
}

/* ---- profile and layers ---- */

/* Multiply-adds times two of a convolution or matrix product. */
static double step_flops(const yk__step *step) {
    int64_t count = 0, weights = 0;
    if (!step->node || step->n_out < 1 || step->n_in < 2 || !yk__shape_count(&step->out[0].shape, &count)) return 0;
    if (step->node->op != YK__OP_CONV && step->node->op != YK__OP_GEMM) return 0;
    const yk__shape *weight = &step->in[1].shape;
    if (!yk__shape_count(weight, &weights) || weight->rank < 2) return 0;
    int64_t outputs = step->node->op == YK__OP_CONV || yk__node_int(step->node, "transB", 0) ? weight->dim[0] : weight->dim[1];
    return outputs > 0 ? 2.0 * (double)count * (double)weights / (double)outputs : 0;
}

bool yk_context_profile(const yk_context *context, size_t i, yk_step_profile *profile) {
    if (!context || !profile || !context->run.plan || i >= (size_t)context->run.n_times) return false;
    const yk__step *step = &context->run.plan->steps[i];
    const yk__step_times *times = &context->run.times[i];
    yk_step_profile full = {.size = sizeof full,
                            .node = step->node ? step->node->name : "",
                            .op = step->node ? yk__op_info_get(step->node->op)->name : "change of form",
                            .kernel = step->kernel->name,
                            .n_runs = times->n_runs,
                            .total_ns = times->total_ns,
                            .min_ns = times->min_ns,
                            .flops = step_flops(step)};
    size_t size = profile->size && profile->size < sizeof full ? profile->size : sizeof full;
    memcpy(profile, &full, size);
    return true;
}

const char *yk_context_layer_name(const yk_context *context, size_t i) {
    if (!context || !context->run.plan) return NULL;
    size_t seen = 0;
    for (int32_t s = 0; s < context->run.plan->n_steps; s++) {
        const yk__step *step = &context->run.plan->steps[s];
        for (int32_t o = 0; step->node && o < step->n_out; o++)
            if (step->node->out[o] >= 0 && seen++ == i) return context->run.plan->graph->values[step->node->out[o]].name;
    }
    return NULL;
}

/* Plain rows out of a BLOCKED tensor. */
static void unblock(const yk__operand *from, const void *data, float *to) {
    const int64_t *dim = from->shape.dim;
    for (int64_t n = 0; n < dim[0]; n++)
        for (int64_t c = 0; c < dim[1]; c++)
            for (int64_t y = 0; y < dim[2]; y++) {
                int64_t at =
                    n * from->image_stride + c / from->block * from->block_stride + y * from->row_stride + c % from->block;
                for (int64_t x = 0; x < dim[3]; x++, at += from->pixel_stride)
                    *to++ = from->dtype == YK__DTYPE_BF16 ? yk__bf16_to_float(((const uint16_t *)data)[at])
                                                          : ((const float *)data)[at];
            }
}

static void widen(const uint16_t *from, int64_t count, float *to) {
    for (int64_t i = 0; i < count; i++) to[i] = yk__bf16_to_float(from[i]);
}

yk_status yk_context_layer(yk_context *context, const char *name, yk_tensor *out, yk_error *error) {
    if (!context || !name || !out) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_context_layer: an argument is NULL");
    if (!context->keep_layers || !context->run.plan)
        return yk__api_fail(error, YK_ERROR_ARGUMENT, "layers need a context created with `keep_layers` set, and a run");
    const yk__specialisation *plan = context->run.plan;
    for (int32_t v = 0; v < plan->graph->n_values; v++) {
        const yk__operand *place = &plan->value_place[v];
        int64_t count = 0;
        if (strcmp(plan->graph->values[v].name, name) != 0 || place->kind != YK__PLACE_MEMORY) continue;
        yk__exec exec = {.memory = context->run.memory, .dynamic_shapes = context->run.dynamic_shapes};
        yk__tensor tensor = {place->dtype, *yk__operand_shape(place, &exec), yk__operand_data(place, &exec)};
        if (place->form == YK__FORM_BLOCKED || place->dtype == YK__DTYPE_BF16) { /* handed out as rows of f32 */
            if (!yk__shape_count(&tensor.shape, &count))
                return yk__api_fail(error, YK_ERROR_INTERNAL, "layer %s has no known size", name);
            yk__free(context->layer);
            context->layer = yk__alloc_array((size_t)count, sizeof *context->layer);
            if (!context->layer) return yk__api_fail(error, YK_ERROR_MEMORY, "out of memory for layer %s", name);
            if (place->form == YK__FORM_BLOCKED)
                unblock(place, tensor.data, context->layer);
            else
                widen(tensor.data, count, context->layer);
            tensor.dtype = YK__DTYPE_F32;
            tensor.data = context->layer;
        }
        *out = public_tensor(&tensor, plan->graph->values[v].name);
        return YK_OK;
    }
    return yk__api_fail(error, YK_ERROR_NOT_FOUND, "no layer '%s' was computed in this run", name);
}
