/* Names any file from its bytes and says whether it loads here, why not, and what to do. */
#ifndef YK_INSPECT_CHECK_H
#define YK_INSPECT_CHECK_H

#include "engine/report.h"

typedef struct yk__check_options {
    bool sha256; /* hash the whole file into the report's facts ("sha256") */
} yk__check_options;

/* Checks the file at `path`. report is initialised here; the caller frees it, also after a failure. options may be NULL.
 * Returns OK whenever a verdict was reached, whatever it is; NOT_FOUND, IO or MEMORY when the file could not be looked at.
 * yolk engines are verified in full, ONNX models as far as import/probe.h can tell without weights, others by kind. Reads only
 * what it needs: a few kilobytes for most kinds. */
yk__code yk__check_file(const char *path, const yk__check_options *options, yk__report *report, yk__error *err) YK__MUST_USE;

/* The same from the first n bytes of a file of file_size bytes: for loaders and upload checks. Looks at nothing else.
 * Memory besides the report's bounded arena is what parsing metadata of at most 1 MiB takes; a whole engine or model (n equal
 * to file_size) is read as yk__check_file reads it. report is initialised here. */
void yk__probe(const uint8_t *bytes, size_t n, uint64_t file_size, yk__report *report);

#endif
