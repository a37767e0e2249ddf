/* What a file is that is not an ONNX model: one sentence, so that the wrong file is never just "invalid". */
#ifndef YK_IMPORT_SNIFF_H
#define YK_IMPORT_SNIFF_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* OK when nothing is recognised, else FORMAT (no model at all: empty, a web page, a pointer) or UNSUPPORTED (a model or archive
 * of another kind), with what it is and what to do. */
yk__code yk__sniff_foreign(const uint8_t *bytes, size_t size, yk__error *err) YK__MUST_USE;

#endif
