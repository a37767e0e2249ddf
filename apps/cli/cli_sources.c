/* Finding pictures. Folders are not walked into; entries come in code point order. */
#include "cli_sources.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The suffixes that a folder or pattern is searched for. */
static const char *const picture_suffixes[] = {"avif", "bmp", "dng",  "heic", "heif", "jp2", "jpeg", "jpg", "mpo",
                                               "png",  "tif", "tiff", "webp", "pbm",  "pgm", "ppm",  NULL};
static const char *const video_suffixes[] = {"asf",  "avi", "gif", "m4v", "mkv",  "mov", "mp4",
                                             "mpeg", "mpg", "ts",  "wmv", "webm", NULL};

static bool has_suffix(const char *name, const char *const *list) {
    const char *dot = strrchr(name, '.');
    if (!dot || strchr(dot, '/')) return false;
    for (; *list; list++)
        if (strcasecmp(dot + 1, *list) == 0) return true;
    return false;
}

static bool add(cli_sources *s, const char *name, const char *path) {
    if (s->n == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 16;
        cli_source *grown = realloc(s->items, capacity * sizeof *grown);
        if (!grown) return false;
        s->items = grown;
        s->capacity = capacity;
    }
    cli_source source = {strdup(name), strdup(path)};
    if (!source.name || !source.path) {
        free(source.name);
        free(source.path);
        return false;
    }
    s->items[s->n++] = source;
    return true;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const cli_source *)a)->name, ((const cli_source *)b)->name);
}

static int out_of_memory(void) {
    cli_say("out of memory for the list of pictures");
    return EXIT_RESOURCE;
}

static int add_folder(cli_sources *s, const char *folder) {
    DIR *dir = opendir(folder);
    if (!dir) {
        cli_say("%s: cannot open the folder: %s", folder, strerror(errno));
        return EXIT_INPUT;
    }
    size_t before = s->n;
    const char *between = folder[strlen(folder) - 1] == '/' ? "" : "/";
    bool ok = true;
    for (struct dirent *entry; ok && (entry = readdir(dir));) {
        if (!has_suffix(entry->d_name, picture_suffixes)) continue;
        size_t length = strlen(folder) + strlen(entry->d_name) + 2;
        char *path = malloc(length);
        if (path) snprintf(path, length, "%s%s%s", folder, between, entry->d_name);
        ok = path && add(s, path, path);
        free(path);
    }
    closedir(dir);
    if (!ok) return out_of_memory();
    if (s->n > before) qsort(s->items + before, s->n - before, sizeof *s->items, by_name);
    if (s->n > before) return EXIT_DONE;
    cli_say("%s: no pictures in this folder (folders inside it are not searched)", folder);
    return EXIT_INPUT;
}

static int add_pattern(cli_sources *s, const char *pattern) {
    glob_t found = {0};
    int result = glob(pattern, GLOB_NOSORT, NULL, &found);
    size_t before = s->n;
    bool ok = result != GLOB_NOSPACE;
    for (size_t i = 0; ok && result == 0 && i < found.gl_pathc; i++)
        if (has_suffix(found.gl_pathv[i], picture_suffixes)) ok = add(s, found.gl_pathv[i], found.gl_pathv[i]);
    globfree(&found);
    if (!ok) return out_of_memory();
    if (s->n > before) qsort(s->items + before, s->n - before, sizeof *s->items, by_name);
    if (s->n > before) return EXIT_DONE;
    cli_say("%s: no picture fits this pattern", pattern);
    return EXIT_INPUT;
}

/* Standard input is copied into anonymous memory, so that it can be read twice (for --save). */
static int add_stdin(cli_sources *s) {
    char path[64], chunk[65536];
    if (s->stdin_copy < 0) {
        s->stdin_copy = memfd_create("standard input", MFD_CLOEXEC);
        for (ssize_t n; s->stdin_copy >= 0 && (n = read(STDIN_FILENO, chunk, sizeof chunk)) != 0;)
            if (n < 0 || write(s->stdin_copy, chunk, (size_t)n) != n) {
                cli_say("standard input: %s", strerror(errno));
                return EXIT_INPUT;
            }
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", s->stdin_copy);
    return add(s, "-", path) ? EXIT_DONE : out_of_memory();
}

static int add_argument(cli_sources *s, const char *argument) {
    struct stat file;
    if (strcmp(argument, "-") == 0) return add_stdin(s);
    bool exists = stat(argument, &file) == 0;
    if (exists && S_ISDIR(file.st_mode)) return add_folder(s, argument);
    if (!exists && strpbrk(argument, "*?[")) return add_pattern(s, argument);
    if (exists && has_suffix(argument, video_suffixes) && strcasecmp(strrchr(argument, '.'), ".gif") != 0) {
        cli_say("%s: this yolk was built without video support; give it the frames as pictures", argument);
        return EXIT_INPUT;
    }
    return add(s, argument, argument) ? EXIT_DONE : out_of_memory();
}

int cli_sources_find(cli_sources *sources, const cli_args *args, int first) {
    int worst = EXIT_DONE;
    *sources = (cli_sources){.stdin_copy = -1};
    for (int i = first; i < args->n_arguments; i++) {
        int status = add_argument(sources, args->arguments[i]);
        if (status == EXIT_RESOURCE) return status;
        if (status > worst) worst = status;
    }
    return worst;
}

void cli_sources_free(cli_sources *sources) {
    for (size_t i = 0; i < sources->n; i++) {
        free(sources->items[i].name);
        free(sources->items[i].path);
    }
    free(sources->items);
    if (sources->stdin_copy >= 0) close(sources->stdin_copy);
    *sources = (cli_sources){.stdin_copy = -1};
}
