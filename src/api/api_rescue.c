/* The engine's JSON to task, names, input size and keypoints. The plan itself is not needed: damaged ones do. */
#include "api/api_rescue.h"

#include <jansson.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "inspect/check.h"
#include "inspect/ultralytics_prefix.h"

enum { MAX_CLASSES = 100000, MAX_SIDE = 32768, MAX_POINTS = 1365 };

static yk__code bad(const char *key, yk__error *err) {
    return yk__fail(err, YK__FORMAT, "the engine's metadata are damaged: %s is not what it must be", key);
}

/* [h, w], or one number for both. Absent is fine. */
static bool read_pair(const json_t *value, int most, int out[2]) {
    const bool list = json_is_array(value);
    if (!value || json_is_null(value)) return true;
    if (list && json_array_size(value) != 2) return false;
    for (size_t i = 0; i < 2; i++) {
        const json_t *number = list ? json_array_get(value, i) : value;
        if (!json_is_integer(number) || json_integer_value(number) < 1 || json_integer_value(number) > most) return false;
        out[i] = (int)json_integer_value(number);
    }
    return true;
}

/* A list, or an object whose keys are 0 .. n-1: JSON turns numbers that are keys into texts. */
static yk__code read_names(const json_t *value, yk__rescue *out, yk__error *err) {
    const size_t n = json_is_array(value) ? json_array_size(value) : json_object_size(value);
    if (!value || json_is_null(value) || n == 0) return YK__OK;
    if (n > MAX_CLASSES) return bad("names", err);
    const char **names = yk__arena_array(&out->arena, n, sizeof *names);
    if (!names) return yk__arena_error(&out->arena, "class names", err);
    for (size_t i = 0; i < n; i++) {
        char key[24];
        snprintf(key, sizeof key, "%zu", i);
        const json_t *name = json_is_array(value) ? json_array_get(value, i) : json_object_get(value, key);
        if (!json_is_string(name)) return bad("names", err);
        names[i] = yk__arena_strdup(&out->arena, json_string_value(name));
        if (!names[i]) return yk__arena_error(&out->arena, "class names", err);
    }
    out->known.names = names;
    out->known.n_names = (int32_t)n;
    return YK__OK;
}

static yk__code read_metadata(const json_t *root, yk__rescue *out, yk__error *err) {
    const json_t *task = json_object_get(root, "task");
    int points[2] = {0};
    if (json_is_string(task)) {
        out->known.task = yk__task_from_name(json_string_value(task));
        if (out->known.task == YK__TASK_NONE)
            return yk__fail(err, YK__UNSUPPORTED,
                            "the engine's task is \"%.40s\"; yolk knows detect, segment, classify, pose and obb",
                            json_string_value(task));
    }
    if (!read_pair(json_object_get(root, "imgsz"), MAX_SIDE, out->imgsz)) return bad("imgsz", err);
    if (!read_pair(json_object_get(root, "kpt_shape"), MAX_POINTS, points)) return bad("kpt_shape", err);
    memcpy(out->known.kpt_shape, points, sizeof points);
    return read_names(json_object_get(root, "names"), out, err);
}

/* Without readable metadata the file must at least be an engine: a mistyped name is no rescue. */
static yk__code expect_engine(const yk__map *map, yk__error *err) {
    yk__report report;
    yk__probe(map->data, map->size, map->size, &report);
    const bool engine = yk__fact_get(&report.facts, "tensorrt") || strcmp(report.kind, "ultralytics-engine") == 0;
    yk__code code = engine
                        ? YK__OK
                        : yk__fail(err, YK__ARGUMENT,
                                   "with --from the file to build is a TensorRT engine, and this is %s; leave --from out, or "
                                   "give the engine first",
                                   report.kind);
    yk__report_free(&report);
    return code;
}

yk__code yk__rescue_read(const char *engine_path, yk__rescue *out, yk__error *err) {
    yk__map map = {0};
    yk__prefix prefix;
    json_t *root = NULL;
    *out = (yk__rescue){0};
    yk__arena_init(&out->arena, 0);
    YK__TRY(yk__map_open(&map, engine_path, 0, err));
    yk__code code = expect_engine(&map, err);
    if (code == YK__OK && yk__prefix_read(map.data, map.size, &prefix, &root, NULL) == YK__OK)
        code = read_metadata(root, out, err);
    if (code != YK__OK) yk__fail_prefix(err, code, "%.500s", engine_path);
    json_decref(root);
    yk__map_close(&map);
    return code;
}

void yk__rescue_free(yk__rescue *rescue) {
    yk__arena_free(&rescue->arena);
}
