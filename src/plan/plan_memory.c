/* Where everything lies: strides, lifetimes in steps, and offsets in one block of memory.
 *
 * Largest first, each at the smallest gap that fits among those alive at the same time (greedy best fit by size). Nothing
 * needs to be zero beforehand: whoever writes a tensor writes its halo and its padded lanes too. */
#include <stdlib.h>
#include <string.h>

#include "plan/plan_stages.h"

/* A stretch of memory taken from one step to another: a root tensor, or the scratch. */
typedef struct stretch {
    size_t bytes, *offset;
    size_t at;
    int32_t first, last;
} stretch;

/* L1 holds 64 lines per way. Channel blocks a multiple of 64 lines apart would all compete for the same sets when a 1x1
 * convolution reads one pixel run of every block, so block strides near such a multiple get this many lines more: a run of
 * 12 pixels (the widest tile) of each of five consecutive blocks then lies in sets of its own. */
#define SETS_PER_WAY   64
#define STRIDE_PADDING 12

/* bf16: pixel by pixel, all of a pixel's channel blocks side by side. */
static yk__code lay_out_pixels(yk__plan_tensor *t, int32_t block, yk__error *err) {
    const int64_t *dim = t->shape.dim;
    int64_t blocks = (dim[1] + block - 1) / block, rows, pixels, pixel, row, image, all;
    bool fits = yk__add_i64(dim[2], 2 * (int64_t)t->halo, &rows) && yk__add_i64(dim[3], 2 * (int64_t)t->halo, &pixels) &&
                yk__mul_i64(blocks, block, &pixel) && yk__mul_i64(pixels, pixel, &row) && yk__mul_i64(rows, row, &image) &&
                yk__mul_i64(image, dim[0], &all) && all < INT64_MAX / 8;
    if (!fits) return yk__fail(err, YK__LIMIT, "a tensor of this network is too large to plan");
    t->block_stride = block;
    t->pixel_stride = pixel;
    t->row_stride = row;
    t->image_stride = image;
    t->bytes = (size_t)all * yk__dtype_size(t->dtype);
    return YK__OK;
}

static yk__code lay_out_blocked(yk__plan_tensor *t, int32_t block, yk__error *err) {
    const int64_t *dim = t->shape.dim;
    int64_t blocks = (dim[1] + block - 1) / block, rows, pixels, row, plane, image, all;
    bool fits = yk__add_i64(dim[2], 2 * (int64_t)t->halo, &rows) && yk__add_i64(dim[3], 2 * (int64_t)t->halo, &pixels) &&
                yk__mul_i64(pixels, block, &row) && yk__mul_i64(rows, row, &plane) &&
                yk__add_i64(plane, (int64_t)SETS_PER_WAY * 16, &plane) && yk__mul_i64(plane, blocks, &image) &&
                yk__mul_i64(image, dim[0], &all) && all < INT64_MAX / 8;
    if (!fits) return yk__fail(err, YK__LIMIT, "a tensor of this network is too large to plan");
    plane = rows * row;
    int64_t floats_per_line = YK__CACHE_LINE / (int64_t)sizeof(float);
    plane = (plane + floats_per_line - 1) / floats_per_line * floats_per_line;
    int64_t in_sets = plane / floats_per_line % SETS_PER_WAY;
    if (blocks > 1 && in_sets < STRIDE_PADDING) plane += (STRIDE_PADDING - in_sets) * floats_per_line;
    t->pixel_stride = block;
    t->row_stride = row;
    t->block_stride = plane;
    t->image_stride = plane * blocks;
    t->bytes = (size_t)(t->image_stride * dim[0]) * sizeof(float);
    return YK__OK;
}

static yk__code lay_out(yk__planner *planner, yk__plan_tensor *t, yk__error *err) {
    if (t->form == YK__FORM_BLOCKED && t->dtype == YK__DTYPE_BF16) return lay_out_pixels(t, planner->block, err);
    if (t->form == YK__FORM_BLOCKED) return lay_out_blocked(t, planner->block, err);
    if (!yk__tensor_bytes(t->dtype, &t->shape, &t->bytes) || t->bytes > SIZE_MAX / 4) {
        char text[128];
        return yk__fail(err, YK__LIMIT, "value \"%s\" of shape %s is too large to plan",
                        t->value >= 0 ? planner->graph->values[t->value].name : "", yk__shape_text(&t->shape, text));
    }
    return YK__OK;
}

static void extend(yk__plan_tensor *root, int32_t first, int32_t last) {
    if (root->first < 0 || first < root->first) root->first = first;
    if (last > root->last) root->last = last;
}

static void find_lifetimes(yk__planner *planner) {
    for (int32_t t = 0; t < planner->n_tensors; t++) planner->tensors[t].first = planner->tensors[t].last = -1;
    for (int32_t s = 0; s < planner->n_drafts; s++) {
        const yk__draft *draft = &planner->drafts[s];
        if (draft->dropped) continue;
        for (int32_t i = 0; i < draft->n_in + draft->n_out; i++) {
            int32_t t = i < draft->n_in ? draft->in[i] : draft->out[i - draft->n_in];
            if (t >= 0) extend(&planner->tensors[yk__plan_root(planner, t, NULL)], s, s);
        }
        if (draft->tiles >= 0) extend(&planner->tensors[draft->tiles], s, s);
    }
    for (int32_t t = 0; t < planner->n_tensors; t++) {
        yk__plan_tensor *root = &planner->tensors[yk__plan_root(planner, t, NULL)];
        if (planner->tensors[t].is_output) root->last = planner->n_drafts;
        if (planner->options->keep_all && root->first >= 0) {
            root->first = 0;
            root->last = planner->n_drafts;
        }
    }
}

/* Whether step s may write its first output over its first input: nobody reads the input's memory afterwards. */
static bool may_overwrite(const yk__planner *planner, int32_t s) {
    const yk__draft *draft = &planner->drafts[s];
    if (draft->dropped || !draft->need->in_place || planner->options->keep_all || draft->n_in == 0 || draft->n_out == 0)
        return false;
    int32_t in = draft->in[0], out = draft->out[0];
    if (in < 0 || out < 0 || planner->tensors[out].parent >= 0) return false;
    int64_t channel;
    int32_t in_root = yk__plan_root(planner, in, &channel);
    const yk__plan_tensor *from = &planner->tensors[in_root], *to = &planner->tensors[out];
    if (from->kind != YK__PLACE_MEMORY || from->last != s || channel != 0 || from->form != to->form) return false;
    if (from->dtype != to->dtype || !yk__shape_equal(&from->shape, &to->shape)) return false;
    for (int32_t i = 1; i < draft->n_in; i++) {
        /* a second operand elsewhere in the same memory would be overwritten before it is read */
        if (draft->in[i] >= 0 && draft->in[i] != in && yk__plan_root(planner, draft->in[i], NULL) == in_root) return false;
    }
    return true;
}

static void merge_in_place(yk__planner *planner) {
    for (int32_t s = 0; s < planner->n_drafts; s++) {
        if (!may_overwrite(planner, s)) continue;
        int32_t from = yk__plan_root(planner, planner->drafts[s].in[0], NULL), to = planner->drafts[s].out[0];
        yk__plan_tensor *root = &planner->tensors[from], *out = &planner->tensors[to];
        if (out->last > root->last) root->last = out->last;
        if (out->halo > root->halo) root->halo = out->halo;
        out->parent = from;
        out->channel = 0;
    }
}

static int by_size(const void *a, const void *b) {
    const stretch *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return x->last < y->last ? -1 : x->last > y->last;
}

static int by_offset(const void *a, const void *b) {
    const stretch *x = *(stretch *const *)a, *y = *(stretch *const *)b;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* The smallest gap that fits among the stretches placed so far that are alive at the same time; else behind them all. */
static size_t best_gap(const stretch *wanted, stretch **alive, size_t n_alive) {
    qsort(alive, n_alive, sizeof *alive, by_offset);
    size_t end = 0, best = SIZE_MAX, best_size = SIZE_MAX;
    for (size_t i = 0; i < n_alive; i++) {
        if (alive[i]->at > end) {
            size_t gap = alive[i]->at - end;
            if (gap >= wanted->bytes && gap < best_size) {
                best = end;
                best_size = gap;
            }
        }
        if (alive[i]->at + alive[i]->bytes > end) end = alive[i]->at + alive[i]->bytes;
    }
    return best != SIZE_MAX ? best : end;
}

static yk__code place(yk__planner *planner, stretch *all, size_t n, yk__error *err) {
    stretch **alive = yk__arena_array(&planner->scratch, n + 1, sizeof *alive);
    if (!alive) return yk__arena_error(&planner->scratch, "planning", err);
    qsort(all, n, sizeof *all, by_size);
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        size_t n_alive = 0;
        for (size_t k = 0; k < i; k++) {
            if (all[k].first <= all[i].last && all[i].first <= all[k].last) alive[n_alive++] = &all[k];
        }
        all[i].at = best_gap(&all[i], alive, n_alive);
        *all[i].offset = all[i].at;
        size_t end;
        if (!yk__add_size(all[i].at, all[i].bytes, &end) || end > SIZE_MAX / 2) {
            return yk__fail(err, YK__LIMIT, "this network needs more memory than can be addressed");
        }
        if (end > total) total = end;
    }
    planner->plan->memory_bytes = total;
    planner->plan->zeroed_bytes = 0;
    return YK__OK;
}

yk__code yk__plan_memory(yk__planner *planner, yk__error *err) {
    find_lifetimes(planner);
    merge_in_place(planner);
    size_t n = 0, capacity = (size_t)planner->n_tensors + (size_t)planner->n_drafts + 1;
    stretch *all = yk__arena_array(&planner->scratch, capacity, sizeof *all);
    if (!all) return yk__arena_error(&planner->scratch, "planning", err);
    for (int32_t t = 0; t < planner->n_tensors; t++) {
        yk__plan_tensor *tensor = &planner->tensors[t];
        if (tensor->parent >= 0 || tensor->kind != YK__PLACE_MEMORY || tensor->first < 0) continue;
        YK__TRY(lay_out(planner, tensor, err));
        all[n++] = (stretch){.bytes = yk__round_up(tensor->bytes, YK__CACHE_LINE),
                             .offset = &tensor->offset,
                             .first = tensor->first,
                             .last = tensor->last};
    }
    /* One place for the scratch of all steps, never used for tensors: a worker's share then stays in its own cache from step to
     * step, instead of lying where another core has just written. */
    size_t scratch = 0, scratch_at = 0;
    for (int32_t s = 0; s < planner->n_drafts; s++) {
        const yk__draft *draft = &planner->drafts[s];
        if (!draft->dropped && draft->need->scratch_bytes > scratch) scratch = draft->need->scratch_bytes;
    }
    if (scratch > SIZE_MAX / 4) return yk__fail(err, YK__LIMIT, "a step asks for too much scratch memory");
    scratch = yk__round_up(scratch, YK__CACHE_LINE);
    if (scratch > 0) {
        all[n++] = (stretch){.bytes = scratch, .offset = &scratch_at, .first = 0, .last = planner->n_drafts};
    }
    YK__TRY(place(planner, all, n, err));
    for (int32_t s = 0; s < planner->n_drafts; s++) planner->drafts[s].scratch_offset = scratch_at;
    planner->scratch_bytes = scratch;
    return YK__OK;
}
