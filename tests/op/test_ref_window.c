/* Convolution, pooling and resizing of the ref backend: small cases by hand, larger ones against direct sums in double. */
#include "op_case.h"

#include <math.h>

static void conv_by_hand(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_CONV); /* 3x3 of ones over a 3x3 ramp with a border of zeros: sums of neighbours */
    OP_INTS(&c, "pads", 1, 1, 1, 1);
    OP_F32(&c, "1x1x3x3", 1, 2, 3, 4, 5, 6, 7, 8, 9);
    OP_F32(&c, "1x1x3x3", 1, 1, 1, 1, 1, 1, 1, 1, 1);
    OP_F32(&c, "1", 100);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "1x1x3x3", 0, 112, 121, 116, 127, 145, 133, 124, 139, 128);
    op_end(&c);

    op_begin(&c, YK__OP_CONV); /* one dimension, stride 2, padding in front only, activation, then the residual */
    OP_INTS(&c, "pads", 1, 0);
    OP_INTS(&c, "strides", 2);
    op_text(&c, "act", "relu");
    OP_F32(&c, "1x1x4", 1, 2, 3, 4);
    OP_F32(&c, "1x1x2", 1, -10);
    op_absent(&c);
    OP_F32(&c, "1x1x2", 7, 8);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "1x1x2", 0, 7, 8);
    op_end(&c);

    op_begin(&c, YK__OP_CONV); /* the odd padding of SAME_LOWER goes to the beginning */
    op_text(&c, "auto_pad", "SAME_LOWER");
    OP_F32(&c, "1x1x3", 1, 2, 3);
    OP_F32(&c, "1x1x2", 1, 10);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "1x1x3", 0, 10, 21, 32);
    op_end(&c);
}

static void conv_activations(void **state) {
    (void)state;
    static const struct {
        const char *act;
        float want;
    } cases[] = {{"none", -2},          {"silu", -0.23840584f},   {"relu", 0},
                 {"leaky_relu", -0.5f}, {"sigmoid", 0.11920292f}, {"hardswish", -0.33333334f}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        op_case c;
        op_begin(&c, YK__OP_CONV);
        op_text(&c, "act", cases[i].act);
        op_float(&c, "act_alpha", 0.25);
        OP_F32(&c, "1x1x1x1", 2);
        OP_F32(&c, "1x1x1x1", -1);
        op_run(&c, 1);
        EXPECT_F32(&c, 0, "1x1x1x1", 1e-7, cases[i].want); /* two roundings of numbers below 1 */
        op_end(&c);
    }
}

typedef struct conv_shape {
    const char *x, *w;
    int n, c, h, wide, m, group, kh, kw, stride, dilation, pads[4];
} conv_shape;

/* The sum that defines a convolution, in double. */
static double conv_sum(const conv_shape *s, const float *x, const float *w, int image, int out, int oy, int ox) {
    const int per_group = s->c / s->group, group = out / (s->m / s->group);
    double sum = 0;
    for (int i = 0; i < per_group; i++)
        for (int ky = 0; ky < s->kh; ky++)
            for (int kx = 0; kx < s->kw; kx++) {
                const int y = oy * s->stride - s->pads[0] + ky * s->dilation,
                          v = ox * s->stride - s->pads[1] + kx * s->dilation;
                if (y < 0 || y >= s->h || v < 0 || v >= s->wide) continue;
                sum += (double)x[((image * s->c + group * per_group + i) * s->h + y) * s->wide + v] *
                       (double)w[((out * per_group + i) * s->kh + ky) * s->kw + kx];
            }
    return sum;
}

static void conv_against_sums(void **state) {
    (void)state;
    static const conv_shape shapes[] = {
        {"2x5x13x17", "7x5x3x3", 2, 5, 13, 17, 7, 1, 3, 3, 1, 1, {1, 1, 1, 1}},
        {"1x6x9x31", "6x1x5x3", 1, 6, 9, 31, 6, 6, 5, 3, 1, 1, {2, 1, 2, 1}},        /* depthwise */
        {"1x8x11x12", "6x4x3x3", 1, 8, 11, 12, 6, 2, 3, 3, 2, 1, {0, 1, 2, 0}},      /* groups, uneven padding */
        {"1x3x20x15", "4x3x3x2", 1, 3, 20, 15, 4, 1, 3, 2, 1, 3, {3, 2, 3, 2}},      /* dilation */
        {"1x70x4x40", "130x70x1x1", 1, 70, 4, 40, 130, 1, 1, 1, 1, 1, {0, 0, 0, 0}}, /* pointwise, over block sizes */
        {"1x2x3x3", "3x2x3x3", 1, 2, 3, 3, 3, 1, 3, 3, 2, 1, {4, 4, 4, 4}},          /* windows wholly outside */
    };
    enum { MOST = 16384 };
    static float in[MOST], w[MOST];
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const conv_shape *s = &shapes[i];
        uint32_t seed = (uint32_t)i + 1;
        const int n_x = s->n * s->c * s->h * s->wide, n_w = s->m * (s->c / s->group) * s->kh * s->kw;
        assert_true(n_x <= MOST && n_w <= MOST);
        for (int k = 0; k < n_x; k++) in[k] = op_random(&seed);
        for (int k = 0; k < n_w; k++) w[k] = op_random(&seed);
        op_case c;
        op_begin(&c, YK__OP_CONV);
        op_int(&c, "group", s->group);
        OP_INTS(&c, "strides", s->stride, s->stride);
        OP_INTS(&c, "dilations", s->dilation, s->dilation);
        OP_INTS(&c, "pads", s->pads[0], s->pads[1], s->pads[2], s->pads[3]);
        op_input(&c, YK__DTYPE_F32, s->x, in);
        op_input(&c, YK__DTYPE_F32, s->w, w);
        op_run(&c, 1);
        const int oh = (int)c.out[0].shape.dim[2], ow = (int)c.out[0].shape.dim[3];
        for (int k = 0; k < s->n * s->m * oh * ow; k++) {
            const double want = conv_sum(s, in, w, k / (s->m * oh * ow), k / (oh * ow) % s->m, k / ow % oh, k % ow);
            /* sums of at most 70 products below 1 stay below 30: 70 roundings of 2^-20 at worst */
            if (fabs((double)((float *)c.out[0].data)[k] - want) > 7e-5) fail_msg("shape %d, element %d", (int)i, k);
        }
        op_end(&c);
    }
}

static void conv_transpose(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_CONV_TRANSPOSE); /* 2x2, stride 2: each pixel becomes a block */
    OP_INTS(&c, "strides", 2, 2);
    OP_F32(&c, "1x1x1x2", 1, 2);
    OP_F32(&c, "1x1x2x2", 1, 10, 100, 1000);
    OP_F32(&c, "1", 0.5f);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "1x1x2x4", 0, 1.5f, 10.5f, 2.5f, 20.5f, 100.5f, 1000.5f, 200.5f, 2000.5f);
    op_end(&c);

    op_begin(&c, YK__OP_CONV_TRANSPOSE); /* overlapping windows add up; padding cuts; output_padding adds a column */
    OP_INTS(&c, "strides", 2);
    OP_INTS(&c, "pads", 1, 0);
    OP_INTS(&c, "output_padding", 1);
    OP_F32(&c, "1x1x2", 1, 10);
    OP_F32(&c, "1x1x3", 1, 2, 3);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "1x1x5", 0, 2, 13, 20, 30, 0);
    op_end(&c);
}

static void pooling(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_MAX_POOL); /* padding never wins, NaN does */
    OP_INTS(&c, "kernel_shape", 2, 2);
    OP_INTS(&c, "pads", 1, 1, 0, 0);
    OP_F32(&c, "1x1x2x3", -1, -2, -3, -4, NAN, -6);
    op_run(&c, 2);
    EXPECT_F32(&c, 0, "1x1x2x3", 0, -1, -1, -2, -1, NAN, NAN);
    EXPECT_I64(&c, 1, "1x1x2x3", 0, 0, 1, 0, 4, 4);
    op_end(&c);

    op_begin(&c, YK__OP_MAX_POOL); /* ceil_mode: the last window hangs over the end */
    OP_INTS(&c, "kernel_shape", 2);
    OP_INTS(&c, "strides", 2);
    op_int(&c, "ceil_mode", 1);
    OP_F32(&c, "1x1x3", 1, 2, 3);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "1x1x2", 0, 2, 3);
    op_end(&c);

    for (int include = 0; include < 2; include++) {
        op_begin(&c, YK__OP_AVERAGE_POOL);
        OP_INTS(&c, "kernel_shape", 2);
        OP_INTS(&c, "pads", 1, 0);
        op_int(&c, "count_include_pad", include);
        OP_F32(&c, "1x1x2", 4, 8);
        op_run(&c, 1);
        EXPECT_F32(&c, 0, "1x1x2", 0, include ? 2 : 4, 6);
        op_end(&c);
    }
    op_begin(&c, YK__OP_GLOBAL_AVERAGE_POOL);
    OP_F32(&c, "1x2x1x2", 1, 2, 3, 5);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "1x2x1x1", 0, 1.5f, 4);
    op_end(&c);
}

static void resizing(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_RESIZE); /* what exports use: nearest, twice as large */
    op_text(&c, "coordinate_transformation_mode", "asymmetric");
    op_text(&c, "nearest_mode", "floor");
    OP_F32(&c, "1x1x1x2", 1, 2);
    op_absent(&c);
    OP_F32(&c, "4", 1, 1, 2, 2);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "1x1x2x4", 0, 1, 1, 2, 2, 1, 1, 2, 2);
    op_end(&c);

    op_begin(&c, YK__OP_RESIZE); /* linear from the corners' middle: edges repeat */
    op_text(&c, "mode", "linear");
    OP_F32(&c, "2", 0, 4);
    op_absent(&c);
    op_absent(&c);
    OP_I64(&c, "1", 4);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "4", 0, 0, 1, 3, 4);
    op_end(&c);

    op_begin(&c, YK__OP_RESIZE); /* integers round half to even */
    op_text(&c, "mode", "linear");
    op_text(&c, "coordinate_transformation_mode", "align_corners");
    OP_U8(&c, "2", 0, 5);
    op_absent(&c);
    op_absent(&c);
    OP_I64(&c, "1", 3);
    op_run(&c, 1);
    EXPECT_U8(&c, 0, "3", 0, 2, 5);
    op_end(&c);

    op_begin(&c, YK__OP_RESIZE); /* halving with antialias: weights 1/8 3/8 3/8 1/8, edges repeat */
    op_text(&c, "mode", "linear");
    op_int(&c, "antialias", 1);
    OP_F32(&c, "4", 0, 8, 16, 24);
    op_absent(&c);
    op_absent(&c);
    OP_I64(&c, "1", 2);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "2", 0, 5, 19);
    op_end(&c);

    op_begin(&c, YK__OP_RESIZE); /* a crop beyond the picture takes the extrapolation value */
    op_text(&c, "mode", "linear");
    op_text(&c, "coordinate_transformation_mode", "tf_crop_and_resize");
    op_float(&c, "extrapolation_value", -7);
    OP_F32(&c, "3", 0, 2, 4);
    OP_F32(&c, "2", 0.5f, 1.5f);
    op_absent(&c);
    OP_I64(&c, "1", 3);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "3", 0, 2, 4, -7);
    op_end(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv_by_hand),   cmocka_unit_test(conv_activations), cmocka_unit_test(conv_against_sums),
        cmocka_unit_test(conv_transpose), cmocka_unit_test(pooling),          cmocka_unit_test(resizing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
