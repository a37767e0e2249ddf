/* Building from the model that a foreign engine was made from, with what the engine's metadata say of it. */
#ifndef YK_API_RESCUE_H
#define YK_API_RESCUE_H

#include "import/import.h"

typedef struct yk__rescue {
    yk__arena arena; /* holds the names */
    yk__known known;
    int imgsz[2]; /* 0: not known */
} yk__rescue;

/* Reads an engine's metadata. FORMAT when they contradict what metadata are; ARGUMENT when the file is no TensorRT engine. One
 * without metadata is fine, and nothing is then known. On success and failure: yk__rescue_free. */
yk__code yk__rescue_read(const char *engine_path, yk__rescue *out, yk__error *err) YK__MUST_USE;
void yk__rescue_free(yk__rescue *rescue);

#endif
