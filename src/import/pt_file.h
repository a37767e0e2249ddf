/* A checkpoint opened: its pickle as values, its storages on demand. Modules are read here as what their pickled state says,
 * tensors as f32. Internal to the import room. */
#ifndef YK_IMPORT_PT_FILE_H
#define YK_IMPORT_PT_FILE_H

#include "graph/tensor.h"
#include "import/pickle.h"
#include "import/pt_zip.h"

typedef struct yk__pt_file {
    yk__pt_zip zip;
    uint8_t *pickle_bytes; /* what `pickle`'s strings point into; NULL where those are the caller's */
    yk__pickle pickle;
    uint8_t **kept; /* for each entry of the archive: the bytes of a storage that tensors share, NULL for others */
} yk__pt_file;

/* Opens an archive that holds a data.pkl. FORMAT, TRUNCATED, UNSUPPORTED, CHECKSUM, LIMIT, MEMORY. On failure the struct is
 * empty. The bytes must outlive it. */
yk__code yk__pt_file_open(yk__pt_file *file, const uint8_t *bytes, size_t size, yk__error *err) YK__MUST_USE;
void yk__pt_file_close(yk__pt_file *file);

/* ---- objects ---- */

/* The bare name of the object's class ("C2f"), "" when it is no object. */
const char *yk__pt_class(const yk__pt_file *file, yk__py object, char out[64]);
/* Whether the object's class, or a global, is of this module ("models.yolo") or, when it ends in '.', of one below it. The
 * yolov5 package keeps its repository's modules under a prefix, which does not count. */
bool yk__pt_is_of(const yk__pt_file *file, yk__py object, const char *module);
/* An attribute: of the state itself, or one of its submodules, parameters or buffers; for a dict the value of that key. ABSENT
 * when there is none. */
yk__py yk__pt_attr(const yk__pt_file *file, yk__py object, const char *name);
/* The same; ABSENT also when it is None. */
yk__py yk__pt_some(const yk__pt_file *file, yk__py object, const char *name);
/* Submodules in their order. */
int32_t yk__pt_children(const yk__pt_file *file, yk__py object);
yk__py yk__pt_child(const yk__pt_file *file, yk__py object, int32_t i);

/* ---- tensors ---- */

bool yk__pt_is_tensor(const yk__pt_file *file, yk__py value);
/* Its shape, without reading it. FORMAT when it is no tensor or has sizes that no tensor has. */
yk__code yk__pt_tensor_shape(const yk__pt_file *file, yk__py tensor, yk__shape *shape, yk__error *err) YK__MUST_USE;
/* Its elements in row-major order as f32 in the arena. Half, bfloat16, double and integers are converted. Every view is held
 * against its storage. FORMAT, UNSUPPORTED (complex and quantised elements), CHECKSUM, TRUNCATED, LIMIT, MEMORY. */
yk__code yk__pt_tensor_read(yk__pt_file *file, yk__py tensor, yk__arena *arena, yk__shape *shape, float **out,
                            yk__error *err) YK__MUST_USE;
/* The bytes that all storages of the pickle take, each counted once: what a whole file must hold at least. */
uint64_t yk__pt_storage_bytes(const yk__pickle *pickle);

#endif
