/* PyTorch checkpoints of Ultralytics and YOLOv5, without Python: see docs/checkpoints.md. */
#ifndef YK_IMPORT_PT_IMPORT_H
#define YK_IMPORT_PT_IMPORT_H

#include "import/import.h"

/* Whether the bytes start like something torch.save wrote: a zip archive, or a bare pickle. */
bool yk__pt_claims(const uint8_t *bytes, size_t size);

/* Reads the checkpoint into *out, which yk__model_init has made: graph, recipe, provenance. Constants lie in the graph's arena.
 * Codes as yk__import_model; UNSUPPORTED for checkpoints of other models, of other projects, and archives of other kinds,
 * each by name with what to do. */
yk__code yk__import_pt(const uint8_t *bytes, size_t size, const char *name, const yk__import_options *options, yk__model *out,
                       yk__error *err) YK__MUST_USE;

#endif
