"""Number fields as they are met in the world, one function each: plates, labels, meters, displays, grids, handwriting ...

Every function takes (rng, h, test): h is the height of the main digits in pixels, test chooses the fonts and layouts of the test set. It returns a Patch."""
import functools

import cv2
import numpy as np

import draw_glyphs
import fonts
from draw_world import texture
from patch import Patch

# Letters that no digit looks like. O, I, l, o and | are left out everywhere: no label for them could be called right or wrong.
CAPITALS = "ABCDEFGHJKLMNPRSTUVWXYZ"
SMALL = "abcdefghkmnprstuvwxyz"
UNITS = ("kg", "km", "km/h", "m", "cm", "mm", "EUR", "%", "V", "A", "W", "kWh", "C", "F", "pcs", "min", "MHz", "lbs", "x", "bar", "Hz")
MARKS = "-.:,/'"


def digits(rng, low, high):
    return "".join(str(d) for d in rng.integers(0, 10, rng.integers(low, high + 1)))


def letters(rng, low, high, alphabet=CAPITALS):
    return "".join(rng.choice(list(alphabet), rng.integers(low, high + 1)))


def luma(colour):
    return float(np.dot(colour, (0.299, 0.587, 0.114)))


def any_colour(rng):
    if rng.random() < 0.35:
        return np.clip(rng.integers(0, 256) + rng.normal(0, 6, 3), 0, 255)
    return rng.integers(0, 256, 3).astype(float)


def ink_on(rng, ground, least=70):
    """A colour that can be read on the ground; black and white are the most likely ones."""
    for _ in range(20):
        way = rng.random()
        ink = (rng.uniform(0, 50, 3) if way < 0.4 else rng.uniform(205, 255, 3) if way < 0.65 else any_colour(rng))
        if abs(luma(ink) - luma(ground)) > least:
            return ink
    return np.full(3, 0.0 if luma(ground) > 128 else 255.0)


def font_writer(rng, h, test, path=None):
    """A glyph function whose digits are h pixels high; stretched or squeezed at times, as sign makers do."""
    path = path or fonts.pick(rng, test)
    reference = draw_glyphs.outline(path, 100, "8")[0].shape[0]
    size = max(6, round(h * 100 / max(reference, 20)))
    stretch = rng.uniform(0.7, 1.3) if rng.random() < 0.25 else 1.0
    stroke = int(rng.random() < 0.12) * max(1, round(h * rng.uniform(0.02, 0.05)))

    @functools.cache
    def glyph(char):
        mask, dx, dy, advance = draw_glyphs.outline(path, size, char, stroke)
        if stretch != 1.0 and mask.shape[1] > 1:
            width = max(2, round(mask.shape[1] * stretch))
            mask = cv2.resize(mask, (width, mask.shape[0]), interpolation=cv2.INTER_AREA)
        return mask, dx * stretch, dy, advance * stretch + stroke
    return glyph


def measure(text, glyph, spacing=0.0):
    return sum(glyph(c)[3] + spacing for c in text)


def shade(rng, patch, strength=0.25):
    """Light falls unevenly on it, and its material shows."""
    h, w = patch.alpha.shape
    if rng.random() < 0.6:
        a, b = rng.uniform(1 - strength, 1 + strength, 2)
        ramp = np.linspace(a, b, w if rng.random() < 0.5 else h, dtype=np.float32)
        ramp = ramp[None, :, None] if ramp.size == w else ramp[:, None, None]
        patch.rgb = np.clip(patch.rgb * ramp, 0, 255).astype(np.uint8)
    if rng.random() < 0.35:
        grain = cv2.resize(rng.normal(0, rng.uniform(3, 14), (max(2, h // 3), max(2, w // 3))).astype(np.float32), (w, h))
        patch.rgb = np.clip(patch.rgb + grain[..., None], 0, 255).astype(np.uint8)
    return patch


def plate(rng, h, test):
    """A vehicle's plate: letters and digits in groups, a border, now and then a coloured band."""
    ground = rng.choice([(245, 245, 245), (250, 210, 40), (20, 20, 25), (230, 235, 240), (30, 60, 140), (30, 110, 60), (190, 30, 35)])
    ground = np.clip(ground + rng.normal(0, 10, 3), 0, 255)
    ink = ink_on(rng, ground, 90)
    glyph = font_writer(rng, h, test)
    way = rng.integers(6)
    gap = rng.choice(["", " ", "-", " ", "."])
    text = {0: digits(rng, 1, 1) + letters(rng, 1, 2) + digits(rng, 0, 1) + gap + digits(rng, 4, 4),
            1: letters(rng, 2, 3) + gap + digits(rng, 2, 4), 2: digits(rng, 2, 3) + gap + letters(rng, 1, 3) + gap + digits(rng, 2, 3),
            3: letters(rng, 2, 2) + gap + digits(rng, 3, 3) + gap + letters(rng, 2, 2), 4: digits(rng, 4, 7),
            5: letters(rng, 1, 1) + digits(rng, 3, 5) + letters(rng, 0, 1)}[int(way)]
    spacing = h * rng.uniform(0.0, 0.15)
    if test:
        text = text[::-1]
    two_rows = rng.random() < 0.2 and len(text) > 4
    rows = [text[:len(text) // 2], text[len(text) // 2:]] if two_rows else [text]
    pad, band = h * rng.uniform(0.2, 0.5), h * (0.6 if rng.random() < 0.4 else 0)
    width = int(max(measure(r, glyph, spacing) for r in rows) + 2 * pad + band)
    height = int(len(rows) * h * 1.25 + 2 * pad)
    p = Patch(width, height, ground)
    if band:
        p.rectangle((0, 0, band * 0.75, height), rng.choice([(20, 50, 160), (180, 20, 30), (10, 90, 40)]))
        p.write(letters(rng, 1, 3), band * 0.12, height * 0.85, font_writer(rng, h * 0.28, test), (250, 250, 250))
    if rng.random() < 0.75:
        p.rectangle((1, 1, width - 2, height - 2), ink, max(1, int(h * rng.uniform(0.03, 0.08))), h * rng.uniform(0, 0.25))
    shadow = (rng.uniform(-0.04, 0.04) * h, rng.uniform(0, 0.05) * h, np.clip(ground * 0.7, 0, 255)) if rng.random() < 0.3 else None
    for i, row in enumerate(rows):
        p.write(row, band + pad, pad + h * 1.1 + i * h * 1.25, glyph, ink, spacing, shadow=shadow)
    if rng.random() < 0.5:
        p.round_corners(h * rng.uniform(0.05, 0.3))
    return shade(rng, p)


def house(rng, h, test):
    """A house number: large figures, free on the wall or on a panel; enamel, wood, brass with a shadow."""
    free = rng.random() < 0.5
    ground = None if free else any_colour(rng)
    glyph = font_writer(rng, h, test)
    text = digits(rng, 1, 4) + (letters(rng, 1, 1, "abcdefghABCDEF") if rng.random() < 0.15 else "")
    spacing = h * rng.uniform(0.0, 0.25)
    vertical = rng.random() < 0.12
    pad = h * rng.uniform(0.25, 0.8)
    width = int((h if vertical else measure(text, glyph, spacing)) + 2 * pad)
    height = int((len(text) if vertical else 1) * h * 1.2 + 2 * pad)
    p = Patch(width, height, ground)
    ink = ink_on(rng, ground, 60) if not free else any_colour(rng)
    if not free and rng.random() < 0.6:
        p.rectangle((h * .08, h * .08, width - h * .08, height - h * .08), ink, max(1, int(h * rng.uniform(.02, .08))), h * rng.uniform(0, .4))
    shadow = None
    if rng.random() < 0.6 or free:
        dark = np.zeros(3) if luma(ink) > 110 else np.full(3, 255 if free else 90)
        shadow = (rng.uniform(-.08, .08) * h, rng.uniform(-.02, .09) * h, dark)
    for i, char in enumerate(text if vertical else [text]):
        p.write(char, pad, pad + h * 1.1 + i * h * 1.2, glyph, ink, spacing, shadow=shadow)
    if not free and rng.random() < 0.5:
        p.round_corners(h * rng.uniform(.05, 1.0))
    return shade(rng, p if not free else p.frame_digits(h * 0.12))


def label(rng, h, test):
    """A printed label, form or page: rows of words and numbers of several sizes."""
    ground = np.clip(np.full(3, rng.uniform(180, 255)) + rng.normal(0, 8, 3), 0, 255) if rng.random() < 0.7 else any_colour(rng)
    ink = ink_on(rng, ground)
    rows, y, width = [], h * 0.5, 0.0
    for _ in range(rng.integers(1, 6)):
        size = h * rng.uniform(0.8, 1.5)
        glyph = font_writer(rng, size, test)
        words = []
        for _ in range(rng.integers(1, 4)):
            way = rng.random()
            words.append(digits(rng, 1, 5) if way < 0.45 else letters(rng, 2, 6, SMALL) if way < 0.65 else letters(rng, 2, 6) if way < 0.75 else
                         digits(rng, 1, 3) + rng.choice(list(MARKS)) + digits(rng, 1, 3) if way < 0.9 else digits(rng, 1, 3) + str(rng.choice(UNITS)))
        text = " ".join(words)
        y += size * 1.3
        rows.append((text, y, glyph))
        width = max(width, measure(text, glyph))
    p = Patch(int(width + h), int(y + h * 0.6), ground)
    for text, baseline, glyph in rows:
        p.write(text, h * 0.5, baseline, glyph, ink)
        if rng.random() < 0.2:
            cv2.line(p.rgb, (int(h * .3), int(baseline + h * .25)), (int(width), int(baseline + h * .25)), [int(c) for c in ink], max(1, int(h * .05)))
    if rng.random() < 0.3:
        p.rectangle((2, 2, p.rgb.shape[1] - 3, p.rgb.shape[0] - 3), ink, max(1, int(h * .05)))
    return shade(rng, p)


def price(rng, h, test):
    """A price tag: large figures, small raised cents, a currency, a line of words."""
    ground = rng.choice([(255, 225, 0), (255, 255, 255), (220, 20, 30), (255, 140, 0), (20, 20, 20)]) + rng.normal(0, 8, 3)
    ground = np.clip(ground, 0, 255)
    ink = ink_on(rng, ground, 80)
    path = fonts.pick(rng, test)
    big, small = font_writer(rng, h, test, path), font_writer(rng, h * rng.uniform(0.4, 0.7), test, path)
    tiny = font_writer(rng, max(7, h * rng.uniform(0.18, 0.35)), test)
    whole, cents, mark = digits(rng, 1, 3), digits(rng, 2, 2), str(rng.choice([".", ",", "", "$", "-"]))
    pad = h * 0.4
    width = int(measure(whole + mark + "$", big) + measure(cents, small) + 2 * pad)
    p = Patch(width, int(h * 2.2), ground)
    x = pad
    if rng.random() < 0.4:
        x = p.write("$" if rng.random() < 0.5 else "E", x, h * 1.6, big, ink)
    x = p.write(whole + mark, x, h * 1.6, big, ink)
    p.write(cents, x, h * (1.1 if rng.random() < 0.6 else 1.6), small, ink)
    if rng.random() < 0.7:
        p.write(letters(rng, 3, 9, SMALL) + " " + (digits(rng, 1, 3) + "g" if h > 30 else letters(rng, 2, 5)), pad, h * 2.0, tiny, ink)
    return shade(rng, p)


def meter(rng, h, test):
    """A counter of drums: each digit in its window, some half turned, the last ones red."""
    n = int(rng.integers(3, 9))
    pitch, pad = h * rng.uniform(0.85, 1.4), h * rng.uniform(0.3, 0.9)
    ground = np.clip(rng.choice([(30, 30, 32), (225, 225, 220), (120, 125, 130), (70, 110, 90), (200, 190, 160)]) + rng.normal(0, 10, 3), 0, 255)
    height = int(h * 1.5 + 2 * pad)
    unit = font_writer(rng, h * 0.6, test)
    p = Patch(int(n * pitch + 2 * pad + h * 1.6), height, ground)
    glyph = font_writer(rng, h, test)
    drum, ink = ((25, 25, 25), (240, 240, 235)) if rng.random() < 0.6 else ((235, 235, 228), (25, 25, 25))
    red = int(rng.integers(0, 4)) if rng.random() < 0.6 else 0
    windows = rng.random() < 0.6
    y0, y1 = int(pad), int(pad + h * 1.5)
    if not windows:
        p.rectangle((pad * 0.7, y0, pad + n * pitch, y1), drum)
    for i in range(n):
        x = pad + i * pitch
        ground_i, ink_i = drum, ink
        if i >= n - red:
            ground_i, ink_i = ((170, 25, 30), (245, 240, 240)) if rng.random() < 0.7 else (drum, (210, 40, 40))
        if windows or i >= n - red:
            p.rectangle((x, y0, x + pitch * 0.86, y1), ground_i)
        char = str(rng.integers(10))
        mask, dx, dy, advance = glyph(char)
        turn = rng.uniform(-0.12, 0.12) * h if i < n - 1 or rng.random() < 0.6 else rng.uniform(-0.3, 0.3) * h
        baseline = y0 + h * 1.25 + turn
        p.put(mask, x + (pitch * 0.86 - advance) / 2 + dx, baseline + dy, ink_i, int(char))
        if abs(turn) > 0.18 * h:  # the neighbouring figure looks in; too little of it to be an answer
            other = glyph(str((int(char) + (1 if turn < 0 else -1)) % 10))
            part = other[0]
            yy = baseline + other[2] + (h * 1.45 if turn < 0 else -h * 1.45)
            cut0, cut1 = max(0, int(y0 - yy)), min(part.shape[0], int(y1 - yy))
            if cut1 > cut0:
                p.put(part[cut0:cut1], x + (pitch * 0.86 - other[3]) / 2 + other[1], yy + cut0, ink_i)
    p.write(str(rng.choice(["m", "kWh", "m3", "km"])), pad + n * pitch + h * 0.15, y1 - h * 0.3, unit, ink_on(rng, ground))
    column = np.clip(1.0 - np.abs(np.linspace(-1, 1, y1 - y0)) ** 3 * rng.uniform(0.1, 0.6), 0, 1)
    p.rgb[y0:y1] = (p.rgb[y0:y1] * column[:, None, None]).astype(np.uint8)
    return shade(rng, p)


def display(rng, h, test):
    """Seven segments: a dark LCD with ghosts of what is off, or lamps that glow; units and rows beside them."""
    lcd = rng.random() < 0.5
    slant = rng.choice([0.0, 0.05, 0.1, 0.15]) if not test else rng.choice([0.03, 0.08, 0.12])
    shape = dict(width=rng.uniform(0.42, 0.62), thick=rng.uniform(0.09, 0.19), gap=rng.uniform(0.0, 0.035), slant=float(slant), other=rng.random() < 0.3)
    if lcd:
        ground = np.clip(rng.choice([(150, 165, 140), (190, 195, 190), (120, 150, 90), (90, 140, 190), (220, 225, 220)]) + rng.normal(0, 12, 3), 0, 255)
        ink = np.clip(rng.choice([(30, 35, 30), (20, 20, 60), (50, 50, 50)]) + rng.normal(0, 8, 3), 0, 255)
        if rng.random() < 0.2:
            ground, ink = np.array((25., 45, 160)), np.array((225., 235, 250))
    else:
        ground = rng.uniform(0, 45, 3)
        ink = np.clip(rng.choice([(255, 40, 30), (60, 255, 80), (255, 170, 30), (70, 140, 255), (240, 245, 255), (255, 90, 90)]) + rng.normal(0, 10, 3), 0, 255)
    rows = int(rng.choice([1, 1, 1, 2, 3]))
    path = fonts.pick(rng, test)
    dseg = [q for family, q in fonts.families().items() if "DSEG7" in family and not test]
    way = rng.random()
    if way < 0.15 and dseg:
        group = dseg[rng.integers(len(dseg))]
        cell = font_writer(rng, h, test, group[rng.integers(len(group))])
    elif way < 0.3 and not lcd:
        cell = lambda char: draw_glyphs.dot_matrix(path, char, h)
    else:
        cell = lambda char: draw_glyphs.seven_segment(char, h, **shape) if char in draw_glyphs.SEGMENTS else draw_glyphs.outline(path, max(6, h // 2), char)
    ghosts = lcd and way >= 0.3 and rng.random() < 0.5
    unit = font_writer(rng, max(7, h * rng.uniform(0.25, 0.6)), test)
    texts, spacing = [], h * rng.uniform(0.05, 0.3)
    for _ in range(rows):
        text = digits(rng, 1, 6) if rng.random() < 0.8 else " " * int(rng.integers(1, 3)) + digits(rng, 1, 3)
        if rng.random() < 0.5 and len(text) > 1:
            at = int(rng.integers(1, len(text)))
            text = text[:at] + str(rng.choice([".", ":", "-"])) + text[at:]
        texts.append(text)
    pad = h * rng.uniform(0.25, 0.9)
    step = lambda char: h * 0.22 if char in ".:" else cell(char)[3] + spacing
    width = max(sum(step(c) for c in t) for t in texts)
    p = Patch(int(width + 2 * pad + h * 0.9), int(rows * h * 1.35 + 2 * pad), ground)
    for i, text in enumerate(texts):
        x, baseline = pad, pad + h * 1.15 + i * h * 1.35
        for char in text:
            if char in ".:":
                for up in ((0.06,) if char == "." else (0.3, 0.7)):
                    cv2.circle(p.rgb, (int(x + h * 0.04), int(baseline - up * h)), max(1, int(h * 0.06)), [int(c) for c in ink], -1, cv2.LINE_AA)
            else:
                if ghosts and char in draw_glyphs.SEGMENTS:
                    mask, dx, dy, _ = draw_glyphs.seven_segment(char, h, lit=False, **shape)
                    p.put(mask, x + dx, baseline + dy, ink, opacity=float(rng.uniform(0.04, 0.12)))
                p.write(char, x, baseline, cell, ink)
            x += step(char)
        if rng.random() < 0.5:
            p.write(str(rng.choice(UNITS)), x + h * 0.1, baseline, unit, ink)
    if not lcd:  # lamps shine over their edges
        glow = cv2.GaussianBlur(p.rgb, (0, 0), max(0.6, h * rng.uniform(0.03, 0.12)))
        p.rgb = cv2.addWeighted(p.rgb, 1.0, glow, float(rng.uniform(0.2, 0.9)), 0)
        if rng.random() < 0.5:
            core = (p.lit > 0)[..., None] * (255 - p.rgb.astype(np.float32)) * rng.uniform(0, 0.6)
            p.rgb = (p.rgb + cv2.GaussianBlur(core, (0, 0), max(0.5, h * 0.02))).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        border = any_colour(rng) * 0.6
        p.rectangle((0, 0, p.rgb.shape[1] - 1, p.rgb.shape[0] - 1), border, max(1, int(h * rng.uniform(0.04, 0.2))))
    return shade(rng, p)


def grid(rng, h, test):
    """Numbers in a grid of lines: a sudoku, a calendar, a table."""
    rows, cols = (9, 9) if rng.random() < 0.5 else (int(rng.integers(3, 9)), int(rng.integers(3, 9)))
    cell = int(h * rng.uniform(1.35, 2.2))
    ground = np.clip(np.full(3, rng.uniform(170, 255)) + rng.normal(0, 10, 3), 0, 255)
    ink = ink_on(rng, ground, 90)
    p = Patch(cols * cell + 6, rows * cell + 6, ground)
    glyph = font_writer(rng, h, test)
    thin, thick = max(1, int(h * rng.uniform(0.02, 0.08))), max(1, int(h * rng.uniform(0.06, 0.2)))
    every = 3 if not test else 2
    grey = np.clip(ink + rng.uniform(0, 90), 0, 255)
    two_digits, fill = rows != 9 and rng.random() < 0.5, rng.uniform(0.3, 0.9)
    if rng.random() < 0.2:
        for r in range(rows):
            for c in range(cols):
                if (r // every + c // every) % 2:
                    p.rectangle((c * cell + 3, r * cell + 3, (c + 1) * cell + 3, (r + 1) * cell + 3), ground * 0.88)
    for i in range(cols + 1):
        cv2.line(p.rgb, (3 + i * cell, 3), (3 + i * cell, 3 + rows * cell), [int(v) for v in grey], thick if i % every == 0 else thin)
    for i in range(rows + 1):
        cv2.line(p.rgb, (3, 3 + i * cell), (3 + cols * cell, 3 + i * cell), [int(v) for v in grey], thick if i % every == 0 else thin)
    squeeze = font_writer(rng, h * 0.75, test) if two_digits else glyph
    for r in range(rows):
        for c in range(cols):
            if rng.random() < fill:
                text = digits(rng, 1, 2) if two_digits else str(rng.integers(1, 10))
                x = 3 + (c + 0.5) * cell - measure(text, squeeze) / 2
                p.write(text, x, 3 + (r + 0.5) * cell + h * 0.5, squeeze, ink)
    return shade(rng, p)


def handwriting(rng, h, test):
    """Digits written with a pen, one writer, on paper with or without lines, or free on something."""
    free = rng.random() < 0.2
    ground = None if free else np.clip(np.full(3, rng.uniform(150, 255)) + rng.normal(0, 10, 3), 0, 255) if rng.random() < 0.85 else rng.uniform(10, 90, 3)
    ink = any_colour(rng) if free else ink_on(rng, ground, 80)
    style = (rng.uniform(0.42, 0.75), rng.uniform(-0.15, 0.4), rng.uniform(0.05, 0.15), rng.uniform(0.01, 0.08) if not test else rng.uniform(0.02, 0.07))
    rows, n = int(rng.integers(1, 4)), int(rng.integers(1, 8))
    p = Patch(int(h * (n * 0.95 + 1.2)), int(h * (rows * 1.5 + 0.8)), ground)
    if not free and rng.random() < 0.4:
        pitch, faint = int(h * rng.uniform(0.5, 1.5)), [int(v) for v in np.clip(ground * 0.85, 0, 255)]
        for y in range(pitch, p.rgb.shape[0], pitch):
            cv2.line(p.rgb, (0, y), (p.rgb.shape[1], y), faint, max(1, int(h * 0.02)))
        if rng.random() < 0.5:
            for x in range(pitch, p.rgb.shape[1], pitch):
                cv2.line(p.rgb, (x, 0), (x, p.rgb.shape[0]), faint, max(1, int(h * 0.02)))
    for r in range(rows):
        x = h * rng.uniform(0.3, 0.8)
        for char in digits(rng, max(1, n - 2), n):
            size = int(h * rng.uniform(0.88, 1.1))
            mask, dx, dy, advance = draw_glyphs.pen(rng, char, size, style)
            p.put(mask, x + dx, h * (1.4 + r * 1.5) + rng.normal(0, 0.05) * h + dy, ink, int(char))
            x += advance + h * rng.uniform(0.02, 0.3)
    return shade(rng, p if not free else p.frame_digits(h * 0.12), 0.15)


def bib(rng, h, test):
    """A starting number on cloth: one large number, words above and below, folds."""
    ground = np.array((245., 245, 245)) if rng.random() < 0.5 else any_colour(rng)
    ink = ink_on(rng, ground)
    glyph, tiny = font_writer(rng, h, test), font_writer(rng, max(6, h * 0.22), test)
    text = digits(rng, 1, 5)
    pad = h * rng.uniform(0.2, 0.6)
    p = Patch(int(measure(text, glyph) + 2 * pad), int(h * 2.0), ground)
    if rng.random() < 0.6:
        p.rectangle((0, 0, p.rgb.shape[1], h * 0.35), any_colour(rng))
        p.write(letters(rng, 4, 10), pad, h * 0.3, tiny, any_colour(rng))
    shadow = (0.03 * h, 0.03 * h, any_colour(rng)) if rng.random() < 0.2 else None
    p.write(text, pad, h * 1.5, glyph, ink, shadow=shadow)
    if rng.random() < 0.5:
        p.write(letters(rng, 3, 9), pad, h * 1.9, tiny, ink)
    x = np.arange(p.rgb.shape[1])
    fold = 1 + rng.uniform(0.05, 0.25) * np.sin(x / (h * rng.uniform(0.3, 1.5)) + rng.uniform(0, 6))
    p.rgb = np.clip(p.rgb * fold[None, :, None], 0, 255).astype(np.uint8)
    return p


def container(rng, h, test):
    """Codes painted on sheet metal or a wall: an owner's letters, a number, a boxed check digit, lines of weights below."""
    free = rng.random() < 0.6
    ground = None if free else any_colour(rng) * 0.8
    ink = rng.uniform(200, 255, 3) if rng.random() < 0.7 else any_colour(rng)
    if not free and abs(luma(ink) - luma(ground)) < 70:
        ground = ground * 0.35
    glyph = font_writer(rng, h, test)
    code = letters(rng, 4, 4) + " " + digits(rng, 6, 6) + " "
    small_rows = int(rng.integers(0, 5))
    small = font_writer(rng, max(8, h * 0.5), test)
    width = int(measure(code + "8", glyph) + h)
    p = Patch(width, int(h * (2.6 + small_rows * 0.75)), ground)
    x = p.write(code, h * 0.3, h * 1.3, glyph, ink)
    edge = x - h * 0.1
    x = p.write(str(rng.integers(10)), x, h * 1.3, glyph, ink)
    if rng.random() < 0.6:
        line = np.zeros(p.alpha.shape, np.uint8)
        cv2.rectangle(line, (int(edge), int(h * 0.12)), (int(x + h * 0.08), int(h * 1.45)), 255, max(1, int(h * 0.06)))
        p.put(line, 0, 0, ink)
    p.write(digits(rng, 2, 2) + letters(rng, 1, 1, "GRTU") + digits(rng, 1, 1), h * 0.3 + rng.uniform(0, 2) * h, h * 2.4, glyph, ink)
    for r in range(small_rows):
        text = letters(rng, 3, 6) + " " + digits(rng, 4, 5) + " KG " + digits(rng, 4, 5) + " LB"
        p.write(text, h * 0.3, h * (3.1 + r * 0.75), small, ink)
    return shade(rng, p if not free else p.frame_digits(h * 0.12))


def sign(rng, h, test):
    """Road and door signs: a disc with a limit, a board with places and distances."""
    if rng.random() < 0.4:
        glyph = font_writer(rng, h, test)
        text = digits(rng, 1, 3)
        r = int(max(measure(text, glyph), h) * rng.uniform(0.7, 0.95))
        ground = rng.choice([(250, 250, 250), (250, 210, 30), (25, 60, 160)]) + rng.normal(0, 5, 3)
        p = Patch(2 * r, 2 * r, np.clip(ground, 0, 255))
        if rng.random() < 0.7:
            cv2.circle(p.rgb, (r, r), int(r * 0.9), (200, 25, 30), int(r * rng.uniform(0.1, 0.22)), cv2.LINE_AA)
        p.write(text, r - measure(text, glyph) / 2, r + h * 0.5, glyph, ink_on(rng, ground, 80))
        if rng.random() < 0.7:
            p.round_corners(r)
        return shade(rng, p)
    ground = np.clip(rng.choice([(20, 100, 60), (25, 60, 160), (250, 250, 250), (110, 70, 40), (250, 205, 30)]) + rng.normal(0, 10, 3), 0, 255)
    ink = ink_on(rng, ground, 80)
    path = fonts.pick(rng, test)
    glyph = font_writer(rng, h, test, path)
    rows = []
    for _ in range(rng.integers(1, 4)):
        word = letters(rng, 2, 8, SMALL).capitalize() if rng.random() < 0.8 else ""
        rows.append((word + " " + digits(rng, 1, 3) + (str(rng.choice(["km", "m", "", ""]))))[:18])
    width = max(measure(t, glyph) for t in rows)
    p = Patch(int(width + h * 1.4), int(h * (len(rows) * 1.6 + 0.8)), ground)
    for i, text in enumerate(rows):
        word, _, number = text.partition(" ")
        p.write(word, h * 0.6, h * (1.5 + i * 1.6), glyph, ink)
        p.write(number, h * 0.8 + width - measure(number, glyph), h * (1.5 + i * 1.6), glyph, ink)
    if rng.random() < 0.6:
        p.rectangle((h * .1, h * .1, p.rgb.shape[1] - h * .1, p.rgb.shape[0] - h * .1), ink, max(1, int(h * 0.07)), h * rng.uniform(0, 0.4))
    if rng.random() < 0.5:
        p.round_corners(h * 0.4)
    return shade(rng, p)


def free_text(rng, h, test):
    """A number by itself on whatever is there; outlined or with a shadow, so that it can be read."""
    glyph = font_writer(rng, h, test)
    text = digits(rng, 1, 7)
    if rng.random() < 0.3 and len(text) > 2:
        at = int(rng.integers(1, len(text)))
        text = text[:at] + str(rng.choice(list(MARKS + " "))) + text[at:]
    p = Patch(int(measure(text, glyph, h * 0.1) + h), int(h * 2))
    ink = any_colour(rng)
    other = ink_on(rng, ink, 90)
    shadow = (rng.uniform(-.06, .06) * h, rng.uniform(-.06, .06) * h, other) if rng.random() < 0.7 else None
    p.write(text, h * 0.5, h * 1.5, glyph, ink, h * rng.uniform(0, 0.1), shadow=shadow)
    return p.frame_digits(h * 0.12)


def scoreboard(rng, h, test):
    """A dark board with several lamps' numbers and words between."""
    p = Patch(int(h * rng.uniform(6, 9)), int(h * rng.uniform(2.2, 4)), rng.uniform(0, 60, 3))
    path, words = fonts.pick(rng, test), font_writer(rng, max(7, h * 0.4), test)
    way, slant = rng.random(), float(rng.uniform(0, 0.12))
    thick = float(rng.uniform(0.1, 0.18))
    cell = ((lambda c: draw_glyphs.seven_segment(c, h, thick=thick, slant=slant)) if way < 0.45 else
            (lambda c: draw_glyphs.dot_matrix(path, c, h)) if way < 0.7 else font_writer(rng, h, test))
    y = h * 0.2
    while y + h * 1.2 < p.rgb.shape[0]:
        x = h * 0.3
        while x < p.rgb.shape[1] - h * 1.4:
            ink = rng.choice([(255, 60, 40), (255, 190, 40), (80, 255, 90), (245, 245, 245), (90, 160, 255)])
            if rng.random() < 0.7:
                x = p.write(digits(rng, 1, 2), x, y + h * 1.15, cell, ink, h * 0.15) + h * 0.5
            else:
                x = p.write(letters(rng, 2, 5), x, y + h, words, ink) + h * 0.4
        y += h * 1.4
    glow = cv2.GaussianBlur(p.rgb, (0, 0), max(0.6, h * 0.07))
    p.rgb = cv2.addWeighted(p.rgb, 1.0, glow, float(rng.uniform(0.1, 0.7)), 0)
    return shade(rng, p)


def words_only(rng, h, test):
    """No number at all: what must not be answered."""
    glyph = font_writer(rng, h, test)
    free = rng.random() < 0.5
    ground = None if free else any_colour(rng)
    text = " ".join(letters(rng, 2, 7, SMALL if rng.random() < 0.5 else CAPITALS) for _ in range(rng.integers(1, 3)))
    p = Patch(int(measure(text, glyph) + h), int(h * 2), ground)
    p.write(text, h * 0.5, h * 1.5, glyph, any_colour(rng) if free else ink_on(rng, ground))
    return p


def marks(rng, h, test):
    """Arrows, punctuation, strokes and small pictures: written, but no number."""
    free = rng.random() < 0.4
    ground = None if free else any_colour(rng)
    ink = any_colour(rng) if free else ink_on(rng, ground)
    glyph = font_writer(rng, h, test)
    n = int(rng.integers(1, 6))
    p = Patch(int(h * (n * 1.3 + 1)), int(h * 2), ground)
    for i in range(n):
        x, y = h * (0.5 + i * 1.3), h * 0.5
        mask = np.zeros((h + 4, h + 4), np.uint8)
        thick = max(1, int(h * rng.uniform(0.06, 0.2)))
        at = lambda u, v: (int(2 + u * h), int(2 + v * h))
        way = rng.integers(5)
        if way == 0:  # an arrow
            u = rng.random() < 0.5
            cv2.arrowedLine(mask, at(0.1, 0.5) if u else at(0.9, 0.5), at(0.9, 0.5) if u else at(0.1, 0.5), 255, thick, cv2.LINE_AA, 0, float(rng.uniform(0.2, 0.5)))
        elif way == 1:
            p.write(str(rng.choice(list("#%&()*+/<=>?@!;:$"))), x, y + h, glyph, ink)
            continue
        elif way == 2:  # strokes that cross and join, as characters of other scripts do
            for _ in range(rng.integers(3, 7)):
                a, b = rng.choice([0.05, 0.35, 0.65, 0.95], 2), rng.choice([0.05, 0.35, 0.65, 0.95], 2)
                cv2.line(mask, at(*a), at(*(b if rng.random() < 0.3 else (b[0], a[1]) if rng.random() < 0.5 else (a[0], b[1]))), 255, thick, cv2.LINE_AA)
        elif way == 3:  # a small picture
            for _ in range(rng.integers(2, 5)):
                if rng.random() < 0.5:
                    cv2.circle(mask, at(*rng.uniform(0.2, 0.8, 2)), max(1, int(h * rng.uniform(0.05, 0.2))), 255, thick if rng.random() < 0.5 else -1, cv2.LINE_AA)
                else:
                    cv2.fillPoly(mask, [np.array([at(*rng.uniform(0, 1, 2)) for _ in range(3)])], 255, cv2.LINE_AA)
        else:  # one smooth stroke
            curve = draw_glyphs.smooth(rng.uniform(0.05, 0.95, (int(rng.integers(3, 6)), 2)) * h + 2)
            cv2.polylines(mask, [np.round(curve * 8).astype(np.int32)], False, 255, thick, cv2.LINE_AA, 3)
        p.put(mask, x, y, ink)
    return shade(rng, p) if not free else p


# What is drawn: (kind, how often, about how many digit heights it is wide).
KINDS = ((plate, 12, 7), (house, 10, 4), (label, 9, 12), (price, 7, 5), (meter, 8, 9), (display, 14, 5), (grid, 4, 14), (handwriting, 10, 6),
         (bib, 6, 4), (container, 6, 11), (sign, 7, 5), (free_text, 7, 6), (scoreboard, 4, 8), (words_only, 9, 8), (marks, 6, 8))
NO_NUMBER = ("words_only", "marks")
# Those with an outline of their own, for the models that find plates.
FRAMED = tuple((kind, often, wide) for kind, often, wide in KINDS if kind not in (house, free_text, container))
MOST_WIDTH = 700  # pixels of a patch; what is shown larger than that has no finer detail


def draw(rng, h, test, kinds=KINDS):
    """Returns (name, patch, the digits' height in it): h, or less where the field is wide."""
    weights = np.array([often for _, often, _ in kinds], float)
    kind, _, wide = kinds[rng.choice(len(kinds), p=weights / weights.sum())]
    h = min(h, MOST_WIDTH // wide)
    patch = kind(rng, h, test)
    if patch.framed and rng.random() < 0.12:
        grain = texture(rng, patch.alpha.shape[1], patch.alpha.shape[0], test)
        patch.rgb = cv2.addWeighted(patch.rgb, 0.82, grain, 0.18, 0)
    return kind.__name__, patch, h
