/* The last stage: drafts become steps with addresses, resolved parameters and packed weights. */
#include <string.h>

#include "plan/plan_stages.h"

static yk__operand make_operand(const yk__planner *planner, int32_t index) {
    yk__operand operand = {.kind = YK__PLACE_NONE, .value = YK__NO_VALUE};
    if (index < 0) return operand;
    const yk__plan_tensor *tensor = &planner->tensors[index];
    int64_t channel;
    const yk__plan_tensor *root = &planner->tensors[yk__plan_root(planner, index, &channel)];
    operand.kind = tensor->kind;
    operand.form = tensor->form;
    operand.dtype = tensor->dtype;
    operand.value = tensor->value;
    operand.input = tensor->input;
    operand.dynamic = tensor->dynamic;
    operand.shape = tensor->shape;
    operand.constant = tensor->constant;
    if (tensor->kind != YK__PLACE_MEMORY) return operand;
    operand.offset = root->offset;
    if (tensor->form == YK__FORM_BLOCKED) {
        operand.block = planner->block;
        operand.halo = root->halo;
        operand.row_stride = root->row_stride;
        operand.block_stride = root->block_stride;
        operand.image_stride = root->image_stride;
        operand.pixel_stride = root->pixel_stride;
        int64_t behind_halo = root->halo * (root->row_stride + root->pixel_stride);
        operand.offset += (size_t)(channel / planner->block * root->block_stride + behind_halo) * yk__dtype_size(tensor->dtype);
    }
    return operand;
}

static yk__code pack_step(const yk__planner *planner, yk__step *step, const yk__need *need, yk__error *err) {
    yk__specialisation *plan = planner->plan;
    if (step->kernel->prepare) YK__TRY(step->kernel->prepare(step->kernel, step, &plan->arena, &step->state, err));
    if (!step->kernel->pack || need->packed_bytes == 0) return YK__OK;
    yk__pack_cache *cache = need->packed_format ? planner->options->pack_cache : NULL;
    if (!cache) {
        if (!plan->own_packs) YK__TRY(yk__pack_cache_create(&plan->own_packs, err));
        cache = plan->own_packs;
    }
    step->packed_bytes = need->packed_bytes;
    plan->packed_bytes += need->packed_bytes;
    return yk__pack_cache_get(cache, step, need, planner->options->pool, &step->packed, err);
}

static yk__code make_step(const yk__planner *planner, const yk__draft *draft, yk__step *step, yk__error *err) {
    yk__specialisation *plan = planner->plan;
    const yk__graph *graph = planner->graph;
    yk__operand *operands = yk__arena_array(&plan->arena, (size_t)draft->n_in + (size_t)draft->n_out + 1, sizeof *operands);
    if (!operands) return yk__arena_error(&plan->arena, "a plan", err);
    *step = (yk__step){.node = draft->node >= 0 ? &graph->nodes[draft->node] : NULL,
                       .node_index = draft->node,
                       .fused = draft->fused_node >= 0 ? &graph->nodes[draft->fused_node] : NULL,
                       .backend = draft->backend,
                       .kernel = draft->kernel,
                       .run = draft->kernel->run,
                       .n_in = draft->n_in,
                       .n_out = draft->n_out,
                       .in = operands,
                       .out = operands + draft->n_in,
                       .scratch_offset = draft->scratch_offset,
                       .scratch_bytes = draft->need->scratch_bytes ? planner->scratch_bytes : 0,
                       .cost_ns = draft->need->cost_ns};
    for (int32_t i = 0; i < draft->n_in; i++) step->in[i] = make_operand(planner, draft->in[i]);
    for (int32_t i = 0; i < draft->n_out; i++) step->out[i] = make_operand(planner, draft->out[i]);
    if (draft->tiles >= 0) {
        operands[draft->n_in + draft->n_out] = make_operand(planner, draft->tiles);
        step->tiles = &operands[draft->n_in + draft->n_out];
    }
    yk__code code = pack_step(planner, step, draft->need, err);
    if (code != YK__OK && step->node)
        return yk__fail_prefix(err, code, "node \"%s\", kernel %s", step->node->name, step->kernel->name);
    return code;
}

/* Where each value can be read after it was made: PLAIN where it has that form, else BLOCKED. */
static void note_places(const yk__planner *planner) {
    yk__specialisation *plan = planner->plan;
    for (int32_t v = 0; v < planner->graph->n_values; v++) {
        int32_t plain = planner->plain_of[v], tensor = plain >= 0 ? plain : planner->blocked_of[v];
        if (tensor < 0) {
            plan->value_place[v] = make_operand(planner, -1);
            continue;
        }
        plan->value_place[v] = make_operand(planner, tensor);
        plan->dynamic |= planner->tensors[tensor].dynamic;
    }
    for (int32_t i = 0; i < planner->graph->n_outputs; i++) {
        int32_t tensor = planner->plain_of[planner->graph->outputs[i]];
        plan->outputs[i] = make_operand(planner, tensor);
    }
}

yk__code yk__plan_steps(yk__planner *planner, yk__error *err) {
    yk__specialisation *plan = planner->plan;
    const yk__graph *graph = planner->graph;
    plan->steps = yk__arena_array(&plan->arena, (size_t)planner->n_drafts + 1, sizeof *plan->steps);
    plan->outputs = yk__arena_array(&plan->arena, (size_t)graph->n_outputs + 1, sizeof *plan->outputs);
    plan->value_place = yk__arena_array(&plan->arena, (size_t)graph->n_values + 1, sizeof *plan->value_place);
    if (!plan->steps || !plan->outputs || !plan->value_place) return yk__arena_error(&plan->arena, "a plan", err);
    plan->n_outputs = graph->n_outputs;
    note_places(planner);
    for (int32_t i = 0; i < planner->n_drafts; i++) {
        if (planner->drafts[i].dropped) continue;
        YK__TRY(make_step(planner, &planner->drafts[i], &plan->steps[plan->n_steps], err));
        plan->n_steps++;
    }
    return YK__OK;
}
