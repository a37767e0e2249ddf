/* Inference of matrix products, Einsum and Softmax. */
#include <string.h>

#include "graph/infer_rules.h"

static yk__code matmul(const yk__rule_call *call) {
    yk__shape a = call->in[0].shape, b = call->in[1].shape, batch_a, batch_b, out;
    YK__TRY(yk__rule_want_numeric(call, 0));
    YK__TRY(yk__rule_want_same_type(call));
    YK__TRY(yk__rule_want_rank(call, 0, 1, YK__MAX_RANK));
    YK__TRY(yk__rule_want_rank(call, 1, 1, YK__MAX_RANK));
    int64_t inner_a = a.dim[a.rank - 1], inner_b = b.dim[b.rank == 1 ? 0 : b.rank - 2];
    if (inner_a != inner_b)
        return yk__rule_fail(call, YK__SHAPE, "%lld columns of the first meet %lld rows of the second", (long long)inner_a,
                             (long long)inner_b);
    batch_a = yk__shape_make(a.rank > 2 ? a.rank - 2 : 0, a.dim);
    batch_b = yk__shape_make(b.rank > 2 ? b.rank - 2 : 0, b.dim);
    if (!yk__shape_broadcast(&batch_a, &batch_b, &out))
        return yk__rule_fail(call, YK__SHAPE, "the leading dimensions do not broadcast");
    if (a.rank > 1) out.dim[out.rank++] = a.dim[a.rank - 2]; /* a vector on either side leaves no dimension */
    if (b.rank > 1) out.dim[out.rank++] = b.dim[b.rank - 1];
    yk__rule_set(call, 0, call->in[0].dtype, &out);
    return YK__OK;
}

static yk__code gemm(const yk__rule_call *call) {
    YK__TRY(yk__rule_want_numeric(call, 0));
    YK__TRY(yk__rule_want_same_type(call));
    YK__TRY(yk__rule_want_rank(call, 0, 2, 2));
    YK__TRY(yk__rule_want_rank(call, 1, 2, 2));
    int ta = yk__node_int(call->node, "transA", 0) != 0, tb = yk__node_int(call->node, "transB", 0) != 0;
    const int64_t *a = call->in[0].shape.dim, *b = call->in[1].shape.dim;
    yk__shape both, out = {.rank = 2, .dim = {a[ta], b[!tb]}};
    if (a[!ta] != b[tb])
        return yk__rule_fail(call, YK__SHAPE, "%lld columns of the first meet %lld rows of the second", (long long)a[!ta],
                             (long long)b[tb]);
    if (yk__rule_has(call, 2) && (!yk__shape_broadcast(&out, &call->in[2].shape, &both) || !yk__shape_equal(&both, &out)))
        return yk__rule_fail(call, YK__SHAPE, "the third input does not broadcast to the product's shape");
    yk__rule_set(call, 0, call->in[0].dtype, &out);
    return YK__OK;
}

static yk__code softmax(const yk__rule_call *call) {
    int axis;
    YK__TRY(yk__rule_want_float(call, 0));
    YK__TRY(yk__rule_axis(call, yk__node_int(call->node, "axis", -1), call->in[0].shape.rank, &axis));
    return yk__rule_like_input(call);
}

/* One term of an Einsum equation: letters, and where among them "..." stands (-1: nowhere). */
typedef struct term {
    int n, ellipsis_at;
    char letter[YK__MAX_RANK];
} term;

/* What the terms read so far say about each letter and the ellipsis. */
typedef struct einsum {
    int64_t size[128];
    int uses[128];
    bool has_ellipsis;
    yk__shape ellipsis;
} einsum;

static yk__code read_term(const yk__rule_call *call, const char **at, term *out) {
    *out = (term){.ellipsis_at = -1};
    for (; **at && **at != ',' && **at != '-'; (*at)++) {
        char c = **at;
        if (c == ' ') continue;
        if (c == '.' && (*at)[1] == '.' && (*at)[2] == '.' && out->ellipsis_at < 0) {
            out->ellipsis_at = out->n;
            *at += 2;
        } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
            if (out->n == YK__MAX_RANK)
                return yk__rule_fail(call, YK__LIMIT, "a term of the equation has over %d letters", YK__MAX_RANK);
            out->letter[out->n++] = c;
        } else {
            return yk__rule_fail(call, YK__GRAPH,
                                 "the equation has byte 0x%02x where a letter, \"...\", \",\" or \"->\" is due",
                                 (unsigned char)c);
        }
    }
    return YK__OK;
}

static yk__code bind_term(const yk__rule_call *call, einsum *e, const term *t, int input) {
    const yk__shape *shape = &call->in[input].shape;
    int hidden = shape->rank - t->n; /* dimensions that the ellipsis stands for */
    if (hidden < 0 || (hidden > 0 && t->ellipsis_at < 0))
        return yk__rule_fail(call, YK__SHAPE, "term %d of the equation does not fit the rank of its input", input);
    for (int i = 0; i < t->n; i++) {
        int letter = t->letter[i];
        int64_t size = shape->dim[t->ellipsis_at >= 0 && i >= t->ellipsis_at ? i + hidden : i];
        if (e->uses[letter]++ && e->size[letter] != size)
            return yk__rule_fail(call, YK__SHAPE, "\"%c\" is %lld and %lld", letter, (long long)e->size[letter],
                                 (long long)size);
        e->size[letter] = size;
    }
    if (t->ellipsis_at < 0) return YK__OK;
    yk__shape own = yk__shape_make(hidden, shape->dim + t->ellipsis_at);
    if (e->has_ellipsis && own.rank != e->ellipsis.rank)
        return yk__rule_fail(call, YK__SHAPE, "\"...\" stands for %d and for %d dimensions", e->ellipsis.rank, own.rank);
    if (!e->has_ellipsis)
        e->ellipsis = own;
    else if (!yk__shape_broadcast(&e->ellipsis, &own, &e->ellipsis))
        return yk__rule_fail(call, YK__SHAPE, "the dimensions of \"...\" do not broadcast");
    e->has_ellipsis = true;
    return YK__OK;
}

/* Without "->": the ellipsis, then the letters used once, in ASCII order. */
static yk__code implicit_output(const yk__rule_call *call, const einsum *e, term *out) {
    *out = (term){.ellipsis_at = e->has_ellipsis ? 0 : -1};
    for (char c = 'A'; c <= 'z'; c++) {
        if (e->uses[(int)c] != 1) continue;
        if (out->n == YK__MAX_RANK) return yk__rule_fail(call, YK__LIMIT, "the output's rank would be over %d", YK__MAX_RANK);
        out->letter[out->n++] = c;
    }
    return YK__OK;
}

static yk__code einsum_output(const yk__rule_call *call, const einsum *e, const term *t, yk__shape *shape) {
    int hidden = t->ellipsis_at >= 0 ? e->ellipsis.rank : 0;
    if (t->n + hidden > YK__MAX_RANK) return yk__rule_fail(call, YK__LIMIT, "the output's rank would be over %d", YK__MAX_RANK);
    if (e->has_ellipsis && t->ellipsis_at < 0) return yk__rule_fail(call, YK__UNSUPPORTED, "the equation sums over \"...\"");
    *shape = (yk__shape){0};
    for (int i = 0; i <= t->n; i++) {
        for (int k = 0; i == t->ellipsis_at && k < hidden; k++) shape->dim[shape->rank++] = e->ellipsis.dim[k];
        if (i == t->n) break;
        if (!e->uses[(int)t->letter[i]] || memchr(t->letter, t->letter[i], (size_t)i))
            return yk__rule_fail(call, YK__GRAPH, "\"%c\" of the equation's output is not in its inputs, or there twice",
                                 t->letter[i]);
        shape->dim[shape->rank++] = e->size[(int)t->letter[i]];
    }
    return YK__OK;
}

static yk__code einsum_rule(const yk__rule_call *call) {
    const char *at = yk__node_string(call->node, "equation", "");
    einsum e = {0};
    term t;
    yk__shape shape;
    YK__TRY(yk__rule_want_numeric(call, 0));
    YK__TRY(yk__rule_want_same_type(call));
    for (int i = 0; i < call->node->n_in; i++) {
        YK__TRY(read_term(call, &at, &t));
        YK__TRY(bind_term(call, &e, &t, i));
        bool last = i + 1 == call->node->n_in;
        if (last == (*at == ','))
            return yk__rule_fail(call, YK__GRAPH, "the equation does not have %d terms", call->node->n_in);
        if (*at == ',') at++;
    }
    if (*at) {
        if (at[1] != '>') return yk__rule_fail(call, YK__GRAPH, "the equation has \"-\" without \">\"");
        at += 2;
        YK__TRY(read_term(call, &at, &t));
        if (*at) return yk__rule_fail(call, YK__GRAPH, "the equation goes on after its output");
        if (t.ellipsis_at >= 0 && !e.has_ellipsis)
            return yk__rule_fail(call, YK__GRAPH, "the equation's output has \"...\" and its inputs have none");
    } else {
        YK__TRY(implicit_output(call, &e, &t));
    }
    YK__TRY(einsum_output(call, &e, &t, &shape));
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    return YK__OK;
}

yk__rule yk__rules_matrix(yk__op op) {
    switch (op) {
    case YK__OP_MATMUL: return matmul;
    case YK__OP_GEMM: return gemm;
    case YK__OP_EINSUM: return einsum_rule;
    case YK__OP_SOFTMAX:
    case YK__OP_LOG_SOFTMAX: return softmax;
    default: return NULL;
    }
}
