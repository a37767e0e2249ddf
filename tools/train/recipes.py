"""One recipe per model: what it is called, what it learns from, how large it is, how long it trains. Widths are channels at strides
2, 4, 8, 16, 32; they keep each file near 1 MB with weights in half precision.

steps is the full recipe, on 100,000 scenes or more. The reduced one, which 2 CPU cores finish in 40 minutes, drawing included, makes a model of the same
network for small pictures, and is measured on those."""
import argparse
from dataclasses import dataclass, field, replace

import draw_fields


def _only(*left_out):
    return tuple(k for k in draw_fields.KINDS if k[0] not in left_out)


@dataclass(frozen=True)
class PoolRecipe:
    """What a pool of drawn scenes holds; several models learn from one."""
    size: int = 416  # of pictures
    kinds: tuple = field(default=draw_fields.KINDS, repr=False)
    sizes: tuple = (7.5, 330)  # heights of digits in pixels
    seed: int = 4


REDUCED_SIDE, REDUCED_SCENES = 256, 6000
POOLS = {"digits": PoolRecipe(), "plates": PoolRecipe(size=512, sizes=(11, 200), seed=5)}


@dataclass(frozen=True)
class Recipe:
    name: str
    task: str
    names: dict
    net: dict
    views: tuple  # sizes of training pictures, one after the other
    export_size: int  # of the network that ships, and of the test set's pictures
    steps: int
    batch: int  # pictures of the first of these sizes
    reduced: dict  # what of this the reduced recipe has otherwise
    describe: str
    limits: str
    marks: dict  # what the full recipe is held to
    reduced_marks: dict  # what the reduced one is held to
    defaults: dict  # of prediction: least confidence, overlap for suppression, whether suppression looks at classes
    pool: str = "plates"
    scenes: int = 100000  # of the pool
    rate: float = 3e-3
    sizes: tuple = (12, 330)  # heights of digits in the test set, in its pixels
    kinds: tuple = field(default=draw_fields.KINDS, repr=False)
    seed: int = 4
    extra_metadata: dict = field(default_factory=dict)
    side: int = 0  # of the pool's pictures; 0: as POOLS has it

    def smaller(self):
        """The reduced recipe."""
        how = {"views": (REDUCED_SIDE,), "export_size": REDUCED_SIDE, **self.reduced}
        return replace(self, scenes=REDUCED_SCENES, side=REDUCED_SIDE, marks=self.reduced_marks, **how)


DIGITS = {i: str(i) for i in range(10)}
SMALL = dict(widths=(16, 24, 40, 64, 80), depths=(1, 1, 1, 1))

RECIPES = {r.name: r for r in (
    Recipe("yolk-digits", "detect", DIGITS, dict(widths=(16, 32, 64, 64, 64), depths=(2, 2, 2, 1), fine=True, head=24, names=40), (416, 640), 640, 18900, 256,
           dict(steps=2800, batch=8), "finds the ten digits in a picture, one box each",
           "Digits lower than about 10 pixels at the network's input are hardly found; the test set has none below that. Letters that look like digits (O, I, l) may be answered as 0 and 1. "
           "Text turned by more than about 40 degrees was not learned.", {"map50": 0.97, "map50_95": 0.75}, {"map50": 0.77}, dict(conf=0.5, iou=0.5, agnostic=True), pool="digits", scenes=110000),
    Recipe("yolk-digit-cls", "classify", DIGITS, dict(widths=(24, 48, 80, 104), depths=(1, 1, 1)), (64,), 64, 80800, 1024,
           dict(steps=3000, batch=64, views=(64,), export_size=64), "names the one digit in a roughly square crop",
           "The digit has to be in the middle and fill half to all of the height; what is no digit gets a digit's name all the same.", {"top1": 0.98}, {"top1": 0.93}, {}, pool="digits"),
    Recipe("yolk-plate-obb", "obb", {0: "number"}, SMALL, (512, 640), 640, 7000, 64, dict(steps=2100, batch=8),
           "puts an oriented box around each number field, long side along the reading direction of one row",
           "Fields turned by more than about 40 degrees were not learned; a box is a rectangle, so strong perspective fits loosely.", {"map50": 0.95}, {"map50": 0.65}, dict(conf=0.4, iou=0.4),
           sizes=(16, 230), kinds=_only(draw_fields.container, draw_fields.label)),
    Recipe("yolk-plate-pose", "pose", {0: "plate"},
           dict(widths=(16, 32, 48, 64, 80), depths=(1, 1, 1, 2), fine=True, head=16, names=16, extra=32, n_points=4), (512, 640), 640, 22400, 288, dict(steps=2400, batch=8),
           "finds plates with numbers on them and their four corners (clockwise from the top left as read), each with its visibility",
           "A plate needs an outline that can be seen and corners that are not rounded off; numbers that stand free on a wall are not plates here. Corners are "
           "least exact, in proportion, on plates narrower than 60 pixels.", {"map50": 0.95, "corner_2_percent": 0.95}, {"map50": 0.6}, dict(conf=0.5, iou=0.5),
           sizes=(16, 230), kinds=draw_fields.FRAMED, scenes=120000, extra_metadata={"kpt_shape": [4, 3]}),
    Recipe("yolk-plate-seg", "segment", {0: "plate", 1: "digit"}, SMALL, (512, 640), 640, 9500, 64, dict(steps=2000, batch=8, views=(256, 512)),
           "masks of plates and of the digits in the picture",
           "Masks have a quarter of the input's resolution. They are convex outlines: a digit's mask is the area that it covers, not its strokes.", {"mask_map50": 0.93}, {"mask_map50": 0.6}, dict(conf=0.35, iou=0.6),
           sizes=(24, 230), kinds=draw_fields.FRAMED),
)}


def parser_of(*files):
    """The command line of a tool that works on one model: NAME FILES... [--reduced]; what else it takes is added by the tool."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=RECIPES)
    for file in files:
        parser.add_argument(file)
    parser.add_argument("--reduced", action="store_true", help="of the reduced recipe: small pictures, other marks")
    return parser


def recipe_of(name, reduced):
    return RECIPES[name].smaller() if reduced else RECIPES[name]
