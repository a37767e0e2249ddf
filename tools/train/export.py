#!/usr/bin/env python3
"""Trained weights to ONNX, as an Ultralytics export looks from outside: the same input and output names, layouts and metadata keys.

Weights are stored in half precision, each behind a Cast to float, and everything is computed in float: half the size, and one
answer everywhere. The result is checked against torch before it is written.

usage: export.py NAME WEIGHTS.pt OUT.onnx [MEASURED.json] [--reduced]"""
import copy
import datetime
import json

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

import draw_scene
from network import Exported
from recipes import parser_of, recipe_of
from train import make_net

OPSET = 17
HALF_FROM = 64  # numbers; smaller constants are not worth a Cast


def load(recipe, weights):
    net = make_net(recipe)
    net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return net.eval()


def for_inference(recipe, net, size=None):
    """The network with its decode and its weights as they ship: fused, rounded to half precision."""
    net = copy.deepcopy(net).cpu().float().eval().fuse()
    with torch.no_grad():
        for p in net.parameters():
            if p.numel() >= HALF_FROM:  # the decode that follows has no parameters to round
                p.copy_(p.half().float())
    size = size or recipe.export_size
    return net if recipe.task == "classify" else Exported(net, size, size).eval()


def halve(model):
    """Float constants that are weights, or that half precision holds exactly (anchors, strides), become f16 and a Cast."""
    graph = model.graph
    weights = {n.input[i] for n in graph.node if n.op_type in ("Conv", "ConvTranspose", "Gemm", "MatMul") for i in range(1, len(n.input))}
    casts = []
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype != np.float32 or array.size < HALF_FROM:
            continue
        if tensor.name not in weights and (array.astype(np.float16) != array).any():
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16), name + "_half"))
        casts.append(helper.make_node("Cast", [name + "_half"], [name], to=TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)


def metadata(recipe, metrics):
    """Keys in the order in which exports have them; values as Python spells them."""
    return {"description": f"{recipe.name}: {recipe.describe}", "author": "yolk", "date": datetime.date.today().isoformat(), "version": "1",
            "license": "Apache-2.0", "docs": f"docs/models/{recipe.name}.md", "stride": 1 if recipe.task == "classify" else 32, "task": recipe.task,
            "head": {"detect": "Detect", "segment": "Segment", "pose": "Pose", "obb": "OBB", "classify": "Classify"}[recipe.task], "batch": 1,
            "imgsz": [recipe.export_size] * 2, "names": recipe.names, "args": {"batch": 1, "half": False, "dynamic": False, "simplify": False, "nms": False},
            "channels": 3, "end2end": False, **recipe.extra_metadata, **({"defaults": recipe.defaults} if recipe.defaults else {}),
            **({"metrics": metrics} if metrics else {})}


def export(recipe, net, path, metrics=None):
    """Returns the largest difference between torch and onnxruntime on a drawn picture."""
    module, size = for_inference(recipe, net), recipe.export_size
    outputs = ["output0", "output1"] if recipe.task == "segment" else ["output0"]
    torch.onnx.export(module, torch.zeros(1, 3, size, size), path, input_names=["images"], output_names=outputs, opset_version=OPSET, dynamo=False)
    model = onnx.load(path)
    halve(model)
    model.producer_name, model.producer_version = "yolk", "1"
    helper.set_model_props(model, {k: str(v) for k, v in metadata(recipe, metrics).items()})
    onnx.checker.check_model(model)
    with open(path, "wb") as f:
        f.write(model.SerializeToString(deterministic=True))
    picture = draw_scene.scene(recipe.seed, 0, size, True)["image"].transpose(2, 0, 1)[None].astype(np.float32) / 255
    with torch.no_grad():
        mine = module(torch.from_numpy(picture))
    mine = mine if isinstance(mine, tuple) else (mine,)
    theirs = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"images": picture})
    return max(float(np.abs(a.numpy() - b).max()) for a, b in zip(mine, theirs))


def main():
    parser = parser_of("weights", "out")
    parser.add_argument("measured", nargs="?")
    arguments = parser.parse_args()
    recipe = recipe_of(arguments.name, arguments.reduced)
    metrics = json.load(open(arguments.measured)) if arguments.measured else None
    worst = export(recipe, load(recipe, arguments.weights), arguments.out, metrics)
    print(f"{arguments.out}: largest difference from torch {worst:.2e} (pixels and probabilities)")
    if worst > 0.02:  # float sums in another order, times strides of up to 32 pixels
        raise SystemExit("the exported model does not answer as the trained one does")


if __name__ == "__main__":
    main()
