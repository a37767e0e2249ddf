/* A kernel for each node: every kernel of a backend is asked, the cheapest that accepts wins (ties: the first), the next
 * backend is asked where none does; recorded choices go first. Nothing is timed, and nothing here depends on the batch or on
 * the number of threads. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plan/plan_stages.h"

#define FORM_BIT(form) ((uint8_t)(1u << (form)))

yk__inferred yk__plan_facts(const yk__planner *planner, int32_t value) {
    if (value == YK__NO_VALUE) return (yk__inferred){.dtype = YK__DTYPE_NONE};
    return planner->plan->inferred[value];
}

const yk__kernel *yk__plan_change_kernel(const yk__planner *planner, const yk__inferred *value, yk__form from, yk__form to,
                                         yk__need *need, const yk__backend **backend) {
    yk__query query = {.graph = planner->graph,
                       .node_index = -1,
                       .change_to = to,
                       .in = value,
                       .out = value,
                       .in_form = &from,
                       .n_threads = planner->options->n_threads,
                       .block = planner->block};
    for (int32_t b = 0; b < planner->options->n_backends; b++) {
        const yk__backend *candidate = planner->options->backends[b];
        for (int32_t k = 0; k < candidate->n_kernels; k++) {
            const yk__kernel *kernel = candidate->kernels[k];
            if (kernel->op != YK__OP_NONE) continue;
            memset(need, 0, sizeof *need);
            if (!kernel->accept(kernel, &query, need)) continue;
            *backend = candidate;
            return kernel;
        }
    }
    return NULL;
}

/* What it costs to bring the node's inputs into the forms a kernel asks for; infinite where that is impossible. */
static double change_cost(const yk__planner *planner, const yk__node *node, const yk__need *need, const uint8_t *forms) {
    double cost = 0;
    for (int32_t i = 0; i < node->n_in && i < YK__MAX_OPERANDS; i++) {
        int32_t value = node->in[i];
        if (value == YK__NO_VALUE || need->skip[i] || (i == 0 && need->fuse_maker)) continue;
        if (forms[value] & FORM_BIT(need->in_form[i])) continue;
        yk__need change;
        const yk__backend *backend;
        yk__inferred facts = yk__plan_facts(planner, value);
        yk__form from = need->in_form[i] == YK__FORM_PLAIN ? YK__FORM_BLOCKED : YK__FORM_PLAIN;
        if (!yk__plan_change_kernel(planner, &facts, from, need->in_form[i], &change, &backend)) return HUGE_VAL;
        cost += change.cost_ns;
    }
    return cost;
}

static const char *recorded_choice(const yk__planner *planner, const yk__node *node) {
    for (int32_t i = 0; i < planner->options->n_choices; i++) {
        if (strcmp(planner->options->choices[i].node, node->name) == 0) return planner->options->choices[i].kernel;
    }
    return NULL;
}

static yk__code refuse(const yk__planner *planner, const yk__node *node, yk__error *err) {
    char shapes[512] = "";
    size_t length = 0;
    for (int32_t i = 0; i < node->n_in && length + 160 < sizeof shapes; i++) {
        yk__inferred facts = yk__plan_facts(planner, node->in[i]);
        char text[128];
        int n = snprintf(shapes + length, sizeof shapes - length, "%s%s %s", i ? ", " : "", yk__dtype_name(facts.dtype),
                         facts.dtype == YK__DTYPE_NONE ? "absent" : yk__shape_text(&facts.shape, text));
        length += n > 0 ? (size_t)n : 0;
    }
    return yk__fail(err, YK__UNSUPPORTED,
                    "node \"%s\": no backend here runs %s on (%s); docs/operators.md lists what is supported", node->name,
                    yk__op_info_get(node->op)->name, shapes);
}

/* The maker of input 0, where this node may take over its work: nobody else reads it. */
static const yk__node *fusable_maker(const yk__planner *planner, const yk__node *node) {
    if (planner->options->keep_all || node->n_in == 0 || node->in[0] == YK__NO_VALUE) return NULL;
    int32_t maker = planner->producer[node->in[0]];
    if (maker < 0 || planner->readers[node->in[0]] != 1) return NULL;
    const yk__decision *decision = &planner->decisions[maker];
    return decision->live && decision->kernel ? &planner->graph->nodes[maker] : NULL;
}

static yk__code choose(yk__planner *planner, int32_t index, const uint8_t *forms, yk__error *err) {
    const yk__graph *graph = planner->graph;
    const yk__node *node = &graph->nodes[index];
    size_t n_in = (size_t)node->n_in, n_out = (size_t)node->n_out;
    yk__inferred *facts = yk__arena_array(&planner->scratch, n_in + n_out + 1, sizeof *facts);
    yk__form *in_form = yk__arena_array(&planner->scratch, n_in + 1, sizeof *in_form);
    yk__need *best = yk__arena_alloc(&planner->scratch, sizeof *best);
    if (!facts || !in_form || !best) return yk__arena_error(&planner->scratch, "planning", err);
    for (size_t i = 0; i < n_in; i++) {
        facts[i] = yk__plan_facts(planner, node->in[i]);
        bool blocked = node->in[i] != YK__NO_VALUE && (forms[node->in[i]] & FORM_BIT(YK__FORM_BLOCKED));
        in_form[i] = blocked ? YK__FORM_BLOCKED : YK__FORM_PLAIN;
    }
    for (size_t i = 0; i < n_out; i++) facts[n_in + i] = yk__plan_facts(planner, node->out[i]);

    const yk__node *maker = fusable_maker(planner, node);
    yk__inferred maker_in = maker ? yk__plan_facts(planner, maker->in[0]) : (yk__inferred){0};
    yk__query query = {.graph = graph,
                       .node = node,
                       .node_index = index,
                       .maker = maker,
                       .maker_in = &maker_in,
                       .in = facts,
                       .out = facts + n_in,
                       .in_form = in_form,
                       .n_threads = planner->options->n_threads,
                       .block = planner->block,
                       .dense = planner->options->dense};
    double maker_cost = maker ? planner->decisions[planner->producer[node->in[0]]].need->cost_ns : 0;
    const char *recorded = recorded_choice(planner, node);
    yk__decision *decision = &planner->decisions[index];
    double best_cost = HUGE_VAL;
    bool best_recorded = false;
    for (int32_t b = 0; b < planner->options->n_backends; b++) {
        /* Later backends (ref) only take what nobody before them can: their estimates are of whole batches, and a choice that
         * hangs on the batch would round its pictures differently. */
        if (decision->kernel && !recorded) break;
        const yk__backend *backend = planner->options->backends[b];
        for (int32_t k = 0; k < backend->n_kernels; k++) {
            const yk__kernel *kernel = backend->kernels[k];
            if (kernel->op != node->op) continue;
            yk__need need = {0};
            if (!kernel->accept(kernel, &query, &need)) continue;
            bool is_recorded = recorded && strcmp(recorded, kernel->name) == 0;
            double cost = need.cost_ns > 0 ? need.cost_ns : 1e300;
            cost += change_cost(planner, node, &need, forms) + (need.fuse_maker ? 0 : maker_cost);
            if (cost == HUGE_VAL || (best_recorded && !is_recorded)) continue;
            if (decision->kernel && cost >= best_cost && !(is_recorded && !best_recorded)) continue;
            decision->backend = backend;
            decision->kernel = kernel;
            *best = need;
            best_cost = cost;
            best_recorded = is_recorded;
        }
    }
    decision->need = best;
    if (!decision->kernel) return refuse(planner, node, err);
    if (best->fuse_maker) planner->decisions[planner->producer[node->in[0]]].fused = true;
    return YK__OK;
}

/* After the choice: the forms that the node's inputs and outputs are at hand in. */
static void note_forms(const yk__planner *planner, int32_t index, uint8_t *forms) {
    const yk__node *node = &planner->graph->nodes[index];
    const yk__decision *decision = &planner->decisions[index];
    const yk__need *need = decision->need;
    bool blocked_view = decision->view == YK__VIEW_PARTS || decision->view == YK__VIEW_CONCAT;
    for (int32_t i = 0; i < node->n_in; i++) {
        if (node->in[i] == YK__NO_VALUE || (need && i < YK__MAX_OPERANDS && need->skip[i])) continue;
        yk__form form = need ? (i < YK__MAX_OPERANDS ? need->in_form[i] : YK__FORM_PLAIN)
                             : (blocked_view ? YK__FORM_BLOCKED : YK__FORM_PLAIN);
        if (planner->plan->inferred[node->in[i]].data == NULL) forms[node->in[i]] |= FORM_BIT(form);
    }
    for (int32_t i = 0; i < node->n_out; i++) {
        if (node->out[i] == YK__NO_VALUE) continue;
        yk__form form = need ? (i < YK__MAX_OPERANDS ? need->out_form[i] : YK__FORM_PLAIN)
                             : (blocked_view ? YK__FORM_BLOCKED : YK__FORM_PLAIN);
        forms[node->out[i]] |= FORM_BIT(form);
    }
}

yk__code yk__plan_choose(yk__planner *planner, yk__error *err) {
    const yk__graph *graph = planner->graph;
    uint8_t *forms = yk__arena_array(&planner->scratch, (size_t)graph->n_values + 1, 1);
    if (!forms) return yk__arena_error(&planner->scratch, "planning", err);
    for (int32_t i = 0; i < graph->n_values; i++) {
        if (planner->plan->inferred[i].data) forms[i] = FORM_BIT(YK__FORM_PLAIN);
    }
    for (int32_t i = 0; i < graph->n_inputs; i++) forms[graph->inputs[i]] = FORM_BIT(YK__FORM_PLAIN);
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        yk__decision *decision = &planner->decisions[i];
        if (!decision->live) continue;
        decision->view = yk__plan_view(planner, i, forms);
        if (decision->view == YK__VIEW_NONE) YK__TRY(choose(planner, i, forms, err));
        note_forms(planner, i, forms);
    }
    return YK__OK;
}
