"""Average precision as COCO counts it, and the overlaps it needs. Plain numpy; nothing about networks."""
import cv2
import numpy as np

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)


def box_iou(a, b):
    """[n, 4] and [m, 4] corners -> [n, m]."""
    inner = np.prod(np.clip(np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2]), 0, None), 2)
    return inner / (np.prod(a[:, 2:] - a[:, :2], 1)[:, None] + np.prod(b[:, 2:] - b[:, :2], 1)[None] - inner + 1e-9)


def rotated_iou(a, b):
    """Exact overlap of rotated boxes cx cy w h angle, by intersecting polygons."""
    def corners(r):
        return cv2.boxPoints(((float(r[0]), float(r[1])), (float(r[2]), float(r[3])), float(np.degrees(r[4])))).astype(np.float32)
    result = np.zeros((len(a), len(b)))
    for i, p in enumerate(map(corners, a)):
        for j, q in enumerate(map(corners, b)):
            if np.hypot(*(a[i, :2] - b[j, :2])) < (np.hypot(*a[i, 2:4]) + np.hypot(*b[j, 2:4])) / 2:
                inner = cv2.intersectConvexConvex(p, q)[0]
                result[i, j] = inner / (a[i, 2] * a[i, 3] + b[j, 2] * b[j, 3] - inner + 1e-9)
    return result


def mask_iou(a, b):
    if not len(a) or not len(b):
        return np.zeros((len(a), len(b)))
    a, b = a.reshape(len(a), -1).astype(np.float32), b.reshape(len(b), -1).astype(np.float32)
    inner = a @ b.T
    return inner / (a.sum(1)[:, None] + b.sum(1)[None] - inner + 1e-9)


def suppress(boxes, scores, classes, limit, overlap):
    """Greedy suppression within classes; indices of what stays, best first."""
    order = np.argsort(-scores, kind="stable")[:2000]
    keep = []
    for i in order:
        mine = [k for k in keep if classes[k] == classes[i]]
        if not mine or overlap(boxes[i:i + 1], boxes[mine]).max() <= limit:
            keep.append(i)
        if len(keep) == 300:
            break
    return np.array(keep, int)


class AveragePrecision:
    def __init__(self):
        self.scores, self.hits, self.classes, self.truths = [], [], [], []

    def add(self, iou, scores, classes, truth_classes):
        """One picture: iou [answers, truths]. An answer takes the free truth of its class that it overlaps most, best answers first."""
        order = np.argsort(-scores, kind="stable")
        hits = np.zeros((len(order), len(THRESHOLDS)), bool)
        for t, threshold in enumerate(THRESHOLDS):
            taken = np.zeros(len(truth_classes), bool)
            for row, i in enumerate(order):
                match = np.where((truth_classes == classes[i]) & ~taken, iou[i], -1.0) if len(truth_classes) else np.array([-1.0])
                best = int(match.argmax())
                if match[best] >= threshold:
                    taken[best] = hits[row, t] = True
        self.scores.append(scores[order])
        self.hits.append(hits)
        self.classes.append(classes[order])
        self.truths.append(truth_classes)

    def result(self):
        """(mAP at 0.5, mAP at 0.5 .. 0.95), each the mean over classes that occur."""
        scores, hits = np.concatenate(self.scores), np.concatenate(self.hits)
        classes, truths = np.concatenate(self.classes), np.concatenate(self.truths)
        table = []
        for c in np.unique(truths):
            mine = classes == c
            order = np.argsort(-scores[mine], kind="stable")
            right = np.cumsum(hits[mine][order], 0)
            recall = right / max((truths == c).sum(), 1)
            precision = right / np.arange(1, len(order) + 1)[:, None]
            precision = np.maximum.accumulate(precision[::-1], 0)[::-1]
            row = []
            for t in range(len(THRESHOLDS)):
                at = np.searchsorted(recall[:, t], RECALLS, side="left")
                row.append(np.append(precision[:, t], 0)[at].mean() if len(order) else 0.0)
            table.append(row)
        table = np.array(table) if table else np.zeros((1, len(THRESHOLDS)))
        return float(table[:, 0].mean()), float(table.mean())
