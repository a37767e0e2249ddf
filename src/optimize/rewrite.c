/* Looking at a graph and changing it: see rewrite.h. Holds no pattern of its own. */
#include "optimize/rewrite.h"

#include <stdio.h>
#include <string.h>

/* The largest value that is worked out from shapes: anchors of a 2048 x 2048 picture at strides 4 to 32 are 700,000 numbers. */
enum { MOST_KNOWN = 1 << 20 };

yk__code yk__rewrite_begin(yk__rewrite *rewrite, yk__graph *graph, yk__error *err) {
    memset(rewrite, 0, sizeof *rewrite);
    rewrite->graph = graph;
    rewrite->n_values = graph->n_values;
    yk__arena_init(&rewrite->scratch, YK__SCRATCH_BYTES);
    rewrite->maker = yk__graph_producers(graph, &rewrite->scratch);
    rewrite->uses = yk__graph_use_counts(graph, &rewrite->scratch);
    rewrite->alias = yk__arena_array(&rewrite->scratch, (size_t)graph->n_values, sizeof *rewrite->alias);
    rewrite->is_output = yk__arena_array(&rewrite->scratch, (size_t)graph->n_values, sizeof *rewrite->is_output);
    if (!rewrite->maker || !rewrite->uses || !rewrite->alias || !rewrite->is_output) {
        yk__code code = yk__arena_error(&rewrite->scratch, "optimising the graph", err);
        rewrite->n_values = 0;
        return code;
    }
    for (int32_t v = 0; v < graph->n_values; v++) rewrite->alias[v] = v;
    for (int i = 0; i < graph->n_outputs; i++) rewrite->is_output[graph->outputs[i]] = true;
    return YK__OK;
}

void yk__rewrite_end(yk__rewrite *rewrite, bool *changed) {
    for (int i = 0; i < rewrite->graph->n_outputs; i++) {
        int32_t v = rewrite->graph->outputs[i];
        if (v < rewrite->n_values) rewrite->graph->outputs[i] = rewrite->alias[v];
    }
    if (rewrite->changed) *changed = true;
    yk__arena_free(&rewrite->scratch);
}

void yk__rewrite_resolve(yk__rewrite *rewrite, yk__node *node) {
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] >= 0 && node->in[k] < rewrite->n_values) node->in[k] = rewrite->alias[node->in[k]];
}

void yk__rewrite_alias(yk__rewrite *rewrite, int32_t from, int32_t to) {
    rewrite->alias[from] = to;
    if (rewrite->is_output[from]) rewrite->graph->values[to].name = rewrite->graph->values[from].name;
    if (to < rewrite->n_values) rewrite->uses[to] += rewrite->uses[from];
    rewrite->uses[from] = 0;
    rewrite->changed = true;
}

yk__node *yk__rewrite_maker(const yk__rewrite *rewrite, int32_t value) {
    if (value < 0 || value >= rewrite->n_values || rewrite->maker[value] < 0) return NULL;
    return &rewrite->graph->nodes[rewrite->maker[value]];
}

yk__node *yk__rewrite_sole_maker(const yk__rewrite *rewrite, int32_t value, yk__op op) {
    yk__node *node = yk__rewrite_maker(rewrite, value);
    return node && node->op == op && node->out[0] == value && rewrite->uses[value] == 1 ? node : NULL;
}

void yk__rewrite_remove(yk__rewrite *rewrite, yk__node *node) {
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] >= 0 && node->in[k] < rewrite->n_values) rewrite->uses[node->in[k]]--;
    node->op = YK__OP_NONE;
    node->n_in = node->n_out = 0;
    rewrite->changed = true;
}

yk__node *yk__rewrite_absorb(yk__rewrite *rewrite, yk__node *node, yk__node *last) {
    int32_t made = last->out[0], place = (int32_t)(last - rewrite->graph->nodes);
    yk__rewrite_remove(rewrite, last);
    *last = *node;
    node->op = YK__OP_NONE;
    node->n_in = node->n_out = 0;
    node->in = node->out = NULL;
    last->out[0] = made;
    if (made < rewrite->n_values) rewrite->maker[made] = place;
    return last;
}

const yk__value *yk__constant_of(const yk__graph *graph, int32_t value) {
    return value >= 0 && graph->values[value].data ? &graph->values[value] : NULL;
}

double yk__element(yk__dtype dtype, const void *data, int64_t i) {
    switch (dtype) {
    case YK__DTYPE_F32: return ((const float *)data)[i];
    case YK__DTYPE_F16: return yk__half_to_float(((const uint16_t *)data)[i]);
    case YK__DTYPE_BF16: return yk__bf16_to_float(((const uint16_t *)data)[i]);
    case YK__DTYPE_F64: return ((const double *)data)[i];
    case YK__DTYPE_I8: return ((const int8_t *)data)[i];
    case YK__DTYPE_U8: return ((const uint8_t *)data)[i];
    case YK__DTYPE_I16: return ((const int16_t *)data)[i];
    case YK__DTYPE_U16: return ((const uint16_t *)data)[i];
    case YK__DTYPE_I32: return ((const int32_t *)data)[i];
    case YK__DTYPE_U32: return ((const uint32_t *)data)[i];
    case YK__DTYPE_I64: return (double)((const int64_t *)data)[i];
    case YK__DTYPE_U64: return (double)((const uint64_t *)data)[i];
    case YK__DTYPE_BOOL: return ((const uint8_t *)data)[i] != 0;
    default: return 0;
    }
}

bool yk__constant_scalar(const yk__graph *graph, int32_t value, double *out) {
    const yk__value *constant = yk__constant_of(graph, value);
    int64_t count;
    if (!constant || !yk__shape_count(&constant->shape, &count) || count != 1) return false;
    *out = yk__element(constant->dtype, constant->data, 0);
    return true;
}

int yk__constant_ints(const yk__graph *graph, int32_t value, int64_t *out, int n) {
    const yk__value *constant = yk__constant_of(graph, value);
    int64_t count;
    if (!constant || constant->shape.rank > 1 || !yk__shape_count(&constant->shape, &count) || count > INT32_MAX) return -1;
    if (constant->dtype != YK__DTYPE_I64 && constant->dtype != YK__DTYPE_I32) return -1;
    for (int64_t i = 0; i < count && i < n; i++)
        out[i] = constant->dtype == YK__DTYPE_I64 ? ((const int64_t *)constant->data)[i] : ((const int32_t *)constant->data)[i];
    return (int)count;
}

int32_t yk__add_ints(yk__graph *graph, const char *name, const int64_t *values, int n) {
    yk__shape shape = yk__shape_make(1, &(int64_t){n});
    return yk__graph_add_constant(graph, name, YK__DTYPE_I64, &shape, values);
}

int32_t yk__add_floats(yk__graph *graph, const char *name, const float *values, int n) {
    yk__shape shape = yk__shape_make(1, &(int64_t){n});
    return yk__graph_add_constant(graph, name, YK__DTYPE_F32, &shape, values);
}

/* Output channels of a convolution with the given weight: W is M x C/g x K... for Conv, C x M/g x K... for ConvTranspose. */
static bool output_channels(const yk__node *conv, const yk__shape *weight, int64_t *channels) {
    int64_t group = yk__node_int(conv, "group", 1);
    if (weight->rank < 3 || !yk__shape_known(weight) || group < 1) return false;
    if (conv->op == YK__OP_CONV) {
        *channels = weight->dim[0];
        return weight->dim[0] % group == 0;
    }
    return weight->dim[0] % group == 0 && yk__mul_i64(weight->dim[1], group, channels);
}

bool yk__conv_is_open(const yk__graph *graph, const yk__node *conv, int64_t *channels_out) {
    if (!conv || (conv->op != YK__OP_CONV && conv->op != YK__OP_CONV_TRANSPOSE)) return false;
    if (strcmp(yk__node_string(conv, "act", "none"), "none")) return false;
    if (conv->n_in > 3 && conv->in[3] >= 0) return false;
    const yk__value *weight = yk__constant_of(graph, conv->in[1]);
    if (!weight || weight->dtype != YK__DTYPE_F32 || !output_channels(conv, &weight->shape, channels_out)) return false;
    if (conv->n_in < 3 || conv->in[2] < 0) return true;
    const yk__value *bias = yk__constant_of(graph, conv->in[2]);
    return bias && bias->dtype == YK__DTYPE_F32 && bias->shape.rank == 1 && bias->shape.dim[0] == *channels_out;
}

/* The output channel that weight row `row` (the first two dimensions as one) belongs to. */
static int64_t channel_of_row(const yk__node *conv, const yk__shape *weight, int64_t row) {
    if (conv->op == YK__OP_CONV) return row / weight->dim[1];
    int64_t in_per_group = weight->dim[0] / yk__node_int(conv, "group", 1);
    return row / weight->dim[1] / in_per_group * weight->dim[1] + row % weight->dim[1];
}

/* Node inputs grow by replacing the list: lists live in the arena. */
static bool set_bias(yk__graph *graph, yk__node *conv, int32_t bias) {
    if (conv->n_in < 3) {
        int32_t *in = yk__arena_array(&graph->arena, 3, sizeof *in);
        if (!in) return false;
        memcpy(in, conv->in, 2 * sizeof *in);
        conv->in = in;
        conv->n_in = 3;
    }
    conv->in[2] = bias;
    return true;
}

yk__code yk__conv_scale(yk__graph *graph, yk__node *conv, const double *scale, const double *shift, yk__error *err) {
    const yk__value old = graph->values[conv->in[1]];
    const float *old_bias = conv->n_in > 2 && conv->in[2] >= 0 ? graph->values[conv->in[2]].data : NULL;
    const float *from = old.data;
    int64_t channels = 0, count = 0, rows = old.shape.dim[0] * old.shape.dim[1];
    if (!output_channels(conv, &old.shape, &channels) || !yk__shape_count(&old.shape, &count))
        return yk__fail(err, YK__INTERNAL, "node %s: scaling a convolution whose weight has no size", conv->name);
    float *weight = yk__arena_aligned(&graph->arena, (size_t)count * sizeof *weight, YK__CACHE_LINE);
    float *bias = yk__arena_aligned(&graph->arena, (size_t)channels * sizeof *bias, YK__CACHE_LINE);
    if (!weight || !bias) return yk__arena_error(&graph->arena, "folding into a convolution", err);
    int64_t kernel = rows ? count / rows : 0;
    for (int64_t row = 0; row < rows; row++) {
        double s = scale[channel_of_row(conv, &old.shape, row)];
        for (int64_t k = row * kernel; k < (row + 1) * kernel; k++) weight[k] = (float)(from[k] * s);
    }
    for (int64_t c = 0; c < channels; c++) bias[c] = (float)((old_bias ? old_bias[c] : 0.0) * scale[c] + shift[c]);

    yk__shape bias_shape = yk__shape_make(1, &channels);
    char name[256];
    snprintf(name, sizeof name, "%.200s.bias", conv->name);
    int32_t new_weight = yk__graph_add_value(graph, old.name, YK__DTYPE_F32, &old.shape, weight);
    int32_t new_bias = yk__graph_add_value(graph, conv->n_in > 2 && conv->in[2] >= 0 ? graph->values[conv->in[2]].name : name,
                                           YK__DTYPE_F32, &bias_shape, bias);
    if (new_weight < 0 || new_bias < 0 || !set_bias(graph, conv, new_bias))
        return yk__arena_error(&graph->arena, "folding into a convolution", err);
    conv->in[1] = new_weight;
    return YK__OK;
}

/* A free dimension of an input takes the size asked for; a fixed one too when another size than the export's is asked. */
static yk__shape input_shape(const yk__value *input, int64_t batch, int64_t height, int64_t width, bool override) {
    yk__shape shape = input->shape;
    const int64_t size[4] = {batch, shape.rank > 1 ? shape.dim[1] : -1, height, width};
    for (int i = 0; i < shape.rank && i < 4; i++)
        if (i != 1 && (shape.dim[i] < 0 || override)) shape.dim[i] = size[i];
    return shape;
}

yk__code yk__infer_at(const yk__model *model, int64_t batch, int64_t steps, yk__evaluate_fn evaluate, yk__arena *arena,
                      yk__at_size *out, yk__error *err) {
    const yk__graph *graph = &model->graph;
    int64_t height = model->recipe.imgsz[0], width = model->recipe.imgsz[1];
    int64_t stride =
        model->recipe.stride > 32 ? model->recipe.stride : 32; /* classify exports say 1; every YOLO divides by 32 */
    bool other = batch > 0 || steps > 0;
    memset(out, 0, sizeof *out);
    if (graph->n_inputs < 1 || graph->n_inputs > 4)
        return yk__fail(err, YK__UNSUPPORTED, "the network has %d inputs; recognition wants one", graph->n_inputs);
    const yk__value *first = &graph->values[graph->inputs[0]];
    if (first->shape.rank == 4) { /* what the graph says of itself is worth more than the recipe's word */
        if (first->shape.dim[2] > 0) height = first->shape.dim[2];
        if (first->shape.dim[3] > 0) width = first->shape.dim[3];
    }
    if (batch <= 0) batch = first->shape.rank && first->shape.dim[0] > 0 ? first->shape.dim[0] : model->recipe.batch;
    if (batch <= 0) batch = 1;
    if (steps > 0) {
        height = steps * stride;
        width = (steps + 1) * stride;
    }
    for (int i = 0; i < graph->n_inputs; i++) {
        out->inputs[i] = input_shape(&graph->values[graph->inputs[i]], batch, height, width, other);
        if (!yk__shape_known(&out->inputs[i]))
            return yk__fail(err, YK__UNSUPPORTED, "the size of input %s is not known", graph->values[graph->inputs[i]].name);
    }
    out->value = yk__arena_array(arena, (size_t)graph->n_values, sizeof *out->value);
    if (!out->value) return yk__arena_error(arena, "shapes of the graph", err);
    yk__error why = {0};
    yk__code code = yk__infer_graph(graph, out->inputs, evaluate, MOST_KNOWN, arena, out->value, &why);
    out->complete = code == YK__OK;
    return code == YK__MEMORY ? yk__fail(err, code, "%s", why.message) : YK__OK;
}

const yk__inferred *yk__at(const yk__at_size *at, int32_t value) {
    if (value < 0 || !at->value || at->value[value].dtype == YK__DTYPE_NONE) return NULL;
    return &at->value[value];
}
