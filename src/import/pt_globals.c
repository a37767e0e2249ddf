/* The allow-list of the pickle machine. Nothing here is needed for safety, as names are never resolved: it is there so that a
 * file that would run code elsewhere, or that comes from another project, is called what it is. */
#include "import/pt_globals.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Modules by prefix; those that end in '.' stand for everything below them. What models are made of, then what training
 * leaves in a checkpoint: arguments, times, random states, profilers' hooks, augmentations. */
static const char *const modules[] = {
    "torch",       "torch.",          "torchvision.", "ultralytics.",      "models.",    "yolov5.",   "utils.",
    "collections", "numpy",           "numpy.",       "pathlib",           "pathlib.",   "argparse",  "datetime",
    "_codecs",     "types",           "functools",    "copyreg",           "copy_reg",   "enum",      "decimal",
    "uuid",        "random",          "zoneinfo",     "contextlib",        "typing",     "fractions", "weakref",
    "PIL.",        "albumentations.", "thop.",        "ultralytics_thop.", "omegaconf.", "easydict",  "tqdm.",
    "dill._dill",
};

/* Of the builtins what is data, marks a method, or works on numbers and sequences. */
static const char *const builtins[] = {
    "set",        "frozenset", "dict",       "list",
    "tuple",      "int",       "float",      "bool",
    "str",        "bytes",     "range",      "xrange",
    "slice",      "object",    "complex",    "bytearray",
    "memoryview", "getattr",   "print",      "type",
    "super",      "property",  "unicode",    "long",
    "len",        "abs",       "min",        "max",
    "sum",        "round",     "sorted",     "reversed",
    "zip",        "enumerate", "any",        "all",
    "divmod",     "pow",       "repr",       "hash",
    "id",         "iter",      "next",       "isinstance",
    "issubclass", "callable",  "Ellipsis",   "Exception",
    "TypeError",  "KeyError",  "ValueError", "NotImplemented",
};

/* Inside the modules above: names that load or run something. */
static const char *const runners[] = {
    "torch.hub.",
    "torch.jit.",
    "torch.serialization.",
    "torch.utils.cpp_extension.",
    "torch.utils.collect_env.",
    "torch.utils.model_zoo.",
    "torch.utils._config_module.",
    "torch.package.",
    "torch.load",
    "torch.storage._load_from_bytes",
    "torch._inductor.",
    "torch._dynamo.guards.",
    "torch.fx.",
    "torch.distributed.",
    "torch.multiprocessing.",
    "torch.ops.",
    "torchvision.datasets.",
    "numpy.testing.",
    "numpy.f2py.",
    "numpy.distutils.",
    "numpy.load",
    "numpy.lib.npyio.",
    "types.CodeType",
    "types.FunctionType",
    "functools.reduce",
    "_codecs.decode",
    "utils.downloads.",
    "yolov5.utils.downloads.",
    "ultralytics.hub.",
    "ultralytics.utils.downloads.",
    "ultralytics.utils.checks.",
    "dill._dill._create_code",
    "dill._dill._create_function",
    "dill._dill._eval_repr",
};

/* Python's own modules that run, load or reach outside. */
static const char *const runner_modules[] = {
    "os",        "posix",      "nt",         "subprocess", "sys",         "socket",   "shutil",    "pty",
    "runpy",     "importlib",  "ctypes",     "pickle",     "_pickle",     "marshal",  "code",      "codeop",
    "commands",  "webbrowser", "requests",   "urllib",     "asyncio",     "signal",   "threading", "multiprocessing",
    "tempfile",  "operator",   "_operator",  "builtins",   "__builtin__", "http",     "ftplib",    "smtplib",
    "telnetlib", "xmlrpc",     "pip",        "pdb",        "bdb",         "cProfile", "timeit",    "doctest",
    "zipimport", "pkgutil",    "nturl2path",
};

/* Other projects, told by their modules. */
static const struct {
    const char *module, *sentence;
} strangers[] = {
    {"super_gradients.",
     "this is a checkpoint of super-gradients (YOLO-NAS), which yolk does not read: export it to ONNX there"},
    {"mmengine.", "this is a checkpoint of OpenMMLab, which yolk does not read: export it to ONNX"},
    {"mmcv.", "this is a checkpoint of OpenMMLab, which yolk does not read: export it to ONNX"},
    {"mmdet.", "this is a checkpoint of OpenMMLab, which yolk does not read: export it to ONNX"},
    {"yolox.", "this is a checkpoint of YOLOX, which yolk does not read: export it to ONNX"},
    {"detectron2.", "this is a checkpoint of Detectron2, which is no YOLO: yolk does not support it"},
    {"rfdetr.", "this is an RF-DETR checkpoint, which is no YOLO: yolk does not support it, run it with its own package"},
    {"timm.", "this is a checkpoint of timm, which yolk does not read: export it to ONNX"},
    {"transformers.", "this is a checkpoint of Hugging Face transformers, which is no YOLO: yolk does not support it"},
    {"pytorch_lightning.", "this is a checkpoint of PyTorch Lightning, which yolk does not read: export it to ONNX"},
    {"lightning.", "this is a checkpoint of PyTorch Lightning, which yolk does not read: export it to ONNX"},
    {"gold_yolo.", "this is a Gold-YOLO checkpoint, which yolk does not read: export it to ONNX"},
    {"yolov6.", "this is a checkpoint of Meituan's YOLOv6 repository, which yolk does not read: export it to ONNX"},
};

/* Full names "module.name": an entry that ends in '.' matches what lies below it and the module itself, others match whole. */
static bool matches(const char *full, const char *entry) {
    const size_t n = strlen(entry);
    if (!yk__ends_with(entry, ".")) return strcmp(full, entry) == 0;
    return yk__starts_with(full, entry) || (strlen(full) == n - 1 && memcmp(full, entry, n - 1) == 0);
}

static bool is_builtin_module(const char *module) {
    return strcmp(module, "builtins") == 0 || strcmp(module, "__builtin__") == 0;
}

static bool is_runner_module(const char *name, size_t n) {
    for (size_t i = 0; i < sizeof runner_modules / sizeof *runner_modules; i++)
        if (strlen(runner_modules[i]) == n && memcmp(runner_modules[i], name, n) == 0) return true;
    return false;
}

/* Names are paths: pathlib's "os.system" is os.system, as pathlib imports os. Private aliases ("_os") count, too. */
static bool reaches_runner(const char *name) {
    for (const char *part = name; *part;) {
        const size_t n = strcspn(part, ".");
        const bool alias = n > 1 && part[0] == '_' && part[1] != '_';
        if (is_runner_module(part, n) || (alias && is_runner_module(part + 1, n - 1))) return true;
        if (strchr(name, '.') && n > 4 && part[0] == '_' && memcmp(part + n - 2, "__", 2) == 0) return true; /* .__globals__ */
        part += n + (part[n] == '.');
    }
    return false;
}

static bool is_known(const char *module, const char *name) {
    if (is_builtin_module(module)) {
        for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
            if (strcmp(name, builtins[i]) == 0) return true;
        return false;
    }
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        if (yk__ends_with(modules[i], ".") ? yk__starts_with(module, modules[i]) : strcmp(module, modules[i]) == 0) return true;
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
    char full[520];
    snprintf(full, sizeof full, "%s.%s", module, name); /* the machine passes names of at most 255 bytes */
    for (size_t i = 0; i < sizeof runners / sizeof *runners; i++)
        if (matches(full, runners[i])) return dangerous(module, name, err);
    const bool known = is_known(module, name);
    if (is_builtin_module(module) ? !known : reaches_runner(name)) return dangerous(module, name, err);
    if (known) return YK__OK;
    if (is_runner_module(module, strcspn(module, "."))) return dangerous(module, name, err);
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        if (yk__starts_with(module, strangers[i].module)) return yk__fail(err, YK__UNSUPPORTED, "%s", strangers[i].sentence);
    return yk__fail(
        err, YK__UNSUPPORTED,
        "the checkpoint mentions %.120s.%.120s, a module that yolk does not know: it was made by another program, or "
        "holds objects of your own; save the model with a plain Ultralytics, or export it to ONNX",
        module, name);
}
