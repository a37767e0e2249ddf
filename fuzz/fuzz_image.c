/* Decodes whatever comes, as one kind of picture (YK__FUZZ_KIND): nothing may crash, leak, print or run long, and what is
 * accepted must be a picture that agrees with itself and with the limits, and its rows the same when they are handed out one by
 * one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

typedef struct rows {
    const yk__image *whole; /* empty where the whole was refused */
    int32_t n;
} rows;

static yk__code begin(void *user, int32_t width, int32_t height, bool *take, yk__error *err) {
    const rows *r = user;
    (void)err;
    if (r->whole->pixels && (width != r->whole->width || height != r->whole->height)) abort();
    *take = true;
    return YK__OK;
}

static void compare(void *user, const uint8_t *bgr) {
    rows *r = user;
    const int32_t y = r->n++;
    if (!r->whole->pixels) return;
    if (y >= r->whole->height ||
        memcmp(bgr, r->whole->pixels + (size_t)y * r->whole->stride_bytes, (size_t)r->whole->width * 3) != 0)
        abort();
}

static void decode_rows(const uint8_t *bytes, size_t size, const yk__image_limits *limits, const yk__image *whole,
                        yk__code code) {
    rows r = {.whole = whole};
    yk__row_sink sink = {.begin = begin, .row = compare, .user = &r};
    yk__image rest = {0};
    yk__error err = {0};
    if (yk__image_decode_rows(bytes, size, "fuzz", limits, &sink, &rest, &err) != code) abort();
    if (code == YK__OK && sink.taken && (r.n != whole->height || rest.pixels)) abort();
    if (code == YK__OK && !sink.taken && !rest.pixels) abort();
    yk__image_free(&rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    /* small enough that a run takes milliseconds, large enough for every path */
    static const yk__image_limits limits = {.max_pixels = 1 << 18, .max_side = 1 << 12, .max_bytes = 1 << 25};
    if (yk__image_sniff(bytes, size) != YK__FUZZ_KIND) return -1; /* another target's business: not kept in the corpus */
    yk__image image = {0};
    yk__error err = {0};
    yk__code code = yk__image_decode(bytes, size, "fuzz", &limits, &image, &err);
    if (code == YK__OK) {
        uint64_t pixels = (uint64_t)image.width * (uint64_t)image.height;
        if (!image.pixels || pixels < 1 || pixels > limits.max_pixels || image.allocated < pixels * 3) abort();
        volatile uint8_t sink = 0;
        for (size_t i = 0; i < image.allocated; i++) sink ^= image.pixels[i];
    } else if (image.pixels || !err.message[0]) {
        abort();
    }
    decode_rows(bytes, size, &limits, &image, code);
    yk__image_free(&image);
    return 0;
}
