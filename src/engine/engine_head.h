/* The first 4,096 bytes of an engine file as a struct: shared by writer, reader and probe. */
#ifndef YK_ENGINE_ENGINE_HEAD_H
#define YK_ENGINE_ENGINE_HEAD_H

#include "engine/engine_format.h"
#include "engine/report.h"

typedef struct yk__head_summary {
    char task[17], layout[17], precision[17], writer[33], source[65];
    uint32_t height, width, classes, batch;
    uint64_t weights_bytes;
} yk__head_summary;

typedef struct yk__head_entry {
    char name[YK__ENTRY_NAME_BYTES + 1];
    uint32_t flags;
    uint64_t at, length, checksum;
} yk__head_entry;

typedef struct yk__head {
    uint32_t format, min_reader;
    uint64_t file_bytes;
    uint64_t checksum; /* as stored; made by encode */
    yk__head_summary summary;
    yk__head_entry sections[YK__ENGINE_MAX_SECTIONS];
    int32_t n_sections;
} yk__head;

/* Copies text into a field of `room` bytes, cut at a character's end so that a NUL remains. */
void yk__head_text(char *field, size_t room, const char *text);
/* The bytes of a head; its checksum is computed into them. */
void yk__head_encode(const yk__head *head, uint8_t out[YK__ENGINE_HEAD_BYTES]);

/* What the first bytes look like. */
typedef enum yk__magic {
    YK__MAGIC_NONE,
    YK__MAGIC_EXACT,
    YK__MAGIC_PREFIX,  /* all n < 8 bytes fit */
    YK__MAGIC_DAMAGED, /* see the finding that yk__magic_finding gives */
} yk__magic;
yk__magic yk__magic_look(const uint8_t *bytes, size_t n, yk__finding_code *finding);

/* Decodes and verifies the head of a file of file_bytes bytes, of which the first n are given (n <= file_bytes), and checks it
 * against that size. Findings and facts go into report (may be NULL). OK also when fewer than 4,096 bytes are given of a
 * longer file: then *complete is false and only what could be read is filled in. */
yk__code yk__head_decode(const uint8_t *bytes, size_t n, uint64_t file_bytes, yk__head *head, bool *complete,
                         yk__report *report, yk__error *err) YK__MUST_USE;
/* The head as facts: {"format", "min_reader", "writer", "task", ...}. */
void yk__head_facts(const yk__head *head, yk__report *report);

/* Adds a finding and returns its status with the same text as an error: one line where trouble is found. */
yk__code yk__engine_trouble(yk__report *report, yk__finding_code id, yk__error *err, const char *where, const char *expected,
                            const char *found_format, ...) YK__PRINTF(6, 7);

#endif
