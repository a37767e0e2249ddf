#!/usr/bin/env python3
"""Exports random-weight models of every YOLO family to ONNX, with reference answers beside them.

What it is for: finding the operators and spellings that real exports contain, and testing import, passes and backends on
them. Needs an environment of its own with ultralytics 8.4.190, torch, onnx, onnxruntime and onnxslim; yolk itself never does.
The files it writes come from an AGPL-3.0 package: keep them out of the repository.

    python tools/export_zoo.py OUT_FOLDER [--only SUBSTRING] [--list]

Each model is OUT/<model>__<options>.onnx and beside it .npz: `input`, `output0`, `output1` ... as onnxruntime answers, and for
dynamic exports a second set at another size and batch (`input_b`, `b_output0` ...). OUT/INDEX.txt has one line per model.
A model that is already there is skipped, so a broken-off run can be taken up again.
"""
import argparse
import os
import sys
import tempfile
import zlib
from pathlib import Path

PLAIN = {}
DYNAMIC = {"dynamic": True}
HALF = {"half": True}
NMS = {"nms": True}
E2E = {"nms": False}
RAW = {"simplify": False}


def join(*options):
    out = {}
    for o in options:
        out.update(o)
    return out


# (model, options, input size); the most telling ones first. A size is (height, width).
S160, S64, SRECT = (160, 160), (64, 64), (96, 160)
ZOO = [
    ("yolov8n", PLAIN, S160), ("yolov8n-cls", PLAIN, S64), ("yolov8n-seg", PLAIN, S160), ("yolov8n-pose", PLAIN, S160),
    ("yolov8n-obb", PLAIN, S160), ("yolov8n", DYNAMIC, S160), ("yolo11n", PLAIN, S160), ("yolo26n", PLAIN, S160),
    ("yolo26n", E2E, S160), ("yolov5n", PLAIN, S160), ("yolov10n", PLAIN, S160), ("yolov10n", E2E, S160),
    ("yolo12n", PLAIN, S160), ("yolov8n", HALF, S160), ("yolov8n", NMS, S160), ("yolov8n", RAW, S160),
    ("yolov8n-seg", DYNAMIC, S160), ("yolov8n-pose", DYNAMIC, S160), ("yolov8n-obb", DYNAMIC, S160),
    ("yolov8n-cls", DYNAMIC, S64), ("yolov6n", PLAIN, S160), ("yolov9t", PLAIN, S160), ("yolov3-tiny", PLAIN, S160),
    ("yolo11n", DYNAMIC, S160), ("yolo26n", DYNAMIC, S160), ("yolo12n", DYNAMIC, S160), ("yolo26n", join(E2E, DYNAMIC), S160),
    ("yolo11n-cls", PLAIN, S64), ("yolo11n-seg", PLAIN, SRECT), ("yolo11n-pose", PLAIN, SRECT), ("yolo11n-obb", PLAIN, SRECT),
    ("yolo26n-cls", PLAIN, S64), ("yolo26n-seg", PLAIN, S160), ("yolo26n-pose", PLAIN, S160), ("yolo26n-obb", PLAIN, S160),
    ("yolo26n-seg", E2E, S160), ("yolo26n-pose", E2E, S160), ("yolo26n-obb", E2E, S160),
    ("yolo12n-cls", PLAIN, S64), ("yolo12n-seg", PLAIN, S160), ("yolo12n-pose", PLAIN, S160), ("yolo12n-obb", PLAIN, S160),
    ("yolov8n", join(NMS, DYNAMIC), S160), ("yolov8n-seg", NMS, S160), ("yolov8n-pose", NMS, S160), ("yolov8n-obb", NMS, S160),
    ("yolo26n", NMS, S160), ("yolo26n", HALF, S160), ("yolo26n", join(E2E, HALF), S160), ("yolo11n", HALF, S160),
    ("yolo12n", HALF, S160), ("yolo11n", RAW, S160), ("yolo26n", join(E2E, RAW), S160), ("yolo26n", join(DYNAMIC, RAW), S160),
    ("yolo12n", RAW, S160), ("yolov8n", join(DYNAMIC, RAW), S160), ("yolov8n-seg", RAW, S160), ("yolov8n-pose", RAW, S160),
    ("yolov8n-obb", RAW, S160), ("yolov8n-cls", RAW, S64), ("yolov8n-cls", HALF, S64), ("yolov8n-seg", HALF, S160),
    ("yolov8n-pose", HALF, S160), ("yolov8n-obb", HALF, S160), ("yolov8n", join(DYNAMIC, HALF), S160),
    ("yolov8n-ghost", PLAIN, S160), ("yolov8n-p2", PLAIN, S160), ("yolov8n-p6", PLAIN, (192, 128)), ("yolov8n-pose-p6", PLAIN, (128, 128)),
    ("yolov5n-p6", PLAIN, (128, 192)), ("yolov5n", DYNAMIC, S160), ("yolov6n", DYNAMIC, S160), ("yolov9t", DYNAMIC, S160),
    ("yolov10n", DYNAMIC, S160), ("yolov10n", join(E2E, DYNAMIC), S160), ("yolov10b", PLAIN, S64), ("yolov10x", E2E, S64),
    ("yolov9s", PLAIN, S64), ("yolov9m", PLAIN, S64), ("yolov9c", PLAIN, S64), ("yolov9c-seg", PLAIN, S64), ("yolov9e", PLAIN, S64),
    ("yolov3", PLAIN, S64), ("yolov3-spp", PLAIN, S64), ("yolov3-tiny", DYNAMIC, S160), ("yolo11m", PLAIN, S64),
    ("yolo12l", PLAIN, S64), ("yolo26l", PLAIN, S64), ("yolo26n-p2", PLAIN, S160), ("yolo26n-p6", PLAIN, (128, 128)),
    ("yolo26n-seg", DYNAMIC, S160), ("yolo26n-pose", DYNAMIC, S160), ("yolo26n-obb", DYNAMIC, S160),
    ("yolo26n-seg", NMS, S160), ("yolo26n-pose", NMS, S160), ("yolo26n-obb", NMS, S160), ("yolov8n-obb", join(NMS, DYNAMIC), S160),
    ("yolov8n", {"opset": 11}, S160), ("yolov8n", {"opset": 12}, S160), ("yolov8n", {"opset": 13}, S160), ("yolov8n", {"opset": 17}, S160),
    ("yolov8n", {"opset": 20}, S160), ("yolo26n", join(E2E, {"opset": 12}), S160), ("yolo12n", {"opset": 12}, S160),
    ("yolov8n", {"batch": 2}, S160), ("yolov8-cls-resnet50", PLAIN, S64),
]


def key(model, options):
    if not options:
        return model + "__plain"
    names = {"simplify": "raw", "nms": "nms" if options.get("nms") else "e2e", "dynamic": "dynamic", "half": "half"}
    parts = [names[k] if k in names else f"{k}{v}" for k, v in options.items()]
    return model + "__" + "-".join(parts)


def task_of(model):
    for suffix, task in (("-cls", "classify"), ("-seg", "segment"), ("-pose", "pose"), ("-obb", "obb")):
        if suffix in model:
            return task
    return "detect"


def make_lively(torch, net, seed):
    """Random weights that keep the signal alive: batch norms get random scales and are then measured once on noise, and the
    class scores spread around the usual thresholds, so that a wrong answer can hide neither behind zeros nor behind ties."""
    torch.manual_seed(seed)
    norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for m in norms:
        m.momentum = None
        m.reset_running_stats()
        m.weight.data.uniform_(0.7, 1.3)
        m.bias.data.normal_(0, 0.2)
    net.train()
    with torch.no_grad():
        side = 192  # a multiple of 64, the coarsest stride of any model here
        net(torch.rand(4, 3, side, side))
    net.eval()
    for m in norms:
        m.momentum = 0.03
    head = net.model[-1]
    for branch in ("cv3", "one2one_cv3"):
        for level in getattr(head, branch, None) or []:
            level[-1].bias.data.normal_(-4.0, 1.2)


def input_of(numpy, seed, shape):
    return numpy.random.default_rng(seed).random(shape, dtype=numpy.float32)


def save_answers(path, dynamic, size, batch, seed):
    import numpy
    import onnxruntime

    opts = onnxruntime.SessionOptions()
    opts.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), opts, providers=["CPUExecutionProvider"])
    meta = session.get_inputs()[0]
    dtype = numpy.float16 if meta.type == "tensor(float16)" else numpy.float32
    arrays = {}
    x = input_of(numpy, seed, (batch, 3, *size)).astype(dtype)
    arrays["input"] = x
    for i, y in enumerate(session.run(None, {meta.name: x})):
        arrays[f"output{i}"] = y
    if dynamic:
        x = input_of(numpy, seed + 1, (2, 3, size[0] + 32, size[1] + 96)).astype(dtype)
        arrays["input_b"] = x
        for i, y in enumerate(session.run(None, {meta.name: x})):
            arrays[f"b_output{i}"] = y
    numpy.savez(path.with_suffix(".npz"), **arrays)


def export(out, model, options, size):
    import torch
    from ultralytics import YOLO

    torch.set_num_threads(1)
    name = key(model, options)
    seed = zlib.crc32(name.encode()) & 0xFFFF
    target = out / (name + ".onnx")
    with tempfile.TemporaryDirectory(dir=out) as folder:
        os.chdir(folder)
        yolo = YOLO(model + ".yaml", task=task_of(model))
        make_lively(torch, yolo.model, seed)
        made = yolo.export(format="onnx", imgsz=list(size), **options)
        save_answers(Path(made), options.get("dynamic"), size, options.get("batch", 1), seed)
        Path(made).with_suffix(".npz").rename(target.with_suffix(".npz"))
        Path(made).rename(target)
        os.chdir(out)
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", default="", help="only models whose key holds this text")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    chosen = [z for z in ZOO if args.only in key(z[0], z[1])]
    if args.list:
        print("\n".join(key(m, o) for m, o, _ in chosen))
        return 0
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for model, options, size in chosen:
        name = key(model, options)
        if (out / (name + ".onnx")).exists():
            continue
        try:
            path = export(out, model, options, size)
            line = f"{path.name}\ttask={task_of(model)}\timgsz={size[0]}x{size[1]}\t{options}\t{path.stat().st_size} bytes"
        except Exception as error:  # one refused combination must not stop the others; it is recorded
            os.chdir(out)
            line = f"{name}\tFAILED\t{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            failed += 1
        with open(out / "INDEX.txt", "a") as index:
            index.write(line + "\n")
        print(line, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
