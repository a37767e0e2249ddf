/* Every kernel of every instruction-set level that this machine has, against the ref backend: odd sizes, strides, padding,
 * dilation, groups, neighbours in the same buffer, larger halos than asked for, one and two threads, batches.
 *
 * Bounds: a sum of K products in any order differs from another order by roundings that add up like a random walk, in
 * proportion to the sum of magnitudes |w||x| (computed with the ref backend on absolute values): six sigmas of 2 sqrt(K)
 * roundings of 2^-24, and for activations 2e-6 of the value (exponential by polynomial, one division). bf16 kernels get inputs
 * and weights that bf16 can hold and are held against the same sums in f32: half a unit of bf16 (2^-9 of the value) more where
 * they store bf16, and as much again because either side of a tie may be taken; SiLU's exponential is 3e-6 off there. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/cpu/bf16_cpu.h"
#include "kernel/kernel_case.h"

static uint64_t seed;
static uint32_t random_bits(void) { /* a fixed sequence: failures can be repeated */
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33);
}
static int64_t between(int64_t low, int64_t high) {
    return low + (int64_t)(random_bits() % (uint32_t)(high - low + 1));
}

static float *random_floats(int64_t n, float scale) {
    float *data = malloc((size_t)(n ? n : 1) * sizeof *data);
    assert_non_null(data);
    for (int64_t i = 0; i < n; i++) data[i] = ((float)random_bits() / 2147483648.0f - 0.5f) * 2 * scale;
    return data;
}

/* One problem: how to build the node, what it may be off by. */
typedef struct problem {
    char name[160];
    yk__op op;
    int n_in;
    int64_t dim[4][4];
    int rank[4];
    bool constant[4];
    float *data[4];
    void (*attributes)(yk__graph *graph, yk__node *node, const struct problem *p);
    int64_t terms; /* products per sum, 0 for elementwise */
    int64_t k[2], s[2], d[2], pads[4], group;
    const char *act;
    bool flag;
    bool bf16, f32_out; /* inputs and weights of bf16; a convolution that answers in f32 */
} problem;

static int64_t count_of(const problem *p, int i) {
    int64_t n = 1;
    for (int d = 0; d < p->rank[i]; d++) n *= p->dim[i][d];
    return n;
}

static void fill(problem *p, float scale) {
    for (int i = 0; i < p->n_in; i++) {
        p->data[i] = random_floats(count_of(p, i), scale);
        for (int64_t k = 0; p->bf16 && k < count_of(p, i); k++)
            p->data[i][k] = yk__bf16_to_float(yk__float_to_bf16(p->data[i][k]));
    }
}

static void drop(problem *p) {
    for (int i = 0; i < p->n_in; i++) free(p->data[i]);
}

static void build(kernel_case *c, const problem *p) {
    kernel_case_init(c);
    int32_t in[4];
    for (int i = 0; i < p->n_in; i++) {
        /* biases, scales and what is added to an answer in f32 are f32 */
        bool half = p->bf16 && p->rank[i] == 4 && !(i == 3 && p->f32_out);
        if (p->constant[i])
            in[i] = (half ? kernel_case_constant_bf16 : kernel_case_constant)(c, p->rank[i], p->dim[i], p->data[i]);
        else
            in[i] = (half ? kernel_case_input_bf16 : kernel_case_input)(c, p->rank[i], p->dim[i], p->data[i]);
    }
    yk__node *node = kernel_case_node(c, p->op, in, p->n_in, 1);
    if (p->attributes) p->attributes(&c->graph, node, p);
    if (p->f32_out) yk__node_set_string(&c->graph, node, "out_type", "f32");
}

/* The ref backend's answer; with magnitudes set, that for absolute values of everything and no activation or residual. */
static float *reference(const problem *p, bool magnitudes) {
    kernel_case c;
    problem in_f32 = *p;
    in_f32.bf16 = in_f32.f32_out = false;
    build(&c, &in_f32);
    yk__node *node = &c.graph.nodes[c.node];
    yk__inferred facts[4], out_facts;
    yk__tensor in[4], out;
    yk__error err;
    if (magnitudes) yk__node_set_string(&c.graph, node, "act", "none");
    for (int i = 0; i < p->n_in; i++) {
        float *data = malloc((size_t)count_of(p, i) * sizeof *data);
        assert_non_null(data);
        for (int64_t k = 0; k < count_of(p, i); k++) data[k] = magnitudes ? fabsf(p->data[i][k]) : p->data[i][k];
        in[i] = (yk__tensor){.dtype = YK__DTYPE_F32, .shape = yk__shape_make(p->rank[i], p->dim[i]), .data = data};
        facts[i] = (yk__inferred){.dtype = YK__DTYPE_F32, .shape = in[i].shape, .data = p->constant[i] ? data : NULL};
    }
    if (yk__infer_node(node, facts, &out_facts, &err) != YK__OK) fail_msg("%s: %s", p->name, err.message);
    size_t bytes;
    assert_true(yk__tensor_bytes(out_facts.dtype, &out_facts.shape, &bytes));
    out = (yk__tensor){.dtype = out_facts.dtype, .shape = out_facts.shape, .data = calloc(1, bytes)};
    yk__arena scratch;
    yk__arena_init(&scratch, 0);
    if (yk__ref_evaluate(node, in, &out, &scratch, &err) != YK__OK) fail_msg("%s: %s", p->name, err.message);
    yk__arena_free(&scratch);
    for (int i = 0; i < p->n_in; i++) free(in[i].data);
    kernel_case_free(&c);
    return out.data;
}

static void compare(const problem *p, const char *kernel, const float *want, const float *magnitude, const float *got,
                    int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        double bound = 2e-6 * fmax(1.0, fabs((double)want[i]));
        if (p->terms) bound += (6 * 2 * sqrt((double)p->terms) + 4) * 0x1p-24 * (double)magnitude[i];
        if (p->bf16 && !p->f32_out) bound = bound + 0x1p-8 * fabs((double)want[i]) + 1e-6;
        if (strstr(kernel, "winograd")) bound *= 4; /* transforms with entries up to 4 and cancellation, see docs/kernels.md */
        if (!(fabs((double)got[i] - (double)want[i]) <= bound)) {
            fail_msg("%s, %s: element %lld is %.9g, ref says %.9g, bound %.3g", kernel, p->name, (long long)i, (double)got[i],
                     (double)want[i], bound);
        }
    }
}

static yk__pool *two_threads;
static int n_accepted, n_asked;

static void run_case(const problem *p, const yk__backend *backend, const yk__kernel *kernel, const float *want,
                     const float *magnitude) {
    float *first = NULL;
    n_asked++;
    for (int variant = 0; variant < 2; variant++) {
        kernel_case c;
        yk__error err;
        build(&c, p);
        c.extra_halo = variant ? 2 : 0;
        c.blocks_before = variant ? 3 : 0;
        c.blocks_after = variant;
        int ready = kernel_case_prepare(&c, backend, kernel, variant ? two_threads : NULL, &err);
        if (ready < 0) fail_msg("%s, %s: %s", kernel->name, p->name, err.message);
        if (ready == 0) {
            kernel_case_free(&c);
            return;
        }
        if (kernel_case_run(&c, &err) != YK__OK) fail_msg("%s, %s: %s", kernel->name, p->name, err.message);
        int64_t n;
        float *got = kernel_case_output(&c, 0, &n);
        assert_non_null(got);
        compare(p, kernel->name, want, magnitude, got, n);
        const char *damage = kernel_case_damage(&c);
        if (damage) fail_msg("%s, %s: %s", kernel->name, p->name, damage);
        if (first && memcmp(first, got, (size_t)n * sizeof *got) != 0)
            fail_msg("%s, %s: two threads differ", kernel->name, p->name);
        free(first);
        first = got;
        kernel_case_free(&c);
    }
    n_accepted++;
    free(first);
}

/* Batch N equals N times batch 1, bit for bit: picture n alone gives row n. */
static void run_batch(const problem *p, const yk__backend *backend, const yk__kernel *kernel) {
    const bool over_pictures = p->op == YK__OP_SOFTMAX && p->k[0] == 0;
    if (p->rank[0] != 4 || p->dim[0][0] < 2 || over_pictures) return;
    kernel_case whole;
    yk__error err;
    build(&whole, p);
    if (kernel_case_prepare(&whole, backend, kernel, two_threads, &err) <= 0 || kernel_case_run(&whole, &err) != YK__OK) {
        kernel_case_free(&whole);
        return;
    }
    int64_t n, n_one;
    float *all = kernel_case_output(&whole, 0, &n);
    for (int64_t b = 0; b < p->dim[0][0]; b++) {
        problem single = *p;
        for (int i = 0; i < p->n_in; i++) {
            if (p->constant[i]) continue;
            single.data[i] = p->data[i] + b * (count_of(p, i) / p->dim[i][0]);
            single.dim[i][0] = 1;
        }
        kernel_case one;
        build(&one, &single);
        assert_int_equal(kernel_case_prepare(&one, backend, kernel, NULL, &err), 1);
        assert_int_equal(kernel_case_run(&one, &err), YK__OK);
        float *got = kernel_case_output(&one, 0, &n_one);
        if (memcmp(all + b * n_one, got, (size_t)n_one * sizeof *got) != 0) {
            fail_msg("%s, %s: picture %d of a batch differs from itself alone", kernel->name, p->name, (int)b);
        }
        free(got);
        kernel_case_free(&one);
    }
    free(all);
    kernel_case_free(&whole);
}

/* All levels this machine has. */
static int levels(const yk__backend *out[3]) {
    static const char *caps[] = {"generic", "avx2", "avx512", "neon"};
    int n = 0;
    for (size_t i = 0; i < sizeof caps / sizeof *caps; i++) {
        yk__cpu cpu = yk__cpu_with_cap(caps[i]);
        if (strcmp(yk__isa_name(cpu.isa), caps[i]) == 0) out[n++] = yk__backend_cpu(cpu.isa);
    }
    return n;
}

static void run_problem(problem *p) {
    const yk__backend *backends[4];
    int n = levels(backends);
    float *want = reference(p, false), *magnitude = p->terms ? reference(p, true) : NULL;
    for (int b = 0; b < n; b++) {
        for (int32_t k = 0; k < backends[b]->n_kernels; k++) {
            const yk__kernel *kernel = backends[b]->kernels[k];
            if (kernel->op != p->op) continue;
            run_case(p, backends[b], kernel, want, magnitude);
            run_batch(p, backends[b], kernel);
        }
    }
    free(want);
    free(magnitude);
}

/* --- convolution --- */

static void conv_attributes(yk__graph *graph, yk__node *node, const problem *p) {
    yk__node_set_ints(graph, node, "pads", p->pads, 4);
    yk__node_set_ints(graph, node, "strides", p->s, 2);
    yk__node_set_ints(graph, node, "dilations", p->d, 2);
    yk__node_set_int(graph, node, "group", p->group);
    yk__node_set_string(graph, node, "act", p->act);
    yk__node_set_float(graph, node, "act_alpha", 0.1);
}

static problem conv_problem(int64_t n, int64_t c, int64_t h, int64_t w, int64_t o, int64_t kh, int64_t kw, int64_t s, int64_t d,
                            int64_t group, int64_t pad, const char *act, bool residual) {
    problem p = {.op = YK__OP_CONV, .attributes = conv_attributes, .act = act, .group = group};
    p.k[0] = kh, p.k[1] = kw, p.s[0] = p.s[1] = s, p.d[0] = p.d[1] = d;
    for (int i = 0; i < 4; i++) p.pads[i] = pad;
    p.rank[0] = p.rank[1] = p.rank[3] = 4;
    p.rank[2] = 1;
    int64_t oh = (h + 2 * pad - (kh - 1) * d - 1) / s + 1, ow = (w + 2 * pad - (kw - 1) * d - 1) / s + 1;
    memcpy(p.dim[0], (int64_t[4]){n, c, h, w}, sizeof p.dim[0]);
    memcpy(p.dim[1], (int64_t[4]){o, c / group, kh, kw}, sizeof p.dim[1]);
    memcpy(p.dim[2], (int64_t[4]){o, 1, 1, 1}, sizeof p.dim[2]);
    memcpy(p.dim[3], (int64_t[4]){n, o, oh, ow}, sizeof p.dim[3]);
    p.constant[1] = p.constant[2] = true;
    p.n_in = residual ? 4 : 3;
    p.terms = c / group * kh * kw + 1 + residual;
    snprintf(p.name, sizeof p.name, "conv n%d c%d %dx%d o%d k%dx%d s%d d%d g%d p%d %s%s", (int)n, (int)c, (int)h, (int)w,
             (int)o, (int)kh, (int)kw, (int)s, (int)d, (int)group, (int)pad, act, residual ? " residual" : "");
    return p;
}

static void run_conv(problem p) {
    fill(&p, 1.0f);
    run_problem(&p);
    drop(&p);
}

static void test_conv_known_shapes(void **state) {
    (void)state;
    seed = 1;
    static const int64_t sizes[][2] = {{1, 1}, {1, 20}, {7, 7}, {13, 5}, {20, 20}, {33, 14}, {4, 12}, {3, 29}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int64_t h = sizes[i][0], w = sizes[i][1];
        run_conv(conv_problem(1, 16, h, w, 16, 3, 3, 1, 1, 1, 1, "silu", true));
        run_conv(conv_problem(1, 32, h, w, 64, 1, 1, 1, 1, 1, 0, "silu", false));
        run_conv(conv_problem(2, 24, h, w, 40, 3, 3, 1, 1, 1, 1, "relu", false));
        run_conv(conv_problem(1, 20, h, w, 84, 3, 3, 2, 1, 1, 1, "none", false));
        run_conv(conv_problem(1, 3, h, w, 16, 3, 3, 2, 1, 1, 1, "silu", false));
        run_conv(conv_problem(1, 48, h, w, 48, 3, 3, 1, 1, 48, 1, "silu", true));
        run_conv(conv_problem(1, 1, h, w, 5, 5, 5, 1, 1, 1, 2, "sigmoid", false));
    }
}

/* bf16: shapes of networks and odd ones; answers in bf16 and in f32. */
static void run_conv_bf16(problem p, bool f32_out) {
    p.bf16 = true;
    p.f32_out = f32_out;
    snprintf(p.name + strlen(p.name), sizeof p.name - strlen(p.name), " bf16%s", f32_out ? " to f32" : "");
    run_conv(p);
}

static void test_conv_bf16(void **state) {
    (void)state;
    seed = 11;
    static const char *acts[] = {"none", "silu", "relu", "leaky_relu", "sigmoid", "hardswish"};
    static const int64_t sizes[][2] = {{1, 1}, {1, 20}, {7, 7}, {13, 5}, {20, 20}, {33, 14}, {4, 17}, {3, 40}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int64_t h = sizes[i][0], w = sizes[i][1];
        run_conv_bf16(conv_problem(1, 16, h, w, 16, 3, 3, 1, 1, 1, 1, "silu", true), false);
        run_conv_bf16(conv_problem(1, 48, h, w, 64, 1, 1, 1, 1, 1, 0, "silu", false), false);
        run_conv_bf16(conv_problem(2, 24, h, w, 40, 3, 3, 1, 1, 1, 1, "relu", false), false);
        run_conv_bf16(conv_problem(1, 80, h, w, 80, 1, 1, 1, 1, 1, 0, "none", false), true);
        run_conv_bf16(conv_problem(1, 20, h, w, 84, 3, 3, 2, 1, 1, 1, "none", false), false);
        run_conv_bf16(conv_problem(1, 48, h, w, 48, 3, 3, 1, 1, 48, 1, "silu", true), false);
    }
    for (int i = 0; i < 200; i++) {
        int64_t c = between(1, 70), depthwise = !between(0, 4), o = depthwise ? c : between(1, 70);
        int64_t kh = between(1, 5), kw = between(0, 2) ? kh : between(1, 7), s = between(1, 3), d = between(0, 4) ? 1 : 2;
        int64_t pad = between(0, kh / 2), h = (kh - 1) * d + 1 + between(0, 17), w = (kw - 1) * d + 1 + between(0, 40);
        problem p =
            conv_problem(between(1, 3), c, h, w, o, kh, kw, s, d, depthwise ? c : 1, pad, acts[between(0, 5)], between(0, 1));
        run_conv_bf16(p, between(0, 3) == 0);
    }
}

/* What is said of bf16 sums (docs/kernels.md): the stand-in makes the bits of AVX512_BF16, and tiles those of the definition of
 * TDPBF16PS, worked out here in plain C. */
static float *sums_of(const problem *p, const char *name, int32_t *chunk) {
    const yk__backend *backend = yk__backend_cpu(yk__cpu_get()->isa);
    for (int32_t k = 0; k < backend->n_kernels; k++) {
        if (strcmp(backend->kernels[k]->name, name) != 0) continue;
        kernel_case c;
        yk__error err;
        int64_t n;
        build(&c, p);
        float *got = NULL;
        if (kernel_case_prepare(&c, backend, backend->kernels[k], NULL, &err) == 1 && kernel_case_run(&c, &err) == YK__OK) {
            got = kernel_case_output(&c, 0, &n);
            *chunk = ((const yk__bf16_state *)c.step.state)->chunk;
        }
        kernel_case_free(&c);
        return got;
    }
    return NULL;
}

/* One output of a 1x1 convolution as TDPBF16PS sums it. */
static float tile_sum(const problem *p, int64_t o, int64_t at, int64_t plane, int32_t chunk) {
    float sum = 0;
    for (int64_t first = 0; first < p->dim[0][1]; first += chunk) {
        float part[2] = {0, 0};
        for (int64_t c = first; c < first + chunk && c < p->dim[0][1]; c++)
            part[c % 2] = fmaf(p->data[0][c * plane + at], p->data[1][o * p->dim[0][1] + c], part[c % 2]);
        sum = sum + (part[0] + part[1]);
    }
    return sum;
}

/* A processor whose instruction itself sums a pair in another way than documented is held to the bounds of test_conv_bf16. */
static bool pairs_as_documented(void) {
    bool same = true;
    for (int i = 0; i < 40 && same; i++) {
        problem p = conv_problem(1, 2, 4, 40, 16, 1, 1, 1, 1, 1, 0, "none", false);
        p.bf16 = p.f32_out = true;
        fill(&p, 1.0f);
        int32_t chunk;
        float *native = sums_of(&p, "conv_bf16_blocked_direct_avx512bf16", &chunk);
        float *stand_in = sums_of(&p, "conv_bf16_blocked_direct_avx512", &chunk);
        same = !native || !stand_in || memcmp(native, stand_in, (size_t)count_of(&p, 3) * sizeof(float)) == 0;
        free(native);
        free(stand_in);
        drop(&p);
    }
    if (!same) printf("vdpbf16ps of this processor sums pairs in a way of its own\n");
    return same;
}

static void test_bf16_sums(void **state) {
    (void)state;
    seed = 12;
    bool compared = false, documented = pairs_as_documented();
    for (int i = 0; i < 20; i++) {
        int64_t h = between(1, 9), w = between(1, 40), o = between(1, 70);
        problem p = conv_problem(1, between(1, 200), h, w, o, 1, 1, 1, 1, 1, 0, "none", false);
        p.bf16 = p.f32_out = true;
        fill(&p, 1.0f);
        memset(p.data[2], 0, (size_t)o * sizeof(float)); /* sums alone: adding a bias would round again */
        int32_t chunk = 0;
        float *native = sums_of(&p, "conv_bf16_blocked_direct_avx512bf16", &chunk);
        float *stand_in = sums_of(&p, "conv_bf16_blocked_direct_avx512", &chunk);
        if (documented && native && stand_in && memcmp(native, stand_in, (size_t)(o * h * w) * sizeof(float)) != 0)
            fail_msg("%s: AVX512_BF16 and its stand-in differ", p.name);
        float *tiles = sums_of(&p, "conv_bf16_blocked_direct_amx", &chunk);
        for (int64_t k = 0; tiles && k < o * h * w; k++) {
            float want = tile_sum(&p, k / (h * w), k % (h * w), h * w, chunk);
            if (tiles[k] != want)
                fail_msg("%s: tiles sum element %lld to %.9g, not %.9g", p.name, (long long)k, (double)tiles[k], (double)want);
        }
        compared |= native || tiles;
        free(native);
        free(stand_in);
        free(tiles);
        drop(&p);
    }
    if (!compared) skip();
}

static void test_conv_random_shapes(void **state) {
    (void)state;
    seed = 2;
    static const char *acts[] = {"none", "silu", "relu", "leaky_relu", "sigmoid", "hardswish"};
    for (int i = 0; i < 300; i++) {
        int64_t group = between(0, 3) ? 1 : between(1, 6), c = group * between(1, 37), o = group * between(1, 37);
        int64_t kh = between(1, 5), kw = between(0, 2) ? kh : between(1, 7), s = between(1, 3), d = between(0, 4) ? 1 : 2;
        int64_t pad = between(0, kh / 2), h = (kh - 1) * d + 1 + between(0, 17), w = (kw - 1) * d + 1 + between(0, 30);
        run_conv(conv_problem(between(1, 3), c, h, w, o, kh, kw, s, d, group, pad, acts[between(0, 5)], between(0, 1)));
    }
    for (int i = 0; i < 60; i++) { /* what Winograd takes */
        int64_t c = between(1, 70), o = between(1, 90), pad = between(0, 1), h = between(3, 22), w = between(3, 30);
        run_conv(conv_problem(between(1, 2), c, h, w, o, 3, 3, 1, 1, 1, pad, acts[between(0, 5)], between(0, 1)));
    }
}

/* Every kernel's cast against that of the library, bit for bit. */
static void run_cast(const problem *p) {
    float *want = malloc((size_t)count_of(p, 0) * sizeof *want);
    assert_non_null(want);
    for (int64_t i = 0; i < count_of(p, 0); i++) want[i] = yk__bf16_to_float(yk__float_to_bf16(p->data[0][i]));
    problem exact = *p;
    const yk__backend *backends[4];
    int n = levels(backends);
    for (int b = 0; b < n; b++) {
        for (int32_t k = 0; k < backends[b]->n_kernels; k++) {
            if (backends[b]->kernels[k]->op == YK__OP_CAST) run_case(&exact, backends[b], backends[b]->kernels[k], want, NULL);
        }
    }
    free(want);
}

/* --- casts between f32 and bf16 --- */

static void cast_attributes(yk__graph *graph, yk__node *node, const problem *p) {
    yk__node_set_string(graph, node, "to", p->bf16 ? "f32" : "bf16");
}

static void test_cast(void **state) {
    (void)state;
    seed = 13;
    for (int i = 0; i < 40; i++) {
        problem p = {.op = YK__OP_CAST, .attributes = cast_attributes, .n_in = 1, .rank = {4}, .bf16 = i % 2};
        memcpy(p.dim[0], (int64_t[4]){between(1, 2), between(1, 40), between(1, 9), between(1, 20)}, sizeof p.dim[0]);
        snprintf(p.name, sizeof p.name, "cast to %s of %dx%dx%d", p.bf16 ? "f32" : "bf16", (int)p.dim[0][1], (int)p.dim[0][2],
                 (int)p.dim[0][3]);
        fill(&p, 3.0f);
        run_cast(&p);
        drop(&p);
    }
}

/* --- pooling --- */

static void pool_attributes(yk__graph *graph, yk__node *node, const problem *p) {
    if (p->op == YK__OP_GLOBAL_AVERAGE_POOL) return;
    yk__node_set_ints(graph, node, "kernel_shape", p->k, 2);
    yk__node_set_ints(graph, node, "strides", p->s, 2);
    yk__node_set_ints(graph, node, "pads", p->pads, 4);
    yk__node_set_int(graph, node, "ceil_mode", p->flag);
    if (p->op == YK__OP_AVERAGE_POOL) yk__node_set_int(graph, node, "count_include_pad", p->group);
}

static void test_pooling(void **state) {
    (void)state;
    seed = 3;
    static const yk__op ops[] = {YK__OP_MAX_POOL, YK__OP_AVERAGE_POOL, YK__OP_GLOBAL_AVERAGE_POOL};
    for (int i = 0; i < 150; i++) {
        problem p = {.op = ops[i % 3], .attributes = pool_attributes, .n_in = 1};
        p.rank[0] = 4;
        p.k[0] = between(1, 6), p.k[1] = between(1, 6), p.s[0] = between(1, 3), p.s[1] = between(1, 3);
        for (int d = 0; d < 4; d++) p.pads[d] = between(0, p.k[d % 2] / 2);
        p.flag = between(0, 1);
        p.group = between(0, 1);
        memcpy(p.dim[0], (int64_t[4]){between(1, 3), between(1, 40), between(6, 21), between(6, 210)}, sizeof p.dim[0]);
        p.terms = p.op == YK__OP_MAX_POOL ? 0 : p.op == YK__OP_AVERAGE_POOL ? 36 : p.dim[0][2] * p.dim[0][3];
        snprintf(p.name, sizeof p.name, "pool %d k%dx%d s%dx%d pads %d,%d,%d,%d of %dx%dx%d ceil %d", (int)p.op, (int)p.k[0],
                 (int)p.k[1], (int)p.s[0], (int)p.s[1], (int)p.pads[0], (int)p.pads[1], (int)p.pads[2], (int)p.pads[3],
                 (int)p.dim[0][1], (int)p.dim[0][2], (int)p.dim[0][3], (int)p.flag);
        p.bf16 = p.op == YK__OP_MAX_POOL && i % 2;
        fill(&p, 3.0f);
        run_problem(&p);
        drop(&p);
    }
}

/* --- elementwise --- */

static void alpha_attribute(yk__graph *graph, yk__node *node, const problem *p) {
    if (p->op == YK__OP_LEAKY_RELU) yk__node_set_float(graph, node, "alpha", 0.2);
}

static void test_elementwise(void **state) {
    (void)state;
    seed = 4;
    static const yk__op ops[] = {YK__OP_SILU,       YK__OP_SIGMOID, YK__OP_RELU, YK__OP_LEAKY_RELU,
                                 YK__OP_HARD_SWISH, YK__OP_ADD,     YK__OP_SUB,  YK__OP_MUL};
    for (int i = 0; i < 160; i++) {
        problem p = {.op = ops[i % 8], .attributes = alpha_attribute, .n_in = i % 8 < 5 ? 1 : 2};
        p.rank[0] = p.rank[1] = 4;
        memcpy(p.dim[0], (int64_t[4]){between(1, 3), between(1, 40), between(1, 21), between(1, 40)}, sizeof p.dim[0]);
        memcpy(p.dim[1], p.dim[0], sizeof p.dim[1]);
        int form = (int)between(0, 3); /* of the second operand: a tensor, per channel, a scalar, per channel of rank 3 */
        if (form) {
            p.constant[1] = true;
            p.rank[1] = form == 3 ? 3 : 4;
            int64_t c = form == 2 ? 1 : p.dim[0][1];
            memcpy(p.dim[1], form == 3 ? (int64_t[4]){c, 1, 1, 1} : (int64_t[4]){1, c, 1, 1}, sizeof p.dim[1]);
        }
        if (form && between(0, 1)) { /* the constant first */
            problem q = p;
            memcpy(p.dim[0], q.dim[1], sizeof p.dim[0]);
            memcpy(p.dim[1], q.dim[0], sizeof p.dim[1]);
            p.rank[0] = q.rank[1], p.rank[1] = q.rank[0];
            p.constant[0] = p.n_in == 2, p.constant[1] = false;
            if (p.n_in == 1) p = q;
        }
        snprintf(p.name, sizeof p.name, "elementwise op %d form %d of %dx%dx%d", (int)p.op, form, (int)p.dim[0][1],
                 (int)p.dim[0][2], (int)p.dim[0][3]);
        fill(&p, 12.0f);
        run_problem(&p);
        drop(&p);
    }
}

static void softmax_attributes(yk__graph *graph, yk__node *node, const problem *p) {
    yk__node_set_int(graph, node, "axis", p->k[0]);
}

static void test_softmax(void **state) {
    (void)state;
    seed = 10;
    for (int i = 0; i < 60; i++) {
        problem p = {.op = YK__OP_SOFTMAX, .attributes = softmax_attributes, .n_in = 1};
        p.rank[0] = (int)between(1, 4);
        for (int d = 0; d < p.rank[0]; d++) p.dim[0][d] = between(1, d == p.rank[0] - 1 ? 700 : 9);
        p.k[0] = between(0, p.rank[0] - 1);
        snprintf(p.name, sizeof p.name, "softmax over axis %d of rank %d, last %d", (int)p.k[0], p.rank[0],
                 (int)p.dim[0][p.rank[0] - 1]);
        fill(&p, 20.0f);
        run_problem(&p);
        drop(&p);
    }
}

static void resize_attributes(yk__graph *graph, yk__node *node, const problem *p) {
    yk__node_set_string(graph, node, "mode", "nearest");
    yk__node_set_string(graph, node, "coordinate_transformation_mode", p->flag ? "asymmetric" : "half_pixel");
    yk__node_set_string(graph, node, "nearest_mode", p->flag ? "floor" : "round_prefer_floor");
}

static void test_enlarging(void **state) {
    (void)state;
    seed = 5;
    for (int i = 0; i < 30; i++) {
        int64_t f = between(1, 4);
        problem p = {.op = YK__OP_RESIZE, .attributes = resize_attributes, .n_in = 3};
        memcpy(p.dim[0], (int64_t[4]){between(1, 2), between(1, 40), between(1, 11), between(1, 20)}, sizeof p.dim[0]);
        p.rank[0] = 4;
        p.rank[1] = 1, p.dim[1][0] = 0, p.constant[1] = true; /* roi: empty */
        p.rank[2] = 1, p.dim[2][0] = 4, p.constant[2] = true;
        p.flag = between(0, 1);
        snprintf(p.name, sizeof p.name, "resize by %d of %dx%dx%d", (int)f, (int)p.dim[0][1], (int)p.dim[0][2],
                 (int)p.dim[0][3]);
        p.bf16 = i % 2;
        fill(&p, 1.0f);
        p.data[2][0] = p.data[2][1] = 1;
        p.data[2][2] = p.data[2][3] = (float)f;
        run_problem(&p);
        drop(&p);
    }
}

/* --- attention --- */

static void attention_attributes(yk__graph *graph, yk__node *node, const problem *p) {
    yk__node_set_int(graph, node, "heads", p->k[0]);
    yk__node_set_int(graph, node, "dim_key", p->s[0]);
    yk__node_set_int(graph, node, "dim_value", p->s[1]);
    yk__node_set_int(graph, node, "area", p->group);
    if (p->flag) yk__node_set_float(graph, node, "scale", 0.3);
}

static void test_attention(void **state) {
    (void)state;
    seed = 7;
    for (int i = 0; i < 40; i++) {
        problem p = {.op = YK__OP_ATTENTION, .attributes = attention_attributes, .n_in = 1, .rank = {4}};
        p.k[0] = between(1, 3), p.s[0] = 16 * between(1, 2), p.s[1] = 16 * between(1, 4);
        p.group = between(1, 4), p.flag = between(0, 1);
        int64_t h = p.group * between(1, 4), w = between(1, 13);
        memcpy(p.dim[0], (int64_t[4]){between(1, 2), p.k[0] * (2 * p.s[0] + p.s[1]), h, w}, sizeof p.dim[0]);
        snprintf(p.name, sizeof p.name, "attention heads %d key %d value %d area %d of %dx%d", (int)p.k[0], (int)p.s[0],
                 (int)p.s[1], (int)p.group, (int)h, (int)w);
        /* weights of the softmax sum to 1, values are of size 1: scores of some tens with relative errors of 1e-6 */
        p.terms = 0;
        fill(&p, 1.0f);
        run_problem(&p);
        drop(&p);
    }
}

/* --- transposed convolution, dense layers --- */

static void transpose_attributes(yk__graph *graph, yk__node *node, const problem *p) {
    yk__node_set_ints(graph, node, "strides", p->s, 2);
    yk__node_set_string(graph, node, "act", p->act);
}

static void test_transposed_convolution(void **state) {
    (void)state;
    seed = 8;
    static const char *acts[] = {"none", "silu", "sigmoid"};
    for (int i = 0; i < 40; i++) {
        problem p = {.op = YK__OP_CONV_TRANSPOSE, .attributes = transpose_attributes, .n_in = 3, .act = acts[i % 3]};
        int64_t c = between(1, 40), o = between(1, 70);
        p.s[0] = between(1, 3), p.s[1] = between(0, 2) ? p.s[0] : 2;
        p.rank[0] = p.rank[1] = 4, p.rank[2] = 1;
        p.constant[1] = p.constant[2] = true;
        memcpy(p.dim[0], (int64_t[4]){between(1, 3), c, between(1, 9), between(1, 30)}, sizeof p.dim[0]);
        memcpy(p.dim[1], (int64_t[4]){c, o, p.s[0], p.s[1]}, sizeof p.dim[1]);
        p.dim[2][0] = o;
        p.terms = c + 1;
        snprintf(p.name, sizeof p.name, "transposed c%d o%d s%dx%d of %dx%d", (int)c, (int)o, (int)p.s[0], (int)p.s[1],
                 (int)p.dim[0][2], (int)p.dim[0][3]);
        fill(&p, 1.0f);
        run_problem(&p);
        drop(&p);
    }
}

static void gemm_attributes(yk__graph *graph, yk__node *node, const problem *p) {
    yk__node_set_int(graph, node, "transB", p->flag);
    yk__node_set_float(graph, node, "alpha", 0.5);
    yk__node_set_float(graph, node, "beta", 2);
}

static void test_dense(void **state) {
    (void)state;
    seed = 9;
    for (int i = 0; i < 40; i++) {
        problem p = {.op = YK__OP_GEMM, .attributes = gemm_attributes, .n_in = between(0, 1) ? 3 : 2, .flag = between(0, 1)};
        int64_t k = between(1, 300), m = between(1, 200), rows = between(1, 7);
        p.rank[0] = p.rank[1] = 2, p.rank[2] = 1;
        p.constant[1] = p.constant[2] = true;
        p.dim[0][0] = rows, p.dim[0][1] = k;
        p.dim[1][0] = p.flag ? m : k, p.dim[1][1] = p.flag ? k : m;
        p.dim[2][0] = between(0, 1) ? m : 1;
        p.terms = k + 1;
        snprintf(p.name, sizeof p.name, "gemm %dx%d by %d", (int)rows, (int)k, (int)m);
        fill(&p, 1.0f);
        run_problem(&p);
        drop(&p);
    }
}

/* The checks themselves must be able to fail: a kernel that writes one element too many is found. */
static yk__code overwriting_run(const yk__step *step, yk__exec *exec, yk__error *err) {
    yk__code code = step->kernel->data ? ((const yk__kernel *)step->kernel->data)->run(step, exec, err) : YK__INTERNAL;
    const yk__operand *at = &step->out[0];
    float *out = yk__operand_data(at, exec);
    const int64_t channels = at->shape.dim[1], last_block = (channels - 1) / at->block;
    if (channels % at->block)
        out[last_block * at->block_stride + at->block - 1] = 1.0f;
    else
        out[-at->block] = 1.0f;
    return code;
}

static void test_damage_is_found(void **state) {
    (void)state;
    seed = 6;
    const yk__backend *backend = yk__backend_cpu(YK__ISA_GENERIC);
    for (int64_t channels = 7; channels <= 8; channels++) { /* with an unused lane, and with none: then outside */
        problem p = {.op = YK__OP_RELU, .n_in = 1, .rank = {4}, .dim = {{1, channels, 5, 5}}};
        fill(&p, 1.0f);
        const yk__kernel *relu = NULL;
        for (int32_t k = 0; k < backend->n_kernels; k++) {
            if (!relu && strcmp(backend->kernels[k]->name, "relu_f32_blocked_generic") == 0) relu = backend->kernels[k];
        }
        assert_non_null(relu);
        kernel_case c;
        build(&c, &p);
        yk__error err;
        assert_int_equal(kernel_case_prepare(&c, backend, relu, NULL, &err), 1);
        assert_int_equal(kernel_case_run(&c, &err), YK__OK);
        assert_null(kernel_case_damage(&c));
        yk__kernel broken = *relu;
        broken.data = relu;
        c.step.kernel = &broken;
        assert_int_equal(overwriting_run(&c.step, &c.exec, &err), YK__OK);
        assert_non_null(kernel_case_damage(&c));
        kernel_case_free(&c);
        drop(&p);
    }
}

static int make_pool(void **state) {
    (void)state;
    return yk__pool_create(&two_threads, 2, NULL) == YK__OK ? 0 : -1;
}

static int end_pool(void **state) {
    (void)state;
    yk__pool_destroy(&two_threads);
    printf("%d of %d kernel cases accepted\n", n_accepted, n_asked);
    return n_accepted > n_asked / 5 ? 0 : -1; /* a kernel that accepts nothing is not tested */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv_known_shapes),
        cmocka_unit_test(test_conv_random_shapes),
        cmocka_unit_test(test_conv_bf16),
        cmocka_unit_test(test_bf16_sums),
        cmocka_unit_test(test_cast),
        cmocka_unit_test(test_pooling),
        cmocka_unit_test(test_elementwise),
        cmocka_unit_test(test_softmax),
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_transposed_convolution),
        cmocka_unit_test(test_dense),
        cmocka_unit_test(test_enlarging),
        cmocka_unit_test(test_damage_is_found),
    };
    return cmocka_run_group_tests(tests, make_pool, end_pool);
}
