/* How long a file of a kind must be, where its format tells. */
#ifndef YK_INSPECT_ENDS_H
#define YK_INSPECT_ENDS_H

#include "inspect/recognise.h"

/* Says so when the file, claimed to be of this kind, ends too early: truncated, with the length it should have. Pictures and
 * videos whose last bytes are missing are still of use to others, yet not what their maker wrote. */
void yk__check_length(const yk__source *source, yk__file_kind kind, yk__report *report);

#endif
