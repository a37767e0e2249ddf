/* A model file becomes a graph and a recipe. The content decides the format, never the file's name. */
#ifndef YK_IMPORT_IMPORT_H
#define YK_IMPORT_IMPORT_H

#include "graph/recipe.h"

/* What another file says of the same model, such as the metadata of an engine that was made from it. It comes before the
 * file's own notes, and a file that contradicts it is refused. */
typedef struct yk__known {
    yk__task task;
    const char *const *names; /* NULL: not known */
    int32_t n_names;
    int32_t kpt_shape[2];
} yk__known;

/* What the user may say about a model. {0} lets the file decide everything. */
typedef struct yk__import_options {
    yk__task task;          /* --task: needed where the file allows several readings; else it must agree with the file */
    yk__layout layout;      /* --layout: how the outputs are read, likewise */
    const char *names_file; /* --names: a class name per line, or a yaml with `names:`; NULL: the file's own, else class0 ... */
    int imgsz[2];           /* --imgsz, height then width; 0: the file's own. Rounded up to multiples of the recipe's stride */
    const yk__known *known; /* NULL: nothing */
    bool end2end;           /* --end2end: the one-to-one head. An export holds one head; asking for the other is an error */
    bool keep_half;         /* f16 and bf16 tensors stay what they are; otherwise the network is computed in f32 from them
                             * (docs/decisions/0002-fp16-models.md) */
} yk__import_options;

/* Reads the model file at path into *out, which the caller passes uninitialised. options may be NULL.
 *
 * On success the caller owns *out (yk__model_free); large constants may point into the mapped file, which *out keeps. The
 * graph is verified, in executable order, starts with ImageInput, and its operators are those of ops.def. Values carry the
 * dtype and shape the file declares; dtype NONE where it declares none.
 *
 * On failure *out is empty and needs no freeing. Codes: NOT_FOUND, IO; FORMAT, TRUNCATED (not a model file, or a broken one),
 * LIMIT (over a bound), VERSION (a newer opset or IR), UNSUPPORTED (a format, operator, type or attribute, named with its
 * node), GRAPH (the model contradicts itself), AMBIGUOUS (the readings that are possible and the option that decides),
 * ARGUMENT (an option that does not fit the file), MEMORY. The message starts with the path. */
yk__code yk__import_model(const char *path, const yk__import_options *options, yk__model *out, yk__error *err) YK__MUST_USE;

/* The same for bytes in memory, which must outlive the model. folder: where external data may lie (NULL: nowhere). name: what
 * messages and the provenance call the source. */
yk__code yk__import_bytes(const uint8_t *bytes, size_t size, const char *name, const char *folder,
                          const yk__import_options *options, yk__model *out, yk__error *err) YK__MUST_USE;

/* Only the network of an ONNX file, as written, without ImageInput and recipe: any inputs and outputs. For operator tests and
 * `inspect`. more_mappings of the model holds external data; recipe and provenance stay empty. */
yk__code yk__import_network(const uint8_t *bytes, size_t size, const char *folder, bool keep_half, yk__model *out,
                            yk__error *err) YK__MUST_USE;

#endif
