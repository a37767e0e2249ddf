/* Names any file from its bytes and says whether it loads here, why not, and what to do. */
#ifndef YK_INSPECT_CHECK_H
#define YK_INSPECT_CHECK_H

#include "engine/report.h"
#include "inspect/plan_judge.h"

typedef struct yk__check_options {
    bool sha256;                  /* hash the whole file into the report's facts ("sha256") */
    const yk__target *target;     /* judge TensorRT plans for this machine; NULL: for the one at hand */
    const char *from;             /* the model that an engine was made from; NULL: looked for beside it */
    const yk__machine_view *view; /* the one at hand; NULL: the real one */
} yk__check_options;

/* Checks the file at `path`. report is initialised here; the caller frees it, also after a failure. options may be NULL.
 * Returns OK whenever a verdict was reached, whatever it is; NOT_FOUND, IO or MEMORY when the file could not be looked at.
 * yolk engines are verified in full, ONNX models as far as import/probe.h can tell without weights, others by kind. Reads only
 * what it needs: a few kilobytes for most kinds. */
yk__code yk__check_file(const char *path, const yk__check_options *options, yk__report *report, yk__error *err) YK__MUST_USE;

/* The same of a whole file in memory. */
void yk__check_bytes(const uint8_t *bytes, size_t n, yk__report *report);

/* The same from the first n bytes of a file of file_size bytes (YK__SIZE_UNKNOWN: of a stream): for loaders and upload checks.
 * Looks at nothing else, and takes a bounded amount of memory whatever the bytes say: models are not imported and sections of
 * engines not verified, even when all bytes are there. report is initialised here. */
void yk__probe(const uint8_t *bytes, size_t n, uint64_t file_size, yk__report *report);

#endif
