/* Letterbox and classification geometry against numbers that the reference program gave, pixels against plain
 * restatements of PARITY 3.1 and 4.2, boxes back to the picture to the last bit. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "image/resize.h"
#include "task/classify_crop.h"
#include "task/letterbox.h"

/* Source, target, stride; then what Ultralytics 8.4.190's LetterBox made of it; then the box {10.3, 20.7, 0.8 W, 0.77 H} in
 * network pixels and what its scale_boxes made of it. */
static const struct {
    int w, h, target_w, target_h, stride, width, height, scaled_w, scaled_h, left, top;
    float box[4], back[4];
} fits[] = {
    {810,
     1080,
     640,
     640,
     0,
     640,
     640,
     480,
     640,
     80,
     0,
     {0x1.49999ap+3f, 0x1.4b3334p+4f, 0x1p+9f, 0x1.ecccccp+8f},
     {0x0p+0f, 0x1.177334p+5f, 0x1.6c8p+9f, 0x1.9fccccp+9f}},
    {810,
     1080,
     640,
     640,
     32,
     480,
     640,
     480,
     640,
     0,
     0,
     {0x1.49999ap+3f, 0x1.4b3334p+4f, 0x1.8p+8f, 0x1.ecccccp+8f},
     {0x1.16199ap+4f, 0x1.177334p+5f, 0x1.44p+9f, 0x1.9fccccp+9f}},
    {1280,
     720,
     640,
     640,
     32,
     640,
     384,
     640,
     360,
     0,
     12,
     {0x1.49999ap+3f, 0x1.4b3334p+4f, 0x1p+9f, 0x1.27ae14p+8f},
     {0x1.49999ap+4f, 0x1.166668p+4f, 0x1p+10f, 0x1.1bae14p+9f}},
    {1,
     1000,
     640,
     640,
     0,
     640,
     640,
     1,
     640,
     319,
     0,
     {0x1.49999ap+3f, 0x1.4b3334p+4f, 0x1p+9f, 0x1.eccccc0p+8f},
     {0x0p+0f, 0x1.02c002p+5f, 0x1p+0f, 0x1.81p+9f}},
    {1000,
     1,
     640,
     640,
     32,
     640,
     32,
     640,
     1,
     0,
     15,
     {0x1.49999ap+3f, 0x1.4b3334p+4f, 0x1p+9f, 0x1.8a3d7p+4f},
     {0x1.018p+4f, 0x1p+0f, 0x1.9p+9f, 0x1p+0f}},
    {333,
     500,
     416,
     416,
     32,
     288,
     416,
     277,
     416,
     5,
     0,
     {0x1.49999ap+3f, 0x1.4b3334p+4f, 0x1.ccccccp+7f, 0x1.4051ecp+8f},
     {0x1.97c656p+2f, 0x1.8e13b2p+4f, 0x1.0ef7dep+8f, 0x1.81p+8f}},
    {640,
     480,
     320,
     640,
     0,
     320,
     640,
     320,
     240,
     0,
     200,
     {0x1.49999ap+3f, 0x1.4b3334p+4f, 0x1p+8f, 0x1.eccccc0p+8f},
     {0x1.49999ap+4f, 0x0p+0f, 0x1p+9f, 0x1.ep+8f}},
    {37,
     53,
     640,
     640,
     32,
     448,
     640,
     447,
     640,
     0,
     0,
     {0x1.49999ap+3f, 0x1.4b3334p+4f, 0x1.666666p+8f, 0x1.eccccc0p+8f},
     {0x1.b48468p-1f, 0x1.b6d70ap+0f, 0x1.daa8d4p+4f, 0x1.467aep+5f}},
    {1919,
     1081,
     640,
     384,
     64,
     640,
     384,
     640,
     361,
     0,
     11,
     {0x1.49999ap+3f, 0x1.4b3334p+4f, 0x1p+9f, 0x1.27ae14p+8f},
     {0x1.ee247cp+4f, 0x1.d0bd7ep+4f, 0x1.7fccce0p+10f, 0x1.aa3b3ep+9f}},
    {501,
     375,
     640,
     640,
     32,
     640,
     480,
     640,
     479,
     0,
     0,
     {0x1.49999ap+3f, 0x1.4b3334p+4f, 0x1p+9f, 0x1.71999ap+8f},
     {0x1.0203d8p+3f, 0x1.034a4ap+4f, 0x1.90ccce0p+8f, 0x1.215a52p+8f}},
    {427,
     640,
     640,
     640,
     0,
     640,
     640,
     427,
     640,
     106,
     0,
     {0x1.49999ap+3f, 0x1.4b3334p+4f, 0x1p+9f, 0x1.eccccc0p+8f},
     {0x0p+0f, 0x1.4b3334p+4f, 0x1.96p+8f, 0x1.eccccc0p+8f}},
    {5,
     3,
     64,
     64,
     32,
     64,
     64,
     64,
     38,
     0,
     13,
     {0x1.49999ap+3f, 0x1.4b3334p+4f, 0x1.99999ap+5f, 0x1.8a3d7p+5f},
     {0x1.9cp-1f, 0x1.373dfcp-1f, 0x1p+2f, 0x1.6e9e72p+1f}},
};
#define N_FITS (sizeof fits / sizeof *fits)

static void test_geometry(void **unused) {
    (void)unused;
    for (size_t i = 0; i < N_FITS; i++) {
        yk__letterbox b;
        assert_int_equal(yk__letterbox_fit(fits[i].w, fits[i].h, fits[i].target_w, fits[i].target_h, fits[i].stride, &b, NULL),
                         YK__OK);
        assert_int_equal(b.width, fits[i].width);
        assert_int_equal(b.height, fits[i].height);
        assert_int_equal(b.scaled_width, fits[i].scaled_w);
        assert_int_equal(b.scaled_height, fits[i].scaled_h);
        assert_int_equal(b.left, fits[i].left);
        assert_int_equal(b.top, fits[i].top);
    }
    yk__letterbox b;
    assert_int_equal(yk__letterbox_fit(0, 5, 640, 640, 32, &b, NULL), YK__ARGUMENT);
    assert_int_equal(yk__letterbox_fit(5, 5, 640, 0, 32, &b, NULL), YK__ARGUMENT);
    assert_int_equal(yk__letterbox_fit(5, 5, 640, 640, -1, &b, NULL), YK__ARGUMENT);
}

static void test_boxes_come_back(void **unused) {
    (void)unused;
    for (size_t i = 0; i < N_FITS; i++) {
        yk__scale_back back = yk__scale_back_make(fits[i].width, fits[i].height, fits[i].w, fits[i].h);
        float box[4];
        memcpy(box, fits[i].box, sizeof box);
        yk__scale_back_box(&back, box);
        for (int k = 0; k < 4; k++) {
            if (box[k] != fits[i].back[k])
                fail_msg("case %zu, value %d: %a, not %a", i, k, (double)box[k], (double)fits[i].back[k]);
        }
    }
}

/* The older rule by hand: 810 x 1080 in 640 x 640 has gain 16/27 and pads (640 - 480) / 2 = 80 and 0. */
static void test_other_ways_back(void **unused) {
    (void)unused;
    float gain = (float)(640.0 / 1080.0);
    yk__scale_back v5 = yk__scale_back_make_v5(640, 640, 810, 1080);
    float box[4] = {100, 200, 700, 639};
    yk__scale_back_box(&v5, box);
    assert_true(box[0] == (100.0f - 80.0f) / gain && box[1] == 200.0f / gain && box[2] == 810.0f && box[3] == 639.0f / gain);

    /* oriented boxes keep what lies outside */
    yk__scale_back back = yk__scale_back_make(640, 640, 810, 1080);
    float xywh[4] = {0, 650, 100, 50};
    yk__scale_back_obb(&back, xywh);
    assert_true(xywh[0] == -80.0f / back.gain_x && xywh[1] == 650.0f / back.gain_y);
    assert_true(xywh[2] == 100.0f / back.gain_x && xywh[3] == 50.0f / back.gain_y);

    float nowhere[2] = {NAN, INFINITY};
    yk__scale_back_point(&back, nowhere);
    assert_true(nowhere[0] == 0.0f && nowhere[1] == 1080.0f);
}

static void fill(yk__image *image, uint32_t seed) {
    for (size_t i = 0; i < image->allocated; i++) image->pixels[i] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
}

static void test_pixels_and_padding(void **unused) {
    (void)unused;
    yk__image image = {0};
    assert_int_equal(yk__image_create(&image, 50, 30, NULL), YK__OK);
    fill(&image, 1);
    yk__image_view view = yk__image_as_view(&image);
    yk__letterbox b;
    assert_int_equal(yk__letterbox_fit(50, 30, 64, 64, 0, &b, NULL), YK__OK);
    uint8_t dst[64][64 * 3 + 9], inside[38][64 * 3];
    memset(dst, 1, sizeof dst);
    assert_int_equal(yk__letterbox_apply(&b, &view, 114, dst[0], sizeof dst[0], NULL, NULL, NULL), YK__OK);
    assert_int_equal(b.scaled_height, 38);
    assert_int_equal(yk__resize_bilinear(&view, inside[0], 64, 38, sizeof inside[0], NULL, NULL, NULL), YK__OK);
    for (int y = 0; y < 64; y++) {
        for (int i = 0; i < 64 * 3; i++) {
            int want = y >= b.top && y < b.top + 38 ? inside[y - b.top][i] : 114;
            assert_int_equal(dst[y][i], want);
        }
        for (int i = 64 * 3; i < 64 * 3 + 9; i++) assert_int_equal(dst[y][i], 1);
    }
    view.width = 49;
    assert_int_equal(yk__letterbox_apply(&b, &view, 114, dst[0], sizeof dst[0], NULL, NULL, NULL), YK__ARGUMENT);
    view.width = 50;
    assert_int_equal(yk__letterbox_apply(&b, &view, 114, dst[0], 64 * 3 - 1, NULL, NULL, NULL), YK__ARGUMENT);
    yk__image_free(&image);
}

/* Source, side; then torchvision's resized size and crop offsets. */
static const int crops[][7] = {
    {810, 1080, 224, 224, 298, 0, 37}, {1280, 720, 224, 398, 224, 87, 0}, {100, 100, 64, 64, 64, 0, 0},
    {33, 1000, 64, 64, 1939, 0, 938},  {1000, 33, 32, 969, 32, 468, 0},   {501, 375, 224, 299, 224, 38, 0},
    {64, 64, 64, 64, 64, 0, 0},        {7, 5, 32, 44, 32, 6, 0},
};

static void test_crop_geometry(void **unused) {
    (void)unused;
    for (size_t i = 0; i < sizeof crops / sizeof *crops; i++) {
        const int *c = crops[i];
        yk__classify_crop crop;
        assert_int_equal(yk__classify_crop_fit(c[0], c[1], c[2], c[2], &crop, NULL), YK__OK);
        assert_int_equal(crop.scaled_width, c[3]);
        assert_int_equal(crop.scaled_height, c[4]);
        assert_int_equal(crop.left, c[5]);
        assert_int_equal(crop.top, c[6]);
    }
    yk__classify_crop crop;
    assert_int_equal(yk__classify_crop_fit(100, 50, 64, 32, &crop, NULL), YK__OK); /* not square: stretched, nothing cropped */
    assert_true(crop.scaled_width == 64 && crop.scaled_height == 32 && crop.left == 0 && crop.top == 0);
    assert_int_equal(yk__classify_crop_fit(1, 1 << 30, 1 << 20, 1 << 20, &crop, NULL), YK__ARGUMENT);
}

/* PARITY 4.2 for one axis of one channel, straight from the text; step and stride in bytes. */
static void pillow_axis(const uint8_t *in, size_t step, int n_in, uint8_t *out, size_t out_step, int n_out) {
    if (n_in == n_out) {
        for (int x = 0; x < n_out; x++) out[(size_t)x * out_step] = in[(size_t)x * step];
        return;
    }
    double scale = (double)n_in / n_out, F = scale > 1 ? scale : 1, ss = 1 / F;
    for (int x = 0; x < n_out; x++) {
        double c = (x + 0.5) * scale, weight[4096], sum = 0;
        int low = (int)(c - F + 0.5), high = (int)(c + F + 0.5);
        if (low < 0) low = 0;
        if (high > n_in) high = n_in;
        for (int k = low; k < high; k++) {
            double u = fabs((k - c + 0.5) * ss);
            weight[k - low] = u < 1 ? 1 - u : 0;
            sum += weight[k - low];
        }
        int total = 1 << 21;
        for (int k = low; k < high; k++) total += in[(size_t)k * step] * (int)(0.5 + weight[k - low] / sum * (1 << 22));
        total >>= 22;
        out[(size_t)x * out_step] = (uint8_t)(total < 0 ? 0 : total > 255 ? 255 : total);
    }
}

static void check_crop(int w, int h, int side_w, int side_h, uint32_t seed) {
    yk__image image = {0};
    yk__classify_crop crop;
    assert_int_equal(yk__image_create(&image, w, h, NULL), YK__OK);
    fill(&image, seed);
    yk__image_view view = yk__image_as_view(&image);
    assert_int_equal(yk__classify_crop_fit(w, h, side_w, side_h, &crop, NULL), YK__OK);
    size_t nw = (size_t)crop.scaled_width, nh = (size_t)crop.scaled_height;
    uint8_t *across = malloc(nw * (size_t)h * 3), *whole = malloc(nw * nh * 3),
            *dst = malloc((size_t)side_w * (size_t)side_h * 3);
    assert_true(across && whole && dst);
    for (int c = 0; c < 3; c++) {
        for (size_t y = 0; y < (size_t)h; y++) {
            pillow_axis(image.pixels + y * image.stride_bytes + c, 3, w, across + y * nw * 3 + c, 3, (int)nw);
        }
        for (size_t x = 0; x < nw; x++) pillow_axis(across + x * 3 + c, nw * 3, h, whole + x * 3 + c, nw * 3, (int)nh);
    }
    for (int rgb = 0; rgb < 2; rgb++) {
        assert_int_equal(yk__classify_crop_apply(&crop, &view, rgb, dst, (size_t)side_w * 3, NULL), YK__OK);
        for (int y = 0; y < side_h; y++) {
            for (int i = 0; i < side_w * 3; i++) {
                size_t x = (size_t)(crop.left + i / 3), c = (size_t)(rgb ? 2 - i % 3 : i % 3);
                assert_int_equal(dst[(size_t)y * (size_t)side_w * 3 + (size_t)i],
                                 whole[((size_t)(crop.top + y) * nw + x) * 3 + c]);
            }
        }
    }
    free(across);
    free(whole);
    free(dst);
    yk__image_free(&image);
}

static void test_crop_pixels(void **unused) {
    (void)unused;
    check_crop(100, 80, 32, 32, 1);
    check_crop(80, 100, 32, 32, 2);
    check_crop(20, 31, 64, 64, 3);  /* up */
    check_crop(64, 90, 64, 64, 4);  /* the pass across is skipped */
    check_crop(64, 64, 64, 64, 5);  /* both are */
    check_crop(123, 45, 40, 24, 6); /* not square */
    check_crop(1, 1, 8, 8, 7);
    check_crop(3, 200, 8, 8, 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_geometry),        cmocka_unit_test(test_boxes_come_back),
        cmocka_unit_test(test_other_ways_back), cmocka_unit_test(test_pixels_and_padding),
        cmocka_unit_test(test_crop_geometry),   cmocka_unit_test(test_crop_pixels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
