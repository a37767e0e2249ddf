/* A file of class names: one per line, or a yaml that has `names:` as a list or a dict. */
#ifndef YK_IMPORT_NAMES_FILE_H
#define YK_IMPORT_NAMES_FILE_H

#include "base/memory.h"

/* Names in the arena. NOT_FOUND, IO; FORMAT when it holds no names or keys that are not 0..n-1; LIMIT beyond 4 MiB. */
yk__code yk__names_file_read(const char *path, yk__arena *arena, const char ***names, int32_t *n, yk__error *err) YK__MUST_USE;
/* The same for a text in memory. */
yk__code yk__names_text_read(const char *text, yk__arena *arena, const char ***names, int32_t *n, yk__error *err) YK__MUST_USE;

#endif
