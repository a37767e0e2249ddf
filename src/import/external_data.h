/* Weights that an ONNX model keeps in files beside it. */
#ifndef YK_IMPORT_EXTERNAL_DATA_H
#define YK_IMPORT_EXTERNAL_DATA_H

#include "base/file.h"

/* Most files one model may refer to: older exporters write one per tensor, and no network has this many tensors. */
#define YK__EXTERNAL_MAX_FILES 4096

/* The files opened so far. Zero-initialise `folder` only; NULL: external data is not allowed. */
typedef struct yk__external {
    const char *folder;
    struct yk__external_entry {
        char *name;
        yk__map *map;
    } * files;
    int32_t n_files, capacity;
    size_t total_bytes; /* of all files opened, each counted once */
} yk__external;

/* The bytes offset .. offset+length of the file `location`, a path relative to the folder (length -1: to its end). Refused: an
 * absolute path, `..`, a symbolic link anywhere on the way, anything but a plain file, bytes outside the file. The bytes live
 * until yk__external_free, or as long as the mappings that yk__external_take hands over. UNSUPPORTED, NOT_FOUND, IO,
 * TRUNCATED, LIMIT, MEMORY; the message names the file. */
yk__code yk__external_bytes(yk__external *external, const char *location, int64_t offset, int64_t length, const uint8_t **bytes,
                            size_t *size, yk__error *err) YK__MUST_USE;

/* Hands the mappings over as an array of yk__map * (from yk__alloc, both levels); the struct is empty afterwards. */
void yk__external_take(yk__external *external, void ***mappings, int32_t *n);
void yk__external_free(yk__external *external);

#endif
