/* Outlines and merged polygons: cases drawn by hand; the expected lists are what OpenCV 5.0.0 and the reference made of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "task/contour.h"

/* A picture of '#' and '.', rows without separators. */
static void find(const char *drawing, int width, int height, yk__arena *arena, yk__contour **contours, size_t *n) {
    uint8_t bits[512];
    assert_true(strlen(drawing) == (size_t)(width * height) && sizeof bits >= strlen(drawing));
    for (int i = 0; i < width * height; i++) bits[i] = drawing[i] == '#';
    yk__arena_init(arena, 0);
    assert_int_equal(yk__contours_find(bits, width, height, arena, contours, n, NULL), YK__OK);
}

static void same_points(const yk__contour *got, const int32_t *want, int n) {
    assert_int_equal(got->n, n);
    for (int i = 0; i < n; i++) {
        assert_int_equal(got->points[i].x, want[2 * i]);
        assert_int_equal(got->points[i].y, want[2 * i + 1]);
    }
}

#define SAME(contour, ...) \
    do { \
        const int32_t want_[] = {__VA_ARGS__}; \
        same_points(contour, want_, (int)(sizeof want_ / sizeof *want_ / 2)); \
    } while (0)

static const char blobs[] = "..........."
                            ".###....##."
                            ".#.#....##."
                            ".###......."
                            "......#...."
                            ".....###..."
                            "......#...."
                            "..........#";
static const char mirrored[] = "..........."
                               ".##....###."
                               ".##....#.#."
                               ".......###."
                               "....#......"
                               "...###....."
                               "....#......"
                               "#..........";

static void test_list(void **unused) {
    (void)unused;
    yk__arena arena;
    yk__contour *c;
    size_t n;
    find(blobs, 11, 8, &arena, &c, &n);
    assert_int_equal(n, 4);
    SAME(&c[0], 10, 7);
    SAME(&c[1], 6, 4, 5, 5, 6, 6, 7, 5);
    SAME(&c[2], 8, 1, 8, 2, 9, 2, 9, 1);
    SAME(&c[3], 1, 1, 1, 3, 3, 3, 3, 1);
    yk__arena_free(&arena);
}

static void test_merged(void **unused) {
    (void)unused;
    yk__arena arena;
    yk__contour *c, all;
    size_t n;
    find(blobs, 11, 8, &arena, &c, &n);
    assert_int_equal(yk__contours_merge(c, n, &arena, &all, NULL), YK__OK);
    SAME(&all, 10, 7, 10, 7, 7, 5, 6, 6, 5, 5, 6, 4, 8, 2, 8, 1, 3, 1, 1, 1, 1, 3, 3, 3, 3, 1, 8, 1, 9, 1, 9, 2, 8, 2, 6, 4, 7,
         5);
    yk__arena_free(&arena);
    find(mirrored, 11, 8, &arena, &c, &n);
    assert_int_equal(yk__contours_merge(c, n, &arena, &all, NULL), YK__OK);
    SAME(&all, 0, 7, 0, 7, 3, 5, 4, 6, 5, 5, 7, 3, 7, 1, 2, 1, 1, 1, 1, 2, 2, 2, 2, 1, 7, 1, 9, 1, 9, 3, 7, 3, 5, 5, 4, 4, 3,
         5);
    yk__arena_free(&arena);
}

static void test_single(void **unused) {
    (void)unused;
    yk__arena arena;
    yk__contour *c, all;
    size_t n;
    find("....", 2, 2, &arena, &c, &n);
    assert_int_equal(n, 0);
    assert_int_equal(yk__contours_merge(c, n, &arena, &all, NULL), YK__OK);
    assert_int_equal(all.n, 0);
    yk__arena_free(&arena);
    find("#", 1, 1, &arena, &c, &n); /* to the very edge */
    assert_int_equal(n, 1);
    SAME(&c[0], 0, 0);
    yk__arena_free(&arena);
    find("####", 4, 1, &arena, &c, &n); /* there and back */
    SAME(&c[0], 0, 0, 3, 0);
    yk__arena_free(&arena);
    find("#...#...#", 3, 3, &arena, &c, &n); /* corners touch: one blob */
    assert_int_equal(n, 1);
    SAME(&c[0], 0, 0, 2, 2);
    assert_int_equal(yk__contours_merge(c, n, &arena, &all, NULL), YK__OK);
    SAME(&all, 0, 0, 2, 2);
    yk__arena_free(&arena);
}

/* A blob inside another one's hole is no outline of its own; one behind it in the same rows is. More than eight columns of each
 * kind, because the scan skips such stretches. */
static void test_holes(void **unused) {
    (void)unused;
    yk__arena arena;
    yk__contour *c;
    size_t n;
    find("####################............"
         "#..................#..........##"
         "#.........###......#..........##"
         "#.........###......#............"
         "#..................#............"
         "####################............",
         32, 6, &arena, &c, &n);
    assert_int_equal(n, 2);
    SAME(&c[0], 30, 1, 30, 2, 31, 2, 31, 1);
    SAME(&c[1], 0, 0, 0, 5, 19, 5, 19, 0);
    yk__arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_merged),
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_holes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
