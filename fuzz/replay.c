/* Runs a fuzz target over the files and folders given, without libFuzzer. A crash and having nothing to run are the failures.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory of exactly the file's size, so that AddressSanitizer sees each step outside. */
static int run_file(const char *path) {
    FILE *file = fopen(path, "rb");
    long size = -1;
    if (file && fseek(file, 0, SEEK_END) == 0) size = ftell(file);
    if (size < 0 || fseek(file, 0, SEEK_SET) != 0) {
        fprintf(stderr, "cannot read %s\n", path);
        if (file) fclose(file);
        return -1;
    }
    uint8_t *bytes = malloc(size ? (size_t)size : 1);
    size_t got = bytes ? fread(bytes, 1, (size_t)size, file) : 0;
    fclose(file);
    if (bytes && got == (size_t)size) LLVMFuzzerTestOneInput(bytes, got);
    free(bytes);
    return 1;
}

static int run_folder(const char *folder) {
    int n = 0;
    const struct dirent *item;
    DIR *stream = opendir(folder);
    while (stream && (item = readdir(stream)) != NULL) {
        char path[4096];
        if (item->d_name[0] == '.' || snprintf(path, sizeof path, "%s/%s", folder, item->d_name) >= (int)sizeof path) continue;
        int ran = run_file(path);
        if (ran < 0) n = -1;
        if (n >= 0) n += ran;
    }
    if (stream) closedir(stream);
    return n;
}

int main(int argc, char **argv) {
    struct stat info;
    int n = 0;
    for (int i = 1; i < argc && n >= 0; i++) {
        int more = stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode) ? run_folder(argv[i]) : run_file(argv[i]);
        n = more < 0 ? -1 : n + more;
    }
    printf("%d files\n", n);
    return n > 0 ? 0 : 1;
}
