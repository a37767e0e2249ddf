#!/usr/bin/env python3
"""Scenes drawn once and kept in a folder, for several models to learn from at once and for many passes.

A pool is a folder of shards: NNNNN.jpegs holds the pictures one behind the other, NNNNN.npz where each begins and the truth about them.
Scene number k of a pool is always the same picture. Training may begin while a pool is still being drawn.

usage: pool.py --for MODEL POOLS [--reduced] [--scenes N] [--draw-workers N]      in the folder POOLS/<pool>-<size>"""
import argparse
import multiprocessing
import os

import cv2
import numpy as np

import draw_scene
import fonts
from recipes import POOLS, RECIPES, recipe_of

SHARD = 64  # scenes
SUPPORT = 16  # points that stand for a convex outline: its farthest in this many directions, in their order
QUALITY = 95

_DIRECTIONS = np.stack((np.cos(np.arange(SUPPORT) * 2 * np.pi / SUPPORT), np.sin(np.arange(SUPPORT) * 2 * np.pi / SUPPORT)))


def support(outline):
    return outline[(outline @ _DIRECTIONS).argmax(0)]


def draw_shard(job):
    pool, folder, size, k = job
    base = os.path.join(folder, f"{k:05d}")
    if os.path.exists(base + ".npz"):
        return
    jpegs, digits, fields = [], [], []
    for i in range(SHARD):
        truth = draw_scene.scene(pool.seed, k * SHARD + i, size, False, pool.kinds, pool.sizes)
        jpegs.append(cv2.imencode(".jpg", truth["image"][..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
                                                                     cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444])[1].tobytes())
        digits += [(i, digit, *support(outline).ravel()) for digit, outline in truth["digits"]]
        fields += [(i, framed, *seen, *quad.ravel(), *support(outline).ravel()) for framed, quad, seen, outline in truth["fields"]]
    with open(base + ".jpegs", "wb") as f:
        f.write(b"".join(jpegs))
    with open(base + ".new", "wb") as f:
        np.savez(f, at=np.cumsum([0] + [len(j) for j in jpegs]), digits=np.array(digits, np.float32).reshape(-1, 2 + 2 * SUPPORT),
                 fields=np.array(fields, np.float32).reshape(-1, 14 + 2 * SUPPORT))
    os.replace(base + ".new", base + ".npz")  # last, so that a shard which is seen is whole


def draw(name, folder, size, scenes, workers):
    os.makedirs(folder, exist_ok=True)
    cv2.setNumThreads(1)
    fonts.split(False)  # once here, not once per worker
    jobs = [(POOLS[name], folder, size, k) for k in range((scenes + SHARD - 1) // SHARD)]
    with multiprocessing.get_context("fork").Pool(workers) as processes:
        for _ in processes.imap_unordered(draw_shard, jobs):
            pass


def shards(folder):
    """Names of the shards that are whole, oldest first."""
    return sorted(n[:-4] for n in os.listdir(folder) if n.endswith(".npz")) if os.path.isdir(folder) else []


def read_shard(folder, name):
    """images u8 RGB [k, 3, S, S]; digits f32 [d, 2 + 2 * SUPPORT]: scene, digit or -1, points; fields [f, 14 + 2 * SUPPORT]: scene, framed,
    corners seen, quad, points."""
    with np.load(os.path.join(folder, name + ".npz")) as file:
        at, digits, fields = (file[k] for k in ("at", "digits", "fields"))
    data = np.fromfile(os.path.join(folder, name + ".jpegs"), np.uint8)
    images = [cv2.imdecode(data[a:b], cv2.IMREAD_COLOR)[..., ::-1].transpose(2, 0, 1) for a, b in zip(at, at[1:])]
    return np.ascontiguousarray(images), digits, fields


def folder_of(pools, recipe):
    """The pool that a recipe learns from, and the size of its pictures."""
    size = recipe.side or POOLS[recipe.pool].size
    return os.path.join(pools, f"{recipe.pool}-{size}"), size


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--for", dest="model", choices=RECIPES, required=True, help="the model that will learn from it")
    parser.add_argument("pools", help="folder of pools")
    parser.add_argument("--reduced", action="store_true")
    parser.add_argument("--scenes", type=int)
    parser.add_argument("--draw-workers", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    arguments, _ = parser.parse_known_args()  # the other options are train.py's
    recipe = recipe_of(arguments.model, arguments.reduced)
    folder, size = folder_of(arguments.pools, recipe)
    draw(recipe.pool, folder, size, arguments.scenes or recipe.scenes, arguments.draw_workers)


if __name__ == "__main__":
    main()
