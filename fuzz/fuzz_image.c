/* Decodes whatever comes, as one kind of picture (YK__FUZZ_KIND): nothing may crash, leak, print or run long, and what is
 * accepted must be a picture that agrees with itself and with the limits. */
#include <stdint.h>
#include <stdlib.h>

#include "image/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

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
    yk__image_free(&image);
    return 0;
}
