#!/usr/bin/env python3
"""Draws examples/pictures: what `make demo` reads, and what the stored answers of tests/golden/models are about. Fonts and
textures are those of the test set, so no model has learned from them.

The stored answers belong to the pictures' bytes: draw them again only together with those (reference.py). Another version of the
drawing code draws other pictures.

usage: example_pictures.py OUT_DIR"""
import json
import os
import sys

import cv2

import draw_fields
import draw_scene

SEED = 77
# file, kind of field, index of the scene, side of the scene, part of it that is kept (x0, y0, x1, y1), what is written there
PICTURES = (
    ("meters", draw_fields.meter, 20, 640, (0, 110, 640, 640), ("8744938", "24096")),
    ("plates", draw_fields.plate, 23, 800, (150, 40, 800, 680), ("959541", "09 PVC 92")),
    ("prices", draw_fields.price, 20, 900, (0, 90, 900, 890), ("145.52", "57.50")),
    ("houses", draw_fields.house, 27, 640, (140, 0, 620, 640), ("9789", "851", "7")),
)
QUALITY = 75
MARGIN = 0.6  # half the side of a crop around one digit, in sides of its box


def write(path, rgb):
    cv2.imwrite(path, rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def main():
    out = sys.argv[1]
    os.makedirs(os.path.join(out, "digits"), exist_ok=True)
    written, wanted = {}, set("0123456789")
    for name, kind, index, side, (x0, y0, x1, y1), texts in PICTURES:
        truth = draw_scene.scene(SEED, index, side, True, ((kind, 1, 6),), (side * 60 / 640, side * 110 / 640))
        boxes = draw_scene.digit_boxes(truth, side)
        shown = sorted(str(int(row[0])) for row in boxes)
        if shown != sorted(c for text in texts for c in text if c.isdigit()):
            raise SystemExit(f"{name} shows {shown}: the drawing code has changed, and what is written there has to be listed again")
        picture = truth["image"][y0:y1, x0:x1]
        write(os.path.join(out, name + ".jpg"), picture)
        written[name + ".jpg"] = texts
        for digit, bx0, by0, bx1, by1 in boxes:
            if str(int(digit)) in wanted:
                wanted.discard(str(int(digit)))
                x, y, r = (bx0 + bx1) / 2, (by0 + by1) / 2, MARGIN * max(bx1 - bx0, by1 - by0)
                crop = truth["image"][max(0, int(y - r)):int(y + r), max(0, int(x - r)):int(x + r)]
                write(os.path.join(out, "digits", f"{int(digit)}.jpg"), crop)
    with open(os.path.join(out, "truth.json"), "w") as f:
        json.dump(written, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
