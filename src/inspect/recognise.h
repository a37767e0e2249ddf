/* The recognisers: each looks at a file's bytes and either claims it, putting kind, facts, findings and verdict into the
 * report, or leaves the report alone. One table gives their order (recognise.c); a new kind is a line there, a line in
 * kinds.def and, unless fixed bytes tell it (magics.def), a function. */
#ifndef YK_INSPECT_RECOGNISE_H
#define YK_INSPECT_RECOGNISE_H

#include "engine/report.h"

#define YK__SIZE_UNKNOWN UINT64_MAX

/* A file of `size` bytes of which the first n are at hand: all of them (a mapping), or a prefix. Recognisers read a bounded
 * number of places, whatever the size. */
typedef struct yk__source {
    const uint8_t *bytes;
    size_t n;
    uint64_t size; /* YK__SIZE_UNKNOWN: of a stream; nothing is then said about where it ends */
    bool deep;     /* models may be imported and engines verified, which takes memory in proportion to the file */
    bool sums;     /* checksums of any length may be computed; otherwise only small ones */
    int depth;     /* archives that this source was unpacked from */
    int *looks;    /* pieces of it that may still be looked into; NULL: none was yet (inside.h) */
} yk__source;

static inline bool yk__source_whole(const yk__source *source) {
    return source->n == source->size;
}

typedef enum yk__file_kind {
#define YK__FILE_KIND(ident, name, finding, what, remedy) YK__FILE_KIND_##ident,
#include "inspect/kinds.def"
#undef YK__FILE_KIND
    YK__FILE_KIND_COUNT
} yk__file_kind;

typedef struct yk__file_kind_info {
    const char *name;
    int finding; /* a yk__finding_code, or -1 */
    const char *what, *remedy;
} yk__file_kind_info;
const yk__file_kind_info *yk__file_kind_info_get(yk__file_kind kind);

/* True when the bytes at `at` are at hand and equal these. */
bool yk__source_has(const yk__source *source, uint64_t at, const void *bytes, size_t n);

/* Names the file: kind, verdict foreign, and the kind's finding with its remedy. Returns that finding (or NULL), so that the
 * recogniser can say where, expected and found. */
yk__finding *yk__claim(yk__report *report, yk__file_kind kind, yk__certainty certainty);
/* The file's content ends at `stated`: verdict invalid when the file ends before (truncated) or goes on (trailing-bytes). */
void yk__claim_end(const yk__source *source, const char *where, uint64_t stated, yk__certainty certainty, yk__report *report);
/* The file ends before its content does, which has `expected` bytes (0: not known): verdict invalid. */
void yk__claim_cut(yk__report *report, const char *where, uint64_t expected, uint64_t found, yk__certainty certainty);

bool yk__recognise_empty(const yk__source *source, yk__report *report);
bool yk__recognise_yolk(const yk__source *source, yk__report *report);
bool yk__recognise_damaged(const yk__source *source, yk__report *report);
bool yk__recognise_magic(const yk__source *source, yk__report *report);
bool yk__recognise_tensorrt(const yk__source *source, yk__report *report);
bool yk__recognise_ultralytics(const yk__source *source, yk__report *report);
bool yk__recognise_envelope(const yk__source *source, yk__report *report);
bool yk__recognise_headless_plan(const yk__source *source, yk__report *report);
bool yk__recognise_tensorrt5(const yk__source *source, yk__report *report);
bool yk__recognise_gzip(const yk__source *source, yk__report *report);
bool yk__recognise_zstd(const yk__source *source, yk__report *report);
bool yk__recognise_tar(const yk__source *source, yk__report *report);
bool yk__recognise_protobuf(const yk__source *source, yk__report *report);
bool yk__recognise_mnn(const yk__source *source, yk__report *report);
bool yk__recognise_weights(const yk__source *source, yk__report *report);
bool yk__recognise_zip(const yk__source *source, yk__report *report);
bool yk__recognise_safetensors(const yk__source *source, yk__report *report);
bool yk__recognise_pickle(const yk__source *source, yk__report *report);
bool yk__recognise_bitmap(const yk__source *source, yk__report *report);
bool yk__recognise_pe(const yk__source *source, yk__report *report);
bool yk__recognise_zeros(const yk__source *source, yk__report *report);
bool yk__recognise_onnx(const yk__source *source, yk__report *report);
bool yk__recognise_text(const yk__source *source, yk__report *report);

/* A serialized TensorRT engine among these bytes (torch2trt's and Torch-TensorRT's files): then it is in container[]. */
bool yk__holds_plan(const yk__source *outer, const uint8_t *bytes, size_t n, yk__report *report);

/* Runs the table; what nobody claims is "unknown". */
void yk__recognise(const yk__source *source, yk__report *report);

#endif
