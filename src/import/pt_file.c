/* Opening a checkpoint, and reading pickled objects as modules with attributes. */
#include "import/pt_file.h"

#include <string.h>

#include "base/text.h"
#include "import/pt_globals.h"

/* torch writes in the machine's byte order and says which. */
static yk__code check_byte_order(yk__pt_file *file, yk__error *err) {
    const int32_t entry = yk__pt_zip_find(&file->zip, "byteorder");
    uint8_t *bytes;
    size_t size;
    if (entry < 0) return YK__OK;
    YK__TRY(yk__pt_zip_read(&file->zip, entry, &bytes, &size, err));
    const bool little = size >= 6 && memcmp(bytes, "little", 6) == 0;
    yk__free(bytes);
    return little ? YK__OK
                  : yk__fail(err, YK__UNSUPPORTED,
                             "the checkpoint was written on a big-endian machine; save it again on a little-endian one");
}

static yk__code read_pickle(yk__pt_file *file, yk__error *err) {
    size_t size;
    const int32_t entry = yk__pt_zip_find(&file->zip, "data.pkl");
    if (!file->zip.prefix || entry < 0)
        return yk__fail(err, YK__FORMAT, "the archive holds no data.pkl: it is no PyTorch checkpoint");
    YK__TRY(yk__pt_zip_read(&file->zip, entry, &file->pickle_bytes, &size, err));
    const yk__code code = yk__pickle_read(file->pickle_bytes, size, yk__pt_allow_global, &file->pickle, err);
    return code == YK__OK || code == YK__UNSUPPORTED ? code : yk__fail_prefix(err, code, "data.pkl");
}

yk__code yk__pt_file_open(yk__pt_file *file, const uint8_t *bytes, size_t size, yk__error *err) {
    *file = (yk__pt_file){.pickle = {.root = YK__PY_ABSENT}};
    yk__code code = yk__pt_zip_open(&file->zip, bytes, size, err);
    if (code == YK__OK) code = check_byte_order(file, err);
    if (code == YK__OK) code = read_pickle(file, err);
    if (code != YK__OK) yk__pt_file_close(file);
    return code;
}

void yk__pt_file_close(yk__pt_file *file) {
    for (int32_t i = 0; file->kept && i < file->zip.n; i++) yk__free(file->kept[i]);
    yk__free(file->kept);
    yk__pickle_free(&file->pickle);
    yk__free(file->pickle_bytes);
    yk__pt_zip_close(&file->zip);
    *file = (yk__pt_file){.pickle = {.root = YK__PY_ABSENT}};
}

/* The global that an object is of, or the value itself. */
static yk__py global_of(const yk__pt_file *file, yk__py object) {
    const yk__py_value *const v = yk__py_at(&file->pickle, object);
    return v->kind == YK__PY_OBJECT ? v->class_of : object;
}

const char *yk__pt_class(const yk__pt_file *file, yk__py object, char out[64]) {
    const yk__py_value *const global = yk__py_at(&file->pickle, global_of(file, object));
    out[0] = '\0';
    if (yk__py_kind_of(&file->pickle, object) != YK__PY_OBJECT || global->kind != YK__PY_GLOBAL) return out;
    char full[256];
    const char *const name = yk__py_show(&file->pickle, global->name, full, sizeof full);
    const char *const dot = name ? strrchr(name, '.') : NULL;
    const char *const bare = dot ? dot + 1 : name;
    if (bare && strlen(bare) < 64) memcpy(out, bare, strlen(bare) + 1);
    return out;
}

bool yk__pt_is_of(const yk__pt_file *file, yk__py object, const char *module) {
    const yk__py_value *const global = yk__py_at(&file->pickle, global_of(file, object));
    char text[256];
    if (global->kind != YK__PY_GLOBAL || !yk__py_show(&file->pickle, global->module, text, sizeof text)) return false;
    const char *const bare = yk__starts_with(text, "yolov5.models.") ? text + strlen("yolov5.") : text;
    return yk__ends_with(module, ".") ? yk__starts_with(bare, module) : strcmp(bare, module) == 0;
}

/* The dict of an object's attributes. With __slots__ the state is a pair of it and the slots. */
static yk__py state_of(const yk__pt_file *file, yk__py object) {
    const yk__py_value *const v = yk__py_at(&file->pickle, object);
    if (v->kind == YK__PY_DICT) return object;
    if (v->kind != YK__PY_OBJECT) return YK__PY_ABSENT;
    return yk__py_kind_of(&file->pickle, v->state) == YK__PY_TUPLE ? yk__py_item(&file->pickle, v->state, 0) : v->state;
}

yk__py yk__pt_attr(const yk__pt_file *file, yk__py object, const char *name) {
    static const char *const places[] = {"_modules", "_parameters", "_buffers"};
    const yk__py state = state_of(file, object);
    yk__py found = yk__py_get(&file->pickle, state, name);
    for (size_t i = 0; found == YK__PY_ABSENT && i < sizeof places / sizeof *places; i++)
        found = yk__py_get(&file->pickle, yk__py_get(&file->pickle, state, places[i]), name);
    return found;
}

yk__py yk__pt_some(const yk__pt_file *file, yk__py object, const char *name) {
    const yk__py found = yk__pt_attr(file, object, name);
    return yk__py_kind_of(&file->pickle, found) == YK__PY_NONE ? YK__PY_ABSENT : found;
}

static yk__py modules_of(const yk__pt_file *file, yk__py object) {
    return yk__py_get(&file->pickle, state_of(file, object), "_modules");
}

int32_t yk__pt_children(const yk__pt_file *file, yk__py object) {
    return yk__py_count(&file->pickle, modules_of(file, object));
}

yk__py yk__pt_child(const yk__pt_file *file, yk__py object, int32_t i) {
    return yk__py_value_of(&file->pickle, modules_of(file, object), i);
}
