/* Arithmetic of the ref backend: elementwise operators, comparisons, reductions, products, softmax, choosing. Expected values
 * are computed by hand (or are exact by definition); bounds allow for one or two roundings of f32 (1.2e-7 relative). */
#include "op_case.h"

#include <math.h>

#define ONE_ROUNDING 1.2e-7

static void unary_formulas(void **state) {
    (void)state;
    static const struct {
        yk__op op;
        float in, out;
    } cases[] = {
        {YK__OP_SIGMOID, 0, 0.5f},
        {YK__OP_SIGMOID, -200, 0},
        {YK__OP_SIGMOID, 200, 1},
        {YK__OP_SILU, 0, 0},
        {YK__OP_SILU, 1, 0.7310586f},
        {YK__OP_RELU, -2, 0},
        {YK__OP_RELU, 3, 3},
        {YK__OP_LEAKY_RELU, -2, -0.02f},
        {YK__OP_HARD_SIGMOID, 1, 0.7f},
        {YK__OP_HARD_SWISH, 3, 3},
        {YK__OP_HARD_SWISH, -3, 0},
        {YK__OP_HARD_SWISH, 1, 0.6666667f},
        {YK__OP_ROUND, 2.5f, 2},
        {YK__OP_ROUND, -1.5f, -2},
        {YK__OP_ROUND, 3.5f, 4},
        {YK__OP_FLOOR, -0.5f, -1},
        {YK__OP_CEIL, -0.5f, -0.0f},
        {YK__OP_SIGN, -7, -1},
        {YK__OP_SIGN, 0, 0},
        {YK__OP_ABS, -4, 4},
        {YK__OP_NEG, 4, -4},
        {YK__OP_RECIPROCAL, 4, 0.25f},
        {YK__OP_SQRT, 9, 3},
        {YK__OP_EXP, 0, 1},
        {YK__OP_LOG, 1, 0},
        {YK__OP_ERF, 0, 0},
        {YK__OP_TANH, 0, 0},
        {YK__OP_SOFTPLUS, 0, 0.6931472f},
        {YK__OP_SOFTPLUS, 200, 200},
        {YK__OP_SOFTSIGN, -1, -0.5f},
        {YK__OP_ELU, -1, -0.6321206f},
        {YK__OP_GELU, 1, 0.8413447f},
        {YK__OP_MISH, 1, 0.8650984f},
        {YK__OP_THRESHOLDED_RELU, 1, 0},
        {YK__OP_THRESHOLDED_RELU, 2, 2},
        {YK__OP_SELU, 1, 1.0507010f},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        op_case c;
        op_begin(&c, cases[i].op);
        OP_F32(&c, "1", cases[i].in);
        op_run(&c, 1);
        EXPECT_F32(&c, 0, "1", 2 * ONE_ROUNDING * fmax(1, fabs((double)cases[i].out)), cases[i].out);
        op_end(&c);
    }
}

static void unary_nan_and_integers(void **state) {
    (void)state;
    static const yk__op nan_stays[] = {YK__OP_RELU, YK__OP_SIGMOID, YK__OP_SILU, YK__OP_LEAKY_RELU,
                                       YK__OP_SIGN, YK__OP_ABS,     YK__OP_CLIP};
    op_case c;
    for (size_t i = 0; i < sizeof nan_stays / sizeof nan_stays[0]; i++) {
        op_begin(&c, nan_stays[i]);
        OP_F32(&c, "1", NAN);
        op_run(&c, 1);
        EXPECT_F32(&c, 0, "1", 0, NAN);
        op_end(&c);
    }
    op_begin(&c, YK__OP_NEG); /* wraps */
    OP_I32(&c, "2", INT32_MIN, 5);
    op_run(&c, 1);
    EXPECT_I32(&c, 0, "2", INT32_MIN, -5);
    op_end(&c);

    op_begin(&c, YK__OP_IS_INF);
    op_int(&c, "detect_negative", 0);
    OP_F32(&c, "3", INFINITY, -INFINITY, NAN);
    op_run(&c, 1);
    EXPECT_BOOL(&c, 0, "3", 1, 0, 0);
    op_end(&c);

    op_begin(&c, YK__OP_IS_NAN);
    OP_F32(&c, "2", NAN, 1);
    op_run(&c, 1);
    EXPECT_BOOL(&c, 0, "2", 1, 0);
    op_end(&c);
}

static void half_is_rounded_once(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_ADD); /* 1 + 2^-11 lies halfway between two halves: to even */
    op_input(&c, YK__DTYPE_F16, "2", (const uint16_t[]){0x3c00, 0x3c01});
    op_input(&c, YK__DTYPE_F16, "1", (const uint16_t[]){0x1000});
    op_run(&c, 1);
    op_expect(&c, 0, YK__DTYPE_F16, "2", (const uint16_t[]){0x3c00, 0x3c02});
    op_end(&c);
}

static void broadcasting(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_MUL); /* both operands repeat, in different dimensions */
    OP_F32(&c, "2x1x3", 1, 2, 3, 4, 5, 6);
    OP_F32(&c, "2x1", 10, 100);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "2x2x3", 0, 10, 20, 30, 100, 200, 300, 40, 50, 60, 400, 500, 600);
    op_end(&c);

    op_begin(&c, YK__OP_ADD); /* with an empty tensor nothing comes out */
    OP_F32(&c, "0x3", 0);
    OP_F32(&c, "1x3", 1, 2, 3);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "0x3", 0, 0);
    op_end(&c);

    op_begin(&c, YK__OP_WHERE);
    OP_BOOL(&c, "2x1", 1, 0);
    OP_I64(&c, "3", 1, 2, 3);
    OP_I64(&c, "", 9);
    op_run(&c, 1);
    EXPECT_I64(&c, 0, "2x3", 1, 2, 3, 9, 9, 9);
    op_end(&c);
}

static void integer_arithmetic(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_DIV); /* truncates; no trap for a divisor of 0 nor for the smallest integer by -1 */
    OP_I64(&c, "5", 7, -7, 7, 5, INT64_MIN);
    OP_I64(&c, "5", 2, 2, -2, 0, -1);
    op_run(&c, 1);
    EXPECT_I64(&c, 0, "5", 3, -3, -3, 0, INT64_MIN);
    op_end(&c);

    for (int fmod = 0; fmod < 2; fmod++) {
        op_begin(&c, YK__OP_MOD);
        op_int(&c, "fmod", fmod);
        OP_I32(&c, "5", -7, 7, 7, -8, 3);
        OP_I32(&c, "5", 3, -3, 3, 4, 0);
        op_run(&c, 1);
        if (fmod)
            EXPECT_I32(&c, 0, "5", -1, 1, 1, 0, 0);
        else
            EXPECT_I32(&c, 0, "5", 2, -2, 1, 0, 0);
        op_end(&c);
    }
    op_begin(&c, YK__OP_POW);
    OP_I32(&c, "4", 3, -2, 2, 1);
    OP_I64(&c, "4", 4, 3, -1, -5);
    op_run(&c, 1);
    EXPECT_I32(&c, 0, "4", 81, -8, 0, 1);
    op_end(&c);
}

static void comparisons_and_logic(void **state) {
    (void)state;
    op_case c;
    static const struct {
        yk__op op;
        uint8_t want[3];
    } cases[] = {{YK__OP_LESS, {1, 0, 0}},
                 {YK__OP_LESS_OR_EQUAL, {1, 1, 0}},
                 {YK__OP_GREATER, {0, 0, 0}},
                 {YK__OP_EQUAL, {0, 1, 0}},
                 {YK__OP_GREATER_OR_EQUAL, {0, 1, 0}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) { /* a NaN compares to nothing */
        op_begin(&c, cases[i].op);
        OP_F32(&c, "3", 1, 2, NAN);
        OP_F32(&c, "", 2);
        op_run(&c, 1);
        op_expect(&c, 0, YK__DTYPE_BOOL, "3", cases[i].want);
        op_end(&c);
    }
    op_begin(&c, YK__OP_XOR);
    OP_BOOL(&c, "4", 0, 0, 1, 1);
    OP_BOOL(&c, "4", 0, 1, 0, 1);
    op_run(&c, 1);
    EXPECT_BOOL(&c, 0, "4", 0, 1, 1, 0);
    op_end(&c);
}

static void variadic(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_MAX);
    OP_F32(&c, "3", 1, NAN, 3);
    OP_F32(&c, "3", 2, 2, 2);
    OP_F32(&c, "2x1", 0, 5);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "2x3", 0, 2, NAN, 3, 5, NAN, 5);
    op_end(&c);

    op_begin(&c, YK__OP_MEAN);
    OP_F32(&c, "2", 1, 2);
    OP_F32(&c, "2", 3, 4);
    OP_F32(&c, "2", 5, 9);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "2", 0, 3, 5);
    op_end(&c);
}

static void reductions(void **state) {
    (void)state;
    op_case c;
    static const struct {
        yk__op op;
        float want[2];
    } cases[] = {{YK__OP_REDUCE_SUM, {6, 15}},
                 {YK__OP_REDUCE_MEAN, {2, 5}},
                 {YK__OP_REDUCE_MAX, {3, 6}},
                 {YK__OP_REDUCE_MIN, {1, 4}},
                 {YK__OP_REDUCE_PROD, {6, 120}},
                 {YK__OP_REDUCE_L1, {6, 15}},
                 {YK__OP_REDUCE_SUM_SQUARE, {14, 77}},
                 {YK__OP_REDUCE_L2, {3.7416574f, 8.7749644f}},
                 {YK__OP_REDUCE_LOG_SUM, {1.7917595f, 2.7080502f}},
                 {YK__OP_REDUCE_LOG_SUM_EXP, {3.4076060f, 6.4076060f}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        op_begin(&c, cases[i].op);
        op_int(&c, "keepdims", 0);
        OP_F32(&c, "2x3", 1, 2, 3, 4, 5, 6);
        OP_I64(&c, "1", -1);
        op_run(&c, 1);
        op_expect_floats(&c, 0, "2", 10 * ONE_ROUNDING, cases[i].want);
        op_end(&c);
    }
    op_begin(&c, YK__OP_REDUCE_SUM); /* no axes: all, kept as ones */
    OP_I64(&c, "2x2", 1, 2, 3, 4);
    op_run(&c, 1);
    EXPECT_I64(&c, 0, "1x1", 10);
    op_end(&c);

    op_begin(&c, YK__OP_REDUCE_SUM); /* no axes and told not to reduce */
    op_int(&c, "noop_with_empty_axes", 1);
    OP_F32(&c, "2", 1, 2);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "2", 0, 1, 2);
    op_end(&c);

    op_begin(&c, YK__OP_REDUCE_MAX); /* of nothing */
    OP_F32(&c, "2x0", 0);
    OP_I64(&c, "1", 1);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "2x1", 0, -INFINITY, -INFINITY);
    op_end(&c);

    op_begin(&c, YK__OP_REDUCE_MAX); /* outer axis, NaN wins */
    op_int(&c, "keepdims", 0);
    OP_F32(&c, "2x2", 1, NAN, 5, 2);
    OP_I64(&c, "1", 0);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "2", 0, 5, NAN);
    op_end(&c);
}

static void products(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_MATMUL); /* batches broadcast */
    OP_F32(&c, "2x1x2", 1, 2, 3, 4);
    OP_F32(&c, "2x2", 1, 10, 100, 1000);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "2x1x2", 0, 201, 2010, 403, 4030);
    op_end(&c);

    op_begin(&c, YK__OP_MATMUL); /* two vectors make a scalar */
    OP_I32(&c, "3", 1, 2, 3);
    OP_I32(&c, "3", 4, 5, 6);
    op_run(&c, 1);
    EXPECT_I32(&c, 0, "", 32);
    op_end(&c);

    op_begin(&c, YK__OP_MATMUL); /* no taps: sums of nothing */
    OP_F32(&c, "2x0", 0);
    OP_F32(&c, "0x3", 0);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "2x3", 0, 0, 0, 0, 0, 0, 0);
    op_end(&c);

    op_begin(&c, YK__OP_GEMM); /* a: 3x2 turned, b: 2x3 turned */
    op_int(&c, "transA", 1);
    op_int(&c, "transB", 1);
    op_float(&c, "alpha", 2);
    op_float(&c, "beta", 0.5);
    OP_F32(&c, "3x2", 1, 4, 2, 5, 3, 6);
    OP_F32(&c, "2x3", 1, 0, 0, 0, 1, 1);
    OP_F32(&c, "2x1", 10, 20);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "2x2", 0, 2 + 5, 10 + 5, 8 + 10, 22 + 10);
    op_end(&c);

    op_begin(&c, YK__OP_EINSUM); /* a diagonal and a sum */
    op_text(&c, "equation", "ii,ij->j");
    OP_F32(&c, "2x2", 2, 9, 9, 3);
    OP_F32(&c, "2x2", 1, 2, 3, 4);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "2", 0, 11, 16);
    op_end(&c);
}

/* Longer than a block of taps and wider than a tile, against sums in double. */
static void long_products(void **state) {
    (void)state;
    enum { ROWS = 3, TAPS = 131, COLUMNS = 261 };
    static float a[ROWS * TAPS], b[TAPS * COLUMNS];
    uint32_t seed = 1;
    for (int i = 0; i < ROWS * TAPS; i++) a[i] = op_random(&seed);
    for (int i = 0; i < TAPS * COLUMNS; i++) b[i] = op_random(&seed);
    op_case c;
    op_begin(&c, YK__OP_MATMUL);
    op_input(&c, YK__DTYPE_F32, "3x131", a);
    op_input(&c, YK__DTYPE_F32, "131x261", b);
    op_run(&c, 1);
    for (int r = 0; r < ROWS; r++)
        for (int x = 0; x < COLUMNS; x++) {
            double sum = 0;
            for (int t = 0; t < TAPS; t++) sum += (double)a[r * TAPS + t] * (double)b[t * COLUMNS + x];
            /* sums stay below 30; 131 roundings of at most half a unit of 2^-19 each, in the worst case */
            assert_true(fabs((double)((float *)c.out[0].data)[r * COLUMNS + x] - sum) < 2e-5);
        }
    op_end(&c);
}

static void softmax(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_SOFTMAX); /* large values do not overflow; along the first axis */
    op_int(&c, "axis", 0);
    OP_F32(&c, "2x2", 1000, 0, 1000, 1.0986123f);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "2x2", ONE_ROUNDING, 0.5f, 0.25f, 0.5f, 0.75f);
    op_end(&c);

    op_begin(&c, YK__OP_SOFTMAX);
    OP_F32(&c, "2x2", NAN, 0, -INFINITY, -INFINITY);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "2x2", 0, NAN, NAN, NAN, NAN);
    op_end(&c);

    op_begin(&c, YK__OP_LOG_SOFTMAX);
    OP_F32(&c, "1x2", 0, 0);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "1x2", ONE_ROUNDING, -0.6931472f, -0.6931472f);
    op_end(&c);
}

static void normalization(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_BATCH_NORMALIZATION);
    op_float(&c, "epsilon", 0);
    OP_F32(&c, "1x2x2", 1, 3, 5, 7);
    OP_F32(&c, "2", 2, 1);
    OP_F32(&c, "2", 0, 1);
    OP_F32(&c, "2", 1, 5);
    OP_F32(&c, "2", 4, 1);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "1x2x2", 0, 0, 2, 1, 3);
    op_end(&c);

    op_begin(&c, YK__OP_LAYER_NORMALIZATION);
    op_float(&c, "epsilon", 0);
    OP_F32(&c, "2x2", 1, 3, 10, 10.5f);
    OP_F32(&c, "2", 1, 2);
    op_run(&c, 3);
    EXPECT_F32(&c, 0, "2x2", 0, -1, 2, -1, 2);
    EXPECT_F32(&c, 1, "2x1", 0, 2, 10.25f);
    EXPECT_F32(&c, 2, "2x1", 0, 1, 4);
    op_end(&c);
}

static void choosing(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_TOP_K); /* equal values: lowest index first; a NaN is the largest */
    OP_F32(&c, "2x4", 1, 3, 3, 2, NAN, 5, 5, 6);
    OP_I64(&c, "1", 3);
    op_run(&c, 2);
    EXPECT_F32(&c, 0, "2x3", 0, 3, 3, 2, NAN, 6, 5);
    EXPECT_I64(&c, 1, "2x3", 1, 2, 3, 0, 3, 1);
    op_end(&c);

    op_begin(&c, YK__OP_TOP_K); /* smallest, along the first axis */
    op_int(&c, "axis", 0);
    op_int(&c, "largest", 0);
    OP_I64(&c, "3x2", 5, 1, 4, 1, 4, 9);
    OP_I64(&c, "1", 2);
    op_run(&c, 2);
    EXPECT_I64(&c, 0, "2x2", 4, 1, 4, 1);
    EXPECT_I64(&c, 1, "2x2", 1, 0, 2, 1);
    op_end(&c);

    for (int last = 0; last < 2; last++) {
        op_begin(&c, YK__OP_ARG_MAX);
        op_int(&c, "axis", 1);
        op_int(&c, "keepdims", 0);
        op_int(&c, "select_last_index", last);
        OP_F32(&c, "2x3", 7, 1, 7, 1, NAN, 9);
        op_run(&c, 1);
        if (last)
            EXPECT_I64(&c, 0, "2", 2, 1);
        else
            EXPECT_I64(&c, 0, "2", 0, 1);
        op_end(&c);
    }
    op_begin(&c, YK__OP_CUM_SUM);
    op_int(&c, "exclusive", 1);
    op_int(&c, "reverse", 1);
    OP_I32(&c, "3", 1, 2, 3);
    OP_I64(&c, "", 0);
    op_run(&c, 1);
    EXPECT_I32(&c, 0, "3", 5, 3, 0);
    op_end(&c);
}

static void suppression(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_NON_MAX_SUPPRESSION);
    /* boxes 0 and 1 overlap by 9 of 11 parts; 2 stands alone; 3 equals 2 with a lower score */
    OP_F32(&c, "1x4x4", 0, 0, 10, 10, 0, 1, 10, 11, 20, 20, 30, 30, 30, 30, 20, 20);
    OP_F32(&c, "1x1x4", 0.9f, 0.95f, 0.5f, 0.4f);
    OP_I64(&c, "1", 10);
    OP_F32(&c, "1", 0.5f);
    OP_F32(&c, "1", 0.3f);
    op_run(&c, 1);
    EXPECT_I64(&c, 0, "2x3", 0, 0, 1, 0, 0, 2);
    op_end(&c);

    op_begin(&c, YK__OP_NON_MAX_SUPPRESSION); /* without a number of boxes: none */
    OP_F32(&c, "1x1x4", 0, 0, 1, 1);
    OP_F32(&c, "1x1x1", 1);
    op_run(&c, 1);
    EXPECT_I64(&c, 0, "0x3", 0);
    op_end(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unary_formulas),
        cmocka_unit_test(unary_nan_and_integers),
        cmocka_unit_test(half_is_rounded_once),
        cmocka_unit_test(broadcasting),
        cmocka_unit_test(integer_arithmetic),
        cmocka_unit_test(comparisons_and_logic),
        cmocka_unit_test(variadic),
        cmocka_unit_test(reductions),
        cmocka_unit_test(products),
        cmocka_unit_test(long_products),
        cmocka_unit_test(softmax),
        cmocka_unit_test(normalization),
        cmocka_unit_test(choosing),
        cmocka_unit_test(suppression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
