#!/usr/bin/env python3
"""Measures a model on the unseen test set: scenes with fonts, textures and layouts that training never drew. What is measured is
the network as it ships: fused, weights rounded to half precision.

usage: evaluate.py NAME WEIGHTS.pt [--pictures N] [--workers N] [--reduced] [--json FILE]      exits with 1 where a mark is missed"""
import json
import os
import sys

import numpy as np
import torch
from torch.nn import functional as F

import metrics
from dataset import detector_sample, digit_crops
from export import for_inference, load
from losses import filled, width_of
from pool import SUPPORT, support
from recipes import parser_of, recipe_of

LEAST_SCORE, IOU, MOST_ANSWERS = 0.001, 0.7, 3000


class TestSet(torch.utils.data.Dataset):
    def __init__(self, recipe, n):
        self.recipe, self.n = recipe, n

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        if self.recipe.task == "classify":
            return digit_crops(self.recipe, index, True)
        return detector_sample(self.recipe, index, self.recipe.export_size, True)


def answers(recipe, rows):
    """Raw output [channels, A] -> boxes, scores, classes, extras of what is left after suppression; as Ultralytics' validation does it
    (PARITY: every class of an anchor that scores is an answer, suppression within classes)."""
    n = len(recipe.names)
    at, cls = np.nonzero(rows[4:4 + n].T > LEAST_SCORE)
    score, rows = rows[4 + cls, at], rows[:, at].T
    if len(score) > MOST_ANSWERS:
        best = np.argsort(-score, kind="stable")[:MOST_ANSWERS]
        score, cls, rows = score[best], cls[best], rows[best]
    if recipe.task == "obb":
        boxes = np.concatenate((rows[:, :4], rows[:, -1:]), 1)
    else:
        boxes = np.concatenate((rows[:, :2] - rows[:, 2:4] / 2, rows[:, :2] + rows[:, 2:4] / 2), 1)
    keep = metrics.suppress(boxes, score, cls, IOU, metrics.rotated_iou if recipe.task == "obb" else metrics.box_iou)
    return boxes[keep], score[keep], cls[keep], rows[keep, 4 + n:]


def masks_of(extra, proto, boxes, size):
    """Masks at the input's size, cut to their boxes."""
    if not len(extra):
        return np.zeros((0, size, size), bool)
    small = torch.from_numpy(extra) @ torch.from_numpy(proto).flatten(1)
    full = F.interpolate(small.view(1, len(extra), *proto.shape[1:]), (size, size), mode="bilinear", align_corners=False)[0].numpy() > 0
    y, x = np.arange(size)[:, None], np.arange(size)[None]
    b = boxes[:, :, None, None]
    return full & (x >= b[:, 0]) & (x < b[:, 2]) & (y >= b[:, 1]) & (y < b[:, 3])


@torch.no_grad()
def measure(recipe, net, pictures, workers, device):
    module = for_inference(recipe, net).to(device)
    loader = torch.utils.data.DataLoader(TestSet(recipe, pictures), batch_size=None, num_workers=workers, collate_fn=lambda sample: sample)
    if recipe.task == "classify":
        right = total = 0
        for crops, labels in loader:
            if len(crops):
                x = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float().to(device) / 255
                right += int((module(x).argmax(1).cpu() == torch.tensor(labels)).sum())
                total += len(labels)
        return {"top1": right / max(total, 1), "objects": total}
    plain, mask = metrics.AveragePrecision(), metrics.AveragePrecision()
    errors, objects = [], 0
    for truth, found in loader:
        out = module(torch.from_numpy(truth["image"]).permute(2, 0, 1)[None].float().to(device) / 255)
        out = [o[0].float().cpu().numpy() for o in (out if isinstance(out, tuple) else (out,))]
        boxes, score, cls, extra = answers(recipe, out[0])
        goal = np.array([o["box"] for o in found], np.float32).reshape(-1, boxes.shape[1])
        goal_cls = np.array([o["cls"] for o in found], int)
        objects += len(found)
        overlap_of = metrics.rotated_iou if recipe.task == "obb" else metrics.box_iou
        iou = overlap_of(boxes, goal)
        if recipe.task in ("detect", "segment"):  # an answer on a digit that nobody can read is neither right nor wrong
            unread = np.array([(*o.min(0), *o.max(0)) for digit, o in truth["digits"] if digit < 0], np.float32).reshape(-1, 4)
            keep = (iou.max(1, initial=0) >= 0.5) | (metrics.box_iou(boxes, unread).max(1, initial=0) < 0.5)
            boxes, score, cls, extra, iou = boxes[keep], score[keep], cls[keep], extra[keep], iou[keep]
        plain.add(iou, score, cls, goal_cls)
        if recipe.task == "pose":
            for i in np.flatnonzero(score >= recipe.defaults["conf"]):
                if len(goal) and iou[i].max() >= 0.5:
                    points = found[int(iou[i].argmax())]["points"]
                    width = float(width_of(torch.from_numpy(points[None])))
                    gap = np.linalg.norm(extra[i].reshape(4, 3)[:, :2] - points[:, :2], axis=1)[points[:, 2] > 0]
                    if len(gap):
                        errors.append(float(gap.mean() / width))
        if recipe.task == "segment":
            size = recipe.export_size
            theirs = filled(torch.from_numpy(np.array([support(o["outline"]) for o in found], np.float32).reshape(-1, SUPPORT, 2)), size, size).numpy() > 0
            near = np.flatnonzero(iou.max(1, initial=0) > 0)  # masks are cut to their boxes: of all others the overlap is 0
            overlap = np.zeros_like(iou)
            overlap[near] = metrics.mask_iou(masks_of(extra[near], out[1], boxes[near], size), theirs)
            mask.add(overlap, score, cls, goal_cls)
    result = dict(zip(("map50", "map50_95"), plain.result()), objects=objects)
    if recipe.task == "pose":
        errors = np.array(errors or [1.0])
        result.update(corner_median=float(np.median(errors)), corner_2_percent=float((errors < 0.02).mean()))
    if recipe.task == "segment":
        result.update(zip(("mask_map50", "mask_map50_95"), mask.result()))
    return result


def main():
    parser = parser_of("weights")
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--json")
    arguments = parser.parse_args()
    recipe = recipe_of(arguments.name, arguments.reduced)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    result = measure(recipe, load(recipe, arguments.weights), arguments.pictures, arguments.workers, device)
    result = {"model": recipe.name, "pictures": arguments.pictures, **{k: round(v, 4) for k, v in result.items()}}
    print(json.dumps(result))
    missed = [mark for mark, least in recipe.marks.items() if result[mark] < least]
    for mark, least in recipe.marks.items():
        print(f"{mark} {result[mark]:.4f}, wanted {least}: {'NOT reached' if mark in missed else 'reached'}")
    if arguments.json:
        with open(arguments.json, "w") as f:
            json.dump(result, f)
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
