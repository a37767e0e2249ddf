/* Explaining pasted texts. The texts are written here, in the shape that real logs have; only the sentences of TensorRT and its
 * wrappers are as printed. Every cause is reached, wrapped and cut variants are generated, look-alikes stay unknown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/file.h"
#include "base/memory.h"
#include "inspect/explain.h"
#include "inspect/explain_text.h"

typedef struct sample {
    const char *codes;          /* the first finding's code; after a blank, others that must be among the findings */
    const char *machine, *file; /* of the first finding; NULL: none */
    const char *text;
} sample;

#define TRAILER_8 \
    "\n4: [runtime.cpp::deserializeCudaEngine::50] Error Code 4: Internal Error (Engine deserialization failed.)\n"
#define NONE_TRAILER \
    "Traceback (most recent call last):\n  File \"serve.py\", line 12, in <module>\n" \
    "    context = engine.create_execution_context()\n" \
    "AttributeError: 'NoneType' object has no attribute 'create_execution_context'\n"

static const sample samples[] = {
    /* library version, three to eleven */
    {"exact-version-mismatch", NULL, NULL, "The engine plan file is not compatible with this version of GIE, please rebuild."},
    {"exact-version-mismatch newer-plan-on-older-runtime", "5.1.5", "5.1.6",
     "[TensorRT] ERROR: The engine plan file is not compatible with this version of TensorRT, expecting library version 5.1.5 "
     "got "
     "5.1.6, please rebuild.\n" NONE_TRAILER},
    {"exact-version-mismatch older-plan-on-newer-runtime", "8.2.3", "8.2.1",
     "worker_1  | [03/04/2022-11:00:45] [TRT] [E] 6: The engine plan file is not compatible with this version of TensorRT, "
     "expecting "
     "library version 8.2.3 got 8.2.1, please rebuild." TRAILER_8},
    {"exact-version-mismatch newer-plan-on-older-runtime", "8.5.1.7", "8.5.3.1",
     "Loading cat.engine ...\n[TRT] [I] Loaded engine size: 15 MiB\n[TRT] [E] 6: The engine plan file is not compatible with "
     "this "
     "version of TensorRT, expecting library version 8.5.1.7 got 8.5.3.1, please rebuild.\n" NONE_TRAILER},
    {"exact-version-mismatch newer-plan-on-older-runtime", "10.12.0.36", "10.13.3.9",
     "IRuntime::deserializeCudaEngine: Error Code 6: API Usage Error (The engine plan file is not compatible with this version "
     "of "
     "TensorRT, expecting library version 10.12.0.36 got 10.13.3.9, please rebuild.)"},
    {"exact-version-mismatch", "10.4.0.26", NULL,
     "Error Code 6: API Usage Error (The engine plan file is not compatible with this version of TensorRT, expecting library "
     "version "
     "10.4.0.26 got \n\x03.\x1e, please rebuild.)"},
    {"exact-version-mismatch", "10.14.1.48", NULL, /* four bytes printed as characters, the last of them a digit */
     "expecting library version 10.14.1.48 got \n\r\x01"
     "0, please rebuild.)"},
    {"exact-version-mismatch", "10.12.0.36", NULL, "TensorRT, expecting library version 10.12.0.36 got ., please rebuild.)"},
    {"exact-version-mismatch", "5.1.6", "5.0.6", "expecting library version 5.1.6 got 5.0.6"},
    {"exact-version-mismatch two-tensorrt-installed", "8.0.0", "8.0.1",
     "I built it on the same machine an hour ago!\n6: The engine plan file is not compatible with this version of TensorRT, "
     "expecting "
     "library version 8.0.0 got 8.0.1, please rebuild."},
    {"exact-version-mismatch", "5.1.2", "5.1.5",
     "E0112 10:11:12.1 1 logging.cc:43] The engine plan file is not compatible with this version of TensorRT, expecting "
     "library version "
     "5.1.2 got 5.1.5, please rebuild.\nE0112 10:11:12.2 1 retrier.cc:37] Loading servable: {name: m version: 1} failed: "
     "Internal: "
     "unable to create TensorRT engine"},
    {"text-mode-damage not-a-plan", "5.1.5", NULL,
     "ERROR: The engine plan file is not compatible with this version of TensorRT, expecting library version 5.1.5 got 0.0.0, "
     "please "
     "rebuild."},

    /* serialization version */
    {"serialization-version-mismatch", NULL, NULL,
     "[TensorRT] ERROR: coreReadArchive.cpp (38) - Serialization Error in verifyHeader: 0 (Version tag does not "
     "match)\n[TensorRT] "
     "ERROR: INVALID_STATE: std::exception\n[TensorRT] ERROR: INVALID_CONFIG: Deserialize the cuda engine "
     "failed.\n" NONE_TRAILER},
    {"serialization-version-mismatch", "96", "97",
     "[TensorRT] ERROR: coreReadArchive.cpp (41) - Serialization Error in verifyHeader: 0 (Version tag does not match. Note: "
     "Current "
     "Version: 96, Serialized Engine Version: 97)"},
    {"serialization-version-mismatch older-plan-on-newer-runtime", "213", "205",
     "1: [stdArchiveReader.cpp::StdArchiveReader::35] Error Code 1: Serialization (Serialization assertion stdVersionRead == "
     "serializationVersion failed.Version tag does not match. Note: Current Version: 213, Serialized Engine Version: "
     "205)" TRAILER_8},
    {"serialization-version-mismatch older-plan-on-newer-runtime", "240", "239",
     "2025-03-02 16:39:54 - app - INFO - [logic:632] - Python 3.11.4\nLoading models/cat-1.1.0.engine for TensorRT "
     "inference...\n"
     "[TRT] [E] IRuntime::deserializeCudaEngine: Error Code 1: Serialization (Serialization assertion stdVersionRead == "
     "kSERIALIZATION_VERSION failed.Version tag does not match. Note: Current Version: 240, Serialized Engine Version: 239)\n"
     "ERROR: TensorRT model exported with a different version than 10.11.0.33"},
    {"serialization-version-mismatch newer-plan-on-older-runtime two-tensorrt-installed", "237", "239",
     "[E] IRuntime::deserializeCudaEngine: Error Code 1: Serialization (Serialization assertion stdVersionRead == "
     "kSERIALIZATION_VERSION "
     "failed.Version tag does not match. Note: Current Version: 237, Serialized Engine Version: 239)\n[!] Could not "
     "deserialize engine. "
     "See log for details."},
    {"serialization-version-mismatch older-plan-on-newer-runtime", "43", "96",
     "[TensorRT] ERROR: 1: [stdArchiveReader.cpp::StdArchiveReader::34] Error Code 1: Serialization (Version tag does not "
     "match. Note: "
     "Current Version: 43, Serialized Engine Version: 96)"},
    {"serialization-version-mismatch newer-plan-on-older-runtime", "205", "239",
     "stdVersionRead == serializationVersion failed.Version tag does not match. Note: Current Version: 205, Serialized Engine "
     "Version: "
     "239)"},
    {"older-plan-on-newer-runtime serialization-version-mismatch", "0", "96",
     "[TRT] [E] 1: [stdArchiveReader.cpp::StdArchiveReader::34] Error Code 1: Serialization (Serialization assertion "
     "safeVersionRead "
     "== safeSerializationVersion failed.Version tag does not match. Note: Current Version: 0, Serialized Engine Version: 96)"},
    {"newer-plan-on-older-runtime", "43", "0",
     "safeVersionRead == safeSerializationVersion failed.Version tag does not match. Note: Current Version: 43, Serialized "
     "Engine "
     "Version: 0)"},
    {"older-plan-on-newer-runtime", NULL, NULL,
     "Serialization assertion safeVersionRead == safeSerializationVersion failed.Version tag"},

    /* magic tags */
    {"not-a-plan newer-plan-on-older-runtime ultralytics-prefix-likely two-tensorrt-installed", NULL, NULL,
     "ERROR: 1: [stdArchiveReader.cpp::StdArchiveReader::32] Error Code 1: Serialization (Serialization assertion magicTagRead "
     "== "
     "kMAGIC_TAG failed.Magic tag does not match)" TRAILER_8},
    {"not-a-plan newer-plan-on-older-runtime", NULL, NULL,
     "coreReadArchive.cpp (31) - Serialization Error in verifyHeader: 0 (Magic tag does not match)\nINVALID_STATE: "
     "std::exception\n"
     "INVALID_CONFIG: Deserialize the cuda engine failed.\nfailed to create CUDA engine"},
    {"not-a-plan older-plan-on-newer-runtime", NULL, NULL,
     "[NVINFER LOG]: 1: [runtime.cpp::parsePlan::314] Error Code 1: Serialization (Serialization assertion "
     "plan->header.magicTag == "
     "rt::kPLAN_MAGIC_TAG failed.)\nFailed to deserialize engine: /srv/backbone.plan"},
    {"ultralytics-prefix-likely not-a-plan", NULL, NULL,
     "yolov8s exported with model.export(format='engine')\n./detect yolov8s.engine bus.jpg\nError Code 1: Serialization "
     "(Serialization "
     "assertion plan->header.magicTag == rt::kPLAN_MAGIC_TAG failed.)"},
    {"ultralytics-prefix-likely not-a-plan", NULL, NULL,
     "[E] Error[1]: IRuntime::deserializeCudaEngine: Error Code 1: Serialization (Serialization assertion header.magicTag == "
     "rt::kPLAN_MAGIC_TAG failed.Trying to load an engine created with incompatible serialization version. Check that the "
     "engine was "
     "not created using safety runtime, same OS was used and version compatibility parameters were set accordingly.)\n[E] "
     "Engine set "
     "up failed\n&&&& FAILED TensorRT.trtexec [TensorRT v100300] # trtexec --loadEngine=yolo11n.engine"},
    {"not-a-plan older-plan-on-newer-runtime", NULL, NULL, /* Ultralytics' own loader takes the prefix off */
     "  File \"site-packages/ultralytics/nn/autobackend.py\", line 250\n[TRT] [E] 1: [runtime.cpp::parsePlan::314] Error Code "
     "1: "
     "Serialization (Serialization assertion plan->header.magicTag == rt::kPLAN_MAGIC_TAG failed.)\n"},
    {"not-a-plan", NULL, NULL,
     "python infer.py --model weights/best.onnx\n1: [stdArchiveReader.cpp::StdArchiveReader::30] Error Code 1: Serialization "
     "(Serialization assertion magicTagRead == kMAGIC_TAG failed.Magic tag does not match)"},
    {"not-a-plan", NULL, NULL,
     "&&&& RUNNING TensorRT.trtexec [TensorRT v8601] # trtexec --loadEngine=resnet.onnx\n[E] Error[1]: "
     "[runtime.cpp::parsePlan::314] "
     "Error Code 1: Serialization (Serialization assertion plan->header.magicTag == rt::kPLAN_MAGIC_TAG failed.)"},
    {"newer-plan-on-older-runtime not-a-plan", NULL, NULL,
     "built with TensorRT 8.6.1 on the desktop, loaded on the board with TensorRT 8.2.1\n1: "
     "[stdArchiveReader.cpp::StdArchiveReader::30] "
     "Error Code 1: Serialization (Serialization assertion magicTagRead == magicTag failed.Magic tag does not match)"},
    {"not-a-plan", NULL, NULL, "[E] Failed to verify a plan tag."},

    /* length, text mode, nothing */
    {"truncated-or-trailing text-mode-damage", NULL, NULL,
     "[TRT] [E] 1: [stdArchiveReader.cpp::StdArchiveReader::54] Error Code 1: Serialization (Serialization assertion sizeRead "
     "== "
     "static_cast<uint64_t>(mEnd - mCurrent) failed.Size specified in header does not match archive size)" TRAILER_8},
    {"text-mode-damage truncated-or-trailing", NULL, NULL,
     "C:\\source\\rtSafe\\coreReadArchive.cpp (55) - Serialization Error in nvinfer1::rt::CoreReadArchive::verifyHeader: 0 "
     "(Length in "
     "header does not match remaining archive length)"},
    {"truncated-or-trailing exact-version-mismatch", NULL, NULL,
     "python: engine.cpp:1104: bool nvinfer1::rt::Engine::deserialize(const void*, std::size_t): Assertion `size >= bsize && "
     "\"Mismatch "
     "between allocated memory size and expected size of serialized engine.\"' failed."},
    {"empty-file", NULL, NULL,
     "[E] [TRT] INVALID_ARGUMENT: Cannot deserialize with an empty memory buffer.\n[E] [TRT] INVALID_CONFIG: Deserialize the "
     "cuda "
     "engine failed.\nSegmentation fault (core dumped)"},

    /* GPU, platform */
    {"compute-capability-mismatch", "6.1", "7.5",
     "[TensorRT] ERROR: INVALID_CONFIG: The engine plan file is generated on an incompatible device, expecting compute 6.1 got "
     "compute "
     "7.5, please rebuild.\n[TensorRT] ERROR: engine.cpp (1407) - Serialization Error in deserialize: 0 (Core engine "
     "deserialization "
     "failure)\n[TensorRT] ERROR: INVALID_CONFIG: Deserialize the cuda engine failed."},
    {"compute-capability-mismatch", "8.9", "8.6",
     "IRuntime::deserializeCudaEngine: Error Code 6: API Usage Error (The engine plan file is generated on an incompatible "
     "device, "
     "expecting compute 8.9 got compute 8.6, please rebuild.)\nGPU: 4090, CUDA 12.8, TensorRT 10.8, driver 570.86.10"},
    {"compute-capability-mismatch", "8.6", "7.5",
     "The engine plan file is generated on an incompatible device, expecting compute 8.6 got compute 7.5\n4: [runtime.cpp"},
    {"compute-capability-mismatch", "7.5", "6.1",
     "The engine plan file is generated on an incompatible device. expecting compute 7.5 got compute 6.1. please rebuild."},
    {"platform-mismatch", NULL, NULL,
     "IRuntime::deserializeCudaEngine: Error Code 1: Serialization (Serialization assertion plan->header.pad == "
     "expectedPlatformTag "
     "failed.Platform specific tag mismatch detected. TensorRT plan files are only supported on the target runtime platform "
     "they were "
     "created on.)"},
    {"platform-mismatch", NULL, NULL,
     "RuntimeError: TensorRT engine was not built to target current platform (target: windows_x86_64)"},
    {"platform-mismatch", NULL, NULL, "[E] [TRT] Parameters.cpp (41) - Serialization Error in readExternal: 0 (Type mismatch)"},
    {"gpu-not-supported", "12.0", NULL,
     "[E] Error[9]: IBuilder::buildSerializedNetwork: Error Code 9: API Usage Error (Target GPU SM 120 is not supported by "
     "this "
     "TensorRT release.)\n[E] Engine could not be created from network"},
    {"gpu-not-supported", "6.1", NULL,
     "Error Code 9: API Usage Error (Target GPU SM 61 is not supported by this TensorRT release.)"},
    {"gpu-not-supported", "8.9", NULL,
     "[TRT] [E] 1: [caskUtils.cpp::trtSmToCask::147] Error Code 1: Internal Error (Unsupported SM: 0x809)"},
    {"gpu-not-supported", NULL, NULL,
     "ERROR: ../rtSafe/cuda/caskUtils.cpp (80) - Assertion Error in trtSmToCask: 0 (Unsupported SM.)"},

    /* CUDA and libraries */
    {"cuda-driver-too-old", NULL, NULL,
     "[W] [TRT] Unable to determine GPU memory usage\n[W] [TRT] CUDA initialization failure with error: 35. Please check your "
     "CUDA "
     "installation:  http://docs.nvidia.com/cuda/cuda-installation-guide-linux/index.html"},
    {"cuda-driver-too-old", NULL, NULL,
     "[TensorRT] ERROR: CUDA initialization failure with error 222. Please check your CUDA installation: "
     "http://docs.nvidia.com\n"
     "TypeError: pybind11::init(): factory function returned nullptr"},
    {"cuda-driver-too-old", NULL, NULL, "what():  CUDA driver version is insufficient for CUDA runtime version"},
    {"cuda-no-device", NULL, NULL, "[E] [TRT] Cuda initialization failure with error 100. Please check cuda installation"},
    {"cuda-no-device", NULL, NULL, "cudaErrorNoDevice: no CUDA-capable device is detected"},
    {"cuda-no-device cuda-driver-too-old", NULL, NULL, "CUDA initialization failure with error: 999. Please check your CUDA"},
    {"out-of-memory", NULL, NULL, "[E] [TRT] Cuda initialization failure with error 2. Please check cuda installation"},
    {"out-of-memory", NULL, NULL,
     "[TRT] [E] 2: [virtualMemoryBuffer.cpp::resizePhysical::145] Error Code 2: OutOfMemory (no further information)\n[TRT] "
     "[E] 1: "
     "[defaultAllocator.cpp::allocate::20] Error Code 1: Cuda Runtime (out of memory)"},
    {"out-of-memory", NULL, NULL, "[W] [TRT] Requested amount of GPU memory (1073741824 bytes) could not be allocated."},
    {"cuda-library-mismatch", NULL, NULL,
     "[TensorRT] ERROR: 1: [graphContext.h::MyelinGraphContext::24] Error Code 1: Myelin (myelinVersionMismatch : Compiled "
     "against cuDNN "
     "11.4.1.0 but running against cuDNN 11.2.1.0.\n)"},
    {"cuda-library-mismatch", NULL, NULL,
     "[TRT] [W] TensorRT was linked against cuDNN 8.4.1 but loaded cuDNN 8.4.0\n[TRT] [E] 1: "
     "[raiiMyelinGraph.h::RAIIMyelinGraph::24] "
     "Error Code 1: Myelin (Compiled against cuBLASLt 11.5.2.0 but running against cuBLASLt 11.5.1.0.)"},
    {"cuda-library-mismatch", NULL, NULL, "[TensorRT] ERROR: TensorRT was linked against cuDNN 7.6.3 but loaded cuDNN 7.6.0"},
    {"performance-warning-only", NULL, NULL, "[TRT] [W] TensorRT was linked against cuDNN 8.9.0 but loaded cuDNN 8.7.0"},
    {"performance-warning-only", NULL, NULL,
     "[TRT] [W] Using an engine plan file across different models of devices is not recommended and is likely to affect "
     "performance or "
     "even cause errors."},
    {"none-context", NULL, NULL, "[TRT] [W] TensorRT was linked against cuDNN 8.9.0 but loaded cuDNN 8.7.0\n" NONE_TRAILER},
    {"two-tensorrt-installed", "4.0.1", NULL,
     "WARNING:tensorflow:TensorRT mismatch. Compiled against version 3.0.4, but loaded 4.0.1. Things may not work"},
    {"two-tensorrt-installed", "8.2.1", NULL,
     "F trt_convert.cc:60] Loaded TensorRT 8.2.1 but linked TensorFlow against TensorRT 7.2.2."},
    {"library-not-found", NULL, NULL,
     "ImportError: libnvinfer.so.8: cannot open shared object file: No such file or directory"},
    {"library-not-found", NULL, NULL, "FileNotFoundError: Could not find: nvinfer_10.dll. Is it on your PATH?"},
    {"library-not-found", NULL, NULL, "ModuleNotFoundError: No module named 'tensorrt'"},
    {"library-not-found", NULL, NULL,
     "Could not load dynamic library 'libnvinfer.so.7'; dlerror: libnvinfer.so.7: cannot open shared object file; "
     "LD_LIBRARY_PATH: /usr"},
    {"plugin-missing", NULL, NULL,
     "[TensorRT] ERROR: INVALID_ARGUMENT: getPluginCreator could not find plugin Mish_TRT version 1\n[TensorRT] ERROR: "
     "safeDeserializationUtils.cpp (323) - Serialization Error in load: 0 (Cannot deserialize plugin since corresponding "
     "IPluginCreator "
     "not found in Plugin Registry)\n[TensorRT] ERROR: INVALID_CONFIG: Deserialize the cuda engine failed.\n" NONE_TRAILER},
    {"plugin-missing", NULL, NULL,
     "[E] [TRT] 1: [pluginV2Runner.cpp::load::293] Error Code 1: Serialization (Serialization assertion creator failed.Cannot "
     "deserialize plugin since corresponding IPluginCreator not found in Plugin Registry)" TRAILER_8},
    {"plugin-missing", NULL, NULL,
     "IPluginRegistry::getCreator: Error Code 4: API Usage Error (Cannot find plugin: EfficientNMS, version: 1)"},

    /* files */
    {"file-not-found", NULL, NULL,
     "Using winsys: x11\nERROR: Deserialize engine failed because file path: /home/u/model_b1_gpu0_fp32.engine open "
     "error\n0:00:04.0 WARN "
     "nvinfer gstnvinfer.cpp:635: Warning from NvDsInferContextImpl::deserializeEngineAndBackend() [UID = 1]: deserialize "
     "engine from "
     "file :/home/u/model_b1_gpu0_fp32.engine failed\n0:00:04.1 WARN [UID = 1]: deserialize backend context from engine from "
     "file "
     ":/home/u/model_b1_gpu0_fp32.engine failed, try rebuild"},
    {"file-not-found", NULL, NULL, "FileNotFoundError: [Errno 2] No such file or directory: 'weights/cat.engine'"},
    {"onnx-parse-error file-not-found", NULL, NULL,
     "ERROR: Deserialize engine failed because file path: /opt/x.engine open error\nERROR: Failed to parse onnx file\nERROR: "
     "failed to "
     "build network since parsing model errors."},
    {"weight-separated-plan", NULL, NULL, "[E] Error[3]: Using old deserialization call on a weight-separated plan file."},
    {"weight-separated-plan", NULL, NULL,
     "Using old deserialization call on a newer plan file, built from an older TensorRT version"},
    {"engine-given-to-onnx-reader", NULL, NULL,
     "onnxruntime.capi.onnxruntime_pybind11_state.InvalidProtobuf: [ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from "
     "/srv/m/best.engine failed:Protobuf parsing failed."},
    {"engine-given-to-onnx-reader", NULL, NULL,
     "[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from det.enginefailed:Protobuf parsing failed."},
    {"utf8-decode", NULL, "213",
     "    metadata = json.loads(f.read(meta_len).decode('utf-8'))  # read metadata\nUnicodeDecodeError: 'utf-8' codec can't "
     "decode byte "
     "0xd5 in position 4: invalid continuation byte"},
    {"utf8-decode", NULL, "236",
     "  File \"/x/ultralytics/nn/autobackend.py\", line 234, in __init__\nUnicodeDecodeError: 'utf-8' codec can't decode byte "
     "0xec in "
     "position 60: invalid continuation byte"},
    {"utf8-decode", NULL, NULL,
     "    metadata = json.loads(f.read(meta_len).decode(\"utf-8\"))\nUnicodeDecodeError: 'utf-8' codec can't decode byte 0xec "
     "in position "
     "12: invalid continuation byte"},
    {"ultralytics-metadata-missing", NULL, NULL,
     "    dla = metadata.get(\"dla\", None)\nAttributeError: 'NoneType' object has no attribute 'get'"},

    /* use */
    {"none-context", NULL, NULL, NONE_TRAILER},
    {"none-context", NULL, NULL, "AttributeError: 'NoneType' object has no attribute 'num_bindings'"},
    {"binding-api-removed-in-trt10", NULL, NULL,
     "AttributeError: 'tensorrt_bindings.tensorrt.ICudaEngine' object has no attribute 'num_bindings'"},
    {"binding-api-removed-in-trt10", NULL, NULL, "'tensorrt.tensorrt.ICudaEngine' object has no attribute 'get_binding_shape'"},
    {"binding-api-removed-in-trt10", NULL, NULL,
     "det.cpp:109:20: error: \xe2\x80\x98"
     "class nvinfer1::ICudaEngine\xe2\x80\x99 has no member named \xe2\x80\x98getNbBindings\xe2\x80\x99"},
    {"binding-api-removed-in-trt10", NULL, NULL, "error C2039: 'getNbBindings': is not a member of 'nvinfer1::ICudaEngine'"},
    {"binding-api-removed-in-trt10", NULL, NULL, /* of a compiler that speaks Chinese */
     "det.cpp(88): error C2039: \xe2\x80\x9cgetBindingDimensions\xe2\x80\x9d: \xe4\xb8\x8d\xe6\x98\xaf "
     "\xe2\x80\x9cnvinfer1::ICudaEngine\xe2\x80\x9d \xe7\x9a\x84\xe6\x88\x90\xe5\x91\x98"},
    {"tensor-api-needs-trt8.5", NULL, NULL,
     "AttributeError: 'tensorrt.tensorrt.ICudaEngine' object has no attribute 'num_io_tensors'"},
    {"input-size-mismatch", NULL, NULL,
     "AssertionError: input size torch.Size([1, 3, 640, 640]) not equal to max model size (1, 3, 320, 320)"},
    {"input-size-mismatch", NULL, NULL,
     "[E] 3: [executionContext.cpp::validateInputBindings::2016] Error Code 3: API Usage Error (Static dimension mismatch "
     "while setting "
     "input shape for images. Set dimensions are [4,3,640,640]. Expected dimensions are [1,3,640,640].)"},
    {"profile-missing", NULL, NULL, "[E] Network has dynamic or shape inputs, but no optimization profile has been defined."},
    {"onnx-parse-error", NULL, NULL,
     "[E] [TRT] ModelImporter.cpp:771: While parsing node number 24 [Resize -> \"312\"]:\n[E] [TRT] ModelImporter.cpp:774: "
     "ERROR: "
     "builtin_op_importers.cpp:3609 In function importResize:\n[8] Assertion failed: scales.is_weights() && \"must be an "
     "initializer\""},
    {"unsupported-operator onnx-parse-error", NULL, NULL,
     "While parsing node number 7 [GridSample]:\nERROR: ModelImporter.cpp:134 In function parseGraph:\n[8] No importer "
     "registered for op: "
     "GridSample"},
    {"plugin-missing onnx-parse-error", NULL, NULL,
     "[TRT] [I] No importer registered for op: ScatterX. Attempting to import as plugin.\n[TRT] [I] Searching for plugin: "
     "ScatterX\n"
     "[TRT] [E] 3: getPluginCreator could not find plugin: ScatterX version: 1\nWhile parsing node number 9 [ScatterX]"},

    /* wrappers */
    {"cause-hidden-by-wrapper", NULL, NULL,
     "UNAVAILABLE: Internal: unable to load plan file to auto complete config: /models/det/1/model.plan"},
    {"cause-hidden-by-wrapper", NULL, NULL, "UNAVAILABLE: Internal: unable to create TensorRT engine"},
    {"cause-hidden-by-wrapper", NULL, NULL, /* in a cell of a table */
     "+-------+---------+--------------------------------------------+\n"
     "| Model | Version | Status                                     |\n"
     "+-------+---------+--------------------------------------------+\n"
     "| det   | 1       | UNAVAILABLE: Internal: unable to load plan |\n"
     "|       |         | file to auto complete config: /models/det/ |\n"
     "|       |         | 1/model.plan                               |\n"},
    {"exact-version-mismatch older-plan-on-newer-runtime", "8.6.1.6", "8.5.3.1",
     "| det | 1 | 6: The engine plan file is not compatible with this version of  |\n"
     "|     |   | TensorRT, expecting library version 8.6.1.6 got 8.5.3            |\n"
     "|     |   | .1, please rebuild.                                               |"},
    {"cause-hidden-by-wrapper", NULL, NULL, "[!] Could not deserialize engine. See log for details.\n"},
    {"cause-hidden-by-wrapper", NULL, NULL,
     "failed to load 'det' version 1: Internal: onnx runtime error 6: could not deserialize engine from cache"},
    {"cause-hidden-by-wrapper", NULL, NULL,
     "[ONNXRuntimeError] : 1 : FAIL : TensorRT EP failed to create engine from network for fused node: TRT_1"},
    {"cause-hidden-by-wrapper", NULL, NULL,
     "ERROR: nvdsinfer_model_builder.cpp:1494 Deserialize engine failed from file: /opt/m/a.engine\n"
     "gst-resource-error-quark: Failed to create NvDsInferContext instance (1)"},
    {"library-not-found", NULL, NULL,
     "ImportError: DLL load failed while importing tensorrt: The specified module could not be found."},
    {"out-of-memory", NULL, NULL, "Error Code 2: OutOfMemory (Requested size was 1073741824 bytes.)"},
    {"compute-capability-mismatch", "12.0", "8.9", /* an older cache before the cause */
     "[I] Timing cache: 1: [stdArchiveReader.cpp::StdArchiveReaderInitCommon::46] Error Code 1: Serialization (Serialization "
     "assertion magicTagRead == kMAGIC_TAG failed.Magic tag does not match)\n4: The timing cache will not be used!\n"
     "Error Code 6: API Usage Error (The engine plan file is generated on an incompatible device, expecting compute 12.0 got "
     "compute 8.9, please rebuild.)"},
    {"cause-hidden-by-wrapper", NULL, NULL, "EP Error EP_FAIL : TensorRT EP could not deserialize engine from binary data"},
    {"cause-hidden-by-wrapper", NULL, NULL, "RuntimeError: Could not deserialize engine. See log. (tensorrt)"},
    {"cause-hidden-by-wrapper", "10.11.0.33", NULL, "ERROR: TensorRT model exported with a different version than 10.11.0.33"},
    {"cause-hidden-by-wrapper", NULL, NULL, "[E] Got invalid engine!"},
    {"cause-hidden-by-wrapper", NULL, NULL,
     "4: [runtime.cpp::deserializeCudaEngine::50] Error Code 4: Internal Error (Engine deserialization failed.)"},
};
enum { N_SAMPLES = sizeof samples / sizeof *samples };

static const char *const unknown[] = {
    "",
    "[TRT] [E] 1: [stdArchiveReader.cpp::StdArchiveReaderInitCommon::36] Error Code 1: Serialization (Serialization assertion "
    "magicTagRead == kMAGIC_TAG failed.Magic tag does not match)\n[TRT] [E] 4: The timing cache will not be used!",
    "gguf_init_from_file: invalid magic characters 'ftrt'",
    "llama_model_load: unknown (magic, version) combination: 74727466, 00000000",
    "java.io.StreamCorruptedException: invalid stream header: 66747274",
    "the editor's modules were built with a different engine version, please rebuild",
    "could not select device driver \"\" with capabilities: [[gpu]]",
    "Assertion `d == a + length' failed. Aborted (core dumped)",
    "error C2039: 'foo': is not a member of 'std::vector<int>'",
    "hello",
    "ImportError: bad magic number in 'app': b'\\x03\\xf3\\r\\n'",
    "RuntimeError: Bad magic number in .pyc file",
    "Error response from daemon: client version 1.22 is too old. Minimum supported API version is 1.24, please upgrade your "
    "client",
    "Docker Engine: failed to create shim task: OCI runtime create failed",
    "The project was made with Unity engine version 2021.3.1f1, got 2019.4.2, please rebuild the asset bundles.",
    "AssetBundle was not built with the right version or build target. Current Version: 5, please rebuild.",
    "gguf_init_from_file: invalid magic characters 'vers'\nllama_load_model_from_file: failed to load model",
    "AttributeError: 'Engine' object has no attribute 'execute'\n  File \"db.py\": engine = sqlalchemy.create_engine(url)",
    "RuntimeError: PytorchStreamReader failed reading zip archive: failed finding central directory",
    "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xd5 in position 4: invalid continuation byte\n  "
    "pandas.read_csv('a.csv')",
    "UnicodeDecodeError: 'gbk' codec can't decode byte 0xd5 in position 4: in data.yaml",
    "FileNotFoundError: [Errno 2] No such file or directory: 'labels.txt'",
    "onnxruntime: [ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from best.onnx failed:Protobuf parsing failed.",
    "ImportError: libGL.so.1: cannot open shared object file: No such file or directory",
    "ModuleNotFoundError: No module named 'tensorrt_llm'",
    "Gradle: could not find plugin 'kotlin-android'",
    "AttributeError: 'NoneType' object has no attribute 'shape'",
    "AttributeError: 'NoneType' object has no attribute 'get'",
    "oom-killer: Killed process 77 (java): out of memory",
    "[TRT] [W] Skipping tactic 3 due to insufficient memory on requested size of 4096 detected for tactic 4. Cuda Runtime (out "
    "of memory)",
    "TensorRT 8.6.1.6, CUDA 12.1, cuDNN 8.9.0, driver 535.54.03: which versions fit together?",
    "Failed to deserialize engine state of the game: save file is from version 1.2.3",
    "Assertion failed: (index < size), function at, file vector.h",
    "your engine oil is not compatible, please rebuild",
};

/* ---- helpers ---- */

static yk__explanation explain_n(const char *text, size_t n) {
    yk__explanation e;
    yk__error err = {0};
    assert_int_equal(yk__explain(text, n, &e, &err), YK__OK);
    return e;
}

static yk__explanation explain(const char *text) {
    return explain_n(text, strlen(text));
}

static const char *code_of(const yk__explained *found) {
    return yk__cause_info_get(found->cause)->code;
}

static bool has_code(const yk__explanation *e, const char *code, size_t n) {
    for (int i = 0; i < e->n_found; i++)
        if (strlen(code_of(&e->found[i])) == n && strncmp(code_of(&e->found[i]), code, n) == 0) return true;
    return false;
}

static const char *value_or(const yk__side *side) {
    return side->kind == YK__SIDE_NONE ? "none" : side->value;
}

static bool side_is(const yk__side *side, const char *wanted) {
    return strcmp(value_or(side), wanted ? wanted : "none") == 0;
}

/* Fails, naming the text, where an explanation is not what the sample says. how: what was done to the text. */
static void expect_sample(const yk__explanation *e, const sample *s, const char *how, int detail) {
    size_t n = strcspn(s->codes, " ");
    if (e->n_found == 0) fail_msg("%s %d: nothing found, wanted %s, in: %.300s", how, detail, s->codes, s->text);
    const yk__explained *first = &e->found[0];
    if (strlen(code_of(first)) != n || strncmp(code_of(first), s->codes, n) != 0)
        fail_msg("%s %d: %s first, wanted %s, in: %.300s", how, detail, code_of(first), s->codes, s->text);
    if (!side_is(&first->machine, s->machine) || !side_is(&first->file, s->file))
        fail_msg("%s %d: machine %s, file %s; wanted %s, %s, in: %.300s", how, detail, value_or(&first->machine),
                 value_or(&first->file), s->machine ? s->machine : "none", s->file ? s->file : "none", s->text);
    for (const char *at = s->codes; *at; at += n + (at[n] == ' ')) {
        n = strcspn(at, " ");
        if (!has_code(e, at, n))
            fail_msg("%s %d: %.*s is not among the findings, in: %.300s", how, detail, (int)n, at, s->text);
    }
}

/* ---- tests ---- */

static void test_samples(void **state) {
    (void)state;
    for (int i = 0; i < N_SAMPLES; i++) {
        yk__explanation e = explain(samples[i].text);
        expect_sample(&e, &samples[i], "as it is", i);
    }
}

static void test_every_cause_has_a_sample(void **state) {
    (void)state;
    for (int cause = 0; cause < YK__CAUSE_COUNT; cause++) {
        const char *code = yk__cause_info_get((yk__cause)cause)->code;
        bool named = false;
        for (int i = 0; i < N_SAMPLES; i++)
            for (const char *at = samples[i].codes; *at; at += strcspn(at, " ") + (at[strcspn(at, " ")] == ' '))
                named = named || (strcspn(at, " ") == strlen(code) && strncmp(at, code, strlen(code)) == 0);
        if (!named) fail_msg("no sample has the cause %s", code);
    }
}

static void test_unknown(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        yk__explanation e = explain(unknown[i]);
        if (e.n_found) fail_msg("%s found in: %s", code_of(&e.found[0]), unknown[i]);
    }
}

/* Wrapped after every `columns` characters, each line but the first behind `prefix`. Free with free. */
static char *wrap(const char *text, size_t columns, const char *prefix) {
    size_t n = strlen(text), m = strlen(prefix), at = 0, column = 0;
    char *out = malloc(n + (n / columns + 2) * (m + 2) + 1);
    assert_non_null(out);
    for (size_t i = 0; i < n; i++) {
        if (column == columns) {
            out[at++] = '\n';
            memcpy(out + at, prefix, m);
            at += m;
            column = 0;
        }
        out[at++] = text[i];
        column = text[i] == '\n' ? 0 : column + 1;
    }
    out[at] = 0;
    return out;
}

/* Bare wrapping and the prefixes of mails, of quoted comments and of indented tracebacks. */
static void test_wrapped(void **state) {
    (void)state;
    static const char *const prefixes[] = {"", "> ", ">> | ", "        ", "\r"};
    for (int i = 0; i < N_SAMPLES; i++)
        for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes; p++)
            for (size_t columns = 5; columns <= 120; columns += columns < 40 ? 1 : 7) {
                char *text = wrap(samples[i].text, columns, prefixes[p]);
                yk__explanation e = explain(text);
                free(text);
                expect_sample(&e, &samples[i], prefixes[p], (int)columns);
            }
}

/* Cut at both ends, a number is given whole and on its side, or not at all; and nothing else is claimed. */
static void test_cut(void **state) {
    (void)state;
    static const struct {
        const char *text, *machine, *file, *codes;
    } cuts[] = {
        {"The engine plan file is not compatible with this version of TensorRT, expecting library version 10.12.0.36 got "
         "10.13.3.9, "
         "please rebuild.)",
         "10.12.0.36", "10.13.3.9", "exact-version-mismatch newer-plan-on-older-runtime two-tensorrt-installed"},
        {"stdVersionRead == serializationVersion failed.Version tag does not match. Note: Current Version: 213, Serialized "
         "Engine "
         "Version: 205)",
         "213", "205", "serialization-version-mismatch older-plan-on-newer-runtime two-tensorrt-installed"},
        {"The engine plan file is generated on an incompatible device, expecting compute 12.0 got compute 8.6, please "
         "rebuild.)",
         "12.0", "8.6", "compute-capability-mismatch"},
    };
    for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
        size_t n = strlen(cuts[c].text);
        int with_both = 0;
        for (size_t from = 0; from < n; from++)
            for (size_t to = from + 1; to <= n; to++) {
                char piece[256];
                memcpy(piece, cuts[c].text + from, to - from);
                piece[to - from] = 0;
                yk__explanation e = explain(piece);
                for (int i = 0; i < e.n_found; i++) {
                    const yk__explained *found = &e.found[i];
                    if (!strstr(cuts[c].codes, code_of(found))) fail_msg("%s found in '%s'", code_of(found), piece);
                    if (found->machine.kind && strcmp(found->machine.value, cuts[c].machine) != 0)
                        fail_msg("machine %s in '%s'", found->machine.value, piece);
                    if (found->file.kind && strcmp(found->file.value, cuts[c].file) != 0)
                        fail_msg("file %s in '%s'", found->file.value, piece);
                }
                with_both += e.n_found && e.found[0].machine.kind && e.found[0].file.kind;
            }
        assert_true(with_both > 100); /* the loop must not pass by finding nothing */
    }
}

static char *decorated(const char *text, int how, size_t *n) {
    size_t length = strlen(text), at = 0;
    char *out = malloc(length * 6 + 64);
    assert_non_null(out);
    if (how == 0) at += (size_t)sprintf(out, "\xef\xbb\xbf{\"log\":\"");
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        switch (how) {
        case 0: /* a JSON string */
            if (c == '"' || c == '\\') out[at++] = '\\';
            if (c == '\n')
                at += (size_t)sprintf(out + at, "\\u000a ");
            else
                out[at++] = c;
            break;
        case 1: /* UTF-16, little-endian */
            out[at++] = c;
            out[at++] = 0;
            break;
        case 2: /* HTML */
            if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
                at += (size_t)sprintf(out + at, "%s",
                                      c == '<'   ? "&lt;"
                                      : c == '>' ? "&gt;"
                                      : c == '&' ? "&amp;"
                                      : c == '"' ? "&quot;"
                                                 : "&#39;");
            else
                out[at++] = c;
            break;
        case 3: /* a terminal's colours around each word */
            if (c == ' ')
                at += (size_t)sprintf(out + at, "\x1b[0m \x1b[1;31m");
            else
                out[at++] = c;
            break;
        default: /* capitals, blanks doubled */
            out[at++] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
            if (c == ' ') out[at++] = '\t';
        }
    }
    *n = at;
    return out;
}

static void test_decorated(void **state) {
    (void)state;
    for (int i = 0; i < N_SAMPLES; i++)
        for (int how = 0; how < 5; how++) {
            if (strpbrk(samples[i].text, "\x01\x03\x1e\r")) continue; /* no text any more */
            size_t n;
            char *text = decorated(samples[i].text, how, &n);
            yk__explanation e = explain_n(text, n);
            free(text);
            expect_sample(&e, &samples[i], "decorated", how);
        }
}

/* Surroundings without a message of their own: they neither hide nor add a finding, and none of their numbers is taken. */
static void test_noise(void **state) {
    (void)state;
    static const char before[] = "Ubuntu 20.04.6, Python-3.8.10 torch-1.12.0+cu113 CUDA:0 (Xavier, 6857MiB), cuDNN 8.6.0.163\n"
                                 "2024-01-12 12:53:52.351 INFO opencv 4.5.4 at /usr/lib/python3.8/site-packages (9.9.9)\n"
                                 "pip 23.0.1 from /opt/v8.1.2/lib; numpy 1.24.4; expecting 3 pictures, got 2.5\n";
    static const char behind[] = "\n[I] [MemUsageChange] Init CUDA: CPU +489, GPU +0, now: CPU 602, GPU 500 (MiB)\n"
                                 "Segmentation fault (core dumped)\nuser@host:~$ nvidia-smi | grep 535.54.03\n";
    for (int i = 0; i < N_SAMPLES; i++) {
        char text[4096];
        snprintf(text, sizeof text, "%s%s%s", before, samples[i].text, behind);
        yk__explanation e = explain(text);
        expect_sample(&e, &samples[i], "in noise", i);
    }
    assert_int_equal(explain(before).n_found, 0);
    assert_int_equal(explain(behind).n_found, 0);
}

static void test_order(void **state) {
    (void)state;
    /* the root is first wherever it stands; what hides it and warnings fall away */
    yk__explanation e =
        explain("[TRT] [W] Using an engine plan file across different models of devices is not recommended\n"
                "ERROR: Deserialize engine failed because file path: /a.engine open error\n"
                "[E] Engine deserialization failed\n" NONE_TRAILER
                "[TRT] [E] 6: The engine plan file is generated on an incompatible device, expecting compute 8.7 got "
                "compute 7.2, please rebuild.\n");
    assert_int_equal(e.n_found, 2);
    assert_string_equal(code_of(&e.found[0]), "compute-capability-mismatch");
    assert_string_equal(code_of(&e.found[1]), "file-not-found");
    /* of two roots the earlier */
    e = explain("CUDA initialization failure with error: 100. Please check\n No module named 'tensorrt'\n");
    assert_string_equal(code_of(&e.found[0]), "cuda-no-device");
    assert_string_equal(code_of(&e.found[1]), "library-not-found");
    /* a message seen twice gives its fullest numbers once */
    e = explain("expecting library version 8.2.3 go\n ... expecting library version 8.2.3 got 8.2.1, please rebuild.");
    assert_string_equal(e.found[0].file.value, "8.2.1");
}

static void test_bounds(void **state) {
    (void)state;
    const size_t n = YK__EXPLAIN_BYTES + ((size_t)1 << 20);
    const sample *s = &samples[2];
    char *text = malloc(n);
    assert_non_null(text);
    /* the message before the last or behind the first half of the bound is found; what lies between is not looked at */
    memset(text, 'e', n);
    memcpy(text + n - strlen(s->text), s->text, strlen(s->text));
    yk__explanation e = explain_n(text, n);
    expect_sample(&e, s, "at the end of a long text", 0);
    memset(text, '\n', n);
    memcpy(text, s->text, strlen(s->text));
    e = explain_n(text, n);
    expect_sample(&e, s, "at the start of a long text", 0);
    memset(text, ' ', n);
    memcpy(text + n / 2, s->text, strlen(s->text));
    assert_int_equal(explain_n(text, n).n_found, 0);
    free(text);
    yk__error err = {0};
    for (uint64_t k = 1; k < 20; k++) {
        yk__alloc_fail_after(k);
        yk__code code = yk__explain(s->text, strlen(s->text), &e, &err);
        yk__alloc_fail_after(0);
        if (code == YK__OK) return;
        assert_int_equal(code, YK__MEMORY);
    }
    fail_msg("allocations never end");
}

/* The answer holds nothing of the text but the numbers: a text may hold secrets. */
static void test_no_echo(void **state) {
    (void)state;
    for (int i = 0; i < N_SAMPLES; i++) {
        char text[4096];
        snprintf(text, sizeof text, "QQXJ7 token=QQXJ7\n%s QQXJ7", samples[i].text);
        yk__explanation e = explain(text);
        yk__text json = {0}, plain = {0};
        yk__explain_json(&e, &json);
        yk__explain_text(&e, &plain);
        assert_null(strstr(yk__text_get(&json), "QQXJ7"));
        assert_null(strstr(yk__text_get(&plain), "QQXJ7"));
        json_error_t error;
        json_t *root = json_loads(json.data, 0, &error);
        json_t *first = json_array_get(json_object_get(root, "findings"), 0);
        assert_int_equal(json_object_size(first), 6);
        assert_true(json_is_string(json_object_get(first, "message")) && json_is_string(json_object_get(first, "remedy")));
        const json_t *machine = json_object_get(first, "machine");
        if (samples[i].machine)
            assert_string_equal(json_string_value(json_object_get(machine, "value")), samples[i].machine);
        else
            assert_true(json_is_null(machine));
        json_decref(root);
        yk__text_free(&json);
        yk__text_free(&plain);
    }
    yk__explanation nothing = {0};
    yk__text json = {0};
    yk__explain_json(&nothing, &json);
    assert_string_equal(json.data, "{\"findings\":[]}");
    yk__text_free(&json);
}

/* ---- the document ---- */

static void add_table(yk__text *out) {
    for (int i = 0; i < YK__CAUSE_COUNT; i++) {
        const yk__cause_info *info = yk__cause_info_get((yk__cause)i);
        yk__text_printf(out, "| %s | %s | %s |\n", info->code, info->sentence, info->remedy);
    }
}

/* docs/verdicts.md lists exactly the causes, in order, in the table behind its heading. */
static void test_document(void **state) {
    (void)state;
    yk__map map;
    yk__error err;
    yk__text wanted = {0}, whole = {0};
    assert_int_equal(yk__map_open(&map, "docs/verdicts.md", 0, &err), YK__OK);
    yk__text_add_n(&whole, (const char *)map.data, map.size);
    yk__map_close(&map);
    add_table(&wanted);
    const char *heading = strstr(whole.data, "\n## Causes that `explain` names\n");
    assert_non_null(heading);
    const char *table = strstr(heading, "|---|---|---|\n");
    assert_non_null(table);
    table += strlen("|---|---|---|\n");
    if (strncmp(table, wanted.data, wanted.length) != 0 || table[wanted.length] == '|')
        fail_msg("docs/verdicts.md differs from explain_codes.def; `test_explain --table` prints its rows");
    yk__text_free(&wanted);
    yk__text_free(&whole);
}

/* Every ninth sample as a file: seeds for fuzz_explain. */
static int write_samples(const char *folder) {
    for (int i = 0; i < N_SAMPLES; i += 9) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%03d", folder, i);
        FILE *file = fopen(path, "wb");
        if (!file || fputs(samples[i].text, file) < 0 || fclose(file) != 0) return 1;
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "--samples") == 0) return write_samples(argv[2]);
    if (argc > 1 && strcmp(argv[1], "--table") == 0) {
        yk__text table = {0};
        add_table(&table);
        fputs(table.data, stdout);
        yk__text_free(&table);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),  cmocka_unit_test(test_every_cause_has_a_sample),
        cmocka_unit_test(test_unknown),  cmocka_unit_test(test_wrapped),
        cmocka_unit_test(test_cut),      cmocka_unit_test(test_decorated),
        cmocka_unit_test(test_noise),    cmocka_unit_test(test_order),
        cmocka_unit_test(test_bounds),   cmocka_unit_test(test_no_echo),
        cmocka_unit_test(test_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
