"""Scenes as training batches. Batch number k of a recipe is always the same, so a run that resumes sees what it would have seen."""
import math

import cv2
import numpy as np
import torch

import draw_scene
import fonts

cv2.setNumThreads(1)  # a worker is one process among as many as there are cores


def oriented(quad):
    """The smallest rectangle around a quad as cx cy w h angle, w along the top edge as read, the angle in [-pi/4, 3 pi/4)."""
    (cx, cy), (w, h), turn = cv2.minAreaRect(quad.astype(np.float32))
    turn = math.radians(turn)
    edge = quad[1] - quad[0] + quad[2] - quad[3]
    reading = math.atan2(edge[1], edge[0])
    if abs(math.sin(turn - reading)) > math.sqrt(0.5):
        w, h, turn = h, w, turn + math.pi / 2
    return cx, cy, w, h, (turn + math.pi / 4) % math.pi - math.pi / 4


def visible_share(quad, size):
    frame = np.array([(0, 0), (size, 0), (size, size), (0, size)], np.float32)
    area, _ = cv2.intersectConvexConvex(quad.astype(np.float32), frame)
    return area / max(cv2.contourArea(quad.astype(np.float32)), 1e-6)


def _box_of(mask):
    rows, cols = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (cols[0], rows[0], cols[-1] + 1, rows[-1] + 1) if len(rows) else None


def detector_sample(recipe, index, size, test):
    """(image, list of objects). An object is a dict: cls, box and per task points [K, 3] or map (0 field, 1 digit) and id."""
    truth = draw_scene.scene(recipe.seed, index, size, test, recipe.kinds, recipe.sizes, masks=recipe.task == "segment")
    objects = []
    if recipe.task == "detect":
        objects = [dict(cls=int(row[0]), box=row[1:]) for row in draw_scene.digit_boxes(truth, size)]
    elif recipe.task == "obb":
        objects = [dict(cls=0, box=oriented(q)) for _, q in truth["fields"] if visible_share(q, size) > 0.6]
    elif recipe.task == "pose":
        for framed, quad in truth["fields"]:
            if framed and visible_share(quad, size) > 0.4:
                seen = ((quad >= 0) & (quad <= size)).all(1)
                low, high = quad.min(0).clip(0, size), quad.max(0).clip(0, size)
                objects.append(dict(cls=0, box=(*low, *high), points=np.column_stack((quad, seen))))
    else:
        for k, (framed, quad) in enumerate(truth["fields"]):
            box = _box_of(truth["field_id"] == k + 1)
            if framed and box and visible_share(quad, size) > 0.2:
                objects.append(dict(cls=0, box=box, map=0, id=k + 1))
        for k, (_, outline) in enumerate(truth["digits"][:253]):
            x0, y0 = np.maximum(np.floor(outline.min(0)).astype(int) - 2, 0)
            x1, y1 = np.minimum(np.ceil(outline.max(0)).astype(int) + 2, size)
            box = _box_of(truth["digit_id"][y0:y1, x0:x1] == k + 1) if x1 > x0 and y1 > y0 else None
            if box and (box[2] - box[0]) * (box[3] - box[1]) >= 30:
                objects.append(dict(cls=1, box=(box[0] + x0, box[1] + y0, box[2] + x0, box[3] + y0), map=1, id=k + 1))
    return truth, objects


def digit_crops(recipe, index, test, most=8):
    """Square crops around digits of one scene, and their labels."""
    side = 288
    truth = draw_scene.scene(recipe.seed, index, side, test, recipe.kinds, (12, 150))
    rng = np.random.Generator(np.random.PCG64((recipe.seed, index, int(test), 1)))
    rows = draw_scene.digit_boxes(truth, side)
    rng.shuffle(rows)
    crops, labels = [], []
    for digit, x0, y0, x1, y1 in rows[:most]:
        edge = max(x1 - x0, y1 - y0) * rng.uniform(1.0, 1.7)
        cx, cy = (x0 + x1) / 2 + rng.normal(0, 0.04) * edge, (y0 + y1) / 2 + rng.normal(0, 0.04) * edge
        scale = recipe.export_size / edge
        move = np.array([(scale, 0, (edge / 2 - cx) * scale), (0, scale, (edge / 2 - cy) * scale)], np.float32)
        crops.append(cv2.warpAffine(truth["image"], move, (recipe.export_size,) * 2, flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
                                    borderMode=cv2.BORDER_REPLICATE))
        labels.append(int(digit))
    return crops, labels


def collate(recipe, samples, size):
    images = np.stack([t["image"] for t, _ in samples])
    objects = [(i, o) for i, (_, found) in enumerate(samples) for o in found]
    width = 5 if recipe.task == "obb" else 4
    targets = {"image": torch.tensor([i for i, _ in objects], dtype=torch.long), "cls": torch.tensor([o["cls"] for _, o in objects], dtype=torch.long),
               "boxes": torch.tensor(np.array([o["box"] for _, o in objects], np.float32).reshape(-1, width))}
    if recipe.task == "pose":
        targets["points"] = torch.tensor(np.array([o["points"] for _, o in objects], np.float32).reshape(-1, 4, 3))
    if recipe.task == "segment":
        targets["maps"] = torch.tensor(np.stack([np.stack((t["field_id"][2::4, 2::4], t["digit_id"][2::4, 2::4])) for t, _ in samples]))
        targets["where"] = torch.tensor([(i, o["map"], o["id"]) for i, o in objects], dtype=torch.long).view(-1, 3)
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), targets


class Batches(torch.utils.data.Dataset):
    """Item k is batch k of the recipe: (u8 images [N, 3, H, W], targets)."""

    def __init__(self, recipe, size, batch, steps):
        self.recipe, self.size, self.batch, self.steps = recipe, size, batch, steps
        fonts.split(False)  # once here, not once per worker

    def __len__(self):
        return self.steps

    def __getitem__(self, step):
        first = step * self.batch
        if self.recipe.task != "classify":
            return collate(self.recipe, [detector_sample(self.recipe, first + i, self.size, False) for i in range(self.batch)], self.size)
        crops, labels, at = [], [], first
        while len(crops) < self.batch:
            more, named = digit_crops(self.recipe, at, False)
            crops, labels, at = crops + more, labels + named, at + 1
        images = torch.from_numpy(np.stack(crops[:self.batch])).permute(0, 3, 1, 2).contiguous()
        return images, {"cls": torch.tensor(labels[:self.batch])}
