/* yolk: YOLO inference in C. This header is the whole public interface and its manual.
 *
 * The path of the data: a model file (.onnx) is built into an engine file (.yolk), which holds the network and everything
 * needed to use it; an engine is loaded once and shared by threads; each thread has its context; pictures go into a context
 * and results come out. Three levels are open, and each builds on the one before:
 *   tensors in, tensors out      yk_context_run
 *   pictures in, results out     yk_predict
 *   files in, results out        yk_predict_files
 *
 *     yk_engine *engine = NULL; yk_context *context = NULL; yk_results *results = NULL; yk_error error = YK_ERROR_INIT;
 *     if (yk_engine_load(&engine, "yolov8n.yolk", NULL, &error)) { fprintf(stderr, "%s\n", error.message); return 1; }
 *     yk_context_create(&context, engine, NULL, &error);
 *     yk_image image; yk_image_read(&image, "bus.jpg", NULL, &error);
 *     yk_predict(context, &image, 1, NULL, &results, &error);
 *     for (size_t i = 0; i < yk_results_count(results, 0); i++) {
 *         yk_detection d = YK_DETECTION_INIT; yk_results_get(results, 0, i, &d); printf("%s %.2f\n", d.name, d.confidence);
 *     }
 *
 * Rules that hold for every function here
 *  - Functions that can fail return yk_status: YK_OK is 0, errors are negative. The last argument, a yk_error *, may be NULL;
 *    when not, it gets the code and a sentence that names what failed, the value met, the rule and the remedy.
 *  - On failure out-parameters are left NULL (handles) or zeroed (structs); nothing needs to be released.
 *  - Handles are released with their _destroy function, which takes the handle's address, accepts a NULL inside and sets it
 *    to NULL. Text that a function hands over is released with yk_text_destroy.
 *  - Option structs may be NULL or zeroed ({0}) for the defaults; `size` is sizeof the struct, 0 is taken as the size in
 *    version 0.1. They are read during the call only. Structs that the library fills carry `size` too: start from the
 *    _INIT value.
 *  - Strings are UTF-8. Strings that a handle gives out live as long as the handle.
 *  - Thread rules: yk_engine, yk_pool and finished yk_results may be used by many threads at once; a yk_context by one at a
 *    time. Everything else is a value.
 *  - What the library does to its process: it starts threads only inside pools (they block all signals; one that lost its
 *    processor to another program is moved to another that it may use), opens the files you
 *    name and its cache folder, reads the environment variables YOLK_CPU, YOLK_MODELS, XDG_CACHE_HOME and HOME, and nothing
 *    else; yk_machine_describe alone looks around on the machine. It never exits, aborts, prints, changes the locale or
 * installs handlers. A child of a fork may go on using handles of its parent; its pools then run on the calling thread alone.
 */
#ifndef YOLK_YOLK_H
#define YOLK_YOLK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define YK_API
#elif defined(__GNUC__)
#define YK_API __attribute__((visibility("default")))
#else
#define YK_API
#endif

/* A struct with its size set and all else zero. */
#ifdef __cplusplus
#define YK_INIT(type) \
    { sizeof(type) }
#else
#define YK_INIT(type) \
    { .size = sizeof(type) }
#endif

#define YK_VERSION_MAJOR 0
#define YK_VERSION_MINOR 1
#define YK_VERSION_PATCH 0

/* "0.1.0": of the library at run time. */
YK_API const char *yk_version(void);
/* One line a feature: what this library was built with ("jpeg", "png", "builder", "draw" ...), parted by spaces. */
YK_API const char *yk_build_features(void);

/* ---- errors ------------------------------------------------------------------------------------------------------------ */

typedef enum yk_status {
    YK_OK = 0,
    YK_ERROR_ARGUMENT = -10,    /* an argument is out of its range or missing */
    YK_ERROR_NOT_FOUND = -20,   /* a file or name does not exist */
    YK_ERROR_IO = -21,          /* a file could not be read or written */
    YK_ERROR_FORMAT = -30,      /* the bytes are not what this kind of file must hold */
    YK_ERROR_TRUNCATED = -31,   /* the file ends before its content does */
    YK_ERROR_CHECKSUM = -32,    /* stored and computed checksums differ */
    YK_ERROR_VERSION = -33,     /* the file needs a newer yolk */
    YK_ERROR_LIMIT = -34,       /* a size, count or depth is over the allowed bound */
    YK_ERROR_GRAPH = -40,       /* the model contradicts itself */
    YK_ERROR_SHAPE = -41,       /* tensor shapes do not fit together, or an input size is not possible */
    YK_ERROR_UNSUPPORTED = -50, /* yolk, or this build of it, does not support this */
    YK_ERROR_AMBIGUOUS = -51,   /* more than one reading is possible; an option decides */
    YK_ERROR_MEMORY = -60,      /* out of memory */
    YK_ERROR_DEVICE = -70,      /* a device or its driver failed */
    YK_ERROR_IMAGE = -80,       /* the picture could not be decoded */
    YK_ERROR_IMAGE_LIMIT = -81, /* the picture is over a size limit */
    YK_ERROR_INTERNAL = -90     /* a mistake inside yolk; please report it */
} yk_status;

typedef struct yk_error {
    size_t size;
    yk_status status;
    char message[1024];
} yk_error;
#define YK_ERROR_INIT YK_INIT(yk_error)

/* "argument", "not-found", ...: short stable names. Never NULL. */
YK_API const char *yk_status_name(yk_status status);

/* Releases text that the library handed over. */
YK_API void yk_text_destroy(char **text);

/* Off, on, or what the recipe says. */
typedef enum yk_choice3 { YK_DEFAULT = 0, YK_ON = 1, YK_OFF = 2 } yk_choice3;

/* ---- threads ----------------------------------------------------------------------------------------------------------- */

typedef struct yk_pool yk_pool;

/* Threads that engines and pictures can share. n_threads counts the calling thread: 1 starts none, 0 is one per physical
 * core that this process may use (affinity and container limits respected), at most 256. Several threads may run work on
 * one pool at once: one gets its workers, the others compute alone, so the machine is never oversubscribed.
 * Destroy it after everything that uses it. */
YK_API yk_status yk_pool_create(yk_pool **pool, int n_threads, yk_error *error);
YK_API void yk_pool_destroy(yk_pool **pool);
YK_API int yk_pool_threads(const yk_pool *pool);

/* ---- pictures ---------------------------------------------------------------------------------------------------------- */

typedef enum yk_pixel_format {
    YK_PIXELS_BGR = 0, /* 8 bits each, three bytes a pixel */
    YK_PIXELS_RGB = 1,
    YK_PIXELS_GRAY = 2, /* one byte a pixel */
    YK_PIXELS_BGRA = 3, /* alpha is dropped, not blended */
    YK_PIXELS_RGBA = 4
} yk_pixel_format;

typedef enum yk_memory { YK_MEMORY_HOST = 0 } yk_memory;

/* A picture. Fill it yourself for pixels that you own (leave `owner` NULL), or let yk_image_read make it. `plane[0]` is the
 * first row, rows are `stride[0]` bytes apart, at least width times the bytes of a pixel. Pixels are only read. */
typedef struct yk_image {
    size_t size; /* sizeof(yk_image) */
    yk_pixel_format format;
    yk_memory memory;
    int32_t width, height; /* 1 .. 65,500 */
    uint8_t *plane[3];
    ptrdiff_t stride[3];
    void *owner; /* the library's; NULL for pixels of yours */
} yk_image;
#define YK_IMAGE_INIT YK_INIT(yk_image)

typedef struct yk_image_options {
    size_t size;
    int64_t max_pixels; /* larger pictures are refused before their memory is taken; 0: 2^28 */
} yk_image_options;

/* Decodes a picture file (JPEG, PNG, WebP, BMP, TIFF, PNM; AVIF and HEIC where built in) into BGR. Content decides, not the
 * suffix. EXIF orientation is applied, alpha dropped, 16 bits cut to 8: pixels equal those of OpenCV's
 * imdecode(IMREAD_COLOR). Damaged and cut files give YK_ERROR_IMAGE. Release with yk_image_destroy. */
YK_API yk_status yk_image_read(yk_image *image, const char *path, const yk_image_options *options, yk_error *error);
/* The same from memory; `name` is used in messages and may be NULL. */
YK_API yk_status yk_image_decode(yk_image *image, const void *bytes, size_t n_bytes, const char *name,
                                 const yk_image_options *options, yk_error *error);
/* Writes .jpg/.jpeg (quality 1..100, 0: 95; 4:4:4), .png, by the path's suffix. Appears whole or not at all. */
YK_API yk_status yk_image_write(const yk_image *image, const char *path, int quality, yk_error *error);
/* A copy of the rectangle (clipped to the picture; empty after clipping: YK_ERROR_ARGUMENT). */
YK_API yk_status yk_image_crop(yk_image *out, const yk_image *image, int x, int y, int width, int height, yk_error *error);
/* An oriented box (yk_detection.xywhr) turned upright: its width x height pixels, rounded, bilinear, black outside the picture.
 */
YK_API yk_status yk_image_crop_oriented(yk_image *out, const yk_image *image, const float xywhr[5], yk_error *error);
YK_API yk_status yk_image_copy(yk_image *out, const yk_image *image, yk_error *error);
/* Frees what the library owns and zeroes the struct; pixels of yours are left alone. */
YK_API void yk_image_destroy(yk_image *image);

/* ---- building ---------------------------------------------------------------------------------------------------------- */

/* Called now and then during long work with a fraction 0..1 and a few words; return false to stop (YK_ERROR_ARGUMENT). */
typedef bool (*yk_progress_fn)(void *user, double fraction, const char *what);

typedef struct yk_build_options {
    size_t size;
    const char *device;    /* "cpu" (default), "ref": what the recorded choices are for; the engine runs on any */
    const char *precision; /* "fp32" (default), "bf16" */
    int32_t imgsz[2];      /* default input height and width of the engine; 0: the model's own */
    yk_choice3 end2end;    /* models with both heads: YK_ON takes the one-to-one head */
    const char *task;      /* "detect", "segment", "pose", "obb", "classify": for files that do not say; NULL: find out */
    const char *layout;    /* "v8", "v8-end2end", "nms", "v5", "yolox", "probabilities": how outputs are read; NULL: find out */
    const char *names_file; /* class names, one a line, or YAML with `names:`; NULL: the model's own */
    const char *passes;     /* for debugging: "none", "fold_constants,fuse_silu", "-recognise_head"; NULL: all */
    bool tune;              /* measure kernels on this machine and record the choices */
    const char *from;       /* the file to build is a TensorRT engine, and this is the model it was made from: what the engine's
                               metadata say (task, names, input size, keypoints) is taken over; NULL: an ordinary build */
    const char *choices_from; /* an engine whose recorded choices are taken over; NULL: none */
    int32_t n_threads;        /* 0: one per physical core */
    yk_progress_fn progress;
    void *progress_user;
} yk_build_options;

/* Reads a model file (.onnx), optimises it and writes an engine file, whole or not at all. Without `tune` the same model,
 * options and yolk version give the same bytes. YK_ERROR_UNSUPPORTED names the operator, node and file; a library without
 * builder answers YK_ERROR_UNSUPPORTED too. */
YK_API yk_status yk_build(const char *model_path, const char *engine_path, const yk_build_options *options, yk_error *error);

/* ---- engines ----------------------------------------------------------------------------------------------------------- */

typedef struct yk_engine yk_engine;
typedef struct yk_report yk_report;

typedef struct yk_engine_options {
    size_t size;
    const char *device;            /* "cpu" (default) or "ref" (plain C, slow, the oracle) */
    const char *isa;               /* caps the instruction set: "avx512", "avx2", "neon", "generic"; NULL: the best here */
    yk_pool *pool;                 /* shared threads; NULL: the engine makes its own of n_threads */
    int32_t n_threads;             /* 0: one per physical core */
    yk_choice3 lazy_head;          /* skip head work that cannot matter (default on; off: all branches are computed) */
    int32_t max_shapes;            /* input shapes kept planned at once, least recently used goes first; 0: 8 */
    yk_choice3 cache;              /* model files given here: keep the built engine in the cache folder (default on) */
    const char *cache_dir;         /* NULL: $XDG_CACHE_HOME/yolk or ~/.cache/yolk */
    const yk_build_options *build; /* for model files given here; NULL: defaults. What an engine file was built otherwise for is
                                      YK_ERROR_ARGUMENT */
    yk_report **report;            /* when not NULL gets the verdict on the file, on success and on failure; release it */
} yk_engine_options;

/* Loads an engine file, or builds a model file on the fly. The file is verified in full before anything is used. The engine
 * keeps the file mapped: replace engine files by renaming, do not write into them. */
YK_API yk_status yk_engine_load(yk_engine **engine, const char *path, const yk_engine_options *options, yk_error *error);
YK_API void yk_engine_destroy(yk_engine **engine); /* after its contexts */

typedef enum yk_task {
    YK_TASK_NONE = 0,
    YK_TASK_DETECT = 1,
    YK_TASK_SEGMENT = 2,
    YK_TASK_CLASSIFY = 3,
    YK_TASK_POSE = 4,
    YK_TASK_OBB = 5
} yk_task;

typedef struct yk_engine_info {
    size_t size;
    yk_task task;
    const char *task_name; /* "detect", ... */
    const char *layout;    /* "v8", ... */
    const char *device;    /* "cpu", "ref" */
    const char *isa;       /* "avx512", "avx2", "generic", "c" */
    const char *precision; /* "fp32", "bf16" */
    int32_t n_threads;
    int32_t n_classes;
    int32_t imgsz[2]; /* default input height, width */
    int32_t stride;   /* sides are rounded up to multiples of this */
    int32_t channels;
    bool any_size;   /* other input sizes are possible */
    bool rect;       /* default of yk_predict_options.rect */
    bool end2end;    /* one-to-one head or embedded NMS: no NMS here */
    float conf, iou; /* defaults */
    int32_t max_det;
    int32_t kpt_shape[2]; /* pose: points, numbers per point */
    bool agnostic;        /* default: NMS across classes */
} yk_engine_info;
#define YK_ENGINE_INFO_INIT YK_INIT(yk_engine_info)

YK_API yk_status yk_engine_get_info(const yk_engine *engine, yk_engine_info *info, yk_error *error);
/* NULL when out of range. */
YK_API const char *yk_engine_class_name(const yk_engine *engine, int32_t class_id);
/* What the source file says of itself: "description", "author", "license", "version", "date"; NULL where it says nothing. */
YK_API const char *yk_engine_note(const yk_engine *engine, const char *what);
/* What the makers measured, such as "map50" 0.97: the name of metric i and its value; NULL past the end. */
YK_API const char *yk_engine_metric(const yk_engine *engine, size_t i, double *value);

typedef enum yk_describe {
    YK_DESCRIBE_SUMMARY = 0, /* recipe, sections, provenance, sizes */
    YK_DESCRIBE_LAYERS = 1,  /* the plan at a shape: a line per step */
    YK_DESCRIBE_GRAPH = 2    /* the graph as text */
} yk_describe;

/* Text (or, for SUMMARY and LAYERS, one compact JSON object) for people and tools. height, width 0: the default size. */
YK_API yk_status yk_engine_describe(yk_engine *engine, yk_describe what, bool json, int32_t batch, int32_t height,
                                    int32_t width, char **text, yk_error *error);

/* ---- contexts ---------------------------------------------------------------------------------------------------------- */

/* Two ways to use the cores. Latency: one context on an engine with all threads answers one picture as soon as it can.
 * Throughput: an engine with n_threads = 1 and, on each of your threads, a context of its own answer more pictures in a second,
 * each later; the contexts share the engine's plans and packed weights, and answers are the same to the bit. */

typedef struct yk_context yk_context;

typedef struct yk_context_options {
    size_t size;
    bool dense;       /* compute the head's whole output tensors, as the export does, instead of only what passes the threshold:
                         yk_context_run needs it; yk_predict answers the same, slower */
    bool profile;     /* time every step (yk_context_profile) */
    bool keep_layers; /* every layer's output can be read after a run (yk_context_layer): more memory, nothing elided */
} yk_context_options;

/* The engine must outlive it. */
YK_API yk_status yk_context_create(yk_context **context, yk_engine *engine, const yk_context_options *options, yk_error *error);
YK_API void yk_context_destroy(yk_context **context);

/* Plans (once per engine and shape) and allocates for pictures of this network shape, so that later runs at it allocate
 * nothing. Sides must be multiples of the stride. Other sizes than the export's are refused with YK_ERROR_SHAPE where the
 * network bakes its size in; the message names the node. */
YK_API yk_status yk_context_prepare(yk_context *context, int32_t batch, int32_t height, int32_t width, yk_error *error);

typedef enum yk_dtype {
    YK_F32 = 1,
    YK_F16 = 2,
    YK_F64 = 4,
    YK_I8 = 5,
    YK_U8 = 6,
    YK_I32 = 9,
    YK_I64 = 11,
    YK_BOOL = 13
} yk_dtype;

typedef struct yk_tensor {
    size_t size;
    const char *name; /* as in the model; out only */
    yk_dtype dtype;
    int32_t rank;
    int64_t dim[8];
    const void *data; /* row-major without gaps */
} yk_tensor;
#define YK_TENSOR_INIT YK_INIT(yk_tensor)

/* Tensor level. Input: N x C x H x W f32 as the export expects it (for most: RGB, 0..1). *outputs gets the network's output
 * tensors as the export has them; they belong to the context and are valid until its next run. On a prepared shape nothing
 * is allocated. Needs a context made with `dense`. */
YK_API yk_status yk_context_run(yk_context *context, const yk_tensor *input, const yk_tensor **outputs, size_t *n_outputs,
                                yk_error *error);
/* The same in two halves. On the cpu the work is complete when submit returns. The input must stay valid until wait. */
YK_API yk_status yk_context_submit(yk_context *context, const yk_tensor *input, yk_error *error);
YK_API yk_status yk_context_wait(yk_context *context, const yk_tensor **outputs, size_t *n_outputs, yk_error *error);

typedef struct yk_step_profile {
    size_t size;
    const char *node, *op, *kernel;
    uint64_t n_runs, total_ns, min_ns;
    double flops; /* multiply-adds times two of one run; 0 where it means nothing */
} yk_step_profile;
#define YK_STEP_PROFILE_INIT YK_INIT(yk_step_profile)

/* Step i of the last shape run, in order; false past the end. */
YK_API bool yk_context_profile(const yk_context *context, size_t i, yk_step_profile *profile);

/* The output of a layer after a run, by the value's name, as plain f32 in memory of the context. Needs `keep_layers`.
 * YK_ERROR_NOT_FOUND when no such value was computed. */
YK_API yk_status yk_context_layer(yk_context *context, const char *name, yk_tensor *out, yk_error *error);
/* Names of the values that can be read, in the order they are computed; NULL past the end. */
YK_API const char *yk_context_layer_name(const yk_context *context, size_t i);

/* ---- predicting -------------------------------------------------------------------------------------------------------- */

typedef struct yk_results yk_results;

typedef struct yk_predict_options {
    size_t size;
    float conf;             /* keep scores above this; 0: the engine's default; negative: keep everything */
    float iou;              /* NMS threshold; 0: the engine's default; negative: 0 */
    int32_t max_det;        /* most detections per picture; 0: the engine's default */
    const int32_t *classes; /* keep only these; NULL: all */
    size_t n_classes;
    yk_choice3 agnostic; /* NMS across classes; default: the engine's, mostly off */
    int32_t imgsz[2];    /* network height and width, rounded up to the stride; 0: the engine's default */
    yk_choice3 rect;     /* pad only to a multiple of the stride instead of to the full size */
    int32_t batch;       /* pictures per network run; 0: 1. Answers do not depend on it */
    bool keep_inputs;    /* keep the network-size u8 pictures (yk_results_input) */
    bool retina_masks;   /* segment: masks at the picture's size instead of the network input's */
} yk_predict_options;

/* Picture level: letterbox or crop, network, NMS, scaling back. One result per picture, in order. Release with
 * yk_results_destroy. */
YK_API yk_status yk_predict(yk_context *context, const yk_image *images, size_t n_images, const yk_predict_options *options,
                            yk_results **results, yk_error *error);
/* File level: the same for picture files. A picture that cannot be read is a failed entry (yk_results_status), not a failure
 * of the call. */
YK_API yk_status yk_predict_files(yk_context *context, const char *const *paths, size_t n_paths,
                                  const yk_predict_options *options, yk_results **results, yk_error *error);
YK_API void yk_results_destroy(yk_results **results);

typedef struct yk_detection {
    size_t size;
    int32_t class_id;
    const char *name; /* the class name; lives as long as the engine */
    float confidence;
    float x1, y1, x2, y2; /* pixels of the original picture, clipped to it; obb: the bounds of the corners, not clipped */
    float xywhr[5];       /* obb: centre, width, height in pixels, angle in radians; zeros for other tasks */
    float corners[4][2];  /* obb: x, y of the corners c+u+v, c+u-v, c-u-v, c-u+v, where u and v are the half axes */
} yk_detection;
#define YK_DETECTION_INIT YK_INIT(yk_detection)

typedef struct yk_speed {
    size_t size;
    double decode_ms, preprocess_ms, inference_ms, postprocess_ms; /* per picture */
} yk_speed;
#define YK_SPEED_INIT YK_INIT(yk_speed)

YK_API size_t yk_results_images(const yk_results *results);
/* YK_OK, or why this picture has no answer; *message (may be NULL) gets the sentence. */
YK_API yk_status yk_results_status(const yk_results *results, size_t image, const char **message);
/* Original size and network input size of a picture; any pointer may be NULL. */
YK_API yk_status yk_results_size(const yk_results *results, size_t image, int32_t *width, int32_t *height,
                                 int32_t *network_width, int32_t *network_height);
/* Detections in descending confidence (0 for classify). */
YK_API size_t yk_results_count(const yk_results *results, size_t image);
YK_API yk_status yk_results_get(const yk_results *results, size_t image, size_t i, yk_detection *detection);
/* pose: *n_points points of *n_numbers (2 or 3) numbers: x, y in pixels of the picture, clipped to it, and with 3 how likely
 * the point is visible. They belong to the results; NULL for other tasks. */
YK_API const float *yk_results_keypoints(const yk_results *results, size_t image, size_t i, size_t *n_points,
                                         size_t *n_numbers);

/* segment: what belongs to a detection, pixel by pixel. */
typedef struct yk_mask {
    size_t size;
    int32_t width, height;               /* of the whole mask: the network's input, or with retina_masks the picture */
    int32_t x, y, box_width, box_height; /* the part inside the detection's box; all pixels outside it are 0 */
    uint8_t *bits;                       /* box_height rows of box_width bytes, 0 or 1 */
} yk_mask;
#define YK_MASK_INIT YK_INIT(yk_mask)

/* Masks, run lengths and polygons are made when they are asked for. YK_ERROR_NOT_FOUND for other tasks. */
YK_API yk_status yk_results_mask(const yk_results *results, size_t image, size_t i, yk_mask *mask, yk_error *error);
YK_API void yk_mask_destroy(yk_mask *mask);
/* The mask as COCO's compressed run lengths, width and height as of yk_mask. Release the text with yk_text_destroy. */
YK_API yk_status yk_results_mask_rle(const yk_results *results, size_t image, size_t i, int32_t *width, int32_t *height,
                                     char **counts, yk_error *error);
/* The mask's outline as one polygon: *n_points pairs x, y in pixels of the picture. Parts that do not touch are joined by lines
 * that lead there and back; holes are ignored. Release with yk_polygon_destroy. */
YK_API yk_status yk_results_polygon(const yk_results *results, size_t image, size_t i, float **points, size_t *n_points,
                                    yk_error *error);
YK_API void yk_polygon_destroy(float **points);

/* classify: n_classes probabilities; NULL for other tasks. */
YK_API const float *yk_results_probs(const yk_results *results, size_t image, size_t *n);
/* classify: the class at rank 0 .. 4 (equal probabilities: lower class first); -1 past the end. */
YK_API int32_t yk_results_top(const yk_results *results, size_t image, size_t rank);
YK_API yk_status yk_results_speed(const yk_results *results, size_t image, yk_speed *speed);
/* With keep_inputs: the u8 picture as the network saw it (letterboxed BGR; classify: cropped BGR). It belongs to the results.
 */
YK_API yk_status yk_results_input(const yk_results *results, size_t image, yk_image *input, yk_error *error);

typedef struct yk_json_options {
    size_t size;
    const char *source; /* the "source" field, byte for byte; NULL: none */
    int32_t frame;
    bool probs;    /* classify: all probabilities beside the top five */
    bool no_speed; /* leave out "speed_ms", so that equal answers are equal text */
} yk_json_options;

/* One compact JSON object, as docs/json.md describes (names as Ultralytics' summary()). A failed picture gives its error. */
YK_API yk_status yk_results_to_json(const yk_results *results, size_t image, const yk_json_options *options, char **text,
                                    yk_error *error);
/* Label lines as Ultralytics' save_txt writes them; "" when there are none. */
YK_API yk_status yk_results_to_txt(const yk_results *results, size_t image, bool with_confidence, char **text, yk_error *error);

typedef struct yk_draw_options {
    size_t size;
    int32_t line_width; /* pixels; 0: from the picture's size */
    bool no_labels, no_confidence, no_boxes;
} yk_draw_options;

/* Draws the results of one picture onto it. The picture must be the library's own BGR (yk_image_read, yk_image_copy).
 * YK_ERROR_UNSUPPORTED in builds without drawing. */
YK_API yk_status yk_results_draw(const yk_results *results, size_t image, yk_image *picture, const yk_draw_options *options,
                                 yk_error *error);

/* ---- saved arrays ------------------------------------------------------------------------------------------------------- */

typedef struct yk_arrays yk_arrays;

/* Arrays that NumPy wrote: an .npz file or a folder of .npy files. One thread at a time. */
YK_API yk_status yk_arrays_open(yk_arrays **arrays, const char *path, yk_error *error);
YK_API void yk_arrays_destroy(yk_arrays **arrays);
/* Names in code point order, without ".npy"; NULL past the end. */
YK_API const char *yk_arrays_name(const yk_arrays *arrays, size_t i);
/* Reads one array. Its elements are valid until the next call or the end of `arrays`. */
YK_API yk_status yk_arrays_get(yk_arrays *arrays, const char *name, yk_tensor *tensor, yk_error *error);

/* ---- checking files ------------------------------------------------------------------------------------------------------ */

typedef enum yk_verdict {
    YK_VERDICT_VALID = 0,      /* loads here and runs */
    YK_VERDICT_SUBOPTIMAL = 1, /* loads here; something could be better */
    YK_VERDICT_INVALID = 2,    /* does not load, see the findings */
    YK_VERDICT_FOREIGN = 3     /* whole, but not something that yolk runs */
} yk_verdict;

typedef struct yk_finding {
    size_t size;
    const char *code;                              /* stable, see docs/verdicts.md */
    const char *certainty;                         /* "certain", "likely", "candidate" */
    const char *severity;                          /* "error", "warning", "info" */
    const char *where, *expected, *found, *remedy; /* "" where there is nothing to say */
} yk_finding;
#define YK_FINDING_INIT YK_INIT(yk_finding)

typedef struct yk_check_options {
    size_t size;
    bool sha256;        /* put the file's SHA-256 into the report */
    bool run;           /* yolk engines: run the built-in self test too */
    const char *target; /* TensorRT plans: judge them for this machine, "trt=10.3.0.30,cc=8.7,platform=linux-aarch64" or a part
                           of that; NULL: for this machine, by the libraries and GPUs that yk_machine_describe finds */
    const char *from;   /* the model that a foreign engine was made from; NULL: a file of the same name with .onnx or .pt */
} yk_check_options;

/* What a file is, whether it loads here, why not, what to do. Any file: one that cannot be read gets the verdict invalid and
 * the finding "file-unreadable", which says why. */
YK_API yk_status yk_check(yk_report **report, const char *path, const yk_check_options *options, yk_error *error);

/* The same from the beginning of a file, for loaders and upload checks: n bytes of a file of file_size bytes, or of a stream
 * whose length is not known. 4 KiB name nearly every kind; 64 KiB show what is inside most archives; with all bytes (n equal to
 * file_size) more damage is found. Nothing but the bytes is looked at, and nothing in them is run.
 *
 *     unsigned char head[65536];
 *     size_t n = fread(head, 1, sizeof head, upload);
 *     yk_probe(head, n, content_length, &report, &error);
 *     if (strcmp(yk_report_kind(report), "onnx") != 0) ...refuse, with yk_report_to_json for the reason...
 *
 * It takes at most 32 MiB of memory and tenths of a second whatever the bytes say, and keeps no pointer to them. To stay within
 * that, models are named but not imported and engines' sections are not verified: a verdict of valid means that nothing speaks
 * against the file so far. yk_check goes on from there. May be called by many threads at once. */
#define YK_SIZE_UNKNOWN UINT64_MAX
YK_API yk_status yk_probe(const void *bytes, size_t n, uint64_t file_size, yk_report **report, yk_error *error);

YK_API void yk_report_destroy(yk_report **report);
YK_API yk_verdict yk_report_verdict(const yk_report *report);
YK_API const char *yk_report_kind(const yk_report *report); /* "yolk-engine", "onnx", "tensorrt-plan" ... */
/* Kinds from the outermost (0), which is the file's, to the innermost that was found inside; NULL past the end. */
YK_API const char *yk_report_container(const yk_report *report, size_t i);
YK_API uint64_t yk_report_size(const yk_report *report); /* bytes of the file; YK_SIZE_UNKNOWN of such a stream */
YK_API size_t yk_report_findings(const yk_report *report);
YK_API yk_status yk_report_finding(const yk_report *report, size_t i, yk_finding *finding);
/* One compact JSON object, or text for people. */
YK_API yk_status yk_report_to_json(const yk_report *report, char **text, yk_error *error);
YK_API yk_status yk_report_to_text(const yk_report *report, char **text, yk_error *error);

/* Explains a pasted text, a line or a whole log: which message of TensorRT, or of what wraps it, it holds; which number is the
 * file's and which the machine's; likely causes, the root first; what to do. n bytes of any text; of more than 4 MiB the first
 * and the last 2 MiB are read. *n_findings (may be NULL) is 0 when the text holds nothing that yolk knows, which is no error.
 * text: one compact JSON object, or text for people; the input is not repeated in it. */
YK_API yk_status yk_explain(const char *log, size_t n, bool json, char **text, size_t *n_findings, yk_error *error);

/* Ultralytics writes its metadata in front of a TensorRT plan; other loaders stop at them. Writes the plan alone, byte for
 * byte, and only when the metadata parse and the plan is as long as its own header says: YK_ERROR_FORMAT or YK_ERROR_TRUNCATED
 * else, and nothing is written. The paths must be different files. metadata (may be NULL) gets the JSON; release it with
 * yk_text_destroy. */
YK_API yk_status yk_strip(const char *engine_path, const char *plan_path, char **metadata, yk_error *error);
/* The way back: metadata is one JSON object (byte for byte; other than ASCII is escaped), the plan whole and without metadata.
 */
YK_API yk_status yk_wrap(const char *plan_path, const char *metadata, const char *engine_path, yk_error *error);

/* This machine: processor, what yolk uses of it, memory, build options; GPUs, driver, the libraries of CUDA and TensorRT that
 * are here and which of them the loader takes. Read off files and names: nothing is loaded, no driver is called. */
YK_API yk_status yk_machine_describe(bool json, char **text, yk_error *error);

#ifdef __cplusplus
}
#endif

#endif
