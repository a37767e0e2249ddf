/* The recipe as JSON, a member a line, and back. Unknown members are ignored: a writer that adds one which matters raises the
 * minimum reader version. */
#include "engine/recipe_json.h"

#include <string.h>

#include "engine/json_read.h"
#include "engine/json_text.h"

/* yk__recipe_verify has the real bound; this one only keeps the list's index an int. */
enum { MAX_NAMES = 1000000 };

/* ---- writing ---- */

static void key(yk__text *out, const char *name) {
    yk__text_add(out, ",\n");
    yk__json_key(out, name);
}

static void write_floats(yk__text *out, const char *name, const float *numbers) {
    key(out, name);
    for (int i = 0; i < 3; i++) {
        yk__text_add_char(out, i ? ',' : '[');
        yk__json_float(out, numbers[i]);
    }
    yk__text_add_char(out, ']');
}

static void write_pair(yk__text *out, const char *name, const int32_t pair[2]) {
    int64_t wide[2] = {pair[0], pair[1]};
    key(out, name);
    yk__json_ints(out, wide, 2);
}

static void write_int(yk__text *out, const char *name, int64_t number) {
    key(out, name);
    yk__json_int(out, number);
}

static void write_float(yk__text *out, const char *name, float number) {
    key(out, name);
    yk__json_float(out, number);
}

static void write_bool(yk__text *out, const char *name, bool yes) {
    key(out, name);
    yk__json_bool(out, yes);
}

static void write_string(yk__text *out, const char *name, const char *text) {
    key(out, name);
    yk__json_string(out, text);
}

/* By yk__geometry. */
static const char *const geometry_names[] = {"letterbox", "classify-crop", "classify-square"};

void yk__recipe_to_json(const yk__recipe *recipe, yk__text *out) {
    yk__text_add(out, "{\"task\":");
    yk__json_string(out, yk__task_name(recipe->task));
    write_string(out, "layout", yk__layout_name(recipe->layout));
    write_pair(out, "imgsz", recipe->imgsz);
    write_int(out, "stride", recipe->stride);
    write_int(out, "batch", recipe->batch);
    write_bool(out, "dynamic", recipe->dynamic);
    write_bool(out, "rect", recipe->rect);
    write_int(out, "channels", recipe->channels);
    write_string(out, "geometry", geometry_names[recipe->geometry]);
    write_string(out, "order", recipe->bgr ? "bgr" : "rgb");
    write_float(out, "scale", recipe->scale);
    write_floats(out, "mean", recipe->mean);
    write_floats(out, "std", recipe->std);
    write_int(out, "pad_value", recipe->pad_value);
    write_float(out, "conf", recipe->conf);
    write_float(out, "iou", recipe->iou);
    write_int(out, "max_det", recipe->max_det);
    write_bool(out, "agnostic", recipe->agnostic);
    write_pair(out, "kpt_shape", recipe->kpt_shape);
    write_int(out, "n_extra", recipe->n_extra);
    key(out, "names");
    yk__text_add_char(out, '[');
    for (int32_t i = 0; i < recipe->n_classes; i++) {
        if (i) yk__text_add(out, ",\n");
        yk__json_string(out, recipe->names[i]);
    }
    yk__text_add(out, "]}\n");
}

void yk__provenance_to_json(const yk__provenance *provenance, yk__text *out) {
    yk__text_add(out, "{\"source_name\":");
    yk__json_string(out, provenance->source_name);
    write_string(out, "source_sha256", provenance->source_sha256);
    write_string(out, "source_format", provenance->source_format);
    write_string(out, "options", provenance->options);
    write_string(out, "description", provenance->description);
    write_string(out, "author", provenance->author);
    write_string(out, "license", provenance->license);
    write_string(out, "version", provenance->version);
    write_string(out, "date", provenance->date);
    key(out, "metrics");
    yk__text_add_char(out, '{');
    for (int32_t i = 0; i < provenance->n_metrics; i++) {
        if (i) yk__text_add_char(out, ',');
        yk__json_key(out, provenance->metrics[i].name);
        yk__json_real(out, provenance->metrics[i].value);
    }
    yk__text_add(out, "}}\n");
}

void yk__choices_to_json(const yk__choice *choices, int32_t n_choices, yk__text *out) {
    yk__text_add_char(out, '[');
    for (int32_t i = 0; i < n_choices; i++) {
        yk__text_add(out, i ? ",\n{\"node\":" : "\n{\"node\":");
        yk__json_string(out, choices[i].node);
        yk__text_add(out, ",\"kernel\":");
        yk__json_string(out, choices[i].kernel);
        yk__text_add_char(out, '}');
    }
    yk__text_add(out, "\n]\n");
}

/* ---- reading ---- */

static const char where[] = "section recipe";

static yk__code read_int(const json_t *root, const char *name, int32_t *out, yk__error *err) {
    int64_t wide;
    YK__TRY(yk__json_get_int(root, name, INT32_MIN, INT32_MAX, where, &wide, err));
    *out = (int32_t)wide;
    return YK__OK;
}

static yk__code read_float(const json_t *root, const char *name, float *out, yk__error *err) {
    double wide;
    YK__TRY(yk__json_get_real(root, name, where, &wide, err));
    if (wide > 1e38 || wide < -1e38) /* what no float holds; nan passes, and the recipe's own check refuses it */
        return yk__fail(err, YK__FORMAT, "%s: \"%s\" is %g, too large", where, name, wide);
    *out = (float)wide;
    return YK__OK;
}

static yk__code read_pair(const json_t *root, const char *name, int32_t out[2], yk__error *err) {
    const json_t *array;
    YK__TRY(yk__json_get_array(root, name, 2, where, &array, err));
    for (size_t i = 0; i < 2; i++) {
        const json_t *item = json_array_get(array, i);
        json_int_t number = json_integer_value(item);
        if (!json_is_integer(item) || number < INT32_MIN || number > INT32_MAX)
            return yk__fail(err, YK__FORMAT, "%s: \"%s\" must be two integers", where, name);
        out[i] = (int32_t)number;
    }
    return YK__OK;
}

static yk__code read_floats(const json_t *root, const char *name, float out[3], yk__error *err) {
    const json_t *array;
    YK__TRY(yk__json_get_array(root, name, 3, where, &array, err));
    for (size_t i = 0; i < 3; i++) {
        double wide;
        if (!yk__json_number(json_array_get(array, i), &wide) || wide > 1e38 || wide < -1e38)
            return yk__fail(err, YK__FORMAT, "%s: \"%s\" must be three numbers", where, name);
        out[i] = (float)wide;
    }
    return YK__OK;
}

/* One of two words. */
static yk__code read_either(const json_t *root, const char *name, const char *no, const char *yes, bool *out, yk__error *err) {
    const char *text;
    YK__TRY(yk__json_get_string(root, name, where, &text, err));
    *out = !strcmp(text, yes);
    if (*out || !strcmp(text, no)) return YK__OK;
    return yk__fail(err, YK__FORMAT, "%s: \"%s\" is \"%.40s\"; it must be \"%s\" or \"%s\"", where, name, text, no, yes);
}

static yk__code read_words(const json_t *root, yk__recipe *recipe, yk__error *err) {
    const char *text;
    YK__TRY(yk__json_get_string(root, "task", where, &text, err));
    recipe->task = yk__task_from_name(text);
    if (recipe->task == YK__TASK_NONE) return yk__fail(err, YK__FORMAT, "%s: unknown task \"%.40s\"", where, text);
    YK__TRY(yk__json_get_string(root, "layout", where, &text, err));
    recipe->layout = yk__layout_from_name(text);
    if (recipe->layout == YK__LAYOUT_NONE) return yk__fail(err, YK__FORMAT, "%s: unknown layout \"%.40s\"", where, text);
    YK__TRY(yk__json_get_string(root, "geometry", where, &text, err));
    int geometry = 0;
    while (geometry < 3 && strcmp(text, geometry_names[geometry]) != 0) geometry++;
    if (geometry == 3) return yk__fail(err, YK__FORMAT, "%s: unknown geometry \"%.40s\"", where, text);
    recipe->geometry = (yk__geometry)geometry;
    return read_either(root, "order", "rgb", "bgr", &recipe->bgr, err);
}

static yk__code read_names(const json_t *root, yk__arena *arena, yk__recipe *recipe, yk__error *err) {
    const json_t *array;
    YK__TRY(yk__json_get_array(root, "names", MAX_NAMES, where, &array, err));
    recipe->n_classes = (int32_t)json_array_size(array);
    recipe->names = yk__arena_array(arena, json_array_size(array), sizeof *recipe->names);
    if (!recipe->names) return yk__arena_error(arena, where, err);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);
        if (!json_is_string(item)) return yk__fail(err, YK__FORMAT, "%s: name %zu is not a string", where, i);
        recipe->names[i] = yk__arena_strdup(arena, json_string_value(item));
        if (!recipe->names[i]) return yk__arena_error(arena, where, err);
    }
    return YK__OK;
}

static yk__code read_recipe(const json_t *root, yk__arena *arena, yk__recipe *recipe, yk__error *err) {
    if (!json_is_object(root)) return yk__fail(err, YK__FORMAT, "%s: not a JSON object", where);
    YK__TRY(read_words(root, recipe, err));
    YK__TRY(read_pair(root, "imgsz", recipe->imgsz, err));
    YK__TRY(read_int(root, "stride", &recipe->stride, err));
    YK__TRY(read_int(root, "batch", &recipe->batch, err));
    YK__TRY(yk__json_get_bool(root, "dynamic", where, &recipe->dynamic, err));
    YK__TRY(yk__json_get_bool(root, "rect", where, &recipe->rect, err));
    YK__TRY(read_int(root, "channels", &recipe->channels, err));
    YK__TRY(read_float(root, "scale", &recipe->scale, err));
    YK__TRY(read_floats(root, "mean", recipe->mean, err));
    YK__TRY(read_floats(root, "std", recipe->std, err));
    YK__TRY(read_int(root, "pad_value", &recipe->pad_value, err));
    YK__TRY(read_float(root, "conf", &recipe->conf, err));
    YK__TRY(read_float(root, "iou", &recipe->iou, err));
    YK__TRY(read_int(root, "max_det", &recipe->max_det, err));
    if (json_object_get(root, "agnostic")) /* the first writers of this version had it not */
        YK__TRY(yk__json_get_bool(root, "agnostic", where, &recipe->agnostic, err));
    YK__TRY(read_pair(root, "kpt_shape", recipe->kpt_shape, err));
    YK__TRY(read_int(root, "n_extra", &recipe->n_extra, err));
    return read_names(root, arena, recipe, err);
}

yk__code yk__recipe_from_json(const uint8_t *json, size_t n, yk__arena *arena, yk__recipe *recipe, yk__finding_code *finding,
                              yk__error *err) {
    json_t *root = NULL;
    *finding = YK__FINDING_JSON_INVALID;
    *recipe = (yk__recipe){0};
    yk__code code = yk__json_parse(json, n, where, &root, err);
    if (!code) code = read_recipe(root, arena, recipe, err);
    json_decref(root);
    if (!code) {
        *finding = YK__FINDING_RECIPE_INVALID;
        code = yk__recipe_verify(recipe, err);
    }
    if (code == YK__LIMIT) *finding = YK__FINDING_JSON_TOO_LARGE;
    if (code == YK__MEMORY) *finding = YK__FINDING_OUT_OF_MEMORY;
    return code;
}

/* A string that may be null or missing. */
static yk__code read_optional(const json_t *root, const char *name, yk__arena *arena, const char **out, yk__error *err) {
    const json_t *member = json_object_get(root, name);
    *out = NULL;
    if (!member || json_is_null(member)) return YK__OK;
    if (!json_is_string(member)) return yk__fail(err, YK__FORMAT, "section provenance: \"%s\" is not a string", name);
    *out = yk__arena_strdup(arena, json_string_value(member));
    return *out ? YK__OK : yk__arena_error(arena, "section provenance", err);
}

static yk__code read_metrics(json_t *root, yk__arena *arena, yk__provenance *to, yk__error *err) {
    json_t *object = json_object_get(root, "metrics"), *value;
    const char *name;
    const size_t n = json_object_size(object);
    if (n > YK__MAX_METRICS) return yk__fail(err, YK__FORMAT, "section provenance: more than %d metrics", YK__MAX_METRICS);
    yk__metric *metrics = yk__arena_array(arena, n, sizeof *metrics);
    if (!metrics) return yk__arena_error(arena, "section provenance", err);
    json_object_foreach(object, name, value) {
        yk__metric *metric = &metrics[to->n_metrics];
        if (!yk__metric_name_ok(name) || !json_is_number(value))
            return yk__fail(err, YK__FORMAT, "section provenance: \"metrics\" holds more than numbers under plain names");
        *metric = (yk__metric){yk__arena_strdup(arena, name), json_number_value(value)};
        if (!metric->name) return yk__arena_error(arena, "section provenance", err);
        to->n_metrics++;
    }
    to->metrics = metrics;
    return YK__OK;
}

static yk__code read_provenance(json_t *root, yk__arena *arena, yk__provenance *to, yk__error *err) {
    const char *sha256;
    if (!json_is_object(root)) return yk__fail(err, YK__FORMAT, "section provenance: not a JSON object");
    YK__TRY(read_optional(root, "source_name", arena, &to->source_name, err));
    YK__TRY(read_optional(root, "source_format", arena, &to->source_format, err));
    YK__TRY(read_optional(root, "options", arena, &to->options, err));
    YK__TRY(read_optional(root, "description", arena, &to->description, err));
    YK__TRY(read_optional(root, "author", arena, &to->author, err));
    YK__TRY(read_optional(root, "license", arena, &to->license, err));
    YK__TRY(read_optional(root, "version", arena, &to->version, err));
    YK__TRY(read_optional(root, "date", arena, &to->date, err));
    YK__TRY(yk__json_get_string(root, "source_sha256", "section provenance", &sha256, err));
    if (*sha256 && (strlen(sha256) != 64 || strspn(sha256, "0123456789abcdef") != 64))
        return yk__fail(err, YK__FORMAT, "section provenance: \"source_sha256\" is not 64 hexadecimal digits");
    memcpy(to->source_sha256, sha256, strlen(sha256) + 1);
    return read_metrics(root, arena, to, err);
}

yk__code yk__provenance_from_json(const uint8_t *json, size_t n, yk__arena *arena, yk__provenance *provenance, yk__error *err) {
    json_t *root = NULL;
    *provenance = (yk__provenance){0};
    yk__code code = yk__json_parse(json, n, "section provenance", &root, err);
    if (!code) code = read_provenance(root, arena, provenance, err);
    json_decref(root);
    if (code) *provenance = (yk__provenance){0};
    return code;
}

static yk__code read_choices(const json_t *root, yk__arena *arena, const yk__choice **choices, int32_t *n_choices,
                             yk__error *err) {
    size_t n = json_array_size(root);
    if (!json_is_array(root) || n > YK__MAX_NODES)
        return yk__fail(err, YK__FORMAT, "section choices: not a list of at most %d choices", YK__MAX_NODES);
    yk__choice *list = yk__arena_array(arena, n, sizeof *list);
    if (!list) return yk__arena_error(arena, "section choices", err);
    for (size_t i = 0; i < n; i++) {
        const char *node, *kernel;
        YK__TRY(yk__json_get_string(json_array_get(root, i), "node", "section choices", &node, err));
        YK__TRY(yk__json_get_string(json_array_get(root, i), "kernel", "section choices", &kernel, err));
        list[i] = (yk__choice){yk__arena_strdup(arena, node), yk__arena_strdup(arena, kernel)};
        if (!list[i].node || !list[i].kernel) return yk__arena_error(arena, "section choices", err);
    }
    *choices = list;
    *n_choices = (int32_t)n;
    return YK__OK;
}

yk__code yk__choices_from_json(const uint8_t *json, size_t n, yk__arena *arena, const yk__choice **choices, int32_t *n_choices,
                               yk__error *err) {
    json_t *root = NULL;
    *choices = NULL;
    *n_choices = 0;
    yk__code code = yk__json_parse(json, n, "section choices", &root, err);
    if (!code) code = read_choices(root, arena, choices, n_choices, err);
    json_decref(root);
    return code;
}
