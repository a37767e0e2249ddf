/* src/image: recognising, decoding, limits, orientation, encoding and drawing. Pictures are made here: a few bytes by hand,
 * or written by the encoder and then damaged. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "image/decode.h"
#include "image/draw.h"
#include "image/encode.h"

/* fontconfig keeps what it read from its configuration files without a pointer that the leak checker could follow. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libfontconfig";
}

#define BYTES(text) text, sizeof(text) - 1

static yk__code decode(const void *bytes, size_t n, yk__image *out, yk__error *err) {
    return yk__image_decode(bytes, n, "a.pic", NULL, out, err);
}

static void assert_pixels(const yk__image *image, int width, int height, const char *bgr) {
    assert_int_equal(image->width, width);
    assert_int_equal(image->height, height);
    assert_memory_equal(image->pixels, bgr, (size_t)width * (size_t)height * 3);
}

static void expect_pixels(const char *bytes, size_t n, int width, int height, const char *bgr) {
    yk__image image = {0};
    yk__error err = {0};
    if (decode(bytes, n, &image, &err) != YK__OK) fail_msg("%s", err.message);
    assert_pixels(&image, width, height, bgr);
    yk__image_free(&image);
}

static void expect_failure(const void *bytes, size_t n, yk__code code, const char *word) {
    yk__image image = {0};
    yk__error err = {0};
    yk__code found = decode(bytes, n, &image, &err);
    if (found != code || !strstr(err.message, word)) {
        fail_msg("code %d (%s), not %d with \"%s\"", (int)found, err.message, (int)code, word);
    }
    assert_null(image.pixels);
}

/* A picture without symmetry, smooth enough for JPEG. */
static yk__image make_picture(int width, int height) {
    yk__image image = {0};
    assert_int_equal(yk__image_create(&image, width, height, NULL), YK__OK);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            uint8_t *p = image.pixels + (size_t)y * image.stride_bytes + (size_t)x * 3;
            p[0] = (uint8_t)(255 * x / width), p[1] = (uint8_t)(255 * y / height), p[2] = (uint8_t)(40 + 50 * (x > y));
        }
    }
    return image;
}

static void test_sniff(void **unused) {
    (void)unused;
    static const struct {
        const char *bytes;
        size_t n;
        yk__image_kind kind;
    } cases[] = {
        {BYTES("\xFF\xD8\xFF\xE0"), YK__KIND_JPEG},
        {BYTES("\x89PNG\r\n\x1A\n"), YK__KIND_PNG},
        {BYTES("RIFF....WEBPVP8 "), YK__KIND_WEBP},
        {BYTES("RIFF....AVI LIST"), YK__KIND_VIDEO},
        {BYTES("BM......"), YK__KIND_BMP},
        {BYTES("II*\0\x08\0\0\0"), YK__KIND_TIFF},
        {BYTES("MM\0*\0\0\0\x08"), YK__KIND_TIFF},
        {BYTES("P6\n1 1\n255\n"), YK__KIND_PNM},
        {BYTES("P7\nWIDTH 1"), YK__KIND_PAM},
        {BYTES("Pf\n1 1\n"), YK__KIND_PFM},
        {BYTES("\0\0\0\x1C"
               "ftypavif\0\0\0\0"),
         YK__KIND_AVIF},
        {BYTES("\0\0\0\x18"
               "ftypmif1\0\0\0\0mif1avif"),
         YK__KIND_AVIF},
        {BYTES("\0\0\0\x18"
               "ftypheic\0\0\0\0mif1heic"),
         YK__KIND_HEIC},
        {BYTES("\0\0\0\x18"
               "ftypisom\0\0\x02\0isomiso2"),
         YK__KIND_VIDEO},
        {BYTES("GIF89a"), YK__KIND_GIF},
        {BYTES("\0\0\0\x0CjP  \r\n\x87\n"), YK__KIND_JPEG2000},
        {BYTES("\xFF\x0A\0\0"), YK__KIND_JPEGXL},
        {BYTES("8BPS\0\1"), YK__KIND_PSD},
        {BYTES("%PDF-1.7"), YK__KIND_PDF},
        {BYTES("hello world"), YK__KIND_UNKNOWN},
        {BYTES("P6x"), YK__KIND_UNKNOWN},
        {BYTES("B"), YK__KIND_UNKNOWN},
        {BYTES(""), YK__KIND_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yk__image_kind kind = yk__image_sniff(cases[i].bytes, cases[i].n);
        if (kind != cases[i].kind) fail_msg("case %zu is %s", i, yk__image_kind_name(kind));
    }
    assert_int_equal(yk__image_sniff(NULL, 5), YK__KIND_UNKNOWN);
    assert_string_equal(yk__image_kind_name(YK__KIND_WEBP), "WebP");
    assert_true(yk__image_kind_readable(YK__KIND_JPEG));
    assert_false(yk__image_kind_readable(YK__KIND_GIF));
}

static void test_refusals_name_the_reason(void **unused) {
    (void)unused;
    expect_failure("", 0, YK__IMAGE, "empty");
    expect_failure(NULL, 0, YK__IMAGE, "a.pic");
    expect_failure(BYTES("just some text"), YK__IMAGE, "no known format");
    expect_failure(BYTES("GIF89a\1\0\1\0"), YK__UNSUPPORTED, "GIF");
    expect_failure(BYTES("\xFF\xD8\xFF"), YK__IMAGE, "truncated JPEG");
}

/* Two rows of two pixels, the lower one first, each padded to 8 bytes. */
static const char bmp24[] =
    "BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\2\0\0\0\2\0\0\0\1\0\x18\0\0\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0"
    "\0\0\0\0\0\0\0\0"
    "\1\2\3\4\5\6\0\0\7\10\11\12\13\14\0\0";

static void test_bmp(void **unused) {
    (void)unused;
    expect_pixels(bmp24, sizeof bmp24 - 1, 2, 2, "\7\10\11\12\13\14\1\2\3\4\5\6");
    for (size_t n = 2; n < sizeof bmp24 - 1; n++) expect_failure(bmp24, n, YK__IMAGE, "BMP");

    char top_down[sizeof bmp24];
    memcpy(top_down, bmp24, sizeof bmp24);
    memcpy(top_down + 22, "\xFE\xFF\xFF\xFF", 4);
    expect_pixels(top_down, sizeof bmp24 - 1, 2, 2, "\1\2\3\4\5\6\7\10\11\12\13\14");

    char odd[sizeof bmp24];
    memcpy(odd, bmp24, sizeof bmp24);
    odd[28] = 7; /* bits a pixel */
    expect_failure(odd, sizeof bmp24 - 1, YK__UNSUPPORTED, "7 bits");
    memcpy(odd, bmp24, sizeof bmp24);
    memcpy(odd + 18, "\xFF\xFF\xFF\x7F", 4); /* width */
    expect_failure(odd, sizeof bmp24 - 1, YK__IMAGE_LIMIT, "side");
    memcpy(odd + 18, "\0\0\0\0", 4);
    expect_failure(odd, sizeof bmp24 - 1, YK__IMAGE, "0 x 2");
}

#define RLE8_HEADER(width, height) \
    "BM\0\0\0\0\0\0\0\0\x3E\0\0\0\x28\0\0\0" width "\0\0\0" height "\0\0\0\1\0\x08\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" \
    "\2\0\0\0\0\0\0\0\1\1\1\0\2\2\2\0"

static void test_bmp_runs(void **unused) {
    (void)unused;
    /* three of colour 1 end the row and begin the next; one of colour 0; end of picture fills */
    expect_pixels(BYTES(RLE8_HEADER("\3", "\2") "\3\1\1\0\0\1"), 3, 2, "\1\1\1\1\1\1\1\1\1\2\2\2\2\2\2\2\2\2");
    expect_failure(BYTES(RLE8_HEADER("\3", "\2") "\4\1\0\1"), YK__IMAGE, "crosses the end of row");
    expect_failure(BYTES(RLE8_HEADER("\3", "\2") "\3\1"), YK__IMAGE, "truncated");
    expect_failure(BYTES(RLE8_HEADER("\3", "\2") "\0\7abcdefgh"), YK__IMAGE, "crosses the end of row");
}

static void test_pnm(void **unused) {
    (void)unused;
    expect_pixels(BYTES("P1 # c\n3 1 01 0"), 3, 1, "\xFF\xFF\xFF\0\0\0\xFF\xFF\xFF");
    expect_pixels(BYTES("P2\n2 1\n10\n5 20\n"), 2, 1, "\x7F\x7F\x7F\xFF\xFF\xFF");
    expect_pixels(BYTES("P3 1 1 255 1 2 3\n"), 1, 1, "\3\2\1");
    expect_pixels(BYTES("P3 1 1 65535 256 513 65535\n"), 1, 1, "\xFF\2\1");
    expect_pixels(BYTES("P4\n9 1\n\x80\0"), 9, 1,
                  "\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
    expect_pixels(BYTES("P5 2 1 100\n\x05\xC8"), 2, 1, "\5\5\5\xC8\xC8\xC8");
    expect_pixels(BYTES("P5 1 1 300\n\1\xFF"), 1, 1, "\1\1\1");
    expect_pixels(BYTES("P6 1 1 255\n\1\2\3"), 1, 1, "\3\2\1");
    expect_failure(BYTES("P6 1 1 255\n\1\2"), YK__IMAGE, "truncated");
    expect_failure(BYTES("P2 1 1 255 5"), YK__IMAGE, "truncated"); /* no byte behind the number, as in the reference */
    expect_failure(BYTES("P2 1 1 255 x\n"), YK__IMAGE, "where a number belongs");
    expect_failure(BYTES("P5 1 1 0\n1"), YK__IMAGE, "largest value");
    expect_failure(BYTES("P5 99999999999 1 255\n1"), YK__IMAGE, "over 2^31");
}

static void test_limits(void **unused) {
    (void)unused;
    static const char claims[] = "P6 20000 20000 255\n";
    expect_failure(claims, sizeof claims - 1, YK__IMAGE_LIMIT, "over the limit of 268435456");
    expect_failure(BYTES("P6 9000 9000 255\n"), YK__IMAGE_LIMIT, "more than a file of 17 bytes can hold");
    expect_failure(BYTES("P6 2000000 1 255\n"), YK__IMAGE_LIMIT, "a side");

    static const char small[] = "P6 2 2 255\n123456789012";
    const yk__image_limits pass = {.max_pixels = 4, .max_side = 2, .max_bytes = 24};
    const yk__image_limits stop[] = {{.max_pixels = 3}, {.max_side = 1}, {.max_bytes = 23}};
    yk__image image = {0};
    assert_int_equal(yk__image_decode(small, sizeof small - 1, NULL, &pass, &image, NULL), YK__OK);
    yk__image_free(&image);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(yk__image_decode(small, sizeof small - 1, NULL, &stop[i], &image, NULL), YK__IMAGE_LIMIT);
        assert_null(image.pixels);
    }
}

/* Orientation k of a w x h picture: where the upright pixel (x, y) comes from (TIFF 6.0, tag 274). */
static void source_of(int k, int w, int h, int x, int y, int *sx, int *sy) {
    bool turned = k >= 5 && k <= 8;
    int u = turned ? y : x, v = turned ? x : y;
    *sx = k == 2 || k == 3 || k == 7 || k == 8 ? w - 1 - u : u;
    *sy = k == 3 || k == 4 || k == 6 || k == 7 ? h - 1 - v : v;
}

static void assert_oriented(const yk__image *upright, const yk__image *stored, int k) {
    bool turned = k >= 5 && k <= 8;
    assert_int_equal(upright->width, turned ? stored->height : stored->width);
    assert_int_equal(upright->height, turned ? stored->width : stored->height);
    for (int y = 0; y < upright->height; y++) {
        for (int x = 0; x < upright->width; x++) {
            int sx, sy;
            source_of(k, stored->width, stored->height, x, y, &sx, &sy);
            const uint8_t *a = upright->pixels + (size_t)y * upright->stride_bytes + (size_t)x * 3;
            const uint8_t *b = stored->pixels + (size_t)sy * stored->stride_bytes + (size_t)sx * 3;
            if (memcmp(a, b, 3) != 0) fail_msg("orientation %d at (%d, %d)", k, x, y);
        }
    }
}

static void test_orient(void **unused) {
    (void)unused;
    for (int k = -1; k <= 10; k++) {
        yk__image stored = make_picture(35, 18), upright = make_picture(35, 18);
        assert_int_equal(yk__image_orient(&upright, k, NULL), YK__OK);
        assert_oriented(&upright, &stored, k);
        yk__image_free(&stored);
        yk__image_free(&upright);
    }
}

/* Puts an APP1 segment with an orientation behind a JPEG's first two bytes; free() the result. */
static uint8_t *with_exif(const uint8_t *jpeg, size_t n, int orientation, size_t *size) {
    uint8_t segment[] = "\xFF\xE1\0\x22"
                        "Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\0\0\0\0\0\0\0";
    size_t n_segment = 2 + 0x22;
    segment[29] = (uint8_t)orientation;
    uint8_t *out = malloc(n + n_segment);
    assert_non_null(out);
    memcpy(out, jpeg, 2);
    memcpy(out + 2, segment, n_segment);
    memcpy(out + 2 + n_segment, jpeg + 2, n - 2);
    *size = n + n_segment;
    return out;
}

static void test_jpeg(void **unused) {
    (void)unused;
    for (int full_chroma = 0; full_chroma < 2; full_chroma++) {
        yk__image image = make_picture(37, 22), plain = {0};
        yk__image_view view = yk__image_as_view(&image);
        uint8_t *bytes;
        size_t n;
        assert_int_equal(yk__encode_jpeg(&view, 95, full_chroma, &bytes, &n, NULL), YK__OK);
        assert_int_equal(decode(bytes, n, &plain, NULL), YK__OK);
        double squares = 0;
        for (size_t i = 0; i < image.allocated; i++) squares += pow((double)image.pixels[i] - plain.pixels[i], 2);
        /* quality 95 keeps the mean square error of this smooth picture near 4; one diagonal edge of red blurs with 4:2:0 */
        assert_true(squares / (double)image.allocated < (full_chroma ? 8 : 60));

        for (int k = 0; k <= 9; k++) {
            size_t size;
            uint8_t *turned = with_exif(bytes, n, k, &size);
            yk__image upright = {0};
            assert_int_equal(decode(turned, size, &upright, NULL), YK__OK);
            assert_oriented(&upright, &plain, k);
            yk__image_free(&upright);
            free(turned);
        }
        for (size_t cut = 2; cut < n; cut++) {
            yk__image none = {0};
            uint8_t *exact = malloc(cut); /* so that the sanitizer sees a read beyond */
            assert_non_null(exact);
            memcpy(exact, bytes, cut);
            assert_int_not_equal(decode(exact, cut, &none, NULL), YK__OK);
            free(exact);
        }
        yk__free(bytes);
        yk__image_free(&plain);
        yk__image_free(&image);
    }
}

static void test_formats_of_views(void **unused) {
    (void)unused;
    uint8_t pixels[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    static const struct {
        yk__pixel_format format;
        const char *bgr; /* of two pixels, in rows of 12 bytes */
    } cases[] = {{YK__PIXEL_BGR8, "\1\2\3\4\5\6"},
                 {YK__PIXEL_RGB8, "\3\2\1\6\5\4"},
                 {YK__PIXEL_GRAY8, "\1\1\1\2\2\2"},
                 {YK__PIXEL_BGRA8, "\1\2\3\5\6\7"},
                 {YK__PIXEL_RGBA8, "\3\2\1\7\6\5"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yk__image_view view = {.format = cases[i].format, .width = 2, .height = 1, .planes = {pixels}, .stride_bytes = {12}};
        yk__image image = {0};
        assert_int_equal(yk__image_to_bgr(&view, &image, NULL), YK__OK);
        assert_pixels(&image, 2, 1, cases[i].bgr);
        yk__image_free(&image);
        uint8_t *bytes;
        size_t n;
        yk__code code = yk__encode_png(&view, &bytes, &n, NULL);
        if (!yk__image_kind_readable(YK__KIND_PNG)) {
            assert_int_equal(code, YK__UNSUPPORTED);
            continue;
        }
        assert_int_equal(code, YK__OK);
        assert_int_equal(decode(bytes, n, &image, NULL), YK__OK);
        assert_pixels(&image, 2, 1, cases[i].bgr);
        yk__image_free(&image);
        yk__free(bytes);
        assert_int_equal(yk__encode_jpeg(&view, 90, true, &bytes, &n, NULL), YK__OK);
        assert_int_equal(decode(bytes, n, &image, NULL), YK__OK);
        /* quantisation steps at quality 90 move a sample by a few levels; a swapped or skipped channel is caught above */
        for (int k = 0; k < 6; k++) assert_true(abs(image.pixels[k] - cases[i].bgr[k]) <= 8);
        yk__image_free(&image);
        yk__free(bytes);
    }
}

static void test_views_are_checked(void **unused) {
    (void)unused;
    uint8_t pixels[12] = {0};
    const yk__image_view good = {.format = YK__PIXEL_BGR8, .width = 2, .height = 2, .planes = {pixels}, .stride_bytes = {6}};
    assert_int_equal(yk__image_view_check(&good, NULL), YK__OK);
    yk__image_view bad[6] = {good, good, good, good, good, good};
    bad[0].planes[0] = NULL;
    bad[1].width = 0;
    bad[2].stride_bytes[0] = 5;
    bad[3].format = YK__PIXEL_NV12;
    bad[4].memory = YK__MEMORY_DEVICE;
    bad[5].height = -3;
    for (int i = 0; i < 6; i++) {
        yk__image image = {0};
        uint8_t *bytes = NULL;
        size_t n;
        assert_int_equal(yk__image_to_bgr(&bad[i], &image, NULL), YK__ARGUMENT);
        assert_int_equal(yk__encode_jpeg(&bad[i], 90, true, &bytes, &n, NULL), YK__ARGUMENT);
        assert_int_equal(yk__encode_png(&bad[i], &bytes, &n, NULL), YK__ARGUMENT);
        assert_true(!image.pixels && !bytes);
    }
    uint8_t *bytes;
    size_t n;
    assert_int_equal(yk__encode_jpeg(&good, 0, true, &bytes, &n, NULL), YK__ARGUMENT);
    assert_int_equal(yk__encode_jpeg(&good, 101, true, &bytes, &n, NULL), YK__ARGUMENT);
    assert_int_equal(yk__image_view_check(NULL, NULL), YK__ARGUMENT);
    yk__image image = {0};
    assert_int_equal(yk__image_create(&image, 0, 5, NULL), YK__ARGUMENT);
}

static void test_png(void **unused) {
    (void)unused;
    if (!yk__image_kind_readable(YK__KIND_PNG)) skip();
    yk__image image = make_picture(61, 47), back = {0};
    yk__image_view view = yk__image_as_view(&image);
    uint8_t *bytes;
    size_t n;
    assert_int_equal(yk__encode_png(&view, &bytes, &n, NULL), YK__OK);
    assert_int_equal(decode(bytes, n, &back, NULL), YK__OK);
    assert_pixels(&back, 61, 47, (const char *)image.pixels);
    yk__image_free(&back);
    for (size_t cut = 8; cut < n; cut++) {
        uint8_t *exact = malloc(cut);
        assert_non_null(exact);
        memcpy(exact, bytes, cut);
        expect_failure(exact, cut, YK__IMAGE, "PNG");
        free(exact);
    }
    bytes[n / 2] ^= 1; /* a checksum no longer fits */
    expect_failure(bytes, n, YK__IMAGE, "PNG");
    yk__free(bytes);
    yk__image_free(&image);
}

/* Every allocation of ours that can fail, in turn: an error, nothing leaked (the sanitizer looks), nothing half made. */
static void test_out_of_memory(void **unused) {
    (void)unused;
    yk__image image = make_picture(20, 12);
    yk__image_view view = yk__image_as_view(&image);
    uint8_t *files[3];
    size_t sizes[3], n_files = 1;
    assert_int_equal(yk__encode_jpeg(&view, 90, false, &files[0], &sizes[0], NULL), YK__OK);
    if (yk__image_kind_readable(YK__KIND_PNG)) {
        assert_int_equal(yk__encode_png(&view, &files[1], &sizes[1], NULL), YK__OK);
        n_files = 2;
    }
    for (size_t f = 0; f < n_files; f++) {
        for (uint64_t k = 1;; k++) {
            yk__image out = {0};
            yk__alloc_fail_after(k);
            yk__code code = decode(files[f], sizes[f], &out, NULL);
            yk__alloc_fail_after(0);
            if (code == YK__OK) {
                assert_true(k > 1); /* at least one allocation was made to fail */
                yk__image_free(&out);
                break;
            }
            assert_int_equal(code, YK__MEMORY);
            assert_null(out.pixels);
        }
        yk__free(files[f]);
    }
    for (int png = 0; png < (int)n_files; png++) {
        for (uint64_t k = 1;; k++) {
            uint8_t *bytes = NULL;
            size_t n;
            yk__alloc_fail_after(k);
            yk__code code = png ? yk__encode_png(&view, &bytes, &n, NULL) : yk__encode_jpeg(&view, 90, true, &bytes, &n, NULL);
            yk__alloc_fail_after(0);
            if (code == YK__OK) {
                yk__free(bytes);
                break;
            }
            assert_int_equal(code, YK__MEMORY);
            assert_null(bytes);
        }
    }
    yk__image_free(&image);
}

static void test_draw_rules(void **unused) {
    (void)unused;
    /* PARITY 9.3 by hand: (1080 + 810 + 3) / 2 * 0.003 = 2.84; (1080 + 1920 + 3) / 2 * 0.003 = 4.5045 */
    assert_int_equal(yk__draw_line_width(810, 1080), 3);
    assert_int_equal(yk__draw_line_width(1920, 1080), 5);
    assert_int_equal(yk__draw_line_width(10, 10), 2);
    uint8_t fill[3], text[3];
    yk__draw_color(5, fill, text);
    assert_memory_equal(fill, "\xFF\x6F\xDD", 3);
    assert_memory_equal(text, "\x11\x1F\x68", 3);
    yk__draw_color(24, fill, text);
    assert_memory_equal(fill, "\x11\x1F\x68", 3);
    assert_memory_equal(text, "\xFF\xFF\xFF", 3);
    yk__draw_color(-7, fill, text);
    assert_memory_equal(fill, "\x04\x2A\xFF", 3);
}

static void test_draw(void **unused) {
    (void)unused;
    yk__image image = {0};
    assert_int_equal(yk__image_create(&image, 200, 120, NULL), YK__OK);
    memset(image.pixels, 90, image.allocated);
    yk__draw_item items[6] = {{.class_id = 0, .label = "person 0.91"}, {.class_id = 2, .label = "\xFF\xFE not UTF-8"},
                              {.class_id = 3, .label = NULL},          {.class_id = 4, .label = "far away"},
                              {.class_id = 5, .label = "nowhere"},     {.class_id = 6, .label = ""}};
    const float boxes[6][4] = {{40, 40, 160, 100},    {-20, -20, 30, 30},    {190, 110, 260, 180},
                               {-1e30f, 5, 1e30f, 9}, {NAN, 0, INFINITY, 1}, {5, 110, 6, 111}};
    for (int i = 0; i < 6; i++) yk__draw_set_box(&items[i], boxes[i]);
    char *endless = malloc(100000);
    assert_non_null(endless);
    memset(endless, 'x', 99999);
    endless[99999] = 0;
    items[3].label = endless;

    yk__code code = yk__draw_items(&image, items, 6, 0, NULL);
    if (!yk__draw_available()) {
        assert_int_equal(code, YK__UNSUPPORTED);
    } else {
        assert_int_equal(code, YK__OK);
        /* the lower edge of the first box: lines of width 2 around y = 100 fill rows 99 and 100 with class 0's colour */
        for (int x = 45; x < 155; x++) {
            assert_memory_equal(image.pixels + 99 * image.stride_bytes + (size_t)x * 3, "\xFF\x2A\x04", 3);
            assert_memory_equal(image.pixels + 98 * image.stride_bytes + (size_t)x * 3, "ZZZ", 3);
        }
        assert_memory_equal(image.pixels + 70 * image.stride_bytes + 100 * 3, "ZZZ", 3); /* inside nothing changes */
        yk__image empty = {0};
        assert_int_equal(yk__draw_items(&empty, items, 1, 0, NULL), YK__ARGUMENT);
        assert_int_equal(yk__draw_items(&image, NULL, 0, 0, NULL), YK__OK);
    }
    free(endless);
    yk__image_free(&image);
}

/* Files that once made a decoder misbehave: whatever they give, they give it without harm. */
static void test_regressions(void **unused) {
    (void)unused;
    static const char folder[] = "tests/golden/images";
    DIR *dir = opendir(folder);
    if (!dir) skip();
    int n = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.') continue;
        char path[512];
        yk__map map = {0};
        yk__image image = {0};
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        assert_int_equal(yk__map_open(&map, path, 0, NULL), YK__OK);
        yk__error err = {0};
        if (decode(map.data, map.size, &image, &err) != YK__OK) assert_true(err.message[0]);
        yk__image_free(&image);
        yk__map_close(&map);
        n++;
    }
    closedir(dir);
    print_message("%d files\n", n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sniff),
        cmocka_unit_test(test_refusals_name_the_reason),
        cmocka_unit_test(test_bmp),
        cmocka_unit_test(test_bmp_runs),
        cmocka_unit_test(test_pnm),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_orient),
        cmocka_unit_test(test_jpeg),
        cmocka_unit_test(test_formats_of_views),
        cmocka_unit_test(test_views_are_checked),
        cmocka_unit_test(test_png),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_draw_rules),
        cmocka_unit_test(test_draw),
        cmocka_unit_test(test_regressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
