/* Lazy branches: where the head fills candidates, box and extra branches matter only at anchors whose scores pass.
 *
 * The steps of these branches move behind those of the class branches, with a scan step between them that says which 4x4 tiles
 * of each level can matter; their kernels leave out the rest. A 1x1 convolution needs the tiles themselves, a 3x3 one before it
 * what lies around them: going up a branch, each kernel's reach grows the set by a tile. The walk stops at the first value that
 * somebody else reads too, or at a kernel that cannot leave out tiles. Answers do not change: every tile that is computed is
 * computed as always. */
#include <string.h>

#include "plan/plan_stages.h"

typedef struct lazy {
    yk__planner *planner;
    int32_t head_draft, levels;
    int32_t *made_by, *readers; /* per tensor: draft (-1), drafts that read it */
    int8_t *grow;               /* per draft: -1, or how far its tiles reach beyond those of the head */
    int32_t *level;             /* per draft with tiles */
    int32_t most_grow;
} lazy;

static bool index_drafts(lazy *l) {
    yk__planner *planner = l->planner;
    size_t n_tensors = (size_t)planner->n_tensors + 1, n_drafts = (size_t)planner->n_drafts + 1;
    l->made_by = yk__arena_array(&planner->scratch, n_tensors, sizeof *l->made_by);
    l->readers = yk__arena_array(&planner->scratch, n_tensors, sizeof *l->readers);
    l->grow = yk__arena_array(&planner->scratch, n_drafts, sizeof *l->grow);
    l->level = yk__arena_array(&planner->scratch, n_drafts, sizeof *l->level);
    if (!l->made_by || !l->readers || !l->grow || !l->level) return false;
    for (size_t i = 0; i < n_tensors; i++) l->made_by[i] = -1;
    l->head_draft = -1;
    for (int32_t d = 0; d < planner->n_drafts; d++) {
        const yk__draft *draft = &planner->drafts[d];
        l->grow[d] = -1;
        if (draft->node == planner->head) l->head_draft = d;
        for (int32_t i = 0; i < draft->n_in; i++) {
            if (draft->in[i] >= 0) l->readers[draft->in[i]]++;
        }
        for (int32_t i = 0; i < draft->n_out; i++) {
            if (draft->out[i] >= 0) l->made_by[draft->out[i]] = d;
        }
    }
    /* parts lie in their whole: whoever reads one reads the other */
    for (int32_t t = 0; t < planner->n_tensors; t++) {
        if (planner->tensors[t].parent >= 0) l->readers[planner->tensors[t].parent]++;
    }
    return true;
}

/* Marks the makers of a branch from its end upwards. */
static void mark_branch(lazy *l, int32_t tensor, int32_t level) {
    yk__planner *planner = l->planner;
    int32_t grow = 0;
    while (tensor >= 0) {
        const yk__plan_tensor *t = &planner->tensors[tensor];
        int32_t maker = l->made_by[tensor];
        if (t->form != YK__FORM_BLOCKED || t->parent >= 0 || t->is_output || l->readers[tensor] != 1 || maker < 0) return;
        const yk__draft *draft = &planner->drafts[maker];
        if (!draft->need->by_tiles || draft->n_out != 1) return;
        l->grow[maker] = (int8_t)grow;
        l->level[maker] = level;
        if (grow > l->most_grow) l->most_grow = grow;
        if (draft->need->tile_reach > 0) grow++;
        if (grow == YK__SCAN_GROWS) return;
        tensor = draft->in[0];
    }
}

/* The outputs of the scan: scores, and a tensor of tiles per level and growth. */
static bool make_outputs(lazy *l, yk__draft *scan) {
    yk__planner *planner = l->planner;
    int64_t anchors = 0, pictures = 0;
    for (int32_t level = 0; level < l->levels; level++) {
        const int64_t *dim = planner->tensors[scan->in[level]].shape.dim;
        pictures = dim[0];
        anchors += dim[2] * dim[3];
        yk__shape tiles = {.rank = 3, .dim = {dim[0], (dim[2] + 3) / 4, (dim[3] + 3) / 4}};
        for (int32_t grow = 0; grow <= l->most_grow; grow++) {
            int32_t made = yk__plan_add_tensor(planner, YK__DTYPE_U8, &tiles);
            if (made < 0) return false;
            scan->out[1 + grow * l->levels + level] = made;
        }
    }
    yk__shape scores = {.rank = 2, .dim = {pictures, anchors}};
    scan->out[0] = yk__plan_add_tensor(planner, YK__DTYPE_F32, &scores);
    return scan->out[0] >= 0;
}

static bool ask_scan(const lazy *l, const yk__kernel *kernel, yk__need *need) {
    const yk__planner *planner = l->planner;
    const yk__node *head = &planner->graph->nodes[planner->head];
    yk__inferred facts[YK__MAX_OPERANDS];
    yk__form forms[YK__MAX_OPERANDS];
    for (int32_t i = 0; i < head->n_in; i++) {
        facts[i] = yk__plan_facts(planner, head->in[i]);
        forms[i] = YK__FORM_BLOCKED;
    }
    yk__query query = {.graph = planner->graph,
                       .node = head,
                       .node_index = planner->head,
                       .in = facts,
                       .out = facts,
                       .in_form = forms,
                       .n_threads = planner->options->n_threads,
                       .block = planner->block};
    return kernel->accept(kernel, &query, need);
}

/* A scan draft at the end of the array; the head gets its scores behind its own inputs. */
static yk__draft *add_scan(lazy *l, const yk__kernel *kernel, const yk__need *need) {
    yk__planner *planner = l->planner;
    yk__draft *scan = yk__plan_add_draft(planner, l->levels, 1 + (l->most_grow + 1) * l->levels);
    if (!scan) return NULL;
    yk__draft *head = &planner->drafts[l->head_draft];
    scan->node = planner->head;
    scan->backend = head->backend;
    scan->kernel = kernel;
    scan->need = need;
    for (int32_t i = 0; i < l->levels; i++) scan->in[i] = head->in[l->levels + i];
    int32_t *in = yk__arena_array(&planner->scratch, (size_t)head->n_in + 1, sizeof *in);
    if (!in || !make_outputs(l, scan)) return NULL;
    memcpy(in, head->in, (size_t)head->n_in * sizeof *in);
    in[head->n_in] = scan->out[0];
    head->in = in;
    head->n_in++;
    return scan;
}

/* The scan and the marked drafts move to just before the head. */
static bool reorder(lazy *l) {
    yk__planner *planner = l->planner;
    int32_t n = planner->n_drafts, at = 0;
    yk__draft *sorted = yk__arena_array(&planner->scratch, (size_t)n, sizeof *sorted);
    if (!sorted) return false;
    for (int32_t d = 0; d < n - 1; d++) {
        if (l->grow[d] >= 0) continue;
        if (d == l->head_draft) {
            sorted[at++] = planner->drafts[n - 1];
            for (int32_t k = 0; k < d; k++) {
                if (l->grow[k] < 0) continue;
                sorted[at] = planner->drafts[k];
                sorted[at++].tiles = planner->drafts[n - 1].out[1 + l->grow[k] * l->levels + l->level[k]];
            }
        }
        sorted[at++] = planner->drafts[d];
    }
    memcpy(planner->drafts, sorted, (size_t)n * sizeof *sorted);
    return true;
}

yk__code yk__plan_lazy(yk__planner *planner, yk__error *err) {
    const yk__plan_options *options = planner->options;
    if (planner->head < 0 || options->dense || options->keep_all || options->eager) return YK__OK;
    const yk__node *head = &planner->graph->nodes[planner->head];
    const yk__decision *decision = &planner->decisions[planner->head];
    lazy l = {.planner = planner, .levels = (int32_t)yk__node_int(head, "levels", 0)};
    if (!decision->backend->scan || head->n_in > YK__MAX_OPERANDS || l.levels < 1 || 2 * l.levels > head->n_in) return YK__OK;
    if (1 + YK__SCAN_GROWS * l.levels > YK__MAX_OPERANDS) return YK__OK;
    if (!index_drafts(&l)) return yk__arena_error(&planner->scratch, "planning", err);
    yk__need *need = yk__arena_alloc(&planner->scratch, sizeof *need);
    if (!need) return yk__arena_error(&planner->scratch, "planning", err);
    if (l.head_draft < 0 || !ask_scan(&l, decision->backend->scan, need)) return YK__OK;
    const yk__draft *draft = &planner->drafts[l.head_draft];
    int32_t n_branches = yk__node_int(head, "extra", 0) > 0 ? 3 : 2;
    for (int32_t i = 0; i < n_branches * l.levels && i < draft->n_in; i++) {
        if (i / l.levels != 1) mark_branch(&l, draft->in[i], i % l.levels); /* 0 boxes, 1 classes, 2 extras */
    }
    if (!add_scan(&l, decision->backend->scan, need) || !reorder(&l)) {
        return yk__arena_error(&planner->scratch, "planning", err);
    }
    return YK__OK;
}
