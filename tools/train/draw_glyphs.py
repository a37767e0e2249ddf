"""Characters as coverage masks: outlines of fonts, seven segments, dots, pen strokes.

A glyph is (mask u8 [h, w], dx, dy, advance): where the mask goes relative to the pen, and how far the pen then moves. Glyphs know
nothing of colours or pictures."""
import functools

import cv2
import numpy as np

import fonts

# Which of the segments a (top), b, c (right), d (bottom), e, f (left), g (middle) are lit.
SEGMENTS = {"0": "abcdef", "1": "bc", "2": "abged", "3": "abgcd", "4": "fgbc", "5": "afgcd", "6": "afgedc", "7": "abc", "8": "abcdefg",
            "9": "abcdfg", "-": "g", " ": "", "A": "abcefg", "C": "afed", "E": "afged", "F": "afge", "H": "fbgce", "L": "fed", "P": "abfge",
            "U": "fbedc", "h": "fgec", "n": "egc", "r": "eg", "t": "fged", "b": "fgedc"}

# The other ways of some displays: a 7 with a hook, a 6 without its top, a 9 without its foot.
OTHER_SEGMENTS = {"7": "abcf", "6": "fgedc", "9": "abcfg"}

# Pen paths in a box of 1 x 1.6: each stroke a list of points that a smooth curve goes near.
PEN = {
    "0": [[[(.5, .05), (.1, .3), (.05, .9), (.2, 1.45), (.5, 1.55), (.85, 1.3), (.95, .8), (.85, .25), (.5, .05)]],
          [[(.6, .1), (.2, .2), (.05, .8), (.15, 1.4), (.5, 1.58), (.85, 1.35), (.95, .7), (.75, .15), (.4, .05), (.3, .2)]]],
    "1": [[[(.5, .0), (.5, .8), (.5, 1.6)]], [[(.2, .4), (.55, .05)], [(.55, .05), (.55, 1.6)]],
          [[(.2, .4), (.55, .05)], [(.55, .05), (.55, 1.55)], [(.2, 1.55), (.9, 1.55)]]],
    "2": [[[(.1, .4), (.3, .08), (.7, .08), (.9, .4), (.7, .85), (.3, 1.25), (.08, 1.55)], [(.08, 1.55), (.95, 1.5)]],
          [[(.1, .4), (.4, .05), (.85, .3), (.7, .9), (.2, 1.5), (.05, 1.4), (.3, 1.3), (.6, 1.5), (.95, 1.45)]]],
    "3": [[[(.1, .2), (.5, .03), (.85, .3), (.45, .72), (.9, 1.1), (.6, 1.55), (.08, 1.4)]],
          [[(.1, .25), (.4, .03), (.85, .2), (.75, .6), (.4, .75)], [(.4, .75), (.85, .9), (.9, 1.3), (.55, 1.58), (.1, 1.4)]],
          [[(.1, .08), (.85, .08)], [(.85, .08), (.4, .65)], [(.4, .65), (.9, .85), (.85, 1.4), (.4, 1.58), (.08, 1.35)]]],
    "4": [[[(.6, .05), (.08, 1.0)], [(.08, 1.0), (.98, 1.0)], [(.7, .55), (.68, 1.6)]],
          [[(.15, .05), (.1, .8)], [(.1, .8), (.9, .75)], [(.85, .05), (.8, 1.6)]],
          [[(.75, 1.6), (.8, .05), (.05, .95), (.98, .95)]],
          [[(.35, .05), (.2, .5), (.1, .95)], [(.1, .95), (.95, .85)], [(.65, .45), (.55, 1.6)]]],
    "5": [[[(.9, .08), (.25, .1), (.15, .6), (.55, .6), (.9, .9), (.85, 1.35), (.5, 1.58), (.1, 1.45)]],
          [[(.2, .1), (.15, .65)], [(.15, .65), (.6, .58), (.9, .95), (.75, 1.45), (.35, 1.58), (.08, 1.4)], [(.2, .1), (.9, .05)]],
          [[(.85, .08), (.2, .08)], [(.2, .08), (.15, .65)], [(.15, .65), (.6, .55), (.92, .95), (.75, 1.45), (.35, 1.58), (.08, 1.4)]]],
    "6": [[[(.6, .03), (.25, .5), (.08, 1.1), (.3, 1.55), (.75, 1.45), (.8, 1.05), (.45, .85), (.15, 1.1)]],
          [[(.85, .2), (.5, .05), (.15, .5), (.1, 1.2), (.4, 1.57), (.85, 1.35), (.8, .95), (.45, .8), (.12, 1.0)]],
          [[(.75, .05), (.3, .45), (.08, 1.0), (.2, 1.5), (.6, 1.55), (.9, 1.2), (.65, .85), (.25, .95), (.1, 1.2)]]],
    "7": [[[(.08, .1), (.92, .1)], [(.92, .1), (.5, .8), (.35, 1.6)]],
          [[(.08, .1), (.92, .1)], [(.92, .1), (.5, .8), (.35, 1.6)], [(.3, .8), (.8, .75)]]],
    "8": [[[(.5, .75), (.2, .45), (.5, .05), (.8, .4), (.5, .75), (.1, 1.2), (.5, 1.57), (.9, 1.2), (.5, .75)]],
          [[(.8, .2), (.4, .05), (.2, .4), (.6, .8), (.85, 1.2), (.5, 1.57), (.15, 1.25), (.5, .75), (.85, .3)]],
          [[(.75, .25), (.45, .05), (.18, .35), (.45, .7), (.8, 1.05), (.8, 1.4), (.45, 1.58), (.12, 1.3), (.25, .95), (.6, .65), (.82, .35), (.75, .25)]]],
    "9": [[[(.85, .3), (.5, .05), (.15, .35), (.35, .75), (.8, .5), (.88, .3), (.85, 1.0), (.8, 1.6)]],
          [[(.85, .35), (.45, .08), (.12, .4), (.35, .78), (.75, .65), (.85, .35), (.75, 1.1), (.45, 1.58), (.15, 1.4)]],
          [[(.85, .35), (.5, .05), (.12, .35), (.3, .75), (.7, .7), (.88, .3)], [(.88, .3), (.85, .9), (.7, 1.6)]],
          [[(.85, .35), (.5, .05), (.12, .35), (.3, .75), (.7, .7), (.88, .3)], [(.88, .3), (.8, 1.2), (.3, 1.55)]]],
}


@functools.lru_cache(maxsize=20000)
def outline(path, size, text, stroke=0):
    font = fonts.load(path, size)
    box = font.getbbox(text, stroke_width=stroke)
    mask = font.getmask(text, mode="L", stroke_width=stroke)
    width, height = mask.size
    array = np.frombuffer(bytes(mask), np.uint8).reshape(height, width) if width and height else np.zeros((1, 1), np.uint8)
    return array, box[0], box[1] - font.getmetrics()[0], font.getlength(text)


def seven_segment(char, height, width=0.52, thick=0.13, gap=0.02, slant=0.1, lit=True, other=False):
    """One cell of a seven-segment display; lit=False gives the segments that are off (seen as ghosts on an LCD). other: the other way
    of writing 6, 7 and 9."""
    h, w, t, g = height, int(height * width), max(1.0, height * thick), height * gap
    m, r = t / 2, t / 2
    top, mid, low, left, right = m, h / 2, h - m, m, w - m
    ends = {"a": ((left, top), (right, top)), "d": ((left, low), (right, low)), "g": ((left, mid), (right, mid)),
            "f": ((left, top), (left, mid)), "e": ((left, mid), (left, low)), "b": ((right, top), (right, mid)),
            "c": ((right, mid), (right, low))}
    mask = np.zeros((h, w + int(slant * h) + 2), np.uint8)
    on = set(OTHER_SEGMENTS.get(char, SEGMENTS[char]) if other else SEGMENTS[char])
    for name, (p, q) in ends.items():
        if (name in on) != lit:
            continue
        p, q = np.array(p), np.array(q)
        along = (q - p) / np.linalg.norm(q - p)
        across = np.array([-along[1], along[0]]) * r
        a, b = p + along * (g + r * .15), q - along * (g + r * .15)
        shape = np.array([a, a + along * r + across, b - along * r + across, b, b - along * r - across, a + along * r - across])
        shape[:, 0] += slant * (h - shape[:, 1])
        cv2.fillPoly(mask, [np.round(shape * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    return mask, 0, -h, w * 1.0 + t * 1.2


def dot_matrix(path, char, height):
    """A character as round lamps: a small rendering of a font's glyph, each lit pixel a dot."""
    small = outline(path, 9, char)[0] > 110
    if not small.any():
        return np.zeros((1, 1), np.uint8), 0, 0, height * 0.5
    rows, cols = small.shape
    pitch = max(2, round(height / max(rows, 7)))
    mask = np.zeros((rows * pitch, cols * pitch), np.uint8)
    for y, x in np.argwhere(small):
        cv2.circle(mask, (int((x + .5) * pitch * 8), int((y + .5) * pitch * 8)), max(6, int(pitch * 3.4)), 255, -1, cv2.LINE_AA, 3)
    return mask, 0, -rows * pitch, (cols + 1) * pitch


def smooth(points, steps=10):
    """A Catmull-Rom curve through the points."""
    p = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = [0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
             for a, b, c, d in zip(p, p[1:], p[2:], p[3:])]
    return np.vstack(parts + [points[-1:]])


def pen(rng, char, height, style):
    """A digit written by hand. style: (aspect, slant, thickness, wobble), the same for one writer."""
    aspect, slant, thick, wobble = style
    ways = PEN[char]
    strokes = ways[rng.integers(len(ways))]
    width = height * aspect
    pad = int(height * 0.2) + 2
    mask = np.zeros((height + 2 * pad, int(width + height * abs(slant)) + 2 * pad), np.uint8)
    warp = rng.normal(0, wobble, (2, 2)) + np.eye(2)
    for stroke in strokes:
        points = np.array(stroke, float) + rng.normal(0, wobble * 0.6, (len(stroke), 2))
        points = ((points - (.5, .8)) @ warp.T + (.5, .8)) * (width, height / 1.6)
        points[:, 0] += slant * (height / 2 - points[:, 1])
        curve = smooth(points) + pad + (height * abs(slant) / 2, 0)
        cv2.polylines(mask, [np.round(curve * 8).astype(np.int32)], False, 255, max(1, round(height * thick)), cv2.LINE_AA, 3)
    return mask, -pad, -height - pad, width * 1.15
