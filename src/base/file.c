/* Files. Everything that opens, maps, reads or replaces a file goes through here, so that descriptors never leak into child
 * processes and a half-written file never carries the name of a whole one. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#define DEFAULT_PIPE_LIMIT ((size_t)1 << 30)
#define PIPE_PATIENCE_MS   2000               /* for a writer that is about to start */
#define FIRST_READ         ((size_t)64 << 10) /* what a pipe holds on Linux */
/* As many symbolic links in a row as Linux follows itself (path_resolution(7)). */
#define MAX_LINKS 40

/* `what` is "open", "read", ...: the text reads "cannot open PATH: reason". Long paths are cut so that the reason fits. */
static yk__code io_error(yk__error *err, yk__code code, const char *what, const char *path, int reason) {
    char buffer[128];
    return yk__fail(err, code, "cannot %s %.700s: %s", what, path, strerror_r(reason, buffer, sizeof buffer));
}

static yk__code no_memory(yk__error *err, const char *path) {
    return yk__fail(err, YK__MEMORY, "%.700s: out of memory", path);
}

static yk__code is_a_folder(yk__error *err, const char *path) {
    return yk__fail(err, YK__IO, "%.700s is a folder; a file is needed here", path);
}

static int open_again(const char *path, int flags, mode_t mode) {
    int fd;
    do fd = open(path, flags | O_CLOEXEC | O_NOCTTY, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* ---- reading ---- */

/* Doubles the buffer, but never past limit + 1: one byte more than allowed shows that the stream goes on. */
static bool grow(uint8_t **data, size_t *capacity, size_t limit) {
    const size_t most = limit == SIZE_MAX ? limit : limit + 1;
    size_t wanted = *capacity == 0 ? FIRST_READ : *capacity > most / 2 ? most : *capacity * 2;
    if (wanted > most) wanted = most;
    uint8_t *const grown = yk__realloc_array(*data, wanted, 1);
    if (grown == NULL) return false;
    *data = grown;
    *capacity = wanted;
    return true;
}

yk__code yk__read_stream(FILE *stream, const char *name, size_t limit, uint8_t **data, size_t *size, yk__error *err) {
    uint8_t *bytes = NULL;
    size_t capacity = 0, used = 0;
    yk__code code;
    *data = NULL;
    *size = 0;
    for (;;) {
        if (used == capacity && !grow(&bytes, &capacity, limit)) {
            code = no_memory(err, name);
            goto fail;
        }
        const size_t got = fread(bytes + used, 1, capacity - used, stream);
        used += got;
        if (used > limit) {
            code = yk__fail(err, YK__LIMIT, "%.700s: holds more than the %zu bytes allowed here", name, limit);
            goto fail;
        }
        if (got > 0) continue;
        if (!ferror(stream)) break;
        code = io_error(err, YK__IO, "read", name, errno);
        goto fail;
    }
    if (used == 0) {
        yk__free(bytes);
        return YK__OK;
    }
    uint8_t *const fitted = used < capacity ? yk__realloc_array(bytes, used, 1) : bytes;
    *data = fitted != NULL ? fitted : bytes;
    *size = used;
    return YK__OK;
fail:
    yk__free(bytes);
    return code;
}

/* A named pipe that nobody has open for writing would block its reader for ever. fd was opened without blocking: then reading
 * such a pipe gives its end at once, and one with a silent writer EAGAIN. *first: a byte that was read on the way, or -1. */
static yk__code await_writer(int fd, const char *path, int *first, yk__error *err) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    *first = -1;
    if (poll(&wait, 1, PIPE_PATIENCE_MS) == 0) {
        uint8_t byte;
        const ssize_t n = read(fd, &byte, 1);
        if (n == 0) return yk__fail(err, YK__IO, "%.700s is a pipe that nobody writes to", path);
        if (n == 1) *first = byte;
    }
    return YK__OK;
}

/* Takes over fd. */
static yk__code read_special(yk__map *map, int fd, const char *path, size_t limit, yk__error *err) {
    struct stat about;
    int first = -1;
    yk__code code = YK__OK;
    if (fstat(fd, &about) == 0 && S_ISFIFO(about.st_mode)) code = await_writer(fd, path, &first, err);
    const int flags = fcntl(fd, F_GETFL);
    if (code == YK__OK && (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0))
        code = io_error(err, YK__IO, "read", path, errno);
    if (code != YK__OK) {
        close(fd);
        return code;
    }
    FILE *const stream = fdopen(fd, "rb");
    if (stream == NULL) {
        close(fd);
        return no_memory(err, path);
    }
    if (first >= 0) ungetc(first, stream);
    uint8_t *data;
    code = yk__read_stream(stream, path, limit, &data, &map->size, err);
    fclose(stream);
    map->data = data;
    return code;
}

yk__code yk__map_open(yk__map *map, const char *path, size_t max_pipe_bytes, yk__error *err) {
    *map = (yk__map){0};
    const size_t limit = max_pipe_bytes != 0 ? max_pipe_bytes : DEFAULT_PIPE_LIMIT;
    const int fd = open_again(path, O_RDONLY | O_NONBLOCK, 0); /* only pipes would block */
    if (fd < 0) return io_error(err, errno == ENOENT || errno == ENOTDIR ? YK__NOT_FOUND : YK__IO, "open", path, errno);
    struct stat about;
    yk__code code = YK__OK;
    if (fstat(fd, &about) != 0) {
        code = io_error(err, YK__IO, "examine", path, errno);
    } else if (S_ISDIR(about.st_mode)) {
        code = is_a_folder(err, path);
    } else if (!S_ISREG(about.st_mode) || about.st_size <= 0) {
        return read_special(map, fd, path, limit, err); /* files of /proc claim to be empty too */
    } else if ((uintmax_t)about.st_size > PTRDIFF_MAX) {
        code = yk__fail(err, YK__LIMIT, "%.700s: %jd bytes are more than can be mapped", path, (intmax_t)about.st_size);
    } else {
        void *const bytes = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED && errno == ENODEV) return read_special(map, fd, path, limit, err);
        if (bytes == MAP_FAILED)
            code = io_error(err, errno == ENOMEM ? YK__MEMORY : YK__IO, "map", path, errno);
        else
            *map = (yk__map){.data = bytes, .size = (size_t)about.st_size, .mapped = true};
    }
    close(fd);
    return code;
}

bool yk__is_device(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && (S_ISCHR(about.st_mode) || S_ISBLK(about.st_mode));
}

bool yk__file_size(const char *path, uint64_t *size) {
    struct stat about;
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode)) return false;
    *size = (uint64_t)about.st_size;
    return true;
}

void yk__map_close(yk__map *map) {
    if (map->mapped)
        munmap((void *)(uintptr_t)map->data, map->size);
    else
        yk__free((void *)(uintptr_t)map->data);
    *map = (yk__map){0};
}

/* ---- atomic writing ---- */

/* Bytes of path up to and with its last slash: 0 when the file lies in the working folder. */
static size_t folder_length(const char *path) {
    const char *const slash = strrchr(path, '/');
    return slash != NULL ? (size_t)(slash - path) + 1 : 0;
}

/* "folder of path" + name; NULL without memory. */
static char *in_folder_of(const char *path, const char *name) {
    const size_t folder = folder_length(path), n = strlen(name);
    char *const joined = yk__alloc(folder + n + 1);
    if (joined == NULL) return NULL;
    memcpy(joined, path, folder);
    memcpy(joined + folder, name, n);
    return joined;
}

/* What the symbolic link at *path names, in place of *path. */
static yk__code follow_link(char **path, yk__error *err) {
    char target[4096]; /* PATH_MAX on Linux */
    const ssize_t n = readlink(*path, target, sizeof target - 1);
    if (n < 0) return io_error(err, YK__IO, "follow the link", *path, errno);
    target[n] = '\0';
    char *const next = target[0] == '/' ? yk__strdup(target) : in_folder_of(*path, target);
    if (next == NULL) return no_memory(err, *path);
    yk__free(*path);
    *path = next;
    return YK__OK;
}

/* Follows links until *path names something else, or nothing yet. */
static yk__code follow_links(char **path, yk__error *err) {
    for (int i = 0; i <= MAX_LINKS; i++) {
        struct stat about;
        if (lstat(*path, &about) != 0 || !S_ISLNK(about.st_mode)) return YK__OK;
        YK__TRY(follow_link(path, err));
    }
    return io_error(err, YK__IO, "open", *path, ELOOP);
}

static uint64_t random_word(void) {
    uint64_t word;
    if (getrandom(&word, sizeof word, GRND_NONBLOCK) == sizeof word) return word;
    return yk__now_ns() * 0x9E3779B97F4A7C15u ^ (uint64_t)getpid() << 32; /* only needs to differ; O_EXCL does the rest */
}

/* Creates the temporary file beside the target; errno tells why not. Made by open rather than mkostemp, so that the kernel
 * applies umask and the folder's access list: reading umask means changing it for every thread of the process. The name is
 * short and free of the target's, so that it fits wherever the target's own fits. */
static int create_temporary(yk__atomic_file *file) {
    for (int attempt = 0; attempt < 100; attempt++) {
        char name[32];
        snprintf(name, sizeof name, ".yolk-%012llx", (unsigned long long)(random_word() & 0xFFFFFFFFFFFFu));
        yk__free(file->temporary);
        file->temporary = in_folder_of(file->path, name);
        if (file->temporary == NULL) {
            errno = ENOMEM;
            return -1;
        }
        const int fd = open_again(file->temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

/* Devices and pipes, which cannot be replaced, and files that only a link without a name leads to (/dev/stdout). */
static bool must_open_directly(const yk__atomic_file *file, const struct stat *original) {
    struct stat resolved;
    if (!S_ISREG(original->st_mode)) return true;
    return stat(file->path, &resolved) != 0 || resolved.st_dev != original->st_dev || resolved.st_ino != original->st_ino;
}

static yk__code open_target(yk__atomic_file *file, const char *path, yk__error *err) {
    struct stat about;
    const bool exists = stat(path, &about) == 0;
    if (!exists && errno != ENOENT) return io_error(err, errno == ENOTDIR ? YK__NOT_FOUND : YK__IO, "write", path, errno);
    if (exists && S_ISDIR(about.st_mode)) return is_a_folder(err, path);
    if (path[0] == '\0' || path[strlen(path) - 1] == '/') return yk__fail(err, YK__ARGUMENT, "\"%.700s\" names no file", path);
    file->path = yk__strdup(path);
    if (file->path == NULL) return no_memory(err, path);
    if (!exists || S_ISREG(about.st_mode)) YK__TRY(follow_links(&file->path, err));
    const bool direct = exists && must_open_directly(file, &about);
    const int fd = direct ? open_again(path, O_WRONLY | O_TRUNC, 0) : create_temporary(file);
    if (fd < 0) {
        const int reason = errno;
        yk__free(file->temporary); /* nothing was created under this name */
        file->temporary = NULL;
        if (reason == ENOMEM) return no_memory(err, path);
        return io_error(err, reason == ENOENT ? YK__NOT_FOUND : YK__IO, direct ? "write" : "create a file for", path, reason);
    }
    file->stream = fdopen(fd, "wb");
    if (file->stream != NULL) return YK__OK;
    close(fd);
    return no_memory(err, path);
}

yk__code yk__atomic_open(yk__atomic_file *file, const char *path, yk__error *err) {
    *file = (yk__atomic_file){0};
    const yk__code code = open_target(file, path, err);
    if (code != YK__OK) yk__atomic_abort(file);
    return code;
}

yk__code yk__atomic_write(yk__atomic_file *file, const void *bytes, size_t size, yk__error *err) {
    if (size == 0 || fwrite(bytes, 1, size, file->stream) == size) return YK__OK;
    return io_error(err, YK__IO, "write", file->path, errno);
}

/* The folder of the target for syncing it; -1 in *fd when it may be written but not opened. */
static yk__code open_folder(const yk__atomic_file *file, int *fd, yk__error *err) {
    char *const folder = in_folder_of(file->path, ".");
    if (folder == NULL) return no_memory(err, file->path);
    *fd = open_again(folder, O_RDONLY | O_DIRECTORY, 0);
    yk__free(folder);
    return YK__OK;
}

/* Renames and makes the new name last: a name is only safe once its folder is. Some file systems know no syncing of
 * folders; only real trouble counts. */
static yk__code take_name(yk__atomic_file *file, int folder_fd, yk__error *err) {
    if (rename(file->temporary, file->path) != 0) return io_error(err, YK__IO, "replace", file->path, errno);
    yk__free(file->temporary); /* the name is gone; abort must not remove somebody else's file */
    file->temporary = NULL;
    if (folder_fd < 0 || fsync(folder_fd) == 0 || (errno != EIO && errno != ENOSPC && errno != EDQUOT)) return YK__OK;
    return io_error(err, YK__IO, "sync the folder of", file->path, errno);
}

static yk__code flush_and_close(yk__atomic_file *file, yk__error *err) {
    /* ferror: a write that failed before, perhaps into the stream without yk__atomic_write. */
    if (ferror(file->stream)) return yk__fail(err, YK__IO, "cannot write %.700s: an earlier write failed", file->path);
    if (fflush(file->stream) != 0) return io_error(err, YK__IO, "write", file->path, errno);
    const bool replaces = file->temporary != NULL; /* devices and pipes know no syncing */
    if (replaces && fsync(fileno(file->stream)) != 0) return io_error(err, YK__IO, "sync", file->path, errno);
    FILE *const stream = file->stream;
    file->stream = NULL;
    if (fclose(stream) != 0) return io_error(err, YK__IO, "write", file->path, errno);
    return YK__OK;
}

static yk__code flush_and_rename(yk__atomic_file *file, yk__error *err) {
    int folder_fd = -1;
    YK__TRY(flush_and_close(file, err));
    if (file->temporary == NULL) return YK__OK;
    YK__TRY(open_folder(file, &folder_fd, err));
    const yk__code code = take_name(file, folder_fd, err);
    if (folder_fd >= 0) close(folder_fd);
    return code;
}

yk__code yk__atomic_commit(yk__atomic_file *file, yk__error *err) {
    const yk__code code = flush_and_rename(file, err);
    yk__atomic_abort(file);
    return code;
}

void yk__atomic_abort(yk__atomic_file *file) {
    if (file->stream != NULL) fclose(file->stream);
    if (file->temporary != NULL) unlink(file->temporary);
    yk__free(file->temporary);
    yk__free(file->path);
    *file = (yk__atomic_file){0};
}
