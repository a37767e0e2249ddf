/* NumPy arrays: good headers of all kinds, and hostile ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/npy.h"

/* A file with this header text and n bytes of elements; returns its size. */
static size_t make(uint8_t out[1024], int version, const char *header, size_t n) {
    size_t length = strlen(header), prefix = version >= 2 ? 12 : 10;
    memset(out, 0, 1024);
    memcpy(out, "\x93NUMPY", 6);
    out[6] = (uint8_t)version;
    out[8] = (uint8_t)length, out[9] = (uint8_t)(length >> 8);
    memcpy(out + prefix, header, length);
    for (size_t i = 0; i < n; i++) out[prefix + length + i] = (uint8_t)i;
    return prefix + length + n;
}

static yk__code parse(int version, const char *header, size_t n, yk__npy *out) {
    uint8_t file[1024];
    size_t size = make(file, version, header, n);
    return yk__npy_parse(file, size, "a.npy", out, NULL);
}

static void test_good(void **unused) {
    (void)unused;
    yk__npy npy;
    assert_int_equal(parse(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n", 24, &npy), YK__OK);
    assert_int_equal(npy.kind, 'f');
    assert_int_equal(npy.item_bytes, 4);
    assert_int_equal(npy.rank, 2);
    assert_int_equal(npy.dim[0], 2);
    assert_int_equal(npy.dim[1], 3);
    assert_int_equal(npy.count, 6);
    assert_int_equal(parse(2, "{'descr': '|u1', 'fortran_order': False, 'shape': (5,), }\n", 5, &npy), YK__OK);
    assert_int_equal(npy.kind, 'u');
    assert_int_equal(npy.count, 5);
    assert_int_equal(parse(3, "{'shape': (), 'fortran_order': False, 'descr': '<i8'}\n", 8, &npy), YK__OK);
    assert_int_equal(npy.rank, 0);
    assert_int_equal(npy.count, 1);
    assert_int_equal(parse(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 6), }\n", 0, &npy), YK__OK);
    assert_int_equal(npy.count, 0);
}

static void test_elements(void **unused) {
    (void)unused;
    uint8_t file[1024];
    yk__npy npy;
    size_t n = make(file, 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }\n", 3);
    assert_int_equal(yk__npy_parse(file, n, "a.npy", &npy, NULL), YK__OK);
    assert_ptr_equal(npy.data, file + n - 3);
    assert_int_equal(npy.data[2], 2);
}

static void test_bad(void **unused) {
    (void)unused;
    static const struct {
        int version;
        const char *header;
        yk__code code;
    } cases[] = {
        {0, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", YK__FORMAT},
        {9, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", YK__FORMAT},
        {1, "{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", YK__UNSUPPORTED},
        {1, "{'descr': '<f1', 'fortran_order': False, 'shape': (1,)}", YK__UNSUPPORTED},
        {1, "{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", YK__UNSUPPORTED},
        {1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", YK__UNSUPPORTED},
        {1, "{'descr': '<f4", YK__UNSUPPORTED},
        {1, "{'descr': '", YK__UNSUPPORTED},
        {1, "{'fortran_order': False, 'shape': (1,)}", YK__UNSUPPORTED},
        {1, "{'descr': '<f4', 'fortran_order': True, 'shape': (1,)}", YK__UNSUPPORTED},
        {1, "{'descr': '<f4', 'shape': (1,)}", YK__UNSUPPORTED},
        {1, "{'descr': '<f4', 'fortran_order': False}", YK__FORMAT},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': 4}", YK__FORMAT},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", YK__FORMAT},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1", YK__FORMAT},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3, 4, 5, 6, 7, 8, 9)}", YK__FORMAT},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", YK__LIMIT},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", YK__FORMAT},
        {1, "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904,)}", YK__TRUNCATED},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", YK__TRUNCATED},
    };
    yk__npy npy;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(parse(cases[i].version, cases[i].header, 7, &npy), cases[i].code);
    uint8_t file[1024];
    size_t n = make(file, 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 4);
    for (size_t cut = 0; cut < n; cut++) assert_int_not_equal(yk__npy_parse(file, cut, "a.npy", &npy, NULL), YK__OK);
    file[0] = 'x';
    assert_int_equal(yk__npy_parse(file, n, "a.npy", &npy, NULL), YK__FORMAT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
