/* The cache folder: finding it, naming entries, keeping it small. What an entry holds is none of its business. */
#include "engine/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"

#define SUFFIX       ".yolk"
#define KEY_DIGITS   64
#define MAX_ENTRIES  4096        /* looked at when trimming; a folder of 2 GiB holds some hundreds */
#define LEFTOVER_AGE (24 * 3600) /* seconds: no build takes a day */

/* ---- the folder ---- */

/* Makes every missing folder of the path, mode 0700 as the XDG base directory specification asks. */
static bool make_folders(char *path) {
    for (char *at = path + 1; *at; at++) {
        if (*at != '/') continue;
        *at = '\0';
        bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
        *at = '/';
        if (!made) return false;
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static char *join(const char *folder, const char *name) {
    size_t n = strlen(folder) + strlen(name) + 2;
    char *path = yk__alloc(n);
    if (path) snprintf(path, n, "%s/%s", folder, name);
    return path;
}

/* XDG: a relative XDG_CACHE_HOME is to be ignored. */
static char *default_folder(void) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && *cache == '/') return join(cache, "yolk");
    return home && *home == '/' ? join(home, ".cache/yolk") : NULL;
}

bool yk__cache_open(yk__cache *cache, const char *folder) {
    struct stat info;
    cache->folder = folder && *folder ? yk__strdup(folder) : default_folder();
    if (!cache->folder) return false;
    if (make_folders(cache->folder) && stat(cache->folder, &info) == 0 && S_ISDIR(info.st_mode) &&
        access(cache->folder, R_OK | W_OK | X_OK) == 0)
        return true;
    yk__cache_close(cache);
    return false;
}

void yk__cache_close(yk__cache *cache) {
    yk__free(cache->folder);
    cache->folder = NULL;
}

/* ---- entries ---- */

void yk__cache_key(char out[65], const char *source_sha256, const char *options) {
    yk__text text = {0};
    /* each part on its own line, so that no two different sets of parts give the same text */
    yk__text_printf(&text, "%s\n%s\n%s\n", YK__VERSION_STRING, source_sha256 ? source_sha256 : "", options ? options : "");
    yk__sha256_hex(yk__text_get(&text), text.length, out);
    if (text.failed) out[0] = '\0';
    yk__text_free(&text);
}

static bool key_ok(const char *key) {
    return strlen(key) == KEY_DIGITS && strspn(key, "0123456789abcdef") == KEY_DIGITS;
}

char *yk__cache_path(const yk__cache *cache, const char *key) {
    char name[KEY_DIGITS + sizeof SUFFIX];
    if (!cache->folder || !key_ok(key)) return NULL;
    snprintf(name, sizeof name, "%s" SUFFIX, key);
    return join(cache->folder, name);
}

bool yk__cache_touch(const char *path) {
    struct stat info;
    if (!path || stat(path, &info) != 0 || !S_ISREG(info.st_mode)) return false;
    utimensat(AT_FDCWD, path, NULL, 0); /* only the order of removal hangs on it */
    return true;
}

void yk__cache_drop(const char *path) {
    if (path) unlink(path);
}

/* ---- trimming ---- */

typedef struct entry {
    struct timespec used;
    uint64_t bytes;
    char *path;
} entry;

static int by_age(const void *a, const void *b) {
    const entry *one = a, *two = b;
    if (one->used.tv_sec != two->used.tv_sec) return one->used.tv_sec < two->used.tv_sec ? -1 : 1;
    if (one->used.tv_nsec != two->used.tv_nsec) return one->used.tv_nsec < two->used.tv_nsec ? -1 : 1;
    return strcmp(one->path, two->path);
}

/* Temporary files are named by base/file.c. */
typedef enum what { OTHER, ENTRY, TEMPORARY } what;
static what what_is(const char *name) {
    size_t n = strspn(name, "0123456789abcdef");
    if (n == KEY_DIGITS && !strcmp(name + n, SUFFIX)) return ENTRY;
    return yk__starts_with(name, ".yolk-") ? TEMPORARY : OTHER;
}

static size_t list_entries(const char *folder, entry *entries) {
    size_t n = 0;
    struct stat info;
    const struct dirent *item;
    const time_t now = time(NULL);
    DIR *stream = opendir(folder);
    while (stream && n < MAX_ENTRIES && (item = readdir(stream)) != NULL) {
        what kind = what_is(item->d_name);
        char *path = kind == OTHER ? NULL : join(folder, item->d_name);
        if (!path || lstat(path, &info) != 0 || !S_ISREG(info.st_mode)) {
            yk__free(path);
            continue;
        }
        if (kind == ENTRY) {
            entries[n++] = (entry){info.st_mtim, (uint64_t)info.st_size, path};
            continue;
        }
        if (now - info.st_mtim.tv_sec > LEFTOVER_AGE) unlink(path);
        yk__free(path);
    }
    if (stream) closedir(stream);
    return n;
}

void yk__cache_trim(const yk__cache *cache, uint64_t max_bytes, const char *keep) {
    entry *entries = cache->folder ? yk__alloc_array(MAX_ENTRIES, sizeof *entries) : NULL;
    uint64_t total = 0;
    if (!entries) return;
    size_t n = list_entries(cache->folder, entries);
    for (size_t i = 0; i < n; i++) total += entries[i].bytes;
    qsort(entries, n, sizeof *entries, by_age);
    for (size_t i = 0; i < n; i++) {
        if (total > max_bytes && !(keep && !strcmp(keep, entries[i].path)) && unlink(entries[i].path) == 0)
            total -= entries[i].bytes;
        yk__free(entries[i].path);
    }
    yk__free(entries);
}
