/* One spelling for enlarging by whole factors: constant scales, and for nearest neighbour the coordinate rule "asymmetric,
 * floor", wherever the rule in the file picks the same pixels. Sizes that are baked in (or computed) become factors where the
 * ratio is whole at the export's size, and at a second one where that can be told: then any picture size works. */
#include "optimize/passes.h"
#include "optimize/rewrite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The pixel that ONNX's rules pick for output `o` when `n` pixels grow to factor * n, before clamping; false when the rule is
 * none of ours. */
static bool picked(const char *coordinate, const char *rounding, int64_t o, int64_t factor, double *pixel) {
    double x = (double)o / (double)factor;
    if (!strcmp(coordinate, "half_pixel") || !strcmp(coordinate, "pytorch_half_pixel") ||
        !strcmp(coordinate, "half_pixel_symmetric"))
        x = ((double)o + 0.5) / (double)factor - 0.5;
    else if (strcmp(coordinate, "asymmetric"))
        return false;
    if (!strcmp(rounding, "round_prefer_floor"))
        *pixel = ceil(x - 0.5);
    else if (!strcmp(rounding, "round_prefer_ceil"))
        *pixel = floor(x + 0.5);
    else if (!strcmp(rounding, "floor"))
        *pixel = floor(x);
    else if (!strcmp(rounding, "ceil"))
        *pixel = ceil(x);
    else
        return false;
    return true;
}

/* Whether the node's rules repeat each pixel `factor` times. The rules move on by one pixel every `factor` outputs, so a few
 * pixels tell for all; what lies outside is clamped, as repetition would have it. */
static bool repeats(const yk__node *node, int64_t factor) {
    enum { N_PIXELS = 4 };
    const char *coordinate = yk__node_string(node, "coordinate_transformation_mode", "half_pixel");
    const char *rounding = yk__node_string(node, "nearest_mode", "round_prefer_floor");
    if (factor > 4096) return false;
    for (int64_t o = 0; o < N_PIXELS * factor; o++) {
        double pixel;
        if (!picked(coordinate, rounding, o, factor, &pixel)) return false;
        if (pixel < 0) pixel = 0;
        if (pixel > N_PIXELS - 1) pixel = N_PIXELS - 1;
        if ((int64_t)pixel != o / factor) return false;
    }
    return true;
}

/* Whole factors from one value to the other in rows and columns; the rest equal. */
static bool whole_factors(const yk__at_size *at, int32_t from, int32_t to, int64_t factor[2]) {
    if (!yk__at(at, from) || !yk__at(at, to)) return false;
    const yk__shape *in = &yk__at(at, from)->shape, *out = &yk__at(at, to)->shape;
    if (in->rank != 4 || out->rank != 4 || in->dim[0] != out->dim[0] || in->dim[1] != out->dim[1]) return false;
    for (int i = 0; i < 2; i++) {
        int64_t small = in->dim[2 + i], large = out->dim[2 + i];
        if (small < 1 || large < small || large % small) return false;
        factor[i] = large / small;
    }
    return true;
}

/* Factors of the node, false when they are not whole or not certain. */
static bool find_factors(const yk__graph *graph, const yk__node *node, const yk__at_size at[2], int64_t factor[2]) {
    if (node->n_in > 2 && node->in[2] >= 0) { /* scales */
        const yk__value *scales = yk__constant_of(graph, node->in[2]);
        if (!scales || scales->dtype != YK__DTYPE_F32 || scales->shape.rank != 1 || scales->shape.dim[0] != 4) return false;
        const float *s = scales->data;
        for (int i = 0; i < 2; i++) {
            if (!(s[2 + i] >= 1 && s[2 + i] <= 4096) || s[2 + i] != floorf(s[2 + i])) return false;
            factor[i] = (int64_t)s[2 + i];
        }
        return s[0] == 1 && s[1] == 1;
    }
    if (node->n_in < 4 || node->in[3] < 0) return false;
    if (strcmp(yk__node_string(node, "keep_aspect_ratio_policy", "stretch"), "stretch")) return false;
    int32_t x = node->in[0], y = node->out[0];
    if (!whole_factors(&at[0], x, y, factor)) return false;
    if (yk__constant_of(graph, node->in[3])) return true; /* baked: there is no second size to look at */
    int64_t other[2];
    return whole_factors(&at[1], x, y, other) && other[0] == factor[0] && other[1] == factor[1];
}

static yk__code rewrite_resize(yk__graph *graph, yk__node *node, const int64_t factor[2], yk__error *err) {
    const char *mode = yk__node_string(node, "mode", "nearest");
    const float scales[4] = {1, 1, (float)factor[0], (float)factor[1]};
    bool nearest = !strcmp(mode, "nearest");
    if (nearest && (!repeats(node, factor[0]) || !repeats(node, factor[1]))) return YK__OK;
    const char *coordinate = nearest ? "asymmetric" : yk__node_string(node, "coordinate_transformation_mode", "half_pixel");
    double cubic = yk__node_float(node, "cubic_coeff_a", -0.75);
    int64_t antialias = yk__node_int(node, "antialias", 0), outside = yk__node_int(node, "exclude_outside", 0);
    if (yk__node_ints(node, "axes", NULL, 0) || !strcmp(coordinate, "tf_crop_and_resize")) return YK__OK;

    char name[256];
    snprintf(name, sizeof name, "%.200s.scales", node->name);
    int32_t scales_value = yk__add_floats(graph, name, scales, 4);
    int32_t *in = yk__arena_array(&graph->arena, 3, sizeof *in);
    if (scales_value < 0 || !in) return yk__arena_error(&graph->arena, "rewriting a Resize", err);
    in[0] = node->in[0];
    in[1] = YK__NO_VALUE;
    in[2] = scales_value;
    node->in = in;
    node->n_in = 3;
    node->n_attr = 0; /* only what means something for this mode is written back, so that equal nodes look equal */
    bool ok = yk__node_set_string(graph, node, "mode", mode) &&
              yk__node_set_string(graph, node, "coordinate_transformation_mode", coordinate);
    if (nearest) ok = ok && yk__node_set_string(graph, node, "nearest_mode", "floor");
    if (!strcmp(mode, "cubic")) ok = ok && yk__node_set_float(graph, node, "cubic_coeff_a", cubic);
    if (outside) ok = ok && yk__node_set_int(graph, node, "exclude_outside", outside);
    if (antialias) ok = ok && yk__node_set_int(graph, node, "antialias", antialias);
    return ok ? YK__OK : yk__arena_error(&graph->arena, "rewriting a Resize", err);
}

static bool is_canonical(const yk__graph *graph, const yk__node *node) {
    return node->n_in == 3 && node->in[1] < 0 && yk__constant_of(graph, node->in[2]) &&
           !strcmp(yk__node_string(node, "mode", "nearest"), "nearest") && node->n_attr == 3 &&
           !strcmp(yk__node_string(node, "coordinate_transformation_mode", ""), "asymmetric") &&
           !strcmp(yk__node_string(node, "nearest_mode", ""), "floor");
}

YK__PASS(canonical_resize) {
    yk__graph *graph = &model->graph;
    yk__at_size at[2] = {0};
    yk__arena scratch;
    bool any = false;
    for (int i = 0; i < graph->n_nodes; i++)
        any = any || (graph->nodes[i].op == YK__OP_RESIZE && !is_canonical(graph, &graph->nodes[i]));
    if (!any) return YK__OK;
    yk__arena_init(&scratch, YK__SCRATCH_BYTES);
    yk__code code = YK__OK;
    code = yk__infer_at(model, 0, 0, evaluate, &scratch, &at[0], err);
    if (!code) code = yk__infer_at(model, 2, 3, evaluate, &scratch, &at[1], err);
    if (!yk__is_fatal(code)) code = YK__OK; /* without shapes, sizes stay */
    for (int i = 0, n = graph->n_nodes; !code && i < n; i++) {
        yk__node *node = &graph->nodes[i];
        int64_t factor[2];
        if (node->op != YK__OP_RESIZE || is_canonical(graph, node) || !find_factors(graph, node, at, factor)) continue;
        code = rewrite_resize(graph, node, factor, err);
        *changed = true;
    }
    yk__arena_free(&scratch);
    return code;
}
