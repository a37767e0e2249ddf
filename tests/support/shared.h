/* Where the shared test data lie, when they are there at all. */
#ifndef YK_TESTS_SUPPORT_SHARED_H
#define YK_TESTS_SUPPORT_SHARED_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* out: the path, with a leading "shared:" replaced by $YOLK_SHARED or ../shared. False when there is no such file. */
static inline bool shared_path(char out[4096], const char *path) {
    const char *root = getenv("YOLK_SHARED"), *prefix = "shared:";
    if (strncmp(path, prefix, strlen(prefix)) == 0)
        snprintf(out, 4096, "%s/%s", root && *root ? root : "../shared", path + strlen(prefix));
    else
        snprintf(out, 4096, "%s", path);
    return access(out, R_OK) == 0;
}

#endif
