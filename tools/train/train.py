#!/usr/bin/env python3
"""Trains one of yolk's models on pictures that are drawn as it goes, keeps checkpoints, and resumes from them.

usage: train.py NAME [--out DIR] [--reduced] [--steps N] [--batch N] [--size N] [--workers N] [--threads N] [--minutes M] [--weights FILE]

DIR/NAME.ckpt is the state to resume from, DIR/NAME.pt the averaged weights, DIR/NAME.log what happened. --minutes ends the run in
time with a schedule that is complete: the rate falls with the larger of steps done and time gone."""
import argparse
import copy
import json
import math
import os
import time

import numpy as np
import torch
from torch.nn import functional as F

from dataset import Batches
from losses import DetectorLoss
from network import Classifier, Detector
from recipes import RECIPES

WARMUP, WEIGHT_DECAY, CLIP, EMA_DECAY, EMA_RAMP = 200, 0.02, 10.0, 0.9995, 1000
SAVE_SECONDS = 120


def make_net(recipe):
    if recipe.task == "classify":
        return Classifier(len(recipe.names), **recipe.net)
    return Detector(recipe.task, len(recipe.names), **recipe.net)


def optimizer_of(net, rate):
    decayed = [p for p in net.parameters() if p.ndim > 1]
    plain = [p for p in net.parameters() if p.ndim <= 1]
    return torch.optim.AdamW([{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}], rate, (0.9, 0.99))


@torch.no_grad()
def follow(average, net, step):
    decay = EMA_DECAY * (1 - math.exp(-step / EMA_RAMP))
    with_grad, mine = dict(average.state_dict()), net.state_dict()
    floats = [k for k in with_grad if with_grad[k].dtype.is_floating_point]
    torch._foreach_lerp_([with_grad[k] for k in floats], [mine[k].detach() for k in floats], 1 - decay)


def save(path, state):
    torch.save(state, path + ".new")
    os.replace(path + ".new", path)


def loss_of(recipe, criterion, out, targets, size):
    if recipe.task == "classify":
        loss = F.cross_entropy(out.float(), targets["cls"], label_smoothing=0.05)
        return loss, {"cls": float(loss.detach())}
    if recipe.task == "segment":
        where, maps = targets["where"], targets["maps"]
        targets["masks"] = lambda g: (maps[where[g, 0], where[g, 1]] == where[g, 2, None, None]).float()
    return criterion(out, targets, size, size)


SCALES = (0.77, 0.92, 1.0, 1.0, 1.15)  # of 416: multiples of 32 result


def change(recipe, images, targets, size):
    """A batch seen before, looked at differently: other size, colours exchanged, negative, lighter or darker. f32 images in, out."""
    n = len(images)
    if recipe.task in ("detect", "obb", "pose"):
        wanted = round(size * SCALES[int(torch.randint(len(SCALES), ()))] / 32) * 32
        ratio = wanted / size
        images = F.interpolate(images, (wanted, wanted), mode="bilinear", antialias=ratio < 1) if wanted != size else images
        factor = torch.full((targets["boxes"].shape[1],), ratio, device=images.device)
        factor[4:] = 1.0  # angles stay
        targets = {**targets, "boxes": targets["boxes"] * factor}
        if "points" in targets:
            targets["points"] = targets["points"] * torch.tensor((ratio, ratio, 1.0), device=images.device)
        size = wanted
    order = torch.argsort(torch.rand(n, 3, device=images.device), 1)
    images = images.gather(1, order[:, :, None, None].expand(-1, -1, *images.shape[2:]))
    gain = torch.empty(n, 3, 1, 1, device=images.device).uniform_(0.75, 1.25)
    images = (images - 0.5) * gain + 0.5 + torch.empty_like(gain).uniform_(-0.1, 0.1)
    negative = (torch.rand(n, 1, 1, 1, device=images.device) < 0.2).float()
    return (images + negative * (1 - 2 * images)).clamp(0, 1), targets, size


def feed(batches, device, reuse, keep=48):
    """Each drawn batch once as it is, then reuse - 1 times an old one from the last `keep`. Yields (images, targets, old)."""
    pool = []
    for images, targets in batches:
        item = images.to(device, non_blocking=True), {k: v.to(device, non_blocking=True) for k, v in targets.items()}
        yield *item, False
        if reuse > 1:
            pool = (pool + [item])[-keep:]
            for _ in range(reuse - 1):
                yield *pool[int(torch.randint(len(pool), ()))], True


def seed_worker(_):
    torch.set_num_threads(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=RECIPES)
    parser.add_argument("--out", default="build/train")
    parser.add_argument("--reduced", action="store_true")
    for option in ("steps", "batch", "size", "threads"):
        parser.add_argument("--" + option, type=int)
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--first-batch", type=int, default=0, help="of the drawn batches, for a run that goes on from --weights")
    parser.add_argument("--weights", help="start from these; a checkpoint in DIR comes first")
    arguments = parser.parse_args()
    recipe = RECIPES[arguments.name]
    how = {"steps": recipe.steps, "batch": recipe.batch, "size": recipe.size, **(recipe.reduced if arguments.reduced else {})}
    how.update({k: getattr(arguments, k) for k in how if getattr(arguments, k)})
    steps, batch, size = how["steps"], how["batch"], how["size"]
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    os.makedirs(arguments.out, exist_ok=True)
    base = os.path.join(arguments.out, recipe.name)
    log = open(base + ".log", "a", buffering=1)

    def say(text):
        print(text, flush=True)
        log.write(text + "\n")

    torch.manual_seed(recipe.seed)
    np.random.seed(recipe.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = make_net(recipe).to(device)
    average = copy.deepcopy(net).eval().requires_grad_(False)
    optimizer = optimizer_of(net, recipe.rate)
    reuse = recipe.reuse if device.type == "cuda" else 1
    start, spent = 0, 0.0
    if os.path.exists(base + ".ckpt"):
        state = torch.load(base + ".ckpt", map_location=device, weights_only=True)
        net.load_state_dict(state["net"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        start, spent = state["step"], state["seconds"]
    elif arguments.weights:
        net.load_state_dict(torch.load(arguments.weights, map_location=device, weights_only=True))
        average.load_state_dict(net.state_dict())
    say(f"{recipe.name}: {sum(p.numel() for p in net.parameters())} parameters, {device}, torch {torch.__version__}, "
        + json.dumps(how) + f", from step {start}")
    if device.type == "cuda":
        net = net.to(memory_format=torch.channels_last)
        torch.backends.cudnn.benchmark = True
    criterion = None if recipe.task == "classify" else DetectorLoss(net)
    batches = torch.utils.data.DataLoader(
        Batches(recipe, size, batch, arguments.first_batch + steps), batch_size=None,
        sampler=range(arguments.first_batch + start // reuse, arguments.first_batch + math.ceil(steps / reuse)), num_workers=arguments.workers,
        prefetch_factor=3 if arguments.workers else None, pin_memory=device.type == "cuda", worker_init_fn=seed_worker)
    saved = told = time.monotonic()
    began = saved - spent
    sums, seen = {}, 0
    net.train()
    step = start

    def checkpoint():
        save(base + ".ckpt", {"net": net.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(), "step": step,
                              "seconds": time.monotonic() - began})
        save(base + ".pt", average.state_dict())

    for images, targets, old in feed(batches, device, reuse):
        gone = (time.monotonic() - began) / (arguments.minutes * 60) if arguments.minutes else 0.0
        if gone >= 1:
            break
        done = max(step / steps, gone)
        rate = recipe.rate * min(1, (step + 1) / WARMUP) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(done, 1))))
        for group in optimizer.param_groups:
            group["lr"] = rate
        images, seen_size = images.float().div(255), size
        if old:
            images, targets, seen_size = change(recipe, images, targets, size)
        if device.type == "cuda":
            images = images.contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            out = net(images)
        loss, parts = loss_of(recipe, criterion, out, targets, seen_size)
        if torch.isfinite(loss):
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), CLIP)
            optimizer.step()
        else:
            say(f"step {step}: the loss is not finite; this batch is left out")
        step += 1
        follow(average, net, step)
        for k, v in parts.items():
            sums[k] = sums.get(k, 0.0) + v
        seen += 1
        if step % (100 * reuse) == 0 or step == steps or seen == 1 and step < 3:
            say(f"step {step}/{steps} rate {rate:.5f} " + " ".join(f"{k} {v / seen:.3f}" for k, v in sums.items())
                + f" images/s {seen * batch / (time.monotonic() - told):.0f}")
            sums, seen, told = {}, 0, time.monotonic()
        if time.monotonic() - saved > SAVE_SECONDS:
            checkpoint()
            saved = time.monotonic()
    checkpoint()
    say(f"done: step {step}, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
