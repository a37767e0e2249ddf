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
static inline void plan_record(made_plan *p, plan_layout layout, unsigned tag, uint64_t value, int bytes) {
    plan_number(p, layout == PLAN_7 ? tag : tag | 0x8000, 2);
    plan_number(p, 1, 2);
    plan_number(p, value, bytes);
}

/* The payload of the inner archive: version, compute capability, clocks, bus, L2, shared memory, texture alignment, SMs,
 * filler. */
static inline void plan_payload(made_plan *p, plan_layout layout, const uint8_t version[4]) {
    for (int i = 0; i < 4; i++) plan_record(p, layout, 0x02, version[i], 1);
    if (layout >= PLAN_86) plan_record(p, layout, 0x07, 0, 4);
    plan_record(p, layout, 0x07, 8, 4);
    plan_record(p, layout, 0x07, 7, 4);
    plan_record(p, layout, 0x07, 1020000, 4);
    plan_record(p, layout, 0x07, 612000, 4);
    plan_record(p, layout, 0x07, 128, 4);
    plan_record(p, layout, 0x08, 2097152, 8);
    plan_record(p, layout, 0x07, 49152, 4);
    plan_record(p, layout, 0x07, 167936, 4);
    plan_record(p, layout, 0x07, 512, 4);
    plan_record(p, layout, 0x07, 8, 4);
    for (int i = 0; i < 200; i++) plan_number(p, (uint64_t)(i * 37 & 255), 1);
    if (layout >= PLAN_86) plan_number(p, 0x8b8d8b8f, 4); /* NOT of "ptrt" */
}

static inline void plan_archive(made_plan *p, plan_layout layout, const uint8_t version[4]) {
    size_t start = p->n;
    plan_put(p, "ptrt", 4);
    if (layout == PLAN_10_WEIGHTS) {
        plan_number(p, 239, 4);
        plan_number(p, 0, 8);
        plan_number(p, 0, 4);
    } else {
        plan_number(p, layout == PLAN_7 ? 97 : 0, 4);
        plan_number(p, layout == PLAN_7 ? 211 : layout == PLAN_82 ? 205 : layout == PLAN_86 ? 236 : 239, 4);
        plan_number(p, 0, 8);
        plan_number(p, 0, 4);
    }
    size_t header = p->n - start;
    plan_payload(p, layout, version);
    size_t payload = p->n - start - header;
    plan_set(p, start + (layout == PLAN_10_WEIGHTS ? 8 : layout == PLAN_7 ? 12 : 16), payload, 8);
    if (layout == PLAN_7) plan_set(p, start + 20, plan_crc(p->bytes + start + header, payload), 4);
}

static inline void plan_section(made_plan *p, size_t entry, const char *name, size_t at) {
    memcpy(p->bytes + entry, name, 4);
    plan_set(p, entry + 8, at, 8);
    plan_set(p, entry + 16, p->n - at, 8);
    while (p->n % 8) plan_number(p, 0, 1);
}

static inline void make_plan(made_plan *p, plan_layout layout, const uint8_t version[4]) {
    static const uint8_t footer[] = {0x99, 0x8b, 0x8d, 0x8b}; /* NOT of "ftrt" */
    *p = (made_plan){0};
    if (layout < PLAN_86) {
        plan_archive(p, layout, version);
        return;
    }
    int n_sections = layout == PLAN_10_WEIGHTS ? 2 : 1;
    plan_put(p, "ftrt", 4);
    plan_number(p, 0, 4);
    plan_number(p, (uint64_t)n_sections, 8);
    plan_number(p, 0, 8);
    plan_put(p, version, 4);
    plan_put(p, layout == PLAN_86 ? "\0\0\0\0" : "utrt", 4);
    for (int i = 0; i < 24 * n_sections; i++) plan_number(p, 0, 1);
    size_t at = p->n;
    plan_archive(p, layout, version);
    plan_section(p, 0x20, "NGNE", at);
    if (n_sections == 2) {
        at = p->n;
        for (int i = 0; i < 100; i++) plan_number(p, (uint64_t)(i * 11 & 255), 1);
        plan_section(p, 0x38, "THGW", at);
    }
    plan_put(p, footer, 4);
    plan_set(p, 0x10, p->n, 8);
}

#endif
