/* Reads and verifies engine files. Trusts nothing: every length, count and offset is checked against the real size before it is
 * used, every byte is covered by a checksum or must be zero, the graph and the recipe are verified as if they came from an
 * enemy. Weights stay where they are in the mapping. */
#ifndef YK_ENGINE_ENGINE_READ_H
#define YK_ENGINE_ENGINE_READ_H

#include "base/file.h"
#include "engine/engine_data.h"
#include "engine/engine_format.h"
#include "engine/report.h"
#include "graph/recipe.h"
#include "plan/plan.h"

typedef struct yk__engine_section {
    char name[YK__ENTRY_NAME_BYTES];
    bool required;
    bool intact; /* checksum matches; always true for required ones of an open file */
    uint64_t offset, length, checksum;
    const uint8_t *data; /* into the mapping */
} yk__engine_section;

/* An open engine file. Everything points into model.graph.arena or the mapping and lives until yk__engine_close. Constant
 * once open: threads may share it. */
typedef struct yk__engine_file {
    yk__model model;
    uint32_t format, min_reader;
    char writer[33];    /* "yolk 0.1.0" */
    char precision[17]; /* "fp32" */
    uint64_t file_bytes;
    uint64_t content_id; /* the head's checksum: differs whenever any section differs */
    yk__engine_section sections[YK__ENGINE_MAX_SECTIONS];
    int32_t n_sections;
    const yk__choice *choices;
    int32_t n_choices;
    yk__selftest selftest;                          /* n_outputs 0 when there is none, or it was damaged */
    yk__engine_plan plans[YK__ENGINE_MAX_SECTIONS]; /* those with matching checksums */
    int32_t n_plans;
    const uint8_t *bytes;
} yk__engine_file;

/* Opens the file at `path`. report (may be NULL; initialised by the caller) gets kind, facts, findings and verdict, on success
 * too: a damaged optional section makes it suboptimal and the file still opens. On failure *out is empty, and the code says
 * what kind of trouble it is: NOT_FOUND, IO; FORMAT (not an engine, or nonsense in it), TRUNCATED, CHECKSUM, VERSION (needs a
 * newer yolk), LIMIT, GRAPH, UNSUPPORTED, MEMORY. */
yk__code yk__engine_open(const char *path, yk__engine_file *out, yk__report *report, yk__error *err) YK__MUST_USE;
/* The same from memory, which must stay unchanged until close. name is used in messages. Misaligned bytes (not a multiple of 8)
 * are copied. */
yk__code yk__engine_open_bytes(const uint8_t *bytes, size_t size, const char *name, yk__engine_file *out, yk__report *report,
                               yk__error *err) YK__MUST_USE;
void yk__engine_close(yk__engine_file *file); /* accepts a zeroed or closed one */

/* A section by name; NULL when there is none. */
const yk__engine_section *yk__engine_section_get(const yk__engine_file *file, const char *name);

/* True when the bytes begin as a yolk engine does, or as one that was damaged or cut: n may be small. */
bool yk__engine_looks_like(const uint8_t *bytes, size_t n);
/* The head alone, from a prefix of n bytes of a file of file_size bytes: facts and findings as far as they can be told.
 * Returns what yk__engine_open would on account of the head. Allocates only in the report. */
yk__code yk__engine_probe(const uint8_t *bytes, size_t n, uint64_t file_size, yk__report *report, yk__error *err);

#endif
