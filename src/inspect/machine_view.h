/* Looking at a machine through its files: reads and listings that are bounded and never wait, below a root that tests replace
 * by a made-up tree. Loads and runs nothing. */
#ifndef YK_INSPECT_MACHINE_VIEW_H
#define YK_INSPECT_MACHINE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define YK__PATH_SIZE 1024

typedef struct yk__machine_view {
    const char *root;               /* put in front of every path; "" for the real machine */
    const char *const *environment; /* "NAME=value" ..., NULL; NULL for the process's own */
} yk__machine_view;

/* The variable's value, or NULL. */
const char *yk__view_variable(const yk__machine_view *view, const char *name);
/* The first size-1 bytes of a regular file, and NUL; their number, 0 when it cannot be read. Never blocks on pipes and devices.
 */
size_t yk__view_read(const yk__machine_view *view, const char *path, char *out, size_t size);
bool yk__view_exists(const yk__machine_view *view, const char *path);
/* Device and inode of what the path leads to, for telling files with two names from two files. */
bool yk__view_identity(const yk__machine_view *view, const char *path, uint64_t identity[2]);
/* The last part of what a symbolic link names; false when it is none. */
bool yk__view_link(const yk__machine_view *view, const char *path, char *out, size_t size);

/* Calls fn for the entries of a folder, in no order, without those that begin with a dot; at most `most` entries are looked at.
 */
typedef void (*yk__view_entry_fn)(void *user, const char *name);
void yk__view_list(const yk__machine_view *view, const char *folder, int most, yk__view_entry_fn fn, void *user);
/* Entries that begin with `prefix`, sorted, as "folder/name" of at most YK__PATH_SIZE; returns how many (at most max). */
int yk__view_matching(const yk__machine_view *view, const char *folder, const char *prefix, char (*out)[YK__PATH_SIZE],
                      int max);

#endif
