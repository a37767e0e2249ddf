#!/usr/bin/env python3
"""Writes the seeds of fuzz/fuzz_onnx: tiny models of our own, each with one feature that import must read.

    python tools/make_onnx_seeds.py [FOLDER]     (default fuzz/seeds/fuzz_onnx; needs the onnx package)

The files are committed, so that fuzzing and the replay in the tests need nothing but them. The same onnx version writes the
same bytes."""
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

made = {}
TEXTS = {
    "literal.txt": "{0: 'person', 1: \"child's toy\", 'k': [1.5, -2, (True, None)], 2: 'caf\\u00e9\\n\\x41'}",
    "names.txt": "cat\ndog\n",
    "names-block.yaml": "nc: 2\nnames:\n  0: cat  # a comment\n  1: 'traffic light'\n",
    "names-flow.yaml": "names: ['x, y', z]\n",
}


def tensor(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(values, dtype=dtype), name)


def value(name, shape, dtype=T.FLOAT):
    return h.make_tensor_value_info(name, dtype, shape)


def model(name, nodes, inputs, outputs, weights=(), opset=18, meta=None, functions=(), opsets=(), ir=8):
    graph = h.make_graph(nodes, "g", inputs, outputs, list(weights))
    m = h.make_model(graph, opset_imports=[h.make_opsetid("", opset), *opsets], functions=list(functions))
    m.ir_version = ir
    for key, text in (meta or {}).items():
        entry = m.metadata_props.add()
        entry.key, entry.value = key, text
    made[name] = m


def one(name, op, opset, weights=(), shape=(1, 3, 4, 4), n_out=1, **attributes):
    outs = ["y"] + [f"y{i}" for i in range(1, n_out)]
    node = h.make_node(op, ["x", *[w.name for w in weights]], outs, **attributes)
    model(name, [node], [value("x", shape)], [value("y", None)], weights, opset)


IMAGE = [value("images", [1, 3, 64, 64])]
FREE = [value("images", ["batch", 3, "height", "width"])]
W = tensor("w", np.zeros((6, 3, 1, 1)))


def tail(*nodes):
    return [h.make_node("Conv", ["images", "w"], ["c"]), *nodes]


def recipes():
    notes = {"task": "classify", "names": "{0: 'a', 1: \"b's\", 2: 'c\\u00e9'}", "imgsz": "[64, 64]", "stride": "1", "batch": "1",
             "args": "{'dynamic': False, 'nms': None, 'data': None, 'fraction': 1.0}", "channels": "3", "end2end": "False"}
    soft = tail(h.make_node("GlobalAveragePool", ["c"], ["p"]), h.make_node("Flatten", ["p"], ["f"]), h.make_node("Softmax", ["f"], ["y"], axis=1))
    model("classify", soft, IMAGE, [value("y", [1, 3])], [W], meta=notes)
    model("classify-no-notes", soft, IMAGE, [value("y", [1, 3])], [W])
    scores = tail(h.make_node("Mul", ["c", "c"], ["b"]), h.make_node("Sigmoid", ["c"], ["s"]), h.make_node("Concat", ["b", "s"], ["y"], axis=1))
    model("v8", scores, IMAGE, [value("y", [1, 6, 84])], [W])
    model("defaults", scores, IMAGE, [value("y", [1, 6, 84])], [W],
          meta={"task": "detect", "defaults": "{'conf': 0.3, 'iou': 0.5, 'max_det': 40, 'agnostic': True}", "metrics": "{'map50': 0.97, 'pictures': 1000}"})
    model("v8-dynamic", scores, FREE, [value("y", ["batch", 6, "anchors"])], [W], meta={"task": "detect", "args": "{'dynamic': True}"})
    plain = tail(h.make_node("Mul", ["c", "c"], ["y"]))
    model("v5", plain, IMAGE, [value("y", [1, 252, 7])], [W], meta={"names": "['a', 'b']", "stride": "32"})
    model("pose-or-detect", plain, IMAGE, [value("y", [1, 56, 84])], [W])
    model("pose", plain, IMAGE, [value("y", [1, 56, 84])], [W], meta={"task": "pose", "kpt_shape": "[17, 3]", "names": "{0: 'person'}"})
    raw = tail(h.make_node("Sigmoid", ["c"], ["s"]), h.make_node("Concat", ["c", "s", "s"], ["r"], axis=1), h.make_node("Transpose", ["r"], ["y"], perm=[0, 2, 1]))
    model("yolox", raw, IMAGE, [value("y", [1, 84, 7])], [W])
    top = tail(h.make_node("TopK", ["c", "k"], ["t", "i"]), h.make_node("Mul", ["t", "t"], ["y"]))
    model("end2end", top, IMAGE, [value("y", [1, 300, 6])], [W, tensor("k", [3], np.int64)], meta={"task": "detect", "end2end": "True", "names": "{0: 'x'}"})
    model("segment", tail(h.make_node("Mul", ["c", "c"], ["y"]), h.make_node("Neg", ["c"], ["z"])), IMAGE,
          [value("y", [1, 38, 84]), value("z", [1, 32, 16, 16])], [W], meta={"task": "segment"})
    model("bytes-in", [h.make_node("Cast", ["images"], ["f"], to=T.FLOAT), h.make_node("Softmax", ["f"], ["y"])],
          [value("images", [1, 3, 8, 8], T.UINT8)], [value("y", [1, 10])])


def forms():
    i64 = np.int64
    one("squeeze-11", "Squeeze", 11, axes=[0])
    one("reduce-11", "ReduceMax", 11, axes=[1, -1], keepdims=0)
    one("reduce-18", "ReduceL2", 18, [tensor("a", [1], i64)])
    one("slice-9", "Slice", 9, starts=[0, 1], ends=[2, 3], axes=[2, 3])
    one("clip-10", "Clip", 10, min=0.0, max=6.0)
    one("pad-10", "Pad", 10, pads=[0] * 8, value=1.0, mode="constant")
    one("split-11", "Split", 11, n_out=2, split=[1, 2], axis=1)
    one("split-13", "Split", 13, n_out=3, axis=1)
    one("softmax-12", "Softmax", 12, axis=1)
    one("softmax-12-last", "LogSoftmax", 12, axis=3)
    one("resize-10", "Resize", 10, [tensor("s", [1, 1, 2, 2])])
    one("resize-11", "Resize", 11, [tensor("roi", []), tensor("scales", []), tensor("sizes", [1, 3, 8, 8], i64)], mode="linear")
    one("upsample-7", "Upsample", 7, scales=[1.0, 1.0, 2.0, 2.0], mode="nearest")
    one("dropout-13", "Dropout", 13, [tensor("r", 0.5), tensor("t", False, np.bool_)], n_out=2)
    one("topk-9", "TopK", 9, k=2)
    one("batchnorm-9", "BatchNormalization", 9, [tensor(n, [1, 1, 1]) for n in "abcd"], epsilon=0.001)
    one("cast", "Cast", 13, to=T.INT64)
    one("castlike", "CastLike", 15, [tensor("t", [1], i64)])
    one("swish", "Swish", 24, alpha=2.0)
    one("constant-of-shape", "ConstantOfShape", 13, shape=(2,), value=tensor("v", [7], i64))
    one("conv", "Conv", 18, [tensor("w", np.ones((2, 3, 3, 3))), tensor("b", [1, 2])], auto_pad="SAME_UPPER", group=1, strides=[1, 1])
    one("nms", "NonMaxSuppression", 11, [tensor("s", np.ones((1, 1, 3)))], shape=(1, 3, 4))
    one("int8", "QuantizeLinear", 13, [tensor("s", 1.0), tensor("z", 0, np.uint8)])
    one("loop", "Loop", 13)


def weights():
    x = [value("x", [2])]
    y = [value("y", None)]
    add = [h.make_node("Add", ["x", "c"], ["y"])]
    lists = h.make_tensor("c", T.FLOAT, [2], [1.0, 2.0])
    model("float-list", add, x, y, [lists])
    model("int-list", add, [value("x", [2], T.INT64)], y, [h.make_tensor("c", T.INT64, [2], [1, -2])])
    model("half", [h.make_node("Cast", ["x"], ["k"], to=T.FLOAT16), h.make_node("Mul", ["k", "c"], ["y"])], x, y, [tensor("c", [1, 2], np.float16)])
    model("double-list", add, [value("x", [2], T.DOUBLE)], y, [h.make_tensor("c", T.DOUBLE, [2], [1.0, 2.0])])
    outside = T(name="c", data_type=T.FLOAT, dims=[2], data_location=T.EXTERNAL)
    for key, text in (("location", "../../etc/passwd"), ("offset", "4"), ("length", "8")):
        entry = outside.external_data.add()
        entry.key, entry.value = key, text
    model("external", add, x, y, [outside])
    for i, kind in enumerate(({"value_int": 3}, {"value_floats": [1.0, 2.0]}, {"value": tensor("", [1, 2])})):
        model(f"constant-{i}", [h.make_node("Constant", [], ["c"], **kind), *add], x, y)
    model("weights-as-inputs", add, x + [value("c", [2])], y, [tensor("c", [1, 2])], opset=8, ir=3)


def structure():
    x, y = [value("x", [2])], [value("y", None)]
    inner = h.make_function("local", "leaky", ["a"], ["r"], [h.make_node("LeakyRelu", ["a"], ["r"])], [h.make_opsetid("", 18)], attributes=["slope"])
    inner.node[0].attribute.add(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    outer = h.make_function("local", "twice", ["a"], ["r"],
                            [h.make_node("leaky", ["a"], ["p"], domain="local", slope=0.25), h.make_node("leaky", ["a"], ["q"], domain="local"),
                             h.make_node("Add", ["p", "q"], ["r"])], [h.make_opsetid("", 18), h.make_opsetid("local", 1)])
    model("functions", [h.make_node("twice", ["x"], ["y"], domain="local")], x, y, functions=[inner, outer], opsets=[h.make_opsetid("local", 1)])
    self_call = h.make_function("local", "f", ["a"], ["r"], [h.make_node("f", ["a"], ["r"], domain="local")], [h.make_opsetid("", 18)])
    model("function-calls-itself", [h.make_node("f", ["x"], ["y"], domain="local")], x, y, functions=[self_call], opsets=[h.make_opsetid("local", 1)])
    branch = [h.make_graph([h.make_node(op, ["x"], ["b"])], op, [], [value("b", None)]) for op in ("Relu", "Neg")]
    model("if", [h.make_node("If", ["c"], ["y"], then_branch=branch[0], else_branch=branch[1])], x, y, [tensor("c", True, np.bool_)])
    model("unsorted", [h.make_node("Neg", ["a"], ["y"]), h.make_node("Relu", ["x"], ["a"])], x, y)
    model("cycle", [h.make_node("Add", ["x", "a"], ["y"]), h.make_node("Relu", ["y"], ["a"])], x, y)
    model("foreign-domain", [h.make_node("Thing", ["x"], ["y"], domain="com.example")], x, y, opsets=[h.make_opsetid("com.example", 1)])


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "fuzz" / "seeds" / "fuzz_onnx")
    folder.mkdir(parents=True, exist_ok=True)
    for make in (recipes, forms, weights, structure):
        make()
    for name, m in made.items():
        (folder / (name + ".onnx")).write_bytes(m.SerializeToString(deterministic=True))
    for name, text in TEXTS.items():  # the same target reads any bytes as a literal and as a file of names, too
        (folder / name).write_bytes(text.encode())
    print(f"{len(made) + len(TEXTS)} seeds, {sum(p.stat().st_size for p in folder.iterdir())} bytes in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
