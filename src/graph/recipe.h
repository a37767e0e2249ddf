/* Everything besides the network that is needed to use a model: what it answers, how pictures go in, how answers are read.
 * The recipe travels in the engine file, so that a user never types class names or a task again. */
#ifndef YK_GRAPH_RECIPE_H
#define YK_GRAPH_RECIPE_H

#include "base/memory.h"
#include "graph/graph.h"

typedef enum yk__task {
    YK__TASK_NONE,
    YK__TASK_DETECT,
    YK__TASK_SEGMENT,
    YK__TASK_CLASSIFY,
    YK__TASK_POSE,
    YK__TASK_OBB
} yk__task;

/* How the network's outputs are read when they leave as tensors (PARITY section 8.1, issue texts):
 *   probabilities  classify: N x M
 *   v8             N x (4+M+extra) x A, cxcywh pixels, sigmoid scores
 *   v8-end2end     N x k x (6+extra), xyxy, score, class; from a one-to-one head, no NMS
 *   nms            the same, from NMS embedded in the export, zero rows pad
 *   v5             N x A x (5+M), cxcywh pixels, objectness, scores; legacy NMS
 *   yolox          N x A x (5+M), undecoded grid offsets; BGR 0..255 input */
typedef enum yk__layout {
    YK__LAYOUT_NONE,
    YK__LAYOUT_PROBABILITIES,
    YK__LAYOUT_V8,
    YK__LAYOUT_V8_END2END,
    YK__LAYOUT_NMS,
    YK__LAYOUT_V5,
    YK__LAYOUT_YOLOX
} yk__layout;

/* How pictures get their size: padded; resized and cropped (PARITY 4.1); the central square resized as letterboxed pictures
 * are, which classifiers of the first Ultralytics versions were trained for. */
typedef enum yk__geometry { YK__GEOMETRY_LETTERBOX, YK__GEOMETRY_CLASSIFY_CROP, YK__GEOMETRY_CLASSIFY_SQUARE } yk__geometry;

typedef struct yk__recipe {
    yk__task task;
    yk__layout layout;
    int32_t n_classes;
    const char **names; /* n_classes UTF-8 names */
    int32_t imgsz[2];   /* default network input, height then width */
    int32_t stride;     /* input sides round up to multiples of this; 1 for classify exports */
    int32_t batch;      /* batch the export was made for */
    bool dynamic;       /* the source says that sizes are free */
    bool rect;          /* default of --rect: what Ultralytics does with the source file */
    int32_t channels;   /* 3 */
    yk__geometry geometry;
    bool bgr;    /* channel order the network wants; false: RGB */
    float scale; /* (v / scale - mean) / std per channel in network order */
    float mean[3], std[3];
    int32_t pad_value; /* letterbox, 114 */
    float conf, iou;   /* defaults */
    int32_t max_det;
    bool agnostic;        /* default: NMS across classes */
    int32_t kpt_shape[2]; /* pose: K points of D numbers */
    int32_t n_extra;      /* numbers per candidate behind box, score, class: coefficients, keypoints, angle */
} yk__recipe;

/* What the makers of a model measured, under the names they gave it. */
typedef struct yk__metric {
    const char *name; /* a-z, 0-9, _ */
    double value;     /* finite */
} yk__metric;

#define YK__MAX_METRICS 32

/* Whether a text can name a metric: 1 to 40 of a-z, 0-9 and _. */
bool yk__metric_name_ok(const char *name);

/* Where a model came from; goes into the engine's provenance section and is never needed to run. */
typedef struct yk__provenance {
    const char *source_name; /* base name of the source file */
    char source_sha256[65];
    const char *source_format; /* "onnx", "pytorch" */
    const char *description;   /* metadata of the export, NULL where absent */
    const char *author, *license, *version, *date;
    const char *options; /* build options as text */
    const yk__metric *metrics;
    int32_t n_metrics;
} yk__provenance;

/* A model between import and engine file: the graph, how to use it, where it came from, and the memory behind all three. */
typedef struct yk__model {
    yk__graph graph; /* its arena owns the recipe's and provenance's strings too */
    yk__recipe recipe;
    yk__provenance provenance;
    void *mapping; /* a yk__map * (from yk__alloc) that constants point into, or NULL; closed and freed by yk__model_free */
    void **more_mappings; /* of external data files: an array from yk__alloc of the same, freed too */
    int32_t n_more_mappings;
} yk__model;

void yk__model_init(yk__model *model, size_t arena_budget);
void yk__model_free(yk__model *model);

const char *yk__task_name(yk__task task); /* "detect" ... ; "none" */
yk__task yk__task_from_name(const char *name);
const char *yk__layout_name(yk__layout layout); /* "probabilities", "v8", "v8-end2end", "nms", "v5", "yolox" */
yk__layout yk__layout_from_name(const char *name);
/* Defaults for a task: PARITY sections 1, 3, 4. Strings and names are left empty. */
yk__recipe yk__recipe_defaults(yk__task task, yk__layout layout);
/* Ranges and consistency of everything that a file can set. */
yk__code yk__recipe_verify(const yk__recipe *recipe, yk__error *err) YK__MUST_USE;

#endif
