/* What lies inside a file: pieces of archives and unpacked data are recognised like files, and what was found goes into the
 * report of the file around them. Bounded in depth, in number and in bytes. */
#ifndef YK_INSPECT_INSIDE_H
#define YK_INSPECT_INSIDE_H

#include "inspect/recognise.h"

enum {
    YK__INSIDE_LOOKS = 64,          /* pieces of one file, all depths together: entries may overlap and repeat */
    YK__INSIDE_DEPTH = 4,           /* gzip in tar in zip in ... is looked into so deep */
    YK__INSIDE_ENTRIES = 16,        /* entries of an archive that are looked at */
    YK__INSIDE_ALONE = 1024 * 1024, /* bytes unpacked of what is alone in its archive */
    YK__INSIDE_OF_MANY = 64 * 1024, /* of one entry among several */
};

/* The first n bytes of a piece of `size` bytes (YK__SIZE_UNKNOWN) that lies in `outer`; name may be NULL. */
typedef struct yk__piece {
    const uint8_t *bytes;
    size_t n;
    uint64_t size;
    const char *name;
    size_t name_n;
} yk__piece;

/* Names the one piece in a file: its kinds go into container[], its facts and findings into the report, and a damaged piece
 * makes the file invalid. False when it is of no kind that yolk knows, or lies too deep: the report is then as before. */
bool yk__inside_alone(const yk__source *outer, const yk__piece *piece, yk__report *report);

/* The same for archives of several entries. Each call adds to facts.entries; the most telling kind (engines before models
 * before the rest) is put into container[] by yk__inside_finish. Damage of one entry says nothing about the archive. */
typedef struct yk__inside {
    yk__fact *list;
    int n;    /* entries seen */
    int best; /* how telling the best one so far is */
    const char *kinds[YK__REPORT_MAX_KINDS];
    int n_kinds;
} yk__inside;

void yk__inside_begin(yk__inside *inside, yk__report *report);
/* piece->bytes NULL: the entry is listed without a kind. */
void yk__inside_entry(yk__inside *inside, const yk__source *outer, const yk__piece *piece, yk__report *report);
void yk__inside_finish(const yk__inside *inside, yk__report *report);

#endif
