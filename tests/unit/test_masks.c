/* Masks against a plain restatement of PARITY 7 that makes whole masks, and run lengths against counting pixel by pixel. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/memory.h"
#include "task/mask.h"
#include "task/mask_rle.h"

static uint64_t seed = 7;

static float unit(void) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (float)(seed >> 40) / 16777216.0f;
}

static int between(int low, int high) {
    return low + (int)(unit() * (float)(high - low + 1));
}

/* ---- restatement ---- */

static float at_axis(int d, int n_in, int n_out, int *low, int *high) {
    float source = fmaxf(0, ((float)d + 0.5f) * ((float)n_in / (float)n_out) - 0.5f);
    *low = (int)source < n_in - 1 ? (int)source : n_in - 1;
    *high = *low + 1 < n_in ? *low + 1 : n_in - 1;
    return fminf(source - (float)*low, 1);
}

/* Bilinear, whole maps; from calloc. */
static float *enlarge(const float *from, int w, int h, int to_w, int to_h) {
    float *to = calloc((size_t)to_w * (size_t)to_h, sizeof *to);
    for (int y = 0; y < to_h; y++)
        for (int x = 0; x < to_w; x++) {
            int x0, x1, y0, y1;
            float fx = at_axis(x, w, to_w, &x0, &x1), fy = at_axis(y, h, to_h, &y0, &y1);
            float upper = (1 - fx) * from[y0 * w + x0] + fx * from[y0 * w + x1];
            float lower = (1 - fx) * from[y1 * w + x0] + fx * from[y1 * w + x1];
            to[y * to_w + x] = (1 - fy) * upper + fy * lower;
        }
    return to;
}

static float *cut(const float *from, int w, int left, int top, int to_w, int to_h) {
    float *to = calloc((size_t)to_w * (size_t)to_h, sizeof *to);
    for (int y = 0; y < to_h; y++)
        memcpy(to + (size_t)y * (size_t)to_w, from + (size_t)(y + top) * (size_t)w + left, (size_t)to_w * sizeof *to);
    return to;
}

static float *logits(const yk__prototypes *p, const float *coefficients) {
    float *out = calloc((size_t)p->width * (size_t)p->height, sizeof *out);
    for (int k = 0; k < p->n; k++)
        for (int i = 0; i < p->width * p->height; i++) out[i] += coefficients[k] * p->data[k * p->width * p->height + i];
    return out;
}

/* Logits at the picture's size: PARITY 7 "Masks, retina", sizes in doubles. */
static float *retina(const float *from, int mw, int mh, int w, int h) {
    double gain = fmin(4.0 * mh / h, 4.0 * mw / w);
    int pad = (4 * mh - (int)fmax(rint(h * gain), 1)) | (4 * mw - (int)fmax(rint(w * gain), 1)), both = pad | pad / 2;
    int f = both % 4 == 0 ? 1 : both % 2 == 0 ? 2 : 4;
    float *big = enlarge(from, mw, mh, f * mw, f * mh);
    double g = fmin((double)f * mh / h, (double)f * mw / w);
    int kept_w = (int)fmax(rint(w * g), 1), kept_h = (int)fmax(rint(h * g), 1);
    int left = (int)rint((f * mw - kept_w) / 2.0 - 0.1), top = (int)rint((f * mh - kept_h) / 2.0 - 0.1);
    float *part = cut(big, f * mw, left, top, kept_w, kept_h), *out = enlarge(part, kept_w, kept_h, w, h);
    free(big);
    free(part);
    return out;
}

static uint8_t *bits_of(const float *values, int w, int h, const float box[4]) {
    uint8_t *bits = calloc((size_t)w * (size_t)h, 1);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            bits[y * w + x] =
                (float)x >= box[0] && (float)x < box[2] && (float)y >= box[1] && (float)y < box[3] && values[y * w + x] > 0;
    return bits;
}

static void check_runs(const uint8_t *whole, const uint8_t *inside, const yk__mask_window *window, int w, int h) {
    int64_t *runs;
    size_t n, at = 0;
    int64_t length = 0;
    uint8_t value = 0;
    assert_int_equal(yk__mask_runs(inside, window, w, h, &runs, &n, NULL), YK__OK);
    for (int x = 0; x < w; x++)
        for (int y = 0; y < h; y++) {
            if (whole[y * w + x] != value) {
                assert_true(at < n);
                assert_int_equal(runs[at++], length);
                value = !value;
                length = 0;
            }
            length++;
        }
    assert_int_equal(at + 1, n);
    assert_int_equal(runs[at], length);
    yk__free(runs);
}

/* The logits of the cells that a window needs make the same mask; memory just as large shows that no other cell is read. */
static void check_logits(yk__mask_maker *maker, const yk__mask_grid *grid, const yk__prototypes *prototypes,
                         const float *coefficients, const yk__mask_window *window, const uint8_t *want) {
    const float one = 1;
    yk__mask_window cells = yk__mask_cells(grid, window);
    size_t n = (size_t)window->width * (size_t)window->height;
    assert_int_equal(cells.width > 0, window->width > 0);
    if (n == 0) return;
    assert_true(cells.x >= 0 && cells.x + cells.width <= prototypes->width);
    assert_true(cells.y >= 0 && cells.y + cells.height <= prototypes->height);
    float *map = malloc((size_t)cells.width * (size_t)cells.height * sizeof *map);
    uint8_t *got = malloc(n);
    yk__mask_logits(prototypes, coefficients, &cells, map);
    yk__prototypes part = {map, 1, cells.x, cells.y, cells.height, cells.width};
    yk__mask_fill(maker, &part, &one, window, got);
    assert_memory_equal(got, want, n);
    free(map);
    free(got);
}

/* One mask of ours against the restated one. */
static void check_mask(yk__mask_maker *maker, const yk__mask_grid *grid, const yk__prototypes *prototypes,
                       const float *coefficients, const float *values, const float box[4]) {
    int w = grid->x.n_out, h = grid->y.n_out;
    uint8_t *want = bits_of(values, w, h, box), *got = calloc((size_t)w * (size_t)h, 1), any = 0;
    yk__mask_window window = yk__mask_window_of(grid, box);
    uint8_t *inside = calloc((size_t)window.width * (size_t)window.height + 1, 1);
    yk__mask_fill(maker, prototypes, coefficients, &window, inside);
    check_logits(maker, grid, prototypes, coefficients, &window, inside);
    for (int y = 0; y < window.height; y++)
        memcpy(got + (size_t)(window.y + y) * (size_t)w + window.x, inside + (size_t)y * (size_t)window.width,
               (size_t)window.width);
    assert_memory_equal(got, want, (size_t)w * (size_t)h);
    for (int i = 0; i < w * h; i++) any |= want[i];
    assert_int_equal(yk__mask_any(maker, prototypes, coefficients, &window), any);
    if (window.width > 0) check_runs(want, inside, &window, w, h);
    free(want);
    free(got);
    free(inside);
}

static void check_picture(int mw, int mh, int w, int h, bool at_picture) {
    enum { N = 3, MASKS = 6 };
    float *data = calloc((size_t)(N * mw * mh), sizeof *data), coefficients[N];
    for (int i = 0; i < N * mw * mh; i++) data[i] = unit() - 0.5f;
    yk__prototypes prototypes = {.data = data, .n = N, .height = mh, .width = mw};
    yk__mask_grid grid = at_picture ? yk__mask_grid_picture(mw, mh, w, h) : yk__mask_grid_network(mw, mh, 4 * mw, 4 * mh);
    yk__mask_maker *maker = NULL;
    assert_int_equal(yk__mask_maker_create(&maker, &grid, NULL), YK__OK);
    for (int m = 0; m < MASKS; m++) {
        float low_x = (unit() - 0.1f) * (float)grid.x.n_out, low_y = (unit() - 0.1f) * (float)grid.y.n_out;
        float box[4] = {low_x, low_y, low_x + unit() * (float)grid.x.n_out, low_y + unit() * (float)grid.y.n_out};
        if (m == 0) box[0] = box[1] = -5, box[2] = box[3] = 1e6f; /* everything */
        if (m == 1) box[2] = box[0] + 0.3f;                       /* often between two columns */
        if (m == 2) box[3] = NAN;
        for (int k = 0; k < N; k++) coefficients[k] = unit() - 0.5f;
        if (m == 3) memset(coefficients, 0, sizeof coefficients); /* nothing is above 0 */
        float *low = logits(&prototypes, coefficients);
        float *values = at_picture ? retina(low, mw, mh, w, h) : enlarge(low, mw, mh, 4 * mw, 4 * mh);
        check_mask(maker, &grid, &prototypes, coefficients, values, box);
        free(low);
        free(values);
    }
    yk__mask_maker_destroy(&maker);
    free(data);
}

static void test_network_size(void **unused) {
    (void)unused;
    for (int i = 0; i < 20; i++) check_picture(8 * between(1, 4), 8 * between(1, 4), 0, 0, false);
}

static void test_picture_size(void **unused) {
    (void)unused;
    for (int i = 0; i < 40; i++) check_picture(8 * between(1, 4), 8 * between(1, 4), between(1, 200), between(1, 200), true);
}

/* A 1280x720 picture letterboxed to 640x384 has 12 rows of padding above and below: three whole cells, nothing to enlarge.
 * 810x1080 in 480x640 has none. 1278x1920 in 640x640: 426 of 640 columns are picture, 107 on either side: enlarged by 4. */
static void test_grids(void **unused) {
    (void)unused;
    yk__mask_grid wide = yk__mask_grid_picture(160, 96, 1280, 720);
    assert_int_equal(wide.y.n_middle, 96);
    assert_int_equal(wide.y.first, 3);
    assert_int_equal(wide.y.n_crop, 90);
    assert_int_equal(wide.x.first, 0);
    assert_int_equal(wide.x.n_crop, 160);
    yk__mask_grid tall = yk__mask_grid_picture(120, 160, 810, 1080);
    assert_int_equal(tall.y.n_middle, 160);
    assert_int_equal(tall.x.n_crop, 120);
    yk__mask_grid odd = yk__mask_grid_picture(160, 160, 1278, 1920);
    assert_int_equal(odd.x.n_middle, 640);
    assert_int_equal(odd.x.first, 107);
    assert_int_equal(odd.x.n_crop, 426);
}

static void test_window(void **unused) {
    (void)unused;
    yk__mask_grid grid = yk__mask_grid_network(160, 160, 640, 640);
    const float box[4] = {10.0f, 20.5f, 13.0f, 22.1f}; /* columns 10 11 12, rows 21 22 */
    yk__mask_window w = yk__mask_window_of(&grid, box);
    assert_int_equal(w.x, 10);
    assert_int_equal(w.width, 3);
    assert_int_equal(w.y, 21);
    assert_int_equal(w.height, 2);
    const float outside[4] = {-30, 0, -0.5f, 10}, turned[4] = {20, 0, 10, 10}, huge[4] = {-1e30f, 639.2f, 1e30f, INFINITY};
    assert_int_equal(yk__mask_window_of(&grid, outside).width, 0);
    assert_int_equal(yk__mask_window_of(&grid, turned).width, 0);
    assert_int_equal(yk__mask_window_of(&grid, huge).height, 0); /* row 640 is not there */
}

/* pycocotools' own example: 9 rows, 10 columns. */
static void test_compressed(void **unused) {
    (void)unused;
    const int64_t runs[] = {6, 1, 40, 4, 5, 4, 5, 4, 21};
    yk__text text = {0};
    yk__mask_runs_text(runs, sizeof runs / sizeof *runs, &text);
    assert_string_equal(yk__text_get(&text), "61X13mN000`0");
    yk__text_free(&text);
}

/* A full mask and one that wraps from a column's foot to the next one's head. */
static void test_runs_by_hand(void **unused) {
    (void)unused;
    const uint8_t full[6] = {1, 1, 1, 1, 1, 1}, wrap[6] = {0, 1, 0, 0, 1, 0}; /* 3 columns, 2 rows */
    const yk__mask_window all = {0, 0, 3, 2}, part = {1, 0, 2, 2};
    int64_t *runs;
    size_t n;
    assert_int_equal(yk__mask_runs(full, &all, 3, 2, &runs, &n, NULL), YK__OK);
    assert_int_equal(n, 2);
    assert_int_equal(runs[0], 0);
    assert_int_equal(runs[1], 6);
    yk__free(runs);
    check_runs(wrap, wrap, &all, 3, 2);
    const uint8_t foot[4] = {0, 1, 1, 0}, whole[6] = {0, 0, 1, 0, 1, 0}; /* column 1's foot, column 2's head */
    check_runs(whole, foot, &part, 3, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network_size), cmocka_unit_test(test_picture_size), cmocka_unit_test(test_grids),
        cmocka_unit_test(test_window),       cmocka_unit_test(test_compressed),   cmocka_unit_test(test_runs_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
