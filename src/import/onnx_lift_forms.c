/* Operators that meant something slightly different, or were called otherwise, in older opsets; and those whose types are
 * numbers in ONNX and names in ops.def. */
#include <string.h>

#include "import/onnx_lift.h"

/* An attribute that yolk supports at one value only, which is also ONNX's default. */
static yk__code only_int(yk__lift *lift, yk__onnx_node *node, const char *name, int64_t value) {
    int64_t given = value;
    YK__TRY(yk__lift_attr_int(lift, node, name, &given, NULL));
    if (given == value) return YK__OK;
    return yk__lift_fail(lift, node, YK__UNSUPPORTED, "attribute %s=%lld is not supported (only %lld)", name, (long long)given,
                         (long long)value);
}

static yk__node *last_node(yk__lift *lift) {
    return &lift->graph->nodes[lift->graph->n_nodes - 1];
}

yk__code yk__lift_batch_norm(yk__lift *lift, yk__onnx_node *node) {
    YK__TRY(only_int(lift, node, "training_mode", 0));
    YK__TRY(only_int(lift, node, "spatial", 1));
    for (int32_t i = 1; i < node->n_out; i++) {
        if (node->out[i] != YK__NO_VALUE)
            return yk__lift_fail(lift, node, YK__UNSUPPORTED, "training outputs are not supported");
    }
    node->n_out = 1;
    return yk__lift_plain(lift, node);
}

/* Before opset 13 the tensor was seen as a matrix, cut in two at `axis` (default 1), and each row taken as one. That is the
 * present meaning where axis is the last; elsewhere Flatten, the operator, and back into shape. */
yk__code yk__lift_softmax(yk__lift *lift, yk__onnx_node *node) {
    if (node->opset >= 13) return yk__lift_plain(lift, node);
    int64_t axis = 1;
    YK__TRY(yk__lift_attr_int(lift, node, "axis", &axis, NULL));
    if (node->n_in != 1) return yk__lift_fail(lift, node, YK__GRAPH, "%d inputs; the operator takes 1", node->n_in);
    const int rank = yk__lift_rank(lift, node->in[0]);
    if (axis == -1 || (rank > 0 && axis == rank - 1)) {
        YK__TRY(yk__lift_emit(lift, node, node->op, node->in, 1));
        return yk__node_set_int(lift->graph, last_node(lift), "axis", -1) ? YK__OK : yk__lift_no_memory(lift);
    }
    int32_t flat, rows, back[2];
    yk__node *made;
    YK__TRY(yk__lift_step(lift, node, YK__OP_FLATTEN, "rows", node->in, 1, &flat, &made));
    if (!yk__node_set_int(lift->graph, made, "axis", axis)) return yk__lift_no_memory(lift);
    YK__TRY(yk__lift_step(lift, node, node->op, "of_rows", &flat, 1, &rows, &made));
    if (!yk__node_set_int(lift->graph, made, "axis", -1)) return yk__lift_no_memory(lift);
    back[0] = rows;
    YK__TRY(yk__lift_step(lift, node, YK__OP_SHAPE, "shape", node->in, 1, &back[1], &made));
    return yk__lift_emit(lift, node, YK__OP_RESHAPE, back, 2);
}

static yk__code set_old_resize(yk__lift *lift) {
    yk__node *const made = last_node(lift);
    const bool ok = yk__node_set_string(lift->graph, made, "coordinate_transformation_mode", "asymmetric") &&
                    yk__node_set_string(lift->graph, made, "nearest_mode", "floor");
    return ok ? YK__OK : yk__lift_no_memory(lift);
}

/* Exporters pass empty tensors for a region, scales or sizes that is not meant. */
yk__code yk__lift_resize(yk__lift *lift, yk__onnx_node *node) {
    int32_t in[4] = {YK__NO_VALUE, YK__NO_VALUE, YK__NO_VALUE, YK__NO_VALUE};
    if (node->n_in < 1 || node->n_in > 4)
        return yk__lift_fail(lift, node, YK__GRAPH, "%d inputs; the operator takes 1 to 4", node->n_in);
    if (node->opset < 11) {
        in[0] = node->in[0];
        if (node->n_in > 1) in[2] = node->in[1];
        YK__TRY(yk__lift_emit(lift, node, node->op, in, 4));
        return set_old_resize(lift);
    }
    for (int32_t i = 0; i < node->n_in; i++) {
        if (i == 0 || !yk__lift_is_empty(lift, node->in[i])) in[i] = node->in[i];
    }
    return yk__lift_emit(lift, node, node->op, in, 4);
}

yk__code yk__lift_upsample(yk__lift *lift, yk__onnx_node *node) {
    int32_t in[3] = {node->n_in > 0 ? node->in[0] : YK__NO_VALUE, YK__NO_VALUE, node->n_in > 1 ? node->in[1] : YK__NO_VALUE};
    const Onnx__AttributeProto *const scales = yk__lift_attr(node, "scales");
    if (scales && scales->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS && scales->n_floats > 0 &&
        in[2] == YK__NO_VALUE) {
        const int64_t n = (int64_t)scales->n_floats;
        const yk__shape shape = yk__shape_make(1, &n);
        in[2] = yk__graph_add_constant(lift->graph, node->name, YK__DTYPE_F32, &shape, scales->floats);
        if (in[2] < 0) return yk__lift_no_memory(lift);
    }
    if (in[2] == YK__NO_VALUE) return yk__lift_fail(lift, node, YK__FORMAT, "it says no scales");
    YK__TRY(yk__lift_emit(lift, node, node->op, in, 3));
    return set_old_resize(lift);
}

/* Outside training nothing is dropped. */
yk__code yk__lift_dropout(yk__lift *lift, yk__onnx_node *node) {
    for (int32_t i = 0; i < node->n_attr; i++) node->attr[i].used = true; /* ratio, seed */
    if (node->n_in < 1 || node->in[0] == YK__NO_VALUE) return yk__lift_fail(lift, node, YK__GRAPH, "it has no input");
    bool training = false;
    if (node->n_in > 2 && (node->n_in > 3 || !yk__lift_constant_bool(lift, node->in[2], &training) || training)) {
        return yk__lift_fail(lift, node, YK__UNSUPPORTED, "training mode is not supported");
    }
    const int32_t mask = node->n_out > 1 ? node->out[1] : YK__NO_VALUE;
    node->n_out = 1;
    if (node->out[0] == YK__NO_VALUE) return yk__lift_fail(lift, node, YK__GRAPH, "its first output has no name");
    YK__TRY(yk__lift_emit(lift, node, YK__OP_IDENTITY, node->in, 1));
    if (mask == YK__NO_VALUE) return YK__OK;
    if (node->opset < 10) return yk__lift_fail(lift, node, YK__UNSUPPORTED, "the mask is not supported before opset 10");
    int32_t fill[2];
    yk__node *made;
    const int64_t one = 1;
    const yk__shape shape = yk__shape_make(1, &one);
    YK__TRY(yk__lift_step(lift, node, YK__OP_SHAPE, "shape", node->in, 1, &fill[0], &made));
    fill[1] = yk__graph_add_constant(lift->graph, node->name, YK__DTYPE_BOOL, &shape, &(const uint8_t){1});
    if (fill[1] < 0) return yk__lift_no_memory(lift);
    yk__onnx_node second = {.proto = node->proto, .name = node->name, .type = node->type, .opset = node->opset, .n_out = 1};
    second.out = &(int32_t){mask};
    return yk__lift_emit(lift, &second, YK__OP_CONSTANT_OF_SHAPE, fill, 2);
}

/* stash_type (opset 27) says in which precision a half-precision range is counted; f32 is what yolk does. */
yk__code yk__lift_range(yk__lift *lift, yk__onnx_node *node) {
    YK__TRY(only_int(lift, node, "stash_type", 1));
    return yk__lift_plain(lift, node);
}

yk__code yk__lift_swish(yk__lift *lift, yk__onnx_node *node) {
    float alpha = 1;
    YK__TRY(yk__lift_attr_float(lift, node, "alpha", &alpha, NULL));
    if (node->n_in != 1) return yk__lift_fail(lift, node, YK__GRAPH, "%d inputs; the operator takes 1", node->n_in);
    if (alpha == 1.0f) return yk__lift_plain(lift, node);
    int32_t scaled[2] = {node->in[0], YK__NO_VALUE}, product[2] = {node->in[0], YK__NO_VALUE}, inner;
    yk__node *made;
    YK__TRY(yk__lift_float(lift, node, "alpha", yk__lift_float_type(lift, node->in[0]), (double)alpha, &scaled[1]));
    YK__TRY(yk__lift_step(lift, node, YK__OP_MUL, "scaled", scaled, 2, &inner, &made));
    YK__TRY(yk__lift_step(lift, node, YK__OP_SIGMOID, "gate", &inner, 1, &product[1], &made));
    return yk__lift_emit(lift, node, YK__OP_MUL, product, 2);
}

/* ---- types: numbers in ONNX, names in ops.def ---- */

static yk__code type_of_number(yk__lift *lift, const yk__onnx_node *node, int64_t number, yk__dtype *out) {
    const int32_t type = number >= 0 && number < INT32_MAX ? (int32_t)number : -1;
    *out = yk__onnx_tensor_dtype(type, lift->tensors.keep_half);
    if (*out != YK__DTYPE_NONE) return YK__OK;
    return yk__lift_fail(lift, node, YK__UNSUPPORTED, "type %s (ONNX type %lld) is not supported", yk__onnx_dtype_name(type),
                         (long long)number);
}

/* A cast to what the input is already, as most casts of an fp16 export are here, is no cast. */
static yk__code emit_cast(yk__lift *lift, yk__onnx_node *node, yk__dtype dtype) {
    if (lift->graph->values[node->in[0]].dtype == dtype) {
        for (int32_t i = 0; i < node->n_attr; i++) node->attr[i].used = true; /* saturate: of casts to 8-bit floats */
        return yk__lift_emit(lift, node, YK__OP_IDENTITY, node->in, 1);
    }
    (void)yk__lift_attr(node, "round_mode"); /* opset 24: of casts to float8e8m0, which yolk has not */
    YK__TRY(yk__lift_emit(lift, node, YK__OP_CAST, node->in, 1));
    return yk__node_set_string(lift->graph, last_node(lift), "to", yk__dtype_name(dtype)) ? YK__OK : yk__lift_no_memory(lift);
}

yk__code yk__lift_cast(yk__lift *lift, yk__onnx_node *node) {
    int64_t number = 0;
    yk__dtype dtype;
    YK__TRY(yk__lift_attr_int(lift, node, "to", &number, NULL));
    YK__TRY(type_of_number(lift, node, number, &dtype));
    if (node->n_in != 1 || node->in[0] < 0) {
        return yk__lift_fail(lift, node, YK__GRAPH, "%d inputs; the operator takes 1", node->n_in);
    }
    return emit_cast(lift, node, dtype);
}

yk__code yk__lift_cast_like(yk__lift *lift, yk__onnx_node *node) {
    if (node->n_in != 2 || node->in[0] < 0)
        return yk__lift_fail(lift, node, YK__GRAPH, "%d inputs; the operator takes 2", node->n_in);
    const yk__dtype dtype = lift->graph->values[node->in[1]].dtype;
    if (dtype == YK__DTYPE_NONE)
        return yk__lift_fail(lift, node, YK__UNSUPPORTED, "the type of its second input is not declared");
    return emit_cast(lift, node, dtype);
}

yk__code yk__lift_eye_like(yk__lift *lift, yk__onnx_node *node) {
    int64_t number = 0;
    bool there;
    yk__dtype dtype;
    YK__TRY(yk__lift_attr_int(lift, node, "dtype", &number, &there));
    if (!there) return yk__lift_plain(lift, node);
    YK__TRY(type_of_number(lift, node, number, &dtype));
    YK__TRY(yk__lift_plain(lift, node));
    return yk__node_set_string(lift->graph, last_node(lift), "dtype", yk__dtype_name(dtype)) ? YK__OK
                                                                                             : yk__lift_no_memory(lift);
}
