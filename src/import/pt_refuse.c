/* Naming checkpoints of other kinds, cut ones, and pickles that lost their archive. */
#include "import/pt_refuse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "import/pt_globals.h"

/* ---- models of other kinds ---- */

/* By the class of the model or of its last layer; `module` where the same name means something else elsewhere. */
static const struct {
    const char *class_name, *module, *sentence;
} strangers[] = {
    {"RTDETRDetectionModel", NULL,
     "this is an RT-DETR model, which yolk does not support: run it with Ultralytics, or train a YOLO on the same data"},
    {"RTDETRDecoder", NULL,
     "this is an RT-DETR model, which yolk does not support: run it with Ultralytics, or train a YOLO on the same data"},
    {"WorldModel", NULL,
     "this is a YOLO-World model, which yolk does not read: set its classes in Ultralytics and export it to ONNX"},
    {"WorldDetect", NULL,
     "this is a YOLO-World model, which yolk does not read: set its classes in Ultralytics and export it to ONNX"},
    {"YOLOEModel", NULL,
     "this is a YOLOE model, which yolk does not read: set its classes in Ultralytics and export it to ONNX"},
    {"YOLOESegModel", NULL,
     "this is a YOLOE model, which yolk does not read: set its classes in Ultralytics and export it to ONNX"},
    {"YOLOEDetect", NULL,
     "this is a YOLOE model, which yolk does not read: set its classes in Ultralytics and export it to ONNX"},
    {"YOLOESegment", NULL,
     "this is a YOLOE model, which yolk does not read: set its classes in Ultralytics and export it to ONNX"},
    {"SemanticSegment", NULL,
     "this is a semantic segmentation model, a task that yolk does not have: run it with Ultralytics; for masks of single "
     "objects train a -seg model"},
    {"Depth", NULL, "this is a depth estimation model, a task that yolk does not have: run it with Ultralytics"},
    {"SegmentationModel", "models.yolo",
     "this is a segmentation model of the YOLOv5 repository; of its checkpoints yolk reads "
     "detection only: export this one to ONNX there"},
    {"ClassificationModel", "models.yolo",
     "this is a classification model of the YOLOv5 repository; of its checkpoints yolk "
     "reads detection only: export this one to ONNX there"},
    {"Segment", "models.yolo",
     "this is a segmentation model of the YOLOv5 repository; of its checkpoints yolk reads detection "
     "only: export this one to ONNX there"},
    {"IDetect", NULL, "this is a YOLOv7 model, which yolk does not read: export it to ONNX in the YOLOv7 repository"},
    {"IAuxDetect", NULL, "this is a YOLOv7 model, which yolk does not read: export it to ONNX in the YOLOv7 repository"},
    {"IKeypoint", NULL,
     "this is a YOLOv7 pose model, which yolk does not support: run it with the YOLOv7 repository, or train a -pose model of "
     "Ultralytics"},
    {"IBin", NULL, "this is a YOLOv7 model, which yolk does not read: export it to ONNX in the YOLOv7 repository"},
    {"DDetect", NULL,
     "this is a model of YOLOv9's own repository: yolk reads YOLOv9 as Ultralytics saves it; export it to ONNX"},
    {"DualDDetect", NULL,
     "this is a model of YOLOv9's own repository: yolk reads YOLOv9 as Ultralytics saves it; export it to ONNX"},
    {"TripleDDetect", NULL,
     "this is a model of YOLOv9's own repository: yolk reads YOLOv9 as Ultralytics saves it; export it to ONNX"},
    {"DualDetect", NULL,
     "this is a model of YOLOv9's own repository: yolk reads YOLOv9 as Ultralytics saves it; export it to ONNX"},
    {"Darknet", NULL,
     "this is a Darknet model in PyTorch (YOLOv3, YOLOv4 or YOLOR), which yolk does not read: export it to ONNX in its "
     "repository"},
};

static yk__code refuse_by_class(const yk__pt_file *file, yk__py module, yk__error *err) {
    char class_name[64];
    yk__pt_class(file, module, class_name);
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        if (strcmp(class_name, strangers[i].class_name) != 0) continue;
        if (!strangers[i].module || yk__pt_is_of(file, module, strangers[i].module))
            return yk__fail(err, YK__UNSUPPORTED, "%s", strangers[i].sentence);
    }
    return YK__OK;
}

static bool is_module(const yk__pt_file *file, yk__py value) {
    return yk__py_kind_of(&file->pickle, value) == YK__PY_OBJECT && yk__pt_children(file, value) > 0;
}

/* A dict of tensors by name. */
static bool is_state_dict(const yk__pt_file *file, yk__py dict) {
    const int32_t n = yk__py_kind_of(&file->pickle, dict) == YK__PY_DICT ? yk__py_count(&file->pickle, dict) : 0;
    int32_t tensors = 0;
    for (int32_t i = 0; i < n; i++) tensors += yk__pt_is_tensor(file, yk__py_value_of(&file->pickle, dict, i));
    return n > 0 && 2 * tensors > n;
}

static yk__code refuse_weights(const yk__pt_file *file, yk__py root, yk__error *err) {
    const yk__pickle *const p = &file->pickle;
    static const char *const places[] = {"model", "ema", "state_dict", "net", "ema_net", "model_state_dict", "weights"};
    bool weights = is_state_dict(file, root);
    if (yk__py_get(p, root, "processing_params") != YK__PY_ABSENT || yk__py_get(p, root, "ema_net") != YK__PY_ABSENT) {
        return yk__fail(
            err, YK__UNSUPPORTED,
            "this is a checkpoint of super-gradients (YOLO-NAS), which yolk does not read: export it to ONNX there");
    }
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        weights = weights || is_state_dict(file, yk__py_get(p, root, places[i]));
    if (weights) {
        return yk__fail(err, YK__UNSUPPORTED,
                        "the file holds weights without the model (a state dict): load them into the model they belong to and "
                        "save that with Ultralytics (model.save), or export it to ONNX");
    }
    return yk__fail(err, YK__UNSUPPORTED,
                    "the file is a PyTorch checkpoint without a model: Ultralytics keeps it under \"model\" or \"ema\"");
}

/* What training leaves around a model, by the name under which it keeps it: torch's parallel and compiled modules; the
 * packages' own handles (YOLO, AutoShape), which hold a model under the name that a model's list of layers has. */
static yk__py unwrap(const yk__pt_file *file, yk__py module) {
    enum { MAX_WRAPPERS = 8 };
    char class_name[64];
    if (strcmp(yk__pt_class(file, module, class_name), "OptimizedModule") == 0 && !is_module(file, module))
        module = yk__py_item(&file->pickle, yk__py_at(&file->pickle, module)->args, 0); /* pickled as (module, compiler) */
    for (int i = 0; i < MAX_WRAPPERS; i++) {
        static const char *const names[] = {"module", "_orig_mod"};
        yk__py inner = yk__pt_some(file, module, "model");
        if (is_module(file, inner) && !is_module(file, yk__pt_some(file, inner, "model"))) return module;
        for (size_t k = 0; !is_module(file, inner) && k < sizeof names / sizeof *names; k++)
            inner = yk__pt_some(file, module, names[k]);
        if (!is_module(file, inner)) return module;
        module = inner;
    }
    return module;
}

yk__code yk__pt_find_model(const yk__pt_file *file, yk__py *model, yk__error *err) {
    const yk__py root = file->pickle.root;
    const yk__py places[] = {yk__pt_some(file, root, "ema"), yk__pt_some(file, root, "model")};
    const bool bare = yk__py_kind_of(&file->pickle, root) == YK__PY_OBJECT; /* saved without a dict around it */
    *model = bare ? unwrap(file, root) : YK__PY_ABSENT;
    for (size_t i = 0; !is_module(file, *model) && i < sizeof places / sizeof *places; i++) *model = unwrap(file, places[i]);
    if (!is_module(file, *model)) return refuse_weights(file, root, err);
    YK__TRY(refuse_by_class(file, *model, err));
    const yk__py layers = yk__pt_some(file, *model, "model");
    const yk__py last = yk__pt_child(file, layers, yk__pt_children(file, layers) - 1);
    YK__TRY(refuse_by_class(file, last, err));
    char class_name[64];
    if (last != YK__PY_ABSENT) return YK__OK;
    return yk__fail(err, YK__UNSUPPORTED,
                    "the file holds a PyTorch module \"%s\" that is no YOLO of Ultralytics or YOLOv5: it has no list of layers "
                    "\"model\"; export it to ONNX",
                    yk__pt_class(file, *model, class_name));
}

/* ---- cut archives ---- */

typedef struct local_entry {
    size_t data_at; /* where its bytes begin; 0: none found */
    bool pickle, stored;
} local_entry;

/* The entry at the start of an archive, from the header in front of it. */
static local_entry first_entry(const uint8_t *bytes, size_t size) {
    enum { HEADER = 30 };
    static const char pickle[] = "data.pkl";
    const size_t n = sizeof pickle - 1;
    if (size < HEADER) return (local_entry){0};
    const size_t name = (size_t)bytes[26] | (size_t)bytes[27] << 8, extra = (size_t)bytes[28] | (size_t)bytes[29] << 8;
    if (name + extra > size - HEADER) return (local_entry){0};
    return (local_entry){.data_at = HEADER + name + extra,
                         .pickle = name >= n && memcmp(bytes + HEADER + name - n, pickle, n) == 0,
                         .stored = bytes[8] == 0 && bytes[9] == 0};
}

/* A cut archive's pickle is whole as a rule, because it comes first; it tells how much would follow. */
static yk__code explain_cut(const uint8_t *bytes, size_t size, yk__error *err) {
    static const char again[] = "download or copy it again";
    const local_entry entry = first_entry(bytes, size);
    yk__pickle pickle;
    if (!entry.pickle || !entry.stored) {
        return yk__fail(err, YK__TRUNCATED,
                        "the zip archive is cut: its directory, which stands at the end, is missing after %zu bytes; %s", size,
                        again);
    }
    const yk__code code = yk__pickle_read(bytes + entry.data_at, size - entry.data_at, yk__pt_allow_global, &pickle, err);
    if (code == YK__UNSUPPORTED) return code; /* what it mentions is worse than its missing end */
    if (code != YK__OK) {
        return yk__fail(err, YK__TRUNCATED,
                        "the checkpoint is cut inside its first part, the description of the model: there are %zu bytes; %s",
                        size, again);
    }
    const uint64_t weights = yk__pt_storage_bytes(&pickle), whole = weights + entry.data_at + pickle.size;
    yk__pickle_free(&pickle);
    if (whole <= size) {
        return yk__fail(err, YK__TRUNCATED, "the checkpoint is cut: only its directory, at the very end, is missing; %s",
                        again);
    }
    return yk__fail(err, YK__TRUNCATED,
                    "the checkpoint is cut: it has %zu bytes, its model and weights take %" PRIu64 " at least, so %" PRIu64
                    " or more are missing; %s",
                    size, whole, whole - size, again);
}

static bool contains(const uint8_t *bytes, size_t size, const char *word) {
    return memmem(bytes, size, word, strlen(word)) != NULL;
}

yk__code yk__pt_explain(const uint8_t *bytes, size_t size, yk__code code, yk__error *err) {
    yk__pt_zip zip;
    if (code == YK__TRUNCATED && !contains(bytes, size, "PK\005\006")) return explain_cut(bytes, size, err);
    yk__error unused;
    if (yk__pt_zip_open(&zip, bytes, size, &unused) != YK__OK) return code;
    const bool script = yk__pt_zip_mentions(&zip, "/code/") || yk__pt_zip_mentions(&zip, "constants.pkl");
    const bool folder = !zip.prefix && yk__pt_zip_mentions(&zip, ".pt"), no_pickle = !zip.prefix;
    yk__pt_zip_close(&zip);
    if (script) {
        return yk__fail(
            err, YK__UNSUPPORTED,
            "this is a TorchScript file (an export), which holds code instead of a model; give the .pt it was exported "
            "from, or export that to ONNX");
    }
    if (folder) return yk__fail(err, YK__UNSUPPORTED, "this is a zip archive that holds a .pt file: unpack it first");
    if (no_pickle) return yk__fail(err, YK__UNSUPPORTED, "this is a zip archive and no PyTorch checkpoint: unpack it first");
    return code;
}

/* ---- pickles alone ---- */

/* What torch.save wrote before version 1.6: a pickle of this number comes first. */
static bool is_old_format(const uint8_t *bytes, size_t size) {
    static const uint8_t magic[] = {0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
    return size >= 2 + sizeof magic && memcmp(bytes + 2, magic, sizeof magic) == 0;
}

yk__code yk__pt_refuse_pickle(const uint8_t *bytes, size_t size, yk__error *err) {
    yk__pt_file file = {0};
    yk__py model;
    char class_name[64];
    if (is_old_format(bytes, size)) {
        return yk__fail(
            err, YK__UNSUPPORTED,
            "this is a checkpoint in the format of PyTorch before 1.6: load it with a newer PyTorch and save it again "
            "(torch.save writes the new format since)");
    }
    yk__code code = yk__pickle_read(bytes, size, yk__pt_allow_global, &file.pickle, err);
    if (code == YK__UNSUPPORTED) return code;
    if (code != YK__OK) return yk__fail_prefix(err, code, "this looks like a Python pickle, but it is damaged");
    const bool torch = yk__pt_storage_bytes(&file.pickle) > 0;
    code = torch ? yk__pt_find_model(&file, &model, err) : YK__OK;
    if (!torch) {
        yk__fail(err, YK__UNSUPPORTED, "this is a Python pickle without a model in it");
    } else if (code != YK__OK) {
        yk__fail_prefix(err, code,
                        "this is a data.pkl alone, out of an unpacked checkpoint, and its weights are missing; besides");
    } else {
        yk__fail(err, YK__UNSUPPORTED,
                 "this is a data.pkl alone, out of an unpacked checkpoint (%s): its weights, the files in the folder data "
                 "beside it, "
                 "are missing; give the whole .pt, or zip the unpacked folder again (stored or deflated)",
                 yk__pt_class(&file, model, class_name));
    }
    yk__pickle_free(&file.pickle);
    return YK__UNSUPPORTED;
}
