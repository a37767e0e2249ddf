/* src/graph without inference: building, attributes, order, verification against every kind of damage, dump, recipe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/recipe.h"

static yk__shape shape(int rank, const int64_t *dim) {
    return yk__shape_make(rank, dim);
}
#define SHAPE(...) shape((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]){__VA_ARGS__})

static int32_t value(yk__graph *g, const char *name) {
    yk__shape s = SHAPE(1, 4, 8, 8);
    int32_t index = yk__graph_add_value(g, name, YK__DTYPE_F32, &s, NULL);
    assert_true(index >= 0);
    return index;
}

static int32_t node1(yk__graph *g, yk__op op, const char *name, int32_t in, int32_t out) {
    int32_t index = yk__graph_add_node(g, op, name, &in, 1, &out, 1);
    assert_true(index >= 0);
    return index;
}

static int32_t node2(yk__graph *g, yk__op op, const char *name, int32_t a, int32_t b, int32_t out) {
    int32_t index = yk__graph_add_node(g, op, name, (int32_t[]){a, b}, 2, &out, 1);
    assert_true(index >= 0);
    return index;
}

static void set_ends(yk__graph *g, int32_t input, int32_t output) {
    g->inputs = yk__arena_copy(&g->arena, &input, sizeof input);
    g->outputs = yk__arena_copy(&g->arena, &output, sizeof output);
    assert_non_null(g->inputs);
    assert_non_null(g->outputs);
    g->n_inputs = g->n_outputs = 1;
}

/* x -> Conv(w) -> Sigmoid -> Mul(conv, sigmoid) -> y */
enum { X, W, C, S, Y };
static void make_silu(yk__graph *g) {
    static const float weights[4] = {0.5f, 1, -2, 0.25f};
    yk__shape w = SHAPE(4, 1, 1, 1);
    yk__graph_init(g, 0);
    assert_int_equal(value(g, "x"), X);
    assert_int_equal(yk__graph_add_constant(g, "w", YK__DTYPE_F32, &w, weights), W);
    assert_int_equal(value(g, "c"), C);
    assert_int_equal(value(g, "s"), S);
    assert_int_equal(value(g, "y"), Y);
    node2(g, YK__OP_CONV, "conv", X, W, C);
    node1(g, YK__OP_SIGMOID, "sigmoid", C, S);
    node2(g, YK__OP_MUL, "mul", C, S, Y);
    assert_true(yk__node_set_int(g, &g->nodes[0], "group", 4));
    set_ends(g, X, Y);
}

/* ---- operators and building ---- */

static void operators_are_found_by_name(void **state) {
    (void)state;
    for (int i = YK__OP_NONE + 1; i < YK__OP_COUNT; i++) {
        const yk__op_info *info = yk__op_info_get((yk__op)i);
        assert_non_null(info);
        assert_int_equal(info->op, i);
        assert_int_equal(yk__op_from_name(info->name), i); /* so names are unique, too */
        assert_true(info->min_in >= 1 && (info->max_in < 0 || info->max_in >= info->min_in));
        assert_true(info->min_out >= 1 && (info->max_out < 0 || info->max_out >= info->min_out));
    }
    assert_null(yk__op_info_get(YK__OP_NONE));
    assert_null(yk__op_info_get(YK__OP_COUNT));
    assert_null(yk__op_info_get((yk__op)-5));
    assert_int_equal(yk__op_from_name("conv"), YK__OP_NONE);
    assert_int_equal(yk__op_from_name(NULL), YK__OP_NONE);
}

static void names_and_constants_are_copied(void **state) {
    (void)state;
    yk__graph g;
    char name[] = "abc";
    int64_t numbers[] = {3, -1};
    yk__shape two = SHAPE(2), bad = {.rank = 9}, open = SHAPE(-1);
    yk__graph_init(&g, 0);
    int32_t v = yk__graph_add_constant(&g, name, YK__DTYPE_I64, &two, numbers);
    name[0] = '!';
    numbers[0] = 99;
    assert_string_equal(g.values[v].name, "abc");
    assert_int_equal(((const int64_t *)g.values[v].data)[0], 3);
    assert_int_equal(yk__graph_add_value(&g, "deep", YK__DTYPE_F32, &bad, NULL), -1);
    assert_int_equal(yk__graph_add_constant(&g, "open", YK__DTYPE_F32, &open, numbers), -1);
    yk__graph_free(&g);
    assert_int_equal(g.n_values, 0);
}

static void many_elements_keep_their_places(void **state) {
    (void)state;
    yk__graph g;
    char name[16];
    yk__graph_init(&g, 0);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "v%d", i);
        assert_int_equal(yk__graph_add_value(&g, name, YK__DTYPE_F32, NULL, NULL), i);
    }
    for (int i = 0; i + 1 < 1000; i++) assert_int_equal(node1(&g, YK__OP_RELU, "r", i, i + 1), i);
    assert_string_equal(g.values[777].name, "v777");
    assert_int_equal(g.nodes[777].in[0], 777);
    yk__graph_free(&g);
}

static void bounds_and_budgets_stop_growth(void **state) {
    (void)state;
    yk__graph g;
    yk__graph_init(&g, 16384);
    int added = 0;
    while (added < YK__MAX_VALUES && yk__graph_add_value(&g, "name", YK__DTYPE_F32, NULL, NULL) >= 0) added++;
    assert_in_range(added, 10, 1000);
    yk__graph_free(&g);
    static int32_t many[YK__MAX_INPUTS_OF_NODE + 1];
    yk__graph_init(&g, 0);
    assert_int_equal(yk__graph_add_node(&g, YK__OP_CONCAT, "c", many, YK__MAX_INPUTS_OF_NODE + 1, many, 1), -1);
    assert_int_equal(yk__graph_add_node(&g, YK__OP_CONCAT, "c", many, YK__MAX_INPUTS_OF_NODE, many, 1), 0);
    yk__graph_free(&g);
}

static void attributes_are_set_replaced_and_read(void **state) {
    (void)state;
    yk__graph g;
    make_silu(&g);
    yk__node *conv = &g.nodes[0];
    int64_t pads[] = {1, 2, 3, 4}, read[4] = {0};
    double floats[] = {0.5, 2};
    assert_true(yk__node_set_ints(&g, conv, "pads", pads, 4));
    assert_true(yk__node_set_string(&g, conv, "auto_pad", "VALID"));
    assert_true(yk__node_set_float(&g, conv, "act_alpha", 0.1));
    assert_true(yk__node_set_floats(&g, conv, "mean", floats, 2));
    assert_true(yk__node_set_ints(&g, conv, "empty", NULL, 0));
    assert_int_equal(conv->n_attr, 6);
    assert_true(yk__node_set_int(&g, conv, "group", 2));
    assert_true(yk__node_set_string(&g, conv, "auto_pad", "NOTSET"));
    assert_int_equal(conv->n_attr, 6); /* replaced, not added */
    pads[0] = 99;
    assert_int_equal(yk__node_ints(conv, "pads", read, 2), 4);
    assert_int_equal(read[0], 1);
    assert_int_equal(read[2], 0); /* only as many as asked for */
    assert_int_equal(yk__node_int(conv, "group", 7), 2);
    assert_string_equal(yk__node_string(conv, "auto_pad", "x"), "NOTSET");
    assert_true(yk__node_float(conv, "act_alpha", 0) == 0.1);
    assert_true(yk__node_attr(conv, "mean")->floats[1] == 2);
    assert_int_equal(yk__node_ints(conv, "empty", read, 4), 0);
    /* none of that name, or of another kind: the default */
    assert_int_equal(yk__node_int(conv, "pads", 7), 7);
    assert_int_equal(yk__node_int(conv, "absent", -3), -3);
    assert_string_equal(yk__node_string(conv, "group", "d"), "d");
    assert_true(yk__node_float(conv, "group", 1.5) == 1.5);
    assert_null(yk__node_attr(conv, "absent"));
    yk__graph_free(&g);
}

/* ---- order ---- */

static void producers_and_uses_are_counted(void **state) {
    (void)state;
    yk__graph g;
    make_silu(&g);
    int32_t *maker = yk__graph_producers(&g, &g.arena), *uses = yk__graph_use_counts(&g, &g.arena);
    const int32_t makers[] = {-1, -1, 0, 1, 2}, counts[] = {1, 1, 2, 1, 1};
    assert_memory_equal(maker, makers, sizeof makers);
    assert_memory_equal(uses, counts, sizeof counts);
    g.nodes[1].op = YK__OP_NONE; /* a removed node makes and uses nothing */
    maker = yk__graph_producers(&g, &g.arena);
    uses = yk__graph_use_counts(&g, &g.arena);
    assert_int_equal(maker[S], -1);
    assert_int_equal(uses[C], 1);
    yk__graph_free(&g);
}

static void uses_are_replaced_in_nodes_and_outputs(void **state) {
    (void)state;
    yk__graph g;
    make_silu(&g);
    yk__graph_replace_uses(&g, C, X);
    yk__graph_replace_uses(&g, Y, S);
    assert_int_equal(g.nodes[1].in[0], X);
    assert_int_equal(g.nodes[2].in[0], X);
    assert_int_equal(g.nodes[0].out[0], C); /* what makes it still does */
    assert_int_equal(g.outputs[0], S);
    yk__graph_free(&g);
}

static void sorting_puts_makers_first_and_is_stable(void **state) {
    (void)state;
    yk__graph g;
    make_silu(&g);
    assert_int_equal(yk__graph_sort(&g, NULL), YK__OK);
    assert_string_equal(g.nodes[0].name, "conv");
    assert_string_equal(g.nodes[1].name, "sigmoid");
    yk__node reversed[3] = {g.nodes[2], g.nodes[1], g.nodes[0]};
    memcpy(g.nodes, reversed, sizeof reversed);
    assert_int_equal(yk__graph_verify(&g, NULL), YK__GRAPH);
    assert_int_equal(yk__graph_sort(&g, NULL), YK__OK);
    assert_string_equal(g.nodes[0].name, "conv");
    assert_string_equal(g.nodes[1].name, "sigmoid");
    assert_string_equal(g.nodes[2].name, "mul");
    assert_int_equal(yk__graph_verify(&g, NULL), YK__OK);
    yk__graph_free(&g);
}

static void a_cycle_is_named(void **state) {
    (void)state;
    yk__graph g;
    yk__error err = {0};
    make_silu(&g);
    int32_t two_in[] = {X, Y};
    g.nodes[0].in = two_in; /* the convolution's weight is now the end of the network */
    assert_int_equal(yk__graph_sort(&g, &err), YK__GRAPH);
    assert_non_null(strstr(err.message, "2 nodes: mul -> conv -> mul;")); /* in the data's direction */
    yk__graph_free(&g);
}

/* Chains as long as a graph may be: a recursive walk would exhaust the stack. */
static void the_longest_chain_sorts_and_compacts(void **state) {
    (void)state;
    yk__graph g;
    yk__graph_init(&g, 0);
    for (int i = 0; i <= YK__MAX_NODES; i++) assert_int_equal(value(&g, "v"), i);
    for (int i = YK__MAX_NODES; i > 0; i--) node1(&g, YK__OP_RELU, "r", i - 1, i); /* last first */
    assert_int_equal(yk__graph_add_node(&g, YK__OP_RELU, "one more", (int32_t[]){0}, 1, (int32_t[]){1}, 1), -1);
    set_ends(&g, 0, YK__MAX_NODES);
    assert_int_equal(yk__graph_sort(&g, NULL), YK__OK);
    assert_int_equal(yk__graph_verify(&g, NULL), YK__OK);
    assert_int_equal(yk__graph_compact(&g, NULL), YK__OK);
    assert_int_equal(g.n_nodes, YK__MAX_NODES);
    g.nodes[0].in[0] = YK__MAX_NODES; /* and as one cycle */
    assert_int_equal(yk__graph_sort(&g, NULL), YK__GRAPH);
    yk__graph_free(&g);
}

static void compacting_drops_what_nobody_needs(void **state) {
    (void)state;
    yk__graph g;
    make_silu(&g);
    int32_t dead = value(&g, "dead"), deader = value(&g, "deader");
    value(&g, "never mentioned");
    node1(&g, YK__OP_RELU, "unused", C, dead);
    node1(&g, YK__OP_RELU, "unused too", dead, deader);
    g.nodes[1].op = YK__OP_SILU; /* as a pass does it: one node takes over, another is marked */
    g.nodes[1].out[0] = Y;
    g.nodes[2].op = YK__OP_NONE;
    assert_int_equal(yk__graph_compact(&g, NULL), YK__OK);
    assert_int_equal(g.n_nodes, 2);
    assert_int_equal(g.n_values, 4);
    assert_string_equal(g.values[3].name, "y");
    assert_int_equal(g.outputs[0], 3);
    assert_int_equal(g.nodes[1].out[0], 3);
    assert_int_equal(yk__graph_verify(&g, NULL), YK__OK);
    yk__graph_free(&g);
}

static void compacting_keeps_inputs_and_unused_outputs_of_live_nodes(void **state) {
    (void)state;
    yk__graph g;
    yk__graph_init(&g, 0);
    int32_t x = value(&g, "x"), a = value(&g, "a"), b = value(&g, "b"), other = value(&g, "other input");
    yk__graph_add_node(&g, YK__OP_SPLIT, "split", &x, 1, (int32_t[]){a, b}, 2);
    set_ends(&g, x, b);
    g.inputs = (int32_t[]){x, other};
    g.n_inputs = 2;
    assert_int_equal(yk__graph_compact(&g, NULL), YK__OK);
    assert_int_equal(g.n_values, 4);
    assert_int_equal(g.nodes[0].n_out, 2);
    yk__graph_free(&g);
}

/* ---- verification: each kind of damage, and the words that name it ---- */

static void expect_damage(yk__graph *g, yk__code code, const char *words) {
    yk__error err = {0};
    yk__code found = yk__graph_verify(g, &err);
    if (found != code || !strstr(err.message, words))
        print_error("code %d, message: %s; wanted %s\n", found, err.message, words);
    assert_int_equal(found, code);
    assert_non_null(strstr(err.message, words));
    yk__graph_free(g);
}

#define DAMAGED(change, words) \
    do { \
        yk__graph g; \
        make_silu(&g); \
        change; \
        expect_damage(&g, YK__GRAPH, words); \
    } while (0)

static void a_whole_graph_passes(void **state) {
    (void)state;
    yk__graph g;
    make_silu(&g);
    assert_int_equal(yk__graph_verify(&g, NULL), YK__OK);
    g.values[C].dtype = YK__DTYPE_NONE; /* not inferred yet */
    g.values[C].shape.dim[0] = -1;      /* free */
    assert_int_equal(yk__graph_verify(&g, NULL), YK__OK);
    yk__graph_free(&g);
}

static void damaged_values_are_found(void **state) {
    (void)state;
    DAMAGED(g.values[C].name = NULL, "value 2 has no name");
    DAMAGED(g.values[C].dtype = (yk__dtype)99, "element type 99");
    DAMAGED(g.values[C].dtype = (yk__dtype)-1, "element type -1");
    DAMAGED(g.values[C].shape.rank = 9, "rank 9");
    DAMAGED(g.values[C].shape.rank = -1, "rank -1");
    DAMAGED(g.values[C].shape.dim[3] = -2, "dimension 3 is -2");
    DAMAGED(g.values[W].shape.dim[0] = -1, "do not give a size");
    DAMAGED(g.values[W].shape.dim[0] = INT64_MAX, "do not give a size");
    DAMAGED(g.values[W].dtype = YK__DTYPE_NONE, "do not give a size");
    DAMAGED(g.values[W].data = (const char *)g.values[W].data + 2, "aligned to 4");
}

static void damaged_ends_are_found(void **state) {
    (void)state;
    DAMAGED(g.inputs[0] = 5, "network input 0 names value 5 of 5");
    DAMAGED(g.inputs[0] = -1, "network input 0 names value -1");
    DAMAGED(g.inputs[0] = W, "is a constant");
    DAMAGED(g.values[X].dtype = YK__DTYPE_NONE, "no element type");
    DAMAGED((g.inputs = (int32_t[]){X, X}, g.n_inputs = 2), "listed twice");
    DAMAGED(g.outputs[0] = 5, "network output 0 names value 5 of 5");
    DAMAGED(g.outputs[0] = YK__NO_VALUE, "network output 0 names value -1");
    DAMAGED(g.n_outputs = 0, "no output");
    DAMAGED(g.outputs[0] = value(&g, "orphan"), "no node makes it");
    DAMAGED(g.inputs = NULL, "list of the graph is missing");
    DAMAGED(g.n_inputs = 0, "before anything makes it"); /* x is then nobody's */
}

static void damaged_nodes_are_found(void **state) {
    (void)state;
    DAMAGED(g.nodes[1].name = NULL, "node 1 has no name");
    DAMAGED(g.nodes[1].op = YK__OP_NONE, "was not compacted");
    DAMAGED(g.nodes[1].op = YK__OP_COUNT, "none that yolk knows");
    DAMAGED(g.nodes[1].op = (yk__op)-3, "operator -3");
    DAMAGED(g.nodes[0].n_in = 1, "1 inputs; the operator takes 2 to 4");
    DAMAGED(g.nodes[1].n_in = 2, "2 inputs; the operator takes 1 to 1");
    DAMAGED(g.nodes[1].n_in = -1, "-1 inputs");
    DAMAGED(g.nodes[1].n_out = 0, "0 outputs");
    DAMAGED(g.nodes[1].n_out = 2, "2 outputs");
    DAMAGED((g.nodes[2].op = YK__OP_CONCAT, g.nodes[2].n_in = YK__MAX_INPUTS_OF_NODE + 1), "4097 inputs");
    DAMAGED(g.nodes[0].in = NULL, "a list of it is missing");
    DAMAGED(g.nodes[2].in[0] = YK__NO_VALUE, "input 0 is absent");
    DAMAGED((g.nodes[2].op = YK__OP_MAX, g.nodes[2].in[1] = YK__NO_VALUE),
            "input 1 is absent"); /* of any number: none absent */
    DAMAGED(g.nodes[2].in[1] = 5, "input 1 names value 5 of 5");
    DAMAGED(g.nodes[2].in[1] = -2, "input 1 names value -2");
    DAMAGED(g.nodes[2].in[1] = Y, "before anything makes it");
    DAMAGED(g.nodes[2].out[0] = -1, "output 0 names value -1");
    DAMAGED(g.nodes[2].out[0] = 5, "output 0 names value 5 of 5");
    DAMAGED(g.nodes[2].out[0] = S, "a network input or an earlier output");
    DAMAGED(g.nodes[2].out[0] = X, "a network input or an earlier output");
    DAMAGED(g.nodes[2].out[0] = W, "as a constant");
}

static void an_absent_optional_input_is_no_damage(void **state) {
    (void)state;
    yk__graph g;
    make_silu(&g);
    int32_t in[] = {X, W, YK__NO_VALUE, X};
    g.nodes[0].in = in;
    g.nodes[0].n_in = 4;
    assert_int_equal(yk__graph_verify(&g, NULL), YK__OK);
    yk__graph_free(&g);
}

static void damaged_attributes_are_found(void **state) {
    (void)state;
    DAMAGED(yk__node_set_int(&g, &g.nodes[0], "grop", 1), "node 0 (Conv conv): the operator has no attribute \"grop\"");
    DAMAGED(yk__node_set_int(&g, &g.nodes[0], "pad", 1), "no attribute \"pad\""); /* a prefix of a real one */
    DAMAGED(yk__node_set_int(&g, &g.nodes[0], "", 1), "no attribute \"\"");
    DAMAGED(yk__node_set_int(&g, &g.nodes[1], "alpha", 1), "no attribute \"alpha\"");
    DAMAGED(yk__node_set_float(&g, &g.nodes[0], "group", 1), "\"group\" is a float where the operator wants an integer");
    DAMAGED(yk__node_set_int(&g, &g.nodes[0], "pads", 1), "\"pads\" is an integer where the operator wants a list of integers");
    DAMAGED(yk__node_set_string(&g, &g.nodes[0], "act_alpha", "1"), "\"act_alpha\" is a string");
    DAMAGED(g.nodes[0].attr[0].kind = (yk__attr_kind)77, "of an unknown kind");
    DAMAGED(g.nodes[0].attr[0].name = NULL, "attribute 0 has no name");
    DAMAGED(g.nodes[0].attr = NULL, "a list of it is missing");
    DAMAGED(g.nodes[0].n_attr = -1, "-1 attributes");
    DAMAGED((yk__node_set_int(&g, &g.nodes[0], "g2", 1), g.nodes[0].attr[1].name = "group"), "given twice");
    DAMAGED((yk__node_set_string(&g, &g.nodes[0], "act", "silu"), g.nodes[0].attr[1].s = NULL), "no content");
    DAMAGED((yk__node_set_ints(&g, &g.nodes[0], "pads", (int64_t[]){1}, 1), g.nodes[0].attr[1].ints = NULL), "no content");
    DAMAGED((yk__node_set_ints(&g, &g.nodes[0], "pads", (int64_t[]){1}, 1), g.nodes[0].attr[1].n = -1), "no content");
    DAMAGED(g.nodes[1].op = YK__OP_CAST, "\"to\" is missing");
    DAMAGED(g.nodes[1].op = YK__OP_ATTENTION, "\"heads\" is missing");
    DAMAGED(g.nodes[2].op = YK__OP_CONCAT, "\"axis\" is missing");
    DAMAGED(g.nodes[1].op = YK__OP_MAX_POOL, "\"kernel_shape\" is missing");
}

static void impossible_counts_are_found(void **state) {
    (void)state;
    int32_t *counts[4];
    for (int i = 0; i < 4; i++) {
        yk__graph g;
        make_silu(&g);
        counts[0] = &g.n_nodes, counts[1] = &g.n_values, counts[2] = &g.n_inputs, counts[3] = &g.n_outputs;
        *counts[i] = -1;
        expect_damage(&g, YK__LIMIT, "-1");
        make_silu(&g);
        *counts[i] = YK__MAX_VALUES + 1;
        expect_damage(&g, YK__LIMIT, "400001");
    }
}

/* A name as long as a file may hold leaves room for the rest of the message. */
static void long_names_do_not_hide_the_fault(void **state) {
    (void)state;
    static char name[5000];
    memset(name, 'n', sizeof name - 1);
    DAMAGED(g.nodes[2].name = name; g.nodes[2].in[1] = 5, "input 1 names value 5 of 5");
}

/* ---- dump ---- */

static void the_dump_shows_everything_on_a_line(void **state) {
    (void)state;
    yk__graph g;
    yk__text text = {0};
    int64_t target[] = {1, -1}, strides[] = {2, 2};
    double mean[] = {0.5, 0.25};
    yk__shape two = SHAPE(2), none = SHAPE(0);
    make_silu(&g);
    int32_t t = yk__graph_add_constant(&g, "t", YK__DTYPE_I64, &two, target), r = value(&g, "");
    int32_t e = yk__graph_add_constant(&g, "e", YK__DTYPE_F32, &none, NULL), z = value(&g, "z");
    node2(&g, YK__OP_RESHAPE, "line\nbreak", Y, t, r);
    yk__graph_add_node(&g, YK__OP_RESIZE, "resize", (int32_t[]){r, YK__NO_VALUE, e}, 3, &z, 1);
    g.outputs[0] = z;
    yk__node_set_ints(&g, &g.nodes[0], "strides", strides, 2);
    yk__node_set_float(&g, &g.nodes[0], "act_alpha", 0.1);
    yk__node_set_string(&g, &g.nodes[0], "act", "silu");
    yk__node_set_floats(&g, &g.nodes[0], "mean", mean, 2);
    g.values[C].shape.dim[0] = -1;
    g.values[S].shape.rank = 0;
    g.nodes[1].op = YK__OP_NONE;
    yk__graph_dump(&g, &text);
    assert_string_equal(yk__text_get(&text), "inputs: x:f32[1x4x8x8]\n"
                                             "   0 Conv conv: c:f32[?x4x8x8] <- x, w:f32[4x1x1x1]=(0.5,1,-2,0.25) "
                                             "{group=4 strides=[2,2] act_alpha=0.1 act=silu mean=[0.5,0.25]}\n"
                                             "   1 (removed) sigmoid: s:f32[] <- c\n"
                                             "   2 Mul mul: y:f32[1x4x8x8] <- c, s\n"
                                             "   3 Reshape line?break: %6:f32[1x4x8x8] <- y, t:i64[2]=(1,-1)\n"
                                             "   4 Resize resize: z:f32[1x4x8x8] <- %6, -, e:f32[0]=()\n"
                                             "outputs: z\n");
    yk__text_free(&text);
    yk__graph_free(&g);
}

static void the_dump_writes_every_element_type(void **state) {
    (void)state;
    union {
        int8_t i8[8];
        uint16_t u16[4];
        uint64_t u64;
    } bytes = {.u16 = {0x3c00, 0x3f80, 1, 0xffff}};
    static const char *const shown[YK__DTYPE_COUNT] = {[YK__DTYPE_F16] = "=(1)",
                                                       [YK__DTYPE_BF16] = "=(0.0078125)",
                                                       [YK__DTYPE_I8] = "=(0)",
                                                       [YK__DTYPE_U8] = "=(0)",
                                                       [YK__DTYPE_I16] = "=(15360)",
                                                       [YK__DTYPE_U16] = "=(15360)",
                                                       [YK__DTYPE_BOOL] = "=(false)",
                                                       [YK__DTYPE_I32] = "=(1065368576)",
                                                       [YK__DTYPE_U32] = "=(1065368576)",
                                                       [YK__DTYPE_F32] = "=(1.001831)",
                                                       [YK__DTYPE_I64] = "=(-281469616374784)",
                                                       [YK__DTYPE_U64] = "=(18446462604093176832)"};
    yk__shape one = SHAPE(1);
    for (int i = YK__DTYPE_NONE + 1; i < YK__DTYPE_COUNT; i++) {
        yk__graph g;
        yk__text text = {0};
        yk__graph_init(&g, 0);
        int32_t c = yk__graph_add_constant(&g, "c", (yk__dtype)i, &one, &bytes), y = value(&g, "y");
        node1(&g, YK__OP_IDENTITY, "n", c, y);
        yk__graph_dump(&g, &text);
        if (shown[i] && !strstr(yk__text_get(&text), shown[i])) print_error("%s: wanted %s\n", yk__text_get(&text), shown[i]);
        assert_true(!shown[i] || strstr(yk__text_get(&text), shown[i]));
        yk__text_free(&text);
        yk__graph_free(&g);
    }
}

/* ---- memory ---- */

static yk__code build_and_check(void) {
    yk__graph g;
    yk__code code = YK__MEMORY;
    yk__shape s = SHAPE(1);
    yk__graph_init(&g, 0);
    int32_t x = yk__graph_add_value(&g, "x", YK__DTYPE_F32, &s, NULL),
            y = yk__graph_add_value(&g, "y", YK__DTYPE_F32, &s, NULL);
    int32_t n = x < 0 || y < 0 ? -1 : yk__graph_add_node(&g, YK__OP_SHAPE, "n", &x, 1, &y, 1);
    if (n >= 0 && yk__node_set_int(&g, &g.nodes[0], "start", 0)) {
        g.inputs = &x, g.outputs = &y;
        g.n_inputs = g.n_outputs = 1;
        code = yk__graph_sort(&g, NULL);
        if (!code) code = yk__graph_compact(&g, NULL);
        if (!code) code = yk__graph_verify(&g, NULL);
    }
    yk__graph_free(&g);
    return code;
}

static void every_failing_allocation_is_survived(void **state) {
    (void)state;
    int failures = 0;
    yk__code code;
    do {
        yk__alloc_fail_after((uint64_t)failures + 1);
        code = build_and_check();
        if (code) assert_int_equal(code, YK__MEMORY);
        failures += code != YK__OK;
    } while (code && failures < 1000);
    yk__alloc_fail_after(0);
    assert_int_equal(code, YK__OK);
    assert_true(failures >= 4); /* the graph's arena, sorting, compacting, verifying each allocate */
}

/* ---- recipe ---- */

static yk__recipe whole_recipe(yk__task task, yk__layout layout) {
    static const char *names[] = {"ball", "w\xc3\xbcrfel"};
    yk__recipe recipe = yk__recipe_defaults(task, layout);
    recipe.n_classes = 2;
    recipe.names = names;
    if (task == YK__TASK_SEGMENT) recipe.n_extra = 32;
    if (task == YK__TASK_POSE) recipe.kpt_shape[0] = 17, recipe.kpt_shape[1] = 3, recipe.n_extra = 51;
    return recipe;
}

static void words_of_recipes_are_found(void **state) {
    (void)state;
    for (int i = YK__TASK_DETECT; i <= YK__TASK_OBB; i++) assert_int_equal(yk__task_from_name(yk__task_name((yk__task)i)), i);
    for (int i = YK__LAYOUT_PROBABILITIES; i <= YK__LAYOUT_YOLOX; i++)
        assert_int_equal(yk__layout_from_name(yk__layout_name((yk__layout)i)), i);
    assert_string_equal(yk__task_name(YK__TASK_CLASSIFY), "classify");
    assert_string_equal(yk__layout_name(YK__LAYOUT_V8_END2END), "v8-end2end");
    assert_string_equal(yk__task_name((yk__task)99), "none");
    assert_string_equal(yk__layout_name((yk__layout)-1), "none");
    assert_int_equal(yk__task_from_name("none"), YK__TASK_NONE);
    assert_int_equal(yk__task_from_name("depth"), YK__TASK_NONE);
    assert_int_equal(yk__layout_from_name(NULL), YK__LAYOUT_NONE);
}

static void defaults_pass_for_every_task_and_layout_that_exist(void **state) {
    (void)state;
    int passed = 0;
    for (int task = YK__TASK_DETECT; task <= YK__TASK_OBB; task++)
        for (int layout = YK__LAYOUT_PROBABILITIES; layout <= YK__LAYOUT_YOLOX; layout++) {
            yk__recipe recipe = whole_recipe((yk__task)task, (yk__layout)layout);
            bool classify = task == YK__TASK_CLASSIFY, probabilities = layout == YK__LAYOUT_PROBABILITIES;
            bool legacy = layout == YK__LAYOUT_V5 || layout == YK__LAYOUT_YOLOX;
            bool exists = classify == probabilities && (!legacy || task == YK__TASK_DETECT);
            assert_int_equal(yk__recipe_verify(&recipe, NULL), exists ? YK__OK : YK__GRAPH);
            passed += exists;
        }
    assert_int_equal(passed, 5 + 1 + 3 + 3 + 3); /* detect, classify, segment, pose, obb */
}

static void defaults_are_those_of_the_families(void **state) {
    (void)state;
    yk__recipe v8 = yk__recipe_defaults(YK__TASK_DETECT, YK__LAYOUT_V8),
               v5 = yk__recipe_defaults(YK__TASK_DETECT, YK__LAYOUT_V5);
    yk__recipe x = yk__recipe_defaults(YK__TASK_DETECT, YK__LAYOUT_YOLOX);
    yk__recipe cls = yk__recipe_defaults(YK__TASK_CLASSIFY, YK__LAYOUT_PROBABILITIES);
    assert_true(v8.conf == 0.25f && v8.iou == 0.7f && v8.max_det == 300 && v8.pad_value == 114 && v8.scale == 255);
    assert_true(v5.conf == 0.25f && v5.iou == 0.45f && v5.max_det == 1000 && !v5.bgr);
    assert_true(x.conf == 0.25f && x.iou == 0.45f && x.max_det == 300 && x.bgr && x.scale == 1);
    assert_true(cls.stride == 1 && cls.geometry == YK__GEOMETRY_CLASSIFY_CROP && cls.imgsz[0] == 224);
    assert_true(cls.mean[2] == 0 && cls.std[2] == 1 && cls.scale == 255);
}

#define DAMAGED_RECIPE(task, layout, change, code) \
    do { \
        yk__recipe recipe = whole_recipe(YK__TASK_##task, YK__LAYOUT_##layout); \
        yk__error err = {0}; \
        change; \
        assert_int_equal(yk__recipe_verify(&recipe, &err), YK__##code); \
        assert_memory_equal(err.message, "recipe: ", 8); \
    } while (0)

static void damaged_recipes_are_found(void **state) {
    (void)state;
    const char *missing[] = {"a", NULL}, *broken[] = {"a", "\xff\xfe"};
    DAMAGED_RECIPE(DETECT, V8, recipe.task = YK__TASK_NONE, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.task = (yk__task)6, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.layout = (yk__layout)-1, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.layout = (yk__layout)7, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.n_classes = 0, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.n_classes = INT32_MAX, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.names = NULL, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.names = missing, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.names = broken, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.imgsz[0] = 0, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.imgsz[1] = 1 << 30, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.stride = 0, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.batch = -1, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.channels = 4, UNSUPPORTED);
    DAMAGED_RECIPE(DETECT, V8, recipe.geometry = (yk__geometry)5, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.scale = 0, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.scale = NAN, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.mean[1] = INFINITY, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.std[2] = 0, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.pad_value = 256, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.conf = 1.5f, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.conf = NAN, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.iou = -0.1f, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.max_det = 0, GRAPH);
    DAMAGED_RECIPE(DETECT, V8, recipe.n_extra = 1, GRAPH);
    DAMAGED_RECIPE(SEGMENT, V8, recipe.n_extra = 0, GRAPH);
    DAMAGED_RECIPE(OBB, V8, recipe.n_extra = 2, GRAPH);
    DAMAGED_RECIPE(POSE, V8, recipe.n_extra = 50, GRAPH);
    DAMAGED_RECIPE(POSE, V8, recipe.kpt_shape[1] = 4, GRAPH);
    DAMAGED_RECIPE(POSE, V8, recipe.kpt_shape[0] = INT32_MAX, GRAPH);
}

static void an_empty_model_is_freed_twice(void **state) {
    (void)state;
    yk__model model;
    yk__model_init(&model, 0);
    yk__model_free(&model);
    yk__model_free(&model);
    assert_null(model.mapping);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_are_found_by_name),
        cmocka_unit_test(names_and_constants_are_copied),
        cmocka_unit_test(many_elements_keep_their_places),
        cmocka_unit_test(bounds_and_budgets_stop_growth),
        cmocka_unit_test(attributes_are_set_replaced_and_read),
        cmocka_unit_test(producers_and_uses_are_counted),
        cmocka_unit_test(uses_are_replaced_in_nodes_and_outputs),
        cmocka_unit_test(sorting_puts_makers_first_and_is_stable),
        cmocka_unit_test(a_cycle_is_named),
        cmocka_unit_test(the_longest_chain_sorts_and_compacts),
        cmocka_unit_test(compacting_drops_what_nobody_needs),
        cmocka_unit_test(compacting_keeps_inputs_and_unused_outputs_of_live_nodes),
        cmocka_unit_test(a_whole_graph_passes),
        cmocka_unit_test(damaged_values_are_found),
        cmocka_unit_test(damaged_ends_are_found),
        cmocka_unit_test(damaged_nodes_are_found),
        cmocka_unit_test(an_absent_optional_input_is_no_damage),
        cmocka_unit_test(damaged_attributes_are_found),
        cmocka_unit_test(impossible_counts_are_found),
        cmocka_unit_test(long_names_do_not_hide_the_fault),
        cmocka_unit_test(the_dump_shows_everything_on_a_line),
        cmocka_unit_test(the_dump_writes_every_element_type),
        cmocka_unit_test(every_failing_allocation_is_survived),
        cmocka_unit_test(words_of_recipes_are_found),
        cmocka_unit_test(defaults_pass_for_every_task_and_layout_that_exist),
        cmocka_unit_test(defaults_are_those_of_the_families),
        cmocka_unit_test(damaged_recipes_are_found),
        cmocka_unit_test(an_empty_model_is_freed_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
