/* Operators of the ref backend that move, index or make data. All expected values are exact. */
#include "op_case.h"

#include <math.h>

static void joining_and_cutting(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_CONCAT); /* the middle part is empty */
    op_int(&c, "axis", -1);
    OP_U8(&c, "2x1", 1, 2);
    OP_U8(&c, "2x0", 0);
    OP_U8(&c, "2x2", 3, 4, 5, 6);
    op_run(&c, 1);
    EXPECT_U8(&c, 0, "2x3", 1, 3, 4, 2, 5, 6);
    op_end(&c);

    op_begin(&c, YK__OP_SPLIT);
    op_int(&c, "axis", 1);
    OP_F32(&c, "2x3", 1, 2, 3, 4, 5, 6);
    OP_I64(&c, "2", 1, 2);
    op_run(&c, 2);
    EXPECT_F32(&c, 0, "2x1", 0, 1, 4);
    EXPECT_F32(&c, 1, "2x2", 0, 2, 3, 5, 6);
    op_end(&c);
}

static void slicing(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_SLICE); /* backwards, beyond both ends */
    OP_I32(&c, "2x4", 0, 1, 2, 3, 4, 5, 6, 7);
    OP_I64(&c, "1", 100);
    OP_I64(&c, "1", INT64_MIN);
    OP_I64(&c, "1", -1);
    OP_I64(&c, "1", -3);
    op_run(&c, 1);
    EXPECT_I32(&c, 0, "2x2", 3, 0, 7, 4);
    op_end(&c);

    op_begin(&c, YK__OP_SLICE); /* a step of any size */
    OP_I32(&c, "3", 1, 2, 3);
    OP_I64(&c, "1", 0);
    OP_I64(&c, "1", INT64_MAX);
    OP_I64(&c, "1", 0);
    OP_I64(&c, "1", INT64_MAX);
    op_run(&c, 1);
    EXPECT_I32(&c, 0, "1", 1);
    op_end(&c);

    op_begin(&c, YK__OP_SLICE); /* nothing left */
    OP_I32(&c, "3", 1, 2, 3);
    OP_I64(&c, "1", 2);
    OP_I64(&c, "1", 1);
    op_run(&c, 1);
    EXPECT_I32(&c, 0, "0", 0);
    op_end(&c);
}

static void permuting(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_TRANSPOSE);
    OP_INTS(&c, "perm", 2, 0, 1);
    OP_F32(&c, "2x1x3", 1, 2, 3, 4, 5, 6);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "3x2x1", 0, 1, 4, 2, 5, 3, 6);
    op_end(&c);

    for (int crd = 0; crd < 2; crd++) {
        op_begin(&c, YK__OP_DEPTH_TO_SPACE);
        op_int(&c, "blocksize", 2);
        op_text(&c, "mode", crd ? "CRD" : "DCR");
        OP_I32(&c, "1x8x1x1", 0, 1, 2, 3, 4, 5, 6, 7);
        op_run(&c, 1);
        if (crd)
            EXPECT_I32(&c, 0, "1x2x2x2", 0, 1, 2, 3, 4, 5, 6, 7);
        else
            EXPECT_I32(&c, 0, "1x2x2x2", 0, 2, 4, 6, 1, 3, 5, 7);
        op_end(&c);
    }
    op_begin(&c, YK__OP_SPACE_TO_DEPTH);
    op_int(&c, "blocksize", 2);
    OP_I32(&c, "1x1x2x4", 0, 1, 2, 3, 4, 5, 6, 7);
    op_run(&c, 1);
    EXPECT_I32(&c, 0, "1x4x1x2", 0, 2, 1, 3, 4, 6, 5, 7);
    op_end(&c);
}

static void repeating(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_EXPAND);
    OP_U8(&c, "2x1", 1, 2);
    OP_I64(&c, "3", 2, 1, 2);
    op_run(&c, 1);
    EXPECT_U8(&c, 0, "2x2x2", 1, 1, 2, 2, 1, 1, 2, 2);
    op_end(&c);

    op_begin(&c, YK__OP_TILE);
    OP_U8(&c, "1x2", 1, 2);
    OP_I64(&c, "2", 2, 2);
    op_run(&c, 1);
    EXPECT_U8(&c, 0, "2x4", 1, 2, 1, 2, 1, 2, 1, 2);
    op_end(&c);
}

static void padding(void **state) {
    (void)state;
    static const struct {
        const char *mode;
        float want[7];
    } cases[] = {{"constant", {9, 9, 1, 2, 3, 9, 9}},
                 {"reflect", {3, 2, 1, 2, 3, 2, 1}},
                 {"edge", {1, 1, 1, 2, 3, 3, 3}},
                 {"wrap", {2, 3, 1, 2, 3, 1, 2}}};
    op_case c;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        op_begin(&c, YK__OP_PAD);
        op_text(&c, "mode", cases[i].mode);
        OP_F32(&c, "1x3", 1, 2, 3);
        OP_I64(&c, "2", 2, 2);
        OP_F32(&c, "", 9);
        OP_I64(&c, "1", -1);
        op_run(&c, 1);
        op_expect_floats(&c, 0, "1x7", 0, cases[i].want);
        op_end(&c);
    }
    op_begin(&c, YK__OP_PAD); /* negative pads crop */
    OP_F32(&c, "2x2", 1, 2, 3, 4);
    OP_I64(&c, "4", -1, 0, 0, 1);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "1x3", 0, 3, 4, 0);
    op_end(&c);
}

static void gathering(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_GATHER);
    op_int(&c, "axis", 1);
    OP_F32(&c, "2x3", 1, 2, 3, 4, 5, 6);
    OP_I64(&c, "2", -1, 0);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "2x2", 0, 3, 1, 6, 4);
    op_end(&c);

    op_begin(&c, YK__OP_GATHER_ELEMENTS);
    op_int(&c, "axis", 0);
    OP_F32(&c, "2x2", 1, 2, 3, 4);
    OP_I32(&c, "1x2", 1, -2);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "1x2", 0, 3, 2);
    op_end(&c);

    op_begin(&c, YK__OP_GATHER_ND);
    op_int(&c, "batch_dims", 1);
    OP_F32(&c, "2x2x2", 0, 1, 2, 3, 4, 5, 6, 7);
    OP_I64(&c, "2x1", 1, 0);
    op_run(&c, 1);
    EXPECT_F32(&c, 0, "2x2", 0, 2, 3, 4, 5);
    op_end(&c);
}

static void scattering(void **state) {
    (void)state;
    op_case c;
    static const struct {
        const char *reduction;
        float want[3];
    } cases[] = {{"none", {1, 20, 3}}, {"add", {1, 32, 3}}, {"mul", {1, 400, 3}}, {"max", {1, 20, 3}}, {"min", {1, 2, 3}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) { /* the same place twice, in order */
        op_begin(&c, YK__OP_SCATTER_ELEMENTS);
        op_text(&c, "reduction", cases[i].reduction);
        OP_F32(&c, "3", 1, 2, 3);
        OP_I64(&c, "2", 1, -2);
        OP_F32(&c, "2", 10, 20);
        op_run(&c, 1);
        op_expect_floats(&c, 0, "3", 0, cases[i].want);
        op_end(&c);
    }
    op_begin(&c, YK__OP_SCATTER_ND);
    OP_I64(&c, "2x2", 1, 2, 3, 4);
    OP_I64(&c, "1x1", -1);
    OP_I64(&c, "1x2", 8, 9);
    op_run(&c, 1);
    EXPECT_I64(&c, 0, "2x2", 1, 2, 8, 9);
    op_end(&c);
}

/* Indices come from files and from runs: every operator that takes them checks them. */
static void indices_out_of_range(void **state) {
    (void)state;
    static const yk__op ops[] = {YK__OP_GATHER, YK__OP_GATHER_ELEMENTS, YK__OP_SCATTER_ELEMENTS};
    static const int64_t bad[] = {2, -3, INT64_MAX, INT64_MIN};
    op_case c;
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
            op_begin(&c, ops[i]);
            OP_F32(&c, "2", 1, 2);
            OP_I64(&c, "1", bad[k]);
            if (ops[i] == YK__OP_SCATTER_ELEMENTS) OP_F32(&c, "1", 3);
            op_fails(&c, 1, YK__GRAPH);
            op_end(&c);
        }
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        op_begin(&c, YK__OP_GATHER_ND);
        OP_F32(&c, "2", 1, 2);
        OP_I64(&c, "1x1", bad[k]);
        op_fails(&c, 1, YK__GRAPH);
        op_end(&c);
    }
}

static void casting(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_CAST); /* truncated; beyond the range the nearest end; NaN 0 */
    op_text(&c, "to", "i32");
    OP_F32(&c, "6", 1.9f, -1.9f, 3e9f, -3e9f, NAN, INFINITY);
    op_run(&c, 1);
    EXPECT_I32(&c, 0, "6", 1, -1, INT32_MAX, INT32_MIN, 0, INT32_MAX);
    op_end(&c);

    op_begin(&c, YK__OP_CAST);
    op_text(&c, "to", "u8");
    OP_I64(&c, "3", 257, -1, 5);
    op_run(&c, 1);
    EXPECT_U8(&c, 0, "3", 1, 255, 5);
    op_end(&c);

    op_begin(&c, YK__OP_CAST);
    op_text(&c, "to", "bool");
    OP_F32(&c, "4", 0, -0.0f, 0.1f, NAN);
    op_run(&c, 1);
    EXPECT_BOOL(&c, 0, "4", 0, 0, 1, 1);
    op_end(&c);

    op_begin(&c, YK__OP_CAST); /* just above the middle of two halves: by way of f32 it would become a tie and go down */
    op_text(&c, "to", "f16");
    op_input(&c, YK__DTYPE_F64, "2", (const double[]){1 + 0x1p-11 + 0x1p-40, 1 + 0x1p-11});
    op_run(&c, 1);
    op_expect(&c, 0, YK__DTYPE_F16, "2", (const uint16_t[]){0x3c01, 0x3c00});
    op_end(&c);
}

static void making(void **state) {
    (void)state;
    op_case c;
    op_begin(&c, YK__OP_RANGE);
    OP_I64(&c, "", 10);
    OP_I64(&c, "", 3);
    OP_I64(&c, "", -3);
    op_run(&c, 1);
    EXPECT_I64(&c, 0, "3", 10, 7, 4);
    op_end(&c);

    op_begin(&c, YK__OP_CONSTANT_OF_SHAPE);
    OP_I64(&c, "2", 1, 2);
    OP_I32(&c, "1", 7);
    op_run(&c, 1);
    EXPECT_I32(&c, 0, "1x2", 7, 7);
    op_end(&c);

    op_begin(&c, YK__OP_SHAPE);
    op_int(&c, "start", -2);
    OP_F32(&c, "1x2x0", 0);
    op_run(&c, 1);
    EXPECT_I64(&c, 0, "2", 2, 0);
    op_end(&c);

    op_begin(&c, YK__OP_NON_ZERO);
    OP_F32(&c, "2x2", 0, 1, NAN, 0);
    op_run(&c, 1);
    EXPECT_I64(&c, 0, "2x2", 0, 1, 1, 0);
    op_end(&c);

    op_begin(&c, YK__OP_TRILU);
    op_int(&c, "upper", 0);
    OP_U8(&c, "2x3", 1, 2, 3, 4, 5, 6);
    OP_I64(&c, "", 1);
    op_run(&c, 1);
    EXPECT_U8(&c, 0, "2x3", 1, 2, 0, 4, 5, 6);
    op_end(&c);

    op_begin(&c, YK__OP_EYE_LIKE);
    op_int(&c, "k", -1);
    OP_I32(&c, "2x2", 9, 9, 9, 9);
    op_run(&c, 1);
    EXPECT_I32(&c, 0, "2x2", 0, 0, 1, 0);
    op_end(&c);

    op_begin(&c, YK__OP_ONE_HOT); /* -1 is the last; 3 is nothing */
    OP_I64(&c, "3", 0, -1, 3);
    OP_I64(&c, "1", 3);
    OP_U8(&c, "2", 0, 5);
    op_run(&c, 1);
    EXPECT_U8(&c, 0, "3x3", 5, 0, 0, 0, 0, 5, 0, 0, 0);
    op_end(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joining_and_cutting),
        cmocka_unit_test(slicing),
        cmocka_unit_test(permuting),
        cmocka_unit_test(repeating),
        cmocka_unit_test(padding),
        cmocka_unit_test(gathering),
        cmocka_unit_test(scattering),
        cmocka_unit_test(indices_out_of_range),
        cmocka_unit_test(casting),
        cmocka_unit_test(making),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
