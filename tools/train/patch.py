"""A flat piece of the world that carries a number: its colours, its opacity, and where its digits are.

Coordinates are the patch's own pixels; draw_scene.py puts patches into pictures."""
import cv2
import numpy as np


class Patch:
    def __init__(self, width, height, colour=None):
        """colour None: the patch is transparent, and what is put on it stands free in the scene."""
        self.rgb = np.empty((height, width, 3), np.uint8)
        self.rgb[:] = colour if colour is not None else 0
        self.alpha = np.full((height, width), 255 if colour is not None else 0, np.uint8)
        self.lit = np.zeros((height, width), np.uint8)  # 255 where a digit is
        self.digits = []  # (digit, outline [n, 2])
        self.framed = 2 if colour is not None else 0  # 1: it has an outline, but its corners are rounded off
        self.quad = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)

    def put(self, mask, x, y, colour, label=None, opacity=1.0):
        """Paints through a mask; with a label, notes a digit there. What falls outside is cut off (and then not noted)."""
        h, w = mask.shape
        x, y = int(round(x)), int(round(y))
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, self.rgb.shape[1]), min(y + h, self.rgb.shape[0])
        if x0 >= x1 or y0 >= y1:
            return
        m = mask[y0 - y:y1 - y, x0 - x:x1 - x]
        f = m[..., None].astype(np.float32) * (opacity / 255)
        area = self.rgb[y0:y1, x0:x1]
        area[:] = area + (np.asarray(colour, np.float32) - area) * f + 0.5
        np.maximum(self.alpha[y0:y1, x0:x1], (m * opacity).astype(np.uint8), out=self.alpha[y0:y1, x0:x1])
        if label is None or m.shape != mask.shape or len(self.digits) > 250:
            return
        solid = cv2.findNonZero((m > 100).astype(np.uint8))
        if solid is None:
            return
        self.digits.append((label, hull_of(solid) + (x0, y0)))
        self.lit[y0:y1, x0:x1][m > 100] = 255

    def write(self, text, x, baseline, glyph, colour, spacing=0.0, labels=True, shadow=None, opacity=1.0):
        """Text by a glyph function; returns where the pen ends. Digits get labels unless told otherwise.
        shadow: (dx, dy, colour) or None."""
        for char in text:
            mask, dx, dy, advance = glyph(char)
            if shadow:
                self.put(mask, x + dx + shadow[0], baseline + dy + shadow[1], shadow[2], opacity=opacity)
            self.put(mask, x + dx, baseline + dy, colour, int(char) if labels and char.isdigit() else None, opacity)
            x += advance + spacing
        return x

    def frame_digits(self, margin):
        """The number field of a patch that has no frame: around all its digits."""
        if self.digits:
            points = np.vstack([outline for _, outline in self.digits])
            (x0, y0), (x1, y1) = points.min(0) - margin, points.max(0) + margin
            self.quad = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)
        return self

    def outline(self):
        """What is seen of it against the scene, as a convex polygon [n, 2]."""
        if self.framed == 2:
            return self.quad
        solid = cv2.findNonZero((self.alpha > 127).astype(np.uint8))
        return self.quad if solid is None else hull_of(solid)

    def rectangle(self, box, colour, thickness=-1, radius=0):
        x0, y0, x1, y1 = (int(v) for v in box)
        if radius <= 0:
            cv2.rectangle(self.rgb, (x0, y0), (x1, y1), [int(c) for c in colour], thickness, cv2.LINE_AA)
            return
        mask = rounded(x1 - x0, y1 - y0, radius)
        if thickness > 0 and min(mask.shape) > 2 * thickness + 2:
            inner = rounded(x1 - x0 - 2 * thickness, y1 - y0 - 2 * thickness, max(1, radius - thickness))
            mask[thickness:-thickness, thickness:-thickness][:inner.shape[0], :inner.shape[1]] = 255 - inner
        self.put(mask, x0, y0, colour)

    def round_corners(self, radius):
        if self.framed and radius > 0.25 * min(self.alpha.shape):
            self.framed = 1
        mask = rounded(self.rgb.shape[1], self.rgb.shape[0], radius)
        np.minimum(self.alpha, mask, out=self.alpha)


def hull_of(pixels):
    """The convex outline of pixels [n, 1, 2], from edge to edge: a hull of pixel indices is one pixel too small."""
    hull = cv2.convexHull(pixels)[:, 0].astype(np.float32)
    return hull + np.where(hull > hull.mean(0), 1.0, 0.0)


def rounded(width, height, radius):
    mask = np.zeros((height, width), np.uint8)
    r = int(min(radius, width // 2 - 1, height // 2 - 1))
    if r < 1:
        mask[:] = 255
        return mask
    cv2.rectangle(mask, (r, 0), (width - 1 - r, height - 1), 255, -1)
    cv2.rectangle(mask, (0, r), (width - 1, height - 1 - r), 255, -1)
    for cx in (r, width - 1 - r):
        for cy in (r, height - 1 - r):
            cv2.circle(mask, (cx, cy), r, 255, -1, cv2.LINE_AA)
    return mask
