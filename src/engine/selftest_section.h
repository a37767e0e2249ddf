/* The self-test section: u32 length of a JSON text, the text, then the tensors it refers to (docs/engine-format.md). */
#ifndef YK_ENGINE_SELFTEST_SECTION_H
#define YK_ENGINE_SELFTEST_SECTION_H

#include "base/text.h"
#include "engine/engine_data.h"

#include "base/memory.h"

/* ARGUMENT when the test is not one that a reader would take. */
yk__code yk__selftest_encode(const yk__selftest *selftest, yk__text *out, yk__error *err) YK__MUST_USE;
/* Tensors point into bytes, which are aligned to 8. On failure *selftest is empty. */
yk__code yk__selftest_decode(const uint8_t *bytes, size_t n, yk__selftest *selftest, yk__error *err) YK__MUST_USE;

#endif
