/* From choices to drafts of steps on tensors: each value in each form it is needed in, changes of form made once, parts of
 * concats and splits as tensors that lie inside others. */
#include <string.h>

#include "plan/plan_stages.h"

static int32_t new_tensor(yk__planner *planner, const yk__plan_tensor *tensor) {
    if (planner->n_tensors == planner->tensors_capacity) {
        int32_t capacity = planner->tensors_capacity ? planner->tensors_capacity * 2 : 256;
        yk__plan_tensor *grown = yk__arena_array(&planner->scratch, (size_t)capacity, sizeof *grown);
        if (!grown) return -1;
        if (planner->n_tensors) memcpy(grown, planner->tensors, (size_t)planner->n_tensors * sizeof *grown);
        planner->tensors = grown;
        planner->tensors_capacity = capacity;
    }
    planner->tensors[planner->n_tensors] = *tensor;
    return planner->n_tensors++;
}

static int32_t add_tensor(yk__planner *planner, int32_t value, yk__form form, yk__place_kind kind) {
    const yk__inferred *facts = &planner->plan->inferred[value];
    return new_tensor(planner, &(yk__plan_tensor){.value = value,
                                                  .form = form,
                                                  .dtype = facts->dtype,
                                                  .shape = facts->shape,
                                                  .dynamic = facts->dynamic,
                                                  .kind = kind,
                                                  .constant = facts->data,
                                                  .parent = -1});
}

int32_t yk__plan_add_tensor(yk__planner *planner, yk__dtype dtype, const yk__shape *shape) {
    return new_tensor(planner, &(yk__plan_tensor){.value = YK__NO_VALUE,
                                                  .form = YK__FORM_PLAIN,
                                                  .dtype = dtype,
                                                  .shape = *shape,
                                                  .kind = YK__PLACE_MEMORY,
                                                  .parent = -1});
}

yk__draft *yk__plan_add_draft(yk__planner *planner, int32_t n_in, int32_t n_out) {
    if (planner->n_drafts == planner->drafts_capacity) {
        int32_t capacity = planner->drafts_capacity ? planner->drafts_capacity * 2 : 256;
        yk__draft *grown = yk__arena_array(&planner->scratch, (size_t)capacity, sizeof *grown);
        if (!grown) return NULL;
        if (planner->n_drafts) memcpy(grown, planner->drafts, (size_t)planner->n_drafts * sizeof *grown);
        planner->drafts = grown;
        planner->drafts_capacity = capacity;
    }
    int32_t *operands = yk__arena_array(&planner->scratch, (size_t)n_in + (size_t)n_out + 1, sizeof *operands);
    if (!operands) return NULL;
    yk__draft *draft = &planner->drafts[planner->n_drafts++];
    *draft = (yk__draft){
        .node = -1, .fused_node = -1, .tiles = -1, .n_in = n_in, .n_out = n_out, .in = operands, .out = operands + n_in};
    for (int32_t i = 0; i < n_in + n_out; i++) operands[i] = -1;
    return draft;
}

static int32_t *slot(yk__planner *planner, int32_t value, yk__form form) {
    return form == YK__FORM_BLOCKED ? &planner->blocked_of[value] : &planner->plain_of[value];
}

/* A step that brings tensor `from` into tensor `to` (same shape). */
static yk__code add_change(yk__planner *planner, int32_t from, int32_t to, bool is_part_copy, yk__error *err) {
    const yk__plan_tensor source = planner->tensors[from];
    yk__inferred facts = {.dtype = source.dtype, .shape = source.shape, .dynamic = source.dynamic};
    yk__need *need = yk__arena_alloc(&planner->scratch, sizeof *need);
    yk__draft *draft = yk__plan_add_draft(planner, 1, 1);
    if (!need || !draft) return yk__arena_error(&planner->scratch, "planning", err);
    draft->kernel = yk__plan_change_kernel(planner, &facts, source.form, planner->tensors[to].form, need, &draft->backend);
    if (!draft->kernel) {
        return yk__fail(err, YK__INTERNAL, "value \"%s\": no kernel changes its form",
                        planner->graph->values[source.value].name);
    }
    draft->need = need;
    draft->in[0] = from;
    draft->out[0] = to;
    draft->is_part_copy = is_part_copy;
    return YK__OK;
}

/* The value's tensor in this form, made by a change of form where it is only there in the other. */
static yk__code get_tensor(yk__planner *planner, int32_t value, yk__form form, int32_t *tensor, yk__error *err) {
    int32_t *place = slot(planner, value, form);
    if (*place < 0) {
        yk__form other = form == YK__FORM_PLAIN ? YK__FORM_BLOCKED : YK__FORM_PLAIN;
        int32_t from = *slot(planner, value, other);
        if (from < 0 && planner->plan->inferred[value].data) {
            from = add_tensor(planner, value, YK__FORM_PLAIN, YK__PLACE_CONSTANT);
            if (from < 0) return yk__arena_error(&planner->scratch, "planning", err);
            planner->plain_of[value] = from;
        }
        if (from < 0) {
            return yk__fail(err, YK__INTERNAL, "value \"%s\" is read before it is made", planner->graph->values[value].name);
        }
        if (*place < 0) {
            int32_t made = add_tensor(planner, value, form, YK__PLACE_MEMORY);
            if (made < 0) return yk__arena_error(&planner->scratch, "planning", err);
            *place = made;
            YK__TRY(add_change(planner, from, made, false, err));
        }
    }
    *tensor = *place;
    return YK__OK;
}

static yk__code make_tensor(yk__planner *planner, int32_t value, yk__form form, int32_t parent, int64_t channel,
                            int32_t *tensor, yk__error *err) {
    int32_t made = add_tensor(planner, value, form, YK__PLACE_MEMORY);
    if (made < 0) return yk__arena_error(&planner->scratch, "planning", err);
    planner->tensors[made].parent = parent;
    planner->tensors[made].channel = channel;
    *slot(planner, value, form) = made;
    if (tensor) *tensor = made;
    return YK__OK;
}

/* The same bytes under another shape: of a constant, of the graph's input or of memory. */
static yk__code add_alias(yk__planner *planner, const yk__node *node, yk__error *err) {
    int32_t source = -1, made = -1;
    YK__TRY(get_tensor(planner, node->in[0], YK__FORM_PLAIN, &source, err));
    YK__TRY(make_tensor(planner, node->out[0], YK__FORM_PLAIN, source, 0, &made, err));
    const yk__plan_tensor *from = &planner->tensors[source];
    if (from->kind != YK__PLACE_MEMORY) {
        planner->tensors[made].kind = from->kind;
        planner->tensors[made].input = from->input;
        planner->tensors[made].constant = from->constant;
        planner->tensors[made].parent = -1;
    }
    return YK__OK;
}

static yk__code add_parts(yk__planner *planner, int32_t index, yk__error *err) {
    const yk__node *node = &planner->graph->nodes[index];
    int32_t source = -1;
    YK__TRY(get_tensor(planner, node->in[0], YK__FORM_BLOCKED, &source, err));
    for (int32_t i = 0; i < node->n_out; i++) {
        if (node->out[i] == YK__NO_VALUE) continue;
        int64_t channel = yk__plan_part_channel(planner, index, i);
        YK__TRY(make_tensor(planner, node->out[i], YK__FORM_BLOCKED, source, channel, NULL, err));
    }
    return YK__OK;
}

/* Each part gets a place inside the result and a copy into it; plan_elide drops the copies that need not be. */
static yk__code add_concat(yk__planner *planner, const yk__node *node, yk__error *err) {
    int32_t whole = -1;
    YK__TRY(make_tensor(planner, node->out[0], YK__FORM_BLOCKED, -1, 0, &whole, err));
    int64_t channel = 0;
    for (int32_t i = 0; i < node->n_in; i++) {
        int32_t source = -1;
        YK__TRY(get_tensor(planner, node->in[i], YK__FORM_BLOCKED, &source, err));
        int32_t part = add_tensor(planner, node->in[i], YK__FORM_BLOCKED, YK__PLACE_MEMORY);
        if (part < 0) return yk__arena_error(&planner->scratch, "planning", err);
        planner->tensors[part].parent = whole;
        planner->tensors[part].channel = channel;
        channel += planner->tensors[part].shape.dim[1];
        YK__TRY(add_change(planner, source, part, true, err));
    }
    return YK__OK;
}

static void ask_halo(yk__planner *planner, int32_t tensor, int32_t halo) {
    if (planner->tensors[tensor].halo < halo) planner->tensors[tensor].halo = halo;
}

static yk__code add_node(yk__planner *planner, int32_t index, yk__error *err) {
    const yk__graph *graph = planner->graph;
    const yk__node *node = &graph->nodes[index];
    const yk__decision *decision = &planner->decisions[index];
    const yk__need *need = decision->need;
    int32_t *in = yk__arena_array(&planner->scratch, (size_t)node->n_in + 1, sizeof *in);
    if (!in) return yk__arena_error(&planner->scratch, "planning", err);
    int32_t fused = need->fuse_maker ? planner->producer[node->in[0]] : -1;
    for (int32_t i = 0; i < node->n_in; i++) {
        in[i] = -1;
        int32_t value = i == 0 && fused >= 0 ? graph->nodes[fused].in[0] : node->in[i];
        bool listed = i < YK__MAX_OPERANDS;
        if (value == YK__NO_VALUE) continue;
        if (listed && need->skip[i] && planner->plan->inferred[value].data == NULL) continue;
        yk__form form = listed && !need->skip[i] && !(i == 0 && fused >= 0) ? need->in_form[i] : YK__FORM_PLAIN;
        YK__TRY(get_tensor(planner, value, form, &in[i], err));
        if (listed && form == YK__FORM_BLOCKED) ask_halo(planner, in[i], need->in_halo[i]);
    }
    yk__draft *draft = yk__plan_add_draft(planner, node->n_in, node->n_out);
    if (!draft) return yk__arena_error(&planner->scratch, "planning", err);
    draft->node = index;
    draft->fused_node = fused;
    draft->backend = decision->backend;
    draft->kernel = decision->kernel;
    draft->need = need;
    if (node->n_in) memcpy(draft->in, in, (size_t)node->n_in * sizeof *in);
    bool fills_candidates = index == planner->head && !planner->options->dense;
    for (int32_t i = 0; i < node->n_out && !fills_candidates; i++) {
        if (node->out[i] == YK__NO_VALUE) continue;
        yk__form form = i < YK__MAX_OPERANDS ? need->out_form[i] : YK__FORM_PLAIN;
        int32_t *out = draft->out; /* the draft array may move, its operands do not */
        YK__TRY(make_tensor(planner, node->out[i], form, -1, 0, &out[i], err));
    }
    return YK__OK;
}

/* The graph's outputs in PLAIN form, kept to the end. */
static yk__code keep_outputs(yk__planner *planner, yk__error *err) {
    const yk__graph *graph = planner->graph;
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        int32_t value = graph->outputs[i], tensor;
        if (planner->head >= 0 && !planner->options->dense && planner->producer[value] == planner->head) {
            const yk__node *head = &graph->nodes[planner->head];
            if (value == head->out[0]) continue;
            YK__TRY(get_tensor(planner, head->in[head->n_in - 1], YK__FORM_PLAIN, &tensor, err));
            planner->plain_of[value] = tensor;
        } else {
            YK__TRY(get_tensor(planner, value, YK__FORM_PLAIN, &tensor, err));
        }
        planner->tensors[tensor].is_output = true;
    }
    return YK__OK;
}

yk__code yk__plan_forms(yk__planner *planner, yk__error *err) {
    const yk__graph *graph = planner->graph;
    size_t n = (size_t)graph->n_values + 1;
    planner->plain_of = yk__arena_array(&planner->scratch, n, sizeof(int32_t));
    planner->blocked_of = yk__arena_array(&planner->scratch, n, sizeof(int32_t));
    if (!planner->plain_of || !planner->blocked_of) return yk__arena_error(&planner->scratch, "planning", err);
    for (size_t i = 0; i < n; i++) planner->plain_of[i] = planner->blocked_of[i] = -1;
    for (int32_t i = 0; i < graph->n_inputs; i++) {
        int32_t tensor = add_tensor(planner, graph->inputs[i], YK__FORM_PLAIN, YK__PLACE_INPUT);
        if (tensor < 0) return yk__arena_error(&planner->scratch, "planning", err);
        planner->tensors[tensor].input = i;
        planner->plain_of[graph->inputs[i]] = tensor;
    }
    for (int32_t i = 0; i < graph->n_values; i++) {
        if (!planner->plan->inferred[i].data || planner->readers[i] == 0) continue;
        int32_t tensor = add_tensor(planner, i, YK__FORM_PLAIN, YK__PLACE_CONSTANT);
        if (tensor < 0) return yk__arena_error(&planner->scratch, "planning", err);
        planner->plain_of[i] = tensor;
    }
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const yk__decision *decision = &planner->decisions[i];
        if (!decision->live || decision->fused) continue;
        switch (decision->view) {
        case YK__VIEW_ALIAS: YK__TRY(add_alias(planner, &graph->nodes[i], err)); break;
        case YK__VIEW_PARTS: YK__TRY(add_parts(planner, i, err)); break;
        case YK__VIEW_CONCAT: YK__TRY(add_concat(planner, &graph->nodes[i], err)); break;
        case YK__VIEW_NONE: YK__TRY(add_node(planner, i, err)); break;
        }
    }
    return keep_outputs(planner, err);
}
