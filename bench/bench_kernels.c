/* Rates of the convolution kernels: bench_kernels [isa] [threads] [filter] [layer...]
 * On the layers of yolov8n at 640, or on those named as input channels, output channels, kernel, stride, size of the input:
 * 192,192,3,1,40. Prints the best of many runs; the weights and maps are random. Not run by ctest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kernel/kernel_case.h"

typedef struct layer {
    int count;            /* how often yolov8n has it */
    int c, o, k, s, size; /* size: of the input */
    bool residual;
} layer;

/* from the layer list of yolov8n 640; head branches last */
static const layer layers[] = {
    {1, 16, 32, 3, 2, 320, false},  {1, 32, 32, 1, 1, 160, false},  {1, 16, 16, 3, 1, 160, false},
    {1, 16, 16, 3, 1, 160, true},   {1, 48, 32, 1, 1, 160, false},  {1, 32, 64, 3, 2, 160, false},
    {1, 64, 64, 1, 1, 80, false},   {2, 32, 32, 3, 1, 80, false},   {2, 32, 32, 3, 1, 80, true},
    {1, 128, 64, 1, 1, 80, false},  {1, 64, 128, 3, 2, 80, false},  {1, 128, 128, 1, 1, 40, false},
    {4, 64, 64, 3, 1, 40, false},   {1, 256, 128, 1, 1, 40, false}, {1, 128, 256, 3, 2, 40, false},
    {1, 256, 256, 1, 1, 20, false}, {4, 128, 128, 3, 1, 20, false}, {1, 384, 256, 1, 1, 20, false},
    {1, 256, 128, 1, 1, 20, false}, {1, 512, 256, 1, 1, 20, false}, {1, 384, 128, 1, 1, 40, false},
    {4, 64, 64, 3, 1, 40, false},   {2, 192, 128, 1, 1, 40, false}, {1, 192, 64, 1, 1, 80, false},
    {2, 32, 32, 3, 1, 80, false},   {1, 96, 64, 1, 1, 80, false},   {1, 64, 64, 3, 2, 80, false},
    {1, 128, 128, 3, 2, 40, false}, {2, 384, 256, 1, 1, 20, false}, {2, 64, 64, 3, 1, 80, false},
    {1, 64, 80, 3, 1, 80, false},   {1, 80, 80, 3, 1, 80, false},   {1, 64, 64, 1, 1, 80, false},
    {1, 80, 80, 1, 1, 80, false},   {1, 128, 64, 3, 1, 40, false},  {1, 64, 64, 3, 1, 40, false},
    {1, 128, 80, 3, 1, 40, false},  {1, 80, 80, 3, 1, 40, false},   {1, 64, 64, 1, 1, 40, false},
    {1, 80, 80, 1, 1, 40, false},   {1, 256, 64, 3, 1, 20, false},  {1, 64, 64, 3, 1, 20, false},
    {1, 256, 80, 3, 1, 20, false},  {1, 80, 80, 3, 1, 20, false},   {1, 64, 64, 1, 1, 20, false},
    {1, 80, 80, 1, 1, 20, false},
};

static float *random_floats(size_t n, float scale) {
    float *data = malloc(n * sizeof *data);
    for (size_t i = 0; data && i < n; i++) data[i] = ((float)rand() / (float)RAND_MAX - 0.5f) * scale;
    return data;
}

static void build(kernel_case *c, const layer *l, float *x, float *w, float *bias) {
    kernel_case_init(c);
    int64_t in[4] = {1, l->c, l->size, l->size}, weight[4] = {l->o, l->c, l->k, l->k},
            out[4] = {1, l->o, l->size / l->s, l->size / l->s};
    int32_t values[4];
    values[0] = kernel_case_input(c, 4, in, x);
    values[1] = kernel_case_constant(c, 4, weight, w);
    values[2] = kernel_case_constant(c, 1, &out[1], bias);
    if (l->residual) values[3] = kernel_case_input(c, 4, out, x);
    yk__node *node = kernel_case_node(c, YK__OP_CONV, values, l->residual ? 4 : 3, 1);
    int64_t pad = l->k / 2, pads[4] = {pad, pad, pad, pad}, strides[2] = {l->s, l->s};
    yk__node_set_ints(&c->graph, node, "pads", pads, 4);
    yk__node_set_ints(&c->graph, node, "strides", strides, 2);
    yk__node_set_string(&c->graph, node, "act", "silu");
}

/* best of runs lasting about a tenth of a second */
static double best_ns(kernel_case *c) {
    double best = 1e30;
    uint64_t begin = yk__now_ns();
    for (int i = 0; i < 5 || (i < 2000 && yk__now_ns() - begin < 60000000u); i++) {
        uint64_t t = yk__now_ns();
        if (kernel_case_run(c, NULL) != YK__OK) return 0;
        double ns = (double)(yk__now_ns() - t);
        if (ns < best) best = ns;
    }
    return best;
}

/* One line of results; false for a layer that is none. Adds to the two sums. */
static bool bench_layer(const layer *l, const yk__backend *backend, yk__pool *pool, const char *filter, double *sum_best,
                        double *sum_flops) {
    if (l->c < 1 || l->o < 1 || l->k < 1 || l->s < 1 || l->size < l->s) return false;
    double out = (double)(l->size / l->s) * (l->size / l->s), flops = 2.0 * l->c * l->o * l->k * l->k * out, layer_best = 1e30;
    float *x = random_floats((size_t)((l->c > l->o ? l->c : l->o) * l->size * l->size), 1.0f);
    float *w = random_floats((size_t)(l->c * l->o * l->k * l->k), 0.1f), *bias = random_floats((size_t)l->o, 0.1f);
    printf("%dx %3d->%3d k%d s%d @%3d%s", l->count, l->c, l->o, l->k, l->s, l->size, l->residual ? " +res" : "     ");
    for (int32_t k = 0; k < backend->n_kernels; k++) {
        if (backend->kernels[k]->op != YK__OP_CONV || (filter && !strstr(backend->kernels[k]->name, filter))) continue;
        kernel_case c;
        build(&c, l, x, w, bias);
        yk__error err;
        int ready = kernel_case_prepare(&c, backend, backend->kernels[k], pool, &err);
        if (ready < 0) printf(" error: %s", err.message);
        if (ready > 0) {
            double ns = best_ns(&c);
            printf("  %s %.3f ms %.0f GFLOP/s (est %.3f)", strrchr(backend->kernels[k]->name, '_') - 8, ns / 1e6, flops / ns,
                   c.need.cost_ns / 1e6);
            if (ns < layer_best) layer_best = ns;
        }
        kernel_case_free(&c);
    }
    printf("\n");
    *sum_best += l->count * layer_best;
    *sum_flops += l->count * flops;
    free(x);
    free(w);
    free(bias);
    return true;
}

static layer layer_named(const char *text) {
    layer l = {.count = 1};
    if (sscanf(text, "%d,%d,%d,%d,%d", &l.c, &l.o, &l.k, &l.s, &l.size) != 5) l.c = 0;
    return l;
}

int main(int argc, char **argv) {
    yk__cpu cpu = yk__cpu_with_cap(argc > 1 ? argv[1] : NULL);
    int threads = argc > 2 ? atoi(argv[2]) : 1;
    const yk__backend *backend = yk__backend_cpu(cpu.isa);
    yk__pool *pool = NULL;
    if (yk__pool_create(&pool, threads, NULL) != YK__OK) return 1;
    printf("%s, %s, %d threads\n", cpu.brand, backend->isa, yk__pool_size(pool));
    double sum_best = 0, sum_flops = 0;
    const char *filter = argc > 3 ? argv[3] : NULL;
    for (size_t i = 0; argc <= 4 && i < sizeof layers / sizeof *layers; i++)
        bench_layer(&layers[i], backend, pool, filter, &sum_best, &sum_flops);
    for (int i = 4; i < argc; i++) {
        const layer l = layer_named(argv[i]);
        if (!bench_layer(&l, backend, pool, filter, &sum_best, &sum_flops)) printf("%s: no layer\n", argv[i]);
    }
    printf("all: %.3f ms for %.2f GFLOP\n", sum_best / 1e6, sum_flops / 1e9);
    yk__pool_destroy(&pool);
    return 0;
}
