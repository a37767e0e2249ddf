/* src/base/file.c: mappings of every kind of file, and files that appear whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

/* Each test works in an empty folder of its own. */
static char folder[64];

static int enter_folder(void **state) {
    (void)state;
    strcpy(folder, "/tmp/yolk-file-XXXXXX");
    return mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static void put(const char *path, const char *text) {
    FILE *const file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void assert_file_holds(const char *path, const char *text) {
    char buffer[256] = "";
    FILE *const file = fopen(path, "re");
    assert_non_null(file);
    buffer[fread(buffer, 1, sizeof buffer - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(buffer, text);
}

/* Entries of the working folder, so that a forgotten temporary file shows. */
static int count_entries(void) {
    DIR *const dir = opendir(".");
    assert_non_null(dir);
    int n = 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) n += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(dir);
    return n;
}

static int count_descriptors(void) {
    DIR *const dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    int n = 0;
    while (readdir(dir) != NULL) n++;
    closedir(dir);
    return n;
}

/* ---- mapping ---- */

static void files_map(void **state) {
    (void)state;
    yk__map map;
    put("x", "hello");
    const int before = count_descriptors();
    assert_int_equal(yk__map_open(&map, "x", 0, NULL), YK__OK);
    assert_true(map.mapped && map.size == 5);
    assert_memory_equal(map.data, "hello", 5);
    assert_int_equal(count_descriptors(), before); /* the mapping outlives its descriptor */
    yk__map_close(&map);
    assert_true(map.data == NULL && map.size == 0 && !map.mapped);
    yk__map_close(&map);

    put("empty", "");
    assert_int_equal(yk__map_open(&map, "empty", 0, NULL), YK__OK);
    assert_true(map.data == NULL && map.size == 0);
    yk__map_close(&map);
}

/* A regular file that claims to be empty and is not. */
static void proc_files_are_read(void **state) {
    (void)state;
    yk__map map;
    assert_int_equal(yk__map_open(&map, "/proc/self/status", 0, NULL), YK__OK);
    assert_true(map.size > 5 && !map.mapped);
    assert_memory_equal(map.data, "Name:", 5);
    yk__map_close(&map);
}

static void missing_and_unfit_files_are_named(void **state) {
    (void)state;
    yk__map map = {.size = 7};
    yk__error err;
    assert_int_equal(yk__map_open(&map, "none.onnx", 0, &err), YK__NOT_FOUND);
    assert_non_null(strstr(err.message, "none.onnx"));
    assert_true(map.data == NULL && map.size == 0);
    put("x", "1");
    assert_int_equal(yk__map_open(&map, "x/y", 0, &err), YK__NOT_FOUND);
    assert_int_equal(yk__map_open(&map, "", 0, &err), YK__NOT_FOUND);
    assert_int_equal(yk__map_open(&map, folder, 0, &err), YK__IO);
    assert_non_null(strstr(err.message, folder));
    assert_non_null(strstr(err.message, "folder"));
    assert_int_equal(symlink("loop", "loop"), 0);
    assert_int_equal(yk__map_open(&map, "loop", 0, &err), YK__IO);
    char long_path[6000];
    memset(long_path, 'a', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    assert_int_equal(yk__map_open(&map, long_path, 0, &err), YK__IO);
    assert_non_null(strstr(err.message, strerror(ENAMETOOLONG))); /* the reason survives the long path */
}

/* Runs writer's text into a named pipe from a child process. */
static pid_t feed_pipe(const char *path, size_t n_bytes) {
    assert_int_equal(mkfifo(path, 0600), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0) return child;
    alarm(60); /* a reader that never comes must not outlive the test */
    signal(SIGPIPE, SIG_IGN);
    FILE *const pipe = fopen(path, "w");
    for (size_t i = 0; pipe != NULL && i < n_bytes; i++) fputc((int)('a' + i % 26), pipe);
    if (pipe != NULL) fclose(pipe);
    _exit(0);
}

static void pipes_are_read_up_to_the_limit(void **state) {
    (void)state;
    yk__map map;
    yk__error err;
    static const size_t limits[] = {0, 300000, 299999, 10};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const pid_t child = feed_pipe("pipe", 300000);
        const yk__code code = yk__map_open(&map, "pipe", limits[i], &err);
        assert_int_equal(waitpid(child, NULL, 0), child);
        if (i < 2) {
            assert_int_equal(code, YK__OK);
            assert_true(map.size == 300000 && !map.mapped);
            for (size_t k = 0; k < map.size; k++) assert_int_equal(map.data[k], 'a' + k % 26);
        } else {
            assert_int_equal(code, YK__LIMIT);
            assert_true(map.data == NULL && map.size == 0);
            assert_non_null(strstr(err.message, "pipe"));
        }
        yk__map_close(&map);
        unlink("pipe");
    }
    assert_int_equal(yk__map_open(&map, "/dev/null", 0, NULL), YK__OK);
    assert_int_equal(map.size, 0);
    yk__map_close(&map);
    assert_int_equal(yk__map_open(&map, "/dev/zero", 100000, &err), YK__LIMIT);
}

static void silent_pipes_do_not_block(void **state) {
    (void)state;
    yk__map map;
    yk__error err;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(yk__map_open(&map, "pipe", 0, &err), YK__IO);
    assert_non_null(strstr(err.message, "nobody writes"));
    assert_true(yk__is_device("/dev/zero"));
    assert_false(yk__is_device("pipe") || yk__is_device("nowhere") || yk__is_device("."));
}

static void streams_are_read_whole(void **state) {
    (void)state;
    uint8_t *data;
    size_t size;
    yk__error err;
    put("x", "0123456789");
    FILE *stream = fopen("x", "re");
    assert_int_equal(yk__read_stream(stream, "x", 10, &data, &size, NULL), YK__OK);
    assert_int_equal(size, 10);
    assert_memory_equal(data, "0123456789", 10);
    yk__free(data);
    rewind(stream);
    assert_int_equal(yk__read_stream(stream, "the name", 9, &data, &size, &err), YK__LIMIT);
    assert_true(data == NULL && size == 0);
    assert_non_null(strstr(err.message, "the name"));
    rewind(stream);
    assert_int_equal(yk__read_stream(stream, "x", SIZE_MAX, &data, &size, NULL), YK__OK);
    yk__free(data);
    assert_int_equal(yk__read_stream(stream, "x", 0, &data, &size, NULL), YK__OK); /* at its end */
    assert_true(data == NULL && size == 0);
    fclose(stream);
    stream = fopen("x", "we"); /* cannot be read */
    assert_int_equal(yk__read_stream(stream, "x", 10, &data, &size, &err), YK__IO);
    fclose(stream);
}

static void reading_survives_failed_allocations(void **state) {
    (void)state;
    yk__map map;
    const uint64_t before = yk__alloc_count();
    assert_int_equal(yk__map_open(&map, "/proc/self/status", 0, NULL), YK__OK);
    yk__map_close(&map);
    const uint64_t n = yk__alloc_count() - before;
    assert_true(n >= 1);
    const int descriptors = count_descriptors();
    for (uint64_t i = 1; i <= n; i++) {
        yk__error err;
        yk__alloc_fail_after(i);
        const yk__code code = yk__map_open(&map, "/proc/self/status", 0, &err);
        yk__alloc_fail_after(0);
        if (code != YK__OK) assert_int_equal(code, YK__MEMORY); /* shrinking at the end may fail without harm */
        assert_true(i > 1 || code == YK__MEMORY);
        yk__map_close(&map);
    }
    assert_int_equal(count_descriptors(), descriptors);
}

/* ---- atomic files ---- */

static yk__code write_file(const char *path, const char *text, yk__error *err) {
    yk__atomic_file file;
    YK__TRY(yk__atomic_open(&file, path, err));
    const yk__code code = yk__atomic_write(&file, text, strlen(text), err);
    if (code == YK__OK) return yk__atomic_commit(&file, err);
    yk__atomic_abort(&file);
    return code;
}

static void files_appear_at_commit(void **state) {
    (void)state;
    yk__atomic_file file;
    assert_int_equal(yk__atomic_open(&file, "new", NULL), YK__OK);
    assert_int_equal(yk__atomic_write(&file, "abc", 3, NULL), YK__OK);
    assert_int_equal(yk__atomic_write(&file, NULL, 0, NULL), YK__OK);
    assert_true(fprintf(file.stream, "%d", 42) == 2); /* the stream is there to be used */
    assert_int_not_equal(access("new", F_OK), 0);
    assert_int_equal(count_entries(), 1);
    assert_int_equal(yk__atomic_commit(&file, NULL), YK__OK);
    assert_true(file.stream == NULL && file.path == NULL && file.temporary == NULL);
    assert_file_holds("new", "abc42");
    assert_int_equal(count_entries(), 1);

    assert_int_equal(yk__atomic_open(&file, "new", NULL), YK__OK);
    assert_int_equal(yk__atomic_write(&file, "replaced", 8, NULL), YK__OK);
    assert_file_holds("new", "abc42");
    yk__atomic_abort(&file);
    yk__atomic_abort(&file);
    assert_file_holds("new", "abc42");
    assert_int_equal(count_entries(), 1);
    char absolute[128];
    snprintf(absolute, sizeof absolute, "%s/new", folder);
    assert_int_equal(write_file(absolute, "third", NULL), YK__OK);
    assert_file_holds("new", "third");
}

static void permissions_follow_umask(void **state) {
    (void)state;
    struct stat about;
    const mode_t before = umask(027);
    assert_int_equal(write_file("x", "1", NULL), YK__OK);
    umask(before);
    assert_int_equal(stat("x", &about), 0);
    assert_int_equal(about.st_mode & 07777, 0640);
}

static void links_are_written_through(void **state) {
    (void)state;
    struct stat about;
    mkdir("a", 0777);
    mkdir("b", 0777);
    put("b/target", "old");
    assert_int_equal(symlink("../b/target", "a/link"), 0);
    assert_int_equal(symlink("a/link", "second"), 0);
    assert_int_equal(write_file("second", "new", NULL), YK__OK);
    assert_file_holds("b/target", "new");
    assert_true(lstat("a/link", &about) == 0 && S_ISLNK(about.st_mode));
    assert_true(lstat("second", &about) == 0 && S_ISLNK(about.st_mode));
    assert_int_equal(symlink("b/not-yet", "dangling"), 0);
    assert_int_equal(write_file("dangling", "made", NULL), YK__OK);
    assert_file_holds("b/not-yet", "made");
    char absolute[128];
    snprintf(absolute, sizeof absolute, "%s/b/target", folder);
    assert_int_equal(symlink(absolute, "absolute"), 0);
    assert_int_equal(write_file("absolute", "newer", NULL), YK__OK);
    assert_file_holds("b/target", "newer");
    assert_int_equal(symlink("circle", "circle"), 0);
    assert_int_equal(write_file("circle", "x", NULL), YK__IO);
    assert_int_equal(count_entries(), 6);
}

static void unfit_targets_are_refused(void **state) {
    (void)state;
    yk__error err;
    mkdir("dir", 0777);
    assert_int_equal(symlink("dir", "dir-link"), 0);
    assert_int_equal(write_file("dir", "x", &err), YK__IO);
    assert_non_null(strstr(err.message, "folder"));
    assert_int_equal(write_file("dir-link", "x", NULL), YK__IO);
    assert_int_equal(write_file("dir/", "x", NULL), YK__IO);
    assert_int_equal(write_file("missing/", "x", NULL), YK__ARGUMENT);
    assert_int_equal(write_file("", "x", NULL), YK__ARGUMENT);
    assert_int_equal(write_file("missing/file", "x", &err), YK__NOT_FOUND);
    assert_non_null(strstr(err.message, "missing/file"));
    put("plain", "1");
    assert_int_equal(write_file("plain/file", "x", NULL), YK__NOT_FOUND);
    assert_int_equal(count_entries(), 3);
}

static void read_only_folders_are_reported(void **state) {
    (void)state;
    yk__error err;
    mkdir("locked", 0755);
    put("locked/x", "old");
    chmod("locked", 0555);
    chmod(".", 0755);
    const bool root = geteuid() == 0;
    if (root) assert_int_equal(seteuid(65534), 0); /* root may write anywhere; nobody may not */
    const yk__code code = write_file("locked/x", "new", &err);
    if (root) assert_int_equal(seteuid(0), 0);
    assert_int_equal(code, YK__IO);
    assert_non_null(strstr(err.message, "locked/x"));
    assert_file_holds("locked/x", "old");
    chmod("locked", 0755);
}

static void long_names_fit(void **state) {
    (void)state;
    char name[300];
    memset(name, 'n', sizeof name);
    name[255] = '\0'; /* NAME_MAX */
    assert_int_equal(write_file(name, "long", NULL), YK__OK);
    assert_file_holds(name, "long");
    name[255] = 'n';
    name[256] = '\0';
    yk__error err;
    assert_int_equal(write_file(name, "long", &err), YK__IO);
    assert_int_equal(count_entries(), 1);
}

static void devices_are_opened_directly(void **state) {
    (void)state;
    yk__error err;
    struct stat about;
    assert_int_equal(write_file("/dev/null", "gone", NULL), YK__OK);
    assert_true(stat("/dev/null", &about) == 0 && S_ISCHR(about.st_mode));
    assert_int_equal(write_file("/dev/full", "no room", &err), YK__IO);
    assert_non_null(strstr(err.message, strerror(ENOSPC)));

    int ends[2];
    char path[64], got[16] = "";
    assert_int_equal(pipe(ends), 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[1]);
    assert_int_equal(write_file(path, "through", NULL), YK__OK);
    assert_int_equal(read(ends[0], got, sizeof got - 1), 7);
    assert_string_equal(got, "through");
    close(ends[0]);
    close(ends[1]);

    const int nameless = open("x", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    unlink("x");
    snprintf(path, sizeof path, "/proc/self/fd/%d", nameless);
    assert_int_equal(write_file(path, "kept", NULL), YK__OK);
    assert_int_equal(pread(nameless, got, 4, 0), 4);
    assert_memory_equal(got, "kept", 4);
    close(nameless);
    assert_int_equal(count_entries(), 0);
}

/* The file size limit stands in for a full disk. */
static void failed_writes_leave_the_old_file(void **state) {
    (void)state;
    put("x", "old");
    struct rlimit before, small = {1000, 1000};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    static char zeros[100000];
    yk__atomic_file file;
    yk__error err;
    assert_int_equal(yk__atomic_open(&file, "x", NULL), YK__OK);
    assert_int_equal(yk__atomic_write(&file, zeros, sizeof zeros, &err), YK__IO);
    assert_int_equal(yk__atomic_commit(&file, NULL), YK__IO); /* a caller that ignored it is not believed */
    assert_int_equal(yk__atomic_open(&file, "x", NULL), YK__OK);
    assert_int_equal(yk__atomic_write(&file, zeros, 1500, NULL), YK__OK); /* still in the buffer */
    assert_int_equal(yk__atomic_commit(&file, &err), YK__IO);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    assert_non_null(strstr(err.message, strerror(EFBIG)));
    assert_file_holds("x", "old");
    assert_int_equal(count_entries(), 1);
}

static void writing_survives_failed_allocations(void **state) {
    (void)state;
    put("target", "old");
    assert_int_equal(symlink("target", "link"), 0);
    const uint64_t before = yk__alloc_count();
    assert_int_equal(write_file("link", "first", NULL), YK__OK);
    const uint64_t n = yk__alloc_count() - before;
    assert_true(n >= 3); /* path, link, temporary name */
    const int descriptors = count_descriptors();
    for (uint64_t i = 1; i <= n; i++) {
        yk__error err = {0};
        yk__alloc_fail_after(i);
        assert_int_equal(write_file("link", "second", &err), YK__MEMORY);
        yk__alloc_fail_after(0);
        assert_int_equal(err.code, YK__MEMORY);
        assert_file_holds("target", "first");
        assert_int_equal(count_entries(), 2);
    }
    assert_int_equal(count_descriptors(), descriptors);
}

/* Two writers of one target: no mixture, whoever is last wins, nothing is left over. */
static void writers_do_not_meet(void **state) {
    (void)state;
    yk__atomic_file a, b;
    assert_int_equal(yk__atomic_open(&a, "x", NULL), YK__OK);
    assert_int_equal(yk__atomic_open(&b, "x", NULL), YK__OK);
    assert_int_equal(yk__atomic_write(&a, "aaaa", 4, NULL), YK__OK);
    assert_int_equal(yk__atomic_write(&b, "bb", 2, NULL), YK__OK);
    assert_int_equal(yk__atomic_commit(&b, NULL), YK__OK);
    assert_file_holds("x", "bb");
    assert_int_equal(yk__atomic_commit(&a, NULL), YK__OK);
    assert_file_holds("x", "aaaa");
    assert_int_equal(count_entries(), 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)
    const struct CMUnitTest tests[] = {
        TEST(files_map),
        TEST(proc_files_are_read),
        TEST(missing_and_unfit_files_are_named),
        TEST(pipes_are_read_up_to_the_limit),
        TEST(silent_pipes_do_not_block),
        TEST(streams_are_read_whole),
        TEST(reading_survives_failed_allocations),
        TEST(files_appear_at_commit),
        TEST(permissions_follow_umask),
        TEST(links_are_written_through),
        TEST(unfit_targets_are_refused),
        TEST(read_only_folders_are_reported),
        TEST(long_names_fit),
        TEST(devices_are_opened_directly),
        TEST(failed_writes_leave_the_old_file),
        TEST(writing_survives_failed_allocations),
        TEST(writers_do_not_meet),
    };
#undef TEST
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
