#!/usr/bin/env python3
"""Trains one of yolk's models on a pool of drawn scenes, keeps checkpoints, and resumes from them.

usage: train.py NAME --pools DIR [--out DIR] [--reduced] [--steps N] [--batch N] [--views N...] [--workers N] [--minutes M] [--weights FILE]
       torchrun --nproc-per-node N train.py NAME ...     the batch is shared among N GPUs

DIR/NAME.ckpt is the state to resume from, DIR/NAME.pt the averaged weights, DIR/NAME.log what happened. --minutes ends the run in
time with a schedule that is complete: the rate falls with the larger of steps done and time gone."""
import copy
import json
import math
import os
import time

import torch
from torch.nn import functional as F

import augment
from dataset import Resident
from losses import DetectorLoss
from network import Classifier, Detector
from pool import folder_of
from recipes import parser_of, recipe_of

WARMUP, WEIGHT_DECAY, CLIP, EMA_DECAY, EMA_RAMP = 300, 0.02, 10.0, 0.9995, 1000
SAVE_SECONDS, TELL_STEPS = 60, 200
RANK, RANKS = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def make_net(recipe):
    if recipe.task == "classify":
        return Classifier(len(recipe.names), **recipe.net)
    return Detector(recipe.task, len(recipe.names), **recipe.net)


def optimizer_of(net, rate, fused):
    decayed = [p for p in net.parameters() if p.ndim > 1]
    plain = [p for p in net.parameters() if p.ndim <= 1]
    return torch.optim.AdamW([{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}], rate, (0.9, 0.99), fused=fused)


class Average:
    """Follows the weights and statistics of a network, slowly."""

    def __init__(self, net):
        self.net = copy.deepcopy(net).eval().requires_grad_(False)
        pairs = [(a, b) for a, b in zip(self.net.state_dict().values(), net.state_dict().values()) if a.dtype.is_floating_point]
        self.mine, self.theirs = map(list, zip(*pairs))

    @torch.no_grad()
    def follow(self, step):
        decay = EMA_DECAY * (1 - math.exp(-step / EMA_RAMP))
        torch._foreach_lerp_(self.mine, self.theirs, 1 - decay)


def save(path, state):
    torch.save(state, path + ".new")
    os.replace(path + ".new", path)


def view(recipe, batch, size, number):
    """What the network is shown of a batch of scenes: (images, targets)."""
    if recipe.task == "classify":
        images, labels = augment.digit_view(batch, size, number)
        return images, {"cls": labels}
    return augment.detector_view(recipe.task, batch, size)


def loss_of(recipe, criterion, out, targets, size):
    """(loss, {name: tensor}); nothing here waits for a GPU."""
    if recipe.task == "classify":
        loss = F.cross_entropy(out.float(), targets["cls"], label_smoothing=0.05)
        return loss, {"cls": loss.detach()}
    return criterion(out, targets, size, size)


def room(device, side):
    """How many scenes may stay in memory: half of what a GPU has free, 3 GB elsewhere."""
    free = torch.cuda.mem_get_info(device)[0] // 2 if device.type == "cuda" else 3 << 30
    return max(1, int(free // (3 * side * side + side * side // 8 + 24000)))


def rate_at(peak, step, done):
    return peak * min(1, (step + 1) / WARMUP) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(done, 1))))


def main():
    parser = parser_of()
    parser.add_argument("--pools", required=True, help="folder of pools (pool.py)")
    parser.add_argument("--out", default="build/train")
    for option in ("steps", "batch"):
        parser.add_argument("--" + option, type=int)
    parser.add_argument("--views", type=int, nargs="+", help="sizes of training pictures, one after the other")
    parser.add_argument("--workers", type=int, default=min(4, os.cpu_count() or 1), help="processes that decode the pool")
    parser.add_argument("--resident", type=int, help="scenes kept in the device's memory, 0.5 MB each; default: what fits")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--weights", help="start from these; a checkpoint in DIR comes first")
    arguments = parser.parse_args()
    recipe = recipe_of(arguments.name, arguments.reduced)
    how = {"steps": recipe.steps, "batch": recipe.batch, "views": recipe.views, "rate": recipe.rate}
    how.update({k: getattr(arguments, k) for k in how if getattr(arguments, k)})
    steps, batch, views = how["steps"], how["batch"] // RANKS, how["views"]
    os.makedirs(arguments.out, exist_ok=True)
    base = os.path.join(arguments.out, recipe.name)
    log = open(base + ".log" if RANK == 0 else os.devnull, "a", buffering=1)

    def say(text):
        if RANK == 0:
            print(text, flush=True)
            log.write(text + "\n")

    torch.manual_seed(recipe.seed * 1000 + RANK)
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    if RANKS > 1:
        torch.distributed.init_process_group("nccl" if cuda else "gloo")
    torch.manual_seed(recipe.seed)
    net = make_net(recipe).to(device)
    torch.manual_seed(recipe.seed * 1000 + RANK)
    if cuda:
        net = net.to(memory_format=torch.channels_last)
    average = Average(net)
    optimizer = optimizer_of(net, how["rate"], cuda)
    step, spent = 0, 0.0
    if os.path.exists(base + ".ckpt"):
        state = torch.load(base + ".ckpt", map_location=device, weights_only=True)
        net.load_state_dict(state["net"])
        average.net.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        step, spent = state["step"], state["seconds"]
    elif arguments.weights:
        net.load_state_dict(torch.load(arguments.weights, map_location=device, weights_only=True))
        average.net.load_state_dict(net.state_dict())
    say(f"{recipe.name}: {sum(p.numel() for p in net.parameters())} parameters, {RANKS} x {device.type}, torch {torch.__version__}, "
        + json.dumps(how) + f", from step {step}")
    model = torch.nn.parallel.DistributedDataParallel(net, [device.index] if cuda else None) if RANKS > 1 else net
    criterion = None if recipe.task == "classify" else DetectorLoss(net)
    scenes = max(16, batch // 4) if recipe.task == "classify" else batch
    folder, side = folder_of(arguments.pools, recipe)
    resident = arguments.resident or room(device, side)
    pool = Resident(folder, resident, device, arguments.workers, RANK, RANKS)
    saved = told = time.monotonic()
    began = saved - spent
    sums, seen, shared = {}, 0, 0.0
    net.train()

    def checkpoint():
        if RANK == 0:
            save(base + ".ckpt", {"net": net.state_dict(), "average": average.net.state_dict(), "optimizer": optimizer.state_dict(), "step": step,
                                  "seconds": time.monotonic() - began})
            save(base + ".pt", average.net.state_dict())

    while True:
        gone = torch.tensor((time.monotonic() - began) / (arguments.minutes * 60) if arguments.minutes else 0.0, device=device)
        if step % 20 == 0:
            if RANKS > 1:
                torch.distributed.broadcast(gone, 0)
            shared = float(gone)
        done = max(step / steps, shared)
        if done >= 1:
            break
        rate = rate_at(how["rate"], step, done)
        for group in optimizer.param_groups:
            group["lr"] = rate
        size = views[step % len(views)]
        count = max(1, scenes * views[0] ** 2 // size**2)  # as many pixels whatever the size
        with torch.no_grad():
            images, targets = view(recipe, pool.batch(count), size, batch)
        if not len(images):
            continue  # no digit in these scenes
        if cuda:
            images = images.contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=cuda):
            out = model(images)
        loss, parts = loss_of(recipe, criterion, out, targets, size)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(net.parameters(), CLIP)
        if torch.isfinite(norm):
            optimizer.step()
        else:
            say(f"step {step}: the gradient is not finite; this batch is left out")
        step += 1
        average.follow(step)
        for k, v in parts.items():
            sums[k] = sums.get(k, 0.0) + v
        seen += 1
        if step % TELL_STEPS == 0 or step == steps or seen == 1 and step < 3:
            say(f"step {step}/{steps} {time.monotonic() - began:.0f} s, rate {rate:.5f} "
                + " ".join(f"{k} {float(v) / seen:.3f}" for k, v in sums.items())
                + f", images/s {seen * batch * RANKS / (time.monotonic() - told):.0f}, scenes {pool.filled * RANKS}")
            sums, seen, told = {}, 0, time.monotonic()
        if time.monotonic() - saved > SAVE_SECONDS:
            checkpoint()
            saved = time.monotonic()
    checkpoint()
    say(f"done: step {step}, {time.monotonic() - began:.0f} s")
    if RANKS > 1:
        torch.distributed.destroy_process_group()
    os._exit(0)  # the processes that read the pool would wait for more of it


if __name__ == "__main__":
    main()
