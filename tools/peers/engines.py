#!/usr/bin/env python3
"""One engine on one ONNX file, as a process that measures when told to.

usage: engines.py ENGINE MODEL.onnx THREADS FOLDER

Makes what the engine needs (converted files go to FOLDER), prints {"ready": version} and then, for every line "SECONDS" on
stdin, runs for so long and prints the milliseconds of each run as a JSON list. An engine that cannot run the model prints
{"failed": why}. Each engine has a process of its own, so that their thread pools and OpenMP settings do not meet."""
import importlib.util
import json
import os
import subprocess
import sys
import time

ENGINE, MODEL, THREADS, FOLDER = sys.argv[1], os.path.abspath(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
os.environ["OMP_NUM_THREADS"] = str(THREADS)
STEM = os.path.splitext(os.path.basename(MODEL))[0].replace("-", "_").replace(".", "_")


def program(name):
    return os.path.join(os.path.dirname(sys.executable), name)


def convert(product, command):
    """Runs a converter once; several processes of one benchmark share what it makes."""
    path = os.path.join(FOLDER, product)
    if not os.path.exists(path):
        subprocess.run(command, check=True, cwd=FOLDER, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if not os.path.exists(path):
        raise RuntimeError(f"{os.path.basename(command[0])} made no {product}")
    return path


def pnnx(product, shape):
    copy = os.path.join(FOLDER, STEM + ".onnx")
    if not os.path.exists(copy):
        os.symlink(MODEL, copy)
    return convert(product, [program("pnnx"), STEM + ".onnx", f"inputshape=[{','.join(map(str, shape))}]"])


def onnxruntime_runner(name, shape, data):
    import ort
    session = ort.open_session(MODEL, THREADS)
    return ort.VERSION, lambda: session.run(None, {name: data})


def openvino_runner(name, shape, data, precision):
    import openvino
    core = openvino.Core()
    model = core.read_model(MODEL)
    model.reshape(shape)
    settings = {"INFERENCE_NUM_THREADS": THREADS, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    tensor = openvino.Tensor(data)
    return openvino.__version__.split("-")[0], lambda: request.infer([tensor])


def ncnn_runner(name, shape, data):
    import ncnn
    param = pnnx(STEM + ".ncnn.param", shape)
    net = ncnn.Net()
    net.opt.num_threads = THREADS
    net.opt.use_vulkan_compute = False
    # what ncnn does by default: it takes bf16 and fp16 shortcuts nowhere on x86 unless asked
    net.load_param(param)
    net.load_model(param[: -len("param")] + "bin")
    inputs, outputs = net.input_names(), net.output_names()

    def run():
        extractor = net.create_extractor()
        extractor.input(inputs[0], ncnn.Mat(data[0]))
        return [extractor.extract(o) for o in outputs]

    return ncnn.__version__, run


def mnn_runner(name, shape, data):
    import MNN
    model = convert(STEM + ".mnn", [program("mnnconvert"), "-f", "ONNX", "--modelFile", MODEL, "--MNNModel", STEM + ".mnn", "--bizCode", "x"])
    interpreter = MNN.Interpreter(model)
    session = interpreter.createSession({"numThread": THREADS, "backend": "CPU", "precision": "normal"})
    tensor = MNN.Tensor(tuple(shape), MNN.Halide_Type_Float, data, MNN.Tensor_DimensionType_Caffe)
    entry, outputs = interpreter.getSessionInput(session), interpreter.getSessionOutputAll(session)

    def run():
        entry.copyFrom(tensor)
        interpreter.runSession(session)
        return [o.getNumpyData() for o in outputs.values()]

    return MNN.version(), run


def torch_runner(name, shape, data):
    """The network as torch modules, written by pnnx from the same file; eager, channels last."""
    import torch
    torch.set_num_threads(THREADS)
    source = pnnx(STEM + "_pnnx.py", shape)
    os.chdir(FOLDER)
    spec = importlib.util.spec_from_file_location("network", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net = module.Model().float().eval().to(memory_format=torch.channels_last)
    tensor = torch.from_numpy(data).to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def run():
        return net(tensor)

    return torch.__version__.split("+")[0], run


RUNNERS = {"onnxruntime": onnxruntime_runner,
           "openvino": lambda *a: openvino_runner(*a, "f32"),
           "openvino-bf16": lambda *a: openvino_runner(*a, "bf16"),
           "ncnn": ncnn_runner,
           "mnn": mnn_runner,
           "torch": torch_runner}


def measure(run, seconds):
    for _ in range(3):
        run()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def prepare():
    import numpy
    import onnx
    entry = onnx.load(MODEL, load_external_data=False).graph.input[0]
    size = int(os.environ.get("IMGSZ", "640"))
    free = [1, 3, size, size]
    shape = [d.dim_value or free[i] for i, d in enumerate(entry.type.tensor_type.shape.dim)]
    version, run = RUNNERS[ENGINE](entry.name, shape, numpy.random.default_rng(0).random(shape, dtype=numpy.float32))
    run()
    return version, run


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # engines that print do not disturb the answers
    try:
        version, run = prepare()
    except Exception as error:  # whatever an engine throws is the report's business
        print(json.dumps({"failed": f"{type(error).__name__}: {error}"[:300]}), file=answers, flush=True)
        return
    print(json.dumps({"ready": version}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(measure(run, float(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
