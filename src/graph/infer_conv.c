/* Inference of convolution, pooling, normalisation and Resize. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "graph/infer_rules.h"
#include "graph/window.h"

/* yk__window_make, its message given the node's name. */
static yk__code window_of(const yk__rule_call *call, const yk__shape *weight, yk__window *window) {
    yk__error local = {0};
    yk__code code = yk__window_make(call->node, &call->in[0].shape, weight, window, &local);
    return code ? yk__rule_fail(call, code, "%s", local.message) : YK__OK;
}

static yk__shape windowed_shape(const yk__rule_call *call, int64_t channels, const yk__window *window) {
    yk__shape shape = call->in[0].shape;
    shape.dim[1] = channels;
    for (int i = 0; i < window->n; i++) shape.dim[i + 2] = window->out[i];
    return shape;
}

/* A vector of n, or absent. */
static yk__code want_vector(const yk__rule_call *call, int input, int64_t n, const char *what) {
    if (!yk__rule_has(call, input)) return YK__OK;
    const yk__shape *shape = &call->in[input].shape;
    if (shape->rank == 1 && shape->dim[0] == n) return YK__OK;
    return yk__rule_fail(call, YK__SHAPE, "%s must have %lld elements", what, (long long)n);
}

static yk__code want_activation(const yk__rule_call *call) {
    static const char *const names[] = {"none", "silu", "relu", "leaky_relu", "sigmoid", "hardswish"};
    const char *act = yk__node_string(call->node, "act", "none");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(act, names[i])) return YK__OK;
    return yk__rule_fail(call, YK__UNSUPPORTED, "activation \"%.40s\" is none that yolk can fuse", act);
}

/* Weights are as x; the bias too, or f32. */
static yk__code want_conv_types(const yk__rule_call *call) {
    YK__TRY(yk__rule_want_float(call, 0));
    if (call->in[1].dtype != call->in[0].dtype) return yk__rule_fail(call, YK__GRAPH, "inputs 0 and 1 differ in type");
    bool known = !yk__rule_has(call, 2) || call->in[2].dtype == call->in[0].dtype || call->in[2].dtype == YK__DTYPE_F32;
    return known ? YK__OK : yk__rule_fail(call, YK__GRAPH, "the bias must be of input 0's type or f32");
}

/* The output's element type: named, or that of x. */
static yk__code conv_out_type(const yk__rule_call *call, yk__dtype *type) {
    const char *name = yk__node_string(call->node, "out_type", NULL);
    *type = name ? yk__dtype_from_name(name) : call->in[0].dtype;
    if (!yk__dtype_is_float(*type)) return yk__rule_fail(call, YK__GRAPH, "out_type \"%.40s\" is no float type", name);
    if (yk__rule_has(call, 3) && call->in[3].dtype != *type)
        return yk__rule_fail(call, YK__GRAPH, "the residual is not of the output's type");
    return YK__OK;
}

static yk__code want_conv_inputs(const yk__rule_call *call, int64_t *group) {
    YK__TRY(want_conv_types(call));
    YK__TRY(yk__rule_want_rank(call, 0, 3, YK__MAX_RANK));
    YK__TRY(yk__rule_want_rank(call, 1, call->in[0].shape.rank, call->in[0].shape.rank));
    *group = yk__node_int(call->node, "group", 1);
    if (*group < 1 || *group > YK__MAX_ELEMENTS)
        return yk__rule_fail(call, YK__GRAPH, "group is %lld; it must be 1 or more", (long long)*group);
    return want_activation(call);
}

static yk__code conv(const yk__rule_call *call) {
    const yk__shape *x = &call->in[0].shape, *weight = &call->in[1].shape;
    yk__window window;
    int64_t group;
    YK__TRY(want_conv_inputs(call, &group));
    if (weight->dim[1] < 1 || weight->dim[1] * group != x->dim[1])
        return yk__rule_fail(call, YK__SHAPE, "the input has %lld channels; the weight wants %lld in %lld groups",
                             (long long)x->dim[1], (long long)weight->dim[1], (long long)group);
    if (weight->dim[0] < 1 || weight->dim[0] % group)
        return yk__rule_fail(call, YK__SHAPE, "%lld output channels do not divide into %lld groups", (long long)weight->dim[0],
                             (long long)group);
    YK__TRY(want_vector(call, 2, weight->dim[0], "the bias"));
    YK__TRY(window_of(call, weight, &window));
    yk__shape shape = windowed_shape(call, weight->dim[0], &window);
    if (yk__rule_has(call, 3) && !yk__shape_equal(&call->in[3].shape, &shape))
        return yk__rule_fail(call, YK__SHAPE, "the residual does not have the output's shape");
    yk__dtype type;
    YK__TRY(conv_out_type(call, &type));
    yk__rule_set(call, 0, type, &shape);
    return YK__OK;
}

static yk__code conv_transpose(const yk__rule_call *call) {
    const yk__shape *x = &call->in[0].shape, *weight = &call->in[1].shape;
    yk__window window;
    int64_t group, channels;
    YK__TRY(want_conv_inputs(call, &group));
    if (weight->dim[0] != x->dim[1] || x->dim[1] < 1 || x->dim[1] % group)
        return yk__rule_fail(call, YK__SHAPE, "the input has %lld channels; the weight wants %lld in %lld groups",
                             (long long)x->dim[1], (long long)weight->dim[0], (long long)group);
    YK__TRY(yk__rule_mul(call, weight->dim[1], group, &channels));
    if (channels < 1) return yk__rule_fail(call, YK__SHAPE, "the weight makes no channels");
    YK__TRY(want_vector(call, 2, channels, "the bias"));
    YK__TRY(window_of(call, weight, &window));
    yk__shape shape = windowed_shape(call, channels, &window);
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    return YK__OK;
}

static yk__code pool(const yk__rule_call *call) {
    yk__window window;
    yk__dtype dtype = call->in[0].dtype;
    bool bytes = dtype == YK__DTYPE_U8 || dtype == YK__DTYPE_I8; /* MaxPool alone is defined on these */
    if (!bytes || call->node->op != YK__OP_MAX_POOL) YK__TRY(yk__rule_want_float(call, 0));
    YK__TRY(yk__rule_want_rank(call, 0, 3, YK__MAX_RANK));
    YK__TRY(window_of(call, NULL, &window));
    yk__shape shape = windowed_shape(call, call->in[0].shape.dim[1], &window);
    yk__rule_set(call, 0, dtype, &shape);
    yk__rule_set(call, 1, YK__DTYPE_I64, &shape); /* MaxPool's indices, where used */
    return YK__OK;
}

static yk__code global_pool(const yk__rule_call *call) {
    yk__shape shape = call->in[0].shape;
    YK__TRY(yk__rule_want_float(call, 0));
    YK__TRY(yk__rule_want_rank(call, 0, 2, YK__MAX_RANK));
    for (int i = 2; i < shape.rank; i++) {
        if (shape.dim[i] == 0) return yk__rule_fail(call, YK__SHAPE, "nothing to pool along axis %d", i);
        shape.dim[i] = 1;
    }
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    return YK__OK;
}

/* BatchNormalization and InstanceNormalization: a number per channel in every further input. */
static yk__code channel_norm(const yk__rule_call *call) {
    static const char *const names[] = {"x", "scale", "bias", "mean", "variance"};
    YK__TRY(yk__rule_want_float(call, 0));
    YK__TRY(yk__rule_want_rank(call, 0, 2, YK__MAX_RANK));
    if (yk__node_int(call->node, "training_mode", 0))
        return yk__rule_fail(call, YK__UNSUPPORTED, "training_mode is set; export the model for inference");
    for (int i = 1; i < call->node->n_in; i++) {
        YK__TRY(yk__rule_want_float(call, i));
        YK__TRY(want_vector(call, i, call->in[0].shape.dim[1], names[i]));
    }
    return yk__rule_like_input(call);
}

static yk__code layer_norm(const yk__rule_call *call) {
    yk__shape shape = call->in[0].shape, both;
    int axis;
    YK__TRY(yk__rule_want_float(call, 0));
    YK__TRY(yk__rule_want_same_type(call));
    YK__TRY(yk__rule_axis(call, yk__node_int(call->node, "axis", -1), shape.rank, &axis));
    for (int i = 1; i < call->node->n_in; i++)
        if (yk__rule_has(call, i) &&
            (!yk__shape_broadcast(&shape, &call->in[i].shape, &both) || !yk__shape_equal(&both, &shape)))
            return yk__rule_fail(call, YK__SHAPE, "input %d does not broadcast to the shape of the input", i);
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    for (int i = axis; i < shape.rank; i++) shape.dim[i] = 1;
    yk__dtype stash = yk__node_int(call->node, "stash_type", 1) == 1 ? YK__DTYPE_F32 : call->in[0].dtype;
    yk__rule_set(call, 1, stash, &shape);
    yk__rule_set(call, 2, stash, &shape);
    return YK__OK;
}

static yk__code want_word(const yk__rule_call *call, const char *attribute, const char *otherwise, const char *words) {
    const char *word = yk__node_string(call->node, attribute, otherwise);
    size_t length = strlen(word);
    for (const char *at = words; *at;) {
        size_t n = strcspn(at, " ");
        if (n == length && !memcmp(at, word, n)) return YK__OK;
        at += n + strspn(at + n, " ");
    }
    return yk__rule_fail(call, YK__UNSUPPORTED, "%s is \"%.40s\"; yolk knows %s", attribute, word, words);
}

/* An input that is there and not empty: Resize's exports leave roi and scales as empty lists. */
static bool filled(const yk__rule_call *call, int input) {
    int64_t count;
    return yk__rule_has(call, input) && yk__shape_count(&call->in[input].shape, &count) && count > 0;
}

/* n floats of an input. */
static yk__code known_floats(const yk__rule_call *call, int input, int n, float *out) {
    const yk__inferred *value = &call->in[input];
    if (value->shape.rank != 1 || value->shape.dim[0] != n)
        return yk__rule_fail(call, YK__SHAPE, "input %d must have %d numbers", input, n);
    if (!value->data)
        return yk__rule_fail(call, YK__SHAPE, "the output's shape depends on values of input %d not known before the run",
                             input);
    for (int i = 0; i < n; i++) {
        switch (value->dtype) {
        case YK__DTYPE_F32: out[i] = ((const float *)value->data)[i]; break;
        case YK__DTYPE_F64: out[i] = (float)((const double *)value->data)[i]; break;
        case YK__DTYPE_F16: out[i] = yk__half_to_float(((const uint16_t *)value->data)[i]); break;
        default: return yk__rule_fail(call, YK__GRAPH, "input %d must be f32", input);
        }
    }
    return YK__OK;
}

/* floor(in * scale), in single precision as the ONNX checker and runtimes count it. */
static yk__code resize_by_scales(const yk__rule_call *call, const int *axis, int n, yk__shape *shape) {
    float scales[YK__MAX_RANK], roi[2 * YK__MAX_RANK];
    bool crop = !strcmp(yk__node_string(call->node, "coordinate_transformation_mode", "half_pixel"), "tf_crop_and_resize");
    YK__TRY(known_floats(call, 2, n, scales));
    if (crop) YK__TRY(known_floats(call, 1, 2 * n, roi));
    for (int i = 0; i < n; i++) {
        float part = crop ? roi[n + i] - roi[i] : 1.0f;
        float size = floorf((float)shape->dim[axis[i]] * part * scales[i]);
        if (!(scales[i] > 0) || !(size >= 0) || !(size <= (float)YK__MAX_ELEMENTS))
            return yk__rule_fail(call, YK__SHAPE, "scale %g on axis %d is out of range", (double)scales[i], axis[i]);
        shape->dim[axis[i]] = (int64_t)size;
    }
    return YK__OK;
}

static yk__code resize_to_sizes(const yk__rule_call *call, const int *axis, int n, yk__shape *shape) {
    const char *policy = yk__node_string(call->node, "keep_aspect_ratio_policy", "stretch");
    bool larger = !strcmp(policy, "not_smaller"), stretch = !strcmp(policy, "stretch");
    int64_t sizes[YK__MAX_RANK];
    int given;
    YK__TRY(want_word(call, "keep_aspect_ratio_policy", "stretch", "stretch not_larger not_smaller"));
    YK__TRY(yk__rule_ints(call, 3, sizes, YK__MAX_RANK, &given));
    if (given != n) return yk__rule_fail(call, YK__SHAPE, "%d sizes for %d axes", given, n);
    float best = larger ? 0 : FLT_MAX;
    for (int i = 0; i < n; i++) {
        if (sizes[i] < 0 || sizes[i] > YK__MAX_ELEMENTS)
            return yk__rule_fail(call, YK__SHAPE, "size %lld on axis %d is out of range", (long long)sizes[i], axis[i]);
        if (!stretch && shape->dim[axis[i]] == 0)
            return yk__rule_fail(call, YK__SHAPE, "axis %d is empty and its aspect ratio is to be kept", axis[i]);
        float scale = stretch ? 1 : (float)sizes[i] / (float)shape->dim[axis[i]];
        if (larger ? scale > best : scale < best) best = scale;
    }
    if (!stretch && yk__rule_dynamic(call))
        return yk__rule_fail(call, YK__UNSUPPORTED, "the aspect ratio of an input of unknown size cannot be kept");
    for (int i = 0; i < n; i++) {
        float size = stretch ? 0 : floorf((float)shape->dim[axis[i]] * best + 0.5f);
        if (size > (float)YK__MAX_ELEMENTS) return yk__rule_fail(call, YK__LIMIT, "axis %d would be too large", axis[i]);
        shape->dim[axis[i]] = stretch ? sizes[i] : (int64_t)size;
    }
    return YK__OK;
}

static yk__code resize(const yk__rule_call *call) {
    yk__shape shape = call->in[0].shape;
    int64_t axes[YK__MAX_RANK];
    int axis[YK__MAX_RANK], n = yk__node_ints(call->node, "axes", axes, YK__MAX_RANK);
    YK__TRY(yk__rule_want_numeric(call, 0));
    YK__TRY(want_word(call, "mode", "nearest", "nearest linear cubic"));
    YK__TRY(want_word(call, "nearest_mode", "round_prefer_floor", "round_prefer_floor round_prefer_ceil floor ceil"));
    YK__TRY(want_word(call, "coordinate_transformation_mode", "half_pixel",
                      "half_pixel half_pixel_symmetric pytorch_half_pixel align_corners asymmetric tf_crop_and_resize "
                      "tf_half_pixel_for_nn"));
    if (n > shape.rank) return yk__rule_fail(call, YK__SHAPE, "%d axes for a rank of %d", n, shape.rank);
    if (n == 0)
        for (n = 0; n < shape.rank; n++) axes[n] = n;
    YK__TRY(yk__rule_axes(call, axes, n, shape.rank, axis));
    if (filled(call, 2) == filled(call, 3))
        return yk__rule_fail(call, YK__GRAPH, "exactly one of scales and sizes must be given");
    YK__TRY(filled(call, 2) ? resize_by_scales(call, axis, n, &shape) : resize_to_sizes(call, axis, n, &shape));
    for (int i = 0; i < shape.rank; i++)
        if (call->in[0].shape.dim[i] == 0 && shape.dim[i] > 0)
            return yk__rule_fail(call, YK__SHAPE, "axis %d is empty and cannot grow", i);
    yk__rule_set(call, 0, call->in[0].dtype, &shape);
    return YK__OK;
}

yk__rule yk__rules_conv(yk__op op) {
    switch (op) {
    case YK__OP_CONV: return conv;
    case YK__OP_CONV_TRANSPOSE: return conv_transpose;
    case YK__OP_MAX_POOL:
    case YK__OP_AVERAGE_POOL:
    case YK__OP_LP_POOL: return pool;
    case YK__OP_GLOBAL_AVERAGE_POOL:
    case YK__OP_GLOBAL_MAX_POOL:
    case YK__OP_GLOBAL_LP_POOL: return global_pool;
    case YK__OP_BATCH_NORMALIZATION:
    case YK__OP_INSTANCE_NORMALIZATION: return channel_norm;
    case YK__OP_LAYER_NORMALIZATION: return layer_norm;
    case YK__OP_RESIZE: return resize;
    default: return NULL;
    }
}
