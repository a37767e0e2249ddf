/* Recipes: names of tasks and layouts, what a task starts from, what a file may say; and the model that holds one. */
#include "graph/recipe.h"

#include <math.h>
#include <string.h>

#include "base/file.h"

/* Bounds on what a recipe may hold: far above every YOLO (ImageNet has 1,000 classes, the largest vocabularies some 20,000;
 * the candidate buffer holds 30,000 rows; whole-body pose has 133 points). */
enum { MAX_CLASSES = 100000, MAX_SIDE = 32768, MAX_STRIDE = 4096, MAX_BATCH = 65536, MAX_ROWS = 30000, MAX_EXTRA = 4096 };

static const char *const task_names[] = {"none", "detect", "segment", "classify", "pose", "obb"};
static const char *const layout_names[] = {"none", "probabilities", "v8", "v8-end2end", "nms", "v5", "yolox"};

enum { N_TASKS = sizeof task_names / sizeof *task_names, N_LAYOUTS = sizeof layout_names / sizeof *layout_names };

void yk__model_init(yk__model *model, size_t arena_budget) {
    memset(model, 0, sizeof *model);
    yk__graph_init(&model->graph, arena_budget);
}

static void close_mapping(void *mapping) {
    if (!mapping) return;
    yk__map_close(mapping);
    yk__free(mapping);
}

void yk__model_free(yk__model *model) {
    close_mapping(model->mapping);
    for (int i = 0; i < model->n_more_mappings; i++) close_mapping(model->more_mappings[i]);
    yk__free(model->more_mappings);
    yk__graph_free(&model->graph);
    memset(model, 0, sizeof *model);
}

const char *yk__task_name(yk__task task) {
    return (int)task >= 0 && (int)task < N_TASKS ? task_names[task] : task_names[0];
}

yk__task yk__task_from_name(const char *name) {
    for (int i = 1; name && i < N_TASKS; i++)
        if (!strcmp(name, task_names[i])) return (yk__task)i;
    return YK__TASK_NONE;
}

const char *yk__layout_name(yk__layout layout) {
    return (int)layout >= 0 && (int)layout < N_LAYOUTS ? layout_names[layout] : layout_names[0];
}

yk__layout yk__layout_from_name(const char *name) {
    for (int i = 1; name && i < N_LAYOUTS; i++)
        if (!strcmp(name, layout_names[i])) return (yk__layout)i;
    return YK__LAYOUT_NONE;
}

bool yk__metric_name_ok(const char *name) {
    const size_t n = strlen(name);
    return n >= 1 && n <= 40 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == n;
}

yk__recipe yk__recipe_defaults(yk__task task, yk__layout layout) {
    yk__recipe recipe = {.task = task,
                         .layout = layout,
                         .imgsz = {640, 640},
                         .stride = 32,
                         .batch = 1,
                         .channels = 3,
                         .geometry = YK__GEOMETRY_LETTERBOX,
                         .scale = 255,
                         .std = {1, 1, 1},
                         .pad_value = 114,
                         .conf = 0.25f,
                         .iou = 0.7f,
                         .max_det = 300};
    if (task == YK__TASK_CLASSIFY) {
        recipe.imgsz[0] = recipe.imgsz[1] = 224;
        recipe.stride = 1;
        recipe.geometry = YK__GEOMETRY_CLASSIFY_CROP;
    }
    if (task == YK__TASK_OBB) recipe.n_extra = 1;
    if (layout == YK__LAYOUT_V5) { /* the yolov5 7.0 package's own defaults */
        recipe.iou = 0.45f;
        recipe.max_det = 1000;
    }
    if (layout == YK__LAYOUT_YOLOX) { /* conf and nms of the demo commands in YOLOX's README; it has no max_det, so ours */
        recipe.iou = 0.45f;
        recipe.bgr = true;
        recipe.scale = 1;
    }
    return recipe;
}

static yk__code check_range(const char *what, int64_t value, int64_t low, int64_t high, yk__error *err) {
    if (value >= low && value <= high) return YK__OK;
    return yk__fail(err, YK__GRAPH, "recipe: %s is %lld, outside %lld..%lld", what, (long long)value, (long long)low,
                    (long long)high);
}

static yk__code verify_names(const yk__recipe *recipe, yk__error *err) {
    YK__TRY(check_range("the number of classes", recipe->n_classes, 1, MAX_CLASSES, err));
    if (!recipe->names) return yk__fail(err, YK__GRAPH, "recipe: no names for %d classes", recipe->n_classes);
    for (int i = 0; i < recipe->n_classes; i++) {
        if (!recipe->names[i]) return yk__fail(err, YK__GRAPH, "recipe: class %d has no name", i);
        if (!yk__utf8_valid(recipe->names[i], strlen(recipe->names[i])))
            return yk__fail(err, YK__GRAPH, "recipe: the name of class %d is not UTF-8", i);
    }
    return YK__OK;
}

static yk__code verify_pixels(const yk__recipe *recipe, yk__error *err) {
    YK__TRY(check_range("imgsz height", recipe->imgsz[0], 1, MAX_SIDE, err));
    YK__TRY(check_range("imgsz width", recipe->imgsz[1], 1, MAX_SIDE, err));
    YK__TRY(check_range("stride", recipe->stride, 1, MAX_STRIDE, err));
    YK__TRY(check_range("batch", recipe->batch, 1, MAX_BATCH, err));
    YK__TRY(check_range("pad value", recipe->pad_value, 0, 255, err));
    if (recipe->channels != 3)
        return yk__fail(err, YK__UNSUPPORTED, "recipe: the network wants %d channels; yolk feeds 3", recipe->channels);
    if (recipe->geometry != YK__GEOMETRY_LETTERBOX && recipe->geometry != YK__GEOMETRY_CLASSIFY_CROP &&
        recipe->geometry != YK__GEOMETRY_CLASSIFY_SQUARE)
        return yk__fail(err, YK__GRAPH, "recipe: geometry %d is none that yolk knows", (int)recipe->geometry);
    if (!(recipe->scale > 0) || !isfinite(recipe->scale))
        return yk__fail(err, YK__GRAPH, "recipe: scale is %g; it divides pixels and must be above 0", (double)recipe->scale);
    for (int c = 0; c < 3; c++)
        if (!isfinite(recipe->mean[c]) || !(recipe->std[c] > 0) || !isfinite(recipe->std[c]))
            return yk__fail(err, YK__GRAPH, "recipe: channel %d has mean %g and std %g; std must be above 0, both finite", c,
                            (double)recipe->mean[c], (double)recipe->std[c]);
    return YK__OK;
}

static yk__code verify_thresholds(const yk__recipe *recipe, yk__error *err) {
    if (!(recipe->conf >= 0 && recipe->conf <= 1))
        return yk__fail(err, YK__GRAPH, "recipe: conf is %g, outside 0..1", (double)recipe->conf);
    if (!(recipe->iou >= 0 && recipe->iou <= 1))
        return yk__fail(err, YK__GRAPH, "recipe: iou is %g, outside 0..1", (double)recipe->iou);
    return check_range("max_det", recipe->max_det, 1, MAX_ROWS, err);
}

/* Which layouts a task can leave in, and how many numbers a candidate carries behind box, score and class. */
static yk__code verify_layout(const yk__recipe *recipe, yk__error *err) {
    const char *task = yk__task_name(recipe->task), *layout = yk__layout_name(recipe->layout);
    if ((int)recipe->task <= YK__TASK_NONE || (int)recipe->task >= N_TASKS)
        return yk__fail(err, YK__GRAPH, "recipe: task %d is none that yolk knows", (int)recipe->task);
    if ((int)recipe->layout <= YK__LAYOUT_NONE || (int)recipe->layout >= N_LAYOUTS)
        return yk__fail(err, YK__GRAPH, "recipe: layout %d is none that yolk knows", (int)recipe->layout);
    bool legacy = recipe->layout == YK__LAYOUT_V5 || recipe->layout == YK__LAYOUT_YOLOX;
    if ((recipe->task == YK__TASK_CLASSIFY) != (recipe->layout == YK__LAYOUT_PROBABILITIES) ||
        (legacy && recipe->task != YK__TASK_DETECT))
        return yk__fail(err, YK__GRAPH, "recipe: task %s cannot have layout %s", task, layout);
    switch (recipe->task) {
    case YK__TASK_SEGMENT: return check_range("the number of mask coefficients", recipe->n_extra, 1, MAX_EXTRA, err);
    case YK__TASK_POSE:
        YK__TRY(check_range("the number of keypoints", recipe->kpt_shape[0], 1, MAX_EXTRA / 3, err));
        YK__TRY(check_range("numbers per keypoint", recipe->kpt_shape[1], 2, 3, err));
        if (recipe->n_extra == recipe->kpt_shape[0] * recipe->kpt_shape[1]) return YK__OK;
        return yk__fail(err, YK__GRAPH, "recipe: %d extra numbers per candidate do not hold %d keypoints of %d",
                        recipe->n_extra, recipe->kpt_shape[0], recipe->kpt_shape[1]);
    default: {
        int wanted = recipe->task == YK__TASK_OBB;
        if (recipe->n_extra == wanted) return YK__OK;
        return yk__fail(err, YK__GRAPH, "recipe: %d extra numbers per candidate; task %s has %d", recipe->n_extra, task,
                        wanted);
    }
    }
}

yk__code yk__recipe_verify(const yk__recipe *recipe, yk__error *err) {
    YK__TRY(verify_layout(recipe, err));
    YK__TRY(verify_names(recipe, err));
    YK__TRY(verify_pixels(recipe, err));
    return verify_thresholds(recipe, err);
}
