/* The table of magics.def. */
#ifndef YK_INSPECT_MAGICS_H
#define YK_INSPECT_MAGICS_H

#include "inspect/recognise.h"

typedef struct yk__magic {
    yk__file_kind kind;
    size_t at, n;
    const char *bytes;
} yk__magic;

const yk__magic *yk__magics(size_t *n);

#endif
