/* Convolutions and what folds into them: normalisation, parallel branches of re-parameterised blocks; activations. */
#include <math.h>
#include <string.h>

#include "import/pt_build.h"

/* Bounds on attributes of a window: what graph/window.h takes anyway, said here with the module's name. */
enum { MAX_WINDOW = 4096 };

/* ---- reading ---- */

static yk__code read_window(yk__pt_build *b, yk__py conv, yk__pt_kernel *k) {
    const yk__pickle *const p = &b->file->pickle;
    const yk__py padding = yk__pt_attr(b->file, conv, "padding"), mode = yk__pt_attr(b->file, conv, "padding_mode");
    YK__TRY(yk__pt_pair(b, conv, "stride", 1, MAX_WINDOW, k->stride));
    YK__TRY(yk__pt_pair(b, conv, "dilation", 1, MAX_WINDOW, k->dilation));
    if (mode != YK__PY_ABSENT && !yk__py_is(p, mode, "zeros"))
        return yk__pt_fail(b, conv, YK__UNSUPPORTED, "it pads with something else than zeros");
    if (yk__py_is(p, padding, "valid")) return YK__OK;
    if (yk__py_kind_of(p, padding) == YK__PY_STR)
        return yk__pt_fail(b, conv, YK__UNSUPPORTED, "its padding is given by a word other than \"valid\"");
    YK__TRY(yk__pt_pair(b, conv, "padding", 0, MAX_WINDOW, k->pad));
    return k->transposed ? yk__pt_pair(b, conv, "output_padding", 0, MAX_WINDOW, k->output_pad) : YK__OK;
}

static yk__code read_weight(yk__pt_build *b, yk__py conv, yk__pt_kernel *k) {
    yk__shape shape;
    char text[128];
    const yk__py weight = yk__pt_attr(b->file, conv, "weight");
    if (!yk__pt_is_tensor(b->file, weight)) return yk__pt_fail(b, conv, YK__GRAPH, "it has no weights");
    const yk__code code = yk__pt_tensor_read(b->file, weight, &b->graph->arena, &shape, &k->weight, b->err);
    if (code != YK__OK) return yk__fail_prefix(b->err, code, "%s, \"weight\"", b->path);
    if (shape.rank != 4 || shape.dim[0] < 1 || shape.dim[1] < 1 || shape.dim[2] < 1 || shape.dim[3] < 1 ||
        shape.dim[2] > MAX_WINDOW || shape.dim[3] > MAX_WINDOW) {
        return yk__pt_fail(b, conv, YK__GRAPH, "its weights are %s; out x in x rows x columns were expected",
                           yk__shape_text(&shape, text));
    }
    if (k->groups > shape.dim[0] || shape.dim[0] % k->groups || !yk__mul_i64(shape.dim[1], k->groups, &k->in))
        return yk__pt_fail(b, conv, YK__GRAPH, "%lld groups do not fit weights of %s", (long long)k->groups,
                           yk__shape_text(&shape, text));
    k->out = shape.dim[0];
    if (k->transposed) { /* in x out/groups */
        k->out = k->in;
        k->in = shape.dim[0];
    }
    k->k[0] = shape.dim[2];
    k->k[1] = shape.dim[3];
    return YK__OK;
}

/* A batch normalisation's parameters: y = (x - mean) * rsqrt * gamma + beta with rsqrt = 1 / sqrt(var + eps), in f32. */
typedef struct norm {
    float *mean, *rsqrt, *gamma, *beta;
} norm;

static yk__code read_norm(yk__pt_build *b, yk__py module, int64_t n, norm *out) {
    char class_name[64];
    double eps;
    if (strncmp(yk__pt_class(b->file, module, class_name), "BatchNorm", 9) != 0 && strcmp(class_name, "SyncBatchNorm") != 0)
        return yk__pt_fail(b, module, YK__UNSUPPORTED, "it stands where a batch normalisation was expected");
    if (!yk__py_number(&b->file->pickle, yk__pt_attr(b->file, module, "eps"), &eps) || !(eps >= 0 && eps <= 1))
        return yk__pt_fail(b, module, YK__GRAPH, "its eps is no number of 0..1");
    YK__TRY(yk__pt_vector(b, module, "running_mean", &n, &out->mean));
    YK__TRY(yk__pt_vector(b, module, "running_var", &n, &out->rsqrt));
    for (int64_t i = 0; i < n; i++) out->rsqrt[i] = 1.0f / sqrtf(out->rsqrt[i] + (float)eps);
    if (yk__pt_has(b, module, "weight")) {
        YK__TRY(yk__pt_vector(b, module, "weight", &n, &out->gamma));
        return yk__pt_vector(b, module, "bias", &n, &out->beta);
    }
    out->gamma = yk__arena_array(&b->graph->arena, (size_t)n, sizeof(float));
    out->beta = yk__arena_array(&b->graph->arena, (size_t)n, sizeof(float));
    if (!out->gamma || !out->beta) return yk__pt_no_memory(b);
    for (int64_t i = 0; i < n; i++) out->gamma[i] = 1;
    return YK__OK;
}

/* W' = W * g and b' = (b - mean) * rsqrt * gamma + beta, in f32 (PARITY section 5.1). Weights of a transposed convolution hold
 * their outputs in the second dimension. */
static yk__code fold_norm(yk__pt_build *b, yk__py module, yk__pt_kernel *k) {
    norm n;
    const int64_t window = k->k[0] * k->k[1], per_group = k->out / k->groups;
    YK__TRY(read_norm(b, module, k->out, &n));
    if (!k->bias) k->bias = yk__arena_array(&b->graph->arena, (size_t)k->out, sizeof *k->bias);
    if (!k->bias) return yk__pt_no_memory(b);
    for (int64_t o = 0; o < k->out; o++) {
        const float g = n.gamma[o] * n.rsqrt[o];
        k->bias[o] = (k->bias[o] - n.mean[o]) * n.rsqrt[o] * n.gamma[o] + n.beta[o];
        if (k->transposed) continue;
        const int64_t size = k->in / k->groups * window;
        float *const w = k->weight + o * size;
        for (int64_t i = 0; i < size; i++) w[i] *= g;
    }
    for (int64_t i = 0; k->transposed && i < k->in; i++) {
        const int64_t first = i / (k->in / k->groups) * per_group;
        for (int64_t o = 0; o < per_group; o++)
            for (int64_t w = 0; w < window; w++)
                k->weight[(i * per_group + o) * window + w] *= n.gamma[first + o] * n.rsqrt[first + o];
    }
    return YK__OK;
}

yk__code yk__pt_kernel_read(yk__pt_build *b, yk__py conv, yk__py norm_module, yk__pt_kernel *out) {
    char class_name[64];
    yk__pt_class(b->file, conv, class_name);
    *out = (yk__pt_kernel){.transposed = strstr(class_name, "ConvTranspose2d") != NULL};
    if (!out->transposed && strcmp(class_name, "Conv2d") != 0)
        return yk__pt_fail(b, conv, YK__UNSUPPORTED, "it stands where a convolution was expected");
    YK__TRY(yk__pt_int(b, conv, "groups", 1, INT32_MAX, &out->groups));
    YK__TRY(read_weight(b, conv, out));
    YK__TRY(read_window(b, conv, out));
    int64_t n = out->out;
    if (yk__pt_has(b, conv, "bias")) YK__TRY(yk__pt_vector(b, conv, "bias", &n, &out->bias));
    return norm_module == YK__PY_ABSENT ? YK__OK : fold_norm(b, norm_module, out);
}

/* ---- nodes ---- */

static yk__code weight_value(yk__pt_build *b, const char *suffix, const yk__shape *shape, const float *data, int32_t *y) {
    char name[600] = "";
    /* as exports name parameters: model.2.cv1.conv.weight */
    const char *const path = b->path[0] ? b->path + 1 : "";
    const size_t n = strnlen(path, 512);
    for (size_t i = 0; i < n; i++) name[i] = path[i] == '/' ? '.' : path[i];
    memcpy(name + n, suffix, strlen(suffix) + 1);
    *y = yk__graph_add_value(b->graph, name, YK__DTYPE_F32, shape, data);
    return *y < 0 ? yk__pt_no_memory(b) : YK__OK;
}

yk__code yk__pt_kernel_node(yk__pt_build *b, const yk__pt_kernel *k, int32_t x, int32_t *y) {
    const int64_t pads[4] = {k->pad[0], k->pad[1], k->pad[0], k->pad[1]};
    const yk__shape vector = yk__shape_make(1, &k->out);
    const yk__shape shape = k->transposed ? yk__shape_make(4, (int64_t[]){k->in, k->out / k->groups, k->k[0], k->k[1]})
                                          : yk__shape_make(4, (int64_t[]){k->out, k->in / k->groups, k->k[0], k->k[1]});
    int32_t in[3] = {x, YK__NO_VALUE, YK__NO_VALUE};
    yk__node *node;
    if (yk__pt_channels(b, x) != k->in && x == b->graph->nodes[0].out[0]) {
        return yk__pt_fail(b, YK__PY_ABSENT, YK__UNSUPPORTED,
                           "it takes pictures of %lld channels (grey or multispectral); yolk has colour pictures of 3",
                           (long long)k->in);
    }
    if (yk__pt_channels(b, x) != k->in) {
        return yk__pt_fail(b, YK__PY_ABSENT, YK__GRAPH, "its weights are for %lld channels and its input has %lld",
                           (long long)k->in, (long long)yk__pt_channels(b, x));
    }
    YK__TRY(weight_value(b, ".weight", &shape, k->weight, &in[1]));
    if (k->bias) YK__TRY(weight_value(b, ".bias", &vector, k->bias, &in[2]));
    YK__TRY(yk__pt_node(b, k->transposed ? YK__OP_CONV_TRANSPOSE : YK__OP_CONV, k->transposed ? "ConvTranspose" : "Conv", in,
                        k->bias ? 3 : 2, k->out, y, &node));
    const int64_t reduction = yk__pt_reduction(b, x);
    YK__TRY(yk__pt_set_reduction(b, *y, k->transposed ? reduction / k->stride[0] : reduction * k->stride[0]));
    yk__graph *const g = b->graph;
    bool set = yk__node_set_ints(g, node, "dilations", k->dilation, 2) && yk__node_set_int(g, node, "group", k->groups) &&
               yk__node_set_ints(g, node, "kernel_shape", k->k, 2) && yk__node_set_ints(g, node, "pads", pads, 4) &&
               yk__node_set_ints(g, node, "strides", k->stride, 2);
    if (set && (k->output_pad[0] || k->output_pad[1])) set = yk__node_set_ints(g, node, "output_padding", k->output_pad, 2);
    return set ? YK__OK : yk__pt_no_memory(b);
}

/* A convolution module of that name with a normalisation, as one node. */
static yk__code folded(yk__pt_build *b, yk__py module, const char *name, yk__py norm_module, int32_t x, int32_t *y) {
    yk__pt_kernel kernel;
    const size_t mark = yk__pt_enter(b, name);
    YK__TRY(yk__pt_kernel_read(b, yk__pt_some(b->file, module, name), norm_module, &kernel));
    YK__TRY(yk__pt_kernel_node(b, &kernel, x, y));
    yk__pt_leave(b, mark);
    return YK__OK;
}

/* ---- activations ---- */

static const struct {
    const char *name;
    yk__op op;
    const char *attribute, *from; /* of the node, of the module */
    double otherwise;
} activations[] = {
    {"SiLU", YK__OP_SILU, NULL, NULL, 0},
    {"CELU", YK__OP_CELU, "alpha", "alpha", 1},
    {"SELU", YK__OP_SELU, NULL, NULL, 0},
    {"Softsign", YK__OP_SOFTSIGN, NULL, NULL, 0},
    {"Hardsigmoid", YK__OP_HARD_SIGMOID, "alpha", NULL, 1.0 / 6},
    {"ReLU", YK__OP_RELU, NULL, NULL, 0},
    {"LeakyReLU", YK__OP_LEAKY_RELU, "alpha", "negative_slope", 0.01},
    {"Hardswish", YK__OP_HARD_SWISH, NULL, NULL, 0},
    {"Sigmoid", YK__OP_SIGMOID, NULL, NULL, 0},
    {"Tanh", YK__OP_TANH, NULL, NULL, 0},
    {"Mish", YK__OP_MISH, NULL, NULL, 0},
    {"GELU", YK__OP_GELU, NULL, NULL, 0},
    {"ELU", YK__OP_ELU, "alpha", "alpha", 1},
    {"Softplus", YK__OP_SOFTPLUS, NULL, NULL, 0},
};

/* Hardtanh, and ReLU6, which is one of 0..6. */
static yk__code clipped(yk__pt_build *b, yk__py act, int32_t x, int32_t *y) {
    const yk__shape scalar = {.rank = 0};
    const float low = (float)yk__pt_number_or(b, act, "min_val", -1), high = (float)yk__pt_number_or(b, act, "max_val", 1);
    int32_t in[3] = {x, YK__NO_VALUE, YK__NO_VALUE};
    YK__TRY(yk__pt_floats(b, "Clip_low", &low, &scalar, &in[1]));
    YK__TRY(yk__pt_floats(b, "Clip_high", &high, &scalar, &in[2]));
    return yk__pt_node(b, YK__OP_CLIP, "Clip", in, 3, yk__pt_channels(b, x), y, NULL);
}

/* One slope, or one per channel. */
static yk__code prelu(yk__pt_build *b, yk__py act, int32_t x, int32_t *y) {
    int64_t n = -1;
    float *slope;
    int32_t in[2] = {x, YK__NO_VALUE};
    YK__TRY(yk__pt_vector(b, act, "weight", &n, &slope));
    if (n != 1 && n != yk__pt_channels(b, x))
        return yk__pt_fail(b, act, YK__GRAPH, "it has %lld slopes for %lld channels", (long long)n,
                           (long long)yk__pt_channels(b, x));
    const yk__shape shape = {.rank = 3, .dim = {n, 1, 1}};
    YK__TRY(yk__pt_floats(b, "slope", slope, &shape, &in[1]));
    return yk__pt_node(b, YK__OP_PRELU, "PRelu", in, 2, yk__pt_channels(b, x), y, NULL);
}

/* What a module says about its function beyond one number. */
static yk__code finish_activation(yk__pt_build *b, yk__py act, yk__node *node) {
    if (node->op == YK__OP_GELU && yk__py_is(&b->file->pickle, yk__pt_attr(b->file, act, "approximate"), "tanh"))
        return yk__node_set_string(b->graph, node, "approximate", "tanh") ? YK__OK : yk__pt_no_memory(b);
    if (node->op == YK__OP_SOFTPLUS && yk__pt_number_or(b, act, "beta", 1) != 1)
        return yk__pt_fail(b, act, YK__UNSUPPORTED, "a beta other than 1, which yolk has not; export the model to ONNX");
    return YK__OK;
}

yk__code yk__pt_activation(yk__pt_build *b, yk__py act, int32_t x, int32_t *y) {
    char class_name[64];
    yk__pt_class(b->file, act, class_name);
    *y = x;
    if (strcmp(class_name, "Identity") == 0) return YK__OK;
    if (strcmp(class_name, "ReLU6") == 0 || strcmp(class_name, "Hardtanh") == 0) return clipped(b, act, x, y);
    if (strcmp(class_name, "PReLU") == 0) return prelu(b, act, x, y);
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++) {
        if (strcmp(class_name, activations[i].name) != 0) continue;
        yk__node *node;
        YK__TRY(yk__pt_node(b, activations[i].op, yk__op_info_get(activations[i].op)->name, &x, 1, yk__pt_channels(b, x), y,
                            &node));
        YK__TRY(finish_activation(b, act, node));
        if (!activations[i].attribute) return YK__OK;
        const char *const from = activations[i].from;
        const double value = from ? yk__pt_number_or(b, act, from, activations[i].otherwise) : activations[i].otherwise;
        return yk__node_set_float(b->graph, node, activations[i].attribute, value) ? YK__OK : yk__pt_no_memory(b);
    }
    if (class_name[0]) return yk__pt_fail(b, act, YK__UNSUPPORTED, "an activation that yolk has not; export the model to ONNX");
    return yk__pt_fail(b, act, YK__GRAPH, "it has no activation");
}

static yk__code activation_part(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    const size_t mark = yk__pt_enter(b, "act");
    YK__TRY(yk__pt_activation(b, yk__pt_some(b->file, module, "act"), x, y));
    yk__pt_leave(b, mark);
    return YK__OK;
}

/* ---- Conv and its kin ---- */

/* Conv, DWConv: act(bn(conv(x))). A file saved after fusing has no bn. */
static yk__code conv(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    YK__TRY(folded(b, module, "conv", yk__pt_some(b->file, module, "bn"), x, y));
    return activation_part(b, module, *y, y);
}

static yk__code conv_transpose(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    char class_name[64];
    yk__py bn = yk__pt_some(b->file, module, "bn");
    if (strcmp(yk__pt_class(b->file, bn, class_name), "Identity") == 0) bn = YK__PY_ABSENT;
    YK__TRY(folded(b, module, "conv_transpose", bn, x, y));
    return activation_part(b, module, *y, y);
}

/* torch's own. */
static yk__code plain_conv(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    yk__pt_kernel kernel;
    YK__TRY(yk__pt_kernel_read(b, module, YK__PY_ABSENT, &kernel));
    return yk__pt_kernel_node(b, &kernel, x, y);
}

/* A normalisation with nothing before it to fold into: a convolution of one weight per channel. */
static yk__code plain_norm(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    const int64_t n = yk__pt_channels(b, x);
    yk__pt_kernel k = {.out = n, .in = n, .groups = n, .k = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}};
    if (n < 1) return yk__pt_fail(b, module, YK__GRAPH, "its input is no feature map");
    k.weight = yk__arena_array(&b->graph->arena, (size_t)n, sizeof *k.weight);
    if (!k.weight) return yk__pt_no_memory(b);
    for (int64_t i = 0; i < n; i++) k.weight[i] = 1;
    YK__TRY(fold_norm(b, module, &k));
    return yk__pt_kernel_node(b, &k, x, y);
}

/* Adds a smaller kernel to the middle of a larger one of the same channels, and its bias. */
static yk__code add_kernel(yk__pt_build *b, yk__py module, yk__pt_kernel *to, const yk__pt_kernel *from) {
    bool fits = to->out == from->out && to->in == from->in && to->groups == from->groups;
    for (int d = 0; d < 2; d++)
        fits = fits && to->k[d] >= from->k[d] && (to->k[d] - from->k[d]) % 2 == 0 && to->stride[d] == from->stride[d] &&
               to->dilation[d] == 1 && from->dilation[d] == 1 && to->pad[d] - from->pad[d] == (to->k[d] - from->k[d]) / 2;
    if (!fits) return yk__pt_fail(b, module, YK__GRAPH, "its branches do not fit one convolution");
    const int64_t planes = to->out * (to->in / to->groups), top = (to->k[0] - from->k[0]) / 2,
                  left = (to->k[1] - from->k[1]) / 2;
    for (int64_t p = 0; p < planes; p++)
        for (int64_t i = 0; i < from->k[0]; i++)
            for (int64_t j = 0; j < from->k[1]; j++)
                to->weight[(p * to->k[0] + top + i) * to->k[1] + left + j] +=
                    from->weight[(p * from->k[0] + i) * from->k[1] + j];
    for (int64_t o = 0; to->bias && from->bias && o < to->out; o++) to->bias[o] += from->bias[o];
    return YK__OK;
}

/* The kernel of a Conv without activation: a branch. */
static yk__code read_branch(yk__pt_build *b, yk__py module, const char *name, yk__pt_kernel *out) {
    const yk__py branch = yk__pt_some(b->file, module, name);
    char class_name[64];
    const size_t mark = yk__pt_enter(b, name);
    if (strcmp(yk__pt_class(b->file, yk__pt_some(b->file, branch, "act"), class_name), "Identity") != 0)
        return yk__pt_fail(b, branch, YK__UNSUPPORTED, "a branch with an activation cannot be merged");
    YK__TRY(yk__pt_kernel_read(b, yk__pt_some(b->file, branch, "conv"), yk__pt_some(b->file, branch, "bn"), out));
    yk__pt_leave(b, mark);
    return YK__OK;
}

/* The identity branch of RepConv: a normalisation as the middle of a kernel, each channel from itself. */
static yk__code add_identity(yk__pt_build *b, yk__py module, yk__pt_kernel *to) {
    norm n;
    const yk__py bn = yk__pt_some(b->file, module, "bn");
    const int64_t per_group = to->in / to->groups, middle = to->k[0] / 2 * to->k[1] + to->k[1] / 2;
    if (bn == YK__PY_ABSENT) return YK__OK;
    if (to->in != to->out) return yk__pt_fail(b, module, YK__GRAPH, "an identity branch between unlike numbers of channels");
    YK__TRY(read_norm(b, bn, to->out, &n));
    for (int64_t o = 0; o < to->out; o++) {
        to->weight[(o * per_group + o % per_group) * to->k[0] * to->k[1] + middle] += n.gamma[o] * n.rsqrt[o];
        if (to->bias) to->bias[o] += n.beta[o] - n.mean[o] * n.gamma[o] * n.rsqrt[o];
    }
    return YK__OK;
}

/* act(conv1(x) + conv2(x) + bn(x)) as one convolution; in fused files `conv` is that one already. */
static yk__code rep_conv(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    yk__pt_kernel large, small;
    if (yk__pt_has(b, module, "conv")) {
        YK__TRY(folded(b, module, "conv", YK__PY_ABSENT, x, y));
    } else {
        YK__TRY(read_branch(b, module, "conv1", &large));
        YK__TRY(read_branch(b, module, "conv2", &small));
        YK__TRY(add_kernel(b, module, &large, &small));
        YK__TRY(add_identity(b, module, &large));
        const size_t mark = yk__pt_enter(b, "conv");
        YK__TRY(yk__pt_kernel_node(b, &large, x, y));
        yk__pt_leave(b, mark);
    }
    return activation_part(b, module, *y, y);
}

/* act(conv(x) + conv1(x)) of two depthwise Convs; in fused files `conv` is a plain convolution. */
static yk__code rep_vgg_dw(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    yk__pt_kernel large, small;
    if (yk__pt_has(b, module, "conv1")) {
        YK__TRY(read_branch(b, module, "conv", &large));
        YK__TRY(read_branch(b, module, "conv1", &small));
        YK__TRY(add_kernel(b, module, &large, &small));
        const size_t mark = yk__pt_enter(b, "conv");
        YK__TRY(yk__pt_kernel_node(b, &large, x, y));
        yk__pt_leave(b, mark);
    } else {
        YK__TRY(folded(b, module, "conv", YK__PY_ABSENT, x, y));
    }
    return activation_part(b, module, *y, y);
}

/* Conv2: act(bn(conv(x) + cv2(x))), both without bias: the kernels are summed before the normalisation is folded in. */
static yk__code conv2(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    yk__pt_kernel large, small;
    if (!yk__pt_has(b, module, "cv2")) return conv(b, module, x, y);
    YK__TRY(yk__pt_kernel_read(b, yk__pt_some(b->file, module, "conv"), YK__PY_ABSENT, &large));
    YK__TRY(yk__pt_kernel_read(b, yk__pt_some(b->file, module, "cv2"), YK__PY_ABSENT, &small));
    YK__TRY(add_kernel(b, module, &large, &small));
    if (yk__pt_has(b, module, "bn")) YK__TRY(fold_norm(b, yk__pt_some(b->file, module, "bn"), &large));
    const size_t mark = yk__pt_enter(b, "conv");
    YK__TRY(yk__pt_kernel_node(b, &large, x, y));
    yk__pt_leave(b, mark);
    return activation_part(b, module, *y, y);
}

/* Two modules in a row. */
static yk__code light_conv(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    YK__TRY(yk__pt_part(b, module, "conv1", x, y));
    return yk__pt_part(b, module, "conv2", *y, y);
}

static yk__code sc_down(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    YK__TRY(yk__pt_part(b, module, "cv1", x, y));
    return yk__pt_part(b, module, "cv2", *y, y);
}

static yk__code ghost_conv(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    int32_t parts[2];
    YK__TRY(yk__pt_part(b, module, "cv1", x, &parts[0]));
    YK__TRY(yk__pt_part(b, module, "cv2", parts[0], &parts[1]));
    return yk__pt_concat(b, parts, 2, y);
}

/* Every second pixel, in the order (rows, columns) even even, odd even, even odd, odd odd: SpaceToDepth has the channels of a
 * cell's rows first, so the middle two of its four runs change places. */
static yk__code focus(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    const int64_t channels = yk__pt_channels(b, x);
    int32_t wide, part[4];
    yk__node *node;
    if (channels < 1) return yk__pt_fail(b, module, YK__GRAPH, "its input is no feature map");
    YK__TRY(yk__pt_node(b, YK__OP_SPACE_TO_DEPTH, "SpaceToDepth", &x, 1, 4 * channels, &wide, &node));
    if (!yk__node_set_int(b->graph, node, "blocksize", 2)) return yk__pt_no_memory(b);
    YK__TRY(yk__pt_split(b, wide, (int64_t[]){channels, channels, channels, channels}, 4, part));
    YK__TRY(yk__pt_concat(b, (int32_t[]){part[0], part[2], part[1], part[3]}, 4, y));
    return yk__pt_part(b, module, "conv", *y, y);
}

/* ---- containers and what does nothing ---- */

static yk__code sequence(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    *y = x;
    for (int32_t i = 0; i < yk__pt_children(b->file, module); i++) {
        const size_t mark = yk__pt_enter_sequence(b, i);
        YK__TRY(yk__pt_run(b, yk__pt_child(b->file, module, i), *y, y));
        yk__pt_leave(b, mark);
    }
    return YK__OK;
}

static yk__code nothing(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    (void)b, (void)module;
    *y = x;
    return YK__OK;
}

const yk__pt_block yk__pt_blocks_conv[] = {
    {"Conv", conv, NULL},
    {"DWConv", conv, NULL},
    {"Conv2", conv2, NULL},
    {"ConvTranspose", conv_transpose, NULL},
    {"Conv2d", plain_conv, NULL},
    {"ConvTranspose2d", plain_conv, NULL},
    {"DWConvTranspose2d", plain_conv, NULL},
    {"BatchNorm2d", plain_norm, NULL},
    {"RepConv", rep_conv, NULL},
    {"RepVGGDW", rep_vgg_dw, NULL},
    {"LightConv", light_conv, NULL},
    {"SCDown", sc_down, NULL},
    {"GhostConv", ghost_conv, NULL},
    {"Focus", focus, NULL},
    {"Sequential", sequence, NULL},
    {"Identity", nothing, NULL},
    {"Silence", nothing, NULL},
    {"Dropout", nothing, NULL},
    {"Dropout2d", nothing, NULL},
    {"SiLU", yk__pt_activation, NULL},
    {"ReLU", yk__pt_activation, NULL},
    {"ReLU6", yk__pt_activation, NULL},
    {"LeakyReLU", yk__pt_activation, NULL},
    {"PReLU", yk__pt_activation, NULL},
    {"Hardswish", yk__pt_activation, NULL},
    {"Sigmoid", yk__pt_activation, NULL},
    {"Tanh", yk__pt_activation, NULL},
    {"Mish", yk__pt_activation, NULL},
    {"GELU", yk__pt_activation, NULL},
    {NULL, NULL, NULL},
};
