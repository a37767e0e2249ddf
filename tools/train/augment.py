"""A batch of pool scenes, looked at anew: moved, scaled and turned, in other colours; and the truth moved along. All on the device.

Where a view reaches past its picture there is the grey of a letterbox. One view in five shows its picture pixel for pixel: what is
sampled anew is softer than a photograph. Coordinates are pixels, points are [.., 2]."""
import math

import torch
from torch.nn import functional as F

GREY = 114 / 255
LEAST = 8.0  # pixels: no view makes a digit smaller than this where it was not already
SCALES = (0.55, 1.6)
PLAIN = 0.2  # share of views that are only moved, by whole pixels
TURNED = {"detect": 0.12, "segment": 0.12, "obb": 0.12, "pose": 0.25}  # share of views that are turned by more than a hand's tilt


def matrices(n, side, size, least, turned, device):
    """[n, 2, 3] maps from pictures of side x side to views of size x size. least [n]: the height of each picture's smallest digit;
    turned: the share of maps that turn much."""
    least = least * (size / side)
    low = torch.maximum(torch.full_like(least, SCALES[0]), (LEAST / least).clamp(max=1.0)).log()
    scale = torch.exp(low + torch.rand(n, device=device) * (math.log(SCALES[1]) - low))
    scale = torch.where(torch.rand(n, device=device) < 0.25, torch.ones_like(scale), scale)
    grown = scale * (size / side)
    wide = torch.rand(n, device=device) < turned
    turn = torch.randn(n, device=device) * torch.where(wide, 0.2, 0.03)
    stretch = torch.exp(torch.randn(n, device=device) * 0.08)
    shear = torch.randn(n, device=device) * 0.08
    cos, sin = torch.cos(turn), torch.sin(turn)
    a = torch.stack((torch.stack((cos, -sin), -1), torch.stack((sin, cos), -1)), 1)
    b = torch.stack((torch.stack((grown * stretch, grown * shear), -1), torch.stack((torch.zeros_like(scale), grown / stretch), -1)), 1)
    m = a @ b
    middle = torch.full((n, 2, 1), side / 2, device=device)
    slack = ((1 - scale).abs() * size / 2 + size * 0.06)[:, None, None]
    views = torch.cat((m, size / 2 - m @ middle + (torch.rand(n, 2, 1, device=device) * 2 - 1) * slack), 2)
    at = (torch.rand(n, 2, 1, device=device) * (size - side) + torch.randn(n, 2, 1, device=device) * 0.06 * size).round()
    plain = torch.cat((torch.eye(2, device=device).expand(n, 2, 2), at), 2)
    return torch.where(torch.rand(n, 1, 1, device=device) < PLAIN, plain, views)


def inverse(m):
    a = torch.linalg.inv(m[:, :, :2])
    return torch.cat((a, -a @ m[:, :, 2:]), 2)


def sample(images, m, size, mode="bilinear"):
    """images [n, c, h, w] seen through maps picture -> view, as [n, c, size, size]; outside is zero."""
    back, (h, w) = inverse(m), images.shape[2:]
    # affine_grid counts from -1 to 1 across the picture, edges included.
    scale = torch.tensor([[w / 2], [h / 2]], device=m.device)
    theta = torch.cat((back[:, :, :2] * (size / 2) / scale, (back[:, :, 2:] + back[:, :, :2].sum(2, keepdim=True) * (size / 2)) / scale - 1), 2)
    return F.grid_sample(images, F.affine_grid(theta, (len(images), 1, size, size), align_corners=False), mode, "zeros", align_corners=False)


def move(points, m):
    """points [k, p, 2] by maps [k, 2, 3]."""
    return points @ m[:, :, :2].transpose(1, 2) + m[:, None, :, 2]


def _some(n, share, device):
    return (torch.rand(n, 1, 1, 1, device=device) < share).float()


def colours(images):
    """f32 [n, 3, h, w] in 0..1: channels exchanged, light and contrast, negatives."""
    n, device = len(images), images.device
    order = torch.where(torch.rand(n, 1, device=device) < 0.5, torch.argsort(torch.rand(n, 3, device=device), 1), torch.arange(3, device=device))
    images = images.gather(1, order[:, :, None, None].expand(-1, -1, *images.shape[2:]))
    grey = _some(n, 0.1, device)
    images = images + grey * (images.mean(1, keepdim=True) - images)
    gain = torch.empty(n, 3, 1, 1, device=device).uniform_(0.85, 1.15) * torch.empty(n, 1, 1, 1, device=device).uniform_(0.65, 1.2)
    images = (images - 0.5) * gain + 0.5 + torch.empty(n, 1, 1, 1, device=device).uniform_(-0.15, 0.15)
    negative = _some(n, 0.15, device)
    return (images + negative * (1 - 2 * images)).clamp(0, 1)


def sensor(images):
    """Blur and noise of a pixel's size, so after all sampling; outside its picture a view stays clean. Like `images`, the values are
    differences from GREY."""
    n, device = len(images), images.device
    inside = (images != 0).any(1, keepdim=True)
    soft = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
    images = images + _some(n, 0.15, device) * torch.rand(n, 1, 1, 1, device=device) * (soft - images)
    images = images + _some(n, 0.3, device) * torch.rand(n, 1, 1, 1, device=device) * 0.05 * torch.randn_like(images)
    return images.clamp(-GREY, 1 - GREY) * inside


def boxes_of(points, size):
    """[k, p, 2] -> (boxes cut to the view [k, 4], share of each that is in view)."""
    low, high = points.amin(1), points.amax(1)
    cut_low, cut_high = low.clamp(0, size), high.clamp(0, size)
    return torch.cat((cut_low, cut_high), 1), (cut_high - cut_low).prod(1) / (high - low).prod(1).clamp(min=1e-6)


def shares(quads, size):
    """How much of each quad [k, 4, 2] is in view, counted on a grid of points in it."""
    t = (torch.arange(8, device=quads.device) + 0.5) / 8
    u, v = t[None, :, None, None], t[None, None, :, None]
    q = quads[:, :, None, None]
    points = (q[:, 0] * (1 - u) + q[:, 1] * u) * (1 - v) + (q[:, 3] * (1 - u) + q[:, 2] * u) * v
    return ((points >= 0) & (points <= size)).all(-1).float().mean((1, 2))


def oriented(quads):
    """The smallest rectangle around each quad [k, 4, 2] as cx cy w h angle: w along the top edge as read, angle in [-pi/4, 3 pi/4)."""
    edge = quads.roll(-1, 1) - quads
    along = edge / edge.norm(dim=-1, keepdim=True).clamp(min=1e-6)  # [k, 4, 2]: one side of the smallest rectangle lies on an edge
    across = torch.stack((-along[..., 1], along[..., 0]), -1)
    u, v = torch.einsum("kpi,kei->kep", quads, along), torch.einsum("kpi,kei->kep", quads, across)
    best = ((u.amax(2) - u.amin(2)) * (v.amax(2) - v.amin(2))).argmin(1)
    row = torch.arange(len(quads), device=quads.device)
    u, v, along, across = u[row, best], v[row, best], along[row, best], across[row, best]
    (u0, u1), (v0, v1) = (u.amin(1), u.amax(1)), (v.amin(1), v.amax(1))
    centre = along * ((u0 + u1) / 2)[:, None] + across * ((v0 + v1) / 2)[:, None]
    turn = torch.atan2(along[:, 1], along[:, 0])
    top = quads[:, 1] - quads[:, 0] + quads[:, 2] - quads[:, 3]
    swap = torch.sin(turn - torch.atan2(top[:, 1], top[:, 0])).abs() > math.sqrt(0.5)
    w, h = torch.where(swap, v1 - v0, u1 - u0), torch.where(swap, u1 - u0, v1 - v0)
    turn = torch.where(swap, turn + math.pi / 2, turn)
    return torch.cat((centre, torch.stack((w, h, (turn + math.pi / 4) % math.pi - math.pi / 4), 1)), 1)


def detector_view(task, batch, size, change=True):
    """batch: images u8 [n, 3, S, S]; digits [d, 2 + 2 * SUPPORT]: picture, digit or -1, outline; fields [f, 14 + 2 * SUPPORT]: picture, framed,
    corners seen, quad, outline. Returns (images f32, targets of losses.DetectorLoss)."""
    images, digits, fields = batch["images"].float() / 255, batch["digits"], batch["fields"]
    n, device, side = len(images), images.device, images.shape[2]
    outline, of = digits[:, 2:].unflatten(1, (-1, 2)), digits[:, 0].long()
    if change:
        least = torch.full((n,), 1e4, device=device).scatter_reduce(0, of, outline[..., 1].amax(1) - outline[..., 1].amin(1), "amin")
        m = matrices(n, side, size, least, TURNED[task], device)
        # Grey outside: sample the difference from grey, so that zeros are grey.
        images = sensor(sample(colours(images) - GREY, m, size)) + GREY
    else:
        m = torch.tensor([[1.0, 0, 0], [0, 1, 0]], device=device).expand(n, 2, 3) * (size / side)
        images = F.interpolate(images, (size, size), mode="bilinear", antialias=True) if side != size else images
    outline = move(outline, m[of])
    box, share = boxes_of(outline, size)
    shown = (share >= 0.6) & ((box[:, 2:] - box[:, :2]).amin(1) >= 1.5)
    read = digits[:, 1] >= 0
    unread = {"unread_image": of[~read], "unread": box[~read]}  # what nobody can name is neither right nor wrong, as in the test
    shown &= read
    if task == "detect":
        return images, {"image": of[shown], "cls": digits[shown, 1].long(), "boxes": box[shown], **unread}
    field_of, framed, corner_seen = fields[:, 0].long(), fields[:, 1], fields[:, 2:6]
    quad, field_outline = move(fields[:, 6:].unflatten(1, (-1, 2)), m[field_of]).tensor_split((4,), 1)
    seen = shares(quad, size)
    if task == "obb":
        keep = seen > 0.6
        return images, {"image": field_of[keep], "cls": torch.zeros_like(field_of[keep]), "boxes": oriented(quad[keep])}
    if task == "pose":
        keep = (framed == 2) & (seen > 0.4)
        inside = ((quad >= 0) & (quad <= size)).all(-1, keepdim=True) * corner_seen[..., None]
        return images, {"image": field_of[keep], "cls": torch.zeros_like(field_of[keep]), "boxes": boxes_of(quad[keep], size)[0],
                        "points": torch.cat((quad, inside), 2)[keep]}
    keep = (framed > 0) & (seen > 0.2)
    shown &= (box[:, 2:] - box[:, :2]).prod(1) >= 30
    outlines = torch.cat((field_outline[keep], outline[shown]))
    cls = torch.cat((torch.zeros_like(field_of[keep]), torch.ones_like(of[shown])))
    return images, {"image": torch.cat((field_of[keep], of[shown])), "cls": cls, "boxes": boxes_of(outlines, size)[0], "outlines": outlines, **unread}


def digit_view(batch, size, most):
    """Square crops around digits, each jittered, and their names: (images f32 [k, 3, size, size], labels [k])."""
    images, digits = batch["images"].float() / 255, batch["digits"]
    outline, of = digits[:, 2:].unflatten(1, (-1, 2)), digits[:, 0].long()
    box, share = boxes_of(outline, images.shape[2])
    span = box[:, 2:] - box[:, :2]
    keep = ((share >= 0.6) & (span[:, 1] >= 8) & (digits[:, 1] >= 0)).nonzero()[:, 0]
    keep = keep[torch.randperm(len(keep), device=keep.device)[:most]]
    k, device = len(keep), images.device
    if not k:
        return images.new_empty(0, 3, size, size), keep
    box, span, of = box[keep], span[keep], of[keep]
    edge = span.amax(1) * torch.empty(k, device=device).uniform_(1.0, 1.75)
    centre = (box[:, :2] + box[:, 2:]) / 2 + torch.randn(k, 2, device=device) * (0.05 * edge)[:, None]
    turn, stretch = torch.randn(k, device=device) * 0.06, torch.exp(torch.randn(k, device=device) * 0.1)
    lean = torch.randn(k, device=device) * 0.12
    cos, sin = torch.cos(turn), torch.sin(turn)
    s = 2 * size / edge  # twice the size, then averaged: a digit that shrinks is not just sampled
    m = torch.stack((torch.stack((s * stretch * cos, s * (lean * stretch * cos - sin)), -1),
                     torch.stack((s * sin, s * (lean * sin + cos / stretch)), -1)), 1)
    m = torch.cat((m, size - m @ centre[:, :, None]), 2)
    crops = F.avg_pool2d(_strokes(sample(images[of] - GREY, m, 2 * size)), 2) + GREY
    return sensor(colours(crops) - GREY) + GREY, digits[keep, 1].long()


def _strokes(images):
    """Some pictures with what is bright wider by a pixel on each side, or what is dark: strokes of another weight."""
    n, device = len(images), images.device
    way = torch.rand(n, 1, 1, 1, device=device)
    wide = F.max_pool2d(images, 3, 1, 1)
    return torch.where(way < 0.12, wide, torch.where(way > 0.88, -F.max_pool2d(-images, 3, 1, 1), images))
