"""From a network's raw output to final answers: which detections stay and where they lie in the picture. The rules are those that
yolk and the field's common package follow; spelled out here in torch, on their own, so that yolk can be held against them."""
import math

import cv2
import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

MOST_ROWS = 30000
CLASS_SHIFT = 7680.0  # pixels between the boxes of two classes, so that they never overlap


# ---- pictures ----

def letterbox(bgr, height, width, stride=0):
    """Fits the picture into height x width, grey around it; with a stride only up to the next multiple of it."""
    h, w = bgr.shape[:2]
    gain = min(height / h, width / w)
    nh, nw = max(round(h * gain), 1), max(round(w * gain), 1)
    dh, dw = height - nh, width - nw
    if stride:
        dh, dw = dh % stride, dw % stride
    if (nh, nw) != (h, w):
        bgr = cv2.resize(bgr, (nw, nh), interpolation=cv2.INTER_LINEAR)
    return cv2.copyMakeBorder(bgr, dh // 2, dh - dh // 2, dw // 2, dw - dw // 2, cv2.BORDER_CONSTANT, value=(114,) * 3)


def middle(bgr, side):
    """For classifiers: the shorter side becomes `side` (smoothed as Pillow does), then the middle is cut out. RGB."""
    image = Image.fromarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
    w, h = image.size
    w, h = (side, int(side * h / w)) if w <= h else (int(side * w / h), side)
    image = image.resize((w, h), Image.Resampling.BILINEAR)
    top, left = round((h - side) / 2), round((w - side) / 2)
    return np.asarray(image)[top:top + side, left:left + side]


class Fit:
    """How a letterboxed input of H x W lies over a picture of h x w."""

    def __init__(self, H, W, h, w):
        gain = min(H / h, W / w)
        nh, nw = max(round(h * gain), 1), max(round(w * gain), 1)
        self.gain = torch.tensor([nw / w, nh / h], dtype=torch.float32)
        self.pad = torch.tensor([round((W - nw) / 2 - 0.1), round((H - nh) / 2 - 0.1)], dtype=torch.float32)
        self.high = torch.tensor([w, h], dtype=torch.float32)

    def points(self, xy):
        return ((xy - self.pad) / self.gain).clamp(min=0).minimum(self.high)


# ---- suppression ----

def greedy(boxes, iou_limit):
    """boxes x1 y1 x2 y2, best first -> indices of those that overlap no kept one by more."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    for i in range(len(boxes)):
        if kept:
            low, high = boxes[i, :2].maximum(boxes[kept, :2]), boxes[i, 2:].minimum(boxes[kept, 2:])
            inner = (high - low).clamp(min=0).prod(1)
            if (inner / (area[i] + area[kept] - inner)).double().max() > iou_limit:
                continue
        kept.append(i)
    return kept


def probabilistic_iou(boxes):
    """All pairs of x y w h angle: boxes as normal distributions, one minus their Hellinger distance."""
    x, y, w, h, r = boxes.unbind(1)
    cos, sin, w, h = r.cos(), r.sin(), w ** 2 / 12, h ** 2 / 12
    a, b, c = w * cos ** 2 + h * sin ** 2, w * sin ** 2 + h * cos ** 2, (w - h) * cos * sin
    A, B, C = a[:, None] + a, b[:, None] + b, c[:, None] + c
    dx, dy = x[:, None] - x, y[:, None] - y
    eps, det, own = 1e-7, A * B - C ** 2, (a * b - c ** 2).clamp(min=0)
    t = (A * dy ** 2 + B * dx ** 2) / (det + eps) / 4 - C * dx * dy / (det + eps) / 2
    t = t + 0.5 * (det / (4 * (own[:, None] * own).sqrt() + eps) + eps).log()
    return 1 - (1 - (-t.clamp(eps, 100)).exp() + eps).sqrt()


def choose(recipe, raw, conf, defaults):
    """Raw output [channels, A] -> rows [n, 6 + extras]: box (x1 y1 x2 y2; oriented: x y w h), score, class, extras; best first."""
    n = len(recipe.names)
    score, cls = raw[4:4 + n].max(0)
    keep = torch.nonzero(score > torch.tensor(conf, dtype=torch.float32)).flatten()
    order = keep[torch.sort(score[keep], descending=True, stable=True).indices][:MOST_ROWS]
    rows, score, cls = raw[:, order].T, score[order], cls[order].float()
    shift = cls[:, None] * (0.0 if defaults["agnostic"] else CLASS_SHIFT)
    if recipe.task == "obb":
        boxes = rows[:, :4]
        shifted = torch.cat((boxes[:, :2] + shift, boxes[:, 2:], rows[:, -1:]), 1)
        # Any better box drops a worse one, whether it is itself dropped or not.
        worst = torch.triu(probabilistic_iou(shifted), 1).amax(0) if len(rows) else score
        kept = torch.nonzero(worst <= defaults["iou"]).flatten()
    else:
        boxes = torch.cat((rows[:, :2] - rows[:, 2:4] / 2, rows[:, :2] + rows[:, 2:4] / 2), 1)
        kept = torch.tensor(greedy(boxes + shift, defaults["iou"]), dtype=torch.long)
    kept = kept[:defaults["max_det"]]
    return torch.cat((boxes, score[:, None], cls[:, None], rows[:, 4 + n:]), 1)[kept]


# ---- masks ----

def cut(masks, boxes):
    x, y = torch.arange(masks.shape[2])[None, None, :], torch.arange(masks.shape[1])[None, :, None]
    x1, y1, x2, y2 = (boxes[:, k, None, None] for k in range(4))
    return masks & (x >= x1) & (x < x2) & (y >= y1) & (y < y2)


def bilinear(logits, size):
    return F.interpolate(logits[None], size, mode="bilinear", align_corners=False)[0]


def masks_at_input(rows, proto, H, W):
    logits = (rows[:, 6:] @ proto.flatten(1)).view(-1, *proto.shape[1:])
    return cut(bilinear(logits, (H, W)) > 0, rows[:, :4])


def masks_at_picture(rows, proto, boxes, h, w):
    """boxes: in the picture. The prototypes are enlarged until the padding is whole pixels of theirs, which then are cut off."""
    mh, mw = proto.shape[1:]
    gain = min(4 * mh / h, 4 * mw / w)
    pad = (4 * mh - max(round(h * gain), 1)) | (4 * mw - max(round(w * gain), 1))
    times = 4 // math.gcd(4, pad | pad // 2)
    logits = (rows[:, 6:] @ proto.flatten(1)).view(-1, mh, mw)
    if times > 1:
        logits = bilinear(logits, (mh * times, mw * times))
    H, W = logits.shape[1:]
    gain = min(H / h, W / w)
    ih, iw = max(round(h * gain), 1), max(round(w * gain), 1)
    top, left = round((H - ih) / 2 - 0.1), round((W - iw) / 2 - 0.1)
    return cut(bilinear(logits[:, top:top + ih, left:left + iw], (h, w)) > 0, boxes)


def runs(mask):
    """Column-major run lengths, background first."""
    flat = mask.numpy().astype(np.uint8).flatten(order="F")
    edges = np.concatenate(([0], np.flatnonzero(np.diff(flat)) + 1, [flat.size]))
    return ([0] if flat.size and flat[0] else []) + np.diff(edges).tolist()


# ---- whole pictures ----

def in_picture(recipe, rows, proto, fit, size, picture, at_picture):
    """The chosen rows as a list of dicts: boxes, keypoints, masks in the picture's pixels (masks: see the two functions)."""
    pixels, score = 4, 8  # decimals: far below what two libraries differ by
    def numbers(t, digits):
        return [round(float(v), digits) for v in t.flatten()]
    out = []
    if not len(rows):
        return out
    if recipe.task == "obb":
        for row in rows:
            centre, side, r = (row[:2] - fit.pad) / fit.gain, row[2:4] / fit.gain, row[6]
            u, v = torch.stack((r.cos(), r.sin())) * side[0] / 2, torch.stack((-r.sin(), r.cos())) * side[1] / 2
            corners = [numbers(centre + a * u + b * v, pixels) for a, b in ((1, 1), (1, -1), (-1, -1), (-1, 1))]
            out.append({"class": int(row[5]), "confidence": round(float(row[4]), score),
                        "xywhr": numbers(torch.cat((centre, side)), pixels) + [round(float(r), 7)], "corners": corners})
        return out
    boxes = torch.cat((fit.points(rows[:, :2]), fit.points(rows[:, 2:4])), 1)
    if recipe.task == "segment":
        masks = masks_at_input(rows, proto, *size)
        full = masks_at_picture(rows, proto, boxes, *picture) if at_picture else masks
        there = full.flatten(1).any(1) if at_picture else masks.flatten(1).any(1)
    for i, row in enumerate(rows):
        one = {"class": int(row[5]), "confidence": round(float(row[4]), score), "xyxy": numbers(boxes[i], pixels)}
        if recipe.task == "pose":
            points = row[6:].view(-1, 3)
            one["keypoints"] = [numbers(xy, pixels) + [round(float(p[2]), score)] for xy, p in zip(fit.points(points[:, :2]), points)]
        if recipe.task == "segment":
            if not there[i]:
                continue
            one["mask"] = {"size": list(size), "counts": runs(masks[i])}
            if at_picture:
                one["mask_image"] = {"size": list(picture), "counts": runs(full[i])}
        out.append(one)
    return out
