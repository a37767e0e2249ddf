/* One operator at a time through shape inference and the ref backend. */
#include "op_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static yk__shape parse_shape(const char *text) {
    yk__shape shape = {.rank = 0};
    while (*text != '\0') {
        char *end;
        shape.dim[shape.rank++] = strtoll(text, &end, 10);
        text = *end == 'x' ? end + 1 : end;
    }
    return shape;
}

void op_begin(op_case *c, yk__op op) {
    memset(c, 0, sizeof *c);
    yk__graph_init(&c->graph, 0);
    const int32_t node = yk__graph_add_node(&c->graph, op, "tested", NULL, 0, NULL, 0);
    assert_int_equal(node, 0);
    c->node = &c->graph.nodes[0];
}

void op_end(op_case *c) {
    yk__graph_free(&c->graph);
}

void op_input(op_case *c, yk__dtype dtype, const char *shape, const void *elements) {
    yk__tensor *in = &c->in[c->n_in++];
    size_t bytes = 0;
    *in = (yk__tensor){.dtype = dtype, .shape = parse_shape(shape)};
    assert_true(yk__tensor_bytes(dtype, &in->shape, &bytes));
    in->data = yk__arena_copy(&c->graph.arena, elements, bytes);
    assert_non_null(in->data);
}

void op_absent(op_case *c) {
    c->in[c->n_in++] = (yk__tensor){.dtype = YK__DTYPE_NONE};
}

void op_int(op_case *c, const char *name, int64_t value) {
    assert_true(yk__node_set_int(&c->graph, c->node, name, value));
}

void op_float(op_case *c, const char *name, double value) {
    assert_true(yk__node_set_float(&c->graph, c->node, name, value));
}

void op_text(op_case *c, const char *name, const char *value) {
    assert_true(yk__node_set_string(&c->graph, c->node, name, value));
}

void op_ints(op_case *c, const char *name, int n, const int64_t *values) {
    assert_true(yk__node_set_ints(&c->graph, c->node, name, values, n));
}

void op_floats(op_case *c, const char *name, int n, const double *values) {
    assert_true(yk__node_set_floats(&c->graph, c->node, name, values, n));
}

static yk__code infer(op_case *c, int n_out) {
    yk__inferred in[OP_CASE_OPERANDS] = {0}, out[OP_CASE_OPERANDS] = {0};
    int32_t *indices = yk__arena_array(&c->graph.arena, OP_CASE_OPERANDS, sizeof *indices);
    assert_non_null(indices);
    c->node->in = c->node->out = indices;
    c->node->n_in = c->n_in;
    c->node->n_out = n_out;
    for (int i = 0; i < c->n_in; i++)
        in[i] = (yk__inferred){.dtype = c->in[i].dtype, .shape = c->in[i].shape, .data = c->in[i].data};
    YK__TRY(yk__infer_node(c->node, in, out, &c->err));
    for (int i = 0; i < n_out; i++) {
        size_t bytes = 0;
        c->out[i] = (yk__tensor){.dtype = out[i].dtype, .shape = out[i].shape};
        assert_true(yk__tensor_bytes(out[i].dtype, &out[i].shape, &bytes));
        c->out[i].data = yk__arena_alloc(&c->graph.arena, bytes);
        assert_non_null(c->out[i].data);
        if (bytes > 0) memset(c->out[i].data, 0xa5, bytes); /* what an operator leaves unwritten shows */
    }
    return YK__OK;
}

yk__code op_try(op_case *c, int n_out) {
    YK__TRY(infer(c, n_out));
    yk__arena scratch;
    yk__arena_init(&scratch, 0);
    const yk__code code = yk__ref_evaluate(c->node, c->in, c->out, &scratch, &c->err);
    yk__arena_free(&scratch);
    return code;
}

void op_run(op_case *c, int n_out) {
    if (op_try(c, n_out) != YK__OK) fail_msg("%s", c->err.message);
}

void op_fails(op_case *c, int n_out, yk__code code) {
    assert_int_equal(op_try(c, n_out), code);
    assert_true(c->err.message[0] != '\0');
}

static int64_t check_header(const op_case *c, int output, yk__dtype dtype, const char *shape) {
    const yk__shape want = parse_shape(shape);
    char text[128];
    int64_t n = 0;
    assert_string_equal(yk__dtype_name(c->out[output].dtype), yk__dtype_name(dtype));
    if (!yk__shape_equal(&c->out[output].shape, &want))
        fail_msg("the shape is %s, expected %s", yk__shape_text(&c->out[output].shape, text), shape);
    assert_true(yk__shape_count(&want, &n));
    return n;
}

void op_expect_floats(const op_case *c, int output, const char *shape, double bound, const float *want) {
    const int64_t n = check_header(c, output, YK__DTYPE_F32, shape);
    const float *got = c->out[output].data;
    for (int64_t i = 0; i < n; i++) {
        if (isnan(want[i]) ? isnan(got[i]) : got[i] == want[i] || fabs((double)got[i] - (double)want[i]) <= bound) continue;
        fail_msg("element %d is %.9g, expected %.9g", (int)i, (double)got[i], (double)want[i]);
    }
}

void op_expect(const op_case *c, int output, yk__dtype dtype, const char *shape, const void *want) {
    const int64_t n = check_header(c, output, dtype, shape);
    if (n > 0) assert_memory_equal(c->out[output].data, want, (size_t)n * yk__dtype_size(dtype));
}

float op_random(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u; /* Numerical Recipes' generator: its high bits are random enough here */
    return (float)(*seed >> 8) / 8388608.0f - 1.0f;
}
