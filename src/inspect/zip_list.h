/* The entries of a zip archive, from the directory at its end or, where that is lost or not at hand, from the headers in front
 * of the entries. Nothing is unpacked, nothing is trusted: every place is checked before it is read. */
#ifndef YK_INSPECT_ZIP_LIST_H
#define YK_INSPECT_ZIP_LIST_H

#include "inspect/recognise.h"

enum { YK__ZIP_MAX_ENTRIES = 4096 }; /* a large checkpoint has some 500 */

enum { YK__ZIP_STORED = 0, YK__ZIP_DEFLATED = 8 };

typedef struct yk__zip_entry {
    const uint8_t *name; /* in the source */
    uint16_t name_n, method;
    bool encrypted;
    uint64_t at;           /* its data; UINT64_MAX: not at hand, or nonsense */
    uint64_t packed, size; /* UINT64_MAX: not known (written behind the data) */
} yk__zip_entry;

typedef struct yk__zip_list {
    yk__zip_entry *entries; /* yk__zip_list_free */
    int n;
    bool directory;  /* read from it */
    uint64_t needed; /* the file must have at least so many bytes; with a directory exactly so many */
} yk__zip_list;

/* Never fails: what cannot be read is left out. */
void yk__zip_list_read(const yk__source *source, yk__zip_list *list);
void yk__zip_list_free(yk__zip_list *list);

bool yk__zip_name_is(const yk__zip_entry *entry, const char *name);
bool yk__zip_name_ends(const yk__zip_entry *entry, const char *end);
bool yk__zip_name_has(const yk__zip_entry *entry, const char *part);

/* The entry's bytes as they lie in the file, as far as they are at hand: their number. */
size_t yk__zip_at_hand(const yk__source *source, const yk__zip_entry *entry);

#endif
