"""Backgrounds: procedural textures and clutter. No photograph is used. Some kinds are kept for the test set."""
import cv2
import numpy as np


def _noise(rng, w, h, cell):
    small = rng.random((max(2, h // cell + 2), max(2, w // cell + 2)), np.float32)
    return cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR if cell > 2 else cv2.INTER_NEAREST)


def _palette(rng):
    """Two to four colours that go together more often than not."""
    grey = rng.uniform(0, 255)
    base = np.clip(grey + rng.normal(0, rng.choice([8.0, 30.0, 90.0]), 3), 0, 255).astype(np.float32)
    spread = rng.choice([15.0, 40.0, 80.0])
    return [np.clip(base + rng.normal(0, spread) + rng.normal(0, spread * 0.5, 3), 0, 255) for _ in range(4)]


def _mix(field, a, b):
    return (a + (np.asarray(b) - a) * field[..., None]).clip(0, 255).astype(np.uint8)


def clouds(rng, w, h, colours):
    field = sum(_noise(rng, w, h, c) * c for c in (128, 48, 16, 6)) / (128 + 48 + 16 + 6)
    return _mix(np.clip((field - 0.5) * rng.uniform(1.5, 4) + 0.5, 0, 1), colours[0], colours[1])


def gradient(rng, w, h, colours):
    a = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    field = (x * np.cos(a) + y * np.sin(a)) / (w + h) + 0.5
    return _mix(np.clip(field + (_noise(rng, w, h, 2) - 0.5) * 0.05, 0, 1), colours[0], colours[1])


def bricks(rng, w, h, colours):
    image = np.empty((h, w, 3), np.uint8)
    image[:] = colours[0]
    bh = int(rng.integers(8, 60))
    bw, joint = int(bh * rng.uniform(1, 3.5)), max(1, int(bh * rng.uniform(0.04, 0.2)))
    for r in range(h // bh + 1):
        for x in range(-(bw // 2) * (r % 2), w, bw):
            colour = np.clip(colours[1] + rng.normal(0, 14), 0, 255)
            image[max(0, r * bh):(r + 1) * bh - joint, max(0, x):max(0, x + bw - joint)] = colour
    return image


def stripes(rng, w, h, colours):
    """Sheet metal, planks, blinds."""
    period = rng.uniform(5, 60)
    x = np.arange(w, dtype=np.float32)
    wave = np.sin(x * 2 * np.pi / period) if rng.random() < 0.6 else np.sign(np.sin(x * 2 * np.pi / period)) * 0.8
    field = np.broadcast_to((wave * 0.5 + 0.5)[None], (h, w)) * rng.uniform(0.3, 1) + _noise(rng, w, h, 8) * 0.2
    image = _mix(np.clip(field, 0, 1), colours[0], colours[1])
    return image if rng.random() < 0.6 else np.ascontiguousarray(cv2.resize(image.transpose(1, 0, 2), (w, h)))


def wood(rng, w, h, colours):
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    field = np.sin((y + _noise(rng, w, h, 64) * 60 + x * rng.uniform(-.1, .1)) / rng.uniform(1.5, 8)) * 0.3 + 0.5 + _noise(rng, w, h, 4) * 0.2
    return _mix(np.clip(field, 0, 1), colours[0], colours[0] * 0.6)


def speckle(rng, w, h, colours):
    """Plaster, asphalt, gravel."""
    field = _noise(rng, w, h, int(rng.integers(1, 4))) * 0.6 + _noise(rng, w, h, 24) * 0.4
    return _mix(np.clip((field - 0.5) * rng.uniform(0.5, 2) + 0.5, 0, 1), colours[0], colours[1])


def leaves(rng, w, h, colours):
    image = clouds(rng, w, h, colours)
    for _ in range(int(rng.integers(40, 160))):
        c = (int(rng.integers(0, w)), int(rng.integers(0, h)))
        axes = (int(rng.integers(2, 26)), int(rng.integers(2, 10)))
        colour = np.clip(colours[int(rng.integers(4))] * rng.uniform(0.4, 1.4), 0, 255)
        cv2.ellipse(image, c, axes, float(rng.uniform(0, 180)), 0, 360, colour.tolist(), -1, cv2.LINE_AA)
    return image


def shapes(rng, w, h, colours):
    """Things: overlapping polygons, discs and lines of all sizes, soft or sharp."""
    image = gradient(rng, w, h, colours)
    for _ in range(int(rng.integers(5, 45))):
        size = np.exp(rng.uniform(np.log(6), np.log(max(w, h) * 0.6)))
        c = rng.uniform(0, 1, 2) * (w, h)
        colour = rng.integers(0, 256, 3).tolist()
        way = rng.integers(5)
        if way == 0:
            cv2.circle(image, c.astype(int).tolist(), int(size / 2), colour, -1 if rng.random() < 0.6 else max(1, int(size / 12)), cv2.LINE_AA)
        elif way == 1:
            points = c + rng.normal(0, size / 2, (int(rng.integers(3, 7)), 2))
            cv2.fillPoly(image, [points.astype(np.int32)], colour, cv2.LINE_AA)
        elif way == 2:
            d = rng.normal(0, size, 2)
            cv2.line(image, (c - d).astype(int).tolist(), (c + d).astype(int).tolist(), colour, max(1, int(size / 20)), cv2.LINE_AA)
        elif way == 3:
            cv2.rectangle(image, (c - size / 2).astype(int).tolist(), (c + size * rng.uniform(0.1, 1)).astype(int).tolist(), colour, -1 if rng.random() < 0.5 else 2)
        else:  # arcs and hooks: strokes as thick as those of digits, that are none
            cv2.ellipse(image, c.astype(int).tolist(), (int(size / 3) + 2, int(size / 4) + 2), float(rng.uniform(0, 360)), 0, float(rng.uniform(60, 200)),
                        colour, max(1, int(size / 10)), cv2.LINE_AA)
    if rng.random() < 0.4:
        image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.5, 8)))
    return image


def checks(rng, w, h, colours):
    n = int(rng.integers(6, 60))
    y, x = np.mgrid[0:h, 0:w]
    return _mix((((x // n + y // n) % 2) * 0.7 + _noise(rng, w, h, 16) * 0.3), colours[0], colours[1])


def rings(rng, w, h, colours):
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    cx, cy = rng.uniform(0, w), rng.uniform(0, h)
    field = np.sin(np.hypot(x - cx, y - cy) / rng.uniform(3, 20)) * 0.5 + 0.5
    return _mix(field * 0.6 + _noise(rng, w, h, 32) * 0.4, colours[0], colours[1])


def cells(rng, w, h, colours):
    """Tiles of stone: nearest-point cells."""
    points = rng.uniform(0, 1, (int(rng.integers(10, 40)), 2)).astype(np.float32) * (w // 4, h // 4)
    y, x = np.mgrid[0:h // 4, 0:w // 4].astype(np.float32)
    nearest = np.argmin((x[..., None] - points[:, 0])**2 + (y[..., None] - points[:, 1])**2, -1)
    tones = np.clip(colours[0] + rng.normal(0, 25, (len(points), 1)), 0, 255).astype(np.uint8)
    return cv2.resize(np.ascontiguousarray(tones[nearest]), (w, h), interpolation=cv2.INTER_NEAREST)


TRAIN = (clouds, gradient, bricks, stripes, speckle, leaves, shapes, shapes, wood)
TEST = (checks, rings, cells, shapes, clouds)


def texture(rng, w, h, test):
    kinds = TEST if test else TRAIN
    kind = kinds[rng.integers(len(kinds))]
    if kind is cells and min(w, h) < 16:
        kind = clouds
    return np.ascontiguousarray(kind(rng, w, h, _palette(rng))[:h, :w])


def background(rng, w, h, test):
    """A texture, or two parted by an edge, or one seen through another; as often fine as soft (and then drawn at half the size)."""
    if rng.random() < 0.6:
        return cv2.resize(_background(rng, w // 2, h // 2, test), (w, h))
    return _background(rng, w, h, test)


def _background(rng, w, h, test):
    image = texture(rng, w, h, test)
    way = rng.random()
    if way < 0.3:
        other = texture(rng, w, h, test)
        points = np.array([(0, h * rng.uniform(-.2, 1.2)), (w, h * rng.uniform(-.2, 1.2)), (w, h), (0, h)], np.int32)
        mask = np.zeros((h, w), np.uint8)
        cv2.fillPoly(mask, [points if rng.random() < .5 else points[:, ::-1].copy()], 255, cv2.LINE_AA)
        image[mask > 127] = other[mask > 127]
    elif way < 0.45:
        image = cv2.addWeighted(image, 0.6, texture(rng, w, h, test), 0.4, 0)
    return image
