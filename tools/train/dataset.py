"""Scenes as samples of the test set, and pools of them as training batches."""
import math
import os
import threading
import time

import cv2
import numpy as np
import torch

import draw_scene
from pool import SHARD, read_shard, shards

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


def detector_sample(recipe, index, size, test):
    """(scene, list of objects). An object is a dict: cls, box and per task points [K, 3] or the outline of its mask [n, 2]."""
    truth = draw_scene.scene(recipe.seed, index, size, test, recipe.kinds, recipe.sizes)
    objects = []
    if recipe.task == "detect":
        objects = [dict(cls=int(row[0]), box=row[1:]) for row in draw_scene.digit_boxes(truth, size)]
    elif recipe.task == "obb":
        objects = [dict(cls=0, box=oriented(q)) for _, q, _, _ in truth["fields"] if visible_share(q, size) > 0.6]
    elif recipe.task == "pose":
        for framed, quad, seen, _ in truth["fields"]:
            if framed == 2 and visible_share(quad, size) > 0.4:
                objects.append(dict(cls=0, box=tuple(draw_scene.box_in(quad, size)), points=np.column_stack((quad, seen))))
    else:
        shown = [(0, outline) for framed, quad, _, outline in truth["fields"] if framed and visible_share(quad, size) > 0.2]
        shown += [(1, outline) for digit, outline in truth["digits"] if digit >= 0 and draw_scene.is_shown(outline, size)]
        for cls, outline in shown:
            x0, y0, x1, y1 = box = tuple(draw_scene.box_in(outline, size))
            if (x1 - x0) * (y1 - y0) >= 30:
                objects.append(dict(cls=cls, box=box, outline=outline))
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


class Shards(torch.utils.data.IterableDataset):
    """The shards of a pool as they appear; every rank and worker has its own. When there are no new ones, old ones come again, slowly, if
    there are more than the `kept` scenes of whoever asks."""

    def __init__(self, folder, rank, ranks, kept):
        self.folder, self.rank, self.ranks, self.kept = folder, rank, ranks, kept

    def __iter__(self):
        info = torch.utils.data.get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        seen, parent, again = [], os.getppid(), 0
        while os.getppid() == parent:  # a worker ends with the process that it works for
            known = set(seen)
            mine = [n for n in shards(self.folder) if int(n) % (self.ranks * workers) == self.rank * workers + worker and n not in known]
            seen += mine
            if not mine:
                time.sleep(0.5)
                if len(seen) * SHARD * workers > self.kept:
                    mine, again = [seen[again % len(seen)]], again + 1
            for name in mine:
                yield tuple(torch.from_numpy(part) for part in read_shard(self.folder, name))


def _padded(rows, scenes, most):
    """Rows [r, 1 + c] that begin with their scene's number -> [scenes, most, c] and how many there are of each scene."""
    scene = rows[:, 0].long()
    place = torch.arange(len(rows)) - torch.searchsorted(scene, scene)
    result = torch.zeros(scenes, most, rows.shape[1] - 1)
    keep = place < most
    result[scene[keep], place[keep]] = rows[keep, 1:]
    return result, torch.bincount(scene, minlength=scenes)


class Resident:
    """Scenes kept decoded on the device, filled in the background from a pool that may still be growing; when it is full, new ones
    take the place of the oldest. A batch is drawn from what is there."""

    MOST_DIGITS, MOST_FIELDS = 120, 24

    def __init__(self, folder, capacity, device, workers, rank=0, ranks=1, wait=600.0):
        self.capacity, self.device, self.filled, self.error, self.parts = capacity, device, 0, None, None
        self.lock = threading.Lock()
        self.loader = torch.utils.data.DataLoader(Shards(folder, rank, ranks, capacity), batch_size=None, num_workers=workers,
                                                  prefetch_factor=2 if workers else None)
        threading.Thread(target=self._fill, daemon=True).start()
        until = time.monotonic() + wait
        while not self.filled:
            if self.error or time.monotonic() > until:
                raise RuntimeError(f"{folder}: {self.error or 'no scenes; draw them with pool.py'}")
            time.sleep(0.1)

    def _fill(self):
        try:
            total = 0
            stream = torch.cuda.Stream(self.device) if self.device.type == "cuda" else None  # copies do not wait for the training's kernels
            for images, digits, fields in self.loader:
                k = len(images)
                digits, n_digits = _padded(digits, k, self.MOST_DIGITS)
                fields, n_fields = _padded(fields, k, self.MOST_FIELDS)
                whole = ((n_digits <= self.MOST_DIGITS) & (n_fields <= self.MOST_FIELDS)).nonzero()[:, 0]
                with torch.cuda.stream(stream):
                    new = [p[whole].to(self.device) for p in (images, digits, n_digits, fields, n_fields)]
                if stream:
                    stream.synchronize()
                if self.parts is None:
                    self.parts = [torch.empty((self.capacity, *p.shape[1:]), dtype=p.dtype, device=self.device) for p in new]
                with self.lock:  # a scene is replaced whole
                    # Made on the training's stream: memory of the other one would be used again by the next copy before these kernels read it.
                    to = (total + torch.arange(len(whole), device=self.device)) % self.capacity
                    for part, values in zip(self.parts, new):
                        part[to] = values
                        if stream:
                            values.record_stream(torch.cuda.current_stream(self.device))
                total += len(whole)
                self.filled = min(total, self.capacity)
        except Exception as error:  # told to whoever asks for a batch
            self.error = error

    def batch(self, n):
        """images u8 [n, 3, S, S]; digits and fields as read_shard has them, with the picture's place in the batch first."""
        if self.error:
            raise RuntimeError(f"the pool cannot be read: {self.error}")
        pick = torch.randint(self.filled, (n,), device=self.device)
        with self.lock:
            images, digits, n_digits, fields, n_fields = (p[pick] for p in self.parts)
        return {"images": images, "digits": self._rows(digits, n_digits), "fields": self._rows(fields, n_fields)}

    def _rows(self, padded, count):
        scene, place = (torch.arange(padded.shape[1], device=self.device) < count[:, None]).nonzero(as_tuple=True)
        return torch.cat((scene[:, None].float(), padded[scene, place]), 1)
