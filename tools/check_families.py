#!/usr/bin/env python3
"""Proves the checkpoint reader on families without weights at hand: for each model description that the training package ships, a model
with random weights is saved as it saves its own, loaded by it and by yolk, and the raw outputs of both on one picture are compared.

usage: check_families.py --run BUILD/tests/model/run_outputs [--yolk BUILD/yolk] [--device ref] [--yolov5 DIR] [--only TEXT] [--all-scales] [--keep DIR] [--size H,W]

Runs in a throw-away environment that has the package (nothing of it is needed by yolk). The weights are not just random: statistics of
batch normalisation are taken from random pictures and then disturbed, so that every block carries signal and none may be skipped
unnoticed. Exit status 1 when an output differs, or a stranger (RT-DETR, World ...) is not refused.
"""
import argparse
import copy
import glob
import importlib.machinery
import os
import random
import subprocess
import sys
import tempfile
import types
import unittest.mock

import numpy as np
import torch
import ultralytics
from torch import nn
from ultralytics import YOLO
from ultralytics.nn import tasks

# Random networks amplify rounding: how much, the package itself tells, by how far its f32 outputs are from those in f64. yolk, which
# adds in another order, may be FACTOR times as far from f64 (and by FLOOR in any case). Plain sums in order (ref) were seen up to 8 times as
# far as the package's, Winograd F(4x4, 3x3) (cpu) up to 25; a wrong block is off by thousands of times.
# Scores are probabilities; boxes, keypoints and the rest are held in units of the largest value of their kind.
FACTOR = 30
FLOOR = 2e-6
# A network that is so sensitive proves nothing.
CHAOS = 1e-3
# Rows of a one-to-one head are found again by score and class: candidates are those within this.
ROW_SCORE = 1e-3

CLASSES = {"detect": tasks.DetectionModel, "segment": tasks.SegmentationModel, "pose": tasks.PoseModel, "obb": tasks.OBBModel,
           "classify": tasks.ClassificationModel}
STRANGERS = ("rtdetr", "world", "yoloe", "-sem", "-depth")
# dtype of the stored weights and the pickle's protocol, in turn
FORMS = [(torch.float16, 2), (torch.float32, 4), (torch.bfloat16, 5), (torch.float16, 3)]


def models(all_scales):
    """(name, task) of every description: of those with scales n, and the others where their structure differs."""
    root = os.path.join(os.path.dirname(ultralytics.__file__), "cfg", "models")
    for path in sorted(glob.glob(root + "/*/*.yaml")):
        stem = os.path.splitext(os.path.basename(path))[0]
        cfg = tasks.yaml_model_load(path)
        scales = list(cfg.get("scales", {}).keys())
        if not scales or stem.startswith("yolov10") or any(s in stem for s in STRANGERS):
            yield stem, stem
            continue
        wanted = scales if all_scales else [s for s in scales if s in "n" or (s in "mx" and any(f in stem for f in ("11", "12", "26", "8", "5")))]
        head, _, tail = stem.partition("-")
        for scale in wanted:
            yield stem, head + scale + ("-" + tail if tail else "")


def give_blocks_signal(model, generator, size):
    """Every block carries signal of ordinary size: random gains, then statistics from random pictures, then those a little disturbed."""
    def uniform(shape, low, high):
        return torch.rand(shape, generator=generator) * (high - low) + low
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    with torch.no_grad():
        for m in norms:
            m.weight.copy_(uniform(m.weight.shape, 0.6, 1.4))
            m.bias.copy_(uniform(m.weight.shape, -0.3, 0.3))
            m.reset_running_stats()
            m.momentum = None
        for m in model.modules():
            if isinstance(getattr(m, "gamma", None), nn.Parameter):
                m.gamma.copy_(uniform(m.gamma.shape, 0.05, 0.3))
            if hasattr(m, "qkv"):  # sharp attention makes networks chaotic: the package then differs from itself
                m.qkv.bn.weight.mul_(0.5)
        model.train()
        for _ in range(2):
            model(torch.rand(4, 3, *size, generator=generator))
        model.eval()
        for m in norms:
            m.momentum = 0.03
            m.running_mean.add_(m.running_var.sqrt() * uniform(m.weight.shape, -0.1, 0.1))
            # few pixels make some deviations tiny by chance
            m.running_var.clamp_(min=float(m.running_var.mean()) / 4).mul_(uniform(m.weight.shape, 0.9, 1.2))


def give_signal(model, generator, size):
    give_blocks_signal(model, generator, size)
    with torch.no_grad():
        # Scores spread over 0..1: saturated ones are all alike. Logits get the deviation 1.5.
        head = model.model[-1]
        last = [m[-1] for name in ("cv3", "one2one_cv3") for m in (getattr(head, name, None) or [])] or [head.linear]
        seen = {}
        hooks = [m.register_forward_hook(lambda m, i, o: seen.__setitem__(m, o.std())) for m in last]
        model(torch.rand(2, 3, *size, generator=generator))
        for hook in hooks:
            hook.remove()
        for m in last:
            m.weight.mul_(1.5 / seen[m])
            m.bias.copy_(torch.rand(m.bias.shape, generator=generator) * 2 - 2)


def save(path, name, task, stem, size, form, seed):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    extra = {"data_kpt_shape": random.Random(seed).choice([(17, 3), (5, 2), (4, 3)])} if task == "pose" else {}
    nc = random.Random(seed).choice([2, 10] if task == "classify" else [1, 3, 7, 80])
    cfg = tasks.yaml_model_load(name + ".yaml")
    model = CLASSES[task](cfg, nc=nc, verbose=False, **extra)
    give_signal(model, generator, size)
    model.names = {i: f"thing {i}" for i in range(nc)}
    model.task = task
    model.args = {"task": task, "imgsz": max(size), "model": stem + ".yaml"}
    dtype, protocol = form
    torch.save({"epoch": -1, "best_fitness": None, "ema": None, "model": copy.deepcopy(model).to(dtype), "updates": None,
                "optimizer": None, "train_args": dict(model.args), "date": "2026-01-01T00:00:00", "version": ultralytics.__version__},
               path, pickle_protocol=protocol)
    return nc


def reference(path, x, end2end, dtype):
    """Outputs of the package, as its export would have them; None when the model has no one-to-one head."""
    model = YOLO(path).model.to(dtype)
    head = model.model[-1]
    if end2end:
        if getattr(head, "one2one_cv2", None) is None:
            return None
        head.end2end = True
    model = (model.fuse(verbose=False) if dtype == torch.float32 else model).eval()
    model.model[-1].export = True
    with torch.inference_mode():
        y = model(x.to(dtype))
    return [t.numpy() for t in (y if isinstance(y, (tuple, list)) else [y])]


def yolk(run, path, x, end2end, folder, device):
    prefix, source = os.path.join(folder, "output"), os.path.join(folder, "input")
    x.numpy().astype("<f4").tofile(source)
    command = [run, path, str(x.shape[2]), str(x.shape[3]), source, prefix] + (["--end2end"] if end2end else []) + (["--device", device] if device else [])
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return None, done.stderr.strip()
    shapes = [[int(d) for d in line.split()[1:]] for line in done.stdout.splitlines()]
    return [np.fromfile(prefix + str(i), "<f4").reshape(s) for i, s in enumerate(shapes)], ""


def worst(got, want, nc, task, rows):
    """(score error, relative error of the rest), or a sentence."""
    if [g.shape for g in got] != [w.shape for w in want]:
        return f"shapes {[g.shape for g in got]} against {[w.shape for w in want]}"
    if not all(np.isfinite(g).all() for g in got):
        return "not finite"
    if task == "classify":
        return float(np.abs(got[0] - want[0]).max()), 0.0
    def relative(g, w):
        return float((np.abs(g - w) / max(1.0, np.abs(w).max())).max()) if w.size else 0.0
    if rows:  # sorted by score: near ties may stand in another order, so each row is looked for among its neighbours in score
        score = other = 0.0
        for g, w in zip(got[0], want[0]):
            scale = np.maximum(1.0, np.abs(w).max(axis=0))
            for row in w:
                near = g[(np.abs(g[:, 4] - row[4]) <= ROW_SCORE) & (g[:, 5] == row[5])]
                if not len(near):
                    return f"no row for score {row[4]:.6f} class {row[5]:.0f}"
                errors = np.abs(near - row) / scale
                best = errors[errors.max(axis=1).argmin()]
                score, other = max(score, float(best[4])), max(other, float(np.delete(best, 4).max()))
    else:
        g, w = got[0], want[0]
        score = float(np.abs(g[:, 4:4 + nc] - w[:, 4:4 + nc]).max())
        other = max(relative(g[:, :4], w[:, :4]), relative(g[:, 4 + nc:], w[:, 4 + nc:]))
    return score, max([other] + [relative(g, w) for g, w in zip(got[1:], want[1:])])


def signal(want, nc, task):
    """How much the outputs vary: a model whose outputs are all alike proves nothing."""
    y = want[0]
    return float(y.std()) if task == "classify" else float(y[:, 4:4 + nc].std())


def yolov5_models(folder):
    """(name, path, the package's module models.yolo) of each description in the yolov5 package unpacked in `folder`."""
    os.environ["YOLOv5_VERBOSE"] = "false"
    stub = types.ModuleType("pkg_resources")  # which its newest Pythons lack
    stub.parse_version = __import__("packaging.version", fromlist=["x"]).parse
    stub.require = stub.parse_requirements = lambda *a, **k: []
    sys.modules.setdefault("pkg_resources", stub)
    sys.path[:0] = [folder, os.path.dirname(folder)]
    while True:  # what it wants for plots, logs and downloads is not used here
        try:
            yolo = importlib.import_module("models.yolo")
            break
        except ModuleNotFoundError as e:
            if e.name in sys.modules or e.name.startswith(("models", "utils", "yolov5")):
                raise
            for half_made in [n for n in sys.modules if n.split(".")[0] in ("models", "utils", "yolov5")]:
                del sys.modules[half_made]
            sys.modules[e.name] = unittest.mock.MagicMock(__spec__=importlib.machinery.ModuleSpec(e.name, None), __path__=[])
    for path in sorted(glob.glob(folder + "/models/*.yaml") + glob.glob(folder + "/models/hub/*.yaml")):
        yield os.path.splitext(os.path.basename(path))[0], path, yolo


def check_yolov5(folder, only, run, device, size):
    """YOLOv5's own checkpoints: detection; anchors and objectness decoded."""
    failed = checked = 0
    for i, (name, path, yolo) in enumerate(yolov5_models(folder)):
        if only and not any(part in name for part in only.split(",")):
            continue
        generator = torch.Generator().manual_seed(i)
        torch.manual_seed(i)
        try:
            model = yolo.Model(path, nc=[1, 3, 80][i % 3])
        except Exception as e:
            print(f"{name:28s} not made: {type(e).__name__} {str(e)[:60]}")
            continue
        coarsest = int(model.stride.max())
        sides = [-(-side // coarsest) * coarsest for side in size]
        give_blocks_signal(model, generator, sides)
        with tempfile.TemporaryDirectory() as here:
            file = os.path.join(here, name + ".pt")
            torch.save({"epoch": -1, "model": copy.deepcopy(model).half(), "ema": None, "optimizer": None, "opt": {"imgsz": 64}}, file)
            x = torch.rand(1, 3, *sides, generator=generator)
            halves = torch.load(file, weights_only=False)["model"]
            with torch.inference_mode():
                want = copy.deepcopy(halves).double().eval()(x.double())
                own = copy.deepcopy(halves).float().fuse().eval()(x)
            if not isinstance(want, tuple) or want[0].ndim != 3 or want[0].shape[2] != 5 + model.yaml["nc"]:
                want = None  # a segmentation model: refused
            got, why = yolk(run, file, x, False, here, device)
            checked += 1
            if want is None:
                bad, text = got is not None or "YOLOv5" not in why, why
            elif got is None:
                bad, text = "C3TR" not in why, why  # the one block of that package which is not built
            else:
                scale = torch.ones(want[0].shape[2]).double()
                scale[:4] = want[0][..., :4].abs().max()
                far = lambda y: float(((y.double() - want[0]) / scale).abs().max())
                mine, theirs = far(torch.from_numpy(got[0])), far(own[0])
                bad = mine > FACTOR * theirs + FLOOR or theirs > CHAOS
                text = f"{mine:.1e}  (the package: {theirs:.1e})"
            failed += bad
            print(f"{name:28s} YOLOv5's own {'FAIL ' if bad else ''}{text[:150]}", flush=True)
    return checked, failed


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--run", required=True)
    ap.add_argument("--yolk")
    ap.add_argument("--device")
    ap.add_argument("--yolov5", help="folder of the yolov5 7.0 package (it holds models/ and utils/): check its own families instead")
    ap.add_argument("--only", default="")
    ap.add_argument("--all-scales", action="store_true")
    ap.add_argument("--keep")
    ap.add_argument("--size", default="128,192")
    a = ap.parse_args()
    size = tuple(int(s) for s in a.size.split(","))
    torch.set_num_threads(1)  # several wait for each other where the machine is busy: 20 times slower
    failed = checked = 0
    if a.yolov5:
        checked, failed = check_yolov5(os.path.abspath(a.yolov5), a.only, a.run, a.device, size)
        print(f"{checked} checked, {failed} failed")
        return 1 if failed or not checked else 0
    for i, (stem, name) in enumerate(models(a.all_scales)):
        if a.only and not any(part in name for part in a.only.split(",")):
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(a.keep or folder, name.replace("yolov", "v") + "-random.pt")  # no name that the package knows and would download
            if any(s in stem for s in STRANGERS):
                if not a.yolk:
                    continue
                try:
                    YOLO(name + ".yaml").save(path)
                except Exception as e:  # some need files that are not here
                    print(f"{name:28s} not made: {str(e)[:80]}")
                    continue
                done = subprocess.run([a.yolk, "inspect", path], capture_output=True, text=True)
                checked += 1
                failed += done.returncode != 4
                print(f"{name:28s} {'refused' if done.returncode == 4 else 'FAIL not refused'}: {done.stderr.strip().split(': ', 2)[-1][:110]}")
                continue
            task = tasks.guess_model_task(tasks.yaml_model_load(name + ".yaml"))
            try:
                nc = save(path, name, task, stem, size, FORMS[i % len(FORMS)], seed=i)
            except OSError as e:  # descriptions that start from weights to be downloaded
                print(f"{name:28s} not made: {str(e)[:80]}")
                continue
            x = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1000 + i))
            for end2end in (False, True):
                want = reference(path, x, end2end, torch.float64)
                if want is None:
                    continue
                own = worst(reference(path, x, end2end, torch.float32), want, nc, task, end2end)
                got, why = yolk(a.run, path, x, end2end, folder, a.device)
                checked += 1
                result = why if got is None else worst(got, want, nc, task, end2end)
                bad = isinstance(result, str) or isinstance(own, str) or max(own) > CHAOS or any(r > FACTOR * o + FLOOR for r, o in zip(result, own))
                failed += bad
                text = result if isinstance(result, str) else "score {:.1e} rest {:.1e}".format(*result)
                text += "  (the package: {:.1e}, {:.1e})".format(*own) if not isinstance(own, str) else f"  (the package: {own})"
                if not end2end:
                    text += f"  (scores vary by {signal(want, nc, task):.2f})"
                print(f"{name:28s} {task:8s} {'one-to-one' if end2end else '          '} {'FAIL ' if bad else ''}{text}", flush=True)
    print(f"{checked} checked, {failed} failed")
    return 1 if failed or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
