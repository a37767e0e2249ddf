"""A whole picture: background, clutter, number fields in perspective, damage; and the truth about it.

scene(seed, index, size, test) always gives the same picture for the same arguments and fonts."""
import cv2
import numpy as np

import damage
import draw_fields
from draw_world import background

SMALLEST = 7.0  # pixels: no digit is drawn lower than this; people cannot name lower ones either
LEAST_LUMA, LEAST_COLOUR = 30, 70  # how much free-standing digits differ from what is behind them: in luma, or in one channel
LEAST_SPREAD = 5.0  # standard deviation of the picture in a digit's box after all damage; below it is as good as gone
LEAST_LIKENESS = 0.5  # correlation of the damaged picture with the digit's shape
LEAST_EDGE = 10.0  # how much the two sides of a plate's edge differ, in one channel, after all damage


def _stands_out(patch, area, moved, x0, y0):
    """Whether the digits of a patch without a ground of its own can be told from the picture behind them."""
    lit = patch.rgb[patch.lit > 0]
    if patch.framed or not len(lit):
        return True
    ink = np.median(lit, 0)
    for _, outline in moved:
        (u0, v0), (u1, v1) = (np.maximum(outline.min(0) - (x0, y0), 0)).astype(int), (outline.max(0) - (x0, y0)).astype(int) + 1
        behind = area[v0:v1, u0:u1]
        if behind.size:
            gap = np.abs(behind.reshape(-1, 3).mean(0) - ink)
            if gap @ (0.299, 0.587, 0.114) < LEAST_LUMA and gap.max() < LEAST_COLOUR:
                return False
    return True


def _seen(digits, image, lit):
    """Digits that light, blur, glare, noise or compression wiped out lose their name (-1): nobody could read them. What is left of one is
    how well the picture around it still follows its shape (lit: where digits were drawn), in the channel that does best. The list
    keeps its places."""
    result = []
    for digit, outline in digits:
        low, high = outline.min(0), outline.max(0)
        margin = 0.06 * (high[1] - low[1])
        x0, y0 = np.maximum(low - margin, 0).astype(int)
        x1, y1 = (high + margin).astype(int) + 1
        area, shape = image[y0:y1, x0:x1].reshape(-1, 3).astype(np.float32), lit[y0:y1, x0:x1].ravel().astype(np.float32)
        follows = 0.0
        if len(shape):
            shape -= shape.mean()
            area -= area.mean(0)
            spread = np.sqrt((shape @ shape) * (area * area).sum(0))
            follows = (np.abs(shape @ area) / np.maximum(spread, 1e-3)).max() if (np.sqrt((area * area).mean(0)).max() >= LEAST_SPREAD) else 0.0
        result.append((digit if follows >= LEAST_LIKENESS else -1, outline))
    return result


def _corners_seen(quad, means):
    """Which corners [4] of a plate anyone could point at: they are in the picture, and along the nearer half of both edges that meet
    there the picture mostly differs from one side to the other. means f32 [size, size, 3]: the picture, blurred a little."""
    size, half = means.shape[0], 12
    t = (np.arange(2 * half) + 0.5)[:, None] / (2 * half)
    seen = np.zeros((4, 2), bool)  # of each edge, the half where it begins and the half where it ends
    for i in range(4):
        a, along = quad[i].astype(np.float64), (quad[(i + 1) % 4] - quad[i]).astype(np.float64)
        length = max(np.hypot(*along), 1e-3)
        out = np.array((along[1], -along[0])) / length * np.clip(0.012 * length, 2, 6)
        outer, inner = np.floor(a + along * t + out).astype(int), np.floor(a + along * t - out).astype(int)
        shown = ((np.minimum(outer, inner) >= 0) & (np.maximum(outer, inner) < size)).all(1)
        (u0, v0), (u1, v1) = outer.clip(0, size - 1).T, inner.clip(0, size - 1).T
        differs = shown & (np.abs(means[v0, u0] - means[v1, u1]).max(1) >= LEAST_EDGE)
        seen[i] = differs[:half].mean() >= 0.5, differs[half:].mean() >= 0.5
    return ((quad >= 0) & (quad <= size)).all(1) & seen[:, 0] & np.roll(seen[:, 1], 1)


def _placement(rng, patch, size, h_target, h_patch, tame):
    """A homography from patch to scene: scale, shear, turn, perspective."""
    h, w = patch.alpha.shape
    scale = h_target / h_patch
    corners = (np.array([(0, 0), (w, 0), (w, h), (0, h)], np.float64) - (w / 2, h / 2)) * scale
    turn = rng.normal(0, 0.04) if tame else rng.choice([rng.normal(0, 0.07), rng.uniform(-0.6, 0.6)], p=[0.75, 0.25])
    yaw, pitch = (rng.normal(0, 0.15, 2) if tame else rng.normal(0, 0.38, 2)).clip(-0.9, 0.9)
    z = corners[:, 0] * np.sin(yaw) + corners[:, 1] * np.sin(pitch)
    distance = max(w, h) * scale * rng.uniform(1.6, 6)
    corners = corners * (np.cos(yaw), np.cos(pitch)) * (distance / (distance + z))[:, None]
    c, s = np.cos(turn), np.sin(turn)
    corners = corners @ np.array([(c, s), (-s, c)])
    span = np.ptp(corners, axis=0)
    room = np.array((size, size)) - span
    low = corners.min(0)
    # Mostly wholly inside; what is larger than the picture is centred and cut.
    at = np.where(room > 0, rng.uniform(0, 1, 2) * np.maximum(room, 0), room * rng.uniform(0.3, 0.7, 2))
    if rng.random() < 0.08:
        at += rng.normal(0, 0.25, 2) * span
    return corners - low + at, np.array([(0, 0), (w, 0), (w, h), (0, h)], np.float32)


def _shift(x, y):
    return np.array([(1, 0, x), (0, 1, y), (0, 0, 1)], np.float64)


def _apply(matrix, points):
    return cv2.perspectiveTransform(np.asarray(points, np.float32)[None], matrix)[0]


def scene(seed, index, size, test, kinds=draw_fields.KINDS, sizes=(7.5, 330)):
    """Returns a dict:
    image u8 [size, size, 3] RGB; digits: list of (digit or -1 where it cannot be read, outline [n, 2]); fields: list of (framed 0, 1 or
    2 as in Patch, quad [4, 2] clockwise from the top left as read, which of its corners can be seen [4], outline [n, 2]). Outlines are
    convex; coordinates count from the picture's edge, pixel centres at halves."""
    rng = np.random.Generator(np.random.PCG64((seed, index, int(test))))
    image = background(rng, size, size, test)
    digits, fields, boxes = [], [], []
    lit = np.zeros((size, size), bool)  # where digits are
    wanted = int(rng.choice([0, 1, 1, 2, 2, 3, 4, 6, 8, 10]))
    low, high = sizes
    middle = np.exp(rng.uniform(np.log(low), np.log(high)))  # things in one picture have related sizes
    least = size * 1.0
    for _ in range(wanted * 2):
        if len(boxes) >= wanted:
            break
        h_target = float(np.clip(middle * np.exp(rng.normal(0, 0.35)), low, high))
        h_patch = int(np.clip(h_target * rng.uniform(1.0, 1.6), 12, 220))
        name, patch, h_patch = draw_fields.draw(rng, h_patch, test, kinds)
        side = max(patch.alpha.shape) * h_target / h_patch
        if side > size * 1.1:  # wide fields shrink until they fit, as photographers step back
            h_target *= size * rng.uniform(0.6, 1.05) / side
        if side > 2200 or h_target < SMALLEST:
            continue
        target, source = _placement(rng, patch, size, h_target, h_patch, name in draw_fields.NO_NUMBER)
        box = np.concatenate([target.min(0), target.max(0)])
        if any(min(box[2], b[2]) > max(box[0], b[0]) and min(box[3], b[3]) > max(box[1], b[1]) for b in boxes):
            continue
        matrix = cv2.getPerspectiveTransform(source, target.astype(np.float32))
        x0, y0 = np.maximum(np.floor(box[:2]).astype(int) - 1, 0)
        x1, y1 = np.minimum(np.ceil(box[2:]).astype(int) + 2, size)
        if x1 - x0 < 4 or y1 - y0 < 4:
            continue
        # OpenCV's warps count from pixel centres.
        move = _shift(-x0 - 0.5, -y0 - 0.5) @ matrix @ _shift(0.5, 0.5)
        extent = (int(x1 - x0), int(y1 - y0))
        moved = [(d, _apply(matrix, outline)) for d, outline in patch.digits]
        heights = [np.ptp(outline[:, 1]) for _, outline in moved]
        if heights and min(heights) < 0.85 * low:
            continue
        if not _stands_out(patch, image[y0:y1, x0:x1], moved, x0, y0):
            continue
        boxes.append(box)
        # Shrinking by much needs an average, not a sample.
        rgb, alpha = patch.rgb, patch.alpha
        if h_patch > 1.4 * h_target:
            sigma = 0.35 * h_patch / h_target
            rgb = cv2.GaussianBlur(rgb, (0, 0), sigma)
        rgb = cv2.warpPerspective(rgb, move, extent, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        alpha = cv2.warpPerspective(alpha, move, extent, flags=cv2.INTER_LINEAR)
        strength = alpha[..., None].astype(np.float32) * ((1.0 if patch.framed else rng.uniform(0.75, 1.0)) / 255)
        area = image[y0:y1, x0:x1]
        if patch.framed and rng.random() < 0.3:  # it throws a shadow on what is behind it
            dim = cv2.GaussianBlur(alpha, (0, 0), max(1.0, h_target * 0.15)).astype(np.float32) * (0.4 / 255)
            area[:] = area * (1 - dim[..., None])
        area[:] = area + (rgb - area.astype(np.float32)) * strength + 0.5
        if patch.digits or name not in draw_fields.NO_NUMBER:
            fields.append((patch.framed, _apply(matrix, patch.quad), _apply(matrix, patch.outline())))
            lit[y0:y1, x0:x1] |= cv2.warpPerspective(patch.lit, move, extent, flags=cv2.INTER_NEAREST) > 0
        digits += moved
        least = min([least] + heights)
    if rng.random() < 0.1:  # wires, branches, bars before it all; thinner than strokes
        for _ in range(rng.integers(1, 4)):
            p = rng.uniform(0, size, (2, 2)).astype(int)
            cv2.line(image, p[0].tolist(), p[1].tolist(), rng.integers(0, 256, 3).tolist(), max(1, int(least * 0.04)), cv2.LINE_AA)
    image = damage.damage(rng, image, max(least, 8.0))
    means = cv2.blur(image, (3, 3)).astype(np.float32)
    fields = [(framed, quad, _corners_seen(quad, means), outline) for framed, quad, outline in fields]
    return {"image": image, "digits": _seen(digits, image, lit), "fields": fields}


def box_in(outline, size):
    """x1 y1 x2 y2 around an outline, cut to the picture."""
    return np.concatenate((outline.min(0), outline.max(0))).clip(0, size)


def is_shown(outline, size):
    """Whether enough of a digit is in the picture."""
    x0, y0, x1, y1 = box_in(outline, size)
    return (x1 - x0) * (y1 - y0) >= 0.6 * np.prod(np.ptp(outline, axis=0)) and min(x1 - x0, y1 - y0) >= 1.5


def digit_boxes(truth, size):
    """[n, 5]: class, x1, y1, x2, y2 in pixels, cut to the picture; digits of which less than 60 % is left are dropped."""
    rows = []
    for digit, outline in truth["digits"]:
        if digit < 0:
            continue
        if is_shown(outline, size):
            rows.append((digit, *box_in(outline, size)))
    return np.array(rows, np.float32).reshape(-1, 5)
