/* Plans: a hand-built network with what YOLO networks are made of, planned for every instruction-set level, elided and not,
 * against the ref backend. Memory is poisoned before every run, so a plan that leans on old contents, or that lets two live
 * tensors share memory, cannot answer right. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/plan.h"

/* --- building --- */

typedef struct network {
    yk__graph graph;
    uint32_t seed;
} network;

static float *noise(network *net, int64_t n, float scale) {
    float *data = malloc((size_t)n * sizeof *data);
    assert_non_null(data);
    for (int64_t i = 0; i < n; i++) {
        net->seed = net->seed * 1664525u + 1013904223u;
        data[i] = ((float)(net->seed >> 8) / 16777216.0f - 0.5f) * 2 * scale;
    }
    return data;
}

static int32_t value(network *net, const char *name) {
    yk__shape unknown = {.rank = 4, .dim = {-1, -1, -1, -1}};
    int32_t v = yk__graph_add_value(&net->graph, name, YK__DTYPE_F32, &unknown, NULL);
    assert_true(v >= 0);
    return v;
}

static int32_t constant(network *net, const char *name, int rank, const int64_t *dim, float scale) {
    yk__shape shape = yk__shape_make(rank, dim);
    int64_t count;
    assert_true(yk__shape_count(&shape, &count));
    float *data = noise(net, count, scale);
    int32_t v = yk__graph_add_constant(&net->graph, name, YK__DTYPE_F32, &shape, data);
    free(data);
    return v;
}

static int32_t integers(network *net, const char *name, int n, const int64_t *data) {
    yk__shape shape = yk__shape_make(1, (int64_t[1]){n});
    return yk__graph_add_constant(&net->graph, name, YK__DTYPE_I64, &shape, data);
}

static yk__node *node(network *net, yk__op op, const char *name, const int32_t *in, int n_in, const int32_t *out, int n_out) {
    int32_t index = yk__graph_add_node(&net->graph, op, name, in, n_in, out, n_out);
    assert_true(index >= 0);
    return &net->graph.nodes[index];
}

static int32_t one(network *net, yk__op op, const char *name, const int32_t *in, int n_in) {
    int32_t out = value(net, name);
    node(net, op, name, in, n_in, &out, 1);
    return out;
}

static int32_t conv(network *net, const char *name, int32_t x, int64_t c, int64_t o, int64_t k, int64_t s, int32_t residual) {
    int32_t in[4] = {x, 0, 0, residual}, out = value(net, name);
    in[1] = constant(net, "w", 4, (int64_t[4]){o, c, k, k}, 1.0f / sqrtf((float)(c * k * k)));
    in[2] = constant(net, "b", 1, &o, 0.1f);
    yk__node *made = node(net, YK__OP_CONV, name, in, residual >= 0 ? 4 : 3, &out, 1);
    int64_t pad = k / 2;
    yk__node_set_ints(&net->graph, made, "pads", (int64_t[4]){pad, pad, pad, pad}, 4);
    yk__node_set_ints(&net->graph, made, "strides", (int64_t[2]){s, s}, 2);
    yk__node_set_string(&net->graph, made, "act", "silu");
    return out;
}

static int32_t concat(network *net, const char *name, const int32_t *in, int n) {
    int32_t out = value(net, name);
    yk__node_set_int(&net->graph, node(net, YK__OP_CONCAT, name, in, n, &out, 1), "axis", 1);
    return out;
}

static int32_t pool5(network *net, const char *name, int32_t x) {
    int32_t out = value(net, name);
    yk__node *made = node(net, YK__OP_MAX_POOL, name, &x, 1, &out, 1);
    yk__node_set_ints(&net->graph, made, "kernel_shape", (int64_t[2]){5, 5}, 2);
    yk__node_set_ints(&net->graph, made, "pads", (int64_t[4]){2, 2, 2, 2}, 4);
    return out;
}

static void split2(network *net, const char *name, int32_t x, int64_t each, int32_t out[2]) {
    int32_t in[2] = {x, integers(net, "sizes", 2, (int64_t[2]){each, each})};
    out[0] = value(net, "half a");
    out[1] = value(net, "half b");
    yk__node_set_int(&net->graph, node(net, YK__OP_SPLIT, name, in, 2, out, 2), "axis", 1);
}

static int32_t c2f(network *net, int32_t x, int64_t c, int64_t hidden) {
    int32_t parts[3];
    int32_t all = conv(net, "c2f.cv1", x, c, 2 * hidden, 1, 1, -1);
    split2(net, "c2f.split", all, hidden, parts);
    int32_t inner = conv(net, "c2f.m.cv1", parts[1], hidden, hidden, 3, 1, -1);
    parts[2] = conv(net, "c2f.m.cv2", inner, hidden, hidden, 3, 1, parts[1]);
    return conv(net, "c2f.cv2", concat(net, "c2f.concat", parts, 3), 3 * hidden, 2 * hidden, 1, 1, -1);
}

/* input -> stem -> C2f -> stride 2 -> SPPF -> upsample + concat -> output; a second output: mean, flatten, linear, softmax */
static void build_network(network *net, int64_t hidden) {
    memset(net, 0, sizeof *net);
    net->seed = 7;
    yk__graph_init(&net->graph, 0);
    yk__graph *graph = &net->graph;
    yk__shape in_shape = {.rank = 4, .dim = {-1, 3, -1, -1}};
    int32_t input = yk__graph_add_value(graph, "images", YK__DTYPE_F32, &in_shape, NULL);
    int32_t prepared = one(net, YK__OP_IMAGE_INPUT, "input", &input, 1);
    int32_t stem = conv(net, "stem", prepared, 3, hidden, 3, 2, -1);
    int32_t p1 = c2f(net, stem, hidden, hidden);
    int32_t down = conv(net, "down", p1, 2 * hidden, 2 * hidden, 3, 2, -1);
    int32_t parts[4] = {conv(net, "sppf.cv1", down, 2 * hidden, hidden, 1, 1, -1)};
    for (int i = 0; i < 3; i++) parts[i + 1] = pool5(net, "sppf.pool", parts[i]);
    int32_t p2 = conv(net, "sppf.cv2", concat(net, "sppf.concat", parts, 4), 4 * hidden, 2 * hidden, 1, 1, -1);
    float scales[4] = {1, 1, 2, 2};
    yk__shape four = yk__shape_make(1, (int64_t[1]){4});
    int32_t resize_in[3] = {p2, YK__NO_VALUE, yk__graph_add_constant(graph, "scales", YK__DTYPE_F32, &four, scales)};
    int32_t up = value(net, "up");
    yk__node *resize = node(net, YK__OP_RESIZE, "up", resize_in, 3, &up, 1);
    yk__node_set_string(graph, resize, "coordinate_transformation_mode", "asymmetric");
    yk__node_set_string(graph, resize, "nearest_mode", "floor");
    int32_t fused = concat(net, "neck.concat", (int32_t[2]){up, p1}, 2);
    int32_t y = conv(net, "neck", fused, 4 * hidden, hidden, 1, 1, -1);
    /* p1 in a second concat: its place is taken, so it must be copied */
    int32_t again = concat(net, "again.concat", (int32_t[2]){y, p1}, 2);
    int32_t out = conv(net, "out", again, 3 * hidden, 5, 3, 1, -1);
    int32_t mean = one(net, YK__OP_GLOBAL_AVERAGE_POOL, "mean", &p2, 1), flat = one(net, YK__OP_FLATTEN, "flat", &mean, 1);
    int64_t linear_dim[2] = {7, 2 * hidden};
    int32_t gemm_in[2] = {flat, constant(net, "linear.w", 2, linear_dim, 0.5f)}, logits = value(net, "logits");
    yk__node_set_int(graph, node(net, YK__OP_GEMM, "linear", gemm_in, 2, &logits, 1), "transB", 1);
    int32_t probabilities = one(net, YK__OP_SOFTMAX, "softmax", &logits, 1);
    static int32_t inputs[1], outputs[2];
    inputs[0] = input;
    outputs[0] = out;
    outputs[1] = probabilities;
    graph->inputs = inputs;
    graph->n_inputs = 1;
    graph->outputs = outputs;
    graph->n_outputs = 2;
    yk__error err;
    if (yk__graph_verify(graph, &err) != YK__OK) fail_msg("%s", err.message);
}

/* --- running --- */

typedef struct answer {
    float *data[2];
    int64_t count[2];
} answer;

static void free_answer(answer *a) {
    free(a->data[0]);
    free(a->data[1]);
}

static yk__specialisation *make_plan(const network *net, const yk__shape *shape, const yk__backend *first,
                                     yk__plan_options options) {
    yk__specialisation *plan = NULL;
    yk__error err;
    options.n_backends = 0;
    if (first) options.backends[options.n_backends++] = first;
    options.backends[options.n_backends++] = yk__backend_ref();
    options.evaluate = yk__ref_evaluate;
    if (yk__plan_create(&plan, &net->graph, shape, &options, &err) != YK__OK) fail_msg("%s", err.message);
    return plan;
}

static answer run(const yk__specialisation *plan, yk__pool *pool, const float *input) {
    answer a = {{NULL, NULL}, {0, 0}};
    yk__error err;
    size_t bytes = plan->memory_bytes + YK__CACHE_LINE;
    yk__exec exec = {.memory = yk__alloc_aligned(bytes), .pool = pool, .input = {.tensor = input}};
    assert_non_null(exec.memory);
    memset(exec.memory, 0xff, bytes); /* NaN everywhere */
    memset(exec.memory, 0, plan->zeroed_bytes);
    if (yk__plan_execute(plan, &exec, NULL, &err) != YK__OK) fail_msg("%s", err.message);
    for (size_t i = plan->memory_bytes; i < bytes; i++) assert_int_equal(exec.memory[i], 0xff);
    for (int32_t i = 0; i < plan->n_outputs && i < 2; i++) {
        assert_int_equal(plan->outputs[i].form, YK__FORM_PLAIN);
        assert_true(yk__shape_count(&plan->outputs[i].shape, &a.count[i]));
        a.data[i] = malloc((size_t)a.count[i] * sizeof(float));
        memcpy(a.data[i], yk__operand_data(&plan->outputs[i], &exec), (size_t)a.count[i] * sizeof(float));
    }
    yk__free_aligned(exec.memory, bytes);
    return a;
}

static void assert_close(const answer *a, const answer *b, float bound, const char *what) {
    for (int i = 0; i < 2; i++) {
        assert_int_equal(a->count[i], b->count[i]);
        for (int64_t k = 0; k < a->count[i]; k++) {
            if (!(fabsf(a->data[i][k] - b->data[i][k]) <= bound)) {
                fail_msg("%s: output %d element %d: %.9g and %.9g", what, i, (int)k, (double)a->data[i][k],
                         (double)b->data[i][k]);
            }
        }
    }
}

static int levels(const yk__backend *out[4]) {
    static const char *caps[] = {"generic", "avx2", "avx512", "neon"};
    int n = 0;
    for (size_t i = 0; i < sizeof caps / sizeof *caps; i++) {
        yk__cpu cpu = yk__cpu_with_cap(caps[i]);
        if (strcmp(yk__isa_name(cpu.isa), caps[i]) == 0) out[n++] = yk__backend_cpu(cpu.isa);
    }
    return n;
}

static void check_network(int64_t hidden, const yk__shape *shape) {
    network net;
    build_network(&net, hidden);
    int64_t count;
    assert_true(yk__shape_count(shape, &count));
    float *input = noise(&net, count, 1.0f);
    yk__pool *pool = NULL;
    assert_int_equal(yk__pool_create(&pool, 2, NULL), YK__OK);
    yk__specialisation *oracle = make_plan(&net, shape, NULL, (yk__plan_options){0});
    answer want = run(oracle, NULL, input);
    const yk__backend *backends[4];
    int n = levels(backends);
    for (int b = 0; b < n; b++) {
        yk__specialisation *plan = make_plan(&net, shape, backends[b], (yk__plan_options){.n_threads = 2});
        yk__specialisation *copying = make_plan(&net, shape, backends[b], (yk__plan_options){.no_elide = true});
        yk__specialisation *keeping = make_plan(&net, shape, backends[b], (yk__plan_options){.keep_all = true, .n_threads = 2});
        answer got = run(plan, pool, input), alone = run(plan, NULL, input);
        answer copied = run(copying, NULL, input), kept = run(keeping, NULL, input);
        /* about 20 layers, each with roundings of some 1e-7 of values of size 1 */
        assert_close(&want, &got, 2e-5f, backends[b]->isa);
        assert_close(&got, &alone, 0, "one and two threads");
        assert_close(&got, &copied, 0, "elided and copied");
        /* nothing is fused where everything is kept: the first layer runs in another kernel, so roundings differ */
        assert_close(&got, &kept, 2e-5f, "memory reused and kept");
        assert_true(plan->memory_bytes < keeping->memory_bytes);
        if (hidden % backends[b]->block == 0) assert_true(plan->n_steps < copying->n_steps);
        free_answer(&got), free_answer(&alone), free_answer(&copied), free_answer(&kept);
        yk__plan_destroy(&plan), yk__plan_destroy(&copying), yk__plan_destroy(&keeping);
    }
    free_answer(&want);
    yk__plan_destroy(&oracle);
    yk__pool_destroy(&pool);
    yk__graph_free(&net.graph);
    free(input);
}

static void test_network_on_every_level(void **state) {
    (void)state;
    yk__shape shape = {.rank = 4, .dim = {1, 3, 36, 52}};
    check_network(16, &shape);
    check_network(12, &shape); /* channels that fill no block of 8 or 16 */
    yk__shape batch = {.rank = 4, .dim = {3, 3, 20, 12}};
    check_network(16, &batch);
}

static void test_batch_equals_single(void **state) {
    (void)state;
    network net;
    build_network(&net, 16);
    yk__shape batch = {.rank = 4, .dim = {3, 3, 28, 36}}, single = {.rank = 4, .dim = {1, 3, 28, 36}};
    int64_t each = 3 * 28 * 36;
    float *input = noise(&net, 3 * each, 1.0f);
    const yk__backend *backends[4];
    int n = levels(backends);
    for (int b = 0; b < n; b++) {
        yk__specialisation *whole = make_plan(&net, &batch, backends[b], (yk__plan_options){0});
        yk__specialisation *alone = make_plan(&net, &single, backends[b], (yk__plan_options){0});
        answer all = run(whole, NULL, input);
        for (int i = 0; i < 3; i++) {
            answer a = run(alone, NULL, input + i * each);
            for (int o = 0; o < 2; o++) {
                assert_memory_equal(all.data[o] + i * a.count[o], a.data[o], (size_t)a.count[o] * sizeof(float));
            }
            free_answer(&a);
        }
        free_answer(&all);
        yk__plan_destroy(&whole), yk__plan_destroy(&alone);
    }
    yk__graph_free(&net.graph);
    free(input);
}

/* --- the memory plan, by intervals --- */

typedef struct extent {
    size_t from, to;
} extent;

/* Bytes from the first to the last that the operand's step may touch, halo included. */
static extent extent_of(const yk__operand *o) {
    if (o->form == YK__FORM_PLAIN) {
        size_t bytes = 0;
        yk__tensor_bytes(o->dtype, &o->shape, &bytes);
        return (extent){o->offset, o->offset + bytes};
    }
    const int64_t *d = o->shape.dim, blocks = (d[1] + o->block - 1) / o->block;
    int64_t before = o->halo * (o->row_stride + o->block);
    int64_t last = (d[0] - 1) * o->image_stride + (blocks - 1) * o->block_stride + (d[2] - 1 + o->halo) * o->row_stride +
                   (d[3] + o->halo) * o->block;
    return (extent){o->offset - (size_t)before * 4, o->offset + (size_t)last * 4};
}

static bool overlap(extent a, extent b) {
    return a.from < b.to && b.from < a.to;
}

/* Between the step that makes a value and the last that reads it, no other step writes into the value's bytes. Only for
 * batch 1 and plans without elision, where every operand is one stretch of its own. */
static void check_intervals(const yk__specialisation *plan) {
    for (int32_t made = 0; made < plan->n_steps; made++) {
        const yk__operand *out = &plan->steps[made].out[0];
        int32_t last = made;
        for (int32_t s = made + 1; s < plan->n_steps; s++) {
            for (int32_t i = 0; i < plan->steps[s].n_in; i++) {
                const yk__operand *in = &plan->steps[s].in[i];
                if (in->kind == YK__PLACE_MEMORY && in->offset == out->offset && in->value == out->value) last = s;
            }
        }
        for (int32_t s = made + 1; s <= last; s++) {
            const yk__step *step = &plan->steps[s];
            bool in_place = s == last && step->in[0].offset == step->out[0].offset;
            if (!in_place) assert_false(overlap(extent_of(out), extent_of(&step->out[0])));
            extent scratch = {step->scratch_offset, step->scratch_offset + step->scratch_bytes};
            if (step->scratch_bytes) assert_false(overlap(extent_of(out), scratch));
        }
        assert_true(extent_of(out).to <= plan->memory_bytes);
    }
}

static void test_memory_intervals(void **state) {
    (void)state;
    network net;
    build_network(&net, 16);
    yk__shape shape = {.rank = 4, .dim = {1, 3, 40, 40}};
    const yk__backend *backends[4];
    int n = levels(backends);
    for (int b = 0; b < n; b++) {
        yk__specialisation *plan = make_plan(&net, &shape, backends[b], (yk__plan_options){.no_elide = true, .n_threads = 3});
        check_intervals(plan);
        yk__plan_destroy(&plan);
    }
    yk__graph_free(&net.graph);
}

/* --- what is left of concat and split --- */

static void test_elision(void **state) {
    (void)state;
    network net;
    build_network(&net, 16);
    yk__shape shape = {.rank = 4, .dim = {1, 3, 40, 40}};
    const yk__backend *backends[4];
    int n = levels(backends);
    for (int b = 0; b < n; b++) {
        yk__specialisation *plan = make_plan(&net, &shape, backends[b], (yk__plan_options){0});
        int copies = 0;
        for (int32_t i = 0; i < plan->n_steps; i++) {
            const yk__step *step = &plan->steps[i];
            if (step->node) {
                assert_int_not_equal(step->node->op, YK__OP_CONCAT);
                assert_int_not_equal(step->node->op, YK__OP_SPLIT);
                assert_int_not_equal(step->node->op, YK__OP_FLATTEN);
                assert_int_not_equal(step->node->op, YK__OP_IMAGE_INPUT); /* done by the first convolution */
            } else if (step->in[0].form == YK__FORM_BLOCKED && step->out[0].form == YK__FORM_BLOCKED) {
                copies++;
            }
        }
        assert_int_equal(copies, 1); /* p1 into the second concat that wants it, nothing else */
        yk__text text = {0};
        yk__plan_dump(plan, &text);
        assert_non_null(strstr(yk__text_get(&text), "c2f.m.cv2"));
        assert_non_null(strstr(yk__text_get(&text), "blocked"));
        yk__text_free(&text);
        yk__plan_destroy(&plan);
    }
    yk__graph_free(&net.graph);
}

static void test_refusal_names_the_node(void **state) {
    (void)state;
    network net;
    build_network(&net, 16);
    yk__shape shape = {.rank = 4, .dim = {1, 3, 40, 40}};
    yk__specialisation *plan = NULL;
    yk__error err;
    yk__plan_options options = {.backends = {yk__backend_cpu(YK__ISA_GENERIC)}, .n_backends = 1, .evaluate = yk__ref_evaluate};
    /* without ref nobody runs the input's conversion alone, or the softmax */
    assert_int_equal(yk__plan_create(&plan, &net.graph, &shape, &options, &err), YK__UNSUPPORTED);
    assert_null(plan);
    assert_non_null(strstr(err.message, "node \""));
    yk__graph_free(&net.graph);
}

static void test_pack_cache_is_shared(void **state) {
    (void)state;
    network net;
    build_network(&net, 16);
    yk__pack_cache *cache = NULL;
    assert_int_equal(yk__pack_cache_create(&cache, NULL), YK__OK);
    yk__shape small = {.rank = 4, .dim = {1, 3, 32, 32}}, large = {.rank = 4, .dim = {1, 3, 40, 64}};
    const yk__backend *cpu = yk__backend_cpu(yk__cpu_get()->isa);
    yk__specialisation *a = make_plan(&net, &small, cpu, (yk__plan_options){.pack_cache = cache});
    yk__specialisation *b = make_plan(&net, &large, cpu, (yk__plan_options){.pack_cache = cache});
    int shared = 0;
    for (int32_t i = 0; i < a->n_steps; i++) {
        for (int32_t k = 0; k < b->n_steps; k++) {
            const yk__step *x = &a->steps[i], *y = &b->steps[k];
            if (x->packed && x->node == y->node && x->kernel == y->kernel) {
                assert_ptr_equal(x->packed, y->packed);
                shared++;
            }
        }
    }
    assert_true(shared >= 5);
    yk__plan_destroy(&a), yk__plan_destroy(&b);
    yk__pack_cache_destroy(&cache);
    yk__graph_free(&net.graph);
}

/* --- lazy branches --- */

/* stem -> box: 3x3, 3x3, 1x1; class: 1x1; extra: 3x3, 1x1; one level */
static void build_head_network(network *net) {
    memset(net, 0, sizeof *net);
    net->seed = 11;
    yk__graph_init(&net->graph, 0);
    yk__graph *graph = &net->graph;
    yk__shape in_shape = {.rank = 4, .dim = {-1, 3, -1, -1}};
    int32_t input = yk__graph_add_value(graph, "images", YK__DTYPE_F32, &in_shape, NULL);
    int32_t x = conv(net, "stem", one(net, YK__OP_IMAGE_INPUT, "input", &input, 1), 3, 16, 3, 2, -1);
    int32_t box = conv(net, "box.1", conv(net, "box.0", x, 16, 24, 3, 1, -1), 24, 16, 3, 1, -1);
    int32_t extra = conv(net, "extra.0", x, 16, 16, 3, 1, -1);
    int32_t in[4] = {conv(net, "box.2", box, 16, 64, 1, 1, -1), conv(net, "class", x, 16, 3, 1, 1, -1),
                     conv(net, "extra.1", extra, 16, 5, 1, 1, -1)};
    in[3] = conv(net, "prototypes", x, 16, 5, 1, 1, -1);
    int32_t out[2] = {value(net, "raw"), value(net, "protos")};
    yk__node *head = node(net, YK__OP_YOLK_HEAD, "head", in, 4, out, 2);
    yk__node_set_string(graph, head, "task", "segment");
    yk__node_set_int(graph, head, "levels", 1);
    yk__node_set_int(graph, head, "classes", 3);
    yk__node_set_int(graph, head, "extra", 5);
    yk__node_set_floats(graph, head, "strides", (double[1]){2}, 1);
    static int32_t inputs[1], outputs[2];
    inputs[0] = input, outputs[0] = out[0], outputs[1] = out[1];
    graph->inputs = inputs, graph->n_inputs = 1, graph->outputs = outputs, graph->n_outputs = 2;
}

#define LAZY_CANDIDATES 2048

static void run_head(const yk__specialisation *plan, yk__pool *pool, const float *input, float conf, yk__candidates *c,
                     int64_t *untouched) {
    yk__error err;
    yk__exec exec = {.memory = yk__alloc_aligned(plan->memory_bytes),
                     .pool = pool,
                     .input = {.tensor = input},
                     .params = {.conf = conf},
                     .candidates = c};
    assert_non_null(exec.memory);
    memset(exec.memory, 0xff, plan->memory_bytes);
    if (yk__plan_execute(plan, &exec, NULL, &err) != YK__OK) fail_msg("%s", err.message);
    *untouched = 0;
    for (size_t i = 0; i < plan->memory_bytes; i++) *untouched += exec.memory[i] == 0xff;
    yk__free_aligned(exec.memory, plan->memory_bytes);
}

static void test_lazy_branches_change_nothing(void **state) {
    (void)state;
    network net;
    build_head_network(&net);
    yk__shape shape = {.rank = 4, .dim = {2, 3, 86, 108}};
    int64_t count;
    assert_true(yk__shape_count(&shape, &count));
    float *input = noise(&net, count, 0.05f);
    for (int64_t y = 20; y < 26; y++) { /* one bright spot in the first picture, another at the second's corner */
        for (int64_t x = 50; x < 58; x++) input[y * 108 + x] = 40;
        for (int64_t x = 0; x < 5; x++) input[(3 * 86 + 80 + y - 20) * 108 + x] = 40;
    }
    yk__pool *pool = NULL;
    assert_int_equal(yk__pool_create(&pool, 2, NULL), YK__OK);
    yk__candidate *items = malloc(4 * LAZY_CANDIDATES * sizeof *items);
    float *extra = malloc(4 * LAZY_CANDIDATES * 5 * sizeof *extra);
    assert_non_null(items);
    assert_non_null(extra);
    const yk__backend *backends[4];
    int n = levels(backends);
    for (int b = 0; b < n; b++) {
        yk__specialisation *lazy = make_plan(&net, &shape, backends[b], (yk__plan_options){.n_threads = 2});
        yk__specialisation *eager = make_plan(&net, &shape, backends[b], (yk__plan_options){.n_threads = 2, .eager = true});
        int with_tiles = 0;
        for (int32_t i = 0; i < lazy->n_steps; i++) with_tiles += lazy->steps[i].tiles != NULL;
        assert_int_equal(with_tiles, 5); /* three of the box branch, two of the extras */
        static const float confs[] = {0.999f, 0.9f, 0.6f, 0.3f, 0.0f};
        for (size_t k = 0; k < sizeof confs / sizeof *confs; k++) {
            yk__candidates c[4];
            for (int i = 0; i < 4; i++) {
                c[i] = (yk__candidates){.capacity = LAZY_CANDIDATES,
                                        .n_extra = 5,
                                        .items = items + i * LAZY_CANDIDATES,
                                        .extra = extra + i * LAZY_CANDIDATES * 5};
            }
            int64_t untouched_lazy, untouched_eager;
            run_head(lazy, pool, input, confs[k], c, &untouched_lazy);
            run_head(eager, NULL, input, confs[k], c + 2, &untouched_eager);
            for (int i = 0; i < 2; i++) {
                assert_int_equal(c[i].count, c[i + 2].count);
                assert_int_equal(c[i].found, c[i + 2].found);
                assert_memory_equal(c[i].items, c[i + 2].items, (size_t)c[i].count * sizeof *items);
                assert_memory_equal(c[i].extra, c[i + 2].extra, (size_t)c[i].count * 5 * sizeof *extra);
            }
            /* the spots give something to find, and at high thresholds most tiles are left as they were */
            if (confs[k] < 0.95f) assert_true(c[0].count > 0 && c[1].count > 0);
            if (confs[k] == 0.9f) assert_true(c[0].count < 400 && untouched_lazy > untouched_eager + 100000);
            if (confs[k] == 0.0f) assert_int_equal(c[0].count, LAZY_CANDIDATES);
        }
        yk__plan_destroy(&lazy), yk__plan_destroy(&eager);
    }
    free(items);
    free(extra);
    free(input);
    yk__pool_destroy(&pool);
    yk__graph_free(&net.graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network_on_every_level),
        cmocka_unit_test(test_batch_equals_single),
        cmocka_unit_test(test_memory_intervals),
        cmocka_unit_test(test_elision),
        cmocka_unit_test(test_refusal_names_the_node),
        cmocka_unit_test(test_pack_cache_is_shared),
        cmocka_unit_test(test_lazy_branches_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
