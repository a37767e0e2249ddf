/* Resize: every mode of ONNX opset 19. Each axis has a table: for each output coordinate the input positions it draws on and
 * their weights. Linear and cubic multiply the axes' weights and sum in double, rounded once; integers round half to even and
 * saturate. Outside the picture the edge repeats. */
#include <math.h>

#include "backend/ref/ops_ref.h"

typedef enum transform {
    HALF_PIXEL,
    HALF_PIXEL_SYMMETRIC,
    PYTORCH_HALF_PIXEL,
    TF_HALF_PIXEL,
    ALIGN_CORNERS,
    ASYMMETRIC,
    CROP,
    N_TRANSFORMS
} transform;
typedef enum mode { NEAREST, LINEAR, CUBIC } mode;
typedef enum rounding { PREFER_FLOOR, PREFER_CEIL, FLOOR, CEIL } rounding;

/* One axis that changes. */
typedef struct axis_table {
    int64_t in, out, stride; /* sizes; elements from one input position to the next */
    double scale, roi_start, roi_end;
    int64_t taps;      /* input positions per output coordinate */
    int64_t *position; /* [out][taps]; the first is -1 where the coordinate lies outside a crop */
    double *weight;    /* [out][taps] */
} axis_table;

typedef struct resize_job {
    const yk__ref_call *call;
    mode mode;
    transform transform;
    rounding rounding;
    bool antialias, exclude_outside;
    double cubic_a, extrapolation;
    int n_axes; /* axes that change */
    axis_table axes[YK__MAX_RANK];
    int axis_of[YK__MAX_RANK]; /* table of each dimension, -1: goes through */
    int64_t in_stride[YK__MAX_RANK];
} resize_job;

static const char *const transform_names[N_TRANSFORMS] = {"half_pixel",           "half_pixel_symmetric", "pytorch_half_pixel",
                                                          "tf_half_pixel_for_nn", "align_corners",        "asymmetric",
                                                          "tf_crop_and_resize"};

static int find_name(const char *name, const char *const *names, int n) {
    for (int i = 0; i < n; i++)
        if (strcmp(name, names[i]) == 0) return i;
    return -1;
}

static yk__code read_modes(const yk__ref_call *call, resize_job *job, yk__error *err) {
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
    const yk__node *node = call->node;
    const char *transform_name = yk__node_string(node, "coordinate_transformation_mode", "half_pixel");
    const int mode_at = find_name(yk__node_string(node, "mode", "nearest"), modes, 3);
    const int rounding_at = find_name(yk__node_string(node, "nearest_mode", "round_prefer_floor"), roundings, 4);
    const int transform_at = find_name(transform_name, transform_names, N_TRANSFORMS);
    if (mode_at < 0 || rounding_at < 0 || transform_at < 0)
        return yk__fail(err, YK__UNSUPPORTED, "Resize '%s': its mode, nearest_mode or transformation (%s) is not known",
                        node->name, transform_name);
    job->mode = (mode)mode_at;
    job->rounding = (rounding)rounding_at;
    job->transform = (transform)transform_at;
    job->antialias = yk__node_int(node, "antialias", 0) != 0;
    job->exclude_outside = yk__node_int(node, "exclude_outside", 0) != 0;
    job->cubic_a = yk__node_float(node, "cubic_coeff_a", -0.75);
    job->extrapolation = yk__node_float(node, "extrapolation_value", 0);
    return YK__OK;
}

/* The dimensions that roi, scales and sizes speak of, in their order. */
static yk__code read_axes(const yk__ref_call *call, int64_t *axes, int *n, yk__error *err) {
    const int rank = call->in[0].shape.rank;
    *n = yk__node_ints(call->node, "axes", axes, YK__MAX_RANK);
    if (*n > rank) return yk__fail(err, YK__GRAPH, "Resize '%s': more axes than dimensions", call->node->name);
    for (int i = 0; i < *n; i++) {
        int axis;
        YK__TRY(yk__ref_axis(call, axes[i], rank, &axis, err));
        axes[i] = axis;
    }
    if (*n > 0) return YK__OK;
    *n = rank;
    for (int i = 0; i < rank; i++) axes[i] = i;
    return YK__OK;
}

/* The scale of each listed axis: as given, or from the sizes; with a policy one scale for all of them. */
static yk__code read_scales(const yk__ref_call *call, const int64_t *axes, int n, double *scale, yk__error *err) {
    const yk__shape *in = &call->in[0].shape, *out = &call->out[0].shape;
    const bool scaled = yk__ref_present(call, 2) && yk__ref_count(&call->in[2].shape) == n;
    const bool sized = yk__ref_present(call, 3) && yk__ref_count(&call->in[3].shape) == n;
    const char *policy = yk__node_string(call->node, "keep_aspect_ratio_policy", "stretch");
    double smallest = INFINITY, largest = 0;
    for (int i = 0; i < n; i++) {
        const double in_size = (double)in->dim[axes[i]], out_size = (double)out->dim[axes[i]];
        if (scaled)
            scale[i] = yk__ref_number(&call->in[2], i);
        else
            scale[i] = (sized ? yk__ref_number(&call->in[3], i) : out_size) / in_size;
        if (!(scale[i] > 0) || isinf(scale[i])) {
            if (yk__ref_count(out) == 0) continue; /* nothing to compute */
            return yk__fail(err, YK__GRAPH, "Resize '%s': a scale is not a positive number", call->node->name);
        }
        smallest = scale[i] < smallest ? scale[i] : smallest;
        largest = scale[i] > largest ? scale[i] : largest;
    }
    const bool not_larger = strcmp(policy, "not_larger") == 0, not_smaller = strcmp(policy, "not_smaller") == 0;
    if (!scaled && (not_larger || not_smaller))
        for (int i = 0; i < n; i++) scale[i] = not_larger ? smallest : largest;
    return YK__OK;
}

/* Half the width of the filter in input positions. */
static double support(const resize_job *job, double scale) {
    const double width = job->mode == LINEAR ? 1 : 2;
    return job->antialias && scale < 1 ? width / scale : width;
}

static yk__code read_job(const yk__ref_call *call, resize_job *job, yk__error *err) {
    const yk__shape *in = &call->in[0].shape, *out = &call->out[0].shape;
    int64_t axes[YK__MAX_RANK];
    double scale[YK__MAX_RANK];
    int n;
    *job = (resize_job){.call = call};
    YK__TRY(read_modes(call, job, err));
    YK__TRY(read_axes(call, axes, &n, err));
    YK__TRY(read_scales(call, axes, n, scale, err));
    int64_t stride = 1;
    for (int i = in->rank - 1; i >= 0; i--) {
        job->axis_of[i] = -1;
        job->in_stride[i] = stride;
        stride *= in->dim[i];
    }
    const bool has_roi = job->transform == CROP && yk__ref_present(call, 1) && yk__ref_count(&call->in[1].shape) == 2 * n;
    for (int i = 0; i < n; i++) {
        const int d = (int)axes[i];
        axis_table table = {.in = in->dim[d], .out = out->dim[d], .stride = job->in_stride[d], .scale = scale[i], .roi_end = 1};
        if (has_roi) table.roi_start = yk__ref_number(&call->in[1], i);
        if (has_roi) table.roi_end = yk__ref_number(&call->in[1], n + i);
        if (table.in == table.out && scale[i] == 1 && table.roi_start == 0 && table.roi_end == 1) continue;
        const double taps = job->mode == NEAREST ? 1 : 2 * ceil(support(job, scale[i]));
        if (!(taps < 1e9))
            return yk__fail(err, YK__LIMIT, "Resize '%s': a scale of %g is too small", call->node->name, scale[i]);
        table.taps = (int64_t)taps;
        job->axis_of[d] = job->n_axes;
        job->axes[job->n_axes++] = table;
    }
    for (int i = 0; i < in->rank; i++)
        if (job->axis_of[i] < 0 && in->dim[i] != out->dim[i])
            return yk__fail(err, YK__SHAPE, "Resize '%s': a dimension changes that has no scale", call->node->name);
    return YK__OK;
}

/* Output coordinate -> input coordinate. */
static double source(const resize_job *job, const axis_table *t, int64_t o) {
    const double x = (double)o, in = (double)t->in, width = t->scale * in; /* width: the output's size before rounding */
    switch (job->transform) {
    case ALIGN_CORNERS: return width == 1 ? 0 : x * (in - 1) / (width - 1);
    case ASYMMETRIC: return x / t->scale;
    case TF_HALF_PIXEL: return (x + 0.5) / t->scale;
    case CROP:
        return t->roi_start * (in - 1) + (width == 1 ? (t->roi_end - t->roi_start) * (in - 1) / 2
                                                     : x * (t->roi_end - t->roi_start) * (in - 1) / (width - 1));
    case PYTORCH_HALF_PIXEL: return width == 1 ? -0.5 : (x + 0.5) / t->scale - 0.5;
    case HALF_PIXEL_SYMMETRIC: return in / 2 * (1 - (double)t->out / width) + (x + 0.5) / t->scale - 0.5;
    default: return (x + 0.5) / t->scale - 0.5;
    }
}

static double nearest(rounding how, double x) {
    switch (how) {
    case PREFER_FLOOR: return ceil(x - 0.5);
    case PREFER_CEIL: return floor(x + 0.5);
    case FLOOR: return floor(x);
    default: return ceil(x);
    }
}

/* Weight of an input position at signed distance d (in filter units). */
static double kernel(const resize_job *job, double d) {
    const double a = job->cubic_a, x = fabs(d);
    if (job->mode == LINEAR) return x < 1 ? 1 - x : 0;
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((x - 5) * x + 8) * x * a - 4 * a : 0;
}

static int64_t clamp(double x, int64_t n) {
    return x <= 0 ? 0 : x >= (double)(n - 1) ? n - 1 : (int64_t)x;
}

static void fill_weights(const resize_job *job, const axis_table *t, double x, int64_t *position, double *weight) {
    const double shrink = job->antialias && t->scale < 1 ? t->scale : 1;
    const double first = floor(x) - (double)(t->taps / 2) + 1;
    double sum = 0;
    for (int64_t k = 0; k < t->taps; k++) {
        const double at = first + (double)k;
        const bool outside = at < 0 || at > (double)(t->in - 1);
        position[k] = clamp(at, t->in);
        weight[k] = job->exclude_outside && outside ? 0 : kernel(job, (at - x) * shrink);
        sum += weight[k];
    }
    /* Plain weights sum to one by construction; a stretched filter or one with parts left out does not. */
    if ((shrink < 1 || job->exclude_outside) && sum != 0)
        for (int64_t k = 0; k < t->taps; k++) weight[k] /= sum;
}

static void fill_table(const resize_job *job, const axis_table *t) {
    for (int64_t o = 0; o < t->out; o++) {
        const double x = source(job, t, o);
        int64_t *position = t->position + o * t->taps;
        if (job->transform == CROP && !(x >= 0 && x <= (double)(t->in - 1))) {
            position[0] = -1;
        } else if (job->mode == NEAREST) {
            position[0] = clamp(nearest(job->rounding, x), t->in);
            t->weight[o] = 1;
        } else {
            fill_weights(job, t, x, position, t->weight + o * t->taps);
        }
    }
}

/* Sum over the axes from `axis` on, at input element `base`; at[] holds the output coordinate of each table. */
static double weighted(const resize_job *job, int axis, int64_t base, const int64_t *at) {
    if (axis == job->n_axes) return yk__ref_number(&job->call->in[0], base);
    const axis_table *t = &job->axes[axis];
    const int64_t *position = t->position + at[axis] * t->taps;
    const double *weight = t->weight + at[axis] * t->taps;
    double sum = 0;
    for (int64_t k = 0; k < t->taps; k++)
        if (weight[k] != 0) sum += weight[k] * weighted(job, axis + 1, base + position[k] * t->stride, at);
    return sum;
}

static void store(const yk__tensor *out, int64_t index, double value) {
    switch (out->dtype) {
    case YK__DTYPE_F32: ((float *)out->data)[index] = (float)value; break;
    case YK__DTYPE_F64: ((double *)out->data)[index] = value; break;
#define X(ident, type) \
    case YK__DTYPE_##ident: { \
        const double low = (type)-1 < (type)1 ? -ldexp(1, 8 * (int)sizeof(type) - 1) : 0; \
        const double high = ldexp(1, 8 * (int)sizeof(type) - ((type)-1 < (type)1)); \
        const double rounded = rint(value); \
        const type top = (type)(UINT64_MAX >> (64 - 8 * (int)sizeof(type) + ((type)-1 < (type)1))); \
        ((type *)out->data)[index] = rounded >= high ? top : rounded > low ? (type)rounded : (type)low; \
        break; \
    }
        YK__REF_INTEGERS(X)
#undef X
    default: break;
    }
}

static void copy_element(const yk__tensor *out, int64_t to, const yk__tensor *in, int64_t from) {
    switch (yk__dtype_size(out->dtype)) {
    case 1: ((uint8_t *)out->data)[to] = ((const uint8_t *)in->data)[from]; break;
    case 2: ((uint16_t *)out->data)[to] = ((const uint16_t *)in->data)[from]; break;
    case 4: ((uint32_t *)out->data)[to] = ((const uint32_t *)in->data)[from]; break;
    default: ((uint64_t *)out->data)[to] = ((const uint64_t *)in->data)[from]; break;
    }
}

/* One row of the output (its last dimension) per task. */
static void resize_rows(void *argument, int64_t begin, int64_t end) {
    const resize_job *job = argument;
    const yk__tensor *in = &job->call->in[0], *out = &job->call->out[0];
    const int last = out->shape.rank - 1, last_axis = job->axis_of[last];
    const int64_t columns = out->shape.dim[last];
    for (int64_t row = begin; row < end; row++) {
        int64_t at[YK__MAX_RANK] = {0}, base = 0, rest = row;
        bool outside = false;
        for (int d = last - 1; d >= 0; d--) {
            const int64_t index = rest % out->shape.dim[d];
            const int axis = job->axis_of[d];
            rest /= out->shape.dim[d];
            if (axis < 0) {
                base += index * job->in_stride[d];
                continue;
            }
            const axis_table *t = &job->axes[axis];
            at[axis] = index;
            if (t->position[index * t->taps] < 0)
                outside = true;
            else if (job->mode == NEAREST)
                base += t->position[index] * t->stride;
        }
        for (int64_t x = 0; x < columns; x++) {
            const axis_table *t = last_axis < 0 ? NULL : &job->axes[last_axis];
            const int64_t to = row * columns + x;
            if (outside || (t != NULL && t->position[x * t->taps] < 0)) {
                store(out, to, job->extrapolation);
            } else if (job->mode == NEAREST) {
                copy_element(out, to, in, base + (t == NULL ? x : t->position[x] * t->stride));
            } else {
                if (t != NULL) at[last_axis] = x;
                store(out, to, weighted(job, 0, base + (t == NULL ? x : 0), at));
            }
        }
    }
}

size_t yk__ref_resize_scratch(const yk__ref_call *call, int n_threads) {
    (void)n_threads;
    resize_job job;
    size_t total = 0;
    if (read_job(call, &job, NULL) != YK__OK) return 0; /* the run says why */
    for (int i = 0; i < job.n_axes; i++) {
        int64_t entries;
        if (!yk__mul_i64(job.axes[i].out, job.axes[i].taps, &entries)) return SIZE_MAX;
        total = yk__ref_scratch_add(total, entries, sizeof(int64_t));
        if (total != SIZE_MAX) total = yk__ref_scratch_add(total, entries, sizeof(double));
        if (total == SIZE_MAX) return SIZE_MAX;
    }
    return total;
}

yk__code yk__ref_resize(const yk__ref_call *call, yk__error *err) {
    resize_job job;
    YK__TRY(read_job(call, &job, err));
    const yk__shape *out = &call->out[0].shape;
    const int64_t count = yk__ref_count(out);
    if (count == 0) return YK__OK;
    if (yk__ref_count(&call->in[0].shape) == 0)
        return yk__fail(err, YK__SHAPE, "Resize '%s': an empty tensor cannot become one with elements", call->node->name);
    if (out->rank == 0) {
        copy_element(&call->out[0], 0, &call->in[0], 0);
        return YK__OK;
    }
    yk__ref_scratch scratch = yk__ref_scratch_of(call);
    for (int i = 0; i < job.n_axes; i++) {
        axis_table *t = &job.axes[i];
        t->position = yk__ref_take(&scratch, t->out * t->taps, sizeof(int64_t));
        t->weight = yk__ref_take(&scratch, t->out * t->taps, sizeof(double));
        if (t->position == NULL || t->weight == NULL) return yk__ref_no_scratch(call, err);
        fill_table(&job, t);
    }
    const int64_t columns = out->dim[out->rank - 1];
    yk__ref_ranges(call, count / columns, columns >= YK__REF_GRAIN ? 1 : YK__REF_GRAIN / columns, resize_rows, &job);
    return YK__OK;
}
