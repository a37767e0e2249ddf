/* Every picture of the shared reference answers: decoded bytes, letterboxed network inputs and classification crops must
 * have the SHA-256 that the reference program found, and what it could not read must be refused.
 *
 * The reference files are described at the head of reference/make_reference.py in the shared folder. */
#include <glob.h>
#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include <jansson.h>

#include "base/checksum.h"
#include "base/file.h"
#include "base/memory.h"
#include "image/decode.h"
#include "task/classify_crop.h"
#include "task/letterbox.h"

#define RECT_STRIDE 32 /* of the reference's rect inputs: max(32, the models' strides, all 32) */

static char shared[4096];
static int n_mismatches;

typedef struct picture_case {
    const char *reference; /* file name, for messages */
    const char *task;
    int imgsz;
    const char *image;
    const json_t *entry;
} picture_case;

static void mismatch(const picture_case *c, const char *what, const char *found, const char *expected) {
    n_mismatches++;
    print_error("%s: %s: %s: found %s, expected %s\n", c->reference, c->image, what, found, expected);
}

static void check_bytes(const picture_case *c, const char *what, const json_t *expected, const uint8_t *bytes, int height,
                        int width) {
    const json_t *shape = json_object_get(expected, "shape");
    char found[128], wanted[128], sum[65];
    yk__sha256_hex(bytes, (size_t)height * (size_t)width * 3, sum);
    snprintf(found, sizeof found, "%d x %d x 3, %s", height, width, sum);
    snprintf(wanted, sizeof wanted, "%d x %d x %d, %s", (int)json_integer_value(json_array_get(shape, 0)),
             (int)json_integer_value(json_array_get(shape, 1)), (int)json_integer_value(json_array_get(shape, 2)),
             json_string_value(json_object_get(expected, "sha256")));
    if (strcmp(found, wanted) != 0) mismatch(c, what, found, wanted);
}

static void check_letterbox(const picture_case *c, const char *kind, int stride, const yk__image *image) {
    yk__letterbox box;
    yk__image_view view = yk__image_as_view(image);
    assert_int_equal(yk__letterbox_fit(image->width, image->height, c->imgsz, c->imgsz, stride, &box, NULL), YK__OK);
    size_t n = (size_t)box.width * (size_t)box.height * 3;
    uint8_t *pixels = yk__alloc(n);
    assert_non_null(pixels);
    assert_int_equal(yk__letterbox_apply(&box, &view, 114, pixels, (size_t)box.width * 3, NULL, NULL, NULL), YK__OK);
    check_bytes(c, kind, json_object_get(json_object_get(c->entry, kind), "input"), pixels, box.height, box.width);
    yk__free(pixels);
}

static void check_crop(const picture_case *c, const yk__image *image) {
    yk__classify_crop crop;
    yk__image_view view = yk__image_as_view(image);
    assert_int_equal(yk__classify_crop_fit(image->width, image->height, c->imgsz, c->imgsz, &crop, NULL), YK__OK);
    uint8_t *pixels = yk__alloc((size_t)c->imgsz * (size_t)c->imgsz * 3);
    assert_non_null(pixels);
    assert_int_equal(yk__classify_crop_apply(&crop, &view, true, pixels, (size_t)c->imgsz * 3, NULL), YK__OK);
    check_bytes(c, "crop", json_object_get(json_object_get(c->entry, "square"), "input"), pixels, c->imgsz, c->imgsz);
    yk__free(pixels);
}

static void check_picture(const picture_case *c) {
    char path[8192];
    snprintf(path, sizeof path, "%s/%s", shared, c->image);
    yk__map map = {0};
    yk__error err = {0};
    yk__image image = {0};
    assert_int_equal(yk__map_open(&map, path, 0, &err), YK__OK);
    yk__code code = yk__image_decode(map.data, map.size, c->image, NULL, &image, &err);
    yk__map_close(&map);
    if (json_is_true(json_object_get(c->entry, "unreadable"))) {
        if (code == YK__OK) mismatch(c, "decode", "a picture", "unreadable");
        assert_true(code == YK__OK || err.message[0]);
    } else if (code != YK__OK) {
        mismatch(c, "decode", err.message, "a picture");
    } else {
        check_bytes(c, "decoded", json_object_get(c->entry, "decoded"), image.pixels, image.height, image.width);
        if (strcmp(c->task, "classify") == 0) {
            check_crop(c, &image);
        } else {
            check_letterbox(c, "square", 0, &image);
            check_letterbox(c, "rect", RECT_STRIDE, &image);
        }
    }
    yk__image_free(&image);
}

static int check_reference(const char *path) {
    json_error_t json_error;
    json_t *doc = json_load_file(path, 0, &json_error);
    assert_non_null(doc);
    const json_t *images = json_object_get(doc, "images");
    size_t n = json_array_size(images);
    for (size_t i = 0; i < n; i++) {
        const json_t *entry = json_array_get(images, i);
        picture_case c = {.reference = strrchr(path, '/') + 1,
                          .task = json_string_value(json_object_get(doc, "task")),
                          .imgsz = (int)json_integer_value(json_object_get(doc, "imgsz")),
                          .image = json_string_value(json_object_get(entry, "image")),
                          .entry = entry};
        check_picture(&c);
    }
    json_decref(doc);
    return (int)n;
}

static void test_all_references(void **unused) {
    (void)unused;
    char pattern[8192];
    snprintf(pattern, sizeof pattern, "%s/reference/*.json", shared);
    glob_t files;
    assert_int_equal(glob(pattern, 0, NULL, &files), 0);
    int n = 0;
    for (size_t i = 0; i < files.gl_pathc; i++) n += check_reference(files.gl_pathv[i]);
    print_message("%d pictures of %zu reference files\n", n, files.gl_pathc);
    globfree(&files);
    assert_true(n > 0);
    assert_int_equal(n_mismatches, 0);
}

int main(void) {
    const char *named = getenv("YOLK_SHARED");
    snprintf(shared, sizeof shared, "%s", named && *named ? named : "../shared");
    char folder[8192];
    struct stat st;
    snprintf(folder, sizeof folder, "%s/reference", shared);
    if (stat(folder, &st) != 0) {
        printf("skipped: %s does not exist\n", folder);
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_references)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
