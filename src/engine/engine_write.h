/* Writes engine files (docs/engine-format.md). The same model and options give the same bytes: no time, no path, no pointer and
 * no address order enters them. */
#ifndef YK_ENGINE_ENGINE_WRITE_H
#define YK_ENGINE_ENGINE_WRITE_H

#include "engine/engine_data.h"
#include "graph/recipe.h"
#include "plan/plan.h"

typedef struct yk__engine_write_options {
    const yk__choice *choices; /* of --tune or --choices, in the order given; may be NULL */
    int32_t n_choices;
    const yk__selftest *selftest; /* may be NULL */
    const yk__engine_plan *plans; /* may be NULL; no two of the same backend and isa */
    int32_t n_plans;
    const char *precision; /* for the summary; NULL: "fp32" */
} yk__engine_write_options;

/* Appears whole at `path` or not at all. options may be NULL. The model is verified first: GRAPH, SHAPE, LIMIT or UNSUPPORTED
 * when it could not be read back; IO when the file cannot be written. Text that is not UTF-8 is written with U+FFFD in place
 * of the wrong bytes. Weights are never copied. */
yk__code yk__engine_write(const char *path, const yk__model *model, const yk__engine_write_options *options,
                          yk__error *err) YK__MUST_USE;
/* The same bytes into memory: *data from yk__alloc, the caller's. */
yk__code yk__engine_write_memory(uint8_t **data, size_t *size, const yk__model *model, const yk__engine_write_options *options,
                                 yk__error *err) YK__MUST_USE;

#endif
