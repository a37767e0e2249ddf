/* Pooling, enlarging, and the layers that bring several values together or apart. */
#include <string.h>

#include "import/pt_build.h"

enum { MAX_WINDOW = 4096, MAX_POOLS = 16, MAX_FACTOR = 64 };

static yk__code fail_memory_unless(yk__pt_build *b, bool set) {
    return set ? YK__OK : yk__pt_no_memory(b);
}

/* ---- torch's own ---- */

static yk__code max_pool(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    int64_t kernel[2], stride[2], pad[2], dilation[2] = {1, 1};
    YK__TRY(yk__pt_pair(b, module, "kernel_size", 1, MAX_WINDOW, kernel));
    memcpy(stride, kernel, sizeof stride);
    if (yk__pt_has(b, module, "stride")) YK__TRY(yk__pt_pair(b, module, "stride", 1, MAX_WINDOW, stride));
    YK__TRY(yk__pt_pair(b, module, "padding", 0, MAX_WINDOW, pad));
    if (yk__pt_has(b, module, "dilation")) YK__TRY(yk__pt_pair(b, module, "dilation", 1, MAX_WINDOW, dilation));
    return yk__pt_max_pool(b, "MaxPool", x, kernel, stride, pad, dilation, yk__pt_flag(b, module, "ceil_mode"), y);
}

static yk__code average_pool(yk__pt_build *b, const char *suffix, int32_t x, int64_t kernel, int64_t stride, int32_t *y) {
    yk__node *node;
    YK__TRY(yk__pt_node(b, YK__OP_AVERAGE_POOL, suffix, &x, 1, yk__pt_channels(b, x), y, &node));
    yk__graph *const g = b->graph;
    return fail_memory_unless(b, yk__node_set_int(g, node, "ceil_mode", 0) &&
                                     yk__node_set_int(g, node, "count_include_pad", 1) &&
                                     yk__node_set_ints(g, node, "kernel_shape", (int64_t[]){kernel, kernel}, 2) &&
                                     yk__node_set_ints(g, node, "pads", (int64_t[]){0, 0, 0, 0}, 4) &&
                                     yk__node_set_ints(g, node, "strides", (int64_t[]){stride, stride}, 2));
}

/* Zeros around the picture: left, right, top, bottom in torch's order. */
static yk__code zero_pad(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    const yk__pickle *const p = &b->file->pickle;
    const yk__py padding = yk__pt_attr(b->file, module, "padding");
    const float zero = 0;
    const yk__shape scalar = {.rank = 0};
    int64_t side[4];
    int32_t in[3] = {x, YK__NO_VALUE, YK__NO_VALUE};
    for (int32_t i = 0; i < 4; i++) {
        if (!yk__py_int(p, yk__py_item(p, padding, i), &side[i]) || side[i] < 0 || side[i] > MAX_WINDOW)
            return yk__pt_fail(b, module, YK__GRAPH, "its padding is no four numbers of 0..%d", MAX_WINDOW);
    }
    YK__TRY(yk__pt_ints(b, "Pad_sides", (int64_t[]){0, 0, side[2], side[0], 0, 0, side[3], side[1]}, 8, &in[1]));
    YK__TRY(yk__pt_floats(b, "Pad_value", &zero, &scalar, &in[2]));
    yk__node *node;
    YK__TRY(yk__pt_node(b, YK__OP_PAD, "Pad", in, 3, yk__pt_channels(b, x), y, &node));
    return fail_memory_unless(b, yk__node_set_string(b->graph, node, "mode", "constant"));
}

static yk__code upsample(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    double factor;
    if (yk__pt_has(b, module, "size")) return yk__pt_fail(b, module, YK__UNSUPPORTED, "it enlarges to a size, not by a factor");
    const yk__py mode = yk__pt_attr(b->file, module, "mode");
    const bool linear = yk__py_is(&b->file->pickle, mode, "bilinear") && !yk__pt_flag(b, module, "align_corners");
    if (!linear && !yk__py_is(&b->file->pickle, mode, "nearest"))
        return yk__pt_fail(b, module, YK__UNSUPPORTED,
                           "it enlarges by another rule than \"nearest\" or \"bilinear\" without aligned corners");
    if (!yk__py_number(&b->file->pickle, yk__pt_attr(b->file, module, "scale_factor"), &factor) || !(factor >= 1) ||
        !(factor <= MAX_FACTOR) || (double)(int)factor != factor)
        return yk__pt_fail(b, module, YK__UNSUPPORTED, "its factor is no whole number of 1..%d", MAX_FACTOR);
    YK__TRY(yk__pt_enlarge(b, "Resize", x, factor, y));
    yk__node *const node = &b->graph->nodes[b->graph->n_nodes - 1];
    return fail_memory_unless(b,
                              !linear || (yk__node_set_string(b->graph, node, "mode", "linear") &&
                                          yk__node_set_string(b->graph, node, "coordinate_transformation_mode", "half_pixel")));
}

/* ---- spatial pyramids ---- */

/* SPP: cat[x, pools of x]; yolov5's and v8's have three pools in a list. */
static yk__code spp(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    int32_t parts[MAX_POOLS + 1];
    const int32_t n = yk__pt_list_length(b, module, "m");
    if (n > MAX_POOLS) return yk__pt_fail(b, module, YK__LIMIT, "%d pools", n);
    YK__TRY(yk__pt_part(b, module, "cv1", x, &parts[0]));
    for (int32_t i = 0; i < n; i++) YK__TRY(yk__pt_list_part(b, module, "m", i, parts[0], &parts[i + 1]));
    YK__TRY(yk__pt_concat(b, parts, n + 1, y));
    return yk__pt_part(b, module, "cv2", *y, y);
}

/* SPPF: one pool n times in a row; files without `n` mean 3, without `add` no residual. */
static yk__code sppf(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    int32_t parts[MAX_POOLS + 1];
    const int64_t n = yk__pt_int_or(b, module, "n", 3);
    if (n < 0 || n > MAX_POOLS) return yk__pt_fail(b, module, YK__LIMIT, "%lld pools", (long long)n);
    YK__TRY(yk__pt_part(b, module, "cv1", x, &parts[0]));
    for (int64_t i = 0; i < n; i++) YK__TRY(yk__pt_part(b, module, "m", parts[i], &parts[i + 1]));
    YK__TRY(yk__pt_concat(b, parts, (int)n + 1, y));
    YK__TRY(yk__pt_part(b, module, "cv2", *y, y));
    return yk__pt_flag(b, module, "add") ? yk__pt_add(b, "Add", *y, x, y) : YK__OK;
}

static yk__code spp_elan(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    static const char *const names[] = {"cv1", "cv2", "cv3", "cv4"};
    int32_t parts[4];
    for (int i = 0; i < 4; i++) YK__TRY(yk__pt_part(b, module, names[i], i ? parts[i - 1] : x, &parts[i]));
    YK__TRY(yk__pt_concat(b, parts, 4, y));
    return yk__pt_part(b, module, "cv5", *y, y);
}

/* ---- halving the picture ---- */

static yk__code aconv(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    YK__TRY(average_pool(b, "AveragePool", x, 2, 1, y));
    return yk__pt_part(b, module, "cv1", *y, y);
}

static yk__code adown(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    static const int64_t three[2] = {3, 3}, two[2] = {2, 2}, one[2] = {1, 1};
    int32_t parts[2];
    YK__TRY(average_pool(b, "AveragePool", x, 2, 1, y));
    YK__TRY(yk__pt_halves(b, *y, parts));
    YK__TRY(yk__pt_part(b, module, "cv1", parts[0], &parts[0]));
    YK__TRY(yk__pt_max_pool(b, "MaxPool", parts[1], three, two, one, one, false, &parts[1]));
    YK__TRY(yk__pt_part(b, module, "cv2", parts[1], &parts[1]));
    return yk__pt_concat(b, parts, 2, y);
}

/* ---- layers of several values ---- */

static yk__code concat(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, yk__pt_flow *out) {
    int32_t parts[YK__PT_MAX_FLOW];
    if (yk__pt_int_or(b, module, "d", 1) != 1)
        return yk__pt_fail(b, module, YK__UNSUPPORTED, "it joins something else than channels");
    for (int i = 0; i < n_in; i++) {
        if (in[i].n != 1) return yk__pt_fail(b, module, YK__GRAPH, "input %d is a list", i);
        parts[i] = in[i].value[0];
    }
    out->n = 1;
    return yk__pt_concat(b, parts, n_in, &out->value[0]);
}

/* A convolution whose channels are cut into the runs c2s. */
static yk__code cb_linear(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, yk__pt_flow *out) {
    const yk__pickle *const p = &b->file->pickle;
    const yk__py sizes = yk__pt_attr(b->file, module, "c2s");
    int64_t size[YK__PT_MAX_FLOW];
    int32_t y;
    const int32_t n = yk__py_count(p, sizes);
    if (n_in != 1 || in[0].n != 1) return yk__pt_fail(b, module, YK__GRAPH, "it takes one input and is given several");
    if (n < 1 || n > YK__PT_MAX_FLOW) return yk__pt_fail(b, module, YK__LIMIT, "%d runs of channels", n);
    for (int32_t i = 0; i < n; i++)
        if (!yk__py_int(p, yk__py_item(p, sizes, i), &size[i]))
            return yk__pt_fail(b, module, YK__GRAPH, "c2s holds no numbers");
    YK__TRY(yk__pt_part(b, module, "conv", in[0].value[0], &y));
    out->n = n;
    if (n > 1) return yk__pt_split(b, y, size, n, out->value);
    out->value[0] = y;
    return YK__OK;
}

/* The last input plus chosen runs of the others, each enlarged to its size by a whole factor. */
static yk__code cb_fuse(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, yk__pt_flow *out) {
    const yk__pickle *const p = &b->file->pickle;
    const yk__py chosen = yk__pt_attr(b->file, module, "idx");
    if (in[n_in - 1].n != 1) return yk__pt_fail(b, module, YK__GRAPH, "its last input is a list");
    const int32_t target = in[n_in - 1].value[0], cells = yk__pt_reduction(b, target);
    int32_t sum = YK__NO_VALUE;
    for (int i = 0; i < n_in; i++) {
        int64_t which = 0;
        if (i < n_in - 1 && (!yk__py_int(p, yk__py_item(p, chosen, i), &which) || which < 0 || which >= in[i].n))
            return yk__pt_fail(b, module, YK__GRAPH, "it chooses run %lld of %d of input %d", (long long)which, in[i].n, i);
        int32_t part = in[i].value[which];
        const int32_t wide = yk__pt_reduction(b, part);
        if (cells < 1 || wide < cells || wide % cells || wide / cells > MAX_FACTOR)
            return yk__pt_fail(b, module, YK__UNSUPPORTED, "input %d is not larger than the last by a whole factor", i);
        if (wide != cells) YK__TRY(yk__pt_enlarge(b, "Resize", part, wide / cells, &part));
        if (i > 0) YK__TRY(yk__pt_add(b, "Add", sum, part, &part));
        sum = part;
    }
    *out = (yk__pt_flow){.n = 1, .value = {sum}};
    return YK__OK;
}

static yk__code one_input(yk__pt_build *b, yk__py module, const yk__pt_flow *in, int n_in, yk__pt_flow *out) {
    const int64_t i = yk__pt_int_or(b, module, "index", 0);
    if (n_in != 1 || i < 0 || i >= in[0].n) return yk__pt_fail(b, module, YK__GRAPH, "there is no input %lld", (long long)i);
    out->n = 1;
    out->value[0] = in[0].value[i];
    return YK__OK;
}

const yk__pt_block yk__pt_blocks_pool[] = {
    {"MaxPool2d", max_pool, NULL},
    {"ZeroPad2d", zero_pad, NULL},
    {"Upsample", upsample, NULL},
    {"SPP", spp, NULL},
    {"SPPF", sppf, NULL},
    {"SPPELAN", spp_elan, NULL},
    {"AConv", aconv, NULL},
    {"ADown", adown, NULL},
    {"Concat", NULL, concat},
    {"CBLinear", NULL, cb_linear},
    {"CBFuse", NULL, cb_fuse},
    {"Index", NULL, one_input},
    {NULL, NULL, NULL},
};
