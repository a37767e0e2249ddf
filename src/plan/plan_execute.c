/* Running a plan: its steps in order. Where sizes are only known at run time, the shapes of each step's outputs are inferred
 * just before it runs and checked against the bounds that memory was planned for. Allocates nothing. */
#include <string.h>

#include "base/clock.h"
#include "plan/plan.h"

static bool has_dynamic(const yk__step *step) {
    for (int32_t i = 0; i < step->n_in; i++) {
        if (step->in[i].dynamic) return true;
    }
    for (int32_t i = 0; i < step->n_out; i++) {
        if (step->out[i].dynamic) return true;
    }
    return false;
}

/* What is known of an operand now: its shape and, for small PLAIN ones, its elements (they may decide a shape). */
static yk__inferred facts_now(const yk__operand *operand, const yk__exec *exec) {
    yk__inferred facts = {.dtype = YK__DTYPE_NONE};
    if (operand->kind == YK__PLACE_NONE) return facts;
    facts.dtype = operand->dtype;
    facts.shape = *yk__operand_shape(operand, exec);
    facts.data = operand->form == YK__FORM_PLAIN ? yk__operand_data(operand, exec) : NULL;
    return facts;
}

static yk__code check_bound(const yk__step *step, const yk__operand *out, const yk__shape *now, yk__error *err) {
    bool fits = now->rank == out->shape.rank;
    for (int32_t d = 0; fits && d < now->rank; d++) fits = now->dim[d] >= 0 && now->dim[d] <= out->shape.dim[d];
    if (fits) return YK__OK;
    char met[128], bound[128];
    return yk__fail(err, YK__SHAPE, "node \"%s\": output of %s is over the %s it was planned for",
                    step->node ? step->node->name : "", yk__shape_text(now, met), yk__shape_text(&out->shape, bound));
}

static yk__code infer_step(const yk__step *step, yk__exec *exec, yk__error *err) {
    if (!step->node) {
        if (step->out[0].dynamic) exec->dynamic_shapes[step->out[0].value] = *yk__operand_shape(&step->in[0], exec);
        return YK__OK;
    }
    if (step->n_in > YK__MAX_OPERANDS || step->n_out > YK__MAX_OPERANDS) {
        return yk__fail(err, YK__UNSUPPORTED, "node \"%s\" has more operands than a step with run-time sizes may have",
                        step->node->name);
    }
    yk__inferred in[YK__MAX_OPERANDS], out[YK__MAX_OPERANDS];
    memset(out, 0, sizeof out);
    for (int32_t i = 0; i < step->n_in; i++) in[i] = facts_now(&step->in[i], exec);
    YK__TRY(yk__infer_node(step->node, in, out, err));
    for (int32_t i = 0; i < step->n_out; i++) {
        const yk__operand *operand = &step->out[i];
        if (operand->kind == YK__PLACE_NONE || !operand->dynamic) continue;
        YK__TRY(check_bound(step, operand, &out[i].shape, err));
        exec->dynamic_shapes[operand->value] = out[i].shape;
    }
    return YK__OK;
}

yk__code yk__plan_execute(const yk__specialisation *plan, yk__exec *exec, uint64_t *step_ns, yk__error *err) {
    if (yk__pool_size(exec->pool) > plan->n_threads) {
        return yk__fail(err, YK__ARGUMENT, "a pool of %d threads on a plan made for %d", yk__pool_size(exec->pool),
                        plan->n_threads);
    }
    uint64_t before = step_ns ? yk__now_ns() : 0;
    for (int32_t i = 0; i < plan->n_steps; i++) {
        const yk__step *step = &plan->steps[i];
        if (plan->dynamic && has_dynamic(step)) YK__TRY(infer_step(step, exec, err));
        YK__TRY(step->run(step, exec, err));
        if (step_ns) {
            uint64_t after = yk__now_ns();
            step_ns[i] = after - before;
            before = after;
        }
    }
    return YK__OK;
}
