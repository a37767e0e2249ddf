/* Files of a machine, read carefully. What they mean is the callers'. */
#include "inspect/machine_view.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

/* The largest folders of libraries hold some thousand entries. */
enum { MOST_ENTRIES = 20000 };

static bool place(const yk__machine_view *view, const char *path, char out[2 * YK__PATH_SIZE]) {
    int n = snprintf(out, 2 * YK__PATH_SIZE, "%s%s", view->root, path);
    return n > 0 && n < 2 * YK__PATH_SIZE;
}

const char *yk__view_variable(const yk__machine_view *view, const char *name) {
    size_t n = strlen(name);
    if (!view->environment) return getenv(name);
    for (const char *const *at = view->environment; *at; at++)
        if (strncmp(*at, name, n) == 0 && (*at)[n] == '=') return *at + n + 1;
    return NULL;
}

size_t yk__view_read(const yk__machine_view *view, const char *path, char *out, size_t size) {
    char full[2 * YK__PATH_SIZE];
    struct stat about;
    size_t n = 0;
    *out = 0;
    int fd = place(view, path, full) ? open(full, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
    if (fd < 0) return 0;
    while (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && n + 1 < size) {
        ssize_t got = read(fd, out + n, size - 1 - n);
        if (got <= 0) break;
        n += (size_t)got;
    }
    close(fd);
    out[n] = 0;
    return n;
}

bool yk__view_exists(const yk__machine_view *view, const char *path) {
    uint64_t identity[2];
    return yk__view_identity(view, path, identity);
}

bool yk__view_identity(const yk__machine_view *view, const char *path, uint64_t identity[2]) {
    char full[2 * YK__PATH_SIZE];
    struct stat about;
    if (!place(view, path, full) || stat(full, &about) != 0) return false;
    identity[0] = (uint64_t)about.st_dev;
    identity[1] = (uint64_t)about.st_ino;
    return true;
}

bool yk__view_link(const yk__machine_view *view, const char *path, char *out, size_t size) {
    char full[2 * YK__PATH_SIZE], target[YK__PATH_SIZE];
    ssize_t n = place(view, path, full) ? readlink(full, target, sizeof target - 1) : -1;
    if (n <= 0) return false;
    target[n] = 0;
    const char *name = yk__basename(target);
    return snprintf(out, size, "%s", name) < (int)size;
}

void yk__view_list(const yk__machine_view *view, const char *folder, int most, yk__view_entry_fn fn, void *user) {
    char full[2 * YK__PATH_SIZE];
    DIR *stream = place(view, folder, full) ? opendir(full) : NULL;
    const struct dirent *item;
    if (!stream) return;
    for (int i = 0; i < most && (item = readdir(stream)) != NULL; i++)
        if (item->d_name[0] != '.') fn(user, item->d_name);
    closedir(stream);
}

typedef struct matching {
    const char *folder, *prefix;
    char (*out)[YK__PATH_SIZE];
    int n, max;
} matching;

static void add_matching(void *user, const char *name) {
    matching *m = user;
    if (m->n == m->max || !yk__starts_with(name, m->prefix)) return;
    int n = snprintf(m->out[m->n], YK__PATH_SIZE, "%s/%s", m->folder, name);
    if (n > 0 && n < YK__PATH_SIZE) m->n++;
}

static int compare_paths(const void *a, const void *b) {
    return strcmp(a, b);
}

int yk__view_matching(const yk__machine_view *view, const char *folder, const char *prefix, char (*out)[YK__PATH_SIZE],
                      int max) {
    matching m = {.folder = folder, .prefix = prefix, .out = out, .max = max};
    yk__view_list(view, folder, MOST_ENTRIES, add_matching, &m);
    qsort(out, (size_t)m.n, sizeof *out, compare_paths);
    return m.n;
}
