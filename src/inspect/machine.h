/* Facts about this machine and this build, for `yolk doctor`: processor, what yolk uses of it, memory, build options. Reads
 * files and asks the processor; loads and runs nothing. */
#ifndef YK_INSPECT_MACHINE_H
#define YK_INSPECT_MACHINE_H

#include "engine/report.h"

/* Fills the facts of a report (initialised here). build_features: the text of yk_build_features, parted by newlines or
 * spaces. */
void yk__machine_facts(yk__report *report, const char *build_features);

#endif
