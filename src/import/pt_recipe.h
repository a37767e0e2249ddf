/* A checkpoint's notes into the recipe and the provenance. Internal to the import room. */
#ifndef YK_IMPORT_PT_RECIPE_H
#define YK_IMPORT_PT_RECIPE_H

#include "import/import.h"
#include "import/pt_file.h"

/* Completes a recipe in which the head has set task, layout, classes, extras and stride: names, input size, preprocessing.
 * Strings in the arena. ARGUMENT for options that do not fit the file, UNSUPPORTED for preprocessing that yolk has not. */
yk__code yk__pt_fill_recipe(yk__pt_file *file, yk__py model, const yk__import_options *options, yk__arena *arena,
                            yk__recipe *recipe, yk__error *err) YK__MUST_USE;

/* What the file says about its origin; absent fields stay NULL. */
void yk__pt_fill_provenance(const yk__pt_file *file, yk__arena *arena, yk__provenance *provenance);

#endif
