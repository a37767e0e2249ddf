/* Taking Ultralytics' metadata off a TensorRT engine, and putting them on. */
#include "api/api.h"

#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "inspect/ultralytics_prefix.h"

/* The same file under two names: by links of either sort too. */
static bool is_same_file(const char *a, const char *b) {
    struct stat of_a, of_b;
    return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

static yk__code write_parts(const char *path, const void *first, size_t n_first, const void *second, size_t n_second,
                            yk__error *err) {
    yk__atomic_file file;
    YK__TRY(yk__atomic_open(&file, path, err));
    yk__code code = yk__atomic_write(&file, first, n_first, err);
    if (code == YK__OK) code = yk__atomic_write(&file, second, n_second, err);
    if (code == YK__OK) return yk__atomic_commit(&file, err);
    yk__atomic_abort(&file);
    return code;
}

static yk__code check_paths(const char *from, const char *to, yk__error *err) {
    if (!from || !to) return yk__fail(err, YK__ARGUMENT, "a path is missing");
    if (is_same_file(from, to))
        return yk__fail(err, YK__ARGUMENT, "%.700s: input and output are the same file; give another name for the output", to);
    return YK__OK;
}

static yk__code strip(const yk__map *map, const char *plan_path, char **metadata, yk__error *err) {
    yk__prefix prefix;
    static const char magics[2][4] = {{'f', 't', 'r', 't'}, {'p', 't', 'r', 't'}};
    for (int i = 0; i < 2; i++)
        if (map->size >= 4 && memcmp(map->data, magics[i], 4) == 0)
            return yk__fail(err, YK__FORMAT, "a plain TensorRT plan already: no metadata in front, nothing to take off");
    YK__TRY(yk__prefix_read(map->data, map->size, &prefix, NULL, err));
    const uint8_t *plan = map->data + prefix.plan_at;
    size_t n = map->size - prefix.plan_at;
    YK__TRY(yk__plan_check_whole(plan, n, err));
    if (metadata && !(*metadata = yk__strndup((const char *)map->data + prefix.json_at, prefix.json_size)))
        return yk__fail(err, YK__MEMORY, "out of memory for the metadata");
    return write_parts(plan_path, plan, n, NULL, 0, err);
}

yk_status yk_strip(const char *engine_path, const char *plan_path, char **metadata, yk_error *error) {
    yk__error e = {0};
    yk__map map = {0};
    if (metadata) *metadata = NULL;
    yk__code code = check_paths(engine_path, plan_path, &e);
    if (code == YK__OK) code = yk__map_open(&map, engine_path, 0, &e);
    if (code == YK__OK) {
        code = strip(&map, plan_path, metadata, &e);
        if (code != YK__OK && code != YK__IO && code != YK__NOT_FOUND) yk__fail_prefix(&e, code, "%.500s", engine_path);
    }
    yk__map_close(&map);
    if (code != YK__OK && metadata) yk_text_destroy(metadata);
    return yk__api_status(error, code, &e);
}

static yk__code wrap(const yk__map *map, const char *metadata, const char *engine_path, yk__text *prefix, yk__error *err) {
    yk__prefix old;
    if (yk__prefix_read(map->data, map->size, &old, NULL, NULL) == YK__OK)
        return yk__fail(err, YK__FORMAT, "the plan has metadata in front already; take them off with `yolk strip` first");
    YK__TRY(yk__plan_check_whole(map->data, map->size, err));
    YK__TRY(yk__prefix_write(metadata, strlen(metadata), prefix, err));
    return write_parts(engine_path, prefix->data, prefix->length, map->data, map->size, err);
}

yk_status yk_wrap(const char *plan_path, const char *metadata, const char *engine_path, yk_error *error) {
    yk__error e = {0};
    yk__map map = {0};
    yk__text prefix = {0};
    yk__code code = check_paths(plan_path, engine_path, &e);
    if (code == YK__OK && !metadata) code = yk__fail(&e, YK__ARGUMENT, "yk_wrap: the metadata must not be NULL");
    if (code == YK__OK) code = yk__map_open(&map, plan_path, 0, &e);
    if (code == YK__OK) {
        code = wrap(&map, metadata, engine_path, &prefix, &e);
        if (code != YK__OK && code != YK__IO && code != YK__NOT_FOUND) yk__fail_prefix(&e, code, "%.500s", plan_path);
    }
    yk__map_close(&map);
    yk__text_free(&prefix);
    return yk__api_status(error, code, &e);
}
