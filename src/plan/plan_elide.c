/* Concat and split as addressing: parts are made where the whole lies, so that nothing is copied.
 *
 * A C2f block, for example: cv1 writes [a b], a split gives a and b, bottlenecks give m1 .. mn, a concat takes [a b m1 .. mn].
 * a and b are channel ranges of cv1's output, so the whole output moves into the concat's buffer at channel 0, and each m is
 * made at its own channel: no step is left of split and concat. Where a value is wanted in two concats, or where moving it
 * would put something else of it over another part, its copy stays. */
#include "plan/plan_stages.h"

/* What BLOCKED can hold. */
static bool is_map(const yk__inferred *facts) {
    return (facts->dtype == YK__DTYPE_F32 || facts->dtype == YK__DTYPE_BF16) && facts->shape.rank == 4 && !facts->dynamic;
}

static bool is_channel_axis(int64_t axis) {
    return axis == 1 || axis == -3;
}

/* Start and end channel of a Slice that takes a run of channels and nothing else. */
static bool slice_range(const yk__planner *planner, const yk__node *node, int64_t *start) {
    const yk__inferred *inferred = planner->plan->inferred;
    yk__inferred in = inferred[node->in[0]], out = inferred[node->out[0]];
    if (!is_map(&in) || !is_map(&out)) return false;
    for (int d = 0; d < 4; d++) {
        if (d != 1 && in.shape.dim[d] != out.shape.dim[d]) return false;
    }
    int64_t n_axes = 0;
    yk__inferred starts = inferred[node->in[1]];
    yk__inferred axes = node->n_in > 3 ? yk__plan_facts(planner, node->in[3]) : (yk__inferred){0};
    yk__inferred steps = node->n_in > 4 ? yk__plan_facts(planner, node->in[4]) : (yk__inferred){0};
    if (!starts.data || !yk__shape_count(&starts.shape, &n_axes) || n_axes != 1) return false;
    if (starts.dtype != YK__DTYPE_I64 || axes.dtype != YK__DTYPE_I64 || !axes.data) return false;
    if (!is_channel_axis(*(const int64_t *)axes.data)) return false;
    if (steps.dtype != YK__DTYPE_NONE) {
        if (steps.dtype != YK__DTYPE_I64 || !steps.data || *(const int64_t *)steps.data != 1) return false;
    }
    int64_t first = *(const int64_t *)starts.data;
    if (first < 0) first += in.shape.dim[1];
    if (first < 0 || first + out.shape.dim[1] > in.shape.dim[1]) return false;
    *start = first;
    return true;
}

int64_t yk__plan_part_channel(const yk__planner *planner, int32_t index, int32_t i) {
    const yk__node *node = &planner->graph->nodes[index];
    int64_t channel = 0;
    if (node->op == YK__OP_SLICE) return slice_range(planner, node, &channel) ? channel : 0;
    for (int32_t k = 0; k < i; k++) channel += planner->plan->inferred[node->out[k]].shape.dim[1];
    return channel;
}

static bool has_form(const uint8_t *forms, int32_t value, yk__form form) {
    return forms[value] & (1u << form);
}

/* Parts begin at whole blocks, and none but the last ends inside one. */
static bool parts_fit(const yk__planner *planner, int32_t index, const uint8_t *forms) {
    const yk__node *node = &planner->graph->nodes[index];
    const yk__inferred *inferred = planner->plan->inferred;
    if (!has_form(forms, node->in[0], YK__FORM_BLOCKED) || !is_map(&inferred[node->in[0]])) return false;
    if (node->op == YK__OP_IDENTITY) return true;
    int64_t start, whole = inferred[node->in[0]].shape.dim[1];
    if (node->op == YK__OP_SLICE) {
        if (!slice_range(planner, node, &start)) return false;
        int64_t end = start + inferred[node->out[0]].shape.dim[1];
        return start % planner->block == 0 && (end % planner->block == 0 || end == whole);
    }
    if (!is_channel_axis(yk__node_int(node, "axis", 0))) return false;
    for (int32_t i = 0; i < node->n_out; i++) {
        if (node->out[i] == YK__NO_VALUE || !is_map(&inferred[node->out[i]])) return false;
        if (yk__plan_part_channel(planner, index, i) % planner->block != 0) return false;
    }
    return true;
}

static bool concat_fits(const yk__planner *planner, const yk__node *node, const uint8_t *forms) {
    const yk__inferred *inferred = planner->plan->inferred;
    if (!is_channel_axis(yk__node_int(node, "axis", 0)) || !is_map(&inferred[node->out[0]])) return false;
    int64_t channel = 0, blocked = 0;
    for (int32_t i = 0; i < node->n_in; i++) {
        if (node->in[i] == YK__NO_VALUE || !is_map(&inferred[node->in[i]]) || channel % planner->block != 0) return false;
        int64_t channels = inferred[node->in[i]].shape.dim[1];
        if (has_form(forms, node->in[i], YK__FORM_BLOCKED)) blocked += channels;
        channel += channels;
    }
    return blocked * 2 >= channel; /* otherwise bringing the parts into BLOCKED form costs more than it saves */
}

yk__view yk__plan_view(const yk__planner *planner, int32_t index, const uint8_t *forms) {
    const yk__node *node = &planner->graph->nodes[index];
    const yk__inferred *inferred = planner->plan->inferred;
    bool elide = planner->block > 1 && !planner->options->no_elide && !planner->options->keep_all;
    switch (node->op) {
    case YK__OP_SPLIT:
    case YK__OP_SLICE: return elide && parts_fit(planner, index, forms) ? YK__VIEW_PARTS : YK__VIEW_NONE;
    case YK__OP_CONCAT: return elide && concat_fits(planner, node, forms) ? YK__VIEW_CONCAT : YK__VIEW_NONE;
    case YK__OP_IDENTITY:
        if (elide && parts_fit(planner, index, forms)) return YK__VIEW_PARTS;
        break;
    case YK__OP_RESHAPE:
    case YK__OP_FLATTEN:
    case YK__OP_SQUEEZE:
    case YK__OP_UNSQUEEZE: break;
    case YK__OP_CAST:
        if (inferred[node->in[0]].dtype == inferred[node->out[0]].dtype) break;
        return YK__VIEW_NONE;
    default: return YK__VIEW_NONE;
    }
    return inferred[node->in[0]].dynamic || inferred[node->out[0]].dynamic ? YK__VIEW_NONE : YK__VIEW_ALIAS;
}

int32_t yk__plan_root(const yk__planner *planner, int32_t t, int64_t *channel) {
    int64_t sum = 0;
    while (planner->tensors[t].parent >= 0) {
        sum += planner->tensors[t].channel;
        t = planner->tensors[t].parent;
    }
    if (channel) *channel = sum;
    return t;
}

/* Where the source of a part lies: its root and its channel there. */
typedef struct part_source {
    int32_t root;
    int64_t channel;
} part_source;

static part_source source_of(const yk__planner *planner, const yk__draft *copy) {
    part_source source;
    source.root = yk__plan_root(planner, copy->in[0], &source.channel);
    return source;
}

/* Whether the root of this copy's source may move into the concat: it has memory of its own, it fits, and each part of the
 * concat that it would cover is that very part of it. */
static bool may_move(const yk__planner *planner, int32_t first_copy, int32_t last_copy, int32_t this_copy, int64_t *at) {
    const yk__draft *copy = &planner->drafts[this_copy];
    const yk__plan_tensor *part = &planner->tensors[copy->out[0]];
    part_source source = source_of(planner, copy);
    const yk__plan_tensor *root = &planner->tensors[source.root];
    const yk__plan_tensor *whole = &planner->tensors[part->parent];
    if (root->form != YK__FORM_BLOCKED || root->kind != YK__PLACE_MEMORY || root->is_output) return false;
    if (source.root == yk__plan_root(planner, part->parent, NULL)) return false;
    *at = part->channel - source.channel;
    int64_t end = *at + root->shape.dim[1];
    if (*at < 0 || end > whole->shape.dim[1]) return false;
    int64_t covered = 0;
    for (int32_t i = first_copy; i <= last_copy; i++) {
        const yk__draft *other = &planner->drafts[i];
        if (!other->is_part_copy || planner->tensors[other->out[0]].parent != part->parent) continue;
        const yk__plan_tensor *place = &planner->tensors[other->out[0]];
        if (place->channel + place->shape.dim[1] <= *at || place->channel >= end) continue;
        part_source its = source_of(planner, other);
        if (its.root != source.root || place->channel - its.channel != *at) return false;
        covered += place->shape.dim[1];
    }
    return covered == root->shape.dim[1];
}

/* One concat: drafts first .. last are its part copies (changes of form may lie between them). */
static void elide_concat(yk__planner *planner, int32_t first, int32_t last) {
    int32_t whole = planner->tensors[planner->drafts[first].out[0]].parent;
    for (int32_t i = first; i <= last; i++) {
        yk__draft *copy = &planner->drafts[i];
        if (!copy->is_part_copy || copy->dropped) continue;
        int64_t at;
        if (!may_move(planner, first, last, i, &at)) continue;
        int32_t root = source_of(planner, copy).root;
        for (int32_t k = first; k <= last; k++) {
            yk__draft *other = &planner->drafts[k];
            if (other->is_part_copy && source_of(planner, other).root == root &&
                planner->tensors[other->out[0]].channel - source_of(planner, other).channel == at) {
                other->dropped = true;
            }
        }
        planner->tensors[root].parent = whole;
        planner->tensors[root].channel = at;
    }
}

void yk__plan_elide(yk__planner *planner) {
    for (int32_t i = 0; i < planner->n_drafts; i++) {
        if (!planner->drafts[i].is_part_copy) continue;
        int32_t whole = planner->tensors[planner->drafts[i].out[0]].parent, last = i;
        for (int32_t k = i; k < planner->n_drafts; k++) {
            const yk__draft *draft = &planner->drafts[k];
            if (draft->is_part_copy) {
                if (planner->tensors[draft->out[0]].parent != whole) break;
                last = k;
            } else if (draft->node >= 0) {
                break;
            }
        }
        elide_concat(planner, i, last);
        i = last;
    }
    /* a family shares one set of strides: the root's halo is the largest that any member's reader asks for */
    for (int32_t t = 0; t < planner->n_tensors; t++) {
        yk__plan_tensor *root = &planner->tensors[yk__plan_root(planner, t, NULL)];
        if (root->halo < planner->tensors[t].halo) root->halo = planner->tensors[t].halo;
    }
}
