/* Which classes and functions a checkpoint may mention. */
#ifndef YK_IMPORT_PT_GLOBALS_H
#define YK_IMPORT_PT_GLOBALS_H

#include "base/status.h"

/* OK for names that checkpoints of the supported families hold. They are only ever compared, never looked up. UNSUPPORTED for
 * the rest: names that exist to run code, models of other projects, modules nobody expects; the text says which and what to
 * do. Fits yk__pickle_allow. */
yk__code yk__pt_allow_global(const char *module, const char *name, yk__error *err) YK__MUST_USE;

#endif
