/* Topological order of ONNX nodes by the names they make and use: each node waits for a count of makers, and makers release
 * those who wait (Kahn's algorithm). */
#include "import/onnx_order.h"

#include <string.h>

#include "graph/graph.h"
#include "import/name_table.h"

typedef struct order {
    Onnx__NodeProto **nodes;
    int32_t n;
    yk__arena *scratch;
    yk__names makers; /* value name to node */
    int32_t *waiting; /* per node: inputs whose makers are not placed yet */
    int32_t *first;   /* per node: where its users start in `users`; n + 1 of them */
    int32_t *users;   /* by maker, once per input used */
    yk__error *err;
} order;

static yk__code no_memory(const order *o) {
    return yk__arena_error(o->scratch, "the order of the nodes", o->err);
}

static int32_t maker_of(const order *o, const char *name) {
    return name && name[0] ? yk__names_find(&o->makers, name) : -1;
}

static yk__code name_makers(order *o) {
    for (int32_t i = 0; i < o->n; i++) {
        const Onnx__NodeProto *const node = o->nodes[i];
        for (size_t k = 0; k < node->n_output; k++) {
            const char *const name = node->output[k];
            if (!name || !name[0]) continue;
            if (yk__names_find(&o->makers, name) >= 0) {
                return yk__fail(o->err, YK__GRAPH, "the value \"%.120s\" is made twice", name);
            }
            YK__TRY(yk__names_add(&o->makers, name, i, o->err));
        }
    }
    return YK__OK;
}

static bool is_ordered(const order *o) {
    for (int32_t i = 0; i < o->n; i++) {
        for (size_t k = 0; k < o->nodes[i]->n_input; k++) {
            if (maker_of(o, o->nodes[i]->input[k]) >= i) return false;
        }
    }
    return true;
}

/* Fills waiting, first and users; false when out of memory. */
static bool find_users(order *o) {
    o->waiting = yk__arena_array(o->scratch, (size_t)o->n, sizeof *o->waiting);
    o->first = yk__arena_array(o->scratch, (size_t)o->n + 2, sizeof *o->first);
    if (!o->waiting || !o->first) return false;
    /* Counted two places up, summed, and filled one place up: then `first` is where each begins. */
    for (int32_t i = 0; i < o->n; i++) {
        for (size_t k = 0; k < o->nodes[i]->n_input; k++) {
            const int32_t maker = maker_of(o, o->nodes[i]->input[k]);
            if (maker < 0) continue;
            o->waiting[i]++;
            o->first[maker + 2]++;
        }
    }
    for (int32_t i = 0; i < o->n; i++) o->first[i + 2] += o->first[i + 1];
    o->users = yk__arena_array(o->scratch, (size_t)o->first[o->n + 1], sizeof *o->users);
    if (!o->users) return false;
    for (int32_t i = 0; i < o->n; i++) {
        for (size_t k = 0; k < o->nodes[i]->n_input; k++) {
            const int32_t maker = maker_of(o, o->nodes[i]->input[k]);
            if (maker >= 0) o->users[o->first[maker + 1]++] = i;
        }
    }
    return true;
}

static yk__code place(order *o, Onnx__NodeProto ***out) {
    Onnx__NodeProto **const list = yk__arena_array(o->scratch, (size_t)o->n, sizeof *list);
    int32_t *const ready = yk__arena_array(o->scratch, (size_t)o->n, sizeof *ready);
    if (!list || !ready) return no_memory(o);
    int32_t n_ready = 0;
    for (int32_t i = 0; i < o->n; i++) {
        if (o->waiting[i] == 0) ready[n_ready++] = i;
    }
    for (int32_t at = 0; at < n_ready; at++) {
        const int32_t node = ready[at];
        list[at] = o->nodes[node];
        for (int32_t u = o->first[node]; u < o->first[node + 1]; u++) {
            if (--o->waiting[o->users[u]] == 0) ready[n_ready++] = o->users[u];
        }
    }
    for (int32_t i = 0; n_ready < o->n && i < o->n; i++) {
        if (o->waiting[i] == 0) continue;
        const Onnx__NodeProto *const stuck = o->nodes[i];
        return yk__fail(o->err, YK__GRAPH,
                        "node \"%.120s\" (%.60s) waits for a value that is made after it: the network has a cycle",
                        stuck->name && stuck->name[0] ? stuck->name
                        : stuck->n_output > 0         ? stuck->output[0]
                                                      : "",
                        stuck->op_type ? stuck->op_type : "");
    }
    *out = list;
    return YK__OK;
}

yk__code yk__onnx_order(Onnx__NodeProto **nodes, size_t n, yk__arena *scratch, Onnx__NodeProto ***out, yk__error *err) {
    if (n > YK__MAX_NODES) return yk__fail(err, YK__LIMIT, "%zu nodes; at most %d are allowed", n, YK__MAX_NODES);
    order o = {.nodes = nodes, .n = (int32_t)n, .scratch = scratch, .makers = {.arena = scratch}, .err = err};
    YK__TRY(name_makers(&o));
    *out = nodes;
    if (is_ordered(&o)) return YK__OK;
    return find_users(&o) ? place(&o, out) : no_memory(&o);
}
