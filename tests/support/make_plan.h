/* TensorRT plans made up for tests: containers, headers and first records as plans of several releases have them, weights and
 * layers replaced by filler. No TensorRT would load them. */
#ifndef YK_TEST_MAKE_PLAN_H
#define YK_TEST_MAKE_PLAN_H

#include <assert.h>
#include <stdint.h>
#include <string.h>

typedef enum plan_layout {
    PLAN_7,          /* "ptrt", 24 bytes of header, length at 12, CRC-32 at 20 */
    PLAN_82,         /* "ptrt", 24 bytes, length at 16, no end record */
    PLAN_86,         /* "ftrt" around it, no platform tag */
    PLAN_10,         /* "ftrt", platform tag */
    PLAN_10_WEIGHTS, /* two sections, inner header of 20 bytes */
    PLAN_LAYOUTS
} plan_layout;

typedef struct plan_spec {
    plan_layout layout;
    uint8_t version[4];
    const char *platform; /* four characters; NULL: zeros */
    int compute[2], sm_count;
    int hardware_level; /* of 8.6 and later */
    uint32_t serialization, safe;
} plan_spec;

/* One of each generation, as it could have been built on real machines. */
static const plan_spec plan_specs[PLAN_LAYOUTS] = {
    {PLAN_7, {7, 1, 3, 4}, NULL, {7, 5}, 40, 0, 211, 97},
    {PLAN_82, {8, 2, 1, 8}, NULL, {7, 2}, 6, 0, 205, 0},
    {PLAN_86, {8, 6, 1, 6}, NULL, {8, 9}, 128, 0, 236, 0},
    {PLAN_10, {10, 3, 0, 30}, "utrt", {8, 7}, 8, 0, 239, 0},
    {PLAN_10_WEIGHTS, {10, 6, 0, 26}, "rtrt", {8, 6}, 46, 0, 239, 0},
};

typedef struct made_plan {
    uint8_t bytes[2048];
    size_t n;
} made_plan;

static inline void plan_put(made_plan *p, const void *bytes, size_t n) {
    assert(n <= sizeof p->bytes - p->n);
    memcpy(p->bytes + p->n, bytes, n);
    p->n += n;
}

static inline void plan_number(made_plan *p, uint64_t number, int bytes) {
    for (int i = 0; i < bytes; i++) plan_put(p, &(uint8_t){(uint8_t)(number >> (8 * i))}, 1);
}

static inline void plan_set(made_plan *p, size_t at, uint64_t number, int bytes) {
    for (int i = 0; i < bytes; i++) p->bytes[at + (size_t)i] = (uint8_t)(number >> (8 * i));
}

/* CRC-32 as zlib has it. */
static inline uint32_t plan_crc(const uint8_t *bytes, size_t n) {
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

/* A record: tag, record version 1, value. From 8.x on tags have bit 15 set. */
static inline void plan_record(made_plan *p, const plan_spec *spec, unsigned tag, uint64_t value, int bytes) {
    plan_number(p, spec->layout == PLAN_7 ? tag : tag | 0x8000, 2);
    plan_number(p, 1, 2);
    plan_number(p, value, bytes);
}

static inline void plan_i32(made_plan *p, const plan_spec *spec, int64_t value) {
    plan_record(p, spec, 0x07, (uint64_t)value, 4);
}

static inline void plan_u64(made_plan *p, const plan_spec *spec, uint64_t value) {
    plan_record(p, spec, 0x08, value, 8);
}

/* The device: compute capability, clocks, bus, L2, shared memory, texture alignment, SMs, integrated, grids, memory. */
static inline void plan_device(made_plan *p, const plan_spec *spec) {
    const int old = spec->layout == PLAN_7, has_level = spec->layout >= PLAN_86;
    plan_record(p, spec, old ? 0x21 : spec->layout == PLAN_86 ? 0xe5 : 0xd2, 0, 0);
    if (has_level) plan_i32(p, spec, spec->hardware_level);
    if (!old) {
        plan_record(p, spec, 0x12, 0, 0);
        plan_record(p, spec, 0x10, 0, 0);
    }
    plan_i32(p, spec, spec->compute[0]);
    plan_i32(p, spec, spec->compute[1]);
    plan_i32(p, spec, 1020000);
    plan_i32(p, spec, 612000);
    plan_i32(p, spec, 128);
    plan_u64(p, spec, 2097152);
    if (has_level) plan_u64(p, spec, 65536);
    if (old) {
        plan_u64(p, spec, 49152);
        plan_u64(p, spec, 65536);
        plan_u64(p, spec, 512);
    } else {
        plan_i32(p, spec, 49152);
        plan_i32(p, spec, 167936);
        plan_i32(p, spec, 512);
    }
    plan_i32(p, spec, spec->sm_count);
    plan_record(p, spec, 0x0a, 1, 1);
    plan_i32(p, spec, 1024);
    plan_i32(p, spec, 0x7fffffff);
    plan_i32(p, spec, 0xffff);
    plan_i32(p, spec, 0xffff);
    if (spec->layout >= PLAN_10) plan_i32(p, spec, 0);
    plan_record(p, spec, old ? 0x08 : 0x09, 7990939648u, 8);
    plan_i32(p, spec, 1);
    if (old) return;
    plan_number(p, 0xffff & ~0x8010u, 2);
    plan_number(p, 0xffff & ~0x8012u, 2);
}

static inline void plan_payload(made_plan *p, const plan_spec *spec) {
    for (int i = 0; i < 4; i++) plan_record(p, spec, 0x02, spec->version[i], 1);
    plan_device(p, spec);
    uint32_t state = 7;
    for (int i = 0; i < 700; i++) {
        state = state * 1664525u + 1013904223u;
        plan_number(p, state >> 24, 1);
    }
    plan_number(p, 0x0a8b0d0a, 4);                              /* line ends, for tests of text mode */
    if (spec->layout >= PLAN_86) plan_number(p, 0x8b8d8b8f, 4); /* NOT of "ptrt" */
}

static inline void plan_archive(made_plan *p, const plan_spec *spec) {
    const int short_header = spec->layout == PLAN_10_WEIGHTS, old = spec->layout == PLAN_7;
    size_t start = p->n;
    plan_put(p, "ptrt", 4);
    if (!short_header) plan_number(p, spec->safe, 4);
    plan_number(p, spec->serialization, 4);
    plan_number(p, 0, 8);
    plan_number(p, 0, 4);
    size_t header = p->n - start;
    plan_payload(p, spec);
    size_t payload = p->n - start - header;
    plan_set(p, start + (short_header ? 8 : old ? 12 : 16), payload, 8);
    if (old) plan_set(p, start + 20, plan_crc(p->bytes + start + header, payload), 4);
}

static inline void plan_section(made_plan *p, size_t entry, const char *name, size_t at) {
    memcpy(p->bytes + entry, name, 4);
    plan_set(p, entry + 8, at, 8);
    plan_set(p, entry + 16, p->n - at, 8);
    while (p->n % 8) plan_number(p, 0, 1);
}

static inline void make_plan_of(made_plan *p, const plan_spec *spec) {
    static const uint8_t footer[] = {0x99, 0x8b, 0x8d, 0x8b}; /* NOT of "ftrt" */
    *p = (made_plan){0};
    if (spec->layout < PLAN_86) {
        plan_archive(p, spec);
        return;
    }
    int n_sections = spec->layout == PLAN_10_WEIGHTS ? 2 : 1;
    plan_put(p, "ftrt", 4);
    plan_number(p, 0, 4);
    plan_number(p, (uint64_t)n_sections, 8);
    plan_number(p, 0, 8);
    plan_put(p, spec->version, 4);
    plan_put(p, spec->platform ? spec->platform : "\0\0\0\0", 4);
    for (int i = 0; i < 24 * n_sections; i++) plan_number(p, 0, 1);
    size_t at = p->n;
    plan_archive(p, spec);
    plan_section(p, 0x20, "NGNE", at);
    if (n_sections == 2) {
        at = p->n;
        for (int i = 0; i < 100; i++) plan_number(p, (uint64_t)(i * 11 & 255), 1);
        plan_section(p, 0x38, "THGW", at);
    }
    plan_put(p, footer, 4);
    plan_set(p, 0x10, p->n, 8);
}

static inline void make_plan(made_plan *p, plan_layout layout, const uint8_t version[4]) {
    plan_spec spec = plan_specs[layout];
    memcpy(spec.version, version, 4);
    make_plan_of(p, &spec);
}

#endif
