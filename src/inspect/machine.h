/* Facts about this machine and this build, for `yolk doctor`: processor, what yolk uses of it, memory, build options; GPUs,
 * driver, and the libraries of CUDA and TensorRT that are here, and what about them spells trouble. Reads files and asks the
 * processor; loads and runs nothing, calls no driver. */
#ifndef YK_INSPECT_MACHINE_H
#define YK_INSPECT_MACHINE_H

#include "base/text.h"
#include "engine/report.h"
#include "inspect/machine_view.h"

/* Fills the facts of a report (initialised here). build_features: the text of yk_build_features, parted by newlines or
 * spaces. */
void yk__machine_facts(yk__report *report, const char *build_features);
/* The same for another root and environment; processor and system stay this machine's. */
void yk__machine_facts_of(yk__report *report, const char *build_features, const yk__machine_view *view);
/* The facts for people: a section for each, a line for each library. */
void yk__machine_text(const yk__report *report, yk__text *out);

#endif
