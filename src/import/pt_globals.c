/* The allow-list of the pickle machine. Nothing here is needed for safety, as names are never resolved: it is there so that a
 * file that would run code elsewhere, or that comes from another project, is called what it is. */
#include "import/pt_globals.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Modules by prefix; those that end in '.' stand for everything below them. */
static const char *const modules[] = {
    "torch",     "torch.",  "torchvision.", "ultralytics.", "models.",  "yolov5.",  "utils.",     "collections",
    "numpy",     "numpy.",  "pathlib",      "pathlib.",     "argparse", "datetime", "_codecs",    "types",
    "functools", "copyreg", "copy_reg",     "enum",         "decimal",  "uuid",     "dill._dill",
};

/* Of the builtins only what is data or marks a method. */
static const char *const builtins[] = {"set",       "frozenset", "dict",  "list",  "tuple",   "int",    "float",
                                       "bool",      "str",       "bytes", "range", "slice",   "object", "complex",
                                       "bytearray", "getattr",   "print", "type",  "unicode", "long"};

/* Inside the modules above: names that load or run something. */
static const char *const runners[] = {
    "torch.hub.",
    "torch.jit.",
    "torch.serialization.",
    "torch.utils.cpp_extension.",
    "torch.utils.collect_env.",
    "torch.package.",
    "torch.load",
    "torch.storage._load_from_bytes",
    "torch._inductor.",
    "torch._dynamo.",
    "torch.distributed.",
    "torch.multiprocessing.",
    "torch.ops.",
    "numpy.testing.",
    "numpy.f2py.",
    "numpy.distutils.",
    "numpy.load",
    "types.CodeType",
    "types.FunctionType",
    "functools.reduce",
    "_codecs.decode",
    "utils.downloads.",
    "ultralytics.hub.",
    "ultralytics.utils.downloads.",
    "dill._dill._create_code",
    "dill._dill._create_function",
    "dill._dill._eval_repr",
};

/* Other projects, told by their modules. */
static const struct {
    const char *module, *sentence;
} strangers[] = {
    {"super_gradients.", "this is a checkpoint of super-gradients (YOLO-NAS), which yolk does not support"},
    {"mmengine.", "this is a checkpoint of OpenMMLab, which yolk does not read: export it to ONNX"},
    {"mmcv.", "this is a checkpoint of OpenMMLab, which yolk does not read: export it to ONNX"},
    {"mmdet.", "this is a checkpoint of OpenMMLab, which yolk does not read: export it to ONNX"},
    {"yolox.", "this is a checkpoint of YOLOX, which yolk does not read: export it to ONNX"},
    {"detectron2.", "this is a checkpoint of Detectron2, which yolk does not support"},
    {"rfdetr.", "this is an RF-DETR checkpoint, which yolk does not support"},
    {"timm.", "this is a checkpoint of timm, which yolk does not read: export it to ONNX"},
    {"transformers.", "this is a checkpoint of Hugging Face transformers, which yolk does not support"},
    {"pytorch_lightning.", "this is a checkpoint of PyTorch Lightning, which yolk does not read: export it to ONNX"},
    {"lightning.", "this is a checkpoint of PyTorch Lightning, which yolk does not read: export it to ONNX"},
    {"gold_yolo.", "this is a Gold-YOLO checkpoint, which yolk does not read: export it to ONNX"},
    {"yolov6.", "this is a checkpoint of Meituan's YOLOv6 repository, which yolk does not read: export it to ONNX"},
};

/* Full names "module.name": an entry that ends in '.' matches what begins with it, others match whole. */
static bool matches(const char *full, const char *entry) {
    return yk__ends_with(entry, ".") ? yk__starts_with(full, entry) : strcmp(full, entry) == 0;
}

static bool is_builtin_module(const char *module) {
    return strcmp(module, "builtins") == 0 || strcmp(module, "__builtin__") == 0;
}

static bool is_known(const char *module, const char *name) {
    if (is_builtin_module(module)) {
        for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
            if (strcmp(name, builtins[i]) == 0) return true;
        return false;
    }
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        if (matches(module, modules[i])) return true;
    return false;
}

static yk__code dangerous(const char *module, const char *name, yk__error *err) {
    return yk__fail(
        err, YK__UNSUPPORTED,
        "the checkpoint asks for %.120s.%.120s, which runs code and has no place in a model: yolk never runs it; do not "
        "load this file with PyTorch unless you trust where it comes from",
        module, name);
}

yk__code yk__pt_allow_global(const char *module, const char *name, yk__error *err) {
    static const char *const runner_modules[] = {
        "os",       "posix",      "nt",       "subprocess", "sys",     "socket",  "shutil",    "pty",
        "runpy",    "importlib",  "ctypes",   "pickle",     "_pickle", "marshal", "code",      "codeop",
        "commands", "webbrowser", "requests", "urllib",     "asyncio", "signal",  "threading", "multiprocessing",
        "tempfile", "operator",   "_operator"};
    char full[520];
    snprintf(full, sizeof full, "%s.%s", module, name); /* the machine passes names of at most 255 bytes */
    for (size_t i = 0; i < sizeof runners / sizeof *runners; i++)
        if (matches(full, runners[i])) return dangerous(module, name, err);
    if (is_known(module, name)) return YK__OK;
    const size_t first = strcspn(module, ".");
    for (size_t i = 0; i < sizeof runner_modules / sizeof *runner_modules; i++)
        if (strlen(runner_modules[i]) == first && memcmp(module, runner_modules[i], first) == 0)
            return dangerous(module, name, err);
    if (is_builtin_module(module)) return dangerous(module, name, err);
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        if (yk__starts_with(module, strangers[i].module)) return yk__fail(err, YK__UNSUPPORTED, "%s", strangers[i].sentence);
    return yk__fail(
        err, YK__UNSUPPORTED,
        "the checkpoint mentions %.120s.%.120s, a module that yolk does not know: it was made by another program, or "
        "holds objects of your own; save the model with a plain Ultralytics, or export it to ONNX",
        module, name);
}
