/* Checkpoints that yolk does not read, called by their names. Internal to the import room. */
#ifndef YK_IMPORT_PT_REFUSE_H
#define YK_IMPORT_PT_REFUSE_H

#include "import/pt_file.h"

/* The module that a checkpoint's pickle holds: `ema`, else `model`. UNSUPPORTED, with a sentence, for what holds none and for
 * models of kinds that yolk does not support. */
yk__code yk__pt_find_model(const yk__pt_file *file, yk__py *model, yk__error *err) YK__MUST_USE;

/* Why an archive that did not open as a checkpoint is none, or what is missing of one that was cut. `code` and the text in err
 * are what opening gave. */
yk__code yk__pt_explain(const uint8_t *bytes, size_t size, yk__code code, yk__error *err);

/* A pickle without an archive: an old format, or a data.pkl on its own. Never OK. */
yk__code yk__pt_refuse_pickle(const uint8_t *bytes, size_t size, yk__error *err);

#endif
