"""The fonts that numbers are drawn with, and which of them are kept for the test set.

Fonts come from the distribution's packages (fonts.txt) or, where YOLK_FONTS names a folder, from that folder. A family is in the
test set or in training, never in both; which one follows from a hash of its name, so it does not depend on what else is
installed.

usage: fonts.py pack OUT_DIR     smaller copies (ASCII only), for a machine that has no packages
       fonts.py list"""
import functools
import hashlib
import os
import sys

from PIL import ImageFont

FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts")
TEXT = "0123456789ABCDEFGHKLMNPRSTUVXYZabcdefghkmnprstuvxyz"
# Families whose digits are not digits: symbols, mathematics, other scripts, bar codes.
NOT_TEXT = ("symbol", "math", "dingbat", "emoji", "icon", "fourteen", "14segment", "ornament", "alttype", "garamond swash", "initials", "bars", "weather")
TEST_SHARE = 6  # one family in six


def _draws_digits(path):
    """Ten digits, all different, none of them empty: otherwise the labels would lie."""
    try:
        font = ImageFont.truetype(path, 40)
        shapes = [font.getmask(c) for c in "0123456789"]
        heights = [s.getbbox()[3] - s.getbbox()[1] for s in shapes]
        seen = {bytes(s) + bytes(str(s.size), "ascii") for s in shapes}
        letters = bytes(font.getmask("A")), bytes(font.getmask("\ufffe"))
        return len(seen) == 10 and min(heights) > 12 and max(heights) < 60 and letters[0] != letters[1]
    except (OSError, TypeError, ValueError):
        return False


@functools.cache
def families():
    """{family: [paths]}, sorted; every font that draws ten digits."""
    found = {}
    own = os.environ.get("YOLK_FONTS")
    for folder in (own,) if own else FOLDERS:
        for root, _, files in os.walk(folder):
            for name in sorted(files):
                path = os.path.join(root, name)
                if not name.lower().endswith((".ttf", ".otf")) or not _draws_digits(path):
                    continue
                family = ImageFont.truetype(path, 20).getname()[0]
                if family and not any(word in family.lower() for word in NOT_TEXT):
                    found.setdefault(family, []).append(path)
    return dict(sorted(found.items()))


def is_test(family):
    # The first word decides, so that relatives ("DejaVu Sans", "DejaVu Serif") stay together.
    word = family.split()[0].lower()
    return hashlib.sha256(word.encode()).digest()[0] % TEST_SHARE == 0


@functools.cache
def split(test):
    """A list of families (lists of paths) of one side. Raises where there are too few to be worth anything."""
    chosen = [paths for family, paths in families().items() if is_test(family) == test]
    if not chosen:
        raise SystemExit("no fonts found: install the packages that tools/train/fonts.txt lists, or set YOLK_FONTS")
    return chosen


@functools.lru_cache(maxsize=4096)
def load(path, size):
    return ImageFont.truetype(path, size)


def pick(rng, test):
    """A font's path: families are equally likely, however many weights they have."""
    paths = split(test)[rng.integers(len(split(test)))]
    return paths[rng.integers(len(paths))]


def pack(folder):
    from fontTools import subset
    os.makedirs(folder, exist_ok=True)
    for family, paths in families().items():
        for path in paths:
            options = subset.Options(hinting=False, layout_features=[], name_IDs=["*"], notdef_outline=True)
            try:
                font = subset.load_font(path, options)
                tool = subset.Subsetter(options)
                tool.populate(unicodes=range(32, 127))
                tool.subset(font)
                subset.save_font(font, os.path.join(folder, os.path.basename(path)), options)
            except Exception as error:  # a damaged font is left out, whatever its damage is
                print(f"{path}: {error}", file=sys.stderr)


if __name__ == "__main__":
    if sys.argv[1:2] == ["pack"]:
        pack(sys.argv[2])
    else:
        for family, paths in families().items():
            print("test " if is_test(family) else "train", len(paths), family)
