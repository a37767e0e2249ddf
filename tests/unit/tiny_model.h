/* Models built by hand that the tests and fuzzers of the engine file write and read: a tiny classifier with every kind of
 * attribute, odd names, shared and typed constants, which is never run, and a tiny detector, which can be. */
#ifndef YK_TESTS_TINY_MODEL_H
#define YK_TESTS_TINY_MODEL_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine_write.h"

static inline int32_t tiny_constant(yk__graph *graph, const char *name, yk__dtype dtype, int rank, const int64_t *dim,
                                    const void *data) {
    yk__shape shape = yk__shape_make(rank, dim);
    return yk__graph_add_constant(graph, name, dtype, &shape, data);
}

static inline int32_t tiny_value(yk__graph *graph, const char *name, yk__dtype dtype, int rank, const int64_t *dim) {
    yk__shape shape = yk__shape_make(rank, dim);
    return yk__graph_add_value(graph, name, dtype, &shape, NULL);
}

static inline yk__node *tiny_node(yk__graph *graph, yk__op op, const char *name, const int32_t *in, int n_in, int32_t out) {
    int32_t at = yk__graph_add_node(graph, op, name, in, n_in, &out, 1);
    return &graph->nodes[at];
}

static inline void tiny_graph(yk__graph *graph) {
    float weight[108], bias[4] = {0.1f, -0.2f, 1e-30f, 3.0f}, dense[8];
    const float low = -(float)INFINITY;
    const int64_t axes[2] = {2, 3};
    const uint8_t flags[3] = {1, 0, 1};
    const uint16_t halves[2] = {0x3c00, 0x7c00};
    for (int i = 0; i < 108; i++) weight[i] = (float)(i - 54) / 64;
    for (int i = 0; i < 8; i++) dense[i] = (float)i / 3;
    int32_t images = tiny_value(graph, "images", YK__DTYPE_F32, 4, (int64_t[]){-1, 3, 8, 8});
    int32_t w = tiny_constant(graph, "model.0.weight", YK__DTYPE_F32, 4, (int64_t[]){4, 3, 3, 3}, weight);
    int32_t b = tiny_constant(graph, "model.0.bias", YK__DTYPE_F32, 1, (int64_t[]){4}, bias);
    int32_t same = tiny_constant(graph, "bias \"again\" \xc3\xa9\n", YK__DTYPE_F32, 1, (int64_t[]){4}, bias);
    int32_t dense_w = tiny_constant(graph, "fc", YK__DTYPE_F32, 2, (int64_t[]){2, 4}, dense);
    int32_t mean_axes = tiny_constant(graph, "axes", YK__DTYPE_I64, 1, (int64_t[]){2}, axes);
    int32_t lowest = tiny_constant(graph, "lowest", YK__DTYPE_F32, 0, NULL, &low);
    int32_t empty = tiny_constant(graph, "empty", YK__DTYPE_F32, 1, (int64_t[]){0}, &low);
    int32_t flag = tiny_constant(graph, "flags", YK__DTYPE_BOOL, 1, (int64_t[]){3}, flags);
    int32_t half = tiny_constant(graph, "halves", YK__DTYPE_F16, 1, (int64_t[]){2}, halves);
    int32_t prepared = tiny_value(graph, "prepared", YK__DTYPE_F32, 4, (int64_t[]){-1, 3, 8, 8});
    int32_t conv = tiny_value(graph, "conv", YK__DTYPE_F32, 4, (int64_t[]){-1, 4, 4, 4});
    int32_t added = tiny_value(graph, "added", YK__DTYPE_NONE, 0, NULL);
    int32_t clipped = tiny_value(graph, "clipped", YK__DTYPE_NONE, 0, NULL);
    int32_t mean = tiny_value(graph, "mean", YK__DTYPE_NONE, 0, NULL);
    int32_t fc = tiny_value(graph, "logits", YK__DTYPE_NONE, 0, NULL);
    int32_t output = tiny_value(graph, "output0", YK__DTYPE_F32, 2, (int64_t[]){-1, 2});
    int32_t odd[3] = {tiny_value(graph, "odd0", YK__DTYPE_NONE, 0, NULL), tiny_value(graph, "odd1", YK__DTYPE_NONE, 0, NULL),
                      tiny_value(graph, "odd2", YK__DTYPE_NONE, 0, NULL)};
    yk__node *node = tiny_node(graph, YK__OP_IMAGE_INPUT, "input", &images, 1, prepared);
    yk__node_set_string(graph, node, "order", "rgb");
    yk__node_set_float(graph, node, "scale", 255);
    yk__node_set_floats(graph, node, "mean", (double[]){0.485, -0.0, 1e300}, 3);
    yk__node_set_floats(graph, node, "std", NULL, 0);
    node = tiny_node(graph, YK__OP_CONV, "/model.0/conv/Conv", (int32_t[]){prepared, w, b}, 3, conv);
    yk__node_set_ints(graph, node, "strides", (int64_t[]){2, 2}, 2);
    yk__node_set_ints(graph, node, "pads", (int64_t[]){1, 1, 1, 1}, 4);
    yk__node_set_ints(graph, node, "dilations", NULL, 0);
    yk__node_set_int(graph, node, "group", 1);
    yk__node_set_string(graph, node, "act", "leaky_relu");
    yk__node_set_float(graph, node, "act_alpha", 0.1);
    yk__node_set_float(graph, node, "act_beta", -(double)INFINITY);
    tiny_node(graph, YK__OP_ADD, "add", (int32_t[]){conv, same}, 2, added);
    tiny_node(graph, YK__OP_CLIP, "clip", (int32_t[]){added, YK__NO_VALUE, lowest}, 3, clipped);
    node = tiny_node(graph, YK__OP_REDUCE_MEAN, "", (int32_t[]){clipped, mean_axes}, 2, mean);
    yk__node_set_int(graph, node, "keepdims", 0);
    node = tiny_node(graph, YK__OP_GEMM, "fc", (int32_t[]){mean, dense_w}, 2, fc);
    yk__node_set_int(graph, node, "transB", 1);
    tiny_node(graph, YK__OP_SOFTMAX, "softmax", &fc, 1, output);
    tiny_node(graph, YK__OP_NOT, "odd0", &flag, 1, odd[0]);
    node = tiny_node(graph, YK__OP_CAST, "odd1", &half, 1, odd[1]);
    yk__node_set_string(graph, node, "to", "f32");
    tiny_node(graph, YK__OP_RELU, "odd2", &empty, 1, odd[2]);
    graph->inputs = yk__arena_copy(&graph->arena, &images, sizeof images);
    graph->n_inputs = 1;
    graph->outputs = yk__arena_copy(&graph->arena, (int32_t[]){output, odd[0], odd[1], odd[2]}, 4 * sizeof(int32_t));
    graph->n_outputs = 4;
}

/* The caller frees it with yk__model_free. */
static inline void tiny_model(yk__model *model) {
    static const char *names[] = {"cat's \"paw\"", "\xe9\x9b\xa8\t\\"};
    yk__model_init(model, 0);
    tiny_graph(&model->graph);
    model->recipe = yk__recipe_defaults(YK__TASK_CLASSIFY, YK__LAYOUT_PROBABILITIES);
    model->recipe.names = names;
    model->recipe.n_classes = 2;
    model->recipe.imgsz[0] = model->recipe.imgsz[1] = 8;
    model->recipe.mean[1] = 0.1f;
    model->recipe.std[2] = 0.229f;
    model->recipe.dynamic = true;
    model->provenance.source_name = "tiny.onnx";
    memset(model->provenance.source_sha256, 'a', 64);
    model->provenance.source_format = "onnx";
    model->provenance.options = "--imgsz 8";
    model->provenance.author = "nobody";
}

/* A detector of one level: a convolution, attention, two branches, the head. It runs. */
static inline void tiny_detector(yk__model *model) {
    static const char *names[] = {"a", "b"};
    static float w0[8 * 3 * 8 * 8], w1[16 * 4], w2[2 * 4], b[16];
    yk__model_init(model, 0);
    yk__graph *graph = &model->graph;
    for (int i = 0; i < 8 * 3 * 8 * 8; i++) w0[i] = (float)(i % 17 - 8) / 64;
    for (int i = 0; i < 16 * 4; i++) w1[i] = (float)(i % 7) / 8;
    for (int i = 0; i < 2 * 4; i++) w2[i] = (float)i / 4 - 1;
    int32_t images = tiny_value(graph, "images", YK__DTYPE_F32, 4, (int64_t[]){1, 3, 32, 32});
    int32_t weight = tiny_constant(graph, "w0", YK__DTYPE_F32, 4, (int64_t[]){8, 3, 8, 8}, w0);
    int32_t box_weight = tiny_constant(graph, "w1", YK__DTYPE_F32, 4, (int64_t[]){16, 4, 1, 1}, w1);
    int32_t class_weight = tiny_constant(graph, "w2", YK__DTYPE_F32, 4, (int64_t[]){2, 4, 1, 1}, w2);
    int32_t bias = tiny_constant(graph, "b", YK__DTYPE_F32, 1, (int64_t[]){16}, b);
    int32_t prepared = tiny_value(graph, "prepared", YK__DTYPE_NONE, 0, NULL);
    int32_t conv = tiny_value(graph, "conv", YK__DTYPE_NONE, 0, NULL);
    int32_t attention = tiny_value(graph, "attention", YK__DTYPE_NONE, 0, NULL);
    int32_t box = tiny_value(graph, "box", YK__DTYPE_NONE, 0, NULL), cls = tiny_value(graph, "cls", YK__DTYPE_NONE, 0, NULL);
    int32_t output = tiny_value(graph, "output0", YK__DTYPE_NONE, 0, NULL);
    tiny_node(graph, YK__OP_IMAGE_INPUT, "input", &images, 1, prepared);
    yk__node *node = tiny_node(graph, YK__OP_CONV, "stem", (int32_t[]){prepared, weight}, 2, conv);
    yk__node_set_ints(graph, node, "strides", (int64_t[]){8, 8}, 2);
    yk__node_set_string(graph, node, "act", "silu");
    node = tiny_node(graph, YK__OP_ATTENTION, "attention", &conv, 1, attention);
    yk__node_set_int(graph, node, "heads", 1);
    yk__node_set_int(graph, node, "dim_key", 2);
    yk__node_set_int(graph, node, "dim_value", 4);
    yk__node_set_float(graph, node, "scale", 0.7071);
    tiny_node(graph, YK__OP_CONV, "box", (int32_t[]){attention, box_weight, bias}, 3, box);
    tiny_node(graph, YK__OP_CONV, "cls", (int32_t[]){attention, class_weight}, 2, cls);
    node = tiny_node(graph, YK__OP_YOLK_HEAD, "head", (int32_t[]){box, cls}, 2, output);
    yk__node_set_int(graph, node, "levels", 1);
    yk__node_set_floats(graph, node, "strides", (double[]){8}, 1);
    yk__node_set_int(graph, node, "reg_max", 4);
    yk__node_set_int(graph, node, "classes", 2);
    graph->inputs = yk__arena_copy(&graph->arena, &images, sizeof images);
    graph->outputs = yk__arena_copy(&graph->arena, &output, sizeof output);
    graph->n_inputs = graph->n_outputs = 1;
    model->recipe = yk__recipe_defaults(YK__TASK_DETECT, YK__LAYOUT_V8);
    model->recipe.names = names;
    model->recipe.n_classes = 2;
    model->recipe.imgsz[0] = model->recipe.imgsz[1] = 32;
}

/* Options with every section; the struct and what it points to live until the next call. */
static inline const yk__engine_write_options *tiny_options(void) {
    static const yk__choice choices[] = {{"/model.0/conv/Conv", "conv_f32_ref"}, {"fc", "gemm_f32_ref"}};
    static uint8_t pixels[8 * 8 * 3];
    static const float expected[2] = {0.25f, 0.75f};
    static const yk__engine_plan plans[] = {{"cpu", "avx2", "kernels-1", "packed bytes of no meaning", 26},
                                            {"ref", "c", "kernels-2", NULL, 0}};
    static yk__selftest selftest;
    static yk__engine_write_options options;
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(7 * i);
    selftest = (yk__selftest){
        .input = {YK__DTYPE_U8, yk__shape_make(4, (int64_t[]){1, 8, 8, 3}), pixels}, .n_outputs = 1, .tolerance = 1e-4};
    selftest.outputs[0] = (yk__selftest_output){0, yk__shape_make(2, (int64_t[]){1, 2}), 1, 2, expected, 0};
    options =
        (yk__engine_write_options){.choices = choices, .n_choices = 2, .selftest = &selftest, .plans = plans, .n_plans = 2};
    return &options;
}

#endif
