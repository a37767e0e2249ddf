/* Ref kernels as steps of a plan: the same bits whatever the number of threads, nothing allocated in a run, many operands, half
 * precision, and what is not accepted. */
#include "op_case.h"

#include <string.h>

#include "plan/plan.h"

typedef struct network {
    yk__graph graph;
    int32_t input, output;
    uint32_t seed;
} network;

static void net_begin(network *n, const int64_t *dim, int rank, yk__dtype dtype) {
    const yk__shape shape = yk__shape_make(rank, dim);
    yk__graph_init(&n->graph, 0);
    n->seed = 1;
    n->output = n->input = yk__graph_add_value(&n->graph, "input", dtype, &shape, NULL);
    assert_true(n->input >= 0);
}

static int32_t net_constant(network *n, int rank, const int64_t *dim) {
    const yk__shape shape = yk__shape_make(rank, dim);
    int64_t count = 0;
    assert_true(yk__shape_count(&shape, &count));
    float *data = yk__arena_array(&n->graph.arena, (size_t)count, sizeof *data);
    assert_non_null(data);
    for (int64_t i = 0; i < count; i++) data[i] = op_random(&n->seed) * 0.3f;
    return yk__graph_add_value(&n->graph, "constant", YK__DTYPE_F32, &shape, data);
}

/* A node on the output so far and one constant (or none, when negative); its result is the new output. */
static yk__node *net_add(network *n, yk__op op, int32_t constant) {
    const yk__shape unknown = {.rank = 0};
    const int32_t in[2] = {n->output, constant};
    n->output = yk__graph_add_value(&n->graph, "value", YK__DTYPE_NONE, &unknown, NULL);
    const int32_t node = yk__graph_add_node(&n->graph, op, "node", in, constant < 0 ? 1 : 2, &n->output, 1);
    assert_true(node >= 0);
    return &n->graph.nodes[node];
}

/* Plans and runs with that many threads; the first output's bytes go to out. */
static void net_run(network *n, const void *input, int threads, void *out, size_t out_bytes) {
    yk__error err;
    n->graph.inputs = &n->input;
    n->graph.outputs = &n->output;
    n->graph.n_inputs = n->graph.n_outputs = 1;
    yk__plan_options options = {
        .backends = {yk__backend_ref()}, .n_backends = 1, .n_threads = threads, .dense = true, .evaluate = yk__ref_evaluate};
    assert_int_equal(yk__pool_create(&options.pool, threads, &err), YK__OK);
    yk__specialisation *plan;
    if (yk__plan_create(&plan, &n->graph, &n->graph.values[n->input].shape, &options, &err) != YK__OK)
        fail_msg("%s", err.message);
    uint8_t *memory = yk__alloc_aligned(plan->memory_bytes + 1);
    assert_non_null(memory);
    memset(memory, 0xff, plan->memory_bytes); /* NaN: nothing may be read before it is written */
    yk__exec exec = {.memory = memory, .pool = options.pool, .input.tensor = input};
    const uint64_t allocations = yk__alloc_count();
    if (yk__plan_execute(plan, &exec, NULL, &err) != YK__OK) fail_msg("%s", err.message);
    assert_int_equal(yk__alloc_count(), allocations);
    size_t bytes = 0;
    assert_true(yk__tensor_bytes(plan->outputs[0].dtype, yk__operand_shape(&plan->outputs[0], &exec), &bytes));
    assert_int_equal(bytes, out_bytes);
    memcpy(out, yk__operand_data(&plan->outputs[0], &exec), bytes);
    yk__free_aligned(memory, plan->memory_bytes + 1);
    yk__plan_destroy(&plan);
    yk__pool_destroy(&options.pool);
}

static void threads_do_not_matter(void **state) {
    (void)state;
    enum { N = 2, C = 6, H = 50, W = 45, M = 11 };
    static float input[N * C * H * W], one[N * M * 13 * 5], three[N * M * 13 * 5];
    uint32_t seed = 77;
    for (size_t i = 0; i < sizeof input / sizeof input[0]; i++) input[i] = op_random(&seed);
    network n;
    net_begin(&n, (const int64_t[]){N, C, H, W}, 4, YK__DTYPE_F32);
    yk__node *node = net_add(&n, YK__OP_CONV, net_constant(&n, 4, (const int64_t[]){33, C, 3, 3}));
    assert_true(yk__node_set_ints(&n.graph, node, "pads", (const int64_t[]){1, 1, 1, 1}, 4));
    assert_true(yk__node_set_string(&n.graph, node, "act", "silu"));
    node = net_add(&n, YK__OP_MAX_POOL, -1);
    assert_true(yk__node_set_ints(&n.graph, node, "kernel_shape", (const int64_t[]){2, 3}, 2));
    assert_true(yk__node_set_ints(&n.graph, node, "strides", (const int64_t[]){2, 3}, 2));
    node = net_add(&n, YK__OP_ATTENTION, -1); /* 3 heads of 3 + 3 + 5 channels */
    assert_true(yk__node_set_int(&n.graph, node, "heads", 3));
    assert_true(yk__node_set_int(&n.graph, node, "dim_key", 3));
    assert_true(yk__node_set_int(&n.graph, node, "dim_value", 5));
    assert_true(yk__node_set_int(&n.graph, node, "area", 5));
    net_add(&n, YK__OP_MUL, net_constant(&n, 3, (const int64_t[]){15, 1, 1}));
    net_add(&n, YK__OP_CONV, net_constant(&n, 4, (const int64_t[]){M, 15, 1, 1}));
    node = net_add(&n, YK__OP_SOFTMAX, -1);
    assert_true(yk__node_set_int(&n.graph, node, "axis", 1));
    node = net_add(&n, YK__OP_AVERAGE_POOL, -1);
    assert_true(yk__node_set_ints(&n.graph, node, "kernel_shape", (const int64_t[]){1, 3}, 2));
    assert_true(yk__node_set_ints(&n.graph, node, "strides", (const int64_t[]){2, 3}, 2));
    net_run(&n, input, 1, one, sizeof one);
    net_run(&n, input, 3, three, sizeof three);
    assert_memory_equal(one, three, sizeof one);
    for (size_t i = 0; i < sizeof one / sizeof one[0]; i++) assert_true(one[i] >= 0 && one[i] <= 1);
    yk__graph_free(&n.graph);
}

/* More inputs than a kernel may speak about one by one. */
static void concat_of_many(void **state) {
    (void)state;
    enum { PARTS = 200 };
    float input[2] = {1, 2}, out[2 * PARTS];
    int32_t in[PARTS];
    network n;
    net_begin(&n, (const int64_t[]){1, 2}, 2, YK__DTYPE_F32);
    net_add(&n, YK__OP_ABS, -1);
    for (int i = 0; i < PARTS; i++) in[i] = n.output;
    const yk__shape unknown = {.rank = 0};
    n.output = yk__graph_add_value(&n.graph, "joined", YK__DTYPE_NONE, &unknown, NULL);
    const int32_t node = yk__graph_add_node(&n.graph, YK__OP_CONCAT, "concat", in, PARTS, &n.output, 1);
    assert_true(node >= 0);
    assert_true(yk__node_set_int(&n.graph, &n.graph.nodes[node], "axis", 1));
    net_run(&n, input, 1, out, sizeof out);
    for (int i = 0; i < 2 * PARTS; i++) assert_true(out[i] == input[i % 2]);
    yk__graph_free(&n.graph);
}

static void half_in_a_run(void **state) {
    (void)state;
    static const uint16_t input[4] = {0x3c00, 0xc000, 0x4200, 0x0000}; /* 1 -2 3 0 */
    uint16_t out[4];
    network n;
    net_begin(&n, (const int64_t[]){1, 4}, 2, YK__DTYPE_F16);
    net_add(&n, YK__OP_RELU, -1);
    yk__node *node = net_add(&n, YK__OP_CUM_SUM, -1);
    const int64_t one[1] = {1}, axis = 1;
    const yk__shape shape = yk__shape_make(1, one);
    int32_t both[2] = {node->in[0], yk__graph_add_constant(&n.graph, "axis", YK__DTYPE_I64, &shape, &axis)};
    node->in = both;
    node->n_in = 2;
    net_run(&n, input, 2, out, sizeof out);
    static const uint16_t want[4] = {0x3c00, 0x3c00, 0x4400, 0x4400}; /* 1 1 4 4 */
    assert_memory_equal(out, want, sizeof want);
    yk__graph_free(&n.graph);
}

/* Every operator of ops.def has exactly one kernel, named uniquely; types that an operator has not are refused, not computed.
 */
static void table_is_whole(void **state) {
    (void)state;
    const yk__backend *ref = yk__backend_ref();
    int seen[YK__OP_COUNT] = {0};
    assert_int_equal(ref->n_kernels, YK__OP_COUNT - 1);
    for (int i = 0; i < ref->n_kernels; i++) {
        seen[ref->kernels[i]->op]++;
        for (int k = 0; k < i; k++) assert_string_not_equal(ref->kernels[i]->name, ref->kernels[k]->name);
    }
    for (int op = 1; op < YK__OP_COUNT; op++) assert_int_equal(seen[op], 1);

    yk__node node = {.op = YK__OP_SIGMOID, .name = "typed", .n_in = 1, .n_out = 1};
    yk__error err;
    const int64_t dim = 1;
    const yk__tensor in = {YK__DTYPE_I32, yk__shape_make(1, &dim), (int32_t[]){1}};
    yk__tensor out = {YK__DTYPE_I32, yk__shape_make(1, &dim), (int32_t[]){1}};
    yk__arena scratch;
    yk__arena_init(&scratch, 0);
    assert_int_equal(yk__ref_evaluate(&node, &in, &out, &scratch, &err), YK__UNSUPPORTED);
    assert_non_null(strstr(err.message, "typed"));
    assert_non_null(strstr(err.message, "i32"));
    yk__arena_free(&scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(concat_of_many),
        cmocka_unit_test(half_in_a_run),
        cmocka_unit_test(table_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
