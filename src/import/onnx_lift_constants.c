/* Operators that hold data of their own: Constant and ConstantOfShape. */
#include "import/onnx_lift.h"

static yk__code no_memory(yk__lift *lift) {
    return yk__arena_error(&lift->graph->arena, "a constant", lift->err);
}

static yk__code read_tensor(yk__lift *lift, const yk__onnx_node *node, const Onnx__AttributeProto *attr, yk__dtype *dtype,
                            yk__shape *shape, const void **data) {
    if (attr->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR || !attr->t) {
        return yk__lift_fail(lift, node, YK__FORMAT, "attribute \"value\" is not a tensor");
    }
    const yk__code code = yk__onnx_tensor_read(&lift->tensors, attr->t, dtype, shape, data, lift->err);
    return code == YK__OK ? YK__OK : yk__fail_prefix(lift->err, code, "node \"%.120s\"", node->name);
}

static yk__code set_floats(yk__lift *lift, int32_t out, const float *values, size_t n, bool scalar) {
    const int64_t length = (int64_t)n;
    const yk__shape shape = yk__shape_make(scalar ? 0 : 1, &length);
    const void *const data = yk__arena_copy(&lift->graph->arena, values, n * sizeof *values);
    if (!data) return no_memory(lift);
    yk__lift_set_constant(lift, out, YK__DTYPE_F32, &shape, data);
    return YK__OK;
}

static yk__code set_ints(yk__lift *lift, int32_t out, const int64_t *values, size_t n, bool scalar) {
    const int64_t length = (int64_t)n;
    const yk__shape shape = yk__shape_make(scalar ? 0 : 1, &length);
    const void *const data = yk__arena_copy(&lift->graph->arena, values, n * sizeof *values);
    if (!data) return no_memory(lift);
    yk__lift_set_constant(lift, out, YK__DTYPE_I64, &shape, data);
    return YK__OK;
}

/* One of value, value_int, value_ints, value_float, value_floats; texts and sparse tensors are refused. */
yk__code yk__lift_constant(yk__lift *lift, yk__onnx_node *node) {
    if (node->n_attr != 1 || node->n_in != 0 || node->n_out != 1) {
        return yk__lift_fail(lift, node, YK__GRAPH, "%d attributes, %d inputs and %d outputs; a constant has one, none and one",
                             node->n_attr, node->n_in, node->n_out);
    }
    const int32_t out = node->out[0];
    const Onnx__AttributeProto *const attr = node->attr[0].proto;
    switch (attr->type) {
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR: {
        yk__dtype dtype;
        yk__shape shape;
        const void *data;
        YK__TRY(read_tensor(lift, node, attr, &dtype, &shape, &data));
        yk__lift_set_constant(lift, out, dtype, &shape, data);
        return YK__OK;
    }
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT: return set_ints(lift, out, &attr->i, 1, true);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS: return set_ints(lift, out, attr->ints, attr->n_ints, false);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT: return set_floats(lift, out, &attr->f, 1, true);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS: return set_floats(lift, out, attr->floats, attr->n_floats, false);
    default: return yk__lift_fail(lift, node, YK__UNSUPPORTED, "attribute \"%.60s\" is not supported", node->attr[0].name);
    }
}

yk__code yk__lift_constant_of_shape(yk__lift *lift, yk__onnx_node *node) {
    const Onnx__AttributeProto *const attr = yk__lift_attr(node, "value");
    if (!attr) return yk__lift_plain(lift, node);
    yk__dtype dtype;
    yk__shape shape;
    const void *data;
    int64_t count;
    YK__TRY(read_tensor(lift, node, attr, &dtype, &shape, &data));
    if (!yk__shape_count(&shape, &count) || count != 1)
        return yk__lift_fail(lift, node, YK__FORMAT, "its value is not one element");
    if (node->n_in != 1) return yk__lift_fail(lift, node, YK__GRAPH, "%d inputs; the operator takes 1", node->n_in);
    const char *const name = yk__arena_printf(lift->scratch, "%s/value", node->name);
    if (!name) return yk__arena_error(lift->scratch, "a name", lift->err);
    const int32_t value = yk__graph_add_value(lift->graph, name, dtype, &shape, data);
    if (value < 0) return yk__lift_no_memory(lift);
    return yk__lift_emit(lift, node, node->op, (int32_t[]){node->in[0], value}, 2);
}
