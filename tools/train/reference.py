#!/usr/bin/env python3
"""Stored answers of a bundled model, for tests that have no torch: the trainer's own network, computed by torch with the weights
that lie in the ONNX file, and the rules of answers.py behind it. yolk must give the same (tests/model).

usage: reference.py MODEL.onnx PICTURE... [--out DIR]       default: tests/golden/models; run it in the repository's root

OUT/NAME.json holds the final answers on every picture, square and padded to the stride, at the model's own threshold and a lower
one; OUT/NAME-square.npz and OUT/NAME-rect.npz samples of the raw output on the first picture: the anchors that matter most, and as
many at random."""
import argparse
import ast
import hashlib
import json
import os

import cv2
import numpy as np
import onnx
import torch
from onnx import numpy_helper

import answers
from network import Exported
from recipes import RECIPES
from train import make_net

STANDARD = {"conf": 0.25, "iou": 0.7, "max_det": 300, "agnostic": False}
LOW = 0.05  # the lower threshold: more answers, worse ones
CLEAR = 2e-4  # how far all scores are from a threshold, so that rounding decides nothing
ANCHORS = 96  # of each kind in a sample
PIXELS_STEP = 997  # of the input, every so many bytes are kept
STRIDE = 32


def weights_of(model):
    """Parameters by the names that torch gave them; equal ones were joined by the exporter."""
    found = {t.name: numpy_helper.to_array(t).astype(np.float32) for t in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type in ("Cast", "Identity") and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
    return found


class Reference:
    def __init__(self, path):
        model = onnx.load(path)
        notes = {p.key: p.value for p in model.metadata_props}
        self.recipe = RECIPES[os.path.splitext(os.path.basename(path))[0]]
        self.defaults = STANDARD | ast.literal_eval(notes.get("defaults", "{}"))
        self.names = ast.literal_eval(notes["names"])
        self.size = ast.literal_eval(notes["imgsz"])[0]
        self.net = make_net(self.recipe).eval().fuse()
        weights = weights_of(model)
        prefix = "" if self.recipe.task == "classify" else "net."
        with torch.no_grad():
            for name, parameter in self.net.named_parameters():
                parameter.copy_(torch.from_numpy(weights[prefix + name]))

    @torch.no_grad()
    def raw(self, picture):
        """u8 network input [H, W, 3], RGB -> output tensors without the batch."""
        H, W = picture.shape[:2]
        module = self.net if self.recipe.task == "classify" else Exported(self.net, H, W).eval()
        out = module(torch.tensor(picture.copy()).permute(2, 0, 1)[None].float() / 255)
        return [o[0] for o in (out if isinstance(out, tuple) else (out,))]


def clear_conf(conf, scores):
    """The first threshold from here on that no score is near."""
    while len(scores) and (scores - conf).abs().min() < CLEAR:
        conf = round(conf + CLEAR, 6)
    return conf


def sample(path, picture, raw, n_classes):
    """Some bytes of the input (BGR), some elements of each output, by their place in the row-major tensors. The anchors with the best scores and as many others; all prototypes on a
    coarse grid; a classifier's output is small enough to be whole."""
    bytes_in = picture.reshape(-1)
    kept = np.arange(0, bytes_in.size, PIXELS_STEP)
    arrays = {"input": bytes_in[kept], "input_shape": np.array(picture.shape, np.int32), "input_index": kept.astype(np.int32)}
    for k, tensor in enumerate(raw):
        flat = tensor.reshape(-1).numpy()
        if tensor.ndim == 2:
            best = tensor[4:4 + n_classes].amax(0).argsort(descending=True, stable=True)[:ANCHORS].numpy()
            other = np.random.default_rng(0).choice(tensor.shape[1], ANCHORS, replace=False)
            anchors = np.unique(np.concatenate((best, other)))
            index = (np.arange(tensor.shape[0])[:, None] * tensor.shape[1] + anchors).reshape(-1)
        elif tensor.ndim == 3:
            index = np.arange(0, flat.size, 101)
        else:
            index = np.arange(flat.size)
        arrays |= {f"output{k}": flat[index], f"output{k}_shape": np.array((1, *tensor.shape), np.int32), f"output{k}_index": index.astype(np.int32)}
    np.savez_compressed(path, **arrays)


def classify(reference, bgr):
    picture = answers.middle(bgr, reference.size)
    p = reference.raw(picture)[0]
    top = torch.sort(p, descending=True, stable=True).indices[:5]
    return picture, {"probs": [round(float(v), 8) for v in p], "top5": top.tolist()}


def detect(reference, bgr, rect):
    """The network's input (BGR, as it is before it goes in), its raw output, {conf: answers}."""
    recipe, size = reference.recipe, reference.size
    picture = answers.letterbox(bgr, size, size, STRIDE if rect else 0)
    raw = reference.raw(picture[..., ::-1])
    scores = raw[0][4:4 + len(recipe.names)].amax(0)
    fit = answers.Fit(*picture.shape[:2], *bgr.shape[:2])
    at = {}
    for conf in (reference.defaults["conf"], clear_conf(LOW, scores)):
        if (scores - conf).abs().min() < CLEAR:
            print(f"  a score lies at the threshold {conf}")
        rows = answers.choose(recipe, raw[0], conf, reference.defaults)
        at[repr(conf)] = answers.in_picture(recipe, rows, raw[1] if len(raw) > 1 else None, fit, picture.shape[:2], bgr.shape[:2], rect)
    return picture, raw, at


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--out", default="tests/golden/models")
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # one order of summation
    reference = Reference(arguments.model)
    recipe, out = reference.recipe, os.path.join(arguments.out, reference.recipe.name)
    os.makedirs(arguments.out, exist_ok=True)
    with open(arguments.model, "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()
    document = {"model": os.path.basename(arguments.model), "sha256": digest, "task": recipe.task, "imgsz": reference.size, "names": reference.names,
                **{k: reference.defaults[k] for k in ("iou", "max_det", "agnostic")}, "images": []}
    total = 0
    for number, path in enumerate(arguments.pictures):
        bgr = cv2.imread(path)
        entry = {"image": os.path.relpath(path, os.path.dirname(arguments.out))}
        if recipe.task == "classify":
            picture, answer = classify(reference, bgr)
            entry["square"] = {"conf": {"0.25": answer}}
            if number == 0:
                sample(out + "-square.npz", picture[..., ::-1], reference.raw(picture), len(recipe.names))
            total += 1
        else:
            for kind in ("square", "rect"):
                picture, raw, at = detect(reference, bgr, kind == "rect")
                entry[kind] = {"conf": at}
                if number == 0:
                    sample(f"{out}-{kind}.npz", picture, raw, len(recipe.names))
                total += sum(map(len, at.values()))
        document["images"].append(entry)
    with open(out + ".json", "w") as f:
        json.dump(document, f, separators=(",", ":"))
        f.write("\n")
    print(f"{out}: {total} answers on {len(arguments.pictures)} pictures")


if __name__ == "__main__":
    main()
