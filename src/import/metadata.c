/* Metadata strings to the few numbers and names that a recipe needs. */
#include "import/metadata.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "import/literal.h"

/* Bounds of recipe.c for what comes from here; a file beyond them is wrong, not large. */
enum { MAX_CLASSES = 100000, MAX_SIDE = 32768, MAX_STRIDE = 4096, MAX_BATCH = 65536, MAX_POINTS = 1365, MAX_ROWS = 30000 };

static const char *shown(const char *text) {
    return text ? text : "";
}

static yk__code bad_value(const char *key, const char *text, const char *wanted, yk__error *err) {
    return yk__fail(err, YK__FORMAT, "metadata %s is \"%.80s\", but must be %s", key, shown(text), wanted);
}

static bool name_of(const yk__literal *literal, yk__arena *arena, const char **out) {
    char number[32];
    switch (literal->kind) {
    case YK__LITERAL_STRING: *out = literal->text; return true;
    case YK__LITERAL_INT: snprintf(number, sizeof number, "%lld", (long long)literal->integer); break;
    case YK__LITERAL_FLOAT: yk__format_double(number, literal->number); break;
    case YK__LITERAL_BOOL: strcpy(number, literal->boolean ? "True" : "False"); break;
    case YK__LITERAL_NONE: strcpy(number, "None"); break;
    default: *out = NULL; return true;
    }
    *out = yk__arena_strdup(arena, number);
    return *out != NULL;
}

yk__code yk__names_from_literal(const yk__literal *literal, yk__arena *arena, const char ***names, int32_t *n, yk__error *err) {
    const bool dict = literal->kind == YK__LITERAL_DICT;
    if ((!dict && literal->kind != YK__LITERAL_LIST) || literal->n == 0 || literal->n > MAX_CLASSES) {
        return yk__fail(err, YK__FORMAT, "class names must be a list or a dict of 1 to %d names", MAX_CLASSES);
    }
    const char **const list = yk__arena_array(arena, (size_t)literal->n, sizeof *list);
    if (!list) return yk__arena_error(arena, "class names", err);
    for (int32_t i = 0; i < literal->n; i++) {
        int64_t at = i;
        const yk__literal *const item = &literal->items[dict ? 2 * i + 1 : i];
        if (dict) {
            const yk__literal *const key = item - 1;
            const bool ok =
                key->kind == YK__LITERAL_STRING ? yk__parse_i64(key->text, &at) : yk__literal_int(key, 0, literal->n, &at);
            if (!ok || at < 0 || at >= literal->n || list[at]) {
                return yk__fail(err, YK__FORMAT, "class names must have the keys 0 to %d, each once; entry %d has another",
                                literal->n - 1, i);
            }
        }
        if (!name_of(item, arena, &list[at])) return yk__arena_error(arena, "class names", err);
        if (!list[at]) return yk__fail(err, YK__FORMAT, "the name of class %lld is not a text", (long long)at);
    }
    *names = list;
    *n = literal->n;
    return YK__OK;
}

static yk__code read_names(const Onnx__ModelProto *model, yk__arena *arena, yk__metadata *out, yk__error *err) {
    const char *const text = yk__onnx_metadata(model, "names");
    if (!text || !text[0]) return YK__OK;
    yk__literal literal;
    yk__code code = yk__literal_parse(text, arena, &literal, err);
    if (code == YK__OK) code = yk__names_from_literal(&literal, arena, &out->names, &out->n_names, err);
    return code == YK__OK ? YK__OK : yk__fail_prefix(err, code, "metadata names");
}

/* One positive number. */
static yk__code read_int(const Onnx__ModelProto *model, const char *key, yk__arena *arena, int64_t high, int32_t *out,
                         yk__error *err) {
    const char *const text = yk__onnx_metadata(model, key);
    if (!text || !text[0]) return YK__OK;
    yk__literal literal;
    int64_t value;
    if (yk__literal_parse(text, arena, &literal, NULL) != YK__OK || !yk__literal_int(&literal, 1, high, &value)) {
        char wanted[64];
        snprintf(wanted, sizeof wanted, "a whole number from 1 to %lld", (long long)high);
        return bad_value(key, text, wanted, err);
    }
    *out = (int32_t)value;
    return YK__OK;
}

/* [h, w], or one number for both. */
static yk__code read_pair(const Onnx__ModelProto *model, const char *key, yk__arena *arena, int64_t high, int32_t out[2],
                          yk__error *err) {
    const char *const text = yk__onnx_metadata(model, key);
    if (!text || !text[0]) return YK__OK;
    yk__literal literal;
    int64_t a = 0, b = 0;
    bool ok = yk__literal_parse(text, arena, &literal, NULL) == YK__OK;
    if (ok && literal.kind == YK__LITERAL_LIST) {
        ok = literal.n == 2 && yk__literal_int(&literal.items[0], 1, high, &a) &&
             yk__literal_int(&literal.items[1], 1, high, &b);
    } else if (ok) {
        ok = yk__literal_int(&literal, 1, high, &a);
        b = a;
    }
    if (!ok) return bad_value(key, text, "two whole numbers like [640, 640]", err);
    out[0] = (int32_t)a;
    out[1] = (int32_t)b;
    return YK__OK;
}

static yk__code read_end2end(const Onnx__ModelProto *model, yk__arena *arena, yk__metadata *out, yk__error *err) {
    const char *const text = yk__onnx_metadata(model, "end2end");
    if (!text || !text[0]) return YK__OK;
    yk__literal literal;
    int64_t value;
    if (yk__literal_parse(text, arena, &literal, NULL) != YK__OK ||
        (literal.kind != YK__LITERAL_NONE && !yk__literal_int(&literal, 0, 1, &value))) {
        return bad_value("end2end", text, "True or False", err);
    }
    out->has_end2end = literal.kind != YK__LITERAL_NONE;
    out->end2end = out->has_end2end && value != 0;
    return YK__OK;
}

static void read_args(const Onnx__ModelProto *model, yk__arena *arena, yk__metadata *out) {
    const char *const text = yk__onnx_metadata(model, "args");
    yk__literal literal;
    int64_t value;
    if (!text || yk__literal_parse(text, arena, &literal, NULL) != YK__OK) return;
    out->has_dynamic = yk__literal_int(yk__literal_get(&literal, "dynamic"), 0, 1, &value);
    out->dynamic = out->has_dynamic && value != 0;
    out->nms = yk__literal_int(yk__literal_get(&literal, "nms"), 0, 1, &value) && value != 0;
}

yk__code yk__metadata_read(const Onnx__ModelProto *model, yk__arena *arena, yk__metadata *out, yk__error *err) {
    *out = (yk__metadata){0};
    const char *const task = yk__onnx_metadata(model, "task");
    if (task && task[0]) {
        out->task = yk__task_from_name(task);
        if (out->task == YK__TASK_NONE) out->unknown_task = task;
    }
    YK__TRY(read_names(model, arena, out, err));
    YK__TRY(read_pair(model, "imgsz", arena, MAX_SIDE, out->imgsz, err));
    YK__TRY(read_pair(model, "kpt_shape", arena, MAX_POINTS, out->kpt_shape, err));
    YK__TRY(read_int(model, "stride", arena, MAX_STRIDE, &out->stride, err));
    YK__TRY(read_int(model, "batch", arena, MAX_BATCH, &out->batch, err));
    YK__TRY(read_int(model, "channels", arena, MAX_STRIDE, &out->channels, err));
    YK__TRY(read_end2end(model, arena, out, err));
    read_args(model, arena, out);
    return YK__OK;
}

/* ---- keys of yolk's own ---- */

static bool number_of(const yk__literal *literal, double *out) {
    if (literal->kind == YK__LITERAL_INT) *out = (double)literal->integer;
    if (literal->kind == YK__LITERAL_FLOAT) *out = literal->number;
    return literal->kind == YK__LITERAL_INT || (literal->kind == YK__LITERAL_FLOAT && isfinite(literal->number));
}

static bool fraction_of(const yk__literal *literal, float *out) {
    double number;
    if (!number_of(literal, &number) || !(number >= 0 && number <= 1)) return false;
    *out = (float)number;
    return true;
}

static yk__code set_default(const char *key, const yk__literal *value, const char *text, yk__recipe *recipe, yk__error *err) {
    int64_t whole = 0;
    const char *wanted;
    bool ok;
    if (!strcmp(key, "conf")) {
        ok = fraction_of(value, &recipe->conf);
        wanted = "conf must be a number from 0 to 1";
    } else if (!strcmp(key, "iou")) {
        ok = fraction_of(value, &recipe->iou);
        wanted = "iou must be a number from 0 to 1";
    } else if (!strcmp(key, "max_det")) {
        ok = value->kind == YK__LITERAL_INT && yk__literal_int(value, 1, MAX_ROWS, &whole);
        if (ok) recipe->max_det = (int32_t)whole;
        wanted = "max_det must be a whole number from 1 to 30000";
    } else if (!strcmp(key, "agnostic")) {
        ok = value->kind == YK__LITERAL_BOOL;
        if (ok) recipe->agnostic = value->boolean;
        wanted = "agnostic must be True or False";
    } else {
        return yk__fail(err, YK__FORMAT, "metadata defaults is \"%.80s\": \"%.40s\" is none of conf, iou, max_det, agnostic",
                        text, key);
    }
    return ok ? YK__OK : yk__fail(err, YK__FORMAT, "metadata defaults is \"%.80s\": %s", text, wanted);
}

yk__code yk__metadata_defaults(const Onnx__ModelProto *model, yk__arena *scratch, yk__recipe *recipe, yk__error *err) {
    const char *const text = yk__onnx_metadata(model, "defaults");
    yk__literal literal;
    if (!text || !text[0]) return YK__OK;
    if (yk__literal_parse(text, scratch, &literal, NULL) != YK__OK || literal.kind != YK__LITERAL_DICT)
        return bad_value("defaults", text, "a dict like {'conf': 0.25, 'iou': 0.7, 'max_det': 300, 'agnostic': False}", err);
    for (int32_t i = 0; i < literal.n; i++) {
        const yk__literal *const key = &literal.items[2 * i];
        YK__TRY(set_default(key->kind == YK__LITERAL_STRING ? key->text : "?", key + 1, text, recipe, err));
    }
    return YK__OK;
}

yk__code yk__metadata_metrics(const Onnx__ModelProto *model, yk__arena *scratch, yk__arena *arena, yk__provenance *out,
                              yk__error *err) {
    const char *const text = yk__onnx_metadata(model, "metrics");
    yk__literal literal;
    if (!text || yk__literal_parse(text, scratch, &literal, NULL) != YK__OK || literal.kind != YK__LITERAL_DICT) return YK__OK;
    const int32_t most = literal.n < YK__MAX_METRICS ? literal.n : YK__MAX_METRICS;
    yk__metric *const metrics = yk__arena_array(arena, (size_t)most, sizeof *metrics);
    if (!metrics) return yk__arena_error(arena, "the metrics", err);
    for (int32_t i = 0; i < literal.n && out->n_metrics < most; i++) {
        const yk__literal *const key = &literal.items[2 * i];
        yk__metric metric;
        if (key->kind != YK__LITERAL_STRING || !yk__metric_name_ok(key->text) || !number_of(key + 1, &metric.value)) continue;
        metric.name = yk__arena_strdup(arena, key->text);
        if (!metric.name) return yk__arena_error(arena, "the metrics", err);
        metrics[out->n_metrics++] = metric;
    }
    out->metrics = metrics;
    return YK__OK;
}
