/* Names, input size and preprocessing out of a checkpoint (PARITY sections 1, 4.1, 5.1). */
#include "import/pt_recipe.h"

#include <string.h>

#include "base/text.h"
#include "import/names_file.h"

enum { MAX_SIDE = 32768, MAX_TEXT = 4096 };

/* ---- names ---- */

/* A text for people: cut at 4 KiB, control bytes and what is not UTF-8 replaced. NULL when the value is no string or there is
 * no memory. */
static const char *clean_text(const yk__pickle *p, yk__py value, yk__arena *arena) {
    const yk__py_value *const v = yk__py_at(p, value);
    if (v->kind != YK__PY_STR) return NULL;
    size_t n = v->length < MAX_TEXT ? v->length : MAX_TEXT;
    while (n > 0 && n < v->length && ((unsigned char)v->text[n] & 0xc0) == 0x80) n--; /* not in the middle of a character */
    char *const copy = yk__arena_strndup(arena, v->text, n);
    if (!copy) return NULL;
    const bool utf8 = yk__utf8_valid(v->text, n);
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)v->text[i];
        copy[i] = c < ' ' || c == 0x7f || (c >= 0x80 && !utf8) ? '?' : v->text[i];
    }
    return copy;
}

/* Names that YAML made numbers, as Python writes them: a class "7", "1.5" or "yes". */
static const char *name_text(const yk__pickle *p, yk__py value, yk__arena *arena) {
    const yk__py_value *const v = yk__py_at(p, value);
    char text[32];
    switch (v->kind) {
    case YK__PY_BOOL: return v->boolean ? "True" : "False";
    case YK__PY_INT: return yk__arena_printf(arena, "%lld", (long long)v->integer);
    case YK__PY_FLOAT: yk__format_double(text, v->number); return yk__arena_printf(arena, "%s", text);
    default: return clean_text(p, value, arena);
    }
}

/* A dict's keys are numbers, or texts of numbers where the names went through JSON. */
static bool class_key(const yk__pickle *p, yk__py key, int64_t *out) {
    const yk__py_value *const v = yk__py_at(p, key);
    if (v->kind != YK__PY_STR) return yk__py_int(p, key, out);
    *out = 0;
    for (uint32_t i = 0; i < v->length; i++) {
        if (v->length > 9 || v->text[i] < '0' || v->text[i] > '9') return false;
        *out = 10 * *out + (v->text[i] - '0');
    }
    return v->length > 0;
}

/* The file's names, in a list or in a dict by class; made up where it has none for a class. */
static yk__code names_of_file(const yk__pt_file *file, yk__py model, yk__arena *arena, yk__recipe *recipe, yk__error *err) {
    const yk__pickle *const p = &file->pickle;
    const yk__py names = yk__pt_some(file, model, "names");
    const bool dict = yk__py_kind_of(p, names) == YK__PY_DICT;
    if (yk__py_count(p, names) > recipe->n_classes) {
        return yk__fail(err, YK__GRAPH, "the checkpoint names %d classes and its head has %d", yk__py_count(p, names),
                        recipe->n_classes);
    }
    for (int32_t i = 0; i < yk__py_count(p, names); i++) {
        int64_t key = i;
        if (dict && (!class_key(p, yk__py_key(p, names, i), &key) || key < 0 || key >= recipe->n_classes)) continue;
        recipe->names[key] = name_text(p, dict ? yk__py_value_of(p, names, i) : yk__py_item(p, names, i), arena);
    }
    for (int32_t i = 0; i < recipe->n_classes; i++) {
        if (!recipe->names[i]) recipe->names[i] = yk__arena_printf(arena, "class%d", i);
        if (!recipe->names[i]) return yk__arena_error(arena, "class names", err);
    }
    return YK__OK;
}

/* Another file's names, copied. */
static yk__code names_known(const yk__known *known, yk__arena *arena, yk__recipe *recipe, yk__error *err) {
    if (known->n_names != recipe->n_classes)
        return yk__fail(err, YK__ARGUMENT, "the checkpoint has %d classes and the engine %d: they are not of one model",
                        recipe->n_classes, known->n_names);
    for (int32_t i = 0; i < recipe->n_classes; i++) {
        recipe->names[i] = yk__arena_strdup(arena, known->names[i]);
        if (!recipe->names[i]) return yk__arena_error(arena, "class names", err);
    }
    return YK__OK;
}

static yk__code fill_names(const yk__pt_file *file, yk__py model, const yk__import_options *options, yk__arena *arena,
                           yk__recipe *recipe, yk__error *err) {
    const char *const names_file = options->names_file;
    const char **given;
    int32_t n;
    recipe->names = yk__arena_array(arena, (size_t)recipe->n_classes, sizeof *recipe->names);
    if (!recipe->names) return yk__arena_error(arena, "class names", err);
    if (!names_file && options->known && options->known->names) return names_known(options->known, arena, recipe, err);
    if (!names_file) return names_of_file(file, model, arena, recipe, err);
    YK__TRY(yk__names_file_read(names_file, arena, &given, &n, err));
    if (n != recipe->n_classes)
        return yk__fail(err, YK__ARGUMENT, "%d class names for a network with %d classes", n, recipe->n_classes);
    memcpy(recipe->names, given, (size_t)n * sizeof *given);
    return YK__OK;
}

/* ---- sizes ---- */

/* A training argument: of the checkpoint's own, else of the model's, else of YOLOv5's options. */
static yk__py argument(const yk__pt_file *file, yk__py model, const char *name) {
    const yk__py root = file->pickle.root;
    const yk__py places[] = {yk__pt_some(file, root, "train_args"), yk__pt_some(file, model, "args"),
                             yk__pt_some(file, root, "opt")};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const yk__py found = yk__pt_some(file, places[i], name);
        if (found != YK__PY_ABSENT) return found;
    }
    return YK__PY_ABSENT;
}

/* One side, or height and width; false when the value is neither. */
static bool read_size(const yk__pickle *p, yk__py value, int64_t size[2]) {
    if (yk__py_int(p, value, &size[0])) {
        size[1] = size[0];
    } else if (!yk__py_int(p, yk__py_item(p, value, 0), &size[0])) {
        return false;
    } else if (!yk__py_int(p, yk__py_item(p, value, 1), &size[1])) {
        size[1] = size[0];
    }
    return size[0] >= 1 && size[0] <= MAX_SIDE && size[1] >= 1 && size[1] <= MAX_SIDE;
}

/* PARITY section 1: the training size, else 640, each side rounded up to the stride. */
static yk__code fill_size(const yk__pt_file *file, yk__py model, const yk__import_options *options, yk__recipe *recipe,
                          yk__error *err) {
    int64_t size[2] = {640, 640};
    if (!read_size(&file->pickle, argument(file, model, "imgsz"), size)) {
        size[0] = size[1] = 640;
        if (!read_size(&file->pickle, argument(file, model, "img_size"), size)) size[0] = size[1] = 640;
    }
    for (int i = 0; i < 2; i++) {
        if (options->imgsz[i] < 0 || options->imgsz[i] > MAX_SIDE)
            return yk__fail(err, YK__ARGUMENT, "--imgsz %d is outside 1..%d", options->imgsz[i], MAX_SIDE);
        if (options->imgsz[i] > 0) size[i] = options->imgsz[i];
        recipe->imgsz[i] = (int32_t)((size[i] + recipe->stride - 1) / recipe->stride * recipe->stride);
    }
    return YK__OK;
}

/* ---- classification pictures ---- */

/* Three numbers: a tensor or a list. */
static bool read_three(yk__pt_file *file, yk__py value, yk__arena *arena, float out[3]) {
    yk__shape shape;
    float *numbers;
    if (yk__pt_is_tensor(file, value)) {
        if (yk__pt_tensor_read(file, value, arena, &shape, &numbers, NULL) != YK__OK || shape.rank != 1 || shape.dim[0] != 3)
            return false;
        memcpy(out, numbers, 3 * sizeof *out);
        return true;
    }
    for (int32_t i = 0; i < 3; i++) {
        double number;
        if (!yk__py_number(&file->pickle, yk__py_item(&file->pickle, value, i), &number)) return false;
        out[i] = (float)number;
    }
    return true;
}

/* InterpolationMode.BILINEAR in the ways it was pickled: its value as argument, its name by getattr, Pillow's number. */
static bool is_bilinear(const yk__pickle *p, yk__py mode) {
    enum { PILLOW_BILINEAR = 2 };
    const yk__py_value *const v = yk__py_at(p, mode);
    int64_t number;
    if (yk__py_int(p, mode, &number)) return number == PILLOW_BILINEAR;
    for (int32_t i = 0; v->kind == YK__PY_OBJECT && i < yk__py_count(p, v->args); i++) {
        const yk__py argument = yk__py_item(p, v->args, i);
        if (yk__py_is(p, argument, "bilinear") || yk__py_is(p, argument, "BILINEAR")) return true;
    }
    return false;
}

/* torchvision's steps as saved with the model: they count when they are for the size that is used. */
static yk__code read_steps(yk__pt_file *file, yk__py steps, yk__arena *arena, yk__recipe *recipe, yk__error *err) {
    const yk__pickle *const p = &file->pickle;
    const yk__py first = yk__py_item(p, steps, 0);
    const yk__py size = yk__pt_attr(file, first, "size");
    char class_name[64];
    int64_t sides[2];
    if (!read_size(p, size, sides) || sides[0] != recipe->imgsz[0] || sides[1] != recipe->imgsz[1]) return YK__OK;
    for (int32_t i = 0; i < yk__py_count(p, steps); i++) {
        const yk__py step = yk__py_item(p, steps, i);
        yk__pt_class(file, step, class_name);
        bool known = strcmp(class_name, "ToTensor") == 0 || strcmp(class_name, "CenterCrop") == 0;
        if (strcmp(class_name, "Resize") == 0)
            known = is_bilinear(p, yk__pt_attr(file, step, "interpolation")) &&
                    (yk__py_kind_of(p, size) == YK__PY_INT || yk__py_count(p, size) == 1 || sides[0] != sides[1]);
        if (strcmp(class_name, "Normalize") == 0)
            known = read_three(file, yk__pt_attr(file, step, "mean"), arena, recipe->mean) &&
                    read_three(file, yk__pt_attr(file, step, "std"), arena, recipe->std);
        if (!known) {
            return yk__fail(err, YK__UNSUPPORTED,
                            "the checkpoint's own picture preparation has a step \"%s\" that yolk does not do as it asks; yolk "
                            "resizes bilinearly, crops the centre and normalises",
                            class_name);
        }
    }
    return YK__OK;
}

/* The package's own steps, of its first versions: the central square, resized to the size they hold, which no other size
 * replaces. True when these are they. */
static bool own_steps(const yk__pt_file *file, yk__py steps, const yk__import_options *options, yk__recipe *recipe) {
    static const char *const names[2] = {"h", "w"};
    const yk__py crop = yk__py_item(&file->pickle, steps, 0), convert = yk__py_item(&file->pickle, steps, 1);
    char class_name[64];
    int64_t sides[2];
    if (yk__py_count(&file->pickle, steps) != 2 || strcmp(yk__pt_class(file, crop, class_name), "CenterCrop") != 0 ||
        strcmp(yk__pt_class(file, convert, class_name), "ToTensor") != 0 || !yk__pt_is_of(file, crop, "ultralytics."))
        return false;
    for (int i = 0; i < 2; i++) {
        if (!yk__py_int(&file->pickle, yk__pt_attr(file, crop, names[i]), &sides[i]) || sides[i] < 1 || sides[i] > MAX_SIDE)
            return false;
        if (options->imgsz[i] == 0) recipe->imgsz[i] = (int32_t)sides[i];
    }
    recipe->geometry = YK__GEOMETRY_CLASSIFY_SQUARE;
    return true;
}

static yk__code fill_steps(yk__pt_file *file, yk__py model, const yk__import_options *options, yk__arena *arena,
                           yk__recipe *recipe, yk__error *err) {
    const yk__py steps = yk__pt_some(file, yk__pt_some(file, model, "transforms"), "transforms");
    const yk__py first = yk__py_item(&file->pickle, steps, 0);
    char class_name[64];
    if (recipe->task != YK__TASK_CLASSIFY || first == YK__PY_ABSENT) return YK__OK;
    if (yk__pt_attr(file, first, "size") != YK__PY_ABSENT) return read_steps(file, steps, arena, recipe, err);
    if (own_steps(file, steps, options, recipe)) return YK__OK;
    return yk__fail(err, YK__UNSUPPORTED,
                    "the checkpoint prepares pictures by steps that yolk does not know; the first is \"%s\"",
                    yk__pt_class(file, first, class_name));
}

/* ---- all of it ---- */

static yk__code check_known(const yk__known *known, const yk__recipe *recipe, yk__error *err) {
    if (known && known->task && known->task != recipe->task)
        return yk__fail(err, YK__ARGUMENT, "the checkpoint's task is %s and the engine's is %s: they are not of one model",
                        yk__task_name(recipe->task), yk__task_name(known->task));
    if (known && known->kpt_shape[0] > 0 && memcmp(known->kpt_shape, recipe->kpt_shape, sizeof recipe->kpt_shape) != 0)
        return yk__fail(err, YK__ARGUMENT,
                        "the checkpoint's keypoints are %d x %d and the engine's %d x %d: they are not of one model",
                        recipe->kpt_shape[0], recipe->kpt_shape[1], known->kpt_shape[0], known->kpt_shape[1]);
    return YK__OK;
}

static yk__code check_options(const yk__import_options *options, const yk__recipe *recipe, yk__error *err) {
    YK__TRY(check_known(options->known, recipe, err));
    if (options->task != YK__TASK_NONE && options->task != recipe->task) {
        return yk__fail(err, YK__ARGUMENT, "--task %s: this checkpoint's task is %s", yk__task_name(options->task),
                        yk__task_name(recipe->task));
    }
    if (options->layout != YK__LAYOUT_NONE && options->layout != recipe->layout) {
        return yk__fail(err, YK__ARGUMENT, "--layout %s: this checkpoint's layout is %s", yk__layout_name(options->layout),
                        yk__layout_name(recipe->layout));
    }
    if (options->end2end && recipe->layout != YK__LAYOUT_V8_END2END)
        return yk__fail(err, YK__ARGUMENT, "--end2end: this model has no one-to-one head");
    return YK__OK;
}

yk__code yk__pt_fill_recipe(yk__pt_file *file, yk__py model, const yk__import_options *options, yk__arena *arena,
                            yk__recipe *recipe, yk__error *err) {
    YK__TRY(check_options(options, recipe, err));
    YK__TRY(fill_names(file, model, options, arena, recipe, err));
    YK__TRY(fill_size(file, model, options, recipe, err));
    YK__TRY(fill_steps(file, model, options, arena, recipe, err));
    recipe->dynamic = true;
    recipe->rect = recipe->task != YK__TASK_CLASSIFY;
    return yk__recipe_verify(recipe, err);
}

void yk__pt_fill_provenance(const yk__pt_file *file, yk__arena *arena, yk__provenance *provenance) {
    const yk__pickle *const p = &file->pickle;
    provenance->source_format = "pytorch";
    provenance->license = clean_text(p, yk__pt_some(file, p->root, "license"), arena);
    provenance->version = clean_text(p, yk__pt_some(file, p->root, "version"), arena);
    provenance->date = clean_text(p, yk__pt_some(file, p->root, "date"), arena);
}
