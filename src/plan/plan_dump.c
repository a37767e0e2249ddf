/* The plan as text: what runs, with which kernel, on what, and where everything lies. */
#include <inttypes.h>

#include "plan/plan.h"

/* "f32 1x64x80x80 blocked+1 @1234560": dtype, shape, form with its halo, place. */
static void dump_operand(const yk__specialisation *plan, const yk__operand *operand, yk__text *out) {
    if (operand->kind == YK__PLACE_NONE) {
        yk__text_add(out, "-");
        return;
    }
    char shape[128];
    yk__text_printf(out, "%s %s%s", yk__dtype_name(operand->dtype), operand->dynamic ? "<=" : "",
                    yk__shape_text(&operand->shape, shape));
    if (operand->form == YK__FORM_BLOCKED) yk__text_printf(out, " blocked%d+%d", operand->block, operand->halo);
    switch (operand->kind) {
    case YK__PLACE_CONSTANT: yk__text_add(out, " constant"); break;
    case YK__PLACE_INPUT: yk__text_printf(out, " input %d", operand->input); break;
    default: yk__text_printf(out, " @%zu", operand->offset); break;
    }
    if (operand->value >= 0) yk__text_printf(out, " (%s)", plan->graph->values[operand->value].name);
}

static void dump_step(const yk__specialisation *plan, int32_t index, yk__text *out) {
    const yk__step *step = &plan->steps[index];
    yk__text_printf(out, "%4d %-24s ", index, step->node ? yk__op_info_get(step->node->op)->name : "(form)");
    if (step->fused) yk__text_printf(out, "+%s ", yk__op_info_get(step->fused->op)->name);
    yk__text_printf(out, "%s %s", step->kernel->name, step->node ? step->node->name : "");
    yk__text_printf(out, "\n     est %.1f us", step->cost_ns / 1e3);
    if (step->scratch_bytes) yk__text_printf(out, ", scratch %zu @%zu", step->scratch_bytes, step->scratch_offset);
    if (step->packed_bytes) yk__text_printf(out, ", packed %zu", step->packed_bytes);
    if (step->tiles) yk__text_printf(out, ", only where scores matter (tiles @%zu)", step->tiles->offset);
    for (int32_t i = 0; i < step->n_in; i++) {
        if (step->in[i].kind == YK__PLACE_CONSTANT || step->in[i].kind == YK__PLACE_NONE) continue;
        yk__text_add(out, "\n     in  ");
        dump_operand(plan, &step->in[i], out);
    }
    for (int32_t i = 0; i < step->n_out; i++) {
        if (step->out[i].kind == YK__PLACE_NONE) continue;
        yk__text_add(out, "\n     out ");
        dump_operand(plan, &step->out[i], out);
    }
    yk__text_add(out, "\n");
}

void yk__plan_dump(const yk__specialisation *plan, yk__text *out) {
    char shape[128];
    double cost = 0;
    for (int32_t i = 0; i < plan->n_steps; i++) cost += plan->steps[i].cost_ns;
    yk__text_printf(out,
                    "plan for %s on %s/%s, %d threads, %s: %d steps, memory %.1f MB, packed weights %.1f MB, est %.2f ms\n",
                    yk__shape_text(&plan->input_shape, shape), plan->backend->name, plan->backend->isa, plan->n_threads,
                    plan->head && !plan->dense ? "head fills candidates" : "outputs as tensors", plan->n_steps,
                    (double)plan->memory_bytes / 1e6, (double)plan->packed_bytes / 1e6, cost / 1e6);
    for (int32_t i = 0; i < plan->n_steps; i++) dump_step(plan, i, out);
    for (int32_t i = 0; i < plan->n_outputs; i++) {
        if (plan->outputs[i].kind == YK__PLACE_NONE) continue;
        yk__text_printf(out, "output %d: ", i);
        dump_operand(plan, &plan->outputs[i], out);
        yk__text_add(out, "\n");
    }
}
