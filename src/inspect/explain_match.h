/* What of explain_messages.def stands in a text, and the numbers beside it. Gathers, and decides nothing. */
#ifndef YK_INSPECT_EXPLAIN_MATCH_H
#define YK_INSPECT_EXPLAIN_MATCH_H

#include "inspect/explain.h"
#include "inspect/explain_text.h"

/* Lines of one message in explain_messages.def share a family. */
typedef enum yk__family {
    YK__FAMILY_VERSION,
    YK__FAMILY_REBUILD,
    YK__FAMILY_SERIAL,
    YK__FAMILY_SAFE_SERIAL,
    YK__FAMILY_MAGIC_7,
    YK__FAMILY_MAGIC_8,
    YK__FAMILY_MAGIC_86,
    YK__FAMILY_PLAN_TAG,
    YK__FAMILY_LENGTH,
    YK__FAMILY_BSIZE,
    YK__FAMILY_EMPTY,
    YK__FAMILY_COMPUTE,
    YK__FAMILY_PLATFORM,
    YK__FAMILY_TYPE_MISMATCH,
    YK__FAMILY_SM_NUMBER,
    YK__FAMILY_CUDA_INIT,
    YK__FAMILY_DRIVER,
    YK__FAMILY_NO_DEVICE,
    YK__FAMILY_MEMORY,
    YK__FAMILY_MYELIN,
    YK__FAMILY_COMPILED_CUDA,
    YK__FAMILY_LINKED_CUDA,
    YK__FAMILY_OTHER_MODEL,
    YK__FAMILY_COMPILED_TRT,
    YK__FAMILY_SHARED_OBJECT,
    YK__FAMILY_NVINFER_DLL,
    YK__FAMILY_NO_MODULE,
    YK__FAMILY_PLUGIN,
    YK__FAMILY_PLUGIN_WORDS, /* other programs have plugins too */
    YK__FAMILY_OPEN_ERROR,
    YK__FAMILY_NO_SUCH_FILE,
    YK__FAMILY_WEIGHTS_APART,
    YK__FAMILY_PROTOBUF,
    YK__FAMILY_UTF8,
    YK__FAMILY_METADATA_GET,
    YK__FAMILY_ATTRIBUTE, /* of a None */
    YK__FAMILY_INPUT_SIZE,
    YK__FAMILY_PROFILE,
    YK__FAMILY_NO_IMPORTER,
    YK__FAMILY_ONNX_PARSE,
    YK__FAMILY_IMPORTER_ASSERT,
    YK__FAMILY_OTHER_VERSION,
    YK__FAMILY_WRAPPER,
    /* told apart by what stands beside the words */
    YK__FAMILY_OLD_API,
    YK__FAMILY_NEW_API,
    YK__FAMILY_LINKED_CUDA_ERROR,
    YK__FAMILY_OPTIONAL_LIBRARY,
    YK__FAMILY_COUNT
} yk__family;

typedef enum yk__surrounding {
    YK__SURROUNDING_TENSORRT,
    YK__SURROUNDING_CUDA,
    YK__SURROUNDING_YOLO,
    YK__SURROUNDING_AUTOBACKEND, /* Ultralytics' own loader */
    YK__SURROUNDING_META_LENGTH, /* the line of it that reads the metadata */
    YK__SURROUNDING_WINDOWS,
    YK__SURROUNDING_SAME_MACHINE, /* "built on the same machine" */
    YK__SURROUNDING_MODEL_PATH,   /* a file name ending in .onnx, .pt or .pth */
    YK__SURROUNDING_MODEL_LOADED, /* trtexec --loadEngine=X.onnx */
    YK__SURROUNDING_ENGINE_PATH,
    YK__SURROUNDING_IMPORTER,
    YK__SURROUNDING_RELEASE, /* "TensorRT 8.6": see oldest, newest */
    YK__SURROUNDING_COUNT
} yk__surrounding;

/* Where a message was first seen, and the numbers of its fullest sighting. */
typedef struct yk__sighting {
    bool seen;
    size_t at; /* in squeezed text */
    yk__cause cause;
    const char *printed_by; /* "" where not known */
    yk__side machine, file;
} yk__sighting;

typedef struct yk__sightings {
    yk__sighting of[YK__FAMILY_COUNT];
    bool near[YK__SURROUNDING_COUNT];
    int oldest, newest; /* releases of TensorRT that the text names, major * 100 + minor; 0: none */
    bool zero_version;  /* "got 0.0.0" */
    bool safe_number;   /* the serialization numbers are those of the safe runtime */
    int cuda_error;     /* of a failed initialisation; -1 when the number is cut */
    int utf8_byte;      /* 0..255 */
    int64_t utf8_at;    /* its position behind the four length bytes; -1 when cut */
} yk__sightings;

/* MEMORY. */
yk__code yk__explain_match(const yk__squeezed *s, yk__sightings *out, yk__error *err) YK__MUST_USE;

#endif
