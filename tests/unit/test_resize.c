/* The bilinear resize against a plain restatement of PARITY 3.2, in every kernel variant; bounds of what it writes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/memory.h"
#include "image/resize.h"
#include "image/resize_kernels.h"

static uint32_t next_random(uint32_t *state) {
    return *state = *state * 1664525u + 1013904223u;
}

/* One axis of the rule: position, neighbour, weights. `keep` says that t survives at the borders (the y axis). */
static void axis(int d, int n_in, int n_out, int keep, int at[2], int weight[2]) {
    double s = 1.0 / ((double)n_out / n_in);
    float f = (float)((d + 0.5) * s - 0.5);
    int i = (int)floorf(f);
    float t = f - (float)i;
    if (!keep && i < 0) i = 0, t = 0;
    if (!keep && i >= n_in - 1) i = n_in - 1, t = 0;
    at[0] = i < 0 ? 0 : i > n_in - 1 ? n_in - 1 : i;
    at[1] = i + 1 < 0 ? 0 : i + 1 > n_in - 1 ? n_in - 1 : i + 1;
    weight[0] = (int)rintf((1.0f - t) * 2048.0f);
    weight[1] = (int)rintf(t * 2048.0f);
}

static uint8_t expected(const uint8_t *p, int w, int h, size_t stride, int ch, int dw, int dh, int x, int y, int c) {
    int ax[2], wx[2], ay[2], wy[2], sum[2];
    axis(x, w, dw, 0, ax, wx);
    axis(y, h, dh, 1, ay, wy);
    for (int k = 0; k < 2; k++) {
        const uint8_t *row = p + (size_t)ay[k] * stride;
        sum[k] = row[ax[0] * ch + c] * wx[0] + row[ax[1] * ch + c] * wx[1];
    }
    return (uint8_t)(((((sum[0] >> 4) * wy[0]) >> 16) + (((sum[1] >> 4) * wy[1]) >> 16) + 2) >> 2);
}

enum { GUARD = 0xA5 };

/* The same row by row, each row in memory that ends with it. */
static void check_rows(const uint8_t *source, size_t stride, int w, int h, const uint8_t *want, size_t dst_stride, int dw,
                       int dh) {
    yk__resize_rows *rows = NULL;
    uint8_t *dst = malloc(dst_stride * (size_t)dh);
    assert_non_null(dst);
    memset(dst, GUARD, dst_stride * (size_t)dh);
    assert_int_equal(yk__resize_rows_begin(&rows, w, h, dst, dw, dh, dst_stride, NULL), YK__OK);
    for (int y = 0; y < h + 1; y++) { /* one too many is ignored */
        uint8_t *row = malloc((size_t)w * 3);
        assert_non_null(row);
        memcpy(row, source + (size_t)(y < h ? y : 0) * stride, (size_t)w * 3);
        yk__resize_rows_push(rows, row);
        free(row);
    }
    yk__resize_rows_end(&rows);
    assert_null(rows);
    if (memcmp(dst, want, dst_stride * (size_t)dh) != 0) fail_msg("%dx%d to %dx%d: rows differ from the whole", w, h, dw, dh);
    free(dst);
}

/* Resizes with guard bytes around every row of the result and compares all of it. */
static void check(int w, int h, int ch, int dw, int dh, yk__pool *pool, uint32_t seed) {
    static const yk__pixel_format formats[5] = {[1] = YK__PIXEL_GRAY8, [3] = YK__PIXEL_BGR8, [4] = YK__PIXEL_BGRA8};
    size_t stride = (size_t)(w * ch) + 5, dst_stride = (size_t)(dw * ch) + 7;
    /* the source ends exactly where its last row does, so that a read beyond is a read outside the allocation */
    size_t n = stride * (size_t)(h - 1) + (size_t)(w * ch);
    uint8_t *source = malloc(n), *dst = malloc(dst_stride * (size_t)dh);
    assert_non_null(source);
    assert_non_null(dst);
    for (size_t i = 0; i < n; i++) source[i] = (uint8_t)(next_random(&seed) >> 24);
    if (seed & 1) memset(source, 255, n); /* the largest sums */
    memset(dst, GUARD, dst_stride * (size_t)dh);
    yk__image_view view = {.format = formats[ch], .width = w, .height = h, .planes = {source}, .stride_bytes = {stride}};
    size_t scratch_bytes = yk__resize_scratch_bytes(dw, dh, ch, pool);
    void *scratch = seed & 2 ? yk__alloc_aligned(scratch_bytes) : NULL;
    assert_int_equal(yk__resize_bilinear(&view, dst, dw, dh, dst_stride, scratch, pool, NULL), YK__OK);
    if (scratch) yk__free_aligned(scratch, scratch_bytes);
    for (int y = 0; y < dh; y++) {
        const uint8_t *row = dst + (size_t)y * dst_stride;
        for (int i = 0; i < dw * ch; i++) {
            int want = w == dw && h == dh ? source[(size_t)y * stride + (size_t)i]
                                          : expected(source, w, h, stride, ch, dw, dh, i / ch, y, i % ch);
            if (row[i] != want) fail_msg("%dx%dx%d to %dx%d: (%d, %d): %d, not %d", w, h, ch, dw, dh, i, y, row[i], want);
        }
        for (size_t i = (size_t)(dw * ch); i < dst_stride; i++) assert_int_equal(row[i], GUARD);
    }
    if (ch == 3) check_rows(source, stride, w, h, dst, dst_stride, dw, dh);
    free(source);
    free(dst);
}

static const int channels[] = {1, 3, 4};

static void test_shapes(void **unused) {
    (void)unused;
    uint32_t seed = 7;
    static const int fixed[][4] = {{1, 1, 5, 5},     {1, 9, 4, 4},     {9, 1, 4, 4},     {2, 2, 1, 1},     {640, 480, 320, 240},
                                   {50, 40, 50, 40}, {3, 3, 64, 64},   {64, 64, 3, 3},   {100, 37, 33, 1}, {7, 300, 64, 64},
                                   {33, 20, 34, 21}, {34, 21, 33, 20}, {257, 31, 65, 19}};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        for (int c = 0; c < 3; c++)
            check(fixed[i][0], fixed[i][1], channels[c], fixed[i][2], fixed[i][3], NULL, next_random(&seed));
    }
    for (int i = 0; i < 200; i++) {
        int size[4];
        for (int k = 0; k < 4; k++) size[k] = 1 + (int)(next_random(&seed) >> 16) % 90;
        check(size[0], size[1], channels[i % 3], size[2], size[3], NULL, next_random(&seed));
    }
}

static void test_bands_of_a_pool_give_the_same_bytes(void **unused) {
    (void)unused;
    yk__pool *pool = NULL;
    assert_int_equal(yk__pool_create(&pool, 3, NULL), YK__OK);
    check(120, 90, 3, 97, 131, pool, 3);
    check(120, 90, 1, 64, 15, pool, 4);
    check(120, 90, 4, 200, 180, pool, 5);
    yk__pool_destroy(&pool);
}

/* Every instruction set's kernels against the plain ones, on columns that reach the last pixel and lengths that are no
 * multiple of a vector. */
static void test_kernels_agree(void **unused) {
    (void)unused;
    yk__resize_kernels plain = yk__resize_kernels_for(YK__ISA_GENERIC);
    yk__resize_kernels best = yk__resize_kernels_for(yk__cpu_get()->isa);
    uint32_t seed = 11;
    for (int width = 1; width < 40; width++) {
        uint8_t *source = malloc((size_t)width * 3);
        yk__resize_column columns[64];
        int16_t a[64 * 3 + 32], b[64 * 3 + 32];
        assert_non_null(source);
        for (int i = 0; i < width * 3; i++) source[i] = (uint8_t)(next_random(&seed) >> 24);
        for (int i = 0; i < 64; i++) {
            columns[i].at = (int32_t)((next_random(&seed) >> 8) % (uint32_t)width);
            columns[i].right = columns[i].at == width - 1 ? 0 : (int16_t)((next_random(&seed) >> 8) % 2049);
            columns[i].left = (int16_t)(2048 - columns[i].right);
        }
        for (int n = 1; n <= 64; n += 7) {
            plain.row[3](source, width, columns, n, a);
            best.row[3](source, width, columns, n, b);
            assert_memory_equal(a, b, (size_t)n * 3 * sizeof *a);
        }
        free(source);
    }
    int16_t upper[200], lower[200];
    uint8_t x[200], y[200];
    for (int i = 0; i < 200; i++) {
        upper[i] = (int16_t)(next_random(&seed) % (255 * 2048 / 16 + 1));
        lower[i] = (int16_t)(next_random(&seed) % (255 * 2048 / 16 + 1));
    }
    for (size_t n = 1; n <= 200; n++) {
        int16_t w = (int16_t)(next_random(&seed) % 2049);
        memset(x, GUARD, sizeof x);
        memset(y, GUARD, sizeof y);
        plain.blend(upper, lower, w, (int16_t)(2048 - w), x, n);
        best.blend(upper, lower, w, (int16_t)(2048 - w), y, n);
        assert_memory_equal(x, y, sizeof x);
    }
}

static void test_refuses_bad_arguments(void **unused) {
    (void)unused;
    uint8_t pixels[12] = {0}, dst[12];
    yk__image_view view = {.format = YK__PIXEL_BGR8, .width = 2, .height = 2, .planes = {pixels}, .stride_bytes = {6}};
    assert_int_equal(yk__resize_bilinear(&view, dst, 0, 2, 6, NULL, NULL, NULL), YK__ARGUMENT);
    assert_int_equal(yk__resize_bilinear(&view, dst, 2, -1, 6, NULL, NULL, NULL), YK__ARGUMENT);
    assert_int_equal(yk__resize_bilinear(&view, dst, 2, 2, 5, NULL, NULL, NULL), YK__ARGUMENT);
    assert_int_equal(yk__resize_bilinear(&view, NULL, 2, 2, 6, NULL, NULL, NULL), YK__ARGUMENT);
    yk__resize_rows *rows = NULL;
    assert_int_equal(yk__resize_rows_begin(&rows, 2, 2, dst, 2, 2, 5, NULL), YK__ARGUMENT);
    assert_int_equal(yk__resize_rows_begin(&rows, 2, 0, dst, 2, 2, 6, NULL), YK__ARGUMENT);
    assert_null(rows);
    yk__resize_rows_end(&rows);
    view.format = YK__PIXEL_NV12;
    assert_int_equal(yk__resize_bilinear(&view, dst, 2, 2, 6, NULL, NULL, NULL), YK__ARGUMENT);
}

static void test_allocates_only_its_scratch(void **unused) {
    (void)unused;
    uint8_t pixels[300] = {0}, dst[75];
    yk__image_view view = {.format = YK__PIXEL_BGR8, .width = 10, .height = 10, .planes = {pixels}, .stride_bytes = {30}};
    size_t n = yk__resize_scratch_bytes(5, 5, 3, NULL);
    void *scratch = yk__alloc_aligned(n);
    assert_non_null(scratch);
    uint64_t before = yk__alloc_count();
    assert_int_equal(yk__resize_bilinear(&view, dst, 5, 5, 15, scratch, NULL, NULL), YK__OK);
    assert_int_equal(yk__alloc_count(), before);
    yk__free_aligned(scratch, n);
    yk__alloc_fail_after(1);
    assert_int_equal(yk__resize_bilinear(&view, dst, 5, 5, 15, NULL, NULL, NULL), YK__MEMORY);
    yk__alloc_fail_after(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_bands_of_a_pool_give_the_same_bytes),
        cmocka_unit_test(test_kernels_agree),
        cmocka_unit_test(test_refuses_bad_arguments),
        cmocka_unit_test(test_allocates_only_its_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
