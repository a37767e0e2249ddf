/* src/graph/tensor.h: element types, shapes, broadcasting, and the 16-bit formats against every one of their values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <string.h>

#include "graph/tensor.h"

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The value of a half by its definition: (-1)^s 2^(e-15) 1.f, subnormal (-1)^s 2^-14 0.f; exact in double. */
static double half_by_definition(unsigned half) {
    int exponent = half >> 10 & 31, fraction = half & 1023;
    double magnitude = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return half & 0x8000 ? -magnitude : magnitude;
}

static bool half_is_finite(unsigned half) {
    return (half & 0x7c00) != 0x7c00;
}

static void every_half_becomes_its_float_and_back(void **state) {
    (void)state;
    for (unsigned half = 0; half < 65536; half++) {
        float value = yk__half_to_float((uint16_t)half);
        assert_int_equal(signbit(value) != 0, half >> 15);
        if (half_is_finite(half)) {
            assert_true((double)value == half_by_definition(half));
        } else if (half & 0x3ff) {
            assert_true(isnan(value));
            uint16_t back = yk__float_to_half(value); /* still a NaN of that sign; signalling ones turn quiet */
            assert_int_equal(back, half | 0x200);
            continue;
        } else {
            assert_true(isinf(value));
        }
        assert_int_equal(yk__float_to_half(value), half);
    }
}

/* Between each pair of neighbours: the middle goes to the even one, the floats beside the middle to the nearer one. */
static void floats_between_halves_round_to_nearest_even(void **state) {
    (void)state;
    for (unsigned half = 0; half < 0x7c00; half++) {
        float middle = half + 1 < 0x7c00 ? (yk__half_to_float((uint16_t)half) + yk__half_to_float((uint16_t)(half + 1))) / 2
                                         : 65520.0f; /* between the largest half and where the next would be, 65536 */
        unsigned even = half & 1 ? half + 1 : half;
        assert_int_equal(yk__float_to_half(middle), even);
        assert_int_equal(yk__float_to_half(nextafterf(middle, 0)), half);
        assert_int_equal(yk__float_to_half(nextafterf(middle, INFINITY)), half + 1);
        assert_int_equal(yk__float_to_half(-middle), even | 0x8000);
    }
    assert_int_equal(yk__float_to_half(FLT_MAX), 0x7c00);
    assert_int_equal(yk__float_to_half(-INFINITY), 0xfc00);
    assert_int_equal(yk__float_to_half(FLT_MIN), 0);
    assert_int_equal(yk__float_to_half(-0x1p-149f), 0x8000);
}

static void every_bf16_becomes_its_float_and_back(void **state) {
    (void)state;
    for (unsigned value = 0; value < 65536; value++) {
        float wide = yk__bf16_to_float((uint16_t)value);
        assert_int_equal(bits_of(wide), value << 16);
        assert_int_equal(yk__float_to_bf16(wide), isnan(wide) ? value | 0x40 : value);
    }
}

static void floats_between_bf16_round_to_nearest_even(void **state) {
    (void)state;
    for (uint32_t value = 0; value < 0x7f80; value++) {
        uint32_t middle = value << 16 | 0x8000;
        assert_int_equal(yk__float_to_bf16(from_bits(middle)), value & 1 ? value + 1 : value);
        assert_int_equal(yk__float_to_bf16(from_bits(middle - 1)), value);
        assert_int_equal(yk__float_to_bf16(from_bits(middle + 1)), value + 1);
    }
    assert_int_equal(yk__float_to_bf16(FLT_MAX), 0x7f80);
    assert_true(isnan(yk__bf16_to_float(yk__float_to_bf16(from_bits(0x7f800001))))); /* its payload lies in the cut bits */
}

static void dtypes_have_names_and_sizes(void **state) {
    (void)state;
    for (int i = YK__DTYPE_NONE + 1; i < YK__DTYPE_COUNT; i++) {
        yk__dtype dtype = (yk__dtype)i;
        assert_true(yk__dtype_size(dtype) >= 1 && yk__dtype_size(dtype) <= 8);
        assert_int_equal(yk__dtype_from_name(yk__dtype_name(dtype)), dtype);
    }
    assert_int_equal(yk__dtype_size(YK__DTYPE_BF16), 2);
    assert_int_equal(yk__dtype_size(YK__DTYPE_NONE), 0);
    assert_int_equal(yk__dtype_size((yk__dtype)99), 0);
    assert_int_equal(yk__dtype_size((yk__dtype)-1), 0);
    assert_string_equal(yk__dtype_name((yk__dtype)99), "none");
    assert_int_equal(yk__dtype_from_name("none"), YK__DTYPE_NONE);
    assert_int_equal(yk__dtype_from_name("float"), YK__DTYPE_NONE);
    assert_int_equal(yk__dtype_from_name(NULL), YK__DTYPE_NONE);
    assert_true(yk__dtype_is_float(YK__DTYPE_F16) && yk__dtype_is_float(YK__DTYPE_BF16) && !yk__dtype_is_float(YK__DTYPE_I32));
}

static yk__shape shape(int rank, const int64_t *dim) {
    return yk__shape_make(rank, dim);
}
#define SHAPE(...) shape((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]){__VA_ARGS__})

static void counts_are_checked_for_overflow(void **state) {
    (void)state;
    int64_t count = -7;
    size_t bytes = 7;
    yk__shape scalar = {0}, picture = SHAPE(1, 3, 640, 640), open = SHAPE(1, -1), huge = SHAPE(INT64_MAX, 2);
    yk__shape empty = SHAPE(INT64_MAX, 2, 0), edge = SHAPE(INT64_MAX), bad = {.rank = 9};
    assert_true(yk__shape_count(&scalar, &count) && count == 1);
    assert_true(yk__shape_count(&picture, &count) && count == 1228800);
    assert_true(yk__tensor_bytes(YK__DTYPE_F32, &picture, &bytes) && bytes == 4915200);
    assert_false(yk__shape_count(&open, &count));
    assert_false(yk__shape_count(&bad, &count));
    assert_false(yk__shape_count(&huge, &count));
    assert_false(yk__tensor_bytes(YK__DTYPE_F32, &huge, &bytes));
    assert_true(yk__shape_count(&edge, &count) && count == INT64_MAX);
    assert_false(yk__tensor_bytes(YK__DTYPE_F32, &edge, &bytes));
    assert_false(yk__tensor_bytes(YK__DTYPE_NONE, &picture, &bytes));
    assert_int_equal(bytes, 4915200);              /* untouched by failures */
    assert_false(yk__shape_count(&empty, &count)); /* its strides would overflow */
    empty = SHAPE(3, 0, 640);
    assert_true(yk__shape_count(&empty, &count));
    assert_int_equal(count, 0);
}

static void shapes_print(void **state) {
    (void)state;
    char text[128];
    yk__shape scalar = {0}, open = SHAPE(-1, 3), picture = SHAPE(1, 3, 640, 480);
    assert_string_equal(yk__shape_text(&scalar, text), "scalar");
    assert_string_equal(yk__shape_text(&open, text), "?x3");
    assert_string_equal(yk__shape_text(&picture, text), "1x3x640x480");
    yk__shape longest = {.rank = 8};
    for (int i = 0; i < 8; i++) longest.dim[i] = INT64_MAX;
    assert_int_equal(strlen(yk__shape_text(&longest, text)), 127); /* cut, not overrun */
}

static void check_broadcast(yk__shape a, yk__shape b, const char *expected) {
    char text[128];
    yk__shape out = {.rank = 99};
    bool fits = yk__shape_broadcast(&a, &b, &out);
    if (expected)
        assert_string_equal(fits ? yk__shape_text(&out, text) : "does not fit", expected);
    else
        assert_true(!fits && out.rank == 99);
}

static void shapes_broadcast_as_in_numpy(void **state) {
    (void)state;
    check_broadcast(SHAPE(2, 3, 4), SHAPE(3, 1), "2x3x4");
    check_broadcast(SHAPE(1), SHAPE(5), "5");
    check_broadcast((yk__shape){0}, SHAPE(2, 2), "2x2");
    check_broadcast(SHAPE(8, 1, 6, 1), SHAPE(7, 1, 5), "8x7x6x5");
    check_broadcast(SHAPE(0), SHAPE(1), "0");
    check_broadcast(SHAPE(0), SHAPE(2), NULL);
    check_broadcast(SHAPE(2, 3), SHAPE(2, 4), NULL);
    check_broadcast(SHAPE(-1, 3), SHAPE(5, 3), "5x3");
    check_broadcast(SHAPE(-1, 3), SHAPE(1, 3), "?x3");
    check_broadcast(SHAPE(-1), SHAPE(-1), "?");
}

static void shapes_compare(void **state) {
    (void)state;
    yk__shape a = SHAPE(1, 2), b = SHAPE(1, 2), c = SHAPE(1, 3), d = SHAPE(1);
    b.dim[5] = 77; /* beyond the rank: does not count */
    assert_true(yk__shape_equal(&a, &b));
    assert_false(yk__shape_equal(&a, &c));
    assert_false(yk__shape_equal(&a, &d));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_becomes_its_float_and_back),
        cmocka_unit_test(floats_between_halves_round_to_nearest_even),
        cmocka_unit_test(every_bf16_becomes_its_float_and_back),
        cmocka_unit_test(floats_between_bf16_round_to_nearest_even),
        cmocka_unit_test(dtypes_have_names_and_sizes),
        cmocka_unit_test(counts_are_checked_for_overflow),
        cmocka_unit_test(shapes_print),
        cmocka_unit_test(shapes_broadcast_as_in_numpy),
        cmocka_unit_test(shapes_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
