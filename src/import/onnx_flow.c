/* Bodies inside bodies: a call of a model-local function and an If with a constant condition are replaced by what they would
 * run. Bounded in depth by YK__LIFT_MAX_DEPTH and in number by the nodes they may come to. */
#include <string.h>

#include "import/onnx_lift.h"

static yk__code no_scratch(yk__lift *lift) {
    return yk__arena_error(lift->scratch, "a function's body", lift->err);
}

static yk__code enter(yk__lift *lift, const yk__onnx_node *node, yk__lift_scope *scope) {
    if (lift->depth == YK__LIFT_MAX_DEPTH) {
        return yk__lift_fail(lift, node, YK__LIMIT, "functions and branches are nested deeper than %d levels",
                             YK__LIFT_MAX_DEPTH);
    }
    scope->names.arena = scope->declared.arena = lift->scratch;
    scope->prefix = yk__arena_printf(lift->scratch, "%s/", node->name);
    if (!scope->prefix) return no_scratch(lift);
    lift->depth++;
    return YK__OK;
}

/* The node's outputs get the values that the body made for them. */
static yk__code bind_outputs(yk__lift *lift, const yk__onnx_node *node, const yk__lift_scope *inner, char **names,
                             size_t n_names) {
    const Onnx__NodeProto *const proto = node->proto;
    if (proto->n_output > n_names) {
        return yk__lift_fail(lift, node, YK__GRAPH, "%zu outputs are asked for, but the body has %zu", proto->n_output,
                             n_names);
    }
    for (size_t i = 0; i < proto->n_output; i++) {
        const char *const outer = proto->output[i];
        if (!outer || !outer[0]) continue;
        const int32_t value = yk__names_find(&inner->names, names[i] ? names[i] : "");
        if (value < 0 || value == INT32_MAX) {
            return yk__lift_fail(lift, node, YK__GRAPH, "the body does not make its output \"%.100s\"",
                                 names[i] ? names[i] : "");
        }
        if (yk__names_find_here(&lift->scope->names, outer) >= 0) {
            return yk__lift_fail(lift, node, YK__GRAPH, "the value \"%.100s\" is made twice", outer);
        }
        YK__TRY(yk__names_add(&lift->scope->names, outer, value, lift->err));
    }
    return YK__OK;
}

static yk__code leave(yk__lift *lift, yk__lift_scope *outer, yk__code code) {
    lift->scope = outer;
    lift->depth--;
    return code;
}

static int64_t opset_of(const Onnx__FunctionProto *function, int64_t otherwise) {
    for (size_t i = 0; i < function->n_opset_import; i++) {
        if (yk__onnx_is_standard_domain(function->opset_import[i]->domain)) return function->opset_import[i]->version;
    }
    return otherwise;
}

/* A function sees its inputs and nothing else. */
yk__code yk__lift_function(yk__lift *lift, yk__onnx_node *node, const Onnx__FunctionProto *function) {
    yk__lift_scope *const outer = lift->scope;
    yk__lift_scope scope = {.opset = opset_of(function, outer->opset), .caller = node};
    if ((size_t)node->n_in > function->n_input) {
        return yk__lift_fail(lift, node, YK__GRAPH, "%d inputs; the function takes %zu", node->n_in, function->n_input);
    }
    YK__TRY(enter(lift, node, &scope));
    lift->scope = &scope;
    yk__code code = YK__OK;
    for (size_t i = 0; code == YK__OK && i < function->n_input; i++) {
        const char *const name = function->input[i] ? function->input[i] : "";
        const bool given = i < (size_t)node->n_in && node->in[i] != YK__NO_VALUE;
        if (yk__names_find_here(&scope.names, name) >= 0) {
            code = yk__lift_fail(lift, node, YK__GRAPH, "the function names its input \"%.100s\" twice", name);
        } else {
            code = yk__names_add(&scope.names, name, given ? node->in[i] : INT32_MAX, lift->err);
        }
    }
    if (code == YK__OK) code = yk__lift_nodes(lift, function->node, function->n_node);
    leave(lift, outer, code);
    if (code == YK__OK) code = bind_outputs(lift, node, &scope, function->output, function->n_output);
    return code;
}

static yk__code lift_branch(yk__lift *lift, yk__onnx_node *node, const Onnx__GraphProto *branch) {
    yk__lift_scope *const outer = lift->scope;
    yk__lift_scope scope = {.opset = outer->opset, .caller = outer->caller};
    scope.names.parent = &outer->names;
    char **const names = yk__arena_array(lift->scratch, branch->n_output, sizeof *names);
    if (!names) return no_scratch(lift);
    for (size_t i = 0; i < branch->n_output; i++) names[i] = branch->output[i]->name;
    YK__TRY(enter(lift, node, &scope));
    lift->scope = &scope;
    yk__code code = yk__lift_declare(lift, branch);
    if (code == YK__OK) code = yk__lift_initializers(lift, branch);
    if (code == YK__OK) code = yk__lift_nodes(lift, branch->node, branch->n_node);
    leave(lift, outer, code);
    if (code != YK__OK) return code;
    /* The node's outputs exist as values already; each becomes a copy of the branch's. */
    for (int32_t i = 0; i < node->n_out; i++) {
        if (node->out[i] == YK__NO_VALUE) continue;
        const int32_t made = (size_t)i < branch->n_output && names[i] ? yk__names_find(&scope.names, names[i]) : -1;
        if (made < 0 || made == INT32_MAX) return yk__lift_fail(lift, node, YK__GRAPH, "the branch does not make output %d", i);
        yk__onnx_node copy = {.proto = node->proto, .name = node->name, .type = node->type, .opset = node->opset, .n_out = 1};
        copy.out = &node->out[i];
        YK__TRY(yk__lift_emit(lift, &copy, YK__OP_IDENTITY, &made, 1));
    }
    return YK__OK;
}

yk__code yk__lift_if_(yk__lift *lift, yk__onnx_node *node) {
    bool taken = false;
    if (node->n_in != 1 || !yk__lift_constant_bool(lift, node->in[0], &taken)) {
        return yk__lift_fail(lift, node, YK__UNSUPPORTED,
                             "its condition is computed, and yolk supports constant conditions only; export the model without "
                             "control flow");
    }
    const char *const name = taken ? "then_branch" : "else_branch";
    const Onnx__AttributeProto *const attr = yk__lift_attr(node, name);
    if (!attr || attr->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH || !attr->g) {
        return yk__lift_fail(lift, node, YK__FORMAT, "attribute \"%s\" is not a graph", name);
    }
    return lift_branch(lift, node, attr->g);
}
