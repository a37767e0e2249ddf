/* Painted pixels: translucent masks by their formula, discs and lines by what they cover, oriented crops by upright ones. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "image/draw_pose.h"
#include "image/paint.h"
#include "image/warp.h"

static void make(yk__image *image, int32_t width, int32_t height, int value) {
    *image = (yk__image){0};
    assert_int_equal(yk__image_create(image, width, height, NULL), YK__OK);
    memset(image->pixels, value, image->stride_bytes * (size_t)height);
}

static const uint8_t *pixel(const yk__image *image, int x, int y) {
    return image->pixels + (size_t)y * image->stride_bytes + (size_t)x * 3;
}

static int changed(const yk__image *image, int value) {
    int n = 0;
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++) {
            const uint8_t *p = pixel(image, x, y);
            n += p[0] != value || p[1] != value || p[2] != value;
        }
    return n;
}

/* out = pixel / 2^n + largest colour / 2, cut: 101 under one mask of 41 is 71; under two of 41 and 200, 25.25 + 100 = 125. */
static void test_masks(void **unused) {
    (void)unused;
    yk__image image;
    yk__mask_paint paint;
    const uint8_t bits[4] = {1, 1, 0, 1}, dark[3] = {41, 41, 41}, red[3] = {200, 0, 7};
    make(&image, 6, 5, 101);
    assert_int_equal(yk__mask_paint_begin(&paint, 6, 5, NULL), YK__OK);
    yk__mask_paint_add(&paint, bits, 1, 1, 2, 2, dark);
    yk__mask_paint_add(&paint, bits, 2, 1, 2, 2, red);
    yk__mask_paint_add(&paint, bits, 5, 4, 2, 2, red);   /* sticks out */
    yk__mask_paint_add(&paint, bits, -1, -1, 2, 2, red); /* on the other side */
    yk__mask_paint_end(&paint, &image);
    assert_int_equal(pixel(&image, 1, 1)[0], (101 + 41) / 2);
    const uint8_t *both = pixel(&image, 2, 1);
    assert_int_equal(both[2], 125);                     /* red: 101/4 + 100 */
    assert_int_equal(both[0], (int)(101 / 4.0 + 20.5)); /* blue: 41 is the larger */
    assert_int_equal(pixel(&image, 3, 1)[2], (101 + 200) / 2);
    assert_int_equal(pixel(&image, 3, 1)[1], 50);
    assert_int_equal(pixel(&image, 1, 2)[0], 101);
    assert_int_equal(pixel(&image, 5, 4)[2], 150);
    assert_int_equal(pixel(&image, 0, 0)[2], 150);
    assert_int_equal(changed(&image, 101), 7); /* 3 + 3, one of them shared, and two at the borders */
    yk__image_free(&image);
}

static void test_many_masks(void **unused) {
    (void)unused;
    yk__image image;
    yk__mask_paint paint;
    const uint8_t bit = 1, white[3] = {255, 255, 255};
    make(&image, 1, 1, 255);
    assert_int_equal(yk__mask_paint_begin(&paint, 1, 1, NULL), YK__OK);
    for (int i = 0; i < 1000; i++) yk__mask_paint_add(&paint, &bit, 0, 0, 1, 1, white);
    yk__mask_paint_end(&paint, &image);
    assert_int_equal(image.pixels[0], 127); /* 0 + 127.5 */
    yk__image_free(&image);
}

static void test_disc_and_line(void **unused) {
    (void)unused;
    yk__image image;
    const uint8_t rgb[3] = {10, 20, 30};
    const float middle[2] = {20, 15}, end[2] = {30, 15}, nowhere[2] = {NAN, 3}, far[2] = {-1e30f, 1e30f};
    make(&image, 40, 30, 0);
    yk__paint_disc(&image, middle, 5, rgb);
    int n = changed(&image, 0);
    assert_true(n > 75 && n < 105); /* pi * 25 = 79 pixels, and a rim of antialiasing */
    assert_int_equal(pixel(&image, 20, 15)[0], 30);
    assert_int_equal(pixel(&image, 20, 15)[2], 10);
    assert_int_equal(pixel(&image, 26, 15)[0], 0);
    memset(image.pixels, 0, image.stride_bytes * 30);
    yk__paint_line(&image, middle, end, 3, rgb);
    assert_int_equal(pixel(&image, 25, 14)[1], 20);
    assert_int_equal(pixel(&image, 25, 17)[1], 0);
    memset(image.pixels, 0, image.stride_bytes * 30);
    yk__paint_line(&image, nowhere, end, 3, rgb);
    yk__paint_line(&image, middle, nowhere, 3, rgb);
    yk__paint_disc(&image, far, 5, rgb);
    assert_int_equal(changed(&image, 0), 0);
    yk__image_free(&image);
}

/* Points of low visibility are hidden; without visibility, points at (0, 0). */
static void test_hidden_points(void **unused) {
    (void)unused;
    yk__image image;
    const float seen[6] = {20, 15, 0.3f, 60, 15, 0.2f}, missing[4] = {0, 0, 60, 15};
    make(&image, 80, 30, 0);
    yk__draw_pose(&image, seen, 2, 3, 0);
    assert_true(pixel(&image, 20, 15)[0] + pixel(&image, 20, 15)[1] + pixel(&image, 20, 15)[2] > 0);
    assert_int_equal(pixel(&image, 60, 15)[0] + pixel(&image, 60, 15)[1] + pixel(&image, 60, 15)[2], 0);
    memset(image.pixels, 0, image.stride_bytes * 30);
    yk__draw_pose(&image, missing, 2, 2, 0);
    assert_int_equal(pixel(&image, 0, 0)[0] + pixel(&image, 0, 0)[1] + pixel(&image, 0, 0)[2], 0);
    assert_true(changed(&image, 0) > 0);
    yk__image_free(&image);
}

/* A person's shoulders and hips are joined, four points of another kind of thing are not. */
static void test_skeleton(void **unused) {
    (void)unused;
    yk__image image;
    float points[17 * 3] = {0};
    make(&image, 200, 100, 0);
    points[5 * 3] = 20, points[5 * 3 + 1] = 50, points[5 * 3 + 2] = 1; /* shoulders */
    points[6 * 3] = 180, points[6 * 3 + 1] = 50, points[6 * 3 + 2] = 1;
    yk__draw_pose(&image, points, 17, 3, 2);
    assert_true(pixel(&image, 100, 50)[0] + pixel(&image, 100, 50)[1] + pixel(&image, 100, 50)[2] > 0);
    memset(image.pixels, 0, image.stride_bytes * 100);
    yk__draw_pose(&image, points, 16, 3, 2);
    assert_int_equal(pixel(&image, 100, 50)[0] + pixel(&image, 100, 50)[1] + pixel(&image, 100, 50)[2], 0);
    yk__image_free(&image);
}

static void test_oriented_crop(void **unused) {
    (void)unused;
    yk__image image, crop = {0};
    make(&image, 20, 10, 0);
    for (int y = 0; y < 10; y++)
        for (int x = 0; x < 20; x++) image.pixels[(size_t)y * image.stride_bytes + (size_t)x * 3] = (uint8_t)(10 * y + x);
    yk__image_view view = yk__image_as_view(&image);
    const float upright[5] = {7, 5, 6, 4, 0}, turned[5] = {7, 5, 4, 6, 1.5707964f}, out[5] = {0, 5, 4, 2, 0};
    assert_int_equal(yk__image_crop_oriented(&crop, &view, upright, NULL), YK__OK);
    assert_int_equal(crop.width, 6);
    assert_int_equal(crop.height, 4);
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 6; x++) assert_int_equal(pixel(&crop, x, y)[0], pixel(&image, 4 + x, 3 + y)[0]);
    yk__image_free(&crop);
    /* a quarter turn: going right in the crop goes down in the picture, going down goes left */
    assert_int_equal(yk__image_crop_oriented(&crop, &view, turned, NULL), YK__OK);
    for (int y = 0; y < 6; y++)
        for (int x = 0; x < 4; x++) assert_int_equal(pixel(&crop, x, y)[0], pixel(&image, 10 - y, 3 + x)[0]);
    yk__image_free(&crop);
    assert_int_equal(yk__image_crop_oriented(&crop, &view, out, NULL), YK__OK);
    assert_int_equal(pixel(&crop, 0, 0)[0], 0); /* outside is black */
    assert_int_equal(pixel(&crop, 2, 1)[0], pixel(&image, 0, 5)[0]);
    yk__image_free(&crop);
    const float thin[5] = {7, 5, 0.5f, 2.5f, 0}, empty[5] = {7, 5, 0, 4, 0}, broken[5] = {7, INFINITY, 5, 4, 0},
                huge[5] = {7, 5, 1e30f, 4, 0};
    assert_int_equal(yk__image_crop_oriented(&crop, &view, thin, NULL), YK__OK);
    assert_true(crop.width == 1 && crop.height == 2); /* 2.5: half to even */
    yk__image_free(&crop);
    assert_int_equal(yk__image_crop_oriented(&crop, &view, empty, NULL), YK__ARGUMENT);
    assert_int_equal(yk__image_crop_oriented(&crop, &view, broken, NULL), YK__ARGUMENT);
    assert_int_equal(yk__image_crop_oriented(&crop, &view, huge, NULL), YK__OK);
    assert_int_equal(crop.width, 23); /* the diagonal of 20 x 10 */
    yk__image_free(&crop);
    yk__image_free(&image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masks),         cmocka_unit_test(test_many_masks), cmocka_unit_test(test_disc_and_line),
        cmocka_unit_test(test_hidden_points), cmocka_unit_test(test_skeleton),   cmocka_unit_test(test_oriented_crop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
