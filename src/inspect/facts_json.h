/* JSON found in files, as facts. */
#ifndef YK_INSPECT_FACTS_JSON_H
#define YK_INSPECT_FACTS_JSON_H

#include <jansson.h>

#include "engine/report.h"

/* Adds the value to parent (NULL: the top) under the name; lists and objects that are nested deeper than `depth` are left out.
 */
void yk__fact_json(yk__report *report, yk__fact *parent, const char *name, const json_t *value, int depth);

#endif
