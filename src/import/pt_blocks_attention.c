/* Attention blocks, as the Attention operator and the convolutions around it (PARITY section 5.3). */
#include <math.h>
#include <stdio.h>

#include "import/pt_build.h"

enum { MAX_HEADS = 4096, MAX_DIM = 65536, MAX_AREA = 64, MAX_PARTS = 64 };

/* qkv -> attention + pe(v) -> proj. Per head the channels are [q dim_key][k dim_key][v dim_value]; the second output of
 * Attention is v. */
static yk__code attend(yk__pt_build *b, yk__py module, int32_t x, int64_t heads, int64_t dim_key, int64_t dim_value,
                       int64_t area, double scale, int32_t *y) {
    char name[600];
    int32_t out[2], pe;
    YK__TRY(yk__pt_part(b, module, "qkv", x, y));
    if (yk__pt_channels(b, *y) != heads * (2 * dim_key + dim_value)) {
        return yk__pt_fail(b, module, YK__GRAPH, "%lld heads of 2 * %lld + %lld do not make the %lld channels of its qkv",
                           (long long)heads, (long long)dim_key, (long long)dim_value, (long long)yk__pt_channels(b, *y));
    }
    const yk__shape shape = {.rank = 4, .dim = {-1, heads * dim_value, -1, -1}};
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s/Attention_output_%d", b->path, i);
        out[i] = yk__graph_add_value(b->graph, name, YK__DTYPE_F32, &shape, NULL);
        if (out[i] < 0) return yk__pt_no_memory(b);
        YK__TRY(yk__pt_set_reduction(b, out[i], yk__pt_reduction(b, *y)));
    }
    snprintf(name, sizeof name, "%s/Attention", b->path);
    const int32_t made = yk__graph_add_node(b->graph, YK__OP_ATTENTION, name, y, 1, out, 2);
    if (made < 0) return yk__pt_no_memory(b);
    yk__node *const node = &b->graph->nodes[made];
    if (!yk__node_set_int(b->graph, node, "heads", heads) || !yk__node_set_int(b->graph, node, "dim_key", dim_key) ||
        !yk__node_set_int(b->graph, node, "dim_value", dim_value) || !yk__node_set_int(b->graph, node, "area", area) ||
        !yk__node_set_float(b->graph, node, "scale", (double)(float)scale))
        return yk__pt_no_memory(b);
    YK__TRY(yk__pt_part(b, module, "pe", out[1], &pe));
    YK__TRY(yk__pt_add(b, "Add", out[0], pe, y));
    return yk__pt_part(b, module, "proj", *y, y);
}

static yk__code attention(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    int64_t heads, dim_key, dim_value;
    YK__TRY(yk__pt_int(b, module, "num_heads", 1, MAX_HEADS, &heads));
    YK__TRY(yk__pt_int(b, module, "key_dim", 1, MAX_DIM, &dim_key));
    YK__TRY(yk__pt_int(b, module, "head_dim", 1, MAX_DIM, &dim_value));
    const double scale = yk__pt_number_or(b, module, "scale", 1 / sqrt((double)dim_key));
    return attend(b, module, x, heads, dim_key, dim_value, 1, scale, y);
}

static yk__code area_attention(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    int64_t heads, dim, area;
    if (!yk__pt_has(b, module, "qkv")) {
        return yk__pt_fail(b, module, YK__UNSUPPORTED,
                           "it has no qkv: the file is of YOLOv12's own repository, whose attention differs; load it there and "
                           "export it to ONNX");
    }
    YK__TRY(yk__pt_int(b, module, "num_heads", 1, MAX_HEADS, &heads));
    YK__TRY(yk__pt_int(b, module, "head_dim", 1, MAX_DIM, &dim));
    YK__TRY(yk__pt_int(b, module, "area", 1, MAX_AREA, &area));
    return attend(b, module, x, heads, dim, dim, area, 1 / sqrt((double)dim), y);
}

/* x + f(x), then y + g(y); without `add` the bare parts. */
static yk__code two_steps(yk__pt_build *b, yk__py module, int32_t x, const char *first, const char *second, bool add,
                          int32_t *y) {
    int32_t step;
    *y = x;
    YK__TRY(yk__pt_part(b, module, first, *y, &step));
    if (add) YK__TRY(yk__pt_add(b, "Add", *y, step, &step));
    *y = step;
    YK__TRY(yk__pt_part(b, module, second, *y, &step));
    if (add) YK__TRY(yk__pt_add(b, "Add", *y, step, &step));
    *y = step;
    return YK__OK;
}

/* Files from before `add` existed always add. */
static yk__code psa_block(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    const bool add = !yk__pt_has(b, module, "add") || yk__pt_flag(b, module, "add");
    return two_steps(b, module, x, "attn", "ffn", add, y);
}

static yk__code a_block(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    return two_steps(b, module, x, "attn", "mlp", true, y);
}

/* cat[a, f(b)] of cv1's halves; f is one block written into the module (PSA) or a list of them (C2PSA). */
static yk__code psa(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    int32_t parts[2];
    YK__TRY(yk__pt_part(b, module, "cv1", x, y));
    YK__TRY(yk__pt_halves(b, *y, parts));
    if (yk__pt_has(b, module, "m")) {
        YK__TRY(yk__pt_part(b, module, "m", parts[1], &parts[1]));
    } else {
        YK__TRY(two_steps(b, module, parts[1], "attn", "ffn", true, &parts[1]));
    }
    YK__TRY(yk__pt_concat(b, parts, 2, y));
    return yk__pt_part(b, module, "cv2", *y, y);
}

/* x + gamma * y, channel by channel. */
static yk__code add_scaled(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    int64_t n = yk__pt_channels(b, *y);
    float *gamma;
    int32_t in[2] = {YK__NO_VALUE, *y};
    YK__TRY(yk__pt_vector(b, module, "gamma", &n, &gamma));
    const yk__shape shape = {.rank = 4, .dim = {1, n, 1, 1}};
    YK__TRY(yk__pt_floats(b, "gamma", gamma, &shape, &in[0]));
    YK__TRY(yk__pt_node(b, YK__OP_MUL, "Mul", in, 2, n, y, NULL));
    YK__TRY(yk__pt_set_reduction(b, *y, yk__pt_reduction(b, x)));
    return yk__pt_add(b, "Add", x, *y, y);
}

/* cat[cv1 x, m1, m2 ...] */
static yk__code a2c2f(yk__pt_build *b, yk__py module, int32_t x, int32_t *y) {
    int32_t parts[MAX_PARTS];
    const int32_t n = yk__pt_list_length(b, module, "m");
    if (n >= MAX_PARTS) return yk__pt_fail(b, module, YK__LIMIT, "a chain of %d blocks", n);
    YK__TRY(yk__pt_part(b, module, "cv1", x, &parts[0]));
    for (int32_t i = 0; i < n; i++) YK__TRY(yk__pt_list_part(b, module, "m", i, parts[i], &parts[i + 1]));
    YK__TRY(yk__pt_concat(b, parts, n + 1, y));
    YK__TRY(yk__pt_part(b, module, "cv2", *y, y));
    return yk__pt_has(b, module, "gamma") ? add_scaled(b, module, x, y) : YK__OK;
}

const yk__pt_block yk__pt_blocks_attention[] = {
    {"Attention", attention, NULL},
    {"AAttn", area_attention, NULL},
    {"PSABlock", psa_block, NULL},
    {"ABlock", a_block, NULL},
    {"PSA", psa, NULL},
    {"C2PSA", psa, NULL},
    {"A2C2f", a2c2f, NULL},
    {NULL, NULL, NULL},
};
