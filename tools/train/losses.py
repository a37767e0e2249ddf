"""Which anchor answers for which object (task-aligned assignment), and what its answers cost.

Boxes are x1 y1 x2 y2 in pixels; rotated boxes are cx cy w h angle, the angle in radians. Assignment works on the list of
(object, anchor) pairs whose anchor lies inside the object, not on the full matrix: digits are many and small."""
import math

import torch
from torch.nn import functional as F

from network import BINS

TOP_K, ALPHA, BETA = 10, 0.5, 6.0
W_BOX, W_CLS, W_DFL, W_POINT, W_SEEN, W_MASK, W_ANGLE = 7.5, 0.5, 1.5, 20.0, 1.0, 7.5, 2.0
CORNER = 0.02  # of a plate's width: how near a corner should be
EPS = 1e-7


def ciou(a, b):
    """Complete IoU of boxes [n, 4]: overlap, less the distance of the centres, less the difference of the aspects."""
    w1, h1, w2, h2 = a[:, 2] - a[:, 0], a[:, 3] - a[:, 1], b[:, 2] - b[:, 0], b[:, 3] - b[:, 1]
    inner = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(1)
    iou = inner / (w1 * h1 + w2 * h2 - inner + EPS)
    outer = torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])
    apart = ((a[:, :2] + a[:, 2:] - b[:, :2] - b[:, 2:]) ** 2).sum(1) / 4
    aspect = 4 / math.pi**2 * (torch.atan(w2 / (h2 + EPS)) - torch.atan(w1 / (h1 + EPS))) ** 2
    with torch.no_grad():
        weight = aspect / (aspect - iou + 1 + EPS)
    return iou - apart / ((outer**2).sum(1) + EPS) - weight * aspect


def _covariance(box):
    a, b, angle = box[:, 2] ** 2 / 12, box[:, 3] ** 2 / 12, box[:, 4]
    cos, sin = torch.cos(angle), torch.sin(angle)
    return a * cos**2 + b * sin**2, a * sin**2 + b * cos**2, (a - b) * cos * sin


def probiou(p, q):
    """1 less the Hellinger distance of the Gaussians that stand for two rotated boxes."""
    a1, b1, c1 = _covariance(p)
    a2, b2, c2 = _covariance(q)
    a, b, c = a1 + a2, b1 + b2, c1 + c2
    dx, dy = p[:, 0] - q[:, 0], p[:, 1] - q[:, 1]
    det = a * b - c**2 + EPS
    t = (a * dy**2 + b * dx**2) / det / 4 - c * dx * dy / det / 2
    det1, det2 = (a1 * b1 - c1**2).clamp(min=0), (a2 * b2 - c2**2).clamp(min=0)
    t = t + 0.5 * torch.log(det / (4 * torch.sqrt(det1 * det2) + EPS) + EPS)
    return 1 - torch.sqrt((1 - torch.exp(-t.clamp(EPS, 100))).clamp(min=EPS))


def _turned(points, box):
    """Points [.., 2] relative to the centre of rotated boxes, along their sides."""
    d = points - box[..., :2]
    cos, sin = torch.cos(box[..., 4]), torch.sin(box[..., 4])
    return torch.stack((d[..., 0] * cos + d[..., 1] * sin, d[..., 1] * cos - d[..., 0] * sin), -1)


def sides(points, box):
    """Distances left, top, right, bottom [.., 4] from points to the sides of boxes, plain or rotated."""
    if box.shape[-1] == 4:
        return torch.cat((points - box[..., :2], box[..., 2:] - points), -1)
    d, half = _turned(points, box), box[..., 2:4] / 2
    return torch.cat((half + d, half - d), -1)


def boxes_at(points, strides, distance, angle=None):
    """The inverse: distances in strides [n, 4] at anchors -> boxes in pixels."""
    d = distance * strides[:, None]
    if angle is None:
        return torch.cat((points - d[:, :2], points + d[:, 2:]), 1)
    f = (d[:, 2:] - d[:, :2]) / 2
    cos, sin = torch.cos(angle), torch.sin(angle)
    centre = points + torch.stack((f[:, 0] * cos - f[:, 1] * sin, f[:, 0] * sin + f[:, 1] * cos), 1)
    return torch.cat((centre, d[:, :2] + d[:, 2:], angle[:, None]), 1)


def corners_at(raw, points, strides):
    """Raw answers [n, 3 K] at anchors -> corners [n, K, 2] in pixels, logits of their being seen [n, K]."""
    v = raw.view(len(raw), -1, 3)
    return v[..., :2] * 2.0 * strides[:, None, None] + (points - 0.5 * strides[:, None])[:, None], v[..., 2]


def width_of(corners):
    """Of plates [n, 4, 2 or 3], clockwise from the top left: the mean of the upper and the lower edge; corners are measured in it."""
    return ((corners[:, 1, :2] - corners[:, 0, :2]).norm(dim=1) + (corners[:, 2, :2] - corners[:, 3, :2]).norm(dim=1)).clamp(min=16) / 2


def inside_pairs(points, boxes, chunk=4096):
    """All (object, anchor) with the anchor's centre inside the object: two index vectors."""
    g, a = [], []
    for at in range(0, len(boxes), chunk):
        hit = sides(points[None], boxes[at:at + chunk, None]).amin(-1) > 1e-3
        i, j = hit.nonzero(as_tuple=True)
        g.append(i + at)
        a.append(j)
    return torch.cat(g), torch.cat(a)


def _first_k(group, value, k):
    """A mask of the k largest values of each group."""
    order = torch.argsort(value, descending=True)
    order = order[torch.argsort(group[order], stable=True)]
    sorted_group = group[order]
    start = torch.searchsorted(sorted_group, sorted_group)
    keep = torch.zeros_like(group, dtype=torch.bool)
    keep[order] = torch.arange(len(group), device=group.device) - start < k
    return keep


def filled(outlines, height, width):
    """Convex polygons [n, S, 2], clockwise as seen, as masks [n, height, width]: 1 where a pixel's centre is on the inner side of every edge."""
    y, x = torch.arange(height, device=outlines.device)[:, None] + 0.5, torch.arange(width, device=outlines.device) + 0.5
    inside = torch.ones(len(outlines), height, width, dtype=torch.bool, device=outlines.device)
    for a, b in zip(outlines.unbind(1), outlines.roll(-1, 1).unbind(1)):
        (x0, y0), (dx, dy) = a[:, :, None, None].unbind(1), (b - a)[:, :, None, None].unbind(1)
        inside &= dx * (y - y0) - dy * (x - x0) >= 0
    return inside.float()


class DetectorLoss:
    def __init__(self, net):
        self.net = net

    def __call__(self, out, targets, height, width):
        """targets: image [G] index in the batch, cls [G], boxes [G, 4 or 5], and per task points [G, K, 3] (x, y, visible 0 or 1)
        or outlines [G, S, 2], convex and clockwise as seen; where there are digits also unread_image [U] and unread [U, 4]: boxes in
        which an answer is neither right nor wrong. Returns (loss, {name: value})."""
        net = self.net
        box, cls = out["box"].float(), out["cls"].float()
        n, _, n_anchors = cls.shape
        points, strides = net.anchors(height, width, cls.device)
        extra = out["extra"].float() if net.n_extra else None
        image, label, truth = targets["image"], targets["cls"], targets["boxes"]
        wanted, counted = torch.zeros_like(cls), self._counted(points, n, targets)
        parts = {}
        chosen = self._assign(box, cls, extra, points, strides, targets) if len(label) else None
        if chosen is None or not len(chosen[0]):
            loss = W_CLS * F.binary_cross_entropy_with_logits(cls, wanted, counted, reduction="sum") + 0.0 * box.sum()
            if extra is not None:
                loss = loss + 0.0 * extra.sum()
            if "proto" in out:
                loss = loss + 0.0 * out["proto"].float().sum()
            return loss / n, {"cls": loss.detach() / n}
        g, a, score = chosen
        b = image[g]
        wanted[b, label[g], a] = score
        if counted is not None:
            counted[b, 0, a] = 1.0
        total = score.sum().clamp(min=1.0)
        parts["cls"] = W_CLS * F.binary_cross_entropy_with_logits(cls, wanted, counted, reduction="sum") / total

        raw = box[b, :, a]  # [P, 4 * BINS]
        distance = (raw.view(-1, 4, BINS).softmax(2) * net.bins).sum(2)
        at, stride = points[a], strides[a]
        if net.task == "obb":
            angle = (extra[b, 0, a].sigmoid() - 0.25) * math.pi
            close = probiou(boxes_at(at, stride, distance, angle), truth[g])
            parts["angle"] = W_ANGLE * (torch.sin(angle - truth[g, 4]) ** 2 * score).sum() / total
        else:
            close = ciou(boxes_at(at, stride, distance), truth[g])
        parts["box"] = W_BOX * ((1 - close) * score).sum() / total
        goal = (sides(at, truth[g]) / stride[:, None]).clamp(0, BINS - 1.01)
        low = goal.floor()
        share = goal - low
        logs = raw.view(-1, 4, BINS).log_softmax(2)
        left, right = logs.gather(2, low.long()[..., None])[..., 0], logs.gather(2, low.long()[..., None] + 1)[..., 0]
        parts["dfl"] = -W_DFL * ((left * (1 - share) + right * share).mean(1) * score).sum() / total

        if net.task == "pose":
            parts.update(self._points(extra[b, :, a], at, stride, targets["points"][g], score, total))
        if net.task == "segment":
            parts["mask"] = self._masks(out["proto"].float(), extra[b, :, a], b, g, targets, truth)
        loss = sum(parts.values())
        return loss, {name: value.detach() for name, value in parts.items()}

    @staticmethod
    def _counted(points, n, targets):
        """[n, 1, A]: 0 at the anchors inside what nobody can read, 1 elsewhere; None where all count."""
        if "unread" not in targets or not len(targets["unread"]):
            return None
        counted = torch.ones(n, 1, len(points), device=points.device)
        u, a = inside_pairs(points, targets["unread"])
        counted[targets["unread_image"][u], 0, a] = 0.0
        return counted

    @torch.no_grad()
    def _assign(self, box, cls, extra, points, strides, targets):
        """Returns (object, anchor, target score) of the positive anchors; no anchor of one picture occurs twice."""
        image, label, truth = targets["image"], targets["cls"], targets["boxes"]
        g, a = inside_pairs(points, truth)
        if not len(g):
            return None
        b = image[g]
        distance = (box[b, :, a].view(-1, 4, BINS).softmax(2) * self.net.bins).sum(2)
        if self.net.task == "obb":
            angle = (extra[b, 0, a].sigmoid() - 0.25) * math.pi
            close = probiou(boxes_at(points[a], strides[a], distance, angle), truth[g]).clamp(min=0)
        else:
            close = ciou(boxes_at(points[a], strides[a], distance), truth[g]).clamp(min=0)
        aligned = cls[b, label[g], a].sigmoid() ** ALPHA * close**BETA
        if self.net.task == "pose":  # anchors with good corners shall have the best scores
            gap = (corners_at(extra[b, :, a], points[a], strides[a])[0] - targets["points"][g, :, :2]).norm(dim=-1)
            seen = targets["points"][g, :, 2]
            off = (gap * seen).sum(1) / seen.sum(1).clamp(min=1) / width_of(targets["points"])[g]
            aligned = aligned / (1 + off / CORNER)
        keep = _first_k(g, aligned, TOP_K)
        g, a, close, aligned, b = g[keep], a[keep], close[keep], aligned[keep], b[keep]
        # An anchor that several objects want goes to the one it overlaps most.
        keep = _first_k(b * points.shape[0] + a, close, 1)
        g, a, close, aligned = g[keep], a[keep], close[keep], aligned[keep]
        best_aligned = torch.zeros(len(label), device=g.device).scatter_reduce(0, g, aligned, "amax")
        best_close = torch.zeros(len(label), device=g.device).scatter_reduce(0, g, close, "amax")
        return g, a, aligned / (best_aligned[g] + 1e-9) * best_close[g]

    def _points(self, raw, at, stride, goal, score, total):
        """Corners: an OKS-like term that is sharp when near, and a plain distance that pulls from afar; both in widths of the plate."""
        xy, v = corners_at(raw, at, stride)
        off = (((xy - goal[..., :2]) / width_of(goal)[:, None, None]) ** 2).sum(-1)
        seen = goal[..., 2]
        near = 1 - torch.exp(-off / (2 * CORNER**2))
        far = torch.sqrt(off + 1e-6)
        cost = ((near * 0.3 + far) * seen).sum(1) / seen.sum(1).clamp(min=1)
        vis = F.binary_cross_entropy_with_logits(v, seen, reduction="none").mean(1)
        return {"point": W_POINT * (cost * score).sum() / total, "seen": W_SEEN * (vis * score).sum() / total}

    def _masks(self, proto, coefficients, b, g, targets, truth, most=1000):
        """Binary cross entropy inside the object's box, divided by the box's area."""
        if len(g) > most:
            pick = torch.randperm(len(g), device=g.device)[:most]
            coefficients, b, g = coefficients[pick], b[pick], g[pick]
        h, w = proto.shape[2:]
        y, x = torch.arange(h, device=g.device)[:, None] + 0.5, torch.arange(w, device=g.device)[None] + 0.5
        order = torch.argsort(b)
        coefficients, b, g = coefficients[order], b[order], g[order]
        logits = torch.cat([c @ p for c, p in zip(coefficients.split(torch.bincount(b, minlength=len(proto)).tolist()), proto.flatten(2))])
        goal = filled(targets["outlines"][g] / 4, h, w)
        box = truth[g][:, :, None, None] / 4
        inside = (x > box[:, 0] - 0.5) & (x < box[:, 2] + 0.5) & (y > box[:, 1] - 0.5) & (y < box[:, 3] + 0.5)
        cost = F.binary_cross_entropy_with_logits(logits.view_as(goal), goal, reduction="none") * inside
        return W_MASK * (cost.sum((1, 2)) / inside.sum((1, 2)).clamp(min=1)).sum() / max(len(g), 1)
