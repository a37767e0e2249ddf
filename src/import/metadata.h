/* The notes that an Ultralytics or YOLOv5 export carries in its metadata block, parsed (PARITY section 8.2). */
#ifndef YK_IMPORT_METADATA_H
#define YK_IMPORT_METADATA_H

#include "graph/recipe.h"
#include "import/onnx_file.h"

/* Zero where the file says nothing. */
typedef struct yk__metadata {
    yk__task task;
    const char *unknown_task; /* a task yolk has not (semantic, depth), NULL otherwise */
    const char **names;
    int32_t n_names;
    int32_t imgsz[2], stride, batch, channels;
    int32_t kpt_shape[2];
    bool has_end2end, end2end;
    bool has_dynamic, dynamic; /* of args */
    bool nms;                  /* of args: NMS is inside the network */
} yk__metadata;

/* Strings and arrays in the arena. FORMAT when a value that matters is not what it must be; args that cannot be read count as
 * absent, as nothing in them is needed. */
yk__code yk__metadata_read(const Onnx__ModelProto *model, yk__arena *arena, yk__metadata *out, yk__error *err) YK__MUST_USE;

/* yolk's own keys, both optional Python dicts.
 * `defaults`: how answers are chosen when nobody says otherwise, such as {'conf': 0.3, 'iou': 0.5, 'max_det': 300,
 * 'agnostic': True}; what it names changes the recipe. FORMAT for another key or a value out of range. */
yk__code yk__metadata_defaults(const Onnx__ModelProto *model, yk__arena *scratch, yk__recipe *recipe,
                               yk__error *err) YK__MUST_USE;
/* `metrics`: what was measured, such as {'map50': 0.97, 'pictures': 1000}; into the arena. For people only: what is not a
 * number under a plain name is left out. */
yk__code yk__metadata_metrics(const Onnx__ModelProto *model, yk__arena *scratch, yk__arena *arena, yk__provenance *out,
                              yk__error *err) YK__MUST_USE;

/* Names from a literal: a list, or a dict whose keys are 0 .. n-1 in any order. */
struct yk__literal;
yk__code yk__names_from_literal(const struct yk__literal *literal, yk__arena *arena, const char ***names, int32_t *n,
                                yk__error *err) YK__MUST_USE;

#endif
