/* The portable anymaps P1 to P6, plain and raw, 1 to 16 bits (netpbm's pbm, pgm and ppm manuals).
 *
 * As in the reference's reader, plain samples of up to 8 bits are scaled to 0..255 and raw ones are not; samples of 16 bits
 * give their high byte; each number must be followed by a byte. */
#include <string.h>

#include "base/memory.h"
#include "image/decode_codecs.h"

typedef struct pnm {
    const uint8_t *bytes;
    size_t size, at;
    yk__image *out;
    yk__error *err;
    bool raw;
    int channels; /* 1 or 3 */
    bool bitmap;  /* 1 = black */
    uint32_t width, height, max_value;
} pnm;

static yk__code truncated(const pnm *p) {
    return yk__fail(p->err, YK__IMAGE, "truncated PNM: its %zu bytes end before the picture does", p->size);
}

static bool is_digit(int c) {
    return c >= '0' && c <= '9';
}
static bool is_space(int c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int next(pnm *p) {
    return p->at < p->size ? p->bytes[p->at++] : -1;
}

/* A decimal after white space and comments; at most max_digits of it (0 = all). */
static yk__code read_number(pnm *p, int max_digits, uint32_t *out) {
    int c = next(p);
    while (!is_digit(c)) {
        if (c < 0) return truncated(p);
        if (c == '#') {
            do c = next(p);
            while (c >= 0 && c != '\n' && c != '\r');
        } else if (!is_space(c)) {
            return yk__fail(p->err, YK__IMAGE, "damaged PNM: byte %02x at %zu where a number belongs", (unsigned)c, p->at - 1);
        }
        c = next(p);
    }
    uint64_t value = 0;
    for (int n = 1;; n++) {
        value = value * 10 + (uint64_t)(c - '0');
        if (value > INT32_MAX) return yk__fail(p->err, YK__IMAGE, "damaged PNM: a number over 2^31 at byte %zu", p->at);
        if (n == max_digits) break;
        c = next(p);
        if (c < 0) return truncated(p);
        if (!is_digit(c)) break;
    }
    *out = (uint32_t)value;
    return YK__OK;
}

static yk__code read_header(pnm *p) {
    int kind = p->bytes[1] - '0';
    p->at = 2;
    p->raw = kind >= 4;
    p->bitmap = kind == 1 || kind == 4;
    p->channels = kind == 3 || kind == 6 ? 3 : 1;
    YK__TRY(read_number(p, 0, &p->width));
    YK__TRY(read_number(p, 0, &p->height));
    p->max_value = 1;
    if (!p->bitmap) YK__TRY(read_number(p, 0, &p->max_value));
    if (p->max_value < 1 || p->max_value > 65535) {
        return yk__fail(p->err, YK__IMAGE, "damaged PNM: its largest value is %u, which must be 1 to 65535", p->max_value);
    }
    return YK__OK;
}

static void put_sample(const pnm *p, uint8_t *row, size_t i, uint8_t value) {
    if (p->channels == 1) {
        memset(row + i * 3, value, 3);
    } else {
        row[i - i % 3 + (2 - i % 3)] = value; /* RGB to BGR */
    }
}

static yk__code read_plain_row(pnm *p, uint8_t *row) {
    for (size_t i = 0; i < (size_t)p->width * (size_t)p->channels; i++) {
        uint32_t v = 0;
        YK__TRY(read_number(p, p->bitmap ? 1 : 0, &v));
        if (p->bitmap) {
            put_sample(p, row, i, v ? 0 : 255);
            continue;
        }
        if (v > p->max_value) v = p->max_value;
        put_sample(p, row, i, (uint8_t)(p->max_value > 255 ? v >> 8 : v * 255 / p->max_value));
    }
    return YK__OK;
}

static yk__code read_raw_row(pnm *p, uint8_t *row) {
    size_t n = (size_t)p->width * (size_t)p->channels;
    size_t sample_bytes = p->max_value > 255 ? 2 : 1;
    size_t row_bytes = p->bitmap ? (n + 7) / 8 : n * sample_bytes;
    if (row_bytes > p->size - p->at) return truncated(p);
    const uint8_t *from = p->bytes + p->at;
    p->at += row_bytes;
    for (size_t i = 0; i < n; i++) { /* the first byte of two is the high one */
        put_sample(p, row, i, p->bitmap ? (from[i / 8] >> (7 - i % 8) & 1 ? 0 : 255) : from[i * sample_bytes]);
    }
    return YK__OK;
}

yk__code yk__decode_pnm(const yk__decode_job *job, yk__image *out, yk__error *err) {
    pnm p = {.bytes = job->bytes, .size = job->size, .out = out, .err = err};
    YK__TRY(read_header(&p));
    YK__TRY(yk__decode_admit(job, p.width, p.height, 0, err));
    YK__TRY(yk__image_create(out, (int32_t)p.width, (int32_t)p.height, err));
    for (uint32_t y = 0; y < p.height; y++) {
        uint8_t *row = out->pixels + (size_t)y * out->stride_bytes;
        YK__TRY(p.raw ? read_raw_row(&p, row) : read_plain_row(&p, row));
    }
    return YK__OK;
}
