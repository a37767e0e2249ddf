/* Takes sizes and batch out of the constant targets of Reshape, where the shapes at the export's size and at another one say
 * what is meant: 0 (as the input has it) or -1 (what remains) instead of a baked number. N x (C x 1 x 1) to N x C becomes
 * Flatten, as classification heads spell it.
 *
 * Input and output dimensions are cut into the shortest groups of equal product, left to right: 1x256x5x5 -> 1x2x128x25 is
 * {1|1} {256|2,128} {5,5|25}. A group whose input side changes with the picture must not keep its numbers. */
#include "optimize/passes.h"
#include "optimize/rewrite.h"

#include <stdio.h>
#include <string.h>

/* Each round frees what lies before the first node that cannot be inferred at another size; a YOLO needs one or two. */
enum { MOST_ROUNDS = 8 };

/* Group g covers input dimensions [from_in[g], from_in[g+1]) and output dimensions alike. */
typedef struct groups {
    int n, from_in[YK__MAX_RANK + 1], from_out[YK__MAX_RANK + 1];
} groups;

static bool make_groups(const yk__shape *in, const yk__shape *out, groups *g) {
    int i = 0, o = 0;
    g->n = 0;
    while (i < in->rank && o < out->rank) {
        g->from_in[g->n] = i;
        g->from_out[g->n] = o;
        int64_t a = in->dim[i++], b = out->dim[o++];
        if (a < 1 || b < 1) return false;
        while (a != b) {
            if (a < b ? i >= in->rank : o >= out->rank) return false;
            if (!(a < b ? yk__mul_i64(a, in->dim[i++], &a) : yk__mul_i64(b, out->dim[o++], &b)) || a < 1 || b < 1) return false;
        }
        g->n++;
    }
    for (; i < in->rank; i++) /* ones at the end belong to the last group */
        if (in->dim[i] != 1) return false;
    for (; o < out->rank; o++)
        if (out->dim[o] != 1) return false;
    if (!g->n) return false;
    g->from_in[g->n] = in->rank;
    g->from_out[g->n] = out->rank;
    return true;
}

/* The target with baked numbers replaced. in, other: the input's shape at the export's size and at another. False when a part
 * that varies cannot be said. */
static bool free_target(const yk__shape *in, const yk__shape *other, const yk__shape *out, int64_t *target) {
    groups g;
    bool remainder = false;
    if (other->rank != in->rank || !make_groups(in, out, &g)) return false;
    for (int k = 0; k < g.n; k++) {
        int i = g.from_in[k], i_end = g.from_in[k + 1], o = g.from_out[k], o_end = g.from_out[k + 1];
        bool varies = false;
        for (int d = i; d < i_end; d++) varies = varies || other->dim[d] != in->dim[d];
        for (int d = o; d < o_end; d++) target[d] = out->dim[d];
        if (!varies) continue;
        int64_t other_product = 1;
        bool same_place = i == o && other->dim[i] != in->dim[i] && out->dim[o] == in->dim[i];
        for (int d = i + 1; d < i_end; d++) same_place = same_place && other->dim[d] == 1 && in->dim[d] == 1;
        for (int d = o + 1; d < o_end; d++) same_place = same_place && out->dim[d] == 1;
        for (int d = i; d < i_end; d++)
            if (!yk__mul_i64(other_product, other->dim[d], &other_product)) return false;
        if (same_place) {
            target[o] = 0;
        } else {
            int wide = o; /* the one output dimension of the group that can take what remains */
            for (int d = o; d < o_end; d++)
                if (out->dim[d] != 1) {
                    if (out->dim[wide] != 1 && d != wide) return false;
                    wide = d;
                }
            if (remainder) return false;
            remainder = true;
            target[wide] = -1;
        }
    }
    return true;
}

/* Where a side of the picture is one cell, a group may begin a dimension early: 1x3x1x85 to 1x3x85 reads as 3 to 3 and 1x85 to
 * 85, but may mean 3x1 to 3. There the target is kept if it says something at the other size. */
static bool holds_anyway(const yk__shape *in, const yk__shape *other, const int64_t *old, int n) {
    bool one_cell = false;
    int64_t product = 1, total = 1;
    int remainders = 0;
    for (int d = 0; d < other->rank; d++) {
        one_cell = one_cell || (d > 0 && in->dim[d] == 1 && other->dim[d] != 1);
        if (!yk__mul_i64(total, other->dim[d], &total)) return false;
    }
    for (int d = 0; d < n; d++) {
        remainders += old[d] == -1;
        const int64_t number = old[d] == 0 && d < other->rank ? other->dim[d] : old[d] == -1 ? 1 : old[d];
        if (number < 1 || !yk__mul_i64(product, number, &product)) return false;
    }
    return one_cell && remainders == 1 && total % product == 0;
}

static yk__code free_one(yk__graph *graph, yk__node *node, const yk__at_size at[2], bool *changed, yk__error *err) {
    int64_t old[YK__MAX_RANK], target[YK__MAX_RANK];
    const yk__inferred *in = yk__at(&at[0], node->in[0]), *other = yk__at(&at[1], node->in[0]);
    const yk__inferred *out = yk__at(&at[0], node->out[0]);
    int n = yk__constant_ints(graph, node->in[1], old, YK__MAX_RANK);
    if (!in || !other || !out || n < 1 || n != out->shape.rank) return YK__OK;
    if (in->data || yk__node_int(node, "allowzero", 0) || holds_anyway(&in->shape, &other->shape, old, n) ||
        !free_target(&in->shape, &other->shape, &out->shape, target))
        return YK__OK;
    if (n == 2 && target[0] == 0 && in->shape.rank >= 2) { /* N x anything to N x the rest */
        node->op = YK__OP_FLATTEN;
        node->n_in = 1;
        node->n_attr = 0;
        *changed = true;
        return yk__node_set_int(graph, node, "axis", 1) ? YK__OK : yk__arena_error(&graph->arena, "rewriting a Reshape", err);
    }
    if (!memcmp(old, target, (size_t)n * sizeof *old)) return YK__OK;
    for (int i = 0; i < n; i++)
        if (old[i] == -1 && target[i] > 0) { /* keeps the file's own remainder where ours is a number: says the same */
            bool taken = false;
            for (int k = 0; k < n; k++) taken = taken || target[k] == -1;
            if (!taken) target[i] = -1;
        }
    if (!memcmp(old, target, (size_t)n * sizeof *old)) return YK__OK;
    char name[256];
    snprintf(name, sizeof name, "%.200s.shape", node->name);
    int32_t value = yk__add_ints(graph, name, target, n);
    if (value < 0) return yk__arena_error(&graph->arena, "rewriting a Reshape", err);
    node->in[1] = value;
    *changed = true;
    return YK__OK;
}

YK__PASS(free_reshape) {
    yk__graph *graph = &model->graph;
    yk__code code = YK__OK;
    bool round_changed = true;
    for (int round = 0; !code && round_changed && round < MOST_ROUNDS; round++) {
        yk__at_size at[2] = {0};
        yk__arena scratch;
        yk__arena_init(&scratch, YK__SCRATCH_BYTES);
        round_changed = false;
        code = yk__infer_at(model, 0, 0, evaluate, &scratch, &at[0], err);
        if (!code) code = yk__infer_at(model, 3, 5, evaluate, &scratch, &at[1], err);
        for (int i = 0; !code && i < graph->n_nodes; i++)
            if (graph->nodes[i].op == YK__OP_RESHAPE) code = free_one(graph, &graph->nodes[i], at, &round_changed, err);
        if (round_changed) *changed = true;
        yk__arena_free(&scratch);
    }
    return yk__is_fatal(code) ? code : YK__OK;
}
