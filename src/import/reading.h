/* How a network's outputs are to be read: task, layout, classes. Decided by metadata, options, shapes and the graph's tail. */
#ifndef YK_IMPORT_READING_H
#define YK_IMPORT_READING_H

#include "import/import.h"
#include "import/metadata.h"

typedef struct yk__reading {
    yk__task task;
    yk__layout layout;
    int32_t n_classes; /* 0: the outputs do not say (rows of a finished selection) */
    int32_t n_extra;
    int32_t kpt_shape[2];
    bool logits;   /* no sigmoid feeds the scores (yolox): yolox_tail.h */
    int n_outputs; /* how many of the network's outputs this reading uses; the rest is dropped */
} yk__reading;

/* n_names: how many class names are known from the metadata or a names file, 0 when none. AMBIGUOUS with the list of what is
 * possible and the options that decide; UNSUPPORTED when nothing fits, with the outputs' shapes; ARGUMENT when an option
 * contradicts the file. */
yk__code yk__reading_find(const yk__graph *graph, const yk__metadata *metadata, const yk__import_options *options,
                          int32_t n_names, yk__reading *out, yk__error *err) YK__MUST_USE;

#endif
