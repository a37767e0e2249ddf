/* A plan's facts and whether it is whole, put into a report. */
#ifndef YK_INSPECT_PLAN_REPORT_H
#define YK_INSPECT_PLAN_REPORT_H

#include "inspect/recognise.h"

/* Reads the plan that begins at byte `at` of the source and goes on to its end: facts.tensorrt and findings; a damaged one
 * makes the verdict invalid. False, and nothing done, when there is none. */
bool yk__describe_plan(const yk__source *source, uint64_t at, yk__report *report);
/* facts.tensorrt of a plan whose bytes say nothing but that it is one (TensorRT 5). */
void yk__describe_plan_5(yk__report *report);

#endif
