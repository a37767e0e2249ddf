/* What happened to a file on its way: bytes that went through a text channel. Told from the bytes themselves, for any binary
 * kind. */
#ifndef YK_INSPECT_DAMAGE_H
#define YK_INSPECT_DAMAGE_H

#include "inspect/recognise.h"

/* The whole file as UTF-16, or a signature of magics.def with its line ends translated, its high bits gone, or its bytes above
 * 127 encoded as UTF-8 or replaced: claims the kind, with the finding, verdict invalid. For files that nobody else claimed. */
bool yk__recognise_damaged(const yk__source *source, yk__report *report); /* as recognise.h has it */

/* The same damage further inside of a binary file whose signature survived it: adds the finding. */
void yk__check_damage(const yk__source *source, yk__report *report);

#endif
