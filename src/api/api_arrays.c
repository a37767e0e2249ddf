/* Saved arrays: an .npz (a zip of .npy files) or a folder of .npy files, read one array at a time. */
#include "api/api.h"

#include "base/file.h"
#include "base/npy.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

/* Deflate cannot make more of a byte than this (RFC 1951: 258 bytes for 2 bits); claims beyond it are false. */
#define MOST_INFLATION 1032
#define MOST_ARRAYS    100000

struct yk_arrays {
    zip_t *zip;   /* or NULL: a folder */
    char *folder; /* or NULL */
    yk__arena arena;
    char **names; /* without ".npy" */
    size_t n_names;
    uint8_t *data; /* of the array read last */
};

static bool is_npy(const char *name) {
    return yk__ends_with(name, ".npy") && strlen(name) > 4;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_name(yk_arrays *arrays, const char *file) {
    arrays->names[arrays->n_names] = yk__arena_strndup(&arrays->arena, file, strlen(file) - 4);
    return arrays->names[arrays->n_names++];
}

static yk__code list_zip(yk_arrays *arrays, const char *path, yk__error *err) {
    int error = 0;
    arrays->zip = zip_open(path, ZIP_RDONLY, &error);
    if (!arrays->zip) {
        zip_error_t text;
        zip_error_init_with_code(&text, error);
        yk__code code = yk__fail(err, error == ZIP_ER_NOENT ? YK__NOT_FOUND : YK__FORMAT,
                                 "%s: not a folder and not an .npz file: %s", path, zip_error_strerror(&text));
        zip_error_fini(&text);
        return code;
    }
    zip_int64_t n = zip_get_num_entries(arrays->zip, 0);
    if (n < 0 || n > MOST_ARRAYS) return yk__fail(err, YK__LIMIT, "%s: %lld files in it", path, (long long)n);
    arrays->names = yk__arena_array(&arrays->arena, (size_t)n, sizeof *arrays->names);
    bool ok = arrays->names;
    for (zip_int64_t i = 0; ok && i < n; i++) {
        const char *name = zip_get_name(arrays->zip, (zip_uint64_t)i, 0);
        if (name && is_npy(name)) ok = add_name(arrays, name);
    }
    return ok ? YK__OK : yk__arena_error(&arrays->arena, "a list of arrays", err);
}

static yk__code list_folder(yk_arrays *arrays, DIR *dir, const char *path, yk__error *err) {
    size_t n = 0;
    while (readdir(dir)) n++;
    rewinddir(dir);
    arrays->folder = yk__arena_strdup(&arrays->arena, path);
    arrays->names = n <= MOST_ARRAYS ? yk__arena_array(&arrays->arena, n, sizeof *arrays->names) : NULL;
    bool ok = arrays->folder && arrays->names;
    for (struct dirent *entry; ok && arrays->n_names < n && (entry = readdir(dir));)
        if (is_npy(entry->d_name)) ok = add_name(arrays, entry->d_name);
    return ok ? YK__OK : yk__arena_error(&arrays->arena, "a list of arrays", err);
}

yk_status yk_arrays_open(yk_arrays **out, const char *path, yk_error *error) {
    yk__error e = {0};
    if (!out || !path) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_arrays_open: an argument is NULL");
    *out = NULL;
    yk_arrays *arrays = yk__alloc(sizeof *arrays);
    if (!arrays) return yk__api_fail(error, YK_ERROR_MEMORY, "out of memory for arrays");
    yk__arena_init(&arrays->arena, 0);
    DIR *dir = opendir(path);
    yk__code code = dir ? list_folder(arrays, dir, path, &e) : list_zip(arrays, path, &e);
    if (dir) closedir(dir);
    if (code == YK__OK && arrays->n_names == 0) code = yk__fail(&e, YK__FORMAT, "%s: holds no arrays (.npy)", path);
    if (code != YK__OK) {
        yk_arrays_destroy(&arrays);
        return yk__api_status(error, code, &e);
    }
    qsort(arrays->names, arrays->n_names, sizeof *arrays->names, by_name);
    *out = arrays;
    return YK_OK;
}

void yk_arrays_destroy(yk_arrays **arrays_at) {
    if (!arrays_at || !*arrays_at) return;
    yk_arrays *arrays = *arrays_at;
    if (arrays->zip) zip_discard(arrays->zip);
    yk__free(arrays->data);
    yk__arena_free(&arrays->arena);
    yk__free(arrays);
    *arrays_at = NULL;
}

const char *yk_arrays_name(const yk_arrays *arrays, size_t i) {
    return arrays && i < arrays->n_names ? arrays->names[i] : NULL;
}

/* ---- reading one ---- */

/* The whole file of an array, from yk__alloc. */
static yk__code read_zip(const yk_arrays *arrays, const char *file, uint8_t **bytes, size_t *n, yk__error *err) {
    zip_stat_t stat;
    if (zip_stat(arrays->zip, file, 0, &stat) != 0 || !(stat.valid & ZIP_STAT_SIZE) || !(stat.valid & ZIP_STAT_COMP_SIZE))
        return yk__fail(err, YK__NOT_FOUND, "%s is not in the archive", file);
    if (stat.size / MOST_INFLATION > stat.comp_size + 1 || stat.size > PTRDIFF_MAX)
        return yk__fail(err, YK__LIMIT, "%s: %llu bytes out of %llu cannot be", file, (unsigned long long)stat.size,
                        (unsigned long long)stat.comp_size);
    zip_file_t *in = zip_fopen(arrays->zip, file, 0);
    if (!in) return yk__fail(err, YK__FORMAT, "%s: %s", file, zip_strerror(arrays->zip));
    *n = (size_t)stat.size;
    *bytes = yk__alloc(*n + 1);
    yk__code code = YK__OK;
    if (!*bytes)
        code = yk__fail(err, YK__MEMORY, "out of memory for %zu bytes of %s", *n, file);
    else if (zip_fread(in, *bytes, stat.size) != (zip_int64_t)stat.size)
        code = yk__fail(err, YK__TRUNCATED, "%s: %s", file, zip_file_strerror(in));
    zip_fclose(in);
    return code;
}

static yk__code read_file(const yk_arrays *arrays, const char *file, uint8_t **bytes, size_t *n, yk__error *err) {
    yk__arena scratch;
    yk__map map = {0};
    yk__arena_init(&scratch, 0);
    char *path = yk__arena_printf(&scratch, "%s/%s", arrays->folder, file);
    yk__code code = path ? yk__map_open(&map, path, 0, err) : yk__arena_error(&scratch, "a path", err);
    if (code == YK__OK) {
        *n = map.size;
        *bytes = yk__alloc(map.size + 1);
        if (*bytes)
            memcpy(*bytes, map.data, map.data ? map.size : 0);
        else
            code = yk__fail(err, YK__MEMORY, "out of memory for %zu bytes of %s", map.size, file);
    }
    yk__map_close(&map);
    yk__arena_free(&scratch);
    return code;
}

/* The public type of an element, or 0 where there is none. */
static int dtype_of(const yk__npy *npy) {
    if (npy->kind == 'f') return npy->item_bytes == 4 ? YK_F32 : npy->item_bytes == 8 ? YK_F64 : YK_F16;
    if (npy->kind == 'b') return npy->item_bytes == 1 ? YK_BOOL : 0;
    if (npy->item_bytes == 1) return npy->kind == 'u' ? YK_U8 : YK_I8;
    if (npy->kind == 'i') return npy->item_bytes == 4 ? YK_I32 : npy->item_bytes == 8 ? YK_I64 : 0;
    return 0;
}

static yk__code read_array(yk_arrays *arrays, const char *name, yk_tensor *tensor, yk__error *err) {
    size_t at = 0, n = 0;
    yk__npy npy;
    while (at < arrays->n_names && strcmp(arrays->names[at], name) != 0) at++;
    if (at == arrays->n_names) return yk__fail(err, YK__NOT_FOUND, "there is no array '%s'", name);
    char *file = yk__arena_printf(&arrays->arena, "%s.npy", name);
    if (!file) return yk__arena_error(&arrays->arena, "a name", err);
    yk__free(arrays->data);
    arrays->data = NULL;
    YK__TRY((arrays->zip ? read_zip : read_file)(arrays, file, &arrays->data, &n, err));
    YK__TRY(yk__npy_parse(arrays->data, n, file, &npy, err));
    int dtype = dtype_of(&npy);
    if (!dtype) return yk__fail(err, YK__UNSUPPORTED, "%s: elements of type %c%d", file, npy.kind, npy.item_bytes);
    memmove(arrays->data, npy.data, npy.count * (size_t)npy.item_bytes); /* to where every element is aligned */
    *tensor = (yk_tensor){
        .size = sizeof *tensor, .name = arrays->names[at], .dtype = (yk_dtype)dtype, .rank = npy.rank, .data = arrays->data};
    memcpy(tensor->dim, npy.dim, sizeof npy.dim);
    return YK__OK;
}

yk_status yk_arrays_get(yk_arrays *arrays, const char *name, yk_tensor *tensor, yk_error *error) {
    yk__error e = {0};
    if (!arrays || !name || !tensor) return yk__api_fail(error, YK_ERROR_ARGUMENT, "yk_arrays_get: an argument is NULL");
    *tensor = (yk_tensor)YK_TENSOR_INIT;
    return yk__api_status(error, read_array(arrays, name, tensor, &e), &e);
}
