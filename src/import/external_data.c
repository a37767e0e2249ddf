/* Opens external data files without following a model file's wishes out of its folder: every component of the path is opened
 * relative to the one before, and symbolic links are not followed, so that nothing can be swapped in between. */
#include "import/external_data.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

/* Path components below the model's folder; writers use one. */
#define MAX_COMPONENTS 16

static yk__code refuse_path(const char *location, const char *why, yk__error *err) {
    return yk__fail(err, YK__UNSUPPORTED,
                    "external data \"%.200s\": %s; it must lie in the model's folder and be named relative to it", location,
                    why);
}

/* The next component of the path at *at, which moves behind it; its length, 0 at the end. */
static size_t next_component(const char **at, const char **start) {
    while (**at == '/') (*at)++;
    *start = *at;
    const size_t length = strcspn(*at, "/");
    *at += length;
    return length;
}

static yk__code check_path(const char *location, yk__error *err) {
    if (location[0] == '\0') return refuse_path(location, "the path is empty", err);
    if (location[0] == '/') return refuse_path(location, "the path is absolute", err);
    /* A drive letter or backslashes would be a path on the system that wrote it. */
    if (strchr(location, '\\') || strchr(location, ':'))
        return refuse_path(location, "the path has a drive or backslashes", err);
    const char *at = location, *start;
    int n = 0;
    for (size_t length; (length = next_component(&at, &start)) > 0; n++) {
        if (length == 2 && start[0] == '.' && start[1] == '.') return refuse_path(location, "the path has `..`", err);
        if (length > NAME_MAX || n == MAX_COMPONENTS) return refuse_path(location, "the path is too long", err);
    }
    return YK__OK;
}

static yk__code open_failed(const char *location, yk__error *err) {
    if (errno == ELOOP || errno == EMLINK) return refuse_path(location, "a symbolic link is on the way", err);
    if (errno == ENOTDIR) return refuse_path(location, "a part of the path is not a folder (or is a symbolic link)", err);
    if (errno == ENOENT) {
        return yk__fail(err, YK__NOT_FOUND,
                        "external data \"%.200s\" is missing; put it beside the model file it was exported with", location);
    }
    return yk__fail(err, YK__IO, "external data \"%.200s\": %s", location, strerror(errno));
}

/* A descriptor of the file, or -1 with errno set. */
static int open_beneath(const char *folder, const char *location) {
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *at = location, *start;
    size_t length = next_component(&at, &start);
    while (dir >= 0) {
        char name[NAME_MAX + 1];
        memcpy(name, start, length);
        name[length] = '\0';
        length = next_component(&at, &start);
        /* O_NONBLOCK: opening a pipe must not wait for its writer. */
        const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (length > 0 ? O_DIRECTORY : O_NONBLOCK);
        const int next = openat(dir, name, flags);
        const int code = errno;
        close(dir);
        errno = code;
        if (length == 0) return next;
        dir = next;
    }
    return -1;
}

static yk__code map_file(const char *folder, const char *location, yk__map **out, yk__error *err) {
    YK__TRY(check_path(location, err));
    const int fd = open_beneath(folder, location);
    if (fd < 0) return open_failed(location, err);
    struct stat status;
    yk__code code = YK__OK;
    yk__map *map = NULL;
    if (fstat(fd, &status) != 0) {
        code = open_failed(location, err);
    } else if (!S_ISREG(status.st_mode)) {
        code = refuse_path(location, "it is not a plain file", err);
    } else if (!(map = yk__alloc(sizeof *map))) {
        code = yk__fail(err, YK__MEMORY, "out of memory");
    } else if (status.st_size > 0) {
        void *const data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED) {
            code = open_failed(location, err);
        } else {
            *map = (yk__map){data, (size_t)status.st_size, true};
        }
    }
    close(fd);
    if (code != YK__OK) {
        yk__free(map);
        return code;
    }
    *out = map;
    return YK__OK;
}

static yk__code find_or_open(yk__external *external, const char *location, yk__map **out, yk__error *err) {
    for (int32_t i = external->n_files - 1; i >= 0; i--) { /* tensors of one file follow each other */
        if (strcmp(external->files[i].name, location) == 0) {
            *out = external->files[i].map;
            return YK__OK;
        }
    }
    if (external->n_files == YK__EXTERNAL_MAX_FILES) {
        return yk__fail(err, YK__LIMIT, "the model refers to more than %d external data files", YK__EXTERNAL_MAX_FILES);
    }
    if (external->n_files == external->capacity) {
        const int32_t capacity = external->capacity > 0 ? 2 * external->capacity : 8;
        void *const grown = yk__realloc_array(external->files, (size_t)capacity, sizeof *external->files);
        if (!grown) return yk__fail(err, YK__MEMORY, "out of memory");
        external->files = grown;
        external->capacity = capacity;
    }
    char *const name = yk__strdup(location);
    if (!name) return yk__fail(err, YK__MEMORY, "out of memory");
    const yk__code code = map_file(external->folder, location, out, err);
    if (code != YK__OK) {
        yk__free(name);
        return code;
    }
    external->files[external->n_files++] = (struct yk__external_entry){name, *out};
    external->total_bytes += (*out)->size;
    return YK__OK;
}

yk__code yk__external_bytes(yk__external *external, const char *location, int64_t offset, int64_t length, const uint8_t **bytes,
                            size_t *size, yk__error *err) {
    if (!external->folder) return refuse_path(location, "the model did not come from a file", err);
    yk__map *map = NULL;
    YK__TRY(find_or_open(external, location, &map, err));
    if (offset < 0 || length < -1 || (uint64_t)offset > map->size ||
        (length >= 0 && (uint64_t)length > map->size - (uint64_t)offset)) {
        return yk__fail(err, YK__TRUNCATED,
                        "external data \"%.200s\" has %zu bytes, but the model wants %lld bytes at %lld; the file is cut or "
                        "belongs to another model",
                        location, map->size, (long long)length, (long long)offset);
    }
    *bytes = map->data + offset;
    *size = length >= 0 ? (size_t)length : map->size - (size_t)offset;
    return YK__OK;
}

void yk__external_take(yk__external *external, void ***mappings, int32_t *n) {
    *mappings = NULL;
    *n = 0;
    if (external->n_files == 0) return;
    void **const list = yk__alloc_array((size_t)external->n_files, sizeof *list);
    if (!list) return; /* the caller sees n 0 with files left and fails */
    for (int32_t i = 0; i < external->n_files; i++) {
        list[i] = external->files[i].map;
        external->files[i].map = NULL;
    }
    *mappings = list;
    *n = external->n_files;
    yk__external_free(external);
}

void yk__external_free(yk__external *external) {
    for (int32_t i = 0; i < external->n_files; i++) {
        yk__free(external->files[i].name);
        if (external->files[i].map) yk__map_close(external->files[i].map);
        yk__free(external->files[i].map);
    }
    yk__free(external->files);
    external->files = NULL;
    external->n_files = external->capacity = 0;
}
