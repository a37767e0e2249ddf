/* src/graph/infer.h: every operator's rule, hostile attributes, bounds of what only the run decides, whole graphs.
 *
 * A case is a line of text. Node: "Conv strides=2,2 pads=1,1,1,1". Inputs: "f32 1x3x8x8; i64 2=1,-1; -" (type, shape, and
 * after = the elements where they are known; ~ in front: size only known during the run; - absent). Expected: outputs in the
 * same form, or "!CODE words that the message must have". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/infer.h"
#include "graph/window.h"

enum { MOST = 16 };

typedef struct test_case {
    const char *node, *inputs, *expected;
} test_case;

/* The next part of a text up to the separator; NULL at its end. */
static char *next_part(char **at, char separator) {
    char *start = *at;
    if (!start) return NULL;
    char *end = strchr(start, separator);
    if (end) *end = 0;
    *at = end ? end + 1 : NULL;
    while (*start == ' ') start++;
    return start;
}

/* The kind ops.def gives an attribute, by its letter; I where it has none of that name. */
static char kind_of(yk__op op, const char *name) {
    char pattern[64];
    snprintf(pattern, sizeof pattern, "%s:", name);
    const char *at = strstr(yk__op_info_get(op)->attributes, pattern);
    return at ? at[strlen(pattern)] : 'I';
}

static void set_attribute(yk__graph *g, yk__node *node, char *text) {
    char *values = text, *name = next_part(&values, '='), *one;
    int64_t ints[MOST];
    double floats[MOST];
    int n = 0;
    char kind = kind_of(node->op, name);
    if (kind == 's') {
        assert_true(yk__node_set_string(g, node, name, values));
        return;
    }
    while ((one = next_part(&values, ',')) && n < MOST) {
        ints[n] = strtoll(one, NULL, 10);
        floats[n++] = strtod(one, NULL);
    }
    bool set = kind == 'i'   ? yk__node_set_int(g, node, name, ints[0])
               : kind == 'f' ? yk__node_set_float(g, node, name, floats[0])
               : kind == 'F' ? yk__node_set_floats(g, node, name, floats, n)
                             : yk__node_set_ints(g, node, name, ints, n);
    assert_true(set);
}

static void put_element(yk__dtype dtype, void *data, int i, const char *text) {
    switch (dtype) {
    case YK__DTYPE_I64: ((int64_t *)data)[i] = strtoll(text, NULL, 10); break;
    case YK__DTYPE_I32: ((int32_t *)data)[i] = (int32_t)strtol(text, NULL, 10); break;
    case YK__DTYPE_F32: ((float *)data)[i] = strtof(text, NULL); break;
    case YK__DTYPE_F64: ((double *)data)[i] = strtod(text, NULL); break;
    case YK__DTYPE_F16: ((uint16_t *)data)[i] = yk__float_to_half(strtof(text, NULL)); break;
    default: fail_msg("a case has elements of type %s", yk__dtype_name(dtype));
    }
}

static yk__inferred read_value(yk__arena *arena, char *text) {
    yk__inferred v = {0};
    if (*text == '-') return v;
    if (*text == '~') {
        v.dynamic = true;
        text++;
    }
    char *elements = text, *head = next_part(&elements, '='), *dims = head, *type = next_part(&dims, ' '), *one;
    v.dtype = yk__dtype_from_name(type);
    assert_int_not_equal(v.dtype, YK__DTYPE_NONE);
    while (dims && *dims && strcmp(dims, "scalar") != 0 && (one = next_part(&dims, 'x')))
        v.shape.dim[v.shape.rank++] = strtoll(one, NULL, 10);
    if (!elements) return v;
    void *data = yk__arena_alloc(arena, 8 * 64);
    for (int i = 0; i < 64 && (one = next_part(&elements, ',')) && *one; i++) put_element(v.dtype, data, i, one);
    v.data = data;
    return v;
}

/* One case made: the node in a graph of its own, its inputs. */
typedef struct made {
    yk__graph graph;
    yk__node *node;
    yk__inferred in[MOST], out[MOST];
} made;

static void make(made *m, const test_case *c) {
    char text[512], inputs[1024], *at = text, *part;
    int32_t values[MOST] = {0};
    int n_in = 0, n_out = 1;
    memset(m, 0, sizeof *m);
    yk__graph_init(&m->graph, 0);
    snprintf(text, sizeof text, "%s", c->node);
    snprintf(inputs, sizeof inputs, "%s", c->inputs);
    yk__op op = yk__op_from_name(next_part(&at, ' '));
    assert_int_not_equal(op, YK__OP_NONE);
    for (char *rest = inputs; n_in < MOST && (part = next_part(&rest, ';')); n_in++)
        m->in[n_in] = read_value(&m->graph.arena, part);
    if (*c->expected != '!')
        for (const char *s = c->expected; (s = strchr(s, ';')); s++) n_out++;
    if (yk__op_info_get(op)->min_out > n_out) n_out = yk__op_info_get(op)->min_out;
    assert_int_equal(yk__graph_add_node(&m->graph, op, "the_node", values, n_in, values, n_out), 0);
    m->node = m->graph.nodes;
    while ((part = next_part(&at, ' '))) {
        if (!strncmp(part, "outputs=", 8))
            m->node->n_out = atoi(part + 8);
        else if (*part)
            set_attribute(&m->graph, m->node, part);
    }
}

static void describe(const made *m, char *out, size_t size) {
    size_t at = 0;
    char shape[128];
    out[0] = 0;
    for (int k = 0; k < m->node->n_out; k++)
        at += (size_t)snprintf(out + at, size - at, "%s%s%s %s", k ? "; " : "", m->out[k].dynamic ? "~" : "",
                               yk__dtype_name(m->out[k].dtype), yk__shape_text(&m->out[k].shape, shape));
}

static void check(const test_case *c) {
    made m;
    yk__error err = {0};
    char found[YK__ERROR_TEXT + 64];
    make(&m, c);
    yk__code code = yk__infer_node(m.node, m.in, m.out, &err);
    if (code)
        snprintf(found, sizeof found, "!%s %s", yk__code_name(code), err.message);
    else
        describe(&m, found, sizeof found);
    bool as_expected;
    if (*c->expected != '!') {
        as_expected = !strcmp(found, c->expected);
    } else {
        char wanted[32] = {0};
        size_t n = strcspn(c->expected, " ");
        memcpy(wanted, c->expected, n);
        const char *words = c->expected + n + (c->expected[n] == ' ');
        as_expected = !strncmp(found, wanted, n) && found[n] == ' ' && strstr(found, words) && err.code == code &&
                      strstr(found, "node the_node (");
    }
    if (!as_expected) fail_msg("%s [%s]\n   gives %s\n   not   %s", c->node, c->inputs, found, c->expected);
    yk__graph_free(&m.graph);
}

#define CHECK_ALL(...) \
    do { \
        static const test_case cases[] = {__VA_ARGS__}; \
        (void)state; \
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check(&cases[i]); \
    } while (0)

static void elementwise(void **state) {
    CHECK_ALL({"Sigmoid", "f32 2x3", "f32 2x3"}, {"Sigmoid", "i64 2", "!graph float"}, {"Abs", "i32 2x3", "i32 2x3"},
              {"Neg", "bool 2", "!graph bool"}, {"IsNaN", "f16 4", "bool 4"}, {"Not", "bool 2x2", "bool 2x2"},
              {"Not", "f32 2", "!graph must be bool"}, {"Clip", "f32 3; f32 scalar; -", "f32 3"},
              {"Clip", "f32 3; f32 2", "!shape one number"}, {"Clip", "f32 3; i64 scalar", "!graph differ in type"},
              {"Add", "f32 2x3x4; f32 3x1", "f32 2x3x4"}, {"Add", "f32 scalar; f32 5", "f32 5"},
              {"Add", "f32 2; f32 3", "!shape do not broadcast [inputs f32 2, f32 3]"},
              {"Add", "f32 2; i64 2", "!graph differ"}, {"Div", "i64 4; i64 1", "i64 4"},
              {"Max", "f32 1x4; f32 3x1; f32 scalar", "f32 3x4"}, {"Max", "f32 2", "f32 2"},
              {"Sum", "i64 2; i64 2", "!graph float"}, {"Pow", "f32 2x2; i64 scalar", "f32 2x2"},
              {"Mod", "i64 4; i64 scalar", "i64 4"}, {"Mod fmod=1", "f32 4; f32 4", "f32 4"},
              {"PRelu", "f32 1x8x4x4; f32 8x1x1", "f32 1x8x4x4"}, {"PRelu", "f32 8; f32 2x8", "!shape slope"},
              {"Equal", "bool 3; bool 1", "bool 3"}, {"Less", "f32 3x1; f32 4", "bool 3x4"},
              {"Less", "bool 2; bool 2", "!graph"}, {"And", "bool 2x1; bool 3", "bool 2x3"},
              {"And", "f32 2; f32 2", "!graph must be bool"}, {"Where", "bool 3x1; f32 scalar; f32 4", "f32 3x4"},
              {"Where", "f32 3; f32 3; f32 3", "!graph must be bool"}, {"Where", "bool 3; f32 3; i64 3", "!graph must be f32"},
              {"Mul", "~f32 10x4; f32 4", "~f32 10x4"}, {"Mul", "~f32 10; f32 4", "!unsupported only the run decides"});
}

static void reductions(void **state) {
    CHECK_ALL({"ReduceSum", "f32 2x3x4", "f32 1x1x1"}, {"ReduceSum keepdims=0", "f32 2x3x4", "f32 scalar"},
              {"ReduceMean", "f32 2x3x4; i64 2=-1,0", "f32 1x3x1"}, {"ReduceMean keepdims=0", "f32 2x3x4; i64 1=1", "f32 2x4"},
              {"ReduceMax noop_with_empty_axes=1", "f32 2x3; i64 0=", "f32 2x3"}, {"ReduceMax", "f32 2x3; i64 0=", "f32 1x1"},
              {"ReduceMax", "bool 2x3; i64 1=0", "bool 1x3"}, {"ReduceSum", "bool 2x3", "!graph bool"},
              {"ReduceSum", "f32 2x3; i64 1=2", "!shape axis 2"}, {"ReduceSum", "f32 2x3; i64 1=-3", "!shape axis -3"},
              {"ReduceSum", "f32 2x3; i64 2=0,-2", "!shape given twice"},
              {"ReduceSum", "f32 2x3; i64 1", "!shape not known before the run"},
              {"ReduceSum", "f32 2x3; f32 1=0", "!graph i32 or i64"}, {"ReduceSum", "f32 2x3; i64 1x1=0", "!shape list"},
              {"ReduceL2 keepdims=0", "~f32 9x4; i64 1=-1", "~f32 9"}, {"ReduceMax keepdims=0", "~f32 9x4", "f32 scalar"},
              {"ArgMax", "f32 2x3x4", "i64 1x3x4"}, {"ArgMax axis=-1 keepdims=0", "f32 2x3x4", "i64 2x3"},
              {"ArgMin axis=3", "f32 2x3x4", "!shape axis 3"}, {"ArgMax axis=1", "f32 2x0", "!shape nothing to choose"},
              {"ArgMax axis=-9223372036854775808", "f32 2x3", "!shape axis -9223372036854775808"});
}

static void convolution(void **state) {
    CHECK_ALL(
        {"Conv strides=2,2 pads=1,1,1,1", "f32 1x3x640x640; f32 16x3x3x3; f32 16", "f32 1x16x320x320"},
        {"Conv", "f32 1x3x7x9; f32 4x3x1x1", "f32 1x4x7x9"}, {"Conv", "f32 1x2x5; f32 4x2x3", "f32 1x4x3"},
        {"Conv group=8 pads=2,2,2,2", "f32 2x8x5x5; f32 8x1x5x5; -; f32 2x8x5x5", "f32 2x8x5x5"},
        {"Conv dilations=2,3", "f32 1x1x9x9; f32 1x1x3x3", "f32 1x1x5x3"},
        {"Conv auto_pad=SAME_UPPER strides=2,3", "f32 1x1x7x7; f32 1x1x3x3", "f32 1x1x4x3"},
        {"Conv auto_pad=VALID pads=9,9,9,9", "f32 1x1x7x7; f32 1x1x3x3", "f32 1x1x5x5"},
        {"Conv auto_pad=same", "f32 1x1x7x7; f32 1x1x3x3", "!graph auto_pad is \"same\""},
        {"Conv", "f32 1x3x7x7; f32 4x2x1x1", "!shape the input has 3 channels; the weight wants 2"},
        {"Conv group=2", "f32 1x4x7x7; f32 3x2x1x1", "!shape 3 output channels"},
        {"Conv group=0", "f32 1x4x7x7; f32 3x4x1x1", "!graph group is 0"},
        {"Conv group=-9223372036854775808", "f32 1x4x7x7; f32 3x4x1x1", "!graph group is -9223372036854775808"},
        {"Conv", "f32 1x4x7x7; f32 3x4x1x1; f32 4", "!shape the bias must have 3"},
        {"Conv", "f32 1x4x7x7; f32 3x4x1x1; -; f32 1x3x7x8", "!shape residual"},
        {"Conv", "f32 1x4x2x7; f32 3x4x3x3", "!shape the window spans 3 elements and the input has 2"},
        {"Conv", "f32 1x4; f32 3x4", "!shape rank 2"}, {"Conv", "f32 1x4x7x7; f32 3x4x1", "!shape rank 3"},
        {"Conv", "f32 1x4x7x7; f16 3x4x1x1", "!graph differ in type"}, {"Conv", "i64 1x4x7x7; i64 3x4x1x1", "!graph float"},
        {"Conv strides=0,1", "f32 1x1x7x7; f32 1x1x3x3", "!graph strides[0] is 0"},
        {"Conv strides=1", "f32 1x1x7x7; f32 1x1x3x3", "!graph strides has 1 numbers"},
        {"Conv dilations=1,0", "f32 1x1x7x7; f32 1x1x3x3", "!graph dilations[1] is 0"},
        {"Conv pads=0,0,-1,0", "f32 1x1x7x7; f32 1x1x3x3", "!graph pads[2] is -1"},
        {"Conv pads=0,0,9223372036854775807,0", "f32 1x1x7x7; f32 1x1x3x3", "!graph pads[2]"},
        {"Conv kernel_shape=5,5", "f32 1x1x7x7; f32 1x1x3x3", "!graph kernel_shape[0] is 5"},
        {"Conv dilations=2147483648,1", "f32 1x1x7x7; f32 1x1x3x3", "!limit the window spans 4294967297"},
        {"Conv", "f32 1x1x7x7; f32 1x1x0x3", "!graph the kernel is 0"},
        {"Conv pads=2000000000,2000000000,0,0", "f32 1x1x7x7; f32 1x1x3x3", "!limit output 0 would be"},
        {"Conv act=tanh", "f32 1x1x7x7; f32 1x1x3x3", "!unsupported tanh"},
        {"Conv act=silu", "f32 0x1x7x7; f32 1x1x3x3", "f32 0x1x5x5"}, {"Conv", "~f32 1x1x7x7; f32 1x1x3x3", "~f32 1x1x5x5"});
}

static void transposed_convolution(void **state) {
    CHECK_ALL({"ConvTranspose strides=2,2", "f32 1x8x20x20; f32 8x4x2x2; f32 4", "f32 1x4x40x40"},
              {"ConvTranspose strides=3,2 output_padding=1,1", "f32 1x1x3x3; f32 1x2x3x3", "f32 1x2x10x8"},
              {"ConvTranspose strides=3,2 output_shape=10,8", "f32 1x1x3x3; f32 1x2x3x3", "f32 1x2x10x8"},
              {"ConvTranspose strides=3,2 pads=1,2,1,2", "f32 1x1x3x3; f32 1x2x3x3", "f32 1x2x7x3"},
              {"ConvTranspose auto_pad=SAME_UPPER strides=2,2", "f32 1x1x3x3; f32 1x2x3x3", "f32 1x2x6x6"},
              {"ConvTranspose group=2", "f32 1x4x3x3; f32 4x3x1x1", "f32 1x6x3x3"},
              {"ConvTranspose dilations=2,2", "f32 1x1x3x3; f32 1x1x2x2", "f32 1x1x5x5"},
              {"ConvTranspose output_padding=1,0", "f32 1x1x3x3; f32 1x1x2x2", "!graph output_padding[0] is 1"},
              {"ConvTranspose output_padding=-1,0", "f32 1x1x3x3; f32 1x1x2x2", "!graph output_padding[0] is -1"},
              {"ConvTranspose pads=3,3,3,3", "f32 1x1x3x3; f32 1x1x2x2", "!shape leaves nothing"},
              {"ConvTranspose strides=2147483648,1", "f32 1x1x3x3; f32 1x1x2x2", "!limit spatial axis 0"},
              {"ConvTranspose", "f32 1x3x3x3; f32 4x1x2x2", "!shape the input has 3 channels"},
              {"ConvTranspose group=3", "f32 1x4x3x3; f32 4x1x2x2", "!shape in 3 groups"},
              {"ConvTranspose group=2147483647", "f32 1x4x3x3; f32 4x2147483647x2x2", "!shape groups"},
              {"ConvTranspose", "f32 1x1x0x3; f32 1x1x2x2", "!shape empty along spatial axis 0"});
}

static void pooling(void **state) {
    CHECK_ALL({"MaxPool kernel_shape=5,5 pads=2,2,2,2", "f32 1x8x20x20", "f32 1x8x20x20"},
              {"MaxPool kernel_shape=3,3 strides=2,2", "u8 1x1x7x8", "u8 1x1x3x3"},
              {"MaxPool kernel_shape=2,2 strides=2,2", "f32 1x1x5x5", "f32 1x1x2x2; i64 1x1x2x2"},
              {"MaxPool kernel_shape=2,2 strides=2,2 ceil_mode=1", "f32 1x1x5x6", "f32 1x1x3x3"},
              /* rounded up, the third window would start in the padding behind the data: dropped */
              {"MaxPool kernel_shape=1,1 strides=2,2 ceil_mode=1", "f32 1x1x2x2", "f32 1x1x1x1"},
              {"AveragePool kernel_shape=2,2 strides=2,2 ceil_mode=1 pads=1,1,1,1", "f32 1x1x4x3", "f32 1x1x3x2"},
              {"AveragePool kernel_shape=2,2 strides=2,2 ceil_mode=1", "f32 1x1x1x4", "f32 1x1x1x2"},
              {"AveragePool kernel_shape=2,2 strides=2,2", "f32 1x1x1x4", "!shape the window spans 2"},
              {"AveragePool kernel_shape=3,3 dilations=2,2", "f32 1x1x7x7", "f32 1x1x3x3"},
              {"AveragePool kernel_shape=4,4 strides=2,2 auto_pad=VALID ceil_mode=1", "f32 1x1x7x8", "f32 1x1x2x3"},
              {"LpPool kernel_shape=3 auto_pad=SAME_LOWER strides=2", "f32 1x1x8", "f32 1x1x4"},
              {"MaxPool kernel_shape=2,2 pads=2,0,0,0", "f32 1x1x5x5", "!graph padding 2 and 0"},
              {"MaxPool kernel_shape=0,2", "f32 1x1x5x5", "!graph kernel_shape[0] is 0"},
              {"MaxPool kernel_shape=2", "f32 1x1x5x5", "!graph kernel_shape has 1"},
              {"MaxPool", "f32 1x1x5x5", "!graph kernel is 0"}, {"MaxPool kernel_shape=2,2", "i64 1x1x5x5", "!graph float"},
              {"AveragePool kernel_shape=2", "u8 1x1x5", "!graph float"},
              {"MaxPool kernel_shape=2", "f32 1x5", "!shape rank 2"}, {"GlobalAveragePool", "f32 2x8x7x7", "f32 2x8x1x1"},
              {"GlobalMaxPool", "f32 2x8x0x7", "!shape nothing to pool"}, {"GlobalLpPool", "f32 2", "!shape rank 1"});
}

static void normalisation(void **state) {
    CHECK_ALL({"BatchNormalization", "f32 1x4x8x8; f32 4; f32 4; f32 4; f32 4", "f32 1x4x8x8"},
              {"BatchNormalization", "f32 1x4x8x8; f32 4; f32 4; f32 3; f32 4", "!shape mean must have 4"},
              {"BatchNormalization training_mode=1", "f32 1x4; f32 4; f32 4; f32 4; f32 4", "!unsupported training_mode"},
              {"InstanceNormalization", "f32 1x4x8; f32 4; f32 4", "f32 1x4x8"},
              {"LayerNormalization", "f32 2x3x4; f32 4", "f32 2x3x4"},
              {"LayerNormalization axis=1", "f16 2x3x4; f16 3x4; f16 4", "f16 2x3x4; f32 2x1x1; f32 2x1x1"},
              {"LayerNormalization", "f32 2x3x4; f32 5", "!shape does not broadcast"},
              {"LayerNormalization axis=3", "f32 2x3x4; f32 4", "!shape axis 3"}, {"Softmax axis=1", "f32 2x3", "f32 2x3"},
              {"Softmax axis=2", "f32 2x3", "!shape axis 2"}, {"LogSoftmax", "i64 2x3", "!graph float"});
}

static void resizing(void **state) {
    CHECK_ALL(
        {"Resize", "f32 1x8x20x20; -; f32 4=1,1,2,2", "f32 1x8x40x40"},
        {"Resize", "f32 1x8x20x20; f32 0=; f32 0=; i64 4=1,8,30,10", "f32 1x8x30x10"},
        {"Resize", "f32 1x1x5x5; -; f32 4=1,1,0.7,1.5", "f32 1x1x3x7"},
        /* 10 * f32(0.7) is 7 in single precision and a little less in double */
        {"Resize", "f32 1x1x10x10; -; f32 4=1,1,0.7,0.7", "f32 1x1x7x7"},
        {"Resize axes=2,3", "f32 1x8x20x30; -; -; i64 2=7,8", "f32 1x8x7x8"},
        {"Resize axes=-1,2", "f32 1x8x20x30; -; f32 2=2,3", "f32 1x8x60x60"},
        {"Resize axes=2,3 keep_aspect_ratio_policy=not_larger", "f32 1x1x6x9; -; -; i64 2=9,9", "f32 1x1x6x9"},
        {"Resize axes=2,3 keep_aspect_ratio_policy=not_smaller", "f32 1x1x6x9; -; -; i64 2=9,9", "f32 1x1x9x14"},
        {"Resize coordinate_transformation_mode=tf_crop_and_resize", "f32 10; f32 2=0.25,0.75; f32 1=2", "f32 10"},
        {"Resize axes=2,3 keep_aspect_ratio_policy=not_larger", "~f32 1x1x6x9; -; -; i64 2=9,9", "!unsupported aspect"},
        {"Resize", "~f32 1x8x20x20; -; f32 4=1,1,2,2", "~f32 1x8x40x40"},
        {"Resize", "f32 1x8x20x20; -; f32 4=1,1,2,2; i64 4=1,8,40,40", "!graph exactly one"},
        {"Resize", "f32 1x8x20x20", "!graph exactly one"}, {"Resize", "f32 4x4; -; f32 2", "!shape not known before"},
        {"Resize", "f32 4x4; -; f32 3=1,2,2", "!shape must have 2"}, {"Resize", "f32 4x4; -; f32 2=1,0", "!shape scale 0"},
        {"Resize", "f32 4x4; -; f32 2=1,-2", "!shape scale -2"}, {"Resize", "f32 4x4; -; f32 2=1,nan", "!shape scale nan"},
        {"Resize", "f32 4x4; -; f32 2=1,1e30", "!shape scale 1e+30"}, {"Resize", "f32 4x4; -; -; i64 2=-1,4", "!shape size -1"},
        {"Resize", "f32 4x4; -; -; i64 2=2147483648,4", "!limit output 0"},
        {"Resize", "f32 0x4; -; -; i64 2=2,4", "!shape cannot grow"},
        {"Resize mode=lanczos", "f32 4; -; f32 1=2", "!unsupported mode"},
        {"Resize coordinate_transformation_mode=half", "f32 4; -; f32 1=2", "!unsupported coordinate_transformation_mode"},
        {"Resize axes=0,0", "f32 4x4; -; f32 2=2,2", "!shape given twice"},
        {"Resize axes=0,2", "f32 4x4; -; f32 2=2,2", "!shape axis 2"});
}

static void matrices(void **state) {
    CHECK_ALL(
        {"MatMul", "f32 2x3; f32 3x4", "f32 2x4"}, {"MatMul", "f32 8x1x2x3; f32 5x3x4", "f32 8x5x2x4"},
        {"MatMul", "f32 3; f32 3x4", "f32 4"}, {"MatMul", "f32 2x3; f32 3", "f32 2"}, {"MatMul", "f32 3; f32 3", "f32 scalar"},
        {"MatMul", "f32 2x3; f32 4x3", "!shape 3 columns of the first meet 4 rows"},
        {"MatMul", "f32 scalar; f32 3", "!shape rank 0"}, {"MatMul", "f32 2x2x3; f32 3x3x4", "!shape do not broadcast"},
        {"MatMul", "f32 2x3; f16 3x4", "!graph differ"}, {"MatMul", "f32 65536x1; f32 1x65536", "!limit 65536x65536"},
        {"Gemm", "f32 2x3; f32 3x4; f32 4", "f32 2x4"}, {"Gemm transA=1 transB=1", "f32 3x2; f32 4x3; f32 2x1", "f32 2x4"},
        {"Gemm", "f32 2x3; f32 3x4; f32 3", "!shape third"}, {"Gemm", "f32 2x3; f32 3x4; f32 1x2x4", "!shape third"},
        {"Gemm", "f32 2x3; f32 2x3", "!shape meet"}, {"Gemm", "f32 2x3x1; f32 2x3", "!shape rank 3"});
}

static void einsum(void **state) {
    CHECK_ALL(
        {"Einsum equation=ij,jk->ik", "f32 2x3; f32 3x4", "f32 2x4"}, {"Einsum equation=ij,jk", "f32 2x3; f32 3x4", "f32 2x4"},
        {"Einsum equation=bA,bc", "f32 2x3; f32 2x4", "f32 3x4"}, {"Einsum equation=ii->i", "f32 3x3", "f32 3"},
        {"Einsum equation=ij->", "f32 3x4", "f32 scalar"},
        {"Einsum equation=...ij,...jk->...ik", "f32 5x1x2x3; f32 7x3x4", "!shape \"...\""},
        {"Einsum equation=...ij,...jk->...ik", "f32 5x1x2x3; f32 1x7x3x4", "f32 5x7x2x4"},
        {"Einsum equation=i...->...i", "f32 2x3x4", "f32 3x4x2"}, {"Einsum equation=...ii", "f32 5x3x3", "f32 5"},
        {"Einsum equation=ij,jk->ik", "f32 2x3; f32 4x5", "!shape \"j\" is 3 and 4"},
        {"Einsum equation=ij->ik", "f32 2x3", "!graph \"k\""}, {"Einsum equation=ij->ii", "f32 2x3", "!graph \"i\""},
        {"Einsum equation=ij", "f32 2x3x4", "!shape term 0"}, {"Einsum equation=ij,jk", "f32 2x3", "!graph 1 terms"},
        {"Einsum equation=ij", "f32 2x3; f32 3x4", "!graph 2 terms"}, {"Einsum equation=i.j", "f32 2x3", "!graph byte 0x2e"},
        {"Einsum equation=ij-ij", "f32 2x3", "!graph without"}, {"Einsum equation=ij->i,j", "f32 2x3", "!graph goes on"},
        {"Einsum equation=...i->i", "f32 2x3", "!unsupported sums over"},
        {"Einsum equation=i->...i", "f32 2", "!graph its inputs have none"},
        {"Einsum equation=abcdefghi", "f32 2", "!limit over 8 letters"},
        {"Einsum equation=abcdef,ghijk", "f32 1x1x1x1x1x1; f32 1x1x1x1x1", "!limit rank"},
        {"Einsum equation=", "f32 scalar", "f32 scalar"});
}

static void joining_and_cutting(void **state) {
    CHECK_ALL({"Concat axis=1", "f32 1x2x3; f32 1x4x3; f32 1x0x3", "f32 1x6x3"}, {"Concat axis=-1", "i64 2; i64 3", "i64 5"},
              {"Concat axis=0", "f32 1x2; f32 1x3", "!shape differ along axis 1 (2 and 3)"},
              {"Concat axis=0", "f32 1x2; f32 2", "!shape rank"}, {"Concat axis=0", "f32 1; i64 1", "!graph type"},
              {"Concat axis=2", "f32 1x2; f32 1x2", "!shape axis 2"}, {"Concat axis=0", "f32 scalar", "!shape axis 0"},
              {"Concat axis=0", "f32 2; -", "!graph input 1 is absent"}, {"Concat axis=0", "f32 2147483648; f32 1", "!limit"},
              {"Concat axis=0", "~f32 9x4; f32 2x4", "~f32 11x4"}, {"Concat axis=0", "~f32 9x4; f32 2x3", "!unsupported"},
              {"Split axis=1", "f32 1x8x2; i64 2=3,5", "f32 1x3x2; f32 1x5x2"},
              {"Split axis=1", "f32 1x8x2", "f32 1x4x2; f32 1x4x2"}, {"Split num_outputs=3", "f32 7", "f32 3; f32 3; f32 1"},
              {"Split num_outputs=2", "f32 6", "f32 3; f32 3"},
              {"Split num_outputs=3 outputs=2", "f32 6", "!graph num_outputs is 3"},
              {"Split outputs=4", "f32 5", "!shape does not fill 4 parts"},
              {"Split outputs=2", "f32 5; i64 3=1,1,3", "!shape 3 sizes for 2"},
              {"Split outputs=2", "f32 5; i64 2=1,3", "!shape add up to 4"},
              {"Split outputs=2", "f32 5; i64 2=-1,6", "!shape size 0 is -1"},
              {"Split outputs=2", "f32 5; i64 2=9223372036854775807,9223372036854775807", "!limit"},
              {"Split outputs=2 axis=1", "f32 5; i64 2=1,4", "!shape axis 1"},
              {"Split outputs=2", "f32 5; i64 2", "!shape not known before"}, {"Split outputs=4", "~f32 5", "!unsupported"},
              {"Split", "f32 4", "f32 2; f32 2; f32 0"}, {"Split", "~f32 9; -", "~f32 5; ~f32 5"});
}

static void slicing(void **state) {
    CHECK_ALL({"Slice", "f32 10; i64 1=2; i64 1=5", "f32 3"}, {"Slice", "f32 10; i64 1=-3; i64 1=9223372036854775807", "f32 3"},
              {"Slice", "f32 10; i64 1=-100; i64 1=100", "f32 10"}, {"Slice", "f32 10; i64 1=7; i64 1=3", "f32 0"},
              {"Slice", "f32 10; i64 1=0; i64 1=10; i64 1=0; i64 1=3", "f32 4"},
              {"Slice", "f32 10; i64 1=-1; i64 1=-9223372036854775808; i64 1=0; i64 1=-1", "f32 10"},
              {"Slice", "f32 10; i64 1=8; i64 1=1; i64 1=0; i64 1=-3", "f32 3"},
              {"Slice", "f32 10; i64 1=9; i64 1=0; i64 1=0; i64 1=-9223372036854775808", "f32 1"},
              {"Slice", "f32 10; i64 1=0; i64 1=10; i64 1=0; i64 1=9223372036854775807", "f32 1"},
              {"Slice", "f32 10; i64 1=-9223372036854775808; i64 1=9223372036854775807", "f32 10"},
              {"Slice", "f32 0; i64 1=0; i64 1=-5; i64 1=0; i64 1=-1", "f32 0"},
              {"Slice", "f32 4x6x8; i32 2=1,2; i32 2=3,8; i32 2=0,-1", "f32 2x6x6"},
              {"Slice", "f32 4x6; i64 2=0,0; i64 2=1,1", "f32 1x1"},
              {"Slice", "f32 4; i64 1=0; i64 1=4; i64 1=0; i64 1=0", "!shape step along axis 0 is 0"},
              {"Slice", "f32 4; i64 1=0; i64 1=4; i64 1=1", "!shape axis 1"},
              {"Slice", "f32 4x4; i64 2=0,0; i64 2=4,4; i64 2=0,-2", "!shape given twice"},
              {"Slice", "f32 4x4; i64 2=0,0; i64 1=4", "!shape 2 starts, 1 ends"},
              {"Slice", "f32 4; i64 2=0,0; i64 2=4,4", "!shape 2 starts"},
              {"Slice", "f32 4; i64 1; i64 1=4", "!shape not known before the run"},
              {"Slice", "f32 4; f32 1=0; i64 1=4", "!graph i32 or i64"},
              /* sizes of which 10 is the bound */
              {"Slice", "~f32 10; i64 1=2; i64 1=5", "~f32 3"},
              {"Slice", "~f32 10; i64 1=-3; i64 1=9223372036854775807", "~f32 10"},
              {"Slice", "~f32 10; i64 1=-7; i64 1=5", "~f32 10"}, {"Slice", "~f32 10; i64 1=-4; i64 1=-1", "~f32 3"},
              {"Slice", "~f32 10; i64 1=-5; i64 1=-5; i64 1=0; i64 1=-1", "~f32 1"},
              {"Slice", "~f32 10; i64 1=5; i64 1=-3; i64 1=0; i64 1=-2", "~f32 5"});
}

static void reshaping(void **state) {
    CHECK_ALL(
        {"Reshape", "f32 1x144x80x80; i64 3=1,144,-1", "f32 1x144x6400"}, {"Reshape", "f32 2x3x4; i64 3=0,0,-1", "f32 2x3x4"},
        {"Reshape", "f32 2x3x4; i64 1=-1", "f32 24"}, {"Reshape", "f32 1; i64 0=", "f32 scalar"},
        {"Reshape", "f32 2x3; i64 2=3,2", "f32 3x2"}, {"Reshape", "f32 0x3; i64 2=0,-1", "f32 0x3"},
        {"Reshape allowzero=1", "f32 0x3; i64 2=5,0", "f32 5x0"},
        {"Reshape allowzero=1", "f32 0x3; i64 2=0,-1", "!shape do not fill"}, {"Reshape", "f32 0x3; i64 2=0,7", "f32 0x7"},
        {"Reshape", "f32 2x3; i64 2=4,-1", "!shape do not fill the target 4x?"},
        {"Reshape", "f32 2x3; i64 2=3,3", "!shape do not fill"}, {"Reshape", "f32 2x3; i64 2=-1,-1", "!shape more than one -1"},
        {"Reshape", "f32 2x3; i64 2=-2,3", "!shape dimension 0 is -2"},
        {"Reshape", "f32 2x3; i64 3=2,3,0", "!shape copies one the input lacks"},
        {"Reshape", "f32 2x3; i64 1", "!shape not known before"},
        {"Reshape", "f32 2; i64 2=9223372036854775807,9223372036854775807", "!shape target dimension 0"},
        {"Reshape", "f32 2; i64 3=2000000000,2000000000,2", "!limit"},
        {"Reshape", "f32 2; i64 9=1,1,1,1,1,1,1,1,2", "!shape 9 numbers"}, {"Reshape", "~f32 7x3; i64 2=-1,4", "~f32 5x4"},
        {"Reshape", "~f32 7x3; i64 1=15", "~f32 15"}, {"Reshape", "~f32 7x3; i64 1=25", "!unsupported"},
        {"Flatten", "f32 2x3x4", "f32 2x12"}, {"Flatten axis=0", "f32 2x3x4", "f32 1x24"},
        {"Flatten axis=-1", "f32 2x3x4", "f32 6x4"}, {"Flatten axis=3", "f32 2x3x4", "f32 24x1"},
        {"Flatten axis=4", "f32 2x3x4", "!shape axis 4"}, {"Flatten axis=-4", "f32 2x3x4", "!shape axis -4"},
        {"Transpose", "f32 2x3x4", "f32 4x3x2"}, {"Transpose perm=0,2,1", "f32 2x3x4", "f32 2x4x3"},
        {"Transpose", "f32 scalar", "f32 scalar"}, {"Transpose perm=0,1", "f32 2x3x4", "!shape perm has 2"},
        {"Transpose perm=0,1,1", "f32 2x3x4", "!shape given twice"}, {"Transpose perm=0,1,3", "f32 2x3x4", "!shape axis 3"},
        {"Transpose perm=0,1,-1", "f32 2x3x4", "!shape perm[2] is -1"});
}

static void ranks(void **state) {
    CHECK_ALL({"Squeeze", "f32 1x3x1", "f32 3"}, {"Squeeze", "f32 1x3x1; i64 1=-1", "f32 1x3"},
              {"Squeeze", "f32 1x3x1; i64 1=1", "!shape axis 1 is 3"}, {"Squeeze", "~f32 1x3", "!unsupported"},
              {"Squeeze", "~f32 9x1; i64 1=1", "~f32 9"}, {"Unsqueeze", "f32 3; i64 2=0,-1", "f32 1x3x1"},
              {"Unsqueeze", "f32 scalar; i64 1=0", "f32 1"}, {"Unsqueeze", "f32 3; i64 2=0,0", "!shape given twice"},
              {"Unsqueeze", "f32 3; i64 1=2", "!shape axis 2"},
              {"Unsqueeze", "f32 1x1x1x1x1x1x1x1; i64 1=0", "!limit rank would be 9"},
              {"Expand", "f32 3x1; i64 3=2,1,6", "f32 2x3x6"}, {"Expand", "f32 3; i64 1=1", "f32 3"},
              {"Expand", "f32 3; i64 1=2", "!shape broadcast with 2"}, {"Expand", "f32 3; i64 1=-1", "!shape is -1"},
              {"Expand", "f32 scalar; i64 2=65536,65536", "!limit"}, {"Tile", "f32 2x3; i64 2=2,0", "f32 4x0"},
              {"Tile", "f32 2x3; i64 1=2", "!shape 1 repeats"}, {"Tile", "f32 2x3; i64 2=2,-1", "!shape repeat 1 is -1"},
              {"Tile", "f32 2x3; i64 2=9223372036854775807,1", "!limit"}, {"Identity", "bool 2x0", "bool 2x0"},
              {"Cast to=f16", "f32 3", "f16 3"}, {"Cast to=float", "f32 3", "!graph \"float\""});
}

static void padding(void **state) {
    CHECK_ALL({"Pad", "f32 1x1x4x4; i64 8=0,0,1,2,0,0,3,4", "f32 1x1x8x10"},
              {"Pad", "f32 4x4; i64 4=-1,0,-1,2; f32 scalar", "f32 2x6"}, {"Pad", "f32 4x4; i64 2=1,1; -; i64 1=-1", "f32 4x6"},
              {"Pad", "f32 4; i64 2=-2,-3", "!shape takes more than the 4"},
              {"Pad", "f32 4; i64 2=-9223372036854775808,0", "!limit"},
              {"Pad", "f32 4; i64 2=9223372036854775807,9223372036854775807", "!limit"},
              {"Pad", "f32 4; i64 2=2147483648,1", "!limit"}, {"Pad mode=reflect", "f32 4; i64 2=3,3", "f32 10"},
              {"Pad mode=reflect", "f32 4; i64 2=4,0", "!shape too few to reflect"},
              {"Pad mode=edge", "f32 0; i64 2=1,0", "!shape nothing is left"}, {"Pad mode=wrap", "f32 4; i64 2=9,0", "f32 13"},
              {"Pad", "f32 0; i64 2=1,0", "f32 1"}, {"Pad mode=odd", "f32 4; i64 2=1,0", "!unsupported odd"},
              {"Pad", "f32 4x4; i64 2=1,1", "!shape 2 paddings for 2 axes"},
              {"Pad", "f32 4x4; i64 4=1,1,1,1; -; i64 2=0,-2", "!shape given twice"},
              {"Pad", "f32 4; i64 2=1,1; i64 scalar", "!graph must be f32"},
              {"DepthToSpace blocksize=2", "f32 1x8x2x3", "f32 1x2x4x6"},
              {"DepthToSpace blocksize=3", "f32 1x8x2x3", "!shape do not divide"},
              {"DepthToSpace blocksize=0", "f32 1x8x2x3", "!graph blocksize is 0"},
              {"DepthToSpace blocksize=2 mode=XYZ", "f32 1x8x2x3", "!graph XYZ"},
              {"DepthToSpace blocksize=9223372036854775807", "f32 1x8x2x3", "!graph blocksize"},
              {"SpaceToDepth blocksize=2", "f32 1x2x4x6", "f32 1x8x2x3"},
              {"SpaceToDepth blocksize=4", "f32 1x2x4x6", "!shape do not divide"});
}

static void indexing(void **state) {
    CHECK_ALL(
        {"Gather", "f32 5x4; i64 scalar", "f32 4"}, {"Gather axis=1", "f32 5x4x3; i32 2x2", "f32 5x2x2x3"},
        {"Gather axis=2", "f32 5x4; i64 1", "!shape axis 2"}, {"Gather", "f32 5; f32 1", "!graph i32 or i64"},
        {"Gather", "f32 1x1x1x1x1; i64 1x1x1x1x1", "!limit rank would be 9"}, {"Gather", "f32 5x4; ~i64 7", "~f32 7x4"},
        {"GatherElements axis=1", "f32 3x4; i64 2x9", "f32 2x9"},
        {"GatherElements axis=1", "f32 3x4; i64 4x1", "!shape more indices than data along axis 0"},
        {"GatherElements", "f32 3x4; i64 3", "!shape rank 1"}, {"GatherND", "f32 2x3x4; i64 5x2", "f32 5x4"},
        {"GatherND", "f32 2x3x4; i64 5x3", "f32 5"}, {"GatherND batch_dims=1", "f32 2x3x4; i64 2x1", "f32 2x4"},
        {"GatherND", "f32 2x3; i64 5x3", "!shape index tuples of 3"},
        {"GatherND batch_dims=1", "f32 2x3x4; i64 3x1", "!shape batch dimension 0"},
        {"GatherND batch_dims=9223372036854775807", "f32 2x3x4; i64 3x1", "!shape batch_dims"},
        {"GatherND", "f32 2x3; i64 5x0", "!shape tuples of 0"}, {"GatherND", "f32 2x3; i64 scalar", "!shape batch_dims is 0"},
        {"ScatterElements axis=1", "f32 3x4; i64 2x2; f32 2x2", "f32 3x4"},
        {"ScatterElements", "f32 3x4; i64 2x2; f32 2x3", "!shape differ in shape"},
        {"ScatterElements reduction=avg", "f32 3; i64 1; f32 1", "!unsupported avg"},
        {"ScatterND reduction=add", "f32 4x5; i64 2x1; f32 2x5", "f32 4x5"},
        {"ScatterND", "f32 4x5; i64 2x1; f32 2x4", "!shape updates"},
        {"ScatterND", "f32 4x5; i64 2x1; i64 2x5", "!graph must be f32"},
        {"ScatterND", "f32 4; i64 2x2; f32 2", "!shape tuples of 2"}, {"TopK", "f32 1x8400; i64 1=300", "f32 1x300; i64 1x300"},
        {"TopK axis=0", "f32 5x2; i64 1=0", "f32 0x2; i64 0x2"}, {"TopK", "f32 5; i64 1=6", "!shape k is 6"},
        {"TopK", "f32 5; i64 1=-1", "!shape k is -1"}, {"TopK", "f32 5; i64 1", "!shape not known before"},
        {"TopK", "f32 5; i64 2=1,2", "!shape at most 1"}, {"TopK", "f32 5; i64 0=", "!shape one element"},
        {"TopK", "f32 scalar; i64 1=0", "!shape axis -1"}, {"TopK", "~f32 3x9; i64 1=4", "~f32 3x4; ~i64 3x4"},
        {"NonZero", "f32 3x4", "~i64 2x12"}, {"NonZero", "bool scalar", "~i64 0x1"});
}

static void suppression(void **state) {
    CHECK_ALL({"NonMaxSuppression", "f32 2x100x4; f32 2x80x100; i64 scalar=10; f32 1; f32 1", "~i64 1600x3"},
              {"NonMaxSuppression", "f32 2x100x4; f32 2x80x100; i64 1=1000", "~i64 16000x3"},
              {"NonMaxSuppression", "f32 2x100x4; f32 2x80x100; i64 scalar", "~i64 16000x3"},
              {"NonMaxSuppression", "f32 2x100x4; f32 2x80x100", "~i64 0x3"},
              {"NonMaxSuppression", "f32 2x100x4; f32 2x80x100; i64 scalar=-5", "~i64 0x3"},
              {"NonMaxSuppression", "f32 2x100x5; f32 2x80x100", "!shape N x B x 4"},
              {"NonMaxSuppression", "f32 2x100x4; f32 2x80x99", "!shape N x M x B"},
              {"NonMaxSuppression", "f32 2x100x4; f32 1x80x100", "!shape"},
              {"NonMaxSuppression", "f16 2x100x4; f16 2x80x100", "!graph must be f32"},
              {"NonMaxSuppression", "f32 1x9x4; f32 1x2x9; i64 2=1,1", "!shape one element"},
              {"NonMaxSuppression", "f32 1x1048576x4; f32 1x1024x1048576; i64 1=1048576", "!limit"});
}

static void numbers(void **state) {
    CHECK_ALL(
        {"Shape", "f32 2x3x4", "i64 3"}, {"Shape start=1 end=-1", "f32 2x3x4", "i64 1"},
        {"Shape start=-100 end=100", "f32 2x3x4", "i64 3"}, {"Shape start=2 end=1", "f32 2x3x4", "i64 0"},
        {"Shape start=9223372036854775807", "f32 2", "i64 0"}, {"Shape end=-9223372036854775808", "f32 2", "i64 0"},
        {"Shape", "~f32 2x3", "i64 2"}, {"Size", "f32 2x3", "i64 scalar"},
        {"Range", "i64 scalar=3; i64 scalar=9; i64 scalar=3", "i64 2"},
        {"Range", "i64 scalar=10; i64 scalar=4; i64 scalar=-2", "i64 3"},
        {"Range", "i64 scalar=4; i64 scalar=3; i64 scalar=1", "i64 0"},
        {"Range", "f32 scalar=0; f32 scalar=1; f32 scalar=0.3", "f32 4"},
        {"Range", "i64 scalar=0; i64 scalar=1; i64 scalar=0", "!shape step is 0"},
        {"Range", "f32 scalar=0; f32 scalar=1; f32 scalar=0", "!shape no range"},
        {"Range", "f32 scalar=0; f32 scalar=nan; f32 scalar=1", "!shape no range"},
        {"Range", "f32 scalar=0; f32 scalar=1e30; f32 scalar=1", "!limit"},
        {"Range", "i64 scalar=-9223372036854775808; i64 scalar=9223372036854775807; i64 scalar=1", "!limit"},
        {"Range", "i64 scalar=9223372036854775807; i64 scalar=-9223372036854775808; i64 scalar=-9223372036854775808", "i64 2"},
        {"Range", "i64 scalar=0; i64 scalar; i64 scalar=1", "!shape not known before"},
        {"Range", "i64 2=0,1; i64 1=1; i64 1=1", "!shape one element"},
        {"Range", "f32 scalar; f32 scalar=1; f32 scalar=1", "!shape not known before"},
        {"Range", "u8 scalar; u8 scalar; u8 scalar", "!unsupported type"}, {"ConstantOfShape", "i64 3=2,0,4", "f32 2x0x4"},
        {"ConstantOfShape", "i64 0=; i64 1", "i64 scalar"}, {"ConstantOfShape", "i64 1=-1", "!shape would be -1"},
        {"ConstantOfShape", "i64 2=2147483648,2", "!limit"}, {"ConstantOfShape", "i64 1", "!shape not known"},
        {"ConstantOfShape", "i64 1=2; f32 2", "!shape one element"}, {"EyeLike", "f32 3x4", "f32 3x4"},
        {"EyeLike dtype=i64", "f32 3x4", "i64 3x4"}, {"EyeLike dtype=int", "f32 3x4", "!graph \"int\""},
        {"EyeLike", "f32 3", "!shape rank 1"}, {"Trilu", "f32 2x3x4; i64 scalar", "f32 2x3x4"},
        {"Trilu", "f32 2", "!shape rank 1"}, {"OneHot", "i64 2x3; i64 scalar=5; f32 2", "f32 2x3x5"},
        {"OneHot axis=0", "i64 2x3; f32 1=5; i64 2", "i64 5x2x3"},
        {"OneHot axis=3", "i64 2x3; i64 scalar=5; f32 2", "!shape axis 3"}, {"OneHot", "i64 2; i64 1=0; f32 2", "!shape depth"},
        {"OneHot", "i64 2; f32 1=nan; f32 2", "!shape depth"}, {"OneHot", "i64 2; i64 1; f32 2", "!shape not known"},
        {"OneHot", "i64 2; i64 1=3; f32 3", "!shape off and on"},
        {"OneHot", "i64 1x1x1x1x1x1x1x1; i64 1=3; f32 2", "!limit rank"}, {"CumSum", "f32 2x3; i64 scalar=-1", "f32 2x3"},
        {"CumSum", "f32 2x3; i32 scalar=2", "!shape axis 2"}, {"CumSum", "f32 2x3; i64 scalar", "f32 2x3"});
}

static void ours(void **state) {
    CHECK_ALL(
        {"ImageInput", "u8 2x480x640x3", "f32 2x3x480x640"}, {"ImageInput", "f32 1x3x640x640", "f32 1x3x640x640"},
        {"ImageInput mean=0,0,0 std=1,1,1 order=bgr scale=1", "u8 1x2x2x3", "f32 1x3x2x2"},
        {"ImageInput", "u8 1x3x64x64", "!shape N x H x W x 3"}, {"ImageInput", "f16 1x3x64x64", "!graph u8 pictures"},
        {"ImageInput order=gbr", "u8 1x2x2x3", "!graph gbr"}, {"ImageInput std=1,0,1", "u8 1x2x2x3", "!graph std[1] is 0"},
        {"ImageInput mean=1,2", "u8 1x2x2x3", "!graph mean has 2"}, {"ImageInput scale=0", "u8 1x2x2x3", "!graph scale"},
        {"ImageInput", "u8 2x2x3", "!shape rank 3"},
        {"Attention heads=2 dim_key=32 dim_value=64 scale=1", "f32 1x256x20x20", "f32 1x128x20x20"},
        {"Attention heads=4 dim_key=32 dim_value=32 area=4 scale=1", "f32 1x384x20x20", "f32 1x128x20x20; f32 1x128x20x20"},
        {"Attention heads=2 dim_key=32 dim_value=64", "f32 1x255x20x20",
         "!shape 255 channels; 2 heads of 2 * 32 + 64 need 256"},
        {"Attention heads=2 dim_key=32 dim_value=64 area=3", "f32 1x256x20x20", "!shape 400 pixels do not divide into 3"},
        {"Attention heads=0 dim_key=32 dim_value=64", "f32 1x256x20x20", "!graph heads is 0"},
        {"Attention heads=9223372036854775807 dim_key=1 dim_value=1", "f32 1x3x2x2", "!graph heads"},
        {"Attention heads=1 dim_key=1 dim_value=1 area=0", "f32 1x3x2x2", "!graph area is 0"});
}

#define BOXES   "f32 1x64x80x80; f32 1x64x40x40; f32 1x64x20x20; "
#define CLASSES "f32 1x80x80x80; f32 1x80x40x40; f32 1x80x20x20"
#define HEAD    "YolkHead levels=3 strides=8,16,32 classes=80 "

static void heads(void **state) {
    CHECK_ALL(
        {HEAD, BOXES CLASSES, "f32 1x84x8400"}, {HEAD "one_to_one=1", BOXES CLASSES, "f32 1x300x6"},
        {HEAD "one_to_one=1 end2end_k=9000", BOXES CLASSES, "f32 1x8400x6"},
        {HEAD "task=segment extra=32", BOXES CLASSES "; f32 1x32x80x80; f32 1x32x40x40; f32 1x32x20x20; f32 1x32x160x160",
         "f32 1x116x8400; f32 1x32x160x160"},
        {"YolkHead levels=1 strides=8 classes=2 reg_max=1 task=pose extra=51 kpt_shape=17,3",
         "f32 3x4x2x5; f32 3x2x2x5; f32 3x51x2x5", "f32 3x57x10"},
        {"YolkHead levels=1 strides=8 classes=2 task=obb extra=1", "f32 3x64x2x5; f32 3x2x2x5; f32 3x1x2x5", "f32 3x7x10"},
        {"YolkHead levels=1 strides=8 classes=2 task=obb extra=1 one_to_one=1", "f32 3x64x2x5; f32 3x2x2x5; f32 3x1x2x5",
         "f32 3x10x7"},
        {HEAD "reg_max=1", BOXES CLASSES, "!shape boxes of level 0 have 64 channels, not 4"},
        {HEAD "classes=81", BOXES CLASSES, "!shape classes of level 0"},
        {HEAD, BOXES "f32 1x80x80x80; f32 1x80x40x41; f32 1x80x20x20", "!shape classes of level 1"},
        {HEAD, BOXES "f32 1x80x80x80; f32 2x80x40x40; f32 1x80x20x20", "!shape classes of level 1"},
        {HEAD, BOXES "f32 1x80x80x80", "!graph 4 inputs; 3 levels of task detect have 6"},
        {HEAD "family=v5", BOXES CLASSES, "!unsupported v5"}, {HEAD "task=classify", BOXES CLASSES, "!graph classify"},
        {HEAD "extra=32", BOXES CLASSES, "!graph 32 extra"}, {HEAD "levels=9", BOXES CLASSES, "!limit 9 levels"},
        {HEAD "levels=-1", BOXES CLASSES, "!graph levels is -1"}, {HEAD "strides=8,16", BOXES CLASSES, "!graph strides has 2"},
        {HEAD "strides=8,0,32", BOXES CLASSES, "!graph strides[1] is 0"},
        {HEAD "dfl_weight=0,1", BOXES CLASSES, "!graph dfl_weight has 2"},
        {HEAD "reg_max=9223372036854775807", BOXES CLASSES, "!graph reg_max"},
        {HEAD "outputs=2", BOXES CLASSES, "!graph second output"},
        {"YolkHead levels=1 strides=8 classes=2 task=pose extra=51 kpt_shape=17,4", "f32 3x64x2x5; f32 3x2x2x5; f32 3x51x2x5",
         "!graph kpt_shape 17 x 4"},
        {"YolkHead levels=1 strides=8 classes=2 task=pose extra=51", "f32 3x64x2x5; f32 3x2x2x5; f32 3x51x2x5",
         "!graph kpt_shape 0 x 0"},
        {"YolkHead levels=1 strides=8 classes=2 task=segment extra=32",
         "f32 3x64x2x5; f32 3x2x2x5; f32 3x32x2x5; f32 3x31x4x10", "!shape prototypes"});
}

static void inputs_are_checked_before_any_rule(void **state) {
    CHECK_ALL({"Relu", "f32 2x-1", "!shape shape of input 0 is not known"},
              {"Relu", "f32 4294967296", "!limit dimension 0 of input 0"}, {"Add", "f32 2", "!graph 1 inputs"},
              {"Add", "f32 2; -", "!graph input 1 is absent"}, {"Relu outputs=2", "f32 2", "!graph 1 inputs and 2 outputs"});
}

/* What a rule is asked for must not depend on whether somebody listens. */
static void a_failure_needs_no_error_to_write_to(void **state) {
    (void)state;
    test_case c = {"Add", "~f32 2; f32 3", "!"};
    made m;
    make(&m, &c);
    assert_int_equal(yk__infer_node(m.node, m.in, m.out, NULL), YK__UNSUPPORTED);
    yk__graph_free(&m.graph);
}

static void every_operator_has_a_rule(void **state) {
    (void)state;
    for (int i = YK__OP_NONE + 1; i < YK__OP_COUNT; i++) {
        yk__inferred in[MOST] = {0}, out[MOST] = {0};
        int32_t none[MOST] = {0};
        const yk__op_info *info = yk__op_info_get((yk__op)i);
        yk__node node = {.op = (yk__op)i, .name = "n", .n_in = info->min_in, .n_out = info->min_out, .in = none, .out = none};
        for (int k = 0; k < MOST; k++) in[k].dtype = YK__DTYPE_F32;
        assert_int_not_equal(yk__infer_node(&node, in, out, NULL), YK__INTERNAL);
    }
    yk__node none = {.name = "n"};
    assert_int_equal(yk__infer_node(&none, NULL, NULL, NULL), YK__INTERNAL);
}

/* ---- hostile nodes: random types, shapes, values and attributes must end in a bounded shape or an error ---- */

static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static int64_t odd_number(uint64_t *seed) {
    static const int64_t odd[] = {0,          -1,         1,         2,         3,     -2,     INT64_MAX,  INT64_MIN, INT32_MAX,
                                  2147483648, 4294967296, 1ll << 62, 1ll << 53, 32768, -32768, 1000000007, 7,         16};
    uint64_t r = next_random(seed);
    return r % 3 ? (int64_t)(r / 3 % 9) - 2 : odd[r / 3 % (sizeof odd / sizeof *odd)];
}

static void random_attributes(yk__graph *g, yk__node *node, uint64_t *seed) {
    static const char *const words[] = {"NOTSET",  "SAME_UPPER", "VALID", "silu", "f32",     "reflect",   "not_larger",
                                        "segment", "pose",       "v8",    "bgr",  "ij,j->i", "...i,i...", ""};
    char name[64];
    for (const char *at = yk__op_info_get(node->op)->attributes; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
        size_t n = strcspn(at, ":");
        if (next_random(seed) % 3 == 0 || n >= sizeof name) continue;
        memcpy(name, at, n);
        name[n] = 0;
        int64_t ints[10];
        double floats[10];
        for (int i = 0; i < 10; i++) floats[i] = (double)(ints[i] = odd_number(seed));
        int count = (int)(next_random(seed) % 10);
        switch (at[n + 1]) {
        case 'i': yk__node_set_int(g, node, name, ints[0]); break;
        case 'f': yk__node_set_float(g, node, name, floats[0]); break;
        case 's': yk__node_set_string(g, node, name, words[next_random(seed) % (sizeof words / sizeof *words)]); break;
        case 'I': yk__node_set_ints(g, node, name, ints, count); break;
        default: yk__node_set_floats(g, node, name, floats, count); break;
        }
    }
}

static yk__inferred random_value(yk__graph *g, uint64_t *seed) {
    yk__inferred v = {.dtype = (yk__dtype)(next_random(seed) % YK__DTYPE_COUNT), .dynamic = next_random(seed) % 4 == 0};
    if (next_random(seed) % 2) v.dtype = next_random(seed) % 2 ? YK__DTYPE_F32 : YK__DTYPE_I64;
    v.shape.rank = (int)(next_random(seed) % 6);
    for (int i = 0; i < v.shape.rank; i++)
        v.shape.dim[i] = next_random(seed) % 8 ? (int64_t)(next_random(seed) % 9) : odd_number(seed);
    int64_t count;
    if (v.dynamic || !yk__shape_count(&v.shape, &count) || count > 64 || next_random(seed) % 3 == 0) return v;
    int64_t *data = yk__arena_array(&g->arena, 64, 8);
    for (int64_t i = 0; i < count; i++) data[i] = odd_number(seed); /* read as floats, the bits are as odd */
    v.data = data;
    return v;
}

static void hostile_nodes_end_bounded(void **state) {
    (void)state;
    uint64_t seed = 1;
    int passed = 0;
    for (int round = 0; round < 60000; round++) {
        yk__graph g;
        yk__inferred in[MOST] = {0}, out[MOST] = {0};
        int32_t indices[MOST] = {0};
        yk__error err = {0};
        yk__op op = (yk__op)(1 + next_random(&seed) % (YK__OP_COUNT - 1));
        const yk__op_info *info = yk__op_info_get(op);
        int most_in = info->max_in < 0 ? 7 : info->max_in, most_out = info->max_out < 0 ? 4 : info->max_out;
        int n_in = info->min_in + (int)(next_random(&seed) % (uint64_t)(most_in - info->min_in + 1));
        int n_out = info->min_out + (int)(next_random(&seed) % (uint64_t)(most_out - info->min_out + 1));
        yk__graph_init(&g, 0);
        assert_int_equal(yk__graph_add_node(&g, op, "n", indices, n_in, indices, n_out), 0);
        random_attributes(&g, g.nodes, &seed);
        for (int i = 0; i < n_in; i++) in[i] = i && next_random(&seed) % 3 == 0 ? in[0] : random_value(&g, &seed);
        yk__code code = yk__infer_node(g.nodes, in, out, &err);
        assert_int_equal(err.code, code);
        if (code) assert_true(code == YK__GRAPH || code == YK__SHAPE || code == YK__LIMIT || code == YK__UNSUPPORTED);
        for (int k = 0; !code && k < n_out; k++) {
            int64_t count;
            assert_true(out[k].dtype != YK__DTYPE_NONE && yk__shape_count(&out[k].shape, &count) && count <= YK__MAX_ELEMENTS);
        }
        passed += !code;
        yk__graph_free(&g);
    }
    assert_true(passed > 3000); /* else the cases are so odd that no rule is reached */
}

/* ---- whole graphs ---- */

/* An evaluator of the few operators of shape arithmetic; counts its calls. */
static int evaluated;
static yk__code evaluate(const yk__node *node, const yk__tensor *in, yk__tensor *out, yk__arena *scratch, yk__error *err) {
    int64_t *to = out[0].data, count = 0;
    evaluated++;
    if (!yk__arena_alloc(scratch, 100)) return yk__arena_error(scratch, "scratch", err);
    switch (node->op) {
    case YK__OP_GATHER: to[0] = ((const int64_t *)in[0].data)[*(const int64_t *)in[1].data]; return YK__OK;
    case YK__OP_MUL: to[0] = *(const int64_t *)in[0].data * *(const int64_t *)in[1].data; return YK__OK;
    case YK__OP_UNSQUEEZE: to[0] = *(const int64_t *)in[0].data; return YK__OK;
    case YK__OP_CONCAT:
        for (int i = 0; i < node->n_in; i++) to[i] = *(const int64_t *)in[i].data;
        return YK__OK;
    case YK__OP_NON_ZERO:
        yk__shape_count(&in[0].shape, &count);
        out[0].shape.dim[1] = 0;
        for (int64_t i = 0; i < count; i++)
            if (((const int64_t *)in[0].data)[i]) to[out[0].shape.dim[1]++] = i;
        return YK__OK;
    case YK__OP_DIV: return yk__fail(err, YK__GRAPH, "division by zero");
    default: return yk__fail(err, YK__UNSUPPORTED, "no kernel");
    }
}

static int32_t put_value(yk__graph *g, const char *name) {
    return yk__graph_add_value(g, name, YK__DTYPE_F32, NULL, NULL);
}

static int32_t put_ints(yk__graph *g, int rank, int64_t a, int64_t b) {
    yk__shape shape = yk__shape_make(rank, (int64_t[]){2});
    return yk__graph_add_constant(g, "k", YK__DTYPE_I64, &shape, (int64_t[]){a, b});
}

/* The value a new node makes. */
static int32_t put(yk__graph *g, yk__op op, const char *name, int32_t a, int32_t b, int32_t c) {
    int32_t in[] = {a, b, c}, out = put_value(g, name);
    assert_true(yk__graph_add_node(g, op, name, in, c >= 0 ? 3 : b >= 0 ? 2 : 1, &out, 1) >= 0);
    return out;
}

static void end(yk__graph *g, int32_t input, int32_t output) {
    g->inputs = yk__arena_copy(&g->arena, &input, sizeof input);
    g->outputs = yk__arena_copy(&g->arena, &output, sizeof output);
    g->n_inputs = g->n_outputs = 1;
    yk__error err = {0};
    if (yk__graph_verify(g, &err)) fail_msg("%s", err.message);
}

/* x N x C x H x W -> Reshape to (N, C * H): sizes computed in the graph, as dynamic exports do. */
static int32_t make_size_arithmetic(yk__graph *g) {
    yk__graph_init(g, 0);
    yk__shape declared = yk__shape_make(4, (int64_t[]){1, 3, -1, -1});
    int32_t x = yk__graph_add_value(g, "x", YK__DTYPE_F32, &declared, NULL);
    int32_t shape = put(g, YK__OP_SHAPE, "shape", x, -1, -1);
    int32_t n = put(g, YK__OP_GATHER, "n", shape, put_ints(g, 0, 0, 0), -1),
            c = put(g, YK__OP_GATHER, "c", shape, put_ints(g, 0, 1, 0), -1);
    int32_t h = put(g, YK__OP_GATHER, "h", shape, put_ints(g, 0, 2, 0), -1), ch = put(g, YK__OP_MUL, "ch", c, h, -1);
    yk__shape one = yk__shape_make(1, (int64_t[]){1});
    int32_t zero = yk__graph_add_constant(g, "zero", YK__DTYPE_I64, &one, (int64_t[]){0});
    int32_t first = put(g, YK__OP_UNSQUEEZE, "n1", n, zero, -1), second = put(g, YK__OP_UNSQUEEZE, "ch1", ch, zero, -1);
    int32_t last = yk__graph_add_constant(g, "last", YK__DTYPE_I64, &one, (int64_t[]){-1});
    int32_t target = put(g, YK__OP_CONCAT, "target", first, second, last);
    assert_true(yk__node_set_int(g, &g->nodes[g->n_nodes - 1], "axis", 0));
    int32_t y = put(g, YK__OP_RESHAPE, "y", x, target, -1);
    end(g, x, y);
    return y;
}

static void sizes_computed_in_the_graph_are_followed(void **state) {
    (void)state;
    yk__graph g;
    yk__arena arena;
    yk__error err = {0};
    yk__inferred out[32];
    char text[128];
    int32_t y = make_size_arithmetic(&g);
    for (int64_t size = 32; size <= 96; size += 64) {
        yk__shape input = yk__shape_make(4, (int64_t[]){2, 3, size, size / 2});
        yk__arena_init(&arena, 0);
        assert_int_equal(yk__infer_graph(&g, &input, evaluate, 16, &arena, out, &err), YK__OK);
        assert_string_equal(yk__shape_text(&out[y].shape, text), size == 32 ? "2x96x16" : "2x288x48");
        assert_null(out[y].data); /* the picture is not known, only its shape */
        assert_false(out[y].dynamic);
        yk__arena_free(&arena);
    }
    yk__graph_free(&g);
}

static void without_an_evaluator_only_constants_and_shapes_are_known(void **state) {
    (void)state;
    yk__graph g;
    yk__arena arena;
    yk__error err = {0};
    yk__inferred out[32];
    yk__shape input = yk__shape_make(4, (int64_t[]){2, 3, 4, 5});
    make_size_arithmetic(&g);
    yk__arena_init(&arena, 0);
    assert_int_equal(yk__infer_graph(&g, &input, NULL, 16, &arena, out, &err), YK__SHAPE);
    assert_non_null(
        strstr(err.message, "node y (Reshape): the output's shape depends on values of input 1 not known before the run"));
    assert_memory_equal(out[1].data, ((int64_t[]){2, 3, 4, 5}), 32);
    evaluated = 0; /* nothing of more elements than asked for is computed */
    assert_int_equal(yk__infer_graph(&g, &input, evaluate, 0, &arena, out, &err), YK__SHAPE);
    assert_int_equal(evaluated, 0);
    yk__arena_free(&arena);
    yk__graph_free(&g);
}

static void inputs_of_a_graph_are_checked(void **state) {
    (void)state;
    yk__graph g;
    yk__arena arena;
    yk__error err = {0};
    yk__inferred out[32];
    yk__shape flat = yk__shape_make(1, (int64_t[]){2}), open = yk__shape_make(4, (int64_t[]){1, 3, -1, 4});
    yk__shape huge = yk__shape_make(4, (int64_t[]){1, 3, 65536, 65536});
    make_size_arithmetic(&g);
    yk__arena_init(&arena, 0);
    assert_int_equal(yk__infer_graph(&g, &flat, evaluate, 16, &arena, out, &err), YK__SHAPE);
    assert_non_null(strstr(err.message, "given 2 and declared 1x3x?x?"));
    assert_int_equal(yk__infer_graph(&g, &open, evaluate, 16, &arena, out, &err), YK__LIMIT);
    assert_int_equal(yk__infer_graph(&g, &huge, evaluate, 16, &arena, out, &err), YK__LIMIT);
    yk__arena_free(&arena);
    yk__graph_free(&g);
}

/* One node on the network's input or on a constant; infers the graph and hands back the outcome of the last value. */
static yk__code infer_small(yk__graph *g, int32_t last, int64_t max_known, yk__inferred *result, yk__error *err) {
    yk__arena arena;
    static yk__inferred out[64];
    yk__shape input = yk__shape_make(1, (int64_t[]){6});
    yk__arena_init(&arena, 0);
    yk__code code = yk__infer_graph(g, &input, evaluate, max_known, &arena, out, err);
    *result = out[last];
    result->data = NULL;
    yk__arena_free(&arena);
    yk__graph_free(g);
    return code;
}

static int32_t start(yk__graph *g) {
    yk__graph_init(g, 0);
    yk__shape declared = yk__shape_make(1, (int64_t[]){6});
    return yk__graph_add_value(g, "x", YK__DTYPE_F32, &declared, NULL);
}

static void data_dependent_sizes_are_bounds_until_they_are_known(void **state) {
    (void)state;
    yk__graph g;
    yk__inferred result;
    int32_t x = start(&g), found = put(&g, YK__OP_NON_ZERO, "found", x, -1, -1);
    end(&g, x, found);
    assert_int_equal(infer_small(&g, found, 16, &result, NULL), YK__OK);
    assert_true(result.dynamic && result.shape.dim[0] == 1 && result.shape.dim[1] == 6);
    x = start(&g); /* Shape of it is not known either, so nothing may be built on that */
    found = put(&g, YK__OP_NON_ZERO, "found", x, -1, -1);
    int32_t size = put(&g, YK__OP_SHAPE, "size", found, -1, -1),
            filled = put(&g, YK__OP_CONSTANT_OF_SHAPE, "made", size, -1, -1);
    end(&g, x, filled);
    assert_int_equal(infer_small(&g, filled, 16, &result, NULL), YK__SHAPE);
    x = start(&g); /* of a constant, the evaluator knows */
    found = put(&g, YK__OP_NON_ZERO, "found", put_ints(&g, 1, 0, 5), -1, -1);
    size = put(&g, YK__OP_SHAPE, "size", found, -1, -1);
    filled = put(&g, YK__OP_CONSTANT_OF_SHAPE, "made", size, -1, -1);
    end(&g, x, filled);
    assert_int_equal(infer_small(&g, filled, 16, &result, NULL), YK__OK);
    assert_true(!result.dynamic && result.shape.dim[0] == 1 && result.shape.dim[1] == 1);
}

static void what_the_evaluator_lacks_stays_unknown_and_its_failures_count(void **state) {
    (void)state;
    yk__graph g;
    yk__inferred result;
    yk__error err = {0};
    int32_t x = start(&g), sum = put(&g, YK__OP_ADD, "sum", put_ints(&g, 1, 1, 2), put_ints(&g, 1, 1, 2), -1);
    end(&g, x, sum);
    assert_int_equal(infer_small(&g, sum, 16, &result, &err), YK__OK);
    assert_int_equal(err.code, YK__OK); /* no trace of the kernel that is not there */
    x = start(&g);
    int32_t quotient = put(&g, YK__OP_DIV, "quotient", put_ints(&g, 1, 1, 2), put_ints(&g, 1, 0, 0), -1);
    end(&g, x, quotient);
    assert_int_equal(infer_small(&g, quotient, 16, &result, &err), YK__GRAPH);
    assert_non_null(strstr(err.message, "division by zero"));
}

static void a_budget_stops_folding(void **state) {
    (void)state;
    yk__graph g;
    yk__arena arena;
    yk__error err = {0};
    yk__inferred out[16];
    int32_t x = start(&g), big = put(&g, YK__OP_EXPAND, "big", put_ints(&g, 0, 7, 0), put_ints(&g, 1, 40000, 40000), -1);
    end(&g, x, big);
    yk__shape input = yk__shape_make(1, (int64_t[]){6});
    yk__arena_init(&arena, 1 << 20);
    assert_int_equal(yk__infer_graph(&g, &input, evaluate, INT64_MAX, &arena, out, &err), YK__LIMIT);
    yk__arena_free(&arena);
    yk__graph_free(&g);
}

static void every_failing_allocation_is_survived(void **state) {
    (void)state;
    yk__graph g;
    yk__code code;
    uint64_t at = 0;
    make_size_arithmetic(&g);
    do {
        yk__arena arena;
        yk__inferred out[32];
        yk__shape input = yk__shape_make(4, (int64_t[]){2, 3, 4, 5});
        yk__arena_init(&arena, 0);
        yk__alloc_fail_after(++at);
        code = yk__infer_graph(&g, &input, evaluate, 16, &arena, out, NULL);
        yk__alloc_fail_after(0);
        if (code) assert_int_equal(code, YK__MEMORY);
        yk__arena_free(&arena);
    } while (code && at < 1000);
    assert_int_equal(code, YK__OK);
    assert_true(at > 4); /* node arrays, the arena, scratch */
    yk__graph_free(&g);
}

/* ---- windows: the padding that inference settled on ---- */

static void windows_share_padding_as_onnx_says(void **state) {
    (void)state;
    test_case cases[] = {{"Conv auto_pad=SAME_UPPER strides=2,2", "f32 1x1x8x9; f32 1x1x3x3", ""},
                         {"Conv auto_pad=SAME_LOWER strides=2,2", "f32 1x1x8x9; f32 1x1x3x3", ""},
                         {"ConvTranspose strides=2,2 output_shape=6,5", "f32 1x1x3x3; f32 1x1x3x3", ""},
                         {"ConvTranspose strides=2,2 output_shape=6,5 auto_pad=SAME_UPPER", "f32 1x1x3x3; f32 1x1x3x3", ""},
                         {"MaxPool kernel_shape=3,3 pads=1,0,1,2", "f32 1x1x8x9", ""}};
    const int64_t expected[][4] = {{0, 1, 1, 1}, {1, 1, 0, 1}, {1, 1, 0, 1}, {0, 1, 1, 1}, {1, 0, 1, 2}}; /* begins, ends */
    for (int i = 0; i < 5; i++) {
        made m;
        yk__window w;
        make(&m, &cases[i]);
        assert_int_equal(yk__window_make(m.node, &m.in[0].shape, i < 4 ? &m.in[1].shape : NULL, &w, NULL), YK__OK);
        assert_int_equal(w.n, 2);
        assert_memory_equal(w.pad_begin, expected[i], 16);
        assert_memory_equal(w.pad_end, expected[i] + 2, 16);
        yk__graph_free(&m.graph);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elementwise),
        cmocka_unit_test(reductions),
        cmocka_unit_test(convolution),
        cmocka_unit_test(transposed_convolution),
        cmocka_unit_test(pooling),
        cmocka_unit_test(normalisation),
        cmocka_unit_test(resizing),
        cmocka_unit_test(matrices),
        cmocka_unit_test(einsum),
        cmocka_unit_test(joining_and_cutting),
        cmocka_unit_test(slicing),
        cmocka_unit_test(reshaping),
        cmocka_unit_test(ranks),
        cmocka_unit_test(padding),
        cmocka_unit_test(indexing),
        cmocka_unit_test(suppression),
        cmocka_unit_test(numbers),
        cmocka_unit_test(ours),
        cmocka_unit_test(heads),
        cmocka_unit_test(inputs_are_checked_before_any_rule),
        cmocka_unit_test(a_failure_needs_no_error_to_write_to),
        cmocka_unit_test(every_operator_has_a_rule),
        cmocka_unit_test(hostile_nodes_end_bounded),
        cmocka_unit_test(sizes_computed_in_the_graph_are_followed),
        cmocka_unit_test(without_an_evaluator_only_constants_and_shapes_are_known),
        cmocka_unit_test(inputs_of_a_graph_are_checked),
        cmocka_unit_test(data_dependent_sizes_are_bounds_until_they_are_known),
        cmocka_unit_test(what_the_evaluator_lacks_stays_unknown_and_its_failures_count),
        cmocka_unit_test(a_budget_stops_folding),
        cmocka_unit_test(every_failing_allocation_is_survived),
        cmocka_unit_test(windows_share_padding_as_onnx_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
