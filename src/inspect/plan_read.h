/* Reads TensorRT plans: container, inner archive and its first records. Knows the layouts and judges nothing. They were read
 * off public sources and real files; no specification is published (docs/why-wont-it-load.md).
 *
 *   "ftrt" (8.6 and later): a header, a table of sections, sections, padding, a footer; the section ENGN holds an archive
 *   "ptrt" (7 to 8.5, and inside "ftrt"): a header of one of three layouts, then tagged records, which begin with the version
 *   neither (5): a u64 that is the file's length, then a FlatBuffer */
#ifndef YK_INSPECT_PLAN_READ_H
#define YK_INSPECT_PLAN_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum yk__plan_format { YK__PLAN_NONE, YK__PLAN_FTRT, YK__PLAN_PTRT } yk__plan_format;

enum {
    YK__PLAN_HEAD = 0x20,      /* bytes of a container's header ... */
    YK__PLAN_ENTRY = 24,       /* ... and of each entry of the table behind it */
    YK__PLAN_MAX_SECTIONS = 16 /* real ones have one or two */
};

typedef enum yk__archive_layout {
    YK__ARCHIVE_UNKNOWN,
    YK__ARCHIVE_OLD, /* 7.x: 24 bytes, payload size at 12, CRC-32 of the payload at 20 */
    YK__ARCHIVE_NEW, /* 8.0 and later: 24 bytes, payload size at 16 */
    YK__ARCHIVE_20   /* seen in 10.6, with separate weights: payload size at 8 */
} yk__archive_layout;

/* The GPU a plan was built on. Numbers that were not found are -1. */
typedef struct yk__plan_device {
    bool found;
    bool exact;             /* all records stand where they stood in every plan that was measured */
    int64_t hardware_level; /* 0: for this compute capability alone; -1 where plans have no such record */
    int64_t compute_major, compute_minor;
    int64_t sm_clock_khz, memory_clock_khz, bus_bits;
    int64_t l2_bytes, persisting_l2_bytes, shared_per_block, shared_per_sm, texture_alignment;
    int64_t sm_count;
    int64_t integrated; /* 0, 1 */
    int64_t memory_bytes;
} yk__plan_device;

typedef struct yk__plan_archive {
    bool magic;  /* "ptrt" stands there */
    uint64_t at; /* of the header, in the plan */
    yk__archive_layout layout;
    uint32_t header;       /* its bytes: 20, 24, 0 while the layout is unknown */
    int64_t safe;          /* serialization number of the safe runtime; -1: this layout has none */
    int64_t serialization; /* -1 while the layout is unknown */
    uint64_t payload;      /* bytes behind the header, as it states */
    uint32_t crc;          /* OLD only */
    bool has_version;
    uint8_t version[4];
    yk__plan_device device;
} yk__plan_archive;

typedef struct yk__plan_section {
    char name[5]; /* "ENGN": fourccs are stored least significant byte first */
    uint64_t offset, size;
} yk__plan_section;

typedef struct yk__plan {
    yk__plan_format format;
    bool whole_header; /* all of a container's header, or of an archive's, is at hand */
    /* FTRT */
    uint32_t container_version; /* 0 */
    uint64_t stated_sections;
    yk__plan_section sections[YK__PLAN_MAX_SECTIONS];
    int n_sections; /* entries that are at hand, at most as many as stated */
    uint8_t version[4], platform[4];
    /* both */
    uint64_t total; /* length by the header; 0 while not known */
    yk__plan_archive archive;
} yk__plan;

/* Reads what the first n bytes of a plan tell; looks at a bounded number of places. False when they are no plan. */
bool yk__plan_read(const uint8_t *bytes, size_t n, yk__plan *out);
/* The version that made it: the container's, or the archive's; NULL when neither is at hand. */
const uint8_t *yk__plan_version(const yk__plan *plan);
/* "linux-x86_64"; NULL when the tag is zero (8.6 records none) or not known. */
const char *yk__plan_platform(const uint8_t tag[4]);
/* Plans of this release were at hand when the layouts were read; what is said of others extrapolates. */
bool yk__plan_is_measured(const uint8_t version[4]);
/* TensorRT 5, and DLA loadables: the length in front, and a FlatBuffer's root inside. */
bool yk__plan_is_5(const uint8_t *bytes, size_t n, uint64_t size);

#endif
