/* The recipe, the provenance and the recorded kernel choices as JSON and back (docs/engine-format.md). */
#ifndef YK_ENGINE_RECIPE_JSON_H
#define YK_ENGINE_RECIPE_JSON_H

#include "base/text.h"
#include "engine/report.h"
#include "graph/recipe.h"
#include "plan/plan.h"

void yk__recipe_to_json(const yk__recipe *recipe, yk__text *out);
/* Strings go into the arena. The recipe is verified. *finding says which verdict a failure gives. */
yk__code yk__recipe_from_json(const uint8_t *json, size_t n, yk__arena *arena, yk__recipe *recipe, yk__finding_code *finding,
                              yk__error *err) YK__MUST_USE;

void yk__provenance_to_json(const yk__provenance *provenance, yk__text *out);
yk__code yk__provenance_from_json(const uint8_t *json, size_t n, yk__arena *arena, yk__provenance *provenance,
                                  yk__error *err) YK__MUST_USE;

void yk__choices_to_json(const yk__choice *choices, int32_t n_choices, yk__text *out);
yk__code yk__choices_from_json(const uint8_t *json, size_t n, yk__arena *arena, const yk__choice **choices, int32_t *n_choices,
                               yk__error *err) YK__MUST_USE;

#endif
