#!/usr/bin/env python3
"""Writes the tiny models of tests/golden/onnx: YOLOv8-shaped networks with random weights, spelled as a PyTorch export spells
them, with the metadata keys of an Ultralytics export. They know nothing and answer plenty; every part of yolk that a real
model exercises is exercised by them, in milliseconds. Beside each NAME.onnx stands NAME.npz: an input picture (u8, network
size) and the outputs of ONNX Runtime.

usage: make_tiny_models.py OUT_DIR        needs numpy, onnx, onnxruntime; the same versions give the same bytes"""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

NAMES = {0: "ball", 1: "cube", 2: "it's a \"claw\""}


class Net:
    """A graph under construction: every method adds nodes and returns the name of its result."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, array, name=None):
        name = name or f"const_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def op(self, kind, *inputs, n_out=1, out=None, **attributes):
        self.count += 1
        outs = [out or f"/{kind}_{self.count}_output_{i}" for i in range(n_out)]
        self.nodes.append(helper.make_node(kind, list(inputs), outs, name=f"/{kind}_{self.count}", **attributes))
        return outs[0] if n_out == 1 else outs

    def conv(self, x, c_in, c_out, k=1, s=1, act=True, bias=0.0, gain=1.0):
        weight = self.random.normal(0, gain * np.sqrt(2 / (c_in * k * k)), (c_out, c_in, k, k)).astype(np.float32)
        offset = (bias + self.random.normal(0, 0.1, c_out)).astype(np.float32)
        y = self.op("Conv", x, self.constant(weight), self.constant(offset), kernel_shape=[k, k], strides=[s, s],
                    pads=[k // 2] * 4)
        return self.op("Mul", y, self.op("Sigmoid", y)) if act else y

    def c2f(self, x, c_in, c_out, shortcut):
        c = c_out // 2
        split = self.constant(np.array([c, c], np.int64))
        a, b = self.op("Split", self.conv(x, c_in, c_out), split, n_out=2, axis=1)
        y = self.conv(self.conv(b, c, c, 3), c, c, 3)
        if shortcut:
            y = self.op("Add", b, y)
        return self.conv(self.op("Concat", a, b, y, axis=1), 3 * c, c_out)

    def sppf(self, x, c):
        y = [self.conv(x, c, c // 2)]
        for _ in range(3):
            y.append(self.op("MaxPool", y[-1], kernel_shape=[5, 5], strides=[1, 1], pads=[2] * 4))
        return self.conv(self.op("Concat", *y, axis=1), 2 * c, c)

    def upsample(self, x):
        scales = self.constant(np.array([1, 1, 2, 2], np.float32))
        return self.op("Resize", x, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric",
                       nearest_mode="floor")

    def detect(self, levels, channels, imgsz, nc, reg_max=16):
        """The decoupled head and its decode: distances as expectation over bins, anchors, strides, sigmoid scores."""
        rows = []
        for x, c in zip(levels, channels):
            box = self.conv(self.conv(self.conv(x, c, 16, 3), 16, 16, 3), 16, 4 * reg_max, act=False, gain=3)
            cls = self.conv(self.conv(self.conv(x, c, 16, 3), 16, 16, 3), 16, nc, act=False, bias=-2, gain=2)
            shape = self.constant(np.array([1, 4 * reg_max + nc, -1], np.int64))
            rows.append(self.op("Reshape", self.op("Concat", box, cls, axis=1), shape))
        parts = self.constant(np.array([4 * reg_max, nc], np.int64))
        box, cls = self.op("Split", self.op("Concat", *rows, axis=2), parts, n_out=2, axis=1)
        anchors, strides = [], []
        for s in (8, 16, 32):
            y, x = np.meshgrid(np.arange(imgsz // s) + 0.5, np.arange(imgsz // s) + 0.5, indexing="ij")
            anchors.append(np.stack([x.ravel(), y.ravel()]))
            strides += [s] * x.size
        anchors = np.concatenate(anchors, 1).astype(np.float32)[None]
        n = anchors.shape[2]
        bins = self.op("Reshape", box, self.constant(np.array([1, 4, reg_max, n], np.int64)))
        bins = self.op("Softmax", self.op("Transpose", bins, perm=[0, 2, 1, 3]), axis=1)
        weights = self.constant(np.arange(reg_max, dtype=np.float32).reshape(1, reg_max, 1, 1))
        distance = self.op("Reshape", self.op("Conv", bins, weights, kernel_shape=[1, 1]),
                           self.constant(np.array([1, 4, n], np.int64)))
        two = self.constant(np.array([2, 2], np.int64))
        lt, rb = self.op("Split", distance, two, n_out=2, axis=1)
        grid = self.constant(anchors)
        low, high = self.op("Sub", grid, lt), self.op("Add", grid, rb)
        centre = self.op("Div", self.op("Add", low, high), self.constant(np.array(2, np.float32)))
        size = self.op("Sub", high, low)
        pixels = self.op("Mul", self.op("Concat", centre, size, axis=1),
                         self.constant(np.array(strides, np.float32).reshape(1, 1, n)))
        self.op("Concat", pixels, self.op("Sigmoid", cls), axis=1, out="output0")
        return [1, 4 + nc, n]

    def model(self, imgsz, shape, metadata):
        graph = helper.make_graph(
            self.nodes, "main_graph",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, imgsz, imgsz])],
            [helper.make_tensor_value_info("output0", TensorProto.FLOAT, shape)], self.constants)
        model = helper.make_model(graph, producer_name="yolk", opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        helper.set_model_props(model, {k: str(v) for k, v in metadata.items()})
        onnx.checker.check_model(model)
        return model


def detect():
    net, size = Net(1), 64
    x = net.conv(net.conv("images", 3, 16, 3, 2), 16, 16, 3, 2)
    p3 = net.c2f(net.conv(x, 16, 24, 3, 2), 24, 24, True)
    p4 = net.c2f(net.conv(p3, 24, 32, 3, 2), 32, 32, True)
    p5 = net.sppf(net.conv(p4, 32, 32, 3, 2), 32)
    n4 = net.c2f(net.op("Concat", net.upsample(p5), p4, axis=1), 64, 32, False)
    n3 = net.c2f(net.op("Concat", net.upsample(n4), p3, axis=1), 56, 24, False)
    m4 = net.c2f(net.op("Concat", net.conv(n3, 24, 24, 3, 2), n4, axis=1), 56, 32, False)
    m5 = net.c2f(net.op("Concat", net.conv(m4, 32, 32, 3, 2), p5, axis=1), 64, 32, False)
    shape = net.detect([n3, m4, m5], [24, 32, 32], size, len(NAMES))
    return net.model(size, shape, {
        "description": "random weights, for tests", "author": "yolk", "version": "0", "stride": 32, "task": "detect", "batch": 1,
        "imgsz": [size, size], "names": NAMES, "channels": 3, "end2end": False, "args": {"batch": 1, "dynamic": False}})


def classify():
    net, size = Net(2), 32
    x = net.conv(net.conv("images", 3, 16, 3, 2), 16, 24, 3, 2)
    x = net.conv(net.c2f(x, 24, 24, True), 24, 40)
    x = net.op("Flatten", net.op("GlobalAveragePool", x), axis=1)
    weight = net.random.normal(0, 2, (len(NAMES), 40)).astype(np.float32)
    x = net.op("Gemm", x, net.constant(weight), net.constant(np.zeros(len(NAMES), np.float32)), transB=1)
    net.op("Softmax", x, axis=1, out="output0")
    return net.model(size, [1, len(NAMES)], {
        "description": "random weights, for tests", "author": "yolk", "version": "0", "stride": 1, "task": "classify", "batch": 1,
        "imgsz": [size, size], "names": NAMES, "channels": 3, "args": {"batch": 1, "dynamic": False}})


def main():
    import onnxruntime
    out = sys.argv[1]
    for name, model, size in (("tiny-detect", detect(), 64), ("tiny-classify", classify(), 32)):
        path = os.path.join(out, name + ".onnx")
        with open(path, "wb") as f:
            f.write(model.SerializeToString(deterministic=True))
        y, x = np.mgrid[0:size, 0:size]
        picture = np.stack([(x * 5 + y * c) % 256 for c in (1, 3, 7)], -1).astype(np.uint8)  # BGR; classify: RGB
        planes = picture if name == "tiny-classify" else picture[..., ::-1]
        tensor = np.ascontiguousarray(planes.transpose(2, 0, 1)[None]).astype(np.float32) / 255
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        np.savez_compressed(os.path.join(out, name + ".npz"), input=picture, output0=session.run(None, {"images": tensor})[0])


if __name__ == "__main__":
    main()
