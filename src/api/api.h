/* What the files of src/api share: the structs behind the public handles and the translation of errors. */
#ifndef YK_API_API_H
#define YK_API_API_H

#include "yolk/yolk.h"

#include "base/text.h"
#include "engine/engine_read.h"
#include "engine/report.h"
#include "image/view.h"
#include "runtime/context.h"
#include "task/letterbox.h"
#include "task/mask.h"
#include "task/nms.h"

struct yk_pool {
    yk__pool *pool;
};

struct yk_engine {
    yk__engine_file *file;  /* the mapped engine file, or NULL when built in memory */
    yk__model *built;       /* the model built on the fly, or NULL */
    bool built_bf16;        /* built with --precision bf16 */
    const yk__model *model; /* one of the two */
    yk__pool *pool;
    bool owns_pool;
    bool ref; /* device "ref" */
    const yk__backend *backend;
    int32_t n_threads;
    yk__plans *plans;
    bool any_size;        /* input shapes other than the export's are possible */
    const char *fixed_by; /* else the name of the node that bakes the size in */
};

/* "fp32", "bf16": as the engine was built. */
const char *yk__api_precision(const yk_engine *engine);

struct yk_context {
    yk_engine *engine;
    yk__context run;
    bool dense, keep_layers;
    yk__network_input input; /* of a submitted run */
    yk_tensor *outputs;      /* what yk_context_wait gives out */
    size_t n_outputs;
    yk__nms_scratch nms;
    int32_t *keep;      /* nms.capacity indices */
    yk__candidates raw; /* candidates read from tensors, for networks without a head */
    uint8_t *pixels;    /* network-size pictures of one batch */
    size_t pixels_bytes;
    float *layer; /* the last yk_context_layer */
};

struct yk_report {
    yk__report report;
};

/* One detection before it is handed out. Boxes are in pixels of the original picture. */
typedef struct yk__found {
    float box[4]; /* obb: the bounds of the corners */
    float score;
    int32_t class_id;
    float xywhr[5], corners[4][2]; /* obb */
    float mask_box[4];             /* segment: the box in the mask's pixels */
    yk__prototypes maps;           /* segment: what the mask is made from, weighted by `extra` */
    const float *extra;            /* keypoints in pixels of the original picture; weights of the maps; else NULL */
} yk__found;

typedef struct yk__picture_result {
    yk__code status;
    const char *message;
    int32_t width, height, network_width, network_height;
    yk__found *found;
    int32_t n_found;
    float *probs; /* n_classes, classify only */
    int32_t top[5];
    int32_t n_top;
    yk_speed speed;
    yk__image input;                       /* with keep_inputs */
    yk__scale_back back;                   /* network pixels to the picture's */
    yk__mask_grid mask_grid, picture_grid; /* segment: of the masks asked for, and of masks at the picture's size */
} yk__picture_result;

struct yk_results {
    const yk_engine *engine;
    yk__arena arena;
    yk__picture_result *pictures;
    size_t n_pictures;
};

/* Copies an internal failure into the caller's error struct and gives the public code. The numbers are the same. */
yk_status yk__api_status(yk_error *to, yk__code code, const yk__error *from);
/* A failure that the api room finds itself. */
yk_status yk__api_fail(yk_error *to, yk_status status, const char *format, ...) YK__PRINTF(3, 4);

/* A finished text as the caller's (released with yk_text_destroy); frees it and gives MEMORY when it had failed. */
yk_status yk__api_hand_over(yk__text *text, char **out, yk_error *error);

/* A caller's option struct as one of ours: zeros, then the bytes that the caller's version of the struct has (size 0: all of
 * version 0.1). options may be NULL. */
void yk__api_options(void *ours, size_t our_size, const void *options, size_t first_size);

/* Builds a model file in memory (import, optimise). *out is made with yk__alloc and freed with yk__model_free + yk__free. */
yk__code yk__api_build_model(const char *path, const yk_build_options *options, yk__model **out, yk__error *err) YK__MUST_USE;
/* Writes a built model as an engine file, with its self test. */
yk__code yk__api_write_engine(const yk__model *model, const char *path, const yk_build_options *options, yk__pool *pool,
                              yk__error *err) YK__MUST_USE;
/* Plans and allocates for a network shape, after checking it against the recipe and the network's freedom of size. */
yk__code yk__api_prepare(yk_context *context, int32_t batch, int32_t height, int32_t width, yk__error *err) YK__MUST_USE;
/* A public picture as a checked view of ours. */
yk__code yk__api_view(const yk_image *image, yk__image_view *view, yk__error *err) YK__MUST_USE;

#endif
